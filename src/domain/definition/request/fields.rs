//! The fields of a request.

use super::Intake;
use crate::domain::contact::EmailAddress;
use crate::domain::definition::Definition;
use crate::domain::field::{Field, FieldKind, Rect};
use crate::domain::ids::{FieldId, RecipientId};
use crate::domain::limits;
use crate::domain::problem::{Faults, Members};
use crate::domain::recipient::Recipient;
use serde_json::Value;

pub(super) fn fields(
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
    let x = m.number("x", 0.0, MAX);
    let y = m.number("y", 0.0, MAX);
    let width = m
        .number("width", limits::FIELD_SIDE_MIN, MAX)
        .unwrap_or(limits::FIELD_WIDTH_DEFAULT);
    let height = m
        .number("height", limits::FIELD_SIDE_MIN, MAX)
        .unwrap_or(limits::FIELD_HEIGHT_DEFAULT);
    let x = m.require("x", x);
    let y = m.require("y", y);
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
