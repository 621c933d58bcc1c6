//! What strangers bring to show who they are: tokens, API keys, webhooks' secrets.

use super::Key;
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A bearer's token, of a link or a session: 32 bytes as 43 characters of base64url.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

/// Why a text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token")]
pub struct InvalidToken;

impl Token {
    /// From 32 random or derived bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads one that a stranger brings; one spelling for each.
    ///
    /// # Errors
    /// [`InvalidToken`].
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        let decoded = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidToken)?);
        if decoded.len() == 32 {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(InvalidToken)
        }
    }

    /// For the link, the cookie or the form.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Under which it is stored and found.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// Whether both are the same; in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

/// An API key: `sk_live_` or `sk_test_`, 30 random base62 characters (178 bits), 6 base62 characters of CRC-32 over all before.
/// The checksum lets a mistyped key be refused, and a leaked one be found by scanners, without asking a database.
#[derive(Clone)]
pub struct ApiKey {
    text: Zeroizing<String>,
    environment: Environment,
}

/// Why a text is no API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an API key")]
pub struct InvalidApiKey;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const KEY_RANDOM_CHARS: usize = 30;
const KEY_CHECK_CHARS: usize = 6;

const fn key_prefix(environment: Environment) -> &'static str {
    match environment {
        Environment::Live => "sk_live_",
        Environment::Test => "sk_test_",
    }
}

/// CRC-32 (ISO 3309, the one of zip and PNG).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0xedb8_8320
            } else {
                crc >> 1
            }
        })
    })
}

fn base62(mut number: u32) -> [u8; KEY_CHECK_CHARS] {
    let mut out = [b'0'; KEY_CHECK_CHARS];
    for slot in out.iter_mut().rev() {
        *slot = BASE62[(number % 62) as usize];
        number /= 62;
    }
    out
}

impl ApiKey {
    /// A new one; `fill` gives random bytes fit for keys.
    pub fn generate(environment: Environment, fill: &mut dyn FnMut(&mut [u8])) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(44));
        text.push_str(key_prefix(environment));
        let whole = text.len() + KEY_RANDOM_CHARS;
        let mut bytes = Zeroizing::new([0u8; 64]);
        while text.len() < whole {
            fill(&mut bytes[..]);
            // 248 is the largest multiple of 62 in a byte: beyond it some characters would be likelier than others.
            let fair = bytes
                .iter()
                .filter(|b| **b < 248)
                .map(|b| char::from(BASE62[usize::from(b % 62)]));
            let missing = whole - text.len();
            text.extend(fair.take(missing));
        }
        let check = base62(crc32(text.as_bytes()));
        text.extend(check.map(char::from));
        Self { text, environment }
    }

    /// Reads one that a stranger brings.
    ///
    /// # Errors
    /// [`InvalidApiKey`] where shape or checksum are wrong.
    pub fn parse(text: &str) -> Result<Self, InvalidApiKey> {
        let environment = Environment::ALL
            .into_iter()
            .find(|e| text.starts_with(key_prefix(*e)))
            .ok_or(InvalidApiKey)?;
        let body = text
            .len()
            .checked_sub(KEY_CHECK_CHARS)
            .ok_or(InvalidApiKey)?;
        if body != key_prefix(environment).len() + KEY_RANDOM_CHARS
            || !text.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric())
        {
            return Err(InvalidApiKey);
        }
        let (body, check) = text.split_at(body);
        if body[8..].contains('_') || check.as_bytes() != base62(crc32(body.as_bytes())) {
            return Err(InvalidApiKey);
        }
        Ok(Self {
            text: Zeroizing::new(text.to_owned()),
            environment,
        })
    }

    /// The key itself, to be shown once.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The world that it opens.
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// Under which it is stored and found: HMAC under the key for `Purpose::ApiKey`(super::Purpose::ApiKey).
    pub fn fingerprint(&self, key: &Key) -> Digest {
        Digest::from_bytes(key.mac(self.text.as_bytes()))
    }

    /// What lists show of its beginning: 12 characters.
    pub fn shown_prefix(&self) -> &str {
        &self.text[..12]
    }

    /// What lists show of its end: 4 characters.
    pub fn last4(&self) -> &str {
        &self.text[self.text.len() - 4..]
    }
}

/// A webhook's secret: `whsec_` and base64 of 32 random bytes.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<String>);

/// Why a text is no webhook secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a webhook secret")]
pub struct InvalidWebhookSecret;

const WEBHOOK_SECRET_PREFIX: &str = "whsec_";

impl WebhookSecret {
    /// From 32 random bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut text = Zeroizing::new(WEBHOOK_SECRET_PREFIX.to_owned());
        STANDARD.encode_string(bytes, &mut text);
        Self(text)
    }

    /// Reads a stored one.
    ///
    /// # Errors
    /// [`InvalidWebhookSecret`].
    pub fn parse(text: &str) -> Result<Self, InvalidWebhookSecret> {
        let base64 = text
            .strip_prefix(WEBHOOK_SECRET_PREFIX)
            .ok_or(InvalidWebhookSecret)?;
        let decoded = Zeroizing::new(STANDARD.decode(base64).map_err(|_| InvalidWebhookSecret)?);
        if decoded.len() == 32 {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(InvalidWebhookSecret)
        }
    }

    /// The secret itself, to be shown once or sealed.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The bytes that Standard Webhooks signs with.
    pub(in crate::domain) fn decoded(&self) -> Zeroizing<Vec<u8>> {
        // Both constructors made sure that it decodes.
        Zeroizing::new(
            STANDARD
                .decode(&self.0[WEBHOOK_SECRET_PREFIX.len()..])
                .unwrap_or_default(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_and_base62_give_the_published_check_value() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(&base62(61), b"00000z");
        assert_eq!(&base62(62), b"000010");
    }
}
