//! The evidence: the timeline, the trail as JSON and as a sealed PDF, and the check that nothing was edited.

use super::access::{self, Caller};
use super::documents::{Outgoing, with_pdf_ending};
use super::envelopes::load;
use super::{App, Error};
use crate::domain::audit::{Chain, Entry, Replay};
use crate::domain::digest::Digest;
use crate::domain::envelope::{Envelope, State};
use crate::domain::environment::Environment;
use crate::domain::event::{Download, Downloadable};
use crate::domain::ids::EnvelopeId;
use crate::domain::scope::Scope;
use crate::store::ReadTx;
use serde_json::{Value, json};
use std::io::Cursor;

mod verify;

pub use verify::{AuditReport, Fault};

/// Entries read at a time.
const STEP: u32 = 500;
/// Entries of one envelope's chain that an answer carries, at most; a chain has a few for each recipient. A longer one is an
/// error, never cut.
const ENTRIES_MAX: usize = 100_000;

const NO_ENVELOPE: Error = Error::NotFound("envelope");

/// Where an export of the trail ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Through {
    /// Where the trail's PDF ends: of an ended envelope the stored one, of any other one made now.
    Trail,
    /// At the newest entry.
    Latest,
    /// At the entry of this sequence.
    Entry(u64),
}

impl App {
    /// The timeline of an envelope, oldest first.
    pub fn envelope_events(&self, caller: &Caller, id: &str) -> Result<Vec<Value>, Error> {
        self.store.read(|tx| {
            access::require(tx, caller, Scope::EnvelopesRead)?;
            let envelope = load(tx, caller.environment, id.parse().map_err(|_| NO_ENVELOPE)?)?;
            entries(tx, envelope.id)?
                .iter()
                .filter_map(|entry| entry.envelope_body().transpose())
                .map(|body| {
                    let body = body.map_err(Error::internal)?;
                    Ok(json!({
                        "sequence": body.seq,
                        "event": body.event.name(),
                        "timestamp": body.at,
                        "recipientId": body.event.recipient(),
                        "outcome": body.outcome,
                        "actor": body.origin.actor,
                        "ip": body.origin.address,
                    }))
                })
                .collect()
        })
    }

    /// The trail as JSON: the entries' own bytes with their salts and hashes, so that a stranger can check the chain. The same
    /// entries are always the same bytes: the export whose digest a trail prints can be had again for as long as the envelope
    /// is kept, whatever was added since.
    pub fn audit_trail_json(
        &self,
        caller: &Caller,
        id: &str,
        through: Through,
    ) -> Result<Outgoing, Error> {
        let id: EnvelopeId = id.parse().map_err(|_| NO_ENVELOPE)?;
        let envelope = self.store.read(|tx| {
            access::require(tx, caller, Scope::EnvelopesRead)?;
            load(tx, caller.environment, id)
        })?;
        expect_sent(&envelope)?;
        let last = match through {
            // Not made for this: entries can be told where nothing can be sealed.
            Through::Trail => {
                let kept = self
                    .store
                    .read(|tx| tx.trail(envelope.environment, id).map_err(Error::from))?;
                kept.map_or(envelope.version, |trail| trail.version)
            }
            Through::Latest => envelope.version,
            Through::Entry(last) if (1..=envelope.version).contains(&last) => last,
            Through::Entry(_) => return Err(Error::NotFound("entry in this audit trail")),
        };
        let kept = self.store.read(|tx| entries_through(tx, id, last))?;
        let export = trail_json(&envelope, &kept)?;
        Ok(Outgoing {
            name: format!("{id}-audit-trail.json"),
            media_type: "application/json",
            length: export.len() as u64,
            digest: Some(Digest::of(&export)),
            content: Box::new(Cursor::new(export)),
        })
    }

