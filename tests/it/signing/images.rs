//! Pictures of pages: their widths, how often they are drawn, and where the marks on them are.

use super::people;
use crate::harness::forms::{Visitor, attribute};
use crate::harness::{Options, TestApp};
use serde_json::{Value, json};

struct Pixels {
    width: usize,
    rgb: Vec<[u8; 3]>,
}

fn pixels(png: &[u8]) -> Pixels {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(png));
    decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
    let mut reader = decoder.read_info().expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut bytes).expect("a picture");
    bytes.truncate(frame.buffer_size());
    let rgb = match frame.color_type {
        png::ColorType::Grayscale => bytes.iter().map(|g| [*g; 3]).collect(),
        png::ColorType::Rgb => bytes.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect(),
        other => panic!("{other:?}"),
    };
    Pixels {
        width: frame.width as usize,
        rgb,
    }
}

/// Left, top, right, bottom of what differs by more than a shade.
fn difference(before: &Pixels, after: &Pixels) -> Option<[usize; 4]> {
    assert_eq!(
        (before.width, before.rgb.len()),
        (after.width, after.rgb.len())
    );
    let mut found: Option<[usize; 4]> = None;
    for (at, (a, b)) in before.rgb.iter().zip(&after.rgb).enumerate() {
        if a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) < 24) {
            continue;
        }
        let (x, y) = (at % before.width, at / before.width);
        found = Some(match found {
            None => [x, y, x, y],
            Some([left, top, right, bottom]) => {
                [left.min(x), top.min(y), right.max(x), bottom.max(y)]
            }
        });
    }
    found
}

/// A page for each turn, and one whose crop box is shifted and that is turned, too.
fn turned() -> (Vec<u8>, Vec<[f64; 2]>) {
    let mut pdf = crate::built::Pdf::pages(5);
    let mut sizes = Vec::new();
    for (n, (turn, crop)) in [
        (0, false),
        (90, false),
        (180, false),
        (270, false),
        (90, true),
    ]
    .into_iter()
    .enumerate()
    {
        let number = 3 + 2 * u32::try_from(n).unwrap();
        let crop_box = if crop { "/CropBox[50 70 450 770]" } else { "" };
        pdf.replace(
            number,
            "/Resources",
            &format!("/Rotate {turn}{crop_box}/Resources"),
        );
        let [width, height] = if crop { [400.0, 700.0] } else { [595.0, 842.0] };
        sizes.push(if turn % 180 == 0 {
            [width, height]
        } else {
            [height, width]
        });
    }
    (pdf.build(), sizes)
}

