//! `paraph demo [FILE.pdf] [--sign]`: the whole chain on an appliance of its own, through the real HTTP API and the real pages.

mod receiver;
mod signer;

use super::appliance::{setup_for, told};
use super::contract::{SIGNATURE_PLACES, sample};
use super::serve::web_settings;
use super::{Context, Exit};
use crate::config::Sources;
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::network::Network;
use crate::domain::origin::Origin;
use crate::domain::secret::WebhookSecret;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{body_signature, timed_signature};
use crate::pdf::check::{Expected, check};
use crate::server::{Running, start};
use receiver::{Heard, Receiver};
use serde_json::{Value, json};
use signer::Browser;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the demo leaves what it made.
const FOLDER: &str = "paraph-demo";
/// How long the seal and the webhook may take once both have signed.
const COMPLETION_TIMEOUT: Duration = Duration::from_secs(40);
/// How long a person may take.
const PERSON_TIMEOUT: Duration = Duration::from_secs(24 * 3600);
/// The two signers, in their order.
const SIGNERS: [(&str, &str); 2] = [
    ("client@example.com", "Marie Dubois"),
    ("contractor@example.com", "Jan de Vries"),
];

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A PDF of your own instead of the sample contract
    file: Option<PathBuf>,
    /// Sign for both through the same pages, instead of waiting for a person in a browser
    #[arg(long)]
    sign: bool,
}

type Step<T> = Result<T, String>;

pub(super) fn run(context: &mut Context, arguments: &Arguments) -> Exit {
    match show(context, arguments) {
        Ok(Shown::Whole) => Exit::Good,
        Ok(Shown::Stopped) => {
            context.out.line("stopped; the demo's data is gone");
            Exit::Good
        }
        Err(why) => {
            context.out.failure(&format!("the demo failed: {why}"));
            Exit::Failed
        }
    }
}

/// The appliance of the demo; its data goes with it.
struct Appliance {
    running: Option<Running>,
    data: PathBuf,
    url: String,
    key: String,
}

impl Drop for Appliance {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// How far it was shown.
enum Shown {
    Whole,
    Stopped,
}

fn show(context: &mut Context, arguments: &Arguments) -> Step<Shown> {
    let (name, bytes) = match &arguments.file {
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
            let name = path.file_name().map_or_else(
                || "document.pdf".to_owned(),
                |n| n.to_string_lossy().into_owned(),
            );
            (name, bytes)
        }
        None => ("service-agreement.pdf".to_owned(), sample()),
    };
    // First: whoever stops the demo from here on has its data removed.
    let receiver = Receiver::start().map_err(|e| format!("the webhook receiver: {e}"))?;
    let appliance = begin(context)?;
    let api = Api {
        url: appliance.url.clone(),
        key: appliance.key.clone(),
        agent: agent(),
    };
    context.out.line(&format!(
        "1. appliance   {}  (test environment, data goes when the demo ends)",
        appliance.url
    ));

    let hook = api.post(
        "/webhooks",
        &json!({"url": receiver.url(), "events": ["envelope.completed"]}),
    )?;
    let secret = WebhookSecret::parse(text(&hook, "secret")?).map_err(|e| e.to_string())?;
    context.out.line(&format!(
        "2. webhook     {} for envelope.completed",
        receiver.url()
    ));

