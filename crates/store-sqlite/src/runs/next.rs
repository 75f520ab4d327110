//! Which run is handed out next: one whose worker has died; or a queued one of a tenant that has none running; or a queued one
//! of the tenant with the fewest. Whoever asks has the write lock, so places are given away one at a time.

use sqlx::SqliteConnection;
use store::{ClaimLimits, StoreError};

use crate::{error::failed, sql::now};

/// A run that can be taken.
#[derive(sqlx::FromRow)]
pub(super) struct Free {
    pub(super) tenant_id: String,
    pub(super) id: String,
}

/// What is running; the tenants of that; the connections whose directory has as many running as it may, which is `?1`. Runs
/// whose worker has died keep their places.
macro_rules! places {
    () => {
        "WITH running AS MATERIALIZED (
             SELECT tenant_id, connection_id FROM sync_runs WHERE status = 'running'
         ), busy AS MATERIALIZED (
             SELECT tenant_id, count(*) AS runs FROM running GROUP BY tenant_id
         ), closed AS MATERIALIZED (
             SELECT c.tenant_id, c.id FROM connections c JOIN (
                 SELECT provider, directory_id
                 FROM running r JOIN connections c ON c.tenant_id = r.tenant_id AND c.id = r.connection_id
                 GROUP BY provider, directory_id HAVING count(*) >= ?1
             ) taken ON c.provider = taken.provider AND c.directory_id = taken.directory_id
         ) "
    };
}

/// The run is in the queue, and nothing but its tenant's limit could be in its way.
macro_rules! waiting {
    () => {
        "r.status = 'queued' AND (r.tenant_id, r.connection_id) NOT IN (SELECT tenant_id, id FROM closed)"
    };
}

pub(super) async fn find(tx: &mut SqliteConnection, limits: ClaimLimits) -> Result<Option<Free>, StoreError> {
    if let Some(abandoned) = abandoned(tx).await.map_err(failed)? {
        return Ok(Some(abandoned));
    }
    match of_idle_tenant(tx, limits).await.map_err(failed)? {
        None => of_busy_tenant(tx, limits).await.map_err(failed),
        found => Ok(found),
    }
}

/// It has its place already.
async fn abandoned(tx: &mut SqliteConnection) -> Result<Option<Free>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT tenant_id, id FROM sync_runs WHERE status = 'running' AND lease_until < ",
        now!(),
        " ORDER BY created_at, id LIMIT 1"
    ))
    .fetch_optional(tx)
    .await
}

async fn of_idle_tenant(tx: &mut SqliteConnection, limits: ClaimLimits) -> Result<Option<Free>, sqlx::Error> {
    sqlx::query_as(concat!(
        places!(),
        "SELECT r.tenant_id, r.id FROM sync_runs r
         WHERE r.status IN ('queued', 'running') AND r.tenant_id NOT IN (SELECT tenant_id FROM busy) AND ",
        waiting!(),
        " ORDER BY r.created_at, r.id LIMIT 1"
    ))
    .bind(ClaimLimits::number(limits.per_directory))
    .fetch_optional(tx)
    .await
}

async fn of_busy_tenant(tx: &mut SqliteConnection, limits: ClaimLimits) -> Result<Option<Free>, sqlx::Error> {
    sqlx::query_as(concat!(
        places!(),
        "SELECT r.tenant_id, r.id FROM busy JOIN sync_runs r ON r.tenant_id = busy.tenant_id
         WHERE busy.runs < ?2 AND ",
        waiting!(),
        " ORDER BY busy.runs, r.created_at, r.id LIMIT 1"
    ))
    .bind(ClaimLimits::number(limits.per_directory))
    .bind(ClaimLimits::number(limits.per_tenant))
    .fetch_optional(tx)
    .await
}
