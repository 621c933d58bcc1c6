//! Webhooks go out: claimed in one transaction, sent outside of any, the result recorded in another.

use super::alarming::raise;
use super::{App, Error, caught};
use crate::domain::alarm::Alarm;
use crate::domain::environment::Environment;
use crate::domain::event::SystemEvent;
use crate::domain::limits;
use crate::domain::origin::Origin;
use crate::domain::secret::WebhookSecret;
use crate::domain::webhook;
use crate::outbound::{RetryAfter, Schemes, Target};
use crate::store::Delivery;
use std::time::Duration;

/// How long a delivery is held: longer than an attempt may last.
const LEASE: Duration = Duration::from_secs(60);
/// Answers that an endpoint gives for "never again".
const GONE: u16 = 410;

/// How an attempt ended.
struct Attempt {
    /// Why it was no success.
    failure: Option<String>,
    /// The endpoint asked for this wait.
    retry_after: Option<Duration>,
    /// The endpoint wants to hear nothing any more.
    gone: bool,
}

impl App {
    /// Takes what is due, at most `limit`: each is to be handed to [`App::deliver`].
    pub fn claim_deliveries(&self, limit: usize) -> Result<Vec<Delivery>, Error> {
        self.store
            .write(move |tx| Ok(tx.claim_deliveries(limit, LEASE)?))
    }

    /// Sends one delivery and records how it went.
    pub fn deliver(&self, delivery: Delivery) -> Result<(), Error> {
        let attempt = caught(|| Ok(self.attempt(&delivery))).unwrap_or_else(|error| {
            failed(format!(
                "Paraph broke at this delivery: {}",
                error.with_cause()
            ))
        });
        let random = u32::from_be_bytes(self.random());
        let contact = self.contact();
        self.store.write(move |tx| {
            let Some(reason) = attempt.failure else {
                tx.delivered(&delivery)?;
                return Ok(());
            };
            let made = delivery.lease.tries();
            let retry_at = if attempt.gone {
                None
            } else {
                webhook::next_attempt(made, tx.now(), random, attempt.retry_after)
            };
            let failing_since = tx.not_delivered(&delivery, retry_at, &reason)?;
            let hopeless = tx.now().since(failing_since) >= limits::WEBHOOK_FAILING_MAX;
            if attempt.gone || hopeless {
                let (environment, id) = (delivery.webhook.environment, delivery.webhook.id);
                if tx.set_webhook_active(environment, id, false)? {
                    let reason = if attempt.gone {
                        "it answered 410 Gone"
                    } else {
                        "it failed for five days"
                    };
                    let event = SystemEvent::WebhookDisabled {
                        id,
                        environment,
                        reason: reason.to_owned(),
                    };
                    tx.record_system(&event, &Origin::system())?;
                    let host = Target::parse(&delivery.webhook.url, schemes(environment))
                        .map_or_else(|_| id.to_string(), |it| it.authority().to_owned());
                    let alarm = Alarm::WebhookOff {
                        environment,
                        webhook: id,
                        host,
                        reason: reason.to_owned(),
                    };
                    raise(tx, contact.as_ref(), &alarm)?;
                }
            }
            Ok::<_, Error>(())
        })
    }

    fn attempt(&self, delivery: &Delivery) -> Attempt {
        let webhook = &delivery.webhook;
        let opened = self
            .keyring
            .storage()
            .open(webhook.id.to_string().as_bytes(), &webhook.secret);
        let secret = opened
            .ok()
            .and_then(|plain| WebhookSecret::parse(std::str::from_utf8(&plain).ok()?).ok());
        let Some(secret) = secret else {
            return failed("The webhook's secret can't be opened with this master key.".to_owned());
        };
        let target = match Target::parse(&webhook.url, schemes(webhook.environment)) {
            Ok(target) => target,
            Err(refused) => return failed(refused.to_string()),
        };
        let (id, event) = (delivery.event_id, delivery.event);
        let body = delivery.body.as_bytes();
        let headers = webhook::headers(&secret, id, event, delivery.id, self.now(), body);
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        match self.post.post(&target, &headers, body) {
            Ok(reply) if (200..300).contains(&reply.status) => Attempt {
                failure: None,
                retry_after: None,
                gone: false,
            },
            Ok(reply) => Attempt {
                failure: Some(format!("The endpoint answered {}.", reply.status)),
                retry_after: reply.retry_after.map(|asked| match asked {
                    RetryAfter::Seconds(seconds) => Duration::from_secs(seconds),
                    RetryAfter::At(then) => then.since(self.now()),
                }),
                gone: reply.status == GONE,
            },
            Err(failure) => failed(failure.to_string()),
        }
    }

    /// Does one due delivery. `false`: nothing is due.
    pub fn delivering_next(&self) -> Result<bool, Error> {
        let claimed = self.claim_deliveries(1)?;
        let any = !claimed.is_empty();
        for delivery in claimed {
            self.deliver(delivery)?;
        }
        Ok(any)
    }
}

fn failed(reason: String) -> Attempt {
    Attempt {
        failure: Some(reason),
        retry_after: None,
        gone: false,
    }
}

/// Test data may travel in clear, live data not.
pub(super) const fn schemes(environment: Environment) -> Schemes {
    match environment {
        Environment::Live => Schemes::HttpsOnly,
        Environment::Test => Schemes::HttpToo,
    }
}
