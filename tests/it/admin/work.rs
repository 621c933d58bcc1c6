//! What administrators do once they are in: keys, outbox, jobs, envelopes.

use super::{EMAIL, act, administrator, csrf, minutes, show_test_data, shows};
use crate::harness::client::Client;
use crate::harness::forms::input;
use crate::harness::sink::{Reply as Told, WebhookSink};
use crate::harness::{Options, TestApp, id, pdf};
use paraph::domain::environment::Environment;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

#[test]
fn a_new_key_is_shown_once_and_works_until_it_is_revoked() {
    let app = TestApp::start();
    let browser = administrator(&app);
    show_test_data(&browser);
    let fields = [
        ("environment", "test"),
        ("name", "HRIS <b>"),
        ("scope", "envelopes:read"),
        ("scope", "documents:read"),
    ];
    let made = act(&browser, "/admin/keys", &fields);
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(made.header("cache-control"), "no-store");
    let html = made.text();
    let after = html.split("id=\"new-key\">").nth(1).expect("the key");
    let key = after.split('<').next().expect("the key").to_owned();
    assert!(key.starts_with("sk_test_"), "{html}");
    assert!(html.contains("HRIS &#60;b&#62;"), "{html}");

    let program = Client::with_key(&app.url, &key);
    program.get("/api/v1/envelopes").expect(200);
    program
        .post("/api/v1/envelopes", &json!({}))
        .expect_error(403, "insufficient_scope");
    let list = shows(&browser, "/admin/keys");
    assert!(!list.contains(&key));
    let last4 = &key[key.len() - 4..];
    assert!(list.contains(&format!("…{last4}")), "{list}");

    let revoke = list
        .split("href=\"")
        .filter_map(|part| part.split('"').next())
        .find(|href| href.ends_with("/revoke"))
        .expect("a link")
        .to_owned();
    let confirm = shows(&browser, &revoke);
    assert!(confirm.contains("HRIS &#60;b&#62;"));
    let wrong = act(&browser, &revoke, &[("name", "HRIS")]);
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("Type the name exactly as shown."));
    program.get("/api/v1/envelopes").expect(200);
    let revoked = act(&browser, &revoke, &[("name", "HRIS <b>")]);
    assert_eq!(
        (revoked.status, revoked.header("location")),
        (303, "/admin/keys")
    );
    program
        .get("/api/v1/envelopes")
        .expect_error(401, "unauthorized");
    assert!(shows(&browser, "/admin/keys").contains("Revoked"));
    assert_eq!(
        browser.get(&revoke).status,
        303,
        "there is nothing left to revoke"
    );
}

#[test]
fn a_key_without_name_or_permission_is_not_made() {
    let app = TestApp::start();
    let browser = administrator(&app);
    let answer = act(
        &browser,
        "/admin/keys",
        &[("environment", "live"), ("name", " ")],
    );
    assert_eq!(answer.status, 422);
    let html = answer.text();
    assert!(
        html.contains("Please choose at least one permission."),
        "{html}"
    );
    let fields = [
        ("environment", "live"),
        ("name", "HRIS"),
        ("scope", "everything"),
    ];
    assert_eq!(act(&browser, "/admin/keys", &fields).status, 422);
    assert_eq!(app.app().keys_of(Environment::Live, 1, 10).unwrap().1, 0);
}

#[test]
fn a_key_belongs_to_the_environment_that_its_form_showed() {
    let app = TestApp::start();
    let browser = administrator(&app);
    show_test_data(&browser);
    let fields = [
        ("environment", "live"),
        ("name", "HRIS"),
        ("scope", "envelopes:read"),
    ];
    let made = act(&browser, "/admin/keys", &fields);
    assert_eq!(made.status, 200);
    assert!(
        made.text().contains("id=\"new-key\">sk_live_"),
        "{}",
        made.text()
    );
    let list = shows(&browser, "/admin/keys");
    assert!(
        list.contains("HRIS") && !list.contains("test-strip"),
        "the pages show that one now"
    );
}

