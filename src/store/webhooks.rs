//! Registered webhooks, what they are told, and the deliveries that are under way.

use super::error::Error;
use super::lists::{Page, Window};
use super::queue::{Lease, Queue};
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::environment::Environment;
use crate::domain::event::EventName;
use crate::domain::ids::{DeliveryId, EnvelopeId, EventId, WebhookId};
use crate::domain::limits;
use crate::domain::time::Timestamp;
use rusqlite::{Row, params};
use std::time::Duration;

/// A registered webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Which world it hears of.
    pub environment: Environment,
    /// Where to.
    pub url: String,
    /// What of.
    pub events: Vec<EventName>,
    /// Whether anything is sent.
    pub is_active: bool,
    /// Its secret, encrypted by the caller.
    pub secret: Vec<u8>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Since when every attempt has failed.
    pub failing_since: Option<Timestamp>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("id", &self.id)
            .field("environment", &self.environment)
            .field("is_active", &self.is_active)
            .finish_non_exhaustive()
    }
}

/// A delivery that was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The right to attempt it.
    pub lease: Lease,
    /// Its id.
    pub id: DeliveryId,
    /// To whom.
    pub webhook: Webhook,
    /// The event's id: the same in all attempts.
    pub event_id: EventId,
    /// The event's name.
    pub event: EventName,
    /// The stored body, byte for byte.
    pub body: String,
}

const COLUMNS: &str =
    "w.id, w.environment, w.url, w.events, w.active, w.secret, w.created_at, w.failing_since";

fn webhook(r: &Row<'_>) -> Result<Webhook, Error> {
    Ok(Webhook {
        id: row::parsed(r, 0, "webhook id")?,
        environment: row::environment(r, 1)?,
        url: r.get(2)?,
        events: row::json(r, 3, "webhook's events")?,
        is_active: r.get(4)?,
        secret: r.get(5)?,
        created_at: row::time(r, 6)?,
        failing_since: row::time_or_none(r, 7)?,
    })
}

/// Endpoints that may get an attempt now, with how many, the one that waits longest first: for `?1` now and `?2` attempts at once.
const ROOM: &str = "SELECT id, room, due FROM (
        SELECT w.id AS id,
            CASE WHEN w.failing_since IS NULL THEN ?2 ELSE 1 END
                - (SELECT count(*) FROM delivery f WHERE f.lane = w.id AND f.state = 'LEASED' AND f.due_at > ?1) AS room,
            (SELECT d.due_at FROM delivery d WHERE d.lane = w.id AND d.state IN ('READY', 'LEASED')
                ORDER BY d.due_at LIMIT 1) AS due
        FROM webhook w WHERE w.active = 1 AND w.deleted_at IS NULL)
    WHERE due IS NOT NULL ORDER BY due, id";

fn per_endpoint() -> i64 {
    row::signed(limits::WEBHOOK_IN_FLIGHT_PER_ENDPOINT_MAX as u64)
}

impl ReadTx<'_> {
    /// The webhook, if this environment has it.
    pub fn webhook(
        &self,
        environment: Environment,
        id: WebhookId,
    ) -> Result<Option<Webhook>, Error> {
        self.find(
            &format!("SELECT {COLUMNS} FROM webhook w WHERE id = ?1 AND environment = ?2 AND deleted_at IS NULL"),
            params![id.to_string(), environment.as_str()],
            webhook,
        )
    }

    /// The webhooks of an environment, newest first. There are at most [`limits::WEBHOOKS_MAX`], so they are counted.
    pub fn webhooks(
        &self,
        environment: Environment,
        window: Window,
    ) -> Result<Page<Webhook>, Error> {
        let items = self.all(
            &format!(
                "SELECT {COLUMNS} FROM webhook w WHERE environment = ?1 AND deleted_at IS NULL
                 ORDER BY id DESC LIMIT ?2 OFFSET ?3"
            ),
            params![
                environment.as_str(),
                window.limit,
                row::signed(window.offset)
            ],
            webhook,
        )?;
        Ok(Page {
            items,
            total: self.webhook_total(environment)?,
        })
    }

    fn webhook_total(&self, environment: Environment) -> Result<u64, Error> {
        let total = self.find(
            "SELECT count(*) FROM webhook WHERE environment = ?1 AND deleted_at IS NULL",
            [environment.as_str()],
            |r| row::unsigned(r, 0),
        )?;
        Ok(total.unwrap_or(0))
    }

    fn in_flight(&self) -> Result<usize, Error> {
        let n = self.find(
            "SELECT count(*) FROM delivery WHERE state = 'LEASED' AND due_at > ?1",
            [self.now().as_millis()],
            |r| Ok(r.get::<_, isize>(0)?.unsigned_abs()),
        )?;
        Ok(n.unwrap_or(0))
    }

    /// When a delivery can next be claimed: what waits behind a bound waits for news instead, or for the end of a lease.
    pub fn next_delivery_due(&self) -> Result<Option<Timestamp>, Error> {
        let now = self.now().as_millis();
        let ends = self.find(
            "SELECT min(due_at) FROM delivery WHERE state = 'LEASED' AND due_at > ?1",
            [now],
            |r| Ok(r.get::<_, Option<i64>>(0)?),
        )?;
        let due = if self.in_flight()? < limits::WEBHOOK_IN_FLIGHT_MAX {
            self.all(ROOM, params![now, per_endpoint()], |r| {
                let (room, due): (i64, i64) = (r.get(1)?, r.get(2)?);
                Ok((room > 0).then_some(due))
            })?
            .into_iter()
            .flatten()
            .min()
        } else {
            None
        };
        Ok([ends.flatten(), due]
            .into_iter()
            .flatten()
            .min()
            .map(Timestamp::from_millis))
    }
}

