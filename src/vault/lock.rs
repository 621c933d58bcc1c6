//! The lock on the data folder: one server for each.

use super::{Error, create_private};
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::path::Path;

/// Held as long as this lives, and by no other process: who has it may recover, migrate and serve.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock of the data folder, which is made if it isn't there. [`Error::Busy`] if another process has it.
    pub fn acquire(data: &Path) -> Result<Self, Error> {
        use std::os::unix::fs::OpenOptionsExt as _;
        create_private(data).map_err(|e| Error::io("make the data folder", e))?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(data.join("lock"))
            .map_err(|e| Error::io("lock the data folder", e))?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(Errno::WOULDBLOCK) => Err(Error::Busy),
            Err(e) => Err(Error::io("lock the data folder", e)),
        }
    }
}
