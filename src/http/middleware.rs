//! What every answer has and every request must pass: request id, security headers, the right host.

use super::Web;
use super::auth::Counted;
use super::error::{ApiError, ErrorCode};
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use std::net::IpAddr;

/// The name that this request has in answers, logs and the audit trail.
#[derive(Clone, Debug)]
pub struct RequestName(pub String);

/// `Content-Security-Policy` of answers that are no page: nothing may be loaded, nobody may frame it.
pub const CSP_API: &str = "default-src 'none'; frame-ancestors 'none'";
/// Of the signing and admin pages: our own scripts and styles only, and no script may write markup.
pub const CSP_PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";
/// Of files: even if a browser opens one here, it may do nothing.
pub const CSP_FILE: &str = "default-src 'none'; sandbox";

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The outermost layer: names the request, refuses foreign hosts, dresses the answer.
pub async fn dress<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let web = request.app_data::<web::Data<Web>>().cloned();
    let name = own_name(request.headers()).unwrap_or_else(|| {
        web.as_ref()
            .map(|w| w.app.new_request_id().to_string())
            .unwrap_or_default()
    });
    request.extensions_mut().insert(RequestName(name.clone()));
    let began = web.as_ref().map(|web| web.clock.monotonic());
    let method = request.method().clone();
    let (https, host_fits) = match &web {
        Some(web) => (web.public.https, host_fits(&request, web)),
        None => (false, true),
    };
    let mut response = if host_fits {
        match next.call(request).await {
            Ok(response) => {
                // A failure that an extractor or handler returned does not know the request's name yet.
                let failure = response
                    .response()
                    .error()
                    .and_then(|e| e.as_error::<ApiError>())
                    .cloned();
                match failure {
                    Some(failure) => {
                        let (request, _) = response.into_parts();
                        let answer = failure.answer(&request).map_into_boxed_body();
                        ServiceResponse::new(request, answer).map_into_right_body()
                    }
                    None => response.map_into_left_body(),
                }
            }
            Err(error) => return Err(error),
        }
    } else {
        let refusal = ApiError::new(
            ErrorCode::MisdirectedRequest,
            "This server does not answer under that name. The proxy in front must pass the Host header on.",
        );
        let answer = refusal.answer(request.request());
        request.into_response(answer).map_into_right_body()
    };
    if let (Some(web), Some(began)) = (&web, began) {
        // The route's pattern, never the path: links carry tokens.
        let route = response.request().match_pattern().unwrap_or_default();
        let ms = web.clock.monotonic().saturating_sub(began).as_millis();
        tracing::info!(request_id = %name, %method, %route, status = response.status().as_u16(), ms = ms as u64, "request");
    }
    let counted = response.request().extensions().get::<Counted>().copied();
    let headers = response.headers_mut();
    if let (Some(web), Some(Counted(allowance))) = (&web, counted) {
        let left = format!(
            "\"burst\";r={};t={}",
            allowance.left, allowance.wait_seconds
        );
        for (name, value) in [
            ("ratelimit-policy", web.limits.policy()),
            ("ratelimit", left),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
    let mut set = |header: HeaderName, value: &'static str| {
        headers.insert(header, HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Under `no-referrer` a browser sends `Origin: null` with our own forms.
    set(header::REFERRER_POLICY, "same-origin");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    );
    set(HeaderName::from_static("x-robots-tag"), "noindex, nofollow");
    if https {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(CSP_API),
        );
    }
    if let Ok(value) = HeaderValue::from_str(&name) {
        headers.insert(X_REQUEST_ID, value);
    }
    Ok(response)
}

/// A client's own `X-Request-Id` is kept when it matches `^[A-Za-z0-9_-]{8,64}$`.
fn own_name(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(X_REQUEST_ID)?.to_str().ok()?;
    let fits = (8..=64).contains(&value.len())
        && value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    fits.then(|| value.to_owned())
}

