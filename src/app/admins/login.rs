//! Logging in: who waits how long, and what a login ends.
//!
//! Whoever guesses from many addresses is slowed by the account's delay. It would keep the account's owner out too, so that delay
//! is not for places where the owner has logged in: there the failures of that place count, and nobody else's.

use super::{Administrator, new_session};
use crate::app::{App, Error};
use crate::domain::contact::EmailAddress;
use crate::domain::event::SystemEvent;
use crate::domain::ids::{AdminId, SessionId};
use crate::domain::network::neighbourhood;
use crate::domain::origin::{Actor, Factor, Origin};
use crate::domain::secret::Token;
use crate::domain::time::Timestamp;
use crate::store::{Admin, Failures};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Waits after failures: none for the first four, then doubling to a minute.
const DELAY_MAX: Duration = Duration::from_secs(60);
const FREE_FAILURES: u32 = 4;
/// How long a place stays known after a login.
const PLACE_KNOWN: Duration = Duration::from_secs(90 * 86_400);

/// What failures are counted for: an account, or a known place of it.
type Count = (AdminId, Option<IpAddr>);

/// Tries whose password is being looked at: many at once may do no more than one after the other.
#[derive(Default)]
pub(crate) struct Tries(Mutex<HashMap<Count, u32>>);

/// One of them, counted until it is dropped.
struct Try<'a> {
    tries: &'a Tries,
    count: Count,
    /// How many were under way when it came.
    others: u32,
}

impl Tries {
    fn enter(&self, count: Count) -> Try<'_> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = under_way.entry(count).or_default();
        let others = *entry;
        *entry = entry.saturating_add(1);
        Try {
            tries: self,
            count,
            others,
        }
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        let mut under_way = self.tries.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = under_way.get_mut(&self.count) {
            *entry = entry.saturating_sub(1);
            if *entry == 0 {
                under_way.remove(&self.count);
            }
        }
    }
}

/// Whether one more may try. `others` may fail yet: they count as if they had.
fn may_try(failures: Failures, others: u32, now: Timestamp) -> bool {
    failures.count.saturating_add(others) < FREE_FAILURES
        || (others == 0 && delayed_until(failures).is_none_or(|until| until <= now))
}

fn delayed_until(failures: Failures) -> Option<Timestamp> {
    let beyond = failures.count.checked_sub(FREE_FAILURES)?.min(6);
    let delay = Duration::from_secs(1 << beyond).min(DELAY_MAX);
    failures.last_at.map(|at| at.plus(delay))
}

impl App {
    /// Logs in. `None`: the address is unknown, the password wrong, or an earlier failure too recent. Nobody is told which, and
    /// each costs the same. `held` is the session's token that this browser has had: that session ends.
    pub fn log_in(
        &self,
        email: &str,
        password: &str,
        held: Option<&str>,
        origin: &Origin,
    ) -> Result<Option<Token>, Error> {
        let here = origin.address.map(neighbourhood);
        let known = match email.parse::<EmailAddress>() {
            Ok(email) => self
                .store
                .read(|tx| tx.admin_by_email(&email).map_err(Error::from))?,
            Err(_) => None,
        };
        let id = known.as_ref().map(|admin| admin.id);
        let place = match id.zip(here) {
            Some((id, here)) => self.failures_at(id, here)?.map(|_| here),
            None => None,
        };
        let entered = id.map(|id| self.tries.enter((id, place)));
        // Read once the try is counted: who went before is either under way or has left its failure.
        let may_try = match &entered {
            Some(entered) => self.may_enter(entered)?,
            None => false,
        };
        let stored = known.as_ref().map(|admin| admin.password_hash.as_str());
        let is_right = self.verify_password(password, stored)?;
        let origin = origin.clone();
        let Some(admin) = known.filter(|_| is_right && may_try) else {
            self.store.write(move |tx| {
                // A try within the delay does not lengthen it: else strangers could keep the account shut.
                if let Some(id) = id.filter(|_| may_try) {
                    tx.note_admin_failure(id, place)?;
                }
                tx.record_system(&SystemEvent::AdminLoginFailed { id }, &origin)?;
                Ok::<_, Error>(())
            })?;
            return Ok(None);
        };
        let held = held.and_then(|held| Token::parse(held).ok());
        let session = Token::from_bytes(self.random());
        let hash = session.fingerprint();
        self.store.write(move |tx| {
            if let Some(held) = held {
                tx.delete_admin_session(&held.fingerprint())?;
            }
            let session = new_session(tx.new_id(SessionId::new), admin.id, tx.now());
            tx.insert_admin_session(&hash, &session)?;
            if let Some(here) = here {
                tx.enter_admin_place(admin.id, here)?;
            }
            let actor = Actor::Admin {
                id: admin.id,
                name: admin.name,
            };
            let origin = Origin {
                actor,
                factor: Factor::Password,
                ..origin
            };
            tx.record_system(&SystemEvent::AdminLogin { id: admin.id }, &origin)?;
            Ok::<_, Error>(())
        })?;
        Ok(Some(session))
    }

