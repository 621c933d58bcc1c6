//! `paraph key create|list|revoke`

use super::appliance::{open, told};
use super::{Context, Exit};
use crate::domain::environment::Environment;
use crate::domain::limits;
use crate::domain::origin::Origin;
use crate::domain::scope::{Scope, Scopes};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make an API key and print it, once
    Create {
        #[command(flatten)]
        environment: EnvironmentChoice,
        /// What to call it
        #[arg(long)]
        name: String,
        /// A right; several times for several [default: all but keys:*]
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
    },
    /// List the newest hundred keys
    List {
        #[command(flatten)]
        environment: EnvironmentChoice,
    },
    /// Revoke a key; it takes effect on the next request
    Revoke {
        #[command(flatten)]
        environment: EnvironmentChoice,
        /// Its id, key_…
        id: String,
    },
}

#[derive(clap::Args, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct EnvironmentChoice {
    /// Of the test environment
    #[arg(long)]
    test: bool,
    /// Of the live environment
    #[arg(long)]
    live: bool,
}

impl EnvironmentChoice {
    fn meant(&self) -> Environment {
        if self.live {
            Environment::Live
        } else {
            Environment::Test
        }
    }
}

pub(super) fn run(context: &mut Context, command: &Command) -> Exit {
    let app = match open(context) {
        Ok(app) => app,
        Err(exit) => return exit,
    };
    let result = match command {
        Command::Create { environment, name, scopes } => {
            let mut chosen = Vec::new();
            for text in scopes {
                match text.parse::<Scope>() {
                    Ok(scope) => chosen.push(scope),
                    Err(_) => {
                        let known: Vec<&str> = Scope::ALL.iter().map(|s| s.as_str()).collect();
                        context.out.failure(&format!("`{text}` is no scope; there are {}", known.join(", ")));
                        return Exit::Usage;
                    }
                }
            }
            let scopes = (!chosen.is_empty()).then(|| chosen.into_iter().collect::<Scopes>());
            app.create_key_for(environment.meant(), name, scopes, &Origin::operator()).map(|new| {
                if context.out.is_json() {
                    context.out.value(&serde_json::json!({"id": new.key.id, "key": new.secret}));
                } else {
                    context.out.line(&new.secret);
                }
            })
        }
        Command::List { environment } => app.keys_of(environment.meant(), 1, limits::PAGE_SIZE_MAX).map(|(keys, _)| {
            for key in keys {
                let state = if key.revoked_at.is_some() { "revoked" } else { "valid" };
                if context.out.is_json() {
                    context.out.value(&serde_json::json!({
                        "id": key.id, "name": key.name, "prefix": key.prefix, "last4": key.last4,
                        "scopes": key.scopes, "createdAt": key.created_at, "revokedAt": key.revoked_at,
                    }));
                } else {
                    context.out.line(&format!("{}  {}…{}  {state}  {}  {}", key.id, key.prefix, key.last4, key.created_at, key.name));
                }
            }
        }),
        Command::Revoke { environment, id } => {
            app.revoke_key_for(environment.meant(), id, &Origin::operator()).map(|()| context.out.note("revoked"))
        }
    };
    match result {
        Ok(()) => Exit::Good,
        Err(e) => {
            context.out.failure(&told(&e));
            Exit::Failed
        }
    }
}
