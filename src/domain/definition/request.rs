//! From what was typed to what is meant: the bodies of POST and PATCH /envelopes.

use super::{Category, Definition, SignatureLevel, SigningOrder};
use crate::domain::contact::EmailAddress;
use crate::domain::field::{Field, FieldKind, Rect};
use crate::domain::ids::{DocumentId, FieldId, RecipientId, WorkspaceId};
use crate::domain::limits;
use crate::domain::problem::{Faults, Members, Problem, UNKNOWN_WORKSPACE, text_code};
use crate::domain::recipient::{Recipient, Role};
use crate::domain::text;
use crate::domain::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// What reading needs from outside: the time, chance for new ids, whose appliance it is.
pub struct Intake<'a> {
    /// The moment of the request.
    pub now: Timestamp,
    /// Ten fresh random bytes at each call.
    pub random: &'a mut dyn FnMut() -> [u8; 10],
    /// The one workspace there is.
    pub workspace: WorkspaceId,
}

/// What POST /envelopes asks for.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// What is to be signed. Where documents came with the request its list of documents is empty: whoever takes them in puts
    /// their ids there, in their order.
    pub definition: Definition,
    /// Documents that came with the request.
    pub inline: Vec<InlineDocument>,
    /// Whether the envelope is sent in the same call.
    pub send: bool,
}

/// A document inside a request.
#[derive(Debug, PartialEq)]
pub struct InlineDocument {
    /// Where it stands in the request, for faults found later.
    pub pointer: String,
    /// What it is called.
    pub name: String,
    /// Its bytes in base64, unchecked.
    pub base64: String,
}

impl Request {
    /// Reads the body of POST /envelopes, both shapes.
    ///
    /// # Errors
    /// All faults at once.
    pub fn read(body: Value, intake: &mut Intake<'_>) -> Result<Self, Vec<Problem>> {
        let faults = Faults::new();
        let request =
            Members::of(body, "", &faults).and_then(|members| read(members, None, intake, &faults));
        faults.or(request)
    }
}

impl Definition {
    /// Reads the body of PATCH /envelopes/{id}: a member given replaces the whole member, `null` its default. A recipient with
    /// the same id or e-mail keeps id and link, a field with the same id its id.
    ///
    /// # Errors
    /// All faults at once, those that the change brings to untouched members included.
    pub fn patched(&self, body: Value, intake: &mut Intake<'_>) -> Result<Self, Vec<Problem>> {
        let faults = Faults::new();
        let request = Members::of(body, "", &faults)
            .and_then(|members| read(members, Some(self), intake, &faults));
        faults.or(request.map(|r| r.definition))
    }
}

