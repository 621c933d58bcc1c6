//! What a file says: pages and their boxes, resources, forms, notes, outlines, layers, tags, and what later revisions change.

use super::Chance;
use super::layout::{Content, Revision, Thing};
use super::spelling::{Value, dict, ints, name, text};
use std::collections::{BTreeMap, BTreeSet};

/// What a producer uses.
#[derive(Clone, Copy)]
pub struct Features(Option<&'static [&'static str]>);

impl Features {
    /// Everything that there is.
    pub const ALL: Self = Self(None);

    /// These.
    pub const fn of(names: &'static [&'static str]) -> Self {
        Self(Some(names))
    }

    fn has(self, name: &str) -> bool {
        self.0.is_none_or(|names| names.contains(&name))
    }
}

struct Page {
    number: u32,
    contents: Vec<u32>,
    annotations: Vec<u32>,
    entries: Vec<(String, Value)>,
}

struct Draft<'a> {
    chance: &'a mut Chance,
    features: Features,
    things: BTreeMap<u32, Thing>,
    visible: BTreeSet<u32>,
    next: u32,
    font: u32,
    pages: Vec<Page>,
    /// Text fields of the form that an update may fill.
    text_fields: Vec<u32>,
    catalog: Vec<(String, Value)>,
}

type Entries = Vec<(String, Value)>;

