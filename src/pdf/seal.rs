//! From an original and a plan to a sealed file, in one call: prepare, read again, sign, write.

use std::io::Write;

use super::added::SignaturePage;
use super::audit::{self, Kind, Limits};
use super::check::{self, CheckError, Checked, Expected};
use super::document::Document;
use super::error::{Code, Error as ReadError};
use super::pages::PAGES_READ_MAX;
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
}

/// What was written. Nobody is to be told of a sealed file before [`Outcome::check`] has read it again.
#[derive(Clone, Debug)]
#[must_use]
pub struct Outcome {
    /// Digests and length.
    pub sealed: Sealed,
    /// The prepare revision: places of marks and seal, added pages, characters without a glyph.
    pub tail: Tail,
    /// The claimed time of the seal.
    pub at: Timestamp,
}

impl Outcome {
    /// Reads the finished `file` anew and holds it against what was written: see [`check::check`].
    ///
    /// # Errors
    /// [`CheckError`], [`CheckError::FileDiffers`] among them.
    pub fn check<R: ReadAt>(&self, file: &R, roots: &[Vec<u8>]) -> Result<Checked, CheckError> {
        let expected = Expected {
            roots,
            at: self.at,
            original: Some((self.tail.original_length, self.sealed.original)),
            pages: Some(self.tail.pages_original + self.tail.pages_added),
            stamps: &self.tail.stamps,
            pages_max: PAGES_READ_MAX,
        };
        let checked = check::check(file, &expected)?;
        // The certificates inside the signature value are not signed themselves: only the whole file's digest tells of them.
        if checked.digest != self.sealed.digest {
            return Err(CheckError::FileDiffers {
                found: checked.digest,
                expected: self.sealed.digest,
            });
        }
        Ok(checked)
    }
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
    /// What was prepared has something that the original has not: a defect of ours, never signed.
    #[error("the prepared document has what the original has not: {0}")]
    Brings(Kind),
    /// It can't be signed or written.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Seals `source` into `out`: the original's bytes, the prepare revision, the seal. The original is audited first, and
/// everything again with what was prepared, before it is signed. What the intake refuses today is not asked again: it was
/// taken in, and signed.
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
    let limits = Limits {
        pages_max: PAGES_READ_MAX,
    };
    let original = Document::open(source)?;
    let before = audit::audit(&original, &limits)?;
    let tail = prepare(&original, order.plan, order.fonts, PAGES_READ_MAX)?;
    drop(original);

    let joined = Joined::new(source, &tail.bytes).map_err(ReadError::from)?;
    let prepared = Document::open(joined).map_err(Error::Audit)?;
    let after = audit::audit(&prepared, &limits).map_err(Error::Audit)?;
    if let Some(kind) = after
        .counts
        .keys()
        .find(|kind| !before.counts.contains_key(kind))
    {
        return Err(Error::Brings(*kind));
    }
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
        PAGES_READ_MAX,
        out,
    )?;
    Ok(Outcome {
        sealed,
        tail,
        at: order.at,
    })
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
    let pages_max = pages_max.saturating_add(tail.pages_added);
    let hole = match sign::open_hole(&prepared, &spec, 0, pages_max) {
        Ok(hole) => hole,
        Err(SealError::Read(error)) => return Err(error),
        Err(error) => return Err(refused(format!("it can't be sealed: {error}"))),
    };
    // What is written must be read again: by us, before anyone is told of it.
    let sealed = [&tail.bytes[..], hole.bytes()].concat();
    Document::open(Joined::new(document.source(), &sealed)?)?.page_tree(pages_max)?;
    Ok(())
}

#[cfg(test)]
mod tests;
