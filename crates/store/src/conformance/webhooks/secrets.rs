//! What messages are signed with.

use std::collections::HashSet;

use chrono::TimeDelta;

use super::{make, now, read, secret};
use crate::{
    Actor, SealedWebhookSecret,
    conformance::{
        Harness,
        world::{World, add_tenant},
    },
};

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
