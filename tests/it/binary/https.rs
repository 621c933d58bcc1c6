//! https, on both sides: what is said to browsers behind an https address, and whom the appliance believes when it calls.

use super::{Paraph, Serving, code, err, free_address, out};
use crate::harness::client::Client;
use paraph::domain::time::Timestamp;
use paraph::pki::{SoftwareKey, der, oid, pem};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

const PUBLIC_URL: &str = "https://sign.acme.example/paraph";

#[test]
fn behind_an_https_address_every_answer_asks_for_https_from_now_on() {
    let paraph = Paraph::new("hsts");
    let address = free_address();
    let mut command = paraph.command(&["serve"]);
    command
        .env("PARAPH__SERVER__LISTEN", &address)
        .env("PARAPH__SERVER__PUBLIC_URL", PUBLIC_URL);
    let mut serving = Serving::by(command, PUBLIC_URL);
    let url = format!("http://{address}");
    let own = Client::new(&url).header("Host", "sign.acme.example");
    let foreign = Client::new(&url).header("Host", "evil.example");
    let token = "x".repeat(43);
    let answers = [
        own.get("/healthz"),
        own.get("/readyz"),
        own.get("/api/v1/openapi.json"),
        own.get("/docs/errors"),
        own.get("/admin/login"),
        own.get(&format!("/sign/{token}")),
        own.get("/api/v1/documents"),
        own.get("/nowhere"),
        own.send("PUT", "/healthz", &[], None),
        foreign.get("/api/v1/documents"),
    ];
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 404, 401, 404, 405, 421]);
    for answer in &answers {
        assert_eq!(
            answer.header("strict-transport-security"),
            "max-age=31536000",
            "{answer:?}"
        );
    }
    // What is said about failures stands under the whole public address, its path included.
    let problem = answers[6].json();
    assert_eq!(
        problem["type"],
        format!("{PUBLIC_URL}/docs/errors#unauthorized")
    );
    let page = answers[3].text();
    assert!(page.contains("href=\"/paraph/assets/"), "{page}");
    assert_eq!(serving.terminate(), 0);
}

/// A certificate: of an authority, or of the server at 127.0.0.1.
fn certificate(
    subject: &str,
    key: &SoftwareKey,
    issuer: &str,
    issuer_key: &SoftwareKey,
    is_authority: bool,
) -> Vec<u8> {
    let name = |text: &str| {
        let value = der::tlv(0x0c, &[text.as_bytes()]);
        let attribute = der::sequence(&[&der::object_identifier(oid::COMMON_NAME), &value]);
        der::sequence(&[&der::set_of(0x31, vec![attribute])])
    };
    let extension = |id, critical: bool, value: &[u8]| {
        let critical = if critical {
            der::boolean_true()
        } else {
            vec![]
        };
        der::sequence(&[
            &der::object_identifier(id),
            &critical,
            &der::octet_string(value),
        ])
    };
    let extensions = if is_authority {
        let constraints = der::sequence(&[&der::boolean_true()]);
        extension(oid::BASIC_CONSTRAINTS, true, &constraints)
    } else {
        let address = der::tlv(der::primitive(7), &[&[127, 0, 0, 1]]);
        extension(oid::SUBJECT_ALT_NAME, false, &der::sequence(&[&address]))
    };
    let moment = |text: &str| der::time(Timestamp::parse(text).unwrap());
    let body = der::sequence(&[
        &der::tlv(der::constructed(0), &[&der::integer(2)]),
        &der::integer(1 + subject.len() as u64),
        &der::algorithm(oid::ECDSA_SHA256),
        &name(issuer),
        &der::sequence(&[
            &moment("2020-01-01T00:00:00Z"),
            &moment("2120-01-01T00:00:00Z"),
        ]),
        &name(subject),
        key.public_key_info(),
        &der::tlv(der::constructed(3), &[&der::sequence(&[&extensions])]),
    ]);
    let signature = der::bit_string(&issuer_key.sign(&body).unwrap());
    der::sequence(&[&body, &der::algorithm(oid::ECDSA_SHA256), &signature])
}

/// A receiver with a certificate of a new authority of that name; what it heard, or why it heard nothing.
struct SecureSink {
    url: String,
    root_pem: String,
    heard: Receiver<Result<String, String>>,
}

impl SecureSink {
    fn start(authority: &str) -> Self {
        let pkcs8 = SoftwareKey::generate().unwrap();
        let key = SoftwareKey::from_pkcs8(&pkcs8).unwrap();
        let root_key = SoftwareKey::from_pkcs8(&SoftwareKey::generate().unwrap()).unwrap();
        let root = certificate(authority, &root_key, authority, &root_key, true);
        let leaf = certificate("receiver", &key, authority, &root_key, false);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from(leaf)],
                PrivateKeyDer::Pkcs8(pkcs8.to_vec().into()),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}/hook", listener.local_addr().unwrap());
        let (tell, heard) = mpsc::channel();
        std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = BufReader::new(rustls::StreamOwned::new(connection, stream));
            let _ = tell.send(take(&mut stream).map_err(|error| error.to_string()));
        });
        Self {
            url,
            root_pem: pem::encode(pem::CERTIFICATE, &root),
            heard,
        }
    }
}

/// One request, head and body, answered with 200.
fn take(
    stream: &mut BufReader<rustls::StreamOwned<rustls::ServerConnection, std::net::TcpStream>>,
) -> std::io::Result<String> {
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        text += &line;
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    text += &String::from_utf8_lossy(&body);
    stream
        .get_mut()
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    stream.get_mut().flush()?;
    Ok(text)
}

#[test]
fn a_receiver_is_believed_by_the_machines_own_anchors_and_by_nothing_else() {
    let (known, unknown) = (
        SecureSink::start("The company's own authority"),
        SecureSink::start("Somebody else's authority"),
    );
    let paraph = Paraph::new("private-ca");
    let anchors = paraph.write("anchors.pem", &known.root_pem);
    let address = free_address();
    let mut command = paraph.command(&["serve"]);
    command
        .env("PARAPH__SERVER__LISTEN", &address)
        .env("PARAPH__WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8")
        .env("SSL_CERT_FILE", anchors);
    let mut serving = Serving::by(command, &address);
    let made = paraph.run(&["key", "create", "--test", "--name", "of a client"]);
    assert_eq!(code(&made), 0, "{}", err(&made));
    let api = Client::with_key(&format!("http://{address}"), out(&made).trim_end());
    for sink in [&unknown, &known] {
        let hook = json!({"url": sink.url, "events": ["envelope.created"]});
        api.post("/api/v1/webhooks", &hook).expect(201);
    }
    let document = api
        .upload("/api/v1/documents", "a.pdf", &super::pdf::contract())
        .expect(201);
    let new = json!({"subject": "Offer", "documentIds": [document["id"]], "recipients": [{"email": "ana@example.com"}]});
    let envelope = api.post("/api/v1/envelopes", &new).expect(201);
    let patience = Duration::from_secs(60);
    let told = known.heard.recv_timeout(patience).unwrap().unwrap();
    assert!(told.starts_with("POST /hook HTTP/1.1\r\n"), "{told}");
    assert!(told.contains(envelope["id"].as_str().unwrap()), "{told}");
    // The connection ends at the certificate: not one byte of the event goes to who can't show a known one.
    let heard = unknown.heard.recv_timeout(patience).unwrap();
    assert!(heard.is_err(), "{heard:?}");
    assert_eq!(serving.terminate(), 0);
}
