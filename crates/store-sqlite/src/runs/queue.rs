//! The queue: runs come in and are handed out. Each of these is one transaction with the write lock, so nobody comes in
//! between a look and the write that follows from it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, RunId, TenantId};
use sqlx::SqliteConnection;
use store::{Actor, AuditRecord, Claim, ClaimLimits, CreatedRun, Lease, NewRun, Run, RunError, StoreError};
use uuid::Uuid;

use super::{
    next::{self, Free, may_be_read},
    row::{RunRow, run_columns},
};
use crate::{
    SqliteStore, audit, connections,
    decode::{Place, from_now, stored_id, stored_time, to_json},
    error::failed,
    schedules,
    sql::now,
};

pub(super) async fn create(store: &SqliteStore, by: &Actor, run: &NewRun) -> Result<CreatedRun, StoreError> {
    let draft = run.draft.as_ref().map(to_json).transpose()?;
    let mut tx = store.write().await?;
    if connections::find(&mut *tx, run.tenant, run.connection).await?.is_none() {
        return Ok(CreatedRun::NoConnection);
    }
    if let Some(active) = active(&mut tx, run.tenant, run.connection).await? {
        return Ok(CreatedRun::AlreadyActive(active.run));
    }
    let queued = insert(&mut tx, run, draft).await?;
    if !run.dry_run {
        supersede(&mut tx, run.tenant, run.connection, store.clock.now()).await?;
    }
    if let Some(record) = AuditRecord::run_requested(&queued) {
        audit::note(&mut tx, by, &record).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(CreatedRun::Queued(Box::new(queued)))
}

/// A connection's queued or running run.
#[derive(Clone, Copy)]
pub(crate) struct Active {
    pub(crate) run: RunId,
    /// Whether it makes the users what the directory says they are: it is no dry run, and no plan of an earlier reading that a
    /// person approved (only those have a digest before they end).
    pub(crate) is_sync: bool,
}

/// The connection's active run.
pub(crate) async fn active(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    of: ConnectionId,
) -> Result<Option<Active>, StoreError> {
    let active: Option<(String, bool)> = sqlx::query_as(
        "SELECT id, NOT dry_run AND plan_digest IS NULL FROM sync_runs
         WHERE tenant_id = ?1 AND connection_id = ?2 AND status IN ('queued', 'running')",
    )
    .bind(stored_id(tenant.0))
    .bind(stored_id(of.0))
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    let Some((id, is_sync)) = active else { return Ok(None) };
    Ok(Some(Active { run: Place { table: "sync_runs", row: &id }.id("id", &id)?, is_sync }))
}

pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    run: &NewRun,
    draft: Option<String>,
) -> Result<Run, StoreError> {
    sqlx::query_as::<_, RunRow>(concat!(
        r#"INSERT INTO sync_runs (tenant_id, id, connection_id, status, mode, "trigger", dry_run, draft)
         VALUES (?1, ?2, ?3, 'queued', ?4, ?5, ?6, ?7) RETURNING "#,
        run_columns!()
    ))
    .bind(stored_id(run.tenant.0))
    .bind(stored_id(run.id.0))
    .bind(stored_id(run.connection.0))
    .bind(run.mode.as_str())
    .bind(run.trigger.as_str())
    .bind(run.dry_run)
    .bind(draft)
    .fetch_one(connection)
    .await
    .map_err(failed)?
    .try_into()
}

/// A run that is still being planned goes back into the queue: its plan would be one of the rules of before. What is being
/// applied goes on, and a preview has rules of its own.
pub(crate) async fn plan_anew(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    of: ConnectionId,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE sync_runs SET status = 'queued', lease_token = NULL, lease_until = NULL, claims = max(claims - 1, 0)
         WHERE tenant_id = ?1 AND connection_id = ?2 AND status = 'running' AND NOT plan_complete AND draft IS NULL",
    )
    .bind(stored_id(tenant.0))
    .bind(stored_id(of.0))
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}

