//! From where changes are told: what a run leaves for the next one.

use directory_core::{ChangeCode, ConnectionId, PlanSummary, UserId};

use super::{
    Harness,
    audit::same,
    world::{World, add_tenant, conflicts, creates, external, id, renames},
};
use crate::{
    Actor, Continued, HeldPlan, Lease, Linking, ModeReason, NewChange, PlanNext, Reading, RunMode, RunStatus,
    SealedContinuation, UserRecord,
};

fn place(name: &str) -> SealedContinuation {
    SealedContinuation { sealed: [b"sealed ", name.as_bytes()].concat(), scope: format!("scope of {name}") }
}

fn reading(mode: RunMode, name: &str) -> Reading {
    let reason = if mode == RunMode::Delta { ModeReason::Continued } else { ModeReason::Requested };
    Reading { mode, reason, continuation: Some(place(name)) }
}

async fn kept(world: &World) -> Option<Continued> {
    world.store.continuation(world.tenant, world.connection).await.unwrap()
}

async fn name_of(world: &World) -> Option<Vec<u8>> {
    kept(world).await.map(|continued| continued.place.sealed)
}

/// A run with this plan that leaves this place, cleared for applying.
async fn read(world: &World, mode: RunMode, name: &str, changes: Vec<NewChange>) -> Lease {
    let lease = world.start().await.lease;
    let plan = PlanSummary { applicable: changes.len() as u64, ..PlanSummary::default() };
    world.stage(&lease, changes).await;
    world.store.finish_plan(&lease, &plan, &reading(mode, name), &PlanNext::Apply).await.unwrap();
    lease
}

async fn sync(world: &World, mode: RunMode, name: &str, changes: Vec<NewChange>) -> Lease {
    let lease = read(world, mode, name, changes).await;
    world.apply_all(&lease, 100).await;
    world.finish(&lease, RunStatus::Succeeded).await;
    lease
}

/// It moves with the end of the run that leaves it, and not before.
pub async fn a_place_moves_with_the_runs_end(harness: &dyn Harness) {
    let world = World::new(harness).await;
    assert_eq!(kept(&world).await, None);
    let first = sync(&world, RunMode::Full, "a", vec![creates(1, "ext-1", "a@acme.example")]).await;
    let began = world.run(first.run).await.started_at.unwrap();
    assert_eq!(kept(&world).await, Some(Continued { place: place("a"), run: first.run, reconciled_at: began }));

    let second = read(&world, RunMode::Delta, "b", vec![creates(1, "ext-2", "b@acme.example")]).await;
    assert_eq!(name_of(&world).await, Some(place("a").sealed), "nothing is applied yet");
    world.apply_all(&second, 100).await;
    assert_eq!(name_of(&world).await, Some(place("a").sealed), "the run has not ended");
    world.finish(&second, RunStatus::CompletedWithErrors).await;
    let continued = kept(&world).await.unwrap();
    assert_eq!((continued.place, continued.run), (place("b"), second.run));
    assert_eq!(continued.reconciled_at, began, "the changes do not make up for a whole listing");

    let third = sync(&world, RunMode::Full, "c", vec![]).await;
    let began = world.run(third.run).await.started_at.unwrap();
    assert_eq!(kept(&world).await, Some(Continued { place: place("c"), run: third.run, reconciled_at: began }));
    assert_eq!(world.number("SELECT count(*) FROM sync_runs WHERE continuation IS NOT NULL").await, 0, "kept once");
}

/// A worker that takes the run up ends it with the place that its plan left.
pub async fn a_place_outlives_the_worker(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let dead = read(&world, RunMode::Full, "a", vec![creates(1, "ext-1", "a@acme.example")]).await;
    world.expire(dead.run).await;
    let claim = world.claim(dead.run).await.expect("the lease has passed");
    world.apply_all(&claim.lease, 100).await;
    world.finish(&claim.lease, RunStatus::Succeeded).await;
    assert_eq!(name_of(&world).await, Some(place("a").sealed));
}

/// What was not applied is told again.
pub async fn a_place_waits_for_all_of_the_plan(harness: &dyn Harness) {
    let world = World::new(harness).await;
    sync(&world, RunMode::Full, "a", vec![]).await;

    let user = world.linked_user("b@acme.example", "ext-2").await;
    let change = renames(1, &user, "Renamed");
    world.update_user(user.id, "display_name = 'Written'").await;
    sync(&world, RunMode::Delta, "stale", vec![change]).await;
    assert_eq!(name_of(&world).await, Some(place("a").sealed), "a change went stale");

    let failed = read(&world, RunMode::Full, "failed", vec![]).await;
    world.finish(&failed, RunStatus::Failed).await;
    assert_eq!(name_of(&world).await, Some(place("a").sealed), "a failed run");

    let cancelled = read(&world, RunMode::Full, "cancelled", vec![]).await;
    world.cancel(cancelled.run).await;
    assert_eq!(name_of(&world).await, Some(place("a").sealed), "a cancelled run");
    assert_eq!(world.number("SELECT count(*) FROM sync_runs WHERE continuation IS NOT NULL").await, 0);
}

