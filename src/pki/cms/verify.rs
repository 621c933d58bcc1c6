//! Judges the signature value of a PDF from its bytes.

use crate::domain::digest::Digest;
use crate::pki::certificate::{CERTIFICATE_BYTES_MAX, Certificate};
use crate::pki::cms::{ATTRIBUTES_MAX, CERTIFICATES_MAX, CMS_BYTES_MAX};
use crate::pki::oid::{self, ObjectIdentifier};
use crate::pki::public_key::{self, Hash, Rejected};
use crate::pki::read::{self, Malformed, Reader, Value};
use crate::pki::{der, name};

/// Why a CMS is not a valid signature of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is not the DER that it should be, or larger than is read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It is well-formed but of a kind that is not judged here.
    #[error("not judged here: {0}")]
    Unsupported(&'static str),
    /// It breaks a rule of CMS or PAdES; says which.
    #[error("{0}")]
    Rule(&'static str),
    /// The content was changed, or the signature is of another content.
    #[error("the content's digest is not the signed one")]
    DigestDiffers,
    /// No certificate in it has the issuer and serial number that the signature names.
    #[error("the signer's certificate is missing")]
    CertificateMissing,
    /// signing-certificate-v2 is of another certificate: somebody swapped it.
    #[error("the certificate is not the one that was signed with")]
    CertificateSwapped,
    /// The signature value is not that key's over those attributes.
    #[error("the signature value is wrong")]
    SignatureWrong,
}

/// A signature that holds: its value fits the signer's key, the signed attributes and the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// The signer's certificate, DER.
    pub certificate: Vec<u8>,
    /// The other certificates that came along, DER, in no order: candidates for the path, nothing more.
    pub others: Vec<Vec<u8>>,
    /// The signer's name, for people.
    pub subject: String,
    /// The signer's common name, for people.
    pub common_name: Option<String>,
    /// The issuer's name, for people.
    pub issuer: String,
    /// The serial number's contents octets.
    pub serial: Vec<u8>,
    /// The signature value: what a signature time-stamp is made over.
    pub signature_value: Vec<u8>,
}

/// Takes the zeros off that fill up a PDF's `/Contents`: exactly one DER value, then nothing but zeros.
pub fn without_padding(contents: &[u8]) -> Result<&[u8], Malformed> {
    const ERROR: Malformed = Malformed("signature contents");
    let value = read::first_value(contents).ok_or(ERROR)?;
    let padding = contents.get(value.whole.len()..).ok_or(ERROR)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(ERROR);
    }
    Ok(value.whole)
}

/// Judges `cms`, the DER of a ContentInfo without anything after it, over content with this SHA-256 `digest`.
///
/// Demanded: SignedData, detached, exactly one SignerInfo by issuer and serial; signed attributes in DER order, none
/// twice, among them content-type (id-data), message-digest (this one) and signing-certificate-v2 of the very certificate; a signature value
/// that the certificate's key made over them: ECDSA P-256 or P-384, RSA from 2048 bits (PKCS#1 v1.5 or PSS). Unsigned
/// attributes are read and left alone. Says nothing on trust.
pub fn verify_detached(cms: &[u8], digest: &[u8; 32]) -> Result<VerifiedSignature, VerifyError> {
    let message = Message::parse(cms)?;
    let signer = message.signer()?;
    let attributes = SignedAttributes::parse(message.signed_attributes)?;

    if attributes.message_digest != digest {
        return Err(VerifyError::DigestDiffers);
    }
    check_signing_certificate(attributes.signing_certificate, &signer)?;
    // RFC 5652, 5.4: signed as SET OF, though they stand under [0] IMPLICIT.
    let signed = der::tlv(der::SET, &[message.signed_attributes]);
    public_key::verify_cms(
        signer.public_key_info,
        &message.signature_algorithm,
        Hash::Sha256,
        &signed,
        message.signature_value,
    )
    .map_err(|rejected| match rejected {
        Rejected::Unsupported(what) => VerifyError::Unsupported(what),
        Rejected::Wrong => VerifyError::SignatureWrong,
    })?;

    Ok(VerifiedSignature {
        certificate: signer.der.to_vec(),
        others: message
            .certificates
            .iter()
            .filter(|der| **der != signer.der)
            .map(|der| der.to_vec())
            .collect(),
        subject: name::describe(signer.subject)?,
        common_name: name::common_name(signer.subject)?,
        issuer: name::describe(signer.issuer)?,
        serial: signer.serial.to_vec(),
        signature_value: message.signature_value.to_vec(),
    })
}

