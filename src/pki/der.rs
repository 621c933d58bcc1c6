//! Writes DER (X.690): definite, shortest lengths; sets sorted; values given as their finished bytes.
//!
//! Each function gives one whole TLV. They nest by being handed each other's results, which is all that certificates, revocation
//! lists and CMS need.

use crate::domain::time::Timestamp;
use crate::pki::oid::ObjectIdentifier;

/// BOOLEAN.
pub const BOOLEAN: u8 = 0x01;
/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING.
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub const OCTET_STRING: u8 = 0x04;
/// NULL.
pub const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub const OBJECT_IDENTIFIER: u8 = 0x06;
/// ENUMERATED.
pub const ENUMERATED: u8 = 0x0a;
/// UTF8String.
pub const UTF8_STRING: u8 = 0x0c;
/// PrintableString.
pub const PRINTABLE_STRING: u8 = 0x13;
/// IA5String.
pub const IA5_STRING: u8 = 0x16;
/// UTCTime.
pub const UTC_TIME: u8 = 0x17;
/// GeneralizedTime.
pub const GENERALIZED_TIME: u8 = 0x18;
/// BMPString.
pub const BMP_STRING: u8 = 0x1e;
/// SEQUENCE, SEQUENCE OF.
pub const SEQUENCE: u8 = 0x30;
/// SET, SET OF.
pub const SET: u8 = 0x31;

/// The identifier octet of `[number]`, constructed: an EXPLICIT tag, or an IMPLICIT one over a SEQUENCE or SET. `number` below 31.
pub const fn constructed(number: u8) -> u8 {
    0xa0 | (number & 0x1f)
}

/// The identifier octet of `[number] IMPLICIT` over a primitive type. `number` below 31.
pub const fn primitive(number: u8) -> u8 {
    0x80 | (number & 0x1f)
}

/// A TLV with the identifier octet `tag` around the `parts`, joined.
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length.saturating_add(10));
    out.push(tag);
    // X.690 10.1: the short form below 128, else the fewest octets.
    if let Ok(short @ 0..=0x7f) = u8::try_from(length) {
        out.push(short);
    } else {
        let octets = length.to_be_bytes();
        let significant = octets.iter().skip_while(|octet| **octet == 0);
        out.push(0x80 | significant.clone().count() as u8);
        out.extend(significant);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// SEQUENCE of finished parts.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(SEQUENCE, parts)
}

/// SET OF finished items, sorted as X.690 11.6 wants; `tag` is [`SET`], or a constructed context tag where the set is IMPLICIT.
pub fn set_of(tag: u8, mut items: Vec<Vec<u8>>) -> Vec<u8> {
    // 11.6 compares as if the shorter were padded with zeros. No TLV is another's prefix, so plain comparison is the same order.
    items.sort_unstable();
    let parts: Vec<&[u8]> = items.iter().map(Vec::as_slice).collect();
    tlv(tag, &parts)
}

/// INTEGER from an unsigned big-endian number of any length.
pub fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let skip = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = bytes.get(skip..).unwrap_or_default();
    match digits.first() {
        Some(first) if *first < 0x80 => tlv(INTEGER, &[digits]),
        _ => tlv(INTEGER, &[&[0], digits]),
    }
}

/// INTEGER.
pub fn integer(value: u64) -> Vec<u8> {
    unsigned(&value.to_be_bytes())
}

/// BOOLEAN TRUE. FALSE is nowhere written: it is the default wherever a boolean stands in what we make.
pub fn boolean_true() -> Vec<u8> {
    tlv(BOOLEAN, &[&[0xff]])
}

/// OBJECT IDENTIFIER.
pub fn object_identifier(oid: ObjectIdentifier) -> Vec<u8> {
    tlv(OBJECT_IDENTIFIER, &[oid.as_bytes()])
}

/// OCTET STRING.
pub fn octet_string(bytes: &[u8]) -> Vec<u8> {
    tlv(OCTET_STRING, &[bytes])
}

