//! Every page with made-up data: checked for what must hold on all of them, and written to the folder in `PARAPH_PREVIEW_DIR`
//! to be looked at in a browser (serve that folder at `/`).

use super::admin::*;
use super::assets;
use super::frame::Frame;
use super::problem::{Fault, Problem};
use super::review::*;
use super::sign::*;
use super::signature::*;
use super::state::*;
use crate::domain::time::Timestamp;
use crate::i18n::{CONSENT_VERSION, Locale, Zone, consent};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

const BASE: &str = "/signing/rcp_1";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a moment")
}

fn frame(test: bool) -> Frame {
    Frame {
        locale: Locale::En,
        root: String::new(),
        organisation: "Acme HR".into(),
        contact: Some("hr@acme.example".into()),
        zone: Zone::new("Europe/Paris").expect("a zone"),
        test,
    }
}

fn gate(hostile: Option<&str>) -> Gate {
    let say = |text: &str| hostile.unwrap_or(text).to_owned();
    Gate {
        frame: frame(false),
        token: "t0ken".into(),
        nonce: "n0nce".into(),
        subject: say("Employment contract"),
        recipient: say("Marie Dubois"),
        documents: 2,
        pages: 14,
        message: Some(say(
            "Welcome aboard, Marie!\nPlease sign by Friday, so that your laptop is ready on Monday.",
        )),
        deadline: Some(at("2026-12-11T22:59:00Z")),
        stale: false,
    }
}

fn maker(initials: bool) -> Maker {
    Maker {
        method: Method::Type,
        name: "Marie Dubois".into(),
        initials: "MD".into(),
        asks_signature: true,
        asks_initials: initials,
        fields: 3,
        styles: ["Flowing", "Upright", "Plain"]
            .iter()
            .map(|name| Style {
                id: name.to_lowercase(),
                name: (*name).into(),
            })
            .collect(),
        style: None,
    }
}

fn field(
    id: &str,
    asks: FieldKind,
    label: Option<&str>,
    required: bool,
    value: &str,
    rect: [f64; 4],
) -> ReviewField {
    let [x, y, width, height] = rect;
    ReviewField {
        id: id.into(),
        asks,
        label: label.map(str::to_owned),
        required,
        value: value.into(),
        rect: Rect {
            x,
            y,
            width,
            height,
        },
    }
}

fn review(adopted: bool, problems: Vec<Problem>, hostile: Option<&str>) -> Review {
    let say = |text: &str| hostile.unwrap_or(text).to_owned();
    let page = |number: u32, fields: Vec<ReviewField>| ReviewPage {
        number,
        width: 595.0,
        height: 842.0,
        text: PageText::Here(say("Employment contract\nbetween Acme and Marie Dubois")),
        undrawable: false,
        fields,
    };
    let mut pages: Vec<_> = (1..=3).map(|n| page(n, vec![])).collect();
    pages[0].fields = vec![
        field(
            "fld_city",
            FieldKind::Text,
            Some("City of birth"),
            true,
            &say("Lyon"),
            [72.0, 300.0, 150.0, 26.0],
        ),
        field(
            "fld_terms",
            FieldKind::Checkbox,
            Some("I have read the staff handbook"),
            true,
            "",
            [72.0, 352.0, 18.0, 18.0],
        ),
        field(
            "fld_i1",
            FieldKind::Initials,
            None,
            true,
            "",
            [500.0, 780.0, 60.0, 36.0],
        ),
    ];
    pages[2].fields = vec![
        field(
            "fld_note",
            FieldKind::Text,
            Some("Remarks"),
            false,
            "",
            [72.0, 440.0, 300.0, 70.0],
        ),
        field(
            "fld_sig",
            FieldKind::Signature,
            None,
            true,
            "",
            [72.0, 640.0, 200.0, 56.0],
        ),
        field(
            "fld_date",
            FieldKind::DateSigned,
            None,
            true,
            "24 November 2026",
            [330.0, 660.0, 130.0, 24.0],
        ),
    ];
    Review {
        frame: frame(true),
        base: BASE.into(),
        csrf: "csrf-t0ken".into(),
        version: "7".into(),
        subject: say("Employment contract"),
        documents: vec![
            ReviewDocument {
                id: "doc_1".into(),
                name: say("Contract.pdf"),
                pages,
            },
            ReviewDocument {
                id: "doc_2".into(),
                name: say("Annex A – Company car.pdf"),
                pages: vec![ReviewPage {
                    undrawable: true,
                    ..page(1, vec![])
                }],
            },
        ],
        adopted: if adopted {
            Adopted {
                signature: Some(format!("{BASE}/signature/image.svg?kind=signature")),
                initials: Some(format!("{BASE}/signature/image.svg?kind=initials")),
            }
        } else {
            Adopted::default()
        },
        maker: Some(maker(true)),
        session_idle_seconds: 1800,
        problems,
    }
}

