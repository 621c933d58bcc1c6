//! The recipient's pages: `/sign/{token}` is the gate, `/signing/{recipient}/…` the steps behind it.
//!
//! GET shows, POST acts and answers 303. A step out of turn leads to the right one.

use super::blocking::blocking;
use super::browser::{self, cookie, is_own_request, page, see_other};
use super::client;
use super::error::ApiError;
use super::files;
use super::middleware::request_name;
use super::pages::frame::Frame;
use super::pages::problem::{Fault, Problem, problems_json};
use super::pages::review::{
    self, Adopted, Autosave, Go, PageText, Review, ReviewDocument, ReviewField, ReviewForm,
    ReviewPage,
};
use super::pages::sign::{
    Answer, Check, CheckDocument, CheckForm, Decline, DeclineForm, DocumentText, Done, Download,
    Entry, Gate, Given, Later, OpenForm, Progress,
};
use super::pages::signature::{
    Maker, Mark as FormMark, Method as Making, SignatureForm, SignaturePage, Style,
};
use super::pages::state::{State as PageState, StatePage};
use super::{Web, at};
use crate::app::signing::{
    Blocked, Door, Draft, MadeMark, Progress as Far, Signed, Signer, Signing,
};
use crate::app::{App, Error};
use crate::domain::envelope::{Consent, Envelope, Mark, State};
use crate::domain::environment::Environment;
use crate::domain::field::{Field, FieldKind};
use crate::domain::limits;
use crate::domain::origin::{Actor, Factor, Origin};
use crate::domain::time::Timestamp;
use crate::i18n::{self, CONSENT_VERSION};
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    let step = |rest: &str| format!("/signing/{{recipient}}/{rest}");
    config
        .service(at("/sign/{token}", vec![(Method::GET, web::to(gate))]))
        .service(at(
            "/sign/{token}/open",
            vec![(Method::POST, web::to(open))],
        ))
        .service(at(
            "/signing/{recipient}",
            vec![(Method::GET, web::to(start))],
        ))
        .service(at(
            &step("review"),
            vec![
                (Method::GET, web::to(review_page)),
                (Method::POST, web::to(review_form)),
            ],
        ))
        .service(at(
            &step("fields/{field}"),
            vec![(Method::PUT, web::to(autosave))],
        ))
        .service(at(
            &step("signature"),
            vec![
                (Method::GET, web::to(signature_page)),
                (Method::POST, web::to(signature_form)),
            ],
        ))
        .service(at(
            &step("signature/preview/{style}.svg"),
            vec![(Method::GET, web::to(preview))],
        ))
        .service(at(
            &step("signature/adopted/{kind}"),
            vec![(Method::GET, web::to(adopted_picture))],
        ))
        .service(at(
            &step("check"),
            vec![
                (Method::GET, web::to(check_page)),
                (Method::POST, web::to(check_form)),
            ],
        ))
        .service(at(&step("done"), vec![(Method::GET, web::to(done))]))
        .service(at(&step("status"), vec![(Method::GET, web::to(status))]))
        .service(at(&step("later"), vec![(Method::GET, web::to(later))]))
        .service(at(
            &step("decline"),
            vec![
                (Method::GET, web::to(decline_page)),
                (Method::POST, web::to(decline_form)),
            ],
        ))
        .service(at(&step("proof"), vec![(Method::GET, web::to(proof))]))
        .service(at(
            &step("documents/{document}/pages/{page}.png"),
            vec![(Method::GET, web::to(page_image))],
        ))
        .service(at(
            &step("documents/{document}/text"),
            vec![(Method::GET, web::to(document_text))],
        ))
        .service(at(
            &step("documents/{document}/file"),
            vec![(Method::GET, web::to(document_file))],
        ));
}

/// Why a page is not shown as asked: another page is.
enum Instead {
    Blocked(Blocked),
    Failed(ApiError),
    Go(HttpResponse),
}

impl From<Blocked> for Instead {
    fn from(blocked: Blocked) -> Self {
        Self::Blocked(blocked)
    }
}

