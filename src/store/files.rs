//! Which files of the vault are named, by whom, and which are on their way in or out.
//!
//! A file comes: [`WriteTx::intend`], then the vault's `put`, then in one transaction the row that names it
//! ([`WriteTx::name_file`], mostly by the method that writes the row) and [`WriteTx::settle`]. A file goes: its last name goes,
//! it becomes an orphan, and housekeeping asks the vault to remove it unless [`ReadTx::is_named`].

use super::error::Error;
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::time::Timestamp;
use rusqlite::params;

impl ReadTx<'_> {
    /// Whether a row or an intent names the file: the vault must keep it.
    pub fn is_named(&self, environment: Environment, digest: &Digest) -> Result<bool, Error> {
        self.exists(
            "SELECT 1 FROM file_use WHERE environment = ?1 AND digest = ?2
             UNION ALL SELECT 1 FROM intent WHERE environment = ?1 AND digest = ?2",
            params![environment.as_str(), digest.as_bytes()],
        )
    }

    /// Whether a row names the file: it must be there. An intent alone promises nothing yet.
    pub fn is_kept(&self, environment: Environment, digest: &Digest) -> Result<bool, Error> {
        self.exists(
            "SELECT 1 FROM file_use WHERE environment = ?1 AND digest = ?2",
            params![environment.as_str(), digest.as_bytes()],
        )
    }

    /// Whether `owner` (an id) names the file.
    pub fn is_kept_for(
        &self,
        environment: Environment,
        digest: &Digest,
        owner: &str,
    ) -> Result<bool, Error> {
        self.exists(
            "SELECT 1 FROM file_use WHERE environment = ?1 AND digest = ?2 AND owner = ?3",
            params![environment.as_str(), digest.as_bytes(), owner],
        )
    }

    /// Up to `limit` files that lost their last name, in order, after `after`.
    pub fn orphans(
        &self,
        after: Option<&(Environment, Digest)>,
        limit: u32,
    ) -> Result<Vec<(Environment, Digest)>, Error> {
        let (environment, digest) = after.map_or(("", &[][..]), |(environment, digest)| {
            (environment.as_str(), digest.as_bytes().as_slice())
        });
        self.all(
            "SELECT environment, digest FROM file_orphan WHERE (environment, digest) > (?1, ?2)
             ORDER BY environment, digest LIMIT ?3",
            params![environment, digest, limit],
            |r| Ok((row::environment(r, 0)?, row::digest(r, 1)?)),
        )
    }

    /// Up to `limit` files of one environment that are named, in the order of their digests, after `after`: for a check of the
    /// whole vault.
    pub fn named_files(
        &self,
        environment: Environment,
        after: Option<&Digest>,
        limit: u32,
    ) -> Result<Vec<Digest>, Error> {
        let after = after.map_or(&[][..], |digest| digest.as_bytes());
        self.all(
            "SELECT DISTINCT digest FROM file_use WHERE environment = ?1 AND digest > ?2 ORDER BY digest LIMIT ?3",
            params![environment.as_str(), after, limit],
            |r| row::digest(r, 0),
        )
    }
}

impl WriteTx<'_> {
    /// A file with this digest is about to get its name in the vault.
    pub fn intend(&self, environment: Environment, digest: &Digest) -> Result<(), Error> {
        self.run(
            "INSERT INTO intent (environment, digest, created_at, uses) VALUES (?1, ?2, ?3, 1)
             ON CONFLICT (environment, digest) DO UPDATE SET uses = uses + 1, created_at = excluded.created_at",
            params![
                environment.as_str(),
                digest.as_bytes(),
                self.now().as_millis()
            ],
        )?;
        Ok(())
    }

    /// What was intended is done, or given up: a file that nothing names becomes an orphan.
    pub fn settle(&self, environment: Environment, digest: &Digest) -> Result<(), Error> {
        let key = params![environment.as_str(), digest.as_bytes()];
        let last = self.run(
            "DELETE FROM intent WHERE environment = ?1 AND digest = ?2 AND uses = 1",
            key,
        )?;
        if last == 0 {
            self.run(
                "UPDATE intent SET uses = uses - 1 WHERE environment = ?1 AND digest = ?2",
                key,
            )?;
        }
        self.orphan_unless_named(environment, digest)
    }

    /// Drops up to `limit` intents older than `before`: their requests are gone. Files that nothing names become orphans. At
    /// start, when no request can be under way, `before` is now. Tells how many.
    pub fn abandon_intents(&self, before: Timestamp, limit: u32) -> Result<usize, Error> {
        let old = self.all(
            "SELECT environment, digest FROM intent WHERE created_at <= ?1 ORDER BY created_at LIMIT ?2",
            params![before.as_millis(), limit],
            |r| Ok((row::environment(r, 0)?, row::digest(r, 1)?)),
        )?;
        for (environment, digest) in &old {
            self.run(
                "DELETE FROM intent WHERE environment = ?1 AND digest = ?2",
                params![environment.as_str(), digest.as_bytes()],
            )?;
            self.orphan_unless_named(*environment, digest)?;
        }
        Ok(old.len())
    }

    /// `owner` (an id) needs the file with this digest. Naming it twice is once.
    pub fn name_file(
        &self,
        environment: Environment,
        digest: &Digest,
        owner: &str,
    ) -> Result<(), Error> {
        self.run(
            "INSERT INTO file_use (environment, digest, owner) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![environment.as_str(), digest.as_bytes(), owner],
        )?;
        Ok(())
    }

    /// `owner` needs this one of its files no more.
    pub fn release_file(
        &self,
        environment: Environment,
        digest: &Digest,
        owner: &str,
    ) -> Result<(), Error> {
        self.run(
            "DELETE FROM file_use WHERE environment = ?1 AND digest = ?2 AND owner = ?3",
            params![environment.as_str(), digest.as_bytes(), owner],
        )?;
        self.orphan_unless_named(environment, digest)
    }

    /// `owner` needs its files no more.
    pub fn release_files(&self, environment: Environment, owner: &str) -> Result<(), Error> {
        let digests = self.all(
            "DELETE FROM file_use WHERE environment = ?1 AND owner = ?2 RETURNING digest",
            params![environment.as_str(), owner],
            |r| row::digest(r, 0),
        )?;
        digests
            .iter()
            .try_for_each(|digest| self.orphan_unless_named(environment, digest))
    }

    fn orphan_unless_named(&self, environment: Environment, digest: &Digest) -> Result<(), Error> {
        if !self.is_named(environment, digest)? {
            self.run(
                "INSERT INTO file_orphan (environment, digest) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![environment.as_str(), digest.as_bytes()],
            )?;
        }
        Ok(())
    }

    /// The orphan is gone, or it has a name again.
    pub fn forget_orphan(&self, environment: Environment, digest: &Digest) -> Result<(), Error> {
        self.run(
            "DELETE FROM file_orphan WHERE environment = ?1 AND digest = ?2",
            params![environment.as_str(), digest.as_bytes()],
        )?;
        Ok(())
    }
}
