//! Envelopes, read. Only `record` writes them.

use super::error::Error;
use super::lists::{Page, Window};
use super::row;
use super::tx::ReadTx;
use crate::domain::digest::Digest;
use crate::domain::envelope::{Envelope, Status};
use crate::domain::environment::Environment;
use crate::domain::ids::{EnvelopeId, RecipientId};
use crate::domain::limits;
use crate::domain::recipient::Progress;
use crate::domain::time::Timestamp;
use rusqlite::{Row, params};

/// The status column of a deleted draft, which no list shows.
pub(super) const DISCARDED: &str = "DISCARDED";

/// The counter of envelopes in one status.
pub(super) fn counter_name(status: &str) -> String {
    format!("envelope/{status}")
}

const COLUMNS: &str = "e.id, e.environment, e.version, e.state, d.body, d.documents, e.created_at, e.updated_at, e.sent_at,
    e.ended_at";
const JOINED: &str = "JOIN definition d ON d.environment = e.environment AND d.envelope_id = e.id";

/// The evidence file of an ended envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trail {
    /// Of the file, in the vault.
    pub sha256: Digest,
    /// Bytes.
    pub size: u64,
    /// The newest audit entry that it shows.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ReadTx<'_> {
    fn envelope_of(&self, r: &Row<'_>) -> Result<Envelope, Error> {
        let id: EnvelopeId = row::parsed(r, 0, "envelope id")?;
        let environment = row::environment(r, 1)?;
        Ok(Envelope {
            id,
            environment,
            version: row::unsigned(r, 2)?,
            state: row::json(r, 3, "envelope's state")?,
            definition: row::json(r, 4, "envelope's definition")?,
            documents: row::json(r, 5, "envelope's documents")?,
            progress: self.progress(environment, id)?,
            created_at: row::time(r, 6)?,
            updated_at: row::time(r, 7)?,
            sent_at: row::time_or_none(r, 8)?,
            ended_at: row::time_or_none(r, 9)?,
        })
    }

    fn progress(&self, environment: Environment, id: EnvelopeId) -> Result<Vec<Progress>, Error> {
        self.all(
            "SELECT progress FROM recipient WHERE environment = ?1 AND envelope_id = ?2 ORDER BY position",
            params![environment.as_str(), id.to_string()],
            |r| row::json(r, 0, "recipient's progress"),
        )
    }

    /// The envelope, if this environment has it; deleted drafts too.
    pub fn envelope(
        &self,
        environment: Environment,
        id: EnvelopeId,
    ) -> Result<Option<Envelope>, Error> {
        self.find(
            &format!(
                "SELECT {COLUMNS} FROM envelope e {JOINED} WHERE e.environment = ?1 AND e.id = ?2"
            ),
            params![environment.as_str(), id.to_string()],
            |r| self.envelope_of(r),
        )
    }

    /// Like [`ReadTx::envelope`], where there must be one: [`Error::Missing`].
    pub fn load(&self, environment: Environment, id: EnvelopeId) -> Result<Envelope, Error> {
        self.envelope(environment, id)?
            .ok_or(Error::Missing("envelope"))
    }

    /// The envelopes of an environment, newest first, without deleted drafts.
    pub fn envelopes(
        &self,
        environment: Environment,
        status: Option<Status>,
        window: Window,
    ) -> Result<Page<Envelope>, Error> {
        let (limit, offset) = (window.limit, row::signed(window.offset));
        let (items, total) = match status {
            Some(status) => (
                self.all(
                    &format!(
                        "SELECT {COLUMNS} FROM envelope e INDEXED BY envelope_by_status {JOINED}
                         WHERE e.environment = ?1 AND e.status = ?2 ORDER BY e.id DESC LIMIT ?3 OFFSET ?4"
                    ),
                    params![environment.as_str(), status.as_str(), limit, offset],
                    |r| self.envelope_of(r),
                )?,
                self.counter(environment, &counter_name(status.as_str()))?,
            ),
            None => (
                self.all(
                    &format!(
                        "SELECT {COLUMNS} FROM envelope e INDEXED BY envelope_shown {JOINED}
                         WHERE e.environment = ?1 AND e.status <> 'DISCARDED' ORDER BY e.id DESC LIMIT ?2 OFFSET ?3"
                    ),
                    params![environment.as_str(), limit, offset],
                    |r| self.envelope_of(r),
                )?,
                self.envelope_total(environment)?,
            ),
        };
        Ok(Page { items, total })
    }

    fn envelope_total(&self, environment: Environment) -> Result<u64, Error> {
        Status::ALL.iter().try_fold(0, |total, status| {
            Ok(total + self.counter(environment, &counter_name(status.as_str()))?)
        })
    }

    /// Up to `limit` ids of envelopes after `after` of which the trail says nothing: nothing should ever be here. As they are
    /// stored: a check must see strange ones too.
    pub fn envelopes_untold(
        &self,
        environment: Environment,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, Error> {
        self.all(
            "SELECT id FROM envelope e WHERE environment = ?1 AND id > ?2
                 AND NOT EXISTS (SELECT 1 FROM audit_entry a WHERE a.chain = e.id)
             ORDER BY id LIMIT ?3",
            params![environment.as_str(), after, limit],
            |r| Ok(r.get(0)?),
        )
    }

    /// The recipients' rows: their places from 0, and whose they are.
    pub fn recipient_places(
        &self,
        environment: Environment,
        id: EnvelopeId,
    ) -> Result<Vec<(u64, RecipientId)>, Error> {
        self.all(
            "SELECT position, id FROM recipient WHERE environment = ?1 AND envelope_id = ?2 ORDER BY position",
            params![environment.as_str(), id.to_string()],
            |r| Ok((row::unsigned(r, 0)?, row::parsed(r, 1, "recipient id")?)),
        )
    }

    /// Envelopes whose seal is to be made though no job says so: nothing should ever be here. For the sweep that repairs it.
    pub fn sealing_without_job(
        &self,
        environment: Environment,
        limit: u32,
    ) -> Result<Vec<EnvelopeId>, Error> {
        self.all(
            "SELECT id FROM envelope e WHERE environment = ?1 AND phase = 'sealing' AND NOT EXISTS (
                 SELECT 1 FROM job j WHERE j.environment = e.environment AND j.envelope_id = e.id AND j.lane = 'seal'
                     AND j.state IN ('READY', 'LEASED', 'FAILED'))
             ORDER BY id LIMIT ?2",
            params![environment.as_str(), limit.min(limits::PAGE_SIZE_MAX)],
            |r| row::parsed(r, 0, "envelope id"),
        )
    }

    /// The stored evidence file of an envelope.
    pub fn trail(&self, environment: Environment, id: EnvelopeId) -> Result<Option<Trail>, Error> {
        self.find(
            "SELECT digest, bytes, version, created_at FROM trail WHERE environment = ?1 AND envelope_id = ?2",
            params![environment.as_str(), id.to_string()],
            |r| {
                Ok(Trail {
                    sha256: row::digest(r, 0)?,
                    size: row::unsigned(r, 1)?,
                    version: row::unsigned(r, 2)?,
                    created_at: row::time(r, 3)?,
                })
            },
        )
    }
}
