//! Settling a conflict by hand: linking a user, unlinking one, and leaving a directory user alone.

use directory_core::{
    ChangeCode, ConnectionId, DeactivatedBy, ExternalId, Link, LocalUser, PlanSummary, Policy, RunId, TenantId, UserId,
    UserStatus,
};

use super::{
    Harness,
    world::{
        World, add_connection, add_tenant, add_twin, conflicts, creates, deactivates, digest, external, full, id,
        links, new_run, renames,
    },
};
use crate::{Actor, Draft, ExternalPage, Linking, NewRun, Outcome, PlanNext, UserRecord};

async fn link(world: &World, user: UserId, external_id: &str) -> Linking {
    world.store.link_user(Actor::SYSTEM, world.tenant, user, world.connection, &external(external_id)).await.unwrap()
}

async fn linked(world: &World, user: UserId, external_id: &str) -> UserRecord {
    match link(world, user, external_id).await {
        Linking::Linked(record) => *record,
        other => panic!("not linked: {other:?}"),
    }
}

/// A run meets these directory users as conflicts.
async fn meet(world: &World, external_ids: &[&str]) {
    let met =
        external_ids.iter().zip(1..).map(|(external_id, seq)| conflicts(seq, external_id, ChangeCode::EmailTaken));
    world.sync(met.collect()).await;
}

/// Linked: the connection governs the user from now on. Nothing else of the row changes but what tells that it was
/// written.
pub async fn a_user_is_linked_by_hand(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("a@acme.example").await;
    let bystander = world.local_user("b@acme.example").await;
    meet(&world, &["Ext-É'1"]).await;
    let before = world.user(user.id).await;
    let record = linked(&world, user.id, "Ext-É'1").await;
    assert_eq!(record, world.user(user.id).await);
    let link = Link { connection: world.connection, external_id: external("Ext-É'1") };
    let expected = LocalUser { version: user.version + 1, link: Some(link), ..user };
    assert_eq!(record.user, expected);
    assert_eq!(record.created_at, before.created_at);
    assert!(record.updated_at >= before.updated_at);
    let found = world.store.users_by_external_id(world.tenant, world.connection, &[external("Ext-É'1")]).await;
    assert_eq!(found.unwrap(), [expected]);
    assert_eq!(world.user(bystander.id).await.user, bystander);
}

/// Linking twice is as good as once: nothing is written the second time.
pub async fn linking_twice_writes_nothing(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("a@acme.example").await;
    meet(&world, &["ext-1"]).await;
    let first = linked(&world, user.id, "ext-1").await;
    assert_eq!(linked(&world, user.id, "ext-1").await, first);
    assert_eq!(world.user(user.id).await, first);
    let old = world.linked_user("old@acme.example", "ext-old").await;
    assert_eq!(linked(&world, old.id, "ext-old").await.user, old, "though no run met it as a conflict");
}

/// A link by hand is a write like any other: what was planned before goes stale.
pub async fn a_plan_from_before_a_link_is_stale(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("a@acme.example").await;
    meet(&world, &["ext-1"]).await;
    let planned = links(1, &user, "ext-2");
    let record = linked(&world, user.id, "ext-1").await;
    let run = world.sync(vec![planned]).await;
    assert_eq!(world.outcomes(run.id).await, [(1, Outcome::Stale)]);
    assert_eq!(world.user(user.id).await, record);

    let planned = renames(1, &record.user, "Renamed");
    world.store.unlink_user(Actor::SYSTEM, world.tenant, user.id).await.unwrap();
    let run = world.sync(vec![planned]).await;
    assert_eq!(world.outcomes(run.id).await, [(1, Outcome::Stale)], "and so is one from before an unlink");
}

/// A link needs a user and a connection of the tenant's.
pub async fn a_link_needs_its_two_ends(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("a@acme.example").await;
    meet(&world, &["ext-1"]).await;
    assert_eq!(link(&world, UserId(id()), "ext-1").await, Linking::NoUser);
    let nowhere = ConnectionId(id());
    let answer =
        world.store.link_user(Actor::SYSTEM, world.tenant, user.id, nowhere, &external("ext-1")).await.unwrap();
    assert_eq!(answer, Linking::NoConnection);
    world.disconnect().await;
    assert_eq!(link(&world, user.id, "ext-1").await, Linking::NoConnection, "a deleted one is none");
    assert_eq!(world.user(user.id).await.user, user);
}

/// A user who is linked to anything else keeps that link.
pub async fn a_linked_user_keeps_its_link(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let second = add_connection(&*world.store, world.tenant).await;
    let ours = world.linked_user("a@acme.example", "ext-a").await;
    let theirs = world.local_user("b@acme.example").await;
    world.update_user(theirs.id, &format!("connection_id = '{second}', external_id = 'ext-1'")).await;
    meet(&world, &["ext-1"]).await;
    for user in [ours.id, theirs.id] {
        let before = world.user(user).await;
        assert_eq!(link(&world, user, "ext-1").await, Linking::UserIsLinked);
        assert_eq!(world.user(user).await, before);
    }
}

