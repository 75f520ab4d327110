//! Deleting a connection, and registering its directory again.

use std::slice;

use directory_core::{ConnectionId, DeactivatedBy, ExternalId, Link, LocalUser, TenantId};

use super::{
    Harness,
    leases::no_write_works,
    world::{
        World, add_connection, add_tenant, add_twin, creates, deactivates, external, id, new_connection, new_run,
        sealed,
    },
};
use crate::{
    Actor, CreatedRun, Directory, Ending, ExternalPage, IdPage, NewConnection, Outcome, Run, RunStatus, StoreError,
    UniqueKey, UserFilter,
};

const FIRST: IdPage = IdPage { after: None, limit: 100 };

/// What [`new_connection`] is of.
const ENTRA: Directory<'_> = Directory {
    provider: "entra",
    cloud: "global",
    directory_id: "11111111-2222-3333-4444-555555555555",
    group_id: None,
};

/// A connection of that directory that was deleted then.
async fn former(world: &World, group_id: Option<&str>, at: &str) -> ConnectionId {
    let new = NewConnection { group_id: group_id.map(str::to_owned), ..new_connection(world.tenant) };
    world.store.create_connection(Actor::SYSTEM, &new).await.unwrap();
    assert!(world.store.delete_connection(Actor::SYSTEM, world.tenant, new.id).await.unwrap());
    let sql = format!("UPDATE former_connections SET deleted_at = '{at}' WHERE connection_id = '{}'", new.id);
    assert_eq!(world.sql(&sql).await, 1);
    new.id
}

async fn found(world: &World, directory: Directory<'_>) -> Option<ConnectionId> {
    world.store.former_connection(world.tenant, directory).await.unwrap()
}

async fn register_again(world: &World) {
    let again = NewConnection { id: world.connection, ..new_connection(world.tenant) };
    world.store.create_connection(Actor::SYSTEM, &again).await.unwrap();
}

/// A deleted connection is gone, with its credential; the others are not.
pub async fn a_deleted_connection_is_gone(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_connection(&*world.store, world.tenant).await;
    world.disconnect().await;
    assert_eq!(world.store.connection(world.tenant, world.connection).await.unwrap(), None);
    assert_eq!(world.sealed(world.tenant, world.connection).await, None);
    let left = world.store.connections(world.tenant, FIRST).await.unwrap();
    assert_eq!(left.iter().map(|connection| connection.id).collect::<Vec<_>>(), [other]);
    let created = world.store.create_run(Actor::SYSTEM, &new_run(world.tenant, world.connection)).await.unwrap();
    assert_eq!(created, CreatedRun::NoConnection);
    assert!(
        !world.store.delete_connection(Actor::SYSTEM, world.tenant, world.connection).await.unwrap(),
        "nothing is left to delete"
    );
    assert!(!world.store.delete_connection(Actor::SYSTEM, world.tenant, ConnectionId(id())).await.unwrap());
}

/// Users, history, and whom it ignored outlive a connection.
pub async fn what_a_connection_did_outlives_it(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-a").await;
    let run = world.sync(vec![deactivates(1, &user, DeactivatedBy::DirectoryAbsent)]).await;
    let before = world.user(user.id).await;
    assert!(world.store.ignore_user(Actor::SYSTEM, world.tenant, world.connection, &external("ext-b")).await.unwrap());
    world.disconnect().await;
    assert_eq!(world.user(user.id).await, before);
    assert_eq!(world.run(run.id).await, run);
    assert_eq!(world.store.runs(world.tenant, world.connection, FIRST).await.unwrap(), slice::from_ref(&run));
    assert_eq!(world.outcomes(run.id).await, [(1, Outcome::Applied)]);
    let page = ExternalPage { after: None, limit: 10 };
    assert_eq!(world.store.ignored_users(world.tenant, world.connection, page).await.unwrap().len(), 1);
}

/// A running run ends with its connection: its worker can write nothing more, and half a plan does not stay.
pub async fn a_running_run_ends_with_its_connection(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let lease = world.start().await.lease;
    world.stage(&lease, vec![creates(1, "ext-1", "a@acme.example")]).await;
    world.disconnect().await;
    no_write_works(&*world.store, &lease).await;
    let run = world.run(lease.run).await;
    assert_eq!(run.status, RunStatus::Cancelled);
    assert!(run.finished_at.is_some());
    assert_eq!(world.number("SELECT count(*) FROM sync_changes").await, 0);
    assert!(world.claim(lease.run).await.is_none());
    register_again(&world).await;
    assert!(world.claim(lease.run).await.is_none(), "and stays so");
    world.queue().await;
}

/// A run that is being applied ends where it is: what is done is told, and so is what is not.
pub async fn applying_ends_with_the_connection(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let changes = (1..=3).map(|n| creates(n, &format!("ext-{n}"), &format!("user{n}@acme.example"))).collect();
    let lease = world.planned(changes).await;
    assert!(world.store.apply_batch(&lease, 1).await.unwrap().more);
    world.disconnect().await;
    no_write_works(&*world.store, &lease).await;
    let run = world.run(lease.run).await;
    assert_eq!((run.status, run.counts.created, run.applied_changes), (RunStatus::Cancelled, 1, 1));
    let outcomes = [(1, Outcome::Applied), (2, Outcome::Planned), (3, Outcome::Planned)];
    assert_eq!(world.outcomes(lease.run).await, outcomes);
    assert_eq!(world.user_count().await, 1);
}

