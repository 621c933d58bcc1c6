//! `public_url`: the address that all links carry.

use std::net::IpAddr;
use ureq::http::Uri;

/// An address of this appliance, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PublicUrl {
    /// Without the last slash.
    pub(super) text: String,
    pub(super) is_https: bool,
    pub(super) is_loopback: bool,
}

impl PublicUrl {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, as half a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "an address as in \"https://sign.example.com\" is wanted";
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(
                "the address has blanks or letters beyond ASCII; write an international name in its xn-- form",
            );
        }
        if text.contains(['?', '#']) {
            return Err("the address can't have a query or a fragment");
        }
        let uri: Uri = text.parse().map_err(|_| FORM)?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(FORM),
        };
        let authority = uri.authority().ok_or(FORM)?;
        if authority.as_str().contains('@') {
            return Err("the address can't carry a user or a password");
        }
        let host = authority.host();
        // The parser lets any digits stand as a port.
        let port = authority.as_str().strip_prefix(host).unwrap_or_default();
        let is_port = |text: &str| text.parse::<u16>().is_ok_and(|n| n > 0);
        if host.is_empty() || !(port.is_empty() || port.strip_prefix(':').is_some_and(is_port)) {
            return Err(FORM);
        }
        if uri
            .path()
            .split('/')
            .any(|part| part == "." || part == "..")
            || uri.path().contains("//")
        {
            return Err("the path of the address must be plain");
        }
        Ok(Self {
            text: text.trim_end_matches('/').to_owned(),
            is_https,
            is_loopback: is_loopback(host),
        })
    }
}

/// Whether `host`, a name or an address (IPv6 in brackets or not), is this machine by its form alone.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = bare.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_path_and_loses_its_last_slash() {
        let url = PublicUrl::parse("https://sign.example.com/paraph/").unwrap();
        assert_eq!(
            (url.text.as_str(), url.is_https, url.is_loopback),
            ("https://sign.example.com/paraph", true, false)
        );
        assert_eq!(
            PublicUrl::parse("http://127.0.0.1:8080").unwrap().text,
            "http://127.0.0.1:8080"
        );
    }

    #[test]
    fn loopback_is_known_by_name_and_by_number() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "sign.localhost",
            "127.9.9.9",
            "[::1]",
            "::1",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "localhost.example.com",
            "10.0.0.1",
            "[2001:db8::1]",
            "notlocalhost",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn what_no_link_could_carry_is_refused() {
        for text in [
            "",
            "sign.example.com",
            "ftp://sign.example.com",
            "https://",
            "https://a b",
            "https://münchen.example",
            "https://user@sign.example.com",
            "https://sign.example.com?x=1",
            "https://sign.example.com#top",
            "https://sign.example.com/a/../b",
            "https://sign.example.com//",
            "https://sign.example.com:0",
            "https://sign.example.com:99999",
        ] {
            assert!(PublicUrl::parse(text).is_err(), "{text}");
        }
    }
}
