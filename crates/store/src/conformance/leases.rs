//! Claiming runs, and what a claim is worth once another worker has the run.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use directory_core::{Amendment, PlanSummary, Policy, RunErrorCode, RunId};
use futures_util::future::join_all;

use super::{
    Harness,
    world::{LEASE, World, add_connection, add_tenant, creates, full, id, new_run, queue},
};
use crate::{
    Actor, Claim, ClaimLimits, Connection, ConnectionEffect, Draft, Lease, NewRun, Outcome, PlanNext, Progress, RunEnd,
    RunPhase, RunStatus, StagedPage, Store, StoreError,
};

fn lost<T: std::fmt::Debug>(what: &str, written: &Result<T, StoreError>) {
    assert!(matches!(written, Err(StoreError::LeaseLost)), "{what}: {written:?}");
}

async fn next(store: &Arc<dyn Store>) -> Option<Claim> {
    store.claim_next(id(), LEASE, ClaimLimits::NONE).await.unwrap()
}

/// Every write there is under a lease, each of which must fail.
pub(super) async fn no_write_works(store: &dyn Store, lease: &Lease) {
    let progress = Progress { phase: RunPhase::Applying, seen: 99 };
    let page = StagedPage { retracted: vec![1], changes: vec![creates(9, "ext-9", "nine@acme.example")] };
    let end =
        RunEnd { status: RunStatus::Failed, error: None, connection: ConnectionEffect::Quarantine("never".to_owned()) };
    lost("renew", &store.renew(lease, LEASE, progress).await);
    lost("release", &store.release(lease).await);
    lost("clear_plan", &store.clear_plan(lease).await);
    lost("stage", &store.stage(lease, &page).await);
    let again = StagedPage { retracted: Vec::new(), changes: vec![creates(1, "ext-1", "one@acme.example")] };
    lost("stage what is there", &store.stage(lease, &again).await);
    lost("stage nothing", &store.stage(lease, &StagedPage::default()).await);
    lost("amend", &store.amend(lease, &[Amendment::Entangle { seq: 1 }]).await);
    lost("amend nothing", &store.amend(lease, &[]).await);
    lost("finish_plan", &store.finish_plan(lease, &PlanSummary::default(), &full(), &PlanNext::Apply).await);
    lost("apply_batch", &store.apply_batch(lease, 100).await);
    lost("finish_run", &store.finish_run(lease, &end).await);
}

/// A claim takes the oldest run, and says everything that working on it needs.
pub async fn the_oldest_run_is_claimed_first(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let second = add_connection(&*world.store, world.tenant).await;
    let other = add_tenant(&*world.store, "other").await;
    let third = add_connection(&*world.store, other).await;
    let runs = [
        world.queue().await,
        queue(&*world.store, other, third).await,
        queue(&*world.store, world.tenant, second).await,
    ];
    let token = id();
    let claim = world.store.claim_next(token, LEASE, ClaimLimits::NONE).await.unwrap().unwrap();
    assert_eq!(claim.run, world.run(runs[0]).await);
    assert_eq!((claim.run.status, claim.run.phase), (RunStatus::Running, Some(RunPhase::Pulling)));
    assert!(claim.run.started_at.is_some());
    assert_eq!(claim.lease, Lease { tenant: world.tenant, run: runs[0], token });
    assert!(!claim.plan_complete);
    let connection = world.store.connection(world.tenant, world.connection).await.unwrap();
    assert_eq!(Some(claim.connection), connection);

    let claim = next(&world.store).await.unwrap();
    assert_eq!((claim.run.id, claim.run.tenant, claim.connection.id), (runs[1], other, third));
    assert_eq!(next(&world.store).await.unwrap().run.id, runs[2]);
    assert!(next(&world.store).await.is_none(), "nothing is left");
}

