//! The schema and its history: a list that is only appended to. `PRAGMA user_version` tells how much of it a database has.

use super::error::{Cause, Error};
use crate::domain::time::Timestamp;
use rusqlite::{Connection, TransactionBehavior};
use std::path::{Path, PathBuf};

/// One step each; a released one is never changed.
const STEPS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
];

/// "Prph", so that `file` and a restore can tell what this is.
const APPLICATION_ID: i32 = 0x5072_7068;

fn newest(steps: &[&str]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(u32::MAX)
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
    apply(conn, STEPS)
}

/// [`Error::NewerSchema`] and [`Error::OlderSchema`], unless it fits.
pub(super) fn expect_current(conn: &Connection) -> Result<(), Error> {
    let (found, known) = (version(conn)?, newest(STEPS));
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Error::NewerSchema { found, known }),
        std::cmp::Ordering::Less => Err(Error::OlderSchema { found, known }),
    }
}

/// Brings the database at `path` to this program's schema. A copy of an older one is made beside it first
/// (`<name>.schema-<n>-<time>`). Only for the holder of the data folder's lock.
pub fn migrate(path: &Path, now: Timestamp) -> Result<Migrated, Error> {
    migrate_by(path, now, STEPS)
}

fn migrate_by(path: &Path, now: Timestamp, steps: &[&str]) -> Result<Migrated, Error> {
    let mut conn = super::connection::open_writer(path)?;
    let (from, known) = (version(&conn)?, newest(steps));
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
    apply(&mut conn, steps)?;
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
fn apply(conn: &mut Connection, steps: &[&str]) -> Result<(), Error> {
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

#[cfg(test)]
mod tests {
    use super::super::tests::Folder;
    use super::*;

    const FIRST: &str = "CREATE TABLE t (a TEXT) STRICT;";
    const SECOND: &str = "ALTER TABLE t ADD COLUMN b TEXT;";

    #[test]
    fn an_older_database_is_copied_then_migrated_and_keeps_its_rows() {
        let folder = Folder::new();
        let path = folder.path().join("t.db");
        let now = Timestamp::from_seconds(1_800_000_000);
        let made = migrate_by(&path, now, &[FIRST]).expect("make");
        assert_eq!((made.from, made.to, made.copy), (0, 1, None));
        let conn = super::super::connection::open_writer(&path).expect("open");
        conn.execute("INSERT INTO t VALUES ('kept')", [])
            .expect("insert");
        drop(conn);

        let migrated = migrate_by(&path, now, &[FIRST, SECOND]).expect("migrate");
        assert_eq!((migrated.from, migrated.to), (1, 2));
        let rows = |path: &Path| -> (u32, String) {
            let conn = super::super::connection::open_writer(path).expect("open");
            let kept = conn.query_row("SELECT a FROM t", [], |r| r.get(0));
            (version(&conn).expect("version"), kept.expect("row"))
        };
        assert_eq!(rows(&path), (2, "kept".into()));
        let copy = migrated.copy.expect("a copy");
        assert_eq!(rows(&copy), (1, "kept".into()));
        use std::os::unix::fs::PermissionsExt as _;
        for file in [&path, &copy] {
            let mode = std::fs::metadata(file).expect("file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "nobody else may read it");
        }
        let again = migrate_by(&path, now, &[FIRST, SECOND]).expect("nothing to do");
        assert_eq!((again.from, again.copy), (2, None));
    }

    #[test]
    fn a_step_that_fails_leaves_the_database_as_it_was() {
        let folder = Folder::new();
        let path = folder.path().join("t.db");
        let now = Timestamp::from_seconds(1_800_000_000);
        migrate_by(&path, now, &[FIRST]).expect("make");
        let broken = "ALTER TABLE t ADD COLUMN b TEXT; SELECT no_such_thing;";
        assert!(migrate_by(&path, now, &[FIRST, broken]).is_err());
        let conn = super::super::connection::open_writer(&path).expect("open");
        assert_eq!(version(&conn).expect("version"), 1);
        assert!(conn.prepare("SELECT b FROM t").is_err());
    }

    #[test]
    fn a_newer_database_and_a_foreign_one_are_refused() {
        let folder = Folder::new();
        let path = folder.path().join("t.db");
        let now = Timestamp::from_seconds(1_800_000_000);
        migrate_by(&path, now, &[FIRST, SECOND]).expect("make");
        assert!(matches!(
            migrate_by(&path, now, &[FIRST]),
            Err(Error::NewerSchema { found: 2, known: 1 })
        ));
        let foreign = folder.path().join("foreign.db");
        let conn = Connection::open(&foreign).expect("open");
        conn.execute_batch("CREATE TABLE theirs (x)")
            .expect("table");
        drop(conn);
        assert!(matches!(migrate(&foreign, now), Err(Error::Damaged { .. })));
    }
}
