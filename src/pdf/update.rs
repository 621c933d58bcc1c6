//! The incremental writer (ISO 32000-2, 7.5.6): new and changed objects after the old file, one cross-reference section, a
//! trailer. Only the tail is built; nothing of the old file is touched or held.

use pdf_writer::Chunk;

use super::object::{Dict, Name, OBJECT_NUMBER_MAX, Object, Ref};
use super::xref::SectionKind;
use crate::domain::digest::Hasher;

/// Why an update can't be written.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// More than [`OBJECT_NUMBER_MAX`] objects.
    #[error("the document would need an object number over {OBJECT_NUMBER_MAX}")]
    TooManyObjects,
    /// A table's offsets have ten digits (7.5.4).
    #[error("the document would be larger than its kind of cross-reference can say")]
    TooLarge,
    /// A parsed stream's data is in the old file and can't be written again.
    #[error("a stream can't be rewritten")]
    Stream,
}

/// What of the old file the tail hangs on.
#[derive(Clone, Debug)]
pub struct Base {
    /// Bytes of the old file.
    pub length: u64,
    /// Whether the old file ends with a line end.
    pub ends_line: bool,
    /// Offset of its newest cross-reference section.
    pub startxref: u64,
    /// Kind of that section; the new one is of the same kind.
    pub kind: SectionKind,
    /// Its newest trailer dictionary.
    pub trailer: Dict,
    /// The first half of its `/ID`, if it has one.
    pub first_id: Option<Vec<u8>>,
    /// One more than the highest object number of all sections and at least `/Size`.
    pub next_number: u32,
}

/// The objects of one update.
pub struct Objects {
    next: u32,
    written: Vec<Written>,
    failed: Option<UpdateError>,
}

struct Written {
    id: Ref,
    /// From `n g obj` to `endobj` and a line end.
    bytes: Vec<u8>,
}

impl Objects {
    /// New numbers begin at `next_number`.
    pub fn from_number(next_number: u32) -> Self {
        Self {
            next: next_number,
            written: Vec::new(),
            failed: None,
        }
    }

    /// A new number, generation 0.
    pub fn reserve(&mut self) -> pdf_writer::Ref {
        let number = self.next;
        if number > OBJECT_NUMBER_MAX {
            self.failed = Some(UpdateError::TooManyObjects);
            // Never written: `finish` fails.
            return pdf_writer::Ref::new(1);
        }
        self.next += 1;
        pdf_writer::Ref::new(i32::try_from(number.max(1)).unwrap_or(1))
    }

    /// As [`Objects::reserve`], for the own serialiser.
    pub fn reserve_ref(&mut self) -> Ref {
        old(self.reserve())
    }

    /// Adds the one object that `write` makes: pdf-writer tells no offsets, so each object is a chunk of its own.
    pub fn put(&mut self, write: impl FnOnce(&mut Chunk)) {
        let mut chunk = Chunk::with_settings(pdf_writer::Settings { pretty: false });
        write(&mut chunk);
        let id = chunk.refs().next();
        if let Some(id) = id {
            self.written.push(Written {
                id: old(id),
                bytes: chunk.as_bytes().to_vec(),
            });
        }
    }

    /// Adds `value` as object `id`: a changed old object keeps number and generation.
    pub fn put_value(&mut self, id: Ref, value: &Object) {
        let mut bytes = format!("{} {} obj\n", id.number, id.generation).into_bytes();
        if let Err(error) = serialise(value, &mut bytes) {
            self.failed = Some(error);
            return;
        }
        bytes.extend(b"\nendobj\n");
        self.put_bytes(id, bytes);
    }

    /// Adds an object already written, from `n g obj` to `endobj` and a line end.
    pub(super) fn put_bytes(&mut self, id: Ref, bytes: Vec<u8>) {
        self.written.retain(|written| written.id != id);
        self.written.push(Written { id, bytes });
    }

