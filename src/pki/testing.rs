//! What the tests of this floor share: an authority, a signer, and OpenSSL as the outside judge.

use crate::ambient::CountedEntropy;
use crate::domain::digest::Digest;
use crate::domain::time::Timestamp;
use crate::pki::ca::{Authority, Purpose, SealSubject};
use crate::pki::key::{Signer as _, SoftwareKey, SoftwareSigner};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

pub(super) const CONTENT: &[u8] = b"all of a file but its signature";
pub(super) const URL: &str = "https://sign.example.com";
pub(super) const SUBJECT: SealSubject<'static> = SealSubject {
    organisation: "Société d'Essai",
    country: Some("FR"),
};

pub(super) fn now() -> Timestamp {
    Timestamp::parse("2026-11-24T09:30:00Z").expect("a date")
}

pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a date")
}

pub(super) fn digest() -> [u8; 32] {
    *Digest::of(CONTENT).as_bytes()
}

pub(super) fn key() -> SoftwareKey {
    SoftwareKey::from_pkcs8(&SoftwareKey::generate().expect("a key")).expect("the key")
}

pub(super) fn authority(purpose: Purpose) -> Authority {
    Authority::create(key(), purpose, now(), &CountedEntropy::from_seed(1)).expect("an authority")
}

/// A seal of `authority`.
pub(super) fn signer(authority: &Authority) -> SoftwareSigner {
    let key = key();
    let certificate = authority
        .issue_seal(
            &SUBJECT,
            key.public_key_info(),
            URL,
            now(),
            &CountedEntropy::from_seed(100),
        )
        .expect("a certificate");
    SoftwareSigner::new(key, certificate, vec![authority.certificate().to_vec()]).expect("a signer")
}

/// A CMS over [`CONTENT`] by a fresh test seal, with the authority that stands behind it.
pub(super) fn sealed() -> (Authority, SoftwareSigner, Vec<u8>) {
    let authority = authority(Purpose::Test);
    let signer = signer(&authority);
    let cms = crate::pki::cms::sign_detached(&digest(), &signer).expect("a CMS");
    assert!(cms.len() <= crate::pki::cms::signature_bytes_max(&signer).expect("a size"));
    assert_eq!(signer.chain().len(), 1);
    (authority, signer, cms)
}

/// A folder of its own that goes when dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let path = std::env::temp_dir().join(format!("paraph-pki-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).expect("a file");
    }

    pub(super) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).expect("a file")
    }

    /// Runs openssl here: whether it ended well, and all that it said.
    pub(super) fn openssl(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new("openssl")
            .args(arguments)
            .current_dir(&self.0)
            .output()
            .expect("openssl runs");
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind in /tmp is no reason to fail a test.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A folder with openssl at hand; `None`, and a loud word, where there is none. With `PARAPH_REQUIRE_TOOLS=1` that is a failure.
pub(super) fn openssl_folder() -> Option<Folder> {
    let found = Command::new("openssl").arg("version").output().is_ok();
    if found {
        return Some(Folder::new());
    }
    assert!(
        std::env::var("PARAPH_REQUIRE_TOOLS").as_deref() != Ok("1"),
        "openssl is missing, and PARAPH_REQUIRE_TOOLS=1"
    );
    eprintln!("SKIPPED: openssl is not installed; nothing outside this program judged these bytes");
    None
}

/// A small generator with a fixed seed (xorshift64*): the same mutations in every run.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn from_seed(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        drawn as usize % bound.max(1)
    }

    /// Flips, overwrites, cuts, repeats or inserts, one to four times.
    pub(super) fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(6) {
                _ if bytes.is_empty() => bytes.push(self.below(256) as u8),
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = self.below(256) as u8,
                2 => bytes[at] = [0x00, 0x7f, 0x80, 0x84, 0xff, 0x30][self.below(6)],
                3 => bytes.truncate(at),
                4 => bytes.insert(at, self.below(256) as u8),
                _ => {
                    let end = (at + 1 + self.below(40)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
            }
        }
    }
}
