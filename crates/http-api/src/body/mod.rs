//! JSON bodies: bounded, typed, wiped, and never repeated in an answer.

pub(crate) mod complaint;

use std::time::Duration;

use actix_web::{
    HttpMessage, HttpRequest,
    http::header,
    web::{Data, Payload},
};
use futures_util::StreamExt;
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::{
    app::App,
    problem::{Kind, Problem},
};

const MAX_BYTES: usize = 64 * 1024;

/// The body, or `None` when there is none.
pub(crate) async fn json<T: DeserializeOwned>(request: &HttpRequest, payload: Payload) -> Result<Option<T>, Problem> {
    json_up_to(MAX_BYTES, request, payload).await
}

/// The same, of so many bytes at most.
pub(crate) async fn json_up_to<T: DeserializeOwned>(
    most: usize,
    request: &HttpRequest,
    payload: Payload,
) -> Result<Option<T>, Problem> {
    // It may hold a secret: taken in one piece, so that no copy is left behind by growing, and wiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(most));
    // For the whole of it: a client that dribbles must not hold a connection.
    let limit = request.app_data::<Data<App>>().map_or(Duration::ZERO, |app| app.config().limits.body_time);
    tokio::time::timeout(limit, read(payload, most, &mut bytes)).await.map_err(|_| too_slow(limit))??;
    if bytes.is_empty() {
        return Ok(None);
    }
    check_type(request)?;
    complaint::from_slice(&bytes).map(Some).map_err(|error| Problem::bad_input(vec![error]))
}

/// Of a request that says all it has to say by its path: there is no body, or an object without members.
pub(crate) async fn none(request: &HttpRequest, payload: Payload) -> Result<(), Problem> {
    json::<Nothing>(request, payload).await.map(drop)
}

/// Nothing: there is no need to send it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

async fn read(mut payload: Payload, most: usize, bytes: &mut Vec<u8>) -> Result<(), Problem> {
    let mut fits = true;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::new(Kind::BadRequest, "The body could not be read to its end."))?;
        fits = fits && bytes.len() + chunk.len() <= most;
        if !fits {
            return Err(Problem::new(Kind::PayloadTooLarge, format!("The body must be at most {most} bytes.")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(())
}

fn too_slow(limit: Duration) -> Problem {
    let detail = format!("The body did not arrive within {} seconds.", limit.as_secs());
    Problem::new(Kind::RequestTimeout, detail)
}

fn check_type(request: &HttpRequest) -> Result<(), Problem> {
    let refuse = |detail: &'static str| Err(Problem::new(Kind::UnsupportedMediaType, detail));
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return refuse("The body must be sent without a Content-Encoding.");
    }
    let Ok(Some(media_type)) = request.mime_type() else {
        return refuse("Send the body with `Content-Type: application/json`.");
    };
    let is_json = media_type.type_() == "application"
        && (media_type.subtype() == "json" || media_type.suffix().is_some_and(|suffix| suffix == "json"));
    // JSON is UTF-8 between programs (RFC 8259 §8.1).
    let is_utf8 = media_type.get_param("charset").is_none_or(|charset| charset == "utf-8");
    if is_json && is_utf8 {
        Ok(())
    } else {
        refuse("The body must be JSON in UTF-8, with `Content-Type: application/json`.")
    }
}
