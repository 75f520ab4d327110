//! The answer to whoever asked for work: the run that does it, and its place.

use actix_web::{HttpResponse, http::header};
use store::{CreatedRun, Run};

use super::run_path;
use crate::{model::RunView, problem::Problem};

pub(super) fn answer(run: Run) -> HttpResponse {
    let location = (header::LOCATION, run_path(run.id));
    HttpResponse::Accepted().insert_header(location).json(RunView::from(run))
}

/// The run that was queued, or why there is none.
pub(super) fn queued(created: CreatedRun) -> Result<Run, Problem> {
    match created {
        CreatedRun::Queued(run) => Ok(*run),
        CreatedRun::AlreadyActive(run) => Err(Problem::run_active(run)),
        CreatedRun::NoConnection => Err(Problem::not_found()),
    }
}
