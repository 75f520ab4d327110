//! Migrations.

use futures_util::future::join_all;

use super::{Harness, world::World};
use crate::StoreError;

/// A database without tables fails the check with what it is: a schema that does not fit.
pub async fn an_empty_database_fails_the_check(harness: &dyn Harness) {
    let database = harness.database().await;
    let store = database.open().await;
    let checked = store.check().await;
    assert!(matches!(checked, Err(StoreError::Schema(_))), "{checked:?}");
    store.migrate().await.unwrap();
    store.check().await.unwrap();
}

/// Migrating again is nothing, and loses nothing.
pub async fn migrating_twice_changes_nothing(harness: &dyn Harness) {
    let world = World::new(harness).await;
    let user = world.linked_user("a@acme.example", "ext-1").await;
    world.store.migrate().await.unwrap();
    world.database.open().await.migrate().await.unwrap();
    world.store.check().await.unwrap();
    assert_eq!(world.user(user.id).await.user, user);
}

/// Several processes that start at once all find a current schema.
pub async fn several_migrate_at_once(harness: &dyn Harness) {
    let database = harness.database().await;
    let stores = join_all((0..6).map(|_| database.open())).await;
    for migrated in join_all(stores.iter().map(|store| store.migrate())).await {
        migrated.unwrap();
    }
    for store in &stores {
        store.check().await.unwrap();
        assert_eq!(store.tenants().await.unwrap(), []);
    }
}

/// A look from outside tells software and schema before and after migrating, and makes nothing.
pub async fn a_database_is_examined(harness: &dyn Harness) {
    let database = harness.database().await;
    let store = database.open().await;
    let empty = store.examine().await.unwrap();
    assert!(empty.software.contains(' ') && empty.migrations.applied.is_empty(), "{empty:?}");
    assert!(matches!(store.check().await, Err(StoreError::Schema(_))), "looking does not migrate");
    store.migrate().await.unwrap();
    let current = store.examine().await.unwrap();
    assert_eq!(current.migrations.applied, empty.migrations.pending);
    assert_eq!(current.migrations.obstacle(), None);
}