/// Queued and held runs end with their connection too; those that had ended, and other connections', stay as they are.
pub async fn waiting_runs_end_with_their_connection(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let ended = world.sync(vec![]).await;
    let held = world.held(vec![creates(1, "ext-1", "a@acme.example")]).await;
    let dry = crate::NewRun { dry_run: true, ..new_run(world.tenant, world.connection) };
    world.store.create_run(Actor::SYSTEM, &dry).await.unwrap();
    let other = add_connection(&*world.store, world.tenant).await;
    let elsewhere = super::world::queue(&*world.store, world.tenant, other).await;
    let before = world.run(elsewhere).await;
    world.disconnect().await;
    for run in [held, dry.id] {
        let run: Run = world.run(run).await;
        assert_eq!(run.status, RunStatus::Cancelled);
        assert!(run.finished_at.is_some());
    }
    assert_eq!(world.outcomes(held).await, [(1, Outcome::Planned)], "a complete plan stays to be read");
    assert_eq!(world.run(ended.id).await, ended);
    assert_eq!(world.run(elsewhere).await, before);
    assert!(
        matches!(world.store.cancel_run(Actor::SYSTEM, world.tenant, held).await.unwrap(), Ending::Ended(_)),
        "cancelled already"
    );
}

/// Registered again under its id, a directory governs its users as before, and is no former one any more.
pub async fn a_registered_directory_governs_its_users_again(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-a").await;
    world.disconnect().await;
    assert_eq!(found(&world, ENTRA).await, Some(world.connection));
    register_again(&world).await;
    assert_eq!(found(&world, ENTRA).await, None);
    let governed: [ExternalId; 1] = [external("ext-a")];
    let users = world.store.users_by_external_id(world.tenant, world.connection, &governed).await.unwrap();
    assert_eq!(users, slice::from_ref(&user), "as they were");
    let filter = UserFilter { connection: Some(world.connection), ..UserFilter::default() };
    assert_eq!(world.store.users(world.tenant, &filter, FIRST).await.unwrap().len(), 1);
    let run = world.sync(vec![deactivates(1, &user, DeactivatedBy::DirectoryAbsent)]).await;
    assert_eq!((run.counts.deactivated, run.exceptions), (1, 0));
    let link = Link { connection: world.connection, external_id: external("ext-a") };
    assert_eq!(world.user(user.id).await.user.link, Some(link));

    world.disconnect().await;
    assert_eq!(found(&world, ENTRA).await, Some(world.connection), "as often as it is deleted");
}

/// Of several former connections one that has users comes first: the others' ids would govern nobody.
pub async fn who_has_users_comes_first(harness: &dyn Harness) {
    let world = World::new(harness).await;
    world.linked_user("a@acme.example", "ext-1").await;
    world.disconnect().await;
    former(&world, None, "2999-01-01T00:00:00.000Z").await;
    assert_eq!(found(&world, ENTRA).await, Some(world.connection));
    assert_eq!(found(&world, Directory { group_id: Some("group"), ..ENTRA }).await, Some(world.connection));
}

/// Registered a second time before it is deleted, a scope's users are handed over; but not to another scope, nor one whom
/// the second connection has already.
pub async fn a_second_registration_inherits_the_users(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let (first, both) =
        (world.linked_user("a@acme.example", "ext-1").await, world.linked_user("b@acme.example", "ext-2").await);
    let group_id = Some("group".to_owned());
    let elsewhere = NewConnection { group_id, ..new_connection(world.tenant) };
    world.store.create_connection(Actor::SYSTEM, &elsewhere).await.unwrap();
    let second = add_connection(&*world.store, world.tenant).await;
    let theirs = world.local_user("c@acme.example").await;
    world.update_user(theirs.id, &format!("connection_id = '{second}', external_id = 'ext-2'")).await;
    world.disconnect().await;
    let link = async |user: &LocalUser| world.user(user.id).await.user.link.unwrap().connection;
    assert_eq!((link(&first).await, link(&theirs).await), (second, second));
    assert_eq!(link(&both).await, world.connection, "one directory user is one user");
    assert_ne!(world.user(first.id).await.user.version, first.version, "a plan made before is stale");
}

/// A connection that takes up the users of another group says so until a run of it has been applied.
pub async fn another_groups_users_are_a_new_scope(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let scope = async || world.store.connection(world.tenant, world.connection).await.unwrap().unwrap().new_scope;
    world.disconnect().await;
    register_again(&world).await;
    assert!(!scope().await, "the same scope");
    world.disconnect().await;
    let group_id = Some("group".to_owned());
    let again = NewConnection { id: world.connection, group_id, ..new_connection(world.tenant) };
    assert!(world.store.create_connection(Actor::SYSTEM, &again).await.unwrap().new_scope);
    let lease = world.start().await.lease;
    world.finish(&lease, RunStatus::Failed).await;
    assert!(scope().await, "nothing was applied");
    world.sync(vec![]).await;
    assert!(!scope().await);
    let fresh = NewConnection { group_id: Some("third".to_owned()), ..new_connection(world.tenant) };
    assert!(!world.store.create_connection(Actor::SYSTEM, &fresh).await.unwrap().new_scope, "nobody's users");
}

