//! The status that the API shows.

use std::fmt;
use std::str::FromStr;

/// The status that the API shows.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Being written.
    Draft,
    /// Sent; nobody has opened it.
    Sent,
    /// Somebody opened it.
    Delivered,
    /// Somebody signed it.
    PartiallySigned,
    /// The sealed files are durable.
    Completed,
    /// Somebody refused.
    Declined,
    /// The sender withdrew it.
    Voided,
    /// The deadline passed.
    Expired,
}

/// Why a text is no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a status")]
pub struct InvalidStatus;

impl Status {
    /// All that this version knows.
    pub const ALL: [Self; 8] = [
        Self::Draft,
        Self::Sent,
        Self::Delivered,
        Self::PartiallySigned,
        Self::Completed,
        Self::Declined,
        Self::Voided,
        Self::Expired,
    ];
    /// Names of the API that this version refuses with `not_available`.
    pub const WAITING: [&'static str; 2] = ["SCHEDULED", "RETURNED_TO_SENDER"];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Sent => "SENT",
            Self::Delivered => "DELIVERED",
            Self::PartiallySigned => "PARTIALLY_SIGNED",
            Self::Completed => "COMPLETED",
            Self::Declined => "DECLINED",
            Self::Voided => "VOIDED",
            Self::Expired => "EXPIRED",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = InvalidStatus;

    fn from_str(text: &str) -> Result<Self, InvalidStatus> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or(InvalidStatus)
    }
}
