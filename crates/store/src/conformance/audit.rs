//! The audit log: it and the changes that it tells of are one, it stays as it is, and nothing secret is in it.

use directory_core::{ChangeCode, TenantId};
use uuid::Uuid;

use super::{
    Harness,
    world::{World, add_tenant, conflicts, creates, digest, external, id, new_connection, new_run, sealed, second},
};
use crate::{
    Actor, ActorKind, AuditAction, AuditEntry, AuditFilter, Choice, Connection, ConnectionUpdate, IdPage,
    NewConnection, NewRun, NewTenant, NewToken, RunStatus, TokenRole, UpdatedConnection,
};

const ALL: IdPage = IdPage { after: None, limit: 1_000 };

/// The hash of every token here; 0xab is 171.
const HASH: [u8; 32] = [0xab; 32];

pub(super) fn somebody() -> Actor {
    let person = Actor::person("p-7".to_owned(), Some("Zoë \u{1f511}".to_owned()));
    Actor { request: Some("r-9".to_owned()), ..person }
}

pub(super) async fn entries(world: &World, tenant: TenantId) -> Vec<AuditEntry> {
    world.store.audit_entries(tenant, &AuditFilter::default(), ALL).await.unwrap()
}

pub(super) fn new_token(world: &World) -> NewToken {
    let (name, role) = ("ci".to_owned(), TokenRole::Viewer);
    let expires_at = Some(second("2999-12-31T23:59:59Z"));
    NewToken { id: id(), tenant: world.tenant, name, role, hash: HASH, expires_at }
}

pub(super) async fn connection(world: &World) -> Connection {
    world.store.connection(world.tenant, world.connection).await.unwrap().unwrap()
}

/// Everything as it is.
pub(super) fn same(connection: &Connection) -> ConnectionUpdate {
    ConnectionUpdate {
        display_name: connection.display_name.clone(),
        group_id: connection.group_id.clone(),
        default_role: connection.default_role.clone(),
        policy: connection.policy.clone(),
        schedule: connection.schedule.clone(),
        paused: false,
    }
}

/// Where the entry cannot be written, nothing is changed.
pub async fn what_cannot_be_told_is_not_done(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (tenant, of, by) = (world.tenant, world.connection, somebody());
    let user = world.local_user("a@acme.example").await;
    let linked = world.linked_user("b@acme.example", "e2").await;
    let token = new_token(&world);
    world.store.create_token(&by, &token).await.unwrap();
    world.store.ignore_user(&by, tenant, of, &external("e3")).await.unwrap();
    let plan = vec![conflicts(1, "e1", ChangeCode::NoEmail), creates(2, "e4", "c@acme.example")];
    let held = world.held(plan).await;
    let dry = NewRun { dry_run: true, ..new_run(tenant, of) };
    world.store.create_run(&by, &dry).await.unwrap();
    let before = connection(&world).await;
    let other = add_tenant(&*world.store, "other").await;
    let there = world.store.create_connection(&by, &new_connection(other)).await.unwrap();
    let read = world.store.sealed_credential(tenant, of).await.unwrap().unwrap();
    let table = "SELECT count(*) FROM tenants";
    let tenants = world.number(table).await;

    world.sql("ALTER TABLE audit_entries RENAME TO audit_elsewhere").await;
    let store = &world.store;
    let update = ConnectionUpdate { display_name: "Other".to_owned(), ..same(&before) };
    let another = NewToken { id: id(), hash: [1; 32], ..token.clone() };
    let new_tenant = NewTenant { id: TenantId(id()), slug: "globex".to_owned(), name: "Globex".to_owned() };
    let seen = before.updated_at;
    let failed = [
        store.create_tenant(&by, &new_tenant).await.is_err(),
        store.create_token(&by, &another).await.is_err(),
        store.revoke_token(&by, tenant, token.id).await.is_err(),
        store.create_connection(&by, &new_connection(tenant)).await.is_err(),
        store.update_connection(&by, tenant, of, seen, &update).await.is_err(),
        store.delete_connection(&by, tenant, of).await.is_err(),
        store.set_credential(&by, tenant, of, seen, &sealed(vec![9]), true).await.is_err(),
        store.reseal_credential(&by, &read, &[9]).await.is_err(),
        store.ignore_user(&by, tenant, of, &external("e9")).await.is_err(),
        store.heed_user(&by, tenant, of, &external("e3")).await.is_err(),
        store.link_user(&by, tenant, user.id, of, &external("e1")).await.is_err(),
        store.unlink_user(&by, tenant, linked.id).await.is_err(),
        store.create_run(&by, &new_run(other, there.id)).await.is_err(),
        store.reject_run(&by, tenant, held).await.is_err(),
        store.cancel_run(&by, tenant, dry.id).await.is_err(),
    ];
    assert_eq!(failed, [true; 15]);
    world.sql("ALTER TABLE audit_elsewhere RENAME TO audit_entries").await;

    assert_eq!(world.number(table).await, tenants);
    let tokens = store.tokens(tenant).await.unwrap();
    assert_eq!((tokens.len(), tokens[0].revoked_at), (1, None));
    assert_eq!(connection(&world).await, before);
    assert_eq!(world.number("SELECT count(*) FROM connections").await, 2);
    assert_eq!(world.sealed(tenant, of).await, Some(read.sealed));
    assert_eq!(world.number("SELECT count(*) FROM ignored_users WHERE external_id = 'e3'").await, 1);
    assert_eq!(world.number("SELECT count(*) FROM ignored_users").await, 1);
    assert_eq!((world.user(user.id).await.user, world.user(linked.id).await.user), (user, linked));
    assert_eq!(world.run(held).await.status, RunStatus::Held);
    assert_eq!(world.run(dry.id).await.status, RunStatus::Queued);
    assert_eq!(store.last_runs(other, &[there.id]).await.unwrap(), []);

    // Approving comes last: it needs the other run gone.
    world.cancel(dry.id).await;
    world.sql("ALTER TABLE audit_entries RENAME TO audit_elsewhere").await;
    assert!(store.approve_run(&by, tenant, held, &digest(), &Choice::All).await.is_err());
    world.sql("ALTER TABLE audit_elsewhere RENAME TO audit_entries").await;
    assert_eq!(world.run(held).await.status, RunStatus::Held);
}

