//! The seal job: prepare, seal, check from the bytes, keep, record. It may run twice, or in vain; a failure is visible, is
//! retried, and loses no signature.

use super::alarming::raise;
use super::auditing::confirm;
use super::envelopes::load;
use super::finishing::Certification;
use super::keeping::Intent;
use super::seals::Sealer;
use super::stamping::Evidence;
use super::wording::LANGUAGE;
use super::working::SEALING;
use super::{App, Error, caught};
use crate::domain::alarm::Alarm;
use crate::domain::command::{Command, Note};
use crate::domain::digest::Digest;
use crate::domain::envelope::{Envelope, FrozenDocument, SealLevel, Sealed, State};
use crate::domain::environment::Environment;
use crate::domain::event::{Event, KeptTrail};
use crate::domain::ids::EnvelopeId;
use crate::domain::origin::Origin;
use crate::domain::refusal::Refusal;
use crate::domain::{limits, text};
use crate::store::{Job, JobKind, Lease, ReadTx, Trail};
use std::time::Duration;

/// How long a seal's job is held: longer than the largest envelope takes.
const LEASE: Duration = Duration::from_secs(900);
/// Waits between attempts; then every six hours, for ever: a seal is never given up.
const WAITS: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(1800),
    Duration::from_secs(7200),
];
const WAIT_LATER: Duration = Duration::from_secs(6 * 3600);
/// After so many attempts the seal is parked: an operator has to look, and the sender may withdraw.
const ATTEMPTS_BEFORE_PARKING: u32 = 5;
/// How soon a seal is tried again that found the machine too busy.
const WAIT_WHILE_BUSY: Duration = Duration::from_secs(5);
/// Likewise while the disk is full; administrators are told of that by another alarm.
const WAIT_WHILE_FULL: Duration = Duration::from_secs(60);
/// A machine that is too busy for longer than this since the seal was asked for is at fault like any other cause.
const BUSY_MAX: Duration = Duration::from_secs(15 * 60);

/// How long to wait after the attempt `made`, from 1.
pub(super) fn wait_after(made: u32) -> Duration {
    usize::try_from(made.saturating_sub(1))
        .ok()
        .and_then(|made| WAITS.get(made))
        .copied()
        .unwrap_or(WAIT_LATER)
}

impl App {
    /// Does one due seal or audit trail. `false`: nothing is due.
    pub fn sealing_next(&self) -> Result<bool, Error> {
        let Some(job) = self
            .store
            .write(|tx| Ok::<_, Error>(tx.claim_job(&SEALING, LEASE)?))?
        else {
            return Ok(false);
        };
        let done = caught(|| match job.kind {
            JobKind::Seal => self.seal_envelope(&job),
            JobKind::Trail => self.keep_trail(job.environment, job.envelope),
            JobKind::Expire => Ok(()),
        });
        match done {
            Ok(()) => self.store.write(move |tx| {
                // Recorded already where the result was: the lease is gone then.
                if tx.holds(&job.lease)? {
                    tx.finish(&job.lease)?;
                }
                Ok::<_, Error>(())
            })?,
            Err(error) => self.record_failure(&job, &error)?,
        }
        Ok(true)
    }

    fn record_failure(&self, job: &Job, error: &Error) -> Result<(), Error> {
        let wait = match error {
            Error::Unavailable if self.now().since(job.id.made_at()) < BUSY_MAX => {
                Some(WAIT_WHILE_BUSY)
            }
            Error::Full => Some(WAIT_WHILE_FULL),
            _ => None,
        };
        if let Some(wait) = wait {
            // A busy machine or a full disk says nothing about this seal: no try is used up, and the trail hears nothing.
            let lease = job.lease.clone();
            return self.store.write(move |tx| {
                if tx.holds(&lease)? {
                    tx.postpone(&lease, tx.now().plus(wait))?;
                }
                Ok::<_, Error>(())
            });
        }
        let reason = text::kept(&error.with_cause(), limits::ANSWER_CHARS_MAX);
        tracing::error!(envelope = %job.envelope, reason, "a seal or an audit trail could not be made; it will be tried again");
        let made = job.lease.tries();
        let wait = wait_after(made);
        let is_key_unusable = matches!(error, Error::SealUnavailable(_));
        let parks = is_key_unusable || made >= ATTEMPTS_BEFORE_PARKING;
        let (lease, environment, id, is_seal) = (
            job.lease.clone(),
            job.environment,
            job.envelope,
            job.kind == JobKind::Seal,
        );
        let contact = self.contact();
        let alarm = if is_key_unusable {
            Some(Alarm::SealUnusable {
                environment,
                reason: reason.clone(),
            })
        } else if parks {
            Some(Alarm::EvidenceFailing {
                environment,
                envelope: id,
                attempts: made,
                reason: reason.clone(),
            })
        } else {
            None
        };
        self.store.write(move |tx| {
            // Who holds the work now tells how it went.
            if !tx.holds(&lease)? {
                return Ok(());
            }
            tx.fail(&lease, Some(tx.now().plus(wait)), &reason)?;
            if let Some(alarm) = &alarm {
                raise(tx, contact.as_ref(), alarm)?;
            }
            if !is_seal {
                return Ok(());
            }
            let mut envelope = load(tx, environment, id)?;
            let command = if parks {
                Command::ParkSeal { reason }
            } else {
                Command::Note(Note::SealFailed {
                    attempt: made,
                    reason,
                })
            };
            match envelope.decide(command, tx.now()) {
                Ok(events) => tx.record(&mut envelope, events, &Origin::system())?,
                // Withdrawn meanwhile: nothing waits for a seal any more.
                Err(Refusal::WrongState { .. } | Refusal::Discarded) => {}
                Err(refusal) => return Err(refusal.into()),
            }
            Ok::<_, Error>(())
        })
    }

