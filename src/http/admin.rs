//! The administrators' pages: `/admin/…`.
//!
//! GET shows, POST acts. Every POST comes from our own pages, with the token of its session (login: of the hour; setup and
//! reset: the link's own). Whoever is outside of `[admin] allow_from` finds nothing here.

mod entry;
mod keys;
mod lists;
mod reset;

use super::blocking::blocking;
use super::browser::{
    self, cookie, is_own_request, page, seconds_until, see_other, until, with_retry_after,
};
use super::client;
use super::error::{ApiError, ErrorCode};
use super::middleware::{not_found, request_name};
use super::pages::admin::{AdminFrame, AdminState, AdminStatePage, Pager, Person, Section};
use super::pages::admin_form::is_admin_path;
use super::pages::form::{BadForm, Form};
use super::{Web, at};
use crate::app::Error;
use crate::app::admins::Administrator;
use crate::domain::environment::Environment;
use crate::domain::limits;
use crate::domain::origin::{Actor, Factor, Origin};
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::{HttpRequest, HttpResponse, web};

/// The cookie that holds the session.
const SESSION: &str = "admin";
/// The cookie that holds which data the pages show.
const SHOWN: &str = "environment";
/// Rows of a list's page.
const PAGE_SIZE: u32 = 50;

/// The routes.
pub fn routes(config: &mut web::ServiceConfig) {
    let scope = web::scope("/admin")
        .wrap(from_fn(expect_neighbour))
        .service(at("", vec![(Method::GET, web::to(start))]))
        .service(at(
            "/setup",
            vec![
                (Method::GET, web::to(entry::setup_page)),
                (Method::POST, web::to(entry::setup_form)),
            ],
        ))
        .service(at(
            "/login",
            vec![
                (Method::GET, web::to(entry::login_page)),
                (Method::POST, web::to(entry::login_form)),
            ],
        ))
        .service(at(
            "/reset",
            vec![
                (Method::GET, web::to(reset::reset_page)),
                (Method::POST, web::to(reset::reset_form)),
            ],
        ))
        .service(at("/logout", vec![(Method::POST, web::to(entry::log_out))]))
        .service(at(
            "/environment",
            vec![(Method::POST, web::to(entry::switch))],
        ))
        .service(at(
            "/keys",
            vec![
                (Method::GET, web::to(keys::list)),
                (Method::POST, web::to(keys::create)),
            ],
        ))
        .service(at(
            "/keys/{key}/revoke",
            vec![
                (Method::GET, web::to(keys::revoke_page)),
                (Method::POST, web::to(keys::revoke_form)),
            ],
        ))
        .service(at("/outbox", vec![(Method::GET, web::to(lists::outbox))]))
        .service(at(
            "/outbox/{mail}",
            vec![(Method::GET, web::to(lists::mail))],
        ))
        .service(at(
            "/outbox/{mail}/release",
            vec![(Method::POST, web::to(lists::release))],
        ))
        .service(at("/jobs", vec![(Method::GET, web::to(lists::jobs))]))
        .service(at(
            "/jobs/retry",
            vec![(Method::POST, web::to(lists::retry))],
        ))
        .service(at(
            "/envelopes",
            vec![(Method::GET, web::to(lists::envelopes))],
        ))
        .default_service(web::to(nothing_here));
    config.service(scope);
}

/// Lets in who is in `[admin] allow_from`; for everybody else there is nothing at these addresses.
async fn expect_neighbour<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let is_neighbour = request.app_data::<web::Data<Web>>().is_some_and(|web| {
        let allowed = &web.admin_allow_from;
        // Of whom nobody knows where they are, nobody knows that they are inside.
        let is_inside = |address| allowed.iter().any(|network| network.contains(address));
        allowed.is_empty() || client::address(request.request(), web).is_some_and(is_inside)
    });
    if is_neighbour {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let answer = not_found(request.request());
    Ok(request.into_response(answer).map_into_right_body())
}

/// Why a page is not shown as asked: another page is.
enum Instead {
    State(AdminState),
    Failed(Box<ApiError>),
    Go(Box<HttpResponse>),
}

impl Instead {
    fn go(response: HttpResponse) -> Self {
        Self::Go(Box::new(response))
    }
}

impl From<AdminState> for Instead {
    fn from(state: AdminState) -> Self {
        Self::State(state)
    }
}