    /// The trail as PDF: once the envelope has ended one stored, sealed file, always the same bytes; before, made on demand.
    pub fn audit_trail(&self, caller: &Caller, id: &str) -> Result<Outgoing, Error> {
        let id: EnvelopeId = id.parse().map_err(|_| NO_ENVELOPE)?;
        let envelope = self.store.read(|tx| {
            access::require(tx, caller, Scope::EnvelopesRead)?;
            load(tx, caller.environment, id)
        })?;
        expect_sent(&envelope)?;
        let outgoing = self.trail_file(&envelope)?;
        let download = Download {
            what: Downloadable::AuditTrail,
            documents: Vec::new(),
        };
        self.note_downloaded(envelope.environment, id, download, &caller.origin)?;
        Ok(outgoing)
    }

    /// The trail's file for whoever may have it.
    pub(crate) fn trail_file(&self, envelope: &Envelope) -> Result<Outgoing, Error> {
        let environment = envelope.environment;
        let name = format!("{}-audit-trail.pdf", envelope.id);
        if envelope.state.has_ended() {
            let stored = self.stored_trail(envelope)?;
            let content = self.vault.reader(environment, &stored.sha256)?;
            return Ok(Outgoing {
                name,
                media_type: "application/pdf",
                length: content.len(),
                digest: Some(stored.sha256),
                content: Box::new(content),
            });
        }
        let interim = self.make_trail(envelope)?;
        Ok(Outgoing {
            name,
            media_type: "application/pdf",
            length: interim.len() as u64,
            digest: None,
            content: Box::new(Cursor::new(interim)),
        })
    }

    /// The sealed PDF, or all of them in a ZIP.
    pub fn signed_document(
        &self,
        caller: &Caller,
        id: &str,
        document: Option<&str>,
    ) -> Result<Outgoing, Error> {
        let id: EnvelopeId = id.parse().map_err(|_| NO_ENVELOPE)?;
        let envelope = self.store.read(|tx| {
            access::require(tx, caller, Scope::EnvelopesRead)?;
            load(tx, caller.environment, id)
        })?;
        let State::Completed { sealed } = &envelope.state else {
            return Err(Error::conflict(
                "not_completed",
                format!(
                    "The envelope is {}: the signed document exists once it is COMPLETED.",
                    envelope.status().map_or("gone", |s| s.as_str())
                ),
            ));
        };
        let chosen: Vec<_> = envelope
            .documents
            .iter()
            .zip(sealed)
            .filter(|(frozen, _)| document.is_none_or(|wanted| frozen.id.to_string() == wanted))
            .collect();
        let outgoing = match chosen.as_slice() {
            [] => return Err(Error::NotFound("document in this envelope")),
            [(frozen, sealed)] => {
                let content = self.vault.reader(envelope.environment, &sealed.sha256)?;
                Outgoing {
                    name: signed_name(&frozen.name),
                    media_type: "application/pdf",
                    length: content.len(),
                    digest: Some(sealed.sha256),
                    content: Box::new(content),
                }
            }
            several => {
                let files: Vec<_> = several
                    .iter()
                    .map(|(frozen, s)| (signed_name(&frozen.name), s.sha256))
                    .collect();
                self.zipped(&envelope, &files)?
            }
        };
        let documents = chosen.iter().map(|(frozen, _)| frozen.id).collect();
        let download = Download {
            what: Downloadable::Signed,
            documents,
        };
        self.note_downloaded(envelope.environment, id, download, &caller.origin)?;
        Ok(outgoing)
    }
}

/// Takes an envelope's chain entry by entry, up to the place `last`; however long it is, little of it is in memory at once.
pub(crate) fn each_entry(
    tx: &ReadTx<'_>,
    id: EnvelopeId,
    last: u64,
    mut take: impl FnMut(Entry) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut after = 0;
    while after < last {
        let step = tx.entries(Chain::Envelope(id), after, STEP)?;
        let Some(end) = step.last() else { break };
        after = end.seq;
        step.into_iter()
            .take_while(|entry| entry.seq <= last)
            .try_for_each(&mut take)?;
    }
    Ok(())
}

