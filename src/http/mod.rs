//! The web side: routes, status codes, shapes of answers. A handler takes a request apart, runs one use case, shows its result.

pub mod admin;
pub mod api;
pub mod auth;
pub mod blocking;
pub mod body;
pub mod browser;
pub mod client;
pub mod docs;
pub mod error;
pub mod files;
pub mod limits;
pub mod middleware;
pub mod pages;
pub mod signing;

use crate::ambient::Clock;
use crate::app::App;
use crate::domain::network::Network;
use actix_web::guard;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, Resource, Route, web};
use error::{ApiError, ErrorCode};
use std::sync::Arc;

/// What handlers stand on.
pub struct Web {
    /// The use cases.
    pub app: Arc<App>,
    /// How often who may call.
    pub limits: limits::Limits,
    /// Uploads at once.
    pub uploads: limits::Uploads,
    /// Bodies at once that are large and held in memory.
    pub large_bodies: limits::Uploads,
    /// Under which name.
    pub public: middleware::PublicName,
    /// How slowly bodies may come.
    pub patience: body::Patience,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Who may see the administrators' pages; empty: everybody.
    pub admin_allow_from: Vec<Network>,
    /// For waits.
    pub clock: Arc<dyn Clock>,
}

/// A resource with its methods. GET also answers HEAD; any other method gets 405 with `Allow`.
pub fn at(path: &str, methods: Vec<(Method, Route)>) -> Resource {
    let mut allow: Vec<String> = Vec::new();
    let mut resource = web::resource(path);
    for (method, route) in methods {
        allow.push(method.as_str().to_owned());
        resource = if method == Method::GET {
            allow.push("HEAD".to_owned());
            resource.route(route.guard(guard::Any(guard::Get()).or(guard::Head())))
        } else {
            resource.route(route.guard(guard::Method(method)))
        };
    }
    let allow = allow.join(", ");
    resource.default_service(web::to(move |request: HttpRequest| {
        let allow = allow.clone();
        async move {
            ApiError::new(
                ErrorCode::MethodNotAllowed,
                format!("{} is not taken here.", request.method()),
            )
            .allow(&allow)
            .answer(&request)
        }
    }))
}

/// The whole route table.
pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(at("/healthz", vec![(Method::GET, web::to(healthz))]))
        .service(at("/readyz", vec![(Method::GET, web::to(readyz))]));
    api::routes(config, "/api/v1");
    api::routes(config, "/v1");
    signing::routes(config);
    admin::routes(config);
    config
        .service(at("/assets/{path:.*}", vec![(Method::GET, web::to(asset))]))
        .service(at("/pki/{file}", vec![(Method::GET, web::to(pki))]))
        .service(at(
            "/docs/errors",
            vec![(Method::GET, web::to(docs::errors))],
        ));
    config.default_service(web::to(|request: HttpRequest| async move {
        middleware::not_found(&request)
    }));
}

/// Alive: the process answers.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("ok\n")
}

/// Ready for traffic: the database answers and the server is not stopping.
async fn readyz(web: web::Data<Web>) -> Result<HttpResponse, ApiError> {
    blocking::blocking(&web, |app| app.readiness()).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("ready\n"))
}

/// A style, a script, the icon: named by content, kept for a year.
async fn asset(request: HttpRequest, path: web::Path<String>) -> HttpResponse {
    match pages::assets::asset(&path) {
        Some(asset) => HttpResponse::Ok()
            .insert_header(("Cache-Control", "public, max-age=31536000, immutable"))
            .content_type(asset.content_type)
            .body(asset.bytes),
        None => middleware::not_found(&request),
    }
}

/// Certificates and revocation lists of our authorities.
async fn pki(web: web::Data<Web>, file: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let file = blocking::blocking(&web, move |app| app.pki_file(&file)).await?;
    Ok(HttpResponse::Ok()
        .content_type(file.media_type)
        .body(file.bytes))
}

