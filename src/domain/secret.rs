//! Secrets: the master key and what follows from it, API keys, tokens of links and sessions, webhooks' secrets.
//!
//! None of them shows itself in `Debug`, all leave memory when dropped, and comparing takes the same time whatever differs.

use super::environment::Environment;
use super::ids::RecipientId;
use ring::{aead, hkdf, hmac};
use std::fmt;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

mod tokens;

pub use tokens::{ApiKey, InvalidApiKey, InvalidToken, InvalidWebhookSecret, Token, WebhookSecret};

/// The one secret from which all others are made or under which they are kept: 32 bytes.
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// What a derived key is for. Each gets its own key, so that none can be played against another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Fingerprints of API keys.
    ApiKey,
    /// Tokens of recipients' links.
    Link,
    /// Nonces of the gate and one-time tokens of forms.
    Nonce,
    /// Tokens against forged requests, bound to a session.
    Csrf,
    /// Secrets that must be read back: private keys, webhooks' secrets.
    Storage,
    /// Stored replies that carry a secret.
    Idempotency,
    /// Telling one master key from another.
    Instance,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::ApiKey => b"api-key",
            Self::Link => b"link",
            Self::Nonce => b"nonce",
            Self::Csrf => b"csrf",
            Self::Storage => b"storage",
            Self::Idempotency => b"idempotency",
            Self::Instance => b"instance",
        }
    }
}

struct Bytes32;

impl hkdf::KeyType for Bytes32 {
    fn len(&self) -> usize {
        32
    }
}

/// HKDF-SHA-256 (RFC 5869).
fn derive(secret: &[u8; 32], info: &[&[u8]]) -> Key {
    let mut key = Zeroizing::new([0; 32]);
    let derived = hkdf::Salt::new(hkdf::HKDF_SHA256, b"paraph-v1")
        .extract(secret)
        .expand(info, Bytes32)
        .and_then(|okm| okm.fill(&mut key[..]));
    // It fails for outputs beyond 255 blocks alone; this is one.
    assert!(derived.is_ok(), "HKDF gave no 32 bytes");
    Key(key)
}

impl MasterKey {
    /// From its 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The 32 bytes, for the file or credential that keeps them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key for one purpose.
    pub fn key(&self, purpose: Purpose) -> Key {
        derive(&self.0, &[purpose.label()])
    }
}

/// A derived key: 32 bytes.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

/// Something that this key did not seal, or that was changed or moved since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("can't be opened with this key: made with another master key, or changed since")]
pub struct Unopenable;

const NONCE_BYTES: usize = aead::NONCE_LEN;

impl Key {
    /// A key of its own for `context`; parts are told apart by their lengths.
    pub fn narrowed(&self, context: &[&[u8]]) -> Self {
        let info: Vec<u8> = context
            .iter()
            .flat_map(|part| {
                (part.len() as u64)
                    .to_be_bytes()
                    .into_iter()
                    .chain(part.iter().copied())
            })
            .collect();
        derive(&self.0, &[&info])
    }

    /// HMAC-SHA-256 of `message`.
    pub fn mac(&self, message: &[u8]) -> [u8; 32] {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.0[..]), message);
        let mut out = [0; 32];
        out.copy_from_slice(tag.as_ref());
        out
    }

    /// Whether `mac` is that of `message`; in constant time.
    pub fn verify(&self, message: &[u8], mac: &[u8]) -> bool {
        self.mac(message)[..].ct_eq(mac).into()
    }

    /// AES-256-GCM (NIST SP 800-38D): nonce, ciphertext and tag in one. `nonce` is fresh random bytes; `associated` binds the
    /// result to its place, the id of its row.
    pub fn seal(&self, nonce: [u8; NONCE_BYTES], associated: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(NONCE_BYTES + plain.len() + aead::MAX_TAG_LEN);
        sealed.extend_from_slice(&nonce);
        let mut text = Zeroizing::new(plain.to_vec());
        let tag = self.cipher().seal_in_place_separate_tag(
            aead::Nonce::assume_unique_for_key(nonce),
            aead::Aad::from(associated),
            &mut text,
        );
        sealed.extend_from_slice(&text);
        match tag {
            Ok(tag) => sealed.extend_from_slice(tag.as_ref()),
            // Only texts beyond 64 GiB fail; what is sealed here are keys and replies.
            Err(ring::error::Unspecified) => unreachable!("a text too long to seal"),
        }
        sealed
    }

    /// What [`Key::seal`] sealed.
    ///
    /// # Errors
    /// [`Unopenable`] where a byte, the key or the place differs.
    pub fn open(&self, associated: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopenable> {
        let (nonce, rest) = sealed
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(Unopenable)?;
        let mut text = Zeroizing::new(rest.to_vec());
        let len = self
            .cipher()
            .open_in_place(
                aead::Nonce::assume_unique_for_key(*nonce),
                aead::Aad::from(associated),
                &mut text,
            )
            .map_err(|_| Unopenable)?
            .len();
        text.truncate(len);
        Ok(text)
    }

    fn cipher(&self) -> aead::LessSafeKey {
        match aead::UnboundKey::new(&aead::AES_256_GCM, &self.0[..]) {
            Ok(key) => aead::LessSafeKey::new(key),
            Err(ring::error::Unspecified) => unreachable!("AES-256 takes 32 bytes"),
        }
    }

    /// The token of a recipient's link. Another generation gives another token.
    pub fn link_token(
        &self,
        environment: Environment,
        recipient: RecipientId,
        generation: u32,
    ) -> Token {
        // Each part has a fixed width, so no two triples give one message.
        let mut message = format!("{environment}{recipient}").into_bytes();
        message.extend_from_slice(&generation.to_be_bytes());
        Token::from_bytes(self.mac(&message))
    }
}

