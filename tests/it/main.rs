//! The one integration binary: the real server over HTTP. Each file is a journey or a house rule.

#[test]
fn placeholder() {}
