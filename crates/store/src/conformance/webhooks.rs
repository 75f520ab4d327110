//! Webhooks: who has them, who sends to them, and the messages that did not arrive.

use std::{collections::HashSet, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use directory_core::TenantId;
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use super::{
    Harness,
    audit::{entries, somebody},
    world::{LEASE, World, add_tenant, creates, id, second},
};
use crate::{
    Actor, Attempt, Delivery, DeliveryState, EventId, EventKind, IdPage, LeasedWebhook, NewWebhook, NewWebhookSecret,
    Replay, SealedWebhookSecret, UpdatedWebhook, Webhook, WebhookLease, WebhookRound, WebhookState, WebhookUpdate,
};

const ALL: IdPage = IdPage { after: None, limit: 1_000 };
const MOST: u32 = 3;
const MOST_PENDING: u32 = 2;

fn now() -> DateTime<Utc> {
    second("2026-03-04T05:06:07Z")
}

fn new_webhook(tenant: TenantId) -> NewWebhook {
    NewWebhook {
        id: id(),
        tenant,
        url: "https://hooks.example.test/in?code=s3cret".to_owned(),
        description: Some("Payroll \u{1f511}".to_owned()),
        kinds: Some(vec![EventKind::UserCreated, EventKind::RunHeld]),
        cursor: EventId::within(id(), 7),
        secret: secret(1),
    }
}

fn secret(byte: u8) -> NewWebhookSecret {
    NewWebhookSecret { id: id(), sealed: vec![byte, 0, 255] }
}

async fn make(world: &World, tenant: TenantId) -> Webhook {
    world.store.create_webhook(Actor::SYSTEM, &new_webhook(tenant), MOST).await.unwrap().unwrap()
}

async fn read(world: &World, webhook: &Webhook) -> Webhook {
    world.store.webhook(webhook.tenant, webhook.id).await.unwrap().unwrap()
}

async fn lease(world: &World) -> Option<LeasedWebhook> {
    world.store.lease_webhook(id(), LEASE, now(), MOST_PENDING).await.unwrap()
}

/// What came of nothing.
fn round(leased: &LeasedWebhook) -> WebhookRound {
    let (seen, from) = (leased.webhook.updated_at, leased.webhook.cursor);
    WebhookRound { seen, from, cursor: from, caught_up: false, delivered: vec![], failed: vec![], disable: None }
}

async fn note(world: &World, lease: &WebhookLease, round: &WebhookRound) -> bool {
    world.store.note_round(lease, LEASE, round).await.unwrap()
}

fn attempt(event: EventId, next: Option<DateTime<Utc>>) -> Attempt {
    Attempt {
        id: id(),
        event,
        after: EventId::START,
        kind: "user.created".to_owned(),
        attempts: 1,
        next_attempt_at: next,
        status: Some(503),
        code: "status".to_owned(),
        at: now(),
    }
}

async fn listed(world: &World, webhook: &Webhook, state: Option<DeliveryState>) -> Vec<Delivery> {
    world.store.deliveries(webhook.tenant, webhook.id, state, ALL).await.unwrap()
}

/// A webhook with messages that failed; `None` is one that was given up.
async fn failing(world: &World, next: &[Option<DateTime<Utc>>]) -> (Webhook, Vec<Attempt>) {
    let webhook = make(world, world.tenant).await;
    let leased = lease(world).await.unwrap();
    let failed: Vec<_> = next.iter().map(|next| attempt(EventId::of(id()), *next)).collect();
    let noted = WebhookRound { failed: failed.clone(), ..round(&leased) };
    assert!(note(world, &leased.lease, &noted).await);
    world.store.release_webhook(&leased.lease).await.unwrap();
    (read(world, &webhook).await, failed)
}

/// A webhook reads as it was made; without a description and a choice of events too.
pub async fn a_webhook_reads_as_it_was_made(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let new = new_webhook(world.tenant);
    let made = world.store.create_webhook(Actor::SYSTEM, &new, MOST).await.unwrap().unwrap();
    assert_eq!((made.id, made.tenant, &made.url), (new.id, new.tenant, &new.url));
    assert_eq!((&made.description, &made.kinds, made.cursor), (&new.description, &new.kinds, new.cursor));
    assert_eq!((made.state, &made.state_reason), (WebhookState::Enabled, &None));
    assert_eq!((made.pending, made.dead), (0, 0));
    assert_eq!(read(&world, &made).await, made);

    let plain = NewWebhook { description: None, kinds: None, ..new_webhook(world.tenant) };
    let second = world.store.create_webhook(Actor::SYSTEM, &plain, MOST).await.unwrap().unwrap();
    assert_eq!((&second.description, &second.kinds), (&None, &None));
    assert!(second.wants(EventKind::UserLinked) && !made.wants(EventKind::UserLinked));
    assert_eq!(world.store.webhooks(world.tenant, ALL).await.unwrap(), [made.clone(), second]);
    let page = IdPage { after: Some(made.id), limit: 1 };
    assert_eq!(world.store.webhooks(world.tenant, page).await.unwrap().len(), 1);
}

/// However many are made at once, a tenant has no more than it may have; other tenants' do not count.
pub async fn a_tenant_has_so_many_webhooks(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    make(&world, other).await;
    let new: Vec<_> = (0..6).map(|_| new_webhook(world.tenant)).collect();
    let made = join_all(new.iter().map(|new| world.store.create_webhook(Actor::SYSTEM, new, MOST))).await;
    let made = made.into_iter().filter(|made| made.as_ref().unwrap().is_some()).count();
    assert_eq!(made, MOST as usize);
}

/// Another tenant's webhook is not there.
pub async fn webhooks_are_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (webhook, failed) = failing(&world, &[None]).await;
    let other = add_tenant(&*world.store, "other").await;
    let store = &world.store;
    assert_eq!(store.webhook(other, webhook.id).await.unwrap(), None);
    assert_eq!(store.webhooks(other, ALL).await.unwrap(), []);
    assert_eq!(store.webhook_secrets(other, webhook.id, now()).await.unwrap(), []);
    assert_eq!(store.deliveries(other, webhook.id, None, ALL).await.unwrap(), []);
    assert_eq!(store.due_deliveries(other, webhook.id, now(), 9).await.unwrap(), []);
    let update = update(&webhook);
    let updated = store.update_webhook(Actor::SYSTEM, other, webhook.id, webhook.updated_at, &update).await.unwrap();
    assert_eq!(updated, UpdatedWebhook::NoWebhook);
    let rotated = store.rotate_webhook_secret(Actor::SYSTEM, other, webhook.id, &secret(2), now()).await.unwrap();
    assert_eq!(rotated, None);
    for replay in [Replay::One(failed[0].id), Replay::Dead, Replay::After(EventId::START)] {
        assert_eq!(store.replay_webhook(Actor::SYSTEM, other, webhook.id, replay, now()).await.unwrap(), None);
    }
    assert!(!store.delete_webhook(Actor::SYSTEM, other, webhook.id).await.unwrap());
    assert_eq!(read(&world, &webhook).await, webhook);
}

