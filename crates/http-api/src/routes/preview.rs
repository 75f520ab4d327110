//! `POST /connections/{id}/preview`: a dry run with changes that are not saved.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use directory_core::{ConnectionId, TenantId};
use store::{Actor, Draft, Run};

use super::{BASE, accepted, path};
use crate::{
    app::App,
    auth::Admin,
    body,
    model::{ConnectionPatch, RunView},
    openapi::{Absent, Any, Body, Starting, Waiting},
    problem::Problem,
    query::Query,
};

#[utoipa::path(
    post, path = "/connections/{id}/preview", context_path = BASE, operation_id = "previewConnection", tag = "Runs", summary = "See what a change of a connection would do",
    description = "A dry run by the connection as the body would make it. Saves nothing but the run.",
    params(("id" = Uuid, Path, description = "The connection"), Waiting),
    request_body = Option<ConnectionPatch>,
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
    let patch = body::json::<ConnectionPatch>(&request, payload).await?.unwrap_or_default();
    let (by, tenant) = (admin.by.clone(), admin.tenant);
    let run = app.work(move |app| async move { queue(app, &by, tenant, connection, patch).await }).await?;
    accepted::answer(admin, &request, app, run).await
}

async fn queue(
    app: Arc<App>,
    by: &Actor,
    tenant: TenantId,
    id: ConnectionId,
    patch: ConnectionPatch,
) -> Result<Run, Problem> {
    let current = app.store().connection(tenant, id).await?.ok_or_else(Problem::not_found)?;
    let update = patch.resolve(&current).map_err(Problem::bad_input)?;
    let draft = Draft::from(update);
    accepted::queued(app.engine().request_preview(by, tenant, id, draft).await?)
}
