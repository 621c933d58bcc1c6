//! The two worlds of the product: what is made in one is invisible in the other.

use std::fmt;
use std::str::FromStr;

/// Live or test. Test envelopes are watermarked, sealed by a test certificate, and send nothing to the outside.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Legally binding.
    Live,
    /// For trying out.
    Test,
}

/// Why a text is no environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an environment: `live` or `test` is wanted")]
pub struct InvalidEnvironment;

impl Environment {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Live, Self::Test];

    /// `live` or `test`: on the wire, in the database, as a folder's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Environment {
    type Err = InvalidEnvironment;

    fn from_str(text: &str) -> Result<Self, InvalidEnvironment> {
        Self::ALL
            .into_iter()
            .find(|e| e.as_str() == text)
            .ok_or(InvalidEnvironment)
    }
}
