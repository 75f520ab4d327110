//! Many small directories that take their time, by one worker and by several.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::told;
use crate::{
    Work,
    directory::{Directories, SimulatedDirectories},
    http::Http,
    postgres::Database,
    product::{self, Product},
    report::{Row, Unit},
    work::USERS_OF_MANY,
};

const LATENCY_MS: u64 = 50;
const WORKERS: u32 = 4;
/// How often is looked whether all runs have ended.
const LOOK: Duration = Duration::from_millis(200);

pub(super) async fn measure(work: &Work, case: &str) -> Result<Vec<Row>> {
    let count = work.scale.connections;
    let directories = SimulatedDirectories::start(Directories { count, users: USERS_OF_MANY, latency_ms: LATENCY_MS })?;
    let prepared = work.cluster.database("prepared").await?;
    let mut product = Product::new(&prepared.url, &directories)?;
    queue(&product, &directories)?;
    let (mut several, mut one, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..work.rounds(3) {
        for (workers, rates) in [(WORKERS, &mut several), (1, &mut one)] {
            let database = work.cluster.copy(&prepared, "measured").await?;
            product.use_database(&database.url);
            work.cluster.settle().await?;
            let api = product.serve(workers)?;
            let seconds = wait(&database, count).await?;
            let rate = f64::from(count * USERS_OF_MANY) / seconds;
            told(round, &format!("{workers} workers: {seconds:.2} s, {rate:.0} users/s"));
            rates.push(rate);
            if workers > 1 {
                peaks.extend(api.process.peak_bytes());
            }
            drop(api);
            work.cluster.drop(database).await?;
        }
    }
    work.cluster.drop(prepared).await?;
    let what = format!(
        "first import of {count} connections with {USERS_OF_MANY} users each, {LATENCY_MS} ms a request, {WORKERS} workers"
    );
    let row = Row::new(case, what, Unit::Users, several).against(vec![("1 worker", one)]).peak(&peaks);
    Ok(vec![row.ratio_at_least(3.0)])
}

/// A tenant with a connection to each directory, and a queued run of each.
fn queue(product: &Product, directories: &SimulatedDirectories) -> Result<()> {
    let api = product.serve(0)?;
    product.administer(&["tenant", "create", "acme"], "")?;
    let token = product.token()?;
    let mut http = Http::connect(&api.address)?;
    directories.ids().iter().try_for_each(|directory| product::queue(&mut http, &token, *directory))
}

/// How many seconds passed between the first run's begin and the last one's end.
async fn wait(database: &Database, runs: u32) -> Result<f64> {
    let mut session = database.session().await?;
    loop {
        tokio::time::sleep(LOOK).await;
        let (ended, succeeded, seconds): (i64, i64, Option<f64>) = sqlx::query_as(
            "SELECT count(finished_at), count(*) FILTER (WHERE status = 'succeeded'),
                 extract(epoch FROM max(finished_at) - min(started_at))::float8
             FROM sync_runs",
        )
        .fetch_one(&mut session)
        .await?;
        if let (true, Some(seconds)) = (ended == i64::from(runs), seconds) {
            ensure!(succeeded == ended, "{} runs did not succeed", ended - succeeded);
            return Ok(seconds);
        }
    }
}
