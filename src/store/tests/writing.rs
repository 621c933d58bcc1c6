use super::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

/// Holds the writer until the sender is dropped, once it is known to be inside.
fn hold(store: &Store) -> (mpsc::Sender<()>, Pending<(), Error>) {
    let (release, held) = mpsc::channel::<()>();
    let (inside, entered) = mpsc::channel();
    let pending = store
        .begin_write::<(), Error>(move |_| {
            inside.send(()).expect("someone waits");
            let _ = held.recv();
            Ok(())
        })
        .expect("room");
    entered.recv().expect("the writer is inside");
    (release, pending)
}

fn set(store: &Store, value: &'static str) -> Pending<(), Error> {
    store
        .begin_write(move |tx: &WriteTx<'_>| tx.set(Setting::Instance, value))
        .expect("room")
}

#[test]
fn changes_that_wait_together_share_commits() {
    let f = fixture();
    let (release, held) = hold(&f.store);
    let before = f.store.work();
    let waiting: Vec<_> = (0..300)
        .map(|_| {
            f.store
                .begin_write::<_, Error>(|tx| new_document(tx, Test))
                .expect("room")
        })
        .collect();
    drop(release);
    held.wait().expect("held");
    for pending in waiting {
        pending.wait().expect("written");
    }
    let after = f.store.work();
    assert_eq!(after.changes - before.changes, 301);
    // The held one, then 128, 128 and 44.
    assert_eq!(after.commits - before.commits, 4);
    let total = f
        .store
        .read::<_, Error>(|tx| Ok(tx.documents(Test, Window::page(1, 1))?.total));
    assert_eq!(total.expect("read"), 300);
}

#[test]
fn writes_of_many_threads_all_arrive() {
    let f = fixture();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    f.store
                        .write::<_, Error>(|tx| new_document(tx, Live).map(drop))
                        .expect("written");
                }
            });
        }
    });
    let total = f
        .store
        .read::<_, Error>(|tx| Ok(tx.documents(Live, Window::page(1, 1))?.total));
    assert_eq!(total.expect("read"), 200);
}

#[test]
fn a_full_queue_refuses_instead_of_waiting() {
    let f = fixture();
    let (release, held) = hold(&f.store);
    let mut waiting = Vec::new();
    let refused = loop {
        match f.store.begin_write::<(), Error>(|_| Ok(())) {
            Ok(pending) => waiting.push(pending),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, Error::Unavailable));
    assert_eq!(waiting.len(), 1024);
    drop(release);
    held.wait().expect("held");
    for pending in waiting {
        pending.wait().expect("what was taken is done");
    }
}

#[test]
fn an_error_undoes_its_own_change_and_no_other() {
    let f = fixture();
    let (release, held) = hold(&f.store);
    let good = set(&f.store, "good");
    let bad = f
        .store
        .begin_write(|tx: &WriteTx<'_>| {
            tx.set(Setting::Instance, "bad")?;
            new_document(tx, Test)?;
            Err::<(), _>(Error::Conflict("test"))
        })
        .expect("room");
    let after = f
        .store
        .begin_write::<_, Error>(|tx| tx.setting(Setting::Instance))
        .expect("room");
    drop(release);
    held.wait().expect("held");
    good.wait().expect("good");
    assert!(matches!(bad.wait(), Err(Error::Conflict("test"))));
    assert_eq!(after.wait().expect("read").as_deref(), Some("good"));
    let documents = f
        .store
        .read::<_, Error>(|tx| tx.documents(Test, Window::page(1, 10)))
        .expect("read");
    assert_eq!((documents.items.len(), documents.total), (0, 0));
}

#[test]
fn a_panic_is_undone_and_goes_on_at_the_caller() {
    let f = fixture();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        f.store.write::<(), Error>(|tx| {
            tx.set(Setting::Instance, "half")?;
            panic!("a mistake of ours");
        })
    }));
    let panic = outcome.expect_err("goes on");
    assert_eq!(
        panic.downcast_ref::<&str>().copied(),
        Some("a mistake of ours")
    );
    let seen = f
        .store
        .write::<_, Error>(|tx| tx.setting(Setting::Instance))
        .expect("the writer lives");
    assert_eq!(seen, None);
}

#[derive(Debug)]
enum Own {
    Refused,
    Store,
}

impl From<Error> for Own {
    fn from(_: Error) -> Self {
        Self::Store
    }
}

#[test]
fn both_kinds_of_no_reach_the_caller() {
    let f = fixture();
    let undone = f.store.write::<(), Own>(|tx| {
        tx.set(Setting::Instance, "undone")?;
        Err(Own::Refused)
    });
    assert!(matches!(undone, Err(Own::Refused)));
    let remembered = f.store.write::<Result<(), &str>, Own>(|tx| {
        tx.set(Setting::Workspace, "remembered")?;
        Ok(Err("refused"))
    });
    assert!(matches!(remembered, Ok(Err("refused"))));
    let (undone, remembered) = f
        .store
        .read::<_, Error>(|tx| {
            Ok((
                tx.setting(Setting::Instance)?,
                tx.setting(Setting::Workspace)?,
            ))
        })
        .expect("read");
    assert_eq!(undone, None);
    assert_eq!(remembered.as_deref(), Some("remembered"));
    let missing = f
        .store
        .write::<_, Own>(|tx| Ok(tx.load(Live, tx.new_id(EnvelopeId::new))?));
    assert!(matches!(missing, Err(Own::Store)));
}

