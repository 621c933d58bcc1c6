//! A small builder of PDF files for tests: well-formed by default, and every part can be said otherwise.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeMap;
use std::io::Write;

/// Deflates as zlib data (what `/FlateDecode` wants).
pub fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(data).expect("into memory");
    encoder.finish().expect("into memory")
}

/// Objects by number, as the text between `n 0 obj` and `endobj`.
#[derive(Clone, Default)]
pub struct Pdf {
    objects: BTreeMap<u32, Vec<u8>>,
    /// Numbers that [`Pdf::with_stream_xref`] puts into one object stream.
    packed: Vec<u32>,
    /// Entries of the trailer beside `/Root` and `/Size`.
    trailer: String,
}

impl Pdf {
    /// Catalog 1, page tree 2, one A4 page 3 with contents 4.
    pub fn one_page() -> Self {
        Self::pages(1)
    }

    /// Catalog 1, page tree 2, then for each page its object and its contents: 3 and 4, 5 and 6, ...
    pub fn pages(count: u32) -> Self {
        let mut pdf = Self::default();
        let kids: String = (0..count).map(|n| format!("{} 0 R ", 3 + 2 * n)).collect();
        pdf.set(1, "<</Type/Catalog/Pages 2 0 R>>");
        pdf.set(2, format!("<</Type/Pages/Kids[{kids}]/Count {count}>>"));
        for n in 0..count {
            let (page, contents) = (3 + 2 * n, 4 + 2 * n);
            pdf.set(
                page,
                format!(
                    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>/Contents {contents} 0 R>>"
                ),
            );
            pdf.stream(contents, "", b"0 0 1 rg 100 100 50 50 re f");
        }
        pdf
    }

    /// Object `number` is `text`.
    pub fn set(&mut self, number: u32, text: impl AsRef<[u8]>) -> &mut Self {
        self.objects.insert(number, text.as_ref().to_vec());
        self
    }

    /// Object `number` with `from` replaced by `to`, which must be in it.
    pub fn replace(&mut self, number: u32, from: &str, to: &str) -> &mut Self {
        let old = String::from_utf8(self.objects[&number].clone()).expect("text");
        assert!(old.contains(from), "object {number} has no {from}: {old}");
        self.set(number, old.replace(from, to))
    }

    /// Object `number` is a stream with its true `/Length`; `entries` are further ones of its dictionary.
    pub fn stream(&mut self, number: u32, entries: &str, data: &[u8]) -> &mut Self {
        self.set(number, stream(entries, data))
    }

    /// Takes object `number` out.
    pub fn remove(&mut self, number: u32) -> &mut Self {
        self.objects.remove(&number);
        self
    }

    /// Further entries of the trailer.
    pub fn trailer(&mut self, entries: &str) -> &mut Self {
        self.trailer = entries.into();
        self
    }

    /// `numbers` go into an object stream (only with [`Pdf::with_stream_xref`]).
    pub fn pack(&mut self, numbers: &[u32]) -> &mut Self {
        self.packed = numbers.to_vec();
        self
    }

    /// One more than the highest number.
    pub fn size(&self) -> u32 {
        self.objects.keys().max().map_or(1, |number| number + 1)
    }

    /// The file with a cross-reference table.
    pub fn build(&self) -> Vec<u8> {
        let mut file = b"%PDF-1.7\n".to_vec();
        let offsets = write_objects(&mut file, &self.objects);
        let startxref = file.len();
        file.extend(table(&[(0, "f")], &offsets));
        file.extend(
            format!(
                "trailer\n<</Root 1 0 R/Size {}{}>>\nstartxref\n{startxref}\n%%EOF\n",
                self.size(),
                self.trailer
            )
            .bytes(),
        );
        file
    }

