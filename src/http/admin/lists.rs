//! What there is to look at: the outbox, failed jobs, envelopes.

use super::super::pages::admin::{
    AdminState, EnvelopeRow, Envelopes, JobKind, JobRow, Jobs, MailRow, MailState, Outbox,
    OutboxMail as MailPage, Pager, Section, Status,
};
use super::super::pages::admin_form::RetryForm;
use super::super::pages::form::Form;
use super::{
    PAGE_SIZE, Visit, Web, acting, blocking, browser, page, page_number, pager, query, see_other,
    shown, visit,
};
use crate::app::mailing::OutboxMail;
use crate::app::{FailedWork, WorkState};
use crate::domain::envelope::Envelope;
use actix_web::{HttpRequest, HttpResponse, web};

// ---------------------------------------------------------------- the outbox

pub(super) async fn outbox(request: HttpRequest, web: web::Data<Web>) -> HttpResponse {
    let result = async {
        let visit = visit(&request, &web).await?;
        let number = page_number(&query(&request)?)?;
        let shown = visit.shown;
        let (mails, total) =
            blocking(&web, move |app| app.outbox(shown, number, PAGE_SIZE)).await?;
        let view = Outbox {
            mails: mails.iter().map(|mail| mail_row(&web, mail)).collect(),
            pager: pager(&web, Section::Outbox, "", number, total),
            frame: visit.frame(&web),
        };
        Ok(page(200, view.html()))
    };
    shown(&request, &web, result.await).await
}

pub(super) async fn mail(
    request: HttpRequest,
    id: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    let result = async {
        let visit = visit(&request, &web).await?;
        let shown = visit.shown;
        let mail = blocking(&web, move |app| app.outbox_mail(shown, &id)).await?;
        let view = MailPage {
            frame: visit.frame(&web),
            can_release: mail.mail.state == WorkState::Captured && web.app.can_release_mail(shown),
            mail: mail_row(&web, &mail),
            text: mail.written.map(|written| written.text).unwrap_or_default(),
            answer: mail.mail.last_error,
        };
        Ok(page(200, view.html()))
    };
    shown(&request, &web, result.await).await
}

pub(super) async fn release(
    request: HttpRequest,
    id: web::Path<String>,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        let visit = acting(&request, &web).await?;
        let form = Form::parse(&browser::form(payload, &web).await?)?;
        visit.expect_own_form(form.last("csrf").unwrap_or_default())?;
        let (shown, origin) = (visit.shown, visit.who.origin);
        let mail = id.clone();
        blocking(&web, move |app| app.release_mail(shown, &mail, &origin)).await?;
        Ok(see_other(&web, &format!("/admin/outbox/{id}")))
    };
    shown(&request, &web, result.await).await
}

fn mail_row(web: &Web, outbox: &OutboxMail) -> MailRow {
    let mail = &outbox.mail;
    MailRow {
        id: mail.id.to_string(),
        to: mail.address.as_str().to_owned(),
        subject: match &outbox.written {
            Some(written) => written.subject.clone(),
            None => web.app.locale().t("admin-outbox-unwritten"),
        },
        state: match mail.state {
            WorkState::Ready | WorkState::Leased => MailState::Waiting {
                next_at: mail.due_at,
            },
            WorkState::Done => MailState::Sent,
            WorkState::Failed => MailState::Failed,
            WorkState::Captured => MailState::Captured,
        },
        at: mail.created_at,
        tries: mail.tries,
    }
}

// ---------------------------------------------------------------- failed jobs

pub(super) async fn jobs(request: HttpRequest, web: web::Data<Web>) -> HttpResponse {
    let result = async {
        let visit = visit(&request, &web).await?;
        let number = page_number(&query(&request)?)?;
        let (failed, total) = blocking(&web, move |app| app.failed_work(number, PAGE_SIZE)).await?;
        let view = Jobs {
            frame: visit.frame(&web),
            jobs: failed.into_iter().map(job_row).collect(),
            pager: pager(&web, Section::Jobs, "", number, total),
        };
        Ok(page(200, view.html()))
    };
    shown(&request, &web, result.await).await
}

fn job_kind(failed: &FailedWork) -> JobKind {
    match (failed.queue, failed.work.lane.as_str()) {
        ("mail", _) => JobKind::Mail,
        ("delivery", _) => JobKind::Webhook,
        (_, "seal") => JobKind::Seal,
        (_, "expire") => JobKind::Expire,
        (_, "trail") => JobKind::Trail,
        _ => JobKind::Other,
    }
}

fn job_row(failed: FailedWork) -> JobRow {
    let kind = job_kind(&failed);
    let FailedWork { queue, work } = failed;
    JobRow {
        queue: queue.to_owned(),
        id: work.id,
        kind,
        about: work.about,
        tries: work.tries,
        since: work.created_at,
        next_at: matches!(work.state, WorkState::Ready).then_some(work.due_at),
        error: work.last_error.unwrap_or_default(),
    }
}

pub(super) async fn retry(
    request: HttpRequest,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    let result = async {
        let visit = acting(&request, &web).await?;
        let form = RetryForm::parse(&browser::form(payload, &web).await?)?;
        visit.expect_own_form(&form.csrf)?;
        let origin = visit.who.origin;
        blocking(&web, move |app| {
            app.retry_work(&form.queue, &form.id, &origin)
        })
        .await?;
        Ok(see_other(&web, &Section::Jobs.address()))
    };
    shown(&request, &web, result.await).await
}

// ---------------------------------------------------------------- envelopes

pub(super) async fn envelopes(request: HttpRequest, web: web::Data<Web>) -> HttpResponse {
    let result = async {
        let visit = visit(&request, &web).await?;
        let query = query(&request)?;
        let number = page_number(&query)?;
        let status = match query.trimmed("status") {
            "" => None,
            word => match Status::ALL
                .into_iter()
                .find(|status| status.as_str() == word)
            {
                Some(status) => Some(status),
                None => return Err(AdminState::NotFound.into()),
            },
        };
        let shown = visit.shown;
        let (envelopes, total) = blocking(&web, move |app| {
            app.envelopes_of(shown, status, number, PAGE_SIZE)
        })
        .await?;
        let more = status.map_or_else(String::new, |status| format!("status={}&", status.as_str()));
        let pager = pager(&web, Section::Envelopes, &more, number, total);
        Ok(page(
            200,
            envelopes_html(&web, &visit, &envelopes, status, pager),
        ))
    };
    shown(&request, &web, result.await).await
}

fn envelopes_html(
    web: &Web,
    visit: &Visit,
    envelopes: &[Envelope],
    status: Option<Status>,
    pager: Pager,
) -> String {
    Envelopes {
        frame: visit.frame(web),
        envelopes: envelopes.iter().filter_map(envelope_row).collect(),
        status,
        pager,
        public_url: web.app.public_url().to_owned(),
    }
    .html()
}

/// `None` for what no list shows: a deleted draft.
fn envelope_row(envelope: &Envelope) -> Option<EnvelopeRow> {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Some(EnvelopeRow {
        id: envelope.id.to_string(),
        subject: envelope.definition.subject.clone(),
        status: envelope.status()?,
        signed: count(envelope.signed_count()),
        signers: count(envelope.definition.recipients.len()),
        created_at: envelope.created_at,
    })
}
