//! The door: what a link shows before anybody has pressed anything, and the press that opens it.

use super::as_recipient;
use crate::app::envelopes::load;
use crate::app::{App, Error};
use crate::domain::command::{Command, Note};
use crate::domain::envelope::{Envelope, State};
use crate::domain::environment::Environment;
use crate::domain::ids::{RecipientId, SessionId};
use crate::domain::limits;
use crate::domain::origin::Origin;
use crate::domain::recipient::Recipient;
use crate::domain::refusal::Refusal;
use crate::domain::secret::Token;
use crate::domain::time::Timestamp;
use crate::store::{ReadTx, SigningSession};

/// Why a recipient can't go on; each has a page of its own.
#[derive(Debug)]
pub enum Blocked {
    /// No such link.
    UnknownLink,
    /// A newer link took its place.
    Replaced(Box<Envelope>),
    /// The draft was not sent yet.
    NotReady(Box<Envelope>),
    /// Others act before.
    NotYourTurn(Box<Envelope>, usize),
    /// The deadline has passed.
    Expired(Box<Envelope>, Timestamp),
    /// The sender withdrew it.
    Voided(Box<Envelope>),
    /// This recipient declined.
    DeclinedByYou(Box<Envelope>, Timestamp),
    /// Another recipient declined.
    DeclinedByOther(Box<Envelope>),
    /// No session, or one that ended.
    SessionEnded,
    /// The gate's page was too old, or pressed from elsewhere.
    Stale,
    /// Something broke.
    Failed(Error),
}

impl From<Error> for Blocked {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What a link leads to.
#[derive(Debug)]
pub enum Door {
    /// The gate: the recipient may open the documents.
    Gate {
        /// The envelope.
        envelope: Box<Envelope>,
        /// Whose link.
        recipient: RecipientId,
        /// Against presses that no page of ours made; good for twelve hours.
        nonce: String,
    },
    /// The recipient has signed; documents are there once all have.
    Signed {
        /// The envelope.
        envelope: Box<Envelope>,
        /// Whose link.
        recipient: RecipientId,
        /// As at the gate: opening the copy takes a press, too.
        nonce: String,
    },
}

/// A session that was opened.
pub struct Opened {
    /// Whose.
    pub recipient: RecipientId,
    /// For the cookie.
    pub token: Token,
}

impl App {
    /// Whose link it is, and in which world. Leaves no note.
    pub fn link_of(&self, token: &str) -> Result<(Environment, RecipientId), Blocked> {
        let token = Token::parse(token).map_err(|_| Blocked::UnknownLink)?;
        let (envelope, recipient) = self
            .store
            .read(|tx| Ok::<_, Error>(self.find_link(tx, &token)))??;
        Ok((envelope.environment, recipient))
    }

    /// What a link shows. Changes nothing but for a note in the trail, hourly for an address and bounded in number.
    pub fn door(&self, token: &str, origin: &Origin) -> Result<Door, Blocked> {
        let token = Token::parse(token).map_err(|_| Blocked::UnknownLink)?;
        let (envelope, recipient) = self
            .store
            .read(|tx| Ok::<_, Error>(self.find_link(tx, &token)))??;
        self.note_fetched(&envelope, recipient, origin)?;
        self.judge(envelope, recipient)
    }

    fn find_link(
        &self,
        tx: &ReadTx<'_>,
        token: &Token,
    ) -> Result<(Envelope, RecipientId), Blocked> {
        let link = tx
            .link(&token.fingerprint())
            .map_err(Error::from)?
            .ok_or(Blocked::UnknownLink)?;
        let envelope = match load(tx, link.environment, link.envelope) {
            Err(Error::NotFound(_)) => return Err(Blocked::UnknownLink),
            other => other?,
        };
        let links = self.keyring.links(&self.settings.public_url);
        let Some((person, _)) = envelope.recipient(link.recipient) else {
            return Err(Blocked::UnknownLink);
        };
        if person.generation != link.generation {
            return Err(Blocked::Replaced(Box::new(envelope)));
        }
        if !links.matches(token, envelope.environment, person) {
            return Err(Blocked::UnknownLink);
        }
        Ok((envelope, link.recipient))
    }

