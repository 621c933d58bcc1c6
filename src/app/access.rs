//! Who may what. A key is looked up when the request comes, and its right is judged again in the transaction that it authorises.

use super::{App, Error};
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::ids::KeyId;
use crate::domain::origin::{Actor, Factor, Origin};
use crate::domain::scope::{Scope, Scopes};
use crate::domain::secret::ApiKey;
use crate::store::ReadTx;
use std::sync::PoisonError;

/// A program with a valid API key.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Which key.
    pub key: KeyId,
    /// Which world it sees.
    pub environment: Environment,
    /// Where from; the key as actor.
    pub origin: Origin,
}

impl App {
    /// Looks the key up: the caller, and what it may do at this moment. `None`: there is no such key, or it is revoked.
    pub fn authenticate(
        &self,
        key: &ApiKey,
        origin: &Origin,
    ) -> Result<Option<(Caller, Scopes)>, Error> {
        let hash = self.keyring.api_key_fingerprint(key);
        let found = self
            .store
            .read(|tx| find(tx, key.environment(), &hash, origin));
        self.note_use(&found);
        found
    }

    fn note_use(&self, found: &Result<Option<(Caller, Scopes)>, Error>) {
        if let Ok(Some((caller, _))) = found {
            let mut uses = self.key_uses.lock().unwrap_or_else(PoisonError::into_inner);
            uses.insert(caller.key, (self.now(), caller.origin.address));
        }
    }

    /// Like [`App::authenticate`] where a reader is free at once; `None` where it is not.
    pub fn try_authenticate(
        &self,
        key: &ApiKey,
        origin: &Origin,
    ) -> Option<Result<Option<(Caller, Scopes)>, Error>> {
        let hash = self.keyring.api_key_fingerprint(key);
        let found = self
            .store
            .try_read(|tx| find(tx, key.environment(), &hash, origin))
            .ok()?;
        self.note_use(&found);
        Some(found)
    }

    /// Whether the caller has the scope right now: before what is slow and needs no transaction.
    pub(crate) fn expect_scope(&self, caller: &Caller, scope: Scope) -> Result<(), Error> {
        self.store.read(|tx| require(tx, caller, scope))
    }
}

fn find(
    tx: &ReadTx<'_>,
    environment: Environment,
    hash: &Digest,
    origin: &Origin,
) -> Result<Option<(Caller, Scopes)>, Error> {
    let Some(key) = tx
        .api_key_by_hash(environment, hash)?
        .filter(|key| key.revoked_at.is_none())
    else {
        return Ok(None);
    };
    let actor = Actor::ApiKey {
        id: key.id,
        name: key.name,
    };
    let caller = Caller {
        key: key.id,
        environment: key.environment,
        origin: Origin {
            actor,
            factor: Factor::ApiKey,
            ..origin.clone()
        },
    };
    Ok(Some((caller, key.scopes)))
}

/// In the transaction at hand: the key is not revoked and has the scope.
pub fn require(tx: &ReadTx<'_>, caller: &Caller, scope: Scope) -> Result<(), Error> {
    let key = tx
        .api_key(caller.environment, caller.key)?
        .filter(|key| key.revoked_at.is_none());
    match key {
        None => Err(Error::Unauthorized),
        Some(key) if key.scopes.allow(scope) => Ok(()),
        Some(_) => Err(Error::Lacks(scope)),
    }
}
