//! S5, making a signature: typed, drawn or uploaded; as a page, and as a dialog of the review.

use super::form::{BadForm, Part};
use super::frame::{Frame, query_value, render};
use super::problem::{Fault, Problem};
use crate::domain::limits::{
    MARK_CHARS_MAX, PICTURE_BYTES_MAX, STROKES_BYTES_MAX, STROKES_POINTS_MAX,
};
use crate::domain::text;
use askama::Template;

/// Numbers of a drawing are ten-thousandths of the pad's width.
const PAD_UNITS: f32 = 10_000.0;
/// Height of a pad over its width, at most: the pads of our pages are wider than high, but a rotated phone may stretch one.
const PAD_RATIO_MAX: f32 = 4.0;

/// How a signature is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// By typing a name.
    #[default]
    Type,
    /// By drawing.
    Draw,
    /// By a picture.
    Upload,
}

/// A style of typed signatures that has all letters of the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    /// For addresses and forms: lower-case letters, digits, hyphen.
    pub id: String,
    /// For people who don't see it.
    pub name: String,
}

/// What the page, or the dialog, starts with.
#[derive(Clone, Debug)]
pub struct Maker {
    /// Chosen at first.
    pub method: Method,
    /// The name to be typed.
    pub name: String,
    /// The initials to be typed.
    pub initials: String,
    /// A field asks for a signature.
    pub asks_signature: bool,
    /// A field asks for initials.
    pub asks_initials: bool,
    /// How many fields the signature and initials go to.
    pub fields: u32,
    /// Those on offer, by preference.
    pub styles: Vec<Style>,
    /// The chosen style's id; else the first is.
    pub style: Option<String>,
}

impl Maker {
    /// The address of a typed mark's picture, under `base`.
    pub(super) fn preview(&self, base: &str, style: &Style, kind: &str) -> String {
        let text = if kind == "initials" {
            &self.initials
        } else {
            &self.name
        };
        format!(
            "{base}/signature/preview/{}.svg?kind={kind}&text={}",
            style.id,
            query_value(text)
        )
    }

    pub(super) fn chosen(&self, style: &Style, index: &usize) -> bool {
        match &self.style {
            Some(id) if self.styles.iter().any(|s| &s.id == id) => *id == style.id,
            _ => *index == 0,
        }
    }

    pub(super) fn chars_max(&self) -> usize {
        MARK_CHARS_MAX
    }

    pub(super) fn picture_bytes_max(&self) -> usize {
        PICTURE_BYTES_MAX
    }
}

/// S5 as a page: `GET /signing/{rcp}/signature?field=`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign/signature.html")]
pub struct SignaturePage {
    /// What every page shares.
    pub frame: Frame,
    /// `<root>/signing/<rcp>`.
    pub base: String,
    /// The session's token against forged forms.
    pub csrf: String,
    /// What the request is called.
    pub subject: String,
    /// The form.
    pub maker: Maker,
    /// The field to return to.
    pub field: Option<String>,
    /// Faults of the last try.
    pub problems: Vec<Problem>,
}

impl SignaturePage {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }
}

/// A point of a drawing, in units of the pad's width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StrokePoint {
    /// From the pad's left edge.
    pub x: f32,
    /// From the pad's top edge.
    pub y: f32,
    /// The line's width here.
    pub width: f32,
}

/// A drawing: strokes of one or more points. Never time or pressure: that would be biometric data.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// In the order drawn; none is empty.
    pub strokes: Vec<Vec<StrokePoint>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    /// Format version, 1.
    v: u32,
    /// Each: x, y, width, x, y, width, … in ten-thousandths of the pad's width.
    strokes: Vec<Vec<i32>>,
}

