//! One POST to an address that somebody else chose: judged, bounded in time and size, never redirected, never through a proxy.

use super::guard::{Guard, Refused, Target};
use crate::domain::limits;
use crate::domain::time::{Civil, Timestamp};
use std::fmt;
use std::io::Read as _;
use std::time::Duration;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, NextTimeout, RustlsConnector, TcpConnector, Transport,
};
use ureq::{Agent, Timeout};

/// What another system said to a POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// How long it asks to be left alone.
    pub retry_after: Option<RetryAfter>,
    /// The beginning of the body, at most [`limits::WEBHOOK_REPLY_BYTES_MAX`] bytes, or what came in time.
    pub body: Vec<u8>,
}

/// `Retry-After` (RFC 9110 clause 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// Seconds from now.
    Seconds(u64),
    /// Not before this moment.
    At(Timestamp),
}

/// Why there is no reply. Trying again later may help in every case: names, certificates and networks change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The guard refuses the address; no connection was made.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Nobody took the connection.
    #[error("no connection: {0}")]
    Connect(String),
    /// The connection can't be trusted.
    #[error("TLS: {0}")]
    Tls(String),
    /// Time was up while waiting for this.
    #[error("timeout: {0}")]
    Timeout(&'static str),
    /// The other side doesn't speak HTTP/1.1, or broke off.
    #[error("broken answer: {0}")]
    Protocol(String),
}

/// Sends webhooks; in tests something that remembers them.
pub trait Post: Send + Sync {
    /// Sends `body` to `target` with `headers` and waits for the reply.
    ///
    /// # Errors
    /// Where there is no reply. Any status is one.
    fn post(
        &self,
        target: &Target,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply, Failure>;
}

/// How long each part may take.
#[derive(Clone, Copy, Debug)]
struct Patience {
    connect: Duration,
    total: Duration,
}

/// [`Post`] over the network.
pub struct HttpPost {
    agent: Agent,
}

impl HttpPost {
    /// Calls what `guard` admits; https is trusted by the machine's anchors and `extra_roots` (DER).
    pub fn new(guard: Guard, extra_roots: &[Vec<u8>]) -> Self {
        let patience = Patience {
            connect: Duration::from_secs(5),
            total: limits::WEBHOOK_ATTEMPT_TIMEOUT,
        };
        let resolver = GuardedResolver(guard.clone());
        Self::with_parts(guard, resolver, extra_roots, patience)
    }

    fn with_parts(
        guard: Guard,
        resolver: impl Resolver,
        extra_roots: &[Vec<u8>],
        patience: Patience,
    ) -> Self {
        let config = Agent::config_builder()
            // The default reads the environment, and a proxy would resolve names unguarded.
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // A connection kept from before may lead to an address that was never judged for this call.
            .max_idle_connections(0)
            .max_response_header_size(16 * 1024)
            .user_agent(concat!("Paraph/", env!("CARGO_PKG_VERSION")))
            .accept("*/*")
            .timeout_resolve(Some(patience.connect))
            .timeout_connect(Some(patience.connect))
            .timeout_global(Some(patience.total))
            .tls_config(super::tls_config(extra_roots))
            .build();
        let connector = GuardedConnector(guard)
            .chain(TcpConnector::default())
            .chain(RustlsConnector::default());
        Self {
            agent: Agent::with_parts(config, connector, resolver),
        }
    }
}

impl Post for HttpPost {
    fn post(
        &self,
        target: &Target,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply, Failure> {
        let mut request = self.agent.post(target.uri().clone());
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).map_err(|e| Failure::Protocol(e.to_string()))?;
            let value =
                HeaderValue::try_from(*value).map_err(|e| Failure::Protocol(e.to_string()))?;
            request = request.header(name, value);
        }
        let mut response = request.send(body).map_err(failure)?;
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(RetryAfter::parse);
        let mut kept = Vec::new();
        // The status is the verdict. A body that breaks off or drips past the time is kept as far as it came.
        let _ = response
            .body_mut()
            .as_reader()
            .take(limits::WEBHOOK_REPLY_BYTES_MAX as u64)
            .read_to_end(&mut kept);
        Ok(Reply {
            status: response.status().as_u16(),
            retry_after,
            body: kept,
        })
    }
}