/// A plan that somebody looks at first is older than its approval.
pub async fn a_reviewed_plan_leaves_no_place(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let digest = "d".repeat(64);
    let lease = world.start().await.lease;
    let held = PlanNext::Hold(HeldPlan { digest: digest.clone(), reasons: vec![] });
    world.store.finish_plan(&lease, &PlanSummary::default(), &reading(RunMode::Full, "held"), &held).await.unwrap();
    world.store.reject_run(Actor::SYSTEM, world.tenant, lease.run).await.unwrap();
    let lease = world.start().await.lease;
    let planned = PlanNext::Planned { digest, reasons: vec![] };
    let read = reading(RunMode::Full, "planned");
    world.store.finish_plan(&lease, &PlanSummary::default(), &read, &planned).await.unwrap();
    assert_eq!(kept(&world).await, None);
    assert_eq!(world.number("SELECT count(*) FROM sync_runs WHERE continuation IS NOT NULL").await, 0);
}

async fn unlink(world: &World, user: UserId) -> UserRecord {
    world.store.unlink_user(Actor::SYSTEM, world.tenant, user).await.unwrap().unwrap()
}

/// Nobody would be told of a user who was unlinked before that user changes. So the place goes, and a run that had begun
/// before does not bring one back.
pub async fn unlinking_drops_the_place(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let users = [
        world.linked_user("a@acme.example", "ext-1").await,
        world.linked_user("b@acme.example", "ext-2").await,
        world.linked_user("c@acme.example", "ext-3").await,
    ];
    sync(&world, RunMode::Full, "a", vec![]).await;
    let delta = read(&world, RunMode::Delta, "b", vec![]).await;
    unlink(&world, users[0].id).await;
    assert_eq!(kept(&world).await, None);
    world.finish(&delta, RunStatus::Succeeded).await;
    assert_eq!(kept(&world).await, None, "only a whole listing starts over");

    let full = read(&world, RunMode::Full, "c", vec![]).await;
    unlink(&world, users[1].id).await;
    world.finish(&full, RunStatus::Succeeded).await;
    assert_eq!(kept(&world).await, None, "it may have been read before");

    sync(&world, RunMode::Full, "d", vec![]).await;
    assert_eq!(name_of(&world).await, Some(place("d").sealed));
    unlink(&world, users[0].id).await;
    assert_eq!(name_of(&world).await, Some(place("d").sealed), "there was nothing to unlink");
}

/// A run that is under way may have read that the directory user is gone, when that meant nobody yet; nothing would tell it
/// again.
pub async fn linking_amid_a_run_drops_the_place(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (first, second) = (world.local_user("a@acme.example").await, world.local_user("b@acme.example").await);
    let link = async |user: UserId, to: &str| {
        let linking =
            world.store.link_user(Actor::SYSTEM, world.tenant, user, world.connection, &external(to)).await.unwrap();
        assert!(matches!(linking, Linking::Linked(_)), "{linking:?}");
    };
    let taken = |seq, id| conflicts(seq, id, ChangeCode::EmailTaken);
    sync(&world, RunMode::Full, "a", vec![taken(1, "ext-1"), taken(2, "ext-2")]).await;
    link(first.id, "ext-1").await;
    assert_eq!(name_of(&world).await, Some(place("a").sealed), "the next run reads whoever was in conflict");

    let delta = world.start().await.lease;
    link(second.id, "ext-2").await;
    let reading = reading(RunMode::Delta, "b");
    world.store.finish_plan(&delta, &PlanSummary::default(), &reading, &PlanNext::Apply).await.unwrap();
    world.finish(&delta, RunStatus::Succeeded).await;
    assert_eq!(kept(&world).await, None);
}

/// Rules that are set back do not bring back what was left under them before: others may have held in between.
pub async fn other_rules_drop_the_place(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (tenant, connection) = (world.tenant, world.connection);
    let left = async |name: &str| {
        sync(&world, RunMode::Full, name, vec![]).await;
        assert_eq!(name_of(&world).await, Some(place(name).sealed));
    };
    left("a").await;
    let current = world.store.connection(tenant, connection).await.unwrap().unwrap();
    let mut update = same(&current);
    "Another name".clone_into(&mut update.display_name);
    world.store.update_connection(Actor::SYSTEM, tenant, connection, current.updated_at, &update).await.unwrap();
    assert_eq!(name_of(&world).await, Some(place("a").sealed), "a name is no rule");
    let current = world.store.connection(tenant, connection).await.unwrap().unwrap();
    update.policy.include_disabled = !update.policy.include_disabled;
    world.store.update_connection(Actor::SYSTEM, tenant, connection, current.updated_at, &update).await.unwrap();
    assert_eq!(kept(&world).await, None);

    left("b").await;
    world.store.ignore_user(Actor::SYSTEM, tenant, connection, &external("ext-1")).await.unwrap();
    assert_eq!(kept(&world).await, None);
    left("c").await;
    world.store.heed_user(Actor::SYSTEM, tenant, connection, &external("ext-1")).await.unwrap();
    assert_eq!(kept(&world).await, None);
}

/// A connection's place goes with it.
pub async fn a_deleted_connections_place_is_gone(harness: &dyn Harness) {
    let world = World::new(harness).await;
    sync(&world, RunMode::Full, "a", vec![]).await;
    world.disconnect().await;
    assert_eq!(kept(&world).await, None);
    assert_eq!(world.number("SELECT count(*) FROM continuations").await, 0);
}

/// Another tenant's connection of the same id has its own.
pub async fn places_are_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    sync(&world, RunMode::Full, "a", vec![]).await;
    let other = add_tenant(&*world.store, "other").await;
    assert_eq!(world.store.continuation(other, world.connection).await.unwrap(), None);
    let unknown = ConnectionId(id());
    assert_eq!(world.store.continuation(world.tenant, unknown).await.unwrap(), None);
}
