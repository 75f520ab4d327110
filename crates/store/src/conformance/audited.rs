//! Everything that is written to the audit log: one entry for each change that somebody made, and none where nothing was
//! changed.

use chrono::DateTime;
use directory_core::{ChangeCode, ConnectionId, Policy, RunId, TenantId};
use serde_json::{Value, json};

use super::{
    Harness,
    audit::{connection, entries, new_token, same, somebody},
    world::{World, conflicts, creates, digest, external, id, new_connection, new_run, sealed, second},
};
use crate::{
    Approval, AuditAction, Choice, Connection, ConnectionEffect, ConnectionUpdate, CreatedRun, Draft, Ending, Linking,
    NewConnection, NewCredential, NewRun, NewTenant, RunEnd, RunStatus, StoreError, Trigger, UpdatedConnection,
};

/// Looks at what is new in the tenant's log.
struct Reader<'a> {
    world: &'a World,
    read: usize,
}

impl<'a> Reader<'a> {
    async fn new(world: &'a World) -> Self {
        Self { world, read: entries(world, world.tenant).await.len() }
    }

    /// There is exactly one new entry, by [`somebody`] and of this kind; what it says.
    async fn one(&mut self, action: AuditAction, kind: &str, id: impl ToString) -> (Value, Value) {
        let mut all = entries(self.world, self.world.tenant).await;
        assert_eq!(all.len(), self.read + 1, "{action:?}: {all:?}");
        self.read = all.len();
        let newest = all.swap_remove(0);
        assert_eq!((newest.tenant, newest.actor), (self.world.tenant, somebody()), "{action:?}");
        assert_eq!(newest.action, action.as_str());
        assert_eq!((newest.subject.kind.as_str(), newest.subject.id), (kind, id.to_string()));
        (newest.before.unwrap_or_default(), newest.after.unwrap_or_default())
    }

    /// There is nothing new.
    async fn none(&self) {
        let all = entries(self.world, self.world.tenant).await;
        assert_eq!(all.len(), self.read, "{:?}", all.first());
    }
}

/// A tenant's log begins with the tenant; a slug that is in use leaves no trace.
pub async fn a_tenant_is_told_of(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let new = NewTenant { id: TenantId(id()), slug: "globex".to_owned(), name: "Globex".to_owned() };
    world.store.create_tenant(&somebody(), &new).await.unwrap();
    let log = entries(&world, new.id).await;
    assert_eq!(log.len(), 1);
    assert_eq!((log[0].action.as_str(), &log[0].actor), ("tenant.created", &somebody()));
    assert_eq!((log[0].subject.kind.as_str(), &log[0].subject.id), ("tenant", &new.id.to_string()));
    assert_eq!((&log[0].before, &log[0].after), (&None, &Some(json!({"slug": "globex", "name": "Globex"}))));

    let again = NewTenant { id: TenantId(id()), ..new };
    let refused = world.store.create_tenant(&somebody(), &again).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!(entries(&world, again.id).await, []);
}

/// Making and revoking a token; revoking again, or one that is not there, is nothing.
pub async fn tokens_are_told_of(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut log = Reader::new(&world).await;
    let new = new_token(&world);
    world.store.create_token(&somebody(), &new).await.unwrap();
    let (before, after) = log.one(AuditAction::TokenCreated, "token", new.id).await;
    let expected = json!({"name": "ci", "role": "viewer", "expiresAt": "2999-12-31T23:59:59Z"});
    assert_eq!((before, after), (Value::Null, expected));

    assert!(world.store.revoke_token(&somebody(), world.tenant, new.id).await.unwrap());
    let (before, after) = log.one(AuditAction::TokenRevoked, "token", new.id).await;
    assert_eq!(before, json!({"revokedAt": null}));
    DateTime::parse_from_rfc3339(after["revokedAt"].as_str().unwrap()).unwrap();
    assert!(world.store.revoke_token(&somebody(), world.tenant, new.id).await.unwrap());
    assert!(!world.store.revoke_token(&somebody(), world.tenant, id()).await.unwrap());
    log.none().await;
    world.store.note_token_use(world.tenant, new.id).await.unwrap();
    log.none().await;
}

