//! Networks as administrators write them: `10.0.0.0/8`, `2001:db8::/32`, or one address.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network in CIDR form (RFC 4632, RFC 4291 clause 2.3); one address is a network of full length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

/// Why a text is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetwork {
    /// Neither an address nor an address, a slash and a length.
    #[error("not a network as in 10.0.0.0/8 or 2001:db8::/32")]
    Form,
    /// Bits behind the prefix are set, so it is unclear what was meant.
    #[error("bits behind the prefix are set; the network is {0}")]
    HostBits(Network),
}

impl Network {
    /// The IPv4 network `a.b.c.d/prefix`; bits behind the prefix are dropped.
    pub const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Self {
        let bits = Ipv4Addr::new(a, b, c, d).to_bits() & mask_v4(prefix);
        Self {
            first: IpAddr::V4(Ipv4Addr::from_bits(bits)),
            prefix,
        }
    }

    /// The IPv6 network that begins with the groups `a:b` and has `prefix` bits, at most 32.
    pub const fn v6(a: u16, b: u16, prefix: u8) -> Self {
        let bits = Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0).to_bits() & mask_v6(prefix);
        Self {
            first: IpAddr::V6(Ipv6Addr::from_bits(bits)),
            prefix,
        }
    }

    /// Whether `address` lies inside. An IPv4 address written as `::ffff:a.b.c.d` counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(it)) => {
                it.to_bits() & mask_v4(self.prefix) == first.to_bits()
            }
            (IpAddr::V6(first), IpAddr::V6(it)) => {
                it.to_bits() & mask_v6(self.prefix) == first.to_bits()
            }
            _ => false,
        }
    }

    /// Whether the two share an address.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.contains(other.first) || other.contains(self.first)
    }

    fn of(address: IpAddr, prefix: u8) -> Self {
        let first = match address {
            IpAddr::V4(a) => IpAddr::V4(Ipv4Addr::from_bits(a.to_bits() & mask_v4(prefix))),
            IpAddr::V6(a) => IpAddr::V6(Ipv6Addr::from_bits(a.to_bits() & mask_v6(prefix))),
        };
        Self { first, prefix }
    }
}

const fn mask_v4(prefix: u8) -> u32 {
    if prefix == 0 {
        0
    } else if prefix >= 32 {
        u32::MAX
    } else {
        u32::MAX << (32 - prefix)
    }
}

const fn mask_v6(prefix: u8) -> u128 {
    if prefix == 0 {
        0
    } else if prefix >= 128 {
        u128::MAX
    } else {
        u128::MAX << (128 - prefix)
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork::Form)?;
        // A mapped IPv4 network would never match: addresses are compared unmapped.
        if address != address.to_canonical() {
            return Err(InvalidNetwork::Form);
        }
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match length {
            None => longest,
            Some(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => {
                text.parse().map_err(|_| InvalidNetwork::Form)?
            }
            Some(_) => return Err(InvalidNetwork::Form),
        };
        if prefix > longest {
            return Err(InvalidNetwork::Form);
        }
        let network = Self::of(address, prefix);
        if network.first == address {
            Ok(network)
        } else {
            Err(InvalidNetwork::HostBits(network))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// Whom an address counts as: whoever has an IPv6 address has its whole /64; mapped IPv4 is IPv4.
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let bits = u128::from(v6) & !u128::from(u64::MAX);
            IpAddr::V6(bits.into())
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_contains_its_first_and_last_address_and_no_neighbour() {
        let n = network("172.16.0.0/12");
        assert!(n.contains(address("172.16.0.0")) && n.contains(address("172.31.255.255")));
        assert!(!n.contains(address("172.15.255.255")) && !n.contains(address("172.32.0.0")));
        let n = network("2001:db8::/32");
        assert!(n.contains(address("2001:db8:ffff::1")) && !n.contains(address("2001:db9::")));
    }

    #[test]
    fn zero_length_means_the_whole_family_and_no_length_one_address() {
        assert!(network("0.0.0.0/0").contains(address("203.0.113.9")));
        assert!(!network("0.0.0.0/0").contains(address("2001:db8::1")));
        assert!(network("10.1.2.3").contains(address("10.1.2.3")));
        assert!(!network("10.1.2.3").contains(address("10.1.2.4")));
    }

    #[test]
    fn a_mapped_address_counts_as_the_ipv4_address_that_it_is() {
        assert!(network("127.0.0.0/8").contains(address("::ffff:127.0.0.1")));
    }

    #[test]
    fn unclear_or_malformed_networks_are_refused() {
        assert_eq!(
            "10.1.2.3/8".parse::<Network>(),
            Err(InvalidNetwork::HostBits(Network::v4(10, 0, 0, 0, 8)))
        );
        for text in [
            "",
            "10.0.0.0/33",
            "10/8",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "fe80::/129",
            "::ffff:10.0.0.0/104",
            "localhost",
        ] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork::Form), "{text}");
        }
    }

    #[test]
    fn overlapping_is_found_from_either_side() {
        let all = network("0.0.0.0/0");
        let link_local = network("169.254.0.0/16");
        assert!(all.overlaps(&link_local) && link_local.overlaps(&all));
        assert!(!network("10.0.0.0/8").overlaps(&link_local));
    }

    #[test]
    fn an_ipv6_network_counts_as_one_caller_and_mapped_ipv4_as_ipv4() {
        let a: IpAddr = "2001:db8:1:2::1".parse().expect("an address");
        let b: IpAddr = "2001:db8:1:2:ffff::9".parse().expect("an address");
        assert_eq!(neighbourhood(a), neighbourhood(b));
        let mapped: IpAddr = "::ffff:192.0.2.7".parse().expect("an address");
        assert_eq!(neighbourhood(mapped).to_string(), "192.0.2.7");
    }
}
