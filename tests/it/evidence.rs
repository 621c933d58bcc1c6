//! Somebody who may write to the database and to the vault edits something: the check finds it, and no seal is made of it.
//!
//! What such a hand can do beyond this is rewrite a whole chain with all rows that it made: only a witness outside would know,
//! a sealed document or a webhook that carried an entry's hash.

use crate::harness::forms::Visitor;
use crate::harness::{Options, TestApp, id, pdf};
use paraph::app::auditing::AuditReport;
use rusqlite::types::Value;
use rusqlite::{Connection, params};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Opens the database as its own program would not: nothing is checked, and the trail's triggers are gone.
fn vandal(app: &TestApp) -> Connection {
    let db = Connection::open(app.data_dir().join("paraph.db")).unwrap();
    db.execute_batch(
        "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
         DROP TRIGGER audit_entry_no_delete; DROP TRIGGER audit_entry_no_update; DROP TRIGGER audit_entry_in_order;",
    )
    .unwrap();
    db
}

fn audit(app: &TestApp) -> AuditReport {
    app.app().verify_all(&mut |_, _| {}).expect("the audit")
}

fn audit_of(app: &TestApp, envelope: &Json) -> AuditReport {
    let chain = id(envelope).parse().unwrap();
    app.app().verify_chain(chain).expect("the audit")
}

/// Both walks find it, and what they say names it.
#[track_caller]
fn expect_found(app: &TestApp, envelope: &Json, words: &str) {
    for report in [audit(app), audit_of(app, envelope)] {
        assert!(
            report.faults.iter().any(|fault| fault.why.contains(words)),
            "{words}: {:?}",
            report.faults
        );
    }
}

#[track_caller]
fn expect_whole(app: &TestApp) {
    let report = audit(app);
    assert!(report.is_whole(), "{:?}", report.faults);
}

fn sent(app: &TestApp, recipients: &Json) -> Json {
    app.send(&app.draft(recipients, json!({})))
}

fn signed(app: &TestApp) -> Json {
    let sent = sent(app, &json!([{"email": "ana@example.com", "name": "Ana"}]));
    Visitor::of(&app.url, &sent, 0).sign(&sent, "Ana");
    sent
}

/// Signed with a hand-drawn signature, sealed, its audit trail kept.
fn completed(app: &TestApp) -> Json {
    let ana = json!([{"email": "ana@example.com", "name": "Ana"}, {"email": "ben@example.com", "name": "Ben", "order": 2}]);
    let sent = sent(app, &ana);
    let visitor = Visitor::of(&app.url, &sent, 0);
    visitor.look(&sent);
    let drawn = visitor.draw(&json!([
        [1000, 1000, 40, 2000, 1500, 50, 3000, 1000, 40],
        [5000, 500, 60]
    ]));
    assert_eq!(drawn.status, 303, "{}", drawn.text());
    assert_eq!(visitor.agree().status, 303);
    Visitor::of(&app.url, &sent, 1).sign(&sent, "Ben");
    app.drain();
    assert_eq!(app.envelope(&sent)["status"], "COMPLETED");
    sent
}

fn tampered() -> TestApp {
    TestApp::with(Options {
        ask_at_end: false,
        ..Options::default()
    })
}

fn vault_file(app: &TestApp, digest: &str) -> PathBuf {
    let folder = app.data_dir().join("vault/test").join(&digest[..2]);
    folder.join(digest)
}

#[test]
fn an_entry_whose_words_were_taken_away_shows_though_the_database_allows_it() {
    let app = tampered();
    let envelope = completed(&app);
    let db = Connection::open(app.data_dir().join("paraph.db")).unwrap();
    let nulled = db.execute(
        "UPDATE audit_entry SET salt = NULL, body = NULL WHERE chain = ?1 AND body LIKE '%recipient.signed%'",
        [id(&envelope)],
    );
    assert_eq!(nulled.unwrap(), 2);
    expect_found(&app, &envelope, "no entry tells of an erasure");
    let nulled = db.execute(
        "UPDATE audit_entry SET salt = NULL, body = NULL WHERE chain = 'system' AND seq = 2",
        [],
    );
    assert_eq!(nulled.unwrap(), 1);
    let system = app.app().verify_chain("system".parse().unwrap()).unwrap();
    assert_eq!(system.faults.len(), 1);
    assert!(system.faults[0].why.contains("entry 2 was taken away"));
}

