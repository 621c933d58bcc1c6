//! Which addresses may be called, when somebody else chose the URL.
//!
//! The form of the URL is judged first, then every address that its name resolves to, and once more the very addresses that are
//! about to be dialled: what is checked is what is connected to, so a name that changes its mind in between gains nothing.

use crate::domain::network::Network;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use ureq::http::Uri;

/// Which schemes a target may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schemes {
    /// Live data travels encrypted only.
    HttpsOnly,
    /// Test data may travel in clear.
    HttpToo,
}

/// Why a URL isn't called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not an absolute URL of the web.
    #[error("URL rejected: it is not an address as in https://example.com/hook")]
    Form,
    /// `http` where only `https` will do.
    #[error("URL rejected: it must begin with https://")]
    Scheme,
    /// `user@` or `user:password@`.
    #[error("URL rejected: it must not carry a user or a password")]
    Userinfo,
    /// Another service's port.
    #[error("URL rejected: port {0} is not 80, 443 or 1024 and above")]
    Port(u16),
    /// A number that systems read as different addresses.
    #[error("URL rejected: the host is neither a name nor an address in its usual form")]
    Host,
    /// Inside the operator's network, or nobody's.
    #[error("URL rejected: private or loopback address")]
    Address(IpAddr),
    /// Longer than any receiver needs.
    #[error("URL rejected: it is longer than {max} bytes")]
    TooLong {
        /// Bytes allowed.
        max: usize,
    },
    /// The name means nothing, now.
    #[error("URL rejected: the name {0} can't be resolved")]
    Unresolved(String),
    /// Too many names are being looked up: not judged yet.
    #[error("too many names are being looked up at this moment")]
    Busy,
}

/// A URL of good form; nothing is known yet of where its name leads.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    uri: Uri,
}

impl Target {
    /// Judges the form of `text`.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(text: &str, schemes: Schemes) -> Result<Self, Refused> {
        let max = crate::domain::limits::WEBHOOK_URL_BYTES_MAX;
        if text.len() > max {
            return Err(Refused::TooLong { max });
        }
        // A fragment never reaches the other side and a backslash is a slash to some: neither is meant.
        if !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains(['#', '\\']) {
            return Err(Refused::Form);
        }
        let uri: Uri = text.parse().map_err(|_| Refused::Form)?;
        match (uri.scheme_str(), schemes) {
            (Some("https"), _) | (Some("http"), Schemes::HttpToo) => {}
            (Some("http"), Schemes::HttpsOnly) => return Err(Refused::Scheme),
            _ => return Err(Refused::Form),
        }
        let authority = uri.authority().ok_or(Refused::Form)?;
        if authority.as_str().contains('@') {
            return Err(Refused::Userinfo);
        }
        let host = authority.host();
        host_form(host)?;
        match authority.as_str().strip_prefix(host) {
            Some("") => {}
            // The parser lets any digits stand as a port.
            Some(port) => {
                let port: u16 = port
                    .strip_prefix(':')
                    .and_then(|port| port.parse().ok())
                    .ok_or(Refused::Form)?;
                if !(port == 80 || port == 443 || port >= 1024) {
                    return Err(Refused::Port(port));
                }
            }
            None => return Err(Refused::Form),
        }
        Ok(Self { uri })
    }

    /// Its host, and its port where it names one.
    pub fn authority(&self) -> &str {
        self.uri.authority().map_or("", |it| it.as_str())
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }
}

impl fmt::Debug for Target {
    /// Scheme and host alone: the path may be a secret of the receiver's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        write!(f, "{scheme}://{}/...", self.uri.host().unwrap_or_default())
    }
}

/// A name, an IPv4 address of four decimal parts, or an IPv6 address in brackets. `0x7f.1`, `2130706433` and `127.1` are what
/// old resolvers take for an address as well: they are refused unresolved.
fn host_form(host: &str) -> Result<(), Refused> {
    if let Some(inside) = host.strip_prefix('[') {
        let address = inside.strip_suffix(']').ok_or(Refused::Host)?;
        return address
            .parse::<std::net::Ipv6Addr>()
            .map(|_| ())
            .map_err(|_| Refused::Host);
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let good = !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        });
    if !good {
        return Err(Refused::Host);
    }
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|b| b.is_ascii_digit())
        || last
            .get(..2)
            .is_some_and(|start| start.eq_ignore_ascii_case("0x"));
    if is_number && host.parse::<Ipv4Addr>().is_err() {
        return Err(Refused::Host);
    }
    Ok(())
}

