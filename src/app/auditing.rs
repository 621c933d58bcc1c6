//! The evidence: the timeline, the trail as JSON and as a sealed PDF, and the check that nothing was edited.

use super::access::{self, Caller};
use super::documents::{Outgoing, with_pdf_ending};
use super::envelopes::load;
use super::{App, Error};
use crate::domain::audit::{Broken, Chain, Entry, Head, Replay, verify};
use crate::domain::digest::Digest;
use crate::domain::envelope::{Envelope, State};
use crate::domain::environment::Environment;
use crate::domain::event::{Download, Downloadable};
use crate::domain::ids::EnvelopeId;
use crate::domain::scope::Scope;
use crate::store::ReadTx;
use serde_json::{Value, json};
use std::io::Cursor;

/// Entries read at a time.
const STEP: u32 = 500;
/// Entries of one envelope's chain that an answer carries, at most; a chain has a few for each recipient.
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

/// What a walk through all chains found.
#[derive(Debug, Default)]
pub struct AuditReport {
    /// Chains that were walked.
    pub chains: u64,
    /// Entries in them.
    pub entries: u64,
    /// Files that were hashed again.
    pub files: u64,
    /// What does not hold: where, and why. At most a hundred.
    pub faults: Vec<(String, String)>,
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
            Through::Trail if envelope.state.has_ended() => self.stored_trail(&envelope)?.version,
            Through::Trail | Through::Latest => envelope.version,
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

