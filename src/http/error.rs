//! Failures on the wire: one shape (RFC 9457 problem details) for all of them.
//!
//! `error` and `code` are what existing clients read. Codes are only ever added, never renamed; a snapshot holds them. `type` is
//! the address of the code's entry in the page that is made from this very catalogue (`/docs/errors`).

use super::Web;
use super::middleware::request_name;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use serde_json::json;

macro_rules! error_codes {
    ($($name:ident $wire:literal $status:literal $title:literal : $remedy:literal;)*) => {
        /// Every `code` of a failed call, with its status and what to do about it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorCode {
            $(#[doc = $title] $name,)*
        }

        impl ErrorCode {
            /// All of them, in the order of the reference.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The `title` of the problem.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// How to put it right: the `detail` where the call at hand knows nothing better.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }

            /// Where the page of failures tells of it: the code, with `_` for what an address can't carry.
            pub fn anchor(self) -> String {
                self.as_str().replace(' ', "_")
            }
        }
    };
}

error_codes! {
    InvalidRequest "invalid_request" 400 "Invalid request": "Each fault is listed in errors[] with the place it stands at. Mend them all and send again.";
    InvalidJson "invalid_json" 400 "Not JSON": "Send one JSON value, UTF-8, as the body.";
    NotAvailable "not_available" 400 "Not available in this version": "Leave the named member or value out; this version does not carry it out and does not pretend to.";
    QualifiedNotAvailable "qualified_not_available" 400 "Qualified signatures are not offered": "Use signatureLevel SIMPLE.";
    AdvancedRequiresStrongAuth "ADVANCED_REQUIRES_STRONG_AUTH" 400 "Advanced signatures need strong authentication": "Ask for requireSmsOtp and give each signer a phone number.";
    UrlRejected "url_rejected" 400 "Webhook address refused": "Give an https address that the public internet reaches, or have the operator open the network in [webhooks] allowed_networks.";
    Unauthorized "unauthorized" 401 "No valid API key": "Send Authorization: Bearer followed by a key that is neither revoked nor mistyped.";
    InsufficientScope "insufficient_scope" 403 "The key may not do this": "Use a key that was created with the named scope.";
    Forbidden "forbidden" 403 "Not allowed": "The message names what is not this caller's; leave it out, or name your own.";
    NotFound "NOT FOUND" 404 "Not found": "Check the id, and that the key belongs to the environment in which the object was made.";
    RouteNotAvailable "not_available" 404 "Not available in this version": "This version does not offer this address yet.";
    MethodNotAllowed "method_not_allowed" 405 "Method not allowed": "The Allow header lists what this address takes.";
    RequestTimeout "request_timeout" 408 "The request came too slowly": "Send it again over a better connection.";
    Conflict "CONFLICT" 409 "Not in this state": "Fetch the object and look at its status.";
    SignerWithoutField "signer_without_field" 409 "Signer without field": "Give each signer a field, or none of them: then a signature page is added.";
    Sealing "sealing" 409 "Being sealed": "All have signed and the document is being sealed; it can no longer be withdrawn.";
    NotCompleted "not_completed" 409 "Not completed yet": "The signed document exists once the status is COMPLETED.";
    NotSent "not_sent" 409 "Not sent yet": "The audit trail begins when the envelope is sent.";
    DocumentInUse "document_in_use" 409 "The document is in use": "Delete the draft or wait until the envelope is no longer stored.";
    LimitReached "limit_reached" 409 "As many as there may be": "Remove some that are not needed any more, then send the request again under a new Idempotency-Key.";
    IdempotencyInProgress "idempotency_in_progress" 409 "The first call is still running": "Wait as long as Retry-After says and send the same again.";
    Purged "purged" 410 "No longer stored": "The document was removed when its retention time ended.";
    PayloadTooLarge "payload_too_large" 413 "Too large": "The message names the limit.";
    UnsupportedMediaType "unsupported_media_type" 415 "Unsupported media type": "Send JSON as application/json, and files as multipart/form-data.";
    DocumentTypeUnsupported "document_type_unsupported" 415 "Not a PDF": "Upload a PDF; other kinds must be converted first.";
    MisdirectedRequest "misdirected_request" 421 "Wrong host": "Call the server by the name in its public_url.";
    DocumentMalformed "document_malformed" 422 "The PDF is damaged": "Write it anew with the program that made it (print to PDF does, too), then upload again.";
    DocumentEncrypted "document_encrypted" 422 "The PDF is encrypted": "Remove password and restrictions, then upload again.";
    DocumentAlreadySigned "document_already_signed" 422 "The PDF carries a signature": "Upload the file as it was before it was signed.";
    DocumentTooManyPages "document_too_many_pages" 422 "Too many pages": "Split the document.";
    DocumentUnrenderable "document_unrenderable" 422 "The PDF can't be shown": "What can't be shown to a signer is not sealed. Print it to a new PDF, then upload that.";
    DocumentActiveContent "document_active_content" 422 "The PDF has active content": "Remove scripts, launch actions and embedded files (print to PDF does), then upload again.";
    IdempotencyKeyReused "idempotency_key_reused" 422 "Idempotency-Key used for another request": "Use a new key for a new request.";
    RateLimited "rate_limited" 429 "Too many requests": "Wait as many seconds as Retry-After says.";
    InternalError "internal_error" 500 "Internal error": "Tell the operator the requestId; the log has the cause.";
    Unavailable "unavailable" 503 "Busy": "Wait as many seconds as Retry-After says and send it again.";
    SealUnavailable "seal_unavailable" 503 "The seal key is unusable": "The operator must mend the seal's key; nothing was sent.";
    StorageFull "storage_full" 507 "Storage is full": "The operator must make room; nothing was stored.";
}

