//! What is told to other systems: signed, repeated until heard, and never sent where it must not go.

use crate::harness::forms::Visitor;
use crate::harness::sink::{Received, Reply, WebhookSink};
use crate::harness::{Options, TestApp, id};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use paraph::domain::environment::Environment;
use paraph::domain::scope::Scopes;
use ring::hmac;
use serde_json::{Value, json};
use std::time::Duration;

fn register(app: &TestApp, sink: &WebhookSink, events: &[&str]) -> Value {
    let body = json!({"url": sink.url(), "events": events});
    app.api.post("/api/v1/webhooks", &body).expect(201)
}

fn sent(app: &TestApp) -> Value {
    app.send(&app.draft(
        &json!([{"email": "ana@example.com", "name": "Ana"}]),
        json!({}),
    ))
}

/// As upstream's clients and as Standard Webhooks' libraries do it.
#[track_caller]
fn verified(received: &Received, secret: &str) {
    let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    let plain = hex::encode(sign(secret.as_bytes(), &received.body));
    assert_eq!(received.header("x-certyneo-signature"), plain);
    let key = secret.strip_prefix("whsec_").expect("the prefix");
    let key = STANDARD.decode(key).expect("base64");
    assert_eq!(key.len(), 32);
    let head = format!(
        "{}.{}.",
        received.header("webhook-id"),
        received.header("webhook-timestamp")
    );
    let timed = STANDARD.encode(sign(&key, &[head.as_bytes(), &received.body].concat()));
    assert_eq!(received.header("webhook-signature"), format!("v1,{timed}"));
}

#[test]
fn both_signatures_of_an_event_can_be_verified_and_its_body_is_as_documented() {
    let app = TestApp::start();
    let sink = WebhookSink::start();
    let events = [
        "envelope.created",
        "envelope.sent",
        "recipient.viewed",
        "envelope.voided",
    ];
    let hook = register(&app, &sink, &events);
    let secret = hook["secret"].as_str().expect("a secret");
    let recipients =
        json!([{"email": "ana@example.com", "name": "Ana"}, {"email": "ben@example.com"}]);
    let more = json!({"externalId": "CRM-1", "metadata": {"deal": "7"}});
    let envelope = app.send(&app.draft(&recipients, more));
    app.advance(Duration::from_secs(30));
    Visitor::of(&app.url, &envelope, 0);
    app.drain();
    let path = format!("/api/v1/envelopes/{}/void", id(&envelope));
    app.api
        .post(&path, &json!({"reason": "Wrong price"}))
        .expect(200);
    app.drain();
    let received = sink.received();
    let names: Vec<&str> = received
        .iter()
        .map(|r| r.header("x-certyneo-event"))
        .collect();
    assert_eq!(names, events);
    for one in &received {
        verified(one, secret);
        assert_eq!(one.path, "/hook");
        assert_eq!(
            one.header("content-type"),
            "application/json; charset=utf-8"
        );
        assert!(one.header("x-certyneo-delivery").starts_with("dlv_"));
        let body = one.json();
        assert_eq!(body["id"], one.header("webhook-id"));
        assert!(body["id"].as_str().expect("an id").starts_with("evt_"));
        assert_eq!(body["event"], one.header("x-certyneo-event"));
        assert_eq!(body["timestamp"], body["occurred_at"]);
        assert_eq!(body["envelope_id"], envelope["id"]);
        assert_eq!(body["environment"], "test");
        let data = &body["data"];
        assert_eq!(data["envelopeId"], envelope["id"]);
        assert_eq!(data["subject"], "Service agreement");
        assert_eq!(data["recipientCount"], 2);
        assert_eq!(data["signedCount"], 0);
        assert_eq!(data["signatureLevel"], "SIMPLE");
        assert_eq!(data["externalId"], "CRM-1");
        assert_eq!(data["metadata"], json!({"deal": "7"}));
        assert!(data["audit"]["sequence"].as_u64().is_some_and(|n| n >= 1));
        assert_eq!(data["audit"]["hash"].as_str().map(str::len), Some(64));
    }
    assert_eq!(received[0].json()["data"]["status"], "DRAFT");
    assert_eq!(
        received[1].json()["data"]["documentSha256"],
        json!([envelope["documents"][0]["sha256"]])
    );
    let viewed = received[2].json();
    assert_eq!(
        viewed["data"]["recipientId"],
        envelope["recipients"][0]["id"]
    );
    assert_eq!(viewed["data"]["email"], "ana@example.com");
    assert_eq!(viewed["data"]["name"], "Ana");
    assert_eq!(viewed["data"]["role"], "SIGNER");
    assert_eq!(viewed["data"]["status"], "DELIVERED");
    assert_eq!(viewed["data"]["viewedAt"], "2026-11-24T09:30:30.000Z");
    assert_eq!(received[3].json()["data"]["status"], "VOIDED");
}

