//! What messages are signed with.

use chrono::{DateTime, Utc};
use directory_core::TenantId;
use sqlx::PgConnection;
use store::{Actor, AuditRecord, NewWebhookSecret, SealedWebhookSecret, Webhook};
use uuid::Uuid;

use super::row::{SecretRow, find, hold};
use crate::{access::Access, audit, error::Fault};

pub(super) async fn add(
    tx: &mut PgConnection,
    tenant: TenantId,
    webhook: Uuid,
    secret: &NewWebhookSecret,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO webhook_secrets (tenant_id, id, webhook_id, sealed) VALUES ($1, $2, $3, $4)")
        .bind(tenant.0)
        .bind(secret.id)
        .bind(webhook)
        .bind(&secret.sealed)
        .execute(tx)
        .await
        .map(|_| ())
}

pub(super) async fn rotate(
    access: &Access,
    by: &Actor,
    tenant: TenantId,
    webhook: Uuid,
    secret: &NewWebhookSecret,
    old_until: DateTime<Utc>,
) -> Result<Option<Webhook>, Fault> {
    let mut tx = access.tenant(tenant).await?;
    if !hold(&mut tx, tenant, webhook).await? {
        return Ok(None);
    }
    sqlx::query("DELETE FROM webhook_secrets WHERE tenant_id = $1 AND webhook_id = $2 AND ends_at IS NOT NULL")
        .bind(tenant.0)
        .bind(webhook)
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE webhook_secrets SET ends_at = $3 WHERE tenant_id = $1 AND webhook_id = $2")
        .bind(tenant.0)
        .bind(webhook)
        .bind(old_until)
        .execute(&mut *tx)
        .await?;
    add(&mut tx, tenant, webhook, secret).await?;
    let rotated = find(&mut tx, tenant, webhook).await?.ok_or(sqlx::Error::RowNotFound)?;
    audit::note(&mut tx, by, &AuditRecord::webhook_secret_rotated(&rotated, old_until)).await?;
    tx.commit().await?;
    Ok(Some(rotated))
}

pub(super) async fn signing(
    tx: &mut PgConnection,
    tenant: TenantId,
    webhook: Uuid,
    now: DateTime<Utc>,
) -> Result<Vec<SealedWebhookSecret>, sqlx::Error> {
    let rows: Vec<SecretRow> = sqlx::query_as(
        "SELECT tenant_id, webhook_id, id, sealed FROM webhook_secrets
         WHERE tenant_id = $1 AND webhook_id = $2 AND (ends_at IS NULL OR ends_at > $3)
         ORDER BY ends_at DESC NULLS FIRST",
    )
    .bind(tenant.0)
    .bind(webhook)
    .bind(now)
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(SealedWebhookSecret::from).collect())
}

/// A walk that is over all tenants: the keys are the installation's.
pub(super) async fn page(
    access: &Access,
    after: Option<(TenantId, Uuid)>,
    limit: u32,
) -> Result<Vec<SealedWebhookSecret>, sqlx::Error> {
    let mut tx = access.across_tenants().await?;
    let (tenant, secret) = after.map_or((Uuid::nil(), Uuid::nil()), |(tenant, id)| (tenant.0, id));
    let rows: Vec<SecretRow> = sqlx::query_as(
        "SELECT tenant_id, webhook_id, id, sealed FROM webhook_secrets
         WHERE (tenant_id, id) > ($1, $2) ORDER BY tenant_id, id LIMIT $3",
    )
    .bind(tenant)
    .bind(secret)
    .bind(i64::from(limit))
    .fetch_all(&mut *tx)
    .await?;
    Ok(rows.into_iter().map(SealedWebhookSecret::from).collect())
}

pub(super) async fn reseal(
    access: &Access,
    by: &Actor,
    read: &SealedWebhookSecret,
    sealed: &[u8],
) -> Result<bool, sqlx::Error> {
    let mut tx = access.tenant(read.tenant).await?;
    let done = sqlx::query("UPDATE webhook_secrets SET sealed = $4 WHERE tenant_id = $1 AND id = $2 AND sealed = $3")
        .bind(read.tenant.0)
        .bind(read.id)
        .bind(&read.sealed)
        .bind(sealed)
        .execute(&mut *tx)
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    audit::note(&mut tx, by, &AuditRecord::webhook_secret_resealed(read.tenant, read.webhook)).await?;
    tx.commit().await?;
    Ok(true)
}
