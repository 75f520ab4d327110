//! Directory users whom a connection is told to leave alone.

use directory_core::{ConnectionId, ExternalId, TenantId};
use sqlx::SqlitePool;
use store::{Actor, AuditRecord, ExternalPage, IgnoredUser, StoreError};

use super::row::find;
use crate::{
    SqliteStore, audit,
    decode::{Place, stored_id},
    error::failed,
    runs,
};

#[derive(sqlx::FromRow)]
struct IgnoredRow {
    external_id: String,
    created_at: String,
}

pub(super) async fn list(
    reader: &SqlitePool,
    tenant: TenantId,
    connection: ConnectionId,
    page: ExternalPage,
) -> Result<Vec<IgnoredUser>, StoreError> {
    let connection = stored_id(connection.0);
    let place = Place { table: "ignored_users", row: &connection };
    // Every id comes after the empty text.
    sqlx::query_as::<_, IgnoredRow>(
        "SELECT external_id, created_at FROM ignored_users
         WHERE tenant_id = ?1 AND connection_id = ?2 AND external_id > ?3 ORDER BY external_id LIMIT ?4",
    )
    .bind(stored_id(tenant.0))
    .bind(&connection)
    .bind(page.after.as_ref().map_or("", ExternalId::as_str))
    .bind(page.limit)
    .fetch_all(reader)
    .await
    .map_err(failed)?
    .into_iter()
    .map(|row| {
        Ok(IgnoredUser {
            external_id: place.external_id("external_id", &row.external_id)?,
            created_at: place.time("created_at", &row.created_at)?,
        })
    })
    .collect()
}

pub(super) async fn ignore(
    store: &SqliteStore,
    by: &Actor,
    tenant: TenantId,
    connection: ConnectionId,
    external_id: &ExternalId,
) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    if find(&mut *tx, tenant, connection).await?.is_none() {
        return Ok(false);
    }
    let ignored = sqlx::query(
        "INSERT INTO ignored_users (tenant_id, connection_id, external_id) VALUES (?1, ?2, ?3)
         ON CONFLICT (tenant_id, connection_id, external_id) DO NOTHING",
    )
    .bind(stored_id(tenant.0))
    .bind(stored_id(connection.0))
    .bind(external_id.as_str())
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    if ignored.rows_affected() > 0 {
        runs::continuation::forget(&mut tx, tenant, connection).await?;
        audit::note(&mut tx, by, &AuditRecord::user_ignored(tenant, connection, external_id)).await?;
        tx.commit().await.map_err(failed)?;
    }
    Ok(true)
}

pub(super) async fn heed(
    store: &SqliteStore,
    by: &Actor,
    tenant: TenantId,
    connection: ConnectionId,
    external_id: &ExternalId,
) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let heeded =
        sqlx::query("DELETE FROM ignored_users WHERE tenant_id = ?1 AND connection_id = ?2 AND external_id = ?3")
            .bind(stored_id(tenant.0))
            .bind(stored_id(connection.0))
            .bind(external_id.as_str())
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
    if heeded.rows_affected() == 0 {
        return Ok(false);
    }
    runs::continuation::forget(&mut tx, tenant, connection).await?;
    audit::note(&mut tx, by, &AuditRecord::user_heeded(tenant, connection, external_id)).await?;
    tx.commit().await.map_err(failed)?;
    Ok(true)
}
