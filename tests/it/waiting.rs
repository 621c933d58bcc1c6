//! Nothing is accepted and ignored: every member, value and route of the contract has an effect, or is refused by its name.

use crate::harness::{TestApp, id, pdf};
use paraph::http::api;
use serde_json::{Value, json};

/// A request that is good as it stands.
fn good(app: &TestApp) -> Value {
    json!({
        "subject": "Service agreement",
        "documentIds": [app.document(&pdf::contract())],
        "recipients": [{"email": "ana@example.com"}],
        "fields": [{"recipientIndex": 0, "fieldType": "SIGNATURE", "x": 72, "y": 100}],
    })
}

fn with(request: &Value, pointer: &str, value: Value) -> Value {
    let mut request = request.clone();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    request.pointer_mut(parent).expect(pointer)[name] = value;
    request
}

#[track_caller]
fn refused_by_name(app: &TestApp, path: &str, body: &Value, pointer: &str) {
    let reply = app.api.post(path, body);
    let problem = reply.expect_error(400, "not_available");
    let name = pointer
        .rsplit('/')
        .find(|part| part.parse::<usize>().is_err())
        .expect("a name");
    let told = problem["error"].as_str().expect("text");
    assert!(told.contains(name), "{pointer}: {told}");
    let faults = problem["errors"].as_array().expect("faults");
    assert!(
        faults
            .iter()
            .any(|f| f["pointer"] == pointer && f["code"] == "not_available"),
        "{pointer}: {problem}"
    );
}

#[test]
fn members_and_values_of_an_envelope_that_wait_are_refused_by_name() {
    let app = TestApp::start();
    let request = good(&app);
    let waiting = [
        ("/templateId", json!("tpl_01KAT8Z3V5X4R9M2C7Q6B1N0PD")),
        ("/signatureLevel", json!("ADVANCED")),
        ("/requireSmsOtp", json!(true)),
        ("/requireEmailOtp", json!(true)),
        ("/reminders", json!({"afterDays": 2, "everyDays": 3})),
        ("/locale", json!("fr")),
        ("/redirectUrl", json!("https://acme.example/thanks")),
        ("/initialsOnEveryPage", json!(true)),
        (
            "/sender",
            json!({"name": "Eva", "email": "eva@acme.example"}),
        ),
        ("/embeddableIn", json!(["https://acme.example"])),
        ("/sendAt", json!("2026-12-01T09:00:00Z")),
        ("/recipients/0/role", json!("APPROVER")),
        ("/recipients/0/role", json!("VIEWER")),
        ("/recipients/0/role", json!("CARBON_COPY")),
        ("/recipients/0/phone", json!("+31612345678")),
        ("/recipients/0/channel", json!("SMS")),
        ("/recipients/0/channel", json!("EMAIL_AND_SMS")),
        ("/recipients/0/accessCode", json!("4711")),
        ("/recipients/0/locale", json!("fr")),
        ("/fields/0/fieldType", json!("DROPDOWN")),
        ("/fields/0/fieldType", json!("RADIO_GROUP")),
        ("/fields/0/fieldType", json!("ATTACHMENT")),
        ("/fields/0/fieldType", json!("STAMP")),
        ("/fields/0/fieldType", json!("DRAWING")),
        ("/fields/0/options", json!(["a", "b"])),
        ("/fields/0/anchorText", json!("Signature:")),
        ("/fields/0/anchorPlacement", json!("below")),
        ("/fields/0/anchorIndex", json!(1)),
    ];
    let draft = app.api.post("/api/v1/envelopes", &request).expect(201);
    let change = format!("/api/v1/envelopes/{}", id(&draft));
    for (pointer, value) in waiting {
        let asked = with(&request, pointer, value);
        refused_by_name(&app, "/api/v1/envelopes", &asked, pointer);
        // A change is as strict as the making.
        let changed = app.api.patch(&change, &asked);
        changed.expect_error(400, "not_available");
    }
    assert_eq!(app.envelope(&draft)["updatedAt"], draft["updatedAt"]);
    let list = app.api.get("/api/v1/envelopes").expect(200);
    assert_eq!(list["pagination"]["total"], 1, "nothing refused was kept");
}

