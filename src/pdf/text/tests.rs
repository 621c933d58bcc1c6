use super::shape::Run;
use super::*;

fn fonts() -> Fonts {
    Fonts::new(Vec::new(), Vec::new()).unwrap()
}

fn glyphs(line: &Line) -> usize {
    line.runs
        .iter()
        .map(|run| match run {
            Run::Shaped { glyphs, .. } => glyphs.len(),
            Run::Missing(_) => 0,
        })
        .sum()
}

fn said(line: &Line) -> String {
    line.runs
        .iter()
        .flat_map(|run| match run {
            Run::Shaped { clusters, .. } => clusters.iter().map(|c| c.text.clone()).collect(),
            Run::Missing(chars) => vec![chars.iter().collect::<String>()],
        })
        .collect()
}

#[test]
fn greek_cyrillic_polish_and_vietnamese_names_need_no_font_of_the_machine() {
    let fonts = fonts();
    for name in [
        "Ελένη Παπαδοπούλου",
        "Дмитрий Щербаков",
        "Żółć Gęślą-Jaźń",
        "Nguyễn Thị Hồng",
    ] {
        let line = line(&fonts, name, Weight::Regular);
        assert_eq!(line.missing().count(), 0, "{name}");
        assert!(line.width > 4.0);
        assert_eq!(said(&line), name);
    }
}

#[test]
fn a_name_in_parts_is_drawn_composed() {
    let fonts = fonts();
    let parts = line(&fonts, "Z\u{307}o\u{301}ł", Weight::Regular);
    assert_eq!(said(&parts), "Żół");
    assert_eq!(glyphs(&parts), 3);
}

#[test]
fn a_character_without_glyph_becomes_a_box_and_is_reported() {
    let fonts = fonts();
    let line = line(&fonts, "Li 李明", Weight::Regular);
    assert_eq!(line.missing().collect::<String>(), "李明");
    assert!(
        (line.width - (line_width(&fonts, "Li ") + 2.0 * super::shape::MISSING_ADVANCE)).abs()
            < 1e-4
    );
}

fn line_width(fonts: &Fonts, text: &str) -> f32 {
    line(fonts, text, Weight::Regular).width
}

#[test]
fn arabic_is_joined_and_runs_from_right_to_left() {
    let fonts = fonts();
    let shaped = line(&fonts, "سلام", Weight::Regular);
    assert_eq!(shaped.missing().count(), 0);
    // Lam and alef make one glyph; what is leftmost was said last.
    assert_eq!(said(&shaped), "ملاس");
    let apart: f32 = "سلام"
        .chars()
        .map(|c| line_width(&fonts, &c.to_string()))
        .sum();
    assert!(shaped.width < apart, "joined forms are narrower");
}

#[test]
fn a_name_cannot_turn_the_words_around_it() {
    let fonts = fonts();
    assert_eq!(said(&line(&fonts, "ab\u{202E}cd", Weight::Regular)), "abcd");
}

#[test]
fn a_text_is_wrapped_then_shrunk_then_refused_and_never_cut() {
    let fonts = fonts();
    let text = "The quick brown fox jumps over the lazy dog";
    let one = fit(&fonts, text, Weight::Regular, (400.0, 14.0), SIZE_MAX).unwrap();
    assert_eq!((one.lines.len(), one.size), (1, SIZE_MAX));
    let two = fit(&fonts, text, Weight::Regular, (150.0, 20.0), SIZE_MAX).unwrap();
    assert_eq!(two.lines.len(), 2);
    assert!(two.size < SIZE_MAX && two.size >= SIZE_MIN);
    for line in &two.lines {
        assert!(line.width_at(two.size) <= 150.0);
    }
    let words: String = two.lines.iter().map(said).collect::<Vec<_>>().join(" ");
    assert_eq!(words, text);
    assert_eq!(
        fit(&fonts, text, Weight::Regular, (60.0, 14.0), SIZE_MAX).unwrap_err(),
        TooLong
    );
    assert!(fits(&fonts, "Paris", 150.0, 40.0));
    assert!(!fits(&fonts, &"long ".repeat(200), 150.0, 40.0));
}

