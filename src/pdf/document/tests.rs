use super::*;
use crate::pdf::Code;
use crate::pdf::fixture::{Pdf, deflate, stream, update};

fn open(file: &[u8]) -> Document<&[u8]> {
    Document::open(file).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refuses<T>(result: Result<T, Error>, reason: &str) {
    match result {
        Ok(_) => panic!("taken"),
        Err(error) => {
            assert!(error.to_string().contains(reason), "{error}");
            assert_eq!(error.code(), Some(Code::Malformed), "{error}");
            assert!(error.offset().is_some(), "{error}");
        }
    }
}

/// One page in streams, with object stream 6 of `entries` and `data` (which may be encoded) for object 5.
fn with_object_stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let mut pdf = Pdf::one_page();
    pdf.set(5, "(five)").pack(&[5]);
    let file = pdf.with_stream_xref();
    let start = file.windows(7).position(|w| w == b"6 0 obj").unwrap();
    let end = start
        + file[start..]
            .windows(7)
            .position(|w| w == b"7 0 obj")
            .unwrap();
    let container = [b"6 0 obj\n", &stream(entries, data)[..], b"\nendobj\n"].concat();
    // The stream that follows moves: keep it in place.
    let mut padded = container.clone();
    assert!(padded.len() <= end - start + 4000);
    let shift = padded.len() as i64 - (end - start) as i64;
    padded = [&file[..start], &padded[..], &file[end..]].concat();
    move_xref(&padded, shift)
}

/// Makes the last cross-reference stream anew after it moved by `shift`: only `startxref` names it.
fn move_xref(file: &[u8], shift: i64) -> Vec<u8> {
    let text = String::from_utf8_lossy(file);
    let old: i64 = text
        .rsplit("startxref\n")
        .next()
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let at = file.windows(9).rposition(|w| w == b"startxref").unwrap();
    let tail = format!("startxref\n{}\n%%EOF\n", old + shift);
    [&file[..at], tail.as_bytes()].concat()
}

fn five(file: &[u8]) -> Result<Object, Error> {
    open(file).get(Ref::new(5, 0))
}

#[test]
fn the_catalog_is_a_dictionary_of_its_type() {
    let mut pdf = Pdf::one_page();
    refuses(
        Document::open(pdf.set(1, "<</Pages 2 0 R>>").build()),
        "its /Type is not /Catalog",
    );
    refuses(Document::open(pdf.set(1, "[]").build()), "is no dictionary");
    refuses(Document::open(pdf.remove(1).build()), "is no dictionary");
}

#[test]
fn a_trailer_without_root_or_size_rejects() {
    let file = String::from_utf8(Pdf::one_page().build()).unwrap();
    for (from, to, reason) in [
        ("/Root 1 0 R", "/Roof 1 0 R", "/Root is no reference"),
        ("/Root 1 0 R", "/Root 12345", "/Root is no reference"),
        ("/Size 5", "/Sice 5", "/Size is no integer"),
        ("/Size 5", "/Size 0", "/Size is no integer"),
    ] {
        refuses(Document::open(file.replace(from, to).into_bytes()), reason);
    }
}

#[test]
fn free_missing_or_other_generation_is_null() {
    let file = Pdf::one_page().build();
    let document = open(&file);
    for reference in [Ref::new(0, 0), Ref::new(99, 0), Ref::new(1, 1)] {
        assert_eq!(document.get(reference).unwrap(), Object::Null);
    }
}

#[test]
fn an_object_in_use_that_size_excludes_rejects_when_reached() {
    let mut file = Pdf::one_page().build();
    update(&mut file, &[(9, "1")], "/Root 1 0 R/Size 9");
    let document = open(&file);
    refuses(document.get(Ref::new(9, 0)), "the trailer's /Size is 9");
    assert_eq!(document.first_new_number(), 10);
}

#[test]
fn references_to_references_are_followed_but_not_in_circles() {
    let mut pdf = Pdf::one_page();
    pdf.set(5, "6 0 R")
        .set(6, "(end)")
        .set(7, "8 0 R")
        .set(8, "7 0 R");
    let file = pdf.build();
    let document = open(&file);
    let resolve = |number| {
        document
            .resolve(&Object::Ref(Ref::new(number, 0)))
            .map(Cow::into_owned)
    };
    assert_eq!(resolve(5).unwrap(), Object::String(b"end".to_vec()));
    refuses(resolve(7), "doesn't end");
}

