//! Changes are deleted when they are old; the runs that made them stay.

use std::time::Duration;

use directory_core::{Counts, RunId};

use super::{
    Harness,
    world::{LEASE, World, add_twin, creates, id},
};
use crate::{Actor, NewChange, Outcome, Run, RunStatus};

const DAY: Duration = Duration::from_hours(24);

fn creations(count: u32) -> Vec<NewChange> {
    (1..=count).map(|n| creates(n, &id().to_string(), &format!("{}@acme.example", id()))).collect()
}

/// A run that created so many users, and ended then.
async fn ended(world: &World, users: u32, at: &str) -> Run {
    let run = world.sync(creations(users)).await;
    let sql = format!("UPDATE sync_runs SET finished_at = '{at}' WHERE id = '{}'", run.id);
    assert_eq!(world.sql(&sql).await, 1);
    world.run(run.id).await
}

/// Of whatever no event is told from.
async fn delete(world: &World, limit: u32) -> bool {
    world.sql("DELETE FROM events").await;
    world.store.delete_old_changes(DAY, limit).await.unwrap()
}

async fn positions(world: &World, run: RunId) -> Vec<u32> {
    world.changes(run).await.into_iter().map(|change| change.seq).collect()
}

/// The oldest run's changes go first, so many at a time and in their order; the run stays as it was, and tells when.
pub async fn old_changes_go_in_small_batches(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let newer = ended(&world, 2, "2002-02-02T00:00:00.000Z").await;
    let older = ended(&world, 5, "2001-01-01T00:00:00.000Z").await;
    assert!(delete(&world, 2).await);
    assert_eq!(positions(&world, older.id).await, [3, 4, 5]);
    assert_eq!(world.run(older.id).await, older, "not all of them are gone");
    assert!(delete(&world, 2).await);
    assert!(delete(&world, 2).await);
    assert_eq!(positions(&world, older.id).await, [0; 0]);
    let emptied = world.run(older.id).await;
    assert!(emptied.changes_deleted_at.is_some_and(|at| at > older.created_at));
    assert_eq!(emptied, Run { changes_deleted_at: emptied.changes_deleted_at, ..older });
    assert_eq!(emptied.counts, Counts { created: 5, ..Counts::default() });
    assert_eq!((emptied.planned_changes, emptied.applied_changes), (Some(5), 5));
    assert_eq!(positions(&world, newer.id).await, [1, 2], "its turn comes next");

    while delete(&world, 2).await {}
    assert_eq!(world.number("SELECT count(*) FROM sync_changes").await, 0);
    assert!(world.run(newer.id).await.changes_deleted_at.is_some());
    assert_eq!(world.run(older.id).await, emptied, "once is enough");
    assert_eq!(world.user_count().await, 7);
    assert!(!delete(&world, 2).await);
}

/// Runs without changes are passed over together, and nothing is left to do in the end.
pub async fn runs_without_changes_are_passed_over(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut empty = Vec::new();
    for _ in 0..3 {
        empty.push(ended(&world, 0, "2002-02-02T00:00:00.000Z").await);
    }
    let other = ended(&world, 1, "2001-01-01T00:00:00.000Z").await;
    assert!(delete(&world, 10).await);
    for run in empty.iter().chain([&other]) {
        assert!(world.run(run.id).await.changes_deleted_at.is_some());
    }
    assert!(!delete(&world, 10).await);
}

/// Younger runs keep their changes.
pub async fn younger_runs_keep_their_changes(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let young = world.sync(creations(3)).await;
    assert!(!delete(&world, 10).await);
    assert_eq!(world.run(young.id).await, young);
    assert_eq!(positions(&world, young.id).await, [1, 2, 3]);
    let decade = DAY * 36_525;
    let old = ended(&world, 1, "2001-01-01T00:00:00.000Z").await;
    assert!(!world.store.delete_old_changes(decade, 10).await.unwrap(), "young for somebody who keeps a century");
    assert_eq!(positions(&world, old.id).await, [1]);
}

/// A run that has not ended keeps its changes, however long ago it began.
pub async fn a_run_that_has_not_ended_keeps_its_changes(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let long_ago = "UPDATE sync_runs SET created_at = '2001-01-01T00:00:00.000Z', started_at = created_at";
    let held = world.held(creations(2)).await;
    world.sql(long_ago).await;
    assert!(!delete(&world, 10).await);
    assert_eq!(world.run(held).await.changes_deleted_at, None);
    assert_eq!(positions(&world, held).await, [1, 2]);
    world.store.reject_run(Actor::SYSTEM, world.tenant, held).await.unwrap();

    let lease = world.planned(creations(2)).await;
    assert!(world.store.apply_batch(&lease, 1).await.unwrap().more);
    world.sql(long_ago).await;
    assert!(!delete(&world, 10).await, "running");
    world.store.release(&lease).await.unwrap();
    assert!(!delete(&world, 10).await, "queued");
    assert_eq!(world.outcomes(lease.run).await, [(1, Outcome::Applied), (2, Outcome::Planned)]);
    let taken = world.claim(lease.run).await.unwrap();
    world.apply_all(&taken.lease, 10).await;
    assert_eq!(world.finish(&taken.lease, RunStatus::Succeeded).await.applied_changes, 2);
}

/// Every tenant's changes grow old, each run's by itself, even where two runs have the same id.
pub async fn twins_grow_old_by_themselves(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let run = world.sync(creations(2)).await;
    let twin = add_twin(&world, run.id).await;
    let claim = world.store.claim_run(twin, run.id, id(), LEASE).await.unwrap().unwrap();
    world.stage(&claim.lease, creations(3)).await;
    world.clear_for_applying(&claim.lease, 3).await;
    world.finish(&claim.lease, RunStatus::Cancelled).await;
    world
        .sql(&format!("UPDATE sync_runs SET finished_at = '2001-01-01T00:00:00.000Z' WHERE tenant_id = '{twin}'"))
        .await;

    while delete(&world, 10).await {}
    assert!(world.store.run(twin, run.id).await.unwrap().unwrap().changes_deleted_at.is_some());
    assert_eq!(world.number(&format!("SELECT count(*) FROM sync_changes WHERE tenant_id = '{twin}'")).await, 0);
    assert_eq!(world.run(run.id).await, run);
    assert_eq!(positions(&world, run.id).await, [1, 2]);
}
