//! The one door through which an envelope changes.
//!
//! For each event: the envelope after it, its audit entry, what webhooks are told, the jobs and mails that it asks for. All of it
//! is in the caller's transaction, so it happens whole or not at all.

use super::envelopes::{DISCARDED, Trail, counter_name};
use super::error::Error;
use super::jobs::JobKind;
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::audit::{Chain, Head};
use crate::domain::digest::Digest;
use crate::domain::envelope::{Envelope, Mark, State, Status};
use crate::domain::environment::Environment;
use crate::domain::event::{Event, FollowUp, SystemEvent};
use crate::domain::ids::{EnvelopeId, EventId};
use crate::domain::origin::Origin;
use crate::domain::time::Timestamp;
use crate::domain::webhook;
use rusqlite::params;

/// The status column: what the API shows, or that it shows nothing.
fn shown(envelope: &Envelope) -> &'static str {
    envelope.status().map_or(DISCARDED, Status::as_str)
}

/// The phase column.
const fn phase(state: &State) -> &'static str {
    match state {
        State::Draft => "draft",
        State::Open { .. } => "open",
        State::Sealing { parked: None } => "sealing",
        State::Sealing { parked: Some(_) } => "parked",
        State::Completed { .. } => "completed",
        State::Declined { .. } => "declined",
        State::Voided { .. } => "voided",
        State::Expired => "expired",
        State::Discarded => "discarded",
    }
}

/// Files of the vault that an envelope needs from this event on.
fn files(event: &Event) -> Vec<Digest> {
    match event {
        Event::Sent { documents, .. } => documents.iter().map(|d| d.sha256).collect(),
        Event::Signed { evidence, .. } => [Some(&evidence.signature), evidence.initials.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(Mark::file)
            .collect(),
        Event::Completed { sealed } => sealed.iter().map(|s| s.sha256).collect(),
        _ => Vec::new(),
    }
}

impl ReadTx<'_> {
    /// Whether the columns by which an envelope is listed and swept say what its state says.
    pub fn is_listed_as(&self, envelope: &Envelope) -> Result<bool, Error> {
        self.exists(
            "SELECT 1 FROM envelope WHERE environment = ?1 AND id = ?2 AND status = ?3 AND phase = ?4",
            params![
                envelope.environment.as_str(),
                envelope.id.to_string(),
                shown(envelope),
                phase(&envelope.state)
            ],
        )
    }
}

