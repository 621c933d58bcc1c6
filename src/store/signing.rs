//! What belongs to recipients between the invitation and the signature: links, sessions, drafts. Tokens are stored hashed.

use super::error::Error;
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::digest::Digest;
use crate::domain::envelope::{Envelope, Mark};
use crate::domain::environment::Environment;
use crate::domain::field::Filled;
use crate::domain::ids::{DocumentId, EnvelopeId, RecipientId, SessionId};
use crate::domain::limits;
use crate::domain::time::Timestamp;
use rusqlite::params;
use std::net::IpAddr;
use std::time::Duration;

/// Whom a link leads to. Whether it still opens anything is for the caller to see: the recipient may have a newer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkTarget {
    /// In which world.
    pub environment: Environment,
    /// To which envelope.
    pub envelope: EnvelopeId,
    /// Whose it is.
    pub recipient: RecipientId,
    /// Which of that recipient's links.
    pub generation: u32,
}

/// A browser in which a recipient opened the documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningSession {
    /// Its id, for the trail; not what the cookie holds.
    pub id: SessionId,
    /// In which world.
    pub environment: Environment,
    /// Of which envelope.
    pub envelope: EnvelopeId,
    /// Whose.
    pub recipient: RecipientId,
    /// By which of the recipient's links.
    pub generation: u32,
    /// When it was opened.
    pub created_at: Timestamp,
    /// The last request.
    pub seen_at: Timestamp,
    /// The documents that it was shown.
    pub served: Vec<DocumentId>,
}

/// What a signer has typed and drawn so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// Fields that were filled.
    pub filled: Vec<Filled>,
    /// The adopted signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Mark>,
    /// The adopted initials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initials: Option<Mark>,
}

impl ReadTx<'_> {
    /// Whose link has this token, by the token's SHA-256.
    pub fn link(&self, token_hash: &Digest) -> Result<Option<LinkTarget>, Error> {
        self.find(
            "SELECT r.environment, r.envelope_id, r.id, l.generation FROM link l JOIN recipient r ON r.id = l.recipient_id
             WHERE l.token_hash = ?1",
            [token_hash.as_bytes()],
            |r| {
                Ok(LinkTarget {
                    environment: row::environment(r, 0)?,
                    envelope: row::parsed(r, 1, "envelope id")?,
                    recipient: row::parsed(r, 2, "recipient id")?,
                    generation: r.get(3)?,
                })
            },
        )
    }

    /// The session of this cookie, if it is `recipient`'s and neither idle for `idle` nor older than `ttl`.
    pub fn signing_session(
        &self,
        token_hash: &Digest,
        recipient: RecipientId,
        idle: Duration,
        ttl: Duration,
    ) -> Result<Option<SigningSession>, Error> {
        let now = self.now();
        self.find(
            "SELECT s.id, r.environment, r.envelope_id, r.id, s.generation, s.created_at, s.seen_at, s.served
             FROM signing_session s JOIN recipient r ON r.id = s.recipient_id
             WHERE s.token_hash = ?1 AND s.recipient_id = ?2 AND s.seen_at > ?3 AND s.created_at > ?4",
            params![
                token_hash.as_bytes(),
                recipient.to_string(),
                now.minus(idle).as_millis(),
                now.minus(ttl).as_millis()
            ],
            |r| {
                Ok(SigningSession {
                    id: row::parsed(r, 0, "session id")?,
                    environment: row::environment(r, 1)?,
                    envelope: row::parsed(r, 2, "envelope id")?,
                    recipient: row::parsed(r, 3, "recipient id")?,
                    generation: r.get(4)?,
                    created_at: row::time(r, 5)?,
                    seen_at: row::time(r, 6)?,
                    served: row::json(r, 7, "session's documents")?,
                })
            },
        )
    }

    /// What the recipient has typed and drawn so far; empty where nothing.
    pub fn draft(&self, recipient: RecipientId) -> Result<Draft, Error> {
        let draft = self.find(
            "SELECT body FROM draft WHERE recipient_id = ?1",
            [recipient.to_string()],
            |r| row::json(r, 0, "draft"),
        )?;
        Ok(draft.unwrap_or_default())
    }
}

