//! The same request twice has one effect and one answer.

use crate::harness::client::{Client, Reply};
use crate::harness::{Options, TestApp, id, pdf};
use serde_json::{Value, json};
use std::time::Duration;

fn keyed(client: &Client, key: &str, path: &str, body: &Value) -> Reply {
    let headers = [
        ("Content-Type", "application/json"),
        ("Idempotency-Key", key),
    ];
    client.send("POST", path, &headers, Some(body.to_string().as_bytes()))
}

fn keyed_upload(client: &Client, key: &str, boundary: &str, name: &str, bytes: &[u8]) -> Reply {
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary={boundary}");
    let headers = [("Content-Type", kind.as_str()), ("Idempotency-Key", key)];
    client.send("POST", "/api/v1/documents", &headers, Some(&body))
}

#[track_caller]
fn replays(first: &Reply, again: &Reply) {
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_eq!(
        again.header("idempotent-replayed"),
        "true",
        "{}",
        again.text()
    );
    assert_eq!(again.status, first.status);
    assert_eq!(again.text(), first.text());
    assert_eq!(again.header("content-type"), first.header("content-type"));
}

fn total(app: &TestApp, path: &str) -> Value {
    app.api.get(&format!("/api/v1/{path}")).expect(200)["pagination"]["total"].clone()
}

fn new_envelope(app: &TestApp) -> Value {
    let document = app.document(&pdf::contract());
    json!({"subject": "Offer", "documentIds": [document], "recipients": [{"email": "ana@example.com"}]})
}

