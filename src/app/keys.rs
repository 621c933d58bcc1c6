//! API keys: made, listed, revoked. The key itself is shown once and kept as an HMAC.

use super::access::{self, Caller};
use super::idempotency::{Claim, remember};
use super::{App, Error};
use crate::domain::environment::Environment;
use crate::domain::event::SystemEvent;
use crate::domain::ids::KeyId;
use crate::domain::limits;
use crate::domain::origin::Origin;
use crate::domain::problem::{Faults, Members, Problem};
use crate::domain::scope::{Scope, Scopes};
use crate::domain::secret::ApiKey;
pub use crate::store::ApiKey as Key;
use crate::store::{Window, WriteTx};
use serde_json::Value;

/// A key as it is shown once.
pub struct NewKey {
    /// What the list shows of it.
    pub key: Key,
    /// The key.
    pub secret: String,
}

const NO_KEY: Error = Error::NotFound("API key");

impl App {
    /// Makes a key of the caller's environment, with no scope that the caller lacks.
    pub fn create_key(
        &self,
        caller: &Caller,
        body: &Value,
        claim: Option<Claim>,
        view: impl FnOnce(&NewKey) -> Vec<u8> + Send + 'static,
    ) -> Result<Vec<u8>, Error> {
        let (name, scopes) = read(body)?;
        let secret = ApiKey::generate(caller.environment, &mut |bytes| self.entropy.fill(bytes));
        let hash = self.keyring.api_key_fingerprint(&secret);
        let caller = caller.clone();
        self.store.write(move |tx| {
            access::require(tx, &caller, Scope::KeysWrite)?;
            let own = tx
                .api_key(caller.environment, caller.key)?
                .ok_or(Error::Unauthorized)?
                .scopes;
            let scopes = scopes
                .unwrap_or_else(|| Scopes::usual().iter().filter(|s| own.allow(*s)).collect());
            if let Some(scope) = own.lacking(&scopes).first() {
                return Err(Error::Lacks(*scope));
            }
            let new = insert(
                tx,
                caller.environment,
                name,
                scopes,
                &secret,
                &hash,
                &caller.origin,
            )?;
            let body = view(&new);
            remember(claim.as_ref(), tx, 201, &body, true)?;
            Ok(body)
        })
    }

    /// Makes a key for an administrator or at the command line.
    pub fn create_key_for(
        &self,
        environment: Environment,
        name: &str,
        scopes: Option<Scopes>,
        origin: &Origin,
    ) -> Result<NewKey, Error> {
        let name = key_name(name)?;
        let secret = ApiKey::generate(environment, &mut |bytes| self.entropy.fill(bytes));
        let hash = self.keyring.api_key_fingerprint(&secret);
        let (origin, scopes) = (origin.clone(), scopes.unwrap_or_else(Scopes::usual));
        self.store
            .write(move |tx| insert(tx, environment, name, scopes, &secret, &hash, &origin))
    }

    /// A page of keys, newest first, and how many there are.
    pub fn list_keys(
        &self,
        caller: &Caller,
        page: u32,
        size: u32,
    ) -> Result<(Vec<Key>, u64), Error> {
        self.store.read(|tx| {
            access::require(tx, caller, Scope::KeysRead)?;
            let page = tx.api_keys(caller.environment, Window::page(page, size))?;
            Ok((page.items, page.total))
        })
    }

    /// A page of an environment's keys, newest first, and how many there are: for administrators.
    pub fn keys_of(
        &self,
        environment: Environment,
        page: u32,
        size: u32,
    ) -> Result<(Vec<Key>, u64), Error> {
        self.store.read(|tx| {
            let page = tx.api_keys(environment, Window::page(page, size))?;
            Ok((page.items, page.total))
        })
    }

    /// One key, for administrators.
    pub fn key_of(&self, environment: Environment, id: &str) -> Result<Key, Error> {
        let id: KeyId = id.parse().map_err(|_| NO_KEY)?;
        self.store
            .read(|tx| tx.api_key(environment, id)?.ok_or(NO_KEY))
    }

