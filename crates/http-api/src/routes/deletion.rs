//! `DELETE /connections/{id}`: ending a connection. Its users stay.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::{BASE, no_content, path};
use crate::{
    app::App,
    auth::Admin,
    openapi::{Absent, Any},
    problem::Problem,
    query::Query,
};

#[utoipa::path(
    delete, path = "/connections/{id}", context_path = BASE, operation_id = "deleteConnection", tag = "Connections", summary = "Delete a connection",
    description = "Its credential goes with it; its users stay as they are.",
    params(("id" = Uuid, Path, description = "The connection")),
    responses(
        (status = 204, description = "It is gone"),
        Any, Absent,
    ),
)]
pub(crate) async fn delete(admin: Admin, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    let deleted =
        app.work(move |app| async move { Ok(app.store().delete_connection(&admin.by, admin.tenant, id).await?) });
    no_content(deleted.await?)
}
