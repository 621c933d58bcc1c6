//! A document as the renderer sees it, with the settings that all jobs share.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_interpret::font::{FontData, FontQuery};
use hayro::hayro_interpret::hayro_cmap::CidFamily;
use hayro::hayro_syntax::{Pdf, page::Page};

use super::child::Stop;

/// An opened document.
pub(crate) struct Scene {
    pdf: Pdf,
    pub(crate) settings: InterpreterSettings,
}

impl Scene {
    /// # Errors
    /// `document_unrenderable` where the renderer finds no document in it.
    pub(crate) fn open(bytes: Arc<Vec<u8>>, fonts: Vec<PathBuf>) -> Result<Self, Stop> {
        let pdf = Pdf::new(bytes).map_err(|_| {
            Stop::refused(
                "document_unrenderable",
                "the renderer finds no document in the file",
            )
        })?;
        let found = FontFiles::new(fonts);
        let settings = InterpreterSettings {
            font_resolver: Arc::new(move |query| found.answer(query)),
            ..InterpreterSettings::default()
        };
        Ok(Self { pdf, settings })
    }

    pub(crate) fn pages(&self) -> &[Page<'_>] {
        self.pdf.pages()
    }

    /// Pages `first` to `last` with their numbers, from 1.
    pub(crate) fn range(&self, first: u32, last: u32) -> impl Iterator<Item = (u32, &Page<'_>)> {
        (1_u32..)
            .zip(self.pages())
            .skip(first.max(1) as usize - 1)
            .take_while(move |(number, _)| *number <= last)
    }
}

/// Fonts for text whose font a document doesn't bring: the renderer's own for the 14 standard names and all else that is
/// Latin, files for Chinese, Japanese and Korean. A file is read when a document first needs it.
struct FontFiles {
    paths: Vec<PathBuf>,
    read: Mutex<Option<Option<FontData>>>,
}

impl FontFiles {
    fn new(paths: Vec<PathBuf>) -> Self {
        Self {
            paths,
            read: Mutex::default(),
        }
    }

    fn answer(&self, query: &FontQuery) -> Option<(FontData, u32)> {
        match query {
            FontQuery::Standard(standard) => Some(standard.get_font_data()),
            FontQuery::Fallback(wanted) => {
                let east_asian = wanted.character_collection.as_ref().is_some_and(|c| {
                    matches!(
                        c.family,
                        CidFamily::AdobeGB1
                            | CidFamily::AdobeCNS1
                            | CidFamily::AdobeJapan1
                            | CidFamily::AdobeKorea1
                    )
                });
                if east_asian && let Some(font) = self.first() {
                    return Some((font, 0));
                }
                Some(wanted.pick_standard_font().get_font_data())
            }
        }
    }

    fn first(&self) -> Option<FontData> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.get_or_insert_with(|| {
            self.paths
                .iter()
                .find_map(|path| std::fs::read(path).ok())
                .map(|bytes| Arc::new(bytes) as FontData)
        })
        .clone()
    }
}
