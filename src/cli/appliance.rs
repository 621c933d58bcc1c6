//! From a configuration to an appliance: the master key, the settings, what goes out.

use super::{Context, Exit};
use crate::ambient::{Entropy, SystemClock, SystemEntropy};
use crate::app::{App, Organisation, Settings};
use crate::config::{Config, Mail, MailTls};
use crate::domain::secret::MasterKey;
use crate::outbound::{Guard, HttpPost, Mailbox, Smtp, SmtpLogin, SmtpSettings, SmtpTls};
use crate::server::{self, Setup};
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The master key's file in the data folder, where the configuration names no other place.
const MASTER_KEY_FILE: &str = "master.key";
const MASTER_KEY_BYTES: usize = 32;

/// Puts together what an appliance of this configuration is made of. Makes the data folder and the master key where there are
/// none.
pub(super) fn setup(context: &mut Context, config: &Config) -> Result<Setup, Exit> {
    let public_url = config.server.public_url.clone().unwrap_or_else(|| {
        let first = config
            .server
            .first_address()
            .map_or_else(|| "127.0.0.1:8080".to_owned(), |it| it.to_string());
        format!("http://{first}")
    });
    setup_for(context, config, public_url)
}

/// Likewise, under another address.
pub(super) fn setup_for(
    context: &mut Context,
    config: &Config,
    public_url: String,
) -> Result<Setup, Exit> {
    let entropy = Arc::new(SystemEntropy::new());
    let data_dir = config.storage.data_dir.clone();
    let fault = |context: &mut Context, text: String| {
        context.out.failure(&text);
        Exit::Configuration
    };
    if let Err(e) = make_private_folder(&data_dir) {
        return Err(fault(
            context,
            format!("the data folder {} can't be made: {e}", data_dir.display()),
        ));
    }
    let master_key = match &config.storage.master_key {
        Some(secret) => <[u8; MASTER_KEY_BYTES]>::try_from(secret.expose())
            .map(MasterKey::from_bytes)
            .map_err(|_| "[storage] master_key must hold exactly 32 bytes".to_owned()),
        None => own_master_key(&data_dir, entropy.as_ref()),
    };
    let master_key = master_key.map_err(|text| fault(context, text))?;
    let guard = Guard::new(config.webhooks.allowed_networks.clone());
    let mail = match config.mail.as_ref().map(smtp).transpose() {
        Ok(mail) => mail,
        Err(e) => return Err(fault(context, format!("[mail]: {e}"))),
    };
    let worker_executable =
        std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
    Ok(Setup {
        data_dir,
        master_key,
        settings: settings(config, public_url),
        worker_executable,
        clock: Arc::new(SystemClock::new()),
        entropy,
        post: Arc::new(HttpPost::new(guard.clone(), &[])),
        guard,
        mail,
    })
}

/// Opens the use cases beside a running server, or on an empty database where there is none.
pub(super) fn open(context: &mut Context) -> Result<Arc<App>, Exit> {
    let config = context.load()?;
    let setup = setup(context, &config)?;
    opened(context, setup)
}

/// Opens the use cases of an appliance that is there: for what judges it. A wrong folder must not pass for an empty appliance.
pub(super) fn open_existing(context: &mut Context) -> Result<Arc<App>, Exit> {
    let config = context.load()?;
    let database = server::database(&config.storage.data_dir);
    if !database.is_file() {
        let text = format!(
            "there is no appliance here: {} does not exist; is [storage] data_dir right?",
            database.display()
        );
        context.out.failure(&text);
        return Err(Exit::Failed);
    }
    let setup = setup(context, &config)?;
    opened(context, setup)
}

fn opened(context: &mut Context, setup: Setup) -> Result<Arc<App>, Exit> {
    server::open(setup).map_err(|e| {
        context.out.failure(&told(&e));
        Exit::Failed
    })
}

/// An error with its causes in one line.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    for _ in 0..6 {
        let Some(cause) = next else { break };
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