#[test]
fn the_list_shows_no_secret_and_a_deleted_webhook_hears_nothing_more() {
    let app = TestApp::start();
    let sink = WebhookSink::start();
    let hook = register(&app, &sink, &["envelope.sent", "envelope.voided"]);
    let path = format!("/api/v1/webhooks/{}", id(&hook));
    let list = app.api.get("/api/v1/webhooks").expect(200);
    assert_eq!(list["data"][0]["id"], hook["id"]);
    assert_eq!(list["data"][0].get("secret"), None);
    assert_eq!(app.api.get(&path).expect(200).get("secret"), None);
    let envelope = sent(&app);
    app.drain();
    assert_eq!(sink.received().len(), 1);
    app.api
        .delete(&format!("/api/v1/envelopes/{}", id(&envelope)))
        .expect(200);
    // What waits for it goes with it.
    assert_eq!(app.api.delete(&path).expect(200), json!({"success": true}));
    app.drain();
    assert_eq!(sink.received().len(), 1);
    app.api.get(&path).expect_error(404, "NOT FOUND");
    app.api.delete(&path).expect_error(404, "NOT FOUND");
}

#[test]
fn an_event_goes_only_to_those_who_asked_for_it_and_to_nobody_of_the_other_environment() {
    let app = TestApp::start();
    let (one, other) = (WebhookSink::start(), WebhookSink::start());
    register(&app, &one, &["envelope.sent", "envelope.sent"]);
    register(&app, &other, &["envelope.voided"]);
    sent(&app);
    app.drain();
    assert_eq!(one.received().len(), 1);
    assert!(other.received().is_empty());
    // A live webhook wants https; its certificate is not trusted here, so nothing arrives in clear either.
    let live = app.client(Environment::Live, Scopes::all());
    let body = json!({"url": one.url(), "events": ["envelope.sent"]});
    let refused = live
        .post("/api/v1/webhooks", &body)
        .expect_error(400, "url_rejected");
    assert_eq!(
        refused["error"],
        "URL rejected: it must begin with https://"
    );
}

#[test]
fn an_event_is_repeated_with_the_same_id_and_body_until_it_is_taken() {
    let app = TestApp::start();
    let sink = WebhookSink::start();
    let hook = register(&app, &sink, &["envelope.sent"]);
    let secret = hook["secret"].as_str().expect("a secret").to_owned();
    sink.answer(Reply::status(503));
    sent(&app);
    app.drain();
    assert_eq!(sink.received().len(), 1);
    // Each wait is up to a fifth shorter or longer than 1, 5, 30 minutes, 2 and 6 hours.
    for (attempts, minutes) in [(2, 1), (3, 5), (4, 30), (5, 120), (6, 360)] {
        let wait = Duration::from_secs(minutes * 60);
        app.advance(wait * 79 / 100);
        app.drain();
        assert_eq!(sink.received().len(), attempts - 1, "too early");
        if attempts == 6 {
            sink.answer(Reply::status(204));
        }
        app.advance(wait * 42 / 100);
        app.drain();
        assert_eq!(sink.received().len(), attempts);
    }
    app.advance(Duration::from_secs(86_400));
    app.drain();
    let received = sink.received();
    assert_eq!(received.len(), 6);
    for one in &received {
        verified(one, &secret);
        assert_eq!(one.body, received[0].body);
        for name in ["webhook-id", "x-certyneo-delivery", "x-certyneo-signature"] {
            assert_eq!(one.header(name), received[0].header(name), "{name}");
        }
    }
    let mut times: Vec<u64> = received
        .iter()
        .map(|r| r.header("webhook-timestamp").parse().expect("seconds"))
        .collect();
    times.dedup();
    assert_eq!(times.len(), 6, "each attempt says its own time");
}

