//! A seal on a file that never was in an envelope: for the operator, at the command line. Recorded like everything else that the
//! seal's key does.

use super::finishing::Certification;
use super::stamping::watermark;
use super::{App, Error};
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::event::SystemEvent;
use crate::domain::origin::Origin;
use crate::pdf::prepare::Plan;
use std::fs::File;
use std::io::BufWriter;

/// What was sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSealed {
    /// SHA-256 of the file as given, which is the first revision of the sealed one.
    pub sha256: Digest,
    /// SHA-256 of the sealed file.
    pub sealed_sha256: Digest,
    /// Its bytes.
    pub length: u64,
    /// Its pages.
    pub pages: usize,
    /// The signer, for people.
    pub signer: String,
    /// SHA-256 of the seal's certificate.
    pub certificate_sha256: Digest,
}

impl App {
    /// Seals `original` with the seal of `environment` into the empty file `sealed`: inspected by the worker first, then
    /// certified as a whole (no change allowed), checked again from its own bytes, durable, recorded. The seal is invisible; a
    /// test seal's pages carry the test watermark.
    ///
    /// # Errors
    /// [`Error::Document`], [`Error::NotAPdf`], [`Error::TooLarge`] where the file is refused. `sealed` is then to be thrown away.
    pub fn seal_file(
        &self,
        environment: Environment,
        original: &File,
        sealed: &File,
        origin: &Origin,
    ) -> Result<FileSealed, Error> {
        let bytes_max = self.settings.upload_bytes_max;
        if original.metadata().map_err(Error::internal)?.len() > bytes_max {
            return Err(Error::TooLarge { bytes_max });
        }
        let inspection = self.inspect_file(original)?;
        let plan = Plan {
            balance: inspection.pages.iter().map(|p| p.balance).collect(),
            watermark: watermark(environment),
            ..Plan::default()
        };
        self.expect_seal(environment)?;
        let sealer = self.sealer(environment)?;
        let asked = Certification {
            plan: &plan,
            sealer: &sealer,
            reason: None,
            original: None,
        };
        let certified = self.certified(&original, &asked, BufWriter::new(sealed), |out| {
            let sealed = out
                .into_inner()
                .map_err(|e| Error::internal(e.into_error()))?;
            Ok((sealed.try_clone().map_err(Error::internal)?, ()))
        })?;
        sealed.sync_all().map_err(Error::internal)?;
        let checked = certified.checked;
        let done = FileSealed {
            sha256: certified.original,
            sealed_sha256: checked.digest,
            length: checked.length,
            pages: checked.pages,
            signer: checked.signer,
            certificate_sha256: sealer.certificate_sha256(),
        };
        let event = SystemEvent::FileSealed {
            environment,
            sha256: done.sha256,
            sealed_sha256: done.sealed_sha256,
            certificate_sha256: done.certificate_sha256,
        };
        let origin = origin.clone();
        self.store
            .write(move |tx| tx.record_system(&event, &origin).map_err(Error::from))?;
        Ok(done)
    }
}
