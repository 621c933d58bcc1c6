//! Whatever comes in: the right status and code, nothing half kept, nothing broken here.

use crate::harness::client::Client;
use crate::harness::forms::{Visitor, input};
use crate::harness::{Options, TestApp, id, pdf};
use paraph::http::body::Patience;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::built as build;

fn total(app: &TestApp, path: &str) -> Value {
    app.api.get(&format!("/api/v1/{path}")).expect(200)["pagination"]["total"].clone()
}

#[track_caller]
fn refused(app: &TestApp, bytes: &[u8], status: u16, code: &str) -> String {
    let reply = app.api.upload("/api/v1/documents", "a.pdf", bytes);
    let problem = reply.expect_error(status, code);
    problem["error"].as_str().expect("text").to_owned()
}

#[test]
fn files_that_are_no_good_document_are_refused_with_why() {
    let app = TestApp::start();
    let good = pdf::contract();
    refused(&app, b"", 415, "document_type_unsupported");
    refused(&app, b"hello", 415, "document_type_unsupported");
    refused(&app, b"%PDF", 415, "document_type_unsupported");
    refused(&app, &good[..good.len() / 2], 422, "document_malformed");
    refused(&app, b"%PDF-1.7\n", 422, "document_malformed");
    let mut shifted = build::Pdf::one_page().build();
    let at = shifted.len() - 10;
    shifted[at] = b'9';
    let told = refused(&app, &shifted, 422, "document_malformed");
    assert!(told.len() > 20, "it says why: {told}");
    let mut missing = build::Pdf::one_page();
    refused(&app, &missing.remove(3).build(), 422, "document_malformed");
    let encrypted = build::Pdf::one_page()
        .set(9, "<</Filter/Standard/V 2/R 3/Length 128/P -4/O(00000000000000000000000000000000)/U(00000000000000000000000000000000)>>")
        .trailer("/Encrypt 9 0 R/ID[<00><00>]")
        .build();
    refused(&app, &encrypted, 422, "document_encrypted");
    let script = build::Pdf::one_page()
        .replace(
            1,
            "/Type/Catalog",
            "/Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>",
        )
        .build();
    refused(&app, &script, 422, "document_active_content");
    let launch = build::Pdf::one_page()
        .replace(
            1,
            "/Type/Catalog",
            "/Type/Catalog/AA<</WC<</S/Launch/F(cmd.exe)>>>>",
        )
        .build();
    refused(&app, &launch, 422, "document_active_content");
    refused(
        &app,
        &build::Pdf::pages(2_001).build(),
        422,
        "document_too_many_pages",
    );
    assert_eq!(total(&app, "documents"), 0, "nothing refused is kept");
    assert_eq!(stored_files(&app), 0, "nor a file of it");
    app.document(&good);
    assert_eq!(stored_files(&app), 1);
}

/// Files in the vault and among the uploads under way.
fn stored_files(app: &TestApp) -> usize {
    let mut folders = vec![
        app.data_dir().join("vault"),
        app.data_dir().join("incoming"),
    ];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
            }
        }
    }
    files
}

#[test]
fn a_document_that_we_sealed_is_not_taken_for_signing_again() {
    let app = TestApp::start();
    let sent = app.send(&app.draft(
        &json!([{"email": "ana@example.com", "name": "Ana"}]),
        json!({}),
    ));
    Visitor::of(&app.url, &sent, 0).sign(&sent, "Ana");
    app.drain();
    let sealed = app.signed_document(&sent).body;
    refused(&app, &sealed, 422, "document_already_signed");
}

