//! An opened file: objects by reference, streams, and what an incremental update must know.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use super::error::Error;
use super::filter::Filter;
use super::indirect::{self, Indirect};
use super::object::{Dict, OBJECT_NUMBER_MAX, Object, Ref, Stream};
use super::source::{ReadAt, Window};
use super::xref::{self, Entry, SectionKind, Xref};

mod object_stream;
use object_stream::ObjectStream;

/// Bytes that all cross-reference and object streams of a file may inflate to.
pub const INFLATED_BYTES_MAX: usize = 64 * 1024 * 1024;
/// References to references that are followed.
const HOPS_MAX: usize = 32;
/// How often the bytes of file and object streams may be lexed over the life of a [`Document`], and bytes that are free.
/// An audit takes less than three times; more means objects inside each other.
const LEXED_TIMES_MAX: u64 = 16;
const LEXED_BYTES_FREE: u64 = 16 * 1024 * 1024;

/// A file whose header, end, cross-reference and catalog were read. Objects are read when asked for, each time anew.
///
/// Every method that reads may fail with [`super::Code::Malformed`]: a wrong object is found when it is reached.
pub struct Document<R> {
    window: Window<R>,
    xref: Xref,
    root: Ref,
    catalog: Dict,
    inflated: Cell<usize>,
    lexed: Cell<u64>,
    object_streams: RefCell<HashMap<u32, Arc<ObjectStream>>>,
}

impl<R: ReadAt> Document<R> {
    /// Reads header, end, all cross-reference sections and the catalog.
    ///
    /// # Errors
    /// [`super::Code::Encrypted`] if a trailer has `/Encrypt`; [`super::Code::Malformed`] for anything irregular.
    pub fn open(source: R) -> Result<Self, Error> {
        let window = Window::new(source)?;
        let lexed_max = lexed_max(window.length(), 0);
        let xref = xref::load(&window, INFLATED_BYTES_MAX, lexed_max)?;
        let at = xref.startxref;
        let Some(Object::Ref(root)) = xref.trailer.get("Root") else {
            return Err(Error::malformed("the trailer's /Root is no reference", at));
        };
        if !matches!(xref.trailer.get("Size"), Some(Object::Int(size)) if (1..=i64::from(OBJECT_NUMBER_MAX) + 1).contains(size))
        {
            return Err(Error::malformed(
                format!(
                    "the trailer's /Size is no integer from 1 to {}",
                    OBJECT_NUMBER_MAX + 1
                ),
                at,
            ));
        }
        let mut document = Self {
            root: *root,
            catalog: Dict::new(),
            inflated: Cell::new(xref.inflated),
            lexed: Cell::new(xref.lexed),
            object_streams: RefCell::default(),
            window,
            xref,
        };
        let Object::Dict(catalog) = document.get(document.root)? else {
            return Err(Error::malformed(
                format!("the /Root object {} is no dictionary", document.root),
                document.offset_of(document.root).unwrap_or(at),
            ));
        };
        document.catalog = catalog;
        if !document.is_type(&document.catalog, "Catalog")? {
            return Err(document.malformed("its /Type is not /Catalog", document.root));
        }
        Ok(document)
    }

    /// The file.
    pub const fn source(&self) -> &R {
        self.window.source()
    }

    /// The length of the file in bytes.
    pub const fn file_bytes(&self) -> u64 {
        self.window.length()
    }

    /// Whether the file's last byte is a line feed or carriage return: an update may begin right after it.
    pub fn ends_in_newline(&self) -> Result<bool, Error> {
        let last = self.window.length().saturating_sub(1);
        Ok(matches!(
            self.window.read(last, 1)?.as_slice(),
            b"\n" | b"\r"
        ))
    }

    /// Where the newest cross-reference section begins: the number after `startxref`.
    pub const fn startxref(&self) -> u64 {
        self.xref.startxref
    }

    /// The kind of the newest cross-reference section.
    pub const fn newest_section(&self) -> SectionKind {
        self.xref.newest
    }

    /// Whether any cross-reference section is a hybrid.
    pub const fn has_hybrid_section(&self) -> bool {
        self.xref.any_hybrid
    }

    /// The newest trailer, or the dictionary of the newest cross-reference stream.
    pub const fn trailer(&self) -> &Dict {
        &self.xref.trailer
    }