#[test]
fn after_the_last_attempt_a_delivery_has_failed_and_can_be_seen() {
    let app = TestApp::with(Options {
        ask_at_end: false,
        ..Options::default()
    });
    let sink = WebhookSink::start();
    let hook = register(&app, &sink, &["envelope.sent"]);
    sink.answer(Reply::status(500));
    sent(&app);
    for _ in 0..8 {
        app.drain();
        app.advance(Duration::from_secs(8 * 3_600));
    }
    assert_eq!(sink.received().len(), 6);
    let failed = app.app().failed_work(1, 10).expect("the queues").0;
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].queue, "delivery");
    assert_eq!(
        failed[0].work.last_error.as_deref(),
        Some("The endpoint answered 500.")
    );
    let path = format!("/api/v1/webhooks/{}", id(&hook));
    assert_eq!(app.api.get(&path).expect(200)["isActive"], true);
    // Five days of nothing but failures disable it.
    app.advance(Duration::from_secs(5 * 86_400));
    sent(&app);
    app.drain();
    assert_eq!(app.api.get(&path).expect(200)["isActive"], false);
    let report = app.app().verify_all(&mut |_, _| {}).expect("the audit");
    assert!(report.faults.is_empty(), "{:?}", report.faults);
}

#[test]
fn an_endpoint_that_is_gone_is_asked_once() {
    let app = TestApp::with(Options {
        ask_at_end: false,
        ..Options::default()
    });
    let sink = WebhookSink::start();
    let hook = register(&app, &sink, &["envelope.sent"]);
    sink.answer(Reply::status(410));
    sent(&app);
    app.drain();
    let path = format!("/api/v1/webhooks/{}", id(&hook));
    assert_eq!(app.api.get(&path).expect(200)["isActive"], false);
    sent(&app);
    app.advance(Duration::from_secs(86_400));
    app.drain();
    assert_eq!(sink.received().len(), 1);
}

#[test]
fn retry_after_is_honoured() {
    let app = TestApp::start();
    let sink = WebhookSink::start();
    register(&app, &sink, &["envelope.sent"]);
    sink.answer(Reply {
        status: 503,
        headers: vec![("Retry-After".into(), "3600".into())],
    });
    sent(&app);
    app.drain();
    sink.answer(Reply::status(200));
    app.advance(Duration::from_secs(3_599));
    app.drain();
    assert_eq!(sink.received().len(), 1);
    app.advance(Duration::from_secs(1));
    app.drain();
    assert_eq!(sink.received().len(), 2);
}

#[test]
fn a_redirect_is_a_failure_and_is_not_followed() {
    let app = TestApp::start();
    let (sink, elsewhere) = (WebhookSink::start(), WebhookSink::start());
    register(&app, &sink, &["envelope.sent"]);
    for status in [301, 302, 307, 308] {
        sink.answer(Reply {
            status,
            headers: vec![("Location".into(), elsewhere.url())],
        });
        sent(&app);
        app.drain();
    }
    assert_eq!(sink.received().len(), 4);
    assert!(elsewhere.received().is_empty());
    sink.answer(Reply::status(200));
    app.advance(Duration::from_secs(72));
    app.drain();
    assert_eq!(sink.received().len(), 8, "each was tried again");
}

