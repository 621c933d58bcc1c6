use super::*;
use crate::domain::alarm::Alarm;
use crate::domain::event::Message;
use crate::domain::limits;

const LANES: &[JobKind] = &[JobKind::Expire];

fn later(tx: &ReadTx<'_>, seconds: u64) -> Timestamp {
    tx.now().plus(Duration::from_secs(seconds))
}

fn one_job(f: &Fixture) -> EnvelopeId {
    f.store
        .write::<_, Error>(|tx| {
            let envelope = tx.new_id(EnvelopeId::new);
            tx.queue_job(JobKind::Expire, Test, envelope, later(tx, 10))?;
            Ok(envelope)
        })
        .expect("written")
}

fn claim(f: &Fixture) -> Option<Job> {
    f.store
        .write::<_, Error>(|tx| tx.claim_job(LANES, SPAN))
        .expect("claim")
}

#[test]
fn work_waits_for_its_time_and_is_claimed_once() {
    let f = fixture();
    let envelope = one_job(&f);
    assert_eq!(claim(&f), None);
    let due = f
        .store
        .read::<_, Error>(|tx| Ok((tx.next_job_due(LANES)?, later(tx, 10))))
        .expect("read");
    assert_eq!(due.0, Some(due.1));
    f.clock.advance(Duration::from_secs(10));
    let job = claim(&f).expect("due");
    assert_eq!(
        (job.envelope, job.kind, job.lease.tries()),
        (envelope, JobKind::Expire, 1)
    );
    assert_eq!(claim(&f), None, "leased");
}

#[test]
fn a_result_counts_only_while_the_lease_is_ours() {
    let f = fixture();
    one_job(&f);
    f.clock.advance(Duration::from_secs(10));
    let slow = claim(&f).expect("due").lease;
    f.clock.advance(SPAN);
    let fast = claim(&f).expect("the lease has ended").lease;
    assert_eq!(fast.tries(), 2);
    let id = fast.id().to_owned();
    f.store
        .write::<(), Error>({
            let slow = slow.clone();
            move |tx| {
                assert!(!tx.holds(&slow)?);
                tx.set(Setting::Instance, "the slow one's effect")?;
                tx.finish(&slow)
            }
        })
        .expect_err("lost");
    let renewed = f.store.write::<(), Error>(move |tx| tx.renew(&slow, SPAN));
    assert!(matches!(renewed, Err(Error::Conflict("lease"))));
    f.store
        .write::<_, Error>(move |tx| {
            assert_eq!(tx.setting(Setting::Instance)?, None, "undone with it");
            assert!(tx.holds(&fast)?);
            tx.finish(&fast)?;
            assert!(matches!(tx.finish(&fast), Err(Error::Conflict("lease"))));
            let done = tx.work(Queue::Job, &id)?.expect("kept");
            assert_eq!(
                (done.state, done.ended_at),
                (WorkState::Done, Some(tx.now()))
            );
            Ok(())
        })
        .expect("finished");
}

#[test]
fn a_renewed_lease_lasts_longer() {
    let f = fixture();
    one_job(&f);
    f.clock.advance(Duration::from_secs(10));
    let lease = claim(&f).expect("due").lease;
    f.clock.advance(SPAN / 2);
    f.store
        .write::<_, Error>({
            let lease = lease.clone();
            move |tx| tx.renew(&lease, SPAN)
        })
        .expect("ours");
    f.clock.advance(SPAN / 2);
    assert_eq!(claim(&f), None);
    f.clock.advance(SPAN / 2);
    assert!(claim(&f).is_some());
}

