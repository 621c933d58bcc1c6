//! Files that have their name, read with their digest checked.

use super::Error;
use crate::domain::digest::{Digest, Hasher};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

const BLOCK_BYTES: usize = 128 * 1024;

/// A file of the vault, open for reading.
#[derive(Debug)]
pub struct Stored {
    digest: Digest,
    len: u64,
    file: File,
}

impl Stored {
    pub(super) fn new(digest: Digest, file: File) -> Result<Self, Error> {
        let len = file
            .metadata()
            .map_err(|e| Error::io("measure a file", e))?
            .len();
        Ok(Self { digest, len, file })
    }

    /// The name: what the bytes must hash to.
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

    /// The open file. Its position is shared; read at offsets.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Reads all bytes and compares their digest with the name: [`Error::Damaged`]. Doesn't move the file's position.
    pub fn check(&self) -> Result<(), Error> {
        let mut hasher = Hasher::new();
        let mut block = vec![0; BLOCK_BYTES];
        let mut offset = 0;
        loop {
            let n =
                read_at(&self.file, &mut block, offset).map_err(|e| Error::io("read a file", e))?;
            if n == 0 {
                break;
            }
            hasher.update(block.get(..n).unwrap_or_default());
            offset += n as u64;
        }
        if hasher.finish() != self.digest || offset != self.len {
            return Err(Error::Damaged(self.digest));
        }
        Ok(())
    }

    pub(super) fn into_checked(self) -> Result<Checked, Error> {
        Ok(Checked {
            remaining: self.len,
            len: self.len,
            hasher: Some(Hasher::new()),
            digest: self.digest,
            file: self.file,
            held: Vec::new(),
            given: 0,
            failed: false,
        })
    }
}

fn read_at(file: &File, block: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(block, offset) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// A stream over a file of the vault. The last block comes only once the digest of the whole is known to be right, so a reader
/// that got `len` bytes got the right ones; otherwise it ends in an error whose inner value is [`Error::Damaged`].
pub struct Checked {
    digest: Digest,
    len: u64,
    remaining: u64,
    file: File,
    hasher: Option<Hasher>,
    /// A block read and hashed; `given` bytes of it were handed out.
    held: Vec<u8>,
    given: usize,
    /// Once wrong, wrong for good: a reader that goes on must not take the failure for the end.
    failed: bool,
}

impl std::fmt::Debug for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checked")
            .field("digest", &self.digest)
            .field("len", &self.len)
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}

impl Checked {
    /// Bytes in all.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// A file of no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn damaged(&self) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, Error::Damaged(self.digest))
    }

    fn next_block(&mut self) -> io::Result<()> {
        if self.failed {
            return Err(self.damaged());
        }
        let Some(hasher) = self.hasher.as_mut() else {
            return Ok(());
        };
        let want = usize::try_from(self.remaining)
            .unwrap_or(BLOCK_BYTES)
            .min(BLOCK_BYTES);
        self.held.resize(want, 0);
        self.given = 0;
        // A file that lost its end fails here.
        if let Err(e) = self.file.read_exact(&mut self.held) {
            self.held.clear();
            self.failed = true;
            return Err(match e.kind() {
                io::ErrorKind::UnexpectedEof => self.damaged(),
                _ => e,
            });
        }
        hasher.update(&self.held);
        self.remaining -= want as u64;
        if self.remaining == 0 {
            let found = self.hasher.take().map(Hasher::finish);
            if found != Some(self.digest) {
                self.held.clear();
                self.failed = true;
                return Err(self.damaged());
            }
        }
        Ok(())
    }
}

impl Read for Checked {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.given == self.held.len() {
            self.held.clear();
            self.given = 0;
            self.next_block()?;
        }
        let left = self.held.get(self.given..).unwrap_or_default();
        let n = left.len().min(out.len());
        for (to, from) in out.iter_mut().zip(left) {
            *to = *from;
        }
        self.given += n;
        Ok(n)
    }
}
