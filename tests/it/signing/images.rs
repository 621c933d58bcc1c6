//! Pictures of pages: their widths, how often they are drawn, and where the marks on them are.

use super::people;
use crate::harness::forms::Visitor;
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
