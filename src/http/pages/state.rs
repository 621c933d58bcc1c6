//! The pages for when there is nothing to sign: a title, a sentence, the next step, whom to ask (`signing.md`, section 4).

use super::frame::{Frame, render};
use crate::domain::time::Timestamp;
use askama::Template;

/// Why there is nothing to sign here now.
#[derive(Clone, Debug)]
pub enum State {
    /// No such link; the same for all that never were.
    UnknownLink,
    /// An older link of a recipient.
    Replaced,
    /// The deadline passed.
    Expired {
        /// The deadline.
        deadline: Timestamp,
    },
    /// The sender withdrew.
    Voided {
        /// When.
        at: Timestamp,
        /// What the sender wrote.
        reason: Option<String>,
    },
    /// Another recipient declined.
    DeclinedByOther,
    /// The reader declined.
    DeclinedByYou {
        /// When.
        at: Timestamp,
    },
    /// The reader has signed.
    AlreadySigned {
        /// The gate's form behind [Open your copy]: its address and its nonce. Opening is a press, as at the gate.
        open: (String, String),
    },
    /// A draft.
    NotReady,
    /// In a sequence, others come first.
    NotYourTurn {
        /// How many.
        before: u32,
    },
    /// No session, or one that ended; also a form whose token is not the session's.
    SessionEnded,
    /// Another window, or the sender, changed what the page showed.
    Changed {
        /// The review.
        again: String,
    },
    /// A limit was reached.
    TooManyRequests {
        /// When it goes on.
        until: Timestamp,
    },
    /// A page's picture can't be made (the picture's own address answers this to a person who opens it).
    PageUndrawable {
        /// The PDF.
        pdf: String,
    },
    /// Nothing is at this address (any more).
    Missing {
        /// The step that is the right one now, within a session.
        again: Option<String>,
    },
    /// What was sent is incomplete, too large or came too slowly.
    NotTaken {
        /// 400, 408, 413 or 415.
        status: u16,
        /// The step that is the right one now, within a session.
        again: Option<String>,
    },
    /// A fault of ours.
    Failure {
        /// What the log calls it.
        request_id: String,
        /// 500 or 503.
        status: u16,
    },
}

impl State {
    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        match self {
            Self::UnknownLink | Self::Missing { .. } => 404,
            Self::Replaced | Self::Expired { .. } | Self::Voided { .. } | Self::DeclinedByOther => {
                410
            }
            Self::DeclinedByYou { .. }
            | Self::AlreadySigned { .. }
            | Self::NotReady
            | Self::NotYourTurn { .. }
            | Self::PageUndrawable { .. } => 200,
            Self::SessionEnded => 403,
            Self::Changed { .. } => 409,
            Self::TooManyRequests { .. } => 429,
            Self::NotTaken { status, .. } | Self::Failure { status, .. } => *status,
        }
    }

    fn words(&self, f: &Frame) -> (String, String) {
        match self {
            Self::UnknownLink => (f.t("state-unknown-title"), f.t("state-unknown-text")),
            Self::Replaced => (f.t("state-replaced-title"), f.t("state-replaced-text")),
            Self::Expired { deadline } => (
                f.t("state-expired-title"),
                f.t1("state-expired-text", "time", f.moment_long(deadline)),
            ),
            Self::Voided { at, .. } => (
                f.t("state-voided-title"),
                f.t1("state-voided-text", "date", f.day(at)),
            ),
            Self::DeclinedByOther => (f.t("state-declined-title"), f.t("state-declined-text")),
            Self::DeclinedByYou { at } => (
                f.t("state-declined-you-title"),
                f.t1("state-declined-you-text", "date", f.day(at)),
            ),
            Self::AlreadySigned { .. } => (f.t("state-signed-title"), f.t("state-signed-text")),
            Self::NotReady => (f.t("state-draft-title"), f.t("state-draft-text")),
            Self::NotYourTurn { before } => (
                f.t("state-turn-title"),
                f.t1("state-turn-text", "n", before),
            ),
            Self::SessionEnded => (f.t("state-session-title"), f.t("state-session-text")),
            Self::Changed { .. } => (f.t("state-changed-title"), f.t("state-changed-text")),
            Self::TooManyRequests { until } => (
                f.t("state-wait-title"),
                f.t1("state-wait-text", "time", f.clock(until)),
            ),
            Self::PageUndrawable { .. } => {
                (f.t("state-undrawable-title"), f.t("state-undrawable-text"))
            }
            Self::Missing { .. } => (f.t("state-missing-title"), f.t("state-missing-text")),
            Self::NotTaken { .. } => (f.t("state-not-taken-title"), f.t("state-not-taken-text")),
            Self::Failure { .. } => (f.t("state-failure-title"), f.t("state-failure-text")),
        }
    }

    fn button(&self, f: &Frame) -> Option<(String, String)> {
        match self {
            Self::Changed { again } => Some((f.t("state-changed-button"), again.clone())),
            Self::PageUndrawable { pdf } => Some((f.t("state-undrawable-button"), pdf.clone())),
            Self::Missing { again: Some(again) }
            | Self::NotTaken {
                again: Some(again), ..
            } => Some((f.t("state-button-back"), again.clone())),
            _ => None,
        }
    }

    /// Button, address and nonce of a form.
    fn form(&self, f: &Frame) -> Option<(String, String, String)> {
        match self {
            Self::AlreadySigned {
                open: (action, nonce),
            } => Some((f.t("state-signed-button"), action.clone(), nonce.clone())),
            _ => None,
        }
    }

    fn note(&self, f: &Frame) -> Option<(String, String)> {
        match self {
            Self::Voided {
                reason: Some(reason),
                ..
            } => Some((f.t("state-voided-reason"), reason.clone())),
            Self::Failure { request_id, .. } => Some((
                f.t1("state-failure-reference", "id", request_id),
                String::new(),
            )),
            _ => None,
        }
    }

    /// The mark beside the title: `done`, `wait` or `stop`. The title says the same in words.
    const fn mood(&self) -> &'static str {
        match self {
            Self::AlreadySigned { .. } | Self::DeclinedByYou { .. } => "done",
            Self::NotReady
            | Self::NotYourTurn { .. }
            | Self::TooManyRequests { .. }
            | Self::Changed { .. }
            | Self::SessionEnded => "wait",
            _ => "stop",
        }
    }
}

/// A state page.
#[derive(Clone, Debug)]
pub struct StatePage {
    /// What every page shares.
    pub frame: Frame,
    /// Why.
    pub state: State,
}

#[derive(Template)]
#[template(path = "sign/state.html")]
struct Filled<'a> {
    frame: &'a Frame,
    title: String,
    text: String,
    mood: &'static str,
    button: Option<(String, String)>,
    form: Option<(String, String, String)>,
    note: Option<(String, String)>,
}

impl StatePage {
    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.state.status()
    }

    /// The page.
    pub fn html(&self) -> String {
        let (title, text) = self.state.words(&self.frame);
        render(&Filled {
            frame: &self.frame,
            title,
            text,
            mood: self.state.mood(),
            button: self.state.button(&self.frame),
            form: self.state.form(&self.frame),
            note: self.state.note(&self.frame),
        })
    }
}
