//! The second opinion on a finished file: whether two readers see the same pages, and whether each stamp is drawn, once, in
//! its place, with nothing before it that could clip or hide it.

use std::path::PathBuf;
use std::sync::Arc;

use super::child::Stop;
use super::content;
use super::inspect::{agree, unread};
use super::protocol::DrawnStamp;
use super::scene::Scene;
use crate::pdf::Document;
use crate::pdf::pages::PAGES_READ_MAX;
use crate::pdf::prepare::Stamp;

/// How far a number of a matrix may be from the one that was asked for, by its size: matrices are written as decimals.
const TOLERANCE: f64 = 1e-4;

/// The stamps that each page draws.
pub(crate) fn witness(
    bytes: Arc<Vec<u8>>,
    fonts: Vec<PathBuf>,
) -> Result<Vec<Vec<DrawnStamp>>, Stop> {
    let tree = Document::open(Arc::clone(&bytes))?.page_tree(PAGES_READ_MAX)?;
    let scene = Scene::open(bytes, fonts)?;
    agree(&tree.pages, scene.pages())?;
    (1..)
        .zip(scene.pages())
        .map(|(number, page)| content::stamps(page).map_err(|fault| unread(number, &fault)))
        .collect()
}

/// A page on which other stamps are drawn than were put there.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the second reader sees other stamps on page {page}: {drawn:?} instead of {expected:?}")]
pub struct StampsDiffer {
    /// From 1.
    pub page: usize,
    /// As they were put, in order.
    pub expected: Vec<Stamp>,
    /// As they are drawn.
    pub drawn: Vec<DrawnStamp>,
}

/// The first page on which `drawn` (by page) is not what was put there; `None`: each stamp is drawn once, and no other is.
pub fn stamps_differ(stamps: &[Stamp], drawn: &[Vec<DrawnStamp>]) -> Option<StampsDiffer> {
    let beyond = stamps.iter().map(|stamp| stamp.page + 1).max();
    for page in 0..drawn.len().max(beyond.unwrap_or_default()) {
        let expected: Vec<&Stamp> = stamps.iter().filter(|stamp| stamp.page == page).collect();
        let drawn = drawn.get(page).map(Vec::as_slice).unwrap_or_default();
        let agree = expected.len() == drawn.len()
            && expected
                .iter()
                .zip(drawn)
                .all(|(stamp, drawn)| is_drawn(stamp, drawn));
        if !agree {
            return Some(StampsDiffer {
                page: page + 1,
                expected: expected.into_iter().cloned().collect(),
                drawn: drawn.to_vec(),
            });
        }
    }
    None
}

