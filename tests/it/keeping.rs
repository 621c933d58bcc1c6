//! What must not stay and what must not stop: files of calls that failed, files that can't be removed, rows that can't be read,
//! mail that waits for a server, a cache that is broken, a mark that changes under the pen.

use crate::harness::client::Client;
use crate::harness::forms::Visitor;
use crate::harness::sink::SmtpSink;
use crate::harness::{Options, TestApp, id, pdf, trail_events};
use base64::Engine as _;
use paraph::app::signing::Signed;
use paraph::domain::environment::Environment;
use paraph::domain::origin::Origin;
use paraph::domain::scope::Scopes;
use serde_json::{Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

fn ana() -> Value {
    json!([{"email": "ana@example.com", "name": "Ana"}])
}

#[test]
fn documents_of_a_call_that_failed_in_the_end_leave_no_files() {
    let app = TestApp::start();
    let encoded = base64::engine::general_purpose::STANDARD.encode(pdf::contract());
    let call = |more: Value| {
        let mut body = json!({
            "subject": "Service agreement", "signers": [{"email": "ana@example.com", "name": "Ana"}],
            "documents": [{"name": "a.pdf", "base64Pdf": encoded}],
        });
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        app.api.post("/api/v1/envelopes", &body)
    };
    let far = json!([{"recipientIndex": 0, "fieldType": "SIGNATURE", "pageNumber": 3, "x": 5000, "y": 5000}]);
    call(json!({"fields": far})).expect_error(400, "invalid_request");
    let second = json!([{"name": "a.pdf", "base64Pdf": encoded}, {"name": "b.pdf", "base64Pdf": "JVBERi0xLjcgYnV0IG5vIG1vcmU="}]);
    call(json!({"documents": second})).expect_error(422, "document_malformed");
    app.app().tidy().expect("housekeeping");
    assert!(app.vault_files().is_empty(), "{:?}", app.vault_files());
    // The same bytes may come again at once, and stay then.
    call(json!({})).expect(201);
    app.app().tidy().expect("housekeeping");
    assert_eq!(app.vault_files().len(), 1);
    app.drain();
}

#[test]
fn a_file_that_cannot_be_removed_fails_no_call_and_keeps_no_other() {
    let app = TestApp::start();
    let documents = [1, 2].map(|n| crate::built::Pdf::pages(n).build());
    let [bad, good] = documents.each_ref().map(|bytes| {
        let made = app
            .api
            .upload("/api/v1/documents", "a.pdf", bytes)
            .expect(201);
        let digest = made["sha256"].as_str().expect("a digest").to_owned();
        (
            id(&made).to_owned(),
            app.data_dir()
                .join("vault/test")
                .join(&digest[..2])
                .join(digest),
        )
    });
    // A folder of that name can't be unlinked as a file.
    std::fs::remove_file(&bad.1).expect("the file");
    std::fs::create_dir(&bad.1).expect("a folder");
    for (document, _) in [&bad, &good] {
        app.api
            .delete(&format!("/api/v1/documents/{document}"))
            .expect(200);
    }
    for _ in 0..2 {
        app.app().tidy().expect("the rest of it is done");
        assert!(bad.1.exists() && !good.1.exists());
    }
    std::fs::remove_dir(&bad.1).expect("the folder");
    app.app().tidy().expect("housekeeping");
    let left: u32 = app.db(|db| db.query_row("SELECT count(*) FROM file_orphan", [], |r| r.get(0)));
    assert_eq!(left, 0);
}

#[test]
fn an_envelope_that_cannot_be_read_stops_no_other_at_its_deadline() {
    let app = TestApp::start();
    let unreadable = app.send(&app.draft(&ana(), json!({})));
    app.advance(Duration::from_secs(1));
    let other = app.send(&app.draft(&ana(), json!({})));
    app.drain();
    let state: String = app.db(|db| {
        let sql = "UPDATE envelope SET state = '{}' WHERE id = ?1 RETURNING ''";
        let kept = db.query_row(
            "SELECT state FROM envelope WHERE id = ?1",
            [id(&unreadable)],
            |r| r.get(0),
        )?;
        db.query_row(sql, [id(&unreadable)], |_| Ok(()))?;
        Ok(kept)
    });
    app.advance(91 * DAY);
    assert!(
        app.app()
            .timing_next()
            .expect("the unreadable one is put off")
    );
    assert!(app.app().timing_next().expect("the other"));
    assert_eq!(app.envelope(&other)["status"], "EXPIRED");
    let failed = app.app().failed_work(1, 10).expect("the queues").0;
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].work.about.as_deref(), Some(id(&unreadable)));
    assert!(
        failed[0]
            .work
            .last_error
            .as_deref()
            .is_some_and(|e| e.contains("unreadable"))
    );

    app.db(|db| {
        db.execute(
            "UPDATE envelope SET state = ?2 WHERE id = ?1",
            [id(&unreadable), &state],
        )
    });
    app.app()
        .retry_work("job", &failed[0].work.id, &Origin::operator())
        .expect("it is hurried");
    app.drain();
    assert_eq!(app.envelope(&unreadable)["status"], "EXPIRED");
}

