//! Request bodies: bounded in size and in time. A body that drips is cut, so that slow clients hold nothing up.

use super::error::{ApiError, ErrorCode};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::rt::time::timeout;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpRequest, web};
use futures_util::{Stream, StreamExt as _};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How slowly a body may come.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The longest silence between two pieces.
    pub chunk: Duration,
    /// After this long, an average of at least `bytes_per_second` is asked for.
    pub grace: Duration,
    /// The slowest average after the grace time: a phone's slow upload passes, a drip does not.
    pub bytes_per_second: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            chunk: Duration::from_secs(10),
            grace: Duration::from_secs(60),
            bytes_per_second: 8 * 1024,
        }
    }
}

/// A body as a stream that ends with an error where it comes too slowly.
pub fn patient(
    payload: web::Payload,
    patience: Patience,
    clock: Arc<dyn crate::ambient::Clock>,
) -> Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> {
    let started = clock.monotonic();
    let state = (payload, 0u64, false);
    let pieces = futures_util::stream::unfold(state, move |(mut payload, mut seen, over)| {
        let clock = clock.clone();
        async move {
            if over {
                return None;
            }
            let too_slow = || {
                PayloadError::Io(std::io::Error::new(
                    std::io::ErrorKind::TimedOut,
                    "the body came too slowly",
                ))
            };
            let piece = match timeout(patience.chunk, payload.next()).await {
                Err(_) => return Some((Err(too_slow()), (payload, seen, true))),
                Ok(None) => return None,
                Ok(Some(Err(error))) => return Some((Err(error), (payload, seen, true))),
                Ok(Some(Ok(piece))) => piece,
            };
            seen = seen.saturating_add(piece.len() as u64);
            let late = clock
                .monotonic()
                .saturating_sub(started)
                .saturating_sub(patience.grace);
            if seen < late.as_secs().saturating_mul(patience.bytes_per_second) {
                return Some((Err(too_slow()), (payload, seen, true)));
            }
            Some((Ok(piece), (payload, seen, false)))
        }
    });
    // A reader may ask once more after the end.
    Box::pin(pieces.fuse())
}

/// The failure that a broken body is.
pub fn payload_error(error: &PayloadError) -> ApiError {
    match error {
        PayloadError::Io(io) if io.kind() == std::io::ErrorKind::TimedOut => ApiError::new(
            ErrorCode::RequestTimeout,
            "The request's body came too slowly.",
        ),
        _ => ApiError::new(
            ErrorCode::InvalidRequest,
            "The request's body ended before it was complete.",
        ),
    }
}

/// Reads a whole body of at most `bytes_max`.
pub async fn read_all(
    payload: web::Payload,
    bytes_max: usize,
    patience: Patience,
    clock: Arc<dyn crate::ambient::Clock>,
) -> Result<Bytes, ApiError> {
    let mut body = patient(payload, patience, clock);
    let mut all = BytesMut::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| payload_error(&error))?;
        if all.len().saturating_add(piece.len()) > bytes_max {
            return Err(too_large(bytes_max as u64));
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}

/// Refuses a body that is declared as larger than `bytes_max`, before any of it is held.
pub fn refuse_length(request: &HttpRequest, bytes_max: usize) -> Result<(), ApiError> {
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match declared {
        Some(length) if length > bytes_max as u64 => Err(too_large(bytes_max as u64)),
        _ => Ok(()),
    }
}

/// 413 with the limit in words.
pub fn too_large(bytes_max: u64) -> ApiError {
    let limit = if bytes_max >= 1_000_000 {
        format!("{} MB", bytes_max / 1_000_000)
    } else {
        format!("{bytes_max} bytes")
    };
    ApiError::new(
        ErrorCode::PayloadTooLarge,
        format!("The body is larger than {limit}."),
    )
}

/// The media type of the body without parameters, lower case; empty if none is named.
pub fn media_type(request: &HttpRequest) -> String {
    request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase()
}

/// Refuses a body that is declared as something that this address does not read, before reading it.
pub fn refuse_encoding(request: &HttpRequest) -> Result<(), ApiError> {
    match request.headers().get(header::CONTENT_ENCODING) {
        Some(value) if !value.as_bytes().eq_ignore_ascii_case(b"identity") => Err(ApiError::new(
            ErrorCode::UnsupportedMediaType,
            "Compressed bodies are not read; send it without Content-Encoding.",
        )),
        _ => Ok(()),
    }
}
