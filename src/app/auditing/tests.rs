use super::*;
use crate::domain::tests::bodies::stories;
use crate::domain::tests::chain::recorded;

/// Sealed trails print this digest: whoever changes the export's form breaks every one that was ever sealed.
#[test]
fn the_bytes_of_an_export_never_change() {
    let story = &stories()[0];
    let export = trail_json(&story.envelope, &recorded(story)).expect("an export");
    let text = String::from_utf8(export.clone()).expect("text");
    assert!(
        text.starts_with("{\n  \"format\"") || text.starts_with("{\n  \"entries\""),
        "{text}"
    );
    assert_eq!(
        Digest::of(&export).to_string(),
        "bb9b61aa8365bb2477ac9a0a48638698a624defe61150fedadfa9d08390d49bd"
    );
}
