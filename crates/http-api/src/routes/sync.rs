//! `POST /connections/{id}/sync`: asking for a run.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use store::{CreatedRun, Run, RunMode, Trigger};
use sync_engine::RunRequest;

use super::{path, run_path};
use crate::{
    app::App,
    auth::Admin,
    body,
    model::{RunView, SyncInput},
    problem::Problem,
    query::Query,
};

pub(super) async fn start(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let connection = path::id(&request)?;
    Query::of(&request).finish()?;
    let input = body::json::<SyncInput>(&request, payload).await?.unwrap_or_default();
    let asked = RunRequest {
        tenant: admin.tenant,
        connection,
        mode: input.mode.unwrap_or(RunMode::Auto),
        trigger: Trigger::Manual,
        dry_run: input.dry_run.unwrap_or(false),
    };
    let run = app.work(move |app| queue(app, asked)).await?;
    let location = (header::LOCATION, run_path(run.id));
    Ok(HttpResponse::Accepted().insert_header(location).json(RunView::from(run)))
}

async fn queue(app: Arc<App>, asked: RunRequest) -> Result<Run, Problem> {
    match app.engine().request_run(asked).await? {
        CreatedRun::Queued(run) => Ok(*run),
        CreatedRun::AlreadyActive(run) => Err(Problem::run_active(run)),
        CreatedRun::NoConnection => Err(Problem::not_found()),
    }
}
