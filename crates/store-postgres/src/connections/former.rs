//! Deleting connections, and what is remembered of them: their users carry the id, and are to be found by it again.

use directory_core::{ConnectionId, TenantId};
use sqlx::PgConnection;
use store::{Actor, AuditRecord, Connection, Directory};
use uuid::Uuid;

use super::{ConnectionRow, columns};
use crate::{
    access::Access,
    audit,
    error::Fault,
    runs::{cancel_all, continuation, stop_all},
};

pub(super) async fn delete(access: &Access, by: &Actor, tenant: TenantId, id: ConnectionId) -> Result<bool, Fault> {
    let mut tx = access.tenant(tenant).await?;
    // Runs first and then their connection: the order in which everybody takes these locks.
    stop_all(&mut tx, tenant, id).await?;
    let row: Option<ConnectionRow> = sqlx::query_as(concat!(
        "WITH gone AS (DELETE FROM connections WHERE tenant_id = $1 AND id = $2 RETURNING *), remembered AS (
             INSERT INTO former_connections (tenant_id, connection_id, provider, cloud, directory_id, group_id)
             SELECT tenant_id, id, provider, cloud, directory_id, group_id FROM gone
             ON CONFLICT (tenant_id, connection_id) DO UPDATE SET provider = excluded.provider, cloud = excluded.cloud,
                 directory_id = excluded.directory_id, group_id = excluded.group_id, deleted_at = excluded.deleted_at
         )
         SELECT ",
        columns!(),
        " FROM gone"
    ))
    .bind(tenant.0)
    .bind(id.0)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(false) };
    let deleted = Connection::try_from(row).ok();
    // One that was queued in between; there can be no other now.
    stop_all(&mut tx, tenant, id).await?;
    if let Some(heir) = hand_over(&mut tx, tenant, id).await? {
        // Nobody tells it of them before they change.
        continuation::forget(&mut tx, tenant, heir).await?;
    }
    // Last: events are told of it, and the feed waits for whoever tells one.
    cancel_all(&mut tx, tenant, id).await?;
    audit::note(&mut tx, by, &AuditRecord::connection_deleted(tenant, id, deleted.as_ref())).await?;
    tx.commit().await?;
    Ok(true)
}

/// Where the same scope was registered a second time before this connection was deleted, as who gives it another secret
/// might do, that connection governs the users from now on.
async fn hand_over(
    tx: &mut PgConnection,
    tenant: TenantId,
    id: ConnectionId,
) -> Result<Option<ConnectionId>, sqlx::Error> {
    let heirs: Vec<Uuid> = sqlx::query_scalar(
        "WITH given AS (UPDATE users u SET connection_id = heir.id FROM (
             SELECT c.id FROM former_connections f JOIN connections c ON c.tenant_id = f.tenant_id
                 AND c.provider = f.provider AND c.cloud = f.cloud AND c.directory_id = f.directory_id
                 AND c.group_id IS NOT DISTINCT FROM f.group_id
             WHERE f.tenant_id = $1 AND f.connection_id = $2 ORDER BY c.id LIMIT 1
         ) AS heir
         WHERE u.tenant_id = $1 AND u.connection_id = $2 AND NOT EXISTS (
             SELECT 1 FROM users taken WHERE taken.tenant_id = $1 AND taken.connection_id = heir.id
                 AND taken.external_id COLLATE \"C\" = u.external_id COLLATE \"C\"
         ) RETURNING heir.id) SELECT DISTINCT id FROM given",
    )
    .bind(tenant.0)
    .bind(id.0)
    .fetch_all(tx)
    .await?;
    Ok(heirs.into_iter().map(ConnectionId).next())
}

pub(super) async fn find(
    access: &Access,
    tenant: TenantId,
    directory: Directory<'_>,
) -> Result<Option<ConnectionId>, sqlx::Error> {
    let mut tx = access.tenant(tenant).await?;
    let id: Option<Uuid> = sqlx::query_scalar(
        "SELECT connection_id FROM former_connections f
         WHERE tenant_id = $1 AND provider = $2 AND cloud = $3 AND directory_id = $4
         ORDER BY EXISTS (SELECT 1 FROM users u WHERE u.tenant_id = $1 AND u.connection_id = f.connection_id) DESC,
             (group_id IS NOT DISTINCT FROM $5) DESC, deleted_at DESC, connection_id DESC LIMIT 1",
    )
    .bind(tenant.0)
    .bind(directory.provider)
    .bind(directory.cloud)
    .bind(directory.directory_id)
    .bind(directory.group_id)
    .fetch_optional(&mut *tx)
    .await?;
    Ok(id.map(ConnectionId))
}

/// A connection that was deleted.
#[derive(sqlx::FromRow)]
pub(super) struct Former {
    pub(super) group_id: Option<String>,
}

/// The id is a living connection's again; what it was before, if it was one.
pub(super) async fn revive(
    tx: &mut PgConnection,
    tenant: TenantId,
    id: ConnectionId,
) -> Result<Option<Former>, sqlx::Error> {
    sqlx::query_as("DELETE FROM former_connections WHERE tenant_id = $1 AND connection_id = $2 RETURNING group_id")
        .bind(tenant.0)
        .bind(id.0)
        .fetch_optional(tx)
        .await
}

/// The users that it takes up were another scope's.
pub(super) async fn note_new_scope(
    tx: &mut PgConnection,
    tenant: TenantId,
    id: ConnectionId,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE connections SET new_scope = true WHERE tenant_id = $1 AND id = $2")
        .bind(tenant.0)
        .bind(id.0)
        .execute(tx)
        .await
        .map(|_| ())
}