#[test]
fn a_bomb_of_a_kilobyte_bursts_within_bounds() {
    let app = TestApp::start();
    let zeros = vec![b' '; 100 << 20];
    let bomb = build::deflate(&build::deflate(&zeros));
    assert!(bomb.len() < 1_500, "{} bytes", bomb.len());
    let mut contents = build::Pdf::one_page();
    contents.stream(4, "/Filter[/FlateDecode/FlateDecode]", &bomb);
    let entries = "/Type/ObjStm/N 1/First 4/Filter[/FlateDecode/FlateDecode]";
    let mut objects = build::Pdf::one_page();
    objects
        .stream(9, entries, &bomb)
        .replace(1, "/Type/Catalog", "/Type/Catalog/Names 9 0 R");
    let mut image = build::Pdf::one_page();
    let entries = "/Type/XObject/Subtype/Image/Width 10000/Height 10000/BitsPerComponent 8/ColorSpace/DeviceGray/Filter[/FlateDecode/FlateDecode]";
    image
        .stream(9, entries, &bomb)
        .stream(4, "", b"500 0 0 500 0 0 cm /I Do")
        .replace(3, "/Resources<<>>", "/Resources<</XObject<</I 9 0 R>>>>");
    for file in [contents, objects, image] {
        let reply = app.api.upload("/api/v1/documents", "a.pdf", &file.build());
        if reply.status == 201 {
            // What is taken can be shown.
            let recipients = json!([{"email": "ana@example.com", "name": "Ana"}]);
            let body = json!({"subject": "x", "documentIds": [reply.json()["id"]], "recipients": recipients});
            let draft = app.api.post("/api/v1/envelopes", &body).expect(201);
            let sent = app.send(&draft);
            Visitor::of(&app.url, &sent, 0).look(&sent);
        } else {
            assert_eq!(reply.status, 422, "{}", reply.text());
        }
    }
    // It is still there for others.
    app.document(&pdf::contract());
}

#[test]
fn nesting_of_a_hundred_thousand_levels_overflows_nothing() {
    let app = TestApp::start();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let arrays = build::Pdf::one_page()
        .replace(1, "/Type/Catalog", &format!("/Type/Catalog/Extra {deep}"))
        .build();
    refused(&app, &arrays, 422, "document_malformed");
    let deep = format!("{}{}", "<</A".repeat(100_000), ">>".repeat(100_000));
    let dictionaries = build::Pdf::one_page().set(9, deep).build();
    let reply = app.api.upload("/api/v1/documents", "a.pdf", &dictionaries);
    assert!(
        reply.status == 201 || reply.status == 422,
        "{}",
        reply.text()
    );
    let json_type = [("Content-Type", "application/json")];
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let body = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        for path in ["/api/v1/envelopes", "/api/v1/webhooks", "/api/v1/keys"] {
            app.api
                .send("POST", path, &json_type, Some(body.as_bytes()))
                .expect_error(400, "invalid_json");
        }
    }
}

#[test]
fn what_is_too_large_is_refused_with_the_limit() {
    let app = TestApp::start();
    let mut large = pdf::contract();
    large.resize(5_000_001, b' ');
    let told = refused(&app, &large, 413, "payload_too_large");
    assert!(told.contains("5 MB"), "{told}");
    large.resize(30_000_000, b' ');
    let told = refused(&app, &large, 413, "payload_too_large");
    assert!(told.contains("5 MB"), "{told}");
    let inline = json!({"name": "a.pdf", "base64Pdf": "A".repeat(8_000_000)});
    let problem = app
        .api
        .post("/api/v1/documents", &inline)
        .expect_error(413, "payload_too_large");
    assert!(
        problem["error"].as_str().expect("text").contains("MB"),
        "{problem}"
    );
    let long = json!({"name": "x".repeat(2_000_000)});
    for path in ["/api/v1/webhooks", "/api/v1/keys"] {
        let problem = app
            .api
            .post(path, &long)
            .expect_error(413, "payload_too_large");
        assert!(
            problem["error"].as_str().expect("text").contains("1 MB"),
            "{problem}"
        );
    }
    assert_eq!(total(&app, "documents"), 0);
    assert_eq!(stored_files(&app), 0);
}