fn read(
    mut m: Members<'_>,
    before: Option<&Definition>,
    intake: &mut Intake<'_>,
    faults: &Faults,
) -> Option<Request> {
    let creating = before.is_none();
    let mut older = false;
    if creating {
        older |= m.has("signers");
        older |= m.has("documents");
    }

    let subject = subject(&mut m, before);
    let message = kept(&mut m, "message", before.map(|b| &b.message), |m| {
        m.lines("message", limits::MESSAGE_CHARS_MAX)
    });
    let (documents, inline, documents_len) = documents(&mut m, before, older, faults);
    let recipients = recipients(&mut m, before, older, intake, faults);
    let fields = fields(&mut m, before, &recipients, documents_len, intake, faults);

    let signature_level = match m.string("signatureLevel").as_deref() {
        None | Some("SIMPLE") => SignatureLevel::Simple,
        Some("QUALIFIED") => {
            m.fault(
                "signatureLevel",
                "qualified_not_available",
                "`signatureLevel`: `QUALIFIED` needs a qualified trust service provider and is not offered.",
            );
            SignatureLevel::Simple
        }
        Some("ADVANCED") => {
            m.fault(
                "signatureLevel",
                crate::domain::problem::NOT_AVAILABLE,
                "`signatureLevel`: `ADVANCED` is not available in this version.",
            );
            SignatureLevel::Simple
        }
        Some(_) => {
            m.fault(
                "signatureLevel",
                "invalid_value",
                "`signatureLevel` must be SIMPLE.",
            );
            SignatureLevel::Simple
        }
    };
    let signing_order = kept(
        &mut m,
        "signingOrder",
        before.map(|b| &b.signing_order),
        |m| {
            m.word(
                "signingOrder",
                &[SigningOrder::Parallel, SigningOrder::Sequential],
                SigningOrder::as_str,
                &[],
            )
        },
    );
    let expires_at = kept(&mut m, "expiresAt", before.map(|b| &b.expires_at), |m| {
        expires_at(m, intake.now)
    });
    let category = kept(&mut m, "category", before.map(|b| &b.category), |m| {
        m.word("category", Category::ALL, Category::as_str, &[])
    });
    let tags = kept(&mut m, "tags", before.map(|b| &b.tags), |m| tags(m, faults));
    let external_id = kept(&mut m, "externalId", before.map(|b| &b.external_id), |m| {
        m.line("externalId", limits::EXTERNAL_ID_CHARS_MAX)
    });
    let metadata = kept(&mut m, "metadata", before.map(|b| &b.metadata), |m| {
        metadata(m, faults)
    });

    if let Some(workspace) = m.string("workspaceId")
        && workspace != intake.workspace.to_string()
    {
        m.fault(
            "workspaceId",
            UNKNOWN_WORKSPACE,
            "This key has no access to that workspace.",
        );
    }
    for name in [
        "templateId",
        "requireSmsOtp",
        "requireEmailOtp",
        "reminders",
        "redirectUrl",
        "initialsOnEveryPage",
        "sender",
        "embeddableIn",
        "sendAt",
    ] {
        m.waits(name);
    }
    m.waits_unless("locale", "en");

    let definition = subject.zip(recipients).zip(documents).zip(fields).map(
        |(((subject, recipients), documents), fields)| Definition {
            subject,
            message,
            documents,
            recipients,
            fields,
            signature_level,
            signing_order,
            expires_at,
            category,
            tags,
            external_id,
            metadata,
        },
    );
    if let Some(definition) = &definition
        && definition.signing_order == Some(SigningOrder::Parallel)
        && let first = definition.recipients.iter().find_map(|r| r.order)
        && definition.recipients.iter().any(|r| r.order != first)
    {
        m.fault(
            "signingOrder",
            "order_in_parallel",
            "`signingOrder` is PARALLEL, but recipients have different `order`: give SEQUENTIAL, or no `order`.",
        );
    }
    m.finish();
    Some(Request {
        definition: definition?,
        inline,
        send: older,
    })
}

/// The member as given, or as it was before where it isn't given.
fn kept<T: Clone>(
    m: &mut Members<'_>,
    name: &'static str,
    before: Option<&T>,
    read: impl FnOnce(&mut Members<'_>) -> T,
) -> T {
    match before {
        Some(before) if !m.has(name) => before.clone(),
        _ => read(m),
    }
}

fn subject(m: &mut Members<'_>, before: Option<&Definition>) -> Option<String> {
    let both = m.has("subject") & m.has("title");
    if both {
        m.fault(
            "title",
            "conflicting_members",
            "`title` is another name for `subject`: give one of them.",
        );
    }
    let old_name = !both && m.has("title");
    if let Some(before) = before
        && !both
        && !old_name
        && !m.has("subject")
    {
        return Some(before.subject.clone());
    }
    let name = if old_name { "title" } else { "subject" };
    let given = m.line(name, limits::SUBJECT_CHARS_MAX);
    if both {
        m.take("title");
    }
    m.require(name, given)
}

fn expires_at(m: &mut Members<'_>, now: Timestamp) -> Option<Timestamp> {
    let at = m.moment("expiresAt")?;
    if at <= now {
        m.fault(
            "expiresAt",
            "expires_in_the_past",
            "`expiresAt` must lie in the future.",
        );
    } else if at > now.plus(limits::EXPIRES_AFTER_MAX) {
        m.fault(
            "expiresAt",
            "invalid_value",
            "`expiresAt` must lie within ten years.",
        );
    }
    Some(at)
}

fn tags(m: &mut Members<'_>, faults: &Faults) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for (pointer, item) in m.list("tags", limits::TAGS_MAX).unwrap_or_default() {
        let Value::String(tag) = item else {
            faults.add(pointer, "wrong_type", "A tag must be a text.");
            continue;
        };
        match text::line(&tag, limits::TAG_CHARS_MAX) {
            Ok(tag) => {
                let tag = tag.to_lowercase();
                if !tags.contains(&tag) {
                    tags.push(tag);
                }
            }
            Err(fault) => faults.add(pointer, text_code(fault), format!("A tag {fault}.")),
        }
    }
    tags
}

