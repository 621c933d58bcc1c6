//! Envelopes as integrators see them: made, changed, sent, withdrawn, read.

use super::access::{self, Caller};
use super::documents::{self, Upload};
use super::idempotency::{Claim, remember};
use super::keeping::Intent;
use super::{App, Error};
use crate::domain::command::{Command, Dispatch};
use crate::domain::definition::{Definition, Intake, Request};
use crate::domain::envelope::{Envelope, FrozenDocument, Status};
use crate::domain::environment::Environment;
use crate::domain::field::PageSize;
use crate::domain::ids::{DocumentId, EnvelopeId};
use crate::domain::limits;
use crate::domain::origin::Origin;
use crate::domain::problem::{Problem, UNKNOWN_WORKSPACE};
use crate::domain::recipient::Recipient;
use crate::domain::scope::Scope;
use crate::domain::secret::{Key, Token};
use crate::domain::text;
use crate::store::{ReadTx, Window, WriteTx};
use base64::Engine as _;
use serde_json::Value;

/// An envelope with what an answer shows beside it.
#[derive(Debug)]
pub struct Shown {
    /// The envelope.
    pub envelope: Envelope,
    /// Its documents: as they are now for a draft, as frozen once sent.
    pub documents: Vec<FrozenDocument>,
    /// Token and address of each recipient's link, in their order; empty where they are not shown.
    pub links: Vec<(String, String)>,
    /// Code and message of what the caller should know.
    pub warnings: Vec<(&'static str, String)>,
}

const NO_ENVELOPE: Error = Error::NotFound("envelope");

impl App {
    /// Makes a draft; the older shape also takes documents in and sends. `view` is told whether it was that one.
    pub fn create_envelope(
        &self,
        caller: &Caller,
        body: Value,
        claim: Option<Claim>,
        view: impl FnOnce(&Shown, bool) -> Vec<u8> + Send + 'static,
    ) -> Result<Vec<u8>, Error> {
        self.expect_room()?;
        let mut random = || self.random();
        let mut intake = Intake {
            now: self.now(),
            random: &mut random,
            workspace: self.workspace,
        };
        let Request {
            mut definition,
            inline,
            send,
        } = Request::read(body, &mut intake).map_err(invalid)?;
        let mut uploaded = Vec::with_capacity(inline.len());
        let mut intents = Vec::with_capacity(inline.len());
        for document in inline {
            // A data URL's head is forgiven nowhere: base64 is base64.
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(document.base64.as_bytes())
                .map_err(|_| {
                    Error::invalid(
                        &format!("{}/base64Pdf", document.pointer),
                        "invalid_base64",
                        "`base64Pdf` is not base64.",
                    )
                })?;
            let received = self.receive_upload(&bytes)?;
            let (document, intent) = self.inspect_upload(
                caller,
                Upload {
                    name: Some(document.name),
                    received,
                },
            )?;
            definition.documents.push(document.id);
            uploaded.push(document);
            intents.push(intent);
        }
        if send {
            self.expect_seal(caller.environment)?;
        }
        let id = EnvelopeId::new(self.now(), self.random());
        let (caller, dispatch, keyring) = (
            caller.clone(),
            self.dispatch_rules(),
            self.keyring.links(&self.settings.public_url),
        );
        let captured = self.captures_mail(caller.environment);
        let body = self.store.write(move |tx| {
            access::require(tx, &caller, Scope::EnvelopesWrite)?;
            for document in &uploaded {
                documents::insert(tx, &caller, document)?;
            }
            let documents = frozen(tx, caller.environment, &definition)?;
            let events = Envelope::create(id, caller.environment, definition);
            let mut envelope = tx.create(events, &caller.origin)?;
            keyring.put(tx, &envelope)?;
            let mut warnings = Vec::new();
            if send {
                dispatch_now(
                    tx,
                    &mut envelope,
                    &dispatch,
                    documents.clone(),
                    &caller.origin,
                )?;
                warnings.extend(captured);
            }
            let links = keyring.links(&envelope);
            let shown = Shown {
                envelope,
                documents,
                links,
                warnings,
            };
            let body = view(&shown, send);
            remember(claim.as_ref(), tx, 201, &body, true)?;
            Ok::<_, Error>(body)
        })?;
        intents.into_iter().for_each(Intent::settled);
        Ok(body)
    }

