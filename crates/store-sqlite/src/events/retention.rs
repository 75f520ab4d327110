//! Deleting what has been kept for long enough.

use std::{collections::BTreeMap, time::Duration};

use sqlx::SqliteConnection;
use store::StoreError;

use crate::{
    SqliteStore,
    decode::{ago, to_json},
    error::failed,
    webhooks::turns,
};

/// An event that is old.
#[derive(sqlx::FromRow)]
struct Old {
    n: i64,
    tenant_id: String,
    id: String,
}

pub(super) async fn delete_old_events(store: &SqliteStore, age: Duration, limit: u32) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let old = oldest(&mut tx, age, limit).await?;
    if old.is_empty() {
        return Ok(false);
    }
    let numbers: Vec<i64> = old.iter().map(|event| event.n).collect();
    sqlx::query("DELETE FROM events WHERE n IN (SELECT value FROM json_each(?1))")
        .bind(to_json(&numbers)?)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    // Each tenant's last.
    let last: BTreeMap<String, String> = old.into_iter().map(|event| (event.tenant_id, event.id)).collect();
    sqlx::query(
        "UPDATE tenants SET events_deleted_through = last.value FROM json_each(?1) AS last WHERE tenants.id = last.key",
    )
    .bind(to_json(&last)?)
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    // Webhooks that were not sent them have to say so.
    for tenant in last.keys() {
        turns::call(&mut tx, tenant, turns::AT_ONCE).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(true)
}

/// The oldest of all events, by tenant and in order. Of each tenant up to the last one that is old, whatever the clock said of
/// those before it: what is left begins somewhere.
async fn oldest(connection: &mut SqliteConnection, age: Duration, limit: u32) -> Result<Vec<Old>, StoreError> {
    sqlx::query_as(
        "SELECT e.n, e.tenant_id, e.id FROM (
             SELECT tenant_id, max(n) AS n FROM (
                 SELECT tenant_id, n FROM events WHERE at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?1)
                 ORDER BY at LIMIT ?2
             ) GROUP BY tenant_id
         ) AS old CROSS JOIN events AS e ON e.tenant_id = old.tenant_id AND e.n <= old.n
         ORDER BY e.tenant_id, e.n LIMIT ?2",
    )
    .bind(ago(age))
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(failed)
}
