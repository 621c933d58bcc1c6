//! Several files in one ZIP, stored and not deflated (PDFs are compressed already), made while it is read: it takes no room on the
//! disk, however slowly somebody fetches it.
//!
//! The format is that of PKWARE's APPNOTE: local headers (4.3.7) with length and CRC-32 known beforehand, then the central directory
//! (4.3.12) and its end (4.3.16), with the ZIP64 forms (4.3.14, 4.3.15, 4.5.3) where a number outgrows 32 bits.

use std::io::{self, Cursor, Read};

/// What a ZIP version must know: directories of 64 bits.
const VERSION_ZIP64: u16 = 45;
const VERSION: u16 = 20;
/// Names are UTF-8 (4.4.4, bit 11).
const FLAGS: u16 = 1 << 11;
/// A 32-bit number whose true value is in the ZIP64 form.
const ELSEWHERE: u32 = u32::MAX;
const CENTRAL: u32 = 0x0201_4b50;
const LOCAL: u32 = 0x0403_4b50;
const END: u32 = 0x0605_4b50;
const END_ZIP64: u32 = 0x0606_4b50;
const LOCATOR_ZIP64: u32 = 0x0706_4b50;

/// A file of a ZIP.
pub(super) struct Part {
    /// Its name in the ZIP.
    pub(super) name: String,
    /// Bytes, below 4 GiB.
    pub(super) length: u32,
    /// CRC-32 of its bytes.
    pub(super) crc32: u32,
    /// Its bytes.
    pub(super) content: Box<dyn Read + Send>,
}

/// A ZIP of `parts`, all dated `at`: its length in bytes, and its bytes. At most 65,534 parts.
pub(super) fn zip(parts: Vec<Part>, at: zip::DateTime) -> (u64, impl Read + Send) {
    let mut pieces: Vec<Box<dyn Read + Send>> = Vec::with_capacity(2 * parts.len() + 1);
    let (mut offset, mut central) = (0u64, Vec::new());
    let count = parts.len() as u64;
    for part in parts {
        let local = header(&part, at, None);
        central.extend(header(&part, at, Some(offset)));
        offset += local.len() as u64 + u64::from(part.length);
        pieces.push(Box::new(Cursor::new(local)));
        pieces.push(part.content);
    }
    let end = end(count, offset, central.len() as u64);
    central.extend(end);
    let length = offset + central.len() as u64;
    pieces.push(Box::new(Cursor::new(central)));
    (length, Pieces(pieces.into_iter()))
}

/// The header before the bytes; with the place of that one, the header in the central directory.
fn header(part: &Part, at: zip::DateTime, offset: Option<u64>) -> Vec<u8> {
    let mut extra = Vec::new();
    let place = offset.map(|offset| {
        narrow(offset).unwrap_or_else(|| {
            // 4.5.3: id, length, and of the four numbers those that stand elsewhere.
            extra.extend(1u16.to_le_bytes());
            extra.extend(8u16.to_le_bytes());
            extra.extend(offset.to_le_bytes());
            ELSEWHERE
        })
    });
    let version = if extra.is_empty() {
        VERSION
    } else {
        VERSION_ZIP64
    };
    let mut out = Vec::with_capacity(46 + part.name.len() + extra.len());
    if place.is_some() {
        out.extend(CENTRAL.to_le_bytes());
        // Made by: no system whose file modes would count.
        out.extend(version.to_le_bytes());
    } else {
        out.extend(LOCAL.to_le_bytes());
    }
    for number in [version, FLAGS, 0, at.timepart(), at.datepart()] {
        out.extend(number.to_le_bytes());
    }
    for number in [part.crc32, part.length, part.length] {
        out.extend(number.to_le_bytes());
    }
    // Names are bounded far below 64 KiB by `limits::DOCUMENT_NAME_CHARS_MAX`.
    let name_bytes = u16::try_from(part.name.len()).unwrap_or(u16::MAX);
    out.extend(name_bytes.to_le_bytes());
    out.extend(u16::try_from(extra.len()).unwrap_or(u16::MAX).to_le_bytes());
    if let Some(place) = place {
        // No comment, the first disk, no attributes.
        out.extend([0; 10]);
        out.extend(place.to_le_bytes());
    }
    out.extend(part.name.as_bytes());
    out.extend(extra);
    out
}

