//! The queue: runs come in and are handed out.

use std::time::Duration;

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, RunId, TenantId};
use sqlx::{PgConnection, types::Json};
use store::{Actor, AuditRecord, Claim, ClaimLimits, CreatedRun, Lease, NewRun, Run, RunError, StoreError};
use uuid::Uuid;

use super::{
    next::{self, may_be_read},
    row::{RunRow, run_columns},
};
use crate::{
    access::{Access, confine},
    audit, connections,
    error::Fault,
    schedules,
};

pub(super) async fn create(access: &Access, by: &Actor, run: &NewRun) -> Result<CreatedRun, Fault> {
    // The active run that is in the way may end before it is looked up; then the way is free.
    loop {
        let mut tx = access.tenant(run.tenant).await?;
        // Runs are locked before their connection everywhere, or two transactions could wait for each other.
        lock_held(&mut tx, run.tenant, run.connection).await?;
        if !connections::keep(&mut tx, run.tenant, run.connection).await? {
            return Ok(CreatedRun::NoConnection);
        }
        if let Some(queued) = insert(&mut tx, run).await? {
            if !run.dry_run {
                supersede(&mut tx, run.tenant, run.connection, access.now()).await?;
            }
            if let Some(record) = AuditRecord::run_requested(&queued) {
                audit::note(&mut tx, by, &record).await?;
            }
            tx.commit().await?;
            return Ok(CreatedRun::Queued(Box::new(queued)));
        }
        if let Some(active) = active(&mut tx, run.tenant, run.connection).await? {
            return Ok(CreatedRun::AlreadyActive(active.run));
        }
    }
}

/// Queues the run, unless the unique index says that another one is active.
pub(crate) async fn insert(connection: &mut PgConnection, run: &NewRun) -> Result<Option<Run>, Fault> {
    let row: Option<RunRow> = sqlx::query_as(concat!(
        "INSERT INTO sync_runs (tenant_id, id, connection_id, status, mode, trigger, dry_run, draft)
         VALUES ($1, $2, $3, 'queued', $4, $5, $6, $7)
         ON CONFLICT (tenant_id, connection_id) WHERE status IN ('queued', 'running') DO NOTHING
         RETURNING ",
        run_columns!()
    ))
    .bind(run.tenant.0)
    .bind(run.id.0)
    .bind(run.connection.0)
    .bind(run.mode.as_str())
    .bind(run.trigger.as_str())
    .bind(run.dry_run)
    .bind(run.draft.as_ref().map(Json))
    .fetch_optional(connection)
    .await?;
    Ok(row.map(Run::try_from).transpose()?)
}

/// Locks the connection's held run, which a person may be deciding about, for the rest of the transaction. Whether there is
/// one.
pub(crate) async fn lock_held(
    tx: &mut PgConnection,
    tenant: TenantId,
    connection: ConnectionId,
) -> Result<bool, sqlx::Error> {
    let held: Option<i32> = sqlx::query_scalar(
        "SELECT 1 FROM sync_runs WHERE tenant_id = $1 AND connection_id = $2 AND status = 'held' FOR NO KEY UPDATE",
    )
    .bind(tenant.0)
    .bind(connection.0)
    .fetch_optional(tx)
    .await?;
    Ok(held.is_some())
}

/// Locks the connection's runs that other rules would mean something to, for the rest of the transaction.
pub(crate) async fn lock_ruled(
    tx: &mut PgConnection,
    tenant: TenantId,
    connection: ConnectionId,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "SELECT 1 FROM sync_runs WHERE tenant_id = $1 AND connection_id = $2 AND status IN ('held', 'running')
         ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(tenant.0)
    .bind(connection.0)
    .execute(tx)
    .await
    .map(|_| ())
}

/// A run that is still being planned goes back into the queue: its plan would be one of the rules of before. What is being
/// applied goes on, and a preview has rules of its own.
pub(crate) async fn plan_anew(
    tx: &mut PgConnection,
    tenant: TenantId,
    connection: ConnectionId,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE sync_runs SET status = 'queued', lease_token = NULL, lease_until = NULL, claims = GREATEST(claims - 1, 0)
         WHERE tenant_id = $1 AND connection_id = $2 AND status = 'running' AND NOT plan_complete AND draft IS NULL",
    )
    .bind(tenant.0)
    .bind(connection.0)
    .execute(tx)
    .await
    .map(|_| ())
}