impl From<ApiError> for Instead {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl From<Error> for Instead {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

fn frame(web: &Web, environment: Environment) -> Frame {
    let organisation = web.app.organisation();
    Frame {
        locale: web.app.locale(),
        root: web.public.root.clone(),
        organisation: organisation.name.clone(),
        contact: organisation.contact.clone(),
        zone: web.app.zone(),
        test: environment == Environment::Test,
    }
}

fn stranger(request: &HttpRequest, web: &Web) -> Origin {
    client::origin(request, web, Actor::Stranger, Factor::None)
}

/// The page for who can't go on.
fn instead(request: &HttpRequest, web: &Web, why: Instead) -> HttpResponse {
    let mut environment = Environment::Live;
    let mut of = |envelope: &Envelope| environment = envelope.environment;
    let state = match why {
        Instead::Go(response) => return response,
        Instead::Failed(error) => failure(request, web, &error),
        Instead::Blocked(blocked) => match blocked {
            Blocked::UnknownLink => {
                let allowance = web.limits.stranger(client::address(request, web));
                if allowance.passed {
                    PageState::UnknownLink
                } else {
                    PageState::TooManyRequests {
                        until: web
                            .clock
                            .now()
                            .plus(std::time::Duration::from_secs(allowance.wait_seconds)),
                    }
                }
            }
            Blocked::Replaced(envelope) => {
                of(&envelope);
                PageState::Replaced
            }
            Blocked::NotReady(envelope) => {
                of(&envelope);
                PageState::NotReady
            }
            Blocked::NotYourTurn(envelope, before) => {
                of(&envelope);
                PageState::NotYourTurn {
                    before: u32::try_from(before).unwrap_or(u32::MAX),
                }
            }
            Blocked::Expired(envelope, deadline) => {
                of(&envelope);
                PageState::Expired { deadline }
            }
            Blocked::Voided(envelope) => {
                of(&envelope);
                let reason = match &envelope.state {
                    State::Voided { reason } => reason.clone(),
                    _ => None,
                };
                PageState::Voided {
                    at: envelope.ended_at.unwrap_or_default(),
                    reason,
                }
            }
            Blocked::DeclinedByYou(envelope, at) => {
                of(&envelope);
                PageState::DeclinedByYou { at }
            }
            Blocked::DeclinedByOther(envelope) => {
                of(&envelope);
                PageState::DeclinedByOther
            }
            Blocked::SessionEnded | Blocked::Stale => PageState::SessionEnded,
            Blocked::Failed(error) => failure(request, web, &error.into()),
        },
    };
    let status = state.status();
    let html = StatePage {
        frame: frame(web, environment),
        state,
    }
    .html();
    page(status, html)
}

fn failure(request: &HttpRequest, web: &Web, error: &ApiError) -> PageState {
    let _ = web;
    PageState::Failure {
        request_id: request_name(request).unwrap_or_default(),
        status: error.code().status(),
    }
}

// ---------------------------------------------------------------- the gate

async fn gate(request: HttpRequest, token: web::Path<String>, web: web::Data<Web>) -> HttpResponse {
    let origin = stranger(&request, &web);
    let asked = token.clone();
    let door = blocking(&web, move |app| {
        Ok::<_, ApiError>(app.door(&asked, &origin))
    })
    .await;
    match door {
        Err(error) => instead(&request, &web, error.into()),
        Ok(Err(blocked)) => instead(&request, &web, blocked.into()),
        Ok(Ok(door)) => page(200, gate_html(&web, &token, door, false)),
    }
}

fn gate_html(web: &Web, token: &str, door: Door, stale: bool) -> String {
    let (envelope, recipient, nonce, signed) = match door {
        Door::Gate {
            envelope,
            recipient,
            nonce,
        } => (envelope, recipient, nonce, false),
        Door::Signed {
            envelope,
            recipient,
            nonce,
        } => (envelope, recipient, nonce, true),
    };
    let name = envelope
        .recipient(recipient)
        .map_or_else(String::new, |(p, _)| p.shown_as().to_owned());
    let deadline = match &envelope.state {
        State::Open { expires_at } if !signed => Some(*expires_at),
        _ => None,
    };
    Gate {
        frame: frame(web, envelope.environment),
        token: token.to_owned(),
        nonce,
        subject: envelope.definition.subject.clone(),
        recipient: name,
        documents: count(envelope.documents.len()),
        pages: envelope.documents.iter().map(|d| d.pages).sum(),
        message: envelope.definition.message.clone(),
        deadline,
        stale,
    }
    .html()
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

async fn open(
    request: HttpRequest,
    token: web::Path<String>,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        let body = browser::form(payload, &web).await?;
        let form = OpenForm::parse(&body).map_err(|_| Blocked::Stale)?;
        if !is_own_request(&request, &web) {
            return Err(Blocked::Stale.into());
        }
        let origin = stranger(&request, &web);
        let (asked, nonce) = (token.clone(), form.nonce.clone());
        let opened = blocking(&web, move |app| {
            Ok::<_, ApiError>(app.open_door(&asked, &nonce, &origin))
        })
        .await??;
        let step = if form.entry == Entry::Decline {
            "decline"
        } else {
            "review"
        };
        let mut response = see_other(&web, &format!("/signing/{}/{step}", opened.recipient));
        let cookie =
            browser::session_cookie(&web, &opened.recipient.to_string(), opened.token.expose());
        response
            .add_cookie(&cookie)
            .map_err(|_| Blocked::SessionEnded)?;
        Ok::<_, Instead>(response)
    };
    match result.await {
        Ok(response) => response,
        Err(Instead::Blocked(Blocked::Stale)) => {
            let origin = stranger(&request, &web);
            let asked = token.clone();
            match blocking(&web, move |app| {
                Ok::<_, ApiError>(app.door(&asked, &origin))
            })
            .await
            {
                Ok(Ok(door)) => page(403, gate_html(&web, &token, door, true)),
                Ok(Err(blocked)) => instead(&request, &web, blocked.into()),
                Err(error) => instead(&request, &web, error.into()),
            }
        }
        Err(why) => instead(&request, &web, why),
    }
}

// ---------------------------------------------------------------- the session

async fn signer(
    request: &HttpRequest,
    web: &web::Data<Web>,
    recipient: &str,
) -> Result<Signer, Instead> {
    let held = cookie(request, web, recipient);
    let origin = stranger(request, web);
    let asked = recipient.to_owned();
    let signer = blocking(web, move |app| {
        Ok::<_, ApiError>(app.signer(&asked, held.as_deref(), &origin))
    })
    .await??;
    let allowance = web.limits.session(&signer.session.to_string());
    if allowance.passed {
        return Ok(signer);
    }
    let until = web
        .clock
        .now()
        .plus(std::time::Duration::from_secs(allowance.wait_seconds));
    let state = PageState::TooManyRequests { until };
    let html = StatePage {
        frame: frame(web, signer.envelope.environment),
        state,
    }
    .html();
    let mut response = page(429, html);
    if let Ok(value) = header::HeaderValue::from_str(&allowance.wait_seconds.to_string()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    Err(Instead::Go(response))
}

/// The session of a request that acts: with this session's own token, from our own pages.
fn expect_own(
    request: &HttpRequest,
    web: &Web,
    signer: &Signer,
    csrf: &str,
) -> Result<(), Instead> {
    if is_own_request(request, web) && App::is_own_form(signer, csrf) {
        Ok(())
    } else {
        Err(Blocked::SessionEnded.into())
    }
}

/// Whoever still has to act stays here; everybody else is led to where they are.
fn expect_turn(web: &Web, signer: &Signer) -> Result<(), Instead> {
    let Some((_, progress)) = signer.person() else {
        return Err(Blocked::SessionEnded.into());
    };
    if progress.signed_at.is_some() {
        return Err(Instead::Go(see_other(
            web,
            &format!("/signing/{}/done", signer.recipient),
        )));
    }
    match &signer.envelope.state {
        State::Open { expires_at } if *expires_at <= web.clock.now() => {
            Err(Blocked::Expired(Box::new(signer.envelope.clone()), *expires_at).into())
        }
        State::Open { .. } => Ok(()),
        State::Expired => {
            let at = signer.envelope.ended_at.unwrap_or_default();
            Err(Blocked::Expired(Box::new(signer.envelope.clone()), at).into())
        }
        State::Voided { .. } => Err(Blocked::Voided(Box::new(signer.envelope.clone())).into()),
        State::Declined { .. } => match progress.declined_at {
            Some(at) => Err(Blocked::DeclinedByYou(Box::new(signer.envelope.clone()), at).into()),
            None => Err(Blocked::DeclinedByOther(Box::new(signer.envelope.clone())).into()),
        },
        State::Draft | State::Sealing { .. } | State::Completed { .. } | State::Discarded => {
            Err(Blocked::SessionEnded.into())
        }
    }
}

fn base(web: &Web, signer: &Signer) -> String {
    format!("{}/signing/{}", web.public.root, signer.recipient)
}

fn shown(request: &HttpRequest, web: &Web, result: Result<HttpResponse, Instead>) -> HttpResponse {
    result.unwrap_or_else(|why| instead(request, web, why))
}

async fn start(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        expect_turn(&web, &signer)?;
        Ok(see_other(&web, &format!("/signing/{recipient}/review")))
    };
    shown(&request, &web, result.await)
}

// ---------------------------------------------------------------- review and fill

async fn review_page(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        expect_turn(&web, &signer)?;
        review_html(&web, signer, Vec::new())
            .await
            .map(|html| page(200, html))
    };
    shown(&request, &web, result.await)
}

async fn review_html(
    web: &web::Data<Web>,
    signer: Signer,
    problems: Vec<Problem>,
) -> Result<String, Instead> {
    let (signer, documents) = blocking(web, move |app| {
        let documents = review_documents(app, &signer)?;
        Ok::<_, Error>((signer, documents))
    })
    .await?;
    let maker = maker(&web.app, &signer, &SignatureForm::default_for(&signer));
    let view = Review {
        frame: frame(web, signer.envelope.environment),
        base: base(web, &signer),
        csrf: signer.csrf.clone(),
        version: signer.version(),
        subject: signer.envelope.definition.subject.clone(),
        documents,
        adopted: adopted(&web.app, web, &signer),
        maker: Some(maker),
        saved_at: None,
        session_idle_seconds: u32::try_from(web.app.signing_session_idle().as_secs())
            .unwrap_or(u32::MAX),
        problems,
    };
    Ok(view.html())
}

fn review_documents(app: &App, signer: &Signer) -> Result<Vec<ReviewDocument>, Error> {
    let sizes = app.page_sizes(&signer.envelope)?;
    let today = app.today();
    let mut documents = Vec::with_capacity(signer.envelope.documents.len());
    for (index, (document, sizes)) in signer.envelope.documents.iter().zip(sizes).enumerate() {
        // Without its text the page is still complete: the picture and the PDF are there.
        let texts = app.page_texts(signer, document).unwrap_or_default();
        let pages = sizes
            .iter()
            .enumerate()
            .map(|(at, size)| {
                let number = count(at + 1);
                let text = match texts.get(at) {
                    Some(text) if !text.trim().is_empty() => PageText::Here(text.clone()),
                    _ => PageText::None,
                };
                let fields = signer
                    .fields()
                    .filter(|f| f.document == index && f.page == number)
                    .map(|f| review_field(signer, f, &today))
                    .collect();
                ReviewPage {
                    number,
                    width: size.width,
                    height: size.height,
                    text,
                    undrawable: false,
                    fields,
                }
            })
            .collect();
        documents.push(ReviewDocument {
            id: document.id.to_string(),
            name: document.name.clone(),
            pages,
        });
    }
    Ok(documents)
}

fn review_field(signer: &Signer, field: &Field, today: &str) -> ReviewField {
    let value = match field.kind {
        FieldKind::Signature | FieldKind::Initials => String::new(),
        FieldKind::DateSigned => today.to_owned(),
        FieldKind::Text => signer.text(field),
        FieldKind::Checkbox => {
            if signer.is_ticked(field) {
                "on".to_owned()
            } else {
                String::new()
            }
        }
    };
    ReviewField {
        id: field.id.to_string(),
        asks: field.kind,
        label: field.label.clone(),
        required: field.required,
        value,
        rect: field.rect,
    }
}

/// Addresses of the adopted marks' pictures.
fn adopted(app: &App, web: &Web, signer: &Signer) -> Adopted {
    let address = |mark: &Option<Mark>, kind: &str| {
        mark.as_ref().map(|mark| {
            let version: String = app.mark_version(mark).chars().take(16).collect();
            format!("{}/signature/adopted/{kind}?v={version}", base(web, signer))
        })
    };
    Adopted {
        signature: address(&signer.draft.signature, "signature"),
        initials: address(&signer.draft.initials, "initials"),
    }
}

async fn review_form(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        expect_turn(&web, &signer)?;
        let body = browser::form(payload, &web).await?;
        let form = ReviewForm::parse(&body).map_err(|_| Blocked::SessionEnded)?;
        expect_own(&request, &web, &signer, &form.csrf)?;
        let answers = form.answers.clone();
        let signer = blocking(&web, move |app| {
            let draft = app.save_draft(&signer, answers)?;
            Ok::<_, Error>(Signer { draft, ..signer })
        })
        .await?;
        let path = |step: &str| format!("/signing/{}/{step}", signer.recipient);
        match form.go {
            Go::Stay => Ok(see_other(&web, &path("review"))),
            Go::Later => Ok(see_other(&web, &path("later"))),
            Go::Signature(field) => Ok(see_other(
                &web,
                &format!("{}?field={field}", path("signature")),
            )),
            Go::Check => {
                let problems = missing(&web, &signer);
                if problems.is_empty() {
                    return Ok(see_other(&web, &path("check")));
                }
                review_html(&web, signer, problems)
                    .await
                    .map(|html| page(422, html))
            }
        }
    };
    shown(&request, &web, result.await)
}

