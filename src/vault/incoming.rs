//! Files on their way in: bounded, hashed while they are written, gone unless they get a name.

use super::durable::Durable;
use super::{Error, rename_new};
use crate::domain::digest::{Digest, Hasher};
use rustix::fs::{AtFlags, Mode, OFlags};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

/// A file in `incoming/`; its name goes when this goes.
#[derive(Debug)]
struct Temporary {
    file: File,
    folder: OwnedFd,
    name: String,
    named: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.named {
            // What stays in spite of this is removed at the next start.
            let _ = rustix::fs::unlinkat(&self.folder, self.name.as_str(), AtFlags::empty());
        }
    }
}

/// Takes the bytes of one file and hashes them in the same pass. Dropped unfinished, it leaves nothing behind.
pub struct Incoming {
    temporary: Temporary,
    hasher: Hasher,
    len: u64,
    bytes_max: u64,
}

impl Incoming {
    pub(super) fn new(file: File, folder: OwnedFd, name: String, bytes_max: u64) -> Self {
        Self {
            temporary: Temporary {
                file,
                folder,
                name,
                named: false,
            },
            hasher: Hasher::new(),
            len: 0,
            bytes_max,
        }
    }

    /// Adds `bytes` at the end; [`Error::TooLarge`] if that is more than was allowed, and nothing of them is written.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let len = self.len.saturating_add(bytes.len() as u64);
        if len > self.bytes_max {
            return Err(Error::TooLarge {
                bytes_max: self.bytes_max,
            });
        }
        self.temporary
            .file
            .write_all(bytes)
            .map_err(|e| Error::io("write a file", e))?;
        self.hasher.update(bytes);
        self.len = len;
        Ok(())
    }

    /// Bytes so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Nothing came yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All bytes are here. They aren't durable yet.
    pub fn finish(self) -> Result<Received, Error> {
        // Before the flush, so that the mode is on the disk with the bytes.
        rustix::fs::fchmod(&self.temporary.file, Mode::RUSR | Mode::RGRP | Mode::ROTH)
            .map_err(|e| Error::io("protect a file", e))?;
        Ok(Received {
            temporary: self.temporary,
            digest: self.hasher.finish(),
            len: self.len,
            durable: false,
        })
    }
}

impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming")
            .field("len", &self.len)
            .field("bytes_max", &self.bytes_max)
            .finish_non_exhaustive()
    }
}

/// For code that writes to a `Write`. The vault's own error is inside the `io::Error`: [`Error::from_write`] gets it out.
impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.append(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Error {
    /// The vault's error inside one that came through `Incoming`'s `Write`.
    pub fn from_write(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(other) => Self::io("write a file", other),
        }
    }
}

/// A whole file in `incoming/`, without its name. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Received {
    temporary: Temporary,
    digest: Digest,
    len: u64,
    durable: bool,
}

impl Received {
    /// SHA-256 of all bytes.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// A file of no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Opens it anew for reading, from its beginning.
    pub fn reopen(&self) -> Result<File, Error> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(
            &self.temporary.folder,
            self.temporary.name.as_str(),
            flags,
            Mode::empty(),
        )
        .map(File::from)
        .map_err(|e| Error::io("read a received file", e))
    }

    pub(super) fn flush(&mut self, durable: &Durable) -> Result<(), Error> {
        if !self.durable {
            durable.flush_data(&self.temporary.file)?;
            self.durable = true;
        }
        Ok(())
    }

    pub(super) fn rename_to(&mut self, folder: &OwnedFd, name: &str) -> Result<bool, Error> {
        let renamed = rename_new(&self.temporary.folder, &self.temporary.name, folder, name)?;
        self.temporary.named = renamed;
        Ok(renamed)
    }
}
