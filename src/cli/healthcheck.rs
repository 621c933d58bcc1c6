//! `paraph healthcheck [URL]`

use super::{Context, Exit};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// The whole question, from connecting to the end of the answer's head.
const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The server's address, as in http://127.0.0.1:8080 [default: the configuration's first listener]
    url: Option<String>,
}

pub(super) fn run(context: &mut Context, arguments: &Arguments) -> Exit {
    let base = match &arguments.url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => match context.load() {
            Ok(config) => match config.server.listen.first() {
                Some(address) => format!("http://{}", reachable(*address)),
                None => return Exit::Configuration,
            },
            Err(exit) => return exit,
        },
    };
    let url = format!("{base}/healthz");
    match ask(&url) {
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
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn ask(url: &str) -> Result<(), String> {
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
