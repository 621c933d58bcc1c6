//! A forgotten password: the operator makes a one-time link, its owner sets another password and is in.

use super::new_session;
use crate::app::{App, Error};
use crate::domain::event::SystemEvent;
use crate::domain::ids::{AdminId, SessionId};
use crate::domain::network::neighbourhood;
use crate::domain::origin::{Actor, Factor, Origin};
use crate::domain::secret::Token;
use crate::store::Admin;

impl App {
    /// All administrators, the oldest first; a thousand at most.
    pub fn admins(&self) -> Result<Vec<Admin>, Error> {
        self.store.read(|tx| Ok(tx.admins()?))
    }

    /// Makes a link, good once and for half an hour, that lets this administrator set another password; an earlier one dies.
    /// Until it is used the old password stays. [`Error::NotFound`].
    pub fn reset_link(&self, id: AdminId, origin: &Origin) -> Result<String, Error> {
        let token = Token::from_bytes(self.random());
        let (hash, origin) = (token.fingerprint(), origin.clone());
        self.store.write(move |tx| {
            if tx.admin(id)?.is_none() {
                return Err(Error::NotFound("administrator"));
            }
            tx.insert_reset_token(&hash, id)?;
            tx.record_system(&SystemEvent::AdminResetLinkCreated { id }, &origin)?;
            Ok(())
        })?;
        Ok(format!(
            "{}/admin/reset?t={}",
            self.settings.public_url,
            token.expose()
        ))
    }

    /// Whose link this is, if it is good.
    pub fn reset_link_owner(&self, token: &str) -> Result<Option<Admin>, Error> {
        let Ok(token) = Token::parse(token) else {
            return Ok(None);
        };
        self.store
            .read(|tx| Ok(tx.admin_of_reset_token(&token.fingerprint())?))
    }

    /// Sets another password by such a link: every session of theirs ends, and a new one begins. `None`: the link is used up or too
    /// old.
    pub fn reset_password(
        &self,
        token: &str,
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
        let done = self.store.write(move |tx| {
            let Some(id) = tx.use_reset_token(&token.fingerprint())? else {
                return Ok(false);
            };
            let Some(admin) = tx.admin(id)? else {
                return Ok(false);
            };
            tx.set_admin_password(id, &password_hash)?;
            let actor = Actor::Admin {
                id,
                name: admin.name,
            };
            let origin = Origin {
                actor,
                factor: Factor::ResetLink,
                ..origin
            };
            tx.record_system(&SystemEvent::AdminPasswordChanged { id }, &origin)?;
            let new = new_session(tx.new_id(SessionId::new), id, tx.now());
            tx.insert_admin_session(&session_hash, &new)?;
            if let Some(address) = origin.address {
                tx.enter_admin_place(id, neighbourhood(address))?;
            }
            Ok::<_, Error>(true)
        })?;
        Ok(done.then_some(session))
    }
}
