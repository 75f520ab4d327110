//! The users table under writers other than the sync: the product's own services, with plain SQL.

use directory_core::{DeactivatedBy, UserId, UserStatus};

use super::{
    Harness,
    world::{World, add_tenant, creates, deactivates, id, second},
};
use crate::Outcome;

/// Any update moves the version, so that no plan overwrites what it has not seen.
pub async fn an_update_moves_the_version(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.local_user("a@acme.example").await;
    world.update_user(user.id, "version = version + 1, updated_at = '2001-01-01T00:00:00.000Z'").await;
    let own = world.user(user.id).await;
    assert_eq!(own.user.version, user.version + 1, "a writer that moves it itself is left alone");
    assert_eq!(own.updated_at, second("2001-01-01T00:00:00Z"));

    world.update_user(user.id, "display_name = 'B'").await;
    let moved = world.user(user.id).await;
    assert_eq!(moved.user.version, own.user.version + 1);
    assert!(moved.updated_at > second("2020-01-01T00:00:00Z"));

    world.update_user(user.id, "display_name = display_name").await;
    assert_eq!(world.user(user.id).await.user.version, own.user.version + 2, "even where nothing changes");
    assert_eq!(moved.created_at, own.created_at);
}

/// An update that names several users moves each one's version once.
pub async fn an_update_of_many_moves_each_version(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let mut users = Vec::new();
    for n in 0..3 {
        users.push(world.local_user(&format!("user{n}@acme.example")).await);
    }
    world.sql("UPDATE users SET role = 'guest'").await;
    for user in users {
        assert_eq!(world.user(user.id).await.user.version, user.version + 1);
    }
}

/// A person who deactivates a user leaves no trace of the directory.
pub async fn a_persons_deactivation_has_no_provenance(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    world.update_user(user.id, "status = 'inactive'").await;
    let record = world.user(user.id).await;
    assert_eq!(record.user.status, UserStatus::Inactive);
    assert!(record.user.suspended_by_a_person());
    assert_eq!((record.user.deactivated_by, record.deactivated_run, record.deactivated_at), (None, None, None));
}

/// A user whom a person activates again forgets the directory's deactivation; a later one by a person is a person's.
pub async fn a_persons_activation_clears_the_provenance(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    world.sync(vec![deactivates(1, &user, DeactivatedBy::DirectoryAbsent)]).await;
    assert_eq!(world.user(user.id).await.user.deactivated_by, Some(DeactivatedBy::DirectoryAbsent));

    world.update_user(user.id, "status = 'active'").await;
    let active = world.user(user.id).await;
    assert_eq!((active.user.deactivated_by, active.deactivated_run, active.deactivated_at), (None, None, None));

    world.update_user(user.id, "status = 'inactive'").await;
    let inactive = world.user(user.id).await;
    assert!(inactive.user.suspended_by_a_person());
    assert_eq!((inactive.deactivated_run, inactive.deactivated_at), (None, None));
}

/// The provenance of a user who stays inactive survives other updates.
pub async fn other_updates_keep_the_provenance(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    let run = world.sync(vec![deactivates(1, &user, DeactivatedBy::DirectoryDisabled)]).await;
    world.update_user(user.id, "display_name = 'B'").await;
    let record = world.user(user.id).await;
    assert_eq!(record.user.deactivated_by, Some(DeactivatedBy::DirectoryDisabled));
    assert_eq!(record.deactivated_run, Some(run.id));
    assert!(record.deactivated_at.is_some());
}

/// One address, one user in a tenant, whatever the case of its ASCII letters.
pub async fn addresses_are_unique_in_a_tenant(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let other = add_tenant(&*world.store, "other").await;
    world.local_user("Zoe@acme.example").await;
    let insert = async |tenant, email: &str| {
        let sql = format!("INSERT INTO users (tenant_id, id, email) VALUES ('{tenant}', '{}', '{email}')", id());
        world.database.execute(&sql).await
    };
    assert!(insert(world.tenant, "zOE@ACME.example").await.is_err());
    assert!(insert(world.tenant, "zoë@acme.example").await.is_ok());
    assert!(insert(world.tenant, "zoË@acme.example").await.is_ok(), "only ASCII letters fold");
    assert!(insert(other, "zoe@acme.example").await.is_ok(), "another tenant's is another user");
    assert_eq!(world.user_count().await, 4);
}

/// The table refuses what would make no sense.
pub async fn rows_that_make_no_sense_are_refused(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    let before = world.user(user.id).await;
    let second = world.local_user("b@acme.example").await;
    let refused = [
        (user.id, "status = 'gone'".to_owned()),
        (user.id, "status = 'inactive', deactivated_by = 'somebody'".to_owned()),
        (user.id, "external_id = NULL".to_owned()),
        (user.id, "connection_id = NULL".to_owned()),
        (user.id, "email = NULL".to_owned()),
        (user.id, "tenant_id = NULL".to_owned()),
        (second.id, format!("connection_id = '{}', external_id = 'ext-1'", world.connection)),
    ];
    for (user, set) in refused {
        let sql = format!("UPDATE users SET {set} WHERE id = '{user}'");
        assert!(world.database.execute(&sql).await.is_err(), "{set}");
    }
    assert_eq!(world.user(user.id).await, before);
    world.update_user(second.id, &format!("connection_id = '{}', external_id = 'EXT-1'", world.connection)).await;
}

/// The product deletes users as it likes; their history stays.
pub async fn users_can_be_deleted(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let new = creates(1, "ext-1", "a@acme.example");
    let user = new.new_user.expect("a creation");
    let run = world.sync(vec![new]).await;
    let sql = format!("DELETE FROM users WHERE tenant_id = '{}' AND id = '{user}'", world.tenant);
    assert_eq!(world.sql(&sql).await, 1);
    assert_eq!(world.store.user(world.tenant, user).await.unwrap(), None);
    let history = world.changes(run.id).await;
    assert_eq!((history[0].user, history[0].outcome), (Some::<UserId>(user), Outcome::Applied));
}
