//! One dull loop for each queue: work until idle, then wait for news, for the next due time, or for the stop.

use crate::app::{App, Error, Work};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The longest sleep: the safety net where news was missed.
const NAP_MAX: Duration = Duration::from_secs(60);
/// After a failure of the machinery itself, so that a broken disk is not hammered.
const NAP_AFTER_ERROR: Duration = Duration::from_secs(5);
/// Between rounds of housekeeping.
const TIDY_EVERY: Duration = Duration::from_secs(300);
/// Threads that send webhooks at once.
const DELIVERERS: usize = 16;

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
        for _ in 0..DELIVERERS {
            jobs.spawn("webhook", Work::Delivery, App::delivering_next);
        }
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
