//! The gate: the page behind a link, and its button that opens a session.

use super::instead::{Instead, frame, instead, stranger};
use crate::app::signing::{Blocked, Door};
use crate::domain::envelope::State;
use crate::http::blocking::blocking;
use crate::http::browser::{is_own_request, page, see_other};
use crate::http::error::ApiError;
use crate::http::pages::sign::{Entry, Gate, OpenForm};
use crate::http::pages::state::{State as PageState, StatePage};
use crate::http::{Web, browser};
use actix_web::{HttpRequest, HttpResponse, web};

pub(super) async fn gate(
    request: HttpRequest,
    token: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
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

/// The gate; for who has signed, the way to their copy.
fn gate_html(web: &Web, token: &str, door: Door, stale: bool) -> String {
    let (envelope, recipient, nonce) = match door {
        Door::Gate {
            envelope,
            recipient,
            nonce,
        } => (envelope, recipient, nonce),
        Door::Signed {
            envelope, nonce, ..
        } => {
            let action = format!("{}/sign/{token}/open", web.public.root);
            return StatePage {
                frame: frame(web, envelope.environment),
                state: PageState::AlreadySigned {
                    open: (action, nonce),
                },
            }
            .html();
        }
    };
    let name = envelope
        .recipient(recipient)
        .map_or_else(String::new, |(p, _)| p.shown_as().to_owned());
    let deadline = match &envelope.state {
        State::Open { expires_at } => Some(*expires_at),
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

pub(super) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

pub(super) async fn open(
    request: HttpRequest,
    token: web::Path<String>,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        // Who guesses links is counted before the body is read; who has one can't open it without end.
        let asked = token.clone();
        let (environment, recipient) =
            blocking(&web, move |app| Ok::<_, ApiError>(app.link_of(&asked))).await??;
        let allowance = web.limits.opening(&recipient.to_string());
        if !allowance.passed {
            return Err(Instead::TooMany(environment, allowance));
        }
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
