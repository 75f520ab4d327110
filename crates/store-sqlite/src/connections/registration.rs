//! Connections come and go; who was theirs is remembered.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, TenantId};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, query::QueryAs, sqlite::SqliteArguments};
use store::{Actor, AuditRecord, Connection, Directory, NewConnection, StoreError, UniqueKey};

use super::row::{ConnectionRow, connection_columns, find};
use crate::{
    SqliteStore, audit,
    decode::{Place, stored_id, stored_time, to_json},
    error::failed,
    runs,
};

pub(super) async fn create(store: &SqliteStore, by: &Actor, new: &NewConnection) -> Result<Connection, StoreError> {
    let mut tx = store.write().await?;
    let former = revive(&mut tx, new.tenant, new.id).await?;
    let new_scope = former.is_some_and(|former| former.group_id != new.group_id);
    let row =
        insert(new, new_scope, new.first_sync(store.clock.now()))?.fetch_optional(&mut *tx).await.map_err(failed)?;
    let connection = row.ok_or(StoreError::Conflict(UniqueKey::ConnectionId))?.try_into()?;
    audit::note(&mut tx, by, &AuditRecord::connection_created(&connection)).await?;
    tx.commit().await.map_err(failed)?;
    Ok(connection)
}

/// Only the id's conflict is passed over; any other is an error.
fn insert(
    new: &NewConnection,
    new_scope: bool,
    next_sync_at: Option<DateTime<Utc>>,
) -> Result<QueryAs<'_, Sqlite, ConnectionRow, SqliteArguments>, StoreError> {
    Ok(sqlx::query_as(concat!(
        "INSERT INTO connections (tenant_id, id, provider, display_name, directory_id, client_id, group_id, cloud,
             default_role, policy, schedule, credential_kind, sealed_credential, credential_expires_at, new_scope,
             next_sync_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
         ON CONFLICT (tenant_id, id) DO NOTHING RETURNING ",
        connection_columns!()
    ))
    .bind(stored_id(new.tenant.0))
    .bind(stored_id(new.id.0))
    .bind(&new.provider)
    .bind(&new.display_name)
    .bind(&new.directory_id)
    .bind(&new.client_id)
    .bind(&new.group_id)
    .bind(&new.cloud)
    .bind(&new.default_role)
    .bind(to_json(&new.policy)?)
    .bind(&new.schedule)
    .bind(new.credential.kind.as_str())
    .bind(&new.credential.sealed)
    .bind(new.credential.expires_at.map(stored_time))
    .bind(new_scope)
    .bind(next_sync_at.map(stored_time)))
}

/// A connection that was deleted.
#[derive(sqlx::FromRow)]
struct Former {
    group_id: Option<String>,
}

/// The id is a living connection's again; what it was before, if it was one.
async fn revive(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    id: ConnectionId,
) -> Result<Option<Former>, StoreError> {
    sqlx::query_as("DELETE FROM former_connections WHERE tenant_id = ?1 AND connection_id = ?2 RETURNING group_id")
        .bind(stored_id(tenant.0))
        .bind(stored_id(id.0))
        .fetch_optional(connection)
        .await
        .map_err(failed)
}

pub(super) async fn former(
    reader: &SqlitePool,
    tenant: TenantId,
    directory: Directory<'_>,
) -> Result<Option<ConnectionId>, StoreError> {
    // IS, unlike =, finds no group equal to no group.
    let former: Option<String> = sqlx::query_scalar(
        "SELECT connection_id FROM former_connections AS f
         WHERE tenant_id = ?1 AND provider = ?2 AND cloud = ?3 AND directory_id = ?4
         ORDER BY EXISTS (SELECT 1 FROM users AS u WHERE u.tenant_id = ?1 AND u.connection_id = f.connection_id) DESC,
             group_id IS ?5 DESC, deleted_at DESC, connection_id DESC LIMIT 1",
    )
    .bind(stored_id(tenant.0))
    .bind(directory.provider)
    .bind(directory.cloud)
    .bind(directory.directory_id)
    .bind(directory.group_id)
    .fetch_optional(reader)
    .await
    .map_err(failed)?;
    former.map(|id| Place { table: "former_connections", row: &id }.id("connection_id", &id)).transpose()
}

pub(super) async fn delete(
    store: &SqliteStore,
    by: &Actor,
    tenant: TenantId,
    id: ConnectionId,
) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let connection = match find(&mut *tx, tenant, id).await {
        Ok(Some(connection)) => Some(connection),
        Ok(None) => return Ok(false),
        Err(StoreError::Corrupt { .. }) => None,
        Err(error) => return Err(error),
    };
    remember(&mut tx, tenant, id).await?;
    sqlx::query("DELETE FROM connections WHERE tenant_id = ?1 AND id = ?2")
        .bind(stored_id(tenant.0))
        .bind(stored_id(id.0))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    runs::cancel_all(&mut tx, tenant, id).await?;
    if let Some(heir) = hand_over(&mut tx, tenant, id).await? {
        // Nobody tells it of them before they change.
        runs::continuation::forget(&mut tx, tenant, heir).await?;
    }
    audit::note(&mut tx, by, &AuditRecord::connection_deleted(tenant, id, connection.as_ref())).await?;
    tx.commit().await.map_err(failed)?;
    Ok(true)
}

/// Where the same scope was registered a second time before this connection was deleted, as who gives it another secret
/// might do, that connection governs the users from now on.
async fn hand_over(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    id: ConnectionId,
) -> Result<Option<ConnectionId>, StoreError> {
    let heirs: Vec<String> = sqlx::query_scalar(
        "UPDATE users AS u SET connection_id = heir.id FROM (
             SELECT c.id FROM former_connections AS f JOIN connections AS c ON c.tenant_id = f.tenant_id
                 AND c.provider = f.provider AND c.cloud = f.cloud AND c.directory_id = f.directory_id
                 AND c.group_id IS f.group_id
             WHERE f.tenant_id = ?1 AND f.connection_id = ?2 ORDER BY c.id LIMIT 1
         ) AS heir
         WHERE u.tenant_id = ?1 AND u.connection_id = ?2 AND NOT EXISTS (
             SELECT 1 FROM users AS taken WHERE taken.tenant_id = ?1 AND taken.connection_id = heir.id
                 AND taken.external_id = u.external_id
         ) RETURNING connection_id",
    )
    .bind(stored_id(tenant.0))
    .bind(stored_id(id.0))
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    heirs.first().map(|heir| Place { table: "users", row: heir }.id("connection_id", heir)).transpose()
}

async fn remember(connection: &mut SqliteConnection, tenant: TenantId, id: ConnectionId) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO former_connections (tenant_id, connection_id, provider, cloud, directory_id, group_id)
         SELECT tenant_id, id, provider, cloud, directory_id, group_id FROM connections
         WHERE tenant_id = ?1 AND id = ?2",
    )
    .bind(stored_id(tenant.0))
    .bind(stored_id(id.0))
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}
