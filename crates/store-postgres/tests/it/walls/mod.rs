//! The second wall between tenants: the server keeps their rows apart, whatever a statement forgets.

mod catalogue;
mod forgetful;

use std::time::Duration;

use directory_core::{ConnectionId, ExternalId, PlanSummary, RunId, TenantId, UserId};
use sqlx::postgres::PgPoolOptions;
use store::{
    Actor, ConnectionEffect, Connections, IdPage, Lease, ModeReason, NewTenant, NewToken, PlanNext, Reading, RunEnd,
    RunStatus, Runs, StagedPage, Store, StoreError, TenantWall, Tenants, TokenRole, Tokens, UserFilter, Users,
};
use store::{Attempt, EventId, NewWebhook, NewWebhookSecret, SendLimits, WebhookRound, Webhooks};
use store_postgres::PostgresStore;
use uuid::Uuid;

use crate::{
    database::TestDatabase,
    fixture::{LEASE, add_connection, creates, queue},
};

const FIRST: IdPage = IdPage { after: None, limit: 100 };

/// The address that each tenant has a user of.
const SHARED: &str = "shared@example.org";

/// A tenant that has something in every table.
struct Side {
    tenant: TenantId,
    token: Uuid,
    connection: ConnectionId,
    former: ConnectionId,
    /// A directory user whom the connection ignores. No other tenant ignores one of that name.
    ignored: ExternalId,
    run: RunId,
    /// Of the run, which is still running.
    lease: Lease,
    user: UserId,
    webhook: Uuid,
}

impl Side {
    async fn new(store: &PostgresStore, slug: &str) -> Self {
        let tenant = TenantId(Uuid::now_v7());
        let new = NewTenant { id: tenant, slug: slug.to_owned(), name: slug.to_owned() };
        store.create_tenant(Actor::SYSTEM, &new).await.unwrap();
        let token = Uuid::now_v7();
        let hash = [tenant.0.into_bytes(), token.into_bytes()].concat().try_into().unwrap();
        let name = "console".to_owned();
        let new = NewToken { id: token, tenant, name, role: TokenRole::Admin, hash, expires_at: None };
        store.create_token(Actor::SYSTEM, &new).await.unwrap();
        let former = add_connection(store, tenant).await;
        assert!(store.delete_connection(Actor::SYSTEM, tenant, former).await.unwrap());
        let connection = add_connection(store, tenant).await;
        let ignored = ExternalId::parse(&format!("ignored-by-{slug}")).unwrap();
        assert!(store.ignore_user(Actor::SYSTEM, tenant, connection, &ignored).await.unwrap());
        let run = queue(store, tenant, connection).await;
        let lease = store.claim_run(tenant, run, Uuid::new_v4(), LEASE).await.unwrap().unwrap().lease;
        let changes = vec![creates(1, SHARED, slug)];
        store.stage(&lease, &StagedPage { retracted: Vec::new(), changes }).await.unwrap();
        store
            .finish_plan(&lease, &PlanSummary::default(), &Reading::full(ModeReason::Requested), &PlanNext::Apply)
            .await
            .unwrap();
        store.apply_batch(&lease, 10).await.unwrap();
        let webhook = add_webhook(store, tenant).await;
        let user = store.users(tenant, &UserFilter::default(), FIRST).await.unwrap()[0].user.id;
        throttle(store, tenant).await;
        Self { tenant, token, connection, former, ignored, run, lease, user, webhook }
    }
}

/// The tenant's directory asks to be left alone.
async fn throttle(store: &PostgresStore, tenant: TenantId) {
    let connection = add_connection(store, tenant).await;
    let run = queue(store, tenant, connection).await;
    let lease = store.claim_run(tenant, run, Uuid::new_v4(), LEASE).await.unwrap().unwrap().lease;
    let connection = ConnectionEffect::BackOff { retry_after: Some(LEASE) };
    let end = RunEnd { status: RunStatus::Failed, error: None, connection };
    store.finish_run(&lease, &end).await.unwrap();
}

/// A webhook with a message that did not arrive.
async fn add_webhook(store: &PostgresStore, tenant: TenantId) -> Uuid {
    let secret = NewWebhookSecret { id: Uuid::now_v7(), sealed: vec![1] };
    let (id, url) = (Uuid::now_v7(), "https://hooks.example.test".to_owned());
    let new = NewWebhook { id, tenant, url, description: None, kinds: None, cursor: EventId::START, secret };
    let made = store.create_webhook(Actor::SYSTEM, &new, 9).await.unwrap().unwrap();
    let limits = SendLimits { pending: 9, per_tenant: 9 };
    let leased = store.lease_webhook(Uuid::now_v7(), LEASE, made.created_at, limits).await.unwrap().unwrap();
    let failed = vec![Attempt {
        id: Uuid::now_v7(),
        event: EventId::of(Uuid::now_v7()),
        after: EventId::START,
        kind: "user.created".to_owned(),
        attempts: 1,
        next_attempt_at: None,
        status: None,
        code: "connect".to_owned(),
        at: made.created_at,
    }];
    let round = WebhookRound {
        seen: leased.webhook.updated_at,
        from: EventId::START,
        cursor: EventId::START,
        caught_up: false,
        delivered: Vec::new(),
        failed,
        disable: None,
    };
    assert!(store.note_round(&leased.lease, LEASE, &round).await.unwrap());
    made.id
}

