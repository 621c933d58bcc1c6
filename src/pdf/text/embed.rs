//! Fonts in the file: one subset of each face for one update, Type0 with Identity-H and ToUnicode (ISO 32000-2, 9.7, 9.10),
//! and a Type 3 font of boxes for characters that no face has.

use std::collections::BTreeSet;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Name, Rect, Ref, Str};
use subsetter::GlyphRemapper;

use super::boxes::write_boxes;
use super::face::Face;
use super::shape::{Cluster, Glyph, Line, MISSING_ADVANCE, Run};
use crate::domain::digest::Digest;
use crate::pdf::update::Objects;

/// Codes of one Type 3 font: a byte each.
const MISSING_MAX: usize = 256;

pub(super) const IDENTITY: SystemInfo<'static> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};

/// A content stream in the making and the fonts that it names.
pub(in crate::pdf) struct Drawing {
    pub(in crate::pdf) content: Content,
    fonts: BTreeSet<usize>,
}

impl Default for Drawing {
    fn default() -> Self {
        Self {
            content: Content::with_settings(pdf_writer::Settings { pretty: false }),
            fonts: BTreeSet::new(),
        }
    }
}

impl Drawing {
    /// Resource name and object of each font used, for the stream's `/Resources /Font`.
    pub(in crate::pdf) fn fonts<'a>(
        &'a self,
        embedded: &'a Embedded,
    ) -> impl Iterator<Item = (String, Ref)> + 'a {
        self.fonts
            .iter()
            .filter_map(|slot| Some((resource_name(*slot), *embedded.refs.get(*slot)?)))
    }
}

fn resource_name(slot: usize) -> String {
    format!("PF{slot}")
}

/// Collects what the drawings of one update use of each face.
#[derive(Default)]
pub(in crate::pdf) struct Embedder {
    faces: Vec<Used>,
    missing: Vec<char>,
}

struct Used {
    face: Arc<Face>,
    glyphs: GlyphRemapper,
    /// What each glyph of the subset stands for, by its new number; the first use decides.
    texts: Vec<Option<String>>,
}

/// The fonts as written, by slot: 0 is the font of boxes, face n has slot n + 1.
pub(in crate::pdf) struct Embedded {
    refs: Vec<Ref>,
}

impl Embedder {
    /// Draws `line` with its baseline starting at (`x`, `y`), in points, in the current fill colour.
    pub(in crate::pdf) fn draw_line(
        &mut self,
        drawing: &mut Drawing,
        line: &Line,
        x: f32,
        y: f32,
        size: f32,
    ) {
        let mut at = x;
        for run in &line.runs {
            match run {
                Run::Shaped {
                    face,
                    glyphs,
                    clusters,
                } => {
                    let slot = self.slot(face);
                    drawing.fonts.insert(slot + 1);
                    let content = &mut drawing.content;
                    content.begin_text();
                    content.set_font(Name(resource_name(slot + 1).as_bytes()), size);
                    content.set_text_matrix([1.0, 0.0, 0.0, 1.0, at, y]);
                    if let Some(used) = self.faces.get_mut(slot) {
                        for span in spans(used, clusters) {
                            span.draw(used, glyphs, size, content);
                        }
                    }
                    content.end_text();
                    at += glyphs.iter().map(|glyph| glyph.advance).sum::<f32>() * size;
                }
                Run::Missing(chars) => {
                    drawing.fonts.insert(0);
                    let codes: Vec<u8> = chars.iter().map(|c| self.missing_code(*c)).collect();
                    let content = &mut drawing.content;
                    content.begin_text();
                    content.set_font(Name(resource_name(0).as_bytes()), size);
                    content.set_text_matrix([1.0, 0.0, 0.0, 1.0, at, y]);
                    content.show(Str(&codes));
                    content.end_text();
                    at += chars.len() as f32 * MISSING_ADVANCE * size;
                }
            }
        }
    }

    fn slot(&mut self, face: &Arc<Face>) -> usize {
        let found = self
            .faces
            .iter()
            .position(|used| Arc::ptr_eq(&used.face, face));
        found.unwrap_or_else(|| {
            self.faces.push(Used {
                face: face.clone(),
                glyphs: GlyphRemapper::new(),
                texts: vec![None],
            });
            self.faces.len() - 1
        })
    }

    /// The box for `c`. From the 256th kind on they share the last box, which then says U+FFFD.
    fn missing_code(&mut self, c: char) -> u8 {
        let found = self.missing.iter().position(|known| *known == c);
        let code = found.unwrap_or_else(|| {
            if self.missing.len() + 1 < MISSING_MAX {
                self.missing.push(c);
            } else if self.missing.len() < MISSING_MAX {
                self.missing.push(char::REPLACEMENT_CHARACTER);
            }
            self.missing.len() - 1
        });
        u8::try_from(code).unwrap_or(u8::MAX)
    }

