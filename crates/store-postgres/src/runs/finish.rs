//! Where a plan goes once it is complete, and how a run ends.

use chrono::{DateTime, Utc};
use directory_core::{Counts, HoldReason, PlanSummary};
use sqlx::{PgConnection, types::Json};
use store::{
    Aftermath, Connection, ConnectionEffect, Lease, PlanNext, Reading, Run, RunEnd, RunError, RunPhase, RunStatus,
    StoreError, held_until,
};

use super::{
    cancel::drop_plans,
    continuation,
    lease::held,
    row::{RunRow, run_columns},
};
use crate::{
    access::Access,
    connections,
    decode::{storable, stored},
    error::Fault,
    schedules,
};

/// What the run's row says of a complete plan.
struct Verdict<'a> {
    status: RunStatus,
    phase: RunPhase,
    /// Of the actions. While applying they start at nothing and count what is done.
    actions: Counts,
    digest: Option<&'a str>,
    reasons: &'a [HoldReason],
}

impl<'a> Verdict<'a> {
    fn of(plan: &PlanSummary, next: &'a PlanNext) -> Self {
        match next {
            PlanNext::Apply => Self {
                status: RunStatus::Running,
                phase: RunPhase::Applying,
                actions: Counts::default(),
                digest: None,
                reasons: &[],
            },
            PlanNext::Hold(held) => Self {
                status: RunStatus::Held,
                phase: RunPhase::Planning,
                actions: plan.counts,
                digest: Some(&held.digest),
                reasons: &held.reasons,
            },
            PlanNext::Planned { digest, reasons } => Self {
                status: RunStatus::Planned,
                phase: RunPhase::Planning,
                actions: plan.counts,
                digest: Some(digest),
                reasons,
            },
        }
    }
}

pub(super) async fn plan(
    access: &Access,
    lease: &Lease,
    plan: &PlanSummary,
    reading: &Reading,
    next: &PlanNext,
) -> Result<(), Fault> {
    let verdict = Verdict::of(plan, next);
    // What is not applied at once is read anew.
    let continuation = reading.continuation.as_ref().filter(|_| *next == PlanNext::Apply);
    let mut tx = access.tenant(lease.tenant).await?;
    if verdict.status == RunStatus::Held {
        let (connection, now) = (leased(&mut tx, lease).await?.connection(), access.now());
        schedules::wait_for_review(&mut tx, lease.tenant, connection, Some(held_until(now)), now).await?;
    }
    let done = sqlx::query(
        "UPDATE sync_runs SET plan_complete = true, claims = 0, status = $4, phase = $5, planned_changes = $6, plan_digest = $7,
             hold = $8, seen = $9, unchanged = $10, excluded = $11, protected = $12, conflicts = $13, created = $14,
             updated = $15, linked = $16, deactivated = $17, reactivated = $18, mode = $19, mode_reason = $20,
             continuation = $21, continuation_scope = $22,
             lease_token = CASE WHEN $4 = 'running' THEN lease_token END,
             lease_until = CASE WHEN $4 = 'running' THEN lease_until END,
             finished_at = CASE WHEN $4 = 'planned' THEN now() END
         WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND status = 'running'",
    )
    .bind(lease.tenant.0)
    .bind(lease.run.0)
    .bind(lease.token)
    .bind(verdict.status.as_str())
    .bind(verdict.phase.as_str())
    .bind(stored(plan.applicable))
    .bind(verdict.digest)
    .bind(Json(verdict.reasons))
    .bind(stored(plan.counts.seen))
    .bind(stored(plan.counts.unchanged))
    .bind(stored(plan.counts.excluded))
    .bind(stored(plan.counts.protected))
    .bind(stored(plan.counts.conflicts))
    .bind(stored(verdict.actions.created))
    .bind(stored(verdict.actions.updated))
    .bind(stored(verdict.actions.linked))
    .bind(stored(verdict.actions.deactivated))
    .bind(stored(verdict.actions.reactivated))
    .bind(reading.mode.as_str())
    .bind(reading.reason.as_str())
    .bind(continuation.map(|place| place.sealed.as_slice()))
    .bind(continuation.map(|place| place.scope.as_str()))
    .execute(&mut *tx)
    .await?;
    held(&done)?;
    Ok(tx.commit().await?)
}

