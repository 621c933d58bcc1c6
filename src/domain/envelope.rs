//! The envelope: the product on a page.
//!
//! A command is judged by [`Envelope::decide`], which changes nothing and returns what happened; what happened is carried out by
//! [`Envelope::apply`], which can't fail. The same events give the same envelope, today and in an audit ten years on.

use super::command::{Command, Dispatch, Note};
use super::definition::Definition;
use super::environment::Environment;
use super::event::{Event, Link, Message};
use super::field::{self, FieldKind, Filled, Value};
use super::ids::{EnvelopeId, RecipientId};
use super::recipient::{Progress, Recipient};
use super::refusal::Refusal;
use super::time::Timestamp;

mod evidence;
mod status;
mod turns;

pub use evidence::{Consent, FrozenDocument, Mark, SealLevel, Sealed, SignatureEvidence};
pub use status::{InvalidStatus, Status};

/// An envelope and all that is true of it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// Its id.
    pub id: EnvelopeId,
    /// The world it lives in.
    pub environment: Environment,
    /// How many events made it: the sequence of its newest audit entry.
    pub version: u64,
    /// Where it stands.
    pub state: State,
    /// What is to be signed, by whom.
    pub definition: Definition,
    /// How far each recipient is, in the order of the definition's recipients.
    pub progress: Vec<Progress>,
    /// The documents as they were frozen by sending; empty before.
    pub documents: Vec<FrozenDocument>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When something other than evidence last happened.
    pub updated_at: Timestamp,
    /// When it was sent.
    pub sent_at: Option<Timestamp>,
    /// When it ended, well or not.
    pub ended_at: Option<Timestamp>,
}

/// Where an envelope stands. A state carries only what is true in it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(
    tag = "name",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub enum State {
    /// Being written.
    Draft,
    /// Sent, and somebody still has to act.
    Open {
        /// From this moment on nobody can.
        expires_at: Timestamp,
    },
    /// Everybody acted; the seal is being made.
    Sealing {
        /// Set while the seal waits for an operator.
        parked: Option<Parked>,
    },
    /// The sealed files are durable.
    Completed {
        /// One for each document, in their order.
        sealed: Vec<Sealed>,
    },
    /// Somebody refused.
    Declined {
        /// Who.
        by: RecipientId,
        /// Why.
        reason: String,
    },
    /// The sender withdrew it.
    Voided {
        /// Why.
        reason: Option<String>,
    },
    /// The deadline passed.
    Expired,
    /// A deleted draft.
    Discarded,
}

/// A seal that waits for an operator.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parked {
    /// For what.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

impl State {
    /// Whether nothing can happen any more but evidence.
    pub const fn has_ended(&self) -> bool {
        match self {
            Self::Draft | Self::Open { .. } | Self::Sealing { .. } => false,
            Self::Completed { .. }
            | Self::Declined { .. }
            | Self::Voided { .. }
            | Self::Expired
            | Self::Discarded => true,
        }
    }
}

impl Envelope {
    /// What happens when a draft is made.
    pub fn create(id: EnvelopeId, environment: Environment, definition: Definition) -> Vec<Event> {
        let links = definition.recipients.iter().map(link).collect();
        vec![
            Event::Created {
                id,
                environment,
                definition: Box::new(definition),
            },
            Event::LinksCreated { links },
        ]
    }

    /// The envelope after its first event; `None` where that is not [`Event::Created`].
    pub fn begin(first: &Event, at: Timestamp) -> Option<Self> {
        let Event::Created {
            id,
            environment,
            definition,
        } = first
        else {
            return None;
        };
        Some(Self {
            id: *id,
            environment: *environment,
            version: 1,
            state: State::Draft,
            progress: vec![Progress::default(); definition.recipients.len()],
            definition: (**definition).clone(),
            documents: Vec::new(),
            created_at: at,
            updated_at: at,
            sent_at: None,
            ended_at: None,
        })
    }

