//! The store as its callers meet it, on real files.

mod door;
mod growth;
mod people;
mod queues;
mod writing;

use super::*;
use crate::ambient::{CountedEntropy, ManualClock};
use crate::domain::audit::{Chain, Replay};
use crate::domain::command::{Command, Dispatch};
use crate::domain::definition::{Definition, SignatureLevel};
use crate::domain::digest::Digest;
use crate::domain::envelope::{
    Consent, Envelope, FrozenDocument, Mark, SealLevel, Sealed, SignatureEvidence,
};
use crate::domain::environment::Environment;
use crate::domain::event::EventName;
use crate::domain::field::PageSize;
use crate::domain::ids::{DocumentId, EnvelopeId, RecipientId, WebhookId};
use crate::domain::origin::Origin;
use crate::domain::recipient::{Recipient, Role};
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) use Environment::{Live, Test};

/// A folder of its own for one test, gone afterwards.
pub(in crate::store) struct Folder(PathBuf);

impl Folder {
    pub(in crate::store) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("paraph-store-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    pub(in crate::store) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) struct Fixture {
    pub(super) store: Store,
    pub(super) clock: Arc<ManualClock>,
    pub(super) folder: Folder,
}

pub(super) const SPAN: Duration = Duration::from_secs(60);

pub(super) fn fixture() -> Fixture {
    fixture_with(Arc::new(|error| panic!("fatal: {error}")))
}

pub(super) fn fixture_with(on_fatal: OnFatal) -> Fixture {
    let folder = Folder::new();
    let start = Timestamp::parse("2026-11-24T09:30:00Z").expect("time");
    let clock = Arc::new(ManualClock::at(start));
    let store = Store::open_with(
        &folder.path().join("paraph.db"),
        Arc::<ManualClock>::clone(&clock),
        Arc::new(CountedEntropy::from_seed(1)),
        on_fatal,
    )
    .expect("store");
    Fixture {
        store,
        clock,
        folder,
    }
}

/// What a change on the shelf gives back.
pub(super) type Outcome<T> = Result<T, Error>;

pub(super) fn new_document(tx: &WriteTx<'_>, environment: Environment) -> Outcome<Document> {
    let id = tx.new_id(DocumentId::new);
    let document = Document {
        id,
        environment,
        name: "contract.pdf".into(),
        mime: "application/pdf".into(),
        size: 1234,
        sha256: Digest::of(id.to_string().as_bytes()),
        pages: vec![PageSize {
            width: 595.0,
            height: 842.0,
        }],
        warnings: vec![Warning {
            code: "form_fields".into(),
            message: "It has form fields.".into(),
            page: Some(1),
        }],
        created_at: tx.now(),
    };
    tx.insert_document(&document)?;
    Ok(document)
}

pub(super) fn definition(tx: &WriteTx<'_>, document: DocumentId, recipients: usize) -> Definition {
    Definition {
        subject: "Employment contract".into(),
        message: None,
        documents: vec![document],
        recipients: (0..recipients)
            .map(|n| Recipient {
                id: tx.new_id(RecipientId::new),
                email: format!("signer{n}@example.com").parse().expect("address"),
                name: Some(format!("Signer {n}").parse().expect("name")),
                role: Role::Signer,
                order: None,
                generation: 1,
            })
            .collect(),
        fields: Vec::new(),
        signature_level: SignatureLevel::Simple,
        signing_order: None,
        expires_at: None,
        category: None,
        tags: vec!["hr".into()],
        external_id: None,
        metadata: BTreeMap::new(),
    }
}

pub(super) fn new_envelope(
    tx: &WriteTx<'_>,
    environment: Environment,
    recipients: usize,
) -> Outcome<Envelope> {
    let document = new_document(tx, environment)?;
    let definition = definition(tx, document.id, recipients);
    let id = tx.new_id(EnvelopeId::new);
    tx.create(
        Envelope::create(id, environment, definition),
        &Origin::system(),
    )
}

pub(super) fn command(tx: &WriteTx<'_>, envelope: &mut Envelope, command: Command) -> Outcome<()> {
    let events = envelope
        .decide(command, tx.now())
        .expect("the rules allow it");
    tx.record(envelope, events, &Origin::system())
}

pub(super) fn dispatch(tx: &ReadTx<'_>, envelope: &Envelope) -> Command {
    let documents = envelope
        .definition
        .documents
        .iter()
        .map(|id| {
            let document = tx
                .document(envelope.environment, *id)
                .expect("read")
                .expect("document");
            FrozenDocument {
                id: *id,
                name: document.name,
                pages: 1,
                size: document.size,
                sha256: document.sha256,
            }
        })
        .collect();
    Command::Send(Dispatch {
        documents,
        expires_after: Duration::from_secs(90 * 86_400),
        require_fields: false,
    })
}

pub(super) fn send(tx: &WriteTx<'_>, envelope: &mut Envelope) -> Outcome<()> {
    let dispatch = dispatch(tx, envelope);
    command(tx, envelope, dispatch)
}

pub(super) fn evidence(envelope: &Envelope) -> Box<SignatureEvidence> {
    Box::new(SignatureEvidence {
        consent: Consent {
            version: "1".into(),
            locale: "en".into(),
            sha256: Digest::of(b"I agree."),
        },
        documents: envelope.documents.iter().map(|d| d.sha256).collect(),
        signature: Mark::Drawn {
            sha256: Digest::of(b"strokes"),
        },
        initials: None,
        filled: Vec::new(),
        page_language: "en".into(),
    })
}

/// Draft, sent, viewed and signed by all, sealed.
pub(super) fn whole_life(tx: &WriteTx<'_>, envelope: &mut Envelope) -> Outcome<()> {
    send(tx, envelope)?;
    for recipient in envelope.definition.recipients.clone() {
        let by = recipient.id;
        command(tx, envelope, Command::View { by })?;
        let evidence = evidence(envelope);
        command(tx, envelope, Command::Sign { by, evidence })?;
    }
    let sealed = sealed(envelope);
    command(tx, envelope, Command::RecordSeal { sealed })
}

/// A sealed file for each of the envelope's documents.
pub(super) fn sealed(envelope: &Envelope) -> Vec<Sealed> {
    let of = |document: &FrozenDocument| Sealed {
        document: document.id,
        sha256: Digest::of(b"sealed"),
        size: 2345,
        level: SealLevel::BaselineB,
        certificate_sha256: Digest::of(b"certificate"),
    };
    envelope.documents.iter().map(of).collect()
}

pub(super) fn new_webhook(
    tx: &WriteTx<'_>,
    environment: Environment,
    events: &[EventName],
) -> Outcome<WebhookId> {
    let webhook = Webhook {
        id: tx.new_id(WebhookId::new),
        environment,
        url: "https://hooks.example.com/".into(),
        events: events.to_vec(),
        is_active: true,
        secret: vec![1, 2, 3],
        created_at: tx.now(),
        failing_since: None,
    };
    tx.insert_webhook(&webhook)?;
    Ok(webhook.id)
}

/// The chain verifies, and what it tells is what the rows say.
pub(super) fn assert_replays(tx: &ReadTx<'_>, environment: Environment, id: EnvelopeId) {
    let mut replay = Replay::of(id);
    let mut after = 0;
    loop {
        // Small pieces, so that more than one is read.
        let entries = tx.entries(Chain::Envelope(id), after, 3).expect("entries");
        let Some(last) = entries.last() else { break };
        after = last.seq;
        for entry in &entries {
            replay.take(entry).expect("the chain holds");
        }
    }
    let stored = tx.load(environment, id).expect("the envelope");
    assert_eq!(replay.envelope(), Some(&stored));
    assert_eq!(replay.head().seq, stored.version);
    assert_eq!(
        *replay.head(),
        tx.head(Chain::Envelope(id)).expect("the head")
    );
}
