//! Making and trying webhooks.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use crypto::{Context, Keyring, OpenError, Purpose, SealError};
use directory_core::TenantId;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::{Actor, EventKind, NewWebhook, NewWebhookSecret, SealedWebhookSecret, Webhook};
use uuid::Uuid;

use super::{WebhookMessage, WebhookOutcome};
use crate::{EngineError, SyncEngine, credential::ResealError};

/// How many webhooks a tenant may have.
pub const MOST_WEBHOOKS: u32 = 20;

/// How long a secret that was replaced signs along.
pub const OLD_SECRET_TIME: Duration = Duration::from_hours(24);

/// The type of the message by which a webhook is tried.
const TEST: &str = "webhook.test";

/// A webhook to make. The caller has asked [`SyncEngine::webhook_address_fault`] about the address.
#[derive(Clone)]
pub struct WebhookRegistration {
    /// Whose it is.
    pub tenant: TenantId,
    /// Where messages go.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// Which events it wants; `None` is all.
    pub kinds: Option<Vec<EventKind>>,
}

impl SyncEngine {
    /// Why messages may not go to an address, going on from its name; `None` where they may.
    #[must_use]
    pub fn webhook_address_fault(&self, url: &str) -> Option<String> {
        match &self.webhooks {
            Some(sender) => sender.fault_of(url),
            None => Some("is of no use: this program sends no messages".to_owned()),
        }
    }

    /// Makes a webhook that is sent what happens from now on. Its secret is told once, here. `None` when the tenant has
    /// [`MOST_WEBHOOKS`].
    pub async fn create_webhook(
        &self,
        by: &Actor,
        registration: WebhookRegistration,
    ) -> Result<Option<(Webhook, SecretString)>, EngineError> {
        let WebhookRegistration { tenant, url, description, kinds } = registration;
        let (plain, secret) = new_secret(&self.shared.keyring, tenant)?;
        let cursor = self.store().latest_event(tenant).await?;
        let webhook = NewWebhook { id: Uuid::now_v7(), tenant, url, description, kinds, cursor, secret };
        let made = self.store().create_webhook(by, &webhook, MOST_WEBHOOKS).await?;
        Ok(made.map(|made| (made, plain)))
    }

    /// Gives a webhook another secret, which is told once, here; the old one signs along for [`OLD_SECRET_TIME`]. `None` when the tenant
    /// has no such webhook.
    pub async fn rotate_webhook_secret(
        &self,
        by: &Actor,
        tenant: TenantId,
        webhook: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Option<(Webhook, SecretString)>, EngineError> {
        let (plain, secret) = new_secret(&self.shared.keyring, tenant)?;
        let old_until = TimeDelta::from_std(OLD_SECRET_TIME).ok().and_then(|time| now.checked_add_signed(time));
        let rotated =
            self.store().rotate_webhook_secret(by, tenant, webhook, &secret, old_until.unwrap_or(now)).await?;
        Ok(rotated.map(|rotated| (rotated, plain)))
    }

    /// Sends a message of the type `webhook.test` at once, and tells what came of it. `None` when the tenant has no such webhook.
    pub async fn test_webhook(
        &self,
        tenant: TenantId,
        webhook: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Option<WebhookOutcome>, EngineError> {
        let Some(found) = self.store().webhook(tenant, webhook).await? else { return Ok(None) };
        let sealed = self.store().webhook_secrets(tenant, webhook, now).await?;
        let secrets = open_secrets(&self.shared.keyring, &sealed)?;
        let id = format!("test_{}", Uuid::now_v7().simple());
        let message = WebhookMessage {
            url: &found.url,
            secrets: &secrets,
            id: &id,
            kind: TEST,
            happened: now,
            data: &json!({"webhookId": webhook}),
            at: now,
        };
        Ok(Some(match &self.webhooks {
            Some(sender) => sender.send(message).await,
            None => WebhookOutcome::Failed {
                status: None,
                code: "no_sender".to_owned(),
                message: "this program sends no messages".to_owned(),
                retry_after: None,
            },
        }))
    }
}

fn new_secret(keyring: &Keyring, tenant: TenantId) -> Result<(SecretString, NewWebhookSecret), EngineError> {
    let plain = crypto::generate_webhook_secret().map_err(SealError::from)?;
    let id = Uuid::now_v7();
    let sealed = keyring.seal(plain.expose_secret().as_bytes(), &context(&tenant, &id))?;
    Ok((plain, NewWebhookSecret { id, sealed: sealed.into_bytes() }))
}

pub(super) fn open_secrets(keyring: &Keyring, sealed: &[SealedWebhookSecret]) -> Result<Vec<SecretString>, OpenError> {
    sealed.iter().map(|sealed| open_secret(keyring, sealed)).collect()
}

pub(crate) fn open_secret(keyring: &Keyring, sealed: &SealedWebhookSecret) -> Result<SecretString, OpenError> {
    keyring.open_string(&sealed.sealed, &context(&sealed.tenant, &sealed.id))
}

/// The same secret under the key that seals now.
pub(crate) fn reseal_secret(keyring: &Keyring, sealed: &SealedWebhookSecret) -> Result<Vec<u8>, ResealError> {
    let plain = open_secret(keyring, sealed)?;
    let new = keyring.seal(plain.expose_secret().as_bytes(), &context(&sealed.tenant, &sealed.id))?;
    Ok(new.into_bytes())
}

fn context<'a>(tenant: &'a TenantId, secret: &'a Uuid) -> Context<'a> {
    Context { tenant: tenant.0.as_bytes(), row: secret.as_bytes(), purpose: Purpose::WebhookSecret }
}
