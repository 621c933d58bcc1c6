//! What the store couldn't do. No type of the database library gets out: what it said is the `source`, for the log.

use std::fmt;

/// What the store couldn't do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too much waits, or the database was held too long by another process: try again in a moment. Nothing was written.
    #[error("the store is busy")]
    Unavailable,
    /// The disk is full. Nothing of this change was written.
    #[error("the storage is full")]
    Full,
    /// Somebody else changed the row first, or it isn't what the caller believed: nothing was written.
    #[error("{0} was changed meanwhile")]
    Conflict(&'static str),
    /// The environment has as many of these as it may have: nothing was written.
    #[error("there are as many {0} as there may be")]
    LimitReached(&'static str),
    /// A row with this key is there already: nothing was written.
    #[error("{0} exists already")]
    Duplicate(&'static str),
    /// No such row (in this environment).
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// A row can't be read back as what was written: rot, or somebody's hand.
    #[error("the database holds an unreadable {what}")]
    Damaged {
        /// Which kind of row or value.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        source: Cause,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "the database has schema {found}, this program knows {known}: it was written by a newer version"
    )]
    NewerSchema {
        /// In the file.
        found: u32,
        /// The newest of this program.
        known: u32,
    },
    /// The database has yet to be migrated; `serve` and `migrate` do that.
    #[error("the database has schema {found}, this program wants {known}: it has to be migrated")]
    OlderSchema {
        /// In the file.
        found: u32,
        /// What this program wants.
        known: u32,
    },
    /// Everything else that the database says.
    #[error("the database failed")]
    Database(#[source] Cause),
}

/// Something below, kept for the log.
pub struct Cause(Box<dyn std::error::Error + Send + Sync>);

impl Cause {
    pub(super) fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl Error {
    /// A value that can't be read back.
    pub(super) fn damaged(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Damaged {
            what,
            source: Cause::new(source),
        }
    }

    /// A UNIQUE or PRIMARY KEY constraint refused, else as usual.
    pub(super) fn duplicate(what: &'static str) -> impl FnOnce(rusqlite::Error) -> Self {
        move |error| match error.sqlite_error().map(|e| e.extended_code) {
            Some(
                rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
                | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
            ) => Self::Duplicate(what),
            _ => error.into(),
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                Self::Unavailable
            }
            _ => Self::Database(Cause::new(error)),
        }
    }
}
