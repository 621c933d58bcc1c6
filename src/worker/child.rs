//! The worker process: confines itself, does one job, answers on standard output.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use super::protocol::{Command, FrameWriter, Refusal, Reply, Request};
use super::scene::Scene;
use super::{confine, inspect, picture, render, text, witness};
use crate::pdf::ReadAt;

/// Exit code for a question that makes no sense (`EX_USAGE`).
const USAGE: u8 = 64;
/// Exit code for limits that can't be set or an answer that nobody takes.
const FAILED: u8 = 70;

/// Characters of a panic's message that the server's log gets to see.
const REASON_CHARS_MAX: usize = 300;

/// Why a job has no full answer.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The bytes are at fault.
    Refused(Refusal),
    /// Reading or answering failed.
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Stop {
    pub(crate) fn refused(code: &str, reason: impl Into<String>) -> Self {
        Self::Refused(Refusal {
            code: code.to_owned(),
            reason: reason.into(),
            offset: None,
        })
    }
}

impl From<crate::pdf::Error> for Stop {
    fn from(error: crate::pdf::Error) -> Self {
        match error {
            crate::pdf::Error::Refused {
                code,
                reason,
                offset,
            } => Self::Refused(Refusal {
                code: code.as_str().to_owned(),
                reason,
                offset,
            }),
            crate::pdf::Error::Read(error) => Self::Io(error),
        }
    }
}

/// Runs the process whose arguments after `pdf-worker` are `args`: one, the request as JSON. Standard input is the open
/// file, which is read by position: its offset is shared with the server. Never returns before the answer is out.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let request = args
        .next()
        .and_then(|json| serde_json::from_str::<Request>(json.to_str()?).ok());
    let (Some(request), None) = (request, args.next()) else {
        return ExitCode::from(USAGE);
    };
    if confine::confine(
        request.memory_bytes_max,
        request.cpu_seconds_max,
        &request.fonts,
    )
    .is_err()
    {
        return ExitCode::from(FAILED);
    }
    match answer(&request) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(FAILED),
    }
}

fn answer(request: &Request) -> io::Result<()> {
    let input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let mut out = FrameWriter::new(BufWriter::with_capacity(64 << 10, output));
    // The message of a panic, for the server's log.
    let panicked = Arc::new(Mutex::new(String::new()));
    let note = Arc::clone(&panicked);
    panic::set_hook(Box::new(move |info| {
        if let Ok(mut text) = note.lock() {
            *text = info.to_string().chars().take(REASON_CHARS_MAX).collect();
        }
    }));
    let done = panic::catch_unwind(AssertUnwindSafe(|| work(&input, request, &mut out)));
    match done {
        Ok(Ok(())) => {}
        Ok(Err(Stop::Refused(refusal))) => out.reply(&Reply::Refused(refusal))?,
        Ok(Err(Stop::Io(error))) => out.reply(&Reply::Failed {
            reason: error.to_string(),
        })?,
        Err(_) => out.reply(&Reply::Failed {
            reason: panicked.lock().map(|t| t.clone()).unwrap_or_default(),
        })?,
    }
    out.end()
}

/// Does the job, apart from the process around it.
pub(crate) fn work<W: Write>(
    input: &File,
    request: &Request,
    out: &mut FrameWriter<W>,
) -> Result<(), Stop> {
    if let Command::Picture { bounds } = &request.command {
        let upload = read_whole(input, bounds.bytes_max, "picture_too_large")?;
        let picture = picture::decode(&upload, bounds)?;
        out.reply(&Reply::Picture {
            width: picture.width,
            height: picture.height,
        })?;
        return Ok(out.bytes(&picture.png)?);
    }
    if request.command == Command::Probe {
        return Ok(out.reply(&Reply::Confinement(confine::probe()))?);
    }
    let document = Arc::new(read_whole(
        input,
        request.document_bytes_max,
        "document_too_large",
    )?);
    let fonts = request.fonts.clone();
    match &request.command {
        Command::Inspect { pages_max } => {
            let inspection = inspect::inspect(document, *pages_max, fonts)?;
            out.reply(&Reply::Inspection(inspection))?;
        }
        Command::Balance => {
            let scene = Scene::open(document, fonts)?;
            let pages = inspect::balances(&scene)?;
            out.reply(&Reply::Balance { pages })?;
        }
        Command::Witness => {
            let pages = witness::witness(document, fonts)?;
            out.reply(&Reply::Witnessed { pages })?;
        }
        Command::Render { first, last, width } => {
            let scene = Scene::open(document, fonts)?;
            render::render(&scene, *first, *last, *width, out)?;
        }
        Command::Text { first, last } => {
            let scene = Scene::open(document, fonts)?;
            text::read(&scene, *first, *last, |page| out.reply(&Reply::Text(page)))?;
        }
        Command::Picture { .. } | Command::Probe => {}
    }
    Ok(())
}

/// The whole file, read by position.
fn read_whole(input: &File, bytes_max: u64, too_large: &str) -> Result<Vec<u8>, Stop> {
    let length = ReadAt::len(input)?;
    if length > bytes_max {
        return Err(Stop::refused(
            too_large,
            format!("{length} bytes, the limit is {bytes_max}"),
        ));
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    let mut at = 0;
    while at < bytes.len() {
        match input.read_at(at as u64, &mut bytes[at..])? {
            0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            count => at += count,
        }
    }
    Ok(bytes)
}
