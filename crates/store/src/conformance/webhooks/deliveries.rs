//! Messages that did not arrive.

use std::collections::HashSet;

use chrono::TimeDelta;
use uuid::Uuid;

use super::{LIMITS, attempt, failing, listed, note, now, round};
use crate::{
    Actor, Attempt, Delivery, DeliveryState, EventId, IdPage, Replay, WebhookRound,
    conformance::{
        Harness,
        world::{LEASE, World, id},
    },
};

/// A message is in the list once, as its last attempt left it, and no more once it has arrived.
pub async fn failures_are_listed(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (soon, later) = (now() + TimeDelta::seconds(5), now() + TimeDelta::minutes(5));
    let (webhook, failed) = failing(&world, &[Some(later), Some(soon), None]).await;
    assert_eq!((webhook.pending, webhook.dead), (2, 1));
    let all = listed(&world, &webhook, None).await;
    assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), failed.iter().map(|one| one.id).collect::<Vec<_>>());
    let expected = Delivery {
        id: failed[0].id,
        webhook: webhook.id,
        event: failed[0].event,
        after: EventId::START,
        kind: "user.created".to_owned(),
        state: DeliveryState::Pending,
        attempts: 1,
        next_attempt_at: Some(later),
        last_status: Some(503),
        last_code: "status".to_owned(),
        created_at: now(),
        failed_at: now(),
    };
    assert_eq!(all[0], expected);
    assert_eq!(listed(&world, &webhook, Some(DeliveryState::Dead)).await, all[2..]);
    assert_eq!(listed(&world, &webhook, Some(DeliveryState::Pending)).await, all[..2]);
    let page = IdPage { after: Some(all[0].id), limit: 1 };
    assert_eq!(world.store.deliveries(world.tenant, webhook.id, None, page).await.unwrap(), all[1..2]);
    let due = world.store.due_deliveries(world.tenant, webhook.id, later, 9).await.unwrap();
    assert_eq!(due, [all[1].clone(), all[0].clone()], "the longest due first");

    let leased = world.store.lease_webhook(id(), LEASE, later, LIMITS).await.unwrap().unwrap();
    let again = Attempt {
        id: id(),
        attempts: 2,
        at: later,
        status: None,
        code: "tls".to_owned(),
        ..attempt(failed[0].event, None)
    };
    let noted = WebhookRound { failed: vec![again], delivered: vec![failed[1].event], ..round(&leased) };
    assert!(note(&world, &leased.lease, &noted).await);
    let all = listed(&world, &webhook, None).await;
    let given_up = Delivery {
        state: DeliveryState::Dead,
        attempts: 2,
        next_attempt_at: None,
        last_status: None,
        last_code: "tls".to_owned(),
        failed_at: later,
        ..expected
    };
    assert_eq!((all.len(), &all[0]), (2, &given_up));
}

/// Messages are sent again at once, and as often as new ones: one of them, or all that were given up.
pub async fn messages_are_replayed(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let later = now() + TimeDelta::hours(1);
    let (webhook, failed) = failing(&world, &[None, None, Some(later), None]).await;
    let replay = async |replay| {
        world.store.replay_webhook(Actor::SYSTEM, world.tenant, webhook.id, replay, now()).await.unwrap()
    };
    let due = async || {
        let due = world.store.due_deliveries(world.tenant, webhook.id, now(), 9).await.unwrap();
        assert!(due.iter().all(|one| (one.attempts, one.state) == (0, DeliveryState::Pending)));
        due.into_iter().map(|one| one.id).collect::<HashSet<_>>()
    };
    assert_eq!(replay(Replay::One(id())).await, None);
    assert_eq!(replay(Replay::One(failed[1].id)).await, Some(1));
    assert_eq!(due().await, HashSet::from([failed[1].id]));
    assert_eq!(replay(Replay::Dead).await, Some(2));
    assert_eq!(due().await, HashSet::from([failed[0].id, failed[1].id, failed[3].id]));
    assert_eq!(replay(Replay::Dead).await, Some(0));
    assert_eq!(replay(Replay::One(failed[2].id)).await, Some(1), "it need not be given up");
}

/// Messages that were given up go when they are old; those that are tried again stay.
pub async fn old_deliveries_are_deleted(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (webhook, failed) = failing(&world, &[None, Some(now()), None, None]).await;
    let delete = async |before, limit| world.store.delete_old_deliveries(before, limit).await.unwrap();
    assert!(!delete(now(), 9).await);
    assert_eq!(listed(&world, &webhook, None).await.len(), 4, "they are not older than that");
    let before = now() + TimeDelta::milliseconds(1);
    assert!(delete(before, 2).await);
    assert_eq!(listed(&world, &webhook, None).await.len(), 2);
    assert!(!delete(before, 2).await);
    let left: Vec<Uuid> = listed(&world, &webhook, None).await.into_iter().map(|one| one.id).collect();
    assert_eq!(left, [failed[1].id]);
}
