//! Rows as the model's values.

use std::str::FromStr;

use directory_core::TenantId;
use sqlx::{Sqlite, SqliteExecutor};
use store::{Delivery, EventId, EventKind, SealedWebhookSecret, StoreError, Webhook};
use uuid::Uuid;

use crate::{
    decode::{Place, stored_id},
    error::failed,
};

#[derive(sqlx::FromRow)]
pub(super) struct WebhookRow {
    pub(super) tenant_id: String,
    pub(super) id: String,
    url: String,
    description: Option<String>,
    kinds: Option<String>,
    state: String,
    state_reason: Option<String>,
    cursor: String,
    secret_created_at: String,
    pending: i64,
    dead: i64,
    created_at: String,
    updated_at: String,
}

/// Of the table `webhooks` by that name.
macro_rules! webhook_columns {
    () => {
        "webhooks.tenant_id, webhooks.id, webhooks.url, webhooks.description, webhooks.kinds, webhooks.state,
         webhooks.state_reason, webhooks.cursor, webhooks.created_at, webhooks.updated_at,
         (SELECT max(s.created_at) FROM webhook_secrets s
          WHERE s.tenant_id = webhooks.tenant_id AND s.webhook_id = webhooks.id AND s.ends_at IS NULL) AS secret_created_at,
         (SELECT count(*) FROM webhook_deliveries d WHERE d.tenant_id = webhooks.tenant_id
              AND d.webhook_id = webhooks.id AND d.state = 'pending') AS pending,
         (SELECT count(*) FROM webhook_deliveries d WHERE d.tenant_id = webhooks.tenant_id
              AND d.webhook_id = webhooks.id AND d.state = 'dead') AS dead"
    };
}
pub(super) use webhook_columns;

impl TryFrom<WebhookRow> for Webhook {
    type Error = StoreError;

    fn try_from(row: WebhookRow) -> Result<Self, StoreError> {
        let place = Place { table: "webhooks", row: &row.id };
        let words: Option<Vec<String>> = row.kinds.map(|words| place.json("kinds", &words)).transpose()?;
        let (kinds, unknown_kinds) = EventKind::parse_choice(words);
        Ok(Self {
            id: place.id("id", &row.id)?,
            tenant: place.id("tenant_id", &row.tenant_id)?,
            kinds,
            unknown_kinds,
            state: place.word("state", &row.state)?,
            cursor: event(place, "cursor", &row.cursor)?,
            pending: place.number("pending", row.pending)?,
            dead: place.number("dead", row.dead)?,
            secret_created_at: place.time("secret_created_at", &row.secret_created_at)?,
            created_at: place.time("created_at", &row.created_at)?,
            updated_at: place.time("updated_at", &row.updated_at)?,
            url: row.url,
            description: row.description,
            state_reason: row.state_reason,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct DeliveryRow {
    id: String,
    webhook_id: String,
    event_id: String,
    after_event: String,
    kind: String,
    state: String,
    attempts: i64,
    next_attempt_at: Option<String>,
    last_status: Option<i64>,
    last_code: String,
    created_at: String,
    failed_at: String,
}

macro_rules! delivery_columns {
    () => {
        "id, webhook_id, event_id, after_event, kind, state, attempts, next_attempt_at, last_status, last_code, created_at,
         failed_at"
    };
}
pub(super) use delivery_columns;

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;

    fn try_from(row: DeliveryRow) -> Result<Self, StoreError> {
        let place = Place { table: "webhook_deliveries", row: &row.id };
        Ok(Self {
            id: place.id("id", &row.id)?,
            webhook: place.id("webhook_id", &row.webhook_id)?,
            event: event(place, "event_id", &row.event_id)?,
            after: event(place, "after_event", &row.after_event)?,
            state: place.word("state", &row.state)?,
            attempts: place.number("attempts", row.attempts)?,
            next_attempt_at: place.time_if_any("next_attempt_at", row.next_attempt_at.as_deref())?,
            last_status: row.last_status.map(|status| place.number("last_status", status)).transpose()?,
            created_at: place.time("created_at", &row.created_at)?,
            failed_at: place.time("failed_at", &row.failed_at)?,
            kind: row.kind,
            last_code: row.last_code,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct SecretRow {
    tenant_id: String,
    webhook_id: String,
    id: String,
    sealed: Vec<u8>,
}

impl TryFrom<SecretRow> for SealedWebhookSecret {
    type Error = StoreError;

    fn try_from(row: SecretRow) -> Result<Self, StoreError> {
        let place = Place { table: "webhook_secrets", row: &row.id };
        Ok(Self {
            tenant: place.id("tenant_id", &row.tenant_id)?,
            webhook: place.id("webhook_id", &row.webhook_id)?,
            id: place.id("id", &row.id)?,
            sealed: row.sealed,
        })
    }
}

fn event(place: Place<'_>, column: &'static str, text: &str) -> Result<EventId, StoreError> {
    EventId::from_str(text).map_err(|_| place.corrupt(column))
}

/// A tenant's webhook. In a transaction that writes, nobody else changes it to the transaction's end.
pub(super) async fn find(
    executor: impl SqliteExecutor<'_>,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<Webhook>, StoreError> {
    sqlx::query_as::<Sqlite, WebhookRow>(concat!(
        "SELECT ",
        webhook_columns!(),
        " FROM webhooks WHERE tenant_id = ?1 AND id = ?2"
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(id))
    .fetch_optional(executor)
    .await
    .map_err(failed)?
    .map(Webhook::try_from)
    .transpose()
}

/// Whether the tenant has the webhook, readable or not.
pub(super) async fn exists(executor: impl SqliteExecutor<'_>, tenant: TenantId, id: Uuid) -> Result<bool, StoreError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM webhooks WHERE tenant_id = ?1 AND id = ?2)")
        .bind(stored_id(tenant.0))
        .bind(stored_id(id))
        .fetch_one(executor)
        .await
        .map_err(failed)
}
