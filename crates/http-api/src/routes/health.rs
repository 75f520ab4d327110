//! Probes, without a token.

use actix_web::{HttpResponse, web::Data};
use serde::Serialize;

use crate::{app::App, problem::Problem};

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// The process is alive; says nothing about the database, so that losing that restarts nobody.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

/// The database answers and its schema is the program's.
pub(super) async fn ready(app: Data<App>) -> Result<HttpResponse, Problem> {
    app.work(|app| async move { app.store().check().await.map_err(Problem::unavailable) }).await?;
    Ok(HttpResponse::Ok().json(Health { status: "ready" }))
}
