//! Every bound of the product, with its unit. What a configuration may move is here as its default.
//!
//! The strict reader's own caps live in `pdf`, beside the parser that they protect.

use std::time::Duration;

// --- documents ---

/// Bytes of one uploaded document; a configuration may move it.
pub const UPLOAD_BYTES_MAX: u64 = 50_000_000;
/// Pages of one document; a configuration may move it.
pub const DOCUMENT_PAGES_MAX: u32 = 2_000;
/// Characters of a document's name.
pub const DOCUMENT_NAME_CHARS_MAX: usize = 200;
/// Bytes of a JSON body on routes that carry no file.
pub const JSON_BYTES_MAX: usize = 1 << 20;
/// JSON bodies that carry files, and so are larger than [`JSON_BYTES_MAX`], read and worked on at once.
pub const LARGE_BODIES_AT_ONCE_MAX: usize = 2;
/// Depth of nested arrays and objects in a JSON body.
pub const JSON_DEPTH_MAX: usize = 32;

// --- envelopes ---

/// Documents of one envelope.
pub const ENVELOPE_DOCUMENTS_MAX: usize = 50;
/// Recipients of one envelope.
pub const ENVELOPE_RECIPIENTS_MAX: usize = 100;
/// Fields of one envelope.
pub const ENVELOPE_FIELDS_MAX: usize = 2_000;
/// Tags of one envelope.
pub const TAGS_MAX: usize = 10;
/// Characters of one tag.
pub const TAG_CHARS_MAX: usize = 40;
/// Pairs of metadata of one envelope.
pub const METADATA_PAIRS_MAX: usize = 20;
/// Characters of a metadata key.
pub const METADATA_KEY_CHARS_MAX: usize = 40;
/// Characters of a metadata value.
pub const METADATA_VALUE_CHARS_MAX: usize = 500;
/// Characters of an envelope's subject.
pub const SUBJECT_CHARS_MAX: usize = 200;
/// Characters of an envelope's message to its recipients.
pub const MESSAGE_CHARS_MAX: usize = 2_000;
/// Characters of the caller's own id for an envelope.
pub const EXTERNAL_ID_CHARS_MAX: usize = 200;
/// Characters of the reason for a decline or a withdrawal.
pub const REASON_CHARS_MAX: usize = 500;
/// The highest `order` a recipient may be given.
pub const ORDER_MAX: u16 = 10_000;
/// How long an envelope without `expiresAt` stays open, counted from its sending; a configuration may move it.
pub const EXPIRES_AFTER_DEFAULT: Duration = Duration::from_secs(90 * 86_400);
/// The furthest that `expiresAt` may lie ahead.
pub const EXPIRES_AFTER_MAX: Duration = Duration::from_secs(3_660 * 86_400);
/// Faults that one answer lists; the rest is counted.
pub const PROBLEMS_MAX: usize = 100;

// --- people ---

/// Characters of a person's name.
pub const NAME_CHARS_MAX: usize = 120;
/// Bytes of an e-mail address (RFC 5321 clause 4.5.3.1.3, less the angle brackets).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Bytes of an address before the `@` (RFC 5321 clause 4.5.3.1.1).
pub const EMAIL_LOCAL_BYTES_MAX: usize = 64;

// --- fields ---

/// Width of a field for which none is given, in points.
pub const FIELD_WIDTH_DEFAULT: f64 = 150.0;
/// Height of a field for which none is given, in points.
pub const FIELD_HEIGHT_DEFAULT: f64 = 40.0;
/// The smallest side of a field, in points: less can't be seen or hit.
pub const FIELD_SIDE_MIN: f64 = 4.0;
/// The largest coordinate or side, in points: PDF's own bound of 200 inches (ISO 32000-2 annex C.1).
pub const FIELD_COORDINATE_MAX: f64 = 14_400.0;
/// Characters of a field's label.
pub const FIELD_LABEL_CHARS_MAX: usize = 120;
/// Characters of a text that a signer types into a field.
pub const FIELD_TEXT_CHARS_MAX: usize = 1_000;

// --- signing ---

