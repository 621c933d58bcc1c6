//! What is wrong with what someone sent, to be said in the page: beside the input and in the summary above.

use crate::domain::text::TextFault;
use crate::domain::time::Timestamp;
use crate::i18n::Locale;

/// A fault that a person can put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was given.
    Required,
    /// A signature is missing.
    RequiredSignature,
    /// Initials are missing.
    RequiredInitials,
    /// A box that must be ticked is not.
    RequiredTick,
    /// Longer than this many characters.
    TooLong(usize),
    /// A control character or the like.
    Characters,
    /// The consent box is not ticked.
    Agree,
    /// A document of this name was never opened.
    OpenFirst(String),
    /// No reason was given.
    Reason,
    /// No name was given.
    Name,
    /// No initials were given.
    Initials,
    /// No style was chosen, or one that does not exist.
    Style,
    /// Nothing was drawn.
    Draw,
    /// No initials were drawn.
    DrawInitials,
    /// Too many points, or a drawing that no pad of ours makes.
    DrawLarge,
    /// No file was chosen.
    FileMissing,
    /// The file is too large.
    FileLarge,
    /// The file is no PNG or JPEG, or a broken one.
    FileKind,
    /// The picture shows nothing but paper.
    FileEmpty,
    /// The style has no shapes for some letters of the name.
    Letters,
    /// No e-mail address.
    Email,
    /// Fewer characters than this.
    PasswordShort(usize),
    /// More characters than this.
    PasswordLong(usize),
    /// The repetition differs.
    PasswordSame,
    /// On the list of easy ones, or the name of person or organisation.
    PasswordEasy,
    /// Address or password is wrong (which one is never told).
    Login,
    /// Wait until this moment, as text.
    LoginWait(String),
    /// No scope was chosen.
    Scope,
    /// The name typed is not the key's.
    RevokeName,
    /// The body is no form of ours.
    Form,
}

impl Fault {
    /// Wait until this moment.
    pub fn login_wait(locale: Locale, zone: &crate::i18n::Zone, until: Timestamp) -> Self {
        Self::LoginWait(zone.clock(locale, until.as_millis()))
    }

    /// What is wrong with a text; `empty` says it of one that is not there.
    pub fn of_text(fault: TextFault, empty: Self) -> Self {
        match fault {
            TextFault::Empty => empty,
            TextFault::TooLong { max } => Self::TooLong(max),
            TextFault::Forbidden(_) => Self::Characters,
        }
    }

    /// What to read.
    pub fn text(&self, locale: Locale) -> String {
        match self {
            Self::Required => locale.t("error-required"),
            Self::RequiredSignature => locale.t("error-required-signature"),
            Self::RequiredInitials => locale.t("error-required-initials"),
            Self::RequiredTick => locale.t("error-required-tick"),
            Self::TooLong(n) => locale.t1("error-too-long", "n", n),
            Self::Characters => locale.t("error-characters"),
            Self::Agree => locale.t("error-agree"),
            Self::OpenFirst(name) => locale.t1("error-open-first", "name", name),
            Self::Reason => locale.t("error-reason"),
            Self::Name => locale.t("error-name"),
            Self::Initials => locale.t("error-initials"),
            Self::Style => locale.t("error-style"),
            Self::Draw => locale.t("error-draw"),
            Self::DrawInitials => locale.t("error-draw-initials"),
            Self::DrawLarge => locale.t("error-draw-large"),
            Self::FileMissing => locale.t("error-file-missing"),
            Self::FileLarge => locale.t("error-file-large"),
            Self::FileKind => locale.t("error-file-kind"),
            Self::FileEmpty => locale.t("error-file-empty"),
            Self::Letters => locale.t("error-letters"),
            Self::Email => locale.t("error-email"),
            Self::PasswordShort(n) => locale.t1("error-password-short", "n", n),
            Self::PasswordLong(n) => locale.t1("error-password-long", "n", n),
            Self::PasswordSame => locale.t("error-password-same"),
            Self::PasswordEasy => locale.t("error-password-easy"),
            Self::Login => locale.t("error-login"),
            Self::LoginWait(time) => locale.t1("error-login-wait", "time", time),
            Self::Scope => locale.t("error-scope"),
            Self::RevokeName => locale.t("error-revoke-name"),
            Self::Form => locale.t("error-form"),
        }
    }
}

/// A fault at an input. `at` is the input's name as in the form (`name`, `reason`, `field.fld_…`, `document.doc_…`); a page shows it there and links
/// to it from the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The input's name; `""` concerns the form as a whole.
    pub at: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl Problem {
    /// A fault at an input.
    pub fn new(at: impl Into<String>, fault: Fault) -> Self {
        Self {
            at: at.into(),
            fault,
        }
    }

    /// What to read.
    pub fn text(&self, locale: &Locale) -> String {
        self.fault.text(*locale)
    }

    /// The id of the input in the page.
    pub fn anchor(&self) -> String {
        match self.at.split_once('.') {
            Some(("field", id)) => format!("f-{id}"),
            Some(("document", id)) => format!("d-{id}"),
            _ if self.at.is_empty() => "main".to_owned(),
            _ => format!("i-{}", self.at),
        }
    }
}

/// The text of the first problem at an input.
pub(super) fn text_at(problems: &[Problem], at: &str, locale: Locale) -> Option<String> {
    problems
        .iter()
        .find(|p| p.at == at)
        .map(|p| p.fault.text(locale))
}

/// `{"problems":[{"at":…,"message":…}]}`: the same for scripts.
pub fn problems_json(problems: &[Problem], locale: Locale) -> String {
    let list: Vec<_> = problems
        .iter()
        .map(|p| serde_json::json!({"at": p.at, "message": p.fault.text(locale)}))
        .collect();
    serde_json::json!({ "problems": list }).to_string()
}
