//! The shapes of answers. Only this file and the OpenAPI know them.

use crate::app::documents::Document;
use crate::app::envelopes::Shown;
use crate::app::keys::{Key, NewKey};
use crate::app::webhooks::{NewWebhook, Webhook};
use crate::domain::envelope::{Envelope, FrozenDocument, State};
use crate::domain::field::Field;
use crate::domain::recipient::{Progress, Recipient};
use serde_json::{Map, Value, json};

/// A document.
pub fn document(document: &Document) -> Value {
    json!({
        "id": document.id,
        "name": document.name,
        "mimeType": "application/pdf",
        "size": document.size,
        "status": "READY",
        "pages": document.pages.len(),
        "sha256": document.sha256,
        "warnings": document.warnings.iter().map(|warning| {
            let mut shown = json!({"code": warning.code, "message": warning.message});
            if let Some(page) = warning.page {
                shown["page"] = json!(page);
            }
            shown
        }).collect::<Vec<_>>(),
        "environment": document.environment,
        "createdAt": document.created_at,
    })
}

/// An envelope. Links are shown to keys that may write envelopes, after create and send.
pub fn envelope(shown: &Shown) -> Value {
    let envelope = &shown.envelope;
    let definition = &envelope.definition;
    let (decline_reason, void_reason) = match &envelope.state {
        State::Declined { reason, .. } => (Some(reason), None),
        State::Voided { reason } => (None, reason.as_ref()),
        _ => (None, None),
    };
    let seal_pending = match &envelope.state {
        State::Sealing {
            parked: Some(parked),
        } => json!({"reason": parked.reason, "since": parked.since}),
        _ => Value::Null,
    };
    let seal_level = match &envelope.state {
        State::Completed { sealed } => sealed
            .iter()
            .map(|s| s.level)
            .min()
            .map(|level| level.as_str()),
        _ => None,
    };
    let expires_at = match &envelope.state {
        State::Open { expires_at } => Some(*expires_at),
        _ => definition.expires_at,
    };
    let completed_at = matches!(envelope.state, State::Completed { .. })
        .then_some(envelope.ended_at)
        .flatten();
    let mut body = json!({
        "id": envelope.id,
        "subject": definition.subject,
        "message": definition.message,
        "status": envelope.status(),
        "signatureLevel": definition.signature_level.as_str(),
        "signingOrder": definition.signing_order().as_str(),
        "documents": documents(shown),
        "recipients": envelope
            .recipients()
            .enumerate()
            .map(|(index, (recipient, progress))| self::recipient(shown, index, recipient, progress))
            .collect::<Vec<_>>(),
        "fields": definition.fields.iter().map(|f| field(envelope, f)).collect::<Vec<_>>(),
        "category": definition.category.map(|c| c.as_str()),
        "tags": definition.tags,
        "externalId": definition.external_id,
        "metadata": definition.metadata,
        "expiresAt": expires_at,
        "createdAt": envelope.created_at,
        "updatedAt": envelope.updated_at,
        "sentAt": envelope.sent_at,
        "completedAt": completed_at,
        "declineReason": decline_reason,
        "voidReason": void_reason,
        "sealLevel": seal_level,
        "sealPending": seal_pending,
        "environment": envelope.environment,
    });
    if !shown.warnings.is_empty() {
        body["warnings"] = shown
            .warnings
            .iter()
            .map(|(code, message)| json!({"code": code, "message": message}))
            .collect();
    }
    body
}

/// The answer to the older call that creates and sends at once: the envelope, with its recipients also as `signers`.
pub fn envelope_with_signers(shown: &Shown) -> Value {
    let mut body = envelope(shown);
    body["signers"] = body["recipients"].clone();
    body
}

fn documents(shown: &Shown) -> Vec<Value> {
    let sealed = match &shown.envelope.state {
        State::Completed { sealed } => sealed.as_slice(),
        _ => &[],
    };
    shown
        .documents
        .iter()
        .map(|FrozenDocument { id, name, pages, size, sha256 }| {
            let signed = sealed.iter().find(|s| s.document == *id).map(|s| s.sha256);
            json!({"id": id, "name": name, "pages": pages, "size": size, "sha256": sha256, "signedSha256": signed})
        })
        .collect()
}

fn recipient(shown: &Shown, index: usize, recipient: &Recipient, progress: &Progress) -> Value {
    let mut body = json!({
        "id": recipient.id,
        "email": recipient.email,
        "name": recipient.name,
        "role": recipient.role,
        "order": shown.envelope.definition.turn_of(index),
        "status": progress.status(),
        "viewedAt": progress.viewed_at,
        "signedAt": progress.signed_at,
        "declinedAt": progress.declined_at,
    });
    if let Some((token, url)) = shown.links.get(index) {
        body["accessToken"] = json!(token);
        body["signUrl"] = json!(url);
    }
    body
}

fn field(envelope: &Envelope, field: &Field) -> Value {
    let recipients = &envelope.definition.recipients;
    let index = recipients.iter().position(|r| r.id == field.recipient);
    json!({
        "id": field.id,
        "recipientEmail": index.and_then(|i| recipients.get(i)).map(|r| &r.email),
        "recipientIndex": index,
        "documentIndex": field.document,
        "pageNumber": field.page,
        "fieldType": field.kind.as_str(),
        "required": field.required,
        "label": field.label,
        "value": field.value,
        "x": field.rect.x,
        "y": field.rect.y,
        "width": field.rect.width,
        "height": field.rect.height,
    })
}

/// A webhook without its secret.
pub fn webhook(webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id,
        "url": webhook.url,
        "events": webhook.events.iter().map(|e| e.as_str()).collect::<Vec<_>>(),
        "isActive": webhook.is_active,
        "environment": webhook.environment,
        "createdAt": webhook.created_at,
    })
}

/// A webhook as it is shown once.
pub fn new_webhook(new: &NewWebhook) -> Value {
    let mut body = webhook(&new.webhook);
    body["secret"] = json!(new.secret);
    body
}

/// An API key without its secret.
pub fn key(key: &Key) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "environment": key.environment,
        "prefix": key.prefix,
        "last4": key.last4,
        "scopes": key.scopes,
        "createdAt": key.created_at,
        "lastUsedAt": key.last_used_at,
        "lastUsedIp": key.last_used_ip,
        "expiresAt": null,
        "revokedAt": key.revoked_at,
        "allowedNetworks": [],
    })
}

/// A key as it is shown once.
pub fn new_key(new: &NewKey) -> Value {
    let mut body = key(&new.key);
    body["key"] = json!(new.secret);
    body
}

/// A page of a list.
pub fn list(items: Vec<Value>, total: u64, page: u32, page_size: u32) -> Value {
    let mut pagination = Map::new();
    pagination.insert("total".into(), json!(total));
    pagination.insert("page".into(), json!(page));
    pagination.insert("pageSize".into(), json!(page_size));
    pagination.insert(
        "pages".into(),
        json!(total.div_ceil(u64::from(page_size.max(1)))),
    );
    json!({"data": items, "pagination": pagination})
}