fn metadata(m: &mut Members<'_>, faults: &Faults) -> BTreeMap<String, String> {
    let at = m.at("metadata");
    let Some(value) = m.take("metadata") else {
        return BTreeMap::new();
    };
    let Value::Object(pairs) = value else {
        faults.add(at, "wrong_type", "`metadata` must be an object of texts.");
        return BTreeMap::new();
    };
    if pairs.len() > limits::METADATA_PAIRS_MAX {
        faults.add(
            at,
            "too_many",
            format!(
                "`metadata` has {} pairs; at most {} are taken.",
                pairs.len(),
                limits::METADATA_PAIRS_MAX
            ),
        );
        return BTreeMap::new();
    }
    let mut meant = BTreeMap::new();
    for (key, value) in pairs {
        let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        match text::line(&key, limits::METADATA_KEY_CHARS_MAX) {
            Ok(clean) if clean == key => {}
            Ok(_) => faults.add(
                &pointer,
                "invalid_value",
                "A metadata key must not begin or end with a blank.",
            ),
            Err(fault) => faults.add(
                &pointer,
                text_code(fault),
                format!("A metadata key {fault}."),
            ),
        }
        match value {
            Value::String(text) if text.is_empty() => {
                meant.insert(key, text);
            }
            Value::String(text) => match text::lines(&text, limits::METADATA_VALUE_CHARS_MAX) {
                Ok(_) | Err(text::TextFault::Empty) => {
                    // Kept exactly as given: it is the caller's own data.
                    meant.insert(key, text);
                }
                Err(fault) => faults.add(
                    pointer,
                    text_code(fault),
                    format!("A metadata value {fault}."),
                ),
            },
            _ => faults.add(pointer, "wrong_type", "A metadata value must be a text."),
        }
    }
    meant
}

/// Ids of documents, documents in the request, and how many there are either way (where that is known).
fn documents(
    m: &mut Members<'_>,
    before: Option<&Definition>,
    older: bool,
    faults: &Faults,
) -> (Option<Vec<DocumentId>>, Vec<InlineDocument>, Option<usize>) {
    if older {
        if m.take("documentIds").is_some() {
            m.fault(
                "documentIds",
                "conflicting_members",
                "Give `documents` or `documentIds`, not both shapes at once.",
            );
        }
        let given = m
            .list("documents", limits::ENVELOPE_DOCUMENTS_MAX)
            .filter(|l| !l.is_empty());
        let Some(given) = m.require("documents", given) else {
            return (None, Vec::new(), None);
        };
        let len = given.len();
        let inline: Vec<InlineDocument> = given
            .into_iter()
            .filter_map(|(pointer, item)| inline_document(pointer, item, faults))
            .collect();
        let whole = (inline.len() == len).then(Vec::new);
        return (whole, inline, Some(len));
    }
    if let Some(before) = before
        && !m.has("documentIds")
    {
        return (
            Some(before.documents.clone()),
            Vec::new(),
            Some(before.documents.len()),
        );
    }
    let given = m
        .list("documentIds", limits::ENVELOPE_DOCUMENTS_MAX)
        .filter(|l| !l.is_empty());
    let Some(given) = m.require("documentIds", given) else {
        return (None, Vec::new(), None);
    };
    let len = given.len();
    let mut ids: Vec<DocumentId> = Vec::with_capacity(len);
    for (pointer, item) in given {
        match item.as_str().map(str::parse::<DocumentId>) {
            Some(Ok(id)) if ids.contains(&id) => faults.add(
                pointer,
                "duplicate_document",
                "This document is named twice.",
            ),
            Some(Ok(id)) => ids.push(id),
            Some(Err(_)) => faults.add(
                pointer,
                "document_not_found",
                "There is no document with this id.",
            ),
            None => faults.add(pointer, "wrong_type", "A document id must be a text."),
        }
    }
    (Some(ids), Vec::new(), Some(len))
}

