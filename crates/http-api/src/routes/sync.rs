//! `POST /connections/{id}/sync`: asking for a run.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use store::{RunMode, Trigger};
use sync_engine::RunRequest;

use super::{BASE, accepted, path};
use crate::{
    app::App,
    auth::Admin,
    body,
    model::{RunView, SyncInput},
    openapi::{Absent, Any, Body, Starting, Waiting},
    problem::Problem,
    query::Query,
};

#[utoipa::path(
    post, path = "/connections/{id}/sync", context_path = BASE, operation_id = "startSync", tag = "Runs", summary = "Start a sync",
    description = "A worker takes it up. One run of a connection is active at a time.",
    params(("id" = Uuid, Path, description = "The connection"), Waiting),
    request_body = Option<SyncInput>,
    responses(
        (status = 200, description = "The run, which has ended: only with `Prefer: wait`", body = RunView,
            headers(("location" = String, description = "The path of the run"), ("preference-applied" = String, description = "That, and how long, was waited; absent where nothing was"))),
        (status = 202, description = "The run, which a worker takes up", body = RunView,
            headers(("location" = String, description = "The path of the run"), ("preference-applied" = String, description = "That, and how long, was waited; absent where nothing was"))),
        Any, Absent, Body, Starting,
    ),
)]
pub(crate) async fn start(
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
    let by = admin.by.clone();
    let queued = app.work(move |app| async move { accepted::queued(app.engine().request_run(&by, asked).await?) });
    let run = queued.await?;
    accepted::answer(admin, &request, app, run).await
}
