//! The audit trail as a document for people: PDF/A-2a (ISO 19005-2) and PDF/UA-1 (ISO 14289-1), tagged, with an outline.
//!
//! It shows what the stored chain of entries says and names the digests that tie the two together; the machine-readable
//! trail is its JSON export, whose SHA-256 it prints. The same [`Trail`] gives the same bytes. All words that are not the
//! envelope's own come in [`Labels`].

mod draw;
mod letters;
mod model;
mod sheet;

pub use model::{Certificate, DocumentRow, Entry, Fact, Labels, Person, Trail};

use std::num::NonZeroU16;

use krilla::SerializeSettings;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder};
use krilla::metadata::{DateTime, Metadata};
use krilla::tagging::{ListNumbering, TableHeaderScope, Tag};

use self::letters::{Cut, Letters};
use self::sheet::{Cell, Colour, Elem, Ink, MARGIN, RULE_COLOUR, Set, Sheet, TEXT_WIDTH};
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

const TEXT: Colour = (0x1B, 0x24, 0x30);
const QUIET: Colour = (0x57, 0x60, 0x6A);
const ACCENT: Colour = (0x1D, 0x4E, 0x89);
const TEST: Colour = (0x9A, 0x34, 0x12);
const TEST_GROUND: Colour = (0xFF, 0xED, 0xD5);
const INTERIM: Colour = (0x1E, 0x40, 0x7C);
const INTERIM_GROUND: Colour = (0xE4, 0xEE, 0xFB);

const fn ink(cut: Cut, size: f32, colour: Colour, leading: f32) -> Ink {
    Ink {
        cut,
        size,
        colour,
        leading,
    }
}

const OVERLINE: Ink = ink(Cut::Bold, 8.0, ACCENT, 15.0);
const HEADING: Ink = ink(Cut::Bold, 19.0, TEXT, 25.0);
const SUBHEAD: Ink = ink(Cut::Regular, 9.0, QUIET, 14.0);
const SECTION: Ink = ink(Cut::Bold, 12.0, ACCENT, 18.0);
const NAME: Ink = ink(Cut::Bold, 9.5, TEXT, 14.0);
const DOCUMENT: Ink = ink(Cut::Bold, 8.5, TEXT, 12.5);
const BODY: Ink = ink(Cut::Regular, 8.5, TEXT, 12.5);
const SMALL: Ink = ink(Cut::Regular, 7.5, TEXT, 10.5);
const STRONG: Ink = ink(Cut::Bold, 7.5, TEXT, 10.5);
const SMALL_QUIET: Ink = ink(Cut::Regular, 7.5, QUIET, 10.5);
const LABEL: Ink = ink(Cut::Regular, 8.5, QUIET, 12.5);
const TABLE_HEAD: Ink = ink(Cut::Bold, 7.5, TEXT, 10.5);
const CAPTION: Ink = ink(Cut::Regular, 6.5, QUIET, 9.5);
const HASH: Ink = ink(Cut::Mono, 7.0, TEXT, 10.5);
/// A hash beside a label: on the same baseline.
const VALUE_HASH: Ink = ink(Cut::Mono, 7.5, TEXT, 12.5);
const QUIET_HASH: Ink = ink(Cut::Mono, 6.0, QUIET, 8.5);
const FOOT: Ink = ink(Cut::Regular, 7.0, QUIET, 9.0);

/// Left edge of values beside labels.
const VALUE_X: f32 = MARGIN + 138.0;

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
    let made = trail.made_at.civil();
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
fn moment(at: Timestamp) -> String {
    let c = at.civil();
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}",
        c.year, c.month, c.day, c.hour, c.minute, c.second, c.millisecond
    )
}

struct Composer<'a> {
    sheet: Sheet<'a>,
    trail: &'a Trail,
}

