//! Connections that are due, and directories that asked to be left alone.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, RunId, TenantId};
use sqlx::SqliteConnection;
use store::{Connection, Due, DueStart, NewRun, ScheduleError, Schedules, StoreError, not_before};

use crate::{
    SqliteStore, connections,
    decode::{Place, stored_id, stored_time},
    error::failed,
    runs,
};

#[derive(sqlx::FromRow)]
struct DueRow {
    tenant_id: String,
    id: String,
    next_sync_at: String,
}

impl TryFrom<DueRow> for Due {
    type Error = StoreError;

    fn try_from(row: DueRow) -> Result<Self, StoreError> {
        let place = Place { table: "connections", row: &row.id };
        Ok(Self {
            tenant: place.id("tenant_id", &row.tenant_id)?,
            connection: place.id("id", &row.id)?,
            at: place.time("next_sync_at", &row.next_sync_at)?,
        })
    }
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    tenant_id: String,
    id: String,
}

#[async_trait]
impl Schedules for SqliteStore {
    async fn due_connections(
        &self,
        now: DateTime<Utc>,
        after: Option<&Due>,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError> {
        // Every time and every id comes after the empty text.
        let (at, tenant, connection) = after
            .map(|due| (stored_time(due.at), stored_id(due.tenant.0), stored_id(due.connection.0)))
            .unwrap_or_default();
        sqlx::query_as::<_, DueRow>(
            "SELECT tenant_id, id, next_sync_at FROM connections
             WHERE next_sync_at <= ?1 AND (next_sync_at, tenant_id, id) > (?2, ?3, ?4)
                 AND schedule IS NOT NULL AND state <> 'paused'
             ORDER BY next_sync_at, tenant_id, id LIMIT ?5",
        )
        .bind(stored_time(now))
        .bind(at)
        .bind(tenant)
        .bind(connection)
        .bind(limit)
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?
        .into_iter()
        .map(Due::try_from)
        .collect()
    }

    async fn start_due(&self, due: &Due, run: RunId, now: DateTime<Utc>) -> Result<DueStart, StoreError> {
        start(self, due, run, now).await
    }

    async fn unplanned_connections(
        &self,
        after: Option<(TenantId, ConnectionId)>,
        limit: u32,
    ) -> Result<Vec<(TenantId, ConnectionId)>, StoreError> {
        let (tenant, connection) = after.map(|(tenant, id)| (stored_id(tenant.0), stored_id(id.0))).unwrap_or_default();
        let rows: Vec<KeyRow> = sqlx::query_as(
            "SELECT tenant_id, id FROM connections
             WHERE (tenant_id, id) > (?1, ?2) AND schedule IS NOT NULL AND next_sync_at IS NULL AND state <> 'paused'
             ORDER BY tenant_id, id LIMIT ?3",
        )
        .bind(tenant)
        .bind(connection)
        .bind(limit)
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?;
        let key = |row: KeyRow| {
            let place = Place { table: "connections", row: &row.id };
            Ok((place.id("tenant_id", &row.tenant_id)?, place.id("id", &row.id)?))
        };
        rows.into_iter().map(key).collect()
    }

    async fn plan_connection(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        now: DateTime<Utc>,
    ) -> Result<Result<(), ScheduleError>, StoreError> {
        plan(self, tenant, connection, now).await
    }
}

async fn start(store: &SqliteStore, due: &Due, run: RunId, now: DateTime<Utc>) -> Result<DueStart, StoreError> {
    let Due { tenant, connection, .. } = *due;
    let mut tx = store.write().await?;
    let next = match connections::find(&mut *tx, tenant, connection).await {
        Ok(Some(current)) if current.next_sync_at == Some(due.at) => current.timing().next(now),
        Ok(_) => return Ok(DueStart::Taken),
        Err(error) => {
            if matches!(error, StoreError::Corrupt { .. }) {
                move_on(&mut tx, due, None).await?;
                tx.commit().await.map_err(failed)?;
            }
            return Err(error);
        }
    };
    let start = match (next, runs::active(&mut tx, tenant, connection).await?) {
        // Paused, by a program of before this was known.
        (Ok(None), _) => return Ok(DueStart::Taken),
        (Err(error), _) => {
            move_on(&mut tx, due, None).await?;
            DueStart::Unreadable(error)
        }
        (Ok(_), Some(active)) if !active.is_sync => return Ok(DueStart::Waits(active.run)),
        (Ok(next), Some(active)) => {
            move_on(&mut tx, due, next).await?;
            DueStart::AlreadyActive(active.run)
        }
        (Ok(next), None) => {
            move_on(&mut tx, due, next).await?;
            let queued = runs::insert(&mut tx, &NewRun::scheduled(tenant, connection, run), None).await?;
            runs::supersede(&mut tx, tenant, connection, now).await?;
            DueStart::Queued(Box::new(queued))
        }
    };
    tx.commit().await.map_err(failed)?;
    Ok(start)
}

/// Moves the time on. Nobody else can have, since the transaction has found it where it was.
async fn move_on(transaction: &mut SqliteConnection, due: &Due, next: Option<DateTime<Utc>>) -> Result<(), StoreError> {
    sqlx::query("UPDATE connections SET next_sync_at = ?4 WHERE tenant_id = ?1 AND id = ?2 AND next_sync_at = ?3")
        .bind(stored_id(due.tenant.0))
        .bind(stored_id(due.connection.0))
        .bind(stored_time(due.at))
        .bind(next.map(stored_time))
        .execute(transaction)
        .await
        .map(drop)
        .map_err(failed)
}

async fn plan(
    store: &SqliteStore,
    tenant: TenantId,
    connection: ConnectionId,
    now: DateTime<Utc>,
) -> Result<Result<(), ScheduleError>, StoreError> {
    let mut tx = store.write().await?;
    let Some(current) = connections::find(&mut *tx, tenant, connection).await? else { return Ok(Ok(())) };
    let next = match current.timing().next(now) {
        Ok(next) => next,
        Err(error) => return Ok(Err(error)),
    };
    sqlx::query(
        "UPDATE connections SET next_sync_at = ?3
         WHERE tenant_id = ?1 AND id = ?2 AND next_sync_at IS NULL AND ?3 IS NOT NULL",
    )
    .bind(stored_id(tenant.0))
    .bind(stored_id(connection.0))
    .bind(next.map(stored_time))
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    Ok(Ok(()))
}

/// A plan of the connection's waits for a person, and its schedule for them, until then; `None` ends the wait.
pub(crate) async fn wait_for_review(
    transaction: &mut SqliteConnection,
    tenant: TenantId,
    connection: ConnectionId,
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let current = match connections::find(&mut *transaction, tenant, connection).await {
        Ok(Some(current)) if current.held_until != until => current,
        // A connection that cannot be read follows no schedule.
        Ok(_) | Err(StoreError::Corrupt { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    sqlx::query("UPDATE connections SET held_until = ?3, next_sync_at = ?4 WHERE tenant_id = ?1 AND id = ?2")
        .bind(stored_id(tenant.0))
        .bind(stored_id(connection.0))
        .bind(until.map(stored_time))
        .bind(current.next_sync_holding(until, now).map(stored_time))
        .execute(transaction)
        .await
        .map(drop)
        .map_err(failed)
}

/// Notes that a connection's directory asked to be left alone, and forgets what others of the tenant's asked for and is over.
pub(crate) async fn leave_alone(
    transaction: &mut SqliteConnection,
    connection: &Connection,
    wait: Duration,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(until) = not_before(now, wait) else { return Ok(()) };
    sqlx::query("DELETE FROM directory_pauses WHERE tenant_id = ?1 AND not_before <= ?2")
        .bind(stored_id(connection.tenant.0))
        .bind(stored_time(now))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    sqlx::query(
        "INSERT INTO directory_pauses (tenant_id, provider, cloud, directory_id, not_before) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant_id, provider, cloud, directory_id)
             DO UPDATE SET not_before = max(not_before, excluded.not_before)",
    )
    .bind(stored_id(connection.tenant.0))
    .bind(&connection.provider)
    .bind(&connection.cloud)
    .bind(&connection.directory_id)
    .bind(stored_time(until))
    .execute(transaction)
    .await
    .map(drop)
    .map_err(failed)
}
