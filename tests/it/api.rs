//! The API as an integrator uses it: documents, failures, keys, and what stands around them.

use crate::harness::client::{Client, Reply};
use crate::harness::{TestApp, id, pdf};
use base64::Engine as _;
use paraph::domain::digest::Digest;
use serde_json::{Value, json};

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn one_signer() -> Value {
    json!([{"email": "ana@example.com", "name": "Ana García"}])
}

/// Pages, total and ids of a list.
fn listed(reply: &Reply) -> (u64, u64, Vec<String>) {
    let body = reply.expect(200);
    let pagination = &body["pagination"];
    let items = body["data"].as_array().expect("a list");
    (
        pagination["pages"].as_u64().expect("pages"),
        pagination["total"].as_u64().expect("a total"),
        items.iter().map(|item| id(item).to_owned()).collect(),
    )
}

fn named_upload(app: &TestApp, name: &str, bytes: &[u8]) -> Reply {
    let boundary = "of-two-parts";
    let mut body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n{name}\r\n--{boundary}\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"raw.pdf\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary={boundary}");
    let headers = [("Content-Type", kind.as_str())];
    app.api
        .send("POST", "/api/v1/documents", &headers, Some(&body))
}

#[test]
fn a_document_comes_back_byte_for_byte_however_it_was_sent() {
    let app = TestApp::start();
    let bytes = pdf::contract();
    let digest = Digest::of(&bytes);
    let by_form = app
        .api
        .upload("/api/v1/documents", "Vertrag Köln.pdf", &bytes)
        .expect(201);
    let by_name = named_upload(&app, "Zweiter Vertrag", &bytes).expect(201);
    let inline = json!({"name": "third.pdf", "base64Pdf": base64(&bytes)});
    let by_json = app.api.post("/api/v1/documents", &inline).expect(201);
    let names = ["Vertrag Köln.pdf", "Zweiter Vertrag", "third.pdf"];
    for (document, name) in [by_form, by_name, by_json].iter().zip(names) {
        assert_eq!(document["name"], name);
        assert_eq!(document["pages"], 3);
        assert_eq!(document["size"], bytes.len());
        assert_eq!(document["status"], "READY");
        assert_eq!(document["mimeType"], "application/pdf");
        assert_eq!(document["sha256"], digest.to_string());
        assert_eq!(document["createdAt"], "2026-11-24T09:30:00.000Z");
        let path = format!("/api/v1/documents/{}", id(document));
        assert_eq!(&app.api.get(&path).expect(200), document);
        let content = app.api.get(&format!("{path}/content"));
        assert_eq!(content.status, 200);
        assert_eq!(content.body, bytes);
        assert_eq!(content.header("content-type"), "application/pdf");
        assert_eq!(content.header("content-length"), bytes.len().to_string());
        assert_eq!(
            content.header("repr-digest"),
            format!("sha-256=:{}:", base64(digest.as_bytes()))
        );
        assert!(
            content
                .header("content-disposition")
                .starts_with("attachment; filename=\""),
            "{}",
            content.header("content-disposition")
        );
    }
}

#[test]
fn a_file_is_sent_as_it_is_stored_also_to_a_client_that_takes_gzip() {
    let app = TestApp::start();
    let bytes = pdf::contract();
    let document = app.document(&bytes);
    let reply = app.api.send(
        "GET",
        &format!("/api/v1/documents/{document}/content"),
        &[("Accept-Encoding", "gzip")],
        None,
    );
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body, bytes, "Repr-Digest is of these very bytes");
    assert_eq!(reply.header("content-length"), bytes.len().to_string());
}

#[test]
fn a_list_shows_the_newest_first_page_by_page_with_an_exact_total() {
    let app = TestApp::start();
    let mut made: Vec<String> = (0..5)
        .map(|_| {
            app.advance(std::time::Duration::from_secs(1));
            app.document(&pdf::contract())
        })
        .collect();
    made.reverse();
    let first = app.api.get("/api/v1/documents?page=1&limit=2");
    assert_eq!(listed(&first), (3, 5, made[..2].to_vec()));
    assert_eq!(first.json()["pagination"]["pageSize"], 2);
    let last = app.api.get("/api/v1/documents?limit=2&page=3");
    assert_eq!(listed(&last), (3, 5, made[4..].to_vec()));
    let beyond = app.api.get("/api/v1/documents?limit=2&page=4");
    assert_eq!(listed(&beyond), (3, 5, vec![]));
    let all = app.api.get("/api/v1/documents");
    assert_eq!(listed(&all), (1, 5, made.clone()));
    assert_eq!(all.json()["pagination"]["pageSize"], 20);

    let path = format!("/api/v1/documents/{}", made[0]);
    app.api.delete(&path).expect(200);
    assert_eq!(
        listed(&app.api.get("/api/v1/documents")),
        (1, 4, made[1..].to_vec())
    );
    for query in [
        "page=0",
        "limit=0",
        "limit=101",
        "page=x",
        "limit=-1",
        "limit=1.5",
        "sort=name",
        "page=10000000",
        "page=1&page=2",
        "limit=5&page=1&limit=5",
    ] {
        app.api
            .get(&format!("/api/v1/documents?{query}"))
            .expect_error(400, "invalid_request");
    }
}

