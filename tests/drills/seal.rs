//! Seals every file of a folder that the intake accepts, checks each again, and has strangers judge them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use paraph::ambient::{Clock as _, SystemClock, SystemEntropy};
use paraph::domain::time::Timestamp;
use paraph::pdf::added::{CertificatePage, Party, Row};
use paraph::pdf::appearance::{Ink, Mark};
use paraph::pdf::place::Area;
use paraph::pdf::prepare::{PlacedMark, Plan};
use paraph::pdf::seal::{Order, seal_document};
use paraph::pdf::text::Fonts;
use paraph::pki::ca::{Authority, Purpose, SealSubject};
use paraph::pki::{SoftwareKey, SoftwareSigner, pem};
use paraph::worker::{self, PageFacts, Worker, stamps_differ};

/// What one file may take, its check included.
const FILE_TIME_MAX: Duration = Duration::from_secs(20);
const PAGES_MAX: usize = 2000;
const ORGANISATION: &str = "Example Ltd";

struct House {
    worker: Worker,
    signer: SoftwareSigner,
    roots: Vec<Vec<u8>>,
    fonts: Fonts,
    now: Timestamp,
}

impl House {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let key = || SoftwareKey::from_pkcs8(&SoftwareKey::generate()?);
        let (entropy, now) = (SystemEntropy::new(), SystemClock::new().now());
        let authority = Authority::create(key()?, Purpose::Test, now, &entropy)?;
        let subject = SealSubject {
            organisation: ORGANISATION,
            country: None,
        };
        let seal_key = key()?;
        let certificate = authority.issue_seal(
            &subject,
            seal_key.public_key_info(),
            "https://sign.example.com",
            now,
            &entropy,
        )?;
        let root = authority.certificate().to_vec();
        Ok(Self {
            worker: super::corpus::worker(),
            signer: SoftwareSigner::new(seal_key, certificate, vec![root.clone()])?,
            roots: vec![root],
            fonts: Fonts::new(Vec::new(), Vec::new())?,
            now,
        })
    }
}

/// What became of one file.
enum Outcome {
    Sealed,
    /// By the intake, with its code.
    Refused(String),
    /// Accepted but not sealed, or sealed but not sound.
    Fault(String),
}

/// Seals every accepted `.pdf` of `PARAPH_CORPUS` into `PARAPH_SEALED_DIR`, then judges them.
pub fn run(list: bool) -> ExitCode {
    let Some(folder) = std::env::var_os("PARAPH_CORPUS") else {
        println!("SKIPPED: seal: PARAPH_CORPUS names no folder of PDF files; nothing was proven");
        return ExitCode::SUCCESS;
    };
    match seal_all(Path::new(&folder), list) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("FAIL: seal: {error}");
            ExitCode::FAILURE
        }
    }
}

fn seal_all(corpus: &Path, list: bool) -> Result<bool, Box<dyn std::error::Error>> {
    let out = std::env::var_os("PARAPH_SEALED_DIR").map_or_else(
        || std::env::temp_dir().join("paraph-sealed-corpus"),
        PathBuf::from,
    );
    std::fs::create_dir_all(&out)?;
    let house = Arc::new(House::new()?);
    let root = house.roots.first().map(Vec::as_slice).unwrap_or_default();
    std::fs::write(out.join("root.pem"), pem::encode("CERTIFICATE", root))?;

    let files = super::corpus::pdf_files(corpus)?;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    for path in &files {
        let name = path.file_name().unwrap_or_default().display().to_string();
        let key = match guarded(&house, path, &out.join(&name)) {
            Outcome::Sealed => "sealed and sound".to_owned(),
            Outcome::Refused(code) => format!("refused: {code}"),
            Outcome::Fault(fault) => {
                faults.push(format!("{name}: {fault}"));
                "FAIL".to_owned()
            }
        };
        if list {
            println!("{name}\t{key}");
        }
        *counts.entry(key).or_default() += 1;
    }
    println!("seal: {} files", files.len());
    for (key, count) in &counts {
        println!("{count:6} {key}");
    }
    for fault in &faults {
        println!("FAIL {fault}");
    }
    let judged = judge(&out, corpus)?;
    Ok(faults.is_empty() && judged)
}

