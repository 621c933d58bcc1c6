//! The server's side: starts a worker, hands it the open file, bounds its number, its time and its answer.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command as Process, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::permits::Permits;
use super::protocol::{
    Command, Confinement, DrawnStamp, Frame, Inspection, PageImage, PageText, Picture,
    PictureBounds, Refusal, Reply, Request, read_frame,
};
use crate::pdf::prepare::Balance;

/// The bounds of the workers of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Processes at once; one per core.
    pub processes_max: usize,
    /// Callers that may wait for one; more are told [`Error::Busy`].
    pub waiting_max: usize,
    /// How long they wait.
    pub wait_max: Duration,
    /// A process is killed after this long.
    pub time_max: Duration,
    /// CPU time of a process, in seconds.
    pub cpu_seconds_max: u64,
    /// A process is killed once its answer is longer, in bytes.
    pub output_bytes_max: u64,
    /// The largest document, in bytes.
    pub document_bytes_max: u64,
}

impl Limits {
    /// The product's: `processes_max` at once with eight waiting each, 15 s (10 s of CPU), 64 MiB of answer.
    pub fn new(processes_max: usize, document_bytes_max: u64) -> Self {
        Self {
            processes_max,
            waiting_max: processes_max.saturating_mul(8),
            wait_max: Duration::from_secs(10),
            time_max: Duration::from_secs(15),
            cpu_seconds_max: 10,
            output_bytes_max: 64 << 20,
            document_bytes_max,
        }
    }

    /// Address space of one process, in bytes: 512 MiB, or three times the largest document where that is more.
    pub fn memory_bytes_max(&self) -> u64 {
        (512 << 20).max(self.document_bytes_max.saturating_mul(3))
    }
}

/// Why a worker gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes are at fault; nothing is wrong with the server.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// All workers run and enough callers wait already.
    #[error("all workers are busy")]
    Busy,
    /// The file took more of the processor's time than any may.
    #[error("the file took too much time")]
    TimedOut,
    /// The time by the clock was up before the processor had given the file its share: the machine is busy, or asleep.
    #[error("the machine is too busy")]
    TooSlow,
    /// The answer grew past its bound.
    #[error("the answer grew past {0} bytes")]
    TooMuchOutput(u64),
    /// The process died: out of memory, stack or by a signal; or it answered what makes no sense.
    #[error("the worker died: {0}")]
    Crashed(String),
    /// The process could not be started or used.
    #[error("the worker could not be used: {0}")]
    Unusable(#[source] io::Error),
}

impl Error {
    /// Whether the same file would fare the same again: false means that trying later makes sense.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Busy | Self::TooSlow | Self::Unusable(_))
    }
}

/// Pages drawn so far, and what stopped the drawing before the last one.
#[derive(Debug)]
pub struct Rendering {
    /// The pages that were asked for, in order, as far as the process came.
    pub pages: Vec<PageImage>,
    /// What ended it at the page after the last of `pages`.
    pub stopped: Option<Error>,
}

/// Starts one worker process per job.
pub struct Worker {
    executable: PathBuf,
    fonts: Vec<PathBuf>,
    limits: Limits,
    permits: Permits,
}

impl Worker {
    /// `executable` is this program, which must call [`super::child::run`] when its first argument is `pdf-worker`; `fonts`
    /// are files for text whose font a document doesn't bring (Chinese, Japanese, Korean).
    pub fn new(executable: PathBuf, fonts: Vec<PathBuf>, limits: Limits) -> Self {
        Self {
            executable,
            fonts,
            permits: Permits::new(limits.processes_max, limits.waiting_max, limits.wait_max),
            limits,
        }
    }

    /// Reads `document` strictly and asks a second reader about its pages.
    ///
    /// # Errors
    /// [`Error::Refused`] with the API's code, reason and byte; or the process was stopped, which for an upload means
    /// `document_unrenderable`.
    pub fn inspect(&self, document: &File, pages_max: u32) -> Result<Inspection, Error> {
        let mut inspection = None;
        self.run(document, Command::Inspect { pages_max }, |reply, _| {
            match reply {
                Reply::Inspection(found) => inspection = Some(found),
                other => return unexpected(&other),
            }
            Ok(())
        })?;
        inspection.ok_or_else(no_answer)
    }

    /// What the content of each page of `document` leaves open: by the bytes alone, whatever the intake accepts today.
    ///
    /// # Errors
    /// As [`Worker::inspect`]; refused only where nothing could be drawn after a page's content.
    pub fn balance(&self, document: &File) -> Result<Vec<Balance>, Error> {
        let mut found = None;
        self.run(document, Command::Balance, |reply, _| {
            match reply {
                Reply::Balance { pages } => found = Some(pages),
                other => return unexpected(&other),
            }
            Ok(())
        })?;
        found.ok_or_else(no_answer)
    }

