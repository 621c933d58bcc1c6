use std::io;
use std::path::PathBuf;

use super::*;
use crate::ambient::CountedEntropy;
use crate::pdf::added::{CertificatePage, Party, Row, SignatureBlock, SignaturePage};
use crate::pdf::appearance::{Ink, InkPoint, Mark};
use crate::pdf::check::{CheckError, Checked, Expected, check};
use crate::pdf::fixture::Pdf;
use crate::pdf::place::Area;
use crate::pdf::prepare::PlacedMark;
use crate::pdf::text::{FontFile, Fonts};
use crate::pki::ca::{Authority, Purpose, SealSubject};
use crate::pki::{SoftwareKey, SoftwareSigner, pem};

const PAGES_MAX: usize = 2000;

fn now() -> Timestamp {
    Timestamp::parse("2026-11-24T09:30:00Z").unwrap()
}

struct House {
    signer: SoftwareSigner,
    roots: Vec<Vec<u8>>,
    fonts: Fonts,
}

impl House {
    fn new() -> Self {
        let key = || SoftwareKey::from_pkcs8(&SoftwareKey::generate().unwrap()).unwrap();
        let entropy = CountedEntropy::from_seed(7);
        let authority = Authority::create(key(), Purpose::Test, now(), &entropy).unwrap();
        let subject = SealSubject {
            organisation: "Example Ltd",
            country: Some("IE"),
        };
        let seal_key = key();
        let certificate = authority
            .issue_seal(
                &subject,
                seal_key.public_key_info(),
                "https://sign.example.com",
                now(),
                &entropy,
            )
            .unwrap();
        let root = authority.certificate().to_vec();
        // As the application finds it on a system that has it.
        let cjk = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";
        let fallback = FontFile {
            label: "Noto Sans CJK".to_owned(),
            index: 2,
            load: Box::new(move || std::fs::read(cjk)),
        };
        Self {
            signer: SoftwareSigner::new(seal_key, certificate, vec![root.clone()]).unwrap(),
            roots: vec![root],
            fonts: Fonts::new(vec![fallback], Vec::new()).unwrap(),
        }
    }

    fn order<'a>(&'a self, plan: &'a Plan) -> Order<'a> {
        Order {
            plan,
            fonts: &self.fonts,
            signer: &self.signer,
            organisation: "Example Ltd",
            reason: Some("Sealed after all had signed"),
            at: now(),
            original: None,
        }
    }

    fn seal(&self, original: &[u8], plan: &Plan) -> (Outcome, Vec<u8>) {
        let mut file = Vec::new();
        let outcome = seal_document(&original, &self.order(plan), &mut file).unwrap();
        (outcome, file)
    }

    fn check(
        &self,
        original: &[u8],
        outcome: &Outcome,
        file: &[u8],
    ) -> Result<Checked, CheckError> {
        check(
            &file,
            &Expected {
                roots: &self.roots,
                at: now(),
                original: Some((original.len() as u64, Digest::of(original))),
                pages: Some(outcome.tail.pages_original + outcome.tail.pages_added),
                stamps: &outcome.tail.stamps,
                pages_max: PAGES_MAX,
            },
        )
    }
}

/// Leaves a sealed file in the folder `PARAPH_SEALED_DIR`, where strangers judge it (`tests/drills/judge.py`).
fn show(name: &str, house: &House, file: &[u8]) {
    let Some(folder) = std::env::var_os("PARAPH_SEALED_DIR").map(PathBuf::from) else {
        return;
    };
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.pdf")), file).unwrap();
    let root = pem::encode("CERTIFICATE", &house.roots[0]);
    std::fs::write(folder.join(format!("{name}.root.pem")), root).unwrap();
}

fn area(x: f64, y: f64, width: f64, height: f64) -> Area {
    Area {
        x,
        y,
        width,
        height,
    }
}

