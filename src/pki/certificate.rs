//! A view of an X.509 certificate (RFC 5280) over its own bytes.

use crate::domain::time::Timestamp;
use crate::pki::der;
use crate::pki::oid::{self, ObjectIdentifier};
use crate::pki::read::{Algorithm, Malformed, Reader};

/// The largest certificate that is read, in bytes. Qualified ones have 2 to 4 KB.
pub const CERTIFICATE_BYTES_MAX: usize = 32 * 1024;

/// Extensions of one certificate or list that are read; more is malformed.
pub const EXTENSIONS_MAX: usize = 64;

const WHAT: &str = "certificate";

/// keyUsage bits (RFC 5280, 4.2.1.3), as [`Reader::named_bits`] gives them.
pub mod usage {
    /// digitalSignature.
    pub const DIGITAL_SIGNATURE: u16 = 0x8000;
    /// nonRepudiation, contentCommitment.
    pub const NON_REPUDIATION: u16 = 0x4000;
    /// keyCertSign.
    pub const KEY_CERT_SIGN: u16 = 0x0400;
    /// cRLSign.
    pub const CRL_SIGN: u16 = 0x0200;
}

/// A certificate taken apart; all slices point into the bytes that it was parsed from.
#[derive(Clone, Debug)]
pub struct Certificate<'a> {
    /// The whole certificate.
    pub der: &'a [u8],
    /// What the issuer signed, a whole TLV.
    pub tbs: &'a [u8],
    /// How the issuer signed.
    pub signature_algorithm: Algorithm<'a>,
    /// The issuer's signature value.
    pub signature: &'a [u8],
    /// The serial number's contents octets, shortest two's complement.
    pub serial: &'a [u8],
    /// The issuer's Name, a whole TLV.
    pub issuer: &'a [u8],
    /// The subject's Name, a whole TLV.
    pub subject: &'a [u8],
    /// First moment of validity.
    pub not_before: Timestamp,
    /// Last moment of validity, inclusive.
    pub not_after: Timestamp,
    /// SubjectPublicKeyInfo, a whole TLV.
    pub public_key_info: &'a [u8],
    /// basicConstraints.
    pub basic_constraints: Option<BasicConstraints>,
    /// keyUsage bits, see [`usage`].
    pub key_usage: Option<u16>,
    /// subjectKeyIdentifier.
    pub subject_key_id: Option<&'a [u8]>,
    /// authorityKeyIdentifier's keyIdentifier.
    pub authority_key_id: Option<&'a [u8]>,
    /// All extensions, in their order.
    pub extensions: Vec<Extension<'a>>,
}

/// basicConstraints (RFC 5280, 4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the subject is an authority.
    pub ca: bool,
    /// How many authorities may stand between it and an end certificate.
    pub path_length: Option<u32>,
}

