//! Pages that Paraph adds: the signature page, for signers who have no field in the document, and the certificate page. Their
//! words come from the caller, so that they can be in any language.

use super::appearance::{DrawError, Form, Ink, Studio};
use super::place::Area;
use super::text::{self, Block, Weight};

/// Width and height of A4 in points.
pub const A4: (f32, f32) = (595.28, 841.89);
/// Page edges stay free this far, in points.
const MARGIN: f32 = 54.0;
const BODY: f32 = 9.0;
const SMALL: f32 = 7.5;
const DIGITS: f32 = 8.0;
const TITLE: f32 = 18.0;
const HEADING: f32 = 11.0;
const GREY: f32 = 0.4;
/// Labels of a recipient are moved in by this.
const INDENT: f32 = 10.0;
const ROW_GAP: f32 = 2.0;
const NAME_GAP: f32 = 2.0;

/// A signer's block on the signature page.
#[derive(Clone, Debug, PartialEq)]
pub struct SignatureBlock {
    /// How they signed.
    pub ink: Ink,
    /// Their name.
    pub name: String,
    /// Their address, and what else is known of them; may be empty.
    pub detail: String,
    /// When, ready to read.
    pub time: String,
}

/// The signature page: a title and a block for each signer. It grows to as many pages as it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct SignaturePage {
    /// "Signatures".
    pub title: String,
    /// In signing order.
    pub blocks: Vec<SignatureBlock>,
}

/// A label and what it labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// "SHA-256 of the original".
    pub label: String,
    /// Its value; wrapped, never cut.
    pub value: String,
    /// A digest: set in the monospaced face, broken at fixed places alone.
    pub digits: bool,
}

impl Row {
    /// A row.
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            value: value.into(),
            digits: false,
        }
    }

    /// A row of a digest, hexadecimal.
    pub fn digits(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            digits: true,
            ..Self::new(label, value)
        }
    }
}

/// One recipient on the certificate page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Their name.
    pub name: String,
    /// Address, role, identity steps, times, network address.
    pub rows: Vec<Row>,
}

/// The certificate page: what was signed, by whom, how to check it. It grows to as many pages as it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificatePage {
    /// "Certificate of signature".
    pub title: String,
    /// "Simple electronic signatures, sealed by Example Ltd".
    pub statement: String,
    /// Document, SHA-256 of the original, envelope, consent version, audit sequence and hash.
    pub facts: Vec<Row>,
    /// "Recipients".
    pub parties_title: String,
    /// In signing order; carbon copies too.
    pub parties: Vec<Party>,
    /// "How to check this document".
    pub verify_title: String,
    /// A paragraph each.
    pub verify: Vec<String>,
    /// The words inside the seal's box, the first in bold: "Sealed by Example Ltd", the time.
    pub seal: Vec<String>,
    /// At the foot of each page, before "1/2": the envelope's id.
    pub footer: String,
}

/// A page as drawn, its contents still without objects.
pub(super) struct AddedPage {
    pub(super) form: Form,
    pub(super) width: f32,
    pub(super) height: f32,
    /// Where the seal's widget goes, and its appearance.
    pub(super) seal: Option<(Area, Form)>,
}

/// The size of added pages: the last page's as shown, if it lies between A5 and A3, else A4.
pub(super) fn size_after(width: f64, height: f64) -> (f32, f32) {
    const TOLERANCE: f64 = 2.0;
    let (short, long) = (width.min(height), width.max(height));
    let within = short >= 419.53 - TOLERANCE
        && long >= 595.28 - TOLERANCE
        && short <= 841.89 + TOLERANCE
        && long <= 1190.55 + TOLERANCE;
    if within {
        (width as f32, height as f32)
    } else {
        A4
    }
}

/// Fills pages from the top, taking a new one where the next piece doesn't fit.
struct Flow<'a, 'b> {
    studio: &'a mut Studio<'b>,
    size: (f32, f32),
    pages: Vec<AddedPage>,
    /// Distance of the next piece's top from the page's bottom.
    y: f32,
}

impl<'a, 'b> Flow<'a, 'b> {
    fn new(studio: &'a mut Studio<'b>, size: (f32, f32)) -> Self {
        let mut flow = Self {
            studio,
            size,
            pages: Vec::new(),
            y: 0.0,
        };
        flow.turn();
        flow
    }

    fn turn(&mut self) {
        let (width, height) = self.size;
        self.pages.push(AddedPage {
            form: Form::new(self.studio.objects, width, height),
            width,
            height,
            seal: None,
        });
        self.y = height - MARGIN;
    }

    fn room(&self) -> f32 {
        self.size.0 - 2.0 * MARGIN
    }

    /// Height of a page between its margins and above its footer.
    fn column(&self) -> f32 {
        self.size.1 - 2.0 * MARGIN
    }

    /// Begins a new page unless `height` is left, or the page is empty anyway.
    fn need(&mut self, height: f32) {
        if self.y - height < MARGIN && self.y < self.size.1 - MARGIN {
            self.turn();
        }
    }

