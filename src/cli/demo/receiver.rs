//! What the demo waits for: its webhook receiver (one loopback port, one call at a time, answers 200), and the signal to stop.

use actix_web::rt::signal::unix::{SignalKind, signal};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

/// Bytes of a call that are read, at most.
const CALL_BYTES_MAX: u64 = 1 << 20;

/// A webhook call that came.
pub(super) struct Call {
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Call {
    /// A header's value, named in lower case; empty where there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, value)| value)
    }
}

/// What came.
pub(super) enum Heard {
    /// A call.
    Call(Call),
    /// Ctrl+C, or SIGTERM.
    Stop,
    /// Nothing in time.
    Nothing,
}

/// Listens until dropped with the process.
pub(super) struct Receiver {
    address: SocketAddr,
    heard: mpsc::Receiver<Heard>,
}

impl Receiver {
    /// From now on a signal to stop ends the process no more: it is heard by [`Receiver::wait`], so that what the demo made can be
    /// removed.
    pub(super) fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (tell, heard) = mpsc::sync_channel(16);
        let stop = tell.clone();
        let (ready, is_ready) = mpsc::channel();
        std::thread::Builder::new()
            .name("demo-signal".into())
            .spawn(move || {
                actix_web::rt::System::new().block_on(async move {
                    let signals = signal(SignalKind::interrupt())
                        .and_then(|interrupt| Ok((interrupt, signal(SignalKind::terminate())?)));
                    let (mut interrupt, mut terminate) = match signals {
                        Ok(signals) => signals,
                        Err(error) => {
                            let _ = ready.send(Err(error));
                            return;
                        }
                    };
                    let _ = ready.send(Ok(()));
                    futures_util::future::select(
                        Box::pin(interrupt.recv()),
                        Box::pin(terminate.recv()),
                    )
                    .await;
                    // Where nobody waits any more the demo is ending.
                    let _ = stop.send(Heard::Stop);
                });
            })?;
        is_ready
            .recv()
            .unwrap_or_else(|_| Err(std::io::Error::other("signals can't be waited for")))?;
        std::thread::Builder::new()
            .name("demo-webhook".into())
            .spawn(move || {
                for stream in listener.incoming().flatten() {
                    if let Some(call) = take(&stream)
                        && tell.send(Heard::Call(call)).is_err()
                    {
                        return;
                    }
                }
            })?;
        Ok(Self { address, heard })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What comes next, within `patience`.
    pub(super) fn wait(&self, patience: Duration) -> Heard {
        self.heard.recv_timeout(patience).unwrap_or(Heard::Nothing)
    }
}

fn take(stream: &TcpStream) -> Option<Call> {
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    let mut reader = BufReader::new(stream.take(CALL_BYTES_MAX));
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
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
        .find(|(name, _)| name == "content-length")?
        .1
        .parse::<usize>()
        .ok()?;
    let mut body = vec![0; length.min(usize::try_from(CALL_BYTES_MAX).unwrap_or(0))];
    reader.read_exact(&mut body).ok()?;
    let mut writer = stream;
    writer
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .ok()?;
    Some(Call { headers, body })
}
