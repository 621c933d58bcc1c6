//! The one writer: takes what waits, makes it one transaction, flushes once, then answers.
//!
//! ```text
//! take 1..128 ─ BEGIN IMMEDIATE ─ ( SAVEPOINT ─ closure ─ RELEASE, or ROLLBACK TO if it erred or panicked )* ─ COMMIT ─ answers
//! ```
//!
//! No timer: a lone change is committed at once, and while a COMMIT waits for the disk the next batch gathers by itself.

use super::error::{Cause, Error};
use super::queue::Queue;
use super::signal::Signal;
use super::tx::{Issued, WriteTx};
use crate::ambient::{Clock, Entropy};
use crate::domain::ids::BootId;
use rusqlite::{Connection, ErrorCode};
use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Changes in one transaction.
const BATCH_MAX: usize = 128;
/// Changes that may wait; one more is refused with [`Error::Unavailable`].
const WAITING_MAX: usize = 1024;
/// Changes after which the log is copied into the database file, in the background.
const CHECKPOINT_AFTER_CHANGES: u64 = 256;
/// A log that grew beyond this, because readers never let go, is copied and cut by the writer itself.
const WAL_BYTES_MAX: u64 = 64 << 20;

/// What waits for the writer.
pub(super) trait Change: Send {
    /// Runs the closure; true if what it wrote shall stay.
    fn run(&mut self, tx: &WriteTx<'_>) -> bool;
    /// Tells the caller. `undone` where the transaction came to nothing in spite of `run`.
    fn answer(self: Box<Self>, undone: Option<Error>);
}

enum Outcome<T, E> {
    Done(Result<T, E>),
    Panicked(Box<dyn Any + Send>),
}

struct Typed<F, T, E> {
    closure: Option<F>,
    outcome: Option<Outcome<T, E>>,
    reply: SyncSender<Outcome<T, E>>,
}

impl<F, T, E> Change for Typed<F, T, E>
where
    F: FnOnce(&WriteTx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn run(&mut self, tx: &WriteTx<'_>) -> bool {
        let Some(closure) = self.closure.take() else {
            return false;
        };
        // The closure owns what it touches, and what it wrote is undone: nothing half-done is seen afterwards.
        let outcome = match catch_unwind(AssertUnwindSafe(|| closure(tx))) {
            Ok(result) => Outcome::Done(result),
            Err(panic) => Outcome::Panicked(panic),
        };
        let stays = matches!(outcome, Outcome::Done(Ok(_)));
        self.outcome = Some(outcome);
        stays
    }

    fn answer(mut self: Box<Self>, undone: Option<Error>) {
        let outcome = match (undone, self.outcome.take()) {
            // A refusal or a panic stays what it was; a success that was undone is none.
            (Some(error), None | Some(Outcome::Done(Ok(_)))) => Outcome::Done(Err(error.into())),
            (_, Some(outcome)) => outcome,
            (None, None) => Outcome::Done(Err(Error::Unavailable.into())),
        };
        // Nobody may be waiting any more: the change is made all the same.
        let _ = self.reply.send(outcome);
    }
}

/// A change on its way. Dropping it doesn't take the change back.
#[must_use = "the change isn't durable before `wait` returns"]
pub struct Pending<T, E> {
    reply: Receiver<Outcome<T, E>>,
}

impl<T, E: From<Error>> Pending<T, E> {
    /// Waits for the COMMIT. A panic of the closure goes on here.
    pub fn wait(self) -> Result<T, E> {
        match self.reply.recv() {
            Ok(Outcome::Done(result)) => result,
            Ok(Outcome::Panicked(panic)) => resume_unwind(panic),
            // The writer is gone: the process is ending.
            Err(_) => Err(Error::Unavailable.into()),
        }
    }
}

/// Pairs a closure with the place where its answer arrives.
pub(super) fn change<F, T, E>(closure: F) -> (Box<dyn Change>, Pending<T, E>)
where
    F: FnOnce(&WriteTx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let (reply, pending) = sync_channel(1);
    let typed = Typed {
        closure: Some(closure),
        outcome: None,
        reply,
    };
    (Box::new(typed), Pending { reply: pending })
}

#[derive(Default)]
struct Waiting {
    changes: VecDeque<Box<dyn Change>>,
    stopping: bool,
}

/// Where changes wait for the writer.
#[derive(Default)]
pub(super) struct Inbox {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn push(&self, change: Box<dyn Change>) -> Result<(), Error> {
        let mut waiting = self.lock();
        if waiting.stopping || waiting.changes.len() >= WAITING_MAX {
            return Err(Error::Unavailable);
        }
        waiting.changes.push_back(change);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Takes no more; what waits is still done.
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.arrived.notify_all();
    }

