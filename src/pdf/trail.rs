//! The audit trail as a document for people: PDF/A-2a (ISO 19005-2) and PDF/UA-1 (ISO 14289-1), tagged, with an outline.
//!
//! It shows what the stored chain of entries says and names the digests that tie the two together; the machine-readable
//! trail is its JSON export, whose SHA-256 it prints. The same [`Trail`] gives the same bytes. All words that are not the
//! envelope's own come in [`Labels`].

mod compose;
mod draw;
mod letters;
mod look;
mod model;
mod sheet;
mod tables;

pub use model::{Certificate, DocumentRow, Entry, Fact, Labels, Person, Trail};

use krilla::SerializeSettings;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::metadata::{DateTime, Metadata};

use self::compose::Composer;
use self::letters::Letters;
use self::look::FOOT;
use self::sheet::Sheet;
use super::text::Fonts;
use crate::domain::time::Timestamp;

/// Why there is no audit trail: a mistake of the program, never of the data.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The two standards can't be had together.
    #[error("the audit trail's standards exclude each other")]
    Configuration,
    /// The writer found a breach of PDF/A or PDF/UA.
    #[error("the audit trail breaks its standard: {0}")]
    Standard(String),
}

/// Writes the audit trail. What no face of `fonts` has is drawn as a box with its code point.
///
/// # Errors
/// Only for mistakes of the program, see [`Error`].
pub fn render(trail: &Trail, fonts: &Fonts) -> Result<Vec<u8>, Error> {
    let letters = Letters::new(fonts);
    let mut page = Composer {
        sheet: Sheet::new(&letters),
        trail,
    };
    page.head();
    page.facts();
    page.documents();
    page.recipients();
    page.entries();
    page.integrity();
    page.certificates();
    page.verification();
    let labels = &trail.labels;
    let foot = format!("{} \u{00B7} {}", labels.audit_trail, trail.reference);
    let document = page
        .sheet
        .finish(settings()?, metadata(trail), FOOT, |page, pages| {
            let right = labels
                .page_of
                .replace("{page}", &page.to_string())
                .replace("{pages}", &pages.to_string());
            (foot.clone(), right)
        })
        .ok_or(Error::Configuration)?;
    document
        .finish()
        .map_err(|error| Error::Standard(format!("{error:?}")))
}

fn settings() -> Result<SerializeSettings, Error> {
    Ok(SerializeSettings {
        configuration: ConfigurationBuilder::new()
            .with_archival_validator(Archival::A2_A)
            .with_accessibility_validator(Accessibility::UA1)
            .finish()
            .map_err(|_| Error::Configuration)?,
        ..SerializeSettings::default()
    })
}

fn metadata(trail: &Trail) -> Metadata {
    let made = trail.as_of.civil();
    Metadata::new()
        .title(or_dash(&trail.title))
        .language(if trail.language.is_empty() {
            "en".to_owned()
        } else {
            trail.language.clone()
        })
        .authors(vec![trail.organisation.clone()])
        .creator("Paraph".to_owned())
        .producer("Paraph".to_owned())
        .creation_date(
            DateTime::new(u16::try_from(made.year).unwrap_or_default())
                .month(made.month)
                .day(made.day)
                .hour(made.hour)
                .minute(made.minute)
                .second(made.second)
                .utc_offset_hour(0)
                .utc_offset_minute(0),
        )
}

/// A dash for what is empty: an empty cell looks like a mistake, and an empty title is one.
fn or_dash(text: &str) -> String {
    if text.trim().is_empty() {
        "\u{2013}".to_owned()
    } else {
        text.to_owned()
    }
}

/// As `2026-11-24 09:30:00.000`.
pub fn moment(at: Timestamp) -> String {
    let c = at.civil();
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}",
        c.year, c.month, c.day, c.hour, c.minute, c.second, c.millisecond
    )
}

#[cfg(test)]
mod tests;
