//! `GET /users` and `GET /users/{id}`.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web::Data};
use directory_core::{EmailAddress, TenantId, UserId};
use store::{IdPage, UserFilter, UserRecord};

use super::{BASE, path};
use crate::{
    app::App,
    auth::Reader,
    cursor::List,
    model::{ListView, UserView},
    openapi::{Absent, Any, Page, UsersOf},
    problem::Problem,
    query::{Query, word},
};

#[utoipa::path(
    get, path = "/users", context_path = BASE, operation_id = "listUsers", tag = "Users", summary = "List users",
    description = "In the order in which they were made.",
    params(Page, UsersOf),
    responses(
        (status = 200, description = "A page of users", body = ListView<UserView>),
        Any,
    ),
)]
pub(crate) async fn list(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let mut query = Query::of(&request);
    let paging = query.paging(List::Users);
    let filter = UserFilter {
        connection: query.take("connectionId", "must be a connection's id", |text| text.parse().ok()),
        status: query.take("status", "must be active or inactive", word),
        email: query.take("email", "must be an e-mail address", |text| Some(EmailAddress::parse(text)?.key())),
    };
    query.finish()?;
    let page = IdPage { after: paging.after, limit: paging.read_limit() };
    let found = app.work(move |app| read_page(app, reader.tenant, filter, page)).await?;
    Ok(HttpResponse::Ok().json(paging.page(found, |record| record.user.id.0, UserView::from)))
}

#[utoipa::path(
    get, path = "/users/{id}", context_path = BASE, operation_id = "getUser", tag = "Users", summary = "Show a user",
    params(("id" = Uuid, Path, description = "The user")),
    responses(
        (status = 200, description = "The user", body = UserView),
        Any, Absent,
    ),
)]
pub(crate) async fn show(reader: Reader, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    let user = app.work(move |app| read_one(app, reader.tenant, id)).await?;
    Ok(HttpResponse::Ok().json(UserView::from(user)))
}

async fn read_page(
    app: Arc<App>,
    tenant: TenantId,
    filter: UserFilter,
    page: IdPage,
) -> Result<Vec<UserRecord>, Problem> {
    Ok(app.store().users(tenant, &filter, page).await?)
}

async fn read_one(app: Arc<App>, tenant: TenantId, id: UserId) -> Result<UserRecord, Problem> {
    app.store().user(tenant, id).await?.ok_or_else(Problem::not_found)
}
