//! Sharing places: fairly among tenants, and no more than there are, whoever asks.

use std::num::NonZeroU32;

use directory_core::{ConnectionId, RunId, TenantId};
use futures_util::future::join_all;

use super::{
    Harness,
    world::{LEASE, World, add_connection, add_tenant, id, new_connection, queue},
};
use crate::{Actor, ClaimLimits, Lease, NewConnection, RunStatus, Store};

fn per_tenant(limit: u32) -> ClaimLimits {
    ClaimLimits { per_tenant: NonZeroU32::new(limit), ..ClaimLimits::NONE }
}

fn per_directory(limit: u32) -> ClaimLimits {
    ClaimLimits { per_directory: NonZeroU32::new(limit), ..ClaimLimits::NONE }
}

async fn next(store: &dyn Store, limits: ClaimLimits) -> Option<Lease> {
    store.claim_next(id(), LEASE, limits).await.unwrap().map(|claim| claim.lease)
}

async fn next_run(store: &dyn Store, limits: ClaimLimits) -> Option<RunId> {
    next(store, limits).await.map(|lease| lease.run)
}

/// Queued runs of so many new connections of the tenant, oldest first.
async fn queue_many(world: &World, tenant: TenantId, number: usize) -> Vec<RunId> {
    let mut runs = Vec::new();
    for _ in 0..number {
        let connection = add_connection(&*world.store, tenant).await;
        runs.push(queue(&*world.store, tenant, connection).await);
    }
    runs
}

async fn connection_of(world: &World, tenant: TenantId, provider: &str, directory: &str) -> ConnectionId {
    let new =
        NewConnection { provider: provider.to_owned(), directory_id: directory.to_owned(), ..new_connection(tenant) };
    world.store.create_connection(Actor::SYSTEM, &new).await.unwrap().id
}

/// A tenant with one connection waits for no more than the next free place, however many are before it in the queue.
pub async fn many_runs_do_not_starve_another_tenants(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let many = queue_many(&world, world.tenant, 20).await;
    let other = add_tenant(&*world.store, "other").await;
    let one = queue_many(&world, other, 1).await;
    let mut handed_out = Vec::new();
    while let Some(run) = next_run(&*world.store, ClaimLimits::NONE).await {
        handed_out.push(run);
    }
    assert_eq!(handed_out[..3], [many[0], one[0], many[1]]);
    assert_eq!(handed_out[3..], many[2..], "each once, the oldest first");
}

/// A free place goes to the tenant with the fewest runs that are running, and among equals to the oldest run.
pub async fn the_tenant_with_the_fewest_comes_first(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    let third = add_tenant(&*world.store, "third").await;
    let mine = queue_many(&world, world.tenant, 4).await;
    for run in &mine[..3] {
        assert!(world.claim(*run).await.is_some());
    }
    let others = queue_many(&world, other, 4).await;
    let thirds = queue_many(&world, third, 1).await;
    let mut handed_out = Vec::new();
    while let Some(run) = next_run(&*world.store, ClaimLimits::NONE).await {
        handed_out.push(run);
    }
    // Mine has 3 running all along; at 3 each its run is the older one.
    assert_eq!(handed_out, [others[0], thirds[0], others[1], others[2], mine[3], others[3]]);
}

/// A tenant has no more runs running than it may; an ended one, or one given back, makes room.
pub async fn a_tenant_has_so_many_places(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mine = queue_many(&world, world.tenant, 4).await;
    let other = add_tenant(&*world.store, "other").await;
    let others = queue_many(&world, other, 1).await;
    let limits = per_tenant(2);
    let first = next(&*world.store, limits).await.unwrap();
    assert_eq!(first.run, mine[0]);
    assert_eq!(next_run(&*world.store, limits).await, Some(others[0]));
    let second = next(&*world.store, limits).await.unwrap();
    assert_eq!(second.run, mine[1]);
    assert_eq!(next_run(&*world.store, limits).await, None, "both places are taken");

    world.finish(&first, RunStatus::Succeeded).await;
    assert_eq!(next_run(&*world.store, limits).await, Some(mine[2]));
    assert_eq!(next_run(&*world.store, limits).await, None);
    world.store.release(&second).await.unwrap();
    assert_eq!(next_run(&*world.store, limits).await, Some(mine[1]));
    assert_eq!(next_run(&*world.store, limits).await, None);
    world.cancel(mine[1]).await;
    assert_eq!(next_run(&*world.store, limits).await, Some(mine[3]));
}