/// Two tenants that have the same, and nothing in common.
async fn two_sides() -> (TestDatabase, PostgresStore, Side, Side) {
    let (database, store) = TestDatabase::migrated().await;
    let acme = Side::new(&store, "acme").await;
    let globex = Side::new(&store, "globex").await;
    (database, store, acme, globex)
}

/// A program of the version before, and the product, name no tenant.
#[tokio::test]
async fn who_names_no_tenant_sees_and_writes_all() {
    let (database, _, acme, globex) = two_sides().await;
    let mut session = database.product.acquire().await.unwrap();
    for round in ["a session that never named one", "one that did"] {
        let addresses: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE lower(email) = $1")
            .bind(SHARED)
            .fetch_one(&mut *session)
            .await
            .unwrap();
        assert_eq!(addresses, 2, "{round}");
        for side in [&acme, &globex] {
            let inserted = sqlx::query("INSERT INTO users (tenant_id, email) VALUES ($1, $2)")
                .bind(side.tenant.0)
                .bind(format!("{round}@example.org"))
                .execute(&mut *session)
                .await
                .unwrap();
            assert_eq!(inserted.rows_affected(), 1, "{round}");
        }
        let updated = sqlx::query("UPDATE users SET role = 'owner'").execute(&mut *session).await.unwrap();
        assert!(updated.rows_affected() >= 4, "{round}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("BEGIN; SET LOCAL directory.tenant = '{}'; COMMIT", acme.tenant)))
            .execute(&mut *session)
            .await
            .unwrap();
    }
}

/// However a tenant's transaction ends, the connection goes back to the pool as nobody's.
#[tokio::test]
async fn a_pooled_connection_is_of_no_tenant() {
    let (database, _, acme, globex) = two_sides().await;
    let pool = PgPoolOptions::new().max_connections(1).connect_with(database.options()).await.unwrap();
    let store = PostgresStore::from_pool(pool.clone());
    let nobody = async |after: &str| {
        let (named, tenants): (Option<String>, i64) = sqlx::query_as(
            "SELECT NULLIF(current_setting('directory.tenant', true), ''), (SELECT count(*) FROM tenants)",
        )
        .fetch_one(&pool)
        .await
        .unwrap();
        assert_eq!((named, tenants), (None, 2), "{after}");
    };
    assert_eq!(store.tokens(acme.tenant).await.unwrap().len(), 1);
    nobody("a read").await;
    assert!(store.revoke_token(Actor::SYSTEM, acme.tenant, acme.token).await.unwrap());
    nobody("a write").await;
    assert!(!store.delete_connection(Actor::SYSTEM, acme.tenant, globex.connection).await.unwrap());
    nobody("a write that is given up").await;
    let lost = store.renew(&Lease { token: Uuid::nil(), ..acme.lease }, LEASE, progress()).await;
    assert!(matches!(lost, Err(StoreError::LeaseLost)), "{lost:?}");
    nobody("a write that fails").await;
    for steps in 1..20 {
        let mut dropped = store.revoke_token(Actor::SYSTEM, acme.tenant, acme.token);
        for _ in 0..steps {
            if tokio::time::timeout(Duration::ZERO, &mut dropped).await.is_ok() {
                break;
            }
        }
    }
    nobody("writes that were dropped").await;
}

fn progress() -> store::Progress {
    store::Progress { phase: store::RunPhase::Applying, seen: 1 }
}

/// What an operator is told.
#[tokio::test]
async fn a_wall_that_does_not_stand_is_known() {
    let (database, store) = TestDatabase::migrated().await;
    assert_eq!(store.tenant_wall().await.unwrap(), TenantWall::Stands);
    database.sql("ALTER TABLE users NO FORCE ROW LEVEL SECURITY").await;
    assert_eq!(store.tenant_wall().await.unwrap(), TenantWall::TablesOpen(vec!["users".to_owned()]));
    let superuser = PostgresStore::from_pool(PgPoolOptions::new().connect_lazy_with(database.superuser()));
    assert_eq!(superuser.tenant_wall().await.unwrap(), TenantWall::RolePasses);
}
