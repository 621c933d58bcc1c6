//! The recipient's side: the gate, the session, what was typed so far, and the acts that can't be undone.
//!
//! GET and HEAD change no state: looking at a link leaves at most a note. Opening, signing and declining are decided by the
//! envelope, in the transaction that records them.

mod gate;
mod marks;
mod show;

pub use crate::store::Draft;
pub use gate::{Blocked, Door, Opened};
pub use marks::{KeptMark, MadeMark, Styles};
pub use show::{PageImage, Progress};

use super::envelopes::load;
use super::{App, Error, notes};
use crate::domain::command::{Command, Note};
use crate::domain::digest::Digest;
use crate::domain::envelope::{Consent, Envelope, SignatureEvidence};
use crate::domain::field::{Field, FieldKind, Filled, Value, ValueFault};
use crate::domain::ids::{DocumentId, FieldId, RecipientId};
use crate::domain::limits;
use crate::domain::origin::{Actor, Factor, Origin};
use crate::domain::recipient::{Progress as RecipientProgress, Recipient};
use crate::domain::refusal::Refusal;
use crate::domain::secret::Token;
use crate::domain::time::Timestamp;
use crate::store::ReadTx;
use std::time::Duration;

/// A recipient with an open session, and the envelope as it is now.
#[derive(Debug)]
pub struct Signer {
    /// The envelope.
    pub envelope: Envelope,
    /// Who.
    pub recipient: RecipientId,
    /// What was typed and adopted so far.
    pub draft: Draft,
    /// Documents of which something was shown in this session.
    pub served: Vec<DocumentId>,
    /// When this session was last used.
    pub seen_at: Timestamp,
    /// The session was idle for too long.
    pub is_late: bool,
    /// Against forged requests: goes into every form of this session.
    pub csrf: String,
    /// The session's fingerprint.
    pub session: Digest,
    /// Where from; the recipient as actor.
    pub origin: Origin,
}

impl Signer {
    /// The recipient and how far they are.
    pub fn person(&self) -> Option<(&Recipient, &RecipientProgress)> {
        self.envelope.recipient(self.recipient)
    }

    /// The fields that are this signer's, in the envelope's order.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.envelope
            .definition
            .fields
            .iter()
            .filter(|f| f.recipient == self.recipient)
    }

    fn typed(&self, field: &Field) -> Option<&Value> {
        self.draft
            .filled
            .iter()
            .find(|f| f.field == field.id)
            .map(|f| &f.value)
    }

    /// What stands in a text field: what was typed, else what the sender put there.
    pub fn text(&self, field: &Field) -> String {
        match self.typed(field) {
            Some(Value::Text(text)) => text.clone(),
            _ => field.value.clone().unwrap_or_default(),
        }
    }

    /// Whether a box is ticked.
    pub fn is_ticked(&self, field: &Field) -> bool {
        match self.typed(field) {
            Some(Value::Checked(ticked)) => *ticked,
            _ => field.value.as_deref() == Some("true"),
        }
    }

    /// What the pages of the documents were made from: another's act in between shows as another version.
    pub fn version(&self) -> String {
        let acted = self.envelope.progress.iter().filter(|p| p.has_acted());
        acted.count().to_string()
    }

    /// What the last step showed: the version, and every answer and mark. Who signs, signs this and nothing else.
    pub fn shown(&self, today: &str) -> String {
        // Strings and numbers always serialise.
        let all = serde_json::to_vec(&(self.version(), &self.draft, today)).unwrap_or_default();
        Digest::of(&all).to_string().chars().take(32).collect()
    }
}

/// What is sent with the last step.
#[derive(Clone, Debug)]
pub struct Signing {
    /// The text of consent that was shown.
    pub consent: Consent,
    /// Its words, to be kept.
    pub consent_text: String,
    /// The language of the page.
    pub page_language: String,
    /// Today, as the organisation's readers write it: for date fields.
    pub today: String,
}

/// How signing went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// Done; or done before, which is the same to who pressed twice.
    Done,
    /// Something is missing.
    Faults(Vec<(FieldId, ValueFault)>),
    /// A signature or initials are not adopted yet.
    MarkMissing,
    /// A document was never opened.
    OpenFirst(DocumentId),
    /// Another window changed answers or marks after these were shown.
    Changed,
}

impl App {
    /// The session behind a cookie, also one that was idle for too long: it is good for keeping what was typed into a page that is
    /// still open, and for nothing else. `Err(SessionEnded)` where there is none, or it is too old or of a replaced link.
    pub fn late_signer(
        &self,
        recipient: &str,
        cookie: Option<&str>,
        origin: &Origin,
    ) -> Result<Signer, Blocked> {
        let token = cookie
            .and_then(|c| Token::parse(c).ok())
            .ok_or(Blocked::SessionEnded)?;
        let recipient: RecipientId = recipient.parse().map_err(|_| Blocked::SessionEnded)?;
        let hash = token.fingerprint();
        let found = self
            .store
            .read(|tx| self.find_signer(tx, recipient, hash, origin))?;
        let signer = found.ok_or(Blocked::SessionEnded)?;
        Ok(Signer {
            csrf: self.csrf(&token, recipient),
            ..signer
        })
    }

