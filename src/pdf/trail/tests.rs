use super::*;
use crate::pdf::{Document, audit};

fn render(trail: &Trail) -> Vec<u8> {
    super::render(trail, &Fonts::new(vec![], vec![]).unwrap()).unwrap()
}

fn hash(n: u64) -> String {
    crate::domain::digest::Digest::of(&n.to_be_bytes()).to_string()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_seconds(1_795_512_600 + second)
}

/// A completed envelope with `entries` entries.
fn trail(entries: u64) -> Trail {
    Trail {
        title: "Audit trail: Employment contract".into(),
        heading: "Employment contract".into(),
        organisation: "Acme HR".into(),
        language: "en".into(),
        as_of: at(0),
        state: "As of entry 8, 2026-11-24 09:30:00.000 UTC".into(),
        reference: "env_01JD8Y4M6ZK7Q9V2B3C4D5E6F7".into(),
        facts: vec![
            Fact::new("State", "Completed"),
            Fact::new("Sent by", "Acme HR <hr@acme.example>"),
            Fact::new("Sent", "2026-11-24 09:30:00.000 UTC"),
            Fact::new("Completed", "2026-11-24 11:02:41.310 UTC"),
            Fact::new("Message", "Welcome aboard! Please sign by Friday. ".repeat(6)),
        ],
        documents: vec![
            DocumentRow {
                name: "Employment contract of Marie Dubois, final version (2).pdf".into(),
                pages: 12,
                sha256: hash(1),
                signed_sha256: Some(hash(2)),
            },
            DocumentRow {
                name: "Annex A.pdf".into(),
                pages: 2,
                sha256: hash(3),
                signed_sha256: None,
            },
        ],
        recipients: [
            ("Marie Dubois", "marie.dubois@example.com", "Signer"),
            ("Łukasz Żółć", "lukasz@example.pl", "Signer"),
            ("Ελένη Γεωργίου", "eleni@example.gr", "Approver"),
        ]
        .map(|(name, email, role)| Person {
            name: name.into(),
            email: email.into(),
            role: role.into(),
            evidence: vec![
                Fact::new("Identity", "Personal link, sent by e-mail"),
                Fact::new("Viewed", "2026-11-24 10:01:07.512 UTC"),
                Fact::new("Signed", "2026-11-24 10:04:55.020 UTC"),
                Fact::new("IP address", "2001:db8:85a3::8a2e:370:7334"),
                Fact::new(
                    "Browser",
                    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
                ),
            ],
        })
        .into(),
        entries: (1..=entries)
            .map(|n| Entry {
                sequence: n,
                at: at(n as i64 * 37),
                name: ["envelope.created", "envelope.sent", "recipient.viewed", "document.served"][n as usize % 4].into(),
                event: ["Envelope created", "Envelope sent", "Link opened and documents viewed", "Document served"]
                    [n as usize % 4]
                    .into(),
                actor: if n % 3 == 0 { "Marie Dubois".into() } else { "API key \u{201C}HR system\u{201D}".into() },
                factors: if n % 3 == 0 { "personal link".into() } else { String::new() },
                address: if n % 5 == 0 { "2001:db8:85a3::8a2e:370:7334".into() } else { "203.0.113.7".into() },
                hash: hash(100 + n),
            })
            .collect(),
        integrity: vec![
            Fact::new("Entries in this trail", entries.to_string()),
            Fact::digits("Hash of the last entry", hash(100 + entries)),
            Fact::new(
                "JSON export",
                "https://sign.acme.example/api/v1/envelopes/env_01JD8Y4M6ZK7Q9V2B3C4D5E6F7/audit-trail?format=json&through=8",
            ),
            Fact::digits("SHA-256 of that export", hash(7)),
        ],
        certificates: vec![Certificate {
            subject: "CN=Acme HR seal, O=Acme HR, C=FR".into(),
            issuer: "CN=Paraph CA 4f2a91c7".into(),
            serial: "4f2a91c70b6d4a5e8c1d2e3f40516273".into(),
            not_before: at(-600),
            not_after: at(315_360_000),
            sha256: hash(8),
        }],
        test: true,
        interim: false,
        verification: vec![
            "Compare the SHA-256 of your copy of each document with the one printed here: sha256sum FILE.".into(),
            "Open the sealed document in any PDF reader that checks signatures, with the root certificate trusted.".into(),
            "Fetch the JSON export (?format=json), compare its SHA-256, and follow the chain: each hash is SHA-256 of the one before, the number and the body's hash.".into(),
        ],
        labels: labels(),
    }
}

