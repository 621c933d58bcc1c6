//! The main job: upload, envelope, send, two people sign in their browsers, seal, proof, webhooks.

use crate::harness::client::Client;
use crate::harness::forms::Visitor;
use crate::harness::sink::WebhookSink;
use crate::harness::{Options, TestApp, id};
use paraph::domain::environment::Environment;
use serde_json::{Value, json};

#[test]
fn two_people_sign_in_sequence_and_the_company_gets_a_sealed_document_and_its_proof() {
    let app = TestApp::start();
    let sink = WebhookSink::start();
    let hook = json!({"url": sink.url(), "events": ["envelope.completed", "recipient.signed"]});
    app.api.post("/api/v1/webhooks", &hook).expect(201);
    let recipients = json!([
        {"email": "ana@example.com", "name": "Ana García"},
        {"email": "ben@example.com", "name": "Бен Иванов"},
    ]);
    let fields = json!([
        {"recipientIndex": 0, "fieldType": "SIGNATURE", "pageNumber": 3, "x": 72, "y": 420, "width": 200, "height": 56},
        {"recipientIndex": 1, "fieldType": "SIGNATURE", "pageNumber": 3, "x": 323, "y": 420, "width": 200, "height": 56},
        {"recipientIndex": 1, "fieldType": "DATE_SIGNED", "pageNumber": 3, "x": 323, "y": 500, "width": 200, "height": 20},
    ]);
    let draft = app.draft(
        &recipients,
        json!({"signingOrder": "SEQUENTIAL", "fields": fields}),
    );
    assert_eq!(draft["status"], "DRAFT");
    let sent = app.send(&draft);
    assert_eq!(sent["status"], "SENT");

    let early = app
        .api
        .get(sent["recipients"][1]["signUrl"].as_str().expect("a link"));
    assert_eq!(early.status, 200);
    assert!(
        early.text().contains("Not your turn yet"),
        "{}",
        early.text()
    );

    Visitor::of(&app.url, &sent, 0).sign(&sent, "Ana García");
    app.drain();
    assert_eq!(app.envelope(&sent)["status"], "PARTIALLY_SIGNED");
    Visitor::of(&app.url, &sent, 1).sign(&sent, "Бен Иванов");
    app.drain();

    let done = app.envelope(&sent);
    assert_eq!(done["status"], "COMPLETED", "{done}");
    let sealed = app.signed_document(&sent);
    assert!(sealed.body.starts_with(b"%PDF-"));
    assert_eq!(
        paraph::domain::digest::Digest::of(&sealed.body).to_string(),
        done["documents"][0]["signedSha256"]
            .as_str()
            .expect("a digest")
    );
    assert_eq!(sink.events("recipient.signed").len(), 2);
    let completed = sink.events("envelope.completed");
    assert_eq!(completed.len(), 1);
    assert_eq!(completed[0].json()["data"]["signedCount"], 2);

    let id = sent["id"].as_str().expect("an id");
    let trail = app.api.get(&format!("/api/v1/envelopes/{id}/audit-trail"));
    assert_eq!(trail.status, 200, "{}", trail.text());
    assert!(trail.body.starts_with(b"%PDF-"));
    let again = app.api.get(&format!("/api/v1/envelopes/{id}/audit-trail"));
    assert_eq!(
        trail.body, again.body,
        "always the same bytes once the envelope has ended"
    );
}

const ENDINGS: [&str; 4] = [
    "envelope.declined",
    "envelope.voided",
    "envelope.expired",
    "envelope.completed",
];

/// A sequence of two, of whom only the first is invited yet, and a sink for its endings.
fn sequence(app: &TestApp, sink: &WebhookSink) -> Value {
    let hook = json!({"url": sink.url(), "events": ENDINGS});
    app.api.post("/api/v1/webhooks", &hook).expect(201);
    let recipients = json!([
        {"email": "ana@example.com", "name": "Ana"},
        {"email": "ben@example.com", "name": "Ben"},
    ]);
    let sent = app.send(&app.draft(&recipients, json!({"signingOrder": "SEQUENTIAL"})));
    app.drain();
    sent
}

