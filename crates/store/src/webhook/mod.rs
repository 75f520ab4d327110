//! Webhooks: where a tenant's events are sent, and the messages that did not arrive.

mod delivery;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::TenantId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::delivery::{
    Attempt, Delivery, DeliveryState, LeasedWebhook, Replay, SendLimits, WebhookLease, WebhookRound,
};
use crate::{Actor, EventId, EventKind, IdPage, StoreError};

/// Why a webhook whose row makes no sense is disabled.
pub const UNREADABLE_WEBHOOK: &str = "What is stored of it cannot be read. Change it, or delete it and make another.";

/// Whether a webhook is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WebhookState {
    /// It is.
    Enabled,
    /// Not until somebody enables it. What happens meanwhile is sent then, as far as the feed still has it.
    Disabled,
}

impl WebhookState {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
        }
    }
}

/// A webhook, without its secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Primary key.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where messages go.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// Which events it wants; `None` is all, those of kinds to come too.
    pub kinds: Option<Vec<EventKind>>,
    /// Which it wants besides, in a newer program's words, if it names those that it wants.
    pub unknown_kinds: Vec<String>,
    /// See [`WebhookState`].
    pub state: WebhookState,
    /// Why it is in that state.
    pub state_reason: Option<String>,
    /// The event up to which the feed was handed on: each before was delivered, or is in the list of deliveries.
    pub cursor: EventId,
    /// When its secret was made.
    pub secret_created_at: DateTime<Utc>,
    /// Messages that are tried again.
    pub pending: u64,
    /// Messages that were given up.
    pub dead: u64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When somebody last changed it, or it was disabled.
    pub updated_at: DateTime<Utc>,
}

impl fmt::Debug for Webhook {
    /// Leaves the address out, which can hold a key of the receiver's, and the description.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("kinds", &self.kinds)
            .field("state", &self.state)
            .field("cursor", &self.cursor)
            .field("pending", &self.pending)
            .field("dead", &self.dead)
            .finish_non_exhaustive()
    }
}

impl Webhook {
    /// Whether it wants events of a kind.
    #[must_use]
    pub fn wants(&self, kind: EventKind) -> bool {
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }

    /// Whether it wants events of a kind that this program does not know.
    #[must_use]
    pub fn wants_unknown(&self, word: &str) -> bool {
        self.kinds.is_none() || self.unknown_kinds.iter().any(|kind| kind == word)
    }

    /// The address without what follows the path, which may be a key of the receiver's.
    #[must_use]
    pub fn bare_url(&self) -> &str {
        self.url.split(['?', '#']).next().unwrap_or_default()
    }
}

/// A webhook to make.
#[derive(Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// Primary key.
    pub id: Uuid,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where messages go.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// See [`Webhook::kinds`].
    pub kinds: Option<Vec<EventKind>>,
    /// Events after this one are sent.
    pub cursor: EventId,
    /// What messages are signed with.
    pub secret: NewWebhookSecret,
}

impl fmt::Debug for NewWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewWebhook").field("id", &self.id).field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// A secret to store. It is sealed already.
#[derive(Clone, PartialEq, Eq)]
pub struct NewWebhookSecret {
    /// Primary key; time-ordered.
    pub id: Uuid,
    /// Sealed for its row.
    pub sealed: Vec<u8>,
}

impl fmt::Debug for NewWebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewWebhookSecret").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A secret as it is stored, and whose it is.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedWebhookSecret {
    /// Whose webhook.
    pub tenant: TenantId,
    /// The webhook.
    pub webhook: Uuid,
    /// Primary key.
    pub id: Uuid,
    /// Sealed for its row.
    pub sealed: Vec<u8>,
}

impl fmt::Debug for SealedWebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedWebhookSecret")
            .field("tenant", &self.tenant)
            .field("webhook", &self.webhook)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What an administrator may change about a webhook; each is the new value.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUpdate {
    /// See [`Webhook::url`].
    pub url: String,
    /// See [`Webhook::description`].
    pub description: Option<String>,
    /// See [`Webhook::kinds`].
    pub kinds: Option<Vec<EventKind>>,
    /// Whether it is sent to.
    pub enabled: bool,
}

impl fmt::Debug for WebhookUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookUpdate")
            .field("kinds", &self.kinds)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

/// What came of updating a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdatedWebhook {
    /// It is as it was asked for.
    Done(Box<Webhook>),
    /// Somebody else changed it since it was read; read it again.
    Moved,
    /// The tenant has no such webhook.
    NoWebhook,
}

