//! The audit chain: what is recorded verifies and replays, and no change to it goes unseen.

use super::examples::{Story, boot, envelope_id, later, origin};
use crate::domain::audit::{Broken, Chain, Entry, Head, Replay, Stamp, extend, verify};
use crate::domain::envelope::State;
use crate::domain::event::{Event, SystemEvent};
use crate::domain::ids::EnvelopeId;
use crate::domain::time::Timestamp;
use std::time::Duration;

pub fn stamp(at: Timestamp) -> Stamp {
    Stamp {
        at,
        monotonic: Duration::from_millis(1_234),
        boot: boot(),
        software: "paraph 0.1.0".to_owned(),
    }
}

/// The entries of a story.
pub fn recorded(story: &Story) -> Vec<Entry> {
    let mut head = Head::start(Chain::Envelope(story.envelope.id));
    let mut record = |(event, at): &(crate::domain::event::Event, Timestamp)| {
        let entry =
            extend(&head, event, &origin(), &stamp(*at), [head.seq as u8; 16]).expect("an entry");
        head = entry.head();
        entry
    };
    story.events.iter().map(&mut record).collect()
}

fn walk(entries: &[Entry]) -> Result<Replay, Broken> {
    let mut replay = Replay::of(envelope_id());
    entries.iter().try_for_each(|entry| replay.take(entry))?;
    Ok(replay)
}

fn whole() -> Story {
    Story::contract()
        .sent()
        .signed(0)
        .signed(1)
        .parked()
        .completed()
}

#[test]
fn a_recorded_story_verifies_and_tells_the_same_envelope() {
    let story = whole();
    let replay = walk(&recorded(&story)).expect("a chain that holds");
    assert_eq!(replay.envelope(), Some(&story.envelope));
    assert_eq!(replay.head().seq, story.envelope.version);
}

#[test]
fn the_hashes_are_those_of_the_published_formula() {
    use crate::domain::digest::Digest;
    let entries = recorded(&whole());
    let (first, second) = (&entries[0], &entries[1]);
    let label = b"paraph-audit-v1".to_vec();
    let start = Digest::of(&[label.clone(), envelope_id().to_string().into_bytes()].concat());
    let content = first.content.as_ref().expect("a body");
    let body_hash = Digest::of(&[&content.salt[..], content.body.as_bytes()].concat());
    let hash = |previous: &Digest, seq: u64, body: &Digest| {
        Digest::of(
            &[
                &label[..],
                previous.as_bytes(),
                &seq.to_be_bytes(),
                body.as_bytes(),
            ]
            .concat(),
        )
    };
    assert_eq!(first.body_hash, body_hash);
    assert_eq!(first.hash, hash(&start, 1, &body_hash));
    assert_eq!(second.hash, hash(&first.hash, 2, &second.body_hash));
}

#[test]
fn a_flipped_byte_anywhere_in_an_entry_fails_verification() {
    let entries = recorded(&Story::contract().sent());
    for n in 0..entries.len() {
        let body_len = entries[n].content.as_ref().expect("a body").body.len();
        for byte in (0..body_len).step_by(7) {
            let mut changed = entries.clone();
            let content = changed[n].content.as_mut().expect("a body");
            let mut bytes = content.body.clone().into_bytes();
            bytes[byte] ^= 1;
            content.body = String::from_utf8_lossy(&bytes).into_owned();
            assert_eq!(
                walk(&changed).err(),
                Some(Broken::Body { seq: n as u64 + 1 })
            );
        }
        let mut changed = entries.clone();
        changed[n].content.as_mut().expect("a body").salt[3] ^= 1;
        assert_eq!(
            walk(&changed).err(),
            Some(Broken::Body { seq: n as u64 + 1 })
        );
        let mut changed = entries.clone();
        changed[n].hash = crate::domain::digest::Digest::of(b"other");
        assert_eq!(
            walk(&changed).err(),
            Some(Broken::Link { seq: n as u64 + 1 })
        );
    }
}

#[test]
fn a_missing_doubled_or_swapped_entry_shows() {
    let entries = recorded(&whole());
    let mut missing = entries.clone();
    missing.remove(3);
    assert_eq!(
        walk(&missing).err(),
        Some(Broken::Sequence {
            expected: 4,
            found: 5
        })
    );
    let mut doubled = entries.clone();
    doubled.insert(3, entries[3].clone());
    assert_eq!(
        walk(&doubled).err(),
        Some(Broken::Sequence {
            expected: 5,
            found: 4
        })
    );
    let mut swapped = entries;
    swapped.swap(2, 3);
    assert_eq!(
        walk(&swapped).err(),
        Some(Broken::Sequence {
            expected: 3,
            found: 4
        })
    );
}

