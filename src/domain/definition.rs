//! What is to be signed, by whom: as meant, after everything typed has been checked (`request`).

use super::digest::Digest;
use super::field::{Field, FieldKind, PageSize};
use super::ids::DocumentId;
use super::problem::Problem;
use super::recipient::Recipient;
use super::time::Timestamp;
use std::collections::BTreeMap;

mod request;

pub use request::{InlineDocument, Intake, Request};

/// What a sender defined. Everything in it has passed the checks that need nothing from outside.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Definition {
    /// What the envelope is called.
    pub subject: String,
    /// What the sender tells the recipients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What is signed, in this order.
    pub documents: Vec<DocumentId>,
    /// By whom.
    pub recipients: Vec<Recipient>,
    /// Where; empty for a signature page.
    pub fields: Vec<Field>,
    /// How strongly.
    pub signature_level: SignatureLevel,
    /// In which order, as given; what counts is [`Definition::signing_order`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_order: Option<SigningOrder>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The caller's sorting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// The caller's sorting: lower case, each once.
    pub tags: Vec<String>,
    /// The caller's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The caller's own data.
    pub metadata: BTreeMap<String, String>,
}

/// How strongly a signature binds (eIDAS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SignatureLevel {
    /// Evidence, and the organisation's seal.
    Simple,
}

impl SignatureLevel {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "SIMPLE",
        }
    }
}

/// Whether recipients wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SigningOrder {
    /// Nobody waits.
    Parallel,
    /// By `order`; equal numbers act together.
    Sequential,
}

impl SigningOrder {
    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parallel => "PARALLEL",
            Self::Sequential => "SEQUENTIAL",
        }
    }
}

macro_rules! categories {
    ($($name:ident = $text:literal,)*) => {
        /// The caller's sorting of envelopes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum Category {
            $(#[doc = $text] #[serde(rename = $text)] $name,)*
        }

        impl Category {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// As on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

categories! {
    Contract = "CONTRACT", Agreement = "AGREEMENT", Invoice = "INVOICE", Letter = "LETTER", Quote = "QUOTE", Nda = "NDA",
    Hr = "HR", Legal = "LEGAL", Report = "REPORT", Proposal = "PROPOSAL", Other = "OTHER",
}

impl Definition {
    /// The order that counts: the one given, or else SEQUENTIAL where recipients were given different numbers.
    pub fn signing_order(&self) -> SigningOrder {
        self.signing_order.unwrap_or_else(|| {
            let mut orders = self.recipients.iter().map(|r| r.order);
            let first = orders.next().flatten();
            if self.recipients.iter().any(|r| r.order.is_some()) && orders.any(|o| o != first) {
                SigningOrder::Sequential
            } else {
                SigningOrder::Parallel
            }
        })
    }

    /// The turn in which the recipient at `index` acts: lower first, equal together. Where a sequence gives a recipient no
    /// number, it is the place in the list, from 1.
    pub fn turn_of(&self, index: usize) -> u16 {
        match self.signing_order() {
            SigningOrder::Parallel => 1,
            SigningOrder::Sequential => self
                .recipients
                .get(index)
                .and_then(|r| r.order)
                .unwrap_or_else(|| u16::try_from(index + 1).unwrap_or(u16::MAX)),
        }
    }

    /// The first signer who has nowhere to sign, with their place from 0. An envelope without any field gets a signature page
    /// and has no such signer, unless `require_fields`.
    pub fn signer_without_field(&self, require_fields: bool) -> Option<(usize, &Recipient)> {
        if self.fields.is_empty() && !require_fields {
            return None;
        }
        let signs = |r: &Recipient| {
            self.fields
                .iter()
                .any(|f| f.recipient == r.id && f.kind == FieldKind::Signature)
        };
        self.recipients.iter().enumerate().find(|(_, r)| !signs(r))
    }

    /// Whether a page with a block for each signer is appended.
    pub fn wants_signature_page(&self) -> bool {
        self.fields.is_empty()
    }

    /// SHA-256 of the stored form: what sending freezes.
    pub fn digest(&self) -> Digest {
        // A struct of strings, numbers and string maps always serialises.
        Digest::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// What is wrong with the fields' places, given the sizes of each document's pages as a reader sees them.
    pub fn faults_on(&self, pages: &[Vec<PageSize>]) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (i, field) in self.fields.iter().enumerate() {
            let Some(sizes) = pages.get(field.document) else {
                continue; // the number of documents was checked when the request was read
            };
            let size = usize::try_from(field.page)
                .ok()
                .and_then(|n| n.checked_sub(1))
                .and_then(|n| sizes.get(n));
            match size {
                None => problems.push(Problem::new(
                    format!("/fields/{i}/pageNumber"),
                    "page_not_found",
                    format!("Document {} has {} pages.", field.document, sizes.len()),
                )),
                Some(size) if !field.rect.lies_on(*size) => problems.push(Problem::new(
                    format!("/fields/{i}"),
                    "field_outside_page",
                    format!(
                        "The field reaches from {:.1}, {:.1} to {:.1}, {:.1}, but page {} measures {:.1} × {:.1} points.",
                        field.rect.x,
                        field.rect.y,
                        field.rect.x + field.rect.width,
                        field.rect.y + field.rect.height,
                        field.page,
                        size.width,
                        size.height
                    ),
                )),
                Some(_) => {}
            }
        }
        problems
    }
}
