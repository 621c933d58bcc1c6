//! What a sealed audit trail says of its own export holds for as long as the envelope is kept.

use crate::harness::forms::Visitor;
use crate::harness::{TestApp, id};
use crate::worker::file;
use paraph::domain::digest::Digest;
use paraph::worker::{Limits, Worker};
use serde_json::{Value, json};
use std::time::Duration;

/// What a PDF says, without white space: however its lines are broken.
fn words(pdf: &[u8]) -> String {
    let executable = env!("CARGO_BIN_EXE_paraph").into();
    let worker = Worker::new(executable, vec![], Limits::new(1, 50_000_000));
    let pages = worker.text(&file(pdf), 1, 100).expect("text");
    pages
        .iter()
        .flat_map(|page| page.text.split_whitespace())
        .collect()
}

fn one_signer() -> Value {
    json!([{"email": "ana@example.com", "name": "Ana García"}])
}

#[track_caller]
fn entries(export: &[u8]) -> Vec<Value> {
    let export: Value = serde_json::from_slice(export).expect("JSON");
    export["entries"].as_array().expect("entries").clone()
}

#[test]
fn the_export_that_a_sealed_trail_prints_is_the_same_after_any_number_of_downloads() {
    let app = TestApp::start();
    let sent = app.send(&app.draft(&one_signer(), json!({})));
    app.drain();
    Visitor::of(&app.url, &sent, 0).sign(&sent, "Ana García");
    app.drain();
    let path = format!("/api/v1/envelopes/{}/audit-trail", id(&sent));
    let sealed = app.api.get(&path);
    assert_eq!(sealed.status, 200, "{}", sealed.text());
    let export = app.api.get(&format!("{path}?format=json"));
    assert_eq!(export.status, 200, "{}", export.text());
    for _ in 0..3 {
        // Within the hour it would not be noted again.
        app.advance(Duration::from_secs(3_601));
        app.signed_document(&sent);
        assert_eq!(app.api.get(&path).body, sealed.body);
    }

    let again = app.api.get(&format!("{path}?format=json"));
    assert_eq!(again.body, export.body);
    assert_eq!(again.header("repr-digest"), export.header("repr-digest"));
    let printed = words(&sealed.body);
    let digest = Digest::of(&again.body).to_string();
    assert!(printed.contains(&digest), "{digest} is not in {printed}");
    let head = again.json()["head"].clone();
    let hash = head["hash"].as_str().expect("a hash");
    assert!(printed.contains(hash), "{hash} is not in {printed}");
    let named = format!("{path}?format=json&through={}", head["sequence"]);
    assert!(printed.contains(&named), "{named} is not in {printed}");
    assert_eq!(app.api.get(&named).body, export.body);

    let latest = app.api.get(&format!("{path}?format=json&through=latest"));
    let (all, frozen) = (entries(&latest.body), entries(&export.body));
    assert!(
        all.len() >= frozen.len() + 7,
        "{} {}",
        all.len(),
        frozen.len()
    );
    assert_eq!(all[..frozen.len()], frozen[..]);
}

#[test]
fn the_export_of_an_interim_trail_can_be_had_when_more_has_happened() {
    let app = TestApp::start();
    let sent = app.send(&app.draft(&one_signer(), json!({})));
    app.drain();
    let path = format!("/api/v1/envelopes/{}/audit-trail", id(&sent));
    let before = app.api.get(&format!("{path}?format=json"));
    let interim = app.api.get(&path);
    Visitor::of(&app.url, &sent, 0).sign(&sent, "Ana García");
    app.drain();
    let last = before.json()["head"]["sequence"].clone();
    let named = format!("{path}?format=json&through={last}");
    let export = app.api.get(&named);
    assert_eq!(export.body, before.body);
    let printed = words(&interim.body);
    assert!(printed.contains(&named), "{named} is not in {printed}");
    let digest = Digest::of(&export.body).to_string();
    assert!(printed.contains(&digest), "{digest} is not in {printed}");
}

#[test]
fn an_export_that_cannot_end_there_is_refused() {
    let app = TestApp::start();
    let sent = app.send(&app.draft(&one_signer(), json!({})));
    let path = format!("/api/v1/envelopes/{}/audit-trail", id(&sent));
    for query in [
        "format=json&through=0",
        "format=json&through=-1",
        "format=json&through=last",
        "format=json&through=",
        "format=pdf&through=2",
        "through=latest",
    ] {
        app.api
            .get(&format!("{path}?{query}"))
            .expect_error(400, "invalid_request");
    }
    app.api
        .get(&format!("{path}?format=json&through=999"))
        .expect_error(404, "NOT FOUND");
    let first = app.api.get(&format!("{path}?format=json&through=1"));
    assert_eq!(entries(&first.body).len(), 1);
}

#[test]
fn the_chain_can_be_computed_from_the_export_by_the_rule_that_the_trail_prints() {
    let app = TestApp::start();
    let sent = app.send(&app.draft(&one_signer(), json!({})));
    app.drain();
    Visitor::of(&app.url, &sent, 0).sign(&sent, "Ana García");
    app.drain();
    let path = format!("/api/v1/envelopes/{}/audit-trail", id(&sent));
    let export = app.api.get(&format!("{path}?format=json")).body;
    let bytes =
        |entry: &Value, name: &str| hex::decode(entry[name].as_str().expect("hex")).expect("hex");
    let digest = |parts: &[&[u8]]| Digest::of(&parts.concat()).as_bytes().to_vec();
    let rule = b"paraph-audit-v1";
    let mut before = digest(&[rule, id(&sent).as_bytes()]);
    for entry in entries(&export) {
        let body = entry["body"].as_str().expect("a body");
        let body_hash = digest(&[&bytes(&entry, "salt"), body.as_bytes()]);
        assert_eq!(bytes(&entry, "bodyHash"), body_hash, "{entry}");
        let sequence = entry["sequence"].as_u64().expect("a number");
        let hash = digest(&[rule, &before, &sequence.to_be_bytes(), &body_hash]);
        assert_eq!(bytes(&entry, "hash"), hash, "{entry}");
        before = hash;
    }
    let head: Value = serde_json::from_slice(&export).expect("JSON");
    assert_eq!(bytes(&head["head"], "hash"), before);
}
