//! What the certificate page and the audit trail say alike.

use crate::domain::envelope::Mark;
use crate::domain::recipient::Role;
use crate::i18n::Locale;

/// The language of what is written into documents and trails. It never follows the settings of the day: what signers were
/// shown, what is sealed, and a trail that is made again must say the same. Envelopes are asked for in English: the API
/// refuses every other `locale` by name.
pub(super) const LANGUAGE: Locale = Locale::En;

/// As `Typed name`.
pub(super) fn how_signed(locale: Locale, mark: &Mark) -> String {
    match mark {
        Mark::Typed { .. } => locale.t("proof-signature-typed"),
        Mark::Drawn { .. } => locale.t("proof-signature-drawn"),
        Mark::Picture { .. } => locale.t("proof-signature-picture"),
    }
}

/// As `Signer`.
pub(super) fn role(locale: Locale, role: Role) -> String {
    match role {
        Role::Signer => locale.t("proof-role-signer"),
    }
}
