//! Documents: taken in, looked at, given back, deleted.

use super::access::{self, Caller};
use super::idempotency::{Claim, remember};
use super::keeping::Intent;
use super::{App, Error};
use crate::domain::digest::Digest;
use crate::domain::event::SystemEvent;
use crate::domain::field::PageSize;
use crate::domain::ids::DocumentId;
use crate::domain::scope::Scope;
use crate::domain::{limits, text};
use crate::store::Window;
pub use crate::store::{Document, Warning};
use crate::vault::{Incoming, Received};
use crate::worker;
use std::io::Read;

/// A document on its way in: all of its bytes are on the disk, not yet named.
pub struct Upload {
    /// What the caller calls it.
    pub name: Option<String>,
    /// The bytes.
    pub received: Received,
}

/// A file on its way out.
pub struct Outgoing {
    /// What it is called where it is saved.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Bytes.
    pub length: u64,
    /// Of its bytes, where they are one stored file.
    pub digest: Option<Digest>,
    /// Its bytes. A stored file is hashed while it is read and fails at its end if it rotted.
    pub content: Box<dyn Read + Send>,
}

/// What is left to the database when a file is written.
const LAST_ROOM_BYTES: u64 = 16 << 20;

impl App {
    /// Opens a place for an upload. [`Error::Full`] where the disk has too little room.
    pub fn begin_upload(&self) -> Result<Incoming, Error> {
        self.expect_room()?;
        Ok(self.vault.incoming(self.settings.upload_bytes_max)?)
    }

    /// Adds a piece.
    pub fn continue_upload(&self, mut incoming: Incoming, piece: &[u8]) -> Result<Incoming, Error> {
        incoming.append(piece)?;
        Ok(incoming)
    }

    /// All pieces came.
    pub fn end_upload(&self, incoming: Incoming) -> Result<Received, Error> {
        Ok(incoming.finish()?)
    }

    /// An upload whose bytes are in memory.
    pub fn receive_upload(&self, bytes: &[u8]) -> Result<Received, Error> {
        let mut incoming = self.begin_upload()?;
        incoming.append(bytes)?;
        self.end_upload(incoming)
    }

    /// Whether a new file of these bytes fits, down to the last [`LAST_ROOM_BYTES`] of the disk: the reserve that new uploads leave is for
    /// the signing and sealing of what was sent.
    pub(crate) fn expect_room_for(&self, bytes: u64) -> Result<(), Error> {
        if self.vault.free_bytes()? < bytes.saturating_add(LAST_ROOM_BYTES) {
            return Err(Error::Full);
        }
        Ok(())
    }

    pub(crate) fn expect_room(&self) -> Result<(), Error> {
        if self.vault.free_bytes()? < self.settings.free_space_bytes_min {
            return Err(Error::Full);
        }
        Ok(())
    }

    /// Takes a document in: inspected by the worker, durable in the vault, then named by a row. The answer's bytes are made by
    /// `view` inside the transaction, so that a repeated request gets the very same.
    pub fn create_document(
        &self,
        caller: &Caller,
        upload: Upload,
        claim: Option<Claim>,
        view: impl FnOnce(&Document) -> Vec<u8> + Send + 'static,
    ) -> Result<Vec<u8>, Error> {
        let (document, intent) = self.inspect_upload(caller, upload)?;
        let caller = caller.clone();
        let body = self.store.write(move |tx| {
            access::require(tx, &caller, Scope::DocumentsWrite)?;
            insert(tx, &caller, &document)?;
            let body = view(&document);
            remember(claim.as_ref(), tx, 201, &body, false)?;
            Ok::<_, Error>(body)
        })?;
        intent.settled();
        Ok(body)
    }

    /// Everything before the row: the file is inspected and durable, and an intent names it.
    pub(crate) fn inspect_upload(
        &self,
        caller: &Caller,
        upload: Upload,
    ) -> Result<(Document, Intent<'_>), Error> {
        let Upload { name, received } = upload;
        let name = document_name(name)?;
        let environment = caller.environment;
        let sha256 = received.digest();
        let inspection = match self.inspect(&received) {
            Ok(inspection) => inspection,
            Err(error) => {
                if let Some(code) = rejection(&error) {
                    let origin = caller.origin.clone();
                    let event = SystemEvent::DocumentRejected {
                        environment,
                        document_name: name,
                        code: code.to_owned(),
                        sha256: Some(sha256),
                    };
                    self.store
                        .write(move |tx| tx.record_system(&event, &origin).map_err(Error::from))?;
                }
                return Err(error);
            }
        };
        let size = received.len();
        let intent = self.keep_file(environment, received)?;
        let now = self.now();
        let document = Document {
            id: DocumentId::new(now, self.random()),
            environment,
            name,
            mime: "application/pdf".to_owned(),
            size,
            sha256,
            pages: inspection
                .pages
                .iter()
                .map(|p| PageSize {
                    width: p.width,
                    height: p.height,
                })
                .collect(),
            warnings: inspection
                .warnings
                .into_iter()
                .map(|w| Warning {
                    code: w.code,
                    message: w.message,
                    page: w.page,
                })
                .collect(),
            created_at: now,
        };
        Ok((document, intent))
    }

    fn inspect(&self, received: &Received) -> Result<worker::Inspection, Error> {
        self.inspect_file(&received.reopen()?)
    }

