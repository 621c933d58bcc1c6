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
use actix_web::{HttpRequest, HttpResponse, Route, guard, web};

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
        let waiting = WAITING_METHODS.iter().filter(|(_, at)| *at == path);
        let resource = waiting.fold(
            at(&format!("{prefix}{path}"), methods),
            |resource, (method, _)| {
                resource.route(
                    web::route()
                        .guard(guard::Method(method.clone()))
                        .to(not_available),
                )
            },
        );
        config.service(resource);
    }
    for path in WAITING {
        let resource = web::resource(format!("{prefix}{path}"));
        config.service(resource.default_service(web::to(not_available)));
    }
}

async fn not_available(request: HttpRequest) -> HttpResponse {
    let call = format!("{} {}", request.method(), request.path());
    ApiError::new(
        ErrorCode::RouteNotAvailable,
        format!("{call} is not available in this version."),
    )
    .answer(request_name(&request).as_deref())
}

/// Methods of the contract that this version does not carry out yet at addresses that it serves.
pub const WAITING_METHODS: &[(Method, &str)] = &[(Method::PATCH, "/webhooks/{id}")];

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
