//! Faces, shaping and line breaks of the audit trail. krilla embeds; this decides which glyph of which face stands where.

use std::cell::OnceCell;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use harfrust::{Buffer, Direction, Script, ShapeOptions, ShaperFont, unicode};
use krilla::text::{Font as EmbeddedFont, GlyphId, KrillaGlyph};
use skrifa::Font;
use unicode_bidi::{BidiInfo, Level};
use unicode_normalization::UnicodeNormalization;

/// Advance of the box that stands for a character that no face has, in em.
pub(super) const MISSING_ADVANCE: f32 = 0.9;

/// A font file for characters that the carried faces lack, such as Chinese. Read only when a text needs it.
pub struct FontSource {
    /// The face inside a collection (`.ttc`), 0 for a single font.
    pub index: u32,
    /// Reads the file, whole.
    pub load: Box<dyn Fn() -> io::Result<Vec<u8>> + Send + Sync>,
}

/// Which face a text is set in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Regular,
    Bold,
    Mono,
}

/// A face that both shapes and embeds.
pub(super) struct Face {
    font: Font,
    embedded: EmbeddedFont,
    units_per_em: f32,
}

impl Face {
    fn carried(bytes: &'static [u8]) -> Option<Arc<Self>> {
        let font = Font::new(bytes, 0)?;
        let embedded = EmbeddedFont::new(bytes.into(), 0)?;
        Some(Arc::new(Self::new(font, embedded)))
    }

    fn loaded(source: &FontSource) -> Option<Arc<Self>> {
        let shared: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new((source.load)().ok()?);
        let font = Font::new(Arc::clone(&shared), source.index)?;
        let embedded = EmbeddedFont::new(shared.into(), source.index)?;
        Some(Arc::new(Self::new(font, embedded)))
    }

    fn new(font: Font, embedded: EmbeddedFont) -> Self {
        Self {
            units_per_em: f32::from(font.units_per_em().max(1)),
            font,
            embedded,
        }
    }

    fn covers(&self, c: char) -> bool {
        let has = |c| {
            self.font
                .charmap()
                .map_unicode(c)
                .is_some_and(|glyph| glyph.to_u32() != 0)
        };
        has(c) || {
            // The shaper composes from parts where the whole is missing.
            let (mut parts, mut covered) = (0, true);
            unicode_normalization::char::decompose_canonical(c, |part| {
                parts += 1;
                covered &= has(part);
            });
            parts > 1 && covered
        }
    }
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

/// All faces of one audit trail.
pub(super) struct Letters<'a> {
    regular: Arc<Face>,
    bold: Arc<Face>,
    mono: Arc<Face>,
    fallback: Vec<(&'a FontSource, OnceCell<Option<Arc<Face>>>)>,
}

impl<'a> Letters<'a> {
    /// `None` only if the carried fonts are damaged.
    pub(super) fn new(fallback: &'a [FontSource]) -> Option<Self> {
        Some(Self {
            regular: Face::carried(dejavu::sans::regular())?,
            bold: Face::carried(dejavu::sans::bold())?,
            mono: Face::carried(dejavu::sans_mono::regular())?,
            fallback: fallback.iter().map(|s| (s, OnceCell::new())).collect(),
        })
    }

    fn face_for(&self, c: char, first: &Arc<Face>) -> Option<Arc<Face>> {
        if undrawable(c) {
            return None;
        }
        if first.covers(c) {
            return Some(Arc::clone(first));
        }
        if self.regular.covers(c) {
            return Some(Arc::clone(&self.regular));
        }
        self.fallback.iter().find_map(|(source, face)| {
            face.get_or_init(|| Face::loaded(source))
                .as_ref()
                .filter(|face| face.covers(c))
                .cloned()
        })
    }

    /// Shapes `text` as one line. Nothing fails: what no face has becomes [`Run::Missing`].
    pub(super) fn shape(&self, text: &str, cut: Cut) -> Line {
        let text = drawable(text);
        let first = match cut {
            Cut::Regular => &self.regular,
            Cut::Bold => &self.bold,
            Cut::Mono => &self.mono,
        };
        let mut line = Line::default();
        let bidi = BidiInfo::new(&text, None);
        for paragraph in &bidi.paragraphs {
            let (levels, visual) = bidi.visual_runs(paragraph, paragraph.range.clone());
            for range in visual {
                let rtl = levels.get(range.start).is_some_and(Level::is_rtl);
                let mut items = self.itemise(&text, range, first);
                if rtl {
                    items.reverse();
                }
                for item in items {
                    item.shape_into(&text, rtl, &mut line);
                }
            }
        }
        line
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

    fn itemise(&self, text: &str, range: Range<usize>, first: &Arc<Face>) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        let start = range.start;
        for (at, c) in text.get(range).unwrap_or_default().char_indices() {
            let (at, end) = (start + at, start + at + c.len_utf8());
            if let Some(last) = items.last_mut()
                && follows(c)
                && last.face.as_ref().is_some_and(|face| {
                    !unicode_normalization::char::is_combining_mark(c) || face.covers(c)
                })
            {
                last.range.end = end;
                continue;
            }
            let script = match unicode::script(u32::from(c)) {
                Script::COMMON | Script::INHERITED | Script::UNKNOWN => None,
                script => Some(script),
            };
            // A space in a Chinese name needs no change of face.
            let face = match items.last() {
                Some(Item {
                    face: Some(face), ..
                }) if script.is_none() && face.covers(c) => Some(Arc::clone(face)),
                _ => self.face_for(c, first),
            };
            match items.last_mut() {
                Some(last)
                    if same(last.face.as_ref(), face.as_ref())
                        && (script.is_none() || last.script.is_none() || last.script == script) =>
                {
                    last.script = last.script.or(script);
                    last.range.end = end;
                }
                _ => items.push(Item {
                    range: at..end,
                    script,
                    face,
                }),
            }
        }
        items
    }
}

fn same(a: Option<&Arc<Face>>, b: Option<&Arc<Face>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    }
}

