//! What entries about webhooks say. Secrets are told by nothing but that there is another one; of an address the query is left out, which
//! may hold a key of the receiver's.

use chrono::{DateTime, Utc};
use directory_core::TenantId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{AuditAction, AuditRecord, record::changed};
use crate::{Replay, Webhook};

impl AuditRecord {
    /// A webhook was made.
    #[must_use]
    pub fn webhook_created(webhook: &Webhook) -> Self {
        Self::of_webhook(AuditAction::WebhookCreated, webhook.tenant, webhook.id).after(settings(webhook))
    }

    /// A webhook was changed; `None` where no member of it was.
    #[must_use]
    pub fn webhook_updated(before: &Webhook, after: &Webhook) -> Option<Self> {
        let record = Self::of_webhook(AuditAction::WebhookUpdated, after.tenant, after.id);
        match changed(settings(before), settings(after)) {
            Some((old, new)) => Some(record.before(old).after(new)),
            // Only what is not told of the address is another.
            None if before.url != after.url => Some(record),
            None => None,
        }
    }

    /// A webhook was deleted.
    #[must_use]
    pub fn webhook_deleted(tenant: TenantId, webhook: Uuid) -> Self {
        Self::of_webhook(AuditAction::WebhookDeleted, tenant, webhook)
    }

    /// A webhook was given another secret.
    #[must_use]
    pub fn webhook_secret_rotated(webhook: &Webhook, old_until: DateTime<Utc>) -> Self {
        Self::of_webhook(AuditAction::WebhookSecretRotated, webhook.tenant, webhook.id)
            .after(json!({"oldSecretUntil": old_until}))
    }

    /// A webhook's secret was put under another key. Nothing that can be told is otherwise.
    #[must_use]
    pub fn webhook_secret_resealed(tenant: TenantId, webhook: Uuid) -> Self {
        Self::of_webhook(AuditAction::WebhookSecretResealed, tenant, webhook)
    }

    /// Messages are sent again.
    #[must_use]
    pub fn webhook_replayed(tenant: TenantId, webhook: Uuid, replay: Replay, deliveries: u64) -> Self {
        let after = match replay {
            Replay::One(delivery) => json!({"deliveryId": delivery}),
            Replay::Dead => json!({"deliveries": deliveries}),
            Replay::After(event) => json!({"after": event}),
        };
        Self::of_webhook(AuditAction::WebhookReplayed, tenant, webhook).after(after)
    }

    fn of_webhook(action: AuditAction, tenant: TenantId, webhook: Uuid) -> Self {
        Self::new(action, tenant, "webhook", webhook)
    }
}

fn settings(webhook: &Webhook) -> Value {
    let url = webhook.bare_url();
    json!({"url": url, "description": webhook.description, "eventTypes": webhook.kinds, "state": webhook.state})
}
