//! Webhooks: what is said, how it is signed, when it is tried again.

use super::audit::Head;
use super::envelope::{Envelope, State, Status};
use super::environment::Environment;
use super::event::EventName;
use super::ids::{DeliveryId, EnvelopeId, EventId, RecipientId};
use super::limits;
use super::problem::{Faults, Members, NOT_AVAILABLE, Problem, nearest};
use super::secret::WebhookSecret;
use super::time::{Civil, Timestamp};
use base64::Engine as _;
use ring::hmac;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// What POST /webhooks asks for. Whether the URL may be called is for the resolver's guard to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Where to.
    pub url: String,
    /// What of; each once.
    pub events: Vec<EventName>,
    /// Whether from now on.
    pub active: bool,
}

impl Registration {
    /// Reads the body.
    ///
    /// # Errors
    /// All faults at once.
    pub fn read(body: Value) -> Result<Self, Vec<Problem>> {
        let faults = Faults::new();
        let meant = Members::of(body, "", &faults).and_then(|mut m| {
            let url = m.line("url", limits::WEBHOOK_URL_BYTES_MAX);
            let url = m.require("url", url);
            if url
                .as_ref()
                .is_some_and(|u| u.len() > limits::WEBHOOK_URL_BYTES_MAX)
            {
                m.fault(
                    "url",
                    "too_long",
                    format!(
                        "`url` is longer than {} bytes.",
                        limits::WEBHOOK_URL_BYTES_MAX
                    ),
                );
            }
            let names = m.list("events", 50).filter(|l| !l.is_empty());
            let names = m.require("events", names);
            let events = names.map(|names| events(names, &faults));
            let active = m.boolean("active").unwrap_or(true);
            m.finish();
            Some(Self {
                url: url?,
                events: events?,
                active,
            })
        });
        faults.or(meant)
    }
}

fn events(names: Vec<(String, Value)>, faults: &Faults) -> Vec<EventName> {
    let mut events = Vec::new();
    for (pointer, name) in names {
        let Value::String(name) = name else {
            faults.add(
                pointer,
                "wrong_type",
                "The name of an event must be a text.",
            );
            continue;
        };
        match EventName::ALL.into_iter().find(|e| e.as_str() == name) {
            Some(event) if events.contains(&event) => {}
            Some(event) => events.push(event),
            None if EventName::WAITING.contains(&name.as_str()) => {
                faults.add(
                    pointer,
                    NOT_AVAILABLE,
                    format!("`events`: `{name}` is not available in this version."),
                );
            }
            None => {
                let hint = nearest(&name, EventName::ALL.into_iter().map(EventName::as_str))
                    .map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
                faults.add(
                    pointer,
                    "invalid_value",
                    format!("There is no such event.{hint}"),
                );
            }
        }
    }
    events
}

#[derive(serde::Serialize)]
struct Payload<'a> {
    id: EventId,
    event: EventName,
    timestamp: Timestamp,
    occurred_at: Timestamp,
    envelope_id: EnvelopeId,
    environment: Environment,
    data: Data<'a>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    envelope_id: EnvelopeId,
    subject: &'a str,
    status: Option<Status>,
    recipient_count: usize,
    signed_count: usize,
    signature_level: super::definition::SignatureLevel,
    document_sha256: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_document_sha256: Option<Vec<String>>,
    audit: Audit,
    external_id: Option<&'a str>,
    metadata: &'a BTreeMap<String, String>,
    #[serde(flatten)]
    recipient: Option<About<'a>>,
    #[serde(rename = "decline_reason", skip_serializing_if = "Option::is_none")]
    decline_reason: Option<&'a str>,
    #[serde(rename = "void_reason", skip_serializing_if = "Option::is_none")]
    void_reason: Option<&'a str>,
    #[serde(rename = "missing_signers", skip_serializing_if = "Option::is_none")]
    missing_signers: Option<Vec<&'a str>>,
}

#[derive(serde::Serialize)]
struct Audit {
    sequence: u64,
    hash: String,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct About<'a> {
    recipient_id: RecipientId,
    email: &'a str,
    name: Option<&'a str>,
    role: &'static str,
    viewed_at: Option<Timestamp>,
    signed_at: Option<Timestamp>,
}

