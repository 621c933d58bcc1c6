//! The main job: upload, envelope, send, two people sign in their browsers, seal, proof, webhooks.

use crate::harness::TestApp;
use crate::harness::forms::Visitor;
use crate::harness::sink::WebhookSink;
use serde_json::json;

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
    if let Some(folder) = std::env::var_os("PARAPH_SEALED_DIR") {
        let folder = std::path::PathBuf::from(folder);
        std::fs::write(folder.join("lifecycle.pdf"), &sealed.body).expect("a file");
        std::fs::write(folder.join("lifecycle-trail.pdf"), &trail.body).expect("a file");
        let root = app
            .app()
            .root_pem(paraph::domain::environment::Environment::Test)
            .expect("the root");
        std::fs::write(folder.join("root.pem"), root).expect("a file");
    }
}
