//! Lines and boxes on a page's surface.

use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::num::NormalizedF32;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{ContentTag, Identifier, SpanTag};

use super::letters::{Run, undrawable};
use super::sheet::{Colour, Ink, Set};
use crate::pdf::text::MISSING_ADVANCE;

pub(super) fn fill((red, green, blue): Colour) -> Fill {
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        opacity: NormalizedF32::ONE,
        rule: Default::default(),
    }
}

/// Draws a line; with `marks`, each piece is marked content of its own: a box carries its character as replacement text.
pub(super) fn draw_line(
    surface: &mut Surface<'_>,
    set: &Set,
    x: f32,
    baseline: f32,
    mut marks: Option<&mut Vec<Identifier>>,
) {
    let size = set.ink.size;
    let mut at = x;
    let mut open = false;
    for run in &set.line.runs {
        match run {
            Run::Shaped {
                font,
                text,
                glyphs,
                advance,
            } => {
                if let Some(marks) = marks.as_deref_mut()
                    && !open
                {
                    marks.push(surface.start_tagged(ContentTag::Other));
                    open = true;
                }
                surface.set_stroke(None);
                surface.set_fill(Some(fill(set.ink.colour)));
                let start = Point::from_xy(at, baseline);
                surface.draw_glyphs(start, glyphs, font.clone(), text, size, false);
                at += advance * size;
            }
            Run::Missing(chars) => {
                if open {
                    surface.end_tagged();
                    open = false;
                }
                for c in chars {
                    if let Some(marks) = marks.as_deref_mut() {
                        let code = format!("U+{:04X}", u32::from(*c));
                        let character = c.to_string();
                        let actual = if undrawable(*c) { &code } else { &character };
                        let span = SpanTag::empty().with_actual_text(Some(actual));
                        marks.push(surface.start_tagged(ContentTag::Span(span)));
                    }
                    draw_missing(surface, *c, set.ink, at, baseline);
                    if marks.is_some() {
                        surface.end_tagged();
                    }
                    at += MISSING_ADVANCE * size;
                }
            }
        }
    }
    if open {
        surface.end_tagged();
    }
}

/// A box with the code point in two rows of digits, drawn as strokes of a five by three grid: no face is needed for it.
fn draw_missing(surface: &mut Surface<'_>, c: char, ink: Ink, x: f32, baseline: f32) {
    let size = ink.size;
    let (left, top) = (x + 0.06 * size, baseline - 0.78 * size);
    let (width, height) = (0.78 * size, 0.9 * size);
    let mut frame = PathBuilder::new();
    if let Some(rect) = Rect::from_xywh(left, top, width, height) {
        frame.push_rect(rect);
    }
    let (red, green, blue) = ink.colour;
    if let Some(path) = frame.finish() {
        surface.set_fill(None);
        surface.set_stroke(Some(Stroke {
            paint: rgb::Color::new(red, green, blue).into(),
            width: 0.05 * size,
            ..Stroke::default()
        }));
        surface.draw_path(&path);
    }
    let code = format!("{:04X}", u32::from(c));
    let columns = code.len().div_ceil(2);
    let dot = (width / (columns as f32 * 4.0 + 1.0)).min(height / 13.0);
    let mut dots = PathBuilder::new();
    let mut any = false;
    for (at, digit) in code.chars().filter_map(|d| d.to_digit(16)).enumerate() {
        let (row, column) = (at / columns, at % columns);
        let x =
            left + (width - (columns as f32 * 4.0 - 1.0) * dot) / 2.0 + column as f32 * 4.0 * dot;
        let y = top + (height - 11.0 * dot) / 2.0 + row as f32 * 6.0 * dot;
        let pattern = DIGITS.get(digit as usize).copied().unwrap_or_default();
        for bit in 0..15_u16 {
            if pattern >> (14 - bit) & 1 == 1 {
                let (bx, by) = (f32::from(bit % 3), f32::from(bit / 3));
                if let Some(rect) = Rect::from_xywh(x + bx * dot, y + by * dot, dot, dot) {
                    dots.push_rect(rect);
                    any = true;
                }
            }
        }
    }
    if any && let Some(path) = dots.finish() {
        surface.set_stroke(None);
        surface.set_fill(Some(fill(ink.colour)));
        surface.draw_path(&path);
    }
}

/// Hexadecimal digits on a grid three wide and five high, the top left bit first.
const DIGITS: [u16; 16] = [
    0b111_101_101_101_111,
    0b010_110_010_010_111,
    0b111_001_111_100_111,
    0b111_001_111_001_111,
    0b101_101_111_001_001,
    0b111_100_111_001_111,
    0b111_100_111_101_111,
    0b111_001_010_010_010,
    0b111_101_111_101_111,
    0b111_101_111_001_111,
    0b111_101_111_101_101,
    0b110_101_110_101_110,
    0b111_100_100_100_111,
    0b110_101_101_101_110,
    0b111_100_111_100_111,
    0b111_100_111_100_100,
];
