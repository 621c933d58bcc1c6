//! The executable: arguments go to [`paraph::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    paraph::cli::run(std::env::args_os())
}
