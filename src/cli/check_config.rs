//! `paraph check-config [--probe]`

use super::{Context, Exit, probe};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Also reach what is configured: folders, mail server, webhooks' names, page reader, fonts, clock
    #[arg(long)]
    probe: bool,
}

pub(super) fn run(context: &mut Context, arguments: &Arguments) -> Exit {
    let config = match context.load() {
        Ok(config) => config,
        Err(exit) => return exit,
    };
    let from = context.sources.file.as_ref().map_or_else(
        || "no configuration file: defaults".to_owned(),
        |file| file.display().to_string(),
    );
    if !context.out.is_json() {
        for warning in &config.warnings {
            context.out.note(&format!("warning: {warning}"));
        }
    }
    let (found, findings) = if arguments.probe {
        probe::run(context, &config)
    } else {
        (Exit::Good, Vec::new())
    };
    let exit = match found {
        Exit::Good if !config.warnings.is_empty() => Exit::Warnings,
        found => found,
    };
    if context.out.is_json() {
        let mut told = serde_json::json!({
            "file": context.sources.file.as_ref().map(|file| file.display().to_string()),
            "warnings": config.warnings,
        });
        if arguments.probe {
            told["probe"] = findings.into();
        }
        context.out.value(&told);
    } else if exit == Exit::Failed {
        context.out.line(&format!("NOT good ({from})"));
    } else {
        context.out.line(&format!("good ({from})"));
    }
    exit
}
