//! The way from the web's threads to the use cases, which block: flushes, commits, cryptography, PDF work.

use super::Web;
use super::error::{ApiError, ErrorCode};
use crate::app::App;
use actix_web::web;

/// Runs a use case on the blocking pool. Once begun it runs to its end, even if the client goes away: a cancelled request
/// half-runs nothing.
pub async fn blocking<T, E>(
    web: &web::Data<Web>,
    use_case: impl FnOnce(&App) -> Result<T, E> + Send + 'static,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    E: Into<ApiError> + Send + 'static,
{
    let app = web.app.clone();
    match web::block(move || use_case(&app)).await {
        Ok(result) => result.map_err(Into::into),
        Err(_) => {
            tracing::error!("a use case panicked");
            Err(ApiError::new(
                ErrorCode::InternalError,
                "Something went wrong here.",
            ))
        }
    }
}
