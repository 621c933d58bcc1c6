//! The contract: the OpenAPI is what is served, and what is served is what the OpenAPI says. The harness's client holds every
//! answer of the API against it ([`hold`]).

use crate::harness::TestApp;
use crate::harness::client::Reply;
use jsonschema::Validator;
use paraph::http::api;
use paraph::http::error::ErrorCode;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex};

const JSON: &str = include_str!("../../assets/openapi.json");
const YAML: &str = include_str!("../../assets/openapi.yaml");
/// Served, and no part of what they describe.
const THE_CONTRACT_ITSELF: [&str; 2] = ["/openapi.json", "/openapi.yaml"];

static CONTRACT: LazyLock<Value> = LazyLock::new(|| {
    let mut contract = serde_json::from_str(JSON).expect("JSON");
    nullable_as_type(&mut contract);
    contract
});

/// OpenAPI 3.0 says `nullable`, JSON Schema a list of types.
fn nullable_as_type(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.remove("nullable") == Some(json!(true)) {
                let plain = members["type"].clone();
                members["type"] = json!([plain, "null"]);
            }
            members.values_mut().for_each(nullable_as_type);
        }
        Value::Array(items) => items.iter_mut().for_each(nullable_as_type),
        _ => {}
    }
}

/// What `$ref` points to, or the value itself.
fn resolved(value: &'static Value) -> &'static Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(at) => CONTRACT.pointer(at.trim_start_matches('#')).expect(at),
        None => value,
    }
}

/// The path of the contract that a path of a request matches.
fn template(path: &str) -> Option<&'static str> {
    let given: Vec<&str> = path.split('/').collect();
    CONTRACT["paths"]
        .as_object()
        .expect("paths")
        .keys()
        .map(String::as_str)
        .find(|template| {
            let wanted: Vec<&str> = template.split('/').collect();
            wanted.len() == given.len()
                && wanted
                    .iter()
                    .zip(&given)
                    .all(|(w, g)| w == g || (w.starts_with('{') && !g.is_empty()))
        })
}

fn validator(schema: &Value) -> Arc<Validator> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(|e| e.into_inner());
    known
        .entry(schema.to_string())
        .or_insert_with(|| {
            let root = json!({"allOf": [schema], "components": CONTRACT["components"]});
            let built = jsonschema::options()
                .should_validate_formats(true)
                .build(&root);
            Arc::new(built.expect("a schema"))
        })
        .clone()
}

#[track_caller]
fn hold_body(schema: &Value, reply: &Reply, call: &str) {
    let body = reply.json();
    let validator = validator(schema);
    let faults: Vec<String> = validator
        .iter_errors(&body)
        .map(|fault| format!("{} at {}", fault, fault.instance_path()))
        .collect();
    assert!(
        faults.is_empty(),
        "{call} {}: {faults:#?} in {body}",
        reply.status
    );
}

/// Holds an answer against the contract. Calls of other addresses than the API's are nothing to it.
#[track_caller]
pub fn hold(method: &str, path: &str, reply: &Reply) {
    let path = path.split('?').next().expect("a path");
    let Some(rest) = path
        .strip_prefix("/api/v1")
        .or_else(|| path.strip_prefix("/v1"))
        .filter(|rest| rest.starts_with('/') && !THE_CONTRACT_ITSELF.contains(rest))
    else {
        return;
    };
    let call = format!("{method} {rest}");
    assert!(
        reply.status < 500,
        "{call}: {} {}",
        reply.status,
        reply.text()
    );
    assert!(
        (8..=64).contains(&reply.header("x-request-id").len()),
        "{call} has no X-Request-Id"
    );
    if method == "HEAD" {
        assert!(reply.body.is_empty(), "{call} has a body");
        return;
    }
    let kind = reply.header("content-type");
    let operation =
        template(rest).and_then(|t| CONTRACT["paths"][t].get(method.to_ascii_lowercase()));
    let Some(operation) = operation else {
        // Not in the contract: then it is refused, in the shape of all failures.
        assert!(
            matches!(reply.status, 404 | 405 | 421),
            "{call}, which the contract does not know, was answered {}",
            reply.status
        );
        assert_eq!(kind, "application/problem+json", "{call}");
        hold_body(&CONTRACT["components"]["schemas"]["Problem"], reply, &call);
        return;
    };
    if reply.status == 421 {
        return;
    }
    let response = operation["responses"]
        .get(reply.status.to_string())
        .unwrap_or_else(|| {
            panic!(
                "the contract does not know {call} with {}: {}",
                reply.status,
                reply.text()
            )
        });
    let content = resolved(response)["content"]
        .get(kind)
        .unwrap_or_else(|| panic!("the contract does not know {kind} from {call}"));
    if content["schema"]["format"] != "binary" {
        hold_body(&content["schema"], reply, &call);
    }
    if reply.status >= 400 {
        let code = reply.json()["code"].as_str().expect("a code").to_owned();
        assert!(
            ErrorCode::ALL
                .iter()
                .any(|c| c.as_str() == code && c.status() == reply.status),
            "{call}: {code} with {}",
            reply.status
        );
    }
}