#[test]
fn a_parameter_stands_once() {
    let app = TestApp::start();
    let draft = app.draft(&one_signer(), json!({}));
    let path = format!("/api/v1/envelopes/{}", id(&draft));
    for query in [
        "audit-trail?format=json&format=pdf",
        "audit-trail?format=json&format=json",
        "signed-document?documentId=doc_1&documentId=doc_2",
    ] {
        let problem = app.api.get(&format!("{path}/{query}"));
        let problem = problem.expect_error(400, "invalid_request");
        let told = problem["error"].as_str().expect("text");
        assert!(told.ends_with("stands twice."), "{told}");
    }
}

#[test]
fn a_document_is_deleted_unless_an_envelope_uses_it() {
    let app = TestApp::start();
    let document = app.document(&pdf::contract());
    let path = format!("/api/v1/documents/{document}");
    let body = json!({"subject": "Offer", "documentIds": [document], "recipients": one_signer()});
    let draft = app.api.post("/api/v1/envelopes", &body).expect(201);
    app.api.delete(&path).expect_error(409, "document_in_use");
    assert_eq!(app.api.get(&path).status, 200);
    let envelope = format!("/api/v1/envelopes/{}", id(&draft));
    assert_eq!(
        app.api.delete(&envelope).expect(200),
        json!({"success": true})
    );
    assert_eq!(app.api.delete(&path).expect(200), json!({"success": true}));
    app.api.get(&path).expect_error(404, "NOT FOUND");
    app.api
        .get(&format!("{path}/content"))
        .expect_error(404, "NOT FOUND");
    app.api.delete(&path).expect_error(404, "NOT FOUND");
    app.api.get(&envelope).expect_error(404, "NOT FOUND");
}

#[test]
fn both_prefixes_serve_the_same() {
    let app = TestApp::start();
    let document = app.document(&pdf::contract());
    let one = app
        .api
        .get(&format!("/api/v1/documents/{document}"))
        .expect(200);
    let other = app
        .api
        .get(&format!("/v1/documents/{document}"))
        .expect(200);
    assert_eq!(one, other);
    app.api
        .get("/api/v2/documents")
        .expect_error(404, "NOT FOUND");
    app.api
        .get("/api/v1/nothing")
        .expect_error(404, "NOT FOUND");
    app.api
        .get("/api/v1/documents/")
        .expect_error(404, "NOT FOUND");
}

