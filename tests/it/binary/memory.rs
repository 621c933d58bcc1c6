//! What strangers send costs the server little memory, whatever it is: the real executable, measured from outside.
//!
//! The bounds are the design's, not what was measured. The server streams uploads to disk, reads documents through windows and
//! leaves strangers' bytes to worker processes, so that no document need be whole in its memory: it may grow by 50 MiB over what it
//! takes when it has worked once. A worker may use the address space that its limit allows, and that limit must be on it.

use super::{Paraph, Serving, free_address};
use crate::built as build;
use crate::harness::client::{Client, Reply};
use crate::harness::forms::Visitor;
use crate::harness::{id, pdf};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Of the server, over what it takes for good documents.
const GROWTH_MAX: u64 = 50 << 20;
/// Address space of a worker where documents may have 50 MB.
const WORKER_BYTES_MAX: u64 = 512 << 20;
/// The usual limit of a document.
const DOCUMENT_BYTES_MAX: usize = 50_000_000;
/// So many do the same at once: no more than there are workers on the smallest machine that tests run on, so that none is told to
/// come again.
const AT_ONCE: usize = 2;

/// A line of `/proc/PID/status` in bytes. `None` if the process has ended.
fn status(process: u32, line: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find(|l| l.starts_with(line))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

fn children(process: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task"));
    let mut found = Vec::new();
    for task in tasks.into_iter().flatten().flatten() {
        let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(
            text.split_whitespace()
                .filter_map(|id| id.parse::<u32>().ok()),
        );
    }
    found
}

/// What was seen of a server's workers.
#[derive(Debug, Default)]
struct Workers {
    seen: BTreeSet<u32>,
    /// The most that one of them had resident, in bytes.
    resident_max: u64,
    /// Limits of address space other than the one wanted.
    other_limits: Vec<String>,
    /// How many were seen under the wanted limit.
    limited: usize,
}

/// Looks at a server's workers all the time.
struct Watch {
    stop: Sender<()>,
    thread: JoinHandle<Workers>,
}

impl Watch {
    fn start(server: u32) -> Self {
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            let mut workers = Workers::default();
            while stopped.recv_timeout(Duration::from_millis(2)) == Err(RecvTimeoutError::Timeout) {
                for worker in children(server) {
                    look_at(worker, &mut workers);
                }
            }
            workers
        });
        Self { stop, thread }
    }

    fn end(self) -> Workers {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap()
    }
}

fn look_at(worker: u32, workers: &mut Workers) {
    let Some(resident) = status(worker, "VmHWM:") else {
        return;
    };
    workers.resident_max = workers.resident_max.max(resident);
    let is_new = workers.seen.insert(worker);
    let limits = std::fs::read_to_string(format!("/proc/{worker}/limits")).unwrap_or_default();
    let Some(line) = limits.lines().find(|l| l.starts_with("Max address space")) else {
        return;
    };
    match line.split_whitespace().nth(3) {
        Some(limit) if limit == WORKER_BYTES_MAX.to_string() => {
            workers.limited += usize::from(is_new)
        }
        // Not yet set: its first act, before it reads a byte.
        Some("unlimited") | None => {
            workers.seen.remove(&worker);
        }
        Some(other) => workers.other_limits.push(other.to_owned()),
    }
}

/// A server, its address and a key.
struct Server {
    serving: Serving,
    address: String,
    key: String,
    // Last: its folder goes when the server has gone.
    paraph: Paraph,
}

impl Server {
    fn start(name: &str) -> Self {
        let paraph = Paraph::new(name);
        let address = free_address();
        let mut command = paraph.command(&["serve"]);
        command
            .env("PARAPH__SERVER__LISTEN", &address)
            .env("PARAPH__API__BURST", "10000")
            .env("PARAPH__API__REQUESTS_PER_MINUTE", "10000");
        let serving = Serving::by(command, &address);
        let made = paraph.run(&["key", "create", "--test", "--name", "memory"]);
        let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        assert!(key.starts_with("sk_test_"));
        Self {
            serving,
            address,
            key,
            paraph,
        }
    }

    fn api(&self) -> Client {
        Client::with_key(&format!("http://{}", self.address), &self.key)
    }

    fn upload(&self, bytes: &[u8]) -> Reply {
        self.api().upload("/api/v1/documents", "a.pdf", bytes)
    }