#[test]
fn failed_work_comes_back_at_its_time_or_waits_for_a_person() {
    let f = fixture();
    one_job(&f);
    f.clock.advance(Duration::from_secs(10));
    let lease = claim(&f).expect("due").lease;
    f.store
        .write::<_, Error>(move |tx| tx.fail(&lease, Some(later(tx, 300)), "busy"))
        .expect("ours");
    assert_eq!(claim(&f), None);
    f.clock.advance(Duration::from_secs(300));
    let lease = claim(&f).expect("again").lease;
    assert_eq!(lease.tries(), 2);
    let long = "x".repeat(limits::ANSWER_CHARS_MAX + 1);
    let id = lease.id().to_owned();
    f.store
        .write::<_, Error>(move |tx| {
            tx.fail(&lease, None, &long)?;
            let failed = &tx.work_in(Queue::Job, WorkState::Failed, Window::page(1, 9))?[0];
            assert_eq!(failed.id, lease.id());
            assert_eq!(
                failed.last_error.as_ref().map(String::len),
                Some(limits::ANSWER_CHARS_MAX)
            );
            assert_eq!(tx.count_work(Queue::Job, WorkState::Failed, 9)?, 1);
            assert_eq!(tx.next_job_due(LANES)?, None);
            Ok(())
        })
        .expect("given up");
    f.clock.advance(Duration::from_secs(86_400));
    assert_eq!(claim(&f), None);
    assert!(
        f.store
            .write::<_, Error>(move |tx| {
                assert!(!tx.retry(Queue::Job, "job_none")?);
                tx.retry(Queue::Job, &id)
            })
            .expect("retry")
    );
    assert_eq!(claim(&f).expect("at once").lease.tries(), 1);
}

#[test]
fn work_that_waits_after_an_error_is_seen_and_hurried_without_losing_count() {
    let f = fixture();
    one_job(&f);
    f.clock.advance(Duration::from_secs(10));
    let lease = claim(&f).expect("due").lease;
    let id = lease.id().to_owned();
    f.store
        .write::<_, Error>(move |tx| {
            assert_eq!(tx.count_erring_jobs(JobKind::Expire, 9)?, 0);
            assert!(!tx.retry(Queue::Job, lease.id())?, "it is under way");
            tx.fail(&lease, Some(later(tx, 21_600)), "the disk")?;
            let erring = tx.erring_jobs(JobKind::Expire, Window::page(1, 9))?;
            assert_eq!(erring.len(), 1);
            assert_eq!(
                (erring[0].id.as_str(), erring[0].last_error.as_deref()),
                (lease.id(), Some("the disk"))
            );
            assert_eq!(tx.erring_jobs(JobKind::Seal, Window::page(1, 9))?, []);
            assert_eq!(tx.count_erring_jobs(JobKind::Expire, 9)?, 1);
            assert!(tx.retry(Queue::Job, lease.id())?);
            assert_eq!(tx.next_job_due(LANES)?, Some(tx.now()));
            Ok(())
        })
        .expect("written");
    let lease = claim(&f).expect("at once").lease;
    assert_eq!((lease.id(), lease.tries()), (id.as_str(), 2));
    f.store
        .write::<_, Error>(move |tx| {
            tx.fail(&lease, Some(later(tx, 21_600)), "the disk")?;
            assert_eq!(tx.hurry_erring_jobs()?, 1);
            assert_eq!(tx.next_job_due(LANES)?, Some(tx.now()));
            Ok(())
        })
        .expect("written");
}

#[test]
fn work_that_could_not_be_begun_comes_again_without_a_try_used_up() {
    let f = fixture();
    one_job(&f);
    f.clock.advance(Duration::from_secs(10));
    let lease = claim(&f).expect("due").lease;
    f.store
        .write::<_, Error>(move |tx| {
            tx.postpone(&lease, later(tx, 5))?;
            assert!(
                tx.postpone(&lease, later(tx, 5)).is_err(),
                "it is given back"
            );
            assert_eq!(tx.count_erring_jobs(JobKind::Expire, 9)?, 0);
            Ok(())
        })
        .expect("written");
    assert_eq!(claim(&f), None);
    f.clock.advance(Duration::from_secs(5));
    assert_eq!(claim(&f).expect("again").lease.tries(), 1);
}

#[test]
fn a_commit_wakes_who_waits_and_an_undone_change_does_not() {
    let f = fixture();
    let counts = |f: &Fixture| Queue::ALL.map(|queue| f.store.signal(queue).count());
    let before = counts(&f);
    one_job(&f);
    let after = counts(&f);
    assert_eq!(after, [before[0] + 1, before[1], before[2]]);
    f.store
        .write::<(), Error>(|tx| {
            let envelope = tx.new_id(EnvelopeId::new);
            tx.queue_job(JobKind::Seal, Test, envelope, tx.now())?;
            Err(Error::Conflict("test"))
        })
        .expect_err("undone");
    assert_eq!(counts(&f), after);
}

