//! `/webhooks`.

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
    let fetch = move |app: &App, page: Page| app.list_webhooks(&who.0, page.number, page.size);
    request::list(&web, plain_page(&request)?, fetch, views::webhook).await
}

pub async fn show(
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
) -> Result<HttpResponse, ApiError> {
    let webhook = blocking(&web, move |app| app.webhook(&who.0, &id)).await?;
    Ok(request::answer(&views::webhook(&webhook)))
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
            app.create_webhook(caller, &body, claim, |new| {
                views::new_webhook(new).to_string().into_bytes()
            })
        },
    )
    .await
}

pub async fn delete(
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
) -> Result<HttpResponse, ApiError> {
    blocking(&web, move |app| app.delete_webhook(&who.0, &id)).await?;
    Ok(request::success())
}
