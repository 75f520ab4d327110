//! `POST /runs/{id}/reject` and `POST /runs/{id}/cancel`: ending a run by hand.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use store::{Ending, RunStatus};

use super::{BASE, path, standing};
use crate::{
    app::App,
    auth::Admin,
    body::{self, Nothing},
    model::RunView,
    openapi::{Absent, Any, Body, Cancelling, Rejecting},
    problem::Problem,
    query::Query,
};

#[utoipa::path(
    post, path = "/runs/{id}/reject", context_path = BASE, operation_id = "rejectRun", tag = "Runs", summary = "Reject a held run",
    description = "Nothing of it is applied.",
    params(("id" = Uuid, Path, description = "The run")),
    request_body = Option<Nothing>,
    responses(
        (status = 200, description = "The run", body = RunView),
        Any, Absent, Body, Rejecting,
    ),
)]
pub(crate) async fn reject(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    body::none(&request, payload).await?;
    let ending =
        app.work(move |app| async move { Ok(app.store().reject_run(&admin.by, admin.tenant, id).await?) }).await?;
    answer(ending, standing::not_held)
}

#[utoipa::path(
    post, path = "/runs/{id}/cancel", context_path = BASE, operation_id = "cancelRun", tag = "Runs", summary = "Cancel an active run",
    description = "What it has applied stays; the next run goes on from there.",
    params(("id" = Uuid, Path, description = "The run")),
    request_body = Option<Nothing>,
    responses(
        (status = 200, description = "The run", body = RunView),
        Any, Absent, Body, Cancelling,
    ),
)]
pub(crate) async fn cancel(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    body::none(&request, payload).await?;
    let ending =
        app.work(move |app| async move { Ok(app.store().cancel_run(&admin.by, admin.tenant, id).await?) }).await?;
    answer(ending, standing::not_active)
}

fn answer(ending: Ending, refusal: fn(RunStatus) -> Problem) -> Result<HttpResponse, Problem> {
    match ending {
        Ending::Ended(run) => Ok(HttpResponse::Ok().json(RunView::from(*run))),
        Ending::NotPossible(status) => Err(refusal(status)),
        Ending::NoRun => Err(Problem::not_found()),
    }
}