#[test]
fn a_field_must_lie_on_a_page_that_there_is() {
    let app = TestApp::start();
    let document = app.document(&pdf::contract());
    let post = |field: Value| {
        let body = json!({
            "subject": "x", "documentIds": [document], "recipients": [{"email": "ana@example.com"}], "fields": [field],
        });
        app.api.post("/api/v1/envelopes", &body)
    };
    let outside =
        json!({"recipientIndex": 0, "fieldType": "SIGNATURE", "pageNumber": 3, "x": 500, "y": 100});
    let problem = post(outside).expect_error(400, "invalid_request");
    let fault = &problem["errors"][0];
    assert_eq!(fault["pointer"], "/fields/0");
    assert_eq!(fault["code"], "field_outside_page");
    assert!(
        fault["message"]
            .as_str()
            .expect("text")
            .contains("595.0 × 842.0"),
        "{fault}"
    );
    let below = json!({"recipientIndex": 0, "fieldType": "SIGNATURE", "x": 0, "y": 803});
    post(below).expect_error(400, "invalid_request");
    let nowhere =
        json!({"recipientIndex": 0, "fieldType": "SIGNATURE", "pageNumber": 4, "x": 0, "y": 0});
    let problem = post(nowhere).expect_error(400, "invalid_request");
    assert_eq!(problem["errors"][0]["code"], "page_not_found");
    assert!(
        problem["error"].as_str().expect("text").contains("3 pages"),
        "{problem}"
    );
    for (name, value) in [
        ("pageNumber", json!(0)),
        ("pageNumber", json!(1.5)),
        ("pageNumber", json!("1")),
        ("x", json!(-1)),
        ("x", json!(1e300)),
        ("y", json!("5")),
        ("y", Value::Null),
        ("width", json!(0)),
        ("height", json!(-5)),
        ("documentIndex", json!(1)),
        ("recipientIndex", json!(1)),
        ("recipientEmail", json!("eva@example.com")),
        ("fieldType", json!("SIGN")),
        ("required", json!("yes")),
        ("label", json!(5)),
        ("value", json!("x")),
    ] {
        let mut field = json!({"recipientIndex": 0, "fieldType": "SIGNATURE", "x": 10, "y": 10});
        field[name] = value.clone();
        let problem = post(field).expect_error(400, "invalid_request");
        assert!(
            problem["errors"][0]["pointer"]
                .as_str()
                .expect("a pointer")
                .starts_with("/fields/0"),
            "{name} {value}: {problem}"
        );
    }
    assert_eq!(total(&app, "envelopes"), 0);
}

#[test]
fn a_member_that_nobody_knows_is_refused_with_the_nearest_that_there_is() {
    let app = TestApp::start();
    let body = json!({
        "subjekt": "x", "documentIds": ["doc_1"], "recipients": [{"email": "ana@example.com", "nmae": "Ana"}],
        "fields": [{"recipentIndex": 0, "fieldType": "SIGNATURE", "x": 1, "y": 1}], "zzz": 1,
    });
    let problem = app
        .api
        .post("/api/v1/envelopes", &body)
        .expect_error(400, "invalid_request");
    let faults = problem["errors"].as_array().expect("faults");
    for (pointer, nearest) in [
        ("/subjekt", Some("subject")),
        ("/recipients/0/nmae", Some("name")),
        ("/fields/0/recipentIndex", Some("recipientIndex")),
        ("/zzz", None),
    ] {
        let fault = faults
            .iter()
            .find(|f| f["pointer"] == pointer)
            .unwrap_or_else(|| panic!("{pointer} in {problem}"));
        assert_eq!(fault["code"], "unknown_member");
        let told = fault["message"].as_str().expect("text");
        match nearest {
            Some(near) => assert!(told.contains(&format!("Did you mean `{near}`?")), "{told}"),
            None => assert!(!told.contains("Did you mean"), "{told}"),
        }
    }
    // All faults at once: also the document that there is not.
    assert!(
        faults.iter().any(|f| f["pointer"] == "/documentIds/0"),
        "{problem}"
    );
}