/// A run is claimed by its id where it is free, and only there.
pub async fn a_free_run_is_claimed_by_its_id(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let run = world.queue().await;
    let second = add_connection(&*world.store, world.tenant).await;
    let wanted = queue(&*world.store, world.tenant, second).await;
    let claim = world.claim(wanted).await.unwrap();
    assert_eq!((claim.run.id, claim.connection.id), (wanted, second));
    assert!(world.claim(wanted).await.is_none(), "its worker lives");
    assert!(world.claim(RunId(id())).await.is_none(), "no such run");
    world.finish(&claim.lease, RunStatus::Succeeded).await;
    assert!(world.claim(wanted).await.is_none(), "it has ended");
    assert_eq!(world.run(run).await.status, RunStatus::Queued);
}

/// Workers that ask at once, from several processes, get different runs, and every run gets a worker.
pub async fn each_run_is_claimed_once(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut queued = BTreeSet::new();
    for _ in 0..20 {
        let connection = add_connection(&*world.store, world.tenant).await;
        queued.insert(queue(&*world.store, world.tenant, connection).await);
    }
    let stores = join_all((0..4).map(|_| world.database.open())).await;
    let workers = (0..8).map(|n| {
        let store = &stores[n % stores.len()];
        async move {
            let mut taken = Vec::new();
            while let Some(claim) = next(store).await {
                taken.push(claim.run.id);
            }
            taken
        }
    });
    let mut taken = join_all(workers).await.concat();
    while let Some(claim) = next(&world.store).await {
        taken.push(claim.run.id);
    }
    assert_eq!(taken.len(), queued.len(), "none is claimed twice");
    assert_eq!(taken.into_iter().collect::<BTreeSet<_>>(), queued);
}

/// Several workers that want the same run: one gets it.
pub async fn one_of_many_gets_the_run(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let run = world.queue().await;
    let stores = join_all((0..4).map(|_| world.database.open())).await;
    let asked = (0..8).map(|n| stores[n % 4].claim_run(world.tenant, run, id(), LEASE));
    let claims = join_all(asked).await;
    assert_eq!(claims.into_iter().filter(|claim| claim.as_ref().unwrap().is_some()).count(), 1);
}

/// A run whose worker let its lease pass is there for the next one, by order or by id.
pub async fn a_passed_lease_is_taken_over(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let first = world.start().await;
    assert!(next(&world.store).await.is_none());
    world.expire(first.run.id).await;
    let second = next(&world.store).await.unwrap();
    assert_eq!(second.run, first.run, "it started when it first started");
    assert_ne!(second.lease.token, first.lease.token);
    world.expire(first.run.id).await;
    assert!(world.claim(first.run.id).await.is_some());
    assert!(world.claim(first.run.id).await.is_none());
}

/// A renewed lease holds on; it also holds where it has passed but nobody has come.
pub async fn a_lease_is_renewed(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.start().await.lease;
    world.expire(lease.run).await;
    let progress = Progress { phase: RunPhase::Planning, seen: 1_998 };
    world.store.renew(&lease, LEASE, progress).await.unwrap();
    assert!(next(&world.store).await.is_none());
    let run = world.run(lease.run).await;
    assert_eq!((run.phase, run.counts.seen), (Some(RunPhase::Planning), 1_998));

    world.store.renew(&lease, LEASE, Progress { phase: RunPhase::Applying, seen: 5 }).await.unwrap();
    let run = world.run(lease.run).await;
    assert_eq!((run.phase, run.counts.seen), (Some(RunPhase::Applying), 1_998), "seen never goes back");

    world.store.renew(&lease, Duration::ZERO, progress).await.unwrap();
    world.expire(lease.run).await;
    assert!(next(&world.store).await.is_some());
}

