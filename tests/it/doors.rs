//! What the doors let in: how much, how often, for how long, and what it leaves behind.

use crate::harness::client::{Client, Reply};
use crate::harness::forms::{Visitor, attribute, input};
use crate::harness::{Options, TestApp, id, pdf};
use paraph::domain::environment::Environment;
use paraph::domain::scope::Scopes;
use serde_json::{Value, json};
use std::io::{Cursor, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

const FORM: [(&str, &str); 1] = [("Content-Type", "application/x-www-form-urlencoded")];

fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// One signer with a text and a signature.
fn sent(app: &TestApp) -> Value {
    let field = |kind: &str, y: u32| json!({"recipientIndex": 0, "fieldType": kind, "x": 72, "y": y, "width": 160, "height": 24, "required": true, "label": kind});
    let fields = json!([
        field("TEXT", 100),
        field("INITIALS", 150),
        field("SIGNATURE", 200)
    ]);
    let ana = json!([{"email": "ana@example.com", "name": "Ana García"}]);
    app.send(&app.draft(&ana, json!({"fields": fields})))
}

fn link(envelope: &Value) -> &str {
    envelope["recipients"][0]["signUrl"]
        .as_str()
        .expect("a link")
}

fn noted(app: &TestApp, envelope: &Value, name: &str) -> usize {
    let path = format!("/api/v1/envelopes/{}/events", id(envelope));
    let events = app.api.get(&path).expect(200);
    let events = events["data"].as_array().expect("events");
    events.iter().filter(|e| e["event"] == name).count()
}

/// The name of the review's text field in a form.
fn text_field(html: &str) -> String {
    let at = html.find("<input type=\"text\" id=\"f-").expect("a text");
    attribute(&html[at..], "name=\"field.", "name").expect("a name")
}

#[test]
fn nobody_but_a_signer_has_long_forms_read() {
    let app = TestApp::start();
    let envelope = sent(&app);
    let long = format!("nonce={}", "x".repeat(20_000));
    let post = |path: &str| Client::new(&app.url).send("POST", path, &FORM, Some(long.as_bytes()));
    for path in [
        &format!("{}/open", link(&envelope)),
        "/admin/setup",
        "/admin/login",
    ] {
        assert_eq!(post(path).status, 413, "{path}");
    }
    // An unknown link is told before its body is looked at.
    let unknown = format!("/sign/{}/open", "A".repeat(43));
    assert_eq!(post(&unknown).status, 404);
    let visitor = Visitor::of(&app.url, &envelope, 0);
    for step in ["check", "decline"] {
        let path = format!("{}/{step}", visitor.base);
        let reply = visitor
            .browser()
            .send("POST", &path, &FORM, Some(long.as_bytes()));
        assert_eq!(reply.status, 413, "{step}");
        assert!(
            reply.text().contains("This could not be taken"),
            "{}",
            reply.text()
        );
    }
    let html = visitor.page("review").text();
    let (version, much) = (input(&html, "version"), "y".repeat(100_000));
    let kept = visitor.submit("review", &[("version", &version), ("field.x", &much)]);
    assert_eq!(kept.status, 303, "{}", kept.text());
}

#[test]
fn a_form_of_many_empty_parts_is_refused_at_the_first_too_many() {
    let app = TestApp::start();
    let visitor = Visitor::of(&app.url, &sent(&app), 0);
    let parts = |count: usize, name: &str| {
        let part = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n\r\n");
        let body = format!("{}--b--\r\n", part.repeat(count));
        let kind = [("Content-Type", "multipart/form-data; boundary=b")];
        let path = format!("{}/signature", visitor.base);
        visitor
            .browser()
            .send("POST", &path, &kind, Some(body.as_bytes()))
            .status
    };
    assert_eq!(parts(33, "a"), 400);
    assert_eq!(parts(1, &"n".repeat(65)), 400);
    // These are no form of this session, but they were read.
    assert_eq!(parts(32, "a"), 403);
}

#[test]
fn asking_for_heads_shows_nothing_and_leaves_no_evidence() {
    let app = TestApp::start();
    let envelope = sent(&app);
    let visitor = Visitor::of(&app.url, &envelope, 0);
    let document = id(&envelope["documents"][0]).to_owned();
    for rest in ["pages/1.png?w=1000", "text", "file"] {
        let path = format!("{}/documents/{document}/{rest}", visitor.base);
        let head = visitor.browser().send("HEAD", &path, &[], None);
        assert_eq!((head.status, head.body.len()), (200, 0), "{rest}");
    }
    for name in ["document.served", "document.downloaded"] {
        assert_eq!(noted(&app, &envelope, name), 0, "{name}");
    }
    let html = visitor.page("review").text();
    let (version, text) = (input(&html, "version"), text_field(&html));
    visitor.submit("review", &[("version", &version), (&text, "Lyon")]);
    visitor.adopt("Ana García", "AG");
    let refused = visitor.agree();
    assert_eq!(refused.status, 422, "what was not shown is not signed");
    // The summary leads to the document.
    let html = refused.text();
    assert!(html.contains(&format!("href=\"#d-{document}\"")), "{html}");
    assert!(html.contains(&format!("id=\"d-{document}\"")), "{html}");
    visitor.look(&envelope);
    assert_eq!(visitor.agree().status, 303);
    app.drain();
    let trail = format!("/api/v1/envelopes/{}/audit-trail", id(&envelope));
    assert_eq!(app.api.send("HEAD", &trail, &[], None).status, 200);
    assert_eq!(noted(&app, &envelope, "document.downloaded"), 0);
}

#[test]
fn a_download_is_noted_once_for_each_session_and_hourly_for_each_key() {
    let app = TestApp::start();
    let envelope = sent(&app);
    let document = id(&envelope["documents"][0]).to_owned();
    let file = format!("documents/{document}/file");
    let first = Visitor::of(&app.url, &envelope, 0);
    for _ in 0..20 {
        assert_eq!(first.page(&file).status, 200);
    }
    assert_eq!(noted(&app, &envelope, "document.downloaded"), 1);
    assert_eq!(noted(&app, &envelope, "document.served"), 1);
    let second = Visitor::of(&app.url, &envelope, 0);
    assert_eq!(second.page(&file).status, 200);
    assert_eq!(noted(&app, &envelope, "document.downloaded"), 2);
    let trail = format!("/api/v1/envelopes/{}/audit-trail", id(&envelope));
    let other = app.client(Environment::Test, Scopes::all());
    for _ in 0..5 {
        assert_eq!(app.api.get(&trail).status, 200);
        assert_eq!(other.get(&trail).status, 200);
    }
    assert_eq!(noted(&app, &envelope, "document.downloaded"), 4);
    app.advance(minutes(60));
    assert_eq!(app.api.get(&trail).status, 200);
    assert_eq!(noted(&app, &envelope, "document.downloaded"), 5);
}

#[test]
fn one_link_opens_no_endless_row_of_sessions() {
    let app = TestApp::start();
    let envelope = sent(&app);
    let browser = Client::browser(&app.url);
    let nonce = input(&browser.get(link(&envelope)).text(), "nonce");
    let open = || browser.submit(&format!("{}/open", link(&envelope)), &[("nonce", &nonce)]);
    for _ in 0..20 {
        assert_eq!(open().status, 303);
    }
    let refused = open();
    assert_eq!(refused.status, 429);
    assert!(
        refused.text().contains("too many requests"),
        "{}",
        refused.text()
    );
    let wait: u64 = refused.header("retry-after").parse().expect("seconds");
    app.advance(Duration::from_secs(wait));
    assert_eq!(open().status, 303);
}

#[test]
fn reading_keeps_a_session_alive() {
    let app = TestApp::start();
    let envelope = sent(&app);
    let visitor = Visitor::of(&app.url, &envelope, 0);
    for _ in 0..4 {
        app.advance(minutes(20));
        assert_eq!(visitor.page("review").status, 200);
    }
    app.advance(minutes(31));
    let ended = visitor.page("review");
    assert_eq!(ended.status, 403);
    assert!(
        ended.text().contains("Your session has ended"),
        "{}",
        ended.text()
    );
    // Nor does a look at the end of it begin it again.
    assert_eq!(visitor.page("review").status, 403);
}

#[test]
fn what_is_sent_from_a_page_that_was_open_for_too_long_is_kept_and_does_no_more() {
    let app = TestApp::start();
    let envelope = sent(&app);
    let visitor = Visitor::of(&app.url, &envelope, 0);
    let html = visitor.page("review").text();
    let (csrf, version, text) = (
        input(&html, "csrf"),
        input(&html, "version"),
        text_field(&html),
    );
    app.advance(minutes(31));
    let review = format!("{}/review", visitor.base);
    let fields = [
        ("csrf", csrf.as_str()),
        ("version", &version),
        (&text, "Lyon"),
        ("go", "check"),
    ];
    let late = visitor.browser().submit(&review, &fields);
    assert_eq!(late.status, 403, "{}", late.text());
    assert!(late.text().contains("are kept"), "{}", late.text());
    assert_eq!(visitor.page("review").status, 403, "it is not alive again");
    let shown = |value: &str| {
        let again = Visitor::of(&app.url, &envelope, 0);
        let html = again.page("review").text();
        assert!(
            html.contains(&format!("value=\"{value}\"")),
            "{value} in {html}"
        );
    };
    shown("Lyon");
    let field = text.strip_prefix("field.").expect("an id");
    let autosave = |csrf: &str, value: &str| {
        let headers = [
            ("Content-Type", "application/json"),
            ("X-CSRF-Token", csrf),
            ("X-Page-Version", version.as_str()),
        ];
        let path = format!("{}/fields/{field}", visitor.base);
        let body = json!({ "value": value }).to_string();
        visitor
            .browser()
            .send("PUT", &path, &headers, Some(body.as_bytes()))
            .status
    };
    assert_eq!(autosave(&csrf, "Paris"), 403);
    shown("Paris");
    // Without the session's own token nothing is kept, and after its last hour neither.
    assert_eq!(autosave(&"A".repeat(43), "Rome"), 403);
    shown("Paris");
    app.advance(minutes(8 * 60));
    assert_eq!(autosave(&csrf, "Rome"), 403);
    shown("Paris");
}

/// Sends the signature form with these pictures.
fn upload(visitor: &Visitor, signature: &[u8], initials: &[u8], as_script: bool) -> Reply {
    let page = visitor.page("signature").text();
    let mut body = Vec::new();
    let csrf = input(&page, "csrf");
    let parts: [(&str, &[u8]); 4] = [
        ("csrf", csrf.as_bytes()),
        ("method", b"upload"),
        ("file", signature),
        ("initials_file", initials),
    ];
    for (name, bytes) in parts {
        let head = format!("--pic-ture\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--pic-ture--\r\n");
    let accept = if as_script {
        "application/json"
    } else {
        "text/html"
    };
    let headers = [
        ("Content-Type", "multipart/form-data; boundary=pic-ture"),
        ("Accept", accept),
    ];
    let path = format!("{}/signature", visitor.base);
    visitor.browser().send("POST", &path, &headers, Some(&body))
}

/// A blue stroke on white, or the paper alone.
fn photograph(width: u32, height: u32, ink: bool, format: image::ImageFormat) -> Vec<u8> {
    let mut picture = image::RgbImage::from_pixel(width, height, image::Rgb([255, 255, 255]));
    if ink {
        for x in width / 4..width / 2 {
            for y in height / 4..height / 3 {
                picture.put_pixel(x, y, image::Rgb([0, 0, 160]));
            }
        }
    }
    let mut bytes = Vec::new();
    picture
        .write_to(&mut Cursor::new(&mut bytes), format)
        .expect("a picture");
    bytes
}

#[test]
fn a_picture_is_taken_or_refused_for_what_it_is_where_it_was_chosen() {
    use image::ImageFormat::{Jpeg, Png};
    let app = TestApp::start();
    let visitor = Visitor::of(&app.url, &sent(&app), 0);
    let small = photograph(400, 200, true, Png);
    let phone = photograph(4_032, 600, true, Jpeg);
    let taken = upload(&visitor, &phone, &small, true);
    assert_eq!(
        taken.status,
        200,
        "a photograph of a phone: {}",
        taken.text()
    );
    let mut broken = photograph(400, 200, true, Png);
    broken.truncate(100);
    let mut heavy = small.clone();
    heavy.resize(5_000_001, 0);
    let mut too_heavy = small.clone();
    too_heavy.resize(6_000_000, 0);
    let paper = photograph(400, 200, false, Png);
    let wide = photograph(10_001, 1, true, Png);
    for (signature, initials, at, words) in [
        (&small, &broken, "initials_file", "can't be read"),
        (&small, &paper, "initials_file", "shows no ink"),
        (&broken, &small, "file", "can't be read"),
        (&wide, &small, "file", "too large"),
        (&small, &wide, "initials_file", "too large"),
        (&heavy, &small, "file", "too large"),
        (&too_heavy, &too_heavy, "file", "too large"),
    ] {
        let told = upload(&visitor, signature, initials, true);
        assert_eq!(told.status, 422, "{at} {words}: {}", told.text());
        let problems = told.json()["problems"].clone();
        assert_eq!(problems[0]["at"], at, "{words}: {problems}");
        let message = problems[0]["message"].as_str().expect("words");
        assert!(message.contains(words), "{at}: {message}");
        let page = upload(&visitor, signature, initials, false);
        assert_eq!(page.status, 422);
        let html = page.text();
        assert!(html.contains(&format!("href=\"#i-{at}\"")), "{html}");
        assert!(html.contains(&format!("id=\"i-{at}\"")), "{html}");
    }
}

#[test]
fn a_post_that_no_page_of_ours_made_is_refused() {
    let app = TestApp::start();
    let envelope = sent(&app);
    let browser = Client::browser(&app.url);
    let nonce = input(&browser.get(link(&envelope)).text(), "nonce");
    let body = format!("nonce={nonce}");
    let open = |site: &str| {
        let headers = [FORM[0], ("Sec-Fetch-Site", site)];
        let path = format!("{}/open", link(&envelope));
        browser
            .send("POST", &path, &headers, Some(body.as_bytes()))
            .status
    };
    for site in ["none", "same-site", "cross-site"] {
        assert_eq!(open(site), 403, "{site}");
    }
    assert_eq!(open("same-origin"), 303);
}

#[test]
fn who_guesses_is_told_how_long_to_wait() {
    let app = TestApp::start();
    let guess = Client::new(&app.url);
    let unknown = format!("/sign/{}", "A".repeat(43));
    for _ in 0..20 {
        assert_eq!(guess.get(&unknown).status, 404);
    }
    for path in [unknown.as_str(), "/admin/setup?t=x"] {
        let refused = guess.get(path);
        assert_eq!(refused.status, 429, "{path}");
        let wait: u64 = refused.header("retry-after").parse().expect("seconds");
        assert!((1..=60).contains(&wait), "{path}: {wait}");
    }
    let opening = guess.send("POST", &format!("{unknown}/open"), &FORM, Some(b"nonce=x"));
    assert_eq!(opening.status, 429);
    assert_ne!(opening.header("retry-after"), "");
}

#[test]
fn a_page_that_is_not_there_or_no_longer_so_says_that_and_leads_back() {
    let app = TestApp::start();
    let visitor = Visitor::of(&app.url, &sent(&app), 0);
    for (rest, status, words) in [
        ("documents/doc_x/file", 404, "There is nothing here"),
        ("documents/doc_x/text", 404, "There is nothing here"),
        ("proof", 409, "Something changed"),
    ] {
        let page = visitor.page(rest);
        assert_eq!(page.status, status, "{rest}");
        let html = page.text();
        assert!(html.contains(words), "{rest}: {html}");
        assert!(!html.contains("Something went wrong"), "{rest}");
        assert!(
            html.contains(&format!("href=\"{}\"", visitor.base)),
            "{rest}: {html}"
        );
    }
}

/// Sends the beginning of a POST by hand: a client of ours would wait for the answer, and takes "busy" for a fault.
fn begin(app: &TestApp, path: &str, framing: &str, body: &[u8]) -> TcpStream {
    let address = app.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("a connection");
    let head = format!(
        "POST /api/v1/{path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
         Content-Type: application/json\r\n{framing}\r\n\r\n",
        app.key
    );
    stream.write_all(head.as_bytes()).expect("written");
    // A server that has had enough closes.
    let _ = stream.write_all(body);
    stream
}

/// Whether the server has written or closed.
fn is_answered(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket");
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false).expect("a socket");
    !matches!(peeked, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

/// The answer to a whole POST.
fn answer(app: &TestApp, path: &str, body: &str) -> String {
    let framing = format!("Content-Length: {}", body.len());
    let mut answer = String::new();
    let _ = begin(app, path, &framing, body.as_bytes()).read_to_string(&mut answer);
    answer
}

#[test]
fn large_bodies_are_read_two_at_a_time_and_small_ones_always() {
    let app = TestApp::with(Options {
        upload_bytes_max: 50_000_000,
        ..Options::default()
    });
    // One tells its length beforehand, one does not.
    let told = begin(&app, "envelopes", "Content-Length: 60000000", b"{");
    let mut piece = format!("{:x}\r\n", 2_000_000).into_bytes();
    piece.resize(piece.len() + 2_000_000, b' ');
    let begin_untold = || begin(&app, "envelopes", "Transfer-Encoding: chunked", &piece);
    let mut untold = begin_untold();
    let large = format!("{{{}", " ".repeat(2_000_000));
    // Until the server has come so far; what it turns away unread it may also cut off.
    let mut busy = |path: &str, body: &str| {
        (0..10_000)
            .map(|_| {
                // Its length came out while the place was another's: it was turned away.
                if is_answered(&untold) {
                    untold = begin_untold();
                }
                answer(&app, path, body)
            })
            .find(|answer| !answer.is_empty() && !answer.starts_with("HTTP/1.1 400 "))
            .expect("a place that is taken")
    };
    let inline = json!({"name": "a.pdf", "base64Pdf": "A".repeat(2_000_000)}).to_string();
    for refused in [busy("envelopes", &large), busy("documents", &inline)] {
        assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
        assert!(refused.contains("\"unavailable\""), "{refused}");
        assert!(
            refused.to_lowercase().contains("\r\nretry-after: "),
            "{refused}"
        );
    }
    app.api
        .post("/api/v1/envelopes", &json!({}))
        .expect_error(400, "invalid_request");
    app.document(&pdf::contract());
    drop((told, untold));
    let read = (0..10_000).any(|_| answer(&app, "envelopes", &large).starts_with("HTTP/1.1 400 "));
    assert!(read, "the places are free again");
}
