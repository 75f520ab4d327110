//! Deleting history that has been kept for long enough.

use std::time::Duration;

use directory_core::TenantId;
use uuid::Uuid;

use crate::{
    access::{Access, confine},
    error::Fault,
};

/// Runs that are passed over at a time.
const EMPTY_RUNS: i64 = 1_000;

pub(super) async fn delete_old_changes(access: &Access, age: Duration, limit: u32) -> Result<bool, Fault> {
    let passed_over = pass_over_empty_runs(access, age).await?;
    let mut tx = access.across_tenants().await?;
    // Another process may be at the oldest run already. What events are told from stays for as long as they do.
    let run: Option<(Uuid, Uuid)> = sqlx::query_as(
        "SELECT tenant_id, id FROM sync_runs r
         WHERE finished_at < now() - make_interval(secs => $1) AND changes_deleted_at IS NULL
             AND NOT EXISTS (SELECT 1 FROM events e
                 WHERE e.tenant_id = r.tenant_id AND e.run_id = r.id AND e.kind = 'users')
         ORDER BY finished_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED",
    )
    .bind(age.as_secs_f64())
    .fetch_optional(&mut *tx)
    .await?;
    let Some((tenant, run)) = run else { return Ok(passed_over > 0) };
    confine(&mut tx, TenantId(tenant)).await?;
    let deleted = sqlx::query(
        "DELETE FROM sync_changes WHERE tenant_id = $1 AND run_id = $2 AND seq IN (
             SELECT seq FROM sync_changes WHERE tenant_id = $1 AND run_id = $2 ORDER BY seq LIMIT $3
         )",
    )
    .bind(tenant)
    .bind(run)
    .bind(i64::from(limit))
    .execute(&mut *tx)
    .await?;
    if deleted.rows_affected() < u64::from(limit) {
        sqlx::query("UPDATE sync_runs SET changes_deleted_at = now() WHERE tenant_id = $1 AND id = $2")
            .bind(tenant)
            .bind(run)
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Most runs change nothing and have nothing to delete.
async fn pass_over_empty_runs(access: &Access, age: Duration) -> Result<u64, sqlx::Error> {
    let mut tx = access.across_tenants().await?;
    let done = sqlx::query(
        "UPDATE sync_runs SET changes_deleted_at = now() WHERE (tenant_id, id) IN (
             SELECT tenant_id, id FROM sync_runs r
             WHERE finished_at < now() - make_interval(secs => $1) AND changes_deleted_at IS NULL
                 AND NOT EXISTS (SELECT 1 FROM sync_changes c WHERE c.tenant_id = r.tenant_id AND c.run_id = r.id)
             ORDER BY finished_at LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
         )",
    )
    .bind(age.as_secs_f64())
    .bind(EMPTY_RUNS)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected())
}
