//! Webhooks: registered, listed, removed. The secret is shown once and kept encrypted.

use super::access::{self, Caller};
use super::delivering::schemes;
use super::idempotency::{Claim, remember};
use super::{App, Error};
use crate::domain::event::SystemEvent;
use crate::domain::ids::WebhookId;
use crate::domain::scope::Scope;
use crate::domain::secret::WebhookSecret;
use crate::domain::webhook::Registration;
use crate::outbound::{Refused, Target};
pub use crate::store::Webhook;
use crate::store::Window;
use serde_json::Value;
use std::time::Duration;

/// A webhook as it is shown once.
pub struct NewWebhook {
    /// What the list shows of it.
    pub webhook: Webhook,
    /// The secret.
    pub secret: String,
}

/// How long looking a webhook's name up may take when it is registered.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(5);

const NO_WEBHOOK: Error = Error::NotFound("webhook");

impl App {
    /// Registers a webhook. Its address is looked up and judged now, and again at each attempt.
    pub fn create_webhook(
        &self,
        caller: &Caller,
        body: &Value,
        claim: Option<Claim>,
        view: impl FnOnce(&NewWebhook) -> Vec<u8> + Send + 'static,
    ) -> Result<Vec<u8>, Error> {
        self.expect_scope(caller, Scope::WebhooksWrite)?;
        let Registration {
            url,
            events,
            active,
        } = Registration::read(body.clone()).map_err(Error::Invalid)?;
        let target = Target::parse(&url, schemes(caller.environment));
        target
            .and_then(|target| self.guard.admit(&target, LOOK_UP_TIMEOUT))
            .map_err(|refused| match refused {
                Refused::Busy => Error::Unavailable,
                refused => Error::UrlRejected(refused.to_string()),
            })?;
        let secret = WebhookSecret::from_bytes(self.random());
        let id = WebhookId::new(self.now(), self.random());
        let sealed = self.keyring.storage().seal(
            self.random(),
            id.to_string().as_bytes(),
            secret.expose().as_bytes(),
        );
        let caller = caller.clone();
        self.store.write(move |tx| {
            access::require(tx, &caller, Scope::WebhooksWrite)?;
            let webhook = Webhook {
                id,
                environment: caller.environment,
                url,
                events,
                is_active: active,
                secret: sealed,
                created_at: tx.now(),
                failing_since: None,
            };
            tx.insert_webhook(&webhook)?;
            let event = SystemEvent::WebhookCreated {
                id,
                environment: webhook.environment,
                url: webhook.url.clone(),
                events: webhook.events.clone(),
            };
            tx.record_system(&event, &caller.origin)?;
            let new = NewWebhook {
                webhook,
                secret: secret.expose().to_owned(),
            };
            let body = view(&new);
            remember(claim.as_ref(), tx, 201, &body, true)?;
            Ok(body)
        })
    }

    /// One webhook.
    pub fn webhook(&self, caller: &Caller, id: &str) -> Result<Webhook, Error> {
        let id: WebhookId = id.parse().map_err(|_| NO_WEBHOOK)?;
        self.store.read(|tx| {
            access::require(tx, caller, Scope::WebhooksRead)?;
            tx.webhook(caller.environment, id)?.ok_or(NO_WEBHOOK)
        })
    }

    /// A page of webhooks, newest first, and how many there are.
    pub fn list_webhooks(
        &self,
        caller: &Caller,
        page: u32,
        size: u32,
    ) -> Result<(Vec<Webhook>, u64), Error> {
        self.store.read(|tx| {
            access::require(tx, caller, Scope::WebhooksRead)?;
            let page = tx.webhooks(caller.environment, Window::page(page, size))?;
            Ok((page.items, page.total))
        })
    }

    /// Removes a webhook; what waits for it is dropped.
    pub fn delete_webhook(&self, caller: &Caller, id: &str) -> Result<(), Error> {
        let id: WebhookId = id.parse().map_err(|_| NO_WEBHOOK)?;
        let caller = caller.clone();
        self.store.write(move |tx| {
            access::require(tx, &caller, Scope::WebhooksWrite)?;
            tx.webhook(caller.environment, id)?.ok_or(NO_WEBHOOK)?;
            tx.delete_webhook(caller.environment, id)?;
            tx.record_system(
                &SystemEvent::WebhookDeleted {
                    id,
                    environment: caller.environment,
                },
                &caller.origin,
            )?;
            Ok(())
        })
    }
}
