//! Numbers over all tenants.

use std::time::Duration;

use store::{Census, ConnectionCounts, StoreError};

use crate::{access::Access, error::failed};

#[derive(sqlx::FromRow)]
struct CensusRow {
    queued: i64,
    oldest_wait: Option<f64>,
    active: i64,
    paused: i64,
    quarantined: i64,
}

/// One look. The queue's part is as short as the queue is; the connections' reads all of them.
pub(crate) async fn take(access: &Access) -> Result<Census, StoreError> {
    let mut tx = access.across_tenants().await.map_err(failed)?;
    // The first condition is that of the index.
    let row: CensusRow = sqlx::query_as(
        "SELECT queued, oldest_wait, active, paused, quarantined FROM
         (SELECT count(*) AS queued,
                 extract(epoch FROM now() - min(created_at) FILTER (WHERE started_at IS NULL))::float8 AS oldest_wait
          FROM sync_runs WHERE status IN ('queued', 'running') AND status = 'queued') queue,
         (SELECT count(*) FILTER (WHERE state = 'active') AS active,
                 count(*) FILTER (WHERE state = 'paused') AS paused,
                 count(*) FILTER (WHERE state = 'quarantined') AS quarantined
          FROM connections) states",
    )
    .fetch_one(&mut *tx)
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
