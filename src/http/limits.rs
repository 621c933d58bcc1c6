//! How often who may call: GCRA (governor), by API key, by address for those without a valid key, by session for signers.
//!
//! A whole company sits behind one address, so failures count per address and successes per key or session.

use crate::ambient;
use crate::domain::limits;
use crate::domain::network::neighbourhood;
use governor::clock::{Clock as _, Reference};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Governor's view of the injected monotonic clock.
#[derive(Clone)]
struct Monotonic(Arc<dyn ambient::Clock>);

/// A moment of the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(Duration);

impl std::ops::Add<Nanos> for Moment {
    type Output = Self;

    fn add(self, other: Nanos) -> Self {
        Self(self.0.saturating_add(Duration::from_nanos(other.as_u64())))
    }
}

impl Reference for Moment {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_sub(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(
            self.0
                .checked_sub(Duration::from_nanos(duration.as_u64()))
                .unwrap_or(self.0),
        )
    }
}

impl governor::clock::Clock for Monotonic {
    type Instant = Moment;

    fn now(&self) -> Moment {
        Moment(self.0.monotonic())
    }
}

/// What a caller is told about its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Calls that would pass at once from now on.
    pub left: u32,
    /// Whole seconds until one more passes; 0 while some are left, else at least 1.
    pub wait_seconds: u64,
    /// Whether this call passed.
    pub passed: bool,
}

/// One limit for many callers of a kind.
struct Limit<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DashMapStateStore<K>, Monotonic, StateInformationMiddleware>,
    clock: Monotonic,
    keys_max: usize,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(clock: Arc<dyn ambient::Clock>, per_minute: u32, burst: u32, keys_max: usize) -> Self {
        let clock = Monotonic(clock);
        let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(at_least_one(per_minute)).allow_burst(at_least_one(burst));
        Self {
            limiter: RateLimiter::dashmap_with_clock(quota, clock.clone())
                .with_middleware::<StateInformationMiddleware>(),
            clock,
            keys_max,
        }
    }

    fn check(&self, key: &K) -> Allowance {
        // The map is swept on a timer; only a flood of new callers between two sweeps comes this far.
        if self.limiter.len() >= self.keys_max {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(key) {
            Ok(state) => Allowance {
                left: state.remaining_burst_capacity(),
                wait_seconds: u64::from(state.remaining_burst_capacity() == 0),
                passed: true,
            },
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.clock.now());
                // Rounded up, so that a client that waits this long gets through.
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                Allowance {
                    left: 0,
                    wait_seconds: seconds.max(1),
                    passed: false,
                }
            }
        }
    }

    fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// The numbers of `[api]` and the fixed ones beside them.
#[derive(Clone, Copy, Debug)]
pub struct LimitSettings {
    /// Calls a minute for each API key.
    pub requests_per_minute: u32,
    /// Calls at once for each API key whose bucket is full.
    pub burst: u32,
    /// Calls a minute without a valid key, or with an unknown link, for each address (IPv6: each /64).
    pub unauthenticated_per_minute: u32,
    /// Calls a minute for each signing or admin session.
    pub session_per_minute: u32,
}

/// Uploads under way at once, beyond which callers are told to come again.
pub struct Uploads {
    under_way: Arc<AtomicUsize>,
    most: usize,
}

/// One upload's place; given back on drop.
pub struct UploadPlace(Arc<AtomicUsize>);

impl Uploads {
    /// At most `most` at once.
    pub fn new(most: usize) -> Self {
        Self {
            under_way: Arc::default(),
            most: most.max(1),
        }
    }

    /// A place, if one is free.
    pub fn enter(&self) -> Option<UploadPlace> {
        let entered = self.under_way.fetch_add(1, Ordering::SeqCst);
        let place = UploadPlace(Arc::clone(&self.under_way));
        (entered < self.most).then_some(place)
    }
}

impl Drop for UploadPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// All limits of the web side.
pub struct Limits {
    keys: Limit<String>,
    strangers: Limit<IpAddr>,
    logins: Limit<IpAddr>,
    openings: Limit<String>,
    sessions: Limit<String>,
    settings: LimitSettings,
}

/// How many callers of one kind are remembered before old ones are looked through.
const CALLERS_MAX: usize = 200_000;

