//! What a batch reads follows the batch, whatever the server's statistics say of the tables.

use std::num::NonZeroU32;

use directory_core::{Action, Amendment, ChangeCode, PlanSummary, TenantId};
use sqlx::{PgPool, postgres::PgPoolOptions};
use store::{
    Actor, ClaimLimits, IdPage, ModeReason, NewChange, NewTenant, PlanNext, Reading, Runs, SendLimits, StagedPage,
    Tenants, Webhooks,
};
use store_postgres::PostgresStore;

use crate::fixture::{Fixture, LEASE, add_connection, creates, queue};

/// Users of a tenant that the statistics know.
const KNOWN: u32 = 3_000;
/// Changes in a plan of a tenant that they do not know.
const CHANGES: u32 = 4_000;
const BATCH: u32 = 1_000;

/// Rows that were ever read of a table, by the one session of this pool and those that are over.
async fn rows_read(pool: &PgPool, table: &str) -> i64 {
    sqlx::query("SELECT pg_stat_force_next_flush()").execute(pool).await.unwrap();
    sqlx::query_scalar(
        "SELECT (seq_tup_read + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid = t.relid))::bigint
         FROM pg_stat_user_tables t WHERE relname = $1",
    )
    .bind(table)
    .fetch_one(pool)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_tenant_that_the_statistics_do_not_know_is_no_more_effort() {
    let fixture = Fixture::new().await;
    let database = &fixture.database;
    database
        .sql(&format!(
            "INSERT INTO users (tenant_id, email, connection_id, external_id)
             SELECT '{}', 'known' || n || '@acme.example', '{}', 'known-' || n FROM generate_series(1, {KNOWN}) AS n",
            fixture.tenant, fixture.connection
        ))
        .await;
    fixture.planned((1..=KNOWN).map(|n| creates(n, &format!("k{n}@acme.example"), "K")).collect()).await;
    database.sql("ANALYZE users").await;
    database.sql("ANALYZE sync_changes").await;

    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(database.options());
    let store = PostgresStore::from_pool(pool.clone());
    let tenant = TenantId(uuid::Uuid::now_v7());
    let new = NewTenant { id: tenant, slug: "globex".to_owned(), name: "Globex".to_owned() };
    store.create_tenant(Actor::SYSTEM, &new).await.unwrap();
    let connection = add_connection(&store, tenant).await;
    let run = queue(&store, tenant, connection).await;
    let lease = store.claim_run(tenant, run, uuid::Uuid::new_v4(), LEASE).await.unwrap().unwrap().lease;
    let before = (rows_read(&pool, "users").await, rows_read(&pool, "sync_changes").await);
    let changes: Vec<NewChange> = (1..=CHANGES).map(|n| creates(n, &format!("{n}@globex.example"), "G")).collect();
    for page in changes.chunks(BATCH as usize) {
        store.stage(&lease, &StagedPage { retracted: Vec::new(), changes: page.to_vec() }).await.unwrap();
    }
    let refused: Vec<Amendment> = (1..=BATCH)
        .map(|seq| Amendment::Refuse {
            seq,
            action: Action::Conflict,
            code: ChangeCode::DuplicateEmail,
            rival: Some(seq + BATCH),
        })
        .collect();
    store.amend(&lease, &refused).await.unwrap();
    store
        .finish_plan(&lease, &PlanSummary::default(), &Reading::full(ModeReason::Requested), &PlanNext::Apply)
        .await
        .unwrap();
    while store.apply_batch(&lease, BATCH).await.unwrap().more {}
    let after = (rows_read(&pool, "users").await, rows_read(&pool, "sync_changes").await);
    // Each key with each row would be millions.
    let few = i64::from(CHANGES) * 30;
    assert!(after.0 - before.0 < few && after.1 - before.1 < few, "{before:?} -> {after:?}");
}

/// The policies do not make the server expect that a tenant has few rows, which it would then read and sort for each page.
#[tokio::test]
async fn a_page_of_a_long_history_is_the_effort_of_a_page() {
    let fixture = Fixture::new().await;
    let database = &fixture.database;
    database
        .sql(&format!(
            "INSERT INTO sync_runs (tenant_id, id, connection_id, status, mode, trigger, finished_at)
             SELECT '{}', gen_random_uuid(), '{}', 'succeeded', 'full', 'manual', now()
             FROM generate_series(1, 20000)",
            fixture.tenant, fixture.connection
        ))
        .await;
    database.sql("ANALYZE sync_runs").await;
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(database.options());
    let store = PostgresStore::from_pool(pool.clone());
    let before = rows_read(&pool, "sync_runs").await;
    let page = IdPage { after: None, limit: 50 };
    assert_eq!(store.runs(fixture.tenant, fixture.connection, page).await.unwrap().len(), 50);
    let after = rows_read(&pool, "sync_runs").await;
    assert!(after - before < 200, "{before} -> {after}");
}

/// What a claim reads follows what is running, not what is queued: in a long queue of many tenants, and behind all the
/// runs of one tenant or one directory that has to wait.
#[tokio::test]
async fn a_claim_in_a_long_queue_is_the_effort_of_a_claim() {
    const QUEUED: u32 = 20_000;
    const CLAIMS: u32 = 40;
    let fixture = Fixture::new().await;
    let database = &fixture.database;
    // Half of the queue is of one tenant, whose directory has a run already; the rest is of a tenant each.
    for sql in [
        format!(
            "INSERT INTO tenants (id, slug, name)
             SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'tenant-' || n, 'T'
             FROM generate_series(1, {QUEUED}) AS n"
        ),
        format!(
            "INSERT INTO connections (tenant_id, id, provider, display_name, directory_id, client_id, cloud, default_role,
                 policy, sealed_credential)
             SELECT CASE WHEN n % 2 = 0 THEN '{}' ELSE ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid END,
                 ('00000000-0000-7000-9000-' || lpad(n::text, 12, '0'))::uuid, provider, 'C',
                 CASE WHEN n % 2 = 0 THEN 'of-the-many-' || n % 100 ELSE 'own-' || n END,
                 client_id, cloud, default_role, policy, '\\x01'
             FROM generate_series(1, {QUEUED}) AS n, connections WHERE id = '{}'",
            fixture.tenant, fixture.connection
        ),
        format!(
            "INSERT INTO sync_runs (tenant_id, id, connection_id, status, mode, trigger, created_at)
             SELECT tenant_id, gen_random_uuid(), id, 'queued', 'full', 'manual',
                 now() - interval '1 day' + (right(id::text, 12)::bigint || ' ms')::interval
             FROM connections WHERE id <> '{}'",
            fixture.connection
        ),
        "ANALYZE sync_runs, connections, tenants".to_owned(),
    ] {
        database.sql(&sql).await;
    }
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(database.options());
    let store = PostgresStore::from_pool(pool.clone());
    let limits = ClaimLimits { per_tenant: NonZeroU32::new(5), per_directory: NonZeroU32::new(1) };
    let effort = async || rows_read(&pool, "sync_runs").await + rows_read(&pool, "connections").await;
    let before = effort().await;
    for _ in 0..CLAIMS {
        store.claim_next(uuid::Uuid::new_v4(), LEASE, limits).await.unwrap().unwrap();
    }
    let after = effort().await;
    assert!(after - before < i64::from(CLAIMS) * 1_000, "{before} -> {after}");
}