fn inline_document(pointer: String, item: Value, faults: &Faults) -> Option<InlineDocument> {
    let mut m = Members::of(item, pointer.clone(), faults)?;
    let name = m.line("name", limits::DOCUMENT_NAME_CHARS_MAX);
    let name = m.require("name", name);
    let base64 = m.string("base64Pdf").filter(|b| !b.is_empty());
    let base64 = m.require("base64Pdf", base64);
    m.finish();
    Some(InlineDocument {
        pointer,
        name: name?,
        base64: base64?,
    })
}

fn recipients(
    m: &mut Members<'_>,
    before: Option<&Definition>,
    older: bool,
    intake: &mut Intake<'_>,
    faults: &Faults,
) -> Option<Vec<Recipient>> {
    let name = if older && m.has("signers") {
        "signers"
    } else {
        "recipients"
    };
    if name == "signers" && m.take("recipients").is_some() {
        m.fault(
            "recipients",
            "conflicting_members",
            "Give `signers` or `recipients`, not both shapes at once.",
        );
    }
    if let Some(before) = before
        && !m.has("recipients")
    {
        return Some(before.recipients.clone());
    }
    let given = m
        .list(name, limits::ENVELOPE_RECIPIENTS_MAX)
        .filter(|l| !l.is_empty());
    let given = m.require(name, given)?;
    let known = before.map_or(&[][..], |b| &b.recipients);
    let len = given.len();
    let mut meant: Vec<Recipient> = Vec::with_capacity(len);
    for (pointer, item) in given {
        let Some(recipient) = recipient(&pointer, item, known, before.is_some(), intake, faults)
        else {
            continue;
        };
        if meant
            .iter()
            .any(|r| r.email.same_as(&recipient.email) || r.id == recipient.id)
        {
            faults.add(
                format!("{pointer}/email"),
                "duplicate_recipient",
                "This recipient is named twice.",
            );
        }
        meant.push(recipient);
    }
    (meant.len() == len).then_some(meant)
}