#[test]
fn mail_that_was_captured_for_want_of_a_server_is_released_once_there_is_one() {
    let app = TestApp::start();
    let live = app.client(Environment::Live, Scopes::all());
    let document = live
        .upload("/api/v1/documents", "a.pdf", &pdf::contract())
        .expect(201);
    let body = json!({"subject": "Service agreement", "documentIds": [document["id"]], "recipients": ana()});
    let draft = live.post("/api/v1/envelopes", &body).expect(201);
    live.post_nothing(&format!("/api/v1/envelopes/{}/send", id(&draft)))
        .expect(200);
    app.drain();
    let (mails, _) = app
        .app()
        .outbox(Environment::Live, 1, 10)
        .expect("the outbox");
    let mail = mails[0].mail.id.to_string();
    let release = |app: &TestApp, environment| {
        app.app()
            .release_mail(environment, &mail, &Origin::operator())
    };
    assert!(
        release(&app, Environment::Live).is_err(),
        "it would be captured again"
    );

    let sink = SmtpSink::start();
    let app = app.restart(Options {
        smtp_port: Some(sink.port()),
        ..Options::default()
    });
    app.drain();
    assert!(sink.received().is_empty(), "it doesn't leave by itself");
    assert!(
        release(&app, Environment::Test).is_err(),
        "test mail never leaves"
    );
    release(&app, Environment::Live).expect("released");
    assert!(
        release(&app, Environment::Live).is_err(),
        "it is on its way"
    );
    app.drain();
    assert_eq!(sink.received().len(), 1);
}

#[test]
fn captured_and_failed_work_goes_at_its_age() {
    let app = TestApp::start();
    app.send(&app.draft(&ana(), json!({})));
    app.drain();
    let count = || {
        app.app()
            .outbox(Environment::Test, 1, 10)
            .expect("the outbox")
            .1
    };
    assert_eq!(count(), 1);
    app.advance(179 * DAY);
    app.drain();
    app.app().tidy().expect("housekeeping");
    assert_eq!(count(), 2, "the invitation, and that it expired");
    app.advance(2 * DAY);
    app.app().tidy().expect("housekeeping");
    assert_eq!(count(), 1);
}

#[test]
fn a_broken_cache_shows_the_pages_all_the_same() {
    let app = TestApp::start();
    let sent = app.send(&app.draft(&ana(), json!({})));
    let digest = sent["documents"][0]["sha256"].as_str().expect("a digest");
    // Where its folder should be there is a file.
    let folder = app.data_dir().join("derived/test").join(digest);
    std::fs::write(&folder, b"in the way").expect("a file");
    let visitor = Visitor::of(&app.url, &sent, 0);
    visitor.look(&sent);
    std::fs::remove_file(&folder).expect("the file");
    visitor.sign(&sent, "Ana");
    app.drain();
}

#[test]
fn who_signs_signs_the_marks_that_were_shown_and_no_others() {
    let app = TestApp::start();
    let sent = app.send(&app.draft(&ana(), json!({})));
    let visitor = Visitor::of(&app.url, &sent, 0);
    visitor.look(&sent);
    assert_eq!(visitor.adopt("Ana", "A").status, 303);
    let recipient = id(&sent["recipients"][0]);
    let cookies = visitor.browser().cookies();
    let cookie = cookies
        .iter()
        .find(|(name, _)| name.contains(recipient))
        .map(|(_, value)| value.as_str());
    let shown = app
        .app()
        .signer(recipient, cookie, &Origin::system())
        .expect("a session");
    // In a second window, between the look and the press.
    assert_eq!(visitor.adopt("Ana Maria", "AM").status, 303);
    let signing = || paraph::app::signing::Signing {
        consent: paraph::domain::envelope::Consent {
            version: "1".to_owned(),
            locale: "en".to_owned(),
            sha256: paraph::domain::digest::Digest::of(b"I agree."),
        },
        consent_text: "I agree.".to_owned(),
        page_language: "en".to_owned(),
        today: app.app().today(),
    };
    let signed = app.app().sign(&shown, signing()).expect("an answer");
    assert_eq!(signed, Signed::Changed);
    assert!(!trail_events(&app, &sent).contains(&"recipient.signed".to_owned()));
    let shown = app
        .app()
        .signer(recipient, cookie, &Origin::system())
        .expect("a session");
    assert_eq!(
        app.app().sign(&shown, signing()).expect("an answer"),
        Signed::Done
    );
    app.drain();
    assert_eq!(app.envelope(&sent)["status"], "COMPLETED");
}

#[test]
fn one_webhook_too_many_is_told_by_a_code_of_its_own() {
    let app = TestApp::start();
    let body = json!({"url": "http://127.0.0.1:9999/", "events": ["envelope.sent"]});
    let first = app.api.post("/api/v1/webhooks", &body).expect(201);
    app.db(|db| {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
            INSERT INTO webhook (id, environment, url, events, active, secret, created_at)
            SELECT substr(id, 1, 28) || printf('%02d', i), environment, url, events, 0, secret, created_at FROM webhook, n";
        db.execute(sql, [])
    });
    let refused = app
        .api
        .post("/api/v1/webhooks", &body)
        .expect_error(409, "limit_reached");
    assert_eq!(
        refused["error"],
        "There are as many webhooks as an environment may have."
    );
    app.api
        .delete(&format!("/api/v1/webhooks/{}", id(&first)))
        .expect(200);
    app.api.post("/api/v1/webhooks", &body).expect(201);
    let stranger = Client::new(&app.url);
    assert_eq!(stranger.get("/healthz").status, 200);
}
