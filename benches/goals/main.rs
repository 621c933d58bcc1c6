//! The goals in speed and memory, each against an anchor that is measured in the same run: a figure of somebody's machine
//! alone proves nothing.
//!
//! `cargo bench --bench goals -- [IDS] [--pairs 5] [--dir PATH] [--slack 1.5] [--quick]`
//!
//! Product and anchor run in turn; a line shows the median, the limit recomputed from the anchor's median, their ratio (up to 1
//! meets the goal), the verdict, and the lowest and highest value. A verdict allows for the noise of the machine: 1.1 for CPU
//! time, `--slack` for wall time, nothing for bytes. Exit 1 where a line says FAIL.
//!
//! - P4: an authenticated GET of an envelope, against a bare actix server that answers with the same JSON
//! - P6: a seal with P-256, against the smallest program that reads, appends 20 KB, hashes, signs and writes
//! - P8: the same seal against pyHanko's (`PARAPH_PYHANKO` names a Python that has it, else python3)
//! - P9: memory of a seal
//! - P12, P13: start and idle memory of the server, also with a million envelopes, and after it was killed
#![allow(clippy::print_stdout, reason = "a program whose result is its output")]

mod envelope;
mod fill;
mod measure;
#[path = "../../tests/support/pdf.rs"]
mod pdf;
mod seal;
mod server;
mod start;

use measure::{Report, Span};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Any fault of a measurement: the goal is then not met, whatever it was.
type Outcome<T> = Result<T, Box<dyn Error>>;

/// A goal's id and what measures it.
type Goal = (&'static str, fn(&Options, &mut Report) -> Outcome<()>);

const GOALS: [Goal; 6] = [
    ("P4", envelope::get),
    ("P6", seal::against_the_smallest),
    ("P8", seal::against_pyhanko),
    ("P9", seal::memory),
    ("P12", start::time),
    ("P13", start::memory),
];

/// Fewer pairs prove nothing on a busy machine.
const PAIRS_MIN: usize = 5;

/// What the command line says.
struct Options {
    ids: Vec<String>,
    pairs: usize,
    /// A folder of this run's own below `--dir`.
    folder: PathBuf,
    slack: f64,
    /// Leave out what takes a hundred megabytes.
    quick: bool,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Parts of measurements that need a process of their own are this program again.
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--bare-server"] => envelope::bare_server().map(|()| true),
        ["--one-seal", original] => seal::one(Path::new(original)).map(|()| true),
        ["--leave-log", database] => fill::leave_log(Path::new(database)).map(|()| true),
        _ => options(&arguments).and_then(|options| {
            let outcome = run(&options);
            // Only what this run made; a leftover is no failure of the goals.
            let _ = std::fs::remove_dir_all(&options.folder);
            outcome
        }),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("goals: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(arguments: &[String]) -> Outcome<Options> {
    let mut ids = Vec::new();
    let (mut pairs, mut slack, mut quick) = (PAIRS_MIN, 1.5, false);
    let mut dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            // Cargo adds it.
            "--bench" => {}
            "--quick" => quick = true,
            "--pairs" => pairs = value()?.parse()?,
            "--slack" => slack = value()?.parse()?,
            "--dir" => dir = PathBuf::from(value()?),
            id if GOALS.iter().any(|(known, _)| *known == id) => ids.push(id.to_owned()),
            other => {
                let known: Vec<&str> = GOALS.iter().map(|(id, _)| *id).collect();
                return Err(format!(
                    "`{other}` is not known; [{}] [--pairs N] [--dir PATH] [--slack F] [--quick]",
                    known.join(" ")
                )
                .into());
            }
        }
    }
    if pairs < PAIRS_MIN {
        return Err(format!("--pairs: at least {PAIRS_MIN}").into());
    }
    let folder = dir.join(format!("paraph-goals-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(Options {
        ids,
        pairs,
        folder: folder.canonicalize()?,
        slack,
        quick,
    })
}

fn run(options: &Options) -> Outcome<bool> {
    if cfg!(debug_assertions) {
        println!("SKIPPED: this build is not optimised, nothing was measured: use cargo bench");
        return Ok(true);
    }
    let mut report = Report::new(options.slack);
    println!("# {}", machine(options)?);
    for (id, goal) in GOALS {
        if !options.ids.is_empty() && !options.ids.iter().any(|wanted| wanted == id) {
            continue;
        }
        if let Err(error) = goal(options, &mut report) {
            report.broken(id, error.as_ref());
        }
    }
    Ok(report.is_good())
}

/// What the figures were measured on.
fn machine(options: &Options) -> Outcome<String> {
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let flushes = measure::flushes(&options.folder, 50)?;
    let commit = Command::new("git")
        .args(["rev-parse", "--short", "HEAD"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok());
    Ok(format!(
        "{cores} cores, flush p50 {} [{}-{}], sha256 {:.2} GB/s, {} pairs, commit {}",
        Span(flushes.median()),
        Span(flushes.lowest()),
        Span(flushes.highest()),
        measure::sha256_bytes_per_nanosecond()?,
        options.pairs,
        commit.as_deref().map_or("unknown", str::trim)
    ))
}
