//! `paraph admin setup-link|reset-password`

use super::appliance::{open, told};
use super::{Context, Exit};
use crate::app::{App, Error};
use crate::domain::contact::EmailAddress;
use crate::domain::ids::AdminId;
use crate::domain::origin::Origin;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print a link that lets the first administrator set the appliance up: once, for 30 minutes
    SetupLink,
    /// Print a link by which an administrator sets another password: once, for 30 minutes; it ends all their sessions
    ResetPassword {
        /// Whose: the address they log in with [default: the only administrator]
        email: Option<String>,
    },
}

pub(super) fn run(context: &mut Context, command: &Command) -> Exit {
    let app = match open(context) {
        Ok(app) => app,
        Err(exit) => return exit,
    };
    let made = match command {
        Command::SetupLink => app
            .setup_link()
            .map(|link| link.ok_or("there is an administrator already".to_owned())),
        Command::ResetPassword { email } => reset_link(&app, email.as_deref()),
    };
    match made {
        Ok(Ok(link)) => {
            if context.out.is_json() {
                context.out.value(&serde_json::json!({ "link": link }));
            } else {
                context.out.line(&link);
            }
            Exit::Good
        }
        Ok(Err(refused)) => {
            context.out.failure(&refused);
            Exit::Failed
        }
        Err(e) => {
            context.out.failure(&told(&e));
            Exit::Failed
        }
    }
}

/// The link, or why there is none.
fn reset_link(app: &App, email: Option<&str>) -> Result<Result<String, String>, Error> {
    let known: Vec<(AdminId, EmailAddress)> = app
        .admins()?
        .into_iter()
        .map(|admin| (admin.id, admin.email))
        .collect();
    let addresses = || {
        let all: Vec<&str> = known.iter().map(|(_, email)| email.as_str()).collect();
        all.join(", ")
    };
    let id = match (email, known.as_slice()) {
        (_, []) => {
            return Ok(Err(
                "there is no administrator yet; `paraph admin setup-link` lets the first one in"
                    .to_owned(),
            ));
        }
        (None, [(only, _)]) => *only,
        (None, _) => return Ok(Err(format!("name one of {}", addresses()))),
        (Some(typed), _) => {
            let folded = typed.parse::<EmailAddress>().map(|it| it.folded());
            let found = known
                .iter()
                .find(|(_, email)| folded.as_ref().is_ok_and(|it| *it == email.folded()));
            match found {
                Some((id, _)) => *id,
                None => {
                    return Ok(Err(format!(
                        "no administrator logs in as {typed}; there is {}",
                        addresses()
                    )));
                }
            }
        }
    };
    app.reset_link(id, &Origin::operator()).map(Ok)
}
