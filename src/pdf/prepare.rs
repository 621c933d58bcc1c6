//! The prepare revision: everything that the document gets besides its original bytes and the seal, as one incremental
//! update: stamps on the original's pages, added pages, the test watermark.

use std::collections::{BTreeMap, BTreeSet};

use super::added::{self, AddedPage, CertificatePage, SignaturePage};
use super::appearance::{self, DrawError, Form, Mark, Studio};
use super::document::Document;
use super::error::{Code, Error as ReadError};
use super::object::{Dict, Name, Object, Real, Ref};
use super::pages::{Page, PageTree};
use super::place::{Area, Placed, widget_matrix};
use super::source::ReadAt;
use super::text::{EmbedError, Embedded, Embedder, Fonts};
use super::update::{Base, Objects, UpdateError, old};

/// A mark on one of the original's pages.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedMark {
    /// From 0.
    pub page: usize,
    /// Points from the top left as shown.
    pub area: Area,
    /// What it shows.
    pub mark: Mark,
}

/// How a page's content leaves the graphics state stack (ISO 32000-2, 8.4.2): both 0 for sound content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// `Q` operators that have no `q` before them.
    pub unopened: u32,
    /// `q` operators that no `Q` follows.
    pub unclosed: u32,
}

/// The most `q` or `Q` that are made up for: viewers stop at 28 to 512 levels themselves.
const BALANCE_MAX: u32 = 1000;

/// All that a document gets before it is sealed.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Drawn in this order.
    pub marks: Vec<PlacedMark>,
    /// By page, as the worker found it; pages beyond its end are taken as balanced.
    pub balance: Vec<Balance>,
    /// For signers without a field.
    pub signature_page: Option<SignaturePage>,
    /// The certificate page, which carries the seal. Without it the seal is invisible.
    pub certificate_page: Option<CertificatePage>,
    /// Across every page, of test documents.
    pub watermark: Option<String>,
}

/// Why a document can't be prepared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The original can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A mark's page doesn't exist or it lies outside it: a caller's mistake, as fields are checked when made.
    #[error("mark {mark} doesn't lie on page {page}")]
    OutsidePage {
        /// Its place in the plan.
        mark: usize,
        /// From 1.
        page: usize,
    },
    /// A mark can't be drawn.
    #[error("mark {mark}: {reason}")]
    Mark {
        /// Its place in the plan.
        mark: usize,
        /// Why.
        reason: DrawError,
    },
    /// A block of the signature page can't be drawn.
    #[error("signature page: {0}")]
    SignaturePage(DrawError),
    /// A font can't be embedded.
    #[error(transparent)]
    Font(#[from] EmbedError),
    /// The update can't be written.
    #[error(transparent)]
    Update(#[from] UpdateError),
}

/// Where a stamp was put, so that a check can find it again in the finished file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// From 0.
    pub page: usize,
    /// Its name in the page's `/XObject` resources.
    pub name: String,
    /// The form.
    pub form: Ref,
}

/// Where the seal is to be seen.
#[derive(Clone, Debug, PartialEq)]
pub struct SealPlace {
    /// The page object.
    pub page: Ref,
    /// The widget's `/Rect`.
    pub rect: [f64; 4],
    /// Its appearance, a form object of the prepare revision.
    pub appearance: Ref,
}

/// The prepare revision: what follows the original's last byte.
#[derive(Clone, Debug)]
pub struct Tail {
    /// To be written right after the original.
    pub bytes: Vec<u8>,
    /// The original's length in bytes.
    pub original_length: u64,
    /// Pages of the original.
    pub pages_original: usize,
    /// Pages added after them.
    pub pages_added: usize,
    /// Marks and watermarks, in drawing order.
    pub stamps: Vec<Stamp>,
    /// The seal's place; `None` for an invisible one.
    pub seal: Option<SealPlace>,
    /// Characters that no font shows: drawn as boxes. A warning, never a failure.
    pub missing: BTreeSet<char>,
}

