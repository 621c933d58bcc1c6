//! From what was typed to what is meant: every value read, every pair that must agree compared.

use super::address::{PublicUrl, is_loopback};
use super::fault::Faults;
use super::layers::Layered;
use super::resolved::{
    Admin, Api, Ceremony, Config, Documents, Envelopes, Fonts, Listen, Log, Mail, MailFrom,
    MailTls, Organisation, Server, Signing, Storage, Webhooks,
};
use super::secret::Places;
use super::values::{bytes, choice, networks, number, ordered, span};
use crate::domain::contact::EmailAddress;
use crate::domain::network::Network;
use crate::domain::{limits, text};
use crate::i18n::{Locale, Zone};
use crate::telemetry::{Format, Level};
use std::path::{Path, PathBuf};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Where distributions put Noto Sans CJK: Debian and Ubuntu, Fedora, Arch, openSUSE, Alpine.
const FALLBACK_FONTS: [&str; 6] = [
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto/NotoSansCJK-Regular.ttc",
];

/// Networks that no setting opens: they mean nobody, this link, or many at once.
const NEVER_ALLOWED: [Network; 7] = [
    Network::v4(0, 0, 0, 0, 8),
    Network::v4(169, 254, 0, 0, 16),
    Network::v4(224, 0, 0, 0, 4),
    Network::v4(255, 255, 255, 255, 32),
    Network::v6(0xfe80, 0, 10),
    Network::v6(0xff00, 0, 8),
    UNSPECIFIED_V6,
];
const UNSPECIFIED_V6: Network = Network::v6(0, 0, 128);

/// Reads all values. Faults go into `layered`; a value that has one is replaced by something harmless.
pub(super) fn resolve(
    mut layered: Layered,
    places: &Places<'_>,
    working_directory: &Path,
) -> Result<Config, Faults> {
    let raw = layered.raw.clone();
    let it = &mut layered;
    let mut warnings = Vec::new();

    let server = server(it, &raw.server, &mut warnings);
    let storage = Storage {
        data_dir: match raw.storage.data_dir.as_str() {
            "" => {
                it.refuse("storage.data_dir", "a folder is wanted");
                PathBuf::new()
            }
            path => plain_path(&working_directory.join(path)),
        },
        master_key: optional(&raw.storage.master_key).and_then(|text| {
            places
                .read_key(text)
                .map_err(|e| it.refuse("storage.master_key", &e))
                .ok()
        }),
        free_space_bytes_min: bytes(
            it,
            "storage.free_space_min",
            &raw.storage.free_space_min,
            0..=1 << 50,
        ),
    };
    let organisation = organisation(it, &raw.organisation);
    let admin = Admin {
        allow_from: networks(it, "admin.allow_from", &raw.admin.allow_from),
        session_idle: span(
            it,
            "admin.session_idle",
            &raw.admin.session_idle,
            MINUTE..=DAY,
        ),
        session_ttl: span(
            it,
            "admin.session_max",
            &raw.admin.session_max,
            MINUTE..=DAY * 30,
        ),
    };
    ordered(
        it,
        "admin.session_idle",
        admin.session_idle,
        "admin.session_max",
        admin.session_ttl,
    );
    let api = Api {
        requests_per_minute: number(
            it,
            "api.requests_per_minute",
            raw.api.requests_per_minute,
            1..=1_000_000,
        ),
        burst: number(it, "api.burst", raw.api.burst, 1..=1_000_000),
        unauthenticated_per_minute: number(
            it,
            "api.unauthenticated_per_minute",
            raw.api.unauthenticated_per_minute,
            1..=100_000,
        ),
    };
    let documents = Documents {
        upload_bytes_max: bytes(
            it,
            "documents.upload_max",
            &raw.documents.upload_max,
            1_000..=500_000_000,
        ),
        pages_max: number(
            it,
            "documents.pages_max",
            raw.documents.pages_max,
            1..=10_000,
        ),
        uploads_at_once_max: number(
            it,
            "documents.uploads_at_once_max",
            raw.documents.uploads_at_once_max,
            1..=256,
        ) as usize,
    };
    let fonts = Fonts {
        fallback: fallback_font(it, &raw.fonts.fallback),
    };
    let envelopes = Envelopes {
        expires_after: span(
            it,
            "envelopes.expires_after",
            &raw.envelopes.expires_after,
            HOUR..=DAY * 3_660,
        ),
    };
    let signing = Signing {
        require_fields: raw.signing.require_fields,
    };
    let ceremony = Ceremony {
        session_idle: span(
            it,
            "ceremony.session_idle",
            &raw.ceremony.session_idle,
            MINUTE..=DAY,
        ),
        session_ttl: span(
            it,
            "ceremony.session_max",
            &raw.ceremony.session_max,
            MINUTE..=DAY * 30,
        ),
    };
    ordered(
        it,
        "ceremony.session_idle",
        ceremony.session_idle,
        "ceremony.session_max",
        ceremony.session_ttl,
    );
    let mail = mail(it, &raw.mail, places);
    let webhooks = Webhooks {
        allowed_networks: networks(
            it,
            "webhooks.allowed_networks",
            &raw.webhooks.allowed_networks,
        ),
        in_flight_max: number(
            it,
            "webhooks.in_flight_max",
            raw.webhooks.in_flight_max,
            1..=1_024,
        ) as usize,
    };
    for network in &webhooks.allowed_networks {
        if let Some(never) = NEVER_ALLOWED.iter().find(|never| never.overlaps(network)) {
            let message = format!(
                "{network} takes in {never}: unspecified, link-local, multicast and broadcast addresses are never called"
            );
            it.refuse("webhooks.allowed_networks", &message);
        }
    }
    let log = Log {
        format: choice(
            it,
            "log.format",
            &raw.log.format,
            Format::Auto,
            &[
                ("auto", Format::Auto),
                ("json", Format::Json),
                ("pretty", Format::Pretty),
                ("journald", Format::Journald),
            ],
        ),
        level: choice(
            it,
            "log.level",
            &raw.log.level,
            Level::Info,
            &[
                ("error", Level::Error),
                ("warn", Level::Warn),
                ("info", Level::Info),
                ("debug", Level::Debug),
                ("trace", Level::Trace),
            ],
        ),
    };
    if server
        .public_url
        .as_ref()
        .is_some_and(|url| url.starts_with("https"))
    {
        if mail.is_none() {
            warnings.push(
                "mail.host is not set: invitations stay in the outbox, nobody gets a mail"
                    .to_owned(),
            );
        }
        if organisation.name.is_none() {
            warnings.push(
                "organisation.name is not set: signers don't see who asks them to sign".to_owned(),
            );
        }
    }

    if layered.faults.is_empty() {
        Ok(Config {
            server,
            storage,
            organisation,
            admin,
            api,
            documents,
            fonts,
            envelopes,
            signing,
            ceremony,
            mail,
            webhooks,
            log,
            warnings,
        })
    } else {
        layered.faults.sort();
        Err(layered.faults)
    }
}

