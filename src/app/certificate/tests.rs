use super::*;
use crate::domain::digest::Digest;
use crate::domain::envelope::Mark;
use crate::domain::tests::bodies::stories;
use crate::domain::tests::examples::{NOON, origin};
use crate::pdf::Document;
use crate::pdf::fixture::Pdf;
use crate::pdf::prepare::{Plan, prepare};
use crate::pdf::text::Fonts;
use crate::worker;

fn evidence(origins: usize) -> Evidence {
    Evidence {
        origins: vec![Some(origin()); origins],
        authority: "4f2a91c7".to_owned(),
        head: (7, Digest::of(b"head")),
    }
}

fn page(locale: Locale, zone: &Zone, envelope: &Envelope) -> CertificatePage {
    Certifying {
        locale,
        zone,
        organisation: "Acme Corporation",
        public_url: "https://sign.example.org",
        sealed_at: NOON,
        evidence: &evidence(envelope.progress.len()),
    }
    .page(envelope, &envelope.documents[0])
}

/// Everybody signed, each in another way.
fn signed() -> Envelope {
    let mut envelope = stories().remove(0).envelope;
    let marks = [
        Mark::Picture {
            sha256: Digest::of(b"picture"),
        },
        Mark::Drawn {
            sha256: Digest::of(b"strokes"),
        },
    ];
    for (progress, mark) in envelope.progress.iter_mut().zip(marks) {
        let evidence = progress.evidence.as_mut().unwrap();
        evidence.signature = mark;
        // A language whose tag is in no word.
        evidence.consent.locale = "ελ".to_owned();
    }
    envelope
}

#[test]
fn no_word_of_the_certificate_page_comes_from_anywhere_but_the_catalogue() {
    let envelope = signed();
    let page = page(Locale::Pseudo, &Zone::utc(), &envelope);
    let mut seal = page.seal.concat();
    let original = Pdf::one_page().build();
    let document = Document::open(original.as_slice()).unwrap();
    let plan = Plan {
        certificate_page: Some(page),
        ..Plan::default()
    };
    let fonts = Fonts::new(Vec::new(), Vec::new()).unwrap();
    let tail = prepare(&document, &plan, &fonts, 100).unwrap();
    let text = worker::text::of_file([original.as_slice(), &tail.bytes].concat());
    assert!(
        text.contains(&Locale::Pseudo.t("certificate-recipients")),
        "{text}"
    );
    seal.push_str(&text);
    let mut left: String = seal.split_whitespace().collect();
    let mut data = vec![
        "https://sign.example.org/pki/4f2a91c7.pem".to_owned(),
        "AcmeCorporation".to_owned(),
        "Employmentcontract".to_owned(),
        "contract.pdf".to_owned(),
        "Browser/1".to_owned(),
        Digest::of(b"head").to_string(),
        Digest::of(b"consent").to_string(),
        envelope.documents[0].sha256.to_string(),
        envelope.id.to_string(),
        reference(envelope.id),
    ];
    for (person, _) in envelope.recipients() {
        data.push(person.email.to_string());
        data.extend(
            person
                .name
                .iter()
                .map(|name| name.as_str().split_whitespace().collect()),
        );
    }
    for piece in data {
        assert!(left.contains(&piece), "{piece} is not on the page: {text}");
        left = left.replace(&piece, "|");
    }
    let words: Vec<_> = left
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|word| !word.is_empty())
        .collect();
    assert!(words.is_empty(), "{words:?}\n{text}");
}

#[test]
fn digests_stand_whole_on_one_line_and_a_consent_that_all_gave_stands_once() {
    let envelope = signed();
    let page = page(Locale::En, &Zone::utc(), &envelope);
    let digests: Vec<_> = page.facts.iter().filter(|row| row.digits).collect();
    assert_eq!(digests.len(), 3, "{digests:?}");
    let original = Pdf::one_page().build();
    let document = Document::open(original.as_slice()).unwrap();
    let plan = Plan {
        certificate_page: Some(page.clone()),
        ..Plan::default()
    };
    let fonts = Fonts::new(Vec::new(), Vec::new()).unwrap();
    let tail = prepare(&document, &plan, &fonts, 100).unwrap();
    let text = worker::text::of_file([original.as_slice(), &tail.bytes].concat());
    for row in digests {
        assert!(text.contains(&row.value), "{} is broken: {text}", row.value);
    }
}

