//! `DELETE /connections/{id}`: ending a connection. Its users stay.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::{no_content, path};
use crate::{app::App, auth::Admin, problem::Problem, query::Query};

pub(super) async fn delete(admin: Admin, request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    let deleted = app.work(move |app| async move { Ok(app.store().delete_connection(admin.tenant, id).await?) });
    no_content(deleted.await?)
}
