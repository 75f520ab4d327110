//! Changing a connection.

use chrono::{DateTime, TimeDelta, Utc};
use directory_core::{ConnectionId, TenantId};
use store::{Actor, AuditRecord, Connection, ConnectionUpdate, StoreError, UpdatedConnection};

use super::row::{ConnectionRow, connection_columns, find};
use crate::{
    SqliteStore, audit,
    decode::{stored_id, stored_time, to_json},
    error::failed,
    runs::{continuation, plan_anew, supersede},
    sql::now,
};

pub(super) async fn update(
    store: &SqliteStore,
    by: &Actor,
    tenant: TenantId,
    id: ConnectionId,
    seen: DateTime<Utc>,
    update: &ConnectionUpdate,
) -> Result<UpdatedConnection, StoreError> {
    let policy = to_json(&update.policy)?;
    let mut tx = store.write().await?;
    let Some(mut current) = find(&mut *tx, tenant, id).await? else { return Ok(UpdatedConnection::NoConnection) };
    if current.updated_at != seen {
        return Ok(UpdatedConnection::Moved);
    }
    if update.alters_plans(&current) {
        // What was left for the rules of before must not come back with them.
        continuation::forget(&mut tx, tenant, id).await?;
        plan_anew(&mut tx, tenant, id).await?;
        if supersede(&mut tx, tenant, id, store.clock.now()).await? {
            // It goes by its schedule again.
            let Some(again) = find(&mut *tx, tenant, id).await? else { return Ok(UpdatedConnection::NoConnection) };
            current = again;
        }
    }
    let row: ConnectionRow = sqlx::query_as(concat!(
        "UPDATE connections SET display_name = ?3, group_id = ?4, default_role = ?5, policy = ?6, schedule = ?7,
             state = CASE WHEN ?8 THEN 'paused' WHEN state = 'paused' THEN 'active' ELSE state END,
             state_reason = iif(?8 OR state = 'paused', NULL, state_reason),
             quarantined_at = iif(?8, NULL, quarantined_at), next_sync_at = ?10,
             updated_at = max(?9, ",
        now!(),
        ") WHERE tenant_id = ?1 AND id = ?2 RETURNING ",
        connection_columns!()
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(id.0))
    .bind(&update.display_name)
    .bind(&update.group_id)
    .bind(&update.default_role)
    .bind(policy)
    .bind(&update.schedule)
    .bind(update.paused)
    .bind(stored_time(next_after(seen)))
    .bind(update.next_sync(&current, store.clock.now()).map(stored_time))
    .fetch_one(&mut *tx)
    .await
    .map_err(failed)?;
    let updated = Connection::try_from(row)?;
    if let Some(record) = AuditRecord::connection_updated(&current, &updated) {
        audit::note(&mut tx, by, &record).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(UpdatedConnection::Done(Box::new(updated)))
}

/// The next time that can be told apart: two updates within a millisecond must be, and the clock may have been put back.
fn next_after(seen: DateTime<Utc>) -> DateTime<Utc> {
    seen.checked_add_signed(TimeDelta::milliseconds(1)).unwrap_or(seen)
}
