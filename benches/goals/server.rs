//! The optimised `paraph serve` in a process of its own, and the smallest client.

use crate::Outcome;
use crate::measure::pause;
use paraph::ambient::{Clock as _, SystemClock};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a server may take before the measurement is given up.
const START_MAX: Duration = Duration::from_secs(20);

/// A process that ends with this.
pub struct Running(pub Child);

impl Running {
    /// Asks it to stop, and waits.
    pub fn stop(&mut self) -> Outcome<()> {
        let id = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        let status = self.0.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the server stopped by itself: {status}").into())
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A started appliance.
pub struct Product {
    /// Its process.
    pub process: Running,
    /// Where it listens.
    pub address: SocketAddr,
    /// From the start of the process to the first 200 of `/healthz`.
    pub started_in: Duration,
}

impl Product {
    /// Starts on the data folder in `folder`, which may be empty, and waits until it answers.
    pub fn start(folder: &Path) -> Outcome<Self> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        std::fs::create_dir_all(folder)?;
        let settings = folder.join("paraph.toml");
        std::fs::write(&settings, "")?;
        let clock = SystemClock::new();
        let child = Command::new(env!("CARGO_BIN_EXE_paraph"))
            .arg("serve")
            .current_dir(folder)
            .env_clear()
            .env("PARAPH_CONFIG", &settings)
            .env("PARAPH__SERVER__LISTEN", address.to_string())
            .env("PARAPH__STORAGE__DATA_DIR", folder.join("data"))
            .env("PARAPH__API__REQUESTS_PER_MINUTE", "1000000")
            .env("PARAPH__API__BURST", "1000000")
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(folder.join("out"))?)
            .stderr(std::fs::File::create(folder.join("log"))?)
            .spawn()?;
        let mut process = Running(child);
        loop {
            if Client::open(address)
                .and_then(|mut client| client.send("GET", "/healthz", &[], b""))
                .is_ok_and(|reply| reply.status == 200)
            {
                break;
            }
            let ended = process.0.try_wait()?;
            if ended.is_some() || clock.monotonic() > START_MAX {
                let log = std::fs::read_to_string(folder.join("log"))?;
                return Err(format!("the server does not answer: {log}").into());
            }
            pause(Duration::from_micros(200));
        }
        Ok(Self {
            process,
            address,
            started_in: clock.monotonic(),
        })
    }
}

/// A connection that is kept.
pub struct Client {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
}

/// What came back.
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Client {
    /// Connects.
    pub fn open(host: SocketAddr) -> Outcome<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(START_MAX))?;
        Ok(Self {
            stream: BufReader::new(stream),
            host,
        })
    }

    /// One request and its reply, which must say its length.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Outcome<Reply> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.host);
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            request += &format!("content-length: {}\r\n", body.len());
        }
        request += "\r\n";
        let mut bytes = request.into_bytes();
        bytes.extend(body);
        self.stream.get_mut().write_all(&bytes)?;

        let (mut status, mut length) = (None, None);
        let mut line = String::new();
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err("the connection was closed".into());
            }
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if status.is_none() {
                status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
            } else if let Some((name, value)) = text.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
        let mut body = vec![0; length.ok_or("a reply without a length")?];
        self.stream.read_exact(&mut body)?;
        Ok(Reply {
            status: status.ok_or("a reply without a status")?,
            body,
        })
    }
}
