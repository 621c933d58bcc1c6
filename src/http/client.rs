//! Who is at the other end: the address, believed only as far as the proxies in between are trusted.

use super::Web;
use super::middleware::request_name;
use crate::domain::network::Network;
use crate::domain::origin::{Actor, Factor, Origin, RequestId};
use actix_web::HttpRequest;
use actix_web::http::header;
use std::net::{IpAddr, Ipv4Addr};

/// Hops of `X-Forwarded-For` that are looked at; a longer list is somebody's game.
const HOPS_MAX: usize = 10;

/// The caller's address: from the right of `X-Forwarded-For`, the first that is no trusted proxy. Anything malformed: the peer.
pub fn address(request: &HttpRequest, web: &Web) -> IpAddr {
    let peer = request
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| {
            peer.ip().to_canonical()
        });
    forwarded(peer, request, &web.trusted_proxies).unwrap_or(peer)
}

fn forwarded(peer: IpAddr, request: &HttpRequest, trusted: &[Network]) -> Option<IpAddr> {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return None;
    }
    let mut hops = Vec::new();
    for line in request.headers().get_all(header::X_FORWARDED_FOR) {
        for hop in line.to_str().ok()?.split(',') {
            hops.push(hop.trim().parse::<IpAddr>().ok()?.to_canonical());
            if hops.len() > HOPS_MAX {
                return None;
            }
        }
    }
    hops.iter()
        .rev()
        .copied()
        .find(|hop| !is_trusted(*hop))
        .or_else(|| hops.first().copied())
}

/// The origin of what this request does, for the audit trail.
pub fn origin(request: &HttpRequest, web: &Web, actor: Actor, factor: Factor) -> Origin {
    let agent = request
        .headers()
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    let name = request_name(request).and_then(|name| RequestId::from_client(&name));
    Origin::request(
        actor,
        factor,
        address(request, web),
        agent,
        name.unwrap_or_else(|| web.app.new_request_id()),
    )
}
