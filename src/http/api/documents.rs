//! `/documents`.

use super::request::{self, Page, once, plain_page};
use super::views;
use crate::app::App;
use crate::app::documents::Upload;
use crate::domain::definition::InlineDocument;
use crate::domain::digest::{Digest, Hasher};
use crate::http::Web;
use crate::http::auth::Authenticated;
use crate::http::blocking::blocking;
use crate::http::body::{self, patient, payload_error};
use crate::http::error::{ApiError, ErrorCode};
use crate::http::files;
use actix_multipart::{Multipart, MultipartError};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use futures_util::StreamExt as _;

/// Bytes of a file that are gathered before they are written on the blocking pool.
const PIECE_BYTES: usize = 256 * 1024;

pub async fn list(
    request: HttpRequest,
    web: web::Data<Web>,
    who: Authenticated,
) -> Result<HttpResponse, ApiError> {
    let fetch = move |app: &App, page: Page| app.list_documents(&who.0, page.number, page.size);
    request::list(&web, plain_page(&request)?, fetch, views::document).await
}

pub async fn show(
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
) -> Result<HttpResponse, ApiError> {
    let document = blocking(&web, move |app| app.document(&who.0, &id)).await?;
    Ok(request::answer(&views::document(&document)))
}

pub async fn delete(
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
) -> Result<HttpResponse, ApiError> {
    blocking(&web, move |app| app.delete_document(&who.0, &id)).await?;
    Ok(request::success())
}

pub async fn content(
    request: HttpRequest,
    id: web::Path<String>,
    web: web::Data<Web>,
    who: Authenticated,
) -> Result<HttpResponse, ApiError> {
    let file = blocking(&web, move |app| app.document_content(&who.0, &id)).await?;
    files::download(&request, file)
}

pub async fn create(
    request: HttpRequest,
    web: web::Data<Web>,
    who: Authenticated,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    body::refuse_encoding(&request)?;
    let Some(_place) = web.uploads.enter() else {
        let busy = ApiError::new(ErrorCode::Unavailable, "Too many uploads are under way.");
        return Err(busy.retry_after(2));
    };
    let kind = body::media_type(&request);
    let (upload, content) = match kind.as_str() {
        "multipart/form-data" => multipart(&request, payload, &web).await?,
        "application/json" => inline(&request, payload, &web).await?,
        "" => {
            return Err(ApiError::new(
                ErrorCode::UnsupportedMediaType,
                "Send the file as multipart/form-data (member `file`), or JSON with `base64Pdf`.",
            ));
        }
        other => {
            return Err(ApiError::new(
                ErrorCode::UnsupportedMediaType,
                format!(
                    "The body is declared as {other}; send multipart/form-data (member `file`), or JSON with `base64Pdf`."
                ),
            ));
        }
    };
    once(
        &request,
        &web,
        who.0,
        content,
        201,
        move |app, caller, claim| {
            app.create_document(caller, upload, claim, |document| {
                views::document(document).to_string().into_bytes()
            })
        },
    )
    .await
}

