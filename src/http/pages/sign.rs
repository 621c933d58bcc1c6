//! The signing pages but for the review: gate (S1), check and sign (S6), done (S7), decline (S8), the text view; and their
//! forms.

use super::form::{BadForm, Form};
use super::frame::{Frame, render};
use super::problem::{Fault, Problem, text_at};
use crate::domain::limits::REASON_CHARS_MAX;
use crate::domain::text;
use crate::domain::time::Timestamp;
use crate::i18n::Consent;
use askama::Template;

/// S1, the gate: `GET /sign/{token}`. Shows nothing of the documents; its button records that the recipient came.
#[derive(Clone, Debug, Template)]
#[template(path = "sign/gate.html")]
pub struct Gate {
    /// What every page shares.
    pub frame: Frame,
    /// The token of the address.
    pub token: String,
    /// Proof that the button was on a page of ours (HMAC, 12 h).
    pub nonce: String,
    /// What the request is called.
    pub subject: String,
    /// The recipient's name, or address where there is no name.
    pub recipient: String,
    /// How many documents.
    pub documents: u32,
    /// How many pages they have together.
    pub pages: u32,
    /// The sender's own words.
    pub message: Option<String>,
    /// The last moment to sign.
    pub deadline: Option<Timestamp>,
    /// The nonce of the last try was too old: say so.
    pub stale: bool,
}

impl Gate {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }
}

/// Where the gate's visitor wants to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Read and sign: then 303 to `review`.
    Review,
    /// Decline: then 303 to `decline`.
    Decline,
}

/// `POST /sign/{token}/open`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenForm {
    /// The nonce of the gate.
    pub nonce: String,
    /// Which button.
    pub entry: Entry,
}

impl OpenForm {
    /// Reads the body.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        let form = Form::parse(body)?;
        Ok(Self {
            nonce: form.trimmed("nonce").to_owned(),
            entry: if form.last("entry") == Some("decline") {
                Entry::Decline
            } else {
                Entry::Review
            },
        })
    }
}

/// A document on S6.
#[derive(Clone, Debug)]
pub struct CheckDocument {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its pages.
    pub pages: u32,
    /// Whether anything of it was served in this session; if not, it must be opened first.
    pub opened: bool,
}

/// What an answer on S6 shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// Words.
    Text(String),
    /// A box.
    Ticked(bool),
    /// The date of signing.
    Date(String),
}

/// An answer on S6, with a link back to it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The field's id.
    pub field: String,
    /// The field's label; its kind's name where it has none.
    pub label: Option<String>,
    /// The value.
    pub given: Given,
}

impl Answer {
    fn name(&self, frame: &Frame) -> String {
        let label = self.label.clone().filter(|label| !label.is_empty());
        label.unwrap_or_else(|| match self.given {
            Given::Text(_) => frame.t("sign-field-text"),
            Given::Ticked(_) => frame.t("sign-field-checkbox"),
            Given::Date(_) => frame.t("sign-field-date"),
        })
    }
}

/// S6, check and sign: `GET /signing/{rcp}/check`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign/check.html")]
pub struct Check {
    /// What every page shares.
    pub frame: Frame,
    /// `<root>/signing/<rcp>`.
    pub base: String,
    /// The session's token against forged forms.
    pub csrf: String,
    /// What this page shows, in short: a form of another draft or version is answered 409.
    pub once: String,
    /// What the request is called.
    pub subject: String,
    /// The recipient's name.
    pub name: String,
    /// The recipient's address.
    pub email: String,
    /// What is signed.
    pub documents: Vec<CheckDocument>,
    /// Text, date and tick fields, in the order of the pages.
    pub answers: Vec<Answer>,
    /// Address of the adopted signature's picture.
    pub signature: Option<String>,
    /// Address of the adopted initials' picture.
    pub initials: Option<String>,
    /// The consent text.
    pub consent: Consent,
    /// Faults of the last try.
    pub problems: Vec<Problem>,
}

impl Check {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }

    fn agree_problem(&self) -> Option<String> {
        text_at(&self.problems, "agree", self.frame.locale)
    }
}

/// `POST /signing/{rcp}/check`: the act itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckForm {
    /// The session's token.
    pub csrf: String,
    /// What the page showed.
    pub once: String,
    /// The version of the consent text that was shown.
    pub consent_version: String,
}

/// A body of [`CheckForm`] whose box is not ticked; the tokens are still there to be checked first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAgreed {
    /// The session's token.
    pub csrf: String,
    /// What to show.
    pub problem: Problem,
}

impl CheckForm {
    /// Reads the body. `Ok(Err(_))`: a good form without the tick.
    pub fn parse(body: &[u8]) -> Result<Result<Self, NotAgreed>, BadForm> {
        let form = Form::parse(body)?;
        let csrf = form.trimmed("csrf").to_owned();
        if form.last("agree") != Some("yes") {
            return Ok(Err(NotAgreed {
                csrf,
                problem: Problem::new("agree", Fault::Agree),
            }));
        }
        Ok(Ok(Self {
            csrf,
            once: form.trimmed("once").to_owned(),
            consent_version: form.trimmed("consent").to_owned(),
        }))
    }
}

/// A file to download.
#[derive(Clone, Debug)]
pub struct Download {
    /// Its name.
    pub name: String,
    /// Its address.
    pub href: String,
}

