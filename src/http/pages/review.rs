//! S4, review and fill: the documents as pictures with their text, and the controls of the fields under each page. Scripts
//! gather the same controls in a panel or a sheet.

use super::form::{BadForm, Form};
use super::frame::{Frame, render};
use super::problem::{Fault, Problem, text_at};
use super::signature::{Maker, Method};
use crate::domain::field::ValueFault;
pub use crate::domain::field::{FieldKind, Rect};
use crate::domain::limits;
use crate::domain::time::Timestamp;
use askama::Template;

/// Bytes of page text that the review itself carries; beyond, pages point to the text view.
const TEXT_BYTES_MAX: usize = 60 * 1024;
/// Fields at least this high (points) take several lines.
const SEVERAL_LINES_FROM: f64 = 48.0;

/// A field of the reader.
#[derive(Clone, Debug)]
pub struct ReviewField {
    /// Its id.
    pub id: String,
    /// What it asks.
    pub asks: FieldKind,
    /// What the sender calls it.
    pub label: Option<String>,
    /// Must be filled before signing.
    pub required: bool,
    /// Text: the words so far. Checkbox: `on` where ticked. Date: the day as it would be stamped now.
    pub value: String,
    /// Where it stands.
    pub rect: Rect,
}

impl ReviewField {
    fn name(&self, frame: &Frame) -> String {
        self.label.clone().unwrap_or_else(|| match self.asks {
            FieldKind::Signature => frame.t("sign-field-signature"),
            FieldKind::Initials => frame.t("sign-field-initials"),
            FieldKind::DateSigned => frame.t("sign-field-date"),
            FieldKind::Text => frame.t("sign-field-text"),
            FieldKind::Checkbox => frame.t("sign-field-checkbox"),
        })
    }

    fn word(&self) -> &'static str {
        match self.asks {
            FieldKind::Signature => "signature",
            FieldKind::Initials => "initials",
            FieldKind::DateSigned => "date",
            FieldKind::Text => "text",
            FieldKind::Checkbox => "checkbox",
        }
    }

    fn chars_max(&self) -> usize {
        limits::FIELD_TEXT_CHARS_MAX
    }

    fn several_lines(&self) -> bool {
        self.rect.height >= SEVERAL_LINES_FROM
    }

    /// `left top width height` in percent of the page.
    fn percent(&self, page: &ReviewPage) -> String {
        let of = |part: f64, whole: f64| {
            if whole > 0.0 {
                (part / whole * 100.0).clamp(0.0, 100.0)
            } else {
                0.0
            }
        };
        format!(
            "{:.3} {:.3} {:.3} {:.3}",
            of(self.rect.x, page.width),
            of(self.rect.y, page.height),
            of(self.rect.width, page.width),
            of(self.rect.height, page.height)
        )
    }
}

/// The text of a page, for those who don't see its picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageText {
    /// The text, lines separated by `\n`.
    Here(String),
    /// Too much for this page: the text view has it. [`Review::html`] makes this of what passes 60 KB.
    Elsewhere,
    /// There is none.
    None,
}

/// A page.
#[derive(Clone, Debug)]
pub struct ReviewPage {
    /// From 1.
    pub number: u32,
    /// Width in points as shown.
    pub width: f64,
    /// Height in points as shown.
    pub height: f64,
    /// Its text.
    pub text: PageText,
    /// It can't be drawn: offer the PDF.
    pub undrawable: bool,
    /// The reader's fields on it, by top, then left.
    pub fields: Vec<ReviewField>,
}

impl ReviewPage {
    fn width_px(&self) -> u32 {
        pixels(self.width)
    }

    fn height_px(&self) -> u32 {
        pixels(self.height)
    }
}

/// Points as whole CSS pixels; only the proportion counts.
fn pixels(points: f64) -> u32 {
    // Saturating, and NaN is 0: exactly what `as` does.
    (points.round() as u32).max(1)
}

/// A document.
#[derive(Clone, Debug)]
pub struct ReviewDocument {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its pages, all of them.
    pub pages: Vec<ReviewPage>,
}

/// What the reader has adopted: addresses of pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    /// The signature's picture.
    pub signature: Option<String>,
    /// The initials' picture.
    pub initials: Option<String>,
}

impl Adopted {
    /// The answer to a script that posted the signature: `{"signature":…,"initials":…}`.
    pub fn json(&self) -> String {
        serde_json::json!({"signature": self.signature, "initials": self.initials}).to_string()
    }
}

