//! Tokens and values (ISO 32000-2, 7.2 and 7.3), strictly: what is not a token of the standard is an error with its byte.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::Error;
use super::object::{Dict, Name, OBJECT_NUMBER_MAX, Object, Real, Ref, shown};
use super::source::Chunks;

/// Arrays and dictionaries inside each other.
pub const NESTING_MAX: usize = 100;
/// Values in one object. A value takes some forty bytes of memory for as few as two bytes of file.
pub const VALUES_MAX: usize = 1_000_000;
/// Bytes of one name; also bounds keywords and numbers. (ISO 32000-1, Annex C says 127 for names; some programs write more.)
pub const TOKEN_BYTES_MAX: usize = 4096;
/// From so many keys on, duplicates are looked for by hashing.
const KEYS_HASHED_FROM: usize = 24;

/// White space (ISO 32000-2, table 1).
pub const fn is_white_space(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

/// A delimiter (ISO 32000-2, table 2).
pub const fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
    )
}

const fn is_regular(byte: u8) -> bool {
    !is_white_space(byte) && !is_delimiter(byte)
}

/// Which bytes a lexer reads, for its errors.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// The file itself.
    File,
    /// The inflated data of object stream `number`, which starts at byte `offset` of the file.
    ObjectStream { number: u32, offset: u64 },
}

/// Reads tokens and values from a position on.
pub(super) struct Lexer<'a> {
    chunks: &'a dyn Chunks,
    origin: Origin,
    base: u64,
    chunk: Arc<[u8]>,
    position: u64,
    end: u64,
}

/// An array or dictionary that is still open.
enum Open {
    Array(Vec<Object>),
    Dict {
        start: u64,
        entries: Vec<(Name, Object)>,
        key: Option<Name>,
        seen: HashSet<Name>,
    },
}

impl<'a> Lexer<'a> {
    /// Reads from `start`; nothing at or after `end` is seen.
    pub(super) fn new(chunks: &'a dyn Chunks, origin: Origin, start: u64, end: u64) -> Self {
        Self {
            chunks,
            origin,
            base: 0,
            chunk: Arc::from([]),
            position: start,
            end,
        }
    }

    /// Where the next byte is read.
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// Continues at `position`.
    pub(super) const fn seek(&mut self, position: u64) {
        self.position = position;
    }

    /// `reason` at byte `at` of what is read.
    pub(super) fn error_at(&self, reason: impl Into<String>, at: u64) -> Error {
        match self.origin {
            Origin::File => Error::malformed(reason, at),
            Origin::ObjectStream { number, offset } => Error::malformed(
                format!(
                    "{} at inflated byte {at} of object stream {number} 0",
                    reason.into()
                ),
                offset,
            ),
        }
    }

    /// `reason` here.
    pub(super) fn error(&self, reason: impl Into<String>) -> Error {
        self.error_at(reason, self.position)
    }