fn check(problems: Vec<Problem>, hostile: Option<&str>) -> Check {
    let say = |text: &str| hostile.unwrap_or(text).to_owned();
    Check {
        frame: frame(false),
        base: BASE.into(),
        csrf: "csrf-t0ken".into(),
        once: "0nce".into(),
        subject: say("Employment contract"),
        name: say("Marie Dubois"),
        email: "marie.dubois@example.com".into(),
        documents: vec![
            CheckDocument {
                id: "doc_1".into(),
                name: say("Contract.pdf"),
                pages: 3,
                opened: true,
            },
            CheckDocument {
                id: "doc_2".into(),
                name: say("Annex A – Company car.pdf"),
                pages: 1,
                opened: problems.is_empty(),
            },
        ],
        answers: vec![
            Answer {
                field: "fld_city".into(),
                label: Some(say("City of birth")),
                given: Given::Text(say("Lyon")),
            },
            Answer {
                field: "fld_terms".into(),
                label: Some("I have read the staff handbook".into()),
                given: Given::Ticked(true),
            },
            Answer {
                field: "fld_note".into(),
                label: Some("Remarks".into()),
                given: Given::Text(String::new()),
            },
            Answer {
                field: "fld_date".into(),
                label: None,
                given: Given::Date("24 November 2026".into()),
            },
        ],
        signature: Some(format!("{BASE}/signature/image.svg?kind=signature")),
        initials: Some(format!("{BASE}/signature/image.svg?kind=initials")),
        consent: consent(CONSENT_VERSION, Locale::En).expect("a consent"),
        problems,
    }
}

fn done(progress: Progress) -> Done {
    Done {
        frame: frame(false),
        base: BASE.into(),
        subject: "Employment contract".into(),
        email: "marie.dubois@example.com".into(),
        progress,
    }
}

fn admin_frame(shown: Option<Environment>) -> AdminFrame {
    AdminFrame {
        locale: Locale::En,
        root: String::new(),
        organisation: "Acme HR".into(),
        zone: Zone::new("Europe/Paris").expect("a zone"),
        person: shown.map(|shown| Person {
            email: "it@acme.example".into(),
            csrf: "csrf-t0ken".into(),
            shown,
            jobs_failed: 2,
            seals_failing: 1,
        }),
    }
}

fn keys(with: bool, new: bool, hostile: Option<&str>) -> Keys {
    let say = |text: &str| hostile.unwrap_or(text).to_owned();
    let key = |id: &str, name: &str, used: bool, revoked: bool| KeyRow {
        id: id.into(),
        name: say(name),
        masked: "sk_test_…9fQz".into(),
        scopes: [
            "documents:read",
            "documents:write",
            "envelopes:read",
            "envelopes:write",
            "webhooks:read",
        ]
        .map(str::to_owned)
        .to_vec(),
        created_at: at("2026-11-02T08:00:00Z"),
        used: used.then(|| (at("2026-11-24T09:28:00Z"), "10.1.4.7".to_owned())),
        revoked_at: revoked.then(|| at("2026-11-20T09:28:00Z")),
    };
    Keys {
        frame: admin_frame(Some(Environment::Test)),
        keys: if with {
            vec![
                key("key_1", "HRIS", true, false),
                key("key_2", "Intranet forms", false, false),
                key("key_3", "Old pilot", true, true),
            ]
        } else {
            vec![]
        },
        pager: if with {
            Pager {
                newer: None,
                older: Some("/admin/keys?page=2".into()),
            }
        } else {
            Pager::default()
        },
        new: new.then(|| NewKey {
            name: say("HRIS"),
            key: format!("sk_test_{}", "x".repeat(36)),
        }),
        name: String::new(),
        scopes: [
            "account:read",
            "documents:read",
            "documents:write",
            "envelopes:read",
            "envelopes:write",
            "templates:read",
            "templates:write",
            "webhooks:read",
            "webhooks:write",
            "keys:read",
            "keys:write",
        ]
        .iter()
        .map(|s| ScopeChoice {
            scope: (*s).into(),
            chosen: !s.starts_with("keys"),
        })
        .collect(),
        public_url: "https://sign.acme.example".into(),
        problems: vec![],
    }
}

