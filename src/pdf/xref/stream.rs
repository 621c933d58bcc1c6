//! Cross-reference streams (ISO 32000-2, 7.5.8).

use super::{Entry, Loader, Section, SectionKind, refuse_encrypted, sorted};
use crate::pdf::error::Error;
use crate::pdf::filter::Filter;
use crate::pdf::indirect;
use crate::pdf::object::{Dict, OBJECT_NUMBER_MAX, Object};
use crate::pdf::source::ReadAt;

impl<R: ReadAt> Loader<'_, R> {
    /// 7.5.8: a cross-reference stream.
    pub(super) fn stream(&mut self, offset: u64) -> Result<Section, Error> {
        let what = "a cross-reference section is wanted";
        let read = indirect::read(self.window, self.window.length(), offset, None, &mut |_| {
            Err(Error::malformed(
                "is a reference, in a cross-reference stream",
                offset,
            ))
        })
        .map_err(|error| error.within(what))?;
        self.lexed(read.lexed, offset)?;
        let reference = read.reference;
        let wrong = |reason: String| {
            Error::malformed(
                format!("the cross-reference stream {reference}: {reason}"),
                offset,
            )
        };
        let Object::Stream(stream) = read.value else {
            return Err(Error::malformed(
                format!("{what}, object {reference} is no stream"),
                offset,
            ));
        };
        let dict = stream.dict;
        if !dict.get("Type").is_some_and(|kind| kind.is_name("XRef")) {
            return Err(wrong("its /Type is not /XRef".into()));
        }
        refuse_encrypted(&dict, offset)?;
        let filter = Filter::of(&dict, &mut |value| Ok(value.clone()))?
            .filter(|_| !dict.has("F"))
            .ok_or_else(|| {
                wrong("encoded otherwise than by Flate with an 8-bit PNG predictor".into())
            })?;
        let widths = widths(&dict)
            .ok_or_else(|| wrong("its /W is not three integers from 0 to 8, not all 0".into()))?;
        let ranges = ranges(&dict).ok_or_else(|| {
            wrong(format!(
                "its /Index or /Size is not made of integers from 0 to {OBJECT_NUMBER_MAX}"
            ))
        })?;
        let count = ranges
            .iter()
            .fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        self.rows(count, offset)?;
        let room = self.inflated_max - self.inflated;
        if stream.length > room as u64 {
            return Err(wrong(format!("its data is longer than {room} bytes")));
        }
        let raw = self.window.read(stream.offset, stream.length as usize)?;
        let data = filter
            .decode(raw, room)
            .map_err(|error| wrong(error.to_string()))?;
        self.inflated += data.len();
        let numbers = ranges
            .iter()
            .flat_map(|(first, count)| *first..first.saturating_add(*count));
        let mut rows = data.chunks_exact(widths.iter().sum());
        let mut entries = Vec::with_capacity(count as usize);
        for number in numbers {
            let row = rows
                .next()
                .ok_or_else(|| wrong("has fewer rows than its /Index says".into()))?;
            let entry = stream_entry(row, widths)
                .map_err(|reason| wrong(format!("the row of object {number} {reason}")))?;
            entries.push((number as u32, entry));
        }
        Ok(Section {
            entries: sorted(entries, offset)?,
            trailer: dict,
            kind: SectionKind::Stream,
        })
    }
}

fn widths(dict: &Dict) -> Option<[usize; 3]> {
    let [a, b, c] = dict.get("W")?.as_array()? else {
        return None;
    };
    let width = |object: &Object| match object.as_int() {
        Some(width @ 0..=8) => Some(width as usize),
        _ => None,
    };
    let widths = [width(a)?, width(b)?, width(c)?];
    (widths.iter().sum::<usize>() > 0).then_some(widths)
}

/// First number and count of each run of rows; within the range of object numbers.
fn ranges(dict: &Dict) -> Option<Vec<(u64, u64)>> {
    let bound = i64::from(OBJECT_NUMBER_MAX) + 1;
    let number = |object: &Object| {
        object
            .as_int()
            .filter(|value| (0..=bound).contains(value))
            .map(|value| value as u64)
    };
    let size = number(dict.get("Size")?)?;
    let Some(index) = dict.get("Index") else {
        return Some(vec![(0, size)]);
    };
    let (pairs, rest) = index.as_array()?.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[first, count]| {
            let (first, count) = (number(first)?, number(count)?);
            (first + count <= bound as u64).then_some((first, count))
        })
        .collect()
}

/// One row of a cross-reference stream (7.5.8.3).
fn stream_entry(row: &[u8], widths: [usize; 3]) -> Result<Entry, &'static str> {
    let mut rest = row;
    let mut field = |width: usize| {
        let (field, after) = rest.split_at_checked(width).unwrap_or((rest, &[]));
        rest = after;
        field
            .iter()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte))
    };
    let [a, b, c] = widths;
    let kind = if a == 0 { 1 } else { field(a) };
    let (second, third) = (field(b), field(c));
    match kind {
        0 => Ok(Entry::Free),
        1 => Ok(Entry::At {
            offset: second,
            generation: u16::try_from(third).map_err(|_| "has a generation above 65535")?,
        }),
        2 => Ok(Entry::In {
            stream: u32::try_from(second).map_err(|_| "names no possible object stream")?,
            index: u32::try_from(third).map_err(|_| "names no possible index")?,
        }),
        _ => Err("is of none of the types 0, 1, 2"),
    }
}