/// S4: `GET /signing/{rcp}/review`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign/review.html")]
pub struct Review {
    /// What every page shares.
    pub frame: Frame,
    /// `<root>/signing/<rcp>`.
    pub base: String,
    /// The session's token against forged forms.
    pub csrf: String,
    /// Which definition and state this page shows; a form of another one is answered 409.
    pub version: String,
    /// What the request is called.
    pub subject: String,
    /// The documents with the reader's fields.
    pub documents: Vec<ReviewDocument>,
    /// What is adopted.
    pub adopted: Adopted,
    /// For the dialog that makes the signature; `None` where nothing asks for one.
    pub maker: Option<Maker>,
    /// Seconds without a request after which the session ends.
    pub session_idle_seconds: u32,
    /// Faults of the last try; `at` is `field.<id>`.
    pub problems: Vec<Problem>,
}

impl Review {
    /// The page.
    pub fn html(mut self) -> String {
        let mut left = TEXT_BYTES_MAX;
        for page in self.documents.iter_mut().flat_map(|d| &mut d.pages) {
            if let PageText::Here(text) = &page.text {
                match left.checked_sub(text.len()) {
                    Some(rest) => left = rest,
                    None => {
                        left = 0;
                        page.text = PageText::Elsewhere;
                    }
                }
            }
        }
        render(&self)
    }

    fn problem(&self, field: &ReviewField) -> Option<String> {
        text_at(
            &self.problems,
            &format!("field.{}", field.id),
            self.frame.locale,
        )
    }

    fn adopted_for(&self, field: &ReviewField) -> Option<&str> {
        match field.asks {
            FieldKind::Signature => self.adopted.signature.as_deref(),
            FieldKind::Initials => self.adopted.initials.as_deref(),
            _ => None,
        }
    }

    fn asked(&self) -> usize {
        self.documents
            .iter()
            .flat_map(|d| &d.pages)
            .map(|p| p.fields.len())
            .sum()
    }
}

/// Where the reader goes after the answers are saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Go {
    /// Stay: Enter was pressed in a text.
    Stay,
    /// On to S6, if nothing is missing.
    Check,
    /// To S5 for this field.
    Signature(String),
    /// Away: then 303 to `later`.
    Later,
}

/// `POST /signing/{rcp}/review`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewForm {
    /// The session's token.
    pub csrf: String,
    /// What the page showed.
    pub version: String,
    /// Field ids and values, each once: words, `on` for a ticked box, `""` for an unticked one.
    pub answers: Vec<(String, String)>,
    /// Which button.
    pub go: Go,
}

impl ReviewForm {
    /// Reads the body. Which fields there are and what they may hold is the caller's to know.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        let form = Form::parse(body)?;
        let mut answers: Vec<(String, String)> = Vec::new();
        for (name, value) in form.pairs() {
            let Some(id) = name.strip_prefix("field.") else {
                continue;
            };
            let value = value.replace("\r\n", "\n");
            // A ticked box follows its hidden empty twin at once, so looking at the last entry is enough; a form of ours has no
            // other repetition.
            match answers.last_mut() {
                Some((last, old)) if last == id => *old = value,
                _ => answers.push((id.to_owned(), value)),
            }
        }
        let go = match form.last("go").unwrap_or_default() {
            "check" => Go::Check,
            "later" => Go::Later,
            other => match other.strip_prefix("signature:") {
                Some(field) => Go::Signature(field.to_owned()),
                None => Go::Stay,
            },
        };
        Ok(Self {
            csrf: form.trimmed("csrf").to_owned(),
            version: form.trimmed("version").to_owned(),
            answers,
            go,
        })
    }
}

/// `PUT /signing/{rcp}/fields/{fld}`: `{"value":"Lyon"}`, with the session's token in `X-CSRF-Token` and the page's version in
/// `X-Page-Version`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Autosave {
    /// As in [`ReviewForm::answers`].
    pub value: String,
}

impl Autosave {
    /// Reads the body.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        serde_json::from_slice(body).map_err(|_| BadForm)
    }

    /// The answer: `{"saved":"14:02"}`.
    pub fn saved_json(frame: &Frame, at: Timestamp) -> String {
        serde_json::json!({"saved": frame.clock(&at)}).to_string()
    }
}

/// The faults of required fields that are still empty, in the order of the pages: what `Go::Check` shows instead of S6.
pub fn missing(documents: &[ReviewDocument], adopted: &Adopted) -> Vec<Problem> {
    documents
        .iter()
        .flat_map(|d| &d.pages)
        .flat_map(|p| &p.fields)
        .filter(|f| f.required && !is_filled(f, adopted))
        .map(|f| field_problem(&f.id, f.asks, ValueFault::Missing))
        .collect()
}

