//! Deleting what has been kept for long enough.

use std::time::Duration;

use sqlx::SqliteConnection;
use store::StoreError;

use crate::{
    SqliteStore,
    decode::{ago, to_json},
    error::failed,
    webhooks::turns,
};

pub(super) async fn delete_old_events(store: &SqliteStore, age: Duration, limit: u32) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let tenant: Option<String> = sqlx::query_scalar(
        "SELECT tenant_id FROM events WHERE at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?1) ORDER BY at LIMIT 1",
    )
    .bind(ago(age))
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed)?;
    let Some(tenant) = tenant else { return Ok(false) };
    let old = old(&mut tx, &tenant, age, limit).await?;
    let Some(last) = old.last() else { return Ok(true) };
    sqlx::query("DELETE FROM events WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))")
        .bind(&tenant)
        .bind(to_json(&old)?)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    sqlx::query("UPDATE tenants SET events_deleted_through = ?2 WHERE id = ?1")
        .bind(&tenant)
        .bind(last)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    // Webhooks that were not sent them have to say so.
    turns::call(&mut tx, &tenant, turns::AT_ONCE).await?;
    tx.commit().await.map_err(failed)?;
    Ok(true)
}

/// Up to the last one that is old, whatever the clock said of those before it: what is left begins somewhere.
async fn old(
    connection: &mut SqliteConnection,
    tenant: &str,
    age: Duration,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar(
        "SELECT id FROM events WHERE tenant_id = ?1 AND n <= (
             SELECT max(n) FROM events WHERE tenant_id = ?1 AND at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?2)
         ) ORDER BY n LIMIT ?3",
    )
    .bind(tenant)
    .bind(ago(age))
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(failed)
}