fn drawn() -> Ink {
    let stroke = |x0: f32, phase: f32| {
        (0..40)
            .map(|n| {
                let t = n as f32 / 39.0;
                InkPoint {
                    x: x0 + t * 0.35,
                    y: 0.2 + 0.12 * (t * 14.0 + phase).sin() * (1.0 - t * 0.5),
                    width: 0.006 + 0.006 * (t * 9.0).sin().abs(),
                }
            })
            .collect::<Vec<_>>()
    };
    Ink::Drawn(vec![stroke(0.1, 0.0), stroke(0.4, 1.3)])
}

fn typed(text: &str, style: &str) -> Ink {
    Ink::Typed {
        text: text.to_owned(),
        style: style.to_owned(),
    }
}

fn marks(page: usize, width: f64, height: f64, name: &str) -> Vec<PlacedMark> {
    let at = |area, mark| PlacedMark { page, area, mark };
    let time = "2026-11-24 09:30 UTC".to_owned();
    vec![
        at(
            area(20.0, 20.0, 170.0, 50.0),
            Mark::Signature {
                ink: drawn(),
                name: name.to_owned(),
                time: time.clone(),
            },
        ),
        at(
            area(width - 190.0, 20.0, 170.0, 50.0),
            Mark::Signature {
                ink: typed("Zoë Łukasiewicz", "serif"),
                name: name.to_owned(),
                time,
            },
        ),
        at(
            area(20.0, height - 60.0, 60.0, 40.0),
            Mark::Initials(typed("ZŁ", "sans")),
        ),
        at(
            area(100.0, height - 60.0, 150.0, 40.0),
            Mark::Text(format!("{name}, a text that takes more than one line")),
        ),
        at(
            area(width - 190.0, height - 60.0, 100.0, 20.0),
            Mark::Text("24 November 2026".to_owned()),
        ),
        at(
            area(width - 60.0, height - 60.0, 18.0, 18.0),
            Mark::Checkbox(true),
        ),
        at(
            area(width - 36.0, height - 60.0, 18.0, 18.0),
            Mark::Checkbox(false),
        ),
    ]
}

fn certificate(names: &[&str]) -> CertificatePage {
    CertificatePage {
        title: "Certificate of signature".into(),
        statement: "Simple electronic signatures, sealed by Example Ltd".into(),
        facts: vec![
            Row::new("Document", "Contract of employment.pdf, 2 pages"),
            Row::new("SHA-256 of the original", Digest::of(b"").to_string()),
            Row::new("Envelope", "env_01JDF3M6X5V5N1R8Q2Y7T4K9WB"),
            Row::new("Consent", "Version 1 of 2026-11-01"),
            Row::new("Audit trail", format!("Entry 17, {}", Digest::of(b"x"))),
        ],
        parties_title: "Recipients".into(),
        parties: names
            .iter()
            .map(|name| Party {
                name: (*name).to_owned(),
                rows: vec![
                    Row::new("Address", "person@example.org"),
                    Row::new("Role", "Signer"),
                    Row::new("Identity", "Opened the link sent to this address"),
                    Row::new("Signed", "2026-11-24 09:29:12 UTC from 192.0.2.17"),
                ],
            })
            .collect(),
        verify_title: "How to check this document".into(),
        verify: vec![
            "Any PDF reader that knows signatures shows the seal and whether the file was changed since.".into(),
        ],
        seal: vec!["Sealed by Example Ltd".into(), "2026-11-24 09:30:00 UTC".into()],
        footer: "env_01JDF3M6X5V5N1R8Q2Y7T4K9WB".into(),
    }
}

/// One page with a frame along its crop box; the content leaves the graphics state turned, as careless programs do.
fn page(attributes: &str, crop: [f64; 4]) -> Pdf {
    let [x0, y0, x1, y1] = crop;
    let (w, h) = (x1 - x0, y1 - y0);
    let mut pdf = Pdf::one_page();
    pdf.set(
        3,
        format!("<</Type/Page/Parent 2 0 R/Contents 4 0 R {attributes}>>"),
    );
    let content = format!(
        "0.2 0.6 0.2 RG 2 w {} {} {} {} re S 0.9 g {} {} 40 40 re f 1 0 0 rg 0.5 0 0 0.5 10 10 cm",
        x0 + 4.0,
        y0 + 4.0,
        w - 8.0,
        h - 8.0,
        x0 + 10.0,
        y0 + 10.0
    );
    pdf.stream(4, "", content.as_bytes());
    pdf
}

