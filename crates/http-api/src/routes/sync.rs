//! `POST /connections/{id}/sync`: asking for a run.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use store::{RunMode, Trigger};
use sync_engine::RunRequest;

use super::{accepted, path};
use crate::{app::App, auth::Admin, body, model::SyncInput, problem::Problem, query::Query};

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
    let run = app.work(move |app| async move { accepted::queued(app.engine().request_run(asked).await?) }).await?;
    accepted::answer(admin, &request, app, run).await
}
