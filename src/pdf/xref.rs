//! Where objects are: header, `startxref`, cross-reference tables, streams and hybrids (ISO 32000-2, 7.5).

use std::collections::HashSet;

use super::error::{Code, Error};
use super::lexer::{Lexer, Origin, is_white_space};
use super::object::{Dict, OBJECT_NUMBER_MAX, Object};
use super::source::{ReadAt, Window};

mod stream;

/// Entries that all sections may have together.
pub const ENTRIES_MAX: usize = 1_000_000;
/// Sections along `/Prev`, those of `/XRefStm` too.
pub const SECTIONS_MAX: usize = 1024;
/// `startxref`, its number and `%%EOF` lie in so many last bytes.
pub const TAIL_BYTES: u64 = 1024;

/// Where one object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Not in use.
    Free,
    /// At `offset` of the file.
    At {
        /// Bytes from the start of the file.
        offset: u64,
        /// The generation that the object has there.
        generation: u16,
    },
    /// In an object stream; its generation is 0.
    In {
        /// Number of the object stream.
        stream: u32,
        /// Place in the object stream, from 0.
        index: u32,
    },
}

/// What kind of cross-reference section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// `xref` and `trailer`.
    Table,
    /// A cross-reference stream.
    Stream,
    /// A table whose trailer names a stream by `/XRefStm`.
    Hybrid,
}

/// The cross-reference of a whole file: all sections, newest first, laid over each other.
#[derive(Debug)]
pub struct Xref {
    /// By number; each number once.
    entries: Vec<(u32, Entry)>,
    /// The newest section's trailer, or the dictionary of its stream.
    pub(super) trailer: Dict,
    /// The kind of the newest section.
    pub(super) newest: SectionKind,
    /// Where the newest section begins.
    pub(super) startxref: u64,
    /// Whether any section is a hybrid.
    pub(super) any_hybrid: bool,
    /// Sections along `/Prev`.
    sections: usize,
    /// Entries of all sections, those of one number counted as often as they come.
    rows: usize,
    /// Bytes inflated for cross-reference streams.
    pub(super) inflated: usize,
    /// Bytes lexed in trailers and stream dictionaries.
    pub(super) lexed: u64,
}

impl Xref {
    /// The entry of object `number`; a number without one is free.
    pub fn entry(&self, number: u32) -> Entry {
        self.place(number)
            .and_then(|place| self.entries.get(place))
            .map_or(Entry::Free, |(_, entry)| *entry)
    }

    /// The place of `number` among all entries, below [`Xref::len`].
    pub(super) fn place(&self, number: u32) -> Option<usize> {
        self.entries
            .binary_search_by_key(&number, |(number, _)| *number)
            .ok()
    }

    /// Puts another entry for a number that has one.
    #[cfg(test)]
    pub(super) fn set_for_test(&mut self, number: u32, entry: Entry) {
        if let Some(place) = self.place(number) {
            self.entries[place].1 = entry;
        }
    }

    /// How many sections there are along `/Prev`.
    pub const fn sections(&self) -> usize {
        self.sections
    }

    /// How many entries all sections have together.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// How many numbers have an entry, free ones too.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All entries, by number.
    pub fn iter(&self) -> impl Iterator<Item = (u32, Entry)> {
        self.entries.iter().copied()
    }

    /// The highest number that has an entry; 0 without any.
    pub fn highest(&self) -> u32 {
        self.entries.last().map_or(0, |(number, _)| *number)
    }
}

/// What is read of one section.
struct Section {
    entries: Vec<(u32, Entry)>,
    trailer: Dict,
    kind: SectionKind,
}

/// Reads the sections of one file.
struct Loader<'a, R> {
    window: &'a Window<R>,
    inflated: usize,
    inflated_max: usize,
    lexed: u64,
    lexed_max: u64,
    rows: usize,
}

/// Reads header, end and all sections. At most `inflated_max` bytes are inflated and `lexed_max` lexed.
///
/// # Errors
/// [`Code::Encrypted`] if a trailer has `/Encrypt`; [`Code::Malformed`] for anything irregular.
pub(super) fn load<R: ReadAt>(
    window: &Window<R>,
    inflated_max: usize,
    lexed_max: u64,
) -> Result<Xref, Error> {
    let startxref = startxref(window)?;
    let mut loader = Loader {
        window,
        inflated: 0,
        inflated_max,
        lexed: 0,
        lexed_max,
        rows: 0,
    };
    let newest = loader.section(startxref)?;
    let (trailer, kind) = (newest.trailer, newest.kind);
    let mut entries = newest.entries;
    let mut any_hybrid = kind == SectionKind::Hybrid;
    let mut seen = HashSet::from([startxref]);
    let mut previous = previous(&trailer, startxref)?;
    while let Some(offset) = previous {
        if !seen.insert(offset) {
            return Err(Error::malformed(
                "/Prev leads to a cross-reference section for the second time",
                offset,
            ));
        }
        if seen.len() > SECTIONS_MAX {
            return Err(Error::malformed(
                format!("more than {SECTIONS_MAX} cross-reference sections"),
                offset,
            ));
        }
        let section = loader.section(offset)?;
        any_hybrid |= section.kind == SectionKind::Hybrid;
        previous = self::previous(&section.trailer, offset)?;
        entries.extend(section.entries);
    }
    // Stable: of one number, the newest section's entry comes first and stays.
    entries.sort_by_key(|(number, _)| *number);
    entries.dedup_by_key(|(number, _)| *number);
    Ok(Xref {
        entries,
        trailer,
        newest: kind,
        startxref,
        any_hybrid,
        sections: seen.len(),
        rows: loader.rows,
        inflated: loader.inflated,
        lexed: loader.lexed,
    })
}