/// The body of one event, to be stored once and sent unchanged: `envelope` as it is after the event, `recipient` whom the event
/// is about, `audit` the head that the event's own entry made.
///
/// # Errors
/// Only where a value can't be written as JSON, which none of ours does.
pub fn payload(
    id: EventId,
    event: EventName,
    at: Timestamp,
    envelope: &Envelope,
    recipient: Option<RecipientId>,
    audit: &Head,
) -> Result<String, serde_json::Error> {
    let about = recipient
        .and_then(|id| envelope.recipient(id))
        .map(|(r, progress)| About {
            recipient_id: r.id,
            email: r.email.as_str(),
            name: r.name.as_ref().map(super::contact::PersonName::as_str),
            role: r.role.as_str(),
            viewed_at: progress.viewed_at,
            signed_at: progress.signed_at,
        });
    let (mut signed, mut decline_reason, mut void_reason, mut missing_signers) =
        (None, None, None, None);
    match &envelope.state {
        State::Completed { sealed } => {
            signed = Some(sealed.iter().map(|s| s.sha256.to_string()).collect())
        }
        State::Declined { reason, .. } => decline_reason = Some(reason.as_str()),
        State::Voided { reason } => void_reason = reason.as_deref(),
        State::Expired => {
            missing_signers = Some(envelope.waiting().map(|(r, _)| r.email.as_str()).collect())
        }
        State::Draft | State::Open { .. } | State::Sealing { .. } | State::Discarded => {}
    }
    serde_json::to_string(&Payload {
        id,
        event,
        timestamp: at,
        occurred_at: at,
        envelope_id: envelope.id,
        environment: envelope.environment,
        data: Data {
            envelope_id: envelope.id,
            subject: &envelope.definition.subject,
            status: envelope.status(),
            recipient_count: envelope.progress.len(),
            signed_count: envelope.signed_count(),
            signature_level: envelope.definition.signature_level,
            document_sha256: envelope
                .documents
                .iter()
                .map(|d| d.sha256.to_string())
                .collect(),
            signed_document_sha256: signed,
            audit: Audit {
                sequence: audit.seq,
                hash: audit.hash.to_string(),
            },
            external_id: envelope.definition.external_id.as_deref(),
            metadata: &envelope.definition.metadata,
            recipient: about,
            decline_reason,
            void_reason,
            missing_signers,
        },
    })
}

fn mac(key: &[u8], parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    parts.iter().for_each(|part| context.update(part));
    context.sign()
}

/// The `X-Certyneo-Signature` header: lower-case hex HMAC-SHA-256 of the body under the secret's text.
pub fn body_signature(secret: &WebhookSecret, body: &[u8]) -> String {
    hex::encode(mac(secret.expose().as_bytes(), &[body]))
}

/// The `webhook-signature` header of Standard Webhooks 1.0: `v1,` and base64 HMAC-SHA-256 of id, time and body under the
/// secret's decoded bytes. `at` is the moment of the attempt.
pub fn timed_signature(secret: &WebhookSecret, id: &str, at: Timestamp, body: &[u8]) -> String {
    let seconds = at.as_seconds().to_string();
    let tag = mac(
        &secret.decoded(),
        &[id.as_bytes(), b".", seconds.as_bytes(), b".", body],
    );
    format!(
        "v1,{}",
        base64::engine::general_purpose::STANDARD.encode(tag)
    )
}

/// All headers of one attempt at `at`.
pub fn headers(
    secret: &WebhookSecret,
    id: EventId,
    event: EventName,
    delivery: DeliveryId,
    at: Timestamp,
    body: &[u8],
) -> Vec<(&'static str, String)> {
    vec![
        ("content-type", "application/json; charset=utf-8".to_owned()),
        ("x-certyneo-event", event.as_str().to_owned()),
        ("x-certyneo-delivery", delivery.to_string()),
        ("x-certyneo-signature", body_signature(secret, body)),
        ("webhook-id", id.to_string()),
        ("webhook-timestamp", at.as_seconds().to_string()),
        (
            "webhook-signature",
            timed_signature(secret, &id.to_string(), at, body),
        ),
    ]
}

/// When to try again after the `made`th attempt (from 1) ended at `ended` without success; `None` when all are used up.
/// `random` is any random number; `retry_after` what the receiver asked for, which may only lengthen the wait.
pub fn next_attempt(
    made: u32,
    ended: Timestamp,
    random: u32,
    retry_after: Option<Duration>,
) -> Option<Timestamp> {
    let wait = limits::WEBHOOK_WAITS.get(usize::try_from(made).ok()?.checked_sub(1)?)?;
    let spread = wait.as_millis() as u64 * u64::from(limits::WEBHOOK_JITTER_PERCENT) / 100;
    let jitter = (u128::from(2 * spread) * u128::from(random) / u128::from(u32::MAX)) as u64;
    let wait = *wait - Duration::from_millis(spread) + Duration::from_millis(jitter);
    let asked = retry_after
        .unwrap_or_default()
        .min(limits::WEBHOOK_RETRY_AFTER_MAX);
    Some(ended.plus(wait.max(asked)))
}

