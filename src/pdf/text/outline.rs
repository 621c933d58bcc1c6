//! A typed name as vector outlines: the same drawing on the signing page (SVG) and in the document.

use std::fmt::Write as _;

use pdf_writer::Content;
use skrifa::{DrawMemory, GlyphId, PathSink, ScalerFont};

use super::face::Fonts;
use super::shape::{Run, drawable, shape_with};

/// A step of a path; y grows upwards.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Move([f32; 2]),
    Line([f32; 2]),
    Cubic([f32; 2], [f32; 2], [f32; 2]),
    Close,
}

/// A filled shape in em: baseline at y = 0, the first glyph's origin at x = 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    steps: Vec<Step>,
    /// Left, bottom, right, top of its points; all 0 where nothing is drawn.
    bounds: [f32; 4],
}

/// Draws `text` in the signature style `style`, as one line. `None` where the style is unknown or lacks a letter: such a
/// style is not offered.
pub fn outline(fonts: &Fonts, text: &str, style: &str) -> Option<Outline> {
    let face = fonts.style(style)?;
    let text = drawable(text);
    let line = shape_with(fonts, &text, face.clone(), None);
    let mut pen = Pen::default();
    let mut x = 0.0;
    for run in &line.runs {
        let Run::Shaped {
            face: used, glyphs, ..
        } = run
        else {
            return None;
        };
        if !std::sync::Arc::ptr_eq(used, &face) {
            return None;
        }
        let scaler = ScalerFont::force_unhinted(used.font.clone(), None);
        for glyph in glyphs {
            pen.origin = [x + glyph.dx, glyph.dy];
            pen.scale = 1.0 / used.units_per_em;
            if let Some(drawn) = scaler.outline(GlyphId::new(u32::from(glyph.id))) {
                drawn.draw(DrawMemory::Scratch, &mut pen).ok()?;
            }
            x += glyph.advance;
        }
    }
    let outline = pen.finish();
    (!outline.steps.is_empty()).then_some(outline)
}

impl Outline {
    /// Left, bottom, right, top in em; the baseline is y = 0.
    pub fn bounds(&self) -> [f32; 4] {
        self.bounds
    }

    /// The largest scale (points for each em) at which it lies inside `width` x `height` points, at most `size_max`.
    pub fn size_within(&self, width: f32, height: f32, size_max: f32) -> f32 {
        let [left, bottom, right, top] = self.bounds;
        let fit = |room: f32, need: f32| {
            if need > 0.0 {
                room / need
            } else {
                f32::INFINITY
            }
        };
        fit(width, right - left)
            .min(fit(height, top - bottom))
            .min(size_max)
            .max(0.0)
    }

    /// The `d` of an SVG `<path>`: y downwards, `scale` units for each em, its upper left corner at 0 0.
    pub fn svg_path(&self, scale: f32) -> String {
        let [left, _, _, top] = self.bounds;
        let mut out = String::new();
        let mut put = |command: char, points: &[[f32; 2]]| {
            out.push(command);
            for (n, [x, y]) in points.iter().enumerate() {
                let space = if n == 0 { "" } else { " " };
                // Writing to a String can't fail.
                let _ = write!(
                    out,
                    "{space}{} {}",
                    rounded((x - left) * scale),
                    rounded((top - y) * scale)
                );
            }
        };
        for step in &self.steps {
            match *step {
                Step::Move(p) => put('M', &[p]),
                Step::Line(p) => put('L', &[p]),
                Step::Cubic(a, b, p) => put('C', &[a, b, p]),
                Step::Close => put('Z', &[]),
            }
        }
        out
    }

    /// Width and height in em.
    pub fn extent(&self) -> (f32, f32) {
        let [left, bottom, right, top] = self.bounds;
        (right - left, top - bottom)
    }

    /// Adds it to `content` as one filled path (non-zero winding), its lower left corner at (`x`, `y`) points.
    pub(in crate::pdf) fn fill(&self, content: &mut Content, x: f32, y: f32, size: f32) {
        let [left, bottom, ..] = self.bounds;
        let at = |[px, py]: [f32; 2]| {
            (
                rounded(x + (px - left) * size),
                rounded(y + (py - bottom) * size),
            )
        };
        for step in &self.steps {
            match *step {
                Step::Move(p) => {
                    let (x, y) = at(p);
                    content.move_to(x, y);
                }
                Step::Line(p) => {
                    let (x, y) = at(p);
                    content.line_to(x, y);
                }
                Step::Cubic(a, b, p) => {
                    let ((ax, ay), (bx, by), (x, y)) = (at(a), at(b), at(p));
                    content.cubic_to(ax, ay, bx, by, x, y);
                }
                Step::Close => {
                    content.close_path();
                }
            }
        }
        content.fill_nonzero();
    }
}

/// Thousandths are finer than any printer, and keep paths short.
fn rounded(value: f32) -> f32 {
    (value * 1000.0).round() / 1000.0
}

#[derive(Default)]
struct Pen {
    steps: Vec<Step>,
    at: [f32; 2],
    origin: [f32; 2],
    scale: f32,
}

impl Pen {
    fn point(&self, x: f32, y: f32) -> [f32; 2] {
        let [ox, oy] = self.origin;
        [ox + x * self.scale, oy + y * self.scale]
    }

    fn finish(self) -> Outline {
        let mut bounds: Option<[f32; 4]> = None;
        let mut take = |[x, y]: [f32; 2]| {
            let [left, bottom, right, top] = bounds.unwrap_or([x, y, x, y]);
            bounds = Some([left.min(x), bottom.min(y), right.max(x), top.max(y)]);
        };
        for step in &self.steps {
            match *step {
                Step::Move(p) | Step::Line(p) => take(p),
                // A curve lies inside its control points.
                Step::Cubic(a, b, p) => [a, b, p].into_iter().for_each(&mut take),
                Step::Close => {}
            }
        }
        Outline {
            steps: self.steps,
            bounds: bounds.unwrap_or_default(),
        }
    }
}

impl PathSink for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.at = self.point(x, y);
        self.steps.push(Step::Move(self.at));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.at = self.point(x, y);
        self.steps.push(Step::Line(self.at));
    }

    fn quad_to(&mut self, cx0: f32, cy0: f32, x: f32, y: f32) {
        // PDF has cubic curves only: each control point lies two thirds of the way to the quadratic's.
        let [cx, cy] = self.point(cx0, cy0);
        let end = self.point(x, y);
        let towards = |[px, py]: [f32; 2]| [px + (cx - px) * 2.0 / 3.0, py + (cy - py) * 2.0 / 3.0];
        self.steps
            .push(Step::Cubic(towards(self.at), towards(end), end));
        self.at = end;
    }

    fn curve_to(&mut self, cx0: f32, cy0: f32, cx1: f32, cy1: f32, x: f32, y: f32) {
        let end = self.point(x, y);
        self.steps
            .push(Step::Cubic(self.point(cx0, cy0), self.point(cx1, cy1), end));
        self.at = end;
    }

    fn close(&mut self) {
        self.steps.push(Step::Close);
    }
}
