//! Linking and unlinking by hand. The statements leave the version to the trigger, as the product's own do, so a plan
//! that was made before goes stale.

use directory_core::{ConnectionId, ExternalId, Link, TenantId, UserId};
use sqlx::SqliteConnection;
use store::{Actor, AuditRecord, EventKind, Linking, StoreError, UserRecord};

use super::row::find;
use crate::{
    SqliteStore, audit, connections,
    decode::{Place, stored_id},
    error::{defect, expect_rows, failed},
    events, runs,
};

pub(super) async fn link(
    store: &SqliteStore,
    by: &Actor,
    tenant: TenantId,
    user: UserId,
    connection: ConnectionId,
    external_id: &ExternalId,
) -> Result<Linking, StoreError> {
    let mut tx = store.write().await?;
    let Some(record) = find(&mut *tx, tenant, user).await? else { return Ok(Linking::NoUser) };
    if connections::find(&mut *tx, tenant, connection).await?.is_none() {
        return Ok(Linking::NoConnection);
    }
    let link = Link { connection, external_id: external_id.clone() };
    if let Some(current) = &record.user.link {
        return Ok(if *current == link { Linking::Linked(Box::new(record)) } else { Linking::UserIsLinked });
    }
    if let Some(other) = linked_to(&mut tx, tenant, &link).await? {
        return Ok(Linking::LinkedTo(other));
    }
    if !is_in_conflict(&mut tx, tenant, &link).await? {
        return Ok(Linking::UnknownDirectoryUser);
    }
    let linked = write(&mut tx, tenant, user, Some(&link)).await?;
    runs::continuation::forget_amid_a_run(&mut tx, tenant, connection).await?;
    audit::note(&mut tx, by, &AuditRecord::user_linked(tenant, &record.user, &linked.user)).await?;
    events::note_link(&mut tx, tenant, EventKind::UserLinked, &record.user, &linked.user).await?;
    tx.commit().await.map_err(failed)?;
    Ok(Linking::Linked(Box::new(linked)))
}

pub(super) async fn unlink(
    store: &SqliteStore,
    by: &Actor,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<UserRecord>, StoreError> {
    let mut tx = store.write().await?;
    let Some(record) = find(&mut *tx, tenant, user).await? else { return Ok(None) };
    let Some(link) = &record.user.link else { return Ok(Some(record)) };
    let local = write(&mut tx, tenant, user, None).await?;
    runs::continuation::forget(&mut tx, tenant, link.connection).await?;
    audit::note(&mut tx, by, &AuditRecord::user_unlinked(tenant, &record.user, &local.user)).await?;
    events::note_link(&mut tx, tenant, EventKind::UserUnlinked, &record.user, &local.user).await?;
    tx.commit().await.map_err(failed)?;
    Ok(Some(local))
}

/// Who is linked to the directory user.
async fn linked_to(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    link: &Link,
) -> Result<Option<UserId>, StoreError> {
    let user: Option<String> =
        sqlx::query_scalar("SELECT id FROM users WHERE tenant_id = ?1 AND connection_id = ?2 AND external_id = ?3")
            .bind(stored_id(tenant.0))
            .bind(stored_id(link.connection.0))
            .bind(link.external_id.as_str())
            .fetch_optional(connection)
            .await
            .map_err(failed)?;
    user.map(|id| Place { table: "users", row: &id }.id("id", &id)).transpose()
}

/// Whether the connection's newest plan has the directory user in conflict: then it is there, and nobody's here.
async fn is_in_conflict(connection: &mut SqliteConnection, tenant: TenantId, link: &Link) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT EXISTS (
             SELECT 1 FROM sync_changes WHERE tenant_id = ?1 AND external_id = ?3 AND action = 'conflict' AND run_id = (
                 SELECT id FROM sync_runs WHERE tenant_id = ?1 AND connection_id = ?2 AND plan_complete AND draft IS NULL
                 ORDER BY id DESC LIMIT 1))",
    )
    .bind(stored_id(tenant.0))
    .bind(stored_id(link.connection.0))
    .bind(link.external_id.as_str())
    .fetch_one(connection)
    .await
    .map_err(failed)
}

/// The trigger writes after the statement, so the row is read again.
async fn write(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    user: UserId,
    link: Option<&Link>,
) -> Result<UserRecord, StoreError> {
    let written = sqlx::query("UPDATE users SET connection_id = ?3, external_id = ?4 WHERE tenant_id = ?1 AND id = ?2")
        .bind(stored_id(tenant.0))
        .bind(stored_id(user.0))
        .bind(link.map(|link| stored_id(link.connection.0)))
        .bind(link.map(|link| link.external_id.as_str()))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    expect_rows("linking a user", 1, written.rows_affected())?;
    find(connection, tenant, user).await?.ok_or_else(|| defect(sqlx::Error::RowNotFound))
}
