//! Reads DER that others made: one TLV after the other, each kept as the slice that it was.
//!
//! Identifier and length octets are taken apart by the `der` crate, which refuses indefinite and padded lengths and tags above 30.
//! Nothing is copied, sorted or re-encoded, so what was hashed and signed stays what it was, and reading is linear in the input.

use crate::domain::time::{Civil, Timestamp};
use crate::pki::der;
use crate::pki::oid::ObjectIdentifier;
use ::der::asn1::{BitStringRef, GeneralizedTime, IntRef, UtcTime};
use ::der::{DateTime, Decode, Header, Reader as _, SliceReader};

/// Bytes that are not the DER structure they should be; names the structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not well-formed DER")]
pub struct Malformed(pub &'static str);

/// One TLV.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// The identifier octet.
    pub tag: u8,
    /// The contents octets.
    pub contents: &'a [u8],
    /// All octets, identifier and length included.
    pub whole: &'a [u8],
}

/// What is left to read of a structure, and how it is called in errors.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`; errors will say `what`.
    pub fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    /// Reads the one value with identifier octet `tag` that `bytes` must be, and gives the reader of its contents.
    pub fn whole(bytes: &'a [u8], tag: u8, what: &'static str) -> Result<Self, Malformed> {
        let mut outer = Self::new(bytes, what);
        let inner = outer.enter(tag)?;
        outer.finish()?;
        Ok(inner)
    }

    /// The error of this structure.
    pub fn malformed(&self) -> Malformed {
        Malformed(self.what)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Nothing may be left.
    pub fn finish(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.malformed())
        }
    }

    /// The next value, whatever it is.
    pub fn value(&mut self) -> Result<Value<'a>, Malformed> {
        let value = first_value(self.rest).ok_or(self.malformed())?;
        self.rest = self.rest.get(value.whole.len()..).ok_or(self.malformed())?;
        Ok(value)
    }

    /// The next value, whose identifier octet must be `tag`.
    pub fn expect(&mut self, tag: u8) -> Result<Value<'a>, Malformed> {
        let value = self.value()?;
        if value.tag == tag {
            Ok(value)
        } else {
            Err(self.malformed())
        }
    }

    /// The next value if its identifier octet is `tag`; else nothing is read.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Value<'a>>, Malformed> {
        if self.rest.first() == Some(&tag) {
            self.value().map(Some)
        } else {
            Ok(None)
        }
    }

    /// The reader of the next value's contents; its identifier octet must be `tag`.
    pub fn enter(&mut self, tag: u8) -> Result<Self, Malformed> {
        Ok(Self::new(self.expect(tag)?.contents, self.what))
    }

    /// OBJECT IDENTIFIER.
    pub fn object_identifier(&mut self) -> Result<ObjectIdentifier, Malformed> {
        let value = self.expect(der::OBJECT_IDENTIFIER)?;
        ObjectIdentifier::from_der(value.whole).map_err(|_| self.malformed())
    }

    /// INTEGER as its contents octets, in the shortest form.
    pub fn integer(&mut self) -> Result<&'a [u8], Malformed> {
        let value = self.expect(der::INTEGER)?;
        IntRef::from_der(value.whole).map_err(|_| self.malformed())?;
        if value.contents.is_empty() {
            return Err(self.malformed());
        }
        Ok(value.contents)
    }

    /// INTEGER from 0 to 2^32 - 1.
    pub fn small_integer(&mut self) -> Result<u32, Malformed> {
        let value = self.expect(der::INTEGER)?;
        u32::from_der(value.whole).map_err(|_| self.malformed())
    }

    /// BIT STRING of whole octets.
    pub fn bit_string(&mut self) -> Result<&'a [u8], Malformed> {
        let value = self.expect(der::BIT_STRING)?;
        BitStringRef::from_der(value.whole)
            .ok()
            .and_then(|bits| bits.as_bytes())
            .ok_or(self.malformed())
    }

    /// BIT STRING with named bits; bit 0 is the highest of the result, bits from 16 on are refused.
    pub fn named_bits(&mut self) -> Result<u16, Malformed> {
        let value = self.expect(der::BIT_STRING)?;
        let bits = BitStringRef::from_der(value.whole).map_err(|_| self.malformed())?;
        // X.690 11.2.1: unused bits are zero. A reader that took them for set would see other rights than its neighbour.
        let unused = bits
            .raw_bytes()
            .last()
            .is_some_and(|last| u32::from(bits.unused_bits()) > last.trailing_zeros());
        match bits.raw_bytes() {
            _ if unused => Err(self.malformed()),
            [] => Ok(0),
            [first] => Ok(u16::from_be_bytes([*first, 0])),
            [first, second] => Ok(u16::from_be_bytes([*first, *second])),
            _ => Err(self.malformed()),
        }
    }

    /// BOOLEAN that is FALSE where it is absent. A written FALSE, wrong in DER but common, is taken.
    pub fn flag(&mut self) -> Result<bool, Malformed> {
        match self.optional(der::BOOLEAN)?.map(|value| value.contents) {
            None | Some([0x00]) => Ok(false),
            Some([0xff]) => Ok(true),
            Some(_) => Err(self.malformed()),
        }
    }

    /// UTCTime or GeneralizedTime, whole seconds in UTC, from 1970 on (RFC 5280, 4.1.2.5).
    pub fn time(&mut self) -> Result<Timestamp, Malformed> {
        let value = self.value()?;
        let date = match value.tag {
            der::UTC_TIME => UtcTime::from_der(value.whole).map(|time| time.to_date_time()),
            der::GENERALIZED_TIME => {
                GeneralizedTime::from_der(value.whole).map(|time| time.to_date_time())
            }
            _ => return Err(self.malformed()),
        };
        date.ok().and_then(timestamp).ok_or(self.malformed())
    }

    /// AlgorithmIdentifier: its identifier, and its parameters as a whole TLV where there are any.
    pub fn algorithm(&mut self) -> Result<Algorithm<'a>, Malformed> {
        let value = self.expect(der::SEQUENCE)?;
        let mut inner = Self::new(value.contents, self.what);
        let oid = inner.object_identifier()?;
        let parameters = if inner.is_empty() {
            None
        } else {
            Some(inner.value()?)
        };
        inner.finish()?;
        Ok(Algorithm {
            oid,
            parameters,
            whole: value.whole,
        })
    }
}

