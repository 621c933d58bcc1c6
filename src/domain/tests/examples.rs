//! Envelopes and people for the tests.

use crate::domain::command::{Command, Dispatch, Note};
use crate::domain::definition::{Definition, Intake, Request};
use crate::domain::digest::Digest;
use crate::domain::envelope::{
    Consent, Envelope, FrozenDocument, Mark, SealLevel, Sealed, SignatureEvidence,
};
use crate::domain::environment::Environment;
use crate::domain::event::Event;
use crate::domain::field::{FieldKind, Filled, Value as Content};
use crate::domain::ids::{BootId, DocumentId, EnvelopeId, RecipientId, WorkspaceId};
use crate::domain::origin::{Actor, Factor, Origin, RequestId};
use crate::domain::problem::Problem;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

pub const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);

pub fn later(seconds: u64) -> Timestamp {
    NOON.plus(Duration::from_secs(seconds))
}

pub fn document(n: u8) -> DocumentId {
    DocumentId::new(NOON, [n; 10])
}

pub fn workspace() -> WorkspaceId {
    WorkspaceId::new(NOON, [9; 10])
}

pub fn envelope_id() -> EnvelopeId {
    EnvelopeId::new(NOON, [1; 10])
}

pub fn boot() -> BootId {
    BootId::new(NOON, [3; 10])
}

