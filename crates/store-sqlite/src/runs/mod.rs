//! Runs: the queue, the leases, the staged plan and its application.

mod apply;
pub(crate) mod continuation;
mod ending;
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

pub(crate) use self::{
    ending::cancel_all,
    history::ChangeRow,
    queue::{active, insert, plan_anew, supersede},
};
use crate::SqliteStore;

#[async_trait]
impl Runs for SqliteStore {
    async fn create_run(&self, by: &Actor, run: &NewRun) -> Result<CreatedRun, StoreError> {
        queue::create(self, by, run).await
    }

    async fn run(&self, tenant: TenantId, id: RunId) -> Result<Option<Run>, StoreError> {
        history::run(&self.reader, tenant, id).await
    }

    async fn runs(&self, tenant: TenantId, connection: ConnectionId, page: IdPage) -> Result<Vec<Run>, StoreError> {
        history::runs(&self.reader, tenant, connection, page).await
    }

    async fn last_runs(&self, tenant: TenantId, connections: &[ConnectionId]) -> Result<Vec<Run>, StoreError> {
        history::last_runs(&self.reader, tenant, connections).await
    }

    async fn changes(
        &self,
        tenant: TenantId,
        run: RunId,
        filter: ChangeFilter,
        page: SeqPage,
    ) -> Result<Vec<ChangeRecord>, StoreError> {
        history::changes(&self.reader, tenant, run, filter, page).await
    }

    async fn claim_next(&self, token: Uuid, lease: Duration, limits: ClaimLimits) -> Result<Option<Claim>, StoreError> {
        queue::claim_next(self, token, lease, limits).await
    }

    async fn claim_run(
        &self,
        tenant: TenantId,
        run: RunId,
        token: Uuid,
        lease: Duration,
    ) -> Result<Option<Claim>, StoreError> {
        queue::claim_run(self, tenant, run, token, lease).await
    }

    async fn renew(&self, lease: &Lease, length: Duration, progress: Progress) -> Result<(), StoreError> {
        lease::renew(&self.writer, lease, length, progress).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        lease::release(&self.writer, lease).await
    }

    async fn clear_plan(&self, lease: &Lease) -> Result<(), StoreError> {
        stage::clear(self, lease).await
    }

    async fn stage(&self, lease: &Lease, page: &StagedPage) -> Result<(), StoreError> {
        stage::stage(self, lease, page).await
    }

    async fn amend(&self, lease: &Lease, amendments: &[Amendment]) -> Result<(), StoreError> {
        stage::amend(self, lease, amendments).await
    }

    async fn finish_plan(
        &self,
        lease: &Lease,
        plan: &PlanSummary,
        reading: &Reading,
        next: &PlanNext,
    ) -> Result<(), StoreError> {
        finish::plan(self, lease, plan, reading, next).await
    }

    async fn continuation(&self, tenant: TenantId, connection: ConnectionId) -> Result<Option<Continued>, StoreError> {
        continuation::find(&self.reader, tenant, connection).await
    }

    async fn apply_batch(&self, lease: &Lease, limit: u32) -> Result<Applied, StoreError> {
        apply::apply_batch(self, lease, limit).await
    }

    async fn approve_run(
        &self,
        by: &Actor,
        tenant: TenantId,
        run: RunId,
        digest: &str,
        choice: &Choice,
    ) -> Result<Approval, StoreError> {
        review::approve(self, by, tenant, run, digest, choice).await
    }

    async fn reject_run(&self, by: &Actor, tenant: TenantId, run: RunId) -> Result<Ending, StoreError> {
        ending::reject(self, by, tenant, run).await
    }

    async fn cancel_run(&self, by: &Actor, tenant: TenantId, run: RunId) -> Result<Ending, StoreError> {
        ending::cancel(self, by, tenant, run).await
    }

    async fn delete_old_changes(&self, age: Duration, limit: u32) -> Result<bool, StoreError> {
        retention::delete_old_changes(self, age, limit).await
    }

    async fn finish_run(&self, lease: &Lease, end: &RunEnd) -> Result<Run, StoreError> {
        finish::run(self, lease, end).await
    }
}
