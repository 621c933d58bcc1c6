//! The process dies between an effect and its answer: the client, who heard nothing, sends the same request again.

use super::{Paraph, Serving, code, err, free_address, out};
use crate::harness::client::{Client, Reply};
use crate::harness::{id, pdf};
use base64::Engine as _;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// An appliance whose process is killed again and again.
struct Mortal {
    paraph: Paraph,
    address: String,
    key: String,
    serving: Serving,
}

impl Mortal {
    fn start(name: &str) -> Self {
        let paraph = Paraph::new(name);
        let address = free_address();
        let serving = serve(&paraph, &address);
        let made = paraph.run(&["key", "create", "--test", "--name", "of a client"]);
        assert_eq!(code(&made), 0, "{}", err(&made));
        let key = out(&made).trim_end().to_owned();
        Self {
            paraph,
            address,
            key,
            serving,
        }
    }

    fn api(&self) -> Client {
        Client::with_key(&format!("http://{}", self.address), &self.key)
    }

    /// Sends a request of which the last `kept_back` bytes never come, and waits for no answer.
    fn send_off(&self, path: &str, body: &str, kept_back: usize) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = format!(
            "POST /api/v1{path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nIdempotency-Key: once\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.address,
            self.key,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let sent = body.len() - kept_back;
        stream.write_all(&body.as_bytes()[..sent]).unwrap();
        stream
    }

    /// SIGKILL, and a new process on the same data.
    fn die_and_rise(&mut self) {
        self.serving.0.kill().unwrap();
        self.serving.0.wait().unwrap();
        self.serving = serve(&self.paraph, &self.address);
    }

    fn again(&self, path: &str, body: &str) -> Reply {
        let headers = [
            ("Content-Type", "application/json"),
            ("Idempotency-Key", "once"),
        ];
        let path = format!("/api/v1{path}");
        self.api()
            .send("POST", &path, &headers, Some(body.as_bytes()))
    }

    /// Sends a request, kills the process as soon as others see its effect, and asks again: the answer comes from what was stored
    /// with the effect.
    fn lose_the_answer(
        &mut self,
        path: &str,
        body: &Value,
        seen: impl Fn(&Client) -> bool,
    ) -> Value {
        let body = body.to_string();
        let unheard = self.send_off(path, &body, 0);
        let api = self.api();
        if !(0..5_000).any(|_| seen(&api)) {
            let mut answer = [0; 4096];
            let n = (&unheard).read(&mut answer).unwrap();
            panic!("{path}: {}", String::from_utf8_lossy(&answer[..n]));
        }
        self.die_and_rise();
        drop(unheard);
        let first = self.again(path, &body);
        assert_eq!(first.header("idempotent-replayed"), "true", "{path}");
        let second = self.again(path, &body);
        assert_eq!((first.status, first.text()), (second.status, second.text()));
        assert!(matches!(first.status, 200 | 201), "{}", first.text());
        first.json()
    }
}

fn serve(paraph: &Paraph, address: &str) -> Serving {
    let mut command = paraph.command(&["serve"]);
    command
        .env("PARAPH__SERVER__LISTEN", address)
        .env("PARAPH__API__REQUESTS_PER_MINUTE", "60000")
        .env("PARAPH__API__BURST", "60000")
        .env("PARAPH__WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8");
    Serving::by(command, address)
}

/// The ids of a list.
fn listed(api: &Client, path: &str) -> Vec<String> {
    let list = api.get(&format!("/api/v1{path}")).expect(200);
    let items = list["data"].as_array().unwrap();
    assert_eq!(list["pagination"]["total"], items.len());
    items.iter().map(|item| id(item).to_owned()).collect()
}

fn is_there(path: &'static str) -> impl Fn(&Client) -> bool {
    move |api| !listed(api, path).is_empty()
}

#[test]
fn an_answer_that_died_with_the_process_is_given_to_who_asks_again_and_nothing_happens_twice() {
    let mut mortal = Mortal::start("crash");
    let pdf = base64::engine::general_purpose::STANDARD.encode(pdf::contract());
    let file = json!({"name": "contract.pdf", "base64Pdf": pdf});
    let document = mortal.lose_the_answer("/documents", &file, is_there("/documents"));
    assert_eq!(listed(&mortal.api(), "/documents"), [id(&document)]);
    let content = format!("/api/v1/documents/{}/content", id(&document));
    assert_eq!(mortal.api().get(&content).body, super::pdf::contract());

    let hook = json!({"url": "http://127.0.0.1:9000/hook", "events": ["envelope.declined"]});
    let webhook = mortal.lose_the_answer("/webhooks", &hook, is_there("/webhooks"));
    assert_eq!(listed(&mortal.api(), "/webhooks"), [id(&webhook)]);
    let secret = webhook["secret"].as_str().unwrap();
    assert!(
        secret.starts_with("whsec_"),
        "once more, and only to its key"
    );

    let new = json!({"subject": "Offer", "documentIds": [id(&document)], "recipients": [{"email": "ana@example.com"}]});
    let envelope = mortal.lose_the_answer("/envelopes", &new, is_there("/envelopes"));
    assert_eq!(listed(&mortal.api(), "/envelopes"), [id(&envelope)]);

    let path = format!("/envelopes/{}", id(&envelope));
    let status = |api: &Client| api.get(&format!("/api/v1{path}")).expect(200)["status"].clone();
    let is_sent = |api: &Client| status(api) == "SENT";
    let sent = mortal.lose_the_answer(&format!("{path}/send"), &json!({}), is_sent);
    assert_eq!(sent["status"], "SENT");
    let links = |of: &Value| of["recipients"][0]["signUrl"].clone();
    assert_eq!(links(&sent), links(&envelope), "the link is still the same");
    let events = mortal
        .api()
        .get(&format!("/api/v1{path}/events"))
        .expect(200);
    let names = events["data"].as_array().unwrap().iter();
    let sent = names.filter(|event| event["event"] == "envelope.sent");
    assert_eq!(sent.count(), 1, "{events}");

    assert_eq!(mortal.serving.terminate(), 0);
    let audit = mortal.paraph.run(&["audit", "verify"]);
    assert_eq!(code(&audit), 0, "{}{}", out(&audit), err(&audit));
}

#[test]
fn a_request_that_died_before_its_effect_holds_nothing_up() {
    let mut mortal = Mortal::start("half");
    let pdf = base64::engine::general_purpose::STANDARD.encode(pdf::contract());
    let body = json!({"name": "contract.pdf", "base64Pdf": pdf}).to_string();
    let unheard = mortal.send_off("/documents", &body, 1);
    assert_eq!(listed(&mortal.api(), "/documents").len(), 0);
    mortal.die_and_rise();
    drop(unheard);
    assert_eq!(listed(&mortal.api(), "/documents").len(), 0);
    let made = mortal.again("/documents", &body);
    assert_eq!(made.header("idempotent-replayed"), "");
    assert_eq!(listed(&mortal.api(), "/documents"), [id(&made.expect(201))]);
    assert_eq!(mortal.serving.terminate(), 0);
    let audit = mortal.paraph.run(&["audit", "verify"]);
    assert_eq!(code(&audit), 0, "{}{}", out(&audit), err(&audit));
}