/// Something newer takes the held plan's place, and the schedule waits for that no longer. Whether there was one.
pub(crate) async fn supersede(
    tx: &mut PgConnection,
    tenant: TenantId,
    connection: ConnectionId,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    if !lock_held(tx, tenant, connection).await? {
        return Ok(false);
    }
    schedules::wait_for_review(tx, tenant, connection, None, now).await?;
    sqlx::query(
        "UPDATE sync_runs SET status = 'superseded', finished_at = now()
         WHERE tenant_id = $1 AND connection_id = $2 AND status = 'held'",
    )
    .bind(tenant.0)
    .bind(connection.0)
    .execute(tx)
    .await?;
    Ok(true)
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
    session: &mut PgConnection,
    tenant: TenantId,
    connection: ConnectionId,
) -> Result<Option<Active>, sqlx::Error> {
    let active: Option<(Uuid, bool)> = sqlx::query_as(
        "SELECT id, NOT dry_run AND plan_digest IS NULL FROM sync_runs
         WHERE tenant_id = $1 AND connection_id = $2 AND status IN ('queued', 'running')",
    )
    .bind(tenant.0)
    .bind(connection.0)
    .fetch_optional(session)
    .await?;
    Ok(active.map(|(run, is_sync)| Active { run: RunId(run), is_sync }))
}

pub(super) async fn claim_next(
    access: &Access,
    token: Uuid,
    lease: Duration,
    limits: ClaimLimits,
) -> Result<Option<Claim>, Fault> {
    loop {
        let mut tx = access.across_tenants().await?;
        let Some(row) = next::take(&mut tx, token, lease, limits, access.now()).await? else { return Ok(None) };
        let (tenant, _) = row.key();
        confine(&mut tx, TenantId(tenant)).await?;
        let claim = taken(&mut tx, row, token).await?;
        tx.commit().await?;
        if claim.is_some() {
            return Ok(claim);
        }
    }
}

pub(super) async fn claim_run(
    access: &Access,
    tenant: TenantId,
    run: RunId,
    token: Uuid,
    lease: Duration,
) -> Result<Option<Claim>, Fault> {
    let mut tx = access.tenant(tenant).await?;
    let row: Option<RunRow> = sqlx::query_as(concat!(
        "UPDATE sync_runs SET status = 'running', lease_token = $3, claims = claims + 1,
             lease_until = now() + make_interval(secs => $4),
             started_at = COALESCE(started_at, now()),
             phase = CASE WHEN plan_complete THEN 'applying' ELSE 'pulling' END
         WHERE tenant_id = $1 AND id = $2 AND (status = 'queued' OR (status = 'running' AND lease_until < now())) AND ",
        may_be_read!("sync_runs", "$5"),
        " RETURNING ",
        run_columns!()
    ))
    .bind(tenant.0)
    .bind(run.0)
    .bind(token)
    .bind(lease.as_secs_f64())
    .bind(access.now())
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let claim = taken(&mut tx, row, token).await?;
    tx.commit().await?;
    Ok(claim)
}

/// The claim of a run that was just taken. A run that nobody could ever work on fails instead.
async fn taken(transaction: &mut PgConnection, row: RunRow, token: Uuid) -> Result<Option<Claim>, Fault> {
    let (tenant, run) = row.key();
    let error = match with_connection(transaction, row, token).await {
        Ok(Some(claim)) => return Ok(Some(claim)),
        Ok(None) => RunError::connection_gone(),
        Err(Fault::Store(corrupt @ StoreError::Corrupt { .. })) => RunError::unreadable(&corrupt),
        Err(other) => return Err(other),
    };
    // Unlike a claim it must not be lost: others are told of it.
    sqlx::query("SET LOCAL synchronous_commit TO DEFAULT").execute(&mut *transaction).await?;
    sqlx::query(
        "UPDATE sync_runs SET status = 'failed', error = $3, finished_at = now(), lease_token = NULL, lease_until = NULL
         WHERE tenant_id = $1 AND id = $2",
    )
    .bind(tenant)
    .bind(run)
    .bind(Json(error))
    .execute(transaction)
    .await?;
    Ok(None)
}

async fn with_connection(transaction: &mut PgConnection, row: RunRow, token: Uuid) -> Result<Option<Claim>, Fault> {
    let (plan_complete, attempt) = (row.plan_complete, row.attempt()?);
    let run = Run::try_from(row)?;
    let lease = Lease { tenant: run.tenant, run: run.id, token };
    let connection = connections::find(transaction, run.tenant, run.connection).await?;
    Ok(connection.map(|connection| {
        let connection = connection.drafted(run.draft.as_ref());
        Claim { run, connection, lease, plan_complete, attempt }
    }))
}
