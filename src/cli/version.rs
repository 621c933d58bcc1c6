//! `paraph version`

use super::{Context, Exit};

pub(super) fn run(context: &mut Context) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    if context.out.is_json() {
        context
            .out
            .value(&serde_json::json!({ "name": "paraph", "version": version }));
    } else {
        context.out.line(&format!("Paraph {version}"));
    }
    Exit::Good
}
