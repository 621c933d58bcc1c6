//! Reading requests: what is taken, what is refused, and that nothing is ignored.

use super::examples::{contract, document, later, patch, read, workspace};
use crate::domain::definition::{Category, Definition, SigningOrder};
use crate::domain::field::PageSize;
use serde_json::{Value, json};

fn faults(body: Value) -> Vec<(String, &'static str)> {
    match read(body) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|p| (p.pointer, p.code)).collect(),
    }
}

fn one(pointer: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(pointer.to_owned(), code)]
}

/// The contract with one member changed; `null` in `path`'s place takes it out.
fn with(path: &str, value: Value) -> Value {
    let mut body = contract();
    let (parent, name) = path.rsplit_once('/').expect("a pointer");
    body.pointer_mut(parent).expect("a parent")[name] = value;
    body
}

fn definition() -> Definition {
    read(contract()).expect("a definition").definition
}

#[test]
fn the_smallest_request_of_the_published_examples_is_taken() {
    let body = json!({
        "subject": "Contrat de prestation",
        "documentIds": [document(1)],
        "recipients": [{"email": "client@example.com", "name": "Marie Dubois", "role": "SIGNER"}],
    });
    let request = read(body).expect("a request");
    assert!(!request.send && request.inline.is_empty());
    assert_eq!(request.definition.subject, "Contrat de prestation");
    assert_eq!(request.definition.recipients[0].shown_as(), "Marie Dubois");
    assert_eq!(request.definition.signing_order(), SigningOrder::Parallel);
}

#[test]
fn every_member_of_a_full_request_has_its_effect() {
    let d = read(with("/workspaceId", json!(workspace())))
        .expect("a request")
        .definition;
    assert_eq!(d.message.as_deref(), Some("Welcome aboard!"));
    assert_eq!(d.documents, [document(1)]);
    assert_eq!(d.category, Some(Category::Hr));
    assert_eq!(d.tags, ["onboarding", "2027"]);
    assert_eq!(d.external_id.as_deref(), Some("hr-17"));
    assert_eq!(d.metadata.get("team").map(String::as_str), Some("blue"));
    assert_eq!((d.turn_of(0), d.turn_of(1)), (1, 2));
    let city = &d.fields[4];
    assert_eq!(
        (city.label.as_deref(), city.value.as_deref(), city.required),
        (Some("City"), Some("Lyon"), true)
    );
    assert_eq!((city.rect.width, city.rect.height), (150.0, 40.0));
    assert!(
        !d.fields[5].required,
        "a box may stay empty unless it is required"
    );
    assert_eq!(d.fields[1].recipient, d.recipients[1].id);
    let d = read(with("/expiresAt", json!("2027-02-01T00:00:00+01:00")))
        .expect("a request")
        .definition;
    assert_eq!(
        d.expires_at.map(|t| t.to_string()).as_deref(),
        Some("2027-01-31T23:00:00.000Z")
    );
}

#[test]
fn title_is_another_name_for_subject() {
    let mut body = contract();
    let object = body.as_object_mut().expect("an object");
    let subject = object.remove("subject").expect("a subject");
    object.insert("title".to_owned(), subject);
    assert_eq!(
        read(body.clone()).expect("a request").definition.subject,
        "Employment contract"
    );
    body["subject"] = json!("Another");
    assert_eq!(faults(body), one("/title", "conflicting_members"));
}

#[test]
fn the_older_shape_brings_its_documents_and_is_sent_at_once() {
    let body = json!({
        "subject": "S",
        "signers": [{"email": "a@example.com", "name": "A"}, {"email": "b@example.com"}],
        "documents": [{"name": "a.pdf", "base64Pdf": "JVBERi0="}],
        "fields": [{"recipientIndex": 0, "fieldType": "SIGNATURE", "x": 1, "y": 1},
                   {"recipientIndex": 1, "fieldType": "SIGNATURE", "x": 1, "y": 1, "documentIndex": 1}],
    });
    assert_eq!(
        faults(body.clone()),
        one("/fields/1/documentIndex", "document_not_found")
    );
    let mut good = body;
    good["fields"] = json!([]);
    let request = read(good.clone()).expect("a request");
    assert!(request.send && request.definition.documents.is_empty());
    assert_eq!(request.inline[0].name, "a.pdf");
    assert_eq!(request.inline[0].pointer, "/documents/0");
    good["documentIds"] = json!([document(1)]);
    good["recipients"] = json!([]);
    assert_eq!(
        faults(good),
        [
            ("/documentIds".to_owned(), "conflicting_members"),
            ("/recipients".to_owned(), "conflicting_members")
        ]
    );
    assert_eq!(
        faults(
            json!({"subject": "S", "signers": [{"email": "a@example.com"}], "documents": [{"base64Pdf": ""}]})
        ),
        [
            ("/documents/0/name".to_owned(), "required"),
            ("/documents/0/base64Pdf".to_owned(), "required")
        ]
    );
}