/// Registering, changing and deleting a connection; what fails or changes nothing is not told of.
pub async fn connections_are_told_of(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut log = Reader::new(&world).await;
    let new = NewConnection { schedule: Some("every 15m".to_owned()), ..new_connection(world.tenant) };
    let made = world.store.create_connection(&somebody(), &new).await.unwrap();
    let whole = json!({
        "provider": "entra", "displayName": "Acme Entra", "directoryId": new.directory_id, "clientId": new.client_id,
        "groupId": null, "cloud": "global", "defaultRole": "member", "policy": new.policy, "schedule": "every 15m",
        "state": "active", "credentialKind": "client_secret", "credentialExpiresAt": null,
    });
    let told = log.one(AuditAction::ConnectionCreated, "connection", new.id).await;
    assert_eq!(told, (Value::Null, whole.clone()));
    let refused = world.store.create_connection(&somebody(), &new).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    log.none().await;

    let update = async |seen: &Connection, update: &ConnectionUpdate| {
        world.store.update_connection(&somebody(), world.tenant, made.id, seen.updated_at, update).await.unwrap()
    };
    let policy = Policy { deactivate_missing: false, ..made.policy.clone() };
    let changed = ConnectionUpdate { schedule: None, policy, paused: true, ..same(&made) };
    let UpdatedConnection::Done(paused) = update(&made, &changed).await else { panic!("not changed") };
    let (before, after) = log.one(AuditAction::ConnectionUpdated, "connection", made.id).await;
    let policy = |missing: bool| json!({"deactivateMissing": missing});
    assert_eq!(before, json!({"schedule": "every 15m", "policy": policy(true), "state": "active"}));
    assert_eq!(after, json!({"schedule": null, "policy": policy(false), "state": "paused"}));
    assert_eq!(update(&made, &same(&made)).await, UpdatedConnection::Moved);
    let unchanged = ConnectionUpdate { paused: true, ..same(&paused) };
    assert!(matches!(update(&paused, &unchanged).await, UpdatedConnection::Done(_)));
    log.none().await;

    assert!(world.store.delete_connection(&somebody(), world.tenant, made.id).await.unwrap());
    let (before, after) = log.one(AuditAction::ConnectionDeleted, "connection", made.id).await;
    assert_eq!((&before["clientId"], &before["state"], after), (&whole["clientId"], &json!("paused"), Value::Null));
    assert!(!world.store.delete_connection(&somebody(), world.tenant, made.id).await.unwrap());
    log.none().await;
}

/// Of a credential its kind and its end are told, and that a quarantine ended with it; of another key nothing.
pub async fn credentials_are_told_of(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.start().await.lease;
    let effect = ConnectionEffect::Quarantine("mend it".to_owned());
    let end = RunEnd { status: RunStatus::Failed, error: None, connection: effect };
    world.store.finish_run(&lease, &end).await.unwrap();
    let mut log = Reader::new(&world).await;
    let seen = connection(&world).await.updated_at;
    let new = NewCredential { expires_at: Some(second("2031-02-03T04:05:06Z")), ..sealed(vec![7]) };
    let set = async |seen, works| {
        let set = world.store.set_credential(&somebody(), world.tenant, world.connection, seen, &new, works).await;
        set.unwrap()
    };
    assert!(matches!(set(seen, true).await, UpdatedConnection::Done(_)));
    let (before, after) = log.one(AuditAction::CredentialSet, "connection", world.connection).await;
    let kind = "client_secret";
    assert_eq!(before, json!({"credentialKind": kind, "credentialExpiresAt": null, "state": "quarantined"}));
    let ends = "2031-02-03T04:05:06Z";
    assert_eq!(after, json!({"credentialKind": kind, "credentialExpiresAt": ends, "state": "active"}));
    assert_eq!(set(seen, true).await, UpdatedConnection::Moved);
    log.none().await;
    set(connection(&world).await.updated_at, false).await;
    let (before, after) = log.one(AuditAction::CredentialSet, "connection", world.connection).await;
    let same = json!({"credentialKind": kind, "credentialExpiresAt": ends});
    assert_eq!((before, after), (same.clone(), same), "another one of the same kind and end");

    let read = world.store.sealed_credential(world.tenant, world.connection).await.unwrap().unwrap();
    assert!(world.store.reseal_credential(&somebody(), &read, &[8]).await.unwrap());
    let told = log.one(AuditAction::CredentialResealed, "connection", world.connection).await;
    assert_eq!(told, (Value::Null, Value::Null));
    assert!(!world.store.reseal_credential(&somebody(), &read, &[9]).await.unwrap());
    log.none().await;
}

/// Ignoring a directory user and heeding it, each once.
pub async fn directory_users_are_told_of(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut log = Reader::new(&world).await;
    let (tenant, of, user) = (world.tenant, world.connection, external("e1"));
    assert!(world.store.ignore_user(&somebody(), tenant, of, &user).await.unwrap());
    let told = log.one(AuditAction::UserIgnored, "directory_user", "e1").await;
    assert_eq!(told, (Value::Null, json!({"connectionId": of})));
    assert!(world.store.ignore_user(&somebody(), tenant, of, &user).await.unwrap());
    assert!(!world.store.ignore_user(&somebody(), tenant, ConnectionId(id()), &user).await.unwrap());
    log.none().await;
    assert!(world.store.heed_user(&somebody(), tenant, of, &user).await.unwrap());
    let told = log.one(AuditAction::UserHeeded, "directory_user", "e1").await;
    assert_eq!(told, (json!({"connectionId": of}), Value::Null));
    assert!(!world.store.heed_user(&somebody(), tenant, of, &user).await.unwrap());
    log.none().await;
}

