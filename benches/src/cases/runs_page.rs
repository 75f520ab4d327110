//! A page of a connection's history, asked for by many at a time.

use anyhow::{Context, Result};

use super::told;
use crate::{
    Work,
    directory::{Directories, SimulatedDirectories},
    postgres::Database,
    product::Product,
    report::{Row, Unit},
    runs_page::{load, start_bare},
};

pub(super) async fn measure(work: &Work, case: &str) -> Result<Vec<Row>> {
    let directories = SimulatedDirectories::start(Directories { count: 1, users: 10, latency_ms: 0 })?;
    let database = work.cluster.database("measured").await?;
    let product = Product::new(&database.url, &directories)?;
    let connection = product.connect(&directories)?;
    let token = product.token()?;
    product.sync(&connection, 10)?;
    let tenant = multiply_run(&database).await?;
    database.tidy().await?;

    let api = product.serve(0)?;
    let (_bare, bare_address) = start_bare(&database.url)?;
    let target = format!("/api/directory/connections/{connection}/runs");
    let bare_target = format!("/{tenant}/{connection}");
    let (mut real, mut bare) = (Vec::new(), Vec::new());
    for round in 0..work.rounds(5) {
        real.push(load(&api.address, &target, &format!("Bearer {token}"))?);
        bare.push(load(&bare_address, &bare_target, "none")?);
        let (real, bare) = (real.last().context("no number")?, bare.last().context("no number")?);
        told(round, &format!("{real:.0} requests/s, bare {bare:.0} requests/s"));
    }
    let peak: Vec<u64> = api.process.peak_bytes().into_iter().collect();
    drop(api);
    work.cluster.drop(database).await?;
    let what = "`GET /connections/{id}/runs`, 50 runs a page, 16 clients, on PostgreSQL".to_owned();
    let row = Row::new(case, what, Unit::Requests, real).against(vec![("a bare handler", bare)]).peak(&peak);
    Ok(vec![row.ratio_at_least(0.7)])
}

/// Five hundred runs like the one that there is; the tenant.
async fn multiply_run(database: &Database) -> Result<String> {
    let mut session = database.session().await?;
    sqlx::query(
        "INSERT INTO sync_runs SELECT (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid()))).*
         FROM sync_runs r, generate_series(1, 500)",
    )
    .execute(&mut session)
    .await?;
    Ok(sqlx::query_scalar("SELECT id::text FROM tenants").fetch_one(&mut session).await?)
}
