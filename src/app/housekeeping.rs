//! What nobody asks for: leftovers of crashes, old replies and sessions, files that nothing names any more.

use super::{App, Error};
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::event::SystemEvent;
use crate::domain::origin::Origin;
use crate::store::{Queue, WorkState, WriteTx};
use std::sync::PoisonError;
use std::time::Duration;

/// Rows that one step removes, at most, so that no transaction is long.
const STEP: u32 = 500;
/// Steps of one round, at most.
const STEPS_MAX: u32 = 100;

/// How long work that is done stays in its queue, for whoever asks what became of it.
const DONE_KEPT: Duration = Duration::from_secs(30 * 86_400);
/// How long what failed for good, or was captured, waits for a person.
const UNDONE_KEPT: Duration = Duration::from_secs(180 * 86_400);
/// Longer than any request or job may need between a file and the row that names it.
const INTENT_AGE_MAX: Duration = Duration::from_secs(6 * 3600);

/// Bytes of drawn pages that are kept, at most.
const DERIVED_BYTES_MAX: u64 = 2 << 30;

impl App {
    /// At start, under the data folder's lock: settles what a crash left.
    pub fn recover(&self) -> Result<(), Error> {
        self.vault.recover()?;
        self.store.write(|tx| {
            tx.release_leases()?;
            Ok::<_, Error>(())
        })?;
        self.repeat(|tx| Ok(tx.abandon_intents(tx.now().plus(Duration::from_millis(1)), STEP)?))?;
        self.sweep_files()?;
        self.sweep_sealing()?;
        self.store
            .write(|tx| Ok::<_, Error>(tx.hurry_erring_jobs().map(drop)?))
    }

    /// An envelope that waits for its seal has a job; if one was lost, it gets one.
    fn sweep_sealing(&self) -> Result<(), Error> {
        let mut lost = Vec::new();
        for environment in Environment::ALL {
            let ids = self.store.read(|tx| {
                tx.sealing_without_job(environment, STEP)
                    .map_err(Error::from)
            })?;
            lost.extend(ids.into_iter().map(|id| (environment, id)));
        }
        for (environment, id) in lost {
            tracing::warn!(envelope = %id, "an envelope waited for its seal without a job; it has one now");
            self.store.write(move |tx| {
                tx.queue_job(crate::store::JobKind::Seal, environment, id, tx.now())?;
                Ok::<_, Error>(())
            })?;
        }
        Ok(())
    }

    /// Every few minutes. One part that fails keeps no other; the first failure is told.
    pub fn tidy(&self) -> Result<(), Error> {
        let (signing, admin) = (
            self.settings.signing_session_ttl,
            self.settings.admin_session_ttl,
        );
        let mut parts = vec![
            self.sweep_sealing(),
            self.repeat(|tx| Ok(tx.forget_replies(STEP)?)),
            self.repeat(move |tx| Ok(tx.forget_signing_sessions(signing, STEP)?)),
            self.repeat(move |tx| Ok(tx.forget_admin_sessions(admin, STEP)?)),
            self.repeat(|tx| Ok(tx.strand_deliveries(STEP)?)),
            self.repeat(|tx| Ok(tx.abandon_intents(tx.now().minus(INTENT_AGE_MAX), STEP)?)),
        ];
        let kept = [
            (WorkState::Done, DONE_KEPT),
            (WorkState::Failed, UNDONE_KEPT),
            (WorkState::Captured, UNDONE_KEPT),
        ];
        for queue in Queue::ALL {
            for (state, span) in kept {
                parts.push(self.repeat(move |tx| {
                    Ok(tx.forget_work(queue, state, tx.now().minus(span), STEP)?)
                }));
            }
        }
        parts.push(self.renew_revocation_lists());
        parts.push(self.keep_key_uses());
        parts.push(self.sweep_files());
        parts.push(self.watch_disk());
        parts.push(
            self.vault
                .derived_trim(DERIVED_BYTES_MAX)
                .map(drop)
                .map_err(Error::from),
        );
        parts.into_iter().collect()
    }

    /// Writes down when keys were last used: gathered, since a flush for each request would cost more than the request.
    pub fn keep_key_uses(&self) -> Result<(), Error> {
        let uses =
            std::mem::take(&mut *self.key_uses.lock().unwrap_or_else(PoisonError::into_inner));
        if uses.is_empty() {
            return Ok(());
        }
        self.store.write(move |tx| {
            for (id, (at, address)) in uses {
                tx.note_api_key_used(id, at, address)?;
            }
            Ok::<_, Error>(())
        })
    }

    /// Removes files that lost their last name. One that can't be removed now keeps no other.
    fn sweep_files(&self) -> Result<(), Error> {
        let mut after = None;
        for _ in 0..STEPS_MAX {
            let orphans = self
                .store
                .read(|tx| tx.orphans(after.as_ref(), STEP).map_err(Error::from))?;
            if orphans.is_empty() {
                return Ok(());
            }
            for (environment, digest) in &orphans {
                if let Err(error) = self.remove_file(*environment, *digest) {
                    tracing::error!(%error, cause = error.with_cause(), %digest, "a file that nothing needs can't be removed; later again");
                }
            }
            after = orphans.last().copied();
        }
        Ok(())
    }

    fn remove_file(&self, environment: Environment, digest: Digest) -> Result<(), Error> {
        self.vault.remove_unless(environment, &digest, || {
            self.store
                .read(|tx| tx.is_named(environment, &digest).map_err(Error::from))
        })?;
        self.store
            .write(move |tx| tx.forget_orphan(environment, &digest).map_err(Error::from))
    }

    fn repeat(
        &self,
        step: impl Fn(&WriteTx<'_>) -> Result<usize, Error> + Clone + Send + 'static,
    ) -> Result<(), Error> {
        for _ in 0..STEPS_MAX {
            let step = step.clone();
            if self.store.write(move |tx| step(tx))? == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The server came up.
    pub fn record_start(&self) -> Result<(), Error> {
        let event = SystemEvent::SystemStarted {
            platform: std::env::consts::OS.to_owned(),
        };
        self.store.write(move |tx| {
            tx.record_system(&event, &Origin::system())?;
            Ok::<_, Error>(())
        })
    }

    /// The server goes down in order.
    pub fn record_stop(&self) -> Result<(), Error> {
        self.keep_key_uses()?;
        self.store.write(|tx| {
            tx.record_system(&SystemEvent::SystemStopped, &Origin::system())?;
            Ok::<_, Error>(())
        })
    }
}
