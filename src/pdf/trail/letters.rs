//! Lines of the audit trail: shaped as all text of the product is, in the form that krilla embeds.

use std::cell::RefCell;
use std::sync::Arc;

use krilla::Data;
use krilla::text::{Font as EmbeddedFont, GlyphId, KrillaGlyph};

use crate::pdf::text::{
    Face, FontBytes, Fonts, MISSING_ADVANCE, Run as ShapedRun, Weight, drawable, shape_with,
};

/// Which face a text is set in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Regular,
    Bold,
    Mono,
}

/// Glyphs of one face, or characters without any.
#[derive(Clone)]
pub(super) enum Run {
    Shaped {
        font: EmbeddedFont,
        text: String,
        /// Lengths in em.
        glyphs: Vec<KrillaGlyph>,
        advance: f32,
    },
    Missing(Vec<char>),
}

impl Run {
    /// In em.
    pub(super) fn advance(&self) -> f32 {
        match self {
            Self::Shaped { advance, .. } => *advance,
            Self::Missing(chars) => chars.len() as f32 * MISSING_ADVANCE,
        }
    }
}

/// One line, left to right.
#[derive(Clone, Default)]
pub(super) struct Line {
    pub(super) runs: Vec<Run>,
}

impl Line {
    /// In em.
    pub(super) fn width(&self) -> f32 {
        self.runs.iter().map(Run::advance).sum()
    }
}

/// The faces of one audit trail.
pub(super) struct Letters<'a> {
    fonts: &'a Fonts,
    /// What was handed to krilla already: it embeds a face once for each handle.
    embedded: RefCell<Vec<(Arc<Face>, EmbeddedFont)>>,
}

impl<'a> Letters<'a> {
    pub(super) fn new(fonts: &'a Fonts) -> Self {
        Self {
            fonts,
            embedded: RefCell::default(),
        }
    }

    /// Shapes `text` as one line. Nothing fails: what no face has becomes [`Run::Missing`].
    pub(super) fn shape(&self, text: &str, cut: Cut) -> Line {
        let text = drawable(text);
        let first = match cut {
            Cut::Regular => self.fonts.primary(Weight::Regular),
            Cut::Bold => self.fonts.primary(Weight::Bold),
            Cut::Mono => self.fonts.mono(),
        };
        let mut line = Line::default();
        let mut rest = text.as_str();
        while let Some((at, barred)) = rest.char_indices().find(|(_, c)| undrawable(*c)) {
            let (before, after) = rest.split_at(at);
            self.shape_into(before, first, &mut line);
            line.runs.push(Run::Missing(vec![barred]));
            rest = after.get(barred.len_utf8()..).unwrap_or_default();
        }
        self.shape_into(rest, first, &mut line);
        line
    }

    fn shape_into(&self, text: &str, first: &Arc<Face>, line: &mut Line) {
        if text.is_empty() {
            return;
        }
        for run in shape_with(self.fonts, text, Arc::clone(first), None).runs {
            line.runs.push(match run {
                ShapedRun::Missing(chars) => Run::Missing(chars),
                ShapedRun::Shaped {
                    face,
                    glyphs,
                    clusters,
                } => match self.embedded(&face) {
                    Some(font) => {
                        let mut text = String::new();
                        let mut placed = Vec::with_capacity(glyphs.len());
                        let mut advance = 0.0;
                        for cluster in clusters {
                            let from = text.len();
                            text.push_str(&cluster.text);
                            for glyph in glyphs.get(cluster.glyphs).unwrap_or_default() {
                                advance += glyph.advance;
                                placed.push(KrillaGlyph::new(
                                    GlyphId::new(u32::from(glyph.id)),
                                    glyph.advance,
                                    glyph.dx,
                                    glyph.dy,
                                    0.0,
                                    from..text.len(),
                                    None,
                                ));
                            }
                        }
                        Run::Shaped {
                            font,
                            text,
                            glyphs: placed,
                            advance,
                        }
                    }
                    None => Run::Missing(
                        clusters
                            .iter()
                            .flat_map(|cluster| cluster.text.chars())
                            .collect(),
                    ),
                },
            });
        }
    }