#[test]
fn the_contract_parses_as_openapi_and_both_of_its_forms_say_the_same() {
    let parsed: openapiv3::OpenAPI = serde_json::from_str(JSON).expect("an OpenAPI document");
    assert_eq!(parsed.openapi, "3.0.3");
    let from_json: Value = serde_json::from_str(JSON).expect("JSON");
    let from_yaml: Value = serde_saphyr::from_str(YAML).expect("YAML");
    assert!(from_json == from_yaml, "YAML and JSON differ");
    for name in from_json["components"]["schemas"]
        .as_object()
        .expect("schemas")
        .keys()
    {
        validator(&json!({"$ref": format!("#/components/schemas/{name}")}));
    }
}

#[test]
fn the_contract_is_served_with_this_servers_address_and_without_a_key() {
    let app = TestApp::start();
    let stranger = crate::harness::client::Client::new(&app.url);
    let json = stranger.get("/api/v1/openapi.json").expect(200);
    assert_eq!(json["servers"][0]["url"], format!("{}/api/v1", app.url));
    let yaml = stranger.get("/v1/openapi.yaml");
    assert_eq!(yaml.status, 200);
    let yaml: Value = serde_saphyr::from_str(&yaml.text()).expect("YAML");
    assert!(yaml == json, "YAML and JSON differ");
}

#[test]
fn what_is_served_is_in_the_contract_and_what_is_in_the_contract_is_served() {
    let served: BTreeSet<String> = api::served()
        .into_iter()
        .filter(|(path, _, _)| !THE_CONTRACT_ITSELF.contains(path))
        .map(|(path, method, _)| format!("{} {path}", method.as_str().to_lowercase()))
        .collect();
    let described: BTreeSet<String> = CONTRACT["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, methods)| {
            methods
                .as_object()
                .expect("methods")
                .keys()
                .filter(|name| *name != "parameters")
                .map(move |method| format!("{method} {path}"))
        })
        .collect();
    assert_eq!(served, described);
}

#[test]
fn every_address_answers_a_wrong_method_with_the_methods_that_it_takes() {
    let app = TestApp::start();
    let mut by_path: HashMap<&str, Vec<String>> = HashMap::new();
    for (path, method, _) in api::served() {
        let methods = by_path.entry(path).or_default();
        methods.push(method.as_str().to_owned());
        if method == actix_web::http::Method::GET {
            methods.push("HEAD".to_owned());
        }
    }
    for (path, methods) in by_path {
        for prefix in ["/api/v1", "/v1"] {
            let path = format!("{prefix}{}", path.replace("{id}", "doc_1"));
            let reply = app.api.send("PUT", &path, &[], None);
            reply.expect_error(405, "method_not_allowed");
            assert_eq!(reply.header("allow"), methods.join(", "), "{path}");
        }
    }
}

#[test]
fn codes_of_failures_are_only_ever_added() {
    let codes: Vec<String> = ErrorCode::ALL
        .iter()
        .map(|code| format!("{} {} {}", code.status(), code.as_str(), code.title()))
        .collect();
    insta::assert_snapshot!(codes.join("\n"));
}

#[test]
fn the_type_of_every_failure_leads_to_its_entry() {
    let app = TestApp::start();
    let stranger = crate::harness::client::Client::new(&app.url);
    let page = stranger.get("/docs/errors");
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'; script-src 'self'; style-src 'self'")
    );
    let html = page.text().replace("&#39;", "'").replace("&#34;", "\"");
    let entries: HashMap<&str, &str> = html
        .split("<section ")
        .skip(1)
        .map(|entry| {
            let (_, rest) = entry.split_once("id=\"").expect("an anchor");
            rest.split_once('"').expect("an anchor's end")
        })
        .collect();
    for code in ErrorCode::ALL {
        let entry = entries[code.anchor().as_str()];
        for told in [
            format!("<code>{}</code>", code.as_str()),
            format!("{} · {}.", code.status(), code.title()),
            code.remedy().to_owned(),
        ] {
            assert!(entry.contains(&told), "{told} in {entry}");
        }
    }
    // As they are sent: by an extractor, a handler, a route that is none, a wrong method, a foreign host, a page's route.
    let foreign = crate::harness::client::Client::new(&app.url).header("Host", "evil.example");
    for failure in [
        stranger.get("/api/v1/documents"),
        app.api.get("/api/v1/documents/nonsense"),
        app.api.get("/api/v1/nowhere"),
        app.api.get("/api/v1/templates"),
        app.api.send("PUT", "/healthz", &[], None),
        foreign.get("/api/v1/documents"),
        stranger.get("/assets/nothing"),
    ] {
        let problem = failure.json();
        let (address, anchor) = problem["type"]
            .as_str()
            .and_then(|address| address.split_once('#'))
            .expect("an address with an anchor");
        assert_eq!(address, format!("{}/docs/errors", app.url));
        assert!(entries.contains_key(anchor), "{problem}");
        let title = problem["title"].as_str().expect("a title");
        assert!(entries[anchor].contains(title), "{problem}");
    }
}

#[test]
fn routes_are_only_ever_added() {
    let mut routes: Vec<String> = api::served()
        .into_iter()
        .map(|(path, method, scope)| {
            let scope = scope.map_or("for everybody", |scope| scope.as_str());
            format!("{method} {path} {scope}")
        })
        .collect();
    routes.extend(api::WAITING.iter().map(|path| format!("waits {path}")));
    insta::assert_snapshot!(routes.join("\n"));
}
