//! API keys at the door: counted, looked up, and handed down as a [`Caller`]. Whether the caller may do a thing is decided again
//! in the transaction that does it.

use super::client;
use super::error::{ApiError, ErrorCode};
use super::limits::Allowance;
use super::{Web, blocking::blocking};
use crate::app::access::Caller;
use crate::domain::origin::{Actor, Factor};
use crate::domain::secret::ApiKey;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use std::future::Future;
use std::pin::Pin;

/// The caller of an API route. Extracting it counts the call.
pub struct Authenticated(pub Caller);

/// What the limiter said, for the headers of the answer.
#[derive(Clone, Copy)]
pub struct Counted(pub Allowance);

impl FromRequest for Authenticated {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let Some(web) = request.app_data::<web::Data<Web>>().cloned() else {
                return Err(ApiError::new(
                    ErrorCode::InternalError,
                    "Something went wrong here.",
                ));
            };
            let Some(key) = presented(&request) else {
                return Err(turned_away(&request, &web));
            };
            let origin = client::origin(&request, &web, Actor::Stranger, Factor::None);
            // A point read by index: done here where a reader is free, else on the blocking pool.
            let found = match web.app.try_authenticate(&key, &origin) {
                Some(found) => found.map_err(ApiError::from),
                None => blocking(&web, move |app| app.authenticate(&key, &origin)).await,
            };
            match found? {
                Some(caller) => {
                    let allowance = web.limits.key(&caller.key.to_string());
                    request.extensions_mut().insert(Counted(allowance));
                    if allowance.passed {
                        Ok(Self(caller))
                    } else {
                        Err(ApiError::new(
                            ErrorCode::RateLimited,
                            "Too many requests with this API key.",
                        )
                        .retry_after(allowance.wait_seconds))
                    }
                }
                None => Err(turned_away(&request, &web)),
            }
        })
    }
}

/// The key of the `Authorization` header; the word `Bearer ` may be missing. A wrong checksum is refused here, without a query.
fn presented(request: &HttpRequest) -> Option<ApiKey> {
    let value = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .trim();
    let key = match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
        Some(_) => return None,
        None => value,
    };
    ApiKey::parse(key).ok()
}

fn turned_away(request: &HttpRequest, web: &Web) -> ApiError {
    let allowance = web.limits.stranger(client::address(request, web));
    if allowance.passed {
        ApiError::new(
            ErrorCode::Unauthorized,
            "The API key is missing, mistyped or revoked.",
        )
    } else {
        ApiError::new(
            ErrorCode::RateLimited,
            "Too many requests without a valid API key from this address.",
        )
        .retry_after(allowance.wait_seconds)
    }
}
