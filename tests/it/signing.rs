//! The recipient's pages over plain HTTP: what they change and what not, whom they refuse, what they weigh.

mod images;

use crate::harness::TestApp;
use crate::harness::client::Client;
use crate::harness::forms::{Visitor, attribute, input};
use serde_json::{Value, json};
use std::time::Duration;

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
     object-src 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

fn people(count: usize) -> Value {
    let all = [
        ("ana@example.com", "Ana García"),
        ("ben@example.com", "Ben Okafor"),
    ];
    all.iter()
        .take(count)
        .map(|(email, name)| json!({"email": email, "name": name}))
        .collect()
}

fn field(recipient: usize, kind: &str, page: u32, y: u32, label: &str) -> Value {
    json!({"recipientIndex": recipient, "fieldType": kind, "pageNumber": page, "x": 72, "y": y, "width": 160, "height": 24, "required": true, "label": label})
}

/// One signer with a required text, a required box and a signature.
fn sent(app: &TestApp) -> Value {
    let fields = json!([
        field(0, "TEXT", 1, 500, "City of birth"),
        field(0, "CHECKBOX", 1, 540, "I have read Annex A"),
        field(0, "SIGNATURE", 3, 420, "Signature"),
    ]);
    app.send(&app.draft(&people(1), json!({"fields": fields})))
}

fn link(envelope: &Value, index: usize) -> &str {
    envelope["recipients"][index]["signUrl"].as_str().unwrap()
}

