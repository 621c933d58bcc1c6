//! What follows: done, finish later, decline, the proof file.

use super::gate::count;
use super::instead::frame;
use super::session::{base, expect_readable, own_form, step, turn};
use crate::app::signing::{Blocked, Progress as Far, Signer};
use crate::domain::time::Timestamp;
use crate::http::blocking::blocking;
use crate::http::browser::{page, see_other};
use crate::http::pages::problem::Problem;
use crate::http::pages::sign::{Decline, DeclineForm, Done, Download, Later, Progress};
use crate::http::{Web, files};
use actix_web::{HttpRequest, HttpResponse, web};

fn progress(web: &Web, signer: &Signer) -> Progress {
    match signer.progress() {
        Far::Waiting(n) => Progress::Waiting(count(n)),
        Far::Preparing => Progress::Preparing,
        Far::Ended => Progress::Ended,
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

pub(super) async fn done(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    step(&request, &web, &recipient, async |signer| {
        let signed = signer.person().is_some_and(|(_, p)| p.signed_at.is_some());
        if !signed {
            return Ok(see_other(&web, &format!("/signing/{recipient}")));
        }
        expect_readable(&web, &signer)?;
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
    })
    .await
}

pub(super) async fn status(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    step(&request, &web, &recipient, async |signer| {
        let json = progress(&web, &signer).json();
        // "Stay" on the page asks for the status: looking on purpose keeps the session alive.
        blocking(&web, move |app| app.keep_alive(&signer)).await?;
        Ok(HttpResponse::Ok()
            .content_type("application/json")
            .body(json))
    })
    .await
}

pub(super) async fn later(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    turn(&request, &web, &recipient, async |signer| {
        let html = Later {
            frame: frame(&web, signer.envelope.environment),
            base: base(&web, &signer),
            subject: signer.envelope.definition.subject.clone(),
        }
        .html();
        Ok(page(200, html))
    })
    .await
}

pub(super) async fn decline_page(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    turn(&request, &web, &recipient, async |signer| {
        Ok(page(
            200,
            decline_html(&web, &signer, String::new(), Vec::new()),
        ))
    })
    .await
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

pub(super) async fn decline_form(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    turn(&request, &web, &recipient, async |signer| {
        let parse = DeclineForm::parse;
        let form = own_form(&request, &web, payload, &signer, parse, |f| &f.csrf).await?;
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
    })
    .await
}

pub(super) async fn proof(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    step(&request, &web, &recipient, async |signer| {
        let file = blocking(&web, move |app| app.signer_proof(&signer)).await?;
        Ok(files::download(&request, file)?)
    })
    .await
}
