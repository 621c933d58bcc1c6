//! Mail goes out: written when it is due, from the envelope as it is then; sent outside of any transaction.
//!
//! Test mail never leaves, nor does live mail where no server is configured: it is captured, and the admin page shows it.

use super::{App, Error};
use crate::app::envelopes::load;
use crate::domain::command::{Command, Note};
use crate::domain::envelope::{Envelope, State};
use crate::domain::environment::Environment;
use crate::domain::event::{MailAnswer, Message, SystemEvent};
use crate::domain::ids::{EnvelopeId, MailId, RecipientId};
use crate::domain::limits;
use crate::domain::origin::Origin;
use crate::domain::text;
use crate::domain::time::Timestamp;
use crate::i18n::mail::{self, Asked, Occasion};
use crate::i18n::{Locale, Zone};
use crate::outbound::{Letter, Mailbox, SmtpFailure};
use crate::store::{About, Lease, Mail, Queue, Window};
use std::time::Duration;

/// How long a mail is held: longer than an attempt may last.
const LEASE: Duration = Duration::from_secs(120);
/// Waits between attempts; after the last the mail has failed. Together 48 hours.
const WAITS: [Duration; 9] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(40 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    Duration::from_secs(8 * 3600),
    Duration::from_secs(12 * 3600),
    Duration::from_secs(20 * 3600),
];

/// What a mail says.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Written {
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// The link in it, if any.
    pub link: Option<String>,
}

/// A mail in the outbox.
pub struct OutboxMail {
    /// As queued.
    pub mail: Mail,
    /// What it says, once it was written.
    pub written: Option<Written>,
}

impl App {
    /// Does one due mail. `false`: nothing is due.
    pub fn mailing_next(&self) -> Result<bool, Error> {
        let Some((lease, mail)) = self
            .store
            .write(|tx| Ok::<_, Error>(tx.claim_mail(&Environment::ALL, LEASE)?))?
        else {
            return Ok(false);
        };
        let Some((written, name)) = self.written(&mail)? else {
            // The recipient was replaced, or is no longer asked: nothing to tell.
            self.store
                .write(move |tx| Ok::<_, Error>(tx.finish(&lease)?))?;
            return Ok(true);
        };
        let content = serde_json::to_vec(&written).map_err(Error::internal)?;
        let content =
            self.keyring
                .storage()
                .seal(self.random(), mail.id.to_string().as_bytes(), &content);
        let transport = self
            .mail
            .as_ref()
            .filter(|_| mail.environment == Environment::Live);
        let Some(transport) = transport else {
            self.store.write(move |tx| {
                tx.keep_mail_content(mail.id, &content)?;
                Ok::<_, Error>(tx.capture(&lease)?)
            })?;
            return Ok(true);
        };
        let result = transport.send(&Letter {
            id: mail.id.to_string(),
            to: Mailbox {
                address: mail.address.clone(),
                name,
            },
            reply_to: match mail.about {
                About::Recipient { .. } => self.reply_to(),
                About::Alarm(_) => None,
            },
            subject: written.subject,
            text: written.text,
            html: Some(written.html),
            // The same in every try, as its Message-ID: receivers see that it is one mail.
            date: mail.created_at,
        });
        self.record_mail(lease, mail, content, result)?;
        Ok(true)
    }

    /// What a mail says, as things are now, and to whom by name. `None`: nothing any more.
    fn written(&self, mail: &Mail) -> Result<Option<(Written, Option<String>)>, Error> {
        let (envelope, recipient, message) = match &mail.about {
            About::Alarm(alarm) => {
                let mail = self.write_alarm(alarm);
                let written = Written {
                    subject: mail.subject,
                    text: mail.text,
                    html: mail.html,
                    link: None,
                };
                return Ok(Some((written, None)));
            }
            About::Recipient {
                envelope,
                recipient,
                message,
            } => (*envelope, *recipient, *message),
        };
        let envelope = self.store.read(|tx| load(tx, mail.environment, envelope))?;
        let written = self.write_mail(&envelope, recipient, message)?;
        let name = envelope
            .recipient(recipient)
            .and_then(|(person, _)| person.name.as_ref())
            .map(|name| name.as_str().to_owned());
        Ok(written.map(|written| (written, name)))
    }

