//! Administrators, their sessions, and the links that let the first one in. Tokens are stored hashed.

use super::error::Error;
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::contact::EmailAddress;
use crate::domain::digest::Digest;
use crate::domain::ids::{AdminId, SessionId};
use crate::domain::limits;
use crate::domain::time::Timestamp;
use rusqlite::{Row, params};
use std::time::Duration;

/// An administrator.
#[derive(Clone, PartialEq, Eq)]
pub struct Admin {
    /// Their id.
    pub id: AdminId,
    /// The address to log in with.
    pub email: EmailAddress,
    /// What the pages call them.
    pub name: String,
    /// Argon2id, in its PHC form.
    pub password_hash: String,
    /// Failed tries since the last that succeeded.
    pub failures: u32,
    /// When the last of those was.
    pub failed_at: Option<Timestamp>,
    /// When they were made.
    pub created_at: Timestamp,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A browser in which an administrator is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminSession {
    /// Its id, for the trail; not what the cookie holds.
    pub id: SessionId,
    /// Whose.
    pub admin: AdminId,
    /// When they logged in.
    pub created_at: Timestamp,
    /// The last request.
    pub seen_at: Timestamp,
    /// When the password was last typed in it.
    pub confirmed_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, email, name, password_hash, failures, failed_at, created_at FROM admin";

fn admin(r: &Row<'_>) -> Result<Admin, Error> {
    Ok(Admin {
        id: row::parsed(r, 0, "administrator's id")?,
        email: row::parsed(r, 1, "administrator's address")?,
        name: r.get(2)?,
        password_hash: r.get(3)?,
        failures: r.get(4)?,
        failed_at: row::time_or_none(r, 5)?,
        created_at: row::time(r, 6)?,
    })
}

impl ReadTx<'_> {
    /// Whether there is any administrator at all.
    pub fn has_admin(&self) -> Result<bool, Error> {
        self.exists("SELECT 1 FROM admin", [])
    }

    /// The administrator who logs in with this address, whatever its case.
    pub fn admin_by_email(&self, email: &EmailAddress) -> Result<Option<Admin>, Error> {
        self.find(
            &format!("SELECT {COLUMNS} WHERE email_folded = ?1"),
            [email.folded()],
            admin,
        )
    }

    /// The administrator.
    pub fn admin(&self, id: AdminId) -> Result<Option<Admin>, Error> {
        self.find(
            &format!("SELECT {COLUMNS} WHERE id = ?1"),
            [id.to_string()],
            admin,
        )
    }

    /// Up to 1,000 administrators, oldest first.
    pub fn admins(&self) -> Result<Vec<Admin>, Error> {
        self.all(
            &format!("SELECT {COLUMNS} ORDER BY id LIMIT 1000"),
            [],
            admin,
        )
    }

    /// The session of this cookie and its administrator, if it is neither idle for `idle` nor older than `ttl`.
    pub fn admin_session(
        &self,
        token_hash: &Digest,
        idle: Duration,
        ttl: Duration,
    ) -> Result<Option<(AdminSession, Admin)>, Error> {
        let now = self.now();
        let session = self.find(
            "SELECT id, admin_id, created_at, seen_at, confirmed_at FROM admin_session
             WHERE token_hash = ?1 AND seen_at > ?2 AND created_at > ?3",
            params![
                token_hash.as_bytes(),
                now.minus(idle).as_millis(),
                now.minus(ttl).as_millis()
            ],
            |r| {
                Ok(AdminSession {
                    id: row::parsed(r, 0, "session id")?,
                    admin: row::parsed(r, 1, "administrator's id")?,
                    created_at: row::time(r, 2)?,
                    seen_at: row::time(r, 3)?,
                    confirmed_at: row::time_or_none(r, 4)?,
                })
            },
        )?;
        let Some(session) = session else {
            return Ok(None);
        };
        let admin = self.admin(session.admin)?;
        Ok(admin.map(|admin| (session, admin)))
    }

    /// Whether this setup link may be used: it is neither used nor expired.
    pub fn is_setup_token_good(&self, token_hash: &Digest) -> Result<bool, Error> {
        self.exists(
            "SELECT 1 FROM setup_token WHERE token_hash = ?1 AND used_at IS NULL AND expires_at > ?2",
            params![token_hash.as_bytes(), self.now().as_millis()],
        )
    }
}

impl WriteTx<'_> {
    /// Keeps a new administrator. [`Error::Duplicate`] where the address is taken.
    pub fn insert_admin(&self, admin: &Admin) -> Result<(), Error> {
        self.insert(
            "administrator",
            "INSERT INTO admin (id, email, email_folded, name, password_hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                admin.id.to_string(),
                admin.email.as_str(),
                admin.email.folded(),
                admin.name,
                admin.password_hash,
                admin.created_at.as_millis(),
            ],
        )
    }

    /// Gives an administrator another password; all their sessions end. [`Error::Missing`].
    pub fn set_admin_password(&self, id: AdminId, password_hash: &str) -> Result<(), Error> {
        let changed = self.run(
            "UPDATE admin SET password_hash = ?2, failures = 0, failed_at = NULL WHERE id = ?1",
            params![id.to_string(), password_hash],
        )?;
        if changed == 0 {
            return Err(Error::Missing("administrator"));
        }
        self.run(
            "DELETE FROM admin_session WHERE admin_id = ?1",
            [id.to_string()],
        )?;
        Ok(())
    }

    /// A try failed now.
    pub fn note_admin_failure(&self, id: AdminId) -> Result<(), Error> {
        self.run(
            "UPDATE admin SET failures = failures + 1, failed_at = ?2 WHERE id = ?1",
            params![id.to_string(), self.now().as_millis()],
        )?;
        Ok(())
    }

    /// Logs an administrator in: a new session, and their failures are forgotten. Only the newest 20 sessions stay.
    pub fn insert_admin_session(
        &self,
        token_hash: &Digest,
        session: &AdminSession,
    ) -> Result<(), Error> {
        let admin = session.admin.to_string();
        self.run(
            "UPDATE admin SET failures = 0, failed_at = NULL WHERE id = ?1",
            [&admin],
        )?;
        self.insert(
            "session",
            "INSERT INTO admin_session (token_hash, id, admin_id, created_at, seen_at, confirmed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                token_hash.as_bytes(),
                session.id.to_string(),
                admin,
                session.created_at.as_millis(),
                session.seen_at.as_millis(),
                session.confirmed_at.map(Timestamp::as_millis),
            ],
        )?;
        self.run(
            "DELETE FROM admin_session WHERE token_hash IN (
                 SELECT token_hash FROM admin_session WHERE admin_id = ?1 ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET 20)",
            [&admin],
        )?;
        Ok(())
    }

    /// The session was used now.
    pub fn touch_admin_session(&self, token_hash: &Digest) -> Result<(), Error> {
        self.run(
            "UPDATE admin_session SET seen_at = ?2 WHERE token_hash = ?1",
            params![token_hash.as_bytes(), self.now().as_millis()],
        )?;
        Ok(())
    }

    /// The password was typed again in this session, now.
    pub fn confirm_admin_session(&self, token_hash: &Digest) -> Result<(), Error> {
        self.run(
            "UPDATE admin_session SET confirmed_at = ?2 WHERE token_hash = ?1",
            params![token_hash.as_bytes(), self.now().as_millis()],
        )?;
        Ok(())
    }

    /// Logs out.
    pub fn delete_admin_session(&self, token_hash: &Digest) -> Result<(), Error> {
        self.run(
            "DELETE FROM admin_session WHERE token_hash = ?1",
            [token_hash.as_bytes()],
        )?;
        Ok(())
    }

    /// Keeps a setup link for [`limits::SETUP_LINK_TTL`]; earlier ones die.
    pub fn insert_setup_token(&self, token_hash: &Digest) -> Result<(), Error> {
        let now = self.now();
        self.run("DELETE FROM setup_token", [])?;
        self.insert(
            "setup link",
            "INSERT INTO setup_token (token_hash, created_at, expires_at) VALUES (?1, ?2, ?3)",
            params![
                token_hash.as_bytes(),
                now.as_millis(),
                now.plus(limits::SETUP_LINK_TTL).as_millis()
            ],
        )
    }

    /// Uses a setup link up. False where it is unknown, used or expired.
    pub fn use_setup_token(&self, token_hash: &Digest) -> Result<bool, Error> {
        let used = self.run(
            "UPDATE setup_token SET used_at = ?2 WHERE token_hash = ?1 AND used_at IS NULL AND expires_at > ?2",
            params![token_hash.as_bytes(), self.now().as_millis()],
        )?;
        Ok(used == 1)
    }

    /// Deletes up to `limit` administrators' sessions older than `ttl`. Tells how many.
    pub fn forget_admin_sessions(&self, ttl: Duration, limit: u32) -> Result<usize, Error> {
        self.run(
            "DELETE FROM admin_session WHERE token_hash IN (
                 SELECT token_hash FROM admin_session WHERE created_at <= ?1 ORDER BY created_at LIMIT ?2)",
            params![self.now().minus(ttl).as_millis(), limit],
        )
    }
}
