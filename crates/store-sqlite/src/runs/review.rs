//! Approving a held plan, as a whole or in part.

use directory_core::{ConnectionId, RunId, TenantId};
use sqlx::SqliteConnection;
use store::{Actor, Approval, AuditRecord, Choice, Run, RunStatus, StoreError};

use super::{
    history, queue,
    row::{RunRow, run_columns},
};
use crate::{
    SqliteStore, audit,
    decode::{Place, stored_id, to_json},
    error::failed,
    schedules,
    sql::to_apply,
};

/// Unknown positions that are named to the caller.
const NAMED: u32 = 20;

/// A held plan.
struct Plan {
    tenant: String,
    run: String,
}

pub(super) async fn approve(
    store: &SqliteStore,
    by: &Actor,
    tenant: TenantId,
    id: RunId,
    digest: &str,
    choice: &Choice,
) -> Result<Approval, StoreError> {
    let mut tx = store.write().await?;
    let Some(run) = history::run(&mut *tx, tenant, id).await? else { return Ok(Approval::NoRun) };
    if run.status != RunStatus::Held {
        return Ok(Approval::NotHeld(run.status));
    }
    if run.plan_digest.as_deref() != Some(digest) {
        return Ok(Approval::OtherPlan);
    }
    let plan = Plan { tenant: stored_id(tenant.0), run: stored_id(id.0) };
    let unknown = settle(&mut tx, &plan, choice).await?;
    if !unknown.is_empty() {
        return Ok(Approval::NotInPlan(unknown));
    }
    reject_ignored(&mut tx, &plan, run.connection).await?;
    let chosen = count(&mut tx, &plan).await?;
    if chosen == 0 {
        return Ok(Approval::NothingChosen);
    }
    if let Some(active) = queue::active(&mut tx, tenant, run.connection).await? {
        return Ok(Approval::AlreadyActive(active.run));
    }
    let queued = requeue(&mut tx, &plan, chosen).await?;
    schedules::wait_for_review(&mut tx, tenant, run.connection, None, store.clock.now()).await?;
    audit::note(&mut tx, by, &AuditRecord::run_approved(&run, &queued)).await?;
    tx.commit().await.map_err(failed)?;
    Ok(Approval::Approved(Box::new(queued)))
}

/// Rejects what is not chosen, unless the choice names positions at which there is nothing to apply: then those.
async fn settle(connection: &mut SqliteConnection, plan: &Plan, choice: &Choice) -> Result<Vec<u32>, StoreError> {
    let (named, is_chosen) = match choice {
        Choice::All => return Ok(Vec::new()),
        Choice::Only(positions) => (to_json(positions)?, true),
        Choice::Except(positions) => (to_json(positions)?, false),
    };
    let unknown = unknown(connection, plan, &named).await?;
    if unknown.is_empty() {
        reject(connection, plan, &named, is_chosen).await?;
    }
    Ok(unknown)
}

/// The first few of the named positions at which the plan has nothing to apply.
async fn unknown(connection: &mut SqliteConnection, plan: &Plan, named: &str) -> Result<Vec<u32>, StoreError> {
    let unknown: Vec<i64> = sqlx::query_scalar(concat!(
        "SELECT DISTINCT value FROM json_each(?3) WHERE NOT EXISTS (
             SELECT 1 FROM sync_changes AS c WHERE c.tenant_id = ?1 AND c.run_id = ?2 AND c.seq = value AND ",
        to_apply!(),
        ") ORDER BY value LIMIT ?4"
    ))
    .bind(&plan.tenant)
    .bind(&plan.run)
    .bind(named)
    .bind(NAMED)
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    let place = Place { table: "sync_changes", row: &plan.run };
    unknown.into_iter().map(|position| place.number("seq", position)).collect()
}

/// Rejects the named changes or, where they are the chosen ones, the others.
async fn reject(
    connection: &mut SqliteConnection,
    plan: &Plan,
    named: &str,
    is_chosen: bool,
) -> Result<(), StoreError> {
    sqlx::query(concat!(
        "UPDATE sync_changes AS c SET outcome = 'rejected'
         WHERE c.tenant_id = ?1 AND c.run_id = ?2 AND (c.seq IN (SELECT value FROM json_each(?3))) <> ?4 AND ",
        to_apply!()
    ))
    .bind(&plan.tenant)
    .bind(&plan.run)
    .bind(named)
    .bind(is_chosen)
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}

/// Whoever is ignored by now is left alone, although the plan was made before.
async fn reject_ignored(connection: &mut SqliteConnection, plan: &Plan, of: ConnectionId) -> Result<(), StoreError> {
    sqlx::query(concat!(
        "UPDATE sync_changes AS c SET outcome = 'rejected'
         WHERE c.tenant_id = ?1 AND c.run_id = ?2 AND c.external_id IN (
             SELECT external_id FROM ignored_users WHERE tenant_id = ?1 AND connection_id = ?3) AND ",
        to_apply!()
    ))
    .bind(&plan.tenant)
    .bind(&plan.run)
    .bind(stored_id(of.0))
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}

/// How many changes are to be applied.
async fn count(connection: &mut SqliteConnection, plan: &Plan) -> Result<i64, StoreError> {
    sqlx::query_scalar(concat!(
        "SELECT count(*) FROM sync_changes AS c WHERE c.tenant_id = ?1 AND c.run_id = ?2 AND ",
        to_apply!()
    ))
    .bind(&plan.tenant)
    .bind(&plan.run)
    .fetch_one(connection)
    .await
    .map_err(failed)
}

/// Back into the queue, for applying: what the plan would have done is not done yet.
async fn requeue(connection: &mut SqliteConnection, plan: &Plan, chosen: i64) -> Result<Run, StoreError> {
    sqlx::query_as::<_, RunRow>(concat!(
        "UPDATE sync_runs SET status = 'queued', created = 0, updated = 0, linked = 0, deactivated = 0, reactivated = 0,
             planned_changes = ?3, applied_changes = 0, claims = 0, lease_token = NULL, lease_until = NULL
         WHERE tenant_id = ?1 AND id = ?2 RETURNING ",
        run_columns!()
    ))
    .bind(&plan.tenant)
    .bind(&plan.run)
    .bind(chosen)
    .fetch_one(connection)
    .await
    .map_err(failed)?
    .try_into()
}