#[test]
fn a_sealed_file_stands_its_check_and_any_flipped_byte_fails_it() {
    let house = House::new();
    for (kind, original) in [
        ("table", Pdf::pages(2).build()),
        ("stream", Pdf::pages(2).with_stream_xref()),
    ] {
        let plan = Plan {
            marks: marks(0, 595.0, 842.0, "Ann Example"),
            certificate_page: Some(certificate(&["Ann Example", "Bob Example"])),
            ..Plan::default()
        };
        let (outcome, file) = house.seal(&original, &plan);
        show(&format!("plain-{kind}"), &house, &file);
        assert!(file.starts_with(&original));
        let checked = house.check(&original, &outcome, &file).unwrap();
        assert_eq!(checked.digest, Digest::of(&file));
        assert_eq!(checked.digest, outcome.sealed.digest);
        assert_eq!(outcome.sealed.original, Digest::of(&original));
        assert_eq!(outcome.sealed.length, file.len() as u64);
        assert_eq!((checked.pages, checked.marks), (3, 7));
        assert_eq!(checked.common_name.as_deref(), Some("Example Ltd seal"));

        // The CMS carries the root along, which no signature covers and nobody needs: only the file's own digest tells
        // of a change there.
        let gap = {
            let contents = b"/Contents <";
            let from = file
                .windows(contents.len())
                .rposition(|window| window == contents)
                .unwrap();
            from..from + file[from..].iter().position(|byte| *byte == b'>').unwrap()
        };
        let step = file.len() / 600 + 1;
        for at in (0..file.len()).step_by(step) {
            let mut changed = file.clone();
            changed[at] ^= 0x01;
            match house.check(&original, &outcome, &changed) {
                Err(_) => {}
                Ok(seen) => {
                    assert!(gap.contains(&at), "{kind}: byte {at} of {}", file.len());
                    assert_ne!(seen.digest, outcome.sealed.digest);
                }
            }
        }
        let mut flipped = file.clone();
        let middle = original.len() / 2;
        flipped[middle] ^= 0x20;
        show(&format!("flipped-{kind}"), &house, &flipped);
    }
}

#[test]
fn bytes_after_the_seal_fail_the_check() {
    let house = House::new();
    let original = Pdf::one_page().build();
    let (outcome, file) = house.seal(&original, &Plan::default());
    house.check(&original, &outcome, &file).unwrap();
    for more in ["\n", "%%EOF\n", "1 0 obj null endobj\n"] {
        let mut longer = file.clone();
        longer.extend(more.bytes());
        assert!(
            house.check(&original, &outcome, &longer).is_err(),
            "{more:?}"
        );
    }
    let mut updated = file.clone();
    let catalog = Document::open(file.as_slice()).unwrap().root_ref();
    let document = Document::open(file.as_slice()).unwrap();
    let base = prepare::base_of(&document).unwrap();
    let mut objects = crate::pdf::update::Objects::from_number(base.next_number);
    objects.put_value(catalog, &document.get(catalog).unwrap());
    updated.extend(objects.finish(&base).unwrap().bytes);
    assert!(matches!(
        house.check(&original, &outcome, &updated),
        Err(CheckError::Rule(_))
    ));
}

#[test]
fn a_seal_of_another_authority_is_not_trusted() {
    let (house, stranger) = (House::new(), House::new());
    let original = Pdf::one_page().build();
    let (outcome, file) = stranger.seal(&original, &Plan::default());
    assert!(matches!(
        house.check(&original, &outcome, &file),
        Err(CheckError::Chain(_))
    ));
}

#[test]
fn a_mark_or_page_that_is_not_there_fails_the_check() {
    let house = House::new();
    let original = Pdf::one_page().build();
    let plan = Plan {
        marks: marks(0, 595.0, 842.0, "Ann"),
        ..Plan::default()
    };
    let (mut outcome, file) = house.seal(&original, &plan);
    house.check(&original, &outcome, &file).unwrap();
    outcome.tail.stamps[0].form.number += 1;
    assert!(matches!(
        house.check(&original, &outcome, &file),
        Err(CheckError::MarkMissing { page: 1 })
    ));
    outcome.tail.stamps.clear();
    outcome.tail.pages_added += 1;
    assert!(matches!(
        house.check(&original, &outcome, &file),
        Err(CheckError::Pages {
            found: 1,
            expected: 2
        })
    ));
}