/// What is required and empty.
fn missing(web: &Web, signer: &Signer) -> Vec<Problem> {
    let adopted = adopted(&web.app, web, signer);
    let today = web.app.today();
    let fields = signer
        .fields()
        .map(|f| review_field(signer, f, &today))
        .collect();
    let pages = vec![ReviewPage {
        number: 1,
        width: 1.0,
        height: 1.0,
        text: PageText::None,
        undrawable: false,
        fields,
    }];
    let document = ReviewDocument {
        id: String::new(),
        name: String::new(),
        pages,
    };
    review::missing(&[document], &adopted)
}

async fn autosave(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let (recipient, field) = path.into_inner();
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        let csrf = request
            .headers()
            .get("X-CSRF-Token")
            .and_then(|v| v.to_str().ok())
            .unwrap_or("");
        expect_own(&request, &web, &signer, csrf)?;
        expect_turn(&web, &signer)?;
        let body = browser::form(payload, &web).await?;
        let Ok(saved) = Autosave::parse(&body) else {
            return Ok(HttpResponse::BadRequest().finish());
        };
        let frame = frame(&web, signer.envelope.environment);
        blocking(&web, move |app| {
            app.save_draft(&signer, vec![(field, saved.value)])
        })
        .await?;
        let json = Autosave::saved_json(&frame, web.clock.now());
        Ok(HttpResponse::Ok()
            .content_type("application/json")
            .body(json))
    };
    match result.await {
        Ok(response) => response,
        Err(why) => {
            // A script reads the status alone; the page is for who opens this by hand.
            instead(&request, &web, why)
        }
    }
}

