//! What an API key may.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// One right.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum Scope {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Scope {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// As on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

scopes! {
    /// See documents.
    DocumentsRead = "documents:read",
    /// Upload and delete documents.
    DocumentsWrite = "documents:write",
    /// See envelopes, download what they hold.
    EnvelopesRead = "envelopes:read",
    /// Make, send and withdraw envelopes; see signing links.
    EnvelopesWrite = "envelopes:write",
    /// See webhooks.
    WebhooksRead = "webhooks:read",
    /// Register and remove webhooks.
    WebhooksWrite = "webhooks:write",
    /// See API keys.
    KeysRead = "keys:read",
    /// Make and revoke API keys.
    KeysWrite = "keys:write",
    /// See whose appliance it is.
    AccountRead = "account:read",
}

impl Scope {
    /// Names of the API that this version refuses with `not_available`.
    pub const WAITING: [&'static str; 2] = ["templates:read", "templates:write"];
}

/// Why a text is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a scope")]
pub struct InvalidScope;

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        Self::ALL
            .iter()
            .copied()
            .find(|s| s.as_str() == text)
            .ok_or(InvalidScope)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// All rights of one key.
#[derive(Clone, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// What a key gets that was made without a list: everything but the keys themselves.
    pub fn usual() -> Self {
        Scope::ALL
            .iter()
            .copied()
            .filter(|s| !matches!(s, Scope::KeysRead | Scope::KeysWrite))
            .collect()
    }

    /// Everything.
    pub fn all() -> Self {
        Scope::ALL.iter().copied().collect()
    }

    /// Whether `scope` is among them.
    pub fn allow(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// What of `wanted` is not among them: a key can't make a wider one.
    pub fn lacking(&self, wanted: &Self) -> Vec<Scope> {
        wanted.0.difference(&self.0).copied().collect()
    }

    /// In their fixed order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_made_without_a_list_can_do_everything_but_keys() {
        let usual = Scopes::usual();
        assert!(usual.allow(Scope::EnvelopesWrite) && usual.allow(Scope::AccountRead));
        assert_eq!(
            usual.lacking(&Scopes::all()),
            [Scope::KeysRead, Scope::KeysWrite]
        );
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(*scope));
        }
    }
}