/// The number after the last `startxref`.
fn startxref<R: ReadAt>(window: &Window<R>) -> Result<u64, Error> {
    let length = window.length();
    if length < 5 || window.read(0, 5)? != b"%PDF-" {
        return Err(Error::malformed("the file doesn't begin with %PDF-", 0));
    }
    let start = length.saturating_sub(TAIL_BYTES);
    let tail = window.read(start, (length - start) as usize)?;
    let missing =
        |what: &str| Error::malformed(format!("no {what} in the last {TAIL_BYTES} bytes"), start);
    let eof = rfind(&tail, b"%%EOF").ok_or_else(|| missing("%%EOF"))?;
    let after = eof + 5;
    if let Some(odd) = tail
        .iter()
        .skip(after)
        .position(|byte| !is_white_space(*byte))
    {
        return Err(Error::malformed(
            "something other than white space after the last %%EOF",
            start + (after + odd) as u64,
        ));
    }
    let before = tail.get(..eof).unwrap_or_default();
    let keyword = rfind(before, b"startxref").ok_or_else(|| missing("startxref"))?;
    let at = start + keyword as u64;
    let mut lexer = Lexer::new(window, Origin::File, at, start + eof as u64);
    let glued = keyword
        .checked_sub(1)
        .and_then(|index| before.get(index))
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    if glued || !lexer.take_keyword(b"startxref")? {
        return Err(Error::malformed("startxref is no word of its own", at));
    }
    lexer.skip_white_space()?;
    let Some(offset) = lexer.take_unsigned(19)? else {
        return Err(lexer.error("no number after startxref"));
    };
    let number_end = lexer.position();
    lexer.skip_white_space()?;
    if lexer.position() != start + eof as u64 || number_end == lexer.position() {
        return Err(lexer.error("something between the number of startxref and %%EOF"));
    }
    if offset >= at {
        return Err(Error::malformed(
            format!("startxref {offset} doesn't lie before it"),
            at,
        ));
    }
    Ok(offset)
}

fn rfind(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .rposition(|window| window == needle)
}

/// The offset that `/Prev` of the section at `offset` names.
fn previous(trailer: &Dict, offset: u64) -> Result<Option<u64>, Error> {
    positive(trailer, "Prev", offset)
}

fn positive(trailer: &Dict, key: &str, offset: u64) -> Result<Option<u64>, Error> {
    match trailer.get(key) {
        None => Ok(None),
        Some(Object::Int(value @ 1..)) => Ok(Some(*value as u64)),
        Some(_) => Err(Error::malformed(
            format!("the /{key} of this cross-reference section is no positive integer"),
            offset,
        )),
    }
}

/// Sorts by number; a number twice in one section rejects.
fn sorted(mut entries: Vec<(u32, Entry)>, offset: u64) -> Result<Vec<(u32, Entry)>, Error> {
    entries.sort_unstable_by_key(|(number, _)| *number);
    match entries.windows(2).find_map(|pair| match pair {
        [(a, _), (b, _)] if a == b => Some(*a),
        _ => None,
    }) {
        Some(number) => Err(Error::malformed(
            format!("object number {number} twice in one cross-reference section"),
            offset,
        )),
        None => Ok(entries),
    }
}

