//! Where a change comes from: who, how we know, from which address and browser, in which request.

use super::contact::{EmailAddress, PersonName};
use super::ids::{AdminId, KeyId, RecipientId};
use super::limits;
use super::text;
use super::time::Timestamp;
use std::fmt;
use std::net::IpAddr;

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A program with an API key.
    ApiKey {
        /// Which key.
        id: KeyId,
        /// Its name at that time.
        name: String,
    },
    /// A recipient of the envelope.
    Recipient {
        /// Which recipient.
        id: RecipientId,
        /// The address at that time.
        email: EmailAddress,
        /// The name at that time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<PersonName>,
    },
    /// An administrator on the pages.
    Admin {
        /// Which administrator.
        id: AdminId,
        /// The name at that time.
        name: String,
    },
    /// Someone with a shell on the machine, through the command line.
    Operator,
    /// The appliance itself: a timer, a job.
    System,
    /// Someone who could not show who they are.
    Stranger,
}

/// How we know who it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// A valid API key.
    ApiKey,
    /// The personal link that was sent to the recipient's address.
    Link,
    /// The one-time setup link.
    SetupLink,
    /// A one-time link that the operator made for this administrator.
    ResetLink,
    /// A password.
    Password,
    /// The rights of the operating system.
    Shell,
    /// The appliance acts for itself.
    Own,
    /// Nothing was shown, or what was shown was refused.
    None,
}

/// A request's id: ours (`req_` and a ULID), or the client's own where it is fit to log.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// A new one, made at `at` from ten random bytes.
    pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
        let random = random
            .iter()
            .fold(0u128, |n, byte| n << 8 | u128::from(*byte));
        let ulid = ulid::Ulid::from_parts(u64::try_from(at.as_millis()).unwrap_or(0), random);
        Self(format!("req_{ulid}"))
    }

    /// A client's own, where it matches `^[A-Za-z0-9_-]{8,64}$`.
    pub fn from_client(text: &str) -> Option<Self> {
        let fits = (8..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        fits.then(|| Self(text.to_owned()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for RequestId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for RequestId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::from_client(&text).ok_or_else(|| serde::de::Error::custom("not a request id"))
    }
}

/// The whole of it, as the audit trail keeps it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Origin {
    /// Who.
    pub actor: Actor,
    /// How we know.
    pub factor: Factor,
    /// From where; `None` for the appliance itself, the command line, and where a proxy named no address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The browser's or program's User-Agent, cut and cleaned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// In which request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    /// Only the head of an answer was asked for: nothing was shown, so no evidence is noted of it. Never stored.
    #[serde(skip)]
    pub head_only: bool,
}

impl Origin {
    /// The appliance itself.
    pub const fn system() -> Self {
        Self::local(Actor::System, Factor::Own)
    }

    /// Someone at the command line of the machine.
    pub const fn operator() -> Self {
        Self::local(Actor::Operator, Factor::Shell)
    }

    const fn local(actor: Actor, factor: Factor) -> Self {
        Self {
            actor,
            factor,
            address: None,
            user_agent: None,
            request: None,
            head_only: false,
        }
    }

    /// Someone who came by HTTP. The User-Agent is whatever was sent: it is cut and cleaned here.
    pub fn request(
        actor: Actor,
        factor: Factor,
        address: impl Into<Option<IpAddr>>,
        user_agent: Option<&str>,
        request: RequestId,
    ) -> Self {
        Self {
            actor,
            factor,
            address: address.into().map(|address| address.to_canonical()),
            user_agent: user_agent.map(|text| text::kept(text, limits::USER_AGENT_CHARS_MAX)),
            request: Some(request),
            head_only: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_request_ids_of_clients_are_kept() {
        assert!(RequestId::from_client("abc-DEF_123").is_some());
        for text in [
            "short",
            "has space",
            "line\nbreak",
            "ünicode1",
            &"x".repeat(65),
        ] {
            assert!(RequestId::from_client(text).is_none(), "{text:?}");
        }
        let own = RequestId::new(Timestamp::from_millis(1_800_000_000_000), [1; 10]);
        assert_eq!(RequestId::from_client(own.as_str()), Some(own));
    }

    #[test]
    fn a_mapped_address_is_kept_as_what_it_is_and_a_browser_cannot_break_lines() {
        let origin = Origin::request(
            Actor::Stranger,
            Factor::None,
            "::ffff:192.0.2.7".parse::<IpAddr>().expect("address"),
            Some("Evil\r\nX: y"),
            RequestId::new(Timestamp::from_millis(0), [0; 10]),
        );
        assert_eq!(
            origin.address.map(|a| a.to_string()).as_deref(),
            Some("192.0.2.7")
        );
        assert_eq!(origin.user_agent.as_deref(), Some("Evil  X: y"));
    }
}