/// The failure of a use case on the wire. One arm each, so that a new kind can't be forgotten.
impl From<crate::app::Error> for ApiError {
    fn from(error: crate::app::Error) -> Self {
        use crate::app::Error as E;
        use crate::domain::refusal::Refusal as R;
        let message = error.to_string();
        match error {
            E::Refused(refusal) => match refusal {
                R::Discarded => Self::new(ErrorCode::NotFound, message),
                R::Sealing => Self::new(ErrorCode::Sealing, message),
                R::SignerWithoutField { .. } => Self::new(ErrorCode::SignerWithoutField, message),
                R::WrongState { .. }
                | R::TooLate
                | R::NotARecipient
                | R::NotYourTurn { .. }
                | R::AlreadyActed
                | R::NotOpened
                | R::ExpiresInThePast
                | R::DocumentsDiffer
                | R::FieldValues(_)
                | R::MarkMissing => Self::new(ErrorCode::Conflict, message),
            },
            E::Invalid(problems) => {
                // What this version can't do is told before what follows from it: no `documentIds` beside a `templateId`.
                let first = |code: &str| problems.iter().find(|p| p.code == code);
                let qualified = first(ErrorCode::QualifiedNotAvailable.as_str());
                let waits = first(ErrorCode::NotAvailable.as_str());
                let (code, told) = match (qualified, waits) {
                    (Some(problem), _) => (ErrorCode::QualifiedNotAvailable, Some(problem)),
                    (None, Some(problem)) => (ErrorCode::NotAvailable, Some(problem)),
                    (None, None) => (ErrorCode::InvalidRequest, None),
                };
                let message = told.map_or(message, |problem| problem.message.clone());
                problems
                    .into_iter()
                    .fold(Self::new(code, message), |error, p| {
                        error.problem(p.pointer, p.code.to_owned(), p.message)
                    })
            }
            E::Unauthorized => Self::new(ErrorCode::Unauthorized, message),
            E::Lacks(_) => Self::new(ErrorCode::InsufficientScope, message),
            E::Forbidden(_) => Self::new(ErrorCode::Forbidden, message),
            E::NotFound(_) => Self::new(ErrorCode::NotFound, message),
            E::Conflict { code, .. } => {
                let known = [
                    ErrorCode::NotCompleted,
                    ErrorCode::NotSent,
                    ErrorCode::DocumentInUse,
                    ErrorCode::Sealing,
                    ErrorCode::LimitReached,
                ];
                let code = known
                    .into_iter()
                    .find(|known| known.as_str() == code)
                    .unwrap_or(ErrorCode::Conflict);
                Self::new(code, message)
            }
            E::Document { code, .. } => {
                let known = [
                    ErrorCode::DocumentEncrypted,
                    ErrorCode::DocumentAlreadySigned,
                    ErrorCode::DocumentTooManyPages,
                    ErrorCode::DocumentUnrenderable,
                    ErrorCode::DocumentActiveContent,
                ];
                let code = known
                    .into_iter()
                    .find(|known| known.as_str() == code)
                    .unwrap_or(ErrorCode::DocumentMalformed);
                Self::new(code, message)
            }
            E::NotAPdf(_) => Self::new(ErrorCode::DocumentTypeUnsupported, message),
            E::TooLarge { .. } => Self::new(ErrorCode::PayloadTooLarge, message),
            E::UrlRejected(_) => Self::new(ErrorCode::UrlRejected, message),
            E::IdempotencyReused => Self::new(ErrorCode::IdempotencyKeyReused, message),
            E::IdempotencyRunning => {
                Self::new(ErrorCode::IdempotencyInProgress, message).retry_after(1)
            }
            E::Unavailable => Self::new(ErrorCode::Unavailable, message).retry_after(2),
            E::SealUnavailable(_) => Self::new(ErrorCode::SealUnavailable, message).retry_after(60),
            E::Full => Self::new(ErrorCode::StorageFull, message),
            E::Internal(cause) => {
                tracing::error!(cause = %chain(cause.as_ref()), "internal error");
                Self::new(ErrorCode::InternalError, message)
            }
        }
    }
}

/// An error with its causes, for the log.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    // Bounded: a chain of causes has no business being longer.
    for _ in 0..8 {
        let Some(cause) = next else { break };
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
