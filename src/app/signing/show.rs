//! What a signer looks at: page images and texts of the document as it would be sealed now, and how far the envelope is.

use super::Signer;
use crate::app::documents::{Outgoing, with_pdf_ending};
use crate::app::{App, Error};
use crate::domain::digest::Digest;
use crate::domain::envelope::{Envelope, FrozenDocument, State};
use crate::domain::environment::Environment;
use crate::domain::event::{Download, Downloadable};
use crate::domain::field::PageSize;
use crate::worker::{self, MediaType, Rendering};
use std::collections::BTreeSet;

/// Widths in which pages are drawn, in pixels.
pub const WIDTHS: [u32; 3] = [1000, 1600, 2400];
/// Pages drawn by one process: what a reader is likely to see next comes with what was asked for.
const RUN: u32 = 4;
/// Part of the cache's names: another version of the renderer draws anew.
const RENDERER: &str = "hayro-0.9.0";

/// A drawn page.
pub struct PageImage {
    /// `image/png` or `image/jpeg`.
    pub media_type: &'static str,
    /// The picture.
    pub bytes: Vec<u8>,
}

/// How far the envelope is, for the waiting page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many have not signed yet.
    Waiting(usize),
    /// All have; the seal is being made.
    Preparing,
    /// The sealed documents are there.
    Complete,
    /// It ended otherwise.
    Ended,
}

impl Signer {
    /// How far the envelope is.
    pub fn progress(&self) -> Progress {
        match &self.envelope.state {
            State::Draft | State::Open { .. } => Progress::Waiting(self.envelope.waiting().count()),
            State::Sealing { .. } => Progress::Preparing,
            State::Completed { .. } => Progress::Complete,
            State::Declined { .. } | State::Voided { .. } | State::Expired | State::Discarded => {
                Progress::Ended
            }
        }
    }

    /// One of the envelope's documents, by its id's text.
    pub fn document(&self, id: &str) -> Result<&FrozenDocument, Error> {
        self.envelope
            .documents
            .iter()
            .find(|d| d.id.to_string() == id)
            .ok_or(Error::NotFound("document"))
    }
}

/// Marks are part of what is drawn, so each signature asks anew.
fn undrawable_name(envelope: &Envelope, document: &FrozenDocument) -> String {
    let marks = envelope.marks_fingerprint(document.id);
    format!("{RENDERER}-{marks}-undrawable")
}

impl App {
    /// One page as a picture, drawn once and kept. Counts as having shown the document. `None`: the page can't be drawn.
    pub fn page_image(
        &self,
        signer: &Signer,
        document: &str,
        page: u32,
        width: u32,
    ) -> Result<Option<PageImage>, Error> {
        let document = signer.document(document)?;
        if page == 0 || page > document.pages {
            return Err(Error::NotFound("page"));
        }
        let width = WIDTHS.into_iter().find(|w| *w >= width).unwrap_or(2400);
        let environment = signer.envelope.environment;
        // Earlier signers' marks are part of what is shown.
        let marks = signer.envelope.marks_fingerprint(document.id);
        let name = |page: u32| format!("{RENDERER}-{marks}-{page}-{width}");
        let source = &document.sha256;
        let image = match self.kept_copy(environment, source, &name(page)) {
            Some(bytes) => bytes,
            None if self.undrawable(&signer.envelope, document).contains(&page) => return Ok(None),
            None => {
                let shown = self.as_shown(&signer.envelope, document)?;
                let last = page.saturating_add(RUN - 1).min(document.pages);
                let rendering = match self.worker.render(&shown.reopen()?, page, last, width) {
                    Ok(rendering) => rendering,
                    // The process ended at the very page that was asked for.
                    Err(error) if error.is_final() => Rendering {
                        pages: Vec::new(),
                        stopped: Some(error),
                    },
                    Err(error) => return Err(error.into()),
                };
                let mut asked = None;
                for drawn in rendering.pages {
                    if drawn.bytes.is_empty() {
                        continue;
                    }
                    self.keep_copy(environment, source, &name(drawn.number), &drawn.bytes);
                    if drawn.number == page {
                        asked = Some(drawn.bytes);
                    }
                }
                match (asked, rendering.stopped) {
                    (Some(bytes), _) => bytes,
                    // A busy machine runs out of time where an idle one doesn't: not held against the page for good.
                    (None, Some(worker::Error::TimedOut | worker::Error::TooSlow)) => {
                        return Ok(None);
                    }
                    // What memory did not suffice for may fit in small.
                    (None, Some(_)) if width > WIDTHS[0] => {
                        return self.page_image(signer, &document.id.to_string(), page, WIDTHS[0]);
                    }
                    (None, _) => {
                        self.note_undrawable(&signer.envelope, document, page)?;
                        return Ok(None);
                    }
                }
            }
        };
        self.note_served(signer, document.id)?;
        let media_type = if image.starts_with(&[0xff, 0xd8]) {
            MediaType::Jpeg
        } else {
            MediaType::Png
        };
        Ok(Some(PageImage {
            media_type: media_type.as_str(),
            bytes: image,
        }))
    }

    /// The pages of which it is known that they can't be drawn: no process is started for them again, and the page that shows the
    /// document offers the PDF instead.
    pub fn undrawable(&self, envelope: &Envelope, document: &FrozenDocument) -> BTreeSet<u32> {
        let name = undrawable_name(envelope, document);
        let kept = self
            .vault
            .derived(envelope.environment, &document.sha256, &name);
        // Lost or unreadable: then it is found out again.
        kept.ok()
            .flatten()
            .and_then(|kept| serde_json::from_slice(&kept).ok())
            .unwrap_or_default()
    }

