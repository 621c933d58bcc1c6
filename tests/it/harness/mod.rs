//! The real composition on port 0, with time, chance and receivers in the test's hands.
//!
//! No job thread runs: [`TestApp::drain`] does what is due, [`TestApp::advance`] makes things due. At its end every test is asked
//! the same: the chains verify and replay to the rows, every file is there and every one is known, no job is lost or has failed.

#![allow(
    dead_code,
    reason = "a helper may serve a test that another tool or feature leaves out"
)]

pub mod chromium;
pub mod client;
pub mod forms;
pub mod odd;
pub mod pdf;
pub mod sealed;
pub mod sink;

use client::{Client, Reply};
use paraph::ambient::{CountedEntropy, ManualClock};
use paraph::app::{App, Organisation, Settings};
use paraph::domain::environment::Environment;
use paraph::domain::network::Network;
use paraph::domain::origin::Origin;
use paraph::domain::scope::Scopes;
use paraph::domain::secret::MasterKey;
use paraph::domain::time::Timestamp;
use paraph::http::body::Patience;
use paraph::http::limits::LimitSettings;
use paraph::i18n::{Locale, Zone};
use paraph::outbound::{Guard, HttpPost, Mailbox, Smtp, SmtpSettings, SmtpTls};
use paraph::server::{Running, Setup, WebSettings, start};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How a test's appliance differs from the usual one.
pub struct Options {
    /// Port of a mail server on 127.0.0.1; `None` captures mail.
    pub smtp_port: Option<u16>,
    /// Networks that webhooks may reach beside the public ones.
    pub allowed_networks: Vec<Network>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Who may see the administrators' pages; empty: everybody.
    pub admin_allow_from: Vec<Network>,
    /// Bytes of an upload.
    pub upload_bytes_max: u64,
    /// With less room than this on the disk uploads are refused.
    pub free_space_bytes_min: u64,
    /// Whether signers without fields are refused.
    pub require_fields: bool,
    /// How slowly bodies may come.
    pub patience: Patience,
    /// Numbers of the limiters.
    pub limits: LimitSettings,
    /// What does strangers' bytes; the tests' own executable where nothing is said.
    pub worker: PathBuf,
    /// Whether the usual last questions are asked.
    pub ask_at_end: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            smtp_port: None,
            allowed_networks: vec![Network::v4(127, 0, 0, 0, 8)],
            trusted_proxies: Vec::new(),
            admin_allow_from: Vec::new(),
            upload_bytes_max: 5_000_000,
            free_space_bytes_min: 0,
            require_fields: false,
            patience: Patience::default(),
            limits: LimitSettings {
                requests_per_minute: 60_000,
                burst: 60_000,
                unauthenticated_per_minute: 20,
                session_per_minute: 1_200,
            },
            worker: PathBuf::from(env!("CARGO_BIN_EXE_paraph")),
            ask_at_end: true,
        }
    }
}

/// A running appliance of one test.
pub struct TestApp {
    running: Option<Running>,
    /// Its time.
    pub clock: Arc<ManualClock>,
    /// Where it listens: `http://127.0.0.1:port`.
    pub url: String,
    /// With a test key that may do everything.
    pub api: Client,
    /// That key.
    pub key: String,
    folder: Folder,
    ask_at_end: bool,
}

static STARTED: AtomicU64 = AtomicU64::new(1);

impl TestApp {
    /// The usual one.
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    /// A special one.
    pub fn with(options: Options) -> Self {
        let clock = Arc::new(ManualClock::at(
            Timestamp::parse("2026-11-24T09:30:00Z").expect("a moment"),
        ));
        Self::on(Folder::new(), clock, options)
    }

    fn on(folder: Folder, clock: Arc<ManualClock>, options: Options) -> Self {
        let seed = STARTED.fetch_add(1, Ordering::SeqCst) << 32;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let url = format!("http://{address}");
        let guard = Guard::new(options.allowed_networks.clone());
        let mail = options.smtp_port.map(|port| {
            let address = "no-reply@acme.example".parse().expect("an address");
            Smtp::new(SmtpSettings {
                host: "127.0.0.1".to_owned(),
                port,
                tls: SmtpTls::None,
                login: None,
                from: Mailbox {
                    name: Some("Acme".to_owned()),
                    address,
                },
                extra_roots: Vec::new(),
            })
            .expect("a mail transport")
        });
        let setup = Setup {
            data_dir: folder.path().to_owned(),
            master_key: MasterKey::from_bytes([7; 32]),
            settings: settings(&url, &options),
            worker_executable: options.worker.clone(),
            clock: clock.clone(),
            entropy: Arc::new(CountedEntropy::from_seed(seed)),
            post: Arc::new(HttpPost::new(guard.clone(), &[])),
            guard,
            mail,
        };
        let web = WebSettings {
            listeners: listener.into(),
            limits: options.limits,
            patience: options.patience,
            trusted_proxies: options.trusted_proxies,
            admin_allow_from: options.admin_allow_from,
            uploads_at_once_max: 8,
            connections_max: 1_000,
            threads: 1,
        };
        let running = start(setup, web, false).expect("the appliance starts");
        let key = running
            .app
            .create_key_for(
                Environment::Test,
                "everything",
                Some(Scopes::all()),
                &Origin::operator(),
            )
            .expect("a key")
            .secret;
        let api = Client::with_key(&url, &key);
        Self {
            running: Some(running),
            clock,
            url,
            api,
            key,
            folder,
            ask_at_end: options.ask_at_end,
        }
    }