#[test]
fn what_waits_is_told_before_what_follows_from_it() {
    let app = TestApp::start();
    let from_template = json!({
        "subject": "x", "templateId": "tpl_1", "recipients": [{"email": "ana@example.com"}],
    });
    refused_by_name(&app, "/api/v1/envelopes", &from_template, "/templateId");
    let mut anchored = good(&app);
    anchored["fields"] = json!([
        {"recipientIndex": 0, "fieldType": "SIGNATURE", "anchorText": "Sign here"},
    ]);
    refused_by_name(&app, "/api/v1/envelopes", &anchored, "/fields/0/anchorText");
}

#[test]
fn a_qualified_signature_is_refused_by_a_code_of_its_own() {
    let app = TestApp::start();
    let asked = with(&good(&app), "/signatureLevel", json!("QUALIFIED"));
    app.api
        .post("/api/v1/envelopes", &asked)
        .expect_error(400, "qualified_not_available");
}

#[test]
fn asking_for_what_holds_anyway_is_granted() {
    let app = TestApp::start();
    let mut asked = good(&app);
    for (pointer, value) in [
        ("/requireSmsOtp", json!(false)),
        ("/requireEmailOtp", json!(false)),
        ("/initialsOnEveryPage", json!(false)),
        ("/locale", json!("en")),
        ("/sender", Value::Null),
        ("/sendAt", Value::Null),
        ("/embeddableIn", json!([])),
        ("/signatureLevel", json!("SIMPLE")),
        ("/recipients/0/channel", json!("EMAIL")),
        ("/recipients/0/locale", json!("en")),
        ("/recipients/0/role", json!("SIGNER")),
    ] {
        asked = with(&asked, pointer, value);
    }
    app.api.post("/api/v1/envelopes", &asked).expect(201);
}

#[test]
fn every_other_member_and_value_of_an_envelope_shows_in_the_answer() {
    let app = TestApp::start();
    let request = good(&app);
    let mut effective = vec![
        ("/subject", json!("Another"), "/subject", json!("Another")),
        ("/message", json!("Hello"), "/message", json!("Hello")),
        ("/externalId", json!("X-1"), "/externalId", json!("X-1")),
        ("/metadata", json!({"a": "b"}), "/metadata/a", json!("b")),
        ("/tags", json!(["HR"]), "/tags", json!(["hr"])),
        (
            "/signingOrder",
            json!("SEQUENTIAL"),
            "/signingOrder",
            json!("SEQUENTIAL"),
        ),
        (
            "/signingOrder",
            json!("PARALLEL"),
            "/signingOrder",
            json!("PARALLEL"),
        ),
        (
            "/expiresAt",
            json!("2026-12-01T00:00:00Z"),
            "/expiresAt",
            json!("2026-12-01T00:00:00.000Z"),
        ),
        (
            "/recipients/0/name",
            json!("Ana"),
            "/recipients/0/name",
            json!("Ana"),
        ),
        (
            "/fields/0/recipientEmail",
            json!("ana@example.com"),
            "/fields/0/recipientEmail",
            json!("ana@example.com"),
        ),
        (
            "/fields/0/documentIndex",
            json!(0),
            "/fields/0/documentIndex",
            json!(0),
        ),
        (
            "/fields/0/pageNumber",
            json!(2),
            "/fields/0/pageNumber",
            json!(2),
        ),
        (
            "/fields/0/required",
            json!(false),
            "/fields/0/required",
            json!(false),
        ),
        (
            "/fields/0/label",
            json!("Here"),
            "/fields/0/label",
            json!("Here"),
        ),
        ("/fields/0/x", json!(5), "/fields/0/x", json!(5.0)),
        ("/fields/0/y", json!(6), "/fields/0/y", json!(6.0)),
        ("/fields/0/width", json!(70), "/fields/0/width", json!(70.0)),
        (
            "/fields/0/height",
            json!(30),
            "/fields/0/height",
            json!(30.0),
        ),
    ];
    for kind in ["SIGNATURE", "INITIALS", "DATE_SIGNED", "TEXT", "CHECKBOX"] {
        effective.push((
            "/fields/0/fieldType",
            json!(kind),
            "/fields/0/fieldType",
            json!(kind),
        ));
    }
    for category in [
        "CONTRACT",
        "AGREEMENT",
        "INVOICE",
        "LETTER",
        "QUOTE",
        "NDA",
        "HR",
        "LEGAL",
        "REPORT",
        "PROPOSAL",
        "OTHER",
    ] {
        effective.push(("/category", json!(category), "/category", json!(category)));
    }
    for (pointer, value, shown, expected) in effective {
        let made = app
            .api
            .post("/api/v1/envelopes", &with(&request, pointer, value))
            .expect(201);
        assert_eq!(made.pointer(shown), Some(&expected), "{pointer}");
    }
    // Order shows where there is one, and a text keeps its value.
    let mut asked = request.clone();
    asked["recipients"] =
        json!([{"email": "a@example.com", "order": 7}, {"email": "b@example.com", "order": 3}]);
    asked["fields"] =
        json!([{"recipientIndex": 1, "fieldType": "TEXT", "x": 1, "y": 1, "value": "Manager"}]);
    let made = app.api.post("/api/v1/envelopes", &asked).expect(201);
    assert_eq!(made["recipients"][0]["order"], 7);
    assert_eq!(made["recipients"][1]["order"], 3);
    assert_eq!(made["signingOrder"], "SEQUENTIAL");
    assert_eq!(made["fields"][0]["value"], "Manager");
    assert_eq!(made["fields"][0]["recipientEmail"], "b@example.com");
}

