use super::*;
use crate::pdf::source::Window;

fn read(text: &[u8]) -> Result<Object, Error> {
    let window = Window::new(text).unwrap();
    let mut lexer = Lexer::new(&window, Origin::File, 0, text.len() as u64);
    let value = lexer.value()?;
    lexer.skip_space()?;
    assert_eq!(lexer.position(), text.len() as u64, "not all was taken");
    Ok(value)
}

#[track_caller]
fn rejects(text: &[u8], reason: &str, offset: u64) {
    let error = read(text).expect_err("rejected");
    assert!(error.to_string().contains(reason), "{error}");
    assert_eq!(error.offset(), Some(offset), "{error}");
}

#[test]
fn integers_fit_64_bits() {
    assert_eq!(
        read(b"-9223372036854775808").unwrap(),
        Object::Int(i64::MIN)
    );
    assert_eq!(read(b"+17").unwrap(), Object::Int(17));
    rejects(b"9223372036854775808", "doesn't fit 64 bits", 0);
}

#[test]
fn reals_have_one_sign_one_dot_no_exponent() {
    for (text, value) in [("4.", 4.0), ("-.002", -0.002), ("+1.5", 1.5)] {
        let real = read(text.as_bytes()).unwrap();
        assert_eq!(real.as_number(), Some(value));
    }
    for text in ["--5", "1.2.3", ".", "+", "1e5", "6-7", "1.5-", "0x10"] {
        rejects(text.as_bytes(), "is no number", 0);
    }
}

#[test]
fn names_decode_their_hash_escapes() {
    assert_eq!(read(b"/A#42#2f").unwrap(), Object::Name(Name::from("AB/")));
    assert_eq!(read(b"/").unwrap(), Object::Name(Name::from("")));
    rejects(b"/A#4", "without two hexadecimal digits", 0);
    rejects(b"/A#zz", "without two hexadecimal digits", 0);
    rejects(b"/A#00", "#00", 0);
}

#[test]
fn a_token_has_a_bound() {
    let long = [b"/".as_slice(), &[b'a'; TOKEN_BYTES_MAX + 1]].concat();
    rejects(&long, "a token of more than", 1);
}

#[test]
fn literal_strings_decode_escapes_and_line_ends() {
    let text = b"(a\\(b(c)\\)\\n\\101\\7\\5330\\\r\nx\r\ny\\q)";
    assert_eq!(
        read(text).unwrap(),
        Object::String(b"a(b(c))\nA\x07[0x\nyq".to_vec())
    );
    rejects(b"[(ab(c)]", "a string without its )", 1);
}

#[test]
fn hex_strings_take_white_space_and_an_odd_digit() {
    assert_eq!(
        read(b"<4 1\n42 5>").unwrap(),
        Object::String(b"ABP".to_vec())
    );
    rejects(b"<41g>", "in a hexadecimal string", 3);
    rejects(b"<41", "without its >", 0);
}

#[test]
fn a_duplicate_key_rejects_also_among_many_and_beside_null() {
    rejects(b"<</A 1/B 2/A 3>>", "the key /A twice", 10);
    rejects(b"<</A null/#41 3>>", "the key /A twice", 9);
    let mut many = b"<<".to_vec();
    for n in 0..40 {
        many.extend(format!("/K{n} {n}").bytes());
    }
    assert!(read(&[&many[..], b">>"].concat()).is_ok());
    rejects(
        &[&many[..], b"/K39 1>>"].concat(),
        "the key /K39 twice",
        many.len() as u64,
    );
}

#[test]
fn references_are_told_from_integers() {
    assert_eq!(
        read(b"[1 0 R 2 3 %c\n4 0\nR 5 0 R]").unwrap(),
        Object::Array(vec![
            Object::Ref(Ref::new(1, 0)),
            Object::Int(2),
            Object::Int(3),
            Object::Ref(Ref::new(4, 0)),
            Object::Ref(Ref::new(5, 0)),
        ])
    );
    rejects(b"[+1 0 R]", "\"R\" where a value is wanted", 6);
    rejects(b"[8388608 0 R]", "object number above", 1);
    rejects(b"[1 65536 R]", "generation above", 1);
}

#[test]
fn keywords_are_whole_tokens() {
    assert_eq!(read(b"[true false null]").unwrap().kind(), "an array");
    rejects(b"[truefalse]", "\"truefalse\"", 1);
    rejects(b"[endobj]", "\"endobj\"", 1);
    rejects(b"[{}]", "'{'", 1);
}

#[test]
fn arrays_and_dictionaries_close_as_they_opened() {
    rejects(b"[1>>", "a >> without its <<", 2);
    rejects(b"<</A 1]", "that is not a name", 6);
    rejects(b"<</A]", "a ] without its [", 4);
    rejects(b"<</A>>", "after the key /A without its value", 4);
    rejects(b"<<1 2>>", "that is not a name", 2);
    rejects(b"<</A 1>", "a single >", 6);
    rejects(b"[1 2", "the data ends", 4);
    rejects(b"<</A 1", "that is not a name", 6);
}

#[test]
fn nesting_ends_at_its_bound() {
    let deep = |n: usize| [vec![b'['; n], vec![b']'; n]].concat();
    assert!(read(&deep(NESTING_MAX)).is_ok());
    rejects(&deep(NESTING_MAX + 1), "deep", NESTING_MAX as u64);
    rejects(&vec![b'['; 100_000], "deep", NESTING_MAX as u64);
}

#[test]
fn an_object_of_a_million_values_is_too_large() {
    let many = b"[]".repeat(VALUES_MAX / 2);
    rejects(
        &[b"[", &many[..], b"]"].concat(),
        "values",
        VALUES_MAX as u64,
    );
}

#[test]
fn a_token_may_cross_the_pages_of_the_window() {
    let text = [&[b' '; 8190][..], b"/Crossing"].concat();
    assert_eq!(read(&text).unwrap(), Object::Name(Name::from("Crossing")));
}
