//! Where strangers find what the tests sealed: the folder `PARAPH_SEALED_DIR`, which one program judges when all tests are done
//! (`tests/drills/judge.py`). Nothing is written where it is not set.
//!
//! Each file lies beside the root that it is trusted by, `NAME.pdf` and `NAME.root.pem`; what it was sealed from, if it is a
//! stranger's document, lies in the subfolder `originals`.

use crate::envelopes::pki_addresses;
use paraph::app::App;
use paraph::domain::envelope::State;
use paraph::domain::environment::Environment;
use paraph::domain::origin::Origin;
use paraph::domain::scope::Scopes;
use paraph::domain::secret::ApiKey;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// Ended envelopes of one environment that one test leaves there, the newest first.
const ENVELOPES_MAX: u32 = 50;

static KEPT: AtomicU64 = AtomicU64::new(1);

fn folder() -> Option<PathBuf> {
    std::env::var_os("PARAPH_SEALED_DIR").map(PathBuf::from)
}

/// Leaves one sealed file there. Its name tells the test that sealed it, and `what` it is.
pub fn keep(what: &str, sealed: &[u8], root_pem: &str, original: Option<&[u8]>) {
    let Some(folder) = folder() else { return };
    let test = std::thread::current()
        .name()
        .unwrap_or("a-thread")
        .replace("::", "-");
    let number = KEPT.fetch_add(1, Ordering::SeqCst);
    let name = format!("it-{test}-{number}-{what}");
    let originals = folder.join("originals");
    std::fs::create_dir_all(&originals).expect("a folder");
    if let Some(original) = original {
        std::fs::write(originals.join(format!("{name}.pdf")), original).expect("a file");
    }
    std::fs::write(folder.join(format!("{name}.root.pem")), root_pem).expect("a file");
    std::fs::write(folder.join(format!("{name}.pdf")), sealed).expect("a file");
}

/// Leaves there whatever an appliance has sealed: the documents of its completed envelopes and the trails of all that ended.
/// Asked without HTTP, so that no limit of a test stands in the way.
pub fn keep_all(app: &App) {
    if folder().is_none() {
        return;
    }
    for environment in Environment::ALL {
        keep_environment(app, environment);
    }
}

fn keep_environment(app: &App, environment: Environment) {
    let origin = Origin::operator();
    let key = app
        .create_key_for(environment, "strangers", Some(Scopes::all()), &origin)
        .expect("a key");
    let key = ApiKey::parse(&key.secret).expect("a key");
    let (caller, _) = app
        .authenticate(&key, &origin)
        .expect("a look-up")
        .expect("a key that is known");
    let (envelopes, _) = app
        .list_envelopes(&caller, None, 1, ENVELOPES_MAX)
        .expect("the envelopes");
    for shown in envelopes {
        let envelope = shown.envelope;
        if envelope.sent_at.is_none() || !envelope.state.has_ended() {
            continue;
        }
        let id = envelope.id.to_string();
        let trail = app.audit_trail(&caller, &id).expect("the trail");
        let trail = all(trail.content);
        keep("trail", &trail, &root_of(app, &trail), None);
        if !matches!(envelope.state, State::Completed { .. }) {
            continue;
        }
        for document in &shown.documents {
            let document = document.id.to_string();
            let sealed = app
                .signed_document(&caller, &id, Some(&document))
                .expect("the sealed document");
            let original = app
                .document_content(&caller, &document)
                .expect("the document");
            let (sealed, original) = (all(sealed.content), all(original.content));
            keep("signed", &sealed, &root_of(app, &sealed), Some(&original));
        }
    }
}

/// The root that the appliance publishes at the address in the seal's certificate: after a clock was wrong files of one test may stand
/// under several.
fn root_of(app: &App, sealed: &[u8]) -> String {
    let addresses = pki_addresses(sealed);
    let address = addresses.iter().find(|a| a.ends_with(".cer"));
    let name = address
        .and_then(|address| address.strip_suffix(".cer"))
        .and_then(|stem| stem.rsplit('/').next())
        .expect("an issuer's address");
    let root = app.pki_file(&format!("{name}.pem")).expect("the root");
    String::from_utf8(root.bytes).expect("PEM")
}

fn all(mut content: Box<dyn std::io::Read + Send>) -> Vec<u8> {
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes).expect("a stored file");
    bytes
}
