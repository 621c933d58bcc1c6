//! Paths that must be found, and every way in which one must not.

use super::*;
use crate::ambient::CountedEntropy;
use crate::pki::ca::{Body, Purpose, Serial, extension, sign_certificate};
use crate::pki::key::{Signer as _, SoftwareKey};
use crate::pki::name::NameBuilder;
use crate::pki::testing::{Chance, at, authority, key, now, sealed, signer};

fn named(name: &str) -> Vec<u8> {
    NameBuilder::new()
        .common_name(name)
        .expect("a name")
        .build()
}

/// A certificate of any shape, valid from 2020 to 2040.
fn issue(
    issuer: (&SoftwareKey, &str),
    subject: (&SoftwareKey, &str),
    extensions: &[Vec<u8>],
) -> Vec<u8> {
    sign_certificate(
        issuer.0,
        &Body {
            serial: Serial::draw(&CountedEntropy::from_seed(9)),
            issuer: &named(issuer.1),
            subject: &named(subject.1),
            not_before: at("2020-01-01T00:00:00Z"),
            not_after: at("2040-01-01T00:00:00Z"),
            public_key_info: subject.0.public_key_info(),
            extensions,
        },
    )
    .expect("a certificate")
}

fn basic(path_length: Option<u64>) -> Vec<u8> {
    let length = path_length.map(der::integer).unwrap_or_default();
    extension(
        oid::BASIC_CONSTRAINTS,
        true,
        &der::sequence(&[&der::boolean_true(), &length]),
    )
}

fn key_usage(bits: &[u8]) -> Vec<u8> {
    extension(oid::KEY_USAGE, true, &der::named_bits(bits))
}

/// Root, two authorities between, and a signer, whose extensions are given from root to signer.
struct Four {
    root: Vec<u8>,
    between: Vec<Vec<u8>>,
    signer: Vec<u8>,
}

fn four(extensions: [&[Vec<u8>]; 4]) -> Four {
    let keys = [key(), key(), key(), key()];
    Four {
        root: issue((&keys[0], "root"), (&keys[0], "root"), extensions[0]),
        between: vec![
            issue((&keys[1], "upper"), (&keys[2], "lower"), extensions[2]),
            issue((&keys[0], "root"), (&keys[1], "upper"), extensions[1]),
        ],
        signer: issue((&keys[2], "lower"), (&keys[3], "signer"), extensions[3]),
    }
}

impl Four {
    fn find(&self) -> Result<Path, ChainError> {
        find_path(
            &self.signer,
            &self.between,
            std::slice::from_ref(&self.root),
            now(),
        )
    }
}

fn rule(found: Result<Path, ChainError>) -> &'static str {
    match found {
        Err(ChainError::Constraint { rule, .. }) => rule,
        Err(ChainError::Unsupported(what)) => what,
        other => panic!("refused for no rule: {other:?}"),
    }
}

#[test]
fn our_seal_leads_to_our_root() {
    let (authority, signer, _) = sealed();
    let root = authority.certificate().to_vec();
    let path = find_path(
        signer.certificate(),
        &[],
        std::slice::from_ref(&root),
        now(),
    )
    .expect("a path");
    assert_eq!(path.0, [signer.certificate().to_vec(), root.clone()]);
    assert_eq!(path.root(), root);
    assert_eq!(path.issuer(), root);
}

#[test]
fn a_path_goes_over_several_authorities_in_any_order() {
    let ca = [basic(None), key_usage(&[5, 6])];
    let made = four([&ca, &ca, &ca, &[key_usage(&[0])]]);
    let path = made.find().expect("a path");
    assert_eq!(path.0.len(), 4);
    assert_eq!(path.issuer(), made.between[0]);
    assert_eq!(path.root(), made.root);
}

