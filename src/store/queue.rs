//! Work that waits: jobs, webhook deliveries, mails. Three tables, the same columns, the same code.
//!
//! A piece of work is *leased*, not locked: a short transaction claims it, the work is done outside of any transaction, and a
//! second one records the result, which is refused if the lease was lost meanwhile. So every piece may run twice.
//!
//! | state | leaves by |
//! |---|---|
//! | READY | a claim, once `due_at` is reached; with an error behind it also a person's retry, which hurries it |
//! | LEASED | its result; or another claim, once `due_at`, the end of the lease, is reached |
//! | DONE | housekeeping |
//! | FAILED | a person's retry; housekeeping, much later |
//! | CAPTURED | a person's release (mail that did not leave by itself); housekeeping, much later |
//!
//! Work is sorted into *lanes*: a job's kind, a delivery's webhook. A claim looks at the head of each lane that it is asked for,
//! so a lane that is stuck costs the others nothing, however long it is.

use super::error::Error;
use super::lists::Window;
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::environment::InvalidEnvironment;
use crate::domain::ids::{DeliveryId, EventId, JobId, MailId};
use crate::domain::limits;
use crate::domain::time::Timestamp;
use rusqlite::{Row, params};
use std::time::Duration;

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queue {
    /// What the appliance does by itself: sealing, timers.
    Job,
    /// Webhooks.
    Delivery,
    /// The outbox.
    Mail,
}

impl Queue {
    /// How many there are.
    pub(super) const COUNT: usize = 3;
    /// All of them.
    pub const ALL: [Self; Self::COUNT] = [Self::Job, Self::Delivery, Self::Mail];

    /// Its name: in logs, metrics and the admin pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Delivery => "delivery",
            Self::Mail => "mail",
        }
    }

    pub(super) const fn index(self) -> usize {
        match self {
            Self::Job => 0,
            Self::Delivery => 1,
            Self::Mail => 2,
        }
    }

    pub(super) const fn bit(self) -> u8 {
        1 << self.index()
    }

    /// A statement for this queue's table: `{queue}` is its name, `{about}` the column that tells what a piece is about.
    fn sql(self, template: &str) -> String {
        let about = match self {
            Self::Job | Self::Mail => "envelope_id",
            Self::Delivery => "lane",
        };
        template
            .replace("{queue}", self.as_str())
            .replace("{about}", about)
    }
}

/// How far a piece of work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkState {
    /// Waits for its time.
    Ready,
    /// Somebody is at it.
    Leased,
    /// Done.
    Done,
    /// Given up; a person may retry it.
    Failed,
    /// Kept instead of sent.
    Captured,
}

impl WorkState {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Ready,
        Self::Leased,
        Self::Done,
        Self::Failed,
        Self::Captured,
    ];

    /// As in the database and on the admin pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::Leased => "LEASED",
            Self::Done => "DONE",
            Self::Failed => "FAILED",
            Self::Captured => "CAPTURED",
        }
    }

    pub(super) fn read(text: &str) -> Result<Self, Error> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Error::damaged("state of work", text.to_owned()))
    }
}

/// The right to work on one piece and to record the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub(super) queue: Queue,
    pub(super) id: String,
    pub(super) number: i64,
    pub(super) tries: u32,
}

impl Lease {
    /// The id of the work, as text.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Which queue.
    pub fn queue(&self) -> Queue {
        self.queue
    }

    /// How often it was begun, this time included: 1 is the first.
    pub fn tries(&self) -> u32 {
        self.tries
    }
}

/// A piece of work as the admin pages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its id, as text.
    pub id: String,
    /// What kind of job; which webhook.
    pub lane: String,
    /// The id of the envelope concerned; for a delivery that of the webhook.
    pub about: Option<String>,
    /// How far it is.
    pub state: WorkState,
    /// When it may be begun; for leased work, when the lease ends.
    pub due_at: Timestamp,
    /// How often it was begun.
    pub tries: u32,
    /// Why it didn't go, the last time.
    pub last_error: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was done, given up or captured.
    pub ended_at: Option<Timestamp>,
}

