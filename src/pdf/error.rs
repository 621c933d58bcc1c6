//! Why a file is refused: a stable code, a reason in words and the byte offset.

use std::fmt;
use std::io;

/// What kind of refusal; the API's error code of a 422.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The file breaks a rule of the format, or a bound of the reader.
    Malformed,
    /// A trailer names an `/Encrypt` dictionary.
    Encrypted,
    /// The file has a signature, a time-stamp or usage rights already.
    AlreadySigned,
    /// More pages than the limit.
    TooManyPages,
    /// What it shows can't be said from its pages: dynamic XFA.
    Unrenderable,
    /// It has actions, attachments or media that signers would not see.
    ActiveContent,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 6] = [
        Self::Malformed,
        Self::Encrypted,
        Self::AlreadySigned,
        Self::TooManyPages,
        Self::Unrenderable,
        Self::ActiveContent,
    ];

    /// The code as the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "document_malformed",
            Self::Encrypted => "document_encrypted",
            Self::AlreadySigned => "document_already_signed",
            Self::TooManyPages => "document_too_many_pages",
            Self::Unrenderable => "document_unrenderable",
            Self::ActiveContent => "document_active_content",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is at fault.
    #[error("{code}: {reason}{}", At(*offset))]
    Refused {
        /// What kind of refusal.
        code: Code,
        /// What is wrong and with which object, for a person.
        reason: String,
        /// Bytes from the start of the file, where one place can be named.
        offset: Option<u64>,
    },
    /// The disk is at fault.
    #[error("the file could not be read: {0}")]
    Read(#[from] io::Error),
}

struct At(Option<u64>);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(offset) => write!(f, " (byte {offset})"),
            None => Ok(()),
        }
    }
}

impl Error {
    /// A refusal with `code`.
    pub fn refused(code: Code, reason: impl Into<String>, offset: Option<u64>) -> Self {
        Self::Refused {
            code,
            reason: reason.into(),
            offset,
        }
    }

    /// The file breaks a rule of the format at byte `offset`.
    pub fn malformed(reason: impl Into<String>, offset: u64) -> Self {
        Self::refused(Code::Malformed, reason, Some(offset))
    }

    /// The same, with `what` before the reason.
    pub fn within(self, what: impl fmt::Display) -> Self {
        match self {
            Self::Refused {
                code,
                reason,
                offset,
            } => Self::Refused {
                code,
                reason: format!("{what}: {reason}"),
                offset,
            },
            read @ Self::Read(_) => read,
        }
    }

    /// The code, unless the disk is at fault.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            Self::Read(_) => None,
        }
    }

    /// The byte offset in the file, where one place can be named.
    pub fn offset(&self) -> Option<u64> {
        match self {
            Self::Refused { offset, .. } => *offset,
            Self::Read(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_code_reason_and_byte() {
        let error = Error::malformed("no endobj after object 4 0", 17);
        assert_eq!(
            error.to_string(),
            "document_malformed: no endobj after object 4 0 (byte 17)"
        );
        assert_eq!(error.code(), Some(Code::Malformed));
        assert_eq!(error.offset(), Some(17));
    }

    #[test]
    fn codes_differ() {
        let mut texts: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
