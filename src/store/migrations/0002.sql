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
