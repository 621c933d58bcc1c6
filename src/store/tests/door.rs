use super::*;
use crate::domain::command::Note;
use crate::domain::envelope::Status;
use crate::domain::event::SystemEvent;

#[test]
fn a_whole_life_replays_from_its_trail_to_its_rows() {
    let f = fixture();
    let envelope = f
        .store
        .write::<_, Error>(|tx| {
            let mut envelope = new_envelope(tx, Test, 3)?;
            whole_life(tx, &mut envelope)?;
            Ok(envelope)
        })
        .expect("written");
    f.store
        .read::<_, Error>(|tx| {
            assert_eq!(tx.load(Test, envelope.id)?, envelope);
            assert_replays(tx, Test, envelope.id);
            assert_eq!(envelope.status(), Some(Status::Completed));
            Ok(())
        })
        .expect("read");
}

#[test]
fn an_edited_draft_replays_and_drops_who_was_removed() {
    let f = fixture();
    let (id, gone, kept) = f
        .store
        .write::<_, Error>(|tx| {
            let mut envelope = new_envelope(tx, Test, 2)?;
            tx.put_links(&envelope, |id, n| Digest::of(format!("{id}{n}").as_bytes()))?;
            let (first, second) = (
                envelope.definition.recipients[0].id,
                envelope.definition.recipients[1].id,
            );
            let mut edited = definition(tx, envelope.definition.documents[0], 1);
            edited
                .recipients
                .insert(0, envelope.definition.recipients[1].clone());
            command(tx, &mut envelope, Command::Edit(Box::new(edited)))?;
            Ok((envelope.id, first, second))
        })
        .expect("written");
    f.store
        .read::<_, Error>(|tx| {
            assert_replays(tx, Test, id);
            let hash = |id: RecipientId| Digest::of(format!("{id}1").as_bytes());
            assert_eq!(tx.link(&hash(gone))?, None, "the link went with its owner");
            assert_eq!(
                tx.link(&hash(kept))?,
                Some(LinkTarget {
                    environment: Test,
                    envelope: id,
                    recipient: kept,
                    generation: 1
                })
            );
            Ok(())
        })
        .expect("read");
}

#[test]
fn a_change_on_an_old_copy_is_a_conflict_and_changes_nothing() {
    let f = fixture();
    let old = f
        .store
        .write::<_, Error>(|tx| new_envelope(tx, Test, 1))
        .expect("written");
    let mut stale = old.clone();
    f.store
        .write::<_, Error>(move |tx| {
            let mut envelope = tx.load(Test, old.id)?;
            send(tx, &mut envelope)
        })
        .expect("sent");
    let id = stale.id;
    let refused = f.store.write::<_, Error>(move |tx| {
        let send = dispatch(tx, &stale);
        command(tx, &mut stale, send)
    });
    assert!(matches!(refused, Err(Error::Conflict("envelope"))));
    f.store
        .read::<_, Error>(|tx| {
            assert_replays(tx, Test, id);
            Ok(())
        })
        .expect("read");
}

#[test]
fn the_trail_refuses_to_be_changed_shortened_or_replaced() {
    let f = fixture();
    let id = f
        .store
        .write::<_, Error>(|tx| Ok(new_envelope(tx, Test, 1)?.id))
        .expect("written");
    for sql in [
        "DELETE FROM audit_entry",
        "DELETE FROM audit_entry WHERE seq = 2",
        "UPDATE audit_entry SET body = '{}'",
        "UPDATE audit_entry SET salt = NULL, body = NULL, hash = zeroblob(32)",
        "UPDATE audit_entry SET salt = NULL, body = NULL, seq = seq + 1",
        "UPDATE audit_entry SET salt = NULL, body = NULL, chain = 'system'",
        "UPDATE audit_entry SET salt = NULL, body = NULL, body_hash = zeroblob(32)",
        "UPDATE audit_entry SET salt = NULL, body = NULL, id = id + 100",
        "REPLACE INTO audit_entry SELECT * FROM audit_entry WHERE seq = 1",
        "INSERT OR REPLACE INTO audit_entry (chain, seq, salt, body, body_hash, hash)
             SELECT chain, seq, zeroblob(16), 'x', body_hash, hash FROM audit_entry WHERE seq = 1",
        "INSERT INTO audit_entry (chain, seq, salt, body, body_hash, hash)
             SELECT chain, 9, salt, body, body_hash, hash FROM audit_entry WHERE seq = 1",
        "UPDATE OR REPLACE audit_entry SET salt = NULL, body = NULL, seq = 2 WHERE seq = 1",
    ] {
        let refused = f
            .store
            .write::<_, Error>(move |tx| tx.run(sql, []).map(drop));
        assert!(matches!(refused, Err(Error::Database(_))), "{sql}");
    }
    f.store
        .write::<_, Error>(move |tx| {
            assert_replays(tx, Test, id);
            // Erasure is the one thing that may be done, and the chain still links.
            tx.run(
                "UPDATE audit_entry SET salt = NULL, body = NULL WHERE seq = 1",
                [],
            )?;
            let mut replay = Replay::of(id);
            for entry in tx.entries(Chain::Envelope(id), 0, 100)? {
                replay.take(&entry).expect("still links");
            }
            assert_eq!(replay.erased(), Some(1));
            Ok(())
        })
        .expect("erased");
}

