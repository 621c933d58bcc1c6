//! Where objects and cross-references lie (ISO 32000-2, 7.5): tables, streams, object streams, hybrids, the first page's section
//! in front, updates behind.

use super::Chance;
use super::spelling::{Spelling, Value, dict, ints, name};
use crate::built::deflate;
use std::collections::{BTreeMap, BTreeSet};

/// One indirect object: a value, and a stream's data before any filter.
#[derive(Clone)]
pub struct Thing {
    pub value: Value,
    pub data: Option<Vec<u8>>,
}

/// What one revision brings.
#[derive(Clone, Default)]
pub struct Revision {
    pub things: BTreeMap<u32, Thing>,
    /// Numbers that are free from now on; one that comes again later has the next generation.
    pub freed: Vec<u32>,
}

/// What a file says.
pub struct Content {
    /// The first one, then the updates.
    pub revisions: Vec<Revision>,
    pub root: u32,
    pub info: Option<u32>,
    pub pages: usize,
    /// Numbers that a reader of old versions must find: no hybrid file hides them.
    pub visible: BTreeSet<u32>,
}

/// The kind of cross-reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Table,
    /// Cross-reference streams, no object streams.
    Stream,
    /// Cross-reference and object streams.
    Packed,
    /// A table, and a stream for what old readers needn't see.
    Hybrid,
    /// Two tables, the newer one before the objects, as files for the web have it.
    FirstPageFirst,
}

/// The rest of a program's habits.
pub struct Habits {
    kind: Kind,
    version: &'static str,
    /// Bytes above 127 in a comment after the header (7.5.2).
    binary_mark: bool,
    is_shuffled: bool,
    /// Streams whose length is an object of its own, in percent.
    indirect_lengths: u8,
    /// Streams with a filter, in percent.
    filtered: u8,
    /// Entries for unused numbers instead of a subsection for each run.
    whole_table: bool,
    /// How an entry of a table ends: two bytes (7.5.4).
    entry_end: &'static str,
    predictor: bool,
    widths: [usize; 3],
    has_id: bool,
    /// After the last `%%EOF`.
    rest: &'static [u8],
}

impl Habits {
    /// Those of one program.
    pub fn by_chance(chance: &mut Chance, kind: Kind) -> Self {
        let version = match kind {
            Kind::Table | Kind::FirstPageFirst => chance.pick(&["1.3", "1.4", "1.6", "1.7", "2.0"]),
            _ => chance.pick(&["1.5", "1.6", "1.7", "2.0"]),
        };
        Self {
            kind,
            version,
            binary_mark: chance.percent(80),
            is_shuffled: chance.percent(30),
            indirect_lengths: chance.pick(&[0, 0, 30, 100]),
            filtered: chance.pick(&[0, 60, 100]),
            whole_table: chance.percent(50),
            entry_end: chance.pick(&[" \n", " \r", "\r\n"]),
            predictor: chance.percent(50),
            // A type of more than one byte the renderer doesn't read.
            widths: chance.pick(&[[1, 2, 1], [1, 3, 2], [1, 4, 2], [1, 8, 2]]),
            has_id: version == "2.0" || chance.percent(60),
            rest: chance.pick(&[b"" as &[u8], b"\n", b"\r\n", b"\n \t\r\n\n"]),
        }
    }
}

/// Where an object is.
#[derive(Clone, Copy)]
enum Entry {
    Free { generation: u16 },
    At { offset: usize, generation: u16 },
    In { stream: u32, index: usize },
}

struct Writer<'a> {
    out: Vec<u8>,
    spelling: &'a Spelling,
    habits: &'a Habits,
    chance: &'a mut Chance,
    generations: BTreeMap<u32, u16>,
    /// One more than the highest number so far.
    next: u32,
    trailer: Vec<(String, Value)>,
    previous: Option<usize>,
    id: [u8; 16],
}

/// An object as it will stand in the file.
struct Spelt {
    number: u32,
    text: Vec<u8>,
    may_be_packed: bool,
}

