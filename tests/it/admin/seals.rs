//! Seals that fail: seen, waited for, hurried, withdrawn; and never in anybody's way.

use super::{EMAIL, PASSWORD, act, administrator, log_in, minutes, shows};
use crate::built::Pdf;
use crate::harness::client::Client;
use crate::harness::forms::{Visitor, input};
use crate::harness::{Options, TestApp, id, pdf, trail_events};
use paraph::domain::environment::Environment;
use paraph::domain::scope::Scopes;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn ana() -> Value {
    json!([{"email": "ana@example.com", "name": "Ana"}])
}

/// An envelope that Ana has signed; nothing is sealed yet.
fn signed(app: &TestApp, more: Value) -> Value {
    let sent = app.send(&app.draft(&ana(), more));
    Visitor::of(&app.url, &sent, 0).sign(&sent, "Ana");
    sent
}

/// A document's file in the vault.
fn kept_file(app: &TestApp, document: &Value) -> PathBuf {
    let digest = document["sha256"].as_str().expect("a digest");
    app.data_dir()
        .join("vault/test")
        .join(&digest[..2])
        .join(digest)
}

fn overwrite(path: &Path, bytes: &[u8]) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("the file");
    std::fs::write(path, bytes).expect("the file");
}

fn count(events: &[String], name: &str) -> usize {
    events.iter().filter(|event| *event == name).count()
}

#[test]
fn a_seal_that_keeps_failing_is_seen_and_once_its_cause_is_mended_a_button_completes_it() {
    let app = TestApp::start();
    let browser = administrator(&app);
    let sent = signed(&app, json!({}));
    let file = kept_file(&app, &sent["documents"][0]);
    let sound = std::fs::read(&file).expect("the original");
    let mut rotten = sound.clone();
    rotten[100] ^= 1;
    overwrite(&file, &rotten);

    app.drain();
    assert_eq!(app.envelope(&sent)["status"], "PARTIALLY_SIGNED");
    let list = shows(&browser, "/admin/jobs");
    for part in [
        "Seal documents",
        "is damaged",
        id(&sent),
        "Next try",
        "class=\"count\">1<",
    ] {
        assert!(list.contains(part), "{part} in {list}");
    }
    let warning = "One envelope is signed by all, and its seal can&#39;t be made.";
    assert!(shows(&browser, "/admin/keys").contains(warning), "{list}");
    app.api
        .delete(&format!("/api/v1/envelopes/{}", id(&sent)))
        .expect_error(409, "sealing");
    assert_eq!(app.envelope(&sent)["sealPending"], Value::Null);

    // Between the first five tries: five seconds, one minute, five, thirty.
    let mut parked_at = String::new();
    for span in [5, 60, 300, 1800] {
        assert_eq!(app.envelope(&sent)["sealPending"], Value::Null);
        app.advance(Duration::from_secs(span));
        parked_at = app.now();
        app.drain();
    }
    let pending = &app.envelope(&sent)["sealPending"];
    assert_eq!(pending["since"], parked_at);
    let reason = pending["reason"].as_str().expect("a reason");
    assert!(reason.contains("is damaged"), "{reason}");
    let told = || {
        let events = trail_events(&app, &sent);
        (count(&events, "seal.failed"), count(&events, "seal.parked"))
    };
    assert_eq!(told(), (4, 1));

    // Two hours, then every six, for ever; the same reason again is no news.
    for hours in [2, 6, 6] {
        app.advance(minutes(hours * 60));
        app.drain();
    }
    assert_eq!(told(), (4, 1));
    assert_eq!(app.envelope(&sent)["sealPending"]["since"], parked_at);

    overwrite(&file, &sound);
    app.drain();
    assert_eq!(app.envelope(&sent)["status"], "PARTIALLY_SIGNED");
    let browser = Client::browser(&app.url);
    assert_eq!(log_in(&browser, EMAIL, PASSWORD).status, 303);
    let list = shows(&browser, "/admin/jobs");
    let (queue, job) = (input(&list, "queue"), input(&list, "id"));
    let fields = [("queue", queue.as_str()), ("id", job.as_str())];
    let hurried = act(&browser, "/admin/jobs/retry", &fields);
    assert_eq!(hurried.status, 303, "{}", hurried.text());
    assert_eq!(
        app.envelope(&sent)["sealPending"],
        Value::Null,
        "it is being made again"
    );
    app.drain();
    assert_eq!(app.envelope(&sent)["status"], "COMPLETED");
    app.signed_document(&sent);
    let events = trail_events(&app, &sent);
    assert_eq!(count(&events, "seal.resumed"), 1);
    let list = shows(&browser, "/admin/jobs");
    assert!(
        list.contains("No job has failed.") && !list.contains("can&#39;t be made"),
        "{list}"
    );
}

