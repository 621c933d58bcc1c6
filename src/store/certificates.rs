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

    /// Up to 100 of an environment, newest first.
    pub fn certificates(&self, environment: Environment) -> Result<Vec<Certificate>, Error> {
        self.all(
            &format!(
                "SELECT {COLUMNS} WHERE environment = ?1 ORDER BY created_at DESC, digest LIMIT 100"
            ),
            [environment.as_str()],
            certificate,
        )
    }
}

impl WriteTx<'_> {
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
