//! What use cases need of the configuration, as meant: every value checked, every path absolute.

use crate::i18n::{Locale, Zone};
use std::path::PathBuf;
use std::time::Duration;

/// Whose appliance it is.
#[derive(Clone, Debug)]
pub struct Organisation {
    /// Shown to recipients, in certificates and in the trail.
    pub name: String,
    /// ISO 3166-1 alpha-2, for certificates.
    pub country: Option<String>,
    /// Where recipients may ask: an e-mail address.
    pub contact: Option<String>,
    /// In which recipients read dates.
    pub time_zone: Zone,
    /// The language of last resort.
    pub locale: Locale,
}

impl super::App {
    /// Webhook attempts under way at once.
    pub fn webhooks_in_flight_max(&self) -> usize {
        self.settings.webhooks_in_flight_max
    }

    /// A recipient's session ends after this span without a request.
    pub fn signing_session_idle(&self) -> Duration {
        self.settings.signing_session_idle
    }
}

/// The settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address that links begin with, without a slash at its end.
    pub public_url: String,
    /// Whose appliance it is.
    pub organisation: Organisation,
    /// Bytes of one upload, at most.
    pub upload_bytes_max: u64,
    /// Pages of one document, at most.
    pub pages_max: u32,
    /// With less room than this on the disk, uploads and new envelopes are refused.
    pub free_space_bytes_min: u64,
    /// How long an envelope stays open where it names no end.
    pub envelope_expires_after: Duration,
    /// Whether signers without a field are refused instead of given a signature page.
    pub require_fields: bool,
    /// A recipient's session ends after this span without a request.
    pub signing_session_idle: Duration,
    /// A recipient's session ends after this span in any case.
    pub signing_session_ttl: Duration,
    /// An administrator's session ends after this span without a request.
    pub admin_session_idle: Duration,
    /// An administrator's session ends after this span in any case.
    pub admin_session_ttl: Duration,
    /// Webhook attempts under way at once.
    pub webhooks_in_flight_max: usize,
    /// Font files beyond the embedded ones, in order.
    pub font_fallback: Vec<PathBuf>,
}
