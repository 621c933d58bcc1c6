//! When the job loops have something to do.

use super::envelopes::load;
use super::{App, Error};
use crate::domain::command::Command;
use crate::domain::environment::Environment;
use crate::domain::event::SystemEvent;
use crate::domain::ids::EnvelopeId;
use crate::domain::limits;
use crate::domain::origin::Origin;
use crate::domain::refusal::Refusal;
pub use crate::store::WorkState;
use crate::store::{self, JobKind, Queue, Waiting, Window, WriteTx};
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

/// How far failed work is counted, of each kind.
const COUNTED_MAX: u32 = 1_000;

/// A job that failed: for good, or so that it waits for its next try.
pub struct FailedWork {
    /// Which queue: `job`, `delivery` or `mail`.
    pub queue: &'static str,
    /// As stored.
    pub work: Waiting,
}

/// Runs `work`; a panic becomes an error like any other, so that it ends neither a thread nor a queue.
pub fn caught<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // What it touched is either its own, or behind locks that take poison for granted, or a transaction that is undone.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(result) => result,
        Err(panic) => {
            let text = panic
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned());
            Err(Error::internal(format!(
                "a panic: {}",
                text.unwrap_or_else(|| "it says nothing".to_owned())
            )))
        }
    }
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

    /// A page of what needs a person's eyes, and how much there is: jobs that failed and come again by themselves, seals first and
    /// oldest first; then work that failed for good, newest first in each queue. Each kind is counted to
    /// [`limits::PAGE_DEPTH_MAX`].
    pub fn failed_work(&self, page: u32, size: u32) -> Result<(Vec<FailedWork>, u64), Error> {
        let cap = u32::try_from(limits::PAGE_DEPTH_MAX).unwrap_or(u32::MAX);
        self.store.read(|tx| {
            let mut shown = Shown {
                window: Window::page(page, size),
                failed: Vec::new(),
                total: 0,
            };
            for kind in JobKind::ALL {
                let count = tx.count_erring_jobs(kind, cap)?;
                shown.add(Queue::Job, count, |window| tx.erring_jobs(kind, window))?;
            }
            for queue in Queue::ALL {
                let count = tx.count_work(queue, WorkState::Failed, cap)?;
                shown.add(queue, count, |window| {
                    tx.work_in(queue, WorkState::Failed, window)
                })?;
            }
            Ok((shown.failed, shown.total))
        })
    }

    /// How many seals failed and wait for their next try, counted to a thousand: everyone has signed these, and nobody has them.
    pub fn failing_seals_count(&self) -> Result<u32, Error> {
        self.store
            .read(|tx| Ok(tx.count_erring_jobs(JobKind::Seal, COUNTED_MAX)?))
    }

    /// How many pieces of work [`App::failed_work`] shows, each kind counted to a thousand.
    pub fn failed_work_count(&self) -> Result<u32, Error> {
        self.store.read(|tx| {
            let mut count = 0;
            for kind in JobKind::ALL {
                count += tx.count_erring_jobs(kind, COUNTED_MAX)?;
            }
            for queue in Queue::ALL {
                count += tx.count_work(queue, WorkState::Failed, COUNTED_MAX)?;
            }
            Ok(count)
        })
    }

    /// Has a failed job tried again, or one that waits for its next try hurried. A parked seal is no longer parked then: it is
    /// being made, and can't be withdrawn until it has failed again.
    pub fn retry_work(&self, queue: &str, id: &str, origin: &Origin) -> Result<(), Error> {
        const NO_JOB: Error = Error::NotFound("failed job");
        let queue = Queue::ALL
            .into_iter()
            .find(|q| q.as_str() == queue)
            .ok_or(NO_JOB)?;
        let (id, origin) = (id.to_owned(), origin.clone());
        self.store.write(move |tx| {
            if !tx.retry(queue, &id)? {
                let is_under_way = tx.work(queue, &id)?.is_some_and(|work| {
                    work.state == WorkState::Leased && work.last_error.is_some()
                });
                // Nothing to hurry any more: it is being tried at this moment.
                return if is_under_way { Ok(()) } else { Err(NO_JOB) };
            }
            if queue == Queue::Job
                && let Some((JobKind::Seal, environment, envelope)) = tx.job_target(&id)?
            {
                resume_seal(tx, environment, envelope, &origin)?;
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

/// Takes a parked seal out of its parking place.
fn resume_seal(
    tx: &WriteTx<'_>,
    environment: Environment,
    id: EnvelopeId,
    origin: &Origin,
) -> Result<(), Error> {
    let mut envelope = load(tx, environment, id)?;
    match envelope.decide(Command::ResumeSeal, tx.now()) {
        Ok(events) => Ok(tx.record(&mut envelope, events, origin)?),
        // Withdrawn meanwhile: the job will find nothing to do.
        Err(Refusal::WrongState { .. }) => Ok(()),
        Err(refusal) => Err(refusal.into()),
    }
}

/// One page of several lists that follow each other.
struct Shown {
    /// What of the lists to come is wanted.
    window: Window,
    failed: Vec<FailedWork>,
    /// Of the lists so far.
    total: u64,
}

impl Shown {
    /// The next list, of `count` pieces.
    fn add(
        &mut self,
        queue: Queue,
        count: u32,
        list: impl FnOnce(Window) -> Result<Vec<Waiting>, store::Error>,
    ) -> Result<(), Error> {
        let count = u64::from(count);
        self.total += count;
        if self.window.offset < count && self.window.limit > 0 {
            let found = list(self.window)?;
            let taken = u32::try_from(found.len()).unwrap_or(u32::MAX);
            self.window.limit = self.window.limit.saturating_sub(taken);
            self.failed.extend(found.into_iter().map(|work| FailedWork {
                queue: queue.as_str(),
                work,
            }));
        }
        self.window.offset = self.window.offset.saturating_sub(count);
        Ok(())
    }
}

const fn queue(work: Work) -> Queue {
    match work {
        Work::Seal | Work::Time => Queue::Job,
        Work::Mail => Queue::Mail,
        Work::Delivery => Queue::Delivery,
    }
}
