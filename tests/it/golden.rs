//! What earlier versions sealed is judged the same for ever.

use base64::Engine as _;
use paraph::domain::time::Timestamp;
use paraph::pdf::check::{Expected, check};
use std::ops::Range;
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

/// Where the signature's value is in the file, in hexadecimal, and where in it the root's certificate is: a copy for the reader's
/// convenience that nothing signs. Every other byte of the file must be covered.
fn signature_value(bytes: &[u8], root: &[u8]) -> (Range<usize>, Range<usize>) {
    let find = |from: usize, what: &[u8]| {
        let found = bytes[from..].windows(what.len()).position(|w| w == what);
        found.map(|at| from + at)
    };
    let key = find(0, b"/Contents <").unwrap();
    let start = key + b"/Contents <".len();
    let end = find(start, b">").unwrap();
    let copy = hex::encode(root);
    let unsigned = find(start, copy.as_bytes()).map_or(0..0, |at| at..at + copy.len());
    (start..end, unsigned)
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
            let (value, unsigned) = signature_value(&bytes, &roots[0]);
            let everywhere = (0..bytes.len()).step_by(bytes.len() / 40);
            for at in everywhere.chain(value.step_by(37)) {
                // Makes another value of every hexadecimal digit.
                bytes[at] ^= 0x01;
                assert!(
                    check(&bytes.as_slice(), &expected).is_err() || unsigned.contains(&at),
                    "{}/{name}: byte {at}",
                    folder.display()
                );
                bytes[at] ^= 0x01;
            }
        }
    }
}
