//! Text in the document: any script that a face shows, wrapped and shrunk to a rectangle, never cut.
//!
//! Faces: DejaVu (Latin, Greek, Cyrillic, Vietnamese and more), then the fallback files. A character that none has is drawn
//! as a box with its code point, stays itself for search and copy, and is reported: it never fails a seal.

mod boxes;
mod embed;
mod face;
mod outline;
mod shape;
#[cfg(test)]
mod tests;

pub use embed::EmbedError;
pub(super) use embed::{Drawing, Embedded, Embedder, deflate};
pub(super) use face::{Face, FontBytes};
pub use face::{FontError, FontFile, Fonts, Loader, SignatureStyle, Weight};
pub use outline::{Outline, outline};
pub use shape::Line;
pub(super) use shape::{MISSING_ADVANCE, Run, drawable, shape_with};

use unicode_bidi::Level;

use shape::{base_level, shape};

/// Size of a text field's letters, in points, where the text has room.
pub const SIZE_MAX: f32 = 11.0;
/// The smallest that letters get before a text is refused as too long.
pub const SIZE_MIN: f32 = 6.0;
/// From one baseline to the next, in em.
const LEADING: f32 = 1.2;
/// From the top of a line to its baseline, in em: DejaVu's ascent.
pub(super) const ASCENT: f32 = 0.93;

/// A text doesn't fit its rectangle even at [`SIZE_MIN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is too long for its place")]
pub struct TooLong;

/// Text broken into lines at one size.
#[derive(Clone, Debug)]
pub struct Block {
    /// From top to bottom.
    pub lines: Vec<Line>,
    /// Points.
    pub size: f32,
}

impl Block {
    /// Height in points.
    pub fn height(&self) -> f32 {
        self.lines.len() as f32 * self.size * LEADING
    }

    /// Characters that no face has.
    pub fn missing(&self) -> impl Iterator<Item = char> + '_ {
        self.lines.iter().flat_map(Line::missing)
    }

    /// Draws it with its top at `top` points.
    pub(super) fn draw(&self, embedder: &mut Embedder, drawing: &mut Drawing, x: f32, top: f32) {
        let mut y = top - self.size * ASCENT;
        for line in &self.lines {
            embedder.draw_line(drawing, line, x, y, self.size);
            y -= self.size * LEADING;
        }
    }
}

/// Shapes one line without breaking it.
pub fn line(fonts: &Fonts, text: &str, weight: Weight) -> Line {
    shape(fonts, &drawable(text), weight, None)
}

/// Breaks `text` to lines of at most `width` points at `size`. Line feeds end lines; a word longer than a line is broken
/// inside.
pub fn wrap(fonts: &Fonts, text: &str, weight: Weight, width: f32, size: f32) -> Block {
    let paragraphs = Paragraph::all(fonts, text, weight);
    Block {
        lines: lines(fonts, &paragraphs, weight, width / size),
        size,
    }
}

/// Sets a digest in the monospaced face, in lines of equal length, so that it can be compared by eye: all of it, or as many
/// of its digits as fit `width` points at `size` of 32, 16 and 8.
pub fn digits(fonts: &Fonts, text: &str, width: f32, size: f32) -> Block {
    let set = |piece: &str| shape_with(fonts, &drawable(piece), fonts.mono().clone(), None);
    let count = text.chars().count().max(1);
    let fitting = set(text).width / count as f32;
    let fits = |length: &usize| fitting * *length as f32 * size <= width;
    let length = [count, 32, 16].into_iter().find(fits).unwrap_or(8);
    let characters: Vec<char> = text.chars().collect();
    Block {
        lines: characters
            .chunks(length)
            .map(|piece| set(&piece.iter().collect::<String>()))
            .collect(),
        size,
    }
}

/// Sets `text` inside `width` x `height` points: at `size_max`, or as much smaller as it needs.
///
/// # Errors
/// [`TooLong`] if it doesn't fit at [`SIZE_MIN`].
pub fn fit(
    fonts: &Fonts,
    text: &str,
    weight: Weight,
    (width, height): (f32, f32),
    size_max: f32,
) -> Result<Block, TooLong> {
    let paragraphs = Paragraph::all(fonts, text, weight);
    let mut size = size_max;
    loop {
        // A width that holds no letter at all would put each on a line of its own.
        if width >= size {
            let count = paragraphs
                .iter()
                .map(|paragraph| paragraph.breaks(width / size).len())
                .sum::<usize>();
            // The last line needs no space below its descenders.
            if count as f32 * size * LEADING <= height + 0.04 * size {
                return Ok(Block {
                    lines: lines(fonts, &paragraphs, weight, width / size),
                    size,
                });
            }
        }
        if size <= SIZE_MIN {
            return Err(TooLong);
        }
        size = (size - 0.5).max(SIZE_MIN);
    }
}

/// Whether a text field of `width` x `height` points takes `text`: what a form asks before it accepts an answer.
pub fn fits(fonts: &Fonts, text: &str, width: f32, height: f32) -> bool {
    let inner = text_room(width, height);
    fit(fonts, text, Weight::Regular, inner, SIZE_MAX).is_ok()
}