impl Limits {
    /// Full buckets for everybody.
    pub fn new(clock: Arc<dyn ambient::Clock>, settings: LimitSettings) -> Self {
        let s = &settings;
        Self {
            keys: Limit::new(clock.clone(), s.requests_per_minute, s.burst, CALLERS_MAX),
            strangers: Limit::new(
                clock.clone(),
                s.unauthenticated_per_minute,
                s.unauthenticated_per_minute,
                CALLERS_MAX,
            ),
            logins: Limit::new(
                clock.clone(),
                limits::LOGINS_PER_MINUTE,
                limits::LOGINS_PER_MINUTE,
                CALLERS_MAX,
            ),
            openings: Limit::new(
                clock.clone(),
                limits::OPENINGS_PER_MINUTE,
                limits::OPENINGS_PER_MINUTE,
                CALLERS_MAX,
            ),
            sessions: Limit::new(
                clock,
                s.session_per_minute,
                s.session_per_minute,
                CALLERS_MAX,
            ),
            settings,
        }
    }

    /// Counts a call with a valid key, named by its id.
    pub fn key(&self, id: &str) -> Allowance {
        self.keys.check(&id.to_owned())
    }

    /// Counts a failure of somebody unknown at `address`.
    pub fn stranger(&self, address: IpAddr) -> Allowance {
        self.strangers.check(&neighbourhood(address))
    }

    /// Counts a try to log in from `address`, whatever comes of it.
    pub fn login(&self, address: IpAddr) -> Allowance {
        self.logins.check(&neighbourhood(address))
    }

    /// Counts a try to open the documents with the personal link of `recipient`.
    pub fn opening(&self, recipient: &str) -> Allowance {
        self.openings.check(&recipient.to_owned())
    }

    /// Counts a call within a session, named by its hash or recipient.
    pub fn session(&self, id: &str) -> Allowance {
        self.sessions.check(&id.to_owned())
    }

    /// Forgets callers whose buckets are full again. Called on a timer.
    pub fn sweep(&self) {
        self.keys.sweep();
        self.strangers.sweep();
        self.logins.sweep();
        self.openings.sweep();
        self.sessions.sweep();
    }

    /// The value of `RateLimit-Policy` (IETF httpapi draft) for keys.
    pub fn policy(&self) -> String {
        format!(
            "\"sustained\";q={};w=60, \"burst\";q={};w=10",
            self.settings.requests_per_minute, self.settings.burst
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::ManualClock;
    use crate::domain::time::Timestamp;

    fn limits(clock: &Arc<ManualClock>) -> Limits {
        let settings = LimitSettings {
            requests_per_minute: 100,
            burst: 200,
            unauthenticated_per_minute: 20,
            session_per_minute: 1200,
        };
        Limits::new(clock.clone(), settings)
    }

    #[test]
    fn a_full_bucket_passes_200_and_then_one_each_600_ms() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        let limits = limits(&clock);
        assert_eq!((0..250).filter(|_| limits.key("key_1").passed).count(), 200);
        let refused = limits.key("key_1");
        assert_eq!((refused.passed, refused.wait_seconds), (false, 1));
        clock.advance(Duration::from_millis(599));
        assert!(!limits.key("key_1").passed);
        clock.advance(Duration::from_millis(1));
        assert!(limits.key("key_1").passed);
        assert!(!limits.key("key_1").passed);
        assert!(limits.key("key_2").passed, "another key has its own bucket");
    }

    #[test]
    fn one_upload_too_many_finds_no_place_and_takes_none() {
        let uploads = Uploads::new(2);
        let first = uploads.enter();
        let second = uploads.enter();
        assert!(first.is_some() && second.is_some() && uploads.enter().is_none());
        drop(first);
        assert!(uploads.enter().is_some());
    }

    #[test]
    fn who_waits_as_long_as_told_gets_through() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(0)));
        let limits = limits(&clock);
        let address: IpAddr = "192.0.2.7".parse().expect("an address");
        while limits.stranger(address).passed {}
        let told = limits.stranger(address).wait_seconds;
        assert!(told >= 1);
        clock.advance(Duration::from_secs(told));
        assert!(limits.stranger(address).passed);
    }
}
