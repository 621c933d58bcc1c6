//! What happened. An event is a fact: it is applied, kept in the audit trail for decades, and never refused.
//!
//! The serialised form of every variant is held by a snapshot (`event_bodies`). A stored event is never rewritten, so a shape
//! may only gain optional members; anything else is a new body version in [`audit`](super::audit).

use super::definition::Definition;
use super::digest::Digest;
use super::envelope::{Consent, FrozenDocument, Sealed, SignatureEvidence};
use super::environment::Environment;
use super::ids::{DocumentId, EnvelopeId, MailId, RecipientId};
use super::time::Timestamp;

mod system;

pub use system::{CertificateUse, DeniedBecause, SystemEvent};

/// What happened to an envelope. The name of each in the trail is its `rename`.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "name", content = "data", rename_all_fields = "camelCase")]
pub enum Event {
    /// A draft was made. Always the first.
    #[serde(rename = "envelope.created")]
    Created {
        /// Which.
        id: EnvelopeId,
        /// Where.
        environment: Environment,
        /// What is to be signed, by whom.
        definition: Box<Definition>,
    },
    /// A draft was changed.
    #[serde(rename = "envelope.edited")]
    Edited {
        /// The whole new definition.
        definition: Box<Definition>,
    },
    /// Personal links exist from now on.
    #[serde(rename = "link.created")]
    LinksCreated {
        /// Whose, and which generation.
        links: Vec<Link>,
    },
    /// The draft was frozen; the first turn is invited.
    #[serde(rename = "envelope.sent")]
    Sent {
        /// The documents with their digests: what everybody signs.
        documents: Vec<FrozenDocument>,
        /// SHA-256 of the definition's stored form.
        definition_sha256: Digest,
        /// When it expires.
        expires_at: Timestamp,
        /// Who is invited at once.
        invited: Vec<RecipientId>,
    },
    /// The next turn is invited.
    #[serde(rename = "recipient.invited")]
    Invited {
        /// Who.
        recipients: Vec<RecipientId>,
    },
    /// Mails were put into the outbox, one for each recipient.
    #[serde(rename = "mail.queued")]
    MailQueued {
        /// What they say.
        message: Message,
        /// To whom.
        recipients: Vec<RecipientId>,
    },
    /// A recipient opened the documents for the first time.
    #[serde(rename = "recipient.viewed")]
    Viewed {
        /// Who.
        by: RecipientId,
    },
    /// A recipient agreed to sign electronically.
    #[serde(rename = "consent.given")]
    ConsentGiven {
        /// Who.
        by: RecipientId,
        /// To which text.
        consent: Consent,
    },
    /// A recipient signed.
    #[serde(rename = "recipient.signed")]
    Signed {
        /// Who.
        by: RecipientId,
        /// What the signature consists of and commits to.
        evidence: Box<SignatureEvidence>,
    },
    /// The last one acted: the seal can be made.
    #[serde(rename = "envelope.all_acted")]
    AllActed,
    /// The sealed files are durable.
    #[serde(rename = "envelope.completed")]
    Completed {
        /// One for each document, in their order.
        sealed: Vec<Sealed>,
    },
    /// A recipient refused.
    #[serde(rename = "envelope.declined")]
    Declined {
        /// Who.
        by: RecipientId,
        /// Why.
        reason: String,
    },
    /// The sender withdrew it.
    #[serde(rename = "envelope.voided")]
    Voided {
        /// Why.
        reason: Option<String>,
    },
    /// The deadline passed.
    #[serde(rename = "envelope.expired")]
    Expired {
        /// Who had not acted.
        missing: Vec<RecipientId>,
    },
    /// A draft was deleted.
    #[serde(rename = "envelope.discarded")]
    Discarded,
    /// The seal waits for an operator.
    #[serde(rename = "seal.parked")]
    SealParked {
        /// For what.
        reason: String,
    },
    /// The seal is tried again.
    #[serde(rename = "seal.resumed")]
    SealResumed,
    /// An attempt to seal failed.
    #[serde(rename = "seal.failed")]
    SealFailed {
        /// Which attempt, from 1.
        attempt: u32,
        /// What went wrong.
        reason: String,
    },
    /// A mail server took a mail.
    #[serde(rename = "mail.accepted")]
    MailAccepted(MailAnswer),
    /// A mail server refused a mail for good.
    #[serde(rename = "mail.refused")]
    MailRefused(MailAnswer),
    /// A link was fetched.
    #[serde(rename = "link.fetched")]
    LinkFetched {
        /// Whose.
        recipient: RecipientId,
    },
    /// A document was shown to a recipient.
    #[serde(rename = "document.served")]
    DocumentServed {
        /// To whom.
        recipient: RecipientId,
        /// Which.
        document: DocumentId,
    },
    /// Files left the appliance.
    #[serde(rename = "document.downloaded")]
    Downloaded(Download),
    /// The audit trail's own file is durable: the one that is given out from now on.
    #[serde(rename = "trail.kept")]
    TrailKept(KeptTrail),
}

