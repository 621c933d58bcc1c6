//! From what was typed to what is meant: the bodies of POST and PATCH /envelopes.

use super::{Category, Definition, SignatureLevel, SigningOrder};
use crate::domain::ids::WorkspaceId;
use crate::domain::limits;
use crate::domain::problem::{Faults, Members, Problem, UNKNOWN_WORKSPACE, text_code};
use crate::domain::text;
use crate::domain::time::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

mod documents;
mod fields;
mod recipients;

use documents::documents;
use fields::fields;
use recipients::recipients;

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
    let documents = documents(&mut m, before, older, faults);
    let recipients = recipients(&mut m, before, older, intake, faults);
    let fields = fields(&mut m, before, &recipients, documents.len, intake, faults);

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

    let definition = subject.zip(recipients).zip(documents.ids).zip(fields).map(
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
        inline: documents.inline,
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