pub(super) fn waiting(row: &Row<'_>) -> Result<Waiting, Error> {
    Ok(Waiting {
        id: row.get(0)?,
        lane: row.get(1)?,
        state: WorkState::read(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?,
        due_at: Timestamp::from_millis(row.get(3)?),
        tries: row.get(4)?,
        last_error: row.get(5)?,
        created_at: Timestamp::from_millis(row.get(6)?),
        ended_at: row.get::<_, Option<i64>>(7)?.map(Timestamp::from_millis),
        about: row.get(8)?,
    })
}

/// What [`waiting`] reads, of a job.
pub(super) const WAITING_JOB: &str =
    "id, lane, state, due_at, tries, last_error, created_at, ended_at, envelope_id";

impl ReadTx<'_> {
    /// When something is next due in `lanes`: the earliest of work that waits and of leases that end.
    pub(super) fn next_due_in(
        &self,
        queue: Queue,
        lanes: &[&str],
    ) -> Result<Option<Timestamp>, Error> {
        let sql = queue.sql(
            "SELECT due_at FROM {queue} WHERE lane = ?1 AND state IN ('READY', 'LEASED') ORDER BY due_at LIMIT 1",
        );
        let mut next: Option<i64> = None;
        for lane in lanes {
            let due = self.find(&sql, [lane], |row| Ok(row.get(0)?))?;
            next = [next, due].into_iter().flatten().min();
        }
        Ok(next.map(Timestamp::from_millis))
    }

    /// The newest `limit` pieces in one state: what failed, what was captured.
    pub fn work_in(
        &self,
        queue: Queue,
        state: WorkState,
        window: Window,
    ) -> Result<Vec<Waiting>, Error> {
        let sql = queue.sql(
            "SELECT id, lane, state, due_at, tries, last_error, created_at, ended_at, {about} FROM {queue}
             WHERE state = ?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3",
        );
        let offset = row::signed(window.offset);
        self.all(&sql, params![state.as_str(), window.limit, offset], waiting)
    }

    /// How many pieces are in one state, counted to `cap`.
    pub fn count_work(&self, queue: Queue, state: WorkState, cap: u32) -> Result<u32, Error> {
        let sql =
            queue.sql("SELECT count(*) FROM (SELECT 1 FROM {queue} WHERE state = ?1 LIMIT ?2)");
        let count = self.find(&sql, params![state.as_str(), cap], |row| Ok(row.get(0)?))?;
        Ok(count.unwrap_or(0))
    }

    /// One piece by its id.
    pub fn work(&self, queue: Queue, id: &str) -> Result<Option<Waiting>, Error> {
        let sql = queue.sql(
            "SELECT id, lane, state, due_at, tries, last_error, created_at, ended_at, {about} FROM {queue} WHERE id = ?1",
        );
        self.find(&sql, [id], waiting)
    }

    /// Whether the lease is still the one that was given: nobody else took the work, and it has no result yet.
    pub fn holds(&self, lease: &Lease) -> Result<bool, Error> {
        let sql = lease
            .queue
            .sql("SELECT 1 FROM {queue} WHERE id = ?1 AND state = 'LEASED' AND lease = ?2");
        self.exists(&sql, params![lease.id, lease.number])
    }
}