#[test]
fn leases_of_a_process_that_died_are_free_at_the_next_start() {
    let f = fixture();
    one_job(&f);
    f.clock.advance(Duration::from_secs(10));
    let dead = claim(&f).expect("due").lease;
    let released = f
        .store
        .write::<_, Error>(|tx| tx.release_leases())
        .expect("release");
    assert_eq!(released, 1);
    let lease = claim(&f).expect("free").lease;
    assert_eq!(lease.id(), dead.id());
    f.store
        .write::<_, Error>(move |tx| tx.finish(&dead))
        .expect_err("not its own any more");
}

#[test]
fn the_same_job_asked_for_twice_is_one_at_the_earlier_moment() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let envelope = tx.new_id(EnvelopeId::new);
            tx.queue_job(JobKind::Seal, Test, envelope, later(tx, 50))?;
            tx.queue_job(JobKind::Seal, Test, envelope, later(tx, 20))?;
            tx.queue_job(JobKind::Seal, Test, envelope, later(tx, 90))?;
            assert_eq!(tx.next_job_due(&[JobKind::Seal])?, Some(later(tx, 20)));
            assert_eq!(tx.count_work(Queue::Job, WorkState::Ready, 9)?, 1);
            tx.cancel_jobs(JobKind::Seal, Test, envelope)?;
            assert_eq!(tx.next_job_due(&[JobKind::Seal])?, None);
            Ok(())
        })
        .expect("written");
}

#[test]
fn a_mail_is_captured_with_what_it_said_and_released_by_a_person() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let mut envelope = new_envelope(tx, Test, 1)?;
            send(tx, &mut envelope)?;
            assert_eq!(tx.claim_mail(&[Live], SPAN)?, None);
            let (lease, mail) = tx.claim_mail(&Environment::ALL, SPAN)?.expect("a mail");
            let about = About::Recipient {
                envelope: envelope.id,
                recipient: envelope.definition.recipients[0].id,
                message: Message::Invitation,
            };
            assert_eq!(mail.about, about);
            assert_eq!(mail.address.as_str(), "signer0@example.com");
            tx.keep_mail_content(mail.id, b"sealed")?;
            tx.capture(&lease)?;
            let kept = tx.mail(Test, mail.id)?.expect("kept");
            assert_eq!(kept.state, WorkState::Captured);
            assert_eq!(kept.content.as_deref(), Some(&b"sealed"[..]));
            assert_eq!(tx.mail(Live, mail.id)?, None);
            assert!(!tx.retry(Queue::Mail, &mail.id.to_string())?);
            assert!(tx.release(Queue::Mail, &mail.id.to_string())?);
            assert!(tx.claim_mail(&[Test], SPAN)?.is_some());
            Ok(())
        })
        .expect("written");
}

#[test]
fn the_same_alarm_is_one_mail_a_day() {
    const DAY: Duration = Duration::from_secs(86_400);
    let f = fixture();
    let raise = |alarm: Alarm| {
        let address = "it@acme.example".parse().expect("address");
        f.store
            .write::<_, Error>(move |tx| tx.raise_alarm(&alarm, &address, DAY))
            .expect("written")
    };
    let disk = |free_bytes| Alarm::DiskNearlyFull {
        free_bytes,
        least_bytes: 9,
    };
    let seal = |environment| Alarm::SealUnusable {
        environment,
        reason: "no key".into(),
    };
    assert!(raise(disk(8)));
    assert!(!raise(disk(7)), "the same thing");
    assert!(raise(seal(Live)) && raise(seal(Test)));
    f.clock.advance(DAY);
    assert!(raise(disk(6)));
    f.store
        .write::<_, Error>(move |tx| {
            assert_eq!(tx.mails(Live, Window::page(1, 9))?.total, 3);
            assert_eq!(tx.mails(Test, Window::page(1, 9))?.total, 1);
            let (_, mail) = tx.claim_mail(&[Live], SPAN)?.expect("a mail");
            assert_eq!(mail.about, About::Alarm(disk(8)));
            assert_eq!(mail.address.as_str(), "it@acme.example");
            Ok(())
        })
        .expect("written");
}