    /// One envelope.
    pub fn envelope(&self, caller: &Caller, id: &str) -> Result<Shown, Error> {
        self.store.read(|tx| shown(tx, caller, id))
    }

    /// Like [`App::envelope`] where a reader is free at once; `None` where it is not.
    pub fn try_envelope(&self, caller: &Caller, id: &str) -> Option<Result<Shown, Error>> {
        self.store.try_read(|tx| shown(tx, caller, id)).ok()
    }

    /// A page of envelopes, newest first, and how many there are.
    pub fn list_envelopes(
        &self,
        caller: &Caller,
        status: Option<Status>,
        page: u32,
        size: u32,
    ) -> Result<(Vec<Shown>, u64), Error> {
        self.store.read(|tx| {
            access::require(tx, caller, Scope::EnvelopesRead)?;
            let page = tx.envelopes(caller.environment, status, Window::page(page, size))?;
            let items = page
                .items
                .into_iter()
                .map(|e| with_documents(tx, e))
                .collect::<Result<_, _>>()?;
            Ok((items, page.total))
        })
    }

    /// Changes a draft: a member given replaces the whole member.
    pub fn update_envelope(&self, caller: &Caller, id: &str, body: &Value) -> Result<Shown, Error> {
        let id: EnvelopeId = id.parse().map_err(|_| NO_ENVELOPE)?;
        let (caller, body, workspace, keyring) = (
            caller.clone(),
            body.clone(),
            self.workspace,
            self.keyring.links(&self.settings.public_url),
        );
        self.store.write(move |tx| {
            access::require(tx, &caller, Scope::EnvelopesWrite)?;
            let mut envelope = load(tx, caller.environment, id)?;
            let mut random = || tx.random();
            let mut intake = Intake {
                now: tx.now(),
                random: &mut random,
                workspace,
            };
            // Asked with the present definition first: a wrong state is told before a wrong member.
            envelope.decide(
                Command::Edit(Box::new(envelope.definition.clone())),
                tx.now(),
            )?;
            let definition = envelope
                .definition
                .patched(body, &mut intake)
                .map_err(invalid)?;
            let documents = frozen(tx, caller.environment, &definition)?;
            let events = envelope.decide(Command::Edit(Box::new(definition)), tx.now())?;
            tx.record(&mut envelope, events, &caller.origin)?;
            keyring.put(tx, &envelope)?;
            let links = keyring.links(&envelope);
            Ok(Shown {
                envelope,
                documents,
                links,
                warnings: Vec::new(),
            })
        })
    }

    /// Deletes a draft; withdraws what was sent.
    pub fn delete_envelope(
        &self,
        caller: &Caller,
        id: &str,
        body: Option<&Value>,
    ) -> Result<(), Error> {
        let command = Command::Delete {
            reason: reason(body)?,
        };
        let id: EnvelopeId = id.parse().map_err(|_| NO_ENVELOPE)?;
        let caller = caller.clone();
        self.store
            .write(move |tx| change(tx, &caller, id, command).map(drop))
    }

    /// Withdraws what was sent.
    pub fn void_envelope(
        &self,
        caller: &Caller,
        id: &str,
        body: Option<&Value>,
        claim: Option<Claim>,
        view: impl FnOnce(&Shown) -> Vec<u8> + Send + 'static,
    ) -> Result<Vec<u8>, Error> {
        let command = Command::Void {
            reason: reason(body)?,
        };
        let id: EnvelopeId = id.parse().map_err(|_| NO_ENVELOPE)?;
        let caller = caller.clone();
        self.store.write(move |tx| {
            let body = view(&change(tx, &caller, id, command)?);
            remember(claim.as_ref(), tx, 200, &body, false)?;
            Ok(body)
        })
    }

