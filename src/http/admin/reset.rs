//! The link by which an administrator sets another password: `/admin/reset?t=…`, made by the operator.

use super::super::pages::admin::{AdminState, Reset, Section};
use super::super::pages::admin_form::ResetForm;
use super::super::pages::problem::Problem;
use super::entry::{enter, guessed, password_problem};
use super::{Instead, Web, blocking, browser, expect_own, frame, page, query, shown, stranger};
use actix_web::{HttpRequest, HttpResponse, web};

/// Whose link it is.
struct Owner {
    name: String,
    email: String,
}

pub(super) async fn reset_page(request: HttpRequest, web: web::Data<Web>) -> HttpResponse {
    let result = async {
        let token = query(&request)?.trimmed("t").to_owned();
        let owner = expect_link(&request, &web, &token).await?;
        Ok(page(200, html(&web, token, owner, Vec::new())))
    };
    shown(&request, &web, result.await).await
}

pub(super) async fn reset_form(
    request: HttpRequest,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        expect_own(&request, &web)?;
        let body = browser::form(payload, &web).await?;
        let form = ResetForm::parse(&body)?;
        // Also before the password is hashed, which costs.
        let owner = expect_link(&request, &web, &form.token).await?;
        let mut problems = form.problems;
        if problems.is_empty() {
            let judged = web
                .app
                .judge_password(form.password.reveal(), &owner.email, &owner.name);
            problems.extend(judged.err().map(password_problem));
        }
        if !problems.is_empty() {
            return Ok(page(422, html(&web, form.token, owner, problems)));
        }
        let origin = stranger(&request, &web);
        let done = blocking(&web, move |app| {
            app.reset_password(&form.token, form.password.reveal(), &origin)
        });
        match done.await? {
            Some(token) => enter(&web, &token, &Section::Envelopes.address()),
            None => Err(AdminState::ResetGone.into()),
        }
    };
    shown(&request, &web, result.await).await
}

/// The link opens something; who guesses is counted.
async fn expect_link(
    request: &HttpRequest,
    web: &web::Data<Web>,
    token: &str,
) -> Result<Owner, Instead> {
    let asked = token.to_owned();
    match blocking(web, move |app| app.reset_link_owner(&asked)).await? {
        Some(admin) => Ok(Owner {
            name: admin.name,
            email: admin.email.as_str().to_owned(),
        }),
        None => Err(guessed(request, web, AdminState::ResetGone)),
    }
}

fn html(web: &Web, token: String, owner: Owner, problems: Vec<Problem>) -> String {
    Reset {
        frame: frame(web, None),
        token,
        email: owner.email,
        problems,
    }
    .html()
}
