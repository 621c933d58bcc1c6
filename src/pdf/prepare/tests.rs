use super::*;
use crate::pdf::added::{Party, Row, SignatureBlock};
use crate::pdf::appearance::{Ink, InkPoint};
use crate::pdf::fixture::Pdf;
use crate::pdf::image::Picture;
use crate::pdf::object::Dict;

const PAGES_MAX: usize = 2000;

fn fonts() -> Fonts {
    Fonts::new(Vec::new(), Vec::new()).unwrap()
}

fn prepared(original: &[u8], plan: &Plan) -> (Tail, Vec<u8>) {
    let document = Document::open(original).unwrap();
    let tail = prepare(&document, plan, &fonts(), PAGES_MAX).unwrap();
    let mut file = original.to_vec();
    file.extend(&tail.bytes);
    (tail, file)
}

fn text_at(page: usize, x: f64, y: f64, text: &str) -> PlacedMark {
    PlacedMark {
        page,
        area: Area {
            x,
            y,
            width: 150.0,
            height: 40.0,
        },
        mark: Mark::Text(text.to_owned()),
    }
}

fn typed(name: &str) -> Ink {
    Ink::Typed {
        text: name.to_owned(),
        style: "serif".to_owned(),
    }
}

fn certificate() -> CertificatePage {
    CertificatePage {
        title: "Certificate of signature".into(),
        statement: "Simple electronic signatures, sealed by Example Ltd".into(),
        facts: vec![Row::new("Document", "Contract.pdf")],
        parties_title: "Recipients".into(),
        parties: (0..3)
            .map(|n| Party {
                name: format!("Person {n}"),
                rows: vec![Row::new("Address", "person@example.org")],
            })
            .collect(),
        verify_title: "How to check this document".into(),
        verify: vec!["Any PDF reader shows the seal.".into()],
        seal: vec!["Sealed by Example Ltd".into(), "2026-11-24".into()],
        footer: "env_1".into(),
    }
}

fn page_dict(document: &Document<&[u8]>, n: usize) -> Dict {
    document.page_tree(PAGES_MAX).unwrap().pages[n].dict.clone()
}

fn content(document: &Document<&[u8]>, dict: &Dict) -> Vec<String> {
    let contents = document.value(dict, "Contents").unwrap().into_owned();
    let items = match contents {
        Object::Array(items) => items,
        _ => vec![dict.get("Contents").unwrap().clone()],
    };
    items
        .iter()
        .map(|item| {
            let stream = document.resolve(item).unwrap().into_owned();
            let stream = stream.as_stream().unwrap().clone();
            let bytes = document.stream_decoded(&stream, 1 << 20).unwrap().unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        })
        .collect()
}

#[test]
fn the_original_stays_as_first_revision_and_pages_come_after_its_own() {
    for stream in [false, true] {
        let pdf = Pdf::pages(2);
        let original = if stream {
            pdf.with_stream_xref()
        } else {
            pdf.build()
        };
        let plan = Plan {
            certificate_page: Some(certificate()),
            ..Plan::default()
        };
        let (tail, file) = prepared(&original, &plan);
        assert!(file.starts_with(&original) && file.ends_with(b"%%EOF\n"));
        let document = Document::open(file.as_slice()).unwrap();
        assert_eq!(
            document.newest_section(),
            Document::open(original.as_slice())
                .unwrap()
                .newest_section()
        );
        let tree = document.page_tree(PAGES_MAX).unwrap();
        assert_eq!(tree.pages.len(), 3);
        assert_eq!((tail.pages_original, tail.pages_added), (2, 1));
        assert_eq!(tree.nodes[0].count, Some(3));
        assert_eq!(
            Some(tree.pages[2].reference),
            tail.seal.map(|seal| seal.page)
        );
        let before = Document::open(original.as_slice()).unwrap();
        assert_eq!(
            document.trailer().get("Prev").and_then(Object::as_int),
            i64::try_from(before.startxref()).ok()
        );
        let extensions = document
            .value(document.root(), "Extensions")
            .unwrap()
            .into_owned();
        assert!(extensions.as_dict().unwrap().has("ESIC"));
    }
}