#[test]
fn marks_stand_upright_where_the_field_is_on_turned_and_cropped_pages() {
    let app = TestApp::start();
    let (bytes, sizes) = turned();
    let document = app.document(&bytes);
    let (x, y, width, height) = (90.0, 60.0, 200.0, 20.0);
    let mut fields: Vec<Value> = (1..=5)
        .map(|page| json!({"recipientIndex": 0, "fieldType": "TEXT", "pageNumber": page, "x": x, "y": y, "width": width, "height": height, "value": "Upright and in its place"}))
        .collect();
    fields.push(json!({"recipientIndex": 0, "fieldType": "SIGNATURE", "pageNumber": 1, "x": 90, "y": 300, "width": 200, "height": 50}));
    fields.push(json!({"recipientIndex": 1, "fieldType": "SIGNATURE", "pageNumber": 1, "x": 90, "y": 400, "width": 200, "height": 50}));
    let draft = app.draft(
        &people(2),
        json!({"documentIds": [document], "fields": fields, "signingOrder": "PARALLEL"}),
    );
    let envelope = app.send(&draft);
    let reader = Visitor::of(&app.url, &envelope, 1);
    let look = || -> Vec<Pixels> {
        (1..=5)
            .map(|page| {
                let image = reader.page(&format!("documents/{document}/pages/{page}.png?w=1000"));
                assert_eq!(
                    (image.status, image.header("content-type")),
                    (200, "image/png")
                );
                pixels(&image.body)
            })
            .collect()
    };
    let before = look();
    // What the page tells the browser about places is what the pictures show.
    let signer = Visitor::of(&app.url, &envelope, 0);
    let html = signer.page("review").text();
    signer.sign(&envelope, "Ana García");
    let after = look();
    for (page, ((before, after), [page_width, page_height])) in
        before.iter().zip(&after).zip(&sizes).enumerate()
    {
        assert_eq!(before.width, 1000);
        let wanted_height = (1000.0 * page_height / page_width).round() as usize;
        assert!(
            before.rgb.len().div_ceil(1000).abs_diff(wanted_height) <= 1,
            "page {page}"
        );
        let (mut one, mut two) = (before, after);
        let (cut_before, cut_after);
        if page == 0 {
            // The signature stands further down.
            let rows = (200.0 * 1000.0 / page_width) as usize * 1000;
            cut_before = Pixels {
                width: 1000,
                rgb: before.rgb[..rows].to_vec(),
            };
            cut_after = Pixels {
                width: 1000,
                rgb: after.rgb[..rows].to_vec(),
            };
            (one, two) = (&cut_before, &cut_after);
        }
        let [left, top, right, bottom] =
            difference(one, two).unwrap_or_else(|| panic!("page {page}: no mark"));
        let scale = 1000.0 / page_width;
        let inside = |at: usize, from: f64, length: f64| {
            at as f64 >= from * scale - 1.5 && at as f64 <= (from + length) * scale + 1.5
        };
        assert!(
            inside(left, x, width)
                && inside(right, x, width)
                && inside(top, y, height)
                && inside(bottom, y, height),
            "page {}: {left},{top} to {right},{bottom} at {scale}",
            page + 1
        );
        assert!(
            right - left > 4 * (bottom - top),
            "page {}: words run from left to right",
            page + 1
        );
        let rect = format!(
            "data-rect=\"{:.3} {:.3} {:.3} {:.3}\"",
            x / page_width * 100.0,
            y / page_height * 100.0,
            width / page_width * 100.0,
            height / page_height * 100.0
        );
        assert!(html.contains(&rect), "page {}: {rect}", page + 1);
    }
}

#[test]
fn a_page_is_drawn_once_in_each_of_three_widths() {
    let worker = std::env::temp_dir().join(format!("paraph-worker-{}", std::process::id()));
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_paraph"), &worker).expect("a link");
    let options = Options {
        worker: worker.clone(),
        ..Options::default()
    };
    let app = TestApp::with(options);
    let envelope = app.send(&app.draft(&people(1), json!({})));
    let visitor = Visitor::of(&app.url, &envelope, 0);
    let document = envelope["documents"][0]["id"].as_str().unwrap();
    let page = |page: u32, width: &str| {
        visitor.page(&format!("documents/{document}/pages/{page}.png?w={width}"))
    };
    let mut drawn = Vec::new();
    for (asked, width) in [
        ("1", 1000),
        ("1000", 1000),
        ("1001", 1600),
        ("2400", 2400),
        ("99999", 2400),
        ("x", 1000),
    ] {
        let image = page(1, asked);
        assert_eq!(image.status, 200, "{asked}");
        assert_eq!(pixels(&image.body).width, width, "{asked}");
        assert_eq!(image.header("cache-control"), "no-store");
        assert_eq!(
            image.header("content-security-policy"),
            "default-src 'none'; frame-ancestors 'none'"
        );
        drawn.push(image.body);
    }
    std::fs::remove_file(&worker).expect("the worker goes");
    assert_eq!(page(1, "1000").body, drawn[1]);
    assert_eq!(
        page(3, "1000").status,
        200,
        "the next pages came with the first"
    );
    assert!(page(1, "1000").body.len() < 200 * 1024);
    for missing in ["0", "4", "x", "-1"] {
        let image = visitor.page(&format!("documents/{document}/pages/{missing}.png?w=1000"));
        assert_eq!(image.status, 404, "{missing}");
    }
}

