//! Keys derived from the master key, one for each purpose.

use super::envelopes::Links;
use crate::domain::digest::Digest;
use crate::domain::ids::KeyId;
use crate::domain::secret::{ApiKey, Key, MasterKey, Purpose};

/// All derived keys. Cheap to clone; wiped on drop.
#[derive(Clone)]
pub struct Keyring {
    api_key: Key,
    link: Key,
    nonce: Key,
    csrf: Key,
    storage: Key,
    idempotency: Key,
    instance: Digest,
}

impl Keyring {
    /// Derives them.
    pub fn new(master: &MasterKey) -> Self {
        Self {
            api_key: master.key(Purpose::ApiKey),
            link: master.key(Purpose::Link),
            nonce: master.key(Purpose::Nonce),
            csrf: master.key(Purpose::Csrf),
            storage: master.key(Purpose::Storage),
            idempotency: master.key(Purpose::Idempotency),
            instance: Digest::from_bytes(master.key(Purpose::Instance).mac(b"fingerprint")),
        }
    }

    /// What the master key leaves behind in its database: tells it from another, and nothing of it.
    pub fn fingerprint(&self) -> Digest {
        self.instance
    }

    /// Under which an API key is stored and found.
    pub fn api_key_fingerprint(&self, key: &ApiKey) -> Digest {
        key.fingerprint(&self.api_key)
    }

    /// Makes recipients' links under this address.
    pub fn links(&self, public_url: &str) -> Links {
        Links {
            key: self.link.clone(),
            public_url: public_url.to_owned(),
        }
    }

    /// For nonces of the gate and one-time tokens of forms.
    pub fn nonce(&self) -> &Key {
        &self.nonce
    }

    /// For tokens against forged requests.
    pub fn csrf(&self) -> &Key {
        &self.csrf
    }

    /// For secrets that must be read back.
    pub fn storage(&self) -> &Key {
        &self.storage
    }

    /// For a reply that carries a secret: without the Idempotency-Key it can't be read.
    pub fn reply(&self, idempotency_key: &str, caller: KeyId) -> Key {
        self.idempotency
            .narrowed(&[idempotency_key.as_bytes(), caller.to_string().as_bytes()])
    }
}