#[test]
fn an_original_that_changed_since_the_plan_is_not_sealed() {
    let house = House::new();
    let plan = Plan::default();
    let order = Order {
        original: Some(Digest::of(b"another file")),
        ..house.order(&plan)
    };
    let original = Pdf::one_page().build();
    assert!(matches!(
        seal_document(&original, &order, &mut io::sink()),
        Err(Error::Seal(SealError::OriginalDiffers { .. }))
    ));
}

#[test]
fn marks_stand_where_they_were_put_on_turned_cropped_and_scaled_pages() {
    let house = House::new();
    let full = [0.0, 0.0, 595.0, 842.0];
    let crop = [100.0, 150.0, 520.0, 700.0];
    for rotate in [0, 90, 180, 270] {
        for (kind, attributes, shown, unit) in [
            ("full", "/MediaBox[0 0 595 842]".to_owned(), full, 1.0),
            (
                "crop",
                "/MediaBox[0 0 595 842]/CropBox[100 150 520 700]".to_owned(),
                crop,
                1.0,
            ),
            (
                "unit",
                "/MediaBox[0 0 300 420]/UserUnit 2".to_owned(),
                [0.0, 0.0, 300.0, 420.0],
                2.0,
            ),
        ] {
            let pdf = page(&format!("{attributes}/Rotate {rotate}"), shown);
            let (mut w, mut h) = ((shown[2] - shown[0]) * unit, (shown[3] - shown[1]) * unit);
            if rotate % 180 == 90 {
                (w, h) = (h, w);
            }
            let original = pdf.build();
            let plan = Plan {
                marks: marks(0, w, h, "Ann Example"),
                watermark: Some("TEST - NOT LEGALLY BINDING".to_owned()),
                ..Plan::default()
            };
            let (outcome, file) = house.seal(&original, &plan);
            house.check(&original, &outcome, &file).unwrap();
            show(&format!("turned-{kind}-{rotate}"), &house, &file);
        }
    }
}

#[test]
fn names_of_many_scripts_are_sealed() {
    let house = House::new();
    let names = [
        "Ελένη Παπαδοπούλου",
        "Дмитрий Щербаков",
        "Żółć Gęślą-Jaźń",
        "Nguyễn Thị Hồng",
        "李明 (Li Ming)",
        "山田 太郎",
        "محمد علي",
        "𐌰𐌱 Gothic",
    ];
    let original = Pdf::one_page().build();
    let mut plan = Plan {
        certificate_page: Some(certificate(&names)),
        signature_page: Some(SignaturePage {
            title: "Signatures".into(),
            blocks: vec![
                SignatureBlock {
                    ink: typed("Ελένη Παπαδοπούλου", "serif"),
                    name: "Ελένη Παπαδοπούλου".into(),
                    detail: "eleni@example.gr".into(),
                    time: "2026-11-24 11:30 EET".into(),
                },
                SignatureBlock {
                    ink: typed("Дмитрий Щербаков", "sans"),
                    name: "Дмитрий Щербаков".into(),
                    detail: String::new(),
                    time: "2026-11-24 09:30 UTC".into(),
                },
                SignatureBlock {
                    ink: drawn(),
                    name: "李明".into(),
                    detail: "li@example.cn".into(),
                    time: "2026-11-24 17:30 CST".into(),
                },
            ],
        }),
        watermark: Some("TEST - NOT LEGALLY BINDING".to_owned()),
        ..Plan::default()
    };
    for (n, name) in names.iter().enumerate() {
        plan.marks.push(PlacedMark {
            page: 0,
            area: area(60.0, 60.0 + 50.0 * n as f64, 250.0, 40.0),
            mark: Mark::Text((*name).to_owned()),
        });
    }
    let (outcome, file) = house.seal(&original, &plan);
    house.check(&original, &outcome, &file).unwrap();
    // Gothic stands in no face.
    assert!(outcome.tail.missing.contains(&'𐌰'));
    assert!(!outcome.tail.missing.contains(&'Ж'));
    show("names", &house, &file);
}

