//! `check-config --probe`: what doesn't work is named, and nothing is changed.

use super::{Client, Paraph, Serving, code, err, free_address, out};
use crate::harness::sink::SmtpSink;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

fn probe(paraph: &Paraph, settings: &[(&str, &str)]) -> Output {
    let mut command = paraph.command(&["check-config", "--probe"]);
    with(&mut command, settings);
    command.output().unwrap()
}

fn with(command: &mut Command, settings: &[(&str, &str)]) {
    command.env("PARAPH__SERVER__LISTEN", "127.0.0.1:0");
    for (name, value) in settings {
        command.env(format!("PARAPH__{name}"), value);
    }
}

/// What was said of one thing.
#[track_caller]
fn of<'a>(output: &'a Output, what: &str) -> &'a str {
    let line = out(output).lines().find(|line| {
        line.split_once(' ')
            .is_some_and(|(_, rest)| rest.trim_start().starts_with(what))
    });
    line.unwrap_or_else(|| panic!("{what} in {}{}", out(output), err(output)))
}

#[test]
fn a_machine_that_is_ready_is_good_and_nothing_is_left_behind() {
    let paraph = Paraph::new("ready");
    let sink = SmtpSink::start();
    let port = sink.port().to_string();
    let found = probe(
        &paraph,
        &[
            ("MAIL__HOST", "127.0.0.1"),
            ("MAIL__PORT", &port),
            ("MAIL__TLS", "none"),
            ("MAIL__FROM", "sign@acme.example"),
            ("STORAGE__FREE_SPACE_MIN", "1 B"),
        ],
    );
    // A kernel that can't lock the page reader in deserves its warning.
    assert!(matches!(code(&found), 0 | 3), "{}", out(&found));
    assert!(!out(&found).contains("FAULT"), "{}", out(&found));
    assert!(of(&found, "data folder").contains("will be made"));
    assert!(of(&found, "page reader").contains("draws a page"));
    assert!(of(&found, "mail").contains(&format!("127.0.0.1:{port} answers, in clear")));
    for what in ["clock", "disk", "listen", "fonts"] {
        assert!(of(&found, what).starts_with("good"), "{what}");
    }
    assert!(sink.received().is_empty(), "no mail is sent");
    let left: Vec<_> = std::fs::read_dir(&paraph.folder)
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    assert_eq!(left, ["empty.toml"]);
}

#[test]
fn every_fault_is_named_and_the_exit_tells() {
    let paraph = Paraph::new("faults");
    let closed = free_address();
    let (_, closed_port) = closed.split_once(':').unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    // Answers each caller by hanging up.
    std::thread::spawn(move || taken.incoming().for_each(drop));
    let font = paraph.write("no.ttf", "no font");
    let settings = [
        ("STORAGE__DATA_DIR", "/dev/null/data"),
        ("STORAGE__FREE_SPACE_MIN", "1000000 GB"),
        ("SERVER__LISTEN", address.as_str()),
        ("SERVER__PUBLIC_URL", "https://paraph.invalid"),
        ("SERVER__TRUSTED_PROXIES", "127.0.0.1"),
        ("ORGANISATION__NAME", "Acme"),
        ("MAIL__HOST", "127.0.0.1"),
        ("MAIL__PORT", closed_port),
        ("MAIL__FROM", "sign@acme.example"),
        ("FONTS__FALLBACK", font.to_str().unwrap()),
    ];
    let found = probe(&paraph, &settings);
    assert_eq!(code(&found), 1, "{}{}", out(&found), err(&found));
    for (what, reason) in [
        ("data folder", "/dev/null can't be written to"),
        ("disk", "free_space_min"),
        ("listen", "is taken by another program"),
        ("mail", "Connection refused"),
        ("fonts", "no.ttf"),
    ] {
        let line = of(&found, what);
        assert!(line.starts_with("FAULT") && line.contains(reason), "{line}");
    }
    assert!(of(&found, "public_url").starts_with("warning"));
    assert!(out(&found).contains("NOT good"));

    let mut command = paraph.command(&["check-config", "--probe", "--json"]);
    with(&mut command, &settings);
    let told = command.output().unwrap();
    assert_eq!(code(&told), 1);
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let faults = told["probe"].as_array().unwrap().iter();
    let faults: Vec<&str> = faults
        .filter(|it| it["verdict"] == "fault")
        .map(|it| it["what"].as_str().unwrap())
        .collect();
    assert_eq!(faults, ["data folder", "disk", "listen", "mail", "fonts"]);
}

#[test]
fn what_an_appliance_holds_is_probed_beside_it() {
    let paraph = Paraph::new("beside");
    let address = free_address();
    let open = ("WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8");
    let mut command = paraph.command(&["serve"]);
    with(&mut command, &[("SERVER__LISTEN", &address), open]);
    let mut serving = Serving::by(command, &address);
    let key = paraph.run(&["key", "create", "--test", "--name", "first"]);
    let api = Client::with_key(&format!("http://{address}"), out(&key).trim_end());
    let hook = json!({"url": "http://localhost:8097/hook?secret=x", "events": ["envelope.sent"]});
    api.post("/api/v1/webhooks", &hook).expect(201);

    let beside = probe(&paraph, &[("SERVER__LISTEN", &address), open]);
    assert!(matches!(code(&beside), 0 | 3), "{}", out(&beside));
    assert!(of(&beside, "listen").contains("is served"));
    assert!(of(&beside, "master key").contains("opens the 2 private keys"));
    let webhook = of(&beside, "webhooks");
    assert!(webhook.starts_with("good") && webhook.contains("localhost:8097 (test)"));
    assert!(!out(&beside).contains("secret"));
    let closed = probe(&paraph, &[("SERVER__LISTEN", &address)]);
    assert_eq!(code(&closed), 1);
    let webhook = of(&closed, "webhooks");
    assert!(
        webhook.starts_with("FAULT") && webhook.contains("private or loopback address"),
        "{webhook}"
    );
    assert_eq!(serving.terminate(), 0);

    let key = paraph.folder.join("paraph-data/master.key");
    let right = std::fs::read(&key).unwrap();
    std::fs::write(&key, [7; 32]).unwrap();
    let other = probe(&paraph, &[open]);
    assert_eq!(code(&other), 1);
    let line = of(&other, "database");
    assert!(
        line.starts_with("FAULT") && line.contains("master key"),
        "{line}"
    );
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let read = probe(&paraph, &[open]);
    assert!(of(&read, "master key").contains("chmod 600"));
    std::fs::remove_file(&key).unwrap();
    let gone = probe(&paraph, &[open]);
    assert_eq!(code(&gone), 1);
    assert!(of(&gone, "master key").contains("is missing"));
    assert!(!key.exists(), "a probe makes no key");
    std::fs::write(&key, right).unwrap();
}
