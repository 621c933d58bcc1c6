//! The seal: a certification signature as one more incremental update (ISO 32000-2, 12.8; ETSI EN 319 142-1), made in one
//! pass over the file.
//!
//! The file is never whole in memory: its bytes are hashed while they are copied, the tails are small, and the signature
//! stands in the last of them.

use std::collections::HashSet;
use std::io::{self, Write};
use std::ops::Range;

use super::document::Document;
use super::error::Error as ReadError;
use super::object::{Dict, Name, Object, Ref};
use super::prepare::{SealPlace, base_of, number};
use super::source::ReadAt;
use super::update::{Objects, UpdateError, serialise, text_string};
use crate::domain::digest::{Digest, Hasher};
use crate::domain::time::Timestamp;
use crate::pki::{self, Signer, cms};

/// Blanks that the four numbers of `/ByteRange` are written over: three of 13 digits and a 0 fit with room to spare.
const BYTE_RANGE_BLANKS: usize = 48;
/// How often the reserve for `/Contents` is doubled before giving up.
const RESERVE_TRIES: usize = 4;
/// Pages that a prepare revision may have added to an original with the most pages.
const PAGES_ADDED_MAX: usize = 1000;
/// Bytes that are read at once.
const COPY_BYTES: usize = 128 * 1024;

/// What the signature says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct SignatureSpec {
    /// `/Name`: the organisation.
    pub name: String,
    /// `/Reason`.
    pub reason: Option<String>,
    /// `/M`: the claimed time.
    pub at: Timestamp,
    /// Where it is seen; invisible on the first page without.
    pub place: Option<SealPlace>,
    /// The field's name; a number follows where the document has a field of that name.
    pub field: String,
}

/// Why a file can't be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The file can't be read, or what was prepared is not a sound document.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The output can't be written.
    #[error("the sealed file can't be written: {0}")]
    Write(io::Error),
    /// The update can't be written.
    #[error(transparent)]
    Update(#[from] UpdateError),
    /// The CMS can't be made.
    #[error(transparent)]
    Sign(#[from] pki::Error),
    /// The original's bytes are not those that the plan was made for.
    #[error("the original's SHA-256 is {found}, not {expected}")]
    OriginalDiffers {
        /// As read now.
        found: Digest,
        /// As the plan has it.
        expected: Digest,
    },
    /// The file or its form is built so that no signature field can be added.
    #[error("no signature field can be added: {0}")]
    Form(&'static str),
    /// The CMS grew over every reserve.
    #[error("the signature value does not fit: {0} bytes")]
    TooLarge(usize),
}

/// A file and its tail, read as one.
pub struct Joined<'a, R> {
    base: R,
    base_length: u64,
    tail: &'a [u8],
}

impl<'a, R: ReadAt> Joined<'a, R> {
    /// `tail` right after the last byte of `base`.
    ///
    /// # Errors
    /// That of asking `base` for its length.
    pub fn new(base: R, tail: &'a [u8]) -> io::Result<Self> {
        Ok(Self {
            base_length: base.len()?,
            base,
            tail,
        })
    }
}

impl<R: ReadAt> ReadAt for Joined<'_, R> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.base_length + self.tail.len() as u64)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let Some(left) = self
            .base_length
            .checked_sub(offset)
            .filter(|left| *left > 0)
        else {
            return self.tail.read_at(offset - self.base_length, buf);
        };
        let room = buf.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        match buf.get_mut(..room) {
            Some(part) => self.base.read_at(offset, part),
            None => Ok(0),
        }
    }
}

/// The signature's revision with a gap for its value.
#[derive(Clone, Debug)]
pub struct Hole {
    bytes: Vec<u8>,
    /// `<` to `>` of `/Contents`, within `bytes`.
    gap: Range<usize>,
    base_length: u64,
}