/// Linking a user and unlinking it, each once, by ids alone.
pub async fn links_are_told_of(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("a@acme.example").await;
    world.sync(vec![conflicts(1, "e1", ChangeCode::NoEmail)]).await;
    let mut log = Reader::new(&world).await;
    let by = somebody();
    let link = async |external_id: &str| {
        let directory_user = external(external_id);
        world.store.link_user(&by, world.tenant, user.id, world.connection, &directory_user).await.unwrap()
    };
    assert_eq!(link("e2").await, Linking::UnknownDirectoryUser);
    log.none().await;
    assert!(matches!(link("e1").await, Linking::Linked(_)));
    let nobody = json!({"connectionId": null, "externalId": null});
    let linked = json!({"connectionId": world.connection, "externalId": "e1"});
    assert_eq!(log.one(AuditAction::UserLinked, "user", user.id).await, (nobody.clone(), linked.clone()));
    assert!(matches!(link("e1").await, Linking::Linked(_)));
    log.none().await;

    assert!(world.store.unlink_user(&somebody(), world.tenant, user.id).await.unwrap().is_some());
    assert_eq!(log.one(AuditAction::UserUnlinked, "user", user.id).await, (linked, nobody));
    assert!(world.store.unlink_user(&somebody(), world.tenant, user.id).await.unwrap().is_some());
    log.none().await;
}

/// Asking for a run and stopping it. A run that its schedule starts is nobody's decision.
pub async fn runs_are_told_of(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut log = Reader::new(&world).await;
    let ask = async |run: NewRun| world.store.create_run(&somebody(), &run).await.unwrap();
    let cancel = async |run| world.store.cancel_run(&somebody(), world.tenant, run).await.unwrap();
    let new = new_run(world.tenant, world.connection);
    assert!(matches!(ask(new.clone()).await, CreatedRun::Queued(_)));
    let (before, after) = log.one(AuditAction::RunRequested, "run", new.id).await;
    let expected = json!({"connectionId": world.connection, "mode": "full", "trigger": "manual", "dryRun": false});
    assert_eq!((before, after), (Value::Null, expected));
    assert!(matches!(ask(new_run(world.tenant, world.connection)).await, CreatedRun::AlreadyActive(_)));
    log.none().await;

    assert!(matches!(cancel(new.id).await, Ending::Ended(_)));
    let told = log.one(AuditAction::RunCancelled, "run", new.id).await;
    assert_eq!(told, (json!({"status": "queued"}), json!({"status": "cancelled"})));
    assert!(matches!(cancel(new.id).await, Ending::Ended(_)));
    assert_eq!(cancel(RunId(id())).await, Ending::NoRun);
    log.none().await;

    let scheduled = NewRun { trigger: Trigger::Schedule, ..new_run(world.tenant, world.connection) };
    assert!(matches!(ask(scheduled.clone()).await, CreatedRun::Queued(_)));
    log.none().await;
    assert!(matches!(cancel(scheduled.id).await, Ending::Ended(_)));
    log.one(AuditAction::RunCancelled, "run", scheduled.id).await;
    let policy = Policy::default_for(true);
    let draft = Draft { group_id: Some("g".to_owned()), default_role: "guest".to_owned(), policy: policy.clone() };
    let preview = NewRun { dry_run: true, draft: Some(draft), ..new_run(world.tenant, world.connection) };
    assert!(matches!(ask(preview.clone()).await, CreatedRun::Queued(_)));
    let (_, after) = log.one(AuditAction::RunRequested, "run", preview.id).await;
    assert_eq!(after["preview"], json!({"groupId": "g", "defaultRole": "guest", "policy": policy}));
}

/// Approving exactly one plan, or turning one down, each once.
pub async fn reviews_are_told_of(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let plan = || vec![creates(1, "e1", "a@acme.example"), creates(2, "e2", "b@acme.example")];
    let run = world.held(plan()).await;
    let mut log = Reader::new(&world).await;
    let approve = async |digest: &str| {
        let choice = Choice::Only(vec![2]);
        world.store.approve_run(&somebody(), world.tenant, run, digest, &choice).await.unwrap()
    };
    assert_eq!(approve("another").await, Approval::OtherPlan);
    log.none().await;
    assert!(matches!(approve(&digest()).await, Approval::Approved(_)));
    let (before, after) = log.one(AuditAction::RunApproved, "run", run).await;
    let members =
        |status: &str, planned: u64| json!({"status": status, "planDigest": digest(), "plannedChanges": planned});
    assert_eq!((before, after), (members("held", 2), members("queued", 1)));
    assert!(matches!(approve(&digest()).await, Approval::NotHeld(_)));
    log.none().await;
    world.cancel(run).await;

    let run = world.held(plan()).await;
    let mut log = Reader::new(&world).await;
    let reject = async || world.store.reject_run(&somebody(), world.tenant, run).await.unwrap();
    assert!(matches!(reject().await, Ending::Ended(_)));
    let told = log.one(AuditAction::RunRejected, "run", run).await;
    assert_eq!(told, (json!({"status": "held"}), json!({"status": "rejected"})));
    assert!(matches!(reject().await, Ending::Ended(_)));
    log.none().await;
}