#[test]
fn what_only_answers_have_can_not_be_set() {
    let app = TestApp::start();
    let request = good(&app);
    for pointer in [
        "/recipients/0/id",
        "/recipients/0/status",
        "/recipients/0/viewedAt",
        "/recipients/0/signedAt",
        "/recipients/0/accessToken",
        "/recipients/0/signUrl",
        "/fields/0/id",
    ] {
        let reply = app
            .api
            .post("/api/v1/envelopes", &with(&request, pointer, json!("x")));
        let problem = reply.expect_error(400, "invalid_request");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    for name in ["id", "status", "environment", "createdAt", "sealLevel"] {
        let asked = with(&request, &format!("/{name}"), json!("x"));
        app.api
            .post("/api/v1/envelopes", &asked)
            .expect_error(400, "invalid_request");
    }
}

#[test]
fn events_of_webhooks_and_members_of_keys_that_wait_are_refused_by_name() {
    let app = TestApp::start();
    for name in [
        "envelope.returned_to_sender",
        "envelope.resubmitted",
        "recipient.approved",
        "webhook.test",
    ] {
        let body = json!({"url": "http://127.0.0.1:9000/", "events": ["envelope.sent", name]});
        refused_by_name(&app, "/api/v1/webhooks", &body, "/events/1");
    }
    for (pointer, value) in [
        ("/expiresAt", json!("2027-01-01T00:00:00Z")),
        ("/allowedNetworks", json!(["10.0.0.0/8"])),
    ] {
        let body = with(&json!({"name": "x"}), pointer, value);
        refused_by_name(&app, "/api/v1/keys", &body, pointer);
    }
    for scope in ["templates:read", "templates:write"] {
        let body = json!({"name": "x", "scopes": ["documents:read", scope]});
        let problem = app
            .api
            .post("/api/v1/keys", &body)
            .expect_error(400, "not_available");
        assert!(
            problem["error"].as_str().expect("text").contains(scope),
            "{problem}"
        );
    }
    // Limits are the operator's to set.
    for name in ["perMinute", "burst", "environment"] {
        let body = with(&json!({"name": "x"}), &format!("/{name}"), json!(1));
        app.api
            .post("/api/v1/keys", &body)
            .expect_error(400, "invalid_request");
    }
}

#[test]
fn every_other_event_can_be_asked_for_and_an_inactive_webhook_hears_nothing() {
    let app = TestApp::start();
    let sink = crate::harness::sink::WebhookSink::start();
    let events = [
        "envelope.created",
        "envelope.sent",
        "envelope.completed",
        "envelope.declined",
        "envelope.voided",
        "envelope.expired",
        "recipient.viewed",
        "recipient.signed",
    ];
    let body = json!({"url": sink.url(), "events": events, "active": false});
    let made = app.api.post("/api/v1/webhooks", &body).expect(201);
    assert_eq!(made["events"], json!(events));
    assert_eq!(made["isActive"], false);
    app.send(&app.draft(&json!([{"email": "ana@example.com"}]), json!({})));
    app.drain();
    assert!(sink.received().is_empty());
}

#[test]
fn parameters_and_values_of_lists_that_wait_are_refused_by_name() {
    let app = TestApp::start();
    for name in [
        "cursor",
        "recipientEmail",
        "createdAfter",
        "createdBefore",
        "externalId",
        "tag",
        "q",
    ] {
        let problem = app
            .api
            .get(&format!("/api/v1/envelopes?{name}=x"))
            .expect_error(400, "not_available");
        assert!(
            problem["error"].as_str().expect("text").contains(name),
            "{problem}"
        );
    }
    for status in ["RETURNED_TO_SENDER", "SCHEDULED"] {
        let problem = app
            .api
            .get(&format!("/api/v1/envelopes?status={status}"))
            .expect_error(400, "not_available");
        assert!(
            problem["error"].as_str().expect("text").contains(status),
            "{problem}"
        );
    }
    for status in [
        "DRAFT",
        "SENT",
        "DELIVERED",
        "PARTIALLY_SIGNED",
        "COMPLETED",
        "DECLINED",
        "VOIDED",
        "EXPIRED",
    ] {
        app.api
            .get(&format!("/api/v1/envelopes?status={status}"))
            .expect(200);
    }
}

#[test]
fn documents_of_other_kinds_are_refused_by_what_they_are() {
    let app = TestApp::start();
    for (bytes, told) in [
        (&b"\x89PNG\r\n\x1a\n0000"[..], "PNG"),
        (&b"\xff\xd8\xff\xe0000000"[..], "JPEG"),
        (&b"PK\x03\x0400000000"[..], "ZIP"),
    ] {
        let problem = app
            .api
            .upload("/api/v1/documents", "a.pdf", bytes)
            .expect_error(415, "document_type_unsupported");
        assert!(
            problem["error"].as_str().expect("text").contains(told),
            "{problem}"
        );
    }
}

#[test]
fn every_route_of_the_contract_is_served_or_says_that_it_waits() {
    let app = TestApp::start();
    // As api.md lists them, beyond what the OpenAPI describes.
    let waiting = [
        ("POST", "/envelopes/x/remind"),
        ("PATCH", "/envelopes/x/recipients/y"),
        ("PATCH", "/webhooks/x"),
        ("POST", "/webhooks/x/test"),
        ("POST", "/webhooks/x/rotate-secret"),
        ("GET", "/webhooks/x/deliveries"),
        ("POST", "/webhooks/x/deliveries/y/replay"),
        ("POST", "/keys/x/rotate"),
        ("GET", "/templates"),
        ("POST", "/templates"),
        ("GET", "/templates/x"),
        ("PATCH", "/templates/x"),
        ("DELETE", "/templates/x"),
        ("POST", "/templates/x/bulk"),
        ("POST", "/verify"),
        ("GET", "/events"),
    ];
    for (method, path) in waiting {
        for prefix in ["/api/v1", "/v1"] {
            let path = format!("{prefix}{path}");
            let body = (method != "GET").then_some(&b"{}"[..]);
            let json_type = [("Content-Type", "application/json")];
            let problem = app
                .api
                .send(method, &path, &json_type, body)
                .expect_error(404, "not_available");
            assert!(
                problem["error"].as_str().expect("text").contains(&path),
                "{problem}"
            );
        }
    }
    let named: usize = api::WAITING.len() + api::WAITING_METHODS.len();
    let distinct: std::collections::BTreeSet<_> = waiting.iter().map(|(_, path)| path).collect();
    assert_eq!(
        named,
        distinct.len(),
        "no route waits that is not asked here"
    );
    for (path, method, _) in api::served() {
        let path = format!("/api/v1{}", path.replace("{id}", "x"));
        let body = (method != "GET").then_some(&b"{}"[..]);
        let json_type = [("Content-Type", "application/json")];
        let reply = app.api.send(method.as_str(), &path, &json_type, body);
        assert!(
            !reply.text().contains("not_available") && reply.status != 405,
            "{method} {path}: {}",
            reply.text()
        );
    }
}
