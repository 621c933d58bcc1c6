//! Every text that a person reads, by language: Fluent messages in `assets/locales/<locale>/{sign,mail,errors,admin,proof}.ftl`,
//! compiled in.
//!
//! A key is written out where it is used, as `t("…")`, `t1("…", …)` and so on: a test looks for them, so that no
//! key is missing and none is left over. Messages hold no HTML; whoever writes a page escapes them.
//!
//! This floor knows nothing of the others: moments come in as milliseconds since the Unix epoch.

mod catalogue;
mod consent;
mod date;
pub mod mail;

pub use catalogue::{Arg, Value};
pub use consent::{CONSENT_VERSION, Consent, consent};
pub use date::{UnknownZone, Zone};

use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use unic_langid::LanguageIdentifier;

/// A language that the whole product speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// English in letters that no English word has: shows which words don't come from the catalogue.
    #[cfg(test)]
    Pseudo,
}

impl Locale {
    /// All languages there are.
    pub const ALL: [Self; 1] = [Self::En];

    /// The BCP 47 tag, as `<html lang>` and the API write it.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            #[cfg(test)]
            Self::Pseudo => "en-XA",
        }
    }

    /// `ltr` or `rtl`, as `<html dir>` writes it.
    pub const fn direction(self) -> &'static str {
        match self {
            Self::En => "ltr",
            #[cfg(test)]
            Self::Pseudo => "ltr",
        }
    }

    /// The language with exactly this primary tag (`en`, `en-GB`); `None` where it is not spoken here.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let wanted: LanguageIdentifier = tag.parse().ok()?;
        Self::ALL
            .into_iter()
            .find(|l| l.identifier().language == wanted.language)
    }

    /// The first of these tags that is spoken here, in the reader's order of preference; English where none is. Tags that
    /// are none (strangers send them) are passed over.
    pub fn choose(preferred: &[&str]) -> Self {
        let requested: Vec<LanguageIdentifier> = preferred
            .iter()
            .filter_map(|tag| tag.trim().parse().ok())
            .collect();
        let available: Vec<LanguageIdentifier> =
            Self::ALL.into_iter().map(Self::identifier).collect();
        negotiate_languages(
            &requested,
            &available,
            available.first(),
            NegotiationStrategy::Lookup,
        )
        .first()
        .and_then(|found| {
            Self::ALL
                .into_iter()
                .find(|l| l.identifier().language == found.language)
        })
        .unwrap_or_default()
    }

    fn identifier(self) -> LanguageIdentifier {
        self.tag().parse().unwrap_or_default()
    }

    /// The message without variables.
    pub fn t(self, key: &'static str) -> String {
        catalogue::message(self, key, &[])
    }

    /// The message with one variable.
    pub fn t1(self, key: &'static str, name: &'static str, value: impl Arg) -> String {
        catalogue::message(self, key, &[(name, value.value())])
    }

    /// The message with two variables.
    pub fn t2(
        self,
        key: &'static str,
        name: &'static str,
        value: impl Arg,
        name2: &'static str,
        value2: impl Arg,
    ) -> String {
        catalogue::message(self, key, &[(name, value.value()), (name2, value2.value())])
    }

    /// The message with any number of variables.
    pub fn tn(self, key: &'static str, values: &[(&'static str, Value<'_>)]) -> String {
        catalogue::message(self, key, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_not_spoken_here_falls_back_to_english() {
        assert_eq!(Locale::choose(&["xx", "not a tag!!", "en-GB"]), Locale::En);
        assert_eq!(Locale::choose(&[]), Locale::En);
        assert_eq!(Locale::from_tag("en-GB"), Some(Locale::En));
        assert_eq!(Locale::from_tag("zh"), None);
    }
}
