//! P12 and P13: how long the server takes to start, and what it holds when idle.

use crate::measure::{Quantity, Report, Samples, anonymous_bytes, pause};
use crate::server::Product;
use crate::{Options, Outcome, fill};
use std::path::PathBuf;
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
    let folder = options.folder.join("start-killed");
    Product::start(&folder)?.process.stop()?;
    let mut killed = Samples::default();
    for _ in 0..STARTS {
        fill::killed_log(&folder)?;
        let mut product = Product::start(&folder)?;
        killed.push(product.started_in.as_nanos() as f64);
        product.process.stop()?;
    }
    std::fs::remove_dir_all(&folder)?;
    report.line("P12.kill", Quantity::Wall, &killed, 1e9);
    if options.quick {
        report.skipped("P12.10^6", "--quick fills no database");
        return Ok(());
    }
    let folder = full(options)?;
    let mut many = Samples::default();
    for _ in 0..STARTS {
        let mut product = Product::start(&folder)?;
        many.push(product.started_in.as_nanos() as f64);
        product.process.stop()?;
    }
    report.line("P12.10^6", Quantity::Wall, &many, 150e6);
    Ok(())
}

/// A folder with a million envelopes: made once in a run.
fn full(options: &Options) -> Outcome<PathBuf> {
    let folder = options.folder.join("million");
    if !folder.exists() {
        fill::envelopes(&folder, 1_000_000)?;
    }
    Ok(folder)
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
    if options.quick {
        report.skipped("P13.10^6", "--quick fills no database");
        return Ok(());
    }
    let folder = full(options)?;
    let mut many = Samples::default();
    for _ in 0..options.pairs {
        let mut product = Product::start(&folder)?;
        pause(SETTLED);
        many.push(anonymous_bytes(product.process.0.id())?);
        product.process.stop()?;
    }
    report.line("P13.10^6", Quantity::Bytes, &many, 30e6);
    Ok(())
}