// ---------------------------------------------------------------- the signature

fn maker(app: &App, signer: &Signer, form: &SignatureForm) -> Maker {
    let text = if form.name.is_empty() {
        &form.initials
    } else {
        &form.name
    };
    let fields = signer
        .fields()
        .filter(|f| matches!(f.kind, FieldKind::Signature | FieldKind::Initials))
        .count();
    Maker {
        method: form.method,
        name: form.name.clone(),
        initials: form.initials.clone(),
        asks_signature: true,
        asks_initials: signer.is_asked_for(FieldKind::Initials),
        fields: count(fields.max(1)),
        styles: app
            .signature_styles(text)
            .into_iter()
            .map(|id| Style {
                name: style_name(&id),
                id,
            })
            .collect(),
        style: form.style.clone(),
    }
}

/// What the page calls a style.
fn style_name(id: &str) -> String {
    let mut chars = id.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

impl SignatureForm {
    /// Before anything was typed: the recipient's name, and its first letters.
    fn default_for(signer: &Signer) -> Self {
        let name = signer
            .person()
            .and_then(|(p, _)| p.name.clone())
            .map_or_else(String::new, |n| n.as_str().to_owned());
        let initials = name
            .split_whitespace()
            .filter_map(|word| word.chars().next())
            .collect::<String>()
            .to_uppercase();
        Self {
            csrf: String::new(),
            field: None,
            method: Making::Type,
            name,
            initials,
            style: None,
            signature: None,
            initials_mark: None,
            problems: Vec::new(),
        }
    }
}

async fn signature_page(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
    query: web::Query<Vec<(String, String)>>,
) -> HttpResponse {
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        expect_turn(&web, &signer)?;
        let mut form = SignatureForm::default_for(&signer);
        form.field = query
            .iter()
            .find(|(name, _)| name == "field")
            .map(|(_, value)| value.clone());
        Ok(page(200, signature_html(&web, &signer, &form)))
    };
    shown(&request, &web, result.await)
}

