//! A tenant with one connection, users, and plans for them.

use std::time::Duration;

use directory_core::{
    Action, Change, ConnectionId, CredentialKind, ExternalId, PlanSummary, Policy, RunId, Target, TenantId, UserId,
    UserStatus, Values,
};
use store::{
    Actor, ChangeFilter, Claim, Connections, CreatedRun, HeldPlan, Lease, ModeReason, NewChange, NewConnection,
    NewCredential, NewRun, NewTenant, Outcome, PlanNext, Reading, RunMode, Runs, SeqPage, StagedPage, Tenants, Trigger,
    UserRecord, Users,
};
use store_postgres::PostgresStore;
use uuid::Uuid;

use crate::database::TestDatabase;

pub(crate) const LEASE: Duration = Duration::from_mins(10);

pub(crate) struct Fixture {
    pub(crate) database: TestDatabase,
    pub(crate) store: PostgresStore,
    pub(crate) tenant: TenantId,
    pub(crate) connection: ConnectionId,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let (database, store) = TestDatabase::migrated().await;
        let tenant = add_tenant(&store, "acme").await;
        let connection = add_connection(&store, tenant).await;
        Self { database, store, tenant, connection }
    }

    /// The product makes a user of its own.
    pub(crate) async fn local_user(&self, email: &str) -> UserRecord {
        let id = Uuid::now_v7();
        let tenant = self.tenant;
        self.database
            .sql(&format!("INSERT INTO users (tenant_id, id, email) VALUES ('{tenant}', '{id}', '{email}')"))
            .await;
        self.store.user(tenant, UserId(id)).await.unwrap().unwrap()
    }

    /// A run whose plan of these changes is cleared for applying.
    pub(crate) async fn planned(&self, changes: Vec<NewChange>) -> Lease {
        self.plan(changes, &PlanNext::Apply).await
    }

    /// A run whose plan of these changes waits for a person. Its digest is all `d`.
    pub(crate) async fn held(&self, changes: Vec<NewChange>) -> RunId {
        let held = HeldPlan { digest: "d".repeat(64), reasons: Vec::new() };
        self.plan(changes, &PlanNext::Hold(held)).await.run
    }

    async fn plan(&self, changes: Vec<NewChange>, next: &PlanNext) -> Lease {
        let run = queue(&self.store, self.tenant, self.connection).await;
        let claim = self.claim(run).await;
        let applicable = changes.len() as u64;
        self.store.stage(&claim.lease, &StagedPage { retracted: Vec::new(), changes }).await.unwrap();
        let plan = PlanSummary { applicable, ..PlanSummary::default() };
        self.store.finish_plan(&claim.lease, &plan, &Reading::full(ModeReason::Requested), next).await.unwrap();
        claim.lease
    }

    pub(crate) async fn claim(&self, run: RunId) -> Claim {
        self.store.claim_run(self.tenant, run, Uuid::new_v4(), LEASE).await.unwrap().unwrap()
    }

    pub(crate) async fn outcomes(&self, lease: &Lease) -> Vec<Outcome> {
        let page = SeqPage { after: 0, limit: 1_000 };
        let changes = self.store.changes(self.tenant, lease.run, ChangeFilter::default(), page).await.unwrap();
        changes.into_iter().map(|change| change.outcome).collect()
    }
}

pub(crate) async fn add_tenant(store: &PostgresStore, slug: &str) -> TenantId {
    let tenant = TenantId(Uuid::now_v7());
    let new = NewTenant { id: tenant, slug: slug.to_owned(), name: slug.to_owned() };
    store.create_tenant(Actor::SYSTEM, &new).await.unwrap();
    tenant
}

pub(crate) async fn add_connection(store: &PostgresStore, tenant: TenantId) -> ConnectionId {
    let new = NewConnection {
        id: ConnectionId(Uuid::now_v7()),
        tenant,
        provider: "entra".to_owned(),
        display_name: "Acme Entra".to_owned(),
        directory_id: Uuid::nil().to_string(),
        client_id: Uuid::nil().to_string(),
        group_id: None,
        cloud: "global".to_owned(),
        default_role: "member".to_owned(),
        policy: Policy::default_for(false),
        schedule: None,
        credential: NewCredential { kind: CredentialKind::ClientSecret, sealed: vec![1, 2, 3], expires_at: None },
    };
    store.create_connection(Actor::SYSTEM, &new).await.unwrap().id
}

pub(crate) async fn queue(store: &PostgresStore, tenant: TenantId, connection: ConnectionId) -> RunId {
    let id = RunId(Uuid::now_v7());
    let new =
        NewRun { id, tenant, connection, mode: RunMode::Full, trigger: Trigger::Manual, dry_run: false, draft: None };
    let created = store.create_run(Actor::SYSTEM, &new).await.unwrap();
    assert!(matches!(created, CreatedRun::Queued(_)), "{created:?}");
    id
}

pub(crate) fn creates(seq: u32, email: &str, name: &str) -> NewChange {
    let external_id = format!("external-{seq}");
    let after = Values {
        email: Some(email.to_owned()),
        display_name: Some(name.to_owned()),
        given_name: Some(None),
        family_name: Some(None),
        role: Some("member".to_owned()),
        status: Some(UserStatus::Active),
        deactivated_by: Some(None),
        external_id: Some(Some(external_id.clone())),
    };
    let change = Change {
        seq,
        action: Action::Create,
        target: None,
        external_id: ExternalId::parse(&external_id),
        email: Some(email.to_owned()),
        before: Values::default(),
        after,
        code: None,
        rival: None,
        deactivates: false,
    };
    NewChange { change, new_user: Some(UserId(Uuid::now_v7())) }
}

pub(crate) fn renames(seq: u32, user: &UserRecord, name: &str) -> NewChange {
    let user = &user.user;
    let change = Change {
        seq,
        action: Action::Update,
        target: Some(Target { user: user.id, version: user.version }),
        external_id: None,
        email: Some(user.email.clone()),
        before: Values { display_name: Some(user.display_name.clone()), ..Values::default() },
        after: Values { display_name: Some(name.to_owned()), ..Values::default() },
        code: None,
        rival: None,
        deactivates: false,
    };
    NewChange { change, new_user: None }
}
