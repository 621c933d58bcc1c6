//! Files that leave the appliance: always as a download, in pieces, with the digest where the bytes are known.

use super::error::ApiError;
use super::middleware::CSP_FILE;
use crate::app::documents::Outgoing;
use actix_web::body::SizedStream;
use actix_web::http::header::{self, ContentEncoding};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use futures_util::stream;
use std::io::Read as _;

/// Bytes read from the file at a time.
const PIECE_BYTES: usize = 128 * 1024;

/// The answer that carries `file`. Its bytes are hashed while they are read, so a rotten file breaks off instead of passing.
pub fn download(request: &HttpRequest, file: Outgoing) -> Result<HttpResponse, ApiError> {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, CSP_FILE))
        .insert_header((header::CONTENT_DISPOSITION, disposition(&file.name)))
        // Never compressed on the way: `Repr-Digest` is of these very bytes, and PDFs are compressed already.
        .insert_header(ContentEncoding::Identity)
        .content_type(file.media_type);
    if let Some(digest) = file.digest {
        let digest = base64::engine::general_purpose::STANDARD.encode(digest.as_bytes());
        response.insert_header(("Repr-Digest", format!("sha-256=:{digest}:")));
    }
    let length = file.length;
    if request.method() == actix_web::http::Method::HEAD {
        let nothing = stream::empty::<Result<Bytes, std::io::Error>>();
        return Ok(response.body(SizedStream::new(length, nothing)));
    }
    let pieces = stream::unfold(Some(file.content), |content| async move {
        let mut content = content?;
        let read = web::block(move || {
            let mut piece = vec![0; PIECE_BYTES];
            let n = content.read(&mut piece)?;
            piece.truncate(n);
            Ok::<_, std::io::Error>((piece, content))
        })
        .await;
        match read {
            Ok(Ok((piece, _))) if piece.is_empty() => None,
            Ok(Ok((piece, content))) => Some((Ok(Bytes::from(piece)), Some(content))),
            Ok(Err(error)) => {
                tracing::error!(%error, "a download broke off");
                Some((Err(error), None))
            }
            Err(_) => Some((Err(std::io::Error::other("the server is stopping")), None)),
        }
    });
    Ok(response.body(SizedStream::new(length, pieces)))
}

/// `attachment` with the name twice: for old clients in ASCII, for all others in UTF-8 (RFC 6266).
fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_leave_its_header() {
        let header = disposition("a\"b\r\nX: y\\ é.pdf");
        assert!(header.is_ascii() && !header.contains('\r') && !header.contains('\n'));
        assert_eq!(
            header,
            "attachment; filename=\"a_b__X: y_ _.pdf\"; filename*=UTF-8''a%22b%0D%0AX%3A%20y%5C%20%C3%A9.pdf"
        );
    }
}
