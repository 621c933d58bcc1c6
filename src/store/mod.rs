//! The database: SQLite, one writer, many readers. No SQL and no type of the database library leaves this module.
//!
//! [`Store::read`] and [`Store::write`] are the only ways in; a closure gets a transaction, never the store. The methods that
//! matter stand on [`ReadTx`] and [`WriteTx`], a file for each family of tables.
//!
//! **Two kinds of no.** A closure that returns `Err` has changed nothing: its savepoint is undone. What must be remembered in
//! spite of a refusal (a failed login, a used-up try) is written and returned as `Ok`, with the refusal as its value.
//!
//! **Durable** means: [`Store::write`] returns after the COMMIT was flushed. Changes that wait at the same moment share one flush.
//!
//! Ids are TEXT and times INTEGER (milliseconds since 1970). Tables that belong to an environment have it in their key, and each
//! query that serves a request binds it.

mod admins;
mod certificates;
mod chains;
mod connection;
mod documents;
mod envelopes;
mod error;
mod files;
mod jobs;
mod keys;
mod lists;
mod migrations;
mod outbox;
mod queue;
mod record;
mod replies;
mod row;
mod settings;
mod signal;
mod signing;
mod tx;
mod webhooks;
mod writer;

pub use admins::{Admin, AdminSession, Failures};
pub use certificates::{Certificate, RevocationList};
pub use documents::{Document, Warning};
pub use envelopes::Trail;
pub use error::{Cause, Error};
pub use jobs::{InvalidJobKind, Job, JobKind};
pub use keys::ApiKey;
pub use lists::{Page, Window};
pub use migrations::{Migrated, migrate};
pub use outbox::{About, Mail};
pub use queue::{Lease, Queue, Waiting, WorkState};
pub use replies::StoredReply;
pub use settings::Setting;
pub use signal::Signal;
pub use signing::{Draft, LinkTarget, SigningSession};
pub use tx::{ReadTx, WriteTx};
pub use webhooks::{Delivery, Webhook};
pub use writer::{OnFatal, Pending};

use crate::ambient::{Clock, Entropy};
use crate::domain::ids::BootId;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use writer::{Inbox, Tally, Writer};

/// Readers at once; one more waits, or is told that none is free.
const READERS_MAX: u32 = 16;

/// The database of one data folder. Shared by all threads; the writer ends when this is dropped.
pub struct Store {
    path: PathBuf,
    boot: BootId,
    clock: Arc<dyn Clock>,
    readers: connection::Pool,
    inbox: Arc<Inbox>,
    tally: Arc<Tally>,
    read_steps: AtomicU64,
    signals: Arc<[Signal; Queue::COUNT]>,
    checkpoint: Arc<Signal>,
    stopped: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// What the store has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Transactions committed by the writer, each with one flush.
    pub commits: u64,
    /// Changes that those carried.
    pub changes: u64,
    /// Steps of SQLite's virtual machine, readers and writer.
    pub steps: u64,
}

impl Store {
    /// Opens the database at `path`, or makes one where there is none. One that is older or newer than this program is refused;
    /// see [`migrate`].
    pub fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Error> {
        Self::open_with(path, clock, entropy, writer::abort_process())
    }

    /// Like [`Store::open`], with what to do when a COMMIT fails instead of ending the process.
    pub fn open_with(
        path: &Path,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        on_fatal: OnFatal,
    ) -> Result<Self, Error> {
        let mut conn = connection::open_writer(path)?;
        migrations::create_if_empty(&mut conn)?;
        migrations::expect_current(&conn)?;
        let mut random = [0; 10];
        entropy.fill(&mut random);
        let boot = BootId::new(clock.now(), random);
        let mut wal = path.as_os_str().to_owned();
        wal.push("-wal");
        let mut store = Self {
            path: path.to_owned(),
            boot,
            clock: Arc::clone(&clock),
            readers: connection::pool(path, READERS_MAX)?,
            inbox: Arc::default(),
            tally: Arc::default(),
            read_steps: AtomicU64::new(0),
            signals: Arc::default(),
            checkpoint: Arc::default(),
            stopped: Arc::default(),
            threads: Vec::with_capacity(2),
        };
        let writer = Writer {
            conn,
            wal: wal.into(),
            clock,
            entropy,
            boot,
            issued: tx::Issued::default(),
            inbox: Arc::clone(&store.inbox),
            tally: Arc::clone(&store.tally),
            signals: Arc::clone(&store.signals),
            checkpoint: Arc::clone(&store.checkpoint),
            on_fatal: Arc::clone(&on_fatal),
        };
        store.start("store-writer", move || writer.run())?;
        let conn = connection::open_checkpointer(path)?;
        let (signal, stopped) = (Arc::clone(&store.checkpoint), Arc::clone(&store.stopped));
        store.start("store-log", move || {
            writer::checkpoint_loop(conn, &signal, || stopped.load(Ordering::Acquire), &on_fatal);
        })?;
        Ok(store)
    }

