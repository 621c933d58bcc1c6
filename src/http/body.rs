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
    /// So far a body may fall behind `bytes_per_second`. What came faster counts for no more than this: who sent much at once can't
    /// drip for hours after.
    pub grace: Duration,
    /// The slowest pace: a phone's slow upload passes, a drip does not.
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
    let state = (payload, Pace::new(patience, clock.monotonic()), false);
    let pieces = futures_util::stream::unfold(state, move |(mut payload, mut pace, over)| {
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
                Err(_) => return Some((Err(too_slow()), (payload, pace, true))),
                Ok(None) => return None,
                Ok(Some(Err(error))) => return Some((Err(error), (payload, pace, true))),
                Ok(Some(Ok(piece))) => piece,
            };
            if !pace.keeps_up(piece.len(), clock.monotonic()) {
                return Some((Err(too_slow()), (payload, pace, true)));
            }
            Some((Ok(piece), (payload, pace, false)))
        }
    });
    // A reader may ask once more after the end.
    Box::pin(pieces.fuse())
}

/// How far a body may still fall behind: a bucket that holds what the grace time is worth and leaks at the slowest pace.
struct Pace {
    credit_max: u64,
    credit: u64,
    bytes_per_second: u64,
    /// Until when the leak was taken off, in whole seconds' steps.
    settled: Duration,
}

impl Pace {
    fn new(patience: Patience, now: Duration) -> Self {
        let credit_max = patience
            .grace
            .as_secs()
            .saturating_mul(patience.bytes_per_second);
        Self {
            credit_max,
            credit: credit_max,
            bytes_per_second: patience.bytes_per_second,
            settled: now,
        }
    }

    fn keeps_up(&mut self, bytes: usize, now: Duration) -> bool {
        let seconds = now.saturating_sub(self.settled).as_secs();
        self.settled = self.settled.saturating_add(Duration::from_secs(seconds));
        let credit = self.credit.saturating_add(bytes as u64);
        match credit.checked_sub(seconds.saturating_mul(self.bytes_per_second)) {
            Some(left) => {
                self.credit = left.min(self.credit_max);
                true
            }
            None => false,
        }
    }
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
    read_checked(payload, bytes_max, patience, clock, |_| Ok(())).await
}

/// As [`read_all`]; `check` is told of each length that is about to be held, and may refuse it.
pub async fn read_checked(
    payload: web::Payload,
    bytes_max: usize,
    patience: Patience,
    clock: Arc<dyn crate::ambient::Clock>,
    mut check: impl FnMut(usize) -> Result<(), ApiError>,
) -> Result<Bytes, ApiError> {
    let mut body = patient(payload, patience, clock);
    let mut all = BytesMut::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| payload_error(&error))?;
        let length = all.len().saturating_add(piece.len());
        if length > bytes_max {
            return Err(too_large(bytes_max as u64));
        }
        check(length)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(Patience::default(), Duration::ZERO)
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_slow_upload_passes_and_a_slower_one_is_cut_after_the_grace_time() {
        let mut slow = pace();
        assert!((1..10_000).all(|second| slow.keeps_up(8 * 1024, at(second))));
        let mut slower = pace();
        let cut = (1..10_000).find(|second| !slower.keeps_up(4 * 1024, at(*second)));
        assert_eq!(cut, Some(121));
    }

    #[test]
    fn much_at_once_buys_no_more_than_the_grace_time() {
        let mut body = pace();
        assert!(body.keeps_up(50_000_000, at(1)));
        let cut = (2..100_000).find(|second| !body.keeps_up(1, at(*second)));
        assert_eq!(cut, Some(62));
    }

    #[test]
    fn parts_of_seconds_add_up() {
        let mut body = pace();
        let cut = (1..1_000u64).find(|n| !body.keeps_up(0, Duration::from_millis(n * 900)));
        // Second 61 is the first that the grace time does not cover.
        assert_eq!(cut, Some(68));
    }
}
