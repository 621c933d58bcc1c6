//! The recipients of a request.

use super::Intake;
use crate::domain::contact::EmailAddress;
use crate::domain::definition::Definition;
use crate::domain::ids::RecipientId;
use crate::domain::limits;
use crate::domain::problem::{Faults, Members};
use crate::domain::recipient::{Recipient, Role};
use serde_json::Value;

pub(super) fn recipients(
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
