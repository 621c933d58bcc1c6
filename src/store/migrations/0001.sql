-- Ids are TEXT (a prefix and a ULID: they sort by time), times INTEGER milliseconds since 1970, digests BLOB of 32 bytes.
-- Where a table has an environment, it leads the key: what one environment made can't be reached from the other.

-- How many there are, kept in the transaction of each change: lists tell exact totals without counting.
CREATE TABLE counter (
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    n INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (environment, name)
) STRICT, WITHOUT ROWID;

-- Small values that belong to the appliance.
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- ---------------------------------------------------------------- files

-- Before a file gets its name in the vault. Gone with the transaction that writes the row that names it.
CREATE TABLE intent (
    environment TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    created_at INTEGER NOT NULL,
    -- How many files with these bytes are on their way in.
    uses INTEGER NOT NULL CHECK (uses > 0),
    PRIMARY KEY (environment, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX intent_age ON intent (created_at);

-- Who names a file. While there is a row here, the vault keeps the file.
CREATE TABLE file_use (
    environment TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    owner TEXT NOT NULL,
    PRIMARY KEY (environment, digest, owner)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_use_owner ON file_use (environment, owner);

-- Files that lost their last name: to be removed from the vault.
CREATE TABLE file_orphan (
    environment TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (environment, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE document (
    environment TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    mime TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    pages TEXT NOT NULL,
    warnings TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (environment, id)
) STRICT;

-- ---------------------------------------------------------------- envelopes

-- What changes at each event is here; the rest of an envelope is in `definition` and `recipient`.
CREATE TABLE envelope (
    environment TEXT NOT NULL,
    id TEXT NOT NULL,
    -- The sequence of its newest audit entry.
    version INTEGER NOT NULL CHECK (version > 0),
    -- As the API shows it; DISCARDED for a deleted draft.
    status TEXT NOT NULL,
    -- The state's name: `sealing` is what the sweep looks for.
    phase TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    sent_at INTEGER,
    ended_at INTEGER,
    PRIMARY KEY (environment, id)
) STRICT;
CREATE INDEX envelope_shown ON envelope (environment, id) WHERE status <> 'DISCARDED';
CREATE INDEX envelope_by_status ON envelope (environment, status, id);
CREATE INDEX envelope_sealing ON envelope (environment, id) WHERE phase = 'sealing';

-- What is to be signed, by whom, and the documents as sending froze them: changed by few events, so apart.
CREATE TABLE definition (
    environment TEXT NOT NULL,
    envelope_id TEXT NOT NULL,
    body TEXT NOT NULL,
    documents TEXT NOT NULL,
    PRIMARY KEY (environment, envelope_id),
    FOREIGN KEY (environment, envelope_id) REFERENCES envelope (environment, id)
) STRICT;

-- The evidence that the appliance keeps of an ended envelope: one file, always the same bytes.
CREATE TABLE trail (
    environment TEXT NOT NULL,
    envelope_id TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    bytes INTEGER NOT NULL,
    -- The newest audit entry that it shows.
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (environment, envelope_id),
    FOREIGN KEY (environment, envelope_id) REFERENCES envelope (environment, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE envelope_document (
    environment TEXT NOT NULL,
    document_id TEXT NOT NULL,
    envelope_id TEXT NOT NULL,
    PRIMARY KEY (environment, document_id, envelope_id),
    FOREIGN KEY (environment, document_id) REFERENCES document (environment, id),
    FOREIGN KEY (environment, envelope_id) REFERENCES envelope (environment, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX envelope_document_by_envelope ON envelope_document (environment, envelope_id);

CREATE TABLE recipient (
    id TEXT PRIMARY KEY,
    environment TEXT NOT NULL,
    envelope_id TEXT NOT NULL,
    -- The place in the definition, from 0.
    position INTEGER NOT NULL,
    progress TEXT NOT NULL,
    FOREIGN KEY (environment, envelope_id) REFERENCES envelope (environment, id)
) STRICT;
CREATE INDEX recipient_by_envelope ON recipient (environment, envelope_id, position);

-- SHA-256 of the token in a signing link. The token itself is computed from the master key and is nowhere.
CREATE TABLE link (
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    recipient_id TEXT NOT NULL REFERENCES recipient (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX link_by_recipient ON link (recipient_id);

CREATE TABLE signing_session (
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    id TEXT NOT NULL UNIQUE,
    recipient_id TEXT NOT NULL REFERENCES recipient (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    -- JSON array: the documents that this session was shown.
    served TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signing_session_by_recipient ON signing_session (recipient_id);
CREATE INDEX signing_session_age ON signing_session (created_at);

-- Notes of links that were fetched: few from each address, few in all.
CREATE TABLE link_fetch (
    recipient_id TEXT NOT NULL REFERENCES recipient (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    n INTEGER NOT NULL,
    noted_at INTEGER NOT NULL,
    PRIMARY KEY (recipient_id, address)
) STRICT, WITHOUT ROWID;

-- What a signer has typed and drawn so far, until signed.
CREATE TABLE draft (
    recipient_id TEXT PRIMARY KEY REFERENCES recipient (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The words that signers agreed to, by their digest: evidence refers to them for decades.
CREATE TABLE consent_text (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    locale TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- ---------------------------------------------------------------- the trail

CREATE TABLE audit_entry (
    id INTEGER PRIMARY KEY,
    chain TEXT NOT NULL,
    seq INTEGER NOT NULL CHECK (seq > 0),
    -- NULL once erased.
    salt BLOB CHECK (length(salt) = 16),
    body TEXT,
    body_hash BLOB NOT NULL CHECK (length(body_hash) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    CHECK ((salt IS NULL) = (body IS NULL))
) STRICT;
CREATE UNIQUE INDEX audit_entry_by_chain ON audit_entry (chain, seq);

CREATE TRIGGER audit_entry_no_delete BEFORE DELETE ON audit_entry
BEGIN
    SELECT raise(ABORT, 'the audit trail is only appended to');
END;
CREATE TRIGGER audit_entry_no_update BEFORE UPDATE ON audit_entry
WHEN NEW.salt IS NOT NULL OR NEW.body IS NOT NULL
    OR NEW.id IS NOT OLD.id OR NEW.chain IS NOT OLD.chain OR NEW.seq IS NOT OLD.seq
    OR NEW.body_hash IS NOT OLD.body_hash OR NEW.hash IS NOT OLD.hash
BEGIN
    SELECT raise(ABORT, 'the audit trail is only appended to');
END;
-- REPLACE would delete without asking the first trigger.
CREATE TRIGGER audit_entry_in_order BEFORE INSERT ON audit_entry
WHEN NEW.seq IS NOT (SELECT ifnull(max(seq), 0) + 1 FROM audit_entry WHERE chain = NEW.chain)
    OR EXISTS (SELECT 1 FROM audit_entry WHERE id = NEW.id)
BEGIN
    SELECT raise(ABORT, 'the audit trail is only appended to');
END;

-- ---------------------------------------------------------------- work

CREATE TABLE job (
    id TEXT PRIMARY KEY,
    -- The kind.
    lane TEXT NOT NULL,
    environment TEXT NOT NULL,
    envelope_id TEXT,
    state TEXT NOT NULL CHECK (state IN ('READY', 'LEASED', 'DONE', 'FAILED', 'CAPTURED')),
    due_at INTEGER NOT NULL,
    lease INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX job_due ON job (lane, due_at, id) WHERE state IN ('READY', 'LEASED');
CREATE INDEX job_by_state ON job (state, id);
CREATE INDEX job_by_envelope ON job (environment, envelope_id, lane);

CREATE TABLE mail (
    id TEXT PRIMARY KEY,
    -- The environment.
    lane TEXT NOT NULL,
    envelope_id TEXT,
    recipient_id TEXT,
    kind TEXT NOT NULL,
    address TEXT NOT NULL,
    -- What was sent, once it was, encrypted under the master key; before, it is made from the envelope when it goes.
    content BLOB,
    state TEXT NOT NULL CHECK (state IN ('READY', 'LEASED', 'DONE', 'FAILED', 'CAPTURED')),
    due_at INTEGER NOT NULL,
    lease INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX mail_due ON mail (lane, due_at, id) WHERE state IN ('READY', 'LEASED');
CREATE INDEX mail_by_state ON mail (state, id);
CREATE INDEX mail_by_lane ON mail (lane, id);

CREATE TABLE webhook (
    id TEXT PRIMARY KEY,
    environment TEXT NOT NULL,
    url TEXT NOT NULL,
    -- JSON array of event names.
    events TEXT NOT NULL,
    active INTEGER NOT NULL,
    -- Encrypted under the master key.
    secret BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    failing_since INTEGER,
    deleted_at INTEGER
) STRICT;
CREATE INDEX webhook_by_environment ON webhook (environment, id) WHERE deleted_at IS NULL;

-- What happened, as webhooks tell it: stored once, sent unchanged to each of them.
CREATE TABLE webhook_event (
    id TEXT PRIMARY KEY,
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    envelope_id TEXT,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE delivery (
    id TEXT PRIMARY KEY,
    -- The webhook.
    lane TEXT NOT NULL REFERENCES webhook (id),
    event_id TEXT NOT NULL REFERENCES webhook_event (id),
    state TEXT NOT NULL CHECK (state IN ('READY', 'LEASED', 'DONE', 'FAILED', 'CAPTURED')),
    due_at INTEGER NOT NULL,
    lease INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX delivery_due ON delivery (lane, due_at, id) WHERE state IN ('READY', 'LEASED');
CREATE INDEX delivery_leased ON delivery (lane, due_at) WHERE state = 'LEASED';
CREATE INDEX delivery_in_flight ON delivery (due_at) WHERE state = 'LEASED';
CREATE INDEX delivery_by_state ON delivery (state, id);
CREATE INDEX delivery_by_event ON delivery (event_id);

-- ---------------------------------------------------------------- keys, people, replies

CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    environment TEXT NOT NULL,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    prefix TEXT NOT NULL,
    last4 TEXT NOT NULL,
    -- JSON array.
    scopes TEXT NOT NULL,
    requests_per_minute INTEGER,
    burst INTEGER,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    last_used_ip TEXT,
    revoked_at INTEGER
) STRICT;
CREATE INDEX api_key_usable ON api_key (environment) WHERE revoked_at IS NULL;
CREATE INDEX api_key_by_environment ON api_key (environment, id);

-- Replies to requests that carried an Idempotency-Key.
CREATE TABLE reply (
    scope BLOB PRIMARY KEY CHECK (length(scope) = 32),
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    status INTEGER NOT NULL,
    -- Encrypted where it carries a secret.
    sealed INTEGER NOT NULL,
    body BLOB NOT NULL,
    envelope_id TEXT,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX reply_age ON reply (expires_at);

CREATE TABLE admin (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    -- As addresses are compared.
    email_folded TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    failed_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE admin_session (
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    id TEXT NOT NULL UNIQUE,
    admin_id TEXT NOT NULL REFERENCES admin (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    confirmed_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX admin_session_by_admin ON admin_session (admin_id);
CREATE INDEX admin_session_age ON admin_session (created_at);

-- Links that let somebody set a password: SHA-256 of the token.
CREATE TABLE setup_token (
    token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT, WITHOUT ROWID;

-- The appliance's own certification authority and the seals that it issued. Never deleted: old seals point here.
CREATE TABLE certificate (
    -- SHA-256 of `der`.
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    environment TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('ca', 'seal')),
    der BLOB NOT NULL,
    -- Encrypted under the master key, the digest as associated data.
    private_key BLOB NOT NULL,
    not_after INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    retired_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX certificate_current ON certificate (environment, kind) WHERE retired_at IS NULL;
