//! Signatures that OpenSSL made, by keys of every kind that is judged here.

use super::*;
use crate::domain::time::Timestamp;
use crate::pki::chain::find_path;
use crate::pki::testing::{CONTENT, Folder, digest, openssl_folder};
use crate::pki::{certificate::Certificate, pem};
use std::time::Duration;

/// A self-signed certificate `root.der` for the key `key.pem` that `key` describes to `openssl genpkey`.
fn identity(folder: &Folder, key: &[&str]) -> (Vec<u8>, Timestamp) {
    let (ok, text) = folder.openssl(&[&["genpkey", "-out", "key.pem"], key].concat());
    assert!(ok, "{text}");
    let (ok, text) = folder.openssl(&[
        "req",
        "-x509",
        "-new",
        "-key",
        "key.pem",
        "-subj",
        "/C=FR/O=Elsewhere/CN=Foreign",
        "-days",
        "30",
        "-sha256",
        "-outform",
        "DER",
        "-out",
        "root.der",
    ]);
    assert!(ok, "{text}");
    let root = folder.read("root.der");
    folder.write("root.pem", pem::encode(pem::CERTIFICATE, &root).as_bytes());
    let valid_at = Certificate::parse(&root)
        .expect("a certificate")
        .not_before
        .plus(Duration::from_secs(60));
    (root, valid_at)
}

fn sign(folder: &Folder, more: &[&str]) -> Vec<u8> {
    folder.write("content", CONTENT);
    let fixed = [
        "cms",
        "-sign",
        "-binary",
        "-cades",
        "-nosmimecap",
        "-md",
        "sha256",
        "-in",
        "content",
        "-signer",
        "root.pem",
        "-inkey",
        "key.pem",
        "-outform",
        "DER",
        "-out",
        "cms.der",
    ];
    let (ok, text) = folder.openssl(&[&fixed, more].concat());
    assert!(ok, "{text}");
    folder.read("cms.der")
}

const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const P384: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
const RSA: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
const WEAK: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"];

#[test]
fn foreign_signatures_by_ec_and_rsa_keys_hold_and_their_mutants_do_not() {
    let Some(folder) = openssl_folder() else {
        return;
    };
    let pss: &[&str] = &[
        "-keyopt",
        "rsa_padding_mode:pss",
        "-keyopt",
        "rsa_pss_saltlen:32",
    ];
    for (key, how) in [(P256, &[][..]), (P384, &[]), (RSA, &[]), (RSA, pss)] {
        let (root, at) = identity(&folder, key);
        let cms = sign(&folder, how);
        let verified = verify_detached(&cms, &digest())
            .unwrap_or_else(|error| panic!("{key:?} {how:?}: {error}"));
        assert_eq!(verified.subject, "CN=Foreign, O=Elsewhere, C=FR");
        assert_eq!(verified.certificate, root);
        let path = find_path(&verified.certificate, &verified.others, &[root], at);
        assert!(path.is_ok(), "{key:?}: {path:?}");

        // The value itself, and the attributes that it covers.
        let value = verified.signature_value;
        let start = cms.len() - value.len();
        assert_eq!(&cms[start..], &value[..]);
        let mut bent = cms.clone();
        bent[start + value.len() / 2] ^= 1;
        assert_eq!(
            verify_detached(&bent, &digest()),
            Err(VerifyError::SignatureWrong)
        );
        let mut other = digest();
        other[0] ^= 1;
        assert_eq!(
            verify_detached(&cms, &other),
            Err(VerifyError::DigestDiffers)
        );
    }
}

#[test]
fn what_is_not_judged_is_refused_by_name() {
    let Some(folder) = openssl_folder() else {
        return;
    };
    let refusal = |cms: &[u8]| verify_detached(cms, &digest()).err();

    identity(&folder, RSA);
    let salt: &[&str] = &[
        "-keyopt",
        "rsa_padding_mode:pss",
        "-keyopt",
        "rsa_pss_saltlen:20",
    ];
    assert_eq!(
        refusal(&sign(&folder, salt)),
        Some(VerifyError::Unsupported("this signature algorithm"))
    );
    assert_eq!(
        refusal(&sign(&folder, &["-keyid"])),
        Some(VerifyError::Unsupported("a CMS version other than 1"))
    );
    assert_eq!(
        refusal(&sign(&folder, &["-nodetach"])),
        Some(VerifyError::Rule("the signature is not detached"))
    );
    assert_eq!(
        refusal(&sign(&folder, &["-nocerts"])),
        Some(VerifyError::CertificateMissing)
    );
    // The later -md wins; the content's digest is then SHA-384's.
    assert_eq!(
        refusal(&sign(&folder, &["-md", "sha384"])),
        Some(VerifyError::Unsupported("a digest other than SHA-256"))
    );

    // Too weak to say anything, which is not the same as forged.
    identity(&folder, WEAK);
    assert_eq!(
        refusal(&sign(&folder, &[])),
        Some(VerifyError::Unsupported(
            "an RSA key outside 2048 to 8192 bits"
        ))
    );
}

#[test]
fn a_second_signer_is_refused() {
    let Some(folder) = openssl_folder() else {
        return;
    };
    identity(&folder, P256);
    sign(&folder, &[]);
    folder.write("first.der", &folder.read("cms.der"));
    identity(&folder, P384);
    let (ok, text) = folder.openssl(&[
        "cms",
        "-resign",
        "-binary",
        "-cades",
        "-nosmimecap",
        "-md",
        "sha256",
        "-inform",
        "DER",
        "-in",
        "first.der",
        "-signer",
        "root.pem",
        "-inkey",
        "key.pem",
        "-outform",
        "DER",
        "-out",
        "two.der",
    ]);
    assert!(ok, "{text}");
    assert_eq!(
        verify_detached(&folder.read("two.der"), &digest()),
        Err(VerifyError::Rule("there is more than one signer"))
    );
}