    /// What waits, at least one; empty where there will be nothing more.
    fn take(&self) -> Vec<Box<dyn Change>> {
        let mut waiting = self.lock();
        while waiting.changes.is_empty() && !waiting.stopping {
            waiting = self
                .arrived
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let n = waiting.changes.len().min(BATCH_MAX);
        waiting.changes.drain(..n).collect()
    }
}

/// What the writer has done so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) commits: AtomicU64,
    pub(super) changes: AtomicU64,
    pub(super) steps: AtomicU64,
}

/// Called when a COMMIT failed for another reason than a full disk. The real one doesn't return.
pub type OnFatal = Arc<dyn Fn(&Error) + Send + Sync>;

/// Ends the process at once, after a line in the log.
pub(super) fn abort_process() -> OnFatal {
    Arc::new(|error| {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(%error, cause, "a commit failed: what is on the disk is unknown, so the process ends; restart recovers");
        std::process::abort()
    })
}

pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) wal: PathBuf,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) boot: BootId,
    pub(super) issued: Issued,
    pub(super) inbox: Arc<Inbox>,
    pub(super) tally: Arc<Tally>,
    pub(super) signals: Arc<[Signal; Queue::COUNT]>,
    pub(super) checkpoint: Arc<Signal>,
    pub(super) on_fatal: OnFatal,
}

impl Writer {
    /// Works until the inbox is stopped and empty.
    pub(super) fn run(self) {
        let mut since_checkpoint = 0;
        loop {
            let batch = self.inbox.take();
            if batch.is_empty() {
                return;
            }
            since_checkpoint += batch.len() as u64;
            self.settle(batch);
            if since_checkpoint >= CHECKPOINT_AFTER_CHANGES {
                since_checkpoint = 0;
                self.checkpoint.notify();
                self.cut_log();
            }
        }
    }

    /// Brings all changes of a batch to their answers.
    fn settle(&self, batch: Vec<Box<dyn Change>>) {
        let mut rest = VecDeque::from(batch);
        while !rest.is_empty() {
            self.transaction(&mut rest);
        }
    }

    /// One transaction over the first of `changes`: usually all of them; fewer where the database gave up in the middle.
    fn transaction(&self, changes: &mut VecDeque<Box<dyn Change>>) {
        if let Err(error) = self.execute("BEGIN IMMEDIATE") {
            for change in changes.drain(..) {
                change.answer(Some(self.classify(&error)));
            }
            return;
        }
        let mut done = Vec::with_capacity(changes.len());
        let mut news = 0;
        let mut kept = 0;
        let mut steps = 0;
        while let Some(mut change) = changes.pop_front() {
            let outcome = self.savepoint(change.as_mut(), &mut news, &mut steps);
            done.push(change);
            match outcome {
                Ok(stays) => kept += u64::from(stays),
                Err(error) => {
                    // Nobody knows what of this transaction is left: all of it goes, and what hasn't run begins anew.
                    self.roll_back();
                    for change in done {
                        change.answer(Some(self.classify(&error)));
                    }
                    return;
                }
            }
        }
        let committed = self.execute("COMMIT");
        self.tally.steps.fetch_add(steps, Ordering::Relaxed);
        match committed {
            Ok(()) => {
                self.tally.commits.fetch_add(1, Ordering::Relaxed);
                self.tally.changes.fetch_add(kept, Ordering::Relaxed);
                for queue in Queue::ALL {
                    if news & queue.bit() != 0
                        && let Some(signal) = self.signals.get(queue.index())
                    {
                        signal.notify();
                    }
                }
                for change in done {
                    change.answer(None);
                }
            }
            Err(error) => {
                self.roll_back();
                let error = self.classify(&error);
                if !matches!(error, Error::Full | Error::Unavailable) {
                    (self.on_fatal)(&error);
                }
                for change in done {
                    change.answer(Some(match error {
                        Error::Full => Error::Full,
                        _ => Error::Unavailable,
                    }));
                }
            }
        }
    }

