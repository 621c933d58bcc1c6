//! PEM (RFC 7468): the text form that tools and people want of a certificate or revocation list.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A certificate's label.
pub const CERTIFICATE: &str = "CERTIFICATE";
/// A revocation list's label.
pub const CRL: &str = "X509 CRL";

/// `der` between the two lines that name `label`, 64 characters a line, ended by a line feed.
pub fn encode(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        // Base64 is ASCII, so every index is a boundary.
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_64_characters_long() {
        let text = encode(CERTIFICATE, &[0; 60]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "-----BEGIN CERTIFICATE-----");
        assert_eq!(lines[1].len(), 64);
        assert_eq!(lines[2].len(), 16);
        assert_eq!(lines[3], "-----END CERTIFICATE-----");
        assert!(text.ends_with("-----\n"));
    }
}
