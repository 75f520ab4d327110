//! Keys: what they have sealed, and what becomes of it when they change.

use std::sync::Arc;

use crypto::Keyring;
use secrecy::ExposeSecret;
use store::{Actor, RunStatus};
use sync_engine::webhooks::WebhookRegistration;
use sync_engine::{Holder, Rotation, SyncEngine};
use tokio_util::sync::CancellationToken;

use crate::support::Bench;

fn line(kid: &str) -> String {
    crypto::generate_key_line(kid).unwrap().expose_secret().to_owned()
}

/// The bench's store and directories with these keys, the first of which seals.
fn engine_with(bench: &Bench, keys: &[&str]) -> SyncEngine {
    let keyring = Arc::new(Keyring::parse(&keys.join(",")).unwrap());
    SyncEngine::new(bench.store.clone(), keyring, bench.providers.clone())
}

#[tokio::test]
async fn rotating_puts_everything_under_the_sealing_key() {
    let bench = Bench::listing(&["ann"]).await;
    let (old, new) = (line("old"), line("new"));
    let before = engine_with(&bench, &[&old]);
    let first = before.register(Actor::SYSTEM, bench.registration("scripted")).await.unwrap();
    before.register(Actor::SYSTEM, bench.registration("scripted")).await.unwrap();
    let both = engine_with(&bench, &[&new, &old]);
    both.register(Actor::SYSTEM, bench.registration("scripted")).await.unwrap();
    let used = async |engine: &SyncEngine| -> Vec<(Option<String>, u64)> {
        engine.key_use().await.unwrap().into_iter().map(|key| (key.kid, key.credentials)).collect()
    };
    assert_eq!(used(&both).await, [(Some("new".to_owned()), 1), (Some("old".to_owned()), 2)]);
    assert!(both.missing_keys().await.unwrap().is_empty());

    let mut heard = Vec::new();
    let done = both.rotate_keys(Actor::SYSTEM, |rotation| heard.push(rotation.clone())).await.unwrap();
    assert_eq!(done, Rotation { seen: 3, resealed: 2, failed: vec![] });
    assert_eq!(heard, [done]);
    assert_eq!(used(&both).await, [(Some("new".to_owned()), 3)]);
    let again = both.rotate_keys(Actor::SYSTEM, |_| ()).await.unwrap();
    assert_eq!(again, Rotation { seen: 3, resealed: 0, failed: vec![] }, "once is enough");

    // The old key can go: what it sealed opens without it.
    let after = engine_with(&bench, &[&new]);
    let run = bench.request(&first, false).await;
    after.execute(bench.claim(&run).await, &CancellationToken::new()).await;
    assert_eq!(bench.run(&run).await.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn what_no_key_opens_is_named_and_left_alone() {
    let bench = Bench::listing(&["ann"]).await;
    let lost = engine_with(&bench, &[&line("lost")]);
    let orphan = lost.register(Actor::SYSTEM, bench.registration("scripted")).await.unwrap();
    let (old, new) = (line("old"), line("new"));
    engine_with(&bench, &[&old]).register(Actor::SYSTEM, bench.registration("scripted")).await.unwrap();
    let engine = engine_with(&bench, &[&new, &old]);
    let missing = engine.missing_keys().await.unwrap();
    assert_eq!(missing.len(), 1);
    assert_eq!((missing[0].kid.as_deref(), missing[0].credentials), (Some("lost"), 1));
    assert_eq!(missing[0].example, (bench.tenant, Holder::Connection(orphan.id)));

    // Another key by the same id opens nothing either.
    let impostor = engine_with(&bench, &[&line("lost"), &old]);
    assert_eq!(impostor.missing_keys().await.unwrap(), missing);
    for engine in [&engine, &impostor] {
        let unopened = engine.unopened_credentials().await.unwrap();
        assert_eq!(unopened.len(), 1);
        assert_eq!((unopened[0].tenant, unopened[0].holder), (bench.tenant, Holder::Connection(orphan.id)));
        assert_eq!(unopened[0].kid.as_deref(), Some("lost"));
        assert!(!unopened[0].reason.is_empty());
    }
    assert!(lost.unopened_credentials().await.unwrap().iter().all(|one| one.holder != Holder::Connection(orphan.id)));

    let done = engine.rotate_keys(Actor::SYSTEM, |_| ()).await.unwrap();
    assert_eq!((done.seen, done.resealed, done.failed.len()), (2, 1, 1));
    assert_eq!((done.failed[0].0, done.failed[0].1), (bench.tenant, Holder::Connection(orphan.id)));
    assert!(done.failed[0].2.contains("`lost`"), "{done:?}");
    let run = bench.request(&orphan, false).await;
    lost.execute(bench.claim(&run).await, &CancellationToken::new()).await;
    assert_eq!(bench.run(&run).await.status, RunStatus::Succeeded, "with its key it still opens");
}

#[tokio::test]
async fn rotating_tells_of_what_another_key_sealed_by_the_same_id() {
    let bench = Bench::listing(&["ann"]).await;
    let theirs = engine_with(&bench, &[&line("main")]);
    let connection = theirs.register(Actor::SYSTEM, bench.registration("scripted")).await.unwrap();
    let ours = engine_with(&bench, &[&line("main")]);
    let done = ours.rotate_keys(Actor::SYSTEM, |_| ()).await.unwrap();
    assert_eq!((done.seen, done.resealed, done.failed.len()), (1, 0, 1));
    assert_eq!(done.failed[0].1, Holder::Connection(connection.id));
    assert_eq!(theirs.rotate_keys(Actor::SYSTEM, |_| ()).await.unwrap().failed, []);
}

/// Secrets of webhooks are among the credentials: they are counted, missed and put under the new key with the others.
#[tokio::test]
async fn secrets_of_webhooks_are_rotated_too() {
    let bench = Bench::listing(&["ann"]).await;
    let (old, new) = (line("old"), line("new"));
    let before = engine_with(&bench, &[&old]);
    before.register(Actor::SYSTEM, bench.registration("scripted")).await.unwrap();
    let registration = WebhookRegistration {
        tenant: bench.tenant,
        url: "https://hooks.example.test".to_owned(),
        description: None,
        kinds: None,
    };
    let (webhook, _) = before.create_webhook(Actor::SYSTEM, registration).await.unwrap().unwrap();
    before.rotate_webhook_secret(Actor::SYSTEM, bench.tenant, webhook.id, chrono::Utc::now()).await.unwrap().unwrap();
    assert_eq!(before.key_use().await.unwrap()[0].credentials, 3);
    let lost = engine_with(&bench, &[&new]).unopened_credentials().await.unwrap();
    let holders: Vec<_> = lost.iter().map(|one| one.holder).collect();
    assert_eq!(holders[1..], [Holder::Webhook(webhook.id), Holder::Webhook(webhook.id)]);

    let both = engine_with(&bench, &[&new, &old]);
    let done = both.rotate_keys(Actor::SYSTEM, |_| ()).await.unwrap();
    assert_eq!(done, Rotation { seen: 3, resealed: 3, failed: vec![] });
    assert_eq!(engine_with(&bench, &[&new]).unopened_credentials().await.unwrap(), []);
}
