//! The authority, judged by OpenSSL and by its own rules.

use super::*;
use crate::ambient::CountedEntropy;
use crate::pki::key::SoftwareSigner;
use crate::pki::testing::{SUBJECT, URL, at, authority, key, now, openssl_folder, signer};
use crate::pki::{Signer as _, name, pem};

fn seal(authority: &Authority, subject: &SealSubject<'_>, url: &str) -> Result<Vec<u8>, Error> {
    let entropy = CountedEntropy::from_seed(7);
    authority.issue_seal(subject, key().public_key_info(), url, now(), &entropy)
}

#[test]
fn openssl_reads_the_root_as_designed() {
    let Some(folder) = openssl_folder() else {
        return;
    };
    for (purpose, common_name) in [
        (Purpose::Test, "Paraph TEST - do not trust "),
        (Purpose::Live, "Paraph CA "),
    ] {
        let authority = authority(purpose);
        folder.write(
            "root.pem",
            pem::encode(pem::CERTIFICATE, authority.certificate()).as_bytes(),
        );
        let (ok, text) = folder.openssl(&["x509", "-in", "root.pem", "-noout", "-text"]);
        assert!(ok, "{text}");
        let expected = format!("Subject: CN = {common_name}{}\n", authority.short_name());
        for wanted in [
            expected.as_str(),
            "Version: 3 (0x2)",
            "Signature Algorithm: ecdsa-with-SHA256",
            "Not Before: Nov 23 09:30:00 2026 GMT",
            "Not After : Nov 24 09:30:00 2051 GMT",
            "X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0\n",
            "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign\n",
            "X509v3 Subject Key Identifier",
            "X509v3 Authority Key Identifier",
            "ASN1 OID: prime256v1",
        ] {
            assert!(text.contains(wanted), "{wanted:?} is missing in {text}");
        }
        for unwanted in ["Policies", "qcStatements", "CRL Distribution"] {
            assert!(!text.contains(unwanted), "{unwanted} stands in {text}");
        }
    }
}

#[test]
fn openssl_reads_and_verifies_the_seal_as_designed() {
    let Some(folder) = openssl_folder() else {
        return;
    };
    let authority = authority(Purpose::Live);
    let signer = signer(&authority);
    folder.write(
        "root.pem",
        pem::encode(pem::CERTIFICATE, authority.certificate()).as_bytes(),
    );
    folder.write(
        "seal.pem",
        pem::encode(pem::CERTIFICATE, signer.certificate()).as_bytes(),
    );
    let (ok, text) = folder.openssl(&[
        "x509",
        "-in",
        "seal.pem",
        "-noout",
        "-text",
        "-nameopt",
        "utf8,sep_comma_plus_space",
    ]);
    assert!(ok, "{text}");
    let ca = authority.short_name();
    let crl = format!("URI:{URL}/pki/{ca}.crl");
    let issuer = format!("CA Issuers - URI:{URL}/pki/{ca}.cer");
    for wanted in [
        "Subject: C=FR, O=Société d'Essai, CN=Société d'Essai seal\n",
        "Not Before: Nov 24 09:20:00 2026 GMT",
        "Not After : Nov 24 09:30:00 2036 GMT",
        "X509v3 Key Usage: critical\n                Digital Signature, Non Repudiation\n",
        "1.3.6.1.5.5.7.3.36",
        "X509v3 Subject Key Identifier",
        "X509v3 Authority Key Identifier",
        crl.as_str(),
        issuer.as_str(),
    ] {
        assert!(text.contains(wanted), "{wanted:?} is missing in {text}");
    }
    let time = now().as_seconds().to_string();
    let (ok, text) = folder.openssl(&[
        "verify",
        "-x509_strict",
        "-check_ss_sig",
        "-attime",
        &time,
        "-CAfile",
        "root.pem",
        "seal.pem",
    ]);
    assert!(ok && text.contains("seal.pem: OK"), "{text}");
}