/// The webhooks.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Makes a webhook; `None` when the tenant has `most` already.
    async fn create_webhook(&self, by: &Actor, webhook: &NewWebhook, most: u32) -> Result<Option<Webhook>, StoreError>;

    /// A tenant's webhook.
    async fn webhook(&self, tenant: TenantId, id: Uuid) -> Result<Option<Webhook>, StoreError>;

    /// A tenant's webhooks, oldest first.
    async fn webhooks(&self, tenant: TenantId, page: IdPage) -> Result<Vec<Webhook>, StoreError>;

    /// Changes a webhook, unless it was changed since `seen`, its [`Webhook::updated_at`]. Kinds that stay the same keep those of a newer
    /// program.
    async fn update_webhook(
        &self,
        by: &Actor,
        tenant: TenantId,
        id: Uuid,
        seen: DateTime<Utc>,
        update: &WebhookUpdate,
    ) -> Result<UpdatedWebhook, StoreError>;

    /// Deletes a webhook, its secrets and its deliveries. `false` when the tenant has no such webhook.
    async fn delete_webhook(&self, by: &Actor, tenant: TenantId, id: Uuid) -> Result<bool, StoreError>;

    /// Gives a webhook another secret. The one that it had signs along until `old_until`, and any before it no more. `None` when the
    /// tenant has no such webhook.
    async fn rotate_webhook_secret(
        &self,
        by: &Actor,
        tenant: TenantId,
        id: Uuid,
        secret: &NewWebhookSecret,
        old_until: DateTime<Utc>,
    ) -> Result<Option<Webhook>, StoreError>;

    /// The secrets that sign a webhook's messages at that time, the newest first.
    async fn webhook_secrets(
        &self,
        tenant: TenantId,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Vec<SealedWebhookSecret>, StoreError>;

    /// Every tenant's secrets, by tenant and id, after the given ones: what rotating keys walks over.
    async fn sealed_webhook_secrets(
        &self,
        after: Option<(TenantId, Uuid)>,
        limit: u32,
    ) -> Result<Vec<SealedWebhookSecret>, StoreError>;

    /// Puts the same secret under another key, unless it is not the one that was read any more (`false`).
    async fn reseal_webhook_secret(
        &self,
        by: &Actor,
        read: &SealedWebhookSecret,
        sealed: &[u8],
    ) -> Result<bool, StoreError>;

    /// Takes an enabled webhook of any tenant that nobody has and that there is something to send to: messages that are due at
    /// `now`, or events after its cursor, unless too many of its messages are pending. Tenants take turns, one webhook at a time, and a
    /// tenant's webhooks among themselves; who has waited longest comes first. The effort follows what there is to send, not the number of
    /// webhooks. The limits are every caller's.
    async fn lease_webhook(
        &self,
        token: Uuid,
        length: Duration,
        now: DateTime<Utc>,
        limits: SendLimits,
    ) -> Result<Option<LeasedWebhook>, StoreError>;

    /// Notes what came of sending, all of it together, and holds the webhook for as long again. `false` when the lease is lost and nothing
    /// was noted, or when the webhook is not what it was when it was taken any more: then it is to be given back.
    async fn note_round(
        &self,
        lease: &WebhookLease,
        length: Duration,
        round: &WebhookRound,
    ) -> Result<bool, StoreError>;

    /// Gives a webhook back.
    async fn release_webhook(&self, lease: &WebhookLease) -> Result<(), StoreError>;

    /// Messages to a webhook that are to be tried at that time, the longest due first.
    async fn due_deliveries(
        &self,
        tenant: TenantId,
        webhook: Uuid,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Messages to a webhook that have not arrived, oldest first.
    async fn deliveries(
        &self,
        tenant: TenantId,
        webhook: Uuid,
        state: Option<DeliveryState>,
        page: IdPage,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// Has messages sent again, from `now` on: how many of those in the list, or `None` when the tenant has no such webhook, or the
    /// webhook no such message.
    async fn replay_webhook(
        &self,
        by: &Actor,
        tenant: TenantId,
        webhook: Uuid,
        replay: Replay,
        now: DateTime<Utc>,
    ) -> Result<Option<u64>, StoreError>;

    /// Deletes up to `limit` messages, of whatever tenant, that were given up before that time. Whether there may be more.
    async fn delete_old_deliveries(&self, before: DateTime<Utc>, limit: u32) -> Result<bool, StoreError>;
}
