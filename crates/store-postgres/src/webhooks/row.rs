//! Rows as the model's values.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use directory_core::TenantId;
use sqlx::PgConnection;
use store::{Delivery, EventId, EventKind, SealedWebhookSecret, StoreError, Webhook};
use uuid::Uuid;

use crate::{
    decode::Place,
    error::{Fault, failed},
};

#[derive(sqlx::FromRow)]
pub(super) struct WebhookRow {
    tenant_id: Uuid,
    id: Uuid,
    url: String,
    description: Option<String>,
    kinds: Option<String>,
    state: String,
    state_reason: Option<String>,
    cursor: String,
    secret_created_at: DateTime<Utc>,
    pending: i64,
    dead: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Of the table `webhooks` by that name.
macro_rules! webhook_columns {
    () => {
        "webhooks.tenant_id, webhooks.id, webhooks.url, webhooks.description, webhooks.kinds::text AS kinds, webhooks.state,
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

impl WebhookRow {
    /// Of the webhook, whatever else of it makes no sense.
    pub(super) fn id(&self) -> Uuid {
        self.id
    }
}

impl TryFrom<WebhookRow> for Webhook {
    type Error = StoreError;

    fn try_from(row: WebhookRow) -> Result<Self, StoreError> {
        let place = Place { table: "webhooks", row: &row.id };
        let words: Option<Vec<String>> = row.kinds.map(|words| place.json("kinds", &words)).transpose()?;
        let (kinds, unknown_kinds) = EventKind::parse_choice(words);
        Ok(Self {
            tenant: TenantId(row.tenant_id),
            kinds,
            unknown_kinds,
            state: place.word("state", &row.state)?,
            cursor: event(place, "cursor", &row.cursor)?,
            pending: place.number("pending", row.pending)?,
            dead: place.number("dead", row.dead)?,
            id: row.id,
            url: row.url,
            description: row.description,
            state_reason: row.state_reason,
            secret_created_at: row.secret_created_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct DeliveryRow {
    id: Uuid,
    webhook_id: Uuid,
    event_id: String,
    after_event: String,
    kind: String,
    state: String,
    attempts: i64,
    next_attempt_at: Option<DateTime<Utc>>,
    last_status: Option<i64>,
    last_code: String,
    created_at: DateTime<Utc>,
    failed_at: DateTime<Utc>,
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
            event: event(place, "event_id", &row.event_id)?,
            after: event(place, "after_event", &row.after_event)?,
            state: place.word("state", &row.state)?,
            attempts: place.number("attempts", row.attempts)?,
            last_status: row.last_status.map(|status| place.number("last_status", status)).transpose()?,
            id: row.id,
            webhook: row.webhook_id,
            kind: row.kind,
            next_attempt_at: row.next_attempt_at,
            last_code: row.last_code,
            created_at: row.created_at,
            failed_at: row.failed_at,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct SecretRow {
    tenant_id: Uuid,
    webhook_id: Uuid,
    id: Uuid,
    sealed: Vec<u8>,
}

impl From<SecretRow> for SealedWebhookSecret {
    fn from(row: SecretRow) -> Self {
        Self { tenant: TenantId(row.tenant_id), webhook: row.webhook_id, id: row.id, sealed: row.sealed }
    }
}

fn event(place: Place<'_>, column: &'static str, text: &str) -> Result<EventId, StoreError> {
    EventId::from_str(text).map_err(|_| place.corrupt(column))
}

/// A tenant's webhook.
pub(super) async fn find(tx: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<Option<Webhook>, StoreError> {
    sqlx::query_as::<_, WebhookRow>(concat!(
        "SELECT ",
        webhook_columns!(),
        " FROM webhooks WHERE tenant_id = $1 AND id = $2"
    ))
    .bind(tenant.0)
    .bind(id)
    .fetch_optional(tx)
    .await
    .map_err(failed)?
    .map(Webhook::try_from)
    .transpose()
}

/// A tenant's webhook, which nobody else changes to the end of the transaction.
pub(super) async fn lock(tx: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<Option<Webhook>, Fault> {
    let row: Option<WebhookRow> = sqlx::query_as(concat!(
        "SELECT ",
        webhook_columns!(),
        " FROM webhooks WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE OF webhooks"
    ))
    .bind(tenant.0)
    .bind(id)
    .fetch_optional(tx)
    .await?;
    Ok(row.map(Webhook::try_from).transpose()?)
}

/// Whether the tenant has the webhook; if so nobody else changes it to the end of the transaction. What it is may be
/// unreadable.
pub(super) async fn hold(tx: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<bool, sqlx::Error> {
    let found: Option<i32> =
        sqlx::query_scalar("SELECT 1 FROM webhooks WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE")
            .bind(tenant.0)
            .bind(id)
            .fetch_optional(tx)
            .await?;
    Ok(found.is_some())
}
