//! Indirect objects and streams as they stand in the file (ISO 32000-2, 7.3.8 and 7.3.10).

use super::error::Error;
use super::lexer::{Lexer, Origin};
use super::object::{OBJECT_NUMBER_MAX, Object, Ref, Stream};
use super::source::Chunks;

/// An object read from `number generation obj` to `endobj`.
pub(super) struct Indirect {
    /// Its number and generation as written.
    pub(super) reference: Ref,
    /// The value.
    pub(super) value: Object,
    /// Bytes that were lexed; stream data is hopped over.
    pub(super) lexed: u64,
}

/// Reads the object at `offset` of a file of `length` bytes. `length_of` gives the `/Length` of a stream where it is a reference.
pub(super) fn read(
    file: &dyn Chunks,
    length: u64,
    offset: u64,
    expected: Option<Ref>,
    length_of: &mut dyn FnMut(Ref) -> Result<u64, Error>,
) -> Result<Indirect, Error> {
    let mut lexer = Lexer::new(file, Origin::File, offset, length);
    let reference = header(&mut lexer, offset, expected)?;
    let value = lexer
        .value()
        .map_err(|error| error.within(named(reference)))?;
    lexer.skip_space()?;
    let (value, hopped) = match value {
        Object::Dict(dict) if lexer.take_keyword(b"stream")? => {
            let data = data_start(&mut lexer, reference)?;
            let bytes = match dict.get("Length") {
                Some(Object::Int(bytes @ 0..)) => *bytes as u64,
                Some(Object::Ref(at)) => length_of(*at).map_err(|error| {
                    error.within(format!("the /Length of the stream {reference}"))
                })?,
                _ => {
                    return Err(lexer.error_at(
                        format!("the stream {reference} has no /Length that is a number"),
                        offset,
                    ));
                }
            };
            data_end(&mut lexer, reference, data, bytes, length)?;
            let stream = Stream {
                dict,
                offset: data,
                length: bytes,
            };
            (Object::Stream(Box::new(stream)), bytes)
        }
        value => (value, 0),
    };
    lexer.skip_space()?;
    if !lexer.take_keyword(b"endobj")? {
        return Err(lexer.error(format!("no endobj after {}", named(reference))));
    }
    Ok(Indirect {
        reference,
        value,
        lexed: lexer.position() - offset - hopped,
    })
}

fn named(reference: Ref) -> String {
    format!("object {reference}")
}

/// `number generation obj`, at `offset` exactly.
fn header(lexer: &mut Lexer<'_>, offset: u64, expected: Option<Ref>) -> Result<Ref, Error> {
    let number = lexer.take_unsigned(10)?;
    lexer.skip_space()?;
    let generation = lexer.take_unsigned(10)?;
    lexer.skip_space()?;
    let keyword = lexer.take_keyword(b"obj")?;
    let found = match (number, generation, keyword) {
        (Some(number), Some(generation), true) => {
            match (u32::try_from(number), u16::try_from(generation)) {
                (Ok(number), Ok(generation)) => Some(Ref::new(number, generation)),
                _ => None,
            }
        }
        _ => None,
    };
    match (found, expected) {
        (Some(found), Some(expected)) if found != expected => Err(lexer.error_at(
            format!("object {found} where the cross-reference has object {expected}"),
            offset,
        )),
        (Some(found), None) if !(1..=OBJECT_NUMBER_MAX).contains(&found.number) => Err(lexer
            .error_at(
                format!("the object number of {found} is out of range"),
                offset,
            )),
        (Some(found), _) => Ok(found),
        (None, Some(expected)) => Err(lexer.error_at(
            format!("no \"{expected} obj\" where the cross-reference has that object"),
            offset,
        )),
        (None, None) => Err(lexer.error_at("no object begins here", offset)),
    }
}

/// After the keyword `stream`: CR LF or LF, never CR alone (7.3.8.1).
fn data_start(lexer: &mut Lexer<'_>, reference: Ref) -> Result<u64, Error> {
    if lexer.take(b"\r\n")? || lexer.take(b"\n")? {
        Ok(lexer.position())
    } else {
        Err(lexer.error(format!(
            "the keyword stream of object {reference} is not followed by CR LF or LF"
        )))
    }
}

