//! Whose appliance this is, and what it offers.

use super::request::answer;
use crate::http::Web;
use crate::http::auth::Authenticated;
use actix_web::{HttpResponse, web};
use serde_json::json;

pub async fn me(web: web::Data<Web>, _: Authenticated) -> HttpResponse {
    let organisation = web.app.organisation();
    answer(&json!({
        "id": web.app.workspace_id(),
        "email": organisation.contact,
        "name": organisation.name,
        "plan": "self-hosted",
    }))
}

pub async fn workspaces(web: web::Data<Web>, _: Authenticated) -> HttpResponse {
    answer(&json!({"data": [{"id": web.app.workspace_id(), "name": web.app.organisation().name}]}))
}

const YAML: &str = include_str!("../../../assets/openapi.yaml");
/// The same document; a test holds them equal.
const JSON: &str = include_str!("../../../assets/openapi.json");

/// The contract with this server's own address in it.
pub async fn openapi_yaml(web: web::Data<Web>) -> HttpResponse {
    let own = format!("- url: {}/api/v1\n", web.app.public_url());
    HttpResponse::Ok()
        .content_type("application/yaml")
        .body(YAML.replacen("- url: /api/v1\n", &own, 1))
}

/// Likewise, as JSON.
pub async fn openapi_json(web: web::Data<Web>) -> HttpResponse {
    let own = format!("\"url\":\"{}/api/v1\"", web.app.public_url());
    HttpResponse::Ok()
        .content_type("application/json")
        .body(JSON.replacen("\"url\":\"/api/v1\"", &own, 1))
}
