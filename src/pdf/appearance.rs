//! What is stamped on pages, as upright forms of the mark's size: signatures, initials, dates, texts, check boxes, the test
//! watermark.

use pdf_writer::types::{LineCapStyle, LineJoinStyle};
use pdf_writer::{Content, Finish as _, Name, Rect, Ref};

use super::image::Picture;
use super::text::{
    self, Drawing, Embedded, Embedder, Fonts, SIZE_MAX, TEXT_MARGIN, TooLong, Weight, deflate,
};
use super::update::Objects;

/// Ink: a dark blue that stays legible when printed grey.
const INK: [f32; 3] = [0.04, 0.10, 0.36];
/// The most points of one drawn signature, over all its strokes.
pub const STROKE_POINTS_MAX: usize = 20_000;

/// A point of a drawn stroke, in units of the pad's width, y down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InkPoint {
    /// From the pad's left edge.
    pub x: f32,
    /// From the pad's top edge.
    pub y: f32,
    /// Of the pen.
    pub width: f32,
}

/// How someone made their signature or initials.
#[derive(Clone, Debug, PartialEq)]
pub enum Ink {
    /// Drawn on the pad: strokes of points.
    Drawn(Vec<Vec<InkPoint>>),
    /// Typed: drawn as outlines in a style of [`Fonts::signature_styles`].
    Typed {
        /// The name.
        text: String,
        /// The style's id.
        style: String,
    },
    /// Uploaded.
    Picture(Picture),
}

/// What a mark shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// Ink, below it who and when.
    Signature {
        /// The ink.
        ink: Ink,
        /// The signer's name.
        name: String,
        /// When, ready to read.
        time: String,
    },
    /// Ink alone.
    Initials(Ink),
    /// A text, also a date: 11 points, smaller where it needs to be.
    Text(String),
    /// A box, crossed or empty.
    Checkbox(bool),
}

/// Why a mark can't be drawn.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// The text doesn't fit its field: refused when the field is filled, so this is a caller's mistake.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The style is unknown or lacks a letter of the name: it is not offered then.
    #[error("the signature style {style:?} can't write this name")]
    Style {
        /// The style's id.
        style: String,
    },
    /// The drawing has no stroke, too many points, or numbers that are none.
    #[error("the drawn signature has no usable stroke")]
    NoStroke,
}

/// A form XObject in the making: its fonts and pictures are known, their objects not all written yet.
pub(super) struct Form {
    pub(super) id: Ref,
    drawing: Drawing,
    width: f32,
    height: f32,
    matrix: Option<[f32; 6]>,
    pictures: Vec<(String, Ref)>,
    /// Opacity of all that it fills, where it isn't opaque.
    opacity: Option<f32>,
    /// Characters shown as boxes.
    pub(super) missing: Vec<char>,
}

/// What drawing needs besides the form: fonts, their users, objects.
pub(super) struct Studio<'a> {
    pub(super) fonts: &'a Fonts,
    pub(super) embedder: &'a mut Embedder,
    pub(super) objects: &'a mut Objects,
}

impl Form {
    pub(super) fn new(objects: &mut Objects, width: f32, height: f32) -> Self {
        Self {
            id: objects.reserve(),
            drawing: Drawing::default(),
            width,
            height,
            matrix: None,
            pictures: Vec::new(),
            opacity: None,
            missing: Vec::new(),
        }
    }

    /// Turns it, for a widget's appearance.
    pub(super) fn with_matrix(mut self, matrix: [f64; 6]) -> Self {
        self.matrix = Some(matrix.map(|value| value as f32));
        self
    }

    /// The content stream.
    pub(super) fn content(&mut self) -> &mut Content {
        &mut self.drawing.content
    }

    /// One line with its baseline at `y`, made smaller where it is longer than `room`. It gives the size used.
    pub(super) fn line(
        &mut self,
        studio: &mut Studio<'_>,
        text: &str,
        weight: Weight,
        (x, y): (f32, f32),
        size: f32,
        room: f32,
    ) -> f32 {
        let line = text::line(studio.fonts, text, weight);
        let natural = line.width_at(size);
        let size = if natural > room && natural > 0.0 {
            size * room / natural
        } else {
            size
        };
        self.missing.extend(line.missing());
        studio
            .embedder
            .draw_line(&mut self.drawing, &line, x, y, size);
        size
    }