/// AlgorithmIdentifier (RFC 5280, 4.1.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithm<'a> {
    /// Which algorithm.
    pub oid: ObjectIdentifier,
    /// Its parameters, a whole TLV.
    pub parameters: Option<Value<'a>>,
    /// All octets.
    pub whole: &'a [u8],
}

impl Algorithm<'_> {
    /// Whether the parameters are absent or NULL, the two forms in which software writes "none".
    pub fn has_no_parameters(&self) -> bool {
        self.parameters
            .is_none_or(|value| value.tag == der::NULL && value.contents.is_empty())
    }
}

/// The first TLV of `bytes`; `None` where there is no whole one.
pub fn first_value(bytes: &[u8]) -> Option<Value<'_>> {
    let mut reader = SliceReader::new(bytes).ok()?;
    let header = Header::decode(&mut reader).ok()?;
    let contents = reader.read_slice(header.length).ok()?;
    let length = usize::try_from(reader.position()).ok()?;
    Some(Value {
        tag: header.tag.octet(),
        contents,
        whole: bytes.get(..length)?,
    })
}

fn timestamp(date: DateTime) -> Option<Timestamp> {
    Timestamp::from_civil(Civil {
        year: i32::from(date.year()),
        month: date.month(),
        day: date.day(),
        hour: date.hour(),
        minute: date.minutes(),
        second: date.seconds(),
        millisecond: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_definite_shortest_lengths_are_taken() {
        assert!(first_value(&[0x04, 0x02, 1, 2]).is_some());
        for bad in [
            &[][..],
            &[0x04],
            &[0x04, 0x02, 1],
            &[0x04, 0x81, 0x02, 1, 2],
            &[0x30, 0x80, 0, 0],
            &[0x04, 0x85, 0, 0, 0, 0, 1, 1],
            &[0x1f, 0x81, 0x01, 0x00],
            &[0x04, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(first_value(bad), None, "{bad:02x?}");
        }
    }

    #[test]
    fn what_the_writer_writes_the_reader_reads() {
        let at = Timestamp::parse("2026-11-24T09:30:01Z").expect("a date");
        let late = Timestamp::parse("2051-11-24T09:30:01Z").expect("a date");
        let bytes = der::sequence(&[
            &der::integer(200),
            &der::boolean_true(),
            &der::time(at),
            &der::time(late),
            &der::named_bits(&[0, 1]),
            &der::bit_string(b"key"),
            &der::algorithm(crate::pki::oid::SHA256),
        ]);
        let mut r = Reader::whole(&bytes, der::SEQUENCE, "test").expect("a sequence");
        assert_eq!(r.small_integer(), Ok(200));
        assert_eq!(r.flag(), Ok(true));
        assert_eq!(r.time(), Ok(at));
        assert_eq!(r.time(), Ok(late));
        assert_eq!(r.named_bits(), Ok(0xc000));
        assert_eq!(r.bit_string(), Ok(&b"key"[..]));
        assert_eq!(r.algorithm().map(|a| a.oid), Ok(crate::pki::oid::SHA256));
        assert_eq!(r.finish(), Ok(()));
        assert!(r.value().is_err());
    }

    #[test]
    fn padded_and_empty_integers_are_refused() {
        for bad in [&[2u8, 0][..], &[2, 2, 0, 1], &[2, 2, 0xff, 0xff]] {
            assert!(Reader::new(bad, "test").integer().is_err(), "{bad:02x?}");
        }
    }
}
