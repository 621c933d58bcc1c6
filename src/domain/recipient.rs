//! Recipients: who is asked, in what role, and how far they are.

use super::contact::{EmailAddress, PersonName};
use super::envelope::SignatureEvidence;
use super::ids::RecipientId;
use super::time::Timestamp;

/// What a recipient is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// Signs.
    Signer,
}

impl Role {
    /// Names of the API that this version refuses with `not_available`.
    pub const WAITING: [&'static str; 3] = ["APPROVER", "VIEWER", "CARBON_COPY"];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signer => "SIGNER",
        }
    }
}

/// One recipient of an envelope, as its sender defined it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recipient {
    /// Its id, kept over edits that keep the id or the address.
    pub id: RecipientId,
    /// Where the invitation goes.
    pub email: EmailAddress,
    /// How pages and mails name the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<PersonName>,
    /// What is asked.
    pub role: Role,
    /// The place in the sequence as given; what counts is [`Definition::turn_of`](super::definition::Definition::turn_of).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u16>,
    /// How often the link was made anew; the link's token follows from it.
    pub generation: u32,
}

impl Recipient {
    /// The name, or else the address.
    pub fn shown_as(&self) -> &str {
        self.name
            .as_ref()
            .map_or(self.email.as_str(), PersonName::as_str)
    }
}

/// How far a recipient is, as the API shows it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RecipientStatus {
    /// Not invited yet.
    Pending,
    /// Invited.
    Sent,
    /// Opened the documents.
    Viewed,
    /// Signed.
    Signed,
    /// Refused to sign.
    Declined,
}

impl RecipientStatus {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Sent => "SENT",
            Self::Viewed => "VIEWED",
            Self::Signed => "SIGNED",
            Self::Declined => "DECLINED",
        }
    }
}

/// What a recipient has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Progress {
    /// When first invited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_at: Option<Timestamp>,
    /// When the documents were first opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewed_at: Option<Timestamp>,
    /// When signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<Timestamp>,
    /// When declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined_at: Option<Timestamp>,
    /// What the signature consists of and commits to, once signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Box<SignatureEvidence>>,
}

impl Progress {
    /// The furthest step taken.
    pub fn status(&self) -> RecipientStatus {
        if self.declined_at.is_some() {
            RecipientStatus::Declined
        } else if self.signed_at.is_some() {
            RecipientStatus::Signed
        } else if self.viewed_at.is_some() {
            RecipientStatus::Viewed
        } else if self.invited_at.is_some() {
            RecipientStatus::Sent
        } else {
            RecipientStatus::Pending
        }
    }

    /// Whether this recipient is done and can't act again.
    pub fn has_acted(&self) -> bool {
        self.signed_at.is_some() || self.declined_at.is_some()
    }
}
