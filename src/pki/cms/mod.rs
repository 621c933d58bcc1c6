//! The CMS signature of a PDF: PAdES baseline (ETSI EN 319 142-1), SignedData (RFC 5652), detached, one signer.
//!
//! [`sign_detached`] makes it, [`verify_detached`] judges it from its bytes alone. Whether the signer's certificate leads to a
//! trusted root is [`crate::pki::chain`]'s question.

mod sign;
mod verify;

pub use sign::{sign_detached, signature_bytes_max};
pub use verify::{VerifiedSignature, VerifyError, verify_detached, without_padding};

/// The largest CMS that is read, in bytes: `/Contents` with a long chain and time-stamps has 20 KB.
pub const CMS_BYTES_MAX: usize = 256 * 1024;

/// Certificates in one CMS that are read; more is malformed.
pub const CERTIFICATES_MAX: usize = 16;

/// Signed, or unsigned, attributes that are read; more is malformed.
pub const ATTRIBUTES_MAX: usize = 32;

#[cfg(test)]
mod tests;

#[cfg(test)]
mod foreign_tests;