    fn embedded(&self, face: &Arc<Face>) -> Option<EmbeddedFont> {
        let mut embedded = self.embedded.borrow_mut();
        if let Some((_, font)) = embedded.iter().find(|(known, _)| Arc::ptr_eq(known, face)) {
            return Some(font.clone());
        }
        let data: Data = match &face.bytes {
            FontBytes::Carried(bytes) => (*bytes).into(),
            FontBytes::Loaded(bytes) => Arc::clone(bytes).into(),
        };
        let font = EmbeddedFont::new(data, face.index)?;
        embedded.push((Arc::clone(face), font.clone()));
        Some(font)
    }

    /// Breaks `text` into lines of at most `width` em: at spaces, else wherever it must be. Line ends keep their space.
    pub(super) fn wrap(&self, text: &str, cut: Cut, width: f32) -> Vec<Line> {
        let mut lines = Vec::new();
        for paragraph in text.split('\n') {
            let mut line = String::new();
            for word in paragraph.split_inclusive(' ') {
                if self.fits(&line, word, cut, width) {
                    line.push_str(word);
                    continue;
                }
                if !line.is_empty() {
                    lines.push(self.shape(&line, cut));
                    line.clear();
                }
                if self.fits("", word, cut, width) {
                    line.push_str(word);
                    continue;
                }
                self.break_word(word, cut, width, &mut line, &mut lines);
            }
            lines.push(self.shape(&line, cut));
        }
        lines
    }

    /// A word longer than a line: an address, a hash, Chinese.
    fn break_word(
        &self,
        word: &str,
        cut: Cut,
        width: f32,
        line: &mut String,
        lines: &mut Vec<Line>,
    ) {
        let mut used = 0.0;
        for c in word.chars() {
            let advance = self.shape(c.encode_utf8(&mut [0; 4]), cut).width();
            if used + advance > width && !line.is_empty() && c != ' ' {
                lines.push(self.shape(line, cut));
                line.clear();
                used = 0.0;
            }
            line.push(c);
            used += advance;
        }
    }

    fn fits(&self, line: &str, word: &str, cut: Cut, width: f32) -> bool {
        let text = format!("{line}{}", word.trim_end());
        self.shape(&text, cut).width() <= width
    }
}

/// What an archive must not map a glyph to (PDF/A-2, 6.2.11.7.2): private use and noncharacters.
pub(super) fn undrawable(c: char) -> bool {
    matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{FDD0}'..='\u{FDEF}' | '\u{F0000}'..)
        || u32::from(c) & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fonts() -> Fonts {
        Fonts::new(vec![], vec![]).unwrap()
    }

    fn words(line: &Line) -> String {
        line.runs
            .iter()
            .map(|run| match run {
                Run::Shaped { text, .. } => text.clone(),
                Run::Missing(chars) => format!("[{}]", chars.iter().collect::<String>()),
            })
            .collect()
    }

    #[test]
    fn lines_break_at_spaces_and_long_words_where_they_must() {
        let fonts = fonts();
        let letters = Letters::new(&fonts);
        let broken = letters.wrap("one two three", Cut::Regular, 5.0);
        let broken: Vec<_> = broken.iter().map(words).collect();
        assert_eq!(broken, ["one two ", "three"]);
        let hash = "0123456789abcdef".repeat(4);
        let broken = letters.wrap(&hash, Cut::Mono, 20.0);
        assert!(broken.len() > 1);
        assert!(broken.iter().all(|line| line.width() <= 20.0));
        assert_eq!(broken.iter().map(words).collect::<String>(), hash);
    }

    #[test]
    fn private_characters_are_boxes_even_where_a_face_has_them() {
        let fonts = fonts();
        let letters = Letters::new(&fonts);
        let line = letters.shape("a\u{E000}b\u{F8FF}", Cut::Bold);
        assert_eq!(words(&line), "a[\u{E000}]b[\u{F8FF}]");
        assert_eq!(words(&letters.shape("李 x", Cut::Bold)), "[李] x");
    }
}