/// `bytes` of data, at most one end of line, `endstream`.
fn data_end(
    lexer: &mut Lexer<'_>,
    reference: Ref,
    data: u64,
    bytes: u64,
    length: u64,
) -> Result<(), Error> {
    let end = data
        .checked_add(bytes)
        .filter(|end| *end <= length)
        .ok_or_else(|| {
            lexer.error_at(
                format!("the stream {reference} with its /Length {bytes} ends outside the file"),
                data,
            )
        })?;
    lexer.seek(end);
    if !lexer.take(b"\r\n")? && !lexer.take(b"\n")? {
        lexer.take(b"\r")?;
    }
    if lexer.take_keyword(b"endstream")? {
        return Ok(());
    }
    Err(lexer.error_at(
        format!("no endstream after the {bytes} bytes of /Length of the stream {reference}"),
        end,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf::source::Window;

    fn at_zero(text: &[u8]) -> Result<Object, Error> {
        let window = Window::new(text).unwrap();
        read(
            &window,
            text.len() as u64,
            0,
            Some(Ref::new(4, 1)),
            &mut |_| Ok(3),
        )
        .map(|indirect| indirect.value)
    }

    #[track_caller]
    fn rejects(text: &[u8], reason: &str, offset: u64) {
        let error = at_zero(text).expect_err("rejected");
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(error.offset(), Some(offset), "{error}");
    }

    #[test]
    fn an_object_has_the_expected_numbers_a_value_and_endobj() {
        assert_eq!(at_zero(b"4 1 obj 7 endobj").unwrap(), Object::Int(7));
        assert_eq!(at_zero(b"4%c\n1\nobj[]endobj").unwrap().kind(), "an array");
        rejects(b"4 0 obj 7 endobj", "object 4 0 where", 0);
        rejects(b"5 1 obj 7 endobj", "object 5 1 where", 0);
        rejects(b" 4 1 obj 7 endobj", "no \"4 1 obj\"", 0);
        rejects(b"xref", "no \"4 1 obj\"", 0);
        rejects(b"4 1 obj 7 ", "no endobj", 10);
        rejects(b"4 1 obj 7 8 endobj", "no endobj", 10);
        rejects(b"4 1 obj endobj", "\"endobj\" where a value", 8);
    }

    #[test]
    fn a_stream_ends_where_its_length_says() {
        let stream = at_zero(b"4 1 obj<</Length 3>>stream\nabc\nendstream endobj").unwrap();
        let stream = stream.as_stream().unwrap();
        assert_eq!((stream.offset, stream.length), (27, 3));
        for end in ["", "\n", "\r", "\r\n"] {
            let text = format!("4 1 obj<</Length 3>>stream\r\nabc{end}endstream\nendobj");
            assert!(at_zero(text.as_bytes()).is_ok(), "{end:?}");
        }
        for end in [" ", "\n\n", "d", "\n\r\n"] {
            let text = format!("4 1 obj<</Length 3>>stream\nabc{end}endstream\nendobj");
            rejects(text.as_bytes(), "no endstream after the 3 bytes", 30);
        }
        rejects(
            b"4 1 obj<</Length 300>>stream\nabc\nendstream endobj",
            "ends outside the file",
            29,
        );
        rejects(
            b"4 1 obj<</Length 3>>stream\nabc\nendstream",
            "no endobj",
            40,
        );
    }

    #[test]
    fn a_streams_length_is_an_integer_or_a_reference_to_one() {
        assert!(at_zero(b"4 1 obj<</Length 9 0 R>>stream\nabc\nendstream endobj").is_ok());
        for length in ["", "/Length -1", "/Length 3.0", "/Length null"] {
            let text = format!("4 1 obj<<{length}>>stream\nabc\nendstream endobj");
            rejects(text.as_bytes(), "has no /Length that is a number", 0);
        }
    }

    #[test]
    fn the_keyword_stream_is_followed_by_a_line_feed() {
        rejects(
            b"4 1 obj<</Length 3>>stream\rabc\nendstream endobj",
            "is not followed by CR LF or LF",
            26,
        );
        rejects(
            b"4 1 obj<</Length 3>>stream abc\nendstream endobj",
            "is not followed by CR LF or LF",
            26,
        );
    }
}
