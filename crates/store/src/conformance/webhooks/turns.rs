//! Whose turn it is, and what makes it somebody's.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use directory_core::TenantId;

use super::{LIMITS, failing, hand_on, lease, make, new_webhook, now, read, resting, update};
use crate::{
    Actor, LeasedWebhook, Replay, SendLimits, UpdatedWebhook, Webhook, WebhookUpdate,
    conformance::{
        Harness,
        world::{LEASE, World, add_tenant, creates, id},
    },
};

/// Each with something to send.
async fn many(world: &World, tenant: TenantId, number: u32) {
    for _ in 0..number {
        world.store.create_webhook(Actor::SYSTEM, &new_webhook(tenant), number).await.unwrap().unwrap();
    }
}

async fn lease_at(world: &World, now: DateTime<Utc>, limits: SendLimits) -> Option<LeasedWebhook> {
    world.store.lease_webhook(id(), LEASE, now, limits).await.unwrap()
}

/// However many webhooks a tenant has, another one's has its turn after one of them.
pub async fn tenants_take_turns(harness: &dyn Harness) {
    let world = World::new(harness).await;
    many(&world, world.tenant, 9).await;
    let other = add_tenant(&*world.store, "other").await;
    make(&world, other).await;
    let mut turns = Vec::new();
    let mut at = now();
    for _ in 0..6 {
        at += TimeDelta::seconds(1);
        let leased = lease_at(&world, at, LIMITS).await.unwrap();
        turns.push(leased.lease.tenant);
        world.store.release_webhook(&leased.lease).await.unwrap();
    }
    assert_eq!(turns.iter().filter(|tenant| **tenant == other).count(), 3, "{turns:?}");
    assert!(turns.windows(2).all(|two| two[0] != two[1]), "{turns:?}");
}

/// Who was called while others waited has its turn before they have their second.
pub async fn who_is_called_late_waits_for_one_round(harness: &dyn Harness) {
    let world = World::new(harness).await;
    resting(&world, world.tenant).await;
    let other = add_tenant(&*world.store, "other").await;
    many(&world, other, 9).await;
    let at = |second| now() + TimeDelta::seconds(second);
    for second in 1..4 {
        let leased = lease_at(&world, at(second), LIMITS).await.unwrap();
        assert_eq!(leased.lease.tenant, other);
        world.store.release_webhook(&leased.lease).await.unwrap();
    }
    world.sync(vec![creates(1, "e1", "a@acme.example")]).await;
    let next = [lease_at(&world, at(4), LIMITS).await.unwrap(), lease_at(&world, at(5), LIMITS).await.unwrap()];
    assert_eq!(next.map(|leased| leased.lease.tenant), [other, world.tenant]);
}

/// A tenant does not have all places, be they free; whoever gives one back makes room for its next.
pub async fn a_tenant_has_so_many_of_its_webhooks_sent_to(harness: &dyn Harness) {
    let world = World::new(harness).await;
    many(&world, world.tenant, 5).await;
    let first = lease(&world).await.unwrap();
    let second = lease(&world).await.unwrap();
    assert!(lease(&world).await.is_none(), "that are two");
    let other = add_tenant(&*world.store, "other").await;
    make(&world, other).await;
    assert_eq!(lease(&world).await.unwrap().lease.tenant, other);
    assert!(lease(&world).await.is_none());
    world.store.release_webhook(&first.lease).await.unwrap();
    let third = lease(&world).await.unwrap();
    assert!(third.lease.webhook != first.lease.webhook && third.lease.webhook != second.lease.webhook);
}

/// What is to be sent again makes it the tenant's turn, be it at rest.
pub async fn a_replay_makes_it_the_tenants_turn(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let later = now() + TimeDelta::hours(1);
    let (webhook, failed) = failing(&world, &[None, Some(later)]).await;
    hand_on(&world, &lease(&world).await.unwrap()).await;
    assert!(lease(&world).await.is_none());
    for replay in [Replay::After(webhook.cursor), Replay::Dead, Replay::One(failed[1].id)] {
        world.store.replay_webhook(Actor::SYSTEM, world.tenant, webhook.id, replay, now()).await.unwrap().unwrap();
        let leased = lease(&world).await.unwrap_or_else(|| panic!("{replay:?}"));
        world
            .sql("UPDATE webhook_deliveries SET next_attempt_at = '2026-03-04T06:06:07.000Z' WHERE state = 'pending'")
            .await;
        hand_on(&world, &leased).await;
        assert!(lease(&world).await.is_none(), "{replay:?}");
    }
    assert!(lease_at(&world, later, LIMITS).await.is_some(), "they are due");
}

/// A webhook that is enabled again is sent what happened meanwhile.
pub async fn enabling_makes_it_the_tenants_turn(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let webhook = resting(&world, world.tenant).await;
    let set = async |seen: &Webhook, enabled| {
        let update = WebhookUpdate { enabled, ..update(seen) };
        let updated = world.store.update_webhook(Actor::SYSTEM, world.tenant, webhook.id, seen.updated_at, &update);
        let UpdatedWebhook::Done(updated) = updated.await.unwrap() else { panic!("not changed") };
        updated
    };
    let disabled = set(&read(&world, &webhook).await, false).await;
    world.sync(vec![creates(1, "e1", "a@acme.example")]).await;
    assert!(lease(&world).await.is_none());
    set(&disabled, true).await;
    assert!(lease(&world).await.is_some());
}

/// Events that are deleted before anybody came across them are missed, and somebody has to find that out.
pub async fn deleting_events_makes_it_the_tenants_turn(harness: &dyn Harness) {
    let world = World::new(harness).await;
    resting(&world, world.tenant).await;
    world.sync(vec![creates(1, "e1", "a@acme.example")]).await;
    world.sql("UPDATE events SET at = '2001-01-01T00:00:00.000Z'").await;
    while world.store.delete_old_events(Duration::from_hours(1), 100).await.unwrap() {}
    assert_eq!(world.number("SELECT count(*) FROM events").await, 0);
    assert!(lease(&world).await.is_some());
}

/// An event is of its tenant's webhooks, and nobody else is called.
pub async fn an_event_makes_it_its_tenants_turn(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let webhook = resting(&world, world.tenant).await;
    resting(&world, add_tenant(&*world.store, "other").await).await;
    add_tenant(&*world.store, "third").await;
    let waiting = "SELECT count(*) FROM webhook_turns WHERE due_at IS NOT NULL";
    assert_eq!(world.number(waiting).await, 0);
    world.sync(vec![creates(1, "e1", "a@acme.example")]).await;
    let leased = lease(&world).await.unwrap();
    assert_eq!((leased.webhook.id, world.number(waiting).await), (webhook.id, 1));
    hand_on(&world, &leased).await;
    assert!(lease(&world).await.is_none());
    assert_eq!(world.number(waiting).await, 0, "it is at rest again");
}
