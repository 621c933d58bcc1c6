use super::*;
use crate::domain::event::CertificateUse;
use crate::domain::ids::{AdminId, KeyId, SessionId};
use crate::domain::limits;
use crate::domain::scope::Scopes;

fn new_key(tx: &WriteTx<'_>, environment: Environment, hash: &Digest) -> Outcome<ApiKey> {
    let key = ApiKey {
        id: tx.new_id(KeyId::new),
        environment,
        name: "HRIS".into(),
        prefix: "prefix".into(),
        last4: "9fQz".into(),
        scopes: Scopes::usual(),
        requests_per_minute: None,
        burst: None,
        created_at: tx.now(),
        last_used_at: None,
        last_used_ip: None,
        revoked_at: None,
    };
    tx.insert_api_key(&key, hash)?;
    Ok(key)
}

#[test]
fn a_key_is_found_by_its_hash_until_it_is_revoked_and_then_too() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let hash = Digest::of(b"key");
            let key = new_key(tx, Test, &hash)?;
            assert_eq!(tx.api_key_by_hash(Test, &hash)?, Some(key.clone()));
            assert_eq!(tx.api_key_by_hash(Live, &hash)?, None);
            assert_eq!(tx.api_key_by_hash(Test, &Digest::of(b"other"))?, None);
            assert!(matches!(
                new_key(tx, Test, &hash),
                Err(Error::Duplicate("API key"))
            ));
            let address = "192.0.2.7".parse().expect("address");
            tx.note_api_key_used(key.id, tx.now(), Some(address))?;
            // Gathered notes may come in any order: the newest stays.
            tx.note_api_key_used(key.id, tx.now().minus(SPAN), None)?;
            let used = tx.api_key(Test, key.id)?.expect("there");
            assert_eq!(
                (used.last_used_at, used.last_used_ip),
                (Some(tx.now()), Some(address))
            );
            assert!(matches!(
                tx.revoke_api_key(Live, key.id),
                Err(Error::Missing("API key"))
            ));
            assert!(tx.revoke_api_key(Test, key.id)?);
            assert!(!tx.revoke_api_key(Test, key.id)?);
            let revoked = tx.api_key_by_hash(Test, &hash)?.expect("still known");
            assert_eq!(revoked.revoked_at, Some(tx.now()));
            assert_eq!(tx.api_keys(Test, Window::page(1, 9))?.total, 1);
            Ok(())
        })
        .expect("written");
}

#[test]
fn a_reply_is_stored_once_and_expires() {
    let f = fixture();
    let scope = Digest::of(b"scope");
    let reply = StoredReply {
        fingerprint: Digest::of(b"request"),
        status: 201,
        body: b"{}".to_vec(),
        is_sealed: false,
        envelope: None,
    };
    f.store
        .write::<_, Error>({
            let reply = reply.clone();
            move |tx| {
                assert_eq!(tx.reply(&scope)?, None);
                tx.insert_reply(&scope, &reply)?;
                assert_eq!(tx.reply(&scope)?, Some(reply));
                Ok(())
            }
        })
        .expect("written");
    let second = f.store.write::<(), Error>({
        let reply = reply.clone();
        move |tx| {
            tx.set(Setting::Instance, "a second effect")?;
            tx.insert_reply(&scope, &reply)
        }
    });
    assert!(matches!(second, Err(Error::Duplicate("reply"))));
    f.clock.advance(limits::IDEMPOTENCY_TTL);
    f.store
        .write::<_, Error>(move |tx| {
            assert_eq!(tx.setting(Setting::Instance)?, None, "undone");
            assert_eq!(tx.reply(&scope)?, None);
            tx.insert_reply(&scope, &reply)?;
            assert_eq!(tx.forget_replies(9)?, 0);
            Ok(())
        })
        .expect("a new one");
    f.clock.advance(limits::IDEMPOTENCY_TTL);
    let forgotten = f.store.write::<_, Error>(|tx| tx.forget_replies(9));
    assert_eq!(forgotten.expect("forget"), 1);
}

const IDLE: Duration = Duration::from_secs(900);
const TTL: Duration = Duration::from_secs(3600);

