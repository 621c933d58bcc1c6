//! Objects in object streams (ISO 32000-2, 7.5.7).

use std::sync::Arc;

use super::{Document, INFLATED_BYTES_MAX};
use crate::pdf::error::Error;
use crate::pdf::filter::Filter;
use crate::pdf::indirect;
use crate::pdf::lexer::{Lexer, Origin};
use crate::pdf::object::{OBJECT_NUMBER_MAX, Object, Ref};
use crate::pdf::source::{Chunk, Chunks, ReadAt};
use crate::pdf::xref::Entry;

/// The inflated data of an object stream and its objects (ISO 32000-2, 7.5.7).
pub(super) struct ObjectStream {
    data: Arc<[u8]>,
    /// Where the encoded data lies in the file, for reasons.
    offset: u64,
    /// Number, first byte, byte after the last; by number.
    members: Vec<(u32, usize, usize)>,
}

impl Chunks for ObjectStream {
    fn chunk(&self, _: u64) -> Result<Chunk, Error> {
        Ok((0, Arc::clone(&self.data)))
    }
}

impl<R: ReadAt> Document<R> {
    /// The object `reference` of object stream `stream`. The index of the entry is not needed: the number must be there
    /// once, so that readers by index and readers by number see the same.
    pub(super) fn member(&self, stream: u32, reference: Ref) -> Result<Object, Error> {
        let container = self
            .object_stream(stream)
            .map_err(|error| error.within(format_args!("object {reference}")))?;
        let first = container
            .members
            .partition_point(|(number, ..)| *number < reference.number);
        let mut found = container
            .members
            .iter()
            .skip(first)
            .take_while(|(number, ..)| *number == reference.number);
        let (start, end) = match (found.next(), found.next()) {
            (Some((_, start, end)), None) => (*start as u64, *end as u64),
            (Some(_), Some(_)) => {
                return Err(Error::malformed(
                    format!("object {reference} is twice in object stream {stream} 0"),
                    container.offset,
                ));
            }
            _ => {
                return Err(Error::malformed(
                    format!(
                        "object {reference} is not in object stream {stream} 0, as the cross-reference says"
                    ),
                    container.offset,
                ));
            }
        };
        let origin = Origin::ObjectStream {
            number: stream,
            offset: container.offset,
        };
        let mut lexer = Lexer::new(&*container, origin, start, end);
        let value = lexer
            .value()
            .map_err(|error| error.within(format_args!("object {reference}")))?;
        lexer.skip_space()?;
        if lexer.position() != end {
            return Err(lexer.error(format!("something after the value of object {reference}")));
        }
        self.spend(end - start, reference)?;
        Ok(value)
    }

    fn object_stream(&self, number: u32) -> Result<Arc<ObjectStream>, Error> {
        if let Some(known) = self.object_streams.borrow().get(&number) {
            return Ok(Arc::clone(known));
        }
        let loaded = Arc::new(self.load_object_stream(number)?);
        self.object_streams
            .borrow_mut()
            .insert(number, Arc::clone(&loaded));
        Ok(loaded)
    }

    fn load_object_stream(&self, number: u32) -> Result<ObjectStream, Error> {
        let reference = Ref::new(number, 0);
        let wrong = |reason: String| {
            self.malformed(format_args!("as an object stream: {reason}"), reference)
        };
        let Entry::At {
            offset,
            generation: 0,
        } = self.xref.entry(number)
        else {
            return Err(Error::malformed(
                format!(
                    "object stream {number} 0 is missing, in another object stream, or not of generation 0"
                ),
                self.xref.startxref,
            ));
        };
        let length = self.window.length();
        if offset >= length {
            return Err(wrong(format!("it should be at {offset}, outside the file")));
        }
        let read =
            indirect::read(
                &self.window,
                length,
                offset,
                Some(reference),
                &mut |at| match self.plain(at)? {
                    Object::Int(length @ 0..) => Ok(length as u64),
                    _ => Err(Error::malformed(
                        "its /Length is no integer in the file itself",
                        offset,
                    )),
                },
            )?;
        self.spend(read.lexed, reference)?;
        let Object::Stream(stream) = read.value else {
            return Err(wrong("it is no stream".into()));
        };
        let mut plainly = |value: &Object| match value {
            Object::Ref(reference) => self.plain(*reference),
            value => Ok(value.clone()),
        };
        let value = |key: &str| match stream.dict.get(key) {
            Some(value) => plainly(value),
            None => Ok(Object::Null),
        };
        if !value("Type")?.is_name("ObjStm") {
            return Err(wrong("its /Type is not /ObjStm".into()));
        }
        let (count, first) = match (value("N")?, value("First")?) {
            (Object::Int(count @ 0..), Object::Int(first @ 0..)) => (count as u64, first as u64),
            _ => return Err(wrong("/N or /First is no integer from 0".into())),
        };
        let filter = Filter::of(&stream.dict, &mut plainly)?
            .filter(|_| !stream.dict.has("F"))
            .ok_or_else(|| {
                wrong("encoded otherwise than by Flate with an 8-bit PNG predictor".into())
            })?;
        let room = INFLATED_BYTES_MAX - self.inflated.get().min(INFLATED_BYTES_MAX);
        let data = filter
            .decode(self.stream_encoded(&stream, room)?, room)
            .map_err(|error| {
                wrong(format!(
                    "{error}, of {INFLATED_BYTES_MAX} for the whole file"
                ))
            })?;
        self.inflated.set(self.inflated.get() + data.len());
        let data: Arc<[u8]> = data.into();
        let mut container = ObjectStream {
            members: Vec::new(),
            offset: stream.offset,
            data,
        };
        container.members = members(&container, number, count, first)?;
        Ok(container)
    }
}

/// Reads the pairs of numbers and offsets at the start of an object stream: offsets rise, so that no two objects share bytes.
fn members(
    container: &ObjectStream,
    number: u32,
    count: u64,
    first: u64,
) -> Result<Vec<(u32, usize, usize)>, Error> {
    let origin = Origin::ObjectStream {
        number,
        offset: container.offset,
    };
    // A slice: on an Arc, `len` would be that of `ReadAt`.
    let data: &[u8] = &container.data;
    let length = data.len() as u64;
    let mut lexer = Lexer::new(container, origin, 0, first.min(length));
    let mut members: Vec<(u32, usize, usize)> = Vec::new();
    for _ in 0..count {
        lexer.skip_space()?;
        let at = lexer.position();
        let object = lexer.take_unsigned(10)?;
        lexer.skip_space()?;
        let offset = lexer.take_unsigned(10)?;
        let (Some(object), Some(offset)) = (object, offset) else {
            return Err(lexer.error_at(
                format!("not the /N {count} pairs of number and offset before /First {first}"),
                at,
            ));
        };
        let start = first + offset;
        if start > length
            || members
                .last()
                .is_some_and(|(_, last, _)| *last as u64 >= start)
        {
            return Err(lexer.error_at(
                format!("the offset of object {object} doesn't rise, or lies outside"),
                at,
            ));
        }
        let Some(object) = u32::try_from(object)
            .ok()
            .filter(|object| (1..=OBJECT_NUMBER_MAX).contains(object))
        else {
            return Err(lexer.error_at(format!("the object number {object} is out of range"), at));
        };
        if let Some((.., end)) = members.last_mut() {
            *end = start as usize;
        }
        members.push((object, start as usize, data.len()));
    }
    lexer.skip_space()?;
    if lexer.position() != first {
        return Err(lexer.error("something between the pairs of offsets and /First"));
    }
    members.sort_unstable_by_key(|(object, ..)| *object);
    Ok(members)
}