/// Each of `n` events goes to every webhook.
fn announce(tx: &WriteTx<'_>, n: usize) -> Outcome<()> {
    for _ in 0..n {
        tx.announce(Test, EventName::EnvelopeSent, None, |id| {
            Ok(format!("{{\"id\":\"{id}\"}}"))
        })?;
    }
    Ok(())
}

fn per_webhook(claimed: &[Delivery]) -> Vec<usize> {
    let mut counts = BTreeMap::new();
    for delivery in claimed {
        *counts.entry(delivery.webhook.id).or_insert(0) += 1;
    }
    counts.into_values().collect()
}

#[test]
fn deliveries_keep_to_the_bounds_in_flight() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            for _ in 0..20 {
                new_webhook(tx, Test, &[EventName::EnvelopeSent])?;
            }
            announce(tx, 6)?;
            let first = tx.claim_deliveries(10, SPAN)?;
            assert_eq!(first.len(), 10);
            let rest = tx.claim_deliveries(1000, SPAN)?;
            assert_eq!(
                first.len() + rest.len(),
                limits::WEBHOOK_IN_FLIGHT_MAX,
                "in all"
            );
            let all: Vec<_> = first.into_iter().chain(rest).collect();
            let most = per_webhook(&all).into_iter().max();
            assert_eq!(most, Some(limits::WEBHOOK_IN_FLIGHT_PER_ENDPOINT_MAX));
            assert!(tx.claim_deliveries(1000, SPAN)?.is_empty());
            // What is due waits for a place, so the loop must not be told that it is due now.
            assert_eq!(tx.next_delivery_due()?, Some(tx.now().plus(SPAN)));
            tx.delivered(&all[0])?;
            assert_eq!(tx.next_delivery_due()?, Some(tx.now()));
            assert_eq!(tx.claim_deliveries(1000, SPAN)?.len(), 1);
            Ok(())
        })
        .expect("written");
}

#[test]
fn an_endpoint_that_fails_gets_one_attempt_at_a_time_and_holds_up_no_other() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let bad = new_webhook(tx, Test, &[EventName::EnvelopeSent])?;
            announce(tx, 5)?;
            let claimed = tx.claim_deliveries(1, SPAN)?;
            let since = tx.not_delivered(&claimed[0], Some(later(tx, 60)), "HTTP 500")?;
            assert_eq!(since, tx.now());
            let good = new_webhook(tx, Test, &[EventName::EnvelopeSent])?;
            announce(tx, 3)?;
            let claimed = tx.claim_deliveries(64, SPAN)?;
            let count = |id| claimed.iter().filter(|d| d.webhook.id == id).count();
            assert_eq!((count(bad), count(good)), (1, 3));
            let again = claimed.iter().find(|d| d.webhook.id == bad).expect("one");
            assert_eq!(again.webhook.failing_since, Some(since));
            // A success lets it have all its places again: of 8 events one waits for its retry, one is done.
            tx.delivered(again)?;
            assert_eq!(tx.webhook(Test, bad)?.expect("there").failing_since, None);
            assert_eq!(tx.claim_deliveries(64, SPAN)?.len(), 4);
            Ok(())
        })
        .expect("written");
}

#[test]
fn deliveries_of_a_removed_webhook_are_over_and_never_claimed() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            let webhook = new_webhook(tx, Test, &[EventName::EnvelopeSent])?;
            announce(tx, 3)?;
            let under_way = tx.claim_deliveries(2, SPAN)?;
            tx.not_delivered(&under_way[1], None, "HTTP 500")?;
            assert!(tx.delete_webhook(Test, webhook)?);
            assert!(!tx.delete_webhook(Test, webhook)?);
            assert_eq!(tx.webhook(Test, webhook)?, None);
            assert!(tx.claim_deliveries(64, SPAN)?.is_empty());
            assert_eq!(tx.strand_deliveries(1)?, 2);
            assert_eq!(tx.strand_deliveries(2)?, 1);
            assert_eq!(tx.strand_deliveries(2)?, 0);
            assert_eq!(tx.next_delivery_due()?, None);
            assert!(tx.delivered(&under_way[0]).is_err());
            // There is nothing that a person could do about them.
            assert_eq!(tx.count_work(Queue::Delivery, WorkState::Failed, 9)?, 0);
            assert_eq!(tx.count_work(Queue::Delivery, WorkState::Done, 9)?, 3);
            Ok(())
        })
        .expect("written");
}

