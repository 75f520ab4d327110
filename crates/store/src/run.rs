//! Runs: the queue, the leases, the staged plan and its application.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::{Amendment, ConnectionId, Counts, HoldReason, PlanSummary, RunErrorCode, RunId, TenantId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Actor, Approval, ChangeFilter, ChangeRecord, Choice, ClaimLimits, Connection, Continued, Draft, Ending, IdPage,
    ModeReason, Reading, SeqPage, StagedPage, StoreError,
};

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Waits for a worker.
    Queued,
    /// A worker has it.
    Running,
    /// Waits for a person's decision; nothing was applied.
    Held,
    /// A dry run's end: the plan is there to read, nothing was applied.
    Planned,
    /// Everything was applied.
    Succeeded,
    /// What could be applied was; some users have conflicts or went stale.
    CompletedWithErrors,
    /// It could not be finished; the error says why.
    Failed,
    /// A person stopped it.
    Cancelled,
    /// A person turned the held plan down.
    Rejected,
    /// A newer run took the held plan's place.
    Superseded,
}

impl RunStatus {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Held => "held",
            Self::Planned => "planned",
            Self::Succeeded => "succeeded",
            Self::CompletedWithErrors => "completed_with_errors",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
        }
    }

    /// Whether the run is queued or running: a connection has at most one such run.
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// What a running run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunPhase {
    /// Reading the directory; planning and staging overlap with it.
    Pulling,
    /// The listing is read; looking for absent users and finishing the plan.
    Planning,
    /// Writing users.
    Applying,
}

impl RunPhase {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pulling => "pulling",
            Self::Planning => "planning",
            Self::Applying => "applying",
        }
    }
}

/// How a run reads the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunMode {
    /// Whatever is cheapest and exact; the run that ends says which it was.
    Auto,
    /// Every user in scope.
    Full,
    /// What changed.
    Delta,
}

impl RunMode {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Full => "full",
            Self::Delta => "delta",
        }
    }
}

/// What started a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// A person or a program.
    Manual,
    /// The connection's schedule.
    Schedule,
}

impl Trigger {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Schedule => "schedule",
        }
    }
}

/// Why a run failed, for the administrator: no secret, no personal data. Stored as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunError {
    /// What kind of failure.
    pub code: RunErrorCode,
    /// What happened.
    pub message: String,
    /// The next step.
    pub hint: String,
    /// The directory's id of the failed request.
    pub request_id: Option<String>,
}

impl RunError {
    /// The end of a run whose connection was deleted while it waited.
    #[must_use]
    pub fn connection_gone() -> Self {
        Self::internal(
            "The run's connection does not exist any more.".to_owned(),
            "Register the directory again and start a new run.",
        )
    }

    /// The end of a run that cannot be begun, because a stored value cannot be read.
    #[must_use]
    pub fn unreadable(corrupt: &StoreError) -> Self {
        Self::internal(
            format!("The run cannot be begun: {corrupt}."),
            "Mend that row, or update this program if a newer one wrote it; then start the sync again.",
        )
    }

    fn internal(message: String, hint: &str) -> Self {
        Self { code: RunErrorCode::Internal, message, hint: hint.to_owned(), request_id: None }
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Primary key; time-ordered.
    pub id: RunId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// Where it stands.
    pub status: RunStatus,
    /// What it is doing, or did last.
    pub phase: Option<RunPhase>,
    /// How it is to read the directory; once the plan is complete, how it did.
    pub mode: RunMode,
    /// Why so; once the plan is complete.
    pub mode_reason: Option<ModeReason>,
    /// What started it.
    pub trigger: Trigger,
    /// Ends after the check.
    pub dry_run: bool,
    /// Of a preview, which is a dry run: what it goes by instead of what its connection says.
    pub draft: Option<Draft>,
    /// Once applying has begun: what was done so far. Of a plan that was not applied, be it held, planned, rejected or
    /// superseded: what applying would do.
    pub counts: Counts,
    /// Applicable changes in the plan, once the plan is complete, and less those that were rejected: what progress is
    /// measured against.
    pub planned_changes: Option<u64>,
    /// How many of them are applied.
    pub applied_changes: u64,
    /// Changes that went stale or failed.
    pub exceptions: u64,
    /// SHA-256 of the plan in hex: of held and dry runs.
    pub plan_digest: Option<String>,
    /// Why it is, or was, held.
    pub hold: Vec<HoldReason>,
    /// Why it failed.
    pub error: Option<RunError>,
    /// Of a queued run: its directory asked to be left alone until then, and no worker takes it before.
    pub not_before: Option<DateTime<Utc>>,
    /// When it was queued.
    pub created_at: DateTime<Utc>,
    /// When a worker first took it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended. A held run has not ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// When its changes were deleted, because they had been kept for long enough.
    pub changes_deleted_at: Option<DateTime<Utc>>,
}

/// A run to queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// Primary key; must be time-ordered (UUID version 7), since lists sort by it.
    pub id: RunId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Of which connection.
    pub connection: ConnectionId,
    /// How to read the directory.
    pub mode: RunMode,
    /// What starts it.
    pub trigger: Trigger,
    /// End after the check.
    pub dry_run: bool,
    /// Only of a dry run. See [`Run::draft`].
    pub draft: Option<Draft>,
}