/// The audit trail of an ended envelope as a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptTrail {
    /// Of the file.
    pub sha256: Digest,
    /// Bytes.
    pub size: u64,
    /// The newest entry that it shows.
    pub version: u64,
}

/// A recipient's personal link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Whose.
    pub recipient: RecipientId,
    /// Which of that recipient's links, from 1.
    pub generation: u32,
}

/// What a mail to a recipient says.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Please sign; also "your turn".
    Invitation,
    /// Everyone has signed; here are the documents.
    Completed,
    /// Someone refused; nothing to do any more.
    Declined,
    /// The sender withdrew it.
    Withdrawn,
    /// The deadline has passed.
    Expired,
}

impl Message {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Invitation,
        Self::Completed,
        Self::Declined,
        Self::Withdrawn,
        Self::Expired,
    ];

    /// As stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Completed => "completed",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
        }
    }
}

/// What a mail server said about one mail.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailAnswer {
    /// Which mail.
    pub mail: MailId,
    /// What it said.
    pub message: Message,
    /// To whom it went.
    pub recipient: RecipientId,
    /// The server's words, cut and cleaned.
    pub answer: String,
}

/// Files that left the appliance; the origin says to whom.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Download {
    /// Which files of the envelope.
    pub what: Downloadable,
    /// Which documents; empty for the audit trail.
    pub documents: Vec<DocumentId>,
}

/// Kinds of files that an envelope gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Downloadable {
    /// The documents before the seal.
    Unsigned,
    /// The sealed documents.
    Signed,
    /// The audit trail.
    AuditTrail,
}

/// Names that webhooks know.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub enum EventName {
    /// A draft was made.
    #[serde(rename = "envelope.created")]
    EnvelopeCreated,
    /// It was sent.
    #[serde(rename = "envelope.sent")]
    EnvelopeSent,
    /// The sealed files are durable.
    #[serde(rename = "envelope.completed")]
    EnvelopeCompleted,
    /// Someone refused.
    #[serde(rename = "envelope.declined")]
    EnvelopeDeclined,
    /// The sender withdrew it.
    #[serde(rename = "envelope.voided")]
    EnvelopeVoided,
    /// The deadline passed.
    #[serde(rename = "envelope.expired")]
    EnvelopeExpired,
    /// Someone opened the documents.
    #[serde(rename = "recipient.viewed")]
    RecipientViewed,
    /// Someone signed.
    #[serde(rename = "recipient.signed")]
    RecipientSigned,
}

impl EventName {
    /// All that this version sends.
    pub const ALL: [Self; 8] = [
        Self::EnvelopeCreated,
        Self::EnvelopeSent,
        Self::EnvelopeCompleted,
        Self::EnvelopeDeclined,
        Self::EnvelopeVoided,
        Self::EnvelopeExpired,
        Self::RecipientViewed,
        Self::RecipientSigned,
    ];
    /// Names of the API that this version refuses with `not_available`.
    pub const WAITING: [&'static str; 4] = [
        "envelope.returned_to_sender",
        "envelope.resubmitted",
        "recipient.approved",
        "webhook.test",
    ];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EnvelopeCreated => "envelope.created",
            Self::EnvelopeSent => "envelope.sent",
            Self::EnvelopeCompleted => "envelope.completed",
            Self::EnvelopeDeclined => "envelope.declined",
            Self::EnvelopeVoided => "envelope.voided",
            Self::EnvelopeExpired => "envelope.expired",
            Self::RecipientViewed => "recipient.viewed",
            Self::RecipientSigned => "recipient.signed",
        }
    }
}

/// What must be done because an event happened; stored in the event's own transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FollowUp {
    /// One mail for each recipient.
    Mail {
        /// What it says.
        message: Message,
        /// To whom.
        recipients: Vec<RecipientId>,
    },
    /// A job that seals, due at once.
    Seal,
    /// A job that expires the envelope, due at that moment.
    ExpireAt(Timestamp),
}

