//! `POST /entra`: registering a connection.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};

use super::{BASE, connection_path, path};
use crate::{
    app::App,
    auth::Admin,
    body,
    model::{ConnectionView, GivenCredential, RegisterEntra},
    openapi::{Any, Body},
    problem::{Kind, Problem},
};

#[utoipa::path(
    post, path = "/entra", context_path = BASE, operation_id = "registerConnection", tag = "Connections", summary = "Register an Entra directory",
    description = "Nothing is asked of the directory yet; `test` does that. A directory that was registered and deleted before gets its id back, and governs its users again.",
    request_body = RegisterEntra,
    responses(
        (status = 201, description = "The connection", body = ConnectionView,
            headers(("location" = String, description = "The path of the connection"))),
        Any, Body,
    ),
)]
pub(crate) async fn register(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let body = body::json::<RegisterEntra>(&request, payload).await?;
    let body =
        body.ok_or_else(|| Problem::new(Kind::BadRequest, "The registration is missing: send it as a JSON body."))?;
    let registration = body.into_registration(admin.tenant).map_err(Problem::bad_input)?;
    if let Some(error) = GivenCredential::of_an_operator(&registration.credential) {
        return Err(Problem::bad_input(vec![error]));
    }
    let connection =
        app.work(move |app| async move { Ok(app.engine().register(&admin.by, registration).await?) }).await?;
    path::note(&connection.id);
    let location = (header::LOCATION, connection_path(connection.id));
    Ok(HttpResponse::Created().insert_header(location).json(ConnectionView::new(connection, None)))
}
