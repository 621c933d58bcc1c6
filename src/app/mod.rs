//! Use cases: what the product does for an integrator, a signer, an administrator, or for itself when a job is due.
//!
//! They block, own the transaction boundaries, and know neither HTTP nor SQL. Nothing is flushed, sent or long computed between
//! a transaction's beginning and its end.

pub mod access;
pub mod admins;
mod alarming;
pub mod auditing;
mod certificate;
pub mod delivering;
pub mod documents;
pub mod envelopes;
mod error;
pub mod file_seals;
mod finishing;
pub mod housekeeping;
pub mod idempotency;
mod keeping;
pub mod keyring;
pub mod keys;
pub mod mailing;
mod notes;
pub mod probing;
mod publishing;
pub mod sealing;
pub mod seals;
pub mod settings;
pub mod signing;
mod stamping;
mod telling;
pub mod timing;
mod trailing;
pub mod webhooks;
mod wording;
mod working;
mod zipping;

pub use error::Error;
pub use keyring::Keyring;
pub use settings::{Organisation, Settings};
pub use working::{FailedWork, Work, WorkState, caught};

use crate::ambient::{Clock, Entropy};
use crate::domain::ids::{KeyId, WorkspaceId};
use crate::domain::origin::RequestId;
use crate::domain::time::Timestamp;
use crate::outbound::{Guard, Post, Smtp};
use crate::pdf::text::Fonts;
use crate::store::{Setting, Store};
use crate::vault::Vault;
use crate::worker::Worker;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// The appliance without its web side: everything that use cases stand on.
pub struct App {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) worker: Worker,
    pub(crate) keyring: Keyring,
    pub(crate) fonts: Arc<Fonts>,
    pub(crate) post: Arc<dyn Post>,
    pub(crate) guard: Guard,
    pub(crate) mail: Option<Smtp>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) settings: Settings,
    pub(crate) workspace: WorkspaceId,
    pub(crate) heavy: Permits,
    pub(crate) sealers: seals::Sealers,
    pub(crate) running: idempotency::Running,
    pub(crate) noted: notes::Noted,
    pub(crate) tries: admins::Tries,
    pub(crate) key_uses: Mutex<HashMap<KeyId, (Timestamp, Option<IpAddr>)>>,
    ready: AtomicBool,
}

/// What an [`App`] is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The files.
    pub vault: Vault,
    /// Draws and inspects PDFs in processes of their own.
    pub worker: Worker,
    /// Keys derived from the master key.
    pub keyring: Keyring,
    /// Faces for what is stamped.
    pub fonts: Arc<Fonts>,
    /// Sends webhooks.
    pub post: Arc<dyn Post>,
    /// Judges the addresses of webhooks.
    pub guard: Guard,
    /// Sends mail; `None` captures it.
    pub mail: Option<Smtp>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// What the configuration says.
    pub settings: Settings,
}

impl App {
    /// Puts the appliance together. Nothing runs yet.
    pub fn new(parts: Parts) -> Result<Arc<Self>, Error> {
        let mut random = [0; 10];
        parts.entropy.fill(&mut random);
        let fresh = WorkspaceId::new(parts.clock.now(), random);
        let fingerprint = parts.keyring.fingerprint().to_string();
        let workspace = parts.store.write(move |tx| {
            match tx.setting(Setting::Instance)? {
                None => tx.set(Setting::Instance, &fingerprint)?,
                Some(known) if known == fingerprint => {}
                // Going on would make links and keys that the right one refuses, and lose what it alone can read.
                Some(_) => {
                    return Err(Error::internal(
                        "the database belongs to another master key than the one that was given",
                    ));
                }
            }
            if let Some(known) = tx.setting(Setting::Workspace)? {
                return known.parse().map_err(Error::internal);
            }
            tx.set(Setting::Workspace, &fresh.to_string())?;
            Ok::<_, Error>(fresh)
        })?;
        let heavy = Permits::new(std::thread::available_parallelism().map_or(1, |n| n.get()));
        Ok(Arc::new(Self {
            store: parts.store,
            vault: parts.vault,
            worker: parts.worker,
            keyring: parts.keyring,
            fonts: parts.fonts,
            post: parts.post,
            guard: parts.guard,
            mail: parts.mail,
            clock: parts.clock,
            entropy: parts.entropy,
            settings: parts.settings,
            workspace,
            heavy,
            sealers: seals::Sealers::default(),
            running: idempotency::Running::default(),
            noted: notes::Noted::default(),
            tries: admins::Tries::default(),
            key_uses: Mutex::default(),
            ready: AtomicBool::new(false),
        }))
    }

    /// A name for a request that brought none.
    pub fn new_request_id(&self) -> RequestId {
        RequestId::new(self.clock.now(), self.random())
    }

    /// The address that links begin with, without a slash at its end.
    pub fn public_url(&self) -> &str {
        &self.settings.public_url
    }

    /// Whose appliance it is.
    pub fn organisation(&self) -> &Organisation {
        &self.settings.organisation
    }

    /// The one workspace's id.
    pub fn workspace_id(&self) -> WorkspaceId {
        self.workspace
    }

    /// Bytes of one upload, at most.
    pub fn upload_bytes_max(&self) -> u64 {
        self.settings.upload_bytes_max
    }

    /// Opens or closes the door for traffic.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::SeqCst);
    }

    /// Whether requests may come: the database answers, and the server is neither starting nor stopping.
    pub fn readiness(&self) -> Result<(), Error> {
        if !self.ready.load(Ordering::SeqCst) {
            return Err(Error::Unavailable);
        }
        self.store
            .read(|tx| tx.has_admin().map(drop).map_err(Error::from))
    }

    /// The time, for those who judge what the appliance made.
    pub fn time(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }
}

/// How many may do heavy work (sealing, password hashes) at once: one for each core. Waits are bounded by the queue in front.
pub(crate) struct Permits {
    free: std::sync::Mutex<usize>,
    returned: std::sync::Condvar,
}

/// The right to use one core for long. Given back on drop.
pub(crate) struct Permit<'a>(&'a Permits);

/// How long somebody waits for a permit before being told to come again.
const PERMIT_WAIT: std::time::Duration = std::time::Duration::from_secs(10);

impl Permits {
    fn new(count: usize) -> Self {
        Self {
            free: std::sync::Mutex::new(count.max(1)),
            returned: std::sync::Condvar::new(),
        }
    }

    /// Waits for a permit, at most ten seconds.
    pub(crate) fn take(&self) -> Result<Permit<'_>, Error> {
        let free = self
            .free
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let (mut free, timeout) = self
            .returned
            .wait_timeout_while(free, PERMIT_WAIT, |free| *free == 0)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if timeout.timed_out() && *free == 0 {
            return Err(Error::Unavailable);
        }
        *free -= 1;
        Ok(Permit(self))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self
            .0
            .free
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) += 1;
        self.0.returned.notify_one();
    }
}

#[cfg(test)]
mod tests;
