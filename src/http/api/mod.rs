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
use super::auth::Asks;
use super::error::{ApiError, ErrorCode};
use crate::domain::scope::Scope;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, Route, guard, web};

/// One call of the API: its method, the scope that it asks for (`None`: open to strangers), and what answers it.
type Call = (Method, Option<Scope>, Route);

/// What is served: each path with its calls. The one list from which the routes are made and against which the contract is held.
fn table() -> Vec<(&'static str, Vec<Call>)> {
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    vec![
        (
            "/documents",
            vec![
                (GET, Some(Scope::DocumentsRead), web::to(documents::list)),
                (
                    POST,
                    Some(Scope::DocumentsWrite),
                    web::to(documents::create),
                ),
            ],
        ),
        (
            "/documents/{id}",
            vec![
                (GET, Some(Scope::DocumentsRead), web::to(documents::show)),
                (
                    DELETE,
                    Some(Scope::DocumentsWrite),
                    web::to(documents::delete),
                ),
            ],
        ),
        (
            "/documents/{id}/content",
            vec![(GET, Some(Scope::DocumentsRead), web::to(documents::content))],
        ),
        (
            "/envelopes",
            vec![
                (GET, Some(Scope::EnvelopesRead), web::to(envelopes::list)),
                (
                    POST,
                    Some(Scope::EnvelopesWrite),
                    web::to(envelopes::create),
                ),
            ],
        ),
        (
            "/envelopes/{id}",
            vec![
                (GET, Some(Scope::EnvelopesRead), web::to(envelopes::show)),
                (
                    PATCH,
                    Some(Scope::EnvelopesWrite),
                    web::to(envelopes::update),
                ),
                (
                    DELETE,
                    Some(Scope::EnvelopesWrite),
                    web::to(envelopes::delete),
                ),
            ],
        ),
        (
            "/envelopes/{id}/send",
            vec![(POST, Some(Scope::EnvelopesWrite), web::to(envelopes::send))],
        ),
        (
            "/envelopes/{id}/void",
            vec![(POST, Some(Scope::EnvelopesWrite), web::to(envelopes::void))],
        ),
        (
            "/envelopes/{id}/events",
            vec![(GET, Some(Scope::EnvelopesRead), web::to(envelopes::events))],
        ),
        (
            "/envelopes/{id}/audit-trail",
            vec![(
                GET,
                Some(Scope::EnvelopesRead),
                web::to(envelopes::audit_trail),
            )],
        ),
        (
            "/envelopes/{id}/signed-document",
            vec![(
                GET,
                Some(Scope::EnvelopesRead),
                web::to(envelopes::signed_document),
            )],
        ),
        (
            "/webhooks",
            vec![
                (GET, Some(Scope::WebhooksRead), web::to(webhooks::list)),
                (POST, Some(Scope::WebhooksWrite), web::to(webhooks::create)),
            ],
        ),
        (
            "/webhooks/{id}",
            vec![
                (GET, Some(Scope::WebhooksRead), web::to(webhooks::show)),
                (
                    DELETE,
                    Some(Scope::WebhooksWrite),
                    web::to(webhooks::delete),
                ),
            ],
        ),
        (
            "/keys",
            vec![
                (GET, Some(Scope::KeysRead), web::to(keys::list)),
                (POST, Some(Scope::KeysWrite), web::to(keys::create)),
            ],
        ),
        (
            "/keys/{id}",
            vec![(DELETE, Some(Scope::KeysWrite), web::to(keys::revoke))],
        ),
        (
            "/account/me",
            vec![(GET, Some(Scope::AccountRead), web::to(account::me))],
        ),
        (
            "/workspaces",
            vec![(GET, Some(Scope::AccountRead), web::to(account::workspaces))],
        ),
        (
            "/openapi.json",
            vec![(GET, None, web::to(account::openapi_json))],
        ),
        (
            "/openapi.yaml",
            vec![(GET, None, web::to(account::openapi_yaml))],
        ),
    ]
}

/// Path, method and scope of every route of the API.
pub fn served() -> Vec<(&'static str, Method, Option<Scope>)> {
    table()
        .into_iter()
        .flat_map(|(path, calls)| {
            calls
                .into_iter()
                .map(move |(method, scope, _)| (path, method, scope))
        })
        .collect()
}

/// All routes under one of the two prefixes.
pub fn routes(config: &mut web::ServiceConfig, prefix: &str) {
    for (path, calls) in table() {
        let asks = calls
            .iter()
            .filter_map(|(method, scope, _)| Some((method.clone(), (*scope)?)))
            .collect();
        let methods = calls
            .into_iter()
            .map(|(method, _, route)| (method, route))
            .collect();
        let resource = at(&format!("{prefix}{path}"), methods).app_data(Asks(asks));
        let waiting = WAITING_METHODS.iter().filter(|(_, at)| *at == path);
        let resource = waiting.fold(resource, |resource, (method, _)| {
            resource.route(
                web::route()
                    .guard(guard::Method(method.clone()))
                    .to(not_available),
            )
        });
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
    .answer(&request)
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
