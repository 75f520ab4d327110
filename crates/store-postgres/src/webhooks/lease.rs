//! Who sends to a webhook, and what came of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use directory_core::TenantId;
use sqlx::{PgConnection, types::Json};
use store::{LeasedWebhook, StoreError, UNREADABLE_WEBHOOK, Webhook, WebhookLease, WebhookRound, WebhookState};
use uuid::Uuid;

use super::{
    row::{WebhookRow, lock, webhook_columns},
    secrets,
};
use crate::{
    access::{Access, confine},
    error::Fault,
};

pub(super) async fn take(
    access: &Access,
    token: Uuid,
    length: Duration,
    now: DateTime<Utc>,
    most_pending: u32,
) -> Result<Option<LeasedWebhook>, Fault> {
    loop {
        let mut tx = access.across_tenants().await?;
        let Some(row) = next(&mut tx, token, length, now, most_pending).await? else { return Ok(None) };
        let (tenant, id) = row.key();
        confine(&mut tx, TenantId(tenant)).await?;
        let webhook = match Webhook::try_from(row) {
            Ok(webhook) => webhook,
            Err(StoreError::Corrupt { .. }) => {
                // Nobody can send to it, and it is to hold up no other.
                disable(&mut tx, tenant, id).await?;
                tx.commit().await?;
                continue;
            }
            Err(other) => return Err(other.into()),
        };
        let secrets = secrets::signing(&mut tx, webhook.tenant, webhook.id, now).await?;
        tx.commit().await?;
        let lease = WebhookLease { tenant: webhook.tenant, webhook: webhook.id, token };
        return Ok(Some(LeasedWebhook { webhook, secrets, lease }));
    }
}

/// Webhooks that others are taking or writing right now are passed over instead of waited for. One that has handed everything on was at
/// the newest entry of the tenant's feed then; if that is another one by now, there is something to send.
async fn next(
    tx: &mut PgConnection,
    token: Uuid,
    length: Duration,
    now: DateTime<Utc>,
    most_pending: u32,
) -> Result<Option<WebhookRow>, sqlx::Error> {
    sqlx::query_as(concat!(
        "WITH next AS MATERIALIZED (
             SELECT w.tenant_id AS next_tenant, w.id AS next_webhook FROM webhooks w
             WHERE w.state = 'enabled' AND (w.lease_until IS NULL OR w.lease_until < now())
                 AND (EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id
                         AND d.state = 'pending' AND d.next_attempt_at <= $3)
                     OR (w.caught_up_at IS DISTINCT FROM COALESCE(
                             (SELECT e.id FROM events e WHERE e.tenant_id = w.tenant_id
                              ORDER BY e.n DESC LIMIT 1),
                             (SELECT t.events_deleted_through FROM tenants t WHERE t.id = w.tenant_id),
                             '00000000-0000-0000-0000-000000000000')
                         AND (SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries d WHERE d.tenant_id = w.tenant_id
                             AND d.webhook_id = w.id AND d.state = 'pending' LIMIT $4) AS few) < $4))
             ORDER BY w.leased_at NULLS FIRST, w.id LIMIT 1 FOR NO KEY UPDATE OF w SKIP LOCKED
         )
         UPDATE webhooks SET lease_token = $1, lease_until = now() + make_interval(secs => $2), leased_at = now()
         FROM next WHERE webhooks.tenant_id = next_tenant AND webhooks.id = next_webhook
         RETURNING ",
        webhook_columns!()
    ))
    .bind(token)
    .bind(length.as_secs_f64())
    .bind(now)
    .bind(i64::from(most_pending))
    .fetch_optional(tx)
    .await
}

async fn disable(tx: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE webhooks SET state = 'disabled', state_reason = $3, lease_token = NULL, lease_until = NULL
         WHERE tenant_id = $1 AND id = $2",
    )
    .bind(tenant)
    .bind(id)
    .bind(UNREADABLE_WEBHOOK)
    .execute(tx)
    .await
    .map(|_| ())
}