impl Drawing {
    /// Reads `{"v":1,"strokes":[[x,y,w,…],…]}`. `Ok(None)`: nothing was drawn.
    fn parse(text: &[u8]) -> Result<Option<Self>, Fault> {
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > STROKES_BYTES_MAX {
            return Err(Fault::DrawLarge);
        }
        let sent: Sent = serde_json::from_slice(text).map_err(|_| Fault::Form)?;
        if sent.v != 1 {
            return Err(Fault::Form);
        }
        let points: usize = sent.strokes.iter().map(|s| s.len() / 3).sum();
        if points > STROKES_POINTS_MAX {
            return Err(Fault::DrawLarge);
        }
        let mut strokes = Vec::with_capacity(sent.strokes.len());
        for numbers in sent.strokes {
            let mut stroke = Vec::with_capacity(numbers.len() / 3);
            let mut triples = numbers.chunks_exact(3);
            for triple in &mut triples {
                let [x, y, width] = triple else {
                    return Err(Fault::Form);
                };
                let point = StrokePoint {
                    x: *x as f32 / PAD_UNITS,
                    y: *y as f32 / PAD_UNITS,
                    width: *width as f32 / PAD_UNITS,
                };
                let inside = (0.0..=1.0).contains(&point.x)
                    && (0.0..=PAD_RATIO_MAX).contains(&point.y)
                    && point.width > 0.0
                    && point.width <= 0.1;
                if !inside {
                    return Err(Fault::DrawLarge);
                }
                stroke.push(point);
            }
            if !triples.remainder().is_empty() {
                return Err(Fault::Form);
            }
            if !stroke.is_empty() {
                strokes.push(stroke);
            }
        }
        Ok((!strokes.is_empty()).then_some(Self { strokes }))
    }

    /// The smallest box around all lines: left, top, width, height, in units of the pad's width.
    pub fn bounds(&self) -> (f32, f32, f32, f32) {
        let mut left = f32::MAX;
        let mut top = f32::MAX;
        let mut right = f32::MIN;
        let mut bottom = f32::MIN;
        for point in self.strokes.iter().flatten() {
            let half = point.width / 2.0;
            left = left.min(point.x - half);
            top = top.min(point.y - half);
            right = right.max(point.x + half);
            bottom = bottom.max(point.y + half);
        }
        (left, top, (right - left).max(0.0), (bottom - top).max(0.0))
    }

    /// As an SVG picture, cut to its bounds: one path per pair of points, quadratic curves through midpoints, in dark ink.
    pub fn svg(&self) -> String {
        use std::fmt::Write as _;
        let (left, top, width, height) = self.bounds();
        let mut out = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="{:.4} {:.4} {:.4} {:.4}" fill="none" stroke="#12233d" stroke-linecap="round" stroke-linejoin="round">"##,
            left, top, width, height
        );
        for stroke in &self.strokes {
            let mut middle: Option<(f32, f32)> = None;
            let mut before: Option<StrokePoint> = None;
            for point in stroke {
                if let Some(last) = before {
                    let next = ((last.x + point.x) / 2.0, (last.y + point.y) / 2.0);
                    let (x, y) = middle.unwrap_or((last.x, last.y));
                    // Writing into a String doesn't fail.
                    let _ = write!(
                        out,
                        r#"<path d="M{x:.4} {y:.4}Q{:.4} {:.4} {:.4} {:.4}" stroke-width="{:.4}"/>"#,
                        last.x, last.y, next.0, next.1, last.width
                    );
                    middle = Some(next);
                }
                before = Some(*point);
            }
            if let Some(last) = before {
                let (x, y) = middle.unwrap_or((last.x, last.y));
                let _ = write!(
                    out,
                    r#"<path d="M{x:.4} {y:.4}L{:.4} {:.4}" stroke-width="{:.4}"/>"#,
                    last.x, last.y, last.width
                );
            }
        }
        out.push_str("</svg>");
        out
    }
}

/// One mark, as the reader made it.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// Letters in a style.
    Typed {
        /// The letters, trimmed.
        text: String,
        /// The style's id as sent; whether it exists and has the letters is the caller's to know.
        style: String,
    },
    /// A drawing.
    Drawn(Drawing),
    /// A picture's bytes: begins like a PNG or a JPEG, all else is the worker's to say.
    Picture(Vec<u8>),
}

