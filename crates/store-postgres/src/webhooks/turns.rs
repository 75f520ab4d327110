//! Whose turn it is to be sent to. Tenants that there is nothing to send for are not looked at.
//!
//! Whoever makes something to send calls [`call`] in the transaction that makes it, or it is an event and [`call_for_events`] comes across
//! it. Only [`put_off`] lets a tenant rest, after a look at its webhooks under the lock of its turn. Calling takes the same lock, whatever
//! the row says: so what a look did not see yet calls after it.

use chrono::{DateTime, Utc};
use directory_core::TenantId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::access::Access;

/// Events that are looked at in one transaction.
const EVENTS: i64 = 5_000;

/// Something to send to the webhook `w` of the tenant `$1`, at the time `$2`, with fewer messages than `$3` pending. One that has handed
/// everything on was at the newest entry of the tenant's feed then; if that is another one by now, there is something to send.
macro_rules! to_send {
    () => {
        "(EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id
             AND d.state = 'pending' AND d.next_attempt_at <= $2)
          OR (w.caught_up_at IS DISTINCT FROM COALESCE(
                  (SELECT e.id FROM events e WHERE e.tenant_id = w.tenant_id ORDER BY e.n DESC LIMIT 1),
                  (SELECT t.events_deleted_through FROM tenants t WHERE t.id = w.tenant_id),
                  '00000000-0000-0000-0000-000000000000')
              AND (SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries d WHERE d.tenant_id = w.tenant_id
                  AND d.webhook_id = w.id AND d.state = 'pending' LIMIT $3) AS few) < $3))"
    };
}
pub(super) use to_send;

/// A time that has come, whatever the clock says of those who send.
pub(crate) const AT_ONCE: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// From `at` on there may be something to send for a tenant, if it has a webhook.
pub(crate) async fn call(tx: &mut PgConnection, tenant: TenantId, at: DateTime<Utc>) -> Result<(), sqlx::Error> {
    call_all(tx, &[tenant.0], at).await
}

/// The same for several tenants. They are locked in the order of their ids, so that two who do this cannot wait for each other in a circle.
pub(crate) async fn call_all(tx: &mut PgConnection, tenants: &[Uuid], at: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO webhook_turns (tenant_id, due_at)
         SELECT called.tenant_id, $2 FROM unnest($1::uuid[]) AS called (tenant_id)
         WHERE EXISTS (SELECT 1 FROM webhooks w WHERE w.tenant_id = called.tenant_id)
         ORDER BY called.tenant_id
         ON CONFLICT (tenant_id) DO UPDATE SET due_at = LEAST(webhook_turns.due_at, excluded.due_at)",
    )
    .bind(tenants)
    .bind(at)
    .execute(tx)
    .await
    .map(|_| ())
}

/// Calls the tenants of new events. Events are taken in their order and as far as the feed is settled, so that one whose transaction commits
/// late is come across all the same, and can be read then.
pub(super) async fn call_for_events(access: &Access, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let mut tx = access.across_tenants().await?;
    // If somebody else does it right now, it is done.
    let from: Option<i64> = sqlx::query_scalar(
        "SELECT seen FROM webhook_feed WHERE seen < (SELECT max(n) FROM events) FOR NO KEY UPDATE SKIP LOCKED",
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(from) = from else { return Ok(()) };
    let settled: i64 = sqlx::query_scalar("SELECT directory_settled_events()").fetch_one(&mut *tx).await?;
    sqlx::query(
        "WITH new AS MATERIALIZED (
             SELECT n, tenant_id FROM events WHERE n > $1 AND n <= $2 ORDER BY n LIMIT $4
         ), called AS (
             INSERT INTO webhook_turns (tenant_id, due_at)
             SELECT tenant_id, $3::timestamptz FROM (SELECT DISTINCT tenant_id FROM new) AS told
             CROSS JOIN LATERAL (SELECT 1 FROM webhooks w WHERE w.tenant_id = told.tenant_id LIMIT 1) AS sent_to
             ORDER BY tenant_id
             ON CONFLICT (tenant_id) DO UPDATE SET due_at = LEAST(webhook_turns.due_at, excluded.due_at)
         )
         UPDATE webhook_feed SET seen = CASE WHEN (SELECT count(*) FROM new) < $4 THEN GREATEST($1, $2)
             ELSE (SELECT max(n) FROM new) END",
    )
    .bind(from)
    .bind(settled)
    .bind(now)
    .bind(EVENTS)
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// The tenant that has waited longest, except for some; nobody else looks at its webhooks, nor calls it, to the end of the transaction.
/// Those that others are looking at right now are waited for only if there is no other.
pub(super) async fn next(
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    except: &[Uuid],
) -> Result<Option<TenantId>, sqlx::Error> {
    macro_rules! first {
        ($lock:literal) => {
            concat!(
                "SELECT tenant_id FROM webhook_turns WHERE due_at <= $1 AND tenant_id <> ALL ($2)
                 ORDER BY due_at, tenant_id LIMIT 1 ",
                $lock
            )
        };
    }
    for statement in [first!("FOR NO KEY UPDATE SKIP LOCKED"), first!("FOR NO KEY UPDATE")] {
        let tenant: Option<Uuid> =
            sqlx::query_scalar(statement).bind(now).bind(except).fetch_optional(&mut *tx).await?;
        if let Some(tenant) = tenant {
            return Ok(Some(TenantId(tenant)));
        }
    }
    Ok(None)
}

/// It has had its turn, and it is the others' before it is its own again.
pub(super) async fn had(tx: &mut PgConnection, tenant: TenantId, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE webhook_turns SET due_at = $2 WHERE tenant_id = $1")
        .bind(tenant.0)
        .bind(now)
        .execute(tx)
        .await
        .map(|_| ())
}

/// None of its webhooks could be taken. It rests until the next message is due, or it is called; or goes to the end of the queue, if somebody
/// has one of them, or is writing one. Whether it goes on waiting.
pub(super) async fn put_off(
    tx: &mut PgConnection,
    tenant: TenantId,
    now: DateTime<Utc>,
    most_pending: u32,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(concat!(
        "UPDATE webhook_turns SET due_at = CASE
             WHEN EXISTS (SELECT 1 FROM webhooks w WHERE w.tenant_id = $1 AND w.state = 'enabled'
                 AND (w.lease_until >= now() OR ",
        to_send!(),
        ")) THEN $2
             ELSE (SELECT min((SELECT min(d.next_attempt_at) FROM webhook_deliveries d
                       WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id AND d.state = 'pending'))
                   FROM webhooks w WHERE w.tenant_id = $1 AND w.state = 'enabled')
             END
         WHERE tenant_id = $1 RETURNING COALESCE(due_at <= $2, false)"
    ))
    .bind(tenant.0)
    .bind(now)
    .bind(i64::from(most_pending))
    .fetch_one(tx)
    .await
}
