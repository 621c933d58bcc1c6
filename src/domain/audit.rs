//! The audit trail: a chain of entries for each envelope, and one for the appliance.
//!
//! An entry's body is versioned JSON that is built here alone and hashed as stored, never re-serialised. Erasure takes salt and
//! body away and leaves the hashes: the chain still links, but can't be replayed, and without the salt nobody can guess what
//! the body said. Lawful erasure is itself an entry; without one, a missing body is a fault.

use super::digest::{Digest, Hasher};
use super::envelope::Envelope;
use super::event::{Event, KeptTrail, Outcome, SystemEvent};
use super::ids::{BootId, EnvelopeId};
use super::origin::Origin;
use super::time::Timestamp;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The shape of bodies written today. A change that old readers would misread takes the next number and its own arm in reading.
pub const BODY_VERSION: u32 = 1;

const DOMAIN: &[u8] = b"paraph-audit-v1";

/// Whose chain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Chain {
    /// One envelope's.
    Envelope(EnvelopeId),
    /// The appliance's own.
    System,
}

/// Why a text names no chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a chain: an envelope's id or `system` is wanted")]
pub struct InvalidChain;

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Envelope(id) => id.fmt(f),
            Self::System => f.write_str("system"),
        }
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Chain {
    type Err = InvalidChain;

    fn from_str(text: &str) -> Result<Self, InvalidChain> {
        if text == "system" {
            return Ok(Self::System);
        }
        text.parse().map(Self::Envelope).map_err(|_| InvalidChain)
    }
}

impl serde::Serialize for Chain {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Chain {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The end of a chain: what the next entry is hung on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Head {
    /// Whose.
    pub chain: Chain,
    /// How many entries there are.
    pub seq: u64,
    /// The last entry's hash.
    pub hash: Digest,
}

impl Head {
    /// Before the first entry: SHA-256 of the product's label and the chain's name.
    pub fn start(chain: Chain) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(DOMAIN);
        hasher.update(chain.to_string().as_bytes());
        Self {
            chain,
            seq: 0,
            hash: hasher.finish(),
        }
    }
}

/// When and by which program an entry is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Wall time.
    pub at: Timestamp,
    /// Time since the process started: shows a clock that was set back.
    pub monotonic: Duration,
    /// Which run of the process.
    pub boot: BootId,
    /// Name and version of the program.
    pub software: String,
}

/// An entry as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose chain.
    pub chain: Chain,
    /// Its place, from 1.
    pub seq: u64,
    /// What it says; `None` once erased.
    pub content: Option<Content>,
    /// SHA-256 of salt and body.
    pub body_hash: Digest,
    /// SHA-256 of label, previous hash, place and `body_hash`.
    pub hash: Digest,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// 16 random bytes.
    pub salt: [u8; 16],
    /// The body's JSON, byte for byte as hashed.
    pub body: String,
}

/// A body as it is read. `E` is [`Event`] or [`SystemEvent`], by its chain.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Body<E> {
    /// [`BODY_VERSION`] when written.
    pub v: u32,
    /// The chain again: an entry that was moved shows.
    pub chain: Chain,
    /// The place again.
    pub seq: u64,
    /// Wall time.
    pub at: Timestamp,
    /// What happened.
    pub event: E,
    /// How it ended.
    pub outcome: Outcome,
    /// Digests of the files concerned.
    pub digests: Vec<Digest>,
    /// Who, how known, from where.
    pub origin: Origin,
    /// Milliseconds since the process started.
    pub monotonic_ms: u64,
    /// Which run of the process.
    pub boot: BootId,
    /// Name and version of the program.
    pub software: String,
}

/// What can stand in a body.
pub trait Recordable: Clone + serde::Serialize {
    /// How it ended.
    fn outcome(&self) -> Outcome;
    /// Digests of the files concerned.
    fn digests(&self) -> Vec<Digest>;
}

impl Recordable for Event {
    fn outcome(&self) -> Outcome {
        self.outcome()
    }
    fn digests(&self) -> Vec<Digest> {
        self.digests()
    }
}

impl Recordable for SystemEvent {
    fn outcome(&self) -> Outcome {
        self.outcome()
    }
    fn digests(&self) -> Vec<Digest> {
        self.digests()
    }
}

