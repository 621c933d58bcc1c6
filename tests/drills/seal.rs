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
use paraph::pdf::audit::{self, Limits};
use paraph::pdf::check::{Expected, check};
use paraph::pdf::place::Area;
use paraph::pdf::prepare::{PlacedMark, Plan};
use paraph::pdf::seal::{Order, rehearse, seal_document};
use paraph::pdf::text::Fonts;
use paraph::pdf::{Document, Error};
use paraph::pki::ca::{Authority, Purpose, SealSubject};
use paraph::pki::{SoftwareKey, SoftwareSigner, pem};

/// What one file may take, its check included.
const FILE_TIME_MAX: Duration = Duration::from_secs(20);
const PAGES_MAX: usize = 2000;
const ORGANISATION: &str = "Example Ltd";

struct House {
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
    let limits = Limits {
        pages_max: PAGES_MAX,
    };
    let opened = File::open(path).map_err(Error::from).and_then(|file| {
        let document = Document::open(&file)?;
        let inspection = audit::inspect(&document, &limits)?;
        rehearse(&document, &house.fonts, PAGES_MAX)?;
        Ok((inspection, file.try_clone()))
    });
    let (inspection, file) = match opened {
        Ok((inspection, Ok(file))) => (inspection, file),
        Ok((_, Err(error))) => return Outcome::Fault(error.to_string()),
        Err(error) => {
            return match error.code() {
                Some(code) => Outcome::Refused(code.to_string()),
                None => Outcome::Fault(error.to_string()),
            };
        }
    };
    let name = path.file_name().unwrap_or_default().display().to_string();
    let plan = plan(&name, inspection.pages.first());
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
        pages_max: PAGES_MAX,
    };
    let mut writer = BufWriter::new(File::create(out)?);
    let outcome = seal_document(original, &order, &mut writer)?;
    writer.flush()?;
    let checked = check(
        &File::open(out)?,
        &Expected {
            roots: &house.roots,
            at: house.now,
            original: Some((original.metadata()?.len(), outcome.sealed.original)),
            pages: Some(outcome.tail.pages_original + outcome.tail.pages_added),
            stamps: &outcome.tail.stamps,
            pages_max: PAGES_MAX + outcome.tail.pages_added,
        },
    )?;
    if checked.digest == outcome.sealed.digest {
        Ok(())
    } else {
        Err("the file's digest is not the one told".into())
    }
}

/// A watermark, a certificate page, and on a first page with room for it a signature.
fn plan(name: &str, first: Option<&audit::PageSize>) -> Plan {
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
        ..Plan::default()
    };
    if let Some(page) = first.filter(|page| page.width >= 170.0 && page.height >= 60.0) {
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