impl WriteTx<'_> {
    /// Keeps the hash of a recipient's link, for each of an envelope's recipients: `token_hash` computes it from recipient and
    /// generation. Links that are known stay.
    pub fn put_links(
        &self,
        envelope: &Envelope,
        token_hash: impl Fn(RecipientId, u32) -> Digest,
    ) -> Result<(), Error> {
        for recipient in &envelope.definition.recipients {
            self.run(
                "INSERT INTO link (token_hash, recipient_id, generation, created_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO NOTHING",
                params![
                    token_hash(recipient.id, recipient.generation).as_bytes(),
                    recipient.id.to_string(),
                    recipient.generation,
                    self.now().as_millis(),
                ],
            )?;
        }
        Ok(())
    }

    /// Whether a fetch of the recipient's link from `address` is worth a note in the trail: not within
    /// [`limits::LINK_FETCHED_NOTE_EVERY`] of the last from there, and not beyond [`limits::LINK_FETCHED_NOTES_MAX`] in all. Counts
    /// it if so.
    pub fn count_link_fetch(
        &self,
        recipient: RecipientId,
        address: Option<IpAddr>,
    ) -> Result<bool, Error> {
        let recipient = recipient.to_string();
        let address = address.map(|a| a.to_string()).unwrap_or_default();
        let now = self.now();
        // At most as many rows as there are notes.
        let notes = self.find(
            "SELECT ifnull(sum(n), 0) FROM link_fetch WHERE recipient_id = ?1",
            [&recipient],
            |r| row::unsigned(r, 0),
        )?;
        if notes.unwrap_or(0) >= u64::from(limits::LINK_FETCHED_NOTES_MAX) {
            return Ok(false);
        }
        let counted = self.run(
            "INSERT INTO link_fetch (recipient_id, address, n, noted_at) VALUES (?1, ?2, 1, ?3)
             ON CONFLICT (recipient_id, address) DO UPDATE SET n = n + 1, noted_at = excluded.noted_at WHERE noted_at <= ?4",
            params![
                recipient,
                address,
                now.as_millis(),
                now.minus(limits::LINK_FETCHED_NOTE_EVERY).as_millis()
            ],
        )?;
        Ok(counted == 1)
    }

    /// Opens a session. Only the recipient's newest 20 stay.
    pub fn insert_signing_session(
        &self,
        token_hash: &Digest,
        session: &SigningSession,
    ) -> Result<(), Error> {
        let recipient = session.recipient.to_string();
        self.insert(
            "session",
            "INSERT INTO signing_session (token_hash, id, recipient_id, generation, created_at, seen_at, served)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                token_hash.as_bytes(),
                session.id.to_string(),
                recipient,
                session.generation,
                session.created_at.as_millis(),
                session.seen_at.as_millis(),
                row::to_json(&session.served, "session's documents")?,
            ],
        )?;
        self.run(
            "DELETE FROM signing_session WHERE token_hash IN (
                 SELECT token_hash FROM signing_session WHERE recipient_id = ?1
                 ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET 20)",
            [recipient],
        )?;
        Ok(())
    }

    /// The session was used now.
    pub fn touch_signing_session(&self, token_hash: &Digest) -> Result<(), Error> {
        self.run(
            "UPDATE signing_session SET seen_at = ?2 WHERE token_hash = ?1",
            params![token_hash.as_bytes(), self.now().as_millis()],
        )?;
        Ok(())
    }

    /// The session was shown the document. True where that is new to it.
    pub fn note_served(&self, token_hash: &Digest, document: DocumentId) -> Result<bool, Error> {
        let served = self.find(
            "SELECT served FROM signing_session WHERE token_hash = ?1",
            [token_hash.as_bytes()],
            |r| row::json::<Vec<DocumentId>>(r, 0, "session's documents"),
        )?;
        let Some(mut served) = served else {
            return Err(Error::Missing("session"));
        };
        if served.contains(&document) {
            return Ok(false);
        }
        served.push(document);
        self.run(
            "UPDATE signing_session SET served = ?2 WHERE token_hash = ?1",
            params![
                token_hash.as_bytes(),
                row::to_json(&served, "session's documents")?
            ],
        )?;
        Ok(true)
    }

    /// Keeps what the recipient has typed and drawn so far, in the place of what was kept before, and names the files of its marks.
    /// Of the names before only those of the draft before go.
    pub fn put_draft(
        &self,
        environment: Environment,
        recipient: RecipientId,
        draft: &Draft,
    ) -> Result<(), Error> {
        let owner = recipient.to_string();
        let before = self.draft(recipient)?;
        self.run(
            "INSERT INTO draft (recipient_id, body, updated_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (recipient_id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at",
            params![
                owner,
                row::to_json(draft, "draft")?,
                self.now().as_millis()
            ],
        )?;
        let marks = |draft: &Draft| {
            [draft.signature.as_ref(), draft.initials.as_ref()]
                .into_iter()
                .flatten()
                .filter_map(Mark::file)
                .collect::<Vec<_>>()
        };
        let files = marks(draft);
        for digest in &files {
            self.name_file(environment, digest, &owner)?;
        }
        for digest in marks(&before) {
            if !files.contains(&digest) {
                self.release_file(environment, &digest, &owner)?;
            }
        }
        Ok(())
    }

    /// Forgets what the recipient has typed and drawn.
    pub fn delete_draft(
        &self,
        environment: Environment,
        recipient: RecipientId,
    ) -> Result<(), Error> {
        let owner = recipient.to_string();
        self.run("DELETE FROM draft WHERE recipient_id = ?1", [&owner])?;
        self.release_files(environment, &owner)
    }

    /// Keeps a text of consent under its digest: evidence refers to it. A text that is known stays.
    pub fn put_consent_text(&self, locale: &str, text: &str) -> Result<Digest, Error> {
        let digest = Digest::of(text.as_bytes());
        self.run(
            "INSERT INTO consent_text (digest, locale, body, created_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            params![digest.as_bytes(), locale, text, self.now().as_millis()],
        )?;
        Ok(digest)
    }

    /// Deletes up to `limit` sessions older than `ttl`. Tells how many.
    pub fn forget_signing_sessions(&self, ttl: Duration, limit: u32) -> Result<usize, Error> {
        self.run(
            "DELETE FROM signing_session WHERE token_hash IN (
                 SELECT token_hash FROM signing_session WHERE created_at <= ?1 ORDER BY created_at LIMIT ?2)",
            params![self.now().minus(ttl).as_millis(), limit],
        )
    }
}

impl ReadTx<'_> {
    /// The text of consent with this digest.
    pub fn consent_text(&self, digest: &Digest) -> Result<Option<String>, Error> {
        self.find(
            "SELECT body FROM consent_text WHERE digest = ?1",
            [digest.as_bytes()],
            |r| Ok(r.get(0)?),
        )
    }
}
