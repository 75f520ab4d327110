//! What most behaviours start from: a database with one tenant and one connection, and short ways to act on them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use directory_core::{
    Action, Change, ChangeCode, ConnectionId, CredentialKind, ExternalId, HoldReason, Link, LocalUser, PlanSummary,
    Policy, RunId, Target, TenantId, UserId, UserStatus, Values,
};
use uuid::{Builder, Uuid};

use super::{Database, Harness};
use crate::{
    Actor, ChangeFilter, ChangeRecord, Claim, ConnectionEffect, CreatedRun, Ending, HeldPlan, Lease, ModeReason,
    NewChange, NewConnection, NewCredential, NewRun, NewTenant, Outcome, PlanNext, Reading, Run, RunEnd, RunMode,
    RunStatus, SeqPage, StagedPage, Store, Trigger, UserRecord,
};

/// Long enough for any test.
pub(super) const LEASE: Duration = Duration::from_mins(10);

/// Whatever comes.
pub(super) const ALL: SeqPage = SeqPage { after: 0, limit: 10_000 };

/// A new id, greater than every one before it in this process, as version 7 is over time.
pub(super) fn id() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1_700_000_000_000);
    Builder::from_unix_timestamp_millis(NEXT.fetch_add(1, Ordering::Relaxed), &[7; 10]).into_uuid()
}

pub(super) fn external(text: &str) -> ExternalId {
    ExternalId::parse(text).expect("an external id")
}

/// A whole second: every store keeps it exactly.
pub(super) fn second(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// A text as an SQL literal.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(super) struct World {
    pub(super) database: Box<dyn Database>,
    pub(super) store: Arc<dyn Store>,
    pub(super) tenant: TenantId,
    pub(super) connection: ConnectionId,
}

impl World {
    pub(super) async fn new(harness: &dyn Harness) -> Self {
        let database = harness.database().await;
        let store = database.open().await;
        store.migrate().await.expect("migrating an empty database");
        let tenant = add_tenant(&*store, "acme").await;
        let connection = add_connection(&*store, tenant).await;
        Self { database, store, tenant, connection }
    }

