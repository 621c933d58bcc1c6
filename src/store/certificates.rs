//! The appliance's own certification authority and the seals that it issued.

use super::error::Error;
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::event::CertificateUse;
use crate::domain::time::Timestamp;
use rusqlite::{Row, params};

/// A certificate with its private key. Rows are never deleted: old seals point to them.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Of its DER bytes.
    pub sha256: Digest,
    /// For what is made in which environment.
    pub environment: Environment,
    /// What for.
    pub usage: CertificateUse,
    /// The certificate, X.509 in DER.
    pub der: Vec<u8>,
    /// Its private key, encrypted by the caller.
    pub private_key: Vec<u8>,
    /// The end of its validity.
    pub not_after: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// When another took its place.
    pub retired_at: Option<Timestamp>,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate")
            .field("sha256", &self.sha256)
            .field("environment", &self.environment)
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}

/// A published revocation list of one of our authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    /// SHA-256 of the authority's certificate.
    pub issuer: Digest,
    /// Its number; grows from list to list.
    pub number: u64,
    /// The list, in DER.
    pub der: Vec<u8>,
    /// Its thisUpdate.
    pub issued_at: Timestamp,
}

const fn kind(usage: CertificateUse) -> &'static str {
    match usage {
        CertificateUse::Ca => "ca",
        CertificateUse::Seal => "seal",
    }
}

const COLUMNS: &str = "digest, environment, kind, der, private_key, not_after, created_at, retired_at FROM certificate";

fn certificate(r: &Row<'_>) -> Result<Certificate, Error> {
    let usage: String = r.get(2)?;
    Ok(Certificate {
        sha256: row::digest(r, 0)?,
        environment: row::environment(r, 1)?,
        usage: match usage.as_str() {
            "ca" => CertificateUse::Ca,
            "seal" => CertificateUse::Seal,
            _ => return Err(Error::damaged("certificate's use", usage)),
        },
        der: r.get(3)?,
        private_key: r.get(4)?,
        not_after: row::time(r, 5)?,
        created_at: row::time(r, 6)?,
        retired_at: row::time_or_none(r, 7)?,
    })
}

impl ReadTx<'_> {
    /// The one in use.
    pub fn current_certificate(
        &self,
        environment: Environment,
        usage: CertificateUse,
    ) -> Result<Option<Certificate>, Error> {
        self.find(
            &format!(
                "SELECT {COLUMNS} WHERE environment = ?1 AND kind = ?2 AND retired_at IS NULL"
            ),
            params![environment.as_str(), kind(usage)],
            certificate,
        )
    }

    /// The one with this digest, in use or not.
    pub fn certificate(&self, sha256: &Digest) -> Result<Option<Certificate>, Error> {
        self.find(
            &format!("SELECT {COLUMNS} WHERE digest = ?1"),
            [sha256.as_bytes()],
            certificate,
        )
    }

    /// Up to 100 of an environment and use, in use or retired, newest first.
    pub fn certificates(
        &self,
        environment: Environment,
        usage: CertificateUse,
    ) -> Result<Vec<Certificate>, Error> {
        self.all(
            &format!(
                "SELECT {COLUMNS} WHERE environment = ?1 AND kind = ?2 ORDER BY created_at DESC, digest LIMIT 100"
            ),
            params![environment.as_str(), kind(usage)],
            certificate,
        )
    }

    /// The newest list that the authority with this certificate published.
    pub fn revocation_list(&self, issuer: &Digest) -> Result<Option<RevocationList>, Error> {
        self.find(
            "SELECT issuer, number, der, issued_at FROM revocation_list WHERE issuer = ?1",
            [issuer.as_bytes()],
            |r| {
                let number: i64 = r.get(1)?;
                Ok(RevocationList {
                    issuer: row::digest(r, 0)?,
                    number: u64::try_from(number).map_err(|_| {
                        Error::damaged("revocation list's number", number.to_string())
                    })?,
                    der: r.get(2)?,
                    issued_at: row::time(r, 3)?,
                })
            },
        )
    }
}

impl WriteTx<'_> {
    /// Publishes a list, unless one of the same number or a higher one is published.
    pub fn publish_revocation_list(&self, list: &RevocationList) -> Result<(), Error> {
        self.run(
            "INSERT INTO revocation_list (issuer, number, der, issued_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (issuer) DO UPDATE SET number = excluded.number, der = excluded.der, issued_at = excluded.issued_at
             WHERE excluded.number > revocation_list.number",
            params![
                list.issuer.as_bytes(),
                i64::try_from(list.number).unwrap_or(i64::MAX),
                list.der,
                list.issued_at.as_millis(),
            ],
        )?;
        Ok(())
    }

    /// Takes a new certificate into use; the one before it retires.
    pub fn install_certificate(&self, new: &Certificate) -> Result<(), Error> {
        self.run(
            "UPDATE certificate SET retired_at = ?3 WHERE environment = ?1 AND kind = ?2 AND retired_at IS NULL",
            params![
                new.environment.as_str(),
                kind(new.usage),
                self.now().as_millis()
            ],
        )?;
        self.insert(
            "certificate",
            "INSERT INTO certificate (digest, environment, kind, der, private_key, not_after, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                new.sha256.as_bytes(),
                new.environment.as_str(),
                kind(new.usage),
                new.der,
                new.private_key,
                new.not_after.as_millis(),
                new.created_at.as_millis(),
            ],
        )
    }
}
