//! The documents of a request: named by id, or brought along.

use super::InlineDocument;
use crate::domain::definition::Definition;
use crate::domain::ids::DocumentId;
use crate::domain::limits;
use crate::domain::problem::{Faults, Members};
use serde_json::Value;

/// The documents of a request.
#[derive(Default)]
pub(super) struct Documents {
    /// Their ids; none for documents that were brought along. `None` where they are faulty.
    pub(super) ids: Option<Vec<DocumentId>>,
    /// What was brought along.
    pub(super) inline: Vec<InlineDocument>,
    /// How many there are either way, where that is known.
    pub(super) len: Option<usize>,
}

/// Reads them.
pub(super) fn documents(
    m: &mut Members<'_>,
    before: Option<&Definition>,
    older: bool,
    faults: &Faults,
) -> Documents {
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
            return Documents::default();
        };
        let len = given.len();
        let inline: Vec<InlineDocument> = given
            .into_iter()
            .filter_map(|(pointer, item)| inline_document(pointer, item, faults))
            .collect();
        return Documents {
            ids: (inline.len() == len).then(Vec::new),
            inline,
            len: Some(len),
        };
    }
    if let Some(before) = before
        && !m.has("documentIds")
    {
        return Documents {
            ids: Some(before.documents.clone()),
            inline: Vec::new(),
            len: Some(before.documents.len()),
        };
    }
    let given = m
        .list("documentIds", limits::ENVELOPE_DOCUMENTS_MAX)
        .filter(|l| !l.is_empty());
    let Some(given) = m.require("documentIds", given) else {
        return Documents::default();
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
    Documents {
        ids: Some(ids),
        inline: Vec::new(),
        len: Some(len),
    }
}

impl InlineDocument {
    /// Reads the body of POST /documents in its JSON form.
    ///
    /// # Errors
    /// All faults at once.
    pub fn read(body: Value) -> Result<Self, Vec<crate::domain::problem::Problem>> {
        let faults = Faults::new();
        let meant = inline_document(String::new(), body, &faults);
        faults.or(meant)
    }
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