#[test]
fn a_full_disk_is_an_answer_and_ends_when_there_is_room() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            tx.prepare("PRAGMA max_page_count = 1")?.query([])?.next()?;
            Ok(())
        })
        .expect("limited to what it has");
    let full = f.store.write::<_, Error>(|tx| {
        for _ in 0..2000 {
            new_document(tx, Test)?;
        }
        Ok(())
    });
    assert!(matches!(full, Err(Error::Full)), "{full:?}");
    f.store
        .write::<_, Error>(|tx| {
            tx.prepare("PRAGMA max_page_count = 1000000")?
                .query([])?
                .next()?;
            Ok(())
        })
        .expect("room again");
    f.store
        .write::<_, Error>(|tx| new_document(tx, Test).map(drop))
        .expect("no restart needed");
    let total = f
        .store
        .read::<_, Error>(|tx| Ok(tx.documents(Test, Window::page(1, 1))?.total));
    assert_eq!(total.expect("read"), 1);
}

#[test]
fn a_commit_that_fails_is_fatal_and_never_a_success() {
    let seen = Arc::new(AtomicU64::new(0));
    let f = fixture_with({
        let seen = Arc::clone(&seen);
        Arc::new(move |_| {
            seen.fetch_add(1, Ordering::SeqCst);
        })
    });
    let outcome = f.store.write::<_, Error>(|tx| {
        // The only way to make a COMMIT fail on a healthy disk: a constraint that is looked at so late.
        tx.prepare("PRAGMA defer_foreign_keys = 1")?
            .query([])?
            .next()?;
        tx.run(
            "INSERT INTO draft (recipient_id, body, updated_at) VALUES ('nobody', '{}', 0)",
            [],
        )
    });
    assert!(outcome.is_err());
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[test]
fn a_reader_cannot_write_and_sees_one_moment() {
    let f = fixture();
    let refused = f
        .store
        .read::<_, Error>(|tx| Ok(tx.prepare("DELETE FROM setting")?.execute([])?));
    assert!(matches!(refused, Err(Error::Database(_))));
    f.store
        .read::<_, Error>(|tx| {
            assert_eq!(tx.setting(Setting::Instance)?, None);
            set(&f.store, "later").wait()?;
            assert_eq!(tx.setting(Setting::Instance)?, None, "the snapshot stays");
            Ok(())
        })
        .expect("read");
    let now = f
        .store
        .read::<_, Error>(|tx| tx.setting(Setting::Instance))
        .expect("read");
    assert_eq!(now.as_deref(), Some("later"));
}

#[test]
fn try_read_gives_the_closure_back_where_no_reader_is_free() {
    let f = fixture();
    fn nested(store: &Store, depth: u32) -> u32 {
        let inner = store.try_read::<_, Error, _>(|_| Ok(nested(store, depth + 1)));
        match inner {
            Ok(result) => result.expect("read"),
            Err(_) => depth,
        }
    }
    // The pool opens one at once and more when they are waited for: what is free is given, and then none.
    let free = nested(&f.store, 0);
    assert!((1..=READERS_MAX).contains(&free), "{free}");
    assert!(f.store.try_read::<_, Error, _>(|_| Ok(())).is_ok());
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let f = fixture();
    set(&f.store, "kept").wait().expect("written");
    let Fixture {
        store,
        clock,
        folder,
    } = f;
    drop(store);
    let wal = std::fs::metadata(folder.path().join("paraph.db-wal"));
    assert!(
        wal.map_or(0, |meta| meta.len()) == 0,
        "the log was copied at the end"
    );
    let store = Store::open(
        &folder.path().join("paraph.db"),
        clock,
        Arc::new(CountedEntropy::from_seed(9)),
    )
    .expect("opens again");
    let kept = store
        .read::<_, Error>(|tx| tx.setting(Setting::Instance))
        .expect("read");
    assert_eq!(kept.as_deref(), Some("kept"));
    assert_eq!(store.check(true).expect("check"), Vec::<String>::new());
}

#[test]
fn a_database_of_a_newer_program_is_refused() {
    let f = fixture();
    f.store
        .write::<_, Error>(|tx| {
            tx.run("PRAGMA user_version = 99", [])?;
            Ok(())
        })
        .expect("written");
    let Fixture {
        store,
        clock,
        folder,
    } = f;
    drop(store);
    let refused = Store::open(
        &folder.path().join("paraph.db"),
        clock,
        Arc::new(CountedEntropy::from_seed(9)),
    );
    assert!(matches!(refused, Err(Error::NewerSchema { found: 99, .. })));
}

#[test]
fn a_change_may_hold_the_last_reference_to_the_store() {
    let f = fixture();
    let Fixture { store, folder, .. } = f;
    let store = Arc::new(store);
    let (own, (release, held)) = (Arc::clone(&store), mpsc::channel::<()>());
    let pending = store
        .begin_write::<_, Error>(move |tx| {
            let _ = held.recv();
            let path = own.path().to_owned();
            tx.set(Setting::Instance, "last")?;
            Ok(path)
        })
        .expect("room");
    drop(store);
    drop(release);
    let path = pending.wait().expect("written");
    assert!(path.starts_with(folder.path()));
}

#[test]
fn a_checkpoint_moves_the_log_into_the_database_and_truncating_empties_it() {
    let folder = Folder::new();
    let path = folder.path().join("t.db");
    let wal = folder.path().join("t.db-wal");
    let conn = connection::open_writer(&path).expect("open");
    conn.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000));")
        .expect("rows");
    let bytes = |path: &Path| std::fs::metadata(path).expect("file").len();
    assert!(
        bytes(&path) < 100_000 && bytes(&wal) > 100_000,
        "no commit copies the log"
    );
    let other = connection::open_checkpointer(&path).expect("open");
    writer::checkpoint(&other, "PASSIVE").expect("passive");
    assert!(bytes(&path) > 100_000);
    writer::checkpoint(&conn, "TRUNCATE").expect("truncate");
    assert_eq!(bytes(&wal), 0);
}
