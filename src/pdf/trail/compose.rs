//! The trail's sections, from the heading to how it is checked.

use std::num::NonZeroU16;

use krilla::tagging::{ListNumbering, TableHeaderScope, Tag};

use super::look::{
    ACCENT, BANNER, BODY, HEADING, INTERIM, INTERIM_GROUND, LABEL, NAME, OVERLINE, SECTION,
    SUBHEAD, TEST, TEST_GROUND, VALUE_HASH, VALUE_X,
};
use super::model::{Fact, Person, Trail};
use super::sheet::{Cell, Colour, Elem, Ink, MARGIN, RULE_COLOUR, Set, Sheet, TEXT_WIDTH};
use super::{moment, or_dash};

/// Above and below a label and its value, in points.
const PAIR_PADDING: f32 = 2.0;
/// Height of the line below them, in points.
const PAIR_RULE: f32 = 0.4;

/// The trail while it is laid out.
pub(super) struct Composer<'a> {
    pub(super) sheet: Sheet<'a>,
    pub(super) trail: &'a Trail,
}

impl Composer<'_> {
    /// One short line.
    pub(super) fn set(&self, text: &str, ink: Ink) -> Set {
        Set {
            line: self.sheet.letters.shape(text, ink.cut),
            ink,
        }
    }

    pub(super) fn head(&mut self) {
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
        let made = format!("{} \u{00B7} {}", trail.reference, trail.state);
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
        let ink = Ink { colour, ..BANNER };
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
    pub(super) fn section(&mut self, title: &str, room: f32) -> Elem {
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

    /// A label and its value, in lines.
    fn pair(&self, (label, value, ink): &(String, String, Ink)) -> [Vec<Set>; 2] {
        [
            self.sheet.wrap(label, LABEL, VALUE_X - MARGIN - 12.0),
            self.sheet
                .wrap(&or_dash(value), *ink, MARGIN + TEXT_WIDTH - VALUE_X),
        ]
    }

    /// What [`Self::pairs`] takes, in points.
    fn pairs_height(&self, pairs: &[(String, String, Ink)]) -> f32 {
        let leading = |lines: &Vec<Set>| lines.iter().map(|set| set.ink.leading).sum::<f32>();
        pairs
            .iter()
            .map(|pair| {
                let [label, value] = self.pair(pair);
                leading(&label).max(leading(&value)) + 2.0 * PAIR_PADDING + PAIR_RULE
            })
            .sum()
    }

    /// A table of labels and values, a rule between its rows.
    fn pairs(&mut self, parent: Elem, pairs: &[(String, String, Ink)]) {
        if pairs.is_empty() {
            return;
        }
        let table = self.sheet.elem(parent, Tag::Table);
        for pair in pairs {
            let row = self.sheet.elem(table, Tag::TR);
            let head = self.sheet.elem(row, Tag::TH(TableHeaderScope::Row));
            let data = self.sheet.elem(row, Tag::TD);
            let [label, value] = self.pair(pair);
            let cells = vec![
                Cell {
                    elem: head,
                    x: MARGIN,
                    lines: label,
                },
                Cell {
                    elem: data,
                    x: VALUE_X,
                    lines: value,
                },
            ];
            self.sheet.row(cells, None, PAIR_PADDING, false);
            self.sheet.rule(RULE_COLOUR, PAIR_RULE);
        }
    }

    pub(super) fn facts(&mut self) {
        if self.trail.facts.is_empty() {
            return;
        }
        let section = self.section(&self.trail.labels.envelope, 40.0);
        let pairs: Vec<_> = with_ink(&self.trail.facts);
        self.pairs(section, &pairs);
    }

    /// What stays together of a person: all of it, or the beginning of one that takes most of a page.
    fn room_for(&self, person: &Person) -> f32 {
        let pairs = self.pairs_height(&with_ink(&person.evidence));
        let height = NAME.leading + LABEL.leading + 4.0 + pairs;
        if height < 500.0 { height } else { 62.0 }
    }

    pub(super) fn recipients(&mut self) {
        let trail = self.trail;
        let Some(first) = trail.recipients.first() else {
            return;
        };
        let room = self.room_for(first);
        let section = self.section(&trail.labels.recipients, room);
        for (at, person) in trail.recipients.iter().enumerate() {
            if at > 0 {
                self.sheet.space(10.0);
            }
            let room = self.room_for(person);
            self.sheet.need(room);
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
            self.sheet.rule(RULE_COLOUR, PAIR_RULE);
            let pairs = with_ink(&person.evidence);
            self.pairs(section, &pairs);
        }
    }

    pub(super) fn integrity(&mut self) {
        let trail = self.trail;
        let labels = &trail.labels;
        let section = self.section(&labels.integrity, 40.0);
        let pairs = with_ink(&trail.integrity);
        self.pairs(section, &pairs);
    }

    pub(super) fn certificates(&mut self) {
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

    pub(super) fn verification(&mut self) {
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
            let ink = if fact.digits { VALUE_HASH } else { BODY };
            (fact.label.clone(), fact.value.clone(), ink)
        })
        .collect()
}
