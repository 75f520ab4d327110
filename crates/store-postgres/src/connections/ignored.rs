//! Directory users whom a connection leaves alone.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, ExternalId, TenantId};
use store::{Actor, AuditRecord, ExternalPage, IgnoredUser, StoreError};

use super::keep;
use crate::{access::Access, audit, decode::Place, error::failed, runs::continuation};

pub(super) async fn list(
    access: &Access,
    tenant: TenantId,
    connection: ConnectionId,
    page: ExternalPage,
) -> Result<Vec<IgnoredUser>, StoreError> {
    let mut tx = access.tenant(tenant).await.map_err(failed)?;
    let rows: Vec<(String, DateTime<Utc>)> = sqlx::query_as(
        "SELECT external_id, created_at FROM ignored_users
         WHERE tenant_id = $1 AND connection_id = $2 AND external_id > $3 ORDER BY external_id LIMIT $4",
    )
    .bind(tenant.0)
    .bind(connection.0)
    .bind(page.after.as_ref().map_or("", ExternalId::as_str))
    .bind(i64::from(page.limit))
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?;
    let place = Place { table: "ignored_users", row: &connection };
    rows.into_iter()
        .map(|(id, created_at)| Ok(IgnoredUser { external_id: place.external_id("external_id", &id)?, created_at }))
        .collect()
}

pub(super) async fn add(
    access: &Access,
    by: &Actor,
    tenant: TenantId,
    connection: ConnectionId,
    external_id: &ExternalId,
) -> Result<bool, sqlx::Error> {
    let mut tx = access.tenant(tenant).await?;
    if !keep(&mut tx, tenant, connection).await? {
        return Ok(false);
    }
    let done = sqlx::query(
        "INSERT INTO ignored_users (tenant_id, connection_id, external_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(tenant.0)
    .bind(connection.0)
    .bind(external_id.as_str())
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() > 0 {
        continuation::forget(&mut tx, tenant, connection).await?;
        audit::note(&mut tx, by, &AuditRecord::user_ignored(tenant, connection, external_id)).await?;
        tx.commit().await?;
    }
    Ok(true)
}

pub(super) async fn remove(
    access: &Access,
    by: &Actor,
    tenant: TenantId,
    connection: ConnectionId,
    external_id: &ExternalId,
) -> Result<bool, sqlx::Error> {
    let mut tx = access.tenant(tenant).await?;
    let done =
        sqlx::query("DELETE FROM ignored_users WHERE tenant_id = $1 AND connection_id = $2 AND external_id = $3")
            .bind(tenant.0)
            .bind(connection.0)
            .bind(external_id.as_str())
            .execute(&mut *tx)
            .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    continuation::forget(&mut tx, tenant, connection).await?;
    audit::note(&mut tx, by, &AuditRecord::user_heeded(tenant, connection, external_id)).await?;
    tx.commit().await?;
    Ok(true)
}
