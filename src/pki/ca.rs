//! The appliance's own authority: one for tests, one for live use, each a self-signed P-256 root that issues seal certificates and
//! revocation lists.
//!
//! An authority is called by the first eight hex digits of its key's identifier: in its CN (`Paraph CA 1f2e3d4c`) and in the addresses
//! `/pki/1f2e3d4c.crl`, `.cer`, `.pem`, so that a list's address never comes to mean another key's list. Its name holds nothing
//! that changes. Key identifiers are the first 160 bits of SHA-256 over the public key's bits (RFC 7093, method 1).
//!
//! No policy and no QC statement stands anywhere: nothing is claimed.

use crate::ambient::Entropy;
use crate::domain::digest::Digest;
use crate::domain::time::{Civil, Timestamp};
use crate::pki::certificate::Certificate;
use crate::pki::key::SoftwareKey;
use crate::pki::name::{NAME_PART_CHARS_MAX, NameBuilder};
use crate::pki::oid::{self, ObjectIdentifier};
use crate::pki::read::{Malformed, Reader};
use crate::pki::{Error, der};
use std::time::Duration;

/// How long a published revocation list is good for.
pub const CRL_PUBLISHED_FOR: Duration = Duration::from_secs(7 * 24 * 3600);

/// Revoked certificates that one list holds at most.
pub const REVOKED_MAX: usize = 50_000;

/// The longest `public_url` that goes into a certificate, in bytes.
pub const PUBLIC_URL_BYTES_MAX: usize = 512;

const CA_YEARS: i32 = 25;
const SEAL_YEARS: i32 = 10;
/// A new authority is due when the old one has less left: a seal's ten years and one to spare.
const CA_YEARS_LEFT_MIN: i32 = 11;
const SEAL_YEARS_LEFT_MIN: i32 = 1;
/// Validity starts earlier than the issue: a clock or a time-stamp a little behind would else precede the certificate.
const CA_BACKDATED: Duration = Duration::from_secs(24 * 3600);
const SEAL_BACKDATED: Duration = Duration::from_secs(10 * 60);

/// What an authority is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Try-outs: its name tells everybody not to trust it.
    Test,
    /// Real documents.
    Live,
}

/// A certificate's serial number: 16 octets, positive, 126 of its bits random, so it is unique without being counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Serial([u8; 16]);

impl Serial {
    /// Draws a new one.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        let [first, ..] = &mut bytes;
        // Positive, and always of full length.
        *first = (*first & 0x7f) | 0x40;
        Self(bytes)
    }

    /// That of an issued certificate; `None` where it has another form than ours.
    pub fn of(certificate: &Certificate<'_>) -> Option<Self> {
        Self::from_bytes(certificate.serial)
    }

    /// From its 16 octets, as stored; `None` where they are no serial number that [`Serial::draw`] gives.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; 16] = bytes.try_into().ok()?;
        let [first, ..] = bytes;
        (0x40..0x80).contains(&first).then_some(Self(bytes))
    }

    /// The octets, big-endian.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Whose seal a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealSubject<'a> {
    /// The organisation's name, 1 to 64 characters, no control or direction characters.
    pub organisation: &'a str,
    /// ISO 3166-1, two capital letters; left out where none is set.
    pub country: Option<&'a str>,
}

impl SealSubject<'_> {
    /// Name: C, O, CN "{organisation} seal". The CN has 64 characters at most: a long organisation is cut there, never in O.
    fn name(&self) -> Result<Vec<u8>, Error> {
        const SUFFIX: &str = " seal";
        let mut builder = NameBuilder::new();
        if let Some(country) = self.country {
            builder = builder.country(country)?;
        }
        builder = builder.organisation(self.organisation)?;
        let room = NAME_PART_CHARS_MAX.saturating_sub(SUFFIX.len());
        let common_name = if self.organisation.chars().count() <= room {
            format!("{}{SUFFIX}", self.organisation)
        } else {
            let cut: String = self.organisation.chars().take(room - 1).collect();
            format!("{}…{SUFFIX}", cut.trim_end())
        };
        Ok(builder.common_name(&common_name)?.build())
    }
}

/// Why a certificate was revoked (RFC 5280, 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RevocationReason {
    /// No reason is given; nothing is written, as the standard prefers.
    Unspecified,
    /// Somebody else may have the key.
    KeyCompromise,
    /// The organisation's name or the like changed.
    AffiliationChanged,
    /// Another certificate took its place.
    Superseded,
    /// It is no longer needed.
    CessationOfOperation,
}

