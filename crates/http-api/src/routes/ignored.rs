//! `GET /connections/{id}/ignored`, and `PUT` and `DELETE` of one directory user below it.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use directory_core::{ConnectionId, TenantId};
use store::{ExternalPage, IgnoredUser};

use super::{no_content, path};
use crate::{
    app::App,
    auth::{Admin, Reader},
    body,
    cursor::List,
    model::IgnoredUserView,
    problem::Problem,
    query::Query,
};

pub(super) async fn list(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let connection: ConnectionId = path::id(&request)?;
    let mut query = Query::of(&request);
    let paging = query.paging(List::Ignored(connection.0));
    query.finish()?;
    let page = ExternalPage { after: paging.after.clone(), limit: paging.read_limit() };
    let found = app.work(move |app| read_page(app, reader.tenant, connection, page)).await?;
    Ok(HttpResponse::Ok().json(paging.page(found, |user| user.external_id.clone(), IgnoredUserView::from)))
}

pub(super) async fn ignore(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let (connection, user) = (path::id(&request)?, path::external_id(&request).await?);
    Query::of(&request).finish()?;
    body::none(&request, payload).await?;
    let ignored =
        move |app: Arc<App>| async move { Ok(app.store().ignore_user(admin.tenant, connection, &user).await?) };
    no_content(app.work(ignored).await?)
}

pub(super) async fn heed(admin: Admin, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let (connection, user) = (path::id(&request)?, path::external_id(&request).await?);
    Query::of(&request).finish()?;
    let heeded = move |app: Arc<App>| async move { Ok(app.store().heed_user(admin.tenant, connection, &user).await?) };
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