#[test]
fn an_administrators_session_ends_by_idling_by_age_and_by_a_new_password() {
    let f = fixture();
    let cookie = Digest::of(b"cookie");
    let id = f
        .store
        .write::<_, Error>(move |tx| {
            assert!(!tx.has_admin()?);
            let admin = Admin {
                id: tx.new_id(AdminId::new),
                email: "IT@acme.example".parse().expect("address"),
                name: "IT".into(),
                password_hash: "hash".into(),
                failures: 0,
                failed_at: None,
                created_at: tx.now(),
            };
            tx.insert_admin(&admin)?;
            assert!(tx.has_admin()?);
            let same = "it@ACME.example".parse().expect("address");
            tx.note_admin_failure(admin.id, None)?;
            let found = tx.admin_by_email(&same)?.expect("found");
            assert_eq!((found.failures, found.failed_at), (1, Some(tx.now())));
            let again = Admin {
                id: tx.new_id(AdminId::new),
                email: same,
                ..admin.clone()
            };
            assert!(matches!(
                tx.insert_admin(&again),
                Err(Error::Duplicate("administrator"))
            ));
            for n in 0..25u8 {
                let hash = if n == 24 { cookie } else { Digest::of(&[n]) };
                let session = AdminSession {
                    id: tx.new_id(SessionId::new),
                    admin: admin.id,
                    created_at: tx.now().plus(Duration::from_millis(u64::from(n))),
                    seen_at: tx.now(),
                    confirmed_at: Some(tx.now()),
                };
                tx.insert_admin_session(&hash, &session)?;
            }
            assert_eq!(tx.admin_session(&Digest::of(&[0]), IDLE, TTL)?, None);
            assert!(tx.admin_session(&Digest::of(&[5]), IDLE, TTL)?.is_some());
            assert_eq!(
                tx.admin(admin.id)?.map(|a| a.failures),
                Some(0),
                "a login clears them"
            );
            Ok(admin.id)
        })
        .expect("written");
    let open = move |tx: &WriteTx<'_>| Ok(tx.admin_session(&cookie, IDLE, TTL)?.is_some());
    for _ in 0..4 {
        f.clock.advance(IDLE - Duration::from_secs(1));
        assert!(
            f.store
                .write::<_, Error>(move |tx| {
                    tx.touch_admin_session(&cookie)?;
                    open(tx)
                })
                .expect("written")
        );
    }
    f.clock.advance(Duration::from_secs(5));
    assert!(!f.store.write::<_, Error>(open).expect("too old"));
    f.store
        .write::<_, Error>(move |tx| {
            assert_eq!(tx.forget_admin_sessions(TTL, 5)?, 5);
            assert_eq!(tx.forget_admin_sessions(TTL, 99)?, 15);
            let session = AdminSession {
                id: tx.new_id(SessionId::new),
                admin: id,
                created_at: tx.now(),
                seen_at: tx.now(),
                confirmed_at: None,
            };
            tx.insert_admin_session(&cookie, &session)?;
            tx.set_admin_password(id, "other")?;
            assert!(!open(tx)?, "other people's sessions end");
            Ok(())
        })
        .expect("written");
}

#[test]
fn a_setup_link_works_once_in_its_time_and_the_newest_only() {
    let f = fixture();
    let (first, second) = (Digest::of(b"1"), Digest::of(b"2"));
    f.store
        .write::<_, Error>(move |tx| {
            tx.insert_setup_token(&first)?;
            tx.insert_setup_token(&second)?;
            assert!(!tx.is_setup_token_good(&first)? && !tx.use_setup_token(&first)?);
            assert!(tx.is_setup_token_good(&second)? && tx.use_setup_token(&second)?);
            assert!(!tx.is_setup_token_good(&second)? && !tx.use_setup_token(&second)?);
            tx.insert_setup_token(&first)
        })
        .expect("written");
    f.clock.advance(limits::SETUP_LINK_TTL);
    let late = f
        .store
        .write::<_, Error>(move |tx| tx.use_setup_token(&first));
    assert!(!late.expect("written"));
}

#[test]
fn a_reset_link_is_one_administrators_and_no_setup_link() {
    let f = fixture();
    let [reset, newer, others, setup] = [&b"1"[..], b"2", b"3", b"4"].map(Digest::of);
    f.store
        .write::<_, Error>(move |tx| {
            let mut ids = Vec::new();
            for email in ["ada@acme.example", "bob@acme.example"] {
                let admin = Admin {
                    id: tx.new_id(AdminId::new),
                    email: email.parse().expect("address"),
                    name: "IT".into(),
                    password_hash: "hash".into(),
                    failures: 0,
                    failed_at: None,
                    created_at: tx.now(),
                };
                tx.insert_admin(&admin)?;
                ids.push(admin.id);
            }
            tx.insert_setup_token(&setup)?;
            tx.insert_reset_token(&others, ids[1])?;
            tx.insert_reset_token(&reset, ids[0])?;
            tx.insert_reset_token(&newer, ids[0])?;
            assert_eq!(tx.use_reset_token(&reset)?, None, "a newer one replaced it");
            let owner = |hash| Ok::<_, Error>(tx.admin_of_reset_token(hash)?.map(|it| it.id));
            assert_eq!(owner(&newer)?, Some(ids[0]));
            assert_eq!(owner(&others)?, Some(ids[1]));
            assert_eq!(owner(&setup)?, None);
            assert!(!tx.is_setup_token_good(&newer)? && !tx.use_setup_token(&newer)?);
            assert_eq!(tx.use_reset_token(&setup)?, None);
            assert_eq!(tx.use_reset_token(&newer)?, Some(ids[0]));
            assert_eq!(tx.use_reset_token(&newer)?, None, "once");
            assert_eq!(owner(&newer)?, None);
            assert!(tx.use_setup_token(&setup)?, "another kind, untouched");
            Ok(())
        })
        .expect("written");
    f.clock.advance(limits::SETUP_LINK_TTL);
    let late = f
        .store
        .write::<_, Error>(move |tx| tx.use_reset_token(&others));
    assert_eq!(late.expect("written"), None);
}

