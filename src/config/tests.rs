use super::*;
use std::time::Duration;

/// Loads `file` (if any) and variables, in a folder of its own.
struct Case {
    folder: PathBuf,
    sources: Sources,
}

impl Case {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("paraph-config-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let sources = Sources {
            file: None,
            environment: BTreeMap::new(),
            working_directory: folder.clone(),
        };
        Self { folder, sources }
    }

    fn file(mut self, text: &str) -> Self {
        std::fs::write(self.folder.join("paraph.toml"), text).unwrap();
        self.sources.file = Some(PathBuf::from("paraph.toml"));
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.sources
            .environment
            .insert(name.to_owned(), value.to_owned());
        self
    }

    fn load(&self) -> Config {
        load(&self.sources).unwrap_or_else(|faults| panic!("{faults}"))
    }

    fn faults(&self) -> String {
        load(&self.sources).expect_err("no fault").to_string()
    }
}

impl Drop for Case {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn without_a_file_the_example_is_the_configuration() {
    let case = Case::new("defaults");
    let config = case.load();
    assert_eq!(config.server.listen, ["127.0.0.1:8080".parse().unwrap()]);
    assert_eq!(config.server.public_url, None);
    assert_eq!(config.storage.data_dir, case.folder.join("paraph-data"));
    assert_eq!(config.storage.free_space_bytes_min, 512 << 20);
    assert_eq!(config.documents.upload_bytes_max, 50_000_000);
    assert_eq!(
        config.envelopes.expires_after,
        Duration::from_secs(90 * 86_400)
    );
    assert!(config.mail.is_none());
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn the_environment_lies_over_the_file_and_the_file_over_the_example() {
    let case = Case::new("layers")
        .file("[api]\nburst = 300\nrequests_per_minute = 150\n[organisation]\nname = \"File\"\n")
        .variable("PARAPH__API__BURST", "400")
        .variable("PARAPH__SERVER__LISTEN", "127.0.0.1:1, [::1]:2")
        .variable("PARAPH__ORGANISATION__NAME", "007");
    let config = case.load();
    assert_eq!(
        (
            config.api.burst,
            config.api.requests_per_minute,
            config.api.unauthenticated_per_minute
        ),
        (400, 150, 20)
    );
    assert_eq!(
        config.server.listen,
        ["127.0.0.1:1".parse().unwrap(), "[::1]:2".parse().unwrap()]
    );
    assert_eq!(
        config.organisation.name.as_deref(),
        Some("007"),
        "a text stays the text that it is"
    );
    let settings = settings(&case.sources).unwrap();
    let origin = |path: &str| {
        settings
            .iter()
            .find(|it| it.path == path)
            .unwrap()
            .origin
            .to_string()
    };
    assert_eq!(origin("api.burst"), "PARAPH__API__BURST");
    assert_eq!(origin("api.requests_per_minute"), "paraph.toml:3");
    assert_eq!(origin("api.unauthenticated_per_minute"), "default");
}

#[test]
fn a_misspelt_key_is_shown_with_its_line_a_caret_and_the_nearest_key() {
    let case = Case::new("misspelt").file("# mail\n[mail]\nhots = \"smtp.acme.example\"\n");
    assert_eq!(
        case.faults(),
        "error: paraph.toml:3: unknown key `hots` in [mail]; did you mean `host`?\n3 | hots = \"smtp.acme.example\"\n  | ^^^^"
    );
}

#[test]
fn all_faults_are_told_at_once_in_the_order_of_their_lines() {
    let case = Case::new("all")
        .file(
            "listen = []\n[servr]\n[api]\nburst = 0\nrequests_per_minute = \"many\"\n[documents]\nupload_max = 50\npages_max = 1\n\
             [log]\nlevel = \"loud\"\n[admin]\nsession_idle = \"9h\"\n",
        )
        .variable("PARAPH__MAIL__PROT", "25")
        .variable("PARAPH__MAIL__PORT", "many");
    let faults = case.faults();
    let wanted = [
        "paraph.toml:1: `listen` stands outside its section [server]",
        "paraph.toml:2: unknown section [servr]; did you mean [server]?",
        "paraph.toml:4: api.burst: 0: a number from 1 to 1000000 is wanted",
        "paraph.toml:5: api.requests_per_minute: a whole number is wanted, as in 100",
        "paraph.toml:7: documents.upload_max: a text in quotes is wanted, as in \"50 MB\"",
        "paraph.toml:10: log.level: \"loud\": one of \"error\", \"warn\", \"info\", \"debug\", \"trace\" is wanted",
        "paraph.toml:12: admin.session_idle (9h) is longer than admin.session_max (8h)",
        "PARAPH__MAIL__PORT: mail.port: a whole number is wanted, as in 587",
        "PARAPH__MAIL__PROT: no setting has this name; did you mean PARAPH__MAIL__PORT?",
    ];
    let mut rest = faults.as_str();
    for line in wanted {
        let at = rest
            .find(line)
            .unwrap_or_else(|| panic!("`{line}` is not in its place in:\n{faults}"));
        rest = &rest[at + line.len()..];
    }
    assert_eq!(load(&case.sources).unwrap_err().len(), wanted.len());
}

#[test]
fn broken_syntax_points_at_its_place() {
    let faults = Case::new("syntax")
        .file("[server]\nlisten = [\"127.0.0.1:1\"\n\n[api]\nburst = 5\n")
        .faults();
    assert!(faults.starts_with("error: paraph.toml:"), "{faults}");
    assert!(faults.contains('^'), "{faults}");
    let faults = Case::new("twice")
        .file("[api]\nburst = 1\nburst = 2\n")
        .faults();
    assert!(
        faults.contains("paraph.toml:3:") && faults.contains("duplicate"),
        "{faults}"
    );
}

#[test]
fn a_listener_that_others_reach_needs_an_https_address_and_both_settings_are_named() {
    let case = Case::new("open").file("[server]\nlisten = [\"0.0.0.0:8080\"]\n");
    let faults = case.faults();
    assert!(
        faults.contains("server.listen (paraph.toml:2) has 0.0.0.0:8080"),
        "{faults}"
    );
    assert!(faults.contains("server.public_url (default)"), "{faults}");
    let case = case.variable("PARAPH__SERVER__PUBLIC_URL", "https://sign.acme.example/");
    let config = case.load();
    assert_eq!(
        config.server.public_url.as_deref(),
        Some("https://sign.acme.example")
    );
    assert!(
        config
            .warnings
            .iter()
            .any(|it| it.contains("trusted_proxies")),
        "{:?}",
        config.warnings
    );
}

#[test]
fn sockets_without_an_address_need_a_public_url() {
    for listen in ["unix:/run/paraph/http.sock", "systemd"] {
        let case = Case::new("socket").variable("PARAPH__SERVER__LISTEN", listen);
        let faults = case.faults();
        assert!(
            faults.contains("server.public_url must say under which one"),
            "{faults}"
        );
        let case = case.variable("PARAPH__SERVER__PUBLIC_URL", "https://sign.acme.example");
        let config = case.load();
        assert_eq!(config.server.listen, [listen.parse().unwrap()]);
        assert_eq!(config.server.first_address(), None);
        assert!(
            !config
                .warnings
                .iter()
                .any(|it| it.contains("trusted_proxies")),
            "a Unix socket's peers are believed: {:?}",
            config.warnings
        );
    }
    Case::new("socket")
        .variable("PARAPH__SERVER__LISTEN", "systemd,127.0.0.1:8080")
        .load();
}

#[test]
fn a_socket_is_refused_whose_path_can_not_be() {
    let long = format!("unix:/{}", "x".repeat(107));
    for (listen, reason) in [
        ("unix:http.sock", "must begin with `/`"),
        ("unix:/run/paraph/", "must begin with `/`"),
        ("unix:", "must begin with `/`"),
        (long.as_str(), "at most 107 bytes"),
        ("unix:/a,unix:/a", "stands there twice"),
        ("systemd,systemd", "stands there twice"),
        ("systemd:", "or \"systemd\""),
    ] {
        let faults = Case::new("path")
            .variable("PARAPH__SERVER__LISTEN", listen)
            .variable("PARAPH__SERVER__PUBLIC_URL", "https://sign.acme.example")
            .faults();
        assert!(faults.contains(reason), "{listen}: {faults}");
    }
}

#[test]
fn an_http_address_is_taken_for_loopback_names_only() {
    let case = Case::new("http").variable("PARAPH__SERVER__PUBLIC_URL", "http://sign.acme.example");
    assert!(case.faults().contains("this machine's own names only"));
    for url in [
        "http://localhost:8080",
        "http://sign.localhost",
        "http://127.0.0.1",
        "http://[::1]:8080",
    ] {
        let case = Case::new("http").variable("PARAPH__SERVER__PUBLIC_URL", url);
        assert_eq!(case.load().server.public_url.as_deref(), Some(url));
    }
}

#[test]
fn half_a_mail_server_is_refused_naming_both_halves() {
    let with = |text: &str| Case::new("mail").file(&format!("[mail]\n{text}"));
    assert!(
        with("host = \"smtp.acme.example\"\n")
            .faults()
            .contains("mail.host is set, but mail.from is not")
    );
    assert!(
        with("from = \"a@acme.example\"\n")
            .faults()
            .contains("mail.from is set, but mail.host is not")
    );
    let base = "host = \"smtp.acme.example\"\nfrom = \"Acme <sign@acme.example>\"\n";
    assert!(
        with(&format!("{base}user = \"u\"\n"))
            .faults()
            .contains("mail.user is set, but mail.password is not")
    );
    let clear = with(&format!(
        "{base}user = \"u\"\npassword = \"env:P\"\ntls = \"none\"\n"
    ))
    .variable("P", "x");
    assert!(clear.faults().contains("in clear to mail.host"));
    let good = with(&format!("{base}user = \"u\"\npassword = \"env:P\"\n")).variable("P", "x");
    let mail = good.load().mail.unwrap();
    assert_eq!((mail.port, mail.tls), (587, MailTls::StartTls));
    assert_eq!(mail.login.unwrap().1.text(), Some("x"));
    for (key, value) in [
        ("host", "smtp.acme.example:25"),
        ("from", "acme"),
        ("from", "a@b\\r\\nBcc: c@d"),
        ("tls", "ssl"),
    ] {
        assert!(
            with(&format!("{key} = \"{value}\"\n"))
                .faults()
                .contains(&format!("mail.{key}")),
            "{value}"
        );
    }
}

#[test]
fn a_secret_in_the_file_is_refused_and_shown_nowhere() {
    let faults = Case::new("plain")
        .file("[mail]\npassword = \"hunter2\"\n")
        .faults();
    assert!(
        faults.contains("paraph.toml:2: mail.password: the secret itself doesn't belong here"),
        "{faults}"
    );
    assert!(!faults.contains("hunter2"), "{faults}");
    let faults = Case::new("plain")
        .file("[mail]\npasword = \"hunter2\"\n")
        .faults();
    assert!(
        faults.contains("did you mean `password`?") && !faults.contains("hunter2"),
        "{faults}"
    );
    let faults = Case::new("plain")
        .file("[mail]\npassword = hunter2\n")
        .faults();
    assert!(!faults.contains("hunter2"), "{faults}");
    let faults = Case::new("plain")
        .variable("PARAPH__MAIL__PASSWORD", "hunter2")
        .faults();
    assert!(!faults.contains("hunter2"), "{faults}");
}

#[test]
fn webhooks_never_reach_link_local_multicast_or_everything() {
    for network in [
        "0.0.0.0/0",
        "169.254.0.0/16",
        "224.0.0.0/8",
        "::/0",
        "fe80::/64",
        "255.255.255.255",
    ] {
        let faults = Case::new("networks")
            .variable("PARAPH__WEBHOOKS__ALLOWED_NETWORKS", network)
            .faults();
        assert!(faults.contains("never called"), "{network}: {faults}");
    }
    let case = Case::new("networks").variable(
        "PARAPH__WEBHOOKS__ALLOWED_NETWORKS",
        "10.0.0.0/8,127.0.0.1,::1,fd00::/8",
    );
    assert_eq!(case.load().webhooks.allowed_networks.len(), 4);
}

#[test]
fn a_missing_or_unreadable_file_is_named() {
    let mut case = Case::new("missing");
    case.sources.file = Some(PathBuf::from("nowhere.toml"));
    assert_eq!(case.faults(), "error: nowhere.toml: there is no such file");
    let case = Case::new("latin");
    std::fs::write(case.folder.join("paraph.toml"), [b'#', 0xe9, b'\n']).unwrap();
    let mut case = case;
    case.sources.file = Some(PathBuf::from("paraph.toml"));
    assert_eq!(case.faults(), "error: paraph.toml: not UTF-8 text");
}

#[test]
fn the_caret_stands_right_behind_letters_of_several_bytes_and_tabs() {
    let faults = Case::new("caret")
        .file("[organisation]\nname = \"É\" ; x\n")
        .faults();
    let mut lines = faults.lines().skip(1);
    let (line, caret) = (lines.next().unwrap(), lines.next().unwrap());
    assert_eq!(
        line.chars()
            .nth(caret.chars().count() - caret.matches('^').count()),
        Some(';'),
        "{faults}"
    );
}

#[test]
fn an_unknown_time_zone_or_language_is_told() {
    let faults = Case::new("zone")
        .file("[organisation]\ntime_zone = \"Europe/Atlantis\"\nlocale = \"tlh\"\n")
        .faults();
    assert!(
        faults.contains("paraph.toml:2: organisation.time_zone: no time zone is called"),
        "{faults}"
    );
    assert!(
        faults.contains("paraph.toml:3: organisation.locale: \"tlh\": the languages there are: en"),
        "{faults}"
    );
}