/// The next entry of the chain that ends at `head`. `salt` is 16 fresh random bytes.
///
/// # Errors
/// Only where an event can't be written as JSON, which none of ours does.
pub fn extend<E: Recordable>(
    head: &Head,
    event: &E,
    origin: &Origin,
    stamp: &Stamp,
    salt: [u8; 16],
) -> Result<Entry, serde_json::Error> {
    let seq = head.seq + 1;
    let body = serde_json::to_string(&Body {
        v: BODY_VERSION,
        chain: head.chain,
        seq,
        at: stamp.at,
        outcome: event.outcome(),
        digests: event.digests(),
        event: event.clone(),
        origin: origin.clone(),
        monotonic_ms: u64::try_from(stamp.monotonic.as_millis()).unwrap_or(u64::MAX),
        boot: stamp.boot,
        software: stamp.software.clone(),
    })?;
    let content = Content { salt, body };
    let body_hash = content.hash();
    Ok(Entry {
        chain: head.chain,
        seq,
        hash: link(&head.hash, seq, &body_hash),
        body_hash,
        content: Some(content),
    })
}

fn link(previous: &Digest, seq: u64, body_hash: &Digest) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(DOMAIN);
    hasher.update(previous.as_bytes());
    hasher.update(&seq.to_be_bytes());
    hasher.update(body_hash.as_bytes());
    hasher.finish()
}

impl Content {
    fn hash(&self) -> Digest {
        let mut hasher = Hasher::new();
        hasher.update(&self.salt);
        hasher.update(self.body.as_bytes());
        hasher.finish()
    }
}

/// Why an entry does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// It belongs to another chain.
    #[error("entry {seq} belongs to the chain {found}")]
    OtherChain {
        /// Its place.
        seq: u64,
        /// Whose it says it is.
        found: Chain,
    },
    /// An entry is missing, or one too many.
    #[error("entry {expected} is missing: {found} follows instead")]
    Sequence {
        /// The place that comes next.
        expected: u64,
        /// The place found.
        found: u64,
    },
    /// Salt or body were changed.
    #[error("the body of entry {seq} is not the one that was recorded")]
    Body {
        /// Its place.
        seq: u64,
    },
    /// The entry or one before it was changed.
    #[error("entry {seq} does not follow from the one before it")]
    Link {
        /// Its place.
        seq: u64,
    },
    /// The body is of a version or shape that this program doesn't know.
    #[error("the body of entry {seq} can't be read: {why}")]
    Unreadable {
        /// Its place.
        seq: u64,
        /// What the reader said.
        why: String,
    },
    /// The body says that it stands elsewhere.
    #[error("the body of entry {seq} was recorded elsewhere: {chain} {place}")]
    Moved {
        /// Its place.
        seq: u64,
        /// The chain that its body names.
        chain: Chain,
        /// The place that its body names.
        place: u64,
    },
    /// The events of an envelope don't begin with its making.
    #[error("the chain does not begin with `envelope.created`")]
    NoBeginning,
    /// The envelope is made a second time.
    #[error("entry {seq} makes the envelope again")]
    BegunAgain {
        /// Its place.
        seq: u64,
    },
    /// What was sent is not what was written.
    #[error("entry {seq} sends another definition than the entries before it wrote")]
    Definition {
        /// Its place.
        seq: u64,
    },
    /// An entry says nothing any more, and no entry tells that it was erased lawfully: this version erases nothing.
    #[error("the body of entry {seq} was taken away, and no entry tells of an erasure")]
    Erased {
        /// Its place.
        seq: u64,
    },
    /// Entries were taken from the chain's end, or the stored envelope was changed behind it.
    #[error("the chain has {entries} entries, the stored envelope counts {counted}")]
    Count {
        /// In the chain.
        entries: u64,
        /// By the stored envelope's version.
        counted: u64,
    },
    /// The stored envelope was changed behind the trail.
    #[error("the stored envelope's {part} is not what the trail tells")]
    Stored {
        /// What differs.
        part: &'static str,
    },
}

/// Checks that `entry` follows `head` and is as recorded; gives the new head. Erased entries pass: their hashes still link.
///
/// # Errors
/// The first thing that doesn't hold.
pub fn verify(head: &Head, entry: &Entry) -> Result<Head, Broken> {
    let seq = entry.seq;
    if entry.chain != head.chain {
        return Err(Broken::OtherChain {
            seq,
            found: entry.chain,
        });
    }
    if seq != head.seq + 1 {
        return Err(Broken::Sequence {
            expected: head.seq + 1,
            found: seq,
        });
    }
    if let Some(content) = &entry.content {
        if content.hash() != entry.body_hash {
            return Err(Broken::Body { seq });
        }
        let place = place(&content.body).map_err(|why| Broken::Unreadable {
            seq,
            why: why.to_string(),
        })?;
        if place.chain != entry.chain || place.seq != seq {
            return Err(Broken::Moved {
                seq,
                chain: place.chain,
                place: place.seq,
            });
        }
    }
    if link(&head.hash, seq, &entry.body_hash) != entry.hash {
        return Err(Broken::Link { seq });
    }
    Ok(entry.head())
}

#[derive(serde::Deserialize)]
struct Place {
    v: u32,
    chain: Chain,
    seq: u64,
}

