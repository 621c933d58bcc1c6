//! How many worker processes run at once, and how many callers may wait for one.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

#[derive(Default)]
struct Count {
    running: usize,
    waiting: usize,
}

/// A counting semaphore with a bounded queue.
pub(crate) struct Permits {
    running_max: usize,
    waiting_max: usize,
    wait: Duration,
    count: Mutex<Count>,
    freed: Condvar,
}

/// The right to run one process; given back when dropped.
pub(crate) struct Permit<'a>(&'a Permits);

impl Permits {
    pub(crate) fn new(running_max: usize, waiting_max: usize, wait: Duration) -> Self {
        Self {
            running_max: running_max.max(1),
            waiting_max,
            wait,
            count: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// Waits for a permit; `None` if the queue is full or the wait too long.
    pub(crate) fn acquire(&self) -> Option<Permit<'_>> {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        if count.running >= self.running_max {
            if count.waiting >= self.waiting_max {
                return None;
            }
            count.waiting += 1;
            let (mut woken, _) = self
                .freed
                .wait_timeout_while(count, self.wait, |count| count.running >= self.running_max)
                .unwrap_or_else(PoisonError::into_inner);
            woken.waiting -= 1;
            if woken.running >= self.running_max {
                return None;
            }
            count = woken;
        }
        count.running += 1;
        Some(Permit(self))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut count = self.0.count.lock().unwrap_or_else(PoisonError::into_inner);
        count.running -= 1;
        drop(count);
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_run_than_allowed_and_no_more_wait_than_the_queue_holds() {
        let permits = Permits::new(1, 0, Duration::from_secs(60));
        let first = permits.acquire().unwrap();
        assert!(permits.acquire().is_none());
        drop(first);
        assert!(permits.acquire().is_some());
    }

    #[test]
    fn a_wait_ends_without_a_permit() {
        let permits = Permits::new(1, 4, Duration::from_millis(1));
        let _held = permits.acquire().unwrap();
        assert!(permits.acquire().is_none());
        assert_eq!(permits.count.lock().unwrap().waiting, 0);
    }

    #[test]
    fn a_freed_permit_goes_to_who_waits() {
        let permits = Permits::new(1, 1, Duration::from_secs(60));
        let held = permits.acquire().unwrap();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| permits.acquire().is_some());
            while permits.count.lock().unwrap().waiting == 0 {
                std::thread::yield_now();
            }
            drop(held);
            assert!(waiter.join().unwrap());
        });
    }
}
