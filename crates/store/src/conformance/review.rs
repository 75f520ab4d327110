//! A person decides on a held plan: approved, as a whole or in part, or turned down.

use directory_core::{
    Action, Amendment, ChangeCode, Counts, DeactivatedBy, HoldReason, PlanSummary, RunId, UserStatus,
};

use super::{
    Harness,
    world::{
        ALL, LEASE, World, add_tenant, add_twin, conflicts, creates, deactivates, digest, external, full, id, moves,
        new_run, renames,
    },
};
use crate::{
    Actor, Approval, ChangeFilter, Choice, ClaimLimits, CreatedRun, Ending, NewChange, NewRun, Outcome, PlanNext, Run,
    RunPhase, RunStatus,
};

async fn decide(world: &World, run: RunId, choice: Choice) -> Approval {
    world.store.approve_run(Actor::SYSTEM, world.tenant, run, &digest(), &choice).await.unwrap()
}

async fn approve(world: &World, run: RunId, choice: Choice) -> Run {
    match decide(world, run, choice).await {
        Approval::Approved(run) => *run,
        other => panic!("not approved: {other:?}"),
    }
}

/// Works on an approved run to its end.
async fn carry_out(world: &World, run: RunId) -> Run {
    let claim = world.claim(run).await.expect("an approved run");
    assert!(claim.plan_complete);
    world.apply_all(&claim.lease, 2).await;
    world.finish(&claim.lease, RunStatus::Succeeded).await
}

/// Creations at these positions.
fn creations(positions: impl IntoIterator<Item = u32>) -> Vec<NewChange> {
    let create = |n: u32| creates(n, &format!("ext-{n}"), &format!("user{n}@acme.example"));
    positions.into_iter().map(create).collect()
}

/// Approved as a whole: the run is queued with nothing counted yet, and whoever claims it applies what was reviewed.
pub async fn an_approved_plan_is_applied(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-a").await;
    let gone = world.linked_user("b@acme.example", "ext-b").await;
    let changes = vec![
        creates(1, "ext-1", "one@acme.example"),
        renames(2, &user, "Renamed"),
        deactivates(3, &gone, DeactivatedBy::DirectoryAbsent),
        conflicts(4, "ext-4", ChangeCode::EmailTaken),
    ];
    let held = world.held(changes).await;
    let before = world.run(held).await;
    assert_eq!((before.counts.created, before.counts.updated, before.counts.deactivated), (1, 1, 1));

    let approved = approve(&world, held, Choice::All).await;
    assert_eq!(approved, world.run(held).await);
    assert_eq!((approved.status, approved.finished_at), (RunStatus::Queued, None));
    assert_eq!((approved.planned_changes, approved.applied_changes), (Some(3), 0));
    assert_eq!(approved.counts, Counts { conflicts: 1, ..Counts::default() }, "what is done, and what was looked at");
    assert_eq!((approved.plan_digest, approved.hold), (before.plan_digest, before.hold), "why it was held");
    assert_eq!(approved.started_at, before.started_at);

    let claim = world.store.claim_next(id(), LEASE, ClaimLimits::NONE).await.unwrap().unwrap();
    assert_eq!((claim.run.id, claim.plan_complete, claim.attempt), (held, true, 1));
    assert_eq!(claim.run.phase, Some(RunPhase::Applying));
    world.apply_all(&claim.lease, 2).await;
    let run = world.finish(&claim.lease, RunStatus::Succeeded).await;
    assert_eq!(run.counts, Counts { created: 1, updated: 1, deactivated: 1, conflicts: 1, ..Counts::default() });
    assert_eq!((run.planned_changes, run.applied_changes, run.exceptions), (Some(3), 3, 0));
    assert_eq!(world.user(user.id).await.user.display_name, "Renamed");
    assert_eq!(world.user(gone.id).await.deactivated_run, Some(held));
}

/// The chosen changes are applied and counted, no other; the others read as rejected, then and ever after.
pub async fn only_what_was_chosen_is_applied(harness: &dyn Harness) {
    for choice in [Choice::Only(vec![4, 2, 2]), Choice::Except(vec![5, 1, 3, 5])] {
        let world = World::new(harness).await;
        let mut changes = creations(1..=5);
        changes.push(conflicts(6, "ext-6", ChangeCode::EmailTaken));
        let held = world.held(changes).await;
        let approved = approve(&world, held, choice).await;
        assert_eq!((approved.planned_changes, approved.counts.created), (Some(2), 0));
        let (planned, applied, rejected) = (Outcome::Planned, Outcome::Applied, Outcome::Rejected);
        let decided = [(1, rejected), (2, planned), (3, rejected), (4, planned), (5, rejected), (6, planned)];
        assert_eq!(world.outcomes(held).await, decided);

        let run = carry_out(&world, held).await;
        assert_eq!((run.counts.created, run.planned_changes, run.applied_changes), (2, Some(2), 2));
        assert_eq!(run.exceptions, 0, "a person's decision is no exception");
        let ended = [(1, rejected), (2, applied), (3, rejected), (4, applied), (5, rejected), (6, planned)];
        assert_eq!(world.outcomes(held).await, ended);
        assert_eq!(world.user_count().await, 2);
    }
}

