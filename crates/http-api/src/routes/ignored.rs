//! `GET /connections/{id}/ignored`, and `PUT` and `DELETE` of one directory user below it.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use directory_core::{ConnectionId, TenantId};
use store::{ExternalPage, IgnoredUser};

use super::{BASE, no_content, path};
use crate::{
    app::App,
    auth::{Admin, Reader},
    body::{self, Nothing},
    cursor::List,
    model::{IgnoredUserView, ListView},
    openapi::{Absent, Any, Body, ExternalIdText, Page},
    problem::Problem,
    query::Query,
};

#[utoipa::path(
    get, path = "/connections/{id}/ignored", context_path = BASE, operation_id = "listIgnoredUsers", tag = "Connections", summary = "List the directory users that a connection leaves alone",
    description = "In the order of their ids.",
    params(("id" = Uuid, Path, description = "The connection"), Page),
    responses(
        (status = 200, description = "A page of directory users", body = ListView<IgnoredUserView>),
        Any, Absent,
    ),
)]
pub(crate) async fn list(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let connection: ConnectionId = path::id(&request)?;
    let mut query = Query::of(&request);
    let paging = query.paging(List::Ignored(connection.0));
    query.finish()?;
    let page = ExternalPage { after: paging.after.clone(), limit: paging.read_limit() };
    let found = app.work(move |app| read_page(app, reader.tenant, connection, page)).await?;
    Ok(HttpResponse::Ok().json(paging.page(found, |user| user.external_id.clone(), IgnoredUserView::from)))
}

#[utoipa::path(
    put, path = "/connections/{id}/ignored/{externalId}", context_path = BASE, operation_id = "ignoreUser", tag = "Connections", summary = "Leave a directory user alone",
    description = "From the next plan on.",
    params(("id" = Uuid, Path, description = "The connection"), ("externalId" = ExternalIdText, Path, description = "The directory user, percent-encoded")),
    request_body = Option<Nothing>,
    responses(
        (status = 204, description = "It is ignored"),
        Any, Absent, Body,
    ),
)]
pub(crate) async fn ignore(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let (connection, user) = (path::id(&request)?, path::external_id(&request).await?);
    Query::of(&request).finish()?;
    body::none(&request, payload).await?;
    let ignored = move |app: Arc<App>| async move {
        Ok(app.store().ignore_user(&admin.by, admin.tenant, connection, &user).await?)
    };
    no_content(app.work(ignored).await?)
}

#[utoipa::path(
    delete, path = "/connections/{id}/ignored/{externalId}", context_path = BASE, operation_id = "heedUser", tag = "Connections", summary = "Heed a directory user again",
    description = "From the next plan on.",
    params(("id" = Uuid, Path, description = "The connection"), ("externalId" = ExternalIdText, Path, description = "The directory user, percent-encoded")),
    responses(
        (status = 204, description = "It is heeded"),
        Any, Absent,
    ),
)]
pub(crate) async fn heed(admin: Admin, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let (connection, user) = (path::id(&request)?, path::external_id(&request).await?);
    Query::of(&request).finish()?;
    let heeded = move |app: Arc<App>| async move {
        Ok(app.store().heed_user(&admin.by, admin.tenant, connection, &user).await?)
    };
    no_content(app.work(heeded).await?)
}

async fn read_page(
    app: Arc<App>,
    tenant: TenantId,
    connection: ConnectionId,
    page: ExternalPage,
) -> Result<Vec<IgnoredUser>, Problem> {
    app.store().connection(tenant, connection).await?.ok_or_else(Problem::not_found)?;
    Ok(app.store().ignored_users(tenant, connection, page).await?)
}
