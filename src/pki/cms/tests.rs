//! Signatures, judged by OpenSSL and bent in every way that must not pass.

use super::*;
use crate::pki::ca::Purpose;
use crate::pki::key::{Algorithm, SignError};
use crate::pki::oid::{self, ObjectIdentifier};
use crate::pki::testing::{CONTENT, authority, digest, now, openssl_folder, sealed, signer};
use crate::pki::{Signer, SoftwareSigner, der, pem};

#[test]
fn a_signature_holds_and_tells_whose_it_is() {
    let (authority, signer, cms) = sealed();
    let verified = verify_detached(&cms, &digest()).expect("a valid signature");
    assert_eq!(verified.certificate, signer.certificate());
    assert_eq!(verified.others, [authority.certificate().to_vec()]);
    assert_eq!(
        verified.subject,
        "CN=Société d'Essai seal, O=Société d'Essai, C=FR"
    );
    assert_eq!(
        verified.common_name.as_deref(),
        Some("Société d'Essai seal")
    );
    assert_eq!(
        verified.issuer,
        format!("CN=Paraph TEST - do not trust {}", authority.short_name())
    );
    assert_eq!(verified.serial.len(), 16);
    assert!(verified.signature_value.len() > 66);
}

#[test]
fn openssl_verifies_the_signature_as_cades() {
    let Some(folder) = openssl_folder() else {
        return;
    };
    let (authority, _, cms) = sealed();
    folder.write("content", CONTENT);
    folder.write("cms.der", &cms);
    folder.write(
        "root.pem",
        pem::encode(pem::CERTIFICATE, authority.certificate()).as_bytes(),
    );
    let time = now().as_seconds().to_string();
    let verify = [
        "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "cms.der", "-content",
        "content", "-CAfile", "root.pem", "-purpose", "any", "-attime", &time, "-out", "out",
    ];
    let (ok, text) = folder.openssl(&verify);
    assert!(
        ok && text.contains("CAdES Verification successful"),
        "{text}"
    );
    assert_eq!(folder.read("out"), CONTENT);

    let (ok, text) = folder.openssl(&[
        "cms", "-cmsout", "-print", "-inform", "DER", "-in", "cms.der",
    ]);
    assert!(ok, "{text}");
    assert_eq!(text.matches("d.issuerAndSerialNumber").count(), 1, "{text}");
    assert!(!text.contains("signingTime"), "{text}");

    folder.write("content", b"another content");
    let (ok, text) = folder.openssl(&verify);
    assert!(!ok, "{text}");
}

#[test]
fn every_flipped_byte_of_a_signature_is_noticed() {
    let (authority, _, cms) = sealed();
    // The root that travels along is no part of what was signed; it is judged where the path is.
    let root = authority.certificate();
    let start = cms
        .windows(root.len())
        .position(|window| window == root)
        .expect("the root is inside");
    let mut accepted = Vec::new();
    for at in 0..cms.len() {
        for mask in [0x01, 0x80] {
            let mut bent = cms.clone();
            bent[at] ^= mask;
            if verify_detached(&bent, &digest()).is_ok() {
                accepted.push(at);
            }
        }
    }
    assert!(
        accepted
            .iter()
            .all(|at| (start + 4..start + root.len()).contains(at)),
        "flips outside the root passed: {accepted:?}, root at {start}"
    );
}

#[test]
fn another_content_is_noticed() {
    let (_, _, cms) = sealed();
    let mut other = digest();
    other[31] ^= 1;
    assert_eq!(
        verify_detached(&cms, &other),
        Err(VerifyError::DigestDiffers)
    );
}

#[test]
fn a_certificate_swapped_for_another_of_the_same_key_is_noticed() {
    // Same key, issuer and serial number, other contents: only signing-certificate-v2 tells them apart.
    let (_, signer, cms) = sealed();
    let original = signer.certificate();
    let mut twin = original.to_vec();
    let at = twin
        .windows(4)
        .position(|window| window == b"seal")
        .expect("the CN");
    twin[at] = b'S';
    let start = cms
        .windows(original.len())
        .position(|window| window == original)
        .expect("it is inside");
    let mut swapped = cms.clone();
    swapped[start..start + twin.len()].copy_from_slice(&twin);
    assert_eq!(
        verify_detached(&swapped, &digest()),
        Err(VerifyError::CertificateSwapped)
    );
}

#[test]
fn a_signature_by_another_key_is_wrong() {
    /// Names one certificate, signs with another's key.
    struct Impostor(SoftwareSigner, SoftwareSigner);
    impl Signer for Impostor {
        fn algorithm(&self) -> Algorithm {
            self.0.algorithm()
        }
        fn certificate(&self) -> &[u8] {
            self.0.certificate()
        }
        fn chain(&self) -> &[Vec<u8>] {
            self.0.chain()
        }
        fn sign(&self, signed_attributes: &[u8]) -> Result<Vec<u8>, SignError> {
            self.1.sign(signed_attributes)
        }
    }
    let authority = authority(Purpose::Test);
    let impostor = Impostor(signer(&authority), signer(&authority));
    let cms = sign_detached(&digest(), &impostor).expect("a CMS");
    assert_eq!(
        verify_detached(&cms, &digest()),
        Err(VerifyError::SignatureWrong)
    );
}

