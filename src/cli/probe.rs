//! `paraph check-config --probe`: reaches what is configured, changes nothing, and says in plain words what doesn't work.

use super::appliance::{master_key_beside, setup, smtp, told};
use super::contract;
use super::healthcheck::{ask, ask_socket, reachable};
use super::{Context, Exit};
use crate::ambient::{Clock as _, SystemClock};
use crate::app::App;
use crate::config::{Config, Listen, Mail, MailTls, units};
use crate::pdf::text::Fonts;
use crate::server::{self, StartError};
use crate::worker::{Limits, Worker};
use rustix::fs::{Access, MemfdFlags, StatVfs};
use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::net::{TcpListener, ToSocketAddrs as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

/// How long one check may take: longer than a page reader may, or a mail server that is alive.
const PATIENCE: Duration = Duration::from_secs(20);
/// Seconds since 1970 when this program was young: an earlier clock is wrong. 2026-01-01.
const BIRTH_SECONDS: i64 = 1_767_225_600;
/// Seconds by which another clock of the same machine may be ahead (a file system's).
const CLOCK_SLACK_SECONDS: i64 = 5;

/// What to do about it.
const AS_SERVICE: &str =
    "run the probe as the service's user: `runuser -u paraph -- paraph check-config --probe`";

/// How one thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    Warning,
    Fault,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Fault => "FAULT",
        }
    }
}

/// What was found of one thing.
struct Finding {
    what: &'static str,
    verdict: Verdict,
    text: String,
}

impl Finding {
    fn good(what: &'static str, text: impl Into<String>) -> Self {
        Self::new(what, Verdict::Good, text)
    }

    fn warning(what: &'static str, text: impl Into<String>) -> Self {
        Self::new(what, Verdict::Warning, text)
    }

    fn fault(what: &'static str, text: impl Into<String>) -> Self {
        Self::new(what, Verdict::Fault, text)
    }

    fn new(what: &'static str, verdict: Verdict, text: impl Into<String>) -> Self {
        Self {
            what,
            verdict,
            text: text.into(),
        }
    }
}

