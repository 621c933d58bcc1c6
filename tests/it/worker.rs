//! The worker process as it is: started from the executable, fed with what breaks renderers. The server's side must come
//! back with an answer or a named error every time.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

use paraph::worker::{Error, Limits, MediaType, PictureBounds, Worker};

use crate::built as pdf;

use pdf::Pdf;

fn executable() -> PathBuf {
    env!("CARGO_BIN_EXE_paraph").into()
}

fn worker() -> Worker {
    Worker::new(executable(), vec![], Limits::new(2, 50_000_000))
}

/// A file without a name that holds `bytes`.
pub fn file(bytes: &[u8]) -> File {
    let file = rustix::fs::open(
        std::env::temp_dir(),
        rustix::fs::OFlags::TMPFILE | rustix::fs::OFlags::RDWR,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
    )
    .expect("a temporary file");
    let file = File::from(file);
    file.write_all_at(bytes, 0).expect("written");
    file
}

fn with_content(content: &[u8]) -> Pdf {
    let mut pdf = Pdf::one_page();
    pdf.replace(
        3,
        "/Resources<<>>",
        "/Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R>>>>",
    );
    pdf.set(5, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>");
    pdf.stream(6, "/Type/XObject/Subtype/Form/BBox[0 0 10 10]", b"");
    pdf.stream(4, "", content);
    pdf
}

#[test]
fn a_document_is_inspected_drawn_and_read() {
    let bytes =
        with_content(b"BT /F 24 Tf 72 700 Td (The parties agree) Tj 0 -30 Td (on this.) Tj ET")
            .build();
    let document = file(&bytes);
    let worker = worker();

    let inspection = worker.inspect(&document, 10).unwrap();
    assert_eq!(inspection.pages.len(), 1);
    assert_eq!(inspection.pages[0].width, 595.0);
    assert_eq!(inspection.pages[0].has_text, Some(true));
    assert!(inspection.warnings.is_empty());

    let rendering = worker.render(&document, 1, 9, 1000).unwrap();
    assert!(rendering.stopped.is_none());
    let [page] = rendering.pages.as_slice() else {
        panic!("{} pages", rendering.pages.len())
    };
    assert_eq!((page.number, page.width, page.height), (1, 1000, 1415));
    assert_eq!(page.media_type, Some(MediaType::Png));
    let mut reader = png::Decoder::new(std::io::Cursor::new(&page.bytes))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    assert!(
        pixels.iter().any(|two| *two != 0xFF),
        "the page is not blank"
    );

    let text = worker.text(&document, 1, 1).unwrap();
    assert_eq!(text[0].text, "The parties agree\non this.\n");
    let run = &text[0].runs[0];
    assert!(
        (run.x - 72.0).abs() < 0.5 && run.y > 110.0 && run.y < 142.0,
        "{run:?}"
    );
}

#[test]
fn the_offset_of_the_open_file_does_not_matter_and_does_not_move() {
    let bytes = Pdf::one_page().build();
    let mut document = file(&bytes);
    std::io::Seek::seek(&mut document, std::io::SeekFrom::Start(17)).unwrap();
    assert!(worker().inspect(&document, 10).is_ok());
    assert_eq!(std::io::Seek::stream_position(&mut document).unwrap(), 17);
}

#[test]
fn a_refusal_comes_with_code_reason_and_byte() {
    for (bytes, code) in [
        (b"%PDF-1.7\n".to_vec(), "document_malformed"),
        (vec![], "document_malformed"),
        (b"MZ\x90\0 not a PDF at all".to_vec(), "document_malformed"),
        (Pdf::pages(11).build(), "document_too_many_pages"),
        (
            Pdf::one_page()
                .replace(
                    1,
                    "/Pages 2 0 R",
                    "/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert)>>",
                )
                .build(),
            "document_active_content",
        ),
    ] {
        match worker().inspect(&file(&bytes), 10) {
            Err(Error::Refused(refusal)) => {
                assert_eq!(refusal.code, code, "{refusal:?}");
                assert!(!refusal.reason.is_empty());
            }
            other => panic!("{code}: {other:?}"),
        }
    }
}

#[test]
fn a_file_over_the_limit_is_refused_unread() {
    let worker = Worker::new(executable(), vec![], Limits::new(1, 500));
    match worker.inspect(&file(&[b' '; 501]), 10) {
        Err(Error::Refused(refusal)) => assert_eq!(refusal.code, "document_too_large"),
        other => panic!("{other:?}"),
    }
}

/// Content of `levels` forms that each draw the next ten times: 10^levels paths from a few hundred bytes.
fn form_bomb(levels: u32) -> Vec<u8> {
    let mut pdf = with_content(b"/X Do");
    for level in 0..levels {
        let content = b"/X Do ".repeat(10);
        let entries = format!(
            "/Type/XObject/Subtype/Form/BBox[0 0 10 10]/Resources<</XObject<</X {} 0 R>>>>",
            7 + level
        );
        pdf.stream(6 + level, &entries, &content);
    }
    pdf.stream(
        6 + levels,
        "/Type/XObject/Subtype/Form/BBox[0 0 10 10]",
        b"0 0 5 5 re f",
    );
    pdf.build()
}

#[test]
fn a_page_that_would_draw_for_hours_is_stopped() {
    let bytes = form_bomb(12);
    assert!(bytes.len() < 4_000);
    let mut limits = Limits::new(1, 50_000_000);
    limits.cpu_seconds_max = 1;
    let worker = Worker::new(executable(), vec![], limits);
    let document = file(&bytes);
    assert!(matches!(
        worker.inspect(&document, 10),
        Err(Error::TimedOut)
    ));
    assert!(matches!(
        worker.render(&document, 1, 1, 1000),
        Err(Error::TimedOut)
    ));
    assert_no_child_is_left();
}

#[test]
fn the_wall_clock_stops_what_the_cpu_limit_does_not() {
    let mut limits = Limits::new(1, 50_000_000);
    limits.time_max = Duration::from_millis(200);
    let worker = Worker::new(executable(), vec![], limits);
    let stopped = worker.render(&file(&form_bomb(12)), 1, 1, 1000);
    assert!(matches!(stopped, Err(Error::TooSlow)));
    assert_no_child_is_left();
}

#[test]
fn pages_before_the_one_that_breaks_are_kept() {
    let mut pdf = Pdf::pages(2);
    pdf.replace(5, "/Resources<<>>", "/Resources<</XObject<</X 10 0 R>>>>");
    pdf.stream(6, "", b"/X Do");
    for level in 0..12 {
        let entries = format!(
            "/Type/XObject/Subtype/Form/BBox[0 0 10 10]/Resources<</XObject<</X {} 0 R>>>>",
            11 + level
        );
        pdf.stream(10 + level, &entries, &b"/X Do ".repeat(10));
    }
    pdf.stream(
        22,
        "/Type/XObject/Subtype/Form/BBox[0 0 10 10]",
        b"0 0 5 5 re f",
    );
    let mut limits = Limits::new(1, 50_000_000);
    limits.cpu_seconds_max = 1;
    let worker = Worker::new(executable(), vec![], limits);
    let rendering = worker.render(&file(&pdf.build()), 1, 2, 1000).unwrap();
    assert_eq!(rendering.pages.len(), 1);
    assert!(matches!(rendering.stopped, Some(Error::TimedOut)));
}

#[test]
fn an_inflate_bomb_costs_the_worker_and_not_the_server() {
    // A gigabyte of spaces: one MB deflated, one KB deflated again.
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let block = vec![b' '; 1 << 20];
    for _ in 0..1024 {
        encoder.write_all(&block).unwrap();
    }
    let twice = pdf::deflate(&encoder.finish().unwrap());
    assert!(twice.len() < 10_000, "{}", twice.len());
    let mut bomb = Pdf::one_page();
    bomb.stream(4, "/Filter[/FlateDecode/FlateDecode]", &twice);
    let document = file(&bomb.build());
    let before = resident_bytes();
    // Whatever stops it, such a page is never taken in as if it were empty.
    let outcome = worker().inspect(&document, 10);
    assert!(
        matches!(
            &outcome,
            Err(Error::Crashed(_) | Error::TimedOut | Error::TooSlow | Error::Refused(_))
        ),
        "{outcome:?}"
    );
    drop(worker().render(&document, 1, 1, 1000));
    assert!(resident_bytes() < before + (50 << 20));
}

#[test]
fn nesting_a_hundred_thousand_deep_is_an_answer() {
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    // Among the objects the strict reader refuses it; in a page's content the renderer meets it.
    let mut object = Pdf::one_page();
    object.set(9, &deep);
    object.replace(1, "/Pages 2 0 R", "/Pages 2 0 R/Deep 9 0 R");
    assert!(matches!(
        worker().inspect(&file(&object.build()), 10),
        Err(Error::Refused(_))
    ));
    let content = [&deep[..], b" TJ"].concat();
    let document = file(&with_content(&content).build());
    match worker().inspect(&document, 10) {
        Err(Error::Refused(refusal)) => {
            assert_eq!(refusal.code, "document_malformed");
            assert!(refusal.reason.contains("page 1"), "{refusal:?}");
        }
        other => panic!("{other:?}"),
    }
    let outcome = worker().render(&document, 1, 1, 1000);
    assert!(
        matches!(&outcome, Ok(_) | Err(Error::Crashed(_))),
        "{outcome:?}"
    );
}

#[test]
fn a_huge_page_comes_out_at_a_bearable_size() {
    let mut pdf = Pdf::one_page();
    pdf.replace(3, "[0 0 595 842]", "[0 0 200 2000000]");
    let document = file(&pdf.build());
    let rendering = worker().render(&document, 1, 1, 2400).unwrap();
    let page = &rendering.pages[0];
    assert!(u64::from(page.width) * u64::from(page.height) <= 16_200_000);
}

#[test]
fn what_a_page_leaves_open_is_told_whatever_the_intake_accepts() {
    let mut pdf = Pdf::pages(11);
    pdf.stream(6, "", b"q q 0 0 5 5 re W");
    let document = file(&pdf.build());
    // Taken in when eleven pages, and more bytes, were allowed.
    let worker = Worker::new(executable(), vec![], Limits::new(1, 500));
    assert!(worker.inspect(&document, 10).is_err());
    let pages = worker.balance(&document).unwrap();
    assert_eq!(pages.len(), 11);
    assert_eq!((pages[0].unclosed, pages[0].in_path), (0, false));
    assert_eq!((pages[1].unclosed, pages[1].in_path), (2, true));
    assert_eq!(worker.witness(&document).unwrap(), vec![Vec::new(); 11]);
    assert!(worker.render(&document, 1, 1, 1000).is_ok());
}

#[test]
fn an_answer_that_grows_too_long_is_cut_off() {
    let mut limits = Limits::new(1, 50_000_000);
    limits.output_bytes_max = 200;
    let worker = Worker::new(executable(), vec![], limits);
    assert!(matches!(
        worker.render(&file(&Pdf::one_page().build()), 1, 1, 1000),
        Err(Error::TooMuchOutput(200))
    ));
}

#[test]
fn garbage_and_every_flipped_byte_leave_the_server_well() {
    let bytes = with_content(b"BT /F 24 Tf 72 700 Td (x) Tj ET").build();
    let worker = worker();
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x55;
        let outcome = worker.inspect(&file(&flipped), 10);
        assert!(
            matches!(&outcome, Ok(_) | Err(Error::Refused(_))),
            "byte {at}: {outcome:?}"
        );
    }
    assert_no_child_is_left();
}

