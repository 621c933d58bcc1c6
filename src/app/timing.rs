//! What happens because a moment has come.

use super::sealing::wait_after;
use super::{App, Error, caught};
use crate::app::envelopes::load;
use crate::domain::command::Command;
use crate::domain::origin::Origin;
use crate::store::{Job, JobKind};
use std::time::Duration;

/// How long a timer's job is held.
const LEASE: Duration = Duration::from_secs(60);

impl App {
    /// Does one due timer's job. `false`: nothing is due.
    pub fn timing_next(&self) -> Result<bool, Error> {
        let Some(job) = self
            .store
            .write(|tx| Ok::<_, Error>(tx.claim_job(&[JobKind::Expire], LEASE)?))?
        else {
            return Ok(false);
        };
        match caught(|| self.expire(&job)) {
            Ok(()) => {}
            // The store is at fault, not this envelope: the lease ends, and all of it comes again.
            Err(error @ (Error::Unavailable | Error::Full)) => return Err(error),
            // One that can't be ended stops no other; it is shown, and comes again.
            Err(error) => {
                let reason = error.with_cause();
                tracing::error!(envelope = %job.envelope, reason, "an envelope can't be ended at its deadline; it will be tried again");
                self.store.write(move |tx| {
                    let again_at = tx.now().plus(wait_after(job.lease.tries()));
                    Ok::<_, Error>(tx.fail(&job.lease, Some(again_at), &reason)?)
                })?;
            }
        }
        Ok(true)
    }

    fn expire(&self, job: &Job) -> Result<(), Error> {
        let job = job.clone();
        self.store.write(move |tx| {
            match load(tx, job.environment, job.envelope) {
                Ok(mut envelope) => {
                    // In vain where it ended before, or where its deadline was moved.
                    let events = envelope.decide(Command::Expire, tx.now())?;
                    tx.record(&mut envelope, events, &Origin::system())?;
                }
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
            Ok(tx.finish(&job.lease)?)
        })
    }
}
