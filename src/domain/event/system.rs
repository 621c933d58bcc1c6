//! The `system` chain's events.

use super::{EventName, Outcome};
use crate::domain::contact::EmailAddress;
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::domain::ids::{AdminId, DocumentId, KeyId, WebhookId};
use crate::domain::scope::Scope;
use crate::domain::time::Timestamp;

/// What happened on the appliance outside any envelope: the `system` chain.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "name", content = "data", rename_all_fields = "camelCase")]
pub enum SystemEvent {
    /// A document was taken in.
    #[serde(rename = "document.uploaded")]
    DocumentUploaded {
        /// Which.
        id: DocumentId,
        /// Where.
        environment: Environment,
        /// What it is called.
        document_name: String,
        /// Bytes.
        size: u64,
        /// Pages.
        pages: u32,
        /// Of the bytes as uploaded.
        sha256: Digest,
    },
    /// A document was refused; nothing was kept.
    #[serde(rename = "document.rejected")]
    DocumentRejected {
        /// Where.
        environment: Environment,
        /// What it was called.
        document_name: String,
        /// The code of the answer.
        code: String,
        /// Of the bytes as uploaded, where all of them came.
        sha256: Option<Digest>,
    },
    /// A document was deleted.
    #[serde(rename = "document.deleted")]
    DocumentDeleted {
        /// Which.
        id: DocumentId,
        /// Where.
        environment: Environment,
        /// Of the bytes as uploaded.
        sha256: Digest,
    },
    /// An API key was made.
    #[serde(rename = "key.created")]
    KeyCreated {
        /// Which.
        id: KeyId,
        /// Where.
        environment: Environment,
        /// What it is called.
        key_name: String,
        /// What it may.
        scopes: Vec<Scope>,
    },
    /// An API key was revoked.
    #[serde(rename = "key.revoked")]
    KeyRevoked {
        /// Which.
        id: KeyId,
        /// Where.
        environment: Environment,
    },
    /// A revoked key or one without the scope was used.
    #[serde(rename = "key.denied")]
    KeyDenied {
        /// Which.
        id: KeyId,
        /// Why: `revoked` or `scope`.
        reason: DeniedBecause,
    },
    /// A webhook was registered.
    #[serde(rename = "webhook.created")]
    WebhookCreated {
        /// Which.
        id: WebhookId,
        /// Where.
        environment: Environment,
        /// Where it sends to.
        url: String,
        /// What it hears of.
        events: Vec<EventName>,
    },
    /// A webhook was removed.
    #[serde(rename = "webhook.deleted")]
    WebhookDeleted {
        /// Which.
        id: WebhookId,
        /// Where.
        environment: Environment,
    },
    /// A webhook was switched off.
    #[serde(rename = "webhook.disabled")]
    WebhookDisabled {
        /// Which.
        id: WebhookId,
        /// Where.
        environment: Environment,
        /// Why.
        reason: String,
    },
    /// The first administrator set the appliance up.
    #[serde(rename = "admin.setup")]
    AdminSetup {
        /// Who.
        id: AdminId,
        /// The address to log in with.
        email: EmailAddress,
    },
    /// An administrator logged in.
    #[serde(rename = "admin.login")]
    AdminLogin {
        /// Who.
        id: AdminId,
    },
    /// Someone could not log in.
    #[serde(rename = "admin.login_failed")]
    AdminLoginFailed {
        /// As whom, where there is one; what was typed is not kept: it may be a password.
        id: Option<AdminId>,
    },
    /// An administrator logged out.
    #[serde(rename = "admin.logout")]
    AdminLogout {
        /// Who.
        id: AdminId,
    },
    /// The operator made a link that lets an administrator set another password.
    #[serde(rename = "admin.reset_link_created")]
    AdminResetLinkCreated {
        /// Who.
        id: AdminId,
    },
    /// An administrator set another password; their sessions ended.
    #[serde(rename = "admin.password_changed")]
    AdminPasswordChanged {
        /// Who.
        id: AdminId,
    },
    /// An administrator had a failed job tried again.
    #[serde(rename = "job.retried")]
    JobRetried {
        /// Which queue.
        queue: String,
        /// Which job of it.
        id: String,
    },
    /// A certificate of ours came into use.
    #[serde(rename = "cert.installed")]
    CertificateInstalled {
        /// For which environment.
        environment: Environment,
        /// What for: `ca` or `seal`.
        usage: CertificateUse,
        /// Its subject.
        subject: String,
        /// Of its DER bytes.
        sha256: Digest,
        /// When it ends.
        not_after: Timestamp,
    },
    /// The operator sealed a file at the command line, outside any envelope.
    #[serde(rename = "file.sealed")]
    FileSealed {
        /// Whose seal.
        environment: Environment,
        /// Of the bytes as given.
        sha256: Digest,
        /// Of the sealed file.
        sealed_sha256: Digest,
        /// Of the seal's certificate.
        certificate_sha256: Digest,
    },
    /// The server came up.
    #[serde(rename = "system.started")]
    SystemStarted {
        /// The operating system as it names itself.
        platform: String,
    },
    /// The server went down in order.
    #[serde(rename = "system.stopped")]
    SystemStopped,
}

/// Why a known key was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeniedBecause {
    /// It is revoked.
    Revoked,
    /// It lacks the scope.
    Scope,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateUse {
    /// Issues our certificates.
    Ca,
    /// Seals documents.
    Seal,
}

impl SystemEvent {
    /// Whether what was tried succeeded.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::DocumentRejected { .. }
            | Self::KeyDenied { .. }
            | Self::AdminLoginFailed { .. }
            | Self::WebhookDisabled { .. } => Outcome::Failure,
            _ => Outcome::Success,
        }
    }

    /// Digests of files that it vouches for.
    pub fn digests(&self) -> Vec<Digest> {
        match self {
            Self::DocumentUploaded { sha256, .. }
            | Self::DocumentDeleted { sha256, .. }
            | Self::CertificateInstalled { sha256, .. } => vec![*sha256],
            Self::FileSealed {
                sha256,
                sealed_sha256,
                ..
            } => vec![*sha256, *sealed_sha256],
            Self::DocumentRejected { sha256, .. } => sha256.iter().copied().collect(),
            _ => Vec::new(),
        }
    }
}