/// Something newer takes the held plan's place, and the schedule waits for that no longer. Whether there was one.
pub(crate) async fn supersede(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    of: ConnectionId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query(concat!(
        "UPDATE sync_runs SET status = 'superseded', finished_at = ",
        now!(),
        " WHERE tenant_id = ?1 AND connection_id = ?2 AND status = 'held'"
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(of.0))
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    schedules::wait_for_review(connection, tenant, of, None, now).await?;
    Ok(true)
}

pub(super) async fn claim_next(
    store: &SqliteStore,
    token: Uuid,
    lease: Duration,
    limits: ClaimLimits,
) -> Result<Option<Claim>, StoreError> {
    loop {
        let mut tx = store.write().await?;
        let Some(free) = next::find(&mut tx, limits, store.clock.now()).await? else { return Ok(None) };
        let claim = take(&mut tx, &free, token, lease).await?;
        tx.commit().await.map_err(failed)?;
        if claim.is_some() {
            return Ok(claim);
        }
    }
}

pub(super) async fn claim_run(
    store: &SqliteStore,
    tenant: TenantId,
    run: RunId,
    token: Uuid,
    lease: Duration,
) -> Result<Option<Claim>, StoreError> {
    let mut tx = store.write().await?;
    let free: Option<Free> = sqlx::query_as(concat!(
        "SELECT tenant_id, id FROM sync_runs AS r WHERE tenant_id = ?1 AND id = ?2
                 AND (status = 'queued' OR (status = 'running' AND lease_until < ",
        now!(),
        ")) AND ",
        may_be_read!("r", "?3")
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(run.0))
    .bind(stored_time(store.clock.now()))
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed)?;
    let Some(free) = free else { return Ok(None) };
    let claim = take(&mut tx, &free, token, lease).await?;
    tx.commit().await.map_err(failed)?;
    Ok(claim)
}

/// Takes the run. A run that nobody could ever work on fails instead, with no claim.
async fn take(
    connection: &mut SqliteConnection,
    free: &Free,
    token: Uuid,
    lease: Duration,
) -> Result<Option<Claim>, StoreError> {
    let row: RunRow = sqlx::query_as(concat!(
        "UPDATE sync_runs SET status = 'running', lease_token = ?3, claims = claims + 1,
             lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?4), started_at = coalesce(started_at, ",
        now!(),
        "), phase = CASE WHEN plan_complete THEN 'applying' ELSE 'pulling' END
         WHERE tenant_id = ?1 AND id = ?2 RETURNING ",
        run_columns!()
    ))
    .bind(&free.tenant_id)
    .bind(&free.id)
    .bind(stored_id(token))
    .bind(from_now(lease))
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    let error = match with_connection(connection, row, token).await {
        Ok(Some(claim)) => return Ok(Some(claim)),
        Ok(None) => RunError::connection_gone(),
        Err(corrupt @ StoreError::Corrupt { .. }) => RunError::unreadable(&corrupt),
        Err(other) => return Err(other),
    };
    fail(connection, free, &error).await?;
    Ok(None)
}

async fn with_connection(
    connection: &mut SqliteConnection,
    row: RunRow,
    token: Uuid,
) -> Result<Option<Claim>, StoreError> {
    let (plan_complete, attempt) = (row.plan_complete, row.attempt()?);
    let run = Run::try_from(row)?;
    let lease = Lease { tenant: run.tenant, run: run.id, token };
    let connection = connections::find(connection, run.tenant, run.connection).await?;
    Ok(connection.map(|connection| {
        let connection = connection.drafted(run.draft.as_ref());
        Claim { run, connection, lease, plan_complete, attempt }
    }))
}

async fn fail(connection: &mut SqliteConnection, run: &Free, error: &RunError) -> Result<(), StoreError> {
    sqlx::query(concat!(
        "UPDATE sync_runs SET status = 'failed', error = ?3, lease_token = NULL, lease_until = NULL, finished_at = ",
        now!(),
        " WHERE tenant_id = ?1 AND id = ?2"
    ))
    .bind(&run.tenant_id)
    .bind(&run.id)
    .bind(to_json(error)?)
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}