impl Composer<'_> {
    /// One short line.
    fn set(&self, text: &str, ink: Ink) -> Set {
        Set {
            line: self.sheet.letters.shape(text, ink.cut),
            ink,
        }
    }

    fn head(&mut self) {
        let trail = self.trail;
        let over = format!(
            "{} \u{00B7} {}",
            trail.organisation, trail.labels.audit_trail
        );
        let elem = self.sheet.elem(Sheet::ROOT, Tag::P);
        let lines = self.sheet.wrap(&over, OVERLINE, TEXT_WIDTH);
        self.sheet.lines(Some(elem), MARGIN, lines);
        let heading = or_dash(&trail.heading);
        self.sheet.chapter(&heading, false);
        let elem = self.heading_elem(Sheet::ROOT, 1, &heading);
        let lines = self.sheet.wrap(&heading, HEADING, TEXT_WIDTH);
        self.sheet.lines(Some(elem), MARGIN, lines);
        let made = format!("{} \u{00B7} {} UTC", trail.reference, moment(trail.made_at));
        let elem = self.sheet.elem(Sheet::ROOT, Tag::P);
        let lines = self.sheet.wrap(&made, SUBHEAD, TEXT_WIDTH);
        self.sheet.lines(Some(elem), MARGIN, lines);
        self.sheet.space(5.0);
        self.sheet.rule(ACCENT, 1.2);
        if trail.test {
            self.banner(&trail.labels.test, TEST, TEST_GROUND);
        }
        if trail.interim {
            self.banner(&trail.labels.interim, INTERIM, INTERIM_GROUND);
        }
    }

    fn banner(&mut self, text: &str, colour: Colour, ground: Colour) {
        let ink = ink(Cut::Bold, 9.0, colour, 13.0);
        let lines = self.sheet.wrap(text, ink, TEXT_WIDTH - 20.0);
        let height = 13.0 * lines.len() as f32 + 9.0;
        self.sheet.space(9.0);
        self.sheet.need(height);
        let top = self.sheet.y;
        self.sheet.fill(MARGIN, top, TEXT_WIDTH, height, ground);
        self.sheet.fill(MARGIN, top, 3.0, height, colour);
        self.sheet.space(5.5);
        let elem = self.sheet.elem(Sheet::ROOT, Tag::P);
        self.sheet.lines(Some(elem), MARGIN + 11.0, lines);
        self.sheet.y = top + height;
    }

    fn heading_elem(&mut self, parent: Elem, level: u16, text: &str) -> Elem {
        let level = NonZeroU16::new(level).unwrap_or(NonZeroU16::MIN);
        self.sheet
            .elem(parent, Tag::Hn(level, Some(text.to_owned())))
    }

    /// Begins a section; at least `room` points of it stay with its heading.
    fn section(&mut self, title: &str, room: f32) -> Elem {
        self.sheet.space(17.0);
        self.sheet.need(24.0 + room);
        self.sheet.chapter(title, false);
        let section = self.sheet.elem(Sheet::ROOT, Tag::Section);
        let elem = self.heading_elem(section, 2, title);
        let lines = self.sheet.wrap(title, SECTION, TEXT_WIDTH);
        self.sheet.lines(Some(elem), MARGIN, lines);
        self.sheet.space(3.0);
        section
    }

    /// A table of labels and values, a rule between its rows.
    fn pairs(&mut self, parent: Elem, pairs: &[(String, String, Ink)]) {
        if pairs.is_empty() {
            return;
        }
        let table = self.sheet.elem(parent, Tag::Table);
        for (label, value, ink) in pairs {
            let row = self.sheet.elem(table, Tag::TR);
            let head = self.sheet.elem(row, Tag::TH(TableHeaderScope::Row));
            let data = self.sheet.elem(row, Tag::TD);
            let cells = vec![
                Cell {
                    elem: head,
                    x: MARGIN,
                    lines: self.sheet.wrap(label, LABEL, VALUE_X - MARGIN - 12.0),
                },
                Cell {
                    elem: data,
                    x: VALUE_X,
                    lines: self
                        .sheet
                        .wrap(&or_dash(value), *ink, MARGIN + TEXT_WIDTH - VALUE_X),
                },
            ];
            self.sheet.row(cells, None, 2.0, false);
            self.sheet.rule(RULE_COLOUR, 0.4);
        }
    }

    fn facts(&mut self) {
        if self.trail.facts.is_empty() {
            return;
        }
        let section = self.section(&self.trail.labels.envelope, 40.0);
        let pairs: Vec<_> = with_ink(&self.trail.facts);
        self.pairs(section, &pairs);
    }

    fn documents(&mut self) {
        let trail = self.trail;
        if trail.documents.is_empty() {
            return;
        }
        let labels = &trail.labels;
        let section = self.section(&labels.documents, 60.0);
        let columns = [
            (MARGIN + 6.0, 150.0),
            (MARGIN + 164.0, 36.0),
            (MARGIN + 208.0, TEXT_WIDTH - 214.0),
        ];
        let table = self.sheet.elem(section, Tag::Table);
        self.table_head(
            table,
            &columns.map(|(x, _)| x),
            &[&labels.document, &labels.pages, &labels.sha256],
        );
        let body = self.sheet.elem(table, Tag::TBody);
        for document in &trail.documents {
            let row = self.sheet.elem(body, Tag::TR);
            let name = self.sheet.elem(row, Tag::TH(TableHeaderScope::Row));
            let pages = self.sheet.elem(row, Tag::TD);
            let digest = self.sheet.elem(row, Tag::TD);
            let [(name_x, name_width), (pages_x, _), (digest_x, digest_width)] = columns;
            // Each line ends with a space, or they would be one word when read out or copied.
            let mut lines = vec![self.set(&format!("{} ", labels.uploaded_sha256), CAPTION)];
            let digest_of = |sheet: &Sheet<'_>, digest: &str| {
                sheet.wrap(&format!("{digest} "), HASH, digest_width)
            };
            lines.extend(digest_of(&self.sheet, &document.sha256));
            if let Some(signed) = &document.signed_sha256 {
                lines.push(self.set(&format!("{} ", labels.sealed_sha256), CAPTION));
                lines.extend(digest_of(&self.sheet, signed));
            }
            let cells = vec![
                Cell {
                    elem: name,
                    x: name_x,
                    lines: self
                        .sheet
                        .wrap(&or_dash(&document.name), DOCUMENT, name_width),
                },
                Cell {
                    elem: pages,
                    x: pages_x,
                    lines: vec![self.set(&document.pages.to_string(), BODY)],
                },
                Cell {
                    elem: digest,
                    x: digest_x,
                    lines,
                },
            ];
            self.sheet.row(cells, None, 5.0, false);
            self.sheet.rule(RULE_COLOUR, 0.5);
        }
        self.sheet.table_end();
    }

    fn table_head(&mut self, table: Elem, columns: &[f32], titles: &[&String]) {
        let head = self.sheet.elem(table, Tag::THead);
        let row = self.sheet.elem(head, Tag::TR);
        let mut cells = Vec::new();
        for (x, title) in columns.iter().zip(titles) {
            let elem = self.sheet.elem(row, Tag::TH(TableHeaderScope::Column));
            cells.push((*x, elem, self.set(title, TABLE_HEAD)));
        }
        self.sheet.table_head(&cells, 30.0);
    }

    fn recipients(&mut self) {
        let trail = self.trail;
        if trail.recipients.is_empty() {
            return;
        }
        let section = self.section(&trail.labels.recipients, 60.0);
        for (at, person) in trail.recipients.iter().enumerate() {
            if at > 0 {
                self.sheet.space(10.0);
            }
            // A name never stands alone at the foot of a page.
            self.sheet.need(62.0);
            let name = or_dash(&person.name);
            self.sheet.chapter(&name, true);
            let elem = self.heading_elem(section, 3, &name);
            let lines = self.sheet.wrap(&name, NAME, TEXT_WIDTH);
            self.sheet.lines(Some(elem), MARGIN, lines);
            let elem = self.sheet.elem(section, Tag::P);
            let contact = [person.role.as_str(), person.email.as_str()]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" \u{00B7} ");
            let lines = self.sheet.wrap(&or_dash(&contact), LABEL, TEXT_WIDTH);
            self.sheet.lines(Some(elem), MARGIN, lines);
            self.sheet.space(2.0);
            self.sheet.rule(RULE_COLOUR, 0.4);
            let pairs = with_ink(&person.evidence);
            self.pairs(section, &pairs);
        }
    }

    fn entries(&mut self) {
        let trail = self.trail;
        if trail.entries.is_empty() {
            return;
        }
        let labels = &trail.labels;
        let section = self.section(&labels.events, 80.0);
        let columns = [
            (MARGIN + 6.0, 24.0),
            (MARGIN + 32.0, 96.0),
            (MARGIN + 138.0, 112.0),
            (MARGIN + 258.0, 104.0),
            (MARGIN + 370.0, TEXT_WIDTH - 374.0),
        ];
        let table = self.sheet.elem(section, Tag::Table);
        self.table_head(
            table,
            &columns.map(|(x, _)| x),
            &[
                &labels.number,
                &labels.time_utc,
                &labels.event,
                &labels.actor,
                &labels.address,
            ],
        );
        let body = self.sheet.elem(table, Tag::TBody);
        for (at, entry) in trail.entries.iter().enumerate() {
            self.entry(body, &columns, entry, at % 2 == 1);
        }
        self.sheet.table_end();
        self.sheet.rule(RULE_COLOUR, 0.5);
    }

    fn entry(&mut self, body: Elem, columns: &[(f32, f32); 5], entry: &Entry, zebra: bool) {
        let row = self.sheet.elem(body, Tag::TR);
        let number = self.sheet.elem(row, Tag::TH(TableHeaderScope::Row));
        let [time, event, actor, address] = std::array::from_fn(|_| self.sheet.elem(row, Tag::TD));
        let [
            (number_x, _),
            (time_x, _),
            (event_x, event_width),
            (actor_x, actor_width),
            (address_x, address_width),
        ] = *columns;
        let mut actor_lines =
            self.sheet
                .wrap(&format!("{} ", or_dash(&entry.actor)), SMALL, actor_width);
        if !entry.factors.is_empty() {
            let factors = self.sheet.wrap(&entry.factors, SMALL_QUIET, actor_width);
            actor_lines.extend(factors);
        }
        let cells = vec![
            Cell {
                elem: number,
                x: number_x,
                lines: vec![self.set(&entry.sequence.to_string(), STRONG)],
            },
            Cell {
                elem: time,
                x: time_x,
                lines: vec![self.set(&moment(entry.at), SMALL)],
            },
            Cell {
                elem: event,
                x: event_x,
                lines: self
                    .sheet
                    .wrap(&format!("{} ", or_dash(&entry.event)), STRONG, event_width),
            },
            Cell {
                elem: actor,
                x: actor_x,
                lines: actor_lines,
            },
            Cell {
                elem: address,
                x: address_x,
                lines: self
                    .sheet
                    .wrap(&or_dash(&entry.address), SMALL, address_width),
            },
        ];
        // The hash stands below the row and is read out after the event.
        let under = Cell {
            elem: event,
            x: time_x,
            lines: vec![self.set(
                &format!("{} {}", self.trail.labels.entry_hash, entry.hash),
                QUIET_HASH,
            )],
        };
        self.sheet.row(cells, Some(under), 3.5, zebra);
    }

    fn integrity(&mut self) {
        let trail = self.trail;
        let labels = &trail.labels;
        let section = self.section(&labels.integrity, 40.0);
        let pairs = [
            (
                labels.chain_head.clone(),
                trail.chain_head.clone(),
                VALUE_HASH,
            ),
            (
                labels.export_sha256.clone(),
                trail.export_sha256.clone(),
                VALUE_HASH,
            ),
        ];
        self.pairs(section, &pairs);
    }

    fn certificates(&mut self) {
        let trail = self.trail;
        if trail.certificates.is_empty() {
            return;
        }
        let labels = &trail.labels;
        let section = self.section(&labels.certificates, 90.0);
        for (at, certificate) in trail.certificates.iter().enumerate() {
            if at > 0 {
                self.sheet.space(9.0);
            }
            self.sheet.need(80.0);
            let valid = format!(
                "{} \u{2013} {}",
                moment(certificate.not_before),
                moment(certificate.not_after)
            );
            let pairs = [
                (&labels.subject, certificate.subject.clone(), BODY),
                (&labels.issuer, certificate.issuer.clone(), BODY),
                (&labels.serial, certificate.serial.clone(), VALUE_HASH),
                (&labels.valid, valid, BODY),
                (&labels.sha256, certificate.sha256.clone(), VALUE_HASH),
            ]
            .map(|(label, value, ink)| (label.clone(), value, ink));
            self.pairs(section, &pairs);
        }
    }

    fn verification(&mut self) {
        let trail = self.trail;
        if trail.verification.is_empty() {
            return;
        }
        let steps: Vec<Vec<Set>> = trail
            .verification
            .iter()
            .map(|step| self.sheet.wrap(step, BODY, TEXT_WIDTH - 18.0))
            .collect();
        // On one page if it fits on one.
        let height = steps
            .iter()
            .map(|lines| lines.len() as f32 * BODY.leading + 4.0)
            .sum::<f32>();
        let section = self.section(&trail.labels.verification, height.min(500.0));
        let list = self.sheet.elem(section, Tag::L(ListNumbering::Decimal));
        for (at, lines) in steps.into_iter().enumerate() {
            let item = self.sheet.elem(list, Tag::LI);
            let label = self.sheet.elem(item, Tag::Lbl);
            let body = self.sheet.elem(item, Tag::LBody);
            let cells = vec![
                Cell {
                    elem: label,
                    x: MARGIN,
                    lines: vec![self.set(&format!("{}. ", at + 1), BODY)],
                },
                Cell {
                    elem: body,
                    x: MARGIN + 18.0,
                    lines,
                },
            ];
            self.sheet.row(cells, None, 2.0, false);
        }
    }
}

fn with_ink(facts: &[Fact]) -> Vec<(String, String, Ink)> {
    facts
        .iter()
        .map(|fact| {
            let hexadecimal =
                fact.value.len() >= 32 && fact.value.bytes().all(|b| b.is_ascii_hexdigit());
            let ink = if hexadecimal { VALUE_HASH } else { BODY };
            (fact.label.clone(), fact.value.clone(), ink)
        })
        .collect()
}

#[cfg(test)]
mod tests;
