//! Flushes: the only place that calls `fsync` and `fdatasync` outside SQLite, and counts them.

use super::Error;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Called when a flush failed, with what was flushed and what the system said. The real one doesn't return.
pub type OnFatal = Arc<dyn Fn(&str, &io::Error) + Send + Sync>;

/// Ends the process at once, after a line in the log.
pub(super) fn abort_process() -> OnFatal {
    Arc::new(|what, error| {
        tracing::error!(what, %error, "a flush failed: what is on the disk is unknown, so the process ends; restart recovers");
        std::process::abort()
    })
}

/// No space or no quota left: the one failure of a flush after which the world is still known.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

pub(super) struct Durable {
    flushes: AtomicU64,
    on_fatal: OnFatal,
}

impl fmt::Debug for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Durable")
            .field("flushes", &self.flushes)
            .finish_non_exhaustive()
    }
}

impl Durable {
    pub(super) fn new(on_fatal: OnFatal) -> Self {
        Self {
            flushes: AtomicU64::new(0),
            on_fatal,
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.flushes.load(Ordering::Relaxed)
    }

    /// A file's bytes (`fdatasync`).
    pub(super) fn flush_data(&self, file: &File) -> Result<(), Error> {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        self.judge("a file", rustix::fs::fdatasync(file))
    }

    /// A folder's entries (`fsync`).
    pub(super) fn flush_folder(&self, folder: &OwnedFd) -> Result<(), Error> {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        self.judge("a folder", rustix::fs::fsync(folder))
    }

    fn judge(&self, what: &str, outcome: rustix::io::Result<()>) -> Result<(), Error> {
        let Err(errno) = outcome else { return Ok(()) };
        let error = io::Error::from(errno);
        if is_full(&error) {
            return Err(Error::Full);
        }
        (self.on_fatal)(what, &error);
        Err(Error::Flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_failed_flush_is_fatal_and_not_retried() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let durable = Durable::new({
            let seen = Arc::clone(&seen);
            Arc::new(move |what, error| {
                seen.lock()
                    .unwrap()
                    .push(format!("{what}: {:?}", error.kind()));
            })
        });
        // A pipe can't be flushed: the kernel answers EINVAL.
        let (reader, _writer) = io::pipe().expect("pipe");
        let file = File::from(OwnedFd::from(reader));
        assert!(matches!(durable.flush_data(&file), Err(Error::Flush)));
        assert_eq!(*seen.lock().unwrap(), ["a file: InvalidInput"]);
        assert_eq!(durable.count(), 1);
    }

    #[test]
    fn a_full_disk_is_an_answer_and_not_fatal() {
        let durable = Durable::new(Arc::new(|_, _| panic!("not fatal")));
        for errno in [rustix::io::Errno::NOSPC, rustix::io::Errno::DQUOT] {
            assert!(matches!(
                durable.judge("a file", Err(errno)),
                Err(Error::Full)
            ));
        }
    }
}