/// Runs `read` with ids that count up.
pub fn intake<T>(first: u8, read: impl FnOnce(&mut Intake<'_>) -> T) -> T {
    let mut n = u16::from(first);
    let mut random = || {
        n += 1;
        let [high, low] = n.to_be_bytes();
        std::array::from_fn(|i| if i < 9 { low } else { high })
    };
    read(&mut Intake {
        now: NOON,
        random: &mut random,
        workspace: workspace(),
    })
}

pub fn read(body: Value) -> Result<Request, Vec<Problem>> {
    intake(0, |intake| Request::read(body, intake))
}

pub fn patch(before: &Definition, body: Value) -> Result<Definition, Vec<Problem>> {
    intake(100, |intake| before.patched(body, intake))
}

/// Ana before Ben, one document, a signature for each, and one field of every other kind for Ana.
pub fn contract() -> Value {
    json!({
        "subject": "Employment contract",
        "message": "Welcome aboard!",
        "documentIds": [document(1)],
        "recipients": [
            {"email": "ana@example.com", "name": "Ana Łopez"},
            {"email": "ben@example.com"},
        ],
        "signingOrder": "SEQUENTIAL",
        "fields": [
            {"recipientEmail": "ana@example.com", "fieldType": "SIGNATURE", "x": 72, "y": 700.25},
            {"recipientIndex": 1, "fieldType": "SIGNATURE", "x": 300, "y": 700},
            {"recipientIndex": 0, "fieldType": "INITIALS", "x": 500, "y": 20, "width": 40, "height": 20},
            {"recipientIndex": 0, "fieldType": "DATE_SIGNED", "x": 72, "y": 650},
            {"recipientIndex": 0, "fieldType": "TEXT", "x": 72, "y": 600, "label": "City", "value": "Lyon"},
            {"recipientIndex": 0, "fieldType": "CHECKBOX", "x": 72, "y": 550, "width": 12, "height": 12},
        ],
        "category": "HR",
        "tags": ["Onboarding", "2027"],
        "externalId": "hr-17",
        "metadata": {"team": "blue"},
    })
}

pub fn frozen(definition: &Definition) -> Vec<FrozenDocument> {
    let freeze = |id: &DocumentId| FrozenDocument {
        id: *id,
        name: "contract.pdf".to_owned(),
        pages: 3,
        size: 12_345,
        sha256: Digest::of(id.to_string().as_bytes()),
    };
    definition.documents.iter().map(freeze).collect()
}

pub fn dispatch(definition: &Definition) -> Dispatch {
    Dispatch {
        documents: frozen(definition),
        expires_after: Duration::from_secs(86_400),
        require_fields: false,
    }
}

pub fn sealed(documents: &[FrozenDocument]) -> Vec<Sealed> {
    let seal = |d: &FrozenDocument| Sealed {
        document: d.id,
        sha256: Digest::of(b"sealed"),
        size: 23_456,
        level: SealLevel::BaselineB,
        certificate_sha256: Digest::of(b"certificate"),
    };
    documents.iter().map(seal).collect()
}

/// What `by` would send to sign, all in order.
pub fn evidence(envelope: &Envelope, by: RecipientId) -> Box<SignatureEvidence> {
    let own = envelope
        .definition
        .fields
        .iter()
        .filter(|f| f.recipient == by);
    let filled = own.map(|f| Filled {
        field: f.id,
        value: match f.kind {
            FieldKind::Signature | FieldKind::Initials => Content::Mark,
            FieldKind::DateSigned => Content::Date("15 January 2027".to_owned()),
            FieldKind::Text => Content::Text("Lyon".to_owned()),
            FieldKind::Checkbox => Content::Checked(true),
        },
    });
    Box::new(SignatureEvidence {
        consent: Consent {
            version: "2026-01".to_owned(),
            locale: "en".to_owned(),
            sha256: Digest::of(b"consent"),
        },
        documents: envelope.documents.iter().map(|d| d.sha256).collect(),
        signature: Mark::Typed {
            text: "Ana Łopez".to_owned(),
            style: "plain".to_owned(),
        },
        initials: Some(Mark::Drawn {
            sha256: Digest::of(b"strokes"),
        }),
        filled: filled.collect(),
        page_language: "en".to_owned(),
    })
}

pub fn origin() -> Origin {
    Origin::request(
        Actor::Stranger,
        Factor::None,
        std::net::IpAddr::from([192, 0, 2, 7]),
        Some("Browser/1"),
        RequestId::new(NOON, [5; 10]),
    )
}

/// An envelope with the events that made it.
#[derive(Clone)]
pub struct Story {
    pub envelope: Envelope,
    pub events: Vec<(Event, Timestamp)>,
}

impl Story {
    pub fn of(definition: Definition) -> Self {
        let events = Envelope::create(envelope_id(), Environment::Test, definition);
        let mut events = events.into_iter();
        let first = events.next().expect("a first event");
        let envelope = Envelope::begin(&first, NOON).expect("a beginning");
        let mut story = Self {
            envelope,
            events: vec![(first, NOON)],
        };
        events.for_each(|event| story.apply(event, NOON));
        story
    }

    pub fn contract() -> Self {
        Self::of(read(contract()).expect("a definition").definition)
    }

    fn apply(&mut self, event: Event, at: Timestamp) {
        self.envelope.apply(&event, at);
        self.events.push((event, at));
    }

    pub fn does(&mut self, command: Command, at: Timestamp) -> Result<Vec<Event>, Refusal> {
        let events = self.envelope.decide(command, at)?;
        events
            .iter()
            .for_each(|event| self.apply(event.clone(), at));
        Ok(events)
    }

    /// Goes on, where the rules must allow it.
    pub fn then(mut self, command: impl FnOnce(&Envelope) -> Command, at: Timestamp) -> Self {
        let command = command(&self.envelope);
        let name = command.name();
        self.does(command, at)
            .unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        self
    }

    pub fn sent(self) -> Self {
        self.then(|e| Command::Send(dispatch(&e.definition)), later(1))
    }

    pub fn viewed(self, index: usize) -> Self {
        self.then(
            |e| Command::View {
                by: e.definition.recipients[index].id,
            },
            later(2),
        )
    }

    pub fn signed(self, index: usize) -> Self {
        let sign = |e: &Envelope| {
            let by = e.definition.recipients[index].id;
            Command::Sign {
                by,
                evidence: evidence(e, by),
            }
        };
        self.viewed(index).then(sign, later(3))
    }

    pub fn parked(self) -> Self {
        self.then(
            |_| Command::ParkSeal {
                reason: "certificate expired".to_owned(),
            },
            later(4),
        )
    }

    pub fn completed(self) -> Self {
        self.then(
            |e| Command::RecordSeal {
                sealed: sealed(&e.documents),
            },
            later(5),
        )
    }

    pub fn declined(self) -> Self {
        let decline = |e: &Envelope| Command::Decline {
            by: e.definition.recipients[0].id,
            reason: "Wrong salary".to_owned(),
        };
        self.then(decline, later(3))
    }

    pub fn noted(self, note: Note) -> Self {
        self.then(|_| Command::Note(note), later(6))
    }
}
