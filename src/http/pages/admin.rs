//! The administrators' pages.

use super::frame::render;
use super::problem::{Problem, text_at};
pub use crate::domain::envelope::Status;
pub use crate::domain::environment::Environment;
use crate::domain::limits::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use crate::domain::time::Timestamp;
use crate::i18n::{Arg, Locale, Zone};
use askama::Template;

/// The section marked in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// `/admin/envelopes`.
    Envelopes,
    /// `/admin/keys`.
    Keys,
    /// `/admin/outbox`.
    Outbox,
    /// `/admin/jobs`.
    Jobs,
}

impl Section {
    /// All of them, in the navigation's order.
    pub const ALL: [Self; 4] = [Self::Envelopes, Self::Keys, Self::Outbox, Self::Jobs];

    /// Its path: `/admin/envelopes`.
    pub fn address(self) -> String {
        format!("/admin/{}", self.word())
    }

    /// Its word in addresses.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Envelopes => "envelopes",
            Self::Keys => "keys",
            Self::Outbox => "outbox",
            Self::Jobs => "jobs",
        }
    }

    fn name(self, locale: &Locale) -> String {
        match self {
            Self::Envelopes => locale.t("admin-nav-envelopes"),
            Self::Keys => locale.t("admin-nav-keys"),
            Self::Outbox => locale.t("admin-nav-outbox"),
            Self::Jobs => locale.t("admin-nav-jobs"),
        }
    }
}

/// Who is logged in, and what the header needs of that.
#[derive(Clone, Debug)]
pub struct Person {
    /// The address shown.
    pub email: String,
    /// The session's token against forged forms.
    pub csrf: String,
    /// Which data the pages show.
    pub shown: Environment,
    /// Failed jobs, for the mark in the navigation.
    pub jobs_failed: u32,
    /// Seals among them, for the warning on every page.
    pub seals_failing: u32,
}

/// What every administrators' page shares.
#[derive(Clone, Debug)]
pub struct AdminFrame {
    /// Language of all texts.
    pub locale: Locale,
    /// Path of `public_url` without the last slash; every link begins with it.
    pub root: String,
    /// The organisation's name.
    pub organisation: String,
    /// The organisation's time zone.
    pub zone: Zone,
    /// `None` before login.
    pub person: Option<Person>,
}

impl AdminFrame {
    fn password_chars_min(&self) -> usize {
        PASSWORD_CHARS_MIN
    }

    fn password_chars_max(&self) -> usize {
        PASSWORD_CHARS_MAX
    }

    /// A message.
    pub fn t(&self, key: &'static str) -> String {
        self.locale.t(key)
    }

    /// A message with one variable.
    pub fn t1(&self, key: &'static str, name: &'static str, value: impl Arg) -> String {
        self.locale.t1(key, name, value)
    }

    /// A message with two variables.
    pub fn t2(
        &self,
        key: &'static str,
        name: &'static str,
        value: impl Arg,
        name2: &'static str,
        value2: impl Arg,
    ) -> String {
        self.locale.t2(key, name, value, name2, value2)
    }

    /// Address of a file of `assets/web`.
    pub fn asset(&self, name: impl AsRef<str>) -> String {
        format!("{}{}", self.root, super::assets::href(name.as_ref()))
    }

    /// Day and time.
    pub fn moment(&self, at: &Timestamp) -> String {
        self.zone.moment_short(self.locale, at.as_millis())
    }

    fn csrf(&self) -> &str {
        self.person
            .as_ref()
            .map(|p| p.csrf.as_str())
            .unwrap_or_default()
    }

    fn sections(&self) -> [Section; 4] {
        Section::ALL
    }

    fn is_test(&self) -> bool {
        self.person
            .as_ref()
            .is_some_and(|p| p.shown == Environment::Test)
    }
}

/// The first administrator: `GET /admin/setup?t=`.
#[derive(Clone, Debug, Template)]
#[template(path = "admin/setup.html")]
pub struct Setup {
    /// What every page shares.
    pub frame: AdminFrame,
    /// The setup link's token.
    pub token: String,
    /// What was typed.
    pub name: String,
    /// What was typed.
    pub email: String,
    /// Faults of the last try.
    pub problems: Vec<Problem>,
}