    let document = api.upload(&name, &bytes)?;
    context.out.line(&format!(
        "3. uploaded    {name}, {} pages, {}",
        document["pages"],
        text(&document, "id")?
    ));
    let recipients: Vec<Value> = SIGNERS
        .iter()
        .map(|(email, name)| json!({"email": email, "name": name, "role": "SIGNER"}))
        .collect();
    let mut wanted = json!({
        "subject": "Service agreement",
        "documentIds": [document["id"]],
        "recipients": recipients,
        "signingOrder": "SEQUENTIAL",
    });
    // A file of somebody else's has no known place for signatures: a signature page is added.
    if arguments.file.is_none() {
        wanted["fields"] = SIGNATURE_PLACES
            .iter()
            .enumerate()
            .map(|(index, place)| {
                let [x, y, width, height] = place.rectangle;
                json!({
                    "recipientIndex": index, "fieldType": "SIGNATURE", "pageNumber": place.page,
                    "x": x, "y": y, "width": width, "height": height,
                })
            })
            .collect();
    }
    let draft = api.post("/envelopes", &wanted)?;
    let id = text(&draft, "id")?.to_owned();
    let sent = api.post(&format!("/envelopes/{id}/send"), &json!({}))?;
    context.out.line(&format!(
        "4. sent        {id}, two signers one after the other"
    ));
    let links: Vec<&str> = sent["recipients"]
        .as_array()
        .map(|all| all.iter().filter_map(|r| r["signUrl"].as_str()).collect())
        .unwrap_or_default();
    for (link, (email, name)) in links.iter().zip(SIGNERS) {
        context.out.line(&format!("   {name} <{email}>  {link}"));
    }
    let patience = if arguments.sign {
        for (link, (_, name)) in links.iter().zip(SIGNERS) {
            Browser::new(&appliance.url).sign(link, name)?;
            context.out.line(&format!(
                "5. signed      {name}, through the same pages a browser shows"
            ));
        }
        COMPLETION_TIMEOUT
    } else {
        context.out.line("5. open the first link in a browser and sign, then the second; the demo waits (Ctrl+C ends it)");
        PERSON_TIMEOUT
    };
    let told = match receiver.wait(patience) {
        Heard::Call(call) => call,
        Heard::Stop => return Ok(Shown::Stopped),
        Heard::Nothing => return Err("envelope.completed did not arrive in time".to_owned()),
    };
    judge_webhook(&told, &secret)?;
    context
        .out
        .line("6. announced   envelope.completed, both signatures of the webhook are right");
    finish(context, &appliance, &api, &id, &bytes)?;
    Ok(Shown::Whole)
}

fn begin(context: &mut Context) -> Step<Appliance> {
    let mut config = crate::config::load(&Sources::defaults())
        .map_err(|_| "the embedded configuration has faults")?;
    let data = std::env::temp_dir().join(format!("paraph-demo-{}", std::process::id()));
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| format!("no free port: {e}"))?;
    let url = format!(
        "http://{}",
        listener.local_addr().map_err(|e| e.to_string())?
    );
    config.storage.data_dir.clone_from(&data);
    // From here on the folder goes with it, also where it never comes to run.
    let mut appliance = Appliance {
        running: None,
        data,
        url: url.clone(),
        key: String::new(),
    };
    config.webhooks.allowed_networks = vec![Network::v4(127, 0, 0, 0, 8)];
    let setup =
        setup_for(context, &config, url).map_err(|_| "the appliance can't be put together")?;
    let running =
        start(setup, web_settings(&config, listener.into()), true).map_err(|e| told(&e))?;
    let app = running.app.clone();
    appliance.running = Some(running);
    appliance.key = app
        .create_key_for(Environment::Test, "demo", None, &Origin::operator())
        .map_err(|e| told(&e))?
        .secret;
    Ok(appliance)
}

/// The header values and the body of a webhook call, against the secret.
fn judge_webhook(told: &receiver::Call, secret: &WebhookSecret) -> Step<()> {
    let seconds: i64 = told
        .header("webhook-timestamp")
        .parse()
        .map_err(|_| "webhook-timestamp is no number")?;
    let timed = timed_signature(
        secret,
        told.header("webhook-id"),
        Timestamp::from_seconds(seconds),
        &told.body,
    );
    if told.header("x-certyneo-signature") != body_signature(secret, &told.body) {
        return Err("X-Certyneo-Signature is wrong".to_owned());
    }
    if told.header("webhook-signature") != timed {
        return Err("webhook-signature is wrong".to_owned());
    }
    Ok(())
}