impl NewRun {
    /// The run that a connection's schedule starts.
    #[must_use]
    pub fn scheduled(tenant: TenantId, connection: ConnectionId, id: RunId) -> Self {
        Self { id, tenant, connection, mode: RunMode::Auto, trigger: Trigger::Schedule, dry_run: false, draft: None }
    }
}

/// What came of asking for a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreatedRun {
    /// It is queued. A held run of the connection is superseded, unless this is a dry run.
    Queued(Box<Run>),
    /// The connection has this active run already.
    AlreadyActive(RunId),
    /// The tenant has no such connection.
    NoConnection,
}

/// A worker's right to work on a run. Every write under it fails with [`StoreError::LeaseLost`] once another worker
/// has claimed the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whose run it is.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// Made anew for each claim.
    pub token: Uuid,
}

/// A claimed run.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The run, now running.
    pub run: Run,
    /// Its connection; of a preview, as the draft would have it.
    pub connection: Connection,
    /// The right to work on it.
    pub lease: Lease,
    /// The plan is complete and cleared for applying: go on with that. Otherwise plan afresh.
    pub plan_complete: bool,
    /// How often the run was claimed, this time included, since it last got any further: since its plan was completed
    /// or a batch of it applied.
    pub attempt: u32,
}

/// How far a run is; written with the heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub phase: RunPhase,
    /// Distinct users read so far.
    pub seen: u64,
}

/// Where a run goes once its plan is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanNext {
    /// On to applying.
    Apply,
    /// To a person, because of these reasons.
    Hold(HeldPlan),
    /// A dry run ends here, with its plan's digest.
    Planned {
        /// See [`Run::plan_digest`].
        digest: String,
        /// What the safeguards would say.
        reasons: Vec<HoldReason>,
    },
}

/// A plan that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPlan {
    /// See [`Run::plan_digest`].
    pub digest: String,
    /// Why.
    pub reasons: Vec<HoldReason>,
}

/// What one batch did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Whether changes are left to apply.
    pub more: bool,
}

/// How a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// `Succeeded`, `CompletedWithErrors`, `Failed` or `Cancelled`.
    pub status: RunStatus,
    /// With `Failed`.
    pub error: Option<RunError>,
    /// What it means for the connection.
    pub connection: ConnectionEffect,
}

/// What a run's end means for its connection's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionEffect {
    /// Nothing.
    Keep,
    /// It works: a quarantine is lifted.
    Lift,
    /// Its configuration has to be mended; the reason says how. A paused connection stays paused.
    Quarantine(String),
    /// The directory, or our own database, is in trouble that passes: its schedule tries again soon, and later each time.
    BackOff {
        /// How long the directory asked to be left alone, from now: no run of it is claimed before, whoever asks for one.
        retry_after: Option<Duration>,
    },
}

