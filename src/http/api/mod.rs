//! The public API v1: `/api/v1`, and `/v1` as an alias.

mod account;
mod documents;
mod envelopes;
mod keys;
mod request;
mod strict;
pub mod views;
mod webhooks;

use super::at;
use super::error::{ApiError, ErrorCode};
use super::middleware::request_name;
use actix_web::http::Method;
use actix_web::{HttpRequest, web};

/// All routes under one of the two prefixes.
pub fn routes(config: &mut web::ServiceConfig, prefix: &str) {
    let path = |rest: &str| format!("{prefix}{rest}");
    config
        .service(at(
            &path("/documents"),
            vec![
                (Method::GET, web::to(documents::list)),
                (Method::POST, web::to(documents::create)),
            ],
        ))
        .service(at(
            &path("/documents/{id}"),
            vec![
                (Method::GET, web::to(documents::show)),
                (Method::DELETE, web::to(documents::delete)),
            ],
        ))
        .service(at(
            &path("/documents/{id}/content"),
            vec![(Method::GET, web::to(documents::content))],
        ))
        .service(at(
            &path("/envelopes"),
            vec![
                (Method::GET, web::to(envelopes::list)),
                (Method::POST, web::to(envelopes::create)),
            ],
        ))
        .service(at(
            &path("/envelopes/{id}"),
            vec![
                (Method::GET, web::to(envelopes::show)),
                (Method::PATCH, web::to(envelopes::update)),
                (Method::DELETE, web::to(envelopes::delete)),
            ],
        ))
        .service(at(
            &path("/envelopes/{id}/send"),
            vec![(Method::POST, web::to(envelopes::send))],
        ))
        .service(at(
            &path("/envelopes/{id}/void"),
            vec![(Method::POST, web::to(envelopes::void))],
        ))
        .service(at(
            &path("/envelopes/{id}/events"),
            vec![(Method::GET, web::to(envelopes::events))],
        ))
        .service(at(
            &path("/envelopes/{id}/audit-trail"),
            vec![(Method::GET, web::to(envelopes::audit_trail))],
        ))
        .service(at(
            &path("/envelopes/{id}/signed-document"),
            vec![(Method::GET, web::to(envelopes::signed_document))],
        ))
        .service(at(
            &path("/webhooks"),
            vec![
                (Method::GET, web::to(webhooks::list)),
                (Method::POST, web::to(webhooks::create)),
            ],
        ))
        .service(at(
            &path("/webhooks/{id}"),
            vec![
                (Method::GET, web::to(webhooks::show)),
                (Method::DELETE, web::to(webhooks::delete)),
            ],
        ))
        .service(at(
            &path("/keys"),
            vec![
                (Method::GET, web::to(keys::list)),
                (Method::POST, web::to(keys::create)),
            ],
        ))
        .service(at(
            &path("/keys/{id}"),
            vec![(Method::DELETE, web::to(keys::revoke))],
        ))
        .service(at(
            &path("/account/me"),
            vec![(Method::GET, web::to(account::me))],
        ))
        .service(at(
            &path("/workspaces"),
            vec![(Method::GET, web::to(account::workspaces))],
        ))
        .service(at(
            &path("/openapi.json"),
            vec![(Method::GET, web::to(account::openapi_json))],
        ))
        .service(at(
            &path("/openapi.yaml"),
            vec![(Method::GET, web::to(account::openapi_yaml))],
        ));
    for waiting in WAITING {
        config.service(web::resource(path(waiting)).default_service(web::to(
            |request: HttpRequest| async move {
                ApiError::new(
                    ErrorCode::RouteNotAvailable,
                    format!("{} is not available in this version.", request.path()),
                )
                .answer(request_name(&request).as_deref())
            },
        )));
    }
}

/// Routes of the contract that this version does not carry out yet: each says so by name.
pub const WAITING: &[&str] = &[
    "/envelopes/{id}/remind",
    "/envelopes/{id}/recipients/{recipient}",
    "/webhooks/{id}/test",
    "/webhooks/{id}/rotate-secret",
    "/webhooks/{id}/deliveries",
    "/webhooks/{id}/deliveries/{delivery}/replay",
    "/keys/{id}/rotate",
    "/templates",
    "/templates/{id}",
    "/templates/{id}/bulk",
    "/verify",
    "/events",
];