#[test]
fn every_post_gives_the_same_answer_again_and_has_its_effect_once() {
    let app = TestApp::start();
    let body = new_envelope(&app);
    let path = "/api/v1/envelopes";
    let first = keyed(&app.api, "make", path, &body);
    let draft = first.expect(201);
    replays(&first, &keyed(&app.api, "make", path, &body));
    // The order of members and the blanks between them are no part of the request.
    let text = format!(
        "{{ \"recipients\": {}, \"documentIds\": {},\n \"subject\": \"Offer\" }}",
        body["recipients"], body["documentIds"]
    );
    let headers = [
        ("Content-Type", "application/json"),
        ("Idempotency-Key", "make"),
    ];
    replays(
        &first,
        &app.api.send("POST", path, &headers, Some(text.as_bytes())),
    );
    assert_eq!(total(&app, "envelopes"), 1);

    let send = format!("{path}/{}/send", id(&draft));
    let no_body = [("Idempotency-Key", "send"), ("Content-Length", "0")];
    let sent = app.api.send("POST", &send, &no_body, None);
    assert_eq!(sent.expect(200)["status"], "SENT");
    replays(&sent, &app.api.send("POST", &send, &no_body, None));

    let void = format!("{path}/{}/void", id(&draft));
    let reason = json!({"reason": "Wrong price"});
    let voided = keyed(&app.api, "void", &void, &reason);
    assert_eq!(voided.expect(200)["status"], "VOIDED");
    replays(&voided, &keyed(&app.api, "void", &void, &reason));

    let hook = json!({"url": "http://127.0.0.1:9000/", "events": ["envelope.sent"]});
    let made = keyed(&app.api, "hook", "/api/v1/webhooks", &hook);
    made.expect(201);
    replays(&made, &keyed(&app.api, "hook", "/api/v1/webhooks", &hook));
    assert_eq!(total(&app, "webhooks"), 1);

    let key = json!({"name": "HRIS"});
    let made = keyed(&app.api, "key", "/api/v1/keys", &key);
    made.expect(201);
    replays(&made, &keyed(&app.api, "key", "/api/v1/keys", &key));
    assert_eq!(total(&app, "keys"), 2);

    let file = json!({"name": "a.pdf", "base64Pdf": base64(&pdf::contract())});
    let made = keyed(&app.api, "file", "/api/v1/documents", &file);
    made.expect(201);
    replays(&made, &keyed(&app.api, "file", "/api/v1/documents", &file));
    assert_eq!(total(&app, "documents"), 2);
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

#[test]
fn the_same_key_with_another_request_is_refused() {
    let app = TestApp::start();
    let body = new_envelope(&app);
    let path = "/api/v1/envelopes";
    keyed(&app.api, "k", path, &body).expect(201);
    let mut other = body.clone();
    other["subject"] = json!("Another offer");
    keyed(&app.api, "k", path, &other).expect_error(422, "idempotency_key_reused");
    // A key belongs to its path and to its caller.
    let hook = json!({"url": "http://127.0.0.1:9000/", "events": ["envelope.sent"]});
    keyed(&app.api, "k", "/api/v1/webhooks", &hook).expect(201);
    let everything = paraph::domain::scope::Scopes::all();
    let neighbour = app.client(paraph::domain::environment::Environment::Test, everything);
    keyed(&neighbour, "k", path, &other).expect(201);
    assert_eq!(total(&app, "envelopes"), 2);
}

#[test]
fn a_form_is_compared_by_its_fields_and_its_file_and_not_by_its_bytes() {
    let app = TestApp::start();
    let bytes = pdf::contract();
    let first = keyed_upload(&app.api, "k", "one-boundary", "a.pdf", &bytes);
    first.expect(201);
    replays(
        &first,
        &keyed_upload(&app.api, "k", "another-boundary", "a.pdf", &bytes),
    );
    keyed_upload(&app.api, "k", "one-boundary", "b.pdf", &bytes)
        .expect_error(422, "idempotency_key_reused");
    let mut longer = bytes.clone();
    longer.push(b'\n');
    keyed_upload(&app.api, "k", "one-boundary", "a.pdf", &longer)
        .expect_error(422, "idempotency_key_reused");
    assert_eq!(total(&app, "documents"), 1);
}

/// A form of several members as a client cuts it: `(headers of the part, content)`.
fn keyed_form(client: &Client, key: &str, boundary: &str, parts: &[(&str, &[u8])]) -> Reply {
    let mut body = Vec::new();
    for (head, content) in parts {
        body.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary={boundary}");
    let headers = [("Content-Type", kind.as_str()), ("Idempotency-Key", key)];
    client.send("POST", "/api/v1/documents", &headers, Some(&body))
}

#[test]
fn a_form_whose_members_come_in_another_order_is_the_same_request() {
    let app = TestApp::start();
    let bytes = pdf::contract();
    let name = ("name=\"name\"", &b"Offer"[..]);
    let file = ("name=\"file\"; filename=\"a.pdf\"", bytes.as_slice());
    let first = keyed_form(&app.api, "k", "b", &[name, file]);
    assert_eq!(first.expect(201)["name"], "Offer");
    replays(&first, &keyed_form(&app.api, "k", "bb", &[file, name]));
    let typed = (
        "name=\"file\"; filename=\"a.pdf\"\r\nContent-Type: application/pdf",
        bytes.as_slice(),
    );
    replays(&first, &keyed_form(&app.api, "k", "b", &[typed, name]));
    let other = ("name=\"name\"", &b"Another offer"[..]);
    for parts in [&[other, file][..], &[file]] {
        keyed_form(&app.api, "k", "b", parts).expect_error(422, "idempotency_key_reused");
    }
    assert_eq!(total(&app, "documents"), 1);
}

#[test]
fn a_refusal_is_given_again_and_holds_its_key_but_what_may_change_is_not_remembered() {
    let app = TestApp::start();
    let body = new_envelope(&app);
    let mut wrong = body.clone();
    wrong["recipients"] = json!([]);
    let path = "/api/v1/envelopes";
    let first = keyed(&app.api, "k", path, &wrong);
    first.expect_error(400, "invalid_request");
    replays(&first, &keyed(&app.api, "k", path, &wrong));
    keyed(&app.api, "k", path, &body).expect_error(422, "idempotency_key_reused");
    let refused = keyed_upload(&app.api, "bad", "b", "a.pdf", b"%PDF-1.7 nothing");
    refused.expect_error(422, "document_malformed");
    replays(
        &refused,
        &keyed_upload(&app.api, "bad", "b", "a.pdf", b"%PDF-1.7 nothing"),
    );
    // No right: another key of the same name may come.
    let narrow = app.client(
        paraph::domain::environment::Environment::Test,
        [paraph::domain::scope::Scope::EnvelopesRead]
            .into_iter()
            .collect(),
    );
    for _ in 0..2 {
        let reply = keyed(&narrow, "k", path, &body);
        reply.expect_error(403, "insufficient_scope");
        assert_eq!(reply.header("idempotent-replayed"), "");
    }
}

#[test]
fn an_answer_outlives_a_restart_and_is_forgotten_after_a_day() {
    let app = TestApp::start();
    let body = new_envelope(&app);
    let path = "/api/v1/envelopes";
    let first = keyed(&app.api, "k", path, &body);
    first.expect(201);
    let secret = app.key.clone();
    let app = app.restart(Options::default());
    let same = Client::with_key(&app.url, &secret);
    replays(&first, &keyed(&same, "k", path, &body));
    assert_eq!(total(&app, "envelopes"), 1);
    app.advance(Duration::from_secs(24 * 3_600 + 1));
    let anew = keyed(&same, "k", path, &body);
    assert_eq!(anew.header("idempotent-replayed"), "");
    assert_ne!(id(&anew.expect(201)), id(&first.json()));
}

#[test]
fn calls_with_one_key_at_the_same_time_have_one_effect() {
    let app = TestApp::start();
    let body = new_envelope(&app);
    let replies: Vec<Reply> = std::thread::scope(|threads| {
        let calls: Vec<_> = (0..4)
            .map(|_| {
                threads.spawn(|| {
                    keyed(
                        &Client::with_key(&app.url, &app.key),
                        "k",
                        "/api/v1/envelopes",
                        &body,
                    )
                })
            })
            .collect();
        calls
            .into_iter()
            .map(|call| call.join().expect("a call"))
            .collect()
    });
    assert_eq!(total(&app, "envelopes"), 1);
    let first = replies
        .iter()
        .find(|r| r.status == 201 && r.header("idempotent-replayed").is_empty())
        .expect("one that made it");
    for reply in &replies {
        if reply.status == 201 {
            assert_eq!(reply.text(), first.text());
        } else {
            reply.expect_error(409, "idempotency_in_progress");
            assert_eq!(reply.header("retry-after"), "1");
        }
    }
}

#[test]
fn a_key_that_is_none_is_refused() {
    let app = TestApp::start();
    let body = json!({"name": "x"});
    for bad in ["", "with blank", &"x".repeat(256), "\u{e9}"] {
        keyed(&app.api, bad, "/api/v1/keys", &body).expect_error(400, "invalid_request");
    }
    keyed(&app.api, &"x".repeat(255), "/api/v1/keys", &body).expect(201);
    assert_eq!(total(&app, "keys"), 2);
}

#[test]
fn no_secret_of_an_answer_stands_in_the_data_folder() {
    let app = TestApp::start();
    let hook = json!({"url": "http://127.0.0.1:9000/", "events": ["envelope.sent"]});
    let hook = keyed(&app.api, "a-very-special-name", "/api/v1/webhooks", &hook).expect(201);
    let key = keyed(
        &app.api,
        "a-very-special-name",
        "/api/v1/keys",
        &json!({"name": "x"}),
    )
    .expect(201);
    let draft = keyed(
        &app.api,
        "a-very-special-name",
        "/api/v1/envelopes",
        &new_envelope(&app),
    )
    .expect(201);
    app.send(&draft);
    app.drain();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let secrets = [
        text(&hook["secret"]),
        text(&hook["secret"])
            .trim_start_matches("whsec_")
            .to_owned(),
        text(&key["key"]),
        text(&draft["recipients"][0]["accessToken"]),
        app.key.clone(),
        "a-very-special-name".to_owned(),
    ];
    let mut folders = vec![app.data_dir().to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let bytes = std::fs::read(&path).expect("a file");
            for secret in &secrets {
                let found = contains(&bytes, secret.as_bytes());
                assert!(!found, "{} stands in {}", secret, path.display());
            }
        }
    }
    assert!(files >= 3, "{files} files");
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}
