//! Envelopes as an integrator uses them, from the draft to the sealed files and their proof.

use crate::harness::client::{Client, Reply};
use crate::harness::forms::Visitor;
use crate::harness::{TestApp, id, pdf};
use base64::Engine as _;
use paraph::domain::digest::{Digest, Hasher};
use serde_json::{Value, json};
use std::io::Read as _;

fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn one_signer() -> Value {
    json!([{"email": "ana@example.com", "name": "Ana García"}])
}

fn two_signers() -> Value {
    json!([{"email": "ana@example.com"}, {"email": "ben@example.com"}])
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

#[test]
fn an_envelope_says_again_everything_that_it_was_given() {
    let app = TestApp::start();
    let documents = [
        app.document(&pdf::contract()),
        app.document(&pdf::contract()),
    ];
    let workspace = app.api.get("/api/v1/workspaces").expect(200)["data"][0]["id"].clone();
    let asked = json!({
        "subject": "Framework agreement",
        "message": "Dear both,\nplease sign.",
        "documentIds": documents,
        "recipients": [
            {"email": "ana@example.com", "name": "Ana García", "role": "SIGNER", "order": 1},
            {"email": "ben@example.com", "name": "Ben", "order": 2},
            {"email": "eva@example.com", "order": 2},
        ],
        "fields": [
            {"recipientEmail": "ana@example.com", "documentIndex": 0, "pageNumber": 3, "fieldType": "SIGNATURE", "x": 72, "y": 420, "width": 200, "height": 56},
            {"recipientEmail": "ben@example.com", "documentIndex": 1, "pageNumber": 1, "fieldType": "SIGNATURE", "x": 10.5, "y": 20.25},
            {"recipientIndex": 2, "documentIndex": 1, "fieldType": "SIGNATURE", "x": 300, "y": 20},
            {"recipientIndex": 0, "fieldType": "TEXT", "x": 72, "y": 100, "required": false, "label": "Position", "value": "Manager"},
            {"recipientIndex": 0, "fieldType": "CHECKBOX", "x": 72, "y": 200, "width": 12, "height": 12, "value": "true"},
        ],
        "signatureLevel": "SIMPLE",
        "signingOrder": "SEQUENTIAL",
        "expiresAt": "2026-12-24T12:00:00+01:00",
        "category": "AGREEMENT",
        "tags": ["Rotterdam", "rotterdam", "2026"],
        "externalId": "CRM-4711",
        "metadata": {"deal": "4711", "owner": "José"},
        "workspaceId": workspace,
    });
    let made = app.api.post("/api/v1/envelopes", &asked).expect(201);
    for name in [
        "subject",
        "message",
        "signatureLevel",
        "signingOrder",
        "category",
        "externalId",
        "metadata",
    ] {
        assert_eq!(made[name], asked[name], "{name}");
    }
    assert_eq!(made["status"], "DRAFT");
    assert_eq!(made["tags"], json!(["rotterdam", "2026"]));
    assert_eq!(made["expiresAt"], "2026-12-24T11:00:00.000Z");
    assert_eq!(made["environment"], "test");
    assert_eq!(made["documents"][1]["id"], documents[1].as_str());
    assert_eq!(made["documents"][1]["pages"], 3);
    assert_eq!(made["documents"][1]["signedSha256"], Value::Null);
    let orders: Vec<_> = (0..3)
        .map(|i| made["recipients"][i]["order"].clone())
        .collect();
    assert_eq!(orders, [1, 2, 2]);
    assert_eq!(made["recipients"][0]["name"], "Ana García");
    assert_eq!(made["recipients"][0]["status"], "PENDING");
    let fields = made["fields"].as_array().expect("fields");
    assert_eq!(fields.len(), 5);
    assert_eq!(
        (&fields[1]["width"], &fields[1]["height"]),
        (&json!(150.0), &json!(40.0))
    );
    assert_eq!(
        (&fields[1]["x"], &fields[1]["y"]),
        (&json!(10.5), &json!(20.25))
    );
    assert_eq!(fields[2]["pageNumber"], 1);
    assert_eq!(fields[2]["recipientEmail"], "eva@example.com");
    assert_eq!(
        (&fields[3]["label"], &fields[3]["value"]),
        (&json!("Position"), &json!("Manager"))
    );
    assert_eq!(
        (&fields[3]["required"], &fields[4]["required"]),
        (&json!(false), &json!(false))
    );
    for recipient in made["recipients"].as_array().expect("recipients") {
        let token = recipient["accessToken"].as_str().expect("a token");
        assert_eq!(token.len(), 43);
        assert_eq!(recipient["signUrl"], format!("{}/sign/{token}", app.url));
        let page = app.api.get(recipient["signUrl"].as_str().expect("a link"));
        assert!(
            page.text().contains("not ready to sign yet")
                || page.text().contains("Not ready to sign yet"),
            "{}",
            page.text()
        );
    }
    let mut got = app.envelope(&made);
    for recipient in got["recipients"].as_array().expect("recipients") {
        assert_eq!(
            recipient.get("accessToken"),
            None,
            "links are shown on create and send"
        );
    }
    // But for the links it is the same.
    for index in 0..3 {
        for name in ["accessToken", "signUrl"] {
            got["recipients"][index][name] = made["recipients"][index][name].clone();
        }
    }
    assert_eq!(got, made);
}

#[test]
fn title_is_read_as_subject_and_a_recipient_needs_nothing_but_an_address() {
    let app = TestApp::start();
    let document = app.document(&pdf::contract());
    let body = json!({"title": "Offer 12", "documentIds": [document], "recipients": [{"email": "ana@example.com"}]});
    let made = app.api.post("/api/v1/envelopes", &body).expect(201);
    assert_eq!(made["subject"], "Offer 12");
    assert_eq!(made["recipients"][0]["name"], Value::Null);
    assert_eq!(made["recipients"][0]["role"], "SIGNER");
    assert_eq!(made["signingOrder"], "PARALLEL");
    let both = json!({"title": "A", "subject": "B", "documentIds": [document], "recipients": one_signer()});
    app.api
        .post("/api/v1/envelopes", &both)
        .expect_error(400, "invalid_request");
}

#[test]
fn envelopes_are_listed_by_status() {
    let app = TestApp::start();
    let drafts: Vec<Value> = (0..3)
        .map(|_| app.draft(&one_signer(), json!({})))
        .collect();
    app.send(&drafts[0]);
    app.send(&drafts[1]);
    app.api
        .post(
            &format!("/api/v1/envelopes/{}/void", id(&drafts[1])),
            &json!({"reason": "Wrong price"}),
        )
        .expect(200);
    let ids = |query: &str| listed(&app.api.get(&format!("/api/v1/envelopes{query}"))).2;
    assert_eq!(ids("").len(), 3);
    assert_eq!(ids("?status=DRAFT"), [id(&drafts[2])]);
    assert_eq!(ids("?status=SENT&limit=5"), [id(&drafts[0])]);
    assert_eq!(ids("?status=VOIDED"), [id(&drafts[1])]);
    assert!(ids("?status=COMPLETED").is_empty());
    let page = app.api.get("/api/v1/envelopes?limit=2&page=2");
    assert_eq!(listed(&page).0, 2);
    assert_eq!(listed(&page).1, 3);
    app.api
        .get("/api/v1/envelopes?status=DONE")
        .expect_error(400, "invalid_request");
}

#[test]
fn a_member_given_in_a_change_replaces_the_whole_member_and_leaves_all_others() {
    let app = TestApp::start();
    let draft = app.draft(
        &two_signers(),
        json!({
            "message": "Please sign.", "tags": ["a", "b"], "metadata": {"one": "1", "two": "2"}, "externalId": "X",
            "category": "NDA", "expiresAt": "2026-12-01T00:00:00Z",
        }),
    );
    let path = format!("/api/v1/envelopes/{}", id(&draft));
    let kept = |changed: &Value, names: &[&str]| {
        for name in names {
            assert_eq!(changed[*name], draft[*name], "{name}");
        }
    };
    app.advance(std::time::Duration::from_secs(5));
    let changed = app
        .api
        .patch(
            &path,
            &json!({"subject": "New name", "metadata": {"three": "3"}}),
        )
        .expect(200);
    assert_eq!(changed["subject"], "New name");
    assert_eq!(changed["metadata"], json!({"three": "3"}));
    assert_ne!(changed["updatedAt"], draft["updatedAt"]);
    kept(
        &changed,
        &[
            "message",
            "tags",
            "externalId",
            "category",
            "expiresAt",
            "documents",
            "createdAt",
            "status",
        ],
    );

    let emptied = app
        .api
        .patch(&path, &json!({"message": null, "tags": [], "category": null, "expiresAt": null, "externalId": null}))
        .expect(200);
    for name in ["message", "category", "expiresAt", "externalId"] {
        assert_eq!(emptied[name], Value::Null, "{name}");
    }
    assert_eq!(emptied["tags"], json!([]));

    // Ben keeps id and link by his address, Ana by her id though her address is new; Eva is new.
    let recipients = json!([
        {"email": "BEN@example.com", "name": "Ben"},
        {"id": draft["recipients"][0]["id"], "email": "ana.new@example.com"},
        {"email": "eva@example.com"},
    ]);
    let changed = app
        .api
        .patch(&path, &json!({"recipients": recipients}))
        .expect(200);
    let of =
        |envelope: &Value, index: usize, name: &str| envelope["recipients"][index][name].clone();
    assert_eq!(of(&changed, 0, "id"), of(&draft, 1, "id"));
    assert_eq!(of(&changed, 0, "name"), "Ben");
    assert_eq!(of(&changed, 1, "id"), of(&draft, 0, "id"));
    assert_eq!(of(&changed, 1, "email"), "ana.new@example.com");
    if changed["recipients"][0].get("signUrl").is_some() {
        assert_eq!(of(&changed, 0, "signUrl"), of(&draft, 1, "signUrl"));
    }
    let sent = app.send(&draft);
    assert_eq!(sent["recipients"].as_array().expect("recipients").len(), 3);
    assert_eq!(of(&sent, 0, "signUrl"), of(&draft, 1, "signUrl"));
    assert_eq!(of(&sent, 1, "signUrl"), of(&draft, 0, "signUrl"));

    app.api
        .patch(&path, &json!({"subject": "Too late"}))
        .expect_error(409, "CONFLICT");
    assert_eq!(app.envelope(&draft)["subject"], "New name");
}

#[test]
fn a_person_taken_out_of_a_draft_has_a_dead_link() {
    let app = TestApp::start();
    let draft = app.draft(&two_signers(), json!({}));
    let path = format!("/api/v1/envelopes/{}", id(&draft));
    app.api
        .patch(&path, &json!({"recipients": one_signer()}))
        .expect(200);
    app.send(&draft);
    let stranger = Client::new(&app.url);
    let gone = stranger.get(draft["recipients"][1]["signUrl"].as_str().expect("a link"));
    assert!(matches!(gone.status, 404 | 410), "{}", gone.status);
    let there = stranger.get(draft["recipients"][0]["signUrl"].as_str().expect("a link"));
    assert_eq!(there.status, 200);
}

#[test]
fn deleting_removes_a_draft_withdraws_what_was_sent_and_refuses_what_has_ended() {
    let app = TestApp::start();
    let draft = app.draft(&one_signer(), json!({}));
    let path = format!("/api/v1/envelopes/{}", id(&draft));
    assert_eq!(app.api.delete(&path).expect(200), json!({"success": true}));
    app.api.get(&path).expect_error(404, "NOT FOUND");
    app.api.delete(&path).expect_error(404, "NOT FOUND");
    app.api
        .post_nothing(&format!("{path}/send"))
        .expect_error(404, "NOT FOUND");

    let sent = app.send(&app.draft(&one_signer(), json!({})));
    let path = format!("/api/v1/envelopes/{}", id(&sent));
    let kind = [("Content-Type", "application/json")];
    let body = json!({"reason": "Wrong customer"}).to_string();
    app.api
        .send("DELETE", &path, &kind, Some(body.as_bytes()))
        .expect(200);
    let voided = app.api.get(&path).expect(200);
    assert_eq!(voided["status"], "VOIDED");
    assert_eq!(voided["voidReason"], "Wrong customer");
    app.api.delete(&path).expect_error(409, "CONFLICT");
    app.api
        .post(&format!("{path}/void"), &json!({}))
        .expect_error(409, "CONFLICT");
    app.api
        .post_nothing(&format!("{path}/send"))
        .expect_error(409, "CONFLICT");
    app.api
        .patch(&path, &json!({"subject": "x"}))
        .expect_error(409, "CONFLICT");
}

#[test]
fn a_draft_can_not_be_voided_and_voiding_needs_no_reason() {
    let app = TestApp::start();
    let draft = app.draft(&one_signer(), json!({}));
    let path = format!("/api/v1/envelopes/{}/void", id(&draft));
    app.api.post_nothing(&path).expect_error(409, "CONFLICT");
    app.send(&draft);
    let unknown = app.api.post(&path, &json!({"reasons": "x"}));
    assert!(
        unknown.expect_error(400, "invalid_request")["error"]
            .as_str()
            .expect("text")
            .contains("reason")
    );
    app.api
        .post(&path, &json!({"reason": 5}))
        .expect_error(400, "invalid_request");
    let voided = app.api.post_nothing(&path).expect(200);
    assert_eq!(voided["status"], "VOIDED");
    assert_eq!(voided["voidReason"], Value::Null);
}

#[test]
fn sending_needs_neither_body_nor_type_and_twice_is_once() {
    let app = TestApp::start();
    let draft = app.draft(&one_signer(), json!({}));
    let path = format!("/api/v1/envelopes/{}/send", id(&draft));
    let sent = app.api.post_nothing(&path).expect(200);
    assert_eq!(sent["status"], "SENT");
    assert_eq!(sent["sentAt"], "2026-11-24T09:30:00.000Z");
    assert_eq!(sent["recipients"][0]["status"], "SENT");
    assert!(sent["recipients"][0]["signUrl"].is_string());
    assert_eq!(
        sent.get("warnings"),
        None,
        "test mail goes to the outbox by design"
    );
    app.api.post_nothing(&path).expect_error(409, "CONFLICT");
    let events = app
        .api
        .get(&format!("/api/v1/envelopes/{}/events", id(&draft)))
        .expect(200);
    let names: Vec<_> = events["data"]
        .as_array()
        .expect("events")
        .iter()
        .map(|e| e["event"].as_str().expect("a name"))
        .collect();
    assert_eq!(
        names.iter().filter(|n| **n == "envelope.sent").count(),
        1,
        "{names:?}"
    );
    // An empty object, declared or not, is no member either.
    let other = app.draft(&one_signer(), json!({}));
    app.api
        .post(
            &format!("/api/v1/envelopes/{}/send", id(&other)),
            &json!({}),
        )
        .expect(200);
}

#[test]
fn two_sends_at_once_have_one_effect() {
    let app = TestApp::start();
    let draft = app.draft(&one_signer(), json!({}));
    let path = format!("/api/v1/envelopes/{}/send", id(&draft));
    let mut statuses: Vec<u16> = std::thread::scope(|threads| {
        let calls: Vec<_> = (0..4)
            .map(|_| {
                threads.spawn(|| {
                    Client::with_key(&app.url, &app.key)
                        .post_nothing(&path)
                        .status
                })
            })
            .collect();
        calls
            .into_iter()
            .map(|call| call.join().expect("a call"))
            .collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409]);
    app.drain();
    let (_, mails) = app
        .app()
        .outbox(paraph::domain::environment::Environment::Test, 1, 10)
        .expect("the outbox");
    assert_eq!(mails, 1);
}

#[test]
fn an_envelope_in_which_only_some_signers_have_a_field_is_not_sent() {
    let app = TestApp::start();
    let fields = json!([{"recipientIndex": 0, "fieldType": "SIGNATURE", "x": 10, "y": 10}]);
    let draft = app.draft(&two_signers(), json!({"fields": fields}));
    let path = format!("/api/v1/envelopes/{}/send", id(&draft));
    let refused = app
        .api
        .post_nothing(&path)
        .expect_error(409, "signer_without_field");
    assert_eq!(
        refused["error"],
        "Recipient 2 (ben@example.com) has no signature field."
    );
    assert_eq!(app.envelope(&draft)["status"], "DRAFT");
}

#[test]
fn require_fields_refuses_signers_without_any() {
    let options = crate::harness::Options {
        require_fields: true,
        ..Default::default()
    };
    let app = TestApp::with(options);
    let draft = app.draft(&one_signer(), json!({}));
    let path = format!("/api/v1/envelopes/{}/send", id(&draft));
    app.api
        .post_nothing(&path)
        .expect_error(409, "signer_without_field");
}

#[test]
fn the_older_shape_creates_and_sends_in_one_call() {
    let app = TestApp::start();
    let bytes = pdf::contract();
    let body = json!({
        "title": "Offer 12",
        "signers": [{"email": "ana@example.com", "name": "Ana"}, {"email": "ben@example.com"}],
        "documents": [{"name": "offer.pdf", "base64Pdf": base64(&bytes)}],
    });
    let made = app.api.post("/v1/envelopes", &body).expect(201);
    assert_eq!(made["status"], "SENT");
    assert_eq!(made["subject"], "Offer 12");
    assert_eq!(
        made["documents"][0]["sha256"],
        Digest::of(&bytes).to_string()
    );
    for index in 0..2 {
        let url = made["signers"][index]["signUrl"].as_str().expect("a link");
        assert_eq!(url, made["recipients"][index]["signUrl"]);
        assert_eq!(app.api.get(url).status, 200);
    }
    app.drain();
    let document = app
        .api
        .get(&format!("/v1/documents/{}", id(&made["documents"][0])))
        .expect(200);
    assert_eq!(document["name"], "offer.pdf");

    let before = listed(&app.api.get("/api/v1/documents")).1;
    let broken = json!({"title": "x", "signers": one_signer(), "documents": [{"name": "a.pdf", "base64Pdf": "%%%"}]});
    let refused = app
        .api
        .post("/v1/envelopes", &broken)
        .expect_error(400, "invalid_request");
    assert_eq!(refused["errors"][0]["pointer"], "/documents/0/base64Pdf");
    let no_pdf = json!({"title": "x", "signers": one_signer(), "documents": [
        {"name": "a.pdf", "base64Pdf": base64(&bytes)}, {"name": "b.pdf", "base64Pdf": base64(b"hello")},
    ]});
    app.api
        .post("/v1/envelopes", &no_pdf)
        .expect_error(415, "document_type_unsupported");
    assert_eq!(
        listed(&app.api.get("/api/v1/documents")).1,
        before,
        "nothing is half kept"
    );
}

#[test]
fn the_chain_of_a_trail_can_be_computed_again_by_a_stranger() {
    let app = TestApp::start();
    let draft = app.draft(&one_signer(), json!({}));
    let path = format!("/api/v1/envelopes/{}/audit-trail", id(&draft));
    app.api.get(&path).expect_error(409, "not_sent");
    app.api
        .get(&format!("{path}?format=json"))
        .expect_error(409, "not_sent");
    let sent = app.send(&draft);
    Visitor::of(&app.url, &sent, 0).page("check");
    app.drain();
    let trail = app.api.get(&format!("{path}?format=json")).expect(200);
    assert_eq!(trail["envelopeId"], draft["id"]);
    let entries = trail["entries"].as_array().expect("entries");
    assert!(entries.len() >= 5, "{entries:#?}");
    let mut hash = Digest::of(format!("paraph-audit-v1{}", id(&draft)).as_bytes());
    for (entry, place) in entries.iter().zip(1_u64..) {
        assert_eq!(entry["sequence"], place);
        let salt = hex::decode(entry["salt"].as_str().expect("a salt")).expect("hex");
        let body = entry["body"].as_str().expect("a body");
        let body_hash = Digest::of(&[&salt, body.as_bytes()].concat());
        assert_eq!(entry["bodyHash"], body_hash.to_string());
        let mut link = Hasher::new();
        link.update(b"paraph-audit-v1");
        link.update(hash.as_bytes());
        link.update(&place.to_be_bytes());
        link.update(body_hash.as_bytes());
        hash = link.finish();
        assert_eq!(entry["hash"], hash.to_string());
        let body: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["seq"], place);
        assert_eq!(body["chain"], draft["id"]);
    }
    assert_eq!(
        trail["head"],
        json!({"sequence": entries.len(), "hash": hash.to_string()})
    );

    let events = app
        .api
        .get(&format!("/api/v1/envelopes/{}/events", id(&draft)))
        .expect(200);
    let events = events["data"].as_array().expect("events");
    assert_eq!(events.len(), entries.len());
    let names: Vec<_> = events
        .iter()
        .map(|e| e["event"].as_str().expect("a name"))
        .collect();
    for wanted in ["envelope.created", "envelope.sent", "recipient.viewed"] {
        assert!(names.contains(&wanted), "{names:?}");
    }
    let viewed = events
        .iter()
        .find(|e| e["event"] == "recipient.viewed")
        .expect("viewed");
    assert_eq!(viewed["recipientId"], draft["recipients"][0]["id"]);
    assert_eq!(viewed["ip"], "127.0.0.1");

    let interim = app.api.get(&path);
    assert_eq!(interim.status, 200);
    assert!(interim.body.starts_with(b"%PDF-"));
    assert_eq!(interim.header("repr-digest"), "", "made on demand");
    app.api
        .get(&format!("{path}?format=xml"))
        .expect_error(400, "invalid_request");
    app.api
        .get(&format!("{path}?fromat=json"))
        .expect_error(400, "invalid_request");
}