fn place(body: &str) -> Result<Place, serde_json::Error> {
    serde_json::from_str(body)
}

impl Entry {
    /// The chain's end once this entry is its last.
    pub const fn head(&self) -> Head {
        Head {
            chain: self.chain,
            seq: self.seq,
            hash: self.hash,
        }
    }

    fn read<E: serde::de::DeserializeOwned>(&self) -> Result<Option<Body<E>>, Broken> {
        let Some(content) = &self.content else {
            return Ok(None);
        };
        let unreadable = |why: String| Broken::Unreadable { seq: self.seq, why };
        match place(&content.body)
            .map_err(|why| unreadable(why.to_string()))?
            .v
        {
            1 => serde_json::from_str(&content.body)
                .map(Some)
                .map_err(|why| unreadable(why.to_string())),
            newer => Err(unreadable(format!(
                "version {newer} is newer than this program"
            ))),
        }
    }

    /// What an entry of an envelope's chain says; `None` once erased.
    ///
    /// # Errors
    /// [`Broken::Unreadable`].
    pub fn envelope_body(&self) -> Result<Option<Body<Event>>, Broken> {
        self.read()
    }

    /// What an entry of the system chain says; `None` once erased.
    ///
    /// # Errors
    /// [`Broken::Unreadable`].
    pub fn system_body(&self) -> Result<Option<Body<SystemEvent>>, Broken> {
        self.read()
    }
}

/// Walks one envelope's chain, verifies it and does again what it tells.
#[derive(Clone, Debug)]
pub struct Replay {
    head: Head,
    envelope: Option<Envelope>,
    erased: Option<u64>,
    kept: Option<(KeptTrail, Timestamp)>,
}

impl Replay {
    /// Before the first entry.
    pub fn of(id: EnvelopeId) -> Self {
        Self {
            head: Head::start(Chain::Envelope(id)),
            envelope: None,
            erased: None,
            kept: None,
        }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// The first thing that doesn't hold; the walk can't go on.
    pub fn take(&mut self, entry: &Entry) -> Result<(), Broken> {
        self.head = verify(&self.head, entry)?;
        match entry.envelope_body()? {
            None => {
                self.erased.get_or_insert(entry.seq);
            }
            Some(_) if self.erased.is_some() => {}
            Some(body) => match &mut self.envelope {
                Some(envelope) => {
                    let seq = entry.seq;
                    match &body.event {
                        Event::Created { .. } => return Err(Broken::BegunAgain { seq }),
                        Event::Sent {
                            definition_sha256, ..
                        } if *definition_sha256 != envelope.definition.digest() => {
                            return Err(Broken::Definition { seq });
                        }
                        Event::TrailKept(kept) => self.kept = Some((*kept, body.at)),
                        _ => {}
                    }
                    envelope.apply(&body.event, body.at);
                }
                None => {
                    let begun = Envelope::begin(&body.event, body.at);
                    let named = Chain::Envelope(begun.as_ref().ok_or(Broken::NoBeginning)?.id);
                    if named != entry.chain {
                        return Err(Broken::OtherChain {
                            seq: entry.seq,
                            found: named,
                        });
                    }
                    self.envelope = begun;
                }
            },
        }
        Ok(())
    }

    /// The chain's end so far.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// The envelope that the chain tells of; `None` where an entry was erased or there was none.
    pub fn envelope(&self) -> Option<&Envelope> {
        self.envelope.as_ref().filter(|_| self.erased.is_none())
    }

    /// The first entry that says nothing any more.
    pub const fn erased(&self) -> Option<u64> {
        self.erased
    }

    /// The trail's own file that the chain tells of, and when it was kept.
    pub const fn kept(&self) -> Option<&(KeptTrail, Timestamp)> {
        self.kept.as_ref()
    }

    /// Whether `stored` is what the chain tells, to its last entry and in every part.
    ///
    /// # Errors
    /// The first difference.
    pub fn confirm(&self, stored: &Envelope) -> Result<(), Broken> {
        if stored.version != self.head.seq {
            return Err(Broken::Count {
                entries: self.head.seq,
                counted: stored.version,
            });
        }
        if let Some(seq) = self.erased {
            return Err(Broken::Erased { seq });
        }
        let told = self.envelope.as_ref().ok_or(Broken::NoBeginning)?;
        let parts = [
            ("id", told.id == stored.id),
            ("environment", told.environment == stored.environment),
            ("state", told.state == stored.state),
            ("definition", told.definition == stored.definition),
            ("progress", told.progress == stored.progress),
            ("documents", told.documents == stored.documents),
            // The rest is times; comparing all holds what a later version adds, too.
            ("times", told == stored),
        ];
        match parts.iter().find(|(_, same)| !same) {
            Some((part, _)) => Err(Broken::Stored { part }),
            None => Ok(()),
        }
    }
}
