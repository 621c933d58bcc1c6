//! What happens because a moment has come.

use super::{App, Error};
use crate::app::envelopes::load;
use crate::domain::command::Command;
use crate::domain::origin::Origin;
use crate::store::JobKind;
use std::time::Duration;

/// How long a timer's job is held.
const LEASE: Duration = Duration::from_secs(60);

impl App {
    /// Does one due timer's job. `false`: nothing is due.
    pub fn timing_next(&self) -> Result<bool, Error> {
        self.store.write(|tx| {
            let Some(job) = tx.claim_job(&[JobKind::Expire], LEASE)? else {
                return Ok(false);
            };
            match load(tx, job.environment, job.envelope) {
                Ok(mut envelope) => {
                    // In vain where it ended before, or where its deadline was moved.
                    let events = envelope.decide(Command::Expire, tx.now())?;
                    tx.record(&mut envelope, events, &Origin::system())?;
                }
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
            tx.finish(&job.lease)?;
            Ok(true)
        })
    }
}