/// A check of the configuration, and what it is called where it fails to answer.
type Check = (&'static str, fn(&Config) -> Vec<Finding>);

/// In the order of what stands on what.
const CHECKS: [Check; 7] = [
    ("clock", |config| vec![clock(config)]),
    ("data folder", data_folder),
    ("listen", listen),
    ("public_url", public_url),
    ("mail", |config| vec![mail(config)]),
    ("fonts", fonts),
    ("page reader", |config| vec![worker(config)]),
];

/// Probes everything and tells each finding as it comes. What was found in all: the worst of it as an exit, and all of it as JSON.
pub(super) fn run(context: &mut Context, config: &Config) -> (Exit, Vec<serde_json::Value>) {
    let mut worst = Exit::Good;
    let mut all = Vec::new();
    let mut tell = |context: &mut Context, findings: Vec<Finding>| {
        for finding in findings {
            let word = finding.verdict.word();
            worst = match (finding.verdict, worst) {
                (Verdict::Fault, _) | (_, Exit::Failed) => Exit::Failed,
                (Verdict::Warning, _) | (_, Exit::Warnings) => Exit::Warnings,
                _ => Exit::Good,
            };
            if !context.out.is_json() {
                let line = format!("{word:<8} {:<12} {}", finding.what, finding.text);
                context.out.line(&line);
            }
            all.push(serde_json::json!({
                "what": finding.what, "verdict": word.to_lowercase(), "text": finding.text,
            }));
        }
    };
    for (what, check) in CHECKS {
        let config = config.clone();
        tell(context, within(PATIENCE, what, move || check(&config)));
    }
    match existing(context, config) {
        Ok(None) => {}
        Ok(Some(app)) => {
            let keys = app.clone();
            let found = within(PATIENCE, "master key", move || vec![keys_open(&keys)]);
            tell(context, found);
            tell(
                context,
                within(PATIENCE, "webhooks", move || webhooks(&app)),
            );
        }
        Err(finding) => tell(context, vec![finding]),
    }
    (worst, all)
}

/// Does a check aside; one that hangs is left behind and told.
fn within(
    patience: Duration,
    what: &'static str,
    check: impl FnOnce() -> Vec<Finding> + Send + 'static,
) -> Vec<Finding> {
    let (tell, told) = mpsc::sync_channel(1);
    let spawned = std::thread::Builder::new()
        .name("probe".to_owned())
        .spawn(move || {
            // Nobody listens any more when time was up.
            let _ = tell.send(check());
        });
    if let Err(e) = spawned {
        return vec![Finding::fault(what, format!("no thread can be made: {e}"))];
    }
    match told.recv_timeout(patience) {
        Ok(findings) => findings,
        Err(mpsc::RecvTimeoutError::Timeout) => {
            let text = format!("no answer within {} seconds", patience.as_secs());
            vec![Finding::fault(what, text)]
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            vec![Finding::fault(what, "the check itself failed; run with -v")]
        }
    }
}

// ---------------------------------------------------------------- the machine

fn clock(config: &Config) -> Finding {
    let now = SystemClock::new().now();
    if now.as_seconds() < BIRTH_SECONDS {
        return Finding::fault(
            "clock",
            format!("{now}: this program is younger; set the clock, and have NTP keep it"),
        );
    }
    let database = server::database(&config.storage.data_dir);
    for path in [database.with_extension("db-wal"), database] {
        let changed = std::fs::metadata(&path).map(|it| it.mtime());
        if changed.is_ok_and(|at| at > now.as_seconds() + CLOCK_SLACK_SECONDS) {
            return Finding::fault(
                "clock",
                format!(
                    "{now}: {} was changed later than that; set the clock, and have NTP keep it",
                    path.display()
                ),
            );
        }
    }
    Finding::good("clock", now.to_string())
}

fn data_folder(config: &Config) -> Vec<Finding> {
    const WHAT: &str = "data folder";
    let folder = &config.storage.data_dir;
    let shown = folder.display();
    let standing = folder.ancestors().find(|it| it.exists());
    let Some(standing) = standing else {
        return vec![Finding::fault(WHAT, format!("{shown} can't be made"))];
    };
    let mut findings = Vec::new();
    if standing != folder {
        let may = rustix::fs::access(standing, Access::WRITE_OK | Access::EXEC_OK);
        findings.push(match may {
            Ok(()) => Finding::good(WHAT, format!("{shown} will be made at the first start")),
            Err(e) => Finding::fault(
                WHAT,
                format!(
                    "{shown} can't be made: {} can't be written to: {}",
                    standing.display(),
                    io::Error::from(e)
                ),
            ),
        });
    } else if is_anothers(folder) {
        findings.push(Finding::warning(
            WHAT,
            format!("not tried: {shown} belongs to another user; {AS_SERVICE}"),
        ));
    } else {
        findings.push(match try_writing(folder) {
            Err(e) => Finding::fault(WHAT, format!("{shown} can't be written to: {e}")),
            Ok(mode) if mode & 0o077 != 0 => Finding::warning(
                WHAT,
                format!(
                    "{shown} is open to others (mode {:o}); chmod 700 it",
                    mode & 0o777
                ),
            ),
            Ok(_) => Finding::good(WHAT, format!("{shown} can be written to")),
        });
    }
    findings.push(match rustix::fs::statvfs(standing) {
        Ok(stat) => free_space(&stat, config.storage.free_space_bytes_min),
        Err(e) => Finding::fault("disk", io::Error::from(e).to_string()),
    });
    findings
}

/// Writes, flushes and removes a file of its own. The folder's mode.
fn try_writing(folder: &Path) -> io::Result<u32> {
    let mode = std::fs::metadata(folder)?.mode();
    let path = folder.join(format!(".probe-{}", std::process::id()));
    let mut file = File::create_new(&path)?;
    let written = file.write_all(b"probe").and_then(|()| file.sync_all());
    std::fs::remove_file(&path)?;
    written.map(|()| mode)
}

/// Whether root looks at what the service's user owns: root may write anywhere, which proves nothing, and must not leave files there.
fn is_anothers(path: &Path) -> bool {
    let us = rustix::process::geteuid();
    us.is_root() && std::fs::metadata(path).is_ok_and(|it| it.uid() != us.as_raw())
}

fn free_space(stat: &StatVfs, bytes_min: u64) -> Finding {
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let least = units::bytes_text(bytes_min);
    let text = format!("{} MiB free", free >> 20);
    if free < bytes_min {
        Finding::fault(
            "disk",
            format!("{text}: under [storage] free_space_min ({least}) uploads are refused"),
        )
    } else if free < bytes_min.saturating_mul(2) {
        Finding::warning("disk", format!("{text}: uploads are refused under {least}"))
    } else {
        Finding::good("disk", text)
    }
}

fn listen(config: &Config) -> Vec<Finding> {
    const WHAT: &str = "listen";
    let may_open = |place: &Listen| match place {
        Listen::Systemd => Finding::good(WHAT, "systemd hands the sockets over"),
        Listen::Tcp(address) => match TcpListener::bind(address) {
            Ok(_) => Finding::good(WHAT, format!("{place} is free")),
            Err(e) if e.kind() == io::ErrorKind::AddrInUse => {
                match ask(&format!("http://{}/healthz", reachable(*address))) {
                    Ok(()) => Finding::good(WHAT, format!("{place} is served")),
                    Err(e) => {
                        Finding::fault(WHAT, format!("{place} is taken by another program: {e}"))
                    }
                }
            }
            Err(e) => Finding::fault(WHAT, format!("{place}: {e}")),
        },
        Listen::Unix(path) if path.exists() => {
            let is_socket =
                std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
            match ask_socket(&path.display().to_string()) {
                Ok(()) => Finding::good(WHAT, format!("{place} is served")),
                Err(_) if is_socket => Finding::good(
                    WHAT,
                    format!("{place} is there and nobody answers: the next start replaces it"),
                ),
                Err(_) => Finding::fault(
                    WHAT,
                    format!("{place}: there is something that is no socket"),
                ),
            }
        }
        Listen::Unix(path) => {
            let folder = path.parent().unwrap_or(Path::new("/"));
            match rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK) {
                Ok(()) => Finding::good(WHAT, format!("{place} can be made")),
                Err(e) => Finding::fault(
                    WHAT,
                    format!(
                        "{place}: {} can't be written to: {}",
                        folder.display(),
                        io::Error::from(e)
                    ),
                ),
            }
        }
    };
    config.server.listen.iter().map(may_open).collect()
}

