//! Fields: what a signer fills, and where it stands.

use super::ids::{FieldId, RecipientId};
use super::limits;

/// What a field asks of its signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FieldKind {
    /// The signer's adopted signature.
    Signature,
    /// The signer's adopted initials.
    Initials,
    /// The day of signing, filled by the appliance.
    DateSigned,
    /// Words that the signer types.
    Text,
    /// A box that the signer ticks.
    Checkbox,
}

impl FieldKind {
    /// All that this version carries out.
    pub const ALL: [Self; 5] = [
        Self::Signature,
        Self::Initials,
        Self::DateSigned,
        Self::Text,
        Self::Checkbox,
    ];
    /// Names of the API that this version refuses with `not_available`.
    pub const WAITING: [&'static str; 5] =
        ["DROPDOWN", "RADIO_GROUP", "ATTACHMENT", "STAMP", "DRAWING"];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "SIGNATURE",
            Self::Initials => "INITIALS",
            Self::DateSigned => "DATE_SIGNED",
            Self::Text => "TEXT",
            Self::Checkbox => "CHECKBOX",
        }
    }
}

/// A rectangle in points from the top left of the page as a reader sees it (rotation and crop applied).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Rect {
    /// From the left edge.
    pub x: f64,
    /// From the top edge, downwards.
    pub y: f64,
    /// To the right of `x`.
    pub width: f64,
    /// Downwards from `y`.
    pub height: f64,
}

/// The size of a page as a reader sees it, in points.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct PageSize {
    /// Left to right.
    pub width: f64,
    /// Top to bottom.
    pub height: f64,
}

impl Rect {
    /// To thousandths of a point. So few digits come back from JSON as the same numbers, which the replay of the audit trail and
    /// the digest of the definition rely on.
    pub fn rounded(self) -> Self {
        let round = |n: f64| (n * 1000.0).round() / 1000.0;
        Self {
            x: round(self.x),
            y: round(self.y),
            width: round(self.width),
            height: round(self.height),
        }
    }

    /// Whether it lies on a page of that size. Half a point over the edge is forgiven: page sizes are rarely whole numbers.
    pub fn lies_on(&self, page: PageSize) -> bool {
        const FORGIVEN: f64 = 0.5;
        self.x >= 0.0
            && self.y >= 0.0
            && self.x + self.width <= page.width + FORGIVEN
            && self.y + self.height <= page.height + FORGIVEN
    }
}

/// One field of an envelope.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Field {
    /// Its id.
    pub id: FieldId,
    /// Who fills it.
    pub recipient: RecipientId,
    /// Which document, by its place in the envelope, from 0.
    pub document: usize,
    /// Which page, from 1.
    pub page: u32,
    /// What it asks.
    pub kind: FieldKind,
    /// Whether the signer can't sign without it.
    pub required: bool,
    /// What the page calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What stands in it before the signer writes: a text, or `true` or `false` for a check box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where it stands.
    pub rect: Rect,
}

/// What a signer put into a field.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum Value {
    /// The adopted signature or the adopted initials, whichever the field asks for.
    Mark,
    /// The day of signing as the page shows it.
    Date(String),
    /// Words.
    Text(String),
    /// Ticked or not.
    Checked(bool),
}

/// A field with what it was filled with.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filled {
    /// Which field.
    pub field: FieldId,
    /// With what.
    pub value: Value,
}

/// Why what a signer sent for a field isn't taken. The page shows it at the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueFault {
    /// A required field is empty, or a required box not ticked.
    Missing,
    /// Not a field of this signer.
    NotYours,
    /// A value of another kind than the field asks for.
    WrongKind,
    /// The same field twice.
    Twice,
    /// More than [`limits::FIELD_TEXT_CHARS_MAX`] characters.
    TooLong,
    /// A control, bidirectional or invisible character.
    ForbiddenCharacter,
}

impl Field {
    /// Whether the field, required or not, has been given something that counts.
    fn is_filled_by(&self, value: &Value) -> bool {
        match value {
            Value::Mark | Value::Date(_) => true,
            Value::Text(text) => !text.trim().is_empty(),
            Value::Checked(checked) => *checked,
        }
    }

    fn fault_of(&self, value: &Value) -> Option<ValueFault> {
        match (self.kind, value) {
            (FieldKind::Signature | FieldKind::Initials, Value::Mark)
            | (FieldKind::Checkbox, Value::Checked(_)) => None,
            (FieldKind::Text, Value::Text(text)) | (FieldKind::DateSigned, Value::Date(text)) => {
                match super::text::lines(text, limits::FIELD_TEXT_CHARS_MAX) {
                    Ok(_) | Err(super::text::TextFault::Empty) => None,
                    Err(super::text::TextFault::TooLong { .. }) => Some(ValueFault::TooLong),
                    Err(super::text::TextFault::Forbidden(_)) => {
                        Some(ValueFault::ForbiddenCharacter)
                    }
                }
            }
            _ => Some(ValueFault::WrongKind),
        }
    }
}

/// Everything that is wrong with what `signer` wants to put into the fields of the envelope.
pub fn faults(
    fields: &[Field],
    signer: RecipientId,
    filled: &[Filled],
) -> Vec<(FieldId, ValueFault)> {
    let mut faults = Vec::new();
    let mut seen = std::collections::BTreeMap::new();
    for given in filled {
        if seen.insert(given.field, &given.value).is_some() {
            faults.push((given.field, ValueFault::Twice));
            continue;
        }
        match fields
            .iter()
            .find(|f| f.id == given.field && f.recipient == signer)
        {
            None => faults.push((given.field, ValueFault::NotYours)),
            Some(field) => {
                faults.extend(field.fault_of(&given.value).map(|fault| (field.id, fault)))
            }
        }
    }
    for field in fields.iter().filter(|f| f.recipient == signer) {
        // The date is ours to give, so it may never be left out.
        let wanted = field.required || field.kind == FieldKind::DateSigned;
        if wanted
            && !seen
                .get(&field.id)
                .is_some_and(|value| field.is_filled_by(value))
        {
            faults.push((field.id, ValueFault::Missing));
        }
    }
    faults
}