fn server(it: &mut Layered, raw: &super::raw::RawServer, warnings: &mut Vec<String>) -> Server {
    let mut listen: Vec<Listen> = Vec::new();
    if raw.listen.is_empty() {
        it.refuse(
            "server.listen",
            "at least one address is wanted, as in \"127.0.0.1:8080\"",
        );
    }
    for text in &raw.listen {
        match text.parse::<Listen>() {
            Ok(Listen::Tcp(any)) if any.port() == 0 => listen.push(Listen::Tcp(any)),
            Ok(place) if listen.contains(&place) => {
                it.refuse("server.listen", &format!("\"{text}\" stands there twice"));
            }
            Ok(place) => listen.push(place),
            Err(e) => it.refuse("server.listen", &format!("\"{text}\": {e}")),
        }
    }
    let public_url = optional(&raw.public_url).and_then(|text| match PublicUrl::parse(text) {
        Ok(url) if !url.is_https && !url.is_loopback => {
            it.refuse(
                "server.public_url",
                "http is taken for this machine's own names only: links and sessions would cross the network in clear",
            );
            None
        }
        Ok(url) => Some(url),
        Err(e) => {
            it.refuse("server.public_url", e);
            None
        }
    });
    let trusted_proxies = networks(it, "server.trusted_proxies", &raw.trusted_proxies);
    let addresses = || {
        listen.iter().filter_map(|place| match place {
            Listen::Tcp(address) => Some(*address),
            Listen::Unix(_) | Listen::Systemd => None,
        })
    };
    let open = addresses().find(|address| !address.ip().to_canonical().is_loopback());
    let is_https = public_url.as_ref().is_some_and(|url| url.is_https);
    if let Some(open) = open.filter(|_| !is_https) {
        let listen_at = it.origin("server.listen");
        let url_at = it.origin("server.public_url");
        it.refuse_together(
            &["server.listen", "server.public_url"],
            &format!(
                "server.listen ({listen_at}) has {open}, which others can reach, so server.public_url ({url_at}) must be the https address of the proxy in front of it"
            ),
        );
    }
    if !listen.is_empty() && addresses().next().is_none() && raw.public_url.is_empty() {
        it.refuse_together(
            &["server.listen", "server.public_url"],
            "server.listen has no address that links could carry, so server.public_url must say under which one this appliance is reached",
        );
    }
    // Whoever reaches a Unix socket is believed by its file's mode.
    if is_https && trusted_proxies.is_empty() && addresses().next().is_some() {
        warnings.push(
            "server.trusted_proxies is not set although server.public_url is https: every request seems to come from the proxy's address, in limits and in the evidence"
                .to_owned(),
        );
    }
    Server {
        listen,
        public_url: public_url.map(|url| url.text),
        trusted_proxies,
        connections_max: number(
            it,
            "server.connections_max",
            raw.connections_max,
            16..=1_000_000,
        ) as usize,
    }
}

