//! The mails to administrators: what stands still until a person looks.

use super::{Button, Letter, Mail, Parts, compose};
use crate::i18n::{Locale, Zone};

/// What all of them share.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The administrators' language.
    pub locale: Locale,
    /// The organisation's zone.
    pub zone: Zone,
    /// The organisation's name.
    pub sender: String,
    /// Where the administration pages are.
    pub pages: String,
    /// It concerns test data alone.
    pub test: bool,
}

/// What is wrong.
#[derive(Clone, Copy, Debug)]
pub enum Trouble<'a> {
    /// The seal's key can't be used.
    SealUnusable {
        /// Why.
        reason: &'a str,
    },
    /// A seal or an audit trail failed again and again.
    EvidenceFailing {
        /// The envelope's id.
        envelope: &'a str,
        /// How often.
        attempts: u32,
        /// Why, the last time.
        reason: &'a str,
    },
    /// A webhook was given up.
    WebhookOff {
        /// Whom it called.
        host: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// There is little room left.
    DiskNearlyFull {
        /// Free, in MiB.
        free_mib: u64,
        /// Under this uploads are refused, in MiB.
        least_mib: u64,
    },
}

/// Writes the mail.
pub fn trouble(notice: &Notice, trouble: &Trouble<'_>) -> Mail {
    let l = notice.locale;
    let because = |reason: &str| l.t1("mail-trouble-reason", "reason", reason);
    let (subject, paragraphs) = match trouble {
        Trouble::SealUnusable { reason } => (
            l.t("mail-trouble-seal-subject"),
            vec![l.t("mail-trouble-seal-text"), because(reason)],
        ),
        Trouble::EvidenceFailing {
            envelope,
            attempts,
            reason,
        } => (
            l.t1("mail-trouble-evidence-subject", "envelope", *envelope),
            vec![
                l.t2(
                    "mail-trouble-evidence-text",
                    "envelope",
                    *envelope,
                    "n",
                    *attempts,
                ),
                because(reason),
            ],
        ),
        Trouble::WebhookOff { host, reason } => (
            l.t1("mail-trouble-webhook-subject", "host", *host),
            vec![
                l.t1("mail-trouble-webhook-text", "host", *host),
                because(reason),
            ],
        ),
        Trouble::DiskNearlyFull {
            free_mib,
            least_mib,
        } => (
            l.t("mail-trouble-disk-subject"),
            vec![l.t2(
                "mail-trouble-disk-text",
                "free",
                format!("{free_mib} MiB"),
                "least",
                format!("{least_mib} MiB"),
            )],
        ),
    };
    let letter = Letter {
        locale: l,
        zone: notice.zone.clone(),
        sender: notice.sender.clone(),
        contact: None,
        name: None,
        subject: String::new(),
        reference: String::new(),
        test: notice.test,
    };
    compose(
        &letter,
        Parts {
            subject,
            paragraphs,
            quote: None,
            button: Some(Button {
                label: l.t("mail-trouble-button"),
                link: notice.pages.clone(),
            }),
            closing: vec![l.t("mail-trouble-once")],
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_says_what_it_means_and_where_to_look() {
        let notice = Notice {
            locale: Locale::En,
            zone: Zone::utc(),
            sender: "Acme".into(),
            pages: "https://sign.example.com/admin/jobs".into(),
            test: false,
        };
        let cases = [
            (
                Trouble::SealUnusable { reason: "<no key>" },
                "Documents can't be sealed",
                "Reason: <no key>",
            ),
            (
                Trouble::EvidenceFailing {
                    envelope: "env_1",
                    attempts: 5,
                    reason: "no space left",
                },
                "An envelope can't be finished: env_1",
                "5 times",
            ),
            (
                Trouble::WebhookOff {
                    host: "hooks.example.com",
                    reason: "it answered 410 Gone",
                },
                "A webhook was switched off: hooks.example.com",
                "Reason: it answered 410 Gone",
            ),
            (
                Trouble::DiskNearlyFull {
                    free_mib: 700,
                    least_mib: 512,
                },
                "The disk is nearly full",
                "700 MiB",
            ),
        ];
        for (what, subject, part) in cases {
            let mail = trouble(&notice, &what);
            assert_eq!(mail.subject, subject);
            for part in [part, "https://sign.example.com/admin/jobs", "once a day"] {
                assert!(mail.text.contains(part), "{part} in {}", mail.text);
            }
            assert!(!mail.text.contains("This is a test."));
            assert!(!mail.html.contains("<no key>"), "{}", mail.html);
        }
    }
}
