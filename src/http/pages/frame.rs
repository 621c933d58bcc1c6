//! What every page shares: language, whose page it is, where it lies.

use crate::domain::time::Timestamp;
use crate::i18n::{Arg, Locale, Zone};
use askama::Template;

/// The frame of a signing page.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Language of all texts.
    pub locale: Locale,
    /// Path of `public_url` without the last slash: `""`, or `/sign-here`; every link begins with it.
    pub root: String,
    /// Who asks: the organisation's name. The only brand on the page.
    pub organisation: String,
    /// The organisation's address for questions.
    pub contact: Option<String>,
    /// The organisation's time zone.
    pub zone: Zone,
    /// The test environment: every screen has the orange strip.
    pub test: bool,
}

impl Frame {
    /// A message.
    pub fn t(&self, key: &'static str) -> String {
        self.locale.t(key)
    }

    /// A message with one variable.
    pub fn t1(&self, key: &'static str, name: &'static str, value: impl Arg) -> String {
        self.locale.t1(key, name, value)
    }

    /// A message with two variables.
    pub fn t2(
        &self,
        key: &'static str,
        name: &'static str,
        value: impl Arg,
        name2: &'static str,
        value2: impl Arg,
    ) -> String {
        self.locale.t2(key, name, value, name2, value2)
    }

    /// A moment with weekday and zone.
    pub fn moment_long(&self, at: &Timestamp) -> String {
        self.zone.moment_long(self.locale, at.as_millis())
    }

    /// A day.
    pub fn day(&self, at: &Timestamp) -> String {
        self.zone.day(self.locale, at.as_millis())
    }

    /// A time of day.
    pub fn clock(&self, at: &Timestamp) -> String {
        self.zone.clock(self.locale, at.as_millis())
    }

    /// Address of a file of `assets/web`.
    pub fn asset(&self, name: impl AsRef<str>) -> String {
        format!("{}{}", self.root, super::assets::href(name.as_ref()))
    }

    /// The first letter of the organisation, for the mark in the header.
    pub fn monogram(&self) -> String {
        self.organisation
            .chars()
            .find(|c| c.is_alphanumeric())
            .map(|c| c.to_uppercase().collect())
            .unwrap_or_default()
    }
}

/// Fills a template. Its only failure is that of writing, and a `String` takes everything.
pub(super) fn render(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}

/// Percent-encodes a value of a query (RFC 3986: everything but the unreserved characters).
pub(super) fn query_value(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_value_survives_every_character() {
        assert_eq!(query_value("Zoë & Co?"), "Zo%C3%AB%20%26%20Co%3F");
    }
}
