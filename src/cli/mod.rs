//! The command line: one definition, a file for each command.

mod admin;
mod appliance;
mod audit;
mod check_config;
mod config;
pub mod contract;
mod demo;
mod healthcheck;
mod key;
mod output;
mod probe;
mod seal;
mod serve;
mod version;

pub use output::Output;

use crate::config::{Config, Faults, Sources};
use crate::telemetry;
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// How a command ended, as the shell sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked.
    Good = 0,
    /// It failed, or what was judged is invalid or broken.
    Failed = 1,
    /// The command line made no sense.
    Usage = 2,
    /// It worked, and something deserves a look.
    Warnings = 3,
    /// Another process holds what is needed.
    Busy = 75,
    /// The configuration doesn't allow it (sysexits.h, EX_CONFIG; the service isn't restarted then).
    Configuration = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A self-hosted e-signature appliance.
#[derive(Debug, Parser)]
#[command(
    name = "paraph",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(
    after_help = "Exit status: 0 good, 1 failed, 2 wrong command line, 3 warnings, 75 busy, 78 configuration."
)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options that every command takes.
#[derive(Args, Debug)]
pub struct Global {
    /// The configuration file [default: $PARAPH_CONFIG, else /etc/paraph/paraph.toml where it is there, else none]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Answer as JSON, for programs
    #[arg(long, global = true)]
    json: bool,
    /// Tell more on standard error; twice or thrice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the appliance until SIGTERM
    Serve,
    /// Show the whole chain: an appliance of its own, a contract, two signers, seal, proof
    Demo(demo::Arguments),
    /// API keys
    #[command(subcommand)]
    Key(key::Command),
    /// Administrators
    #[command(subcommand)]
    Admin(admin::Command),
    /// The evidence
    #[command(subcommand)]
    Audit(audit::Command),
    /// Seal a file outside any envelope, for the operator; it is recorded
    Seal(seal::Arguments),
    /// Name this version
    Version,
    /// Check the configuration and name every fault with its line
    CheckConfig(check_config::Arguments),
    /// Show the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Ask a running server whether it answers, for monitors
    Healthcheck(healthcheck::Arguments),
}

/// What every command is handed.
pub struct Context {
    /// Where answers go.
    pub out: Output,
    sources: Sources,
    verbose: u8,
}

impl Context {
    /// The configuration; where it has faults they are told, and the exit is what is left to do.
    ///
    /// # Errors
    /// [`Exit::Configuration`], after all faults were told.
    pub fn load(&mut self) -> Result<Config, Exit> {
        crate::config::load(&self.sources).map_err(|faults| self.refuse(&faults))
    }

    fn refuse(&mut self, faults: &Faults) -> Exit {
        self.out.faults(faults);
        Exit::Configuration
    }
}

/// Reads the command line and does what it says.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(told) => {
            // Help and versions go to standard output and are no failure. A closed pipe is not ours to mend.
            let _ = told.print();
            return if told.use_stderr() {
                Exit::Usage
            } else {
                Exit::Good
            }
            .into();
        }
    };
    let mut context = Context {
        out: Output::new(arguments.global.json),
        sources: Sources::of_process(arguments.global.config),
        verbose: arguments.global.verbose,
    };
    // Commands are silent unless something is wrong; the server starts its own logs by its configuration.
    let logs_itself = matches!(arguments.command, Command::Serve);
    if !logs_itself
        && let Err(e) = telemetry::start(
            telemetry::Format::Pretty,
            telemetry::Level::Warn.raised(context.verbose),
        )
    {
        context.out.note(&format!("no logs: {e}"));
    }
    let exit = match arguments.command {
        Command::Serve => serve::run(&mut context),
        Command::Demo(of) => demo::run(&mut context, &of),
        Command::Key(command) => key::run(&mut context, &command),
        Command::Admin(command) => admin::run(&mut context, &command),
        Command::Audit(command) => audit::run(&mut context, &command),
        Command::Seal(of) => seal::run(&mut context, &of),
        Command::Version => version::run(&mut context),
        Command::CheckConfig(of) => check_config::run(&mut context, &of),
        Command::Config(command) => config::run(&mut context, &command),
        Command::Healthcheck(of) => healthcheck::run(&mut context, &of),
    };
    exit.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_agrees_with_itself() {
        Arguments::command().debug_assert();
    }
}
