//! Random commands at random times against what must always hold.

use super::chain::recorded;
use super::examples::{Story, dispatch, document, evidence, later, read, sealed};
use crate::domain::audit::Replay;
use crate::domain::command::{Command, Note};
use crate::domain::envelope::{Envelope, State};
use crate::domain::event::{Event, FollowUp, Message};
use crate::domain::ids::RecipientId;
use crate::domain::time::Timestamp;
use proptest::prelude::*;
use serde_json::json;

#[derive(Clone, Debug)]
struct Step {
    what: u8,
    who: usize,
    after: u64,
}

fn command(envelope: &Envelope, step: &Step) -> Command {
    let recipients = &envelope.definition.recipients;
    // One more than there are: now and then a stranger.
    let by = recipients
        .get(step.who % (recipients.len() + 1))
        .map_or_else(|| RecipientId::new(later(0), [99; 10]), |r| r.id);
    match step.what {
        0 => Command::Edit(Box::new(envelope.definition.clone())),
        1 => Command::Send(dispatch(&envelope.definition)),
        2 => Command::Delete { reason: None },
        3 => Command::Void { reason: None },
        4 => Command::Expire,
        5 => Command::RecordSeal {
            sealed: sealed(&envelope.documents),
        },
        6 => Command::ParkSeal {
            reason: format!("reason {}", step.who),
        },
        7 => Command::ResumeSeal,
        8 => Command::Note(Note::LinkFetched { recipient: by }),
        9 => Command::Note(Note::SealFailed {
            attempt: 1,
            reason: "disk".to_owned(),
        }),
        10 => Command::Decline {
            by,
            reason: "No".to_owned(),
        },
        11..=24 => Command::View { by },
        _ => Command::Sign {
            by,
            evidence: evidence(envelope, by),
        },
    }
}

fn draft(orders: &[Option<u16>], fields: bool) -> Story {
    let recipients: Vec<_> = orders
        .iter()
        .enumerate()
        .map(|(i, order)| json!({"email": format!("r{i}@example.com"), "order": order}))
        .collect();
    let fields: Vec<_> = (0..if fields { orders.len() } else { 0 })
        .map(|i| json!({"recipientIndex": i, "fieldType": "SIGNATURE", "x": 10.1 * i as f64, "y": 20}))
        .collect();
    let body = json!({"subject": "S", "documentIds": [document(1)], "recipients": recipients, "fields": fields});
    Story::of(read(body).expect("a definition").definition)
}

/// What must be true after every step.
fn check(before: &Envelope, story: &Story, fresh: &[Event], now: Timestamp) {
    let envelope = &story.envelope;
    assert_eq!(
        envelope.version,
        story.events.len() as u64,
        "the version counts events"
    );
    if matches!(
        envelope.state,
        State::Sealing { .. } | State::Completed { .. }
    ) {
        assert_eq!(
            envelope.signed_count(),
            envelope.definition.recipients.len(),
            "nobody is missing"
        );
    }
    for event in fresh {
        if let Event::Signed { by, .. } = event {
            let index = envelope
                .definition
                .recipients
                .iter()
                .position(|r| r.id == *by)
                .expect("a recipient");
            let turn = envelope.definition.turn_of(index);
            for (i, progress) in envelope.progress.iter().enumerate() {
                assert!(
                    envelope.definition.turn_of(i) >= turn || progress.signed_at.is_some(),
                    "earlier turns signed"
                );
            }
            let progress = &envelope.progress[index];
            assert!(
                progress.viewed_at.is_some() && progress.invited_at.is_some(),
                "who signs was invited and looked"
            );
        }
        if let Event::Signed { .. } | Event::Viewed { .. } | Event::Declined { .. } = event {
            // The last signature leaves the open state: the deadline is that of the state before.
            let State::Open { expires_at } = &before.state else {
                panic!("{event:?} happened to what was not open");
            };
            assert!(now < *expires_at, "nothing happens after the deadline");
        }
    }
}

fn count(story: &Story, is: impl Fn(&FollowUp) -> bool) -> usize {
    story
        .events
        .iter()
        .flat_map(|(event, _)| event.follow_ups())
        .filter(is)
        .count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_commands_breaks_what_must_hold(
        orders in prop::collection::vec(prop::option::of(1u16..4), 1..5),
        fields in any::<bool>(),
        sends in any::<bool>(),
        steps in prop::collection::vec((0u8..50, 0usize..6, 0u64..4_000).prop_map(|(what, who, after)| Step { what, who, after }), 1..60),
    ) {
        let mut story = draft(&orders, fields);
        if sends {
            story = story.sent();
        }
        let mut clock = 10;
        for step in &steps {
            clock += step.after;
            let now = later(clock);
            let before = story.envelope.clone();
            match story.does(command(&before, step), now) {
                Err(_) => prop_assert_eq!(&story.envelope, &before, "a refusal changes nothing"),
                Ok(fresh) => check(&before, &story, &fresh, now),
            }
            if before.state.has_ended() {
                prop_assert_eq!(&story.envelope.state, &before.state, "what has ended stays ended");
            }
        }

        // Everyone hears once at most that they may sign; one seal job for each time that the sealing (re)starts.
        for recipient in &story.envelope.definition.recipients {
            let invitations = count(&story, |f| matches!(f, FollowUp::Mail { message: Message::Invitation, recipients } if recipients.contains(&recipient.id)));
            let invited = story.envelope.recipient(recipient.id).is_some_and(|(_, p)| p.invited_at.is_some());
            prop_assert_eq!(invitations, usize::from(invited));
        }
        let started = story.events.iter().filter(|(e, _)| matches!(e, Event::AllActed | Event::SealResumed)).count();
        prop_assert_eq!(count(&story, |f| *f == FollowUp::Seal), started);

        // The trail tells the same story again, through its stored bytes.
        let mut replay = Replay::of(story.envelope.id);
        for entry in recorded(&story) {
            replay.take(&entry).expect("an entry that holds");
        }
        prop_assert_eq!(replay.envelope(), Some(&story.envelope));
        let stored = serde_json::to_string(&story.envelope).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Envelope>(&stored).expect("an envelope"), story.envelope);
    }

    #[test]
    fn a_place_comes_back_from_its_stored_form_unchanged(x in 0.0f64..14_400.0, y in 0.0f64..14_400.0) {
        let rect = crate::domain::field::Rect { x, y, width: x.max(4.0), height: y.max(4.0) }.rounded();
        let stored = serde_json::to_string(&rect).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<crate::domain::field::Rect>(&stored).expect("a rectangle"), rect);
    }

    #[test]
    fn no_body_of_a_request_can_make_the_reader_fail(body in any_json()) {
        let _ = read(body.clone());
        let before = draft(&[None, Some(2)], true).envelope.definition;
        let _ = super::examples::patch(&before, body);
    }
}

/// JSON with our own names in it, so that it reaches deeper than "must be an object".
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let name = prop::sample::select(vec![
        "subject",
        "title",
        "recipients",
        "signers",
        "documents",
        "documentIds",
        "fields",
        "email",
        "name",
        "order",
        "x",
        "y",
        "recipientIndex",
        "recipientEmail",
        "fieldType",
        "tags",
        "metadata",
        "expiresAt",
        "id",
        "pageNumber",
        "base64Pdf",
        "other",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "\\PC{0,12}".prop_map(Into::into),
        prop::sample::select(vec![
            "a@example.com",
            "SIGNATURE",
            "SEQUENTIAL",
            "2030-01-01T00:00:00Z"
        ])
        .prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(|pairs| {
                serde_json::Value::Object(
                    pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
                )
            }),
        ]
    })
}