#[test]
fn all_faults_come_at_once_each_with_its_pointer() {
    let body = json!({
        "recipents": [],
        "documentIds": ["doc_1", 7, document(1), document(1)],
        "recipients": [{"email": "nobody"}, {"name": "No\u{202e}one"}, {"email": "a@example.com", "order": 0}],
        "fields": [{"recipientIndex": 9, "fieldType": "SIGN", "x": -1}],
        "tags": [1, "x".repeat(41)],
        "metadata": {"a/b": 1, " c": "d"},
        "category": "hr",
        "signingOrder": "RANDOM",
        "expiresAt": "tomorrow",
        "externalId": "a\nb",
        "workspaceId": "wsp_other",
    });
    let mut found = faults(body);
    found.sort();
    let expected = [
        ("/category", "invalid_value"),
        ("/documentIds/0", "document_not_found"),
        ("/documentIds/1", "wrong_type"),
        ("/documentIds/3", "duplicate_document"),
        ("/expiresAt", "invalid_value"),
        ("/externalId", "forbidden_character"),
        ("/fields/0/fieldType", "invalid_value"),
        ("/fields/0/x", "invalid_value"),
        ("/fields/0/y", "required"),
        ("/metadata/ c", "invalid_value"),
        ("/metadata/a~1b", "wrong_type"),
        ("/recipents", "unknown_member"),
        ("/recipients/0/email", "invalid_value"),
        ("/recipients/1/email", "required"),
        ("/recipients/1/name", "forbidden_character"),
        ("/recipients/2/order", "invalid_value"),
        ("/signingOrder", "invalid_value"),
        ("/subject", "required"),
        ("/tags/0", "wrong_type"),
        ("/tags/1", "too_long"),
        ("/workspaceId", "unknown_workspace"),
    ];
    assert_eq!(
        found,
        expected.map(|(pointer, code)| (pointer.to_owned(), code))
    );
}

#[test]
fn an_unknown_member_is_refused_with_the_nearest_known_name() {
    for (path, name, near) in [
        ("/mesage", "mesage", "message"),
        ("/recipients/0/e_mail", "e_mail", "email"),
        ("/fields/0/pagenumber", "pagenumber", "pageNumber"),
        ("/signing_order", "signing_order", "signingOrder"),
    ] {
        let problems = read(with(path, json!("x"))).expect_err("a fault");
        assert_eq!(
            problems[0].message,
            format!("`{name}` is not known here. Did you mean `{near}`?")
        );
        assert_eq!((problems.len(), problems[0].code), (1, "unknown_member"));
    }
}

#[test]
fn what_waits_is_refused_by_name_and_asking_for_nothing_is_granted() {
    let waiting = [
        ("/templateId", json!("tpl_1")),
        ("/requireSmsOtp", json!(true)),
        ("/requireEmailOtp", json!(true)),
        ("/reminders", json!({"afterDays": 3})),
        ("/redirectUrl", json!("https://example.com")),
        ("/initialsOnEveryPage", json!(true)),
        ("/sender", json!({"name": "A"})),
        ("/embeddableIn", json!(["https://example.com"])),
        ("/sendAt", json!("2027-02-01T00:00:00Z")),
        ("/locale", json!("fr")),
        ("/signatureLevel", json!("ADVANCED")),
        ("/recipients/0/role", json!("APPROVER")),
        ("/recipients/0/role", json!("VIEWER")),
        ("/recipients/0/role", json!("CARBON_COPY")),
        ("/recipients/0/phone", json!("+33123456789")),
        ("/recipients/0/accessCode", json!("1234")),
        ("/recipients/0/channel", json!("SMS")),
        ("/recipients/0/locale", json!("de")),
        ("/fields/0/fieldType", json!("DROPDOWN")),
        ("/fields/0/options", json!(["a"])),
        ("/fields/0/anchorText", json!("Sign here")),
        ("/fields/0/anchorPlacement", json!("below")),
        ("/fields/0/anchorIndex", json!(1)),
    ];
    for (path, value) in waiting {
        let problems = read(with(path, value.clone())).expect_err("a fault");
        assert_eq!(
            (
                problems.len(),
                problems[0].pointer.as_str(),
                problems[0].code
            ),
            (1, path, "not_available"),
            "{value}"
        );
        let name = path.rsplit('/').next().expect("a name");
        assert!(
            problems[0].message.contains(&format!("`{name}`")),
            "{}",
            problems[0].message
        );
    }
    assert_eq!(
        faults(with("/signatureLevel", json!("QUALIFIED"))),
        one("/signatureLevel", "qualified_not_available")
    );
    for (path, value) in [
        ("/requireSmsOtp", json!(false)),
        ("/reminders", Value::Null),
        ("/embeddableIn", json!([])),
        ("/locale", json!("en")),
        ("/signatureLevel", json!("SIMPLE")),
        ("/recipients/0/channel", json!("EMAIL")),
        ("/fields/0/options", json!([])),
    ] {
        assert_eq!(faults(with(path, value)), [], "{path}");
    }
}

