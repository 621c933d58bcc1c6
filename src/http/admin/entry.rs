//! Ways in and out: the setup link, logging in, logging out; and the switch between the environments.

use super::super::pages::admin::{AdminState, Login, LoginNotice, Section, Setup};
use super::super::pages::admin_form::{LoginForm, SetupForm, SwitchForm, is_admin_path};
use super::super::pages::problem::{Fault, Problem};
use super::{
    Instead, SESSION, Web, acting, add_cookie, blocking, browser, client, cookie, expect_own,
    frame, is_own_request, page, query, remember_shown, section_of, see_other, session, shown,
    stranger, until, with_retry_after,
};
use crate::app::admins::WeakPassword;
use crate::domain::contact::EmailAddress;
use crate::domain::limits;
use crate::domain::secret::Token;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

// ---------------------------------------------------------------- the setup link

pub(super) async fn setup_page(request: HttpRequest, web: web::Data<Web>) -> HttpResponse {
    let result = async {
        let token = query(&request)?.trimmed("t").to_owned();
        expect_link(&request, &web, &token).await?;
        let empty = SetupForm::parse(b"")?;
        Ok(page(
            200,
            setup_html(
                &web,
                &SetupForm {
                    token,
                    problems: Vec::new(),
                    ..empty
                },
            ),
        ))
    };
    shown(&request, &web, result.await).await
}

pub(super) async fn setup_form(
    request: HttpRequest,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        expect_own(&request, &web)?;
        let body = browser::form(payload, &web).await?;
        let mut form = SetupForm::parse(&body)?;
        // Also before the password is hashed, which costs.
        expect_link(&request, &web, &form.token).await?;
        if form.problems.is_empty() {
            let judged = web
                .app
                .judge_password(form.password.reveal(), &form.email, &form.name);
            form.problems.extend(judged.err().map(password_problem));
        }
        let Ok(email) = form.email.parse::<EmailAddress>() else {
            return Ok(page(422, setup_html(&web, &form)));
        };
        if !form.problems.is_empty() {
            return Ok(page(422, setup_html(&web, &form)));
        }
        let origin = stranger(&request, &web);
        let made = blocking(&web, move |app| {
            app.set_up(
                &form.token,
                email,
                form.name,
                form.password.reveal(),
                &origin,
            )
        });
        match made.await? {
            Some(token) => enter(&web, &token, &Section::Keys.address()),
            None => Err(AdminState::SetupGone.into()),
        }
    };
    shown(&request, &web, result.await).await
}

pub(super) fn password_problem(weak: WeakPassword) -> Problem {
    let fault = match weak {
        WeakPassword::TooShort => Fault::PasswordShort(limits::PASSWORD_CHARS_MIN),
        WeakPassword::TooLong => Fault::PasswordLong(limits::PASSWORD_CHARS_MAX),
        WeakPassword::Common => Fault::PasswordEasy,
    };
    Problem::new("password", fault)
}

/// The link opens something; who guesses is counted.
async fn expect_link(
    request: &HttpRequest,
    web: &web::Data<Web>,
    token: &str,
) -> Result<(), Instead> {
    let asked = token.to_owned();
    if blocking(web, move |app| app.is_setup_link_good(&asked)).await? {
        return Ok(());
    }
    Err(guessed(request, web, AdminState::SetupGone))
}

/// Counts an unknown link; `gone` is shown as long as there were few.
pub(super) fn guessed(request: &HttpRequest, web: &Web, gone: AdminState) -> Instead {
    let allowance = web.limits.stranger(client::counted_as(request, web));
    if allowance.passed {
        return gone.into();
    }
    AdminState::TooManyRequests {
        until: until(web, allowance),
    }
    .into()
}

fn setup_html(web: &Web, form: &SetupForm) -> String {
    Setup {
        frame: frame(web, None),
        token: form.token.clone(),
        name: form.name.clone(),
        email: form.email.clone(),
        problems: form.problems.clone(),
    }
    .html()
}

// ---------------------------------------------------------------- logging in

