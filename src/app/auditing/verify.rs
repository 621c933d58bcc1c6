//! The check that nothing of the evidence was edited: the chains, the rows that they made, the files that they name.
//!
//! It reads only, and may run beside a server: what belongs together is read in one moment, so a difference is never merely the
//! next change on its way. What can't be read back is a fault like any other; the walk goes on behind it.

use super::STEP;
use crate::app::{App, Error};
use crate::domain::audit::{Broken, Chain, Entry, Head, Replay, verify};
use crate::domain::digest::Digest;
use crate::domain::envelope::{Envelope, Mark, State};
use crate::domain::environment::Environment;
use crate::domain::event::{KeptTrail, SystemEvent};
use crate::domain::ids::EnvelopeId;
use crate::store::{self, ReadTx};
use crate::vault;

/// Faults that a report tells one by one; the rest is counted.
const FAULTS_MAX: usize = 100;

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: a chain and its entry, a file, a row.
    pub at: String,
    /// What is wrong there.
    pub why: String,
}

/// What a walk through chains found.
#[derive(Debug, Default)]
pub struct AuditReport {
    /// Chains that were walked.
    pub chains: u64,
    /// Entries in them.
    pub entries: u64,
    /// Files that were hashed again.
    pub files: u64,
    /// What does not hold: the first hundred.
    pub faults: Vec<Fault>,
    /// Faults beyond those.
    pub faults_untold: u64,
}

impl AuditReport {
    /// Whether everything holds.
    pub const fn is_whole(&self) -> bool {
        self.faults.is_empty()
    }

    fn fault(&mut self, at: impl ToString, why: impl ToString) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault {
                at: at.to_string(),
                why: why.to_string(),
            });
        } else {
            self.faults_untold += 1;
        }
    }

    /// What can't be read back is a fault; a database that is merely busy is no finding.
    fn judge<T>(
        &mut self,
        at: impl ToString,
        read: Result<T, store::Error>,
    ) -> Result<Option<T>, Error> {
        match read {
            Ok(read) => Ok(Some(read)),
            Err(store::Error::Unavailable) => Err(Error::Unavailable),
            Err(error) => {
                let cause = std::error::Error::source(&error)
                    .map_or_else(String::new, |cause| format!(": {cause}"));
                self.fault(at, format!("{error}{cause}"));
                Ok(None)
            }
        }
    }
}