fn status(app: &TestApp, envelope: &Value) -> String {
    app.envelope(envelope)["status"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Names of the page's fields' ids, by label.
fn field_id(html: &str, label: &str) -> String {
    let at = html.find(label).unwrap_or_else(|| panic!("no {label}"));
    let start = html[..at].rfind("id=\"c-").expect("a control") + 6;
    html[start..].split('"').next().unwrap().to_owned()
}

/// Fills in what [`sent`] asks and goes on.
fn fill(visitor: &Visitor, city: &str) -> crate::harness::client::Reply {
    let html = visitor.page("review").text();
    let (text, tick) = (
        format!("field.{}", field_id(&html, "City of birth")),
        format!("field.{}", field_id(&html, "I have read Annex A")),
    );
    let version = input(&html, "version");
    visitor.submit(
        "review",
        &[
            ("version", &version),
            (&text, city),
            (&tick, ""),
            (&tick, "on"),
            ("go", "check"),
        ],
    )
}

#[test]
fn a_thousand_looks_change_nothing() {
    let app = TestApp::start();
    let envelope = sent(&app);
    let scanner = Client::new(&app.url);
    for _ in 0..500 {
        assert_eq!(scanner.get(link(&envelope, 0)).status, 200);
        let head = scanner.send("HEAD", link(&envelope, 0), &[], None);
        assert_eq!((head.status, head.body.len()), (200, 0));
    }
    app.drain();
    let after = app.envelope(&envelope);
    assert_eq!(after["status"], "SENT");
    assert_eq!(after["recipients"][0]["viewedAt"], Value::Null, "{after}");
    let id = envelope["id"].as_str().unwrap();
    let events = app
        .api
        .get(&format!("/api/v1/envelopes/{id}/events"))
        .text();
    assert!(!events.contains("recipient.viewed"), "{events}");
    assert_eq!(
        events.matches("link.fetched").count(),
        1,
        "one note an hour and address: {events}"
    );
}

#[test]
fn every_page_of_a_session_can_be_looked_at_without_acting() {
    let app = TestApp::start();
    let envelope = sent(&app);
    let visitor = Visitor::of(&app.url, &envelope, 0);
    let before = app.envelope(&envelope);
    for step in [
        "review",
        "signature",
        "check",
        "done",
        "decline",
        "later",
        "status",
    ] {
        let page = visitor.page(step);
        assert!(matches!(page.status, 200 | 303), "{step}: {}", page.status);
        let head = visitor
            .browser()
            .send("HEAD", &format!("{}/{step}", visitor.base), &[], None);
        assert_eq!(head.status, page.status, "{step}");
    }
    let after = app.envelope(&envelope);
    for member in ["status", "recipients", "updatedAt"] {
        assert_eq!(before[member], after[member]);
    }
}

#[test]
fn who_cannot_sign_is_told_why_with_the_right_status() {
    let app = TestApp::start();
    let anyone = Client::new(&app.url);
    let told = |path: &str, status: u16, words: &str| {
        let page = anyone.get(path);
        assert_eq!(page.status, status, "{words}: {}", page.text());
        assert!(page.text().contains(words), "{words}: {}", page.text());
        assert_eq!(page.header("content-security-policy"), CSP);
    };
    told(
        &format!("/sign/{}", "A".repeat(43)),
        404,
        "This link does not work",
    );
    told("/sign/short", 404, "This link does not work");
    let no_session = anyone.get("/signing/rcp_01M86E81E0CDZA4H79V43MW9QG/review");
    assert_eq!(no_session.status, 403);
    assert!(no_session.text().contains("Your session has ended"));

    let sequence = json!({"signingOrder": "SEQUENTIAL"});
    let envelope = app.send(&app.draft(&people(2), sequence));
    told(link(&envelope, 1), 200, "Not your turn yet");
    Visitor::of(&app.url, &envelope, 0).sign(&envelope, "Ana García");
    told(link(&envelope, 0), 200, "You have already signed");
    let id = envelope["id"].as_str().unwrap();
    app.api
        .post(
            &format!("/api/v1/envelopes/{id}/void"),
            &json!({"reason": "Wrong <b>salary</b>"}),
        )
        .expect(200);
    told(link(&envelope, 1), 410, "The sender withdrew this request");
    told(
        link(&envelope, 1),
        410,
        "Wrong &#60;b&#62;salary&#60;/b&#62;",
    );

    let envelope = app.send(&app.draft(&people(2), json!({})));
    let visitor = Visitor::of(&app.url, &envelope, 0);
    let empty = visitor.submit("decline", &[("reason", "  ")]);
    assert_eq!(empty.status, 422);
    let declined = visitor.submit("decline", &[("reason", "Wrong salary")]);
    assert_eq!(declined.status, 200);
    assert!(declined.text().contains("You declined"));
    told(link(&envelope, 0), 200, "You declined");
    told(link(&envelope, 1), 410, "This request was declined");

    let envelope = app.send(&app.draft(&people(1), json!({})));
    let visitor = Visitor::of(&app.url, &envelope, 0);
    app.advance(Duration::from_secs(91 * 86_400));
    told(link(&envelope, 0), 410, "The deadline has passed");
    assert_eq!(visitor.page("review").status, 403, "no session is that old");
    app.drain();
    told(link(&envelope, 0), 410, "The deadline has passed");
    assert_eq!(status(&app, &envelope), "EXPIRED");
}

#[test]
fn who_has_signed_opens_the_copy_through_the_same_link() {
    let app = TestApp::start();
    let envelope = app.send(&app.draft(&people(1), json!({})));
    Visitor::of(&app.url, &envelope, 0).sign(&envelope, "Ana García");
    app.drain();
    let again = Visitor::of(&app.url, &envelope, 0);
    let first = again.browser().get(&format!("{}/review", again.base));
    assert_eq!(first.status, 303);
    let done = again.page("done");
    assert_eq!(done.status, 200);
    assert!(done.text().contains("Everyone has signed."));
    let document = envelope["documents"][0]["id"].as_str().unwrap();
    let copy = again.page(&format!("documents/{document}/file"));
    assert_eq!(copy.body, app.signed_document(&envelope).body);
    assert_eq!(
        copy.header("content-security-policy"),
        "default-src 'none'; sandbox"
    );
    assert!(again.page("proof").body.starts_with(b"%PDF-"));
}

#[test]
fn a_withdrawn_request_shows_its_documents_to_nobody() {
    let app = TestApp::start();
    let envelope = app.send(&app.draft(&people(1), json!({})));
    let visitor = Visitor::of(&app.url, &envelope, 0);
    visitor.look(&envelope);
    let id = envelope["id"].as_str().unwrap();
    app.api
        .post(&format!("/api/v1/envelopes/{id}/void"), &json!({}))
        .expect(200);
    let document = envelope["documents"][0]["id"].as_str().unwrap();
    for rest in ["pages/1.png?w=1000", "text", "file"] {
        let reply = visitor.page(&format!("documents/{document}/{rest}"));
        assert_eq!(reply.status, 410, "{rest}: {}", reply.text());
    }
    for step in ["review", "signature", "check", "decline"] {
        assert_eq!(visitor.page(step).status, 410, "{step}");
    }
}

#[test]
fn pressing_sign_twice_at_once_is_signing_once() {
    let app = TestApp::start();
    let envelope = app.send(&app.draft(&people(1), json!({})));
    let visitor = Visitor::of(&app.url, &envelope, 0);
    visitor.look(&envelope);
    assert_eq!(visitor.adopt("Ana García", "AG").status, 303);
    let html = visitor.page("check").text();
    let cookie: Vec<String> = visitor
        .browser()
        .cookies()
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    let cookie = cookie.join("; ");
    let fields = ["csrf", "once", "consent"].map(|name| (name, input(&html, name)));
    let (url, path) = (app.url.clone(), format!("{}/check", visitor.base));
    let press = || {
        let browser = Client::new(&url).header("Cookie", &cookie);
        let mut all: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        all.push(("agree", "yes"));
        let reply = browser.submit(&path, &all);
        (reply.status, reply.header("location").to_owned())
    };
    let answers: Vec<_> = std::thread::scope(|scope| {
        let presses: Vec<_> = (0..4).map(|_| scope.spawn(press)).collect();
        presses.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for (status, location) in &answers {
        assert_eq!(
            (*status, location.ends_with("/done")),
            (303, true),
            "{answers:?}"
        );
    }
    app.drain();
    let id = envelope["id"].as_str().unwrap();
    let events = app
        .api
        .get(&format!("/api/v1/envelopes/{id}/events"))
        .text();
    assert_eq!(events.matches("recipient.signed").count(), 1, "{events}");
    assert_eq!(status(&app, &envelope), "COMPLETED");
}

#[test]
fn forms_that_are_not_our_own_are_refused() {
    let app = TestApp::start();
    let envelope = sent(&app);
    let foreign = [
        ("Origin", "https://evil.example"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let sibling = [
        ("Sec-Fetch-Site", "same-site"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let gate = Client::new(&app.url).get(link(&envelope, 0)).text();
    let nonce = format!("nonce={}", input(&gate, "nonce"));
    for headers in [foreign, sibling] {
        let open = Client::new(&app.url).send(
            "POST",
            &format!("{}/open", link(&envelope, 0)),
            &headers,
            Some(nonce.as_bytes()),
        );
        assert_eq!((open.status, open.header("set-cookie")), (403, ""));
    }
    assert_eq!(status(&app, &envelope), "SENT");

    let visitor = Visitor::of(&app.url, &envelope, 0);
    let csrf = input(&visitor.page("review").text(), "csrf");
    let good = format!("csrf={csrf}&reason=no&go=check&agree=yes&version=0&once=0&consent=2026-01");
    for step in ["review", "check", "decline"] {
        let path = format!("{}/{step}", visitor.base);
        for headers in [foreign, sibling] {
            let reply = visitor
                .browser()
                .send("POST", &path, &headers, Some(good.as_bytes()));
            assert_eq!(reply.status, 403, "{step}: {}", reply.text());
        }
        for csrf in [
            "",
            "csrf=",
            "csrf=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            let body = format!("{csrf}&reason=no&go=check&agree=yes");
            let reply = visitor
                .browser()
                .send("POST", &path, &foreign[1..], Some(body.as_bytes()));
            assert_eq!(reply.status, 403, "{step} {csrf}");
        }
        assert_eq!(
            Client::new(&app.url)
                .send("POST", &path, &foreign[1..], Some(good.as_bytes()))
                .status,
            403,
            "no session"
        );
    }
    let path = format!("{}/fields/fld_01M86E81E0CDZA4H79V43MW9QG", visitor.base);
    let put = visitor.browser().send(
        "PUT",
        &path,
        &[("Content-Type", "application/json")],
        Some(b"{\"value\":\"x\"}"),
    );
    assert_eq!(put.status, 403);
    app.drain();
    assert_eq!(
        status(&app, &envelope),
        "DELIVERED",
        "opened, and nothing more"
    );
}

#[test]
fn an_idle_session_ends_and_what_was_typed_is_there_in_the_next() {
    let app = TestApp::start();
    let envelope = sent(&app);
    let visitor = Visitor::of(&app.url, &envelope, 0);
    let html = visitor.page("review").text();
    let put = |visitor: &Visitor, html: &str, value: &str| {
        let path = format!(
            "{}/fields/{}",
            visitor.base,
            field_id(html, "City of birth")
        );
        let headers = [
            ("Content-Type", "application/json"),
            ("X-CSRF-Token", &*input(html, "csrf")),
            ("X-Page-Version", &*input(html, "version")),
        ];
        visitor.browser().send(
            "PUT",
            &path,
            &headers,
            Some(json!({"value": value}).to_string().as_bytes()),
        )
    };
    let saved = put(&visitor, &html, "Lyon");
    assert_eq!(saved.expect(200), json!({"saved": "10:30"}));
    assert!(visitor.page("review").text().contains("value=\"Lyon\""));
    app.advance(Duration::from_secs(29 * 60));
    assert_eq!(put(&visitor, &html, "Lyons").status, 200);
    app.advance(Duration::from_secs(29 * 60));
    assert_eq!(visitor.page("review").status, 200, "saving kept it");
    app.advance(Duration::from_secs(31 * 60));
    let ended = visitor.page("review");
    assert_eq!(ended.status, 403);
    assert!(ended.text().contains("are kept."), "{}", ended.text());
    let next = Visitor::of(&app.url, &envelope, 0);
    assert!(next.page("review").text().contains("value=\"Lyons\""));
    for _ in 0..17 {
        app.advance(Duration::from_secs(29 * 60));
        next.page("status");
    }
    assert_eq!(next.page("review").status, 403, "eight hours are enough");
}

#[test]
fn what_is_missing_is_named_and_nothing_is_signed() {
    let app = TestApp::start();
    let envelope = sent(&app);
    let visitor = Visitor::of(&app.url, &envelope, 0);
    let html = visitor.page("review").text();
    let version = input(&html, "version");
    let empty = visitor.submit("review", &[("version", &version), ("go", "check")]);
    assert_eq!(empty.status, 422);
    let html = empty.text();
    for label in ["City of birth", "I have read Annex A", "Signature"] {
        let id = field_id(&html, label);
        assert!(
            html.contains(&format!("href=\"#f-{id}\"")),
            "{label}: {html}"
        );
        assert!(
            attribute(&html, &format!("id=\"f-{id}\""), "aria-describedby")
                .is_some_and(|all| all.contains(&format!("e-{id}"))),
            "{label} has its fault beside it"
        );
    }
    assert_eq!(
        visitor.page("check").header("location"),
        format!("{}/review", visitor.base)
    );
    let long = fill(&visitor, &"a".repeat(2_100));
    assert_eq!(long.status, 422, "the signature is missing still");
    assert_eq!(visitor.adopt("Ana García", "AG").status, 303);
    visitor.look(&envelope);
    assert_eq!(fill(&visitor, &"a".repeat(2_100)).status, 303);
    let signed = visitor.agree();
    assert_eq!(signed.status, 422, "too long for the field");
    assert!(
        signed
            .text()
            .contains(&format!("e-{}", field_id(&signed.text(), "City of birth")))
    );
    assert_eq!(status(&app, &envelope), "DELIVERED");
    assert_eq!(fill(&visitor, "Lyon").status, 303);
    assert_eq!(visitor.agree().status, 303);
}

#[test]
fn nobody_signs_a_document_that_was_not_opened_or_without_agreeing() {
    let app = TestApp::start();
    let first = app.document(&crate::harness::pdf::contract());
    let second = app.document(&crate::harness::pdf::contract());
    let draft = app.draft(&people(1), json!({"documentIds": [first, second]}));
    let envelope = app.send(&draft);
    let visitor = Visitor::of(&app.url, &envelope, 0);
    let image = visitor.page(&format!("documents/{first}/pages/1.png?w=1000"));
    assert_eq!(image.status, 200);
    visitor.adopt("Ana García", "AG");
    let unseen = visitor.agree();
    assert_eq!(unseen.status, 422);
    assert!(unseen.text().contains("contract.pdf"), "{}", unseen.text());
    assert!(
        unseen.text().contains(&format!("#d-{second}")),
        "{}",
        unseen.text()
    );
    visitor.page(&format!("documents/{second}/text"));
    let html = visitor.page("check").text();
    let fields = ["once", "consent"].map(|name| (name, input(&html, name)));
    let unticked: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
    assert_eq!(visitor.submit("check", &unticked).status, 422);
    assert_eq!(status(&app, &envelope), "DELIVERED");
    assert_eq!(visitor.agree().status, 303);
}

#[test]
fn who_signs_signs_what_the_page_showed() {
    let app = TestApp::start();
    let fields = json!([
        field(0, "TEXT", 1, 500, "City of birth"),
        field(0, "CHECKBOX", 1, 540, "I have read Annex A"),
        field(0, "SIGNATURE", 3, 420, "Signature"),
        field(1, "SIGNATURE", 3, 520, "Signature"),
    ]);
    let envelope = app.send(&app.draft(
        &people(2),
        json!({"fields": fields, "signingOrder": "PARALLEL"}),
    ));
    let visitor = Visitor::of(&app.url, &envelope, 0);
    visitor.look(&envelope);
    visitor.adopt("Ana García", "AG");
    assert_eq!(fill(&visitor, "Lyon").status, 303);
    let (review, check) = (visitor.page("review").text(), visitor.page("check").text());
    let press = |html: &str| {
        let fields = ["once", "consent"].map(|name| (name, input(html, name)));
        let mut all: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        all.push(("agree", "yes"));
        visitor.submit("check", &all)
    };
    // In another window the answer becomes another one.
    assert_eq!(fill(&visitor, "Paris").status, 303);
    let stale = press(&check);
    assert_eq!(stale.status, 409, "{}", stale.text());
    assert!(
        stale.text().contains("Something changed")
            && stale.text().contains(&format!("{}/check", visitor.base))
    );
    // That another opens the documents changes nothing on the pages; that he signs does.
    let other = Visitor::of(&app.url, &envelope, 1);
    let same = visitor.submit(
        "review",
        &[("version", &input(&review, "version")), ("go", "later")],
    );
    assert_eq!(same.status, 303);
    other.sign(&envelope, "Ben Okafor");
    let text = format!("field.{}", field_id(&review, "City of birth"));
    let old = visitor.submit(
        "review",
        &[
            ("version", &input(&review, "version")),
            (&text, "Rome"),
            ("go", "check"),
        ],
    );
    assert_eq!(old.status, 409);
    assert!(
        visitor.page("review").text().contains("value=\"Rome\""),
        "what was typed is kept"
    );
    assert_eq!(status(&app, &envelope), "PARTIALLY_SIGNED");
    assert_eq!(press(&visitor.page("check").text()).status, 303);
    app.drain();
    assert_eq!(status(&app, &envelope), "COMPLETED");
}

#[test]
fn without_fields_the_way_goes_over_the_signature_to_the_last_step() {
    let app = TestApp::start();
    let envelope = app.send(&app.draft(&people(1), json!({})));
    let visitor = Visitor::of(&app.url, &envelope, 0);
    let html = visitor.page("review").text();
    assert!(html.contains("Nothing to fill in. Read, then go on."));
    assert!(
        html.contains("Service agreement") && html.contains("class=\"vh page-text\""),
        "screen readers get the words"
    );
    visitor.look(&envelope);
    let next = visitor.submit(
        "review",
        &[("version", &input(&html, "version")), ("go", "check")],
    );
    assert!(
        next.header("location").ends_with("/check"),
        "{}",
        next.text()
    );
    assert!(
        visitor
            .page("check")
            .header("location")
            .ends_with("/signature")
    );
    let adopted = visitor.adopt("Ana García", "AG");
    assert!(
        adopted.header("location").ends_with("/check"),
        "{}",
        adopted.header("location")
    );
    assert_eq!(visitor.agree().status, 303);
    app.drain();
    assert_eq!(status(&app, &envelope), "COMPLETED");
}

#[test]
fn hostile_words_are_words_everywhere() {
    let evil = "\"><script>alert(1)</script>'&{{7*7}}";
    let app = TestApp::start();
    let recipients = json!([{"email": "ana@example.com", "name": evil}, {"email": "ben@example.com", "name": "Ben"}]);
    let fields = json!([
        field(0, "TEXT", 1, 500, evil),
        field(0, "SIGNATURE", 3, 420, evil),
        field(1, "SIGNATURE", 3, 520, evil)
    ]);
    let envelope = app.send(&app.draft(
        &recipients,
        json!({"subject": evil, "message": evil, "fields": fields, "signingOrder": "PARALLEL"}),
    ));
    let gate = Client::new(&app.url).get(link(&envelope, 0));
    let visitor = Visitor::of(&app.url, &envelope, 0);
    let id = {
        let html = visitor.page("review").text();
        let start = html.find("id=\"c-").unwrap() + 6;
        html[start..].split('"').next().unwrap().to_owned()
    };
    let version = input(&visitor.page("review").text(), "version");
    visitor.look(&envelope);
    visitor.submit(
        "review",
        &[
            ("version", &version),
            (&format!("field.{id}"), evil),
            ("go", "stay"),
        ],
    );
    visitor.adopt(evil, "AG");
    let odd = visitor.submit(
        "review",
        &[
            ("version", &version),
            ("go", "signature:x\r\nSet-Cookie: a=b"),
        ],
    );
    assert_eq!(
        odd.header("location"),
        format!("{}/signature", visitor.base)
    );
    let mut pages = vec![("gate", gate)];
    for step in ["review", "signature", "check", "later", "decline"] {
        pages.push((step, visitor.page(step)));
    }
    pages.push((
        "declining",
        visitor.submit("decline", &[("reason", &evil.repeat(20))]),
    ));
    visitor.agree();
    pages.push(("done", visitor.page("done")));
    for (step, page) in pages {
        let html = page.text();
        assert!(
            html.starts_with("<!DOCTYPE html>"),
            "{step}: {} {html}",
            page.status
        );
        assert!(!html.contains("<script>alert"), "{step}: {html}");
        assert_eq!(page.header("content-security-policy"), CSP, "{step}");
        assert_eq!(page.header("cache-control"), "no-store", "{step}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{step}");
    }
    app.drain();
    assert_eq!(status(&app, &envelope), "PARTIALLY_SIGNED");
}

#[test]
fn the_pages_weigh_what_they_may() {
    let app = TestApp::start();
    let envelope = sent(&app);
    let packed = |client: &Client, path: &str| {
        let reply = client.send("GET", path, &[("Accept-Encoding", "gzip")], None);
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("content-encoding"), "gzip", "{path}");
        (reply.body.len(), reply)
    };
    let plain = Client::new(&app.url);
    let gate = plain.get(link(&envelope, 0)).text();
    let linked = |html: &str, ending: &str| -> Vec<String> {
        let mut all: Vec<String> = html
            .split('"')
            .filter(|part| part.contains("/assets/") && part.ends_with(ending))
            .map(str::to_owned)
            .collect();
        all.sort();
        all.dedup();
        all
    };
    let (styles, scripts, icons) = (
        linked(&gate, ".css"),
        linked(&gate, ".js"),
        linked(&gate, ".svg"),
    );
    assert_eq!(
        (styles.len(), scripts.len(), icons.len()),
        (1, 0, 1),
        "the gate is three requests"
    );
    assert!(!gate.contains("<img") && !gate.contains("url("));
    let (page, _) = packed(&plain, link(&envelope, 0));
    let (style, _) = packed(&plain, &styles[0]);
    let icon = plain.get(&icons[0]);
    assert!(icon.header("cache-control").contains("immutable"));
    let whole = page + style + icon.body.len();
    assert!(whole <= 25 * 1024, "the gate: {whole} bytes");
    assert!(style <= 12 * 1024, "the style: {style} bytes");

    let visitor = Visitor::of(&app.url, &envelope, 0);
    let review = visitor.page("review").text();
    let modules = linked(&review, ".js");
    let script: usize = modules.iter().map(|module| packed(&plain, module).0).sum();
    assert!(script <= 25 * 1024, "the scripts: {script} bytes");
    let (html, _) = packed(visitor.browser(), &format!("{}/review", visitor.base));
    assert!(html <= 25 * 1024, "the review: {html} bytes");
    let requests = 2 + modules.len() + linked(&review, ".svg").len();
    assert!(
        requests <= 14,
        "{requests} requests before the first image: {modules:?}"
    );
}