#[test]
fn counters_follow_the_status_and_deleted_drafts_are_not_shown() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let mut completed = new_envelope(tx, Live, 1)?;
            whole_life(tx, &mut completed)?;
            let mut deleted = new_envelope(tx, Live, 1)?;
            command(tx, &mut deleted, Command::Delete { reason: None })?;
            let mut voided = new_envelope(tx, Live, 1)?;
            send(tx, &mut voided)?;
            command(tx, &mut voided, Command::Void { reason: None })?;
            let draft = new_envelope(tx, Live, 1)?;
            new_envelope(tx, Test, 1)?;

            let all = tx.envelopes(Live, None, Window::page(1, 20))?;
            let ids: Vec<_> = all.items.iter().map(|e| e.id).collect();
            assert_eq!(ids, [draft.id, voided.id, completed.id], "newest first");
            assert_eq!(all.total, 3);
            for (status, id) in [
                (Status::Completed, completed.id),
                (Status::Voided, voided.id),
                (Status::Draft, draft.id),
            ] {
                let page = tx.envelopes(Live, Some(status), Window::page(1, 20))?;
                assert_eq!((page.items[0].id, page.items.len(), page.total), (id, 1, 1));
            }
            assert_eq!(
                tx.envelopes(Live, Some(Status::Sent), Window::page(1, 20))?
                    .total,
                0
            );
            assert!(
                tx.envelope(Live, deleted.id)?
                    .expect("kept")
                    .status()
                    .is_none()
            );
            // Its document may go now; the others' may not.
            tx.delete_document(Live, deleted.definition.documents[0])?;
            assert!(matches!(
                tx.delete_document(Live, draft.definition.documents[0]),
                Err(Error::Conflict("document"))
            ));
            Ok(())
        })
        .expect("written");
}

#[test]
fn pages_follow_each_other_without_gap_or_overlap() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let mut made: Vec<_> = (0..25)
                .map(|_| Ok(new_envelope(tx, Test, 1)?.id))
                .collect::<Outcome<_>>()?;
            made.reverse();
            let mut seen = Vec::new();
            for number in 1..=4 {
                let page = tx.envelopes(Test, None, Window::page(number, 10))?;
                assert_eq!(page.total, 25);
                seen.extend(page.items.iter().map(|e| e.id));
            }
            assert_eq!(seen, made);
            Ok(())
        })
        .expect("written");
}

#[test]
fn nothing_is_reachable_from_the_other_environment() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let envelope = new_envelope(tx, Test, 1)?;
            let document = envelope.definition.documents[0];
            let webhook = new_webhook(tx, Test, &[EventName::EnvelopeSent])?;
            assert_eq!(tx.envelope(Live, envelope.id)?, None);
            assert_eq!(tx.document(Live, document)?, None);
            assert_eq!(tx.webhook(Live, webhook)?, None);
            assert!(!tx.delete_webhook(Live, webhook)?);
            assert!(matches!(
                tx.delete_document(Live, document),
                Err(Error::Missing("document"))
            ));
            for total in [
                tx.envelopes(Live, None, Window::page(1, 9))?.total,
                tx.documents(Live, Window::page(1, 9))?.total,
                tx.webhooks(Live, Window::page(1, 9))?.total,
                tx.mails(Live, Window::page(1, 9))?.total,
                tx.api_keys(Live, Window::page(1, 9))?.total,
            ] {
                assert_eq!(total, 0);
            }
            // An envelope can't be made of the other environment's document.
            let id = tx.new_id(EnvelopeId::new);
            let definition = definition(tx, document, 1);
            let refused = tx.create(Envelope::create(id, Live, definition), &Origin::system());
            assert!(matches!(refused, Err(Error::Missing("document"))));
            let (sha256, other) = (envelope_file(tx, Test, document), Live);
            assert!(tx.is_named(Test, &sha256)? && !tx.is_named(other, &sha256)?);
            Err::<(), _>(Error::Conflict("enough"))
        })
        .expect_err("undone");
}

fn envelope_file(tx: &ReadTx<'_>, environment: Environment, id: DocumentId) -> Digest {
    tx.document(environment, id)
        .expect("read")
        .expect("document")
        .sha256
}

