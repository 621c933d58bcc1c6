//! What the appliance does by itself, and when.

use super::error::Error;
use super::lists::Window;
use super::queue::{Lease, Queue, WAITING_JOB, Waiting, waiting};
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::environment::Environment;
use crate::domain::ids::{EnvelopeId, JobId};
use crate::domain::time::Timestamp;
use rusqlite::params;
use std::str::FromStr;
use std::time::Duration;

/// Kinds of jobs. None waits for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Seal the documents of an envelope in which all have acted.
    Seal,
    /// End an envelope whose deadline has passed.
    Expire,
    /// Make the evidence file of an envelope that has ended.
    Trail,
}

/// Why a text is no kind of job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of job")]
pub struct InvalidJobKind;

impl JobKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Seal, Self::Expire, Self::Trail];

    /// As stored, and as the admin page shows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Expire => "expire",
            Self::Trail => "trail",
        }
    }
}

impl FromStr for JobKind {
    type Err = InvalidJobKind;

    fn from_str(text: &str) -> Result<Self, InvalidJobKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(InvalidJobKind)
    }
}

/// A job that was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The right to do it.
    pub lease: Lease,
    /// Its id.
    pub id: JobId,
    /// What is to be done.
    pub kind: JobKind,
    /// In which world.
    pub environment: Environment,
    /// To which envelope.
    pub envelope: EnvelopeId,
}

fn lanes(kinds: &[JobKind]) -> Vec<&'static str> {
    kinds.iter().map(|kind| kind.as_str()).collect()
}

impl ReadTx<'_> {
    /// When a job of one of `kinds` is next due, leases that end included.
    pub fn next_job_due(&self, kinds: &[JobKind]) -> Result<Option<Timestamp>, Error> {
        self.next_due_in(Queue::Job, &lanes(kinds))
    }

    /// Jobs of one kind that failed and will be tried again by themselves, oldest first, at most `limit`.
    pub fn erring_jobs(&self, kind: JobKind, window: Window) -> Result<Vec<Waiting>, Error> {
        self.all(
            &format!(
                "SELECT {WAITING_JOB} FROM job WHERE lane = ?1 AND state IN ('READY', 'LEASED') AND last_error IS NOT NULL
                 ORDER BY id LIMIT ?2 OFFSET ?3"
            ),
            params![kind.as_str(), window.limit, row::signed(window.offset)],
            waiting,
        )
    }

    /// How many such jobs there are, counted to `cap`.
    pub fn count_erring_jobs(&self, kind: JobKind, cap: u32) -> Result<u32, Error> {
        let count = self.find(
            "SELECT count(*) FROM (SELECT 1 FROM job WHERE lane = ?1 AND state IN ('READY', 'LEASED')
                 AND last_error IS NOT NULL LIMIT ?2)",
            params![kind.as_str(), cap],
            |r| Ok(r.get(0)?),
        )?;
        Ok(count.unwrap_or(0))
    }

    /// What a job is to do, and to which envelope.
    pub fn job_target(
        &self,
        id: &str,
    ) -> Result<Option<(JobKind, Environment, EnvelopeId)>, Error> {
        self.find(
            "SELECT lane, environment, envelope_id FROM job WHERE id = ?1",
            [id],
            |r| {
                Ok((
                    row::parsed(r, 0, "kind of job")?,
                    row::environment(r, 1)?,
                    row::parsed(r, 2, "envelope id")?,
                ))
            },
        )
    }
}

impl WriteTx<'_> {
    /// Takes the job of one of `kinds` that has been due longest, for `span`.
    pub fn claim_job(&self, kinds: &[JobKind], span: Duration) -> Result<Option<Job>, Error> {
        let Some(lease) = self.claim_in(Queue::Job, &lanes(kinds), span)? else {
            return Ok(None);
        };
        self.find(
            "SELECT id, lane, environment, envelope_id FROM job WHERE id = ?1",
            [lease.id()],
            |r| {
                Ok(Job {
                    lease: lease.clone(),
                    id: row::parsed(r, 0, "job id")?,
                    kind: row::parsed(r, 1, "kind of job")?,
                    environment: row::environment(r, 2)?,
                    envelope: row::parsed(r, 3, "envelope id")?,
                })
            },
        )
    }

    /// Asks for a job, due at `due_at`. Where the same is asked for already and hasn't begun, the earlier moment counts.
    pub fn queue_job(
        &self,
        kind: JobKind,
        environment: Environment,
        envelope: EnvelopeId,
        due_at: Timestamp,
    ) -> Result<(), Error> {
        let envelope = envelope.to_string();
        let waiting = self.run(
            "UPDATE job SET due_at = min(due_at, ?4)
             WHERE environment = ?1 AND envelope_id = ?2 AND lane = ?3 AND state = 'READY'",
            params![
                environment.as_str(),
                envelope,
                kind.as_str(),
                due_at.as_millis()
            ],
        )?;
        if waiting == 0 {
            self.insert(
                "job",
                "INSERT INTO job (id, lane, environment, envelope_id, state, due_at, created_at)
                 VALUES (?1, ?2, ?3, ?4, 'READY', ?5, ?6)",
                params![
                    self.new_id(JobId::new).to_string(),
                    kind.as_str(),
                    environment.as_str(),
                    envelope,
                    due_at.as_millis(),
                    self.now().as_millis(),
                ],
            )?;
        }
        self.has_news(Queue::Job);
        Ok(())
    }

    /// At start: what failed before is tried at once, since the cause may be what the restart mended. Tells how many there were.
    pub fn hurry_erring_jobs(&self) -> Result<usize, Error> {
        let hurried = self.run(
            "UPDATE job SET due_at = min(due_at, ?1) WHERE state = 'READY' AND last_error IS NOT NULL",
            [self.now().as_millis()],
        )?;
        self.has_news(Queue::Job);
        Ok(hurried)
    }

    /// Takes back what was asked for and hasn't begun.
    pub fn cancel_jobs(
        &self,
        kind: JobKind,
        environment: Environment,
        envelope: EnvelopeId,
    ) -> Result<(), Error> {
        self.run(
            "DELETE FROM job WHERE environment = ?1 AND envelope_id = ?2 AND lane = ?3 AND state = 'READY'",
            params![environment.as_str(), envelope.to_string(), kind.as_str()],
        )?;
        Ok(())
    }
}