/// A connection that only a newer program can read, say, can be deleted: what it was is not told then, that it was is.
pub async fn what_cannot_be_read_can_be_deleted(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (tenant, of, by) = (world.tenant, world.connection, somebody());
    assert_eq!(world.sql("UPDATE connections SET policy = '{\"emailAttribute\":\"pigeon\"}'").await, 1);
    assert!(world.store.connection(tenant, of).await.is_err());
    assert!(world.store.delete_connection(&by, tenant, of).await.unwrap());
    assert_eq!(world.store.connection(tenant, of).await.unwrap(), None);
    let newest = entries(&world, tenant).await.remove(0);
    assert_eq!((newest.action.as_str(), newest.subject.id), (AuditAction::ConnectionDeleted.as_str(), of.to_string()));
    assert_eq!((newest.before, newest.actor), (None, by));
}

/// Nobody changes an entry, whoever it is; old ones can be deleted by hand.
pub async fn an_entry_stays_as_it_is(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let before = entries(&world, world.tenant).await;
    assert!(!before.is_empty());
    for change in ["actor_name = 'nobody'", "action = action", "before = NULL"] {
        let refused = world.database.execute(&format!("UPDATE audit_entries SET {change}")).await;
        assert!(refused.is_err(), "{change}");
    }
    assert_eq!(entries(&world, world.tenant).await, before);
    assert_eq!(world.sql("DELETE FROM audit_entries").await, before.len() as u64);
    assert_eq!(entries(&world, world.tenant).await, []);
}

/// Neither a credential, in whatever spelling, nor a token's hash, nor a person's address or name is in the log.
pub async fn nothing_secret_is_told(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let secret = b"MARKER-of-a-sealed-credential";
    let (tenant, by) = (world.tenant, somebody());
    let new = NewConnection { credential: sealed(secret.to_vec()), ..new_connection(tenant) };
    let made = world.store.create_connection(&by, &new).await.unwrap();
    let set = world.store.set_credential(&by, tenant, made.id, made.updated_at, &sealed(secret.to_vec()), true).await;
    assert!(matches!(set.unwrap(), UpdatedConnection::Done(_)));
    let read = world.store.sealed_credential(tenant, made.id).await.unwrap().unwrap();
    assert!(world.store.reseal_credential(&by, &read, &[&secret[..], &secret[..]].concat()).await.unwrap());
    assert!(world.store.delete_connection(&by, tenant, made.id).await.unwrap());
    let token = new_token(&world);
    world.store.create_token(&by, &token).await.unwrap();
    assert!(world.store.revoke_token(&by, tenant, token.id).await.unwrap());
    let user = world.linked_user("zoe.doe@acme.example", "e1").await;
    world.update_user(user.id, "display_name = 'Zoe Doe'").await;
    assert!(world.store.unlink_user(&by, tenant, user.id).await.unwrap().is_some());

    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let numbers = |bytes: &[u8]| bytes.iter().map(u8::to_string).collect::<Vec<_>>();
    let row = "lower(coalesce(CAST(before AS text), '') || coalesce(CAST(after AS text), '') || subject_id)";
    let found = async |text: &str| {
        world.number(&format!("SELECT count(*) FROM audit_entries WHERE {row} LIKE '%{text}%'")).await
    };
    assert!(found("client_secret").await >= 3, "there is something to search");
    let mut secrets = vec!["marker".to_owned(), "zoe".to_owned(), "doe".to_owned(), "acme.example".to_owned()];
    for bytes in [&secret[..6], &HASH[..6]] {
        secrets.extend([hex(bytes), numbers(bytes).join(","), numbers(bytes).join(", ")]);
    }
    for secret in secrets {
        assert_eq!(found(&secret).await, 0, "{secret}");
    }
}