impl WriteTx<'_> {
    /// Makes an envelope of its first events ([`Envelope::create`]).
    ///
    /// # Errors
    /// [`Error::Missing`] where a document isn't in this environment; [`Error::Duplicate`] where the id is taken;
    /// [`Error::Damaged`] where the first event doesn't begin an envelope.
    pub fn create(&self, events: Vec<Event>, origin: &Origin) -> Result<Envelope, Error> {
        let mut events = events.into_iter();
        let first = events
            .next()
            .ok_or_else(|| Error::damaged("events", "none"))?;
        let begun = Envelope::begin(&first, self.now())
            .ok_or_else(|| Error::damaged("events", "the first one makes no envelope"))?;
        let mut envelope = begun.clone();
        let mut head = Head::start(Chain::Envelope(envelope.id));
        head = self.append(&head, &first, origin)?;
        // The rows come first: what follows refers to them.
        for event in events.clone() {
            envelope.apply(&event, self.now());
        }
        self.insert_envelope(&envelope)?;
        let mut step = begun;
        self.follow(&step, &first, &head)?;
        for event in events {
            step.apply(&event, self.now());
            head = self.append(&head, &event, origin)?;
            self.follow(&step, &event, &head)?;
        }
        self.agree(&envelope, &head)?;
        Ok(envelope)
    }

    /// Applies `events` to `envelope` and writes all that follows. Nothing happens where there are none.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the envelope was changed since it was loaded.
    pub fn record(
        &self,
        envelope: &mut Envelope,
        events: Vec<Event>,
        origin: &Origin,
    ) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        let before = envelope.clone();
        let mut head = self.head(Chain::Envelope(envelope.id))?;
        if head.seq != before.version {
            return Err(Error::Conflict("envelope"));
        }
        for event in &events {
            envelope.apply(event, self.now());
            head = self.append(&head, event, origin)?;
            self.follow(envelope, event, &head)?;
        }
        self.agree(envelope, &head)?;
        self.update_envelope(&before, envelope)
    }

    /// Appends what happened outside of any envelope to the appliance's own chain.
    pub fn record_system(&self, event: &SystemEvent, origin: &Origin) -> Result<Head, Error> {
        let head = self.head(Chain::System)?;
        self.append(&head, event, origin)
    }

    /// Keeps the evidence file of an ended envelope, and names it. False where there is one already: the first stays.
    pub fn insert_trail(
        &self,
        environment: Environment,
        id: EnvelopeId,
        trail: &Trail,
    ) -> Result<bool, Error> {
        let id = id.to_string();
        let kept = self.run(
            "INSERT INTO trail (environment, envelope_id, digest, bytes, version, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO NOTHING",
            params![
                environment.as_str(),
                id,
                trail.sha256.as_bytes(),
                row::signed(trail.size),
                row::signed(trail.version),
                trail.created_at.as_millis(),
            ],
        )?;
        if kept == 1 {
            self.name_file(environment, &trail.sha256, &id)?;
        }
        Ok(kept == 1)
    }

    /// The version counts the entries.
    fn agree(&self, envelope: &Envelope, head: &Head) -> Result<(), Error> {
        if envelope.version == head.seq {
            return Ok(());
        }
        Err(Error::damaged(
            "envelope's version",
            format!("{} after {} entries", envelope.version, head.seq),
        ))
    }

    /// What an event brings with it; `envelope` is as it is after it, `head` what its entry made.
    fn follow(&self, envelope: &Envelope, event: &Event, head: &Head) -> Result<(), Error> {
        let environment = envelope.environment;
        let owner = envelope.id.to_string();
        for digest in files(event) {
            self.name_file(environment, &digest, &owner)?;
        }
        if let Event::Signed { by, .. } | Event::Declined { by, .. } = event {
            self.delete_draft(environment, *by)?;
        }
        if let Some(name) = event.announced_as() {
            self.announce(environment, name, Some(envelope.id), |id: EventId| {
                webhook::payload(id, name, self.now(), envelope, event.recipient(), head)
                    .map_err(|e| Error::damaged("payload", e))
            })?;
        }
        for follow_up in event.follow_ups() {
            match follow_up {
                FollowUp::Mail {
                    message,
                    recipients,
                } => {
                    for id in recipients {
                        if let Some((recipient, _)) = envelope.recipient(id) {
                            self.queue_mail(environment, envelope.id, recipient, message)?;
                        }
                    }
                }
                FollowUp::Seal => {
                    self.queue_job(JobKind::Seal, environment, envelope.id, self.now())?;
                }
                FollowUp::ExpireAt(at) => {
                    self.queue_job(JobKind::Expire, environment, envelope.id, at)?;
                }
            }
        }
        Ok(())
    }

    fn insert_envelope(&self, envelope: &Envelope) -> Result<(), Error> {
        let (environment, id) = (envelope.environment.as_str(), envelope.id.to_string());
        let status = shown(envelope);
        self.insert(
            "envelope",
            "INSERT INTO envelope (environment, id, version, status, phase, state, created_at, updated_at, sent_at, ended_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                environment,
                id,
                row::signed(envelope.version),
                status,
                phase(&envelope.state),
                row::to_json(&envelope.state, "envelope's state")?,
                envelope.created_at.as_millis(),
                envelope.updated_at.as_millis(),
                envelope.sent_at.map(Timestamp::as_millis),
                envelope.ended_at.map(Timestamp::as_millis),
            ],
        )?;
        self.insert(
            "envelope's definition",
            "INSERT INTO definition (environment, envelope_id, body, documents) VALUES (?1, ?2, ?3, ?4)",
            params![
                environment,
                id,
                row::to_json(&envelope.definition, "envelope's definition")?,
                row::to_json(&envelope.documents, "envelope's documents")?,
            ],
        )?;
        self.use_documents(envelope)?;
        self.put_recipients(envelope)?;
        self.count(envelope.environment, &counter_name(status), 1)
    }

    /// Writes what differs, and nothing else.
    fn update_envelope(&self, before: &Envelope, envelope: &Envelope) -> Result<(), Error> {
        let (environment, id) = (envelope.environment.as_str(), envelope.id.to_string());
        let status = shown(envelope);
        let changed = self.run(
            "UPDATE envelope SET version = ?4, status = ?5, phase = ?6, state = ?7, updated_at = ?8, sent_at = ?9, ended_at = ?10
             WHERE environment = ?1 AND id = ?2 AND version = ?3",
            params![
                environment,
                id,
                row::signed(before.version),
                row::signed(envelope.version),
                status,
                phase(&envelope.state),
                row::to_json(&envelope.state, "envelope's state")?,
                envelope.updated_at.as_millis(),
                envelope.sent_at.map(Timestamp::as_millis),
                envelope.ended_at.map(Timestamp::as_millis),
            ],
        )?;
        if changed != 1 {
            return Err(Error::Conflict("envelope"));
        }
        let redefined = before.definition != envelope.definition;
        if redefined || before.documents != envelope.documents {
            self.run(
                "UPDATE definition SET body = ?3, documents = ?4 WHERE environment = ?1 AND envelope_id = ?2",
                params![
                    environment,
                    id,
                    row::to_json(&envelope.definition, "envelope's definition")?,
                    row::to_json(&envelope.documents, "envelope's documents")?,
                ],
            )?;
        }
        if redefined {
            self.use_documents(envelope)?;
            self.put_recipients(envelope)?;
        } else {
            let pairs = before.progress.iter().zip(envelope.recipients());
            for (was, (recipient, is)) in pairs {
                if was != is {
                    self.run(
                        "UPDATE recipient SET progress = ?3 WHERE id = ?1 AND environment = ?2",
                        params![
                            recipient.id.to_string(),
                            environment,
                            row::to_json(is, "recipient's progress")?
                        ],
                    )?;
                }
            }
        }
        if envelope.state == State::Discarded && before.state != State::Discarded {
            // Its documents may be deleted again.
            self.run(
                "DELETE FROM envelope_document WHERE environment = ?1 AND envelope_id = ?2",
                params![environment, id],
            )?;
        }
        if envelope.state.has_ended() && !before.state.has_ended() {
            self.cancel_jobs(JobKind::Expire, envelope.environment, envelope.id)?;
            self.cancel_jobs(JobKind::Seal, envelope.environment, envelope.id)?;
            // What anybody typed and drew without signing was never given to anyone.
            for recipient in &envelope.definition.recipients {
                self.delete_draft(envelope.environment, recipient.id)?;
            }
            if envelope.state != State::Discarded {
                self.queue_job(
                    JobKind::Trail,
                    envelope.environment,
                    envelope.id,
                    self.now(),
                )?;
            }
        }
        let was = shown(before);
        if was != status {
            self.count(envelope.environment, &counter_name(was), -1)?;
            self.count(envelope.environment, &counter_name(status), 1)?;
        }
        Ok(())
    }

    /// From now on the envelope holds on to its documents, and to no others.
    fn use_documents(&self, envelope: &Envelope) -> Result<(), Error> {
        let (environment, id) = (envelope.environment.as_str(), envelope.id.to_string());
        self.run(
            "DELETE FROM envelope_document WHERE environment = ?1 AND envelope_id = ?2",
            params![environment, id],
        )?;
        for document in &envelope.definition.documents {
            let used = self.run(
                "INSERT INTO envelope_document (environment, document_id, envelope_id)
                 SELECT environment, id, ?3 FROM document WHERE environment = ?1 AND id = ?2 ON CONFLICT DO NOTHING",
                params![environment, document.to_string(), id],
            )?;
            // None either where the same document is used twice.
            if used == 0 && self.document(envelope.environment, *document)?.is_none() {
                return Err(Error::Missing("document"));
            }
        }
        Ok(())
    }

    /// The rows of the recipients: those who are gone go, with links, sessions and drafts.
    fn put_recipients(&self, envelope: &Envelope) -> Result<(), Error> {
        let (environment, id) = (envelope.environment.as_str(), envelope.id.to_string());
        self.run(
            "UPDATE recipient SET position = -1 WHERE environment = ?1 AND envelope_id = ?2",
            params![environment, id],
        )?;
        for (position, (recipient, progress)) in envelope.recipients().enumerate() {
            let put = self.run(
                "INSERT INTO recipient (id, environment, envelope_id, position, progress) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (id) DO UPDATE SET position = excluded.position, progress = excluded.progress
                 WHERE environment = excluded.environment AND envelope_id = excluded.envelope_id",
                params![
                    recipient.id.to_string(),
                    environment,
                    id,
                    row::signed(position as u64),
                    row::to_json(progress, "recipient's progress")?,
                ],
            )?;
            if put != 1 {
                return Err(Error::Duplicate("recipient"));
            }
        }
        self.run(
            "DELETE FROM recipient WHERE environment = ?1 AND envelope_id = ?2 AND position < 0",
            params![environment, id],
        )?;
        Ok(())
    }
}
