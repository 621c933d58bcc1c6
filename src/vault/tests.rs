use super::*;
use crate::domain::environment::Environment::{Live, Test};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

/// A folder of its own for one test, gone afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("paraph-vault-{}-{n}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn vault_in(folder: &Folder) -> Vault {
    Vault::open_with(&folder.0, Arc::new(|what, e| panic!("{what}: {e}"))).expect("vault")
}

fn path_of(folder: &Folder, environment: &str, digest: &Digest) -> PathBuf {
    let name = digest.to_string();
    folder
        .0
        .join("vault")
        .join(environment)
        .join(&name[..2])
        .join(name)
}

fn incoming_names(folder: &Folder) -> usize {
    std::fs::read_dir(folder.0.join("incoming"))
        .expect("incoming/")
        .count()
}

#[test]
fn a_file_comes_back_as_it_went_in() {
    let folder = Folder::new();
    let vault = vault_in(&folder);
    let bytes: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    let mut incoming = vault.incoming(2_000_000).expect("incoming");
    for piece in bytes.chunks(7777) {
        incoming.append(piece).expect("append");
    }
    assert_eq!(incoming.len(), 1_200_000);
    let received = incoming.finish().expect("finish");
    assert_eq!(received.digest(), Digest::of(&bytes));
    let digest = received.digest();
    vault.put(Live, received).expect("put");

    let mut read = Vec::new();
    vault
        .reader(Live, &digest)
        .expect("reader")
        .read_to_end(&mut read)
        .expect("read");
    assert_eq!(read, bytes);
    let mut again = Vec::new();
    let checked = vault.open_checked(Live, &digest).expect("open");
    checked.file().read_to_end(&mut again).expect("read");
    assert_eq!(again, bytes);
    assert_eq!(incoming_names(&folder), 0);
    let mode = std::fs::metadata(path_of(&folder, "live", &digest))
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o444);
}

#[test]
fn a_put_costs_two_flushes_and_an_early_flush_is_not_repeated() {
    let folder = Folder::new();
    let vault = vault_in(&folder);
    let before = vault.flushes();
    let mut received = vault.receive(b"contract").expect("receive");
    assert_eq!(vault.flushes(), before, "receiving flushes nothing");
    vault.flush(&mut received).expect("flush");
    assert_eq!(vault.flushes(), before + 1);
    vault.put(Live, received).expect("put");
    assert_eq!(
        vault.flushes(),
        before + 2,
        "the file, then its folder, once each"
    );
}

#[test]
fn the_same_bytes_twice_are_one_file_and_both_succeed() {
    let folder = Folder::new();
    let vault = vault_in(&folder);
    let first = vault
        .put(Test, vault.receive(b"twice").expect("receive"))
        .expect("put");
    let before = vault.flushes();
    let second = vault
        .put(Test, vault.receive(b"twice").expect("receive"))
        .expect("put again");
    assert_eq!(first.digest(), second.digest());
    assert_eq!(
        vault.flushes(),
        before + 3,
        "its own bytes, the bytes that were there, the folder"
    );
    assert_eq!(incoming_names(&folder), 0);
    assert_eq!(
        vault
            .digests(Test, first.digest().as_bytes()[0])
            .expect("list"),
        [first.digest()]
    );
}

#[test]
fn other_bytes_under_the_name_are_an_error_and_stay() {
    let folder = Folder::new();
    let vault = vault_in(&folder);
    let digest = Digest::of(b"right");
    let path = path_of(&folder, "live", &digest);
    std::fs::write(&path, b"wrong").expect("plant");
    let refused = vault.put(Live, vault.receive(b"right").expect("receive"));
    assert!(matches!(refused, Err(Error::Damaged(d)) if d == digest));
    assert_eq!(std::fs::read(&path).expect("read"), b"wrong");
    assert_eq!(incoming_names(&folder), 0);
}