fn signature_html(web: &Web, signer: &Signer, form: &SignatureForm) -> String {
    SignaturePage {
        frame: frame(web, signer.envelope.environment),
        base: base(web, signer),
        csrf: signer.csrf.clone(),
        subject: signer.envelope.definition.subject.clone(),
        maker: maker(&web.app, signer, form),
        field: form.field.clone(),
        problems: form.problems.clone(),
    }
    .html()
}

async fn signature_form(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        expect_turn(&web, &signer)?;
        let parts = browser::parts(&request, payload, &web).await?;
        let initials = signer.is_asked_for(FieldKind::Initials);
        let mut form =
            SignatureForm::from_parts(&parts, true, initials).map_err(|_| Blocked::SessionEnded)?;
        expect_own(&request, &web, &signer, &form.csrf)?;
        let (signer, form) = blocking(&web, move |app| {
            let draft = adopt(app, &signer, &mut form)?;
            let draft = draft.unwrap_or_else(|| signer.draft.clone());
            Ok::<_, Error>((Signer { draft, ..signer }, form))
        })
        .await?;
        let wants_json = request
            .headers()
            .get(header::ACCEPT)
            .is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"));
        if wants_json {
            let (status, body) = if form.problems.is_empty() {
                (StatusCode::OK, adopted(&web.app, &web, &signer).json())
            } else {
                (
                    StatusCode::UNPROCESSABLE_ENTITY,
                    problems_json(&form.problems, web.app.locale()),
                )
            };
            return Ok(HttpResponse::build(status)
                .content_type("application/json")
                .body(body));
        }
        if !form.problems.is_empty() {
            return Ok(page(422, signature_html(&web, &signer, &form)));
        }
        let anchor = form
            .field
            .as_deref()
            .map_or_else(String::new, |field| format!("#f-{field}"));
        let step = if signer.envelope.definition.wants_signature_page() {
            "check"
        } else {
            "review"
        };
        Ok(see_other(
            &web,
            &format!("/signing/{}/{step}{anchor}", signer.recipient),
        ))
    };
    shown(&request, &web, result.await)
}

