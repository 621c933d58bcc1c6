//! `paraph healthcheck [URL]`

use super::{Context, Exit};
use crate::config::Listen;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The whole question, from connecting to the end of the answer's head.
const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The server's address, as in http://127.0.0.1:8080 or unix:/run/paraph/http.sock [default: the configuration's first listener]
    url: Option<String>,
}

pub(super) fn run(context: &mut Context, arguments: &Arguments) -> Exit {
    let base = match &arguments.url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => match context.load() {
            Ok(config) => {
                let known = config.server.listen.iter().find_map(|place| match place {
                    Listen::Tcp(address) => Some(format!("http://{}", reachable(*address))),
                    Listen::Unix(_) => Some(place.to_string()),
                    Listen::Systemd => None,
                });
                match known {
                    Some(known) => known,
                    None => {
                        context.out.failure("only systemd knows where the server listens: name the address, as in `paraph healthcheck unix:/run/paraph.sock`");
                        return Exit::Usage;
                    }
                }
            }
            Err(exit) => return exit,
        },
    };
    let (url, answer) = match base.strip_prefix("unix:") {
        Some(path) => (base.clone(), ask_socket(path)),
        None => {
            let url = format!("{base}/healthz");
            let answer = ask(&url);
            (url, answer)
        }
    };
    match answer {
        Ok(()) => {
            if context.out.is_json() {
                context
                    .out
                    .value(&serde_json::json!({ "healthy": true, "url": url }));
            } else {
                context.out.line("healthy");
            }
            Exit::Good
        }
        Err(why) => {
            if context.out.is_json() {
                context
                    .out
                    .value(&serde_json::json!({ "healthy": false, "url": url, "error": why }));
            } else {
                context.out.note(&format!("error: {url}: {why}"));
            }
            Exit::Failed
        }
    }
}

/// Where a listener on every address is reached from this machine.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Asks by HTTP.
pub(super) fn ask(url: &str) -> Result<(), String> {
    let agent = ureq::Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(TIMEOUT))
        .tls_config(crate::outbound::tls_config(&[]))
        .build()
        .new_agent();
    let answer = agent.get(url).call().map_err(|e| e.to_string())?;
    match answer.status().as_u16() {
        200 => Ok(()),
        other => Err(format!("status {other}")),
    }
}

/// Asks by a Unix socket, for which there is no URL.
pub(super) fn ask_socket(path: &str) -> Result<(), String> {
    let mut stream = UnixStream::connect(path).map_err(|e| e.to_string())?;
    let timeouts = stream
        .set_read_timeout(Some(TIMEOUT))
        .and_then(|()| stream.set_write_timeout(Some(TIMEOUT)));
    timeouts.map_err(|e| e.to_string())?;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .map_err(|e| e.to_string())?;
    // "HTTP/1.1 200"
    let mut head = [0; 12];
    stream.read_exact(&mut head).map_err(|e| e.to_string())?;
    match head.strip_prefix(b"HTTP/1.1 ") {
        Some(b"200") => Ok(()),
        Some(status) => Err(format!("status {}", String::from_utf8_lossy(status))),
        None => Err("what answers there speaks no HTTP".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_asked_on_loopback() {
        let at = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(at("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(at("[::]:80"), "[::1]:80");
        assert_eq!(at("10.0.0.1:80"), "10.0.0.1:80");
    }
}