    /// Has the worker inspect a file, whoever brought it.
    pub(crate) fn inspect_file(&self, file: &std::fs::File) -> Result<worker::Inspection, Error> {
        let mut head = [0; 5];
        let n = std::os::unix::fs::FileExt::read_at(file, &mut head, 0).map_err(Error::internal)?;
        if let Some(kind) = other_kind(&head[..n]) {
            return Err(Error::NotAPdf(kind));
        }
        Ok(self.worker.inspect(file, self.settings.pages_max)?)
    }

    /// One document's metadata.
    pub fn document(&self, caller: &Caller, id: &str) -> Result<Document, Error> {
        self.store.read(|tx| {
            access::require(tx, caller, Scope::DocumentsRead)?;
            id.parse()
                .ok()
                .map_or(Ok(None), |id| tx.document(caller.environment, id))?
                .ok_or(NO_DOCUMENT)
        })
    }

    /// A page of documents, newest first, and how many there are.
    pub fn list_documents(
        &self,
        caller: &Caller,
        page: u32,
        size: u32,
    ) -> Result<(Vec<Document>, u64), Error> {
        self.store.read(|tx| {
            access::require(tx, caller, Scope::DocumentsRead)?;
            let page = tx.documents(caller.environment, Window::page(page, size))?;
            Ok((page.items, page.total))
        })
    }

    /// The bytes as they were uploaded.
    pub fn document_content(&self, caller: &Caller, id: &str) -> Result<Outgoing, Error> {
        let document = self.document(caller, id)?;
        let content = self.vault.reader(document.environment, &document.sha256)?;
        Ok(Outgoing {
            name: with_pdf_ending(&document.name),
            media_type: "application/pdf",
            length: document.size,
            digest: Some(document.sha256),
            content: Box::new(content),
        })
    }

    /// Deletes a document that no envelope uses. Housekeeping removes its file, unless something else names that.
    pub fn delete_document(&self, caller: &Caller, id: &str) -> Result<(), Error> {
        let id: DocumentId = id.parse().map_err(|_| NO_DOCUMENT)?;
        let caller = caller.clone();
        self.store.write(move |tx| {
            access::require(tx, &caller, Scope::DocumentsWrite)?;
            let document = tx.document(caller.environment, id)?.ok_or(NO_DOCUMENT)?;
            if tx.is_document_used(caller.environment, id)? {
                return Err(Error::conflict(
                    "document_in_use",
                    "An envelope uses this document.",
                ));
            }
            tx.delete_document(caller.environment, id)?;
            let event = SystemEvent::DocumentDeleted {
                id,
                environment: caller.environment,
                sha256: document.sha256,
            };
            tx.record_system(&event, &caller.origin)?;
            Ok(())
        })
    }
}

const NO_DOCUMENT: Error = Error::NotFound("document");

/// The row and its entry in the trail, in the caller's transaction.
pub(crate) fn insert(
    tx: &crate::store::WriteTx<'_>,
    caller: &Caller,
    document: &Document,
) -> Result<(), Error> {
    tx.insert_document(document)?;
    tx.settle(document.environment, &document.sha256)?;
    let event = SystemEvent::DocumentUploaded {
        id: document.id,
        environment: document.environment,
        document_name: document.name.clone(),
        size: document.size,
        pages: u32::try_from(document.pages.len()).unwrap_or(u32::MAX),
        sha256: document.sha256,
    };
    tx.record_system(&event, &caller.origin)?;
    Ok(())
}

fn document_name(name: Option<String>) -> Result<String, Error> {
    let name = name.unwrap_or_else(|| "document.pdf".to_owned());
    // A path is a browser's habit of old; only its last part is a name.
    let last = name.rsplit(['/', '\\']).next().unwrap_or("");
    let last = if last.trim().is_empty() {
        "document.pdf"
    } else {
        last
    };
    text::line(last, limits::DOCUMENT_NAME_CHARS_MAX).map_err(|fault| {
        Error::invalid(
            "/name",
            "invalid_name",
            format!("The document's name {fault}."),
        )
    })
}

/// The name with exactly one `.pdf` at its end.
pub(crate) fn with_pdf_ending(name: &str) -> String {
    let stem = name
        .len()
        .checked_sub(4)
        .and_then(|at| name.split_at_checked(at));
    match stem {
        Some((stem, ending)) if ending.eq_ignore_ascii_case(".pdf") => format!("{stem}.pdf"),
        _ => format!("{name}.pdf"),
    }
}

/// What a file that is no PDF seems to be, by its first bytes.
fn other_kind(head: &[u8]) -> Option<&'static str> {
    match head {
        b"%PDF-" => None,
        [] => Some("nothing: it is empty"),
        [b'P', b'K', ..] => Some("a ZIP signature (an office document or an archive)"),
        [0x89, b'P', b'N', b'G', ..] => Some("a PNG signature"),
        [0xff, 0xd8, 0xff, ..] => Some("a JPEG signature"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => Some("an old office document's signature"),
        _ => Some("other bytes than %PDF-"),
    }
}

/// The code under which a refused document stands in the trail.
fn rejection(error: &Error) -> Option<&str> {
    match error {
        Error::Document { code, .. } => Some(code),
        Error::NotAPdf(_) => Some("document_type_unsupported"),
        _ => None,
    }
}
