//! API keys: what the list shows, and a keyed hash of the secret. The secret itself is nowhere.

use super::error::Error;
use super::lists::{Page, Window};
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::ids::KeyId;
use crate::domain::limits;
use crate::domain::scope::Scopes;
use crate::domain::time::Timestamp;
use rusqlite::{Row, params};
use std::net::IpAddr;

/// An API key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// What it can reach.
    pub environment: Environment,
    /// What people call it.
    pub name: String,
    /// How the secret begins: enough to recognise it.
    pub prefix: String,
    /// How the secret ends.
    pub last4: String,
    /// What it may.
    pub scopes: Scopes,
    /// Requests a minute, where it has limits of its own.
    pub requests_per_minute: Option<u32>,
    /// Requests at once, where it has limits of its own.
    pub burst: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// From where.
    pub last_used_ip: Option<IpAddr>,
    /// From this moment on it opens nothing.
    pub revoked_at: Option<Timestamp>,
}

const COUNTER: &str = "api_key";
const COLUMNS: &str = "id, environment, name, prefix, last4, scopes, requests_per_minute, burst, created_at, last_used_at,
    last_used_ip, revoked_at FROM api_key";

fn key(r: &Row<'_>) -> Result<ApiKey, Error> {
    Ok(ApiKey {
        id: row::parsed(r, 0, "key id")?,
        environment: row::environment(r, 1)?,
        name: r.get(2)?,
        prefix: r.get(3)?,
        last4: r.get(4)?,
        scopes: row::json(r, 5, "key's scopes")?,
        requests_per_minute: r.get(6)?,
        burst: r.get(7)?,
        created_at: row::time(r, 8)?,
        last_used_at: row::time_or_none(r, 9)?,
        last_used_ip: row::parsed_or_none(r, 10, "key's address")?,
        revoked_at: row::time_or_none(r, 11)?,
    })
}

impl ReadTx<'_> {
    /// The key with this hash, revoked or not, in the environment that its text names.
    pub fn api_key_by_hash(
        &self,
        environment: Environment,
        hash: &Digest,
    ) -> Result<Option<ApiKey>, Error> {
        self.find(
            &format!("SELECT {COLUMNS} WHERE hash = ?1 AND environment = ?2"),
            params![hash.as_bytes(), environment.as_str()],
            key,
        )
    }

    /// The key with this id.
    pub fn api_key(&self, environment: Environment, id: KeyId) -> Result<Option<ApiKey>, Error> {
        self.find(
            &format!("SELECT {COLUMNS} WHERE id = ?1 AND environment = ?2"),
            params![id.to_string(), environment.as_str()],
            key,
        )
    }

    /// All keys of an environment, revoked ones too, newest first.
    pub fn api_keys(
        &self,
        environment: Environment,
        window: Window,
    ) -> Result<Page<ApiKey>, Error> {
        let items = self.all(
            &format!("SELECT {COLUMNS} WHERE environment = ?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3"),
            params![
                environment.as_str(),
                window.limit,
                row::signed(window.offset)
            ],
            key,
        )?;
        Ok(Page {
            items,
            total: self.counter(environment, COUNTER)?,
        })
    }
}

impl WriteTx<'_> {
    /// Keeps a new key. [`Error::LimitReached`] where the environment has [`limits::KEYS_MAX`] that are not revoked.
    pub fn insert_api_key(&self, key: &ApiKey, hash: &Digest) -> Result<(), Error> {
        let environment = key.environment;
        // Making a key is rare: one bounded count is cheaper than one more counter to keep right.
        let usable = self.find(
            "SELECT count(*) FROM (SELECT 1 FROM api_key WHERE environment = ?1 AND revoked_at IS NULL LIMIT ?2)",
            params![environment.as_str(), row::signed(limits::KEYS_MAX as u64)],
            |r| row::unsigned(r, 0),
        )?;
        if usable.unwrap_or(0) >= limits::KEYS_MAX as u64 {
            return Err(Error::LimitReached("API keys"));
        }
        self.insert(
            "API key",
            "INSERT INTO api_key (id, environment, name, hash, prefix, last4, scopes, requests_per_minute, burst, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                key.id.to_string(),
                environment.as_str(),
                key.name,
                hash.as_bytes(),
                key.prefix,
                key.last4,
                row::to_json(&key.scopes, "key's scopes")?,
                key.requests_per_minute,
                key.burst,
                key.created_at.as_millis(),
            ],
        )?;
        self.count(environment, COUNTER, 1)
    }

    /// From now on the key opens nothing. False where it was revoked before; [`Error::Missing`].
    pub fn revoke_api_key(&self, environment: Environment, id: KeyId) -> Result<bool, Error> {
        let revoked = self.run(
            "UPDATE api_key SET revoked_at = ?3 WHERE id = ?1 AND environment = ?2 AND revoked_at IS NULL",
            params![
                id.to_string(),
                environment.as_str(),
                self.now().as_millis()
            ],
        )?;
        if revoked == 0 && self.api_key(environment, id)?.is_none() {
            return Err(Error::Missing("API key"));
        }
        Ok(revoked == 1)
    }

    /// Notes when and from where the key was last used. Callers gather these: a flush for each request would cost more than the
    /// request.
    pub fn note_api_key_used(
        &self,
        id: KeyId,
        at: Timestamp,
        address: Option<IpAddr>,
    ) -> Result<(), Error> {
        self.run(
            "UPDATE api_key SET last_used_at = ?2, last_used_ip = ?3
             WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)",
            params![
                id.to_string(),
                at.as_millis(),
                address.map(|a| a.to_string())
            ],
        )?;
        Ok(())
    }
}