#[test]
fn a_page_without_a_stamp_is_not_touched() {
    let original = Pdf::pages(3).build();
    let plan = Plan {
        marks: vec![text_at(1, 10.0, 10.0, "Paris")],
        ..Plan::default()
    };
    let (_, file) = prepared(&original, &plan);
    let (before, after) = (
        Document::open(original.as_slice()).unwrap(),
        Document::open(file.as_slice()).unwrap(),
    );
    for (n, changed) in [(0, false), (1, true), (2, false)] {
        assert_eq!(
            page_dict(&before, n) != page_dict(&after, n),
            changed,
            "page {n}"
        );
    }
}

#[test]
fn stamps_stand_after_the_content_outside_its_graphics_state() {
    let original = Pdf::one_page().build();
    let plan = Plan {
        marks: vec![
            text_at(0, 72.0, 100.0, "Paris"),
            text_at(0, 72.0, 200.0, "Rome"),
        ],
        balance: vec![Balance {
            unopened: 1,
            unclosed: 2,
            marked: 2,
            in_text: true,
            in_path: true,
        }],
        ..Plan::default()
    };
    let (tail, file) = prepared(&original, &plan);
    let document = Document::open(file.as_slice()).unwrap();
    let dict = page_dict(&document, 0);
    let parts = content(&document, &dict);
    assert_eq!(parts.first().unwrap(), "q\nq\n");
    assert!(
        parts
            .last()
            .unwrap()
            .starts_with("\nn\nEMC\nEMC\nET\nQ\nQ\nQ\nq 1 0 0 1 72 ")
    );
    let resources = document.value(&dict, "Resources").unwrap().into_owned();
    let objects = document
        .value(resources.as_dict().unwrap(), "XObject")
        .unwrap()
        .into_owned();
    assert_eq!(tail.stamps.len(), 2);
    for stamp in &tail.stamps {
        assert_eq!(
            objects.as_dict().unwrap().get(&stamp.name),
            Some(&Object::Ref(stamp.form))
        );
        assert!(
            parts
                .last()
                .unwrap()
                .contains(&format!("/{} Do", stamp.name))
        );
    }
}

