//! Webhooks: who has them, who sends to them, and the messages that did not arrive.

mod deliveries;
mod leasing;
mod secrets;
mod settings;
mod turns;

use chrono::{DateTime, Utc};
use directory_core::TenantId;

pub use self::{deliveries::*, leasing::*, secrets::*, settings::*, turns::*};
use super::world::{LEASE, World, id, second};
use crate::{
    Actor, Attempt, Delivery, DeliveryState, EventId, EventKind, IdPage, LeasedWebhook, NewWebhook, NewWebhookSecret,
    SendLimits, Webhook, WebhookLease, WebhookRound, WebhookState, WebhookUpdate,
};

const ALL: IdPage = IdPage { after: None, limit: 1_000 };
const MOST: u32 = 3;
const LIMITS: SendLimits = SendLimits { pending: 2, per_tenant: 2 };

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
    world.store.lease_webhook(id(), LEASE, now(), LIMITS).await.unwrap()
}

/// What came of nothing.
fn round(leased: &LeasedWebhook) -> WebhookRound {
    let (seen, from) = (leased.webhook.updated_at, leased.webhook.cursor);
    WebhookRound { seen, from, cursor: from, caught_up: false, delivered: vec![], failed: vec![], disable: None }
}

async fn note(world: &World, lease: &WebhookLease, round: &WebhookRound) -> bool {
    world.store.note_round(lease, LEASE, round).await.unwrap()
}

/// Everything is handed on, and the webhook given back.
async fn hand_on(world: &World, leased: &LeasedWebhook) {
    let cursor = world.store.latest_event(leased.lease.tenant).await.unwrap();
    let done = WebhookRound { cursor, caught_up: true, ..round(leased) };
    assert!(note(world, &leased.lease, &done).await);
    world.store.release_webhook(&leased.lease).await.unwrap();
}

/// A webhook that there is nothing to send to.
async fn resting(world: &World, tenant: TenantId) -> Webhook {
    let webhook = make(world, tenant).await;
    let leased = lease(world).await.unwrap();
    assert_eq!(leased.webhook.id, webhook.id);
    hand_on(world, &leased).await;
    assert!(lease(world).await.is_none());
    webhook
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

fn update(webhook: &Webhook) -> WebhookUpdate {
    WebhookUpdate {
        url: webhook.url.clone(),
        description: webhook.description.clone(),
        kinds: webhook.kinds.clone(),
        enabled: webhook.state == WebhookState::Enabled,
    }
}