    /// Walks every chain, replays what it tells, hashes every file again. Reads only, beside a running server.
    pub fn verify_all(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<AuditReport, Error> {
        let mut report = AuditReport::default();
        let total = self
            .store
            .read(|tx| tx.entries_total().map_err(Error::from))?;
        let mut after = None;
        loop {
            let chains = self
                .store
                .read(|tx| tx.chains(after, STEP).map_err(Error::from))?;
            let Some(last) = chains.last() else { break };
            after = Some(*last);
            for chain in chains {
                self.verify_chain(chain, &mut report)?;
                progress(report.entries, total);
            }
        }
        for environment in Environment::ALL {
            self.verify_rows(environment, &mut report)?;
            self.verify_files(environment, &mut report)?;
        }
        Ok(report)
    }

    /// Walks one chain.
    pub fn verify_chain(&self, chain: Chain, report: &mut AuditReport) -> Result<(), Error> {
        report.chains += 1;
        let mut walk = match chain {
            Chain::Envelope(id) => Walk::Envelope(Box::new(Replay::of(id))),
            Chain::System => Walk::System(Head::start(chain)),
        };
        let mut after = 0;
        loop {
            let entries = self
                .store
                .read(|tx| tx.entries(chain, after, STEP).map_err(Error::from))?;
            if entries.is_empty() {
                break;
            }
            for entry in &entries {
                after = entry.seq;
                report.entries += 1;
                if let Err(broken) = walk.take(entry) {
                    report.fault(format!("{chain} entry {}", entry.seq), broken.to_string());
                    return Ok(());
                }
            }
        }
        if let Walk::Envelope(replay) = walk {
            self.compare(chain, &replay, report)?;
        }
        Ok(())
    }

    fn compare(
        &self,
        chain: Chain,
        replay: &Replay,
        report: &mut AuditReport,
    ) -> Result<(), Error> {
        let Some(told) = replay.envelope() else {
            return Ok(());
        };
        let row = self
            .store
            .read(|tx| tx.envelope(told.environment, told.id).map_err(Error::from))?;
        match row {
            None => report.fault(
                chain.to_string(),
                "the trail tells of an envelope that is not stored".to_owned(),
            ),
            Some(row) if row != *told && row.version == told.version => {
                report.fault(
                    chain.to_string(),
                    "the stored envelope is not what the trail tells".to_owned(),
                );
            }
            Some(row) if row.version < told.version => {
                report.fault(
                    chain.to_string(),
                    "the trail tells more than the stored envelope".to_owned(),
                );
            }
            // A newer version was written while we walked.
            Some(_) => {}
        }
        Ok(())
    }

    fn verify_rows(&self, environment: Environment, report: &mut AuditReport) -> Result<(), Error> {
        let mut after = None;
        loop {
            let envelopes = self.store.read(|tx| {
                tx.envelopes_after(environment, after, STEP)
                    .map_err(Error::from)
            })?;
            let Some(last) = envelopes.last() else {
                return Ok(());
            };
            after = Some(last.id);
            for envelope in &envelopes {
                let head = self
                    .store
                    .read(|tx| tx.head(Chain::Envelope(envelope.id)).map_err(Error::from))?;
                if head.seq < envelope.version {
                    report.fault(
                        envelope.id.to_string(),
                        format!(
                            "its chain ends at {} of {} entries",
                            head.seq, envelope.version
                        ),
                    );
                }
            }
        }
    }

    fn verify_files(
        &self,
        environment: Environment,
        report: &mut AuditReport,
    ) -> Result<(), Error> {
        let mut after = None;
        loop {
            let digests = self.store.read(|tx| {
                tx.named_files(environment, after.as_ref(), STEP)
                    .map_err(Error::from)
            })?;
            let Some(last) = digests.last() else {
                return Ok(());
            };
            after = Some(*last);
            for digest in &digests {
                report.files += 1;
                if let Err(error) = self.vault.open_checked(environment, digest) {
                    report.fault(format!("file {digest}"), error.to_string());
                }
            }
        }
    }
}

enum Walk {
    Envelope(Box<Replay>),
    System(Head),
}

impl Walk {
    fn take(&mut self, entry: &Entry) -> Result<(), Broken> {
        match self {
            Self::Envelope(replay) => replay.take(entry),
            Self::System(head) => {
                *head = verify(head, entry)?;
                entry.system_body().map(drop)
            }
        }
    }
}

impl AuditReport {
    fn fault(&mut self, at: String, why: String) {
        if self.faults.len() < 100 {
            self.faults.push((at, why));
        }
    }
}

/// All entries of an envelope's chain.
pub(crate) fn entries(tx: &ReadTx<'_>, id: EnvelopeId) -> Result<Vec<Entry>, Error> {
    let mut all = Vec::new();
    while all.len() < ENTRIES_MAX {
        let after = all.last().map_or(0, |entry: &Entry| entry.seq);
        let step = tx.entries(Chain::Envelope(id), after, STEP)?;
        if step.is_empty() {
            break;
        }
        all.extend(step);
    }
    Ok(all)
}

/// The entries of an envelope's chain up to `last`, which is in it.
pub(crate) fn entries_through(
    tx: &ReadTx<'_>,
    id: EnvelopeId,
    last: u64,
) -> Result<Vec<Entry>, Error> {
    let mut kept = entries(tx, id)?;
    kept.retain(|entry| entry.seq <= last);
    Ok(kept)
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

/// The export: what is hashed is in it letter by letter (`body` is the hashed text itself). Sealed trails print the digest of
/// these bytes: their form is held by a test and never changes.
pub(crate) fn trail_json(envelope: &Envelope, entries: &[Entry]) -> Result<Vec<u8>, Error> {
    let head = entries.last().map(Entry::head);
    let export = json!({
        "format": "paraph-audit-v1",
        "envelopeId": envelope.id,
        "environment": envelope.environment,
        "head": head.as_ref().map(|head| json!({"sequence": head.seq, "hash": head.hash})),
        "entries": entries.iter().map(|entry| json!({
            "sequence": entry.seq,
            "salt": entry.content.as_ref().map(|c| hex::encode(c.salt)),
            "body": entry.content.as_ref().map(|c| &c.body),
            "bodyHash": entry.body_hash,
            "hash": entry.hash,
        })).collect::<Vec<_>>(),
    });
    serde_json::to_vec_pretty(&export).map_err(Error::internal)
}

fn signed_name(name: &str) -> String {
    let name = with_pdf_ending(name);
    format!("{}-signed.pdf", name.strip_suffix(".pdf").unwrap_or(&name))
}

#[cfg(test)]
mod tests;