    /// The file with a cross-reference stream, Flate and PNG predictor as most programs write it.
    pub fn with_stream_xref(&self) -> Vec<u8> {
        let mut objects = self.objects.clone();
        let container = self.size();
        let mut rows: BTreeMap<u32, [u8; 5]> = BTreeMap::from([(0, [0; 5])]);
        if !self.packed.is_empty() {
            let (mut head, mut body) = (String::new(), Vec::new());
            for (index, number) in (0_u8..).zip(&self.packed) {
                let text = objects.remove(number).expect("an object to pack");
                head += &format!("{number} {} ", body.len());
                body.extend(text);
                body.push(b'\n');
                rows.insert(*number, row(2, container, index));
            }
            let data = deflate(&[head.as_bytes(), &body[..]].concat());
            let entries = format!(
                "/Type/ObjStm/N {}/First {}/Filter/FlateDecode",
                self.packed.len(),
                head.len()
            );
            objects.insert(container, stream(&entries, &data));
        }
        let mut file = b"%PDF-1.7\n".to_vec();
        for (number, offset) in write_objects(&mut file, &objects) {
            rows.insert(number, row(1, offset as u32, 0));
        }
        let (startxref, own) = (file.len(), container + 1);
        rows.insert(own, row(1, startxref as u32, 0));
        let index: String = rows.keys().map(|number| format!("{number} 1 ")).collect();
        // PNG filter "up" on each row.
        let (mut above, mut data) = ([0_u8; 5], Vec::new());
        for row in rows.values() {
            data.push(2);
            data.extend(row.iter().zip(above).map(|(x, up)| x.wrapping_sub(up)));
            above = *row;
        }
        let entries = format!(
            "/Type/XRef/W[1 3 1]/Index[{index}]/Size {}/Root 1 0 R/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 5>>{}",
            own + 1,
            self.trailer
        );
        file.extend(format!("{own} 0 obj\n").bytes());
        file.extend(stream(&entries, &deflate(&data)));
        file.extend(format!("\nendobj\nstartxref\n{startxref}\n%%EOF\n").bytes());
        file
    }
}

fn row(kind: u8, value: u32, last: u8) -> [u8; 5] {
    let [_, a, b, c] = value.to_be_bytes();
    [kind, a, b, c, last]
}

/// A stream object's text with its true `/Length`.
pub fn stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<<{entries}/Length {}>>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

/// Appends the objects and gives their offsets.
pub fn write_objects(file: &mut Vec<u8>, objects: &BTreeMap<u32, Vec<u8>>) -> BTreeMap<u32, usize> {
    let mut offsets = BTreeMap::new();
    for (number, text) in objects {
        offsets.insert(*number, file.len());
        file.extend(format!("{number} 0 obj\n").bytes());
        file.extend(text);
        file.extend(b"\nendobj\n");
    }
    offsets
}

/// A cross-reference table: `xref`, free entries, and a subsection for each object; no trailer.
pub fn table(free: &[(u32, &str)], offsets: &BTreeMap<u32, usize>) -> Vec<u8> {
    let mut text = String::from("xref\n");
    for (number, kind) in free {
        text += &format!("{number} 1\n0000000000 65535 {kind}\r\n");
    }
    for (number, offset) in offsets {
        text += &format!("{number} 1\n{offset:010} 00000 n\r\n");
    }
    text.into_bytes()
}

/// Appends an incremental update: objects, a table, a trailer with `/Prev`.
pub fn update(file: &mut Vec<u8>, objects: &[(u32, &str)], trailer: &str) {
    let text = String::from_utf8_lossy(file);
    let previous: usize = text
        .rsplit("startxref\n")
        .next()
        .and_then(|tail| tail.lines().next())
        .and_then(|number| number.parse().ok())
        .expect("startxref");
    let objects = objects
        .iter()
        .map(|(number, text)| (*number, text.as_bytes().to_vec()))
        .collect();
    let offsets = write_objects(file, &objects);
    let startxref = file.len();
    file.extend(table(&[], &offsets));
    file.extend(
        format!("trailer\n<</Prev {previous}{trailer}>>\nstartxref\n{startxref}\n%%EOF\n").bytes(),
    );
}
