//! The prepare revision: everything that the document gets besides its original bytes and the seal, as one incremental
//! update: stamps on the original's pages, added pages, the test watermark.

mod edit;

use std::collections::{BTreeMap, BTreeSet};

use super::added::{self, AddedPage, CertificatePage, SignaturePage};
use super::appearance::{self, DrawError, Form, Mark, Studio};
use super::document::Document;
use super::error::Error as ReadError;
use super::object::{Object, Real, Ref};
use super::pages::PageTree;
use super::place::{Area, Placed};
use super::source::ReadAt;
use super::text::{EmbedError, Embedder, Fonts};
use super::update::{Base, Objects, UpdateError};
use edit::Editor;
use serde::{Deserialize, Serialize};

/// A mark on one of the original's pages.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedMark {
    /// From 0.
    pub page: usize,
    /// Points from the top left as shown.
    pub area: Area,
    /// What it shows.
    pub mark: Mark,
}

/// What a page's content leaves open at its end (ISO 32000-2, 7.8.2, 8.4.2, 14.6); nothing for sound content. It is closed
/// before anything is drawn after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// `Q` operators that have no `q` before them.
    pub unopened: u32,
    /// `q` operators that no `Q` follows.
    pub unclosed: u32,
    /// `BMC` and `BDC` operators that no `EMC` follows.
    pub marked: u32,
    /// A `BT` that no `ET` follows.
    pub in_text: bool,
    /// A path, or a clip, that no operator paints or ends.
    pub in_path: bool,
}

/// The most of a kind that a page may leave open: more is refused at the intake.
pub const OPEN_MAX: u32 = 10_000;
/// What the names of stamps begin with, in a page's `/XObject` resources; a number follows.
pub const STAMP_PREFIX: &str = "PX";

/// All that a document gets before it is sealed.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Drawn in this order.
    pub marks: Vec<PlacedMark>,
    /// By page, as the worker found it; pages beyond its end are taken as balanced.
    pub balance: Vec<Balance>,
    /// For signers without a field.
    pub signature_page: Option<SignaturePage>,
    /// The certificate page, which carries the seal. Without it the seal is invisible.
    pub certificate_page: Option<CertificatePage>,
    /// Across every page, of test documents.
    pub watermark: Option<String>,
}

/// Why a document can't be prepared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The original can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A mark's page doesn't exist or it lies outside it: a caller's mistake, as fields are checked when made.
    #[error("mark {mark} doesn't lie on page {page}")]
    OutsidePage {
        /// Its place in the plan.
        mark: usize,
        /// From 1.
        page: usize,
    },
    /// A mark can't be drawn.
    #[error("mark {mark}: {reason}")]
    Mark {
        /// Its place in the plan.
        mark: usize,
        /// Why.
        reason: DrawError,
    },
    /// A block of the signature page can't be drawn.
    #[error("signature page: {0}")]
    SignaturePage(DrawError),
    /// A font can't be embedded.
    #[error(transparent)]
    Font(#[from] EmbedError),
    /// The update can't be written.
    #[error(transparent)]
    Update(#[from] UpdateError),
}

/// Where a stamp was put, so that a check can find it again in the finished file.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamp {
    /// From 0.
    pub page: usize,
    /// Its name in the page's `/XObject` resources.
    pub name: String,
    /// The form.
    pub form: Ref,
    /// Takes the form to its place on the page.
    pub matrix: [f64; 6],
}

/// Where the seal is to be seen.
#[derive(Clone, Debug, PartialEq)]
pub struct SealPlace {
    /// The page object.
    pub page: Ref,
    /// The widget's `/Rect`.
    pub rect: [f64; 4],
    /// Its appearance, a form object of the prepare revision.
    pub appearance: Ref,
}

/// The prepare revision: what follows the original's last byte.
#[derive(Clone, Debug)]
pub struct Tail {
    /// To be written right after the original.
    pub bytes: Vec<u8>,
    /// The original's length in bytes.
    pub original_length: u64,
    /// Pages of the original.
    pub pages_original: usize,
    /// Pages added after them.
    pub pages_added: usize,
    /// Marks and watermarks, in drawing order.
    pub stamps: Vec<Stamp>,
    /// The seal's place; `None` for an invisible one.
    pub seal: Option<SealPlace>,
    /// Characters that no font shows: drawn as boxes. A warning, never a failure.
    pub missing: BTreeSet<char>,
}