#[test]
fn what_only_answers_have_cannot_be_set() {
    for path in [
        "/recipients/0/id",
        "/recipients/0/status",
        "/recipients/0/signUrl",
        "/fields/0/id",
    ] {
        assert_eq!(faults(with(path, json!("x"))), one(path, "read_only"));
    }
}

#[test]
fn bounds_hold() {
    let many = |n: usize| -> Value {
        (0..n)
            .map(|i| json!({"email": format!("r{i}@example.com")}))
            .collect()
    };
    let mut body = contract();
    body["fields"] = json!([]);
    body["recipients"] = many(100);
    assert_eq!(faults(body.clone()), []);
    body["recipients"] = many(101);
    assert_eq!(faults(body), one("/recipients", "too_many"));
    assert_eq!(
        faults(with(
            "/documentIds",
            (0..51u8).map(document).map(|d| json!(d)).collect()
        )),
        one("/documentIds", "too_many")
    );
    assert_eq!(
        faults(with("/documentIds", json!([]))),
        one("/documentIds", "required")
    );
    assert_eq!(
        faults(with(
            "/tags",
            (0..11).map(|i| json!(i.to_string())).collect()
        )),
        one("/tags", "too_many")
    );
    let pairs: Value = Value::Object((0..21).map(|i| (i.to_string(), json!(""))).collect());
    assert_eq!(
        faults(with("/metadata", pairs)),
        one("/metadata", "too_many")
    );
    assert_eq!(faults(with("/subject", json!("é".repeat(200)))), []);
    assert_eq!(
        faults(with("/subject", json!("é".repeat(201)))),
        one("/subject", "too_long")
    );
    let field = contract()["fields"][0].clone();
    let fields = |n: usize| Value::Array(vec![field.clone(); n]);
    assert_eq!(faults(with("/fields", fields(2_000))), []);
    assert_eq!(
        faults(with("/fields", fields(2_001))),
        one("/fields", "too_many")
    );
    let bad = json!({"fieldType": "SIGNATURE"});
    assert_eq!(
        faults(with("/fields", Value::Array(vec![bad; 2_000]))).len(),
        100,
        "an answer names a hundred faults"
    );
}

#[test]
fn whatever_is_no_object_is_refused_as_a_whole() {
    for body in [json!(null), json!([]), json!("x"), json!(7)] {
        assert_eq!(faults(body), one("", "wrong_type"));
    }
}

#[test]
fn nobody_is_named_twice_whatever_the_case() {
    assert_eq!(
        faults(with("/recipients/1/email", json!("ANA@Example.com"))),
        one("/recipients/1/email", "duplicate_recipient")
    );
}

#[test]
fn a_field_names_its_signer_in_one_way_or_in_ways_that_agree() {
    assert_eq!(faults(with("/fields/0/recipientIndex", json!(0))), []);
    assert_eq!(
        faults(with("/fields/0/recipientIndex", json!(1))),
        one("/fields/0/recipientEmail", "recipient_not_found")
    );
    assert_eq!(
        faults(with("/fields/0/recipientEmail", Value::Null)),
        one("/fields/0/recipientEmail", "required")
    );
}

#[test]
fn numbers_in_parallel_contradict_and_alone_make_a_sequence() {
    let mut body = contract();
    body["recipients"][0]["order"] = json!(2);
    body["recipients"][1]["order"] = json!(1);
    body["signingOrder"] = Value::Null;
    let d = read(body.clone()).expect("a request").definition;
    assert_eq!(
        (d.signing_order(), d.turn_of(0), d.turn_of(1)),
        (SigningOrder::Sequential, 2, 1)
    );
    body["signingOrder"] = json!("PARALLEL");
    assert_eq!(faults(body), one("/signingOrder", "order_in_parallel"));
}

#[test]
fn expiry_lies_ahead_and_not_too_far() {
    assert_eq!(
        faults(with("/expiresAt", json!(later(0)))),
        one("/expiresAt", "expires_in_the_past")
    );
    assert_eq!(
        faults(with("/expiresAt", json!("2099-01-01T00:00:00Z"))),
        one("/expiresAt", "invalid_value")
    );
}