/// The room for letters inside a field of that size.
pub(super) fn text_room(width: f32, height: f32) -> (f32, f32) {
    (width - 2.0 * TEXT_MARGIN, height)
}

/// Between a field's left or right edge and its letters, in points.
pub(super) const TEXT_MARGIN: f32 = 2.0;

fn lines(fonts: &Fonts, paragraphs: &[Paragraph], weight: Weight, width: f32) -> Vec<Line> {
    let mut out = Vec::new();
    for paragraph in paragraphs {
        for range in paragraph.breaks(width) {
            let text = paragraph.text.get(range).unwrap_or_default();
            out.push(shape(fonts, text, weight, paragraph.base));
        }
    }
    out
}

/// A piece that stays on one line, and how long it is without the white space after it.
struct Word {
    start: usize,
    end: usize,
    width: f32,
    /// Width of the white space that follows, which counts only where another word does.
    space: f32,
    /// Its characters, for a word that is longer than a line: byte offset and width.
    letters: Vec<(usize, f32)>,
}

struct Paragraph {
    text: String,
    base: Option<Level>,
    words: Vec<Word>,
}

impl Paragraph {
    fn all(fonts: &Fonts, text: &str, weight: Weight) -> Vec<Self> {
        text.replace("\r\n", "\n")
            .split('\n')
            .map(|text| Self::new(fonts, drawable(text), weight))
            .collect()
    }

    fn new(fonts: &Fonts, text: String, weight: Weight) -> Self {
        let width = |piece: &str| shape(fonts, piece, weight, None).width;
        let words = pieces(&text)
            .into_iter()
            .map(|(start, end, next)| {
                let word = text.get(start..end).unwrap_or_default();
                Word {
                    start,
                    end,
                    width: width(word),
                    space: width(text.get(end..next).unwrap_or_default()),
                    letters: Vec::new(),
                }
            })
            .collect();
        let mut paragraph = Self {
            base: base_level(&text),
            words,
            text,
        };
        for word in &mut paragraph.words {
            // Letters are measured only where a word may have to be broken.
            if word.width > LETTERS_FROM_EM {
                let piece = paragraph.text.get(word.start..word.end).unwrap_or_default();
                word.letters = piece
                    .char_indices()
                    .map(|(at, c)| (word.start + at, width(c.encode_utf8(&mut [0; 4]))))
                    .collect();
            }
        }
        paragraph
    }

    /// The byte ranges of its lines at `width` em.
    fn breaks(&self, width: f32) -> Vec<std::ops::Range<usize>> {
        let mut out: Vec<std::ops::Range<usize>> = Vec::new();
        let mut line: Option<(usize, usize, f32, f32)> = None;
        for word in &self.words {
            if let Some((start, _, used, space)) = line
                && used + space + word.width <= width
            {
                line = Some((start, word.end, used + space + word.width, word.space));
                continue;
            }
            if let Some((start, end, ..)) = line.take() {
                out.push(start..end);
            }
            let mut start = word.start;
            let mut used = word.width;
            if word.width > width && !word.letters.is_empty() {
                used = 0.0;
                for (at, letter) in &word.letters {
                    if used + letter > width && *at > start {
                        out.push(start..*at);
                        start = *at;
                        used = 0.0;
                    }
                    used += letter;
                }
            }
            line = Some((start, word.end, used, word.space));
        }
        match line {
            Some((start, end, ..)) => out.push(start..end),
            None => out.push(0..0),
        }
        out
    }
}

/// No place is narrower than this that takes text at all: shorter words are never broken.
const LETTERS_FROM_EM: f32 = 1.0;

/// Splits into words: start, end, start of the next. A line may break after white space, after a hyphen, and around each
/// ideograph or kana.
fn pieces(text: &str) -> Vec<(usize, usize, usize)> {
    let mut out = Vec::new();
    let mut start = None;
    let mut end = 0;
    let mut previous: Option<char> = None;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() && c != '\u{00A0}' && c != '\u{202F}' {
            previous = Some(c);
            continue;
        }
        let open = match previous {
            None => false,
            Some(p) if p.is_whitespace() && p != '\u{00A0}' && p != '\u{202F}' => true,
            Some(p) => (p == '-' && c.is_alphabetic()) || breaks_between(p, c),
        };
        match start {
            Some(from) if open => {
                out.push((from, end, at));
                start = Some(at);
            }
            Some(_) => {}
            // Leading white space belongs to the first word, so that an indent stays.
            None => start = Some(0),
        }
        end = at + c.len_utf8();
        previous = Some(c);
    }
    if let Some(from) = start {
        out.push((from, end, text.len()));
    }
    out
}

fn breaks_between(before: char, after: char) -> bool {
    let wide = |c: char| {
        matches!(c, '\u{2E80}'..='\u{2FFF}' | '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}'
            | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
    };
    // Closing punctuation never begins a line.
    let closing = matches!(
        after,
        '、' | '。' | '，' | '．' | '）' | '」' | '』' | '！' | '？' | '：' | '；' | 'ー'
    );
    let opening = matches!(before, '（' | '「' | '『');
    (wide(before) || wide(after))
        && !closing
        && !opening
        && !unicode_normalization::char::is_combining_mark(after)
}
