//! A person's decision about a held plan.

use directory_core::{RunId, TenantId};
use sqlx::PgConnection;
use store::{Actor, Approval, AuditRecord, Choice, Ending, Run, RunStatus, StoreError};

use super::{
    queue,
    row::{RunRow, lock, run_columns},
};
use crate::{
    access::Access,
    audit,
    decode::{Place, stored},
    error::{Fault, violates},
    schedules,
};

/// Positions that an answer names at most.
const NAMED: i64 = 20;

pub(super) async fn approve(
    access: &Access,
    by: &Actor,
    tenant: TenantId,
    run: RunId,
    digest: &str,
    choice: &Choice,
) -> Result<Approval, Fault> {
    // The active run that is in the way may end before it is looked up; then the way is free.
    loop {
        let mut tx = access.tenant(tenant).await?;
        let Some(held) = lock(&mut tx, tenant, run).await? else { return Ok(Approval::NoRun) };
        if held.status != RunStatus::Held {
            return Ok(Approval::NotHeld(held.status));
        }
        if held.plan_digest.as_deref() != Some(digest) {
            return Ok(Approval::OtherPlan);
        }
        let unknown = not_in_plan(&mut tx, &held, choice).await?;
        if !unknown.is_empty() {
            return Ok(Approval::NotInPlan(unknown));
        }
        reject_others(&mut tx, &held, choice).await?;
        reject_ignored(&mut tx, &held).await?;
        let chosen = chosen(&mut tx, &held).await?;
        if chosen == 0 {
            return Ok(Approval::NothingChosen);
        }
        match queue_again(&mut tx, &held, chosen).await {
            Ok(row) => {
                let queued = row.try_into()?;
                schedules::wait_for_review(&mut tx, tenant, held.connection, None, access.now()).await?;
                audit::note(&mut tx, by, &AuditRecord::run_approved(&held, &queued)).await?;
                tx.commit().await?;
                return Ok(Approval::Approved(Box::new(queued)));
            }
            Err(error) if violates(&error, "sync_runs_one_active") => tx.rollback().await?,
            Err(error) => return Err(error.into()),
        }
        let mut tx = access.tenant(tenant).await?;
        if let Some(active) = queue::active(&mut tx, tenant, held.connection).await? {
            return Ok(Approval::AlreadyActive(active.run));
        }
    }
}

/// A choice as the statements want it: no positions are all of them.
fn positions(choice: &Choice) -> Vec<i64> {
    match choice {
        Choice::All => Vec::new(),
        Choice::Only(seqs) | Choice::Except(seqs) => seqs.iter().copied().map(i64::from).collect(),
    }
}

async fn not_in_plan(tx: &mut PgConnection, run: &Run, choice: &Choice) -> Result<Vec<u32>, Fault> {
    let unknown: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT seq FROM unnest($3::bigint[]) AS chosen (seq) WHERE NOT EXISTS (
             SELECT 1 FROM sync_changes c WHERE c.tenant_id = $1 AND c.run_id = $2 AND c.seq = chosen.seq
                 AND c.action NOT IN ('conflict', 'protected')
         ) ORDER BY seq LIMIT $4",
    )
    .bind(run.tenant.0)
    .bind(run.id.0)
    .bind(positions(choice))
    .bind(NAMED)
    .fetch_all(tx)
    .await?;
    let place = Place { table: "sync_changes", row: &run.id };
    Ok(unknown.into_iter().map(|seq| place.number("seq", seq)).collect::<Result<_, StoreError>>()?)
}

async fn reject_others(tx: &mut PgConnection, run: &Run, choice: &Choice) -> Result<(), Fault> {
    let only = match choice {
        Choice::All => return Ok(()),
        Choice::Only(_) => true,
        Choice::Except(_) => false,
    };
    sqlx::query(
        "UPDATE sync_changes SET outcome = 'rejected'
         WHERE tenant_id = $1 AND run_id = $2 AND outcome = 'planned' AND action NOT IN ('conflict', 'protected')
             AND (seq = ANY ($3)) <> $4",
    )
    .bind(run.tenant.0)
    .bind(run.id.0)
    .bind(positions(choice))
    .bind(only)
    // Planned for these positions: a plan for any would compare each change with each position.
    .persistent(false)
    .execute(tx)
    .await?;
    Ok(())
}

/// Whoever is ignored by now is left alone, although the plan was made before.
async fn reject_ignored(tx: &mut PgConnection, run: &Run) -> Result<(), Fault> {
    sqlx::query(
        "UPDATE sync_changes SET outcome = 'rejected'
         WHERE tenant_id = $1 AND run_id = $2 AND outcome = 'planned' AND action NOT IN ('conflict', 'protected')
             AND external_id IN (SELECT external_id FROM ignored_users WHERE tenant_id = $1 AND connection_id = $3)",
    )
    .bind(run.tenant.0)
    .bind(run.id.0)
    .bind(run.connection.0)
    .persistent(false)
    .execute(tx)
    .await?;
    Ok(())
}

/// How many changes are left to apply.
async fn chosen(tx: &mut PgConnection, run: &Run) -> Result<u64, Fault> {
    let chosen: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM sync_changes
         WHERE tenant_id = $1 AND run_id = $2 AND outcome = 'planned' AND action NOT IN ('conflict', 'protected')",
    )
    .bind(run.tenant.0)
    .bind(run.id.0)
    .fetch_one(tx)
    .await?;
    Ok(Place { table: "sync_changes", row: &run.id }.number("seq", chosen)?)
}

async fn queue_again(tx: &mut PgConnection, run: &Run, chosen: u64) -> Result<RunRow, sqlx::Error> {
    sqlx::query_as(concat!(
        "UPDATE sync_runs SET status = 'queued', claims = 0, planned_changes = $3, applied_changes = 0, created = 0,
             updated = 0, linked = 0, deactivated = 0, reactivated = 0
         WHERE tenant_id = $1 AND id = $2
         RETURNING ",
        run_columns!()
    ))
    .bind(run.tenant.0)
    .bind(run.id.0)
    .bind(stored(chosen))
    .fetch_one(tx)
    .await
}

pub(super) async fn reject(access: &Access, by: &Actor, tenant: TenantId, run: RunId) -> Result<Ending, Fault> {
    let mut tx = access.tenant(tenant).await?;
    let Some(held) = lock(&mut tx, tenant, run).await? else { return Ok(Ending::NoRun) };
    match held.status {
        RunStatus::Rejected => return Ok(Ending::Ended(Box::new(held))),
        RunStatus::Held => {}
        other => return Ok(Ending::NotPossible(other)),
    }
    schedules::wait_for_review(&mut tx, tenant, held.connection, None, access.now()).await?;
    // Its changes are rejected by that: see how their outcome is read.
    let row: RunRow = sqlx::query_as(concat!(
        "UPDATE sync_runs SET status = 'rejected', finished_at = now() WHERE tenant_id = $1 AND id = $2 RETURNING ",
        run_columns!()
    ))
    .bind(tenant.0)
    .bind(run.0)
    .fetch_one(&mut *tx)
    .await?;
    let rejected = row.try_into()?;
    audit::note(&mut tx, by, &AuditRecord::run_rejected(&held, &rejected)).await?;
    tx.commit().await?;
    Ok(Ending::Ended(Box::new(rejected)))
}
