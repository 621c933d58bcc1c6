//! Faces: the DejaVu ones that the executable carries, and files that the machine has.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use skrifa::font::name::NameId;
use skrifa::{Font, GlyphId};

/// The most that a font file may weigh. Noto Sans CJK, the largest in common use, has 20 MB.
const FONT_BYTES_MAX: usize = 64 << 20;

/// Reads a font file anew, whole. `pdf` opens no file itself.
pub type Loader = Box<dyn Fn() -> io::Result<Vec<u8>> + Send + Sync>;

/// A font file outside the executable.
pub struct FontFile {
    /// Its name in messages; for a signature style also the style's id.
    pub label: String,
    /// The face inside a collection (`.ttc`), 0 for a single font.
    pub index: u32,
    /// Reads it.
    pub load: Loader,
}

/// Why a font file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum FontError {
    /// It could not be read.
    #[error("the font file can't be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It is larger than 64 MiB.
    #[error("the font file has {0} bytes, the limit is {FONT_BYTES_MAX}")]
    TooLarge(usize),
    /// It holds no OpenType font at that index.
    #[error("the file holds no TrueType or OpenType font with this index")]
    NoFont,
}

/// How heavy text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weight {
    /// The body of a page.
    Regular,
    /// Headings and labels.
    Bold,
}

/// A font's bytes, shared by its parsed form and the subsetter.
#[derive(Clone)]
pub(in crate::pdf) enum FontBytes {
    Carried(&'static [u8]),
    Loaded(Arc<Vec<u8>>),
}

impl FontBytes {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Carried(bytes) => bytes,
            Self::Loaded(bytes) => bytes,
        }
    }
}

/// One face of one font, ready to shape, measure, draw and embed.
pub struct Face {
    pub(super) font: Font,
    pub(in crate::pdf) bytes: FontBytes,
    pub(in crate::pdf) index: u32,
    /// The PostScript name, in the characters that a PDF name takes as they are.
    pub(super) name: String,
    /// Units of one em, never 0.
    pub(super) units_per_em: f32,
}

impl fmt::Debug for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Face").field(&self.name).finish()
    }
}

impl Face {
    fn carried(bytes: &'static [u8]) -> Option<Self> {
        Some(Self::new(
            Font::new(bytes, 0)?,
            FontBytes::Carried(bytes),
            0,
        ))
    }

    fn loaded(bytes: Vec<u8>, index: u32) -> Result<Self, FontError> {
        if bytes.len() > FONT_BYTES_MAX {
            return Err(FontError::TooLarge(bytes.len()));
        }
        let shared = Arc::new(bytes);
        let source: Arc<dyn AsRef<[u8]> + Send + Sync> = shared.clone();
        let font = Font::new(source, index).ok_or(FontError::NoFont)?;
        Ok(Self::new(font, FontBytes::Loaded(shared), index))
    }

    fn new(font: Font, bytes: FontBytes, index: u32) -> Self {
        let name: String = font
            .names()
            .get(NameId::POSTSCRIPT_NAME)
            .and_then(|name| name.english_or_first())
            .map(|localized| localized.name().chars().collect::<String>())
            .unwrap_or_default()
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .take(63)
            .collect();
        Self {
            units_per_em: f32::from(font.units_per_em().max(1)),
            name: if name.is_empty() {
                "Font".to_owned()
            } else {
                name
            },
            font,
            bytes,
            index,
        }
    }

    /// The glyph for `c` alone, if the face has one.
    pub(super) fn glyph(&self, c: char) -> Option<GlyphId> {
        self.font
            .charmap()
            .map_unicode(c)
            .filter(|glyph| glyph.to_u32() != 0)
    }

    /// Whether the face can show `c`, composed or from its parts: the shaper decomposes where the whole is missing.
    pub(super) fn covers(&self, c: char) -> bool {
        if self.glyph(c).is_some() {
            return true;
        }
        let mut parts = 0_usize;
        let mut covered = true;
        unicode_normalization::char::decompose_canonical(c, |part| {
            parts += 1;
            covered &= self.glyph(part).is_some();
        });
        parts > 1 && covered
    }

    /// Height above the baseline, in em.
    pub(super) fn ascent(&self) -> f32 {
        self.line().0
    }

    /// Depth below the baseline, in em, negative.
    pub(super) fn descent(&self) -> f32 {
        self.line().1
    }

    fn line(&self) -> (f32, f32) {
        self.font.metrics().h_line().map_or((0.9, -0.25), |line| {
            (
                line.ascender.to_f32() / self.units_per_em,
                line.descender.to_f32() / self.units_per_em,
            )
        })
    }
}

