//! The consent texts: `assets/consent/<version>/<locale>.txt`. They are only ever added to: what someone agreed to stays
//! readable under its version.

use super::Locale;

/// The version that is shown today.
pub const CONSENT_VERSION: &str = "2026-01";

/// A consent text as it is shown and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// `2026-01`.
    pub version: &'static str,
    /// The language of `text`, which may differ from the reader's where a version lacks it.
    pub locale: Locale,
    /// UTF-8, paragraphs separated by an empty line; its SHA-256 goes into the evidence.
    pub text: &'static str,
}

impl Consent {
    /// The paragraphs, in order.
    pub fn paragraphs(&self) -> impl Iterator<Item = &'static str> {
        self.text
            .split("\n\n")
            .map(str::trim)
            .filter(|p| !p.is_empty())
    }
}

/// The text of a version, `None` where there never was such a version.
pub fn consent(version: &str, locale: Locale) -> Option<Consent> {
    match (version, locale) {
        (CONSENT_VERSION, Locale::En) => Some(Consent {
            version: CONSENT_VERSION,
            locale,
            text: include_str!("../../assets/consent/2026-01/en.txt"),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn todays_consent_is_there_in_every_language_and_an_unknown_version_is_not() {
        for locale in Locale::ALL {
            let found = consent(CONSENT_VERSION, locale).expect("a text");
            assert!(found.paragraphs().count() >= 4);
        }
        assert_eq!(consent("1999-01", Locale::En), None);
    }
}