fn recipient(
    pointer: &str,
    item: Value,
    known: &[Recipient],
    editing: bool,
    intake: &mut Intake<'_>,
    faults: &Faults,
) -> Option<Recipient> {
    let mut m = Members::of(item, pointer, faults)?;
    let id = if editing {
        let id = m.parsed::<RecipientId>("id");
        if id.is_some_and(|id| !known.iter().any(|r| r.id == id)) {
            m.fault(
                "id",
                "recipient_not_found",
                "This envelope has no recipient with this id.",
            );
        }
        id
    } else {
        m.read_only("id");
        None
    };
    let email = m.parsed::<EmailAddress>("email");
    let email = m.require("email", email);
    // An empty name is no name, as programs send it.
    let name = m
        .line("name", limits::NAME_CHARS_MAX)
        .and_then(|name| name.parse().ok());
    let role = m
        .word("role", &[Role::Signer], Role::as_str, &Role::WAITING)
        .unwrap_or(Role::Signer);
    let order = m
        .whole("order", 1, u64::from(limits::ORDER_MAX))
        .and_then(|n| u16::try_from(n).ok());
    for waiting in ["phone", "accessCode"] {
        m.waits(waiting);
    }
    m.waits_unless("channel", "EMAIL");
    m.waits_unless("locale", "en");
    for answer in ["status", "viewedAt", "signedAt", "accessToken", "signUrl"] {
        m.read_only(answer);
    }
    m.finish();

    let email = email?;
    let same = known.iter().find(|r| Some(r.id) == id).or_else(|| {
        known
            .iter()
            .find(|r| id.is_none() && r.email.same_as(&email))
    });
    let (id, generation) = match same {
        Some(same) => (same.id, same.generation),
        None => (RecipientId::new(intake.now, (intake.random)()), 1),
    };
    Some(Recipient {
        id,
        email,
        name,
        role,
        order,
        generation,
    })
}

fn fields(
    m: &mut Members<'_>,
    before: Option<&Definition>,
    recipients: &Option<Vec<Recipient>>,
    documents_len: Option<usize>,
    intake: &mut Intake<'_>,
    faults: &Faults,
) -> Option<Vec<Field>> {
    if let Some(before) = before
        && !m.has("fields")
    {
        for (i, field) in before.fields.iter().enumerate() {
            if recipients
                .as_ref()
                .is_some_and(|all| !all.iter().any(|r| r.id == field.recipient))
            {
                faults.add(
                    format!("/fields/{i}"),
                    "recipient_not_found",
                    "This field's recipient would be gone: give `fields` too.",
                );
            }
            if documents_len.is_some_and(|len| field.document >= len) {
                faults.add(
                    format!("/fields/{i}"),
                    "document_not_found",
                    "This field's document would be gone: give `fields` too.",
                );
            }
        }
        return Some(before.fields.clone());
    }
    let given = m
        .list("fields", limits::ENVELOPE_FIELDS_MAX)
        .unwrap_or_default();
    let len = given.len();
    let known = before.map_or(&[][..], |b| &b.fields);
    let mut meant: Vec<Field> = Vec::with_capacity(len);
    for (pointer, item) in given {
        let reading = FieldReading {
            recipients: recipients.as_deref(),
            documents_len,
            known,
            editing: before.is_some(),
        };
        if let Some(field) = reading.field(&pointer, item, intake, faults) {
            if meant.iter().any(|f| f.id == field.id) {
                faults.add(
                    format!("{pointer}/id"),
                    "duplicate_field",
                    "This field is named twice.",
                );
            }
            meant.push(field);
        }
    }
    (meant.len() == len).then_some(meant)
}

/// What a field is read against. `None` where that part of the request is faulty itself.
struct FieldReading<'a> {
    recipients: Option<&'a [Recipient]>,
    documents_len: Option<usize>,
    known: &'a [Field],
    editing: bool,
}