/// Takes the marks of a form without problems; what the worker or the fonts refuse becomes a problem.
fn adopt(app: &App, signer: &Signer, form: &mut SignatureForm) -> Result<Option<Draft>, Error> {
    if !form.problems.is_empty() {
        return Ok(None);
    }
    let made = |mark: Option<FormMark>| {
        mark.map(|mark| match mark {
            FormMark::Typed { text, style } => MadeMark::Typed { text, style },
            FormMark::Drawn(drawing) => MadeMark::Drawn(
                drawing
                    .strokes
                    .iter()
                    .map(|s| s.iter().map(|p| [p.x, p.y, p.width]).collect())
                    .collect(),
            ),
            FormMark::Picture(bytes) => MadeMark::Picture(bytes),
        })
    };
    let (signature, initials) = (
        made(form.signature.clone()),
        made(form.initials_mark.clone()),
    );
    for (mark, name) in [(&signature, "name"), (&initials, "initials")] {
        if let Some(MadeMark::Typed { text, style }) = mark
            && app.signature_svg(text, style).is_none()
        {
            form.problems.push(Problem::new(name, Fault::Letters));
        }
    }
    if !form.problems.is_empty() {
        return Ok(None);
    }
    match app.adopt(signer, signature, initials) {
        Ok(draft) => Ok(Some(draft)),
        Err(Error::Document { .. }) => {
            form.problems.push(Problem::new("file", Fault::FileKind));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn preview(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    web: web::Data<Web>,
    query: web::Query<Vec<(String, String)>>,
) -> HttpResponse {
    let (recipient, style) = path.into_inner();
    let result = async {
        signer(&request, &web, &recipient).await?;
        let text = query
            .iter()
            .find(|(name, _)| name == "text")
            .map_or("", |(_, value)| value.as_str())
            .to_owned();
        let fits = !text.trim().is_empty() && text.chars().count() <= limits::MARK_CHARS_MAX;
        let svg = if fits {
            blocking(&web, move |app| {
                Ok::<_, ApiError>(app.signature_svg(text.trim(), &style))
            })
            .await?
        } else {
            None
        };
        Ok(match svg {
            Some(svg) => HttpResponse::Ok().content_type("image/svg+xml").body(svg),
            None => HttpResponse::NotFound().finish(),
        })
    };
    shown(&request, &web, result.await)
}

async fn adopted_picture(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    web: web::Data<Web>,
) -> HttpResponse {
    let (recipient, kind) = path.into_inner();
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        let mark = match kind.as_str() {
            "signature" => signer.draft.signature.clone(),
            "initials" => signer.draft.initials.clone(),
            _ => None,
        };
        let picture = blocking(&web, move |app| {
            mark.map(|mark| app.mark_picture(signer.envelope.environment, &mark))
                .transpose()
        })
        .await?;
        Ok(match picture {
            Some((media_type, bytes)) => HttpResponse::Ok().content_type(media_type).body(bytes),
            None => HttpResponse::NotFound().finish(),
        })
    };
    shown(&request, &web, result.await)
}

// ---------------------------------------------------------------- check and sign

async fn check_page(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        expect_turn(&web, &signer)?;
        if !missing(&web, &signer).is_empty() {
            return Ok(see_other(&web, &format!("/signing/{recipient}/review")));
        }
        if signer.draft.signature.is_none() {
            return Ok(see_other(&web, &format!("/signing/{recipient}/signature")));
        }
        Ok(page(200, check_html(&web, &signer, Vec::new())))
    };
    shown(&request, &web, result.await)
}

fn check_html(web: &Web, signer: &Signer, problems: Vec<Problem>) -> String {
    let frame = frame(web, signer.envelope.environment);
    let today = web.app.today();
    let (name, email) = signer
        .person()
        .map(|(p, _)| (p.shown_as().to_owned(), p.email.to_string()))
        .unwrap_or_default();
    let answers = signer
        .fields()
        .filter_map(|field| {
            let given = match field.kind {
                FieldKind::Text => Given::Text(signer.text(field)),
                FieldKind::Checkbox => Given::Ticked(signer.is_ticked(field)),
                FieldKind::DateSigned => Given::Date(today.clone()),
                FieldKind::Signature | FieldKind::Initials => return None,
            };
            Some(Answer {
                field: field.id.to_string(),
                label: field.label.clone(),
                given,
            })
        })
        .collect();
    let documents = signer
        .envelope
        .documents
        .iter()
        .map(|d| CheckDocument {
            id: d.id.to_string(),
            name: d.name.clone(),
            pages: d.pages,
            opened: signer.served.contains(&d.id),
        })
        .collect();
    let adopted = adopted(&web.app, web, signer);
    Check {
        base: base(web, signer),
        csrf: signer.csrf.clone(),
        once: signer.csrf.clone(),
        subject: signer.envelope.definition.subject.clone(),
        name,
        email,
        documents,
        answers,
        signature: adopted.signature,
        initials: adopted.initials,
        consent: web.app.consent(),
        problems,
        frame,
    }
    .html()
}

async fn check_form(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        let body = browser::form(payload, &web).await?;
        let form = CheckForm::parse(&body).map_err(|_| Blocked::SessionEnded)?;
        let csrf = match &form {
            Ok(form) => form.csrf.clone(),
            Err(not) => not.csrf.clone(),
        };
        expect_own(&request, &web, &signer, &csrf)?;
        expect_turn(&web, &signer)?;
        let form = match form {
            Ok(form) => form,
            Err(not) => return Ok(page(422, check_html(&web, &signer, vec![not.problem]))),
        };
        let consent = web.app.consent();
        if form.consent_version != consent.version {
            return Ok(see_other(&web, &format!("/signing/{recipient}/check")));
        }
        let signing = Signing {
            consent: Consent {
                version: consent.version.to_owned(),
                locale: consent.locale.tag().to_owned(),
                sha256: crate::domain::digest::Digest::of(consent.text.as_bytes()),
            },
            consent_text: consent.text.to_owned(),
            page_language: web.app.locale().tag().to_owned(),
            today: web.app.today(),
        };
        let (signer, signed) = blocking(&web, move |app| {
            let signed = app.sign(&signer, signing)?;
            Ok::<_, Error>((signer, signed))
        })
        .await?;
        match signed {
            Signed::Done => Ok(see_other(&web, &format!("/signing/{recipient}/done"))),
            Signed::MarkMissing => Ok(see_other(&web, &format!("/signing/{recipient}/signature"))),
            Signed::OpenFirst(id) => {
                let name = signer
                    .envelope
                    .documents
                    .iter()
                    .find(|d| d.id == id)
                    .map(|d| d.name.clone());
                let problem = Problem::new(
                    format!("document.{id}"),
                    Fault::OpenFirst(name.unwrap_or_default()),
                );
                Ok(page(422, check_html(&web, &signer, vec![problem])))
            }
            Signed::Faults(faults) => {
                let problems = faults
                    .into_iter()
                    .map(|(field, fault)| {
                        let kind = signer.fields().find(|f| f.id == field).map(|f| f.kind);
                        review::field_problem(
                            &field.to_string(),
                            kind.unwrap_or(FieldKind::Text),
                            fault,
                        )
                    })
                    .collect();
                review_html(&web, signer, problems)
                    .await
                    .map(|html| page(422, html))
            }
        }
    };
    shown(&request, &web, result.await)
}