    pub(super) async fn sql(&self, sql: &str) -> u64 {
        self.database.execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub(super) async fn number(&self, sql: &str) -> i64 {
        self.database.number(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The product inserts an active user of its own.
    pub(super) async fn local_user(&self, email: &str) -> LocalUser {
        let user = id();
        self.sql(&format!(
            "INSERT INTO users (tenant_id, id, email, display_name) VALUES ('{}', '{user}', {}, 'Local')",
            self.tenant,
            quote(email)
        ))
        .await;
        self.user(UserId(user)).await.user
    }

    /// A user who is linked to the connection already.
    pub(super) async fn linked_user(&self, email: &str, external_id: &str) -> LocalUser {
        let user = self.local_user(email).await;
        let connection = self.connection;
        self.update_user(user.id, &format!("connection_id = '{connection}', external_id = {}", quote(external_id)))
            .await;
        self.user(user.id).await.user
    }

    /// The product updates one of its users with plain SQL.
    pub(super) async fn update_user(&self, user: UserId, set: &str) {
        let sql = format!("UPDATE users SET {set} WHERE tenant_id = '{}' AND id = '{user}'", self.tenant);
        assert_eq!(self.sql(&sql).await, 1);
    }

    pub(super) async fn user(&self, user: UserId) -> UserRecord {
        self.store.user(self.tenant, user).await.unwrap().expect("the user")
    }

    pub(super) async fn email_of(&self, user: &LocalUser) -> String {
        self.user(user.id).await.user.email
    }

    pub(super) async fn user_count(&self) -> i64 {
        self.number("SELECT count(*) FROM users").await
    }

    /// The bytes of a connection's credential.
    pub(super) async fn sealed(&self, tenant: TenantId, connection: ConnectionId) -> Option<Vec<u8>> {
        let credential = self.store.sealed_credential(tenant, connection).await.unwrap()?;
        assert_eq!((credential.tenant, credential.connection), (tenant, connection));
        Some(credential.sealed)
    }

    /// Queues a run.
    pub(super) async fn queue(&self) -> RunId {
        queue(&*self.store, self.tenant, self.connection).await
    }

    /// Queues a run and takes it.
    pub(super) async fn start(&self) -> Claim {
        let run = self.queue().await;
        self.claim(run).await.expect("a queued run")
    }

    pub(super) async fn claim(&self, run: RunId) -> Option<Claim> {
        self.store.claim_run(self.tenant, run, id(), LEASE).await.unwrap()
    }

    /// Lets the lease pass, as time does.
    pub(super) async fn expire(&self, run: RunId) {
        let sql = format!("UPDATE sync_runs SET lease_until = '2001-01-01T00:00:00.000Z' WHERE id = '{run}'");
        assert_eq!(self.sql(&sql).await, 1);
    }

    pub(super) async fn stage(&self, lease: &Lease, changes: Vec<NewChange>) {
        self.store.stage(lease, &StagedPage { retracted: vec![], changes }).await.unwrap();
    }

    /// A run whose plan of these changes is complete and cleared for applying.
    pub(super) async fn planned(&self, changes: Vec<NewChange>) -> Lease {
        let lease = self.start().await.lease;
        let applicable = changes.iter().filter(|change| change.change.action.is_applicable()).count() as u64;
        self.stage(&lease, changes).await;
        self.clear_for_applying(&lease, applicable).await;
        lease
    }

    /// A run whose plan of these changes waits for a person.
    pub(super) async fn held(&self, changes: Vec<NewChange>) -> RunId {
        let lease = self.start().await.lease;
        self.stage(&lease, changes).await;
        self.hold(&lease).await;
        lease.run
    }

    /// Holds a run, whose plan is what is staged.
    pub(super) async fn hold(&self, lease: &Lease) {
        let changes = self.changes(lease.run).await;
        let mut summary = PlanSummary::default();
        for change in changes {
            let counts = &mut summary.counts;
            match change.action {
                Action::Create => counts.created += 1,
                Action::Link => counts.linked += 1,
                Action::Update => counts.updated += 1,
                Action::Deactivate => counts.deactivated += 1,
                Action::Reactivate => counts.reactivated += 1,
                Action::Conflict => counts.conflicts += 1,
                Action::Protected => counts.protected += 1,
            }
            summary.applicable += u64::from(change.action.is_applicable());
        }
        let reasons = vec![HoldReason::AllDeactivated { deactivations: 3 }];
        let next = PlanNext::Hold(HeldPlan { digest: digest(), reasons });
        self.store.finish_plan(lease, &summary, &full(), &next).await.unwrap();
        assert_eq!(self.run(lease.run).await.status, RunStatus::Held);
    }

    pub(super) async fn clear_for_applying(&self, lease: &Lease, applicable: u64) {
        let summary = PlanSummary { applicable, ..PlanSummary::default() };
        self.store.finish_plan(lease, &summary, &full(), &PlanNext::Apply).await.unwrap();
    }

    /// Applies batch by batch; the number of batches it took.
    pub(super) async fn apply_all(&self, lease: &Lease, limit: u32) -> u32 {
        for batches in 1..10_000 {
            if !self.store.apply_batch(lease, limit).await.unwrap().more {
                return batches;
            }
        }
        panic!("applying does not come to an end");
    }

    /// Plans and applies these changes and ends the run.
    pub(super) async fn sync(&self, changes: Vec<NewChange>) -> Run {
        let lease = self.planned(changes).await;
        self.apply_all(&lease, 1_000).await;
        self.finish(&lease, RunStatus::Succeeded).await
    }

    pub(super) async fn finish(&self, lease: &Lease, status: RunStatus) -> Run {
        let end = RunEnd { status, error: None, connection: ConnectionEffect::Keep };
        self.store.finish_run(lease, &end).await.unwrap()
    }

    /// Cancels a run that can be.
    pub(super) async fn cancel(&self, run: RunId) -> Run {
        match self.store.cancel_run(Actor::SYSTEM, self.tenant, run).await.unwrap() {
            Ending::Ended(run) => *run,
            other => panic!("not cancelled: {other:?}"),
        }
    }

    /// Deletes the connection.
    pub(super) async fn disconnect(&self) {
        assert!(self.store.delete_connection(Actor::SYSTEM, self.tenant, self.connection).await.unwrap());
    }

    pub(super) async fn run(&self, run: RunId) -> Run {
        self.store.run(self.tenant, run).await.unwrap().expect("the run")
    }

    pub(super) async fn changes(&self, run: RunId) -> Vec<ChangeRecord> {
        self.store.changes(self.tenant, run, ChangeFilter::default(), ALL).await.unwrap()
    }

    /// Position and outcome of each change.
    pub(super) async fn outcomes(&self, run: RunId) -> Vec<(u32, Outcome)> {
        self.changes(run).await.into_iter().map(|change| (change.seq, change.outcome)).collect()
    }
}

/// A directory that was read as a whole.
pub(super) fn full() -> Reading {
    Reading::full(ModeReason::Requested)
}

/// The digest of every held plan here.
pub(super) fn digest() -> String {
    "d".repeat(64)
}

/// Another tenant, with a connection and a queued run of the very same ids.
pub(super) async fn add_twin(world: &World, run: RunId) -> TenantId {
    let other = add_tenant(&*world.store, "twin").await;
    let connection = NewConnection { id: world.connection, ..new_connection(other) };
    world.store.create_connection(Actor::SYSTEM, &connection).await.unwrap();
    let queued =
        world.store.create_run(Actor::SYSTEM, &NewRun { id: run, ..new_run(other, world.connection) }).await.unwrap();
    assert!(matches!(queued, CreatedRun::Queued(_)), "{queued:?}");
    other
}

pub(super) async fn add_tenant(store: &dyn Store, slug: &str) -> TenantId {
    let tenant = NewTenant { id: TenantId(id()), slug: slug.to_owned(), name: format!("{slug} Ltd") };
    store.create_tenant(Actor::SYSTEM, &tenant).await.unwrap().id
}

pub(super) async fn add_connection(store: &dyn Store, tenant: TenantId) -> ConnectionId {
    store.create_connection(Actor::SYSTEM, &new_connection(tenant)).await.unwrap().id
}

pub(super) fn new_connection(tenant: TenantId) -> NewConnection {
    NewConnection {
        id: ConnectionId(id()),
        tenant,
        provider: "entra".to_owned(),
        display_name: "Acme Entra".to_owned(),
        directory_id: "11111111-2222-3333-4444-555555555555".to_owned(),
        client_id: "66666666-7777-8888-9999-aaaaaaaaaaaa".to_owned(),
        group_id: None,
        cloud: "global".to_owned(),
        default_role: "member".to_owned(),
        policy: Policy::default_for(false),
        schedule: None,
        credential: sealed(vec![0, 1, 2, 254, 255]),
    }
}

/// A client secret that is sealed as these bytes.
pub(super) fn sealed(sealed: Vec<u8>) -> NewCredential {
    NewCredential { kind: CredentialKind::ClientSecret, sealed, expires_at: None }
}

pub(super) fn new_run(tenant: TenantId, connection: ConnectionId) -> NewRun {
    NewRun {
        id: RunId(id()),
        tenant,
        connection,
        mode: RunMode::Full,
        trigger: Trigger::Manual,
        dry_run: false,
        draft: None,
    }
}

pub(super) async fn queue(store: &dyn Store, tenant: TenantId, connection: ConnectionId) -> RunId {
    match store.create_run(Actor::SYSTEM, &new_run(tenant, connection)).await.unwrap() {
        CreatedRun::Queued(run) => run.id,
        other => panic!("not queued: {other:?}"),
    }
}

/// A change of nobody in particular; the functions below fill it in.
fn change(seq: u32, action: Action) -> Change {
    Change {
        seq,
        action,
        target: None,
        external_id: None,
        email: None,
        before: Values::default(),
        after: Values::default(),
        code: None,
        rival: None,
        deactivates: false,
    }
}

/// Creates an active member.
pub(super) fn creates(seq: u32, external_id: &str, email: &str) -> NewChange {
    let after = Values {
        email: Some(email.to_owned()),
        display_name: Some(format!("Name of {external_id}")),
        given_name: Some(Some("Given".to_owned())),
        family_name: Some(None),
        role: Some("member".to_owned()),
        status: Some(UserStatus::Active),
        deactivated_by: Some(None),
        external_id: Some(Some(external_id.to_owned())),
    };
    let change = Change {
        external_id: Some(external(external_id)),
        email: Some(email.to_owned()),
        after,
        ..change(seq, Action::Create)
    };
    NewChange { change, new_user: Some(UserId(id())) }
}

/// Changes an existing user as far as `after` says.
pub(super) fn changes_user(seq: u32, action: Action, user: &LocalUser, after: Values) -> NewChange {
    let linked = user.link.as_ref().map(|link: &Link| link.external_id.clone());
    let external_id = linked.or_else(|| after.external_id.clone().flatten().as_deref().map(external));
    let before = Values {
        email: after.email.as_ref().map(|_| user.email.clone()),
        display_name: after.display_name.as_ref().map(|_| user.display_name.clone()),
        given_name: after.given_name.as_ref().map(|_| user.given_name.clone()),
        family_name: after.family_name.as_ref().map(|_| user.family_name.clone()),
        role: after.role.as_ref().map(|_| user.role.clone()),
        status: after.status.map(|_| user.status),
        deactivated_by: after.deactivated_by.map(|_| user.deactivated_by),
        external_id: after.external_id.as_ref().map(|_| None),
    };
    let deactivates = user.status == UserStatus::Active && after.status == Some(UserStatus::Inactive);
    let change = Change {
        target: Some(Target { user: user.id, version: user.version }),
        external_id,
        email: Some(user.email.clone()),
        before,
        after,
        deactivates,
        ..change(seq, action)
    };
    NewChange { change, new_user: None }
}

/// Gives a user another address.
pub(super) fn moves(seq: u32, user: &LocalUser, email: &str) -> NewChange {
    changes_user(seq, Action::Update, user, Values { email: Some(email.to_owned()), ..Values::default() })
}

/// Gives a user another name.
pub(super) fn renames(seq: u32, user: &LocalUser, name: &str) -> NewChange {
    changes_user(seq, Action::Update, user, Values { display_name: Some(name.to_owned()), ..Values::default() })
}

/// Ends a user's access.
pub(super) fn deactivates(seq: u32, user: &LocalUser, by: directory_core::DeactivatedBy) -> NewChange {
    let after = Values { status: Some(UserStatus::Inactive), deactivated_by: Some(Some(by)), ..Values::default() };
    changes_user(seq, Action::Deactivate, user, after)
}

/// Is refused.
pub(super) fn conflicts(seq: u32, external_id: &str, code: ChangeCode) -> NewChange {
    let new = creates(seq, external_id, &format!("{external_id}@acme.example"));
    NewChange { change: Change { action: Action::Conflict, code: Some(code), ..new.change }, new_user: None }
}

/// Ties a local user to a directory user.
pub(super) fn links(seq: u32, user: &LocalUser, external_id: &str) -> NewChange {
    let after = Values { external_id: Some(Some(external_id.to_owned())), ..Values::default() };
    changes_user(seq, Action::Link, user, after)
}
