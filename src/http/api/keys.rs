//! `/keys`.

use super::request::{self, asked, carry_out, content, json, once, page, reply, wanted};
use super::views;
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
    let asked = page(&request, |_, _| Ok(false))?;
    let (keys, total) = blocking(&web, move |app| {
        app.list_keys(&who.0, asked.number, asked.size)
    })
    .await?;
    let items = keys.iter().map(views::key).collect();
    Ok(request::answer(&views::list(
        items,
        total,
        asked.number,
        asked.size,
    )))
}

pub async fn create(
    request: HttpRequest,
    web: web::Data<Web>,
    who: Authenticated,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let body = wanted(json(&request, payload, &web, limits::JSON_BYTES_MAX).await?)?;
    let claim = match once(&web, asked(&request, &who.0, content(Some(&body)))?).await? {
        Ok(claim) => claim,
        Err(again) => return Ok(again),
    };
    let view = |new: &_| views::new_key(new).to_string().into_bytes();
    let body = carry_out(&request, &web, claim, move |app, claim| {
        app.create_key(&who.0, &body, claim, view)
    })
    .await?;
    Ok(reply(201, body))
}

pub async fn revoke(
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
) -> Result<HttpResponse, ApiError> {
    blocking(&web, move |app| app.revoke_key(&who.0, &id)).await?;
    Ok(request::success())
}
