//! Who sends to a webhook, and when there is something to send.

use std::{collections::HashSet, time::Duration};

use chrono::TimeDelta;
use futures_util::future::join_all;
use uuid::Uuid;

use super::{LIMITS, attempt, failing, lease, make, note, now, read, round};
use crate::{
    Actor, EventId, LeasedWebhook, Replay, SendLimits, WebhookRound, WebhookState,
    conformance::{
        Harness,
        world::{LEASE, World, creates, id},
    },
};

/// One at a time has a webhook, however many ask, until it is given back or the lease has passed; each has its turn.
pub async fn a_webhook_is_one_senders_at_a_time(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (first, other) = (make(&world, world.tenant).await, make(&world, world.tenant).await);
    let taken = join_all((0..5).map(|_| lease(&world))).await;
    let taken: Vec<LeasedWebhook> = taken.into_iter().flatten().collect();
    let ids: HashSet<Uuid> = taken.iter().map(|leased| leased.webhook.id).collect();
    assert_eq!((taken.len(), ids), (2, HashSet::from([first.id, other.id])));
    assert!(taken.iter().all(|leased| leased.secrets.len() == 1 && leased.lease.webhook == leased.webhook.id));
    assert!(lease(&world).await.is_none());

    world.store.release_webhook(&taken[1].lease).await.unwrap();
    assert_eq!(lease(&world).await.unwrap().webhook.id, taken[1].webhook.id);
    let passed = "UPDATE webhooks SET lease_until = '2001-01-01T00:00:00.000Z'";
    world.sql(passed).await;
    assert_eq!(lease(&world).await.unwrap().webhook.id, taken[0].webhook.id, "it was taken longest ago");
    world.store.release_webhook(&taken[0].lease).await.unwrap();
    assert_eq!(
        lease(&world).await.unwrap().webhook.id,
        taken[1].webhook.id,
        "a lease that has passed gives nothing back"
    );
}

/// Whoever has lost the lease notes nothing.
pub async fn a_lost_lease_notes_nothing(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let webhook = make(&world, world.tenant).await;
    let lost = lease(&world).await.unwrap();
    world.sql("UPDATE webhooks SET lease_until = '2001-01-01T00:00:00.000Z'").await;
    let held = lease(&world).await.unwrap();
    let failed = vec![attempt(EventId::of(id()), None)];
    let late = WebhookRound { cursor: EventId::of(id()), failed, disable: Some("late".to_owned()), ..round(&lost) };
    assert!(!note(&world, &lost.lease, &late).await);
    assert_eq!(read(&world, &webhook).await, webhook);
    assert!(note(&world, &held.lease, &round(&held)).await);
    world.store.delete_webhook(Actor::SYSTEM, world.tenant, webhook.id).await.unwrap();
    assert!(!note(&world, &held.lease, &round(&held)).await, "it is gone");
}

/// A lease that is short passes by itself.
pub async fn a_short_lease_passes(harness: &dyn Harness) {
    let world = World::new(harness).await;
    make(&world, world.tenant).await;
    let taken = world.store.lease_webhook(id(), Duration::ZERO, now(), LIMITS).await.unwrap();
    assert!(taken.is_some());
    // The clock has to move on by the least that the database can tell.
    for _ in 0..10_000 {
        if lease(&world).await.is_some() {
            return;
        }
    }
    panic!("the lease does not pass");
}

/// A webhook that makes no sense is disabled, and keeps nobody else waiting.
pub async fn an_unreadable_webhook_holds_up_no_other(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (broken, whole) = (make(&world, world.tenant).await, make(&world, world.tenant).await);
    world.sql(&format!("UPDATE webhooks SET cursor = 'nowhere' WHERE id = '{}'", broken.id)).await;
    assert_eq!(lease(&world).await.unwrap().webhook.id, whole.id);
    assert!(lease(&world).await.is_none());
    let disabled = "SELECT count(*) FROM webhooks WHERE state = 'disabled' AND state_reason IS NOT NULL";
    assert_eq!(world.number(disabled).await, 1);
    assert!(world.store.delete_webhook(Actor::SYSTEM, world.tenant, broken.id).await.unwrap());
}