#[test]
fn bytes_after_the_signature_are_refused_and_padding_is_taken_off_only_as_zeros() {
    let (_, _, cms) = sealed();
    let mut padded = cms.clone();
    padded.extend([0; 100]);
    assert!(verify_detached(&padded, &digest()).is_err());
    assert_eq!(without_padding(&padded), Ok(&cms[..]));
    assert_eq!(without_padding(&cms), Ok(&cms[..]));
    padded[cms.len() + 50] = 1;
    assert!(without_padding(&padded).is_err());
    assert!(without_padding(&cms[..cms.len() - 1]).is_err());
    assert!(without_padding(&[]).is_err());
}

/// A CMS whose signed attributes `bend` has changed before they were signed: only the rules can refuse it.
fn with_attributes(bend: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
    let authority = authority(Purpose::Test);
    let signer = signer(&authority);
    let certificate =
        crate::pki::certificate::Certificate::parse(signer.certificate()).expect("a certificate");
    let mut attributes = sign::signed_attributes(&digest(), &certificate);
    attributes.sort();
    bend(&mut attributes);
    let contents = attributes.concat();
    let signature = signer
        .sign(&der::tlv(der::SET, &[&contents]))
        .expect("a signature");
    sign::assemble(
        &signer,
        &certificate,
        &der::tlv(der::constructed(0), &[&contents]),
        &signature,
    )
}

fn attribute(kind: ObjectIdentifier, values: &[&[u8]]) -> Vec<u8> {
    der::sequence(&[&der::object_identifier(kind), &der::tlv(der::SET, values)])
}

#[test]
fn signed_attributes_keep_their_rules() {
    assert!(verify_detached(&with_attributes(|_| {}), &digest()).is_ok());
    type Bend = fn(&mut Vec<Vec<u8>>);
    let bends: [(&str, Bend); 8] = [
        ("order", |a| a.reverse()),
        ("double", |a| a.push(a[a.len() - 1].clone())),
        ("no attribute", |a| a.clear()),
        ("no content-type", |a| {
            a.retain(|x| *x != attribute(oid::CONTENT_TYPE, &[&der::object_identifier(oid::DATA)]));
        }),
        ("another content-type", |a| {
            a.retain(|x| *x != attribute(oid::CONTENT_TYPE, &[&der::object_identifier(oid::DATA)]));
            a.push(attribute(
                oid::CONTENT_TYPE,
                &[&der::object_identifier(oid::SIGNED_DATA)],
            ));
            a.sort();
        }),
        ("no message-digest", |a| {
            a.retain(|x| *x != attribute(oid::MESSAGE_DIGEST, &[&der::octet_string(&digest())]));
        }),
        ("two message-digests", |a| {
            a.push(attribute(
                oid::MESSAGE_DIGEST,
                &[&der::octet_string(&[7; 32])],
            ));
            a.sort();
        }),
        ("two values", |a| {
            a.retain(|x| *x != attribute(oid::MESSAGE_DIGEST, &[&der::octet_string(&digest())]));
            a.push(attribute(
                oid::MESSAGE_DIGEST,
                &[&der::octet_string(&[7; 32]), &der::octet_string(&digest())],
            ));
            a.sort();
        }),
    ];
    for (what, bend) in bends {
        assert!(
            matches!(
                verify_detached(&with_attributes(bend), &digest()),
                Err(VerifyError::Rule(_))
            ),
            "{what}"
        );
    }
    let unbound = with_attributes(|a| {
        let kind = der::object_identifier(oid::SIGNING_CERTIFICATE_V2);
        a.retain(|x| !x.windows(kind.len()).any(|window| window == kind));
    });
    assert!(matches!(
        verify_detached(&unbound, &digest()),
        Err(VerifyError::Rule(_))
    ));
}

#[test]
fn mutated_signatures_never_panic_and_never_pass() {
    let (authority, _, cms) = sealed();
    let root = authority.certificate();
    let start = cms
        .windows(root.len())
        .position(|window| window == root)
        .expect("the root is inside");
    let mut chance = crate::pki::testing::Chance::from_seed(5);
    let mut passed = 0u32;
    for _ in 0..20_000 {
        let mut bent = cms.clone();
        chance.mutate(&mut bent);
        if let Ok(verified) = verify_detached(&bent, &digest()) {
            // What still holds was changed in the root's copy alone, or not at all.
            let untouched = bent.len() == cms.len()
                && bent[..start] == cms[..start]
                && bent[start + root.len()..] == cms[start + root.len()..];
            assert!(
                untouched,
                "a mutated signature passed: {}",
                verified.subject
            );
            passed += 1;
        }
    }
    assert!(passed < 20_000);
}
