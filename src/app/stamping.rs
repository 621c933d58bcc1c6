//! From an envelope to what its documents look like: marks, signature page, certificate page.
//!
//! Signers are shown `prepare(original, plan so far)`; sealing runs the same function with the full plan.

use super::certificate::Certifying;
use super::finishing::warn_of_missing;
use super::wording::LANGUAGE;
use super::{App, Error};
use crate::domain::digest::{Digest, Hasher};
use crate::domain::envelope::{Envelope, FrozenDocument, Mark, SignatureEvidence};
use crate::domain::environment::Environment;
use crate::domain::field::{Field, FieldKind, Value};
use crate::domain::ids::DocumentId;
use crate::domain::origin::Origin;
use crate::domain::recipient::Recipient;
use crate::domain::time::Timestamp;
use crate::pdf::Document;
use crate::pdf::added::{SignatureBlock, SignaturePage};
use crate::pdf::appearance::{Ink, InkPoint, Mark as Drawn};
use crate::pdf::image::Picture;
use crate::pdf::pages::PAGES_READ_MAX;
use crate::pdf::place::Area;
use crate::pdf::prepare::{PlacedMark, Plan, Tail, prepare};
use crate::vault::Received;
use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom};

/// What stands across each page of a test document.
pub(super) fn watermark(environment: Environment) -> Option<String> {
    (environment == Environment::Test).then(|| LANGUAGE.t("proof-test"))
}

/// Who acted from where, as the trail tells: for the certificate page.
pub(crate) struct Evidence {
    /// For each recipient in their order: where from the signature came.
    pub origins: Vec<Option<Origin>>,
    /// The name of the seal's authority in `/pki`.
    pub authority: String,
    /// The chain's newest sequence and hash, without what the seal itself adds.
    pub head: (u64, Digest),
}

impl App {
    /// The document as its signers see it now: the original with the marks of those who signed, in a file that is gone when
    /// dropped.
    pub(crate) fn as_shown(
        &self,
        envelope: &Envelope,
        document: &FrozenDocument,
    ) -> Result<Received, Error> {
        let stored = self
            .vault
            .open_checked(envelope.environment, &document.sha256)?;
        self.expect_room_for(stored.len())?;
        let plan = self.plan(envelope, document, stored.file(), None)?;
        let tail = self.prepared(stored.file(), &plan)?;
        let mut incoming = self.vault.incoming(u64::MAX)?;
        copy(stored.file(), |piece| {
            incoming.append(piece).map_err(Error::from)
        })?;
        incoming.append(&tail.bytes)?;
        Ok(incoming.finish()?)
    }

    /// The same, as its length and a stream that takes no room on the disk, however slowly it is read.
    pub(crate) fn streamed_as_shown(
        &self,
        envelope: &Envelope,
        document: &FrozenDocument,
    ) -> Result<(u64, impl Read + Send + use<>), Error> {
        let environment = envelope.environment;
        let stored = self.vault.open_checked(environment, &document.sha256)?;
        let plan = self.plan(envelope, document, stored.file(), None)?;
        let tail = self.prepared(stored.file(), &plan)?.bytes;
        let original = self.vault.reader(environment, &document.sha256)?;
        let length = original.len().saturating_add(tail.len() as u64);
        Ok((length, original.chain(std::io::Cursor::new(tail))))
    }

    fn prepared(&self, original: &File, plan: &Plan) -> Result<Tail, Error> {
        let _permit = self.heavy.take()?;
        let document = Document::open(original).map_err(Error::internal)?;
        let tail =
            prepare(&document, plan, &self.fonts, PAGES_READ_MAX).map_err(Error::internal)?;
        warn_of_missing(&tail.missing);
        Ok(tail)
    }

