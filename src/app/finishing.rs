//! One seal, whatever it is on: an envelope's document, an audit trail, an operator's file. Prepared, audited, sealed, checked
//! from the bytes that were written, and looked at by the second reader, before anyone is told of it.

use super::seals::Sealer;
use super::{App, Error};
use crate::domain::digest::Digest;
use crate::pdf::check::Checked;
use crate::pdf::prepare::Plan;
use crate::pdf::seal::{self, Order, seal_document};
use crate::pdf::source::ReadAt;
use crate::vault::{Incoming, Received};
use crate::worker::stamps_differ;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;

/// What a seal takes besides the file.
pub(super) struct Certification<'a> {
    /// Marks, pages, watermark.
    pub plan: &'a Plan,
    /// Key and certificates.
    pub sealer: &'a Sealer,
    /// Why, for the signature.
    pub reason: Option<&'a str>,
    /// SHA-256 that the file must have, where it is known.
    pub original: Option<Digest>,
}

/// What was sealed, checked.
pub(super) struct Certified<T> {
    /// What the caller keeps of the output.
    pub kept: T,
    /// SHA-256 of the original, the first revision.
    pub original: Digest,
    /// What the check read.
    pub checked: Checked,
}

impl App {
    /// Seals `source` into `out`; `reopen` ends the writing and gives the file to be read again. Takes a core for as long as it
    /// computes.
    ///
    /// # Errors
    /// What the strict reader refuses is [`Error::Document`]; all else is internal. The output is then to be thrown away.
    pub(super) fn certified<R: ReadAt, W: Write, T>(
        &self,
        source: &R,
        asked: &Certification<'_>,
        mut out: W,
        reopen: impl FnOnce(W) -> Result<(File, T), Error>,
    ) -> Result<Certified<T>, Error> {
        let order = Order {
            plan: asked.plan,
            fonts: &self.fonts,
            signer: &asked.sealer.signer,
            organisation: &self.settings.organisation.name,
            reason: asked.reason,
            at: self.now(),
            original: asked.original,
        };
        let permit = self.heavy.take()?;
        let outcome = seal_document(source, &order, &mut out).map_err(refused)?;
        warn_of_missing(&outcome.tail.missing);
        let (file, kept) = reopen(out)?;
        let roots = [asked.sealer.authority.certificate().to_vec()];
        let checked = outcome.check(&file, &roots).map_err(Error::internal)?;
        drop(permit);
        let drawn = self.worker.witness(&file).map_err(|error| {
            if error.is_final() {
                // The original was accepted: what the second reader has against it now is our doing.
                Error::internal(error)
            } else {
                error.into()
            }
        })?;
        match stamps_differ(&outcome.tail.stamps, &drawn) {
            Some(difference) => Err(Error::internal(difference)),
            None => Ok(Certified {
                kept,
                original: outcome.sealed.original,
                checked,
            }),
        }
    }

    /// As [`App::certified`], into a file of the vault that has no name yet.
    pub(super) fn certified_in_vault<R: ReadAt>(
        &self,
        source: &R,
        asked: &Certification<'_>,
    ) -> Result<Certified<Received>, Error> {
        self.expect_room_for(source.len().map_err(Error::internal)?)?;
        let incoming = self.vault.incoming(u64::MAX)?;
        self.certified(source, asked, incoming, |incoming: Incoming| {
            let received = incoming.finish()?;
            Ok((received.reopen()?, received))
        })
    }
}

/// Tells the log what the fonts lack.
pub(super) fn warn_of_missing(missing: &BTreeSet<char>) {
    if !missing.is_empty() {
        tracing::warn!(
            characters = missing.len(),
            "characters without a font are drawn as boxes; see [fonts] fallback"
        );
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
