use super::*;
use crate::pdf::fixture::{Pdf, stream, table, update, write_objects};
use crate::pdf::object::Ref;
use crate::pdf::{Document, Object};
use std::collections::BTreeMap;

fn open(file: &[u8]) -> Result<Document<&[u8]>, Error> {
    Document::open(file)
}

#[track_caller]
fn rejects(file: &[u8], reason: &str) -> Error {
    match open(file) {
        Ok(_) => panic!("taken"),
        Err(error) => {
            assert!(error.to_string().contains(reason), "{error}");
            assert_eq!(error.code(), Some(Code::Malformed));
            assert!(error.offset().is_some(), "{error}");
            error
        }
    }
}

fn replace(file: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = file
        .windows(from.len())
        .position(|window| window == from)
        .expect("something to replace");
    [&file[..at], to, &file[at + from.len()..]].concat()
}

/// One page, whose cross-reference (from `xref` to `%%EOF`) is `end` made of the offsets.
fn with_end(end: impl Fn(&BTreeMap<u32, usize>) -> String) -> Vec<u8> {
    let file = Pdf::one_page().build();
    let startxref = file.windows(5).position(|w| w == b"xref\n").unwrap();
    let mut file = file[..startxref].to_vec();
    let offsets = (1..=4)
        .map(|number| {
            let header = format!("{number} 0 obj");
            let at = file.windows(7).position(|w| w == header.as_bytes());
            (number, at.unwrap())
        })
        .collect();
    file.extend(format!("{}startxref\n{startxref}\n%%EOF\n", end(&offsets)).bytes());
    file
}

#[test]
fn the_file_begins_with_its_header() {
    let file = Pdf::one_page().build();
    assert!(open(&file).is_ok());
    rejects(&[b" ", &file[..]].concat(), "begin with %PDF-");
    for short in [&b""[..], b"%PDF", b"%PDF-"] {
        let error = Document::open(short).err().unwrap();
        assert_eq!(error.code(), Some(Code::Malformed), "{error}");
    }
}

#[test]
fn the_file_ends_with_startxref_a_number_and_eof_then_white_space_only() {
    let file = Pdf::one_page().build();
    assert!(open(&[&file[..], b" \r\n\0\t"].concat()).is_ok());
    let error = rejects(&[&file[..], b"x"].concat(), "other than white space");
    assert_eq!(error.offset(), Some(file.len() as u64));
    rejects(&replace(&file, b"%%EOF", b"%%EO"), "no %%EOF");
    rejects(&replace(&file, b"startxref", b"startxre"), "no startxref");
    rejects(
        &replace(&file, b"startxref\n", b"startxref\nx"),
        "no number",
    );
    rejects(&replace(&file, b"\n%%EOF", b"%%EOF"), "between the number");
    rejects(
        &replace(&file, b"\n%%EOF", b"\n%c\n%%EOF"),
        "between the number",
    );
    rejects(
        &replace(&file, b"startxref\n", b"startxref\n9"),
        "doesn't lie before it",
    );
    let padded = [&file[..], &[b'\n'; TAIL_BYTES as usize]].concat();
    rejects(&padded, "no %%EOF in the last 1024 bytes");
}

#[test]
fn startxref_names_the_first_byte_of_the_section() {
    let file = Pdf::one_page().build();
    let at = file.windows(5).position(|w| w == b"xref\n").unwrap();
    let shifted = replace(
        &file,
        format!("startxref\n{at}").as_bytes(),
        format!("startxref\n{}", at - 1).as_bytes(),
    );
    let error = rejects(&shifted, "no object begins here");
    assert_eq!(error.offset(), Some(at as u64 - 1));
}