#[test]
fn inherited_resources_are_copied_and_names_in_use_are_kept() {
    let mut pdf = Pdf::one_page();
    pdf.set(10, "<</XObject 11 0 R/Font<</F1 12 0 R>>>>");
    pdf.set(11, "<</PX0 12 0 R>>");
    pdf.set(12, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>");
    pdf.set(2, "<</Type/Pages/Count 1/Kids[3 0 R]/Resources 10 0 R>>");
    pdf.set(
        3,
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>",
    );
    let original = pdf.build();
    let plan = Plan {
        marks: vec![text_at(0, 10.0, 10.0, "Paris")],
        ..Plan::default()
    };
    let (tail, file) = prepared(&original, &plan);
    let document = Document::open(file.as_slice()).unwrap();
    let resources = document
        .value(&page_dict(&document, 0), "Resources")
        .unwrap()
        .into_owned();
    let resources = resources.as_dict().unwrap();
    assert!(resources.has("Font"));
    let x_objects = resources.get("XObject").unwrap().as_dict().unwrap();
    assert_eq!(x_objects.get("PX0"), Some(&Object::Ref(Ref::new(12, 0))));
    assert_eq!(tail.stamps[0].name, "PX1");
    // The shared dictionaries themselves are as they were.
    assert_eq!(
        document
            .get(Ref::new(11, 0))
            .unwrap()
            .as_dict()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_wrong_page_count_is_put_right() {
    let mut pdf = Pdf::pages(2);
    pdf.replace(2, "/Count 2", "/Count 7");
    let (_, file) = prepared(&pdf.build(), &Plan::default());
    let document = Document::open(file.as_slice()).unwrap();
    assert_eq!(
        document.page_tree(PAGES_MAX).unwrap().nodes[0].count,
        Some(2)
    );
}

#[test]
fn in_a_tagged_file_what_is_added_is_an_artifact() {
    let mut pdf = Pdf::one_page();
    pdf.set(1, "<</Type/Catalog/Pages 2 0 R/MarkInfo<</Marked true>>>>");
    let plan = Plan {
        marks: vec![text_at(0, 10.0, 10.0, "Paris")],
        certificate_page: Some(certificate()),
        ..Plan::default()
    };
    let (_, file) = prepared(&pdf.build(), &plan);
    let document = Document::open(file.as_slice()).unwrap();
    for (n, begins) in [(0, "\nQ\n/Artifact BMC\nq "), (1, "Q\nEMC\n")] {
        let parts = content(&document, &page_dict(&document, n));
        assert!(
            parts.last().unwrap().starts_with(begins),
            "{:?}",
            parts.last()
        );
    }
}

#[test]
fn a_mark_outside_its_page_or_longer_than_its_field_is_an_error() {
    let original = Pdf::one_page().build();
    let document = Document::open(original.as_slice()).unwrap();
    let attempt = |mark| {
        let plan = Plan {
            marks: vec![mark],
            ..Plan::default()
        };
        prepare(&document, &plan, &fonts(), PAGES_MAX).map(|tail| tail.stamps.len())
    };
    assert!(matches!(
        attempt(text_at(1, 10.0, 10.0, "x")),
        Err(Error::OutsidePage { mark: 0, page: 2 })
    ));
    assert!(matches!(
        attempt(text_at(0, 500.0, 10.0, "x")),
        Err(Error::OutsidePage { .. })
    ));
    assert!(matches!(
        attempt(text_at(0, 10.0, 10.0, &"much ".repeat(200))),
        Err(Error::Mark {
            reason: DrawError::TooLong(_),
            ..
        })
    ));
    assert!(matches!(
        attempt(PlacedMark {
            mark: Mark::Initials(Ink::Drawn(vec![vec![InkPoint {
                x: f32::NAN,
                y: 0.0,
                width: 0.01
            }]])),
            ..text_at(0, 10.0, 10.0, "")
        }),
        Err(Error::Mark {
            reason: DrawError::NoStroke,
            ..
        })
    ));
}

#[test]
fn a_character_that_no_font_has_is_told_and_does_not_fail() {
    let plan = Plan {
        marks: vec![text_at(0, 10.0, 10.0, "Li 李明")],
        ..Plan::default()
    };
    let (tail, file) = prepared(&Pdf::one_page().build(), &plan);
    assert_eq!(tail.missing.iter().collect::<String>(), "明李");
    Document::open(file.as_slice()).unwrap();
}

#[test]
fn many_recipients_take_more_pages_and_the_seal_stands_on_the_last() {
    let mut page = certificate();
    page.parties = (0..40)
        .map(|n| Party {
            name: format!("Person {n}"),
            rows: vec![Row::new("Address", "person@example.org"); 4],
        })
        .collect();
    let plan = Plan {
        certificate_page: Some(page),
        signature_page: Some(SignaturePage {
            title: "Signatures".into(),
            blocks: (0..9)
                .map(|n| SignatureBlock {
                    ink: typed("Ann Example"),
                    name: format!("Person {n}"),
                    detail: "person@example.org".into(),
                    time: "2026-11-24 09:30 UTC".into(),
                })
                .collect(),
        }),
        ..Plan::default()
    };
    let (tail, file) = prepared(&Pdf::one_page().build(), &plan);
    let document = Document::open(file.as_slice()).unwrap();
    let tree = document.page_tree(PAGES_MAX).unwrap();
    assert!(tail.pages_added >= 5, "{}", tail.pages_added);
    assert_eq!(tree.pages.len(), 1 + tail.pages_added);
    assert_eq!(
        tail.seal.map(|seal| seal.page),
        tree.pages.last().map(|page| page.reference)
    );
}

#[test]
fn a_picture_keeps_its_transparency() {
    let picture = Picture::from_rgba(2, 1, vec![255, 0, 0, 255, 0, 0, 255, 0]).unwrap();
    let plan = Plan {
        marks: vec![PlacedMark {
            mark: Mark::Initials(Ink::Picture(picture)),
            ..text_at(0, 10.0, 10.0, "")
        }],
        ..Plan::default()
    };
    let (tail, file) = prepared(&Pdf::one_page().build(), &plan);
    let document = Document::open(file.as_slice()).unwrap();
    let form = document.get(tail.stamps[0].form).unwrap();
    let resources = form
        .as_stream()
        .unwrap()
        .dict
        .get("Resources")
        .unwrap()
        .clone();
    let image = resources
        .as_dict()
        .unwrap()
        .get("XObject")
        .unwrap()
        .as_dict()
        .unwrap();
    let image = document.value(image, "PI0").unwrap().into_owned();
    let dict = &image.as_stream().unwrap().dict;
    assert!(dict.has("SMask"));
    let data = document
        .stream_decoded(image.as_stream().unwrap(), 100)
        .unwrap();
    assert_eq!(data.unwrap(), [255, 0, 0, 0, 0, 255]);
}

#[test]
fn numbers_keep_their_digits_however_small_they_are() {
    for (value, text) in [
        (0.0, "0"),
        (-0.000_000_000_000_000_1, "0"),
        (72.0, "72"),
        (595.276, "595.276"),
        (-0.5, "-0.5"),
        (1.0 / 75_000.0, "0.0000133333"),
        (1.0 / 3.0, "0.333333"),
    ] {
        assert_eq!(number_text(value), text);
    }
}

#[test]
fn pages_that_share_resources_share_the_stamped_ones() {
    let fonts: String = (0..500).map(|n| format!("/F{n} 190 0 R")).collect();
    let resources = format!("<</Font<<{fonts}>>/XObject<</PX0 191 0 R>>>>");
    for shared in [true, false] {
        let mut pdf = Pdf::pages(50);
        for n in 0..50 {
            pdf.replace(3 + 2 * n, "/Resources<<>>", "");
        }
        let at_root = if shared { "199 0 R" } else { &resources };
        pdf.replace(
            2,
            "/Type/Pages",
            &format!("/Type/Pages/Resources {at_root}"),
        );
        pdf.set(190, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>");
        pdf.stream(191, "/Type/XObject/Subtype/Form/BBox[0 0 1 1]", b"");
        pdf.set(199, &resources);
        let original = pdf.build();
        let plan = Plan {
            marks: vec![
                text_at(7, 72.0, 100.0, "Paris"),
                text_at(8, 72.0, 100.0, "Rome"),
            ],
            watermark: Some("TEST".into()),
            ..Plan::default()
        };
        let (tail, file) = prepared(&original, &plan);
        assert!(tail.bytes.len() < 60_000, "{}", tail.bytes.len());
        let document = Document::open(file.as_slice()).unwrap();
        let tree = document.page_tree(100).unwrap();
        let first = tree.pages[0].dict.get("Resources").unwrap();
        assert!(first.as_reference().is_some());
        assert!(
            tree.pages
                .iter()
                .all(|page| page.dict.get("Resources") == Some(first))
        );
        assert_eq!(tail.stamps.len(), 52);
        let resources = document.resolve(first).unwrap().into_owned();
        let forms = document
            .value(resources.as_dict().unwrap(), "XObject")
            .unwrap();
        let forms = forms.as_dict().unwrap();
        assert_eq!(
            forms.get("PX0"),
            Some(&Object::Ref(crate::pdf::Ref::new(191, 0)))
        );
        for stamp in &tail.stamps {
            assert_eq!(forms.get(&stamp.name), Some(&Object::Ref(stamp.form)));
        }
    }
}

#[test]
fn validation_data_of_other_signatures_is_taken_out() {
    let mut pdf = Pdf::one_page();
    pdf.set(1, "<</Type/Catalog/Pages 2 0 R/DSS<</Certs[]>>>>");
    let (_, file) = prepared(&pdf.build(), &Plan::default());
    assert!(!Document::open(file.as_slice()).unwrap().root().has("DSS"));
}
