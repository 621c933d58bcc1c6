//! One dull loop for each queue: work until idle, then wait for news, for the next due time, or for the stop.

use crate::app::{App, Error, Work, caught};
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
    stop: Arc<Stop>,
    threads: Vec<JoinHandle<()>>,
}

impl Jobs {
    /// Starts all loops.
    pub fn start(app: &Arc<App>) -> Self {
        let mut jobs = Self {
            app: app.clone(),
            stop: Arc::default(),
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

    fn spawn(&mut self, name: &'static str, work: Work, next: fn(&App) -> Result<bool, Error>) {
        let (app, stop) = (self.app.clone(), self.stop.clone());
        self.add(name, move || {
            let mut seen = 0;
            let idle = || seen = app.wait_for_work(work, seen, NAP_MAX);
            work_off(name, &stop, NAP_AFTER_ERROR, || next(&app), idle);
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
            let idle = || seen = app.wait_for_work(Work::Delivery, seen, NAP_MAX);
            let next = || {
                let free = most.saturating_sub(under_way.count());
                if free == 0 {
                    under_way.wait_for_one(NAP_AFTER_ERROR);
                    return Ok(true);
                }
                let claimed = app.claim_deliveries(free)?;
                let any = !claimed.is_empty();
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
                Ok(any)
            };
            work_off("webhook", &stop, NAP_AFTER_ERROR, next, idle);
            while under_way.count() > 0 {
                under_way.wait_for_one(NAP_AFTER_ERROR);
            }
        });
    }

    fn spawn_tidy(&mut self) {
        let (app, stop) = (self.app.clone(), self.stop.clone());
        self.add("tidy", move || {
            let next = || app.tidy().map(|()| false);
            stop.pause(TIDY_EVERY);
            work_off("tidy", &stop, TIDY_EVERY, next, || stop.pause(TIDY_EVERY));
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
        self.stop.set();
        self.app.wake_all_work();
        for thread in self.threads {
            // A panic was logged where it happened.
            let _ = thread.join();
        }
    }
}

/// One loop, until the stop: `next` does a piece of work and tells whether there was one; with none, `idle` waits for some. After
/// an error or a panic the loop rests for all of `rest`: whatever news comes, a broken disk is not hammered, and a piece of work
/// that breaks its thread takes no other's.
fn work_off(
    name: &'static str,
    stop: &Stop,
    rest: Duration,
    mut next: impl FnMut() -> Result<bool, Error>,
    mut idle: impl FnMut(),
) {
    while !stop.is_set() {
        let step = caught(|| {
            let worked = next()?;
            if !worked && !stop.is_set() {
                idle();
            }
            Ok(())
        });
        if let Err(error) = step {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::error!(%error, cause, name, "a job could not be done");
            stop.pause(rest);
        }
    }
}

/// Set once, for all loops.
#[derive(Default)]
struct Stop {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn is_set(&self) -> bool {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self) {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits for all of `span`, or for the stop.
    fn pause(&self, span: Duration) {
        let is_set = self.is_set.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self
            .changed
            .wait_timeout_while(is_set, span, |is_set| !*is_set);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn a_loop_survives_a_panic_and_an_error_and_goes_on_with_the_next_piece_of_work() {
        let stop = Stop::default();
        let mut steps = VecDeque::from(["panic", "error", "work", "idle"]);
        let mut done = Vec::new();
        let mut waited = 0;
        let next = || {
            let step = steps.pop_front().expect("a step");
            done.push(step);
            match step {
                "panic" => panic!("on purpose"),
                "error" => Err(Error::Unavailable),
                step => Ok(step == "work"),
            }
        };
        let idle = || {
            waited += 1;
            stop.set();
        };
        work_off("test", &stop, Duration::ZERO, next, idle);
        assert_eq!(done, ["panic", "error", "work", "idle"]);
        assert_eq!(waited, 1);
    }

    #[test]
    fn the_rest_after_an_error_lasts_whatever_news_there_is_and_ends_with_the_stop() {
        let stop = Arc::new(Stop::default());
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn({
            let stop = stop.clone();
            move || {
                let next = || {
                    tell.send(()).expect("the test");
                    Err(Error::Unavailable)
                };
                work_off("test", &stop, LONG, next, || {
                    panic!("there is no idling after an error")
                });
            }
        });
        told.recv().expect("the first try");
        stop.set();
        thread.join().expect("the loop ends at once");
        assert!(told.recv().is_err(), "there was no second try");
    }
}
