//! From where a connection's changes are told.

use directory_core::{ConnectionId, TenantId};
use sqlx::{SqliteConnection, SqlitePool};
use store::{Continued, Lease, SealedContinuation, StoreError};

use crate::{
    decode::{Place, stored_id},
    error::failed,
    sql::now,
};

pub(super) async fn find(
    reader: &SqlitePool,
    tenant: TenantId,
    connection: ConnectionId,
) -> Result<Option<Continued>, StoreError> {
    let row: Option<(Vec<u8>, String, String, String)> = sqlx::query_as(
        "SELECT sealed, scope, run_id, reconciled_at FROM continuations
         WHERE tenant_id = ?1 AND connection_id = ?2 AND sealed IS NOT NULL",
    )
    .bind(stored_id(tenant.0))
    .bind(stored_id(connection.0))
    .fetch_optional(reader)
    .await
    .map_err(failed)?;
    let Some((sealed, scope, run, reconciled_at)) = row else { return Ok(None) };
    let place = Place { table: "continuations", row: &stored_id(connection.0) };
    Ok(Some(Continued {
        place: SealedContinuation { sealed, scope },
        run: place.id("run_id", &run)?,
        reconciled_at: place.time("reconciled_at", &reconciled_at)?,
    }))
}

/// Makes the run's continuation its connection's, if all of its plan was applied: what went stale or failed is told
/// again. Where the connection's was dropped after the run had begun, the run does not bring it back.
pub(super) async fn hand_over(transaction: &mut SqliteConnection, lease: &Lease) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO continuations AS kept (tenant_id, connection_id, run_id, sealed, scope, reconciled_at)
         SELECT run.tenant_id, run.connection_id, run.id, run.continuation, run.continuation_scope,
             iif(run.mode = 'full', run.started_at, before.reconciled_at)
         FROM sync_runs run
         LEFT JOIN continuations before
             ON before.tenant_id = run.tenant_id AND before.connection_id = run.connection_id AND before.sealed IS NOT NULL
         WHERE run.tenant_id = ?1 AND run.id = ?2 AND run.lease_token = ?3 AND run.continuation IS NOT NULL
             AND run.exceptions = 0 AND (run.mode = 'full' OR before.sealed IS NOT NULL)
         ON CONFLICT (tenant_id, connection_id) DO UPDATE
         SET run_id = excluded.run_id, sealed = excluded.sealed, scope = excluded.scope,
             reconciled_at = excluded.reconciled_at, dropped_at = NULL
         WHERE kept.dropped_at IS NULL OR kept.dropped_at < excluded.reconciled_at",
    )
    .bind(stored_id(lease.tenant.0))
    .bind(stored_id(lease.run.0))
    .bind(stored_id(lease.token))
    .execute(transaction)
    .await
    .map(drop)
    .map_err(failed)
}

/// Forgets it if a run is under way: it may have read what this change should have told it, and will not look again.
pub(crate) async fn forget_amid_a_run(
    transaction: &mut SqliteConnection,
    tenant: TenantId,
    connection: ConnectionId,
) -> Result<(), StoreError> {
    let running = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sync_runs WHERE tenant_id = ?1 AND connection_id = ?2 AND status = 'running')",
    )
    .bind(stored_id(tenant.0))
    .bind(stored_id(connection.0))
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed)?;
    if running { forget(transaction, tenant, connection).await } else { Ok(()) }
}

/// Whoever reads the connection next reads all of it.
pub(crate) async fn forget(
    transaction: &mut SqliteConnection,
    tenant: TenantId,
    connection: ConnectionId,
) -> Result<(), StoreError> {
    sqlx::query(concat!(
        "INSERT INTO continuations (tenant_id, connection_id, dropped_at)
         SELECT tenant_id, id, ",
        now!(),
        " FROM connections WHERE tenant_id = ?1 AND id = ?2
         ON CONFLICT (tenant_id, connection_id) DO UPDATE
         SET run_id = NULL, sealed = NULL, scope = NULL, reconciled_at = NULL, dropped_at = excluded.dropped_at"
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(connection.0))
    .execute(transaction)
    .await
    .map(drop)
    .map_err(failed)
}