#[test]
fn a_flipped_or_lost_byte_is_noticed_at_each_way_of_reading() {
    let folder = Folder::new();
    let vault = vault_in(&folder);
    let bytes = vec![7u8; 300_000];
    let digest = vault
        .put(Live, vault.receive(&bytes).expect("receive"))
        .expect("put")
        .digest();
    let path = path_of(&folder, "live", &digest);
    let mut flipped = bytes.clone();
    flipped[299_999] ^= 1;
    for bad in [flipped.as_slice(), &bytes[..299_999], &[]] {
        std::fs::remove_file(&path).expect("remove");
        std::fs::write(&path, bad).expect("spoil");
        assert!(matches!(
            vault.open_checked(Live, &digest),
            Err(Error::Damaged(_))
        ));
        let mut out = Vec::new();
        let mut reader = vault.reader(Live, &digest).expect("opens");
        let error = reader
            .read_to_end(&mut out)
            .expect_err("the last block is held back");
        assert!(matches!(Error::from_write(error), Error::Damaged(d) if d == digest));
        assert!(out.is_empty() || out.len() < bad.len());
        assert!(
            reader.read(&mut [0; 8]).is_err(),
            "a failure doesn't turn into the end of the file"
        );
    }
}

#[test]
fn one_byte_too_many_is_refused_and_leaves_nothing() {
    let folder = Folder::new();
    let vault = vault_in(&folder);
    let mut incoming = vault.incoming(4).expect("incoming");
    incoming.append(b"1234").expect("fits");
    assert!(matches!(
        incoming.append(b"5"),
        Err(Error::TooLarge { bytes_max: 4 })
    ));
    let through_write = std::io::Write::write(&mut incoming, b"5").expect_err("refused");
    assert!(matches!(
        Error::from_write(through_write),
        Error::TooLarge { bytes_max: 4 }
    ));
    drop(incoming);
    assert_eq!(incoming_names(&folder), 0);
}

#[test]
fn what_a_crash_leaves_in_incoming_goes_at_the_next_start() {
    let folder = Folder::new();
    let vault = vault_in(&folder);
    let mut received = vault.receive(b"half").expect("receive");
    vault.flush(&mut received).expect("flush");
    // The process ends here: no destructor runs.
    std::mem::forget(received);
    assert_eq!(incoming_names(&folder), 1);
    drop(vault);
    let vault = vault_in(&folder);
    assert_eq!(vault.recover().expect("recover"), 1);
    assert_eq!(incoming_names(&folder), 0);
    assert!(matches!(
        vault.open_checked(Live, &Digest::of(b"half")),
        Err(Error::Missing(_))
    ));
}

#[test]
fn environments_are_apart() {
    let folder = Folder::new();
    let vault = vault_in(&folder);
    let digest = vault
        .put(Test, vault.receive(b"x").expect("receive"))
        .expect("put")
        .digest();
    assert!(matches!(
        vault.reader(Live, &digest),
        Err(Error::Missing(_))
    ));
    assert!(vault.reader(Test, &digest).is_ok());
}

#[test]
fn a_named_file_is_not_removed_and_an_unnamed_one_is() {
    let folder = Folder::new();
    let vault = vault_in(&folder);
    let digest = vault
        .put(Live, vault.receive(b"x").expect("receive"))
        .expect("put")
        .digest();
    vault
        .derived_put(Live, &digest, "page-1.png", b"image")
        .expect("derive");
    assert!(
        !vault
            .remove_unless::<Error>(Live, &digest, || Ok(true))
            .expect("asks")
    );
    assert!(vault.open_checked(Live, &digest).is_ok());
    assert!(
        vault
            .remove_unless::<Error>(Live, &digest, || Ok(false))
            .expect("removes")
    );
    assert!(matches!(
        vault.open_checked(Live, &digest),
        Err(Error::Missing(_))
    ));
    assert_eq!(
        vault.derived(Live, &digest, "page-1.png").expect("cache"),
        None
    );
    assert!(
        vault
            .remove_unless::<Error>(Live, &digest, || Ok(false))
            .expect("again is no harm")
    );
}