/// Newest first, a page at a time, each entry once.
pub async fn entries_are_paged_newest_first(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for number in 0..5 {
        let user = external(&format!("e{number}"));
        world.store.ignore_user(&somebody(), world.tenant, world.connection, &user).await.unwrap();
    }
    let mut read: Vec<AuditEntry> = Vec::new();
    loop {
        let page = IdPage { after: read.last().map(|last| last.id), limit: 2 };
        let page = world.store.audit_entries(world.tenant, &AuditFilter::default(), page).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        read.extend(page);
    }
    let subjects: Vec<&str> = read.iter().map(|entry| entry.subject.id.as_str()).collect();
    let (connection, tenant) = (world.connection.to_string(), world.tenant.to_string());
    assert_eq!(subjects, ["e4", "e3", "e2", "e1", "e0", &connection, &tenant]);
    assert_eq!(read.last().unwrap().actor.kind, ActorKind::System);
}

/// By action, by subject, by actor, and by all of them.
pub async fn entries_are_filtered(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (tenant, of) = (world.tenant, world.connection);
    for user in ["e1", "e2"] {
        world.store.ignore_user(&somebody(), tenant, of, &external(user)).await.unwrap();
        world.store.heed_user(Actor::SYSTEM, tenant, of, &external(user)).await.unwrap();
    }
    let listed = async |filter: AuditFilter| -> Vec<(String, String)> {
        let found = world.store.audit_entries(tenant, &filter, ALL).await.unwrap();
        found.into_iter().map(|entry| (entry.action, entry.subject.id)).collect()
    };
    let line = |action: &str, subject: &str| (action.to_owned(), subject.to_owned());
    let heeded = AuditFilter { action: Some(AuditAction::UserHeeded), ..AuditFilter::default() };
    assert_eq!(listed(heeded.clone()).await, [line("user.heeded", "e2"), line("user.heeded", "e1")]);
    let of_one = AuditFilter { subject: Some("e1".to_owned()), ..AuditFilter::default() };
    assert_eq!(listed(of_one.clone()).await, [line("user.heeded", "e1"), line("user.ignored", "e1")]);
    let by_one = AuditFilter { actor: Some("p-7".to_owned()), ..AuditFilter::default() };
    assert_eq!(listed(by_one.clone()).await, [line("user.ignored", "e2"), line("user.ignored", "e1")]);
    let both = AuditFilter { subject: of_one.subject.clone(), ..heeded.clone() };
    assert_eq!(listed(both).await, [line("user.heeded", "e1")]);
    assert_eq!(listed(AuditFilter { actor: by_one.actor, ..heeded }).await, []);
    assert_eq!(listed(AuditFilter { subject: Some(Uuid::nil().to_string()), ..of_one }).await, []);
}

/// A tenant's log is its own, of things with the same ids too.
pub async fn entries_are_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    let twin = NewConnection { id: world.connection, ..new_connection(other) };
    world.store.create_connection(&somebody(), &twin).await.unwrap();
    let before = entries(&world, world.tenant).await;
    assert!(world.store.delete_connection(&somebody(), other, world.connection).await.unwrap());
    assert_eq!(entries(&world, world.tenant).await, before);
    let theirs: Vec<String> = entries(&world, other).await.into_iter().map(|entry| entry.action).collect();
    assert_eq!(theirs, ["connection.deleted", "connection.created", "tenant.created"]);
    assert_eq!(entries(&world, TenantId(id())).await, []);
}
