//! From an original and a plan to a sealed file, in one call: prepare, read again, sign, write.

use std::io::Write;

use super::added::SignaturePage;
use super::audit::{self, Limits};
use super::document::Document;
use super::error::{Code, Error as ReadError};
use super::prepare::{self, Plan, Tail, prepare};
use super::sign::{self, Joined, SealError, Sealed, SignatureSpec};
use super::source::ReadAt;
use super::text::Fonts;
use crate::domain::digest::Digest;
use crate::domain::time::Timestamp;
use crate::pki::Signer;

/// All that a seal takes besides the file.
pub struct Order<'a> {
    /// Marks, pages, watermark.
    pub plan: &'a Plan,
    /// Faces for what the plan says.
    pub fonts: &'a Fonts,
    /// Key and certificates.
    pub signer: &'a dyn Signer,
    /// Who seals: `/Name` of the signature.
    pub organisation: &'a str,
    /// Why: `/Reason` of the signature.
    pub reason: Option<&'a str>,
    /// The claimed time of the seal.
    pub at: Timestamp,
    /// SHA-256 that the original must have; checked while it is copied.
    pub original: Option<Digest>,
    /// The most pages of the original.
    pub pages_max: usize,
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Digests and length.
    pub sealed: Sealed,
    /// The prepare revision: places of marks and seal, added pages, characters without a glyph.
    pub tail: Tail,
}

/// Why a document can't be sealed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The original is refused.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It can't be prepared.
    #[error(transparent)]
    Prepare(#[from] prepare::Error),
    /// What was prepared is not what a strict reader takes: a defect of ours, never signed.
    #[error("the prepared document does not stand the audit: {0}")]
    Audit(#[source] ReadError),
    /// It can't be signed or written.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Seals `source` into `out`: the original's bytes, the prepare revision, the seal. The original is audited first, and
/// everything again with what was prepared, before it is signed.
///
/// Memory is bounded by the tails and a few buffers, however large the original is.
///
/// # Errors
/// [`Error`]. What was written to `out` is then to be thrown away.
pub fn seal_document<R: ReadAt>(
    source: &R,
    order: &Order<'_>,
    out: &mut impl Write,
) -> Result<Outcome, Error> {
    let original = Document::open(source)?;
    audit::inspect(
        &original,
        &Limits {
            pages_max: order.pages_max,
        },
    )?;
    let tail = prepare(&original, order.plan, order.fonts, order.pages_max)?;
    drop(original);

    let pages_max = order.pages_max.saturating_add(tail.pages_added);
    let joined = Joined::new(source, &tail.bytes).map_err(ReadError::from)?;
    let prepared = Document::open(joined).map_err(Error::Audit)?;
    audit::inspect(&prepared, &Limits { pages_max }).map_err(Error::Audit)?;
    drop(prepared);

    let spec = SignatureSpec {
        name: order.organisation.to_owned(),
        reason: order.reason.map(str::to_owned),
        at: order.at,
        place: tail.seal.clone(),
        field: "Seal".to_owned(),
    };
    let sealed = sign::seal(
        source,
        &tail.bytes,
        &spec,
        order.signer,
        order.original,
        pages_max,
        out,
    )?;
    Ok(Outcome { sealed, tail })
}

/// Makes everything of a seal but the signature, with a stamp on every page and an added page, and throws it away: what
/// passes can be sealed later, whatever its envelope asks for. For the intake, so that no signer signs what can't be sealed.
///
/// # Errors
/// [`Code::Malformed`] with the reason; a read error.
pub fn rehearse<R: ReadAt>(
    document: &Document<R>,
    fonts: &Fonts,
    pages_max: usize,
) -> Result<(), ReadError> {
    let refused = |reason: String| ReadError::refused(Code::Malformed, reason, None);
    let plan = Plan {
        watermark: Some("-".to_owned()),
        signature_page: Some(SignaturePage {
            title: "-".to_owned(),
            blocks: Vec::new(),
        }),
        ..Plan::default()
    };
    let tail = match prepare(document, &plan, fonts, pages_max) {
        Ok(tail) => tail,
        Err(prepare::Error::Read(error)) => return Err(error),
        Err(error) => return Err(refused(format!("it can't be sealed: {error}"))),
    };
    let prepared = Document::open(Joined::new(document.source(), &tail.bytes)?)?;
    let spec = SignatureSpec {
        name: String::new(),
        reason: None,
        at: Timestamp::default(),
        place: None,
        field: "Seal".to_owned(),
    };
    match sign::open_hole(
        &prepared,
        &spec,
        0,
        pages_max.saturating_add(tail.pages_added),
    ) {
        Ok(_) => Ok(()),
        Err(SealError::Read(error)) => Err(error),
        Err(error) => Err(refused(format!("it can't be sealed: {error}"))),
    }
}

#[cfg(test)]
mod tests;
