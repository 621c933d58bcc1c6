//! Notes of what was looked at and downloaded: evidence that readers cause without acting. Bounded, so that nobody who may read
//! can fill a trail: one for each session and file, hourly for each API key and file, and never more than
//! [`limits::READING_NOTES_MAX`] by one reader of one envelope while the appliance runs.
//!
//! What was noted is remembered in memory alone: after a restart a note may come twice, which harms nothing.

use super::{App, Error};
use crate::domain::command::{Command, Note};
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::event::Download;
use crate::domain::ids::EnvelopeId;
use crate::domain::limits;
use crate::domain::origin::{Actor, Origin};
use crate::domain::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a download by an API key stands for the next ones of the same files.
const KEY_NOTE_EVERY: Duration = Duration::from_secs(3_600);
/// Downloads and readers that are remembered; beyond, what is oldest is noted anew.
const REMEMBERED_MAX: usize = 100_000;

/// What was noted lately.
#[derive(Default)]
pub(crate) struct Noted(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    /// Fingerprints of reader and files, and until when they count as noted.
    downloads: HashMap<Digest, Timestamp>,
    /// Notes by reader and envelope.
    readers: HashMap<Digest, u32>,
}

impl Noted {
    /// Whether one more note by `reader` of `envelope` has room. Counts it.
    pub(crate) fn has_room(&self, reader: &str, envelope: EnvelopeId) -> bool {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let readers = &mut remembered.readers;
        let reader = Digest::of(format!("{reader}\0{envelope}").as_bytes());
        if readers.len() >= REMEMBERED_MAX && !readers.contains_key(&reader) {
            readers.clear();
        }
        let count = readers.entry(reader).or_default();
        *count = count.saturating_add(1);
        *count <= limits::READING_NOTES_MAX
    }

    /// Whether `download` was not noted yet. Remembers it for `span` from `now` on.
    fn is_new(&self, download: Digest, now: Timestamp, span: Duration) -> bool {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let downloads = &mut remembered.downloads;
        if downloads.get(&download).is_some_and(|until| *until > now) {
            return false;
        }
        if downloads.len() >= REMEMBERED_MAX {
            downloads.retain(|_, until| *until > now);
        }
        if downloads.len() >= REMEMBERED_MAX {
            downloads.clear();
        }
        downloads.insert(download, now.plus(span));
        true
    }

    fn forget(&self, download: &Digest) {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.downloads.remove(download);
    }
}

/// Who reads, for counting.
pub(crate) fn reader(origin: &Origin) -> String {
    match &origin.actor {
        Actor::ApiKey { id, .. } => id.to_string(),
        Actor::Recipient { id, .. } => id.to_string(),
        Actor::Admin { id, .. } => id.to_string(),
        Actor::Operator => "operator".to_owned(),
        Actor::System => "system".to_owned(),
        Actor::Stranger => "stranger".to_owned(),
    }
}

impl App {
    /// Evidence that files were given to an API key.
    pub(crate) fn note_downloaded(
        &self,
        environment: Environment,
        id: EnvelopeId,
        download: Download,
        origin: &Origin,
    ) -> Result<(), Error> {
        let by = reader(origin);
        self.note_download(environment, id, download, origin, &by, KEY_NOTE_EVERY)
    }

    /// Evidence that files left the appliance: once for each `by` within `every`, and not where the head alone was asked for.
    pub(crate) fn note_download(
        &self,
        environment: Environment,
        id: EnvelopeId,
        download: Download,
        origin: &Origin,
        by: &str,
        every: Duration,
    ) -> Result<(), Error> {
        if origin.head_only {
            return Ok(());
        }
        let print = Digest::of(format!("{by}\0{id}\0{download:?}").as_bytes());
        if !self.noted.is_new(print, self.now(), every) || !self.noted.has_room(&reader(origin), id)
        {
            return Ok(());
        }
        let origin = origin.clone();
        let written = self.store.write(move |tx| {
            let mut envelope = super::envelopes::load(tx, environment, id)?;
            let events = envelope.decide(Command::Note(Note::Downloaded(download)), tx.now())?;
            tx.record(&mut envelope, events, &origin)?;
            Ok::<_, Error>(())
        });
        if written.is_err() {
            self.noted.forget(&print);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_download_is_new_again_when_its_time_is_over() {
        let noted = Noted::default();
        let (file, other) = (Digest::of(b"a"), Digest::of(b"b"));
        let is_new = |file, seconds| noted.is_new(file, at(seconds), KEY_NOTE_EVERY);
        assert!(is_new(file, 0) && is_new(other, 0));
        assert!(!is_new(file, 1) && !is_new(file, 3_599));
        assert!(is_new(file, 3_600) && !is_new(file, 3_601));
        noted.forget(&file);
        assert!(is_new(file, 3_601));
    }

    #[test]
    fn one_reader_who_has_used_up_the_notes_takes_none_from_another() {
        let noted = Noted::default();
        let envelope = EnvelopeId::new(at(0), [1; 10]);
        let written = (0..limits::READING_NOTES_MAX + 50)
            .filter(|_| noted.has_room("rcp_1", envelope))
            .count();
        assert_eq!(written, limits::READING_NOTES_MAX as usize);
        assert!(noted.has_room("rcp_2", envelope));
        assert!(noted.has_room("rcp_1", EnvelopeId::new(at(0), [2; 10])));
    }
}