impl Setup {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }

    fn problem(&self, at: &str) -> Option<String> {
        text_at(&self.problems, at, self.frame.locale)
    }
}

/// Another password by the operator's link: `GET /admin/reset?t=`.
#[derive(Clone, Debug, Template)]
#[template(path = "admin/reset.html")]
pub struct Reset {
    /// What every page shares.
    pub frame: AdminFrame,
    /// The link's token.
    pub token: String,
    /// Whose password it is.
    pub email: String,
    /// Faults of the last try.
    pub problems: Vec<Problem>,
}

impl Reset {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }

    fn problem(&self, at: &str) -> Option<String> {
        text_at(&self.problems, at, self.frame.locale)
    }
}

/// `GET /admin/login`.
#[derive(Clone, Debug, Template)]
#[template(path = "admin/login.html")]
pub struct Login {
    /// What every page shares.
    pub frame: AdminFrame,
    /// A token that only our pages know, against forged logins.
    pub csrf: String,
    /// What was typed.
    pub email: String,
    /// Where to go afterwards: a path under `/admin`.
    pub next: Option<String>,
    /// Faults of the last try.
    pub problems: Vec<Problem>,
    /// Why the page appears.
    pub notice: Option<LoginNotice>,
}

/// Why the login page appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginNotice {
    /// After logging out.
    LoggedOut,
    /// The session ended.
    Ended,
}

impl Login {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }

    fn notice_text(&self) -> Option<String> {
        self.notice.map(|notice| match notice {
            LoginNotice::LoggedOut => self.frame.t("admin-logged-out"),
            LoginNotice::Ended => self.frame.t("admin-login-again"),
        })
    }
}

/// An API key in the list.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What may be seen of it: `sk_test_…9fQz`.
    pub masked: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, and from which address.
    pub used: Option<(Timestamp, String)>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A key that was just made.
#[derive(Clone)]
pub struct NewKey {
    /// Its name.
    pub name: String,
    /// The key itself.
    pub key: String,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A scope on offer.
#[derive(Clone, Debug)]
pub struct ScopeChoice {
    /// `envelopes:write`.
    pub scope: String,
    /// Ticked at first.
    pub chosen: bool,
}

/// `GET /admin/keys`, and the answer of `POST /admin/keys` (which shows the new key, once).
#[derive(Clone, Debug, Template)]
#[template(path = "admin/keys.html")]
pub struct Keys {
    /// What every page shares.
    pub frame: AdminFrame,
    /// The keys of the environment shown, newest first.
    pub keys: Vec<KeyRow>,
    /// More of them.
    pub pager: Pager,
    /// The key just made.
    pub new: Option<NewKey>,
    /// What was typed.
    pub name: String,
    /// All scopes.
    pub scopes: Vec<ScopeChoice>,
    /// For the example: `public_url`.
    pub public_url: String,
    /// Faults of the last try.
    pub problems: Vec<Problem>,
}

impl Keys {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }

    fn problem(&self, at: &str) -> Option<String> {
        text_at(&self.problems, at, self.frame.locale)
    }
}

/// `GET /admin/keys/{key}/revoke`.
#[derive(Clone, Debug, Template)]
#[template(path = "admin/revoke.html")]
pub struct Revoke {
    /// What every page shares.
    pub frame: AdminFrame,
    /// The key's id.
    pub id: String,
    /// The key's name, to be typed.
    pub name: String,
    /// What may be seen of it.
    pub masked: String,
    /// Faults of the last try.
    pub problems: Vec<Problem>,
}

impl Revoke {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }

    fn problem(&self) -> Option<String> {
        text_at(&self.problems, "name", self.frame.locale)
    }
}

/// What has become of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailState {
    /// Kept here: no server is set, or test data.
    Captured,
    /// To be sent at this moment.
    Waiting {
        /// The next try.
        next_at: Timestamp,
    },
    /// Taken by the mail server.
    Sent,
    /// Given up.
    Failed,
}

impl MailState {
    fn name(&self, locale: &Locale) -> String {
        match self {
            Self::Captured => locale.t("admin-outbox-captured"),
            Self::Waiting { .. } => locale.t("admin-outbox-waiting"),
            Self::Sent => locale.t("admin-outbox-sent"),
            Self::Failed => locale.t("admin-outbox-failed"),
        }
    }

