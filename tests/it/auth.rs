//! Who may what, how often, and what every answer is dressed in.

use crate::harness::client::{Client, Reply};
use crate::harness::{Options, TestApp, id, pdf};
use paraph::domain::environment::Environment;
use paraph::domain::network::Network;
use paraph::domain::scope::{Scope, Scopes};
use paraph::http::limits::LimitSettings;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

fn published_limits() -> LimitSettings {
    LimitSettings {
        requests_per_minute: 100,
        burst: 200,
        unauthenticated_per_minute: 20,
        session_per_minute: 1_200,
    }
}

/// One object of each kind, made by the test key.
struct Objects {
    document: String,
    envelope: String,
    webhook: String,
    key: String,
}

impl Objects {
    fn of(app: &TestApp) -> Self {
        let hook = json!({"url": "http://127.0.0.1:9000/hook", "events": ["envelope.voided"]});
        let webhook = app.api.post("/api/v1/webhooks", &hook).expect(201);
        let key = app
            .api
            .post("/api/v1/keys", &json!({"name": "other"}))
            .expect(201);
        let envelope = app.draft(&json!([{"email": "ana@example.com"}]), json!({}));
        Self {
            document: app.document(&pdf::contract()),
            envelope: id(&envelope).to_owned(),
            webhook: id(&webhook).to_owned(),
            key: id(&key).to_owned(),
        }
    }

    /// Every route with its scope, method, path with a real id, and a body that passes.
    fn routes(&self) -> Vec<(Scope, &'static str, String, Option<Value>)> {
        let Self {
            document,
            envelope,
            webhook,
            key,
        } = self;
        let recipients = json!([{"email": "a@example.com"}]);
        let new = json!({"subject": "x", "documentIds": [document], "recipients": recipients});
        let hook = json!({"url": "http://127.0.0.1:9000/", "events": ["envelope.sent"]});
        let file = json!({"name": "a.pdf", "base64Pdf": "JVBERi0="});
        vec![
            (Scope::DocumentsRead, "GET", "/documents".into(), None),
            (
                Scope::DocumentsWrite,
                "POST",
                "/documents".into(),
                Some(file),
            ),
            (
                Scope::DocumentsRead,
                "GET",
                format!("/documents/{document}"),
                None,
            ),
            (
                Scope::DocumentsRead,
                "GET",
                format!("/documents/{document}/content"),
                None,
            ),
            (
                Scope::DocumentsWrite,
                "DELETE",
                format!("/documents/{document}"),
                None,
            ),
            (Scope::EnvelopesRead, "GET", "/envelopes".into(), None),
            (
                Scope::EnvelopesWrite,
                "POST",
                "/envelopes".into(),
                Some(new),
            ),
            (
                Scope::EnvelopesRead,
                "GET",
                format!("/envelopes/{envelope}"),
                None,
            ),
            (
                Scope::EnvelopesWrite,
                "PATCH",
                format!("/envelopes/{envelope}"),
                Some(json!({"subject": "y"})),
            ),
            (
                Scope::EnvelopesWrite,
                "DELETE",
                format!("/envelopes/{envelope}"),
                None,
            ),
            (
                Scope::EnvelopesWrite,
                "POST",
                format!("/envelopes/{envelope}/send"),
                None,
            ),
            (
                Scope::EnvelopesWrite,
                "POST",
                format!("/envelopes/{envelope}/void"),
                Some(json!({})),
            ),
            (
                Scope::EnvelopesRead,
                "GET",
                format!("/envelopes/{envelope}/events"),
                None,
            ),
            (
                Scope::EnvelopesRead,
                "GET",
                format!("/envelopes/{envelope}/audit-trail"),
                None,
            ),
            (
                Scope::EnvelopesRead,
                "GET",
                format!("/envelopes/{envelope}/signed-document"),
                None,
            ),
            (Scope::WebhooksRead, "GET", "/webhooks".into(), None),
            (Scope::WebhooksWrite, "POST", "/webhooks".into(), Some(hook)),
            (
                Scope::WebhooksRead,
                "GET",
                format!("/webhooks/{webhook}"),
                None,
            ),
            (
                Scope::WebhooksWrite,
                "DELETE",
                format!("/webhooks/{webhook}"),
                None,
            ),
            (Scope::KeysRead, "GET", "/keys".into(), None),
            (
                Scope::KeysWrite,
                "POST",
                "/keys".into(),
                Some(json!({"name": "x"})),
            ),
            (Scope::KeysWrite, "DELETE", format!("/keys/{key}"), None),
            (Scope::AccountRead, "GET", "/account/me".into(), None),
            (Scope::AccountRead, "GET", "/workspaces".into(), None),
        ]
    }
}

