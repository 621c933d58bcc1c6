//! The sample contract of `paraph demo`: three pages of a service agreement with room for two signatures.

use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

/// Where the sample wants a signature: page (from 1) and left, top, width, height in points from the page's top left.
pub struct SignaturePlace {
    /// Page, from 1.
    pub page: u32,
    /// Left, top, width, height.
    pub rectangle: [f64; 4],
}

/// The places of the two signatures on the last page: client, then contractor.
pub const SIGNATURE_PLACES: [SignaturePlace; 2] = [
    SignaturePlace {
        page: 3,
        rectangle: [72.0, 420.0, 200.0, 56.0],
    },
    SignaturePlace {
        page: 3,
        rectangle: [323.0, 420.0, 200.0, 56.0],
    },
];

const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const LEFT: f32 = 72.0;

const PAGES: [(&str, &[&str]); 3] = [
    (
        "Service agreement",
        &[
            "between Acme Corporation, 12 Harbour Street, Rotterdam (the \"Client\")",
            "and the contractor who signs below (the \"Contractor\").",
            "",
            "1. Services",
            "The Contractor builds and looks after the Client's customer portal as",
            "described in Annex A. Work is done remotely; four days a year are",
            "spent at the Client's office.",
            "",
            "2. Term",
            "This agreement begins on the day on which both parties have signed it",
            "and runs for twelve months. It renews by six months at a time unless",
            "one party ends it in writing with thirty days' notice.",
        ],
    ),
    (
        "Fees and confidentiality",
        &[
            "3. Fees",
            "The Client pays EUR 720 for each day worked, within thirty days of a",
            "correct invoice. Travel is repaid at cost with receipts.",
            "",
            "4. Confidentiality",
            "Each party keeps to itself what it learns of the other's business, for",
            "the term of this agreement and three years after it.",
            "",
            "5. Results",
            "What the Contractor makes under this agreement belongs to the Client",
            "once it has been paid for.",
        ],
    ),
    (
        "Signatures",
        &[
            "6. Governing law",
            "The law of the Netherlands applies. Disputes go to the court of",
            "Rotterdam.",
            "",
            "7. Whole agreement",
            "This document is the whole agreement. Changes are made in writing and",
            "signed by both parties.",
        ],
    ),
];

/// The contract as a PDF 1.7 file with text in the standard fonts.
pub fn sample() -> Vec<u8> {
    let mut pdf = Pdf::new();
    let mut next = 1;
    let mut allocate = || {
        let id = Ref::new(next);
        next += 1;
        id
    };
    let (catalog, tree, regular, bold, info) =
        (allocate(), allocate(), allocate(), allocate(), allocate());
    let ids: Vec<(Ref, Ref)> = PAGES.iter().map(|_| (allocate(), allocate())).collect();
    pdf.catalog(catalog).pages(tree).lang(TextStr("en"));
    pdf.document_info(info).title(TextStr("Service agreement"));
    pdf.pages(tree)
        .kids(ids.iter().map(|(page, _)| *page))
        .count(PAGES.len() as i32);
    pdf.type1_font(regular).base_font(Name(b"Helvetica"));
    pdf.type1_font(bold).base_font(Name(b"Helvetica-Bold"));
    for (number, ((page_id, content_id), (heading, lines))) in ids.iter().zip(PAGES).enumerate() {
        let mut page = pdf.page(*page_id);
        page.parent(tree)
            .media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT))
            .contents(*content_id);
        page.resources()
            .fonts()
            .pair(Name(b"F1"), regular)
            .pair(Name(b"F2"), bold);
        page.finish();
        let mut content = Content::new();
        let mut line = |font: &[u8], size: f32, x: f32, y: f32, text: &str| {
            content.begin_text().set_font(Name(font), size);
            content
                .next_line(x, y)
                .show(Str(text.as_bytes()))
                .end_text();
        };
        line(b"F2", 20.0, LEFT, HEIGHT - 100.0, heading);
        for (row, text) in lines.iter().enumerate() {
            let is_heading = text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(". ");
            let font: &[u8] = if is_heading { b"F2" } else { b"F1" };
            line(font, 11.5, LEFT, HEIGHT - 140.0 - 19.0 * row as f32, text);
        }
        if number + 1 == PAGES.len() {
            for (place, party) in SIGNATURE_PLACES
                .iter()
                .zip(["For the Client", "The Contractor"])
            {
                let [x, top, _, height] = place.rectangle.map(|n| n as f32);
                line(b"F1", 9.0, x, HEIGHT - top - height - 14.0, party);
            }
        }
        line(
            b"F1",
            9.0,
            LEFT,
            48.0,
            &format!("Page {} of {}", number + 1, PAGES.len()),
        );
        if number + 1 == PAGES.len() {
            content.set_line_width(0.7);
            for place in &SIGNATURE_PLACES {
                let [x, top, width, height] = place.rectangle.map(|n| n as f32);
                let y = HEIGHT - top - height - 2.0;
                content.move_to(x, y).line_to(x + width, y).stroke();
            }
        }
        pdf.stream(*content_id, &content.finish());
    }
    pdf.finish()
}
