//! The audit trail as a document: what an auditor reads. PDF/A and PDF/UA, sealed like the documents themselves.

use super::auditing::{confirmed_entries, trail_json};
use super::documents::Outgoing;
use super::finishing::Certification;
use super::seals::Sealer;
use super::telling::Telling;
use super::wording::LANGUAGE;
use super::zipping::{Part, zip};
use super::{App, Error};
use crate::domain::digest::Digest;
use crate::domain::envelope::Envelope;
use crate::domain::time::Timestamp;
use crate::pdf::prepare::Plan;
use crate::pdf::trail::{Certificate, render};
use crate::pki;
use std::io::Read as _;

impl App {
    /// Makes the trail of an envelope, of exactly the entries that made it what it is, and seals it.
    pub(crate) fn make_trail(&self, envelope: &Envelope) -> Result<Vec<u8>, Error> {
        let kept = self.store.read(|tx| confirmed_entries(tx, envelope))?;
        let export = trail_json(envelope, &kept)?;
        let sealer = self.sealer(envelope.environment)?;
        let organisation = &self.settings.organisation.name;
        let trail = Telling {
            locale: LANGUAGE,
            organisation,
            public_url: &self.settings.public_url,
            envelope,
            entries: &kept,
            export_sha256: Digest::of(&export),
            certificates: certificates(&sealer)?,
        }
        .trail()?;
        let plain = render(&trail, &self.fonts).map_err(Error::internal)?;
        // Nothing is stamped: what PDF/A and PDF/UA ask for stays as it is.
        let reason = LANGUAGE.t("proof-reason-trail");
        let asked = Certification {
            plan: &Plan::default(),
            sealer: &sealer,
            reason: Some(&reason),
            original: None,
        };
        let received = self.certified_in_vault(&plain, &asked)?.kept;
        let mut sealed = Vec::new();
        received
            .reopen()?
            .read_to_end(&mut sealed)
            .map_err(Error::internal)?;
        Ok(sealed)
    }

    /// Several files in one ZIP, made while it is read.
    pub(crate) fn zipped(
        &self,
        envelope: &Envelope,
        files: &[(String, Digest)],
    ) -> Result<Outgoing, Error> {
        let mut parts = Vec::with_capacity(files.len());
        let mut used = std::collections::HashSet::new();
        for (index, (name, sha256)) in files.iter().enumerate() {
            let name = if used.insert(name.clone()) {
                name.clone()
            } else {
                format!("{}-{name}", index + 1)
            };
            // Read once for the checksum that stands before the bytes, and to know that they are sound before the first is sent.
            let mut crc = flate2::Crc::new();
            let mut reader = self.vault.reader(envelope.environment, sha256)?;
            let mut piece = vec![0; 128 * 1024];
            loop {
                match reader.read(&mut piece).map_err(Error::internal)? {
                    0 => break,
                    n => crc.update(piece.get(..n).unwrap_or_default()),
                }
            }
            let length = u32::try_from(reader.len()).map_err(Error::internal)?;
            parts.push(Part {
                name,
                length,
                crc32: crc.sum(),
                content: Box::new(self.vault.reader(envelope.environment, sha256)?),
            });
        }
        let (length, content) = zip(parts, zip_time(envelope.ended_at.unwrap_or_default()));
        Ok(Outgoing {
            name: format!("{}-signed.zip", envelope.id),
            media_type: "application/zip",
            length,
            digest: None,
            content: Box::new(content),
        })
    }
}

fn zip_time(at: Timestamp) -> zip::DateTime {
    let c = at.civil();
    let year = u16::try_from(c.year).unwrap_or(1980);
    zip::DateTime::from_date_and_time(year, c.month, c.day, c.hour, c.minute, c.second)
        .unwrap_or_default()
}

fn certificates(sealer: &Sealer) -> Result<Vec<Certificate>, Error> {
    use pki::Signer as _;
    let ders = [sealer.signer.certificate(), sealer.authority.certificate()];
    ders.into_iter()
        .map(|der| {
            let parsed = pki::certificate::Certificate::parse(der).map_err(Error::internal)?;
            Ok(Certificate {
                subject: pki::name::describe(parsed.subject).map_err(Error::internal)?,
                issuer: pki::name::describe(parsed.issuer).map_err(Error::internal)?,
                serial: hex::encode(parsed.serial),
                not_before: parsed.not_before,
                not_after: parsed.not_after,
                sha256: Digest::of(der).to_string(),
            })
        })
        .collect()
}
