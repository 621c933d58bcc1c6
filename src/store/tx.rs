//! What a closure gets: a transaction to read in, or to read and write in. The methods that matter are beside their tables.

use super::error::Error;
use super::queue::Queue;
use crate::ambient::{Clock, Entropy};
use crate::domain::ids::BootId;
use crate::domain::time::Timestamp;
use rusqlite::{CachedStatement, Connection, Params, Row, StatementStatus};
use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// A snapshot of the database, and the moment it was asked for.
pub struct ReadTx<'c> {
    conn: &'c Connection,
    now: Timestamp,
    steps: Cell<u64>,
}

/// The same, with the right to write. It sees what earlier changes of the same batch wrote.
pub struct WriteTx<'c> {
    read: ReadTx<'c>,
    monotonic: Duration,
    entropy: &'c dyn Entropy,
    boot: BootId,
    issued: &'c Issued,
    news: Cell<u8>,
}

/// How many ids were made in the newest millisecond: puts ids of one moment in the order of their making.
#[derive(Debug, Default)]
pub(super) struct Issued(Cell<(i64, u16)>);

impl Issued {
    fn next(&self, at: Timestamp) -> u16 {
        let (last, n) = self.0.get();
        let n = if last == at.as_millis() {
            n.saturating_add(1)
        } else {
            0
        };
        self.0.set((at.as_millis(), n));
        n
    }
}

/// A prepared statement that counts what it costs.
pub(super) struct Prepared<'t> {
    statement: CachedStatement<'t>,
    steps: &'t Cell<u64>,
}

impl<'t> Deref for Prepared<'t> {
    type Target = CachedStatement<'t>;

    fn deref(&self) -> &Self::Target {
        &self.statement
    }
}

impl DerefMut for Prepared<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.statement
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        let steps = self.statement.reset_status(StatementStatus::VmStep);
        self.steps
            .set(self.steps.get() + u64::from(steps.unsigned_abs()));
    }
}

impl<'c> ReadTx<'c> {
    pub(super) fn new(conn: &'c Connection, now: Timestamp) -> Self {
        Self {
            conn,
            now,
            steps: Cell::new(0),
        }
    }

    /// The clock, read once when this began.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Steps of SQLite's virtual machine so far: the work that was done, whatever the machine.
    pub fn steps(&self) -> u64 {
        self.steps.get()
    }

    pub(super) fn prepare(&self, sql: &str) -> Result<Prepared<'_>, Error> {
        Ok(Prepared {
            statement: self.conn.prepare_cached(sql)?,
            steps: &self.steps,
        })
    }

    /// The one row, or none.
    pub(super) fn find<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params)?;
        match rows.next()? {
            Some(row) => read(row).map(Some),
            None => Ok(None),
        }
    }

    /// All rows. The statement bounds how many.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }

    pub(super) fn exists(&self, sql: &str, params: impl Params) -> Result<bool, Error> {
        Ok(self.prepare(sql)?.exists(params)?)
    }
}

impl<'c> WriteTx<'c> {
    pub(super) fn new(
        conn: &'c Connection,
        clock: &dyn Clock,
        entropy: &'c dyn Entropy,
        boot: BootId,
        issued: &'c Issued,
    ) -> Self {
        Self {
            read: ReadTx::new(conn, clock.now()),
            monotonic: clock.monotonic(),
            entropy,
            boot,
            issued,
            news: Cell::new(0),
        }
    }

    /// Time since the process started, read together with [`ReadTx::now`].
    pub(super) fn monotonic(&self) -> Duration {
        self.monotonic
    }

    /// This run of the process.
    pub(super) fn boot(&self) -> BootId {
        self.boot
    }

    /// `N` random bytes, fit for keys and salts.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// A new id, made now: `tx.new_id(EnvelopeId::new)`. Later ones sort after earlier ones, within a millisecond too: 16 of the 80
    /// bits beside the time count, 64 are random.
    pub fn new_id<T>(&self, make: impl FnOnce(Timestamp, [u8; 10]) -> T) -> T {
        let [n0, n1] = self.issued.next(self.now()).to_be_bytes();
        let [r0, r1, r2, r3, r4, r5, r6, r7] = self.random();
        make(self.now(), [n0, n1, r0, r1, r2, r3, r4, r5, r6, r7])
    }

    /// Runs a statement and tells how many rows it changed.
    pub(super) fn run(&self, sql: &str, params: impl Params) -> Result<usize, Error> {
        Ok(self.prepare(sql)?.execute(params)?)
    }

    /// Like [`WriteTx::run`]; a key that is taken is [`Error::Duplicate`].
    pub(super) fn insert(
        &self,
        what: &'static str,
        sql: &str,
        params: impl Params,
    ) -> Result<(), Error> {
        self.prepare(sql)?
            .execute(params)
            .map(drop)
            .map_err(Error::duplicate(what))
    }

    /// After COMMIT, those who wait for this queue are woken.
    pub(super) fn has_news(&self, queue: Queue) {
        self.news.set(self.news.get() | queue.bit());
    }

    pub(super) fn news(&self) -> u8 {
        self.news.get()
    }
}

impl<'c> Deref for WriteTx<'c> {
    type Target = ReadTx<'c>;

    fn deref(&self) -> &ReadTx<'c> {
        &self.read
    }
}