/// Two pages, the second of which holds a picture that no memory suffices for: 60,000 times 60,000 dots from a few kilobytes.
fn with_a_page_too_large_to_draw() -> Vec<u8> {
    let mut pdf = crate::built::Pdf::pages(2);
    pdf.replace(5, "/Resources<<>>", "/Resources<</XObject<</X 9 0 R>>>>");
    pdf.stream(6, "", b"q 400 0 0 400 50 50 cm /X Do Q");
    let side = 60_000;
    // In group 4 a white line like the one above it is a single bit.
    let entries = format!(
        "/Type/XObject/Subtype/Image/Width {side}/Height {side}/ColorSpace/DeviceGray/BitsPerComponent 1\
         /Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns {side}/Rows {side}>>"
    );
    pdf.stream(9, &entries, &vec![0xff; side / 8]);
    pdf.build()
}

#[test]
fn a_page_that_cannot_be_drawn_says_so_without_any_script_and_offers_the_pdf() {
    let app = TestApp::start();
    let document = app.document(&with_a_page_too_large_to_draw());
    let draft = app.draft(&people(1), json!({"documentIds": [document]}));
    let envelope = app.send(&draft);
    let visitor = Visitor::of(&app.url, &envelope, 0);
    let words = "This page can&#39;t be shown here.";
    let pdf = format!("{}/documents/{document}/file", visitor.base);
    let second = |html: &str| {
        let from = html.find(" data-page=\"2\"").expect("the second page");
        html[from..]
            .split("</section>")
            .next()
            .expect("it")
            .to_owned()
    };

    // Before anybody looked: a browser shows the words in place of the picture that it does not get, and the way to the PDF.
    let page = second(&visitor.page("review").text());
    assert_eq!(
        attribute(&page, "/pages/2.png", "alt").as_deref(),
        Some(words)
    );
    assert!(
        page.contains(&format!(
            "data-no-script><a href=\"{pdf}\">Open the PDF</a>"
        )),
        "{page}"
    );
    for width in [1600, 1000] {
        let picture = visitor.page(&format!("documents/{document}/pages/2.png?w={width}"));
        assert_eq!(
            (picture.status, picture.header("content-type")),
            (200, "text/html; charset=utf-8"),
            "{}",
            picture.text()
        );
        let html = picture.text();
        assert!(html.contains("This page can&#39;t be shown here"), "{html}");
        assert!(html.contains(&format!("href=\"{pdf}\"")), "{html}");
    }

    // From now on it is known, and said by the page itself.
    let html = visitor.page("review").text();
    let page = second(&html);
    assert!(
        page.contains(&format!(
            "<p class=\"undrawable\">{words} <a href=\"{pdf}\">Open the PDF</a></p>"
        )) && !page.contains("<img"),
        "{page}"
    );
    assert!(
        html.contains("/pages/1.png?w=1000"),
        "the first page is drawn"
    );
    let file = visitor.page(&format!("documents/{document}/file"));
    assert_eq!(
        (file.status, file.header("content-type")),
        (200, "application/pdf")
    );
    visitor.sign(&envelope, "Ana García");
    app.drain();
    assert_eq!(app.envelope(&envelope)["status"], "COMPLETED");
}

#[test]
fn a_document_shows_its_own_marks_though_another_is_the_same_file() {
    let app = TestApp::start();
    let bytes = crate::harness::pdf::contract();
    let [first, second] = [(); 2].map(|()| app.document(&bytes));
    let field = |recipient: usize, document: usize| json!({"recipientIndex": recipient, "documentIndex": document, "fieldType": "SIGNATURE", "pageNumber": 1, "x": 72, "y": 400, "width": 200, "height": 60, "required": true});
    let more = json!({"documentIds": [first, second], "fields": [field(0, 0), field(1, 1)]});
    let envelope = app.send(&app.draft(&people(2), more));
    Visitor::of(&app.url, &envelope, 0).sign(&envelope, "Ana García");
    app.drain();
    let ben = Visitor::of(&app.url, &envelope, 1);
    let [with, without] = [&first, &second].map(|document| {
        let picture = ben.page(&format!("documents/{document}/pages/1.png?w=1000"));
        assert_eq!(picture.status, 200);
        pixels(&picture.body)
    });
    assert!(
        difference(&without, &with).is_some(),
        "Ana signed the first document alone"
    );
}
