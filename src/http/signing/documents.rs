//! A document as its signer meets it: page images, text, the PDF.

use super::instead::frame;
use super::session::{base, expect_readable, step};
use crate::app::Error;
use crate::http::blocking::blocking;
use crate::http::browser::page;
use crate::http::pages::sign::DocumentText;
use crate::http::pages::state::{State as PageState, StatePage};
use crate::http::{Web, files};
use actix_web::{HttpRequest, HttpResponse, web};

pub(super) async fn page_image(
    request: HttpRequest,
    path: web::Path<(String, String, String)>,
    web: web::Data<Web>,
    query: web::Query<Vec<(String, String)>>,
) -> HttpResponse {
    let (recipient, document, number) = path.into_inner();
    step(&request, &web, &recipient, async |signer| {
        expect_readable(&web, &signer)?;
        let width = query
            .iter()
            .find(|(name, _)| name == "w")
            .and_then(|(_, w)| w.parse().ok())
            .unwrap_or(1000);
        let number = number.parse().unwrap_or(0);
        let pdf = format!("{}/documents/{document}/file", base(&web, &signer));
        let frame = frame(&web, signer.envelope.environment);
        let image = blocking(&web, move |app| {
            app.page_image(&signer, &document, number, width)
        })
        .await?;
        Ok(match image {
            Some(image) => HttpResponse::Ok()
                .content_type(image.media_type)
                .body(image.bytes),
            // No picture, so the page around it shows its words; these are for who opens the address itself.
            None => {
                let state = PageState::PageUndrawable { pdf };
                let instead = StatePage { frame, state };
                page(instead.status(), instead.html())
            }
        })
    })
    .await
}

pub(super) async fn document_text(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    web: web::Data<Web>,
) -> HttpResponse {
    let (recipient, document) = path.into_inner();
    step(&request, &web, &recipient, async |signer| {
        expect_readable(&web, &signer)?;
        let (signer, frozen, texts) = blocking(&web, move |app| {
            let frozen = signer.document(&document)?.clone();
            let texts = app.page_texts(&signer, &frozen)?;
            app.note_served(&signer, frozen.id)?;
            Ok::<_, Error>((signer, frozen, texts))
        })
        .await?;
        let others = signer
            .envelope
            .documents
            .iter()
            .filter(|d| d.id != frozen.id)
            .map(|d| (d.id.to_string(), d.name.clone()))
            .collect();
        let html = DocumentText {
            frame: frame(&web, signer.envelope.environment),
            base: base(&web, &signer),
            id: frozen.id.to_string(),
            name: frozen.name,
            pages: texts
                .into_iter()
                .map(|text| Some(text).filter(|t| !t.trim().is_empty()))
                .collect(),
            others,
        }
        .html();
        Ok(page(200, html))
    })
    .await
}

pub(super) async fn document_file(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    web: web::Data<Web>,
) -> HttpResponse {
    let (recipient, document) = path.into_inner();
    step(&request, &web, &recipient, async |signer| {
        expect_readable(&web, &signer)?;
        let file = blocking(&web, move |app| app.signer_file(&signer, &document)).await?;
        Ok(files::download(&request, file)?)
    })
    .await
}