fn call(client: &Client, method: &str, path: &str, body: Option<&Value>) -> Reply {
    let path = format!("/api/v1{path}");
    match body {
        Some(body) => {
            let text = body.to_string();
            let kind = [("Content-Type", "application/json")];
            client.send(method, &path, &kind, Some(text.as_bytes()))
        }
        None => client.send(method, &path, &[], None),
    }
}

#[test]
fn a_key_is_taken_with_or_without_the_word_bearer_and_nowhere_else() {
    let app = TestApp::start();
    let path = "/api/v1/account/me";
    let with = |value: &str| {
        Client::new(&app.url)
            .header("Authorization", value)
            .get(path)
    };
    for good in [
        app.key.clone(),
        format!("Bearer {}", app.key),
        format!("bearer  {}", app.key),
    ] {
        with(&good).expect(200);
    }
    let mut mistyped = app.key.clone();
    let last = if mistyped.ends_with('0') { '1' } else { '0' };
    mistyped.pop();
    mistyped.push(last);
    let live = app.key.replace("sk_test_", "sk_live_");
    for bad in [
        mistyped,
        live,
        String::new(),
        "Bearer".into(),
        format!("Basic {}", app.key),
        format!("{} x", app.key),
        format!("{}x", app.key),
        "sk_test_".into(),
        "x".repeat(5_000),
    ] {
        let reply = with(&bad);
        reply.expect_error(401, "unauthorized");
        assert_eq!(reply.header("www-authenticate"), "Bearer");
    }
    let stranger = Client::new(&app.url);
    stranger
        .get(&format!("{path}?api_key={}", app.key))
        .expect_error(401, "unauthorized");
    let cookie = Client::new(&app.url).header("Cookie", &format!("Authorization={}", app.key));
    cookie.get(path).expect_error(401, "unauthorized");
}

#[test]
fn every_route_asks_for_its_scope_in_the_exact_words() {
    let app = TestApp::start();
    let objects = Objects::of(&app);
    let routes = objects.routes();
    let served: usize = paraph::http::api::served()
        .iter()
        .filter(|(_, _, scope)| scope.is_some())
        .count();
    assert_eq!(routes.len(), served, "every route is asked here");
    let lacking: BTreeMap<Scope, Client> = Scope::ALL
        .iter()
        .map(|scope| {
            let others: Scopes = Scope::ALL.iter().copied().filter(|s| s != scope).collect();
            (*scope, app.client(Environment::Test, others))
        })
        .collect();
    for (scope, method, path, body) in routes {
        let problem = call(&lacking[&scope], method, &path, body.as_ref())
            .expect_error(403, "insufficient_scope");
        assert_eq!(
            problem["error"],
            format!("Insufficient scope: {scope} required"),
            "{method} {path}"
        );
        // The scope alone is enough, whatever else comes of it.
        let only = app.client(Environment::Test, [scope].into_iter().collect());
        let reply = if method == "DELETE" {
            continue;
        } else {
            call(&only, method, &path, body.as_ref())
        };
        assert!(
            !matches!(reply.status, 401 | 403),
            "{method} {path}: {}",
            reply.text()
        );
    }
}