impl FieldReading<'_> {
    fn field(
        &self,
        pointer: &str,
        item: Value,
        intake: &mut Intake<'_>,
        faults: &Faults,
    ) -> Option<Field> {
        let mut m = Members::of(item, pointer, faults)?;
        let id = if self.editing {
            let id = m.parsed::<FieldId>("id");
            if id.is_some_and(|id| !self.known.iter().any(|f| f.id == id)) {
                m.fault(
                    "id",
                    "field_not_found",
                    "This envelope has no field with this id.",
                );
            }
            id
        } else {
            m.read_only("id");
            None
        };
        let recipient = self.signer(&mut m);
        let document = m
            .whole(
                "documentIndex",
                0,
                limits::ENVELOPE_DOCUMENTS_MAX as u64 - 1,
            )
            .unwrap_or(0);
        let document = usize::try_from(document).unwrap_or(usize::MAX);
        if self.documents_len.is_some_and(|len| document >= len) {
            m.fault(
                "documentIndex",
                "document_not_found",
                "The envelope has no document at this index (counted from 0).",
            );
        }
        let page = m
            .whole("pageNumber", 1, u64::from(u32::MAX))
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(1);
        let kind = m.word(
            "fieldType",
            &FieldKind::ALL,
            FieldKind::as_str,
            &FieldKind::WAITING,
        );
        let kind = m.require("fieldType", kind);
        let required = m.boolean("required");
        let label = m.line("label", limits::FIELD_LABEL_CHARS_MAX);
        let value = m.lines("value", limits::FIELD_TEXT_CHARS_MAX);
        if let (Some(value), Some(kind)) = (&value, kind) {
            let fits = match kind {
                FieldKind::Text => true,
                FieldKind::Checkbox => matches!(value.as_str(), "true" | "false"),
                FieldKind::Signature | FieldKind::Initials | FieldKind::DateSigned => false,
            };
            if !fits {
                m.fault(
                    "value",
                    "invalid_value",
                    "`value` may stand in a TEXT, or be `true` or `false` in a CHECKBOX.",
                );
            }
        }
        for waiting in ["options", "anchorText", "anchorPlacement", "anchorIndex"] {
            m.waits(waiting);
        }
        let rect = place(&mut m);
        m.finish();
        let kind = kind?;
        Some(Field {
            id: id.unwrap_or_else(|| FieldId::new(intake.now, (intake.random)())),
            recipient: recipient?,
            document,
            page,
            kind,
            required: required.unwrap_or(kind != FieldKind::Checkbox),
            label,
            value,
            rect: rect?,
        })
    }

    /// Whose field it is, by any of three names that must not disagree.
    fn signer(&self, m: &mut Members<'_>) -> Option<RecipientId> {
        let email = m.parsed::<EmailAddress>("recipientEmail");
        let index = m.whole(
            "recipientIndex",
            0,
            limits::ENVELOPE_RECIPIENTS_MAX as u64 - 1,
        );
        let id = if self.editing {
            m.parsed::<RecipientId>("recipientId")
        } else {
            m.read_only("recipientId");
            None
        };
        let index = index.and_then(|i| usize::try_from(i).ok());
        if email.is_none() && index.is_none() && id.is_none() {
            return m.require("recipientEmail", None);
        }
        let recipients = self.recipients?;
        let matches = |(i, r): &(usize, &Recipient)| {
            email.as_ref().is_none_or(|e| r.email.same_as(e))
                && index.is_none_or(|n| n == *i)
                && id.is_none_or(|id| id == r.id)
        };
        let found = recipients
            .iter()
            .enumerate()
            .find(matches)
            .map(|(_, r)| r.id);
        if found.is_none() {
            let name = match (&email, index) {
                (Some(_), _) => "recipientEmail",
                (None, Some(_)) => "recipientIndex",
                (None, None) => "recipientId",
            };
            m.fault(
                name,
                "recipient_not_found",
                format!("`{name}` names none of the recipients."),
            );
        }
        found
    }
}

fn place(m: &mut Members<'_>) -> Option<Rect> {
    const MAX: f64 = limits::FIELD_COORDINATE_MAX;
    let has = m.has("x") && m.has("y");
    let x = m.number("x", 0.0, MAX);
    let y = m.number("y", 0.0, MAX);
    let width = m
        .number("width", limits::FIELD_SIDE_MIN, MAX)
        .unwrap_or(limits::FIELD_WIDTH_DEFAULT);
    let height = m
        .number("height", limits::FIELD_SIDE_MIN, MAX)
        .unwrap_or(limits::FIELD_HEIGHT_DEFAULT);
    if !has {
        m.require("x", x);
        m.require("y", y);
    }
    Some(
        Rect {
            x: x?,
            y: y?,
            width,
            height,
        }
        .rounded(),
    )
}
