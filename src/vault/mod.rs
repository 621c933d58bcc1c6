//! The documents' bytes: files named by their SHA-256, written once, read with the digest checked.
//!
//! ```text
//! <data>/lock                                    held by the process that serves
//! <data>/incoming/<pid>-<n>                      being received, 0600; emptied at start
//! <data>/vault/<live|test>/<2 hex>/<sha256>      durable, 0444
//! <data>/derived/<live|test>/<sha256>/<name>     page images and the like; may be deleted at any time
//! ```
//!
//! **The order of flushes** (who keeps it survives a power cut at any instant):
//!
//! 1. [`Vault::incoming`] and its writes: bytes stream into `incoming/`, hashed in the same pass.
//! 2. `Received::flush` makes the bytes durable; at the same time the caller commits an *intent* row with the digest.
//! 3. [`Vault::put`] renames the file to its name and flushes the folder. Only then may a row name the digest.
//! 4. One transaction writes that row and drops the intent.
//!
//! Removal is the other way round: the row goes first, then [`Vault::remove_unless`] takes the file away, under the lock that
//! `put` holds while it renames, if neither a row nor an intent names it.
//!
//! An error of `fsync` or `fdatasync` (but a full disk) ends the process: afterwards nobody can know what is on the disk, so
//! there is no retry; recovery on restart settles it.

mod derived;
mod durable;
mod incoming;
mod lock;
mod stored;

pub use durable::OnFatal;
pub use incoming::{Incoming, Received};
pub use lock::DirectoryLock;
pub use stored::{Checked, Stored};

use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use durable::Durable;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the vault couldn't do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More came than the caller allowed.
    #[error("the file has more than {bytes_max} bytes")]
    TooLarge {
        /// The bound that was passed.
        bytes_max: u64,
    },
    /// The disk or the quota is full. Nothing was kept.
    #[error("the storage is full")]
    Full,
    /// No file has this digest.
    #[error("the vault has no file {0}")]
    Missing(Digest),
    /// The file's bytes don't have the digest that it is named by: rot, or somebody's hand.
    #[error("the vault's file {0} is damaged")]
    Damaged(Digest),
    /// Another process holds the data folder.
    #[error("the data folder is in use by another process")]
    Busy,
    /// A flush failed; reached only where the fatal handler returns (in tests).
    #[error("a flush failed")]
    Flush,
    /// Everything else that the file system says.
    #[error("the file system failed: {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// Sorts a full disk from the rest.
    fn io(doing: &'static str, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        if durable::is_full(&source) {
            return Self::Full;
        }
        Self::Io { doing, source }
    }
}

/// The folders of one data directory. Shared by all threads.
#[derive(Debug)]
pub struct Vault {
    data: PathBuf,
    incoming: OwnedFd,
    live: OwnedFd,
    test: OwnedFd,
    /// By the digest's first byte: held while a file gets or loses its name.
    naming: [Mutex<()>; 256],
    durable: Durable,
    next_incoming: AtomicU64,
    next_derived: AtomicU64,
}

impl Vault {
    /// Opens the vault in the folder `data`, making what is missing. Safe beside another process.
    pub fn open(data: &Path) -> Result<Self, Error> {
        Self::open_with(data, durable::abort_process())
    }

    /// Like [`Vault::open`], with what to do when a flush fails instead of ending the process.
    pub fn open_with(data: &Path, on_fatal: OnFatal) -> Result<Self, Error> {
        let durable = Durable::new(on_fatal);
        create_private(data).map_err(|e| Error::io("make the data folder", e))?;
        let root = open_folder(rustix::fs::CWD, data)?;
        for name in ["incoming", "derived", "vault"] {
            make_folder(&root, name)?;
        }
        let derived = open_folder(&root, Path::new("derived"))?;
        let vault = open_folder(&root, Path::new("vault"))?;
        let live = environment_folder(&vault, "live", &durable)?;
        let test = environment_folder(&vault, "test", &durable)?;
        make_folder(&derived, "live")?;
        make_folder(&derived, "test")?;
        // Each time: a process that died between making and flushing leaves folders that are there and not durable.
        durable.flush_folder(&vault)?;
        durable.flush_folder(&root)?;
        Ok(Self {
            incoming: open_folder(&root, Path::new("incoming"))?,
            data: data.to_owned(),
            live,
            test,
            naming: std::array::from_fn(|_| Mutex::new(())),
            durable,
            next_incoming: AtomicU64::new(0),
            next_derived: AtomicU64::new(0),
        })
    }