fn is_drawn(stamp: &Stamp, drawn: &DrawnStamp) -> bool {
    let near = |(a, b): (&f64, &f64)| (a - b).abs() <= TOLERANCE * a.abs().max(1e-3);
    drawn.is_free
        && drawn.name == stamp.name
        && drawn.form == Some(stamp.form.number)
        && stamp.matrix.iter().zip(&drawn.matrix).all(near)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf::appearance::{Ink, Mark};
    use crate::pdf::fixture::Pdf;
    use crate::pdf::image::Picture;
    use crate::pdf::place::Area;
    use crate::pdf::prepare::{PlacedMark, Plan, prepare};
    use crate::pdf::text::Fonts;
    use crate::worker::inspect::balances;

    /// A document whose one page has `content`, stamped: with what the content leaves open closed, or not.
    fn stamped(content: &str, closed: bool) -> Option<StampsDiffer> {
        let mut pdf = Pdf::one_page();
        pdf.stream(4, "", content.as_bytes());
        let original = pdf.build();
        let mut plan = Plan {
            marks: vec![PlacedMark {
                page: 0,
                area: Area {
                    x: 72.0,
                    y: 100.0,
                    width: 100.0,
                    height: 20.0,
                },
                mark: Mark::Text("Paris".into()),
            }],
            watermark: Some("TEST".into()),
            ..Plan::default()
        };
        if closed {
            let scene = Scene::open(Arc::new(original.clone()), vec![]).unwrap();
            plan.balance = balances(&scene).unwrap();
        }
        let fonts = Fonts::new(Vec::new(), Vec::new()).unwrap();
        let document = Document::open(original.as_slice()).unwrap();
        let tail = prepare(&document, &plan, &fonts, 10).unwrap();
        let file = [&original[..], &tail.bytes].concat();
        let drawn = witness(Arc::new(file), vec![]).unwrap();
        stamps_differ(&tail.stamps, &drawn)
    }

    #[test]
    fn what_a_page_leaves_open_does_not_reach_its_stamps() {
        for content in [
            "0 0 1 rg 5 5 9 9 re f",
            "q 9 0 0 9 0 0 cm 0 0 1 1 re W n",
            "Q Q q",
            "Q 0 0 1 1 re W n q",
            "/OC /L BDC /P BMC",
            "BT 7 Tr",
            "0 0 1 1 re W",
            "0 0 1 rg %",
        ] {
            assert_eq!(stamped(content, true), None, "{content}");
        }
    }

    #[test]
    fn a_stamp_that_is_moved_clipped_or_hidden_is_a_difference() {
        for content in [
            "9 0 0 9 0 0 cm q",
            "Q 0 0 1 1 re W n",
            "/OC /L BDC",
            "BT",
            "0 0 1 1 re W",
        ] {
            let page = stamped(content, false).map(|difference| difference.page);
            assert_eq!(page, Some(1), "{content}");
        }
    }

    #[test]
    fn a_stamp_too_many_too_few_or_on_another_page_is_a_difference() {
        let stamp = Stamp {
            page: 1,
            name: "PX0".into(),
            form: crate::pdf::Ref::new(9, 0),
            matrix: [1.0, 0.0, 0.0, 1.0, 72.0, 100.0],
        };
        let drawn = DrawnStamp {
            name: "PX0".into(),
            form: Some(9),
            matrix: [1.0, 0.0, 0.0, 1.0, 72.000_01, 100.0],
            is_free: true,
        };
        let differ = |pages: &[&[&DrawnStamp]]| {
            let pages: Vec<Vec<DrawnStamp>> = pages
                .iter()
                .map(|page| page.iter().map(|one| (*one).clone()).collect())
                .collect();
            stamps_differ(std::slice::from_ref(&stamp), &pages).map(|difference| difference.page)
        };
        assert_eq!(differ(&[&[], &[&drawn]]), None);
        assert_eq!(differ(&[&[], &[&drawn, &drawn]]), Some(2));
        assert_eq!(differ(&[&[&drawn], &[]]), Some(1));
        assert_eq!(differ(&[&[]]), Some(2));
        for changed in [
            DrawnStamp {
                form: Some(8),
                ..drawn.clone()
            },
            DrawnStamp {
                form: None,
                ..drawn.clone()
            },
            DrawnStamp {
                is_free: false,
                ..drawn.clone()
            },
            DrawnStamp {
                matrix: [1.0, 0.0, 0.0, 1.0, 72.0, 101.0],
                ..drawn.clone()
            },
        ] {
            assert_eq!(differ(&[&[], &[&changed]]), Some(2), "{changed:?}");
        }
    }

    /// The box around what is not white, in pixels of a page drawn 600 wide: left, top, right, bottom.
    fn ink(file: Vec<u8>) -> ([f64; 4], f64) {
        let scene = Scene::open(Arc::new(file), vec![]).unwrap();
        let page = &scene.pages()[0];
        let pixmap = crate::worker::render::draw(page, &scene, &hayro::RenderCache::new(), 600);
        let mut seen = [f64::MAX, f64::MAX, 0.0, 0.0];
        let width = usize::from(pixmap.width());
        for (at, pixel) in pixmap.data_as_u8_slice().chunks_exact(4).enumerate() {
            if pixel[..3].iter().any(|channel| *channel < 128) {
                let (x, y) = ((at % width) as f64, (at / width) as f64);
                seen = [
                    seen[0].min(x),
                    seen[1].min(y),
                    seen[2].max(x + 1.0),
                    seen[3].max(y + 1.0),
                ];
            }
        }
        (seen, f64::from(pixmap.width()))
    }

    #[test]
    fn marks_are_drawn_where_they_were_put_on_turned_cropped_and_scaled_pages() {
        let fonts = Fonts::new(Vec::new(), Vec::new()).unwrap();
        let black = Picture::from_rgba(10, 10, [0, 0, 0, 255].repeat(100)).unwrap();
        for rotate in [0, 90, 180, 270] {
            for (boxes, unit) in [
                ("/MediaBox[0 0 595 842]", 1.0),
                ("/MediaBox[0 0 595 842]/CropBox[100 150 520 700]", 1.0),
                ("/MediaBox[-50 -70 250 350]/UserUnit 2", 2.0),
                ("/MediaBox[0 0 595 842]/UserUnit 75000", 75_000.0),
            ] {
                let mut pdf = Pdf::one_page();
                pdf.set(
                    3,
                    format!("<</Type/Page/Parent 2 0 R/Contents 4 0 R{boxes}/Rotate {rotate}>>"),
                );
                // Turned and left so, as careless programs do.
                pdf.stream(4, "", b"0.5 0 0 0.5 10 10 cm 0 0 1 1 re W n");
                let original = pdf.build();
                let document = Document::open(original.as_slice()).unwrap();
                let page = document.page_tree(1).unwrap().pages.remove(0);
                let area = Area {
                    x: 60.0 * unit,
                    y: 80.0 * unit,
                    width: 40.0 * unit,
                    height: 40.0 * unit,
                };
                let plan = Plan {
                    marks: vec![PlacedMark {
                        page: 0,
                        area,
                        mark: Mark::Initials(Ink::Picture(black.clone())),
                    }],
                    ..Plan::default()
                };
                let tail = prepare(&document, &plan, &fonts, 10).unwrap();
                let (seen, width) = ink([&original[..], &tail.bytes].concat());
                let scale = width / page.shown_width();
                let expected = [area.x, area.y, area.x + area.width, area.y + area.height]
                    .map(|side| side * scale);
                // The picture may keep a margin inside of its box.
                let margin = area.width * scale * 0.2;
                for (n, (seen, expected)) in seen.iter().zip(expected).enumerate() {
                    let inside = if n < 2 {
                        seen - expected
                    } else {
                        expected - seen
                    };
                    assert!(
                        (-1.5..=margin).contains(&inside),
                        "{boxes} turned by {rotate}: side {n} is {seen}, not {expected}"
                    );
                }
            }
        }
    }
}