fn make_private_folder(path: &Path) -> std::io::Result<()> {
    if !path.is_dir() {
        std::fs::create_dir_all(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Reads the key's file, or makes it where there is neither key nor database: 32 random bytes that only the owner may read. A
/// database whose key is gone gets no new one: it could read nothing, and nobody would see why.
fn own_master_key(data_dir: &Path, entropy: &dyn Entropy) -> Result<MasterKey, String> {
    let path = data_dir.join(MASTER_KEY_FILE);
    if let Some(key) = kept_master_key(&path)? {
        return Ok(key);
    }
    if server::database(data_dir).exists() {
        return master_key_beside(data_dir);
    }
    let shown = path.display();
    make_master_key(&path, entropy)
        .map_err(|e| format!("the master key {shown} can't be made: {e}"))?;
    kept_master_key(&path)?.ok_or_else(|| format!("the master key {shown} is gone again"))
}

/// The key in the data folder of a database that is there.
pub(super) fn master_key_beside(data_dir: &Path) -> Result<MasterKey, String> {
    let path = data_dir.join(MASTER_KEY_FILE);
    kept_master_key(&path)?.ok_or_else(|| {
        format!(
            "the master key {} is missing, and {} was made under it: put it back from its backup",
            path.display(),
            server::database(data_dir).display()
        )
    })
}

fn kept_master_key(path: &Path) -> Result<Option<MasterKey>, String> {
    let shown = path.display();
    let unreadable = |e: std::io::Error| format!("the master key {shown} can't be read: {e}");
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unreadable(e)),
    };
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!(
            "the master key {shown} can be read by others (mode {:o}); chmod 600 it",
            mode & 0o777
        ));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    (&mut file)
        .take(MASTER_KEY_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    <[u8; MASTER_KEY_BYTES]>::try_from(bytes.as_slice())
        .map(|bytes| Some(MasterKey::from_bytes(bytes)))
        .map_err(|_| format!("the master key {shown} must hold exactly 32 bytes"))
}

/// Writes a new key beside its place and links it there, whole or not at all. One that another process made meanwhile stays.
fn make_master_key(path: &Path, entropy: &dyn Entropy) -> std::io::Result<()> {
    let mut fresh = Zeroizing::new([0; MASTER_KEY_BYTES]);
    entropy.fill(&mut fresh[..]);
    let mut suffix = [0; 8];
    entropy.fill(&mut suffix);
    let beside = path.with_extension(format!("key.{}", hex::encode(suffix)));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(&fresh[..]).and_then(|()| file.sync_all()))
        .and_then(|()| match std::fs::hard_link(&beside, path) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(e),
            _ => Ok(()),
        });
    let removed = std::fs::remove_file(&beside);
    written.and(removed)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}

fn settings(config: &Config, public_url: String) -> Settings {
    let organisation = &config.organisation;
    Settings {
        public_url: public_url.trim_end_matches('/').to_owned(),
        organisation: Organisation {
            name: organisation
                .name
                .clone()
                .unwrap_or_else(|| "Paraph".to_owned()),
            country: organisation.country.clone(),
            contact: organisation.contact.as_ref().map(ToString::to_string),
            time_zone: organisation.time_zone.clone(),
            locale: organisation.locale,
        },
        upload_bytes_max: config.documents.upload_bytes_max,
        pages_max: config.documents.pages_max,
        free_space_bytes_min: config.storage.free_space_bytes_min,
        envelope_expires_after: config.envelopes.expires_after,
        require_fields: config.signing.require_fields,
        signing_session_idle: config.ceremony.session_idle,
        signing_session_ttl: config.ceremony.session_ttl,
        admin_session_idle: config.admin.session_idle,
        admin_session_ttl: config.admin.session_ttl,
        webhooks_in_flight_max: config.webhooks.in_flight_max,
        font_fallback: config.fonts.fallback.iter().cloned().collect(),
    }
}

pub(super) fn smtp(mail: &Mail) -> Result<Smtp, crate::outbound::SmtpFailure> {
    Smtp::new(SmtpSettings {
        host: mail.host.clone(),
        port: mail.port,
        tls: match mail.tls {
            MailTls::None => SmtpTls::None,
            MailTls::StartTls => SmtpTls::StartTls,
            MailTls::Tls => SmtpTls::Tls,
        },
        login: mail.login.as_ref().map(|(user, password)| SmtpLogin {
            user: user.clone(),
            password: Zeroizing::new(password.text().unwrap_or_default().to_owned()),
        }),
        from: Mailbox {
            name: mail.from.name.clone(),
            address: mail.from.address.clone(),
        },
        extra_roots: Vec::new(),
    })
}
