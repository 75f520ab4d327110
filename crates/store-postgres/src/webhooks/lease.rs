//! Who sends to a webhook, and what came of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use directory_core::TenantId;
use sqlx::{PgConnection, types::Json};
use store::{
    LeasedWebhook, SendLimits, StoreError, UNREADABLE_WEBHOOK, Webhook, WebhookLease, WebhookRound, WebhookState,
};
use uuid::Uuid;

use super::{
    row::{WebhookRow, lock, webhook_columns},
    secrets,
    turns::{self, to_send},
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
    limits: SendLimits,
) -> Result<Option<LeasedWebhook>, Fault> {
    turns::call_for_events(access, now).await?;
    let mut waiting = Vec::new();
    loop {
        let mut tx = access.across_tenants().await?;
        let Some(tenant) = turns::next(&mut tx, now, &waiting).await? else { return Ok(None) };
        confine(&mut tx, tenant).await?;
        let leased = take_of(&mut tx, tenant, token, length, now, limits).await?;
        if leased.is_some() {
            turns::had(&mut tx, tenant, now).await?;
        } else if turns::put_off(&mut tx, tenant, now, limits.pending).await? {
            waiting.push(tenant.0);
        }
        tx.commit().await?;
        if leased.is_some() {
            return Ok(leased);
        }
    }
}

/// One of a tenant's webhooks.
async fn take_of(
    tx: &mut PgConnection,
    tenant: TenantId,
    token: Uuid,
    length: Duration,
    now: DateTime<Utc>,
    limits: SendLimits,
) -> Result<Option<LeasedWebhook>, Fault> {
    while let Some(row) = next(tx, tenant, token, length, now, limits).await? {
        let id = row.id();
        let webhook = match Webhook::try_from(row) {
            Ok(webhook) => webhook,
            Err(StoreError::Corrupt { .. }) => {
                // Nobody can send to it, and it is to hold up no other.
                disable(tx, tenant, id).await?;
                continue;
            }
            Err(other) => return Err(other.into()),
        };
        let secrets = secrets::signing(tx, tenant, id, now).await?;
        return Ok(Some(LeasedWebhook { webhook, secrets, lease: WebhookLease { tenant, webhook: id, token } }));
    }
    Ok(None)
}

/// Webhooks that others are writing right now are passed over instead of waited for.
async fn next(
    tx: &mut PgConnection,
    tenant: TenantId,
    token: Uuid,
    length: Duration,
    now: DateTime<Utc>,
    limits: SendLimits,
) -> Result<Option<WebhookRow>, sqlx::Error> {
    sqlx::query_as(concat!(
        "WITH next AS MATERIALIZED (
             SELECT w.tenant_id AS next_tenant, w.id AS next_webhook FROM webhooks w
             WHERE w.tenant_id = $1 AND w.state = 'enabled' AND (w.lease_until IS NULL OR w.lease_until < now())
                 AND (SELECT count(*) FROM webhooks l WHERE l.tenant_id = $1 AND l.lease_until >= now()) < $4
                 AND ",
        to_send!(),
        " ORDER BY w.leased_at NULLS FIRST, w.id LIMIT 1 FOR NO KEY UPDATE OF w SKIP LOCKED
         )
         UPDATE webhooks SET lease_token = $5, lease_until = now() + make_interval(secs => $6), leased_at = now()
         FROM next WHERE webhooks.tenant_id = next_tenant AND webhooks.id = next_webhook
         RETURNING ",
        webhook_columns!()
    ))
    .bind(tenant.0)
    .bind(now)
    .bind(i64::from(limits.pending))
    .bind(i64::from(limits.per_tenant))
    .bind(token)
    .bind(length.as_secs_f64())
    .fetch_optional(tx)
    .await
}

async fn disable(tx: &mut PgConnection, tenant: TenantId, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE webhooks SET state = 'disabled', state_reason = $3, lease_token = NULL, lease_until = NULL
         WHERE tenant_id = $1 AND id = $2",
    )
    .bind(tenant.0)
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
    if let Some(next) = round.next_attempt_at() {
        turns::call(&mut tx, lease.tenant, next).await?;
    }
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
