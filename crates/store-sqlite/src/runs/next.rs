//! Which run is handed out next: one whose worker has died; or a queued one of a tenant that has none running; or a queued one
//! of the tenant with the fewest. Whoever asks has the write lock, so places are given away one at a time.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use store::{ClaimLimits, StoreError};

use crate::{decode::stored_time, error::failed, sql::now};

/// A run that can be taken.
#[derive(sqlx::FromRow)]
pub(super) struct Free {
    pub(super) tenant_id: String,
    pub(super) id: String,
}

/// The run of that name reads no directory, or one that does not ask to be left alone at that time.
macro_rules! may_be_read {
    ($run:literal, $now:literal) => {
        concat!(
            "(",
            $run,
            ".plan_complete OR NOT EXISTS (
                 SELECT 1 FROM connections AS c JOIN directory_pauses AS p ON p.tenant_id = c.tenant_id
                     AND p.provider = c.provider AND p.cloud = c.cloud AND p.directory_id = c.directory_id
                 WHERE c.tenant_id = ",
            $run,
            ".tenant_id AND c.id = ",
            $run,
            ".connection_id AND p.not_before > ",
            $now,
            "))"
        )
    };
}
pub(super) use may_be_read;

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
    ($now:literal) => {
        concat!(
            "r.status = 'queued' AND (r.tenant_id, r.connection_id) NOT IN (SELECT tenant_id, id FROM closed) AND ",
            may_be_read!("r", $now)
        )
    };
}

pub(super) async fn find(
    tx: &mut SqliteConnection,
    limits: ClaimLimits,
    now: DateTime<Utc>,
) -> Result<Option<Free>, StoreError> {
    if let Some(abandoned) = abandoned(tx, now).await.map_err(failed)? {
        return Ok(Some(abandoned));
    }
    match of_idle_tenant(tx, limits, now).await.map_err(failed)? {
        None => of_busy_tenant(tx, limits, now).await.map_err(failed),
        found => Ok(found),
    }
}

/// It has its place already.
async fn abandoned(tx: &mut SqliteConnection, now: DateTime<Utc>) -> Result<Option<Free>, sqlx::Error> {
    sqlx::query_as(concat!(
        "SELECT r.tenant_id, r.id FROM sync_runs AS r WHERE r.status = 'running' AND r.lease_until < ",
        now!(),
        " AND ",
        may_be_read!("r", "?1"),
        " ORDER BY r.created_at, r.id LIMIT 1"
    ))
    .bind(stored_time(now))
    .fetch_optional(tx)
    .await
}

async fn of_idle_tenant(
    tx: &mut SqliteConnection,
    limits: ClaimLimits,
    now: DateTime<Utc>,
) -> Result<Option<Free>, sqlx::Error> {
    sqlx::query_as(concat!(
        places!(),
        "SELECT r.tenant_id, r.id FROM sync_runs r
         WHERE r.status IN ('queued', 'running') AND r.tenant_id NOT IN (SELECT tenant_id FROM busy) AND ",
        waiting!("?2"),
        " ORDER BY r.created_at, r.id LIMIT 1"
    ))
    .bind(ClaimLimits::number(limits.per_directory))
    .bind(stored_time(now))
    .fetch_optional(tx)
    .await
}

async fn of_busy_tenant(
    tx: &mut SqliteConnection,
    limits: ClaimLimits,
    now: DateTime<Utc>,
) -> Result<Option<Free>, sqlx::Error> {
    sqlx::query_as(concat!(
        places!(),
        "SELECT r.tenant_id, r.id FROM busy JOIN sync_runs r ON r.tenant_id = busy.tenant_id
         WHERE busy.runs < ?2 AND ",
        waiting!("?3"),
        " ORDER BY busy.runs, r.created_at, r.id LIMIT 1"
    ))
    .bind(ClaimLimits::number(limits.per_directory))
    .bind(ClaimLimits::number(limits.per_tenant))
    .bind(stored_time(now))
    .fetch_optional(tx)
    .await
}