    /// A block of text with its top at `top`.
    pub(super) fn block(
        &mut self,
        studio: &mut Studio<'_>,
        block: &text::Block,
        (x, top): (f32, f32),
    ) {
        self.missing.extend(block.missing());
        block.draw(studio.embedder, &mut self.drawing, x, top);
    }

    /// Ink inside the rectangle, resting on its bottom edge.
    pub(super) fn ink(
        &mut self,
        studio: &mut Studio<'_>,
        ink: &Ink,
        [x, y, width, height]: [f32; 4],
    ) -> Result<(), DrawError> {
        match ink {
            Ink::Drawn(strokes) => {
                let strokes = Strokes::measure(strokes)?;
                strokes.draw(self.content(), [x, y, width, height]);
            }
            Ink::Typed { text, style } => {
                let outline =
                    text::outline(studio.fonts, text, style).ok_or_else(|| DrawError::Style {
                        style: style.clone(),
                    })?;
                let size = outline.size_within(width, height, 48.0);
                let [r, g, b] = INK;
                let content = self.content();
                content.save_state();
                content.set_fill_rgb(r, g, b);
                outline.fill(content, x, y, size);
                content.restore_state();
            }
            Ink::Picture(picture) => {
                let (pixels_wide, pixels_high) = picture.size();
                let scale = (width / pixels_wide as f32).min(height / pixels_high as f32);
                let name = format!("PI{}", self.pictures.len());
                self.pictures
                    .push((name.clone(), picture.write(studio.objects)));
                let content = self.content();
                content.save_state();
                content.transform([
                    pixels_wide as f32 * scale,
                    0.0,
                    0.0,
                    pixels_high as f32 * scale,
                    x,
                    y,
                ]);
                content.x_object(Name(name.as_bytes()));
                content.restore_state();
            }
        }
        Ok(())
    }

    /// Writes the object, now that its fonts have theirs.
    pub(super) fn write(self, embedded: &Embedded, objects: &mut Objects) {
        let fonts: Vec<(String, Ref)> = self.drawing.fonts(embedded).collect();
        let content = deflate(&self.drawing.content.finish());
        objects.put(|chunk| {
            let mut form = chunk.form_xobject(self.id, &content);
            form.filter(pdf_writer::Filter::FlateDecode);
            form.bbox(Rect::new(0.0, 0.0, self.width, self.height));
            if let Some(matrix) = self.matrix {
                form.matrix(matrix);
            }
            let mut resources = form.resources();
            write_resources(&mut resources, &fonts, &self.pictures, self.opacity);
            resources.finish();
        });
    }

    /// Gives up the form for a page's own content: content, fonts, pictures.
    pub(super) fn into_page(self, embedded: &Embedded) -> PageContent {
        PageContent {
            fonts: self.drawing.fonts(embedded).collect(),
            content: deflate(&self.drawing.content.finish()),
            pictures: self.pictures,
        }
    }
}

/// A whole page's content and what it names.
pub(super) struct PageContent {
    /// Deflated.
    pub(super) content: Vec<u8>,
    pub(super) fonts: Vec<(String, Ref)>,
    pub(super) pictures: Vec<(String, Ref)>,
}

/// Name of the graphics state that makes a form translucent.
const OPACITY: Name<'static> = Name(b"PG0");

fn write_resources(
    resources: &mut pdf_writer::writers::Resources<'_>,
    fonts: &[(String, Ref)],
    pictures: &[(String, Ref)],
    opacity: Option<f32>,
) {
    if !fonts.is_empty() {
        let mut dict = resources.fonts();
        for (name, id) in fonts {
            dict.pair(Name(name.as_bytes()), *id);
        }
    }
    if !pictures.is_empty() {
        let mut dict = resources.x_objects();
        for (name, id) in pictures {
            dict.pair(Name(name.as_bytes()), *id);
        }
    }
    if let Some(opacity) = opacity {
        let mut states = resources.ext_g_states();
        let mut state = states
            .insert(OPACITY)
            .start::<pdf_writer::writers::ExtGraphicsState<'_>>();
        state.non_stroking_alpha(opacity);
        state.stroking_alpha(opacity);
    }
}