/// Once another worker has the run, no write of the first one changes anything.
pub async fn a_lost_lease_writes_nothing(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.planned(vec![creates(1, "ext-1", "a@acme.example")]).await;
    world.expire(lease.run).await;
    let taker = world.claim(lease.run).await.unwrap();
    let before = world.run(lease.run).await;
    no_write_works(&*world.store, &lease).await;

    assert_eq!(world.run(lease.run).await, before);
    assert_eq!(world.outcomes(lease.run).await, [(1, Outcome::Planned)]);
    assert_eq!(world.user_count().await, 0);
    let connection = world.store.connection(world.tenant, world.connection).await.unwrap().unwrap();
    assert_eq!(connection.state_reason, None);
    assert!(!world.store.apply_batch(&taker.lease, 100).await.unwrap().more, "the taker goes on");
    assert_eq!(world.user_count().await, 1);
}

/// A lease that was given back, or that ended with its run, is worth nothing; nor is one of another tenant.
pub async fn a_lease_ends_with_its_work(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.start().await.lease;
    let other = add_tenant(&*world.store, "other").await;
    no_write_works(&*world.store, &Lease { tenant: other, ..lease }).await;
    no_write_works(&*world.store, &Lease { token: id(), ..lease }).await;
    world.store.release(&lease).await.unwrap();
    no_write_works(&*world.store, &lease).await;

    let again = world.claim(lease.run).await.unwrap().lease;
    world.finish(&again, RunStatus::Succeeded).await;
    no_write_works(&*world.store, &again).await;
    assert_eq!(world.run(lease.run).await.status, RunStatus::Succeeded);
}

/// A run that was given back before its plan was complete is planned afresh by whoever takes it up.
pub async fn a_released_run_is_queued(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let first = world.start().await;
    world.stage(&first.lease, vec![creates(1, "ext-1", "a@acme.example")]).await;
    world.store.release(&first.lease).await.unwrap();
    assert_eq!(world.run(first.run.id).await.status, RunStatus::Queued);

    let second = next(&world.store).await.unwrap();
    assert_eq!(second.run.started_at, first.run.started_at);
    assert!(!second.plan_complete);
    assert_eq!(second.run.phase, Some(RunPhase::Pulling));
    assert_eq!(world.changes(first.run.id).await.len(), 1, "clearing is the taker's to decide");
}

/// A run that was given back while it was applied is applied further, each change once.
pub async fn a_run_given_back_goes_on_applying(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let changes = (1..=5).map(|n| creates(n, &format!("ext-{n}"), &format!("user{n}@acme.example"))).collect();
    let lease = world.planned(changes).await;
    assert!(world.store.apply_batch(&lease, 2).await.unwrap().more);
    world.store.release(&lease).await.unwrap();

    let taken = next(&world.store).await.unwrap();
    assert!(taken.plan_complete);
    assert_eq!((taken.run.phase, taken.run.counts.created), (Some(RunPhase::Applying), 2));
    world.apply_all(&taken.lease, 2).await;
    assert_eq!((world.user_count().await, world.run(lease.run).await.counts.created), (5, 5));
}

/// A draft goes with its run: whoever claims that run has the connection as drafted, and nobody else does.
pub async fn a_draft_is_its_runs_alone(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let saved = world.store.connection(world.tenant, world.connection).await.unwrap().unwrap();
    let draft = Draft {
        group_id: Some("99999999-2222-3333-4444-555555555555".to_owned()),
        default_role: "reader".to_owned(),
        policy: Policy { deactivate_missing: false, ..Policy::default_for(true) },
    };
    let drafted = Connection {
        group_id: draft.group_id.clone(),
        default_role: "reader".to_owned(),
        policy: draft.policy.clone(),
        ..saved.clone()
    };
    assert_ne!(drafted.policy, saved.policy);
    let preview = NewRun { dry_run: true, draft: Some(draft), ..new_run(world.tenant, world.connection) };
    world.store.create_run(Actor::SYSTEM, &preview).await.unwrap();
    assert_eq!(next(&world.store).await.unwrap().connection, drafted);
    world.expire(preview.id).await;
    let taken = world.claim(preview.id).await.unwrap();
    assert_eq!(taken.connection, drafted, "whoever takes it up");
    world.finish(&taken.lease, RunStatus::Failed).await;

    assert_eq!(world.store.connection(world.tenant, world.connection).await.unwrap(), Some(saved.clone()));
    assert_eq!(world.start().await.connection, saved);
}