#[test]
fn a_length_may_be_a_reference_to_an_integer_only() {
    let mut pdf = Pdf::one_page();
    pdf.set(5, "<</Length 6 0 R>>stream\nabc\nendstream")
        .set(6, "3");
    assert!(five(&pdf.build()).is_ok());
    pdf.set(6, "3.0");
    refuses(five(&pdf.build()), "where a length is wanted");
    pdf.set(6, "<</Length 6 0 R>>stream\nabc\nendstream");
    refuses(five(&pdf.build()), "refers to a stream");
    pdf.remove(6);
    refuses(five(&pdf.build()), "where a length is wanted");
}

#[test]
fn a_length_may_stand_in_an_object_stream() {
    let mut pdf = Pdf::one_page();
    pdf.set(5, "<</Length 6 0 R>>stream\nabc\nendstream")
        .set(6, "3")
        .pack(&[6]);
    assert_eq!(five(&pdf.with_stream_xref()).unwrap().kind(), "a stream");
}

#[test]
fn an_object_stream_gives_its_objects() {
    let file = with_object_stream("/Type/ObjStm/N 2/First 8", b"5 0 9 6 (five)7");
    assert_eq!(five(&file).unwrap(), Object::String(b"five".to_vec()));
}

#[test]
fn a_wrong_index_is_taken_if_the_number_is_there_once() {
    // The cross-reference says index 0.
    let file = with_object_stream("/Type/ObjStm/N 2/First 8", b"9 0 5 2 7 (five)");
    assert_eq!(five(&file).unwrap(), Object::String(b"five".to_vec()));
    let file = with_object_stream("/Type/ObjStm/N 2/First 8", b"5 0 5 2 7 (five)");
    refuses(five(&file), "twice in object stream 6 0");
    let file = with_object_stream("/Type/ObjStm/N 1/First 4", b"9 0 7");
    refuses(five(&file), "is not in object stream 6 0");
}

#[test]
fn whole_deflate_data_with_a_wrong_checksum_is_taken() {
    let mut data = deflate(b"5 0 (five)");
    *data.last_mut().unwrap() ^= 0xff;
    let entries = "/Type/ObjStm/N 1/First 4/Filter/FlateDecode";
    assert_eq!(
        five(&with_object_stream(entries, &data)).unwrap(),
        Object::String(b"five".to_vec())
    );
    refuses(
        five(&with_object_stream(entries, &data[..6])),
        "broken or ends early",
    );
}

#[test]
fn an_object_stream_says_truly_what_is_in_it() {
    for (entries, data, reason) in [
        (
            "/Type/ObjStx/N 1/First 4",
            "5 0 (five)",
            "/Type is not /ObjStm",
        ),
        ("/Type/ObjStm/First 4", "5 0 (five)", "/N or /First"),
        ("/Type/ObjStm/N -1/First 4", "5 0 (five)", "/N or /First"),
        (
            "/Type/ObjStm/N 2/First 4",
            "5 0 (five)",
            "pairs of number and offset",
        ),
        (
            "/Type/ObjStm/N 1/First 99",
            "5 0 (five)",
            "doesn't rise, or lies outside",
        ),
        (
            "/Type/ObjStm/N 1/First 4",
            "5 9 (five)",
            "doesn't rise, or lies outside",
        ),
        (
            "/Type/ObjStm/N 2/First 8",
            "5 2 9 0 7 (five)",
            "doesn't rise, or lies outside",
        ),
        (
            "/Type/ObjStm/N 1/First 6",
            "5 0 9 (five)",
            "between the pairs",
        ),
        ("/Type/ObjStm/N 1/First 4", "0 0 (five)", "out of range"),
        (
            "/Type/ObjStm/N 1/First 4",
            "5 0 (five) 7",
            "after the value of object 5 0",
        ),
        (
            "/Type/ObjStm/N 2/First 8",
            "5 0 9 1 (five)",
            "without its )",
        ),
        (
            "/Type/ObjStm/N 1/First 4",
            "5 0 <<>>stream",
            "after the value of object 5 0",
        ),
        (
            "/Type/ObjStm/N 1/First 4/Filter/LZWDecode",
            "5 0 (five)",
            "otherwise than by Flate",
        ),
    ] {
        refuses(five(&with_object_stream(entries, data.as_bytes())), reason);
    }
    // A comment counts as white space.
    let file = with_object_stream("/Type/ObjStm/N 1/First 7", b"5 0 %c\n(five)");
    assert_eq!(five(&file).unwrap(), Object::String(b"five".to_vec()));
}

