//! Deleting what has been kept for long enough.

use std::time::Duration;

use directory_core::TenantId;
use uuid::Uuid;

use crate::{
    access::{Access, confine},
    error::Fault,
    webhooks::turns,
};

pub(super) async fn delete_old_events(access: &Access, age: Duration, limit: u32) -> Result<bool, Fault> {
    let mut tx = access.across_tenants().await?;
    let tenant: Option<Uuid> = sqlx::query_scalar(
        "SELECT tenant_id FROM events WHERE at < now() - make_interval(secs => $1) ORDER BY at LIMIT 1",
    )
    .bind(age.as_secs_f64())
    .fetch_optional(&mut *tx)
    .await?;
    let Some(tenant) = tenant else { return Ok(false) };
    confine(&mut tx, TenantId(tenant)).await?;
    // Who deletes this tenant's events at the same time goes first, and then there is less to delete.
    sqlx::query("SELECT 1 FROM tenants WHERE id = $1 FOR NO KEY UPDATE").bind(tenant).execute(&mut *tx).await?;
    // Up to the last one that is old, whatever the clock said of those before it: what is left begins somewhere.
    let old: Vec<Uuid> = sqlx::query_scalar(
        "SELECT id FROM events WHERE tenant_id = $1 AND n <= (
             SELECT max(n) FROM events WHERE tenant_id = $1 AND at < now() - make_interval(secs => $2)
         ) ORDER BY n LIMIT $3",
    )
    .bind(tenant)
    .bind(age.as_secs_f64())
    .bind(i64::from(limit))
    .fetch_all(&mut *tx)
    .await?;
    let Some(last) = old.last().copied() else { return Ok(true) };
    sqlx::query("DELETE FROM events WHERE tenant_id = $1 AND id = ANY ($2)")
        .bind(tenant)
        .bind(old)
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE tenants SET events_deleted_through = $2 WHERE id = $1")
        .bind(tenant)
        .bind(last)
        .execute(&mut *tx)
        .await?;
    // Webhooks that were not sent them have to say so.
    turns::call(&mut tx, TenantId(tenant), turns::AT_ONCE).await?;
    tx.commit().await?;
    Ok(true)
}