    fn space(&mut self, height: f32) {
        self.y -= height;
    }

    fn page(&mut self) -> Option<&mut AddedPage> {
        self.pages.last_mut()
    }

    fn gray(&mut self, gray: f32) {
        if let Some(page) = self.page() {
            page.form.content().set_fill_gray(gray);
        }
    }

    fn rule(&mut self, gray: f32) {
        let (width, y) = (self.size.0, self.y);
        if let Some(page) = self.page() {
            let content = page.form.content();
            content.set_stroke_gray(gray);
            content.set_line_width(0.5);
            content.move_to(MARGIN, y);
            content.line_to(width - MARGIN, y);
            content.stroke();
        }
    }

    /// Lines of a block at `x`, each on a new page where the old one is full. A row's label is drawn with `first`.
    fn block(&mut self, block: &Block, x: f32) {
        let leading = block.height() / block.lines.len().max(1) as f32;
        for line in &block.lines {
            self.need(leading);
            let top = self.y;
            let one = Block {
                lines: vec![line.clone()],
                size: block.size,
            };
            let Self { studio, pages, .. } = self;
            if let Some(page) = pages.last_mut() {
                page.form.block(studio, &one, (x, top));
            }
            self.y -= leading;
        }
    }

    fn paragraph(&mut self, text: &str, weight: Weight, size: f32) {
        let block = text::wrap(self.studio.fonts, text, weight, self.room(), size);
        self.block(&block, MARGIN);
    }

    /// Where values stand: under each other on the whole page, whatever their labels are moved in by.
    fn value_x(&self) -> f32 {
        MARGIN + (self.room() * 0.3).min(146.0)
    }

    /// Label and value of a row, in lines.
    fn set(&self, row: &Row, indent: f32) -> [Block; 2] {
        let fonts = self.studio.fonts;
        let value_x = self.value_x();
        let label_room = value_x - MARGIN - indent - 6.0;
        let value_room = self.size.0 - MARGIN - value_x;
        let label = text::wrap(fonts, &row.label, Weight::Regular, label_room, BODY);
        let value = if row.digits {
            text::digits(fonts, &row.value, value_room, DIGITS)
        } else {
            text::wrap(fonts, &row.value, Weight::Regular, value_room, BODY)
        };
        [label, value]
    }

    /// Label and value beside each other.
    fn row(&mut self, row: &Row, indent: f32) {
        let [label, value] = self.set(row, indent);
        let height = label.height().max(value.height());
        // What is taller than a page breaks across pages, its label on the first.
        self.need(height.min(self.column() * 0.5));
        let (top, page, value_x) = (self.y, self.pages.len(), self.value_x());
        self.gray(GREY);
        self.block(&label, MARGIN + indent);
        let below = self.y;
        self.gray(0.0);
        if self.pages.len() == page {
            // On the label's baseline whatever its size.
            self.y = top - (BODY - value.size) * text::ASCENT;
        }
        self.block(&value, value_x);
        if self.pages.len() == page {
            self.y = self.y.min(below);
        }
        self.space(ROW_GAP);
    }

    fn name(&self, party: &Party) -> Block {
        let (fonts, room) = (self.studio.fonts, self.room());
        text::wrap(fonts, &party.name, Weight::Bold, room, BODY + 1.0)
    }

    /// What stays together of a recipient: everything, or the beginning of one that takes most of a page.
    fn party_height(&self, party: &Party) -> f32 {
        let name = self.name(party).height() + NAME_GAP;
        let rows = party.rows.iter().map(|row| {
            let [label, value] = self.set(row, INDENT);
            label.height().max(value.height()) + ROW_GAP
        });
        let height = name + rows.sum::<f32>();
        if height <= self.column() * 0.6 {
            height
        } else {
            name + BODY * 4.0
        }
    }

    fn party(&mut self, party: &Party) {
        let name = self.name(party);
        self.need(self.party_height(party));
        self.block(&name, MARGIN);
        self.space(NAME_GAP);
        for row in &party.rows {
            self.row(row, INDENT);
        }
    }

    fn heading(&mut self, text: &str, keep_with: f32) {
        self.need(HEADING * 2.6 + keep_with);
        self.space(HEADING * 0.9);
        self.paragraph(text, Weight::Bold, HEADING);
        self.space(2.0);
        self.rule(0.75);
        self.space(6.0);
    }

    fn title(&mut self, text: &str) {
        self.paragraph(text, Weight::Bold, TITLE);
        self.space(6.0);
    }

