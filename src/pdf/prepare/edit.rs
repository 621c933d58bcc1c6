//! Changing what the original has, by the smallest objects: pages that get stamps, the root of the page tree, the catalog.

use std::collections::BTreeMap;

use super::{
    BALANCE_MAX, Balance, Error, Plan, SealPlace, Stamp, Stamping, Tail, number, number_text,
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

fn references(named: &[(String, pdf_writer::Ref)]) -> Dict {
    let mut dict = Dict::new();
    for (name, id) in named {
        dict.set(name.as_str(), old(*id));
    }
    dict
}
