//! A page's content as the renderer reads it: whether it reads it to its end, what it leaves open, and where it draws what
//! was stamped on the page (ISO 32000-2, 7.8.2, 8.4.2, 14.6).
//!
//! What is stamped follows the uploaded content. So that content must end between two tokens, and what it leaves open must
//! be known and closed: else it swallows the stamps, or hides, moves or clips them.

use hayro::hayro_syntax::content::ops::TypedInstruction;
use hayro::hayro_syntax::content::{Operator, TypedIter};
use hayro::hayro_syntax::object::Name;
use hayro::hayro_syntax::page::Page;

use super::protocol::DrawnStamp;
use crate::pdf::prepare::{Balance, OPEN_MAX, STAMP_PREFIX};

/// Stamps that are looked for on one page.
const STAMPS_MAX: usize = 10_000;
/// Read last if the content lets it be read: an operator that none is called.
const END: &[u8] = b"\nparaph-end";

/// The graphics state at one level of `q`.
#[derive(Clone, Copy)]
struct Level {
    matrix: [f64; 6],
    /// Nothing but the matrix was changed since the page began.
    pristine: bool,
}

const START: Level = Level {
    matrix: [1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
    pristine: true,
};

/// Where the walk through a content stream is.
struct State {
    level: Level,
    saved: Vec<Level>,
    unopened: u32,
    /// The open `BMC` and `BDC`, true for those with properties, which may name a layer.
    marked: Vec<bool>,
    in_text: bool,
    in_path: bool,
}

/// What `content` leaves open.
///
/// # Errors
/// Why a renderer doesn't read it to its end, or that it leaves more than [`OPEN_MAX`] open.
pub(crate) fn balance(content: &[u8]) -> Result<Balance, String> {
    walk(content, |_, _| Ok(()))
}

/// The stamps that a page draws, in order.
///
/// # Errors
/// As [`balance`], and too many stamps.
pub(crate) fn stamps(page: &Page<'_>) -> Result<Vec<DrawnStamp>, String> {
    let mut drawn = Vec::new();
    walk(page.page_stream().unwrap_or_default(), |state, name| {
        if !is_stamp_name(name) {
            return Ok(());
        }
        if drawn.len() == STAMPS_MAX {
            return Err(format!("it draws more than {STAMPS_MAX} stamps"));
        }
        let form = page.resources().get_x_object(name);
        drawn.push(DrawnStamp {
            name: String::from_utf8_lossy(name).into_owned(),
            form: form.map(|form| form.obj_id().obj_number),
            matrix: state.level.matrix,
            is_free: state.level.pristine
                && !state.in_text
                && !state.in_path
                && !state.marked.contains(&true),
        });
        Ok(())
    })?;
    Ok(drawn)
}

/// What a page that was not stamped yet leaves open.
///
/// # Errors
/// As [`balance`], and that it draws by a name under which a stamp may come to stand: it would draw that too.
pub(crate) fn page_balance(page: &Page<'_>) -> Result<Balance, String> {
    walk(page.page_stream().unwrap_or_default(), |_, name| {
        if is_stamp_name(name) && page.resources().get_x_object(name).is_none() {
            let name = String::from_utf8_lossy(name);
            return Err(format!("it draws /{name}, which it doesn't have"));
        }
        Ok(())
    })
}

fn is_stamp_name(name: &[u8]) -> bool {
    name.strip_prefix(STAMP_PREFIX.as_bytes())
        .is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
}

/// Reads all instructions; `each` sees the state at every `Do`, with the name that is drawn.
fn walk(
    content: &[u8],
    mut each: impl FnMut(&State, &Name<'_>) -> Result<(), String>,
) -> Result<Balance, String> {
    let bytes = [content, END].concat();
    let end = bytes.get(content.len() + 1..).unwrap_or_default();
    let mut state = State {
        level: START,
        saved: Vec::new(),
        unopened: 0,
        marked: Vec::new(),
        in_text: false,
        in_path: false,
    };
    let mut ended = false;
    let mut instructions = TypedIter::new(&bytes);
    while let Some(instruction) = instructions.next() {
        match instruction {
            // The very bytes, not others that look like them.
            TypedInstruction::Fallback(operator) if is_same(operator, end) => ended = true,
            TypedInstruction::Fallback(operator) if **operator == *b"BI" => {
                return Err("an inline image has no end".to_owned());
            }
            TypedInstruction::XObject(drawn) => each(&state, drawn.0)?,
            instruction => state.take(&instruction)?,
        }
    }
    if !ended {
        return Err(
            "it ends inside a token, or holds something at which a reader stops".to_owned(),
        );
    }
    Ok(Balance {
        unopened: state.unopened,
        unclosed: state.saved.len() as u32,
        marked: state.marked.len() as u32,
        in_text: state.in_text,
        in_path: state.in_path,
    })
}

/// Whether the operator is these very bytes, and not others that look like them.
fn is_same(operator: &Operator<'_>, bytes: &[u8]) -> bool {
    let operator: &[u8] = operator;
    std::ptr::eq(operator, bytes)
}

impl State {
    fn take(&mut self, instruction: &TypedInstruction<'_, '_>) -> Result<(), String> {
        use TypedInstruction as I;
        let too_many = |what: &str| Err(format!("it leaves more than {OPEN_MAX} {what}"));
        match instruction {
            I::SaveState(_) if self.saved.len() == OPEN_MAX as usize => {
                return too_many("q open");
            }
            I::SaveState(_) => self.saved.push(self.level),
            I::RestoreState(_) => match self.saved.pop() {
                Some(level) => self.level = level,
                None if self.unopened == OPEN_MAX => return too_many("Q without a q"),
                None => self.unopened += 1,
            },
            I::Transform(m) => {
                let m = [&m.0, &m.1, &m.2, &m.3, &m.4, &m.5].map(|n| n.as_f64());
                self.level.matrix = product(m, self.level.matrix);
            }
            I::BeginMarkedContent(_) | I::BeginMarkedContentWithProperties(_) => {
                if self.marked.len() == OPEN_MAX as usize {
                    return too_many("marked content open");
                }
                let named = matches!(instruction, I::BeginMarkedContentWithProperties(_));
                self.marked.push(named);
            }
            I::EndMarkedContent(_) => drop(self.marked.pop()),
            I::BeginText(_) => self.in_text = true,
            I::EndText(_) => self.in_text = false,
            I::MarkedContentPoint(_) | I::MarkedContentPointWithProperties(_) => {}
            other => {
                self.in_path = match other {
                    I::MoveTo(_)
                    | I::LineTo(_)
                    | I::CubicTo(_)
                    | I::CubicStartTo(_)
                    | I::CubicEndTo(_)
                    | I::ClosePath(_)
                    | I::RectPath(_)
                    | I::ClipNonZero(_)
                    | I::ClipEvenOdd(_) => true,
                    I::EndPath(_)
                    | I::StrokePath(_)
                    | I::CloseAndStrokePath(_)
                    | I::FillPathNonZero(_)
                    | I::FillPathNonZeroCompatibility(_)
                    | I::FillPathEvenOdd(_)
                    | I::FillAndStrokeNonZero(_)
                    | I::FillAndStrokeEvenOdd(_)
                    | I::CloseFillAndStrokeNonZero(_)
                    | I::CloseFillAndStrokeEvenOdd(_) => false,
                    _ => self.in_path,
                };
                self.level.pristine = false;
            }
        }
        Ok(())
    }
}

/// `m` applied before `n` (8.3.4).
fn product(m: [f64; 6], n: [f64; 6]) -> [f64; 6] {
    let [a, b, c, d, e, f] = m;
    let [na, nb, nc, nd, ne, nf] = n;
    [
        a * na + b * nc,
        a * nb + b * nd,
        c * na + d * nc,
        c * nb + d * nd,
        e * na + f * nc + ne,
        e * nb + f * nd + nf,
    ]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pdf::fixture::Pdf;
    use crate::worker::scene::Scene;

    #[test]
    fn unbalanced_saves_and_restores_are_counted() {
        let of = |content: &str| {
            let balance = balance(content.as_bytes()).unwrap();
            (balance.unclosed, balance.unopened)
        };
        assert_eq!(of("q q Q 1 0 0 rg q"), (2, 0));
        assert_eq!(of("Q q Q Q"), (0, 2));
        assert_eq!(of("q BT (q q) Tj ET Q"), (0, 0));
        assert_eq!(of(""), (0, 0));
    }

    #[test]
    fn open_marks_text_and_paths_are_found() {
        let of = |content: &str| {
            let balance = balance(content.as_bytes()).unwrap();
            (balance.marked, balance.in_text, balance.in_path)
        };
        assert_eq!(of("/P BMC /OC /L BDC EMC"), (1, false, false));
        assert_eq!(of("EMC EMC"), (0, false, false));
        assert_eq!(of("BT"), (0, true, false));
        assert_eq!(of("BT ET 0 0 5 5 re W"), (0, false, true));
        assert_eq!(of("0 0 5 5 re W n"), (0, false, false));
    }

    #[test]
    fn content_that_no_reader_reads_to_its_end_is_refused() {
        for content in [
            "0 0 1 rg (",
            "0 0 1 rg (paraph-end",
            "0 0 1 rg paraph-end (",
            "0 0 1 rg [",
            "0 0 1 rg <41",
            "/P <</MCID 0",
            "BI /W 1 /H 1 /BPC 8 /CS /G ID x",
            "0 0 1 rg ) 0 0 5 5 re f",
            "1 m 0 0 5 5 re f",
            "1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 g 0 0 5 5 re f",
        ] {
            assert!(balance(content.as_bytes()).is_err(), "{content}");
        }
        for content in [
            "0 0 1 rg %",
            "0 0 1 rg % (",
            "0 0 1",
            "(a) Tj",
            "BI /W 1 /H 1 /BPC 8 /CS /G ID x EI",
            "BI /W 1 /H 1 /BPC 8 /CS /G ID x\nEI Q",
            "paraph-end",
        ] {
            assert!(balance(content.as_bytes()).is_ok(), "{content}");
        }
        let many = "q ".repeat(OPEN_MAX as usize + 1);
        assert!(balance(many.as_bytes()).unwrap_err().contains("more than"));
    }

    fn drawn(content: &str) -> Vec<DrawnStamp> {
        let mut pdf = Pdf::one_page();
        pdf.replace(3, "/Resources<<>>", "/Resources<</XObject<</PX0 5 0 R>>>>");
        pdf.stream(4, "", content.as_bytes());
        pdf.stream(5, "/Type/XObject/Subtype/Form/BBox[0 0 10 10]", b"");
        let scene = Scene::open(Arc::new(pdf.build()), vec![]).unwrap();
        stamps(&scene.pages()[0]).unwrap()
    }

    #[test]
    fn a_stamp_is_seen_with_its_form_and_matrix() {
        let seen = drawn("q 1 0 0 rg 5 0 0 5 0 0 cm Q q 2 0 0 2 10 20 cm /PX0 Do Q /Other Do");
        assert_eq!(
            seen,
            [DrawnStamp {
                name: "PX0".into(),
                form: Some(5),
                matrix: [2.0, 0.0, 0.0, 2.0, 10.0, 20.0],
                is_free: true,
            }]
        );
    }

    #[test]
    fn a_stamp_that_is_clipped_hidden_or_in_a_text_is_not_free() {
        for before in [
            "0 0 1 1 re W n",
            "/G gs",
            "/OC /L BDC",
            "BT",
            "0 0 1 1 re W",
            "7 Tr",
        ] {
            let seen = drawn(&format!("{before} q /PX0 Do Q"));
            assert!(!seen[0].is_free, "{before}");
        }
        assert!(drawn("/Artifact BMC q /PX0 Do Q EMC")[0].is_free);
    }

    #[test]
    fn content_that_would_draw_a_coming_stamp_is_refused() {
        let refusal = |name: &str| {
            let mut pdf = Pdf::one_page();
            pdf.stream(4, "", format!("q /{name} Do Q").as_bytes());
            let scene = Scene::open(Arc::new(pdf.build()), vec![]).unwrap();
            page_balance(&scene.pages()[0]).err()
        };
        assert!(refusal("PX7").unwrap().contains("/PX7"));
        assert_eq!(refusal("PX"), None);
        assert_eq!(refusal("Px7"), None);
    }
}
