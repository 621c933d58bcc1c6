//! Long proofs, run by name: `cargo test --release --test drills -- corpus`.
//!
//! `corpus` reads every file of the folder `PARAPH_CORPUS` (not its subfolders) as an upload would be: no panic, no file that
//! takes ten seconds, a code for each refusal. With `--list`, a line for each file as well.
//!
//! `seal` seals each file of that folder that is accepted into `PARAPH_SEALED_DIR`, checks it again from its bytes, and has
//! pyHanko and qpdf judge all of them (`PARAPH_PYHANKO` names a Python that has pyHanko).
#![allow(clippy::print_stdout, reason = "a program whose result is its output")]

mod corpus;
mod seal;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let list = arguments.iter().any(|argument| argument == "--list");
    match arguments
        .iter()
        .find(|argument| !argument.starts_with("--"))
    {
        Some(name) if name == "corpus" => corpus::run(list),
        Some(name) if name == "seal" => seal::run(list),
        _ => {
            println!("usage: drills corpus|seal [--list]");
            ExitCode::FAILURE
        }
    }
}
