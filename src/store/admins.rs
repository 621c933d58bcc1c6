//! Administrators, their sessions and places, and the links that let them set a password. Tokens are stored hashed.

use super::error::Error;
use super::row;
use super::tx::{ReadTx, WriteTx};
use crate::domain::contact::EmailAddress;
use crate::domain::digest::Digest;
use crate::domain::ids::{AdminId, SessionId};
use crate::domain::limits;
use crate::domain::time::Timestamp;
use rusqlite::{Row, params};
use std::net::IpAddr;
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

/// Failed tries, of an account or at one place of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// Since the last try that succeeded.
    pub count: u32,
    /// When the last of those was.
    pub last_at: Option<Timestamp>,
}

/// Places that are remembered for each administrator.
const PLACES_MAX: u32 = 20;

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

    /// What failed at a place where this administrator has logged in within `span`; `None` for any other place.
    pub fn failures_at_place(
        &self,
        id: AdminId,
        address: IpAddr,
        span: Duration,
    ) -> Result<Option<Failures>, Error> {
        self.find(
            "SELECT failures, failed_at FROM admin_place WHERE admin_id = ?1 AND address = ?2 AND entered_at > ?3",
            params![
                id.to_string(),
                address.to_string(),
                self.now().minus(span).as_millis()
            ],
            |r| {
                Ok(Failures {
                    count: r.get(0)?,
                    last_at: row::time_or_none(r, 1)?,
                })
            },
        )
    }

    /// Whom this link lets set another password, if it is neither used nor expired.
    pub fn admin_of_reset_token(&self, token_hash: &Digest) -> Result<Option<Admin>, Error> {
        let id = self.find(
            "SELECT admin_id FROM setup_token
             WHERE token_hash = ?1 AND admin_id IS NOT NULL AND used_at IS NULL AND expires_at > ?2",
            params![token_hash.as_bytes(), self.now().as_millis()],
            |r| row::parsed(r, 0, "administrator's id"),
        )?;
        match id {
            Some(id) => self.admin(id),
            None => Ok(None),
        }
    }

    /// Whether this setup link may be used: it is neither used nor expired.
    pub fn is_setup_token_good(&self, token_hash: &Digest) -> Result<bool, Error> {
        self.exists(
            "SELECT 1 FROM setup_token
             WHERE token_hash = ?1 AND admin_id IS NULL AND used_at IS NULL AND expires_at > ?2",
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

    /// Gives an administrator another password: all their sessions end, and no place is known any more. [`Error::Missing`].
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
        self.run(
            "DELETE FROM admin_place WHERE admin_id = ?1",
            [id.to_string()],
        )?;
        Ok(())
    }

    /// A try failed now: at a known place, or of the account.
    pub fn note_admin_failure(&self, id: AdminId, place: Option<IpAddr>) -> Result<(), Error> {
        let (id, now) = (id.to_string(), self.now().as_millis());
        match place {
            Some(address) => self.run(
                "UPDATE admin_place SET failures = failures + 1, failed_at = ?3 WHERE admin_id = ?1 AND address = ?2",
                params![id, address.to_string(), now],
            )?,
            None => self.run(
                "UPDATE admin SET failures = failures + 1, failed_at = ?2 WHERE id = ?1",
                params![id, now],
            )?,
        };
        Ok(())
    }

    /// The administrator logged in here, now: what failed here is forgotten. Only the newest 20 places stay.
    pub fn enter_admin_place(&self, id: AdminId, address: IpAddr) -> Result<(), Error> {
        let id = id.to_string();
        self.run(
            "INSERT INTO admin_place (admin_id, address, entered_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (admin_id, address) DO UPDATE SET failures = 0, failed_at = NULL, entered_at = excluded.entered_at",
            params![id, address.to_string(), self.now().as_millis()],
        )?;
        self.run(
            "DELETE FROM admin_place WHERE admin_id = ?1 AND address NOT IN (
                 SELECT address FROM admin_place WHERE admin_id = ?1 ORDER BY entered_at DESC, address LIMIT ?2)",
            params![id, PLACES_MAX],
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
        self.run("DELETE FROM setup_token WHERE admin_id IS NULL", [])?;
        self.insert_token(token_hash, None)
    }

    /// Keeps a link that lets this administrator set another password, as long as a setup link; earlier ones of theirs die.
    pub fn insert_reset_token(&self, token_hash: &Digest, id: AdminId) -> Result<(), Error> {
        let id = id.to_string();
        self.run("DELETE FROM setup_token WHERE admin_id = ?1", [&id])?;
        self.insert_token(token_hash, Some(&id))
    }

    fn insert_token(&self, token_hash: &Digest, admin: Option<&str>) -> Result<(), Error> {
        let now = self.now();
        self.insert(
            "link",
            "INSERT INTO setup_token (token_hash, created_at, expires_at, admin_id) VALUES (?1, ?2, ?3, ?4)",
            params![
                token_hash.as_bytes(),
                now.as_millis(),
                now.plus(limits::SETUP_LINK_TTL).as_millis(),
                admin
            ],
        )
    }

    /// Uses such a link up, and tells whose it is. `None` where it is unknown, used or expired.
    pub fn use_reset_token(&self, token_hash: &Digest) -> Result<Option<AdminId>, Error> {
        self.find(
            "UPDATE setup_token SET used_at = ?2
             WHERE token_hash = ?1 AND admin_id IS NOT NULL AND used_at IS NULL AND expires_at > ?2
             RETURNING admin_id",
            params![token_hash.as_bytes(), self.now().as_millis()],
            |r| row::parsed(r, 0, "administrator's id"),
        )
    }

    /// Uses a setup link up. False where it is unknown, used or expired.
    pub fn use_setup_token(&self, token_hash: &Digest) -> Result<bool, Error> {
        let used = self.run(
            "UPDATE setup_token SET used_at = ?2
             WHERE token_hash = ?1 AND admin_id IS NULL AND used_at IS NULL AND expires_at > ?2",
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
