//! Ids: a prefix that names the kind, and a ULID that sorts by the moment it was made.
//!
//! On the wire and in the database an id is its text, `env_01K…`. Made from a moment and ten random bytes, which the caller
//! brings; read strictly: one spelling for each id, so that comparing texts is comparing ids.

use super::time::Timestamp;
use std::fmt;
use std::str::FromStr;
use ulid::Ulid;

/// Why a text is no id of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: `{prefix}` and 26 characters are wanted")]
pub struct InvalidId {
    /// The prefix that ids of this kind begin with.
    pub prefix: &'static str,
}

/// The canonical text of a ULID: upper-case Crockford base 32, no look-alikes.
fn parse_ulid(text: &str) -> Option<Ulid> {
    let parsed = Ulid::from_string(text).ok()?;
    (parsed.to_string() == text).then_some(parsed)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// What every id of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// Made at `at` from ten random bytes.
            pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
                let random = random.iter().fold(0u128, |n, byte| n << 8 | u128::from(*byte));
                Self(Ulid::from_parts(u64::try_from(at.as_millis()).unwrap_or(0), random))
            }

            /// When it was made.
            pub fn made_at(&self) -> Timestamp {
                Timestamp::from_millis(i64::try_from(self.0.timestamp_ms()).unwrap_or(i64::MAX))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(self.0.array_to_str(&mut [0; ulid::ULID_LEN]))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix)
                    .and_then(parse_ulid)
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// An uploaded document.
    DocumentId = "doc_";
    /// An envelope.
    EnvelopeId = "env_";
    /// One recipient of one envelope.
    RecipientId = "rcp_";
    /// One field of one envelope.
    FieldId = "fld_";
    /// A registered webhook.
    WebhookId = "whk_";
    /// One webhook's copy of one event.
    DeliveryId = "dlv_";
    /// An event as webhooks announce it; the same in retries and replays.
    EventId = "evt_";
    /// An API key (not its secret).
    KeyId = "key_";
    /// A mail in the outbox; its Message-ID is made from it.
    MailId = "mail_";
    /// A job in the queue.
    JobId = "job_";
    /// An administrator.
    AdminId = "adm_";
    /// A session of a browser, administrator's or recipient's (not its cookie).
    SessionId = "ses_";
    /// The appliance's organisation, what the API calls a workspace.
    WorkspaceId = "wsp_";
    /// One run of the process, between two starts.
    BootId = "boot_";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_and_sorts_by_time() {
        let early = EnvelopeId::new(Timestamp::from_millis(1_800_000_000_000), [0xff; 10]);
        let late = EnvelopeId::new(Timestamp::from_millis(1_800_000_000_001), [0; 10]);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse(), Ok(early));
        assert_eq!(early.to_string().len(), 4 + 26);
        assert_eq!(late.made_at(), Timestamp::from_millis(1_800_000_000_001));
    }

    #[test]
    fn another_kind_another_spelling_or_another_length_is_refused() {
        let id = EnvelopeId::new(Timestamp::from_millis(1_800_000_000_000), [7; 10]).to_string();
        let refused = Err(InvalidId { prefix: "env_" });
        assert_eq!(id.replace("env_", "doc_").parse::<EnvelopeId>(), refused);
        assert_eq!(id.to_lowercase().parse::<EnvelopeId>(), refused);
        assert_eq!(format!("{id}0").parse::<EnvelopeId>(), refused);
        assert_eq!(format!(" {id}").parse::<EnvelopeId>(), refused);
        assert_eq!(
            "env_8ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<EnvelopeId>(),
            refused
        );
        assert_eq!("env_".parse::<EnvelopeId>(), refused);
        assert_eq!("".parse::<EnvelopeId>(), refused);
    }
}
