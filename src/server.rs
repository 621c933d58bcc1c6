//! The composition root: what the configuration says becomes an [`App`], its job threads and its web side; and an ordered stop.

pub mod listening;

use crate::ambient::{Clock, Entropy};
use crate::app::{App, Keyring, Parts, Settings};
use crate::domain::limits;
use crate::domain::network::Network;
use crate::domain::secret::MasterKey;
use crate::http::client::LocalPeer;
use crate::http::limits::{LimitSettings, Limits, Uploads};
use crate::http::middleware::{PublicName, dress};
use crate::http::{Web, body::Patience};
use crate::jobs::Jobs;
use crate::outbound::{Guard, Post, Smtp};
use crate::pdf::text::{FontFile, Fonts};
use crate::store::Store;
use crate::vault::{DirectoryLock, Vault};
use crate::worker::{self, Confinement, Worker};
use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App as WebApp, HttpServer, web};
use listening::{Listeners, SocketFile};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Why the appliance could not start. Each text is for whoever operates it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process has the data folder.
    #[error("another Paraph is running on {0}; stop it, or use another [storage] data_dir")]
    Locked(PathBuf),
    /// A part could not be opened.
    #[error("{what}")]
    Part {
        /// Which part.
        what: &'static str,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn part<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    what: &'static str,
) -> impl FnOnce(E) -> StartError {
    move |cause| StartError::Part {
        what,
        cause: cause.into(),
    }
}

/// Everything that an appliance is made of but the network.
pub struct Setup {
    /// Where it keeps everything; absolute.
    pub data_dir: PathBuf,
    /// The one secret.
    pub master_key: MasterKey,
    /// What use cases need of the configuration.
    pub settings: Settings,
    /// The executable that is run as `pdf-worker`.
    pub worker_executable: PathBuf,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// Sends webhooks.
    pub post: Arc<dyn Post>,
    /// Judges the addresses of webhooks.
    pub guard: Guard,
    /// Sends mail; `None` captures it.
    pub mail: Option<Smtp>,
}

/// Where the database of a data folder is.
pub fn database(data_dir: &Path) -> PathBuf {
    data_dir.join("paraph.db")
}

/// Opens the use cases over a data folder: for `serve` under its lock, for other commands beside it.
pub fn open(setup: Setup) -> Result<Arc<App>, StartError> {
    let database = database(&setup.data_dir);
    let vault = Vault::open(&setup.data_dir).map_err(part("the vault can't be opened"))?;
    let store = Store::open(&database, setup.clock.clone(), setup.entropy.clone())
        .map_err(part("the database can't be opened"))?;
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let limits = worker::Limits::new(cores, setup.settings.upload_bytes_max);
    let worker = Worker::new(
        setup.worker_executable,
        setup.settings.font_fallback.clone(),
        limits,
    );
    let fonts = Fonts::new(font_files(&setup.settings.font_fallback), Vec::new())
        .map_err(part("the fonts can't be used"))?;
    for (file, result) in fonts.check() {
        if let Err(error) = result {
            tracing::warn!(file, %error, "a font of [fonts] fallback can't be used");
        }
    }
    App::new(Parts {
        store,
        vault,
        worker,
        keyring: Keyring::new(&setup.master_key),
        fonts: Arc::new(fonts),
        post: setup.post,
        guard: setup.guard,
        mail: setup.mail,
        clock: setup.clock,
        entropy: setup.entropy,
        settings: setup.settings,
    })
    .map_err(|error| {
        let what = "the appliance can't be put together";
        match error {
            // What strangers would be told says nothing here.
            crate::app::Error::Internal(cause) => StartError::Part { what, cause },
            error => part(what)(error),
        }
    })
}

/// Tells the log whether strangers' files are looked at in a process that can do nothing else.
fn tell_confinement(worker: &Worker) {
    match worker.probe() {
        Ok(Confinement {
            files: true,
            calls: true,
        }) => {
            tracing::info!("the worker process is confined: no files, processes, sockets, signals")
        }
        Ok(Confinement { files, calls }) => tracing::warn!(
            no_files = files,
            no_calls = calls,
            "the worker process is not confined on this system; it takes a kernel with Landlock (5.13) and seccomp"
        ),
        Err(error) => {
            tracing::error!(%error, "the worker process can't be used: no document can be taken in or shown")
        }
    }
}

/// Font files that are read when they are needed.
pub fn font_files(paths: &[PathBuf]) -> Vec<FontFile> {
    paths
        .iter()
        .map(|path| {
            let (label, path) = (path.display().to_string(), path.clone());
            FontFile {
                label,
                index: 0,
                load: Box::new(move || std::fs::read(&path)),
            }
        })
        .collect()
}

/// Use cases that block at once, in all: a full batch of the writer.
const BLOCKING_THREADS: usize = 128;

/// What the web side needs of the configuration.
pub struct WebSettings {
    /// The open doors.
    pub listeners: Listeners,
    /// Numbers of the limiters.
    pub limits: LimitSettings,
    /// How slowly bodies may come.
    pub patience: Patience,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Who may see the administrators' pages; empty: everybody.
    pub admin_allow_from: Vec<Network>,
    /// Uploads at once.
    pub uploads_at_once_max: usize,
    /// Connections at once.
    pub connections_max: usize,
    /// Threads of the web side.
    pub threads: usize,
}

