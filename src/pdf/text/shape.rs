//! From one line of text to placed glyphs: NFC, bidi order (UAX #9), runs of one script and one face, shaping.

use std::ops::Range;
use std::sync::Arc;

use harfrust::{Buffer, Direction, Script, ShapeOptions, ShaperFont, unicode};
use unicode_bidi::{BidiInfo, Level};
use unicode_normalization::UnicodeNormalization;

use super::face::{Face, Fonts, Weight};

/// Advance of the box that stands for a missing glyph, in em.
pub(in crate::pdf) const MISSING_ADVANCE: f32 = 0.8;

/// A glyph of a face; lengths in em.
#[derive(Clone, Copy, Debug)]
pub(in crate::pdf) struct Glyph {
    pub(in crate::pdf) id: u16,
    pub(in crate::pdf) advance: f32,
    pub(in crate::pdf) dx: f32,
    pub(in crate::pdf) dy: f32,
}

/// Glyphs that together stand for a piece of text.
#[derive(Clone, Debug)]
pub(in crate::pdf) struct Cluster {
    pub(in crate::pdf) text: String,
    pub(in crate::pdf) glyphs: Range<usize>,
    /// The glyphs' numbers in the face.
    pub(super) ids: Vec<u16>,
}

/// Neighbouring clusters of one face, left to right.
#[derive(Clone, Debug)]
pub(in crate::pdf) enum Run {
    Shaped {
        face: Arc<Face>,
        glyphs: Vec<Glyph>,
        clusters: Vec<Cluster>,
    },
    /// Characters that no face has, left to right.
    Missing(Vec<char>),
}

/// One line, shaped, independent of size.
#[derive(Clone, Debug, Default)]
pub struct Line {
    pub(in crate::pdf) runs: Vec<Run>,
    /// Its length in em.
    pub(in crate::pdf) width: f32,
}

impl Line {
    /// Its length at `size` points.
    pub fn width_at(&self, size: f32) -> f32 {
        self.width * size
    }

    /// Characters that no face has; each is drawn as a box with its code point.
    pub fn missing(&self) -> impl Iterator<Item = char> + '_ {
        self.runs.iter().flat_map(|run| {
            match run {
                Run::Missing(chars) => chars.as_slice(),
                Run::Shaped { .. } => &[],
            }
            .iter()
            .copied()
        })
    }
}

