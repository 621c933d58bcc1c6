//! A corpus that every machine can make: odd but legal files of many programs' habits, each uploaded, sent, signed and sealed.
//!
//! `PARAPH_CORPUS` and the drills do the same with real files; this short form runs wherever tests run. With `PARAPH_SEALED_DIR`
//! strangers judge what comes out.

use crate::harness::forms::Visitor;
use crate::harness::odd::{self, Chance, Odd};
use crate::harness::{TestApp, id};
use serde_json::{Value, json};

/// Files of one envelope, and envelopes.
const FILES: usize = 18;
const ENVELOPES: usize = 3;

/// A signature, initials and a date on some page of a document.
fn fields(chance: &mut Chance, document: usize, file: &Odd) -> Vec<Value> {
    ["SIGNATURE", "INITIALS", "DATE_SIGNED"]
        .into_iter()
        .map(|kind| {
            json!({
                "recipientIndex": 0, "fieldType": kind, "documentIndex": document,
                "pageNumber": chance.between(1, file.pages as i64),
                "x": chance.between(0, 20), "y": chance.between(0, 40), "width": 50, "height": 18,
            })
        })
        .collect()
}

#[test]
fn odd_but_legal_files_are_taken_signed_and_sealed() {
    let app = TestApp::start();
    let mut chance = Chance::new(4_711);
    for envelope in 0..ENVELOPES {
        let files: Vec<Odd> = (0..FILES)
            .map(|n| odd::document(envelope * FILES + n))
            .collect();
        let mut ids = Vec::new();
        let mut all_fields = Vec::new();
        for (n, file) in files.iter().enumerate() {
            let name = format!("{}.pdf", file.name);
            let reply = app.api.upload("/api/v1/documents", &name, &file.bytes);
            assert_eq!(reply.status, 201, "{}: {}", file.name, reply.text());
            let document = reply.json();
            assert_eq!(document["pages"], file.pages, "{}: {document}", file.name);
            ids.push(id(&document).to_owned());
            all_fields.extend(fields(&mut chance, n, file));
        }
        let body = json!({
            "subject": "Odd files", "documentIds": ids, "fields": all_fields,
            "recipients": [{"email": "ana@example.com", "name": "Zoë Łukasiewicz"}],
        });
        let draft = app.api.post("/api/v1/envelopes", &body).expect(201);
        let sent = app.send(&draft);
        Visitor::of(&app.url, &sent, 0).sign(&sent, "Zoë Łukasiewicz");
        app.drain();
        assert_eq!(app.envelope(&sent)["status"], "COMPLETED");
        for (file, document) in files.iter().zip(&ids) {
            let path = format!(
                "/api/v1/envelopes/{}/signed-document?documentId={document}",
                id(&sent)
            );
            let sealed = app.api.get(&path);
            assert_eq!(sealed.status, 200, "{}: {}", file.name, sealed.text());
            assert!(
                sealed.body.starts_with(&file.bytes),
                "{}: the bytes as they came are the first revision",
                file.name
            );
        }
    }
}

#[test]
fn the_same_number_makes_the_same_file_and_another_another() {
    for number in 0..9 {
        assert_eq!(odd::document(number).bytes, odd::document(number).bytes);
        assert_ne!(odd::document(number).bytes, odd::document(number + 9).bytes);
    }
}
