//! The schema and its history: a list that is only appended to. `PRAGMA user_version` tells how much of it a database has.

use super::error::{Cause, Error};
use crate::domain::time::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use std::path::{Path, PathBuf};

/// One step each; a released one is never changed.
const STEPS: &[&str] = &[include_str!("migrations/0001.sql")];

/// "Prph", so that `file` and a restore can tell what this is.
const APPLICATION_ID: i32 = 0x5072_7068;

/// The schema that this program wants.
pub(super) fn known() -> u32 {
    u32::try_from(STEPS.len()).unwrap_or(u32::MAX)
}

/// What [`migrate`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The schema before; 0 where there was no database.
    pub from: u32,
    /// The schema now.
    pub to: u32,
    /// The copy of the database that was made before; none where nothing had to be done, or there was nothing to copy.
    pub copy: Option<PathBuf>,
}

pub(super) fn version(conn: &Connection) -> Result<u32, Error> {
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Brings an empty database to the newest schema; leaves any other alone.
pub(super) fn create_if_empty(conn: &mut Connection) -> Result<(), Error> {
    if version(conn)? > 0 {
        return Ok(());
    }
    apply(conn)
}

/// [`Error::NewerSchema`] and [`Error::OlderSchema`], unless it fits.
pub(super) fn expect_current(conn: &Connection) -> Result<(), Error> {
    let (found, known) = (version(conn)?, known());
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Error::NewerSchema { found, known }),
        std::cmp::Ordering::Less => Err(Error::OlderSchema { found, known }),
    }
}

/// Brings the database at `path` to this program's schema. A copy of an older one is made beside it first
/// (`<name>.schema-<n>-<time>`). Only for the holder of the data folder's lock.
pub fn migrate(path: &Path, now: Timestamp) -> Result<Migrated, Error> {
    let mut conn = super::connection::open_writer(path)?;
    let (from, known) = (version(&conn)?, known());
    if from > known {
        return Err(Error::NewerSchema { found: from, known });
    }
    let mut copy = None;
    if from > 0 && from < known {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".schema-{from}-{}", now.as_seconds()));
        let to = PathBuf::from(name);
        copy_to(&conn, &to)?;
        copy = Some(to);
    }
    apply(&mut conn)?;
    Ok(Migrated {
        from,
        to: version(&conn)?,
        copy,
    })
}

/// A durable, private copy of the database, made while others may write.
fn copy_to(conn: &Connection, to: &Path) -> Result<(), Error> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let io = |e: std::io::Error| Error::Database(Cause::new(e));
    // VACUUM INTO takes an empty file, and leaves its mode.
    let file = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(to)
        .map_err(io)?;
    let name = to
        .to_str()
        .ok_or_else(|| Error::damaged("path", "the copy's path is no UTF-8"))?;
    conn.execute("VACUUM INTO ?1", [name])?;
    file.sync_all().map_err(io)?;
    if let Some(folder) = to.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(io)?;
    }
    Ok(())
}

/// Applies what is missing, in one transaction.
fn apply(conn: &mut Connection) -> Result<(), Error> {
    apply_steps(conn, STEPS)
}

fn apply_steps(conn: &mut Connection, steps: &[&str]) -> Result<(), Error> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again under the lock: another process may have been faster.
    let done = usize::try_from(version(&tx)?).unwrap_or(usize::MAX);
    if done == 0
        && tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
            row.get::<_, i64>(0)
        })? > 0
    {
        return Err(Error::damaged("database", "tables that are not ours"));
    }
    for step in steps.iter().skip(done) {
        tx.execute_batch(step)?;
    }
    if done < steps.len() {
        tx.pragma_update(None, "user_version", steps.len() as i64)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    tx.commit()?;
    Ok(())
}
