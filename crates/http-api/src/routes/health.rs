//! Probes and metrics, without a token. Whoever asks often asks the store no more than others do.

use actix_web::{HttpResponse, web::Data};
use serde::Serialize;
use sync_engine::KeyHealth;

use crate::{app::App, problem::Problem, standby::Standing};

/// Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    checks: Checks,
}

/// What was looked at. Only keys can be anything but `ok` in an answer of 200.
#[derive(Serialize)]
struct Checks {
    database: &'static str,
    migrations: &'static str,
    keys: &'static str,
}

/// The process is alive; says nothing about the database, so that losing that restarts nobody.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

/// The database answers, its schema is the program's, and the keys seal and open. A key that some connections' credentials
/// need and this process lacks is told and no more: everybody else is served, and taking every process out of the balancer
/// for it would only make that worse.
pub(super) async fn ready(app: Data<App>) -> Result<HttpResponse, Problem> {
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
pub(super) async fn metrics(app: Data<App>) -> Result<HttpResponse, Problem> {
    let render = app.telemetry().metrics.clone().ok_or_else(Problem::not_found)?;
    app.standby().take_census(&app).await;
    Ok(HttpResponse::Ok().content_type(METRICS_TYPE).body(render()))
}