#[test]
fn a_delivery_of_a_webhook_that_was_switched_off_is_due_to_nobody_though_its_lease_has_ended() {
    let f = fixture();
    let webhook = f
        .store
        .write::<_, Error>(|tx| {
            let webhook = new_webhook(tx, Test, &[EventName::EnvelopeSent])?;
            announce(tx, 2)?;
            assert_eq!(tx.claim_deliveries(1, SPAN)?.len(), 1);
            assert!(tx.set_webhook_active(Test, webhook, false)?);
            assert_eq!(tx.next_delivery_due()?, Some(tx.now().plus(SPAN)));
            Ok(webhook)
        })
        .expect("written");
    f.clock.advance(SPAN);
    f.store
        .write::<_, Error>(move |tx| {
            assert!(tx.claim_deliveries(9, SPAN)?.is_empty());
            assert_eq!(tx.next_delivery_due()?, None, "or the loop would spin");
            assert_eq!(tx.strand_deliveries(9)?, 2);
            assert_eq!(tx.count_work(Queue::Delivery, WorkState::Failed, 9)?, 2);
            assert!(tx.set_webhook_active(Test, webhook, true)?);
            let failed = tx.work_in(Queue::Delivery, WorkState::Failed, Window::page(1, 9))?;
            assert!(tx.retry(Queue::Delivery, &failed[0].id)?);
            assert_eq!(tx.claim_deliveries(9, SPAN)?.len(), 1);
            Ok(())
        })
        .expect("written");
}

#[test]
fn what_failed_is_forgotten_at_its_age_and_what_is_open_never() {
    let f = fixture();
    one_job(&f);
    f.clock.advance(Duration::from_secs(10));
    let lease = claim(&f).expect("due").lease;
    one_job(&f);
    f.store
        .write::<_, Error>(move |tx| tx.fail(&lease, None, "given up"))
        .expect("written");
    f.clock.advance(Duration::from_secs(1));
    f.store
        .write::<_, Error>(|tx| {
            for state in WorkState::ALL {
                let n = tx.forget_work(Queue::Job, state, tx.now(), 9)?;
                assert_eq!(n, usize::from(state == WorkState::Failed), "{state:?}");
            }
            assert_eq!(tx.count_work(Queue::Job, WorkState::Ready, 9)?, 1);
            Ok(())
        })
        .expect("written");
}

#[test]
fn done_work_is_forgotten_with_its_payload_and_open_work_is_not() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            new_webhook(tx, Test, &[EventName::EnvelopeSent])?;
            announce(tx, 3)?;
            for delivery in tx.claim_deliveries(2, SPAN)? {
                tx.delivered(&delivery)?;
            }
            assert_eq!(
                tx.forget_work(Queue::Delivery, WorkState::Done, tx.now(), 99)?,
                0,
                "too young"
            );
            Ok(())
        })
        .expect("written");
    f.clock.advance(Duration::from_secs(1));
    f.store
        .write::<_, Error>(|tx| {
            assert_eq!(
                tx.forget_work(Queue::Delivery, WorkState::Done, tx.now(), 1)?,
                1
            );
            assert_eq!(
                tx.forget_work(Queue::Delivery, WorkState::Done, tx.now(), 99)?,
                1
            );
            assert_eq!(
                tx.forget_work(Queue::Delivery, WorkState::Done, tx.now(), 99)?,
                0
            );
            let payloads = tx.find("SELECT count(*) FROM webhook_event", [], |r| {
                row::unsigned(r, 0)
            })?;
            assert_eq!(payloads, Some(1));
            assert_eq!(tx.claim_deliveries(9, SPAN)?.len(), 1);
            Ok(())
        })
        .expect("written");
}
