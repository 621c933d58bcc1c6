//! The README's examples, taken out of it and run as a reader would.

use crate::harness::{TestApp, pdf};
use std::path::Path;
use std::process::Command;

/// The code of the one block of this language.
fn block(language: &str) -> String {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let opening = format!("\n```{language}\n");
    let mut blocks = readme.split(&opening).skip(1);
    let code = blocks
        .next()
        .unwrap_or_else(|| panic!("the README has no {language} block"));
    assert!(
        blocks.next().is_none(),
        "the README has several {language} blocks"
    );
    code.split("\n```").next().unwrap().to_owned()
}

/// Whether these programs are here. Where they must be, a missing one is a failure.
fn has(probes: &[(&str, &[&str])]) -> bool {
    let missing: Vec<&str> = probes
        .iter()
        .filter(|(program, arguments)| {
            !Command::new(program)
                .args(*arguments)
                .output()
                .is_ok_and(|it| it.status.success())
        })
        .map(|(program, _)| *program)
        .collect();
    assert!(
        missing.is_empty() || std::env::var_os("PARAPH_REQUIRE_TOOLS").is_none(),
        "missing or unusable: {missing:?}"
    );
    if !missing.is_empty() {
        eprintln!("SKIPPED: {missing:?} is not here");
    }
    missing.is_empty()
}

/// Runs the block by `command`, which reads the file `name`, and sees that an envelope was sent to the client.
fn sends(language: &str, name: &str, command: &str, before: &str) {
    let app = TestApp::start();
    let folder = app.data_dir().join("example");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("contrat.pdf"), pdf::contract()).unwrap();
    std::fs::write(folder.join(name), format!("{before}{}", block(language))).unwrap();
    let output = Command::new(command)
        .arg(name)
        .current_dir(&folder)
        .env("PARAPH_URL", &app.url)
        .env("PARAPH_KEY", &app.key)
        .env("NO_PROXY", "*")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let list = app.api.get("/api/v1/envelopes").expect(200);
    let sent = &list["data"][0];
    assert_eq!(list["pagination"]["total"], 1, "{list}");
    assert_eq!(sent["status"], "SENT", "{list}");
    assert_eq!(sent["subject"], "Contrat de prestation");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(sent["id"].as_str().unwrap()), "{said}");
}

#[test]
fn the_curl_example_sends_an_envelope() {
    if has(&[
        ("curl", &["--version"]),
        ("jq", &["--version"]),
        ("bash", &["--version"]),
    ]) {
        sends("bash", "send.sh", "bash", "set -eu\n");
    }
}

#[test]
fn the_node_example_sends_an_envelope() {
    if has(&[("node", &["-e", "fetch"])]) {
        sends("js", "send.mjs", "node", "");
    }
}

#[test]
fn the_python_example_sends_an_envelope() {
    if has(&[("python3", &["-c", "import requests"])]) {
        sends("python", "send.py", "python3", "");
    }
}