fn public_url(config: &Config) -> Vec<Finding> {
    const WHAT: &str = "public_url";
    let Some(url) = &config.server.public_url else {
        return Vec::new();
    };
    let Some(host) = url
        .parse::<ureq::http::Uri>()
        .ok()
        .and_then(|it| it.host().map(str::to_owned))
    else {
        return Vec::new();
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found = (bare, 443).to_socket_addrs().map(|mut it| it.next());
    vec![match found {
        Ok(Some(_)) => Finding::good(WHAT, format!("{bare} is known here")),
        // Inside a network its own name may mean nothing.
        Ok(None) | Err(_) => Finding::warning(
            WHAT,
            format!("the name {bare} can't be resolved from this machine; can its readers?"),
        ),
    }]
}

// ---------------------------------------------------------------- what it talks to, draws with, keeps

fn mail(config: &Config) -> Finding {
    const WHAT: &str = "mail";
    let Some(settings) = &config.mail else {
        return Finding::good(WHAT, "[mail] host is not set: mails stay in the outbox");
    };
    let Mail { host, port, .. } = settings;
    match smtp(settings).and_then(|smtp| smtp.probe()) {
        Ok(()) => {
            let way = match settings.tls {
                MailTls::None => "in clear",
                MailTls::StartTls | MailTls::Tls => "encrypted",
            };
            let login = match &settings.login {
                Some((user, _)) => format!(", logged in as {user}"),
                None => String::new(),
            };
            Finding::good(WHAT, format!("{host}:{port} answers, {way}{login}"))
        }
        Err(e) => Finding::fault(WHAT, format!("{host}:{port}: {}", e.reason())),
    }
}

fn fonts(config: &Config) -> Vec<Finding> {
    const WHAT: &str = "fonts";
    let Some(path) = &config.fonts.fallback else {
        return vec![Finding::good(
            WHAT,
            "Latin, Greek, Cyrillic; other letters are drawn as boxes: install fonts-noto-cjk, or set [fonts] fallback",
        )];
    };
    let fonts = match Fonts::new(server::font_files(std::slice::from_ref(path)), Vec::new()) {
        Ok(fonts) => fonts,
        Err(e) => return vec![Finding::fault(WHAT, told(&e))],
    };
    let judged = fonts
        .check()
        .into_iter()
        .map(|(file, result)| match result {
            Ok(()) => Finding::good(WHAT, format!("{file} can be used")),
            Err(e) => Finding::fault(WHAT, format!("{file}: {}", told(&e))),
        });
    judged.collect()
}

fn worker(config: &Config) -> Finding {
    const WHAT: &str = "page reader";
    let executable = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
    let worker = Worker::new(
        executable,
        config.fonts.fallback.iter().cloned().collect(),
        Limits::new(1, config.documents.upload_bytes_max),
    );
    let confinement = match worker.probe() {
        Ok(confinement) => confinement,
        Err(e) => return Finding::fault(WHAT, told(&e)),
    };
    let drawn = sample().map_err(|e| e.to_string()).and_then(|file| {
        let drawn = worker.render(&file, 1, 1, 1000).map_err(|e| told(&e))?;
        match drawn.pages.first() {
            Some(page) if page.media_type.is_some() && !page.bytes.is_empty() => Ok(()),
            _ => Err("the sample's page could not be drawn".to_owned()),
        }
    });
    match drawn {
        Err(e) => Finding::fault(WHAT, e),
        Ok(()) if confinement.files && confinement.calls => {
            Finding::good(WHAT, "starts, draws a page, and is locked in")
        }
        Ok(()) => {
            let missing = match (confinement.files, confinement.calls) {
                (false, false) => "Landlock nor seccomp",
                (false, true) => "Landlock",
                _ => "seccomp",
            };
            Finding::warning(
                WHAT,
                format!("starts and draws a page, but this kernel has no {missing} to lock it in"),
            )
        }
    }
}

/// The sample contract in memory.
fn sample() -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("sample", MemfdFlags::CLOEXEC)?);
    file.write_all(&contract::sample())?;
    file.rewind()?;
    Ok(file)
}