    /// The tail: everything after the last byte of the old file.
    ///
    /// # Errors
    /// [`UpdateError`].
    pub fn finish(mut self, base: &Base) -> Result<TailBytes, UpdateError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let stream_id = match base.kind {
            SectionKind::Stream => {
                let id = self.reserve_ref();
                if let Some(error) = self.failed {
                    return Err(error);
                }
                Some(id)
            }
            _ => None,
        };
        self.written.sort_by_key(|written| written.id.number);

        let mut out = Vec::new();
        if !base.ends_line {
            out.push(b'\n');
        }
        let mut entries: Vec<(Ref, u64)> = Vec::with_capacity(self.written.len() + 1);
        for written in &self.written {
            entries.push((written.id, base.length + out.len() as u64));
            out.extend(&written.bytes);
        }
        let section = base.length + out.len() as u64;
        let mut trailer = trailer(base, self.next, &out);
        match stream_id {
            Some(id) => {
                entries.push((id, section));
                write_stream(id, &entries, trailer, &mut out)?;
            }
            None => {
                trailer.remove("XRefStm");
                write_table(&entries, &trailer, &mut out)?;
            }
        }
        out.extend(format!("startxref\n{section}\n%%EOF\n").bytes());
        Ok(TailBytes {
            bytes: out,
            entries,
        })
    }
}

/// A finished tail and where its objects are in the whole file.
#[derive(Clone, Debug)]
pub struct TailBytes {
    /// What follows the old file's last byte.
    pub bytes: Vec<u8>,
    /// Each object's offset in the whole file.
    pub(super) entries: Vec<(Ref, u64)>,
}

/// The number of a pdf-writer reference as the reader's.
pub(super) fn old(id: pdf_writer::Ref) -> Ref {
    Ref::new(u32::try_from(id.get()).unwrap_or(1), 0)
}

/// Root, Info, Size, Prev and `/ID` with its first half kept, its second a digest of what is new (14.4).
fn trailer(base: &Base, size: u32, new: &[u8]) -> Dict {
    let mut trailer = Dict::new();
    trailer.set("Size", i64::from(size));
    if let Some(root) = base.trailer.get("Root") {
        trailer.set("Root", root.clone());
    }
    if let Some(info) = base.trailer.get("Info") {
        trailer.set("Info", info.clone());
    }
    trailer.set("Prev", i64::try_from(base.startxref).unwrap_or(i64::MAX));
    let mut hasher = Hasher::new();
    hasher.update(base.first_id.as_deref().unwrap_or_default());
    hasher.update(&base.length.to_be_bytes());
    hasher.update(new);
    let digest = hasher.finish();
    let second: Vec<u8> = digest.as_bytes().iter().take(16).copied().collect();
    let first = base.first_id.clone().unwrap_or_else(|| second.clone());
    trailer.set("ID", vec![Object::String(first), Object::String(second)]);
    trailer
}

/// Runs of consecutive numbers.
fn runs(entries: &[(Ref, u64)]) -> Vec<&[(Ref, u64)]> {
    entries
        .chunk_by(|(a, _), (b, _)| a.number + 1 == b.number)
        .collect()
}

fn write_table(
    entries: &[(Ref, u64)],
    trailer: &Dict,
    out: &mut Vec<u8>,
) -> Result<(), UpdateError> {
    out.extend(b"xref\n");
    for run in runs(entries) {
        let first = run.first().map_or(0, |(id, _)| id.number);
        out.extend(format!("{first} {}\n", run.len()).bytes());
        for (id, offset) in run {
            if *offset > 9_999_999_999 {
                return Err(UpdateError::TooLarge);
            }
            out.extend(format!("{offset:010} {:05} n\r\n", id.generation).bytes());
        }
    }
    out.extend(b"trailer\n");
    serialise_dict(trailer, out)?;
    out.push(b'\n');
    Ok(())
}

