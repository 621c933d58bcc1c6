//! The text of a page: content order, spaces and lines from the gaps between glyphs, logical order within a line.
//!
//! A PDF places glyphs; words, lines and the direction of writing have to be found again. Glyphs on one baseline (within
//! half an em) make a line, a gap of a quarter of an em is a space, a step back begins a new line. Right-to-left text comes
//! in visual order and often as presentation forms: such lines are sorted from left to right and reordered (UAX #9), the
//! forms folded (NFKC). Invisible text counts: it is what OCR laid over a scan.

use std::io;

use hayro::hayro_interpret::font::{Glyph, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, SoftMask, interpret_page,
};
use hayro::hayro_syntax::page::Page;
use hayro::kurbo::{Affine, BezPath, Point, Rect, Vec2};
use unicode_bidi::BidiInfo;
use unicode_normalization::UnicodeNormalization;

use super::child::Stop;
use super::protocol::{PageText, TextRun};
use super::scene::Scene;

/// Glyphs of one page that are read.
const GLYPHS_MAX: usize = 200_000;
/// A gap of this many em is a space.
const SPACE_EM: f64 = 0.25;
/// A step back, or off the baseline, of this many em begins a new line.
const LINE_EM: f64 = 0.5;
/// A gap of this many em separates two pieces that are told apart by their rectangles, such as the columns of a table.
const RUN_EM: f64 = 2.0;
/// Advance of a glyph whose font doesn't tell, in thousandths of an em.
const ADVANCE_DEFAULT: f64 = 500.0;
/// The size at which an image is decoded to see whether it can be: some formats hold smaller versions.
const DECODED_SIZE: Option<(u32, u32)> = Some((200, 200));

/// Reads pages `first` to `last` and gives each to `each`.
pub(crate) fn read(
    scene: &Scene,
    first: u32,
    last: u32,
    mut each: impl FnMut(PageText) -> io::Result<()>,
) -> Result<(), Stop> {
    let cache = InterpreterCache::new();
    for (number, page) in scene.range(first, last) {
        let mut glyphs = Glyphs::new(page, GLYPHS_MAX);
        interpret(page, scene, &cache, &mut glyphs);
        each(glyphs.into_text(number))?;
    }
    Ok(())
}

/// Pixels of images that are decoded to see whether they can be.
pub(crate) struct PixelBudget(pub(crate) u64);

/// What a first look at a page finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Whether it has text that can be read out.
    pub(crate) has_text: bool,
    /// Images that can't be decoded, of those that the budget had room for.
    pub(crate) undecoded: u32,
}

/// Looks at a page without drawing it.
pub(crate) fn look<'a>(
    page: &'a Page<'a>,
    scene: &Scene,
    cache: &InterpreterCache<'a>,
    budget: &mut PixelBudget,
) -> Look {
    let mut glyphs = Glyphs::new(page, 1);
    glyphs.pixels = budget.0;
    interpret(page, scene, cache, &mut glyphs);
    budget.0 = glyphs.pixels;
    Look {
        has_text: !glyphs.placed.is_empty(),
        undecoded: glyphs.undecoded,
    }
}

fn interpret<'a>(
    page: &Page<'a>,
    scene: &Scene,
    cache: &InterpreterCache<'a>,
    glyphs: &mut Glyphs,
) {
    let (width, height) = page.render_dimensions();
    let [a, b, c, d, e, f] = page.initial_transform(true).as_coeffs();
    let mut context = Context::new(
        Affine::new([a, b, c, d, e, f]),
        Rect::new(0.0, 0.0, f64::from(width), f64::from(height)),
        cache,
        page.xref(),
        scene.settings.clone(),
    );
    interpret_page(page, &mut context, glyphs);
}

/// One glyph with its character, in points from the top left.
#[derive(Clone, Debug)]
struct Placed {
    text: String,
    start: Point,
    end: Point,
    /// Points of one em across the baseline.
    em: f64,
}

impl Placed {
    fn direction(&self) -> Vec2 {
        let along = self.end - self.start;
        let length = along.hypot();
        if length > 1e-9 {
            along / length
        } else {
            Vec2::new(1.0, 0.0)
        }
    }
}

/// A device that keeps the glyphs and draws nothing.
struct Glyphs {
    placed: Vec<Placed>,
    glyphs_max: usize,
    truncated: bool,
    page: Rect,
    /// Pixels of images that are still decoded.
    pixels: u64,
    undecoded: u32,
}