impl RevocationReason {
    fn code(self) -> Option<u8> {
        match self {
            Self::Unspecified => None,
            Self::KeyCompromise => Some(1),
            Self::AffiliationChanged => Some(3),
            Self::Superseded => Some(4),
            Self::CessationOfOperation => Some(5),
        }
    }
}

/// One line of a revocation list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Which certificate.
    pub serial: Serial,
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub reason: RevocationReason,
}

/// An authority: its key and its self-signed certificate.
#[derive(Debug)]
pub struct Authority {
    key: SoftwareKey,
    certificate: Vec<u8>,
    subject: Vec<u8>,
    key_id: [u8; 20],
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Authority {
    /// Makes the root of `key`: CN from `purpose` and key, 25 years from `now`, valid since a day before; CA with path length 0;
    /// keyCertSign and cRLSign. Store [`Authority::certificate`] and the key: [`Authority::open`] takes them back.
    pub fn create(
        key: SoftwareKey,
        purpose: Purpose,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, Error> {
        let key_id = key_id(key.public_key_info())?;
        let prefix = match purpose {
            Purpose::Test => "Paraph TEST - do not trust",
            Purpose::Live => "Paraph CA",
        };
        let subject = NameBuilder::new()
            .common_name(&format!("{prefix} {}", short_name(&key_id)))?
            .build();
        let basic_constraints = der::sequence(&[&der::boolean_true(), &der::integer(0)]);
        let certificate = sign_certificate(
            &key,
            &Body {
                serial: Serial::draw(entropy),
                issuer: &subject,
                subject: &subject,
                not_before: now.minus(CA_BACKDATED),
                not_after: plus_years(now, CA_YEARS),
                public_key_info: key.public_key_info(),
                extensions: &[
                    extension(oid::BASIC_CONSTRAINTS, true, &basic_constraints),
                    extension(oid::KEY_USAGE, true, &der::named_bits(&[5, 6])),
                    extension(oid::SUBJECT_KEY_ID, false, &der::octet_string(&key_id)),
                    extension(oid::AUTHORITY_KEY_ID, false, &authority_key_id(&key_id)),
                ],
            },
        )?;
        Self::open(key, certificate)
    }

    /// Takes a stored authority back. Refused where the certificate is another key's, is not self-issued, or is no authority's.
    pub fn open(key: SoftwareKey, certificate: Vec<u8>) -> Result<Self, Error> {
        let parsed = Certificate::parse(&certificate)?;
        if parsed.public_key_info != key.public_key_info() {
            return Err(Error::KeyMismatch);
        }
        if parsed.issuer != parsed.subject {
            return Err(Error::Authority("its certificate was issued by another"));
        }
        if !parsed.basic_constraints.is_some_and(|basic| basic.ca) {
            return Err(Error::Authority("its certificate is not an authority's"));
        }
        let (not_before, not_after) = (parsed.not_before, parsed.not_after);
        let subject = parsed.subject.to_vec();
        let key_id = key_id(key.public_key_info())?;
        Ok(Self {
            key,
            certificate,
            subject,
            key_id,
            not_before,
            not_after,
        })
    }

    /// The root certificate, DER.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Eight hex digits of its key: `<ca>` in `/pki/<ca>.crl`, `.cer` and `.pem`.
    pub fn short_name(&self) -> String {
        short_name(&self.key_id)
    }

    /// Whether its certificate holds at `at`.
    pub fn is_valid_at(&self, at: Timestamp) -> bool {
        self.not_before <= at && at <= self.not_after
    }

    /// The last moment of the root certificate.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether less than eleven years are left: time for a new authority, so that no seal outlives its root.
    pub fn renewal_is_due(&self, now: Timestamp) -> bool {
        plus_years(now, CA_YEARS_LEFT_MIN) > self.not_after
    }

    /// Issues a seal certificate for `public_key_info` (a SubjectPublicKeyInfo): ten years from `now` (never past the authority's own end), valid since ten
    /// minutes before; digitalSignature and nonRepudiation; documentSigning; its list and issuer at `public_url`, the base
    /// address of this appliance.
    ///
    /// Gives the certificate's DER. Errors: [`Error::Text`] for a name, country or address that no certificate may carry;
    /// [`Error::Authority`] outside the authority's validity.
    pub fn issue_seal(
        &self,
        subject: &SealSubject<'_>,
        public_key_info: &[u8],
        public_url: &str,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, Error> {
        if now < self.not_before || now >= self.not_after {
            return Err(Error::Authority("now is outside its validity"));
        }
        let subject = subject.name()?;
        let (crl_points, authority_info) = self.addresses(public_url)?;
        let usages = der::sequence(&[&der::object_identifier(oid::DOCUMENT_SIGNING)]);
        sign_certificate(
            &self.key,
            &Body {
                serial: Serial::draw(entropy),
                issuer: &self.subject,
                subject: &subject,
                not_before: now.minus(SEAL_BACKDATED).max(self.not_before),
                not_after: plus_years(now, SEAL_YEARS).min(self.not_after),
                public_key_info,
                extensions: &[
                    extension(oid::KEY_USAGE, true, &der::named_bits(&[0, 1])),
                    extension(oid::EXTENDED_KEY_USAGE, false, &usages),
                    extension(
                        oid::SUBJECT_KEY_ID,
                        false,
                        &der::octet_string(&key_id(public_key_info)?),
                    ),
                    extension(
                        oid::AUTHORITY_KEY_ID,
                        false,
                        &authority_key_id(&self.key_id),
                    ),
                    extension(oid::CRL_POINTS, false, &crl_points),
                    extension(oid::AUTHORITY_INFO, false, &authority_info),
                ],
            },
        )
    }

    /// Whether a stored seal `certificate` still says what one issued now would: same issuer, name, country and addresses, and a year
    /// or more left. `false` means: issue anew.
    pub fn seal_is_current(
        &self,
        certificate: &[u8],
        subject: &SealSubject<'_>,
        public_url: &str,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let stored = Certificate::parse(certificate)?;
        let (crl_points, authority_info) = self.addresses(public_url)?;
        let says = |oid, value: &[u8]| stored.extension(oid).is_some_and(|e| e.value == value);
        Ok(stored.issuer == self.subject
            && stored.authority_key_id == Some(&self.key_id[..])
            && stored.subject == subject.name()?
            && says(oid::CRL_POINTS, &crl_points)
            && says(oid::AUTHORITY_INFO, &authority_info)
            && stored.not_before <= now
            && plus_years(now, SEAL_YEARS_LEFT_MIN) <= stored.not_after)
    }

    /// Signs a full revocation list (version 2) with the list `number`, which must grow from list to list; good from `now` for
    /// `valid_for` (published lists: [`CRL_PUBLISHED_FOR`]), never past the authority's own end. At most [`REVOKED_MAX`] lines.
    pub fn revocation_list(
        &self,
        number: u64,
        revoked: &[Revoked],
        now: Timestamp,
        valid_for: Duration,
    ) -> Result<Vec<u8>, Error> {
        if now < self.not_before || now >= self.not_after {
            return Err(Error::Authority("now is outside its validity"));
        }
        if revoked.len() > REVOKED_MAX {
            return Err(Error::NotAvailable(
                "more than 50,000 revoked certificates in one list",
            ));
        }
        let lines: Vec<Vec<u8>> = revoked.iter().map(revoked_line).collect();
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let algorithm = self.key.algorithm().signature_identifier();
        let extensions = der::sequence(&[
            &extension(
                oid::AUTHORITY_KEY_ID,
                false,
                &authority_key_id(&self.key_id),
            ),
            &extension(oid::CRL_NUMBER, false, &der::integer(number)),
        ]);
        // RFC 5280, 5.1.2.6: no line, no list of lines.
        let list = if lines.is_empty() {
            Vec::new()
        } else {
            der::sequence(&lines)
        };
        let body = der::sequence(&[
            &der::integer(1),
            &algorithm,
            &self.subject,
            &der::time(now),
            &der::time(now.plus(valid_for).min(self.not_after)),
            &list,
            &der::tlv(der::constructed(0), &[&extensions]),
        ]);
        let signature = self.key.sign(&body)?;
        Ok(der::sequence(&[
            &body,
            &algorithm,
            &der::bit_string(&signature),
        ]))
    }

    /// The contents of cRLDistributionPoints and authorityInfoAccess for certificates issued here.
    fn addresses(&self, public_url: &str) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let base = public_url.trim_end_matches('/');
        check_url(base)?;
        let address = |ending: &str| {
            let url = format!("{base}/pki/{}.{ending}", self.short_name());
            // GeneralName: uniformResourceIdentifier [6] IMPLICIT IA5String.
            der::tlv(der::primitive(6), &[url.as_bytes()])
        };
        // DistributionPoint: distributionPoint [0] EXPLICIT (a CHOICE) of fullName [0] IMPLICIT GeneralNames.
        let full_name = der::tlv(der::constructed(0), &[&address("crl")]);
        let point = der::sequence(&[&der::tlv(der::constructed(0), &[&full_name])]);
        let description =
            der::sequence(&[&der::object_identifier(oid::CA_ISSUERS), &address("cer")]);
        Ok((der::sequence(&[&point]), der::sequence(&[&description])))
    }
}

/// The parts of a certificate that its kind decides.
pub(super) struct Body<'a> {
    pub(super) serial: Serial,
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    pub(super) public_key_info: &'a [u8],
    pub(super) extensions: &'a [Vec<u8>],
}

pub(super) fn sign_certificate(issuer: &SoftwareKey, body: &Body<'_>) -> Result<Vec<u8>, Error> {
    let algorithm = issuer.algorithm().signature_identifier();
    let extensions: Vec<&[u8]> = body.extensions.iter().map(Vec::as_slice).collect();
    let tbs = der::sequence(&[
        // version v3
        &der::tlv(der::constructed(0), &[&der::integer(2)]),
        &der::unsigned(body.serial.as_bytes()),
        &algorithm,
        body.issuer,
        &der::sequence(&[&der::time(body.not_before), &der::time(body.not_after)]),
        body.subject,
        body.public_key_info,
        &der::tlv(der::constructed(3), &[&der::sequence(&extensions)]),
    ]);
    let signature = issuer.sign(&tbs)?;
    Ok(der::sequence(&[
        &tbs,
        &algorithm,
        &der::bit_string(&signature),
    ]))
}

fn revoked_line(revoked: &Revoked) -> Vec<u8> {
    let reason = match revoked.reason.code() {
        None => Vec::new(),
        Some(code) => der::sequence(&[&extension(
            oid::CRL_REASON,
            false,
            &der::tlv(der::ENUMERATED, &[&[code]]),
        )]),
    };
    der::sequence(&[
        &der::unsigned(revoked.serial.as_bytes()),
        &der::time(revoked.at),
        &reason,
    ])
}

pub(super) fn extension(oid: ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical {
        der::boolean_true()
    } else {
        Vec::new()
    };
    der::sequence(&[
        &der::object_identifier(oid),
        &critical,
        &der::octet_string(value),
    ])
}

fn authority_key_id(key_id: &[u8; 20]) -> Vec<u8> {
    der::sequence(&[&der::tlv(der::primitive(0), &[key_id])])
}

/// RFC 7093, method 1: the first 160 bits of SHA-256 over the BIT STRING's contents, without its count of unused bits.
fn key_id(public_key_info: &[u8]) -> Result<[u8; 20], Malformed> {
    let mut r = Reader::whole(public_key_info, der::SEQUENCE, "public key")?;
    r.algorithm()?;
    let key = r.bit_string()?;
    r.finish()?;
    let mut id = [0; 20];
    for (to, from) in id.iter_mut().zip(Digest::of(key).as_bytes()) {
        *to = *from;
    }
    Ok(id)
}

/// `<ca>` in `/pki/<ca>.crl` of an authority's certificate: [`Authority::short_name`] without its key.
pub fn published_name(certificate: &Certificate<'_>) -> Result<String, Malformed> {
    Ok(short_name(&key_id(certificate.public_key_info)?))
}

fn short_name(key_id: &[u8; 20]) -> String {
    key_id.iter().take(4).map(|b| format!("{b:02x}")).collect()
}

/// The same day and time `years` later; 29 February becomes the 28th where there is none. Held inside year 9999.
fn plus_years(at: Timestamp, years: i32) -> Timestamp {
    let c = at.civil();
    let year = (c.year + years).min(9999);
    let later = Timestamp::from_civil(Civil { year, ..c });
    later
        .or_else(|| Timestamp::from_civil(Civil { year, day: 28, ..c }))
        .unwrap_or(at)
}

fn check_url(base: &str) -> Result<(), Error> {
    let refuse = |why| {
        Err(Error::Text {
            what: "public_url",
            why,
        })
    };
    let host = base
        .strip_prefix("https://")
        .or_else(|| base.strip_prefix("http://"));
    match host {
        None | Some("") => return refuse("it does not start with http:// or https:// and a host"),
        Some(_) => {}
    }
    if base.len() > PUBLIC_URL_BYTES_MAX {
        return refuse("it is longer than 512 bytes");
    }
    if !base.bytes().all(|b| b.is_ascii_graphic()) {
        return refuse("only ASCII without blanks may stand there");
    }
    Ok(())
}

#[cfg(test)]
#[path = "ca_tests.rs"]
mod tests;
