//! Ending runs by hand. Whoever works on one loses the lease in the same statement.

use directory_core::{ConnectionId, RunId, TenantId};
use sqlx::SqliteConnection;
use store::{Actor, AuditRecord, Ending, Run, RunStatus, StoreError};

use super::{
    history,
    row::{RunRow, run_columns},
    stage::drop_changes,
};
use crate::{SqliteStore, audit, decode::stored_id, error::failed, schedules, sql::now};

pub(super) async fn reject(
    store: &SqliteStore,
    by: &Actor,
    tenant: TenantId,
    run: RunId,
) -> Result<Ending, StoreError> {
    let way =
        Way { to: RunStatus::Rejected, from: |status| status == RunStatus::Held, told: AuditRecord::run_rejected };
    end(store, by, tenant, run, way).await
}

pub(super) async fn cancel(
    store: &SqliteStore,
    by: &Actor,
    tenant: TenantId,
    run: RunId,
) -> Result<Ending, StoreError> {
    let way = Way { to: RunStatus::Cancelled, from: RunStatus::is_active, told: AuditRecord::run_cancelled };
    end(store, by, tenant, run, way).await
}

/// A way to end a run.
#[derive(Clone, Copy)]
struct Way {
    to: RunStatus,
    /// Whether a run that stands so can be ended so.
    from: fn(RunStatus) -> bool,
    /// What the audit log says of it.
    told: fn(&Run, &Run) -> AuditRecord,
}

async fn end(store: &SqliteStore, by: &Actor, tenant: TenantId, id: RunId, way: Way) -> Result<Ending, StoreError> {
    let mut tx = store.write().await?;
    let Some(run) = history::run(&mut *tx, tenant, id).await? else { return Ok(Ending::NoRun) };
    if run.status == way.to {
        return Ok(Ending::Ended(Box::new(run)));
    }
    if !(way.from)(run.status) {
        return Ok(Ending::NotPossible(run.status));
    }
    let row: RunRow = sqlx::query_as(concat!(
        "UPDATE sync_runs SET status = ?3, lease_token = NULL, lease_until = NULL,
             continuation = NULL, continuation_scope = NULL, finished_at = ",
        now!(),
        " WHERE tenant_id = ?1 AND id = ?2 RETURNING ",
        run_columns!()
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(id.0))
    .bind(way.to.as_str())
    .fetch_one(&mut *tx)
    .await
    .map_err(failed)?;
    if !row.plan_complete {
        drop_changes(&mut tx, tenant, id).await?;
    }
    if run.status == RunStatus::Held {
        schedules::wait_for_review(&mut tx, tenant, run.connection, None, store.clock.now()).await?;
    }
    let ended = Run::try_from(row)?;
    audit::note(&mut tx, by, &(way.told)(&run, &ended)).await?;
    tx.commit().await.map_err(failed)?;
    Ok(Ending::Ended(Box::new(ended)))
}

/// Cancels whatever a connection has still to do, held plans too. A cancelled run counts what was done, and of a held one
/// nothing was.
pub(crate) async fn cancel_all(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    of: ConnectionId,
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM sync_changes WHERE tenant_id = ?1 AND run_id IN (
             SELECT id FROM sync_runs
             WHERE tenant_id = ?1 AND connection_id = ?2 AND status IN ('queued', 'running') AND NOT plan_complete)",
    )
    .bind(stored_id(tenant.0))
    .bind(stored_id(of.0))
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query(concat!(
        "UPDATE sync_runs SET status = 'cancelled', lease_token = NULL, lease_until = NULL,
             continuation = NULL, continuation_scope = NULL,
             created = iif(status = 'held', 0, created), updated = iif(status = 'held', 0, updated),
             linked = iif(status = 'held', 0, linked), deactivated = iif(status = 'held', 0, deactivated),
             reactivated = iif(status = 'held', 0, reactivated), finished_at = ",
        now!(),
        " WHERE tenant_id = ?1 AND connection_id = ?2 AND status IN ('queued', 'running', 'held')"
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(of.0))
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}