/// Composed (NFC), white space and controls as spaces, no overrides: a name can't reorder the words around it.
fn drawable(text: &str) -> String {
    text.nfc()
        .filter(|c| !matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'))
        .map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                ' '
            } else {
                c
            }
        })
        .collect()
}

/// What an archive must not map a glyph to (PDF/A-2, 6.2.11.7.2): private use and noncharacters.
pub(super) fn undrawable(c: char) -> bool {
    matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..) || u32::from(c) & 0xFFFE == 0xFFFE
}

/// Characters without a picture of their own, which stay with the run that they are in.
fn follows(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
        || unicode_normalization::char::is_combining_mark(c)
}

/// A piece of one direction, one script and one face.
struct Item {
    range: Range<usize>,
    script: Option<Script>,
    face: Option<Arc<Face>>,
}

impl Item {
    fn shape_into(self, whole: &str, rtl: bool, line: &mut Line) {
        let text = whole.get(self.range).unwrap_or_default();
        let Some(face) = self.face else {
            push_missing(line, text, rtl);
            return;
        };
        let mut buffer = Buffer::new();
        buffer.push_str(text);
        buffer.set_direction(if rtl {
            Direction::RightToLeft
        } else {
            Direction::LeftToRight
        });
        buffer.set_script(self.script);
        let shaped = harfrust::shape(
            &ShaperFont::new(&face.font),
            &mut buffer,
            ShapeOptions::new(),
        );
        // An archive forbids the glyph for "none" (PDF/A-2, 6.2.11.8).
        let whole_run = shaped.is_ok() && buffer.glyph_infos().iter().all(|i| i.glyph_id != 0);
        if !whole_run {
            push_missing(line, text, rtl);
            return;
        }
        let infos = buffer.glyph_infos();
        let mut starts: Vec<usize> = infos.iter().map(|info| info.cluster as usize).collect();
        starts.sort_unstable();
        starts.dedup();
        let em = 1.0 / face.units_per_em;
        let mut advance = 0.0;
        let glyphs = infos
            .iter()
            .zip(buffer.glyph_positions())
            .map(|(info, place)| {
                let from = info.cluster as usize;
                let until = starts
                    .iter()
                    .copied()
                    .find(|start| *start > from)
                    .unwrap_or(text.len());
                advance += place.x_advance as f32 * em;
                KrillaGlyph::new(
                    GlyphId::new(info.glyph_id),
                    place.x_advance as f32 * em,
                    place.x_offset as f32 * em,
                    place.y_offset as f32 * em,
                    0.0,
                    from..until,
                    None,
                )
            })
            .collect();
        line.runs.push(Run::Shaped {
            font: face.embedded.clone(),
            text: text.to_owned(),
            glyphs,
            advance,
        });
    }
}

fn push_missing(line: &mut Line, text: &str, rtl: bool) {
    let mut chars: Vec<char> = text.chars().filter(|c| !follows(*c)).collect();
    if rtl {
        chars.reverse();
    }
    line.runs.push(Run::Missing(chars));
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let letters = Letters::new(&[]).unwrap();
        let broken = letters.wrap("one two three", Cut::Regular, 5.0);
        assert_eq!(
            broken.iter().map(words).collect::<Vec<_>>(),
            ["one two ", "three"]
        );
        let hash = "0123456789abcdef".repeat(4);
        let broken = letters.wrap(&hash, Cut::Mono, 20.0);
        assert!(broken.len() > 1);
        assert!(broken.iter().all(|line| line.width() <= 20.0));
        assert_eq!(broken.iter().map(words).collect::<String>(), hash);
    }

    #[test]
    fn european_scripts_are_covered_and_others_become_boxes() {
        let letters = Letters::new(&[]).unwrap();
        for name in ["Łukasz Żółć", "Ελένη Γεωργίου", "Дмитрий", "Nguyễn Thị"]
        {
            let line = letters.shape(name, Cut::Regular);
            assert!(
                line.runs
                    .iter()
                    .all(|run| matches!(run, Run::Shaped { .. })),
                "{name}"
            );
        }
        assert_eq!(words(&letters.shape("李 x", Cut::Bold)), "[李] x");
    }

    #[test]
    fn a_name_can_not_reorder_its_neighbours() {
        let letters = Letters::new(&[]).unwrap();
        let line = letters.shape("a\u{202E}bc\u{202C}d", Cut::Regular);
        assert_eq!(words(&line), "abcd");
    }

    #[test]
    fn a_fallback_is_read_only_when_a_character_needs_it() {
        let sources = [FontSource {
            index: 0,
            load: Box::new(|| panic!("read in vain")),
        }];
        let letters = Letters::new(&sources).unwrap();
        assert_eq!(words(&letters.shape("Latin", Cut::Regular)), "Latin");
    }
}
