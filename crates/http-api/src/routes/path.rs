//! Ids in paths.

use std::{char::REPLACEMENT_CHARACTER, str::FromStr};

use actix_web::{FromRequest, HttpRequest, web::Path};
use directory_core::ExternalId;
use serde::Deserialize;

use crate::{model, problem::Problem};

/// The id in the path. What is no id names nothing, so the answer is that of an id that does not exist.
pub(super) fn id<T: FromStr>(request: &HttpRequest) -> Result<T, Problem> {
    request.match_info().query("id").parse().map_err(|_| Problem::not_found())
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