#[test]
fn a_table_may_have_empty_subsections_but_no_number_twice() {
    let trailer = "trailer<</Root 1 0 R/Size 5>>\n";
    let rows = |offsets: &_| String::from_utf8(table(&[(0, "f")], offsets)).unwrap();
    assert!(open(&with_end(|o| format!("{}7 0\n{trailer}", rows(o)))).is_ok());
    let twice = with_end(|o| format!("{}0 1\n0000000000 00000 f\r\n{trailer}", rows(o)));
    rejects(&twice, "object number 0 twice");
    let odd = with_end(|o| format!("{}7 x\n{trailer}", rows(o)));
    rejects(&odd, "neither a subsection nor the trailer");
    let high = with_end(|o| format!("{}8388608 1\n0000000000 00000 f\r\n{trailer}", rows(o)));
    rejects(&high, "object numbers above 8388607");
}

#[test]
fn a_table_entry_is_20_bytes() {
    let file = Pdf::one_page().build();
    assert!(open(&file.clone()).is_ok());
    for (from, to) in [
        (" 00000 n\r\n", " 00000 n\n"),
        (" 00000 n\r\n", " 00000 x\r\n"),
        (" 00000 n\r\n", " 0000  n\r\n"),
        (" 00000 n\r\n", "_00000 n\r\n"),
        (" 00000 n\r\n", " 00000_n\r\n"),
        (" 00000 n\r\n", " 00000 n\r\r"),
    ] {
        let broken = replace(&file, from.as_bytes(), to.as_bytes());
        rejects(&broken, "is not the 20 bytes of the standard");
    }
    let broken = replace(&file, b" 00000 n\r\n", b" 65536 n\r\n");
    rejects(&broken, "has a generation above 65535");
    // A free entry is never reached.
    assert!(open(&replace(&file, b" 65535 f\r\n", b" 65536 f\r\n")).is_ok());
}

#[test]
fn more_than_a_million_entries_are_refused_before_they_are_read() {
    let end = "xref\n0 1000001\n0000000000 65535 f\r\ntrailer<</Root 1 0 R/Size 5>>\n";
    rejects(&with_end(|_| end.into()), "more than 1000000");
    let mut file = b"%PDF-1.7\n".to_vec();
    let offset = file.len();
    file.extend(b"1 0 obj");
    file.extend(stream("/Type/XRef/W[0 0 1]/Size 8000000", b""));
    file.extend(format!("\nendobj\nstartxref\n{offset}\n%%EOF").bytes());
    rejects(&file, "more than 1000000");
}

#[test]
fn a_wrong_entry_is_an_error_only_when_reached() {
    let mut pdf = Pdf::one_page();
    pdf.set(5, "7");
    let file = pdf.build();
    let at = file.windows(7).position(|w| w == b"5 0 obj").unwrap();
    let broken = replace(
        &file,
        format!("{at:010} 00000 n").as_bytes(),
        b"0000000002 00000 n",
    );
    let document = open(&broken).unwrap();
    let error = document.get(Ref::new(5, 0)).unwrap_err();
    assert!(error.to_string().contains("no \"5 0 obj\""), "{error}");
    assert_eq!(error.offset(), Some(2));
}

#[test]
fn the_newest_section_wins_along_prev() {
    let mut file = Pdf::one_page().build();
    update(&mut file, &[(5, "(old)")], "/Root 1 0 R/Size 6");
    update(&mut file, &[(5, "(new)")], "/Root 1 0 R/Size 6");
    let document = open(&file).unwrap();
    assert_eq!(
        document.get(Ref::new(5, 0)).unwrap(),
        Object::String(b"new".to_vec())
    );
    assert_eq!(document.newest_section(), SectionKind::Table);
}

#[test]
fn prev_is_positive_and_never_leads_to_a_section_twice() {
    let file = Pdf::one_page().build();
    let at = file.windows(5).position(|w| w == b"xref\n").unwrap();
    let with_prev = |prev: &str| {
        let mut pdf = Pdf::one_page();
        pdf.trailer(&format!("/Prev {prev}")).build()
    };
    rejects(&with_prev(&at.to_string()), "for the second time");
    for prev in ["0", "-1", "5.0", "1 0 R"] {
        rejects(&with_prev(prev), "no positive integer");
    }
    rejects(&with_prev("99999"), "outside the file");
}

