//! Verifies signatures by a foreign public key: which key and algorithm go together, and ring's answer.

use crate::pki::der;
use crate::pki::oid;
use crate::pki::read::{self, Reader};
use ring::digest;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};

/// A SHA-2 hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// By its AlgorithmIdentifier; parameters must be absent or NULL (RFC 5754).
    pub(super) fn from_identifier(algorithm: &read::Algorithm<'_>) -> Option<Self> {
        if !algorithm.has_no_parameters() {
            return None;
        }
        match algorithm.oid {
            oid::SHA256 => Some(Self::Sha256),
            oid::SHA384 => Some(Self::Sha384),
            oid::SHA512 => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The digest of `bytes`.
    pub(super) fn digest(self, bytes: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes)
    }

    /// Length of a digest in bytes.
    fn bytes(self) -> u32 {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// Why a signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    /// The algorithm, key or their pairing is none that is judged here.
    Unsupported(&'static str),
    /// It is not that key's signature of that message.
    Wrong,
}

enum Scheme {
    Ecdsa(Hash),
    Pkcs1(Hash),
    Pss(Hash),
}

/// Verifies a certificate's or revocation list's signature.
pub(super) fn verify(
    public_key_info: &[u8],
    algorithm: &read::Algorithm<'_>,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Rejected> {
    by_scheme(public_key_info, scheme(algorithm)?, message, signature)
}

/// Verifies a SignerInfo's signature, where plain rsaEncryption stands for PKCS#1 v1.5 with the digest algorithm `hash` (RFC 3370, 3.2), and
/// where the signature's hash must be the digest algorithm's.
pub(super) fn verify_cms(
    public_key_info: &[u8],
    algorithm: &read::Algorithm<'_>,
    hash: Hash,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Rejected> {
    let scheme = if algorithm.oid == oid::RSA && algorithm.has_no_parameters() {
        Scheme::Pkcs1(hash)
    } else {
        scheme(algorithm)?
    };
    let (Scheme::Ecdsa(used) | Scheme::Pkcs1(used) | Scheme::Pss(used)) = scheme;
    if used != hash {
        return Err(Rejected::Unsupported(
            "a signature with another hash than the digest's",
        ));
    }
    by_scheme(public_key_info, scheme, message, signature)
}

fn scheme(algorithm: &read::Algorithm<'_>) -> Result<Scheme, Rejected> {
    const UNKNOWN: Rejected = Rejected::Unsupported("this signature algorithm");
    if algorithm.oid == oid::RSA_PSS {
        return pss_hash(algorithm).map(Scheme::Pss).ok_or(UNKNOWN);
    }
    let (scheme, may_be_null) = match algorithm.oid {
        oid::ECDSA_SHA256 => (Scheme::Ecdsa(Hash::Sha256), false),
        oid::ECDSA_SHA384 => (Scheme::Ecdsa(Hash::Sha384), false),
        oid::RSA_SHA256 => (Scheme::Pkcs1(Hash::Sha256), true),
        oid::RSA_SHA384 => (Scheme::Pkcs1(Hash::Sha384), true),
        oid::RSA_SHA512 => (Scheme::Pkcs1(Hash::Sha512), true),
        _ => return Err(UNKNOWN),
    };
    let fits = if may_be_null {
        algorithm.has_no_parameters()
    } else {
        algorithm.parameters.is_none()
    };
    if fits { Ok(scheme) } else { Err(UNKNOWN) }
}

/// RSASSA-PSS-params (RFC 4055, 3.1) as ring verifies them: hash and MGF1 hash alike, salt as long as the hash, trailer 1.
fn pss_hash(algorithm: &read::Algorithm<'_>) -> Option<Hash> {
    const WHAT: &str = "PSS parameters";
    let mut r = Reader::whole(algorithm.parameters?.whole, der::SEQUENCE, WHAT).ok()?;
    // The defaults are SHA-1's, so all three must be written.
    let mut hash = r.enter(der::constructed(0)).ok()?;
    let hash_algorithm = hash.algorithm().ok()?;
    hash.finish().ok()?;
    let mut mask = r.enter(der::constructed(1)).ok()?;
    let mask_algorithm = mask.algorithm().ok()?;
    mask.finish().ok()?;
    let mut salt = r.enter(der::constructed(2)).ok()?;
    let salt_bytes = salt.small_integer().ok()?;
    salt.finish().ok()?;
    if let Some(trailer) = r.optional(der::constructed(3)).ok()? {
        let mut trailer = Reader::new(trailer.contents, WHAT);
        if trailer.small_integer().ok()? != 1 {
            return None;
        }
        trailer.finish().ok()?;
    }
    r.finish().ok()?;
    let hash = Hash::from_identifier(&hash_algorithm)?;
    let mask_hash = Reader::new(mask_algorithm.parameters?.whole, WHAT)
        .algorithm()
        .ok()?;
    (mask_algorithm.oid == oid::MGF1
        && Hash::from_identifier(&mask_hash) == Some(hash)
        && salt_bytes == hash.bytes())
    .then_some(hash)
}

fn by_scheme(
    public_key_info: &[u8],
    scheme: Scheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Rejected> {
    const KEY: Rejected = Rejected::Unsupported("this kind of public key");
    let mut r = Reader::whole(public_key_info, der::SEQUENCE, "public key").map_err(|_| KEY)?;
    let kind = r.algorithm().map_err(|_| KEY)?;
    let key = r.bit_string().map_err(|_| KEY)?;
    r.finish().map_err(|_| KEY)?;

    let verification: &dyn VerificationAlgorithm = match scheme {
        Scheme::Ecdsa(hash) => {
            let curve = kind
                .parameters
                .and_then(|value| Reader::new(value.whole, "curve").object_identifier().ok());
            match (kind.oid, curve, hash) {
                (oid::EC_PUBLIC_KEY, Some(oid::P256), Hash::Sha256) => &ECDSA_P256_SHA256_ASN1,
                (oid::EC_PUBLIC_KEY, Some(oid::P256), Hash::Sha384) => &ECDSA_P256_SHA384_ASN1,
                (oid::EC_PUBLIC_KEY, Some(oid::P384), Hash::Sha256) => &ECDSA_P384_SHA256_ASN1,
                (oid::EC_PUBLIC_KEY, Some(oid::P384), Hash::Sha384) => &ECDSA_P384_SHA384_ASN1,
                _ => return Err(KEY),
            }
        }
        Scheme::Pkcs1(hash) if kind.oid == oid::RSA && kind.has_no_parameters() => match hash {
            Hash::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
            Hash::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
            Hash::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
        },
        Scheme::Pss(hash) if kind.oid == oid::RSA && kind.has_no_parameters() => match hash {
            Hash::Sha256 => &RSA_PSS_2048_8192_SHA256,
            Hash::Sha384 => &RSA_PSS_2048_8192_SHA384,
            Hash::Sha512 => &RSA_PSS_2048_8192_SHA512,
        },
        Scheme::Pkcs1(_) | Scheme::Pss(_) => return Err(KEY),
    };
    if kind.oid == oid::RSA {
        check_rsa_size(key)?;
    }
    UnparsedPublicKey::new(verification, key)
        .verify(message, signature)
        .map_err(|_| Rejected::Wrong)
}

/// ring answers a short key like a wrong signature; one says "cannot tell", the other "forged".
fn check_rsa_size(key: &[u8]) -> Result<(), Rejected> {
    const KEY: Rejected = Rejected::Unsupported("an RSA key outside 2048 to 8192 bits");
    let mut r = Reader::whole(key, der::SEQUENCE, "RSA key").map_err(|_| KEY)?;
    let modulus = r.integer().map_err(|_| KEY)?;
    let modulus = match modulus {
        [0, digits @ ..] => digits,
        digits => digits,
    };
    let zeros = modulus.first().map_or(0, |first| first.leading_zeros());
    let bits = (modulus.len() * 8).saturating_sub(zeros as usize);
    if (2048..=8192).contains(&bits) {
        Ok(())
    } else {
        Err(KEY)
    }
}