    const fn mood(&self) -> &'static str {
        match self {
            Self::Captured => "plain",
            Self::Waiting { .. } => "wait",
            Self::Sent => "done",
            Self::Failed => "stop",
        }
    }
}

/// A mail in the list.
#[derive(Clone, Debug)]
pub struct MailRow {
    /// Its id.
    pub id: String,
    /// Whom it goes to.
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// What has become of it.
    pub state: MailState,
    /// When it was written.
    pub at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
}

/// Links to the pages before and after in a list: whole addresses.
#[derive(Clone, Debug, Default)]
pub struct Pager {
    /// Towards now.
    pub newer: Option<String>,
    /// Towards the past.
    pub older: Option<String>,
}

/// `GET /admin/outbox`.
#[derive(Clone, Debug, Template)]
#[template(path = "admin/outbox.html")]
pub struct Outbox {
    /// What every page shares.
    pub frame: AdminFrame,
    /// Newest first.
    pub mails: Vec<MailRow>,
    /// More of them.
    pub pager: Pager,
}

impl Outbox {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }
}

/// `GET /admin/outbox/{mail}`.
#[derive(Clone, Debug, Template)]
#[template(path = "admin/mail.html")]
pub struct OutboxMail {
    /// What every page shares.
    pub frame: AdminFrame,
    /// Its head.
    pub mail: MailRow,
    /// The text part.
    pub text: String,
    /// What the server said last.
    pub answer: Option<String>,
    /// Whether it was kept, and would leave now.
    pub can_release: bool,
}

impl OutboxMail {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }

    /// Every address in the text, once.
    fn links(&self) -> Vec<&str> {
        let mut links = Vec::new();
        for word in self.text.split_whitespace() {
            if (word.starts_with("https://") || word.starts_with("http://"))
                && !links.contains(&word)
            {
                links.push(word);
            }
        }
        links
    }
}

/// What a failed job was to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Seal the documents of an envelope.
    Seal,
    /// End an envelope at its deadline.
    Expire,
    /// Make the evidence file of an envelope that has ended.
    Trail,
    /// Send a mail.
    Mail,
    /// Deliver a webhook.
    Webhook,
    /// Anything else.
    Other,
}

impl JobKind {
    fn name(&self, locale: &Locale) -> String {
        match self {
            Self::Seal => locale.t("admin-jobs-seal"),
            Self::Expire => locale.t("admin-jobs-expire"),
            Self::Trail => locale.t("admin-jobs-trail"),
            Self::Mail => locale.t("admin-jobs-mail"),
            Self::Webhook => locale.t("admin-jobs-webhook"),
            Self::Other => locale.t("admin-jobs-other"),
        }
    }
}

/// A failed job.
#[derive(Clone, Debug)]
pub struct JobRow {
    /// The queue it lies in, as the retry form sends it back.
    pub queue: String,
    /// Its id in that queue.
    pub id: String,
    /// What it was to do.
    pub kind: JobKind,
    /// The envelope concerned, or what else it is about.
    pub about: Option<String>,
    /// How often it was tried.
    pub tries: u32,
    /// When it first came up.
    pub since: Timestamp,
    /// Why the last try failed.
    pub error: String,
    /// When it is tried again by itself; `None` where it has been given up, or is being tried now.
    pub next_at: Option<Timestamp>,
}

/// `GET /admin/jobs`.
#[derive(Clone, Debug, Template)]
#[template(path = "admin/jobs.html")]
pub struct Jobs {
    /// What every page shares.
    pub frame: AdminFrame,
    /// Stuck seals first.
    pub jobs: Vec<JobRow>,
    /// More of them.
    pub pager: Pager,
}

impl Jobs {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }
}

