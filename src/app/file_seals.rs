//! A seal on a file that never was in an envelope: for the operator, at the command line. Recorded like everything else that the
//! seal's key does.

use super::stamping::watermark;
use super::{App, Error};
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::event::SystemEvent;
use crate::domain::origin::Origin;
use crate::pdf::check::{Expected, check};
use crate::pdf::prepare::{Balance, Plan};
use crate::pdf::seal::{self, Order, seal_document};
use std::fs::File;
use std::io::{BufWriter, Write as _};

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
            balance: inspection
                .pages
                .iter()
                .map(|p| Balance {
                    unopened: p.unbalanced_restores,
                    unclosed: p.unbalanced_saves,
                })
                .collect(),
            watermark: watermark(environment),
            ..Plan::default()
        };
        self.expect_seal(environment)?;
        let sealer = self.sealer(environment)?;
        let at = self.now();
        let pages_max = usize::try_from(self.settings.pages_max).unwrap_or(usize::MAX);
        let order = Order {
            plan: &plan,
            fonts: &self.fonts,
            signer: &sealer.signer,
            organisation: &self.settings.organisation.name,
            reason: None,
            at,
            original: None,
            pages_max,
        };
        let mut out = BufWriter::new(sealed);
        let outcome = seal_document(&original, &order, &mut out).map_err(refused)?;
        out.flush().map_err(Error::internal)?;
        drop(out);
        let roots = [sealer.authority.certificate().to_vec()];
        let expected = Expected {
            roots: &roots,
            at,
            original: Some((
                original.metadata().map_err(Error::internal)?.len(),
                outcome.sealed.original,
            )),
            pages: Some(outcome.tail.pages_original + outcome.tail.pages_added),
            stamps: &outcome.tail.stamps,
            pages_max,
        };
        let checked = check(&sealed, &expected).map_err(Error::internal)?;
        if checked.digest != outcome.sealed.digest {
            return Err(Error::internal("the file's digest is not the one told"));
        }
        sealed.sync_all().map_err(Error::internal)?;
        let done = FileSealed {
            sha256: outcome.sealed.original,
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

/// What the reader refuses is the file's fault; all else is ours.
fn refused(error: seal::Error) -> Error {
    match &error {
        seal::Error::Read(read) => match read.code() {
            Some(code) => Error::Document {
                code: code.to_string(),
                message: read.to_string(),
            },
            None => Error::internal(error),
        },
        _ => Error::internal(error),
    }
}
