//! Rules of sending, signing and taking turns, one by one.

use super::examples::{Story, contract, dispatch, document, evidence, later, read};
use crate::domain::command::{Command, Dispatch};
use crate::domain::envelope::Status;
use crate::domain::event::{Event, FollowUp, Message};
use crate::domain::field::{Value as Content, ValueFault};
use crate::domain::ids::RecipientId;
use crate::domain::refusal::Refusal;
use serde_json::{Value, json};

fn story(body: Value) -> Story {
    Story::of(read(body).expect("a definition").definition)
}

fn people(recipients: Value, order: Option<&str>) -> Story {
    story(
        json!({"subject": "S", "documentIds": [document(1)], "recipients": recipients, "signingOrder": order}),
    )
}

fn invited(events: &[Event]) -> Vec<RecipientId> {
    let mails = events.iter().flat_map(Event::follow_ups);
    mails
        .filter_map(|f| match f {
            FollowUp::Mail {
                message: Message::Invitation,
                recipients,
            } => Some(recipients),
            _ => None,
        })
        .flatten()
        .collect()
}

fn send(story: &mut Story) -> Result<Vec<Event>, Refusal> {
    let dispatch = dispatch(&story.envelope.definition);
    story.does(Command::Send(dispatch), later(1))
}

#[test]
fn in_parallel_all_are_invited_at_once() {
    let mut story = people(
        json!([{"email": "a@example.com"}, {"email": "b@example.com"}]),
        None,
    );
    let ids: Vec<_> = story
        .envelope
        .definition
        .recipients
        .iter()
        .map(|r| r.id)
        .collect();
    assert_eq!(invited(&send(&mut story).expect("sent")), ids);
    assert_eq!(
        story.signed(1).signed(0).envelope.status(),
        Some(Status::PartiallySigned)
    );
}

#[test]
fn equal_numbers_act_together_and_later_ones_wait() {
    let recipients = json!([
        {"email": "c@example.com", "order": 2}, {"email": "a@example.com", "order": 1}, {"email": "b@example.com", "order": 1},
    ]);
    let mut story = people(recipients, None);
    let [c, a, b] = [0, 1, 2].map(|i| story.envelope.definition.recipients[i].id);
    assert_eq!(invited(&send(&mut story).expect("sent")), [a, b]);
    assert_eq!(
        story.does(Command::View { by: c }, later(2)),
        Err(Refusal::NotYourTurn { before: 2 })
    );
    let mut story = story.signed(2);
    assert_eq!(
        story.does(Command::View { by: c }, later(2)),
        Err(Refusal::NotYourTurn { before: 1 })
    );
    let story = story.signed(1);
    let last: Vec<Event> = story.events[story.events.len() - 2..]
        .iter()
        .map(|(e, _)| e.clone())
        .collect();
    assert_eq!(invited(&last), [c]);
}

#[test]
fn a_sequence_without_numbers_follows_the_list() {
    let mut story = people(
        json!([{"email": "a@example.com"}, {"email": "b@example.com"}]),
        Some("SEQUENTIAL"),
    );
    let a = story.envelope.definition.recipients[0].id;
    assert_eq!(invited(&send(&mut story).expect("sent")), [a]);
}

#[test]
fn a_signer_without_a_place_among_others_with_one_is_named() {
    let mut body = contract();
    body["fields"].as_array_mut().expect("fields").remove(1);
    let mut story = story(body);
    let refusal = send(&mut story).expect_err("a refusal");
    assert_eq!(refusal.code(), "signer_without_field");
    assert_eq!(
        refusal.to_string(),
        "Recipient 2 (ben@example.com) has no signature field."
    );
}

#[test]
fn without_any_field_a_signature_page_serves_unless_fields_are_wanted() {
    let mut body = contract();
    body["fields"] = json!([]);
    let mut story = story(body);
    assert!(story.envelope.definition.wants_signature_page());
    let strict = Dispatch {
        require_fields: true,
        ..dispatch(&story.envelope.definition)
    };
    let refused = story
        .does(Command::Send(strict), later(1))
        .expect_err("a refusal");
    assert_eq!(refused.code(), "signer_without_field");
    assert!(send(&mut story).is_ok());
}

#[test]
fn the_deadline_is_judged_when_someone_acts_not_when_a_timer_fires() {
    let mut body = contract();
    body["expiresAt"] = json!(later(100));
    let mut story = story(body).sent().viewed(0);
    let ana = story.envelope.definition.recipients[0].id;
    let evidence = evidence(&story.envelope, ana);
    assert_eq!(story.does(Command::Expire, later(99)), Ok(vec![]));
    assert_eq!(
        story.does(Command::Sign { by: ana, evidence }, later(100)),
        Err(Refusal::TooLate)
    );
    assert!(
        story
            .does(Command::Expire, later(100))
            .is_ok_and(|events| !events.is_empty())
    );
    assert_eq!(story.envelope.status(), Some(Status::Expired));
}