fn mail_row(state: MailState, hostile: Option<&str>) -> MailRow {
    MailRow {
        id: "mail_1".into(),
        to: "marie.dubois@example.com".into(),
        subject: hostile
            .unwrap_or("Acme HR asks you to sign: Employment contract")
            .into(),
        state,
        at: at("2026-11-24T09:30:00Z"),
        tries: 3,
    }
}

fn outbox_mail(hostile: Option<&str>) -> OutboxMail {
    OutboxMail {
        frame: admin_frame(Some(Environment::Test)),
        mail: mail_row(MailState::Captured, hostile),
        text: format!(
            "Hello Marie Dubois,\n\nAcme HR asks you to sign “{}”.\n\nReview and sign:\nhttps://sign.acme.example/sign/abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG\n\nYou need no account.\n",
            hostile.unwrap_or("Employment contract")
        ),
        answer: None,
        can_release: true,
    }
}

fn jobs() -> Jobs {
    Jobs {
        frame: admin_frame(Some(Environment::Live)),
        jobs: vec![
            JobRow {
                queue: "job".into(),
                id: "1".into(),
                kind: JobKind::Seal,
                about: Some("env_01KAZ2P6V8".into()),
                tries: 8,
                since: at("2026-11-24T07:10:00Z"),
                error: "the seal certificate expired on 23 November 2026".into(),
                next_at: Some(at("2026-11-24T13:10:00Z")),
            },
            JobRow {
                queue: "delivery".into(),
                id: "2".into(),
                kind: JobKind::Webhook,
                about: Some("env_01KAZ2P6V8".into()),
                tries: 6,
                since: at("2026-11-23T17:10:00Z"),
                error: "TLS: certificate expired".into(),
                next_at: None,
            },
        ],
        pager: Pager {
            newer: None,
            older: Some("/admin/jobs?page=2".into()),
        },
    }
}

fn envelopes(with: bool, hostile: Option<&str>) -> Envelopes {
    let row = |subject: &str, status, signed, signers| EnvelopeRow {
        id: "env_01KAZ2P6V8QX4M6T3N9R5W7Y2B".into(),
        subject: hostile.unwrap_or(subject).into(),
        status,
        signed,
        signers,
        created_at: at("2026-11-24T09:30:00Z"),
    };
    Envelopes {
        frame: admin_frame(Some(Environment::Live)),
        envelopes: if with {
            vec![
                row("Employment contract", Status::PartiallySigned, 1, 2),
                row("Lease, 12 rue des Lilas", Status::Completed, 3, 3),
                row("NDA with Example Ltd", Status::Declined, 0, 2),
                row("Purchase order 4711", Status::Draft, 0, 1),
            ]
        } else {
            vec![]
        },
        status: None,
        pager: Pager::default(),
        public_url: "https://sign.acme.example".into(),
    }
}

fn states() -> Vec<(&'static str, State)> {
    vec![
        ("unknown", State::UnknownLink),
        ("replaced", State::Replaced),
        (
            "expired",
            State::Expired {
                deadline: at("2026-12-11T22:59:00Z"),
            },
        ),
        (
            "voided",
            State::Voided {
                at: at("2026-11-24T09:30:00Z"),
                reason: Some("Wrong salary in § 4.".into()),
            },
        ),
        ("declined", State::DeclinedByOther),
        (
            "declined-you",
            State::DeclinedByYou {
                at: at("2026-11-24T09:30:00Z"),
            },
        ),
        (
            "signed",
            State::AlreadySigned {
                open: ("/sign/t0ken/open".into(), "n0nce".into()),
            },
        ),
        ("not-ready", State::NotReady),
        ("not-your-turn", State::NotYourTurn { before: 1 }),
        ("session", State::SessionEnded),
        (
            "changed",
            State::Changed {
                again: "/signing/rcp_1/review".into(),
            },
        ),
        (
            "wait",
            State::TooManyRequests {
                until: at("2026-11-24T09:30:00Z"),
            },
        ),
        (
            "undrawable",
            State::PageUndrawable {
                pdf: "/signing/rcp_1/documents/doc_1/file".into(),
            },
        ),
        ("missing", State::Missing { again: None }),
        (
            "not-taken",
            State::NotTaken {
                status: 413,
                again: Some("/signing/rcp_1".into()),
            },
        ),
        (
            "failure",
            State::Failure {
                request_id: "req_01KAZ2P6V8".into(),
                status: 500,
            },
        ),
    ]
}