/// How far the request is, for one who has signed.
#[derive(Clone, Debug)]
pub enum Progress {
    /// So many still have to sign.
    Waiting(u32),
    /// The final file is being made (or tried again).
    Preparing,
    /// It ended without a final file.
    Ended,
    /// Everyone has signed.
    Complete {
        /// The sealed documents; one button where it is one.
        documents: Vec<Download>,
        /// The proof file.
        proof: Option<Download>,
    },
}

impl Progress {
    /// For the waiting page's script: `waiting`, `preparing`, `ended` or `complete`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Waiting(_) => "waiting",
            Self::Preparing => "preparing",
            Self::Ended => "ended",
            Self::Complete { .. } => "complete",
        }
    }

    /// The answer of `GET /signing/{rcp}/status`: `{"state":"waiting","waiting":2}`.
    pub fn json(&self) -> String {
        let waiting = match self {
            Self::Waiting(n) => *n,
            _ => 0,
        };
        serde_json::json!({"state": self.word(), "waiting": waiting}).to_string()
    }
}

/// S7, done: `GET /signing/{rcp}/done`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign/done.html")]
pub struct Done {
    /// What every page shares.
    pub frame: Frame,
    /// `<root>/signing/<rcp>`.
    pub base: String,
    /// What the request is called.
    pub subject: String,
    /// Where the final documents will be sent.
    pub email: String,
    /// How far it is.
    pub progress: Progress,
}

impl Done {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }
}

/// S8, decline: `GET /signing/{rcp}/decline`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign/decline.html")]
pub struct Decline {
    /// What every page shares.
    pub frame: Frame,
    /// `<root>/signing/<rcp>`.
    pub base: String,
    /// The session's token against forged forms.
    pub csrf: String,
    /// What the request is called.
    pub subject: String,
    /// What was typed before.
    pub reason: String,
    /// Faults of the last try.
    pub problems: Vec<Problem>,
}

impl Decline {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }

    fn reason_problem(&self) -> Option<String> {
        text_at(&self.problems, "reason", self.frame.locale)
    }

    fn reason_chars_max(&self) -> usize {
        REASON_CHARS_MAX
    }
}

/// `POST /signing/{rcp}/decline`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclineForm {
    /// The session's token.
    pub csrf: String,
    /// What was typed, trimmed.
    pub reason: String,
    /// Empty where the reason can be taken.
    pub problems: Vec<Problem>,
}

impl DeclineForm {
    /// Reads the body.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        let form = Form::parse(body)?;
        let typed = form.trimmed("reason");
        let (reason, problems) = match text::lines(typed, REASON_CHARS_MAX) {
            Ok(reason) => (reason, Vec::new()),
            Err(fault) => (
                typed.to_owned(),
                vec![Problem::new("reason", Fault::of_text(fault, Fault::Reason))],
            ),
        };
        Ok(Self {
            csrf: form.trimmed("csrf").to_owned(),
            reason,
            problems,
        })
    }
}

/// The text view: `GET /signing/{rcp}/documents/{doc}/text`.
#[derive(Clone, Debug, Template)]
#[template(path = "sign/text.html")]
pub struct DocumentText {
    /// What every page shares.
    pub frame: Frame,
    /// `<root>/signing/<rcp>`.
    pub base: String,
    /// The document's id.
    pub id: String,
    /// The document's name.
    pub name: String,
    /// The text of each page; `None` where none was found.
    pub pages: Vec<Option<String>>,
    /// The other documents' ids and names.
    pub others: Vec<(String, String)>,
}

impl DocumentText {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }
}

/// "Your answers are kept": `GET /signing/{rcp}/later`, after [`super::review::Go::Later`].
#[derive(Clone, Debug, Template)]
#[template(path = "sign/later.html")]
pub struct Later {
    /// What every page shares.
    pub frame: Frame,
    /// `<root>/signing/<rcp>`.
    pub base: String,
    /// What the request is called.
    pub subject: String,
}

impl Later {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_wants_the_box_ticked() {
        let without = CheckForm::parse(b"csrf=c&once=o&consent=2026-01").expect("a form");
        assert_eq!(without.expect_err("not agreed").problem.fault, Fault::Agree);
        let with = CheckForm::parse(b"csrf=c&once=o&consent=2026-01&agree=yes")
            .expect("a form")
            .expect("agreed");
        assert_eq!((with.csrf.as_str(), with.once.as_str()), ("c", "o"));
        assert_eq!(with.consent_version, "2026-01");
    }

    #[test]
    fn declining_wants_a_reason_of_at_most_500_characters() {
        let faults = |body: &str| {
            DeclineForm::parse(body.as_bytes())
                .expect("a form")
                .problems
                .into_iter()
                .map(|p| p.fault)
                .collect::<Vec<_>>()
        };
        assert_eq!(faults("reason=+%0A"), [Fault::Reason]);
        assert_eq!(faults("reason=Wrong+salary"), []);
        assert_eq!(
            faults(&format!("reason={}", "a".repeat(501))),
            [Fault::TooLong(500)]
        );
        assert_eq!(faults(&format!("reason={}", "%C3%A9".repeat(500))), []);
        assert_eq!(faults("reason=a%00b"), [Fault::Characters]);
    }

    #[test]
    fn the_gate_has_two_doors() {
        assert_eq!(
            OpenForm::parse(b"nonce=n&entry=decline")
                .expect("a form")
                .entry,
            Entry::Decline
        );
        assert_eq!(
            OpenForm::parse(b"nonce=n").expect("a form").entry,
            Entry::Review
        );
    }
}
