//! Deleting what has been kept for long enough.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{access::Access, error::Fault, webhooks::turns};

/// Whose events are deleted, and up to which.
type Old = (Vec<Uuid>, Vec<i64>);

pub(super) async fn delete_old_events(access: &Access, age: Duration, limit: u32) -> Result<bool, Fault> {
    let mut tx = access.across_tenants().await?;
    let (tenants, through) = oldest(&mut tx, age, limit).await?;
    // Up to the last one that is old, whatever the clock said of those before it: what is left of each begins somewhere.
    let done = sqlx::query(
        "WITH doomed AS (
             SELECT each.tenant_id, each.n FROM unnest($1::uuid[], $2::bigint[]) AS old (tenant_id, n)
             CROSS JOIN LATERAL (
                 SELECT e.tenant_id, e.n FROM events e WHERE e.tenant_id = old.tenant_id AND e.n <= old.n
                 ORDER BY e.n LIMIT $3
             ) AS each ORDER BY each.tenant_id, each.n LIMIT $3
         ), gone AS (
             DELETE FROM events e USING doomed WHERE e.tenant_id = doomed.tenant_id AND e.n = doomed.n
             RETURNING e.tenant_id, e.n, e.id
         )
         UPDATE tenants t SET events_deleted_through = last.id
         FROM (SELECT DISTINCT ON (tenant_id) tenant_id, id FROM gone ORDER BY tenant_id, n DESC) AS last
         WHERE t.id = last.tenant_id",
    )
    .bind(&tenants)
    .bind(through)
    .bind(i64::from(limit))
    .execute(&mut *tx)
    .await?;
    // Webhooks that were not sent them have to say so.
    turns::call_all(&mut tx, &tenants, turns::AT_ONCE).await?;
    tx.commit().await?;
    Ok(done.rows_affected() > 0)
}

/// The oldest of all events, by tenant. Whoever deletes a tenant's has the tenant for that long; the others go on with others'.
async fn oldest(tx: &mut PgConnection, age: Duration, limit: u32) -> Result<Old, sqlx::Error> {
    let old: Vec<(Uuid, i64)> = sqlx::query_as(
        "WITH old AS MATERIALIZED (
             SELECT tenant_id, max(n) AS n FROM (
                 SELECT tenant_id, n FROM events WHERE at < now() - make_interval(secs => $1) ORDER BY at LIMIT $2
             ) AS oldest GROUP BY tenant_id
         )
         SELECT old.tenant_id, old.n FROM old JOIN tenants t ON t.id = old.tenant_id
         ORDER BY old.tenant_id FOR NO KEY UPDATE OF t SKIP LOCKED",
    )
    .bind(age.as_secs_f64())
    .bind(i64::from(limit))
    .fetch_all(tx)
    .await?;
    Ok(old.into_iter().unzip())
}
