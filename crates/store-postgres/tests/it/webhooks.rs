//! Whose turn it is to be sent to, while others write.

use directory_core::TenantId;
use sqlx::PgConnection;
use store::{Actor, EventId, Events, LeasedWebhook, NewWebhook, NewWebhookSecret, SendLimits, WebhookRound, Webhooks};
use store_postgres::PostgresStore;
use uuid::Uuid;

use crate::{
    database::execute,
    fixture::{Fixture, LEASE, add_tenant},
    interference::until_waiting,
};

async fn look(store: &PostgresStore) -> Option<LeasedWebhook> {
    let limits = SendLimits { pending: 100, per_tenant: 2 };
    store.lease_webhook(Uuid::now_v7(), LEASE, chrono::Utc::now(), limits).await.unwrap()
}

/// A tenant with a webhook that there is nothing to send to.
async fn resting(fixture: &Fixture, slug: &str) -> TenantId {
    let store = &fixture.store;
    let tenant = add_tenant(store, slug).await;
    let secret = NewWebhookSecret { id: Uuid::now_v7(), sealed: vec![1] };
    let url = "https://hooks.example.test".to_owned();
    let (id, cursor) = (Uuid::now_v7(), EventId::START);
    let new = NewWebhook { id, tenant, url, description: None, kinds: None, cursor, secret };
    store.create_webhook(Actor::SYSTEM, &new, 9).await.unwrap().unwrap();
    hand_on(store, &look(store).await.unwrap()).await;
    assert!(look(store).await.is_none());
    tenant
}

/// Sends everything, and gives the webhook back.
async fn hand_on(store: &PostgresStore, leased: &LeasedWebhook) {
    let (webhook, lease) = (&leased.webhook, &leased.lease);
    let round = WebhookRound {
        seen: webhook.updated_at,
        from: webhook.cursor,
        cursor: store.latest_event(webhook.tenant).await.unwrap(),
        caught_up: true,
        delivered: Vec::new(),
        failed: Vec::new(),
        disable: None,
    };
    assert!(store.note_round(lease, LEASE, &round).await.unwrap());
    store.release_webhook(lease).await.unwrap();
}

async fn event(connection: &mut PgConnection, tenant: TenantId) {
    let sql = format!(
        "INSERT INTO events (tenant_id, kind, connection_id, data) VALUES ('{tenant}', 'run.held', '{tenant}', '{{}}')"
    );
    assert_eq!(execute(connection, &sql).await.unwrap(), 1);
}

/// An event that is written first and committed last still makes it its tenant's turn, whatever others were come across in the meantime.
#[tokio::test]
async fn an_event_that_commits_late_is_come_across() {
    let fixture = Fixture::new().await;
    let (slow, quick) = (resting(&fixture, "slow").await, resting(&fixture, "quick").await);
    let mut late = fixture.database.product.begin().await.unwrap();
    event(&mut late, slow).await;
    event(&mut fixture.database.product.acquire().await.unwrap(), quick).await;
    assert!(look(&fixture.store).await.is_none(), "what could be read by now is nothing");
    late.commit().await.unwrap();
    let mut called = Vec::new();
    while let Some(leased) = look(&fixture.store).await {
        called.push(leased.lease.tenant);
        hand_on(&fixture.store, &leased).await;
    }
    called.sort();
    let mut both = [slow, quick];
    both.sort();
    assert_eq!(called, both);
}

/// A transaction that is rolled back leaves a number that never comes, and keeps nobody waiting.
#[tokio::test]
async fn a_number_that_never_comes_is_passed() {
    let fixture = Fixture::new().await;
    let tenant = resting(&fixture, "globex").await;
    let mut vain = fixture.database.product.begin().await.unwrap();
    event(&mut vain, tenant).await;
    event(&mut fixture.database.product.acquire().await.unwrap(), tenant).await;
    vain.rollback().await.unwrap();
    assert_eq!(look(&fixture.store).await.unwrap().lease.tenant, tenant);
}

/// Somebody looks, finds nothing and is about to put the tenant off, when an event comes that the look has not seen: its call waits.
#[tokio::test]
async fn a_call_is_not_lost_to_somebody_who_looks() {
    let fixture = Fixture::new().await;
    let tenant = resting(&fixture, "globex").await;
    let set = |due_at| format!("UPDATE webhook_turns SET due_at = {due_at} WHERE tenant_id = '{tenant}'");
    fixture.database.sql(&set("now()")).await;
    let mut looking = fixture.database.product.begin().await.unwrap();
    assert_eq!(execute(&mut looking, &set("NULL")).await.unwrap(), 1);
    event(&mut fixture.database.product.acquire().await.unwrap(), tenant).await;
    let calling = tokio::spawn({
        let store = fixture.store.clone();
        async move { look(&store).await }
    });
    until_waiting(&fixture, 1, || calling.is_finished()).await;
    looking.commit().await.unwrap();
    assert_eq!(calling.await.unwrap().unwrap().lease.tenant, tenant);
}
