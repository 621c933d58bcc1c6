//! One dull loop for each queue: work until idle, then wait for news, for the next due time, or for the stop.

use crate::app::{App, Error, Work};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The longest sleep: the safety net where news was missed.
const NAP_MAX: Duration = Duration::from_secs(60);
/// After a failure of the machinery itself, so that a broken disk is not hammered.
const NAP_AFTER_ERROR: Duration = Duration::from_secs(5);
/// Between rounds of housekeeping.
const TIDY_EVERY: Duration = Duration::from_secs(300);

/// The running job threads.
pub struct Jobs {
    app: Arc<App>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Jobs {
    /// Starts all loops.
    pub fn start(app: &Arc<App>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut jobs = Self {
            app: app.clone(),
            stop,
            threads: Vec::new(),
        };
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        for _ in 0..cores {
            jobs.spawn("seal", Work::Seal, App::sealing_next);
        }
        jobs.spawn("time", Work::Time, App::timing_next);
        jobs.spawn("mail", Work::Mail, App::mailing_next);
        jobs.spawn_delivering();
        jobs.spawn_tidy();
        jobs
    }

    fn spawn(&mut self, name: &str, work: Work, next: fn(&App) -> Result<bool, Error>) {
        let (app, stop) = (self.app.clone(), self.stop.clone());
        self.add(name, move || {
            let mut seen = 0;
            while !stop.load(Ordering::SeqCst) {
                match next(&app) {
                    Ok(true) => {}
                    Ok(false) => seen = app.wait_for_work(work, seen, NAP_MAX),
                    Err(error) => {
                        tracing::error!(%error, cause = ?std::error::Error::source(&error), "a job could not be done");
                        seen = app.wait_for_work(work, seen, NAP_AFTER_ERROR);
                    }
                }
            }
        });
    }

    /// One thread claims what is due, as much as may be under way beside what is; each attempt has a thread of its own, since it
    /// may wait for fifteen seconds.
    fn spawn_delivering(&mut self) {
        let (app, stop) = (self.app.clone(), self.stop.clone());
        let most = self.app.webhooks_in_flight_max();
        self.add("webhook", move || {
            let under_way = Arc::new(UnderWay::default());
            let mut seen = 0;
            while !stop.load(Ordering::SeqCst) {
                let free = most.saturating_sub(under_way.count());
                if free == 0 {
                    under_way.wait_for_one(NAP_AFTER_ERROR);
                    continue;
                }
                let claimed = match app.claim_deliveries(free) {
                    Ok(claimed) => claimed,
                    Err(error) => {
                        tracing::error!(%error, "webhooks can't be claimed");
                        seen = app.wait_for_work(Work::Delivery, seen, NAP_AFTER_ERROR);
                        continue;
                    }
                };
                if claimed.is_empty() {
                    seen = app.wait_for_work(Work::Delivery, seen, NAP_MAX);
                }
                for delivery in claimed {
                    let (app, place) = (app.clone(), UnderWay::enter(&under_way));
                    let attempt = move || {
                        if let Err(error) = app.deliver(delivery) {
                            tracing::error!(%error, "how a webhook went can't be recorded");
                        }
                        drop(place);
                    };
                    // Without a thread the lease ends, and the delivery is claimed again.
                    if let Err(error) = std::thread::Builder::new()
                        .name("deliver".into())
                        .spawn(attempt)
                    {
                        tracing::error!(%error, "a thread for a webhook can't be started");
                    }
                }
            }
            while under_way.count() > 0 {
                under_way.wait_for_one(NAP_AFTER_ERROR);
            }
        });
    }

    fn spawn_tidy(&mut self) {
        let (app, stop) = (self.app.clone(), self.stop.clone());
        self.add("tidy", move || {
            while !stop.load(Ordering::SeqCst) {
                std::thread::park_timeout(TIDY_EVERY);
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                if let Err(error) = app.tidy() {
                    tracing::error!(%error, "housekeeping failed");
                }
            }
        });
    }

    fn add(&mut self, name: &str, run: impl FnOnce() + Send + 'static) {
        match std::thread::Builder::new()
            .name(format!("job-{name}"))
            .spawn(run)
        {
            Ok(thread) => self.threads.push(thread),
            Err(error) => tracing::error!(%error, name, "a job thread can't be started"),
        }
    }

    /// Lets each loop finish what it does, and ends them.
    pub fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.app.wake_all_work();
        for thread in self.threads {
            thread.thread().unpark();
            // A panic was logged where it happened.
            let _ = thread.join();
        }
    }
}

/// Attempts under way.
#[derive(Default)]
struct UnderWay {
    count: Mutex<usize>,
    ended: Condvar,
}

/// One attempt's place among those under way; given back on drop, also by a panic.
struct Place(Arc<UnderWay>);

impl UnderWay {
    fn count(&self) -> usize {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(this: &Arc<Self>) -> Place {
        *this.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Place(this.clone())
    }

    /// Waits until one more has ended, at most `longest`.
    fn wait_for_one(&self, longest: Duration) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *count;
        let _ = self
            .ended
            .wait_timeout_while(count, longest, |now| *now >= before && *now > 0);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.ended.notify_all();
    }
}
