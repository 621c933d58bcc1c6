//! The page tree and what pages inherit (ISO 32000-2, 7.7.3).

use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use super::document::Document;
use super::error::{Code, Error};
use super::object::{Dict, Object, Ref};
use super::source::ReadAt;

/// Pages nodes inside each other.
pub const DEPTH_MAX: usize = 256;
/// `/UserUnit`: with it a page of 14,400 units, the largest that readers show, is 15,000,000 inches wide, as Acrobat's is.
pub const USER_UNIT_MAX: f64 = 75_000.0;
/// Pages of a file that was taken in before, or that we wrote: far above what any intake accepts.
pub const PAGES_READ_MAX: usize = 100_000;

/// A rectangle in default user space, `x0 <= x1` and `y0 <= y1` (7.9.5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left.
    pub x0: f64,
    /// Bottom.
    pub y0: f64,
    /// Right.
    pub x1: f64,
    /// Top.
    pub y1: f64,
}

impl Rect {
    /// Width in user space units.
    pub fn width(&self) -> f64 {
        self.x1 - self.x0
    }

    /// Height in user space units.
    pub fn height(&self) -> f64 {
        self.y1 - self.y0
    }

    /// Whether it has an area.
    pub fn has_area(&self) -> bool {
        self.width() > 0.0 && self.height() > 0.0
    }

    /// What both have; without an area where they don't meet.
    pub fn intersect(&self, other: &Self) -> Self {
        Self {
            x0: self.x0.max(other.x0),
            y0: self.y0.max(other.y0),
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
        }
    }
}

/// A page with its attributes, inherited ones included.
#[derive(Clone, Debug)]
pub struct Page {
    /// The page object.
    pub reference: Ref,
    /// Its dictionary as it stands.
    pub dict: Dict,
    /// The node that lists it.
    pub parent: Ref,
    /// `/MediaBox`.
    pub media_box: Rect,
    /// What is shown: `/CropBox` within `/MediaBox`; the latter where they don't meet.
    pub crop_box: Rect,
    /// `/Rotate` clockwise: 0, 90, 180 or 270.
    pub rotate: u16,
    /// `/UserUnit`: points in a unit of user space; 1 by default. Not inheritable.
    pub user_unit: f64,
    /// `/Resources`, as it stands there (often a reference). Pages that inherit the same share it.
    pub resources: Option<Arc<Object>>,
    /// Whether `/Resources` stands in an ancestor.
    pub resources_inherited: bool,
}

impl Page {
    /// Width in points as a viewer shows it: turned and in true size.
    pub fn shown_width(&self) -> f64 {
        self.shown().0
    }

    /// Height in points as a viewer shows it.
    pub fn shown_height(&self) -> f64 {
        self.shown().1
    }

    fn shown(&self) -> (f64, f64) {
        let width = self.crop_box.width() * self.user_unit;
        let height = self.crop_box.height() * self.user_unit;
        match self.rotate {
            90 | 270 => (height, width),
            _ => (width, height),
        }
    }
}

/// A `/Pages` node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// The node.
    pub reference: Ref,
    /// Its `/Count`, if that is an integer.
    pub count: Option<i64>,
    /// The pages that are really below it.
    pub pages: usize,
}

/// All pages in order, and the nodes above them, root first.
#[derive(Clone, Debug)]
pub struct PageTree {
    /// In reading order; at least one.
    pub pages: Vec<Page>,
    /// In the order in which they are met; the first is the root.
    pub nodes: Vec<Node>,
}

/// What a node hands down (table 31).
#[derive(Clone, Default)]
struct Inherited {
    media_box: Option<Rect>,
    crop_box: Option<Rect>,
    rotate: Option<u16>,
    resources: Option<Arc<Object>>,
}

/// A node whose kids are being visited.
struct Open {
    node: usize,
    reference: Ref,
    kids: std::vec::IntoIter<Object>,
    inherited: Rc<Inherited>,
    /// How many pages there were before it.
    before: usize,
}

impl<R: ReadAt> Document<R> {
    /// Walks the whole page tree.
    ///
    /// # Errors
    /// [`Code::TooManyPages`] above `pages_max`; [`Code::Malformed`] for kids that are no references, come twice or
    /// lack their `/Type`, a page without a `/MediaBox` that has an area, `/Rotate` not a multiple of 90, no page at all.
    pub fn page_tree(&self, pages_max: usize) -> Result<PageTree, Error> {
        let Some(Object::Ref(root)) = self.root().get("Pages") else {
            return Err(self.malformed("the catalog's /Pages is no reference", self.root_ref()));
        };
        let mut tree = PageTree {
            pages: Vec::new(),
            nodes: Vec::new(),
        };
        let mut seen = HashSet::from([*root]);
        let Object::Dict(dict) = self.get(*root)? else {
            return Err(self.malformed("the root of the page tree is no dictionary", *root));
        };
        if !self.is_type(&dict, "Pages")? {
            return Err(self.malformed("the root of the page tree has no /Type /Pages", *root));
        }
        let mut open = vec![self.open_node(*root, &dict, &Inherited::default(), &mut tree)?];
        while let Some(top) = open.last_mut() {
            let Some(kid) = top.kids.next() else {
                if let Some(node) = tree.nodes.get_mut(top.node) {
                    node.pages = tree.pages.len() - top.before;
                }
                open.pop();
                continue;
            };
            let parent = top.reference;
            let Object::Ref(kid) = kid else {
                return Err(self.malformed("one of its /Kids is no reference", parent));
            };
            if !seen.insert(kid) {
                return Err(self.malformed("it is twice in the page tree", kid));
            }
            let Object::Dict(dict) = self.get(kid)? else {
                return Err(self.malformed(
                    format_args!("its kid {kid} in the page tree is no dictionary"),
                    parent,
                ));
            };
            let inherited = Rc::clone(&top.inherited);
            // Some readers inherit downwards along /Kids, others upwards along /Parent.
            if dict.get("Parent").and_then(Object::as_reference) != Some(parent) {
                return Err(self.malformed(
                    format_args!("its /Parent is not the node {parent} that lists it"),
                    kid,
                ));
            }
            if self.is_type(&dict, "Page")? {
                if tree.pages.len() == pages_max {
                    return Err(Error::refused(
                        Code::TooManyPages,
                        format!("the document has more than {pages_max} pages"),
                        self.offset_of(kid),
                    ));
                }
                tree.pages.push(self.page(kid, dict, parent, &inherited)?);
            } else if self.is_type(&dict, "Pages")? {
                if open.len() == DEPTH_MAX {
                    return Err(self.malformed(
                        format_args!("the page tree is more than {DEPTH_MAX} deep"),
                        kid,
                    ));
                }
                let node = self.open_node(kid, &dict, &inherited, &mut tree)?;
                open.push(node);
            } else {
                return Err(self.malformed(
                    "in the page tree, but its /Type is neither /Page nor /Pages",
                    kid,
                ));
            }
        }
        if tree.pages.is_empty() {
            return Err(self.malformed("the page tree has no page", *root));
        }
        Ok(tree)
    }

