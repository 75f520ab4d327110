//! Who sends to a webhook, and what came of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use store::{LeasedWebhook, StoreError, UNREADABLE_WEBHOOK, Webhook, WebhookLease, WebhookRound, WebhookState};
use uuid::Uuid;

use super::{
    row::{WebhookRow, find, webhook_columns},
    secrets,
};
use crate::{
    SqliteStore,
    decode::{from_now, stored_id, stored_time, to_json},
    error::failed,
    sql::now,
};

/// Something to send, at the time `?1`, to a webhook with fewer messages than `?2` pending. One that has handed everything on was at the
/// newest entry of the tenant's feed then; if that is another one by now, there is something to send.
macro_rules! waiting {
    () => {
        concat!(
            "SELECT w.tenant_id, w.id FROM webhooks w
             WHERE w.state = 'enabled' AND (w.lease_until IS NULL OR w.lease_until < ",
            now!(),
            ") AND (EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id
                        AND d.state = 'pending' AND d.next_attempt_at <= ?1)
                    OR (w.caught_up_at IS NOT COALESCE(
                            (SELECT e.id FROM events e WHERE e.tenant_id = w.tenant_id ORDER BY e.n DESC LIMIT 1),
                            (SELECT t.events_deleted_through FROM tenants t WHERE t.id = w.tenant_id),
                            '00000000-0000-0000-0000-000000000000')
                        AND (SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries d WHERE d.tenant_id = w.tenant_id
                            AND d.webhook_id = w.id AND d.state = 'pending' LIMIT ?2)) < ?2))
             ORDER BY w.leased_at NULLS FIRST, w.id LIMIT 1"
        )
    };
}

pub(super) async fn take(
    store: &SqliteStore,
    token: Uuid,
    length: Duration,
    now: DateTime<Utc>,
    most_pending: u32,
) -> Result<Option<LeasedWebhook>, StoreError> {
    // Most of the time there is nothing to send, and then nobody is kept from writing.
    let mut reader = store.reader.acquire().await.map_err(failed)?;
    if waiting(&mut reader, now, most_pending).await?.is_none() {
        return Ok(None);
    }
    drop(reader);
    let mut tx = store.write().await?;
    while let Some((tenant, id)) = waiting(&mut tx, now, most_pending).await? {
        let webhook = match hold(&mut tx, &tenant, &id, token, length).await? {
            Ok(webhook) => webhook,
            Err(StoreError::Corrupt { .. }) => {
                // Nobody can send to it, and it is to hold up no other.
                disable(&mut tx, &tenant, &id).await?;
                continue;
            }
            Err(other) => return Err(other),
        };
        let secrets = secrets::signing(&mut *tx, webhook.tenant, webhook.id, now).await?;
        tx.commit().await.map_err(failed)?;
        let lease = WebhookLease { tenant: webhook.tenant, webhook: webhook.id, token };
        return Ok(Some(LeasedWebhook { webhook, secrets, lease }));
    }
    tx.commit().await.map_err(failed)?;
    Ok(None)
}

async fn waiting(
    connection: &mut SqliteConnection,
    now: DateTime<Utc>,
    most_pending: u32,
) -> Result<Option<(String, String)>, StoreError> {
    sqlx::query_as(waiting!())
        .bind(stored_time(now))
        .bind(most_pending)
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