/// One extension.
#[derive(Clone, Copy, Debug)]
pub struct Extension<'a> {
    /// Which.
    pub oid: ObjectIdentifier,
    /// Whether who doesn't understand it must refuse.
    pub critical: bool,
    /// The DER inside its OCTET STRING.
    pub value: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Takes `bytes` apart: exactly one certificate, at most [`CERTIFICATE_BYTES_MAX`], nothing after it, both algorithm fields alike, no
    /// extension twice. Signature and validity are not judged here.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.len() > CERTIFICATE_BYTES_MAX {
            return Err(Malformed(WHAT));
        }
        let mut outer = Reader::whole(bytes, der::SEQUENCE, WHAT)?;
        let tbs = outer.expect(der::SEQUENCE)?;
        let signature_algorithm = outer.algorithm()?;
        let signature = outer.bit_string()?;
        outer.finish()?;

        let mut r = Reader::new(tbs.contents, WHAT);
        let version = match r.optional(der::constructed(0))? {
            Some(value) => {
                let mut inner = Reader::new(value.contents, WHAT);
                let version = inner.small_integer()?;
                inner.finish()?;
                version
            }
            None => 0,
        };
        let serial = r.integer()?;
        let inner_algorithm = r.algorithm()?;
        let issuer = r.expect(der::SEQUENCE)?.whole;
        let mut validity = r.enter(der::SEQUENCE)?;
        let not_before = validity.time()?;
        let not_after = validity.time()?;
        validity.finish()?;
        let subject = r.expect(der::SEQUENCE)?.whole;
        let public_key_info = r.expect(der::SEQUENCE)?.whole;
        r.optional(der::primitive(1))?;
        r.optional(der::primitive(2))?;
        let extensions = match r.optional(der::constructed(3))? {
            Some(value) if version == 2 => {
                let mut list = Reader::new(value.contents, WHAT);
                let extensions = extensions(&mut list)?;
                list.finish()?;
                extensions
            }
            Some(_) => return Err(Malformed(WHAT)),
            None => Vec::new(),
        };
        r.finish()?;
        // 20 octets (RFC 5280, 4.1.2.2) and the sign's zero.
        if version > 2 || serial.len() > 21 || inner_algorithm.whole != signature_algorithm.whole {
            return Err(Malformed(WHAT));
        }

        let mut certificate = Self {
            der: bytes,
            tbs: tbs.whole,
            signature_algorithm,
            signature,
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            public_key_info,
            basic_constraints: None,
            key_usage: None,
            subject_key_id: None,
            authority_key_id: None,
            extensions,
        };
        certificate.read_extensions()?;
        Ok(certificate)
    }

    /// The value of one extension.
    pub fn extension(&self, oid: ObjectIdentifier) -> Option<Extension<'a>> {
        self.extensions
            .iter()
            .find(|extension| extension.oid == oid)
            .copied()
    }

    /// Whether `at` lies in the validity, both ends included.
    pub fn is_valid_at(&self, at: Timestamp) -> bool {
        // The last second counts to its end: times in certificates have whole seconds.
        self.not_before <= at && at.as_seconds() <= self.not_after.as_seconds()
    }

    fn read_extensions(&mut self) -> Result<(), Malformed> {
        for extension in &self.extensions {
            let mut r = Reader::new(extension.value, WHAT);
            match extension.oid {
                oid::BASIC_CONSTRAINTS => {
                    r = Reader::whole(extension.value, der::SEQUENCE, WHAT)?;
                    let ca = r.flag()?;
                    let path_length = if r.is_empty() {
                        None
                    } else {
                        Some(r.small_integer()?)
                    };
                    self.basic_constraints = Some(BasicConstraints { ca, path_length });
                }
                oid::KEY_USAGE => self.key_usage = Some(r.named_bits()?),
                oid::SUBJECT_KEY_ID => {
                    self.subject_key_id = Some(r.expect(der::OCTET_STRING)?.contents);
                }
                oid::AUTHORITY_KEY_ID => {
                    self.authority_key_id = authority_key_id(extension.value)?;
                    continue;
                }
                _ => continue,
            }
            r.finish()?;
        }
        Ok(())
    }
}

/// The keyIdentifier of an authorityKeyIdentifier extension (RFC 5280, 4.2.1.1).
pub(super) fn authority_key_id(value: &[u8]) -> Result<Option<&[u8]>, Malformed> {
    let mut r = Reader::whole(value, der::SEQUENCE, "authority key identifier")?;
    let key_id = r.optional(der::primitive(0))?.map(|value| value.contents);
    r.optional(der::constructed(1))?;
    r.optional(der::primitive(2))?;
    r.finish()?;
    Ok(key_id)
}

/// Extensions ::= SEQUENCE OF Extension: at least one, at most [`EXTENSIONS_MAX`], none twice.
pub(super) fn extensions<'a>(r: &mut Reader<'a>) -> Result<Vec<Extension<'a>>, Malformed> {
    let mut list = r.enter(der::SEQUENCE)?;
    let mut found: Vec<Extension<'a>> = Vec::new();
    while !list.is_empty() {
        let mut item = list.enter(der::SEQUENCE)?;
        let oid = item.object_identifier()?;
        let critical = item.flag()?;
        let value = item.expect(der::OCTET_STRING)?.contents;
        item.finish()?;
        if found.len() == EXTENSIONS_MAX || found.iter().any(|seen| seen.oid == oid) {
            return Err(list.malformed());
        }
        found.push(Extension {
            oid,
            critical,
            value,
        });
    }
    if found.is_empty() {
        return Err(list.malformed());
    }
    Ok(found)
}
