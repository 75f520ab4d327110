//! Changing a connection.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, TenantId};
use sqlx::types::Json;
use store::{Actor, AuditRecord, Connection, ConnectionUpdate, UpdatedConnection};

use super::{ConnectionRow, columns, find, lock};
use crate::{
    access::Access,
    audit,
    error::Fault,
    runs::{continuation, lock_ruled, plan_anew, supersede},
};

pub(super) async fn update(
    access: &Access,
    by: &Actor,
    tenant: TenantId,
    id: ConnectionId,
    seen: DateTime<Utc>,
    update: &ConnectionUpdate,
) -> Result<UpdatedConnection, Fault> {
    let mut tx = access.tenant(tenant).await?;
    lock_ruled(&mut tx, tenant, id).await?;
    let Some(mut current) = lock(&mut tx, tenant, id).await? else { return Ok(UpdatedConnection::NoConnection) };
    if current.updated_at != seen {
        return Ok(UpdatedConnection::Moved);
    }
    if update.alters_plans(&current) {
        // What was left for the rules of before must not come back with them.
        continuation::forget(&mut tx, tenant, id).await?;
        plan_anew(&mut tx, tenant, id).await?;
        if supersede(&mut tx, tenant, id, access.now()).await? {
            // It goes by its schedule again.
            let Some(again) = find(&mut tx, tenant, id).await? else { return Ok(UpdatedConnection::NoConnection) };
            current = again;
        }
    }
    // The time moves on with each update, whatever the clock's steps: it is how the next one is told from this.
    let row: ConnectionRow = sqlx::query_as(concat!(
        "UPDATE connections SET display_name = $3, group_id = $4, default_role = $5, policy = $6, schedule = $7,
             state = CASE WHEN $8 THEN 'paused' WHEN state = 'paused' THEN 'active' ELSE state END,
             state_reason = CASE WHEN $8 OR state = 'paused' THEN NULL ELSE state_reason END,
             quarantined_at = CASE WHEN $8 THEN NULL ELSE quarantined_at END, next_sync_at = $9,
             updated_at = GREATEST(now(), updated_at + interval '1 millisecond')
         WHERE tenant_id = $1 AND id = $2
         RETURNING ",
        columns!()
    ))
    .bind(tenant.0)
    .bind(id.0)
    .bind(&update.display_name)
    .bind(&update.group_id)
    .bind(&update.default_role)
    .bind(Json(&update.policy))
    .bind(&update.schedule)
    .bind(update.paused)
    .bind(update.next_sync(&current, access.now()))
    .fetch_one(&mut *tx)
    .await?;
    let updated = Connection::try_from(row)?;
    if let Some(record) = AuditRecord::connection_updated(&current, &updated) {
        audit::note(&mut tx, by, &record).await?;
    }
    tx.commit().await?;
    Ok(UpdatedConnection::Done(Box::new(updated)))
}