fn failure(error: ureq::Error) -> Failure {
    match error {
        ureq::Error::Other(inner) => match inner.downcast::<Refused>() {
            Ok(refused) => Failure::Refused(*refused),
            Err(other) => Failure::Connect(other.to_string()),
        },
        ureq::Error::Timeout(at) => Failure::Timeout(match at {
            Timeout::Resolve => "the name",
            Timeout::Connect => "the connection",
            Timeout::SendRequest | Timeout::SendBody | Timeout::PerWrite => {
                "the request to be taken"
            }
            Timeout::RecvResponse | Timeout::RecvBody | Timeout::PerRead => "the answer",
            _ => "the whole call",
        }),
        ureq::Error::Rustls(e) => Failure::Tls(e.to_string()),
        ureq::Error::Tls(e) => Failure::Tls(e.to_owned()),
        ureq::Error::Pem(e) => Failure::Tls(e.to_string()),
        ureq::Error::TlsRequired => Failure::Tls("no encryption".to_owned()),
        ureq::Error::Io(e) => {
            let tls = e
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<rustls::Error>());
            match (tls, e.kind()) {
                (Some(tls), _) => Failure::Tls(tls.to_string()),
                (None, std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData) => {
                    Failure::Protocol(e.to_string())
                }
                (None, _) => Failure::Connect(e.to_string()),
            }
        }
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => {
            Failure::Connect(error.to_string())
        }
        other => Failure::Protocol(other.to_string()),
    }
}

impl RetryAfter {
    /// Reads seconds or an IMF-fixdate (RFC 9110 clause 5.6.7; the two obsolete forms are nobody's today).
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return Some(Self::Seconds(text.parse().unwrap_or(u64::MAX)));
        }
        let (_, date) = text.strip_suffix(" GMT")?.split_once(", ")?;
        let mut parts = date.split(' ');
        let mut next = || parts.next();
        let (day, month, year, time) = (next()?, next()?, next()?, next()?);
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let mut clock = time.split(':').map(|part| part.parse::<u8>().ok());
        let mut tick = || clock.next().flatten();
        Timestamp::from_civil(Civil {
            year: year.parse().ok()?,
            month: u8::try_from(months.iter().position(|it| *it == month)? + 1).ok()?,
            day: day.parse().ok()?,
            hour: tick()?,
            minute: tick()?,
            second: tick()?,
            millisecond: 0,
        })
        .map(Self::At)
    }
}

/// Resolves by the guard: all addresses good, or none.
struct GuardedResolver(Guard);

impl fmt::Debug for GuardedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardedResolver")
    }
}

impl Resolver for GuardedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.resolve(uri, *timeout.after).map_err(refuse)?;
        let mut addresses = self.empty();
        // As many as ureq's list holds; any of them will do.
        for address in found.into_iter().take(16) {
            addresses.push(address);
        }
        Ok(addresses)
    }
}

/// Stands before the connector that dials and judges what it is about to dial.
struct GuardedConnector(Guard);

impl fmt::Debug for GuardedConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardedConnector")
    }
}

impl<In: Transport> Connector<In> for GuardedConnector {
    type Out = In;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<In>, ureq::Error> {
        self.0
            .judge(details.addrs.iter().map(|address| address.ip()))
            .map_err(refuse)?;
        Ok(chained)
    }
}

fn refuse(refused: Refused) -> ureq::Error {
    ureq::Error::Other(Box::new(refused))
}

#[cfg(test)]
mod tests {
    use super::super::guard::Schemes;
    use super::*;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::sync::Arc;
    use std::sync::mpsc;
    use std::thread::JoinHandle;

    const SHORT: Patience = Patience {
        connect: Duration::from_secs(5),
        total: Duration::from_millis(300),
    };
    const LONG: Patience = Patience {
        connect: Duration::from_secs(5),
        total: Duration::from_secs(15),
    };