    /// The plan of one document: with `evidence` the whole one, for the seal.
    pub(crate) fn plan(
        &self,
        envelope: &Envelope,
        document: &FrozenDocument,
        original: &File,
        evidence: Option<&Evidence>,
    ) -> Result<Plan, Error> {
        let index = envelope.documents.iter().position(|d| d.id == document.id);
        let index =
            index.ok_or_else(|| Error::internal("a document that is not the envelope's"))?;
        // By the bytes alone: what the intake accepts today says nothing about what it accepted then.
        let balance = self.worker.balance(original)?;
        let mut marks = Vec::new();
        let mut blocks = Vec::new();
        for (person, progress) in envelope.recipients() {
            let (Some(signature), Some(at)) = (&progress.evidence, progress.signed_at) else {
                continue;
            };
            let fields = envelope
                .definition
                .fields
                .iter()
                .filter(|f| f.recipient == person.id && f.document == index);
            for field in fields {
                if let Some(mark) =
                    self.drawn(envelope.environment, person, signature, field, at)?
                {
                    marks.push(mark);
                }
            }
            if envelope.definition.wants_signature_page() {
                blocks.push(SignatureBlock {
                    ink: self.ink(envelope.environment, &signature.signature)?,
                    name: person.shown_as().to_owned(),
                    detail: person.email.to_string(),
                    time: self.zone().moment_exact(LANGUAGE, at.as_millis()),
                });
            }
        }
        let signature_page = (!blocks.is_empty()).then(|| SignaturePage {
            title: LANGUAGE.t("proof-signatures"),
            blocks,
        });
        let certificate_page = evidence.map(|evidence| {
            Certifying {
                locale: LANGUAGE,
                zone: &self.settings.organisation.time_zone,
                organisation: &self.settings.organisation.name,
                public_url: &self.settings.public_url,
                sealed_at: self.now(),
                evidence,
            }
            .page(envelope, document)
        });
        Ok(Plan {
            marks,
            balance,
            signature_page,
            certificate_page,
            watermark: watermark(envelope.environment),
        })
    }

    fn drawn(
        &self,
        environment: Environment,
        person: &Recipient,
        evidence: &SignatureEvidence,
        field: &Field,
        at: Timestamp,
    ) -> Result<Option<PlacedMark>, Error> {
        let Some(value) = evidence.value_of(field.id) else {
            return Ok(None);
        };
        let mark = match (field.kind, value) {
            (FieldKind::Signature, _) => Drawn::Signature {
                ink: self.ink(environment, &evidence.signature)?,
                name: person.shown_as().to_owned(),
                time: self.moment(at),
            },
            (FieldKind::Initials, _) => match &evidence.initials {
                Some(initials) => Drawn::Initials(self.ink(environment, initials)?),
                None => return Ok(None),
            },
            (_, Value::Date(text) | Value::Text(text)) => Drawn::Text(text.clone()),
            (_, Value::Checked(checked)) => Drawn::Checkbox(*checked),
            (_, Value::Mark) => return Ok(None),
        };
        let page = usize::try_from(field.page)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        let area = Area {
            x: field.rect.x,
            y: field.rect.y,
            width: field.rect.width,
            height: field.rect.height,
        };
        Ok(Some(PlacedMark { page, area, mark }))
    }

    fn ink(&self, environment: Environment, mark: &Mark) -> Result<Ink, Error> {
        Ok(match mark {
            Mark::Typed { text, style } => Ink::Typed {
                text: text.clone(),
                style: style.clone(),
            },
            Mark::Drawn { sha256 } => Ink::Drawn(
                self.strokes(environment, sha256)?
                    .into_iter()
                    .map(|stroke| {
                        stroke
                            .into_iter()
                            .map(|[x, y, width]| InkPoint { x, y, width })
                            .collect()
                    })
                    .collect(),
            ),
            Mark::Picture { sha256 } => {
                Ink::Picture(picture(&self.kept_picture(environment, sha256)?)?)
            }
        })
    }

    fn moment(&self, at: Timestamp) -> String {
        self.zone().moment_short(LANGUAGE, at.as_millis())
    }

    /// The picture of an adopted mark for the page, with its media type.
    pub fn mark_picture(
        &self,
        environment: Environment,
        mark: &Mark,
    ) -> Result<(&'static str, Vec<u8>), Error> {
        match mark {
            Mark::Typed { text, style } => {
                let svg = self
                    .signature_svg(text, style)
                    .ok_or(Error::NotFound("signature style"))?;
                Ok(("image/svg+xml", svg.into_bytes()))
            }
            Mark::Drawn { sha256 } => {
                let strokes = self.strokes(environment, sha256)?;
                Ok(("image/svg+xml", strokes_svg(&strokes).into_bytes()))
            }
            Mark::Picture { sha256 } => Ok(("image/png", self.kept_picture(environment, sha256)?)),
        }
    }