#[test]
fn the_cache_gives_back_whole_entries_or_none() {
    let folder = Folder::new();
    let vault = vault_in(&folder);
    let digest = Digest::of(b"doc");
    assert_eq!(vault.derived(Test, &digest, "1.png").expect("miss"), None);
    vault
        .derived_put(Test, &digest, "1.png", b"image")
        .expect("put");
    assert_eq!(
        vault.derived(Test, &digest, "1.png").expect("hit"),
        Some(b"image".to_vec())
    );
    let path = folder
        .0
        .join("derived/test")
        .join(digest.to_string())
        .join("1.png");
    let mut bytes = std::fs::read(&path).expect("entry");
    bytes.pop();
    std::fs::write(&path, bytes).expect("spoil");
    assert_eq!(
        vault.derived(Test, &digest, "1.png").expect("spoiled"),
        None
    );
    for evil in ["", "../x", "a/b", ".hidden", "UP", "nul\0", &"n".repeat(65)] {
        assert!(
            vault.derived_put(Test, &digest, evil, b"x").is_err(),
            "{evil:?}"
        );
    }
}

#[test]
fn the_cache_is_trimmed_to_its_bound() {
    let folder = Folder::new();
    let vault = vault_in(&folder);
    for n in 0..10u8 {
        vault
            .derived_put(Live, &Digest::of(&[n]), "1.png", &[n; 968])
            .expect("put");
    }
    assert_eq!(vault.derived_trim(10_000).expect("fits"), 10_000);
    assert_eq!(vault.derived_trim(4_500).expect("trims"), 4_000);
    assert_eq!(
        vault.derived_trim(4_500).expect("nothing more to do"),
        4_000
    );
}

#[test]
fn a_second_holder_of_the_folder_is_refused() {
    let folder = Folder::new();
    let lock = DirectoryLock::acquire(&folder.0).expect("first");
    assert!(matches!(
        DirectoryLock::acquire(&folder.0),
        Err(Error::Busy)
    ));
    drop(lock);
    assert!(DirectoryLock::acquire(&folder.0).is_ok());
}

#[test]
fn a_symbolic_link_under_a_digests_name_is_not_followed() {
    let folder = Folder::new();
    let vault = vault_in(&folder);
    let digest = Digest::of(b"secret");
    let outside = folder.0.join("outside");
    std::fs::write(&outside, b"secret").expect("outside");
    std::os::unix::fs::symlink(&outside, path_of(&folder, "live", &digest)).expect("link");
    assert!(matches!(
        vault.open_checked(Live, &digest),
        Err(Error::Io { .. })
    ));
    assert!(
        vault
            .put(Live, vault.receive(b"secret").expect("receive"))
            .is_err()
    );
}

#[test]
fn free_space_is_told() {
    let folder = Folder::new();
    assert!(vault_in(&folder).free_bytes().expect("statvfs") > 0);
}

#[test]
fn many_threads_may_bring_the_same_bytes_while_another_wants_them_gone() {
    let folder = Folder::new();
    let vault = vault_in(&folder);
    // Stands for the intents: who brings the file has said so before, who removes it asks under the lock.
    let intents = AtomicU64::new(0);
    let digest = Digest::of(b"wanted by all");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let received = vault.receive(b"wanted by all").expect("receive");
                    intents.fetch_add(1, Ordering::SeqCst);
                    vault.put(Live, received).expect("put");
                    vault.open_checked(Live, &digest).expect("named, so there");
                    intents.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..100 {
                let named = || Ok(intents.load(Ordering::SeqCst) > 0);
                vault
                    .remove_unless::<Error>(Live, &digest, named)
                    .expect("asks");
            }
        });
    });
    assert_eq!(incoming_names(&folder), 0);
}
