//! P6, P8 and P9: a seal by the library, against the smallest program, against pyHanko, and its memory.

use crate::measure::{Quantity, Report, Samples, anonymous_bytes, thread_cpu};
use crate::pdf::Pdf;
use crate::server::Running;
use crate::{Options, Outcome};
use paraph::ambient::{Clock as _, SystemClock, SystemEntropy};
use paraph::domain::digest::Digest;
use paraph::domain::time::Timestamp;
use paraph::pdf::appearance::Mark;
use paraph::pdf::place::Area;
use paraph::pdf::prepare::{PlacedMark, Plan};
use paraph::pdf::seal::{Order, seal_document};
use paraph::pdf::text::Fonts;
use paraph::pki::ca::{Authority, Purpose, SealSubject};
use paraph::pki::{Signer as _, SoftwareKey, SoftwareSigner, pem};
use ring::digest::{Context, SHA256};
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// One size of document, with what holds for it.
struct Size {
    name: &'static str,
    bytes: usize,
    /// Seals in one measurement, so that it lasts.
    times: u32,
    /// P6: CPU, at most so many times the smallest program's.
    factor: f64,
    /// P8: pyHanko's CPU, at least so many times ours.
    peer: Option<f64>,
}

const SIZES: [Size; 4] = [
    size("100KB", 100_000, 60, 7.0, Some(20.0)),
    size("1MB", 1_000_000, 30, 2.3, Some(12.0)),
    size("10MB", 10_000_000, 6, 1.6, Some(2.5)),
    size("100MB", 100_000_000, 1, 1.3, None),
];

/// Above this a document is left out by `--quick`.
const QUICK_BYTES_MAX: usize = 10_000_000;

/// What the smallest program appends.
const APPENDED_BYTES: usize = 20_000;

/// P9: memory of a seal beside what the process has when idle.
const MEMORY_BYTES_MAX: f64 = 32e6;
/// P9: how much more ten times the document may take.
const MEMORY_GROWTH_BYTES_MAX: f64 = 8e6;

const fn size(
    name: &'static str,
    bytes: usize,
    times: u32,
    factor: f64,
    peer: Option<f64>,
) -> Size {
    Size {
        name,
        bytes,
        times,
        factor,
        peer,
    }
}

/// A document of about `bytes` with a picture that doesn't deflate on each page.
fn document(bytes: usize) -> Vec<u8> {
    let pages = u32::try_from(bytes.div_ceil(1_000_000)).unwrap_or(1);
    let side = ((bytes as f64 / f64::from(pages) / 3.0).sqrt() as usize).max(1);
    let mut file = Pdf::pages(pages);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for page in 0..pages {
        let mut pixels = Vec::with_capacity(side * side * 3);
        while pixels.len() < side * side * 3 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            pixels.push((state >> 32) as u8);
        }
        let picture = 3 + 2 * pages + page;
        file.stream(
            picture,
            &format!(
                "/Type/XObject/Subtype/Image/Width {side}/Height {side}/ColorSpace/DeviceRGB/BitsPerComponent 8"
            ),
            &pixels,
        );
        file.replace(
            3 + 2 * page,
            "/Resources<<>>",
            &format!("/Resources<</XObject<</P {picture} 0 R>>>>"),
        );
        file.stream(4 + 2 * page, "", b"q 500 0 0 500 40 40 cm /P Do Q");
    }
    file.build()
}

/// A document on disk, and its digest.
struct Original {
    path: PathBuf,
    digest: Digest,
}

impl Original {
    fn new(options: &Options, size: &Size) -> Outcome<Self> {
        let path = options.folder.join(format!("{}.pdf", size.name));
        let bytes = document(size.bytes);
        std::fs::write(&path, &bytes)?;
        Ok(Self {
            path,
            digest: Digest::of(&bytes),
        })
    }
}

/// Sizes of this run; says what is left out.
fn sizes(options: &Options, report: &Report, goal: &str) -> impl Iterator<Item = &'static Size> {
    let quick = options.quick;
    if quick {
        for size in SIZES.iter().filter(|size| size.bytes > QUICK_BYTES_MAX) {
            report.skipped(&format!("{goal}.{}", size.name), "left out by --quick");
        }
    }
    SIZES
        .iter()
        .filter(move |size| !quick || size.bytes <= QUICK_BYTES_MAX)
}

/// A seal's key and certificates, fonts, and a plan with one appearance.
struct House {
    key: Vec<u8>,
    root: Vec<u8>,
    signer: SoftwareSigner,
    fonts: Fonts,
    plan: Plan,
    now: Timestamp,
}

