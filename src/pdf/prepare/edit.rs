//! Changing what the original has, by the smallest objects: pages that get stamps, the root of the page tree, the catalog.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{
    Balance, Error, OPEN_MAX, Plan, STAMP_PREFIX, SealPlace, Stamp, Stamping, Tail, number,
    number_text,
};
use crate::pdf::added::AddedPage;
use crate::pdf::appearance::Form;
use crate::pdf::document::Document;
use crate::pdf::error::{Code, Error as ReadError};
use crate::pdf::object::{Dict, Name, Object, Ref};
use crate::pdf::pages::{Page, PageTree};
use crate::pdf::place::{Placed, widget_matrix};
use crate::pdf::source::ReadAt;
use crate::pdf::text::Embedded;
use crate::pdf::update::{Objects, old};

/// Rewrites the original's pages, page tree and catalog, and writes the new pages.
pub(super) struct Editor<'a, R> {
    pub(super) document: &'a Document<R>,
    pub(super) objects: &'a mut Objects,
    pub(super) embedded: &'a Embedded,
    pub(super) tagged: bool,
}

impl<R: ReadAt> Editor<'_, R> {
    pub(super) fn stamp_pages(
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
        let mut resources = self.stamped_resources(tree, &by_page)?;
        // Most pages are balanced and share one object.
        let mut openings: BTreeMap<u32, Ref> = BTreeMap::new();
        for (n, uses) in by_page {
            let Some(page) = tree.pages.get(n) else {
                continue;
            };
            let balance = plan.balance.get(n).copied().unwrap_or_default();
            let opened = 1 + balance.unopened.min(OPEN_MAX);
            let opening = *openings.entry(opened).or_insert_with(|| {
                let content = "q\n".repeat(opened as usize);
                self.put_plain_stream(content.as_bytes())
            });
            let Some(patched) = resources.get_mut(&Origin::of(page, n)) else {
                continue;
            };
            self.stamp_page(page, n, (opening, balance), &uses, patched, tail)?;
        }
        Ok(())
    }

    /// The resources of all stamped pages, with the stamps in them. Those that several pages share, by reference or by
    /// inheritance, stay one object: written again for each page they would multiply the file.
    fn stamped_resources(
        &mut self,
        tree: &PageTree,
        by_page: &BTreeMap<usize, Vec<(Ref, Placed)>>,
    ) -> Result<HashMap<Origin, Patched>, Error> {
        let mut all: HashMap<Origin, Patched> = HashMap::new();
        let mut shared = Vec::new();
        for (n, uses) in by_page {
            let Some(page) = tree.pages.get(*n) else {
                continue;
            };
            let origin = Origin::of(page, *n);
            let patched = match all.entry(origin) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    if !matches!(origin, Origin::Own(_)) {
                        shared.push(origin);
                    }
                    let dict = match page.resources.as_deref() {
                        Some(resources) => dict_of(self.document, resources)?,
                        None => Dict::new(),
                    };
                    let x_objects = match dict.get("XObject") {
                        Some(x_objects) => dict_of(self.document, x_objects)?,
                        None => Dict::new(),
                    };
                    new.insert(Patched {
                        value: Object::Null,
                        dict,
                        x_objects,
                        names: HashMap::new(),
                        number: 0,
                    })
                }
            };
            for (form, _) in uses {
                patched.name(*form);
            }
        }
        for origin in shared {
            if let Some(patched) = all.get_mut(&origin) {
                let id = self.objects.reserve_ref();
                self.objects
                    .put_value(id, &Object::Dict(patched.finished()));
                patched.value = Object::Ref(id);
            }
        }
        Ok(all)
    }

    fn stamp_page(
        &mut self,
        page: &Page,
        n: usize,
        (opening, balance): (Ref, Balance),
        uses: &[(Ref, Placed)],
        resources: &mut Patched,
        tail: &mut Tail,
    ) -> Result<(), Error> {
        let mut content = closing(balance);
        for (form, placed) in uses {
            let name = resources.name(*form);
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
                matrix: placed.matrix,
            });
        }
        let closing = self.put_plain_stream(content.as_bytes());

        let mut contents = vec![Object::Ref(opening)];
        contents.extend(self.contents_of(page)?);
        contents.push(Object::Ref(closing));
        let mut dict = page.dict.clone();
        dict.set("Contents", contents);
        dict.set(
            "Resources",
            match &resources.value {
                Object::Null => Object::Dict(resources.finished()),
                shared => shared.clone(),
            },
        );
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

    fn put_plain_stream(&mut self, content: &[u8]) -> Ref {
        let id = self.objects.reserve();
        self.objects.put(|chunk| {
            chunk.stream(id, content);
        });
        old(id)
    }

    /// Writes the added pages and gives their numbers.
    pub(super) fn add_pages(
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
                let name = format!("{STAMP_PREFIX}0");
                after.push_str(&format!("q /{name} Do Q\n"));
                content.pictures.push((name.clone(), form));
                tail.stamps.push(Stamp {
                    page: tree.pages.len() + n,
                    name,
                    form: old(form),
                    matrix: [1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
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
    pub(super) fn patch_page_tree(&mut self, tree: &PageTree, kids: &[Ref]) -> Result<(), Error> {
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
    pub(super) fn patch_catalog(&mut self) -> Result<(), Error> {
        let mut catalog = self.document.root().clone();
        // Of signatures that the file does not have: beside a seal they would pass for its own.
        catalog.remove("DSS");
        let mut extensions = match catalog.get("Extensions") {
            Some(extensions) => dict_of(self.document, extensions)?,
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

/// Where a page's resources stand: pages of one origin get one patched object.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Origin {
    /// In an object of their own.
    Object(Ref),
    /// In a node above the page: by the address of what it hands down.
    Inherited(usize),
    /// In the page, or nowhere.
    Own(usize),
}

impl Origin {
    fn of(page: &Page, n: usize) -> Self {
        match &page.resources {
            Some(resources) => match &**resources {
                Object::Ref(reference) => Self::Object(*reference),
                _ if page.resources_inherited => Self::Inherited(Arc::as_ptr(resources) as usize),
                _ => Self::Own(n),
            },
            None => Self::Own(n),
        }
    }
}

/// Resources with stamps in them.
struct Patched {
    /// What pages refer to; null where the page has them itself.
    value: Object,
    dict: Dict,
    x_objects: Dict,
    names: HashMap<Ref, String>,
    number: usize,
}

impl Patched {
    /// The form's name, a new one that nothing else has where it has none yet.
    fn name(&mut self, form: Ref) -> String {
        if let Some(name) = self.names.get(&form) {
            return name.clone();
        }
        let name = loop {
            let name = format!("{STAMP_PREFIX}{}", self.number);
            self.number += 1;
            if !self.x_objects.has(&name) {
                break name;
            }
        };
        self.x_objects.set(name.as_str(), form);
        self.names.insert(form, name.clone());
        name
    }

    fn finished(&self) -> Dict {
        let mut dict = self.dict.clone();
        dict.set("XObject", self.x_objects.clone());
        dict
    }
}

fn dict_of<R: ReadAt>(document: &Document<R>, value: &Object) -> Result<Dict, Error> {
    match document.resolve(value)?.into_owned() {
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

/// Closes what a page's content leaves open, and the `q` before it. A line of its own: the content may end in a comment.
fn closing(balance: Balance) -> String {
    let mut content = "\n".to_owned();
    if balance.in_path {
        content.push_str("n\n");
    }
    content.push_str(&"EMC\n".repeat(balance.marked.min(OPEN_MAX) as usize));
    if balance.in_text {
        content.push_str("ET\n");
    }
    content.push_str(&"Q\n".repeat(1 + balance.unclosed.min(OPEN_MAX) as usize));
    content
}

fn references(named: &[(String, pdf_writer::Ref)]) -> Dict {
    let mut dict = Dict::new();
    for (name, id) in named {
        dict.set(name.as_str(), old(*id));
    }
    dict
}