/// The file.
pub fn write(
    content: &Content,
    spelling: &Spelling,
    habits: &Habits,
    chance: &mut Chance,
) -> Vec<u8> {
    let mut trailer = vec![("Root".to_owned(), Value::Ref(content.root))];
    trailer.extend(
        content
            .info
            .map(|info| ("Info".to_owned(), Value::Ref(info))),
    );
    let highest = content.revisions.iter().flat_map(|r| r.things.keys()).max();
    let mut id = [0; 16];
    id[..8].copy_from_slice(&chance.bits().to_be_bytes());
    let mut writer = Writer {
        out: format!("%PDF-{}", habits.version).into_bytes(),
        spelling,
        habits,
        chance,
        generations: BTreeMap::new(),
        next: highest.map_or(1, |highest| highest + 1),
        trailer,
        previous: None,
        id,
    };
    writer.end();
    if habits.binary_mark {
        writer.out.extend(b"%\xE2\xE3\xCF\xD3");
        writer.end();
    }
    let mut freed: BTreeSet<u32> = BTreeSet::new();
    for (number, revision) in content.revisions.iter().enumerate() {
        for again in revision
            .things
            .keys()
            .filter(|number| freed.contains(*number))
        {
            *writer.generations.entry(*again).or_default() += 1;
        }
        freed.retain(|number| !revision.things.contains_key(number));
        freed.extend(&revision.freed);
        writer.revision(revision, &content.visible, number == 0);
    }
    writer.out.extend(habits.rest);
    writer.out
}