    /// Freezes a draft and invites. Refused while the seal's key is unusable: nobody is asked to sign what can't be sealed.
    pub fn send_envelope(
        &self,
        caller: &Caller,
        id: &str,
        claim: Option<Claim>,
        view: impl FnOnce(&Shown) -> Vec<u8> + Send + 'static,
    ) -> Result<Vec<u8>, Error> {
        let id: EnvelopeId = id.parse().map_err(|_| NO_ENVELOPE)?;
        self.store
            .read(|tx| access::require(tx, caller, Scope::EnvelopesWrite))?;
        self.expect_seal(caller.environment)?;
        let (caller, rules, keyring) = (
            caller.clone(),
            self.dispatch_rules(),
            self.keyring.links(&self.settings.public_url),
        );
        let captured = self.captures_mail(caller.environment);
        self.store.write(move |tx| {
            access::require(tx, &caller, Scope::EnvelopesWrite)?;
            let mut envelope = load(tx, caller.environment, id)?;
            let documents = frozen(tx, caller.environment, &envelope.definition)?;
            dispatch_now(tx, &mut envelope, &rules, documents.clone(), &caller.origin)?;
            let links = keyring.links(&envelope);
            let shown = Shown {
                envelope,
                documents,
                links,
                warnings: captured.into_iter().collect(),
            };
            let body = view(&shown);
            remember(claim.as_ref(), tx, 200, &body, true)?;
            Ok(body)
        })
    }

    fn dispatch_rules(&self) -> Rules {
        Rules {
            expires_after: self.settings.envelope_expires_after,
            require_fields: self.settings.require_fields,
        }
    }

    /// What the sender should know where live mail goes nowhere.
    fn captures_mail(&self, environment: Environment) -> Option<(&'static str, String)> {
        (environment == Environment::Live && self.mail.is_none()).then(|| {
            (
                "mail_captured",
                "No mail server is configured: the invitations wait in the outbox.".to_owned(),
            )
        })
    }
}

/// Makes recipients' links.
#[derive(Clone)]
pub struct Links {
    pub(super) key: Key,
    pub(super) public_url: String,
}

impl Links {
    /// Token and address for each recipient, in their order.
    pub fn links(&self, envelope: &Envelope) -> Vec<(String, String)> {
        envelope
            .definition
            .recipients
            .iter()
            .map(|recipient| self.link(envelope.environment, recipient))
            .collect()
    }

    /// Token and address for one recipient.
    pub fn link(&self, environment: Environment, recipient: &Recipient) -> (String, String) {
        let token = self
            .key
            .link_token(environment, recipient.id, recipient.generation);
        (
            token.expose().to_owned(),
            format!("{}/sign/{}", self.public_url, token.expose()),
        )
    }

    /// Lets the links be found by their tokens.
    pub(super) fn put(&self, tx: &WriteTx<'_>, envelope: &Envelope) -> Result<(), Error> {
        let environment = envelope.environment;
        let hash = |recipient, generation| {
            self.key
                .link_token(environment, recipient, generation)
                .fingerprint()
        };
        Ok(tx.put_links(envelope, hash)?)
    }

