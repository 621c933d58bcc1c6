//! A document as the renderer sees it, with the settings that all jobs share.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hayro::hayro_interpret::font::{FontData, FontQuery};
use hayro::hayro_interpret::hayro_cmap::CidFamily;
use hayro::hayro_interpret::{InterpreterSettings, InterpreterWarning};
use hayro::hayro_syntax::object::{ObjectIdentifier, Stream};
use hayro::hayro_syntax::{Pdf, page::Page};

use super::child::Stop;

/// An opened document.
pub(crate) struct Scene {
    pdf: Pdf,
    pub(crate) settings: InterpreterSettings,
    missed: Arc<Counts>,
}

/// What the renderer told that it left out.
#[derive(Default)]
struct Counts {
    images: AtomicU32,
    fonts: AtomicU32,
}

/// What the renderer left out, or drew in a face that it is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missed {
    /// Images that it can't decode.
    pub(crate) images: u32,
    /// Fonts that it can't use.
    pub(crate) fonts: u32,
}

impl Missed {
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
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
        let missed = Arc::new(Counts::default());
        let counts = Arc::clone(&missed);
        let settings = InterpreterSettings {
            warning_sink: Arc::new(move |warning| {
                let count = match warning {
                    InterpreterWarning::ImageDecodeFailure => &counts.images,
                    InterpreterWarning::UnsupportedFont => &counts.fonts,
                    // A state without an appearance, as of a box that is not checked; the audit refuses what is really missing.
                    _ => return,
                };
                count.fetch_add(1, Ordering::Relaxed);
            }),
            font_resolver: Arc::new(move |query| found.answer(query)),
            ..InterpreterSettings::default()
        };
        Ok(Self {
            pdf,
            settings,
            missed,
        })
    }

    /// What the renderer left out since this was asked last.
    pub(crate) fn take_missed(&self) -> Missed {
        Missed {
            images: self.missed.images.swap(0, Ordering::Relaxed),
            fonts: self.missed.fonts.swap(0, Ordering::Relaxed),
        }
    }

    /// The decoded content of a form, a pattern or a glyph; `None` where the renderer can't read it.
    pub(crate) fn content(&self, number: u32, generation: u16) -> Option<Vec<u8>> {
        let id = ObjectIdentifier::new(number, generation.into());
        let stream: Stream<'_> = self.pdf.xref().get(id)?;
        Some(stream.decoded_data().ok()?.into_owned())
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