/// What ends the central directory of `count` headers and `bytes` bytes at `offset`.
fn end(count: u64, offset: u64, bytes: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let small = narrow(offset).zip(narrow(bytes));
    if small.is_none() {
        out.extend(END_ZIP64.to_le_bytes());
        out.extend(44u64.to_le_bytes());
        out.extend(VERSION_ZIP64.to_le_bytes());
        out.extend(VERSION_ZIP64.to_le_bytes());
        out.extend([0; 8]);
        for number in [count, count, bytes, offset] {
            out.extend(number.to_le_bytes());
        }
        out.extend(LOCATOR_ZIP64.to_le_bytes());
        out.extend(0u32.to_le_bytes());
        out.extend((offset + bytes).to_le_bytes());
        out.extend(1u32.to_le_bytes());
    }
    let (offset, bytes) = small.unwrap_or((ELSEWHERE, ELSEWHERE));
    out.extend(END.to_le_bytes());
    out.extend([0; 4]);
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(bytes.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend([0; 2]);
    out
}

/// The number, if 32 bits hold it and it is not the mark for "elsewhere".
fn narrow(number: u64) -> Option<u32> {
    u32::try_from(number)
        .ok()
        .filter(|number| *number != ELSEWHERE)
}

/// One after the other; each is dropped once it was read to its end.
struct Pieces(std::vec::IntoIter<Box<dyn Read + Send>>);

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(piece) = self.0.as_mut_slice().first_mut() {
            let n = piece.read(buffer)?;
            if n > 0 || buffer.is_empty() {
                return Ok(n);
            }
            self.0.next();
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(name: &str, bytes: &'static [u8]) -> Part {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        Part {
            name: name.to_owned(),
            length: bytes.len() as u32,
            crc32: crc.sum(),
            content: Box::new(bytes),
        }
    }

    fn whole(parts: Vec<Part>) -> Vec<u8> {
        let (length, mut stream) = zip(parts, zip::DateTime::default());
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("a ZIP");
        assert_eq!(bytes.len() as u64, length, "the length is told beforehand");
        bytes
    }

    #[test]
    fn a_zip_read_by_another_program_holds_the_same_files_under_the_same_names() {
        let files: [(&str, &[u8]); 3] = [
            ("vertrag-signed.pdf", b"%PDF-1.7 one"),
            ("договор.pdf", b""),
            ("b.pdf", b"three"),
        ];
        let bytes = whole(files.iter().map(|(name, body)| part(name, body)).collect());
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a ZIP");
        assert_eq!(archive.len(), 3);
        for (index, (name, body)) in files.iter().enumerate() {
            let mut file = archive.by_index(index).expect("a file");
            assert_eq!(file.name().expect("UTF-8"), *name);
            let mut read = Vec::new();
            // The reader holds the CRC against the bytes.
            file.read_to_end(&mut read).expect("sound bytes");
            assert_eq!(read, *body);
        }
        assert!(zip::ZipArchive::new(Cursor::new(whole(Vec::new()))).is_ok());
    }

    #[test]
    fn numbers_beyond_four_gibibytes_take_the_wide_form() {
        let far = u64::from(u32::MAX) + 7;
        let central = header(&part("a", b"x"), zip::DateTime::default(), Some(far));
        assert_eq!(&central[42..46], &[0xff; 4]);
        assert_eq!(&central[47..51], &[1, 0, 8, 0]);
        assert_eq!(&central[51..], &far.to_le_bytes());
        let end = end(1, far, central.len() as u64);
        assert_eq!(end.len(), 56 + 20 + 22);
        assert_eq!(&end[48..56], &far.to_le_bytes());
        assert_eq!(&end[92..96], &[0xff; 4]);
    }
}