#[test]
fn a_draft_whose_deadline_has_passed_is_not_sent() {
    let mut body = contract();
    body["expiresAt"] = json!(later(1));
    assert_eq!(send(&mut story(body)), Err(Refusal::ExpiresInThePast));
}

#[test]
fn a_second_sending_and_a_second_signature_change_nothing() {
    let mut story = Story::contract().sent().signed(0);
    let before = story.envelope.clone();
    assert_eq!(send(&mut story).map_err(|r| r.code()), Err("CONFLICT"));
    let ana = before.definition.recipients[0].id;
    let evidence = evidence(&before, ana);
    assert_eq!(
        story.does(Command::Sign { by: ana, evidence }, later(4)),
        Err(Refusal::AlreadyActed)
    );
    assert_eq!(story.envelope, before);
}

#[test]
fn what_is_signed_must_be_what_was_frozen_and_shown() {
    let mut story = Story::contract().sent();
    let ana = story.envelope.definition.recipients[0].id;
    let good = evidence(&story.envelope, ana);
    assert_eq!(
        story.does(
            Command::Sign {
                by: ana,
                evidence: good.clone()
            },
            later(2)
        ),
        Err(Refusal::NotOpened)
    );
    let mut story = story.viewed(0);
    let mut other = good.clone();
    other.documents[0] = crate::domain::digest::Digest::of(b"another document");
    assert_eq!(
        story.does(
            Command::Sign {
                by: ana,
                evidence: other
            },
            later(3)
        ),
        Err(Refusal::DocumentsDiffer)
    );
    let mut bare = good;
    bare.initials = None;
    assert_eq!(
        story.does(
            Command::Sign {
                by: ana,
                evidence: bare
            },
            later(3)
        ),
        Err(Refusal::MarkMissing)
    );
}

#[test]
fn every_fault_of_the_fields_is_named() {
    let mut story = Story::contract().sent().viewed(0);
    let definition = story.envelope.definition.clone();
    let ana = definition.recipients[0].id;
    let field = |i: usize| definition.fields[i].id;
    let mut bad = evidence(&story.envelope, ana);
    bad.filled.retain(|f| f.field != field(3)); // no date
    for filled in &mut bad.filled {
        if filled.field == field(4) {
            filled.value = Content::Text("a\u{202e}b".to_owned());
        }
        if filled.field == field(5) {
            filled.value = Content::Text("x".to_owned());
        }
    }
    let first = bad.filled[0].clone();
    bad.filled.push(first);
    let ben = crate::domain::field::Filled {
        field: field(1),
        value: Content::Mark,
    };
    bad.filled.push(ben);
    assert_eq!(
        story.does(
            Command::Sign {
                by: ana,
                evidence: bad
            },
            later(3)
        ),
        Err(Refusal::FieldValues(vec![
            (field(4), ValueFault::ForbiddenCharacter),
            (field(5), ValueFault::WrongKind),
            (field(0), ValueFault::Twice),
            (field(1), ValueFault::NotYours),
            (field(3), ValueFault::Missing),
        ]))
    );
}

#[test]
fn an_optional_box_may_stay_empty_and_a_required_text_may_not() {
    let mut story = Story::contract().sent().viewed(0);
    let definition = story.envelope.definition.clone();
    let ana = definition.recipients[0].id;
    let mut evidence = evidence(&story.envelope, ana);
    evidence
        .filled
        .iter_mut()
        .filter(|f| f.field == definition.fields[5].id)
        .for_each(|f| f.value = Content::Checked(false));
    let mut blank = evidence.clone();
    blank
        .filled
        .iter_mut()
        .filter(|f| f.field == definition.fields[4].id)
        .for_each(|f| f.value = Content::Text(" ".to_owned()));
    assert_eq!(
        story.does(
            Command::Sign {
                by: ana,
                evidence: blank
            },
            later(3)
        ),
        Err(Refusal::FieldValues(vec![(
            definition.fields[4].id,
            ValueFault::Missing
        )]))
    );
    assert!(
        story
            .does(Command::Sign { by: ana, evidence }, later(3))
            .is_ok()
    );
}

#[test]
fn seals_of_other_documents_are_not_recorded() {
    let mut story = Story::contract().sent().signed(0).signed(1);
    assert_eq!(
        story.does(Command::RecordSeal { sealed: vec![] }, later(5)),
        Err(Refusal::DocumentsDiffer)
    );
}

#[test]
fn an_edit_makes_links_for_new_recipients_only() {
    let mut story = Story::contract();
    let body = json!({"recipients": [{"email": "ANA@example.com"}, {"email": "eve@example.com"}], "fields": []});
    let edited = super::examples::patch(&story.envelope.definition, body).expect("a definition");
    let eve = edited.recipients[1].id;
    let events = story
        .does(Command::Edit(Box::new(edited)), later(1))
        .expect("edited");
    let Some(Event::LinksCreated { links }) = events.last() else {
        panic!("no links")
    };
    assert_eq!(links.iter().map(|l| l.recipient).collect::<Vec<_>>(), [eve]);
}