pub(super) async fn run(access: &Access, lease: &Lease, end: &RunEnd) -> Result<Run, Fault> {
    let error = end.error.as_ref().map(|error| RunError {
        code: error.code,
        message: storable(&error.message),
        hint: storable(&error.hint),
        request_id: error.request_id.as_deref().map(storable),
    });
    let is_applied = matches!(end.status, RunStatus::Succeeded | RunStatus::CompletedWithErrors);
    let mut tx = access.tenant(lease.tenant).await?;
    let running = leased(&mut tx, lease).await?;
    if !running.plan_complete {
        drop_plans(&mut tx, lease.tenant, &[lease.run.0]).await?;
    }
    let running = Run::try_from(running)?;
    if is_applied {
        settle_scope(&mut tx, &running).await?;
    }
    let aftermath = aftermath(&mut tx, &running, &end.connection, access.now()).await?;
    if is_applied {
        continuation::hand_over(&mut tx, lease).await?;
    }
    // From here on nothing takes long and nobody is waited for: these two tell events, and the feed waits for whoever does.
    let row: RunRow = sqlx::query_as(concat!(
        "UPDATE sync_runs SET status = $3, error = $4, finished_at = now(), lease_token = NULL, lease_until = NULL,
             continuation = NULL, continuation_scope = NULL
         WHERE tenant_id = $1 AND id = $2
         RETURNING ",
        run_columns!()
    ))
    .bind(lease.tenant.0)
    .bind(lease.run.0)
    .bind(end.status.as_str())
    .bind(error.map(Json))
    .fetch_one(&mut *tx)
    .await?;
    let run = Run::try_from(row)?;
    if let Some((current, after)) = aftermath {
        note_on_connection(&mut tx, &current, &after).await?;
    }
    tx.commit().await?;
    Ok(run)
}

/// The run, whose row is its worker's for the rest of the transaction.
async fn leased(tx: &mut PgConnection, lease: &Lease) -> Result<RunRow, Fault> {
    let row: Option<RunRow> = sqlx::query_as(concat!(
        "SELECT ",
        run_columns!(),
        " FROM sync_runs WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND status = 'running' FOR NO KEY UPDATE"
    ))
    .bind(lease.tenant.0)
    .bind(lease.run.0)
    .bind(lease.token)
    .fetch_optional(tx)
    .await?;
    row.ok_or(Fault::Store(StoreError::LeaseLost))
}

/// From here on its users are the connection's like any others.
async fn settle_scope(connection: &mut PgConnection, run: &Run) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE connections SET new_scope = false WHERE tenant_id = $1 AND id = $2 AND new_scope")
        .bind(run.tenant.0)
        .bind(run.connection.0)
        .execute(connection)
        .await
        .map(|_| ())
}

/// What the run's end means for its connection, which is then locked. A connection that stays as it is is not even that: a
/// sync without changes leaves its row untouched.
async fn aftermath(
    tx: &mut PgConnection,
    run: &Run,
    effect: &ConnectionEffect,
    now: DateTime<Utc>,
) -> Result<Option<(Connection, Aftermath)>, Fault> {
    if *effect == ConnectionEffect::Keep {
        return Ok(None);
    }
    let Some(current) = connections::find(tx, run.tenant, run.connection).await? else { return Ok(None) };
    if let ConnectionEffect::BackOff { retry_after: Some(wait) } = effect {
        schedules::leave_alone(tx, &current, *wait, now).await?;
    }
    if Aftermath::of(run, effect, &current, now).is_none() {
        return Ok(None);
    }
    let Some(current) = connections::lock(tx, run.tenant, run.connection).await? else { return Ok(None) };
    Ok(Aftermath::of(run, effect, &current, now).map(|after| (current, after)))
}

async fn note_on_connection(tx: &mut PgConnection, current: &Connection, after: &Aftermath) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE connections SET state = $3, state_reason = $4, quarantined_at = $5, setbacks = $6, next_sync_at = $7,
             updated_at = CASE WHEN $8 THEN GREATEST(updated_at, now()) ELSE updated_at END
         WHERE tenant_id = $1 AND id = $2",
    )
    .bind(current.tenant.0)
    .bind(current.id.0)
    .bind(after.state.as_str())
    .bind(after.state_reason.as_deref().map(storable))
    .bind(after.quarantined_at)
    .bind(i32::try_from(after.setbacks).unwrap_or(i32::MAX))
    .bind(after.next_sync_at)
    .bind(after.alters_state(current))
    .execute(tx)
    .await
    .map(|_| ())
}