    /// A connection on which the head of a POST was sent.
    fn begin(&self, path: &str, kind: &str, length: usize) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n",
            self.address, self.key
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }

    /// The whole way of a document that was taken: sent, looked at, signed, sealed.
    fn seal(&self, document: &Value) {
        let body = json!({
            "subject": "x", "documentIds": [document["id"]], "recipients": [{"email": "ana@example.com", "name": "Ana"}],
        });
        let api = self.api();
        let draft = api.post("/api/v1/envelopes", &body).expect(201);
        let path = format!("/api/v1/envelopes/{}", id(&draft));
        let sent = api.post_nothing(&format!("{path}/send")).expect(200);
        Visitor::of(&format!("http://{}", self.address), &sent, 0).sign(&sent, "Ana");
        let (_never, pause) = channel::<()>();
        for _ in 0..1_200 {
            if api.get(&path).expect(200)["status"] == "COMPLETED" {
                return;
            }
            let _ = pause.recv_timeout(Duration::from_millis(50));
        }
        panic!("not sealed after a minute: {}", api.get(&path).text());
    }

    /// What a good document takes.
    fn work_once(&self) {
        self.seal(&self.upload(&pdf::contract()).expect(201));
    }

    /// Files on their way in, once no more of them go: a piece that was being written when its sender vanished is written to its
    /// end first. Waits ten seconds at most.
    fn incoming(&self) -> usize {
        let folder = self.paraph.folder.join("paraph-data/incoming");
        let (_open, waiting) = channel::<()>();
        let mut count = usize::MAX;
        for _ in 0..1_000 {
            count = std::fs::read_dir(&folder).unwrap().count();
            if count == 0 {
                break;
            }
            let _ = waiting.recv_timeout(Duration::from_millis(10));
        }
        count
    }
}

fn begin_of_form() -> Vec<u8> {
    b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-1.7\n"
        .to_vec()
}

const FORM: &str = "multipart/form-data; boundary=b";
const JSON: &str = "application/json";

/// A hundred MB of spaces in a kilobyte, where a page's contents, its image, a font or a cross-reference should be.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let bomb = build::deflate(&build::deflate(&vec![b' '; 100 << 20]));
    assert!(bomb.len() < 1_500);
    let twice = "/Filter[/FlateDecode/FlateDecode]";
    let mut contents = build::Pdf::one_page();
    contents.stream(4, twice, &bomb);
    let mut objects = build::Pdf::one_page();
    objects
        .stream(9, &format!("/Type/ObjStm/N 1/First 4{twice}"), &bomb)
        .replace(1, "/Type/Catalog", "/Type/Catalog/Names 9 0 R");
    let picture = "/Type/XObject/Subtype/Image/Width 10000/Height 10000/BitsPerComponent 8/ColorSpace/DeviceGray";
    let mut image = build::Pdf::one_page();
    image
        .stream(9, &format!("{picture}{twice}"), &bomb)
        .stream(4, "", b"500 0 0 500 0 0 cm /I Do")
        .replace(3, "/Resources<<>>", "/Resources<</XObject<</I 9 0 R>>>>");
    let once = build::deflate(&vec![0; 100 << 20]);
    let mut xref = b"%PDF-1.7\n1 0 obj\n".to_vec();
    let rows = "/Type/XRef/W[1 2 1]/Size 26214400/Root 2 0 R/Filter/FlateDecode";
    xref.extend(build::stream(rows, &once));
    xref.extend(b"\nendobj\nstartxref\n9\n%%EOF\n");
    vec![
        ("bomb in contents", contents.build()),
        ("bomb in an object stream", objects.build()),
        ("bomb in an image", image.build()),
        ("bomb in a cross-reference", xref),
    ]
}

fn deep() -> Vec<(&'static str, Vec<u8>)> {
    let arrays = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let dictionaries = format!("{}{}", "<</A".repeat(100_000), ">>".repeat(100_000));
    let with = |entry: &str| {
        let mut made = build::Pdf::one_page();
        made.replace(1, "/Type/Catalog", &format!("/Type/Catalog/X {entry}"));
        made.build()
    };
    let mut contents = build::Pdf::one_page();
    contents.stream(4, "", format!("{arrays} TJ").as_bytes());
    let mut chain = build::Pdf::pages(1);
    for number in 10..20_010 {
        chain.set(number, format!("{} 0 R", number + 1));
    }
    chain.replace(1, "/Type/Catalog", "/Type/Catalog/X 10 0 R");
    vec![
        ("arrays in arrays", with(&arrays)),
        ("dictionaries in dictionaries", with(&dictionaries)),
        ("arrays in contents", contents.build()),
        ("references to references", chain.build()),
    ]
}

/// As large as a document may be: good, cut off, and of many small objects.
fn large() -> Vec<(&'static str, Vec<u8>)> {
    let mut good = build::Pdf::one_page();
    good.stream(4, "", &vec![b' '; DOCUMENT_BYTES_MAX - 10_000]);
    let good = good.build();
    let mut cut = good.clone();
    cut.truncate(DOCUMENT_BYTES_MAX - 20_000);
    let mut many = build::Pdf::one_page();
    for number in 10..100_010 {
        many.set(number, "<</A[0 1 2 3]/B(x)>>");
    }
    vec![
        ("large", good),
        ("truncated", cut),
        ("many objects", many.build()),
    ]
}