/// Makes the revision that carries the signature: dictionary, field, widget, `/Perms`, with `reserve` bytes for the CMS.
///
/// # Errors
/// [`SealError::Read`], [`SealError::Update`], [`SealError::Form`].
pub fn open_hole<R: ReadAt>(
    document: &Document<R>,
    spec: &SignatureSpec,
    reserve: usize,
    pages_max: usize,
) -> Result<Hole, SealError> {
    let base = base_of(document)?;
    let mut objects = Objects::from_number(base.next_number);
    let signature = objects.reserve_ref();
    let widget = objects.reserve_ref();

    let (page, mut page_dict) = match &spec.place {
        Some(place) => match document.get(place.page)? {
            Object::Dict(dict) => (place.page, dict),
            _ => return Err(SealError::Form("its page is missing")),
        },
        None => {
            let tree = document.page_tree(pages_max.saturating_add(PAGES_ADDED_MAX))?;
            let mut pages = tree.pages.into_iter();
            let mut first = pages
                .next()
                .ok_or(SealError::Form("the document has no page"))?;
            // A list that another page has too would put the widget on both.
            if let Some(Object::Ref(list)) = first.dict.get("Annots").cloned()
                && pages.any(|page| page.dict.get("Annots") == Some(&Object::Ref(list)))
            {
                let own = document.get(list)?;
                first.dict.set("Annots", own);
            }
            (first.reference, first.dict)
        }
    };
    let mut catalog = document.root().clone();
    let form = Form::of(document, &catalog)?;
    let name = form.free_name(document, &spec.field)?;
    form.append(document, widget, &mut objects, &mut catalog)?;
    append_reference(document, &mut page_dict, "Annots", widget, &mut objects)?
        .then(|| objects.put_value(page, &Object::Dict(page_dict)));

    let mut perms = Dict::new();
    perms.set("DocMDP", signature);
    catalog.set("Perms", perms);
    objects.put_value(document.root_ref(), &Object::Dict(catalog));
    objects.put_value(
        widget,
        &Object::Dict(widget_dict(spec, &name, page, signature)),
    );
    let (bytes, range_at, gap) = signature_object(signature, spec, reserve)?;
    objects.put_bytes(signature, bytes);

    let tail = objects.finish(&base)?;
    let start = tail
        .entries
        .iter()
        .find(|(id, _)| *id == signature)
        .and_then(|(_, offset)| usize::try_from(offset - base.length).ok())
        .ok_or(SealError::Form("the signature was not written"))?;
    let mut hole = Hole {
        bytes: tail.bytes,
        gap: start + gap.start..start + gap.end,
        base_length: base.length,
    };
    hole.write_byte_range(start + range_at)?;
    Ok(hole)
}

impl Hole {
    /// `/ByteRange`: all of the file but the gap.
    fn write_byte_range(&mut self, at: usize) -> Result<(), SealError> {
        let gap_from = self.base_length + self.gap.start as u64;
        let gap_until = self.base_length + self.gap.end as u64;
        let rest = (self.bytes.len() - self.gap.end) as u64;
        let text = format!("0 {gap_from} {gap_until} {rest}");
        let place = self
            .bytes
            .get_mut(at..at + BYTE_RANGE_BLANKS)
            .and_then(|blanks| blanks.get_mut(..text.len()))
            .ok_or(SealError::Update(UpdateError::TooLarge))?;
        place.copy_from_slice(text.as_bytes());
        Ok(())
    }

    /// The revision as it stands, its gap filled with zeros.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What stands before and after the gap.
    fn around(&self) -> (&[u8], &[u8]) {
        (
            self.bytes.get(..self.gap.start).unwrap_or_default(),
            self.bytes.get(self.gap.end..).unwrap_or_default(),
        )
    }

    /// The digest that the signature is over, when `before` has hashed everything before this revision.
    pub fn digest(&self, before: &Hasher) -> Digest {
        let (front, back) = self.around();
        let mut hasher = before.clone();
        hasher.update(front);
        hasher.update(back);
        hasher.finish()
    }

    /// The finished revision with `cms` in its gap; `None` where it doesn't fit.
    pub fn fill(&self, cms: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = self.bytes.clone();
        // Without the angle brackets.
        let gap = bytes.get_mut(self.gap.start + 1..self.gap.end - 1)?;
        let digits = gap.get_mut(..cms.len() * 2)?;
        hex::encode_to_slice(cms, digits).ok()?;
        Some(bytes)
    }
}

/// A sealed file, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// SHA-256 of the whole file.
    pub digest: Digest,
    /// SHA-256 of the original, its first revision.
    pub original: Digest,
    /// Bytes of the whole file.
    pub length: u64,
}

