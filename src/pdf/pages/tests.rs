use super::*;
use crate::pdf::fixture::Pdf;

fn tree(pdf: &Pdf) -> Result<PageTree, Error> {
    Document::open(pdf.build())?.page_tree(2000)
}

#[track_caller]
fn refuses(pdf: &Pdf, reason: &str) {
    let error = tree(pdf).expect_err("refused");
    assert!(error.to_string().contains(reason), "{error}");
    assert_eq!(error.code(), Some(Code::Malformed), "{error}");
    assert!(error.offset().is_some(), "{error}");
}

fn first(pdf: &Pdf) -> Page {
    tree(pdf).unwrap().pages.swap_remove(0)
}

#[test]
fn pages_come_in_order_with_their_nodes_true_counts() {
    let mut pdf = Pdf::pages(3);
    pdf.replace(2, "/Count 3", "/Count 7");
    let tree = tree(&pdf).unwrap();
    let numbers: Vec<_> = tree
        .pages
        .iter()
        .map(|page| page.reference.number)
        .collect();
    assert_eq!(numbers, [3, 5, 7]);
    let root = Node {
        reference: Ref::new(2, 0),
        count: Some(7),
        pages: 3,
    };
    assert_eq!(tree.nodes, [root]);
}

#[test]
fn attributes_are_inherited_and_overridden_but_user_unit_is_not_inherited() {
    let mut pdf = Pdf::one_page();
    pdf.set(
        2,
        "<</Type/Pages/Kids[5 0 R]/Count 1/MediaBox[0 0 100 200]/Rotate 90/Resources 9 0 R/UserUnit 3>>",
    );
    pdf.set(
        5,
        "<</Type/Pages/Parent 2 0 R/Kids[3 0 R]/Count 1/CropBox[10 10 50 60]/Rotate -90>>",
    );
    pdf.set(3, "<</Type/Page/Parent 5 0 R>>");
    let page = first(&pdf);
    assert_eq!(
        (page.media_box.width(), page.media_box.height()),
        (100.0, 200.0)
    );
    assert_eq!(
        (page.crop_box.width(), page.crop_box.height()),
        (40.0, 50.0)
    );
    assert_eq!(page.rotate, 270);
    assert!((page.user_unit - 1.0).abs() < f64::EPSILON);
    assert_eq!(
        page.resources.as_deref(),
        Some(&Object::Ref(Ref::new(9, 0)))
    );
    assert!(page.resources_inherited);
    assert_eq!(page.parent, Ref::new(5, 0));
    pdf.set(
        3,
        "<</Type/Page/Parent 5 0 R/Resources<<>>/Rotate 0/MediaBox[0 0 20 20]>>",
    );
    let page = first(&pdf);
    assert!(!page.resources_inherited);
    assert_eq!(page.rotate, 0);
}

#[test]
fn the_size_as_shown_is_cropped_turned_and_in_points() {
    let mut pdf = Pdf::one_page();
    pdf.replace(
        3,
        "[0 0 595 842]",
        "[595 842 0 0]/CropBox[100 700 300 900]/Rotate 450/UserUnit 2",
    );
    let page = first(&pdf);
    assert_eq!((page.shown_width(), page.shown_height()), (284.0, 400.0));
}

#[test]
fn a_crop_box_that_misses_the_page_doesnt_count() {
    let mut pdf = Pdf::one_page();
    pdf.replace(3, "[0 0 595 842]", "[0 0 595 842]/CropBox[900 900 999 999]");
    let page = first(&pdf);
    assert_eq!(page.crop_box, page.media_box);
}

