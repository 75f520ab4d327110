//! Who sends to a webhook, and what came of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use store::{
    LeasedWebhook, SendLimits, StoreError, UNREADABLE_WEBHOOK, Webhook, WebhookLease, WebhookRound, WebhookState,
};
use uuid::Uuid;

use super::{
    row::{WebhookRow, find, webhook_columns},
    secrets,
    turns::{self, to_send},
};
use crate::{
    SqliteStore,
    decode::{from_now, stored_id, stored_time, to_json},
    error::failed,
    sql::now,
};

pub(super) async fn take(
    store: &SqliteStore,
    token: Uuid,
    length: Duration,
    now: DateTime<Utc>,
    limits: SendLimits,
) -> Result<Option<LeasedWebhook>, StoreError> {
    // Most of the time there is nothing to send, and then nobody is kept from writing.
    let mut reader = store.reader.acquire().await.map_err(failed)?;
    if !turns::is_anybodys(&mut reader, now).await? {
        return Ok(None);
    }
    drop(reader);
    let mut tx = store.write().await?;
    turns::call_for_events(&mut tx, now).await?;
    let mut leased = None;
    let mut waiting = Vec::new();
    while let Some(tenant) = turns::next(&mut tx, now, &waiting).await? {
        leased = take_of(&mut tx, &tenant, token, length, now, limits).await?;
        if leased.is_some() {
            turns::had(&mut tx, &tenant, now).await?;
            break;
        }
        if turns::put_off(&mut tx, &tenant, now, limits.pending).await? {
            waiting.push(tenant);
        }
    }
    tx.commit().await.map_err(failed)?;
    Ok(leased)
}

/// One of a tenant's webhooks.
async fn take_of(
    connection: &mut SqliteConnection,
    tenant: &str,
    token: Uuid,
    length: Duration,
    now: DateTime<Utc>,
    limits: SendLimits,
) -> Result<Option<LeasedWebhook>, StoreError> {
    while let Some(id) = next(connection, tenant, now, limits).await? {
        let webhook = match hold(connection, tenant, &id, token, length).await? {
            Ok(webhook) => webhook,
            Err(StoreError::Corrupt { .. }) => {
                // Nobody can send to it, and it is to hold up no other.
                disable(connection, tenant, &id).await?;
                continue;
            }
            Err(other) => return Err(other),
        };
        let secrets = secrets::signing(&mut *connection, webhook.tenant, webhook.id, now).await?;
        let lease = WebhookLease { tenant: webhook.tenant, webhook: webhook.id, token };
        return Ok(Some(LeasedWebhook { webhook, secrets, lease }));
    }
    Ok(None)
}

async fn next(
    connection: &mut SqliteConnection,
    tenant: &str,
    now: DateTime<Utc>,
    limits: SendLimits,
) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar(concat!(
        "SELECT w.id FROM webhooks w
         WHERE w.tenant_id = ?1 AND w.state = 'enabled' AND (w.lease_until IS NULL OR w.lease_until < ",
        now!(),
        ") AND (SELECT count(*) FROM webhooks l WHERE l.tenant_id = ?1 AND l.lease_until >= ",
        now!(),
        ") < ?4 AND ",
        to_send!(),
        " ORDER BY w.leased_at NULLS FIRST, w.id LIMIT 1"
    ))
    .bind(tenant)
    .bind(stored_time(now))
    .bind(limits.pending)
    .bind(limits.per_tenant)
    .fetch_optional(connection)
    .await
    .map_err(failed)
}

/// Takes it; what it is may make no sense.
async fn hold(
    connection: &mut SqliteConnection,
    tenant: &str,
    id: &str,
    token: Uuid,
    length: Duration,
) -> Result<Result<Webhook, StoreError>, StoreError> {
    let row: WebhookRow = sqlx::query_as(concat!(
        "UPDATE webhooks SET lease_token = ?3, lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?4), leased_at = ",
        now!(),
        " WHERE tenant_id = ?1 AND id = ?2 RETURNING ",
        webhook_columns!()
    ))
    .bind(tenant)
    .bind(id)
    .bind(stored_id(token))
    .bind(from_now(length))
    .fetch_one(connection)
    .await
    .map_err(failed)?;
    Ok(Webhook::try_from(row))
}

async fn disable(connection: &mut SqliteConnection, tenant: &str, id: &str) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE webhooks SET state = 'disabled', state_reason = ?3, lease_token = NULL, lease_until = NULL
         WHERE tenant_id = ?1 AND id = ?2",
    )
    .bind(tenant)
    .bind(id)
    .bind(UNREADABLE_WEBHOOK)
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}

