//! The mails: subject, text and HTML, one button each, no picture, no request to anywhere.

mod trouble;

pub use trouble::{Notice, Trouble, trouble};

use super::{Locale, Zone};
use askama::Template;

/// A mail ready to be addressed and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// One line without control characters.
    pub subject: String,
    /// The plain text part.
    pub text: String,
    /// The HTML part; says the same.
    pub html: String,
}

/// What all mails about one request share.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The recipient's language.
    pub locale: Locale,
    /// Zone of all times named; the organisation's.
    pub zone: Zone,
    /// Who asks: the organisation's name.
    pub sender: String,
    /// The sender's address for questions.
    pub contact: Option<String>,
    /// The recipient's name, where known.
    pub name: Option<String>,
    /// What the request is called.
    pub subject: String,
    /// What both sides can quote: `7K2M-94QD`.
    pub reference: String,
    /// Made in the test environment: says so at the top.
    pub test: bool,
}

/// What is asked, for the mails that ask.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `https://…/sign/<token>`.
    pub link: String,
    /// How many documents.
    pub documents: u32,
    /// How many pages they have together.
    pub pages: u32,
    /// The last moment to sign, milliseconds since the Unix epoch.
    pub deadline: Option<i64>,
    /// The sender's own words.
    pub message: Option<String>,
}

/// Why the mail is written.
#[derive(Clone, Debug)]
pub enum Occasion {
    /// Someone is asked to sign.
    Invitation(Asked),
    /// In a sequence: those before have signed.
    YourTurn(Asked),
    /// The sealed documents are there.
    Completed {
        /// Where they are downloaded.
        link: String,
    },
    /// A recipient declined.
    Declined {
        /// That recipient's name, or address where there is no name.
        who: String,
        /// What that recipient wrote.
        reason: Option<String>,
    },
    /// The sender withdrew the request.
    Withdrawn {
        /// What the sender wrote.
        reason: Option<String>,
    },
    /// The deadline passed.
    Expired {
        /// The deadline, milliseconds since the Unix epoch.
        deadline: i64,
    },
}

struct Button {
    label: String,
    link: String,
}

#[derive(Template)]
#[template(path = "mail/mail.html")]
struct Html<'a> {
    letter: &'a Letter,
    subject: &'a str,
    greeting: &'a str,
    paragraphs: &'a [String],
    quote: Option<(&'a str, &'a str)>,
    button: Option<&'a Button>,
    closing: &'a [String],
}