/// What of a text is drawn: composed (NFC); every kind of white space and control as a space. Explicit bidi overrides and
/// isolates are left out, so that a name can't reorder the words around it.
pub(in crate::pdf) fn drawable(text: &str) -> String {
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

/// Characters that have no picture of their own and stay with the run that they are in.
fn follows(c: char) -> bool {
    matches!(c, '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
        || unicode_normalization::char::is_combining_mark(c)
}

/// Shapes `text`, which is [`drawable`], as one line. `base` is the paragraph's direction where the line is part of one.
pub(super) fn shape(fonts: &Fonts, text: &str, weight: Weight, base: Option<Level>) -> Line {
    shape_with(fonts, text, fonts.primary(weight).clone(), base)
}

/// As [`shape`], beginning with the face `first`.
pub(in crate::pdf) fn shape_with(
    fonts: &Fonts,
    text: &str,
    first: Arc<Face>,
    base: Option<Level>,
) -> Line {
    let mut line = Line::default();
    let mut chooser = fonts.chooser(first);
    let bidi = BidiInfo::new(text, base);
    for paragraph in &bidi.paragraphs {
        let (levels, visual) = bidi.visual_runs(paragraph, paragraph.range.clone());
        for range in visual {
            let rtl = levels.get(range.start).is_some_and(Level::is_rtl);
            let mut items = itemise(text, range, &mut chooser);
            if rtl {
                items.reverse();
            }
            for item in items {
                item.shape_into(text, rtl, &mut line);
            }
        }
    }
    line
}

/// The direction of the paragraph that `text` makes.
pub(super) fn base_level(text: &str) -> Option<Level> {
    BidiInfo::new(text, None)
        .paragraphs
        .first()
        .map(|paragraph| paragraph.level)
}

/// A piece of one direction, one script and one face.
struct Item {
    range: Range<usize>,
    script: Option<Script>,
    face: Option<Arc<Face>>,
}

fn itemise(text: &str, range: Range<usize>, chooser: &mut super::face::Chooser<'_>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let start = range.start;
    for (at, c) in text.get(range).unwrap_or_default().char_indices() {
        let at = start + at;
        let end = at + c.len_utf8();
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
        // A space in a Greek name needs no change of face when the current one has it.
        let face = match items.last() {
            Some(Item {
                face: Some(face), ..
            }) if script.is_none() && face.covers(c) => Some(face.clone()),
            _ => chooser.face_for(c),
        };
        match items.last_mut() {
            Some(last)
                if same_face(last.face.as_ref(), face.as_ref())
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

fn same_face(a: Option<&Arc<Face>>, b: Option<&Arc<Face>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    }
}

impl Item {
    fn shape_into(self, text: &str, rtl: bool, line: &mut Line) {
        let text = text.get(self.range).unwrap_or_default();
        let Some(face) = self.face else {
            push_missing(line, text, rtl);
            return;
        };
        let font = ShaperFont::new(&face.font);
        let mut buffer = Buffer::new();
        buffer.push_str(text);
        buffer.set_direction(if rtl {
            Direction::RightToLeft
        } else {
            Direction::LeftToRight
        });
        buffer.set_script(self.script);
        if harfrust::shape(&font, &mut buffer, ShapeOptions::new()).is_err() {
            push_missing(line, text, rtl);
            return;
        }
        let infos = buffer.glyph_infos();
        let mut starts: Vec<usize> = infos.iter().map(|info| info.cluster as usize).collect();
        starts.sort_unstable();
        starts.dedup();
        let scale = 1.0 / face.units_per_em;

        let mut at = 0;
        while let Some(first) = infos.get(at) {
            let count = infos
                .iter()
                .skip(at)
                .take_while(|info| info.cluster == first.cluster)
                .count();
            let from = first.cluster as usize;
            let until = match starts.binary_search(&from) {
                Ok(found) => starts.get(found + 1).copied().unwrap_or(text.len()),
                Err(_) => text.len(),
            };
            let piece = text.get(from..until).unwrap_or_default();
            let pairs = || {
                infos
                    .iter()
                    .zip(buffer.glyph_positions())
                    .skip(at)
                    .take(count)
            };
            let known = pairs().all(|(info, _)| info.glyph_id != 0 && info.glyph_id <= 0xFFFF);
            if known {
                push_cluster(
                    line,
                    &face,
                    piece,
                    pairs().map(|(info, position)| Glyph {
                        id: info.glyph_id as u16,
                        advance: position.x_advance as f32 * scale,
                        dx: position.x_offset as f32 * scale,
                        dy: position.y_offset as f32 * scale,
                    }),
                );
            } else {
                push_missing(line, piece, rtl);
            }
            at += count;
        }
    }
}

fn push_cluster(line: &mut Line, face: &Arc<Face>, text: &str, new: impl Iterator<Item = Glyph>) {
    if !matches!(line.runs.last(), Some(Run::Shaped { face: last, .. }) if Arc::ptr_eq(last, face))
    {
        line.runs.push(Run::Shaped {
            face: face.clone(),
            glyphs: Vec::new(),
            clusters: Vec::new(),
        });
    }
    if let Some(Run::Shaped {
        glyphs, clusters, ..
    }) = line.runs.last_mut()
    {
        let from = glyphs.len();
        glyphs.extend(new);
        line.width += glyphs.iter().skip(from).map(|g| g.advance).sum::<f32>();
        clusters.push(Cluster {
            text: text.to_owned(),
            ids: glyphs.iter().skip(from).map(|g| g.id).collect(),
            glyphs: from..glyphs.len(),
        });
    }
}

fn push_missing(line: &mut Line, text: &str, rtl: bool) {
    if !matches!(line.runs.last(), Some(Run::Missing(_))) {
        line.runs.push(Run::Missing(Vec::new()));
    }
    if let Some(Run::Missing(chars)) = line.runs.last_mut() {
        let before = chars.len();
        if rtl {
            chars.extend(text.chars().rev().filter(|c| !follows(*c)));
        } else {
            chars.extend(text.chars().filter(|c| !follows(*c)));
        }
        line.width += (chars.len() - before) as f32 * MISSING_ADVANCE;
    }
}