#[test]
fn a_file_that_went_with_its_row_is_missed() {
    let app = tampered();
    let envelope = completed(&app);
    let db = vandal(&app);
    let digests: Vec<String> = db
        .prepare("SELECT DISTINCT digest FROM file_use WHERE owner = ?1")
        .unwrap()
        .query_map([id(&envelope)], |r| r.get::<_, Vec<u8>>(0))
        .unwrap()
        .map(|digest| hex::encode(digest.unwrap()))
        .collect();
    // Original, drawing, sealed document, audit trail.
    assert_eq!(digests.len(), 4);
    for digest in digests {
        let file = vault_file(&app, &digest);
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let raw = hex::decode(&digest).unwrap();
        let uses: Vec<String> = db
            .prepare("DELETE FROM file_use WHERE digest = ?1 RETURNING owner")
            .unwrap()
            .query_map([&raw], |r| r.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        expect_found(&app, &envelope, &digest);
        std::fs::write(&file, bytes).unwrap();
        for owner in uses {
            let put = "INSERT INTO file_use (environment, digest, owner) VALUES ('test', ?1, ?2)";
            db.execute(put, params![raw, owner]).unwrap();
        }
        expect_whole(&app);
    }
}

#[test]
fn an_audit_trail_that_was_replaced_by_another_shows() {
    let app = tampered();
    let (envelope, other) = (completed(&app), completed(&app));
    let db = vandal(&app);
    let replaced = db.execute(
        "UPDATE trail SET digest = o.digest, bytes = o.bytes, version = o.version FROM trail o
         WHERE trail.envelope_id = ?1 AND o.envelope_id = ?2",
        [id(&envelope), id(&other)],
    );
    assert_eq!(replaced.unwrap(), 1);
    expect_found(&app, &envelope, "the kept audit trail");
    db.execute("DELETE FROM trail WHERE envelope_id = ?1", [id(&envelope)])
        .unwrap();
    expect_found(&app, &envelope, "the kept audit trail");
    assert!(audit_of(&app, &other).is_whole());
}

#[test]
fn words_of_consent_that_were_rewritten_show() {
    let app = tampered();
    let envelope = completed(&app);
    let db = vandal(&app);
    let rewritten = "UPDATE consent_text SET body = body || ' And I pay for it.'";
    assert_eq!(db.execute(rewritten, []).unwrap(), 1);
    expect_found(&app, &envelope, "the text of consent");
    db.execute("DELETE FROM consent_text", []).unwrap();
    expect_found(&app, &envelope, "the text of consent");
}

#[test]
fn a_chain_without_its_end_or_gone_as_a_whole_shows_in_the_short_check_too() {
    let app = tampered();
    let envelope = completed(&app);
    let unknown = audit_of(&app, &json!({"id": "env_01K00000000000000000000000"}));
    assert!(!unknown.is_whole(), "nothing to walk is not whole");
    completed(&app);
    let db = vandal(&app);
    let chain = id(&envelope);
    db.execute(
        "DELETE FROM audit_entry WHERE chain = ?1 AND seq = (SELECT max(seq) FROM audit_entry WHERE chain = ?1)",
        [chain],
    )
    .unwrap();
    expect_found(&app, &envelope, "the stored envelope counts");
    db.execute("DELETE FROM audit_entry WHERE chain = ?1", [chain])
        .unwrap();
    expect_found(&app, &envelope, "no entry");
    // With all its rows: the hole in the numbers is left.
    for table in ["definition", "recipient", "trail", "envelope_document"] {
        let sql = format!("DELETE FROM {table} WHERE envelope_id = ?1");
        db.execute(&sql, [chain]).unwrap();
    }
    db.execute("DELETE FROM envelope WHERE id = ?1", [chain])
        .unwrap();
    let report = audit(&app);
    assert!(
        report
            .faults
            .iter()
            .any(|fault| fault.at == "the list of entries"),
        "{:?}",
        report.faults
    );
}

#[test]
fn rows_that_cannot_be_read_are_faults_and_the_walk_goes_on_behind_them() {
    let app = tampered();
    let (envelope, other) = (completed(&app), completed(&app));
    let db = vandal(&app);
    db.execute(
        "UPDATE envelope SET state = '{' WHERE id = ?1",
        [id(&envelope)],
    )
    .unwrap();
    expect_found(&app, &envelope, "unreadable envelope's state");
    db.execute(
        "UPDATE recipient SET progress = 'x' WHERE envelope_id = ?1",
        [id(&other)],
    )
    .unwrap();
    db.execute(
        "UPDATE audit_entry SET chain = 'nobody' WHERE chain = 'system' AND seq = 1",
        [],
    )
    .unwrap();
    let report = audit(&app);
    for at in ["chain nobody", id(&envelope), id(&other), "system entry 2"] {
        let told = report.faults.iter().any(|fault| fault.at == at);
        assert!(told, "{at}: {:?}", report.faults);
    }
}

#[test]
fn no_seal_is_made_of_rows_that_differ_from_their_trail() {
    let app = TestApp::start();
    let envelope = signed(&app);
    let db = Connection::open(app.data_dir().join("paraph.db")).unwrap();
    let swap = |from: &str, to: &str| {
        let changed = db.execute(
            "UPDATE recipient SET progress = replace(progress, ?2, ?3) WHERE envelope_id = ?1 AND progress LIKE '%' || ?2 || '%'",
            params![id(&envelope), format!("\"text\":\"{from}\""), format!("\"text\":\"{to}\"")],
        );
        assert_eq!(changed.unwrap(), 1);
    };
    swap("Ana", "Eve");
    app.drain();
    assert_eq!(app.envelope(&envelope)["status"], "PARTIALLY_SIGNED");
    let path = format!("/api/v1/envelopes/{}/events", id(&envelope));
    let events = app.api.get(&path).expect(200);
    let failed = events["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["event"] == "seal.failed")
        .map(|event| &event["outcome"])
        .collect::<Vec<_>>();
    assert_eq!(failed, ["failure"]);
    expect_found(&app, &envelope, "progress is not what the trail tells");
    swap("Eve", "Ana");
    app.advance(Duration::from_secs(3_600));
    app.drain();
    assert_eq!(app.envelope(&envelope)["status"], "COMPLETED");
}

// ---------------------------------------------------------------- goal S8, in short

/// SplitMix64: the same edits in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Another value of the same type.
    fn other(&mut self, value: &Value) -> Value {
        match value {
            Value::Null => Value::Integer(1),
            Value::Integer(n) => Value::Integer(n + 1 + self.below(5) as i64),
            Value::Real(x) => Value::Real(x + 1.0),
            Value::Text(text) => {
                let mut chars: Vec<char> = text.chars().collect();
                let at = self.below(chars.len());
                chars[at] = if chars[at] == 'x' { 'y' } else { 'x' };
                Value::Text(chars.into_iter().collect())
            }
            Value::Blob(bytes) => {
                let mut bytes = bytes.clone();
                let at = self.below(bytes.len());
                bytes[at] ^= 1 << self.below(8);
                Value::Blob(bytes)
            }
        }
    }
}

/// What of the database is evidence: table, columns, which rows.
const EVIDENCE: &[(&str, &[&str], &str)] = &[
    (
        "audit_entry",
        &["id", "chain", "seq", "salt", "body", "body_hash", "hash"],
        "1",
    ),
    (
        "envelope",
        &[
            "environment",
            "id",
            "version",
            "status",
            "phase",
            "state",
            "created_at",
            "updated_at",
            "sent_at",
            "ended_at",
        ],
        "1",
    ),
    (
        "definition",
        &["environment", "envelope_id", "body", "documents"],
        "1",
    ),
    (
        "recipient",
        &["id", "environment", "envelope_id", "position", "progress"],
        "1",
    ),
    (
        "trail",
        &[
            "environment",
            "envelope_id",
            "digest",
            "bytes",
            "version",
            "created_at",
        ],
        "1",
    ),
    ("consent_text", &["digest", "body"], "1"),
    (
        "document",
        &["environment", "id", "name", "bytes", "digest", "pages"],
        "1",
    ),
    ("certificate", &["digest", "der"], "1"),
    (
        "file_use",
        &["environment", "digest", "owner"],
        "owner LIKE 'env_%' OR owner LIKE 'doc_%'",
    ),
];

struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    all: Vec<String>,
    rows: Vec<Vec<Value>>,
    editable: Vec<usize>,
}

