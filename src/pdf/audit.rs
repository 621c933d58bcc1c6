//! Everything that is reachable: each object must parse, and what an upload may not bring is found.
//!
//! The walk starts at `/Root` and `/Info` and follows every reference. Each object is met in a `Role` that the key it
//! hangs on gives it: `/AA` is a set of actions in a page, but a font's name in a resource dictionary. An object may be
//! met in several roles and is looked at once in each; being met as nothing special adds nothing to any other.

use std::collections::{BTreeMap, HashMap};

use super::document::Document;
use super::error::{Code, Error};
use super::object::{Dict, Object, Ref, shown};
use super::pages::PageTree;
use super::source::ReadAt;

mod finding;
mod intake;
mod role;
mod unseen;

pub use finding::{Finding, Kind};
pub use intake::{Inspection, PageSize, Warning, inspect};
use role::{Role, child};

/// Nodes of the form field tree inside each other, for inherited `/FT`.
const FIELD_DEPTH_MAX: usize = 256;
/// Findings that are kept; further ones are only counted.
pub const FINDINGS_MAX: usize = 1000;

/// Bounds of the product that the reader doesn't set itself.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Pages that a document may have.
    pub pages_max: usize,
}

/// What a walk over the whole file gives.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The page tree.
    pub tree: PageTree,
    /// What was found, in the order of the walk, at most [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// How many of each kind, also those that are not kept.
    pub counts: BTreeMap<Kind, usize>,
    /// Streams beside the pages' own that hold content: forms (8.10), tiling patterns (8.7.3), glyphs of Type 3 fonts (9.6.4).
    pub contents: Vec<Ref>,
    /// Indirect objects that are reachable.
    pub objects: usize,
}

impl Audit {
    /// The refusal that the findings of `code` amount to: their kinds with counts, the place of the first.
    pub fn refusal(&self, code: Code) -> Option<Error> {
        let first = self.findings.iter().find(|one| one.kind.code() == code)?;
        let kinds: Vec<String> = self
            .counts
            .iter()
            .filter(|(kind, _)| kind.code() == code)
            .map(|(kind, count)| format!("{kind} {count} x"))
            .collect();
        let object = first
            .object
            .map_or_else(|| "the trailer".into(), |object| format!("object {object}"));
        let page = first
            .page
            .map_or_else(String::new, |page| format!(" on page {page}"));
        Some(Error::refused(
            code,
            format!(
                "{}; the first is {} in {object}{page}",
                kinds.join(", "),
                first.detail
            ),
            first.offset,
        ))
    }
}

/// Reads everything reachable from `/Root` and `/Info`.
///
/// # Errors
/// [`Code::Malformed`] for the first object that doesn't parse or stream that doesn't end where it says;
/// [`Code::TooManyPages`]; never for what is merely found.
pub fn audit<R: ReadAt>(document: &Document<R>, limits: &Limits) -> Result<Audit, Error> {
    let tree = document.page_tree(limits.pages_max)?;
    let mut walk = Walk {
        document,
        pages: (1..)
            .zip(&tree.pages)
            .map(|(page, one)| (one.reference, page))
            .collect(),
        met: vec![0; document.xref().len()],
        special: Vec::new(),
        plain: Vec::new(),
        findings: Vec::new(),
        counts: BTreeMap::new(),
        contents: Vec::new(),
        objects: 0,
    };
    walk.signature_fields()?;
    walk.meet(document.root_ref(), Role::Catalog, None);
    // On top of the stack, page 1 first: so findings in annotations know their page.
    for page in tree.pages.iter().rev() {
        walk.meet(page.reference, Role::PageNode, None);
    }
    if let Some(info) = document.trailer().get("Info") {
        let trailer = Place {
            role: Role::Plain,
            object: None,
            page: None,
            is_first: true,
        };
        walk.value(info, trailer)?;
    }
    while let Some(visit) = walk.special.pop().or_else(|| walk.plain.pop()) {
        walk.visit(visit)?;
    }
    Ok(Audit {
        tree,
        findings: walk.findings,
        counts: walk.counts,
        contents: walk.contents,
        objects: walk.objects,
    })
}

/// The bit in [`Walk::met`] beside those of the roles: the object was looked at.
const LOOKED_AT: u16 = 1 << 15;

/// An object to look at.
struct Visit {
    reference: Ref,
    role: Role,
    page: Option<usize>,
}