    /// The second opinion on a finished file: both readers must see the same pages. Answers which stamps each page draws.
    ///
    /// # Errors
    /// As [`Worker::inspect`].
    pub fn witness(&self, finished: &File) -> Result<Vec<Vec<DrawnStamp>>, Error> {
        let mut found = None;
        self.run(finished, Command::Witness, |reply, _| {
            match reply {
                Reply::Witnessed { pages } => found = Some(pages),
                other => return unexpected(&other),
            }
            Ok(())
        })?;
        found.ok_or_else(no_answer)
    }

    /// Draws pages `first` to `last` (from 1), `width` pixels wide (1000, 1600 or 2400; at most 4000).
    ///
    /// # Errors
    /// Only where not one page was reached; else see [`Rendering::stopped`].
    pub fn render(
        &self,
        document: &File,
        first: u32,
        last: u32,
        width: u32,
    ) -> Result<Rendering, Error> {
        let mut pages = Vec::new();
        let command = Command::Render { first, last, width };
        let outcome = self.run(document, command, |reply, bytes| {
            pages.push(match reply {
                Reply::Page {
                    number,
                    width,
                    height,
                    media_type,
                } => PageImage {
                    number,
                    width,
                    height,
                    media_type: Some(media_type),
                    bytes,
                },
                Reply::Undrawn { number } => PageImage {
                    number,
                    width: 0,
                    height: 0,
                    media_type: None,
                    bytes: Vec::new(),
                },
                other => return unexpected(&other),
            });
            Ok(())
        });
        match outcome {
            Ok(()) => Ok(Rendering {
                pages,
                stopped: None,
            }),
            Err(error) if pages.is_empty() => Err(error),
            Err(error) => Ok(Rendering {
                pages,
                stopped: Some(error),
            }),
        }
    }

    /// Reads the text of pages `first` to `last` (from 1).
    ///
    /// # Errors
    /// As [`Worker::inspect`].
    pub fn text(&self, document: &File, first: u32, last: u32) -> Result<Vec<PageText>, Error> {
        let mut pages = Vec::new();
        self.run(document, Command::Text { first, last }, |reply, _| {
            match reply {
                Reply::Text(page) => pages.push(page),
                other => return unexpected(&other),
            }
            Ok(())
        })?;
        Ok(pages)
    }

    /// Decodes an uploaded PNG or JPEG: no metadata, white made transparent, cropped to the ink, scaled down to `bounds`.
    ///
    /// # Errors
    /// [`Error::Refused`] with `picture_unreadable`, `picture_too_large` or `picture_empty`; or the process was stopped.
    pub fn picture(&self, upload: &File, bounds: PictureBounds) -> Result<Picture, Error> {
        let mut picture = None;
        self.run(upload, Command::Picture { bounds }, |reply, bytes| {
            match reply {
                Reply::Picture { width, height } => {
                    picture = Some(Picture {
                        width,
                        height,
                        png: bytes,
                    });
                }
                other => return unexpected(&other),
            }
            Ok(())
        })?;
        picture.ok_or_else(no_answer)
    }

    /// Starts a process that tries what it must not be able to do: for `doctor` and the start's log.
    ///
    /// # Errors
    /// The executable can't be started, or its limits can't be set.
    pub fn probe(&self) -> Result<Confinement, Error> {
        let nothing = File::open("/dev/null").map_err(Error::Unusable)?;
        let mut confinement = None;
        self.run(&nothing, Command::Probe, |reply, _| {
            match reply {
                Reply::Confinement(found) => confinement = Some(found),
                other => return unexpected(&other),
            }
            Ok(())
        })?;
        confinement.ok_or_else(no_answer)
    }

    /// Runs one process to its end. `each` gets every reply with the bytes that follow it.
    fn run(
        &self,
        input: &File,
        command: Command,
        mut each: impl FnMut(Reply, Vec<u8>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let _permit = self.permits.acquire().ok_or(Error::Busy)?;
        // What was taken in before, and has got marks and a seal since, may be longer than what may come in today.
        let length = input.metadata().map_err(Error::Unusable)?.len();
        let document_bytes_max = match command {
            Command::Inspect { .. } => self.limits.document_bytes_max,
            _ => self.limits.document_bytes_max.max(length),
        };
        let request = serde_json::to_string(&Request {
            command,
            document_bytes_max,
            memory_bytes_max: self
                .limits
                .memory_bytes_max()
                .max(document_bytes_max.saturating_mul(3)),
            cpu_seconds_max: self.limits.cpu_seconds_max,
            fonts: self.fonts.clone(),
        })
        .map_err(|error| Error::Unusable(error.into()))?;
        let child = Process::new(&self.executable)
            .arg("pdf-worker")
            .arg(request)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(input.try_clone().map_err(Error::Unusable)?))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(Error::Unusable)?;
        let mut process = Reaped(child);
        let answer = self.listen(&mut process)?;
        match answer {
            Heard::Whole(frames) => pass_on(frames, &mut each),
            Heard::Cut(frames, error) => {
                // A refusal stands, whatever became of the process after it.
                match pass_on(frames, &mut each) {
                    Err(refused @ Error::Refused(_)) => Err(refused),
                    _ => Err(error),
                }
            }
        }
    }