#[test]
fn what_cannot_be_sealed_is_known_before_anyone_signs() {
    let fonts = Fonts::new(Vec::new(), Vec::new()).unwrap();
    let rehearsed = |pdf: &Pdf| {
        let file = pdf.build();
        let document = Document::open(file.as_slice()).unwrap();
        rehearse(&document, &fonts, PAGES_MAX).map_err(|error| error.to_string())
    };
    let mut pdf = Pdf::pages(2);
    assert_eq!(rehearsed(&pdf), Ok(()));
    pdf.set(1, "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields/None>>>>");
    assert!(rehearsed(&pdf).unwrap_err().contains("no array"));
    let mut sections = Pdf::one_page().build();
    for _ in 0..1022 {
        crate::pdf::fixture::update(&mut sections, &[], "/Root 1 0 R/Size 5");
    }
    let document = Document::open(sections.as_slice()).unwrap();
    let error = rehearse(&document, &fonts, PAGES_MAX).unwrap_err();
    assert!(error.to_string().contains("sections"), "{error}");
    let mut pdf = Pdf::pages(2);
    pdf.set(
        5,
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources[]>>",
    );
    assert!(
        rehearsed(&pdf)
            .unwrap_err()
            .starts_with("document_malformed")
    );
}

#[test]
fn the_seals_name_is_free_in_every_encoding() {
    let house = House::new();
    for taken in [
        "(Seal)",
        "<FEFF005300650061006C>",
        "<EFBBBF5365616C>",
        "<FFFE5300650061006C00>",
    ] {
        let mut pdf = Pdf::one_page();
        pdf.set(
            1,
            "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[10 0 R]>>>>",
        );
        pdf.set(10, format!("<</FT/Tx/T{taken}>>"));
        let (_, file) = house.seal(&pdf.build(), &Plan::default());
        let document = Document::open(file.as_slice()).unwrap();
        let form = document.value(document.root(), "AcroForm").unwrap();
        let fields = document.value(form.as_dict().unwrap(), "Fields").unwrap();
        let seal = fields.as_array().unwrap().last().unwrap();
        let seal = document.resolve(seal).unwrap().into_owned();
        let name = seal.as_dict().unwrap().get("T").unwrap();
        assert_eq!(name.as_string(), Some(b"Seal 2".as_slice()), "{taken}");
    }
}

#[test]
fn a_list_of_annotations_that_pages_share_does_not_get_the_seal() {
    let house = House::new();
    let mut pdf = Pdf::pages(2);
    for page in [3, 5] {
        pdf.replace(page, "/Type/Page", "/Type/Page/Annots 10 0 R");
    }
    pdf.set(10, "[11 0 R]");
    pdf.set(11, "<</Type/Annot/Subtype/Link/Rect[0 0 10 10]>>");
    let (outcome, file) = house.seal(&pdf.build(), &Plan::default());
    assert!(outcome.check(&file, &house.roots).is_ok());
    let document = Document::open(file.as_slice()).unwrap();
    let tree = document.page_tree(10).unwrap();
    let of = |n: usize| {
        let list = document.value(&tree.pages[n].dict, "Annots").unwrap();
        list.as_array().unwrap().len()
    };
    assert_eq!((of(0), of(1)), (2, 1));
}