    /// The next byte, not taken.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Error> {
        if self.position >= self.end {
            return Ok(None);
        }
        let index = self.position.wrapping_sub(self.base);
        if let Some(byte) = usize::try_from(index)
            .ok()
            .and_then(|index| self.chunk.get(index))
        {
            return Ok(Some(*byte));
        }
        (self.base, self.chunk) = self.chunks.chunk(self.position)?;
        let index = self.position.wrapping_sub(self.base) as usize;
        Ok(self.chunk.get(index).copied())
    }

    /// The next byte, taken.
    pub(super) fn next(&mut self) -> Result<Option<u8>, Error> {
        let byte = self.peek()?;
        if byte.is_some() {
            self.position += 1;
        }
        Ok(byte)
    }

    /// Takes white space, not comments.
    pub(super) fn skip_white_space(&mut self) -> Result<(), Error> {
        while self.peek()?.is_some_and(is_white_space) {
            self.position += 1;
        }
        Ok(())
    }

    /// Takes white space and comments, which count as such (7.2.4).
    pub(super) fn skip_space(&mut self) -> Result<(), Error> {
        loop {
            self.skip_white_space()?;
            if self.peek()? != Some(b'%') {
                return Ok(());
            }
            while self.peek()?.is_some_and(|b| b != b'\n' && b != b'\r') {
                self.position += 1;
            }
        }
    }

    /// Takes `text` if it comes next, byte by byte.
    pub(super) fn take(&mut self, text: &[u8]) -> Result<bool, Error> {
        let start = self.position;
        for expected in text {
            if self.next()? != Some(*expected) {
                self.position = start;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes the keyword `text` if it comes next as a whole token.
    pub(super) fn take_keyword(&mut self, text: &[u8]) -> Result<bool, Error> {
        let start = self.position;
        if self.take(text)? && !self.peek()?.is_some_and(is_regular) {
            return Ok(true);
        }
        self.position = start;
        Ok(false)
    }

    /// An unsigned integer of at most `digits_max` digits, as a whole token; nothing is taken where there is none.
    pub(super) fn take_unsigned(&mut self, digits_max: usize) -> Result<Option<u64>, Error> {
        let start = self.position;
        let mut value: u64 = 0;
        let mut digits = 0;
        while let Some(byte @ b'0'..=b'9') = self.peek()? {
            digits += 1;
            if digits > digits_max {
                break;
            }
            // At most 19 digits are asked for: no overflow.
            value = value
                .saturating_mul(10)
                .saturating_add(u64::from(byte - b'0'));
            self.position += 1;
        }
        if digits == 0 || digits > digits_max || self.peek()?.is_some_and(is_regular) {
            self.position = start;
            return Ok(None);
        }
        Ok(Some(value))
    }

    /// Regular characters up to the next white space or delimiter.
    fn regular_run(&mut self) -> Result<Vec<u8>, Error> {
        let start = self.position;
        let mut run = Vec::new();
        while let Some(byte) = self.peek()?.filter(|byte| is_regular(*byte)) {
            if run.len() == TOKEN_BYTES_MAX {
                return Err(self.error_at(
                    format!("a token of more than {TOKEN_BYTES_MAX} bytes"),
                    start,
                ));
            }
            run.push(byte);
            self.position += 1;
        }
        Ok(run)
    }

    /// One value with all that is in it. `R` is understood, `stream` is not taken.
    pub(super) fn value(&mut self) -> Result<Object, Error> {
        let mut open: Vec<Open> = Vec::new();
        let mut values = 0;
        loop {
            self.skip_space()?;
            let at = self.position;
            values += 1;
            if values > VALUES_MAX {
                return Err(
                    self.error_at(format!("an object of more than {VALUES_MAX} values"), at)
                );
            }
            // A dictionary that waits for a key takes only a key or its end.
            if let Some(Open::Dict {
                entries, key, seen, ..
            }) = open.last_mut()
                && key.is_none()
                && self.peek()? != Some(b'>')
            {
                if self.peek()? != Some(b'/') {
                    return Err(self.error_at("a dictionary key that is not a name", at));
                }
                let name = self.name()?;
                if is_duplicate(entries, seen, &name) {
                    return Err(self.error_at(format!("the key {name} twice in a dictionary"), at));
                }
                *key = Some(name);
                continue;
            }
            let value = match self.peek()? {
                None => return Err(self.error_at("the data ends where a value is wanted", at)),
                Some(b'[') => {
                    self.position += 1;
                    self.deepen(&mut open, Open::Array(Vec::new()), at)?;
                    continue;
                }
                Some(b'<') => {
                    self.position += 1;
                    if self.peek()? == Some(b'<') {
                        self.position += 1;
                        let dict = Open::Dict {
                            start: at,
                            entries: Vec::new(),
                            key: None,
                            seen: HashSet::new(),
                        };
                        self.deepen(&mut open, dict, at)?;
                        continue;
                    }
                    self.hex_string(at)?
                }
                Some(b']') => match open.pop() {
                    Some(Open::Array(items)) => {
                        self.position += 1;
                        Object::Array(items)
                    }
                    _ => return Err(self.error_at("a ] without its [", at)),
                },
                Some(b'>') => {
                    if !self.take(b">>")? {
                        return Err(self.error_at("a single >", at));
                    }
                    match open.pop() {
                        Some(Open::Dict {
                            entries, key: None, ..
                        }) => Object::Dict(Dict::from_distinct(entries)),
                        Some(Open::Dict {
                            key: Some(key),
                            start,
                            ..
                        }) => {
                            return Err(self.error_at(
                                format!(
                                    "the dictionary from byte {start} ends after the key {key} without its value"
                                ),
                                at,
                            ));
                        }
                        _ => return Err(self.error_at("a >> without its <<", at)),
                    }
                }
                Some(b'(') => self.literal_string()?,
                Some(b'/') => Object::Name(self.name()?),
                Some(b'+' | b'-' | b'.' | b'0'..=b'9') => self.number_or_reference()?,
                Some(byte) if is_regular(byte) => self.keyword()?,
                Some(byte) => {
                    return Err(self.error_at(
                        format!("{:?} where a value is wanted", char::from(byte)),
                        at,
                    ));
                }
            };
            match open.last_mut() {
                None => return Ok(value),
                Some(Open::Array(items)) => items.push(value),
                Some(Open::Dict { entries, key, .. }) => {
                    // A key is there: without one, only a key or the end was taken above.
                    if let Some(key) = key.take() {
                        entries.push((key, value));
                    }
                }
            }
        }
    }

    fn deepen(&self, open: &mut Vec<Open>, new: Open, at: u64) -> Result<(), Error> {
        if open.len() == NESTING_MAX {
            return Err(self.error_at(
                format!("arrays and dictionaries more than {NESTING_MAX} deep"),
                at,
            ));
        }
        open.push(new);
        Ok(())
    }

    fn keyword(&mut self) -> Result<Object, Error> {
        let at = self.position;
        let run = self.regular_run()?;
        match run.as_slice() {
            b"null" => Ok(Object::Null),
            b"true" => Ok(Object::Bool(true)),
            b"false" => Ok(Object::Bool(false)),
            other => {
                Err(self.error_at(format!("\"{}\" where a value is wanted", shown(other)), at))
            }
        }
    }

    fn number_or_reference(&mut self) -> Result<Object, Error> {
        let start = self.position;
        let signed = matches!(self.peek()?, Some(b'+' | b'-'));
        let number = self.number()?;
        let Object::Int(value @ 0..) = number else {
            return Ok(number);
        };
        if signed {
            return Ok(number);
        }
        let after = self.position;
        match self.rest_of_reference(start, value)? {
            Some(reference) => Ok(Object::Ref(reference)),
            None => {
                self.position = after;
                Ok(number)
            }
        }
    }

    /// The ` generation R` after an object number.
    fn rest_of_reference(&mut self, start: u64, number: i64) -> Result<Option<Ref>, Error> {
        self.skip_space()?;
        let Some(generation) = self.take_unsigned(10)? else {
            return Ok(None);
        };
        self.skip_space()?;
        if self.peek()? != Some(b'R') || !self.take_keyword(b"R")? {
            return Ok(None);
        }
        let number = u32::try_from(number)
            .ok()
            .filter(|number| *number <= OBJECT_NUMBER_MAX);
        match (number, u16::try_from(generation)) {
            (Some(number), Ok(generation)) => Ok(Some(Ref::new(number, generation))),
            _ => Err(self.error_at(
                format!(
                    "a reference to an object number above {OBJECT_NUMBER_MAX} or a generation above 65535"
                ),
                start,
            )),
        }
    }

    fn number(&mut self) -> Result<Object, Error> {
        let at = self.position;
        let run = self.regular_run()?;
        // Only regular ASCII can pass the check below; anything else is shown escaped.
        let text = std::str::from_utf8(&run).unwrap_or_default();
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let dots = unsigned.bytes().filter(|b| *b == b'.').count();
        let digits = unsigned.bytes().filter(u8::is_ascii_digit).count();
        if digits == 0 || dots > 1 || digits + dots != unsigned.len() {
            return Err(self.error_at(format!("\"{}\" is no number", shown(&run)), at));
        }
        if dots == 1 {
            return Ok(Object::Real(Real::from_source(text)));
        }
        text.parse().map(Object::Int).map_err(|_| {
            self.error_at(
                format!("the integer {} doesn't fit 64 bits", shown(&run)),
                at,
            )
        })
    }

    /// A name; the slash comes next.
    fn name(&mut self) -> Result<Name, Error> {
        let at = self.position;
        self.position += 1;
        let run = self.regular_run()?;
        if !run.contains(&b'#') {
            return Ok(Name::from(run));
        }
        let mut name = Vec::with_capacity(run.len());
        let mut bytes = run.iter();
        while let Some(byte) = bytes.next() {
            if *byte != b'#' {
                name.push(*byte);
                continue;
            }
            let digits = (
                bytes.next().copied().and_then(hex_digit),
                bytes.next().copied().and_then(hex_digit),
            );
            match digits {
                (Some(0), Some(0)) => {
                    return Err(self.error_at("#00 in a name", at));
                }
                (Some(high), Some(low)) => name.push(high << 4 | low),
                _ => {
                    return Err(self.error_at("a # without two hexadecimal digits in a name", at));
                }
            }
        }
        Ok(Name::from(name))
    }

    /// `at` is the byte of the `<`, which is taken.
    fn hex_string(&mut self, at: u64) -> Result<Object, Error> {
        let mut bytes = Vec::new();
        let mut high = None;
        loop {
            let here = self.position;
            match self.next()? {
                Some(b'>') => break,
                Some(byte) if is_white_space(byte) => {}
                Some(byte) => {
                    let Some(digit) = hex_digit(byte) else {
                        return Err(self.error_at(
                            format!("{:?} in a hexadecimal string", char::from(byte)),
                            here,
                        ));
                    };
                    match high.take() {
                        Some(high) => bytes.push(high << 4 | digit),
                        None => high = Some(digit),
                    }
                }
                None => return Err(self.error_at("a hexadecimal string without its >", at)),
            }
        }
        // 7.3.4.3: a missing last digit is 0.
        if let Some(high) = high {
            bytes.push(high << 4);
        }
        Ok(Object::String(bytes))
    }

    /// The `(` comes next.
    fn literal_string(&mut self) -> Result<Object, Error> {
        let at = self.position;
        self.position += 1;
        let mut bytes = Vec::new();
        let mut depth: u64 = 1;
        loop {
            match self.next()? {
                None => return Err(self.error_at("a string without its )", at)),
                Some(b'(') => {
                    depth += 1;
                    bytes.push(b'(');
                }
                Some(b')') => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(Object::String(bytes));
                    }
                    bytes.push(b')');
                }
                // 7.3.4.2: any end of line in a string is a line feed.
                Some(b'\r') => {
                    self.take(b"\n")?;
                    bytes.push(b'\n');
                }
                Some(b'\\') => bytes.extend(self.escape()?),
                Some(byte) => bytes.push(byte),
            }
        }
    }

    /// After a backslash in a string.
    fn escape(&mut self) -> Result<Option<u8>, Error> {
        Ok(match self.next()? {
            Some(b'n') => Some(b'\n'),
            Some(b'r') => Some(b'\r'),
            Some(b't') => Some(b'\t'),
            Some(b'b') => Some(8),
            Some(b'f') => Some(12),
            Some(b'\n') => None,
            Some(b'\r') => {
                self.take(b"\n")?;
                None
            }
            Some(first @ b'0'..=b'7') => {
                let mut value = u32::from(first - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek()? else {
                        break;
                    };
                    self.position += 1;
                    value = value * 8 + u32::from(digit - b'0');
                }
                // High-order overflow is ignored.
                Some((value & 0xff) as u8)
            }
            // The end of the data is found by the caller.
            other => other,
        })
    }
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Whether `name` is a key already; from [`KEYS_HASHED_FROM`] keys on by a set, so that large dictionaries stay linear.
fn is_duplicate(entries: &[(Name, Object)], seen: &mut HashSet<Name>, name: &Name) -> bool {
    if entries.len() < KEYS_HASHED_FROM {
        return entries.iter().any(|(key, _)| key == name);
    }
    if seen.is_empty() {
        seen.extend(entries.iter().map(|(key, _)| key.clone()));
    }
    !seen.insert(name.clone())
}

#[cfg(test)]
mod tests;
