//! Mail of live envelopes, by SMTP: once, in time or later, and saying nothing that a stranger wrote into a header.

use crate::harness::client::Client;
use crate::harness::forms::Visitor;
use crate::harness::sink::{Mail, SmtpSink};
use crate::harness::{Options, TestApp, id, pdf};
use base64::Engine as _;
use paraph::domain::environment::Environment;
use paraph::domain::scope::Scopes;
use serde_json::{Value, json};
use std::time::Duration;

fn with_mail(sink: &SmtpSink) -> (TestApp, Client) {
    let app = TestApp::with(Options {
        smtp_port: Some(sink.port()),
        ..Options::default()
    });
    let live = app.client(Environment::Live, Scopes::all());
    (app, live)
}

fn send_live(live: &Client, recipients: &Value, more: &Value) -> Value {
    let document = live
        .upload("/api/v1/documents", "a.pdf", &pdf::contract())
        .expect(201);
    let mut body = json!({"subject": "Service agreement", "documentIds": [document["id"]], "recipients": recipients});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let draft = live.post("/api/v1/envelopes", &body).expect(201);
    live.post_nothing(&format!("/api/v1/envelopes/{}/send", id(&draft)))
        .expect(200)
}

/// Header names in lower case with their values, folded lines joined.
fn headers(mail: &Mail) -> Vec<(String, String)> {
    let (head, _) = mail.data.split_once("\r\n\r\n").expect("a head");
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    head.lines()
        .map(|line| line.split_once(": ").expect("a header"))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect()
}

fn header(mail: &Mail, name: &str) -> String {
    let found: Vec<_> = headers(mail)
        .into_iter()
        .filter(|(n, _)| n == name)
        .collect();
    assert_eq!(found.len(), 1, "{name} in {}", mail.data);
    found[0].1.clone()
}