    fn note_undrawable(
        &self,
        envelope: &Envelope,
        document: &FrozenDocument,
        page: u32,
    ) -> Result<(), Error> {
        let mut pages = self.undrawable(envelope, document);
        pages.insert(page);
        let kept = serde_json::to_vec(&pages).map_err(Error::internal)?;
        let name = undrawable_name(envelope, document);
        self.keep_copy(envelope.environment, &document.sha256, &name, &kept);
        Ok(())
    }

    /// The texts of all pages, in order. A page without text is empty.
    pub fn page_texts(
        &self,
        signer: &Signer,
        document: &FrozenDocument,
    ) -> Result<Vec<String>, Error> {
        let environment = signer.envelope.environment;
        const NAME: &str = "hayro-0.9.0-text";
        if let Some(kept) = self.kept_copy(environment, &document.sha256, NAME) {
            return serde_json::from_slice(&kept).map_err(Error::internal);
        }
        let file = self.vault.open_checked(environment, &document.sha256)?;
        let pages = self.worker.text(file.file(), 1, document.pages)?;
        let mut texts = vec![String::new(); usize::try_from(document.pages).unwrap_or(0)];
        for page in pages {
            let slot = usize::try_from(page.number)
                .ok()
                .and_then(|n| n.checked_sub(1))
                .and_then(|n| texts.get_mut(n));
            if let Some(slot) = slot {
                *slot = page.text;
            }
        }
        let kept = serde_json::to_vec(&texts).map_err(Error::internal)?;
        self.keep_copy(environment, &document.sha256, NAME, &kept);
        Ok(texts)
    }

    /// What the cache has; a cache that can't be read has nothing.
    fn kept_copy(&self, environment: Environment, source: &Digest, name: &str) -> Option<Vec<u8>> {
        self.vault
            .derived(environment, source, name)
            .unwrap_or_else(|error| {
                tracing::warn!(%error, cause = ?std::error::Error::source(&error), "the cache can't be read");
                None
            })
    }

    /// Puts something into the cache. Who asked for it gets it all the same where that fails.
    fn keep_copy(&self, environment: Environment, source: &Digest, name: &str, bytes: &[u8]) {
        if let Err(error) = self.vault.derived_put(environment, source, name, bytes) {
            tracing::warn!(%error, cause = ?std::error::Error::source(&error), "the cache can't be written");
        }
    }

    /// The PDF itself: sealed once all have signed, else as it is shown, and then named so.
    pub fn signer_file(&self, signer: &Signer, document: &str) -> Result<Outgoing, Error> {
        let document = signer.document(document)?;
        let environment = signer.envelope.environment;
        let sealed = match &signer.envelope.state {
            State::Completed { sealed } => sealed.iter().find(|s| s.document == document.id),
            _ => None,
        };
        let name = with_pdf_ending(&document.name);
        let (outgoing, what) = match sealed {
            Some(sealed) => {
                let content = self.vault.reader(environment, &sealed.sha256)?;
                let outgoing = Outgoing {
                    name,
                    media_type: "application/pdf",
                    length: content.len(),
                    digest: Some(sealed.sha256),
                    content: Box::new(content),
                };
                (outgoing, Downloadable::Signed)
            }
            None => {
                let stem = name.strip_suffix(".pdf").unwrap_or(&name);
                let (length, content) = self.streamed_as_shown(&signer.envelope, document)?;
                let outgoing = Outgoing {
                    name: format!("{stem}-not-final.pdf"),
                    media_type: "application/pdf",
                    length,
                    digest: None,
                    content: Box::new(content),
                };
                (outgoing, Downloadable::Unsigned)
            }
        };
        let download = Download {
            what,
            documents: vec![document.id],
        };
        self.note_given(signer, download)?;
        self.note_served(signer, document.id)?;
        Ok(outgoing)
    }

    /// The audit trail for a signer, once all have signed.
    pub fn signer_proof(&self, signer: &Signer) -> Result<Outgoing, Error> {
        if signer.progress() != Progress::Complete {
            return Err(Error::conflict(
                "not_completed",
                "The proof file exists once everyone has signed.",
            ));
        }
        let outgoing = self.trail_file(&signer.envelope)?;
        let download = Download {
            what: Downloadable::AuditTrail,
            documents: Vec::new(),
        };
        self.note_given(signer, download)?;
        Ok(outgoing)
    }

    /// The sizes of the pages of each of the envelope's documents, as a reader sees them.
    pub fn page_sizes(&self, envelope: &Envelope) -> Result<Vec<Vec<PageSize>>, Error> {
        self.store.read(|tx| {
            envelope
                .documents
                .iter()
                .map(|d| {
                    Ok(tx
                        .document(envelope.environment, d.id)?
                        .ok_or(Error::NotFound("document"))?
                        .pages)
                })
                .collect()
        })
    }

    /// Once for each session and file.
    fn note_given(&self, signer: &Signer, download: Download) -> Result<(), Error> {
        self.note_download(
            signer.envelope.environment,
            signer.envelope.id,
            download,
            &signer.origin,
            &signer.session.to_string(),
            self.settings.signing_session_ttl,
        )
    }
}
