//! A person stops a run.

use directory_core::{ChangeCode, Counts, RunId};

use super::{
    Harness,
    leases::no_write_works,
    world::{LEASE, World, add_tenant, add_twin, conflicts, creates, digest, id, second},
};
use crate::{Actor, Choice, ClaimLimits, Ending, NewChange, Outcome, Run, RunStatus};

fn creations(count: u32) -> Vec<NewChange> {
    (1..=count).map(|n| creates(n, &format!("ext-{n}"), &format!("user{n}@acme.example"))).collect()
}

/// A queued run that is cancelled is nobody's to claim, and the next one can come.
pub async fn a_queued_run_is_cancelled(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let queued = world.queue().await;
    let run = world.cancel(queued).await;
    assert_eq!(run, world.run(queued).await);
    assert_eq!((run.status, run.started_at), (RunStatus::Cancelled, None));
    assert!(run.finished_at.is_some());
    assert!(world.claim(queued).await.is_none());
    assert!(world.store.claim_next(id(), LEASE, ClaimLimits::NONE).await.unwrap().is_none());
    world.queue().await;
}

/// Cancelled while it reads the directory: half a plan does not stay, and whoever works on it can write nothing more.
pub async fn a_run_is_cancelled_while_pulling(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let claim = world.start().await;
    world.stage(&claim.lease, creations(3)).await;
    let run = world.cancel(claim.run.id).await;
    assert_eq!((run.status, run.started_at), (RunStatus::Cancelled, claim.run.started_at));
    assert_eq!(run.planned_changes, None);
    no_write_works(&*world.store, &claim.lease).await;
    assert_eq!(world.run(run.id).await, run);
    assert_eq!(world.outcomes(run.id).await, []);
    assert_eq!(world.number("SELECT count(*) FROM sync_changes").await, 0);

    let next = world.start().await;
    assert!(!next.plan_complete);
    no_write_works(&*world.store, &claim.lease).await;
    assert_eq!(world.run(next.run.id).await.status, RunStatus::Running, "the next one is not disturbed");
}

/// Cancelled while it is applied: what is applied stays and is counted, the rest reads as planned and is never applied.
pub async fn a_run_is_cancelled_while_applying(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.planned(creations(5)).await;
    assert!(world.store.apply_batch(&lease, 2).await.unwrap().more);
    let run = world.cancel(lease.run).await;
    assert_eq!(run.counts, Counts { created: 2, ..Counts::default() });
    assert_eq!((run.planned_changes, run.applied_changes), (Some(5), 2));
    no_write_works(&*world.store, &lease).await;
    let (planned, applied) = (Outcome::Planned, Outcome::Applied);
    let outcomes = [(1, applied), (2, applied), (3, planned), (4, planned), (5, planned)];
    assert_eq!(world.outcomes(lease.run).await, outcomes);
    assert_eq!(world.user_count().await, 2);

    world.queue().await;
    assert!(world.claim(lease.run).await.is_none());
    assert_eq!(world.run(lease.run).await, run);
}

/// A run whose worker is gone can be cancelled like any other.
pub async fn a_run_that_nobody_works_on_is_cancelled(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let claim = world.start().await;
    world.expire(claim.run.id).await;
    assert_eq!(world.cancel(claim.run.id).await.status, RunStatus::Cancelled);
    assert!(world.claim(claim.run.id).await.is_none());
}

/// An approved run that is cancelled before it began keeps what was decided.
pub async fn an_approved_run_is_cancelled(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let held = world.held(creations(2)).await;
    world.store.approve_run(Actor::SYSTEM, world.tenant, held, &digest(), &Choice::Only(vec![2])).await.unwrap();
    let run = world.cancel(held).await;
    assert_eq!((run.counts.created, run.planned_changes, run.applied_changes), (0, Some(1), 0));
    assert_eq!(world.outcomes(held).await, [(1, Outcome::Rejected), (2, Outcome::Planned)]);
    assert!(world.claim(held).await.is_none());
}

/// Cancelling twice is as good as once.
pub async fn cancelling_twice_changes_nothing(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let queued = world.queue().await;
    let first = world.cancel(queued).await;
    world.sql("UPDATE sync_runs SET finished_at = '2001-01-01T00:00:00.000Z'").await;
    let again = world.cancel(queued).await;
    assert_eq!(again.finished_at, Some(second("2001-01-01T00:00:00Z")));
    assert_eq!(again, Run { finished_at: again.finished_at, ..first });
}

/// What waits for a person or has ended is not there to be cancelled.
pub async fn only_an_active_run_is_cancelled(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let uncancellable = async |run: RunId, status: RunStatus| {
        let before = world.run(run).await;
        let answer = world.store.cancel_run(Actor::SYSTEM, world.tenant, run).await.unwrap();
        assert_eq!(answer, Ending::NotPossible(status));
        assert_eq!(world.run(run).await, before);
    };
    let held = world.held(vec![conflicts(1, "ext-1", ChangeCode::EmailTaken)]).await;
    uncancellable(held, RunStatus::Held).await;
    world.store.reject_run(Actor::SYSTEM, world.tenant, held).await.unwrap();
    uncancellable(held, RunStatus::Rejected).await;
    for status in [RunStatus::Succeeded, RunStatus::CompletedWithErrors, RunStatus::Failed] {
        let lease = world.start().await.lease;
        world.finish(&lease, status).await;
        uncancellable(lease.run, status).await;
    }
}

/// Another tenant's run is not there to be cancelled, even where the ids are the same.
pub async fn cancelling_is_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let claim = world.start().await;
    world.stage(&claim.lease, creations(2)).await;
    let stranger = add_tenant(&*world.store, "stranger").await;
    for (tenant, run) in [(stranger, claim.run.id), (world.tenant, RunId(id()))] {
        assert_eq!(world.store.cancel_run(Actor::SYSTEM, tenant, run).await.unwrap(), Ending::NoRun);
    }
    let twin = add_twin(&world, claim.run.id).await;
    assert!(matches!(world.store.cancel_run(Actor::SYSTEM, twin, claim.run.id).await.unwrap(), Ending::Ended(_)));
    assert_eq!(world.run(claim.run.id).await, claim.run);
    assert_eq!(world.changes(claim.run.id).await.len(), 2);
    world.clear_for_applying(&claim.lease, 2).await;
}
