//! Applying: the next changes of a plan that is complete, in one transaction with the marks that say so.
//!
//! The write lock is held from the first look to the last write, so what was looked at still holds when it is written.

mod look;
mod unseen;
mod write;

use directory_core::Counts;
use sqlx::SqliteConnection;
use store::{
    Applied, Lease, StoreError,
    batch::{Member, judge, tally},
};

use crate::{
    SqliteStore,
    decode::stored_id,
    error::failed,
    sql::{held_by_lease, to_apply},
};

/// A run that is being applied.
struct Applying {
    tenant: String,
    run: String,
    connection: String,
}

/// A stretch of the plan: its entangled changes, or some of the others by position.
struct Span {
    entangled: bool,
    after: i64,
    through: i64,
}

/// What a batch did.
struct Batch {
    counts: Counts,
    applied: u64,
    stale: u64,
    /// The position that is reached.
    through: i64,
}

#[derive(sqlx::FromRow)]
struct PositionRow {
    connection_id: String,
    applied_through: Option<i64>,
}

pub(super) async fn apply_batch(store: &SqliteStore, lease: &Lease, limit: u32) -> Result<Applied, StoreError> {
    let mut tx = store.write().await?;
    let position = locate(&mut tx, lease).await?;
    let run =
        Applying { tenant: stored_id(lease.tenant.0), run: stored_id(lease.run.0), connection: position.connection_id };
    let through = match position.applied_through {
        Some(done) => apply_next(&mut tx, &run, done, limit).await?,
        // With nothing entangled there is no reason to come back for the rest.
        None if apply_entangled(&mut tx, &run).await? => 0,
        None => apply_next(&mut tx, &run, 0, limit).await?,
    };
    let more = is_more(&mut tx, &run, through).await?;
    tx.commit().await.map_err(failed)?;
    Ok(Applied { more })
}

async fn locate(connection: &mut SqliteConnection, lease: &Lease) -> Result<PositionRow, StoreError> {
    let position: Option<PositionRow> = sqlx::query_as(concat!(
        "SELECT connection_id, applied_through FROM sync_runs WHERE plan_complete AND ",
        held_by_lease!()
    ))
    .bind(stored_id(lease.tenant.0))
    .bind(stored_id(lease.run.0))
    .bind(stored_id(lease.token))
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    position.ok_or(StoreError::LeaseLost)
}

/// Applies the entangled changes, all at once; whether there are any.
async fn apply_entangled(connection: &mut SqliteConnection, run: &Applying) -> Result<bool, StoreError> {
    let span = Span { entangled: true, after: 0, through: i64::MAX };
    let members = look::members(connection, run, &span, None).await?;
    if members.is_empty() {
        return Ok(false);
    }
    apply(connection, run, &span, &members, 0).await?;
    Ok(true)
}

/// Applies the next changes after a position; the position that is reached.
async fn apply_next(
    connection: &mut SqliteConnection,
    run: &Applying,
    after: i64,
    limit: u32,
) -> Result<i64, StoreError> {
    if let Some(batch) = unseen::create(connection, run, after, limit).await? {
        write::note_progress(connection, run, &batch).await?;
        return Ok(batch.through);
    }
    let rest = Span { entangled: false, after, through: i64::MAX };
    let members = look::members(connection, run, &rest, Some(limit)).await?;
    let through = match members.last() {
        Some(last) => i64::from(last.seq),
        None => look::last_position(connection, run).await?,
    };
    apply(connection, run, &Span { through, ..rest }, &members, through).await?;
    Ok(through)
}

async fn apply(
    connection: &mut SqliteConnection,
    run: &Applying,
    span: &Span,
    members: &[Member],
    through: i64,
) -> Result<(), StoreError> {
    let standing = look::standing(connection, run, members).await?;
    let verdict = judge(members, &standing);
    write::mark_stale(connection, run, &verdict.stale).await?;
    write::park(connection, run, &verdict.parked).await?;
    let stale = verdict.stale.len() as u64;
    let applied = members.len() as u64 - stale;
    let batch = Batch { counts: tally(members, &verdict.stale), applied, stale, through };
    write::write_users(connection, run, span, applied, batch.counts.created).await?;
    write::note_progress(connection, run, &batch).await
}

async fn is_more(connection: &mut SqliteConnection, run: &Applying, through: i64) -> Result<bool, StoreError> {
    sqlx::query_scalar(concat!(
        "SELECT EXISTS (SELECT 1 FROM sync_changes AS c
         WHERE c.tenant_id = ?1 AND c.run_id = ?2 AND c.seq > ?3 AND NOT c.entangled AND ",
        to_apply!(),
        ")"
    ))
    .bind(&run.tenant)
    .bind(&run.run)
    .bind(through)
    .fetch_one(connection)
    .await
    .map_err(failed)
}
