//! An upload looked at by two readers: ours, which is strict, and the renderer's, which is not. Where they see different
//! pages, signers might see another document than the one that is sealed.

use std::path::PathBuf;
use std::sync::Arc;

use hayro::hayro_interpret::InterpreterCache;
use hayro::hayro_syntax::content::UntypedIter;
use hayro::hayro_syntax::page::Page as DrawnPage;

use super::child::Stop;
use super::protocol::{Inspection, PageFacts, Warning};
use super::scene::Scene;
use super::text;
use crate::pdf::seal::rehearse;
use crate::pdf::text::Fonts;
use crate::pdf::{Document, audit, pages::Page};

/// How far the two readers' page sizes may differ, in points.
const SIZE_TOLERANCE: f64 = 0.5;
/// Bytes of page content that are searched for text in all; later pages stay unknown.
const SEARCHED_BYTES_MAX: usize = 32 << 20;
/// Nested `q` that are counted on one page.
const SAVES_MAX: u32 = 10_000;

/// Reads `bytes` strictly, refuses what may not come in, asks the second reader.
pub(crate) fn inspect(
    bytes: Arc<Vec<u8>>,
    pages_max: u32,
    fonts: Vec<PathBuf>,
) -> Result<Inspection, Stop> {
    let document = Document::open(Arc::clone(&bytes))?;
    let limits = audit::Limits {
        pages_max: pages_max as usize,
    };
    let audited = audit::inspect(&document, &limits)?;
    let tree = document.page_tree(limits.pages_max)?;
    // What can't be sealed is refused now, not after everybody has signed it.
    let carried =
        Fonts::new(Vec::new(), Vec::new()).map_err(|e| Stop::Io(std::io::Error::other(e)))?;
    rehearse(&document, &carried, limits.pages_max)?;
    let scene = Scene::open(bytes, fonts)?;
    agree(&tree.pages, scene.pages())?;

    let cache = InterpreterCache::new();
    let mut searched = 0_usize;
    let mut pages = Vec::with_capacity(tree.pages.len());
    for (page, drawn) in tree.pages.iter().zip(scene.pages()) {
        let content = drawn.page_stream().unwrap_or_default();
        let balance = balance(content);
        let has_text =
            (searched < SEARCHED_BYTES_MAX).then(|| text::has_text(drawn, &scene, &cache));
        searched = searched.saturating_add(content.len());
        pages.push(PageFacts {
            width: page.shown_width(),
            height: page.shown_height(),
            rotate: page.rotate,
            has_text,
            unbalanced_saves: balance.saves,
            unbalanced_restores: balance.restores,
        });
    }
    let mut warnings: Vec<Warning> = audited
        .warnings
        .into_iter()
        .map(|warning| Warning {
            code: warning.code.to_owned(),
            message: warning.message,
            page: warning.page.and_then(|page| u32::try_from(page).ok()),
        })
        .collect();
    warnings.extend(without_text(&pages));
    Ok(Inspection { pages, warnings })
}

/// One warning for all pages that can't be read out.
fn without_text(pages: &[PageFacts]) -> Option<Warning> {
    let mut silent = (1_u32..)
        .zip(pages)
        .filter(|(_, page)| page.has_text == Some(false))
        .map(|(number, _)| number);
    let first = silent.next()?;
    let count = 1 + silent.count();
    Some(Warning {
        code: "page_without_text".into(),
        message: format!(
            "{count} of {} pages have no text that can be read out or searched, the first is page {first}.",
            pages.len()
        ),
        page: Some(first),
    })
}