    /// Where answers to mails go: the organisation's contact.
    fn reply_to(&self) -> Option<Mailbox> {
        Some(Mailbox {
            name: Some(self.settings.organisation.name.clone()),
            address: self.contact()?,
        })
    }

    fn record_mail(
        &self,
        lease: Lease,
        mail: Mail,
        content: Vec<u8>,
        result: Result<String, SmtpFailure>,
    ) -> Result<(), Error> {
        self.store.write(move |tx| {
            tx.keep_mail_content(mail.id, &content)?;
            let (is_accepted, said) = match &result {
                Ok(said) => {
                    tx.finish(&lease)?;
                    (true, said.clone())
                }
                Err(failure) => {
                    let made = usize::try_from(lease.tries()).unwrap_or(usize::MAX);
                    let wait = if matches!(failure, SmtpFailure::Permanent(_)) {
                        None
                    } else {
                        WAITS.get(made.saturating_sub(1))
                    };
                    tx.fail(
                        &lease,
                        wait.map(|wait| tx.now().plus(*wait)),
                        &failure.to_string(),
                    )?;
                    if wait.is_some() {
                        return Ok(());
                    }
                    (false, failure.to_string())
                }
            };
            let About::Recipient {
                envelope,
                recipient,
                message,
            } = mail.about
            else {
                return Ok(());
            };
            let answer = MailAnswer {
                mail: mail.id,
                message,
                recipient,
                answer: text::kept(&said, limits::ANSWER_CHARS_MAX),
            };
            let note = if is_accepted {
                Note::MailAccepted(answer)
            } else {
                Note::MailRefused(answer)
            };
            let mut envelope = load(tx, mail.environment, envelope)?;
            let events = envelope.decide(Command::Note(note), tx.now())?;
            tx.record(&mut envelope, events, &Origin::system())?;
            Ok::<_, Error>(())
        })
    }

    fn write_mail(
        &self,
        envelope: &Envelope,
        recipient: RecipientId,
        message: Message,
    ) -> Result<Option<Written>, Error> {
        let Some((person, progress)) = envelope.recipient(recipient) else {
            return Ok(None);
        };
        let (_, link) = self
            .keyring
            .links(&self.settings.public_url)
            .link(envelope.environment, person);
        let deadline = match &envelope.state {
            State::Open { expires_at } => Some(expires_at.as_millis()),
            _ => None,
        };
        let occasion = match message {
            Message::Invitation => {
                if progress.has_acted() || !matches!(envelope.state, State::Open { .. }) {
                    return Ok(None);
                }
                let asked = Asked {
                    link: link.clone(),
                    documents: u32::try_from(envelope.documents.len()).unwrap_or(u32::MAX),
                    pages: envelope.documents.iter().map(|d| d.pages).sum(),
                    deadline,
                    message: envelope.definition.message.clone(),
                };
                let recipients = &envelope.definition.recipients;
                let turn = |index| envelope.definition.turn_of(index);
                let own = recipients.iter().position(|r| r.id == recipient);
                let waited = own
                    .is_some_and(|own| (0..recipients.len()).any(|other| turn(other) < turn(own)));
                if !waited {
                    Occasion::Invitation(asked)
                } else {
                    Occasion::YourTurn(asked)
                }
            }
            Message::Completed => Occasion::Completed { link: link.clone() },
            Message::Declined => match &envelope.state {
                State::Declined { by, reason } => Occasion::Declined {
                    who: envelope
                        .recipient(*by)
                        .map_or_else(String::new, |(p, _)| p.shown_as().to_owned()),
                    reason: Some(reason.clone()),
                },
                _ => return Ok(None),
            },
            Message::Withdrawn => match &envelope.state {
                State::Voided { reason } => Occasion::Withdrawn {
                    reason: reason.clone(),
                },
                _ => return Ok(None),
            },
            Message::Expired => Occasion::Expired {
                deadline: envelope.ended_at.unwrap_or_default().as_millis(),
            },
        };
        let link = matches!(message, Message::Invitation | Message::Completed).then_some(link);
        let letter = mail::Letter {
            locale: self.locale(),
            zone: self.zone(),
            sender: self.settings.organisation.name.clone(),
            contact: self.settings.organisation.contact.clone(),
            name: person.name.as_ref().map(|n| n.as_str().to_owned()),
            subject: envelope.definition.subject.clone(),
            reference: reference(envelope.id),
            test: envelope.environment == Environment::Test,
        };
        let mail = mail::mail(&letter, &occasion);
        Ok(Some(Written {
            subject: mail.subject,
            text: mail.text,
            html: mail.html,
            link,
        }))
    }