#[test]
fn a_seal_without_its_key_is_parked_at_once_and_may_be_withdrawn_or_waits_for_the_key() {
    let app = TestApp::start();
    let live = app.client(Environment::Live, Scopes::all());
    let mut sent = Vec::new();
    for _ in 0..2 {
        let document = live.upload("/api/v1/documents", "contract.pdf", &pdf::contract());
        let body = json!({
            "subject": "Service agreement", "recipients": ana(), "documentIds": [document.expect(201)["id"]],
        });
        let draft = live.post("/api/v1/envelopes", &body).expect(201);
        let path = format!("/api/v1/envelopes/{}/send", id(&draft));
        let envelope = live.post_nothing(&path).expect(200);
        Visitor::of(&app.url, &envelope, 0).sign(&envelope, "Ana");
        sent.push(envelope);
    }
    let key: Vec<u8> = app.db(|db| {
        let sql = "SELECT private_key FROM certificate WHERE environment = 'live' AND kind = 'ca'";
        db.query_row(sql, [], |row| row.get(0))
    });
    let put_key = |app: &TestApp, bytes: &[u8]| {
        app.db(|db| {
            let sql = "UPDATE certificate SET private_key = ?1 WHERE environment = 'live' AND kind = 'ca'";
            db.execute(sql, [bytes])
        });
    };
    put_key(&app, &[1; 64]);
    // A key that was opened before stays open: the next run finds that it can't be.
    let app = app.restart(Options::default());
    let live = app.client(Environment::Live, Scopes::all());
    app.drain();
    let look = |n: usize| {
        live.get(&format!("/api/v1/envelopes/{}", id(&sent[n])))
            .expect(200)
    };
    for n in 0..2 {
        let reason = &look(n)["sealPending"]["reason"];
        let reason = reason.as_str().expect("parked at the first try");
        assert!(reason.contains("another master key"), "{reason}");
    }

    live.delete(&format!("/api/v1/envelopes/{}", id(&sent[0])))
        .expect(200);
    assert_eq!(look(0)["status"], "VOIDED");
    let waiting = app.app().failed_work(1, 10).expect("the queues").0;
    let about: Vec<_> = waiting.iter().map(|w| w.work.about.as_deref()).collect();
    assert!(
        about.contains(&Some(id(&sent[1])))
            && !waiting.iter().any(|w| {
                w.work.lane == "seal" && w.work.about.as_deref() == Some(id(&sent[0]))
            }),
        "{about:?}"
    );

    put_key(&app, &key);
    // A restart may be what mended it, so it asks at once.
    let app = app.restart(Options::default());
    let live = app.client(Environment::Live, Scopes::all());
    app.drain();
    let done = live
        .get(&format!("/api/v1/envelopes/{}", id(&sent[1])))
        .expect(200);
    assert_eq!(done["status"], "COMPLETED", "{done}");
}

/// A stand-in for the worker that, while `<itself>.hold` is there, lets one call wait: it says so in `<itself>.reached`, and goes on
/// once something is written to `<itself>.held`.
fn holding_worker(folder: &Path) -> PathBuf {
    let script = folder.join("worker");
    let text = format!(
        "#!/bin/sh\nif mv \"$0.hold\" \"$0.held\" 2>/dev/null; then echo > \"$0.reached\"; read _ < \"$0.held\"; rm \"$0.held\"; fi\nexec {} \"$@\"\n",
        env!("CARGO_BIN_EXE_paraph")
    );
    std::fs::write(&script, text).expect("a script");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("a script");
    script
}

fn pipe(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.expect("mkfifo").success());
}

#[test]
fn a_seal_that_lost_its_lease_on_the_way_counts_unless_another_came_first() {
    if std::thread::available_parallelism().map_or(1, |n| n.get()) < 2 {
        eprintln!("SKIPPED: two seals at once need two processors");
        return;
    }
    let folder = std::env::temp_dir().join(format!("paraph-test-lease-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let worker = holding_worker(&folder);
    let with = |ending: &str| folder.join(format!("worker.{ending}"));
    pipe(&with("reached"));
    let app = TestApp::with(Options {
        worker,
        ..Options::default()
    });
    // What the second one meets: a seal of its own to make, or a document that is not there at that moment.
    for second_succeeds in [true, false] {
        let documents = [1, 2].map(|n| app.document(&Pdf::pages(n).build()));
        let sent = signed(&app, json!({"documentIds": documents}));
        let file = kept_file(&app, &sent["documents"][1]);
        let elsewhere = folder.join("elsewhere");
        pipe(&with("hold"));
        let first = app.app().clone();
        std::thread::scope(|scope| {
            let slow = scope.spawn(move || first.sealing_next());
            std::fs::read(with("reached")).expect("it is at the first document");
            app.advance(minutes(16));
            if !second_succeeds {
                std::fs::rename(&file, &elsewhere).expect("the file");
            }
            assert!(
                app.app().sealing_next().expect("the second"),
                "the lease has ended"
            );
            let status = if second_succeeds {
                "COMPLETED"
            } else {
                "PARTIALLY_SIGNED"
            };
            assert_eq!(app.envelope(&sent)["status"], status);
            if !second_succeeds {
                std::fs::rename(&elsewhere, &file).expect("the file");
            }
            std::fs::write(with("held"), "\n").expect("it goes on");
            assert!(slow.join().expect("the first").expect("the first"));
        });
        assert_eq!(app.envelope(&sent)["status"], "COMPLETED");
        let events = trail_events(&app, &sent);
        assert_eq!(count(&events, "envelope.completed"), 1, "{events:?}");
        assert_eq!(count(&events, "seal.failed"), usize::from(!second_succeeds));
        app.drain();
    }
    drop(app);
    let _ = std::fs::remove_dir_all(&folder);
}

#[test]
fn a_seal_that_fails_at_its_second_document_leaves_no_file_of_the_first() {
    let app = TestApp::start();
    let documents = [1, 2].map(|n| app.document(&Pdf::pages(n).build()));
    let sent = signed(&app, json!({"documentIds": documents}));
    let file = kept_file(&app, &sent["documents"][1]);
    let away = file.with_extension("away");
    let before = app.vault_files();
    assert_eq!(before.len(), 3, "two, and the sample: {before:?}");
    std::fs::rename(&file, &away).expect("the file");
    app.drain();
    std::fs::rename(&away, &file).expect("the file");
    let left: Vec<_> = app.vault_files().difference(&before).cloned().collect();
    assert_eq!(left.len(), 1, "of this attempt: {left:?}");
    app.app().tidy().expect("housekeeping");
    assert_eq!(app.vault_files(), before);
    app.advance(Duration::from_secs(5));
    app.drain();
    assert_eq!(app.envelope(&sent)["status"], "COMPLETED");
}
