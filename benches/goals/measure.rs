//! Clocks, memory, medians, and the lines that tell them.

use crate::Outcome;
use paraph::ambient::{Clock as _, SystemClock};
use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

/// What was measured, in one unit.
#[derive(Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// One more.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    /// The one in the middle.
    pub fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        let upper = self.0.get(middle).copied().unwrap_or(f64::NAN);
        if self.0.len().is_multiple_of(2) {
            let lower = middle.checked_sub(1).and_then(|at| self.0.get(at));
            f64::midpoint(lower.copied().unwrap_or(f64::NAN), upper)
        } else {
            upper
        }
    }

    /// The least.
    pub fn lowest(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    /// The greatest.
    pub fn highest(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }
}

/// Nanoseconds, to read.
pub struct Span(pub f64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n < 1e6 => write!(f, "{:.1}us", n / 1e3),
            n if n < 1e9 => write!(f, "{:.2}ms", n / 1e6),
            n => write!(f, "{:.2}s", n / 1e9),
        }
    }
}

/// What a goal counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// CPU time in nanoseconds, at most.
    Cpu,
    /// Wall time in nanoseconds, at most.
    Wall,
    /// Bytes, at most.
    Bytes,
    /// Operations a second, at least.
    Rate,
}

impl Quantity {
    fn shown(self, value: f64) -> String {
        match self {
            Self::Cpu | Self::Wall => Span(value).to_string(),
            Self::Bytes => format!("{:.1}MB", value / 1e6),
            Self::Rate => format!("{value:.0}/s"),
        }
    }
}

/// Prints the lines and remembers whether all goals are met.
pub struct Report {
    slack: f64,
    failed: bool,
}

impl Report {
    /// `slack`: how far wall times may be above the limit.
    pub fn new(slack: f64) -> Self {
        Self {
            slack,
            failed: false,
        }
    }

    /// Whether nothing failed so far.
    pub fn is_good(&self) -> bool {
        !self.failed
    }

    /// Judges `samples` by `limit`.
    pub fn line(&mut self, id: &str, quantity: Quantity, samples: &Samples, limit: f64) {
        let value = samples.median();
        let (ratio, allowed) = match quantity {
            Quantity::Cpu => (value / limit, 1.1),
            Quantity::Wall => (value / limit, self.slack),
            Quantity::Rate => (limit / value, self.slack),
            Quantity::Bytes => (value / limit, 1.0),
        };
        // Not a number is no goal met.
        let met = ratio <= allowed;
        self.failed |= !met;
        println!(
            "{id:<12} {:>9} {:>9} {ratio:5.2}  {}  [{}-{}]",
            quantity.shown(value),
            quantity.shown(limit),
            if met { "PASS" } else { "FAIL" },
            quantity.shown(samples.lowest()),
            quantity.shown(samples.highest()),
        );
    }

    /// A measurement that could not be made.
    pub fn broken(&mut self, id: &str, error: &dyn Error) {
        self.failed = true;
        println!("{id:<12} FAIL: {error}");
    }

    /// What is not measured, and why.
    pub fn skipped(&self, id: &str, why: &str) {
        println!("{id:<12} skipped: {why}");
    }
}

/// CPU time of this thread so far, in nanoseconds.
pub fn thread_cpu() -> Outcome<f64> {
    // The account is brought up to date when the scheduler is entered.
    std::thread::yield_now();
    run_time(Path::new("/proc/thread-self/schedstat"))
}

/// CPU time of all threads that a process has now, in nanoseconds; exact while they are idle.
pub fn process_cpu(id: u32) -> Outcome<f64> {
    let mut sum = 0.0;
    for task in fs::read_dir(format!("/proc/{id}/task"))? {
        sum += run_time(&task?.path().join("schedstat"))?;
    }
    Ok(sum)
}

fn run_time(path: &Path) -> Outcome<f64> {
    let text = fs::read_to_string(path)?;
    let first = text
        .split_ascii_whitespace()
        .next()
        .ok_or("schedstat is empty")?;
    Ok(first.parse()?)
}

/// Memory of a process that no file stands behind (`RssAnon`), in bytes.
pub fn anonymous_bytes(id: u32) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .ok_or("no RssAnon")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024.0)
}

/// Lets time pass.
pub fn pause(span: Duration) {
    let (_open, waiting) = channel::<()>();
    // Nobody sends: it ends by time.
    let _ = waiting.recv_timeout(span);
}

/// Lone flushes of a small append in `folder`, in nanoseconds each.
pub fn flushes(folder: &Path, count: usize) -> Outcome<Samples> {
    let path = folder.join("flush");
    let (mut file, clock, mut samples) =
        (File::create(&path)?, SystemClock::new(), Samples::default());
    for _ in 0..count {
        let begun = clock.monotonic();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        samples.push((clock.monotonic() - begun).as_nanos() as f64);
    }
    fs::remove_file(path)?;
    Ok(samples)
}

/// How fast this machine hashes, by CPU time.
pub fn sha256_bytes_per_nanosecond() -> Outcome<f64> {
    let bytes = vec![7; 1 << 20];
    let begun = thread_cpu()?;
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    for _ in 0..64 {
        digest.update(&bytes);
    }
    std::hint::black_box(digest.finish());
    Ok((bytes.len() * 64) as f64 / (thread_cpu()? - begun))
}