    /// What tells one adopted mark from another, for addresses of its picture.
    pub fn mark_version(&self, mark: &Mark) -> String {
        match mark {
            Mark::Typed { text, style } => {
                Digest::of(format!("{style}\0{text}").as_bytes()).to_string()
            }
            Mark::Drawn { sha256 } | Mark::Picture { sha256 } => sha256.to_string(),
        }
    }
}

impl Envelope {
    /// What tells one state of the marks on a document's pages from another: which document, and who has signed so far. Two documents
    /// of an envelope may be the same file and carry different marks.
    pub(crate) fn marks_fingerprint(&self, document: DocumentId) -> String {
        let mut hasher = Hasher::new();
        hasher.update(self.id.to_string().as_bytes());
        hasher.update(document.to_string().as_bytes());
        for (person, progress) in self.recipients() {
            if progress.signed_at.is_some() {
                hasher.update(person.id.to_string().as_bytes());
            }
        }
        hasher.finish().to_string().chars().take(16).collect()
    }
}

/// Reads a whole file in pieces.
pub(crate) fn copy(
    mut file: &File,
    mut take: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    file.seek(SeekFrom::Start(0)).map_err(Error::internal)?;
    let mut piece = vec![0; 128 * 1024];
    loop {
        let n = file.read(&mut piece).map_err(Error::internal)?;
        if n == 0 {
            return Ok(());
        }
        take(piece.get(..n).unwrap_or_default())?;
    }
}

/// Pixels of a picture that our worker encoded.
fn picture(png: &[u8]) -> Result<Picture, Error> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().map_err(Error::internal)?;
    let bytes = reader
        .output_buffer_size()
        .ok_or_else(|| Error::internal("a kept picture is too large"))?;
    let mut rgba = vec![0; bytes];
    let frame = reader.next_frame(&mut rgba).map_err(Error::internal)?;
    rgba.truncate(frame.buffer_size());
    if frame.color_type == png::ColorType::GrayscaleAlpha {
        rgba = rgba
            .chunks_exact(2)
            .flat_map(|p| [p[0], p[0], p[0], p[1]])
            .collect();
    }
    Picture::from_rgba(frame.width, frame.height, rgba).map_err(Error::internal)
}

/// The strokes as the pad draws them: quadratic curves through the midpoints.
fn strokes_svg(strokes: &[Vec<[f32; 3]>]) -> String {
    use std::fmt::Write as _;
    let all = || strokes.iter().flatten();
    let left = all().map(|[x, _, w]| x - w / 2.0).fold(f32::MAX, f32::min);
    let top = all().map(|[_, y, w]| y - w / 2.0).fold(f32::MAX, f32::min);
    let right = all().map(|[x, _, w]| x + w / 2.0).fold(f32::MIN, f32::max);
    let bottom = all().map(|[_, y, w]| y + w / 2.0).fold(f32::MIN, f32::max);
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left:.4} {top:.4} {:.4} {:.4}" fill="none" stroke="#12233d" stroke-linecap="round" stroke-linejoin="round">"##,
        (right - left).max(0.0),
        (bottom - top).max(0.0)
    );
    for stroke in strokes {
        let mut from: Option<[f32; 2]> = None;
        for pair in stroke.windows(2) {
            let [[x0, y0, w], [x1, y1, _]] = [pair[0], pair[1]];
            let [mx, my] = [(x0 + x1) / 2.0, (y0 + y1) / 2.0];
            let [sx, sy] = from.unwrap_or([x0, y0]);
            // Writing into a String doesn't fail.
            let _ = write!(
                svg,
                r#"<path d="M{sx:.4} {sy:.4}Q{x0:.4} {y0:.4} {mx:.4} {my:.4}" stroke-width="{w:.4}"/>"#
            );
            from = Some([mx, my]);
        }
        if let Some([x, y, w]) = stroke.last() {
            let [sx, sy] = from.unwrap_or([*x, *y]);
            let _ = write!(
                svg,
                r#"<path d="M{sx:.4} {sy:.4}L{x:.4} {y:.4}" stroke-width="{w:.4}"/>"#
            );
        }
    }
    svg.push_str("</svg>");
    svg
}