#[test]
fn head_says_what_get_would_without_the_body() {
    let app = TestApp::start();
    let bytes = pdf::contract();
    let document = app.document(&bytes);
    for path in [
        "/api/v1/documents".to_owned(),
        format!("/api/v1/documents/{document}"),
        format!("/api/v1/documents/{document}/content"),
        "/api/v1/account/me".to_owned(),
        "/healthz".to_owned(),
        "/readyz".to_owned(),
    ] {
        let get = app.api.get(&path);
        let head = app.api.send("HEAD", &path, &[], None);
        assert_eq!(head.status, 200, "{path}");
        assert!(head.body.is_empty());
        for name in [
            "content-type",
            "content-length",
            "repr-digest",
            "content-disposition",
            "content-security-policy",
        ] {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
    }
    let missing = app.api.send("HEAD", "/api/v1/documents/doc_1", &[], None);
    assert_eq!(missing.status, 404);
}

#[test]
fn a_request_keeps_the_name_that_its_client_gave_it_if_it_is_a_name() {
    let app = TestApp::start();
    let named = |name: &str| {
        app.api.send(
            "GET",
            "/api/v1/documents/doc_1",
            &[("X-Request-Id", name)],
            None,
        )
    };
    let own = named("my-request_0001");
    assert_eq!(own.header("x-request-id"), "my-request_0001");
    assert_eq!(
        own.expect_error(404, "NOT FOUND")["requestId"],
        "my-request_0001"
    );
    for bad in [
        "short",
        "with blank inside",
        "semi;colon;;",
        &"x".repeat(65),
    ] {
        let reply = named(bad);
        assert_ne!(reply.header("x-request-id"), bad);
        assert_eq!(reply.json()["requestId"], reply.header("x-request-id"));
    }
    let first = app.api.get("/api/v1/account/me");
    let second = app.api.get("/api/v1/account/me");
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
}

#[test]
fn every_failure_of_whatever_kind_has_the_one_shape() {
    let app = TestApp::start();
    let json_type = [("Content-Type", "application/json")];
    let long_type = [("Content-Type", "text/plain")];
    app.api
        .send("POST", "/api/v1/envelopes", &json_type, Some(b"{\"a\":"))
        .expect_error(400, "invalid_json");
    app.api
        .send("POST", "/api/v1/envelopes", &long_type, Some(b"{}"))
        .expect_error(415, "unsupported_media_type");
    app.api
        .post_nothing("/api/v1/envelopes")
        .expect_error(400, "invalid_json");
    app.api
        .send("POST", "/api/v1/documents", &long_type, Some(b"x"))
        .expect_error(415, "unsupported_media_type");
    app.api
        .post_nothing("/api/v1/documents")
        .expect_error(415, "unsupported_media_type");
    let gzip = [
        ("Content-Type", "application/json"),
        ("Content-Encoding", "gzip"),
    ];
    app.api
        .send("POST", "/api/v1/envelopes", &gzip, Some(b"x"))
        .expect_error(415, "unsupported_media_type");
    app.api
        .get("/api/v1/documents/%00")
        .expect_error(404, "NOT FOUND");
    app.api
        .get("/api/v1/documents?%zz=1")
        .expect_error(400, "invalid_request");
    app.api
        .send("PUT", "/healthz", &[], None)
        .expect_error(405, "method_not_allowed");
    let foreign = Client::new(&app.url).header("Host", "evil.example");
    foreign
        .get("/api/v1/documents")
        .expect_error(421, "misdirected_request");
    assert_eq!(foreign.get("/healthz").status, 200);
    let form = [("Content-Type", "multipart/form-data")];
    app.api
        .send("POST", "/api/v1/documents", &form, Some(b"x"))
        .expect_error(400, "invalid_request");
    let form = [("Content-Type", "multipart/form-data; boundary=b")];
    let other = b"--b\r\nContent-Disposition: form-data; name=\"upload\"\r\n\r\nx\r\n--b--\r\n";
    let refused = app
        .api
        .send("POST", "/api/v1/documents", &form, Some(other))
        .expect_error(400, "invalid_request");
    assert!(refused["error"].as_str().expect("text").contains("upload"));
    let empty = b"--b--\r\n";
    app.api
        .send("POST", "/api/v1/documents", &form, Some(empty))
        .expect_error(400, "invalid_request");
}

#[test]
fn the_appliance_says_whose_it_is() {
    let app = TestApp::start();
    let me = app.api.get("/api/v1/account/me").expect(200);
    assert_eq!(me["name"], "Acme Corporation");
    assert_eq!(me["email"], "hr@acme.example");
    assert_eq!(me["plan"], "self-hosted");
    let workspaces = app.api.get("/api/v1/workspaces").expect(200);
    assert_eq!(
        workspaces["data"],
        json!([{"id": me["id"], "name": "Acme Corporation"}])
    );
    let document = app.document(&pdf::contract());
    let body = json!({"subject": "x", "documentIds": [document], "recipients": one_signer(), "workspaceId": "wsp_other"});
    app.api
        .post("/api/v1/envelopes", &body)
        .expect_error(403, "forbidden");
    assert_eq!(app.api.get("/healthz").text(), "ok\n");
    assert_eq!(app.api.get("/readyz").text(), "ready\n");
}

#[test]
fn keys_are_made_listed_and_revoked() {
    let app = TestApp::start();
    let body = json!({"name": "HRIS", "scopes": ["documents:read", "envelopes:read"]});
    let made = app.api.post("/api/v1/keys", &body).expect(201);
    let key = made["key"].as_str().expect("a key");
    assert!(key.starts_with("sk_test_") && key.len() == 44, "{key}");
    assert_eq!(made["last4"], key[40..]);
    assert_eq!(made["scopes"], json!(["documents:read", "envelopes:read"]));
    assert_eq!(made["environment"], "test");
    let of_new = Client::with_key(&app.url, key);
    of_new.get("/api/v1/documents").expect(200);
    let list = app.api.get("/api/v1/keys").expect(200);
    assert_eq!(list["pagination"]["total"], 2);
    let shown = &list["data"][0];
    assert_eq!(
        (&shown["id"], &shown["name"]),
        (&made["id"], &json!("HRIS"))
    );
    assert_eq!(shown.get("key"), None);
    assert!(!list.to_string().contains(key));
    let path = format!("/api/v1/keys/{}", id(&made));
    assert_eq!(app.api.delete(&path).expect(200), json!({"success": true}));
    of_new
        .get("/api/v1/documents")
        .expect_error(401, "unauthorized");
    let list = app.api.get("/api/v1/keys").expect(200);
    assert_eq!(list["data"][0]["revokedAt"], "2026-11-24T09:30:00.000Z");
    // Without a list: all but those for keys.
    let usual = app
        .api
        .post("/api/v1/keys", &json!({"name": "usual"}))
        .expect(201);
    let scopes = usual["scopes"].as_array().expect("scopes");
    assert!(scopes.contains(&json!("webhooks:write")) && scopes.contains(&json!("account:read")));
    assert!(
        !scopes
            .iter()
            .any(|s| s.as_str().expect("text").starts_with("keys:"))
    );
}