fn update(webhook: &Webhook) -> WebhookUpdate {
    WebhookUpdate {
        url: webhook.url.clone(),
        description: webhook.description.clone(),
        kinds: webhook.kinds.clone(),
        enabled: webhook.state == WebhookState::Enabled,
    }
}

/// A webhook is changed as it was read, and not as somebody else has made it since.
pub async fn a_webhook_is_changed(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let before = make(&world, world.tenant).await;
    let url = "https://other.example.test/".to_owned();
    let other = WebhookUpdate { url, description: None, kinds: None, enabled: false };
    let set = async |seen, update: &WebhookUpdate| {
        world.store.update_webhook(Actor::SYSTEM, world.tenant, before.id, seen, update).await.unwrap()
    };
    let UpdatedWebhook::Done(after) = set(before.updated_at, &other).await else { panic!("not changed") };
    assert_eq!(read(&world, &before).await, *after);
    assert_eq!((&after.url, &after.description, &after.kinds), (&other.url, &None, &None));
    assert_eq!((after.state, after.cursor), (WebhookState::Disabled, before.cursor));
    assert!(after.updated_at > before.updated_at);
    assert_eq!(set(before.updated_at, &update(&before)).await, UpdatedWebhook::Moved);
    let UpdatedWebhook::Done(back) = set(after.updated_at, &update(&before)).await else { panic!("not changed") };
    assert_eq!((back.state, &back.kinds), (WebhookState::Enabled, &before.kinds));
}