    fn footers(&mut self, footer: &str) {
        let count = self.pages.len();
        let (width, _) = self.size;
        let Self { studio, pages, .. } = self;
        for (n, page) in pages.iter_mut().enumerate() {
            page.form.content().set_fill_gray(GREY);
            let number = text::line(studio.fonts, &format!("{}/{count}", n + 1), Weight::Regular);
            let number_width = number.width_at(SMALL);
            let room = width - 2.0 * MARGIN - number_width - 12.0;
            let y = MARGIN * 0.5;
            let form = &mut page.form;
            form.line(studio, footer, Weight::Regular, (MARGIN, y), SMALL, room);
            let block = Block {
                lines: vec![number],
                size: SMALL,
            };
            let top = y + SMALL * text::ASCENT;
            form.block(studio, &block, (width - MARGIN - number_width, top));
        }
    }
}

/// Draws the signature page.
pub(super) fn draw_signature_page(
    studio: &mut Studio<'_>,
    page: &SignaturePage,
    size: (f32, f32),
) -> Result<Vec<AddedPage>, DrawError> {
    const BLOCK_HEIGHT: f32 = 118.0;
    const INK_HEIGHT: f32 = 56.0;
    let mut flow = Flow::new(studio, size);
    flow.title(&page.title);
    for block in &page.blocks {
        flow.need(BLOCK_HEIGHT);
        let width = flow.room().min(300.0);
        let bottom = flow.y - INK_HEIGHT - 8.0;
        let Flow { studio, pages, .. } = &mut flow;
        if let Some(drawn) = pages.last_mut() {
            drawn.form.ink(
                studio,
                &block.ink,
                [MARGIN + 4.0, bottom + 2.0, width - 8.0, INK_HEIGHT],
            )?;
            let content = drawn.form.content();
            content.set_stroke_gray(0.3);
            content.set_line_width(0.7);
            content.move_to(MARGIN, bottom);
            content.line_to(MARGIN + width, bottom);
            content.stroke();
        }
        flow.y = bottom - 4.0;
        flow.gray(0.0);
        flow.paragraph(&block.name, Weight::Bold, BODY + 1.0);
        flow.gray(GREY);
        if !block.detail.is_empty() {
            flow.paragraph(&block.detail, Weight::Regular, BODY);
        }
        flow.paragraph(&block.time, Weight::Regular, BODY);
        flow.gray(0.0);
        flow.space(20.0);
    }
    Ok(flow.pages)
}

/// Draws the certificate page, the place of the seal on its last sheet.
pub(super) fn draw_certificate_page(
    studio: &mut Studio<'_>,
    page: &CertificatePage,
    size: (f32, f32),
) -> Vec<AddedPage> {
    let mut flow = Flow::new(studio, size);
    flow.title(&page.title);
    flow.paragraph(&page.statement, Weight::Regular, BODY + 1.0);
    flow.space(8.0);
    for row in &page.facts {
        flow.row(row, 0.0);
    }
    if let Some(first) = page.parties.first() {
        let first = flow.party_height(first);
        flow.heading(&page.parties_title, first);
        for party in &page.parties {
            flow.party(party);
            flow.space(9.0);
        }
    }
    if !page.verify.is_empty() {
        flow.heading(&page.verify_title, 30.0);
        for paragraph in &page.verify {
            flow.paragraph(paragraph, Weight::Regular, BODY);
            flow.space(3.0);
        }
    }
    place_seal(&mut flow, &page.seal);
    flow.footers(&page.footer);
    flow.pages
}

/// The seal's box: its appearance belongs to the widget, not to the page.
fn place_seal(flow: &mut Flow<'_, '_>, words: &[String]) {
    const WIDTH: f32 = 230.0;
    const PADDING: f32 = 8.0;
    let width = WIDTH.min(flow.room());
    let fonts = flow.studio.fonts;
    let blocks: Vec<Block> = words
        .iter()
        .enumerate()
        .map(|(n, text)| {
            let (weight, size) = if n == 0 {
                (Weight::Bold, BODY)
            } else {
                (Weight::Regular, SMALL)
            };
            text::wrap(fonts, text, weight, width - 2.0 * PADDING - 4.0, size)
        })
        .collect();
    let height = blocks.iter().map(Block::height).sum::<f32>() + 2.0 * PADDING;
    flow.need(height + 14.0);
    flow.space(14.0);
    let mut form = Form::new(flow.studio.objects, width, height);
    let content = form.content();
    content.save_state();
    content.set_stroke_rgb(0.10, 0.23, 0.50);
    content.set_line_width(1.0);
    content.rect(0.5, 0.5, width - 1.0, height - 1.0);
    content.stroke();
    content.set_fill_rgb(0.10, 0.23, 0.50);
    content.rect(0.5, 0.5, 4.0, height - 1.0);
    content.fill_nonzero();
    content.restore_state();
    let mut top = height - PADDING;
    for block in &blocks {
        form.block(flow.studio, block, (PADDING + 4.0, top));
        top -= block.height();
    }
    let area = Area {
        x: f64::from(MARGIN),
        y: f64::from(flow.size.1 - flow.y),
        width: f64::from(width),
        height: f64::from(height),
    };
    flow.y -= height;
    if let Some(page) = flow.page() {
        page.seal = Some((area, form));
    }
}