pub(super) async fn note(
    store: &SqliteStore,
    lease: &WebhookLease,
    length: Duration,
    round: &WebhookRound,
) -> Result<bool, StoreError> {
    let arrived = to_json(&round.delivered.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let mut tx = store.write().await?;
    let Some(current) = find(&mut *tx, lease.tenant, lease.webhook).await? else { return Ok(false) };
    if !is_held(&mut tx, lease).await? {
        return Ok(false);
    }
    sqlx::query(
        "DELETE FROM webhook_deliveries
         WHERE tenant_id = ?1 AND webhook_id = ?2 AND event_id IN (SELECT value FROM json_each(?3))",
    )
    .bind(stored_id(lease.tenant.0))
    .bind(stored_id(lease.webhook))
    .bind(arrived)
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    for failed in &round.failed {
        note_failure(&mut tx, lease, failed).await?;
    }
    if let Some(next) = round.next_attempt_at() {
        turns::call(&mut tx, &stored_id(lease.tenant.0), next).await?;
    }
    let unmoved = current.cursor == round.from;
    move_on(&mut tx, lease, length, round, unmoved).await?;
    tx.commit().await.map_err(failed)?;
    let as_it_was = current.state == WebhookState::Enabled && current.updated_at == round.seen && unmoved;
    Ok(as_it_was && round.disable.is_none())
}

/// There are a few at most.
async fn note_failure(
    connection: &mut SqliteConnection,
    lease: &WebhookLease,
    attempt: &store::Attempt,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO webhook_deliveries (tenant_id, webhook_id, id, event_id, after_event, kind, state, attempts,
             next_attempt_at, last_status, last_code, created_at, failed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, iif(?8 IS NULL, 'dead', 'pending'), ?7, ?8, ?9, ?10, ?11, ?11)
         ON CONFLICT (tenant_id, webhook_id, event_id) DO UPDATE
         SET state = excluded.state, attempts = excluded.attempts, next_attempt_at = excluded.next_attempt_at,
             last_status = excluded.last_status, last_code = excluded.last_code, failed_at = excluded.failed_at",
    )
    .bind(stored_id(lease.tenant.0))
    .bind(stored_id(lease.webhook))
    .bind(stored_id(attempt.id))
    .bind(attempt.event.to_string())
    .bind(attempt.after.to_string())
    .bind(&attempt.kind)
    .bind(attempt.attempts)
    .bind(attempt.next_attempt_at.map(stored_time))
    .bind(attempt.status)
    .bind(&attempt.code)
    .bind(stored_time(attempt.at))
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}

async fn move_on(
    connection: &mut SqliteConnection,
    lease: &WebhookLease,
    length: Duration,
    round: &WebhookRound,
    unmoved: bool,
) -> Result<(), StoreError> {
    sqlx::query(concat!(
        "UPDATE webhooks SET lease_until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?3), cursor = iif(?4, ?5, cursor),
             caught_up_at = iif(?4, ?6, caught_up_at), state = iif(?7 IS NULL, state, 'disabled'),
             state_reason = COALESCE(?7, state_reason),
             updated_at = iif(?7 IS NULL, updated_at,
                 max(strftime('%Y-%m-%dT%H:%M:%fZ', updated_at, '+0.001 seconds'), ",
        now!(),
        ")) WHERE tenant_id = ?1 AND id = ?2"
    ))
    .bind(stored_id(lease.tenant.0))
    .bind(stored_id(lease.webhook))
    .bind(from_now(length))
    .bind(unmoved)
    .bind(round.cursor.to_string())
    .bind(round.caught_up.then(|| stored_id(round.cursor.entry)))
    .bind(&round.disable)
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}

pub(super) async fn release(store: &SqliteStore, lease: &WebhookLease) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE webhooks SET lease_token = NULL, lease_until = NULL
         WHERE tenant_id = ?1 AND id = ?2 AND lease_token = ?3",
    )
    .bind(stored_id(lease.tenant.0))
    .bind(stored_id(lease.webhook))
    .bind(stored_id(lease.token))
    .execute(&store.writer)
    .await
    .map(drop)
    .map_err(failed)
}

/// The token is the fence, whatever the clocks say.
async fn is_held(connection: &mut SqliteConnection, lease: &WebhookLease) -> Result<bool, StoreError> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM webhooks WHERE tenant_id = ?1 AND id = ?2 AND lease_token = ?3)")
        .bind(stored_id(lease.tenant.0))
        .bind(stored_id(lease.webhook))
        .bind(stored_id(lease.token))
        .fetch_one(connection)
        .await
        .map_err(failed)
}
