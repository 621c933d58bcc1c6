//! What is frozen, signed and sealed.

use crate::domain::digest::Digest;
use crate::domain::field::{Filled, Value};
use crate::domain::ids::{DocumentId, FieldId};

/// A document as it was when the envelope was sent: what everybody signs.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrozenDocument {
    /// Which.
    pub id: DocumentId,
    /// What it is called.
    pub name: String,
    /// Pages.
    pub pages: u32,
    /// Bytes.
    pub size: u64,
    /// Of the bytes that sealing starts from.
    pub sha256: Digest,
}

/// A sealed document.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sealed {
    /// Which.
    pub document: DocumentId,
    /// Of the sealed file.
    pub sha256: Digest,
    /// Bytes of the sealed file.
    pub size: u64,
    /// What the seal proves.
    pub level: SealLevel,
    /// Of the sealing certificate's DER bytes.
    pub certificate_sha256: Digest,
}

/// Baseline levels of ETSI EN 319 142-1.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum SealLevel {
    /// The signature alone.
    #[serde(rename = "B-B")]
    BaselineB,
}

impl SealLevel {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BaselineB => "B-B",
        }
    }
}

/// What a signature consists of, and what it commits to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignatureEvidence {
    /// The text that was agreed to.
    pub consent: Consent,
    /// The documents as they were shown, in the envelope's order.
    pub documents: Vec<Digest>,
    /// The adopted signature.
    pub signature: Mark,
    /// The adopted initials, where a field asks for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initials: Option<Mark>,
    /// What every field of this signer was filled with.
    pub filled: Vec<Filled>,
    /// The language of the page, BCP 47.
    pub page_language: String,
}

/// A text of consent that was agreed to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Which version of it.
    pub version: String,
    /// In which language, BCP 47.
    pub locale: String,
    /// Of its bytes.
    pub sha256: Digest,
}

/// An adopted signature or initials.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum Mark {
    /// A name set in one of our styles: the outlines follow from both.
    Typed {
        /// The name.
        text: String,
        /// Which style.
        style: String,
    },
    /// Drawn by hand: strokes, kept in the vault.
    Drawn {
        /// Of the strokes' file.
        sha256: Digest,
    },
    /// A picture, re-encoded and kept in the vault.
    Picture {
        /// Of the picture's file.
        sha256: Digest,
    },
}

impl Mark {
    /// The file that it needs from the vault, if any.
    pub const fn file(&self) -> Option<Digest> {
        match self {
            Self::Typed { .. } => None,
            Self::Drawn { sha256 } | Self::Picture { sha256 } => Some(*sha256),
        }
    }
}

impl SignatureEvidence {
    /// Of the documents, the consent's text and the marks' files.
    pub fn digests(&self) -> Vec<Digest> {
        let marks = [Some(&self.signature), self.initials.as_ref()];
        let files = marks.into_iter().flatten().filter_map(Mark::file);
        self.documents
            .iter()
            .copied()
            .chain([self.consent.sha256])
            .chain(files)
            .collect()
    }

    /// What `field` was filled with.
    pub fn value_of(&self, field: FieldId) -> Option<&Value> {
        self.filled
            .iter()
            .find(|f| f.field == field)
            .map(|f| &f.value)
    }
}
