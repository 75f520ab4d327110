//! Numbers over all tenants.

use std::time::Duration;

use super::{
    Harness,
    world::{World, add_connection, add_tenant, queue},
};
use crate::{Actor, Census, ConnectionCounts, RunStatus};

/// Of a store in which there is nothing yet, every number is 0.
pub async fn an_empty_store_has_a_census(harness: &dyn Harness) {
    let database = harness.database().await;
    let store = database.open().await;
    store.migrate().await.unwrap();
    assert_eq!(store.census().await.unwrap(), Census::default());
}

/// Queued runs of every tenant count; those that are running, held or over do not.
pub async fn the_queue_is_counted_over_all_tenants(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    let theirs = add_connection(&*world.store, other).await;
    let lease = world.start().await.lease;
    let running = world.store.census().await.unwrap();
    assert_eq!((running.queued, running.oldest_wait), (0, None));
    world.finish(&lease, RunStatus::Succeeded).await;
    world.held(Vec::new()).await;

    let second = add_connection(&*world.store, world.tenant).await;
    queue(&*world.store, world.tenant, second).await;
    queue(&*world.store, other, theirs).await;
    let waiting = world.store.census().await.unwrap();
    assert_eq!(waiting.queued, 2);
    assert!(waiting.oldest_wait.is_some_and(|wait| wait < Duration::from_hours(1)), "{waiting:?}");
}

/// The oldest wait is that of the run that was queued first, and of no run that somebody has begun.
pub async fn the_oldest_wait_is_of_a_run_that_nobody_began(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let begun = world.start().await;
    world.sql("UPDATE sync_runs SET created_at = '2001-01-01T00:00:00.000Z'").await;
    world.store.release(&begun.lease).await.unwrap();
    let second = add_connection(&*world.store, world.tenant).await;
    let given_back = world.store.census().await.unwrap();
    assert_eq!((given_back.queued, given_back.oldest_wait), (1, None));

    let old = queue(&*world.store, world.tenant, second).await;
    world.sql(&format!("UPDATE sync_runs SET created_at = '2020-01-01T00:00:00.000Z' WHERE id = '{old}'")).await;
    let third = add_connection(&*world.store, world.tenant).await;
    queue(&*world.store, world.tenant, third).await;
    let census = world.store.census().await.unwrap();
    assert_eq!(census.queued, 3);
    let years = census.oldest_wait.unwrap().as_secs() / (365 * 24 * 3600);
    assert!((5..20).contains(&years), "{census:?}");
}

/// Connections of every tenant count, each in its state; deleted ones do not.
pub async fn connections_are_counted_by_state(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    for (tenant, state) in [(world.tenant, "paused"), (other, "quarantined"), (other, "quarantined")] {
        let connection = add_connection(&*world.store, tenant).await;
        world.sql(&format!("UPDATE connections SET state = '{state}' WHERE id = '{connection}'")).await;
    }
    let deleted = add_connection(&*world.store, other).await;
    assert!(world.store.delete_connection(Actor::SYSTEM, other, deleted).await.unwrap());
    let counts = world.store.census().await.unwrap().connections;
    assert_eq!(counts, ConnectionCounts { active: 1, paused: 1, quarantined: 2 });
}
