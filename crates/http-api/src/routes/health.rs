//! Probes and metrics, without a token. Whoever asks often asks the store no more than others do.

use actix_web::{HttpResponse, web::Data};
use serde::Serialize;
use sync_engine::KeyHealth;
use utoipa::ToSchema;

use crate::{
    app::App,
    openapi::{Absent, KeysWord, NotReady, OkWord},
    problem::Problem,
    standby::Standing,
};

/// Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// That it is well.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
}

/// That the server can serve.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// `ready`.
    status: &'static str,
    checks: Checks,
}

/// What was looked at. Only keys can be anything but `ok` in an answer of 200.
#[derive(Serialize, ToSchema)]
#[schema(as = ReadinessChecks)]
struct Checks {
    #[schema(value_type = OkWord)]
    database: &'static str,
    #[schema(value_type = OkWord)]
    migrations: &'static str,
    #[schema(value_type = KeysWord)]
    keys: &'static str,
}

/// The process is alive; says nothing about the database, so that losing that restarts nobody.
#[utoipa::path(
    get, path = "/healthz", operation_id = "isAlive", tag = "Service", summary = "Whether the process is alive", security(()),
    description = "Says nothing about the database.",
    responses(
        (status = 200, description = "It is", body = Health),
    ),
)]
pub(crate) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

/// The database answers, its schema is the program's, and the keys seal and open. A key that some connections' credentials
/// need and this process lacks is told and no more: everybody else is served, and taking every process out of the balancer
/// for it would only make that worse.
#[utoipa::path(
    get, path = "/readyz", operation_id = "isReady", tag = "Service", summary = "Whether the server can serve", security(()),
    description = "The database answers, its schema is the program's, and the keys seal and open.",
    responses(
        (status = 200, description = "It can", body = Readiness),
        NotReady,
    ),
)]
pub(crate) async fn ready(app: Data<App>) -> Result<HttpResponse, Problem> {
    match app.standby().standing(&app).await {
        Standing::Ready => {}
        Standing::Down(down) => return Err(Problem::not_ready(down.detail(), down.cause())),
    }
    let keys = match app.engine().key_health() {
        KeyHealth::Complete => "ok",
        KeyHealth::Missing => "missing",
        KeyHealth::Unknown => "unknown",
    };
    let checks = Checks { database: "ok", migrations: "ok", keys };
    Ok(HttpResponse::Ok().json(Readiness { status: "ready", checks }))
}

/// Everything that is measured, where the program has a recorder.
#[utoipa::path(
    get, path = "/metrics", operation_id = "getMetrics", tag = "Service", summary = "Everything that is measured",
    security(()), description = "In Prometheus' text format, where the program has a recorder.",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain"), Absent),
)]
pub(crate) async fn metrics(app: Data<App>) -> Result<HttpResponse, Problem> {
    let render = app.telemetry().metrics.clone().ok_or_else(Problem::not_found)?;
    app.standby().take_census(&app).await;
    Ok(HttpResponse::Ok().content_type(METRICS_TYPE).body(render()))
}
