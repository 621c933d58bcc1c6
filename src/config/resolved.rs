//! What is meant: typed, checked against each other, secrets read, paths absolute. Each part is handed on by value.

use super::secret::Secret;
use crate::domain::contact::EmailAddress;
use crate::domain::network::Network;
use crate::i18n::{Locale, Zone};
use crate::telemetry;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Listeners and the outside's way to them.
    pub server: Server,
    /// Where everything lies.
    pub storage: Storage,
    /// Who asks for signatures.
    pub organisation: Organisation,
    /// The administration pages.
    pub admin: Admin,
    /// Rates of the API.
    pub api: Api,
    /// What is taken as a document.
    pub documents: Documents,
    /// Fonts beside the built-in ones.
    pub fonts: Fonts,
    /// Defaults of envelopes.
    pub envelopes: Envelopes,
    /// Rules of signing.
    pub signing: Signing,
    /// The signers' sessions.
    pub ceremony: Ceremony,
    /// The SMTP server; `None`: mails stay in the outbox.
    pub mail: Option<Mail>,
    /// What webhooks may reach.
    pub webhooks: Webhooks,
    /// Logs.
    pub log: Log,
    /// What works and yet deserves a look, one sentence each.
    pub warnings: Vec<String>,
}

/// `[server]`.
#[derive(Clone, Debug)]
pub struct Server {
    /// At least one.
    pub listen: Vec<Listen>,
    /// Scheme, host, port and path without the last slash; `None`: `http://` and the first TCP address of `listen`, which there
    /// is then.
    pub public_url: Option<String>,
    /// Whose forwarding headers count.
    pub trusted_proxies: Vec<Network>,
    /// Connections at once.
    pub connections_max: usize,
}

impl Server {
    /// The first TCP address.
    pub fn first_address(&self) -> Option<SocketAddr> {
        self.listen.iter().find_map(|place| match place {
            Listen::Tcp(address) => Some(*address),
            Listen::Unix(_) | Listen::Systemd => None,
        })
    }

    /// Whether a proxy ends the TLS in front.
    pub fn is_https(&self) -> bool {
        self.public_url
            .as_ref()
            .is_some_and(|url| url.starts_with("https:"))
    }
}

/// One place to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address; port 0 takes a free one.
    Tcp(SocketAddr),
    /// A Unix socket, by its absolute path.
    Unix(PathBuf),
    /// What systemd hands over (sd_listen_fds(3)).
    Systemd,
}

/// Bytes of a Unix socket's path, at most (unix(7), without the last zero).
const SOCKET_PATH_BYTES_MAX: usize = 107;

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "systemd" {
            return Ok(Self::Systemd);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            if !path.starts_with('/') || path.ends_with('/') {
                return Err("the path of a Unix socket must begin with `/` and end with its name");
            }
            if path.len() > SOCKET_PATH_BYTES_MAX || path.contains('\0') {
                return Err("the path of a Unix socket can have at most 107 bytes");
            }
            return Ok(Self::Unix(PathBuf::from(path)));
        }
        text.parse().map(Self::Tcp).map_err(|_| {
            "an address and a port are wanted, as in \"127.0.0.1:8080\" or \"[::1]:8080\", or \"unix:/run/paraph/http.sock\", or \"systemd\""
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Systemd => f.write_str("systemd"),
        }
    }
}

/// `[storage]`.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Absolute.
    pub data_dir: PathBuf,
    /// Exactly 32 bytes; `None`: the file in `data_dir`, made at the first start.
    pub master_key: Option<Secret>,
    /// Below this uploads are refused.
    pub free_space_bytes_min: u64,
}

/// `[organisation]`.
#[derive(Clone, Debug)]
pub struct Organisation {
    /// As signers see it.
    pub name: Option<String>,
    /// ISO 3166-1 alpha-2, upper case.
    pub country: Option<String>,
    /// For signers who have a question.
    pub contact: Option<EmailAddress>,
    /// Of dates that people read.
    pub time_zone: Zone,
    /// Where the reader asks for none that is there.
    pub locale: Locale,
}

/// `[admin]`.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Empty: everywhere.
    pub allow_from: Vec<Network>,
    /// Without a request.
    pub session_idle: Duration,
    /// In any case.
    pub session_ttl: Duration,
}

/// `[api]`.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    /// Sustained, per key.
    pub requests_per_minute: u32,
    /// At once, per key.
    pub burst: u32,
    /// Failures, per address.
    pub unauthenticated_per_minute: u32,
}

/// `[documents]`.
#[derive(Clone, Copy, Debug)]
pub struct Documents {
    /// One file.
    pub upload_bytes_max: u64,
    /// One file.
    pub pages_max: u32,
    /// At once.
    pub uploads_at_once_max: usize,
}

/// `[fonts]`.
#[derive(Clone, Debug)]
pub struct Fonts {
    /// A font file that is there; `None`: characters outside the built-in fonts are drawn as boxes.
    pub fallback: Option<PathBuf>,
}

/// `[envelopes]`.
#[derive(Clone, Copy, Debug)]
pub struct Envelopes {
    /// From sending to expiry.
    pub expires_after: Duration,
}

/// `[signing]`.
#[derive(Clone, Copy, Debug)]
pub struct Signing {
    /// Whether every signer needs a field.
    pub require_fields: bool,
}

/// `[ceremony]`.
#[derive(Clone, Copy, Debug)]
pub struct Ceremony {
    /// Without a request.
    pub session_idle: Duration,
    /// In any case.
    pub session_ttl: Duration,
}

/// `[mail]`.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Name or address of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: MailTls,
    /// User and password, where the server wants them.
    pub login: Option<(String, Secret)>,
    /// The sender.
    pub from: MailFrom,
}

/// `[mail] from`.
#[derive(Clone, Debug)]
pub struct MailFrom {
    /// Shown before the address.
    pub name: Option<String>,
    /// Where answers and failures go.
    pub address: EmailAddress,
}

/// `[mail] tls`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// In clear.
    None,
    /// Encrypted after a word in clear, or not sent at all.
    StartTls,
    /// Encrypted from the first byte.
    Tls,
}

/// `[webhooks]`.
#[derive(Clone, Debug)]
pub struct Webhooks {
    /// Inside networks that may be called.
    pub allowed_networks: Vec<Network>,
    /// Calls at once.
    pub in_flight_max: usize,
}

/// `[log]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// The form.
    pub format: telemetry::Format,
    /// The threshold.
    pub level: telemetry::Level,
}
