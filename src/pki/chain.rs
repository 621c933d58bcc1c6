//! From a signer's certificate to a trusted root (RFC 5280, section 6, without policy processing).
//!
//! Paths are searched by name and key identifier among the certificates that came along, every step by its signature; then each complete path
//! is held against the rules. Names match by their octets. What would have to be understood and isn't (name constraints, policy constraints, any
//! unknown critical extension) refuses the path.

use crate::domain::time::Timestamp;
use crate::pki::certificate::{Certificate, usage};
use crate::pki::oid::{self, ObjectIdentifier};
use crate::pki::public_key::{self, Rejected};
use crate::pki::read::{Malformed, Reader};
use crate::pki::{der, name};

/// Certificates in one path, signer and root included.
pub const PATH_CERTIFICATES_MAX: usize = 8;

/// Signatures that one search verifies at most: a bound for hostile heaps of look-alikes, far above any honest chain.
const SIGNATURES_MAX: usize = 64;

const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");

/// Extensions whose meaning is heeded here, or that restrict nothing.
const UNDERSTOOD: [ObjectIdentifier; 9] = [
    oid::BASIC_CONSTRAINTS,
    oid::KEY_USAGE,
    oid::EXTENDED_KEY_USAGE,
    oid::SUBJECT_ALT_NAME,
    oid::SUBJECT_KEY_ID,
    oid::AUTHORITY_KEY_ID,
    oid::CRL_POINTS,
    oid::AUTHORITY_INFO,
    oid::POLICIES,
];

/// Extended usages that cover signing a document (RFC 9336; anyExtendedKeyUsage, emailProtection: RFC 5280; Microsoft's and Adobe's own).
const DOCUMENT_USAGES: [ObjectIdentifier; 5] = [
    oid::DOCUMENT_SIGNING,
    ObjectIdentifier::new_unwrap("2.5.29.37.0"),
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4"),
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.10.3.12"),
    ObjectIdentifier::new_unwrap("1.2.840.113583.1.1.5"),
];

/// Why there is no valid path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The signer's certificate, or a root, is not a certificate.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// No certificate that came along leads to a trusted root.
    #[error("no path leads to a trusted root")]
    NoPath,
    /// A certificate names an issuer whose key did not sign it.
    #[error("the issuer's signature on the certificate of {0} is wrong")]
    SignatureWrong(String),
    /// A certificate's validity had not begun.
    #[error("the certificate of {subject} is valid from {from} on")]
    NotYetValid {
        /// Whose.
        subject: String,
        /// Its notBefore.
        from: Timestamp,
    },
    /// A certificate's validity was over.
    #[error("the certificate of {subject} expired at {at}")]
    Expired {
        /// Whose.
        subject: String,
        /// Its notAfter.
        at: Timestamp,
    },
    /// A certificate was used for what it does not allow; says which rule.
    #[error("{rule}: the certificate of {subject}")]
    Constraint {
        /// Whose.
        subject: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The path needs something that is not judged here.
    #[error("not judged here: {0}")]
    Unsupported(&'static str),
}

/// A valid path: the signer's certificate first, the trusted root last, DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(pub Vec<Vec<u8>>);

impl Path {
    /// The trusted root at its end.
    pub fn root(&self) -> &[u8] {
        self.0.last().map(Vec::as_slice).unwrap_or_default()
    }

    /// The certificate that issued the signer's; the signer's own where it is the root.
    pub fn issuer(&self) -> &[u8] {
        self.0.get(1).map_or_else(|| self.root(), Vec::as_slice)
    }
}

/// Finds a path from `signer` to one of `roots` that is valid at `at`; `others` are the untrusted certificates that may stand between
/// (those that don't parse are passed over).
///
/// Every certificate, the root included, must be valid at `at`; every issuer must be an authority that may sign certificates, within
/// its path length; the signer must be allowed digitalSignature or nonRepudiation, and document signing where its extended
/// usage is critical. Where several paths exist one valid path is enough; where none is valid the first one's fault is told.
pub fn find_path(
    signer: &[u8],
    others: &[Vec<u8>],
    roots: &[Vec<u8>],
    at: Timestamp,
) -> Result<Path, ChainError> {
    let mut pool = vec![Certificate::parse(signer)?];
    for root in roots {
        pool.push(Certificate::parse(root)?);
    }
    let first_other = pool.len();
    pool.extend(
        others
            .iter()
            .take(crate::pki::cms::CERTIFICATES_MAX)
            .filter_map(|other| Certificate::parse(other).ok())
            .filter(|other| other.der != signer),
    );
    let mut search = Search {
        pool: &pool,
        roots: 1..first_other,
        signatures: 0,
        wrong_signature: None,
    };
    let mut fault = None;
    let mut open = vec![vec![0usize]];
    while let Some(path) = open.pop() {
        let Some(last) = path.last().and_then(|index| pool.get(*index)) else {
            continue;
        };
        let is_root = roots.iter().any(|root| root == last.der);
        if is_root {
            match judge(&search.certificates(&path), at) {
                Ok(()) => {
                    return Ok(Path(
                        search
                            .certificates(&path)
                            .iter()
                            .map(|certificate| certificate.der.to_vec())
                            .collect(),
                    ));
                }
                Err(error) => fault = fault.or(Some(error)),
            }
            continue;
        }
        if path.len() == PATH_CERTIFICATES_MAX {
            continue;
        }
        // Roots are pushed last, so they are tried first.
        for issuer in search.issuers(&path, last)? {
            let mut longer = path.clone();
            longer.push(issuer);
            open.push(longer);
        }
    }
    Err(fault
        .or(search.wrong_signature)
        .unwrap_or(ChainError::NoPath))
}

struct Search<'p, 'a> {
    pool: &'p [Certificate<'a>],
    roots: std::ops::Range<usize>,
    signatures: usize,
    wrong_signature: Option<ChainError>,
}