impl From<ApiError> for Instead {
    fn from(error: ApiError) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl From<BadForm> for Instead {
    fn from(_: BadForm) -> Self {
        Self::State(AdminState::Forbidden)
    }
}

/// An administrator in their browser.
struct Visit {
    who: Administrator,
    shown: Environment,
    jobs_failed: u32,
    seals_failing: u32,
}

/// The session of the request, if it has one.
async fn session(request: &HttpRequest, web: &web::Data<Web>) -> Result<Option<Visit>, ApiError> {
    let Some(held) = cookie(request, web, SESSION) else {
        return Ok(None);
    };
    let origin = stranger(request, web);
    let found = blocking(web, move |app| {
        let Some(who) = app.administrator(Some(&held), &origin)? else {
            return Ok(None);
        };
        let (jobs, seals) = (app.failed_work_count()?, app.failing_seals_count()?);
        Ok::<_, Error>(Some((who, jobs, seals)))
    })
    .await?;
    Ok(found.map(|(who, jobs_failed, seals_failing)| Visit {
        who,
        shown: shown_environment(request, web),
        jobs_failed,
        seals_failing,
    }))
}

/// The session of a request; without one the way leads to the login page and back.
async fn visit(request: &HttpRequest, web: &web::Data<Web>) -> Result<Visit, Instead> {
    let Some(visit) = session(request, web).await? else {
        return Err(Instead::go(see_other(web, &login_address(request, web))));
    };
    // The token stands for its session.
    let allowance = web.limits.session(&visit.who.csrf);
    if allowance.passed {
        return Ok(visit);
    }
    let state = AdminState::TooManyRequests {
        until: until(web, allowance),
    };
    Err(state.into())
}

/// The session of a request that is to change something: from a page of ours.
async fn acting(request: &HttpRequest, web: &web::Data<Web>) -> Result<Visit, Instead> {
    expect_own(request, web)?;
    visit(request, web).await
}

fn expect_own(request: &HttpRequest, web: &Web) -> Result<(), Instead> {
    if is_own_request(request, web) {
        Ok(())
    } else {
        Err(AdminState::Forbidden.into())
    }
}

impl Visit {
    /// The form carries this session's token.
    fn expect_own_form(&self, csrf: &str) -> Result<(), Instead> {
        if self.who.is_own_form(csrf) {
            Ok(())
        } else {
            Err(AdminState::Forbidden.into())
        }
    }

    fn person(&self) -> Person {
        Person {
            email: self.who.admin.email.as_str().to_owned(),
            csrf: self.who.csrf.clone(),
            shown: self.shown,
            jobs_failed: self.jobs_failed,
            seals_failing: self.seals_failing,
        }
    }

