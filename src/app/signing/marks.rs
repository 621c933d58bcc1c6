//! Adopted signatures: typed names, drawings, pictures. Drawings and pictures go to the vault; typed names are text and a style.

use super::{Draft, Signer};
use crate::app::keeping::Intent;
use crate::app::{App, Error};
use crate::domain::digest::Digest;
use crate::domain::envelope::Mark;
use crate::domain::environment::Environment;
use crate::domain::field::FieldKind;
use crate::domain::limits;
use crate::pdf::text::outline;
use crate::worker::PictureBounds;
use std::io::Read as _;

/// Units of an SVG for each em.
const EM: f32 = 100.0;

/// A mark as it was just made.
pub enum MadeMark {
    /// A name or initials in one of our styles.
    Typed {
        /// The name.
        text: String,
        /// Which style.
        style: String,
    },
    /// Strokes of the pad: x, y and width of each point in units of the pad's width.
    Drawn(Vec<Vec<[f32; 3]>>),
    /// A PNG or JPEG as it was uploaded.
    Picture(Vec<u8>),
}

/// A mark whose file is durable; given up with it where it is not adopted.
pub struct KeptMark<'a> {
    mark: Mark,
    _intent: Option<Intent<'a>>,
}

/// Names of the styles in which a text can be set: those that have all of its letters.
pub type Styles = Vec<String>;

impl App {
    /// The styles that have all letters of `text`.
    pub fn signature_styles(&self, text: &str) -> Styles {
        self.fonts
            .signature_styles()
            .into_iter()
            .filter(|style| outline(&self.fonts, text, &style.id).is_some())
            .map(|style| style.id)
            .collect()
    }

    /// The outlines of `text` in a style, as SVG: exactly what is stamped.
    pub fn signature_svg(&self, text: &str, style: &str) -> Option<String> {
        let outline = outline(&self.fonts, text, style)?;
        let (width, height) = outline.extent();
        Some(format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {:.0} {:.0}" fill="#12233d"><path d="{}"/></svg>"##,
            (width * EM).ceil(),
            (height * EM).ceil(),
            outline.svg_path(EM)
        ))
    }

    /// Adopts a signature, initials, or both, as [`Self::keep_mark`] has kept them.
    pub fn adopt(
        &self,
        signer: &Signer,
        signature: Option<KeptMark<'_>>,
        initials: Option<KeptMark<'_>>,
    ) -> Result<Draft, Error> {
        let mark = |kept: &Option<KeptMark<'_>>| kept.as_ref().map(|kept| kept.mark.clone());
        let (new_signature, new_initials) = (mark(&signature), mark(&initials));
        // The draft names the files from then on; the intents, which end with what is kept here, name them until then.
        self.change_draft(signer, move |draft| {
            if new_signature.is_some() {
                draft.signature = new_signature;
            }
            if new_initials.is_some() {
                draft.initials = new_initials;
            }
        })
    }

    /// Keeps a mark for being adopted. A picture that is none, or shows nothing, is [`Error::Document`].
    pub fn keep_mark(&self, signer: &Signer, made: MadeMark) -> Result<KeptMark<'_>, Error> {
        let (bytes, mark): (Vec<u8>, fn(Digest) -> Mark) = match made {
            MadeMark::Typed { text, style } => {
                return Ok(KeptMark {
                    mark: Mark::Typed { text, style },
                    _intent: None,
                });
            }
            MadeMark::Drawn(strokes) => {
                let file = serde_json::json!({"v": 1, "strokes": strokes})
                    .to_string()
                    .into_bytes();
                (file, |sha256| Mark::Drawn { sha256 })
            }
            MadeMark::Picture(bytes) => {
                (self.reencoded(&bytes)?, |sha256| Mark::Picture { sha256 })
            }
        };
        let received = self.vault.receive(&bytes)?;
        let digest = received.digest();
        let intent = self.keep_file(signer.envelope.environment, received)?;
        Ok(KeptMark {
            mark: mark(digest),
            _intent: Some(intent),
        })
    }

    /// Strokes that a drawing consists of.
    pub(crate) fn strokes(
        &self,
        environment: Environment,
        sha256: &Digest,
    ) -> Result<Vec<Vec<[f32; 3]>>, Error> {
        #[derive(serde::Deserialize)]
        struct Kept {
            strokes: Vec<Vec<[f32; 3]>>,
        }
        let reader = self.vault.reader(environment, sha256)?;
        let kept: Kept =
            serde_json::from_reader(std::io::BufReader::new(reader)).map_err(Error::internal)?;
        Ok(kept.strokes)
    }

    /// Re-encoded by the worker, without metadata, white made transparent: a PNG.
    fn reencoded(&self, upload: &[u8]) -> Result<Vec<u8>, Error> {
        let received = self.vault.receive(upload)?;
        let bounds = PictureBounds {
            bytes_max: limits::PICTURE_BYTES_MAX as u64,
            ..PictureBounds::default()
        };
        Ok(self.worker.picture(&received.reopen()?, bounds)?.png)
    }

    /// The picture that a signature consists of, as PNG.
    pub(crate) fn kept_picture(
        &self,
        environment: Environment,
        sha256: &Digest,
    ) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.vault
            .reader(environment, sha256)?
            .read_to_end(&mut bytes)
            .map_err(Error::internal)?;
        Ok(bytes)
    }
}

impl Signer {
    /// Whether this signer has a field of that kind. On a signature page everybody signs.
    pub fn is_asked_for(&self, kind: FieldKind) -> bool {
        let page = kind == FieldKind::Signature && self.envelope.definition.wants_signature_page();
        page || self.fields().any(|f| f.kind == kind)
    }
}
