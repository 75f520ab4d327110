//! Numbers over all tenants.

use std::time::Duration;

use sqlx::SqlitePool;
use store::{Census, ConnectionCounts, StoreError};

use crate::error::failed;

#[derive(sqlx::FromRow)]
struct CensusRow {
    queued: i64,
    oldest_wait: Option<f64>,
    active: i64,
    paused: i64,
    quarantined: i64,
}

/// One look. The queue's part is as short as the queue is; the connections' reads all of them.
pub(crate) async fn take(reader: &SqlitePool) -> Result<Census, StoreError> {
    // The first condition is that of the index.
    let row: CensusRow = sqlx::query_as(
        "SELECT queued, oldest_wait, active, paused, quarantined FROM
         (SELECT count(*) AS queued,
                 (julianday('now') - julianday(min(created_at) FILTER (WHERE started_at IS NULL))) * 86400.0 AS oldest_wait
          FROM sync_runs WHERE status IN ('queued', 'running') AND status = 'queued'),
         (SELECT count(*) FILTER (WHERE state = 'active') AS active,
                 count(*) FILTER (WHERE state = 'paused') AS paused,
                 count(*) FILTER (WHERE state = 'quarantined') AS quarantined
          FROM connections)",
    )
    .fetch_one(reader)
    .await
    .map_err(failed)?;
    Ok(Census {
        queued: row.queued.unsigned_abs(),
        // Clocks differ a little: a run can seem to come from the future.
        oldest_wait: row.oldest_wait.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()),
        connections: ConnectionCounts {
            active: row.active.unsigned_abs(),
            paused: row.paused.unsigned_abs(),
            quarantined: row.quarantined.unsigned_abs(),
        },
    })
}
