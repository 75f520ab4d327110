//! `GET /connections` and `GET /connections/{id}`.

use std::{collections::HashMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, web::Data};
use directory_core::{ConnectionId, TenantId};
use store::{Connection, IdPage, Run};

use super::{BASE, path};
use crate::{
    app::App,
    auth::Reader,
    cursor::List,
    model::{ConnectionView, ListView},
    openapi::{Absent, Any, Page},
    problem::Problem,
    query::Query,
};

#[utoipa::path(
    get, path = "/connections", context_path = BASE, operation_id = "listConnections", tag = "Connections", summary = "List the connections",
    description = "In the order in which they were registered.",
    params(Page),
    responses(
        (status = 200, description = "A page of connections", body = ListView<ConnectionView>),
        Any,
    ),
)]
pub(crate) async fn list(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let paging = query.paging(List::Connections);
    query.finish()?;
    let page = IdPage { after: paging.after, limit: paging.read_limit() };
    let found = app.work(move |app| read_page(app, reader.tenant, page)).await?;
    let view = |(connection, run)| ConnectionView::new(connection, run);
    Ok(HttpResponse::Ok().json(paging.page(found, |(connection, _)| connection.id.0, view)))
}

#[utoipa::path(
    get, path = "/connections/{id}", context_path = BASE, operation_id = "getConnection", tag = "Connections", summary = "Show a connection",
    description = "With its newest run.",
    params(("id" = Uuid, Path, description = "The connection")),
    responses(
        (status = 200, description = "The connection", body = ConnectionView),
        Any, Absent,
    ),
)]
pub(crate) async fn show(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    Ok(answer(app.work(move |app| read_one(app, reader.tenant, id)).await?))
}

pub(super) fn answer((connection, run): WithRun) -> HttpResponse {
    HttpResponse::Ok().json(ConnectionView::new(connection, run))
}

/// A connection and its newest run.
pub(super) type WithRun = (Connection, Option<Run>);

async fn read_page(app: Arc<App>, tenant: TenantId, page: IdPage) -> Result<Vec<WithRun>, Problem> {
    let connections = app.store().connections(tenant, page).await?;
    let ids: Vec<_> = connections.iter().map(|connection| connection.id).collect();
    let runs = app.store().last_runs(tenant, &ids).await?;
    let mut runs: HashMap<_, _> = runs.into_iter().map(|run| (run.connection, run)).collect();
    Ok(connections
        .into_iter()
        .map(|connection| {
            let run = runs.remove(&connection.id);
            (connection, run)
        })
        .collect())
}

async fn read_one(app: Arc<App>, tenant: TenantId, id: ConnectionId) -> Result<WithRun, Problem> {
    let connection = app.store().connection(tenant, id).await?.ok_or_else(Problem::not_found)?;
    with_run(&app, connection).await
}

pub(super) async fn with_run(app: &App, connection: Connection) -> Result<WithRun, Problem> {
    let run = app.store().last_runs(connection.tenant, &[connection.id]).await?.pop();
    Ok((connection, run))
}
