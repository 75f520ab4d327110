//! What becomes of a run once its plan is complete, and how it ends.

use directory_core::{Counts, HoldReason, MaxDeactivations, PlanSummary, RunErrorCode};

use super::{
    Harness,
    world::{LEASE, World, creates, full, id},
};
use crate::{
    ClaimLimits, ConnectionEffect, HeldPlan, ModeReason, Outcome, PlanNext, Reading, RunEnd, RunError, RunMode,
    RunPhase, RunStatus, StoreError,
};

const COUNTS: Counts = Counts {
    seen: 1_000,
    created: 11,
    updated: 12,
    linked: 13,
    deactivated: 14,
    reactivated: 15,
    unchanged: 916,
    excluded: 17,
    protected: 18,
    conflicts: 19,
};

const SUMMARY: PlanSummary = PlanSummary { counts: COUNTS, active: 940, spared: 0, applicable: 65 };

fn reasons() -> Vec<HoldReason> {
    let limit = MaxDeactivations { percent: 20, count: 10 };
    vec![
        HoldReason::TooManyDeactivations { deactivations: 14, active: 14, limit },
        HoldReason::AllDeactivated { deactivations: 14 },
    ]
}

/// How many runs somebody has a lease of, whether or not it has passed.
async fn leases(world: &World) -> i64 {
    world.number("SELECT count(*) FROM sync_runs WHERE lease_token IS NOT NULL OR lease_until IS NOT NULL").await
}

/// Cleared for applying: what the plan only looked at is counted, what it does is counted as it is done.
pub async fn a_plan_goes_on_to_applying(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let claim = world.start().await;
    let read = Reading { mode: RunMode::Delta, reason: ModeReason::Continued, continuation: None };
    world.store.finish_plan(&claim.lease, &SUMMARY, &read, &PlanNext::Apply).await.unwrap();
    let run = world.run(claim.run.id).await;
    assert_eq!((claim.run.mode, run.mode), (RunMode::Full, RunMode::Delta), "asked for, and done");
    assert_eq!((claim.run.mode_reason, run.mode_reason), (None, Some(ModeReason::Continued)));
    let looked_at =
        Counts { seen: 1_000, unchanged: 916, excluded: 17, protected: 18, conflicts: 19, ..Counts::default() };
    assert_eq!(run.counts, looked_at);
    assert_eq!((run.status, run.phase), (RunStatus::Running, Some(RunPhase::Applying)));
    assert_eq!((run.planned_changes, run.plan_digest, run.hold), (Some(65), None, vec![]));
    assert_eq!(leases(&world).await, 1);
    assert!(!world.store.apply_batch(&claim.lease, 10).await.unwrap().more, "still the same worker's");
}

/// Held: the numbers are the plan's, the reasons are kept, and nobody works on it.
pub async fn a_plan_is_held(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let claim = world.start().await;
    world.stage(&claim.lease, vec![creates(1, "ext-1", "a@acme.example")]).await;
    let held = HeldPlan { digest: "ab".repeat(32), reasons: reasons() };
    world.store.finish_plan(&claim.lease, &SUMMARY, &full(), &PlanNext::Hold(held)).await.unwrap();
    let run = world.run(claim.run.id).await;
    assert_eq!((run.status, run.counts, run.planned_changes), (RunStatus::Held, COUNTS, Some(65)));
    assert_eq!((run.plan_digest, run.hold), (Some("ab".repeat(32)), reasons()));
    assert_eq!(run.finished_at, None);

    assert_eq!(leases(&world).await, 0);
    assert!(world.store.claim_next(id(), LEASE, ClaimLimits::NONE).await.unwrap().is_none(), "it waits for a person");
    assert!(world.claim(claim.run.id).await.is_none());
    let applied = world.store.apply_batch(&claim.lease, 10).await;
    assert!(matches!(applied, Err(StoreError::LeaseLost)), "{applied:?}");
    assert_eq!(world.user_count().await, 0);
    assert_eq!(world.outcomes(claim.run.id).await, [(1, Outcome::Planned)]);
}

/// A dry run ends with its plan.
pub async fn a_dry_run_ends_planned(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let claim = world.start().await;
    let next = PlanNext::Planned { digest: "cd".repeat(32), reasons: reasons() };
    world.store.finish_plan(&claim.lease, &SUMMARY, &full(), &next).await.unwrap();
    let run = world.run(claim.run.id).await;
    assert_eq!((run.status, run.counts, run.planned_changes), (RunStatus::Planned, COUNTS, Some(65)));
    assert_eq!((run.plan_digest, run.hold), (Some("cd".repeat(32)), reasons()));
    assert!(run.finished_at.is_some());
    assert_eq!(leases(&world).await, 0);
    assert!(world.claim(claim.run.id).await.is_none());
    world.queue().await;
}

/// Nothing is applied of a plan that is not complete.
pub async fn an_incomplete_plan_is_not_applied(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let claim = world.start().await;
    world.stage(&claim.lease, vec![creates(1, "ext-1", "a@acme.example")]).await;
    let applied = world.store.apply_batch(&claim.lease, 10).await;
    assert!(matches!(applied, Err(StoreError::LeaseLost)), "{applied:?}");
    assert_eq!(world.user_count().await, 0);
}

/// A failed run says why, with everything that the administrator is told. Half a plan does not stay behind.
pub async fn a_failed_run_says_why(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let claim = world.start().await;
    world.stage(&claim.lease, vec![creates(1, "ext-1", "a@acme.example")]).await;
    let error = RunError {
        code: RunErrorCode::PermissionMissing,
        message: "AADSTS700016: “app” wasn't found".to_owned(),
        hint: "Consent to User.Read.All".to_owned(),
        request_id: Some("0c1d".to_owned()),
    };
    let end = RunEnd { status: RunStatus::Failed, error: Some(error.clone()), connection: ConnectionEffect::Keep };
    let ended = world.store.finish_run(&claim.lease, &end).await.unwrap();
    assert_eq!((ended.status, ended.error.as_ref()), (RunStatus::Failed, Some(&error)));
    assert!(ended.finished_at.is_some());
    assert_eq!(ended.started_at, claim.run.started_at);
    assert_eq!(world.run(claim.run.id).await, ended);
    assert!(world.changes(claim.run.id).await.is_empty());
}

/// What a run staged before its plan was complete is no plan: it goes when the run ends, and with it alone.
pub async fn an_end_without_a_plan_leaves_no_changes(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let complete = world.planned(vec![creates(1, "ext-1", "a@acme.example")]).await;
    world.finish(&complete, RunStatus::Cancelled).await;
    let incomplete = world.start().await.lease;
    world.stage(&incomplete, vec![creates(1, "ext-1", "a@acme.example")]).await;
    world.finish(&incomplete, RunStatus::Failed).await;
    assert_eq!(world.outcomes(incomplete.run).await, []);
    assert_eq!(world.outcomes(complete.run).await, [(1, Outcome::Planned)]);
}

/// An ended run keeps what it counted, and is nobody's any more.
pub async fn an_ended_run_keeps_its_counts(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.planned(vec![creates(1, "ext-1", "a@acme.example")]).await;
    world.apply_all(&lease, 10).await;
    let ended = world.finish(&lease, RunStatus::CompletedWithErrors).await;
    assert_eq!((ended.status, ended.error.as_ref(), ended.counts.created), (RunStatus::CompletedWithErrors, None, 1));
    assert!(world.store.claim_next(id(), LEASE, ClaimLimits::NONE).await.unwrap().is_none());
    assert_eq!(leases(&world).await, 0);
}