impl<'p, 'a> Search<'p, 'a> {
    fn certificates(&self, path: &[usize]) -> Vec<&'p Certificate<'a>> {
        path.iter()
            .filter_map(|index| self.pool.get(*index))
            .collect()
    }

    /// Which certificates of the pool issued `subject`; roots last.
    fn issuers(
        &mut self,
        path: &[usize],
        subject: &Certificate<'_>,
    ) -> Result<Vec<usize>, ChainError> {
        let mut found = Vec::new();
        let others = self.roots.end..self.pool.len();
        for index in others.chain(self.roots.clone()) {
            let Some(issuer) = self.pool.get(index) else {
                continue;
            };
            let key_ids_differ = matches!(
                (subject.authority_key_id, issuer.subject_key_id),
                (Some(wanted), Some(own)) if wanted != own
            );
            if path.contains(&index) || issuer.subject != subject.issuer || key_ids_differ {
                continue;
            }
            if self.signatures == SIGNATURES_MAX {
                return Err(ChainError::Unsupported(
                    "a heap of certificates with the same names",
                ));
            }
            self.signatures += 1;
            match issued(subject, issuer) {
                Ok(()) => found.push(index),
                Err(Rejected::Unsupported(what)) => {
                    self.wrong_signature = Some(ChainError::Unsupported(what));
                }
                Err(Rejected::Wrong) => {
                    self.wrong_signature = Some(ChainError::SignatureWrong(whose(subject)));
                }
            }
        }
        Ok(found)
    }
}

/// Whether `issuer`'s key signed `subject`.
fn issued(subject: &Certificate<'_>, issuer: &Certificate<'_>) -> Result<(), Rejected> {
    public_key::verify(
        issuer.public_key_info,
        &subject.signature_algorithm,
        subject.tbs,
        subject.signature,
    )
}

/// Holds a path, signer first, against the rules.
fn judge(path: &[&Certificate<'_>], at: Timestamp) -> Result<(), ChainError> {
    // Authorities below the one looked at that count for its path length: all but the self-issued (RFC 5280, 6.1.4 l).
    let mut authorities_below = 0u32;
    for (index, certificate) in path.iter().enumerate() {
        judge_time(certificate, at)?;
        for extension in &certificate.extensions {
            if extension.oid == NAME_CONSTRAINTS {
                return Err(ChainError::Unsupported("name constraints"));
            }
            if extension.critical && !UNDERSTOOD.contains(&extension.oid) {
                return Err(ChainError::Unsupported("an unknown critical extension"));
            }
        }
        if index == 0 {
            judge_signer(certificate)?;
            continue;
        }
        let refuse = |rule| {
            Err(ChainError::Constraint {
                subject: whose(certificate),
                rule,
            })
        };
        let Some(basic) = certificate.basic_constraints.filter(|basic| basic.ca) else {
            return refuse("it is not an authority's");
        };
        if certificate
            .key_usage
            .is_some_and(|bits| bits & usage::KEY_CERT_SIGN == 0)
        {
            return refuse("its key may not sign certificates");
        }
        if basic
            .path_length
            .is_some_and(|most| authorities_below > most)
        {
            return refuse("too many authorities stand below it");
        }
        if certificate.subject != certificate.issuer {
            authorities_below += 1;
        }
    }
    Ok(())
}

fn judge_time(certificate: &Certificate<'_>, at: Timestamp) -> Result<(), ChainError> {
    if certificate.is_valid_at(at) {
        Ok(())
    } else if at < certificate.not_before {
        Err(ChainError::NotYetValid {
            subject: whose(certificate),
            from: certificate.not_before,
        })
    } else {
        Err(ChainError::Expired {
            subject: whose(certificate),
            at: certificate.not_after,
        })
    }
}

fn judge_signer(signer: &Certificate<'_>) -> Result<(), ChainError> {
    let refuse = |rule| {
        Err(ChainError::Constraint {
            subject: whose(signer),
            rule,
        })
    };
    let signs = usage::DIGITAL_SIGNATURE | usage::NON_REPUDIATION;
    if signer.key_usage.is_some_and(|bits| bits & signs == 0) {
        return refuse("its key may not sign documents");
    }
    if let Some(extension) = signer.extension(oid::EXTENDED_KEY_USAGE)
        && extension.critical
    {
        let mut list = Reader::whole(extension.value, der::SEQUENCE, "extended key usage")?;
        let mut fits = false;
        // Bounded by the certificate's own size.
        while !list.is_empty() {
            fits |= DOCUMENT_USAGES.contains(&list.object_identifier()?);
        }
        if !fits {
            return refuse("its extended usage is another than signing documents");
        }
    }
    Ok(())
}

fn whose(certificate: &Certificate<'_>) -> String {
    name::describe(certificate.subject).unwrap_or_else(|_| "an unreadable name".to_owned())
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