/// A directory user has one user at most, and it is told which.
pub async fn a_directory_user_is_linked_once(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let holder = world.linked_user("holder@acme.example", "ext-1").await;
    let user = world.local_user("a@acme.example").await;
    meet(&world, &["ext-1"]).await;
    assert_eq!(link(&world, user.id, "ext-1").await, Linking::LinkedTo(holder.id));
    assert_eq!(world.user(user.id).await.user, user);

    let second = add_connection(&*world.store, world.tenant).await;
    let elsewhere =
        world.store.link_user(Actor::SYSTEM, world.tenant, user.id, second, &external("ext-1")).await.unwrap();
    assert_eq!(elsewhere, Linking::UnknownDirectoryUser, "each connection has its own directory users");
}

/// Only a directory user whom a run of this connection met as a conflict can be linked: anything else may be a typing
/// mistake.
pub async fn only_a_conflict_is_settled(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("a@acme.example").await;
    let second = add_connection(&*world.store, world.tenant).await;
    let elsewhere = super::world::queue(&*world.store, world.tenant, second).await;
    let lease = world.claim(elsewhere).await.unwrap().lease;
    world.stage(&lease, vec![conflicts(1, "ext-elsewhere", ChangeCode::EmailTaken)]).await;
    world.clear_for_applying(&lease, 0).await;
    let lease = world.planned(vec![creates(1, "ext-create", "create@acme.example")]).await;
    world.finish(&lease, crate::RunStatus::Cancelled).await;
    meet(&world, &["ext-1", "Ext-2"]).await;
    for unknown in ["ext-typo", "EXT-1", "ext-2", "ext-elsewhere", "ext-create"] {
        assert_eq!(link(&world, user.id, unknown).await, Linking::UnknownDirectoryUser, "{unknown}");
    }
    assert_eq!(world.user(user.id).await.user, user);
    linked(&world, user.id, "ext-1").await;
}

/// A conflict of an older plan settles nothing: the directory user may have left since. A preview is no newer plan.
pub async fn only_the_newest_plan_tells_who_is_there(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("a@acme.example").await;
    meet(&world, &["ext-1", "ext-2"]).await;
    meet(&world, &["ext-2"]).await;
    assert_eq!(link(&world, user.id, "ext-1").await, Linking::UnknownDirectoryUser);
    let policy = Policy::default_for(false);
    let draft = Some(Draft { group_id: None, default_role: "member".to_owned(), policy });
    let preview = NewRun { dry_run: true, draft, ..new_run(world.tenant, world.connection) };
    world.store.create_run(Actor::SYSTEM, &preview).await.unwrap();
    let lease = world.claim(preview.id).await.unwrap().lease;
    let next = PlanNext::Planned { digest: digest(), reasons: vec![] };
    world.store.finish_plan(&lease, &PlanSummary::default(), &full(), &next).await.unwrap();
    linked(&world, user.id, "ext-2").await;
}

/// Unlinked: the user is local again, and as it was otherwise. Whoever is local already is not written.
pub async fn a_user_is_unlinked(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    let bystander = world.linked_user("b@acme.example", "ext-2").await;
    let record = world.store.unlink_user(Actor::SYSTEM, world.tenant, user.id).await.unwrap().unwrap();
    assert_eq!(record, world.user(user.id).await);
    assert_eq!(record.user, LocalUser { version: user.version + 1, link: None, ..user });
    assert_eq!(
        world.store.unlink_user(Actor::SYSTEM, world.tenant, record.user.id).await.unwrap(),
        Some(record.clone())
    );
    assert_eq!(world.user(record.user.id).await, record);
    assert_eq!(world.user(bystander.id).await.user, bystander);
    assert_eq!(world.store.unlink_user(Actor::SYSTEM, world.tenant, UserId(id())).await.unwrap(), None);
}

/// Who deactivated a user, when and in which run is known after linking and unlinking too.
pub async fn linking_keeps_the_provenance(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    let run = world.sync(vec![deactivates(1, &user, DeactivatedBy::DirectoryAbsent)]).await;
    meet(&world, &["ext-2"]).await;
    let gone = world.user(user.id).await;
    let local = world.store.unlink_user(Actor::SYSTEM, world.tenant, user.id).await.unwrap().unwrap();
    let again = linked(&world, user.id, "ext-2").await;
    for record in [local, again] {
        assert_eq!(record.user.status, UserStatus::Inactive);
        assert_eq!(record.user.deactivated_by, Some(DeactivatedBy::DirectoryAbsent));
        assert_eq!((record.deactivated_run, record.deactivated_at), (Some(run.id), gone.deactivated_at));
    }
}

/// Another tenant's user; its link as SQL.
async fn add_user(world: &World, tenant: TenantId, email: &str, link: &str) -> UserId {
    let user = UserId(id());
    let sql = format!(
        "INSERT INTO users (tenant_id, id, email, connection_id, external_id) \
         VALUES ('{tenant}', '{user}', '{email}', {link})"
    );
    world.sql(&sql).await;
    user
}