fn finish(
    context: &mut Context,
    appliance: &Appliance,
    api: &Api,
    id: &str,
    original: &[u8],
) -> Step<()> {
    let envelope = api.fetch_json(&format!("/envelopes/{id}"))?;
    if envelope["status"] != "COMPLETED" {
        return Err(format!("the envelope is {}", envelope["status"]));
    }
    let folder = Path::new(FOLDER);
    std::fs::create_dir_all(folder).map_err(|e| format!("{FOLDER}: {e}"))?;
    let keep = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).map_err(|e| format!("{}: {e}", path.display()))
    };
    let signed = api.get(&format!("/envelopes/{id}/signed-document"))?;
    let trail = api.get(&format!("/envelopes/{id}/audit-trail"))?;
    let app = &appliance
        .running
        .as_ref()
        .ok_or("the appliance has stopped")?
        .app;
    let root = app.root_pem(Environment::Test).map_err(|e| told(&e))?;
    keep("signed.pdf", &signed)?;
    keep("audit-trail.pdf", &trail)?;
    keep("root.pem", root.as_bytes())?;
    let roots = [app.root_der(Environment::Test).map_err(|e| told(&e))?];
    let expected = |original: Option<(u64, Digest)>| Expected {
        roots: &roots,
        at: app.time(),
        original,
        pages: None,
        stamps: &[],
        pages_max: 100_000,
    };
    let of_original = (original.len() as u64, Digest::of(original));
    let seal = check(&signed.as_slice(), &expected(Some(of_original)))
        .map_err(|e| format!("signed.pdf: {}", told(&e)))?;
    check(&trail.as_slice(), &expected(None))
        .map_err(|e| format!("audit-trail.pdf: {}", told(&e)))?;
    let told_digest = envelope["documents"][0]["signedSha256"]
        .as_str()
        .unwrap_or_default();
    if seal.digest.to_string() != told_digest {
        return Err("the sealed file is not the one that the API tells of".to_owned());
    }
    let report = app.verify_all(&mut |_, _| {}).map_err(|e| told(&e))?;
    if let Some(crate::app::auditing::Fault { at, why }) = report.faults.first() {
        return Err(format!("the audit trail: {at}: {why}"));
    }
    context.out.line(&format!("7. sealed      {FOLDER}/signed.pdf, {} pages, by \"{}\"; the original is its first revision", seal.pages, seal.signer));
    context.out.line(&format!(
        "8. proven      {FOLDER}/audit-trail.pdf; {} chains, {} entries, {} files checked again",
        report.chains, report.entries, report.files
    ));
    context.out.line(&format!("               {FOLDER}/root.pem is the test authority: trust it to see the seal as valid in a reader"));
    Ok(())
}

fn text<'a>(object: &'a Value, name: &str) -> Step<&'a str> {
    object[name]
        .as_str()
        .ok_or_else(|| format!("an answer has no {name}: {object}"))
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into()
}

/// The API as an integrator sees it.
struct Api {
    url: String,
    key: String,
    agent: ureq::Agent,
}

impl Api {
    fn call(&self, method: &str, path: &str, kind: Option<&str>, body: &[u8]) -> Step<Vec<u8>> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/api/v1{path}", self.url))
            .header("Authorization", format!("Bearer {}", self.key));
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        let failed = |e: &dyn std::fmt::Display| format!("{method} {path}: {e}");
        let response = if kind.is_some() {
            self.agent.run(request.body(body).map_err(|e| failed(&e))?)
        } else {
            self.agent.run(request.body(()).map_err(|e| failed(&e))?)
        };
        let mut response = response.map_err(|e| failed(&e))?;
        let status = response.status().as_u16();
        let body = response
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_vec()
            .map_err(|e| failed(&e))?;
        if (200..300).contains(&status) {
            return Ok(body);
        }
        let told: Value = serde_json::from_slice(&body).unwrap_or_default();
        Err(failed(&format!(
            "{status} {}",
            told["error"].as_str().unwrap_or("without a message")
        )))
    }

    fn post(&self, path: &str, body: &Value) -> Step<Value> {
        let body = self.call(
            "POST",
            path,
            Some("application/json"),
            body.to_string().as_bytes(),
        )?;
        serde_json::from_slice(&body).map_err(|e| format!("POST {path}: {e}"))
    }

    fn get(&self, path: &str) -> Step<Vec<u8>> {
        self.call("GET", path, None, &[])
    }

    fn fetch_json(&self, path: &str) -> Step<Value> {
        serde_json::from_slice(&self.get(path)?).map_err(|e| format!("GET {path}: {e}"))
    }

    fn upload(&self, name: &str, bytes: &[u8]) -> Step<Value> {
        let boundary = format!("paraph-demo-{}", Digest::of(bytes));
        let name: String = name
            .chars()
            .map(|c| if c == '"' || c.is_control() { '_' } else { c })
            .collect();
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/pdf\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={boundary}");
        let answer = self.call("POST", "/documents", Some(&kind), &body)?;
        serde_json::from_slice(&answer).map_err(|e| format!("POST /documents: {e}"))
    }
}
