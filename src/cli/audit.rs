//! `paraph audit verify [CHAIN]`

use super::appliance::{open_existing, told};
use super::{Context, Exit};
use crate::app::auditing::AuditReport;
use crate::domain::audit::Chain;
use indicatif::{ProgressBar, ProgressStyle};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Walk the hash chains, replay what they tell against what is stored, hash every file again
    Verify {
        /// Only this chain: an envelope's id, or `system`
        chain: Option<String>,
    },
}

pub(super) fn run(context: &mut Context, command: &Command) -> Exit {
    let Command::Verify { chain } = command;
    let app = match open_existing(context) {
        Ok(app) => app,
        Err(exit) => return exit,
    };
    let walked = match chain {
        Some(text) => match text.parse::<Chain>() {
            Ok(chain) => app.verify_chain(chain),
            Err(_) => {
                context.out.failure(&format!(
                    "`{text}` is no chain: an envelope's id or `system` is wanted"
                ));
                return Exit::Usage;
            }
        },
        None => {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} entries") {
                bar.set_style(style);
            }
            let report = app.verify_all(&mut |done, total| {
                bar.set_length(total);
                bar.set_position(done);
            });
            bar.finish_and_clear();
            report
        }
    };
    match walked {
        Ok(report) => tell(context, &report),
        Err(e) => {
            context.out.failure(&told(&e));
            Exit::Failed
        }
    }
}

fn tell(context: &mut Context, report: &AuditReport) -> Exit {
    if context.out.is_json() {
        context.out.value(&serde_json::json!({
            "chains": report.chains, "entries": report.entries, "files": report.files,
            "faults": report.faults.iter().map(|f| serde_json::json!({"at": f.at, "why": f.why})).collect::<Vec<_>>(),
            "faultsUntold": report.faults_untold,
        }));
    } else {
        for fault in &report.faults {
            let line = format!("BROKEN  {}: {}", fault.at, fault.why);
            context.out.line(&line);
        }
        if report.faults_untold > 0 {
            let line = format!("BROKEN  and {} more", report.faults_untold);
            context.out.line(&line);
        }
        let verdict = if report.is_whole() {
            "whole"
        } else {
            "NOT whole"
        };
        context.out.line(&format!(
            "{verdict}: {} chains, {} entries, {} files",
            report.chains, report.entries, report.files
        ));
    }
    if report.is_whole() {
        Exit::Good
    } else {
        Exit::Failed
    }
}
