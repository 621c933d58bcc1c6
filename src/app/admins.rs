//! Administrators: the setup link, logging in, sessions. Passwords are kept as Argon2id, tokens as SHA-256.

mod login;
mod reset;

pub(crate) use login::Tries;

use super::{App, Error};
use crate::domain::contact::EmailAddress;
use crate::domain::envelope::{Envelope, Status};
use crate::domain::environment::Environment;
use crate::domain::event::SystemEvent;
use crate::domain::ids::{AdminId, SessionId};
use crate::domain::limits;
use crate::domain::network::neighbourhood;
use crate::domain::origin::{Actor, Factor, Origin};
use crate::domain::secret::Token;
use crate::domain::time::Timestamp;
use crate::store::{Admin, AdminSession, Setting, Window};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Argon2id: 19 MiB, two passes, one lane (OWASP's first choice).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// Passwords that everybody tries first; compared in lower case, as a whole.
const COMMON: &[&str] = &[
    "password1234",
    "passwordpassword",
    "administrator",
    "123456789012",
    "qwertyuiop12",
    "letmeinletmein",
    "changemeplease",
    "adminadminadmin",
    "paraphparaph",
    "iloveyou1234",
    "welcome12345",
    "correcthorsebatterystaple",
];

/// An administrator with an open session.
#[derive(Clone, Debug)]
pub struct Administrator {
    /// Who.
    pub admin: Admin,
    /// Against forged requests: goes into every form of this session.
    pub csrf: String,
    /// Where from; the administrator as actor.
    pub origin: Origin,
}

impl Administrator {
    /// Whether a form carries this session's token; in constant time.
    pub fn is_own_form(&self, csrf: &str) -> bool {
        self.csrf.as_bytes().ct_eq(csrf.as_bytes()).into()
    }
}

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeakPassword {
    /// Under twelve characters.
    TooShort,
    /// Over 128 characters.
    TooLong,
    /// One that everybody tries, or the user's or organisation's name.
    Common,
}

impl App {
    /// Makes the one-time setup link; an earlier one dies. `None` once there is an administrator.
    pub fn setup_link(&self) -> Result<Option<String>, Error> {
        let token = Token::from_bytes(self.random());
        let hash = token.fingerprint();
        let made = self.store.write(move |tx| {
            if tx.has_admin()? {
                return Ok(false);
            }
            tx.insert_setup_token(&hash)?;
            Ok::<_, Error>(true)
        })?;
        Ok(made.then(|| {
            format!(
                "{}/admin/setup?t={}",
                self.settings.public_url,
                token.expose()
            )
        }))
    }

    /// Whether this data folder has never welcomed anybody; from now on it has.
    pub fn is_first_start(&self) -> Result<bool, Error> {
        self.store.write(|tx| {
            if tx.setting(Setting::Welcomed)?.is_some() {
                return Ok(false);
            }
            tx.set(Setting::Welcomed, &tx.now().to_string())?;
            Ok(true)
        })
    }

    /// Whether a setup link is good.
    pub fn is_setup_link_good(&self, token: &str) -> Result<bool, Error> {
        let Ok(token) = Token::parse(token) else {
            return Ok(false);
        };
        self.store
            .read(|tx| Ok(!tx.has_admin()? && tx.is_setup_token_good(&token.fingerprint())?))
    }

    /// Whether a password may be used.
    pub fn judge_password(
        &self,
        password: &str,
        email: &str,
        name: &str,
    ) -> Result<(), WeakPassword> {
        let chars = password.chars().count();
        if chars < limits::PASSWORD_CHARS_MIN {
            return Err(WeakPassword::TooShort);
        }
        if chars > limits::PASSWORD_CHARS_MAX {
            return Err(WeakPassword::TooLong);
        }
        let folded = password.to_lowercase();
        let own = [email, name, &self.settings.organisation.name].map(str::to_lowercase);
        let repeats = |part: &str| !part.is_empty() && folded.replace(part, "").chars().count() < 4;
        if COMMON.contains(&folded.as_str()) || own.iter().any(|part| repeats(part)) {
            return Err(WeakPassword::Common);
        }
        Ok(())
    }

    /// Makes the first administrator. `None`: the link is used up or too old.
    pub fn set_up(
        &self,
        token: &str,
        email: EmailAddress,
        name: String,
        password: &str,
        origin: &Origin,
    ) -> Result<Option<Token>, Error> {
        let Ok(token) = Token::parse(token) else {
            return Ok(None);
        };
        let password_hash = self.hash_password(password)?;
        let origin = origin.clone();
        let session = Token::from_bytes(self.random());
        let session_hash = session.fingerprint();
        let made = self.store.write(move |tx| {
            if tx.has_admin()? || !tx.use_setup_token(&token.fingerprint())? {
                return Ok(false);
            }
            let admin = Admin {
                id: tx.new_id(AdminId::new),
                email: email.clone(),
                name: name.clone(),
                password_hash,
                failures: 0,
                failed_at: None,
                created_at: tx.now(),
            };
            tx.insert_admin(&admin)?;
            let origin = Origin {
                actor: Actor::Admin { id: admin.id, name },
                factor: Factor::SetupLink,
                ..origin
            };
            tx.record_system(
                &SystemEvent::AdminSetup {
                    id: admin.id,
                    email,
                },
                &origin,
            )?;
            tx.insert_admin_session(
                &session_hash,
                &new_session(tx.new_id(SessionId::new), admin.id, tx.now()),
            )?;
            if let Some(address) = origin.address {
                tx.enter_admin_place(admin.id, neighbourhood(address))?;
            }
            Ok::<_, Error>(true)
        })?;
        Ok(made.then_some(session))
    }

    /// A page of an environment's envelopes, newest first, and how many there are: for administrators.
    pub fn envelopes_of(
        &self,
        environment: Environment,
        status: Option<Status>,
        page: u32,
        size: u32,
    ) -> Result<(Vec<Envelope>, u64), Error> {
        let window = Window::page(page, size);
        self.store.read(|tx| {
            let page = tx.envelopes(environment, status, window)?;
            Ok((page.items, page.total))
        })
    }

    /// The session behind a cookie; looking keeps it alive.
    pub fn administrator(
        &self,
        cookie: Option<&str>,
        origin: &Origin,
    ) -> Result<Option<Administrator>, Error> {
        let Some(token) = cookie.and_then(|c| Token::parse(c).ok()) else {
            return Ok(None);
        };
        let hash = token.fingerprint();
        let (idle, ttl) = (
            self.settings.admin_session_idle,
            self.settings.admin_session_ttl,
        );
        let Some((session, admin)) = self
            .store
            .read(|tx| tx.admin_session(&hash, idle, ttl).map_err(Error::from))?
        else {
            return Ok(None);
        };
        // Once a minute is often enough to stay alive.
        if self.now().since(session.seen_at) >= Duration::from_secs(60) {
            self.store
                .write(move |tx| tx.touch_admin_session(&hash).map_err(Error::from))?;
        }
        let mac = self
            .keyring
            .csrf()
            .mac(format!("admin\0{}", token.expose()).as_bytes());
        let actor = Actor::Admin {
            id: admin.id,
            name: admin.name.clone(),
        };
        Ok(Some(Administrator {
            csrf: Token::from_bytes(mac).expose().to_owned(),
            origin: Origin {
                actor,
                factor: Factor::Password,
                ..origin.clone()
            },
            admin,
        }))
    }

    /// A token for the forms that come before any session: login and setup. Bound to the hour.
    pub fn stranger_csrf(&self) -> String {
        self.stranger_token(self.now().as_seconds() / 3600)
    }

    /// Whether such a token is of this hour or the one before.
    pub fn is_stranger_csrf(&self, given: &str) -> bool {
        let hour = self.now().as_seconds() / 3600;
        let Ok(given) = Token::parse(given) else {
            return false;
        };
        [hour, hour - 1].into_iter().any(|hour| {
            Token::parse(&self.stranger_token(hour)).is_ok_and(|good| good.matches(&given))
        })
    }

    fn stranger_token(&self, hour: i64) -> String {
        Token::from_bytes(
            self.keyring
                .csrf()
                .mac(format!("stranger\0{hour}").as_bytes()),
        )
        .expose()
        .to_owned()
    }

    fn hash_password(&self, password: &str) -> Result<String, Error> {
        let _permit = self.heavy.take()?;
        let salt: [u8; 16] = self.random();
        let hash = argon2id(password, &salt)?;
        Ok(format!(
            "$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${}${}",
            BASE64.encode(salt),
            BASE64.encode(&hash[..])
        ))
    }

    /// Without a hash the same work is done, for nothing.
    fn verify_password(&self, password: &str, stored: Option<&str>) -> Result<bool, Error> {
        let _permit = self.heavy.take()?;
        let parts = stored.and_then(|stored| {
            let mut parts = stored.rsplitn(3, '$');
            let hash = BASE64.decode(parts.next()?).ok()?;
            let salt = BASE64.decode(parts.next()?).ok()?;
            Some((salt, hash))
        });
        let (salt, wanted) = parts.unwrap_or_else(|| (vec![0; 16], Vec::new()));
        let hash = argon2id(password, &salt)?;
        Ok(bool::from(hash.ct_eq(&wanted)))
    }
}

fn argon2id(password: &str, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
    let params =
        Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(|e| Error::internal(e.to_string()))?;
    let mut hash = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), salt, &mut hash[..])
        .map_err(|e| Error::internal(e.to_string()))?;
    Ok(hash)
}

fn new_session(id: SessionId, admin: AdminId, now: Timestamp) -> AdminSession {
    AdminSession {
        id,
        admin,
        created_at: now,
        seen_at: now,
        confirmed_at: Some(now),
    }
}
