//! Webhooks as their tenants have them.

use futures_util::future::join_all;
use serde_json::json;

use super::{ALL, MOST, failing, make, new_webhook, now, read, secret, update};
use crate::{
    Actor, EventId, EventKind, IdPage, NewWebhook, Replay, UpdatedWebhook, Webhook, WebhookState, WebhookUpdate,
    conformance::{
        Harness,
        audit::{entries, somebody},
        world::{World, add_tenant},
    },
};

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

/// A newer program's kinds stay for as long as nobody chooses others.
pub async fn kinds_of_a_newer_program_stay(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let made = make(&world, world.tenant).await;
    assert_eq!(made.unknown_kinds, Vec::<String>::new());
    world.sql(r#"UPDATE webhooks SET kinds = '["run.held", "user.renamed"]'"#).await;
    let found = read(&world, &made).await;
    assert_eq!(
        (&found.kinds, &found.unknown_kinds),
        (&Some(vec![EventKind::RunHeld]), &vec!["user.renamed".to_owned()])
    );
    assert!(found.wants_unknown("user.renamed") && !found.wants_unknown("user.moved"));
    let set = async |seen: &Webhook, update: &WebhookUpdate| {
        let updated = world.store.update_webhook(Actor::SYSTEM, world.tenant, made.id, seen.updated_at, update).await;
        let UpdatedWebhook::Done(updated) = updated.unwrap() else { panic!("not changed") };
        updated
    };
    let described = set(&found, &WebhookUpdate { description: None, ..update(&found) }).await;
    assert_eq!((&described.kinds, &described.unknown_kinds), (&found.kinds, &found.unknown_kinds));
    let all = set(&described, &WebhookUpdate { kinds: None, ..update(&found) }).await;
    assert!(all.unknown_kinds.is_empty() && all.wants_unknown("user.moved"));
}
