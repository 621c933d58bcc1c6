use super::*;
use crate::domain::ids::{AdminId, KeyId};
use crate::domain::tests::bodies::stories;
use crate::domain::tests::chain::recorded;
use crate::domain::tests::examples::{NOON, Story};
use crate::pdf::text::Fonts;
use crate::worker;

const URL: &str = "https://sign.example.org";

fn telling<'a>(locale: Locale, story: &'a Story, entries: &'a [Entry]) -> Telling<'a> {
    Telling {
        locale,
        organisation: "Acme Corporation",
        public_url: URL,
        envelope: &story.envelope,
        entries,
        export_sha256: Digest::of(b"export"),
        certificates: vec![trail::Certificate {
            subject: "CN=Acme Corporation".to_owned(),
            issuer: "CN=Paraph CA 1".to_owned(),
            serial: "4f2a91".to_owned(),
            not_before: NOON,
            not_after: NOON,
            sha256: Digest::of(b"certificate").to_string(),
        }],
    }
}

/// One entry for everybody who can act, known by everything there is.
fn by_everybody(telling: &Telling<'_>) -> Vec<trail::Entry> {
    let mut body = telling.entries[0].envelope_body().unwrap().unwrap();
    let person = &telling.envelope.definition.recipients[0];
    let name = || "Zoë".to_owned();
    let actors = [
        Actor::ApiKey {
            id: KeyId::new(NOON, [1; 10]),
            name: name(),
        },
        Actor::Recipient {
            id: person.id,
            email: person.email.clone(),
            name: None,
        },
        Actor::Admin {
            id: AdminId::new(NOON, [1; 10]),
            name: name(),
        },
        Actor::Operator,
        Actor::System,
        Actor::Stranger,
    ];
    let factors = [
        Factor::ApiKey,
        Factor::Link,
        Factor::SetupLink,
        Factor::ResetLink,
        Factor::Password,
        Factor::Shell,
        Factor::Own,
        Factor::None,
    ];
    let mut entries = Vec::new();
    for actor in actors {
        for factor in factors {
            body.origin.actor = actor.clone();
            body.origin.factor = factor;
            entries.push(telling.entry(&body, Digest::of(b"entry")));
        }
    }
    entries
}

/// `text` without white space and without `data`, however it was broken into lines.
fn without(text: &str, data: &[String]) -> String {
    let squeezed = |text: &str| -> String { text.split_whitespace().collect() };
    let mut data: Vec<String> = data.iter().map(|piece| squeezed(piece)).collect();
    data.sort_by_key(|piece| std::cmp::Reverse(piece.len()));
    let mut text = squeezed(text);
    for piece in data.iter().filter(|piece| !piece.is_empty()) {
        text = text.replace(piece, "|");
    }
    text
}

/// What a trail repeats from the envelope, its entries and its seal, and names of events, which stand as the export has them.
fn data(telling: &Telling<'_>, trail: &Trail) -> Vec<String> {
    let envelope = telling.envelope;
    let mut data: Vec<String> = [
        "Acme Corporation",
        "CN=Acme Corporation",
        "CN=Paraph CA 1",
        "4f2a91",
        "contract.pdf",
        "Browser/1",
        "envelope.completed",
        "250 2.0.0 queued as 4F2A",
        "no space left",
        "certificate expired",
        "Wrong salary",
        "Mistake",
        "2026-01",
        "hr-17",
        "Zoë",
    ]
    .map(str::to_owned)
    .into();
    data.push(envelope.id.to_string());
    data.push(envelope.definition.subject.clone());
    data.push(format!(
        "{URL}/api/v1/envelopes/{}/audit-trail?format=json&through=",
        envelope.id
    ));
    for (person, progress) in envelope.recipients() {
        data.push(person.email.to_string());
        data.push(person.shown_as().to_owned());
        data.extend(
            progress
                .evidence
                .iter()
                .map(|e| e.consent.sha256.to_string()),
        );
    }
    for document in &trail.documents {
        data.push(document.sha256.clone());
        data.extend(document.signed_sha256.clone());
    }
    for entry in &trail.entries {
        data.push(entry.name.clone());
        data.push(entry.hash.clone());
    }
    data.extend(
        trail
            .integrity
            .iter()
            .filter(|f| f.digits)
            .map(|f| f.value.clone()),
    );
    data.extend(trail.certificates.iter().map(|c| c.sha256.clone()));
    data
}

#[test]
fn no_word_of_a_trail_comes_from_anywhere_but_the_catalogue() {
    let fonts = Fonts::new(Vec::new(), Vec::new()).unwrap();
    let mut told = std::collections::BTreeSet::new();
    for mut story in stories() {
        for progress in &mut story.envelope.progress {
            if let Some(evidence) = &mut progress.evidence {
                // A language whose tag is in no word.
                evidence.consent.locale = "ελ".to_owned();
            }
        }
        let entries = recorded(&story);
        let telling = telling(Locale::Pseudo, &story, &entries);
        let mut trail = telling.trail().unwrap();
        told.extend(trail.entries.iter().map(|entry| entry.name.clone()));
        trail.entries.extend(by_everybody(&telling));
        trail.interim = true;
        let text = worker::text::of_file(trail::render(&trail, &fonts).unwrap());
        assert!(text.contains(&story.envelope.id.to_string()), "{text}");
        assert!(text.contains(&Locale::Pseudo.t("trail-check")), "{text}");
        let left = without(&text, &data(&telling, &trail));
        let words: Vec<_> = left
            .split(|c: char| !c.is_ascii_alphabetic())
            .filter(|word| !word.is_empty())
            .collect();
        assert!(words.is_empty(), "{words:?}\n{text}");
    }
    assert!(told.len() > 20, "{told:?}");
}

#[test]
fn every_status_and_every_mail_has_words_of_its_own() {
    let mut words: Vec<String> = Status::ALL.map(|s| shown(Locale::En, s)).into();
    words.extend(Message::ALL.map(|m| queued(Locale::En, m, "Zoë")));
    let count = words.len();
    words.sort();
    words.dedup();
    assert_eq!(words.len(), count);
    assert!(
        words.iter().all(|w| w.contains(' ') || w.len() > 4),
        "{words:?}"
    );
}

#[test]
fn the_same_entries_tell_the_same_trail() {
    let story = &stories()[0];
    let entries = recorded(story);
    let first = telling(Locale::En, story, &entries).trail().unwrap();
    let again = telling(Locale::En, &story.clone(), &recorded(story))
        .trail()
        .unwrap();
    assert_eq!(first, again);
    let last = entries.last().unwrap().envelope_body().unwrap().unwrap();
    assert_eq!(first.as_of, last.at);
    assert!(
        first
            .state
            .starts_with(&format!("As of entry {}, ", last.seq)),
        "{}",
        first.state
    );
    let printed: Vec<_> = first.integrity.iter().map(|f| f.value.as_str()).collect();
    assert!(printed.contains(&entries.last().unwrap().hash.to_string().as_str()));
    assert!(printed.contains(&Digest::of(b"export").to_string().as_str()));
}