    /// Writes every font that was used.
    ///
    /// # Errors
    /// A face whose subset can't be made: a damaged font file.
    pub(in crate::pdf) fn finish(self, objects: &mut Objects) -> Result<Embedded, EmbedError> {
        let mut refs = vec![objects.reserve()];
        if let (false, Some(id)) = (self.missing.is_empty(), refs.first()) {
            write_boxes(*id, &self.missing, objects);
        }
        for used in &self.faces {
            refs.push(write_face(used, objects)?);
        }
        Ok(Embedded { refs })
    }
}

/// A font file that shaped well but can't be embedded.
#[derive(Debug, thiserror::Error)]
#[error("the font {name} can't be embedded: {reason}")]
pub struct EmbedError {
    /// PostScript name of the face.
    pub name: String,
    /// What the subsetter says.
    pub reason: String,
}

/// Clusters that are shown by one operator: either each is one glyph whose ToUnicode entry says its text, or it is a single
/// cluster that needs `/ActualText`.
struct Span<'a> {
    clusters: &'a [Cluster],
    actual_text: bool,
}

fn spans<'a>(used: &mut Used, clusters: &'a [Cluster]) -> Vec<Span<'a>> {
    let mut out = Vec::new();
    let mut plain_from = 0;
    for (at, cluster) in clusters.iter().enumerate() {
        if used.says(cluster) {
            continue;
        }
        if let Some(clusters) = clusters.get(plain_from..at)
            && !clusters.is_empty()
        {
            out.push(Span {
                clusters,
                actual_text: false,
            });
        }
        out.push(Span {
            clusters: std::slice::from_ref(cluster),
            actual_text: true,
        });
        plain_from = at + 1;
    }
    if let Some(clusters) = clusters.get(plain_from..)
        && !clusters.is_empty()
    {
        out.push(Span {
            clusters,
            actual_text: false,
        });
    }
    out
}

impl Used {
    fn code(&mut self, glyph: u16) -> u16 {
        let code = self.glyphs.remap(glyph);
        if self.texts.len() <= usize::from(code) {
            self.texts.resize(usize::from(code) + 1, None);
        }
        code
    }

    /// Whether the glyphs' ToUnicode entries give the cluster's text; the first use of a glyph makes its entry.
    fn says(&mut self, cluster: &Cluster) -> bool {
        let [glyph] = cluster.ids.as_slice() else {
            return false;
        };
        let code = self.code(*glyph);
        match self.texts.get_mut(usize::from(code)) {
            Some(Some(text)) => *text == cluster.text,
            Some(entry) => {
                *entry = Some(cluster.text.clone());
                true
            }
            None => false,
        }
    }
}

impl Span<'_> {
    fn draw(&self, used: &mut Used, glyphs: &[Glyph], size: f32, content: &mut Content) {
        let text: String = self.clusters.iter().map(|c| c.text.as_str()).collect();
        if self.actual_text {
            content
                .begin_marked_content_with_properties(Name(b"Span"))
                .properties()
                .actual_text(pdf_writer::TextStr(&text));
        }
        let mut rise = 0.0_f32;
        let mut pieces = Pieces::default();
        for glyph in self
            .clusters
            .iter()
            .flat_map(|cluster| glyphs.get(cluster.glyphs.clone()).unwrap_or_default())
        {
            if (glyph.dy - rise).abs() > 0.0005 {
                pieces.show(content);
                rise = glyph.dy;
                content.set_rise(rise * size);
            }
            let code = used.code(glyph.id);
            let natural = used
                .face
                .font
                .glyph_metrics()
                .h_advance(skrifa::GlyphId::new(u32::from(glyph.id)))
                / used.face.units_per_em;
            pieces.move_by(glyph.dx);
            pieces.push(code);
            // What the viewer adds by itself is the glyph's own width.
            pieces.move_by(glyph.advance - glyph.dx - natural);
        }
        pieces.show(content);
        if rise != 0.0 {
            content.set_rise(0.0);
        }
        if self.actual_text {
            content.end_marked_content();
        }
    }
}

/// The operands of one TJ.
#[derive(Default)]
struct Pieces {
    items: Vec<(f32, Vec<u8>)>,
    shift: f32,
}

impl Pieces {
    fn move_by(&mut self, em: f32) {
        self.shift += em;
    }

    fn push(&mut self, code: u16) {
        match self.items.last_mut() {
            Some((_, codes)) if self.shift.abs() < 0.0005 => codes.extend(code.to_be_bytes()),
            _ => {
                self.items.push((self.shift, code.to_be_bytes().to_vec()));
                self.shift = 0.0;
            }
        }
    }

    fn show(&mut self, content: &mut Content) {
        if self.items.is_empty() && self.shift == 0.0 {
            return;
        }
        let mut operator = content.show_positioned();
        let mut array = operator.items();
        for (shift, codes) in self.items.drain(..) {
            if shift.abs() >= 0.0005 {
                array.adjust((-shift * 1000.0).round());
            }
            array.show(Str(&codes));
        }
        if self.shift.abs() >= 0.0005 {
            array.adjust((-self.shift * 1000.0).round());
        }
        self.shift = 0.0;
    }
}