impl House {
    fn new() -> Outcome<Self> {
        let (entropy, now) = (SystemEntropy::new(), SystemClock::new().now());
        let root_key = SoftwareKey::from_pkcs8(&SoftwareKey::generate()?)?;
        let authority = Authority::create(root_key, Purpose::Test, now, &entropy)?;
        let key = SoftwareKey::generate()?.to_vec();
        let seal_key = SoftwareKey::from_pkcs8(&key)?;
        let subject = SealSubject {
            organisation: "Example Ltd",
            country: None,
        };
        let certificate = authority.issue_seal(
            &subject,
            seal_key.public_key_info(),
            "https://sign.example.com",
            now,
            &entropy,
        )?;
        let root = authority.certificate().to_vec();
        let plan = Plan {
            marks: vec![PlacedMark {
                page: 0,
                area: Area {
                    x: 60.0,
                    y: 60.0,
                    width: 200.0,
                    height: 40.0,
                },
                mark: Mark::Text("Marie Dubois".to_owned()),
            }],
            ..Plan::default()
        };
        Ok(Self {
            key,
            signer: SoftwareSigner::new(seal_key, certificate, vec![root.clone()])?,
            root,
            fonts: Fonts::new(Vec::new(), Vec::new())?,
            plan,
            now,
        })
    }

    /// What the product does with one document.
    fn seal(&self, original: &Path, digest: Option<Digest>, out: &Path) -> Outcome<()> {
        let order = Order {
            plan: &self.plan,
            fonts: &self.fonts,
            signer: &self.signer,
            organisation: "Example Ltd",
            reason: None,
            at: self.now,
            original: digest,
        };
        let mut writer = BufWriter::new(File::create(out)?);
        // Checking what was written is counted apart.
        drop(seal_document(&File::open(original)?, &order, &mut writer)?);
        writer.flush()?;
        Ok(())
    }

    /// The smallest program that does the same unavoidable work: read, append, hash, sign, write.
    fn smallest(&self, original: &Path, out: &Path) -> Outcome<()> {
        let (mut from, mut to) = (File::open(original)?, File::create(out)?);
        let mut hash = Context::new(&SHA256);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = from.read(&mut buffer)?;
            let Some(bytes @ [_, ..]) = buffer.get(..count) else {
                break;
            };
            hash.update(bytes);
            to.write_all(bytes)?;
        }
        let appended = vec![b' '; APPENDED_BYTES];
        hash.update(&appended);
        let signature = self.signer.sign(hash.finish().as_ref())?;
        to.write_all(&appended)?;
        to.write_all(&signature)?;
        Ok(())
    }
}

/// CPU nanoseconds of one call of `work`, over `times`.
fn each(times: u32, mut work: impl FnMut() -> Outcome<()>) -> Outcome<f64> {
    let begun = thread_cpu()?;
    for _ in 0..times {
        work()?;
    }
    Ok((thread_cpu()? - begun) / f64::from(times))
}

/// P6.
pub fn against_the_smallest(options: &Options, report: &mut Report) -> Outcome<()> {
    let house = House::new()?;
    let out = options.folder.join("sealed.pdf");
    for size in sizes(options, report, "P6").collect::<Vec<_>>() {
        let original = Original::new(options, size)?;
        let seal = || house.seal(&original.path, Some(original.digest), &out);
        let smallest = || house.smallest(&original.path, &out);
        // Faces are loaded and the file is in memory before anything counts.
        seal()?;
        smallest()?;
        let (mut product, mut anchor) = (Samples::default(), Samples::default());
        for _ in 0..options.pairs {
            product.push(each(size.times, seal)?);
            anchor.push(each(size.times, smallest)?);
        }
        let limit = size.factor * anchor.median();
        let id = format!("P6.{}", size.name);
        report.line(&id, Quantity::Cpu, &product, limit);
        std::fs::remove_file(&original.path)?;
    }
    Ok(())
}

