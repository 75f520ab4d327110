//! The first wall is taken away: every `tenant_id = $1` of the store's own statements is made true for every row, and
//! with it every other comparison of two ids. What the server shows and changes then is what the second wall lets pass.
//!
//! The store's sessions find another operator `=` of two UUIDs before the real one. Policies keep the operator that they
//! were made with.

use std::collections::BTreeSet;

use chrono::DateTime;
use directory_core::{EmailKey, ExternalId, Policy};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use store::{
    Actor, Audit, AuditFilter, ChangeFilter, ConnectionEffect, ConnectionUpdate, Connections, Directory, EventFilter,
    Events, ExternalPage, Feed, Lease, NewCredential, Replay, RunEnd, RunStatus, Runs, SealedCredential, SeqPage,
    StagedPage, Tokens, UserFilter, Users, Webhooks,
};
use store_postgres::PostgresStore;

use super::{FIRST, SHARED, Side, progress, two_sides};
use crate::{
    database::TestDatabase,
    fixture::{LEASE, creates},
};

/// A store whose statements forget their conditions, connected in this way.
async fn forgetful(database: &TestDatabase, options: PgConnectOptions) -> PostgresStore {
    for sql in [
        "CREATE SCHEMA forgetful",
        "CREATE FUNCTION forgetful.whatever(uuid, uuid) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'",
        "CREATE OPERATOR forgetful.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = forgetful.whatever)",
    ] {
        database.sql(sql).await;
    }
    let options = options.options([("search_path", "forgetful,pg_catalog,public")]);
    PostgresStore::from_pool(PgPoolOptions::new().max_connections(2).connect_lazy_with(options))
}

/// The reads in which one tenant is shown something of another.
#[expect(clippy::too_many_lines, reason = "one entry for each read")]
async fn leaks(store: &PostgresStore, ours: &Side, theirs: &Side) -> BTreeSet<&'static str> {
    let (tenant, other) = (ours.tenant, theirs.tenant);
    let directory_id = uuid::Uuid::nil().to_string();
    let directory = Directory { provider: "entra", cloud: "global", directory_id: &directory_id, group_id: None };
    let changes = SeqPage { after: 0, limit: 100 };
    let ignored = ExternalPage { after: None, limit: 100 };
    let external = [ExternalId::parse("external-1").unwrap()];
    let (connection, run) = (ours.connection, theirs.run);
    [
        ("tokens", store.tokens(tenant).await.unwrap().iter().any(|token| token.tenant == other)),
        ("connections", store.connections(tenant, FIRST).await.unwrap().iter().any(|found| found.tenant == other)),
        (
            "connection",
            store.connection(tenant, theirs.connection).await.unwrap().is_some_and(|found| found.tenant == other),
        ),
        (
            "sealed_credential",
            store
                .sealed_credential(tenant, theirs.connection)
                .await
                .unwrap()
                .is_some_and(|found| found.tenant == other),
        ),
        ("former_connection", store.former_connection(tenant, directory).await.unwrap() == Some(theirs.former)),
        (
            "ignored_users",
            store
                .ignored_users(tenant, connection, ignored)
                .await
                .unwrap()
                .iter()
                .any(|user| user.external_id == theirs.ignored),
        ),
        ("runs", store.runs(tenant, connection, FIRST).await.unwrap().iter().any(|run| run.tenant == other)),
        ("run", store.run(tenant, run).await.unwrap().is_some_and(|run| run.tenant == other)),
        ("last_runs", store.last_runs(tenant, &[connection]).await.unwrap().iter().any(|run| run.tenant == other)),
        (
            "changes",
            store
                .changes(tenant, run, ChangeFilter::default(), changes)
                .await
                .unwrap()
                .iter()
                .any(|change| change.user == Some(theirs.user)),
        ),
        ("user", store.user(tenant, theirs.user).await.unwrap().is_some_and(|found| found.user.id == theirs.user)),
        (
            "users",
            store
                .users(tenant, &UserFilter::default(), FIRST)
                .await
                .unwrap()
                .iter()
                .any(|found| found.user.id == theirs.user),
        ),
        (
            "users_by_external_id",
            store
                .users_by_external_id(tenant, connection, &external)
                .await
                .unwrap()
                .iter()
                .any(|user| user.id == theirs.user),
        ),
        (
            "users_by_email",
            store
                .users_by_email(tenant, &[EmailKey::of(SHARED)])
                .await
                .unwrap()
                .iter()
                .any(|user| user.id == theirs.user),
        ),
        (
            "active_linked_users",
            store
                .active_linked_users(tenant, connection, None, 10)
                .await
                .unwrap()
                .iter()
                .any(|user| user.id == theirs.user),
        ),
        (
            "audit_entries",
            store
                .audit_entries(tenant, &AuditFilter::default(), FIRST)
                .await
                .unwrap()
                .iter()
                .any(|entry| entry.tenant == other),
        ),
        (
            "events",
            match store.events(tenant, None, &EventFilter::default(), 100).await.unwrap() {
                Feed::Page(page) => page.events.iter().any(|event| event.tenant == other),
                Feed::Gone => false,
            },
        ),
        ("tenant_facts", store.tenant_facts(tenant, connection, &[]).await.unwrap().active_linked > 1),
    ]
    .into_iter()
    .filter_map(|(read, leaked)| leaked.then_some(read))
    .collect()
}

