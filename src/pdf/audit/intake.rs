//! What an upload must be beyond what the reader reads: nothing refused was found, and there is room for all that comes later.

use super::{Limits, audit};
use crate::pdf::document::Document;
use crate::pdf::error::{Code, Error};
use crate::pdf::object::Ref;
use crate::pdf::source::ReadAt;

// Below the reader's own bounds by what seals, time-stamps and what is added between them may take, so that a file that is
// accepted can still be read when it is finished.
const SECTIONS_MAX: usize = 900;
const ENTRIES_MAX: usize = 900_000;
const OBJECT_NUMBER_MAX: u32 = 8_000_000;

/// What a page is, as shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PageSize {
    /// Points, turned and cropped.
    pub width: f64,
    /// Points, turned and cropped.
    pub height: f64,
}

/// Something to know about an accepted document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// A stable code.
    pub code: &'static str,
    /// A sentence for a person.
    pub message: String,
    /// From 1, where it concerns one page.
    pub page: Option<usize>,
}

/// An accepted document.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// In reading order.
    pub pages: Vec<PageSize>,
    /// What does not stand in the way.
    pub warnings: Vec<Warning>,
    /// Streams beside the pages' own that hold content: forms, tiling patterns, glyphs.
    pub contents: Vec<Ref>,
}

/// Audits a document for intake.
///
/// # Errors
/// What [`audit`] refuses; [`Code::AlreadySigned`], [`Code::Unrenderable`], [`Code::ActiveContent`] for what was found,
/// in this order; [`Code::Malformed`] where its cross-reference is so large that a seal may not fit.
pub fn inspect<R: ReadAt>(document: &Document<R>, limits: &Limits) -> Result<Inspection, Error> {
    expect_room(document)?;
    let audit = audit(document, limits)?;
    for code in [Code::AlreadySigned, Code::Unrenderable, Code::ActiveContent] {
        if let Some(error) = audit.refusal(code) {
            return Err(error);
        }
    }
    let pages = audit.tree.pages.iter().map(|page| PageSize {
        width: page.shown_width(),
        height: page.shown_height(),
    });
    let mut warnings = Vec::new();
    if document.has_hybrid_section() {
        warnings.push(Warning {
            code: "hybrid_reference",
            message: "The file has a hybrid cross-reference, as some versions of Word write it; strict validators want an option for it.".into(),
            page: None,
        });
    }
    if !document.value(document.root(), "DSS")?.is_null() {
        warnings.push(Warning {
            code: "validation_data_removed",
            message: "The file brings validation data (/DSS) of signatures that it does not have; it is taken out of the sealed document.".into(),
            page: None,
        });
    }
    Ok(Inspection {
        pages: pages.collect(),
        warnings,
        contents: audit.contents,
    })
}

fn expect_room<R: ReadAt>(document: &Document<R>) -> Result<(), Error> {
    let xref = document.xref();
    let faults = [
        (
            xref.sections() > SECTIONS_MAX,
            format!("more than {SECTIONS_MAX} cross-reference sections"),
        ),
        (
            xref.rows() > ENTRIES_MAX,
            format!("more than {ENTRIES_MAX} cross-reference entries"),
        ),
        (
            document.first_new_number() > OBJECT_NUMBER_MAX,
            format!("object numbers above {OBJECT_NUMBER_MAX}"),
        ),
    ];
    match faults.into_iter().find(|(is_too_many, _)| *is_too_many) {
        Some((_, what)) => Err(Error::refused(
            Code::Malformed,
            format!("{what}: no room is left for a seal"),
            Some(document.startxref()),
        )),
        None => Ok(()),
    }
}
