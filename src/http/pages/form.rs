//! Bodies of forms: `application/x-www-form-urlencoded` (WHATWG URL, section 5) and the parts of a multipart body.

/// The most pairs that a form may have: as many fields as an envelope may hold, twice (tick boxes send two), and some.
const PAIRS_MAX: usize = 4_200;

/// The body is no form that a page of ours could have sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the form arrived incomplete")]
pub struct BadForm;

/// Names and values, in the order sent.
#[derive(Clone, Debug, Default)]
pub struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// Reads a URL-encoded body. What is no UTF-8, or has too many pairs, is no form of ours. The caller bounds its length.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        let mut pairs = Vec::new();
        for pair in body.split(|b| *b == b'&').filter(|p| !p.is_empty()) {
            if pairs.len() == PAIRS_MAX {
                return Err(BadForm);
            }
            let mut halves = pair.splitn(2, |b| *b == b'=');
            let name = decode(halves.next().unwrap_or_default())?;
            let value = decode(halves.next().unwrap_or_default())?;
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// The last value of this name: a tick box follows its hidden empty twin.
    pub fn last(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .rev()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// As [`Form::last`], with white space at both ends taken off and `""` for what is absent.
    pub fn trimmed(&self, name: &str) -> &str {
        self.last(name).unwrap_or_default().trim()
    }

    /// All values of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// All pairs.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }
}

/// A part of a multipart body (RFC 7578), as the server's reader hands it over.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The name in `Content-Disposition`.
    pub name: String,
    /// The content; the reader bounds it.
    pub bytes: Vec<u8>,
}

fn decode(text: &[u8]) -> Result<String, BadForm> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let pair = [rest.next().copied(), rest.next().copied()];
                let [Some(high), Some(low)] = pair else {
                    return Err(BadForm);
                };
                out.push(nibble(high)? << 4 | nibble(low)?);
            }
            other => out.push(*other),
        }
    }
    String::from_utf8(out).map_err(|_| BadForm)
}

fn nibble(digit: u8) -> Result<u8, BadForm> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(BadForm),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded_and_the_last_value_of_a_name_wins() {
        let form = Form::parse(b"a=1&b=caf%C3%A9+au+lait&a=2&c").expect("a form");
        assert_eq!(form.last("a"), Some("2"));
        assert_eq!(form.last("b"), Some("café au lait"));
        assert_eq!(form.last("c"), Some(""));
        assert_eq!(form.last("d"), None);
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn broken_escapes_foreign_bytes_and_floods_are_refused() {
        for body in [&b"a=%4"[..], b"a=%zz", b"a=\xff", b"%=1"] {
            assert!(Form::parse(body).is_err(), "{body:?}");
        }
        assert!(Form::parse(&b"a=1&".repeat(PAIRS_MAX + 1)).is_err());
        assert!(Form::parse(&b"a=1&".repeat(PAIRS_MAX)).is_ok());
    }
}
