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
    PostgresStore,
    decode::ascending,
    error::{failed, persistently},
};

#[async_trait]
impl Webhooks for PostgresStore {
    async fn create_webhook(&self, by: &Actor, webhook: &NewWebhook, most: u32) -> Result<Option<Webhook>, StoreError> {
        Ok(settings::create(&self.access, by, webhook, most).await?)
    }

    async fn webhook(&self, tenant: TenantId, id: Uuid) -> Result<Option<Webhook>, StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        find(&mut tx, tenant, id).await
    }

    async fn webhooks(&self, tenant: TenantId, page: IdPage) -> Result<Vec<Webhook>, StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        sqlx::query_as::<_, WebhookRow>(concat!(
            "SELECT ",
            webhook_columns!(),
            " FROM webhooks WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3"
        ))
        .bind(tenant.0)
        .bind(ascending(page.after))
        .bind(i64::from(page.limit))
        .fetch_all(&mut *tx)
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
        Ok(settings::update(&self.access, by, tenant, id, seen, update).await?)
    }

    async fn delete_webhook(&self, by: &Actor, tenant: TenantId, id: Uuid) -> Result<bool, StoreError> {
        persistently(|| settings::delete(&self.access, by, tenant, id)).await
    }

    async fn rotate_webhook_secret(
        &self,
        by: &Actor,
        tenant: TenantId,
        id: Uuid,
        secret: &NewWebhookSecret,
        old_until: DateTime<Utc>,
    ) -> Result<Option<Webhook>, StoreError> {
        Ok(secrets::rotate(&self.access, by, tenant, id, secret, old_until).await?)
    }

    async fn webhook_secrets(
        &self,
        tenant: TenantId,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Vec<SealedWebhookSecret>, StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        secrets::signing(&mut tx, tenant, id, now).await.map_err(failed)
    }

    async fn sealed_webhook_secrets(
        &self,
        after: Option<(TenantId, Uuid)>,
        limit: u32,
    ) -> Result<Vec<SealedWebhookSecret>, StoreError> {
        secrets::page(&self.access, after, limit).await.map_err(failed)
    }

    async fn reseal_webhook_secret(
        &self,
        by: &Actor,
        read: &SealedWebhookSecret,
        sealed: &[u8],
    ) -> Result<bool, StoreError> {
        secrets::reseal(&self.access, by, read, sealed).await.map_err(failed)
    }

    async fn lease_webhook(
        &self,
        token: Uuid,
        length: Duration,
        now: DateTime<Utc>,
        limits: SendLimits,
    ) -> Result<Option<LeasedWebhook>, StoreError> {
        Ok(lease::take(&self.access, token, length, now, limits).await?)
    }

    async fn note_round(
        &self,
        lease: &WebhookLease,
        length: Duration,
        round: &WebhookRound,
    ) -> Result<bool, StoreError> {
        persistently(|| lease::note(&self.access, lease, length, round)).await
    }

    async fn release_webhook(&self, lease: &WebhookLease) -> Result<(), StoreError> {
        lease::release(&self.access, lease).await.map_err(failed)
    }

    async fn due_deliveries(
        &self,
        tenant: TenantId,
        webhook: Uuid,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError> {
        deliveries::due(&self.access, tenant, webhook, now, limit).await
    }

    async fn deliveries(
        &self,
        tenant: TenantId,
        webhook: Uuid,
        state: Option<DeliveryState>,
        page: IdPage,
    ) -> Result<Vec<Delivery>, StoreError> {
        deliveries::list(&self.access, tenant, webhook, state, page).await
    }

    async fn replay_webhook(
        &self,
        by: &Actor,
        tenant: TenantId,
        webhook: Uuid,
        replay: Replay,
        now: DateTime<Utc>,
    ) -> Result<Option<u64>, StoreError> {
        Ok(deliveries::replay(&self.access, by, tenant, webhook, replay, now).await?)
    }

    async fn delete_old_deliveries(&self, before: DateTime<Utc>, limit: u32) -> Result<bool, StoreError> {
        deliveries::delete_old(&self.access, before, limit).await.map_err(failed)
    }
}