/// All entries of an envelope's chain.
fn entries(tx: &ReadTx<'_>, id: EnvelopeId) -> Result<Vec<Entry>, Error> {
    entries_through(tx, id, u64::MAX)
}

/// The entries of an envelope's chain up to the place `last`.
fn entries_through(tx: &ReadTx<'_>, id: EnvelopeId, last: u64) -> Result<Vec<Entry>, Error> {
    let mut all = Vec::new();
    each_entry(tx, id, last, |entry| keep(&mut all, entry))?;
    Ok(all)
}

/// Whoever is told of a trail is told of all of it, or of none.
fn keep(all: &mut Vec<Entry>, entry: Entry) -> Result<(), Error> {
    if all.len() == ENTRIES_MAX {
        return Err(Error::internal(format!(
            "the trail of {} has more than {ENTRIES_MAX} entries",
            entry.chain
        )));
    }
    all.push(entry);
    Ok(())
}

/// The entries that made `envelope` what it is, once they are known to: for what vouches for both.
///
/// # Errors
/// [`Error::Internal`] where the chain is broken or tells another envelope than the one in hand.
pub(crate) fn confirmed_entries(tx: &ReadTx<'_>, envelope: &Envelope) -> Result<Vec<Entry>, Error> {
    let mut all = Vec::new();
    confirm(tx, envelope, |entry| keep(&mut all, entry))?;
    Ok(all)
}

/// Replays the chain that made `envelope` and hands on its entries; what they tell must be the envelope in every part.
///
/// # Errors
/// [`Error::Internal`] where the chain is broken or tells another envelope than the one in hand.
pub(crate) fn confirm(
    tx: &ReadTx<'_>,
    envelope: &Envelope,
    mut take: impl FnMut(Entry) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut replay = Replay::of(envelope.id);
    each_entry(tx, envelope.id, envelope.version, |entry| {
        replay.take(&entry).map_err(Error::internal)?;
        take(entry)
    })?;
    replay.confirm(envelope).map_err(Error::internal)
}

fn expect_sent(envelope: &Envelope) -> Result<(), Error> {
    if envelope.sent_at.is_some() {
        return Ok(());
    }
    Err(Error::conflict(
        "not_sent",
        "The envelope is a draft: its audit trail begins when it is sent.",
    ))
}

/// The export's members in the order in which they are written: its bytes are hashed.
#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Export<'a> {
    format: &'static str,
    envelope_id: String,
    environment: Environment,
    head: Option<ExportHead>,
    entries: Vec<ExportEntry<'a>>,
}

#[derive(serde::Serialize)]
struct ExportHead {
    sequence: u64,
    hash: Digest,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct ExportEntry<'a> {
    sequence: u64,
    salt: Option<String>,
    body: Option<&'a str>,
    body_hash: Digest,
    hash: Digest,
}

/// The export: what is hashed is in it letter by letter (`body` is the hashed text itself). Sealed trails print the digest of
/// these bytes: their form is held by a test and never changes.
pub(crate) fn trail_json(envelope: &Envelope, entries: &[Entry]) -> Result<Vec<u8>, Error> {
    let head = entries.last().map(Entry::head);
    let export = Export {
        format: "paraph-audit-v1",
        envelope_id: envelope.id.to_string(),
        environment: envelope.environment,
        head: head.map(|head| ExportHead {
            sequence: head.seq,
            hash: head.hash,
        }),
        entries: entries
            .iter()
            .map(|entry| ExportEntry {
                sequence: entry.seq,
                salt: entry.content.as_ref().map(|c| hex::encode(c.salt)),
                body: entry.content.as_ref().map(|c| c.body.as_str()),
                body_hash: entry.body_hash,
                hash: entry.hash,
            })
            .collect(),
    };
    serde_json::to_vec_pretty(&export).map_err(Error::internal)
}

fn signed_name(name: &str) -> String {
    let name = with_pdf_ending(name);
    format!("{}-signed.pdf", name.strip_suffix(".pdf").unwrap_or(&name))
}

#[cfg(test)]
mod tests;
