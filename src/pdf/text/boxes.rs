//! What stands for a missing glyph: a box with its code point, from a Type 3 font (ISO 32000-2, 9.6.4) whose ToUnicode still
//! says the character.

use pdf_writer::types::UnicodeCmap;
use pdf_writer::{Chunk, Content, Finish as _, Name, Rect, Ref};

use super::embed::{IDENTITY, write_cmap};
use super::shape::MISSING_ADVANCE;
use crate::pdf::update::Objects;

/// The font of boxes: each glyph is a frame with the code point in hexadecimal digits, two or three in a row.
pub(super) fn write_boxes(id: Ref, missing: &[char], objects: &mut Objects) {
    let procs: Vec<(String, Ref)> = (0..missing.len())
        .map(|n| (format!("b{n}"), objects.reserve()))
        .collect();
    for (c, (_, proc)) in missing.iter().zip(&procs) {
        let content = draw_box(*c);
        objects.put(|chunk| {
            chunk.stream(*proc, &content);
        });
    }
    let unicode = objects.reserve();
    let last = u8::try_from(missing.len().saturating_sub(1)).unwrap_or(u8::MAX);
    objects.put(|chunk: &mut Chunk| {
        let mut font = chunk.type3_font(id);
        font.bbox(Rect::new(0.0, -200.0, MISSING_ADVANCE * 1000.0, 800.0))
            .matrix([0.001, 0.0, 0.0, 0.001, 0.0, 0.0])
            .first_char(0)
            .last_char(last)
            .widths((0..missing.len()).map(|_| MISSING_ADVANCE * 1000.0))
            .to_unicode(unicode);
        let mut char_procs = font.char_procs();
        for (name, proc) in &procs {
            char_procs.pair(Name(name.as_bytes()), *proc);
        }
        char_procs.finish();
        font.encoding_custom()
            .differences()
            .consecutive(0, procs.iter().map(|(name, _)| Name(name.as_bytes())));
        font.resources();
    });
    let mut cmap = UnicodeCmap::<u8>::new(Name(b"Paraph"), IDENTITY);
    for (code, c) in (0_u8..=u8::MAX).zip(missing) {
        cmap.pair(code, *c);
    }
    write_cmap(unicode, &cmap.finish(), objects);
}

fn draw_box(c: char) -> Vec<u8> {
    let digits = format!("{:04X}", u32::from(c));
    let columns = digits.len().div_ceil(2);
    let mut content = Content::new();
    let width = MISSING_ADVANCE * 1000.0;
    content.start_shape_glyph(width, 0.0, -200.0, width, 800.0);
    content.set_line_width(30.0);
    content.rect(55.0, -165.0, width - 110.0, 910.0);
    content.stroke();
    content.set_line_width(38.0);
    let step = (width - 180.0) / columns as f32;
    let digit_width = (step - 70.0).max(60.0);
    // An odd count leaves the upper row one digit short.
    let upper = digits.len() - columns;
    for (at, digit) in digits.chars().enumerate() {
        let (row, column) = if at < upper {
            (0.0, at)
        } else {
            (1.0, at - upper)
        };
        let x = 90.0 + column as f32 * step + (step - digit_width) / 2.0;
        let y = 390.0 - row * 440.0;
        draw_digit(&mut content, digit, x, y, digit_width, 270.0);
    }
    content.stroke();
    content.finish().into_vec()
}

/// A hexadecimal digit by seven strokes, as on a pocket calculator: top, upper left and right, middle, lower left and right,
/// bottom.
fn draw_digit(content: &mut Content, digit: char, x: f32, y: f32, w: f32, h: f32) {
    const STROKES: [u8; 16] = [
        0b1110111, 0b0010010, 0b1011101, 0b1011011, 0b0111010, 0b1101011, 0b1101111, 0b1010010,
        0b1111111, 0b1111011, 0b1111110, 0b0101111, 0b1100101, 0b0011111, 0b1101101, 0b1101100,
    ];
    let strokes = digit
        .to_digit(16)
        .and_then(|value| STROKES.get(value as usize))
        .copied()
        .unwrap_or_default();
    let (left, right, low, mid, high) = (x, x + w, y, y + h / 2.0, y + h);
    let lines = [
        ([left, high], [right, high]),
        ([left, high], [left, mid]),
        ([right, high], [right, mid]),
        ([left, mid], [right, mid]),
        ([left, mid], [left, low]),
        ([right, mid], [right, low]),
        ([left, low], [right, low]),
    ];
    for (bit, ([ax, ay], [bx, by])) in lines.into_iter().enumerate() {
        if strokes >> (6 - bit) & 1 == 1 {
            content.move_to(ax, ay);
            content.line_to(bx, by);
        }
    }
}
