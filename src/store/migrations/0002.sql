-- A link of `setup_token` that names an administrator lets them set another password; without one it lets the first one in.
ALTER TABLE setup_token ADD COLUMN admin_id TEXT REFERENCES admin (id) ON DELETE CASCADE;

-- Where an administrator has logged in. Failures there are counted there, so that strangers' failures elsewhere delay nobody here.
CREATE TABLE admin_place (
    admin_id TEXT NOT NULL REFERENCES admin (id) ON DELETE CASCADE,
    -- An IPv4 address, or the first of an IPv6 /64.
    address TEXT NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    failed_at INTEGER,
    -- The last login.
    entered_at INTEGER NOT NULL,
    PRIMARY KEY (admin_id, address)
) STRICT, WITHOUT ROWID;

-- Mails to administrators: no envelope, but an alarm (JSON), and the thing that it is about, which is told once a day.
ALTER TABLE mail ADD COLUMN alarm TEXT;
ALTER TABLE mail ADD COLUMN thing TEXT;
CREATE INDEX mail_by_thing ON mail (thing, created_at) WHERE thing IS NOT NULL;

-- The newest published revocation list of each authority.
CREATE TABLE revocation_list (
    -- The authority's certificate.
    issuer BLOB PRIMARY KEY REFERENCES certificate (digest),
    -- Grows from list to list (RFC 5280, 5.2.3).
    number INTEGER NOT NULL CHECK (number > 0),
    der BLOB NOT NULL,
    issued_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