impl Writer<'_> {
    fn end(&mut self) {
        let end = self.spelling.end(self.chance);
        self.out.extend(end);
    }

    fn spell(&mut self, value: &Value) -> Vec<u8> {
        self.spelling.spell(value, &self.generations, self.chance)
    }

    fn revision(&mut self, revision: &Revision, visible: &BTreeSet<u32>, is_first: bool) {
        let mut spelt = Vec::new();
        for (number, thing) in &revision.things {
            self.spell_thing(*number, thing, &mut spelt);
        }
        if self.habits.is_shuffled {
            self.chance.shuffle(&mut spelt);
        }
        let mut entries: BTreeMap<u32, Entry> = BTreeMap::new();
        for number in &revision.freed {
            let generation = self.generations.get(number).copied().unwrap_or(0) + 1;
            entries.insert(*number, Entry::Free { generation });
        }
        if is_first || !revision.freed.is_empty() {
            entries.insert(0, Entry::Free { generation: 65_535 });
        }
        match self.habits.kind {
            Kind::FirstPageFirst if is_first => self.first_page_first(&spelt, &entries),
            Kind::Table | Kind::FirstPageFirst => {
                self.objects(&spelt, &mut entries);
                self.table_section(&entries, is_first, None);
            }
            Kind::Stream => {
                self.objects(&spelt, &mut entries);
                self.stream_section(entries);
            }
            Kind::Packed => {
                let (packed, plain): (Vec<_>, Vec<_>) =
                    spelt.into_iter().partition(|s| s.may_be_packed);
                self.objects(&plain, &mut entries);
                self.pack(packed, &mut entries);
                self.stream_section(entries);
            }
            Kind::Hybrid => {
                let (hidden, plain): (Vec<_>, Vec<_>) = spelt
                    .into_iter()
                    .partition(|s| s.may_be_packed && !visible.contains(&s.number));
                self.objects(&plain, &mut entries);
                let stream = (!hidden.is_empty()).then(|| {
                    let mut seen_by_new = BTreeMap::new();
                    self.pack(hidden, &mut seen_by_new);
                    for number in seen_by_new.keys() {
                        entries.insert(*number, Entry::Free { generation: 0 });
                    }
                    entries.insert(0, Entry::Free { generation: 65_535 });
                    self.stream_object(seen_by_new, &[])
                });
                self.table_section(&entries, is_first, stream);
            }
        }
    }

    /// Spells an object, and one for its length where that is the habit.
    fn spell_thing(&mut self, number: u32, thing: &Thing, out: &mut Vec<Spelt>) {
        let Some(data) = &thing.data else {
            let text = self.spell(&thing.value);
            let may_be_packed = self.generations.get(&number).copied().unwrap_or(0) == 0;
            out.push(Spelt {
                number,
                text,
                may_be_packed,
            });
            return;
        };
        let Value::Dict(mut entries) = thing.value.clone() else {
            panic!("a stream's value is a dictionary");
        };
        let (data, filters) = self.filter(data);
        if let Some(filters) = filters {
            entries.push(("Filter".to_owned(), filters));
        }
        let mut length = Value::Int(data.len() as i64);
        if self.chance.percent(self.habits.indirect_lengths) {
            let text = self.spell(&length);
            out.push(Spelt {
                number: self.next,
                text,
                may_be_packed: false,
            });
            length = Value::Ref(self.next);
            self.next += 1;
        }
        entries.push(("Length".to_owned(), length));
        let mut text = self.spell(&Value::Dict(entries));
        text.extend(self.spelling.end(self.chance));
        text.extend(b"stream");
        // Never a carriage return alone (7.3.8.1).
        text.extend(self.chance.pick(&[b"\n" as &[u8], b"\r\n"]));
        text.extend(data);
        text.extend(self.spelling.end(self.chance));
        text.extend(b"endstream");
        out.push(Spelt {
            number,
            text,
            may_be_packed: false,
        });
    }

    /// The data through filters (7.4), and their names.
    fn filter(&mut self, data: &[u8]) -> (Vec<u8>, Option<Value>) {
        if !self.chance.percent(self.habits.filtered) {
            return (data.to_vec(), None);
        }
        let flate = deflate(data);
        match self.chance.between(0, 6) {
            0 => (hex(data), Some(name("ASCIIHexDecode"))),
            1 => {
                let both = Value::Array(vec![name("ASCIIHexDecode"), name("FlateDecode")]);
                (hex(&flate), Some(both))
            }
            2 => (
                runs(data),
                Some(Value::Array(vec![name("RunLengthDecode")])),
            ),
            3 => (flate, Some(Value::Array(vec![name("FlateDecode")]))),
            4 => (data.to_vec(), Some(Value::Array(Vec::new()))),
            _ => (flate, Some(name("FlateDecode"))),
        }
    }

    fn objects(&mut self, spelt: &[Spelt], entries: &mut BTreeMap<u32, Entry>) {
        for one in spelt {
            let generation = self.generations.get(&one.number).copied().unwrap_or(0);
            let offset = self.out.len();
            entries.insert(one.number, Entry::At { offset, generation });
            self.object(one.number, generation, &one.text);
        }
    }

    fn object(&mut self, number: u32, generation: u16, text: &[u8]) {
        self.out
            .extend(format!("{number} {generation} obj").bytes());
        if !text.starts_with(b"<<") || self.chance.percent(80) {
            self.end();
        }
        self.out.extend(text);
        self.end();
        self.out.extend(b"endobj");
        self.end();
    }

    /// Puts objects into object streams (7.5.7), at most a dozen in each.
    fn pack(&mut self, objects: Vec<Spelt>, entries: &mut BTreeMap<u32, Entry>) {
        for part in objects.chunks(12) {
            let stream = self.next;
            self.next += 1;
            let (mut head, mut body) = (String::new(), Vec::new());
            for (index, one) in part.iter().enumerate() {
                head += &format!(
                    "{} {}{}",
                    one.number,
                    body.len(),
                    self.chance.pick(&[" ", "\n"])
                );
                body.extend(&one.text);
                body.push(b'\n');
                entries.insert(one.number, Entry::In { stream, index });
            }
            let value = dict([
                ("Type", name("ObjStm")),
                ("N", Value::Int(part.len() as i64)),
                ("First", Value::Int(head.len() as i64)),
            ]);
            let Value::Dict(mut value) = value else {
                unreachable!("it was made as one")
            };
            let mut data = [head.as_bytes(), &body].concat();
            if self.habits.filtered > 0 {
                data = deflate(&data);
                value.push(("Filter".to_owned(), name("FlateDecode")));
            }
            let offset = self.plain_stream(stream, value, &data);
            let generation = 0;
            entries.insert(stream, Entry::At { offset, generation });
        }
    }

    fn plain_stream(&mut self, number: u32, mut value: Vec<(String, Value)>, data: &[u8]) -> usize {
        value.push(("Length".to_owned(), Value::Int(data.len() as i64)));
        let mut text = self.spell(&Value::Dict(value));
        text.extend([b"\nstream\r\n", data, b"\nendstream"].concat());
        let offset = self.out.len();
        self.object(number, 0, &text);
        offset
    }

    /// What every trailer says.
    fn trailer(&mut self, previous: Option<Value>) -> Vec<(String, Value)> {
        let mut entries = self.trailer.clone();
        entries.push(("Size".to_owned(), Value::Int(i64::from(self.next))));
        entries.extend(previous.map(|at| ("Prev".to_owned(), at)));
        if self.habits.has_id {
            let mut second = self.id;
            second[8..].copy_from_slice(&self.chance.bits().to_be_bytes());
            let both = vec![Value::Text(self.id.to_vec()), Value::Text(second.to_vec())];
            entries.push(("ID".to_owned(), Value::Array(both)));
        }
        entries
    }

    fn previous(&self) -> Option<Value> {
        self.previous.map(|at| Value::Int(at as i64))
    }

    fn finish(&mut self, startxref: usize) {
        self.out.extend(b"startxref");
        self.end();
        self.out.extend(startxref.to_string().bytes());
        self.end();
        self.out.extend(b"%%EOF");
        // An update begins on a line of its own.
        self.end();
        self.previous = Some(startxref);
    }

    /// A table and its trailer.
    fn table_section(
        &mut self,
        entries: &BTreeMap<u32, Entry>,
        is_first: bool,
        hidden: Option<usize>,
    ) {
        let startxref = self.out.len();
        let text = self.table(entries, is_first && self.habits.whole_table);
        self.out.extend(text);
        let previous = self.previous();
        let mut trailer = self.trailer(previous);
        trailer.extend(hidden.map(|at| ("XRefStm".to_owned(), Value::Int(at as i64))));
        self.trailer_text(trailer);
        self.finish(startxref);
    }

    fn trailer_text(&mut self, trailer: Vec<(String, Value)>) {
        self.out.extend(b"trailer");
        self.end();
        let text = self.spell(&Value::Dict(trailer));
        self.out.extend(text);
        self.end();
    }

    /// `xref` and its subsections. Its length doesn't depend on the offsets.
    fn table(&mut self, entries: &BTreeMap<u32, Entry>, is_whole: bool) -> Vec<u8> {
        let mut entries = entries.clone();
        if is_whole {
            let highest = entries.keys().max().copied().unwrap_or(0);
            for number in 0..highest {
                entries
                    .entry(number)
                    .or_insert(Entry::Free { generation: 0 });
            }
        }
        // The free ones are a list that begins and ends at 0.
        let free: Vec<u32> = entries
            .iter()
            .filter(|(_, entry)| matches!(entry, Entry::Free { .. }))
            .map(|(number, _)| *number)
            .collect();
        let mut text = b"xref".to_vec();
        text.extend(self.spelling.end(self.chance));
        let numbers: Vec<u32> = entries.keys().copied().collect();
        if numbers.is_empty() {
            text.extend(b"0 0");
            text.extend(self.spelling.end(self.chance));
        }
        for run in numbers.chunk_by(|a, b| a + 1 == *b) {
            text.extend(format!("{} {}", run[0], run.len()).bytes());
            text.extend(self.spelling.end(self.chance));
            for number in run {
                let line = match entries[number] {
                    Entry::At { offset, generation } => format!("{offset:010} {generation:05} n"),
                    Entry::Free { generation } => {
                        let next = free.iter().find(|free| *free > number).unwrap_or(&0);
                        format!("{next:010} {generation:05} f")
                    }
                    Entry::In { .. } => panic!("a table can't tell of object streams"),
                };
                text.extend(line.bytes());
                text.extend(self.habits.entry_end.bytes());
            }
        }
        text
    }

    /// A cross-reference stream as the section.
    fn stream_section(&mut self, entries: BTreeMap<u32, Entry>) {
        let previous = self.previous();
        let trailer = self.trailer(previous);
        let startxref = self.stream_object(entries, &trailer);
        self.finish(startxref);
    }

    /// A cross-reference stream (7.5.8) and where it begins.
    fn stream_object(
        &mut self,
        mut entries: BTreeMap<u32, Entry>,
        trailer: &[(String, Value)],
    ) -> usize {
        let own = self.next;
        self.next += 1;
        let (offset, generation) = (self.out.len(), 0);
        entries.insert(own, Entry::At { offset, generation });
        let widths = self.habits.widths;
        let mut rows = Vec::new();
        for entry in entries.values() {
            let row = match *entry {
                Entry::Free { generation } => [0, 0, u64::from(generation % 256)],
                Entry::At { offset, generation } => [1, offset as u64, u64::from(generation)],
                Entry::In { stream, index } => [2, u64::from(stream), index as u64],
            };
            for (value, width) in row.into_iter().zip(widths) {
                let fits = width == 8 || value < 1 << (8 * width);
                assert!(fits, "{value} needs more than {width} bytes");
                rows.extend(&value.to_be_bytes()[8 - width..]);
            }
        }
        let numbers: Vec<u32> = entries.keys().copied().collect();
        let mut index = Vec::new();
        for run in numbers.chunk_by(|a, b| a + 1 == *b) {
            index.extend([i64::from(run[0]), run.len() as i64]);
        }
        let mut value: Vec<(String, Value)> = trailer.to_vec();
        value.retain(|(key, _)| key != "Size");
        for (key, entry) in [
            ("Type", name("XRef")),
            ("Size", Value::Int(i64::from(self.next))),
            ("W", ints(&widths.map(|width| width as i64))),
            ("Index", ints(&index)),
        ] {
            value.push((key.to_owned(), entry));
        }
        if self.habits.predictor {
            let columns: usize = widths.iter().sum();
            let parameters = dict([
                ("Predictor", Value::Int(12)),
                ("Columns", Value::Int(columns as i64)),
            ]);
            value.push(("DecodeParms".to_owned(), parameters));
            value.push(("Filter".to_owned(), name("FlateDecode")));
            rows = deflate(&upward(&rows, columns));
        }
        self.plain_stream(own, value, &rows)
    }

    /// The second half's table, then all objects, then the first half's: the end points to the front.
    fn first_page_first(&mut self, spelt: &[Spelt], free: &BTreeMap<u32, Entry>) {
        const PLACE: i64 = 1_111_111_111;
        let middle = spelt.iter().map(|one| one.number).max().unwrap_or(0) / 2 + 1;
        let (front, back): (Vec<&Spelt>, Vec<&Spelt>) =
            spelt.iter().partition(|one| one.number >= middle);
        let generation = 0;
        let somewhere = front
            .iter()
            .map(|one| {
                (
                    one.number,
                    Entry::At {
                        offset: 0,
                        generation,
                    },
                )
            })
            .collect();
        let startxref = self.out.len();
        let length = self.table(&somewhere, false).len();
        // Ends of lines may differ from one time to the other, so the table is made again until it is as long.
        self.out.resize(startxref + length, b' ');
        let trailer = self.trailer(Some(Value::Int(PLACE)));
        self.trailer_text(trailer);
        let place = PLACE.to_string();
        let at = self.out.windows(10).rposition(|w| w == place.as_bytes());
        let at = at.expect("the place of /Prev");
        self.finish(0);
        let mut entries = BTreeMap::new();
        for one in front {
            let offset = self.out.len();
            entries.insert(one.number, Entry::At { offset, generation });
            self.object(one.number, generation, &one.text);
        }
        let table = loop {
            let table = self.table(&entries, false);
            if table.len() == length {
                break table;
            }
        };
        self.out[startxref..startxref + length].copy_from_slice(&table);
        let mut entries = free.clone();
        for one in back {
            let offset = self.out.len();
            entries.insert(one.number, Entry::At { offset, generation });
            self.object(one.number, generation, &one.text);
        }
        let second = self.out.len();
        self.out[at..at + 10].copy_from_slice(format!("{second:<10}").as_bytes());
        let table = self.table(&entries, self.habits.whole_table);
        self.out.extend(table);
        let trailer = self.trailer(None);
        self.trailer_text(trailer);
        self.finish(startxref);
    }
}

fn hex(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in data.chunks(32) {
        out.extend(
            line.iter()
                .flat_map(|byte| format!("{byte:02x}").into_bytes()),
        );
        out.push(b'\n');
    }
    out.push(b'>');
    out
}

/// Runs of literal bytes only (7.4.5).
fn runs(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for part in data.chunks(128) {
        out.push((part.len() - 1) as u8);
        out.extend(part);
    }
    out.push(128);
    out
}

/// PNG's filter "up" on each row (RFC 2083, 6.4).
fn upward(rows: &[u8], columns: usize) -> Vec<u8> {
    let mut above = vec![0_u8; columns];
    let mut out = Vec::new();
    for row in rows.chunks(columns) {
        out.push(2);
        out.extend(row.iter().zip(&above).map(|(x, up)| x.wrapping_sub(*up)));
        above.copy_from_slice(row);
    }
    out
}