    /// `/Size` of the newest trailer: 1 to 8,388,608.
    pub fn size(&self) -> u32 {
        self.trailer()
            .get("Size")
            .and_then(Object::as_int)
            .and_then(|size| u32::try_from(size).ok())
            .unwrap_or_default()
    }

    /// The cross-reference: every number's entry, the highest number.
    pub const fn xref(&self) -> &Xref {
        &self.xref
    }

    /// The first number that a new object may have: neither `/Size` nor any entry reaches it.
    pub fn first_new_number(&self) -> u32 {
        self.size().max(self.xref.highest() + 1)
    }

    /// The two strings of the trailer's `/ID` (14.4), if it has them.
    pub fn ids(&self) -> Result<Option<[Vec<u8>; 2]>, Error> {
        let Some(id) = self.trailer().get("ID") else {
            return Ok(None);
        };
        let id = self.resolve(id)?;
        let Some([first, second]) = id.as_array() else {
            return Ok(None);
        };
        match (&*self.resolve(first)?, &*self.resolve(second)?) {
            (Object::String(first), Object::String(second)) => {
                Ok(Some([first.clone(), second.clone()]))
            }
            _ => Ok(None),
        }
    }

    /// The catalog's reference.
    pub const fn root_ref(&self) -> Ref {
        self.root
    }

    /// The catalog.
    pub const fn root(&self) -> &Dict {
        &self.catalog
    }

    /// The document information dictionary, if the trailer names one.
    pub fn info(&self) -> Result<Option<Dict>, Error> {
        match self.trailer().get("Info") {
            Some(value) => match self.resolve(value)?.into_owned() {
                Object::Dict(info) => Ok(Some(info)),
                _ => Ok(None),
            },
            None => Ok(None),
        }
    }

    /// The object that `reference` names; `null` where it is free, missing or of another generation (7.3.10).
    ///
    /// # Errors
    /// Also where the number is in use but not below `/Size`: the standard calls such an object missing (7.5.5), most
    /// readers show it.
    pub fn get(&self, reference: Ref) -> Result<Object, Error> {
        self.check_size(reference)?;
        match self.xref.entry(reference.number) {
            Entry::At { offset, generation } if generation == reference.generation => self
                .read_at(offset, reference)
                .map(|indirect| indirect.value),
            Entry::In { stream, index: _ } if reference.generation == 0 => {
                self.member(stream, reference)
            }
            _ => Ok(Object::Null),
        }
    }