/// A running appliance. Stops in order on [`Running::stop`].
pub struct Running {
    /// The use cases.
    pub app: Arc<App>,
    /// Where it listens by TCP.
    pub addresses: Vec<SocketAddr>,
    handle: ServerHandle,
    web_thread: Option<std::thread::JoinHandle<std::io::Result<()>>>,
    jobs: Option<Jobs>,
    // Sockets' names go once nobody answers there any more, and before another server may have the folder.
    _sockets: Vec<SocketFile>,
    _lock: DirectoryLock,
}

/// Takes the data folder for this process alone.
pub fn lock(data_dir: &Path) -> Result<DirectoryLock, StartError> {
    std::fs::create_dir_all(data_dir).map_err(part("the data folder can't be made"))?;
    match DirectoryLock::acquire(data_dir) {
        Ok(lock) => Ok(lock),
        Err(crate::vault::Error::Busy) => Err(StartError::Locked(data_dir.to_owned())),
        Err(error) => Err(part("the data folder can't be locked")(error)),
    }
}

/// Starts the appliance: recovers what a crash left, then jobs, then the doors. `with_jobs`: false leaves the queues to the
/// caller, who drains them.
pub fn start(setup: Setup, web: WebSettings, with_jobs: bool) -> Result<Running, StartError> {
    let lock = lock(&setup.data_dir)?;
    let database = database(&setup.data_dir);
    crate::store::migrate(&database, setup.clock.now())
        .map_err(part("the database can't be brought up to date"))?;
    let clock = setup.clock.clone();
    let app = open(setup)?;
    app.recover()
        .map_err(part("what the last run left can't be settled"))?;
    app.record_start()
        .map_err(part("the start can't be recorded"))?;
    tell_confinement(&app.worker);
    // The test environment can seal from the first minute on.
    app.expect_seal(crate::domain::environment::Environment::Test)
        .map_err(part("the test seal can't be made"))?;
    let jobs = with_jobs.then(|| Jobs::start(&app));
    let state = web::Data::new(Web {
        app: app.clone(),
        limits: Limits::new(clock.clone(), web.limits),
        uploads: Uploads::new(web.uploads_at_once_max),
        large_bodies: Uploads::new(limits::LARGE_BODIES_AT_ONCE_MAX),
        public: PublicName::of(app.public_url()),
        patience: web.patience,
        trusted_proxies: web.trusted_proxies,
        admin_allow_from: web.admin_allow_from,
        clock,
    });
    let Listeners { tcp, unix, files } = web.listeners;
    let addresses = tcp.iter().filter_map(|l| l.local_addr().ok()).collect();
    let (threads, connections_max) = (web.threads.max(1), web.connections_max);
    let (tell, told) = std::sync::mpsc::channel();
    let web_thread = std::thread::Builder::new()
        .name("web".into())
        .spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let mut server = HttpServer::new(move || {
                    WebApp::new()
                        .app_data(state.clone())
                        .wrap(Compress::default())
                        .wrap(from_fn(dress))
                        .configure(crate::http::routes)
                })
                .workers(threads)
                .worker_max_blocking_threads((BLOCKING_THREADS / threads).max(8))
                .max_connections((connections_max / threads).max(16))
                .client_request_timeout(Duration::from_secs(5))
                .keep_alive(Duration::from_secs(60))
                .shutdown_timeout(20)
                .on_connect(|connection, data| {
                    if connection.is::<actix_web::rt::net::UnixStream>() {
                        data.insert(LocalPeer);
                    }
                })
                .disable_signals();
                for listener in tcp {
                    server = server.listen(listener)?;
                }
                for listener in unix {
                    server = server.listen_uds(listener)?;
                }
                let server = server.run();
                // The other side waits for this; it can't be gone.
                let _ = tell.send(server.handle());
                server.await
            })
        })
        .map_err(part("the web thread can't be started"))?;
    let handle = told.recv().map_err(part("the web side did not start"))?;
    app.set_ready(true);
    Ok(Running {
        app,
        addresses,
        handle,
        web_thread: Some(web_thread),
        jobs,
        _sockets: files,
        _lock: lock,
    })
}

impl Running {
    /// Stops in order: no new requests, running ones end, then the jobs, then the record.
    pub fn stop(mut self) {
        self.app.set_ready(false);
        self.stop_web();
        if let Some(jobs) = self.jobs.take() {
            jobs.stop();
        }
        if let Err(error) = self.app.record_stop() {
            tracing::warn!(%error, "the stop could not be recorded");
        }
    }

    fn stop_web(&mut self) {
        if let Some(thread) = self.web_thread.take() {
            let stopping = self.handle.stop(true);
            actix_web::rt::System::new().block_on(stopping);
            if let Ok(Err(error)) = thread.join() {
                tracing::error!(%error, "the web side ended with an error");
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop_web();
        if let Some(jobs) = self.jobs.take() {
            jobs.stop();
        }
    }
}