#[test]
fn openssl_verifies_the_list_and_finds_the_revoked() {
    let Some(folder) = openssl_folder() else {
        return;
    };
    let authority = authority(Purpose::Live);
    let signer = signer(&authority);
    let serial = Certificate::parse(signer.certificate())
        .ok()
        .and_then(|c| Serial::of(&c))
        .expect("a serial number of ours");
    let revoked = [Revoked {
        serial,
        at: now(),
        reason: RevocationReason::KeyCompromise,
    }];
    let time = now().as_seconds().to_string();
    folder.write(
        "root.pem",
        pem::encode(pem::CERTIFICATE, authority.certificate()).as_bytes(),
    );
    folder.write(
        "seal.pem",
        pem::encode(pem::CERTIFICATE, signer.certificate()).as_bytes(),
    );
    for (number, lines, verdict) in [
        (1, &[][..], "seal.pem: OK"),
        (2, &revoked[..], "certificate revoked"),
    ] {
        let list = authority
            .revocation_list(number, lines, now(), CRL_PUBLISHED_FOR)
            .expect("a list");
        folder.write("list.pem", pem::encode(pem::CRL, &list).as_bytes());
        let (ok, text) = folder.openssl(&[
            "crl", "-in", "list.pem", "-noout", "-text", "-CAfile", "root.pem",
        ]);
        assert!(ok && text.contains("verify OK"), "{text}");
        for wanted in [
            "Last Update: Nov 24 09:30:00 2026 GMT",
            "Next Update: Dec  1 09:30:00 2026 GMT",
            "X509v3 Authority Key Identifier",
            &format!("X509v3 CRL Number: \n                {number}\n"),
        ] {
            assert!(text.contains(wanted), "{wanted:?} is missing in {text}");
        }
        assert_eq!(text.contains("Key Compromise"), !lines.is_empty());
        let (_, text) = folder.openssl(&[
            "verify",
            "-crl_check",
            "-CRLfile",
            "list.pem",
            "-attime",
            &time,
            "-CAfile",
            "root.pem",
            "seal.pem",
        ]);
        assert!(text.contains(verdict), "{text}");
    }
}

#[test]
fn a_stored_authority_comes_back_and_another_key_does_not_open_it() {
    let stored = SoftwareKey::generate().expect("a key");
    let open = || SoftwareKey::from_pkcs8(&stored).expect("the key");
    let entropy = CountedEntropy::from_seed(1);
    let made = Authority::create(open(), Purpose::Live, now(), &entropy).expect("an authority");
    let certificate = made.certificate().to_vec();
    let back = Authority::open(open(), certificate.clone()).expect("it again");
    assert_eq!(back.short_name(), made.short_name());
    assert_eq!(back.not_after(), at("2051-11-24T09:30:00Z"));
    assert_eq!(
        Authority::open(key(), certificate).err(),
        Some(Error::KeyMismatch)
    );
    let own = key();
    let leaf = made
        .issue_seal(&SUBJECT, own.public_key_info(), URL, now(), &entropy)
        .expect("a certificate");
    assert!(matches!(
        Authority::open(own, leaf.clone()),
        Err(Error::Authority(_))
    ));
    assert_eq!(
        SoftwareSigner::new(key(), leaf, Vec::new()).err(),
        Some(Error::KeyMismatch)
    );
}

#[test]
fn an_authority_is_due_for_renewal_with_less_than_eleven_years_left() {
    let authority = authority(Purpose::Live);
    assert!(!authority.renewal_is_due(at("2040-11-24T09:30:00Z")));
    assert!(authority.renewal_is_due(at("2040-11-24T09:30:01Z")));
}

#[test]
fn a_seal_never_outlives_its_authority() {
    let authority = authority(Purpose::Live);
    let entropy = CountedEntropy::from_seed(3);
    let late = at("2045-01-01T00:00:00Z");
    let made = authority
        .issue_seal(&SUBJECT, key().public_key_info(), URL, late, &entropy)
        .expect("a certificate");
    let made = Certificate::parse(&made).expect("it is one");
    assert_eq!(made.not_after, authority.not_after());
    assert!(matches!(
        authority.issue_seal(
            &SUBJECT,
            key().public_key_info(),
            URL,
            authority.not_after(),
            &entropy
        ),
        Err(Error::Authority(_))
    ));
}