/// Every page by a name; with `hostile`, that text in every value that strangers may set.
fn pages(hostile: Option<&str>) -> Vec<(String, String)> {
    let say = |text: &str| hostile.unwrap_or(text).to_owned();
    let mut stale = gate(hostile);
    stale.stale = true;
    stale.frame.test = true;
    stale.frame.contact = None;
    let missing = vec![
        Problem::new("field.fld_terms", Fault::RequiredTick),
        Problem::new("field.fld_sig", Fault::RequiredSignature),
    ];
    let mut maker_signature = maker(true);
    maker_signature.name = say("Marie Dubois");
    let mut list: Vec<(String, String)> = vec![
        ("gate".into(), gate(hostile).html()),
        ("gate-stale".into(), stale.html()),
        ("review".into(), review(false, vec![], hostile).html()),
        ("review-adopted".into(), review(true, vec![], hostile).html()),
        ("review-problems".into(), review(false, missing, hostile).html()),
        (
            "signature".into(),
            SignaturePage { frame: frame(false), base: BASE.into(), csrf: "csrf-t0ken".into(), subject: say("Employment contract"), maker: maker_signature, field: Some("fld_sig".into()), problems: vec![] }.html(),
        ),
        (
            "signature-problems".into(),
            SignaturePage {
                frame: frame(false),
                base: BASE.into(),
                csrf: "csrf-t0ken".into(),
                subject: say("Employment contract"),
                maker: Maker { method: Method::Upload, asks_initials: false, styles: vec![], ..maker(false) },
                field: None,
                problems: vec![Problem::new("file", Fault::FileKind)],
            }
            .html(),
        ),
        ("check".into(), check(vec![], hostile).html()),
        (
            "check-problems".into(),
            check(vec![Problem::new("agree", Fault::Agree), Problem::new("document.doc_2", Fault::OpenFirst(say("Annex A – Company car.pdf")))], hostile).html(),
        ),
        ("done-waiting".into(), done(Progress::Waiting(1)).html()),
        ("done-preparing".into(), done(Progress::Preparing).html()),
        (
            "done-complete".into(),
            done(Progress::Complete {
                documents: vec![Download { name: say("Contract.pdf"), href: "/x".into() }],
                proof: Some(Download { name: "proof.pdf".into(), href: "/y".into() }),
            })
            .html(),
        ),
        (
            "decline".into(),
            Decline { frame: frame(false), base: BASE.into(), csrf: "csrf-t0ken".into(), subject: say("Employment contract"), reason: say(""), problems: vec![] }.html(),
        ),
        (
            "decline-problems".into(),
            Decline { frame: frame(false), base: BASE.into(), csrf: "csrf-t0ken".into(), subject: say("Employment contract"), reason: String::new(), problems: vec![Problem::new("reason", Fault::Reason)] }.html(),
        ),
        ("later".into(), Later { frame: frame(false), base: BASE.into(), subject: say("Employment contract") }.html()),
        (
            "text".into(),
            DocumentText {
                frame: frame(false),
                base: BASE.into(),
                id: "doc_1".into(),
                name: say("Contract.pdf"),
                pages: vec![Some(say("Employment contract\nbetween Acme and Marie Dubois\n\n1. The work\nThe employee begins on Monday.")), None],
                others: vec![("doc_2".into(), say("Annex A.pdf"))],
            }
            .html(),
        ),
        ("admin-setup".into(), Setup { frame: admin_frame(None), token: "t0ken".into(), name: say("Ada"), email: say("ada@acme.example"), problems: vec![Problem::new("password", Fault::PasswordShort(12))] }.html()),
        ("admin-reset".into(), Reset { frame: admin_frame(None), token: "t0ken".into(), email: say("ada@acme.example"), problems: vec![Problem::new("again", Fault::PasswordSame)] }.html()),
        ("admin-login".into(), Login { frame: admin_frame(None), csrf: "csrf-t0ken".into(), email: say(""), next: Some("/admin/keys".into()), problems: vec![Problem::new("", Fault::Login)], notice: None }.html()),
        ("admin-login-again".into(), Login { frame: admin_frame(None), csrf: "csrf-t0ken".into(), email: say(""), next: None, problems: vec![], notice: Some(LoginNotice::Ended) }.html()),
        ("admin-keys".into(), keys(true, false, hostile).html()),
        ("admin-keys-new".into(), keys(true, true, hostile).html()),
        ("admin-keys-empty".into(), keys(false, false, hostile).html()),
        ("admin-revoke".into(), Revoke { frame: admin_frame(Some(Environment::Live)), id: "key_1".into(), name: say("HRIS"), masked: "sk_live_…9fQz".into(), problems: vec![Problem::new("name", Fault::RevokeName)] }.html()),
        (
            "admin-outbox".into(),
            Outbox {
                frame: admin_frame(Some(Environment::Test)),
                mails: vec![
                    mail_row(MailState::Captured, hostile),
                    mail_row(MailState::Waiting { next_at: at("2026-11-24T09:35:00Z") }, hostile),
                    mail_row(MailState::Sent, hostile),
                    mail_row(MailState::Failed, hostile),
                ],
                pager: Pager::default(),
            }
            .html(),
        ),
        ("admin-mail".into(), outbox_mail(hostile).html()),
        ("admin-jobs".into(), jobs().html()),
        ("admin-jobs-empty".into(), Jobs { jobs: vec![], pager: Pager::default(), ..jobs() }.html()),
        ("admin-envelopes".into(), envelopes(true, hostile).html()),
        ("admin-envelopes-empty".into(), envelopes(false, hostile).html()),
    ];
    for (name, state) in states() {
        list.push((
            format!("state-{name}"),
            StatePage {
                frame: frame(false),
                state,
            }
            .html(),
        ));
    }
    for (name, state, person) in [
        ("setup-gone", AdminState::SetupGone, None),
        ("reset-gone", AdminState::ResetGone, None),
        ("forbidden", AdminState::Forbidden, Some(Environment::Live)),
        ("missing", AdminState::NotFound, Some(Environment::Live)),
        (
            "wait",
            AdminState::TooManyRequests {
                until: at("2026-11-24T09:30:00Z"),
            },
            None,
        ),
        (
            "failure",
            AdminState::Failure {
                request_id: "req_01KAZ2P6V8".into(),
                status: 500,
            },
            Some(Environment::Test),
        ),
    ] {
        list.push((
            format!("admin-state-{name}"),
            AdminStatePage {
                frame: admin_frame(person),
                state,
            }
            .html(),
        ));
    }
    list
}

