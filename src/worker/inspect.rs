//! An upload looked at by two readers: ours, which is strict, and the renderer's, which is not. Where they see different
//! pages, signers might see another document than the one that is sealed.

use std::path::PathBuf;
use std::sync::Arc;

use hayro::hayro_interpret::InterpreterCache;
use hayro::hayro_syntax::page::Page as DrawnPage;

use super::child::Stop;
use super::protocol::{Inspection, PageFacts, Warning};
use super::scene::{Missed, Scene};
use super::text::PixelBudget;
use super::{content, text};
use crate::pdf::pages::Page;
use crate::pdf::prepare::Balance;
use crate::pdf::seal::rehearse;
use crate::pdf::text::Fonts;
use crate::pdf::{Document, Object, ReadAt, audit};

/// How far the two readers' page sizes may differ, in points.
const SIZE_TOLERANCE: f64 = 0.5;
/// Bytes of page content that are searched for text in all; later pages stay unknown.
const SEARCHED_BYTES_MAX: usize = 32 << 20;
/// Pixels of images that are decoded in all; later ones are told of when their page is drawn.
const DECODED_PIXELS_MAX: u64 = 40_000_000;

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

    for content in &audited.contents {
        let fault = match scene.content(content.number, content.generation) {
            Some(bytes) => content::balance(&bytes).err(),
            None => Some("it can't be decoded".to_owned()),
        };
        if let Some(fault) = fault {
            let reason = format!("the content of object {content}: {fault}");
            return Err(Stop::refused("document_malformed", reason));
        }
    }
    let cache = InterpreterCache::new();
    let mut searched = 0_usize;
    let mut pixels = PixelBudget(DECODED_PIXELS_MAX);
    let mut pages = Vec::with_capacity(tree.pages.len());
    for (number, (page, drawn)) in (1..).zip(tree.pages.iter().zip(scene.pages())) {
        expect_contents(&document, page, &scene).map_err(|fault| unread(number, &fault))?;
        let balance = content::page_balance(drawn).map_err(|fault| unread(number, &fault))?;
        let look =
            (searched < SEARCHED_BYTES_MAX).then(|| text::look(drawn, &scene, &cache, &mut pixels));
        searched = searched.saturating_add(drawn.page_stream().map_or(0, <[u8]>::len));
        unrenderable(
            number,
            scene.take_missed(),
            look.map_or(0, |look| look.undecoded),
        )?;
        pages.push(PageFacts {
            width: page.shown_width(),
            height: page.shown_height(),
            rotate: page.rotate,
            has_text: look.map(|look| look.has_text),
            balance,
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

/// The renderer reads every part of the page's content: it leaves out what it can't, and says nothing.
fn expect_contents<R: ReadAt>(
    document: &Document<R>,
    page: &Page,
    scene: &Scene,
) -> Result<(), String> {
    let contents = page.dict.get("Contents").unwrap_or(&Object::Null);
    let resolved = document.resolve(contents).map_err(|e| e.to_string())?;
    let parts = match (&*resolved, contents) {
        (Object::Array(items), _) => items.as_slice(),
        (_, one) => std::slice::from_ref(one),
    };
    for part in parts.iter().filter_map(Object::as_reference) {
        if document.get(part).map_err(|e| e.to_string())?.is_null() {
            continue;
        }
        if scene.content(part.number, part.generation).is_none() {
            return Err(format!("object {part} can't be decoded"));
        }
    }
    Ok(())
}

/// Refuses a page of which signers would not see all that other readers show.
fn unrenderable(page: u32, missed: Missed, undecoded: u32) -> Result<(), Stop> {
    let images = missed.images.max(undecoded);
    let what = match (images, missed.fonts) {
        (0, 0) => return Ok(()),
        (0, fonts) => format!("{fonts} font"),
        (images, _) => format!("{images} image"),
    };
    Err(Stop::refused(
        "document_unrenderable",
        format!("page {page} can't be shown whole here: {what}(s) can't be read"),
    ))
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
pub(super) fn agree(strict: &[Page], drawn: &[DrawnPage<'_>]) -> Result<(), Stop> {
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

/// What each page's content leaves open, whatever the intake says of the file.
pub(crate) fn balances(scene: &Scene) -> Result<Vec<Balance>, Stop> {
    (1..)
        .zip(scene.pages())
        .map(|(number, page)| content::page_balance(page).map_err(|fault| unread(number, &fault)))
        .collect()
}

/// The refusal of a page whose content a reader doesn't read to its end.
pub(super) fn unread(number: u32, fault: &str) -> Stop {
    Stop::refused(
        "document_malformed",
        format!("the content of page {number}: {fault}"),
    )
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

    fn refusal(pdf: &Pdf) -> String {
        let (code, reason) = inspected(pdf.build()).expect_err("refused");
        format!("{code}: {reason}")
    }

    #[test]
    fn content_that_would_swallow_what_follows_is_refused() {
        for content in [
            "0 0 1 rg (",
            "0 0 1 rg [",
            "/PX0 Do",
            "0 0 1 rg ) 0 0 9 9 re f",
        ] {
            let mut pdf = Pdf::one_page();
            pdf.stream(4, "", content.as_bytes());
            let reason = refusal(&pdf);
            assert!(
                reason.starts_with("document_malformed: the content of page 1: "),
                "{reason}"
            );
        }
    }

    /// A page that draws object 5.
    fn drawing(entries: &str, data: &[u8]) -> Pdf {
        let mut pdf = Pdf::one_page();
        pdf.replace(3, "/Resources<<>>", "/Resources<</XObject<</X 5 0 R>>>>");
        pdf.stream(4, "", b"q 90 0 0 90 9 9 cm /X Do Q");
        pdf.stream(5, entries, data);
        pdf
    }

    #[test]
    fn a_form_that_no_reader_reads_to_its_end_is_refused() {
        const FORM: &str = "/Type/XObject/Subtype/Form/BBox[0 0 9 9]";
        assert!(inspected(drawing(FORM, b"0 0 9 9 re f").build()).is_ok());
        let reason = refusal(&drawing(FORM, b"0 0 9 9 re f ) 0 0 9 9 re f"));
        assert!(reason.contains("the content of object 5 0"), "{reason}");
        let filtered = format!("{FORM}/Filter/DCTDecode");
        let reason = refusal(&drawing(&filtered, b"0 0 9 9 re f"));
        assert!(reason.contains("can't be decoded"), "{reason}");
    }

    #[test]
    fn an_image_that_cannot_be_decoded_is_unrenderable() {
        const IMAGE: &str =
            "/Type/XObject/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray";
        assert!(inspected(drawing(IMAGE, &[0, 90, 180, 255]).build()).is_ok());
        for filter in ["DCTDecode", "JPXDecode"] {
            let pdf = drawing(&format!("{IMAGE}/Filter/{filter}"), b"  not of that kind");
            let reason = refusal(&pdf);
            assert!(
                reason.starts_with("document_unrenderable: page 1 "),
                "{reason}"
            );
        }
    }

    #[test]
    fn a_page_with_an_undecoded_image_is_not_drawn() {
        let pdf = drawing(
            "/Type/XObject/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray/Filter/DCTDecode",
            b"no JPEG",
        );
        let scene = Scene::open(Arc::new(pdf.build()), vec![]).unwrap();
        let mut out = Vec::new();
        let mut writer = crate::worker::protocol::FrameWriter::new(&mut out);
        crate::worker::render::render(&scene, 1, 1, 100, &mut writer).unwrap();
        let text = String::from_utf8_lossy(&out);
        assert!(text.contains("undrawn"), "{text}");
    }
}
