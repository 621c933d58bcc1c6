//! What an audit trail says, in plain values.

use crate::domain::time::Timestamp;

/// What an audit trail shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trail {
    /// The document's title, as `Audit trail: Employment contract`.
    pub title: String,
    /// The heading of the first page, mostly the envelope's subject.
    pub heading: String,
    /// Who runs the appliance.
    pub organisation: String,
    /// The language of the words (BCP 47).
    pub language: String,
    /// The moment of the newest entry that it tells: the file's creation date.
    pub as_of: Timestamp,
    /// The same in words, under the heading: `As of entry 12, 2026-11-24 09:30:00.000 UTC`.
    pub state: String,
    /// What to call the envelope at the foot of each page: its id.
    pub reference: String,
    /// The envelope in pairs of label and value: state, sender, sent, completed.
    pub facts: Vec<Fact>,
    /// The documents.
    pub documents: Vec<DocumentRow>,
    /// The people, in the order in which they act.
    pub recipients: Vec<Person>,
    /// The chain, from its first entry.
    pub entries: Vec<Entry>,
    /// What ties it to the chain and to the JSON export: number and hash of the last entry, the export's SHA-256.
    pub integrity: Vec<Fact>,
    /// The certificates of the seal and above.
    pub certificates: Vec<Certificate>,
    /// A test envelope.
    pub test: bool,
    /// The envelope had not ended.
    pub interim: bool,
    /// How to check all this, a step each.
    pub verification: Vec<String>,
    /// The fixed words.
    pub labels: Labels,
}

/// A label and what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    /// As `Signed`.
    pub label: String,
    /// As `2026-11-24 09:30:00.000`.
    pub value: String,
    /// A digest: set in the monospaced face.
    pub digits: bool,
}

impl Fact {
    /// A label and its value.
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
            digits: false,
        }
    }

    /// A label and a digest, hexadecimal.
    pub fn digits(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            digits: true,
            ..Self::new(label, value)
        }
    }
}

/// One document of the envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentRow {
    /// Its name.
    pub name: String,
    /// How many pages it has.
    pub pages: u32,
    /// SHA-256 of the upload, hexadecimal.
    pub sha256: String,
    /// SHA-256 of the sealed file, hexadecimal; `None` before the seal.
    pub signed_sha256: Option<String>,
}

/// One recipient with the evidence about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// As `Signer`.
    pub role: String,
    /// Identity steps, times, addresses, browser.
    pub evidence: Vec<Fact>,
}

/// One entry of the chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub sequence: u64,
    /// When, by the server's clock.
    pub at: Timestamp,
    /// The event's name in the export, as `recipient.signed`.
    pub name: String,
    /// What happened, in words.
    pub event: String,
    /// Who did it.
    pub actor: String,
    /// How they were known, as `link, e-mail code`; may be empty.
    pub factors: String,
    /// From which IP address; may be empty.
    pub address: String,
    /// The entry's hash, hexadecimal.
    pub hash: String,
}

/// A certificate in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// Who it is for.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// Serial number, hexadecimal.
    pub serial: String,
    /// From when.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
    /// SHA-256 of the certificate, hexadecimal.
    pub sha256: String,
}

/// The words that are the same in every audit trail of a language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named by its English word")]
pub struct Labels {
    pub audit_trail: String,
    pub envelope: String,
    pub documents: String,
    pub document: String,
    pub pages: String,
    pub uploaded_sha256: String,
    pub sealed_sha256: String,
    pub recipients: String,
    pub events: String,
    pub number: String,
    pub time_utc: String,
    pub event: String,
    pub actor: String,
    pub address: String,
    pub entry_hash: String,
    pub integrity: String,
    pub certificates: String,
    pub subject: String,
    pub issuer: String,
    pub serial: String,
    pub valid: String,
    pub sha256: String,
    pub verification: String,
    pub test: String,
    pub interim: String,
    /// With `{page}` and `{pages}`.
    pub page_of: String,
}
