//! `POST /connections/{id}/preview`: a dry run with changes that are not saved.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use directory_core::{ConnectionId, TenantId};
use store::{Draft, Run};

use super::{accepted, path};
use crate::{app::App, auth::Admin, body, model::ConnectionPatch, problem::Problem, query::Query};

pub(super) async fn start(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let connection = path::id(&request)?;
    Query::of(&request).finish()?;
    let patch = body::json::<ConnectionPatch>(&request, payload).await?.unwrap_or_default();
    let run = app.work(move |app| queue(app, admin.tenant, connection, patch)).await?;
    accepted::answer(admin, &request, app, run).await
}

async fn queue(app: Arc<App>, tenant: TenantId, id: ConnectionId, patch: ConnectionPatch) -> Result<Run, Problem> {
    let current = app.store().connection(tenant, id).await?.ok_or_else(Problem::not_found)?;
    let update = patch.resolve(&current).map_err(Problem::bad_input)?;
    let draft = Draft::from(update);
    accepted::queued(app.engine().request_preview(tenant, id, draft).await?)
}
