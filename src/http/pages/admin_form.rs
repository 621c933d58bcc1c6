//! The administrators' forms. Every one has `csrf` but those of the setup and the reset link, whose token is proof enough.

use super::form::{BadForm, Form};
use super::problem::{Fault, Problem};
use crate::domain::contact::EmailAddress;
use crate::domain::environment::Environment;
use crate::domain::limits::{
    KEY_NAME_CHARS_MAX, NAME_CHARS_MAX, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN,
};
use crate::domain::text;

/// A password as typed. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Typed(zeroize::Zeroizing<String>);

impl Typed {
    /// The password.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Typed(…)")
    }
}

/// `POST /admin/setup`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupForm {
    /// The setup link's token.
    pub token: String,
    /// The administrator's name.
    pub name: String,
    /// The administrator's address.
    pub email: String,
    /// The password.
    pub password: Typed,
    /// Empty where all can be taken; whether the password is easy to guess is the caller's to add.
    pub problems: Vec<Problem>,
}

impl SetupForm {
    /// Reads the body.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        let form = Form::parse(body)?;
        let name = form.trimmed("name").to_owned();
        let email = form.trimmed("email").to_owned();
        let mut problems = Vec::new();
        problems.extend(name_fault(&name, NAME_CHARS_MAX).map(|fault| Problem::new("name", fault)));
        if email.parse::<EmailAddress>().is_err() {
            problems.push(Problem::new("email", Fault::Email));
        }
        let (password, fault) = new_password(&form);
        problems.extend(fault);
        Ok(Self {
            token: form.trimmed("t").to_owned(),
            name,
            email,
            password,
            problems,
        })
    }
}

/// `POST /admin/reset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResetForm {
    /// The link's token.
    pub token: String,
    /// The new password.
    pub password: Typed,
    /// Empty where it can be taken; whether it is easy to guess is the caller's to add.
    pub problems: Vec<Problem>,
}

impl ResetForm {
    /// Reads the body.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        let form = Form::parse(body)?;
        let (password, fault) = new_password(&form);
        Ok(Self {
            token: form.trimmed("t").to_owned(),
            password,
            problems: fault.into_iter().collect(),
        })
    }
}

/// A password that was typed twice. As typed, blanks and all.
fn new_password(form: &Form) -> (Typed, Option<Problem>) {
    let password = form.last("password").unwrap_or_default().to_owned();
    let length = password.chars().count();
    let problem = if length < PASSWORD_CHARS_MIN {
        Some(Problem::new(
            "password",
            Fault::PasswordShort(PASSWORD_CHARS_MIN),
        ))
    } else if length > PASSWORD_CHARS_MAX {
        Some(Problem::new(
            "password",
            Fault::PasswordLong(PASSWORD_CHARS_MAX),
        ))
    } else if form.last("again") != Some(password.as_str()) {
        Some(Problem::new("again", Fault::PasswordSame))
    } else {
        None
    };
    (Typed(zeroize::Zeroizing::new(password)), problem)
}

/// `POST /admin/login`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginForm {
    /// The form's token.
    pub csrf: String,
    /// The address typed.
    pub email: String,
    /// The password typed.
    pub password: Typed,
    /// Where to go: a path under `/admin`, checked; never another host.
    pub next: Option<String>,
}

impl LoginForm {
    /// Reads the body.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        let form = Form::parse(body)?;
        Ok(Self {
            csrf: form.trimmed("csrf").to_owned(),
            email: form.trimmed("email").to_owned(),
            password: Typed(zeroize::Zeroizing::new(
                form.last("password").unwrap_or_default().to_owned(),
            )),
            next: Some(form.trimmed("next"))
                .filter(|next| is_admin_path(next))
                .map(str::to_owned),
        })
    }
}

/// Whether this is a path of ours under `/admin`, with nothing that a browser could read as another host.
pub fn is_admin_path(path: &str) -> bool {
    path.starts_with("/admin/")
        && path.len() <= 500
        && path
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/-_.?=&%".contains(&b))
        && !path.contains("//")
        && !path.contains("..")
}

/// `POST /admin/keys`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateKeyForm {
    /// The session's token.
    pub csrf: String,
    /// The key's name.
    pub name: String,
    /// The environment that the page showed: the key is made for it, whatever another window has switched to.
    pub shown: Option<Environment>,
    /// The scopes ticked; whether they exist is the caller's to know.
    pub scopes: Vec<String>,
    /// Empty where all can be taken.
    pub problems: Vec<Problem>,
}