/// Writes the prepare revision of `original`.
///
/// # Errors
/// [`Error`]; nothing is ever left out silently.
pub fn prepare<R: ReadAt>(
    original: &Document<R>,
    plan: &Plan,
    fonts: &Fonts,
    pages_max: usize,
) -> Result<Tail, Error> {
    let tree = original.page_tree(pages_max)?;
    let base = base_of(original)?;
    let mut objects = Objects::from_number(base.next_number);
    let mut embedder = Embedder::default();
    let mut studio = Studio {
        fonts,
        embedder: &mut embedder,
        objects: &mut objects,
    };

    let mut stamping = Stamping::default();
    stamping.draw_marks(&mut studio, plan, &tree)?;
    let mut added = Vec::new();
    let size = tree.pages.last().map_or(added::A4, |page| {
        added::size_after(page.shown_width(), page.shown_height())
    });
    if let Some(page) = &plan.signature_page {
        added.extend(
            added::draw_signature_page(&mut studio, page, size).map_err(Error::SignaturePage)?,
        );
    }
    if let Some(page) = &plan.certificate_page {
        added.extend(added::draw_certificate_page(&mut studio, page, size));
    }
    if let Some(text) = &plan.watermark {
        stamping.draw_watermarks(&mut studio, text, &tree);
    }
    let watermarks = plan
        .watermark
        .as_ref()
        .map(|text| added_watermarks(&mut studio, text, &added));
    let embedded = embedder.finish(&mut objects)?;

    let mut tail = Tail {
        bytes: Vec::new(),
        original_length: base.length,
        pages_original: tree.pages.len(),
        pages_added: added.len(),
        stamps: Vec::new(),
        seal: None,
        missing: BTreeSet::new(),
    };
    let mut editor = Editor {
        document: original,
        objects: &mut objects,
        embedded: &embedded,
        tagged: is_tagged(original)?,
    };
    editor.stamp_pages(stamping, &tree, plan, &mut tail)?;
    let kids = editor.add_pages(added, watermarks.flatten(), &tree, &mut tail);
    editor.patch_page_tree(&tree, &kids)?;
    editor.patch_catalog()?;
    tail.bytes = objects.finish(&base)?.bytes;
    Ok(tail)
}

/// What an update of `document` hangs on.
pub(super) fn base_of<R: ReadAt>(document: &Document<R>) -> Result<Base, ReadError> {
    Ok(Base {
        length: document.file_bytes(),
        ends_line: document.ends_in_newline()?,
        startxref: document.startxref(),
        kind: document.newest_section(),
        trailer: document.trailer().clone(),
        first_id: document.ids()?.map(|[first, _]| first),
        next_number: document.first_new_number(),
    })
}

/// Whether the file has a structure tree that counts (14.7): what is added is then marked as artifact.
fn is_tagged<R: ReadAt>(document: &Document<R>) -> Result<bool, ReadError> {
    let mark_info = document.value(document.root(), "MarkInfo")?;
    let marked = match mark_info.as_dict() {
        Some(info) => document.value(info, "Marked")?.as_bool() == Some(true),
        None => false,
    };
    Ok(marked || document.root().has("StructTreeRoot"))
}

/// Forms drawn for the original's pages, by page.
#[derive(Default)]
struct Stamping {
    forms: Vec<Form>,
    /// Page, form's place in `forms`, matrix.
    uses: Vec<(usize, usize, Placed)>,
}

impl Stamping {
    fn draw_marks(
        &mut self,
        studio: &mut Studio<'_>,
        plan: &Plan,
        tree: &PageTree,
    ) -> Result<(), Error> {
        for (n, placed) in plan.marks.iter().enumerate() {
            let outside = || Error::OutsidePage {
                mark: n,
                page: placed.page + 1,
            };
            let page = tree.pages.get(placed.page).ok_or_else(outside)?;
            if !placed.area.lies_on(page) {
                return Err(outside());
            }
            let (width, height) = (placed.area.width as f32, placed.area.height as f32);
            let form = appearance::draw(studio, &placed.mark, width, height)
                .map_err(|reason| Error::Mark { mark: n, reason })?;
            self.uses
                .push((placed.page, self.forms.len(), placed.area.on(page)));
            self.forms.push(form);
        }
        Ok(())
    }

    /// One form for each size of page.
    fn draw_watermarks(&mut self, studio: &mut Studio<'_>, text: &str, tree: &PageTree) {
        let mut by_size: BTreeMap<(u64, u64), usize> = BTreeMap::new();
        for (n, page) in tree.pages.iter().enumerate() {
            let area = Area::whole(page);
            let key = (area.width.to_bits(), area.height.to_bits());
            let slot = *by_size.entry(key).or_insert_with(|| {
                self.forms.push(appearance::draw_watermark(
                    studio,
                    text,
                    area.width as f32,
                    area.height as f32,
                ));
                self.forms.len() - 1
            });
            self.uses.push((n, slot, area.on(page)));
        }
    }
}

/// The watermark of the added pages, which all have one size.
fn added_watermarks(studio: &mut Studio<'_>, text: &str, added: &[AddedPage]) -> Option<Form> {
    added
        .first()
        .map(|page| appearance::draw_watermark(studio, text, page.width, page.height))
}

/// A number for a content stream or array: no exponent; five decimals, and of small numbers six digits that count, as a page
/// with a large `/UserUnit` has matrices of small numbers.
pub(super) fn number_text(value: f64) -> String {
    const DECIMALS: f64 = 5.0;
    const DECIMALS_MAX: f64 = 15.0;
    let size = value.abs().log10().floor();
    let decimals = (DECIMALS - size).clamp(DECIMALS, DECIMALS_MAX) as usize;
    let text = format!("{value:.decimals$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// A number as an object.
pub(super) fn number(value: f64) -> Object {
    let text = number_text(value);
    match text.parse::<i64>() {
        Ok(whole) => Object::Int(whole),
        Err(_) => Object::Real(Real::from_source(&text)),
    }
}

#[cfg(test)]
mod tests;
