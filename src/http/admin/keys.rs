//! API keys: the list, a new one (shown once, in the answer that makes it), revoking.

use super::super::pages::admin::{AdminState, KeyRow, Keys, NewKey, Revoke, ScopeChoice, Section};
use super::super::pages::admin_form::{CreateKeyForm, RevokeForm};
use super::super::pages::problem::{Fault, Problem};
use super::{
    Instead, PAGE_SIZE, Visit, Web, acting, blocking, browser, page, page_number, pager, query,
    remember_shown, see_other, shown, shown_environment, visit,
};
use crate::app::keys::Key;
use crate::domain::scope::{Scope, Scopes};
use actix_web::{HttpRequest, HttpResponse, web};

pub(super) async fn list(request: HttpRequest, web: web::Data<Web>) -> HttpResponse {
    let result = async {
        let visit = visit(&request, &web).await?;
        let number = page_number(&query(&request)?)?;
        let view = keys(&web, &visit, number).await?;
        Ok(page(200, view.html()))
    };
    shown(&request, &web, result.await).await
}

async fn keys(web: &web::Data<Web>, visit: &Visit, number: u32) -> Result<Keys, Instead> {
    let shown = visit.shown;
    let (keys, total) = blocking(web, move |app| app.keys_of(shown, number, PAGE_SIZE)).await?;
    let usual = Scopes::usual();
    Ok(Keys {
        frame: visit.frame(web),
        keys: keys.into_iter().map(row).collect(),
        pager: pager(web, Section::Keys, "", number, total),
        new: None,
        name: String::new(),
        scopes: choices(|scope| usual.allow(scope)),
        public_url: web.app.public_url().to_owned(),
        problems: Vec::new(),
    })
}

fn choices(is_chosen: impl Fn(Scope) -> bool) -> Vec<ScopeChoice> {
    let choice = |scope: &Scope| ScopeChoice {
        scope: scope.as_str().to_owned(),
        chosen: is_chosen(*scope),
    };
    Scope::ALL.iter().map(choice).collect()
}

fn row(key: Key) -> KeyRow {
    KeyRow {
        id: key.id.to_string(),
        masked: masked(&key),
        name: key.name,
        scopes: key
            .scopes
            .iter()
            .map(|scope| scope.as_str().to_owned())
            .collect(),
        created_at: key.created_at,
        used: key
            .last_used_at
            .zip(key.last_used_ip)
            .map(|(at, address)| (at, address.to_string())),
        revoked_at: key.revoked_at,
    }
}

/// What may be seen of a key: both its ends.
fn masked(key: &Key) -> String {
    format!("{}…{}", key.prefix, key.last4)
}

pub(super) async fn create(
    request: HttpRequest,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        let mut visit = acting(&request, &web).await?;
        let form = CreateKeyForm::parse(&browser::form(payload, &web).await?)?;
        visit.expect_own_form(&form.csrf)?;
        // The key belongs to the environment that the form showed, whatever another window has switched to since.
        let Some(environment) = form.shown else {
            return Err(AdminState::Forbidden.into());
        };
        visit.shown = environment;
        let mut problems = form.problems.clone();
        let scopes: Scopes = form
            .scopes
            .iter()
            .filter_map(|word| word.parse().ok())
            .collect();
        if form
            .scopes
            .iter()
            .any(|word| word.parse::<Scope>().is_err())
        {
            problems.push(Problem::new("scope", Fault::Form));
        }
        let mut response = if problems.is_empty() {
            let (name, origin) = (form.name.clone(), visit.who.origin.clone());
            let made = blocking(&web, move |app| {
                app.create_key_for(environment, &name, Some(scopes), &origin)
            })
            .await?;
            let view = keys(&web, &visit, 1).await?;
            let new = NewKey {
                name: made.key.name,
                key: made.secret,
            };
            page(
                200,
                Keys {
                    new: Some(new),
                    ..view
                }
                .html(),
            )
        } else {
            let view = keys(&web, &visit, 1).await?;
            let scopes = choices(|scope| scopes.allow(scope));
            page(
                422,
                Keys {
                    name: form.name,
                    scopes,
                    problems,
                    ..view
                }
                .html(),
            )
        };
        if shown_environment(&request, &web) != environment {
            remember_shown(&mut response, &web, environment)?;
        }
        Ok(response)
    };
    shown(&request, &web, result.await).await
}

pub(super) async fn revoke_page(
    request: HttpRequest,
    id: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    let result = async {
        let visit = visit(&request, &web).await?;
        let key = valid_key(&web, &visit, &id).await?;
        Ok(page(200, revoke(&web, &visit, key, Vec::new()).html()))
    };
    shown(&request, &web, result.await).await
}

pub(super) async fn revoke_form(
    request: HttpRequest,
    id: web::Path<String>,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        let visit = acting(&request, &web).await?;
        let form = RevokeForm::parse(&browser::form(payload, &web).await?)?;
        visit.expect_own_form(&form.csrf)?;
        let key = valid_key(&web, &visit, &id).await?;
        if form.name != key.name.trim() {
            let problems = vec![Problem::new("name", Fault::RevokeName)];
            return Ok(page(422, revoke(&web, &visit, key, problems).html()));
        }
        let (environment, origin) = (key.environment, visit.who.origin.clone());
        blocking(&web, move |app| {
            app.revoke_key_for(environment, &id, &origin)
        })
        .await?;
        Ok(see_other(&web, &Section::Keys.address()))
    };
    shown(&request, &web, result.await).await
}

/// A key that can still be revoked; a revoked one leads to the list, which says so.
async fn valid_key(web: &web::Data<Web>, visit: &Visit, id: &str) -> Result<Key, Instead> {
    let (environment, id) = (visit.shown, id.to_owned());
    let key = blocking(web, move |app| app.key_of(environment, &id)).await?;
    match key.revoked_at {
        None => Ok(key),
        Some(_) => Err(Instead::go(see_other(web, &Section::Keys.address()))),
    }
}

fn revoke(web: &Web, visit: &Visit, key: Key, problems: Vec<Problem>) -> Revoke {
    Revoke {
        frame: visit.frame(web),
        id: key.id.to_string(),
        masked: masked(&key),
        name: key.name,
        problems,
    }
}
