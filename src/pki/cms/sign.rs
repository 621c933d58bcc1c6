//! Makes the signature value of a PDF.

use crate::pki::certificate::Certificate;
use crate::pki::key::Signer;
use crate::pki::oid::{self, ObjectIdentifier};
use crate::pki::{Error, der};

/// Everything in a CMS but its certificates: attributes, names, algorithms and the signature, in bytes.
const OVERHEAD_BYTES_MAX: usize = 2048;

/// Signs content by its SHA-256 `digest` and gives the DER of a ContentInfo: SignedData version 1, no content inside, one SignerInfo,
/// the whole chain. Signed attributes, in DER order: content-type, message-digest, signing-certificate-v2 (SHA-256, so the hash's name is left out;
/// issuer and serial given). No signing-time: PAdES has it in the PDF's `/M` (EN 319 142-1, 6.3).
///
/// Errors: [`Error::Sign`] from the key, [`Error::Malformed`] where the signer's certificate is none,
/// [`Error::NotAvailable`] for a signer that goes with another hash.
pub fn sign_detached(digest: &[u8; 32], signer: &dyn Signer) -> Result<Vec<u8>, Error> {
    if signer.algorithm().digest_identifier() != oid::SHA256 {
        return Err(Error::NotAvailable("a seal with another hash than SHA-256"));
    }
    let certificate = Certificate::parse(signer.certificate())?;
    let attributes = signed_attributes(digest, &certificate);
    // What is signed is the SET OF; in the SignerInfo it stands under [0] IMPLICIT (RFC 5652, 5.4).
    let signature = signer.sign(&der::set_of(der::SET, attributes.clone()))?;
    let attributes = der::set_of(der::constructed(0), attributes);
    Ok(assemble(signer, &certificate, &attributes, &signature))
}

/// Puts the ContentInfo together; `attributes` is the whole `[0] IMPLICIT SET OF Attribute`.
pub(super) fn assemble(
    signer: &dyn Signer,
    certificate: &Certificate<'_>,
    attributes: &[u8],
    signature: &[u8],
) -> Vec<u8> {
    let digest_algorithm = der::algorithm(oid::SHA256);
    let signer_identifier = der::sequence(&[
        certificate.issuer,
        &der::tlv(der::INTEGER, &[certificate.serial]),
    ]);
    let signer_info = der::sequence(&[
        &der::integer(1),
        &signer_identifier,
        &digest_algorithm,
        attributes,
        &signer.algorithm().signature_identifier(),
        &der::octet_string(signature),
    ]);
    let mut certificates = vec![certificate.der.to_vec()];
    for above in signer.chain() {
        if !certificates.contains(above) {
            certificates.push(above.clone());
        }
    }
    let signed_data = der::sequence(&[
        &der::integer(1),
        &der::tlv(der::SET, &[&digest_algorithm]),
        &der::sequence(&[&der::object_identifier(oid::DATA)]),
        &der::set_of(der::constructed(0), certificates),
        &der::tlv(der::SET, &[&signer_info]),
    ]);
    der::sequence(&[
        &der::object_identifier(oid::SIGNED_DATA),
        &der::tlv(der::constructed(0), &[&signed_data]),
    ])
}

/// How many bytes [`sign_detached`] needs at most with this signer: what to reserve in `/Contents`, before hex.
///
/// Errors: [`Error::Malformed`] where the signer's certificate is none.
pub fn signature_bytes_max(signer: &dyn Signer) -> Result<usize, Error> {
    let certificate = Certificate::parse(signer.certificate())?;
    let certificates: usize = signer.chain().iter().map(Vec::len).sum();
    // The issuer's name stands twice more: in the SignerInfo and in signing-certificate-v2.
    Ok(OVERHEAD_BYTES_MAX + certificate.der.len() + certificates + 2 * certificate.issuer.len())
}

pub(super) fn signed_attributes(digest: &[u8; 32], certificate: &Certificate<'_>) -> Vec<Vec<u8>> {
    vec![
        attribute(oid::CONTENT_TYPE, &der::object_identifier(oid::DATA)),
        attribute(oid::MESSAGE_DIGEST, &der::octet_string(digest)),
        attribute(
            oid::SIGNING_CERTIFICATE_V2,
            &signing_certificate(certificate),
        ),
    ]
}

/// SigningCertificateV2 (RFC 5035) of one ESSCertIDv2.
fn signing_certificate(certificate: &Certificate<'_>) -> Vec<u8> {
    let hash = crate::domain::digest::Digest::of(certificate.der);
    // GeneralNames of one directoryName [4], which is EXPLICIT as Name is a CHOICE.
    let issuer = der::sequence(&[&der::tlv(der::constructed(4), &[certificate.issuer])]);
    let issuer_serial = der::sequence(&[&issuer, &der::tlv(der::INTEGER, &[certificate.serial])]);
    let id = der::sequence(&[&der::octet_string(hash.as_bytes()), &issuer_serial]);
    der::sequence(&[&der::sequence(&[&id])])
}

fn attribute(kind: ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::object_identifier(kind), &der::tlv(der::SET, &[value])])
}