#[test]
fn a_picture_goes_through_the_process_too() {
    let mut upload = Vec::new();
    let mut encoder = png::Encoder::new(&mut upload, 20, 10);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    let mut pixels = [255; 200];
    pixels[105] = 0;
    writer.write_image_data(&pixels).unwrap();
    drop(writer);
    let picture = worker()
        .picture(&file(&upload), PictureBounds::default())
        .unwrap();
    assert_eq!((picture.width, picture.height), (3, 3));
    assert_eq!(picture.rgba().unwrap()[16..20], [0, 0, 0, 255]);
    match worker().picture(&file(b"GIF89a"), PictureBounds::default()) {
        Err(Error::Refused(refusal)) => assert_eq!(refusal.code, "picture_unreadable"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_process_can_open_no_file_signal_no_other_and_make_no_thread_program_or_socket() {
    let confinement = worker().probe().unwrap();
    let has = |path: &str, word: &str| {
        std::fs::read_to_string(path).is_ok_and(|text| text.contains(word))
    };
    for (what, held, kernel_has_it) in [
        (
            "Landlock",
            confinement.files,
            has("/sys/kernel/security/lsm", "landlock"),
        ),
        (
            "seccomp",
            confinement.calls,
            has("/proc/sys/kernel/seccomp/actions_avail", "errno"),
        ),
    ] {
        // A kernel that doesn't say that it has it may have it: then it held.
        if !held && !kernel_has_it {
            assert!(
                std::env::var("PARAPH_REQUIRE_TOOLS").as_deref() != Ok("1"),
                "this kernel has no {what}, and PARAPH_REQUIRE_TOOLS=1"
            );
            eprintln!("SKIPPED: this kernel has no {what}; its confinement was not proven");
            continue;
        }
        assert!(held, "{what}");
    }
}

#[test]
fn the_process_is_held_by_limits() {
    let request = serde_json::json!({
        "command": {"name": "render", "first": 1, "last": 1, "width": 1000},
        "document_bytes_max": 1_000_000, "memory_bytes_max": 512 << 20, "cpu_seconds_max": 10, "fonts": [],
    });
    let mut child = std::process::Command::new(executable())
        .args(["pdf-worker", &request.to_string()])
        .stdin(file(&form_bomb(12)))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let limits = format!("/proc/{}/limits", child.id());
    let of = |name: &str| {
        let text = std::fs::read_to_string(&limits).unwrap();
        let line = text
            .lines()
            .find(|l| l.starts_with(name))
            .unwrap()
            .to_owned();
        line[name.len()..]
            .split_whitespace()
            .next()
            .unwrap()
            .to_owned()
    };
    // The bomb runs for seconds; its limits are set before it is read.
    while of("Max open files") != "16" {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended without limits"
        );
        std::thread::yield_now();
    }
    for (name, value) in [
        ("Max address space", "536870912"),
        ("Max cpu time", "10"),
        ("Max file size", "0"),
        ("Max core file size", "0"),
    ] {
        assert_eq!(of(name), value, "{name}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_missing_executable_is_an_error_and_no_panic() {
    let worker = Worker::new("/nonexistent/paraph".into(), vec![], Limits::new(1, 1000));
    let outcome = worker.inspect(&file(b"x"), 10);
    assert!(matches!(outcome, Err(Error::Unusable(_))), "{outcome:?}");
    assert!(!Error::Busy.is_final());
}

#[test]
fn the_process_refuses_questions_that_are_none() {
    for args in [
        &["pdf-worker"][..],
        &["pdf-worker", "{}"],
        &["pdf-worker", "x", "y"],
    ] {
        let output = std::process::Command::new(executable())
            .args(args)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(64));
        assert!(output.stdout.is_empty());
    }
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("RssAnon:")).unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}

/// No child of this process stays a zombie. Those of tests beside this one may be for a moment.
fn assert_no_child_is_left() {
    let me = std::process::id().to_string();
    let zombie = |path: &std::path::Path| {
        std::fs::read_to_string(path).is_ok_and(|stat| {
            let rest = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
            let mut fields = rest.split(' ');
            fields.next() == Some("Z") && fields.next() == Some(&me)
        })
    };
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let stat = entry.path().join("stat");
        let stays = (0..10_000).all(|_| zombie(&stat));
        assert!(!stays, "a zombie is left: {}", entry.path().display());
    }
}
