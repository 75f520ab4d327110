//! Runs: the queue, the leases, the staged plan and its application.

mod apply;
mod cancel;
pub(crate) mod continuation;
mod finish;
mod history;
mod lease;
mod next;
mod queue;
mod retention;
mod review;
mod row;
mod stage;

use std::time::Duration;

use async_trait::async_trait;
use directory_core::{Amendment, ConnectionId, PlanSummary, RunId, TenantId};
use store::{
    Actor, Applied, Approval, ChangeFilter, ChangeRecord, Choice, Claim, ClaimLimits, Continued, CreatedRun, Ending,
    IdPage, Lease, NewRun, PlanNext, Progress, Reading, Run, RunEnd, Runs, SeqPage, StagedPage, StoreError,
};
use uuid::Uuid;

pub(crate) use cancel::{cancel_all, stop_all};
pub(crate) use history::{ChangeRow, history};
pub(crate) use queue::{active, insert, lock_held, lock_ruled, plan_anew, supersede};

use crate::{PostgresStore, error::persistently};

#[async_trait]
impl Runs for PostgresStore {
    async fn create_run(&self, by: &Actor, run: &NewRun) -> Result<CreatedRun, StoreError> {
        persistently(|| queue::create(&self.access, by, run)).await
    }

    async fn run(&self, tenant: TenantId, id: RunId) -> Result<Option<Run>, StoreError> {
        history::run(&self.access, tenant, id).await
    }

    async fn runs(&self, tenant: TenantId, connection: ConnectionId, page: IdPage) -> Result<Vec<Run>, StoreError> {
        history::runs(&self.access, tenant, connection, page).await
    }

    async fn last_runs(&self, tenant: TenantId, connections: &[ConnectionId]) -> Result<Vec<Run>, StoreError> {
        history::last_runs(&self.access, tenant, connections).await
    }

    async fn changes(
        &self,
        tenant: TenantId,
        run: RunId,
        filter: ChangeFilter,
        page: SeqPage,
    ) -> Result<Vec<ChangeRecord>, StoreError> {
        history::changes(&self.access, tenant, run, filter, page).await
    }

    async fn claim_next(&self, token: Uuid, lease: Duration, limits: ClaimLimits) -> Result<Option<Claim>, StoreError> {
        Ok(queue::claim_next(&self.access, token, lease, limits).await?)
    }

    async fn claim_run(
        &self,
        tenant: TenantId,
        run: RunId,
        token: Uuid,
        lease: Duration,
    ) -> Result<Option<Claim>, StoreError> {
        Ok(queue::claim_run(&self.access, tenant, run, token, lease).await?)
    }

    async fn renew(&self, lease: &Lease, length: Duration, progress: Progress) -> Result<(), StoreError> {
        Ok(lease::renew(&self.access, lease, length, progress).await?)
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        Ok(lease::release(&self.access, lease).await?)
    }

    async fn clear_plan(&self, lease: &Lease) -> Result<(), StoreError> {
        Ok(stage::clear(&self.access, lease).await?)
    }

    async fn stage(&self, lease: &Lease, page: &StagedPage) -> Result<(), StoreError> {
        // Never closed.
        let _place = self.staging.acquire().await;
        persistently(|| stage::stage(&self.access, lease, page)).await
    }

    async fn amend(&self, lease: &Lease, amendments: &[Amendment]) -> Result<(), StoreError> {
        Ok(stage::amend(&self.access, lease, amendments).await?)
    }

    async fn finish_plan(
        &self,
        lease: &Lease,
        plan: &PlanSummary,
        reading: &Reading,
        next: &PlanNext,
    ) -> Result<(), StoreError> {
        Ok(finish::plan(&self.access, lease, plan, reading, next).await?)
    }

    async fn continuation(&self, tenant: TenantId, connection: ConnectionId) -> Result<Option<Continued>, StoreError> {
        Ok(continuation::find(&self.access, tenant, connection).await?)
    }

    async fn apply_batch(&self, lease: &Lease, limit: u32) -> Result<Applied, StoreError> {
        apply::apply_batch(&self.access, lease, limit).await
    }

    async fn approve_run(
        &self,
        by: &Actor,
        tenant: TenantId,
        run: RunId,
        digest: &str,
        choice: &Choice,
    ) -> Result<Approval, StoreError> {
        persistently(|| review::approve(&self.access, by, tenant, run, digest, choice)).await
    }

    async fn reject_run(&self, by: &Actor, tenant: TenantId, run: RunId) -> Result<Ending, StoreError> {
        persistently(|| review::reject(&self.access, by, tenant, run)).await
    }

    async fn cancel_run(&self, by: &Actor, tenant: TenantId, run: RunId) -> Result<Ending, StoreError> {
        persistently(|| cancel::cancel(&self.access, by, tenant, run)).await
    }

    async fn delete_old_changes(&self, age: Duration, limit: u32) -> Result<bool, StoreError> {
        Ok(retention::delete_old_changes(&self.access, age, limit).await?)
    }

    async fn finish_run(&self, lease: &Lease, end: &RunEnd) -> Result<Run, StoreError> {
        persistently(|| finish::run(&self.access, lease, end)).await
    }
}
