//! Taking requests apart: JSON bodies, list parameters, Idempotency-Key.

use super::views;
use crate::app::access::Caller;
use crate::app::idempotency::{Asked, Begun, Claim, StoredReply};
use crate::app::{App, Error};
use crate::domain::digest::{Digest, Hasher};
use crate::domain::ids::KeyId;
use crate::domain::limits;
use crate::http::Web;
use crate::http::blocking::blocking;
use crate::http::body;
use crate::http::error::{ApiError, ErrorCode};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde_json::Value;
use std::collections::BTreeSet;

/// Reads a JSON body of at most `bytes_max`. An empty body without a media type is `None`. A body beyond
/// [`limits::JSON_BYTES_MAX`] takes one of a few places before it is held, and keeps it until the request is answered.
pub async fn json(
    request: &HttpRequest,
    payload: web::Payload,
    web: &web::Data<Web>,
    bytes_max: usize,
) -> Result<Option<Value>, ApiError> {
    body::refuse_encoding(request)?;
    let kind = body::media_type(request);
    if !matches!(kind.as_str(), "" | "application/json") {
        return Err(ApiError::new(
            ErrorCode::UnsupportedMediaType,
            format!("The body is declared as {kind}; application/json is wanted."),
        ));
    }
    body::refuse_length(request, bytes_max)?;
    let length = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    let mut has_place = false;
    let mut expect_place = |length: usize| {
        if length > limits::JSON_BYTES_MAX && !has_place {
            let place = web.large_bodies.enter().ok_or_else(|| {
                ApiError::new(
                    ErrorCode::Unavailable,
                    "Too many large requests are under way.",
                )
                .retry_after(2)
            })?;
            request.extensions_mut().insert(place);
            has_place = true;
        }
        Ok(())
    };
    if let Some(length) = length {
        expect_place(length)?;
    }
    let (patience, clock) = (web.patience, web.clock.clone());
    let bytes = body::read_checked(payload, bytes_max, patience, clock, expect_place).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    parse(&bytes).map(Some)
}

/// Parses JSON; nothing may follow it, and a member may stand only once.
fn parse(bytes: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice::<super::strict::Strict>(bytes)
        .map(|strict| strict.0)
        .map_err(|error| {
            ApiError::new(
                ErrorCode::InvalidJson,
                format!("The body is not JSON: {error}."),
            )
        })
}

/// The body that a call can't do without.
pub fn wanted(body: Option<Value>) -> Result<Value, ApiError> {
    body.ok_or_else(|| ApiError::new(ErrorCode::InvalidJson, "A JSON body is wanted."))
}

/// A page of a list: what `fetch` finds, each item shown by `view`.
pub async fn list<T: Send + 'static>(
    web: &web::Data<Web>,
    page: Page,
    fetch: impl FnOnce(&App, Page) -> Result<(Vec<T>, u64), Error> + Send + 'static,
    view: fn(&T) -> Value,
) -> Result<HttpResponse, ApiError> {
    let (items, total) = blocking(web, move |app| fetch(app, page)).await?;
    let items = items.iter().map(view).collect();
    Ok(answer(&views::list(items, total, page.number, page.size)))
}

/// Where a list is asked to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// 1 to 100.
    pub size: u32,
}

/// The query's parameters in their order. One that stands twice is a fault: two readers of it must not see two different requests.
pub fn query(request: &HttpRequest) -> Result<Vec<(String, String)>, ApiError> {
    let fault = |message: String| ApiError::new(ErrorCode::InvalidRequest, message);
    let query = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
        .map_err(|_| fault("The query string can't be read.".to_owned()))?
        .into_inner();
    let mut seen = BTreeSet::new();
    let mut names = query.iter().map(|(name, _)| name.clone());
    match names.find(|name| !seen.insert(name.clone())) {
        Some(name) => Err(fault(format!("The parameter `{name}` stands twice."))),
        None => Ok(query),
    }
}

/// Reads `page` and `limit` of a list without filters.
pub fn plain_page(request: &HttpRequest) -> Result<Page, ApiError> {
    page(request, |_, _| Ok(false))
}

/// Reads `page` and `limit`, and hands every other parameter to `other`, which takes it or not. An unknown parameter is a fault.
pub fn page(
    request: &HttpRequest,
    mut other: impl FnMut(&str, &str) -> Result<bool, ApiError>,
) -> Result<Page, ApiError> {
    let mut page = Page {
        number: 1,
        size: limits::PAGE_SIZE_DEFAULT,
    };
    for (name, value) in &query(request)? {
        match name.as_str() {
            "page" => page.number = number(name, value, u32::MAX)?,
            "limit" => page.size = number(name, value, limits::PAGE_SIZE_MAX)?,
            "cursor" | "recipientEmail" | "createdAfter" | "createdBefore" | "externalId"
            | "tag" | "q" => {
                return Err(ApiError::new(
                    ErrorCode::NotAvailable,
                    format!("The parameter `{name}` is not available in this version."),
                ));
            }
            _ if other(name, value)? => {}
            _ => {
                return Err(ApiError::new(
                    ErrorCode::InvalidRequest,
                    format!("There is no parameter `{name}` here."),
                ));
            }
        }
    }
    if u64::from(page.number - 1) * u64::from(page.size) >= limits::PAGE_DEPTH_MAX {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            format!(
                "Numbered pages reach the newest {} items.",
                limits::PAGE_DEPTH_MAX
            ),
        ));
    }
    Ok(page)
}

