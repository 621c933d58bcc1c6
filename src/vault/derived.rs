//! A cache of what can be computed again from a file of the vault: page images. Never flushed; each entry carries its own digest,
//! so one that a crash or a hand spoiled is a miss.

use super::{Error, Vault};
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Before the bytes of each entry.
const DIGEST_BYTES: usize = 32;
const NAME_BYTES_MAX: usize = 64;

impl Vault {
    /// What was kept as `name` for the file `digest`; `None` if nothing was, or it is spoiled.
    pub fn derived(
        &self,
        environment: Environment,
        digest: &Digest,
        name: &str,
    ) -> Result<Option<Vec<u8>>, Error> {
        let path = self
            .derived_folder(environment, digest)
            .join(checked(name)?);
        let mut bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io("read the cache", e)),
        };
        if let Some((head, body)) = bytes.split_at_checked(DIGEST_BYTES)
            && Digest::of(body).as_bytes() == head
        {
            bytes.drain(..DIGEST_BYTES);
            return Ok(Some(bytes));
        }
        let _ = fs::remove_file(&path);
        Ok(None)
    }

    /// Keeps `bytes` as `name` for the file `digest`, as long as there is room. `name`: 1 to 64 of `a-z 0-9 - .`, not first a dot.
    pub fn derived_put(
        &self,
        environment: Environment,
        digest: &Digest,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let name = checked(name)?;
        let folder = self.derived_folder(environment, digest);
        match fs::create_dir(&folder) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Error::io("write the cache", e));
            }
            _ => {}
        }
        let n = self.next_derived.fetch_add(1, Ordering::Relaxed);
        let beside = folder.join(format!(".{}-{n}", std::process::id()));
        let write = || {
            let mut file = fs::File::create(&beside)?;
            file.write_all(Digest::of(bytes).as_bytes())?;
            file.write_all(bytes)?;
            fs::rename(&beside, folder.join(name))
        };
        write().map_err(|e| {
            let _ = fs::remove_file(&beside);
            Error::io("write the cache", e)
        })
    }

    /// Forgets all that was derived from the file `digest`.
    pub fn derived_forget(&self, environment: Environment, digest: &Digest) -> Result<(), Error> {
        match fs::remove_dir_all(self.derived_folder(environment, digest)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("empty the cache", e)),
            _ => Ok(()),
        }
    }

    /// Deletes the entries of the files that were drawn longest ago until at most `bytes_max` are left; tells how many bytes are.
    pub fn derived_trim(&self, bytes_max: u64) -> Result<u64, Error> {
        let mut folders = Vec::new();
        let mut total = 0u64;
        for environment in ["live", "test"] {
            let root = self.data.join("derived").join(environment);
            let entries = fs::read_dir(&root).map_err(|e| Error::io("read the cache", e))?;
            for entry in entries.flatten() {
                let Ok(meta) = entry.metadata() else { continue };
                let bytes = bytes_in(&entry.path());
                total = total.saturating_add(bytes);
                folders.push((meta.modified().ok(), bytes, entry.path()));
            }
        }
        folders.sort();
        for (_, bytes, path) in folders {
            if total <= bytes_max {
                break;
            }
            match fs::remove_dir_all(&path) {
                // Somebody puts a page there at this moment, so it is not the oldest any more.
                Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::io("empty the cache", e));
                }
                _ => total = total.saturating_sub(bytes),
            }
        }
        Ok(total)
    }

    fn derived_folder(&self, environment: Environment, digest: &Digest) -> PathBuf {
        let environment = match environment {
            Environment::Live => "live",
            Environment::Test => "test",
        };
        self.data
            .join("derived")
            .join(environment)
            .join(digest.to_string())
    }
}

/// A name that stays inside its folder.
fn checked(name: &str) -> Result<&str, Error> {
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    if name.is_empty()
        || name.len() > NAME_BYTES_MAX
        || name.starts_with('.')
        || !name.bytes().all(fine)
    {
        return Err(Error::Io {
            doing: "name a derived file",
            source: io::ErrorKind::InvalidInput.into(),
        });
    }
    Ok(name)
}

fn bytes_in(folder: &Path) -> u64 {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.metadata().ok())
        .map(|meta| meta.len())
        .sum()
}
