//! Leases. The token is the fence: a worker writes as long as the run carries its token, whatever the clocks say.

use std::time::Duration;

use sqlx::PgConnection;
use store::{Lease, Progress, StoreError};

use crate::{access::Access, decode::stored, error::Fault};

/// The run, as long as the lease is ours.
macro_rules! leased {
    ($lock:literal) => {
        concat!(
            "SELECT 1 FROM sync_runs WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND status = 'running'",
            $lock
        )
    };
}

/// Whether the lease stands at the moment. It may be lost by the next.
pub(super) async fn stands(connection: &mut PgConnection, lease: &Lease) -> Result<(), Fault> {
    look(connection, lease, leased!("")).await
}

/// Locks the run for the rest of the transaction, so that nobody claims it before what is written under the lease is
/// committed.
pub(super) async fn hold(connection: &mut PgConnection, lease: &Lease) -> Result<(), Fault> {
    look(connection, lease, leased!(" FOR NO KEY UPDATE")).await
}

async fn look(connection: &mut PgConnection, lease: &Lease, run: &'static str) -> Result<(), Fault> {
    let leased: Option<i32> = sqlx::query_scalar(run)
        .bind(lease.tenant.0)
        .bind(lease.run.0)
        .bind(lease.token)
        .fetch_optional(connection)
        .await?;
    leased.map(|_| ()).ok_or(Fault::Store(StoreError::LeaseLost))
}

/// A write of the run's own row under its lease hits one row, or the lease is another's.
pub(super) fn held(done: &sqlx::postgres::PgQueryResult) -> Result<(), StoreError> {
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}

pub(super) async fn renew(access: &Access, lease: &Lease, length: Duration, progress: Progress) -> Result<(), Fault> {
    let mut tx = access.tenant(lease.tenant).await?;
    let done = sqlx::query(
        "UPDATE sync_runs SET lease_until = now() + make_interval(secs => $4), phase = $5, seen = GREATEST(seen, $6)
         WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND status = 'running'",
    )
    .bind(lease.tenant.0)
    .bind(lease.run.0)
    .bind(lease.token)
    .bind(length.as_secs_f64())
    .bind(progress.phase.as_str())
    .bind(stored(progress.seen))
    .execute(&mut *tx)
    .await?;
    held(&done)?;
    Ok(tx.commit().await?)
}

pub(super) async fn release(access: &Access, lease: &Lease) -> Result<(), Fault> {
    let mut tx = access.tenant(lease.tenant).await?;
    let done = sqlx::query(
        "UPDATE sync_runs SET status = 'queued', lease_token = NULL, lease_until = NULL, claims = GREATEST(claims - 1, 0)
         WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND status = 'running'",
    )
    .bind(lease.tenant.0)
    .bind(lease.run.0)
    .bind(lease.token)
    .execute(&mut *tx)
    .await?;
    held(&done)?;
    Ok(tx.commit().await?)
}