/// What a look for something to send reads follows what there is to send, not how many webhooks there are: be they caught up, disabled, or
/// full of messages that are due later.
#[tokio::test]
async fn looking_for_something_to_send_is_no_effort_where_there_is_nothing() {
    const QUIET: u32 = 20_000;
    const LOOKS: i64 = 40;
    let fixture = Fixture::new().await;
    let database = &fixture.database;
    let numbered = |prefix: &str, n: &str| format!("('{prefix}-' || lpad(({n})::text, 12, '0'))::uuid");
    let (tenant, webhook) = (numbered("00000000-0000-7000-8000", "n"), numbered("00000000-0000-7000-9000", "n"));
    for sql in [
        format!(
            "INSERT INTO tenants (id, slug, name) SELECT {tenant}, 'tenant-' || n, 'T' FROM generate_series(1, {QUIET}) AS n"
        ),
        format!(
            "INSERT INTO webhooks (tenant_id, id, url, cursor, caught_up_at, state)
             SELECT {tenant}, {webhook}, 'https://hooks.example.test', 'evt_00000000000000000000000000000000',
                 '00000000-0000-0000-0000-000000000000', CASE WHEN n % 3 = 0 THEN 'disabled' ELSE 'enabled' END
             FROM generate_series(1, {QUIET}) AS n"
        ),
        format!(
            "INSERT INTO webhook_secrets (tenant_id, id, webhook_id, sealed)
             SELECT {tenant}, gen_random_uuid(), {webhook}, '\\x01' FROM generate_series(1, {QUIET}) AS n"
        ),
        format!(
            "INSERT INTO webhook_deliveries (tenant_id, id, webhook_id, event_id, after_event, kind, state, attempts,
                 next_attempt_at, last_code, created_at, failed_at)
             SELECT {tenant}, gen_random_uuid(), {webhook}, 'evt_0', 'evt_0', 'user.created', 'pending', 1,
                 CASE WHEN n % 3 = 0 THEN now() - interval '1 day' ELSE now() + interval '1 day' END, 'connect', now(), now()
             FROM generate_series(1, {QUIET}) AS n WHERE n % 2 = 0"
        ),
        format!(
            "INSERT INTO webhook_turns (tenant_id, due_at)
             SELECT {tenant}, CASE WHEN n % 2 = 0 AND n % 3 <> 0 THEN now() + interval '1 day' END
             FROM generate_series(1, {QUIET}) AS n"
        ),
        // Of tenants without webhooks.
        format!(
            "INSERT INTO events (tenant_id, kind, connection_id, data)
             SELECT '{}', 'run.held', '{}', '{{}}' FROM generate_series(1, {QUIET})",
            fixture.tenant, fixture.connection
        ),
        "UPDATE webhook_feed SET seen = (SELECT max(n) FROM events)".to_owned(),
        "ANALYZE tenants, webhooks, webhook_turns, webhook_deliveries, events".to_owned(),
    ] {
        database.sql(&sql).await;
    }
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(database.options());
    let store = PostgresStore::from_pool(pool.clone());
    let look = async || {
        let limits = SendLimits { pending: 100, per_tenant: 2 };
        store.lease_webhook(uuid::Uuid::new_v4(), LEASE, chrono::Utc::now(), limits).await.unwrap()
    };
    let effort = async || {
        let mut rows = 0;
        for table in ["tenants", "webhooks", "webhook_turns", "webhook_deliveries", "webhook_feed", "events"] {
            rows += rows_read(&pool, table).await;
        }
        rows
    };
    let before = effort().await;
    for _ in 0..LOOKS {
        assert!(look().await.is_none());
    }
    let idle = effort().await;
    assert!(idle - before < LOOKS * 10, "{before} -> {idle}");

    // One tenant's event, and messages of another that are due.
    for sql in [
        format!(
            "INSERT INTO events (tenant_id, kind, connection_id, data) VALUES ({}, 'run.held', '{}', '{{}}')",
            numbered("00000000-0000-7000-8000", "7001"),
            fixture.connection
        ),
        format!(
            "UPDATE webhook_turns SET due_at = now() WHERE tenant_id = {}",
            numbered("00000000-0000-7000-8000", "8002")
        ),
        format!(
            "UPDATE webhook_deliveries SET next_attempt_at = now() WHERE tenant_id = {}",
            numbered("00000000-0000-7000-8000", "8002")
        ),
    ] {
        assert_eq!(database.sql(&sql).await, 1, "{sql}");
    }
    let before = effort().await;
    assert!(look().await.is_some() && look().await.is_some() && look().await.is_none());
    let after = effort().await;
    assert!(after - before < 500, "{before} -> {after}");
}