/// Query, headers and body of a request that is refused for itself.
type Fault = (
    &'static str,
    &'static [(&'static str, &'static str)],
    Option<&'static [u8]>,
);

#[test]
fn who_lacks_the_scope_learns_nothing_else_whatever_the_request_says() {
    let app = TestApp::start();
    let Objects {
        document, envelope, ..
    } = Objects::of(&app);
    let ids = [
        document.as_str(),
        envelope.as_str(),
        "env_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "nonsense",
        "%00",
        "..%2f..",
    ];
    // Each of these is refused for itself where the scope is there.
    let faults: [Fault; 4] = [
        ("?nonsense=1&page=0&format=x", &[], None),
        ("", &[("Content-Type", "text/plain")], Some(b"{")),
        (
            "",
            &[
                ("Content-Type", "application/json"),
                ("Content-Encoding", "br"),
            ],
            Some(b"{\"a\":1,\"a\":2}"),
        ),
        (
            "",
            &[("Content-Length", "0"), ("Idempotency-Key", "no key")],
            None,
        ),
    ];
    let mut asked = 0;
    for (path, method, scope) in paraph::http::api::served() {
        let Some(scope) = scope else { continue };
        let others: Scopes = Scope::ALL.iter().copied().filter(|s| *s != scope).collect();
        let client = app.client(Environment::Test, others);
        for id in ids {
            for (query, headers, body) in faults {
                if method == "GET" && body.is_some() {
                    continue;
                }
                let path = format!("/api/v1{}{query}", path.replace("{id}", id));
                let reply = client.send(method.as_str(), &path, headers, body);
                let mut told = reply.expect_error(403, "insufficient_scope");
                told["requestId"] = json!(null);
                let words = format!("Insufficient scope: {scope} required");
                assert_eq!(told["error"], words, "{method} {path}");
                assert_eq!(told.get("errors"), None);
                asked += 1;
            }
            if !path.contains("{id}") {
                break;
            }
        }
        if method == "GET" {
            let path = format!("/api/v1{}", path.replace("{id}", "nonsense"));
            assert_eq!(client.send("HEAD", &path, &[], None).status, 403);
        }
    }
    assert!(asked >= 200, "{asked} calls");
}

#[test]
fn objects_of_the_other_environment_are_not_there() {
    let app = TestApp::start();
    let objects = Objects::of(&app);
    let live = app.client(Environment::Live, Scopes::all());
    let unknown = Objects {
        document: "doc_01KAT8Z3V5X4R9M2C7Q6B1N0PD".into(),
        envelope: "env_01KAT8Z3V5X4R9M2C7Q6B1N0PD".into(),
        webhook: "whk_01KAT8Z3V5X4R9M2C7Q6B1N0PD".into(),
        key: "key_01KAT8Z3V5X4R9M2C7Q6B1N0PD".into(),
    };
    let told = |reply: &Reply| {
        let mut body = reply.expect_error(404, "NOT FOUND");
        body["requestId"] = Value::Null;
        body
    };
    for ((_, method, path, body), (_, _, nowhere, _)) in
        objects.routes().into_iter().zip(unknown.routes())
    {
        if path == nowhere {
            continue;
        }
        let of_other = told(&call(&live, method, &path, body.as_ref()));
        let of_nobody = told(&call(&live, method, &nowhere, body.as_ref()));
        assert_eq!(of_other, of_nobody, "{method} {path}");
        for malformed in ["x", "doc_", "..", "%2e%2e", &"9".repeat(300)] {
            let last = path.split('/').nth(2).expect("an id");
            told(&call(
                &live,
                method,
                &path.replace(last, malformed),
                body.as_ref(),
            ));
        }
    }
    // Nor can one of them be used by its id.
    let recipients = json!([{"email": "a@example.com"}]);
    let body = json!({"subject": "x", "documentIds": [objects.document], "recipients": recipients});
    let problem = live
        .post("/api/v1/envelopes", &body)
        .expect_error(400, "invalid_request");
    assert_eq!(problem["errors"][0]["code"], "document_not_found");
    for path in ["/documents", "/envelopes", "/webhooks"] {
        let list = live.get(&format!("/api/v1{path}")).expect(200);
        assert_eq!(list["pagination"]["total"], 0, "{path}");
    }
    assert_eq!(
        live.get("/api/v1/keys").expect(200)["pagination"]["total"],
        1
    );
    // All of it is still there for its own key.
    for (scope, method, path, _) in objects.routes() {
        if method == "GET" && !path.ends_with("audit-trail") && !path.ends_with("signed-document") {
            assert_eq!(
                call(&app.api, method, &path, None).status,
                200,
                "{scope} {path}"
            );
        }
    }
}