fn is_filled(field: &ReviewField, adopted: &Adopted) -> bool {
    match field.asks {
        FieldKind::Signature => adopted.signature.is_some(),
        FieldKind::Initials => adopted.initials.is_some(),
        FieldKind::Text => !field.value.trim().is_empty(),
        FieldKind::Checkbox => !field.value.is_empty(),
        FieldKind::DateSigned => true,
    }
}

/// What the domain says of a field's value, as the page says it at the field.
pub fn field_problem(id: &str, kind: FieldKind, fault: ValueFault) -> Problem {
    let fault = match (fault, kind) {
        (ValueFault::Missing, FieldKind::Signature) => Fault::RequiredSignature,
        (ValueFault::Missing, FieldKind::Initials) => Fault::RequiredInitials,
        (ValueFault::Missing, FieldKind::Checkbox) => Fault::RequiredTick,
        (ValueFault::Missing, FieldKind::Text | FieldKind::DateSigned) => Fault::Required,
        (ValueFault::TooLong, _) => Fault::TooLong(limits::FIELD_TEXT_CHARS_MAX),
        (ValueFault::ForbiddenCharacter, _) => Fault::Characters,
        (ValueFault::NotYours | ValueFault::WrongKind | ValueFault::Twice, _) => Fault::Form,
    };
    Problem::new(format!("field.{id}"), fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_without_script_carries_every_answer_and_the_button_pressed() {
        let form = ReviewForm::parse(
            b"csrf=c&version=7&field.fld_1=Lyon&field.fld_2=&field.fld_2=on&field.fld_3=&go=signature%3Afld_9",
        )
        .expect("a form");
        let answer = |id: &str| {
            form.answers
                .iter()
                .find(|(i, _)| i == id)
                .map(|(_, v)| v.as_str())
        };
        assert_eq!(answer("fld_1"), Some("Lyon"));
        assert_eq!(answer("fld_2"), Some("on"));
        assert_eq!(answer("fld_3"), Some(""));
        assert_eq!(form.answers.len(), 3);
        assert_eq!(form.go, Go::Signature("fld_9".into()));
        assert_eq!(
            ReviewForm::parse(b"go=check").expect("a form").go,
            Go::Check
        );
        assert_eq!(ReviewForm::parse(b"").expect("a form").go, Go::Stay);
    }

    #[test]
    fn autosave_takes_one_value_and_nothing_else() {
        assert_eq!(
            Autosave::parse(br#"{"value":"Lyon"}"#).expect("good").value,
            "Lyon"
        );
        assert!(Autosave::parse(br#"{"value":"Lyon","x":1}"#).is_err());
        assert!(Autosave::parse(b"value=Lyon").is_err());
    }

    #[test]
    fn missing_names_what_is_required_and_empty_and_nothing_more() {
        let field = |id: &str, asks, required, value: &str| ReviewField {
            id: id.into(),
            asks,
            label: None,
            required,
            value: value.into(),
            rect: Rect {
                x: 0.0,
                y: 0.0,
                width: 1.0,
                height: 1.0,
            },
        };
        let documents = vec![ReviewDocument {
            id: "doc_1".into(),
            name: "a".into(),
            pages: vec![ReviewPage {
                number: 1,
                width: 100.0,
                height: 100.0,
                text: PageText::None,
                undrawable: false,
                fields: vec![
                    field("s", FieldKind::Signature, true, ""),
                    field("t", FieldKind::Text, true, "  "),
                    field("u", FieldKind::Text, false, ""),
                    field("c", FieldKind::Checkbox, true, "on"),
                    field("d", FieldKind::DateSigned, true, ""),
                ],
            }],
        }];
        let at: Vec<_> = missing(&documents, &Adopted::default())
            .into_iter()
            .map(|p| p.at)
            .collect();
        assert_eq!(at, ["field.s", "field.t"]);
    }

    #[test]
    fn a_rectangle_becomes_percent_of_its_page() {
        let field = ReviewField {
            id: "f".into(),
            asks: FieldKind::Text,
            label: None,
            required: false,
            value: String::new(),
            rect: Rect {
                x: 59.5,
                y: 84.2,
                width: 119.0,
                height: 42.1,
            },
        };
        let page = ReviewPage {
            number: 1,
            width: 595.0,
            height: 842.0,
            text: PageText::None,
            undrawable: false,
            fields: vec![],
        };
        assert_eq!(field.percent(&page), "10.000 10.000 20.000 5.000");
    }
}
