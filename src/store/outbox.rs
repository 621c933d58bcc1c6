//! Mails: one row for each recipient and message, or for each alarm, from the moment that it was asked for. Kept after sending: the outbox page
//! shows what went out.

use super::error::Error;
use super::lists::{Page, Window};
use super::queue::{Lease, Queue, WorkState};
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::alarm::Alarm;
use crate::domain::contact::EmailAddress;
use crate::domain::environment::Environment;
use crate::domain::event::Message;
use crate::domain::ids::{EnvelopeId, MailId, RecipientId};
use crate::domain::recipient::Recipient;
use crate::domain::time::Timestamp;
use rusqlite::{Row, params};
use std::time::Duration;

/// What a mail is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Something for a recipient of an envelope.
    Recipient {
        /// Which envelope.
        envelope: EnvelopeId,
        /// Which recipient.
        recipient: RecipientId,
        /// What it says.
        message: Message,
    },
    /// Something for administrators.
    Alarm(Alarm),
}

/// As the kind of a mail is stored that is an alarm; else it is the message's name.
const ALARM: &str = "alarm";

/// A mail of the outbox.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its id; its Message-ID is made from it.
    pub id: MailId,
    /// In which world.
    pub environment: Environment,
    /// What it is about, and so what it says.
    pub about: About,
    /// To which address, as it was when the mail was asked for.
    pub address: EmailAddress,
    /// What was sent or captured, encrypted by the caller: it holds personal links.
    pub content: Option<Vec<u8>>,
    /// How far it is.
    pub state: WorkState,
    /// When it goes; when the lease ends.
    pub due_at: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// What the server said, the last time that it refused.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was sent, captured or given up.
    pub ended_at: Option<Timestamp>,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

const COUNTER: &str = "mail";
const COLUMNS: &str = "id, lane, envelope_id, recipient_id, kind, address, content, state, due_at, tries, last_error, created_at,
    ended_at, alarm FROM mail";

fn mail(r: &Row<'_>) -> Result<Mail, Error> {
    let kind: String = r.get(4)?;
    let state: String = r.get(7)?;
    Ok(Mail {
        id: row::parsed(r, 0, "mail id")?,
        environment: row::environment(r, 1)?,
        about: match Message::ALL.into_iter().find(|it| it.as_str() == kind) {
            Some(message) => About::Recipient {
                envelope: row::parsed(r, 2, "envelope id")?,
                recipient: row::parsed(r, 3, "recipient id")?,
                message,
            },
            None if kind == ALARM => About::Alarm(row::json(r, 13, "alarm")?),
            None => return Err(Error::damaged("kind of mail", kind)),
        },
        address: row::parsed(r, 5, "mail's address")?,
        content: r.get(6)?,
        state: WorkState::read(&state)?,
        due_at: row::time(r, 8)?,
        tries: r.get(9)?,
        last_error: r.get(10)?,
        created_at: row::time(r, 11)?,
        ended_at: row::time_or_none(r, 12)?,
    })
}

fn lanes(environments: &[Environment]) -> Vec<&'static str> {
    environments.iter().map(|e| e.as_str()).collect()
}

impl ReadTx<'_> {
    /// When a mail of one of `environments` is next due, leases that end included.
    pub fn next_mail_due(&self, environments: &[Environment]) -> Result<Option<Timestamp>, Error> {
        self.next_due_in(Queue::Mail, &lanes(environments))
    }

    /// The outbox of an environment, newest first.
    pub fn mails(&self, environment: Environment, window: Window) -> Result<Page<Mail>, Error> {
        let items = self.all(
            &format!("SELECT {COLUMNS} WHERE lane = ?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3"),
            params![
                environment.as_str(),
                window.limit,
                row::signed(window.offset)
            ],
            mail,
        )?;
        Ok(Page {
            items,
            total: self.counter(environment, COUNTER)?,
        })
    }

    /// The mail, if this environment has it.
    pub fn mail(&self, environment: Environment, id: MailId) -> Result<Option<Mail>, Error> {
        self.find(
            &format!("SELECT {COLUMNS} WHERE id = ?1 AND lane = ?2"),
            params![id.to_string(), environment.as_str()],
            mail,
        )
    }
}

impl WriteTx<'_> {
    pub(super) fn queue_mail(
        &self,
        environment: Environment,
        envelope: EnvelopeId,
        recipient: &Recipient,
        message: Message,
    ) -> Result<(), Error> {
        let now = self.now().as_millis();
        self.insert(
            "mail",
            "INSERT INTO mail (id, lane, envelope_id, recipient_id, kind, address, state, due_at, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'READY', ?7, ?7)",
            params![
                self.new_id(MailId::new).to_string(),
                environment.as_str(),
                envelope.to_string(),
                recipient.id.to_string(),
                message.as_str(),
                recipient.email.as_str(),
                now,
            ],
        )?;
        self.count(environment, COUNTER, 1)?;
        self.has_news(Queue::Mail);
        Ok(())
    }

    /// Asks for a mail to administrators at `address`, unless one about the same thing was asked for within `every`. Tells whether.
    pub fn raise_alarm(
        &self,
        alarm: &Alarm,
        address: &EmailAddress,
        every: Duration,
    ) -> Result<bool, Error> {
        let (environment, thing, now) = (alarm.environment(), alarm.thing(), self.now());
        let was_told = self.exists(
            "SELECT 1 FROM mail WHERE thing = ?1 AND created_at > ?2",
            params![thing, now.minus(every).as_millis()],
        )?;
        if was_told {
            return Ok(false);
        }
        self.insert(
            "mail",
            "INSERT INTO mail (id, lane, kind, address, state, due_at, created_at, alarm, thing)
             VALUES (?1, ?2, ?3, ?4, 'READY', ?5, ?5, ?6, ?7)",
            params![
                self.new_id(MailId::new).to_string(),
                environment.as_str(),
                ALARM,
                address.as_str(),
                now.as_millis(),
                row::to_json(alarm, "alarm")?,
                thing,
            ],
        )?;
        self.count(environment, COUNTER, 1)?;
        self.has_news(Queue::Mail);
        Ok(true)
    }

    /// Takes the mail of one of `environments` that has been due longest, for `span`.
    pub fn claim_mail(
        &self,
        environments: &[Environment],
        span: Duration,
    ) -> Result<Option<(Lease, Mail)>, Error> {
        let Some(lease) = self.claim_in(Queue::Mail, &lanes(environments), span)? else {
            return Ok(None);
        };
        let mail = self.find(
            &format!("SELECT {COLUMNS} WHERE id = ?1"),
            [lease.id()],
            mail,
        )?;
        Ok(mail.map(|mail| (lease, mail)))
    }

    /// Keeps what was sent or captured, encrypted by the caller; its state is for `finish` or `capture` to change.
    pub fn keep_mail_content(&self, id: MailId, content: &[u8]) -> Result<(), Error> {
        self.run(
            "UPDATE mail SET content = ?2 WHERE id = ?1",
            params![id.to_string(), content],
        )?;
        Ok(())
    }
}