/// The value of each `name="…"` in a page.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let open = format!(" {name}=\"");
    html.match_indices(&open)
        .filter_map(|(at, _)| html[at + open.len()..].split('"').next())
        .collect()
}

fn gzipped(bytes: &[u8]) -> usize {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory").len()
}

fn asset_sizes(ends: &str, folder: &str) -> usize {
    assets::names()
        .filter(|n| n.ends_with(ends) && n.starts_with(folder))
        .map(|n| {
            gzipped(
                &assets::asset(assets::href(&n).trim_start_matches("/assets/"))
                    .expect("there")
                    .bytes,
            )
        })
        .sum()
}

#[test]
fn no_page_has_inline_script_style_or_handlers_or_an_address_elsewhere() {
    for (name, html) in pages(None) {
        assert!(
            html.starts_with("<!DOCTYPE html>") && html.trim_end().ends_with("</html>"),
            "{name} is whole"
        );
        for part in html.split("<script").skip(1) {
            let head = part.split('>').next().expect("a tag");
            assert!(head.contains("src=\"/assets/"), "{name}: {head}");
            assert!(part.contains("></script>"), "{name}");
        }
        for banned in [
            "<style",
            " style=\"",
            " onclick",
            " onload",
            " onerror",
            " onsubmit",
            "javascript:",
        ] {
            assert!(!html.contains(banned), "{name} has {banned}");
        }
        for address in attributes(&html, "src")
            .iter()
            .chain(&attributes(&html, "action"))
        {
            assert!(
                address.starts_with('/') && !address.starts_with("//"),
                "{name}: {address}"
            );
        }
        let shows_mail = name == "admin-mail";
        for address in attributes(&html, "href") {
            assert!(
                address.starts_with('/') || address.starts_with('#') || shows_mail,
                "{name}: {address}"
            );
        }
    }
}