    /// The language of pages and mails.
    pub fn locale(&self) -> Locale {
        self.settings.organisation.locale
    }

    /// The time zone in which recipients read.
    pub fn zone(&self) -> Zone {
        self.settings.organisation.time_zone.clone()
    }

    /// Today, as the pages write it.
    pub fn today(&self) -> String {
        self.day(self.now())
    }

    pub(crate) fn day(&self, at: Timestamp) -> String {
        self.zone().day(self.locale(), at.as_millis())
    }

    /// A page of the outbox, newest first, and how many mails there are.
    pub fn outbox(
        &self,
        environment: Environment,
        page: u32,
        size: u32,
    ) -> Result<(Vec<OutboxMail>, u64), Error> {
        let page = self.store.read(|tx| {
            tx.mails(environment, Window::page(page, size))
                .map_err(Error::from)
        })?;
        let items = page
            .items
            .into_iter()
            .map(|mail| self.opened(mail))
            .collect();
        Ok((items, page.total))
    }

    /// One mail of the outbox.
    pub fn outbox_mail(&self, environment: Environment, id: &str) -> Result<OutboxMail, Error> {
        const NO_MAIL: Error = Error::NotFound("mail");
        let id = id.parse().map_err(|_| NO_MAIL)?;
        let mail = self
            .store
            .read(|tx| tx.mail(environment, id).map_err(Error::from))?
            .ok_or(NO_MAIL)?;
        Ok(self.opened(mail))
    }

    /// Whether a captured mail of that environment would leave if it were released.
    pub fn can_release_mail(&self, environment: Environment) -> bool {
        environment == Environment::Live && self.mail.is_some()
    }

    /// Sends a mail that was captured before a mail server was configured. It is written anew: who has signed meanwhile, or is no
    /// longer asked, gets none.
    pub fn release_mail(
        &self,
        environment: Environment,
        id: &str,
        origin: &Origin,
    ) -> Result<(), Error> {
        if !self.can_release_mail(environment) {
            return Err(Error::conflict(
                "CONFLICT",
                "Mail of this environment is captured, and would be again.",
            ));
        }
        const NO_MAIL: Error = Error::NotFound("captured mail");
        let id: MailId = id.parse().map_err(|_| NO_MAIL)?;
        let origin = origin.clone();
        self.store.write(move |tx| {
            // A mail of the other environment is none here.
            tx.mail(environment, id)?.ok_or(NO_MAIL)?;
            let id = id.to_string();
            if !tx.release(Queue::Mail, &id)? {
                return Err(NO_MAIL);
            }
            let queue = Queue::Mail.as_str().to_owned();
            tx.record_system(&SystemEvent::JobRetried { queue, id }, &origin)?;
            Ok(())
        })
    }

    fn opened(&self, mail: Mail) -> OutboxMail {
        let written = mail.content.as_ref().and_then(|content| {
            let plain = self
                .keyring
                .storage()
                .open(mail.id.to_string().as_bytes(), content)
                .ok()?;
            serde_json::from_slice(&plain).ok()
        });
        OutboxMail { mail, written }
    }
}

/// What both sides can quote: the last eight characters of the envelope's id, `7K2M-94QD`.
pub(crate) fn reference(id: EnvelopeId) -> String {
    let id = id.to_string();
    let tail = id.get(id.len().saturating_sub(8)..).unwrap_or(&id);
    let (left, right) = tail.split_at_checked(4).unwrap_or((tail, ""));
    format!("{left}-{right}")
}