    /// The session behind a cookie as in [`Self::late_signer`], kept alive by being used; `Err(SessionEnded)` where it was idle for
    /// too long.
    pub fn signer(
        &self,
        recipient: &str,
        cookie: Option<&str>,
        origin: &Origin,
    ) -> Result<Signer, Blocked> {
        let signer = self.late_signer(recipient, cookie, origin)?;
        if signer.is_late {
            return Err(Blocked::SessionEnded);
        }
        // Reading is using, too. Once a minute is often enough to stay alive.
        let idle = self.now().since(signer.seen_at);
        if idle >= Duration::from_secs(60) && !origin.head_only {
            // On a full disk one may still read.
            if let Err(error) = self.keep_alive(&signer) {
                tracing::warn!(%error, "a session's use was not noted");
            }
        }
        Ok(signer)
    }

    fn find_signer(
        &self,
        tx: &ReadTx<'_>,
        recipient: RecipientId,
        session: Digest,
        origin: &Origin,
    ) -> Result<Option<Signer>, Error> {
        let ttl = self.settings.signing_session_ttl;
        let Some(found) = tx.signing_session(&session, recipient, ttl, ttl)? else {
            return Ok(None);
        };
        let idle = tx.now().since(found.seen_at);
        let envelope = load(tx, found.environment, found.envelope)?;
        let Some((person, _)) = envelope.recipient(recipient) else {
            return Ok(None);
        };
        if person.generation != found.generation {
            return Ok(None);
        }
        let origin = as_recipient(origin, person);
        let draft = tx.draft(recipient)?;
        Ok(Some(Signer {
            envelope,
            recipient,
            draft,
            served: found.served,
            seen_at: found.seen_at,
            is_late: idle >= self.settings.signing_session_idle,
            csrf: String::new(),
            session,
            origin,
        }))
    }

    fn csrf(&self, session: &Token, recipient: RecipientId) -> String {
        let mac = self
            .keyring
            .csrf()
            .mac(format!("signing\0{recipient}\0{}", session.expose()).as_bytes());
        Token::from_bytes(mac).expose().to_owned()
    }

    /// Whether a form's token is this session's; in constant time.
    pub fn is_own_form(signer: &Signer, csrf: &str) -> bool {
        match (Token::parse(csrf), Token::parse(&signer.csrf)) {
            (Ok(given), Ok(own)) => given.matches(&own),
            _ => false,
        }
    }

    /// The session was used now.
    pub fn keep_alive(&self, signer: &Signer) -> Result<(), Error> {
        let session = signer.session;
        self.store
            .write(move |tx| Ok(tx.touch_signing_session(&session)?))
    }

    /// Notes that something of a document was shown. At most once a document and session, and not where the head of the answer
    /// alone was asked for.
    pub fn note_served(&self, signer: &Signer, document: DocumentId) -> Result<(), Error> {
        if signer.origin.head_only || signer.served.contains(&document) {
            return Ok(());
        }
        let is_evidence = self
            .noted
            .has_room(&notes::reader(&signer.origin), signer.envelope.id);
        let (environment, id, recipient) = (
            signer.envelope.environment,
            signer.envelope.id,
            signer.recipient,
        );
        let (session, origin) = (signer.session, signer.origin.clone());
        self.store.write(move |tx| {
            if !tx.note_served(&session, document)? || !is_evidence {
                return Ok(());
            }
            let mut envelope = load(tx, environment, id)?;
            let note = Command::Note(Note::DocumentServed {
                recipient,
                document,
            });
            let events = envelope.decide(note, tx.now())?;
            tx.record(&mut envelope, events, &origin)?;
            Ok::<_, Error>(())
        })
    }

    /// Keeps what was typed into fields. Values are not judged here but when signing: nothing typed is lost.
    pub fn save_draft(
        &self,
        signer: &Signer,
        values: Vec<(String, String)>,
    ) -> Result<Draft, Error> {
        let mut typed = Vec::new();
        for (id, text) in values {
            let Ok(id) = id.parse::<FieldId>() else {
                continue;
            };
            let value = match signer.fields().find(|f| f.id == id).map(|f| f.kind) {
                // Longer texts are refused when signing; the draft keeps enough to show that.
                Some(FieldKind::Text) => {
                    let kept: String = text
                        .chars()
                        .take(limits::FIELD_TEXT_CHARS_MAX * 2)
                        .collect();
                    Value::Text(kept.replace("\r\n", "\n"))
                }
                Some(FieldKind::Checkbox) => Value::Checked(text == "on"),
                _ => continue,
            };
            typed.push(Filled { field: id, value });
        }
        self.change_draft(signer, move |draft| {
            for new in typed {
                draft.filled.retain(|old| old.field != new.field);
                draft.filled.push(new);
            }
        })
    }