/// The text part, decoded.
fn text(mail: &Mail) -> String {
    let part = mail
        .data
        .split("Content-Type: text/plain")
        .nth(1)
        .expect("a text part");
    let (head, body) = part.split_once("\r\n\r\n").expect("a body");
    let body = body.split("\r\n--").next().expect("an end");
    if head.contains("base64") {
        let packed: String = body.split_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(packed)
            .expect("base64");
        return String::from_utf8(bytes).expect("UTF-8");
    }
    // Quoted-printable: soft line ends, then the escapes.
    let body = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = body.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'=' && head.contains("quoted-printable") {
            let code = std::str::from_utf8(&after[..2]).expect("an escape");
            bytes.push(u8::from_str_radix(code, 16).expect("hex"));
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn a_live_envelope_invites_and_tells_its_end_by_mail() {
    let sink = SmtpSink::start();
    let (app, live) = with_mail(&sink);
    let recipients = json!([{"email": "ana@example.com", "name": "Ana García"}]);
    let sent = send_live(
        &live,
        &recipients,
        &json!({"message": "Hello Ana,\nsee page 3."}),
    );
    assert_eq!(sent["environment"], "live");
    assert_eq!(sent.get("warnings"), None);
    app.drain();
    let mails = sink.received();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.from, "no-reply@acme.example");
    assert_eq!(mail.to, ["ana@example.com"]);
    assert_eq!(
        header(mail, "subject"),
        "Acme Corporation asks you to sign: Service agreement"
    );
    assert!(header(mail, "from").contains("<no-reply@acme.example>"));
    assert!(header(mail, "reply-to").contains("hr@acme.example"));
    assert!(header(mail, "to").contains("ana@example.com"));
    assert_eq!(header(mail, "auto-submitted"), "auto-generated");
    assert!(header(mail, "message-id").ends_with("@acme.example>"));
    assert!(header(mail, "date").contains("24 Nov 2026 09:30:00"));
    let link = sent["recipients"][0]["signUrl"].as_str().expect("a link");
    let written = text(mail);
    assert!(written.contains(link), "{written}");
    assert!(written.contains("see page 3."), "{written}");
    assert!(!written.contains("This is a test"), "{written}");

    Visitor::of(&app.url, &sent, 0).sign(&sent, "Ana García");
    app.drain();
    let path = format!("/api/v1/envelopes/{}", id(&sent));
    assert_eq!(live.get(&path).expect(200)["status"], "COMPLETED");
    let mails = sink.received();
    assert_eq!(mails.len(), 2);
    assert_eq!(
        header(&mails[1], "subject"),
        "Everyone has signed: Service agreement"
    );
    assert_ne!(
        header(&mails[0], "message-id"),
        header(&mails[1], "message-id")
    );
    // What the server said to the mail stands in the trail.
    let ana = &sent["recipients"][0]["id"];
    assert_eq!(
        answers(&live, &sent),
        [("mail.accepted", ana, "success"); 2].map(told),
        "one for each mail"
    );
}

fn told((event, recipient, outcome): (&str, &Value, &str)) -> (String, Value, String) {
    (event.to_owned(), recipient.clone(), outcome.to_owned())
}

/// What mail servers said, as the timeline tells it.
fn answers(live: &Client, envelope: &Value) -> Vec<(String, Value, String)> {
    let path = format!("/api/v1/envelopes/{}/events", id(envelope));
    let events = live.get(&path).expect(200);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    events["data"]
        .as_array()
        .expect("events")
        .iter()
        .map(|e| {
            (
                text(&e["event"]),
                e["recipientId"].clone(),
                text(&e["outcome"]),
            )
        })
        .filter(|(event, ..)| event.starts_with("mail.") && event != "mail.queued")
        .collect()
}

#[test]
fn a_mail_that_is_refused_for_good_stands_in_the_trail_and_before_the_operator() {
    let sink = SmtpSink::start();
    let app = TestApp::with(Options {
        smtp_port: Some(sink.port()),
        ask_at_end: false,
        ..Options::default()
    });
    let live = app.client(Environment::Live, Scopes::all());
    sink.reject(true);
    let sent = send_live(&live, &json!([{"email": "ana@example.com"}]), &json!({}));
    app.drain();
    assert!(sink.received().is_empty());
    let ana = &sent["recipients"][0]["id"];
    let refused = [told(("mail.refused", ana, "failure"))];
    assert_eq!(answers(&live, &sent), refused);
    let failed = app.app().failed_work(1, 10).expect("the queues").0;
    assert_eq!(failed.len(), 1);
    let reason = failed[0].work.last_error.as_deref().unwrap_or_default();
    assert!(reason.contains("5.1.1"), "{reason}");
    sink.reject(false);
    app.advance(Duration::from_secs(7 * 86_400));
    app.drain();
    assert!(sink.received().is_empty(), "no is no");
    assert_eq!(answers(&live, &sent), refused);
}

#[test]
fn mail_of_a_test_envelope_never_leaves() {
    let sink = SmtpSink::start();
    let (app, _) = with_mail(&sink);
    app.send(&app.draft(&json!([{"email": "ana@example.com"}]), json!({})));
    app.drain();
    assert!(sink.received().is_empty());
    let (mails, total) = app
        .app()
        .outbox(Environment::Test, 1, 10)
        .expect("the outbox");
    assert_eq!(total, 1);
    let written = mails[0].written.as_ref().expect("what it says");
    assert!(written.text.contains("This is a test"), "{}", written.text);
}

#[test]
fn live_mail_without_a_server_waits_in_the_outbox_and_the_sender_is_told() {
    let app = TestApp::start();
    let live = app.client(Environment::Live, Scopes::all());
    let sent = send_live(&live, &json!([{"email": "ana@example.com"}]), &json!({}));
    assert_eq!(sent["warnings"][0]["code"], "mail_captured");
    app.drain();
    let (mails, _) = app
        .app()
        .outbox(Environment::Live, 1, 10)
        .expect("the outbox");
    assert_eq!(mails.len(), 1);
    let link = mails[0].written.as_ref().and_then(|w| w.link.clone());
    assert_eq!(link.as_deref(), sent["recipients"][0]["signUrl"].as_str());
}

#[test]
fn a_mail_server_that_is_down_delays_mail_and_nothing_else() {
    let sink = SmtpSink::start();
    let (app, live) = with_mail(&sink);
    sink.refuse(true);
    let recipients = json!([{"email": "ana@example.com", "name": "Ana"}]);
    let sent = send_live(&live, &recipients, &json!({}));
    assert_eq!(sent["status"], "SENT");
    app.drain();
    assert!(sink.received().is_empty());
    Visitor::of(&app.url, &sent, 0).sign(&sent, "Ana");
    app.drain();
    let path = format!("/api/v1/envelopes/{}", id(&sent));
    assert_eq!(live.get(&path).expect(200)["status"], "COMPLETED");
    sink.refuse(false);
    app.advance(Duration::from_secs(3_600));
    app.drain();
    // The invitation has nothing to say any more to one who has signed.
    let subjects: Vec<String> = sink
        .received()
        .iter()
        .map(|m| header(m, "subject"))
        .collect();
    assert_eq!(subjects, ["Everyone has signed: Service agreement"]);
}

#[test]
fn a_mail_that_is_tried_again_is_the_same_mail() {
    let sink = SmtpSink::start();
    let (app, live) = with_mail(&sink);
    sink.doubt(true);
    send_live(&live, &json!([{"email": "ana@example.com"}]), &json!({}));
    app.drain();
    assert_eq!(sink.received().len(), 1);
    app.drain();
    assert_eq!(sink.received().len(), 1, "not before its time");
    sink.doubt(false);
    app.advance(Duration::from_secs(60));
    app.drain();
    let mails = sink.received();
    assert_eq!(mails.len(), 2);
    assert_eq!(
        header(&mails[0], "message-id"),
        header(&mails[1], "message-id")
    );
    assert_eq!(header(&mails[0], "date"), header(&mails[1], "date"));
    assert_eq!(mails[0].to, mails[1].to);
    app.advance(Duration::from_secs(7 * 86_400));
    app.drain();
    assert_eq!(sink.received().len(), 2, "taken is taken");
}

#[test]
fn what_people_write_stays_where_it_belongs_in_a_mail() {
    let sink = SmtpSink::start();
    let (app, live) = with_mail(&sink);
    let recipients =
        json!([{"email": "ana@example.com", "name": "\"Ana\" <eve@example.com>, Бен"}]);
    let more = json!({
        "subject": "Vertrag =?utf-8?q?x?= für <b>Köln</b>: 100 % \"fertig\"",
        "message": "Line one\n.\nBcc: eve@example.com\n<script>alert(1)</script>",
    });
    send_live(&live, &recipients, &more);
    app.drain();
    let mails = sink.received();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!(mail.to, ["ana@example.com"], "nobody else gets it");
    let mut names: Vec<String> = headers(mail).into_iter().map(|(name, _)| name).collect();
    names.sort();
    assert_eq!(
        names,
        [
            "auto-submitted",
            "content-type",
            "date",
            "from",
            "message-id",
            "mime-version",
            "reply-to",
            "subject",
            "to"
        ]
    );
    let (head, body) = mail.data.split_once("\r\n\r\n").expect("a head");
    assert!(head.is_ascii(), "{head}");
    assert!(head.lines().all(|line| line.len() < 998));
    let html = body
        .split("Content-Type: text/html")
        .nth(1)
        .expect("a part");
    assert!(!html.contains("<script>"), "{html}");
    let written = text(mail).replace("\r\n", "\n");
    assert!(
        written.contains("> .\n> Bcc: eve@example.com\n"),
        "{written}"
    );
}