/// Draws a mark of `width` x `height` points.
pub(super) fn draw(
    studio: &mut Studio<'_>,
    mark: &Mark,
    width: f32,
    height: f32,
) -> Result<Form, DrawError> {
    let mut form = Form::new(studio.objects, width, height);
    match mark {
        Mark::Signature { ink, name, time } => {
            draw_signature(&mut form, studio, ink, name, time)?;
        }
        Mark::Initials(ink) => {
            let margin = (height * 0.06).min(2.0);
            let room = [
                margin,
                margin,
                (width - 2.0 * margin).max(1.0),
                (height - 2.0 * margin).max(1.0),
            ];
            form.ink(studio, ink, room)?;
        }
        Mark::Text(text) => {
            let room = text::text_room(width, height);
            let block = text::fit(studio.fonts, text, Weight::Regular, room, SIZE_MAX)?;
            // A single line stands in the middle, as in a form; several begin at the top.
            let above = if block.lines.len() == 1 {
                ((height - block.height()) / 2.0).max(0.0)
            } else {
                0.0
            };
            form.block(studio, &block, (TEXT_MARGIN, height - above));
        }
        Mark::Checkbox(checked) => draw_checkbox(form.content(), width, height, *checked),
    }
    Ok(form)
}

/// Ink above, a hairline, name and time below it.
fn draw_signature(
    form: &mut Form,
    studio: &mut Studio<'_>,
    ink: &Ink,
    name: &str,
    time: &str,
) -> Result<(), DrawError> {
    let (width, height) = (form.width, form.height);
    let margin = 2.0_f32.min(width * 0.02);
    let room = (width - 2.0 * margin).max(1.0);
    // Two fifths of a low field, never more than two lines of 7 points.
    let size = (height * 0.4 / 2.3).min(7.0);
    let rule = size * 2.3 + 0.4;
    form.line(
        studio,
        time,
        Weight::Regular,
        (margin, size * 0.28),
        size,
        room,
    );
    form.line(
        studio,
        name,
        Weight::Regular,
        (margin, size * 1.38),
        size,
        room,
    );
    let content = form.content();
    content.save_state();
    content.set_stroke_gray(0.55);
    content.set_line_width(0.4);
    content.move_to(margin, rule);
    content.line_to(width - margin, rule);
    content.stroke();
    content.restore_state();
    let above = (height - rule - 2.0).max(1.0);
    form.ink(studio, ink, [margin, rule + 1.0, room, above])
}

fn draw_checkbox(content: &mut Content, width: f32, height: f32, checked: bool) {
    let side = (width.min(height) - 1.0).clamp(1.0, 14.0);
    let (x, y) = (0.5, (height - side) / 2.0);
    content.set_line_width((side * 0.07).max(0.4));
    content.rect(x, y, side, side);
    content.stroke();
    if checked {
        let inset = side * 0.2;
        content.set_line_width(side * 0.13);
        content.set_line_cap(LineCapStyle::RoundCap);
        content.move_to(x + inset, y + inset);
        content.line_to(x + side - inset, y + side - inset);
        content.move_to(x + inset, y + side - inset);
        content.line_to(x + side - inset, y + inset);
        content.stroke();
    }
}

/// The watermark: `text` once across a page of that size as shown, translucent.
pub(super) fn draw_watermark(studio: &mut Studio<'_>, text: &str, width: f32, height: f32) -> Form {
    let mut form = Form::new(studio.objects, width, height);
    form.opacity = Some(0.2);
    let line = text::line(studio.fonts, text, Weight::Bold);
    let diagonal = width.hypot(height);
    let size = (diagonal * 0.7 / line.width_at(1.0).max(1.0)).min(120.0);
    let (cos, sin) = (width / diagonal, height / diagonal);
    let content = form.content();
    content.save_state();
    content.set_parameters(OPACITY);
    content.set_fill_rgb(0.75, 0.05, 0.05);
    content.transform([cos, sin, -sin, cos, width / 2.0, height / 2.0]);
    let (x, y) = (-line.width_at(size) / 2.0, -0.35 * size);
    form.missing.extend(line.missing());
    studio
        .embedder
        .draw_line(&mut form.drawing, &line, x, y, size);
    form.content().restore_state();
    form
}