    fn frame(&self, web: &Web) -> AdminFrame {
        frame(web, Some(self.person()))
    }
}

fn frame(web: &Web, person: Option<Person>) -> AdminFrame {
    AdminFrame {
        locale: web.app.locale(),
        root: web.public.root.clone(),
        organisation: web.app.organisation().name.clone(),
        zone: web.app.zone(),
        person,
    }
}

fn stranger(request: &HttpRequest, web: &Web) -> Origin {
    client::origin(request, web, Actor::Stranger, Factor::None)
}

/// What the pages show until the switch is pressed: what counts.
fn shown_environment(request: &HttpRequest, web: &Web) -> Environment {
    cookie(request, web, SHOWN)
        .and_then(|word| word.parse().ok())
        .unwrap_or(Environment::Live)
}

/// Remembers what the pages show.
fn remember_shown(
    response: &mut HttpResponse,
    web: &Web,
    shown: Environment,
) -> Result<(), Instead> {
    add_cookie(
        response,
        browser::session_cookie(web, SHOWN, shown.as_str()),
    )
}

fn add_cookie(
    response: &mut HttpResponse,
    cookie: actix_web::cookie::Cookie<'static>,
) -> Result<(), Instead> {
    response.add_cookie(&cookie).map_err(|_| {
        let error = ApiError::new(ErrorCode::InternalError, "Something went wrong here.");
        Instead::from(error)
    })
}

/// The login page that leads back: to this page, or from a form to its list.
fn login_address(request: &HttpRequest, web: &Web) -> String {
    let asked = match request.uri().path_and_query() {
        Some(asked) if request.method() == Method::GET => asked.as_str().to_owned(),
        _ => section_of(request.path()).map_or_else(String::new, Section::address),
    };
    let mut query = Vec::new();
    if is_admin_path(&asked) {
        query.push(format!("next={}", percent_encoded(&asked)));
    }
    if cookie(request, web, SESSION).is_some() {
        query.push("notice=ended".to_owned());
    }
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/admin/login{mark}{}", query.join("&"))
}

/// The section that a path under `/admin/` belongs to.
fn section_of(path: &str) -> Option<Section> {
    let word = path.strip_prefix("/admin/")?.split('/').next()?;
    Section::ALL
        .into_iter()
        .find(|section| section.word() == word)
}

/// A path of ours ([`is_admin_path`]) as the value of a query.
fn percent_encoded(path: &str) -> String {
    path.replace('%', "%25")
        .replace('&', "%26")
        .replace('=', "%3D")
        .replace('?', "%3F")
}

async fn shown(
    request: &HttpRequest,
    web: &web::Data<Web>,
    result: Result<HttpResponse, Instead>,
) -> HttpResponse {
    let mut wait = None;
    let state = match result {
        Ok(response) => return response,
        Err(Instead::Go(response)) => return *response,
        Err(Instead::State(state)) => state,
        Err(Instead::Failed(error)) if error.code() == ErrorCode::NotFound => AdminState::NotFound,
        Err(Instead::Failed(error)) => {
            wait = error.retry_after_seconds();
            AdminState::Failure {
                request_id: request_name(request).unwrap_or_default(),
                status: error.code().status(),
            }
        }
    };
    if let AdminState::TooManyRequests { until } = &state {
        wait = Some(seconds_until(web, *until));
    }
    // Where somebody is logged in, the page keeps its navigation.
    let person = match session(request, web).await {
        Ok(visit) => visit.map(|visit| visit.person()),
        Err(_) => None,
    };
    let view = AdminStatePage {
        frame: frame(web, person),
        state,
    };
    let answer = page(view.status(), view.html());
    match wait {
        Some(seconds) => with_retry_after(answer, seconds),
        None => answer,
    }
}

/// The query of an address.
fn query(request: &HttpRequest) -> Result<Form, Instead> {
    Form::parse(request.query_string().as_bytes()).map_err(|_| AdminState::NotFound.into())
}

/// `?page=`, from 1.
fn page_number(query: &Form) -> Result<u32, Instead> {
    match query.trimmed("page") {
        "" => Ok(1),
        number => match number.parse() {
            Ok(number) if (1..=page_max()).contains(&number) => Ok(number),
            _ => Err(AdminState::NotFound.into()),
        },
    }
}

fn page_max() -> u32 {
    u32::try_from(limits::PAGE_DEPTH_MAX / u64::from(PAGE_SIZE)).unwrap_or(u32::MAX)
}

/// Links to the pages beside page `number` of a list of `total` items; `more` is what else the address says.
fn pager(web: &Web, section: Section, more: &str, number: u32, total: u64) -> Pager {
    let address = |number: u32| {
        format!(
            "{}{}?{more}page={number}",
            web.public.root,
            section.address()
        )
    };
    let has_older = u64::from(number) * u64::from(PAGE_SIZE) < total.min(limits::PAGE_DEPTH_MAX);
    Pager {
        newer: number.checked_sub(1).filter(|n| *n > 0).map(address),
        older: has_older.then(|| address(number.saturating_add(1))),
    }
}

async fn start(web: web::Data<Web>) -> HttpResponse {
    see_other(&web, &Section::Envelopes.address())
}

async fn nothing_here(request: HttpRequest, web: web::Data<Web>) -> HttpResponse {
    shown(&request, &web, Err(AdminState::NotFound.into())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_the_section_that_its_first_word_names() {
        assert_eq!(section_of("/admin/keys/key_1/revoke"), Some(Section::Keys));
        assert_eq!(section_of("/admin/jobs/retry"), Some(Section::Jobs));
        for path in ["/admin", "/admin/", "/admin/logout", "/sign/keys", ""] {
            assert_eq!(section_of(path), None, "{path}");
        }
    }

    #[test]
    fn a_path_survives_as_the_value_of_a_query() {
        let path = "/admin/envelopes?status=SENT&page=2%20";
        let form =
            Form::parse(format!("next={}", percent_encoded(path)).as_bytes()).expect("a query");
        assert_eq!(form.last("next"), Some(path));
    }
}
