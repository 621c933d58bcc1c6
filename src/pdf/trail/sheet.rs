//! Pages, their marks and the structure above them: first everything is laid out, then drawn, as the footer knows the
//! number of pages only then.

use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, ContentTag, Identifier, Node, TagGroup, TagKind, TagTree,
};
use krilla::{Document, SerializeSettings};

use super::draw::{draw_line, fill};
use super::letters::{Cut, Letters, Line};

/// A4 in points.
pub(super) const PAGE_WIDTH: f32 = 595.28;
const PAGE_HEIGHT: f32 = 841.89;
/// Left and right.
pub(super) const MARGIN: f32 = 48.0;
const TOP: f32 = 52.0;
const BOTTOM: f32 = 56.0;
/// What a line of text may fill.
pub(super) const TEXT_WIDTH: f32 = PAGE_WIDTH - 2.0 * MARGIN;

/// Red, green, blue.
pub(super) type Colour = (u8, u8, u8);

/// How a text looks.
#[derive(Clone, Copy)]
pub(super) struct Ink {
    pub(super) cut: Cut,
    /// Points.
    pub(super) size: f32,
    pub(super) colour: Colour,
    /// From baseline to baseline, in points.
    pub(super) leading: f32,
}

/// A shaped line and its look.
#[derive(Clone)]
pub(super) struct Set {
    pub(super) line: Line,
    pub(super) ink: Ink,
}

/// An element of the structure tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Elem(usize);

struct ElemNode {
    tag: Option<TagKind>,
    kids: Vec<Elem>,
    marks: Vec<Identifier>,
}

enum Op {
    Text {
        /// `None`: an artifact.
        elem: Option<Elem>,
        set: Set,
        x: f32,
        baseline: f32,
    },
    Box {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        colour: Colour,
    },
}

/// A cell of a row: lines under each other.
pub(super) struct Cell {
    pub(super) elem: Elem,
    pub(super) x: f32,
    pub(super) lines: Vec<Set>,
}

struct Chapter {
    title: String,
    page: usize,
    y: f32,
    under: bool,
}