fn number(name: &str, value: &str, max: u32) -> Result<u32, ApiError> {
    match value.parse::<u32>() {
        Ok(n) if n >= 1 && n <= max => Ok(n),
        _ => Err(ApiError::new(
            ErrorCode::InvalidRequest,
            if max == u32::MAX {
                format!("`{name}` is a whole number from 1.")
            } else {
                format!("`{name}` is a whole number from 1 to {max}.")
            },
        )),
    }
}

/// The Idempotency-Key of a request with what tells requests apart: method, path, query and `content`.
fn asked(request: &HttpRequest, caller: KeyId, content: Digest) -> Result<Option<Asked>, ApiError> {
    let Some(value) = request.headers().get("Idempotency-Key") else {
        return Ok(None);
    };
    let fits = |text: &&str| {
        (1..=limits::IDEMPOTENCY_KEY_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_graphic())
    };
    let Some(key) = value.to_str().ok().filter(fits) else {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "Idempotency-Key is 1 to 255 visible ASCII characters.",
        ));
    };
    let mut fingerprint = Hasher::new();
    for part in [
        request.method().as_str(),
        request.path(),
        request.query_string(),
    ] {
        fingerprint.update(&(part.len() as u64).to_be_bytes());
        fingerprint.update(part.as_bytes());
    }
    fingerprint.update(content.as_bytes());
    Ok(Some(Asked {
        caller,
        path: format!("{} {}", request.method(), request.path()),
        key: key.to_owned(),
        fingerprint: fingerprint.finish(),
    }))
}

/// The digest of a JSON body with its members sorted (serde_json's map is sorted), so that their order doesn't matter.
pub fn content(body: Option<&Value>) -> Digest {
    let mut hasher = Hasher::new();
    if let Some(body) = body {
        // Neither a hasher nor a JSON value refuses.
        let _ = serde_json::to_writer(Hashing(&mut hasher), body);
    }
    hasher.finish()
}

/// Hashes what is written: a large body is not copied for it.
struct Hashing<'a>(&'a mut Hasher);

impl std::io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Carries a POST out and answers with `status` and the bytes that the use case made; the same request a second time gets the
/// answer of the first. `content` is the digest of all that its body says.
pub async fn once(
    request: &HttpRequest,
    web: &web::Data<Web>,
    caller: Caller,
    content: Digest,
    status: u16,
    use_case: impl FnOnce(&App, &Caller, Option<Claim>) -> Result<Vec<u8>, Error> + Send + 'static,
) -> Result<HttpResponse, ApiError> {
    let claim = match asked(request, caller.key, content)? {
        None => None,
        Some(asked) => match blocking(web, move |app| app.begin_once(asked)).await? {
            Begun::First(claim) => Some(claim),
            Begun::Again(reply) => return Ok(replayed(reply)),
        },
    };
    let body = carry_out(request, web, claim, move |app, claim| {
        use_case(app, &caller, claim)
    })
    .await?;
    Ok(reply(status, body))
}

/// An answer as it was given the first time.
fn replayed(StoredReply { status, body }: StoredReply) -> HttpResponse {
    HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::OK))
        .insert_header(("Idempotent-Replayed", "true"))
        .content_type(if status < 400 {
            "application/json"
        } else {
            "application/problem+json"
        })
        .body(body)
}

/// Carries a request out, once. A refusal is remembered like a success, so that the same request gets it again; what another
/// attempt may change (no right, too many, too slow, broken here) is not.
async fn carry_out(
    request: &HttpRequest,
    web: &web::Data<Web>,
    claim: Option<Claim>,
    use_case: impl FnOnce(&App, Option<Claim>) -> Result<Vec<u8>, Error> + Send + 'static,
) -> Result<Vec<u8>, ApiError> {
    let kept = claim.clone();
    let done = blocking(web, move |app| {
        // Held until the effect is committed, also where the client went away and nobody waits here any more: the same request in
        // between is told that the first one is running.
        let held = claim.clone();
        let done = use_case(app, claim);
        drop(held);
        done
    })
    .await;
    if let (Err(error), Some(kept)) = (&done, kept) {
        let status = error.code().status();
        if matches!(status, 400..=499) && !matches!(status, 401 | 403 | 408 | 429) {
            let body = error.body(request).to_string();
            blocking(web, move |app| {
                app.remember_refusal(kept, status, body.into_bytes())
            })
            .await?;
        }
    }
    done
}

/// A JSON answer whose bytes a use case made.
pub fn reply(status: u16, body: Vec<u8>) -> HttpResponse {
    HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::OK))
        .content_type("application/json")
        .body(body)
}

/// A JSON answer.
pub fn answer(body: &Value) -> HttpResponse {
    reply(200, body.to_string().into_bytes())
}

/// `{"success": true}`.
pub fn success() -> HttpResponse {
    answer(&serde_json::json!({"success": true}))
}
