//! Receivers for what the product sends out: webhooks by HTTP, mail by SMTP. Each listens on a free loopback port and keeps what came.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// One request that came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// The path asked for.
    pub path: String,
    /// Header names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Received {
    /// The value of a header, named in lower case.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, value)| value)
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// What the webhook sink answers.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

impl Reply {
    /// An empty answer with this status.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
        }
    }
}

struct Listening {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Listening {
    fn start(serve: impl Fn(TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let stop = stop.clone();
            move || {
                for stream in listener.incoming() {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(stream) = stream else { continue };
                    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                    serve(stream);
                }
            }
        });
        Self {
            address,
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the accept call.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A webhook receiver.
pub struct WebhookSink {
    listening: Listening,
    received: Arc<Mutex<Vec<Received>>>,
    reply: Arc<Mutex<Reply>>,
    came: Arc<Condvar>,
}

impl WebhookSink {
    /// Listens and answers 200 until told otherwise.
    pub fn start() -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let reply = Arc::new(Mutex::new(Reply::status(200)));
        let came = Arc::new(Condvar::new());
        let listening = Listening::start({
            let (received, reply, came) = (received.clone(), reply.clone(), came.clone());
            move |stream| {
                if let Some(request) = read_request(&stream) {
                    received.lock().expect("the list").push(request);
                    came.notify_all();
                    let reply = reply.lock().expect("the reply").clone();
                    let mut head = format!(
                        "HTTP/1.1 {} Told\r\nContent-Length: 0\r\nConnection: close\r\n",
                        reply.status
                    );
                    for (name, value) in &reply.headers {
                        head.push_str(&format!("{name}: {value}\r\n"));
                    }
                    let _ = (&stream).write_all(format!("{head}\r\n").as_bytes());
                }
            }
        });
        Self {
            listening,
            received,
            reply,
            came,
        }
    }

    /// Waits until something came for one event name; false where nothing does within a minute.
    pub fn waits_for(&self, name: &str) -> bool {
        let missing =
            |all: &mut Vec<Received>| !all.iter().any(|r| r.header("x-certyneo-event") == name);
        let received = self.received.lock().expect("the list");
        let waited = self
            .came
            .wait_timeout_while(received, Duration::from_secs(60), missing);
        !waited.expect("the list").1.timed_out()
    }

    /// Where to send.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.listening.address)
    }

    /// All that came so far, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("the list").clone()
    }

    /// What came for one event name.
    pub fn events(&self, name: &str) -> Vec<Received> {
        self.received()
            .into_iter()
            .filter(|r| r.header("x-certyneo-event") == name)
            .collect()
    }

    /// What the next requests are answered.
    pub fn answer(&self, reply: Reply) {
        *self.reply.lock().expect("the reply") = reply;
    }
}

fn read_request(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers
        .iter()
        .find(|(n, _)| n == "content-length")
        .map_or(0, |(_, v)| v.parse().unwrap_or(0));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Received {
        path,
        headers,
        body,
    })
}

/// One mail that came in.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The envelope's sender.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// Headers and body as they came, dots unstuffed.
    pub data: String,
}

/// A mail server that takes everything, or refuses everything.
pub struct SmtpSink {
    listening: Listening,
    received: Arc<Mutex<Vec<Mail>>>,
    refuse: Arc<AtomicBool>,
    reject: Arc<AtomicBool>,
    doubt: Arc<AtomicBool>,
}

impl SmtpSink {
    /// Listens in plain text.
    pub fn start() -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let [refuse, reject, doubt] = [(); 3].map(|()| Arc::<AtomicBool>::default());
        let listening = Listening::start({
            let received = received.clone();
            let answers = [refuse.clone(), reject.clone(), doubt.clone()];
            move |stream| {
                let (received, answers) = (received.clone(), answers.clone());
                // A pooled connection stays open, so each has a thread of its own.
                std::thread::spawn(move || {
                    let _ = talk(&stream, &received, &answers);
                });
            }
        });
        Self {
            listening,
            received,
            refuse,
            reject,
            doubt,
        }
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.listening.address.port()
    }

    /// All that came so far, oldest first.
    pub fn received(&self) -> Vec<Mail> {
        self.received.lock().expect("the list").clone()
    }

    /// From now on answers every sender with 451, or no longer.
    pub fn refuse(&self, refuse: bool) {
        self.refuse.store(refuse, Ordering::SeqCst);
    }

    /// From now on knows no recipient and says so for good (550), or no longer.
    pub fn reject(&self, reject: bool) {
        self.reject.store(reject, Ordering::SeqCst);
    }

    /// From now on keeps every mail and then says that it did not, or no longer.
    pub fn doubt(&self, doubt: bool) {
        self.doubt.store(doubt, Ordering::SeqCst);
    }
}

fn talk(
    stream: &TcpStream,
    received: &Mutex<Vec<Mail>>,
    [refuse, reject, doubt]: &[Arc<AtomicBool>; 3],
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    writer.write_all(b"220 sink.test ESMTP\r\n")?;
    let (mut from, mut to) = (String::new(), Vec::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        let address = || {
            line.split_once('<')
                .and_then(|(_, rest)| rest.split_once('>'))
                .map_or("", |(address, _)| address)
                .to_owned()
        };
        let upper = line.to_ascii_uppercase();
        if upper.starts_with("EHLO") || upper.starts_with("HELO") {
            writer.write_all(b"250-sink.test\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")?;
        } else if upper.starts_with("MAIL FROM") {
            if refuse.load(Ordering::SeqCst) {
                writer.write_all(b"451 4.3.0 try again later\r\n")?;
                continue;
            }
            (from, to) = (address(), Vec::new());
            writer.write_all(b"250 ok\r\n")?;
        } else if upper.starts_with("RCPT TO") {
            if reject.load(Ordering::SeqCst) {
                writer.write_all(b"550 5.1.1 no such user\r\n")?;
                continue;
            }
            to.push(address());
            writer.write_all(b"250 ok\r\n")?;
        } else if upper == "DATA" {
            writer.write_all(b"354 go on\r\n")?;
            let mut data = String::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                if line == ".\r\n" {
                    break;
                }
                data.push_str(line.strip_prefix('.').unwrap_or(&line));
            }
            received.lock().expect("the list").push(Mail {
                from: from.clone(),
                to: to.clone(),
                data,
            });
            if doubt.load(Ordering::SeqCst) {
                writer.write_all(b"451 4.3.0 perhaps not\r\n")?;
            } else {
                writer.write_all(b"250 2.0.0 kept\r\n")?;
            }
        } else if upper == "QUIT" {
            writer.write_all(b"221 bye\r\n")?;
            return Ok(());
        } else {
            writer.write_all(b"250 ok\r\n")?;
        }
    }
}