#[test]
fn another_authority_of_the_same_name_is_no_root() {
    let ours = authority(Purpose::Live);
    let signer = signer(&ours);
    let other = authority(Purpose::Live).certificate().to_vec();
    assert_eq!(
        find_path(signer.certificate(), &[], &[other], now()),
        Err(ChainError::NoPath)
    );
    // Same name and no key identifiers: only the signature tells.
    let (one, two, leaf) = (key(), key(), key());
    let signed = issue((&one, "root"), (&leaf, "signer"), &[key_usage(&[0])]);
    let impostor = issue((&two, "root"), (&two, "root"), &[basic(None)]);
    assert_eq!(
        find_path(&signed, &[], &[impostor], now()),
        Err(ChainError::SignatureWrong("CN=signer".to_owned()))
    );
}

#[test]
fn a_root_that_only_came_along_is_not_trusted() {
    let (authority, signer, _) = sealed();
    let came_along = [authority.certificate().to_vec()];
    assert_eq!(
        find_path(signer.certificate(), &came_along, &[], now()),
        Err(ChainError::NoPath)
    );
}

#[test]
fn time_outside_the_validity_is_told_with_its_bound() {
    let (authority, signer, _) = sealed();
    let roots = [authority.certificate().to_vec()];
    let find = |when| find_path(signer.certificate(), &[], &roots, at(when));
    assert!(find("2026-11-24T09:20:00Z").is_ok());
    assert!(find("2036-11-24T09:30:00.999Z").is_ok());
    assert!(matches!(
        find("2026-11-24T09:19:59.999Z"),
        Err(ChainError::NotYetValid { from, .. }) if from == at("2026-11-24T09:20:00Z")
    ));
    assert!(matches!(
        find("2036-11-24T09:30:01Z"),
        Err(ChainError::Expired { at: end, .. }) if end == at("2036-11-24T09:30:00Z")
    ));
}

#[test]
fn an_end_certificate_issues_nothing() {
    let ca = [basic(None), key_usage(&[5, 6])];
    let leaf = [key_usage(&[0])];
    let no_basic = [key_usage(&[5])];
    let made = four([&ca, &ca, &no_basic, &leaf]);
    assert_eq!(rule(made.find()), "it is not an authority's");
    let no_cert_sign = [basic(None), key_usage(&[6])];
    let made = four([&ca, &no_cert_sign, &ca, &leaf]);
    assert_eq!(rule(made.find()), "its key may not sign certificates");
}

#[test]
fn the_path_length_is_kept() {
    let usage = key_usage(&[5, 6]);
    let free = [basic(None), usage.clone()];
    let zero = [basic(Some(0)), usage.clone()];
    let one = [basic(Some(1)), usage.clone()];
    let two = [basic(Some(2)), usage];
    let leaf = [key_usage(&[1])];
    assert!(four([&two, &one, &zero, &leaf]).find().is_ok());
    let expected = "too many authorities stand below it";
    assert_eq!(rule(four([&one, &free, &free, &leaf]).find()), expected);
    assert_eq!(rule(four([&free, &zero, &free, &leaf]).find()), expected);
}

#[test]
fn a_signer_must_be_allowed_to_sign_documents() {
    let ca = [basic(None), key_usage(&[5, 6])];
    let made = four([&ca, &ca, &ca, &[key_usage(&[2])]]);
    assert_eq!(rule(made.find()), "its key may not sign documents");
    let usages = |usage: &str, critical| {
        let usage = ObjectIdentifier::new_unwrap(usage);
        extension(
            oid::EXTENDED_KEY_USAGE,
            critical,
            &der::sequence(&[&der::object_identifier(usage)]),
        )
    };
    let server = "1.3.6.1.5.5.7.3.1";
    let made = four([&ca, &ca, &ca, &[usages(server, true)]]);
    assert_eq!(
        rule(made.find()),
        "its extended usage is another than signing documents"
    );
    assert!(
        four([&ca, &ca, &ca, &[usages(server, false)]])
            .find()
            .is_ok()
    );
    let documents = oid::DOCUMENT_SIGNING.to_string();
    assert!(
        four([&ca, &ca, &ca, &[usages(&documents, true)]])
            .find()
            .is_ok()
    );
}