/// Writes the prepare revision of `original`.
///
/// # Errors
/// [`Error`]; nothing is ever left out silently.
pub fn prepare<R: ReadAt>(
    original: &Document<R>,
    plan: &Plan,
    fonts: &Fonts,
    pages_max: usize,
) -> Result<Tail, Error> {
    let tree = original.page_tree(pages_max)?;
    let base = base_of(original)?;
    let mut objects = Objects::from_number(base.next_number);
    let mut embedder = Embedder::default();
    let mut studio = Studio {
        fonts,
        embedder: &mut embedder,
        objects: &mut objects,
    };

    let mut stamping = Stamping::default();
    stamping.draw_marks(&mut studio, plan, &tree)?;
    let mut added = Vec::new();
    let size = tree.pages.last().map_or(added::A4, |page| {
        added::size_after(page.shown_width(), page.shown_height())
    });
    if let Some(page) = &plan.signature_page {
        added.extend(
            added::draw_signature_page(&mut studio, page, size).map_err(Error::SignaturePage)?,
        );
    }
    if let Some(page) = &plan.certificate_page {
        added.extend(added::draw_certificate_page(&mut studio, page, size));
    }
    if let Some(text) = &plan.watermark {
        stamping.draw_watermarks(&mut studio, text, &tree);
    }
    let watermarks = plan
        .watermark
        .as_ref()
        .map(|text| added_watermarks(&mut studio, text, &added));
    let embedded = embedder.finish(&mut objects)?;

    let mut tail = Tail {
        bytes: Vec::new(),
        original_length: base.length,
        pages_original: tree.pages.len(),
        pages_added: added.len(),
        stamps: Vec::new(),
        seal: None,
        missing: BTreeSet::new(),
    };
    let mut editor = Editor {
        document: original,
        objects: &mut objects,
        embedded: &embedded,
        tagged: is_tagged(original)?,
    };
    editor.stamp_pages(stamping, &tree, plan, &mut tail)?;
    let kids = editor.add_pages(added, watermarks.flatten(), &tree, &mut tail);
    editor.patch_page_tree(&tree, &kids)?;
    editor.patch_catalog()?;
    tail.bytes = objects.finish(&base)?.bytes;
    Ok(tail)
}

/// What an update of `document` hangs on.
pub(super) fn base_of<R: ReadAt>(document: &Document<R>) -> Result<Base, ReadError> {
    Ok(Base {
        length: document.file_bytes(),
        ends_line: document.ends_in_newline()?,
        startxref: document.startxref(),
        kind: document.newest_section(),
        trailer: document.trailer().clone(),
        first_id: document.ids()?.map(|[first, _]| first),
        next_number: document.first_new_number(),
    })
}

/// Whether the file has a structure tree that counts (14.7): what is added is then marked as artifact.
fn is_tagged<R: ReadAt>(document: &Document<R>) -> Result<bool, ReadError> {
    let mark_info = document.value(document.root(), "MarkInfo")?;
    let marked = match mark_info.as_dict() {
        Some(info) => document.value(info, "Marked")?.as_bool() == Some(true),
        None => false,
    };
    Ok(marked || document.root().has("StructTreeRoot"))
}

/// Forms drawn for the original's pages, by page.
#[derive(Default)]
struct Stamping {
    forms: Vec<Form>,
    /// Page, form's place in `forms`, matrix.
    uses: Vec<(usize, usize, Placed)>,
}

impl Stamping {
    fn draw_marks(
        &mut self,
        studio: &mut Studio<'_>,
        plan: &Plan,
        tree: &PageTree,
    ) -> Result<(), Error> {
        for (n, placed) in plan.marks.iter().enumerate() {
            let outside = || Error::OutsidePage {
                mark: n,
                page: placed.page + 1,
            };
            let page = tree.pages.get(placed.page).ok_or_else(outside)?;
            if !placed.area.lies_on(page) {
                return Err(outside());
            }
            let (width, height) = (placed.area.width as f32, placed.area.height as f32);
            let form = appearance::draw(studio, &placed.mark, width, height)
                .map_err(|reason| Error::Mark { mark: n, reason })?;
            self.uses
                .push((placed.page, self.forms.len(), placed.area.on(page)));
            self.forms.push(form);
        }
        Ok(())
    }