#[test]
fn the_outbox_shows_a_test_invitation_with_its_link_and_only_there() {
    let app = TestApp::start();
    let recipients = json!([{"email": "ana@example.com", "name": "Ana García"}]);
    let sent = app.send(&app.draft(&recipients, json!({})));
    let browser = administrator(&app);
    show_test_data(&browser);
    assert!(shows(&browser, "/admin/outbox").contains("Not written yet"));
    app.drain();
    let list = shows(&browser, "/admin/outbox");
    assert!(
        list.contains("ana@example.com") && list.contains("Captured"),
        "{list}"
    );
    let mail = list
        .split("href=\"/admin/outbox/")
        .nth(1)
        .expect("a mail")
        .split('"')
        .next()
        .expect("its id");
    let path = format!("/admin/outbox/{mail}");
    let page = shows(&browser, &path);
    let link = sent["recipients"][0]["signUrl"].as_str().expect("a link");
    assert!(page.contains(&format!("href=\"{link}\"")), "{page}");
    assert!(
        shows(&browser, link).contains("Service agreement"),
        "it opens the gate"
    );

    assert_eq!(
        act(&browser, "/admin/environment", &[("environment", "live")]).status,
        303
    );
    assert!(shows(&browser, "/admin/outbox").contains("No mail here."));
    let elsewhere = browser.get(&path);
    assert_eq!(elsewhere.status, 404);
    assert!(
        elsewhere.text().contains(EMAIL),
        "the page keeps its navigation"
    );
}

#[test]
fn a_webhook_that_was_given_up_is_listed_and_retried() {
    let app = TestApp::start();
    let sink = WebhookSink::start();
    sink.answer(Told::status(500));
    let hook = json!({"url": sink.url(), "events": ["envelope.sent"]});
    let hook = app.api.post("/api/v1/webhooks", &hook).expect(201);
    app.send(&app.draft(&json!([{"email": "ana@example.com"}]), json!({})));
    for _ in 0..8 {
        app.drain();
        app.advance(minutes(8 * 60));
    }
    let tried = sink.received().len();
    assert_eq!(tried, 6);

    let browser = administrator(&app);
    let list = shows(&browser, "/admin/jobs");
    for part in [
        "Deliver webhook",
        "The endpoint answered 500.",
        id(&hook),
        "class=\"count\">1<",
    ] {
        assert!(list.contains(part), "{part} in {list}");
    }
    let (queue, job) = (input(&list, "queue"), input(&list, "id"));
    sink.answer(Told::status(200));
    let fields = [("queue", queue.as_str()), ("id", job.as_str())];
    let retried = act(&browser, "/admin/jobs/retry", &fields);
    assert_eq!(
        (retried.status, retried.header("location")),
        (303, "/admin/jobs")
    );
    app.drain();
    let received = sink.received();
    assert_eq!(received.len(), tried + 1);
    let ids: Vec<_> = received
        .iter()
        .map(|r| r.header("webhook-id").to_owned())
        .collect();
    assert!(
        ids.iter().all(|id| *id == ids[0]),
        "the same event: {ids:?}"
    );
    let list = shows(&browser, "/admin/jobs");
    assert!(
        list.contains("No job has failed.") && !list.contains("class=\"count\""),
        "{list}"
    );
    assert_eq!(
        act(&browser, "/admin/jobs/retry", &fields).status,
        404,
        "it has not failed any more"
    );
}

