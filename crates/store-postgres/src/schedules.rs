//! Connections that are due, and directories that asked to be left alone.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, RunId, TenantId};
use sqlx::PgConnection;
use store::{Connection, Due, DueStart, NewRun, ScheduleError, Schedules, StoreError, not_before};
use uuid::Uuid;

use crate::{
    PostgresStore,
    access::Access,
    connections,
    error::{Fault, failed, persistently},
    runs,
};

#[async_trait]
impl Schedules for PostgresStore {
    async fn due_connections(
        &self,
        now: DateTime<Utc>,
        after: Option<&Due>,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError> {
        let mut tx = self.access.across_tenants().await.map_err(failed)?;
        let rows: Vec<(Uuid, Uuid, DateTime<Utc>)> = sqlx::query_as(
            "SELECT tenant_id, id, next_sync_at FROM connections
             WHERE next_sync_at <= $1 AND ($2 IS NULL OR (next_sync_at, tenant_id, id) > ($2, $3, $4))
                 AND schedule IS NOT NULL AND state <> 'paused'
             ORDER BY next_sync_at, tenant_id, id LIMIT $5",
        )
        .bind(now)
        .bind(after.map(|due| due.at))
        .bind(after.map(|due| due.tenant.0))
        .bind(after.map(|due| due.connection.0))
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?;
        let due = |(tenant, id, at)| Due { tenant: TenantId(tenant), connection: ConnectionId(id), at };
        Ok(rows.into_iter().map(due).collect())
    }

    async fn start_due(&self, due: &Due, run: RunId, now: DateTime<Utc>) -> Result<DueStart, StoreError> {
        persistently(async || match start(&self.access, due, run, now).await {
            // Whoever keeps its connection for so long is no reason to keep the others waiting. It is due at the next look too.
            Err(fault) if fault.is_impatience() => Ok(DueStart::Taken),
            done => done,
        })
        .await
    }

    async fn unplanned_connections(
        &self,
        after: Option<(TenantId, ConnectionId)>,
        limit: u32,
    ) -> Result<Vec<(TenantId, ConnectionId)>, StoreError> {
        let mut tx = self.access.across_tenants().await.map_err(failed)?;
        let (tenant, connection) = after.map_or((Uuid::nil(), Uuid::nil()), |(tenant, id)| (tenant.0, id.0));
        let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(
            "SELECT tenant_id, id FROM connections
             WHERE (tenant_id, id) > ($1, $2) AND schedule IS NOT NULL AND next_sync_at IS NULL AND state <> 'paused'
             ORDER BY tenant_id, id LIMIT $3",
        )
        .bind(tenant)
        .bind(connection)
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?;
        Ok(rows.into_iter().map(|(tenant, id)| (TenantId(tenant), ConnectionId(id))).collect())
    }

    async fn plan_connection(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        now: DateTime<Utc>,
    ) -> Result<Result<(), ScheduleError>, StoreError> {
        Ok(plan(&self.access, tenant, connection, now).await?)
    }
}

/// Runs are queued before their connection is written, as everywhere: the run that is in the way may be ending, and whoever
/// ends it writes the connection too.
async fn start(access: &Access, due: &Due, run: RunId, now: DateTime<Utc>) -> Result<DueStart, Fault> {
    let Due { tenant, connection, .. } = *due;
    let mut tx = access.tenant(tenant).await?;
    sqlx::query("SET LOCAL lock_timeout = '1s'").execute(&mut *tx).await?;
    runs::lock_held(&mut tx, tenant, connection).await?;
    if !connections::keep(&mut tx, tenant, connection).await? {
        return Ok(DueStart::Taken);
    }
    let current = match connections::find(&mut tx, tenant, connection).await {
        Ok(Some(current)) if current.next_sync_at == Some(due.at) => current,
        Ok(_) => return Ok(DueStart::Taken),
        Err(error) => {
            if matches!(error, StoreError::Corrupt { .. }) {
                move_on(&mut tx, due, None).await?;
                tx.commit().await?;
            }
            return Err(error.into());
        }
    };
    let next = match current.timing().next(now) {
        Ok(next) => next,
        Err(error) => {
            move_on(&mut tx, due, None).await?;
            tx.commit().await?;
            return Ok(DueStart::Unreadable(error));
        }
    };
    let start = match runs::insert(&mut tx, &NewRun::scheduled(tenant, connection, run)).await? {
        Some(queued) => DueStart::Queued(Box::new(queued)),
        None => match runs::active(&mut tx, tenant, connection).await? {
            Some(active) if active.is_sync => DueStart::AlreadyActive(active.run),
            Some(active) => return Ok(DueStart::Waits(active.run)),
            // It has ended since: the next attempt finds the way free.
            None => return Ok(DueStart::Taken),
        },
    };
    // Whoever changed the schedule or the state meanwhile has moved the time as well, or would not have had to.
    if next.is_none() || !move_on(&mut tx, due, next).await? {
        return Ok(DueStart::Taken);
    }
    if matches!(start, DueStart::Queued(_)) {
        runs::supersede(&mut tx, tenant, connection, now).await?;
    }
    tx.commit().await?;
    Ok(start)
}

/// Moves the time on, unless somebody else did.
async fn move_on(tx: &mut PgConnection, due: &Due, next: Option<DateTime<Utc>>) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE connections SET next_sync_at = $4
         WHERE tenant_id = $1 AND id = $2 AND next_sync_at = $3 AND state <> 'paused' AND schedule IS NOT NULL",
    )
    .bind(due.tenant.0)
    .bind(due.connection.0)
    .bind(due.at)
    .bind(next)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn plan(
    access: &Access,
    tenant: TenantId,
    connection: ConnectionId,
    now: DateTime<Utc>,
) -> Result<Result<(), ScheduleError>, Fault> {
    let mut tx = access.tenant(tenant).await?;
    let Some(current) = connections::lock(&mut tx, tenant, connection).await? else { return Ok(Ok(())) };
    let next = match current.timing().next(now) {
        Ok(next) => next,
        Err(error) => return Ok(Err(error)),
    };
    sqlx::query(
        "UPDATE connections SET next_sync_at = $3
         WHERE tenant_id = $1 AND id = $2 AND next_sync_at IS NULL AND $3 IS NOT NULL",
    )
    .bind(tenant.0)
    .bind(connection.0)
    .bind(next)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// A plan of the connection's waits for a person, and its schedule for them, until then; `None` ends the wait.
pub(crate) async fn wait_for_review(
    tx: &mut PgConnection,
    tenant: TenantId,
    connection: ConnectionId,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    let current = match connections::lock(tx, tenant, connection).await {
        Ok(Some(current)) if current.held_until != until => current,
        // A connection that cannot be read follows no schedule.
        Ok(_) | Err(Fault::Store(StoreError::Corrupt { .. })) => return Ok(()),
        Err(fault) => return Err(fault),
    };
    sqlx::query("UPDATE connections SET held_until = $3, next_sync_at = $4 WHERE tenant_id = $1 AND id = $2")
        .bind(tenant.0)
        .bind(connection.0)
        .bind(until)
        .bind(current.next_sync_holding(until, now))
        .execute(tx)
        .await?;
    Ok(())
}

/// Notes that a connection's directory asked to be left alone, and forgets what others of the tenant's asked for and is over.
pub(crate) async fn leave_alone(
    tx: &mut PgConnection,
    connection: &Connection,
    wait: Duration,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let Some(until) = not_before(now, wait) else { return Ok(()) };
    sqlx::query("DELETE FROM directory_pauses WHERE tenant_id = $1 AND not_before <= $2")
        .bind(connection.tenant.0)
        .bind(now)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO directory_pauses AS p (tenant_id, provider, cloud, directory_id, not_before)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, provider, cloud, directory_id)
             DO UPDATE SET not_before = GREATEST(p.not_before, EXCLUDED.not_before)",
    )
    .bind(connection.tenant.0)
    .bind(&connection.provider)
    .bind(&connection.cloud)
    .bind(&connection.directory_id)
    .bind(until)
    .execute(tx)
    .await
    .map(|_| ())
}