/// An uncompressed cross-reference stream, `/W [1 5 2]` (7.5.8).
fn write_stream(
    id: Ref,
    entries: &[(Ref, u64)],
    mut trailer: Dict,
    out: &mut Vec<u8>,
) -> Result<(), UpdateError> {
    let mut rows = Vec::with_capacity(entries.len() * 8);
    let mut index = Vec::new();
    for run in runs(entries) {
        index.push(Object::Int(
            run.first().map_or(0, |(id, _)| i64::from(id.number)),
        ));
        index.push(Object::Int(run.len() as i64));
        for (id, offset) in run {
            let [0, 0, 0, offset @ ..] = offset.to_be_bytes() else {
                return Err(UpdateError::TooLarge);
            };
            rows.push(1);
            rows.extend(offset);
            rows.extend(id.generation.to_be_bytes());
        }
    }
    trailer.set("Type", Name::from("XRef"));
    trailer.set("W", vec![Object::Int(1), Object::Int(5), Object::Int(2)]);
    trailer.set("Index", index);
    trailer.set("Length", rows.len() as i64);
    out.extend(format!("{} {} obj\n", id.number, id.generation).bytes());
    serialise_dict(&trailer, out)?;
    out.extend(b"\nstream\n");
    out.extend(rows);
    out.extend(b"\nendstream\nendobj\n");
    Ok(())
}

/// Writes a value that was read, or made of such: strings as hex, reals with their own digits. Nesting is bounded by the
/// reader (100), so recursion is too.
///
/// # Errors
/// [`UpdateError::Stream`].
pub(super) fn serialise(value: &Object, out: &mut Vec<u8>) -> Result<(), UpdateError> {
    match value {
        Object::Null => out.extend(b"null"),
        Object::Bool(value) => out.extend(if *value { "true" } else { "false" }.bytes()),
        Object::Int(value) => out.extend(value.to_string().bytes()),
        Object::Real(real) => out.extend(real.source().bytes()),
        Object::String(bytes) => serialise_string(bytes, out),
        Object::Name(name) => serialise_name(name.as_bytes(), out),
        Object::Array(items) => {
            out.push(b'[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(b' ');
                }
                serialise(item, out)?;
            }
            out.push(b']');
        }
        Object::Dict(dict) => serialise_dict(dict, out)?,
        Object::Stream(_) => return Err(UpdateError::Stream),
        Object::Ref(id) => out.extend(format!("{} {} R", id.number, id.generation).bytes()),
    }
    Ok(())
}

fn serialise_dict(dict: &Dict, out: &mut Vec<u8>) -> Result<(), UpdateError> {
    out.extend(b"<<");
    for (key, value) in dict.iter() {
        serialise_name(key.as_bytes(), out);
        out.push(b' ');
        serialise(value, out)?;
        out.push(b'\n');
    }
    out.extend(b">>");
    Ok(())
}

pub(super) fn serialise_string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'<');
    out.extend(hex::encode(bytes).bytes());
    out.push(b'>');
}

fn serialise_name(name: &[u8], out: &mut Vec<u8>) {
    out.push(b'/');
    for byte in name {
        match byte {
            b'!'..=b'~' if !b"()<>[]{}/%#".contains(byte) => out.push(*byte),
            _ => out.extend(format!("#{byte:02X}").bytes()),
        }
    }
}

