//! What administrators have to know though nobody looks: told by mail to the organisation's contact, once a day for each thing.

use super::environment::Environment;
use super::ids::{EnvelopeId, WebhookId};
use std::time::Duration;

/// How long the same thing is not told again.
pub const ALARM_EVERY: Duration = Duration::from_secs(86_400);

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Alarm {
    /// The seal's key can't be used: whatever everybody has signed waits.
    SealUnusable {
        /// Whose seal.
        environment: Environment,
        /// Why.
        reason: String,
    },
    /// An envelope's seal or its audit trail failed again and again.
    EvidenceFailing {
        /// Where.
        environment: Environment,
        /// Whose.
        envelope: EnvelopeId,
        /// How often in a row.
        attempts: u32,
        /// Why, the last time.
        reason: String,
    },
    /// A webhook was given up and switched off.
    WebhookOff {
        /// Where.
        environment: Environment,
        /// Which.
        webhook: WebhookId,
        /// Its host: the rest of its address may hold secrets.
        host: String,
        /// Why.
        reason: String,
    },
    /// The data folder's disk is nearly full.
    DiskNearlyFull {
        /// Bytes that are free.
        free_bytes: u64,
        /// Under this many uploads are refused.
        least_bytes: u64,
    },
}

impl Alarm {
    /// In which world its mail belongs: what concerns test data alone never leaves.
    pub const fn environment(&self) -> Environment {
        match self {
            Self::SealUnusable { environment, .. }
            | Self::EvidenceFailing { environment, .. }
            | Self::WebhookOff { environment, .. } => *environment,
            Self::DiskNearlyFull { .. } => Environment::Live,
        }
    }

    /// What it is about: two alarms of the same thing are one.
    pub fn thing(&self) -> String {
        match self {
            Self::SealUnusable { environment, .. } => format!("seal:{environment}"),
            // One cause may hold up many envelopes: the pages list them all.
            Self::EvidenceFailing { environment, .. } => format!("evidence:{environment}"),
            Self::WebhookOff { webhook, .. } => format!("webhook:{webhook}"),
            Self::DiskNearlyFull { .. } => "disk".to_owned(),
        }
    }
}