/// A worker that dies while it applies an approved part: its successor goes on with that part.
pub async fn a_rejection_outlives_a_worker(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let held = world.held(creations(1..=4)).await;
    approve(&world, held, Choice::Except(vec![2])).await;
    let claim = world.claim(held).await.unwrap();
    assert!(world.store.apply_batch(&claim.lease, 1).await.unwrap().more);
    world.expire(held).await;
    let run = carry_out(&world, held).await;
    assert_eq!((run.counts.created, run.applied_changes, world.user_count().await), (3, 3, 3));
    let refused = ChangeFilter { outcome: Some(Outcome::Rejected), action: None };
    let refused = world.store.changes(world.tenant, held, refused, ALL).await.unwrap();
    assert_eq!(refused.iter().map(|change| change.seq).collect::<Vec<_>>(), [2]);
}

/// Another plan than the one that was reviewed is not approved, and nothing is touched.
pub async fn another_plan_is_not_approved(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let held = world.held(creations(1..=2)).await;
    let before = world.run(held).await;
    for other in ["e".repeat(64), digest().to_uppercase(), String::new()] {
        let answer =
            world.store.approve_run(Actor::SYSTEM, world.tenant, held, &other, &Choice::Only(vec![1])).await.unwrap();
        assert_eq!(answer, Approval::OtherPlan);
    }
    assert_eq!(world.run(held).await, before);
    assert_eq!(world.outcomes(held).await, [(1, Outcome::Planned), (2, Outcome::Planned)]);
}

/// Positions at which there is nothing to apply are named: in order, once each, and a few of them if they are many.
pub async fn positions_that_mean_nothing_are_named(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut changes = creations([1, 3]);
    changes.push(conflicts(2, "ext-2", ChangeCode::EmailTaken));
    let mut protected = conflicts(4, "ext-4", ChangeCode::SuspendedLocally);
    protected.change.action = Action::Protected;
    changes.push(protected);
    let held = world.held(changes).await;
    let before = world.run(held).await;

    let positions = vec![99, 4, 1, 99, 2, u32::MAX];
    for choice in [Choice::Only(positions.clone()), Choice::Except(positions)] {
        assert_eq!(decide(&world, held, choice).await, Approval::NotInPlan(vec![2, 4, 99, u32::MAX]));
    }
    let many = decide(&world, held, Choice::Only((1..=1_000).rev().collect())).await;
    assert_eq!(many, Approval::NotInPlan([2].into_iter().chain(4..=22).collect()));
    assert_eq!(world.run(held).await, before);
    assert!(world.outcomes(held).await.iter().all(|(_, outcome)| *outcome == Outcome::Planned));
}

/// An approval of nothing is none.
pub async fn something_has_to_be_chosen(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut changes = creations(1..=2);
    changes.push(conflicts(3, "ext-3", ChangeCode::EmailTaken));
    let held = world.held(changes).await;
    for choice in [Choice::Only(vec![]), Choice::Except(vec![2, 1])] {
        assert_eq!(decide(&world, held, choice).await, Approval::NothingChosen);
    }
    assert_eq!(world.run(held).await.status, RunStatus::Held);
    assert!(world.outcomes(held).await.iter().all(|(_, outcome)| *outcome == Outcome::Planned));
    assert_eq!(approve(&world, held, Choice::Except(vec![])).await.planned_changes, Some(2));

    let world = World::new(harness).await;
    let empty = world.held(vec![conflicts(1, "ext-1", ChangeCode::EmailTaken)]).await;
    assert_eq!(decide(&world, empty, Choice::All).await, Approval::NothingChosen);
}