    /// The use cases.
    pub fn app(&self) -> &Arc<App> {
        &self.running.as_ref().expect("a running appliance").app
    }

    /// Where it keeps everything.
    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// A client with a new key of that environment and these scopes.
    pub fn client(&self, environment: Environment, scopes: Scopes) -> Client {
        let key =
            self.app()
                .create_key_for(environment, "of a test", Some(scopes), &Origin::operator());
        Client::with_key(&self.url, &key.expect("a key").secret)
    }

    /// Does all that is due, in every queue, until nothing is.
    pub fn drain(&self) {
        let app = self.app();
        for _ in 0..1_000 {
            let mut worked = false;
            worked |= app.timing_next().expect("timers");
            worked |= app.sealing_next().expect("seals");
            worked |= app.mailing_next().expect("mail");
            worked |= app.delivering_next().expect("webhooks");
            if !worked {
                return;
            }
        }
        panic!("the queues never came to rest");
    }

    /// Now, as the API writes it.
    pub fn now(&self) -> String {
        self.app().time().to_string()
    }

    /// Looks into the database, or has a hand in it, beside the appliance.
    pub fn db<T>(&self, work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>) -> T {
        db(self.data_dir(), work)
    }

    /// The files of the vault, by environment and digest.
    pub fn vault_files(&self) -> BTreeSet<String> {
        vault_files(self.data_dir())
    }

    /// Lets time pass.
    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Uploads a PDF and gives its id.
    pub fn document(&self, bytes: &[u8]) -> String {
        let body = self
            .api
            .upload("/api/v1/documents", "contract.pdf", bytes)
            .expect(201);
        body["id"].as_str().expect("an id").to_owned()
    }

    /// Makes a draft on one sample document, with these recipients and whatever else `more` says.
    pub fn draft(&self, recipients: &Value, more: Value) -> Value {
        let document = self.document(&pdf::contract());
        let mut body = json!({"subject": "Service agreement", "documentIds": [document], "recipients": recipients});
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        self.api.post("/api/v1/envelopes", &body).expect(201)
    }

    /// Sends a draft and gives the answer.
    pub fn send(&self, envelope: &Value) -> Value {
        self.api
            .post_nothing(&format!("/api/v1/envelopes/{}/send", id(envelope)))
            .expect(200)
    }

    /// The envelope as it is now.
    pub fn envelope(&self, envelope: &Value) -> Value {
        self.api
            .get(&format!("/api/v1/envelopes/{}", id(envelope)))
            .expect(200)
    }

    /// The sealed document's bytes.
    pub fn signed_document(&self, envelope: &Value) -> Reply {
        let reply = self.api.get(&format!(
            "/api/v1/envelopes/{}/signed-document",
            id(envelope)
        ));
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply
    }

    /// Stops the appliance and starts it again on the same data; time goes on from where it was.
    pub fn restart(mut self, options: Options) -> Self {
        if let Some(running) = self.running.take() {
            running.stop();
        }
        self.ask_at_end = false;
        let folder = std::mem::replace(&mut self.folder, Folder::nowhere());
        Self::on(folder, self.clock.clone(), options)
    }
}

/// An object's id.
pub fn id(object: &Value) -> &str {
    object["id"].as_str().expect("an id")
}

/// The names of the events in an envelope's trail, oldest first.
pub fn trail_events(app: &TestApp, envelope: &Value) -> Vec<String> {
    let path = format!("/api/v1/envelopes/{}/audit-trail?format=json", id(envelope));
    let trail = app.api.get(&path).expect(200);
    let entries = trail["entries"].as_array().expect("entries");
    let name = |entry: &Value| {
        let body = entry["body"].as_str().expect("a body");
        let body: Value = serde_json::from_str(body).expect("JSON");
        body["event"]["name"].as_str().expect("a name").to_owned()
    };
    entries.iter().map(name).collect()
}

fn db<T>(data_dir: &Path, work: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>) -> T {
    let db = rusqlite::Connection::open(data_dir.join("paraph.db")).expect("the database");
    db.busy_timeout(Duration::from_secs(10))
        .expect("a database");
    work(&db).expect("a statement")
}

