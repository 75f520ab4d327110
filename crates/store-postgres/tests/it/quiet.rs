//! What reads, and what finds nothing to do, writes nothing. The server's own statistics tell.

use directory_core::{EmailKey, ExternalId, PlanSummary, RunId};
use sqlx::{PgPool, postgres::PgPoolOptions};
use store::{
    ClaimLimits, ConnectionEffect, Connections, IdPage, ModeReason, PlanNext, Progress, Reading, RunEnd, RunPhase,
    RunStatus, Runs, StagedPage, Store, Tenants, Tokens, UserFilter, Users,
};
use store_postgres::PostgresStore;

use crate::fixture::{Fixture, LEASE, creates, queue};

const FIRST: IdPage = IdPage { after: None, limit: 100 };

/// A store whose one connection we can ask to hand its statistics in.
struct Watched {
    pool: PgPool,
    store: PostgresStore,
}

impl Watched {
    fn on(fixture: &Fixture) -> Self {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(fixture.database.options());
        Self { store: PostgresStore::from_pool(pool.clone()), pool }
    }

    /// Rows that were ever written to these tables.
    async fn written(&self, tables: &[&str]) -> i64 {
        sqlx::query("SELECT pg_stat_force_next_flush()").execute(&self.pool).await.unwrap();
        sqlx::query_scalar(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables WHERE relname = ANY ($1)",
        )
        .bind(tables)
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }

    async fn run_ends(&self, fixture: &Fixture, run: RunId, changes: Vec<store::NewChange>) {
        let token = uuid::Uuid::new_v4();
        let claim = self.store.claim_run(fixture.tenant, run, token, LEASE).await.unwrap().unwrap();
        let lease = claim.lease;
        self.store.clear_plan(&lease).await.unwrap();
        self.store.stage(&lease, &StagedPage { retracted: Vec::new(), changes }).await.unwrap();
        let progress = Progress { phase: RunPhase::Planning, seen: 1 };
        self.store.renew(&lease, LEASE, progress).await.unwrap();
        self.store.amend(&lease, &[]).await.unwrap();
        self.store
            .finish_plan(&lease, &PlanSummary::default(), &Reading::full(ModeReason::Requested), &PlanNext::Apply)
            .await
            .unwrap();
        assert!(!self.store.apply_batch(&lease, 100).await.unwrap().more);
        let end = RunEnd { status: RunStatus::Succeeded, error: None, connection: ConnectionEffect::Lift };
        self.store.finish_run(&lease, &end).await.unwrap();
    }
}

#[tokio::test]
async fn a_run_without_changes_writes_no_user_no_change_and_no_connection() {
    const TABLES: [&str; 3] = ["users", "sync_changes", "connections"];
    let fixture = Fixture::new().await;
    let watched = Watched::on(&fixture);
    let before = watched.written(&TABLES).await;
    let run = queue(&fixture.store, fixture.tenant, fixture.connection).await;
    watched.run_ends(&fixture, run, vec![creates(1, "a@acme.example", "A")]).await;
    let after_a_change = watched.written(&TABLES).await;
    assert_eq!(after_a_change, before + 2, "a change and a user: the statistics do see writes");

    let run = queue(&fixture.store, fixture.tenant, fixture.connection).await;
    watched.run_ends(&fixture, run, Vec::new()).await;
    assert_eq!(watched.written(&TABLES).await, after_a_change);
}

#[tokio::test]
async fn reads_write_nothing() {
    const TABLES: [&str; 6] = ["tenants", "api_tokens", "connections", "users", "sync_runs", "sync_changes"];
    let fixture = Fixture::new().await;
    let Fixture { tenant, connection, .. } = fixture;
    let watched = Watched::on(&fixture);
    let lease = fixture.planned(vec![creates(1, "a@acme.example", "A")]).await;
    watched.store.apply_batch(&lease, 10).await.unwrap();
    let before = watched.written(&TABLES).await;

    let store = &watched.store;
    store.check().await.unwrap();
    store.migrate().await.unwrap();
    assert!(store.tenant_by_slug("acme").await.unwrap().is_some());
    assert!(store.usable_token(&[0; 32]).await.unwrap().is_none());
    assert_eq!(store.connections(tenant, FIRST).await.unwrap().len(), 1);
    assert_eq!(store.last_runs(tenant, &[connection]).await.unwrap().len(), 1);
    assert!(store.claim_next(uuid::Uuid::new_v4(), LEASE, ClaimLimits::NONE).await.unwrap().is_none());
    let external = ExternalId::parse("external-1").unwrap();
    assert_eq!(store.users_by_external_id(tenant, connection, &[external]).await.unwrap().len(), 1);
    assert_eq!(store.users_by_email(tenant, &[EmailKey::of("A@acme.example")]).await.unwrap().len(), 1);
    store.linked_profiles(tenant, connection, &mut |user| assert_eq!(user.email, "a@acme.example")).await.unwrap();
    assert_eq!(store.active_linked_users(tenant, connection, None, 10).await.unwrap().len(), 1);
    assert_eq!(store.tenant_facts(tenant, connection, &[]).await.unwrap().active_linked, 1);
    assert_eq!(store.users(tenant, &UserFilter::default(), FIRST).await.unwrap().len(), 1);
    assert_eq!(watched.written(&TABLES).await, before);
}