/// No link is made across tenants, even where the ids are the same.
pub async fn linking_is_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("a@acme.example").await;
    let linked_user = world.linked_user("b@acme.example", "ext-b").await;
    meet(&world, &["ext-1"]).await;
    let stranger = add_tenant(&*world.store, "stranger").await;
    let ext = external("ext-1");
    let refused = world.store.link_user(Actor::SYSTEM, stranger, user.id, world.connection, &ext).await.unwrap();
    assert_eq!(refused, Linking::NoUser);
    assert_eq!(world.store.unlink_user(Actor::SYSTEM, stranger, linked_user.id).await.unwrap(), None);
    assert_eq!(world.user(linked_user.id).await.user, linked_user);

    let theirs = add_user(&world, stranger, "a@acme.example", "NULL, NULL").await;
    let refused = world.store.link_user(Actor::SYSTEM, stranger, theirs, world.connection, &ext).await.unwrap();
    assert_eq!(refused, Linking::NoConnection);
    let twin = add_twin(&world, RunId(id())).await;
    let theirs = add_user(&world, twin, "a@acme.example", "NULL, NULL").await;
    let refused = world.store.link_user(Actor::SYSTEM, twin, theirs, world.connection, &ext).await.unwrap();
    assert_eq!(refused, Linking::UnknownDirectoryUser, "the conflict is another tenant's");
    add_user(&world, twin, "b@acme.example", &format!("'{}', 'ext-1'", world.connection)).await;
    linked(&world, user.id, "ext-1").await;
}

async fn ignored(world: &World, after: Option<&str>, limit: u32) -> Vec<ExternalId> {
    let page = ExternalPage { after: after.map(external), limit };
    let users = world.store.ignored_users(world.tenant, world.connection, page).await.unwrap();
    users.into_iter().map(|user| user.external_id).collect()
}

async fn ignore(world: &World, external_id: &str) -> bool {
    world.store.ignore_user(Actor::SYSTEM, world.tenant, world.connection, &external(external_id)).await.unwrap()
}

/// Ignored until heeded again; either is as good once as twice.
pub async fn a_directory_user_is_ignored(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let page = ExternalPage { after: None, limit: 10 };
    assert!(ignore(&world, "ext-1").await);
    let first = world.store.ignored_users(world.tenant, world.connection, page.clone()).await.unwrap();
    world.sql("UPDATE ignored_users SET created_at = '2001-01-01T00:00:00.000Z'").await;
    assert!(ignore(&world, "ext-1").await);
    let second = world.store.ignored_users(world.tenant, world.connection, page).await.unwrap();
    assert_eq!((first.len(), second.len()), (1, 1));
    assert!(first[0].created_at > second[0].created_at, "since when it was first said");
    assert_eq!(second[0].external_id, external("ext-1"));

    let heed = async |external_id: &str| {
        world.store.heed_user(Actor::SYSTEM, world.tenant, world.connection, &external(external_id)).await.unwrap()
    };
    assert!(!heed("EXT-1").await);
    assert!(heed("ext-1").await);
    assert!(!heed("ext-1").await);
    assert_eq!(ignored(&world, None, 10).await, []);
}

/// Pages of ignored users go by the bytes of their ids, as sync walks them.
pub async fn ignored_users_are_paged_by_bytes(harness: &dyn Harness) {
    let world = World::new(harness).await;
    for external_id in ["b", "É", "a", "B", "\u{1f600}", "a'-", "é"] {
        assert!(ignore(&world, external_id).await);
    }
    let expected = ["B", "a", "a'-", "b", "É", "é", "\u{1f600}"].map(external);
    let mut listed: Vec<ExternalId> = Vec::new();
    loop {
        let page = ignored(&world, listed.last().map(ExternalId::as_str), 2).await;
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert_eq!(listed, expected);
}

/// A connection ignores for itself: not for another one, nor for another tenant's with the same id.
pub async fn ignoring_is_the_connections_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let ext = external("ext-1");
    let page = ExternalPage { after: None, limit: 10 };
    let second = add_connection(&*world.store, world.tenant).await;
    let stranger = add_tenant(&*world.store, "stranger").await;
    assert!(ignore(&world, "ext-1").await);
    for (tenant, connection) in [(stranger, world.connection), (world.tenant, ConnectionId(id()))] {
        assert!(!world.store.ignore_user(Actor::SYSTEM, tenant, connection, &ext).await.unwrap(), "no such connection");
    }
    let twin = add_twin(&world, RunId(id())).await;
    for (tenant, connection) in [(stranger, world.connection), (twin, world.connection), (world.tenant, second)] {
        assert_eq!(world.store.ignored_users(tenant, connection, page.clone()).await.unwrap(), []);
        assert!(!world.store.heed_user(Actor::SYSTEM, tenant, connection, &ext).await.unwrap());
    }
    assert!(world.store.ignore_user(Actor::SYSTEM, twin, world.connection, &ext).await.unwrap());
    assert!(world.store.heed_user(Actor::SYSTEM, twin, world.connection, &ext).await.unwrap());
    assert_eq!(ignored(&world, None, 10).await, [ext]);
}