/// Address and subject of every mail of the outbox, oldest first.
fn mails(app: &TestApp) -> Vec<(String, String)> {
    let (mails, _) = app.app().outbox(Environment::Test, 1, 50).expect("mails");
    let shown = mails.into_iter().map(|mail| {
        let subject = mail.written.map_or_else(String::new, |w| w.subject);
        (mail.mail.address.to_string(), subject)
    });
    let mut shown: Vec<_> = shown.collect();
    shown.reverse();
    shown
}

const ANA: &str = "ana@example.com";
const BEN: &str = "ben@example.com";
const INVITATION: &str = "Acme Corporation asks you to sign: Service agreement";
const TURN: &str = "Your turn to sign: Service agreement";

#[track_caller]
fn told(app: &TestApp, expected: &[(&str, &str)]) {
    let mut expected: Vec<_> = expected
        .iter()
        .map(|(to, subject)| ((*to).to_owned(), (*subject).to_owned()))
        .collect();
    let mut found = mails(app);
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

/// What a link shows to somebody without a session, and that nothing can be opened through it.
#[track_caller]
fn link_is_closed(app: &TestApp, sent: &Value, index: usize) -> String {
    let link = sent["recipients"][index]["signUrl"]
        .as_str()
        .expect("a link");
    let page = Client::new(&app.url).get(link);
    let opened = Client::browser(&app.url).submit(&format!("{link}/open"), &[("nonce", "x")]);
    assert_ne!(opened.status, 303, "{}", opened.header("location"));
    page.text()
}

/// The sealed proof of an envelope that ended, always the same bytes.
#[track_caller]
fn proof_is_stored(app: &TestApp, sent: &Value) {
    let path = format!("/api/v1/envelopes/{}/audit-trail", id(sent));
    let proof = app.api.get(&path);
    assert_eq!(proof.status, 200, "{}", proof.text());
    assert_ne!(proof.header("repr-digest"), "");
    assert_eq!(proof.body, app.api.get(&path).body);
    let path = format!("/api/v1/envelopes/{}/signed-document", id(sent));
    app.api.get(&path).expect_error(409, "not_completed");
}

#[test]
fn one_who_declines_ends_it_for_all_and_the_others_and_the_company_hear_of_it() {
    let app = TestApp::start();
    let sink = WebhookSink::start();
    let sent = sequence(&app, &sink);
    Visitor::of(&app.url, &sent, 0).sign(&sent, "Ana");
    app.drain();
    let ben = Visitor::of(&app.url, &sent, 1);
    let empty = ben.submit("decline", &[("reason", "  ")]);
    assert!(!empty.text().contains("You declined"), "a reason is wanted");
    assert_eq!(app.envelope(&sent)["status"], "PARTIALLY_SIGNED");
    let declined = ben.submit("decline", &[("reason", "The fee is wrong.\r\nSorry.")]);
    assert_eq!(declined.status, 200);
    assert!(
        declined.text().contains("You declined"),
        "{}",
        declined.text()
    );
    app.drain();
    let now = app.envelope(&sent);
    assert_eq!(now["status"], "DECLINED");
    assert_eq!(now["declineReason"], "The fee is wrong.\nSorry.");
    assert_eq!(now["recipients"][0]["status"], "SIGNED");
    assert_eq!(now["recipients"][1]["status"], "DECLINED");
    assert_eq!(now["completedAt"], Value::Null);
    told(
        &app,
        &[
            (ANA, INVITATION),
            (BEN, TURN),
            (ANA, "Declined: Service agreement"),
        ],
    );
    let received = sink.received();
    assert_eq!(received.len(), 1);
    let body = received[0].json();
    assert_eq!(body["event"], "envelope.declined");
    assert_eq!(body["data"]["status"], "DECLINED");
    assert_eq!(body["data"]["decline_reason"], "The fee is wrong.\nSorry.");
    proof_is_stored(&app, &sent);
}

#[test]
fn what_is_withdrawn_can_not_be_signed_and_only_those_who_were_asked_hear_of_it() {
    let app = TestApp::start();
    let sink = WebhookSink::start();
    let sent = sequence(&app, &sink);
    let path = format!("/api/v1/envelopes/{}/void", id(&sent));
    app.api
        .post(&path, &json!({"reason": "Wrong customer"}))
        .expect(200);
    app.drain();
    told(
        &app,
        &[(ANA, INVITATION), (ANA, "Withdrawn: Service agreement")],
    );
    let received = sink.received();
    assert_eq!(received.len(), 1);
    let body = received[0].json();
    assert_eq!(body["event"], "envelope.voided");
    assert_eq!(body["data"]["void_reason"], "Wrong customer");
    let page = link_is_closed(&app, &sent, 0);
    assert!(page.to_lowercase().contains("withdr"), "{page}");
    proof_is_stored(&app, &sent);
}

#[test]
fn a_deadline_that_passes_ends_it_by_itself_and_names_who_was_missing() {
    let app = TestApp::start();
    let sink = WebhookSink::start();
    let hook = json!({"url": sink.url(), "events": ENDINGS});
    app.api.post("/api/v1/webhooks", &hook).expect(201);
    let recipients = json!([
        {"email": ANA, "name": "Ana"}, {"email": BEN, "name": "Ben"},
    ]);
    let draft = app.draft(&recipients, json!({"expiresAt": "2026-11-25T09:30:00Z"}));
    let sent = app.send(&draft);
    assert_eq!(sent["expiresAt"], "2026-11-25T09:30:00.000Z");
    app.drain();
    Visitor::of(&app.url, &sent, 0).sign(&sent, "Ana");
    let late = Visitor::of(&app.url, &sent, 1);
    app.drain();
    app.advance(std::time::Duration::from_secs(86_399));
    app.drain();
    assert_eq!(app.envelope(&sent)["status"], "PARTIALLY_SIGNED");
    app.advance(std::time::Duration::from_secs(1));
    // The deadline holds to the second, also before the timer has come to it.
    let page = late.page("check");
    assert!(page.status < 500, "{}", page.status);
    app.drain();
    let now = app.envelope(&sent);
    assert_eq!(now["status"], "EXPIRED");
    let past = "The deadline has passed: Service agreement";
    told(
        &app,
        &[
            (ANA, INVITATION),
            (BEN, INVITATION),
            (ANA, past),
            (BEN, past),
        ],
    );
    let received = sink.received();
    assert_eq!(received.len(), 1);
    let body = received[0].json();
    assert_eq!(body["event"], "envelope.expired");
    assert_eq!(body["data"]["missing_signers"], json!(["ben@example.com"]));
    link_is_closed(&app, &sent, 1);
    let path = format!("/api/v1/envelopes/{}", id(&sent));
    app.api.delete(&path).expect_error(409, "CONFLICT");
    proof_is_stored(&app, &sent);
}

#[test]
fn without_a_deadline_of_its_own_an_envelope_ends_after_the_configured_time() {
    let app = TestApp::start();
    let sent = app.send(&app.draft(&json!([{"email": ANA}]), json!({})));
    assert_eq!(sent["expiresAt"], "2027-02-22T09:30:00.000Z", "90 days");
    let app = app.restart(Options::default());
    app.advance(std::time::Duration::from_secs(90 * 86_400));
    app.drain();
    assert_eq!(app.envelope(&sent)["status"], "EXPIRED");
}

#[test]
fn signing_and_sealing_go_on_where_too_little_room_is_left_for_new_uploads() {
    let app = TestApp::start();
    let people = json!([{"email": "ana@example.com", "name": "Ana García"}]);
    let envelope = app.send(&app.draft(&people, json!({})));
    let app = app.restart(Options {
        free_space_bytes_min: 1 << 60,
        ..Options::default()
    });
    // The server has another port now.
    let link = envelope["recipients"][0]["signUrl"]
        .as_str()
        .expect("a link");
    let path = link.find("/sign/").map(|at| &link[at..]).expect("a path");
    let ana = Visitor::enter(&app.url, &format!("{}{path}", app.url));
    ana.sign(&envelope, "Ana García");
    app.drain();
    assert_eq!(app.envelope(&envelope)["status"], "COMPLETED");
    assert!(app.signed_document(&envelope).body.starts_with(b"%PDF-"));
}