#[test]
fn a_form_keeps_its_fields_and_the_seals_name_is_free() {
    let house = House::new();
    let mut pdf = Pdf::one_page();
    pdf.set(1, "<</Type/Catalog/Pages 2 0 R/AcroForm 10 0 R>>");
    pdf.set(10, "<</Fields 11 0 R/DA(/Helv 0 Tf 0 g)>>");
    pdf.set(11, "[12 0 R]");
    pdf.set(
        12,
        "<</Type/Annot/Subtype/Widget/FT/Tx/T(Seal)/Rect[0 0 10 10]/P 3 0 R>>",
    );
    let original = pdf.build();
    let (outcome, file) = house.seal(&original, &Plan::default());
    house.check(&original, &outcome, &file).unwrap();
    let document = Document::open(file.as_slice()).unwrap();
    let list = document
        .get(crate::pdf::Ref::new(11, 0))
        .unwrap()
        .as_array()
        .unwrap()
        .to_vec();
    assert_eq!(list.len(), 2);
    let field = document.resolve(&list[1]).unwrap().into_owned();
    let name = field.as_dict().unwrap().get("T").unwrap().clone();
    assert_eq!(name.as_string(), Some(b"Seal 2".as_slice()));
    show("form", &house, &file);
}

/// A document whose page has a stream of `filler` zeros, without holding them.
struct Large {
    head: Vec<u8>,
    filler: u64,
    foot: Vec<u8>,
}

impl Large {
    fn of_length(length: u64) -> Self {
        let part = |filler: u64| {
            let mut head = b"%PDF-1.7\n".to_vec();
            let mut offsets = Vec::new();
            for body in [
                "<</Type/Catalog/Pages 2 0 R>>".to_owned(),
                "<</Type/Pages/Count 1/Kids[3 0 R]>>".to_owned(),
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Thumb 4 0 R>>".to_owned(),
            ] {
                offsets.push(head.len());
                head.extend(format!("{} 0 obj\n{body}\nendobj\n", offsets.len()).bytes());
            }
            offsets.push(head.len());
            head.extend(format!("4 0 obj\n<</Length {filler}>>\nstream\n").bytes());
            let start = head.len() as u64 + filler;
            let mut foot = b"\nendstream\nendobj\n".to_vec();
            let xref = start + foot.len() as u64;
            foot.extend(b"xref\n0 5\n0000000000 65535 f\r\n");
            for offset in offsets {
                foot.extend(format!("{offset:010} 00000 n\r\n").bytes());
            }
            foot.extend(
                format!("trailer\n<</Size 5/Root 1 0 R>>\nstartxref\n{xref}\n%%EOF\n").bytes(),
            );
            Self { head, filler, foot }
        };
        let guess = part(length);
        let more = guess.head.len() as u64 + guess.foot.len() as u64;
        let mut large = part(length - more);
        // The numbers inside may have lost a digit.
        large = part(large.filler + length - large.len().unwrap());
        assert_eq!(large.len().unwrap(), length);
        large
    }
}

impl ReadAt for Large {
    fn len(&self) -> io::Result<u64> {
        Ok(self.head.len() as u64 + self.filler + self.foot.len() as u64)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let head = self.head.len() as u64;
        if offset < head {
            return self.head.read_at(offset, buf);
        }
        if offset >= head + self.filler {
            return self.foot.read_at(offset - head - self.filler, buf);
        }
        let count = buf
            .len()
            .min(usize::try_from(head + self.filler - offset).unwrap());
        buf[..count].fill(0);
        Ok(count)
    }
}

/// Keeps what is written after the first `skip` bytes.
struct After {
    skip: u64,
    kept: Vec<u8>,
}

impl Write for After {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let skipped = buf.len().min(usize::try_from(self.skip).unwrap());
        self.skip -= skipped as u64;
        self.kept.extend(&buf[skipped..]);
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn offsets_around_a_hundred_million_fit_the_byte_range() {
    let house = House::new();
    let plan = Plan::default();
    for length in [99_990_000, 99_999_990, 100_000_010] {
        let source = Large::of_length(length);
        let mut out = After {
            skip: length,
            kept: Vec::new(),
        };
        let outcome = seal_document(&source, &house.order(&plan), &mut out).unwrap();
        assert!(out.kept.len() < 64 * 1024);
        let file = Joined::new(&source, &out.kept).unwrap();
        let checked = check(
            &file,
            &Expected {
                roots: &house.roots,
                at: now(),
                original: Some((length, outcome.sealed.original)),
                pages: Some(1),
                stamps: &[],
                pages_max: PAGES_MAX,
            },
        )
        .unwrap();
        assert_eq!(checked.digest, outcome.sealed.digest);
    }
}