    /// Runs one change; an error means that the transaction as a whole is lost.
    fn savepoint(
        &self,
        change: &mut dyn Change,
        news: &mut u8,
        steps: &mut u64,
    ) -> Result<bool, rusqlite::Error> {
        self.execute("SAVEPOINT change")?;
        let tx = WriteTx::new(
            &self.conn,
            self.clock.as_ref(),
            self.entropy.as_ref(),
            self.boot,
            &self.issued,
        );
        let stays = change.run(&tx);
        *steps += tx.steps();
        // SQLite itself rolls everything back on some errors (no space, no memory, input or output). The change that met it has
        // its own answer; the others of the batch may try again.
        if self.conn.is_autocommit() {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                Some("the database rolled the transaction back".into()),
            ));
        }
        if stays {
            *news |= tx.news();
        } else {
            self.execute("ROLLBACK TO change")?;
        }
        self.execute("RELEASE change")?;
        Ok(stays)
    }

    fn execute(&self, sql: &str) -> Result<(), rusqlite::Error> {
        self.conn.prepare_cached(sql)?.execute([]).map(drop)
    }

    fn roll_back(&self) {
        if !self.conn.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK")
        {
            // A transaction that neither commits nor rolls back would swallow all that follows.
            (self.on_fatal)(&Error::Database(Cause::new(error)));
        }
    }

    fn classify(&self, error: &rusqlite::Error) -> Error {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Error::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Unavailable,
            _ => Error::Database(Cause::new(error.to_string())),
        }
    }

    /// Only where the background can't keep up: readers are short, so this waits little.
    fn cut_log(&self) {
        let bytes = std::fs::metadata(&self.wal).map_or(0, |meta| meta.len());
        if bytes > WAL_BYTES_MAX
            && let Err(error) = checkpoint(&self.conn, "TRUNCATE")
        {
            if is_failed_flush(&error) {
                (self.on_fatal)(&Error::Database(Cause::new(error)));
                return;
            }
            tracing::warn!(%error, bytes, "the write-ahead log can't be cut");
        }
    }
}

/// Copies the log into the database file.
pub(super) fn checkpoint(conn: &Connection, mode: &str) -> Result<(), rusqlite::Error> {
    conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))
}

/// Copies the log whenever the writer asks, until `stopped` says so.
pub(super) fn checkpoint_loop(
    conn: Connection,
    signal: &Signal,
    stopped: impl Fn() -> bool,
    on_fatal: &OnFatal,
) {
    let mut seen = 0;
    while !stopped() {
        let now = signal.wait(seen, std::time::Duration::from_secs(60));
        if now == seen || stopped() {
            continue;
        }
        seen = now;
        match checkpoint(&conn, "PASSIVE") {
            Ok(()) => {}
            Err(error) if is_failed_flush(&error) => {
                on_fatal(&Error::Database(Cause::new(error)));
            }
            Err(error) => tracing::warn!(%error, "the write-ahead log can't be copied now"),
        }
    }
}

fn is_failed_flush(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|e| e.extended_code);
    matches!(
        code,
        Some(rusqlite::ffi::SQLITE_IOERR_FSYNC | rusqlite::ffi::SQLITE_IOERR_DIR_FSYNC)
    )
}