    /// Empties `incoming/` of what a crash left behind and tells how many files that were. Only for the holder of the
    /// [`DirectoryLock`], before it serves.
    pub fn recover(&self) -> Result<u64, Error> {
        let mut removed = 0;
        for name in names_in(&self.incoming)? {
            match rustix::fs::unlinkat(&self.incoming, name.as_str(), AtFlags::empty()) {
                Ok(()) => removed += 1,
                Err(Errno::NOENT) => {}
                Err(e) => return Err(Error::io("empty incoming/", e)),
            }
        }
        Ok(removed)
    }

    /// Begins to receive a file of at most `bytes_max` bytes.
    pub fn incoming(&self, bytes_max: u64) -> Result<Incoming, Error> {
        // Other processes may receive beside this one, in other PID namespaces even: O_EXCL decides, the number only helps.
        for _ in 0..1000 {
            let n = self.next_incoming.fetch_add(1, Ordering::Relaxed);
            let name = format!("{}-{n}", std::process::id());
            let flags =
                OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match rustix::fs::openat(
                &self.incoming,
                name.as_str(),
                flags,
                Mode::RUSR | Mode::WUSR,
            ) {
                Ok(fd) => {
                    let folder = self
                        .incoming
                        .try_clone()
                        .map_err(|e| Error::io("receive a file", e))?;
                    return Ok(Incoming::new(File::from(fd), folder, name, bytes_max));
                }
                Err(Errno::EXIST) => {}
                Err(e) => return Err(Error::io("receive a file", e)),
            }
        }
        Err(Error::Io {
            doing: "receive a file",
            source: io::ErrorKind::AlreadyExists.into(),
        })
    }

    /// Receives bytes that are already in memory.
    pub fn receive(&self, bytes: &[u8]) -> Result<Received, Error> {
        let mut incoming = self.incoming(bytes.len() as u64)?;
        incoming.append(bytes)?;
        incoming.finish()
    }

    /// Makes `received` durable if it isn't yet: step 2, for a caller that commits the intent meanwhile.
    pub fn flush(&self, received: &mut Received) -> Result<(), Error> {
        received.flush(&self.durable)
    }

    /// Gives the received file its name, durably. Equal bytes under the name already: success, and that file stays.
    /// [`Error::Damaged`] where the file that is there has other bytes; it is never overwritten.
    pub fn put(&self, environment: Environment, mut received: Received) -> Result<Stored, Error> {
        received.flush(&self.durable)?;
        let digest = received.digest();
        let folder = self.folder(environment, &digest)?;
        let name = digest.to_string();
        let naming = self.lock_name(&digest);
        let already = match self.open_named(&folder, &digest) {
            Ok(stored) => Some(stored),
            Err(Error::Missing(_)) => {
                if received.rename_to(&folder, &name)? {
                    None
                } else {
                    // Another process was faster.
                    Some(self.open_named(&folder, &digest)?)
                }
            }
            Err(e) => return Err(e),
        };
        drop(naming);
        let stored = match already {
            Some(there) => {
                there.check()?;
                if there.len() != received.len() {
                    return Err(Error::Damaged(digest));
                }
                // Its first writer may still be before its own flush.
                self.durable.flush_data(there.file())?;
                there
            }
            None => self.open_named(&folder, &digest)?,
        };
        self.durable.flush_folder(&folder)?;
        Ok(stored)
    }

    /// The file with this digest, after reading it through once to check it. For what needs random access.
    pub fn open_checked(&self, environment: Environment, digest: &Digest) -> Result<Stored, Error> {
        let stored = self.open_unchecked(environment, digest)?;
        stored.check()?;
        Ok(stored)
    }

    /// The file with this digest as a stream that is checked in passing: the last bytes come only if the digest of all is right.
    pub fn reader(&self, environment: Environment, digest: &Digest) -> Result<Checked, Error> {
        self.open_unchecked(environment, digest)?.into_checked()
    }

    /// The file with this digest, not read yet: for a caller that hashes all bytes itself in the same pass (the seal).
    pub fn open_unchecked(
        &self,
        environment: Environment,
        digest: &Digest,
    ) -> Result<Stored, Error> {
        let folder = self.folder(environment, digest)?;
        self.open_named(&folder, digest)
    }