#[test]
fn only_subscribed_active_webhooks_of_the_same_environment_are_told_and_all_the_same_bytes() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let sent = [EventName::EnvelopeSent];
            let first = new_webhook(tx, Test, &sent)?;
            let second = new_webhook(tx, Test, &sent)?;
            new_webhook(tx, Live, &sent)?;
            new_webhook(tx, Test, &[EventName::EnvelopeVoided])?;
            let off = new_webhook(tx, Test, &sent)?;
            assert!(tx.set_webhook_active(Test, off, false)?);
            let removed = new_webhook(tx, Test, &sent)?;
            assert!(tx.delete_webhook(Test, removed)?);

            let mut envelope = new_envelope(tx, Test, 1)?;
            send(tx, &mut envelope)?;
            let claimed = tx.claim_deliveries(64, SPAN)?;
            let mut told: Vec<_> = claimed.iter().map(|d| d.webhook.id).collect();
            told.sort_unstable();
            assert_eq!(told, [first, second]);
            assert_eq!(claimed[0].event_id, claimed[1].event_id);
            assert_eq!(claimed[0].body, claimed[1].body);
            let body: serde_json::Value =
                serde_json::from_str(&claimed[0].body).expect("a JSON body");
            assert_eq!(body["event"], "envelope.sent");
            assert_eq!(body["data"]["status"], "SENT");
            // Created 1, links 2, sent 3: the payload vouches for its own entry.
            assert_eq!(body["data"]["audit"]["sequence"], 3);
            let entry = &tx.entries(Chain::Envelope(envelope.id), 2, 1)?[0];
            assert_eq!(body["data"]["audit"]["hash"], entry.hash.to_string());
            Ok(())
        })
        .expect("written");
}

#[test]
fn mails_and_jobs_come_with_the_event_that_asks_for_them() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let mut envelope = new_envelope(tx, Test, 2)?;
            assert_eq!(tx.next_mail_due(&Environment::ALL)?, None);
            send(tx, &mut envelope)?;
            assert_eq!(tx.mails(Test, Window::page(1, 9))?.total, 2);
            let expires = tx.now().plus(Duration::from_secs(90 * 86_400));
            assert_eq!(tx.next_job_due(&[JobKind::Expire])?, Some(expires));
            assert_eq!(tx.next_job_due(&[JobKind::Seal])?, None);

            let mut done = new_envelope(tx, Test, 1)?;
            send(tx, &mut done)?;
            let by = done.definition.recipients[0].id;
            command(tx, &mut done, Command::View { by })?;
            let evidence = evidence(&done);
            command(tx, &mut done, Command::Sign { by, evidence })?;
            let seal = tx.claim_job(&[JobKind::Seal], SPAN)?.expect("a seal");
            assert_eq!((seal.envelope, seal.environment), (done.id, Test));
            tx.fail(&seal.lease, Some(tx.now()), "another finished it meanwhile")?;
            let sealed = sealed(&done);
            command(tx, &mut done, Command::RecordSeal { sealed })?;
            // It has ended: its deadline is cancelled, its seal too, its evidence is asked for.
            assert_eq!(tx.claim_job(&[JobKind::Seal], SPAN)?, None);
            let trail = tx.claim_job(&[JobKind::Trail], SPAN)?.expect("a trail");
            assert_eq!(trail.envelope, done.id);
            let others: Vec<_> = tx
                .work_in(Queue::Job, WorkState::Ready, Window::page(1, 9))?
                .into_iter()
                .map(|job| job.lane)
                .collect();
            assert_eq!(others, ["expire"], "the open envelope's alone");
            Ok(())
        })
        .expect("written");
}

#[test]
fn files_are_named_while_needed_and_become_orphans_after() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let digest = Digest::of(b"bytes");
            tx.intend(Test, &digest)?;
            tx.intend(Test, &digest)?;
            assert!(tx.is_named(Test, &digest)?);
            tx.name_file(Test, &digest, "doc_x")?;
            tx.settle(Test, &digest)?;
            tx.settle(Test, &digest)?;
            assert!(tx.is_named(Test, &digest)? && tx.orphans(None, 9)?.is_empty());
            tx.name_file(Test, &digest, "env_y")?;
            tx.release_files(Test, "doc_x")?;
            assert!(tx.orphans(None, 9)?.is_empty(), "the other still needs it");
            tx.release_files(Test, "env_y")?;
            assert_eq!(tx.orphans(None, 9)?, [(Test, digest)]);
            assert!(!tx.is_named(Test, &digest)?);
            tx.forget_orphan(Test, &digest)?;
            assert!(tx.orphans(None, 9)?.is_empty());

            // An upload that failed.
            tx.intend(Test, &digest)?;
            tx.settle(Test, &digest)?;
            assert_eq!(tx.orphans(None, 9)?, [(Test, digest)]);
            tx.forget_orphan(Test, &digest)?;

            // A process that died between the rename and the row.
            tx.intend(Live, &digest)?;
            assert_eq!(tx.abandon_intents(tx.now().minus(SPAN), 9)?, 0, "too young");
            assert_eq!(tx.abandon_intents(tx.now(), 9)?, 1);
            assert_eq!(tx.orphans(None, 9)?, [(Live, digest)]);

            let mut envelope = new_envelope(tx, Test, 1)?;
            whole_life(tx, &mut envelope)?;
            for bytes in [&b"strokes"[..], b"sealed"] {
                assert!(tx.is_named(Test, &Digest::of(bytes))?);
            }
            let named = tx.named_files(Test, None, 100)?;
            assert_eq!(named.len(), 3, "the document, the strokes, the sealed file");
            assert_eq!(tx.named_files(Test, Some(&named[0]), 1)?, [named[1]]);
            Ok(())
        })
        .expect("written");
}