fn write_face(used: &Used, objects: &mut Objects) -> Result<Ref, EmbedError> {
    let failed = |reason: String| EmbedError {
        name: used.face.name.clone(),
        reason,
    };
    let face = &used.face;
    // The closure over composite glyphs happens inside, after the numbers given here.
    let subset =
        subsetter::subset_with_variations(face.bytes.as_slice(), face.index, &[], &used.glyphs)
            .map_err(|error| failed(error.to_string()))?;
    let cff = table(&subset, b"CFF ");
    let name = subset_name(used);

    let [font, descendant, descriptor, file, unicode] = std::array::from_fn(|_| objects.reserve());
    objects.put(|chunk| {
        chunk
            .type0_font(font)
            .base_font(Name(
                match cff {
                    Some(_) => format!("{name}-Identity-H"),
                    None => name.clone(),
                }
                .as_bytes(),
            ))
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(descendant)
            .to_unicode(unicode);
    });
    let scale = 1000.0 / face.units_per_em;
    let metrics = face.font.glyph_metrics();
    objects.put(|chunk| {
        let mut cid = chunk.cid_font(descendant);
        cid.subtype(if cff.is_some() {
            CidFontType::Type0
        } else {
            CidFontType::Type2
        })
        .base_font(Name(name.as_bytes()))
        .system_info(IDENTITY)
        .font_descriptor(descriptor)
        .default_width(0.0);
        if cff.is_none() {
            cid.cid_to_gid_map_predefined(Name(b"Identity"));
        }
        cid.widths().consecutive(
            0,
            used.glyphs
                .remapped_gids()
                .map(|glyph| metrics.h_advance(skrifa::GlyphId::new(u32::from(glyph))) * scale),
        );
    });
    let whole = face.font.metrics();
    let cap_height = whole
        .cap_height
        .map_or(0.7, |height| height.to_f32() / face.units_per_em);
    objects.put(|chunk| {
        let bounds = &whole.bounds;
        let mut descriptor = chunk.font_descriptor(descriptor);
        descriptor
            .name(Name(name.as_bytes()))
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(
                bounds.x_min.to_f32() * scale,
                bounds.y_min.to_f32() * scale,
                bounds.x_max.to_f32() * scale,
                bounds.y_max.to_f32() * scale,
            ))
            .italic_angle(0.0)
            .ascent(face.ascent() * 1000.0)
            .descent(face.descent() * 1000.0)
            .cap_height(cap_height * 1000.0)
            .stem_v(80.0);
        if cff.is_some() {
            descriptor.font_file3(file);
        } else {
            descriptor.font_file2(file);
        }
    });
    let program = cff.unwrap_or(&subset);
    let packed = deflate(program);
    objects.put(|chunk| {
        let mut stream = chunk.stream(file, &packed);
        stream.filter(Filter::FlateDecode);
        if cff.is_some() {
            stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
        } else {
            stream.pair(
                Name(b"Length1"),
                i32::try_from(program.len()).unwrap_or(i32::MAX),
            );
        }
    });
    let mut cmap = UnicodeCmap::<u16>::new(Name(b"Paraph"), IDENTITY);
    for (code, text) in used.texts.iter().enumerate() {
        if let (Ok(code), Some(text)) = (u16::try_from(code), text) {
            cmap.pair_with_multiple(code, text.chars());
        }
    }
    write_cmap(unicode, &cmap.finish(), objects);
    Ok(font)
}

pub(super) fn write_cmap(id: Ref, cmap: &[u8], objects: &mut Objects) {
    let packed = deflate(cmap);
    objects.put(|chunk| {
        chunk.stream(id, &packed).filter(Filter::FlateDecode);
    });
}

/// `ABCDEF+Name`: the tag names the subset (9.9.2), here by the glyphs that are in it.
fn subset_name(used: &Used) -> String {
    let glyphs: Vec<u8> = used
        .glyphs
        .remapped_gids()
        .flat_map(u16::to_be_bytes)
        .collect();
    let digest = Digest::of(&glyphs);
    let tag: String = digest
        .as_bytes()
        .iter()
        .take(6)
        .map(|byte| char::from(b'A' + byte % 26))
        .collect();
    format!("{tag}+{}", used.face.name)
}

/// A table of an OpenType font.
fn table<'a>(font: &'a [u8], tag: &[u8; 4]) -> Option<&'a [u8]> {
    let count = usize::from(u16::from_be_bytes(font.get(4..6)?.try_into().ok()?));
    let long = |at: usize| -> Option<usize> {
        let bytes: [u8; 4] = font.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    };
    (0..count)
        .map(|n| 12 + 16 * n)
        .find(|at| font.get(*at..*at + 4) == Some(tag.as_slice()))
        .and_then(|at| {
            let (from, len) = (long(at + 8)?, long(at + 12)?);
            font.get(from..from.checked_add(len)?)
        })
}

/// Compresses for `/FlateDecode`.
pub(in crate::pdf) fn deflate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    // Writing to a Vec can't fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}
