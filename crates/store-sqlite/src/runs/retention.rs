//! Deleting changes that have been kept for long enough, a few at a time.

use std::time::Duration;

use sqlx::SqliteConnection;
use store::StoreError;

use crate::{SqliteStore, decode::ago, error::failed, sql::now};

/// Runs that are passed over at a time.
const EMPTY_RUNS: u32 = 1_000;

/// A run whose changes are old.
#[derive(sqlx::FromRow)]
struct Old {
    tenant_id: String,
    id: String,
}

pub(super) async fn delete_old_changes(store: &SqliteStore, age: Duration, limit: u32) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let passed_over = pass_over_empty_runs(&mut tx, age).await?;
    let Some(run) = oldest(&mut tx, age).await? else {
        tx.commit().await.map_err(failed)?;
        return Ok(passed_over > 0);
    };
    let deleted = delete(&mut tx, &run, limit).await?;
    if deleted < u64::from(limit) {
        mark(&mut tx, &run).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(true)
}

/// Most runs change nothing and have nothing to delete.
async fn pass_over_empty_runs(connection: &mut SqliteConnection, age: Duration) -> Result<u64, StoreError> {
    let done = sqlx::query(concat!(
        "UPDATE sync_runs SET changes_deleted_at = ",
        now!(),
        " WHERE (tenant_id, id) IN (
             SELECT tenant_id, id FROM sync_runs AS r
             WHERE finished_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?1) AND changes_deleted_at IS NULL
                 AND NOT EXISTS (SELECT 1 FROM sync_changes AS c WHERE c.tenant_id = r.tenant_id AND c.run_id = r.id)
             ORDER BY finished_at LIMIT ?2)"
    ))
    .bind(ago(age))
    .bind(EMPTY_RUNS)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(done.rows_affected())
}

/// What events are told from stays for as long as they do.
async fn oldest(connection: &mut SqliteConnection, age: Duration) -> Result<Option<Old>, StoreError> {
    sqlx::query_as(
        "SELECT tenant_id, id FROM sync_runs AS r
         WHERE finished_at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?1) AND changes_deleted_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM events AS e
                 WHERE e.tenant_id = r.tenant_id AND e.run_id = r.id AND e.kind = 'users')
         ORDER BY finished_at LIMIT 1",
    )
    .bind(ago(age))
    .fetch_optional(connection)
    .await
    .map_err(failed)
}

async fn delete(connection: &mut SqliteConnection, run: &Old, limit: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM sync_changes WHERE tenant_id = ?1 AND run_id = ?2 AND seq IN (
             SELECT seq FROM sync_changes WHERE tenant_id = ?1 AND run_id = ?2 ORDER BY seq LIMIT ?3)",
    )
    .bind(&run.tenant_id)
    .bind(&run.id)
    .bind(limit)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(deleted.rows_affected())
}

/// Notes that nothing of the run is left to delete.
async fn mark(connection: &mut SqliteConnection, run: &Old) -> Result<(), StoreError> {
    sqlx::query(concat!("UPDATE sync_runs SET changes_deleted_at = ", now!(), " WHERE tenant_id = ?1 AND id = ?2"))
        .bind(&run.tenant_id)
        .bind(&run.id)
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}
