//! Whose seal it is: the appliance's own authority and the seal's key and certificate, one of each for each environment.
//!
//! The test authority is made at the first start, the live one at the first live use. The seal's certificate is issued anew when
//! the organisation's name or country, or the public address, change. Private keys lie in the database, encrypted.

use super::{App, Error};
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::event::{CertificateUse, SystemEvent};
use crate::domain::origin::Origin;
use crate::domain::time::Timestamp;
use crate::pki::ca::{Authority, Purpose, SealSubject};
use crate::pki::{self, Signer, SoftwareKey, SoftwareSigner, pem};
use crate::store::{Certificate, RevocationList};
use std::sync::{Arc, Mutex, PoisonError};

/// What seals with.
pub struct Sealer {
    /// The seal's key with its certificate and chain.
    pub signer: SoftwareSigner,
    /// Who issued it.
    pub authority: Authority,
    /// When the seal's certificate ends.
    pub not_after: Timestamp,
}

impl Sealer {
    /// SHA-256 of the seal's certificate.
    pub fn certificate_sha256(&self) -> Digest {
        Digest::of(self.signer.certificate())
    }
}

/// Sealers that were opened, for live and for test.
#[derive(Default)]
pub(crate) struct Sealers {
    live: Mutex<Option<Arc<Sealer>>>,
    test: Mutex<Option<Arc<Sealer>>>,
}

impl App {
    /// The sealer of an environment: opened, checked, and made or renewed where need be.
    pub fn sealer(&self, environment: Environment) -> Result<Arc<Sealer>, Error> {
        let slot = match environment {
            Environment::Live => &self.sealers.live,
            Environment::Test => &self.sealers.test,
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sealer) = slot.as_ref()
            && self.is_current(sealer)?
        {
            return Ok(sealer.clone());
        }
        let authority = self.authority(environment)?;
        let sealer = Arc::new(self.seal_key(environment, authority)?);
        probe(&sealer)?;
        *slot = Some(sealer.clone());
        Ok(sealer)
    }

    /// Refuses where nothing could be sealed: nobody is asked to sign then.
    pub fn expect_seal(&self, environment: Environment) -> Result<(), Error> {
        match self.sealer(environment) {
            Ok(_) => Ok(()),
            Err(error @ (Error::Unavailable | Error::Full)) => Err(error),
            Err(error) => {
                tracing::error!(%error, %environment, "the seal's key is unusable");
                let reason = std::error::Error::source(&error)
                    .map_or(error.to_string(), |cause| cause.to_string());
                Err(Error::SealUnavailable(reason))
            }
        }
    }

