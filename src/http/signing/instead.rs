//! The pages for who can't go on.

use crate::app::Error;
use crate::app::signing::Blocked;
use crate::domain::envelope::State;
use crate::domain::environment::Environment;
use crate::domain::origin::{Actor, Factor, Origin};
use crate::http::browser::{page, seconds_until, until, with_retry_after};
use crate::http::error::ApiError;
use crate::http::limits::Allowance;
use crate::http::middleware::request_name;
use crate::http::pages::frame::Frame;
use crate::http::pages::state::{State as PageState, StatePage};
use crate::http::{Web, client};
use actix_web::{HttpRequest, HttpResponse};

/// Why a page is not shown as asked: another page is.
pub(super) enum Instead {
    Blocked(Blocked),
    Failed(ApiError),
    TooMany(Environment, Allowance),
    Go(Box<HttpResponse>),
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

pub(super) fn frame(web: &Web, environment: Environment) -> Frame {
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

pub(super) fn stranger(request: &HttpRequest, web: &Web) -> Origin {
    client::origin(request, web, Actor::Stranger, Factor::None)
}

/// The page for who can't go on.
pub(super) fn instead(request: &HttpRequest, web: &Web, why: Instead) -> HttpResponse {
    let mut environment = Environment::Live;
    let mut wait = None;
    let state = match why {
        Instead::Go(response) => return *response,
        Instead::Failed(error) => failure(request, web, &error, &mut wait),
        Instead::TooMany(of, allowance) => {
            environment = of;
            too_many(web, allowance)
        }
        Instead::Blocked(blocked) => match blocked {
            Blocked::UnknownLink => {
                let allowance = web.limits.stranger(client::counted_as(request, web));
                if allowance.passed {
                    PageState::UnknownLink
                } else {
                    too_many(web, allowance)
                }
            }
            Blocked::Replaced(envelope) => {
                environment = envelope.environment;
                PageState::Replaced
            }
            Blocked::NotReady(envelope) => {
                environment = envelope.environment;
                PageState::NotReady
            }
            Blocked::NotYourTurn(envelope, before) => {
                environment = envelope.environment;
                PageState::NotYourTurn {
                    before: u32::try_from(before).unwrap_or(u32::MAX),
                }
            }
            Blocked::Expired(envelope, deadline) => {
                environment = envelope.environment;
                PageState::Expired { deadline }
            }
            Blocked::Voided(envelope) => {
                environment = envelope.environment;
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
                environment = envelope.environment;
                PageState::DeclinedByYou { at }
            }
            Blocked::DeclinedByOther(envelope) => {
                environment = envelope.environment;
                PageState::DeclinedByOther
            }
            Blocked::SessionEnded | Blocked::Stale => PageState::SessionEnded,
            Blocked::Failed(error) => failure(request, web, &error.into(), &mut wait),
        },
    };
    if let PageState::TooManyRequests { until } = &state {
        wait = Some(seconds_until(web, *until));
    }
    let status = state.status();
    let html = StatePage {
        frame: frame(web, environment),
        state,
    }
    .html();
    match wait {
        Some(seconds) => with_retry_after(page(status, html), seconds),
        None => page(status, html),
    }
}

fn too_many(web: &Web, allowance: Allowance) -> PageState {
    PageState::TooManyRequests {
        until: until(web, allowance),
    }
}

/// What a failure says to a person: what they can do about it, else that it is ours.
fn failure(
    request: &HttpRequest,
    web: &Web,
    error: &ApiError,
    wait: &mut Option<u64>,
) -> PageState {
    *wait = error.retry_after_seconds();
    let status = error.code().status();
    // Leads to whatever step is the right one now.
    let session = request
        .match_info()
        .get("recipient")
        .map(|recipient| format!("{}/signing/{recipient}", web.public.root));
    match (status, session) {
        (404, again) => PageState::Missing { again },
        (409, Some(again)) => PageState::Changed { again },
        (400 | 408 | 413 | 415, again) => PageState::NotTaken { status, again },
        _ => PageState::Failure {
            request_id: request_name(request).unwrap_or_default(),
            status,
        },
    }
}
