//! Review and fill: the documents with the questions on them, saved as they are answered.

use super::gate::count;
use super::instead::{Instead, frame};
use super::session::{base, changed, expect_alive, expect_own, late_turn, turn};
use super::signature::maker;
use crate::app::signing::{Blocked, Signer};
use crate::app::{App, Error};
use crate::domain::envelope::Mark;
use crate::domain::field::{Field, FieldKind};
use crate::http::blocking::blocking;
use crate::http::browser::{page, see_other};
use crate::http::pages::problem::Problem;
use crate::http::pages::review::{
    self, Adopted, Autosave, Go, PageText, Review, ReviewDocument, ReviewField, ReviewForm,
    ReviewPage,
};
use crate::http::pages::signature::SignatureForm;
use crate::http::{Web, browser};
use actix_web::{HttpRequest, HttpResponse, web};

pub(super) async fn review_page(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
) -> HttpResponse {
    turn(&request, &web, &recipient, async |signer| {
        review_html(&web, signer, Vec::new())
            .await
            .map(|html| page(200, html))
    })
    .await
}

pub(super) async fn review_html(
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
        let undrawable = app.undrawable(&signer.envelope, document);
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
                    undrawable: undrawable.contains(&number),
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
pub(super) fn adopted(app: &App, web: &Web, signer: &Signer) -> Adopted {
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

pub(super) async fn review_form(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    late_turn(&request, &web, &recipient, async |signer| {
        let body = browser::long_form(payload, &web).await?;
        let form = ReviewForm::parse(&body).map_err(|_| Blocked::SessionEnded)?;
        expect_own(&request, &web, &signer, &form.csrf)?;
        let answers = form.answers.clone();
        let signer = blocking(&web, move |app| {
            let draft = app.save_draft(&signer, answers)?;
            Ok::<_, Error>(Signer { draft, ..signer })
        })
        .await?;
        expect_alive(&signer)?;
        if form.version != signer.version() {
            return Err(changed(&web, &signer, "review"));
        }
        let path = |step: &str| format!("/signing/{}/{step}", signer.recipient);
        match form.go {
            Go::Stay => Ok(see_other(&web, &path("review"))),
            Go::Later => Ok(see_other(&web, &path("later"))),
            Go::Signature(field) => {
                // Only an id of ours goes into an address.
                let query = match signer.fields().find(|f| f.id.to_string() == field) {
                    Some(field) => format!("?field={}", field.id),
                    None => String::new(),
                };
                Ok(see_other(&web, &format!("{}{query}", path("signature"))))
            }
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
    })
    .await
}

/// What is required and empty.
pub(super) fn missing(web: &Web, signer: &Signer) -> Vec<Problem> {
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

pub(super) async fn autosave(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    // A script reads the status alone; the page of who can't go on is for who opens this by hand.
    let (recipient, field) = path.into_inner();
    late_turn(&request, &web, &recipient, async |signer| {
        let csrf = request
            .headers()
            .get("X-CSRF-Token")
            .and_then(|v| v.to_str().ok())
            .unwrap_or("");
        expect_own(&request, &web, &signer, csrf)?;
        let body = browser::form(payload, &web).await?;
        let Ok(saved) = Autosave::parse(&body) else {
            return Ok(HttpResponse::BadRequest().finish());
        };
        let frame = frame(&web, signer.envelope.environment);
        let version = request.headers().get("X-Page-Version");
        let same = version.is_some_and(|v| v.as_bytes() == signer.version().as_bytes());
        let signer = blocking(&web, move |app| {
            app.save_draft(&signer, vec![(field, saved.value)])?;
            Ok::<_, Error>(signer)
        })
        .await?;
        expect_alive(&signer)?;
        if !same {
            return Err(changed(&web, &signer, "review"));
        }
        let json = Autosave::saved_json(&frame, web.clock.now());
        Ok(HttpResponse::Ok()
            .content_type("application/json")
            .body(json))
    })
    .await
}
