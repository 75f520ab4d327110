//! `POST` and `DELETE /users/{id}/link`: saying by hand which directory user a user is.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use directory_core::UserId;
use store::{Linking, UserRecord};

use super::{BASE, path};
use crate::{
    app::App,
    auth::Admin,
    body,
    model::{LinkInput, LinkTarget, UserView, no_connection},
    openapi::{Absent, Any, Body, NotLinked},
    problem::{Kind, Problem},
    query::Query,
};

const USER_IS_LINKED: &str = "The user is linked to another directory user; unlink it first.";
const UNKNOWN_DIRECTORY_USER: &str = "Only a directory user that a run of this connection met as a conflict can be \
     linked, so that a typing mistake links nobody to a person who does not exist. Check the id, or start a dry run \
     first and look at its conflicts.";

#[utoipa::path(
    post, path = "/users/{id}/link", context_path = BASE, operation_id = "linkUser", tag = "Users", summary = "Say which directory user a user is",
    description = "Only one that the connection's newest plan has in conflict, so that a typing mistake links nobody.",
    params(("id" = Uuid, Path, description = "The user")),
    request_body = LinkInput,
    responses(
        (status = 200, description = "The user", body = UserView),
        Any, Absent, Body, NotLinked,
    ),
)]
pub(crate) async fn link(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let user = path::id(&request)?;
    Query::of(&request).finish()?;
    let input = body::json::<LinkInput>(&request, payload).await?.unwrap_or_default();
    let target = input.into_target().map_err(Problem::bad_input)?;
    let user = app.work(move |app| write(app, admin, user, target)).await?;
    Ok(HttpResponse::Ok().json(UserView::from(user)))
}

#[utoipa::path(
    delete, path = "/users/{id}/link", context_path = BASE, operation_id = "unlinkUser", tag = "Users", summary = "Part a user from its directory user",
    description = "The user becomes a local one.",
    params(("id" = Uuid, Path, description = "The user")),
    responses(
        (status = 200, description = "The user", body = UserView),
        Any, Absent,
    ),
)]
pub(crate) async fn unlink(admin: Admin, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let user = path::id(&request)?;
    Query::of(&request).finish()?;
    let user =
        app.work(move |app| async move { Ok(app.store().unlink_user(&admin.by, admin.tenant, user).await?) }).await?;
    let user = user.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(UserView::from(user)))
}

async fn write(app: Arc<App>, admin: Admin, user: UserId, target: LinkTarget) -> Result<UserRecord, Problem> {
    let linking = app.store().link_user(&admin.by, admin.tenant, user, target.connection, &target.external_id);
    match linking.await? {
        Linking::Linked(user) => Ok(*user),
        Linking::UserIsLinked => Err(Problem::new(Kind::UserLinked, USER_IS_LINKED)),
        Linking::LinkedTo(user) => Err(Problem::directory_user_linked(user)),
        Linking::UnknownDirectoryUser => Err(Problem::new(Kind::UnknownDirectoryUser, UNKNOWN_DIRECTORY_USER)),
        Linking::NoConnection => Err(Problem::bad_input(vec![no_connection()])),
        Linking::NoUser => Err(Problem::not_found()),
    }
}