#[test]
fn an_edit_replaces_whole_members_and_leaves_the_others() {
    let before = definition();
    let after = patch(
        &before,
        json!({"subject": "New", "message": null, "tags": ["x"]}),
    )
    .expect("a definition");
    assert_eq!(
        (after.subject.as_str(), &after.message, &after.tags[..]),
        ("New", &None, &["x".to_owned()][..])
    );
    let untouched = Definition {
        subject: before.subject.clone(),
        message: before.message.clone(),
        tags: before.tags.clone(),
        ..after
    };
    assert_eq!(untouched, before);
    assert_eq!(patch(&before, json!({})).as_ref(), Ok(&before));
    let titled = patch(&before, json!({"title": "T"})).expect("a definition");
    assert_eq!(titled.subject, "T");
}

#[test]
fn an_edited_recipient_keeps_id_and_link_by_id_or_address() {
    let before = definition();
    let [ana, ben] = [0, 1].map(|i| before.recipients[i].clone());
    let body = json!({"recipients": [
        {"email": "BEN@example.com", "name": "Ben"},
        {"id": ana.id, "email": "anna@example.com"},
        {"email": "eve@example.com"},
    ]});
    let after = patch(&before, body).expect("a definition");
    let shown: Vec<_> = after
        .recipients
        .iter()
        .map(|r| (r.id, r.generation, r.email.as_str()))
        .collect();
    assert_eq!(
        shown[..2],
        [
            (ben.id, 1, "BEN@example.com"),
            (ana.id, 1, "anna@example.com")
        ]
    );
    assert!(![ana.id, ben.id].contains(&shown[2].0));
    assert_eq!(
        after.fields, before.fields,
        "fields follow their recipients"
    );
}

#[test]
fn an_edit_that_would_orphan_fields_or_name_strangers_is_refused() {
    let before = definition();
    let codes = |body| -> Vec<(String, &str)> {
        patch(&before, body)
            .expect_err("a fault")
            .into_iter()
            .map(|p| (p.pointer, p.code))
            .collect()
    };
    assert_eq!(
        codes(json!({"recipients": [{"email": "ana@example.com"}]})),
        one("/fields/1", "recipient_not_found")
    );
    let stranger = crate::domain::ids::RecipientId::new(later(0), [88; 10]);
    assert_eq!(
        codes(json!({"recipients": [{"id": stranger, "email": "ana@example.com"}, {"email": "ben@example.com"}]})).first(),
        Some(&("/recipients/0/id".to_owned(), "recipient_not_found"))
    );
    assert_eq!(
        codes(json!({"documents": []})),
        one("/documents", "unknown_member")
    );
    assert_eq!(codes(json!({"subject": null})), one("/subject", "required"));
}

#[test]
fn an_edited_field_keeps_its_id() {
    let before = definition();
    let field = &before.fields[0];
    let moved = json!({"id": field.id, "recipientId": field.recipient, "fieldType": "SIGNATURE", "x": 1, "y": 2});
    let after = patch(&before, json!({"fields": [moved]})).expect("a definition");
    assert_eq!(
        (after.fields[0].id, after.fields[0].rect.x),
        (field.id, 1.0)
    );
}

#[test]
fn a_field_outside_its_page_is_refused_with_the_size_of_the_page() {
    let a4 = PageSize {
        width: 595.28,
        height: 841.89,
    };
    let d = read(with("/fields/0/x", json!(500)))
        .expect("a request")
        .definition;
    assert_eq!(d.faults_on(&[vec![a4]]).len(), 1);
    let problem = &d.faults_on(&[vec![a4]])[0];
    assert_eq!(
        (problem.pointer.as_str(), problem.code),
        ("/fields/0", "field_outside_page")
    );
    assert!(
        problem.message.contains("595.3 × 841.9"),
        "{}",
        problem.message
    );
    let d = read(with("/fields/0/pageNumber", json!(2)))
        .expect("a request")
        .definition;
    assert_eq!(d.faults_on(&[vec![a4]])[0].pointer, "/fields/0/pageNumber");
    assert_eq!(definition().faults_on(&[vec![a4]]), []);
}

#[test]
fn a_flood_of_unknown_names_is_answered_briefly() {
    let mut body = contract();
    for i in 0..50_000 {
        body[format!("unknown{i}")] = json!(1);
    }
    body["x".repeat(100_000)] = json!(1);
    let problems = read(body).expect_err("faults");
    assert_eq!(problems.len(), 100);
    assert!(
        problems
            .iter()
            .all(|p| p.message.len() < 200 && p.pointer.len() < 200)
    );
}
