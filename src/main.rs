//! The executable: arguments go to [`paraph::cli`], unless it was started as its own worker.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut worker = std::env::args_os().skip(1);
    if worker.next().is_some_and(|first| first == "pdf-worker") {
        return paraph::worker::child::run(worker);
    }
    paraph::cli::run(std::env::args_os())
}