/// Addresses inside somebody's network or nobody's (RFC 6890 and the IANA special-purpose registries).
const REFUSED: [Network; 20] = [
    Network::v4(0, 0, 0, 0, 8),
    Network::v4(10, 0, 0, 0, 8),
    Network::v4(100, 64, 0, 0, 10),
    Network::v4(127, 0, 0, 0, 8),
    Network::v4(169, 254, 0, 0, 16),
    Network::v4(172, 16, 0, 0, 12),
    Network::v4(192, 0, 0, 0, 24),
    Network::v4(192, 0, 2, 0, 24),
    Network::v4(192, 88, 99, 0, 24),
    Network::v4(192, 168, 0, 0, 16),
    Network::v4(198, 18, 0, 0, 15),
    Network::v4(198, 51, 100, 0, 24),
    Network::v4(203, 0, 113, 0, 24),
    Network::v4(224, 0, 0, 0, 4),
    Network::v4(240, 0, 0, 0, 4),
    Network::v6(0x2001, 0, 23),
    Network::v6(0x2001, 0xdb8, 32),
    Network::v6(0x2002, 0, 16),
    Network::v6(0x3fff, 0, 20),
    // Mapped IPv4 is unmapped before; this catches what a future change might let through.
    Network::v6(0, 0, 32),
];

/// In IPv6 all else is reserved, local or a wrapping of IPv4.
const PUBLIC_V6: Network = Network::v6(0x2000, 0, 3);

/// Unspecified, link-local, multicast, broadcast: no setting opens them.
const NEVER: [Network; 6] = [
    Network::v4(0, 0, 0, 0, 8),
    Network::v4(169, 254, 0, 0, 16),
    Network::v4(224, 0, 0, 0, 4),
    Network::v4(255, 255, 255, 255, 32),
    Network::v6(0xfe80, 0, 10),
    Network::v6(0xff00, 0, 8),
];

/// Turns a host and a port into addresses.
pub(super) type Lookup = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// The judge of targets: the ranges above, but for the networks that the operator opened.
#[derive(Clone)]
pub struct Guard {
    allowed: Arc<[Network]>,
    lookup: Arc<Lookup>,
    /// Look-ups under way for registrations and for calls; also those that nobody waits for any more.
    registering: Arc<AtomicUsize>,
    calling: Arc<AtomicUsize>,
}

/// Names looked up at once for registrations: a caller waits for each, and a thread of its own.
const REGISTERING_MAX: usize = 4;
/// Names looked up at once for calls: twice what is in flight, for those that were left behind.
const CALLING_MAX: usize = 128;

/// A place among the look-ups under way; given back on drop.
struct LookupPlace(Arc<AtomicUsize>);

impl LookupPlace {
    fn take(count: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let taken = count.fetch_add(1, Ordering::SeqCst);
        let place = Self(Arc::clone(count));
        (taken < most).then_some(place)
    }
}

impl Drop for LookupPlace {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("allowed", &self.allowed)
            .finish_non_exhaustive()
    }
}

