//! Why the rules say no. The words are for strangers; the code is stable.

use super::envelope::Status;
use super::field::ValueFault;
use super::ids::FieldId;

/// Why a command is refused. Nothing has happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The envelope is not where the command makes sense.
    #[error("The envelope is {}: it can't be {}.", .status.as_str(), done(.command))]
    WrongState {
        /// What the API shows.
        status: Status,
        /// [`Command::name`](super::command::Command::name).
        command: &'static str,
    },
    /// Everyone has signed; the seal is being made.
    #[error("Everyone has signed and the documents are being sealed: it is too late to withdraw.")]
    Sealing,
    /// A deleted draft.
    #[error("There is no such envelope.")]
    Discarded,
    /// The deadline has passed.
    #[error("The deadline of this envelope has passed.")]
    TooLate,
    /// Not one of this envelope's recipients.
    #[error("This person is not a recipient of the envelope.")]
    NotARecipient,
    /// Others act before.
    #[error("It is not this recipient's turn yet: {before} act before.")]
    NotYourTurn {
        /// How many.
        before: usize,
    },
    /// Signed or declined already.
    #[error("This recipient has already acted.")]
    AlreadyActed,
    /// Signing without having opened the documents.
    #[error("The documents have not been opened yet.")]
    NotOpened,
    /// Only some of the signers have a field to sign in, or none where the configuration wants them.
    #[error("Recipient {number} ({email}) has no signature field.")]
    SignerWithoutField {
        /// Counted from 1.
        number: usize,
        /// The address.
        email: String,
    },
    /// `expiresAt` lies in the past by now.
    #[error("`expiresAt` has passed: set a later one before sending.")]
    ExpiresInThePast,
    /// What was signed, frozen or sealed is not what the envelope holds.
    #[error("The documents are not those of the envelope.")]
    DocumentsDiffer,
    /// Something is missing or wrong in the fields.
    #[error("Some fields are missing or not as they should be.")]
    FieldValues(Vec<(FieldId, ValueFault)>),
    /// A signature or initials are asked for and none were adopted.
    #[error("A signature has not been adopted yet.")]
    MarkMissing,
}

/// `send` as in "can't be sent".
fn done(command: &str) -> &'static str {
    match command {
        "edit" => "changed",
        "send" => "sent",
        "delete" => "deleted",
        "void" => "withdrawn",
        "view" => "opened",
        "sign" => "signed",
        "decline" => "declined",
        _ => "treated so",
    }
}

impl Refusal {
    /// The stable code of the API: upstream's own values verbatim, ours in lower snake case.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongState { .. } => "CONFLICT",
            Self::Sealing => "sealing",
            Self::Discarded => "NOT FOUND",
            Self::TooLate => "deadline_passed",
            Self::NotARecipient => "not_a_recipient",
            Self::NotYourTurn { .. } => "not_your_turn",
            Self::AlreadyActed => "already_acted",
            Self::NotOpened => "not_opened",
            Self::SignerWithoutField { .. } => "signer_without_field",
            Self::ExpiresInThePast => "expires_in_the_past",
            Self::DocumentsDiffer => "documents_differ",
            Self::FieldValues(_) => "field_values",
            Self::MarkMissing => "mark_missing",
        }
    }
}
