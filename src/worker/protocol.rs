//! What the server asks of the worker process and what comes back.
//!
//! The question is one argument, JSON. The answer is a sequence of frames on standard output: one byte of kind, four of
//! length (big endian), the payload. `J` is a `Reply` as JSON, `B` the bytes that belong to the reply before it, `.` the
//! end. An answer without its end is no answer: the process died.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::pdf::prepare::Balance;

/// One job for one process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What to do.
    pub command: Command,
    /// The largest file that is read, in bytes.
    pub document_bytes_max: u64,
    /// The address space of the process, in bytes.
    pub memory_bytes_max: u64,
    /// CPU time of the process, in seconds.
    pub cpu_seconds_max: u64,
    /// Font files that may be read for text whose font a document doesn't bring.
    pub fonts: Vec<PathBuf>,
}

/// What a worker can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum Command {
    /// Read strictly, look for what may not come in, ask a second reader.
    Inspect {
        /// The most pages that are accepted.
        pages_max: u32,
    },
    /// Say what each page's content leaves open.
    Balance,
    /// Say which stamps a finished file draws, and whether two readers see the same pages.
    Witness,
    /// Draw pages `first` to `last`, counted from 1.
    Render {
        /// The first page.
        first: u32,
        /// The last page; pages past the end are left out.
        last: u32,
        /// Width of the images, in pixels.
        width: u32,
    },
    /// Read the text of pages `first` to `last`, counted from 1.
    Text {
        /// The first page.
        first: u32,
        /// The last page; pages past the end are left out.
        last: u32,
    },
    /// Decode the picture of a signature.
    Picture {
        /// How large it may be, and come out.
        bounds: PictureBounds,
    },
    /// Try what must not be possible.
    Probe,
}

/// One part of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Reply {
    /// Answer to [`Command::Inspect`].
    Inspection(Inspection),
    /// Answer to [`Command::Balance`], by page.
    Balance { pages: Vec<Balance> },
    /// Answer to [`Command::Witness`], by page.
    Witnessed { pages: Vec<Vec<DrawnStamp>> },
    /// A page's image; its bytes follow.
    Page {
        number: u32,
        width: u32,
        height: u32,
        media_type: MediaType,
    },
    /// A page that could not be drawn.
    Undrawn { number: u32 },
    /// A page's text.
    Text(PageText),
    /// A picture; its PNG follows.
    Picture { width: u32, height: u32 },
    /// Answer to [`Command::Probe`].
    Confinement(Confinement),
    /// The bytes are at fault.
    Refused(Refusal),
    /// The worker is at fault: what it panicked with, or what it could not read.
    Failed { reason: String },
}

/// What a worker process on this machine can't do, found by trying. Its limits of memory, time and files always hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// No file can be opened but the fonts (Landlock).
    pub files: bool,
    /// No thread, process or socket can be made, no other process be signalled (seccomp).
    pub calls: bool,
}

/// Why a file is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {reason}")]
pub struct Refusal {
    /// The API's error code, as `document_malformed`.
    pub code: String,
    /// What is wrong, for a person.
    pub reason: String,
    /// Bytes from the start of the file, where one place can be named.
    pub offset: Option<u64>,
}

/// What an inspection found in an accepted file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// In reading order, at least one.
    pub pages: Vec<PageFacts>,
    /// What to know about it, `page_without_text` among them.
    pub warnings: Vec<Warning>,
}

/// A page as a viewer shows it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageFacts {
    /// Width in points, turned and in true size.
    pub width: f64,
    /// Height in points.
    pub height: f64,
    /// Clockwise turn: 0, 90, 180 or 270.
    pub rotate: u16,
    /// Whether there is text that can be read out; `None` where so many pages came before that it wasn't looked at.
    pub has_text: Option<bool>,
    /// What its content leaves open.
    pub balance: Balance,
}

/// A stamp that a page draws (see [`crate::pdf::prepare::Stamp`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrawnStamp {
    /// Its name in the page's resources.
    pub name: String,
    /// The number of the form there, as the renderer finds it.
    pub form: Option<u32>,
    /// Takes the form to its place on the page.
    pub matrix: [f64; 6],
    /// Nothing before it can clip, hide or recolour it: no graphics state is changed, no layer, text or path is open.
    pub is_free: bool,
}

/// Something to know about an accepted document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A stable code.
    pub code: String,
    /// A sentence for a person.
    pub message: String,
    /// The page, from 1, where it concerns one or begins at one.
    pub page: Option<u32>,
}

/// The format of a page's image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MediaType {
    /// `image/png`: text and drawings.
    Png,
    /// `image/jpeg`: scans.
    Jpeg,
}

impl MediaType {
    /// As in `Content-Type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }
}

/// A page's image, or that it could not be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageImage {
    /// The page, from 1.
    pub number: u32,
    /// Width in pixels: as asked, or less for a page of extreme shape.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// What the bytes are; `None` if the page could not be drawn.
    pub media_type: Option<MediaType>,
    /// The image.
    pub bytes: Vec<u8>,
}

/// What a page says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PageText {
    /// The page, from 1.
    pub number: u32,
    /// The text in content order, logical order within a line; lines end with `\n`.
    pub text: String,
    /// Its lines and where they stand.
    pub runs: Vec<TextRun>,
    /// Whether the page had more than the bound.
    pub truncated: bool,
}

