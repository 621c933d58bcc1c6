//! Files on their way into the vault: durable first, then named by a row; given up where it comes to no row.

use super::{App, Error};
use crate::domain::digest::Digest;
use crate::domain::environment::Environment;
use crate::vault::Received;

/// A durable file that only its intent names so far. The transaction that names it settles the intent, and then
/// [`Intent::settled`] is said; dropped before, the file is given up: where nothing else names it, housekeeping removes it.
#[must_use = "a file whose intent is dropped is given up"]
pub(crate) struct Intent<'a> {
    app: &'a App,
    environment: Environment,
    digest: Digest,
    is_open: bool,
}

impl App {
    /// Makes a received file durable under its name.
    pub(crate) fn keep_file(
        &self,
        environment: Environment,
        mut received: Received,
    ) -> Result<Intent<'_>, Error> {
        let digest = received.digest();
        // The intent's commit and the file's flush run side by side.
        let intended = self
            .store
            .begin_write(move |tx| tx.intend(environment, &digest).map_err(Error::from))?;
        let flushed = self.vault.flush(&mut received);
        intended.wait()?;
        let intent = Intent {
            app: self,
            environment,
            digest,
            is_open: true,
        };
        flushed?;
        self.vault.put(environment, received)?;
        Ok(intent)
    }
}

impl Intent<'_> {
    /// The file.
    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }

    /// The transaction that settled it is committed.
    pub(crate) fn settled(mut self) {
        self.is_open = false;
    }
}

impl Drop for Intent<'_> {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        let (environment, digest) = (self.environment, self.digest);
        let given_up = self
            .app
            .store
            .begin_write(move |tx| tx.settle(environment, &digest).map_err(Error::from));
        // Nobody waits for it. Where the store takes nothing now, housekeeping finds the intent when it is old.
        if let Err(error) = given_up {
            tracing::warn!(%error, "a file that is not needed is given up later");
        }
    }
}