/// Bytes of a drawn signature's strokes.
pub const STROKES_BYTES_MAX: usize = 64 * 1024;
/// Points of a drawn signature.
pub const STROKES_POINTS_MAX: usize = 20_000;
/// Bytes of an uploaded picture of a signature.
pub const PICTURE_BYTES_MAX: usize = 5_000_000;
/// Characters of a typed signature or of initials.
pub const MARK_CHARS_MAX: usize = 80;
/// Notes `link.fetched` that one recipient's link may leave.
pub const LINK_FETCHED_NOTES_MAX: u32 = 100;
/// A link that is fetched again from the same address within this span leaves no second note.
pub const LINK_FETCHED_NOTE_EVERY: Duration = Duration::from_secs(3_600);
/// Notes of what was shown and downloaded that one reader may leave in one envelope's trail; all recipients' together, with those
/// of their links, stay well below what a trail may hold.
pub const READING_NOTES_MAX: u32 = 500;
/// How long a nonce of the gate is good.
pub const GATE_NONCE_TTL: Duration = Duration::from_secs(12 * 3_600);
/// A recipient's session ends after this span without a request; a configuration may move it.
pub const SIGNING_SESSION_IDLE: Duration = Duration::from_secs(30 * 60);
/// A recipient's session ends after this span in any case; a configuration may move it.
pub const SIGNING_SESSION_TTL: Duration = Duration::from_secs(8 * 3_600);

// --- keys, administrators, requests ---

/// Characters of an API key's or a webhook's name.
pub const KEY_NAME_CHARS_MAX: usize = 100;
/// API keys that are not revoked, per environment.
pub const KEYS_MAX: usize = 1_000;
/// An administrator's session ends after this span without a request; a configuration may move it.
pub const ADMIN_SESSION_IDLE: Duration = Duration::from_secs(15 * 60);
/// An administrator's session ends after this span in any case; a configuration may move it.
pub const ADMIN_SESSION_TTL: Duration = Duration::from_secs(8 * 3_600);
/// How long a setup link is good.
pub const SETUP_LINK_TTL: Duration = Duration::from_secs(30 * 60);
/// Characters of a password, at least.
pub const PASSWORD_CHARS_MIN: usize = 12;
/// Characters of a password, at most.
pub const PASSWORD_CHARS_MAX: usize = 128;
/// Tries to log in as an administrator, a minute for each address (IPv6: each /64).
pub const LOGINS_PER_MINUTE: u32 = 5;
/// Sessions that may be opened with one personal link, a minute.
pub const OPENINGS_PER_MINUTE: u32 = 20;
/// Characters of a browser's User-Agent that are kept.
pub const USER_AGENT_CHARS_MAX: usize = 256;
/// Characters of another system's answer (SMTP, a webhook's receiver) that are kept.
pub const ANSWER_CHARS_MAX: usize = 500;
/// How long a reply is kept for its Idempotency-Key.
pub const IDEMPOTENCY_TTL: Duration = Duration::from_secs(24 * 3_600);
/// Characters of an Idempotency-Key.
pub const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;
/// Requests a minute for each key; a configuration may move it.
pub const REQUESTS_PER_MINUTE: u32 = 100;
/// Requests at once for each key; a configuration may move it.
pub const REQUESTS_BURST: u32 = 200;
/// Items of one page of a list, where the request doesn't say.
pub const PAGE_SIZE_DEFAULT: u32 = 20;
/// Items of one page of a list.
pub const PAGE_SIZE_MAX: u32 = 100;
/// How deep a numbered page may lie, in items.
pub const PAGE_DEPTH_MAX: u64 = 10_000;

// --- webhooks ---

/// Webhooks of one environment.
pub const WEBHOOKS_MAX: usize = 100;
/// Bytes of a webhook's URL.
pub const WEBHOOK_URL_BYTES_MAX: usize = 2_048;
/// Waits before the second and later attempts, each counted from the attempt before.
pub const WEBHOOK_WAITS: [Duration; 5] = [
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(6 * 3_600),
];
/// A wait is moved by up to this many percent either way, so that receivers don't meet all retries at once.
pub const WEBHOOK_JITTER_PERCENT: u32 = 20;
/// The longest wait that a receiver may ask for with `Retry-After`.
pub const WEBHOOK_RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3_600);
/// An endpoint that only failed for this long is disabled.
pub const WEBHOOK_FAILING_MAX: Duration = Duration::from_secs(5 * 86_400);
/// One attempt, from the look-up of the name to the end of the reply.
pub const WEBHOOK_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// Attempts in flight at once.
pub const WEBHOOK_IN_FLIGHT_MAX: usize = 64;
/// Attempts in flight at once to one endpoint that works.
pub const WEBHOOK_IN_FLIGHT_PER_ENDPOINT_MAX: usize = 4;
/// Bytes of a receiver's reply that are read.
pub const WEBHOOK_REPLY_BYTES_MAX: usize = 4 * 1024;