    /// May it, and what happened then? No clock, no chance, no I/O. No event means that nothing is left to do.
    ///
    /// # Errors
    /// Why the rules say no; nothing has happened then.
    pub fn decide(&self, command: Command, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        use Command as C;
        use State as S;
        match (&self.state, command) {
            (S::Discarded, _) => Err(Refusal::Discarded),
            // A late timer or a job that runs twice is in vain, not wrong; the first recorded result wins.
            (_, C::Note(Note::SealFailed { .. })) if !matches!(self.state, S::Sealing { .. }) => {
                Ok(Vec::new())
            }
            (_, C::Note(note)) => Ok(vec![note.into()]),

            (S::Draft, C::Edit(definition)) => Ok(self.edited(definition)),
            (S::Draft, C::Send(dispatch)) => self.sent(dispatch, now),
            (S::Draft, C::Delete { .. }) => Ok(vec![Event::Discarded]),

            // Deadlines are judged here: a late timer never lets a late signature in.
            (S::Open { expires_at }, C::View { .. } | C::Sign { .. } | C::Decline { .. })
                if *expires_at <= now =>
            {
                Err(Refusal::TooLate)
            }
            (S::Open { .. }, C::View { by }) => self.viewed(by),
            (S::Open { .. }, C::Sign { by, evidence }) => self.signed(by, evidence),
            (S::Open { .. }, C::Decline { by, reason }) => {
                self.turn(by)?;
                let told = self.invited_but(Some(by));
                Ok(with_mail(
                    Event::Declined { by, reason },
                    Message::Declined,
                    told,
                ))
            }
            (
                S::Open { .. } | S::Sealing { parked: Some(_) },
                C::Void { reason } | C::Delete { reason },
            ) => {
                let told = self.invited_but(None);
                Ok(with_mail(
                    Event::Voided { reason },
                    Message::Withdrawn,
                    told,
                ))
            }
            (S::Open { expires_at }, C::Expire) if *expires_at <= now => {
                let missing = self.waiting().map(|(recipient, _)| recipient.id).collect();
                let told = self.invited_but(None);
                Ok(with_mail(
                    Event::Expired { missing },
                    Message::Expired,
                    told,
                ))
            }
            (_, C::Expire) => Ok(Vec::new()),

            (S::Sealing { parked: None }, C::Void { .. } | C::Delete { .. }) => {
                Err(Refusal::Sealing)
            }
            (S::Sealing { .. }, C::RecordSeal { sealed }) => self.completed(sealed),
            (S::Sealing { parked }, C::ParkSeal { reason }) => Ok(match parked {
                Some(parked) if parked.reason == reason => Vec::new(),
                _ => vec![Event::SealParked { reason }],
            }),
            (S::Sealing { parked: Some(_) }, C::ResumeSeal) => Ok(vec![Event::SealResumed]),
            (S::Sealing { parked: None } | S::Completed { .. }, C::ResumeSeal) => Ok(Vec::new()),
            (S::Completed { .. }, C::RecordSeal { .. } | C::ParkSeal { .. }) => Ok(Vec::new()),

            // Whoever signed may look again.
            (S::Sealing { .. } | S::Completed { .. }, C::View { by }) => {
                self.index_of(by).map(|_| Vec::new())
            }

            (_, command) => Err(self.wrong_state(command.name())),
        }
    }

    fn wrong_state(&self, command: &'static str) -> Refusal {
        self.status()
            .map_or(Refusal::Discarded, |status| Refusal::WrongState {
                status,
                command,
            })
    }

    fn edited(&self, definition: Box<Definition>) -> Vec<Event> {
        let known: Vec<Link> = self.definition.recipients.iter().map(link).collect();
        let links: Vec<Link> = definition
            .recipients
            .iter()
            .map(link)
            .filter(|link| !known.contains(link))
            .collect();
        let mut events = vec![Event::Edited { definition }];
        if !links.is_empty() {
            events.push(Event::LinksCreated { links });
        }
        events
    }

    fn sent(&self, dispatch: Dispatch, now: Timestamp) -> Result<Vec<Event>, Refusal> {
        let definition = &self.definition;
        if let Some((index, recipient)) = definition.signer_without_field(dispatch.require_fields) {
            return Err(Refusal::SignerWithoutField {
                number: index + 1,
                email: recipient.email.to_string(),
            });
        }
        if !definition
            .documents
            .iter()
            .eq(dispatch.documents.iter().map(|d| &d.id))
        {
            return Err(Refusal::DocumentsDiffer);
        }
        let expires_at = definition
            .expires_at
            .unwrap_or_else(|| now.plus(dispatch.expires_after));
        if expires_at <= now {
            return Err(Refusal::ExpiresInThePast);
        }
        let invited = self.first_of(self.waiting());
        let sent = Event::Sent {
            documents: dispatch.documents,
            definition_sha256: definition.digest(),
            expires_at,
            invited: invited.clone(),
        };
        Ok(with_mail(sent, Message::Invitation, invited))
    }

    fn viewed(&self, by: RecipientId) -> Result<Vec<Event>, Refusal> {
        let index = self.index_of(by)?;
        if self.progress[index].has_acted() {
            return Ok(Vec::new());
        }
        self.turn(by)?;
        let seen = self.progress[index].viewed_at.is_some();
        Ok(if seen {
            Vec::new()
        } else {
            vec![Event::Viewed { by }]
        })
    }

    fn signed(
        &self,
        by: RecipientId,
        evidence: Box<SignatureEvidence>,
    ) -> Result<Vec<Event>, Refusal> {
        let index = self.turn(by)?;
        if self.progress[index].viewed_at.is_none() {
            return Err(Refusal::NotOpened);
        }
        if !evidence
            .documents
            .iter()
            .eq(self.documents.iter().map(|d| &d.sha256))
        {
            return Err(Refusal::DocumentsDiffer);
        }
        let faults = field::faults(&self.definition.fields, by, &evidence.filled);
        if !faults.is_empty() {
            return Err(Refusal::FieldValues(faults));
        }
        let initialled = |filled: &Filled| {
            filled.value == Value::Mark
                && self
                    .definition
                    .fields
                    .iter()
                    .any(|f| f.id == filled.field && f.kind == FieldKind::Initials)
        };
        if evidence.initials.is_none() && evidence.filled.iter().any(initialled) {
            return Err(Refusal::MarkMissing);
        }
        let mut events = vec![
            Event::ConsentGiven {
                by,
                consent: evidence.consent.clone(),
            },
            Event::Signed { by, evidence },
        ];
        events.extend(self.next_after(by));
        Ok(events)
    }