/// An id that is in use is not given twice, and whoever has it is left alone.
pub async fn an_id_in_use_is_a_conflict(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let before = world.store.connection(world.tenant, world.connection).await.unwrap();
    let again = NewConnection {
        id: world.connection,
        display_name: "Twice".to_owned(),
        credential: sealed(vec![9]),
        ..new_connection(world.tenant)
    };
    let refused = world.store.create_connection(Actor::SYSTEM, &again).await;
    assert!(matches!(refused, Err(StoreError::Conflict(UniqueKey::ConnectionId))), "{refused:?}");
    assert_eq!(world.store.connection(world.tenant, world.connection).await.unwrap(), before);
    let credential = world.sealed(world.tenant, world.connection).await;
    assert_eq!(credential, Some(vec![0, 1, 2, 254, 255]));
}

/// Of several former connections of a directory the one with the same group comes first, whenever it was deleted.
pub async fn the_same_group_comes_first(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let with_group = former(&world, Some("group"), "2001-01-01T00:00:00.000Z").await;
    let without = former(&world, None, "2002-02-02T00:00:00.000Z").await;
    former(&world, Some("other"), "2003-03-03T00:00:00.000Z").await;
    assert_eq!(found(&world, Directory { group_id: Some("group"), ..ENTRA }).await, Some(with_group));
    assert_eq!(found(&world, ENTRA).await, Some(without), "no group is the same as no group");
}

/// Without one of the same group it is the one that was deleted last; of several at once, the greatest id.
pub async fn the_last_deleted_comes_next(harness: &dyn Harness) {
    let world = World::new(harness).await;
    former(&world, Some("a"), "2001-01-01T00:00:00.000Z").await;
    let last = former(&world, Some("b"), "2003-03-03T00:00:00.000Z").await;
    former(&world, None, "2002-02-02T00:00:00.000Z").await;
    assert_eq!(found(&world, Directory { group_id: Some("c"), ..ENTRA }).await, Some(last));
    let newer = former(&world, Some("d"), "2003-03-03T00:00:00.000Z").await;
    assert_eq!(found(&world, Directory { group_id: Some("c"), ..ENTRA }).await, Some(newer));
    let again = NewConnection { id: newer, ..new_connection(world.tenant) };
    world.store.create_connection(Actor::SYSTEM, &again).await.unwrap();
    assert_eq!(found(&world, Directory { group_id: Some("c"), ..ENTRA }).await, Some(last), "that one is in use");
}

/// Another directory, cloud or kind of directory is not the same one, and a connection in use is no former one.
pub async fn another_directory_is_no_former_one(harness: &dyn Harness) {
    let world = World::new(harness).await;
    assert_eq!(found(&world, ENTRA).await, None);
    world.disconnect().await;
    let others = [
        Directory { provider: "okta", ..ENTRA },
        Directory { cloud: "china", ..ENTRA },
        Directory { directory_id: "99999999-2222-3333-4444-555555555555", ..ENTRA },
    ];
    for other in others {
        assert_eq!(found(&world, other).await, None, "{other:?}");
    }
    assert_eq!(found(&world, ENTRA).await, Some(world.connection));
}

/// A tenant deletes its own connections, and takes up its own, even where another's have the same ids.
pub async fn deletions_are_the_tenants_own(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let claim = world.start().await;
    world.stage(&claim.lease, vec![creates(1, "ext-1", "a@acme.example")]).await;
    let former_of = async |tenant: TenantId| world.store.former_connection(tenant, ENTRA).await.unwrap();
    let stranger = add_tenant(&*world.store, "stranger").await;
    assert!(!world.store.delete_connection(Actor::SYSTEM, stranger, world.connection).await.unwrap());
    assert_eq!(former_of(stranger).await, None);

    let twin = add_twin(&world, claim.run.id).await;
    assert!(world.store.delete_connection(Actor::SYSTEM, twin, world.connection).await.unwrap());
    assert_eq!(world.store.run(twin, claim.run.id).await.unwrap().unwrap().status, RunStatus::Cancelled);
    assert_eq!(world.run(claim.run.id).await, claim.run);
    assert_eq!(world.changes(claim.run.id).await.len(), 1);
    let ours = world.store.connection(world.tenant, world.connection).await.unwrap();
    assert_eq!(ours, Some(claim.connection));
    assert_eq!((former_of(world.tenant).await, former_of(twin).await), (None, Some(world.connection)));

    world.disconnect().await;
    register_again(&world).await;
    assert_eq!((former_of(world.tenant).await, former_of(twin).await), (None, Some(world.connection)));
}