/// A failed call.
#[derive(Clone, Debug)]
pub struct ApiError {
    code: ErrorCode,
    message: String,
    detail: Option<String>,
    problems: Vec<(String, String, String)>,
    retry_after_seconds: Option<u64>,
    allow: Option<String>,
}

impl ApiError {
    /// With a message for whoever reads the answer.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            detail: None,
            problems: Vec::new(),
            retry_after_seconds: None,
            allow: None,
        }
    }

    /// The code.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The message for strangers.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Adds a remedy of this very case.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a fault: JSON pointer, code, message.
    #[must_use]
    pub fn problem(mut self, pointer: String, code: String, message: String) -> Self {
        self.problems.push((pointer, code, message));
        self
    }

    /// Tells when to come again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds.max(1));
        self
    }

    /// Seconds after which it may be tried again, where that is known.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after_seconds
    }

    /// The methods of a 405.
    #[must_use]
    pub fn allow(mut self, methods: &str) -> Self {
        self.allow = Some(methods.to_owned());
        self
    }

    /// The body as JSON, for this request: with its name, and with addresses of the server that it reached.
    pub fn body(&self, request: &HttpRequest) -> serde_json::Value {
        let web = request.app_data::<web::Data<Web>>();
        let public_url = web.map_or("", |web| web.app.public_url());
        self.problem_details(public_url, request_name(request).as_deref())
    }

    fn problem_details(&self, public_url: &str, request_name: Option<&str>) -> serde_json::Value {
        let mut body = json!({
            "error": self.message,
            "code": self.code.as_str(),
            "type": format!("{public_url}/docs/errors#{}", self.code.anchor()),
            "title": self.code.title(),
            "status": self.code.status(),
            "detail": self.detail.as_deref().unwrap_or(self.code.remedy()),
        });
        if let Some(name) = request_name {
            body["requestId"] = json!(name);
        }
        if !self.problems.is_empty() {
            body["errors"] = self
                .problems
                .iter()
                .map(|(pointer, code, message)| json!({"pointer": pointer, "code": code, "message": message}))
                .collect();
        }
        body
    }

    /// The answer to this request.
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        self.with_body(&self.body(request))
    }

    fn with_body(&self, body: &serde_json::Value) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after_seconds {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if let Some(allow) = &self.allow {
            response.insert_header((header::ALLOW, allow.as_str()));
        }
        if self.code == ErrorCode::Unauthorized {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response
            .content_type("application/problem+json")
            .body(body.to_string())
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl actix_web::ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        // The outermost layer makes the answer anew, with the request at hand: what extractors return comes here without one.
        self.with_body(&self.problem_details("", None))
    }
}