// ---------------------------------------------------------------- afterwards

fn progress(web: &Web, signer: &Signer) -> Progress {
    match signer.progress() {
        Far::Waiting(n) => Progress::Waiting(count(n)),
        Far::Preparing | Far::Ended => Progress::Preparing,
        Far::Complete => {
            let base = base(web, signer);
            Progress::Complete {
                documents: signer
                    .envelope
                    .documents
                    .iter()
                    .map(|d| Download {
                        name: d.name.clone(),
                        href: format!("{base}/documents/{}/file", d.id),
                    })
                    .collect(),
                proof: Some(Download {
                    name: format!("{}-audit-trail.pdf", signer.envelope.id),
                    href: format!("{base}/proof"),
                }),
            }
        }
    }
}

async fn done(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        let signed = signer.person().is_some_and(|(_, p)| p.signed_at.is_some());
        if !signed {
            return Ok(see_other(&web, &format!("/signing/{recipient}")));
        }
        let email = signer
            .person()
            .map(|(p, _)| p.email.to_string())
            .unwrap_or_default();
        let html = Done {
            frame: frame(&web, signer.envelope.environment),
            base: base(&web, &signer),
            subject: signer.envelope.definition.subject.clone(),
            email,
            progress: progress(&web, &signer),
        }
        .html();
        Ok(page(200, html))
    };
    shown(&request, &web, result.await)
}