    /// Another document is begun: the lease lasts from now. One that is lost is not taken back; whoever records first wins.
    fn keep_lease(&self, lease: &Lease) -> Result<(), Error> {
        let lease = lease.clone();
        self.store.write(move |tx| {
            if tx.holds(&lease)? {
                tx.renew(&lease, LEASE)?;
            }
            Ok::<_, Error>(())
        })
    }

    fn seal_envelope(&self, job: &Job) -> Result<(), Error> {
        let (environment, id) = (job.environment, job.envelope);
        let Some((envelope, told)) = self.store.read(|tx| {
            let envelope = load(tx, environment, id)?;
            if !matches!(envelope.state, State::Sealing { .. }) {
                return Ok(None);
            }
            let told = Told::of(tx, &envelope)?;
            Ok::<_, Error>(Some((envelope, told)))
        })?
        else {
            return Ok(());
        };
        self.expect_seal(environment)?;
        let sealer = self.sealer(environment)?;
        let evidence = Evidence {
            origins: told.origins,
            authority: sealer.authority.short_name(),
            head: told.head,
        };
        let mut sealed = Vec::with_capacity(envelope.documents.len());
        // Until the result names the files, the intents do; an attempt that fails gives them up.
        let mut intents = Vec::with_capacity(envelope.documents.len());
        for document in &envelope.documents {
            self.keep_lease(&job.lease)?;
            let (file, intent) = self.seal_document(&envelope, document, &evidence, &sealer)?;
            sealed.push(file);
            intents.push(intent);
        }
        let lease = job.lease.clone();
        let digests: Vec<Digest> = intents.iter().map(Intent::digest).collect();
        self.store.write(move |tx| {
            // A finished seal counts though the lease was lost on the way: where another was recorded first, this one is in vain.
            let mut envelope = load(tx, environment, id)?;
            let events = match envelope.decide(Command::RecordSeal { sealed }, tx.now()) {
                Ok(events) => events,
                // Withdrawn while the seal was parked: there is nothing to record.
                Err(Refusal::WrongState { .. }) => Vec::new(),
                Err(refusal) => return Err(refusal.into()),
            };
            tx.record(&mut envelope, events, &Origin::system())?;
            for digest in digests {
                tx.settle(environment, &digest)?;
            }
            if tx.holds(&lease)? {
                tx.finish(&lease)?;
            }
            Ok::<_, Error>(())
        })?;
        intents.into_iter().for_each(Intent::settled);
        Ok(())
    }

    /// One sealed file: durable in the vault, named by an intent.
    fn seal_document(
        &self,
        envelope: &Envelope,
        document: &FrozenDocument,
        evidence: &Evidence,
        sealer: &Sealer,
    ) -> Result<(Sealed, Intent<'_>), Error> {
        let environment = envelope.environment;
        let stored = self.vault.open_checked(environment, &document.sha256)?;
        let plan = self.plan(envelope, document, stored.file(), Some(evidence))?;
        let reason = LANGUAGE.t1("proof-reason-document", "envelope", envelope.id.to_string());
        let asked = Certification {
            plan: &plan,
            sealer,
            reason: Some(&reason),
            original: Some(document.sha256),
        };
        let received = self.certified_in_vault(&stored.file(), &asked)?.kept;
        let sealed = Sealed {
            document: document.id,
            sha256: received.digest(),
            size: received.len(),
            level: SealLevel::BaselineB,
            certificate_sha256: sealer.certificate_sha256(),
        };
        let intent = self.keep_file(environment, received)?;
        Ok((sealed, intent))
    }

    // ---------------------------------------------------------------- the audit trail's file

