//! Lists that answer, and lists that must not be believed.

use super::*;
use crate::pki::ca::{Authority, CRL_PUBLISHED_FOR, Purpose, RevocationReason, Revoked, Serial};
use crate::pki::key::Signer as _;
use crate::pki::testing::{Chance, at, authority, now, sealed, signer};

fn revoke(certificate: &[u8], reason: RevocationReason) -> Revoked {
    let serial = Certificate::parse(certificate)
        .ok()
        .and_then(|c| Serial::of(&c))
        .expect("a serial number of ours");
    Revoked {
        serial,
        at: now(),
        reason,
    }
}

fn list(authority: &Authority, lines: &[Revoked]) -> Vec<u8> {
    authority
        .revocation_list(1, lines, now(), CRL_PUBLISHED_FOR)
        .expect("a list")
}

#[test]
fn a_list_tells_the_revoked_from_the_good() {
    let authority = authority(Purpose::Live);
    let (one, two) = (signer(&authority), key_of(&authority, 500));
    let root = authority.certificate();
    for (reason, code) in [
        (RevocationReason::Unspecified, None),
        (RevocationReason::KeyCompromise, Some(1)),
        (RevocationReason::AffiliationChanged, Some(3)),
        (RevocationReason::Superseded, Some(4)),
        (RevocationReason::CessationOfOperation, Some(5)),
    ] {
        let list = list(&authority, &[revoke(one.certificate(), reason)]);
        assert_eq!(
            status(one.certificate(), root, &list, now()),
            Ok(Status::Revoked {
                since: now(),
                reason: code
            })
        );
        assert_eq!(status(&two, root, &list, now()), Ok(Status::Good));
    }
    let empty = list(&authority, &[]);
    assert_eq!(
        status(one.certificate(), root, &empty, now()),
        Ok(Status::Good)
    );
}

/// Another seal certificate of `authority`, with a serial number of its own.
fn key_of(authority: &Authority, seed: u64) -> Vec<u8> {
    authority
        .issue_seal(
            &crate::pki::testing::SUBJECT,
            crate::pki::testing::key().public_key_info(),
            crate::pki::testing::URL,
            now(),
            &crate::ambient::CountedEntropy::from_seed(seed),
        )
        .expect("a certificate")
}

#[test]
fn a_list_of_another_time_is_not_believed() {
    let (authority, signer, _) = sealed();
    let list = list(&authority, &[]);
    let ask = |when| {
        status(
            signer.certificate(),
            authority.certificate(),
            &list,
            at(when),
        )
    };
    assert_eq!(ask("2026-12-01T09:30:00Z"), Ok(Status::Good));
    for when in ["2026-12-01T09:30:01Z", "2026-11-24T09:29:59Z"] {
        assert_eq!(
            ask(when),
            Err(RevocationError::NotCurrent {
                from: now(),
                to: at("2026-12-01T09:30:00Z")
            })
        );
    }
}

#[test]
fn a_list_by_another_authority_is_not_believed() {
    let (authority, signer, _) = sealed();
    let other = crate::pki::testing::authority(Purpose::Test);
    assert_eq!(
        status(
            signer.certificate(),
            authority.certificate(),
            &list(&other, &[]),
            now()
        ),
        Err(RevocationError::OtherIssuer)
    );
    assert_eq!(
        status(
            signer.certificate(),
            other.certificate(),
            &list(&other, &[]),
            now()
        ),
        Err(RevocationError::OtherIssuer)
    );
}

#[test]
fn a_list_ends_with_its_authority() {
    let authority = authority(Purpose::Live);
    let late = at("2051-11-24T00:00:00Z");
    let list = authority
        .revocation_list(9, &[], late, CRL_PUBLISHED_FOR)
        .expect("a list");
    let parsed = List::parse(&list).map(|list| list.next_update);
    assert_eq!(parsed, Ok(authority.not_after()));
}

#[test]
fn every_flipped_byte_of_a_list_is_noticed() {
    let (authority, signer, _) = sealed();
    let good = list(
        &authority,
        &[revoke(signer.certificate(), RevocationReason::Superseded)],
    );
    for index in 0..good.len() {
        let mut bent = good.clone();
        bent[index] ^= 0x01;
        assert!(
            status(signer.certificate(), authority.certificate(), &bent, now()).is_err(),
            "byte {index}"
        );
    }
}

#[test]
fn mutated_lists_never_panic_and_never_answer() {
    let (authority, signer, _) = sealed();
    let good = list(
        &authority,
        &[revoke(
            signer.certificate(),
            RevocationReason::KeyCompromise,
        )],
    );
    let mut chance = Chance::from_seed(17);
    for _ in 0..20_000 {
        let mut bent = good.clone();
        chance.mutate(&mut bent);
        if bent != good {
            assert!(status(signer.certificate(), authority.certificate(), &bent, now()).is_err());
        }
    }
}
