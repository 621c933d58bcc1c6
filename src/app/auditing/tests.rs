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
        text.starts_with("{\n  \"format\": \"paraph-audit-v1\""),
        "{text}"
    );
    assert_eq!(
        Digest::of(&export).to_string(),
        "b1f0c1490df49295fb3f6eff0b4a3e7a58c1732d0bb6e168fe431e322b9c618c"
    );
}