/// A SignedData with one SignerInfo, taken apart.
struct Message<'a> {
    certificates: Vec<&'a [u8]>,
    issuer: &'a [u8],
    serial: &'a [u8],
    /// Contents octets of `[0] IMPLICIT SET OF Attribute`.
    signed_attributes: &'a [u8],
    signature_algorithm: read::Algorithm<'a>,
    signature_value: &'a [u8],
}

impl<'a> Message<'a> {
    fn parse(cms: &'a [u8]) -> Result<Self, VerifyError> {
        const WHAT: &str = "CMS";
        if cms.len() > CMS_BYTES_MAX {
            return Err(Malformed(WHAT).into());
        }
        let mut content_info = Reader::whole(cms, der::SEQUENCE, WHAT)?;
        if content_info.object_identifier()? != oid::SIGNED_DATA {
            return Err(VerifyError::Unsupported("a CMS other than SignedData"));
        }
        let mut explicit = content_info.enter(der::constructed(0))?;
        content_info.finish()?;
        let mut signed_data = explicit.enter(der::SEQUENCE)?;
        explicit.finish()?;

        let version = signed_data.small_integer()?;
        let mut digest_algorithms = signed_data.enter(der::SET)?;
        let digest_algorithm = digest_algorithms.algorithm()?;
        digest_algorithms.finish()?;
        let mut content = signed_data.enter(der::SEQUENCE)?;
        if content.object_identifier()? != oid::DATA {
            return Err(VerifyError::Unsupported("signed content other than data"));
        }
        if !content.is_empty() {
            return Err(VerifyError::Rule("the signature is not detached"));
        }
        let certificates = match signed_data.optional(der::constructed(0))? {
            Some(set) => certificates(set)?,
            None => Vec::new(),
        };
        // Revocation data may ride along; it proves nothing before it is judged by itself.
        signed_data.optional(der::constructed(1))?;
        let mut signer_infos = signed_data.enter(der::SET)?;
        signed_data.finish()?;
        let mut signer_info = signer_infos.enter(der::SEQUENCE)?;
        if !signer_infos.is_empty() {
            return Err(VerifyError::Rule("there is more than one signer"));
        }

        // Version 1: plain certificates, content data, signer by issuer and serial (RFC 5652, 5.1 and 5.3).
        if version != 1 || signer_info.small_integer()? != 1 {
            return Err(VerifyError::Unsupported("a CMS version other than 1"));
        }
        let mut identifier = signer_info.enter(der::SEQUENCE)?;
        let issuer = identifier.expect(der::SEQUENCE)?.whole;
        let serial = identifier.integer()?;
        identifier.finish()?;
        let signer_digest_algorithm = signer_info.algorithm()?;
        if signer_digest_algorithm.oid != digest_algorithm.oid {
            return Err(VerifyError::Rule("the digest algorithms differ"));
        }
        if digest_algorithm.oid != oid::SHA256
            || !digest_algorithm.has_no_parameters()
            || !signer_digest_algorithm.has_no_parameters()
        {
            return Err(VerifyError::Unsupported("a digest other than SHA-256"));
        }
        let Some(signed_attributes) = signer_info.optional(der::constructed(0))? else {
            return Err(VerifyError::Rule("there are no signed attributes"));
        };
        let signature_algorithm = signer_info.algorithm()?;
        let signature_value = signer_info.expect(der::OCTET_STRING)?.contents;
        if let Some(unsigned) = signer_info.optional(der::constructed(1))? {
            attributes(unsigned.contents, "unsigned attributes")?;
        }
        signer_info.finish()?;
        Ok(Self {
            certificates,
            issuer,
            serial,
            signed_attributes: signed_attributes.contents,
            signature_algorithm,
            signature_value,
        })
    }

    /// The certificate that the SignerInfo names; there must be one only.
    fn signer(&self) -> Result<Certificate<'a>, VerifyError> {
        let mut found = None;
        for der in &self.certificates {
            // Strangers' certificates that don't parse are no reason to refuse; the signer's is needed whole.
            let Ok(certificate) = Certificate::parse(der) else {
                continue;
            };
            if certificate.issuer == self.issuer && certificate.serial == self.serial {
                if found.is_some() {
                    return Err(VerifyError::Rule(
                        "two certificates claim to be the signer's",
                    ));
                }
                found = Some(certificate);
            }
        }
        found.ok_or(VerifyError::CertificateMissing)
    }
}

/// CertificateSet: plain certificates only, none twice.
fn certificates<'a>(set: Value<'a>) -> Result<Vec<&'a [u8]>, VerifyError> {
    let mut r = Reader::new(set.contents, "CMS certificates");
    let mut found = Vec::new();
    while !r.is_empty() {
        let certificate = r.expect(der::SEQUENCE)?.whole;
        if found.len() == CERTIFICATES_MAX
            || certificate.len() > CERTIFICATE_BYTES_MAX
            || found.contains(&certificate)
        {
            return Err(r.malformed().into());
        }
        found.push(certificate);
    }
    Ok(found)
}

