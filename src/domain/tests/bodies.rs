//! One example of every body of the audit trail, and of every webhook payload: read for decades, so held letter by letter.

use super::chain::stamp;
use super::examples::{Story, document, later, origin};
use crate::domain::audit::{Chain, Head, extend};
use crate::domain::command::{Command, Note};
use crate::domain::contact::EmailAddress;
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::event::{
    CertificateUse, DeniedBecause, Download, Downloadable, Event, EventName, KeptTrail, MailAnswer,
    Message, SystemEvent,
};
use crate::domain::ids::{AdminId, EventId, KeyId, MailId, WebhookId};
use crate::domain::scope::Scope;
use crate::domain::webhook;
use std::collections::BTreeMap;
use std::fmt::Write as _;

pub fn stories() -> Vec<Story> {
    let ana = Story::contract().envelope.definition.recipients[0].id;
    let answer = MailAnswer {
        mail: MailId::new(later(0), [4; 10]),
        message: Message::Invitation,
        recipient: ana,
        answer: "250 2.0.0 queued as 4F2A".to_owned(),
    };
    let download = Download {
        what: Downloadable::Signed,
        documents: vec![document(1)],
    };
    let edited = Story::contract().envelope.definition;
    vec![
        Story::contract()
            .then(|_| Command::Edit(Box::new(edited)), later(1))
            .sent()
            .noted(Note::MailAccepted(answer.clone()))
            .noted(Note::MailRefused(answer))
            .noted(Note::LinkFetched { recipient: ana })
            .noted(Note::DocumentServed {
                recipient: ana,
                document: document(1),
            })
            .signed(0)
            .signed(1)
            .noted(Note::SealFailed {
                attempt: 1,
                reason: "no space left".to_owned(),
            })
            .parked()
            .then(|_| Command::ResumeSeal, later(5))
            .completed()
            .noted(Note::Downloaded(download))
            .noted(Note::TrailKept(KeptTrail {
                sha256: Digest::of(b"trail"),
                size: 54_321,
                version: 17,
            })),
        Story::contract().sent().viewed(0).declined(),
        Story::contract().sent().then(
            |_| Command::Void {
                reason: Some("Mistake".to_owned()),
            },
            later(9),
        ),
        Story::contract()
            .sent()
            .then(|_| Command::Expire, later(86_401)),
        Story::contract().then(|_| Command::Delete { reason: None }, later(1)),
    ]
}

/// By name: the first of each kind that the stories tell.
fn events() -> BTreeMap<&'static str, Event> {
    let mut all = BTreeMap::new();
    for (event, _) in stories().into_iter().flat_map(|s| s.events) {
        all.entry(event.name()).or_insert(event);
    }
    all
}

fn system_events() -> Vec<SystemEvent> {
    use SystemEvent as S;
    let environment = Environment::Test;
    let sha256 = Digest::of(b"file");
    let (key, hook, admin) = (
        KeyId::new(later(0), [1; 10]),
        WebhookId::new(later(0), [2; 10]),
        AdminId::new(later(0), [3; 10]),
    );
    let email: EmailAddress = "it@example.com".parse().expect("address");
    vec![
        S::DocumentUploaded {
            id: document(1),
            environment,
            document_name: "contract.pdf".into(),
            size: 12_345,
            pages: 3,
            sha256,
        },
        S::DocumentRejected {
            environment,
            document_name: "contract.pdf".into(),
            code: "document_encrypted".into(),
            sha256: Some(sha256),
        },
        S::DocumentDeleted {
            id: document(1),
            environment,
            sha256,
        },
        S::KeyCreated {
            id: key,
            environment,
            key_name: "CI".into(),
            scopes: vec![Scope::DocumentsRead, Scope::DocumentsWrite],
        },
        S::KeyRevoked {
            id: key,
            environment,
        },
        S::KeyDenied {
            id: key,
            reason: DeniedBecause::Revoked,
        },
        S::WebhookCreated {
            id: hook,
            environment,
            url: "https://example.com/hook".into(),
            events: vec![EventName::EnvelopeCompleted],
        },
        S::WebhookDeleted {
            id: hook,
            environment,
        },
        S::WebhookDisabled {
            id: hook,
            environment,
            reason: "410 Gone".into(),
        },
        S::AdminSetup { id: admin, email },
        S::AdminLogin { id: admin },
        S::AdminLoginFailed { id: None },
        S::AdminLogout { id: admin },
        S::AdminResetLinkCreated { id: admin },
        S::AdminPasswordChanged { id: admin },
        S::JobRetried {
            queue: "job".into(),
            id: "job_1".into(),
        },
        S::CertificateInstalled {
            environment,
            usage: CertificateUse::Seal,
            subject: "CN=Example seal".into(),
            sha256,
            not_after: later(0),
        },
        S::FileSealed {
            environment,
            sha256,
            sealed_sha256: Digest::of(b"sealed"),
            certificate_sha256: Digest::of(b"certificate"),
        },
        S::SystemStarted {
            platform: "linux".into(),
        },
        S::SystemStopped,
    ]
}

fn hold(name: &str, text: String) {
    insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn every_event_body_reads_as_it_did_before() {
    let events = events();
    // The example of a kind can't be forgotten: a new variant adds to this number.
    assert_eq!(events.len(), 24, "an example of every kind of event");
    let mut text = String::new();
    for (name, event) in &events {
        let json = serde_json::to_string(event).expect("JSON");
        assert_eq!(
            &serde_json::from_str::<Event>(&json).expect("an event"),
            event,
            "{name}"
        );
        assert!(
            json.contains(&format!("{{\"name\":\"{name}\"")),
            "{name} is stored under its name"
        );
        writeln!(text, "{json}").expect("text");
    }
    hold("audit_events", text);
}

#[test]
fn every_system_event_body_reads_as_it_did_before() {
    let mut text = String::new();
    for event in system_events() {
        let json = serde_json::to_string(&event).expect("JSON");
        assert_eq!(
            serde_json::from_str::<SystemEvent>(&json).expect("an event"),
            event
        );
        writeln!(text, "{json}").expect("text");
    }
    hold("audit_system_events", text);
}

#[test]
fn the_frame_of_a_body_reads_as_it_did_before() {
    let head = Head::start(Chain::System);
    let entry = extend(
        &head,
        &system_events()[0],
        &origin(),
        &stamp(later(0)),
        [1; 16],
    )
    .expect("an entry");
    hold("audit_frame", entry.content.expect("a body").body);
}

#[test]
fn every_webhook_payload_reads_as_it_did_before() {
    let mut payloads = BTreeMap::new();
    for story in stories() {
        let mut envelope = None;
        for (event, at) in &story.events {
            let envelope = match &mut envelope {
                None => envelope.insert(
                    crate::domain::envelope::Envelope::begin(event, *at).expect("a beginning"),
                ),
                Some(envelope) => {
                    envelope.apply(event, *at);
                    envelope
                }
            };
            let Some(name) = event.announced_as() else {
                continue;
            };
            let audit = Head {
                chain: Chain::Envelope(envelope.id),
                seq: envelope.version,
                hash: Digest::of(b"head"),
            };
            let id = EventId::new(*at, [6; 10]);
            let body =
                webhook::payload(id, name, *at, envelope, event.recipient(), &audit).expect("JSON");
            payloads.entry(name).or_insert(body);
        }
    }
    assert!(
        EventName::ALL
            .iter()
            .all(|name| payloads.contains_key(name)),
        "a payload of every kind"
    );
    let text: Vec<String> = payloads.into_values().collect();
    hold("webhook_payloads", text.join("\n"));
}
