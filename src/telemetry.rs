//! Logs: one event a line on standard error, or as fields in the system's journal. No request's body, query or token comes here.

use std::io::IsTerminal as _;
use std::os::unix::fs::MetadataExt as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// [`Format::Journald`] where standard error is the journal, [`Format::Pretty`] where it is a terminal, else [`Format::Json`].
    Auto,
    /// A JSON object a line.
    Json,
    /// For eyes.
    Pretty,
    /// Fields of the system's journal.
    Journald,
}

/// The least serious that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What failed.
    Error,
    /// And what deserves a look.
    Warn,
    /// And what happened.
    Info,
    /// And how.
    Debug,
    /// Everything, of the libraries too.
    Trace,
}

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The journal was asked for and can't be reached.
    #[error("the system's journal can't be reached: {0}")]
    Journal(#[source] std::io::Error),
    /// Logs were started before.
    #[error("logs were started already")]
    Started,
}

impl Level {
    /// More by `steps`, as with `-v`.
    pub fn raised(self, steps: u8) -> Self {
        let levels = [
            Self::Error,
            Self::Warn,
            Self::Info,
            Self::Debug,
            Self::Trace,
        ];
        let at = self as usize + usize::from(steps);
        levels.get(at).copied().unwrap_or(Self::Trace)
    }

    fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

/// Starts the process's logs. What the libraries have to say is taken from warnings on, except under [`Level::Trace`].
///
/// # Errors
/// [`Error::Journal`] only where the journal was asked for by name.
pub fn start(format: Format, level: Level) -> Result<(), Error> {
    let libraries = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Trace => LevelFilter::TRACE,
        _ => LevelFilter::WARN,
    };
    let filter = Targets::new()
        .with_default(libraries)
        .with_target("paraph", level.filter());
    let fmt = || tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = match format {
        Format::Journald => tracing_journald::layer().map_err(Error::Journal)?.boxed(),
        Format::Auto if stderr_is_journal() => match tracing_journald::layer() {
            Ok(layer) => layer.boxed(),
            Err(_) => fmt().json().flatten_event(true).boxed(),
        },
        Format::Auto if std::io::stderr().is_terminal() => fmt().compact().boxed(),
        Format::Pretty => fmt()
            .compact()
            .with_ansi(std::io::stderr().is_terminal())
            .boxed(),
        Format::Auto | Format::Json => fmt().json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init()
        .map_err(|_| Error::Started)
}

/// Whether standard error leads into the system's journal: `$JOURNAL_STREAM` names device and inode (systemd.exec(5)).
pub fn stderr_is_journal() -> bool {
    let Some(stream) = std::env::var_os("JOURNAL_STREAM") else {
        return false;
    };
    let Ok(meta) = std::fs::metadata("/proc/self/fd/2") else {
        return false;
    };
    stream.to_str() == Some(&format!("{}:{}", meta.dev(), meta.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_v_tells_one_step_more_up_to_everything() {
        assert_eq!(Level::Warn.raised(0), Level::Warn);
        assert_eq!(Level::Warn.raised(2), Level::Debug);
        assert_eq!(Level::Info.raised(200), Level::Trace);
    }
}
