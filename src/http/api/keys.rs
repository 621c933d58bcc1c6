//! `/keys`.

use super::request::{self, Page, content, json, once, plain_page, wanted};
use super::views;
use crate::app::App;
use crate::domain::limits;
use crate::http::Web;
use crate::http::auth::Authenticated;
use crate::http::blocking::blocking;
use crate::http::error::ApiError;
use actix_web::{HttpRequest, HttpResponse, web};

pub async fn list(
    request: HttpRequest,
    web: web::Data<Web>,
    who: Authenticated,
) -> Result<HttpResponse, ApiError> {
    let fetch = move |app: &App, page: Page| app.list_keys(&who.0, page.number, page.size);
    request::list(&web, plain_page(&request)?, fetch, views::key).await
}

pub async fn create(
    request: HttpRequest,
    web: web::Data<Web>,
    who: Authenticated,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let body = wanted(json(&request, payload, &web, limits::JSON_BYTES_MAX).await?)?;
    let content = content(Some(&body));
    once(
        &request,
        &web,
        who.0,
        content,
        201,
        move |app, caller, claim| {
            app.create_key(caller, &body, claim, |new| {
                views::new_key(new).to_string().into_bytes()
            })
        },
    )
    .await
}

pub async fn revoke(
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
) -> Result<HttpResponse, ApiError> {
    blocking(&web, move |app| app.revoke_key(&who.0, &id)).await?;
    Ok(request::success())
}