impl<R: ReadAt> Loader<'_, R> {
    fn lexer(&self, offset: u64) -> Lexer<'_> {
        Lexer::new(self.window, Origin::File, offset, self.window.length())
    }

    fn lexed(&mut self, bytes: u64, offset: u64) -> Result<(), Error> {
        self.lexed += bytes;
        if self.lexed > self.lexed_max {
            return Err(Error::malformed(
                "the cross-reference sections lie over each other",
                offset,
            ));
        }
        Ok(())
    }

    /// Counts `rows` more entries.
    fn rows(&mut self, rows: u64, offset: u64) -> Result<(), Error> {
        let total = (self.rows as u64).saturating_add(rows);
        if total > ENTRIES_MAX as u64 {
            return Err(Error::malformed(
                format!("more than {ENTRIES_MAX} cross-reference entries"),
                offset,
            ));
        }
        self.rows = total as usize;
        Ok(())
    }

    /// The section at `offset`, with the stream that a hybrid's trailer names.
    fn section(&mut self, offset: u64) -> Result<Section, Error> {
        if offset >= self.window.length() {
            return Err(Error::malformed(
                format!("a cross-reference section at {offset}, outside the file"),
                offset,
            ));
        }
        if !self.lexer(offset).take_keyword(b"xref")? {
            return self.stream(offset);
        }
        let mut section = self.table(offset)?;
        if let Some(at) = positive(&section.trailer, "XRefStm", offset)? {
            if at >= self.window.length() {
                return Err(Error::malformed(
                    format!("/XRefStm {at} lies outside the file"),
                    offset,
                ));
            }
            let hidden = self.stream(at)?;
            section.entries = hybrid(section.entries, hidden.entries, at)?;
            section.kind = SectionKind::Hybrid;
        }
        Ok(section)
    }

    /// 7.5.4: subsections of 20-byte entries, then the trailer.
    fn table(&mut self, offset: u64) -> Result<Section, Error> {
        let mut entries = Vec::new();
        let mut lexer = Lexer::new(self.window, Origin::File, offset, self.window.length());
        lexer.take_keyword(b"xref")?;
        loop {
            lexer.skip_white_space()?;
            let at = lexer.position();
            if lexer.take_keyword(b"trailer")? {
                break;
            }
            let first = lexer.take_unsigned(10)?;
            lexer.skip_white_space()?;
            let count = lexer.take_unsigned(10)?;
            let (Some(first), Some(count)) = (first, count) else {
                return Err(lexer.error_at(
                    "neither a subsection nor the trailer in a cross-reference table",
                    at,
                ));
            };
            self.rows(count, at)?;
            if count > 0 && first + count - 1 > u64::from(OBJECT_NUMBER_MAX) {
                return Err(lexer.error_at(
                    format!("object numbers above {OBJECT_NUMBER_MAX} in a cross-reference table"),
                    at,
                ));
            }
            if count > 0 {
                lexer.skip_white_space()?;
            }
            for number in first..first + count {
                entries.push((number as u32, table_entry(&mut lexer, number)?));
            }
        }
        lexer.skip_space()?;
        let start = lexer.position();
        let value = lexer.value().map_err(|error| error.within("the trailer"))?;
        self.lexed(lexer.position() - start, offset)?;
        let Object::Dict(trailer) = value else {
            return Err(lexer.error_at("the trailer is no dictionary", start));
        };
        refuse_encrypted(&trailer, start)?;
        Ok(Section {
            entries: sorted(entries, offset)?,
            trailer,
            kind: SectionKind::Table,
        })
    }
}

fn refuse_encrypted(trailer: &Dict, offset: u64) -> Result<(), Error> {
    if trailer.has("Encrypt") {
        return Err(Error::refused(
            Code::Encrypted,
            "the document is encrypted (a trailer has /Encrypt)",
            Some(offset),
        ));
    }
    Ok(())
}

/// `nnnnnnnnnn ggggg n` and two bytes of line end: 20 bytes exactly.
fn table_entry(lexer: &mut Lexer<'_>, number: u64) -> Result<Entry, Error> {
    let at = lexer.position();
    let mut row = [0_u8; 20];
    for byte in &mut row {
        *byte = lexer.next()?.unwrap_or_default();
    }
    let [offset @ .., gap, g1, g2, g3, g4, g5, space, kind, e1, e2] = row;
    let digits = |bytes: &[u8]| {
        bytes.iter().try_fold(0_u64, |value, byte| {
            byte.is_ascii_digit()
                .then(|| value * 10 + u64::from(byte - b'0'))
        })
    };
    let line_end = matches!(&[e1, e2], b" \r" | b" \n" | b"\r\n");
    let spaced = gap == b' ' && space == b' ';
    let wrong = |what: &str| {
        lexer.error_at(
            format!("the cross-reference entry of object {number} {what}"),
            at,
        )
    };
    match (digits(&offset), digits(&[g1, g2, g3, g4, g5]), kind) {
        // The generation of a free entry says only which one comes next: it is never reached.
        (Some(_), Some(_), b'f') if line_end && spaced => Ok(Entry::Free),
        (Some(offset), Some(generation), b'n') if line_end && spaced => Ok(Entry::At {
            offset,
            generation: u16::try_from(generation)
                .map_err(|_| wrong("has a generation above 65535"))?,
        }),
        _ => Err(wrong("is not the 20 bytes of the standard")),
    }
}

/// 7.5.8.4: the stream of a hybrid adds what its table has free or lacks; both having one in use is two readings of one file.
fn hybrid(
    table: Vec<(u32, Entry)>,
    hidden: Vec<(u32, Entry)>,
    offset: u64,
) -> Result<Vec<(u32, Entry)>, Error> {
    let mut merged = Vec::with_capacity(table.len() + hidden.len());
    let mut table = table.into_iter().peekable();
    for (number, entry) in hidden {
        while let Some(before) = table.next_if(|(other, _)| *other < number) {
            merged.push(before);
        }
        match table.next_if(|(other, _)| *other == number) {
            Some((_, visible)) if visible != Entry::Free => {
                if entry != Entry::Free {
                    return Err(Error::malformed(
                        format!(
                            "object number {number} is in use in both the table and the stream of a hybrid cross-reference"
                        ),
                        offset,
                    ));
                }
                merged.push((number, visible));
            }
            _ => merged.push((number, entry)),
        }
    }
    merged.extend(table);
    Ok(merged)
}

#[cfg(test)]
mod tests;