/// Reads a `Retry-After` header (RFC 9110 clause 10.2.3): seconds, or a date in the preferred form.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    http_date(text).map(|then| then.since(now))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 clause 5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut parts = text.split_once(", ")?.1.split(' ');
    let day = parts.next()?.parse().ok()?;
    let month = parts.next()?;
    let month = MONTHS.iter().position(|m| *m == month)?;
    let year = parts.next()?.parse().ok()?;
    let mut clock = parts.next()?.split(':').map(str::parse::<u8>);
    let mut two_digits = || clock.next()?.ok();
    let (hour, minute, second) = (two_digits()?, two_digits()?, two_digits()?);
    if parts.next() != Some("GMT") || parts.next().is_some() {
        return None;
    }
    Timestamp::from_civil(Civil {
        year,
        month: u8::try_from(month).ok()? + 1,
        day,
        hour,
        minute,
        second,
        millisecond: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_signatures_match_the_published_vector() {
        let secret = WebhookSecret::from_bytes(std::array::from_fn(|i| i as u8));
        let (at, body) = (Timestamp::from_seconds(1_767_225_600), br#"{"n":1}"#);
        assert_eq!(
            timed_signature(&secret, "evt_1", at, body),
            "v1,e877XiUJ1jMQXtyhNEnM4mrszymIePAWeBUUr5+sJnU="
        );
        assert_eq!(
            body_signature(&secret, body),
            "06c343ad27bb0b22827f662e1649ee321ba728de0fed4887b72db2234ad91ddd"
        );
    }

    #[test]
    fn waits_follow_the_schedule_within_a_fifth_and_then_end() {
        let ended = Timestamp::from_seconds(0);
        for (i, seconds) in [60, 300, 1_800, 7_200, 21_600].into_iter().enumerate() {
            let made = i as u32 + 1;
            let wait = |random| {
                next_attempt(made, ended, random, None)
                    .expect("an attempt")
                    .as_millis()
            };
            assert_eq!(wait(0), seconds * 800);
            assert_eq!(wait(u32::MAX), seconds * 1_200);
            assert!((wait(u32::MAX / 2) - seconds * 1_000).abs() < 2);
        }
        assert_eq!(next_attempt(6, ended, 0, None), None);
        assert_eq!(next_attempt(0, ended, 0, None), None);
    }

    #[test]
    fn a_receiver_may_lengthen_the_wait_up_to_a_day() {
        let ended = Timestamp::from_seconds(0);
        let wait = |asked| {
            next_attempt(1, ended, 0, Some(Duration::from_secs(asked))).map(Timestamp::as_seconds)
        };
        assert_eq!(wait(1), Some(48));
        assert_eq!(wait(3_600), Some(3_600));
        assert_eq!(wait(1_000_000), Some(86_400));
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = Timestamp::parse("1994-11-06T08:49:07Z").expect("time");
        assert_eq!(retry_after("120", now), Some(Duration::from_secs(120)));
        assert_eq!(
            retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(
            retry_after("Sat, 05 Nov 1994 08:49:37 GMT", now),
            Some(Duration::ZERO)
        );
        for text in [
            "",
            "-1",
            "soon",
            "1.5",
            "9999999999",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 32 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(retry_after(text, now), None, "{text}");
        }
    }

    #[test]
    fn a_registration_is_read_with_all_its_faults() {
        let read = Registration::read(
            json!({"url": "https://example.com/hook", "events": ["envelope.sent", "envelope.sent"]}),
        );
        assert_eq!(
            read,
            Ok(Registration {
                url: "https://example.com/hook".into(),
                events: vec![EventName::EnvelopeSent],
                active: true
            })
        );
        let problems = Registration::read(
            json!({"uri": "x", "events": ["envelope.send", "recipient.approved", 7]}),
        )
        .unwrap_err();
        let found: Vec<(&str, &str)> = problems
            .iter()
            .map(|p| (p.pointer.as_str(), p.code))
            .collect();
        assert_eq!(
            found,
            [
                ("/url", "required"),
                ("/events/0", "invalid_value"),
                ("/events/1", "not_available"),
                ("/events/2", "wrong_type"),
                ("/uri", "unknown_member"),
            ]
        );
        assert!(problems[1].message.contains("`envelope.sent`"));
    }
}
