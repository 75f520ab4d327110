//! A page of runs, by the least that can serve it; and asking for a page as often as possible.

use std::{
    env,
    io::{self, Write},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use actix_web::{App, HttpResponse, HttpServer, error::ErrorInternalServerError, rt::System, web};
use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::{PgPool, postgres::PgPoolOptions, types::Json};
use uuid::Uuid;

use crate::{URL_VARIABLE, http::Http, process::Server};

/// What the store's pool has.
const MAX_CONNECTIONS: u32 = 16;
/// Who asks at a time.
const CLIENTS: usize = 16;
/// Not counted.
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURED: Duration = Duration::from_secs(5);

#[derive(Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
struct Shown {
    id: Uuid,
    connection_id: Uuid,
    status: String,
    phase: Option<String>,
    mode: String,
    mode_reason: Option<String>,
    trigger: String,
    dry_run: bool,
    seen: i64,
    created: i64,
    updated: i64,
    linked: i64,
    deactivated: i64,
    reactivated: i64,
    unchanged: i64,
    excluded: i64,
    protected: i64,
    conflicts: i64,
    planned_changes: Option<i64>,
    applied_changes: i64,
    plan_digest: Option<String>,
    hold: Json<Box<RawValue>>,
    error: Option<Json<Box<RawValue>>>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    changes_deleted_at: Option<DateTime<Utc>>,
}

/// The columns that the API shows, by the index that its own query uses.
const PAGE: &str = "SELECT id, connection_id, status, phase, mode, mode_reason, trigger, dry_run, seen, created, updated, linked,
         deactivated, reactivated, unchanged, excluded, protected, conflicts, planned_changes, applied_changes, plan_digest,
         hold, error, created_at, started_at, finished_at, changes_deleted_at
     FROM sync_runs WHERE tenant_id = $1 AND connection_id = $2 ORDER BY id DESC LIMIT 50";

/// Serves `GET /TENANT/CONNECTION` until killed.
pub fn serve_bare(url: &str) -> Result<()> {
    System::new().block_on(async {
        let pool = PgPoolOptions::new().max_connections(MAX_CONNECTIONS).connect(url).await?;
        let pool = web::Data::new(pool);
        let server = HttpServer::new(move || {
            App::new().app_data(pool.clone()).route("/{tenant}/{connection}", web::get().to(page))
        });
        let server = server.bind(("127.0.0.1", 0))?;
        let mut out = io::stdout().lock();
        writeln!(out, "{}", server.addrs()[0])?;
        out.flush()?;
        drop(out);
        Ok(server.run().await?)
    })
}

async fn page(of: web::Path<(Uuid, Uuid)>, pool: web::Data<PgPool>) -> actix_web::Result<HttpResponse> {
    let (tenant, connection) = of.into_inner();
    let runs = sqlx::query_as::<_, Shown>(PAGE).bind(tenant).bind(connection).fetch_all(pool.get_ref()).await;
    Ok(HttpResponse::Ok().json(runs.map_err(ErrorInternalServerError)?))
}

/// A process that serves the bare page: its address.
pub(crate) fn start_bare(url: &str) -> Result<(Server, String)> {
    let mut command = Command::new(env::current_exe()?);
    command.arg("bare").env(URL_VARIABLE, url).stderr(Stdio::inherit());
    let (server, address) = Server::start(command)?;
    anyhow::ensure!(!address.is_empty(), "the bare handler did not start");
    Ok((server, address))
}

/// How often a second a page is answered when several ask for it again and again, each over one connection.
pub(crate) fn load(address: &str, target: &str, authorization: &str) -> Result<f64> {
    let (counting, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut http = Http::connect(address)?;
            let (target, authorization) = (target.to_owned(), authorization.to_owned());
            let (counting, over) = (Arc::clone(&counting), Arc::clone(&over));
            Ok(thread::spawn(move || {
                let mut answered = 0_u32;
                while !over.load(Ordering::Relaxed) {
                    http.get(&target, &authorization)?;
                    answered += u32::from(counting.load(Ordering::Relaxed));
                }
                Ok(answered)
            }))
        })
        .collect::<Result<_>>()?;
    thread::sleep(WARM_UP);
    counting.store(true, Ordering::Relaxed);
    let began = Instant::now();
    thread::sleep(MEASURED);
    counting.store(false, Ordering::Relaxed);
    let took = began.elapsed();
    over.store(true, Ordering::Relaxed);
    let mut answered = 0;
    for client in clients {
        let counted: Result<u32> = client.join().ok().context("a client panicked")?;
        answered += counted?;
    }
    Ok(f64::from(answered) / took.as_secs_f64())
}