#[test]
fn failures_at_a_known_place_are_its_own_and_only_the_newest_places_are_known() {
    const KNOWN: Duration = Duration::from_secs(90 * 86_400);
    let f = fixture();
    let place = |n: u8| std::net::IpAddr::from([192, 0, 2, n]);
    let id = f
        .store
        .write::<_, Error>(move |tx| {
            let admin = Admin {
                id: tx.new_id(AdminId::new),
                email: "ada@acme.example".parse().expect("address"),
                name: "Ada".into(),
                password_hash: "hash".into(),
                failures: 0,
                failed_at: None,
                created_at: tx.now(),
            };
            tx.insert_admin(&admin)?;
            let id = admin.id;
            assert_eq!(tx.failures_at_place(id, place(1), KNOWN)?, None);
            tx.enter_admin_place(id, place(1))?;
            tx.note_admin_failure(id, Some(place(1)))?;
            tx.note_admin_failure(id, None)?;
            let failures = tx.failures_at_place(id, place(1), KNOWN)?.expect("known");
            assert_eq!((failures.count, failures.last_at), (1, Some(tx.now())));
            assert_eq!(tx.admin(id)?.map(|it| it.failures), Some(1));
            tx.enter_admin_place(id, place(1))?;
            let failures = tx.failures_at_place(id, place(1), KNOWN)?.expect("known");
            assert_eq!((failures.count, failures.last_at), (0, None));
            Ok(id)
        })
        .expect("written");
    f.clock.advance(Duration::from_secs(60));
    f.store
        .write::<_, Error>(move |tx| {
            for n in 2..=21 {
                tx.enter_admin_place(id, place(n))?;
            }
            assert_eq!(tx.failures_at_place(id, place(1), KNOWN)?, None);
            assert!(tx.failures_at_place(id, place(2), KNOWN)?.is_some());
            Ok(())
        })
        .expect("written");
    f.clock.advance(KNOWN);
    f.store
        .write::<_, Error>(move |tx| {
            assert_eq!(tx.failures_at_place(id, place(2), KNOWN)?, None, "long ago");
            tx.enter_admin_place(id, place(2))?;
            tx.set_admin_password(id, "other")?;
            assert_eq!(tx.failures_at_place(id, place(2), KNOWN)?, None);
            Ok(())
        })
        .expect("written");
}

#[test]
fn a_signing_session_belongs_to_one_recipient_and_remembers_what_it_showed() {
    let f = fixture();
    let cookie = Digest::of(b"cookie");
    let recipient = f
        .store
        .write::<_, Error>(move |tx| {
            let envelope = new_envelope(tx, Test, 2)?;
            let [first, second] = [0, 1].map(|i| envelope.definition.recipients[i].id);
            let session = SigningSession {
                id: tx.new_id(SessionId::new),
                environment: Test,
                envelope: envelope.id,
                recipient: first,
                generation: 1,
                created_at: tx.now(),
                seen_at: tx.now(),
                served: Vec::new(),
            };
            tx.insert_signing_session(&cookie, &session)?;
            assert_eq!(
                tx.signing_session(&cookie, first, IDLE, TTL)?,
                Some(session)
            );
            assert_eq!(tx.signing_session(&cookie, second, IDLE, TTL)?, None);
            let document = envelope.definition.documents[0];
            assert!(tx.note_served(&cookie, document)?);
            assert!(!tx.note_served(&cookie, document)?);
            let seen = tx.signing_session(&cookie, first, IDLE, TTL)?;
            assert_eq!(seen.map(|s| s.served), Some(vec![document]));
            Ok(first)
        })
        .expect("written");
    f.clock.advance(IDLE);
    f.store
        .write::<_, Error>(move |tx| {
            assert_eq!(tx.signing_session(&cookie, recipient, IDLE, TTL)?, None);
            assert!(
                tx.signing_session(&cookie, recipient, IDLE * 2, TTL)?
                    .is_some()
            );
            Ok(())
        })
        .expect("written");
}