#[test]
fn every_form_that_posts_proves_where_it_comes_from() {
    for (name, html) in pages(None) {
        for form in html.split("<form").skip(1) {
            let form = form.split("</form>").next().expect("an end");
            if form.contains("method=\"post\"") {
                let proof = [
                    "name=\"csrf\" value=\"csrf-t0ken\"",
                    "name=\"nonce\" value=\"n0nce\"",
                    "name=\"t\" value=\"t0ken\"",
                ];
                assert!(
                    proof.iter().any(|p| form.contains(p)),
                    "{name}: {:.200}",
                    form
                );
            }
        }
    }
}

#[test]
fn every_page_has_one_heading_a_title_a_language_unique_ids_and_labelled_inputs() {
    for (name, html) in pages(None) {
        assert_eq!(html.matches("<h1").count(), 1, "{name}");
        assert!(html.contains("<html lang=\"en\" dir=\"ltr\">"), "{name}");
        let title = html
            .split("<title>")
            .nth(1)
            .and_then(|t| t.split("</title>").next())
            .expect("a title");
        assert!(
            title.len() > 8 && !title.starts_with(' '),
            "{name}: {title}"
        );
        let ids = attributes(&html, "id");
        let unique: BTreeSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), unique.len(), "{name}: {ids:?}");
        for target in attributes(&html, "for")
            .iter()
            .chain(&attributes(&html, "aria-labelledby"))
        {
            assert!(unique.contains(target), "{name}: no {target}");
        }
        for described in attributes(&html, "aria-describedby") {
            for target in described.split(' ') {
                assert!(unique.contains(&target), "{name}: no {target}");
            }
        }
        for address in attributes(&html, "href")
            .iter()
            .filter_map(|a| a.strip_prefix('#'))
        {
            assert!(unique.contains(&address), "{name}: no #{address}");
        }
        for input in html.split("<input").skip(1) {
            let tag = input.split('>').next().expect("a tag");
            if tag.contains("type=\"hidden\"")
                || tag.contains("type=\"radio\"")
                || tag.contains("name=\"scope\"")
            {
                continue;
            }
            let id = attributes(tag, "id")
                .first()
                .copied()
                .unwrap_or_else(|| panic!("{name}: {tag}"));
            assert!(
                attributes(&html, "for").contains(&id),
                "{name}: no label for {id}"
            );
        }
        for image in html.split("<img").skip(1) {
            assert!(
                image
                    .split('>')
                    .next()
                    .is_some_and(|tag| tag.contains(" alt=\"")),
                "{name}"
            );
        }
        assert!(!html.contains("{{") && !html.contains("{ $"), "{name}");
    }
}

/// Text without tags, and without what only decorates.
fn visible(html: &str) -> String {
    let mut text = String::new();
    let plain = html.split("<span aria-hidden=\"true\">").enumerate();
    for (at, part) in plain {
        let part = if at == 0 {
            part
        } else {
            part.split_once("</span>").map_or("", |(_, rest)| rest)
        };
        for (at, piece) in part.split('<').enumerate() {
            let piece = if at == 0 {
                piece
            } else {
                piece.split_once('>').map_or("", |(_, rest)| rest)
            };
            text.push_str(piece);
        }
    }
    text.trim().to_owned()
}

#[test]
fn who_says_what_a_control_shows_reaches_it_by_voice() {
    for (name, html) in pages(None) {
        for (open, close) in [("<a ", "</a>"), ("<button ", "</button>")] {
            for control in html.split(open).skip(1) {
                let control = control.split(close).next().expect("an end");
                let (tag, inner) = control.split_once('>').expect("a tag");
                let tag = format!(" {tag}");
                let Some(told) = attributes(&tag, "aria-label").first().copied() else {
                    continue;
                };
                let shown = visible(inner);
                assert!(told.contains(&shown), "{name}: {told} is shown as {shown}");
                assert!(!told.trim_end().ends_with(':'), "{name}: {told}");
            }
        }
    }
}