/// The reads of webhooks, likewise.
async fn leaks_of_webhooks(store: &PostgresStore, ours: &Side, theirs: &Side) -> BTreeSet<&'static str> {
    let (tenant, other) = (ours.tenant, theirs.tenant);
    [
        ("webhooks", store.webhooks(tenant, FIRST).await.unwrap().iter().any(|found| found.tenant == other)),
        ("webhook", store.webhook(tenant, theirs.webhook).await.unwrap().is_some_and(|found| found.tenant == other)),
        (
            "webhook_secrets",
            store
                .webhook_secrets(tenant, theirs.webhook, DateTime::UNIX_EPOCH)
                .await
                .unwrap()
                .iter()
                .any(|found| found.tenant == other),
        ),
        (
            "deliveries",
            store
                .deliveries(tenant, ours.webhook, None, FIRST)
                .await
                .unwrap()
                .iter()
                .any(|found| found.webhook == theirs.webhook),
        ),
    ]
    .into_iter()
    .filter_map(|(read, leaked)| leaked.then_some(read))
    .collect()
}

/// Every read. Some show one row only, which may be the tenant's own: hence both ways.
async fn leaks_either_way(store: &PostgresStore, one: &Side, other: &Side) -> BTreeSet<&'static str> {
    let mut leaked = BTreeSet::new();
    for (ours, theirs) in [(one, other), (other, one)] {
        leaked.extend(leaks(store, ours, theirs).await);
        leaked.extend(leaks_of_webhooks(store, ours, theirs).await);
    }
    leaked
}

/// One tenant does everything to what is another's. What the store answers does not matter here.
async fn attack(store: &PostgresStore, ours: &Side, theirs: &Side) {
    let tenant = ours.tenant;
    let seen = store.connection(theirs.tenant, theirs.connection).await.unwrap().map(|found| found.updated_at);
    let seen = seen.unwrap_or_default();
    let update = ConnectionUpdate {
        display_name: "Taken".to_owned(),
        group_id: None,
        default_role: "owner".to_owned(),
        policy: Policy::default_for(false),
        schedule: None,
        paused: true,
    };
    let credential = || NewCredential {
        kind: directory_core::CredentialKind::ClientSecret,
        sealed: vec![6, 6, 6],
        expires_at: None,
    };
    let sealed = SealedCredential {
        tenant,
        connection: theirs.connection,
        kind: directory_core::CredentialKind::ClientSecret,
        sealed: vec![1, 2, 3],
    };
    let lease = Lease { tenant, ..theirs.lease };
    let page = StagedPage { retracted: vec![1], changes: vec![creates(2, "taken@example.org", "Taken")] };
    let end = RunEnd { status: RunStatus::Failed, error: None, connection: ConnectionEffect::Keep };

    let _ = store.revoke_token(Actor::SYSTEM, tenant, theirs.token).await;
    let _ = store.heed_user(Actor::SYSTEM, tenant, theirs.connection, &theirs.ignored).await;
    let _ = store.reseal_credential(Actor::SYSTEM, &sealed, &[6, 6]).await;
    let _ = store.set_credential(Actor::SYSTEM, tenant, theirs.connection, seen, &credential(), true).await;
    let _ = store.update_connection(Actor::SYSTEM, tenant, theirs.connection, seen, &update).await;
    let _ = store.unlink_user(Actor::SYSTEM, tenant, theirs.user).await;
    let _ = store.renew(&lease, LEASE, progress()).await;
    let _ = store.stage(&lease, &page).await;
    let _ = store.apply_batch(&lease, 10).await;
    let _ = store.finish_run(&lease, &end).await;
    let _ = store.cancel_run(Actor::SYSTEM, tenant, theirs.run).await;
    let _ = store.delete_connection(Actor::SYSTEM, tenant, theirs.connection).await;
    let _ = store.replay_webhook(Actor::SYSTEM, tenant, theirs.webhook, Replay::Dead, DateTime::UNIX_EPOCH).await;
    let _ = store.delete_webhook(Actor::SYSTEM, tenant, theirs.webhook).await;
}

const TABLES: [&str; 11] = [
    "api_tokens",
    "connections",
    "events",
    "former_connections",
    "ignored_users",
    "sync_changes",
    "sync_runs",
    "users",
    "webhook_deliveries",
    "webhook_secrets",
    "webhooks",
];

/// Everything that is a tenant's.
async fn belongings(database: &TestDatabase, side: &Side) -> Vec<Option<String>> {
    let mut rows = Vec::new();
    for table in TABLES {
        let sql = format!("SELECT string_agg(t::text, ' ' ORDER BY t::text) FROM {table} t WHERE tenant_id = $1");
        let all = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(side.tenant.0).fetch_one(&database.product).await;
        rows.push(all.unwrap());
    }
    rows
}

/// The tables in which a tenant that is attacked loses something.
async fn losses(database: &TestDatabase, store: &PostgresStore, ours: &Side, theirs: &Side) -> BTreeSet<&'static str> {
    let before = belongings(database, theirs).await;
    attack(store, ours, theirs).await;
    let after = belongings(database, theirs).await;
    (0..TABLES.len()).filter(|&table| before[table] != after[table]).map(|table| TABLES[table]).collect()
}

#[tokio::test]
async fn the_second_wall_holds_without_the_first() {
    let (database, _, acme, globex) = two_sides().await;
    let store = forgetful(&database, database.options()).await;
    assert_eq!(leaks_either_way(&store, &acme, &globex).await, BTreeSet::new());
    assert_eq!(losses(&database, &store, &acme, &globex).await, BTreeSet::new());
}

/// Whoever is bound by no policy sees and loses everything: the first wall is gone indeed.
#[tokio::test]
async fn without_either_wall_there_is_none() {
    let (database, _, acme, globex) = two_sides().await;
    let store = forgetful(&database, database.superuser()).await;
    assert_eq!(leaks_either_way(&store, &acme, &globex).await.len(), 22, "every read");
    assert_eq!(losses(&database, &store, &acme, &globex).await, BTreeSet::from(TABLES));
}