fn organisation(it: &mut Layered, raw: &super::raw::RawOrganisation) -> Organisation {
    // RFC 5280 appendix A.1: ub-organization-name is 64.
    let name = optional(raw.name.trim()).and_then(|name| {
        text::line(name, 64)
            .map_err(|e| it.refuse("organisation.name", &format!("the name {e}")))
            .ok()
    });
    let country = optional(&raw.country).map(str::to_ascii_uppercase);
    if let Some(code) = &country
        && !(code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()))
    {
        it.refuse(
            "organisation.country",
            "two letters are wanted, as in \"FR\"",
        );
    }
    let contact = optional(&raw.contact).and_then(|contact| {
        contact
            .parse::<EmailAddress>()
            .map_err(|e| it.refuse("organisation.contact", &format!("\"{contact}\" {e}")))
            .ok()
    });
    let time_zone = Zone::new(&raw.time_zone).unwrap_or_else(|e| {
        it.refuse("organisation.time_zone", &e.to_string());
        Zone::utc()
    });
    let locale = Locale::from_tag(&raw.locale).unwrap_or_else(|| {
        let tags: Vec<&str> = Locale::ALL.iter().map(|it| it.tag()).collect();
        let message = format!(
            "\"{}\": the languages there are: {}",
            raw.locale,
            tags.join(", ")
        );
        it.refuse("organisation.locale", &message);
        Locale::default()
    });
    Organisation {
        name,
        country,
        contact,
        time_zone,
        locale,
    }
}

fn mail(it: &mut Layered, raw: &super::raw::RawMail, places: &Places<'_>) -> Option<Mail> {
    let port = number(it, "mail.port", raw.port, 1..=65_535) as u16;
    let tls = choice(
        it,
        "mail.tls",
        &raw.tls,
        MailTls::StartTls,
        &[
            ("starttls", MailTls::StartTls),
            ("tls", MailTls::Tls),
            ("none", MailTls::None),
        ],
    );
    let host = optional(&raw.host);
    if let Some(host) = host {
        let plain = host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'_'));
        if !plain || (host.contains(':') && host.parse::<std::net::Ipv6Addr>().is_err()) {
            it.refuse(
                "mail.host",
                "a name or an address without port is wanted; the port has its own key",
            );
        }
    }
    let from = optional(&raw.from).and_then(|from| {
        let read = sender(from);
        if read.is_none() {
            it.refuse(
                "mail.from",
                "an address is wanted, as in \"sign@acme.example\" or \"Acme <sign@acme.example>\"",
            );
        }
        read
    });
    match (host, optional(&raw.from)) {
        (None, Some(_)) => it.refuse_together(
            &["mail.from", "mail.host"],
            "mail.from is set, but mail.host is not",
        ),
        (Some(_), None) => it.refuse_together(
            &["mail.host", "mail.from"],
            "mail.host is set, but mail.from is not",
        ),
        _ => {}
    }
    let user = optional(&raw.user);
    let password = optional(&raw.password).and_then(|text| {
        places
            .read_line(text)
            .map_err(|e| it.refuse("mail.password", &e))
            .ok()
    });
    match (user, optional(&raw.password)) {
        (Some(_), None) => it.refuse_together(
            &["mail.user", "mail.password"],
            "mail.user is set, but mail.password is not",
        ),
        (None, Some(_)) => it.refuse_together(
            &["mail.password", "mail.user"],
            "mail.password is set, but mail.user is not",
        ),
        _ => {}
    }
    if user.is_some() && host.is_none() {
        it.refuse_together(
            &["mail.user", "mail.host"],
            "mail.user is set, but mail.host is not",
        );
    }
    if user.is_some() && tls == MailTls::None && host.is_some_and(|host| !is_loopback(host)) {
        it.refuse_together(
            &["mail.tls", "mail.user", "mail.host"],
            "mail.tls is \"none\" and mail.user is set: the password would cross the network in clear to mail.host",
        );
    }
    Some(Mail {
        host: host?.to_owned(),
        port,
        tls,
        login: user.map(str::to_owned).zip(password),
        from: from?,
    })
}

/// `address`, or `name <address>`.
fn sender(text: &str) -> Option<MailFrom> {
    let (name, address) = match text.split_once('<') {
        Some((name, rest)) => (
            name.trim().trim_matches('"').trim(),
            rest.trim().strip_suffix('>')?,
        ),
        None => ("", text),
    };
    Some(MailFrom {
        name: match optional(name) {
            Some(name) => Some(text::line(name, limits::NAME_CHARS_MAX).ok()?),
            None => None,
        },
        address: address.parse().ok()?,
    })
}

fn optional(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// The path without `.` parts; `..` stays, for it may lead through a link.
fn plain_path(path: &Path) -> PathBuf {
    path.components().collect()
}

fn fallback_font(it: &mut Layered, text: &str) -> Option<PathBuf> {
    let Some(text) = optional(text) else {
        return FALLBACK_FONTS
            .iter()
            .map(PathBuf::from)
            .find(|path| path.is_file());
    };
    let path = PathBuf::from(text);
    if !path.is_absolute() {
        it.refuse(
            "fonts.fallback",
            "the path of a font file must begin with `/`",
        );
    } else if !path.is_file() {
        it.refuse("fonts.fallback", &format!("{text}: there is no such file"));
    }
    Some(path)
}
