//! `/envelopes`.

use super::request::{self, Page, content, json, once, page, reply, wanted};
use super::views;
use crate::app::App;
use crate::app::auditing::Through;
use crate::app::envelopes::Shown;
use crate::domain::envelope::Status;
use crate::domain::limits;
use crate::http::Web;
use crate::http::auth::Authenticated;
use crate::http::blocking::blocking;
use crate::http::error::{ApiError, ErrorCode};
use crate::http::files;
use actix_web::{HttpRequest, HttpResponse, web};

fn view(shown: &Shown) -> Vec<u8> {
    views::envelope(shown).to_string().into_bytes()
}

pub async fn list(
    request: HttpRequest,
    web: web::Data<Web>,
    who: Authenticated,
) -> Result<HttpResponse, ApiError> {
    let mut status = None;
    let page = page(&request, |name, value| {
        if name != "status" {
            return Ok(false);
        }
        if Status::WAITING.contains(&value) {
            return Err(ApiError::new(
                ErrorCode::NotAvailable,
                format!("The status {value} is not available in this version."),
            ));
        }
        let wanted = value.parse::<Status>().map_err(|_| {
            let known: Vec<&str> = Status::ALL.iter().map(|s| s.as_str()).collect();
            ApiError::new(
                ErrorCode::InvalidRequest,
                format!("`status` is one of {}.", known.join(", ")),
            )
        })?;
        status = Some(wanted);
        Ok(true)
    })?;
    let fetch =
        move |app: &App, page: Page| app.list_envelopes(&who.0, status, page.number, page.size);
    request::list(&web, page, fetch, views::envelope).await
}

pub async fn create(
    request: HttpRequest,
    web: web::Data<Web>,
    who: Authenticated,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    // The older shape carries documents as base64; whether it is that one shows only once it is read.
    let document_bytes = usize::try_from(web.app.upload_bytes_max()).unwrap_or(usize::MAX);
    let bytes_max = (document_bytes / 3)
        .saturating_mul(4)
        .saturating_add(limits::JSON_BYTES_MAX);
    let body = wanted(json(&request, payload, &web, bytes_max).await?)?;
    let content = content(Some(&body));
    once(
        &request,
        &web,
        who.0,
        content,
        201,
        move |app, caller, claim| {
            app.create_envelope(caller, body, claim, |shown, in_one_call| {
                if in_one_call {
                    views::envelope_with_signers(shown).to_string().into_bytes()
                } else {
                    view(shown)
                }
            })
        },
    )
    .await
}

pub async fn show(
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
) -> Result<HttpResponse, ApiError> {
    // The most frequent call: a point read, done here where a reader is free.
    let shown = match web.app.try_envelope(&who.0, &id) {
        Some(shown) => shown?,
        None => blocking(&web, move |app| app.envelope(&who.0, &id)).await?,
    };
    Ok(reply(200, view(&shown)))
}

pub async fn update(
    request: HttpRequest,
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let body = wanted(json(&request, payload, &web, limits::JSON_BYTES_MAX).await?)?;
    let shown = blocking(&web, move |app| app.update_envelope(&who.0, &id, &body)).await?;
    Ok(reply(200, view(&shown)))
}

pub async fn delete(
    request: HttpRequest,
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let body = json(&request, payload, &web, limits::JSON_BYTES_MAX).await?;
    blocking(&web, move |app| {
        app.delete_envelope(&who.0, &id, body.as_ref())
    })
    .await?;
    Ok(request::success())
}

pub async fn send(
    request: HttpRequest,
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let body = json(&request, payload, &web, limits::JSON_BYTES_MAX).await?;
    if let Some(body) = &body
        && body.as_object().is_none_or(|members| !members.is_empty())
    {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "Sending takes no members.",
        ));
    }
    let content = content(body.as_ref());
    once(
        &request,
        &web,
        who.0,
        content,
        200,
        move |app, caller, claim| app.send_envelope(caller, &id, claim, view),
    )
    .await
}

pub async fn void(
    request: HttpRequest,
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let body = json(&request, payload, &web, limits::JSON_BYTES_MAX).await?;
    let content = content(body.as_ref());
    once(
        &request,
        &web,
        who.0,
        content,
        200,
        move |app, caller, claim| app.void_envelope(caller, &id, body.as_ref(), claim, view),
    )
    .await
}

pub async fn events(
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
) -> Result<HttpResponse, ApiError> {
    let events = blocking(&web, move |app| app.envelope_events(&who.0, &id)).await?;
    Ok(request::answer(&serde_json::json!({"data": events})))
}

pub async fn audit_trail(
    request: HttpRequest,
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
) -> Result<HttpResponse, ApiError> {
    let query = parameters(&request, &["format", "through"])?;
    let asked = |name| {
        query
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    };
    let refused = |message| Err(ApiError::new(ErrorCode::InvalidRequest, message));
    let through = match asked("through") {
        None => Through::Trail,
        Some("latest") => Through::Latest,
        Some(number) => match number.parse() {
            Ok(sequence) if sequence > 0 => Through::Entry(sequence),
            _ => return refused("`through` is the number of an entry, or latest."),
        },
    };
    match asked("format") {
        None | Some("pdf") if through != Through::Trail => {
            refused("`through` goes with format=json alone.")
        }
        None | Some("pdf") => {
            let file = blocking(&web, move |app| app.audit_trail(&who.0, &id)).await?;
            files::download(&request, file)
        }
        Some("json") => {
            let export =
                blocking(&web, move |app| app.audit_trail_json(&who.0, &id, through)).await?;
            files::download(&request, export)
        }
        Some(_) => refused("`format` is pdf or json."),
    }
}

pub async fn signed_document(
    request: HttpRequest,
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
) -> Result<HttpResponse, ApiError> {
    let document = parameters(&request, &["documentId"])?
        .into_iter()
        .next()
        .map(|(_, value)| value);
    let file = blocking(&web, move |app| {
        app.signed_document(&who.0, &id, document.as_deref())
    })
    .await?;
    files::download(&request, file)
}

/// The query's parameters; one that is not `known` is a fault.
fn parameters(request: &HttpRequest, known: &[&str]) -> Result<Vec<(String, String)>, ApiError> {
    let query = request::query(request)?;
    match query
        .iter()
        .find(|(name, _)| !known.contains(&name.as_str()))
    {
        Some((name, _)) => Err(ApiError::new(
            ErrorCode::InvalidRequest,
            format!("There is no parameter `{name}` here."),
        )),
        None => Ok(query),
    }
}