/// BIT STRING of whole octets: keys and signatures.
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], bytes])
}

/// BIT STRING with named bits, 0 to 15, of which those listed are set; trailing zero bits are left out (X.690 11.2.2).
pub fn named_bits(set: &[u8]) -> Vec<u8> {
    let bits = set
        .iter()
        .filter(|bit| **bit < 16)
        .fold(0u16, |bits, bit| bits | (0x8000 >> bit));
    let [first, second] = bits.to_be_bytes();
    let unused = |octet: u8| octet.trailing_zeros() as u8;
    match (first, second) {
        (0, 0) => tlv(BIT_STRING, &[&[0]]),
        (_, 0) => tlv(BIT_STRING, &[&[unused(first), first]]),
        (_, _) => tlv(BIT_STRING, &[&[unused(second), first, second]]),
    }
}

/// UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280, 4.1.2.5), whole seconds. Before 1950 likewise GeneralizedTime.
pub fn time(at: Timestamp) -> Vec<u8> {
    let c = at.civil();
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        c.month, c.day, c.hour, c.minute, c.second
    );
    if (1950..2050).contains(&c.year) {
        let text = format!("{:02}{rest}", c.year % 100);
        tlv(UTC_TIME, &[text.as_bytes()])
    } else {
        let text = format!("{:04}{rest}", c.year);
        tlv(GENERALIZED_TIME, &[text.as_bytes()])
    }
}

/// AlgorithmIdentifier without parameters: ECDSA (RFC 5758) and SHA-2 (RFC 5754).
pub fn algorithm(oid: ObjectIdentifier) -> Vec<u8> {
    sequence(&[&object_identifier(oid)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_fewest_octets() {
        for (length, head) in [
            (0usize, vec![0x04, 0x00]),
            (127, vec![0x04, 0x7f]),
            (128, vec![0x04, 0x81, 0x80]),
            (255, vec![0x04, 0x81, 0xff]),
            (256, vec![0x04, 0x82, 0x01, 0x00]),
            (65_536, vec![0x04, 0x83, 0x01, 0x00, 0x00]),
        ] {
            let made = octet_string(&vec![7; length]);
            assert_eq!(&made[..head.len()], &head[..], "{length}");
            assert_eq!(made.len(), head.len() + length);
        }
    }

    #[test]
    fn integers_are_positive_and_minimal() {
        assert_eq!(integer(0), [2, 1, 0]);
        assert_eq!(integer(127), [2, 1, 127]);
        assert_eq!(integer(128), [2, 2, 0, 128]);
        assert_eq!(integer(0x0102), [2, 2, 1, 2]);
        assert_eq!(unsigned(&[0, 0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
    }

    #[test]
    fn named_bits_lose_their_trailing_zeros() {
        assert_eq!(named_bits(&[0, 1]), [3, 2, 6, 0xc0]);
        assert_eq!(named_bits(&[5, 6]), [3, 2, 1, 0x06]);
        assert_eq!(named_bits(&[8]), [3, 3, 7, 0, 0x80]);
        assert_eq!(named_bits(&[]), [3, 1, 0]);
    }

    #[test]
    fn time_changes_its_form_in_2050() {
        let last = Timestamp::parse("2049-12-31T23:59:59.999Z").expect("a date");
        let first = Timestamp::parse("2050-01-01T00:00:00Z").expect("a date");
        assert_eq!(&time(last)[2..], b"491231235959Z");
        assert_eq!(&time(first)[2..], b"20500101000000Z");
        assert_eq!(time(first)[0], GENERALIZED_TIME);
    }

    #[test]
    fn sets_are_sorted_by_their_encoding() {
        let made = set_of(SET, vec![integer(300), octet_string(b"a"), integer(2)]);
        assert_eq!(
            made,
            [0x31, 10, 2, 1, 2, 2, 2, 1, 44, 4, 1, b'a'],
            "shorter encodings first, then by octet"
        );
    }
}
