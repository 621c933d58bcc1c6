//! API keys at the door: looked up, counted, held against the scope that the route asks for, and handed down as a [`Caller`].
//!
//! The order is the same for every route: 401, 429, 403, and only then anything that the path, the query or the body says.
//! Who lacks the scope learns nothing about what is there. Whether the caller may do a thing is decided again in the
//! transaction that does it.

use super::client;
use super::error::{ApiError, ErrorCode};
use super::limits::Allowance;
use super::{Web, blocking::blocking};
use crate::app::access::Caller;
use crate::domain::origin::{Actor, Factor};
use crate::domain::scope::Scope;
use crate::domain::secret::ApiKey;
use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use std::future::Future;
use std::pin::Pin;

/// The caller of an API route, with the scope that the route asks for. Extracting it counts the call.
pub struct Authenticated(pub Caller);

/// Which scope each method of an address asks for. It lies beside the routes; a route without one lets nobody in.
#[derive(Clone, Debug)]
pub struct Asks(pub Vec<(Method, Scope)>);

impl Asks {
    /// The scope for a call by this method; HEAD is GET.
    fn by(&self, method: &Method) -> Option<Scope> {
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        self.0
            .iter()
            .find(|(by, _)| by == method)
            .map(|(_, scope)| *scope)
    }
}

/// What the limiter said, for the headers of the answer.
#[derive(Clone, Copy)]
pub struct Counted(pub Allowance);

impl FromRequest for Authenticated {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let asks = request.app_data::<Asks>();
            let (Some(web), Some(scope)) = (
                request.app_data::<web::Data<Web>>().cloned(),
                asks.and_then(|asks| asks.by(request.method())),
            ) else {
                tracing::error!("a route that takes keys says no scope");
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
                Some((caller, scopes)) => {
                    let allowance = web.limits.key(&caller.key.to_string());
                    request.extensions_mut().insert(Counted(allowance));
                    if !allowance.passed {
                        return Err(ApiError::new(
                            ErrorCode::RateLimited,
                            "Too many requests with this API key.",
                        )
                        .retry_after(allowance.wait_seconds));
                    }
                    if !scopes.allow(scope) {
                        return Err(crate::app::Error::Lacks(scope).into());
                    }
                    Ok(Self(caller))
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
    let allowance = web.limits.stranger(client::counted_as(request, web));
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