impl Glyphs {
    fn new(page: &Page<'_>, glyphs_max: usize) -> Self {
        let (width, height) = page.render_dimensions();
        Self {
            placed: Vec::new(),
            glyphs_max,
            truncated: false,
            page: Rect::new(0.0, 0.0, f64::from(width), f64::from(height)),
            pixels: 0,
            undecoded: 0,
        }
    }

    fn into_text(self, number: u32) -> PageText {
        let mut page = PageText {
            number,
            truncated: self.truncated,
            ..PageText::default()
        };
        for line in lines(&self.placed) {
            let index = page.text.matches('\n').count() as u32;
            let mut text = String::new();
            for run in line_runs(line) {
                if !text.is_empty() {
                    text.push(' ');
                }
                text.push_str(&run.text);
                page.runs.push(TextRun { line: index, ..run });
            }
            if !text.is_empty() {
                page.text.push_str(&text);
                page.text.push('\n');
            }
        }
        page
    }
}

impl<'a> Device<'a> for Glyphs {
    fn draw_glyph_run(
        &mut self,
        run: &GlyphRun<'_, 'a>,
        props: DrawProps<'a>,
        _draw_mode: &DrawMode,
    ) {
        for glyph in run.glyphs() {
            if self.placed.len() >= self.glyphs_max {
                self.truncated = true;
                return;
            }
            let text = match glyph.as_unicode() {
                Some(BfString::Char(c)) => readable(&c.to_string()),
                Some(BfString::String(s)) => readable(&s),
                None => continue,
            };
            // A space before all else says nothing.
            if text.is_empty() || (text == " " && self.placed.is_empty()) {
                continue;
            }
            let advance = match &**glyph {
                Glyph::Outline(outline) => outline.advance_width(),
                Glyph::Type3(type3) => type3.advance_width(),
            };
            let transform = props.transform * glyph.transform();
            let start = transform * Point::ORIGIN;
            let end = transform * Point::new(advance.map_or(ADVANCE_DEFAULT, f64::from), 0.0);
            let up = transform * Point::new(0.0, 1000.0) - start;
            let em = up.hypot();
            let seen = self.page.contains(start) || self.page.contains(end);
            if seen && start.is_finite() && end.is_finite() && em.is_finite() && em > 0.0 {
                self.placed.push(Placed {
                    text,
                    start,
                    end,
                    em,
                });
            }
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn draw_rect(&mut self, _: &Rect, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_clip_rect(&mut self, _: &Rect) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}

    fn draw_image(&mut self, image: Image<'a, '_>, _: ImageDrawProps<'a>) {
        let pixels = u64::from(image.width()) * u64::from(image.height());
        let Some(left) = self.pixels.checked_sub(pixels) else {
            return;
        };
        self.pixels = left;
        let mut decoded = false;
        match image {
            Image::Raster(raster) => raster.with_rgba(|_, _| decoded = true, DECODED_SIZE),
            Image::Stencil(stencil) => stencil.with_stencil(|_, _| decoded = true, DECODED_SIZE),
        }
        self.undecoded += u32::from(!decoded);
    }

    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}

/// A glyph's characters: presentation forms and ligatures folded, without what can't be read out; white space as one space.
fn readable(text: &str) -> String {
    let mut out = String::new();
    if !text.is_empty() && text.chars().all(char::is_whitespace) {
        return " ".into();
    }
    for c in text.chars() {
        match c {
            '\u{FB00}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFE}' => out.extend([c].into_iter().nfkc()),
            c if c.is_control() || c.is_whitespace() => {}
            '\u{FFFD}'
            | '\u{FEFF}'
            | '\u{E000}'..='\u{F8FF}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}' => {}
            c => out.push(c),
        }
    }
    out
}

fn is_rtl(text: &str) -> bool {
    text.chars().any(|c| {
        matches!(c, '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}')
    })
}

/// Neighbours in content order that stand on one baseline.
fn lines(placed: &[Placed]) -> Vec<&[Placed]> {
    let mut lines = Vec::new();
    let mut from = 0;
    // From right to left each glyph starts where the one before it ends, seen along the baseline.
    for at in 1..placed.len() {
        let (before, after) = (&placed[at - 1], &placed[at]);
        let direction = before.direction();
        let em = before.em.max(after.em);
        let step = after.start - before.end;
        let off = (step.x * direction.y - step.y * direction.x).abs();
        let turned = direction.dot(after.direction()) < 0.9;
        let back = step.dot(direction) < -LINE_EM * em;
        let leftwards = is_rtl(&before.text) || is_rtl(&after.text);
        if off > LINE_EM * em || turned || (back && !leftwards) {
            lines.push(&placed[from..at]);
            from = at;
        }
    }
    if from < placed.len() {
        lines.push(&placed[from..]);
    }
    lines
}

/// The pieces of a line, in logical order.
fn line_runs(line: &[Placed]) -> Vec<TextRun> {
    let Some(first) = line.first() else {
        return Vec::new();
    };
    let direction = first.direction();
    let along = |point: Point| point.to_vec2().dot(direction);
    let rtl = line.iter().any(|glyph| is_rtl(&glyph.text));
    let mut glyphs: Vec<&Placed> = line.iter().collect();
    if rtl {
        glyphs.sort_by(|a, b| along(a.start).total_cmp(&along(b.start)));
    }
    let mut runs: Vec<TextRun> = Vec::new();
    let mut text = String::new();
    let mut members: Vec<&Placed> = Vec::new();
    let mut before: Option<&Placed> = None;
    for glyph in glyphs {
        if let Some(before) = before {
            let gap = along(glyph.start) - along(before.end);
            let em = before.em.max(glyph.em);
            if gap > RUN_EM * em {
                runs.extend(run(&members, &text, rtl));
                members.clear();
                text.clear();
            } else if gap > SPACE_EM * em && !text.ends_with(' ') {
                text.push(' ');
            }
        }
        before = Some(glyph);
        if glyph.text == " " {
            if !text.is_empty() && !text.ends_with(' ') {
                text.push(' ');
            }
            continue;
        }
        if is_rtl(&glyph.text) {
            // The characters of a ligature come in logical order; the line is turned as a whole.
            text.extend(glyph.text.chars().rev());
        } else {
            text.push_str(&glyph.text);
        }
        members.push(glyph);
    }
    runs.extend(run(&members, &text, rtl));
    if rtl && reads_rtl(line) {
        runs.reverse();
    }
    runs
}

/// Whether a line as a whole reads from right to left: most of its letters do.
fn reads_rtl(line: &[Placed]) -> bool {
    let rtl = line.iter().filter(|glyph| is_rtl(&glyph.text)).count();
    rtl * 2 >= line.len()
}

fn run(members: &[&Placed], visual: &str, rtl: bool) -> Option<TextRun> {
    let text = if rtl { logical(visual) } else { visual.into() };
    let text: String = text.trim().nfc().collect();
    if text.is_empty() {
        return None;
    }
    let mut bounds: Option<Rect> = None;
    for glyph in members {
        // A line's usual reach above and below its baseline.
        let up = Vec2::new(glyph.direction().y, -glyph.direction().x);
        for point in [
            glyph.start + up * (0.8 * glyph.em),
            glyph.end + up * (0.8 * glyph.em),
            glyph.start - up * (0.2 * glyph.em),
            glyph.end - up * (0.2 * glyph.em),
        ] {
            let spot = Rect::from_points(point, point);
            bounds = Some(bounds.map_or(spot, |b| b.union(spot)));
        }
    }
    let bounds = bounds?;
    Some(TextRun {
        line: 0,
        text,
        x: bounds.x0 as f32,
        y: bounds.y0 as f32,
        width: bounds.width() as f32,
        height: bounds.height() as f32,
    })
}

/// From visual to logical order. The reordering of UAX #9 is its own inverse for text of one direction with embedded
/// numbers and words of the other.
fn logical(visual: &str) -> String {
    let bidi = BidiInfo::new(visual, None);
    let Some(paragraph) = bidi.paragraphs.first() else {
        return visual.into();
    };
    bidi.reorder_line(paragraph, paragraph.range.clone())
        .into_owned()
}

/// All text of a file in the order of its pages, line by line: for tests of what other floors draw.
#[cfg(test)]
pub(crate) fn of_file(bytes: Vec<u8>) -> String {
    let scene = match Scene::open(std::sync::Arc::new(bytes), Vec::new()) {
        Ok(scene) => scene,
        Err(_) => panic!("not a PDF"),
    };
    let mut text = String::new();
    let read = read(&scene, 1, u32::MAX, |page| {
        text.push_str(&page.text);
        Ok(())
    });
    assert!(read.is_ok());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` set from `x`, half an em for each glyph of 10 points.
    fn set(text: &str, x: f64, y: f64) -> Vec<Placed> {
        let mut at = x;
        let mut placed = Vec::new();
        for c in text.chars() {
            if c != ' ' {
                placed.push(Placed {
                    text: readable(&c.to_string()),
                    start: Point::new(at, y),
                    end: Point::new(at + 5.0, y),
                    em: 10.0,
                });
            }
            at += 5.0;
        }
        placed
    }

    fn text_of(placed: Vec<Placed>) -> PageText {
        Glyphs {
            placed,
            glyphs_max: 1000,
            truncated: false,
            page: Rect::new(0.0, 0.0, 600.0, 800.0),
            pixels: 0,
            undecoded: 0,
        }
        .into_text(1)
    }

    #[test]
    fn gaps_become_spaces_and_steps_become_lines() {
        let mut placed = set("Pay on time", 50.0, 100.0);
        placed.extend(set("or later", 50.0, 114.0));
        let page = text_of(placed);
        assert_eq!(page.text, "Pay on time\nor later\n");
        assert_eq!(page.runs.len(), 2);
        let run = &page.runs[1];
        assert_eq!((run.line, run.x, run.y), (1, 50.0, 106.0));
        assert_eq!((run.width, run.height), (40.0, 10.0));
    }

    #[test]
    fn a_space_that_is_drawn_counts_however_narrow_and_once() {
        let mut placed = set("ab", 50.0, 100.0);
        let mut space = placed[1].clone();
        space.text = " ".into();
        space.end.x = space.start.x + 1.0;
        placed[1].start.x += 1.0;
        placed[1].end.x += 1.0;
        placed.insert(1, space.clone());
        placed.insert(1, space);
        let page = text_of(placed);
        assert_eq!(page.text, "a b\n");
    }

    #[test]
    fn columns_of_a_line_are_runs_of_their_own() {
        let mut placed = set("Name", 50.0, 100.0);
        placed.extend(set("Date", 300.0, 100.0));
        let page = text_of(placed);
        assert_eq!(page.text, "Name Date\n");
        assert_eq!(page.runs.len(), 2);
        assert_eq!(page.runs[1].x, 300.0);
    }

    #[test]
    fn kerning_is_no_space() {
        let mut placed = set("AV", 50.0, 100.0);
        placed[1].start.x -= 1.0;
        placed[1].end.x -= 1.0;
        assert_eq!(text_of(placed).text, "AV\n");
    }

    #[test]
    fn arabic_in_visual_order_and_presentation_forms_reads_logically() {
        // "سلام" drawn from left to right: meem, lam-alef ligature, seen, as a browser writes it.
        let placed = set("\u{FEE1}\u{FEFC}\u{FEB3}", 50.0, 100.0);
        assert_eq!(text_of(placed).text, "\u{0633}\u{0644}\u{0627}\u{0645}\n");
    }

    #[test]
    fn hebrew_in_either_order_reads_the_same() {
        let logical = "\u{05E9}\u{05DC}\u{05D5}\u{05DD}";
        let visual: String = logical.chars().rev().collect();
        let drawn_left_to_right = set(&visual, 50.0, 100.0);
        let drawn_right_to_left: Vec<_> = drawn_left_to_right.iter().rev().cloned().collect();
        assert_eq!(text_of(drawn_left_to_right).text, format!("{logical}\n"));
        assert_eq!(text_of(drawn_right_to_left).text, format!("{logical}\n"));
    }

    #[test]
    fn a_number_within_hebrew_keeps_its_order() {
        // Logical "דף 12": drawn as 12 on the left, the word on the right.
        let placed = set("12 \u{05E3}\u{05D3}", 50.0, 100.0);
        assert_eq!(text_of(placed).text, "\u{05D3}\u{05E3} 12\n");
    }

    #[test]
    fn ligatures_are_folded_and_superscripts_are_kept() {
        assert_eq!(readable("\u{FB01}"), "fi");
        assert_eq!(readable("m\u{00B2}"), "m\u{00B2}");
        assert_eq!(readable("\u{200B}\u{FFFD}"), "");
        assert_eq!(readable("\u{00A0}"), " ");
    }

    #[test]
    fn vertical_text_is_a_line_of_its_own() {
        let mut placed = set("Side", 50.0, 100.0);
        placed.extend((0..3).map(|n| Placed {
            text: "x".into(),
            start: Point::new(20.0, 300.0 - 5.0 * f64::from(n)),
            end: Point::new(20.0, 295.0 - 5.0 * f64::from(n)),
            em: 10.0,
        }));
        assert_eq!(text_of(placed).text, "Side\nxxx\n");
    }
}
