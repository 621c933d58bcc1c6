//! Every file of a folder through the strict reader, and through the whole intake: the worker process as it is.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use paraph::pdf::audit::{self, Limits};
use paraph::pdf::{Code, Document, Error};
use paraph::worker::{self, Worker};

/// What one file may take.
const FILE_TIME_MAX: Duration = Duration::from_secs(10);
const LIMITS: Limits = Limits { pages_max: 2000 };

/// What became of one file.
struct Outcome {
    /// Whether the reader took it, whatever the intake says.
    is_read: bool,
    /// What the intake says: pages, or the error.
    intake: Result<usize, Error>,
}

/// Reads every `.pdf` file of `PARAPH_CORPUS`; with `list`, prints a line for each.
pub fn run(list: bool) -> ExitCode {
    let Some(folder) = std::env::var_os("PARAPH_CORPUS") else {
        println!("SKIPPED: corpus: PARAPH_CORPUS names no folder of PDF files; nothing was proven");
        return ExitCode::SUCCESS;
    };
    let files = match pdf_files(Path::new(&folder)) {
        Ok(files) if !files.is_empty() => files,
        Ok(_) => return failed(&format!("no .pdf file in {}", folder.display())),
        Err(error) => return failed(&format!("{}: {error}", folder.display())),
    };
    let worker = worker();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let (mut read, mut passed, mut faults) = (0, 0, Vec::new());
    for path in &files {
        let name = path.file_name().unwrap_or_default().display();
        let (key, line) = match judge(path) {
            Ok(outcome) => {
                read += usize::from(outcome.is_read);
                let reader = if outcome.is_read { "read" } else { "not read" };
                match outcome.intake {
                    Ok(pages) => {
                        passed += 1;
                        match whole_intake(&worker, path) {
                            Ok(()) => ("accepted".to_owned(), format!("{reader}\t{pages} pages")),
                            Err((code, reason)) => {
                                (format!("{code} (worker)"), format!("{reader}\t{reason}"))
                            }
                        }
                    }
                    Err(error) => match error.code() {
                        Some(code) => (code.to_string(), format!("{reader}\t{error}")),
                        None => ("FAIL: read error".to_owned(), error.to_string()),
                    },
                }
            }
            Err(fault) => (format!("FAIL: {fault}"), fault),
        };
        if key.starts_with("FAIL") {
            faults.push(format!("{name}: {line}"));
        }
        if list {
            println!("{name}\t{key}\t{line}");
        }
        *counts.entry(key).or_default() += 1;
    }
    println!(
        "corpus: {} files; the reader takes {read}, its intake {passed}",
        files.len()
    );
    for code in Code::ALL {
        counts.entry(code.to_string()).or_default();
    }
    for (key, count) in &counts {
        println!("{count:6} {key}");
    }
    for fault in &faults {
        println!("FAIL {fault}");
    }
    if faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn failed(reason: &str) -> ExitCode {
    println!("FAIL: corpus: {reason}");
    ExitCode::FAILURE
}

/// The worker as the service runs it.
pub fn worker() -> Worker {
    Worker::new(
        env!("CARGO_BIN_EXE_paraph").into(),
        Vec::new(),
        worker::Limits::new(1, 50_000_000),
    )
}

/// What the worker says of a file; else the code and the reason.
pub fn whole_intake(worker: &Worker, path: &Path) -> Result<(), (String, String)> {
    let file = File::open(path).map_err(|error| ("FAIL".to_owned(), error.to_string()))?;
    match worker.inspect(&file, LIMITS.pages_max as u32) {
        Ok(_) => Ok(()),
        Err(worker::Error::Refused(refusal)) => Err((refusal.code, refusal.reason)),
        Err(error @ (worker::Error::Busy | worker::Error::Unusable(_))) => {
            Err(("FAIL".to_owned(), error.to_string()))
        }
        // As the service answers where the process had to be stopped.
        Err(error) => Err(("document_unrenderable".to_owned(), error.to_string())),
    }
}

/// The `.pdf` files of a folder, by name.
pub fn pdf_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "pdf") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// In a thread of its own, so that a panic or a hang is seen.
fn judge(path: &Path) -> Result<Outcome, String> {
    let (sender, receiver) = channel();
    let path = path.to_owned();
    let thread = thread::spawn(move || sender.send(outcome(&path)));
    match receiver.recv_timeout(FILE_TIME_MAX) {
        Ok(outcome) => Ok(outcome),
        Err(RecvTimeoutError::Timeout) => Err(format!("more than {FILE_TIME_MAX:?}")),
        Err(RecvTimeoutError::Disconnected) => {
            drop(thread.join());
            Err("panic".to_owned())
        }
    }
}

fn outcome(path: &Path) -> Outcome {
    let opened = File::open(path)
        .map_err(Error::from)
        .and_then(Document::open);
    match opened {
        Ok(document) => Outcome {
            is_read: audit::audit(&document, &LIMITS).is_ok(),
            intake: audit::inspect(&document, &LIMITS).map(|inspection| inspection.pages.len()),
        },
        Err(error) => Outcome {
            is_read: false,
            intake: Err(error),
        },
    }
}
