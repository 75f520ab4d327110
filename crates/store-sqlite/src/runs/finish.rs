//! Where a run goes once its plan is complete, and how it ends.

use chrono::{DateTime, Utc};
use directory_core::{Counts, HoldReason, PlanSummary};
use sqlx::SqliteConnection;
use store::{
    Aftermath, ConnectionEffect, HeldPlan, Lease, PlanNext, Reading, Run, RunEnd, RunStatus, StoreError, held_until,
};

use super::{
    continuation,
    row::{RunRow, run_columns},
    stage::drop_changes,
};
use crate::{
    SqliteStore, connections,
    decode::{Place, stored, stored_id, stored_time, to_json},
    error::failed,
    schedules,
    sql::{held_by_lease, now},
};

/// What [`PlanNext`] means for the run's row.
struct Next<'a> {
    status: RunStatus,
    /// Which of the plan's actions count already. Applying counts them one by one.
    done: Counts,
    digest: Option<&'a str>,
    hold: &'a [HoldReason],
}

impl<'a> Next<'a> {
    fn of(plan: &PlanSummary, next: &'a PlanNext) -> Self {
        match next {
            PlanNext::Apply => Self { status: RunStatus::Running, done: Counts::default(), digest: None, hold: &[] },
            PlanNext::Hold(HeldPlan { digest, reasons }) => {
                Self { status: RunStatus::Held, done: plan.counts, digest: Some(digest), hold: reasons }
            }
            PlanNext::Planned { digest, reasons } => {
                Self { status: RunStatus::Planned, done: plan.counts, digest: Some(digest), hold: reasons }
            }
        }
    }
}

pub(super) async fn plan(
    store: &SqliteStore,
    lease: &Lease,
    plan: &PlanSummary,
    reading: &Reading,
    next: &PlanNext,
) -> Result<(), StoreError> {
    let Next { status, done, digest, hold } = Next::of(plan, next);
    let looked_at = &plan.counts;
    // What is not applied at once is read anew.
    let continuation = reading.continuation.as_ref().filter(|_| *next == PlanNext::Apply);
    let mut tx = store.write().await?;
    let of: Option<String> = sqlx::query_scalar(concat!(
        "UPDATE sync_runs SET status = ?4,
             created = ?5, updated = ?6, linked = ?7, deactivated = ?8, reactivated = ?9,
             seen = ?10, unchanged = ?11, excluded = ?12, protected = ?13, conflicts = ?14,
             planned_changes = ?15, plan_digest = ?16, hold = ?17, mode = ?18, mode_reason = ?19,
             continuation = ?20, continuation_scope = ?21, plan_complete = 1, claims = 0,
             phase = iif(?4 = 'running', 'applying', phase),
             finished_at = iif(?4 = 'planned', ",
        now!(),
        ", NULL),
             lease_token = iif(?4 = 'running', lease_token, NULL), lease_until = iif(?4 = 'running', lease_until, NULL)
         WHERE ",
        held_by_lease!(),
        " RETURNING connection_id"
    ))
    .bind(stored_id(lease.tenant.0))
    .bind(stored_id(lease.run.0))
    .bind(stored_id(lease.token))
    .bind(status.as_str())
    .bind(stored(done.created))
    .bind(stored(done.updated))
    .bind(stored(done.linked))
    .bind(stored(done.deactivated))
    .bind(stored(done.reactivated))
    .bind(stored(looked_at.seen))
    .bind(stored(looked_at.unchanged))
    .bind(stored(looked_at.excluded))
    .bind(stored(looked_at.protected))
    .bind(stored(looked_at.conflicts))
    .bind(stored(plan.applicable))
    .bind(digest)
    .bind(to_json(hold)?)
    .bind(reading.mode.as_str())
    .bind(reading.reason.as_str())
    .bind(continuation.map(|place| place.sealed.as_slice()))
    .bind(continuation.map(|place| place.scope.as_str()))
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed)?;
    let of = of.ok_or(StoreError::LeaseLost)?;
    if status == RunStatus::Held {
        let connection = Place { table: "sync_runs", row: &stored_id(lease.run.0) }.id("connection_id", &of)?;
        let now = store.clock.now();
        schedules::wait_for_review(&mut tx, lease.tenant, connection, Some(held_until(now)), now).await?;
    }
    tx.commit().await.map_err(failed)
}

pub(super) async fn run(store: &SqliteStore, lease: &Lease, end: &RunEnd) -> Result<Run, StoreError> {
    let error = end.error.as_ref().map(to_json).transpose()?;
    let mut tx = store.write().await?;
    if matches!(end.status, RunStatus::Succeeded | RunStatus::CompletedWithErrors) {
        continuation::hand_over(&mut tx, lease).await?;
    }
    let row: Option<RunRow> = sqlx::query_as(concat!(
        "UPDATE sync_runs SET status = ?4, error = ?5, lease_token = NULL, lease_until = NULL,
             continuation = NULL, continuation_scope = NULL, finished_at = ",
        now!(),
        " WHERE ",
        held_by_lease!(),
        " RETURNING ",
        run_columns!()
    ))
    .bind(stored_id(lease.tenant.0))
    .bind(stored_id(lease.run.0))
    .bind(stored_id(lease.token))
    .bind(end.status.as_str())
    .bind(error)
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed)?;
    let row = row.ok_or(StoreError::LeaseLost)?;
    if !row.plan_complete {
        drop_changes(&mut tx, lease.tenant, lease.run).await?;
    }
    let run = Run::try_from(row)?;
    affect(&mut tx, &run, &end.connection, store.clock.now()).await?;
    if matches!(run.status, RunStatus::Succeeded | RunStatus::CompletedWithErrors) {
        settle_scope(&mut tx, &run).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(run)
}

/// From here on its users are the connection's like any others.
async fn settle_scope(transaction: &mut SqliteConnection, run: &Run) -> Result<(), StoreError> {
    sqlx::query("UPDATE connections SET new_scope = 0 WHERE tenant_id = ?1 AND id = ?2 AND new_scope")
        .bind(stored_id(run.tenant.0))
        .bind(stored_id(run.connection.0))
        .execute(transaction)
        .await
        .map(drop)
        .map_err(failed)
}

/// Writes what the run's end means for its connection. Its time never goes back to one that an administrator may have
/// seen before a change.
async fn affect(
    transaction: &mut SqliteConnection,
    run: &Run,
    effect: &ConnectionEffect,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if *effect == ConnectionEffect::Keep {
        return Ok(());
    }
    let Some(current) = connections::find(&mut *transaction, run.tenant, run.connection).await? else { return Ok(()) };
    if let ConnectionEffect::BackOff { retry_after: Some(wait) } = effect {
        schedules::leave_alone(transaction, &current, *wait, now).await?;
    }
    let Some(after) = Aftermath::of(run, effect, &current, now) else { return Ok(()) };
    sqlx::query(concat!(
        "UPDATE connections SET state = ?3, state_reason = ?4, quarantined_at = ?5, setbacks = ?6, next_sync_at = ?7,
             updated_at = iif(?8, max(updated_at, ",
        now!(),
        "), updated_at) WHERE tenant_id = ?1 AND id = ?2"
    ))
    .bind(stored_id(run.tenant.0))
    .bind(stored_id(run.connection.0))
    .bind(after.state.as_str())
    .bind(&after.state_reason)
    .bind(after.quarantined_at.map(stored_time))
    .bind(after.setbacks)
    .bind(after.next_sync_at.map(stored_time))
    .bind(after.alters_state(&current))
    .execute(transaction)
    .await
    .map(drop)
    .map_err(failed)
}
