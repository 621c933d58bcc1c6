//! The real executable: flags, exit codes, faulty configurations.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

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
