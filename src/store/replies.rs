//! Replies kept for their Idempotency-Key, in the transaction of the effect itself.

use super::error::Error;
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::digest::Digest;
use crate::domain::ids::EnvelopeId;
use crate::domain::limits;
use rusqlite::params;

/// What was answered.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredReply {
    /// Of the request: method, path, query, body. Another request under the same key is refused by it.
    pub fingerprint: Digest,
    /// The HTTP status.
    pub status: u16,
    /// The body; encrypted by the caller where it carries a secret.
    pub body: Vec<u8>,
    /// Whether it is.
    pub is_sealed: bool,
    /// Whose data it shows: goes with that envelope's erasure.
    pub envelope: Option<EnvelopeId>,
}

impl std::fmt::Debug for StoredReply {
    /// Without the body: it may carry a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredReply")
            .field("fingerprint", &self.fingerprint)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl ReadTx<'_> {
    /// The reply under `scope`, the digest of key id, method, path and Idempotency-Key, if it is younger than
    /// [`limits::IDEMPOTENCY_TTL`].
    pub fn reply(&self, scope: &Digest) -> Result<Option<StoredReply>, Error> {
        self.find(
            "SELECT fingerprint, status, body, sealed, envelope_id FROM reply WHERE scope = ?1 AND expires_at > ?2",
            params![scope.as_bytes(), self.now().as_millis()],
            |r| {
                Ok(StoredReply {
                    fingerprint: row::digest(r, 0)?,
                    status: r.get(1)?,
                    body: r.get(2)?,
                    is_sealed: r.get(3)?,
                    envelope: row::parsed_or_none(r, 4, "envelope id")?,
                })
            },
        )
    }
}

impl WriteTx<'_> {
    /// Keeps the reply. [`Error::Duplicate`] where there is one already that has not expired: whoever came first wins, and all
    /// else of this transaction must be undone.
    pub fn insert_reply(&self, scope: &Digest, reply: &StoredReply) -> Result<(), Error> {
        let now = self.now();
        self.run(
            "DELETE FROM reply WHERE scope = ?1 AND expires_at <= ?2",
            params![scope.as_bytes(), now.as_millis()],
        )?;
        self.insert(
            "reply",
            "INSERT INTO reply (scope, fingerprint, status, sealed, body, envelope_id, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                scope.as_bytes(),
                reply.fingerprint.as_bytes(),
                reply.status,
                reply.is_sealed,
                reply.body,
                reply.envelope.map(|id| id.to_string()),
                now.plus(limits::IDEMPOTENCY_TTL).as_millis(),
            ],
        )
    }

    /// Deletes up to `limit` replies that have expired. Tells how many.
    pub fn forget_replies(&self, limit: u32) -> Result<usize, Error> {
        self.run(
            "DELETE FROM reply WHERE scope IN (SELECT scope FROM reply WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
            params![self.now().as_millis(), limit],
        )
    }
}