impl WriteTx<'_> {
    /// Keeps a new webhook. [`Error::LimitReached`] where the environment has [`limits::WEBHOOKS_MAX`].
    pub fn insert_webhook(&self, webhook: &Webhook) -> Result<(), Error> {
        if self.webhook_total(webhook.environment)? >= limits::WEBHOOKS_MAX as u64 {
            return Err(Error::LimitReached("webhooks"));
        }
        self.insert(
            "webhook",
            "INSERT INTO webhook (id, environment, url, events, active, secret, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                webhook.id.to_string(),
                webhook.environment.as_str(),
                webhook.url,
                row::to_json(&webhook.events, "webhook's events")?,
                webhook.is_active,
                webhook.secret,
                webhook.created_at.as_millis(),
            ],
        )
    }

    /// Removes a webhook: nothing more is sent to it. False where there is none.
    pub fn delete_webhook(&self, environment: Environment, id: WebhookId) -> Result<bool, Error> {
        let deleted = self.run(
            "UPDATE webhook SET deleted_at = ?3, active = 0, secret = x''
             WHERE id = ?1 AND environment = ?2 AND deleted_at IS NULL",
            params![id.to_string(), environment.as_str(), self.now().as_millis()],
        )?;
        Ok(deleted == 1)
    }

    /// Switches a webhook on or off. False where there is none, or it was so already.
    pub fn set_webhook_active(
        &self,
        environment: Environment,
        id: WebhookId,
        active: bool,
    ) -> Result<bool, Error> {
        let changed = self.run(
            "UPDATE webhook SET active = ?3, failing_since = NULL
             WHERE id = ?1 AND environment = ?2 AND deleted_at IS NULL AND active <> ?3",
            params![id.to_string(), environment.as_str(), active],
        )?;
        self.has_news(Queue::Delivery);
        Ok(changed == 1)
    }

    /// Stores what happened for the active webhooks of the environment that want to hear of it; nothing where none does.
    pub(super) fn announce(
        &self,
        environment: Environment,
        name: EventName,
        envelope: Option<EnvelopeId>,
        body: impl FnOnce(EventId) -> Result<String, Error>,
    ) -> Result<(), Error> {
        let listening = self.all(
            "SELECT id, events FROM webhook WHERE environment = ?1 AND deleted_at IS NULL AND active = 1 ORDER BY id",
            [environment.as_str()],
            |r| {
                let events: Vec<EventName> = row::json(r, 1, "webhook's events")?;
                Ok(events.contains(&name).then_some(r.get::<_, String>(0)?))
            },
        )?;
        let mut listening = listening.into_iter().flatten().peekable();
        if listening.peek().is_none() {
            return Ok(());
        }
        let event = self.new_id(EventId::new);
        let now = self.now().as_millis();
        self.insert(
            "event",
            "INSERT INTO webhook_event (id, environment, name, envelope_id, body, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                event.to_string(),
                environment.as_str(),
                name.as_str(),
                envelope.map(|id| id.to_string()),
                body(event)?,
                now,
            ],
        )?;
        for webhook in listening {
            self.insert(
                "delivery",
                "INSERT INTO delivery (id, lane, event_id, state, due_at, created_at) VALUES (?1, ?2, ?3, 'READY', ?4, ?4)",
                params![
                    self.new_id(DeliveryId::new).to_string(),
                    webhook,
                    event.to_string(),
                    now
                ],
            )?;
        }
        self.has_news(Queue::Delivery);
        Ok(())
    }

    /// Takes up to `limit` deliveries for `span`, those due longest first, within the bounds: so many in flight in all, so many for
    /// each endpoint, and one for an endpoint whose last attempt failed. Costs a few steps for each endpoint, however much waits.
    pub fn claim_deliveries(&self, limit: usize, span: Duration) -> Result<Vec<Delivery>, Error> {
        let now = self.now().as_millis();
        let free = limits::WEBHOOK_IN_FLIGHT_MAX
            .saturating_sub(self.in_flight()?)
            .min(limit);
        if free == 0 {
            return Ok(Vec::new());
        }
        let mut due = Vec::new();
        let endpoints: Vec<(String, i64, i64)> =
            self.all(ROOM, params![now, per_endpoint()], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?))
            })?;
        for (endpoint, room, first) in endpoints {
            if first > now {
                break;
            }
            if room > 0 {
                due.extend(self.all(
                    "SELECT due_at, id FROM delivery WHERE lane = ?1 AND state IN ('READY', 'LEASED') AND due_at <= ?2
                     ORDER BY due_at, id LIMIT ?3",
                    params![endpoint, now, room],
                    |r| Ok((r.get::<_, i64>(0)?, r.get::<_, String>(1)?)),
                )?);
            }
        }
        due.sort();
        due.into_iter()
            .take(free)
            .map(|(_, id)| self.lease(Queue::Delivery, id, span))
            .map(|lease| self.delivery(lease?))
            .collect()
    }

    fn delivery(&self, lease: Lease) -> Result<Delivery, Error> {
        self.find(
            &format!(
                "SELECT {COLUMNS}, d.id, d.event_id, e.name, e.body FROM delivery d
                 JOIN webhook w ON w.id = d.lane JOIN webhook_event e ON e.id = d.event_id WHERE d.id = ?1"
            ),
            [lease.id()],
            |r| {
                let name: String = r.get(10)?;
                Ok(Delivery {
                    lease: lease.clone(),
                    webhook: webhook(r)?,
                    id: row::parsed(r, 8, "delivery id")?,
                    event_id: row::parsed(r, 9, "event id")?,
                    event: EventName::ALL
                        .into_iter()
                        .find(|event| event.as_str() == name)
                        .ok_or_else(|| Error::damaged("event's name", name))?,
                    body: r.get(11)?,
                })
            },
        )?
        .ok_or(Error::Missing("delivery"))
    }

    /// The endpoint took it. [`Error::Conflict`] if the lease is lost.
    pub fn delivered(&self, delivery: &Delivery) -> Result<(), Error> {
        self.finish(&delivery.lease)?;
        self.run(
            "UPDATE webhook SET failing_since = NULL WHERE id = ?1 AND failing_since IS NOT NULL",
            [delivery.webhook.id.to_string()],
        )?;
        Ok(())
    }

    /// The endpoint didn't take it: again at `retry_at`, or given up. Tells since when the endpoint has only failed.
    /// [`Error::Conflict`] if the lease is lost.
    pub fn not_delivered(
        &self,
        delivery: &Delivery,
        retry_at: Option<Timestamp>,
        reason: &str,
    ) -> Result<Timestamp, Error> {
        self.fail(&delivery.lease, retry_at, reason)?;
        let since = self.find(
            "UPDATE webhook SET failing_since = coalesce(failing_since, ?2) WHERE id = ?1 RETURNING failing_since",
            params![delivery.webhook.id.to_string(), self.now().as_millis()],
            |r| row::time(r, 0),
        )?;
        Ok(since.unwrap_or(self.now()))
    }

    /// Ends up to `limit` deliveries whose endpoint was removed (there is nothing left to do for them) or switched off (a person
    /// may switch it on and have them retried). Tells how many.
    pub fn strand_deliveries(&self, limit: u32) -> Result<usize, Error> {
        let now = self.now().as_millis();
        let removed = self.run(
            "UPDATE delivery SET state = 'DONE', ended_at = ?1, last_error = 'The webhook was removed.'
             WHERE rowid IN (
                 SELECT d.rowid FROM webhook w JOIN delivery d ON d.lane = w.id
                 WHERE w.deleted_at IS NOT NULL AND d.state IN ('READY', 'LEASED') LIMIT ?2)",
            params![now, limit],
        )?;
        // Nobody can retry those that had failed before. Found by their state: the lanes of removed webhooks only grow in number.
        let failed = self.run(
            "UPDATE delivery SET state = 'DONE' WHERE rowid IN (
                 SELECT d.rowid FROM delivery d JOIN webhook w ON w.id = d.lane
                 WHERE d.state = 'FAILED' AND w.deleted_at IS NOT NULL LIMIT ?1)",
            [limit],
        )?;
        let switched_off = self.run(
            "UPDATE delivery SET state = 'FAILED', ended_at = ?1, last_error = 'The webhook is switched off.'
             WHERE rowid IN (
                 SELECT d.rowid FROM webhook w JOIN delivery d ON d.lane = w.id
                 WHERE w.active = 0 AND w.deleted_at IS NULL AND d.state IN ('READY', 'LEASED') LIMIT ?2)",
            params![now, limit],
        )?;
        Ok(removed + failed + switched_off)
    }
}