/// `POST /signing/{rcp}/signature`, multipart.
#[derive(Clone, Debug, PartialEq)]
pub struct SignatureForm {
    /// The session's token.
    pub csrf: String,
    /// The field to return to.
    pub field: Option<String>,
    /// How it was made.
    pub method: Method,
    /// The name typed, to show it again.
    pub name: String,
    /// The initials typed, to show them again.
    pub initials: String,
    /// The style chosen, to show it again.
    pub style: Option<String>,
    /// The signature; `None` where none is asked or a problem stands.
    pub signature: Option<Mark>,
    /// The initials; likewise.
    pub initials_mark: Option<Mark>,
    /// Empty where both can be taken.
    pub problems: Vec<Problem>,
}

impl SignatureForm {
    /// Reads the parts. `asks_*` as in [`Maker`]: what isn't asked isn't read.
    pub fn from_parts(
        parts: &[Part],
        asks_signature: bool,
        asks_initials: bool,
    ) -> Result<Self, BadForm> {
        let bytes = |name: &str| {
            parts
                .iter()
                .rev()
                .find(|p| p.name == name)
                .map(|p| p.bytes.as_slice())
                .unwrap_or_default()
        };
        let text = |name: &str| {
            std::str::from_utf8(bytes(name))
                .map(|t| t.trim().to_owned())
                .map_err(|_| BadForm)
        };
        let method = match text("method")?.as_str() {
            "draw" => Method::Draw,
            "upload" => Method::Upload,
            "type" => Method::Type,
            _ => return Err(BadForm),
        };
        let field = Some(text("field")?).filter(|f| !f.is_empty());
        let style = Some(text("style")?).filter(|s| !s.is_empty());
        let mut form = Self {
            csrf: text("csrf")?,
            field,
            method,
            name: text("name")?,
            initials: text("initials")?,
            style,
            signature: None,
            initials_mark: None,
            problems: Vec::new(),
        };
        for (asked, initials) in [(asks_signature, false), (asks_initials, true)] {
            if !asked {
                continue;
            }
            let made = match method {
                Method::Type => form.typed(initials),
                Method::Draw => {
                    let name = if initials {
                        "initials_strokes"
                    } else {
                        "strokes"
                    };
                    drawn(bytes(name), initials).map_err(|fault| Problem::new(name, fault))
                }
                Method::Upload => {
                    let name = if initials { "initials_file" } else { "file" };
                    picture(bytes(name)).map_err(|fault| Problem::new(name, fault))
                }
            };
            match made {
                Ok(mark) if initials => form.initials_mark = Some(mark),
                Ok(mark) => form.signature = Some(mark),
                Err(problem) => form.problems.push(problem),
            }
        }
        Ok(form)
    }

    fn typed(&self, initials: bool) -> Result<Mark, Problem> {
        let (at, typed, none) = if initials {
            ("initials", &self.initials, Fault::Initials)
        } else {
            ("name", &self.name, Fault::Name)
        };
        let text = text::line(typed, MARK_CHARS_MAX)
            .map_err(|fault| Problem::new(at, Fault::of_text(fault, none)))?;
        match &self.style {
            Some(style) => Ok(Mark::Typed {
                text,
                style: style.clone(),
            }),
            None => Err(Problem::new("style", Fault::Style)),
        }
    }
}

fn drawn(bytes: &[u8], initials: bool) -> Result<Mark, Fault> {
    match Drawing::parse(bytes)? {
        Some(drawing) => Ok(Mark::Drawn(drawing)),
        None if initials => Err(Fault::DrawInitials),
        None => Err(Fault::Draw),
    }
}

