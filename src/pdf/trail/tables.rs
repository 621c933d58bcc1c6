//! The trail's two tables: its documents and its entries.

use krilla::tagging::{TableHeaderScope, Tag};

use super::compose::Composer;
use super::look::{
    BODY, CAPTION, DOCUMENT, HASH, QUIET_HASH, SMALL, SMALL_QUIET, STRONG, TABLE_HEAD,
};
use super::model::Entry;
use super::sheet::{Cell, Elem, MARGIN, RULE_COLOUR, Sheet, TEXT_WIDTH};
use super::{moment, or_dash};

impl Composer<'_> {
    pub(super) fn documents(&mut self) {
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

    pub(super) fn entries(&mut self) {
        let trail = self.trail;
        if trail.entries.is_empty() {
            return;
        }
        let labels = &trail.labels;
        let section = self.section(&labels.events, 80.0);
        let columns = [
            (MARGIN + 6.0, 24.0),
            (MARGIN + 32.0, 96.0),
            (MARGIN + 138.0, 160.0),
            (MARGIN + 306.0, 96.0),
            (MARGIN + 410.0, TEXT_WIDTH - 414.0),
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
                &format!(
                    "{} \u{00B7} {} {}",
                    entry.name, self.trail.labels.entry_hash, entry.hash
                ),
                QUIET_HASH,
            )],
        };
        self.sheet.row(cells, Some(under), 3.5, zebra);
    }
}