    /// Removes the file unless `named` says that a row or an intent names it; `named` is asked while no file can get this name.
    /// True where nothing is left. What was derived from the file goes too.
    pub fn remove_unless<E: From<Error>>(
        &self,
        environment: Environment,
        digest: &Digest,
        named: impl FnOnce() -> Result<bool, E>,
    ) -> Result<bool, E> {
        let folder = self.folder(environment, digest)?;
        let naming = self.lock_name(digest);
        if named()? {
            return Ok(false);
        }
        match rustix::fs::unlinkat(&folder, digest.to_string(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(e) => return Err(Error::io("remove a file", e).into()),
        }
        drop(naming);
        self.durable.flush_folder(&folder)?;
        self.derived_forget(environment, digest)?;
        Ok(true)
    }

    /// The digests of all files of one environment whose first byte is `first`, sorted; other names are left out.
    pub fn digests(&self, environment: Environment, first: u8) -> Result<Vec<Digest>, Error> {
        let folder = open_folder(
            self.environment(environment),
            Path::new(&format!("{first:02x}")),
        )?;
        let mut digests: Vec<Digest> = names_in(&folder)?
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect();
        digests.sort_unstable();
        Ok(digests)
    }

    /// Bytes that may still be written here by this user.
    pub fn free_bytes(&self) -> Result<u64, Error> {
        let stat =
            rustix::fs::fstatvfs(&self.incoming).map_err(|e| Error::io("ask for free space", e))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// How many times `fsync` or `fdatasync` was called so far: the cost that nothing hides.
    pub fn flushes(&self) -> u64 {
        self.durable.count()
    }

    fn environment(&self, environment: Environment) -> &OwnedFd {
        match environment {
            Environment::Live => &self.live,
            Environment::Test => &self.test,
        }
    }

    fn folder(&self, environment: Environment, digest: &Digest) -> Result<OwnedFd, Error> {
        let [first, ..] = digest.as_bytes();
        open_folder(
            self.environment(environment),
            Path::new(&format!("{first:02x}")),
        )
    }

    fn lock_name(&self, digest: &Digest) -> MutexGuard<'_, ()> {
        let [first, ..] = digest.as_bytes();
        // 256 locks for 256 values of a byte. The lock guards no data, so a panic elsewhere spoils nothing.
        self.naming[usize::from(*first)]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn open_named(&self, folder: &OwnedFd, digest: &Digest) -> Result<Stored, Error> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(folder, digest.to_string(), flags, Mode::empty()) {
            Ok(fd) => Stored::new(*digest, File::from(fd)),
            Err(Errno::NOENT) => Err(Error::Missing(*digest)),
            Err(e) => Err(Error::io("open a file", e)),
        }
    }
}

fn open_folder(at: impl rustix::fd::AsFd, path: &Path) -> Result<OwnedFd, Error> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(at, path, flags, Mode::empty()).map_err(|e| Error::io("open a folder", e))
}

fn make_folder(at: &OwnedFd, name: &str) -> Result<(), Error> {
    match rustix::fs::mkdirat(at, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(e) => Err(Error::io("make a folder", e)),
    }
}

/// `vault/<name>` with its 256 folders, durable.
fn environment_folder(vault: &OwnedFd, name: &str, durable: &Durable) -> Result<OwnedFd, Error> {
    make_folder(vault, name)?;
    let folder = open_folder(vault, Path::new(name))?;
    for first in 0..=u8::MAX {
        make_folder(&folder, &format!("{first:02x}"))?;
    }
    durable.flush_folder(&folder)?;
    Ok(folder)
}

fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// The names in a folder, without `.` and `..`; names that are no UTF-8 aren't ours.
fn names_in(folder: &OwnedFd) -> Result<Vec<String>, Error> {
    let entries = Dir::read_from(folder).map_err(|e| Error::io("read a folder", e))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::io("read a folder", e))?;
        if let Ok(name) = entry.file_name().to_str()
            && name != "."
            && name != ".."
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Gives `from/name` the name `to/new`; false where that name is taken.
fn rename_new(from: &OwnedFd, name: &str, to: &OwnedFd, new: &str) -> Result<bool, Error> {
    match rustix::fs::renameat_with(from, name, to, new, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        // Some file systems can't; then a hard link refuses a taken name as well.
        Err(Errno::INVAL | Errno::NOSYS) => {
            match rustix::fs::linkat(from, name, to, new, AtFlags::empty()) {
                Ok(()) => {
                    rustix::fs::unlinkat(from, name, AtFlags::empty())
                        .map_err(|e| Error::io("name a file", e))?;
                    Ok(true)
                }
                Err(Errno::EXIST) => Ok(false),
                Err(e) => Err(Error::io("name a file", e)),
            }
        }
        Err(e) => Err(Error::io("name a file", e)),
    }
}

#[cfg(test)]
mod tests;
