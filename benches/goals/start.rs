//! P12 and P13: how long the server takes to start, and what it holds when idle.

use crate::measure::{Quantity, Report, Samples, anonymous_bytes, pause};
use crate::server::Product;
use crate::{Options, Outcome};
use std::time::Duration;

/// Starts whose median counts.
const STARTS: usize = 12;

/// After so long it is idle.
const SETTLED: Duration = Duration::from_secs(2);

/// P12: start to first 200. On an empty folder, where keys and the database are made, and again on what that left.
pub fn time(options: &Options, report: &mut Report) -> Outcome<()> {
    let (mut first, mut again) = (Samples::default(), Samples::default());
    for round in 0..STARTS {
        let folder = options.folder.join(format!("start-{round}"));
        for samples in [&mut first, &mut again] {
            let mut product = Product::start(&folder)?;
            samples.push(product.started_in.as_nanos() as f64);
            product.process.stop()?;
        }
        std::fs::remove_dir_all(&folder)?;
    }
    report.line("P12.first", Quantity::Wall, &first, 50e6);
    report.line("P12.again", Quantity::Wall, &again, 50e6);
    report.skipped(
        "P12.10^6",
        "this program fills no database with a million envelopes",
    );
    report.skipped(
        "P12.kill",
        "this program makes no 64 MB WAL to recover from",
    );
    Ok(())
}

/// P13: idle memory.
pub fn memory(options: &Options, report: &mut Report) -> Outcome<()> {
    let mut samples = Samples::default();
    for round in 0..options.pairs {
        let folder = options.folder.join(format!("idle-{round}"));
        let mut product = Product::start(&folder)?;
        pause(SETTLED);
        samples.push(anonymous_bytes(product.process.0.id())?);
        product.process.stop()?;
        std::fs::remove_dir_all(&folder)?;
    }
    report.line("P13", Quantity::Bytes, &samples, 20e6);
    report.skipped(
        "P13.10^6",
        "this program fills no database with a million envelopes",
    );
    Ok(())
}
