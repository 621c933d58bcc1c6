//! The configuration: `config.example.toml` below, the administrator's file over it, the environment on top.
//!
//! [`load`] gives either a [`Config`] in which everything is typed, compared and read, or all [`Faults`] at once. Nobody below
//! this floor knows it: each part is handed down by value.

mod address;
mod fault;
mod layers;
mod raw;
mod resolve;
mod resolved;
mod secret;
pub mod units;
mod values;

#[cfg(test)]
mod tests;

pub use fault::{Fault, Faults};
pub use layers::{EXAMPLE, Origin};
pub use raw::{
    RawAdmin, RawApi, RawCeremony, RawConfig, RawDocuments, RawEnvelopes, RawFonts, RawLog,
    RawMail, RawOrganisation, RawServer, RawSigning, RawStorage, RawWebhooks,
};
pub use resolved::{
    Admin, Api, Ceremony, Config, Documents, Envelopes, Fonts, Listen, Log, Mail, MailFrom,
    MailTls, Organisation, Server, Signing, Storage, Webhooks,
};
pub use secret::Secret;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a configuration is looked for, when nobody says.
pub const FILE_DEFAULT: &str = "/etc/paraph/paraph.toml";

/// Where secrets are looked for outside systemd.
const CREDENTIALS_DEFAULT: &str = "/etc/paraph/credentials";

/// Bytes of a configuration file, at most.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Everything that a configuration is made from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The administrator's file, if there is one.
    pub file: Option<PathBuf>,
    /// The environment's variables; those beginning with `PARAPH__` are settings.
    pub environment: BTreeMap<String, String>,
    /// What relative paths are relative to.
    pub working_directory: PathBuf,
}

impl Sources {
    /// This process's own: `file` as the command line names it, else `PARAPH_CONFIG`, else [`FILE_DEFAULT`] where that is there.
    /// Variables that are no UTF-8 are left out: no setting can be one.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let file = file
            .or_else(|| {
                environment
                    .get("PARAPH_CONFIG")
                    .filter(|path| !path.is_empty())
                    .map(PathBuf::from)
            })
            .or_else(|| Some(PathBuf::from(FILE_DEFAULT)).filter(|path| path.exists()));
        Self {
            file,
            environment,
            working_directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
        }
    }
}

impl Sources {
    /// Nobody's: the embedded defaults alone.
    pub fn defaults() -> Self {
        Self {
            file: None,
            environment: BTreeMap::new(),
            working_directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
        }
    }
}

/// One setting as it is in effect.
#[derive(Clone, Debug)]
pub struct Setting {
    /// `section.key`.
    pub path: String,
    /// A secret's reference, never the secret.
    pub value: toml::Value,
    /// Where it came from.
    pub origin: Origin,
}

/// Reads, checks and compares everything.
///
/// # Errors
/// All faults at once.
pub fn load(sources: &Sources) -> Result<Config, Faults> {
    let layered = layers::lay(read(sources)?, &sources.environment)?;
    let places = secret::Places {
        credentials_directory: sources
            .environment
            .get("CREDENTIALS_DIRECTORY")
            .map(PathBuf::from),
        credentials_fallback: PathBuf::from(CREDENTIALS_DEFAULT),
        environment: &sources.environment,
    };
    resolve::resolve(layered, &places, &sources.working_directory)
}

/// The settings in effect, in the example's order, whether or not they agree with each other.
///
/// # Errors
/// Faults that leave a setting without a value: broken syntax, unknown keys, wrong types.
pub fn settings(sources: &Sources) -> Result<Vec<Setting>, Faults> {
    let layered = layers::lay(read(sources)?, &sources.environment)?;
    if !layered.faults.is_empty() {
        return Err(layered.faults);
    }
    Ok(layered
        .settings
        .iter()
        .map(|(path, value)| Setting {
            origin: layered.origin(path),
            path: path.clone(),
            value: value.clone(),
        })
        .collect())
}

fn read(sources: &Sources) -> Result<Option<fault::Source>, Faults> {
    let Some(file) = &sources.file else {
        return Ok(None);
    };
    let path = sources.working_directory.join(file);
    match read_bounded(&path) {
        Ok(text) => Ok(Some(fault::Source::new(file, text))),
        Err(message) => {
            let mut faults = Faults::default();
            faults.push(Fault::named(file.display().to_string(), message));
            Err(faults)
        }
    }
}

fn read_bounded(path: &Path) -> Result<String, String> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|e| secret::io_text(&e))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err("larger than a configuration can be (1 MiB)".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_owned())
}
