//! Uploaded documents.

use super::error::Error;
use super::lists::{Page, Window};
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::field::PageSize;
use crate::domain::ids::DocumentId;
use crate::domain::time::Timestamp;
use rusqlite::{Row, params};

/// A document as it was taken in.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// The world it lives in.
    pub environment: Environment,
    /// What it is called.
    pub name: String,
    /// Its type, found by content.
    pub mime: String,
    /// Bytes.
    pub size: u64,
    /// Of the bytes as uploaded.
    pub sha256: Digest,
    /// The sizes of its pages, as a reader sees them.
    pub pages: Vec<PageSize>,
    /// What is odd about it.
    pub warnings: Vec<Warning>,
    /// When it was taken in.
    pub created_at: Timestamp,
}

/// Something odd that doesn't keep a document from being signed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// Stable, for programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// On which page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
}

const COUNTER: &str = "document";
const COLUMNS: &str =
    "id, environment, name, mime, bytes, digest, pages, warnings, created_at FROM document";

fn document(r: &Row<'_>) -> Result<Document, Error> {
    Ok(Document {
        id: row::parsed(r, 0, "document id")?,
        environment: row::environment(r, 1)?,
        name: r.get(2)?,
        mime: r.get(3)?,
        size: row::unsigned(r, 4)?,
        sha256: row::digest(r, 5)?,
        pages: row::json(r, 6, "document's pages")?,
        warnings: row::json(r, 7, "document's warnings")?,
        created_at: row::time(r, 8)?,
    })
}

impl ReadTx<'_> {
    /// The document, if this environment has it.
    pub fn document(
        &self,
        environment: Environment,
        id: DocumentId,
    ) -> Result<Option<Document>, Error> {
        self.find(
            &format!("SELECT {COLUMNS} WHERE environment = ?1 AND id = ?2"),
            params![environment.as_str(), id.to_string()],
            document,
        )
    }

    /// All documents of an environment, newest first.
    pub fn documents(
        &self,
        environment: Environment,
        window: Window,
    ) -> Result<Page<Document>, Error> {
        let items = self.all(
            &format!("SELECT {COLUMNS} WHERE environment = ?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3"),
            params![
                environment.as_str(),
                window.limit,
                row::signed(window.offset)
            ],
            document,
        )?;
        Ok(Page {
            items,
            total: self.counter(environment, COUNTER)?,
        })
    }

    /// How many documents there are, counted one by one: for a check of everything.
    pub fn documents_counted(&self, environment: Environment) -> Result<u64, Error> {
        let counted = self.find(
            "SELECT count(*) FROM document WHERE environment = ?1",
            [environment.as_str()],
            |r| row::unsigned(r, 0),
        )?;
        Ok(counted.unwrap_or(0))
    }

    /// Whether an envelope uses the document.
    pub fn is_document_used(
        &self,
        environment: Environment,
        id: DocumentId,
    ) -> Result<bool, Error> {
        self.exists(
            "SELECT 1 FROM envelope_document WHERE environment = ?1 AND document_id = ?2",
            params![environment.as_str(), id.to_string()],
        )
    }
}

impl WriteTx<'_> {
    /// Keeps a document, and names its file. The intent is the caller's to settle, in this transaction.
    pub fn insert_document(&self, document: &Document) -> Result<(), Error> {
        let environment = document.environment;
        let id = document.id.to_string();
        self.insert(
            "document",
            "INSERT INTO document (id, environment, name, mime, bytes, digest, pages, warnings, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                id,
                environment.as_str(),
                document.name,
                document.mime,
                row::signed(document.size),
                document.sha256.as_bytes(),
                row::to_json(&document.pages, "document's pages")?,
                row::to_json(&document.warnings, "document's warnings")?,
                document.created_at.as_millis(),
            ],
        )?;
        self.count(environment, COUNTER, 1)?;
        self.name_file(environment, &document.sha256, &id)
    }

    /// Deletes a document; its file follows if nothing else needs it. [`Error::Missing`]; [`Error::Conflict`] while an envelope
    /// uses it.
    pub fn delete_document(&self, environment: Environment, id: DocumentId) -> Result<(), Error> {
        if self.is_document_used(environment, id)? {
            return Err(Error::Conflict("document"));
        }
        let id = id.to_string();
        let deleted = self.run(
            "DELETE FROM document WHERE environment = ?1 AND id = ?2",
            params![environment.as_str(), id],
        )?;
        if deleted == 0 {
            return Err(Error::Missing("document"));
        }
        self.count(environment, COUNTER, -1)?;
        self.release_files(environment, &id)
    }
}