impl Guard {
    /// Opens `allowed` beside the public addresses; names are resolved by the system.
    pub fn new(allowed: Vec<Network>) -> Self {
        Self::with_lookup(
            allowed,
            Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.collect())),
        )
    }

    pub(super) fn with_lookup(allowed: Vec<Network>, lookup: Arc<Lookup>) -> Self {
        Self {
            allowed: allowed.into(),
            lookup,
            registering: Arc::default(),
            calling: Arc::default(),
        }
    }

    /// Whether `target` may be called as its name resolves now: for registration. Each call is judged again.
    ///
    /// # Errors
    /// [`Refused::Address`] where one address is refused, however good the others are; [`Refused::Unresolved`] within `timeout`;
    /// [`Refused::Busy`] at once where too many are being looked up.
    pub fn admit(&self, target: &Target, timeout: Duration) -> Result<(), Refused> {
        let place = || LookupPlace::take(&self.registering, REGISTERING_MAX);
        self.resolve_in(target.uri(), timeout, place).map(|_| ())
    }

    /// Likewise, among the look-ups of calls: for a probe of all who are called.
    ///
    /// # Errors
    /// As [`Guard::admit`].
    pub fn probe(&self, target: &Target, timeout: Duration) -> Result<(), Refused> {
        self.resolve(target.uri(), timeout).map(|_| ())
    }

    /// All addresses of `uri`'s host, each of them judged.
    pub(super) fn resolve(&self, uri: &Uri, timeout: Duration) -> Result<Vec<SocketAddr>, Refused> {
        self.resolve_in(uri, timeout, || {
            LookupPlace::take(&self.calling, CALLING_MAX)
        })
    }

    fn resolve_in(
        &self,
        uri: &Uri,
        timeout: Duration,
        place: impl FnOnce() -> Option<LookupPlace>,
    ) -> Result<Vec<SocketAddr>, Refused> {
        let host = uri.host().ok_or(Refused::Form)?;
        host_form(host)?;
        let https = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = match bare.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => {
                let place = place().ok_or(Refused::Busy)?;
                let found = self.look_up(bare, port, timeout, place);
                found
                    .filter(|found| !found.is_empty())
                    .ok_or_else(|| Refused::Unresolved(bare.to_owned()))?
            }
        };
        self.judge(addresses.iter().map(SocketAddr::ip))?;
        Ok(addresses)
    }

    /// The system's look-up has no bound of its own: it runs aside and is left behind when time is up.
    fn look_up(
        &self,
        host: &str,
        port: u16,
        timeout: Duration,
        place: LookupPlace,
    ) -> Option<Vec<SocketAddr>> {
        let (tell, heard) = mpsc::sync_channel(1);
        let lookup = Arc::clone(&self.lookup);
        let host = host.to_owned();
        std::thread::Builder::new()
            .name("lookup".to_owned())
            .spawn(move || {
                let found = lookup(&host, port);
                drop(place);
                // Nobody listens any more when time was up.
                let _ = tell.send(found);
            })
            .ok()?;
        match heard.recv_timeout(timeout) {
            Ok(found) => found.ok(),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// One refused address spoils the rest.
    pub(super) fn judge(&self, addresses: impl Iterator<Item = IpAddr>) -> Result<(), Refused> {
        for address in addresses {
            let address = address.to_canonical();
            let never = NEVER.iter().any(|it| it.contains(address)) || address.is_unspecified();
            let opened = self.allowed.iter().any(|it| it.contains(address));
            let public = !REFUSED.iter().any(|it| it.contains(address))
                && (address.is_ipv4() || PUBLIC_V6.contains(address));
            if never || !(public || opened) {
                return Err(Refused::Address(address));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Result<Target, Refused> {
        Target::parse(text, Schemes::HttpToo)
    }

    /// A guard whose names all lead to `addresses`.
    fn leading_to(addresses: &'static [&'static str], allowed: &[&str]) -> Guard {
        Guard::with_lookup(
            allowed.iter().map(|it| it.parse().unwrap()).collect(),
            Arc::new(|_, port| {
                Ok(addresses
                    .iter()
                    .map(|it| SocketAddr::new(it.parse().unwrap(), port))
                    .collect())
            }),
        )
    }

    fn admitted(guard: &Guard, text: &str) -> Result<(), Refused> {
        guard.admit(&form(text)?, Duration::from_secs(5))
    }

    const PUBLIC: [&str; 2] = ["93.184.216.34", "2606:2800:220:1::1"];

    #[test]
    fn a_public_receiver_is_admitted() {
        let guard = leading_to(&PUBLIC, &[]);
        for url in [
            "https://example.com/hook",
            "https://example.com:8443/hook?x=1",
            "http://example.com:80/",
            "https://example.com./",
            "https://93.184.216.34/",
            "https://[2606:2800:220:1::1]:443/",
            "https://hooks_1.example.com",
            "https://127.0.0.1.example.com/",
        ] {
            assert_eq!(admitted(&guard, url), Ok(()), "{url}");
        }
    }

    #[test]
    fn names_that_nobody_answers_for_hold_up_four_registrations_and_no_thread_more() {
        let (release, held) = mpsc::channel::<()>();
        let held = std::sync::Mutex::new(held);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let guard = Guard::with_lookup(
            Vec::new(),
            Arc::new(move |_, _| {
                count.fetch_add(1, Ordering::SeqCst);
                // Until the test ends.
                let _ = held.lock().map(|held| held.recv());
                Err(io::Error::other("no answer"))
            }),
        );
        let slow = |_| guard.admit(&form("https://slow.example/").unwrap(), Duration::ZERO);
        let told: Vec<_> = (0..10).map(slow).collect();
        let unresolved = Err(Refused::Unresolved("slow.example".to_owned()));
        assert!(told[..4].iter().all(|it| *it == unresolved), "{told:?}");
        assert!(
            told[4..].iter().all(|it| *it == Err(Refused::Busy)),
            "{told:?}"
        );
        // An address needs no look-up, and a call has places of its own.
        assert_eq!(admitted(&guard, "https://93.184.216.34/"), Ok(()));
        let uri = "https://slow.example/".parse().unwrap();
        assert!(matches!(
            guard.resolve(&uri, Duration::ZERO),
            Err(Refused::Unresolved(_))
        ));
        drop(release);
        while guard.registering.load(Ordering::SeqCst) + guard.calling.load(Ordering::SeqCst) > 0 {
            std::thread::yield_now();
        }
        assert_eq!(asked.load(Ordering::SeqCst), 5);
        assert_ne!(
            admitted(&guard, "https://slow.example/"),
            Err(Refused::Busy)
        );
    }

    #[test]
    fn every_spelling_of_an_inside_address_is_refused() {
        let guard = leading_to(&PUBLIC, &[]);
        for url in [
            "http://127.0.0.1/",
            "http://127.255.255.254:8080/",
            "http://10.0.0.1/",
            "http://10.255.255.255/",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://0.1.2.3/",
            "http://192.0.0.8/",
            "http://192.0.2.1/",
            "http://192.88.99.1/",
            "http://198.18.0.1/",
            "http://198.19.255.255/",
            "http://198.51.100.1/",
            "http://203.0.113.1/",
            "http://224.0.0.1/",
            "http://239.255.255.250:1900/",
            "http://240.0.0.1/",
            "http://255.255.255.255/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[64:ff9b:1::1]/",
            "http://[fe80::1]/",
            "http://[fec0::1]/",
            "http://[fc00::1]/",
            "http://[fd12:3456::1]/",
            "http://[ff02::1]/",
            "http://[2001:db8::1]/",
            "http://[2001::1]/",
            "http://[2001:1ff::1]/",
            "http://[2002:7f00:1::]/",
            "http://[3fff::1]/",
            "http://[4000::1]/",
            "http://[100::1]/",
            "http://[0:0:0:0:0:0:0:1]/",
        ] {
            assert!(
                matches!(admitted(&guard, url), Err(Refused::Address(_))),
                "{url}: {:?}",
                admitted(&guard, url)
            );
        }
    }

    #[test]
    fn numbers_that_old_resolvers_take_for_addresses_are_refused_unresolved() {
        for url in [
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0x7f000001/",
            "http://0X7F000001/",
            "http://017700000001/",
            "http://127.1/",
            "http://127.0.1/",
            "http://0177.0.0.1/",
            "http://127.0.0.01/",
            "http://127.0.0.1./",
            "http://127.0.0.256/",
            "http://1.2.3.4.5/",
            "http://example.0x1/",
            "http://0/",
            "http://[::1%25lo]/",
            "http://[127.0.0.1]/",
            "http://[::1/",
            "http://a..b/",
        ] {
            assert!(
                matches!(form(url), Err(Refused::Host | Refused::Form)),
                "{url}: {:?}",
                form(url)
            );
        }
    }

    #[test]
    fn a_name_that_leads_inside_is_refused() {
        for inside in [
            &["127.0.0.1"] as &'static [&'static str],
            &["::1"],
            &["10.1.2.3"],
            &["::ffff:192.168.0.1"],
            &["169.254.169.254"],
        ] {
            let guard = leading_to(inside, &[]);
            for url in [
                "http://localhost/",
                "https://localtest.example/",
                "http://LOCALHOST:8080/",
            ] {
                assert!(
                    matches!(admitted(&guard, url), Err(Refused::Address(_))),
                    "{url} to {inside:?}"
                );
            }
        }
    }

    #[test]
    fn one_inside_address_beside_good_ones_is_enough() {
        let guard = leading_to(&["93.184.216.34", "2606:2800:220:1::1", "10.0.0.1"], &[]);
        assert_eq!(
            admitted(&guard, "https://example.com/"),
            Err(Refused::Address("10.0.0.1".parse().unwrap()))
        );
    }

    #[test]
    fn a_name_that_means_nothing_or_never_answers_is_refused() {
        let silent = Guard::with_lookup(
            Vec::new(),
            Arc::new(|_, _| Err(io::Error::other("no such name"))),
        );
        assert_eq!(
            admitted(&silent, "https://example.com/"),
            Err(Refused::Unresolved("example.com".to_owned()))
        );
        let empty = leading_to(&[], &[]);
        assert!(matches!(
            admitted(&empty, "https://example.com/"),
            Err(Refused::Unresolved(_))
        ));
        let (hold, held) = mpsc::channel::<()>();
        let held = std::sync::Mutex::new(held);
        let stuck = Guard::with_lookup(
            Vec::new(),
            Arc::new(move |_, _| {
                let _ = held.lock().unwrap().recv();
                Ok(vec!["93.184.216.34:443".parse().unwrap()])
            }),
        );
        let target = form("https://example.com/").unwrap();
        assert!(matches!(
            stuck.admit(&target, Duration::from_millis(20)),
            Err(Refused::Unresolved(_))
        ));
        drop(hold);
    }

    #[test]
    fn the_operator_opens_inside_networks_but_never_link_local_or_multicast() {
        let guard = leading_to(
            &PUBLIC,
            &["127.0.0.0/8", "::1", "10.20.0.0/16", "0.0.0.0/0", "::/0"],
        );
        for url in [
            "http://127.0.0.1:9999/",
            "http://[::1]:9999/",
            "http://10.20.1.1/",
            "http://[::ffff:10.20.0.1]/",
        ] {
            assert_eq!(admitted(&guard, url), Ok(()), "{url}");
        }
        for url in [
            "http://169.254.169.254/",
            "http://0.0.0.0/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://[fe80::1]/",
            "http://[ff02::1]/",
            "http://[::]/",
        ] {
            assert!(
                matches!(admitted(&guard, url), Err(Refused::Address(_))),
                "{url}"
            );
        }
        assert!(matches!(
            admitted(&leading_to(&PUBLIC, &["10.20.0.0/16"]), "http://10.21.0.1/"),
            Err(Refused::Address(_))
        ));
    }

    #[test]
    fn schemes_ports_users_and_lengths_are_ruled_by_form() {
        assert_eq!(
            Target::parse("http://example.com/", Schemes::HttpsOnly),
            Err(Refused::Scheme)
        );
        for url in [
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "example.com",
            "/hook",
            "https:///hook",
            "",
            "javascript:alert(1)",
        ] {
            assert_eq!(form(url), Err(Refused::Form), "{url}");
        }
        for url in [
            "https://user@example.com/",
            "https://user:secret@example.com/",
            "https://example.com@10.0.0.1/",
            "https://@example.com/",
        ] {
            assert_eq!(form(url), Err(Refused::Userinfo), "{url}");
        }
        for (url, port) in [
            ("https://example.com:22/", 22),
            ("https://example.com:25/", 25),
            ("https://example.com:1023/", 1023),
            ("https://example.com:0/", 0),
        ] {
            assert_eq!(form(url), Err(Refused::Port(port)), "{url}");
        }
        for url in [
            "https://example.com:65536/",
            "https://example.com:/",
            "https://example.com/#x",
            "https://exa mple.com/",
            "https://example.com\\@10.0.0.1/",
            "https://example.com/\r\nHost: x",
        ] {
            assert_eq!(form(url), Err(Refused::Form), "{url}");
        }
        let long = format!("https://example.com/{}", "x".repeat(2_048));
        assert_eq!(form(&long), Err(Refused::TooLong { max: 2_048 }));
    }

    #[test]
    fn a_target_prints_neither_path_nor_query() {
        let shown = format!(
            "{:?}",
            form("https://example.com/hook/s3cret?token=s3cret").unwrap()
        );
        assert_eq!(shown, "https://example.com/...");
    }
}