macro_rules! redacted {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }
    )*};
}

redacted!(MasterKey Key Token ApiKey WebhookSecret);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Timestamp;

    fn master() -> MasterKey {
        MasterKey::from_bytes([7; 32])
    }

    fn counting() -> impl FnMut(&mut [u8]) {
        let mut n = 0u8;
        move |bytes| {
            for b in bytes {
                n = n.wrapping_mul(29).wrapping_add(71);
                *b = n;
            }
        }
    }

    #[test]
    fn every_purpose_and_every_context_has_its_own_key() {
        let macs: std::collections::BTreeSet<[u8; 32]> = [
            Purpose::ApiKey,
            Purpose::Link,
            Purpose::Nonce,
            Purpose::Csrf,
            Purpose::Storage,
            Purpose::Idempotency,
        ]
        .into_iter()
        .map(|p| master().key(p).mac(b"x"))
        .collect();
        assert_eq!(macs.len(), 6);
        let key = master().key(Purpose::Idempotency);
        assert_ne!(
            key.narrowed(&[b"ab", b"c"]).mac(b"x"),
            key.narrowed(&[b"a", b"bc"]).mac(b"x")
        );
    }

    #[test]
    fn what_is_sealed_opens_only_unchanged_in_its_place_with_its_key() {
        let key = master().key(Purpose::Storage);
        let sealed = key.seal([1; 12], b"row 1", b"private");
        assert_eq!(
            key.open(b"row 1", &sealed).map(|p| p.to_vec()),
            Ok(b"private".to_vec())
        );
        assert_eq!(key.open(b"row 2", &sealed), Err(Unopenable));
        assert_eq!(
            master().key(Purpose::Link).open(b"row 1", &sealed),
            Err(Unopenable)
        );
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert_eq!(key.open(b"row 1", &changed), Err(Unopenable), "byte {i}");
        }
        assert_eq!(key.open(b"row 1", &sealed[..11]), Err(Unopenable));
    }

    #[test]
    fn an_api_key_survives_its_text_and_any_slip_is_refused() {
        for environment in Environment::ALL {
            let key = ApiKey::generate(environment, &mut counting());
            let text = key.expose();
            assert_eq!(text.len(), 44);
            assert_eq!(
                ApiKey::parse(text).map(|k| k.environment()),
                Ok(environment)
            );
            assert!(text.ends_with(key.last4()) && text.starts_with(key.shown_prefix()));
            for i in 0..text.len() {
                let mut slip = text.as_bytes().to_vec();
                slip[i] = if slip[i] == b'a' { b'b' } else { b'a' };
                let slip = String::from_utf8(slip).expect("ASCII");
                assert!(ApiKey::parse(&slip).is_err(), "place {i}");
            }
            assert!(ApiKey::parse(&format!("{text}0")).is_err());
            assert!(ApiKey::parse(&text[..43]).is_err());
        }
        for text in ["", "sk_test_", "sk_", "é", "sk_live_éééééééééééééééééé"] {
            assert!(ApiKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_fingerprint_tells_nothing_without_the_master_key() {
        let key = ApiKey::generate(Environment::Test, &mut counting());
        let other = MasterKey::from_bytes([8; 32]);
        assert_ne!(
            key.fingerprint(&master().key(Purpose::ApiKey)),
            key.fingerprint(&other.key(Purpose::ApiKey))
        );
    }

    #[test]
    fn each_world_recipient_and_generation_has_its_own_link() {
        let key = master().key(Purpose::Link);
        let ana = RecipientId::new(Timestamp::from_millis(1), [1; 10]);
        let ben = RecipientId::new(Timestamp::from_millis(1), [2; 10]);
        let token = key.link_token(Environment::Live, ana, 1);
        assert_eq!(token.expose().len(), 43);
        assert!(token.matches(&key.link_token(Environment::Live, ana, 1)));
        assert!(Token::parse(token.expose()).is_ok_and(|t| t.matches(&token)));
        for other in [
            key.link_token(Environment::Test, ana, 1),
            key.link_token(Environment::Live, ben, 1),
            key.link_token(Environment::Live, ana, 2),
        ] {
            assert!(!token.matches(&other));
            assert_ne!(token.fingerprint(), other.fingerprint());
        }
    }

    #[test]
    fn a_token_has_one_spelling() {
        let text = Token::from_bytes([0; 32]).expose().to_owned();
        assert!(Token::parse(&text).is_ok());
        // The last character's low bits carry nothing: setting them would name the same bytes twice.
        let twin = format!("{}B", &text[..42]);
        for text in [
            twin.as_str(),
            &text[..42],
            "",
            "../../etc/passwd",
            &format!("{text}="),
        ] {
            assert!(Token::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_secret_shows_in_debug() {
        let key = ApiKey::generate(Environment::Test, &mut counting());
        let secret = WebhookSecret::from_bytes([9; 32]);
        let shown = format!(
            "{:?} {key:?} {secret:?} {:?} {:?}",
            master(),
            master().key(Purpose::Link),
            Token::from_bytes([1; 32])
        );
        assert_eq!(
            shown,
            "MasterKey(redacted) ApiKey(redacted) WebhookSecret(redacted) Key(redacted) Token(redacted)"
        );
    }
}
