//! Deleting connections, and what is remembered of them: their users carry the id, and are to be found by it again.

use directory_core::{ConnectionId, TenantId};
use sqlx::{PgConnection, PgPool};
use store::Directory;
use uuid::Uuid;

use crate::runs::cancel_all;

pub(super) async fn delete(pool: &PgPool, tenant: TenantId, id: ConnectionId) -> Result<bool, sqlx::Error> {
    let mut tx = pool.begin().await?;
    // Runs first and then their connection: the order in which a run that ends takes the same locks.
    cancel_all(&mut tx, tenant, id).await?;
    let deleted = sqlx::query(
        "WITH gone AS (DELETE FROM connections WHERE tenant_id = $1 AND id = $2 RETURNING *)
         INSERT INTO former_connections (tenant_id, connection_id, provider, cloud, directory_id, group_id)
         SELECT tenant_id, id, provider, cloud, directory_id, group_id FROM gone",
    )
    .bind(tenant.0)
    .bind(id.0)
    .execute(&mut *tx)
    .await?;
    // One that was queued in between; there can be no other now.
    cancel_all(&mut tx, tenant, id).await?;
    let found = deleted.rows_affected() == 1;
    if found {
        tx.commit().await?;
    }
    Ok(found)
}

pub(super) async fn find(
    pool: &PgPool,
    tenant: TenantId,
    directory: Directory<'_>,
) -> Result<Option<ConnectionId>, sqlx::Error> {
    let id: Option<Uuid> = sqlx::query_scalar(
        "SELECT connection_id FROM former_connections
         WHERE tenant_id = $1 AND provider = $2 AND cloud = $3 AND directory_id = $4
         ORDER BY (group_id IS NOT DISTINCT FROM $5) DESC, deleted_at DESC, connection_id DESC LIMIT 1",
    )
    .bind(tenant.0)
    .bind(directory.provider)
    .bind(directory.cloud)
    .bind(directory.directory_id)
    .bind(directory.group_id)
    .fetch_optional(pool)
    .await?;
    Ok(id.map(ConnectionId))
}

/// The id is a living connection's again.
pub(super) async fn revive(tx: &mut PgConnection, tenant: TenantId, id: ConnectionId) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM former_connections WHERE tenant_id = $1 AND connection_id = $2")
        .bind(tenant.0)
        .bind(id.0)
        .execute(tx)
        .await
        .map(|_| ())
}