#[test]
fn a_revoked_key_is_refused_on_the_next_request_also_one_that_revoked_itself() {
    let app = TestApp::start();
    let made = app
        .api
        .post(
            "/api/v1/keys",
            &json!({"name": "x", "scopes": ["keys:write", "keys:read"]}),
        )
        .expect(201);
    let own = Client::with_key(&app.url, made["key"].as_str().expect("a key"));
    own.get("/api/v1/keys").expect(200);
    own.delete(&format!("/api/v1/keys/{}", id(&made)))
        .expect(200);
    own.get("/api/v1/keys").expect_error(401, "unauthorized");
    app.api
        .delete(&format!("/api/v1/keys/{}", id(&made)))
        .expect(200);
}

#[test]
fn a_key_makes_no_wider_one_and_none_of_the_other_environment() {
    let app = TestApp::start();
    let narrow = app.client(
        Environment::Test,
        [Scope::KeysWrite, Scope::DocumentsRead]
            .into_iter()
            .collect(),
    );
    let wide = json!({"name": "x", "scopes": ["documents:read", "documents:write"]});
    let problem = narrow
        .post("/api/v1/keys", &wide)
        .expect_error(403, "insufficient_scope");
    assert_eq!(
        problem["error"],
        "Insufficient scope: documents:write required"
    );
    let usual = narrow
        .post("/api/v1/keys", &json!({"name": "x"}))
        .expect(201);
    assert_eq!(usual["scopes"], json!(["documents:read"]));
    assert_eq!(usual["environment"], "test");
    let live = app.client(Environment::Live, Scopes::all());
    let made = live.post("/api/v1/keys", &json!({"name": "x"})).expect(201);
    assert!(made["key"].as_str().expect("a key").starts_with("sk_live_"));
}

#[test]
fn the_list_of_keys_says_when_and_from_where_one_was_used() {
    let app = TestApp::start();
    let made = app
        .api
        .post("/api/v1/keys", &json!({"name": "x"}))
        .expect(201);
    let own = Client::with_key(&app.url, made["key"].as_str().expect("a key"));
    let shown = || app.api.get("/api/v1/keys").expect(200)["data"][0].clone();
    assert_eq!(shown()["lastUsedAt"], Value::Null);
    app.advance(Duration::from_secs(60));
    own.get("/api/v1/account/me").expect(200);
    app.app().tidy().expect("the housekeeper");
    assert_eq!(shown()["lastUsedAt"], "2026-11-24T09:31:00.000Z");
    assert_eq!(shown()["lastUsedIp"], "127.0.0.1");
    app.advance(Duration::from_secs(60));
    own.get("/api/v1/documents/x")
        .expect_error(404, "NOT FOUND");
    let app = app.restart(Options::default());
    let shown = app.api.get("/api/v1/keys").expect(200)["data"][1].clone();
    assert_eq!(shown["id"], made["id"]);
    assert_eq!(
        shown["lastUsedAt"], "2026-11-24T09:32:00.000Z",
        "kept over a stop"
    );
}