/// A face that is read when a text needs it and leaves memory when the last text that does is done: a CJK font is larger
/// than all else that the process holds.
struct LazyFace {
    file: FontFile,
    held: Mutex<Weak<Face>>,
}

impl LazyFace {
    fn new(file: FontFile) -> Self {
        Self {
            file,
            held: Mutex::new(Weak::new()),
        }
    }

    fn face(&self) -> Result<Arc<Face>, FontError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(face) = held.upgrade() {
            return Ok(face);
        }
        let face = Arc::new(Face::loaded((self.file.load)()?, self.file.index)?);
        *held = Arc::downgrade(&face);
        Ok(face)
    }
}

/// A look that a typed signature can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureStyle {
    /// What pages and the API call it.
    pub id: String,
}

/// All faces of the appliance, made once at start.
pub struct Fonts {
    regular: Arc<Face>,
    bold: Arc<Face>,
    mono: Arc<Face>,
    styles: Vec<(String, Arc<Face>)>,
    signature: Vec<LazyFace>,
    fallback: Vec<LazyFace>,
}

impl Fonts {
    /// The carried faces, then `fallback` in its order for what they lack; `signature` files give typed signatures their
    /// first styles. No file is read here.
    ///
    /// # Errors
    /// [`FontError::NoFont`] if a carried font is damaged, which only a broken build can cause.
    pub fn new(fallback: Vec<FontFile>, signature: Vec<FontFile>) -> Result<Self, FontError> {
        let carried = |bytes| Face::carried(bytes).map(Arc::new).ok_or(FontError::NoFont);
        let regular = carried(dejavu::sans::regular())?;
        Ok(Self {
            bold: carried(dejavu::sans::bold())?,
            mono: carried(dejavu::sans_mono::regular())?,
            styles: vec![
                ("serif".to_owned(), carried(dejavu::serif::italic())?),
                ("sans".to_owned(), carried(dejavu::sans::oblique())?),
                ("plain".to_owned(), regular.clone()),
            ],
            regular,
            signature: signature.into_iter().map(LazyFace::new).collect(),
            fallback: fallback.into_iter().map(LazyFace::new).collect(),
        })
    }

    /// Tries each file outside the executable: its label and what is wrong with it. For `doctor` and the start's log.
    pub fn check(&self) -> Vec<(&str, Result<(), FontError>)> {
        self.signature
            .iter()
            .chain(&self.fallback)
            .map(|lazy| (lazy.file.label.as_str(), lazy.face().map(drop)))
            .collect()
    }

    /// Every style that typed signatures know, whether or not it has a name's letters.
    pub fn signature_styles(&self) -> Vec<SignatureStyle> {
        let files = self.signature.iter().map(|lazy| lazy.file.label.clone());
        let carried = self.styles.iter().map(|(id, _)| id.clone());
        files
            .chain(carried)
            .map(|id| SignatureStyle { id })
            .collect()
    }

    pub(super) fn style(&self, id: &str) -> Option<Arc<Face>> {
        let file = self.signature.iter().find(|lazy| lazy.file.label == id);
        if let Some(lazy) = file {
            return lazy.face().ok();
        }
        self.styles
            .iter()
            .find(|(style, _)| style == id)
            .map(|(_, face)| face.clone())
    }

    /// Letters of one width, for digests.
    pub(in crate::pdf) fn mono(&self) -> &Arc<Face> {
        &self.mono
    }

    pub(in crate::pdf) fn primary(&self, weight: Weight) -> &Arc<Face> {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// A chooser of faces for one text. It keeps what it opened, so that one text opens a file once.
    pub(super) fn chooser(&self, first: Arc<Face>) -> Chooser<'_> {
        let mut open = vec![first];
        if !open.iter().any(|face| Arc::ptr_eq(face, &self.regular)) {
            open.push(self.regular.clone());
        }
        Chooser {
            fonts: self,
            open,
            files_tried: 0,
        }
    }
}

/// Finds the first face that shows a character, opening files only when all before them lack it.
pub(super) struct Chooser<'a> {
    fonts: &'a Fonts,
    open: Vec<Arc<Face>>,
    files_tried: usize,
}

impl Chooser<'_> {
    pub(super) fn face_for(&mut self, c: char) -> Option<Arc<Face>> {
        if let Some(face) = self.open.iter().find(|face| face.covers(c)) {
            return Some(face.clone());
        }
        while let Some(lazy) = self.fonts.fallback.get(self.files_tried) {
            self.files_tried += 1;
            // An unusable file is reported by `Fonts::check`; the text then shows boxes and says so.
            if let Ok(face) = lazy.face() {
                self.open.push(face.clone());
                if face.covers(c) {
                    return Some(face);
                }
            }
        }
        None
    }
}
