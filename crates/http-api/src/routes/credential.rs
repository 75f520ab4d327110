//! `PUT /connections/{id}/credential` and `POST /connections/{id}/test`.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};

use store::UpdatedConnection;

use super::{BASE, no_content, path};
use crate::{
    app::App,
    auth::Admin,
    body::{self, Nothing},
    model::{CredentialInput, GivenCredential, TestView},
    openapi::{Absent, Any, Body, Verifying},
    problem::{Kind, Problem},
    query::Query,
};

/// Gives a connection another credential, which is tried first unless `?verify=false` says otherwise.
#[utoipa::path(
    put, path = "/connections/{id}/credential", context_path = BASE, operation_id = "setCredential", tag = "Connections", summary = "Give a connection another credential",
    description = "It is tried at the directory before it replaces the old one.",
    params(("id" = Uuid, Path, description = "The connection"), Verifying),
    request_body = CredentialInput,
    responses(
        (status = 204, description = "It is set"),
        Any, Absent, Body,
    ),
)]
pub(crate) async fn set(
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
    if let Some(error) = GivenCredential::of_an_operator(&given.credential) {
        return Err(Problem::bad_input(vec![error]));
    }
    let visit = if verify { Some(app.visit(admin.tenant)?) } else { None };
    let set = app.work(move |app| async move {
        let set =
            app.engine().set_credential(&admin.by, admin.tenant, id, given.credential, given.expires_at, verify).await;
        drop(visit);
        Ok(set?)
    });
    match set.await? {
        UpdatedConnection::Done(_) => no_content(true),
        UpdatedConnection::NoConnection => no_content(false),
        UpdatedConnection::Moved => Err(Problem::new(
            Kind::Unavailable,
            "Somebody else changed the connection while the credential was tried, so nothing was set. Try again.",
        )),
    }
}

/// Tries the connection as it stands, and reports on everything that it needs. Writes nothing.
#[utoipa::path(
    post, path = "/connections/{id}/test", context_path = BASE, operation_id = "testConnection", tag = "Connections", summary = "Try a connection",
    description = "Asks the directory for everything that a sync needs, and writes nothing.",
    params(("id" = Uuid, Path, description = "The connection")),
    request_body = Option<Nothing>,
    responses(
        (status = 200, description = "What is there and what is missing", body = TestView),
        Any, Absent, Body,
    ),
)]
pub(crate) async fn test(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    body::none(&request, payload).await?;
    let visit = app.visit(admin.tenant)?;
    let checks = app.work(move |app| async move {
        let checks = app.engine().test_connection(admin.tenant, id).await;
        drop(visit);
        Ok(checks?)
    });
    let checks = checks.await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(TestView::from(checks)))
}
