//! The real executable: flags, exit codes, faulty configurations.

mod crash;
mod https;
mod listening;
mod memory;
mod probe;

use crate::harness::client::Client;
use crate::harness::sink::WebhookSink;
use crate::harness::{pdf, sealed};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

/// The executable in an empty folder of its own, without anybody's environment.
struct Paraph {
    folder: PathBuf,
}

impl Paraph {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("paraph-binary-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_paraph"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear();
        // An installed configuration of this machine must not be read.
        command.env("PARAPH_CONFIG", self.write("empty.toml", ""));
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

impl Drop for Paraph {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn help_and_version_go_to_standard_output_and_are_good() {
    let paraph = Paraph::new("help");
    for (arguments, wanted) in [
        (&["--help"] as &[&str], "Exit status: 0 good"),
        (
            &["--version"],
            concat!("paraph ", env!("CARGO_PKG_VERSION")),
        ),
        (&["version"], concat!("Paraph ", env!("CARGO_PKG_VERSION"))),
        (&["help", "check-config"], "name every fault"),
    ] {
        let output = paraph.run(arguments);
        assert_eq!((code(&output), err(&output)), (0, ""), "{arguments:?}");
        assert!(
            out(&output).contains(wanted),
            "{arguments:?}: {}",
            out(&output)
        );
    }
    let version: serde_json::Value =
        serde_json::from_slice(&paraph.run(&["version", "--json"]).stdout).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_wrong_command_line_exits_2_and_says_what_was_meant() {
    let paraph = Paraph::new("usage");
    for (arguments, wanted) in [
        (&["versoin"] as &[&str], "version"),
        (&["config"], "Usage"),
        (&["version", "--jsn"], "--json"),
        (&[], "Usage"),
    ] {
        let output = paraph.run(arguments);
        assert_eq!((code(&output), out(&output)), (2, ""), "{arguments:?}");
        assert!(
            err(&output).contains(wanted),
            "{arguments:?}: {}",
            err(&output)
        );
    }
}

#[test]
fn a_faulty_configuration_exits_78_with_every_fault() {
    let paraph = Paraph::new("faulty");
    let file = paraph.write(
        "p.toml",
        "[mail]\nhots = \"smtp.acme.example\"\n[api]\nburst = \"x\"\n",
    );
    let output = paraph.run(&["check-config", "--config", file.to_str().unwrap()]);
    assert_eq!((code(&output), out(&output)), (78, ""));
    assert!(
        err(&output).contains("p.toml:2: unknown key `hots` in [mail]; did you mean `host`?"),
        "{}",
        err(&output)
    );
    assert!(
        err(&output).contains("p.toml:4: api.burst"),
        "{}",
        err(&output)
    );
    let json = paraph.run(&["--json", "--config", file.to_str().unwrap(), "check-config"]);
    let told: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(
        (code(&json), told["faults"].as_array().map(Vec::len)),
        (78, Some(2))
    );
    let missing = paraph.run(&["check-config", "--config", "nowhere.toml"]);
    assert_eq!(code(&missing), 78);
    assert!(
        err(&missing).contains("nowhere.toml: there is no such file"),
        "{}",
        err(&missing)
    );
}

#[test]
fn a_misspelt_variable_exits_78_naming_it() {
    let paraph = Paraph::new("variable");
    let output = paraph
        .command(&["check-config"])
        .env("PARAPH__SERVER__PUBLIC_ULR", "x")
        .output()
        .unwrap();
    assert_eq!(code(&output), 78);
    assert!(
        err(&output).contains("did you mean PARAPH__SERVER__PUBLIC_URL?"),
        "{}",
        err(&output)
    );
}

#[test]
fn a_good_configuration_exits_0_and_one_with_warnings_3() {
    let paraph = Paraph::new("good");
    assert_eq!(code(&paraph.run(&["check-config"])), 0);
    let open = paraph
        .command(&["check-config"])
        .env("PARAPH__SERVER__PUBLIC_URL", "https://sign.acme.example")
        .output()
        .unwrap();
    assert_eq!(code(&open), 3);
    assert!(
        err(&open).contains("warning: server.trusted_proxies is not set"),
        "{}",
        err(&open)
    );
}

#[test]
fn the_printed_defaults_are_a_configuration_that_changes_nothing() {
    let paraph = Paraph::new("defaults");
    let printed = out(&paraph.run(&["config", "default"])).to_owned();
    let file = paraph.write("all.toml", &printed);
    let with_file = paraph.run(&["config", "show", "--config", file.to_str().unwrap()]);
    let without = paraph.run(&["config", "show"]);
    assert_eq!((code(&with_file), code(&without)), (0, 0));
    assert_eq!(out(&with_file), out(&without));
    let shown: toml::Table = out(&without).parse().unwrap();
    assert_eq!(shown, printed.parse::<toml::Table>().unwrap());
}

#[test]
fn config_show_names_origins_and_keeps_secrets_references() {
    let paraph = Paraph::new("show");
    let output = paraph
        .command(&["config", "show", "--origin"])
        .env("PARAPH__STORAGE__MASTER_KEY", "env:KEY")
        .env("KEY", "0f".repeat(32))
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(
        out(&output).contains("master_key = \"env:KEY\"  # PARAPH__STORAGE__MASTER_KEY\n"),
        "{}",
        out(&output)
    );
    assert!(out(&output).contains("burst = 200  # default\n"));
    assert!(!out(&output).contains("0f0f"));
}

#[test]
fn a_server_that_is_not_there_is_unhealthy() {
    let paraph = Paraph::new("health");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let output = paraph.run(&["healthcheck", &format!("http://{address}")]);
    assert_eq!((code(&output), out(&output)), (1, ""));
    assert!(err(&output).contains("/healthz"), "{}", err(&output));
}

#[test]
fn commands_leave_nothing_behind() {
    let paraph = Paraph::new("traces");
    for arguments in [
        &["version"] as &[&str],
        &["check-config"],
        &["config", "show"],
    ] {
        assert_eq!(code(&paraph.run(arguments)), 0);
    }
    assert!(!Path::new(&paraph.folder).join("paraph-data").exists());
}

/// A server that is asked to stop when the test ends, however it ends.
struct Serving(Child);

impl Serving {
    /// Starts it and waits until it says that it is there.
    fn start(paraph: &Paraph, address: &str) -> Self {
        let mut command = paraph.command(&["serve"]);
        command
            .env("PARAPH__SERVER__LISTEN", address)
            .env("PARAPH__WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.0/8");
        Self::by(command, address)
    }

    /// Starts it by this command and waits until it says that it is there, under this address.
    fn by(mut command: Command, address: &str) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut serving = Self(command.spawn().unwrap());
        let mut out = BufReader::new(serving.0.stdout.take().unwrap());
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = out.read_line(&mut line);
            let _ = tell.send(line);
            // Reads on, so that the server never waits for its reader.
            let _ = std::io::copy(&mut out, &mut std::io::sink());
        });
        let line = told.recv_timeout(Duration::from_secs(60)).unwrap();
        assert!(
            line.starts_with("Paraph ") && line.contains(address),
            "{line}"
        );
        serving
    }

    fn terminate(&mut self) -> i32 {
        let id = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        self.0.wait().unwrap().code().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[test]
fn a_server_serves_until_sigterm_and_commands_work_beside_it() {
    let paraph = Paraph::new("serve");
    let address = free_address();
    let url = format!("http://{address}");
    let mut serving = Serving::start(&paraph, &address);
    assert_eq!(code(&paraph.run(&["healthcheck", &url])), 0);

    let second = paraph
        .command(&["serve"])
        .env("PARAPH__SERVER__LISTEN", free_address())
        .output()
        .unwrap();
    assert_eq!(code(&second), 75, "{}", err(&second));
    assert!(
        err(&second).contains("another Paraph is running"),
        "{}",
        err(&second)
    );

    let made = paraph.run(&["key", "create", "--test", "--name", "first"]);
    assert_eq!(code(&made), 0, "{}", err(&made));
    let key = out(&made).strip_suffix('\n').unwrap();
    assert!(
        key.starts_with("sk_test_") && key.len() == 44,
        "the key alone stands on standard output"
    );
    assert_eq!(
        Client::with_key(&url, key).get("/api/v1/account/me").status,
        200
    );

    assert_eq!(serving.terminate(), 0);
    assert_eq!(code(&paraph.run(&["healthcheck", &url])), 1);
    let mut again = Serving::start(&paraph, &address);
    assert_eq!(
        Client::with_key(&url, key).get("/api/v1/account/me").status,
        200
    );
    assert_eq!(again.terminate(), 0);
    assert_eq!(code(&paraph.run(&["audit", "verify"])), 0);
}

#[test]
fn a_server_that_is_killed_after_the_last_signature_completes_the_envelope_when_it_is_back() {
    let paraph = Paraph::new("killed");
    let address = free_address();
    let url = format!("http://{address}");
    let sink = WebhookSink::start();
    let mut serving = Serving::start(&paraph, &address);
    let made = paraph.run(&["key", "create", "--test", "--name", "first"]);
    let key = out(&made).trim().to_owned();
    let api = Client::with_key(&url, &key);
    let hook = serde_json::json!({"url": sink.url(), "events": ["envelope.completed"]});
    api.post("/api/v1/webhooks", &hook).expect(201);
    let document = api
        .upload("/api/v1/documents", "a.pdf", &pdf::contract())
        .expect(201);
    let body = serde_json::json!({
        "subject": "Service agreement", "documentIds": [document["id"]],
        "recipients": [{"email": "ana@example.com", "name": "Ana"}],
    });
    let draft = api.post("/api/v1/envelopes", &body).expect(201);
    let path = format!("/api/v1/envelopes/{}", draft["id"].as_str().unwrap());
    let sent = api.post_nothing(&format!("{path}/send")).expect(200);
    crate::harness::forms::Visitor::of(&url, &sent, 0).sign(&sent, "Ana");
    // At whatever point the seal is now.
    serving.0.kill().unwrap();
    serving.0.wait().unwrap();

    let mut again = Serving::start(&paraph, &address);
    assert!(sink.waits_for("envelope.completed"));
    assert_eq!(api.get(&path).expect(200)["status"], "COMPLETED");
    let sealed = api.get(&format!("{path}/signed-document"));
    assert!(sealed.status == 200 && sealed.body.starts_with(b"%PDF-"));
    assert_eq!(again.terminate(), 0);
    let audit = paraph.run(&["audit", "verify"]);
    assert_eq!(code(&audit), 0, "{}{}", out(&audit), err(&audit));
}

#[test]
fn a_forgotten_password_is_reset_beside_the_server_and_the_log_tells() {
    let paraph = Paraph::new("reset");
    let none = paraph.run(&["admin", "reset-password"]);
    assert_eq!((code(&none), out(&none)), (1, ""));
    assert!(
        err(&none).contains("no administrator yet"),
        "{}",
        err(&none)
    );

    let address = free_address();
    let mut serving = Serving::start(&paraph, &address);
    let url = format!("http://{address}");
    let run = |arguments: &[&str]| {
        let mut command = paraph.command(arguments);
        command.env("PARAPH__SERVER__LISTEN", &address);
        command.output().unwrap()
    };
    let link = run(&["admin", "setup-link"]);
    let token = out(&link).trim_end().split_once("?t=").unwrap().1;
    let fields = [
        ("t", token),
        ("name", "Ada"),
        ("email", "ada@acme.example"),
        ("password", "seven horses eat quietly"),
        ("again", "seven horses eat quietly"),
    ];
    let browser = Client::browser(&url);
    assert_eq!(browser.submit("/admin/setup", &fields).status, 303);

    let other = run(&["admin", "reset-password", "eve@acme.example"]);
    assert_eq!((code(&other), out(&other)), (1, ""));
    assert!(err(&other).contains("ada@acme.example"), "{}", err(&other));
    for arguments in [
        &["admin", "reset-password"] as &[&str],
        &["admin", "reset-password", "ADA@acme.example"],
    ] {
        let made = run(arguments);
        assert_eq!(code(&made), 0, "{}", err(&made));
        let link = out(&made).strip_suffix('\n').unwrap();
        assert!(link.starts_with(&format!("{url}/admin/reset?t=")), "{link}");
        let fields = [
            ("t", link.split_once("?t=").unwrap().1),
            ("password", "nine horses sleep quietly"),
            ("again", "nine horses sleep quietly"),
        ];
        let entered = Client::browser(&url).submit("/admin/reset", &fields);
        assert_eq!(entered.status, 303, "{}", entered.text());
    }
    assert_eq!(browser.get("/admin/keys").status, 303, "logged out");
    assert_eq!(serving.terminate(), 0);
    assert_eq!(code(&paraph.run(&["audit", "verify", "system"])), 0);
}

#[test]
fn the_operator_seals_a_file_and_nothing_is_overwritten() {
    let paraph = Paraph::new("seal");
    std::fs::write(paraph.folder.join("in.pdf"), pdf::contract()).unwrap();
    let arguments = [
        "seal", "in.pdf", "-o", "out.pdf", "--test", "--root", "root.pem", "--json",
    ];
    let sealed = paraph.run(&arguments);
    assert_eq!(code(&sealed), 0, "{}{}", out(&sealed), err(&sealed));
    let told: serde_json::Value = serde_json::from_str(out(&sealed)).unwrap();
    let bytes = std::fs::read(paraph.folder.join("out.pdf")).unwrap();
    assert_eq!(
        told["sha256"],
        paraph::domain::digest::Digest::of(&bytes).to_string()
    );
    assert_eq!(told["size"], bytes.len());
    let root = std::fs::read_to_string(paraph.folder.join("root.pem")).unwrap();
    assert!(root.starts_with("-----BEGIN CERTIFICATE-----"));
    sealed::keep("operator", &bytes, &root, Some(&pdf::contract()));

    let again = paraph.run(&["seal", "in.pdf", "-o", "out.pdf", "--test"]);
    assert_eq!((code(&again), out(&again)), (1, ""));
    assert!(
        err(&again).contains("out.pdf is there already"),
        "{}",
        err(&again)
    );

    std::fs::write(paraph.folder.join("no.pdf"), b"%PDF-1.7 but no more").unwrap();
    let refused = paraph.run(&["seal", "no.pdf", "-o", "no-out.pdf", "--test"]);
    assert_eq!(code(&refused), 1);
    assert!(
        err(&refused).contains("document_malformed"),
        "{}",
        err(&refused)
    );
    let left: Vec<_> = std::fs::read_dir(&paraph.folder)
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().starts_with("no-out")),
        "{left:?}"
    );
    let audit = paraph.run(&["audit", "verify"]);
    assert_eq!(code(&audit), 0, "{}{}", out(&audit), err(&audit));
}