/// The runs.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Queues a run, if the connection has none that is active (a unique index sees to it).
    async fn create_run(&self, by: &Actor, run: &NewRun) -> Result<CreatedRun, StoreError>;

    /// A tenant's run.
    async fn run(&self, tenant: TenantId, id: RunId) -> Result<Option<Run>, StoreError>;

    /// A connection's runs, newest first, also when it is deleted.
    async fn runs(&self, tenant: TenantId, connection: ConnectionId, page: IdPage) -> Result<Vec<Run>, StoreError>;

    /// Each connection's newest run, where it has one.
    async fn last_runs(&self, tenant: TenantId, connections: &[ConnectionId]) -> Result<Vec<Run>, StoreError>;

    /// A run's changes by position.
    async fn changes(
        &self,
        tenant: TenantId,
        run: RunId,
        filter: ChangeFilter,
        page: SeqPage,
    ) -> Result<Vec<ChangeRecord>, StoreError>;

    /// Takes a run for so long: one whose worker let its lease pass, or else, within the limits, one that is queued, of the
    /// tenant with the fewest running ones; the oldest of those. One that would read a directory which asked to be left
    /// alone waits. A run that nobody could work on, since it or its connection cannot be read, fails instead and holds up
    /// no other.
    ///
    /// The limits hold whoever claims at the same time, in whichever process.
    async fn claim_next(&self, token: Uuid, lease: Duration, limits: ClaimLimits) -> Result<Option<Claim>, StoreError>;

    /// Takes this run, if it is queued or its lease has passed, and its directory may be read. No limit is in its way.
    async fn claim_run(
        &self,
        tenant: TenantId,
        run: RunId,
        token: Uuid,
        lease: Duration,
    ) -> Result<Option<Claim>, StoreError>;

    /// Extends the lease, and notes progress for those who watch.
    async fn renew(&self, lease: &Lease, length: Duration, progress: Progress) -> Result<(), StoreError>;

    /// Gives the run back to the queue, with whatever is staged or applied. The claim does not count as one in vain.
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Drops what is staged, for planning from the start.
    async fn clear_plan(&self, lease: &Lease) -> Result<(), StoreError>;

    /// Adds to the staged plan. Retractions come first. Pages can be staged at the same time, but not one that retracts
    /// what another brings.
    async fn stage(&self, lease: &Lease, page: &StagedPage) -> Result<(), StoreError>;

    /// Corrects staged changes.
    async fn amend(&self, lease: &Lease, amendments: &[Amendment]) -> Result<(), StoreError>;

    /// The place from which the connection's changes are told, if the last whole listing left one that still holds.
    /// Unlinking a user drops it: nobody would be told of that user before the next change.
    async fn continuation(&self, tenant: TenantId, connection: ConnectionId) -> Result<Option<Continued>, StoreError>;

    /// Writes the plan's numbers and how the directory was read, and sends the run on. From here on a worker that takes
    /// the run up goes on applying.
    async fn finish_plan(
        &self,
        lease: &Lease,
        plan: &PlanSummary,
        reading: &Reading,
        next: &PlanNext,
    ) -> Result<(), StoreError>;

    /// Applies the next changes, in order of position, about `limit` of them; the entangled ones come first and all
    /// at once. Decides nothing: a change whose user has moved on, or whose address is held by somebody who does not
    /// free it in the same batch, is marked stale.
    async fn apply_batch(&self, lease: &Lease, limit: u32) -> Result<Applied, StoreError>;

    /// Sends a held run on to applying the chosen changes of exactly the plan that was reviewed; those of directory users
    /// whom the connection was told to ignore meanwhile are rejected. Its counts start at nothing and count what is done.
    async fn approve_run(
        &self,
        by: &Actor,
        tenant: TenantId,
        run: RunId,
        digest: &str,
        choice: &Choice,
    ) -> Result<Approval, StoreError>;

    /// Ends a held run without applying anything; each of its changes is rejected.
    async fn reject_run(&self, by: &Actor, tenant: TenantId, run: RunId) -> Result<Ending, StoreError>;

    /// Ends a queued or running run on the spot. Whoever works on it loses the lease and with it the right to write; what
    /// is applied stays applied, and what is not stays planned.
    async fn cancel_run(&self, by: &Actor, tenant: TenantId, run: RunId) -> Result<Ending, StoreError>;

    /// Deletes up to `limit` changes of a run that ended longer ago than `age`; the run stays, and so do runs without any,
    /// which are passed over many at a time. Whether there may be more to delete.
    async fn delete_old_changes(&self, age: Duration, limit: u32) -> Result<bool, StoreError>;

    /// Ends the run. One that ends before its plan is complete leaves no staged changes behind. Where all of the plan was
    /// applied, its continuation becomes the connection's.
    async fn finish_run(&self, lease: &Lease, end: &RunEnd) -> Result<Run, StoreError>;
}
