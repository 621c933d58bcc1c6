//! Check and sign: all once more, then the act that is not undone.

use super::instead::frame;
use super::review::{adopted, missing, review_html};
use super::session::{base, changed, own_form, turn};
use crate::app::signing::{Signed, Signer, Signing};
use crate::app::{App, Error};
use crate::domain::envelope::Consent;
use crate::domain::field::FieldKind;
use crate::http::Web;
use crate::http::blocking::blocking;
use crate::http::browser::{page, see_other};
use crate::http::pages::problem::{Fault, Problem};
use crate::http::pages::review::{self};
use crate::http::pages::sign::{Answer, Check, CheckDocument, CheckForm, Given};
use crate::i18n;
use crate::i18n::CONSENT_VERSION;
use actix_web::{HttpRequest, HttpResponse, web};

pub(super) async fn check_page(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    turn(&request, &web, &recipient, async |signer| {
        if !missing(&web, &signer).is_empty() {
            return Ok(see_other(&web, &format!("/signing/{recipient}/review")));
        }
        if signer.draft.signature.is_none() {
            return Ok(see_other(&web, &format!("/signing/{recipient}/signature")));
        }
        Ok(page(200, check_html(&web, &signer, Vec::new())))
    })
    .await
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
        once: signer.shown(&today),
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

pub(super) async fn check_form(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    turn(&request, &web, &recipient, async |signer| {
        let parse = CheckForm::parse;
        let form = own_form(&request, &web, payload, &signer, parse, |form| match form {
            Ok(form) => &form.csrf,
            Err(not) => &not.csrf,
        });
        let form = match form.await? {
            Ok(form) => form,
            Err(not) => return Ok(page(422, check_html(&web, &signer, vec![not.problem]))),
        };
        if form.once != signer.shown(&web.app.today()) {
            return Err(changed(&web, &signer, "check"));
        }
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
            Signed::Changed => Err(changed(&web, &signer, "check")),
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
    })
    .await
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
