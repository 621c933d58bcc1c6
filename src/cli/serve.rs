//! `paraph serve`

use super::appliance::{setup, told};
use super::{Context, Exit};
use crate::config::{Config, Listen};
use crate::domain::environment::Environment;
use crate::domain::origin::Origin;
use crate::http::body::Patience;
use crate::http::limits::LimitSettings;
use crate::server::listening::{self, ListenError, Listeners};
use crate::server::{Running, StartError, WebSettings, start};
use crate::telemetry;
use actix_web::rt::signal::unix::{SignalKind, signal};

/// Calls a minute for each session of a signer: pages of a long document load many pictures.
pub(super) const SESSION_PER_MINUTE: u32 = 1_200;

pub(super) fn run(context: &mut Context) -> Exit {
    let config = match context.load() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    if let Err(e) = telemetry::start(config.log.format, config.log.level) {
        context.out.note(&format!("no logs: {e}"));
    }
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let is_https = config.server.is_https();
    let listeners = match listening::open(&config.server.listen, is_https) {
        Ok(listeners) => listeners,
        Err(e) => {
            context.out.failure(&e.to_string());
            return match e {
                ListenError::Busy(_) => Exit::Busy,
                ListenError::Address(..) => Exit::Failed,
                // A person has to mend it; another start would not.
                ListenError::NoSocket(_)
                | ListenError::NothingPassed
                | ListenError::Unsuited(_)
                | ListenError::Open(_) => Exit::Configuration,
            };
        }
    };
    if is_https
        && config.server.trusted_proxies.is_empty()
        && config.server.listen.contains(&Listen::Systemd)
        && !listeners.tcp.is_empty()
    {
        tracing::warn!(
            "systemd handed a TCP socket over, and server.trusted_proxies is not set: every request seems to come from the proxy"
        );
    }
    let setup = match setup(context, &config) {
        Ok(setup) => setup,
        Err(exit) => return exit,
    };
    let system = actix_web::rt::System::new();
    // Before the doors open: whoever has had an answer may send a signal, and it must end what stands behind the doors in order.
    let signals = system.block_on(async {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok::<_, std::io::Error>((terminate, interrupt))
    });
    let (mut terminate, mut interrupt) = match signals {
        Ok(signals) => signals,
        Err(e) => {
            context
                .out
                .failure(&format!("signals can't be waited for: {e}"));
            return Exit::Failed;
        }
    };
    let running = match start(setup, web_settings(&config, listeners), true) {
        Ok(running) => running,
        Err(e @ StartError::Locked(_)) => {
            context.out.failure(&e.to_string());
            return Exit::Busy;
        }
        Err(e) => {
            context.out.failure(&told(&e));
            return Exit::Failed;
        }
    };
    welcome(context, &config, &running);
    // Not under systemd: there is nobody to tell.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let watchdog = watchdog(&running);
    system.block_on(futures_util::future::select(
        Box::pin(terminate.recv()),
        Box::pin(interrupt.recv()),
    ));
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    drop(watchdog);
    running.stop();
    Exit::Good
}

pub(super) fn web_settings(config: &Config, listeners: Listeners) -> WebSettings {
    WebSettings {
        listeners,
        limits: LimitSettings {
            requests_per_minute: config.api.requests_per_minute,
            burst: config.api.burst,
            unauthenticated_per_minute: config.api.unauthenticated_per_minute,
            session_per_minute: SESSION_PER_MINUTE,
        },
        patience: Patience::default(),
        trusted_proxies: config.server.trusted_proxies.clone(),
        admin_allow_from: config.admin.allow_from.clone(),
        uploads_at_once_max: config.documents.uploads_at_once_max,
        connections_max: config.server.connections_max,
        threads: std::thread::available_parallelism().map_or(1, |n| n.get()),
    }
}

/// Feeds systemd's watchdog as long as the database answers, until what it gives is dropped.
fn watchdog(running: &Running) -> Option<std::sync::mpsc::Sender<()>> {
    let period = sd_notify::watchdog_enabled()?;
    let (stop, stopped) = std::sync::mpsc::channel();
    let app = running.app.clone();
    let feeding = std::thread::Builder::new()
        .name("watchdog".into())
        .spawn(move || {
            while stopped.recv_timeout(period / 3)
                == Err(std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                if app.readiness().is_ok() {
                    let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
                }
            }
        });
    if let Err(error) = feeding {
        tracing::error!(%error, "the watchdog can't be fed");
    }
    Some(stop)
}

/// What a new administrator needs, once: to standard output, never to the log.
fn welcome(context: &mut Context, config: &Config, running: &Running) {
    let app = &running.app;
    let url = app.public_url().to_owned();
    let data = config.storage.data_dir.display();
    context.out.line(&format!(
        "Paraph {}  data {data}  {url}",
        env!("CARGO_PKG_VERSION")
    ));
    let under_journald = std::env::var_os("JOURNAL_STREAM").is_some();
    match app.is_first_start() {
        Ok(true) if under_journald => {
            context.out.line("  Set up    paraph admin setup-link");
            context
                .out
                .line("  Test key  paraph key create --test --name first");
        }
        Ok(true) => {
            if let Ok(Some(link)) = app.setup_link() {
                context
                    .out
                    .line(&format!("  Set up    {link}  once, 30 minutes"));
            }
            match app.create_key_for(
                Environment::Test,
                "first test key",
                None,
                &Origin::operator(),
            ) {
                Ok(new) => context
                    .out
                    .line(&format!("  Test key  {}  shown once", new.secret)),
                Err(error) => tracing::error!(%error, "the first test key can't be made"),
            }
            context.out.line(&format!(
                "  API       {url}/api/v1, described by {url}/api/v1/openapi.yaml"
            ));
            if config.mail.is_none() {
                context
                    .out
                    .line(&format!("  Mail      captured, {url}/admin/outbox"));
            }
            context
                .out
                .line("  Seal      self-made: readers say \"unknown signer\" until they trust it");
            context.out.line(&format!(
                "  Try       curl -F file=@contract.pdf -H \"Authorization: Bearer $PARAPH_KEY\" {url}/api/v1/documents"
            ));
        }
        Ok(false) => {}
        Err(error) => tracing::error!(%error, "the first start can't be recorded"),
    }
    let _ = std::io::Write::flush(&mut std::io::stdout());
}