#[test]
fn a_key_passes_200_calls_at_once_and_then_waits_as_long_as_it_is_told() {
    let app = TestApp::with(Options {
        limits: published_limits(),
        ..Options::default()
    });
    let first = app.api.get("/api/v1/account/me");
    assert_eq!(
        first.header("ratelimit-policy"),
        "\"sustained\";q=100;w=60, \"burst\";q=200;w=10"
    );
    assert_eq!(first.header("ratelimit"), "\"burst\";r=199;t=0");
    for _ in 1..200 {
        app.api.get("/api/v1/account/me").expect(200);
    }
    let refused = app.api.get("/api/v1/account/me");
    refused.expect_error(429, "rate_limited");
    assert_eq!(refused.header("ratelimit"), "\"burst\";r=0;t=1");
    let wait: u64 = refused
        .header("retry-after")
        .parse()
        .expect("whole seconds");
    assert_eq!(wait, 1);
    // Refused before the body is read.
    app.api
        .upload("/api/v1/documents", "a.pdf", &pdf::contract())
        .expect_error(429, "rate_limited");
    let other = app.client(Environment::Test, Scopes::all());
    other.get("/api/v1/account/me").expect(200);
    app.advance(Duration::from_secs(wait));
    app.api.get("/api/v1/account/me").expect(200);
}

#[test]
fn strangers_are_limited_by_their_address_and_callers_with_a_key_are_not_hurt_by_them() {
    let app = TestApp::with(Options {
        limits: published_limits(),
        trusted_proxies: vec![Network::v4(127, 0, 0, 0, 8)],
        ..Options::default()
    });
    let from = |address: &str| Client::new(&app.url).header("X-Forwarded-For", address);
    let path = "/api/v1/documents";
    for _ in 0..20 {
        from("192.0.2.7")
            .get(path)
            .expect_error(401, "unauthorized");
    }
    let refused = from("192.0.2.7").get(path);
    refused.expect_error(429, "rate_limited");
    let wait: u64 = refused
        .header("retry-after")
        .parse()
        .expect("whole seconds");
    // What the stranger writes in front of the proxy's own word changes nothing.
    let eleven = format!("{}192.0.2.7", "198.51.100.1, ".repeat(11));
    for list in ["198.51.100.1, 192.0.2.7", "x, 192.0.2.7", &eleven] {
        from(list).get(path).expect_error(429, "rate_limited");
    }
    from("192.0.2.8")
        .get(path)
        .expect_error(401, "unauthorized");
    from("2001:db8:1:2::1")
        .get(path)
        .expect_error(401, "unauthorized");
    Client::with_key(&app.url, &app.key)
        .header("X-Forwarded-For", "192.0.2.7")
        .get(path)
        .expect(200);
    app.advance(Duration::from_secs(wait));
    from("192.0.2.7")
        .get(path)
        .expect_error(401, "unauthorized");
}

#[test]
fn a_forwarded_address_counts_only_behind_a_trusted_proxy() {
    let app = TestApp::with(Options {
        limits: published_limits(),
        ..Options::default()
    });
    for n in 0..20 {
        Client::new(&app.url)
            .header("X-Forwarded-For", &format!("192.0.2.{n}"))
            .get("/api/v1/documents")
            .expect_error(401, "unauthorized");
    }
    Client::new(&app.url)
        .header("X-Forwarded-For", "192.0.2.99")
        .get("/api/v1/documents")
        .expect_error(429, "rate_limited");
}

const CSP_API: &str = "default-src 'none'; frame-ancestors 'none'";
const CSP_FILE: &str = "default-src 'none'; sandbox";
const CSP_PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Exactly the headers of security.md §10, but for what differs from answer to answer.
#[track_caller]
fn dressed(reply: &Reply, csp: &str, cache: &str, more: &[&str]) {
    let fixed = [
        ("cache-control", cache),
        ("content-security-policy", csp),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        ),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex, nofollow"),
    ];
    for (name, value) in fixed {
        assert_eq!(reply.header(name), value, "{name}");
    }
    let mut known: Vec<&str> = fixed.iter().map(|(name, _)| *name).collect();
    known.extend(["content-length", "content-type", "date", "x-request-id"]);
    known.extend(more);
    known.sort_unstable();
    let mut found: Vec<&str> = reply
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    found.sort_unstable();
    assert_eq!(found, known);
}