fn vault_files(data_dir: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for environment in ["live", "test"] {
        let folders = std::fs::read_dir(data_dir.join("vault").join(environment));
        for folder in folders.into_iter().flatten() {
            for file in std::fs::read_dir(folder.expect("an entry").path()).expect("a folder") {
                let name = file.expect("an entry").file_name();
                found.insert(format!("{environment} {}", name.to_string_lossy()));
            }
        }
    }
    found
}

/// What must be true of every appliance that was stopped in order: nothing is half done, nothing lies about.
fn ask_the_folder(data_dir: &Path) {
    let names = |sql: &str| -> BTreeSet<String> {
        db(data_dir, |db| {
            db.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
        })
    };
    let intents = names("SELECT environment || ' ' || lower(hex(digest)) FROM intent");
    assert!(
        intents.is_empty(),
        "files on their way to no row: {intents:?}"
    );
    let known = names(
        "SELECT environment || ' ' || lower(hex(digest)) FROM file_use
         UNION SELECT environment || ' ' || lower(hex(digest)) FROM file_orphan",
    );
    let lost: Vec<_> = vault_files(data_dir).difference(&known).cloned().collect();
    assert!(lost.is_empty(), "files that nothing knows: {lost:?}");
    let without_seal = names(
        "SELECT id FROM envelope e WHERE phase IN ('sealing', 'parked') AND NOT EXISTS (
             SELECT 1 FROM job j WHERE j.envelope_id = e.id AND j.lane = 'seal' AND j.state IN ('READY', 'LEASED'))",
    );
    assert!(
        without_seal.is_empty(),
        "seals without a job: {without_seal:?}"
    );
    let without_end = names(
        "SELECT id FROM envelope e WHERE phase = 'open' AND NOT EXISTS (
             SELECT 1 FROM job j WHERE j.envelope_id = e.id AND j.lane = 'expire' AND j.state IN ('READY', 'LEASED'))",
    );
    assert!(
        without_end.is_empty(),
        "deadlines without a job: {without_end:?}"
    );
    let without_trail = names(
        "SELECT id FROM envelope e WHERE ended_at IS NOT NULL AND sent_at IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM job j WHERE j.envelope_id = e.id AND j.lane = 'trail' AND j.state IN ('READY', 'LEASED'))
         AND NOT EXISTS (SELECT 1 FROM trail t WHERE t.envelope_id = e.id)",
    );
    assert!(
        without_trail.is_empty(),
        "endings without a trail: {without_trail:?}"
    );
    let drafts = names(
        "SELECT d.recipient_id FROM draft d JOIN recipient r ON r.id = d.recipient_id
         JOIN envelope e ON e.environment = r.environment AND e.id = r.envelope_id WHERE e.ended_at IS NOT NULL",
    );
    assert!(
        drafts.is_empty(),
        "drafts of envelopes that have ended: {drafts:?}"
    );
}

fn settings(url: &str, options: &Options) -> Settings {
    Settings {
        public_url: url.to_owned(),
        organisation: Organisation {
            name: "Acme Corporation".to_owned(),
            country: Some("NL".to_owned()),
            contact: Some("hr@acme.example".to_owned()),
            time_zone: Zone::new("Europe/Amsterdam").expect("a zone"),
            locale: Locale::En,
        },
        upload_bytes_max: options.upload_bytes_max,
        pages_max: 2_000,
        free_space_bytes_min: options.free_space_bytes_min,
        envelope_expires_after: Duration::from_secs(90 * 86_400),
        require_fields: options.require_fields,
        signing_session_idle: Duration::from_secs(30 * 60),
        signing_session_ttl: Duration::from_secs(8 * 3_600),
        admin_session_idle: Duration::from_secs(15 * 60),
        admin_session_ttl: Duration::from_secs(8 * 3_600),
        webhooks_in_flight_max: 64,
        font_fallback: Vec::new(),
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        let asks = self.ask_at_end && !std::thread::panicking();
        if asks {
            let report = running.app.verify_all(&mut |_, _| {}).expect("the audit");
            assert!(
                report.faults.is_empty(),
                "the trail, the rows or the files differ: {:?}",
                report.faults
            );
            let failed = running.app.failed_work(1, 10).expect("the queues").0;
            let failed: Vec<_> = failed
                .iter()
                .map(|f| (f.queue, &f.work.last_error))
                .collect();
            assert!(failed.is_empty(), "jobs failed: {failed:?}");
            sealed::keep_all(&running.app);
        }
        running.stop();
        if asks {
            ask_the_folder(self.folder.path());
        }
    }
}

/// A folder of one test, gone with it.
struct Folder(Option<PathBuf>);

impl Folder {
    fn new() -> Self {
        let name = format!(
            "paraph-test-{}-{}",
            std::process::id(),
            STARTED.fetch_add(1, Ordering::SeqCst)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(Some(path))
    }

    fn nowhere() -> Self {
        Self(None)
    }

    fn path(&self) -> &Path {
        self.0.as_deref().expect("a folder")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = std::fs::remove_dir_all(path);
        }
    }
}