#[test]
fn a_word_longer_than_its_line_is_broken_inside() {
    let fonts = fonts();
    let word = "a".repeat(64);
    let block = wrap(&fonts, &word, Weight::Regular, 100.0, 10.0);
    assert!(block.lines.len() > 2);
    assert!(block.lines.iter().all(|line| line.width_at(10.0) <= 100.5));
    assert_eq!(block.lines.iter().map(said).collect::<String>(), word);
}

#[test]
fn line_feeds_end_lines_and_empty_lines_stay() {
    let fonts = fonts();
    let block = wrap(&fonts, "a\r\n\nb c", Weight::Regular, 100.0, 10.0);
    let lines: Vec<_> = block.lines.iter().map(said).collect();
    assert_eq!(lines, ["a", "", "b c"]);
}

#[test]
fn a_line_may_break_between_ideographs_but_not_before_a_full_stop() {
    assert_eq!(
        super::pieces("中文。 ab-cd 1-2")
            .iter()
            .map(|(from, to, _)| &"中文。 ab-cd 1-2"[*from..*to])
            .collect::<Vec<_>>(),
        ["中", "文。", "ab-", "cd", "1-2"]
    );
}

#[test]
fn a_typed_name_is_an_outline_in_every_carried_style() {
    let fonts = fonts();
    for style in fonts.signature_styles() {
        let drawn = outline(&fonts, "Zoë Łukasiewicz", &style.id).unwrap();
        let (width, height) = drawn.extent();
        assert!(width > 4.0 && height > 0.7, "{style:?}: {width} x {height}");
        let path = drawn.svg_path(100.0);
        assert!(path.starts_with('M') && path.ends_with('Z') && !path.contains("NaN"));
        let size = drawn.size_within(100.0, 20.0, 48.0);
        assert!(width * size <= 100.01 && height * size <= 20.01);
    }
}

#[test]
fn a_style_that_lacks_a_letter_is_not_offered() {
    let fonts = fonts();
    assert_eq!(outline(&fonts, "李明", "serif"), None);
    assert_eq!(outline(&fonts, "Ann", "no-such-style"), None);
    assert_eq!(outline(&fonts, "  ", "serif"), None);
}

#[test]
fn a_font_file_is_read_when_a_text_needs_it_and_its_failure_is_told() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let read = Arc::new(AtomicUsize::new(0));
    let counter = read.clone();
    let file = |label: &str, load: Loader| FontFile {
        label: label.to_owned(),
        index: 0,
        load,
    };
    let fonts = Fonts::new(
        vec![
            file(
                "absent",
                Box::new(|| Err(std::io::ErrorKind::NotFound.into())),
            ),
            file("broken", Box::new(|| Ok(b"no font".to_vec()))),
            file(
                "mono",
                Box::new(move || {
                    counter.fetch_add(1, Ordering::SeqCst);
                    Ok(dejavu::sans_mono::regular().to_vec())
                }),
            ),
        ],
        Vec::new(),
    )
    .unwrap();
    assert_eq!(line(&fonts, "Ann", Weight::Regular).missing().count(), 0);
    assert_eq!(read.load(Ordering::SeqCst), 0);
    assert_eq!(line(&fonts, "李", Weight::Regular).missing().count(), 1);
    assert_eq!(read.load(Ordering::SeqCst), 1);
    let states: Vec<_> = fonts
        .check()
        .into_iter()
        .map(|(label, state)| (label.to_owned(), state.is_ok()))
        .collect();
    assert_eq!(
        states,
        [
            ("absent".to_owned(), false),
            ("broken".to_owned(), false),
            ("mono".to_owned(), true)
        ]
    );
}