#[test]
fn more_than_1024_sections_are_refused() {
    let mut file = Pdf::one_page().build();
    let mut previous = file.windows(5).position(|w| w == b"xref\n").unwrap();
    for _ in 0..SECTIONS_MAX {
        let at = file.len();
        file.extend(format!("xref\n0 0\ntrailer<</Prev {previous}/Root 1 0 R/Size 5>>\n").bytes());
        previous = at;
    }
    file.extend(format!("startxref\n{previous}\n%%EOF").bytes());
    rejects(&file, "more than 1024 cross-reference sections");
}

#[test]
fn a_cross_reference_stream_is_read() {
    let mut pdf = Pdf::one_page();
    let file = pdf.pack(&[1, 2, 3]).with_stream_xref();
    let document = open(&file).unwrap();
    assert_eq!(document.newest_section(), SectionKind::Stream);
    assert_eq!(document.page_tree(1).unwrap().pages.len(), 1);
    let Entry::In { index, .. } = document.xref().entry(2) else {
        panic!("not packed");
    };
    assert_eq!(index, 1);
}

/// A file of catalog, page tree, and a cross-reference stream of `rows`.
fn stream_file(entries: &str, rows: &[u8]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    let objects = BTreeMap::from([(1, b"<</Type/Catalog>>".to_vec())]);
    assert_eq!(write_objects(&mut file, &objects)[&1], 9);
    let offset = file.len();
    file.extend(b"2 0 obj");
    file.extend(stream(&format!("/Type/XRef/Root 1 0 R{entries}"), rows));
    file.extend(format!("\nendobj\nstartxref\n{offset}\n%%EOF").bytes());
    file
}

#[test]
fn a_cross_reference_stream_has_three_widths_index_pairs_types_0_to_2_and_enough_rows() {
    assert!(open(&stream_file("/Size 2/W[1 1 1]", &[0, 0, 0, 1, 9, 0])).is_ok());
    assert!(open(&stream_file("/Size 2/W[0 1 0]/Index[1 1]", &[9])).is_ok());
    for (entries, rows, reason) in [
        ("/Size 2/W[1 1]", &[0; 6][..], "/W is not three integers"),
        ("/Size 2/W[1 1 9]", &[0; 60], "/W is not three integers"),
        ("/Size 2/W[0 0 0]", &[], "/W is not three integers"),
        ("/Size 2/W[1 1 -1]", &[0; 6], "/W is not three integers"),
        ("/W[1 1 1]", &[0; 6], "/Index or /Size"),
        ("/Size 2/W[1 1 1]/Index[0]", &[0; 6], "/Index or /Size"),
        (
            "/Size 2/W[1 1 1]/Index[8388608 1]",
            &[0; 6],
            "/Index or /Size",
        ),
        ("/Size 2/W[1 1 1]/Index[0 -1]", &[0; 6], "/Index or /Size"),
        ("/Size 3/W[1 1 1]", &[0, 0, 0, 1, 9, 0], "fewer rows"),
        ("/Size 1/W[1 1 1]", &[3, 0, 0], "none of the types"),
        (
            "/Size 2/W[1 1 1]/Index[1 1 1 1]",
            &[1, 9, 0, 1, 9, 0],
            "number 1 twice",
        ),
        (
            "/Size 2/W[1 1 1]/Filter/LZWDecode",
            &[0; 6],
            "otherwise than by Flate",
        ),
        ("/Size 2/W[1 1 1]/F(x)", &[0; 6], "otherwise than by Flate"),
        (
            "/Size 2/W[1 1 1]/Filter/FlateDecode/DecodeParms<</Predictor 2>>",
            &[0; 6],
            "otherwise than by Flate",
        ),
        (
            "/Size 2/W[1 1 1]/Filter/FlateDecode/DecodeParms<</Predictor 12/BitsPerComponent 4>>",
            &[0; 6],
            "otherwise than by Flate",
        ),
        (
            "/Size 2/W[1 1 1]/Filter/FlateDecode",
            &[0; 6],
            "no zlib header",
        ),
    ] {
        rejects(&stream_file(entries, rows), reason);
    }
    let file = stream_file("/Size 2/W[1 1 1]", &[0, 0, 0, 1, 9, 0]);
    rejects(
        &replace(&file, b"/XRef", b"/XRoo"),
        "its /Type is not /XRef",
    );
    rejects(
        &replace(&file, b"/Length 6", b"/Length 1 0 R"),
        "is a reference",
    );
}

