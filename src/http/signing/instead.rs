//! The pages for who can't go on.

use crate::app::Error;
use crate::app::signing::Blocked;
use crate::domain::envelope::{Envelope, State};
use crate::domain::environment::Environment;
use crate::domain::origin::{Actor, Factor, Origin};
use crate::http::browser::page;
use crate::http::error::ApiError;
use crate::http::middleware::request_name;
use crate::http::pages::frame::Frame;
use crate::http::pages::state::{State as PageState, StatePage};
use crate::http::{Web, client};
use actix_web::{HttpRequest, HttpResponse};

/// Why a page is not shown as asked: another page is.
pub(super) enum Instead {
    Blocked(Blocked),
    Failed(ApiError),
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
    let mut of = |envelope: &Envelope| environment = envelope.environment;
    let state = match why {
        Instead::Go(response) => return *response,
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
