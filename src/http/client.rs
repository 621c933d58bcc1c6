//! Who is at the other end: the address, believed only as far as the proxies in between are trusted.

use super::Web;
use super::middleware::request_name;
use crate::domain::network::Network;
use crate::domain::origin::{Actor, Factor, Origin, RequestId};
use actix_web::HttpRequest;
use actix_web::http::{Method, header};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Trusted proxies in a row that are walked past; a longer chain is somebody's game.
const HOPS_MAX: usize = 10;

/// Data of a connection that came by a Unix socket: the file's mode let its peer in, so it is believed as a proxy.
pub struct LocalPeer;

/// The caller's address: from the right of `X-Forwarded-For`, the first that is no trusted proxy. What stands further left is the
/// caller's own word and isn't looked at. `None`: a trusted proxy passed on what is no address, so nobody knows who calls;
/// or who called by TCP is gone already.
pub fn address(request: &HttpRequest, web: &Web) -> Option<IpAddr> {
    let lines = request.headers().get_all(header::X_FORWARDED_FOR);
    let hops: Vec<&[u8]> = lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .collect();
    let is_local = is_local(request);
    if request.peer_addr().is_none() && !is_local {
        return None;
    }
    forwarded(peer(request), is_local, &hops, &web.trusted_proxies)
}

fn is_local(request: &HttpRequest) -> bool {
    request.conn_data::<LocalPeer>().is_some()
}

/// The address that a caller is counted by: its own, or that of the proxy that could not name it.
pub fn counted_as(request: &HttpRequest, web: &Web) -> IpAddr {
    address(request, web).unwrap_or_else(|| peer(request))
}

fn peer(request: &HttpRequest) -> IpAddr {
    match request.peer_addr() {
        Some(peer) => peer.ip().to_canonical(),
        None if is_local(request) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        None => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    }
}

fn forwarded(peer: IpAddr, is_local: bool, hops: &[&[u8]], trusted: &[Network]) -> Option<IpAddr> {
    if is_local && hops.is_empty() {
        // Whoever listens for it at the socket named nobody.
        return None;
    }
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut nearest = peer;
    for (passed, hop) in hops.iter().rev().enumerate() {
        // The peer may be believed for its socket, those behind it for their network alone.
        if !(is_trusted(nearest) || is_local && passed == 0) {
            break;
        }
        if passed == HOPS_MAX {
            return None;
        }
        nearest = hop_address(hop)?;
    }
    Some(nearest)
}

/// An address as proxies write it, with or without a port.
fn hop_address(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    hop.parse::<IpAddr>()
        .or_else(|_| hop.parse::<SocketAddr>().map(|socket| socket.ip()))
        .ok()
        .map(|address| address.to_canonical())
}

/// The origin of what this request does, for the audit trail.
pub fn origin(request: &HttpRequest, web: &Web, actor: Actor, factor: Factor) -> Origin {
    let agent = request
        .headers()
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    let name = request_name(request).and_then(|name| RequestId::from_client(&name));
    let origin = Origin::request(
        actor,
        factor,
        address(request, web),
        agent,
        name.unwrap_or_else(|| web.app.new_request_id()),
    );
    Origin {
        head_only: request.method() == Method::HEAD,
        ..origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The caller behind a proxy in 10.0.0.0/8 that sent `list`.
    fn caller(list: &str) -> Option<String> {
        let hops: Vec<&[u8]> = match list {
            "" => Vec::new(),
            list => list.as_bytes().split(|byte| *byte == b',').collect(),
        };
        let peer = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
        forwarded(peer, false, &hops, &[Network::v4(10, 0, 0, 0, 8)]).map(|a| a.to_string())
    }

    #[test]
    fn what_a_caller_writes_left_of_the_proxys_word_changes_nothing() {
        let long = format!("{}192.0.2.7", "198.51.100.1, ".repeat(30));
        for list in [
            "192.0.2.7",
            "x, 192.0.2.7",
            "\u{fc}, 192.0.2.7",
            ", 192.0.2.7",
            "10.0.0.9, 192.0.2.7",
            "192.0.2.7, 10.0.0.2",
            "10.0.0.9, 192.0.2.7:50000 , 10.0.0.2,10.0.0.3",
            "::ffff:192.0.2.7",
            &long,
        ] {
            assert_eq!(caller(list).as_deref(), Some("192.0.2.7"), "{list}");
        }
        assert_eq!(caller("[2001:db8::1]:443").as_deref(), Some("2001:db8::1"));
    }

    #[test]
    fn a_proxy_that_names_nobody_makes_the_caller_unknown_and_not_a_neighbour() {
        let loops = ["10.0.0.2"; 11].join(",");
        for list in [
            "x",
            "unknown",
            "192.0.2.7,",
            "192.0.2.7, x, 10.0.0.2",
            &loops,
        ] {
            assert_eq!(caller(list), None, "{list}");
        }
    }

    #[test]
    fn inside_of_the_trusted_networks_the_first_sender_is_the_caller() {
        assert_eq!(caller("").as_deref(), Some("10.0.0.1"));
        assert_eq!(caller("10.0.0.7, 10.0.0.2").as_deref(), Some("10.0.0.7"));
    }

    #[test]
    fn nobody_but_a_trusted_proxy_is_asked() {
        let peer = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9));
        assert_eq!(
            forwarded(peer, false, &[b"x", b"192.0.2.7"], &[]),
            Some(peer)
        );
    }

    #[test]
    fn who_comes_by_a_unix_socket_is_believed_and_those_behind_it_are_not() {
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let by_socket = |hops: &[&[u8]]| forwarded(peer, true, hops, &[]).map(|a| a.to_string());
        assert_eq!(by_socket(&[]), None, "nobody was named");
        let spoofed: [&[u8]; 2] = [b"10.0.0.1", b"192.0.2.7"];
        assert_eq!(by_socket(&spoofed).as_deref(), Some("192.0.2.7"));
        assert_eq!(by_socket(&[b"x"]), None);
    }
}
