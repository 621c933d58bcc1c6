//! What earlier versions sealed is judged the same for ever.

use base64::Engine as _;
use paraph::domain::time::Timestamp;
use paraph::pdf::check::{Expected, check};
use std::path::PathBuf;

/// After the files were sealed and long before their certificates end.
const JUDGED_AT: &str = "2027-06-01T00:00:00Z";

fn folders() -> Vec<PathBuf> {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(golden)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn root(folder: &std::path::Path) -> Vec<u8> {
    let pem = std::fs::read_to_string(folder.join("root.pem")).unwrap();
    let base64: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    base64::engine::general_purpose::STANDARD
        .decode(base64)
        .unwrap()
}

#[test]
fn files_that_earlier_versions_sealed_stay_valid_and_their_flipped_copies_invalid() {
    let folders = folders();
    assert!(folders.len() >= 2);
    for folder in folders {
        let roots = [root(&folder)];
        let expected = Expected {
            roots: &roots,
            at: Timestamp::parse(JUDGED_AT).unwrap(),
            original: None,
            pages: None,
            stamps: &[],
            pages_max: 2_000,
        };
        for name in ["signed.pdf", "audit-trail.pdf"] {
            let mut bytes = std::fs::read(folder.join(name)).unwrap();
            let checked = check(&bytes.as_slice(), &expected);
            assert!(
                checked.is_ok(),
                "{}/{name}: {:?}",
                folder.display(),
                checked.err()
            );
            let step = bytes.len() / 40;
            for at in (step..bytes.len()).step_by(step) {
                bytes[at] ^= 0x20;
                let bent = check(&bytes.as_slice(), &expected);
                let same = bent
                    .as_ref()
                    .is_ok_and(|bent| Some(bent.digest) == checked.as_ref().ok().map(|c| c.digest));
                assert!(
                    bent.is_err() || !same,
                    "{}/{name}: byte {at}",
                    folder.display()
                );
                bytes[at] ^= 0x20;
            }
        }
    }
}