    /// One form for each size of page.
    fn draw_watermarks(&mut self, studio: &mut Studio<'_>, text: &str, tree: &PageTree) {
        let mut by_size: BTreeMap<(u64, u64), usize> = BTreeMap::new();
        for (n, page) in tree.pages.iter().enumerate() {
            let area = Area::whole(page);
            let key = (area.width.to_bits(), area.height.to_bits());
            let slot = *by_size.entry(key).or_insert_with(|| {
                self.forms.push(appearance::draw_watermark(
                    studio,
                    text,
                    area.width as f32,
                    area.height as f32,
                ));
                self.forms.len() - 1
            });
            self.uses.push((n, slot, area.on(page)));
        }
    }
}

/// The watermark of the added pages, which all have one size.
fn added_watermarks(studio: &mut Studio<'_>, text: &str, added: &[AddedPage]) -> Option<Form> {
    added
        .first()
        .map(|page| appearance::draw_watermark(studio, text, page.width, page.height))
}

struct Editor<'a, R> {
    document: &'a Document<R>,
    objects: &'a mut Objects,
    embedded: &'a Embedded,
    tagged: bool,
}

impl<R: ReadAt> Editor<'_, R> {
    fn stamp_pages(
        &mut self,
        stamping: Stamping,
        tree: &PageTree,
        plan: &Plan,
        tail: &mut Tail,
    ) -> Result<(), Error> {
        let ids: Vec<Ref> = stamping.forms.iter().map(|form| old(form.id)).collect();
        for form in stamping.forms {
            tail.missing.extend(form.missing.iter());
            form.write(self.embedded, self.objects);
        }
        let mut by_page: BTreeMap<usize, Vec<(Ref, Placed)>> = BTreeMap::new();
        for (page, form, placed) in stamping.uses {
            if let Some(id) = ids.get(form) {
                by_page.entry(page).or_default().push((*id, placed));
            }
        }
        // Most pages are balanced and share one object.
        let mut openings: BTreeMap<u32, Ref> = BTreeMap::new();
        for (n, uses) in by_page {
            let Some(page) = tree.pages.get(n) else {
                continue;
            };
            let balance = plan.balance.get(n).copied().unwrap_or_default();
            let opened = 1 + balance.unopened.min(BALANCE_MAX);
            let opening = *openings.entry(opened).or_insert_with(|| {
                let content = "q\n".repeat(opened as usize);
                self.put_plain_stream(content.as_bytes())
            });
            self.stamp_page(page, n, opening, balance, &uses, tail)?;
        }
        Ok(())
    }

    fn stamp_page(
        &mut self,
        page: &Page,
        n: usize,
        opening: Ref,
        balance: Balance,
        uses: &[(Ref, Placed)],
        tail: &mut Tail,
    ) -> Result<(), Error> {
        let mut resources = match &page.resources {
            Some(resources) => self.dict_of(resources)?,
            None => Dict::new(),
        };
        let mut x_objects = match resources.get("XObject") {
            Some(x_objects) => self.dict_of(x_objects)?,
            None => Dict::new(),
        };

        let closed = 1 + balance.unclosed.min(BALANCE_MAX) as usize;
        let mut content = "Q\n".repeat(closed);
        let mut number = 0;
        for (form, placed) in uses {
            let name = loop {
                let name = format!("PX{number}");
                number += 1;
                if !x_objects.iter().any(|(key, _)| *key == *name.as_str()) {
                    break name;
                }
            };
            x_objects.set(name.as_str(), *form);
            if self.tagged {
                content.push_str("/Artifact BMC\n");
            }
            content.push_str("q ");
            for value in placed.matrix {
                content.push_str(&number_text(value));
                content.push(' ');
            }
            content.push_str(&format!("cm /{name} Do Q\n"));
            if self.tagged {
                content.push_str("EMC\n");
            }
            tail.stamps.push(Stamp {
                page: n,
                name,
                form: *form,
            });
        }
        let closing = self.put_plain_stream(content.as_bytes());

        let mut contents = vec![Object::Ref(opening)];
        contents.extend(self.contents_of(page)?);
        contents.push(Object::Ref(closing));
        resources.set("XObject", x_objects);
        let mut dict = page.dict.clone();
        dict.set("Contents", contents);
        dict.set("Resources", resources);
        self.objects.put_value(page.reference, &Object::Dict(dict));
        Ok(())
    }

    /// A page's content streams, as references.
    fn contents_of(&self, page: &Page) -> Result<Vec<Object>, Error> {
        let Some(contents) = page.dict.get("Contents") else {
            return Ok(Vec::new());
        };
        let resolved = self.document.resolve(contents)?;
        match (&*resolved, contents) {
            (Object::Array(items), _) => Ok(items
                .iter()
                .filter(|item| item.as_reference().is_some())
                .cloned()
                .collect()),
            (Object::Stream(_), Object::Ref(_)) => Ok(vec![contents.clone()]),
            (Object::Null, _) => Ok(Vec::new()),
            (other, _) => Err(self
                .document
                .malformed(format!("its /Contents is {}", other.kind()), page.reference)
                .into()),
        }
    }

    fn dict_of(&self, value: &Object) -> Result<Dict, Error> {
        match self.document.resolve(value)?.into_owned() {
            Object::Dict(dict) => Ok(dict),
            Object::Null => Ok(Dict::new()),
            other => Err(ReadError::refused(
                Code::Malformed,
                format!("{} where a resource dictionary is wanted", other.kind()),
                None,
            )
            .into()),
        }
    }

    fn put_plain_stream(&mut self, content: &[u8]) -> Ref {
        let id = self.objects.reserve();
        self.objects.put(|chunk| {
            chunk.stream(id, content);
        });
        old(id)
    }

    /// Writes the added pages and gives their numbers.
    fn add_pages(
        &mut self,
        added: Vec<AddedPage>,
        watermark: Option<Form>,
        tree: &PageTree,
        tail: &mut Tail,
    ) -> Vec<Ref> {
        use pdf_writer::Filter;
        let watermark = watermark.map(|form| {
            let id = form.id;
            tail.missing.extend(form.missing.iter());
            form.write(self.embedded, self.objects);
            id
        });
        let Some(parent) = tree.nodes.first().map(|node| node.reference) else {
            return Vec::new();
        };
        let mut kids = Vec::new();
        for (n, page) in added.into_iter().enumerate() {
            let page_id = self.objects.reserve();
            kids.push(old(page_id));
            tail.missing.extend(page.form.missing.iter());
            if let Some((area, form)) = page.seal {
                let form = form.with_matrix(widget_matrix(0));
                let top = f64::from(page.height);
                tail.missing.extend(form.missing.iter());
                tail.seal = Some(SealPlace {
                    page: old(page_id),
                    rect: [
                        area.x,
                        top - area.y - area.height,
                        area.x + area.width,
                        top - area.y,
                    ],
                    appearance: old(form.id),
                });
                form.write(self.embedded, self.objects);
            }
            let (width, height) = (page.width, page.height);
            let mut content = page.form.into_page(self.embedded);
            let drawn = self.objects.reserve();
            self.objects.put(|chunk| {
                chunk
                    .stream(drawn, &content.content)
                    .filter(Filter::FlateDecode);
            });
            let (mut before, mut after) = ("q\n".to_owned(), "Q\n".to_owned());
            if self.tagged {
                before.insert_str(0, "/Artifact BMC\n");
            }
            if let Some(form) = watermark {
                after.push_str("q /PX0 Do Q\n");
                content.pictures.push(("PX0".to_owned(), form));
                tail.stamps.push(Stamp {
                    page: tree.pages.len() + n,
                    name: "PX0".to_owned(),
                    form: old(form),
                });
            }
            if self.tagged {
                after.push_str("EMC\n");
            }
            let before = self.put_plain_stream(before.as_bytes());
            let after = self.put_plain_stream(after.as_bytes());
            let media_box: Vec<Object> = [0.0, 0.0, f64::from(width), f64::from(height)]
                .into_iter()
                .map(number)
                .collect();
            let mut resources = Dict::new();
            resources.set("Font", references(&content.fonts));
            resources.set("XObject", references(&content.pictures));
            // By hand: `/Parent` keeps its generation, which pdf-writer can't say.
            let mut dict = Dict::new();
            dict.set("Type", Name::from("Page"));
            dict.set("Parent", parent);
            dict.set("MediaBox", media_box.clone());
            dict.set("CropBox", media_box);
            dict.set("Rotate", 0_i64);
            dict.set("Resources", resources);
            dict.set(
                "Contents",
                vec![before.into(), old(drawn).into(), Object::Ref(after)],
            );
            self.objects.put_value(old(page_id), &Object::Dict(dict));
        }
        kids
    }

    /// Hangs the new pages on the root node and puts wrong `/Count`s right.
    fn patch_page_tree(&mut self, tree: &PageTree, kids: &[Ref]) -> Result<(), Error> {
        for (n, node) in tree.nodes.iter().enumerate() {
            let new_kids = if n == 0 { kids } else { &[] };
            let count = (node.pages + new_kids.len()) as i64;
            if node.count == Some(count) && new_kids.is_empty() {
                continue;
            }
            let Object::Dict(mut dict) = self.document.get(node.reference)? else {
                continue;
            };
            dict.set("Count", count);
            if !new_kids.is_empty() {
                let mut all = match &*self.document.value(&dict, "Kids")? {
                    Object::Array(items) => items.clone(),
                    _ => Vec::new(),
                };
                all.extend(new_kids.iter().map(|kid| Object::Ref(*kid)));
                match dict.get("Kids") {
                    // The smallest object that holds the list.
                    Some(Object::Ref(list)) => self.objects.put_value(*list, &Object::Array(all)),
                    _ => dict.set("Kids", all),
                }
            }
            self.objects.put_value(node.reference, &Object::Dict(dict));
        }
        Ok(())
    }

    /// `/Extensions /ESIC` announces CAdES signatures and the DSS (ETSI EN 319 142-1, 5.6); they, and what is drawn, are of
    /// PDF 1.7.
    fn patch_catalog(&mut self) -> Result<(), Error> {
        let mut catalog = self.document.root().clone();
        let mut extensions = match catalog.get("Extensions") {
            Some(extensions) => self.dict_of(extensions)?,
            None => Dict::new(),
        };
        if !extensions.has("ESIC") {
            let mut esic = Dict::new();
            esic.set("BaseVersion", Name::from("1.7"));
            esic.set("ExtensionLevel", 5_i64);
            extensions.set("ESIC", esic);
            catalog.set("Extensions", extensions);
        }
        let mut header = [0; 8];
        let read = self
            .document
            .source()
            .read_at(0, &mut header)
            .map_err(ReadError::from)?;
        let version = self.document.value(self.document.root(), "Version")?;
        let old_header = read == header.len()
            && header.starts_with(b"%PDF-1.")
            && header.last().is_some_and(|minor| *minor < b'7');
        let says = version
            .as_name()
            .is_some_and(|name| name.as_bytes() >= b"1.7".as_slice());
        if old_header && !says {
            catalog.set("Version", Name::from("1.7"));
        }
        self.objects
            .put_value(self.document.root_ref(), &Object::Dict(catalog));
        Ok(())
    }
}

/// A number for a content stream or array: no exponent, no more digits than matter.
pub(super) fn number_text(value: f64) -> String {
    let text = format!("{value:.5}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// A number as an object.
pub(super) fn number(value: f64) -> Object {
    let text = number_text(value);
    match text.parse::<i64>() {
        Ok(whole) => Object::Int(whole),
        Err(_) => Object::Real(Real::from_source(&text)),
    }
}

fn references(named: &[(String, pdf_writer::Ref)]) -> Dict {
    let mut dict = Dict::new();
    for (name, id) in named {
        dict.set(name.as_str(), old(*id));
    }
    dict
}

#[cfg(test)]
mod tests;