    fn judge(&self, envelope: Envelope, recipient: RecipientId) -> Result<Door, Blocked> {
        let progress = envelope
            .recipient(recipient)
            .map(|(_, p)| p.clone())
            .ok_or(Blocked::UnknownLink)?;
        let nonce = self.gate_nonce(recipient, self.now());
        let envelope = Box::new(envelope);
        if let Some(at) = progress.declined_at {
            return Err(Blocked::DeclinedByYou(envelope, at));
        }
        match &envelope.state {
            State::Draft => Err(Blocked::NotReady(envelope)),
            State::Open { .. } | State::Sealing { .. } | State::Completed { .. }
                if progress.signed_at.is_some() =>
            {
                Ok(Door::Signed {
                    envelope,
                    recipient,
                    nonce,
                })
            }
            State::Open { expires_at } if *expires_at <= self.now() => {
                let deadline = *expires_at;
                Err(Blocked::Expired(envelope, deadline))
            }
            State::Open { .. } => match envelope.turn(recipient) {
                Err(Refusal::NotYourTurn { before }) => Err(Blocked::NotYourTurn(envelope, before)),
                _ => Ok(Door::Gate {
                    envelope,
                    recipient,
                    nonce,
                }),
            },
            State::Sealing { .. } | State::Completed { .. } => Ok(Door::Signed {
                envelope,
                recipient,
                nonce,
            }),
            State::Declined { .. } => Err(Blocked::DeclinedByOther(envelope)),
            State::Voided { .. } => Err(Blocked::Voided(envelope)),
            State::Expired => {
                let deadline = envelope.ended_at.unwrap_or_default();
                Err(Blocked::Expired(envelope, deadline))
            }
            State::Discarded => Err(Blocked::UnknownLink),
        }
    }

    /// A link was fetched, by a person or a scanner: kept as evidence, never taken for a view.
    fn note_fetched(
        &self,
        envelope: &Envelope,
        recipient: RecipientId,
        origin: &Origin,
    ) -> Result<(), Error> {
        if matches!(envelope.state, State::Draft) {
            return Ok(());
        }
        let (environment, id, origin) = (envelope.environment, envelope.id, origin.clone());
        self.store.write(move |tx| {
            if !tx.count_link_fetch(recipient, origin.address)? {
                return Ok(());
            }
            let mut envelope = load(tx, environment, id)?;
            let events =
                envelope.decide(Command::Note(Note::LinkFetched { recipient }), tx.now())?;
            tx.record(&mut envelope, events, &origin)?;
            Ok::<_, Error>(())
        })
    }

    /// The press: opens a session; the first one is `recipient.viewed`.
    pub fn open_door(&self, token: &str, nonce: &str, origin: &Origin) -> Result<Opened, Blocked> {
        let token = Token::parse(token).map_err(|_| Blocked::UnknownLink)?;
        let (envelope, recipient) = self
            .store
            .read(|tx| Ok::<_, Error>(self.find_link(tx, &token)))??;
        if !self.is_gate_nonce(recipient, nonce) {
            return Err(Blocked::Stale);
        }
        match self.judge(envelope, recipient)? {
            Door::Gate { envelope, .. } | Door::Signed { envelope, .. } => {
                Ok(self.open_session(*envelope, recipient, origin)?)
            }
        }
    }

    fn open_session(
        &self,
        envelope: Envelope,
        recipient: RecipientId,
        origin: &Origin,
    ) -> Result<Opened, Error> {
        let session = Token::from_bytes(self.random());
        let hash = session.fingerprint();
        let (environment, id) = (envelope.environment, envelope.id);
        let origin = origin.clone();
        self.store.write(move |tx| {
            let mut envelope = load(tx, environment, id)?;
            let person: Recipient = envelope
                .recipient(recipient)
                .map(|(person, _)| person.clone())
                .ok_or(Refusal::NotARecipient)?;
            let events = envelope.decide(Command::View { by: recipient }, tx.now())?;
            tx.record(&mut envelope, events, &as_recipient(&origin, &person))?;
            let session = SigningSession {
                id: tx.new_id(SessionId::new),
                environment,
                envelope: id,
                recipient,
                generation: person.generation,
                created_at: tx.now(),
                seen_at: tx.now(),
                served: Vec::new(),
            };
            tx.insert_signing_session(&hash, &session)?;
            Ok::<_, Error>(())
        })?;
        Ok(Opened {
            recipient,
            token: session,
        })
    }

    /// `<hour>.<mac>`: good for twelve hours, for one recipient.
    fn gate_nonce(&self, recipient: RecipientId, at: Timestamp) -> String {
        let seconds = at.as_seconds();
        let mac = self
            .keyring
            .nonce()
            .mac(format!("gate\0{recipient}\0{seconds}").as_bytes());
        format!("{seconds}.{}", Token::from_bytes(mac).expose())
    }

    fn is_gate_nonce(&self, recipient: RecipientId, nonce: &str) -> bool {
        let Some((seconds, mac)) = nonce.split_once('.') else {
            return false;
        };
        let (Ok(seconds), Ok(mac)) = (seconds.parse::<i64>(), Token::parse(mac)) else {
            return false;
        };
        let made = Timestamp::from_seconds(seconds);
        let good = Token::from_bytes(
            self.keyring
                .nonce()
                .mac(format!("gate\0{recipient}\0{seconds}").as_bytes()),
        );
        good.matches(&mac) && self.now().since(made) < limits::GATE_NONCE_TTL
    }
}