/// A run whose draft cannot be read fails, says where to look, and holds up nobody else's.
pub async fn a_draft_that_cannot_be_read_fails_its_run(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let broken = world.queue().await;
    world.sql("UPDATE sync_runs SET draft = '\"?\"', dry_run = (1 = 1)").await;
    let fine = add_connection(&*world.store, world.tenant).await;
    let other = queue(&*world.store, world.tenant, fine).await;
    assert_eq!(next(&world.store).await.map(|claim| claim.run.id), Some(other));
    let sql = format!("SELECT count(*) FROM sync_runs WHERE id = '{broken}' AND status = 'failed'");
    assert_eq!(world.number(&sql).await, 1);
    world.sql(&format!("UPDATE sync_runs SET draft = NULL WHERE id = '{broken}'")).await;
    let error = world.run(broken).await.error.unwrap();
    assert!(error.message.contains("sync_runs.draft"), "{error:?}");
}

/// A run whose connection is gone fails, and does not keep the next one from being claimed.
pub async fn a_run_without_its_connection_fails(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let orphan = world.queue().await;
    let second = add_connection(&*world.store, world.tenant).await;
    let run = queue(&*world.store, world.tenant, second).await;
    world.sql(&format!("DELETE FROM connections WHERE id = '{}'", world.connection)).await;

    assert_eq!(next(&world.store).await.unwrap().run.id, run);
    let failed = world.run(orphan).await;
    assert_eq!(failed.status, RunStatus::Failed);
    assert_eq!(failed.error.unwrap().code, RunErrorCode::Internal);
    assert!(failed.finished_at.is_some());
    assert!(next(&world.store).await.is_none());
}

/// A run whose connection cannot be read fails, says where to look, and holds up nobody else's.
pub async fn a_run_that_cannot_be_read_holds_up_no_other(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let broken = world.queue().await;
    world.sql("UPDATE connections SET policy = '\"?\"'").await;
    let fine = add_connection(&*world.store, world.tenant).await;
    let other = queue(&*world.store, world.tenant, fine).await;
    assert_eq!(next(&world.store).await.map(|claim| claim.run.id), Some(other));
    let run = world.run(broken).await;
    let error = run.error.unwrap();
    assert_eq!((run.status, error.code), (RunStatus::Failed, RunErrorCode::Internal));
    assert!(error.message.contains("connections.policy"), "{error:?}");
}

/// How often a run was claimed in vain is counted, and getting further starts the count anew.
pub async fn claims_in_vain_are_counted(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let run = world.queue().await;
    for attempt in 1..=3 {
        assert_eq!(world.claim(run).await.unwrap().attempt, attempt);
        world.expire(run).await;
    }
    let claim = world.claim(run).await.unwrap();
    assert_eq!(claim.attempt, 4);
    world.stage(&claim.lease, vec![creates(1, "ext-1", "a@acme.example"), creates(2, "ext-2", "b@acme.example")]).await;
    world.clear_for_applying(&claim.lease, 2).await;
    world.expire(run).await;
    let claim = world.claim(run).await.unwrap();
    assert_eq!(claim.attempt, 1, "its plan is complete");
    world.expire(run).await;
    let claim = world.claim(run).await.unwrap();
    assert_eq!(claim.attempt, 2);
    assert!(world.store.apply_batch(&claim.lease, 1).await.unwrap().more);
    world.expire(run).await;
    assert_eq!(world.claim(run).await.unwrap().attempt, 1, "a batch is applied");
    world.expire(run).await;
    for _ in 0..3 {
        let claim = world.claim(run).await.unwrap();
        assert_eq!(claim.attempt, 2, "who gives it back has not tried in vain");
        world.store.release(&claim.lease).await.unwrap();
    }
}