/// The way through the file.
struct Walk<'a, R> {
    document: &'a Document<R>,
    pages: HashMap<Ref, usize>,
    /// For each entry of the cross-reference, a bit for each role in which it was met.
    met: Vec<u16>,
    /// First all that has a role, so that few objects are read twice.
    special: Vec<Visit>,
    plain: Vec<Visit>,
    findings: Vec<Finding>,
    counts: BTreeMap<Kind, usize>,
    contents: Vec<Ref>,
    objects: usize,
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place {
    role: Role,
    object: Option<Ref>,
    page: Option<usize>,
    /// Whether the object is looked at for the first time: what holds in any role is counted once.
    is_first: bool,
}

impl<R: ReadAt> Walk<'_, R> {
    /// Plans a visit, unless it adds nothing.
    fn meet(&mut self, reference: Ref, role: Role, page: Option<usize>) {
        // A number without an entry is null.
        let Some(place) = self.document.xref().place(reference.number) else {
            return;
        };
        let Some(met) = self.met.get_mut(place) else {
            return;
        };
        let bit = 1_u16 << role as u16;
        if *met & bit != 0 || (role == Role::Plain && *met != 0) {
            return;
        }
        if *met == 0 {
            self.objects += 1;
        }
        *met |= bit;
        let visit = Visit {
            reference,
            role,
            page,
        };
        match role {
            Role::Plain => self.plain.push(visit),
            _ => self.special.push(visit),
        }
    }

    fn visit(&mut self, visit: Visit) -> Result<(), Error> {
        let object = self.document.get(visit.reference)?;
        let met = self.document.xref().place(visit.reference.number);
        let is_first = met
            .and_then(|place| self.met.get_mut(place))
            .is_some_and(|met| std::mem::replace(met, *met | LOOKED_AT) & LOOKED_AT == 0);
        let page = match visit.role {
            Role::PageNode => self.pages.get(&visit.reference).copied(),
            _ => visit.page,
        };
        self.value(
            &object,
            Place {
                role: visit.role,
                object: Some(visit.reference),
                page,
                is_first,
            },
        )
    }

    /// Looks at a value and all direct ones in it, and plans visits of those it refers to.
    fn value(&mut self, object: &Object, at: Place) -> Result<(), Error> {
        let mut todo = vec![(object, at.role)];
        while let Some((object, role)) = todo.pop() {
            let place = Place { role, ..at };
            match object {
                Object::Ref(reference) => self.meet(*reference, role, at.page),
                // An array of annotations, kids, actions: each is what the array was expected to be.
                Object::Array(items) => {
                    let role = match role {
                        Role::OpenAction => Role::Plain,
                        role => role,
                    };
                    todo.extend(items.iter().rev().map(|item| (item, role)));
                }
                Object::Dict(dict) => {
                    self.dict(dict, place)?;
                    todo.extend(
                        dict.iter()
                            .map(|(key, value)| (value, child(role, key.as_bytes()))),
                    );
                }
                Object::Stream(stream) => {
                    self.dict(&stream.dict, place)?;
                    if place.is_first {
                        self.stream(&stream.dict, place)?;
                    }
                    todo.extend(stream.dict.iter().map(|(_, value)| (value, Role::Plain)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn found(&mut self, kind: Kind, detail: impl Into<String>, place: Place) {
        *self.counts.entry(kind).or_default() += 1;
        // The first of each kind is always kept: a refusal names it.
        if self.findings.len() < FINDINGS_MAX || self.counts.get(&kind) == Some(&1) {
            self.findings.push(Finding {
                kind,
                detail: detail.into(),
                object: place.object,
                page: place.page,
                offset: place
                    .object
                    .and_then(|object| self.document.offset_of(object)),
            });
        }
    }

    /// What a dictionary says in its role, and what it says in any.
    fn dict(&mut self, dict: &Dict, place: Place) -> Result<(), Error> {
        match place.role {
            Role::Catalog => self.catalog(dict, place)?,
            Role::Names => {
                if self.is_filled(dict, "EmbeddedFiles")? {
                    self.found(Kind::EmbeddedFiles, "/EmbeddedFiles", place);
                }
            }
            Role::PageNode => {
                self.additional_actions(dict, place)?;
                self.associated_files(dict, place)?;
            }
            Role::Annotation => self.annotation(dict, place)?,
            Role::Form => {
                if dict.has("XFA") && !self.document.value(dict, "XFA")?.is_null() {
                    self.found(Kind::Xfa, "/XFA", place);
                }
            }
            Role::OpenAction | Role::Action => self.action(dict, place)?,
            // Their values are actions, which are counted.
            Role::Plain
            | Role::ScriptNames
            | Role::NavigationNode
            | Role::OutlineItem
            | Role::Actions => {}
        }
        match place.is_first {
            true => self.anywhere(dict, place),
            false => Ok(()),
        }
    }

    /// What can be told without knowing where the dictionary hangs.
    fn anywhere(&mut self, dict: &Dict, place: Place) -> Result<(), Error> {
        if dict.has("ByteRange") && self.document.value(dict, "ByteRange")?.as_array().is_some() {
            self.found(Kind::ByteRange, "a dictionary with /ByteRange", place);
        }
        // A file specification (7.11.3): its files are streams under /EF.
        if let Object::Dict(files) = &*self.document.value(dict, "EF")? {
            let keys = ["F", "UF", "DOS", "Mac", "Unix"];
            if keys.iter().any(|key| files.has(key)) {
                self.found(Kind::EmbeddedFile, "a file specification with /EF", place);
            }
        }
        if dict.has("OCGs") && self.document.is_type(dict, "OCMD")? {
            self.layer_membership(dict, place)?;
        }
        if dict.has("CharProcs")
            && let Object::Dict(glyphs) = &*self.document.value(dict, "CharProcs")?
        {
            let streams = glyphs.iter().filter_map(|(_, glyph)| glyph.as_reference());
            self.contents.extend(streams);
        }
        // Structure elements (14.13.5) and DParts (14.12) may hang anywhere.
        if dict.has("AF")
            && (self.document.is_type(dict, "StructElem")?
                || self.document.is_type(dict, "DPart")?)
        {
            self.associated_files(dict, place)?;
        }
        // An action that says so, wherever a viewer may find it.
        if !matches!(place.role, Role::Action | Role::OpenAction)
            && dict.has("S")
            && self.document.is_type(dict, "Action")?
        {
            self.action(
                dict,
                Place {
                    role: Role::Action,
                    ..place
                },
            )?;
        }
        Ok(())
    }

    fn stream(&mut self, dict: &Dict, place: Place) -> Result<(), Error> {
        if dict.has("F") && !self.document.value(dict, "F")?.is_null() {
            self.found(Kind::ExternalStream, "a stream with /F", place);
        }
        let subtype = self.document.value(dict, "Subtype")?;
        let is_pattern = dict.has("PatternType") && dict.has("PaintType");
        if subtype.is_name("Form") || is_pattern {
            self.contents.extend(place.object);
        }
        if subtype.is_name("Image") {
            for side in ["Width", "Height"] {
                let size = self.document.value(dict, side)?;
                if size.as_int().is_none_or(|pixels| pixels <= 0) {
                    self.found(Kind::ImageSize, format!("an image's /{side}"), place);
                }
            }
        }
        if subtype.is_name("Image") && self.is_filled(dict, "Alternates")? {
            self.found(Kind::AlternateImage, "/Alternates", place);
        }
        if subtype.is_name("Form") && self.is_filled(dict, "Ref")? {
            self.found(Kind::ReferenceXObject, "/Ref", place);
        }
        if subtype.is_name("Image") || subtype.is_name("Form") {
            self.associated_files(dict, place)?;
        }
        Ok(())
    }

    fn catalog(&mut self, dict: &Dict, place: Place) -> Result<(), Error> {
        if self.document.value(dict, "NeedsRendering")?.as_bool() == Some(true) {
            self.found(Kind::DynamicXfa, "/NeedsRendering true", place);
        }
        if self.is_filled(dict, "Perms")? {
            self.found(Kind::Permissions, "/Perms", place);
        }
        if matches!(*self.document.value(dict, "Collection")?, Object::Dict(_)) {
            self.found(Kind::Collection, "/Collection", place);
        }
        self.layers(dict, place)?;
        self.additional_actions(dict, place)?;
        self.associated_files(dict, place)
    }

    fn annotation(&mut self, dict: &Dict, place: Place) -> Result<(), Error> {
        self.additional_actions(dict, place)?;
        self.associated_files(dict, place)?;
        let subtype = self.document.value(dict, "Subtype")?;
        if let Some(name) = subtype.as_name()
            && matches!(
                name.as_bytes(),
                b"FileAttachment" | b"Sound" | b"Movie" | b"Screen" | b"3D" | b"RichMedia"
            )
        {
            self.found(
                Kind::MediaAnnotation,
                format!("an annotation {name}"),
                place,
            );
            return Ok(());
        }
        self.unseen_annotation(dict, place)
    }

    fn action(&mut self, dict: &Dict, place: Place) -> Result<(), Error> {
        let kind = self.document.value(dict, "S")?;
        let Some(name) = kind.as_name() else {
            return Ok(());
        };
        let detail = format!("an action {name}");
        match name.as_bytes() {
            b"GoTo" => {}
            b"JavaScript" => self.found(Kind::JavaScript, detail, place),
            b"Launch" | b"SubmitForm" | b"ResetForm" | b"ImportData" | b"GoToR" | b"GoToE"
            | b"Thread" | b"Sound" | b"Movie" | b"Hide" | b"SetOCGState" | b"GoTo3DView"
            | b"RichMediaExecute" => self.found(Kind::Action, detail, place),
            b"Rendition" => self.found(Kind::Action, detail, place),
            b"URI" if place.role != Role::OpenAction => {
                let uri = self.document.value(dict, "URI")?;
                if let Some(refused) = refused_uri(&uri) {
                    self.found(Kind::Uri, refused, place);
                }
            }
            _ if place.role == Role::OpenAction => self.found(Kind::OpenAction, detail, place),
            _ => {}
        }
        Ok(())
    }

    fn additional_actions(&mut self, dict: &Dict, place: Place) -> Result<(), Error> {
        if self.is_filled(dict, "AA")? {
            self.found(Kind::AdditionalActions, "/AA", place);
        }
        Ok(())
    }

    fn associated_files(&mut self, dict: &Dict, place: Place) -> Result<(), Error> {
        if self.is_filled(dict, "AF")? {
            self.found(Kind::AssociatedFile, "/AF", place);
        }
        Ok(())
    }

    /// Whether `key` is an array or dictionary with something in it.
    fn is_filled(&self, dict: &Dict, key: &str) -> Result<bool, Error> {
        Ok(match &*self.document.value(dict, key)? {
            Object::Array(items) => items.iter().any(|item| !item.is_null()),
            Object::Dict(dict) => dict.iter().any(|(_, value)| !value.is_null()),
            _ => false,
        })
    }

    /// Walks the field tree from the form's `/Fields`: `/FT` may stand in an ancestor (12.7.4.1).
    fn signature_fields(&mut self) -> Result<(), Error> {
        let document = self.document;
        let form = document.value(document.root(), "AcroForm")?;
        let Some(form) = form.as_dict() else {
            return Ok(());
        };
        let fields = document.value(form, "Fields")?.into_owned();
        let mut todo = vec![(fields, None, false, 0)];
        let mut seen = vec![false; document.xref().len()];
        while let Some((value, object, is_signature, depth)) = todo.pop() {
            match value {
                Object::Ref(reference) => {
                    let place = document.xref().place(reference.number);
                    if let Some(seen) = place.and_then(|place| seen.get_mut(place))
                        && !std::mem::replace(seen, true)
                    {
                        let value = document.get(reference)?;
                        todo.push((value, Some(reference), is_signature, depth));
                    }
                }
                Object::Array(items) => todo.extend(
                    items
                        .into_iter()
                        .map(|item| (item, object, is_signature, depth)),
                ),
                Object::Dict(field) => {
                    let kind = document.value(&field, "FT")?;
                    let is_signature = match kind.as_name() {
                        Some(name) => *name == "Sig",
                        None => is_signature,
                    };
                    let place = Place {
                        role: Role::Annotation,
                        object,
                        page: None,
                        is_first: false,
                    };
                    if is_signature && !document.value(&field, "V")?.is_null() {
                        self.found(Kind::SignedField, "a signature field with /V", place);
                    } else if is_signature && !field.has("Kids") {
                        self.found(
                            Kind::EmptySignature,
                            "a signature field to be filled",
                            place,
                        );
                    }
                    if let Some(kids) = field.get("Kids") {
                        if depth == FIELD_DEPTH_MAX {
                            return Err(document.malformed(
                                format_args!("form fields more than {FIELD_DEPTH_MAX} deep"),
                                object.unwrap_or(document.root_ref()),
                            ));
                        }
                        todo.push((kids.clone(), object, is_signature, depth + 1));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Why the address of a URI action is refused: all but http, https and mailto with a colon (RFC 3986, 3.1).
fn refused_uri(uri: &Object) -> Option<String> {
    let bytes = uri.as_string().unwrap_or_default();
    let scheme: Vec<u8> = bytes
        .iter()
        .take_while(|byte| **byte != b':')
        .take(16)
        .map(u8::to_ascii_lowercase)
        .collect();
    let has_colon = bytes.get(scheme.len()) == Some(&b':');
    if has_colon && matches!(scheme.as_slice(), b"http" | b"https" | b"mailto") {
        return None;
    }
    Some(format!("a URI action to \"{}\"", shown(bytes)))
}

#[cfg(test)]
mod tests;