    fn change_draft(
        &self,
        signer: &Signer,
        change: impl FnOnce(&mut Draft) + Send + 'static,
    ) -> Result<Draft, Error> {
        let (environment, id, recipient) = (
            signer.envelope.environment,
            signer.envelope.id,
            signer.recipient,
        );
        // A session that has ended doesn't begin again by what comes late.
        let session = Some(signer.session).filter(|_| !signer.is_late);
        self.store.write(move |tx| {
            let envelope = load(tx, environment, id)?;
            // Once acted, or once the envelope has ended, there is nothing to keep a draft for.
            envelope.turn(recipient)?;
            let mut draft = tx.draft(recipient)?;
            change(&mut draft);
            tx.put_draft(environment, recipient, &draft)?;
            if let Some(session) = session {
                tx.touch_signing_session(&session)?;
            }
            Ok(draft)
        })
    }

    /// Signs. Pressing twice is signing once.
    pub fn sign(&self, signer: &Signer, signing: Signing) -> Result<Signed, Error> {
        if let Some(unseen) = signer
            .envelope
            .documents
            .iter()
            .find(|d| !signer.served.contains(&d.id))
        {
            return Ok(Signed::OpenFirst(unseen.id));
        }
        let Some(signature) = signer.draft.signature.clone() else {
            return Ok(Signed::MarkMissing);
        };
        let filled = filled(signer, &signing.today);
        let consent_text = signing.consent_text;
        let evidence = Box::new(SignatureEvidence {
            consent: signing.consent,
            documents: signer.envelope.documents.iter().map(|d| d.sha256).collect(),
            signature,
            initials: signer.draft.initials.clone(),
            filled,
            page_language: signing.page_language,
        });
        let (environment, id, by) = (
            signer.envelope.environment,
            signer.envelope.id,
            signer.recipient,
        );
        let (origin, shown) = (signer.origin.clone(), signer.draft.clone());
        let outcome = self.store.write(move |tx| {
            let mut envelope = load(tx, environment, id)?;
            let command = Command::Sign {
                by,
                evidence: evidence.clone(),
            };
            let events = match envelope.decide(command, tx.now()) {
                Ok(events) => events,
                Err(Refusal::AlreadyActed) if has_signed(&envelope, by) => return Ok(Signed::Done),
                Err(Refusal::WrongState { .. }) if has_signed(&envelope, by) => {
                    return Ok(Signed::Done);
                }
                Err(Refusal::FieldValues(faults)) => return Ok(Signed::Faults(faults)),
                Err(Refusal::MarkMissing) => return Ok(Signed::MarkMissing),
                Err(refusal) => return Err(refusal.into()),
            };
            // A mark that was replaced meanwhile may have lost its file, and nobody was shown the new one.
            if tx.draft(by)? != shown {
                return Ok(Signed::Changed);
            }
            tx.record(&mut envelope, events, &origin)?;
            tx.put_consent_text(&evidence.consent.locale, &consent_text)?;
            tx.delete_draft(environment, by)?;
            Ok::<_, Error>(Signed::Done)
        })?;
        Ok(outcome)
    }

    /// Declines with a reason. Pressing twice is declining once.
    pub fn decline(&self, signer: &Signer, reason: String) -> Result<(), Error> {
        let (environment, id, by) = (
            signer.envelope.environment,
            signer.envelope.id,
            signer.recipient,
        );
        let origin = signer.origin.clone();
        self.store.write(move |tx| {
            let mut envelope = load(tx, environment, id)?;
            let command = Command::Decline { by, reason };
            let events = match envelope.decide(command, tx.now()) {
                Ok(events) => events,
                Err(_)
                    if envelope
                        .recipient(by)
                        .is_some_and(|(_, p)| p.declined_at.is_some()) =>
                {
                    return Ok(());
                }
                Err(refusal) => return Err(refusal.into()),
            };
            tx.record(&mut envelope, events, &origin)?;
            tx.delete_draft(environment, by)?;
            Ok::<_, Error>(())
        })
    }
}

fn has_signed(envelope: &Envelope, by: RecipientId) -> bool {
    envelope
        .recipient(by)
        .is_some_and(|(_, progress)| progress.signed_at.is_some())
}

/// The draft's answers as values of the signer's fields; an empty text is no value.
fn filled(signer: &Signer, today: &str) -> Vec<Filled> {
    let draft = &signer.draft;
    signer
        .fields()
        .filter_map(|field| {
            let value = match field.kind {
                FieldKind::Signature => draft.signature.as_ref().map(|_| Value::Mark),
                FieldKind::Initials => draft.initials.as_ref().map(|_| Value::Mark),
                FieldKind::DateSigned => Some(Value::Date(today.to_owned())),
                FieldKind::Text => Some(Value::Text(signer.text(field)))
                    .filter(|v| *v != Value::Text(String::new())),
                FieldKind::Checkbox => Some(Value::Checked(signer.is_ticked(field))),
            };
            value.map(|value| Filled {
                field: field.id,
                value,
            })
        })
        .collect()
}

/// The same request, by this recipient, known by the personal link.
pub(crate) fn as_recipient(origin: &Origin, person: &Recipient) -> Origin {
    let actor = Actor::Recipient {
        id: person.id,
        email: person.email.clone(),
        name: person.name.clone(),
    };
    Origin {
        actor,
        factor: Factor::Link,
        ..origin.clone()
    }
}
