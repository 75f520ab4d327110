//! Making, changing and deleting webhooks.

use chrono::{DateTime, Utc};
use directory_core::TenantId;
use store::{Actor, AuditRecord, EventKind, NewWebhook, StoreError, UpdatedWebhook, Webhook, WebhookUpdate};
use uuid::Uuid;

use super::{
    row::{WebhookRow, find, webhook_columns},
    secrets, turns,
};
use crate::{
    SqliteStore, audit,
    decode::{stored_id, to_json},
    error::{defect, failed},
    sql::now,
};

pub(super) async fn create(
    store: &SqliteStore,
    by: &Actor,
    webhook: &NewWebhook,
    most: u32,
) -> Result<Option<Webhook>, StoreError> {
    let kinds = webhook.kinds.as_deref().map(words).transpose()?;
    let mut tx = store.write().await?;
    let there: i64 = sqlx::query_scalar("SELECT count(*) FROM webhooks WHERE tenant_id = ?1")
        .bind(stored_id(webhook.tenant.0))
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
    if there >= i64::from(most) {
        return Ok(None);
    }
    sqlx::query(
        "INSERT INTO webhooks (tenant_id, id, url, description, kinds, cursor) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .bind(stored_id(webhook.tenant.0))
    .bind(stored_id(webhook.id))
    .bind(&webhook.url)
    .bind(&webhook.description)
    .bind(kinds)
    .bind(webhook.cursor.to_string())
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    secrets::add(&mut tx, webhook.tenant, webhook.id, &webhook.secret).await?;
    turns::call(&mut tx, &stored_id(webhook.tenant.0), turns::AT_ONCE).await?;
    let made = find(&mut *tx, webhook.tenant, webhook.id).await?;
    let made = made.ok_or_else(|| defect("a webhook that was just made is not there"))?;
    audit::note(&mut tx, by, &AuditRecord::webhook_created(&made)).await?;
    tx.commit().await.map_err(failed)?;
    Ok(Some(made))
}

pub(super) async fn update(
    store: &SqliteStore,
    by: &Actor,
    tenant: TenantId,
    id: Uuid,
    seen: DateTime<Utc>,
    update: &WebhookUpdate,
) -> Result<UpdatedWebhook, StoreError> {
    let kinds = update.kinds.as_deref().map(words).transpose()?;
    let mut tx = store.write().await?;
    let Some(current) = find(&mut *tx, tenant, id).await? else { return Ok(UpdatedWebhook::NoWebhook) };
    if current.updated_at != seen {
        return Ok(UpdatedWebhook::Moved);
    }
    let row: WebhookRow = sqlx::query_as(concat!(
        "UPDATE webhooks SET url = ?3, description = ?4, kinds = iif(?7, kinds, ?5),
             state_reason = iif(?6 OR state = 'enabled', NULL, state_reason), state = iif(?6, 'enabled', 'disabled'),
             updated_at = max(strftime('%Y-%m-%dT%H:%M:%fZ', updated_at, '+0.001 seconds'), ",
        now!(),
        ") WHERE tenant_id = ?1 AND id = ?2 RETURNING ",
        webhook_columns!()
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(id))
    .bind(&update.url)
    .bind(&update.description)
    .bind(kinds)
    .bind(update.enabled)
    .bind(update.kinds == current.kinds)
    .fetch_one(&mut *tx)
    .await
    .map_err(failed)?;
    let updated = Webhook::try_from(row)?;
    turns::call(&mut tx, &stored_id(tenant.0), turns::AT_ONCE).await?;
    if let Some(record) = AuditRecord::webhook_updated(&current, &updated) {
        audit::note(&mut tx, by, &record).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(UpdatedWebhook::Done(Box::new(updated)))
}

pub(super) async fn delete(store: &SqliteStore, by: &Actor, tenant: TenantId, id: Uuid) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let done = sqlx::query("DELETE FROM webhooks WHERE tenant_id = ?1 AND id = ?2")
        .bind(stored_id(tenant.0))
        .bind(stored_id(id))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    audit::note(&mut tx, by, &AuditRecord::webhook_deleted(tenant, id)).await?;
    tx.commit().await.map_err(failed)?;
    Ok(true)
}

fn words(kinds: &[EventKind]) -> Result<String, StoreError> {
    to_json(&kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
}