#[test]
fn object_streams_are_not_nested() {
    let mut pdf = Pdf::one_page();
    pdf.set(5, "(five)").pack(&[5]);
    let file = pdf.with_stream_xref();
    let mut document = open(&file);
    document.xref.set_for_test(
        6,
        Entry::In {
            stream: 6,
            index: 0,
        },
    );
    refuses(document.get(Ref::new(5, 0)), "in another object stream");
}

#[test]
fn an_object_streams_length_stands_in_the_file_itself() {
    let mut pdf = Pdf::one_page();
    pdf.set(5, "(five)").pack(&[5]);
    let file = with_object_stream("/Type/ObjStm/N 1/First 4", b"5 0 (five)");
    let text = file.windows(10).position(|w| w == b"/Length 10").unwrap();
    let file = [&file[..text], b"/Length 5 0 R", &file[text + 10..]].concat();
    refuses(five(&move_xref(&file, 3)), "no integer in the file itself");
}

#[test]
fn an_update_can_know_all_it_must() {
    let mut pdf = Pdf::one_page();
    pdf.set(5, "<</Title(T)>>")
        .trailer("/Info 5 0 R/ID[<01><02>]");
    let file = pdf.build();
    let document = open(&file);
    assert_eq!(document.file_bytes(), file.len() as u64);
    assert_eq!(document.size(), 6);
    assert_eq!(document.first_new_number(), 6);
    assert_eq!(document.xref().highest(), 5);
    assert!(document.ends_in_newline().unwrap());
    assert_eq!(document.ids().unwrap(), Some([vec![1], vec![2]]));
    assert_eq!(document.root_ref(), Ref::new(1, 0));
    assert!(document.root().has("Pages"));
    assert!(document.info().unwrap().unwrap().has("Title"));
    let at = document.startxref() as usize;
    assert_eq!(&file[at..at + 4], b"xref");
    let bare = file.trim_ascii_end();
    assert!(!open(bare).ends_in_newline().unwrap());
}

#[test]
fn stream_data_is_given_raw_and_decoded_within_a_bound() {
    let mut pdf = Pdf::one_page();
    pdf.stream(5, "/Filter/FlateDecode", &deflate(&[b'a'; 100]));
    pdf.stream(6, "/Filter/DCTDecode", b"jpeg");
    let file = pdf.build();
    let document = open(&file);
    let read = |number| document.get(Ref::new(number, 0)).unwrap();
    let five = read(5);
    let flate = five.as_stream().unwrap();
    assert_eq!(
        document.stream_encoded(flate, 100).unwrap(),
        deflate(&[b'a'; 100])
    );
    assert_eq!(
        document.stream_decoded(flate, 100).unwrap(),
        Some(vec![b'a'; 100])
    );
    refuses(
        document.stream_decoded(flate, 99),
        "inflates to more than 99",
    );
    refuses(document.stream_encoded(flate, 3), "more than 3 bytes");
    let six = read(6);
    assert_eq!(
        document
            .stream_decoded(six.as_stream().unwrap(), 100)
            .unwrap(),
        None
    );
}

#[test]
fn a_file_on_disk_reads_as_one_in_memory() {
    let path = std::env::temp_dir().join(format!("paraph-reader-{}.pdf", std::process::id()));
    std::fs::write(&path, Pdf::pages(3).build()).unwrap();
    let document = Document::open(std::fs::File::open(&path).unwrap()).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(document.page_tree(9).unwrap().pages.len(), 3);
}

#[test]
fn objects_inside_each_other_end_the_reading() {
    // Object n is a string that holds object n + 1 and so on: each alone is sound, all together cost the square.
    let count = 6000;
    let mut pdf = String::from("%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n");
    let mut rows = String::from("0000000000 65535 f\r\n0000000009 00000 n\r\n");
    for number in 2..count {
        rows += &format!("{:010} 00000 n\r\n", pdf.len());
        pdf += &format!("{number} 0 obj(");
    }
    for _ in 2..count {
        pdf += ")endobj ";
    }
    let startxref = pdf.len();
    pdf += &format!(
        "xref\n0 {count}\n{rows}trailer<</Root 1 0 R/Size {count}>>\nstartxref\n{startxref}\n%%EOF"
    );
    let document = open(pdf.as_bytes());
    let error = (2..count)
        .find_map(|number| document.get(Ref::new(number, 0)).err())
        .expect("refused");
    refuses::<()>(Err(error), "over and over");
}
