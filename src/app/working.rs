//! When the job loops have something to do.

use super::{App, Error};
use crate::domain::environment::Environment;
use crate::domain::event::SystemEvent;
use crate::domain::origin::Origin;
pub use crate::store::WorkState;
use crate::store::{JobKind, Queue, Waiting};
use std::time::Duration;

/// The loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Seals and audit trails.
    Seal,
    /// Deadlines.
    Time,
    /// Mail.
    Mail,
    /// Webhooks.
    Delivery,
}

/// Jobs of the sealing loop.
pub(crate) const SEALING: [JobKind; 2] = [JobKind::Seal, JobKind::Trail];

/// A job that failed for good, or waits for long.
pub struct FailedWork {
    /// Which queue: `job`, `delivery` or `mail`.
    pub queue: &'static str,
    /// As stored.
    pub work: Waiting,
}

impl App {
    /// Waits for news of a queue, for its next due time, or for `longest`. Gives the news' number, for the next call.
    pub fn wait_for_work(&self, work: Work, seen: u64, longest: Duration) -> u64 {
        let due = self.store.read(|tx| {
            Ok::<_, Error>(match work {
                Work::Seal => tx.next_job_due(&SEALING)?,
                Work::Time => tx.next_job_due(&[JobKind::Expire])?,
                Work::Mail => tx.next_mail_due(&Environment::ALL)?,
                Work::Delivery => tx.next_delivery_due()?,
            })
        });
        let until_due = match due {
            Ok(Some(due)) => due.since(self.now()),
            _ => longest,
        };
        // A due time a moment away is not worth a busy loop.
        let nap = until_due.clamp(Duration::from_millis(5), longest);
        self.store.signal(queue(work)).wait(seen, nap)
    }

    /// Wakes all loops, to see that they are to stop.
    pub fn wake_all_work(&self) {
        for queue in Queue::ALL {
            self.store.signal(queue).notify();
        }
    }

    /// Jobs that failed for good, newest first in each queue.
    pub fn failed_work(&self, limit: u32) -> Result<Vec<FailedWork>, Error> {
        self.store.read(|tx| {
            let mut failed = Vec::new();
            for queue in Queue::ALL {
                for work in tx.work_in(queue, WorkState::Failed, limit)? {
                    failed.push(FailedWork {
                        queue: queue.as_str(),
                        work,
                    });
                }
            }
            Ok(failed)
        })
    }

    /// How many jobs failed for good, counted to a thousand.
    pub fn failed_work_count(&self) -> Result<u32, Error> {
        self.store.read(|tx| {
            let mut count = 0;
            for queue in Queue::ALL {
                count += tx.count_work(queue, WorkState::Failed, 1000)?;
            }
            Ok(count)
        })
    }

    /// Has a failed job tried again.
    pub fn retry_work(&self, queue: &str, id: &str, origin: &Origin) -> Result<(), Error> {
        const NO_JOB: Error = Error::NotFound("failed job");
        let queue = Queue::ALL
            .into_iter()
            .find(|q| q.as_str() == queue)
            .ok_or(NO_JOB)?;
        let (id, origin) = (id.to_owned(), origin.clone());
        self.store.write(move |tx| {
            if !tx.retry(queue, &id)? {
                return Err(NO_JOB);
            }
            tx.record_system(
                &SystemEvent::JobRetried {
                    queue: queue.as_str().to_owned(),
                    id,
                },
                &origin,
            )?;
            Ok(())
        })
    }
}

const fn queue(work: Work) -> Queue {
    match work {
        Work::Seal | Work::Time => Queue::Job,
        Work::Mail => Queue::Mail,
        Work::Delivery => Queue::Delivery,
    }
}
