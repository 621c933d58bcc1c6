//! The signature: typed, drawn or uploaded, previewed, adopted.

use super::gate::count;
use super::instead::frame;
use super::review::{adopted, missing};
use super::session::{base, expect_own, step, turn};
use crate::app::signing::{Blocked, Draft, MadeMark, Signer};
use crate::app::{App, Error};
use crate::domain::field::FieldKind;
use crate::domain::limits;
use crate::http::blocking::blocking;
use crate::http::browser::{page, see_other};
use crate::http::error::{ApiError, ErrorCode};
use crate::http::pages::problem::{Fault, Problem, problems_json};
use crate::http::pages::signature::{
    Maker, Mark as FormMark, Method as Making, SignatureForm, SignaturePage, Style,
};
use crate::http::{Web, browser};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

pub(super) fn maker(app: &App, signer: &Signer, form: &SignatureForm) -> Maker {
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
    pub(super) fn default_for(signer: &Signer) -> Self {
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

pub(super) async fn signature_page(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
    query: web::Query<Vec<(String, String)>>,
) -> HttpResponse {
    turn(&request, &web, &recipient, async |signer| {
        let mut form = SignatureForm::default_for(&signer);
        form.field = query
            .iter()
            .find(|(name, _)| name == "field")
            .map(|(_, value)| value.clone());
        Ok(page(200, signature_html(&web, &signer, &form)))
    })
    .await
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

pub(super) async fn signature_form(
    request: HttpRequest,
    recipient: web::Path<String>,
    web: web::Data<Web>,
    payload: web::Payload,
) -> HttpResponse {
    turn(&request, &web, &recipient, async |signer| {
        let initials = signer.is_asked_for(FieldKind::Initials);
        let mut form = match browser::parts(&request, payload, &web).await {
            Ok(parts) => {
                let form = SignatureForm::from_parts(&parts, true, initials)
                    .map_err(|_| Blocked::SessionEnded)?;
                expect_own(&request, &web, &signer, &form.csrf)?;
                form
            }
            // Nothing was kept of it; the form is shown again with what is wrong.
            Err(error) if error.code() == ErrorCode::PayloadTooLarge => SignatureForm {
                method: Making::Upload,
                problems: vec![Problem::new("file", Fault::FileLarge)],
                ..SignatureForm::default_for(&signer)
            },
            Err(error) => return Err(error.into()),
        };
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
        // Back to the field that asked; without one it was the last step's turn.
        let asked = form.field.as_deref();
        let step = match signer.fields().find(|f| asked == Some(&f.id.to_string())) {
            Some(field) => format!("review#f-{}", field.id),
            None if missing(&web, &signer).is_empty() => "check".to_owned(),
            None => "review".to_owned(),
        };
        Ok(see_other(
            &web,
            &format!("/signing/{}/{step}", signer.recipient),
        ))
    })
    .await
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
    let mut keep = |made: Option<MadeMark>, input: &str| match made
        .map(|made| app.keep_mark(signer, made))
        .transpose()
    {
        Err(Error::Document { code, .. }) => {
            form.problems
                .push(Problem::new(input, picture_fault(&code)));
            Ok(None)
        }
        other => other,
    };
    let signature = keep(signature, "file")?;
    let initials = keep(initials, "initials_file")?;
    if !form.problems.is_empty() {
        return Ok(None);
    }
    app.adopt(signer, signature, initials).map(Some)
}

/// What the worker's word for a refused picture is to a person.
fn picture_fault(code: &str) -> Fault {
    match code {
        "picture_too_large" => Fault::FileLarge,
        "picture_empty" => Fault::FileEmpty,
        _ => Fault::FileKind,
    }
}

pub(super) async fn preview(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    web: web::Data<Web>,
    query: web::Query<Vec<(String, String)>>,
) -> HttpResponse {
    let (recipient, style) = path.into_inner();
    step(&request, &web, &recipient, async |_| {
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
    })
    .await
}

pub(super) async fn adopted_picture(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    web: web::Data<Web>,
) -> HttpResponse {
    let (recipient, kind) = path.into_inner();
    step(&request, &web, &recipient, async |signer| {
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
    })
    .await
}
