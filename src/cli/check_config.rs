//! `paraph check-config`

use super::{Context, Exit};

pub(super) fn run(context: &mut Context) -> Exit {
    let config = match context.load() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let from = context.sources.file.as_ref().map_or_else(
        || "no configuration file: defaults".to_owned(),
        |file| file.display().to_string(),
    );
    if context.out.is_json() {
        context.out.value(&serde_json::json!({
            "file": context.sources.file.as_ref().map(|file| file.display().to_string()),
            "warnings": config.warnings,
        }));
    } else {
        for warning in &config.warnings {
            context.out.note(&format!("warning: {warning}"));
        }
        context.out.line(&format!("good ({from})"));
    }
    if config.warnings.is_empty() {
        Exit::Good
    } else {
        Exit::Warnings
    }
}