/// Writes the mail.
pub fn mail(letter: &Letter, occasion: &Occasion) -> Mail {
    let l = letter.locale;
    let about = letter.subject.as_str();
    let when = |millis: i64| letter.zone.moment_long(l, millis);
    let mut paragraphs = Vec::new();
    let mut quote = None;
    let mut button = None;
    let mut closing = Vec::new();
    let subject = match occasion {
        Occasion::Invitation(asked) => {
            let extent = extent(l, asked);
            let mut values = vec![
                ("sender", value(&letter.sender)),
                ("subject", value(about)),
                ("extent", value(&extent)),
            ];
            let deadline = asked.deadline.map(when);
            paragraphs.push(match &deadline {
                Some(deadline) => {
                    values.push(("deadline", value(deadline)));
                    l.tn("mail-invitation-text-deadline", &values)
                }
                None => l.tn("mail-invitation-text", &values),
            });
            l.t2(
                "mail-invitation-subject",
                "sender",
                &letter.sender,
                "subject",
                about,
            )
        }
        Occasion::YourTurn(asked) => {
            let extent = extent(l, asked);
            let mut values = vec![
                ("sender", value(&letter.sender)),
                ("subject", value(about)),
                ("extent", value(&extent)),
            ];
            let deadline = asked.deadline.map(when);
            paragraphs.push(match &deadline {
                Some(deadline) => {
                    values.push(("deadline", value(deadline)));
                    l.tn("mail-turn-text-deadline", &values)
                }
                None => l.tn("mail-turn-text", &values),
            });
            l.t1("mail-turn-subject", "subject", about)
        }
        Occasion::Completed { link } => {
            paragraphs.push(l.t1("mail-completed-text", "subject", about));
            closing.push(l.t("mail-completed-keep"));
            button = Some(Button {
                label: l.t("mail-completed-button"),
                link: link.clone(),
            });
            l.t1("mail-completed-subject", "subject", about)
        }
        Occasion::Declined { who, reason } => {
            paragraphs.push(l.t2("mail-declined-text", "who", who, "subject", about));
            paragraphs.extend(
                reason
                    .as_ref()
                    .map(|r| l.t1("mail-declined-reason", "reason", r)),
            );
            l.t1("mail-declined-subject", "subject", about)
        }
        Occasion::Withdrawn { reason } => {
            paragraphs.push(l.t2(
                "mail-withdrawn-text",
                "sender",
                &letter.sender,
                "subject",
                about,
            ));
            paragraphs.extend(
                reason
                    .as_ref()
                    .map(|r| l.t1("mail-withdrawn-reason", "reason", r)),
            );
            l.t1("mail-withdrawn-subject", "subject", about)
        }
        Occasion::Expired { deadline } => {
            paragraphs.push(l.tn(
                "mail-expired-text",
                &[
                    ("sender", value(&letter.sender)),
                    ("subject", value(about)),
                    ("deadline", value(&when(*deadline))),
                ],
            ));
            l.t1("mail-expired-subject", "subject", about)
        }
    };
    let asks = if let Occasion::Invitation(asked) | Occasion::YourTurn(asked) = occasion {
        button = Some(Button {
            label: l.t("mail-invitation-button"),
            link: asked.link.clone(),
        });
        quote = asked
            .message
            .as_deref()
            .map(|m| (l.t1("mail-message", "sender", &letter.sender), m));
        closing.push(l.t("mail-no-account"));
        true
    } else {
        false
    };
    match (&letter.contact, asks) {
        (Some(contact), true) => closing.push(l.t1("mail-unexpected", "contact", contact)),
        (None, true) => closing.push(l.t("mail-unexpected-no-contact")),
        (Some(contact), false) => closing.push(l.t1("mail-questions", "contact", contact)),
        (None, false) => {}
    }
    closing.push(l.t1("mail-reference", "reference", &letter.reference));

    compose(
        letter,
        Parts {
            subject,
            paragraphs,
            quote,
            button,
            closing,
        },
    )
}

/// What one mail says between greeting and name.
struct Parts<'a> {
    subject: String,
    paragraphs: Vec<String>,
    /// Who says it, and what.
    quote: Option<(String, &'a str)>,
    button: Option<Button>,
    closing: Vec<String>,
}

fn compose(letter: &Letter, parts: Parts<'_>) -> Mail {
    let l = letter.locale;
    let subject = one_line(&parts.subject);
    let greeting = match &letter.name {
        Some(name) => l.t1("mail-hello", "name", name),
        None => l.t("mail-hello-unnamed"),
    };
    let html = Html {
        letter,
        subject: &subject,
        greeting: &greeting,
        paragraphs: &parts.paragraphs,
        quote: parts.quote.as_ref().map(|(who, m)| (who.as_str(), *m)),
        button: parts.button.as_ref(),
        closing: &parts.closing,
    }
    .render()
    // Writing into a String doesn't fail.
    .unwrap_or_default();

    let mut blocks = Vec::new();
    if letter.test {
        blocks.push(l.t("mail-test"));
    }
    blocks.push(greeting);
    blocks.extend(parts.paragraphs);
    if let Some((who, message)) = parts.quote {
        let quoted: Vec<String> = message.lines().map(|line| format!("> {line}")).collect();
        blocks.push(format!("{who}\n{}", quoted.join("\n")));
    }
    if let Some(button) = &parts.button {
        blocks.push(format!("{}:\n{}", button.label, button.link));
    }
    blocks.push(parts.closing.join("\n"));
    blocks.push(format!("-- \n{}", letter.sender));
    let mut text = blocks.join("\n\n");
    text.push('\n');
    Mail {
        subject,
        text,
        html,
    }
}