impl App {
    /// Walks every chain, replays what it tells and compares it with what is stored, hashes every file again.
    pub fn verify_all(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<AuditReport, Error> {
        let mut report = AuditReport::default();
        let total = self
            .store
            .read(|tx| tx.entries_total().map_err(Error::from))?;
        // There is one from the first start on, whatever the list says.
        self.walk(Chain::System, &mut report)?;
        progress(report.entries, total);
        let mut after = String::new();
        loop {
            let names = self.store.read(|tx| tx.chain_names(&after, STEP));
            let Some(names) = report.judge("the list of chains", names)? else {
                break;
            };
            let Some(last) = names.last() else { break };
            after.clone_from(last);
            for name in names {
                match name.parse() {
                    Ok(Chain::System) => {}
                    Ok(chain) => drop(self.walk(chain, &mut report)?),
                    Err(error) => report.fault(format!("chain {name}"), error),
                }
                progress(report.entries, total);
            }
        }
        let counted = self.store.read(|tx| tx.entries_counted());
        if let Some((counted, numbered)) = report.judge("the list of entries", counted)?
            && counted != numbered
        {
            report.fault(
                "the list of entries",
                format!("{counted} are there, numbered up to {numbered}"),
            );
        }
        for environment in Environment::ALL {
            self.verify_untold(environment, &mut report)?;
            self.verify_files(environment, &mut report)?;
        }
        Ok(report)
    }

    /// Walks one chain, and hashes the files that it names.
    pub fn verify_chain(&self, chain: Chain) -> Result<AuditReport, Error> {
        let mut report = AuditReport::default();
        if let Some((environment, files)) = self.walk(chain, &mut report)? {
            for digest in files {
                self.verify_file(environment, &digest, &mut report)?;
            }
        }
        Ok(report)
    }

    /// Walks one chain and compares the rows that it made. Gives the files that it names, where it could be replayed.
    fn walk(
        &self,
        chain: Chain,
        report: &mut AuditReport,
    ) -> Result<Option<(Environment, Vec<Digest>)>, Error> {
        report.chains += 1;
        let mut walk = match chain {
            Chain::Envelope(id) => Walk::Envelope(Box::new(Replay::of(id))),
            Chain::System => Walk::System(System::new()),
        };
        loop {
            match self.store.read(|tx| walk.step(tx, chain, report))? {
                Step::More => {}
                Step::End(files) => return Ok(files),
            }
        }
    }

    /// Envelopes whose chain is gone as a whole.
    fn verify_untold(
        &self,
        environment: Environment,
        report: &mut AuditReport,
    ) -> Result<(), Error> {
        let mut after = String::new();
        loop {
            let untold = self
                .store
                .read(|tx| tx.envelopes_untold(environment, &after, STEP));
            let Some(untold) = report.judge("the list of envelopes", untold)? else {
                return Ok(());
            };
            let Some(last) = untold.last() else {
                return Ok(());
            };
            after.clone_from(last);
            for id in untold {
                report.fault(id, "the envelope is stored, and its chain has no entry");
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
            let named = self
                .store
                .read(|tx| tx.named_files(environment, after.as_ref(), STEP));
            let Some(named) = report.judge("the list of files", named)? else {
                return Ok(());
            };
            let Some(last) = named.last() else {
                return Ok(());
            };
            after = Some(*last);
            for digest in &named {
                self.verify_file(environment, digest, report)?;
            }
        }
    }

    fn verify_file(
        &self,
        environment: Environment,
        digest: &Digest,
        report: &mut AuditReport,
    ) -> Result<(), Error> {
        report.files += 1;
        let Err(error) = self.vault.open_checked(environment, digest) else {
            return Ok(());
        };
        // Deleted since it was listed: the row goes first, so whoever finds no file finds no row either.
        if matches!(error, vault::Error::Missing(_))
            && !self
                .store
                .read(|tx| tx.is_kept(environment, digest).map_err(Error::from))?
        {
            return Ok(());
        }
        report.fault(format!("file {digest}"), error);
        Ok(())
    }
}

enum Step {
    More,
    End(Option<(Environment, Vec<Digest>)>),
}

enum Walk {
    Envelope(Box<Replay>),
    System(System),
}

impl Walk {
    const fn head(&self) -> &Head {
        match self {
            Self::Envelope(replay) => replay.head(),
            Self::System(system) => &system.head,
        }
    }

    /// Takes the next entries. Their end and the rows are seen in the same moment.
    fn step(
        &mut self,
        tx: &ReadTx<'_>,
        chain: Chain,
        report: &mut AuditReport,
    ) -> Result<Step, Error> {
        let entries = tx.entries(chain, self.head().seq, STEP);
        let Some(entries) = report.judge(chain, entries)? else {
            return Ok(Step::End(None));
        };
        for entry in &entries {
            report.entries += 1;
            let taken = match self {
                Self::Envelope(replay) => replay.take(entry),
                Self::System(system) => system.take(tx, entry, report)?,
            };
            if let Err(broken) = taken {
                report.fault(format!("{chain} entry {}", entry.seq), broken);
                return Ok(Step::End(None));
            }
        }
        if entries.len() as u64 == u64::from(STEP) {
            return Ok(Step::More);
        }
        if self.head().seq == 0 {
            report.fault(chain, "the chain has no entry");
        }
        match (self, chain) {
            (Self::Envelope(replay), Chain::Envelope(id)) => {
                let compared = compare(tx, id, replay, report);
                Ok(Step::End(report.judge(id, compared)?.flatten()))
            }
            (Self::System(system), _) => {
                let compared = system.compare(tx, report);
                report.judge(chain, compared)?;
                Ok(Step::End(None))
            }
            (Self::Envelope(_), Chain::System) => Ok(Step::End(None)),
        }
    }
}

/// Compares an envelope's rows with what its whole chain tells.
fn compare(
    tx: &ReadTx<'_>,
    id: EnvelopeId,
    replay: &Replay,
    report: &mut AuditReport,
) -> Result<Option<(Environment, Vec<Digest>)>, store::Error> {
    let mut stored = Vec::new();
    for environment in Environment::ALL {
        stored.extend(tx.envelope(environment, id)?);
    }
    let stored = match stored.as_slice() {
        [stored] => stored,
        [] => {
            report.fault(id, "no such envelope is stored");
            return Ok(None);
        }
        _ => {
            report.fault(id, "the envelope is stored in several environments");
            return Ok(None);
        }
    };
    if let Err(broken) = replay.confirm(stored) {
        report.fault(id, broken);
        return Ok(None);
    }
    if !tx.is_listed_as(stored)? {
        report.fault(
            id,
            "the envelope is listed under another status than its own",
        );
    }
    let environment = stored.environment;
    let recipients = stored.definition.recipients.iter().map(|r| r.id);
    let places = tx.recipient_places(environment, id)?;
    if !places.into_iter().eq((0..).zip(recipients)) {
        report.fault(id, "the recipients' rows are not the definition's");
    }
    let kept = tx.trail(environment, id)?.map(|trail| {
        let kept = KeptTrail {
            sha256: trail.sha256,
            size: trail.size,
            version: trail.version,
        };
        (kept, trail.created_at)
    });
    if kept.as_ref() != replay.kept() {
        report.fault(
            id,
            "the kept audit trail is not the one that the chain tells of",
        );
    }
    for evidence in stored.progress.iter().filter_map(|p| p.evidence.as_ref()) {
        let sha256 = &evidence.consent.sha256;
        let words = tx.consent_text(sha256)?;
        if words.map(|words| Digest::of(words.as_bytes())) != Some(*sha256) {
            report.fault(
                id,
                format!("the text of consent {sha256} is missing or was changed"),
            );
        }
    }
    let mut files = files(stored);
    files.extend(replay.kept().map(|(kept, _)| kept.sha256));
    files.sort_unstable();
    files.dedup();
    for digest in &files {
        if !tx.is_kept_for(environment, digest, &id.to_string())? {
            report.fault(
                id,
                format!("nothing keeps the file {digest} that its chain names"),
            );
        }
    }
    Ok(Some((environment, files)))
}

/// Files that an envelope's evidence consists of.
fn files(envelope: &Envelope) -> Vec<Digest> {
    let documents = envelope.documents.iter().map(|document| document.sha256);
    let marks = envelope
        .progress
        .iter()
        .filter_map(|progress| progress.evidence.as_ref())
        .flat_map(|evidence| [Some(&evidence.signature), evidence.initials.as_ref()])
        .flatten()
        .filter_map(Mark::file);
    let sealed = match &envelope.state {
        State::Completed { sealed } => sealed.as_slice(),
        _ => &[],
    };
    documents
        .chain(marks)
        .chain(sealed.iter().map(|sealed| sealed.sha256))
        .collect()
}

/// The appliance's own chain, with what it tells of documents and certificates.
struct System {
    head: Head,
    /// Documents that must be there, by environment.
    documents: [i64; Environment::ALL.len()],
}

impl System {
    fn new() -> Self {
        Self {
            head: Head::start(Chain::System),
            documents: [0; Environment::ALL.len()],
        }
    }

    fn take(
        &mut self,
        tx: &ReadTx<'_>,
        entry: &Entry,
        report: &mut AuditReport,
    ) -> Result<Result<(), Broken>, Error> {
        let taken = verify(&self.head, entry).and_then(|head| Ok((head, entry.system_body()?)));
        let (head, body) = match taken {
            Ok((head, Some(body))) => (head, body),
            Ok((_, None)) => return Ok(Err(Broken::Erased { seq: entry.seq })),
            Err(broken) => return Ok(Err(broken)),
        };
        self.head = head;
        match &body.event {
            SystemEvent::DocumentUploaded {
                id,
                environment,
                document_name,
                size,
                pages,
                sha256,
            } => {
                self.count(*environment, 1);
                // It may have been deleted since; that is told further on, and counted at the end.
                let stored = tx.document(*environment, *id);
                let Some(Some(stored)) = report.judge(id, stored)? else {
                    return Ok(Ok(()));
                };
                let pages_stored = stored.pages.len() as u64;
                if (&stored.name, stored.size, pages_stored, stored.sha256)
                    != (document_name, *size, u64::from(*pages), *sha256)
                {
                    report.fault(id, "the document is not the one that was uploaded");
                }
                let kept = tx.is_kept_for(*environment, sha256, &id.to_string());
                if report.judge(id, kept)? == Some(false) {
                    report.fault(id, format!("nothing keeps the document's file {sha256}"));
                }
            }
            SystemEvent::DocumentDeleted {
                id, environment, ..
            } => {
                self.count(*environment, -1);
                let stored = tx.document(*environment, *id);
                if report.judge(id, stored)?.flatten().is_some() {
                    report.fault(id, "the document is there again after it was deleted");
                }
            }
            SystemEvent::CertificateInstalled { sha256, .. } => {
                let stored = tx.certificate(sha256);
                let stored = report.judge(format!("certificate {sha256}"), stored)?;
                if stored.flatten().map(|stored| Digest::of(&stored.der)) != Some(*sha256) {
                    report.fault(
                        format!("certificate {sha256}"),
                        "it is missing or was changed",
                    );
                }
            }
            _ => {}
        }
        Ok(Ok(()))
    }

    fn count(&mut self, environment: Environment, by: i64) {
        for (known, count) in Environment::ALL.iter().zip(&mut self.documents) {
            if *known == environment {
                *count += by;
            }
        }
    }

    fn compare(&self, tx: &ReadTx<'_>, report: &mut AuditReport) -> Result<(), store::Error> {
        for (environment, told) in Environment::ALL.into_iter().zip(self.documents) {
            let counted = tx.documents_counted(environment)?;
            if i64::try_from(counted) != Ok(told) {
                report.fault(
                    Chain::System,
                    format!(
                        "{counted} documents are stored in {}, the chain tells of {told}",
                        environment.as_str()
                    ),
                );
            }
        }
        Ok(())
    }
}