/// What the signed attributes say.
struct SignedAttributes<'a> {
    message_digest: &'a [u8],
    signing_certificate: Value<'a>,
}

impl<'a> SignedAttributes<'a> {
    fn parse(contents: &'a [u8]) -> Result<Self, VerifyError> {
        let found = attributes(contents, "signed attributes")?;
        // X.690 11.6; no attribute is another's prefix, so plain comparison is its order. Equal neighbours are doubles.
        let sorted = found
            .iter()
            .zip(found.iter().skip(1))
            .all(|(one, next)| one.whole < next.whole);
        if !sorted {
            return Err(VerifyError::Rule(
                "the signed attributes are not in DER order",
            ));
        }
        let only = |kind: ObjectIdentifier| {
            let mut of_kind = found.iter().filter(|attribute| attribute.kind == kind);
            match (of_kind.next(), of_kind.next()) {
                (Some(attribute), None) => attribute.only_value(),
                _ => Err(VerifyError::Rule(
                    "content-type, message-digest and signing-certificate-v2 must stand there once each",
                )),
            }
        };
        let content_type = only(oid::CONTENT_TYPE)?;
        if content_type.whole != der::object_identifier(oid::DATA) {
            return Err(VerifyError::Rule("the signed content type is not data"));
        }
        let message_digest = only(oid::MESSAGE_DIGEST)?;
        if message_digest.tag != der::OCTET_STRING {
            return Err(Malformed("message-digest").into());
        }
        Ok(Self {
            message_digest: message_digest.contents,
            signing_certificate: only(oid::SIGNING_CERTIFICATE_V2)?,
        })
    }
}

/// Attribute ::= SEQUENCE { type, SET OF values }.
struct Attribute<'a> {
    kind: ObjectIdentifier,
    values: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Attribute<'a> {
    fn only_value(&self) -> Result<Value<'a>, VerifyError> {
        let mut r = Reader::new(self.values, "attribute");
        let value = r.value()?;
        if !r.is_empty() {
            return Err(VerifyError::Rule("a signed attribute has several values"));
        }
        Ok(value)
    }
}

fn attributes<'a>(contents: &'a [u8], what: &'static str) -> Result<Vec<Attribute<'a>>, Malformed> {
    let mut r = Reader::new(contents, what);
    let mut found = Vec::new();
    while !r.is_empty() {
        let value = r.expect(der::SEQUENCE)?;
        let mut inner = Reader::new(value.contents, what);
        let kind = inner.object_identifier()?;
        let values = inner.expect(der::SET)?.contents;
        inner.finish()?;
        if found.len() == ATTRIBUTES_MAX {
            return Err(r.malformed());
        }
        found.push(Attribute {
            kind,
            values,
            whole: value.whole,
        });
    }
    Ok(found)
}

/// RFC 5035: the first ESSCertIDv2 is the signer's; its hash, and issuer and serial where given, must be those of `signer`.
fn check_signing_certificate(
    value: Value<'_>,
    signer: &Certificate<'_>,
) -> Result<(), VerifyError> {
    const WHAT: &str = "signing-certificate-v2";
    let mut signing_certificate = Reader::whole(value.whole, der::SEQUENCE, WHAT)?;
    let mut ids = signing_certificate.enter(der::SEQUENCE)?;
    let mut id = ids.enter(der::SEQUENCE)?;
    let hash = match id.optional(der::SEQUENCE)? {
        None => Hash::Sha256,
        Some(algorithm) => {
            let algorithm = Reader::new(algorithm.whole, WHAT).algorithm()?;
            Hash::from_identifier(&algorithm).ok_or(VerifyError::Unsupported(
                "a certificate hash other than SHA-2",
            ))?
        }
    };
    let hashed = id.expect(der::OCTET_STRING)?.contents;
    let matches = match hash {
        Hash::Sha256 => hashed == Digest::of(signer.der).as_bytes(),
        other => hashed == other.digest(signer.der).as_ref(),
    };
    if !matches {
        return Err(VerifyError::CertificateSwapped);
    }
    if let Some(issuer_serial) = id.optional(der::SEQUENCE)? {
        let mut r = Reader::new(issuer_serial.contents, WHAT);
        let mut names = r.enter(der::SEQUENCE)?;
        let issuer = names.expect(der::constructed(4))?.contents;
        names.finish()?;
        let serial = r.integer()?;
        r.optional(der::BIT_STRING)?;
        r.finish()?;
        if issuer != signer.issuer || serial != signer.serial {
            return Err(VerifyError::CertificateSwapped);
        }
    }
    id.finish()?;
    Ok(())
}
