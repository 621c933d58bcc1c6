//! Keys, certificates and CMS signatures: what makes a sealed file's author provable.
//!
//! What we make is written by a small TLV writer ([`der`]), so that every byte of a certificate, a revocation list or a signature
//! is decided here. What others made is read by [`read`], which stands on the `der` crate's primitives, keeps every part as
//! the slice it was, and takes nothing but DER. ring signs and verifies.
//!
//! In reading order: [`key`] (keys and the [`Signer`] seam), [`name`], [`ca`] (the appliance's own authority), [`cms`] (the signature
//! value of a PDF), [`certificate`] (a view of foreign bytes), [`chain`] (from a signer to a trusted root) and [`revocation`] (lists).
//!
//! All input is hostile: every reader has a bound in bytes and in items, nothing recurses, nothing panics.

#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

pub mod ca;
pub mod certificate;
pub mod chain;
pub mod cms;
pub mod der;
pub mod key;
pub mod name;
pub mod oid;
pub mod pem;
mod public_key;
pub mod read;
pub mod revocation;

#[cfg(test)]
mod testing;

pub use key::{Algorithm, SignError, Signer, SoftwareKey, SoftwareSigner};

/// Why a certificate, list or signature could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Bytes that were handed in are not the DER structure named.
    #[error(transparent)]
    Malformed(#[from] read::Malformed),
    /// A private key is not PKCS#8 of the wanted kind, or its halves don't belong together.
    #[error("the private key is not a usable PKCS#8 key: {0}")]
    KeyRejected(&'static str),
    /// The certificate names another public key than the private key's.
    #[error("the certificate belongs to another key")]
    KeyMismatch,
    /// A name, country or address that no certificate may carry; says which and why.
    #[error("{what} cannot stand in a certificate: {why}")]
    Text {
        /// The part: `organisation`, `country`, `public_url`.
        what: &'static str,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// The authority's certificate is no certificate of an authority, or is over.
    #[error("the authority cannot issue: {0}")]
    Authority(&'static str),
    /// What was asked for exists in the standard, not here.
    #[error("not available: {0}")]
    NotAvailable(&'static str),
    /// The key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}