    /// Revokes a key; the next request with it is refused.
    pub fn revoke_key(&self, caller: &Caller, id: &str) -> Result<(), Error> {
        let id: KeyId = id.parse().map_err(|_| NO_KEY)?;
        let caller = caller.clone();
        self.store.write(move |tx| {
            access::require(tx, &caller, Scope::KeysWrite)?;
            revoke(tx, caller.environment, id, &caller.origin)
        })
    }

    /// Revokes a key for an administrator or at the command line.
    pub fn revoke_key_for(
        &self,
        environment: Environment,
        id: &str,
        origin: &Origin,
    ) -> Result<(), Error> {
        let id: KeyId = id.parse().map_err(|_| NO_KEY)?;
        let origin = origin.clone();
        self.store
            .write(move |tx| revoke(tx, environment, id, &origin))
    }
}

fn insert(
    tx: &WriteTx<'_>,
    environment: Environment,
    name: String,
    scopes: Scopes,
    secret: &ApiKey,
    hash: &crate::domain::digest::Digest,
    origin: &Origin,
) -> Result<NewKey, Error> {
    let key = Key {
        id: tx.new_id(KeyId::new),
        environment,
        name,
        prefix: secret.shown_prefix().to_owned(),
        last4: secret.last4().to_owned(),
        scopes,
        requests_per_minute: None,
        burst: None,
        created_at: tx.now(),
        last_used_at: None,
        last_used_ip: None,
        revoked_at: None,
    };
    tx.insert_api_key(&key, hash)?;
    let event = SystemEvent::KeyCreated {
        id: key.id,
        environment,
        key_name: key.name.clone(),
        scopes: key.scopes.iter().collect(),
    };
    tx.record_system(&event, origin)?;
    Ok(NewKey {
        key,
        secret: secret.expose().to_owned(),
    })
}

fn revoke(
    tx: &WriteTx<'_>,
    environment: Environment,
    id: KeyId,
    origin: &Origin,
) -> Result<(), Error> {
    tx.api_key(environment, id)?.ok_or(NO_KEY)?;
    // Revoking twice is once.
    if tx.revoke_api_key(environment, id)? {
        tx.record_system(&SystemEvent::KeyRevoked { id, environment }, origin)?;
    }
    Ok(())
}

/// The body of POST /keys: a name and, if not the usual ones, the scopes.
fn read(body: &Value) -> Result<(String, Option<Scopes>), Error> {
    let faults = Faults::new();
    let meant = Members::of(body.clone(), "", &faults).map(|mut m| {
        let name = m.line("name", limits::KEY_NAME_CHARS_MAX);
        let name = m.require("name", name);
        for waiting in ["expiresAt", "allowedNetworks"] {
            if m.take(waiting).is_some() {
                m.not_available(waiting, None);
            }
        }
        let scopes = m
            .list("scopes", Scope::ALL.len() + Scope::WAITING.len())
            .map(|items| {
                let mut scopes = Vec::with_capacity(items.len());
                for (pointer, item) in items {
                    match item.as_str().map(str::parse::<Scope>) {
                        Some(Ok(scope)) => scopes.push(scope),
                        _ if item.as_str().is_some_and(|s| Scope::WAITING.contains(&s)) => faults
                            .add(
                                pointer,
                                crate::domain::problem::NOT_AVAILABLE,
                                format!("The scope {item} is not available in this version."),
                            ),
                        _ => {
                            faults.add(pointer, "invalid_value", format!("{item} is not a scope."))
                        }
                    }
                }
                scopes.into_iter().collect::<Scopes>()
            });
        m.finish();
        (name, scopes)
    });
    let (name, scopes) = faults.or(meant).map_err(Error::Invalid)?;
    Ok((
        name.ok_or_else(|| {
            Error::Invalid(vec![Problem::new(
                "/name",
                "required",
                "`name` is missing.",
            )])
        })?,
        scopes,
    ))
}

fn key_name(name: &str) -> Result<String, Error> {
    crate::domain::text::line(name, limits::KEY_NAME_CHARS_MAX)
        .map_err(|fault| Error::invalid("/name", "invalid_name", format!("`name` {fault}.")))
}