    fn start(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Error> {
        let thread = std::thread::Builder::new()
            .name(name.into())
            .spawn(run)
            .map_err(|e| Error::Database(Cause::new(e)))?;
        self.threads.push(thread);
        Ok(())
    }

    /// Runs `closure` on a snapshot. Waits for a reader, at most five seconds.
    pub fn read<T, E: From<Error>>(
        &self,
        closure: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let conn = self.readers.get().map_err(|_| Error::Unavailable)?;
        self.read_on(&conn, closure)
    }

    /// Like [`Store::read`], but never waits: gives the closure back where no reader is free.
    pub fn try_read<T, E: From<Error>, F: FnOnce(&ReadTx<'_>) -> Result<T, E>>(
        &self,
        closure: F,
    ) -> Result<Result<T, E>, F> {
        match self.readers.try_get() {
            Some(conn) => Ok(self.read_on(&conn, closure)),
            None => Err(closure),
        }
    }

    fn read_on<T, E: From<Error>>(
        &self,
        conn: &Connection,
        closure: impl FnOnce(&ReadTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        /// Ends the snapshot also where the closure panics.
        struct End<'c>(&'c Connection);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                // Where this fails the pool sees an open transaction and closes the connection.
                let _ = execute(self.0, "ROLLBACK");
            }
        }
        execute(conn, "BEGIN").map_err(Error::from)?;
        let _end = End(conn);
        let tx = ReadTx::new(conn, self.clock.now());
        let result = closure(&tx);
        self.read_steps.fetch_add(tx.steps(), Ordering::Relaxed);
        result
    }

    /// Runs `closure` on the writer's thread and returns once what it wrote is durable. [`Error::Unavailable`] where too much
    /// waits. A panic of the closure is undone, and goes on here. Don't call it from inside a closure.
    pub fn write<T, E>(
        &self,
        closure: impl FnOnce(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.begin_write(closure)?.wait()
    }

    /// Like [`Store::write`], but comes back at once: the caller does something else (flushes a file) and then waits.
    pub fn begin_write<T, E>(
        &self,
        closure: impl FnOnce(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<Pending<T, E>, Error>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (change, pending) = writer::change(closure);
        self.inbox.push(change)?;
        Ok(pending)
    }

    /// Tells when something new may be due in a queue.
    pub fn signal(&self, queue: Queue) -> &Signal {
        &self.signals[queue.index()]
    }

    /// What was done so far.
    pub fn work(&self) -> Work {
        Work {
            commits: self.tally.commits.load(Ordering::Relaxed),
            changes: self.tally.changes.load(Ordering::Relaxed),
            steps: self.tally.steps.load(Ordering::Relaxed)
                + self.read_steps.load(Ordering::Relaxed),
        }
    }

    /// Reads the whole database and tells what is wrong with it, at most 100 lines; nothing where it is sound. `thorough` also
    /// compares the indexes with their tables. Takes long on a large database; blocks nobody.
    pub fn check(&self, thorough: bool) -> Result<Vec<String>, Error> {
        let conn = self.readers.get().map_err(|_| Error::Unavailable)?;
        let sql = if thorough {
            "PRAGMA integrity_check(100)"
        } else {
            "PRAGMA quick_check(100)"
        };
        let mut statement = conn.prepare(sql)?;
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
        let mut faults = lines.collect::<Result<Vec<_>, _>>()?;
        faults.retain(|line| line != "ok");
        Ok(faults)
    }

    /// This run of the process, as the audit trail names it.
    pub fn boot(&self) -> BootId {
        self.boot
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn execute(conn: &Connection, sql: &str) -> Result<(), rusqlite::Error> {
    conn.prepare_cached(sql)?.execute([]).map(drop)
}

impl Drop for Store {
    /// Takes no more changes, finishes those that wait, and lets SQLite copy its log.
    fn drop(&mut self) {
        self.inbox.stop();
        self.stopped.store(true, Ordering::Release);
        self.checkpoint.notify();
        for thread in self.threads.drain(..) {
            // A change may have held the last reference: the writer can't wait for itself, and ends by itself.
            if thread.thread().id() == std::thread::current().id() {
                continue;
            }
            // A panic there was reported already; there is nothing left to save here.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
