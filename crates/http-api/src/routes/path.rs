//! Ids in paths.

use std::{char::REPLACEMENT_CHARACTER, fmt::Display, str::FromStr};

use actix_web::{FromRequest, HttpRequest, web::Path};
use directory_core::{ConnectionId, ExternalId, RunId, UserId};
use serde::Deserialize;
use tracing::{Span, field::display};
use uuid::Uuid;

use crate::{model, problem::Problem};

/// What has an id of its own in paths, and the request's span a field for it.
pub(super) trait Named: FromStr + Display {
    /// The span's field; `None` where the id is for no log.
    const FIELD: Option<&'static str>;
}

impl Named for ConnectionId {
    const FIELD: Option<&'static str> = Some("connection_id");
}

impl Named for RunId {
    const FIELD: Option<&'static str> = Some("run_id");
}

impl Named for UserId {
    const FIELD: Option<&'static str> = None;
}

impl Named for Uuid {
    const FIELD: Option<&'static str> = None;
}

/// The id in the path. What is no id names nothing, so the answer is that of an id that does not exist.
pub(super) fn id<T: Named>(request: &HttpRequest) -> Result<T, Problem> {
    let id = request.match_info().query("id").parse().map_err(|_| Problem::not_found())?;
    note(&id);
    Ok(id)
}

/// Another id in the path, of something that belongs to the first.
pub(super) fn second_id(request: &HttpRequest, name: &str) -> Result<Uuid, Problem> {
    request.match_info().query(name).parse().map_err(|_| Problem::not_found())
}

/// Puts the id on the request's span, where whoever searches the log for it finds the request.
pub(super) fn note<T: Named>(id: &T) {
    if let Some(field) = T::FIELD {
        Span::current().record(field, display(id));
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DirectoryUser {
    external_id: String,
}

/// The directory user in the path. `Path` decodes what the router leaves encoded: a slash, say.
pub(super) async fn external_id(request: &HttpRequest) -> Result<ExternalId, Problem> {
    let found = Path::<DirectoryUser>::extract(request).await.map_err(|_| Problem::not_found())?;
    let text = &found.external_id;
    // Bytes that are no UTF-8 would all be the same id.
    if text.contains(REPLACEMENT_CHARACTER) {
        return Err(Problem::not_found());
    }
    model::external_id(text).ok_or_else(Problem::not_found)
}
