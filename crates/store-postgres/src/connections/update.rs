//! Changing a connection.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, TenantId};
use sqlx::types::Json;
use store::{ConnectionUpdate, UpdatedConnection};

use super::{ConnectionRow, columns, find};
use crate::{
    access::Access,
    error::Fault,
    runs::{lock_held, supersede},
};

pub(super) async fn update(
    access: &Access,
    tenant: TenantId,
    id: ConnectionId,
    seen: DateTime<Utc>,
    update: &ConnectionUpdate,
) -> Result<UpdatedConnection, Fault> {
    let mut tx = access.tenant(tenant).await?;
    lock_held(&mut tx, tenant, id).await?;
    let Some(current) = find(&mut tx, tenant, id).await? else { return Ok(UpdatedConnection::NoConnection) };
    // The time moves on with each update, whatever the clock's steps: it is how the next one is told from this.
    let row: Option<ConnectionRow> = sqlx::query_as(concat!(
        "UPDATE connections SET display_name = $4, group_id = $5, default_role = $6, policy = $7, schedule = $8,
             state = CASE WHEN $9 THEN 'paused' WHEN state = 'paused' THEN 'active' ELSE state END,
             state_reason = CASE WHEN $9 OR state = 'paused' THEN NULL ELSE state_reason END,
             updated_at = GREATEST(now(), updated_at + interval '1 millisecond')
         WHERE tenant_id = $1 AND id = $2 AND updated_at = $3
         RETURNING ",
        columns!()
    ))
    .bind(tenant.0)
    .bind(id.0)
    .bind(seen)
    .bind(&update.display_name)
    .bind(&update.group_id)
    .bind(&update.default_role)
    .bind(Json(&update.policy))
    .bind(&update.schedule)
    .bind(update.paused)
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(UpdatedConnection::Moved) };
    if update.alters_plans(&current) {
        supersede(&mut tx, tenant, id).await?;
    }
    tx.commit().await?;
    Ok(UpdatedConnection::Done(Box::new(row.try_into()?)))
}
