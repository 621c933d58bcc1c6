//! Small values that belong to the appliance as a whole.

use super::error::Error;
use super::tx::{ReadTx, WriteTx};
use rusqlite::params;

/// Names of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setting {
    /// Tells one appliance from another: the fingerprint of its master key.
    Instance,
    /// The organisation, as the API's only workspace: its id.
    Workspace,
    /// What the current seal certificate was made for; when this changes a new one is made.
    SealSubject,
    /// The first test key was shown.
    Welcomed,
}

impl Setting {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Workspace => "workspace",
            Self::SealSubject => "seal_subject",
            Self::Welcomed => "welcomed",
        }
    }
}

impl ReadTx<'_> {
    /// The value, if it was ever set.
    pub fn setting(&self, setting: Setting) -> Result<Option<String>, Error> {
        self.find(
            "SELECT value FROM setting WHERE name = ?1",
            [setting.as_str()],
            |r| Ok(r.get(0)?),
        )
    }
}

impl WriteTx<'_> {
    /// Sets the value.
    pub fn set(&self, setting: Setting, value: &str) -> Result<(), Error> {
        self.run(
            "INSERT INTO setting (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            params![setting.as_str(), value],
        )?;
        Ok(())
    }
}