/// The appliance on the data that is there; `None` before the first start. Nothing is made.
fn existing(context: &mut Context, config: &Config) -> Result<Option<Arc<App>>, Finding> {
    const WHAT: &str = "database";
    let folder = &config.storage.data_dir;
    let database = server::database(folder);
    if !database.exists() {
        return Ok(None);
    }
    if is_anothers(&database) {
        return Err(Finding::warning(
            WHAT,
            format!(
                "left alone: {} belongs to another user; {AS_SERVICE}",
                database.display()
            ),
        ));
    }
    if config.storage.master_key.is_none()
        && let Err(e) = master_key_beside(folder)
    {
        return Err(Finding::fault("master key", e));
    }
    let setup = setup(context, config)
        .map_err(|_| Finding::fault(WHAT, "the appliance can't be put together"))?;
    match server::open(setup) {
        Ok(app) => Ok(Some(app)),
        Err(StartError::Part { cause, .. })
            if matches!(
                cause.downcast_ref::<crate::store::Error>(),
                Some(crate::store::Error::OlderSchema { .. })
            ) =>
        {
            Err(Finding::warning(
                WHAT,
                "of an earlier version: the next start copies it and brings it up to date",
            ))
        }
        Err(e) => Err(Finding::fault(WHAT, told(&e))),
    }
}

fn keys_open(app: &App) -> Finding {
    match app.probe_keys() {
        Ok(0) => Finding::good(
            "master key",
            "can be read; nothing is encrypted under it yet",
        ),
        Ok(n) => Finding::good("master key", format!("opens the {n} private keys")),
        Err(e) => Finding::fault("master key", told(&e)),
    }
}

fn webhooks(app: &App) -> Vec<Finding> {
    const WHAT: &str = "webhooks";
    match app.probe_webhooks() {
        Ok(receivers) => receivers
            .into_iter()
            .map(|it| match it.refused {
                None => Finding::good(WHAT, format!("{} ({})", it.host, it.environment)),
                Some(e) => Finding::fault(WHAT, format!("{} ({}): {e}", it.host, it.environment)),
            })
            .collect(),
        Err(e) => vec![Finding::fault(WHAT, told(&e))],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_hangs_or_breaks_is_a_fault_and_holds_nothing_up() {
        let (_held, released) = mpsc::channel::<()>();
        let hangs = within(Duration::from_millis(10), "mail", move || {
            let _ = released.recv();
            Vec::new()
        });
        assert_eq!(hangs.len(), 1);
        assert_eq!(hangs[0].verdict, Verdict::Fault);
        assert!(hangs[0].text.contains("no answer"), "{}", hangs[0].text);
        let breaks = within(PATIENCE, "mail", || panic!("a test's own"));
        assert_eq!(breaks[0].verdict, Verdict::Fault);
        let good = within(PATIENCE, "mail", || vec![Finding::good("mail", "there")]);
        assert_eq!((good.len(), good[0].verdict), (1, Verdict::Good));
    }
}