    fn failures_at(&self, id: AdminId, place: IpAddr) -> Result<Option<Failures>, Error> {
        self.store
            .read(|tx| Ok(tx.failures_at_place(id, place, PLACE_KNOWN)?))
    }

    fn may_enter(&self, entered: &Try<'_>) -> Result<bool, Error> {
        let (id, place) = entered.count;
        let failures = match place {
            Some(place) => self.failures_at(id, place)?,
            None => self.store.read(|tx| {
                let admin = tx.admin(id)?;
                Ok::<_, Error>(admin.as_ref().map(of_account))
            })?,
        };
        Ok(failures.is_some_and(|failures| may_try(failures, entered.others, self.now())))
    }

    /// Ends a session.
    pub fn log_out(&self, who: &Administrator, cookie: &str) -> Result<(), Error> {
        let Ok(token) = Token::parse(cookie) else {
            return Ok(());
        };
        let (hash, id, origin) = (token.fingerprint(), who.admin.id, who.origin.clone());
        self.store.write(move |tx| {
            tx.delete_admin_session(&hash)?;
            tx.record_system(&SystemEvent::AdminLogout { id }, &origin)?;
            Ok::<_, Error>(())
        })
    }
}

fn of_account(admin: &Admin) -> Failures {
    Failures {
        count: admin.failures,
        last_at: admin.failed_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(count: u32, seconds_ago: u64) -> (Failures, Timestamp) {
        let now = Timestamp::from_seconds(1_800_000_000);
        let last_at = Some(now.minus(Duration::from_secs(seconds_ago)));
        (Failures { count, last_at }, now)
    }

    #[test]
    fn four_failures_are_free_and_then_the_wait_doubles_to_a_minute() {
        for (count, wait) in [(4, 1), (5, 2), (6, 4), (9, 32), (10, 60), (1_000, 60)] {
            let (early, now) = failures(count, wait - 1);
            assert!(!may_try(early, 0, now), "{count}");
            let (late, now) = failures(count, wait);
            assert!(may_try(late, 0, now), "{count}");
        }
        let (few, now) = failures(3, 0);
        assert!(may_try(few, 0, now));
    }

    #[test]
    fn tries_at_once_count_as_if_they_had_failed() {
        let (none, now) = failures(0, 0);
        assert!(may_try(none, 3, now) && !may_try(none, 4, now));
        let (many, now) = failures(20, 3_600);
        assert!(may_try(many, 0, now));
        assert!(!may_try(many, 1, now), "one at a time");
    }

    #[test]
    fn a_try_counts_until_it_ends() {
        let tries = Tries::default();
        let id = AdminId::new(Timestamp::from_millis(0), [1; 10]);
        let here = (id, Some(IpAddr::from([192, 0, 2, 7])));
        let first = tries.enter((id, None));
        let second = tries.enter((id, None));
        let elsewhere = tries.enter(here);
        assert_eq!((first.others, second.others, elsewhere.others), (0, 1, 0));
        drop((first, second, elsewhere));
        assert!(tries.0.lock().unwrap().is_empty());
    }
}