pub(super) async fn login_page(request: HttpRequest, web: web::Data<Web>) -> HttpResponse {
    let result = async {
        let query = query(&request)?;
        let next = Some(query.trimmed("next"))
            .filter(|next| is_admin_path(next))
            .map(str::to_owned);
        if session(&request, &web).await?.is_some() {
            return Ok(see_other(
                &web,
                &next.unwrap_or_else(|| Section::Envelopes.address()),
            ));
        }
        let notice = match query.trimmed("notice") {
            "out" => Some(LoginNotice::LoggedOut),
            "ended" => Some(LoginNotice::Ended),
            _ => None,
        };
        Ok(page(
            200,
            Login {
                notice,
                ..login(&web, "", next, Vec::new())
            }
            .html(),
        ))
    };
    shown(&request, &web, result.await).await
}

pub(super) async fn login_form(
    request: HttpRequest,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        if !is_own_request(&request, &web) {
            return Err(AdminState::Forbidden.into());
        }
        let allowance = web.limits.login(client::counted_as(&request, &web));
        if !allowance.passed {
            let wait = Fault::login_wait(web.app.locale(), &web.app.zone(), until(&web, allowance));
            let view = login(&web, "", None, vec![Problem::new("", wait)]);
            return Ok(with_retry_after(
                page(429, view.html()),
                allowance.wait_seconds,
            ));
        }
        let body = browser::form(payload, &web).await?;
        let form = LoginForm::parse(&body)?;
        if !web.app.is_stranger_csrf(&form.csrf) {
            return Err(AdminState::Forbidden.into());
        }
        let origin = stranger(&request, &web);
        let held = cookie(&request, &web, SESSION);
        let (email, next) = (form.email.clone(), form.next.clone());
        let entered = blocking(&web, move |app| {
            app.log_in(
                &form.email,
                form.password.reveal(),
                held.as_deref(),
                &origin,
            )
        });
        match entered.await? {
            Some(token) => enter(
                &web,
                &token,
                &next.unwrap_or_else(|| Section::Envelopes.address()),
            ),
            None => {
                let view = login(&web, &email, next, vec![Problem::new("", Fault::Login)]);
                Ok(page(422, view.html()))
            }
        }
    };
    shown(&request, &web, result.await).await
}

fn login(web: &Web, email: &str, next: Option<String>, problems: Vec<Problem>) -> Login {
    Login {
        frame: frame(web, None),
        csrf: web.app.stranger_csrf(),
        email: email.to_owned(),
        next,
        problems,
        notice: None,
    }
}

/// The new session goes into a cookie.
pub(super) fn enter(web: &Web, token: &Token, path: &str) -> Result<HttpResponse, Instead> {
    let mut response = see_other(web, path);
    add_cookie(
        &mut response,
        browser::session_cookie(web, SESSION, token.expose()),
    )?;
    Ok(response)
}

// ---------------------------------------------------------------- logging out, switching

pub(super) async fn log_out(
    request: HttpRequest,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        let visit = acting(&request, &web).await?;
        let form = SwitchForm::parse(&browser::form(payload, &web).await?)?;
        visit.expect_own_form(&form.csrf)?;
        let held = cookie(&request, &web, SESSION).unwrap_or_default();
        blocking(&web, move |app| app.log_out(&visit.who, &held)).await?;
        let mut response = see_other(&web, "/admin/login?notice=out");
        add_cookie(&mut response, browser::removal_cookie(&web, SESSION))?;
        response.headers_mut().insert(
            HeaderName::from_static("clear-site-data"),
            // Not "cookies": a browser would drop those of every site under the company's domain.
            HeaderValue::from_static("\"cache\", \"storage\""),
        );
        Ok(response)
    };
    shown(&request, &web, result.await).await
}

pub(super) async fn switch(
    request: HttpRequest,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        let visit = acting(&request, &web).await?;
        let form = SwitchForm::parse(&browser::form(payload, &web).await?)?;
        visit.expect_own_form(&form.csrf)?;
        let Some(wanted) = form.shown else {
            return Err(AdminState::Forbidden.into());
        };
        let mut response = see_other(&web, &section_before(&request, &web).address());
        remember_shown(&mut response, &web, wanted)?;
        Ok(response)
    };
    shown(&request, &web, result.await).await
}

/// The section in which the switch was pressed: a list, for a single object exists in one environment only.
fn section_before(request: &HttpRequest, web: &Web) -> Section {
    let before = request
        .headers()
        .get(header::REFERER)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    let after_host = before
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map_or("", |(_, path)| path);
    let path = after_host.split(['?', '#']).next().unwrap_or("");
    let path = format!("/{path}");
    let path = path.strip_prefix(&web.public.root).unwrap_or(&path);
    section_of(path).unwrap_or(Section::Envelopes)
}
