//! What leaves the appliance: webhook calls, guarded against being turned on the operator's own network, and mail by SMTP.

mod guard;
mod http;
mod smtp;

pub use guard::{Guard, Refused, Schemes, Target};
pub use http::{Failure, HttpPost, Post, Reply, RetryAfter};
pub use smtp::{Letter, Mailbox, Smtp, SmtpFailure, SmtpLogin, SmtpSettings, SmtpTls};

use std::sync::Arc;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// TLS for outgoing connections: the machine's trust anchors and `extra_roots` (DER), by ring. Where the machine has no anchor, https
/// fails for the reason that nobody vouches for the other side.
pub fn tls_config(extra_roots: &[Vec<u8>]) -> TlsConfig {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "some of the machine's trust anchors can't be read");
    }
    let roots: Vec<Certificate<'static>> = found
        .certs
        .iter()
        .map(|it| it.as_ref())
        .chain(extra_roots.iter().map(Vec::as_slice))
        .map(|der| Certificate::from_der(der).to_owned())
        .collect();
    TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build()
}