/// The second opinion: as many pages, of the same size.
fn agree(strict: &[Page], drawn: &[DrawnPage<'_>]) -> Result<(), Stop> {
    let differ = |reason: String| Stop::refused("document_malformed", reason);
    if strict.len() != drawn.len() {
        return Err(differ(format!(
            "two readers disagree: {} pages or {}",
            strict.len(),
            drawn.len()
        )));
    }
    for (number, (strict, drawn)) in (1..).zip(strict.iter().zip(drawn)) {
        // The renderer knows no `/UserUnit`.
        let expected = (
            strict.shown_width() / strict.user_unit,
            strict.shown_height() / strict.user_unit,
        );
        let (width, height) = drawn.render_dimensions();
        let found = (f64::from(width), f64::from(height));
        if (expected.0 - found.0).abs() > SIZE_TOLERANCE
            || (expected.1 - found.1).abs() > SIZE_TOLERANCE
        {
            return Err(differ(format!(
                "two readers disagree on page {number}: {:.1} x {:.1} or {:.1} x {:.1} points",
                expected.0, expected.1, found.0, found.1
            )));
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Balance {
    saves: u32,
    restores: u32,
}

/// How many `q` of a page's content have no `Q`, and how many `Q` no `q`.
fn balance(content: &[u8]) -> Balance {
    let mut balance = Balance::default();
    let mut instructions = UntypedIter::new(content);
    while let Some(instruction) = instructions.next() {
        let operator: &[u8] = instruction.operator;
        match operator {
            b"q" => balance.saves = (balance.saves + 1).min(SAVES_MAX),
            b"Q" if balance.saves > 0 => balance.saves -= 1,
            b"Q" => balance.restores = (balance.restores + 1).min(SAVES_MAX),
            _ => {}
        }
    }
    balance
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf::fixture::Pdf;

    fn inspected(bytes: Vec<u8>) -> Result<Inspection, (String, String)> {
        inspect(Arc::new(bytes), 10, vec![]).map_err(|stop| match stop {
            Stop::Refused(refusal) => (refusal.code, refusal.reason),
            Stop::Io(error) => panic!("{error}"),
        })
    }

    fn with_content(content: &str) -> Inspection {
        let mut pdf = Pdf::one_page();
        pdf.stream(4, "", content.as_bytes());
        pdf.replace(3, "/Resources<<>>", "/Resources<</Font<</F 5 0 R>>>>");
        pdf.set(5, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>");
        inspected(pdf.build()).unwrap()
    }

    #[test]
    fn a_page_has_its_size_as_shown() {
        let mut pdf = Pdf::one_page();
        pdf.replace(
            3,
            "/MediaBox[0 0 595 842]",
            "/MediaBox[0 0 595 842]/CropBox[10 20 310 220]/Rotate 90/UserUnit 2",
        );
        let page = inspected(pdf.build()).unwrap().pages[0];
        assert_eq!((page.width, page.height, page.rotate), (400.0, 600.0, 90));
    }

    #[test]
    fn a_page_with_words_has_text_and_one_without_is_warned_of() {
        let spoken = with_content("BT /F 12 Tf 50 700 Td (Hello) Tj ET");
        assert_eq!(spoken.pages[0].has_text, Some(true));
        assert!(spoken.warnings.is_empty());
        let silent = with_content("0 0 100 100 re f");
        assert_eq!(silent.pages[0].has_text, Some(false));
        assert_eq!(silent.warnings[0].code, "page_without_text");
        assert_eq!(silent.warnings[0].page, Some(1));
    }

    #[test]
    fn invisible_text_of_a_scan_is_text() {
        let page = with_content("BT 3 Tr /F 12 Tf 50 700 Td (Recognised) Tj ET").pages[0];
        assert_eq!(page.has_text, Some(true));
    }

    #[test]
    fn unbalanced_saves_and_restores_are_counted() {
        let of = |content: &str| {
            let balance = balance(content.as_bytes());
            (balance.saves, balance.restores)
        };
        assert_eq!(of("q q Q 1 0 0 rg q"), (2, 0));
        assert_eq!(of("Q q Q Q"), (0, 2));
        assert_eq!(of("q BT (q q) Tj ET Q"), (0, 0));
        assert_eq!(of(""), (0, 0));
    }

    #[test]
    fn readers_that_see_different_pages_are_a_refusal() {
        let bytes = Pdf::pages(2).build();
        let document = Document::open(bytes.clone()).unwrap();
        let mut tree = document.page_tree(10).unwrap();
        let scene = Scene::open(Arc::new(bytes), vec![]).unwrap();
        assert!(agree(&tree.pages, scene.pages()).is_ok());
        tree.pages[1].crop_box.x1 -= 1.0;
        assert!(matches!(
            agree(&tree.pages, scene.pages()),
            Err(Stop::Refused(refusal)) if refusal.reason.contains("page 2")
        ));
        tree.pages.pop();
        assert!(matches!(
            agree(&tree.pages, scene.pages()),
            Err(Stop::Refused(refusal)) if refusal.reason.contains("1 pages or 2")
        ));
    }

    #[test]
    fn a_refusal_has_code_reason_and_offset() {
        let error = inspect(Arc::new(b"%PDF-1.7\nnothing".to_vec()), 10, vec![]);
        match error {
            Err(Stop::Refused(refusal)) => {
                assert_eq!(refusal.code, "document_malformed");
                assert!(!refusal.reason.is_empty());
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn more_pages_than_allowed_are_refused() {
        let (code, _) = inspected(Pdf::pages(11).build()).unwrap_err();
        assert_eq!(code, "document_too_many_pages");
    }
}
