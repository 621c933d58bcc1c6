//! Databases as years or a fallen process leave them, made by SQL: the product would take hours.

use crate::{Outcome, envelope, server::Product};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Rows that one statement adds.
const STEP: u64 = 10_000;
/// Bytes that a killed process leaves in the log.
const LOG_BYTES: u64 = 64 << 20;

fn database(folder: &Path) -> PathBuf {
    folder.join("data").join("paraph.db")
}

/// A data folder with so many copies of one draft: its rows in every table that grows with envelopes, each with its chain's first
/// entry.
pub fn envelopes(folder: &Path, count: u64) -> Outcome<()> {
    let mut product = Product::start(folder)?;
    let key = envelope::test_key(folder)?;
    envelope::envelope(product.address, &key)?;
    product.process.stop()?;
    let mut connection = Connection::open(database(folder))?;
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;")?;
    // The one that the product made: all others are like it.
    connection.execute_batch(
        "CREATE TEMP TABLE first AS SELECT environment, id FROM envelope LIMIT 1;
         CREATE TEMP TABLE it AS SELECT e.* FROM envelope e JOIN first f ON e.id = f.id;
         CREATE TEMP TABLE its_definition AS SELECT d.* FROM definition d JOIN first f ON d.envelope_id = f.id;
         CREATE TEMP TABLE its_people AS SELECT r.* FROM recipient r JOIN first f ON r.envelope_id = f.id;
         CREATE TEMP TABLE its_entry AS SELECT a.* FROM audit_entry a JOIN first f ON a.chain = f.id WHERE a.seq = 1;",
    )?;
    for from in (1..=count).step_by(usize::try_from(STEP)?) {
        let to = count.min(from + STEP - 1);
        let tx = connection.transaction()?;
        let numbers = format!(
            "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})"
        );
        // Ids of their length that sort by number, all before any real one.
        let id = |prefix: &str| format!("printf('{prefix}_00%024d', n.i)");
        let envelope = id("env");
        for statement in [
            format!(
                "INSERT INTO envelope SELECT environment, {envelope}, 1, status, phase, state, created_at, updated_at, sent_at, ended_at FROM it, n"
            ),
            format!(
                "INSERT INTO definition SELECT environment, {envelope}, body, documents FROM its_definition, n"
            ),
            format!(
                "INSERT INTO recipient SELECT printf('rcp_%d%025d', position, n.i), environment, {envelope}, position, progress FROM its_people, n"
            ),
            format!(
                "INSERT INTO audit_entry (chain, seq, salt, body, body_hash, hash) SELECT {envelope}, 1, salt, body, body_hash, hash FROM its_entry, n"
            ),
        ] {
            tx.execute_batch(&format!("{numbers} {statement}"))?;
        }
        tx.commit()?;
    }
    let made: i64 = connection.query_row("SELECT count(*) FROM envelope", [], |r| r.get(0))?;
    if u64::try_from(made)? != count + 1 {
        return Err(format!("{made} envelopes instead of {}", count + 1).into());
    }
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Leaves 64 MB in the log of a stopped appliance, as a killed one does. Needs a process of its own: [`leave_log`].
pub fn killed_log(folder: &Path) -> Outcome<()> {
    let status = Command::new(std::env::current_exe()?)
        .arg("--leave-log")
        .arg(database(folder))
        .status()?;
    let log = std::fs::metadata(folder.join("data").join("paraph.db-wal"))?.len();
    if status.success() || log < LOG_BYTES {
        return Err(format!("{log} bytes of log are left ({status})").into());
    }
    Ok(())
}

/// Writes that much and falls.
pub fn leave_log(database: &Path) -> Outcome<()> {
    const PIECE: usize = 1 << 20;
    let connection = Connection::open(database)?;
    connection.execute_batch("PRAGMA wal_autocheckpoint = 0;")?;
    for round in 0..=LOG_BYTES / PIECE as u64 {
        // SQLite does not write a page that would be the same.
        let text = if round % 2 == 0 { "x" } else { "y" }.repeat(PIECE);
        connection.execute(
            "REPLACE INTO setting (name, value) VALUES ('benchmark', ?1)",
            [&text],
        )?;
    }
    std::process::abort()
}
