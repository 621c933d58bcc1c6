//! `paraph admin setup-link`

use super::appliance::{open, told};
use super::{Context, Exit};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print a link that lets the first administrator set the appliance up: once, for 30 minutes
    SetupLink,
}

pub(super) fn run(context: &mut Context, command: &Command) -> Exit {
    let Command::SetupLink = command;
    let app = match open(context) {
        Ok(app) => app,
        Err(exit) => return exit,
    };
    match app.setup_link() {
        Ok(Some(link)) => {
            context.out.line(&link);
            Exit::Good
        }
        Ok(None) => {
            context.out.failure("there is an administrator already");
            Exit::Failed
        }
        Err(e) => {
            context.out.failure(&told(&e));
            Exit::Failed
        }
    }
}
