//! Which run is handed out next. Three looks, each of which takes what it finds: a run whose worker has died; a queued one
//! of a tenant that has none running; a queued one of the tenant with the fewest.
//!
//! What is running is counted, and one more is taken, by one transaction at a time, or two servers could each see the last
//! place free. An advisory lock sees to that: it costs nothing while nobody else claims, is held for as long as one row is
//! written, and goes with its transaction. Looks do not lock what they pass over, so nobody else waits for them.
//!
//! The looks follow the queue's indexes. The second reads past the queued runs of tenants that have some running, the third
//! one run of each such tenant; how long the queue is does not matter to either.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use store::ClaimLimits;
use uuid::Uuid;

use super::row::{RunRow, run_columns};

/// The advisory lock under which places are given away; `queue` in ASCII. Locks are of one database.
const TURN: i64 = 0x71_75_65_75_65;

/// How long a process may keep the turn without a word to the server. One that was suspended right then, or lost its
/// network, would otherwise keep all of them from claiming.
const PATIENCE: &str = "5s";

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

/// Takes the run that a look calls `next`. Rows that others are writing right now are passed over instead of waited for.
macro_rules! taking {
    ($($look:expr),+) => {
        concat!(
            "WITH ",
            $($look,)+
            " UPDATE sync_runs SET status = 'running', lease_token = $1, claims = claims + 1,
                 lease_until = now() + make_interval(secs => $2), started_at = COALESCE(started_at, now()),
                 phase = CASE WHEN plan_complete THEN 'applying' ELSE 'pulling' END
             FROM next WHERE tenant_id = next_tenant AND id = next_run
             RETURNING ",
            run_columns!()
        )
    };
}

/// What is running; the tenants of that; the connections whose directory has as many running as it may, which is `$3`. Runs
/// whose worker has died keep their places.
macro_rules! places {
    () => {
        "running AS MATERIALIZED (
             SELECT r.tenant_id, r.connection_id FROM sync_runs r WHERE r.status = 'running'
         ), busy AS MATERIALIZED (
             SELECT tenant_id, count(*) AS runs FROM running GROUP BY tenant_id
         ), closed AS MATERIALIZED (
             SELECT c.tenant_id, c.id FROM connections c JOIN (
                 SELECT provider, directory_id
                 FROM running r JOIN connections ON (connections.tenant_id, connections.id) = (r.tenant_id, r.connection_id)
                 GROUP BY provider, directory_id HAVING count(*) >= $3
             ) taken USING (provider, directory_id)
         ), "
    };
}

/// The run is in the queue, and nothing but its tenant's limit could be in its way.
macro_rules! waiting {
    ($now:literal) => {
        concat!(
            "r.status = 'queued' AND (r.tenant_id, r.connection_id) NOT IN (SELECT c.tenant_id, c.id FROM closed c) AND ",
            may_be_read!("r", $now)
        )
    };
}

/// The next run, taken for so long.
pub(super) async fn take(
    tx: &mut PgConnection,
    token: Uuid,
    lease: Duration,
    limits: ClaimLimits,
    now: DateTime<Utc>,
) -> Result<Option<RunRow>, sqlx::Error> {
    if let Some(abandoned) = take_abandoned(tx, token, lease, now).await? {
        return Ok(Some(abandoned));
    }
    wait_for_turn(tx).await?;
    match take_of_idle_tenant(tx, token, lease, limits, now).await? {
        None => take_of_busy_tenant(tx, token, lease, limits, now).await,
        row => Ok(row),
    }
}

/// It has its place already, so nobody has to be waited for.
async fn take_abandoned(
    tx: &mut PgConnection,
    token: Uuid,
    lease: Duration,
    now: DateTime<Utc>,
) -> Result<Option<RunRow>, sqlx::Error> {
    sqlx::query_as(taking!(
        "next AS MATERIALIZED (
             SELECT r.tenant_id AS next_tenant, r.id AS next_run FROM sync_runs r
             WHERE r.status = 'running' AND r.lease_until < now() AND ",
        may_be_read!("r", "$3"),
        " ORDER BY r.created_at, r.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
         )"
    ))
    .bind(token)
    .bind(lease.as_secs_f64())
    .bind(now)
    .fetch_optional(tx)
    .await
}

/// To the end of the transaction. What follows sees what those before have taken: each statement has a view of its own.
///
/// The next one does not wait for the disk, or a standby, to have the claim. A claim that a crash of the server loses is
/// one that nobody made: the run is in the queue, and whoever had it has no lease.
async fn wait_for_turn(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "SELECT set_config('idle_in_transaction_session_timeout', $1, true), set_config('synchronous_commit', 'off', true),
             pg_advisory_xact_lock($2)",
    )
        .bind(PATIENCE)
        .bind(TURN)
        .execute(tx)
        .await
        .map(|_| ())
}

async fn take_of_idle_tenant(
    tx: &mut PgConnection,
    token: Uuid,
    lease: Duration,
    limits: ClaimLimits,
    now: DateTime<Utc>,
) -> Result<Option<RunRow>, sqlx::Error> {
    sqlx::query_as(taking!(
        places!(),
        "next AS MATERIALIZED (
             SELECT r.tenant_id AS next_tenant, r.id AS next_run FROM sync_runs r
             WHERE r.tenant_id NOT IN (SELECT busy.tenant_id FROM busy) AND ",
        waiting!("$4"),
        " ORDER BY r.created_at, r.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
         )"
    ))
    .bind(token)
    .bind(lease.as_secs_f64())
    .bind(ClaimLimits::number(limits.per_directory))
    .bind(now)
    .fetch_optional(tx)
    .await
}

async fn take_of_busy_tenant(
    tx: &mut PgConnection,
    token: Uuid,
    lease: Duration,
    limits: ClaimLimits,
    now: DateTime<Utc>,
) -> Result<Option<RunRow>, sqlx::Error> {
    sqlx::query_as(taking!(
        places!(),
        "oldest AS MATERIALIZED (
             SELECT busy.tenant_id, busy.runs, r.id, r.created_at FROM busy, LATERAL (
                 SELECT r.id, r.created_at FROM sync_runs r WHERE r.tenant_id = busy.tenant_id AND ",
        waiting!("$5"),
        "        ORDER BY r.created_at, r.id LIMIT 1
             ) r WHERE busy.runs < $4
         ), next AS MATERIALIZED (
             SELECT r.tenant_id AS next_tenant, r.id AS next_run
             FROM oldest JOIN sync_runs r ON (r.tenant_id, r.id) = (oldest.tenant_id, oldest.id)
             WHERE r.status = 'queued'
             ORDER BY oldest.runs, oldest.created_at, oldest.id LIMIT 1 FOR NO KEY UPDATE OF r SKIP LOCKED
         )"
    ))
    .bind(token)
    .bind(lease.as_secs_f64())
    .bind(ClaimLimits::number(limits.per_directory))
    .bind(ClaimLimits::number(limits.per_tenant))
    .bind(now)
    .fetch_optional(tx)
    .await
}
