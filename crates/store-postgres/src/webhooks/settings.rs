//! Making, changing and deleting webhooks.

use chrono::{DateTime, Utc};
use directory_core::TenantId;
use sqlx::types::Json;
use store::{Actor, AuditRecord, EventKind, NewWebhook, UpdatedWebhook, Webhook, WebhookUpdate};
use uuid::Uuid;

use super::{
    row::{WebhookRow, find, lock, webhook_columns},
    secrets, turns,
};
use crate::{access::Access, audit, decode::storable, error::Fault};

pub(super) async fn create(
    access: &Access,
    by: &Actor,
    webhook: &NewWebhook,
    most: u32,
) -> Result<Option<Webhook>, Fault> {
    let mut tx = access.tenant(webhook.tenant).await?;
    // Of two that are made at once, the second counts the first.
    sqlx::query("SELECT 1 FROM tenants WHERE id = $1 FOR NO KEY UPDATE")
        .bind(webhook.tenant.0)
        .execute(&mut *tx)
        .await?;
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM webhooks WHERE tenant_id = $1")
        .bind(webhook.tenant.0)
        .fetch_one(&mut *tx)
        .await?;
    if there >= i64::from(most) {
        return Ok(None);
    }
    sqlx::query(
        "INSERT INTO webhooks (tenant_id, id, url, description, kinds, cursor) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(webhook.tenant.0)
    .bind(webhook.id)
    .bind(&webhook.url)
    .bind(webhook.description.as_deref().map(storable))
    .bind(webhook.kinds.as_deref().map(words))
    .bind(webhook.cursor.to_string())
    .execute(&mut *tx)
    .await?;
    secrets::add(&mut tx, webhook.tenant, webhook.id, &webhook.secret).await?;
    turns::call(&mut tx, webhook.tenant, turns::AT_ONCE).await?;
    let made = find(&mut tx, webhook.tenant, webhook.id).await?.ok_or(sqlx::Error::RowNotFound)?;
    audit::note(&mut tx, by, &AuditRecord::webhook_created(&made)).await?;
    tx.commit().await?;
    Ok(Some(made))
}

pub(super) async fn update(
    access: &Access,
    by: &Actor,
    tenant: TenantId,
    id: Uuid,
    seen: DateTime<Utc>,
    update: &WebhookUpdate,
) -> Result<UpdatedWebhook, Fault> {
    let mut tx = access.tenant(tenant).await?;
    let Some(current) = lock(&mut tx, tenant, id).await? else { return Ok(UpdatedWebhook::NoWebhook) };
    if current.updated_at != seen {
        return Ok(UpdatedWebhook::Moved);
    }
    let row: WebhookRow = sqlx::query_as(concat!(
        "UPDATE webhooks SET url = $3, description = $4, kinds = CASE WHEN $7 THEN kinds ELSE $5 END,
             state = CASE WHEN $6 THEN 'enabled' ELSE 'disabled' END,
             state_reason = CASE WHEN $6 OR state = 'enabled' THEN NULL ELSE state_reason END,
             updated_at = GREATEST(now(), updated_at + interval '1 millisecond')
         WHERE tenant_id = $1 AND id = $2
         RETURNING ",
        webhook_columns!()
    ))
    .bind(tenant.0)
    .bind(id)
    .bind(&update.url)
    .bind(update.description.as_deref().map(storable))
    .bind(update.kinds.as_deref().map(words))
    .bind(update.enabled)
    .bind(update.kinds == current.kinds)
    .fetch_one(&mut *tx)
    .await?;
    let updated = Webhook::try_from(row)?;
    turns::call(&mut tx, tenant, turns::AT_ONCE).await?;
    if let Some(record) = AuditRecord::webhook_updated(&current, &updated) {
        audit::note(&mut tx, by, &record).await?;
    }
    tx.commit().await?;
    Ok(UpdatedWebhook::Done(Box::new(updated)))
}

pub(super) async fn delete(access: &Access, by: &Actor, tenant: TenantId, id: Uuid) -> Result<bool, Fault> {
    let mut tx = access.tenant(tenant).await?;
    let done = sqlx::query("DELETE FROM webhooks WHERE tenant_id = $1 AND id = $2")
        .bind(tenant.0)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    audit::note(&mut tx, by, &AuditRecord::webhook_deleted(tenant, id)).await?;
    tx.commit().await?;
    Ok(true)
}

fn words(kinds: &[EventKind]) -> Json<Vec<&'static str>> {
    Json(kinds.iter().map(|kind| kind.as_str()).collect())
}