    fn open_node(
        &self,
        reference: Ref,
        dict: &Dict,
        inherited: &Inherited,
        tree: &mut PageTree,
    ) -> Result<Open, Error> {
        let Object::Array(kids) = self.value(dict, "Kids")?.into_owned() else {
            return Err(self.malformed("its /Kids is no array", reference));
        };
        let inherited = self.inherit(reference, dict, inherited)?.0;
        let node = tree.nodes.len();
        tree.nodes.push(Node {
            reference,
            count: self.value(dict, "Count")?.as_int(),
            pages: 0,
        });
        Ok(Open {
            node,
            reference,
            kids: kids.into_iter(),
            inherited: Rc::new(inherited),
            before: tree.pages.len(),
        })
    }

    /// What holds below `dict`, and whether its `/Resources` came from above.
    fn inherit(
        &self,
        reference: Ref,
        dict: &Dict,
        above: &Inherited,
    ) -> Result<(Inherited, bool), Error> {
        let own = dict.get("Resources");
        let inherited = Inherited {
            media_box: self.rect(reference, dict, "MediaBox")?.or(above.media_box),
            crop_box: self.rect(reference, dict, "CropBox")?.or(above.crop_box),
            rotate: self.rotate(reference, dict)?.or(above.rotate),
            resources: match own {
                Some(own) => Some(Arc::new(own.clone())),
                None => above.resources.clone(),
            },
        };
        Ok((inherited, own.is_none() && above.resources.is_some()))
    }

    fn page(
        &self,
        reference: Ref,
        dict: Dict,
        parent: Ref,
        inherited: &Inherited,
    ) -> Result<Page, Error> {
        let (own, resources_inherited) = self.inherit(reference, &dict, inherited)?;
        let media_box = own
            .media_box
            .filter(Rect::has_area)
            .ok_or_else(|| self.malformed("the page has no /MediaBox with an area", reference))?;
        let crop_box = own
            .crop_box
            .map(|crop| crop.intersect(&media_box))
            .filter(Rect::has_area)
            .unwrap_or(media_box);
        let unit = self.value(&dict, "UserUnit")?;
        let user_unit = match (unit.is_null(), unit.as_number()) {
            (true, _) => 1.0,
            (false, Some(unit)) if unit > 0.0 && unit <= USER_UNIT_MAX => unit,
            _ => {
                return Err(self.malformed(
                    format_args!("its /UserUnit is no number above 0 and up to {USER_UNIT_MAX}"),
                    reference,
                ));
            }
        };
        Ok(Page {
            reference,
            dict,
            parent,
            media_box,
            crop_box,
            rotate: own.rotate.unwrap_or(0),
            user_unit,
            resources: own.resources,
            resources_inherited,
        })
    }

    fn rect(&self, reference: Ref, dict: &Dict, key: &str) -> Result<Option<Rect>, Error> {
        let value = self.value(dict, key)?;
        if value.is_null() {
            return Ok(None);
        }
        let wrong = || self.malformed(format_args!("its /{key} is not four numbers"), reference);
        let corners = value.as_array().filter(|corners| corners.len() == 4);
        let mut numbers = [0.0; 4];
        for (number, corner) in numbers.iter_mut().zip(corners.ok_or_else(wrong)?) {
            *number = self.resolve(corner)?.as_number().ok_or_else(wrong)?;
        }
        let [a, b, c, d] = numbers;
        Ok(Some(Rect {
            x0: a.min(c),
            y0: b.min(d),
            x1: a.max(c),
            y1: b.max(d),
        }))
    }

    fn rotate(&self, reference: Ref, dict: &Dict) -> Result<Option<u16>, Error> {
        let value = self.value(dict, "Rotate")?;
        match (value.is_null(), value.as_int()) {
            (true, _) => Ok(None),
            (false, Some(turn)) if turn % 90 == 0 => Ok(Some(turn.rem_euclid(360) as u16)),
            _ => Err(self.malformed("its /Rotate is no multiple of 90", reference)),
        }
    }
}

#[cfg(test)]
mod tests;