    /// The stored trail of an ended envelope; made now where its job has not come to it yet.
    pub(crate) fn stored_trail(&self, envelope: &Envelope) -> Result<Trail, Error> {
        let (environment, id) = (envelope.environment, envelope.id);
        if let Some(kept) = self
            .store
            .read(|tx| tx.trail(environment, id).map_err(Error::from))?
        {
            return Ok(kept);
        }
        self.keep_trail(environment, id)?;
        let kept = self
            .store
            .read(|tx| tx.trail(environment, id).map_err(Error::from))?;
        kept.ok_or_else(|| Error::internal("the audit trail was not kept"))
    }

    fn keep_trail(&self, environment: Environment, id: EnvelopeId) -> Result<(), Error> {
        let (envelope, kept) = self.store.read(|tx| {
            let envelope = tx
                .envelope(environment, id)?
                .ok_or(Error::NotFound("envelope"))?;
            Ok::<_, Error>((envelope, tx.trail(environment, id)?))
        })?;
        if kept.is_some() || envelope.sent_at.is_none() || !envelope.state.has_ended() {
            return Ok(());
        }
        let bytes = self.make_trail(&envelope)?;
        let received = self.vault.receive(&bytes)?;
        let (digest, size, version) = (received.digest(), received.len(), envelope.version);
        let intent = self.keep_file(environment, received)?;
        self.store.write(move |tx| {
            // The first one stays: always the same bytes.
            let trail = Trail {
                sha256: digest,
                size,
                version,
                created_at: tx.now(),
            };
            if tx.insert_trail(environment, id, &trail)? {
                let mut envelope = load(tx, environment, id)?;
                let kept = Command::Note(Note::TrailKept(KeptTrail {
                    sha256: digest,
                    size,
                    version,
                }));
                let events = envelope.decide(kept, tx.now())?;
                tx.record(&mut envelope, events, &Origin::system())?;
            }
            tx.settle(environment, &digest)?;
            Ok::<_, Error>(())
        })?;
        intent.settled();
        Ok(())
    }
}

/// What the seal vouches for beyond the envelope itself.
struct Told {
    /// Where each recipient's signature came from, in the order of the recipients.
    origins: Vec<Option<Origin>>,
    /// The entry that told that all have acted: its place and hash.
    head: (u64, Digest),
}

impl Told {
    /// Reads it from the chain, and makes sure that the envelope in hand is the chain's in every part: a seal on rows that somebody
    /// changed would make their change true.
    fn of(tx: &ReadTx<'_>, envelope: &Envelope) -> Result<Self, Error> {
        let mut origins = vec![None; envelope.progress.len()];
        let mut head = None;
        confirm(tx, envelope, |entry| {
            let Some(body) = entry.envelope_body().map_err(Error::internal)? else {
                return Ok(());
            };
            match &body.event {
                Event::Signed { by, .. } => {
                    let recipients = &envelope.definition.recipients;
                    let index = recipients.iter().position(|r| r.id == *by);
                    if let Some(slot) = index.and_then(|index| origins.get_mut(index)) {
                        *slot = Some(body.origin);
                    }
                }
                Event::AllActed => head = Some((entry.seq, entry.hash)),
                _ => {}
            }
            Ok(())
        })?;
        let head =
            head.ok_or_else(|| Error::internal("the trail does not tell that all have acted"))?;
        Ok(Self { origins, head })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::appliance;

    #[test]
    fn a_machine_that_is_busy_uses_up_no_try_of_a_seal_and_leaves_no_error() {
        let appliance = appliance();
        let app = &appliance.app;
        app.store
            .write::<_, Error>(|tx| {
                let envelope = tx.new_id(EnvelopeId::new);
                Ok(tx.queue_job(JobKind::Seal, Environment::Test, envelope, tx.now())?)
            })
            .expect("a job");
        let claim = || {
            app.store
                .write::<_, Error>(|tx| Ok(tx.claim_job(&SEALING, LEASE)?))
                .expect("the queue")
        };
        for _ in 0..20 {
            let job = claim().expect("due");
            assert_eq!(job.lease.tries(), 1);
            app.record_failure(&job, &Error::Unavailable)
                .expect("recorded");
            assert!(claim().is_none(), "not at once");
            assert_eq!(app.failing_seals_count().expect("a count"), 0);
            appliance.clock.advance(WAIT_WHILE_BUSY);
        }
    }

    #[test]
    fn waits_grow_to_six_hours_and_end_never() {
        let seconds: Vec<_> = (1..=7).map(|made| wait_after(made).as_secs()).collect();
        assert_eq!(seconds, [5, 60, 300, 1800, 7200, 21_600, 21_600]);
        assert_eq!(wait_after(u32::MAX), WAIT_LATER);
    }
}