impl WriteTx<'_> {
    /// The id of the work that has been due longest in `lanes`.
    fn due_in(&self, queue: Queue, lanes: &[&str]) -> Result<Option<String>, Error> {
        let sql = queue.sql(
            "SELECT due_at, id FROM {queue} WHERE lane = ?1 AND state IN ('READY', 'LEASED') AND due_at <= ?2
             ORDER BY due_at, id LIMIT 1",
        );
        let mut first: Option<(i64, String)> = None;
        for lane in lanes {
            let due = self.find(&sql, params![lane, self.now().as_millis()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
            first = [first, due].into_iter().flatten().min();
        }
        Ok(first.map(|(_, id)| id))
    }

    /// Takes the work that has been due longest in `lanes`, for `span`.
    pub(super) fn claim_in(
        &self,
        queue: Queue,
        lanes: &[&str],
        span: Duration,
    ) -> Result<Option<Lease>, Error> {
        match self.due_in(queue, lanes)? {
            Some(id) => self.lease(queue, id, span).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn lease(&self, queue: Queue, id: String, span: Duration) -> Result<Lease, Error> {
        let sql = queue.sql(
            "UPDATE {queue} SET state = 'LEASED', lease = lease + 1, tries = tries + 1, due_at = ?2 WHERE id = ?1
             RETURNING lease, tries",
        );
        let until = self.now().plus(span).as_millis();
        let (number, tries) = self
            .find(&sql, params![id, until], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .ok_or(Error::Missing("piece of work"))?;
        Ok(Lease {
            queue,
            id,
            number,
            tries,
        })
    }

    /// Keeps the work for `span` from now. [`Error::Conflict`] if the lease is lost.
    pub fn renew(&self, lease: &Lease, span: Duration) -> Result<(), Error> {
        let sql = lease.queue.sql(
            "UPDATE {queue} SET due_at = ?3 WHERE id = ?1 AND state = 'LEASED' AND lease = ?2",
        );
        let until = self.now().plus(span).as_millis();
        self.ours(
            lease,
            self.run(&sql, params![lease.id, lease.number, until])?,
        )
    }

    /// The work could not be begun, through no fault of its own: it waits until `again_at`, and this try doesn't count.
    /// [`Error::Conflict`] as in [`WriteTx::finish`].
    pub fn postpone(&self, lease: &Lease, again_at: Timestamp) -> Result<(), Error> {
        let sql = lease.queue.sql(
            "UPDATE {queue} SET state = 'READY', due_at = ?3, tries = max(tries - 1, 0)
             WHERE id = ?1 AND state = 'LEASED' AND lease = ?2",
        );
        let at = again_at.as_millis();
        self.ours(lease, self.run(&sql, params![lease.id, lease.number, at])?)?;
        self.has_news(lease.queue);
        Ok(())
    }

    /// The work is done. [`Error::Conflict`] if the lease is lost: then nothing of this transaction may stay.
    pub fn finish(&self, lease: &Lease) -> Result<(), Error> {
        self.end(lease, WorkState::Done, None)
    }

    /// The work is kept instead of done (mail in an environment that sends none). [`Error::Conflict`] as in [`WriteTx::finish`].
    pub fn capture(&self, lease: &Lease) -> Result<(), Error> {
        self.end(lease, WorkState::Captured, None)
    }

    /// The work didn't succeed: again at `retry_at`, or given up where there is none. `reason` is for people, and cut to
    /// [`limits::ANSWER_CHARS_MAX`]. [`Error::Conflict`] as in [`WriteTx::finish`].
    pub fn fail(
        &self,
        lease: &Lease,
        retry_at: Option<Timestamp>,
        reason: &str,
    ) -> Result<(), Error> {
        let reason: String = reason.chars().take(limits::ANSWER_CHARS_MAX).collect();
        let Some(retry_at) = retry_at else {
            return self.end(lease, WorkState::Failed, Some(&reason));
        };
        let sql = lease.queue.sql(
            "UPDATE {queue} SET state = 'READY', due_at = ?3, last_error = ?4
             WHERE id = ?1 AND state = 'LEASED' AND lease = ?2",
        );
        let at = retry_at.as_millis();
        self.ours(
            lease,
            self.run(&sql, params![lease.id, lease.number, at, reason])?,
        )?;
        // A loop that sleeps until a later moment has to hear of this one.
        self.has_news(lease.queue);
        Ok(())
    }

    fn end(&self, lease: &Lease, state: WorkState, reason: Option<&str>) -> Result<(), Error> {
        let sql = lease.queue.sql(
            "UPDATE {queue} SET state = ?3, ended_at = ?4, last_error = coalesce(?5, last_error)
             WHERE id = ?1 AND state = 'LEASED' AND lease = ?2",
        );
        let now = self.now().as_millis();
        let changed = self.run(
            &sql,
            params![lease.id, lease.number, state.as_str(), now, reason],
        )?;
        self.ours(lease, changed)?;
        // A place in flight is free again.
        if lease.queue == Queue::Delivery {
            self.has_news(Queue::Delivery);
        }
        Ok(())
    }

    fn ours(&self, _: &Lease, changed: usize) -> Result<(), Error> {
        if changed == 1 {
            Ok(())
        } else {
            Err(Error::Conflict("lease"))
        }
    }

    /// Work is tried again at once: failed work from its first try; what waits after an error is only hurried. False where it is
    /// in another state.
    pub fn retry(&self, queue: Queue, id: &str) -> Result<bool, Error> {
        let sql = queue.sql(
            "UPDATE {queue} SET tries = CASE state WHEN 'FAILED' THEN 0 ELSE tries END, state = 'READY', due_at = ?2, ended_at = NULL
             WHERE id = ?1 AND (state = 'FAILED' OR state = 'READY' AND last_error IS NOT NULL)",
        );
        let changed = self.run(&sql, params![id, self.now().as_millis()])?;
        self.has_news(queue);
        Ok(changed == 1)
    }

    /// Captured work goes on, from its first try. False where it is in another state.
    pub fn release(&self, queue: Queue, id: &str) -> Result<bool, Error> {
        let sql = queue.sql(
            "UPDATE {queue} SET state = 'READY', due_at = ?2, tries = 0, ended_at = NULL WHERE id = ?1 AND state = 'CAPTURED'",
        );
        let changed = self.run(&sql, params![id, self.now().as_millis()])?;
        self.has_news(queue);
        Ok(changed == 1)
    }

    /// At start, by the holder of the data folder's lock: whoever held these leases is gone. Tells how many there were.
    pub fn release_leases(&self) -> Result<usize, Error> {
        let mut released = 0;
        for queue in Queue::ALL {
            let sql =
                queue.sql("UPDATE {queue} SET state = 'READY', due_at = ?1 WHERE state = 'LEASED'");
            released += self.run(&sql, [self.now().as_millis()])?;
            self.has_news(queue);
        }
        Ok(released)
    }

    /// Deletes up to `limit` pieces that have ended in `state` and were asked for before `before`, with what only they needed. Tells
    /// how many. What is open stays, whatever is asked.
    pub fn forget_work(
        &self,
        queue: Queue,
        state: WorkState,
        before: Timestamp,
        limit: u32,
    ) -> Result<usize, Error> {
        if matches!(state, WorkState::Ready | WorkState::Leased) {
            return Ok(0);
        }
        // Ids sort by the moment they were made: the least one of that moment is the border.
        let border = match queue {
            Queue::Job => JobId::new(before, [0; 10]).to_string(),
            Queue::Delivery => DeliveryId::new(before, [0; 10]).to_string(),
            Queue::Mail => MailId::new(before, [0; 10]).to_string(),
        };
        let sql = queue.sql(
            "DELETE FROM {queue} WHERE rowid IN (
                 SELECT rowid FROM {queue} WHERE state = ?3 AND id < ?1 ORDER BY id LIMIT ?2)
             RETURNING lane",
        );
        let lanes = self.all(&sql, params![border, limit, state.as_str()], |r| {
            Ok(r.get::<_, String>(0)?)
        })?;
        match queue {
            Queue::Job => {}
            Queue::Mail => {
                for lane in &lanes {
                    let environment = lane
                        .parse()
                        .map_err(|e: InvalidEnvironment| Error::damaged("environment", e))?;
                    self.count(environment, "mail", -1)?;
                }
            }
            Queue::Delivery => {
                self.run(
                    "DELETE FROM webhook_event WHERE id IN (
                         SELECT id FROM webhook_event e WHERE id < ?1
                             AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.event_id = e.id) ORDER BY id LIMIT ?2)",
                    params![EventId::new(before, [0; 10]).to_string(), limit],
                )?;
            }
        }
        Ok(lanes.len())
    }
}
