//! What messages are signed with.

use chrono::{DateTime, Utc};
use directory_core::TenantId;
use sqlx::{SqliteConnection, SqliteExecutor, SqlitePool};
use store::{Actor, AuditRecord, NewWebhookSecret, SealedWebhookSecret, StoreError, Webhook};
use uuid::Uuid;

use super::row::{SecretRow, exists, find};
use crate::{
    SqliteStore, audit,
    decode::{stored_id, stored_time},
    error::{defect, failed},
};

pub(super) async fn add(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    webhook: Uuid,
    secret: &NewWebhookSecret,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO webhook_secrets (tenant_id, id, webhook_id, sealed) VALUES (?1, ?2, ?3, ?4)")
        .bind(stored_id(tenant.0))
        .bind(stored_id(secret.id))
        .bind(stored_id(webhook))
        .bind(&secret.sealed)
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}

pub(super) async fn rotate(
    store: &SqliteStore,
    by: &Actor,
    tenant: TenantId,
    webhook: Uuid,
    secret: &NewWebhookSecret,
    old_until: DateTime<Utc>,
) -> Result<Option<Webhook>, StoreError> {
    let mut tx = store.write().await?;
    if !exists(&mut *tx, tenant, webhook).await? {
        return Ok(None);
    }
    sqlx::query("DELETE FROM webhook_secrets WHERE tenant_id = ?1 AND webhook_id = ?2 AND ends_at IS NOT NULL")
        .bind(stored_id(tenant.0))
        .bind(stored_id(webhook))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    sqlx::query("UPDATE webhook_secrets SET ends_at = ?3 WHERE tenant_id = ?1 AND webhook_id = ?2")
        .bind(stored_id(tenant.0))
        .bind(stored_id(webhook))
        .bind(stored_time(old_until))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    add(&mut tx, tenant, webhook, secret).await?;
    let rotated = find(&mut *tx, tenant, webhook).await?;
    let rotated = rotated.ok_or_else(|| defect("a webhook that is there cannot be found"))?;
    audit::note(&mut tx, by, &AuditRecord::webhook_secret_rotated(&rotated, old_until)).await?;
    tx.commit().await.map_err(failed)?;
    Ok(Some(rotated))
}

pub(super) async fn signing(
    executor: impl SqliteExecutor<'_>,
    tenant: TenantId,
    webhook: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<SealedWebhookSecret>, StoreError> {
    sqlx::query_as::<_, SecretRow>(
        "SELECT tenant_id, webhook_id, id, sealed FROM webhook_secrets
         WHERE tenant_id = ?1 AND webhook_id = ?2 AND (ends_at IS NULL OR ends_at > ?3)
         ORDER BY ends_at DESC NULLS FIRST",
    )
    .bind(stored_id(tenant.0))
    .bind(stored_id(webhook))
    .bind(stored_time(now))
    .fetch_all(executor)
    .await
    .map_err(failed)?
    .into_iter()
    .map(SealedWebhookSecret::try_from)
    .collect()
}

/// A walk that is over all tenants: the keys are the installation's.
pub(super) async fn page(
    reader: &SqlitePool,
    after: Option<(TenantId, Uuid)>,
    limit: u32,
) -> Result<Vec<SealedWebhookSecret>, StoreError> {
    let (tenant, secret) = after.map(|(tenant, id)| (stored_id(tenant.0), stored_id(id))).unwrap_or_default();
    sqlx::query_as::<_, SecretRow>(
        "SELECT tenant_id, webhook_id, id, sealed FROM webhook_secrets
         WHERE (tenant_id, id) > (?1, ?2) ORDER BY tenant_id, id LIMIT ?3",
    )
    .bind(tenant)
    .bind(secret)
    .bind(limit)
    .fetch_all(reader)
    .await
    .map_err(failed)?
    .into_iter()
    .map(SealedWebhookSecret::try_from)
    .collect()
}

pub(super) async fn reseal(
    store: &SqliteStore,
    by: &Actor,
    read: &SealedWebhookSecret,
    sealed: &[u8],
) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let done = sqlx::query("UPDATE webhook_secrets SET sealed = ?4 WHERE tenant_id = ?1 AND id = ?2 AND sealed = ?3")
        .bind(stored_id(read.tenant.0))
        .bind(stored_id(read.id))
        .bind(&read.sealed)
        .bind(sealed)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    audit::note(&mut tx, by, &AuditRecord::webhook_secret_resealed(read.tenant, read.webhook)).await?;
    tx.commit().await.map_err(failed)?;
    Ok(true)
}