    fn subject(&self) -> SealSubject<'_> {
        SealSubject {
            organisation: &self.settings.organisation.name,
            country: self.settings.organisation.country.as_deref(),
        }
    }

    fn is_current(&self, sealer: &Sealer) -> Result<bool, Error> {
        let url = &self.settings.public_url;
        let certificate = sealer.signer.certificate();
        Ok(!sealer.authority.renewal_is_due(self.now())
            && sealer
                .authority
                .seal_is_current(certificate, &self.subject(), url, self.now())
                .map_err(Error::internal)?)
    }

    /// The newest authority that can issue now, in use or retired: one that a wrong clock made must not end the seal when the clock
    /// is right again.
    fn authority(&self, environment: Environment) -> Result<Authority, Error> {
        let kept = self.store.read(|tx| {
            tx.certificates(environment, CertificateUse::Ca)
                .map_err(Error::from)
        })?;
        let now = self.now();
        for kept in kept {
            let authority = self.open_authority(kept)?;
            if authority.is_valid_at(now) && !authority.renewal_is_due(now) {
                return Ok(authority);
            }
        }
        let purpose = match environment {
            Environment::Live => Purpose::Live,
            Environment::Test => Purpose::Test,
        };
        let pkcs8 = SoftwareKey::generate().map_err(Error::internal)?;
        let key = SoftwareKey::from_pkcs8(&pkcs8).map_err(Error::internal)?;
        let authority = Authority::create(key, purpose, self.now(), self.entropy.as_ref())
            .map_err(Error::internal)?;
        self.install(
            environment,
            CertificateUse::Ca,
            authority.certificate(),
            &pkcs8,
            self.next_revocation_list(&authority)?,
        )?;
        Ok(authority)
    }

    pub(crate) fn open_authority(&self, kept: Certificate) -> Result<Authority, Error> {
        Authority::open(self.open_key(&kept)?, kept.der).map_err(Error::internal)
    }

    fn seal_key(&self, environment: Environment, authority: Authority) -> Result<Sealer, Error> {
        let kept = self.store.read(|tx| {
            tx.current_certificate(environment, CertificateUse::Seal)
                .map_err(Error::from)
        })?;
        let url = &self.settings.public_url;
        if let Some(kept) = kept
            && authority
                .seal_is_current(&kept.der, &self.subject(), url, self.now())
                .map_err(Error::internal)?
        {
            return sealer(self.open_key(&kept)?, kept.der, authority);
        }
        let pkcs8 = SoftwareKey::generate().map_err(Error::internal)?;
        let key = SoftwareKey::from_pkcs8(&pkcs8).map_err(Error::internal)?;
        let certificate = authority
            .issue_seal(
                &self.subject(),
                key.public_key_info(),
                url,
                self.now(),
                self.entropy.as_ref(),
            )
            .map_err(Error::internal)?;
        // No published list may be older than a certificate that it answers for.
        let list = self.next_revocation_list(&authority)?;
        self.install(
            environment,
            CertificateUse::Seal,
            &certificate,
            &pkcs8,
            list,
        )?;
        sealer(key, certificate, authority)
    }

    pub(super) fn open_key(&self, kept: &Certificate) -> Result<SoftwareKey, Error> {
        let pkcs8 = self
            .keyring
            .storage()
            .open(kept.sha256.as_bytes(), &kept.private_key)
            .map_err(|_| {
                Error::internal("the seal's private key was encrypted under another master key")
            })?;
        SoftwareKey::from_pkcs8(&pkcs8).map_err(Error::internal)
    }

    fn install(
        &self,
        environment: Environment,
        usage: CertificateUse,
        der: &[u8],
        pkcs8: &[u8],
        list: RevocationList,
    ) -> Result<(), Error> {
        let parsed = pki::certificate::Certificate::parse(der).map_err(Error::internal)?;
        let sha256 = Digest::of(der);
        let not_after = parsed.not_after;
        let event = SystemEvent::CertificateInstalled {
            environment,
            usage,
            subject: pki::name::describe(parsed.subject).map_err(Error::internal)?,
            sha256,
            not_after,
        };
        let private_key = self
            .keyring
            .storage()
            .seal(self.random(), sha256.as_bytes(), pkcs8);
        let certificate = Certificate {
            sha256,
            environment,
            usage,
            der: der.to_vec(),
            private_key,
            not_after,
            created_at: self.now(),
            retired_at: None,
        };
        self.store.write(move |tx| {
            tx.install_certificate(&certificate)?;
            tx.publish_revocation_list(&list)?;
            tx.record_system(&event, &Origin::system())?;
            Ok::<_, Error>(())
        })
    }

    /// The root that a reader must trust, in PEM.
    pub fn root_pem(&self, environment: Environment) -> Result<String, Error> {
        Ok(pem::encode(
            pem::CERTIFICATE,
            self.sealer(environment)?.authority.certificate(),
        ))
    }

    /// Likewise, as DER.
    pub fn root_der(&self, environment: Environment) -> Result<Vec<u8>, Error> {
        Ok(self.sealer(environment)?.authority.certificate().to_vec())
    }
}

fn sealer(key: SoftwareKey, certificate: Vec<u8>, authority: Authority) -> Result<Sealer, Error> {
    let not_after = pki::certificate::Certificate::parse(&certificate)
        .map_err(Error::internal)?
        .not_after;
    let chain = vec![authority.certificate().to_vec()];
    let signer = SoftwareSigner::new(key, certificate, chain).map_err(Error::internal)?;
    Ok(Sealer {
        signer,
        authority,
        not_after,
    })
}

/// A signature made and verified, before a document depends on it.
fn probe(sealer: &Sealer) -> Result<(), Error> {
    let digest = Digest::of(b"probe");
    let cms =
        pki::cms::sign_detached(digest.as_bytes(), &sealer.signer).map_err(Error::internal)?;
    pki::cms::verify_detached(&cms, digest.as_bytes()).map_err(Error::internal)?;
    Ok(())
}
