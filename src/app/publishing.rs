//! What `/pki` shows to whoever checks a seal: our authorities' certificates and their revocation lists.
//!
//! A list is made daily, and with each certificate that is issued, by whoever holds the key; a reader gets the bytes that are stored, so that
//! asking costs no signature and two who ask get the same.

use super::{App, Error};
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::event::CertificateUse;
use crate::pki::ca::{Authority, CRL_PUBLISHED_FOR, published_name};
use crate::pki::{certificate::Certificate, pem};
use crate::store::{Certificate as Kept, RevocationList};
use std::time::Duration;

/// How old a published list grows; it says that it is good for [`CRL_PUBLISHED_FOR`].
const LIST_AGE_MAX: Duration = Duration::from_secs(86_400);

/// A file of `/pki`.
pub struct PkiFile {
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl App {
    /// `<ca>.crl`, `.cer` or `.pem`, for every authority that this appliance ever had.
    pub fn pki_file(&self, name: &str) -> Result<PkiFile, Error> {
        const NO_FILE: Error = Error::NotFound("certificate");
        let (ca, kind) = name.rsplit_once('.').ok_or(NO_FILE)?;
        for kept in self.authorities()? {
            let parsed = Certificate::parse(&kept.der).map_err(Error::internal)?;
            if published_name(&parsed).map_err(Error::internal)? != ca {
                continue;
            }
            let (media_type, bytes) = match kind {
                "cer" => ("application/pkix-cert", kept.der),
                "pem" => (
                    "application/x-pem-file",
                    pem::encode(pem::CERTIFICATE, &kept.der).into_bytes(),
                ),
                "crl" => {
                    let list = self
                        .store
                        .read(|tx| tx.revocation_list(&kept.sha256).map_err(Error::from))?;
                    ("application/pkix-crl", list.ok_or(NO_FILE)?.der)
                }
                _ => return Err(NO_FILE),
            };
            return Ok(PkiFile { media_type, bytes });
        }
        Err(NO_FILE)
    }

    /// All of both environments, in use or retired.
    fn authorities(&self) -> Result<Vec<Kept>, Error> {
        self.store.read(|tx| {
            let mut all = Vec::new();
            for environment in Environment::ALL {
                all.extend(tx.certificates(environment, CertificateUse::Ca)?);
            }
            Ok(all)
        })
    }

    /// The list after the published one, as of now.
    pub(crate) fn next_revocation_list(
        &self,
        authority: &Authority,
    ) -> Result<RevocationList, Error> {
        let issuer = Digest::of(authority.certificate());
        let last = self
            .store
            .read(|tx| tx.revocation_list(&issuer).map_err(Error::from))?;
        let number = last.map_or(1, |list| list.number.saturating_add(1));
        let now = self.now();
        let der = authority
            .revocation_list(number, &[], now, CRL_PUBLISHED_FOR)
            .map_err(Error::internal)?;
        Ok(RevocationList {
            issuer,
            number,
            der,
            issued_at: now,
        })
    }

    /// Publishes a new list of each authority whose list is a day old (or from a clock that was ahead).
    pub(crate) fn renew_revocation_lists(&self) -> Result<(), Error> {
        let now = self.now();
        for kept in self.authorities()? {
            let last = self
                .store
                .read(|tx| tx.revocation_list(&kept.sha256).map_err(Error::from))?;
            if last.is_some_and(|list| {
                list.issued_at <= now && now < list.issued_at.plus(LIST_AGE_MAX)
            }) {
                continue;
            }
            let authority = self.open_authority(kept)?;
            if !authority.is_valid_at(now) {
                continue;
            }
            let list = self.next_revocation_list(&authority)?;
            self.store.write(move |tx| {
                tx.publish_revocation_list(&list)?;
                Ok::<_, Error>(())
            })?;
        }
        Ok(())
    }
}
