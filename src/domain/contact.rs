//! How people are named and reached. What these types hold can go into a mail header, a page or a PDF as it is.

use super::limits;
use super::text::{self, TextFault};
use std::fmt;
use std::str::FromStr;

/// An e-mail address that SMTP can carry (RFC 5321; beyond ASCII RFC 6531): kept as typed, compared without case.
///
/// Conservative on purpose: no quoted local part, no comment, no address literal, at least two labels in the domain.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// Why a text is no e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not an e-mail address as in marie@example.com")]
pub struct InvalidEmail;

/// `atext` of RFC 5322 clause 3.2.3, and letters and digits beyond ASCII (RFC 6532).
fn is_local_char(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
    } else {
        c.is_alphanumeric()
    }
}

fn is_dot_atom(local: &str) -> bool {
    !local.is_empty()
        && local
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(is_local_char))
}

fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| {
                c == '-' || c.is_ascii_alphanumeric() || (!c.is_ascii() && c.is_alphanumeric())
            })
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.contains('.')
        && domain.len() <= 253
        && domain.split('.').all(label)
        && !last.chars().all(|c| c.is_ascii_digit())
}

impl EmailAddress {
    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which addresses are compared and looked up: lower case.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }

    /// Whether both reach the same mailbox, as far as can be told from outside.
    pub fn same_as(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let fits =
            text.len() <= limits::EMAIL_BYTES_MAX && local.len() <= limits::EMAIL_LOCAL_BYTES_MAX;
        if fits && is_dot_atom(local) && is_domain(domain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidEmail)
        }
    }
}

/// A person's name: one line, no control, bidirectional or invisible character, at most [`limits::NAME_CHARS_MAX`] characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PersonName(String);

impl PersonName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PersonName {
    type Err = TextFault;

    fn from_str(text: &str) -> Result<Self, TextFault> {
        text::line(text, limits::NAME_CHARS_MAX).map(Self)
    }
}

macro_rules! as_text {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

as_text!(EmailAddress PersonName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_as_typed_and_compared_without_case() {
        let typed: EmailAddress = " Marie.Dubois+x@Example.COM ".parse().expect("address");
        assert_eq!(typed.as_str(), "Marie.Dubois+x@Example.COM");
        assert!(typed.same_as(&"marie.dubois+x@example.com".parse().expect("address")));
    }

    #[test]
    fn international_addresses_are_taken() {
        for text in [
            "józef@przykład.pl",
            "用户@例子.公司",
            "o'neil@example.co.uk",
            "a@b.c1",
        ] {
            assert!(text.parse::<EmailAddress>().is_ok(), "{text}");
        }
    }

    #[test]
    fn what_could_break_a_header_or_a_command_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_domain = format!("a@{}.com", "a".repeat(64));
        for text in [
            "",
            "a",
            "@example.com",
            "a@",
            "a@b",
            "a b@example.com",
            "a@example.com\r\nBcc: b@example.com",
            "a\n@example.com",
            "a@exam\u{200b}ple.com",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "\"a\"@example.com",
            "<a@example.com>",
            "a@b@example.com",
            "a..b@example.com",
            ".a@example.com",
            "a@-b.com",
            "a@b..com",
            "a@b.com.",
            "a,b@example.com",
            "a;b@example.com",
            "a@example.com>",
            "a\0@example.com",
            "a\u{202e}@example.com",
            &long_local,
            &long_domain,
        ] {
            assert_eq!(text.parse::<EmailAddress>(), Err(InvalidEmail), "{text:?}");
        }
    }

    #[test]
    fn a_name_cannot_carry_a_header() {
        assert!("Marie\r\nBcc: x@example.com".parse::<PersonName>().is_err());
        assert!("Marie \u{202e}siobuD".parse::<PersonName>().is_err());
        assert_eq!(
            "Marie Dubois"
                .parse::<PersonName>()
                .map(|n| n.to_string())
                .as_deref(),
            Ok("Marie Dubois")
        );
    }
}