#[test]
fn wrong_types_and_values_are_refused_where_they_stand() {
    let app = TestApp::start();
    let document = app.document(&pdf::contract());
    let request = json!({"subject": "x", "documentIds": [document], "recipients": [{"email": "ana@example.com"}]});
    let many: Vec<Value> = (0..101)
        .map(|n| json!({"email": format!("a{n}@example.com")}))
        .collect();
    let pairs: serde_json::Map<String, Value> =
        (0..21).map(|n| (n.to_string(), json!("x"))).collect();
    for (name, value, pointer) in [
        ("subject", json!(5), "/subject"),
        ("subject", json!(""), "/subject"),
        ("subject", json!("x".repeat(201)), "/subject"),
        ("subject", Value::Null, "/subject"),
        ("message", json!(["x"]), "/message"),
        ("message", json!("x".repeat(2_001)), "/message"),
        ("documentIds", json!("doc_1"), "/documentIds"),
        ("documentIds", json!([]), "/documentIds"),
        ("documentIds", json!([5]), "/documentIds/0"),
        ("documentIds", json!([document, document]), "/documentIds/1"),
        ("recipients", json!([]), "/recipients"),
        (
            "recipients",
            json!({"email": "a@example.com"}),
            "/recipients",
        ),
        ("recipients", json!(["ana@example.com"]), "/recipients/0"),
        (
            "recipients",
            json!([{"email": "ana"}]),
            "/recipients/0/email",
        ),
        (
            "recipients",
            json!([{"email": "ana@example"}, {"email": "@example.com"}]),
            "/recipients",
        ),
        (
            "recipients",
            json!([{"name": "Ana"}]),
            "/recipients/0/email",
        ),
        (
            "recipients",
            json!([{"email": "a@example.com"}, {"email": "A@EXAMPLE.com"}]),
            "/recipients/1/email",
        ),
        (
            "recipients",
            json!([{"email": "a@example.com", "role": "BOSS"}]),
            "/recipients/0/role",
        ),
        (
            "recipients",
            json!([{"email": "a@example.com", "order": 0}]),
            "/recipients/0/order",
        ),
        ("recipients", Value::Array(many), "/recipients"),
        ("fields", json!({}), "/fields"),
        ("signatureLevel", json!("simple"), "/signatureLevel"),
        ("signingOrder", json!("RANDOM"), "/signingOrder"),
        ("expiresAt", json!("tomorrow"), "/expiresAt"),
        ("expiresAt", json!("2026-11-24T09:30:00Z"), "/expiresAt"),
        ("expiresAt", json!("2046-11-24T09:30:00Z"), "/expiresAt"),
        ("expiresAt", json!(1_800_000_000), "/expiresAt"),
        ("category", json!("contract"), "/category"),
        ("tags", json!("x"), "/tags"),
        ("tags", json!(["x".repeat(41)]), "/tags/0"),
        ("tags", json!(vec!["x"; 11]), "/tags"),
        ("externalId", json!({}), "/externalId"),
        ("metadata", json!({"a": 1}), "/metadata/a"),
        ("metadata", json!([]), "/metadata"),
        ("metadata", Value::Object(pairs), "/metadata"),
        ("workspaceId", json!(5), "/workspaceId"),
    ] {
        let mut asked = request.clone();
        asked[name] = value.clone();
        let problem = app
            .api
            .post("/api/v1/envelopes", &asked)
            .expect_error(400, "invalid_request");
        assert!(
            problem["errors"]
                .as_array()
                .expect("faults")
                .iter()
                .any(|f| f["pointer"].as_str().expect("text").starts_with(pointer)),
            "{name} {value}: {problem}"
        );
    }
    for body in [json!([]), json!("x"), json!(5), Value::Null] {
        app.api
            .post("/api/v1/envelopes", &body)
            .expect_error(400, "invalid_request");
        app.api
            .post("/api/v1/keys", &body)
            .expect_error(400, "invalid_request");
        app.api
            .post("/api/v1/webhooks", &body)
            .expect_error(400, "invalid_request");
        app.api
            .post("/api/v1/documents", &body)
            .expect_error(400, "invalid_request");
    }
    assert_eq!(total(&app, "envelopes"), 0);
}

