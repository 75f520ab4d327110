//! The list of messages that did not arrive.

use chrono::{DateTime, Utc};
use directory_core::TenantId;
use sqlx::SqlitePool;
use store::{Actor, AuditRecord, Delivery, DeliveryState, EventId, IdPage, Replay, StoreError};
use uuid::Uuid;

use super::{
    row::{DeliveryRow, delivery_columns, exists},
    turns,
};
use crate::{
    SqliteStore, audit,
    decode::{ascending, stored_id, stored_time},
    error::failed,
};

pub(super) async fn due(
    reader: &SqlitePool,
    tenant: TenantId,
    webhook: Uuid,
    now: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    sqlx::query_as::<_, DeliveryRow>(concat!(
        "SELECT ",
        delivery_columns!(),
        " FROM webhook_deliveries
          WHERE tenant_id = ?1 AND webhook_id = ?2 AND state = 'pending' AND next_attempt_at <= ?3
          ORDER BY next_attempt_at, id LIMIT ?4"
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(webhook))
    .bind(stored_time(now))
    .bind(limit)
    .fetch_all(reader)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Delivery::try_from)
    .collect()
}

pub(super) async fn list(
    reader: &SqlitePool,
    tenant: TenantId,
    webhook: Uuid,
    state: Option<DeliveryState>,
    page: IdPage,
) -> Result<Vec<Delivery>, StoreError> {
    sqlx::query_as::<_, DeliveryRow>(concat!(
        "SELECT ",
        delivery_columns!(),
        " FROM webhook_deliveries
          WHERE tenant_id = ?1 AND webhook_id = ?2 AND id > ?3 AND (?4 IS NULL OR state = ?4) ORDER BY id LIMIT ?5"
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(webhook))
    .bind(ascending(page.after))
    .bind(state.map(DeliveryState::as_str))
    .bind(page.limit)
    .fetch_all(reader)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Delivery::try_from)
    .collect()
}

pub(super) async fn replay(
    store: &SqliteStore,
    by: &Actor,
    tenant: TenantId,
    webhook: Uuid,
    replay: Replay,
    now: DateTime<Utc>,
) -> Result<Option<u64>, StoreError> {
    let mut tx = store.write().await?;
    if !exists(&mut *tx, tenant, webhook).await? {
        return Ok(None);
    }
    let one = match replay {
        Replay::After(event) => {
            rewind(&mut tx, tenant, webhook, event).await?;
            turns::call(&mut tx, &stored_id(tenant.0), now).await?;
            audit::note(&mut tx, by, &AuditRecord::webhook_replayed(tenant, webhook, replay, 0)).await?;
            tx.commit().await.map_err(failed)?;
            return Ok(Some(0));
        }
        Replay::One(delivery) => Some(delivery),
        Replay::Dead => None,
    };
    let done = sqlx::query(
        "UPDATE webhook_deliveries SET state = 'pending', attempts = 0, next_attempt_at = ?4
         WHERE tenant_id = ?1 AND webhook_id = ?2 AND (id = ?3 OR (?3 IS NULL AND state = 'dead'))",
    )
    .bind(stored_id(tenant.0))
    .bind(stored_id(webhook))
    .bind(one.map(stored_id))
    .bind(stored_time(now))
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    let asked = done.rows_affected();
    if asked == 0 {
        return Ok(one.is_none().then_some(0));
    }
    turns::call(&mut tx, &stored_id(tenant.0), now).await?;
    audit::note(&mut tx, by, &AuditRecord::webhook_replayed(tenant, webhook, replay, asked)).await?;
    tx.commit().await.map_err(failed)?;
    Ok(Some(asked))
}

/// The webhook's feed is to be read again.
async fn rewind(
    connection: &mut sqlx::SqliteConnection,
    tenant: TenantId,
    webhook: Uuid,
    cursor: EventId,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE webhooks SET cursor = ?3, caught_up_at = NULL WHERE tenant_id = ?1 AND id = ?2")
        .bind(stored_id(tenant.0))
        .bind(stored_id(webhook))
        .bind(cursor.to_string())
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}

pub(super) async fn delete_old(store: &SqliteStore, before: DateTime<Utc>, limit: u32) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "DELETE FROM webhook_deliveries WHERE (tenant_id, id) IN (
             SELECT tenant_id, id FROM webhook_deliveries WHERE state = 'dead' AND failed_at < ?1
             ORDER BY failed_at LIMIT ?2
         )",
    )
    .bind(stored_time(before))
    .bind(limit)
    .execute(&store.writer)
    .await
    .map_err(failed)?;
    Ok(done.rows_affected() == u64::from(limit))
}