#[test]
fn hostile_text_stays_text_on_every_page() {
    for evil in [
        "\"><script>alert(1)</script>",
        "'><img src=x onerror=alert(1)>",
        "</textarea></title><svg onload=alert(1)>",
        "{{7*7}} <!-- --> & \u{202e}",
    ] {
        for (name, html) in pages(Some(evil)) {
            for raw in [
                "<script>alert",
                "<img src=x",
                "<svg",
                "</textarea></title>",
                "<!-- -->",
            ] {
                assert!(!html.contains(raw), "{name} lets {raw} through");
            }
        }
    }
}

#[test]
fn pages_styles_and_scripts_keep_their_budget() {
    let css = asset_sizes("sign.css", "");
    let js = asset_sizes(".js", "sign/");
    let gate = gzipped(gate(None).html().as_bytes());
    let icon = asset_sizes("icon.svg", "");
    let mut review = review(true, vec![], None);
    let page = review.documents[0].pages[1].clone();
    review.documents[0]
        .pages
        .extend((4..=14).map(|number| ReviewPage {
            number,
            ..page.clone()
        }));
    let review = gzipped(review.html().as_bytes());
    println!("gate {gate} css {css} js {js} icon {icon} review {review}");
    assert!(css <= 12_000, "CSS {css}");
    assert!(js <= 25_000, "JS {js}");
    assert!(gate + css + icon <= 25_000, "gate {gate}");
    assert!(review <= 25_000, "review {review}");
}

#[test]
fn the_gate_shows_nothing_of_the_documents_and_loads_no_script() {
    let html = gate(None).html();
    assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("/documents/"));
    assert_eq!(html.matches("/assets/").count(), 2);
}

#[test]
fn text_beyond_60_kb_moves_to_the_text_view() {
    let mut review = review(false, vec![], None);
    for page in &mut review.documents[0].pages {
        page.text = PageText::Here("word ".repeat(5000));
    }
    let html = review.html();
    assert_eq!(html.matches("page-text").count(), 2);
    assert!(html.contains(&Locale::En.t("sign-review-text-elsewhere")));
    assert!(html.contains("/documents/doc_1/text"));
}

#[test]
fn every_page_can_be_looked_at() {
    let Some(folder) = std::env::var_os("PARAPH_PREVIEW_DIR") else {
        println!("SKIP: set PARAPH_PREVIEW_DIR to a folder to have every page written there");
        return;
    };
    let folder = Path::new(&folder);
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        std::fs::write(path, bytes).expect("the file");
    };
    for (name, html) in pages(None) {
        write(&format!("{name}.html"), html.as_bytes());
    }
    for name in assets::names() {
        let href = assets::href(&name);
        write(
            &href,
            &assets::asset(href.trim_start_matches("/assets/"))
                .expect("there")
                .bytes,
        );
    }
    let drawing = |text: &str, font: &str| {
        format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} 60"><text x="4" y="42" font-size="40" fill="#12233d" {font}>{text}</text></svg>"##,
            text.len() * 24
        )
    };
    for (style, font) in [
        ("flowing", r#"font-family="serif" font-style="italic""#),
        ("upright", r#"font-family="serif""#),
        ("plain", r#"font-family="sans-serif""#),
    ] {
        write(
            &format!("{BASE}/signature/preview/{style}.svg"),
            drawing("Marie Dubois", font).as_bytes(),
        );
    }
    write(
        &format!("{BASE}/signature/image.svg"),
        drawing("Marie Dubois", r#"font-family="serif" font-style="italic""#).as_bytes(),
    );
    write(
        &format!("{BASE}/status"),
        Progress::Waiting(1).json().as_bytes(),
    );
    for number in 1..=3 {
        write(
            &format!("{BASE}/documents/doc_1/pages/{number}.png"),
            &page_picture(number),
        );
    }
}

/// A page of grey lines, as a text looks from far.
fn page_picture(number: u32) -> Vec<u8> {
    let (width, height) = (1000usize, 1415usize);
    let mut pixels = vec![255u8; width * height];
    for line in 0..38 {
        let top = 130 + line * 32;
        let right = if line % 6 == 5 {
            500
        } else {
            880 - (line * 37 + number as usize * 11) % 60
        };
        if line % 6 == 0 {
            continue;
        }
        for y in top..top + 9 {
            for x in 120..right {
                if (x / 7 + line * 3) % 9 != 0 {
                    pixels[y * width + x] = 110;
                }
            }
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .write_header()
        .and_then(|mut w| w.write_image_data(&pixels))
        .expect("a picture");
    bytes
}
