//! Who holds a session here, and whether it is their turn to act.

use super::instead::{Instead, frame, instead, stranger};
use crate::app::App;
use crate::app::signing::{Blocked, Signer};
use crate::domain::envelope::State;
use crate::domain::origin::Origin;
use crate::http::blocking::blocking;
use crate::http::browser::{cookie, is_own_request, page, see_other};
use crate::http::error::ApiError;
use crate::http::pages::form::BadForm;
use crate::http::pages::state::{State as PageState, StatePage};
use crate::http::{Web, browser};
use actix_web::{HttpRequest, HttpResponse, web};

/// The session of a request. One that was idle for too long has ended.
pub(super) async fn signer(
    request: &HttpRequest,
    web: &web::Data<Web>,
    recipient: &str,
) -> Result<Signer, Instead> {
    held(request, web, recipient, App::signer).await
}

/// What goes beyond keeping answers is for who was not idle for too long.
pub(super) fn expect_alive(signer: &Signer) -> Result<(), Instead> {
    if signer.is_late {
        return Err(Blocked::SessionEnded.into());
    }
    Ok(())
}

async fn held(
    request: &HttpRequest,
    web: &web::Data<Web>,
    recipient: &str,
    find: fn(&App, &str, Option<&str>, &Origin) -> Result<Signer, Blocked>,
) -> Result<Signer, Instead> {
    let held = cookie(request, web, recipient);
    let origin = stranger(request, web);
    let asked = recipient.to_owned();
    let signer = blocking(web, move |app| {
        Ok::<_, ApiError>(find(app, &asked, held.as_deref(), &origin))
    })
    .await??;
    let allowance = web.limits.session(&signer.session.to_string());
    if allowance.passed {
        return Ok(signer);
    }
    Err(Instead::TooMany(signer.envelope.environment, allowance))
}

/// A step of whoever holds a session here: what `act` answers, or the page for who can't go on.
pub(super) async fn step(
    request: &HttpRequest,
    web: &web::Data<Web>,
    recipient: &str,
    act: impl AsyncFnOnce(Signer) -> Result<HttpResponse, Instead>,
) -> HttpResponse {
    let result = match signer(request, web, recipient).await {
        Ok(signer) => act(signer).await,
        Err(why) => Err(why),
    };
    result.unwrap_or_else(|why| instead(request, web, why))
}

/// A step of who still has to act.
pub(super) async fn turn(
    request: &HttpRequest,
    web: &web::Data<Web>,
    recipient: &str,
    act: impl AsyncFnOnce(Signer) -> Result<HttpResponse, Instead>,
) -> HttpResponse {
    step(request, web, recipient, async |signer| {
        expect_turn(web, &signer)?;
        act(signer).await
    })
    .await
}

/// A step of who still has to act, also in a session that was idle for too long: it keeps what was typed, and what goes beyond that
/// is for [`expect_alive`] to let through.
pub(super) async fn late_turn(
    request: &HttpRequest,
    web: &web::Data<Web>,
    recipient: &str,
    act: impl AsyncFnOnce(Signer) -> Result<HttpResponse, Instead>,
) -> HttpResponse {
    let result = match held(request, web, recipient, App::late_signer).await {
        Ok(signer) => match expect_turn(web, &signer) {
            Ok(()) => act(signer).await,
            Err(why) => Err(why),
        },
        Err(why) => Err(why),
    };
    result.unwrap_or_else(|why| instead(request, web, why))
}

/// The form of a request that acts, with the token in it that is this session's own, from our own pages.
pub(super) async fn own_form<F>(
    request: &HttpRequest,
    web: &web::Data<Web>,
    payload: web::Payload,
    signer: &Signer,
    parse: fn(&[u8]) -> Result<F, BadForm>,
    csrf: fn(&F) -> &str,
) -> Result<F, Instead> {
    let body = browser::form(payload, web).await?;
    let form = parse(&body).map_err(|_| Blocked::SessionEnded)?;
    expect_own(request, web, signer, csrf(&form))?;
    Ok(form)
}

/// The session of a request that acts: with this session's own token, from our own pages.
pub(super) fn expect_own(
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
pub(super) fn expect_turn(web: &Web, signer: &Signer) -> Result<(), Instead> {
    if signer.person().is_some_and(|(_, p)| p.signed_at.is_some()) {
        return Err(Instead::Go(Box::new(see_other(
            web,
            &format!("/signing/{}/done", signer.recipient),
        ))));
    }
    expect_readable(web, signer)
}

/// Documents are shown to who has to act and to who has signed, not once the request was withdrawn, declined or too late.
pub(super) fn expect_readable(web: &Web, signer: &Signer) -> Result<(), Instead> {
    let Some((_, progress)) = signer.person() else {
        return Err(Blocked::SessionEnded.into());
    };
    let signed = progress.signed_at.is_some();
    match &signer.envelope.state {
        State::Open { expires_at } if !signed && *expires_at <= web.clock.now() => {
            Err(Blocked::Expired(Box::new(signer.envelope.clone()), *expires_at).into())
        }
        State::Open { .. } => Ok(()),
        State::Sealing { .. } | State::Completed { .. } if signed => Ok(()),
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

/// What the page showed is no longer so: nothing was done, and the step is shown anew.
pub(super) fn changed(web: &Web, signer: &Signer, step: &str) -> Instead {
    let state = PageState::Changed {
        again: format!("{}/{step}", base(web, signer)),
    };
    let page_of = StatePage {
        frame: frame(web, signer.envelope.environment),
        state,
    };
    Instead::Go(Box::new(page(page_of.status(), page_of.html())))
}

pub(super) fn base(web: &Web, signer: &Signer) -> String {
    format!("{}/signing/{}", web.public.root, signer.recipient)
}

pub(super) async fn start(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    turn(&request, &web, &recipient, async |_| {
        Ok(see_other(&web, &format!("/signing/{recipient}/review")))
    })
    .await
}
