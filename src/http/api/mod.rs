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
use actix_web::{HttpRequest, Route, web};

/// What is served: each path with its methods. The one list from which the routes are made and against which the contract is held.
fn table() -> Vec<(&'static str, Vec<(Method, Route)>)> {
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    vec![
        (
            "/documents",
            vec![
                (GET, web::to(documents::list)),
                (POST, web::to(documents::create)),
            ],
        ),
        (
            "/documents/{id}",
            vec![
                (GET, web::to(documents::show)),
                (DELETE, web::to(documents::delete)),
            ],
        ),
        (
            "/documents/{id}/content",
            vec![(GET, web::to(documents::content))],
        ),
        (
            "/envelopes",
            vec![
                (GET, web::to(envelopes::list)),
                (POST, web::to(envelopes::create)),
            ],
        ),
        (
            "/envelopes/{id}",
            vec![
                (GET, web::to(envelopes::show)),
                (PATCH, web::to(envelopes::update)),
                (DELETE, web::to(envelopes::delete)),
            ],
        ),
        (
            "/envelopes/{id}/send",
            vec![(POST, web::to(envelopes::send))],
        ),
        (
            "/envelopes/{id}/void",
            vec![(POST, web::to(envelopes::void))],
        ),
        (
            "/envelopes/{id}/events",
            vec![(GET, web::to(envelopes::events))],
        ),
        (
            "/envelopes/{id}/audit-trail",
            vec![(GET, web::to(envelopes::audit_trail))],
        ),
        (
            "/envelopes/{id}/signed-document",
            vec![(GET, web::to(envelopes::signed_document))],
        ),
        (
            "/webhooks",
            vec![
                (GET, web::to(webhooks::list)),
                (POST, web::to(webhooks::create)),
            ],
        ),
        (
            "/webhooks/{id}",
            vec![
                (GET, web::to(webhooks::show)),
                (DELETE, web::to(webhooks::delete)),
            ],
        ),
        (
            "/keys",
            vec![(GET, web::to(keys::list)), (POST, web::to(keys::create))],
        ),
        ("/keys/{id}", vec![(DELETE, web::to(keys::revoke))]),
        ("/account/me", vec![(GET, web::to(account::me))]),
        ("/workspaces", vec![(GET, web::to(account::workspaces))]),
        ("/openapi.json", vec![(GET, web::to(account::openapi_json))]),
        ("/openapi.yaml", vec![(GET, web::to(account::openapi_yaml))]),
    ]
}

/// Path and method of every route of the API.
pub fn served() -> Vec<(&'static str, Method)> {
    table()
        .into_iter()
        .flat_map(|(path, methods)| methods.into_iter().map(move |(method, _)| (path, method)))
        .collect()
}

/// All routes under one of the two prefixes.
pub fn routes(config: &mut web::ServiceConfig, prefix: &str) {
    for (path, methods) in table() {
        config.service(at(&format!("{prefix}{path}"), methods));
    }
    for waiting in WAITING {
        config.service(
            web::resource(format!("{prefix}{waiting}")).default_service(web::to(
                |request: HttpRequest| async move {
                    ApiError::new(
                        ErrorCode::RouteNotAvailable,
                        format!("{} is not available in this version.", request.path()),
                    )
                    .answer(request_name(&request).as_deref())
                },
            )),
        );
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