/// Copies `source` and its prepare revision `tail` to `out`, then the signature's revision. One pass: what is hashed for the
/// signature is hashed for the file's and the original's digests too.
///
/// # Errors
/// [`SealError`]. What was written to `out` is then to be thrown away.
pub fn seal<R: ReadAt>(
    source: &R,
    tail: &[u8],
    spec: &SignatureSpec,
    signer: &dyn Signer,
    expected: Option<Digest>,
    pages_max: usize,
    out: &mut impl Write,
) -> Result<Sealed, SealError> {
    // Opening what was prepared reads it again as any reader would: a mistake in it fails here, before it is signed.
    let joined = Joined::new(source, tail).map_err(ReadError::from)?;
    let document = Document::open(joined)?;
    let mut reserve = cms::signature_bytes_max(signer)?;
    let mut hole = open_hole(&document, spec, reserve, pages_max)?;

    let mut hasher = copy(source, out)?;
    let original = hasher.clone().finish();
    if let Some(expected) = expected
        && expected != original
    {
        return Err(SealError::OriginalDiffers {
            found: original,
            expected,
        });
    }
    out.write_all(tail).map_err(SealError::Write)?;
    hasher.update(tail);

    for _ in 0..RESERVE_TRIES {
        let value = cms::sign_detached(hole.digest(&hasher).as_bytes(), signer)?;
        if let Some(bytes) = hole.fill(&value) {
            out.write_all(&bytes).map_err(SealError::Write)?;
            hasher.update(&bytes);
            return Ok(Sealed {
                digest: hasher.finish(),
                original,
                length: document.file_bytes() + bytes.len() as u64,
            });
        }
        reserve = reserve.max(value.len()) * 2;
        hole = open_hole(&document, spec, reserve, pages_max)?;
    }
    Err(SealError::TooLarge(reserve))
}

/// Copies and hashes.
fn copy<R: ReadAt>(source: &R, out: &mut impl Write) -> Result<Hasher, SealError> {
    let length = source.len().map_err(ReadError::from)?;
    let mut buffer = vec![0; COPY_BYTES.min(usize::try_from(length).unwrap_or(COPY_BYTES).max(1))];
    let mut hasher = Hasher::new();
    let mut at = 0;
    while at < length {
        let read = match source.read_at(at, &mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(ReadError::from(error).into()),
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Err(ReadError::from(io::Error::from(io::ErrorKind::UnexpectedEof)).into());
        }
        hasher.update(bytes);
        out.write_all(bytes).map_err(SealError::Write)?;
        at += read as u64;
    }
    Ok(hasher)
}

/// The interactive form (12.7.3), as the document has it.
struct Form {
    dict: Dict,
    /// Where it stands, if not in the catalog itself.
    id: Option<Ref>,
}

impl Form {
    fn of<R: ReadAt>(document: &Document<R>, catalog: &Dict) -> Result<Self, SealError> {
        let Some(value) = catalog.get("AcroForm") else {
            return Ok(Self {
                dict: Dict::new(),
                id: None,
            });
        };
        match document.resolve(value)?.into_owned() {
            Object::Dict(dict) => Ok(Self {
                dict,
                id: value.as_reference(),
            }),
            Object::Null => Ok(Self {
                dict: Dict::new(),
                id: None,
            }),
            _ => Err(SealError::Form("/AcroForm is no dictionary")),
        }
    }

    /// `wanted`, or with the first number that no top-level field is called.
    fn free_name<R: ReadAt>(
        &self,
        document: &Document<R>,
        wanted: &str,
    ) -> Result<String, SealError> {
        let fields = document.value(&self.dict, "Fields")?;
        let fields = fields.as_array().unwrap_or_default();
        let mut taken = HashSet::with_capacity(fields.len());
        for field in fields {
            if let Object::Dict(dict) = &*document.resolve(field)?
                && let Object::String(name) = &*document.value(dict, "T")?
            {
                taken.insert(text_of(name));
            }
        }
        let mut name = wanted.to_owned();
        let mut number = 1;
        while taken.contains(&name) {
            number += 1;
            name = format!("{wanted} {number}");
        }
        Ok(name)
    }

