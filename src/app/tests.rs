//! An appliance without its web side and without a worker that does anything, for tests of single use cases.

use super::*;
use crate::ambient::{CountedEntropy, ManualClock};
use crate::domain::definition::{Intake, Request};
use crate::domain::digest::Digest;
use crate::domain::envelope::Envelope;
use crate::domain::environment::Environment;
use crate::domain::ids::{DocumentId, EnvelopeId, WebhookId};
use crate::domain::origin::Origin;
use crate::domain::secret::MasterKey;
use crate::i18n::{Locale, Zone};
use crate::outbound::{Failure, Reply, Target};
use crate::store::{Document, Webhook};
use crate::worker::Limits;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

pub(super) struct Appliance {
    pub(super) app: Arc<App>,
    pub(super) clock: Arc<ManualClock>,
    folder: PathBuf,
}

impl Drop for Appliance {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A receiver at which this program breaks.
struct Breaking;

impl Post for Breaking {
    fn post(&self, _: &Target, _: &[(&str, &str)], _: &[u8]) -> Result<Reply, Failure> {
        panic!("on purpose")
    }
}

pub(super) fn appliance() -> Appliance {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("paraph-app-{}-{n}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let start = Timestamp::parse("2026-11-24T09:30:00Z").expect("a moment");
    let clock = Arc::new(ManualClock::at(start));
    let entropy = Arc::new(CountedEntropy::from_seed(n << 32));
    let store = Store::open(&folder.join("paraph.db"), clock.clone(), entropy.clone());
    let app = App::new(Parts {
        store: store.expect("a store"),
        vault: Vault::open(&folder).expect("a vault"),
        worker: Worker::new(
            PathBuf::from("/bin/false"),
            Vec::new(),
            Limits::new(1, 1_000_000),
        ),
        keyring: Keyring::new(&MasterKey::from_bytes([7; 32])),
        fonts: Arc::new(Fonts::new(Vec::new(), Vec::new()).expect("fonts")),
        post: Arc::new(Breaking),
        guard: Guard::new(Vec::new()),
        mail: None,
        clock: clock.clone(),
        entropy,
        settings: Settings {
            public_url: "http://127.0.0.1:8080".to_owned(),
            organisation: Organisation {
                name: "Acme".to_owned(),
                country: None,
                contact: None,
                time_zone: Zone::new("UTC").expect("a zone"),
                locale: Locale::En,
            },
            upload_bytes_max: 1_000_000,
            pages_max: 100,
            free_space_bytes_min: 0,
            envelope_expires_after: Duration::from_secs(86_400),
            require_fields: false,
            signing_session_idle: Duration::from_secs(60),
            signing_session_ttl: Duration::from_secs(60),
            admin_session_idle: Duration::from_secs(60),
            admin_session_ttl: Duration::from_secs(60),
            webhooks_in_flight_max: 4,
            font_fallback: Vec::new(),
        },
    });
    Appliance {
        app: app.expect("an appliance"),
        clock,
        folder,
    }
}

#[test]
fn a_delivery_that_breaks_its_thread_is_an_attempt_that_failed() {
    let appliance = appliance();
    let app = &appliance.app;
    let workspace = app.workspace_id();
    let secret = crate::domain::secret::WebhookSecret::from_bytes([5; 32]);
    let id = WebhookId::new(app.now(), [1; 10]);
    let sealed = app.keyring.storage().seal(
        app.random(),
        id.to_string().as_bytes(),
        secret.expose().as_bytes(),
    );
    app.store
        .write::<_, Error>(move |tx| {
            tx.insert_webhook(&Webhook {
                id,
                environment: Environment::Test,
                url: "http://127.0.0.1:9999/".to_owned(),
                events: vec![crate::domain::event::EventName::EnvelopeCreated],
                is_active: true,
                secret: sealed,
                created_at: tx.now(),
                failing_since: None,
            })?;
            let document = Document {
                id: tx.new_id(DocumentId::new),
                environment: Environment::Test,
                name: "a.pdf".to_owned(),
                mime: "application/pdf".to_owned(),
                size: 1,
                sha256: Digest::of(b"a"),
                pages: Vec::new(),
                warnings: Vec::new(),
                created_at: tx.now(),
            };
            tx.insert_document(&document)?;
            let body = json!({
                "subject": "Agreement", "documentIds": [document.id], "recipients": [{"email": "ana@example.com"}],
            });
            let mut random = || tx.random();
            let mut intake = Intake {
                now: tx.now(),
                random: &mut random,
                workspace,
            };
            let request = Request::read(body, &mut intake).expect("a definition");
            let envelope = tx.new_id(EnvelopeId::new);
            let events = Envelope::create(envelope, Environment::Test, request.definition);
            tx.create(events, &Origin::system())?;
            Ok(())
        })
        .expect("written");
    assert!(app.delivering_next().expect("recorded"));
    assert!(!app.delivering_next().expect("not at once"));
    let waiting = app.store.read::<_, Error>(|tx| {
        Ok(tx.work_in(
            crate::store::Queue::Delivery,
            WorkState::Ready,
            crate::store::Window::page(1, 9),
        )?)
    });
    let waiting = waiting.expect("read");
    assert!(
        waiting[0]
            .last_error
            .as_deref()
            .is_some_and(|e| e.contains("on purpose")),
        "{waiting:?}"
    );
}