impl Event {
    /// Its name in the trail.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "envelope.created",
            Self::Edited { .. } => "envelope.edited",
            Self::LinksCreated { .. } => "link.created",
            Self::Sent { .. } => "envelope.sent",
            Self::Invited { .. } => "recipient.invited",
            Self::MailQueued { .. } => "mail.queued",
            Self::Viewed { .. } => "recipient.viewed",
            Self::ConsentGiven { .. } => "consent.given",
            Self::Signed { .. } => "recipient.signed",
            Self::AllActed => "envelope.all_acted",
            Self::Completed { .. } => "envelope.completed",
            Self::Declined { .. } => "envelope.declined",
            Self::Voided { .. } => "envelope.voided",
            Self::Expired { .. } => "envelope.expired",
            Self::Discarded => "envelope.discarded",
            Self::SealParked { .. } => "seal.parked",
            Self::SealResumed => "seal.resumed",
            Self::SealFailed { .. } => "seal.failed",
            Self::MailAccepted(_) => "mail.accepted",
            Self::MailRefused(_) => "mail.refused",
            Self::LinkFetched { .. } => "link.fetched",
            Self::DocumentServed { .. } => "document.served",
            Self::Downloaded(_) => "document.downloaded",
            Self::TrailKept(_) => "trail.kept",
        }
    }

    /// What must be done because of it.
    pub fn follow_ups(&self) -> Vec<FollowUp> {
        match self {
            Self::MailQueued {
                message,
                recipients,
            } => {
                vec![FollowUp::Mail {
                    message: *message,
                    recipients: recipients.clone(),
                }]
            }
            Self::AllActed | Self::SealResumed => vec![FollowUp::Seal],
            Self::Sent { expires_at, .. } => vec![FollowUp::ExpireAt(*expires_at)],
            _ => Vec::new(),
        }
    }

    /// The name under which webhooks hear of it, if they do.
    pub const fn announced_as(&self) -> Option<EventName> {
        match self {
            Self::Created { .. } => Some(EventName::EnvelopeCreated),
            Self::Sent { .. } => Some(EventName::EnvelopeSent),
            Self::Completed { .. } => Some(EventName::EnvelopeCompleted),
            Self::Declined { .. } => Some(EventName::EnvelopeDeclined),
            Self::Voided { .. } => Some(EventName::EnvelopeVoided),
            Self::Expired { .. } => Some(EventName::EnvelopeExpired),
            Self::Viewed { .. } => Some(EventName::RecipientViewed),
            Self::Signed { .. } => Some(EventName::RecipientSigned),
            _ => None,
        }
    }

    /// The one recipient whom it is about, where it is about one.
    pub const fn recipient(&self) -> Option<RecipientId> {
        match self {
            Self::Viewed { by }
            | Self::ConsentGiven { by, .. }
            | Self::Signed { by, .. }
            | Self::Declined { by, .. } => Some(*by),
            Self::LinkFetched { recipient } | Self::DocumentServed { recipient, .. } => {
                Some(*recipient)
            }
            Self::MailAccepted(answer) | Self::MailRefused(answer) => Some(answer.recipient),
            _ => None,
        }
    }

    /// Whether it is evidence alone: it moves the version and nothing else.
    pub const fn is_note(&self) -> bool {
        matches!(
            self,
            Self::MailQueued { .. }
                | Self::LinksCreated { .. }
                | Self::ConsentGiven { .. }
                | Self::SealFailed { .. }
                | Self::MailAccepted(_)
                | Self::MailRefused(_)
                | Self::LinkFetched { .. }
                | Self::DocumentServed { .. }
                | Self::Downloaded(_)
                | Self::TrailKept(_)
        )
    }

    /// Whether what was tried succeeded.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::SealFailed { .. } | Self::SealParked { .. } | Self::MailRefused(_) => {
                Outcome::Failure
            }
            _ => Outcome::Success,
        }
    }

    /// Digests of files that it vouches for.
    pub fn digests(&self) -> Vec<Digest> {
        match self {
            Self::Sent { documents, .. } => documents.iter().map(|d| d.sha256).collect(),
            Self::Signed { evidence, .. } => evidence.digests(),
            Self::ConsentGiven { consent, .. } => vec![consent.sha256],
            Self::Completed { sealed } => sealed.iter().map(|s| s.sha256).collect(),
            Self::TrailKept(kept) => vec![kept.sha256],
            _ => Vec::new(),
        }
    }
}

/// How what was tried ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It happened.
    Success,
    /// It was refused or failed.
    Failure,
}