/// Streams the member `file` into the vault's incoming folder. The second value tells this request from others: by what the members
/// hold, however the form is cut and in whatever order they come.
async fn multipart(
    request: &HttpRequest,
    payload: web::Payload,
    web: &web::Data<Web>,
) -> Result<(Upload, Digest), ApiError> {
    let stream = patient(payload, web.patience, web.clock.clone());
    let mut parts = Multipart::new(request.headers(), stream);
    let mut name = None;
    let mut file = None;
    let invalid = |message: &str| ApiError::new(ErrorCode::InvalidRequest, message);
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(|error| multipart_error(&error))?;
        let member = part.name().unwrap_or("").to_owned();
        let file_name = part
            .content_disposition()
            .and_then(|d| d.get_filename())
            .map(str::to_owned);
        match member.as_str() {
            "file" if file.is_none() => {
                let mut incoming = blocking(web, |app| app.begin_upload()).await?;
                let mut piece = Vec::with_capacity(PIECE_BYTES);
                loop {
                    let next = part
                        .next()
                        .await
                        .transpose()
                        .map_err(|error| multipart_error(&error))?;
                    let ended = next.is_none();
                    if let Some(bytes) = next {
                        piece.extend_from_slice(&bytes);
                    }
                    if piece.len() >= PIECE_BYTES || (ended && !piece.is_empty()) {
                        let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE_BYTES));
                        incoming =
                            blocking(web, move |app| app.continue_upload(incoming, &full)).await?;
                    }
                    if ended {
                        break;
                    }
                }
                let received = blocking(web, move |app| app.end_upload(incoming)).await?;
                file = Some((received, file_name));
            }
            "name" if name.is_none() => {
                let mut text = Vec::new();
                while let Some(piece) = part.next().await {
                    text.extend_from_slice(&piece.map_err(|error| multipart_error(&error))?);
                    if text.len() > 4096 {
                        return Err(invalid("The member `name` is too long."));
                    }
                }
                name = Some(
                    String::from_utf8(text)
                        .map_err(|_| invalid("The member `name` is not UTF-8."))?,
                );
            }
            "file" | "name" => return Err(invalid("A member of the form stands twice.")),
            other => {
                return Err(ApiError::new(
                    ErrorCode::InvalidRequest,
                    format!("There is no member `{other}` here."),
                )
                .detail("Send the PDF as `file`, and its name, if you like, as `name`."));
            }
        }
    }
    let (received, file_name) = file.ok_or_else(|| invalid("The form has no member `file`."))?;
    let content = form_content(name.as_deref(), file_name.as_deref(), &received.digest());
    Ok((
        Upload {
            name: name.or(file_name),
            received,
        },
        content,
    ))
}

/// The digest of a form's members. A member that is missing and one that is empty are two requests.
fn form_content(name: Option<&str>, file_name: Option<&str>, file: &Digest) -> Digest {
    let mut content = Hasher::new();
    for (member, text) in [("name", name), ("filename", file_name)] {
        let Some(text) = text else { continue };
        content.update(member.as_bytes());
        content.update(&(text.len() as u64).to_be_bytes());
        content.update(text.as_bytes());
    }
    content.update(b"file");
    content.update(file.as_bytes());
    content.finish()
}

fn multipart_error(error: &MultipartError) -> ApiError {
    match error {
        MultipartError::Payload(payload) => payload_error(payload),
        other => ApiError::new(
            ErrorCode::InvalidRequest,
            format!("The form can't be read: {other}."),
        ),
    }
}

/// `{name, base64Pdf}`.
async fn inline(
    request: &HttpRequest,
    payload: web::Payload,
    web: &web::Data<Web>,
) -> Result<(Upload, Digest), ApiError> {
    let bytes_max = usize::try_from(web.app.upload_bytes_max()).unwrap_or(usize::MAX);
    // Base64 is four thirds of its content; the rest is room for the name.
    let body = request::json(
        request,
        payload,
        web,
        (bytes_max / 3).saturating_mul(4).saturating_add(4096),
    )
    .await?;
    let body = request::wanted(body)?;
    let content = request::content(Some(&body));
    let document = InlineDocument::read(body).map_err(crate::app::Error::Invalid)?;
    let upload = blocking(web, move |app| {
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(document.base64.as_bytes())
            .map_err(|_| {
                crate::app::Error::invalid(
                    "/base64Pdf",
                    "invalid_base64",
                    "`base64Pdf` is not base64.",
                )
            })?;
        Ok::<_, crate::app::Error>(Upload {
            name: Some(document.name),
            received: app.receive_upload(&bytes)?,
        })
    })
    .await?;
    Ok((upload, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_differ_in_any_member_have_other_digests() {
        let (file, other) = (Digest::of(b"a"), Digest::of(b"b"));
        let forms = [
            form_content(None, None, &file),
            form_content(None, None, &other),
            form_content(None, Some("x"), &file),
            form_content(Some("x"), None, &file),
            form_content(Some("x"), Some("x"), &file),
            form_content(Some("xx"), Some(""), &file),
            form_content(Some(""), Some("xx"), &file),
            form_content(Some(""), None, &file),
        ];
        for (i, one) in forms.iter().enumerate() {
            assert!(!forms[i + 1..].contains(one), "{i}");
        }
        assert_eq!(forms[4], form_content(Some("x"), Some("x"), &file));
    }
}