/// Drawn strokes and the box around them.
struct Strokes<'a> {
    strokes: Vec<&'a [InkPoint]>,
    bounds: [f32; 4],
}

impl<'a> Strokes<'a> {
    fn measure(strokes: &'a [Vec<InkPoint>]) -> Result<Self, DrawError> {
        let points = strokes.iter().map(Vec::len).sum::<usize>();
        let sound = |p: &InkPoint| {
            [p.x, p.y, p.width]
                .iter()
                .all(|value| value.is_finite() && value.abs() < 100.0)
        };
        if points == 0 || points > STROKE_POINTS_MAX || !strokes.iter().flatten().all(sound) {
            return Err(DrawError::NoStroke);
        }
        let mut bounds = [f32::MAX, f32::MAX, f32::MIN, f32::MIN];
        for p in strokes.iter().flatten() {
            let half = p.width.max(0.0) / 2.0;
            let [left, top, right, bottom] = bounds;
            bounds = [
                left.min(p.x - half),
                top.min(p.y - half),
                right.max(p.x + half),
                bottom.max(p.y + half),
            ];
        }
        Ok(Self {
            strokes: strokes
                .iter()
                .map(Vec::as_slice)
                .filter(|stroke| !stroke.is_empty())
                .collect(),
            bounds,
        })
    }

    /// As large as the rectangle allows, but not beyond twice the size at which the pad is as wide as it: a dot stays a dot.
    fn draw(&self, content: &mut Content, [x, y, width, height]: [f32; 4]) {
        let [left, top, right, bottom] = self.bounds;
        let scale = (width / (right - left).max(1e-4))
            .min(height / (bottom - top).max(1e-4))
            .min(width * 2.0);
        let at = |p: &InkPoint| [x + (p.x - left) * scale, y + (bottom - p.y) * scale];
        let [r, g, b] = INK;
        content.save_state();
        content.set_stroke_rgb(r, g, b);
        content.set_line_cap(LineCapStyle::RoundCap);
        content.set_line_join(LineJoinStyle::RoundJoin);
        for stroke in &self.strokes {
            draw_stroke(content, stroke, scale, &at);
        }
        content.restore_state();
    }
}

/// Quadratic curves through the midpoints, one path as long as the pen's width stays the same within a tenth of a point.
fn draw_stroke(
    content: &mut Content,
    stroke: &[InkPoint],
    scale: f32,
    at: &impl Fn(&InkPoint) -> [f32; 2],
) {
    let pen = |p: &InkPoint| ((p.width * scale * 10.0).round() / 10.0).max(0.3);
    let round = |value: f32| (value * 100.0).round() / 100.0;
    let middle = |[ax, ay]: [f32; 2], [bx, by]: [f32; 2]| [(ax + bx) / 2.0, (ay + by) / 2.0];
    let Some(first) = stroke.first() else { return };
    let mut from = at(first);
    let mut width = pen(first);
    content.set_line_width(width);
    content.move_to(round(from[0]), round(from[1]));
    if stroke.len() == 1 {
        // A path of length zero with round caps is a dot.
        content.line_to(round(from[0]), round(from[1]));
    }
    for (n, pair) in stroke.windows(2).enumerate() {
        let [p, q] = pair else { continue };
        let control = at(p);
        let last = n + 2 == stroke.len();
        let end = if last { at(q) } else { middle(control, at(q)) };
        if pen(p) != width {
            content.stroke();
            width = pen(p);
            content.set_line_width(width);
            content.move_to(round(from[0]), round(from[1]));
        }
        let towards = |[px, py]: [f32; 2]| {
            [
                round(px + (control[0] - px) * 2.0 / 3.0),
                round(py + (control[1] - py) * 2.0 / 3.0),
            ]
        };
        let ([ax, ay], [bx, by]) = (towards(from), towards(end));
        content.cubic_to(ax, ay, bx, by, round(end[0]), round(end[1]));
        from = end;
    }
    content.stroke();
}