/// pyHanko in a process that stays.
struct Peer {
    _process: Running,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// `Err` where there is none: then with the reason.
    fn start(options: &Options, house: &House) -> Outcome<Result<Self, String>> {
        let file = |name: &str, label: &str, der: &[u8]| -> Outcome<PathBuf> {
            let path = options.folder.join(name);
            std::fs::write(&path, pem::encode(label, der))?;
            Ok(path)
        };
        let script = options.folder.join("pyhanko-peer.py");
        std::fs::write(&script, include_str!("pyhanko.py"))?;
        let python = std::env::var_os("PARAPH_PYHANKO").unwrap_or_else(|| "python3".into());
        let started = Command::new(&python)
            .arg(script)
            .arg(file("key.pem", "PRIVATE KEY", &house.key)?)
            .arg(file("seal.pem", "CERTIFICATE", house.signer.certificate())?)
            .arg(file("root.pem", "CERTIFICATE", &house.root)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut process = match started {
            Ok(child) => Running(child),
            Err(error) => return Ok(Err(format!("{}: {error}", python.display()))),
        };
        let input = process.0.stdin.take().ok_or("no input")?;
        let mut output = BufReader::new(process.0.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        match line.trim() {
            "ready" => Ok(Ok(Self {
                _process: process,
                input,
                output,
            })),
            said if process.0.wait()?.code() == Some(77) => Ok(Err(said.to_owned())),
            said => Err(format!("pyHanko does not start: {said}").into()),
        }
    }

    /// CPU nanoseconds of one seal.
    fn seal(&mut self, original: &Path, times: u32, out: &Path) -> Outcome<f64> {
        let (original, out) = (original.display(), out.display());
        writeln!(self.input, "{original}\t{times}\t{out}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().parse()?)
    }
}

/// P8.
pub fn against_pyhanko(options: &Options, report: &mut Report) -> Outcome<()> {
    let house = House::new()?;
    let mut peer = match Peer::start(options, &house)? {
        Ok(peer) => peer,
        Err(why) => {
            let told = format!("{why} (PARAPH_PYHANKO=python3 names a Python that has pyHanko)");
            report.skipped("P8", &told);
            return Ok(());
        }
    };
    let out = options.folder.join("sealed.pdf");
    for size in &SIZES {
        let Some(times_cheaper) = size.peer else {
            continue;
        };
        let original = Original::new(options, size)?;
        let seal = || house.seal(&original.path, Some(original.digest), &out);
        seal()?;
        peer.seal(&original.path, 1, &out)?;
        let (mut product, mut anchor) = (Samples::default(), Samples::default());
        for _ in 0..options.pairs {
            product.push(each(size.times, seal)?);
            anchor.push(peer.seal(&original.path, size.times.div_ceil(6), &out)?);
        }
        let limit = anchor.median() / times_cheaper;
        let id = format!("P8.{}", size.name);
        report.line(&id, Quantity::Cpu, &product, limit);
        std::fs::remove_file(&original.path)?;
    }
    Ok(())
}

/// P9: each seal in a process of its own, which has never sealed anything before.
pub fn memory(options: &Options, report: &mut Report) -> Outcome<()> {
    let mut small = None;
    let large: Vec<_> = sizes(options, report, "P9")
        .filter(|size| size.bytes >= QUICK_BYTES_MAX)
        .collect();
    for size in large {
        let original = Original::new(options, size)?;
        let mut added = Samples::default();
        for _ in 0..options.pairs {
            let output = Command::new(std::env::current_exe()?)
                .arg("--one-seal")
                .arg(&original.path)
                .output()?;
            let text = String::from_utf8(output.stdout)?;
            added.push(text.trim().parse().map_err(|_| text)?);
        }
        let id = format!("P9.{}", size.name);
        report.line(&id, Quantity::Bytes, &added, MEMORY_BYTES_MAX);
        if let Some(small) = small.replace(added.median()) {
            let mut growth = Samples::default();
            growth.push((added.median() - small).max(0.0));
            report.line(
                "P9.growth",
                Quantity::Bytes,
                &growth,
                MEMORY_GROWTH_BYTES_MAX,
            );
        }
        std::fs::remove_file(&original.path)?;
    }
    Ok(())
}

/// Between two looks at the memory.
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// Seals `original` once and prints by how many bytes the process grew at most.
pub fn one(original: &Path) -> Outcome<()> {
    let house = House::new()?;
    let id = std::process::id();
    let (stop, stopped) = channel::<()>();
    let idle = anonymous_bytes(id)?;
    let peak = std::thread::scope(|scope| -> Outcome<f64> {
        let looking = scope.spawn(move || {
            let mut peak = 0.0_f64;
            while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                peak = peak.max(anonymous_bytes(id).unwrap_or(f64::NAN));
            }
            peak
        });
        let sealed = house.seal(original, None, &original.with_extension("sealed"));
        drop(stop);
        sealed?;
        looking
            .join()
            .map_err(|_| "the memory was not watched".into())
    })?;
    println!("{}", peak.max(anonymous_bytes(id)?) - idle);
    Ok(())
}