#[test]
fn a_page_has_a_media_box_of_four_numbers_with_an_area() {
    for (to, reason) in [
        ("", "no /MediaBox with an area"),
        ("/MediaBox[0 0 0 842]", "no /MediaBox with an area"),
        ("/MediaBox[0 0 595]", "not four numbers"),
        ("/MediaBox[0 0 595 /A]", "not four numbers"),
        ("/MediaBox 7", "not four numbers"),
    ] {
        let mut pdf = Pdf::one_page();
        refuses(pdf.replace(3, "/MediaBox[0 0 595 842]", to), reason);
    }
    let mut pdf = Pdf::one_page();
    pdf.replace(3, "[0 0 595 842]", "[0 0 5 0 R 8.5]")
        .set(5, "7");
    assert!((first(&pdf).media_box.x1 - 7.0).abs() < f64::EPSILON);
}

#[test]
fn rotate_is_a_multiple_of_90_and_user_unit_a_positive_number() {
    for (entry, reason) in [
        ("/Rotate 45", "no multiple of 90"),
        ("/Rotate/A", "no multiple of 90"),
        ("/UserUnit 0", "no number above 0"),
        ("/UserUnit 75001", "no number above 0 and up to 75000"),
        ("/UserUnit(1)", "no number above 0"),
    ] {
        let mut pdf = Pdf::one_page();
        refuses(
            pdf.replace(3, "/Type/Page", &format!("/Type/Page{entry}")),
            reason,
        );
    }
}

#[test]
fn kids_are_references_to_typed_nodes_none_twice() {
    for (kids, reason) in [
        ("[<</Type/Page>>]", "is no reference"),
        ("[3 0 R 3 0 R]", "twice in the page tree"),
        ("[2 0 R]", "twice in the page tree"),
        ("[4 0 R]", "is no dictionary"),
        ("[99 0 R]", "is no dictionary"),
        (" 7", "/Kids is no array"),
        ("[]", "has no page"),
    ] {
        let mut pdf = Pdf::one_page();
        refuses(pdf.replace(2, "[3 0 R ]", kids), reason);
    }
    let mut pdf = Pdf::one_page();
    refuses(pdf.replace(3, "/Type/Page", ""), "neither /Page nor /Pages");
    let mut pdf = Pdf::one_page();
    refuses(pdf.replace(2, "/Type/Pages", ""), "no /Type /Pages");
    let mut pdf = Pdf::one_page();
    refuses(pdf.set(1, "<</Type/Catalog>>"), "/Pages is no reference");
}

#[test]
fn a_node_that_names_another_parent_rejects() {
    let mut pdf = Pdf::one_page();
    refuses(
        pdf.replace(3, "/Parent 2 0 R", "/Parent 1 0 R"),
        "/Parent is not the node 2 0",
    );
    refuses(
        pdf.replace(3, "/Parent 1 0 R", ""),
        "/Parent is not the node 2 0",
    );
}

#[test]
fn one_page_more_than_the_limit_is_document_too_many_pages() {
    let document = Document::open(Pdf::pages(4).build()).unwrap();
    assert!(document.page_tree(4).is_ok());
    let error = document.page_tree(3).unwrap_err();
    assert_eq!(error.code(), Some(Code::TooManyPages));
    assert!(error.to_string().contains("more than 3 pages"), "{error}");
}

#[test]
fn the_page_tree_is_at_most_256_deep() {
    let deep = |depth: u32| {
        let mut pdf = Pdf::one_page();
        // Nodes 2, 10, 11, ... and the page 3 below the last.
        for level in 0..depth {
            let number = if level == 0 { 2 } else { 9 + level };
            let parent = match level {
                0 => String::new(),
                1 => "/Parent 2 0 R".into(),
                _ => format!("/Parent {} 0 R", 8 + level),
            };
            let kid = if level + 1 == depth { 3 } else { 10 + level };
            pdf.set(
                number,
                format!("<</Type/Pages/Kids[{kid} 0 R]/Count 1{parent}>>"),
            );
        }
        pdf.replace(3, "/Parent 2 0 R", &format!("/Parent {} 0 R", 8 + depth));
        pdf
    };
    assert!(tree(&deep(DEPTH_MAX as u32)).is_ok());
    refuses(&deep(DEPTH_MAX as u32 + 1), "more than 256 deep");
}
