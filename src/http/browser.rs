//! What all pages for people share: forms, cookies, redirects, the guard against requests that other sites make.

use super::Web;
use super::body::{self, read_all};
use super::error::{ApiError, ErrorCode};
use super::limits::Allowance;
use super::middleware::CSP_PAGE;
use super::pages::form::Part;
use crate::domain::time::Timestamp;
use actix_multipart::Multipart;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt as _;
use std::time::Duration;

/// Bytes of a form of a few short inputs, at most. A reason of the longest kind, each character four escaped bytes, fits twice.
const FORM_BYTES_MAX: usize = 16 << 10;
/// Bytes of a form with all of a signer's answers, at most: two thousand fields of a thousand characters.
const LONG_FORM_BYTES_MAX: usize = 4 << 20;
/// Bytes of the signature form, at most: two pictures and strokes.
const PARTS_BYTES_MAX: usize = 11 << 20;
/// Parts of the signature form, at most; it has about ten.
const PARTS_MAX: usize = 32;
/// Characters of a part's name, at most.
const PART_NAME_CHARS_MAX: usize = 64;

/// A page.
pub fn page(status: u16, html: String) -> HttpResponse {
    HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::OK))
        .insert_header((header::CONTENT_SECURITY_POLICY, CSP_PAGE))
        .content_type("text/html; charset=utf-8")
        .body(html)
}

/// When a caller who was refused gets through.
pub fn until(web: &Web, allowance: Allowance) -> Timestamp {
    let wait = Duration::from_secs(allowance.wait_seconds);
    web.clock.now().plus(wait)
}

/// Whole seconds from now until then, at least one: for `Retry-After`.
pub fn seconds_until(web: &Web, until: Timestamp) -> u64 {
    let wait = until.since(web.clock.now());
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Tells who has to wait for how many seconds.
pub fn with_retry_after(mut response: HttpResponse, seconds: u64) -> HttpResponse {
    response.headers_mut().insert(
        header::RETRY_AFTER,
        header::HeaderValue::from(seconds.max(1)),
    );
    response
}

/// 303 to a path of ours: after a POST, so that reloading repeats nothing.
pub fn see_other(web: &Web, path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, format!("{}{path}", web.public.root)))
        .finish()
}

/// Refuses what another site sends with our cookies: `Origin`, if sent, is ours; `Sec-Fetch-Site`, if sent, `same-origin`.
pub fn is_own_request(request: &HttpRequest, web: &Web) -> bool {
    let own_origin = match request.headers().get(header::ORIGIN) {
        Some(origin) => origin
            .to_str()
            .is_ok_and(|origin| web.public.is_own_origin(origin)),
        None => true,
    };
    let own_site = match request.headers().get("Sec-Fetch-Site") {
        Some(site) => site.as_bytes() == b"same-origin",
        None => true,
    };
    own_origin && own_site
}

/// The body of a form of a few short inputs, as almost all are.
pub async fn form(payload: web::Payload, web: &Web) -> Result<Vec<u8>, ApiError> {
    form_of(payload, FORM_BYTES_MAX, web).await
}

/// The body of a form with all of a signer's answers. For those alone who hold a session: strangers hold no such piece of memory.
pub async fn long_form(payload: web::Payload, web: &Web) -> Result<Vec<u8>, ApiError> {
    form_of(payload, LONG_FORM_BYTES_MAX, web).await
}

async fn form_of(payload: web::Payload, bytes_max: usize, web: &Web) -> Result<Vec<u8>, ApiError> {
    let body = read_all(payload, bytes_max, web.patience, web.clock.clone()).await?;
    Ok(body.to_vec())
}

/// The parts of a multipart form.
pub async fn parts(
    request: &HttpRequest,
    payload: web::Payload,
    web: &Web,
) -> Result<Vec<Part>, ApiError> {
    let broken = || ApiError::new(ErrorCode::InvalidRequest, "The form arrived incomplete.");
    let stream = body::patient(payload, web.patience, web.clock.clone());
    let mut multipart = Multipart::new(request.headers(), stream);
    let (mut parts, mut total) = (Vec::new(), 0usize);
    while let Some(part) = multipart.next().await {
        let mut part = part.map_err(|_| broken())?;
        let name = part.name().unwrap_or("").to_owned();
        // Also of parts that hold nothing: each costs memory.
        if parts.len() == PARTS_MAX || name.chars().count() > PART_NAME_CHARS_MAX {
            return Err(broken());
        }
        let mut bytes = Vec::new();
        while let Some(piece) = part.next().await {
            let piece = piece.map_err(|_| broken())?;
            total = total.saturating_add(piece.len());
            if total > PARTS_BYTES_MAX {
                return Err(body::too_large(PARTS_BYTES_MAX as u64));
            }
            bytes.extend_from_slice(&piece);
        }
        parts.push(Part { name, bytes });
    }
    Ok(parts)
}

/// A cookie's name: with the `__Host-` prefix wherever the address is https.
fn cookie_name(web: &Web, name: &str) -> String {
    if web.public.https {
        format!("__Host-paraph_{name}")
    } else {
        format!("paraph_{name}")
    }
}

/// A session cookie: gone with the browser, never read by scripts, never sent by other sites.
pub fn session_cookie(web: &Web, name: &str, value: &str) -> Cookie<'static> {
    Cookie::build(cookie_name(web, name), value.to_owned())
        .path("/")
        .http_only(true)
        .secure(web.public.https)
        .same_site(SameSite::Strict)
        .finish()
}

/// The cookie that takes one away.
pub fn removal_cookie(web: &Web, name: &str) -> Cookie<'static> {
    let mut cookie = session_cookie(web, name, "");
    cookie.make_removal();
    cookie
}

/// A session cookie's value.
pub fn cookie(request: &HttpRequest, web: &Web, name: &str) -> Option<String> {
    request
        .cookie(&cookie_name(web, name))
        .map(|cookie| cookie.value().to_owned())
}