async fn status(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        let json = progress(&web, &signer).json();
        // "Stay" on the page asks for the status: looking on purpose keeps the session alive.
        blocking(&web, move |app| app.keep_alive(&signer)).await?;
        Ok(HttpResponse::Ok()
            .content_type("application/json")
            .body(json))
    };
    shown(&request, &web, result.await)
}

async fn later(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        expect_turn(&web, &signer)?;
        let html = Later {
            frame: frame(&web, signer.envelope.environment),
            base: base(&web, &signer),
            subject: signer.envelope.definition.subject.clone(),
        }
        .html();
        Ok(page(200, html))
    };
    shown(&request, &web, result.await)
}

async fn decline_page(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        expect_turn(&web, &signer)?;
        Ok(page(
            200,
            decline_html(&web, &signer, String::new(), Vec::new()),
        ))
    };
    shown(&request, &web, result.await)
}

fn decline_html(web: &Web, signer: &Signer, reason: String, problems: Vec<Problem>) -> String {
    Decline {
        frame: frame(web, signer.envelope.environment),
        base: base(web, signer),
        csrf: signer.csrf.clone(),
        subject: signer.envelope.definition.subject.clone(),
        reason,
        problems,
    }
    .html()
}

async fn decline_form(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        let body = browser::form(payload, &web).await?;
        let form = DeclineForm::parse(&body).map_err(|_| Blocked::SessionEnded)?;
        expect_own(&request, &web, &signer, &form.csrf)?;
        expect_turn(&web, &signer)?;
        if !form.problems.is_empty() {
            return Ok(page(
                422,
                decline_html(&web, &signer, form.reason, form.problems),
            ));
        }
        let at: Timestamp = web.clock.now();
        let envelope = signer.envelope.clone();
        blocking(&web, move |app| app.decline(&signer, form.reason)).await?;
        Err(Blocked::DeclinedByYou(Box::new(envelope), at).into())
    };
    shown(&request, &web, result.await)
}

async fn proof(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        let file = blocking(&web, move |app| app.signer_proof(&signer)).await?;
        Ok(files::download(&request, file)?)
    };
    shown(&request, &web, result.await)
}

// ---------------------------------------------------------------- documents

async fn page_image(
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
    web: web::Data<Web>,
    query: web::Query<Vec<(String, String)>>,
) -> HttpResponse {
    let (recipient, document, number) = path.into_inner();
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        let width = query
            .iter()
            .find(|(name, _)| name == "w")
            .and_then(|(_, w)| w.parse().ok())
            .unwrap_or(1000);
        let number = number.parse().unwrap_or(0);
        let image = blocking(&web, move |app| {
            app.page_image(&signer, &document, number, width)
        })
        .await?;
        Ok(HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "private, max-age=3600"))
            .content_type(image.media_type)
            .body(image.bytes))
    };
    match result.await {
        Ok(response) => response,
        Err(Instead::Failed(error)) => error.answer(request_name(&request).as_deref()),
        Err(why) => instead(&request, &web, why),
    }
}

async fn document_text(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    web: web::Data<Web>,
) -> HttpResponse {
    let (recipient, document) = path.into_inner();
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        let (signer, frozen, texts) = blocking(&web, move |app| {
            let frozen = signer.document(&document)?.clone();
            let texts = app.page_texts(&signer, &frozen)?;
            app.note_served(&signer, frozen.id)?;
            Ok::<_, Error>((signer, frozen, texts))
        })
        .await?;
        let others = signer
            .envelope
            .documents
            .iter()
            .filter(|d| d.id != frozen.id)
            .map(|d| (d.id.to_string(), d.name.clone()))
            .collect();
        let html = DocumentText {
            frame: frame(&web, signer.envelope.environment),
            base: base(&web, &signer),
            id: frozen.id.to_string(),
            name: frozen.name,
            pages: texts
                .into_iter()
                .map(|text| Some(text).filter(|t| !t.trim().is_empty()))
                .collect(),
            others,
        }
        .html();
        Ok(page(200, html))
    };
    shown(&request, &web, result.await)
}

async fn document_file(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    web: web::Data<Web>,
) -> HttpResponse {
    let (recipient, document) = path.into_inner();
    let result = async {
        let signer = signer(&request, &web, &recipient).await?;
        let file = blocking(&web, move |app| app.signer_file(&signer, &document)).await?;
        Ok(files::download(&request, file)?)
    };
    shown(&request, &web, result.await)
}

impl App {
    /// The consent that is shown and recorded.
    pub(super) fn consent(&self) -> i18n::Consent {
        i18n::consent(CONSENT_VERSION, self.locale())
            .or_else(|| i18n::consent(CONSENT_VERSION, i18n::Locale::choose(&[])))
            .unwrap_or(i18n::Consent {
                version: CONSENT_VERSION,
                locale: self.locale(),
                text: "",
            })
    }
}