/// Only a held run waits for a decision: what is done with any other says how it stands, and changes nothing.
pub async fn only_a_held_plan_is_reviewed(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let undecidable = async |run: RunId, status: RunStatus| {
        let before = world.run(run).await;
        assert_eq!(decide(&world, run, Choice::All).await, Approval::NotHeld(status));
        if status != RunStatus::Rejected {
            let rejected = world.store.reject_run(Actor::SYSTEM, world.tenant, run).await.unwrap();
            assert_eq!(rejected, Ending::NotPossible(status));
        }
        assert_eq!(world.run(run).await, before);
    };
    let run = world.held(creations(1..=2)).await;
    approve(&world, run, Choice::Only(vec![1])).await;
    undecidable(run, RunStatus::Queued).await;
    let claim = world.claim(run).await.unwrap();
    undecidable(run, RunStatus::Running).await;
    world.apply_all(&claim.lease, 10).await;
    world.finish(&claim.lease, RunStatus::Succeeded).await;
    undecidable(run, RunStatus::Succeeded).await;

    let cancelled = world.queue().await;
    world.cancel(cancelled).await;
    undecidable(cancelled, RunStatus::Cancelled).await;

    let claim = world.start().await;
    let next = PlanNext::Planned { digest: digest(), reasons: vec![HoldReason::AllDeactivated { deactivations: 1 }] };
    world.store.finish_plan(&claim.lease, &PlanSummary::default(), &full(), &next).await.unwrap();
    undecidable(claim.run.id, RunStatus::Planned).await;

    let rejected = world.held(creations([7])).await;
    world.store.reject_run(Actor::SYSTEM, world.tenant, rejected).await.unwrap();
    undecidable(rejected, RunStatus::Rejected).await;
}

/// What a newer run has taken the place of is over, whatever a person decides then.
pub async fn a_superseded_plan_is_over(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let held = world.held(creations(1..=2)).await;
    world.queue().await;
    let before = world.run(held).await;
    assert_eq!(decide(&world, held, Choice::All).await, Approval::NotHeld(RunStatus::Superseded));
    let not_possible = Ending::NotPossible(RunStatus::Superseded);
    assert_eq!(world.store.reject_run(Actor::SYSTEM, world.tenant, held).await.unwrap(), not_possible);
    assert_eq!(world.store.cancel_run(Actor::SYSTEM, world.tenant, held).await.unwrap(), not_possible);
    assert_eq!(world.run(held).await, before);
    assert!(world.outcomes(held).await.iter().all(|(_, outcome)| *outcome == Outcome::Planned));
}

/// While another run of the connection is active nothing is approved: the plan is held as it was, and can be approved
/// afterwards.
pub async fn an_active_run_comes_first(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let held = world.held(creations(1..=3)).await;
    let before = world.run(held).await;
    let dry = NewRun { dry_run: true, ..new_run(world.tenant, world.connection) };
    assert!(matches!(world.store.create_run(Actor::SYSTEM, &dry).await.unwrap(), CreatedRun::Queued(_)));
    for _ in 0..2 {
        let answer = decide(&world, held, Choice::Only(vec![1])).await;
        assert_eq!(answer, Approval::AlreadyActive(dry.id));
        assert_eq!(world.run(held).await, before);
        assert!(world.outcomes(held).await.iter().all(|(_, outcome)| *outcome == Outcome::Planned));
    }
    world.cancel(dry.id).await;
    assert_eq!(approve(&world, held, Choice::All).await.planned_changes, Some(3));
    let next = world.store.create_run(Actor::SYSTEM, &new_run(world.tenant, world.connection)).await.unwrap();
    assert_eq!(next, CreatedRun::AlreadyActive(held), "an approved run is an active one");
}

/// A user who moved on after the review is not overwritten.
pub async fn a_reviewed_user_who_moved_on_is_stale(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-a").await;
    let other = world.linked_user("b@acme.example", "ext-b").await;
    let gone = deactivates(1, &user, DeactivatedBy::DirectoryAbsent);
    let held = world.held(vec![gone, renames(2, &other, "Renamed")]).await;
    world.update_user(user.id, "role = 'owner'").await;
    approve(&world, held, Choice::All).await;
    let run = carry_out(&world, held).await;
    assert_eq!(world.outcomes(held).await, [(1, Outcome::Stale), (2, Outcome::Applied)]);
    assert_eq!((run.planned_changes, run.applied_changes, run.exceptions), (Some(2), 1, 1));
    assert_eq!((run.counts.deactivated, run.counts.updated), (0, 1));
    assert_eq!(world.user(user.id).await.user.status, UserStatus::Active);
}

/// Who is ignored by the time of the approval is left alone, although the plan was made before.
pub async fn whoever_is_ignored_meanwhile_is_left_alone(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let spared = world.linked_user("a@acme.example", "ext-a").await;
    let other = world.linked_user("b@acme.example", "ext-b").await;
    let gone = |seq, user| deactivates(seq, user, DeactivatedBy::DirectoryAbsent);
    let held = world.held(vec![gone(1, &spared), gone(2, &other)]).await;
    assert!(world.store.ignore_user(Actor::SYSTEM, world.tenant, world.connection, &external("ext-a")).await.unwrap());
    assert_eq!(approve(&world, held, Choice::All).await.planned_changes, Some(1));
    carry_out(&world, held).await;
    assert_eq!(world.outcomes(held).await, [(1, Outcome::Rejected), (2, Outcome::Applied)]);
    assert_eq!(world.user(spared.id).await.user, spared);
}