/// There is something to send when the feed has gone on, and when a message is due; not to a webhook that is disabled.
pub async fn only_who_has_something_to_send_is_taken(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let webhook = make(&world, world.tenant).await;
    let end = async || world.store.latest_event(world.tenant).await.unwrap();
    let leased = lease(&world).await.unwrap();
    let done = WebhookRound { cursor: end().await, caught_up: true, ..round(&leased) };
    assert!(note(&world, &leased.lease, &done).await);
    world.store.release_webhook(&leased.lease).await.unwrap();
    assert!(lease(&world).await.is_none(), "everything was handed on");

    world.sync(vec![creates(1, "e1", "a@acme.example")]).await;
    let leased = lease(&world).await.unwrap();
    let due = now() + TimeDelta::seconds(5);
    let failed = vec![attempt(EventId::of(id()), Some(due))];
    let done = WebhookRound { cursor: end().await, caught_up: true, failed, ..round(&leased) };
    assert!(note(&world, &leased.lease, &done).await);
    world.store.release_webhook(&leased.lease).await.unwrap();
    assert!(lease(&world).await.is_none(), "it is not due yet");
    assert_eq!(world.store.due_deliveries(world.tenant, webhook.id, now(), 9).await.unwrap(), []);
    let later = async || world.store.lease_webhook(id(), LEASE, due, LIMITS).await.unwrap();
    let leased = later().await.unwrap();
    assert_eq!(world.store.due_deliveries(world.tenant, webhook.id, due, 9).await.unwrap().len(), 1);
    let gone = WebhookRound { disable: Some("gone".to_owned()), ..round(&leased) };
    assert!(!note(&world, &leased.lease, &gone).await, "it is not what it was");
    world.store.release_webhook(&leased.lease).await.unwrap();
    let disabled = read(&world, &webhook).await;
    assert_eq!((disabled.state, disabled.state_reason.as_deref()), (WebhookState::Disabled, Some("gone")));
    assert!(disabled.updated_at > webhook.updated_at);
    assert!(later().await.is_none());
}

/// With many messages pending the feed waits; what is due is sent all the same.
pub async fn with_many_messages_pending_the_feed_waits(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let later = now() + TimeDelta::hours(1);
    failing(&world, &[Some(later), Some(later), None]).await;
    let roomy = SendLimits { pending: 3, ..LIMITS };
    let leased = world.store.lease_webhook(id(), LEASE, now(), roomy).await.unwrap().expect("there is more room");
    world.store.release_webhook(&leased.lease).await.unwrap();
    assert!(lease(&world).await.is_none());
    assert!(world.store.lease_webhook(id(), LEASE, later, LIMITS).await.unwrap().is_some(), "they are due");
}

/// The cursor moves on, unless somebody has put it elsewhere in the meantime.
pub async fn a_round_moves_the_cursor_that_it_read(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let webhook = make(&world, world.tenant).await;
    let leased = lease(&world).await.unwrap();
    let next = EventId::within(id(), 9);
    let on = WebhookRound { cursor: next, ..round(&leased) };
    assert!(note(&world, &leased.lease, &on).await);
    assert_eq!(read(&world, &webhook).await.cursor, next);
    assert_eq!(read(&world, &webhook).await.updated_at, webhook.updated_at, "nobody changed it");

    let back = EventId::of(id());
    let replay = Replay::After(back);
    let replayed = world.store.replay_webhook(Actor::SYSTEM, world.tenant, webhook.id, replay, now()).await.unwrap();
    assert_eq!(replayed, Some(0));
    let late = WebhookRound { from: next, cursor: EventId::of(id()), caught_up: true, ..round(&leased) };
    assert!(!note(&world, &leased.lease, &late).await);
    assert_eq!(read(&world, &webhook).await.cursor, back);
    world.store.release_webhook(&leased.lease).await.unwrap();
    assert!(lease(&world).await.is_some(), "there is something to send again");
}