#[test]
fn a_webhook_survives_a_restart_and_what_waited_is_sent_after_it() {
    let app = TestApp::start();
    let sink = WebhookSink::start();
    let hook = register(&app, &sink, &["envelope.sent"]);
    sent(&app);
    let app = app.restart(Options::default());
    app.drain();
    let received = sink.received();
    assert_eq!(received.len(), 1);
    verified(&received[0], hook["secret"].as_str().expect("a secret"));
}

#[test]
fn an_address_inside_is_refused_in_every_form() {
    let app = TestApp::with(Options {
        allowed_networks: Vec::new(),
        ..Options::default()
    });
    let inside = [
        "http://127.0.0.1/",
        "http://127.8.9.1:8080/",
        "http://10.0.0.5/",
        "http://172.16.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0.0.0.0/",
        "http://100.64.0.1/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://localhost/",
        "http://localhost:8080/",
    ];
    let strange = [
        "http://LOCALHOST./",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.1.:80/",
        "http://user@example.com/",
        "http://user:pass@example.com/",
        "http://example.com@127.0.0.1/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "//example.com/",
        "example.com",
        "http://example.com:22/",
        "http://example.com/#x",
        "http://exa mple.com/",
        "http://",
        "http:///x",
        "http://example.com\\@127.0.0.1/",
        "javascript:alert(1)",
    ];
    for (urls, exact) in [(&inside[..], true), (&strange[..], false)] {
        for url in urls {
            let body = json!({"url": url, "events": ["envelope.sent"]});
            let problem = app
                .api
                .post("/api/v1/webhooks", &body)
                .expect_error(400, "url_rejected");
            let told = problem["error"].as_str().expect("text");
            if exact {
                assert_eq!(told, "URL rejected: private or loopback address", "{url}");
            } else {
                assert!(told.starts_with("URL rejected: "), "{url}: {told}");
            }
        }
    }
    assert_eq!(
        app.api.get("/api/v1/webhooks").expect(200)["pagination"]["total"],
        0
    );
    // A public address is taken without asking it: nothing is sent at registration.
    let body = json!({"url": "https://93.184.215.14/hook", "events": ["envelope.sent"]});
    app.api.post("/api/v1/webhooks", &body).expect(201);
}

#[test]
fn what_the_operator_no_longer_allows_is_not_called_though_it_is_registered() {
    let app = TestApp::start();
    let sink = WebhookSink::start();
    register(&app, &sink, &["envelope.sent"]);
    let app = app.restart(Options {
        allowed_networks: Vec::new(),
        ask_at_end: false,
        ..Options::default()
    });
    sent(&app);
    app.drain();
    assert!(
        sink.received().is_empty(),
        "the guard judges again at each attempt"
    );
}

#[test]
fn a_registration_that_is_not_right_says_everything_that_is_wrong_with_it() {
    let app = TestApp::start();
    let problem = app
        .api
        .post(
            "/api/v1/webhooks",
            &json!({"events": ["envelope.sendt"], "activ": true}),
        )
        .expect_error(400, "invalid_request");
    let faults = problem["errors"].as_array().expect("faults");
    let at = |pointer: &str| {
        faults
            .iter()
            .find(|f| f["pointer"] == pointer)
            .unwrap_or_else(|| panic!("{pointer} in {problem}"))["message"]
            .as_str()
            .expect("text")
    };
    at("/url");
    assert!(at("/events/0").contains("Did you mean `envelope.sent`?"));
    assert!(at("/activ").contains("Did you mean `active`?"));
    app.api
        .post(
            "/api/v1/webhooks",
            &json!({"url": "http://127.0.0.1/", "events": []}),
        )
        .expect_error(400, "invalid_request");
    let long = format!("http://127.0.0.1/{}", "x".repeat(3_000));
    app.api
        .post(
            "/api/v1/webhooks",
            &json!({"url": long, "events": ["envelope.sent"]}),
        )
        .expect_error(400, "invalid_request");
}