/// A piece of one line, in points from the top left of the page as shown (without `/UserUnit`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextRun {
    /// Which line of [`PageText::text`], from 0.
    pub line: u32,
    /// The words, in logical order.
    pub text: String,
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
}

/// How large a picture may be, and come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureBounds {
    /// Bytes of the upload.
    pub bytes_max: u64,
    /// Pixels of either side.
    pub side_max: u32,
    /// Pixels in all.
    pub pixels_max: u64,
    /// Pixels of either side of the result; larger ones are scaled down.
    pub result_side_max: u32,
}

impl Default for PictureBounds {
    /// The product's: 5 MB, 10,000 pixels a side, 40 megapixels, 1,200 pixels out.
    fn default() -> Self {
        Self {
            bytes_max: 5_000_000,
            side_max: 10_000,
            pixels_max: 40_000_000,
            result_side_max: 1_200,
        }
    }
}

/// The picture of a signature: ink on nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The picture as an 8-bit RGBA PNG without metadata.
    pub png: Vec<u8>,
}

impl Picture {
    /// Its pixels, RGBA, 8 bits each, row by row; `None` if the PNG is not one that the worker made.
    pub fn rgba(&self) -> Option<Vec<u8>> {
        let mut reader = png::Decoder::new(io::Cursor::new(&self.png))
            .read_info()
            .ok()?;
        let size = reader.output_buffer_size()?;
        let expected = self.width as usize * self.height as usize * 4;
        if size != expected {
            return None;
        }
        let mut pixels = vec![0; size];
        let info = reader.next_frame(&mut pixels).ok()?;
        (info.color_type == png::ColorType::Rgba && info.bit_depth == png::BitDepth::Eight)
            .then_some(pixels)
    }
}

/// The largest payload of one frame, in bytes.
pub(crate) const FRAME_BYTES_MAX: usize = 64 << 20;

const JSON: u8 = b'J';
const BYTES: u8 = b'B';
const END: u8 = b'.';

/// One frame.
#[derive(Debug, PartialEq)]
pub(crate) enum Frame {
    Reply(Box<Reply>),
    Bytes(Vec<u8>),
    End,
}

/// Writes an answer.
pub(crate) struct FrameWriter<W> {
    out: W,
}

impl<W: Write> FrameWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out }
    }

    pub(crate) fn reply(&mut self, reply: &Reply) -> io::Result<()> {
        let json = serde_json::to_vec(reply).map_err(io::Error::other)?;
        self.frame(JSON, &json)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.frame(BYTES, bytes)
    }

    /// Sends what is written, so that it survives this process.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.frame(END, &[])?;
        self.flush()
    }

    fn frame(&mut self, kind: u8, payload: &[u8]) -> io::Result<()> {
        if payload.len() > FRAME_BYTES_MAX {
            return Err(io::Error::other("a frame of the answer is too large"));
        }
        self.out.write_all(&[kind])?;
        self.out.write_all(&(payload.len() as u32).to_be_bytes())?;
        self.out.write_all(payload)
    }
}

/// Reads one frame. Allocates no more than has really arrived.
///
/// # Errors
/// `UnexpectedEof` if the writer died; `InvalidData` if this is no frame.
pub(crate) fn read_frame(input: &mut impl Read) -> io::Result<Frame> {
    let mut head = [0; 5];
    input.read_exact(&mut head)?;
    let [kind, a, b, c, d] = head;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > FRAME_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut payload = Vec::new();
    input.take(length as u64).read_to_end(&mut payload)?;
    if payload.len() != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    match kind {
        JSON => Ok(Frame::Reply(serde_json::from_slice(&payload)?)),
        BYTES => Ok(Frame::Bytes(payload)),
        END if length == 0 => Ok(Frame::End),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut FrameWriter<&mut Vec<u8>>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut FrameWriter::new(&mut out));
        out
    }

    #[test]
    fn an_answer_comes_back_as_it_was_written() {
        let reply = Reply::Page {
            number: 3,
            width: 1000,
            height: 1414,
            media_type: MediaType::Png,
        };
        let out = written(|writer| {
            writer.reply(&reply).unwrap();
            writer.bytes(&[0, 255, 7]).unwrap();
            writer.end().unwrap();
        });
        let mut input = out.as_slice();
        assert_eq!(
            read_frame(&mut input).unwrap(),
            Frame::Reply(Box::new(reply))
        );
        assert_eq!(
            read_frame(&mut input).unwrap(),
            Frame::Bytes(vec![0, 255, 7])
        );
        assert_eq!(read_frame(&mut input).unwrap(), Frame::End);
        assert!(input.is_empty());
    }

    #[test]
    fn a_cut_answer_is_an_error_at_every_byte() {
        let out = written(|writer| {
            writer.bytes(b"abc").unwrap();
            writer.end().unwrap();
        });
        for cut in 0..out.len() {
            let mut input = &out[..cut];
            let error = loop {
                match read_frame(&mut input) {
                    Ok(Frame::End) => panic!("complete although cut at {cut}"),
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn a_frame_that_claims_too_much_is_refused_before_it_is_read() {
        let mut input: &[u8] = &[BYTES, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3];
        let error = read_frame(&mut input).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn noise_is_no_frame() {
        for noise in [&b"hello world"[..], b"J\0\0\0\x02{]", b".\0\0\0\x01x"] {
            let mut input = noise;
            assert!(read_frame(&mut input).is_err());
        }
    }
}