#[test]
fn an_evidence_file_is_kept_once() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let envelope = new_envelope(tx, Test, 1)?;
            let trail = |bytes: &[u8]| Trail {
                sha256: Digest::of(bytes),
                size: bytes.len() as u64,
                version: envelope.version,
                created_at: tx.now(),
            };
            assert!(tx.insert_trail(Test, envelope.id, &trail(b"first"))?);
            assert!(!tx.insert_trail(Test, envelope.id, &trail(b"second"))?);
            assert_eq!(tx.trail(Test, envelope.id)?, Some(trail(b"first")));
            assert_eq!(tx.trail(Live, envelope.id)?, None);
            assert!(tx.is_named(Test, &Digest::of(b"first"))?);
            assert!(!tx.is_named(Test, &Digest::of(b"second"))?);
            Ok(())
        })
        .expect("written");
}

#[test]
fn a_note_moves_the_version_and_nothing_else() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let mut envelope = new_envelope(tx, Test, 1)?;
            let before = envelope.clone();
            let recipient = envelope.definition.recipients[0].id;
            let note = Command::Note(Note::LinkFetched { recipient });
            command(tx, &mut envelope, note)?;
            assert_eq!(envelope.version, before.version + 1);
            assert_eq!(
                tx.load(Test, envelope.id)?,
                Envelope {
                    version: envelope.version,
                    ..before
                }
            );
            assert_replays(tx, Test, envelope.id);
            tx.record(&mut envelope, Vec::new(), &Origin::system())?;
            assert_replays(tx, Test, envelope.id);
            Ok(())
        })
        .expect("written");
}

#[test]
fn the_appliances_own_chain_and_the_list_of_chains_are_read_in_pieces() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let started = SystemEvent::SystemStarted {
                platform: "Linux".into(),
            };
            for seq in 1..=5 {
                let head = tx.record_system(&started, &Origin::system())?;
                assert_eq!((head.chain, head.seq), (Chain::System, seq));
            }
            let mut head = crate::domain::audit::Head::start(Chain::System);
            for entry in tx.entries(Chain::System, 0, 100)? {
                head = crate::domain::audit::verify(&head, &entry).expect("holds");
                let body = entry.system_body().expect("reads").expect("not erased");
                assert_eq!((body.event, body.boot), (started.clone(), tx.boot()));
            }
            assert_eq!(head, tx.head(Chain::System)?);
            let mut expected: Vec<_> = (0..3)
                .map(|_| Ok(Chain::Envelope(new_envelope(tx, Test, 1)?.id)))
                .collect::<Outcome<_>>()?;
            expected.push(Chain::System);
            let mut names = tx.chain_names("", 3)?;
            names.extend(tx.chain_names(&names[2], 3)?);
            let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
            assert_eq!(names, expected);
            assert_eq!(tx.entries_total()?, 5 + 3 * 2);
            assert_eq!(tx.entries_counted()?, (11, 11));
            Ok(())
        })
        .expect("written");
}

#[test]
fn a_seal_without_its_job_is_found_by_the_sweep() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let mut envelope = new_envelope(tx, Test, 1)?;
            send(tx, &mut envelope)?;
            let by = envelope.definition.recipients[0].id;
            command(tx, &mut envelope, Command::View { by })?;
            let evidence = evidence(&envelope);
            command(tx, &mut envelope, Command::Sign { by, evidence })?;
            assert_eq!(tx.sealing_without_job(Test, 9)?, []);
            tx.run("DELETE FROM job WHERE lane = 'seal'", [])?;
            assert_eq!(tx.sealing_without_job(Test, 9)?, [envelope.id]);
            assert_eq!(tx.sealing_without_job(Live, 9)?, []);
            tx.queue_job(JobKind::Seal, Test, envelope.id, tx.now())?;
            assert_eq!(tx.sealing_without_job(Test, 9)?, []);
            Ok(())
        })
        .expect("written");
}
