//! The same request twice has one effect: the reply is stored in the transaction of the effect, and given again.
//!
//! Calls that are still running are known in memory only: after a crash the repeated call just runs.

use super::{App, Error};
use crate::domain::digest::{Digest, Hasher};
use crate::domain::ids::KeyId;
use crate::store::WriteTx;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// A request that carries an Idempotency-Key.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whose key space it is.
    pub caller: KeyId,
    /// Method and path.
    pub path: String,
    /// The Idempotency-Key.
    pub key: String,
    /// What tells this request from others.
    pub fingerprint: Digest,
}

/// A reply as it was given the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReply {
    /// HTTP status.
    pub status: u16,
    /// The body's bytes.
    pub body: Vec<u8>,
}

/// What [`App::begin_once`] found.
pub enum Begun {
    /// Nobody asked before: go on, and remember the reply through this.
    First(Claim),
    /// Answered before.
    Again(StoredReply),
}

/// Calls under way, by scope.
pub(crate) type Running = Arc<Mutex<HashSet<Digest>>>;

/// The right to carry out a request that carries an Idempotency-Key; held until its last copy is gone.
#[derive(Clone)]
pub struct Claim(Arc<Held>);

struct Held {
    scope: Digest,
    fingerprint: Digest,
    /// Under which the reply is encrypted where it carries a secret.
    seal: crate::domain::secret::Key,
    nonce: [u8; 12],
    running: Running,
}

impl Claim {
    /// Stores the reply, in the transaction of the effect. `secret`: encrypted, under a key that needs the Idempotency-Key.
    pub fn remember(
        &self,
        tx: &WriteTx<'_>,
        status: u16,
        body: &[u8],
        secret: bool,
    ) -> Result<(), Error> {
        let held = &self.0;
        let stored = if secret {
            held.seal.seal(held.nonce, held.scope.as_bytes(), body)
        } else {
            body.to_vec()
        };
        let reply = crate::store::StoredReply {
            fingerprint: held.fingerprint,
            status,
            body: stored,
            is_sealed: secret,
            envelope: None,
        };
        tx.insert_reply(&held.scope, &reply)?;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.scope);
    }
}

/// Remembers the reply if there is a claim.
pub fn remember(
    claim: Option<&Claim>,
    tx: &WriteTx<'_>,
    status: u16,
    body: &[u8],
    secret: bool,
) -> Result<(), Error> {
    claim.map_or(Ok(()), |claim| claim.remember(tx, status, body, secret))
}

impl App {
    /// Stores a refusal: the same request again is refused with the same words, and another one is refused for its key.
    pub fn remember_refusal(&self, claim: Claim, status: u16, body: Vec<u8>) -> Result<(), Error> {
        self.store
            .write(move |tx| claim.remember(tx, status, &body, false))
    }

    /// Looks whether this request was answered before, and if not, reserves it.
    pub fn begin_once(&self, asked: Asked) -> Result<Begun, Error> {
        let mut scope = Hasher::new();
        for part in [asked.caller.to_string().as_str(), &asked.path, &asked.key] {
            scope.update(&(part.len() as u64).to_be_bytes());
            scope.update(part.as_bytes());
        }
        let scope = scope.finish();
        let seal = self.keyring.reply(&asked.key, asked.caller);
        if !self
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(scope)
        {
            return Err(Error::IdempotencyRunning);
        }
        let held = Held {
            scope,
            fingerprint: asked.fingerprint,
            seal,
            nonce: self.random(),
            running: self.running.clone(),
        };
        let Some(found) = self
            .store
            .read(|tx| tx.reply(&scope).map_err(Error::from))?
        else {
            return Ok(Begun::First(Claim(Arc::new(held))));
        };
        if found.fingerprint != asked.fingerprint {
            return Err(Error::IdempotencyReused);
        }
        let body = if found.is_sealed {
            held.seal
                .open(scope.as_bytes(), &found.body)
                .map_err(Error::internal)?
                .to_vec()
        } else {
            found.body
        };
        Ok(Begun::Again(StoredReply {
            status: found.status,
            body,
        }))
    }
}
