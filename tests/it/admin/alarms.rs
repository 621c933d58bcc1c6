//! What the organisation's contact is told by mail though nobody looks.

use super::{administrator, minutes, show_test_data, shows};
use crate::harness::client::Client;
use crate::harness::forms::Visitor;
use crate::harness::sink::{Reply as Told, SmtpSink, WebhookSink};
use crate::harness::{Options, TestApp};
use paraph::domain::environment::Environment;
use serde_json::json;
use std::path::{Path, PathBuf};

/// How many mails of the test outbox have this in their row.
fn in_outbox(browser: &Client, part: &str) -> usize {
    shows(browser, "/admin/outbox").matches(part).count()
}

#[test]
fn a_webhook_that_is_switched_off_is_told_once() {
    let app = TestApp::with(Options {
        ask_at_end: false,
        ..Options::default()
    });
    let browser = administrator(&app);
    show_test_data(&browser);
    let sink = WebhookSink::start();
    sink.answer(Told::status(410));
    let hook = json!({"url": format!("{}/a?secret=x", sink.url()), "events": ["envelope.sent"]});
    app.api.post("/api/v1/webhooks", &hook).expect(201);
    for _ in 0..2 {
        app.send(&app.draft(&json!([{"email": "ana@example.com"}]), json!({})));
        app.drain();
    }
    let host = sink.url().split('/').nth(2).expect("a host").to_owned();
    let subject = format!("A webhook was switched off: {host}");
    assert_eq!(in_outbox(&browser, &subject), 1);
    let outbox = shows(&browser, "/admin/outbox");
    assert!(outbox.contains("hr@acme.example"), "the contact: {outbox}");
    let link = outbox
        .split("href=\"")
        .find(|part| part.contains(&subject))
        .and_then(|part| part.split('"').next())
        .expect("the mail's page");
    let mail = shows(&browser, link);
    assert!(mail.contains("it answered 410 Gone"), "{mail}");
    assert!(!mail.contains("secret="), "{mail}");
}

#[test]
fn a_disk_that_is_nearly_full_is_told_once_a_day() {
    let sink = SmtpSink::start();
    let app = TestApp::with(Options {
        smtp_port: Some(sink.port()),
        free_space_bytes_min: 1 << 60,
        ..Options::default()
    });
    for (hours, mails) in [(0, 1), (1, 1), (22, 1), (1, 2)] {
        app.advance(minutes(hours * 60));
        app.app().tidy().expect("tidied");
        app.drain();
        assert_eq!(sink.received().len(), mails, "{hours}");
    }
    let text = sink.received()[0].data.clone();
    for part in ["Subject: The disk is nearly full", "To: hr@acme.example"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn with_room_on_the_disk_nobody_is_told_anything() {
    let sink = SmtpSink::start();
    let app = TestApp::with(Options {
        smtp_port: Some(sink.port()),
        ..Options::default()
    });
    app.app().tidy().expect("tidied");
    app.drain();
    assert!(sink.received().is_empty());
}

/// The one file of the vault's test folder.
fn only_file(data: &Path) -> PathBuf {
    let mut found = Vec::new();
    for folder in std::fs::read_dir(data.join("vault/test")).expect("the vault") {
        let folder = folder.expect("an entry").path();
        let files = std::fs::read_dir(folder).expect("a folder");
        found.extend(files.map(|file| file.expect("an entry").path()));
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn a_seal_that_fails_again_and_again_is_told_and_goes_on_by_itself() {
    let app = TestApp::start();
    let sent = app.send(&app.draft(
        &json!([{"email": "ana@example.com", "name": "Ana"}]),
        json!({}),
    ));
    let document = only_file(app.data_dir());
    Visitor::of(&app.url, &sent, 0).sign(&sent, "Ana");
    let away = app.data_dir().join("away");
    std::fs::rename(&document, &away).expect("moved away");
    for attempt in 1..=7 {
        app.drain();
        let told = usize::from(attempt >= 5);
        let (mails, _) = app.app().outbox(Environment::Test, 1, 50).expect("mails");
        let subjects = mails.iter().filter_map(|mail| mail.written.as_ref());
        let alarms = subjects.filter(|mail| mail.subject.contains("can't be finished: env_"));
        assert_eq!(alarms.count(), told, "{attempt}");
        app.advance(minutes(if attempt < 5 { 2 * 60 } else { 6 * 60 }));
    }
    std::fs::rename(&away, &document).expect("back again");
    app.drain();
    assert_eq!(app.envelope(&sent)["status"], "COMPLETED");
}