    /// Whether `token` is that recipient's: a planted row opens nothing.
    pub fn matches(&self, token: &Token, environment: Environment, recipient: &Recipient) -> bool {
        self.key
            .link_token(environment, recipient.id, recipient.generation)
            .matches(token)
    }
}

/// What the configuration says about sending.
#[derive(Clone, Copy)]
struct Rules {
    expires_after: std::time::Duration,
    require_fields: bool,
}

fn dispatch_now(
    tx: &WriteTx<'_>,
    envelope: &mut Envelope,
    rules: &Rules,
    documents: Vec<FrozenDocument>,
    origin: &Origin,
) -> Result<(), Error> {
    let dispatch = Dispatch {
        documents,
        expires_after: rules.expires_after,
        require_fields: rules.require_fields,
    };
    let events = envelope.decide(Command::Send(dispatch), tx.now())?;
    tx.record(envelope, events, origin)?;
    Ok(())
}

fn change(
    tx: &WriteTx<'_>,
    caller: &Caller,
    id: EnvelopeId,
    command: Command,
) -> Result<Shown, Error> {
    access::require(tx, caller, Scope::EnvelopesWrite)?;
    let mut envelope = load(tx, caller.environment, id)?;
    let events = envelope.decide(command, tx.now())?;
    tx.record(&mut envelope, events, &caller.origin)?;
    with_documents(tx, envelope)
}

/// The envelope as it is in this transaction; a deleted draft is not there.
pub(crate) fn load(
    tx: &ReadTx<'_>,
    environment: Environment,
    id: EnvelopeId,
) -> Result<Envelope, Error> {
    tx.envelope(environment, id)?
        .filter(|e| e.status().is_some())
        .ok_or(NO_ENVELOPE)
}

fn shown(tx: &ReadTx<'_>, caller: &Caller, id: &str) -> Result<Shown, Error> {
    access::require(tx, caller, Scope::EnvelopesRead)?;
    let id: EnvelopeId = id.parse().map_err(|_| NO_ENVELOPE)?;
    with_documents(tx, load(tx, caller.environment, id)?)
}

fn with_documents(tx: &ReadTx<'_>, envelope: Envelope) -> Result<Shown, Error> {
    let documents = if envelope.documents.is_empty() {
        envelope
            .definition
            .documents
            .iter()
            .filter_map(|id| tx.document(envelope.environment, *id).transpose())
            .map(|document| document.map(|d| freeze(&d)))
            .collect::<Result<_, _>>()?
    } else {
        envelope.documents.clone()
    };
    Ok(Shown {
        envelope,
        documents,
        links: Vec::new(),
        warnings: Vec::new(),
    })
}

fn freeze(document: &documents::Document) -> FrozenDocument {
    FrozenDocument {
        id: document.id,
        name: document.name.clone(),
        pages: u32::try_from(document.pages.len()).unwrap_or(u32::MAX),
        size: document.size,
        sha256: document.sha256,
    }
}

/// The definition's documents as they are now. Unknown ones, and fields that lie outside their pages, are faults.
fn frozen(
    tx: &ReadTx<'_>,
    environment: Environment,
    definition: &Definition,
) -> Result<Vec<FrozenDocument>, Error> {
    let mut problems = Vec::new();
    let mut found = Vec::with_capacity(definition.documents.len());
    let mut sizes: Vec<Vec<PageSize>> = Vec::with_capacity(definition.documents.len());
    for (i, id) in definition.documents.iter().enumerate() {
        match tx.document(environment, *id)? {
            Some(document) => {
                found.push(freeze(&document));
                sizes.push(document.pages);
            }
            None => problems.push(unknown_document(i, *id)),
        }
    }
    if problems.is_empty() {
        problems = definition.faults_on(&sizes);
    }
    if problems.is_empty() {
        Ok(found)
    } else {
        Err(Error::Invalid(problems))
    }
}

fn unknown_document(index: usize, id: DocumentId) -> Problem {
    Problem::new(
        format!("/documentIds/{index}"),
        "document_not_found",
        format!("There is no document {id}."),
    )
}

/// A workspace that is not this one's is no fault of form.
fn invalid(problems: Vec<Problem>) -> Error {
    if problems.iter().any(|p| p.code == UNKNOWN_WORKSPACE) {
        return Error::Forbidden(
            "This workspace is not the appliance's; GET /workspaces tells which is.",
        );
    }
    Error::Invalid(problems)
}

/// `{"reason": "…"}`, all of it optional.
fn reason(body: Option<&Value>) -> Result<Option<String>, Error> {
    let Some(body) = body else { return Ok(None) };
    let fault = |code, message: String| Error::invalid("/reason", code, message);
    let Some(members) = body.as_object() else {
        return Err(Error::invalid("", "wrong_type", "An object is wanted."));
    };
    if let Some(other) = members.keys().find(|name| *name != "reason") {
        return Err(Error::invalid(
            &format!("/{other}"),
            "unknown_member",
            format!("There is no member `{other}`; `reason` is the only one."),
        ));
    }
    match members.get("reason") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(reason)) => text::lines(reason, limits::REASON_CHARS_MAX)
            .map(Some)
            .map_err(|wrong| fault("invalid_text", format!("`reason` {wrong}."))),
        Some(_) => Err(fault("wrong_type", "`reason` is a text.".to_owned())),
    }
}
