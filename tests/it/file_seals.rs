//! A file sealed by the operator, outside any envelope.

use crate::harness::{TestApp, pdf, sealed};
use paraph::app::Error;
use paraph::domain::environment::Environment;
use paraph::domain::origin::Origin;
use paraph::pdf::check::{Expected, check};
use std::fs::{File, OpenOptions};
use std::path::Path;

fn fresh(path: &Path) -> File {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
        .unwrap()
}

#[test]
fn a_file_is_sealed_whole_and_a_flipped_byte_shows() {
    let app = TestApp::start();
    let (given, out) = (
        app.data_dir().join("given.pdf"),
        app.data_dir().join("sealed.pdf"),
    );
    std::fs::write(&given, pdf::contract()).unwrap();
    let given_bytes = std::fs::read(&given).unwrap();
    for environment in Environment::ALL {
        let done = app
            .app()
            .seal_file(
                environment,
                &File::open(&given).unwrap(),
                &fresh(&out),
                &Origin::operator(),
            )
            .unwrap();
        let mut bytes = std::fs::read(&out).unwrap();
        assert!(
            bytes.starts_with(&given_bytes),
            "the given bytes are the first revision"
        );
        assert_eq!(done.length, bytes.len() as u64);
        let sealer = app.app().sealer(environment).unwrap();
        let roots = [sealer.authority.certificate().to_vec()];
        let expected = Expected {
            roots: &roots,
            at: paraph::ambient::Clock::now(app.clock.as_ref()),
            original: Some((given_bytes.len() as u64, done.sha256)),
            pages: Some(done.pages),
            stamps: &[],
            pages_max: 2_000,
        };
        assert_eq!(
            check(&bytes.as_slice(), &expected).unwrap().digest,
            done.sealed_sha256
        );
        let root = app.app().root_pem(environment).unwrap();
        sealed::keep("file", &bytes, &root, Some(&given_bytes));
        let middle = given_bytes.len() / 2;
        bytes[middle] ^= 1;
        assert!(check(&bytes.as_slice(), &expected).is_err());
        std::fs::remove_file(&out).unwrap();
    }
}

#[test]
fn what_the_intake_refuses_is_not_sealed_either() {
    let app = TestApp::start();
    let given = app.data_dir().join("given.pdf");
    let refused = |bytes: &[u8]| {
        std::fs::write(&given, bytes).unwrap();
        let out = app.data_dir().join("sealed.pdf");
        let told = app.app().seal_file(
            Environment::Test,
            &File::open(&given).unwrap(),
            &fresh(&out),
            &Origin::operator(),
        );
        std::fs::remove_file(&out).unwrap();
        told.unwrap_err()
    };
    assert!(matches!(refused(b"\x89PNG\r\n\x1a\n"), Error::NotAPdf(_)));
    assert!(matches!(
        refused(b"%PDF-1.7\nnothing"),
        Error::Document { .. }
    ));
    assert!(matches!(
        refused(&vec![b'x'; 5_000_001]),
        Error::TooLarge { .. }
    ));
}
