//! News for loops that wait.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Counts pieces of news; a waiter that remembers the count misses none.
#[derive(Debug, Default)]
pub struct Signal {
    count: Mutex<u64>,
    changed: Condvar,
}

impl Signal {
    /// The count now. Read it *before* looking for work.
    pub fn count(&self) -> u64 {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is news: wakes everyone.
    pub fn notify(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    /// Waits until there is news since `seen`, at most for `timeout`, and gives the count. May come back early.
    pub fn wait(&self, seen: u64, timeout: Duration) -> u64 {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        if *count != seen {
            return *count;
        }
        let (count, _) = self
            .changed
            .wait_timeout(count, timeout)
            .unwrap_or_else(PoisonError::into_inner);
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn news_between_looking_and_waiting_is_not_missed() {
        let signal = Signal::default();
        let seen = signal.count();
        signal.notify();
        // An hour, if the news were missed.
        assert_eq!(signal.wait(seen, Duration::from_secs(3600)), seen + 1);
    }

    #[test]
    fn a_waiter_is_woken_by_another_thread() {
        let signal = Arc::new(Signal::default());
        let seen = signal.count();
        let waker = std::thread::spawn({
            let signal = Arc::clone(&signal);
            move || signal.notify()
        });
        let mut now = seen;
        while now == seen {
            now = signal.wait(seen, Duration::from_secs(3600));
        }
        assert_eq!(now, seen + 1);
        waker.join().expect("waker");
    }
}