#[test]
fn every_kind_of_answer_has_exactly_the_headers_of_its_kind() {
    let app = TestApp::start();
    let sent = app.send(&app.draft(&json!([{"email": "ana@example.com"}]), json!({})));
    let counted = ["ratelimit", "ratelimit-policy"];
    dressed(
        &app.api.get("/api/v1/account/me"),
        CSP_API,
        "no-store",
        &counted,
    );
    dressed(
        &app.api.get("/api/v1/documents/x"),
        CSP_API,
        "no-store",
        &counted,
    );
    dressed(
        &app.api.post("/api/v1/keys", &json!({"name": 1})),
        CSP_API,
        "no-store",
        &counted,
    );
    let document = id(&sent["documents"][0]);
    let file = app
        .api
        .get(&format!("/api/v1/documents/{document}/content"));
    let of_file = [
        "content-disposition",
        "content-encoding",
        "ratelimit",
        "ratelimit-policy",
        "repr-digest",
    ];
    dressed(&file, CSP_FILE, "no-store", &of_file);
    assert_eq!(file.header("content-encoding"), "identity");
    let trail = app
        .api
        .get(&format!("/api/v1/envelopes/{}/audit-trail", id(&sent)));
    let interim = [
        "content-disposition",
        "content-encoding",
        "ratelimit",
        "ratelimit-policy",
    ];
    dressed(&trail, CSP_FILE, "no-store", &interim);

    let stranger = Client::new(&app.url);
    dressed(
        &stranger.get("/api/v1/documents"),
        CSP_API,
        "no-store",
        &["www-authenticate"],
    );
    dressed(&stranger.get("/api/v1/templates"), CSP_API, "no-store", &[]);
    dressed(&stranger.get("/nothing"), CSP_API, "no-store", &[]);
    dressed(
        &stranger.get("/api/v1/openapi.json"),
        CSP_API,
        "no-store",
        &[],
    );
    dressed(&stranger.get("/healthz"), CSP_API, "no-store", &[]);
    dressed(&stranger.get("/readyz"), CSP_API, "no-store", &[]);
    dressed(
        &stranger.send("PUT", "/healthz", &[], None),
        CSP_API,
        "no-store",
        &["allow"],
    );
    dressed(&stranger.get("/pki/x.crl"), CSP_API, "no-store", &[]);
    let foreign = Client::new(&app.url).header("Host", "evil.example");
    dressed(&foreign.get("/"), CSP_API, "no-store", &[]);

    let gate = stranger.get(sent["recipients"][0]["signUrl"].as_str().expect("a link"));
    dressed(&gate, CSP_PAGE, "no-store", &[]);
    dressed(
        &stranger.get(&format!("/sign/{}", "A".repeat(43))),
        CSP_PAGE,
        "no-store",
        &[],
    );
    let html = gate.text();
    let at = html.find("/assets/").expect("an asset");
    let asset: String = html[at..].chars().take_while(|c| *c != '"').collect();
    let asset = stranger.get(&asset);
    assert_eq!(asset.status, 200);
    dressed(&asset, CSP_API, FOREVER, &[]);
    let preflight = [
        ("Origin", "https://evil.example"),
        ("Access-Control-Request-Method", "POST"),
    ];
    let reply = app
        .api
        .send("OPTIONS", "/api/v1/documents", &preflight, None);
    reply.expect_error(405, "method_not_allowed");
    assert!(
        !reply
            .headers
            .iter()
            .any(|(name, _)| name.starts_with("access-control"))
    );
}
