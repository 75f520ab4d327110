//! Migrations, and schemas that are not this program's.

use store::{Store, StoreError};

use crate::database::TestDatabase;

async fn complaint(store: &impl Store) -> String {
    match store.check().await {
        Err(StoreError::Schema(complaint)) => complaint,
        other => panic!("not a complaint about the schema: {other:?}"),
    }
}

#[tokio::test]
async fn a_pending_migration_is_named() {
    let (database, store) = TestDatabase::migrated().await;
    database.sql("DELETE FROM _sqlx_migrations WHERE version = 3").await;
    assert_eq!(complaint(&store).await, "migration 3 is pending");
}

#[tokio::test]
async fn a_newer_programs_migration_is_no_obstacle() {
    let (database, store) = TestDatabase::migrated().await;
    database
        .sql(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9999, 'later', true, '', 0)",
        )
        .await;
    store.check().await.unwrap();
    store.migrate().await.unwrap();
}

#[tokio::test]
async fn a_changed_migration_is_named() {
    let (database, store) = TestDatabase::migrated().await;
    database.sql("UPDATE _sqlx_migrations SET checksum = 'x' WHERE version = 2").await;
    assert_eq!(complaint(&store).await, "migration 2 is not the one that this program knows");
}

/// A migration that fails says so, and leaves the way free for the next attempt, from whichever process.
#[tokio::test]
async fn a_failed_migration_frees_its_lock() {
    let database = TestDatabase::create().await;
    let store = database.store();
    database.sql("CREATE TABLE connections (zoe text)").await;
    let failed = store.migrate().await;
    assert!(matches!(&failed, Err(StoreError::Schema(why)) if why.contains("migration 2")), "{failed:?}");
    database.sql("DROP TABLE connections").await;
    database.store().migrate().await.unwrap();
    store.check().await.unwrap();
}
