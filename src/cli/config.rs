//! `paraph config show` and `paraph config default`

use super::{Context, Exit};
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print the settings in effect; secrets stay references
    Show {
        /// Say behind each setting where it came from
        #[arg(long)]
        origin: bool,
    },
    /// Print the built-in file: every setting, its default and why
    Default,
}

pub(super) fn run(context: &mut Context, command: &Command) -> Exit {
    match command {
        Command::Default => {
            context.out.text(crate::config::EXAMPLE);
            Exit::Good
        }
        Command::Show { origin } => show(context, *origin),
    }
}

fn show(context: &mut Context, with_origin: bool) -> Exit {
    // First the whole check: a secret that somebody put into the file itself is a fault, and is then not printed.
    if let Err(exit) = context.load() {
        return exit;
    }
    let settings = match crate::config::settings(&context.sources) {
        Ok(settings) => settings,
        Err(faults) => return context.refuse(&faults),
    };
    if context.out.is_json() {
        let all: serde_json::Map<String, serde_json::Value> = settings
            .iter()
            .map(|it| {
                let value =
                    serde_json::json!({ "value": it.value, "origin": it.origin.to_string() });
                (it.path.clone(), value)
            })
            .collect();
        context.out.value(&serde_json::Value::Object(all));
        return Exit::Good;
    }
    let mut section = "";
    for setting in &settings {
        let Some((of, key)) = setting.path.split_once('.') else {
            continue;
        };
        if of != section {
            let blank = if section.is_empty() { "" } else { "\n" };
            context.out.line(&format!("{blank}[{of}]"));
            section = of;
        }
        let origin = if with_origin {
            format!("  # {}", setting.origin)
        } else {
            String::new()
        };
        context
            .out
            .line(&format!("{key} = {}{origin}", setting.value));
    }
    Exit::Good
}
