//! Ids in paths.

use std::str::FromStr;

use actix_web::HttpRequest;

use crate::problem::Problem;

/// The id in the path. What is no id names nothing, so the answer is that of an id that does not exist.
pub(super) fn id<T: FromStr>(request: &HttpRequest) -> Result<T, Problem> {
    request.match_info().query("id").parse().map_err(|_| Problem::not_found())
}
