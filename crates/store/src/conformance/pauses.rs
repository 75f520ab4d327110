//! Directories that asked to be left alone.

use std::time::Duration;

use super::{
    Harness,
    timed::{Timed, on_first_of_march, punctual},
    world::add_tenant,
};
use crate::{Connection, ConnectionEffect, NewConnection, RunStatus};

const MINUTE: Duration = Duration::from_mins(1);

/// No run of a directory that asked to be left alone is handed out before its time, whoever asked for it and whichever way
/// it is claimed; it says until when it waits. Other directories, other tenants and finished plans go on.
pub async fn a_directory_is_left_alone(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let world = &timed.world;
    let connection = timed.scheduled("every 15m").await;
    let sibling = timed.add(NewConnection { group_id: Some("g".to_owned()), ..punctual(world.tenant) }).await;
    let elsewhere = timed.add(NewConnection { directory_id: "elsewhere".to_owned(), ..punctual(world.tenant) }).await;
    let other = add_tenant(&*world.store, "other").await;
    let theirs = timed.add(punctual(other)).await;
    // A person approves what was read before.
    let approved = world.planned(vec![]).await;

    let waits = ConnectionEffect::BackOff { retry_after: Some(20 * MINUTE) };
    let after = timed.manual(&connection, waits).await;
    let until = on_first_of_march("08:20:00");
    assert_eq!(after.next_sync_at, until, "later than its own next time");
    // Less than that does not shorten it; what another run of the directory hears later may make it longer.
    let short = super::world::queue(&*world.store, world.tenant, elsewhere.id).await;
    timed.ends(&elsewhere, short, ConnectionEffect::BackOff { retry_after: Some(MINUTE) }).await;

    let queue = async |one: &Connection| super::world::queue(&*world.store, one.tenant, one.id).await;
    let (waiting, waiting_too) = (queue(&connection).await, queue(&sibling).await);
    assert_eq!(world.run(waiting).await.not_before, until);
    assert_eq!(world.run(waiting_too).await.status, RunStatus::Queued);
    let free = queue(&theirs).await;
    assert_eq!(timed.claim_next().await, Some(free), "another tenant's is not held up");
    assert_eq!(timed.claim_next().await, None);
    assert!(world.claim(waiting).await.is_none());
    world.store.release(&approved).await.unwrap();
    assert_eq!(world.run(approved.run).await.not_before, None);
    assert_eq!(timed.claim_next().await, Some(approved.run), "its directory has been read");

    let there = queue(&elsewhere).await;
    timed.at("2026-03-01T08:01:00Z");
    assert_eq!(timed.claim_next().await, Some(there), "this long was asked for there");
    timed.at("2026-03-01T08:19:59Z");
    assert_eq!(timed.claim_next().await, None);
    timed.at("2026-03-01T08:20:00Z");
    assert_eq!(timed.claim_next().await, Some(waiting));
    assert_eq!(timed.claim_next().await, Some(waiting_too));
    assert_eq!(world.run(waiting).await.not_before, None);
}

/// The longest wait that was asked for counts, and what is over is forgotten.
pub async fn the_longest_wait_counts(harness: &dyn Harness) {
    let timed = Timed::new(harness).await;
    let world = &timed.world;
    let one = timed.add(punctual(world.tenant)).await;
    let two = timed.add(punctual(world.tenant)).await;
    let three = timed.add(punctual(world.tenant)).await;
    let mut leases = Vec::new();
    for connection in [&one, &two] {
        let run = super::world::queue(&*world.store, world.tenant, connection.id).await;
        leases.push(world.claim(run).await.unwrap().lease);
    }
    for (lease, wait) in leases.iter().zip([30, 10]) {
        timed.finish(lease, ConnectionEffect::BackOff { retry_after: Some(wait * MINUTE) }).await;
    }
    let waiting = super::world::queue(&*world.store, world.tenant, three.id).await;
    assert_eq!(world.run(waiting).await.not_before, on_first_of_march("08:30:00"));
    timed.at("2026-03-01T08:30:00Z");
    let elsewhere = timed.add(NewConnection { directory_id: "elsewhere".to_owned(), ..punctual(world.tenant) }).await;
    timed.manual(&elsewhere, ConnectionEffect::BackOff { retry_after: Some(MINUTE) }).await;
    assert_eq!(world.number("SELECT count(*) FROM directory_pauses").await, 1);
    assert_eq!(timed.claim_next().await, Some(waiting));
}