/// A directory is read by no more runs than it may be, over all its connections of all tenants. Another directory's runs do
/// not wait behind those.
pub async fn a_directory_has_so_many_places(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    let store = &*world.store;
    let mut runs = Vec::new();
    for (tenant, provider, directory) in [
        (world.tenant, "entra", "shared"),
        (world.tenant, "entra", "shared"),
        (other, "entra", "shared"),
        (world.tenant, "entra", "another"),
        (other, "okta", "shared"),
    ] {
        let connection = connection_of(&world, tenant, provider, directory).await;
        runs.push(queue(store, tenant, connection).await);
    }
    let limits = per_directory(2);
    let first = next(store, limits).await.unwrap();
    assert_eq!(first.run, runs[0]);
    assert_eq!(next_run(store, limits).await, Some(runs[2]), "of the tenant that has none running");
    assert_eq!(next_run(store, limits).await, Some(runs[3]), "the older one's directory has no place");
    assert_eq!(next_run(store, limits).await, Some(runs[4]), "of another provider");
    assert_eq!(next_run(store, limits).await, None);
    world.finish(&first, RunStatus::Succeeded).await;
    assert_eq!(next_run(store, limits).await, Some(runs[1]));
}

/// A run whose worker died keeps its place until it is taken up, and then takes no second one.
pub async fn a_run_taken_up_has_its_place(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let runs = queue_many(&world, world.tenant, 3).await;
    for limits in [per_tenant(1), per_directory(1)] {
        let dead = next(&*world.store, limits).await.unwrap();
        assert_eq!(next_run(&*world.store, limits).await, None);
        world.expire(dead.run).await;
        let taken = next(&*world.store, limits).await.unwrap();
        assert_eq!(taken.run, dead.run, "and not one that is queued");
        assert_eq!(next_run(&*world.store, limits).await, None);
        world.finish(&taken, RunStatus::Succeeded).await;
    }
    assert_eq!(next_run(&*world.store, ClaimLimits::NONE).await, Some(runs[2]));
}

/// A run that is claimed by its id takes a place, and needs none.
pub async fn a_run_claimed_by_its_id_takes_a_place(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let runs = queue_many(&world, world.tenant, 3).await;
    let by_id = world.claim(runs[2]).await.unwrap();
    assert_eq!(next_run(&*world.store, per_tenant(1)).await, None);
    assert_eq!(next_run(&*world.store, per_directory(1)).await, None);
    assert!(world.claim(runs[1]).await.is_some(), "somebody waits for it");
    world.finish(&by_id.lease, RunStatus::Succeeded).await;
    assert_eq!(next_run(&*world.store, per_tenant(2)).await, Some(runs[0]));
}

/// Workers that ask at once, from several processes, get exactly as many runs of a tenant as it may have running.
pub async fn a_tenants_limit_holds_whoever_asks(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    queue_many(&world, world.tenant, 15).await;
    queue_many(&world, other, 15).await;
    all_at_once(&world, per_tenant(3), 6, 30).await;
}

/// The same of a directory.
pub async fn a_directorys_limit_holds_whoever_asks(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    for n in 0..15 {
        for tenant in [world.tenant, other] {
            let connection = connection_of(&world, tenant, "entra", ["one", "two", "three"][n % 3]).await;
            queue(&*world.store, tenant, connection).await;
        }
    }
    all_at_once(&world, per_directory(2), 6, 30).await;
}

/// Round after round, twice as many workers ask at once as there are places, until all runs are done.
async fn all_at_once(world: &World, limits: ClaimLimits, places: usize, runs: usize) {
    let stores = join_all((0..4).map(|_| world.database.open())).await;
    for _ in 0..runs / places {
        let asked = (0..places * 2).map(|n| next(&*stores[n % stores.len()], limits));
        let leases: Vec<Lease> = join_all(asked).await.into_iter().flatten().collect();
        assert_eq!(leases.len(), places);
        for lease in leases {
            world.finish(&lease, RunStatus::Succeeded).await;
        }
    }
    assert_eq!(next_run(&*world.store, limits).await, None, "each was handed out once");
}