impl Table {
    fn read(
        db: &Connection,
        (name, columns, which): &(&'static str, &'static [&'static str], &str),
    ) -> Self {
        let mut statement = db
            .prepare(&format!("SELECT ({which}), * FROM {name}"))
            .unwrap();
        let all: Vec<String> = (statement.column_names().skip(1))
            .map(str::to_owned)
            .collect();
        let found: Vec<(bool, Vec<Value>)> = statement
            .query_map([], |r| {
                let row = (0..all.len())
                    .map(|i| r.get(i + 1))
                    .collect::<Result<_, _>>()?;
                Ok((r.get(0)?, row))
            })
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(!found.is_empty(), "{name}");
        Self {
            name,
            columns,
            editable: (0..found.len()).filter(|i| found[*i].0).collect(),
            rows: found.into_iter().map(|(_, row)| row).collect(),
            all,
        }
    }

    /// Puts `rows` in the place of whatever is there. False where keys collide: then nothing happened.
    fn put(&self, db: &Connection, rows: &[Vec<Value>]) -> bool {
        let tx = db.unchecked_transaction().unwrap();
        tx.execute(&format!("DELETE FROM {}", self.name), [])
            .unwrap();
        let places = vec!["?"; self.all.len()].join(", ");
        let sql = format!("INSERT INTO {} VALUES ({places})", self.name);
        for row in rows {
            if tx
                .execute(&sql, rusqlite::params_from_iter(row.iter()))
                .is_err()
            {
                return false;
            }
        }
        tx.commit().unwrap();
        true
    }

    fn column(&self, name: &str) -> usize {
        self.all.iter().position(|it| it == name).unwrap()
    }

    /// One edit of one row, or of two, and what it was.
    fn edited(&self, chance: &mut Chance) -> (String, Vec<Vec<Value>>) {
        let mut rows = self.rows.clone();
        let at = *chance.of(&self.editable);
        let audit = self.name == "audit_entry";
        match chance.below(10) {
            0 => {
                // The newest entry of all leaves no trace in what is older: that takes a witness outside.
                let id = self.all.iter().position(|it| it == "id");
                let newest = rows.iter().map(|row| id.map(|id| number(&row[id]))).max();
                if audit && id.map(|id| number(&rows[at][id])) == newest.flatten() {
                    return self.edited(chance);
                }
                rows.remove(at);
                (format!("{} row {at} removed", self.name), rows)
            }
            1 if audit => {
                for name in ["salt", "body"] {
                    rows[at][self.column(name)] = Value::Null;
                }
                (format!("entry {at} nulled"), rows)
            }
            2 if audit => {
                let with = (at + 1) % rows.len();
                for name in ["salt", "body", "body_hash"] {
                    let column = self.column(name);
                    let kept = rows[at][column].clone();
                    rows[at][column] = std::mem::replace(&mut rows[with][column], kept);
                }
                (format!("entries {at} and {with} exchanged"), rows)
            }
            3 if audit => {
                let chain = self.column("chain");
                let gone = rows[at][chain].clone();
                rows.retain(|row| row[chain] != gone);
                (format!("chain {gone:?} removed"), rows)
            }
            _ => {
                let name = *chance.of(self.columns);
                let column = self.column(name);
                let was = &rows[at][column];
                let is = chance.other(was);
                let told = format!("{}.{name} row {at}: {was:?} is {is:?}", self.name);
                rows[at][column] = is;
                (told, rows)
            }
        }
    }
}

fn number(value: &Value) -> i64 {
    match value {
        Value::Integer(n) => *n,
        _ => 0,
    }
}

fn vault_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for environment in ["live", "test"] {
        for folder in std::fs::read_dir(folder.join(environment)).unwrap() {
            let folder = std::fs::read_dir(folder.unwrap().path()).unwrap();
            files.extend(folder.map(|file| file.unwrap().path()));
        }
    }
    files.sort();
    files
}

/// Changes a file, asks, and puts it back.
fn with_file_edited(files: &[PathBuf], chance: &mut Chance, ask: impl FnOnce(&str)) {
    let file = chance.of(files);
    let kept = std::fs::read(file).unwrap();
    let mut bytes = kept.clone();
    let told = match chance.below(5) {
        0 => "removed",
        1 => {
            bytes.truncate(chance.below(kept.len()));
            "cut"
        }
        2 => {
            bytes.push(0);
            "lengthened"
        }
        _ => {
            let at = chance.below(kept.len());
            bytes[at] ^= 1 << chance.below(8);
            "bent"
        }
    };
    // Files of the vault may not be written to; a new one takes the name.
    std::fs::remove_file(file).unwrap();
    if told != "removed" {
        std::fs::write(file, bytes).unwrap();
    }
    ask(&format!("{} {told}", file.display()));
    let _ = std::fs::remove_file(file);
    std::fs::write(file, kept).unwrap();
}

#[test]
fn random_edits_of_chains_rows_and_files_are_all_found_and_clean_data_raises_no_alarm() {
    const EDITS: usize = 300;
    let app = tampered();
    completed(&app);
    let declined = sent(&app, &json!([{"email": "ana@example.com", "name": "Ana"}]));
    let withdrawn = json!({"reason": "A mistake"});
    let path = format!("/api/v1/envelopes/{}/void", id(&declined));
    app.api.post(&path, &withdrawn).expect(200);
    sent(&app, &json!([{"email": "ana@example.com"}]));
    app.draft(&json!([{"email": "ben@example.com"}]), json!({}));
    let gone = app.document(&pdf::contract());
    app.api.delete(&format!("/api/v1/documents/{gone}"));
    app.document(&pdf::contract());
    app.drain();
    expect_whole(&app);

    let db = vandal(&app);
    let tables: Vec<Table> = EVIDENCE.iter().map(|it| Table::read(&db, it)).collect();
    let files = vault_files(&app.data_dir().join("vault"));
    let mut chance = Chance(8);
    let (mut made, mut missed) = (0, Vec::new());
    while made < EDITS {
        let mut expect_alarm = |told: &str| {
            made += 1;
            if audit(&app).is_whole() {
                missed.push(told.to_owned());
            }
        };
        // Chains, rows and files in equal parts.
        match chance.below(3) {
            0 => with_file_edited(&files, &mut chance, &mut expect_alarm),
            part => {
                let table = if part == 1 {
                    &tables[0]
                } else {
                    chance.of(&tables[1..])
                };
                let (told, rows) = table.edited(&mut chance);
                if table.put(&db, &rows) {
                    expect_alarm(&told);
                    assert!(table.put(&db, &table.rows));
                }
            }
        }
        if made % 10 == 0 {
            expect_whole(&app);
        }
    }
    assert!(missed.is_empty(), "{} not found: {missed:#?}", missed.len());
    expect_whole(&app);
}

// ---------------------------------------------------------------- the command

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("paraph-evidence-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Runs the executable on `data` in this folder: its exit code, and what it said.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let config = self.0.join("p.toml");
        std::fs::write(&config, "[storage]\ndata_dir = \"data\"\n").unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_paraph"))
            .args(arguments)
            .current_dir(&self.0)
            .env_clear()
            .env("PARAPH_CONFIG", config)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        (output.status.code().unwrap(), said)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const MAKE_KEY: &[&str] = &["key", "create", "--test", "--name", "CI"];

#[test]
fn a_folder_without_an_appliance_is_not_called_whole_and_stays_empty() {
    let folder = Folder::new("nowhere");
    let (code, said) = folder.run(&["audit", "verify"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("there is no appliance here"), "{said}");
    assert!(!folder.0.join("data").exists());
    assert_eq!(folder.run(MAKE_KEY).0, 0);
    let (code, said) = folder.run(&["audit", "verify"]);
    assert_eq!(
        (code, said.contains("whole: 1 chains")),
        (0, true),
        "{said}"
    );
    let unknown = "env_01K00000000000000000000000";
    let (code, said) = folder.run(&["audit", "verify", unknown]);
    assert_eq!((code, said.contains("NOT whole")), (1, true), "{said}");
}

#[test]
fn a_database_is_opened_by_its_own_master_key_alone() {
    let folder = Folder::new("key");
    let (code, said) = folder.run(MAKE_KEY);
    assert_eq!(code, 0, "{said}");
    let key = folder.0.join("data/master.key");
    let kept = std::fs::read(&key).unwrap();
    assert_eq!(kept.len(), 32);
    let beside = std::fs::read_dir(folder.0.join("data")).unwrap();
    let names = beside.map(|it| it.unwrap().file_name().into_string().unwrap());
    let keys: Vec<_> = names.filter(|name| name.contains("key")).collect();
    assert_eq!(keys, ["master.key"], "nothing is left beside it");

    std::fs::remove_file(&key).unwrap();
    let (code, said) = folder.run(MAKE_KEY);
    assert_eq!(code, 78, "{said}");
    assert!(said.contains("put it back from its backup"), "{said}");
    assert!(!key.exists(), "no new key takes its place");

    std::fs::write(&key, [9; 32]).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&key, mode).unwrap();
    for arguments in [MAKE_KEY, &["audit", "verify"]] {
        let (code, said) = folder.run(arguments);
        assert_ne!(code, 0, "{said}");
        assert!(said.contains("another master key"), "{said}");
    }

    std::fs::write(&key, kept).unwrap();
    assert_eq!(folder.run(MAKE_KEY).0, 0);
    assert_eq!(folder.run(&["audit", "verify"]).0, 0);
}