#[test]
fn a_draft_keeps_its_files_until_it_is_signed() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let mut envelope = new_envelope(tx, Test, 1)?;
            let by = envelope.definition.recipients[0].id;
            assert_eq!(tx.draft(by)?, Draft::default());
            let drawn = |bytes: &[u8]| Draft {
                filled: Vec::new(),
                signature: Some(Mark::Drawn {
                    sha256: Digest::of(bytes),
                }),
                initials: None,
            };
            tx.put_draft(Test, by, &drawn(b"a first try"))?;
            // What another window of the same recipient is about to keep is not this draft's to let go.
            tx.name_file(Test, &Digest::of(b"another window's"), &by.to_string())?;
            tx.put_draft(Test, by, &drawn(b"strokes"))?;
            assert_eq!(tx.draft(by)?, drawn(b"strokes"));
            assert!(tx.is_named(Test, &Digest::of(b"another window's"))?);
            assert_eq!(tx.orphans(None, 9)?, [(Test, Digest::of(b"a first try"))]);
            assert!(tx.is_named(Test, &Digest::of(b"strokes"))?);
            whole_life(tx, &mut envelope)?;
            assert_eq!(tx.draft(by)?, Draft::default());
            assert!(
                tx.is_named(Test, &Digest::of(b"strokes"))?,
                "by the envelope now"
            );
            assert_eq!(
                tx.orphans(None, 9)?.len(),
                2,
                "the first try, and the other window's"
            );
            Ok(())
        })
        .expect("written");
}

#[test]
fn the_drafts_of_those_who_did_not_sign_go_when_the_envelope_ends() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let mut envelope = new_envelope(tx, Test, 2)?;
            send(tx, &mut envelope)?;
            let by = envelope.definition.recipients[1].id;
            let strokes = Digest::of(b"strokes");
            let draft = Draft {
                signature: Some(Mark::Drawn { sha256: strokes }),
                ..Draft::default()
            };
            tx.put_draft(Test, by, &draft)?;
            let events = envelope
                .decide(Command::Void { reason: None }, tx.now())
                .expect("it may be withdrawn");
            tx.record(&mut envelope, events, &Origin::system())?;
            assert_eq!(tx.draft(by)?, Draft::default());
            assert_eq!(tx.orphans(None, 9)?, [(Test, strokes)]);
            Ok(())
        })
        .expect("written");
}

#[test]
fn fetches_of_a_link_are_noted_hourly_and_a_hundred_times_at_most() {
    let f = fixture();
    let recipient = f
        .store
        .write::<_, Error>(|tx| Ok(new_envelope(tx, Test, 1)?.definition.recipients[0].id))
        .expect("written");
    let fetch = |n: u8| {
        f.store
            .write::<_, Error>(move |tx| {
                tx.count_link_fetch(recipient, Some([192, 0, 2, n].into()))
            })
            .expect("written")
    };
    assert!(fetch(1) && !fetch(1) && fetch(2));
    f.clock.advance(limits::LINK_FETCHED_NOTE_EVERY);
    assert!(fetch(1));
    let noted = (0..200u8).filter(|n| fetch(*n)).count();
    assert_eq!(noted, 97);
}

#[test]
fn a_new_certificate_retires_the_one_before_it_and_both_are_kept() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let certificate = |bytes: &[u8], usage| Certificate {
                sha256: Digest::of(bytes),
                environment: Live,
                usage,
                der: bytes.to_vec(),
                private_key: vec![9],
                not_after: tx.now().plus(TTL),
                created_at: tx.now(),
                retired_at: None,
            };
            let (ca, old, new) = (
                certificate(b"ca", CertificateUse::Ca),
                certificate(b"old", CertificateUse::Seal),
                certificate(b"new", CertificateUse::Seal),
            );
            for each in [&ca, &old, &new] {
                tx.install_certificate(each)?;
            }
            let current = |usage| tx.current_certificate(Live, usage);
            assert_eq!(current(CertificateUse::Seal)?, Some(new));
            assert_eq!(current(CertificateUse::Ca)?, Some(ca));
            assert_eq!(tx.current_certificate(Test, CertificateUse::Seal)?, None);
            let retired = tx.certificate(&old.sha256)?.expect("kept");
            assert_eq!(retired.retired_at, Some(tx.now()));
            assert_eq!(tx.certificates(Live, CertificateUse::Seal)?.len(), 2);
            assert_eq!(tx.certificates(Live, CertificateUse::Ca)?.len(), 1);
            Ok(())
        })
        .expect("written");
}

#[test]
fn a_consent_text_is_kept_under_its_digest() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let digest = tx.put_consent_text("en", "I agree.")?;
            assert_eq!(tx.put_consent_text("en", "I agree.")?, digest);
            assert_eq!(digest, Digest::of(b"I agree."));
            assert_eq!(tx.consent_text(&digest)?.as_deref(), Some("I agree."));
            Ok(())
        })
        .expect("written");
}