/// With a webhook everything that belongs to it goes.
pub async fn a_webhook_is_deleted(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (webhook, _) = failing(&world, &[None, Some(now())]).await;
    assert!(world.store.delete_webhook(Actor::SYSTEM, world.tenant, webhook.id).await.unwrap());
    assert!(!world.store.delete_webhook(Actor::SYSTEM, world.tenant, webhook.id).await.unwrap());
    for table in ["webhooks", "webhook_secrets", "webhook_deliveries"] {
        assert_eq!(world.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
}

/// The newest secret signs, and the one before it for a while.
pub async fn secrets_sign_until_they_end(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let webhook = make(&world, world.tenant).await;
    let signing = async |at| {
        let secrets = world.store.webhook_secrets(world.tenant, webhook.id, at).await.unwrap();
        assert!(secrets.iter().all(|one| (one.tenant, one.webhook) == (world.tenant, webhook.id)));
        secrets.into_iter().map(|one| one.sealed[0]).collect::<Vec<_>>()
    };
    assert_eq!(signing(now()).await, [1]);
    let until = now() + TimeDelta::hours(24);
    let rotate = async |byte| {
        let rotated =
            world.store.rotate_webhook_secret(Actor::SYSTEM, world.tenant, webhook.id, &secret(byte), until).await;
        rotated.unwrap().unwrap()
    };
    assert!(rotate(2).await.secret_created_at >= webhook.secret_created_at);
    assert_eq!(signing(now()).await, [2, 1]);
    assert_eq!(signing(until).await, [2]);
    rotate(3).await;
    assert_eq!(signing(now()).await, [3, 2], "the first is gone");
}

/// The walk over every tenant's secrets meets each of them once, in pages.
pub async fn every_webhook_secret_is_walked_once(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    for tenant in [world.tenant, other, world.tenant] {
        let webhook = make(&world, tenant).await;
        let rotated = world.store.rotate_webhook_secret(Actor::SYSTEM, tenant, webhook.id, &secret(2), now()).await;
        rotated.unwrap().unwrap();
    }
    let mut walked: Vec<SealedWebhookSecret> = Vec::new();
    loop {
        let after = walked.last().map(|last| (last.tenant, last.id));
        let page = world.store.sealed_webhook_secrets(after, 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        walked.extend(page);
    }
    assert_eq!(walked.len(), 6);
    assert_eq!(walked.into_iter().map(|one| one.id).collect::<HashSet<_>>().len(), 6);
}

/// The same secret under another key; one that was replaced meanwhile is left alone.
pub async fn a_webhook_secret_is_resealed(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let before = make(&world, world.tenant).await;
    let read_secret = async || world.store.sealed_webhook_secrets(None, 9).await.unwrap().remove(0);
    let secret = read_secret().await;
    let store = &world.store;
    assert!(store.reseal_webhook_secret(Actor::SYSTEM, &secret, &[8, 8]).await.unwrap());
    assert_eq!(read_secret().await.sealed, [8, 8]);
    assert!(
        !store.reseal_webhook_secret(Actor::SYSTEM, &secret, &[9]).await.unwrap(),
        "it is not the one that was read"
    );
    let elsewhere = SealedWebhookSecret { sealed: vec![8, 8], tenant: add_tenant(&**store, "other").await, ..secret };
    assert!(!store.reseal_webhook_secret(Actor::SYSTEM, &elsewhere, &[9]).await.unwrap());
    assert_eq!(read_secret().await.sealed, [8, 8]);
    assert_eq!(read(&world, &before).await, before);
}

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
    let later = async || world.store.lease_webhook(id(), LEASE, due, MOST_PENDING).await.unwrap();
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
    assert!(lease(&world).await.is_none());
    assert!(world.store.lease_webhook(id(), LEASE, now(), 3).await.unwrap().is_some(), "there is more room");
    world.sql("UPDATE webhooks SET lease_until = '2001-01-01T00:00:00.000Z'").await;
    assert!(world.store.lease_webhook(id(), LEASE, later, MOST_PENDING).await.unwrap().is_some(), "they are due");
}

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

    let leased = world.store.lease_webhook(id(), LEASE, later, MOST_PENDING).await.unwrap().unwrap();
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

/// What administrators do to webhooks is in the audit log, without a secret, and without what stands behind the question mark.
pub async fn webhooks_are_told_of(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (store, by, tenant) = (&world.store, somebody(), world.tenant);
    let new = new_webhook(tenant);
    let webhook = store.create_webhook(&by, &new, 1).await.unwrap().unwrap();
    assert!(store.create_webhook(&by, &new_webhook(tenant), 1).await.unwrap().is_none());
    let changed = WebhookUpdate { kinds: None, enabled: false, ..update(&webhook) };
    store.update_webhook(&by, tenant, webhook.id, webhook.updated_at, &changed).await.unwrap();
    store.rotate_webhook_secret(&by, tenant, webhook.id, &secret(2), now()).await.unwrap();
    let sealed = store.sealed_webhook_secrets(None, 1).await.unwrap().remove(0);
    store.reseal_webhook_secret(&by, &sealed, &[9]).await.unwrap();
    store.replay_webhook(&by, tenant, webhook.id, Replay::After(EventId::START), now()).await.unwrap();
    store.replay_webhook(&by, tenant, webhook.id, Replay::Dead, now()).await.unwrap();
    store.delete_webhook(&by, tenant, webhook.id).await.unwrap();

    let of_it = entries(&world, tenant).await.into_iter().filter(|entry| entry.subject.id == webhook.id.to_string());
    let told: Vec<_> = of_it.collect();
    assert!(told.iter().all(|entry| entry.actor == by && entry.subject.kind == "webhook"));
    let actions: Vec<&str> = told.iter().rev().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "webhook.created",
            "webhook.updated",
            "webhook.secret_rotated",
            "webhook.secret_resealed",
            "webhook.replayed",
            "webhook.deleted",
        ]
    );
    let made = &told[told.len() - 1];
    assert_eq!(made.after.as_ref().unwrap()["url"], "https://hooks.example.test/in");
    let updated = &told[told.len() - 2];
    assert_eq!(
        (updated.before.clone(), updated.after.clone()),
        (
            Some(json!({"eventTypes": ["user.created", "run.held"], "state": "enabled"})),
            Some(json!({"eventTypes": null, "state": "disabled"}))
        )
    );
    let all = serde_json::to_string(&told.iter().map(|entry| (&entry.before, &entry.after)).collect::<Vec<_>>());
    assert!(!all.unwrap().contains("s3cret"));
}

/// A lease that is short passes by itself.
pub async fn a_short_lease_passes(harness: &dyn Harness) {
    let world = World::new(harness).await;
    make(&world, world.tenant).await;
    let taken = world.store.lease_webhook(id(), Duration::ZERO, now(), MOST_PENDING).await.unwrap();
    assert!(taken.is_some());
    // The clock has to move on by the least that the database can tell.
    for _ in 0..10_000 {
        if lease(&world).await.is_some() {
            return;
        }
    }
    panic!("the lease does not pass");
}
