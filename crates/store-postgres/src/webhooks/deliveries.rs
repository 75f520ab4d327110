//! The list of messages that did not arrive.

use chrono::{DateTime, Utc};
use directory_core::TenantId;
use sqlx::PgConnection;
use store::{Actor, AuditRecord, Delivery, DeliveryState, EventId, IdPage, Replay, StoreError};
use uuid::Uuid;

use super::{
    row::{DeliveryRow, delivery_columns, hold},
    turns,
};
use crate::{
    access::Access,
    audit,
    decode::ascending,
    error::{Fault, failed},
};

pub(super) async fn due(
    access: &Access,
    tenant: TenantId,
    webhook: Uuid,
    now: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let mut tx = access.tenant(tenant).await.map_err(failed)?;
    sqlx::query_as::<_, DeliveryRow>(concat!(
        "SELECT ",
        delivery_columns!(),
        " FROM webhook_deliveries
          WHERE tenant_id = $1 AND webhook_id = $2 AND state = 'pending' AND next_attempt_at <= $3
          ORDER BY next_attempt_at, id LIMIT $4"
    ))
    .bind(tenant.0)
    .bind(webhook)
    .bind(now)
    .bind(i64::from(limit))
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Delivery::try_from)
    .collect()
}

pub(super) async fn list(
    access: &Access,
    tenant: TenantId,
    webhook: Uuid,
    state: Option<DeliveryState>,
    page: IdPage,
) -> Result<Vec<Delivery>, StoreError> {
    let mut tx = access.tenant(tenant).await.map_err(failed)?;
    sqlx::query_as::<_, DeliveryRow>(concat!(
        "SELECT ",
        delivery_columns!(),
        " FROM webhook_deliveries
          WHERE tenant_id = $1 AND webhook_id = $2 AND id > $3 AND ($4::text IS NULL OR state = $4)
          ORDER BY id LIMIT $5"
    ))
    .bind(tenant.0)
    .bind(webhook)
    .bind(ascending(page.after))
    .bind(state.map(DeliveryState::as_str))
    .bind(i64::from(page.limit))
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Delivery::try_from)
    .collect()
}

pub(super) async fn replay(
    access: &Access,
    by: &Actor,
    tenant: TenantId,
    webhook: Uuid,
    replay: Replay,
    now: DateTime<Utc>,
) -> Result<Option<u64>, Fault> {
    let mut tx = access.tenant(tenant).await?;
    if !hold(&mut tx, tenant, webhook).await? {
        return Ok(None);
    }
    let one = match replay {
        Replay::After(event) => {
            rewind(&mut tx, tenant, webhook, event).await?;
            turns::call(&mut tx, tenant, now).await?;
            audit::note(&mut tx, by, &AuditRecord::webhook_replayed(tenant, webhook, replay, 0)).await?;
            tx.commit().await?;
            return Ok(Some(0));
        }
        Replay::One(delivery) => Some(delivery),
        Replay::Dead => None,
    };
    let done = sqlx::query(
        "UPDATE webhook_deliveries SET state = 'pending', attempts = 0, next_attempt_at = $4
         WHERE tenant_id = $1 AND webhook_id = $2 AND (id = $3 OR ($3 IS NULL AND state = 'dead'))",
    )
    .bind(tenant.0)
    .bind(webhook)
    .bind(one)
    .bind(now)
    .execute(&mut *tx)
    .await?;
    let asked = done.rows_affected();
    if asked == 0 {
        return Ok(one.is_none().then_some(0));
    }
    turns::call(&mut tx, tenant, now).await?;
    audit::note(&mut tx, by, &AuditRecord::webhook_replayed(tenant, webhook, replay, asked)).await?;
    tx.commit().await?;
    Ok(Some(asked))
}

/// The webhook's feed is to be read again.
async fn rewind(tx: &mut PgConnection, tenant: TenantId, webhook: Uuid, cursor: EventId) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE webhooks SET cursor = $3, caught_up_at = NULL WHERE tenant_id = $1 AND id = $2")
        .bind(tenant.0)
        .bind(webhook)
        .bind(cursor.to_string())
        .execute(tx)
        .await
        .map(|_| ())
}

pub(super) async fn delete_old(access: &Access, before: DateTime<Utc>, limit: u32) -> Result<bool, sqlx::Error> {
    let mut tx = access.across_tenants().await?;
    let done = sqlx::query(
        "DELETE FROM webhook_deliveries WHERE (tenant_id, id) IN (
             SELECT tenant_id, id FROM webhook_deliveries WHERE state = 'dead' AND failed_at < $1
             ORDER BY failed_at LIMIT $2 FOR UPDATE SKIP LOCKED
         )",
    )
    .bind(before)
    .bind(i64::from(limit))
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(done.rows_affected() == u64::from(limit))
}