fn picture(bytes: &[u8]) -> Result<Mark, Fault> {
    if bytes.is_empty() {
        Err(Fault::FileMissing)
    } else if bytes.len() > PICTURE_BYTES_MAX {
        Err(Fault::FileLarge)
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        Ok(Mark::Picture(bytes.to_vec()))
    } else {
        Err(Fault::FileKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, text: &str) -> Part {
        Part {
            name: name.into(),
            bytes: text.as_bytes().to_vec(),
        }
    }

    fn faults(form: &SignatureForm) -> Vec<&Fault> {
        form.problems.iter().map(|p| &p.fault).collect()
    }

    #[test]
    fn a_typed_signature_has_a_name_and_a_style_and_initials_only_where_asked() {
        let parts = [
            part("csrf", "c"),
            part("method", "type"),
            part("name", "  Marie Dubois "),
            part("initials", "MD"),
            part("style", "script-1"),
        ];
        let form = SignatureForm::from_parts(&parts, true, false).expect("a form");
        assert_eq!(
            form.signature,
            Some(Mark::Typed {
                text: "Marie Dubois".into(),
                style: "script-1".into()
            })
        );
        assert_eq!(form.initials_mark, None);
        assert!(form.problems.is_empty());
        let both = SignatureForm::from_parts(&parts, true, true).expect("a form");
        assert!(matches!(both.initials_mark, Some(Mark::Typed { ref text, .. }) if text == "MD"));
    }

    #[test]
    fn what_is_missing_is_named_at_its_input() {
        let form =
            SignatureForm::from_parts(&[part("method", "type"), part("style", "a")], true, true)
                .expect("a form");
        assert_eq!(faults(&form), [&Fault::Name, &Fault::Initials]);
        let form =
            SignatureForm::from_parts(&[part("method", "draw")], true, true).expect("a form");
        assert_eq!(faults(&form), [&Fault::Draw, &Fault::DrawInitials]);
        let form = SignatureForm::from_parts(
            &[part("method", "upload"), part("file", "GIF89a")],
            true,
            false,
        )
        .expect("a form");
        assert_eq!(faults(&form), [&Fault::FileKind]);
        assert!(SignatureForm::from_parts(&[part("method", "magic")], true, true).is_err());
    }

    #[test]
    fn a_drawing_is_read_in_units_of_the_pads_width_and_drawn_again() {
        let form = SignatureForm::from_parts(
            &[
                part("method", "draw"),
                part(
                    "strokes",
                    r#"{"v":1,"strokes":[[1000,1000,40,2000,1500,50,3000,1000,40],[5000,500,60]]}"#,
                ),
            ],
            true,
            false,
        )
        .expect("a form");
        let Some(Mark::Drawn(drawing)) = form.signature else {
            panic!("a drawing: {:?}", form.problems);
        };
        assert_eq!(drawing.strokes.len(), 2);
        let (left, top, width, height) = drawing.bounds();
        assert!((left - 0.098).abs() < 1e-4 && (top - 0.047).abs() < 1e-4);
        assert!((width - 0.405).abs() < 1e-4 && (height - 0.1055).abs() < 1e-4);
        assert_eq!(drawing.svg().matches("<path").count(), 4);
    }

    #[test]
    fn a_drawing_that_no_pad_makes_is_refused() {
        for (text, fault) in [
            (r#"{"v":1,"strokes":[[1,2]]}"#.to_owned(), Fault::Form),
            (r#"{"v":2,"strokes":[]}"#.to_owned(), Fault::Form),
            (
                r#"{"v":1,"strokes":[[20000,1,40]]}"#.to_owned(),
                Fault::DrawLarge,
            ),
            (
                r#"{"v":1,"strokes":[[1,1,0]]}"#.to_owned(),
                Fault::DrawLarge,
            ),
            (
                r#"{"v":1,"strokes":[[1,1,40]],"time":[1]}"#.to_owned(),
                Fault::Form,
            ),
            (
                format!(
                    r#"{{"v":1,"strokes":[[{}1,1,40]]}}"#,
                    "1,1,40,".repeat(10_000)
                ),
                Fault::DrawLarge,
            ),
        ] {
            assert_eq!(Drawing::parse(text.as_bytes()), Err(fault), "{:.60}", text);
        }
        assert_eq!(Drawing::parse(br#"{"v":1,"strokes":[[]]}"#), Ok(None));
    }

    #[test]
    fn a_picture_over_five_megabytes_is_refused_with_the_limit() {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        assert!(picture(&bytes).is_ok());
        bytes.resize(PICTURE_BYTES_MAX + 1, 0);
        assert_eq!(picture(&bytes), Err(Fault::FileLarge));
    }
}
