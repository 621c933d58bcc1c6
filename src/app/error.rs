//! Why a use case did not do what was asked. Nobody above sees the floors' own errors.

use crate::domain::problem::Problem;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Scope;
use crate::{store, vault, worker};

/// Why not. Its text is for strangers; the cause of what is internal goes to the log only.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules of the envelope say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Faults of what was sent, all at once.
    #[error("{}", .0.first().map_or("The request is not valid.", |p| p.message.as_str()))]
    Invalid(Vec<Problem>),
    /// No valid API key, session or link.
    #[error("The API key is missing, mistyped or revoked.")]
    Unauthorized,
    /// The key lacks a scope.
    #[error("Insufficient scope: {0} required")]
    Lacks(Scope),
    /// Not allowed, with the reason.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is nothing of that id in the caller's environment.
    #[error("There is no {0} with this id.")]
    NotFound(&'static str),
    /// The object is in a state in which this can't be done.
    #[error("{message}")]
    Conflict {
        /// The stable code.
        code: &'static str,
        /// For strangers.
        message: String,
    },
    /// The uploaded document can't be accepted.
    #[error("{message}")]
    Document {
        /// The stable code, `document_…`.
        code: String,
        /// What is wrong, and where.
        message: String,
    },
    /// Not a PDF.
    #[error("The file is not a PDF: it begins with {0}.")]
    NotAPdf(&'static str),
    /// Larger than allowed.
    #[error("The file is larger than {} MB.", .bytes_max / 1_000_000)]
    TooLarge {
        /// The bound.
        bytes_max: u64,
    },
    /// A webhook's address is refused.
    #[error("{0}")]
    UrlRejected(String),
    /// The same Idempotency-Key with another request.
    #[error("This Idempotency-Key was used for another request.")]
    IdempotencyReused,
    /// The first call with this Idempotency-Key is still running.
    #[error("The first call with this Idempotency-Key is still running.")]
    IdempotencyRunning,
    /// Too much waits; try again.
    #[error("The server is busy.")]
    Unavailable,
    /// The seal's key can't be used.
    #[error("The seal key is unusable: {0}")]
    SealUnavailable(String),
    /// Too little room on the disk.
    #[error("The server has no room for more documents.")]
    Full,
    /// Something broke here.
    #[error("Something went wrong here.")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Something broke here, for this reason.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// What went wrong, for the log, the trail and the administrators: of what is internal, the cause.
    pub(crate) fn with_cause(&self) -> String {
        match self {
            Self::Internal(cause) => cause.to_string(),
            other => other.to_string(),
        }
    }

    /// One fault at one place.
    pub fn invalid(pointer: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem::new(pointer.to_owned(), code, message.into())])
    }

    /// A state that forbids it.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict {
            code,
            message: message.into(),
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unavailable => Self::Unavailable,
            store::Error::Full => Self::Full,
            store::Error::Conflict(what) => {
                Self::conflict("CONFLICT", format!("The {what} was changed meanwhile."))
            }
            store::Error::LimitReached(what) => Self::conflict(
                "limit_reached",
                format!("There are as many {what} as an environment may have."),
            ),
            store::Error::Missing(what) => Self::NotFound(what),
            // Two calls with one Idempotency-Key ran at once: the first has won, and its reply is there for the next try.
            store::Error::Duplicate("reply") => Self::IdempotencyRunning,
            error @ (store::Error::Duplicate(_)
            | store::Error::Damaged { .. }
            | store::Error::NewerSchema { .. }
            | store::Error::OlderSchema { .. }
            | store::Error::Database(_)) => Self::internal(error),
        }
    }
}

impl From<vault::Error> for Error {
    fn from(error: vault::Error) -> Self {
        match error {
            vault::Error::TooLarge { bytes_max } => Self::TooLarge { bytes_max },
            vault::Error::Full => Self::Full,
            error @ (vault::Error::Missing(_)
            | vault::Error::Damaged(_)
            | vault::Error::Busy
            | vault::Error::Flush
            | vault::Error::Io { .. }) => Self::internal(error),
        }
    }
}

impl From<worker::Error> for Error {
    fn from(error: worker::Error) -> Self {
        match error {
            worker::Error::Refused(refusal) => Self::Document {
                message: match refusal.offset {
                    Some(offset) => format!("{} (at byte {offset})", refusal.reason),
                    None => refusal.reason,
                },
                code: refusal.code,
            },
            // Without a document's fault: too many wait, or the processor was too busy to get on with it.
            worker::Error::Busy | worker::Error::TooSlow => Self::Unavailable,
            worker::Error::Unusable(_) => Self::internal(error),
            worker::Error::TimedOut
            | worker::Error::TooMuchOutput(_)
            | worker::Error::Crashed(_) => Self::Document {
                code: "document_unrenderable".to_owned(),
                message: format!("The document can't be shown here: {error}."),
            },
        }
    }
}