    /// Invites a turn, or says that all have acted, or nothing.
    fn next_after(&self, by: RecipientId) -> Vec<Event> {
        let rest = || {
            self.waiting()
                .filter(move |(recipient, _)| recipient.id != by)
        };
        if rest().next().is_none() {
            return vec![Event::AllActed];
        }
        let next: Vec<RecipientId> = self.first_of(rest());
        let uninvited: Vec<RecipientId> = next
            .into_iter()
            .filter(|id| {
                self.progress_of(*id)
                    .is_some_and(|p| p.invited_at.is_none())
            })
            .collect();
        if uninvited.is_empty() {
            Vec::new()
        } else {
            with_mail(
                Event::Invited {
                    recipients: uninvited.clone(),
                },
                Message::Invitation,
                uninvited,
            )
        }
    }

    fn completed(&self, sealed: Vec<Sealed>) -> Result<Vec<Event>, Refusal> {
        if !sealed
            .iter()
            .map(|s| &s.document)
            .eq(self.documents.iter().map(|d| &d.id))
        {
            return Err(Refusal::DocumentsDiffer);
        }
        let told = self.invited_but(None);
        Ok(with_mail(
            Event::Completed { sealed },
            Message::Completed,
            told,
        ))
    }

    /// The only mutation; can't fail, an event already happened. One arm per event, no `_`.
    pub fn apply(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::Created { .. } => {
                debug_assert!(false, "an envelope is created once, by `begin`")
            }
            Event::Edited { definition } => {
                self.definition = (**definition).clone();
                self.progress = vec![Progress::default(); self.definition.recipients.len()];
            }
            Event::Sent {
                documents,
                expires_at,
                invited,
                definition_sha256: _,
            } => {
                self.state = State::Open {
                    expires_at: *expires_at,
                };
                self.documents.clone_from(documents);
                self.sent_at = Some(at);
                self.invite(invited, at);
            }
            Event::Invited { recipients } => self.invite(recipients, at),
            Event::Viewed { by } => self.on(*by, |progress| progress.viewed_at = Some(at)),
            Event::Signed { by, evidence } => self.on(*by, |progress| {
                progress.signed_at = Some(at);
                progress.evidence = Some(evidence.clone());
            }),
            Event::AllActed | Event::SealResumed => self.state = State::Sealing { parked: None },
            Event::SealParked { reason } => {
                self.state = State::Sealing {
                    parked: Some(Parked {
                        reason: reason.clone(),
                        since: at,
                    }),
                };
            }
            Event::Completed { sealed } => self.end(
                State::Completed {
                    sealed: sealed.clone(),
                },
                at,
            ),
            Event::Declined { by, reason } => {
                self.on(*by, |progress| progress.declined_at = Some(at));
                self.end(
                    State::Declined {
                        by: *by,
                        reason: reason.clone(),
                    },
                    at,
                );
            }
            Event::Voided { reason } => self.end(
                State::Voided {
                    reason: reason.clone(),
                },
                at,
            ),
            Event::Expired { missing: _ } => self.end(State::Expired, at),
            Event::Discarded => self.end(State::Discarded, at),
            Event::LinksCreated { .. }
            | Event::MailQueued { .. }
            | Event::ConsentGiven { .. }
            | Event::SealFailed { .. }
            | Event::MailAccepted(_)
            | Event::MailRefused(_)
            | Event::LinkFetched { .. }
            | Event::DocumentServed { .. }
            | Event::Downloaded(_)
            | Event::TrailKept(_) => {}
        }
        self.version += 1;
        if !event.is_note() {
            self.updated_at = at;
        }
    }

    fn end(&mut self, state: State, at: Timestamp) {
        self.state = state;
        self.ended_at = Some(at);
    }

    fn invite(&mut self, recipients: &[RecipientId], at: Timestamp) {
        for id in recipients {
            self.on(*id, |progress| progress.invited_at = Some(at));
        }
    }

    fn on(&mut self, id: RecipientId, change: impl FnOnce(&mut Progress)) {
        let index = self.definition.recipients.iter().position(|r| r.id == id);
        if let Some(progress) = index.and_then(|i| self.progress.get_mut(i)) {
            change(progress);
        }
    }
}

fn link(recipient: &Recipient) -> Link {
    Link {
        recipient: recipient.id,
        generation: recipient.generation,
    }
}

fn with_mail(event: Event, message: Message, recipients: Vec<RecipientId>) -> Vec<Event> {
    let mut events = vec![event];
    if !recipients.is_empty() {
        events.push(Event::MailQueued {
            message,
            recipients,
        });
    }
    events
}