#[test]
fn two_documents_come_signed_as_a_zip_or_one_by_one_and_the_addresses_in_their_seals_answer() {
    let app = TestApp::start();
    let documents: Vec<String> = ["contract.pdf", "annex.pdf"]
        .iter()
        .map(|name| {
            let reply = app.api.upload("/api/v1/documents", name, &pdf::contract());
            id(&reply.expect(201)).to_owned()
        })
        .collect();
    let body = json!({"subject": "Two", "documentIds": documents, "recipients": one_signer()});
    let draft = app.api.post("/api/v1/envelopes", &body).expect(201);
    let path = format!("/api/v1/envelopes/{}/signed-document", id(&draft));
    app.api.get(&path).expect_error(409, "not_completed");
    let sent = app.send(&draft);
    app.api.get(&path).expect_error(409, "not_completed");
    Visitor::of(&app.url, &sent, 0).sign(&sent, "Ana García");
    app.api
        .delete(&format!("/api/v1/envelopes/{}", id(&draft)))
        .expect_error(409, "sealing");
    app.drain();
    let done = app.envelope(&sent);
    assert_eq!(done["status"], "COMPLETED");

    let reply = app.api.get(&path);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/zip");
    assert_eq!(reply.header("repr-digest"), "");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&reply.body)).expect("a ZIP");
    assert_eq!(zip.len(), 2);
    for (index, name) in ["contract-signed.pdf", "annex-signed.pdf"]
        .into_iter()
        .enumerate()
    {
        let mut file = zip.by_index(index).expect("a file");
        assert_eq!(file.name().expect("a name"), name);
        assert_eq!(file.compression(), zip::CompressionMethod::Stored);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("its bytes");
        assert_eq!(
            Digest::of(&bytes).to_string(),
            done["documents"][index]["signedSha256"]
        );
        let one = app
            .api
            .get(&format!("{path}?documentId={}", documents[index]));
        assert_eq!(one.status, 200);
        assert_eq!(one.header("content-type"), "application/pdf");
        assert_eq!(one.body, bytes);
        assert_eq!(
            one.header("repr-digest"),
            format!("sha-256=:{}:", base64(Digest::of(&bytes).as_bytes()))
        );
        assert!(one.header("content-disposition").contains(name));
    }
    app.api
        .get(&format!("{path}?documentId=doc_01KAT8Z3V5X4R9M2C7Q6B1N0PD"))
        .expect_error(404, "NOT FOUND");
    app.api
        .get(&format!("{path}?document={}", documents[0]))
        .expect_error(400, "invalid_request");

    let sealed = app
        .api
        .get(&format!("{path}?documentId={}", documents[0]))
        .body;
    let stranger = Client::new(&app.url);
    let addresses = pki_addresses(&sealed);
    assert!(
        addresses.iter().any(|a| a.ends_with(".crl")),
        "{addresses:?}"
    );
    assert!(
        addresses.iter().any(|a| a.ends_with(".cer")),
        "{addresses:?}"
    );
    for address in addresses {
        let reply = stranger.get(&address);
        assert_eq!(reply.status, 200, "{address}");
        let kind = if address.ends_with(".crl") {
            "application/pkix-crl"
        } else {
            "application/pkix-cert"
        };
        assert_eq!(reply.header("content-type"), kind);
        assert_eq!(reply.body.first(), Some(&0x30), "DER");
        let stem = address.rsplit_once('.').expect("an ending").0;
        let pem = stranger.get(&format!("{stem}.pem"));
        assert_eq!(pem.status, 200);
        assert!(
            pem.text().starts_with("-----BEGIN CERTIFICATE-----"),
            "{}",
            pem.text()
        );
        assert_eq!(stranger.get(&format!("{stem}.key")).status, 404);
    }
    assert_eq!(stranger.get("/pki/nobody.crl").status, 404);
}

/// The addresses of our own authority in the certificates of a sealed file.
pub(crate) fn pki_addresses(sealed: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(sealed).into_owned();
    let after = text
        .rsplit("/Contents")
        .next()
        .expect("a signature")
        .trim_start();
    let inside = after
        .strip_prefix('<')
        .and_then(|rest| rest.split('>').next())
        .expect("hex");
    let cms = hex::decode(inside).expect("hex");
    let cms = String::from_utf8_lossy(&cms).into_owned();
    let mut found: Vec<String> = cms
        .split("http")
        .skip(1)
        .map(|rest| {
            rest.chars()
                .take_while(char::is_ascii_graphic)
                .collect::<String>()
        })
        .filter(|rest| rest.contains("/pki/"))
        .map(|rest| {
            let end = rest
                .find(".crl")
                .or_else(|| rest.find(".cer"))
                .expect("an ending")
                + 4;
            format!("http{}", &rest[..end])
        })
        .collect();
    found.sort();
    found.dedup();
    found
}