#[test]
fn nothing_that_comes_in_costs_the_server_more_than_fifty_mebibytes() {
    let server = Server::start("memory");
    server.work_once();
    let process = server.serving.0.id();
    let before = status(process, "VmHWM:").unwrap();
    let watch = Watch::start(process);
    let grown = |what: &str| {
        let grown = status(process, "VmHWM:").expect("the server runs") - before;
        eprintln!("{what}: {} KiB over {} KiB", grown >> 10, before >> 10);
        assert!(grown <= GROWTH_MAX, "{what}: {} MiB", grown >> 20);
    };

    let mut taken = 0;
    for (what, file) in bombs().into_iter().chain(deep()).chain(large()) {
        std::thread::scope(|scope| {
            let sent: Vec<_> = (0..AT_ONCE)
                .map(|_| scope.spawn(|| server.upload(&file)))
                .collect();
            let replies: Vec<_> = sent.into_iter().map(|sent| sent.join().unwrap()).collect();
            for reply in &replies {
                assert!(
                    matches!(reply.status, 201 | 422),
                    "{what}: {}",
                    reply.text()
                );
                taken += usize::from(reply.status == 201);
            }
            grown(what);
            if let Some(reply) = replies.iter().find(|reply| reply.status == 201) {
                server.seal(&reply.json());
                grown(&format!("{what}, sealed"));
            }
        });
    }
    oversize(&server);
    grown("oversize");
    dripping(&server);
    grown("dripping");
    nested_json(&server);
    grown("nested JSON");

    let workers = watch.end();
    eprintln!(
        "{} workers, at most {} KiB",
        workers.seen.len(),
        workers.resident_max >> 10
    );
    assert!(workers.limited > 0, "{workers:?}");
    assert!(workers.other_limits.is_empty(), "{workers:?}");
    assert!(workers.resident_max <= WORKER_BYTES_MAX, "{workers:?}");

    // It works as before, keeps what it took and nothing else.
    server.work_once();
    let listed = server.api().get("/api/v1/documents").expect(200);
    assert_eq!(listed["pagination"]["total"], 2 + taken);
    assert_eq!(server.incoming(), 0);
    let mut server = server;
    assert_eq!(server.serving.terminate(), 0);
    assert_eq!(
        server.paraph.run(&["audit", "verify"]).status.code(),
        Some(0)
    );
}

/// Bodies beyond every limit: declared so, or without an end.
fn oversize(server: &Server) {
    let long = vec![b'x'; DOCUMENT_BYTES_MAX + 1_000_000];
    server.upload(&long).expect_error(413, "payload_too_large");
    let inline = format!(
        "{{\"name\":\"a.pdf\",\"base64Pdf\":\"{}\"}}",
        "A".repeat(70_000_000)
    );
    for (path, body) in [
        ("/api/v1/documents", inline.as_str()),
        ("/api/v1/envelopes", inline.as_str()),
        ("/api/v1/webhooks", &inline[..2_000_000]),
    ] {
        let mut stream = server.begin(path, JSON, body.len());
        // It may have answered and closed before all is written.
        let _ = stream.write_all(body.as_bytes());
        assert_answer(&mut stream, "HTTP/1.1 413 ", path);
    }
    let mut stream = server.begin("/api/v1/documents", FORM, usize::MAX >> 1);
    let piece = vec![b'x'; 1 << 20];
    let _ = stream.write_all(&begin_of_form());
    for _ in 0..200 {
        if stream.write_all(&piece).is_err() {
            break;
        }
    }
    assert_answer(&mut stream, "HTTP/1.1 413 ", "without an end");
}

/// Bodies that stop half-way, all of them open at once, then broken off. An upload holds a piece of 256 KiB, a JSON body all that has
/// come of it, at most 1 MiB: so many of them that the bound above still is one.
fn dripping(server: &Server) {
    let mut open = Vec::new();
    for _ in 0..8 {
        let mut stream = server.begin("/api/v1/documents", FORM, DOCUMENT_BYTES_MAX);
        stream.write_all(&begin_of_form()).unwrap();
        stream.write_all(&vec![b'x'; 4 << 20]).unwrap();
        open.push(stream);
    }
    for _ in 0..8 {
        let mut stream = server.begin("/api/v1/webhooks", JSON, 1 << 20);
        stream.write_all(b"{\"name\":\"").unwrap();
        stream.write_all(&vec![b'x'; 400 << 10]).unwrap();
        open.push(stream);
    }
    // Others are served meanwhile.
    server.api().get("/api/v1/account/me").expect(200);
    for mut stream in open {
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 2") && !answer.starts_with(b"HTTP/1.1 5"));
    }
}

fn nested_json(server: &Server) {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let body = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        for path in ["/api/v1/envelopes", "/api/v1/webhooks", "/api/v1/documents"] {
            let kind = [("Content-Type", JSON)];
            let reply = server
                .api()
                .send("POST", path, &kind, Some(body.as_bytes()));
            reply.expect_error(400, "invalid_json");
        }
    }
    // Many small values weigh more than their text.
    let wide = Value::Array(vec![json!({}); 300_000]);
    server
        .api()
        .post(
            "/api/v1/webhooks",
            &json!({"url": "https://example.com/", "events": wide}),
        )
        .expect_error(400, "invalid_request");
}

fn assert_answer(stream: &mut TcpStream, start: &str, what: &str) {
    let mut answer = Vec::new();
    // The rest of the body meets a closed connection: what came before that counts.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with(start), "{what}: {answer}");
}
