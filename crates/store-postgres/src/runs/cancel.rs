//! Ending runs from outside. The lease goes with the status, so that whoever works on the run may write no more.

use directory_core::{ConnectionId, RunId, TenantId};
use sqlx::PgConnection;
use store::{Actor, AuditRecord, Ending, Run, RunStatus};
use uuid::Uuid;

use super::row::{RunRow, lock, run_columns};
use crate::{access::Access, audit, error::Fault};

pub(super) async fn cancel(access: &Access, by: &Actor, tenant: TenantId, run: RunId) -> Result<Ending, Fault> {
    let mut tx = access.tenant(tenant).await?;
    // Waits for pages that are at their end, and for the batch that is being written; other pages find their lease lost.
    let Some(found) = lock(&mut tx, tenant, run).await? else { return Ok(Ending::NoRun) };
    match found.status {
        RunStatus::Cancelled => return Ok(Ending::Ended(Box::new(found))),
        RunStatus::Queued | RunStatus::Running => {}
        other => return Ok(Ending::NotPossible(other)),
    }
    // Before the run's end is told: the feed waits for whoever tells something, and this can take long.
    if found.planned_changes.is_none() {
        drop_plans(&mut tx, tenant, &[run.0]).await?;
    }
    let row: RunRow = sqlx::query_as(concat!(
        "UPDATE sync_runs SET status = 'cancelled', finished_at = now(), lease_token = NULL, lease_until = NULL,
             continuation = NULL, continuation_scope = NULL
         WHERE tenant_id = $1 AND id = $2
         RETURNING ",
        run_columns!()
    ))
    .bind(tenant.0)
    .bind(run.0)
    .fetch_one(&mut *tx)
    .await?;
    let cancelled = Run::try_from(row)?;
    audit::note(&mut tx, by, &AuditRecord::run_cancelled(&found, &cancelled)).await?;
    tx.commit().await?;
    Ok(Ending::Ended(Box::new(cancelled)))
}

/// Locks every run of a connection that has not ended, and drops unfinished plans.
pub(crate) async fn stop_all(
    tx: &mut PgConnection,
    tenant: TenantId,
    connection: ConnectionId,
) -> Result<(), sqlx::Error> {
    let unfinished: Vec<(Uuid, bool)> = sqlx::query_as(
        "SELECT id, plan_complete FROM sync_runs
         WHERE tenant_id = $1 AND connection_id = $2 AND status IN ('queued', 'running', 'held')
         ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(tenant.0)
    .bind(connection.0)
    .fetch_all(&mut *tx)
    .await?;
    let unfinished: Vec<Uuid> = unfinished.into_iter().filter(|(_, complete)| !complete).map(|(run, _)| run).collect();
    drop_plans(tx, tenant, &unfinished).await
}

/// Cancels every run of a connection that has not ended, held ones too; they are stopped already. A cancelled run counts
/// what was done, and of a held one nothing was.
pub(crate) async fn cancel_all(
    tx: &mut PgConnection,
    tenant: TenantId,
    connection: ConnectionId,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE sync_runs SET status = 'cancelled', finished_at = now(), lease_token = NULL, lease_until = NULL,
             continuation = NULL, continuation_scope = NULL,
             created = CASE WHEN status = 'held' THEN 0 ELSE created END,
             updated = CASE WHEN status = 'held' THEN 0 ELSE updated END,
             linked = CASE WHEN status = 'held' THEN 0 ELSE linked END,
             deactivated = CASE WHEN status = 'held' THEN 0 ELSE deactivated END,
             reactivated = CASE WHEN status = 'held' THEN 0 ELSE reactivated END
         WHERE tenant_id = $1 AND connection_id = $2 AND status IN ('queued', 'running', 'held')",
    )
    .bind(tenant.0)
    .bind(connection.0)
    .execute(tx)
    .await
    .map(|_| ())
}

/// Drops what was staged of unfinished plans: it is no plan, and nobody is to take it for one.
pub(super) async fn drop_plans(tx: &mut PgConnection, tenant: TenantId, runs: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM sync_changes WHERE tenant_id = $1 AND run_id = ANY ($2)")
        .bind(tenant.0)
        .bind(runs)
        .execute(tx)
        .await
        .map(|_| ())
}
