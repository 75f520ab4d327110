//! `PATCH /connections/{id}`: changing a connection.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use directory_core::ConnectionId;
use store::{Connection, UpdatedConnection};

use super::{BASE, connections, path};
use crate::{
    app::App,
    auth::Admin,
    body,
    model::{ConnectionPatch, ConnectionView, unchanged},
    openapi::{Absent, Any, Body},
    problem::{Kind, Problem},
    query::Query,
};

/// Each time somebody else was faster; nobody is, so often in a row.
const TRIES: u32 = 40;

#[utoipa::path(
    patch, path = "/connections/{id}", context_path = BASE, operation_id = "updateConnection", tag = "Connections", summary = "Change a connection",
    description = "What is left out stays as it is, and null is the default of a registration.",
    params(("id" = Uuid, Path, description = "The connection")),
    request_body = ConnectionPatch,
    responses(
        (status = 200, description = "The connection as it is now", body = ConnectionView),
        Any, Absent, Body,
    ),
)]
pub(crate) async fn update(
    admin: Admin,
    request: HttpRequest,
    payload: Payload,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let id = path::id(&request)?;
    Query::of(&request).finish()?;
    let patch = body::json::<ConnectionPatch>(&request, payload).await?;
    let patch =
        patch.ok_or_else(|| Problem::new(Kind::BadRequest, "The changes are missing: send them as a JSON body."))?;
    let updated = app.work(move |app| async move {
        let connection = apply(&app, &admin, id, &patch).await?;
        connections::with_run(&app, connection).await
    });
    Ok(connections::answer(updated.await?))
}

/// The rest of the connection stays as it is when it is written, not as it was when it was read.
async fn apply(
    app: &Arc<App>,
    admin: &Admin,
    id: ConnectionId,
    patch: &ConnectionPatch,
) -> Result<Connection, Problem> {
    for _ in 0..TRIES {
        let current = app.store().connection(admin.tenant, id).await?.ok_or_else(Problem::not_found)?;
        let update = patch.resolve(&current).map_err(Problem::bad_input)?;
        if update == unchanged(&current) {
            return Ok(current);
        }
        let updated = app.store().update_connection(&admin.by, admin.tenant, id, current.updated_at, &update);
        match updated.await? {
            UpdatedConnection::Done(connection) => return Ok(*connection),
            UpdatedConnection::Moved => {}
            UpdatedConnection::NoConnection => return Err(Problem::not_found()),
        }
    }
    Err(Problem::new(Kind::Unavailable, "Others keep changing the connection. Try again in a few seconds."))
}