/// In a thread of its own, so that a panic or a hang is seen.
fn guarded(house: &Arc<House>, path: &Path, out: &Path) -> Outcome {
    let (sender, receiver) = channel();
    let (house, path, out) = (Arc::clone(house), path.to_owned(), out.to_owned());
    let thread = thread::spawn(move || {
        let outcome = seal_one(&house, &path, &out);
        // Nobody listens any more after a time-out.
        let _ = sender.send(outcome);
    });
    match receiver.recv_timeout(FILE_TIME_MAX) {
        Ok(outcome) => outcome,
        Err(RecvTimeoutError::Timeout) => Outcome::Fault(format!("more than {FILE_TIME_MAX:?}")),
        Err(RecvTimeoutError::Disconnected) => {
            drop(thread.join());
            Outcome::Fault("panic".to_owned())
        }
    }
}

fn seal_one(house: &House, path: &Path, out: &Path) -> Outcome {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return Outcome::Fault(error.to_string()),
    };
    let inspection = match house.worker.inspect(&file, PAGES_MAX as u32) {
        Ok(inspection) => inspection,
        Err(error) if error.is_final() => {
            return Outcome::Refused(match error {
                worker::Error::Refused(refusal) => refusal.code,
                _ => "document_unrenderable".to_owned(),
            });
        }
        Err(error) => return Outcome::Fault(error.to_string()),
    };
    let name = path.file_name().unwrap_or_default().display().to_string();
    let plan = plan(&name, &inspection.pages);
    match write_sealed(house, &file, &plan, out) {
        Ok(()) => Outcome::Sealed,
        Err(error) => {
            let _ = std::fs::remove_file(out);
            Outcome::Fault(error.to_string())
        }
    }
}

fn write_sealed(
    house: &House,
    original: &File,
    plan: &Plan,
    out: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let order = Order {
        plan,
        fonts: &house.fonts,
        signer: &house.signer,
        organisation: ORGANISATION,
        reason: Some("Drill"),
        at: house.now,
        original: None,
    };
    let mut writer = BufWriter::new(File::create(out)?);
    let outcome = seal_document(original, &order, &mut writer)?;
    writer.flush()?;
    let file = File::open(out)?;
    outcome.check(&file, &house.roots)?;
    let drawn = house.worker.witness(&file)?;
    match stamps_differ(&outcome.tail.stamps, &drawn) {
        Some(difference) => Err(difference.into()),
        None => Ok(()),
    }
}

/// A watermark, a certificate page, and on a first page with room for it a signature.
fn plan(name: &str, pages: &[PageFacts]) -> Plan {
    let mut plan = Plan {
        watermark: Some("TEST - NOT LEGALLY BINDING".to_owned()),
        certificate_page: Some(CertificatePage {
            title: "Certificate of signature".to_owned(),
            statement: format!("Simple electronic signatures, sealed by {ORGANISATION}"),
            facts: vec![Row::new("Document", name)],
            parties_title: "Recipients".to_owned(),
            parties: vec![Party {
                name: "Zoë Łukasiewicz".to_owned(),
                rows: vec![Row::new("Address", "zoe@example.org")],
            }],
            verify_title: String::new(),
            verify: Vec::new(),
            seal: vec![format!("Sealed by {ORGANISATION}")],
            footer: name.to_owned(),
        }),
        balance: pages.iter().map(|page| page.balance).collect(),
        ..Plan::default()
    };
    if let Some(page) = pages
        .first()
        .filter(|page| page.width >= 170.0 && page.height >= 60.0)
    {
        plan.marks.push(PlacedMark {
            page: 0,
            area: Area {
                x: page.width - 160.0,
                y: page.height - 50.0,
                width: 150.0,
                height: 40.0,
            },
            mark: Mark::Signature {
                ink: Ink::Typed {
                    text: "Zoë Łukasiewicz".to_owned(),
                    style: "serif".to_owned(),
                },
                name: "Zoë Łukasiewicz".to_owned(),
                time: "2026-11-24 09:30 UTC".to_owned(),
            },
        });
    }
    plan
}

/// pyHanko and qpdf judge what was sealed, all files in one process.
fn judge(sealed: &Path, originals: &Path) -> std::io::Result<bool> {
    let python = std::env::var_os("PARAPH_PYHANKO").unwrap_or_else(|| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/drills/judge.py");
    let status = Command::new(python)
        .arg(script)
        .arg(sealed)
        .arg("--originals")
        .arg(originals)
        .status()?;
    match status.code() {
        Some(0) => Ok(true),
        Some(77) => {
            println!(
                "SKIPPED: no judge: pyHanko or qpdf is missing; set PARAPH_PYHANKO to a Python that has it"
            );
            Ok(std::env::var_os("PARAPH_REQUIRE_TOOLS").is_none())
        }
        _ => Ok(false),
    }
}
