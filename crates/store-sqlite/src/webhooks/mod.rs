//! Webhooks.

mod deliveries;
mod lease;
mod row;
mod secrets;
mod settings;
pub(crate) mod turns;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::TenantId;
use store::{
    Actor, Delivery, DeliveryState, IdPage, LeasedWebhook, NewWebhook, NewWebhookSecret, Replay, SealedWebhookSecret,
    SendLimits, StoreError, UpdatedWebhook, Webhook, WebhookLease, WebhookRound, WebhookUpdate, Webhooks,
};
use uuid::Uuid;

use self::row::{WebhookRow, find, webhook_columns};
use crate::{
    SqliteStore,
    decode::{ascending, stored_id},
    error::failed,
};

#[async_trait]
impl Webhooks for SqliteStore {
    async fn create_webhook(&self, by: &Actor, webhook: &NewWebhook, most: u32) -> Result<Option<Webhook>, StoreError> {
        settings::create(self, by, webhook, most).await
    }

    async fn webhook(&self, tenant: TenantId, id: Uuid) -> Result<Option<Webhook>, StoreError> {
        find(&self.reader, tenant, id).await
    }

    async fn webhooks(&self, tenant: TenantId, page: IdPage) -> Result<Vec<Webhook>, StoreError> {
        sqlx::query_as::<_, WebhookRow>(concat!(
            "SELECT ",
            webhook_columns!(),
            " FROM webhooks WHERE tenant_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
        ))
        .bind(stored_id(tenant.0))
        .bind(ascending(page.after))
        .bind(page.limit)
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?
        .into_iter()
        .map(Webhook::try_from)
        .collect()
    }

    async fn update_webhook(
        &self,
        by: &Actor,
        tenant: TenantId,
        id: Uuid,
        seen: DateTime<Utc>,
        update: &WebhookUpdate,
    ) -> Result<UpdatedWebhook, StoreError> {
        settings::update(self, by, tenant, id, seen, update).await
    }

    async fn delete_webhook(&self, by: &Actor, tenant: TenantId, id: Uuid) -> Result<bool, StoreError> {
        settings::delete(self, by, tenant, id).await
    }

    async fn rotate_webhook_secret(
        &self,
        by: &Actor,
        tenant: TenantId,
        id: Uuid,
        secret: &NewWebhookSecret,
        old_until: DateTime<Utc>,
    ) -> Result<Option<Webhook>, StoreError> {
        secrets::rotate(self, by, tenant, id, secret, old_until).await
    }

    async fn webhook_secrets(
        &self,
        tenant: TenantId,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Vec<SealedWebhookSecret>, StoreError> {
        secrets::signing(&self.reader, tenant, id, now).await
    }

    async fn sealed_webhook_secrets(
        &self,
        after: Option<(TenantId, Uuid)>,
        limit: u32,
    ) -> Result<Vec<SealedWebhookSecret>, StoreError> {
        secrets::page(&self.reader, after, limit).await
    }

    async fn reseal_webhook_secret(
        &self,
        by: &Actor,
        read: &SealedWebhookSecret,
        sealed: &[u8],
    ) -> Result<bool, StoreError> {
        secrets::reseal(self, by, read, sealed).await
    }

    async fn lease_webhook(
        &self,
        token: Uuid,
        length: Duration,
        now: DateTime<Utc>,
        limits: SendLimits,
    ) -> Result<Option<LeasedWebhook>, StoreError> {
        lease::take(self, token, length, now, limits).await
    }

    async fn note_round(
        &self,
        lease: &WebhookLease,
        length: Duration,
        round: &WebhookRound,
    ) -> Result<bool, StoreError> {
        lease::note(self, lease, length, round).await
    }

    async fn release_webhook(&self, lease: &WebhookLease) -> Result<(), StoreError> {
        lease::release(self, lease).await
    }

    async fn due_deliveries(
        &self,
        tenant: TenantId,
        webhook: Uuid,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        deliveries::due(&self.reader, tenant, webhook, now, limit).await
    }

    async fn deliveries(
        &self,
        tenant: TenantId,
        webhook: Uuid,
        state: Option<DeliveryState>,
        page: IdPage,
    ) -> Result<Vec<Delivery>, StoreError> {
        deliveries::list(&self.reader, tenant, webhook, state, page).await
    }

    async fn replay_webhook(
        &self,
        by: &Actor,
        tenant: TenantId,
        webhook: Uuid,
        replay: Replay,
        now: DateTime<Utc>,
    ) -> Result<Option<u64>, StoreError> {
        deliveries::replay(self, by, tenant, webhook, replay, now).await
    }

    async fn delete_old_deliveries(&self, before: DateTime<Utc>, limit: u32) -> Result<bool, StoreError> {
        deliveries::delete_old(self, before, limit).await
    }
}