#[test]
fn a_small_stream_that_inflates_beyond_the_bound_is_refused() {
    let bomb = crate::pdf::fixture::deflate(&vec![0; 65 * 1024 * 1024]);
    assert!(bomb.len() < 70_000);
    let file = stream_file("/Size 2/W[1 1 1]/Filter/FlateDecode", &bomb);
    rejects(&file, "inflates to more than 67108864 bytes");
}

/// A hybrid: the table has `visible` beside the page's objects, the stream has `hidden`; both name object 5.
fn hybrid_file(visible: bool, kind: u8) -> Vec<u8> {
    let mut pdf = Pdf::one_page();
    pdf.set(5, "(five)");
    let file = pdf.build();
    let at = file.windows(5).position(|w| w == b"xref\n").unwrap();
    let mut file = file[..at].to_vec();
    let mut offsets: BTreeMap<u32, usize> = (1..=5)
        .map(|number| {
            let header = format!("{number} 0 obj");
            (
                number,
                file.windows(7)
                    .position(|w| w == header.as_bytes())
                    .unwrap(),
            )
        })
        .collect();
    let five = offsets[&5];
    if !visible {
        offsets.remove(&5);
    }
    let hidden = file.len();
    file.extend(b"6 0 obj");
    let [.., high, low] = five.to_be_bytes();
    file.extend(stream(
        "/Type/XRef/Size 7/W[1 2 1]/Index[5 1]",
        &[kind, high, low, 0],
    ));
    file.extend(b"\nendobj\n");
    let startxref = file.len();
    file.extend(table(if visible { &[] } else { &[(5, "f")] }, &offsets));
    file.extend(
        format!("trailer<</Root 1 0 R/Size 7/XRefStm {hidden}>>\nstartxref\n{startxref}\n%%EOF\n")
            .bytes(),
    );
    file
}

#[test]
fn the_stream_of_a_hybrid_gives_what_its_table_has_free() {
    let file = hybrid_file(false, 1);
    let document = open(&file).unwrap();
    assert_eq!(document.newest_section(), SectionKind::Hybrid);
    assert!(document.has_hybrid_section());
    assert_eq!(
        document.get(Ref::new(5, 0)).unwrap(),
        Object::String(b"five".to_vec())
    );
}

#[test]
fn a_number_in_use_in_both_parts_of_a_hybrid_rejects() {
    rejects(&hybrid_file(true, 1), "object number 5 is in use in both");
    assert!(open(&hybrid_file(true, 0)).is_ok());
}

#[test]
fn encrypt_in_any_trailer_is_document_encrypted() {
    let mut pdf = Pdf::one_page();
    let mut file = pdf.trailer("/Encrypt<<>>").build();
    let code = |file: &[u8]| open(file).err().and_then(|error| error.code());
    assert_eq!(code(&file), Some(Code::Encrypted));
    update(&mut file, &[(5, "1")], "/Root 1 0 R/Size 6");
    assert_eq!(code(&file), Some(Code::Encrypted), "in an older trailer");
    let stream = pdf.with_stream_xref();
    assert_eq!(code(&stream), Some(Code::Encrypted), "in a stream");
    assert!(open(&pdf.trailer("/Encrypt null").build()).is_ok());
}
