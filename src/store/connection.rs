//! How a connection is set up, and the pool of readers.

use super::error::Error;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a connection waits for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Enough for every statement of the store.
const STATEMENTS_CACHED: usize = 256;
/// Pages kept by a reader, in KiB; the operating system keeps the rest.
const READER_CACHE_KIB: i64 = 512;
const WRITER_CACHE_KIB: i64 = 4096;

/// What every connection gets, whoever it is for.
fn open(path: &Path, flags: OpenFlags) -> Result<Connection, rusqlite::Error> {
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    // Else the planner looks into bound values where a partial index exists, and every new value compiles its statement again.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "secure_delete", true)?;
    Ok(conn)
}

/// The writer's: WAL, flushed at each COMMIT; checkpoints are made elsewhere.
pub(super) fn open_writer(path: &Path) -> Result<Connection, Error> {
    create_private(path)?;
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Error::damaged(
            "journal mode",
            format!("asked for wal, got {mode}"),
        ));
    }
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    Ok(conn)
}

/// One that only copies the log into the database file.
pub(super) fn open_checkpointer(path: &Path) -> Result<Connection, rusqlite::Error> {
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    Ok(conn)
}

/// The database holds addresses and documents' names: nobody else may read it. SQLite gives its side files the same mode.
fn create_private(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::OpenOptionsExt as _;
    std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|e| Error::Database(super::error::Cause::new(e)))
}

/// Makes readers for the pool.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
}

pub(super) type Pool = r2d2::Pool<Readers>;

/// A pool of at most `readers_max` connections that can't write.
pub(super) fn pool(path: &Path, readers_max: u32) -> Result<Pool, Error> {
    r2d2::Pool::builder()
        .max_size(readers_max)
        .min_idle(Some(1))
        .test_on_check_out(false)
        .max_lifetime(None)
        .idle_timeout(Some(Duration::from_secs(120)))
        .connection_timeout(BUSY_TIMEOUT)
        .build(Readers {
            path: path.to_owned(),
        })
        .map_err(|e| Error::Database(super::error::Cause::new(e)))
}

impl r2d2::ManageConnection for Readers {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> Result<Connection, rusqlite::Error> {
        let conn = open(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        conn.pragma_update(None, "query_only", true)?;
        conn.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        Ok(conn)
    }

    fn is_valid(&self, _: &mut Connection) -> Result<(), rusqlite::Error> {
        Ok(())
    }

    fn has_broken(&self, conn: &mut Connection) -> bool {
        // A transaction that didn't end would keep an old snapshot and the log from shrinking.
        !conn.is_autocommit()
    }
}