    /// Hears the answer out, or stops the process.
    fn listen(&self, process: &mut Reaped) -> Result<Heard, Error> {
        let output = process
            .0
            .stdout
            .take()
            .ok_or_else(|| Error::Unusable(io::ErrorKind::BrokenPipe.into()))?;
        let output_max = self.limits.output_bytes_max;
        let (sender, receiver) = mpsc::channel();
        let reader = thread::Builder::new()
            .name("worker-answer".into())
            .spawn(move || {
                let mut frames = Vec::new();
                // One byte more than allowed tells a full answer from one that goes on.
                let mut input = BufReader::new(Counted {
                    inner: output.take(output_max + 1),
                    bytes: 0,
                });
                let end = loop {
                    match read_frame(&mut input) {
                        Ok(Frame::End) => break Ok(()),
                        Ok(frame) => frames.push(frame),
                        Err(error) => break Err(error),
                    }
                };
                let too_much = input.get_ref().bytes > output_max;
                // Nobody listens any more if the server's thread is gone.
                drop(sender.send((frames, end, too_much)));
            })
            .map_err(Error::Unusable)?;
        let in_time = receiver.recv_timeout(self.limits.time_max);
        // Whole, cut or late: the process has nothing more to say. A process that is ending keeps the status it ends with.
        let status = process.stop();
        let joined = reader.join();
        let timed_out = matches!(in_time, Err(RecvTimeoutError::Timeout));
        // What came before the time was up is still good, page by page.
        let Ok((frames, end, too_much)) = in_time.or_else(|_| receiver.try_recv()) else {
            return Err(Error::Crashed(
                match joined {
                    Ok(()) => "no answer",
                    Err(_) => "its answer can't be read",
                }
                .into(),
            ));
        };
        Ok(match end {
            _ if timed_out => Heard::Cut(frames, Error::TooSlow),
            _ if too_much => Heard::Cut(frames, Error::TooMuchOutput(output_max)),
            Ok(()) => Heard::Whole(frames),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Heard::Cut(frames, died(status.map_err(Error::Unusable)?))
            }
            Err(error) => Heard::Cut(frames, Error::Crashed(format!("its answer: {error}"))),
        })
    }
}

/// The frames of an answer.
enum Heard {
    Whole(Vec<Frame>),
    Cut(Vec<Frame>, Error),
}

fn pass_on(
    frames: Vec<Frame>,
    each: &mut impl FnMut(Reply, Vec<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut frames = frames.into_iter().peekable();
    while let Some(frame) = frames.next() {
        let reply = match frame {
            Frame::Reply(reply) => *reply,
            Frame::Bytes(_) | Frame::End => return Err(Error::Crashed("bytes of nothing".into())),
        };
        match reply {
            Reply::Refused(refusal) => return Err(refusal.into()),
            Reply::Failed { reason } => return Err(Error::Crashed(reason)),
            reply => {
                let wants_bytes = matches!(reply, Reply::Page { .. } | Reply::Picture { .. });
                let bytes = match frames.next_if(|next| matches!(next, Frame::Bytes(_))) {
                    Some(Frame::Bytes(bytes)) => bytes,
                    _ if wants_bytes => {
                        return Err(Error::Crashed("a picture without its bytes".into()));
                    }
                    _ => Vec::new(),
                };
                each(reply, bytes)?;
            }
        }
    }
    Ok(())
}

fn unexpected(reply: &Reply) -> Result<(), Error> {
    Err(Error::Crashed(format!(
        "it answered another question: {}",
        match reply {
            Reply::Inspection(_) => "inspection",
            Reply::Balance { .. } => "balance",
            Reply::Witnessed { .. } => "witness",
            Reply::Page { .. } | Reply::Undrawn { .. } => "page",
            Reply::Text(_) => "text",
            Reply::Picture { .. } => "picture",
            Reply::Confinement(_) => "confinement",
            Reply::Refused(_) => "refusal",
            Reply::Failed { .. } => "failure",
        }
    )))
}

fn no_answer() -> Error {
    Error::Crashed("it ended without an answer".into())
}

fn died(status: ExitStatus) -> Error {
    match status.signal() {
        Some(libc::SIGXCPU) => Error::TimedOut,
        Some(libc::SIGABRT) => Error::Crashed("out of memory, or a panic within a panic".into()),
        Some(libc::SIGSEGV | libc::SIGBUS) => Error::Crashed("out of stack".into()),
        Some(signal) => Error::Crashed(format!("signal {signal}")),
        None => Error::Crashed(format!("exit {}", status.code().unwrap_or_default())),
    }
}

/// A process that is killed and waited for whatever happens.
struct Reaped(Child);

impl Reaped {
    fn stop(&mut self) -> io::Result<ExitStatus> {
        // Fails only if it was waited for already.
        drop(self.0.kill());
        self.0.wait()
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        drop(self.stop());
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.bytes += count as u64;
        Ok(count)
    }
}
