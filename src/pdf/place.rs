//! From points as a reader sees a page to the page's own space (ISO 32000-2, 7.7.3.3, 8.3.2.3): rotation, crop box and
//! user unit.

use super::pages::Page;

/// A rectangle on a page as it is shown: points from its top left corner, x to the right, y down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    /// From the left edge.
    pub x: f64,
    /// From the top edge.
    pub y: f64,
    /// To the right.
    pub width: f64,
    /// Downwards.
    pub height: f64,
}

/// The same rectangle in user space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Left, bottom, right, top: an annotation's `/Rect`.
    pub rect: [f64; 4],
    /// Takes a form whose `/BBox` is `[0 0 width height]` in points, upright as shown, to that rectangle: operands of `cm`.
    pub matrix: [f64; 6],
}

impl Area {
    /// All of the page.
    pub fn whole(page: &Page) -> Self {
        Self {
            x: 0.0,
            y: 0.0,
            width: page.shown_width(),
            height: page.shown_height(),
        }
    }

    /// Whether it has a size and lies on the page as shown, within a hundredth of a point.
    pub fn lies_on(&self, page: &Page) -> bool {
        const TOLERANCE: f64 = 0.01;
        let finite = [self.x, self.y, self.width, self.height]
            .iter()
            .all(|value| value.is_finite());
        finite
            && self.width > 0.0
            && self.height > 0.0
            && self.x >= -TOLERANCE
            && self.y >= -TOLERANCE
            && self.x + self.width <= page.shown_width() + TOLERANCE
            && self.y + self.height <= page.shown_height() + TOLERANCE
    }

    /// Where it is in the page's user space.
    pub fn on(&self, page: &Page) -> Placed {
        let s = if page.user_unit > 0.0 {
            1.0 / page.user_unit
        } else {
            1.0
        };
        let (x, y, w, h) = (self.x * s, self.y * s, self.width * s, self.height * s);
        let c = &page.crop_box;
        let (x0, y0, x1, y1) = (c.x0, c.y0, c.x1, c.y1);
        match page.rotate {
            90 => {
                let rect = [x0 + y, y0 + x, x0 + y + h, y0 + x + w];
                Placed {
                    rect,
                    matrix: [0.0, s, -s, 0.0, x0 + y + h, y0 + x],
                }
            }
            180 => Placed {
                rect: [x1 - x - w, y0 + y, x1 - x, y0 + y + h],
                matrix: [-s, 0.0, 0.0, -s, x1 - x, y0 + y + h],
            },
            270 => Placed {
                rect: [x1 - y - h, y1 - x - w, x1 - y, y1 - x],
                matrix: [0.0, -s, s, 0.0, x1 - y - h, y1 - x],
            },
            _ => Placed {
                rect: [x0 + x, y1 - y - h, x0 + x + w, y1 - y],
                matrix: [s, 0.0, 0.0, s, x0 + x, y1 - y - h],
            },
        }
    }
}

/// The `/Matrix` of a widget's appearance that shows upright on a page turned by `rotate`: the rotation alone, as a viewer
/// fits the turned `/BBox` into `/Rect` by itself (12.5.5).
pub fn widget_matrix(rotate: u16) -> [f64; 6] {
    match rotate {
        90 => [0.0, 1.0, -1.0, 0.0, 0.0, 0.0],
        180 => [-1.0, 0.0, 0.0, -1.0, 0.0, 0.0],
        270 => [0.0, -1.0, 1.0, 0.0, 0.0, 0.0],
        _ => [1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
    }
}

#[cfg(test)]
mod tests {
    use super::super::object::{Dict, Ref};
    use super::super::pages::Rect;
    use super::*;

    fn page(rotate: u16, user_unit: f64) -> Page {
        let crop = Rect {
            x0: 10.0,
            y0: 20.0,
            x1: 110.0,
            y1: 220.0,
        };
        Page {
            reference: Ref::new(1, 0),
            dict: Dict::new(),
            parent: Ref::new(2, 0),
            media_box: crop,
            crop_box: crop,
            rotate,
            user_unit,
            resources: None,
            resources_inherited: false,
        }
    }

    fn apply(m: [f64; 6], x: f64, y: f64) -> (f64, f64) {
        (m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5])
    }

    /// Where a point of user space appears, from the top left as shown: turned clockwise, y down, in points.
    fn shown(page: &Page, (ux, uy): (f64, f64)) -> (f64, f64) {
        let c = page.crop_box;
        let (x, y) = match page.rotate {
            90 => (uy - c.y0, ux - c.x0),
            180 => (c.x1 - ux, uy - c.y0),
            270 => (c.y1 - uy, c.x1 - ux),
            _ => (ux - c.x0, c.y1 - uy),
        };
        (x * page.user_unit, y * page.user_unit)
    }

    #[test]
    fn an_area_is_shown_where_it_was_asked_for_and_upright_at_each_rotation_and_user_unit() {
        for rotate in [0, 90, 180, 270] {
            for user_unit in [1.0, 2.5] {
                let page = page(rotate, user_unit);
                let area = Area {
                    x: 7.0,
                    y: 11.0,
                    width: 30.0,
                    height: 12.0,
                };
                let placed = area.on(&page);
                let corners = [
                    ((0.0, 12.0), (7.0, 11.0)),
                    ((30.0, 12.0), (37.0, 11.0)),
                    ((0.0, 0.0), (7.0, 23.0)),
                    ((30.0, 0.0), (37.0, 23.0)),
                ];
                for ((fx, fy), expected) in corners {
                    let seen = shown(&page, apply(placed.matrix, fx, fy));
                    assert!(
                        (seen.0 - expected.0).abs() < 1e-9 && (seen.1 - expected.1).abs() < 1e-9,
                        "rotate {rotate}, unit {user_unit}: {seen:?} instead of {expected:?}"
                    );
                }
                let a = apply(placed.matrix, 0.0, 0.0);
                let b = apply(placed.matrix, 30.0, 12.0);
                let rect = [a.0.min(b.0), a.1.min(b.1), a.0.max(b.0), a.1.max(b.1)];
                for (got, want) in placed.rect.iter().zip(rect) {
                    assert!((got - want).abs() < 1e-9, "rotate {rotate}: {placed:?}");
                }
            }
        }
    }

    #[test]
    fn an_area_lies_on_the_page_as_shown_not_as_stored() {
        let wide = Area {
            x: 0.0,
            y: 0.0,
            width: 150.0,
            height: 90.0,
        };
        assert!(!wide.lies_on(&page(0, 1.0)));
        assert!(wide.lies_on(&page(90, 1.0)));
        assert!(wide.lies_on(&page(0, 2.0)));
        let nothing = Area { width: 0.0, ..wide };
        assert!(!nothing.lies_on(&page(90, 1.0)));
        let endless = Area {
            x: f64::NAN,
            ..wide
        };
        assert!(!endless.lies_on(&page(90, 1.0)));
    }
}
