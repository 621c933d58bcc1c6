//! Private keys, and the seam behind which they may live elsewhere.
//!
//! A key in this process is a [`SoftwareKey`]; one in a hardware module will be another [`Signer`]. Nothing above this module sees
//! more of a key than its algorithm, its certificates and what it signed.

use crate::pki::certificate::Certificate;
use crate::pki::oid::{self, ObjectIdentifier};
use crate::pki::{Error, der};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _,
};
use std::fmt;
use zeroize::Zeroizing;

/// How a key signs: the algorithm and the hash that goes with it, for the content too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 5758): the appliance's own.
    EcdsaP256Sha256,
}

impl Algorithm {
    /// The AlgorithmIdentifier of the signature, as it stands in certificates, revocation lists and SignerInfo.
    pub fn signature_identifier(self) -> Vec<u8> {
        match self {
            Self::EcdsaP256Sha256 => der::algorithm(oid::ECDSA_SHA256),
        }
    }

    /// The hash of content and signed attributes.
    pub fn digest_identifier(self) -> ObjectIdentifier {
        match self {
            Self::EcdsaP256Sha256 => oid::SHA256,
        }
    }
}

/// The key did not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key exists but could not be used now; trying later may help.
    #[error("the signing key is not available: {0}")]
    Unavailable(&'static str),
    /// The key refused for good.
    #[error("the signing key refused: {0}")]
    Refused(&'static str),
}

/// Something that signs with one key, and the certificates that say whose it is.
pub trait Signer: Send + Sync {
    /// How it signs.
    fn algorithm(&self) -> Algorithm;

    /// The signer's certificate, DER as it was issued or imported.
    fn certificate(&self) -> &[u8];

    /// The certificates above it, DER: its issuer first, the root last. Empty where the signer's is its own root.
    fn chain(&self) -> &[Vec<u8>];

    /// Signs `signed_attributes`, the DER of a CMS SET OF Attribute, and gives the signature value as CMS wants it
    /// (for ECDSA the DER of r and s, RFC 5753).
    fn sign(&self, signed_attributes: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// A P-256 private key in this process's memory.
pub struct SoftwareKey {
    pair: EcdsaKeyPair,
    public_key_info: Vec<u8>,
    nonces: SystemRandom,
}

impl SoftwareKey {
    const SIGNING: &'static EcdsaSigningAlgorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;

    /// Makes a key and gives its PKCS#8 DER (unencrypted: it is for [`SoftwareKey::from_pkcs8`] and for sealed storage), which leaves memory
    /// when dropped.
    pub fn generate() -> Result<Zeroizing<Vec<u8>>, Error> {
        let document = EcdsaKeyPair::generate_pkcs8(Self::SIGNING, &generator())
            .map_err(|_| Error::KeyRejected("no random numbers for a new key"))?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// Takes a P-256 key from PKCS#8 v1 DER (RFC 5958) with its public half inside; refused where the halves don't belong together.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, Error> {
        let nonces = generator();
        let pair = EcdsaKeyPair::from_pkcs8(Self::SIGNING, pkcs8, &nonces)
            .map_err(|rejected| Error::KeyRejected(reason(&rejected)))?;
        let algorithm = der::sequence(&[
            &der::object_identifier(oid::EC_PUBLIC_KEY),
            &der::object_identifier(oid::P256),
        ]);
        let public_key_info =
            der::sequence(&[&algorithm, &der::bit_string(pair.public_key().as_ref())]);
        Ok(Self {
            pair,
            public_key_info,
            nonces,
        })
    }

    /// How it signs.
    pub fn algorithm(&self) -> Algorithm {
        Algorithm::EcdsaP256Sha256
    }

    /// The public half as SubjectPublicKeyInfo (RFC 5480): what a certificate is issued for.
    pub fn public_key_info(&self) -> &[u8] {
        &self.public_key_info
    }

    /// Hashes and signs `message`: a certificate's or list's body, or signed attributes. DER of r and s.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.pair
            .sign(&self.nonces, message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| SignError::Unavailable("no random numbers for a signature"))
    }
}

impl fmt::Debug for SoftwareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoftwareKey(P-256, private)")
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "key generation and ECDSA nonces take ring's own generator and no other"
)]
fn generator() -> SystemRandom {
    SystemRandom::new()
}

fn reason(rejected: &ring::error::KeyRejected) -> &'static str {
    // ring says why in a word, but only through Display; these are the words that an operator can act on.
    match rejected.to_string().as_str() {
        "InconsistentComponents" => "its public and private halves don't belong together",
        "WrongAlgorithm" => "it is no P-256 key",
        "VersionNotSupported" | "PublicKeyIsMissing" => "it is not PKCS#8 v1 with its public key",
        _ => "it is damaged or of another kind",
    }
}

/// A [`SoftwareKey`] with its certificates.
pub struct SoftwareSigner {
    key: SoftwareKey,
    certificate: Vec<u8>,
    chain: Vec<Vec<u8>>,
}

impl SoftwareSigner {
    /// Joins `key` with its `certificate` and the certificates above it (issuer first, root last). Refused where the certificate
    /// is another key's or one of them is no certificate.
    pub fn new(key: SoftwareKey, certificate: Vec<u8>, chain: Vec<Vec<u8>>) -> Result<Self, Error> {
        if Certificate::parse(&certificate)?.public_key_info != key.public_key_info() {
            return Err(Error::KeyMismatch);
        }
        for above in &chain {
            Certificate::parse(above)?;
        }
        Ok(Self {
            key,
            certificate,
            chain,
        })
    }
}

impl Signer for SoftwareSigner {
    fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    fn sign(&self, signed_attributes: &[u8]) -> Result<Vec<u8>, SignError> {
        self.key.sign(signed_attributes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_comes_back_as_the_same_key() {
        let stored = SoftwareKey::generate().expect("a key");
        let one = SoftwareKey::from_pkcs8(&stored).expect("it");
        let two = SoftwareKey::from_pkcs8(&stored).expect("it");
        assert_eq!(one.public_key_info(), two.public_key_info());
        assert_eq!(one.public_key_info().len(), 91);
        assert_ne!(
            one.sign(b"m"),
            two.sign(b"m"),
            "every signature has its own nonce"
        );
    }

    #[test]
    fn a_damaged_key_is_refused() {
        let stored = SoftwareKey::generate().expect("a key");
        let mut wrong_half = stored.to_vec();
        let last = wrong_half.len() - 1;
        wrong_half[last] ^= 1;
        assert!(SoftwareKey::from_pkcs8(&wrong_half).is_err());
        assert!(SoftwareKey::from_pkcs8(&stored[..stored.len() - 1]).is_err());
        assert!(SoftwareKey::from_pkcs8(b"").is_err());
    }

    #[test]
    fn a_key_never_shows_itself_in_debug_output() {
        let key = SoftwareKey::from_pkcs8(&SoftwareKey::generate().expect("a key")).expect("it");
        assert_eq!(format!("{key:?}"), "SoftwareKey(P-256, private)");
    }
}