fn entries<const N: usize>(of: [(&str, Value); N]) -> Entries {
    of.into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// A document, and at most so many updates of it.
pub fn make(chance: &mut Chance, features: Features, updates_max: u8) -> Content {
    let mut draft = Draft {
        chance,
        features,
        things: BTreeMap::new(),
        visible: BTreeSet::new(),
        next: 1,
        font: 0,
        pages: Vec::new(),
        text_fields: Vec::new(),
        catalog: Vec::new(),
    };
    let root = draft.number();
    draft.font();
    draft.pages();
    draft.annotations();
    draft.form();
    draft.catalog_entries();
    draft.tags();
    draft.write_pages();
    let catalog = Value::Dict(std::mem::take(&mut draft.catalog));
    draft.put(root, catalog);
    let info = draft.has("info").then(|| draft.info());
    draft.visible.extend(info);
    draft.visible.insert(root);
    let unused = draft.unused();
    let first = Revision {
        things: std::mem::take(&mut draft.things),
        freed: Vec::new(),
    };
    let mut revisions = vec![first];
    for _ in 0..draft
        .chance
        .between(i64::from(updates_max / 2), i64::from(updates_max))
    {
        let freed = std::mem::take(&mut draft.things);
        assert!(freed.is_empty(), "what an update changes is put into it");
        let revision = draft.update(&revisions, info, unused);
        revisions.push(revision);
    }
    Content {
        pages: draft.pages.len(),
        visible: draft.visible,
        revisions,
        root,
        info,
    }
}

impl Draft<'_> {
    fn has(&mut self, feature: &str) -> bool {
        self.features.has(feature) && self.chance.percent(85)
    }

    /// A new number; some programs leave gaps.
    fn number(&mut self) -> u32 {
        let number = self.next;
        self.next += if self.chance.percent(10) { 3 } else { 1 };
        number
    }

    fn put(&mut self, number: u32, value: Value) {
        self.things.insert(number, Thing { value, data: None });
    }

    fn add(&mut self, value: Value) -> u32 {
        let number = self.number();
        self.put(number, value);
        number
    }

    fn add_stream(&mut self, value: Value, data: &[u8]) -> u32 {
        let number = self.number();
        let data = Some(data.to_vec());
        self.things.insert(number, Thing { value, data });
        number
    }

    fn font(&mut self) {
        let base = self.chance.pick(&["Helvetica", "Times-Roman", "Courier"]);
        let mut font = entries([
            ("Type", name("Font")),
            ("Subtype", name("Type1")),
            ("BaseFont", name(base)),
        ]);
        if self.chance.percent(50) {
            let differences = Value::Array(vec![Value::Int(65), name("A"), name("B"), name("C")]);
            let encoding = dict([
                ("Type", name("Encoding")),
                ("BaseEncoding", name("WinAnsiEncoding")),
                ("Differences", differences),
            ]);
            font.push(("Encoding".to_owned(), encoding));
        }
        self.font = self.add(Value::Dict(font));
        self.visible.insert(self.font);
    }

    // ---------------------------------------------------------------- pages

    /// The page tree with what its nodes hand down (7.7.3.4), and the pages but for what hangs on them.
    fn pages(&mut self) {
        let count = self.chance.between(1, 4) as usize;
        let is_nested = self.has("nested") && count > 1;
        let top = self.number();
        self.visible.insert(top);
        self.catalog.extend(entries([
            ("Type", name("Catalog")),
            ("Pages", Value::Ref(top)),
        ]));
        let mut node = entries([("Type", name("Pages"))]);
        let hands_down = self.chance.percent(40);
        if hands_down {
            let resources = self.resources();
            node.push(("Resources".to_owned(), resources));
            node.push(("MediaBox".to_owned(), ints(&[0, 0, 595, 842])));
            if self.features.has("turned") {
                node.push(("Rotate".to_owned(), Value::Int(90)));
            }
        }
        let mut kids = Vec::new();
        let groups = if is_nested { 2 } else { 1 };
        for group in 0..groups {
            let of_group = count / groups + usize::from(group == 0) * (count % groups);
            let parent = if is_nested { self.number() } else { top };
            let mut leaves = Vec::new();
            for _ in 0..of_group {
                let page = self.page(parent, hands_down);
                leaves.push(Value::Ref(page));
            }
            if is_nested {
                self.visible.insert(parent);
                let inner = dict([
                    ("Type", name("Pages")),
                    ("Parent", Value::Ref(top)),
                    ("Count", Value::Int(of_group as i64)),
                    ("Kids", Value::Array(leaves)),
                ]);
                self.put(parent, inner);
                kids.push(Value::Ref(parent));
            } else {
                kids = leaves;
            }
        }
        node.push(("Kids".to_owned(), Value::Array(kids)));
        node.push(("Count".to_owned(), Value::Int(count as i64)));
        self.put(top, Value::Dict(node));
    }

    fn page(&mut self, parent: u32, hands_down: bool) -> u32 {
        let number = self.number();
        self.visible.insert(number);
        let mut page = entries([("Type", name("Page")), ("Parent", Value::Ref(parent))]);
        let mut size = [595, 842];
        if !hands_down || self.chance.percent(50) {
            let (media, of) = self.media_box();
            size = of;
            page.push(("MediaBox".to_owned(), media));
        }
        if !hands_down || self.chance.percent(30) {
            let resources = self.resources();
            page.push(("Resources".to_owned(), resources));
        }
        if self.has("cropped") {
            // Beyond the media box on one side: what counts is what both have in common (14.11.2).
            let right = size[0] + self.chance.between(-40, 40);
            let crop = ints(&[15, 25, right, size[1] - 20]);
            page.push(("CropBox".to_owned(), crop));
        }
        if self.has("turned") {
            let turn = self.chance.pick(&[0, 90, 180, 270, -90, 450]);
            page.push(("Rotate".to_owned(), Value::Int(turn)));
        }
        if self.has("units") {
            let unit = self.chance.pick(&[500, 1000, 1500, 2000]);
            page.push(("UserUnit".to_owned(), Value::Thousandths(unit)));
        }
        if self.chance.percent(20) {
            page.push((
                "TrimBox".to_owned(),
                ints(&[20, 20, size[0] - 20, size[1] - 20]),
            ));
        }
        let contents = self.contents(size);
        self.pages.push(Page {
            number,
            contents,
            annotations: Vec::new(),
            entries: page,
        });
        number
    }

    /// A box, and the upper right corner of what it has in common with the first quadrant.
    fn media_box(&mut self) -> (Value, [i64; 2]) {
        let (width, height) = (self.chance.between(250, 900), self.chance.between(250, 900));
        if !self.features.has("cropped") || self.chance.percent(40) {
            return (ints(&[0, 0, width, height]), [width, height]);
        }
        let corners = [-12, -30, width, height].map(|corner| corner * 1000);
        let mut corners = corners.map(Value::Thousandths);
        // Any two corners that face each other (7.9.5).
        if self.chance.percent(30) {
            corners.swap(0, 2);
            corners.swap(1, 3);
        }
        (Value::Array(corners.to_vec()), [width, height])
    }

    fn resources(&mut self) -> Value {
        let mut all = entries([("Font", dict([("F1", Value::Ref(self.font))]))]);
        let image = self.image();
        let form = self.drawn_form();
        let mut objects = entries([("Im", Value::Ref(image))]);
        objects.push(("Fm".to_owned(), Value::Ref(form)));
        all.push(("XObject".to_owned(), Value::Dict(objects)));
        let states = dict([(
            "G",
            dict([("LW", Value::Thousandths(1500)), ("CA", Value::Int(1))]),
        )]);
        all.push(("ExtGState".to_owned(), states));
        let procedures = ["PDF", "Text", "ImageB", "ImageC"].map(name).to_vec();
        all.push(("ProcSet".to_owned(), Value::Array(procedures)));
        if self.features.has("layers") {
            let layer = self.layer();
            all.push(("Properties".to_owned(), dict([("L", Value::Ref(layer))])));
        }
        let resources = Value::Dict(all);
        if self.chance.percent(50) {
            let number = self.add(resources);
            self.visible.insert(number);
            return Value::Ref(number);
        }
        resources
    }

    fn image(&mut self) -> u32 {
        let side = self.chance.between(2, 40);
        let is_scan = self.features.has("scan") && self.chance.percent(50);
        let mut image = entries([
            ("Type", name("XObject")),
            ("Subtype", name("Image")),
            ("Width", Value::Int(side)),
            ("Height", Value::Int(side)),
        ]);
        let pixels = (side * side) as usize;
        let data: Vec<u8> = if is_scan {
            image.push(("ImageMask".to_owned(), Value::Bool(true)));
            image.push(("BitsPerComponent".to_owned(), Value::Int(1)));
            vec![0b1010_0101; side as usize * (side as usize).div_ceil(8)]
        } else {
            image.push(("BitsPerComponent".to_owned(), Value::Int(8)));
            if self.chance.percent(30) {
                let palette = vec![
                    name("Indexed"),
                    name("DeviceRGB"),
                    Value::Int(1),
                    Value::Text(vec![0, 0, 0, 255, 240, 200]),
                ];
                image.push(("ColorSpace".to_owned(), Value::Array(palette)));
                (0..pixels).map(|at| (at % 2) as u8).collect()
            } else {
                image.push(("ColorSpace".to_owned(), name("DeviceRGB")));
                (0..pixels * 3).map(|at| (at * 7 % 256) as u8).collect()
            }
        };
        self.add_stream(Value::Dict(image), &data)
    }

    fn drawn_form(&mut self) -> u32 {
        let matrix = [1000, 0, 200, 1000, 5000, 5000].map(Value::Thousandths);
        let form = dict([
            ("Type", name("XObject")),
            ("Subtype", name("Form")),
            ("BBox", ints(&[0, 0, 60, 30])),
            ("Matrix", Value::Array(matrix.to_vec())),
            (
                "Resources",
                dict([("Font", dict([("F1", Value::Ref(self.font))]))]),
            ),
        ]);
        self.add_stream(
            form,
            b"q 0.9 g 0 0 60 30 re f Q BT /F1 9 Tf 4 10 Td (form) Tj ET",
        )
    }

    fn layer(&mut self) -> u32 {
        let layer = self.add(dict([("Type", name("OCG")), ("Name", text("A layer"))]));
        if !self.catalog.iter().any(|(key, _)| key == "OCProperties") {
            let shown = dict([
                ("Order", Value::Array(vec![Value::Ref(layer)])),
                ("ON", Value::Array(vec![Value::Ref(layer)])),
            ]);
            let properties = dict([
                ("OCGs", Value::Array(vec![Value::Ref(layer)])),
                ("D", shown),
            ]);
            self.catalog.push(("OCProperties".to_owned(), properties));
        }
        layer
    }

    /// None, one or several streams; what one opens another may close, or nobody.
    fn contents(&mut self, size: [i64; 2]) -> Vec<u32> {
        if self.chance.percent(5) {
            return Vec::new();
        }
        let (x, y) = (size[0] / 5, size[1] / 2);
        let mut parts = vec![format!(
            "q 1 0 0 1 {x} {y} cm /G gs BT /F1 12 Tf 14 TL (The parties \\(both\\) agree) Tj T* <6F6E2074686973> Tj ET"
        )];
        if self.features.has("scan") {
            parts.push(format!("q {} 0 0 {} 0 0 cm /Im Do Q", size[0], size[1]));
        }
        parts.push("0 0 m 10 20 30 -20 60 0 c S /Fm Do".to_owned());
        if self.features.has("layers") {
            parts.push("/OC /L BDC 1 0 0 RG 0 -40 30 30 re S EMC".to_owned());
        }
        if self.chance.percent(30) {
            parts.push(
                "q 9 0 0 9 0 -20 cm BI /W 2 /H 2 /BPC 8 /CS /G ID \x01\x7f\x40\x20 EI Q".to_owned(),
            );
        }
        // Too few, enough, or too many.
        let closed = self.chance.pick(&["", "Q", "Q", "Q", "Q Q"]);
        parts.push(closed.to_owned());
        if self.chance.percent(40) {
            return parts
                .iter()
                .map(|part| self.add_stream(Value::Dict(Vec::new()), part.as_bytes()))
                .collect();
        }
        vec![self.add_stream(Value::Dict(Vec::new()), parts.join("\n").as_bytes())]
    }

    // ---------------------------------------------------------------- what hangs on pages

    fn annotations(&mut self) {
        for at in 0..self.pages.len() {
            if self.has("links") {
                let action = dict([
                    ("S", name("URI")),
                    ("URI", text("https://example.com/a(b)")),
                ]);
                let link = self.annotation("Link", at, entries([("A", action)]));
                let target = self.pages[0].number;
                let place = Value::Array(vec![Value::Ref(target), name("Fit")]);
                let inner = self.annotation("Link", at, entries([("Dest", place)]));
                self.pages[at].annotations.extend([link, inner]);
            }
            if self.has("notes") {
                let look = self.appearance(b"1 0.9 0.3 rg 0 0 80 16 re f", [0, 0, 80, 16]);
                let corners = [30, 60, 110, 60, 30, 44, 110, 44];
                let marked = self.annotation(
                    "Highlight",
                    at,
                    entries([
                        ("QuadPoints", ints(&corners)),
                        ("C", ints(&[1, 1, 0])),
                        ("AP", dict([("N", Value::Ref(look))])),
                    ]),
                );
                let look = self.appearance(b"0.5 g 0 0 20 20 re f", [0, 0, 20, 20]);
                let said = text("Please look (again)");
                let note = entries([("Contents", said), ("AP", dict([("N", Value::Ref(look))]))]);
                let note = self.annotation("Text", at, note);
                self.pages[at].annotations.extend([marked, note]);
            }
        }
    }

    fn annotation(&mut self, kind: &str, page: usize, more: Entries) -> u32 {
        let left = self.chance.between(20, 60);
        let mut all = entries([
            ("Type", name("Annot")),
            ("Subtype", name(kind)),
            ("Rect", ints(&[left, 40, left + 80, 60])),
            ("F", Value::Int(4)),
            ("Border", ints(&[0, 0, 0])),
        ]);
        if self.chance.percent(50) {
            all.push(("P".to_owned(), Value::Ref(self.pages[page].number)));
        }
        all.extend(more);
        self.add(Value::Dict(all))
    }

    fn appearance(&mut self, content: &[u8], bbox: [i64; 4]) -> u32 {
        let font = dict([("Font", dict([("F1", Value::Ref(self.font))]))]);
        let form = dict([
            ("Type", name("XObject")),
            ("Subtype", name("Form")),
            ("BBox", ints(&bbox)),
            ("Resources", font),
        ]);
        self.add_stream(form, content)
    }

    /// A text field, a check box, a pair of radio buttons (12.7), on the first page.
    fn form(&mut self) {
        if !self.has("form") {
            return;
        }
        let mut fields = Vec::new();
        let more = entries([
            ("FT", name("Tx")),
            ("T", text("your.name")),
            ("DA", text("/F1 10 Tf 0 g")),
        ]);
        let field = self.annotation("Widget", 0, more);
        self.text_fields.push(field);
        fields.push(field);
        let (yes, off) = (
            self.appearance(b"0 g 2 2 8 8 re f", [0, 0, 12, 12]),
            self.appearance(b"", [0, 0, 12, 12]),
        );
        let states = dict([(
            "N",
            dict([("Yes", Value::Ref(yes)), ("Off", Value::Ref(off))]),
        )]);
        let more = entries([
            ("FT", name("Btn")),
            ("T", text("agreed")),
            ("V", name("Yes")),
            ("AS", name("Yes")),
            ("AP", states.clone()),
        ]);
        let field = self.annotation("Widget", 0, more);
        fields.push(field);
        let group = self.number();
        let mut buttons = Vec::new();
        for state in ["Yes", "Off"] {
            let more = entries([
                ("Parent", Value::Ref(group)),
                ("AS", name(state)),
                ("AP", states.clone()),
            ]);
            buttons.push(self.annotation("Widget", 0, more));
        }
        let radio = dict([
            ("FT", name("Btn")),
            ("Ff", Value::Int(1 << 15)),
            ("T", Value::Text(b"\xFE\xFF\x04\x16".to_vec())),
            ("V", name("Yes")),
            (
                "Kids",
                Value::Array(buttons.iter().map(|b| Value::Ref(*b)).collect()),
            ),
        ]);
        self.put(group, radio);
        self.pages[0].annotations.extend(fields.iter().copied());
        self.pages[0].annotations.extend(buttons);
        fields.push(group);
        let form = dict([
            (
                "Fields",
                Value::Array(fields.iter().map(|f| Value::Ref(*f)).collect()),
            ),
            ("DA", text("/F1 0 Tf 0 g")),
            (
                "DR",
                dict([("Font", dict([("F1", Value::Ref(self.font))]))]),
            ),
        ]);
        let form = if self.chance.percent(50) {
            Value::Ref(self.add(form))
        } else {
            form
        };
        self.catalog.push(("AcroForm".to_owned(), form));
    }

    // ---------------------------------------------------------------- the catalog

    fn catalog_entries(&mut self) {
        let first = Value::Ref(self.pages[0].number);
        if self.chance.percent(40) {
            self.catalog.extend(entries([
                ("Lang", text("en-GB")),
                ("PageLayout", name("OneColumn")),
                (
                    "ViewerPreferences",
                    dict([("DisplayDocTitle", Value::Bool(true))]),
                ),
            ]));
        }
        if self.chance.percent(30) {
            let place = Value::Array(vec![first.clone(), name("FitH"), Value::Null]);
            self.catalog.push(("OpenAction".to_owned(), place));
        }
        if self.has("outline") {
            let (top, one, two) = (self.number(), self.number(), self.number());
            let place = Value::Array(vec![
                first.clone(),
                name("XYZ"),
                Value::Null,
                Value::Null,
                Value::Null,
            ]);
            let item = |title: &[u8], next: (&str, u32)| {
                dict([
                    ("Title", Value::Text(title.to_vec())),
                    ("Parent", Value::Ref(top)),
                    (next.0, Value::Ref(next.1)),
                    ("Dest", place.clone()),
                ])
            };
            self.put(one, item(b"\xFE\xFF\x00\xA7\x001", ("Next", two)));
            self.put(two, item(b"Second (of two)", ("Prev", one)));
            let outline = dict([
                ("Type", name("Outlines")),
                ("First", Value::Ref(one)),
                ("Last", Value::Ref(two)),
                ("Count", Value::Int(2)),
            ]);
            self.put(top, outline);
            self.catalog.push(("Outlines".to_owned(), Value::Ref(top)));
            let places = vec![text("chapter.1"), Value::Array(vec![first, name("Fit")])];
            let names = dict([("Dests", dict([("Names", Value::Array(places))]))]);
            self.catalog.push(("Names".to_owned(), names));
        }
        if self.has("labels") {
            let labels = vec![
                Value::Int(0),
                dict([("S", name("r")), ("St", Value::Int(3))]),
            ];
            let labels = dict([("Nums", Value::Array(labels))]);
            self.catalog.push(("PageLabels".to_owned(), labels));
        }
        if self.has("metadata") {
            let value = dict([("Type", name("Metadata")), ("Subtype", name("XML"))]);
            let metadata = self.add_stream(
                value,
                b"<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?><x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF \
                  xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"/></x:xmpmeta><?xpacket end=\"w\"?>",
            );
            self.catalog
                .push(("Metadata".to_owned(), Value::Ref(metadata)));
        }
    }

    /// A structure tree (14.7): a document of a paragraph for each page.
    fn tags(&mut self) {
        if !self.has("tagged") {
            return;
        }
        let (tree, top) = (self.number(), self.number());
        let (mut kids, mut parents) = (Vec::new(), Vec::new());
        for at in 0..self.pages.len() {
            let paragraph = self.add(dict([
                ("Type", name("StructElem")),
                ("S", name("P")),
                ("P", Value::Ref(top)),
                ("Pg", Value::Ref(self.pages[at].number)),
                ("K", Value::Int(0)),
            ]));
            kids.push(Value::Ref(paragraph));
            parents.extend([
                Value::Int(at as i64),
                Value::Array(vec![Value::Ref(paragraph)]),
            ]);
            let key = "StructParents".to_owned();
            self.pages[at].entries.push((key, Value::Int(at as i64)));
        }
        let document = dict([
            ("Type", name("StructElem")),
            ("S", name("Document")),
            ("P", Value::Ref(tree)),
            ("K", Value::Array(kids)),
        ]);
        self.put(top, document);
        let root = dict([
            ("Type", name("StructTreeRoot")),
            ("K", Value::Ref(top)),
            ("ParentTree", dict([("Nums", Value::Array(parents))])),
        ]);
        self.put(tree, root);
        let marked = dict([("Marked", Value::Bool(true))]);
        self.catalog.push(("MarkInfo".to_owned(), marked));
        self.catalog
            .push(("StructTreeRoot".to_owned(), Value::Ref(tree)));
    }

    fn write_pages(&mut self) {
        for at in 0..self.pages.len() {
            self.write_page(at);
        }
    }

    fn write_page(&mut self, at: usize) {
        let page = &self.pages[at];
        let refs = |of: &[u32]| Value::Array(of.iter().map(|n| Value::Ref(*n)).collect());
        let (number, mut all) = (page.number, page.entries.clone());
        match page.contents.as_slice() {
            [] => {}
            [one] => all.push(("Contents".to_owned(), Value::Ref(*one))),
            several => all.push(("Contents".to_owned(), refs(several))),
        }
        if !page.annotations.is_empty() {
            let mut annotations = refs(&page.annotations);
            if self.chance.percent(40) {
                annotations = Value::Ref(self.add(annotations));
            }
            all.push(("Annots".to_owned(), annotations));
        }
        self.put(number, Value::Dict(all));
    }

    fn info(&mut self) -> u32 {
        let changed = self.chance.between(10, 59);
        let info = self.info_value(changed);
        self.add(info)
    }

    fn info_value(&mut self, minute: i64) -> Value {
        let title = self.chance.pick(&[
            b"Agreement (final) \\ 2" as &[u8],
            b"\xFE\xFF\x00V\x00e\x00r\x00t\x00r\x00a\x00g\x00 \x20\xAC",
            b"",
        ]);
        dict([
            ("Title", Value::Text(title.to_vec())),
            ("Producer", text("A program; 3.1")),
            (
                "CreationDate",
                text(&format!("D:202601020304{minute}+02'00'")),
            ),
            ("Trapped", name("Unknown")),
        ])
    }

    /// Objects that nothing leads to, as programs leave them behind; the number of one of them.
    fn unused(&mut self) -> u32 {
        let data = b"endstream endobj 1 0 obj <</Type/Catalog>> endobj";
        self.add_stream(Value::Dict(Vec::new()), data);
        self.add(Value::Array(vec![
            Value::Null,
            Value::Ref(9_999),
            name("A B#"),
        ]))
    }

    // ---------------------------------------------------------------- later revisions

    /// One or two changes that people and programs make.
    fn update(&mut self, before: &[Revision], info: Option<u32>, unused: u32) -> Revision {
        let mut freed = Vec::new();
        let is_free = before
            .iter()
            .rev()
            .find_map(|revision| {
                let freed = revision.freed.contains(&unused).then_some(true);
                freed.or(revision.things.contains_key(&unused).then_some(false))
            })
            .unwrap_or(false);
        for _ in 0..self.chance.between(1, 2) {
            let at = self.chance.between(0, self.pages.len() as i64 - 1) as usize;
            match self.chance.between(0, 5) {
                0 => {
                    // One more piece of content.
                    let more =
                        self.add_stream(Value::Dict(Vec::new()), b"q 0 0 1 RG 5 5 20 20 re S Q");
                    self.pages[at].contents.push(more);
                    self.write_page(at);
                }
                1 => {
                    let look = self.appearance(b"0 0.6 0 rg 0 0 80 20 re f", [0, 0, 80, 20]);
                    let more = entries([
                        ("AP", dict([("N", Value::Ref(look))])),
                        ("Contents", text("Checked")),
                    ]);
                    let stamp = self.annotation("Stamp", at, more);
                    self.pages[at].annotations.push(stamp);
                    self.write_page(at);
                }
                2 if !self.text_fields.is_empty() => {
                    let field = self.text_fields[0];
                    let last = before.iter().rev().find_map(|r| r.things.get(&field));
                    let Value::Dict(mut field_value) = last.expect("the field").value.clone()
                    else {
                        panic!("a field is a dictionary");
                    };
                    let look = self.appearance(
                        b"/Tx BMC BT /F1 10 Tf 2 5 Td (Ann) Tj ET EMC",
                        [0, 0, 80, 20],
                    );
                    field_value.retain(|(key, _)| key != "V" && key != "AP");
                    field_value.extend(entries([
                        ("V", text("Ann")),
                        ("AP", dict([("N", Value::Ref(look))])),
                    ]));
                    self.put(field, Value::Dict(field_value));
                }
                3 if !is_free => {
                    if freed.is_empty()
                        && !self.pages.iter().any(|p| p.annotations.contains(&unused))
                    {
                        freed.push(unused);
                    }
                }
                // The number comes again, as another generation (7.3.10).
                3 | 4 if is_free => {
                    let look = self.appearance(b"0.3 g 0 0 80 20 re f", [0, 0, 80, 20]);
                    let kind = entries([
                        ("Type", name("Annot")),
                        ("Subtype", name("Stamp")),
                        ("Rect", ints(&[40, 80, 120, 100])),
                        ("F", Value::Int(4)),
                        ("AP", dict([("N", Value::Ref(look))])),
                    ]);
                    self.put(unused, Value::Dict(kind));
                    if !self.pages[at].annotations.contains(&unused) {
                        self.pages[at].annotations.push(unused);
                    }
                    self.write_page(at);
                }
                _ => {
                    if let Some(info) = info {
                        let value = self.info_value(30);
                        self.put(info, value);
                    }
                }
            }
        }
        Revision {
            things: std::mem::take(&mut self.things),
            freed,
        }
    }
}
