//! Holding a run, and giving it back.

use std::time::Duration;

use sqlx::{SqliteConnection, SqlitePool};
use store::{Lease, Progress, StoreError};

use crate::{
    decode::{from_now, stored, stored_id},
    error::{expect_lease, failed},
    sql::held_by_lease,
};

pub(super) async fn renew(
    writer: &SqlitePool,
    lease: &Lease,
    length: Duration,
    progress: Progress,
) -> Result<(), StoreError> {
    let done = sqlx::query(concat!(
        "UPDATE sync_runs SET lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?4), phase = ?5, seen = max(seen, ?6)
         WHERE ",
        held_by_lease!()
    ))
    .bind(stored_id(lease.tenant.0))
    .bind(stored_id(lease.run.0))
    .bind(stored_id(lease.token))
    .bind(from_now(length))
    .bind(progress.phase.as_str())
    .bind(stored(progress.seen))
    .execute(writer)
    .await
    .map_err(failed)?;
    expect_lease(done.rows_affected())
}

pub(super) async fn release(writer: &SqlitePool, lease: &Lease) -> Result<(), StoreError> {
    let done = sqlx::query(concat!(
        "UPDATE sync_runs SET status = 'queued', lease_token = NULL, lease_until = NULL, claims = max(claims - 1, 0) WHERE ",
        held_by_lease!()
    ))
    .bind(stored_id(lease.tenant.0))
    .bind(stored_id(lease.run.0))
    .bind(stored_id(lease.token))
    .execute(writer)
    .await
    .map_err(failed)?;
    expect_lease(done.rows_affected())
}

/// Fails unless the lease holds. In a transaction that writes, it then holds to the transaction's end.
pub(super) async fn verify(connection: &mut SqliteConnection, lease: &Lease) -> Result<(), StoreError> {
    let held: i64 = sqlx::query_scalar(concat!("SELECT count(*) FROM sync_runs WHERE ", held_by_lease!()))
        .bind(stored_id(lease.tenant.0))
        .bind(stored_id(lease.run.0))
        .bind(stored_id(lease.token))
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    if held == 1 { Ok(()) } else { Err(StoreError::LeaseLost) }
}