#[test]
fn json_that_two_readers_could_read_differently_is_refused() {
    let app = TestApp::start();
    let json_type = [("Content-Type", "application/json")];
    let post = |body: &[u8]| app.api.send("POST", "/api/v1/keys", &json_type, Some(body));
    let twice = post(br#"{"name": "a", "name": "b"}"#).expect_error(400, "invalid_json");
    assert!(
        twice["error"]
            .as_str()
            .expect("text")
            .contains("`name` stands twice"),
        "{twice}"
    );
    for bad in [
        &b"{\"name\": \"a\"} x"[..],
        b"{\"name\": \"a\"}{}",
        b"{\"name\": \"\xff\"}",
        b"{name: 1}",
        b"{\"name\": \"a\",}",
        b"\xef\xbb\xbf{\"name\": \"a\"}",
        b"{\"name\": NaN}",
        b"{\"name\": \"\\ud800\"}",
        b" ",
        b"\0",
    ] {
        post(bad).expect_error(400, "invalid_json");
    }
    assert_eq!(total(&app, "keys"), 1);
}

#[test]
fn no_header_can_be_written_through_a_name_or_a_subject() {
    let app = TestApp::start();
    let document = app.document(&pdf::contract());
    for bad in [
        "Ana\r\nBcc: eve@example.com",
        "Ana\nX: y",
        "Ana\u{0}",
        "Ana\u{2028}x",
        "Ana\u{202e}fdp",
        "Ana\u{7f}",
    ] {
        let request = json!({"subject": "x", "documentIds": [document], "recipients": [{"email": "ana@example.com"}]});
        for pointer in ["/subject", "/recipients/0/name", "/externalId"] {
            let mut asked = request.clone();
            let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
            asked.pointer_mut(parent).expect("a parent")[name] = json!(bad);
            let problem = app
                .api
                .post("/api/v1/envelopes", &asked)
                .expect_error(400, "invalid_request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{bad:?}");
            assert_eq!(
                problem["errors"][0]["code"], "forbidden_character",
                "{bad:?}"
            );
        }
        let mut asked = request.clone();
        asked["recipients"][0]["email"] = json!(format!("{bad}@example.com"));
        app.api
            .post("/api/v1/envelopes", &asked)
            .expect_error(400, "invalid_request");
        app.api
            .post("/api/v1/keys", &json!({"name": bad}))
            .expect_error(400, "invalid_request");
        let file = json!({"name": bad, "base64Pdf": "JVBERi0="});
        app.api
            .post("/api/v1/documents", &file)
            .expect_error(400, "invalid_request");
    }
    // What may stand in a name is escaped where it goes into a header.
    let odd = app
        .api
        .upload("/api/v1/documents", "a%22; x='y' é.pdf", &pdf::contract())
        .expect(201);
    let content = app
        .api
        .get(&format!("/api/v1/documents/{}/content", id(&odd)));
    let header = content.header("content-disposition");
    assert!(
        header.starts_with("attachment; filename=\"") && header.matches('"').count() == 2,
        "{header}"
    );
}

/// The fields of the last form, filled in.
fn last_form(visitor: &Visitor) -> Vec<(&'static str, String)> {
    let html = visitor.page("check").text();
    let mut fields: Vec<(&'static str, String)> = ["csrf", "once", "consent"]
        .into_iter()
        .map(|name| (name, input(&html, name)))
        .collect();
    fields.push(("agree", "yes".to_owned()));
    fields
}

fn events(app: &TestApp, envelope: &Value, name: &str) -> usize {
    let events = app
        .api
        .get(&format!("/api/v1/envelopes/{}/events", id(envelope)))
        .expect(200);
    let events = events["data"].as_array().expect("events");
    events.iter().filter(|e| e["event"] == name).count()
}

#[test]
fn nobody_signs_what_was_withdrawn_meanwhile() {
    let app = TestApp::start();
    let sent = app.send(&app.draft(
        &json!([{"email": "ana@example.com", "name": "Ana"}]),
        json!({}),
    ));
    let visitor = Visitor::of(&app.url, &sent, 0);
    visitor.look(&sent);
    visitor.adopt("Ana", "A");
    let fields = last_form(&visitor);
    app.api
        .post(&format!("/api/v1/envelopes/{}/void", id(&sent)), &json!({}))
        .expect(200);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let reply = visitor
        .browser()
        .submit(&format!("{}/check", visitor.base), &fields);
    assert!(
        reply.status < 500 && !reply.header("location").ends_with("/done"),
        "{} {}",
        reply.status,
        reply.text()
    );
    assert_eq!(app.envelope(&sent)["status"], "VOIDED");
    assert_eq!(events(&app, &sent, "recipient.signed"), 0);
}

#[test]
fn two_signatures_at_once_are_one() {
    let app = TestApp::start();
    let recipients =
        json!([{"email": "ana@example.com", "name": "Ana"}, {"email": "ben@example.com"}]);
    let sent = app.send(&app.draft(&recipients, json!({})));
    let visitor = Visitor::of(&app.url, &sent, 0);
    visitor.look(&sent);
    visitor.adopt("Ana", "A");
    let fields = last_form(&visitor);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let cookies: Vec<String> = visitor
        .browser()
        .cookies()
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    let (cookies, base) = (cookies.join("; "), visitor.base.clone());
    let replies: Vec<_> = std::thread::scope(|threads| {
        let calls: Vec<_> = (0..4)
            .map(|_| {
                threads.spawn(|| {
                    let browser = Client::new(&app.url).header("Cookie", &cookies);
                    browser.submit(&format!("{base}/check"), &fields)
                })
            })
            .collect();
        calls
            .into_iter()
            .map(|call| call.join().expect("a call"))
            .collect()
    });
    assert!(replies.iter().all(|r| r.status < 500), "{replies:?}");
    assert!(
        replies
            .iter()
            .any(|r| r.header("location").ends_with("/done"))
    );
    assert_eq!(events(&app, &sent, "recipient.signed"), 1);
    assert_eq!(app.envelope(&sent)["status"], "PARTIALLY_SIGNED");
}

/// Writes a request by hand and reads what comes back.
fn by_hand(app: &TestApp, head: &str, pieces: &[&[u8]], between: impl Fn(usize)) -> String {
    let address = app.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a deadline");
    let head = head.replace("KEY", &app.key).replace("HOST", address);
    stream.write_all(head.as_bytes()).expect("written");
    for (n, piece) in pieces.iter().enumerate() {
        between(n);
        // A server that has had enough closes; what it said is read below.
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

const DRIPPING: &str = "POST /api/v1/keys HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer KEY\r\nContent-Type: application/json\r\n\
                        Content-Length: 100000\r\nConnection: close\r\n\r\n";

#[test]
fn a_body_that_falls_silent_is_cut() {
    let patience = Patience {
        chunk: Duration::from_millis(200),
        ..Patience::default()
    };
    let app = TestApp::with(Options {
        patience,
        ..Options::default()
    });
    let answer = by_hand(&app, DRIPPING, &[b"{\"name\":"], |_| {});
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("request_timeout"), "{answer}");
    let form = DRIPPING
        .replace("/keys", "/documents")
        .replace("application/json", "multipart/form-data; boundary=b");
    let begin =
        b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-1.7";
    let answer = by_hand(&app, &form, &[begin], |_| {});
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(total(&app, "keys"), 1);
    assert_eq!(stored_files(&app), 0);
}

#[test]
fn a_body_that_only_drips_is_cut_after_a_minute() {
    let app = TestApp::start();
    let clock = app.clock.clone();
    let pieces: [&[u8]; 2] = [b"{\"name\": \"aaaaaaaaaaaaa", b"a"];
    let answer = by_hand(&app, DRIPPING, &pieces, |n| {
        if n == 1 {
            // The server has had the first piece once it answers another call.
            app.api.get("/api/v1/account/me").expect(200);
            clock.advance(Duration::from_secs(120));
        }
    });
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(total(&app, "keys"), 1);
}

#[test]
fn a_body_that_breaks_off_leaves_nothing_behind() {
    let app = TestApp::start();
    let address = app.url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).expect("a connection");
    let head = format!(
        "POST /api/v1/documents HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-1.7",
        app.key
    );
    stream.write_all(head.as_bytes()).expect("written");
    stream.shutdown(std::net::Shutdown::Write).expect("closed");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(
        !answer.starts_with("HTTP/1.1 2") && !answer.starts_with("HTTP/1.1 5"),
        "{answer}"
    );
    assert_eq!(total(&app, "documents"), 0);
    assert_eq!(stored_files(&app), 0);
}

#[test]
fn heads_that_are_no_http_are_refused() {
    let app = TestApp::start();
    for head in [
        "GARBAGE\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET /api/v1/keys HTTP/1.1\r\nHost: HOST\r\nAuthorization: Bearer \u{e9}\r\nConnection: close\r\n\r\n",
        "POST /api/v1/keys HTTP/1.1\r\nHost: HOST\r\nContent-Length: -1\r\n\r\n",
        "POST /api/v1/keys HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /../../etc/passwd HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n",
    ] {
        let answer = by_hand(&app, head, &[], |_| {});
        assert!(
            answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.0 4"),
            "{head}: {answer}"
        );
    }
    app.api.get("/api/v1/account/me").expect(200);
}