    fn open(patience: Patience) -> HttpPost {
        let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap()]);
        HttpPost::with_parts(guard.clone(), GuardedResolver(guard), &[], patience)
    }

    fn target(listener: &TcpListener) -> Target {
        let address = listener.local_addr().unwrap();
        Target::parse(&format!("http://{address}/hook?x=1"), Schemes::HttpToo).unwrap()
    }

    /// A receiver that takes one request (head and body, as text), then answers by `answer`.
    fn receive(
        listener: TcpListener,
        answer: impl FnOnce(&mut TcpStream) + Send + 'static,
    ) -> JoinHandle<String> {
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some((name, value)) = line.split_once(':')
                    && name.eq_ignore_ascii_case("content-length")
                {
                    length = value.trim().parse().unwrap();
                }
                head.push_str(&line);
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            answer(&mut stream);
            head + std::str::from_utf8(&body).unwrap()
        })
    }

    fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").unwrap()
    }

    fn nobody_came(listener: &TcpListener) -> bool {
        listener.set_nonblocking(true).unwrap();
        listener
            .accept()
            .is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock)
    }

    #[test]
    fn body_and_headers_arrive_and_the_reply_comes_back() {
        let listener = listener();
        let target = target(&listener);
        let receiver = receive(listener, |stream| {
            stream
                .write_all(b"HTTP/1.1 429 Busy\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nlate")
                .unwrap();
        });
        let reply = open(LONG)
            .post(
                &target,
                &[
                    ("webhook-id", "evt_1"),
                    ("content-type", "application/json"),
                ],
                b"{\"n\":1}",
            )
            .unwrap();
        let request = receiver.join().unwrap();
        assert!(
            request.starts_with("POST /hook?x=1 HTTP/1.1\r\n"),
            "{request}"
        );
        assert!(
            request.contains("webhook-id: evt_1\r\n") && request.contains("user-agent: Paraph/"),
            "{request}"
        );
        assert!(request.ends_with("\r\n\r\n{\"n\":1}"), "{request}");
        assert_eq!(
            (reply.status, reply.retry_after),
            (429, Some(RetryAfter::Seconds(7)))
        );
        assert_eq!(reply.body, b"late");
    }

    #[test]
    fn a_redirect_is_a_reply_and_never_followed() {
        let (first, second) = (listener(), listener());
        let elsewhere = second.local_addr().unwrap();
        let target = target(&first);
        let receiver = receive(first, move |stream| {
            let answer = format!(
                "HTTP/1.1 307 Moved\r\nLocation: http://{elsewhere}/\r\nContent-Length: 0\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).unwrap();
        });
        assert_eq!(open(LONG).post(&target, &[], b"x").unwrap().status, 307);
        receiver.join().unwrap();
        assert!(nobody_came(&second));
    }

    #[test]
    fn a_long_reply_is_read_up_to_its_bound() {
        let listener = listener();
        let target = target(&listener);
        let receiver = receive(listener, |stream| {
            // The reader may hang up while we are still talking: that is the point.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
            let _ = stream.write_all(&[b'x'; 64 * 1024]);
        });
        let reply = open(LONG).post(&target, &[], b"x").unwrap();
        assert_eq!(reply.body.len(), limits::WEBHOOK_REPLY_BYTES_MAX);
        receiver.join().unwrap();
    }

    #[test]
    fn a_body_that_never_ends_costs_no_more_than_the_whole_time() {
        let listener = listener();
        let target = target(&listener);
        let (done, wait) = mpsc::channel::<()>();
        let receiver = receive(listener, move |stream| {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
                .unwrap();
            let _ = wait.recv();
        });
        let reply = open(SHORT).post(&target, &[], b"x").unwrap();
        assert_eq!(
            (reply.status, reply.body.as_slice()),
            (200, b"abc".as_slice())
        );
        drop(done);
        receiver.join().unwrap();
    }

    #[test]
    fn a_receiver_that_says_nothing_is_a_timeout_and_a_closed_port_no_connection() {
        let silent = listener();
        let quiet = target(&silent);
        assert!(matches!(
            open(SHORT).post(&quiet, &[], b"x"),
            Err(Failure::Timeout(_))
        ));
        drop(silent);
        assert!(matches!(
            open(LONG).post(&quiet, &[], b"x"),
            Err(Failure::Connect(_))
        ));
    }

    #[test]
    fn an_answer_that_is_no_http_is_a_broken_answer() {
        for answer in [b"SSH-2.0-OpenSSH_9.2\r\n\r\n".as_slice(), b""] {
            let listener = listener();
            let target = target(&listener);
            let receiver = receive(listener, move |stream| stream.write_all(answer).unwrap());
            let told = open(LONG).post(&target, &[], b"x");
            assert!(matches!(told, Err(Failure::Protocol(_))), "{told:?}");
            receiver.join().unwrap();
        }
    }

    #[test]
    fn https_to_a_receiver_without_it_is_a_tls_failure() {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let plain = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        });
        let target = Target::parse(&format!("https://{address}/"), Schemes::HttpsOnly).unwrap();
        let told = open(LONG).post(&target, &[], b"x");
        assert!(matches!(told, Err(Failure::Tls(_))), "{told:?}");
        plain.join().unwrap();
    }

    #[test]
    fn a_header_that_would_break_the_request_is_refused() {
        let listener = listener();
        let told = open(LONG).post(&target(&listener), &[("x-name", "a\r\nevil: 1")], b"x");
        assert!(matches!(told, Err(Failure::Protocol(_))), "{told:?}");
        assert!(nobody_came(&listener));
    }

    #[test]
    fn a_name_that_leads_inside_gets_no_connection() {
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let guard = Guard::with_lookup(Vec::new(), Arc::new(move |_, _| Ok(vec![address])));
        let post = HttpPost::new(guard, &[]);
        for url in [
            format!("http://receiver.example:{}/", address.port()),
            format!("http://{address}/"),
            format!("http://localhost:{}/", address.port()),
        ] {
            let target = Target::parse(&url, Schemes::HttpToo).unwrap();
            let told = post.post(&target, &[], b"x");
            assert!(
                matches!(told, Err(Failure::Refused(Refused::Address(_)))),
                "{url}: {told:?}"
            );
        }
        assert!(nobody_came(&listener));
    }

    #[test]
    fn what_is_dialled_is_judged_again_whatever_the_resolver_said() {
        #[derive(Debug)]
        struct Unguarded(SocketAddr);
        impl Resolver for Unguarded {
            fn resolve(
                &self,
                _: &Uri,
                _: &Config,
                _: NextTimeout,
            ) -> Result<ResolvedSocketAddrs, ureq::Error> {
                let mut addresses = self.empty();
                addresses.push(self.0);
                Ok(addresses)
            }
        }
        let listener = listener();
        let address = listener.local_addr().unwrap();
        let post = HttpPost::with_parts(Guard::new(Vec::new()), Unguarded(address), &[], LONG);
        let target = Target::parse("http://example.com:8080/", Schemes::HttpToo).unwrap();
        let told = post.post(&target, &[], b"x");
        assert!(
            matches!(told, Err(Failure::Refused(Refused::Address(_)))),
            "{told:?}"
        );
        assert!(nobody_came(&listener));
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        assert_eq!(RetryAfter::parse(" 120 "), Some(RetryAfter::Seconds(120)));
        assert_eq!(
            RetryAfter::parse("99999999999999999999999"),
            Some(RetryAfter::Seconds(u64::MAX))
        );
        let at = Timestamp::parse("1994-11-06T08:49:37Z").unwrap();
        assert_eq!(
            RetryAfter::parse("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(RetryAfter::At(at))
        );
        for text in [
            "",
            "soon",
            "-5",
            "1.5",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT",
        ] {
            assert_eq!(RetryAfter::parse(text), None, "{text}");
        }
    }
}
