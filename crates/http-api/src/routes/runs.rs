//! `GET /connections/{id}/runs` and `GET /runs/{id}`.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use directory_core::{ConnectionId, RunId, TenantId};
use store::{IdPage, Run};

use super::{BASE, path};
use crate::{
    app::App,
    auth::Reader,
    cursor::List,
    model::{ListView, RunView},
    openapi::{Absent, Any, Page},
    problem::Problem,
    query::Query,
};

#[utoipa::path(
    get, path = "/connections/{id}/runs", context_path = BASE, operation_id = "listRuns", tag = "Runs", summary = "List a connection's runs",
    description = "Newest first.",
    params(("id" = Uuid, Path, description = "The connection"), Page),
    responses(
        (status = 200, description = "A page of runs", body = ListView<RunView>),
        Any, Absent,
    ),
)]
pub(crate) async fn list(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let connection: ConnectionId = path::id(&request)?;
    let mut query = Query::of(&request);
    let paging = query.paging(List::Runs(connection.0));
    query.finish()?;
    let page = IdPage { after: paging.after, limit: paging.read_limit() };
    let found = app.work(move |app| read_page(app, reader.tenant, connection, page)).await?;
    Ok(HttpResponse::Ok().json(paging.page(found, |run| run.id.0, RunView::from)))
}

#[utoipa::path(
    get, path = "/runs/{id}", context_path = BASE, operation_id = "getRun", tag = "Runs", summary = "Show a run",
    params(("id" = Uuid, Path, description = "The run")),
    responses(
        (status = 200, description = "The run", body = RunView),
        Any, Absent,
    ),
)]
pub(crate) async fn show(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    let run = app.work(move |app| read_one(app, reader.tenant, id)).await?;
    Ok(HttpResponse::Ok().json(RunView::from(run)))
}

async fn read_page(
    app: Arc<App>,
    tenant: TenantId,
    connection: ConnectionId,
    page: IdPage,
) -> Result<Vec<Run>, Problem> {
    app.store().history(tenant, connection, page).await?.ok_or_else(Problem::not_found)
}

async fn read_one(app: Arc<App>, tenant: TenantId, id: RunId) -> Result<Run, Problem> {
    app.store().run(tenant, id).await?.ok_or_else(Problem::not_found)
}