/// An envelope in the list.
#[derive(Clone, Debug)]
pub struct EnvelopeRow {
    /// Its id.
    pub id: String,
    /// Its subject.
    pub subject: String,
    /// Its status.
    pub status: Status,
    /// How many have signed.
    pub signed: u32,
    /// How many are to sign.
    pub signers: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

/// `GET /admin/envelopes`.
#[derive(Clone, Debug, Template)]
#[template(path = "admin/envelopes.html")]
pub struct Envelopes {
    /// What every page shares.
    pub frame: AdminFrame,
    /// Newest first.
    pub envelopes: Vec<EnvelopeRow>,
    /// Only those of this status.
    pub status: Option<Status>,
    /// More of them.
    pub pager: Pager,
    /// For the example: `public_url`.
    pub public_url: String,
}

impl Envelopes {
    /// The page.
    pub fn html(&self) -> String {
        render(self)
    }

    fn statuses(&self) -> [Status; 8] {
        Status::ALL
    }

    fn status_name(&self, status: &Status) -> String {
        let locale = self.frame.locale;
        match status {
            Status::Draft => locale.t("admin-status-draft"),
            Status::Sent => locale.t("admin-status-sent"),
            Status::Delivered => locale.t("admin-status-delivered"),
            Status::PartiallySigned => locale.t("admin-status-partially-signed"),
            Status::Completed => locale.t("admin-status-completed"),
            Status::Declined => locale.t("admin-status-declined"),
            Status::Voided => locale.t("admin-status-voided"),
            Status::Expired => locale.t("admin-status-expired"),
        }
    }

    fn status_mood(&self, status: &Status) -> &'static str {
        match status {
            Status::Completed => "done",
            Status::Declined | Status::Voided | Status::Expired => "stop",
            Status::Draft => "plain",
            Status::Sent | Status::Delivered | Status::PartiallySigned => "wait",
        }
    }

    fn is_chosen(&self, status: &Status) -> bool {
        self.status == Some(*status)
    }
}

/// Why an administrators' page can't be shown.
#[derive(Clone, Debug)]
pub enum AdminState {
    /// The setup link is used up, too old, or there is an administrator.
    SetupGone,
    /// The reset link is used up or too old.
    ResetGone,
    /// A form without the session's token.
    Forbidden,
    /// Nothing at this address.
    NotFound,
    /// A limit was reached.
    TooManyRequests {
        /// When it goes on.
        until: Timestamp,
    },
    /// A fault of ours.
    Failure {
        /// What the log calls it.
        request_id: String,
        /// 500 or 503.
        status: u16,
    },
}

/// A page that tells why there is nothing to see.
#[derive(Clone, Debug)]
pub struct AdminStatePage {
    /// What every page shares.
    pub frame: AdminFrame,
    /// Why.
    pub state: AdminState,
}

#[derive(Template)]
#[template(path = "admin/state.html")]
struct FilledState<'a> {
    frame: &'a AdminFrame,
    title: String,
    text: String,
    command: Option<&'static str>,
}

impl AdminStatePage {
    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match &self.state {
            AdminState::SetupGone | AdminState::ResetGone => 410,
            AdminState::Forbidden => 403,
            AdminState::NotFound => 404,
            AdminState::TooManyRequests { .. } => 429,
            AdminState::Failure { status, .. } => *status,
        }
    }

    /// The page.
    pub fn html(&self) -> String {
        let f = &self.frame;
        let (title, text, command) = match &self.state {
            AdminState::SetupGone => (
                f.t("admin-setup-gone-title"),
                f.t("admin-setup-gone-text"),
                Some("paraph admin setup-link"),
            ),
            AdminState::ResetGone => (
                f.t("admin-reset-gone-title"),
                f.t("admin-reset-gone-text"),
                Some("paraph admin reset-password"),
            ),
            AdminState::Forbidden => (
                f.t("admin-state-forbidden-title"),
                f.t("admin-state-forbidden-text"),
                None,
            ),
            AdminState::NotFound => (
                f.t("admin-state-missing-title"),
                f.t("admin-state-missing-text"),
                None,
            ),
            AdminState::TooManyRequests { until } => (
                f.t("admin-state-wait-title"),
                f.t1(
                    "admin-state-wait-text",
                    "time",
                    f.zone.clock(f.locale, until.as_millis()),
                ),
                None,
            ),
            AdminState::Failure { request_id, .. } => (
                f.t("admin-state-failure-title"),
                f.t1("admin-state-failure-text", "id", request_id),
                None,
            ),
        };
        render(&FilledState {
            frame: f,
            title,
            text,
            command,
        })
    }
}
