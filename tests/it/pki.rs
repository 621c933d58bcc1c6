//! The appliance's own authority: what it publishes, and what a wrong clock does to it.

use crate::envelopes::pki_addresses;
use crate::harness::client::Client;
use crate::harness::forms::Visitor;
use crate::harness::{TestApp, id};
use paraph::ambient::Clock as _;
use paraph::domain::time::Timestamp;
use paraph::pki::certificate::Certificate;
use paraph::pki::revocation::{RevocationError, Status, status};
use serde_json::{Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

fn completed(app: &TestApp) -> Value {
    let people = json!([{"email": "ana@example.com", "name": "Ana García"}]);
    let envelope = app.send(&app.draft(&people, json!({})));
    Visitor::of(&app.url, &envelope, 0).sign(&envelope, "Ana García");
    app.drain();
    assert_eq!(app.envelope(&envelope)["status"], "COMPLETED");
    envelope
}

/// The list and the root that a sealed file points to.
fn published(app: &TestApp, sealed: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let stranger = Client::new(&app.url);
    let addresses = pki_addresses(sealed);
    let get = |ending: &str| {
        let address = addresses
            .iter()
            .find(|a| a.ends_with(ending))
            .expect("an address");
        let reply = stranger.get(address);
        assert_eq!(reply.status, 200, "{address}");
        reply.body
    };
    (get(".crl"), get(".cer"))
}

fn this_update(list: &[u8], root: &[u8]) -> Timestamp {
    match status(root, root, list, Timestamp::from_seconds(0)) {
        Err(RevocationError::NotCurrent { from, .. }) => from,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_published_list_is_stored_made_daily_and_never_older_than_a_certificate() {
    let app = TestApp::start();
    let envelope = completed(&app);
    let sealed = app.signed_document(&envelope).body;
    let (list, root) = published(&app, &sealed);
    assert_eq!(
        published(&app, &sealed).0,
        list,
        "the same bytes for all who ask"
    );
    let issued = this_update(&list, &root);
    assert!(issued <= app.clock.now());
    let seal = app
        .app()
        .sealer(paraph::domain::environment::Environment::Test)
        .expect("a seal");
    let seal = paraph::pki::Signer::certificate(&seal.signer);
    let not_before = Certificate::parse(seal).expect("a certificate").not_before;
    assert!(issued >= not_before, "{issued} is before {not_before}");
    assert_eq!(
        status(seal, &root, &list, app.clock.now()),
        Ok(Status::Good)
    );

    app.advance(DAY / 2);
    app.app().tidy().expect("the housekeeper");
    assert_eq!(published(&app, &sealed).0, list, "once a day is enough");
    app.advance(DAY / 2);
    app.app().tidy().expect("the housekeeper");
    let (newer, _) = published(&app, &sealed);
    assert_eq!(
        this_update(&newer, &root).as_seconds(),
        app.clock.now().as_seconds()
    );
    assert_eq!(
        status(seal, &root, &newer, app.clock.now()),
        Ok(Status::Good)
    );
}

#[test]
fn the_seal_goes_on_when_a_wrong_clock_is_corrected() {
    let app = TestApp::start();
    let now = app.clock.now();
    completed(&app);
    for wrong in [now.minus(2 * DAY), now.plus(19 * 365 * DAY)] {
        app.clock.set(wrong);
        let people = json!([{"email": "ana@example.com", "name": "Ana García"}]);
        let envelope = app.draft(&people, json!({}));
        let sent = app
            .api
            .post_nothing(&format!("/api/v1/envelopes/{}/send", id(&envelope)));
        assert_eq!(sent.status, 200, "at {wrong}: {}", sent.text());
        app.clock.set(now.plus(Duration::from_secs(60)));
        completed(&app);
    }
}