    /// The object itself, or what it refers to; never a reference.
    pub fn resolve<'o>(&self, object: &'o Object) -> Result<Cow<'o, Object>, Error> {
        let Object::Ref(first) = object else {
            return Ok(Cow::Borrowed(object));
        };
        let mut next = *first;
        for _ in 0..HOPS_MAX {
            match self.get(next)? {
                Object::Ref(reference) => next = reference,
                value => return Ok(Cow::Owned(value)),
            }
        }
        Err(self.malformed("a chain of references that doesn't end", *first))
    }

    /// The value of `key`, resolved; `null` where it is missing.
    pub fn value<'d>(&self, dict: &'d Dict, key: &str) -> Result<Cow<'d, Object>, Error> {
        match dict.get(key) {
            Some(value) => self.resolve(value),
            None => Ok(Cow::Owned(Object::Null)),
        }
    }

    /// Whether `/Type` is `kind`.
    pub fn is_type(&self, dict: &Dict, kind: &str) -> Result<bool, Error> {
        Ok(self.value(dict, "Type")?.is_name(kind))
    }

    /// The encoded bytes of a stream of this file.
    ///
    /// # Errors
    /// [`super::Code::Malformed`] where there are more than `bytes_max`.
    pub fn stream_encoded(&self, stream: &Stream, bytes_max: usize) -> Result<Vec<u8>, Error> {
        match usize::try_from(stream.length) {
            Ok(length) if length <= bytes_max => self.window.read(stream.offset, length),
            _ => Err(Error::malformed(
                format!("a stream of more than {bytes_max} bytes"),
                stream.offset,
            )),
        }
    }

    /// The decoded bytes of a stream of this file, at most `bytes_max`; `None` where it lies outside the file, or is
    /// encoded otherwise than by Flate with the 8-bit PNG predictor.
    pub fn stream_decoded(
        &self,
        stream: &Stream,
        bytes_max: usize,
    ) -> Result<Option<Vec<u8>>, Error> {
        let filter = Filter::of(&stream.dict, &mut |value| {
            self.resolve(value).map(Cow::into_owned)
        })?;
        let Some(filter) = filter.filter(|_| !stream.dict.has("F")) else {
            return Ok(None);
        };
        let encoded = self.stream_encoded(stream, bytes_max)?;
        filter
            .decode(encoded, bytes_max)
            .map(Some)
            .map_err(|error| Error::malformed(format!("a stream: {error}"), stream.offset))
    }

    /// Where the object stands in the file; for one in an object stream, where that begins.
    pub fn offset_of(&self, reference: Ref) -> Option<u64> {
        let entry = match self.xref.entry(reference.number) {
            Entry::In { stream, .. } => self.xref.entry(stream),
            entry => entry,
        };
        match entry {
            Entry::At { offset, .. } => Some(offset),
            _ => None,
        }
    }

    /// An error that names the object and where it stands.
    pub(super) fn malformed(&self, reason: impl std::fmt::Display, reference: Ref) -> Error {
        Error::refused(
            super::Code::Malformed,
            format!("object {reference}: {reason}"),
            // What is missing has no place; the section that lacks it has.
            self.offset_of(reference).or(Some(self.xref.startxref)),
        )
    }

    /// Bytes that were lexed, and bytes of file and inflated streams: their ratio is the cost of reading.
    #[cfg(test)]
    pub(super) fn lexed_and_read(&self) -> (u64, u64) {
        (
            self.lexed.get(),
            self.window.length() + self.inflated.get() as u64,
        )
    }

    fn check_size(&self, reference: Ref) -> Result<(), Error> {
        let size = self.size();
        if reference.number >= size && self.xref.entry(reference.number) != Entry::Free {
            return Err(self.malformed(
                format_args!("it is in use, but the trailer's /Size is {size}"),
                reference,
            ));
        }
        Ok(())
    }

    fn read_at(&self, offset: u64, reference: Ref) -> Result<Indirect, Error> {
        let length = self.window.length();
        if offset >= length {
            return Err(Error::malformed(
                format!("the cross-reference has object {reference} at {offset}, outside the file"),
                self.xref.startxref,
            ));
        }
        let read = indirect::read(&self.window, length, offset, Some(reference), &mut |at| {
            self.stream_length(at)
        })?;
        self.spend(read.lexed, reference)?;
        Ok(read)
    }

    /// Counts bytes that were lexed.
    fn spend(&self, bytes: u64, reference: Ref) -> Result<(), Error> {
        let lexed = self.lexed.get().saturating_add(bytes);
        self.lexed.set(lexed);
        if lexed > lexed_max(self.window.length(), self.inflated.get()) {
            return Err(self.malformed(
                "the same bytes are read over and over: objects lie inside each other",
                reference,
            ));
        }
        Ok(())
    }

    /// A value that may be needed before object streams can be read: it must stand in the file itself, which keeps
    /// an object stream's own `/Length` out of object streams (7.5.7) and this from running in circles.
    fn plain(&self, reference: Ref) -> Result<Object, Error> {
        let Entry::At { offset, generation } = self.xref.entry(reference.number) else {
            return Ok(Object::Null);
        };
        if generation != reference.generation {
            return Ok(Object::Null);
        }
        let length = self.window.length();
        let no_stream = &mut |_| Err(Error::malformed("refers to a stream", offset));
        let read = indirect::read(&self.window, length, offset, Some(reference), no_stream)?;
        self.spend(read.lexed, reference)?;
        Ok(read.value)
    }

    fn stream_length(&self, reference: Ref) -> Result<u64, Error> {
        let value = match self.xref.entry(reference.number) {
            Entry::In { stream, .. } if reference.generation == 0 => {
                self.member(stream, reference)?
            }
            _ => self.plain(reference)?,
        };
        match value {
            Object::Int(length @ 0..) => Ok(length as u64),
            other => Err(self.malformed(
                format_args!("{} where a length is wanted", other.kind()),
                reference,
            )),
        }
    }
}

fn lexed_max(file: u64, inflated: usize) -> u64 {
    (file + inflated as u64) * LEXED_TIMES_MAX + LEXED_BYTES_FREE
}

#[cfg(test)]
mod tests;
