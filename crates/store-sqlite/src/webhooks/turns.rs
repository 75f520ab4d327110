//! Whose turn it is to be sent to. Tenants that there is nothing to send for are not looked at.
//!
//! Whoever makes something to send calls [`call`] in the transaction that makes it, or it is an event and [`call_for_events`] comes across
//! it. Only [`put_off`] lets a tenant rest, after a look at its webhooks.

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;
use store::StoreError;

use crate::{
    decode::{stored_time, to_json},
    error::failed,
    sql::now,
};

/// Something to send to the webhook `w` of the tenant `?1`, at the time `?2`, with fewer messages than `?3` pending. One that has handed
/// everything on was at the newest entry of the tenant's feed then; if that is another one by now, there is something to send.
macro_rules! to_send {
    () => {
        "(EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id
             AND d.state = 'pending' AND d.next_attempt_at <= ?2)
          OR (w.caught_up_at IS NOT COALESCE(
                  (SELECT e.id FROM events e WHERE e.tenant_id = w.tenant_id ORDER BY e.n DESC LIMIT 1),
                  (SELECT t.events_deleted_through FROM tenants t WHERE t.id = w.tenant_id),
                  '00000000-0000-0000-0000-000000000000')
              AND (SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries d WHERE d.tenant_id = w.tenant_id
                  AND d.webhook_id = w.id AND d.state = 'pending' LIMIT ?3)) < ?3))"
    };
}
pub(super) use to_send;

/// A time that has come, whatever the clock says of those who send.
pub(crate) const AT_ONCE: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// From `at` on there may be something to send for a tenant, if it has a webhook.
pub(crate) async fn call(connection: &mut SqliteConnection, tenant: &str, at: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO webhook_turns (tenant_id, due_at)
         SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM webhooks WHERE tenant_id = ?1)
         ON CONFLICT (tenant_id) DO UPDATE SET due_at = COALESCE(min(due_at, excluded.due_at), excluded.due_at)",
    )
    .bind(tenant)
    .bind(stored_time(at))
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}

/// Whether it may be somebody's turn.
pub(super) async fn is_anybodys(connection: &mut SqliteConnection, now: DateTime<Utc>) -> Result<bool, StoreError> {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM webhook_turns WHERE due_at <= ?1)
             OR EXISTS (SELECT 1 FROM events WHERE n > (SELECT seen FROM webhook_feed))",
    )
    .bind(stored_time(now))
    .fetch_one(connection)
    .await
    .map_err(failed)
}

/// Calls the tenants of new events. An index by tenant would be read as a whole, for the sake of `DISTINCT`.
pub(super) async fn call_for_events(connection: &mut SqliteConnection, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO webhook_turns (tenant_id, due_at)
         SELECT tenant_id, ?1 FROM (
             SELECT DISTINCT tenant_id FROM events NOT INDEXED WHERE n > (SELECT seen FROM webhook_feed)
         ) AS told WHERE EXISTS (SELECT 1 FROM webhooks w WHERE w.tenant_id = told.tenant_id)
         ON CONFLICT (tenant_id) DO UPDATE SET due_at = COALESCE(min(due_at, excluded.due_at), excluded.due_at)",
    )
    .bind(stored_time(now))
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    sqlx::query("UPDATE webhook_feed SET seen = max(seen, COALESCE((SELECT max(n) FROM events), 0))")
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}

/// The tenant that has waited longest, except for some.
pub(super) async fn next(
    connection: &mut SqliteConnection,
    now: DateTime<Utc>,
    except: &[String],
) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar(
        "SELECT tenant_id FROM webhook_turns
         WHERE due_at <= ?1 AND tenant_id NOT IN (SELECT value FROM json_each(?2)) ORDER BY due_at, tenant_id LIMIT 1",
    )
    .bind(stored_time(now))
    .bind(to_json(except)?)
    .fetch_optional(connection)
    .await
    .map_err(failed)
}

/// It has had its turn, and it is the others' before it is its own again.
pub(super) async fn had(connection: &mut SqliteConnection, tenant: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query("UPDATE webhook_turns SET due_at = ?2 WHERE tenant_id = ?1")
        .bind(tenant)
        .bind(stored_time(now))
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}

/// None of its webhooks could be taken. It rests until the next message is due, or it is called; or goes to the end of the queue, if somebody
/// has one of them. Whether it goes on waiting.
pub(super) async fn put_off(
    connection: &mut SqliteConnection,
    tenant: &str,
    now: DateTime<Utc>,
    most_pending: u32,
) -> Result<bool, StoreError> {
    sqlx::query_scalar(concat!(
        "UPDATE webhook_turns SET due_at = CASE
             WHEN EXISTS (SELECT 1 FROM webhooks w WHERE w.tenant_id = ?1 AND w.state = 'enabled' AND (w.lease_until >= ",
        now!(),
        " OR ",
        to_send!(),
        ")) THEN ?2
             ELSE (SELECT min((SELECT min(d.next_attempt_at) FROM webhook_deliveries d
                       WHERE d.tenant_id = w.tenant_id AND d.webhook_id = w.id AND d.state = 'pending'))
                   FROM webhooks w WHERE w.tenant_id = ?1 AND w.state = 'enabled')
             END
         WHERE tenant_id = ?1 RETURNING COALESCE(due_at <= ?2, FALSE)"
    ))
    .bind(tenant)
    .bind(stored_time(now))
    .bind(most_pending)
    .fetch_one(connection)
    .await
    .map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use store::Store;

    use super::*;
    use crate::SqliteStore;

    /// A look where there is nothing to send is a few steps of SQLite's machine, however many webhooks are at rest or have messages that are
    /// due later.
    #[tokio::test]
    async fn a_look_is_no_effort_where_there_is_nothing() {
        const QUIET: u32 = 20_000;
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
        store.migrate().await.unwrap();
        let mut connection = store.writer.acquire().await.unwrap();
        let numbers =
            format!("WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {QUIET})");
        for (table, rows) in [
            ("tenants (id, slug, name)", "'t' || n, 't' || n, 'T'"),
            ("webhooks (tenant_id, id, url, cursor)", "'t' || n, 'w' || n, 'https://hooks.example.test', ''"),
            ("webhook_turns (tenant_id, due_at)", "'t' || n, iif(n % 2, NULL, '2999-01-01T00:00:00.000Z')"),
            ("events (tenant_id, kind, connection_id, data)", "'t' || n, 'run.held', 'c', '{}'"),
        ] {
            let sql = format!("{numbers} INSERT INTO {table} SELECT {rows} FROM numbers");
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await.unwrap();
        }
        sqlx::query("UPDATE webhook_feed SET seen = (SELECT max(n) FROM events)")
            .execute(&mut *connection)
            .await
            .unwrap();

        let steps = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&steps);
        connection.lock_handle().await.unwrap().set_progress_handler(1, move || {
            counted.fetch_add(1, Ordering::Relaxed);
            true
        });
        let now = Utc::now();
        assert!(!is_anybodys(&mut connection, now).await.unwrap());
        call_for_events(&mut connection, now).await.unwrap();
        assert_eq!(next(&mut connection, now, &[]).await.unwrap(), None);
        let steps = steps.load(Ordering::Relaxed);
        assert!((1..500).contains(&steps), "{steps}");
    }
}
