//! Distinguished names: the few that we write, and foreign ones as text for people.

use crate::pki::Error;
use crate::pki::der;
use crate::pki::oid::{self, ObjectIdentifier};
use crate::pki::read::{Malformed, Reader, Value};

/// What a name's part may hold in characters (ub-common-name, ub-organization-name: RFC 5280, appendix A.1).
pub const NAME_PART_CHARS_MAX: usize = 64;

/// Parts of a foreign name that are read; more is malformed.
const NAME_PARTS_MAX: usize = 32;

/// Characters of one foreign part that are shown; what is longer ends in an ellipsis.
const SHOWN_CHARS_MAX: usize = 256;

/// A name under construction: relative names in the order of the calls, one attribute each.
#[derive(Default)]
pub struct NameBuilder(Vec<Vec<u8>>);

impl NameBuilder {
    /// With no part yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds C: two capital letters (ISO 3166-1), a PrintableString.
    pub fn country(self, code: &str) -> Result<Self, Error> {
        if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(Error::Text {
                what: "country",
                why: "two capital letters are wanted, as in FR",
            });
        }
        Ok(self.part(oid::COUNTRY, der::PRINTABLE_STRING, code))
    }

    /// Adds O, a UTF8String of 1 to 64 characters.
    pub fn organisation(self, name: &str) -> Result<Self, Error> {
        check("organisation", name)?;
        Ok(self.part(oid::ORGANISATION, der::UTF8_STRING, name))
    }

    /// Adds CN, a UTF8String of 1 to 64 characters.
    pub fn common_name(self, name: &str) -> Result<Self, Error> {
        check("common name", name)?;
        Ok(self.part(oid::COMMON_NAME, der::UTF8_STRING, name))
    }

    /// The finished Name.
    pub fn build(self) -> Vec<u8> {
        let parts: Vec<&[u8]> = self.0.iter().map(Vec::as_slice).collect();
        der::sequence(&parts)
    }

    fn part(mut self, kind: ObjectIdentifier, tag: u8, text: &str) -> Self {
        let attribute = der::sequence(&[
            &der::object_identifier(kind),
            &der::tlv(tag, &[text.as_bytes()]),
        ]);
        self.0.push(der::tlv(der::SET, &[&attribute]));
        self
    }
}

fn check(what: &'static str, text: &str) -> Result<(), Error> {
    let refuse = |why| Err(Error::Text { what, why });
    if text.trim().is_empty() {
        return refuse("it is empty");
    }
    if text.chars().count() > NAME_PART_CHARS_MAX {
        return refuse("it is longer than 64 characters");
    }
    if text.chars().any(is_deceptive) {
        return refuse("it holds control or direction characters");
    }
    Ok(())
}

/// Control characters, and those that turn the direction of a text or take no room: a name with them can look like another.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A foreign name as `CN=Anna, O=Example, C=FR`: most telling part first, deceptive characters replaced, long values cut. For people, not
/// for comparison: names are compared by their octets.
pub fn describe(name: &[u8]) -> Result<String, Malformed> {
    let mut shown = Vec::new();
    for (kind, value) in attributes(name)? {
        let label = match kind {
            oid::COMMON_NAME => "CN".to_owned(),
            oid::SERIAL_NUMBER => "serialNumber".to_owned(),
            oid::COUNTRY => "C".to_owned(),
            oid::ORGANISATION => "O".to_owned(),
            other => other.to_string(),
        };
        shown.push(format!("{label}={}", text(value)));
    }
    shown.reverse();
    Ok(shown.join(", "))
}

/// The last CN of a foreign name, shown as [`describe`] shows it; `None` where it has none.
pub fn common_name(name: &[u8]) -> Result<Option<String>, Malformed> {
    Ok(attributes(name)?
        .into_iter()
        .rev()
        .find(|(kind, _)| *kind == oid::COMMON_NAME)
        .map(|(_, value)| text(value)))
}

fn attributes(name: &[u8]) -> Result<Vec<(ObjectIdentifier, Value<'_>)>, Malformed> {
    let mut found = Vec::new();
    let mut names = Reader::whole(name, der::SEQUENCE, "name")?;
    while !names.is_empty() {
        let mut set = names.enter(der::SET)?;
        while !set.is_empty() {
            let mut attribute = set.enter(der::SEQUENCE)?;
            let kind = attribute.object_identifier()?;
            let value = attribute.value()?;
            attribute.finish()?;
            if found.len() == NAME_PARTS_MAX {
                return Err(names.malformed());
            }
            found.push((kind, value));
        }
    }
    Ok(found)
}

fn text(value: Value<'_>) -> String {
    let decoded = match value.tag {
        der::BMP_STRING => {
            let units = value
                .contents
                .chunks_exact(2)
                .take(SHOWN_CHARS_MAX + 1)
                .map(|pair| match pair {
                    [high, low] => u16::from_be_bytes([*high, *low]),
                    _ => 0xfffd,
                });
            char::decode_utf16(units)
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        // UTF8String, PrintableString, IA5String; TeletexString is mostly ASCII in practice.
        _ => {
            // Four octets a character at most: what lies beyond would not be shown.
            let end = value.contents.len().min((SHOWN_CHARS_MAX + 1) * 4);
            String::from_utf8_lossy(value.contents.get(..end).unwrap_or_default()).into_owned()
        }
    };
    let mut shown: String = decoded
        .chars()
        .take(SHOWN_CHARS_MAX)
        .map(|c| {
            if is_deceptive(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect();
    if decoded.chars().nth(SHOWN_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shown_with_its_most_telling_part_first() {
        let name = NameBuilder::new()
            .country("FR")
            .and_then(|n| n.organisation("Société Générale d'Essai"))
            .and_then(|n| n.common_name("Société seal"))
            .expect("a name")
            .build();
        assert_eq!(
            describe(&name).as_deref(),
            Ok("CN=Société seal, O=Société Générale d'Essai, C=FR")
        );
        assert_eq!(common_name(&name), Ok(Some("Société seal".to_owned())));
    }

    #[test]
    fn what_deceives_or_is_too_long_never_enters_a_name() {
        for bad in [
            "",
            "  ",
            "a\nb",
            "a\u{202e}b",
            "a\u{200b}b",
            &"x".repeat(65),
        ] {
            assert!(NameBuilder::new().organisation(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "fr", "FRA", "F1", "É"] {
            assert!(NameBuilder::new().country(bad).is_err(), "{bad:?}");
        }
        assert!(NameBuilder::new().organisation(&"é".repeat(64)).is_ok());
    }

    #[test]
    fn a_hostile_name_is_shown_harmlessly() {
        let long = "x".repeat(5000);
        let name = NameBuilder::new()
            .part(oid::COMMON_NAME, der::UTF8_STRING, "a\u{202e}\nb")
            .part(oid::ORGANISATION, der::UTF8_STRING, &long)
            .build();
        let shown = describe(&name).expect("it is DER");
        assert!(shown.starts_with("O=xxx") && shown.contains("…, CN=a\u{fffd}\u{fffd}b"));
        assert!(shown.chars().count() < 300);
        let many = (0..40).fold(NameBuilder::new(), |n, _| {
            n.part(oid::COMMON_NAME, der::UTF8_STRING, "x")
        });
        assert_eq!(describe(&many.build()), Err(Malformed("name")));
    }
}