#[test]
fn every_failed_job_is_on_some_page() {
    let app = TestApp::with(Options {
        ask_at_end: false,
        ..Options::default()
    });
    let sink = WebhookSink::start();
    sink.answer(Told::status(410));
    // An endpoint that is gone is given up with its first answer, and then it is off: one for each failure.
    for n in 0..60 {
        let hook = json!({"url": format!("{}/{n}", sink.url()), "events": ["envelope.sent"]});
        app.api.post("/api/v1/webhooks", &hook).expect(201);
    }
    app.send(&app.draft(&json!([{"email": "ana@example.com"}]), json!({})));
    app.drain();
    let browser = administrator(&app);
    let first = shows(&browser, "/admin/jobs");
    assert!(first.contains("class=\"count\">60<"), "{first}");
    assert!(!first.contains("Newer"));
    let second = shows(&browser, "/admin/jobs?page=2");
    assert!(second.contains("Newer") && !second.contains("Older"));
    let ids = |page: &str| -> BTreeSet<String> {
        let parts = page.split("name=\"id\" value=\"").skip(1);
        parts
            .map(|part| part.split('"').next().unwrap_or_default().to_owned())
            .collect()
    };
    let (on_first, on_second) = (ids(&first), ids(&second));
    assert_eq!((on_first.len(), on_second.len()), (50, 10));
    assert!(on_first.is_disjoint(&on_second));
    assert!(first.contains("href=\"/admin/jobs?page=2\""), "{first}");
}

#[test]
fn envelopes_are_listed_by_status_and_page_in_the_environment_shown() {
    let app = TestApp::start();
    let document = app.document(&pdf::contract());
    for n in 1..=51 {
        // Newest first: by the moment of making.
        app.advance(Duration::from_millis(1));
        let body = json!({
            "subject": format!("Agreement no. {n}!"),
            "documentIds": [document],
            "recipients": [{"email": "ana@example.com"}],
        });
        app.api.post("/api/v1/envelopes", &body).expect(201);
    }
    app.advance(Duration::from_millis(1));
    let sent = app.send(&app.draft(&json!([{"email": "ana@example.com"}]), json!({})));
    let browser = administrator(&app);
    assert!(shows(&browser, "/admin/envelopes").contains("There is no envelope yet."));

    let csrf = csrf(&browser);
    let body = format!("csrf={csrf}&environment=test");
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        (
            "Referer",
            &format!("{}/admin/outbox/mail_1?page=2", app.url),
        ),
    ];
    let switched = browser.send(
        "POST",
        "/admin/environment",
        &headers,
        Some(body.as_bytes()),
    );
    assert_eq!(
        (switched.status, switched.header("location")),
        (303, "/admin/outbox"),
        "back where it was pressed"
    );

    let first = shows(&browser, "/admin/envelopes");
    assert!(first.contains("test-strip"));
    assert!(
        first.contains(id(&sent)) && first.contains("0 of 1"),
        "{first}"
    );
    assert!(first.contains("Agreement no. 51!") && !first.contains("Agreement no. 2!"));
    assert!(first.contains("href=\"/admin/envelopes?page=2\"") && !first.contains("rel=\"prev\""));
    let second = shows(&browser, "/admin/envelopes?page=2");
    assert!(second.contains("Agreement no. 1!") && second.contains("Agreement no. 2!"));
    assert!(
        second.contains("href=\"/admin/envelopes?page=1\"") && !second.contains("rel=\"next\"")
    );

    let drafts = shows(&browser, "/admin/envelopes?status=DRAFT");
    assert!(!drafts.contains(id(&sent)), "{drafts}");
    assert!(
        drafts.contains("?status=DRAFT&#38;page=2") || drafts.contains("?status=DRAFT&amp;page=2"),
        "{drafts}"
    );
    let waiting = shows(&browser, "/admin/envelopes?status=SENT&page=");
    assert!(
        waiting.contains(id(&sent)) && !waiting.contains("Agreement no."),
        "{waiting}"
    );
    for nothing in [
        "?status=LOST",
        "?page=0",
        "?page=201",
        "?page=x",
        "?page=%zz",
    ] {
        assert_eq!(
            browser.get(&format!("/admin/envelopes{nothing}")).status,
            404,
            "{nothing}"
        );
    }
}