fn labels() -> Labels {
    let own = str::to_owned;
    Labels {
        audit_trail: own("Audit trail"),
        envelope: own("Envelope"),
        documents: own("Documents"),
        document: own("Document"),
        pages: own("Pages"),
        uploaded_sha256: own("SHA-256 as uploaded"),
        sealed_sha256: own("SHA-256 as sealed"),
        recipients: own("Recipients"),
        events: own("Events"),
        number: own("No."),
        time_utc: own("Time (UTC)"),
        event: own("Event"),
        actor: own("Who"),
        address: own("Address"),
        entry_hash: own("Hash"),
        integrity: own("Integrity"),
        certificates: own("Certificates"),
        subject: own("Subject"),
        issuer: own("Issuer"),
        serial: own("Serial number"),
        valid: own("Valid (UTC)"),
        sha256: own("SHA-256"),
        verification: own("How to verify"),
        test: own("Test"),
        interim: own("Interim"),
        page_of: own("Page {page} of {pages}"),
    }
}

fn pages_of(pdf: &[u8]) -> usize {
    let document = Document::open(pdf).unwrap();
    let found = audit::inspect(&document, &audit::Limits { pages_max: 500 }).unwrap();
    found.pages.len()
}

/// Leaves `pdf` in the folder `PARAPH_TRAIL_OUT`, for eyes and for veraPDF.
fn keep(name: &str, pdf: &[u8]) {
    if let Some(folder) = std::env::var_os("PARAPH_TRAIL_OUT") {
        std::fs::write(std::path::Path::new(&folder).join(name), pdf).unwrap();
    }
}

#[test]
fn the_strict_reader_takes_it_so_that_it_can_be_sealed() {
    let pdf = render(&trail(8));
    keep("short.pdf", &pdf);
    assert!((2..=4).contains(&pages_of(&pdf)));
}

#[test]
fn chinese_is_set_in_the_fallback_face() {
    let path = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";
    if !std::path::Path::new(path).exists() {
        eprintln!("SKIP: no CJK font at {path}");
        return;
    }
    let file = crate::pdf::text::FontFile {
        label: "cjk".into(),
        index: 0,
        load: Box::new(move || std::fs::read(path)),
    };
    let fonts = Fonts::new(vec![file], vec![]).unwrap();
    let mut chinese = trail(3);
    chinese.heading = "\u{52B3}\u{52A8}\u{5408}\u{540C}".into();
    chinese.recipients[0].name = "\u{674E}\u{660E}".into();
    let pdf = super::render(&chinese, &fonts).unwrap();
    keep("chinese.pdf", &pdf);
    assert!(String::from_utf8_lossy(&pdf).contains("NotoSansCJK"));
    assert!(pages_of(&pdf) >= 2);
}

#[test]
fn the_same_trail_gives_the_same_bytes() {
    let first = render(&trail(60));
    assert_eq!(first, render(&trail(60)));
    let mut other = trail(60);
    other.as_of = at(1);
    assert_ne!(first, render(&other));
}

#[test]
fn hundreds_of_entries_go_over_pages() {
    let pdf = render(&trail(400));
    keep("long.pdf", &pdf);
    assert!((15..=30).contains(&pages_of(&pdf)), "{}", pages_of(&pdf));
}

#[test]
fn it_says_which_standards_it_keeps() {
    let pdf = render(&trail(1));
    let text = String::from_utf8_lossy(&pdf);
    for mark in [
        "<pdfaid:part>2</pdfaid:part>",
        "<pdfaid:conformance>A</pdfaid:conformance>",
        "<pdfuaid:part>1</pdfuaid:part>",
        "/StructTreeRoot",
        "/Outlines",
        "/Lang",
    ] {
        assert!(text.contains(mark), "{mark}");
    }
}

#[test]
fn no_character_makes_it_fail() {
    let mut odd = trail(2);
    odd.heading =
        "李明 \u{1F600} \u{E000} \u{FFFE} العربية עברית e\u{301}\u{200D} \u{202E}evil\0\n".into();
    odd.recipients[0].name = "\u{10FFFF}\u{F0000}".into();
    odd.recipients[0].evidence.push(Fact::new("", ""));
    odd.entries[0].actor = "\u{0300}".into();
    odd.title = String::new();
    let pdf = render(&odd);
    keep("odd.pdf", &pdf);
    assert!(pages_of(&pdf) >= 1);
}

#[test]
fn an_empty_trail_and_a_value_longer_than_a_page_are_fine() {
    let empty = Trail {
        labels: labels(),
        ..Trail::default()
    };
    assert_eq!(pages_of(&render(&empty)), 1);
    let mut long = empty;
    long.facts.push(Fact::new("Message", "word ".repeat(4_000)));
    long.interim = true;
    assert!(pages_of(&render(&long)) >= 3);
}