pub(super) async fn note(
    access: &Access,
    lease: &WebhookLease,
    length: Duration,
    round: &WebhookRound,
) -> Result<bool, Fault> {
    let mut tx = access.tenant(lease.tenant).await?;
    let Some(current) = lock(&mut tx, lease.tenant, lease.webhook).await? else { return Ok(false) };
    if !is_held(&mut tx, lease).await? {
        return Ok(false);
    }
    if !round.delivered.is_empty() {
        let arrived: Vec<String> = round.delivered.iter().map(ToString::to_string).collect();
        sqlx::query("DELETE FROM webhook_deliveries WHERE tenant_id = $1 AND webhook_id = $2 AND event_id = ANY($3)")
            .bind(lease.tenant.0)
            .bind(lease.webhook)
            .bind(arrived)
            .execute(&mut *tx)
            .await?;
    }
    note_failures(&mut tx, lease, round).await?;
    let unmoved = current.cursor == round.from;
    sqlx::query(
        "UPDATE webhooks SET lease_until = now() + make_interval(secs => $3),
             cursor = CASE WHEN $4 THEN $5 ELSE cursor END,
             caught_up_at = CASE WHEN $4 THEN $6 ELSE caught_up_at END,
             state = CASE WHEN $7::text IS NULL THEN state ELSE 'disabled' END,
             state_reason = COALESCE($7, state_reason),
             updated_at = CASE WHEN $7::text IS NULL THEN updated_at
                 ELSE GREATEST(now(), updated_at + interval '1 millisecond') END
         WHERE tenant_id = $1 AND id = $2",
    )
    .bind(lease.tenant.0)
    .bind(lease.webhook)
    .bind(length.as_secs_f64())
    .bind(unmoved)
    .bind(round.cursor.to_string())
    .bind(round.caught_up.then_some(round.cursor.entry))
    .bind(&round.disable)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    let as_it_was = current.state == WebhookState::Enabled && current.updated_at == round.seen && unmoved;
    Ok(as_it_was && round.disable.is_none())
}

async fn note_failures(tx: &mut PgConnection, lease: &WebhookLease, round: &WebhookRound) -> Result<(), sqlx::Error> {
    if round.failed.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO webhook_deliveries (tenant_id, webhook_id, id, event_id, after_event, kind, state, attempts,
             next_attempt_at, last_status, last_code, created_at, failed_at)
         SELECT $1, $2, a.id, a.event, a.after, a.kind, CASE WHEN a.next_attempt_at IS NULL THEN 'dead' ELSE 'pending' END,
             a.attempts, a.next_attempt_at, a.status, a.code, a.at, a.at
         FROM jsonb_to_recordset($3) AS a (id uuid, event text, after text, kind text, attempts bigint,
             next_attempt_at timestamptz, status bigint, code text, at timestamptz)
         ON CONFLICT (tenant_id, webhook_id, event_id) DO UPDATE
         SET state = excluded.state, attempts = excluded.attempts, next_attempt_at = excluded.next_attempt_at,
             last_status = excluded.last_status, last_code = excluded.last_code, failed_at = excluded.failed_at",
    )
    .bind(lease.tenant.0)
    .bind(lease.webhook)
    .bind(Json(&round.failed))
    .execute(tx)
    .await
    .map(|_| ())
}

pub(super) async fn release(access: &Access, lease: &WebhookLease) -> Result<(), sqlx::Error> {
    let mut tx = access.tenant(lease.tenant).await?;
    sqlx::query(
        "UPDATE webhooks SET lease_token = NULL, lease_until = NULL WHERE tenant_id = $1 AND id = $2 AND lease_token = $3",
    )
    .bind(lease.tenant.0)
    .bind(lease.webhook)
    .bind(lease.token)
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// The token is the fence, whatever the clocks say.
async fn is_held(tx: &mut PgConnection, lease: &WebhookLease) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM webhooks WHERE tenant_id = $1 AND id = $2 AND lease_token = $3)")
        .bind(lease.tenant.0)
        .bind(lease.webhook)
        .bind(lease.token)
        .fetch_one(tx)
        .await
}