/// One half of a swap needs the other: approved alone it goes stale, and nobody is changed.
pub async fn half_a_swap_changes_nobody(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let a = world.linked_user("a@acme.example", "ext-a").await;
    let b = world.linked_user("b@acme.example", "ext-b").await;
    let lease = world.start().await.lease;
    world.stage(&lease, vec![moves(1, &a, "b@acme.example"), moves(2, &b, "a@acme.example")]).await;
    let entangle = [Amendment::Entangle { seq: 1 }, Amendment::Entangle { seq: 2 }];
    world.store.amend(&lease, &entangle).await.unwrap();
    world.hold(&lease).await;
    approve(&world, lease.run, Choice::Only(vec![1])).await;
    let run = carry_out(&world, lease.run).await;
    assert_eq!(world.outcomes(run.id).await, [(1, Outcome::Stale), (2, Outcome::Rejected)]);
    assert_eq!((run.planned_changes, run.applied_changes, run.exceptions), (Some(1), 0, 1));
    assert_eq!(world.user(a.id).await.user, a);
    assert_eq!(world.user(b.id).await.user, b);
}

/// Turned down: nothing was done, each change reads as rejected, and the next run is free to come.
pub async fn a_rejected_plan_is_over(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut changes = creations(1..=2);
    changes.push(conflicts(3, "ext-3", ChangeCode::EmailTaken));
    let held = world.held(changes).await;
    let Ending::Ended(run) = world.store.reject_run(Actor::SYSTEM, world.tenant, held).await.unwrap() else {
        panic!("not rejected")
    };
    assert_eq!(*run, world.run(held).await);
    assert_eq!((run.status, run.applied_changes), (RunStatus::Rejected, 0));
    assert!(run.finished_at.is_some());
    let outcomes = [(1, Outcome::Rejected), (2, Outcome::Rejected), (3, Outcome::Planned)];
    assert_eq!(world.outcomes(held).await, outcomes);
    for (outcome, positions) in [(Outcome::Rejected, vec![1, 2]), (Outcome::Planned, vec![3])] {
        let filter = ChangeFilter { outcome: Some(outcome), action: None };
        let changes = world.store.changes(world.tenant, held, filter, ALL).await.unwrap();
        assert_eq!(changes.iter().map(|change| change.seq).collect::<Vec<_>>(), positions);
    }
    assert_eq!(
        world.store.reject_run(Actor::SYSTEM, world.tenant, held).await.unwrap(),
        Ending::Ended(run),
        "once is as good as twice"
    );
    assert!(world.claim(held).await.is_none());
    assert_eq!(world.user_count().await, 0);
    world.queue().await;
    assert_eq!(world.run(held).await.status, RunStatus::Rejected, "it has ended: nothing supersedes it");
}

/// A choice of many thousand positions is one call.
pub async fn a_large_choice_is_one_call(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let held = world.held(creations(1..=5_000)).await;
    let even: Vec<u32> = (1..=5_000).filter(|n| n % 2 == 0).collect();
    assert_eq!(approve(&world, held, Choice::Only(even)).await.planned_changes, Some(2_500));
    let rejected = world.number("SELECT count(*) FROM sync_changes WHERE outcome = 'rejected'").await;
    assert_eq!(rejected, 2_500);
}

/// A decision is about the tenant's own run, even where another tenant's has the same id.
pub async fn reviews_are_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let held = world.held(creations(1..=3)).await;
    let stranger = add_tenant(&*world.store, "stranger").await;
    for (tenant, run) in [(stranger, held), (world.tenant, RunId(id()))] {
        let approved = world.store.approve_run(Actor::SYSTEM, tenant, run, &digest(), &Choice::All).await.unwrap();
        assert_eq!(approved, Approval::NoRun);
        assert_eq!(world.store.reject_run(Actor::SYSTEM, tenant, run).await.unwrap(), Ending::NoRun);
    }

    let twin = add_twin(&world, held).await;
    let theirs = world.store.claim_run(twin, held, id(), LEASE).await.unwrap().unwrap();
    world.stage(&theirs.lease, creations(1..=3)).await;
    approve(&world, held, Choice::Only(vec![2])).await;
    let untouched = world.store.changes(twin, held, ChangeFilter::default(), ALL).await.unwrap();
    assert!(untouched.iter().all(|change| change.outcome == Outcome::Planned), "{untouched:?}");
    assert_eq!(world.store.run(twin, held).await.unwrap(), Some(theirs.run));
    world.cancel(held).await;
    let waiting = world.held(creations([9])).await;
    assert!(matches!(world.store.reject_run(Actor::SYSTEM, world.tenant, waiting).await.unwrap(), Ending::Ended(_)));
    assert_eq!(world.store.run(twin, held).await.unwrap().unwrap().status, RunStatus::Running);
}
