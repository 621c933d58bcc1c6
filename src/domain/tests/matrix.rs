//! Every command in every state, printed.

use super::examples::{Story, contract, dispatch, evidence, later, read, sealed};
use crate::domain::command::{Command, Note};
use crate::domain::envelope::Envelope;
use crate::domain::ids::RecipientId;
use crate::domain::time::Timestamp;
use std::fmt::Write as _;

fn states() -> Vec<(&'static str, Story, Timestamp)> {
    let now = later(60);
    let void = |s: Story| s.then(|_| Command::Void { reason: None }, later(3));
    let sent = || Story::contract().sent();
    let sealing = || sent().signed(0).signed(1);
    vec![
        ("draft", Story::contract(), now),
        ("open", sent(), now),
        ("open, Ana viewed", sent().viewed(0), now),
        ("open, Ana signed", sent().signed(0), now),
        (
            "open, Ana signed, Ben viewed",
            sent().signed(0).viewed(1),
            now,
        ),
        ("open, past its deadline", sent().viewed(0), later(86_401)),
        ("sealing", sealing(), now),
        ("sealing, parked", sealing().parked(), now),
        ("completed", sealing().completed(), now),
        ("declined", sent().declined(), now),
        ("voided", void(sent()), now),
        (
            "expired",
            sent().then(|_| Command::Expire, later(86_401)),
            later(86_402),
        ),
        (
            "discarded",
            Story::contract().then(|_| Command::Delete { reason: None }, later(1)),
            now,
        ),
    ]
}

fn commands(envelope: &Envelope) -> Vec<(&'static str, Command)> {
    let [ana, ben] = [0, 1].map(|i| envelope.definition.recipients[i].id);
    let stranger = RecipientId::new(later(0), [77; 10]);
    let sign = |by| Command::Sign {
        by,
        evidence: evidence(envelope, by),
    };
    let decline = |by| Command::Decline {
        by,
        reason: "No".to_owned(),
    };
    let edit = read(contract()).expect("a definition").definition;
    vec![
        ("edit", Command::Edit(Box::new(edit))),
        ("send", Command::Send(dispatch(&envelope.definition))),
        ("delete", Command::Delete { reason: None }),
        (
            "void",
            Command::Void {
                reason: Some("Mistake".to_owned()),
            },
        ),
        ("view by Ana", Command::View { by: ana }),
        ("view by Ben", Command::View { by: ben }),
        ("view by a stranger", Command::View { by: stranger }),
        ("sign by Ana", sign(ana)),
        ("sign by Ben", sign(ben)),
        ("decline by Ana", decline(ana)),
        ("decline by Ben", decline(ben)),
        ("decline by a stranger", decline(stranger)),
        ("expire", Command::Expire),
        (
            "record seal",
            Command::RecordSeal {
                sealed: sealed(&envelope.documents),
            },
        ),
        (
            "park seal",
            Command::ParkSeal {
                reason: "key missing".to_owned(),
            },
        ),
        (
            "park seal, same reason",
            Command::ParkSeal {
                reason: "certificate expired".to_owned(),
            },
        ),
        ("resume seal", Command::ResumeSeal),
        (
            "note seal failed",
            Command::Note(Note::SealFailed {
                attempt: 1,
                reason: "disk".to_owned(),
            }),
        ),
        (
            "note link fetched",
            Command::Note(Note::LinkFetched { recipient: ana }),
        ),
    ]
}

#[test]
fn every_command_in_every_state_does_what_the_matrix_says() {
    let mut matrix = String::new();
    for (state, story, now) in states() {
        let shown = |s: &Story| s.envelope.status().map_or("(not shown)", |s| s.as_str());
        writeln!(matrix, "{state} [{}]", shown(&story)).expect("text");
        for (name, command) in commands(&story.envelope) {
            let mut story = story.clone();
            let line = match story.does(command, now) {
                Err(refusal) => format!("refused {}: {refusal}", refusal.code()),
                Ok(events) if events.is_empty() => "nothing left to do".to_owned(),
                Ok(events) => {
                    let names: Vec<&str> = events.iter().map(|e| e.name()).collect();
                    format!("{} -> {}", names.join(", "), shown(&story))
                }
            };
            writeln!(matrix, "    {name:<23} {line}").expect("text");
        }
    }
    insta::with_settings!({snapshot_path => "../../../tests/snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("state_matrix", matrix);
    });
}
