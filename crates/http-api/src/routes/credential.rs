//! `PUT /connections/{id}/credential` and `POST /connections/{id}/test`.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};

use super::{no_content, path};
use crate::{
    app::App,
    auth::Admin,
    body,
    model::{CredentialInput, TestView},
    problem::{Kind, Problem},
    query::Query,
};

/// Gives a connection another credential, which is tried first unless `?verify=false` says otherwise.
pub(super) async fn set(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    let mut query = Query::of(&request);
    let verify = query.take("verify", "must be true or false", |text| text.parse::<bool>().ok()).unwrap_or(true);
    query.finish()?;
    let input = body::json::<CredentialInput>(&request, payload).await?;
    let input =
        input.ok_or_else(|| Problem::new(Kind::BadRequest, "The credential is missing: send it as a JSON body."))?;
    let given = input.into_credential().map_err(Problem::bad_input)?;
    let set = app.work(move |app| async move {
        Ok(app.engine().set_credential(admin.tenant, id, given.credential, given.expires_at, verify).await?)
    });
    no_content(set.await?)
}

/// Tries the connection as it stands, and reports on everything that it needs. Writes nothing.
pub(super) async fn test(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    body::none(&request, payload).await?;
    let checks = app.work(move |app| async move { Ok(app.engine().test_connection(admin.tenant, id).await?) });
    let checks = checks.await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(TestView::from(checks)))
}