#[test]
fn what_is_critical_and_unknown_refuses_the_path() {
    let ca = [basic(None), key_usage(&[5, 6])];
    let policy_constraints = extension(
        ObjectIdentifier::new_unwrap("2.5.29.36"),
        true,
        &der::sequence(&[]),
    );
    let made = four([&ca, &ca, &ca, &[policy_constraints]]);
    assert_eq!(rule(made.find()), "an unknown critical extension");
    let constrained = [
        basic(None),
        extension(NAME_CONSTRAINTS, false, &der::sequence(&[])),
    ];
    let made = four([&ca, &constrained, &ca, &[key_usage(&[0])]]);
    assert_eq!(rule(made.find()), "name constraints");
}

#[test]
fn a_valid_path_is_found_beside_an_invalid_one() {
    // The same issuer twice, cross-signed: once as no authority, once as one.
    let (root, middle, leaf) = (key(), key(), key());
    let ca = [basic(None)];
    let trusted = issue((&root, "root"), (&root, "root"), &ca);
    let bad = issue((&root, "root"), (&middle, "middle"), &[key_usage(&[0])]);
    let good = issue((&root, "root"), (&middle, "middle"), &ca);
    let signer = issue((&middle, "middle"), (&leaf, "signer"), &[key_usage(&[0])]);
    for others in [[bad.clone(), good.clone()], [good.clone(), bad.clone()]] {
        let path =
            find_path(&signer, &others, std::slice::from_ref(&trusted), now()).expect("a path");
        assert_eq!(path.issuer(), good);
    }
    assert_eq!(
        rule(find_path(&signer, &[bad], &[trusted], now())),
        "it is not an authority's"
    );
}

#[test]
fn circles_and_long_ladders_end() {
    let (a, b, leaf) = (key(), key(), key());
    let ca = [basic(None)];
    let circle = [
        issue((&a, "a"), (&b, "b"), &ca),
        issue((&b, "b"), (&a, "a"), &ca),
    ];
    let signer = issue((&a, "a"), (&leaf, "signer"), &[key_usage(&[0])]);
    let root = authority(Purpose::Test).certificate().to_vec();
    assert_eq!(
        find_path(&signer, &circle, &[root], now()),
        Err(ChainError::NoPath)
    );
    // Every certificate of the heap issues every other one.
    let heap: Vec<Vec<u8>> = (0..16)
        .map(|n| {
            let pad = extension(oid::POLICIES, false, &der::integer(n));
            issue((&a, "a"), (&a, "a"), &[basic(None), pad])
        })
        .collect();
    assert_eq!(
        find_path(&signer, &heap, &[], now()),
        Err(ChainError::Unsupported(
            "a heap of certificates with the same names"
        ))
    );
}

#[test]
fn a_flipped_byte_in_a_certificate_breaks_the_path() {
    let (authority, signer, _) = sealed();
    let roots = [authority.certificate().to_vec()];
    for index in 0..signer.certificate().len() {
        let mut bent = signer.certificate().to_vec();
        bent[index] ^= 0x01;
        assert!(
            find_path(&bent, &[], &roots, now()).is_err(),
            "byte {index}"
        );
    }
}

#[test]
fn mutated_certificates_never_panic_and_never_lead_anywhere() {
    let (authority, signer, _) = sealed();
    let roots = [authority.certificate().to_vec()];
    let mut chance = Chance::from_seed(11);
    for _ in 0..20_000 {
        let mut bent = signer.certificate().to_vec();
        chance.mutate(&mut bent);
        if bent != signer.certificate() {
            assert!(find_path(&bent, &[], &roots, now()).is_err());
        }
        let mut root = authority.certificate().to_vec();
        chance.mutate(&mut root);
        // Whatever it says, it says it without a panic.
        let _ = Certificate::parse(&root).map(|c| name::describe(c.subject));
    }
}