fn value(text: &str) -> super::Value<'_> {
    super::Value::Text(text.into())
}

fn extent(locale: Locale, asked: &Asked) -> String {
    locale.t2(
        "mail-extent",
        "documents",
        asked.documents,
        "pages",
        asked.pages,
    )
}

/// Whatever came in, a subject is one line: names and titles have no control characters here, so this only guards against
/// a caller that forgot.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn letter() -> Letter {
        Letter {
            locale: Locale::En,
            zone: Zone::new("Europe/Paris").expect("a zone"),
            sender: "Acme HR".into(),
            contact: Some("hr@example.com".into()),
            name: Some("Marie Dubois".into()),
            subject: "Employment contract".into(),
            reference: "7K2M-94QD".into(),
            test: false,
        }
    }

    fn asked() -> Asked {
        Asked {
            link: "https://sign.example.com/sign/abc".into(),
            documents: 2,
            pages: 14,
            deadline: Some(1_797_029_940_000),
            message: Some("Welcome aboard!\nPlease sign by Friday.".into()),
        }
    }

    #[test]
    fn an_invitation_says_who_asks_for_what_and_until_when_and_has_one_link() {
        let mail = mail(&letter(), &Occasion::Invitation(asked()));
        assert_eq!(
            mail.subject,
            "Acme HR asks you to sign: Employment contract"
        );
        for part in [
            "Hello Marie Dubois,",
            "“Employment contract” (2 documents, 14 pages) before Friday 11 December 2026, 23:59 (Paris time).",
            "> Please sign by Friday.",
            "https://sign.example.com/sign/abc",
            "write to hr@example.com",
            "Reference 7K2M-94QD",
        ] {
            assert!(mail.text.contains(part), "{part}\n{}", mail.text);
        }
        assert_eq!(mail.text.matches("https://").count(), 1);
        assert_eq!(mail.html.matches("<a href").count(), 2); // the button, and its address to copy
        assert_eq!(mail.html.matches("src=").count(), 0);
    }

    #[test]
    fn hostile_words_stay_words_in_html_and_the_subject_stays_one_line() {
        let mut letter = letter();
        letter.name = Some("<img src=x onerror=alert(1)>".into());
        letter.subject = "a\r\nBcc: evil@example.com".into();
        let mail = mail(
            &letter,
            &Occasion::Declined {
                who: "\"><script>".into(),
                reason: Some("<b>no</b>".into()),
            },
        );
        assert!(
            !mail.html.contains("<img")
                && !mail.html.contains("<script")
                && !mail.html.contains("<b>no")
        );
        assert!(!mail.subject.contains(['\r', '\n']));
    }

    #[test]
    fn mails_that_ask_for_nothing_have_no_link_and_test_mails_say_so() {
        let mut letter = letter();
        letter.test = true;
        for occasion in [
            Occasion::Declined {
                who: "Paul Martin".into(),
                reason: Some("Wrong salary".into()),
            },
            Occasion::Withdrawn { reason: None },
            Occasion::Expired {
                deadline: 1_797_029_940_000,
            },
        ] {
            let mail = mail(&letter, &occasion);
            assert!(!mail.text.contains("http") && !mail.html.contains("<a href=\"http"));
            assert!(mail.text.starts_with("This is a test."));
            assert!(mail.html.contains("This is a test."));
            assert!(mail.text.contains("Questions? Write to hr@example.com."));
        }
    }

    #[test]
    fn the_completed_mail_and_your_turn_lead_to_the_same_kind_of_link() {
        let done = mail(
            &letter(),
            &Occasion::Completed {
                link: "https://sign.example.com/sign/abc".into(),
            },
        );
        assert_eq!(done.subject, "Everyone has signed: Employment contract");
        assert!(
            done.text
                .contains("Open your copy:\nhttps://sign.example.com/sign/abc")
        );
        let turn = mail(&letter(), &Occasion::YourTurn(asked()));
        assert_eq!(turn.subject, "Your turn to sign: Employment contract");
        assert!(turn.text.contains("Review and sign:\nhttps://"));
    }
}