/// The name of the request at hand, for answers made deep inside.
pub fn request_name(request: &impl HttpMessage) -> Option<String> {
    request
        .extensions()
        .get::<RequestName>()
        .map(|name| name.0.clone())
}

/// Only our own name is served: links use `public_url`, and a foreign `Host` is a mistake or an attack (DNS rebinding).
fn host_fits(request: &ServiceRequest, web: &Web) -> bool {
    if matches!(request.path(), "/healthz" | "/readyz") {
        return true;
    }
    let Some(host) = request
        .headers()
        .get(header::HOST)
        .and_then(|h| h.to_str().ok())
    else {
        // HTTP/1.0 knows no Host, and no browser speaks it.
        return request.version() < actix_web::http::Version::HTTP_11;
    };
    web.public.takes_host(host)
}

/// What `public_url` says about names.
#[derive(Clone, Debug)]
pub struct PublicName {
    /// `https` (or behind a proxy that is).
    pub https: bool,
    /// The host without port, lower case.
    pub host: String,
    /// The path of `public_url` without the last slash: every link of a page begins with it.
    pub root: String,
    /// `scheme://host[:port]` as a browser writes it in `Origin`.
    pub origin: String,
}

impl PublicName {
    /// Takes an address apart that the configuration has already found good.
    pub fn of(public_url: &str) -> Self {
        let https = public_url.starts_with("https://");
        let rest = public_url
            .split_once("://")
            .map_or(public_url, |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or(rest).to_ascii_lowercase();
        let root = rest
            .find('/')
            .map_or("", |at| &rest[at..])
            .trim_end_matches('/')
            .to_owned();
        let scheme = if https { "https" } else { "http" };
        let default_port = if https { ":443" } else { ":80" };
        let shown = authority
            .strip_suffix(default_port)
            .unwrap_or(&authority)
            .to_owned();
        Self {
            https,
            host: without_port(&authority).to_owned(),
            root,
            origin: format!("{scheme}://{shown}"),
        }
    }

    fn takes_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = without_port(&host);
        name == self.host || (is_loopback(&self.host) && is_loopback(name))
    }

    /// Whether an `Origin` header is this server's own. A loopback server has many names.
    pub fn is_own_origin(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        if origin == self.origin {
            return true;
        }
        let name = origin
            .split_once("://")
            .map_or("", |(_, rest)| without_port(rest));
        is_loopback(&self.host) && is_loopback(name)
    }
}

fn without_port(authority: &str) -> &str {
    match authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((v6, _)) => v6,
        None => authority
            .rsplit_once(':')
            .map_or(authority, |(name, _)| name),
    }
}

fn is_loopback(name: &str) -> bool {
    name == "localhost"
        || name.ends_with(".localhost")
        || name
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// The answer to a path that nothing serves.
pub fn not_found(request: &HttpRequest) -> HttpResponse {
    ApiError::new(ErrorCode::NotFound, "There is nothing at this address.").answer(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_server_takes_every_loopback_name_and_no_other() {
        let public = PublicName::of("http://127.0.0.1:8080");
        for host in [
            "127.0.0.1:8080",
            "localhost:9",
            "[::1]:8080",
            "LOCALHOST",
            "paraph.localhost:8080",
        ] {
            assert!(public.takes_host(host), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example:8080",
            "10.0.0.1",
            "",
        ] {
            assert!(!public.takes_host(host), "{host}");
        }
        assert!(public.is_own_origin("http://localhost:8080"));
        assert!(!public.is_own_origin("null"));
    }

    #[test]
    fn a_public_name_is_the_only_one_served() {
        let public = PublicName::of("https://sign.acme.example/paraph");
        assert!(
            public.takes_host("sign.acme.example") && public.takes_host("Sign.Acme.Example:443")
        );
        assert!(!public.takes_host("localhost") && !public.takes_host("acme.example"));
        assert_eq!(public.origin, "https://sign.acme.example");
        assert!(
            public.is_own_origin("https://sign.acme.example")
                && !public.is_own_origin("http://sign.acme.example")
        );
    }
}
