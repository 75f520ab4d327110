//! From where a connection's changes are told.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, RunId, TenantId};
use sqlx::PgConnection;
use store::{Continued, Lease, SealedContinuation};
use uuid::Uuid;

use crate::{access::Access, error::Fault};

pub(super) async fn find(
    access: &Access,
    tenant: TenantId,
    connection: ConnectionId,
) -> Result<Option<Continued>, Fault> {
    let mut tx = access.tenant(tenant).await?;
    let row: Option<(Vec<u8>, String, Uuid, DateTime<Utc>)> = sqlx::query_as(
        "SELECT sealed, scope, run_id, reconciled_at FROM continuations
         WHERE tenant_id = $1 AND connection_id = $2 AND sealed IS NOT NULL",
    )
    .bind(tenant.0)
    .bind(connection.0)
    .fetch_optional(&mut *tx)
    .await?;
    Ok(row.map(|(sealed, scope, run, reconciled_at)| Continued {
        place: SealedContinuation { sealed, scope },
        run: RunId(run),
        reconciled_at,
    }))
}

/// Makes the run's continuation its connection's, if all of its plan was applied: what went stale or failed is told
/// again. Where the connection's was dropped after the run had begun, the run does not bring it back.
pub(super) async fn hand_over(tx: &mut PgConnection, lease: &Lease) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO continuations AS kept (tenant_id, connection_id, run_id, sealed, scope, reconciled_at)
         SELECT run.tenant_id, run.connection_id, run.id, run.continuation, run.continuation_scope,
             CASE run.mode WHEN 'full' THEN run.started_at ELSE before.reconciled_at END
         FROM sync_runs run
         LEFT JOIN continuations before
             ON before.tenant_id = run.tenant_id AND before.connection_id = run.connection_id AND before.sealed IS NOT NULL
         WHERE run.tenant_id = $1 AND run.id = $2 AND run.lease_token = $3 AND run.continuation IS NOT NULL
             AND run.exceptions = 0 AND (run.mode = 'full' OR before.sealed IS NOT NULL)
         ON CONFLICT (tenant_id, connection_id) DO UPDATE
         SET run_id = excluded.run_id, sealed = excluded.sealed, scope = excluded.scope,
             reconciled_at = excluded.reconciled_at, dropped_at = NULL
         WHERE kept.dropped_at IS NULL OR kept.dropped_at < excluded.reconciled_at",
    )
    .bind(lease.tenant.0)
    .bind(lease.run.0)
    .bind(lease.token)
    .execute(tx)
    .await
    .map(|_| ())
}

/// Forgets it if a run is under way: it may have read what this change should have told it, and will not look again.
pub(crate) async fn forget_amid_a_run(
    tx: &mut PgConnection,
    tenant: TenantId,
    connection: ConnectionId,
) -> Result<(), sqlx::Error> {
    let running = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM sync_runs WHERE tenant_id = $1 AND connection_id = $2 AND status = 'running')",
    )
    .bind(tenant.0)
    .bind(connection.0)
    .fetch_one(&mut *tx)
    .await?;
    if running { forget(tx, tenant, connection).await } else { Ok(()) }
}

/// Whoever reads the connection next reads all of it.
pub(crate) async fn forget(
    tx: &mut PgConnection,
    tenant: TenantId,
    connection: ConnectionId,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO continuations (tenant_id, connection_id, dropped_at)
         SELECT tenant_id, id, clock_timestamp() FROM connections WHERE tenant_id = $1 AND id = $2
         ON CONFLICT (tenant_id, connection_id) DO UPDATE
         SET run_id = NULL, sealed = NULL, scope = NULL, reconciled_at = NULL, dropped_at = excluded.dropped_at",
    )
    .bind(tenant.0)
    .bind(connection.0)
    .execute(tx)
    .await
    .map(|_| ())
}
