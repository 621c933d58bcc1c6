//! What was typed: the file's shape, nothing read into it yet. Each key's meaning stands in `config.example.toml`.

#![expect(
    missing_docs,
    reason = "the keys are documented where their reader sees them: in config.example.toml"
)]

use serde::{Deserialize, Serialize};

/// The whole file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    pub server: RawServer,
    pub storage: RawStorage,
    pub organisation: RawOrganisation,
    pub admin: RawAdmin,
    pub api: RawApi,
    pub documents: RawDocuments,
    pub fonts: RawFonts,
    pub envelopes: RawEnvelopes,
    pub signing: RawSigning,
    pub ceremony: RawCeremony,
    pub mail: RawMail,
    pub webhooks: RawWebhooks,
    pub log: RawLog,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawServer {
    pub listen: Vec<String>,
    pub public_url: String,
    pub trusted_proxies: Vec<String>,
    pub connections_max: i64,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawStorage {
    pub data_dir: String,
    pub master_key: String,
    pub free_space_min: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawOrganisation {
    pub name: String,
    pub country: String,
    pub contact: String,
    pub time_zone: String,
    pub locale: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawAdmin {
    pub allow_from: Vec<String>,
    pub session_idle: String,
    pub session_max: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawApi {
    pub requests_per_minute: i64,
    pub burst: i64,
    pub unauthenticated_per_minute: i64,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawDocuments {
    pub upload_max: String,
    pub pages_max: i64,
    pub uploads_at_once_max: i64,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawFonts {
    pub fallback: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawEnvelopes {
    pub expires_after: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawSigning {
    pub require_fields: bool,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawCeremony {
    pub session_idle: String,
    pub session_max: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawMail {
    pub host: String,
    pub port: i64,
    pub tls: String,
    pub user: String,
    pub password: String,
    pub from: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawWebhooks {
    pub allowed_networks: Vec<String>,
    pub in_flight_max: i64,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RawLog {
    pub format: String,
    pub level: String,
}
