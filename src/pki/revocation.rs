//! Judges certificates by a revocation list (CRL, RFC 5280, section 5).

use crate::domain::time::Timestamp;
use crate::pki::certificate::{self, Certificate, usage};
use crate::pki::oid;
use crate::pki::public_key::{self, Rejected};
use crate::pki::read::{Malformed, Reader};
use crate::pki::{ca, der};

/// The largest revocation list that is read, in bytes: room for more lines than our own lists hold.
pub const CRL_BYTES_MAX: usize = 4 * 1024 * 1024;

const WHAT: &str = "revocation list";

/// Why a list says nothing on a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevocationError {
    /// The list, or a certificate, is not the DER that it should be, or larger than is read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The list, or the certificate, is another authority's.
    #[error("the revocation list is not by the certificate's issuer")]
    OtherIssuer,
    /// The issuer's key did not sign the list.
    #[error("the revocation list's signature is wrong")]
    SignatureWrong,
    /// The list is of another time.
    #[error("the revocation list is good from {from} to {to}")]
    NotCurrent {
        /// thisUpdate.
        from: Timestamp,
        /// nextUpdate.
        to: Timestamp,
    },
    /// The list is of a kind that is not judged here (delta, partial, indirect, an unknown critical extension or algorithm).
    #[error("not judged here: {0}")]
    Unsupported(&'static str),
}

/// What a list says on a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is not on the list.
    Good,
    /// It is revoked.
    Revoked {
        /// Since when.
        since: Timestamp,
        /// reasonCode (RFC 5280, 5.3.1), where one is given.
        reason: Option<u8>,
    },
}

/// Looks `certificate` up in `list` (all DER), a full list that `issuer`, whose certificate this is, signed and that is current at `at`.
///
/// Whether a revocation later than a signature matters is for the caller to say: the answer has its date.
pub fn status(
    certificate: &[u8],
    issuer: &[u8],
    list: &[u8],
    at: Timestamp,
) -> Result<Status, RevocationError> {
    let certificate = Certificate::parse(certificate)?;
    let issuer = Certificate::parse(issuer)?;
    let list = List::parse(list)?;

    let key_ids_differ = matches!(
        (list.authority_key_id, issuer.subject_key_id),
        (Some(wanted), Some(own)) if wanted != own
    );
    if certificate.issuer != issuer.subject || list.issuer != issuer.subject || key_ids_differ {
        return Err(RevocationError::OtherIssuer);
    }
    if issuer
        .key_usage
        .is_some_and(|bits| bits & usage::CRL_SIGN == 0)
    {
        return Err(RevocationError::Unsupported(
            "a list by a key that may not sign lists",
        ));
    }
    public_key::verify(
        issuer.public_key_info,
        &list.algorithm,
        list.tbs,
        list.signature,
    )
    .map_err(|rejected| match rejected {
        Rejected::Unsupported(what) => RevocationError::Unsupported(what),
        Rejected::Wrong => RevocationError::SignatureWrong,
    })?;
    if at < list.this_update || at > list.next_update {
        return Err(RevocationError::NotCurrent {
            from: list.this_update,
            to: list.next_update,
        });
    }
    list.look_up(certificate.serial)
}

struct List<'a> {
    tbs: &'a [u8],
    algorithm: crate::pki::read::Algorithm<'a>,
    signature: &'a [u8],
    issuer: &'a [u8],
    this_update: Timestamp,
    next_update: Timestamp,
    lines: Reader<'a>,
    authority_key_id: Option<&'a [u8]>,
}

impl<'a> List<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, RevocationError> {
        if bytes.len() > CRL_BYTES_MAX {
            return Err(Malformed(WHAT).into());
        }
        let mut outer = Reader::whole(bytes, der::SEQUENCE, WHAT)?;
        let tbs = outer.expect(der::SEQUENCE)?;
        let algorithm = outer.algorithm()?;
        let signature = outer.bit_string()?;
        outer.finish()?;

        let mut r = Reader::new(tbs.contents, WHAT);
        if r.small_integer()? != 1 {
            return Err(RevocationError::Unsupported(
                "a revocation list other than version 2",
            ));
        }
        if r.algorithm()?.whole != algorithm.whole {
            return Err(r.malformed().into());
        }
        let issuer = r.expect(der::SEQUENCE)?.whole;
        let this_update = r.time()?;
        // RFC 5280, 5.1.2.5: nextUpdate must be there.
        let next_update = r.time()?;
        let lines = r.optional(der::SEQUENCE)?;
        let lines = Reader::new(lines.map(|list| list.contents).unwrap_or_default(), WHAT);
        let mut authority_key_id = None;
        if let Some(explicit) = r.optional(der::constructed(0))? {
            let mut inner = Reader::new(explicit.contents, WHAT);
            for extension in certificate::extensions(&mut inner)? {
                match extension.oid {
                    oid::AUTHORITY_KEY_ID => {
                        authority_key_id = certificate::authority_key_id(extension.value)?;
                    }
                    oid::CRL_NUMBER => {}
                    // Delta and partial lists are told by critical extensions.
                    _ if extension.critical => {
                        return Err(RevocationError::Unsupported(
                            "a partial or delta revocation list",
                        ));
                    }
                    _ => {}
                }
            }
            inner.finish()?;
        }
        r.finish()?;
        Ok(Self {
            tbs: tbs.whole,
            algorithm,
            signature,
            issuer,
            this_update,
            next_update,
            lines,
            authority_key_id,
        })
    }

    fn look_up(&self, serial: &[u8]) -> Result<Status, RevocationError> {
        let mut lines = self.lines;
        let mut status = Status::Good;
        let mut read = 0usize;
        while !lines.is_empty() {
            if read == 2 * ca::REVOKED_MAX {
                return Err(lines.malformed().into());
            }
            read += 1;
            let mut line = lines.enter(der::SEQUENCE)?;
            let revoked = line.integer()?;
            let since = line.time()?;
            let mut reason = None;
            if !line.is_empty() {
                for extension in certificate::extensions(&mut line)? {
                    if extension.oid == oid::CRL_REASON {
                        reason = Some(reason_code(extension.value)?);
                    } else if extension.critical {
                        // Such as certificateIssuer: the line may be another authority's.
                        return Err(RevocationError::Unsupported(
                            "a revocation list with foreign lines",
                        ));
                    }
                }
            }
            line.finish()?;
            if revoked == serial && status == Status::Good {
                status = Status::Revoked { since, reason };
            }
        }
        Ok(status)
    }
}

fn reason_code(value: &[u8]) -> Result<u8, Malformed> {
    let mut r = Reader::new(value, WHAT);
    let code = r.expect(der::ENUMERATED)?.contents;
    r.finish()?;
    match code {
        [code] => Ok(*code),
        _ => Err(r.malformed()),
    }
}

#[cfg(test)]
#[path = "revocation_tests.rs"]
mod tests;