/// The document while it is laid out.
pub(super) struct Sheet<'a> {
    pub(super) letters: &'a Letters<'a>,
    pages: Vec<Vec<Op>>,
    /// Where the next thing goes, from the top of the page.
    pub(super) y: f32,
    elems: Vec<ElemNode>,
    chapters: Vec<Chapter>,
    /// Drawn again at the top of each page while a table goes on.
    running_head: Vec<(f32, Set)>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(letters: &'a Letters<'a>) -> Self {
        Self {
            letters,
            pages: vec![Vec::new()],
            y: TOP,
            elems: vec![ElemNode {
                tag: None,
                kids: Vec::new(),
                marks: Vec::new(),
            }],
            chapters: Vec::new(),
            running_head: Vec::new(),
        }
    }

    /// The root of the structure.
    pub(super) const ROOT: Elem = Elem(0);

    pub(super) fn elem(&mut self, parent: Elem, tag: impl Into<TagKind>) -> Elem {
        let new = Elem(self.elems.len());
        self.elems.push(ElemNode {
            tag: Some(tag.into()),
            kids: Vec::new(),
            marks: Vec::new(),
        });
        if let Some(parent) = self.elems.get_mut(parent.0) {
            parent.kids.push(new);
        }
        new
    }

    /// An entry of the outline that leads here; `under` the one before it.
    pub(super) fn chapter(&mut self, title: &str, under: bool) {
        self.chapters.push(Chapter {
            title: title.to_owned(),
            page: self.pages.len() - 1,
            y: self.y,
            under,
        });
    }

    fn push(&mut self, op: Op) {
        if let Some(page) = self.pages.last_mut() {
            page.push(op);
        }
    }

    /// Points left on this page.
    fn left(&self) -> f32 {
        PAGE_HEIGHT - BOTTOM - self.y
    }

    fn turn_page(&mut self) {
        self.pages.push(Vec::new());
        self.y = TOP;
        if !self.running_head.is_empty() {
            let head = self.running_head.clone();
            self.draw_head(head.iter().map(|(x, set)| (*x, None, set)));
        }
    }

    /// A new page unless `height` points are left.
    pub(super) fn need(&mut self, height: f32) {
        if self.left() < height {
            self.turn_page();
        }
    }

    pub(super) fn space(&mut self, points: f32) {
        self.y += points;
    }

    pub(super) fn wrap(&self, text: &str, ink: Ink, width: f32) -> Vec<Set> {
        self.letters
            .wrap(text, ink.cut, width / ink.size)
            .into_iter()
            .map(|line| Set { line, ink })
            .collect()
    }

    /// Lines under each other from here; they may run over pages.
    pub(super) fn lines(&mut self, elem: Option<Elem>, x: f32, lines: Vec<Set>) {
        for set in lines {
            self.need(set.ink.leading);
            let baseline = self.y + set.ink.size;
            self.y += set.ink.leading;
            self.push(Op::Text {
                elem,
                set,
                x,
                baseline,
            });
        }
    }

    pub(super) fn rule(&mut self, colour: Colour, height: f32) {
        self.fill(MARGIN, self.y, TEXT_WIDTH, height, colour);
        self.y += height;
    }

    pub(super) fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, colour: Colour) {
        self.push(Op::Box {
            x,
            y,
            width,
            height,
            colour,
        });
    }

    /// Begins a table whose head is drawn again on each page that it reaches.
    pub(super) fn table_head(&mut self, cells: &[(f32, Elem, Set)], room: f32) {
        self.need(HEAD_HEIGHT + room);
        self.draw_head(cells.iter().map(|(x, elem, set)| (*x, Some(*elem), set)));
        self.running_head = cells.iter().map(|(x, _, set)| (*x, set.clone())).collect();
    }

    pub(super) fn table_end(&mut self) {
        self.running_head.clear();
    }

    fn draw_head<'s>(&mut self, cells: impl Iterator<Item = (f32, Option<Elem>, &'s Set)>) {
        self.fill(MARGIN, self.y, TEXT_WIDTH, HEAD_HEIGHT, HEAD_COLOUR);
        let baseline = self.y + 11.5;
        let sets: Vec<_> = cells.map(|(x, elem, set)| (x, elem, set.clone())).collect();
        for (x, elem, set) in sets {
            self.push(Op::Text {
                elem,
                set,
                x,
                baseline,
            });
        }
        self.y += HEAD_HEIGHT;
    }

    /// A row: `cells` side by side, then `under` below them. It stays on one page unless it is higher than a page.
    pub(super) fn row(&mut self, cells: Vec<Cell>, under: Option<Cell>, padding: f32, zebra: bool) {
        let height_of = |lines: &[Set]| lines.iter().map(|set| set.ink.leading).sum::<f32>();
        let beside = cells
            .iter()
            .map(|c| height_of(&c.lines))
            .fold(0.0, f32::max);
        let below = under.as_ref().map_or(0.0, |c| height_of(&c.lines));
        let height = beside + below + 2.0 * padding;
        let page = PAGE_HEIGHT - TOP - BOTTOM - HEAD_HEIGHT;
        if height <= page {
            self.need(height);
            if zebra {
                self.fill(MARGIN, self.y, TEXT_WIDTH, height, ZEBRA_COLOUR);
            }
            let top = self.y + padding;
            for cell in cells {
                self.cell_at(cell, top);
            }
            if let Some(under) = under {
                self.cell_at(under, top + beside);
            }
            self.y = top + beside + below + padding;
        } else {
            // Higher than a page: one cell after the other, over as many pages as it takes.
            self.space(padding);
            for cell in cells.into_iter().chain(under) {
                self.lines(Some(cell.elem), cell.x, cell.lines);
            }
            self.space(padding);
        }
    }

    fn cell_at(&mut self, cell: Cell, mut y: f32) {
        for set in cell.lines {
            // By leading, so that cells of one leading stand on one line whatever their size.
            let baseline = y + 0.72 * set.ink.leading;
            y += set.ink.leading;
            self.push(Op::Text {
                elem: Some(cell.elem),
                set,
                x: cell.x,
                baseline,
            });
        }
    }

    /// Draws all pages. `footer` gives the line at the foot's left and right for a page and the number of pages.
    pub(super) fn finish(
        mut self,
        settings: SerializeSettings,
        metadata: krilla::metadata::Metadata,
        footer_ink: Ink,
        footer: impl Fn(usize, usize) -> (String, String),
    ) -> Option<Document> {
        let mut document = Document::new_with(settings);
        let count = self.pages.len();
        for (index, ops) in std::mem::take(&mut self.pages).into_iter().enumerate() {
            let mut page =
                document.start_page_with(PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT)?);
            let mut surface = page.surface();
            let (left, right) = footer(index + 1, count);
            let foot = PAGE_HEIGHT - 30.0;
            self.draw(
                &mut surface,
                Op::Box {
                    x: MARGIN,
                    y: foot - 14.0,
                    width: TEXT_WIDTH,
                    height: 0.5,
                    colour: RULE_COLOUR,
                },
            );
            for (text, at_right) in [(left, false), (right, true)] {
                let line = self.letters.shape(&text, footer_ink.cut);
                let width = line.width() * footer_ink.size;
                let x = if at_right {
                    PAGE_WIDTH - MARGIN - width
                } else {
                    MARGIN
                };
                let set = Set {
                    line,
                    ink: footer_ink,
                };
                surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(
                    ArtifactType::Footer,
                )));
                draw_line(&mut surface, &set, x, foot, None);
                surface.end_tagged();
            }
            for op in ops {
                self.draw(&mut surface, op);
            }
            surface.finish();
            page.finish();
        }
        document.set_metadata(metadata);
        document.set_outline(self.outline());
        let mut tree = TagTree::new();
        for node in self.tree() {
            tree.push(node);
        }
        document.set_tag_tree(tree);
        Some(document)
    }

    fn draw(&mut self, surface: &mut Surface<'_>, op: Op) {
        match op {
            Op::Box {
                x,
                y,
                width,
                height,
                colour,
            } => {
                surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(
                    ArtifactType::Layout,
                )));
                if let Some(rect) = Rect::from_xywh(x, y, width, height) {
                    let mut path = PathBuilder::new();
                    path.push_rect(rect);
                    if let Some(path) = path.finish() {
                        surface.set_stroke(None);
                        surface.set_fill(Some(fill(colour)));
                        surface.draw_path(&path);
                    }
                }
                surface.end_tagged();
            }
            Op::Text {
                elem,
                set,
                x,
                baseline,
            } => {
                let Some(node) = elem.and_then(|elem| self.elems.get_mut(elem.0)) else {
                    surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(
                        ArtifactType::PaginationOther,
                    )));
                    draw_line(surface, &set, x, baseline, None);
                    surface.end_tagged();
                    return;
                };
                draw_line(surface, &set, x, baseline, Some(&mut node.marks));
            }
        }
    }

    fn outline(&self) -> Outline {
        let mut outline = Outline::new();
        let mut open: Option<OutlineNode> = None;
        for chapter in &self.chapters {
            let to = XyzDestination::new(chapter.page, Point::from_xy(MARGIN, chapter.y));
            let node = OutlineNode::new(chapter.title.clone(), to).with_open(true);
            match &mut open {
                Some(above) if chapter.under => above.push_child(node),
                _ => {
                    if let Some(done) = open.replace(node) {
                        outline.push_child(done);
                    }
                }
            }
        }
        if let Some(done) = open {
            outline.push_child(done);
        }
        outline
    }

    /// The structure, built from the last element to the first: every child has a higher number than its parent.
    fn tree(&mut self) -> Vec<Node> {
        let mut done: Vec<Option<Node>> = Vec::new();
        done.resize_with(self.elems.len(), || None);
        let mut roots = Vec::new();
        for index in (0..self.elems.len()).rev() {
            let Some(elem) = self.elems.get_mut(index) else {
                continue;
            };
            let mut children: Vec<Node> = std::mem::take(&mut elem.marks)
                .into_iter()
                .map(Node::Leaf)
                .collect();
            for kid in &elem.kids {
                children.extend(done.get_mut(kid.0).and_then(Option::take));
            }
            match elem.tag.take() {
                Some(tag) => {
                    let group = TagGroup::with_children(tag, children);
                    if let Some(slot) = done.get_mut(index) {
                        *slot = Some(Node::Group(group));
                    }
                }
                None => roots = children,
            }
        }
        roots
    }
}

/// Height of a table's head, in points.
const HEAD_HEIGHT: f32 = 17.0;
const HEAD_COLOUR: Colour = (0xE8, 0xED, 0xF3);
const ZEBRA_COLOUR: Colour = (0xF6, 0xF8, 0xFA);
pub(super) const RULE_COLOUR: Colour = (0xD0, 0xD7, 0xDE);
