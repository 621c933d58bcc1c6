//! What someone wants of an envelope.

use super::definition::Definition;
use super::envelope::{FrozenDocument, Sealed, SignatureEvidence};
use super::event::{Download, Event, KeptTrail, MailAnswer};
use super::ids::{DocumentId, RecipientId};
use std::time::Duration;

/// What someone wants. Whether it may be is for [`Envelope::decide`](super::envelope::Envelope::decide) to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Replace the definition of a draft.
    Edit(Box<Definition>),
    /// Freeze the draft and invite.
    Send(Dispatch),
    /// Discard a draft; withdraw what was sent.
    Delete {
        /// Why, for the recipients.
        reason: Option<String>,
    },
    /// Withdraw what was sent.
    Void {
        /// Why, for the recipients.
        reason: Option<String>,
    },
    /// Open the documents.
    View {
        /// Who looks.
        by: RecipientId,
    },
    /// Sign all documents.
    Sign {
        /// Who signs.
        by: RecipientId,
        /// What with, and what was agreed to.
        evidence: Box<SignatureEvidence>,
    },
    /// Refuse to sign.
    Decline {
        /// Who refuses.
        by: RecipientId,
        /// Why.
        reason: String,
    },
    /// End it because its deadline has passed; in vain where it hasn't.
    Expire,
    /// The sealed files are durable.
    RecordSeal {
        /// One for each document, in their order.
        sealed: Vec<Sealed>,
    },
    /// The seal can't be made until an operator acts.
    ParkSeal {
        /// What is missing.
        reason: String,
    },
    /// Try the seal again.
    ResumeSeal,
    /// Keep evidence that changes nothing else.
    Note(Note),
}

/// What sending needs to know beyond the draft.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// The documents as they are now, one for each of the draft's, in their order.
    pub documents: Vec<FrozenDocument>,
    /// How long it stays open where the draft names no end.
    pub expires_after: Duration,
    /// Whether signers without any field are refused instead of given a signature page.
    pub require_fields: bool,
}

/// Evidence: true in any state, and moves only the version.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// A mail server took a mail.
    MailAccepted(MailAnswer),
    /// A mail server refused a mail for good.
    MailRefused(MailAnswer),
    /// A recipient's link was fetched: by a person or by a scanner.
    LinkFetched {
        /// Whose link.
        recipient: RecipientId,
    },
    /// A document was shown to a recipient.
    DocumentServed {
        /// To whom.
        recipient: RecipientId,
        /// Which.
        document: DocumentId,
    },
    /// Files left the appliance.
    Downloaded(Download),
    /// An attempt to seal failed and will be repeated.
    SealFailed {
        /// Which attempt, from 1.
        attempt: u32,
        /// What went wrong.
        reason: String,
    },
    /// The audit trail's own file is durable.
    TrailKept(KeptTrail),
}

impl From<Note> for Event {
    fn from(note: Note) -> Self {
        match note {
            Note::MailAccepted(answer) => Self::MailAccepted(answer),
            Note::MailRefused(answer) => Self::MailRefused(answer),
            Note::LinkFetched { recipient } => Self::LinkFetched { recipient },
            Note::DocumentServed {
                recipient,
                document,
            } => Self::DocumentServed {
                recipient,
                document,
            },
            Note::Downloaded(download) => Self::Downloaded(download),
            Note::SealFailed { attempt, reason } => Self::SealFailed { attempt, reason },
            Note::TrailKept(kept) => Self::TrailKept(kept),
        }
    }
}

impl Command {
    /// Its name, for refusals and the printed matrix.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Edit(_) => "edit",
            Self::Send(_) => "send",
            Self::Delete { .. } => "delete",
            Self::Void { .. } => "void",
            Self::View { .. } => "view",
            Self::Sign { .. } => "sign",
            Self::Decline { .. } => "decline",
            Self::Expire => "expire",
            Self::RecordSeal { .. } => "record_seal",
            Self::ParkSeal { .. } => "park_seal",
            Self::ResumeSeal => "resume_seal",
            Self::Note(_) => "note",
        }
    }
}