    /// Adds a field and says that there are signatures, by the smallest change.
    fn append<R: ReadAt>(
        mut self,
        document: &Document<R>,
        field: Ref,
        objects: &mut Objects,
        catalog: &mut Dict,
    ) -> Result<(), SealError> {
        let mut changed = append_reference(document, &mut self.dict, "Fields", field, objects)?;
        let flags = document
            .value(&self.dict, "SigFlags")?
            .as_int()
            .unwrap_or_default();
        // SignaturesExist and AppendOnly (table 225).
        if flags & 3 != 3 {
            self.dict.set("SigFlags", flags | 3);
            changed = true;
        }
        match self.id {
            Some(id) if changed => objects.put_value(id, &Object::Dict(self.dict)),
            Some(_) => {}
            None => catalog.set("AcroForm", self.dict),
        }
        Ok(())
    }
}

/// A text string (7.9.2.2) in whichever of its encodings; PDFDocEncoding is taken for Latin-1, from which it differs in signs
/// that no name of ours has.
fn text_of(bytes: &[u8]) -> String {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes
            .chunks(2)
            .map(|pair| match pair {
                [a, b] => unit([*a, *b]),
                _ => u16::from_be_bytes([0xFF, 0xFD]),
            })
            .collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        latin => latin.iter().copied().map(char::from).collect(),
    }
}

/// Appends a reference to the array at `key`: to the array's own object where it has one, else in `dict`, which then has
/// changed.
fn append_reference<R: ReadAt>(
    document: &Document<R>,
    dict: &mut Dict,
    key: &'static str,
    item: Ref,
    objects: &mut Objects,
) -> Result<bool, SealError> {
    let value = dict.get(key).cloned().unwrap_or(Object::Null);
    let mut items = match document.resolve(&value)?.into_owned() {
        Object::Array(items) => items,
        Object::Null => Vec::new(),
        _ => {
            return Err(SealError::Form(
                "a list of fields or annotations is no array",
            ));
        }
    };
    let existed = !items.is_empty();
    items.push(item.into());
    match value.as_reference() {
        Some(id) if existed => {
            objects.put_value(id, &Object::Array(items));
            Ok(false)
        }
        _ => {
            dict.set(key, items);
            Ok(true)
        }
    }
}

/// Field and widget in one (12.7.5.5, 12.5.6.19).
fn widget_dict(spec: &SignatureSpec, name: &str, page: Ref, signature: Ref) -> Dict {
    let mut dict = Dict::new();
    dict.set("Type", Name::from("Annot"));
    dict.set("Subtype", Name::from("Widget"));
    dict.set("FT", Name::from("Sig"));
    dict.set("T", text_string(name));
    dict.set("V", signature);
    // Print and Locked (table 167).
    dict.set("F", 132_i64);
    dict.set("P", page);
    match &spec.place {
        Some(place) => {
            let rect: Vec<Object> = place.rect.iter().map(|value| number(*value)).collect();
            dict.set("Rect", rect);
            let mut appearance = Dict::new();
            appearance.set("N", place.appearance);
            dict.set("AP", appearance);
        }
        None => dict.set("Rect", vec![Object::Int(0); 4]),
    }
    dict
}

/// The signature dictionary, written by hand for its two placeholders: its bytes, where the blanks begin, where the gap is.
fn signature_object(
    id: Ref,
    spec: &SignatureSpec,
    reserve: usize,
) -> Result<(Vec<u8>, usize, Range<usize>), UpdateError> {
    let mut out = format!(
        "{} {} obj\n<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached\n/Name ",
        id.number, id.generation
    )
    .into_bytes();
    serialise(&text_string(&spec.name), &mut out)?;
    out.extend(format!("\n/M({})", pdf_date(spec.at)).bytes());
    if let Some(reason) = &spec.reason {
        out.extend(b"\n/Reason ");
        serialise(&text_string(reason), &mut out)?;
    }
    out.extend(
        b"\n/Reference[<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/P 1/V/1.2>>>>]",
    );
    out.extend(b"\n/ByteRange [");
    let range_at = out.len();
    out.extend([b' '; BYTE_RANGE_BLANKS]);
    out.extend(b"]\n/Contents ");
    let from = out.len();
    out.push(b'<');
    out.resize(out.len() + reserve * 2, b'0');
    out.push(b'>');
    let gap = from..out.len();
    out.extend(b">>\nendobj\n");
    Ok((out, range_at, gap))
}

/// A date string (7.9.4), UTC.
pub(super) fn pdf_date(at: Timestamp) -> String {
    let c = at.civil();
    format!(
        "D:{:04}{:02}{:02}{:02}{:02}{:02}Z",
        c.year, c.month, c.day, c.hour, c.minute, c.second
    )
}