/// A text string (7.9.2.2): ASCII as it is, else UTF-16BE with its mark.
pub(super) fn text_string(text: &str) -> Object {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Object::String(text.as_bytes().to_vec());
    }
    let mut bytes = vec![0xFE, 0xFF];
    bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    Object::String(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf::object::Real;

    fn base(kind: SectionKind) -> Base {
        let mut trailer = Dict::new();
        trailer.set("Root", Ref::new(1, 3));
        trailer.set("Info", Ref::new(2, 0));
        trailer.set("Size", 9_i64);
        trailer.set("XRefStm", 77_i64);
        Base {
            length: 1000,
            ends_line: false,
            startxref: 800,
            kind,
            trailer,
            first_id: Some(b"first".to_vec()),
            next_number: 9,
        }
    }

    fn text(kind: SectionKind) -> String {
        let mut objects = Objects::from_number(9);
        let new = objects.reserve_ref();
        objects.put_value(new, &Object::Bool(true));
        objects.put_value(Ref::new(4, 2), &Object::Null);
        let tail = objects.finish(&base(kind)).unwrap();
        String::from_utf8_lossy(&tail.bytes).into_owned()
    }

    #[test]
    fn a_table_has_twenty_byte_entries_ascending_and_keeps_generations() {
        for kind in [SectionKind::Table, SectionKind::Hybrid] {
            let text = text(kind);
            assert!(text.starts_with("\n4 2 obj\nnull\nendobj\n9 0 obj\ntrue\nendobj\nxref\n"));
            assert!(
                text.contains(
                    "xref\n4 1\n0000001001 00002 n\r\n9 1\n0000001021 00000 n\r\ntrailer\n"
                )
            );
            assert!(text.contains("/Root 1 3 R") && text.contains("/Info 2 0 R"));
            assert!(text.contains("/Prev 800") && text.contains("/Size 10"));
            assert!(text.contains(&format!("/ID [<{}> <", hex::encode("first"))));
            assert!(
                !text.contains("XRefStm"),
                "a new hybrid part would hide objects"
            );
            let xref = 1000 + text.find("xref\n4 1").unwrap();
            assert!(text.ends_with(&format!("startxref\n{xref}\n%%EOF\n")));
        }
    }

    #[test]
    fn a_stream_names_itself_and_has_rows_of_eight_bytes() {
        let mut objects = Objects::from_number(9);
        objects.put_value(Ref::new(4, 2), &Object::Null);
        let bytes = objects.finish(&base(SectionKind::Stream)).unwrap().bytes;
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("/Index [4 1 9 1]") && text.contains("/W [1 5 2]"));
        assert!(text.contains("/Size 10") && text.contains("/Length 16"));
        let data = bytes.windows(8).position(|w| w == b"\nstream\n").unwrap() + 8;
        assert_eq!(bytes[data..data + 8], [1, 0, 0, 0, 0x03, 0xE9, 0, 2]);
        assert_eq!(bytes[data + 8..data + 16], [1, 0, 0, 0, 0x03, 0xFD, 0, 0]);
    }

    #[test]
    fn the_same_update_of_the_same_file_has_the_same_identifier() {
        assert_eq!(text(SectionKind::Table), text(SectionKind::Table));
    }

    #[test]
    fn values_are_written_so_that_they_are_read_again() {
        let mut dict = Dict::new();
        dict.set("A B#", Name::from("x/y"));
        dict.set("S", Object::String(b"a)(\\\0".to_vec()));
        dict.set("R", Object::Real(Real::from_source("-.0500")));
        dict.set(
            "L",
            vec![Object::Int(-1), Object::Null, Ref::new(7, 1).into()],
        );
        let mut out = Vec::new();
        serialise(&Object::Dict(dict), &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "<</A#20B#23 /x#2Fy\n/S <6129285c00>\n/R -.0500\n/L [-1 null 7 1 R]\n>>"
        );
    }

    #[test]
    fn text_strings_are_ascii_or_utf_16_with_a_mark() {
        assert_eq!(text_string("Seal"), Object::String(b"Seal".to_vec()));
        assert_eq!(
            text_string("Ł"),
            Object::String(vec![0xFE, 0xFF, 0x01, 0x41])
        );
    }

    #[test]
    fn numbers_and_offsets_beyond_the_format_are_refused() {
        let mut objects = Objects::from_number(OBJECT_NUMBER_MAX);
        objects.reserve();
        objects.reserve();
        assert!(matches!(
            objects.finish(&base(SectionKind::Table)),
            Err(UpdateError::TooManyObjects)
        ));
        let far = Base {
            length: 10_000_000_000,
            ..base(SectionKind::Table)
        };
        let mut objects = Objects::from_number(9);
        objects.put_value(Ref::new(4, 0), &Object::Null);
        assert!(matches!(objects.finish(&far), Err(UpdateError::TooLarge)));
    }
}