#[test]
fn an_entry_of_another_chain_is_caught_though_its_hashes_were_made_anew() {
    let story = whole();
    let other = EnvelopeId::new(later(0), [42; 10]);
    let foreign = extend(
        &Head::start(Chain::Envelope(other)),
        &story.events[0].0,
        &origin(),
        &stamp(later(0)),
        [1; 16],
    )
    .expect("an entry");
    let mut moved = foreign.clone();
    moved.chain = Chain::Envelope(envelope_id());
    let start = Head::start(Chain::Envelope(envelope_id()));
    assert_eq!(
        verify(&start, &moved),
        Err(Broken::Moved {
            seq: 1,
            chain: Chain::Envelope(other),
            place: 1
        })
    );
    assert_eq!(
        verify(&start, &foreign),
        Err(Broken::OtherChain {
            seq: 1,
            found: Chain::Envelope(other)
        })
    );
}

#[test]
fn a_body_that_was_taken_away_still_links_but_confirms_nothing() {
    let story = whole();
    for n in 0..story.events.len() {
        let mut entries = recorded(&story);
        entries[n].content = None;
        let replay = walk(&entries).expect("a chain that links");
        let seq = n as u64 + 1;
        assert_eq!((replay.erased(), replay.envelope()), (Some(seq), None));
        assert_eq!(replay.head().seq, entries.len() as u64);
        assert_eq!(replay.confirm(&story.envelope), Err(Broken::Erased { seq }));
    }
}

#[test]
fn a_chain_confirms_its_own_envelope_and_no_other() {
    let story = whole();
    let stored = &story.envelope;
    let replay = walk(&recorded(&story)).expect("a chain that holds");
    assert_eq!(replay.confirm(stored), Ok(()));
    let mut changed = vec![stored.clone(); 5];
    changed[0].definition.subject.push('!');
    changed[1].progress[0].signed_at = Some(later(1));
    changed[2].documents[0].size += 1;
    changed[3].ended_at = None;
    changed[4].state = State::Expired;
    for (part, changed) in ["definition", "progress", "documents", "times", "state"]
        .into_iter()
        .zip(&changed)
    {
        assert_eq!(replay.confirm(changed), Err(Broken::Stored { part }));
    }
    let counted = stored.version;
    let mut cut = recorded(&story);
    cut.pop();
    assert_eq!(
        walk(&cut).expect("a chain that holds").confirm(stored),
        Err(Broken::Count {
            entries: counted - 1,
            counted
        })
    );
    assert_eq!(
        walk(&[]).expect("nothing").confirm(stored),
        Err(Broken::Count {
            entries: 0,
            counted
        })
    );
}

/// A chain that somebody wrote anew, with hashes that fit.
fn forged(events: &[crate::domain::event::Event]) -> Vec<Entry> {
    let mut head = Head::start(Chain::Envelope(envelope_id()));
    let mut append = |event| {
        let entry = extend(&head, event, &origin(), &stamp(later(0)), [1; 16]).expect("an entry");
        head = entry.head();
        entry
    };
    events.iter().map(&mut append).collect()
}

#[test]
fn a_chain_that_sends_what_nobody_wrote_or_begins_twice_is_refused() {
    let mut events: Vec<Event> = Story::contract()
        .sent()
        .events
        .into_iter()
        .map(|(event, _)| event)
        .collect();
    assert!(walk(&forged(&events)).is_ok());
    let sent = events.iter().position(|e| matches!(e, Event::Sent { .. }));
    let sent = sent.expect("it was sent");
    if let Event::Created { definition, .. } = &mut events[0] {
        definition.subject.push('!');
    }
    let seq = sent as u64 + 1;
    assert_eq!(
        walk(&forged(&events)).err(),
        Some(Broken::Definition { seq })
    );
    events[sent] = events[0].clone();
    assert_eq!(
        walk(&forged(&events)).err(),
        Some(Broken::BegunAgain { seq })
    );
}

#[test]
fn a_body_of_a_later_version_is_not_guessed_at() {
    let mut entry = recorded(&Story::contract()).remove(0);
    let content = entry.content.as_mut().expect("a body");
    content.body = content.body.replacen("\"v\":1", "\"v\":2", 1);
    let why = entry.envelope_body().err().map(|b| b.to_string());
    assert_eq!(
        why.as_deref(),
        Some("the body of entry 1 can't be read: version 2 is newer than this program")
    );
}

#[test]
fn the_system_chain_records_and_reads() {
    let entry = extend(
        &Head::start(Chain::System),
        &SystemEvent::SystemStopped,
        &crate::domain::origin::Origin::system(),
        &stamp(later(0)),
        [1; 16],
    )
    .expect("an entry");
    assert_eq!(
        verify(&Head::start(Chain::System), &entry),
        Ok(entry.head())
    );
    let body = entry
        .system_body()
        .expect("a readable body")
        .expect("a body");
    assert_eq!(body.event, SystemEvent::SystemStopped);
    assert_eq!("system".parse(), Ok(Chain::System));
    assert_eq!(
        envelope_id().to_string().parse(),
        Ok(Chain::Envelope(envelope_id()))
    );
}