#[test]
fn a_seal_is_issued_anew_when_what_it_says_changes_or_its_end_is_near() {
    let ours = authority(Purpose::Live);
    let made = seal(&ours, &SUBJECT, URL).expect("a certificate");
    let current = |authority: &Authority, subject: &SealSubject<'_>, url: &str, at| {
        authority
            .seal_is_current(&made, subject, url, at)
            .expect("an answer")
    };
    assert!(current(&ours, &SUBJECT, URL, now()));
    assert!(current(&ours, &SUBJECT, "https://sign.example.com/", now()));
    let other_name = SealSubject {
        organisation: "Autre",
        ..SUBJECT
    };
    let no_country = SealSubject {
        country: None,
        ..SUBJECT
    };
    assert!(!current(&ours, &other_name, URL, now()));
    assert!(!current(&ours, &no_country, URL, now()));
    assert!(!current(
        &ours,
        &SUBJECT,
        "https://other.example.com",
        now()
    ));
    assert!(current(&ours, &SUBJECT, URL, at("2035-11-24T09:30:00Z")));
    assert!(!current(&ours, &SUBJECT, URL, at("2035-11-24T09:30:01Z")));
    assert!(!current(&authority(Purpose::Live), &SUBJECT, URL, now()));
}

#[test]
fn a_long_organisation_is_whole_in_o_and_cut_in_cn() {
    let authority = authority(Purpose::Live);
    let long = "Gesellschaft zur Förderung der elektronischen Unterschrift mbH €";
    assert_eq!(long.chars().count(), 64);
    let subject = SealSubject {
        organisation: long,
        country: Some("DE"),
    };
    let made = seal(&authority, &subject, URL).expect("a certificate");
    let made = Certificate::parse(&made).expect("it is one");
    let shown = name::describe(made.subject).expect("a name");
    assert!(shown.contains(&format!("O={long}, C=DE")), "{shown}");
    let common_name = name::common_name(made.subject)
        .expect("a name")
        .expect("a CN");
    assert!(common_name.ends_with("… seal") && common_name.chars().count() <= 64);
}

#[test]
fn addresses_that_no_certificate_may_carry_are_refused() {
    let authority = authority(Purpose::Test);
    let long = format!("https://{}", "a".repeat(600));
    for url in [
        "",
        "sign.example.com",
        "ftp://sign.example.com",
        "https://",
        "https://sign.exämple.com",
        "https://sign.example.com/a b",
        "https://sign.example.com/\n",
        long.as_str(),
    ] {
        assert!(
            matches!(
                seal(&authority, &SUBJECT, url),
                Err(Error::Text {
                    what: "public_url",
                    ..
                })
            ),
            "{url:?}"
        );
    }
    assert!(seal(&authority, &SUBJECT, "http://127.0.0.1:8080").is_ok());
}

#[test]
fn serial_numbers_are_positive_full_and_drawn_anew() {
    let entropy = CountedEntropy::from_seed(0);
    let drawn: std::collections::HashSet<Serial> =
        (0..1000).map(|_| Serial::draw(&entropy)).collect();
    assert_eq!(drawn.len(), 1000);
    for serial in drawn {
        assert!((0x40..0x80).contains(&serial.as_bytes()[0]));
        assert_eq!(Serial::from_bytes(serial.as_bytes()), Some(serial));
    }
    assert_eq!(Serial::from_bytes(&[0x80; 16]), None);
    assert_eq!(Serial::from_bytes(&[0x41; 15]), None);
}

#[test]
fn a_leap_day_ends_on_the_28th() {
    assert_eq!(
        plus_years(at("2028-02-29T12:00:00Z"), 25),
        at("2053-02-28T12:00:00Z")
    );
    assert_eq!(
        plus_years(at("2028-02-29T12:00:00Z"), 4),
        at("2032-02-29T12:00:00Z")
    );
}