#[test]
fn moments_are_told_in_utc_and_in_the_organisations_time() {
    let envelope = signed();
    let zone = Zone::new("Asia/Tokyo").unwrap();
    let page = page(Locale::En, &zone, &envelope);
    assert_eq!(
        page.seal[1],
        "2027-01-15 08:00:00 UTC (2027-01-15 17:00, Tokyo time)"
    );
    let signed = page.parties[0]
        .rows
        .iter()
        .find(|row| row.label == "Signed");
    assert!(
        signed.is_some_and(|row| row.value.contains("08:00:03 UTC")),
        "{signed:?}"
    );
}

/// Leaves `pdf` in the folder `PARAPH_PROOF_OUT`, for eyes.
fn keep(name: &str, pdf: &[u8]) {
    if let Some(folder) = std::env::var_os("PARAPH_PROOF_OUT") {
        std::fs::write(std::path::Path::new(&folder).join(name), pdf).unwrap();
    }
}

const NAMES: [&str; 10] = [
    "Ana García",
    "Łukasz Żółć-Gżegżółka",
    "Ελένη Παπαδοπούλου-Γεωργίου",
    "Nguyễn Thị Minh Khai",
    "Бен Иванов",
    "Maria-Magdalena Freifrau von und zu Hohenstein-Wartenberg, Geschäftsführerin der Beispielwerke GmbH & Co. KG, München",
    "李明",
    "שרה כהן",
    "O’Brien, Seán",
    "Þórdís Kolbrún Reykfjörð Gylfadóttir",
];

#[test]
fn ten_people_of_many_scripts_stand_on_the_page_with_all_that_is_known_of_them() {
    use crate::domain::recipient::Recipient;
    let mut envelope = signed();
    envelope.definition.subject =
        "Rahmenvertrag über die Erbringung von Dienstleistungen im Bereich der Unternehmensberatung, Fassung vom 24. November 2026, einschließlich aller Anlagen".to_owned();
    envelope.documents[0].name =
        "Σύμβαση-εργασίας_τελικό_(2)_αντίγραφο_υπογεγραμμένο.pdf".to_owned();
    let (person, progress) = (
        envelope.definition.recipients[0].clone(),
        envelope.progress[0].clone(),
    );
    envelope.definition.recipients = NAMES
        .iter()
        .enumerate()
        .map(|(n, name)| Recipient {
            email: format!("person.number.{n}@department-of-something.example.org")
                .parse()
                .unwrap(),
            name: Some(name.parse().unwrap()),
            ..person.clone()
        })
        .collect();
    envelope.progress = vec![progress; NAMES.len()];
    let zone = Zone::new("Europe/Paris").unwrap();
    let fonts = Fonts::new(Vec::new(), Vec::new()).unwrap();
    for (name, size) in [
        ("a4", "595 842"),
        ("a5", "420 595"),
        ("letter-landscape", "792 612"),
    ] {
        let mut page = page(Locale::En, &zone, &envelope);
        for party in &mut page.parties {
            let browser = party
                .rows
                .iter_mut()
                .find(|row| row.label == "Browser")
                .unwrap();
            browser.value = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1".to_owned();
        }
        let mut original = Pdf::one_page();
        original.replace(3, "0 0 595 842", &format!("0 0 {size}"));
        let original = original.build();
        let document = Document::open(original.as_slice()).unwrap();
        let plan = Plan {
            certificate_page: Some(page),
            ..Plan::default()
        };
        let tail = prepare(&document, &plan, &fonts, 100).unwrap();
        let file = [original.as_slice(), &tail.bytes].concat();
        keep(&format!("certificate-{name}.pdf"), &file);
        let text: String = worker::text::of_file(file).split_whitespace().collect();
        for (person, _) in envelope.recipients() {
            assert!(
                text.contains(person.email.as_str()),
                "{name}: {}",
                person.email
            );
        }
        assert_eq!(text.matches("192.0.2.7").count(), NAMES.len());
    }
}