impl CreateKeyForm {
    /// Reads the body.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        let form = Form::parse(body)?;
        let name = form.trimmed("name").to_owned();
        let scopes: Vec<String> = form.all("scope").map(str::to_owned).collect();
        let mut problems = Vec::new();
        problems
            .extend(name_fault(&name, KEY_NAME_CHARS_MAX).map(|fault| Problem::new("name", fault)));
        if scopes.is_empty() {
            problems.push(Problem::new("scope", Fault::Scope));
        }
        Ok(Self {
            csrf: form.trimmed("csrf").to_owned(),
            name,
            shown: form.last("environment").and_then(|word| word.parse().ok()),
            scopes,
            problems,
        })
    }
}

/// `POST /admin/keys/{key}/revoke`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokeForm {
    /// The session's token.
    pub csrf: String,
    /// The name typed, to be compared with the key's.
    pub name: String,
}

impl RevokeForm {
    /// Reads the body.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        let form = Form::parse(body)?;
        Ok(Self {
            csrf: form.trimmed("csrf").to_owned(),
            name: form.trimmed("name").to_owned(),
        })
    }
}

/// `POST /admin/jobs/retry`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryForm {
    /// The session's token.
    pub csrf: String,
    /// As in [`super::admin::JobRow`].
    pub queue: String,
    /// As in [`super::admin::JobRow`].
    pub id: String,
}

impl RetryForm {
    /// Reads the body.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        let form = Form::parse(body)?;
        Ok(Self {
            csrf: form.trimmed("csrf").to_owned(),
            queue: form.trimmed("queue").to_owned(),
            id: form.trimmed("id").to_owned(),
        })
    }
}

/// `POST /admin/environment` and `POST /admin/logout` (which has no environment).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchForm {
    /// The session's token.
    pub csrf: String,
    /// What to show from now on.
    pub shown: Option<Environment>,
}

impl SwitchForm {
    /// Reads the body.
    pub fn parse(body: &[u8]) -> Result<Self, BadForm> {
        let form = Form::parse(body)?;
        Ok(Self {
            csrf: form.trimmed("csrf").to_owned(),
            shown: form.last("environment").and_then(|word| word.parse().ok()),
        })
    }
}

fn name_fault(name: &str, chars_max: usize) -> Option<Fault> {
    text::line(name, chars_max)
        .err()
        .map(|fault| Fault::of_text(fault, Fault::Required))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(body: &str) -> Vec<(String, Fault)> {
        SetupForm::parse(body.as_bytes())
            .expect("a form")
            .problems
            .into_iter()
            .map(|p| (p.at, p.fault))
            .collect()
    }

    #[test]
    fn setup_names_every_fault_at_once() {
        assert_eq!(
            setup("t=x&name=&email=nobody&password=short&again=short"),
            [
                ("name".into(), Fault::Required),
                ("email".into(), Fault::Email),
                ("password".into(), Fault::PasswordShort(12)),
            ]
        );
        assert_eq!(
            setup(
                "t=x&name=Ada&email=ada@acme.example&password=correct+horse+battery&again=correct+horse"
            ),
            [("again".into(), Fault::PasswordSame)]
        );
        assert_eq!(
            setup(
                "t=x&name=Ada&email=ada@acme.example&password=correct+horse+battery&again=correct+horse+battery"
            ),
            []
        );
    }

    #[test]
    fn a_password_is_never_in_the_log() {
        let form = LoginForm::parse(b"email=a@b.example&password=correct+horse").expect("a form");
        assert!(!format!("{form:?}").contains("horse"));
        assert_eq!(form.password.reveal(), "correct horse");
    }

    #[test]
    fn login_leads_nowhere_but_under_admin() {
        for evil in [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "/admin//evil",
            "/admin/../x",
            "/sign/abc",
            "javascript:alert(1)",
            "/admin/\nx",
        ] {
            assert!(!is_admin_path(evil), "{evil}");
        }
        assert!(is_admin_path("/admin/outbox?page=2"));
    }

    #[test]
    fn a_key_needs_a_name_and_a_scope() {
        let form = CreateKeyForm::parse(
            b"csrf=c&name=HRIS&environment=test&scope=envelopes:read&scope=envelopes%3Awrite",
        )
        .expect("a form");
        assert_eq!(form.scopes, ["envelopes:read", "envelopes:write"]);
        assert_eq!(form.shown, Some(Environment::Test));
        assert!(form.problems.is_empty());
        let form = CreateKeyForm::parse(b"csrf=c&name=").expect("a form");
        assert_eq!(form.problems.len(), 2);
    }
}
