//! Migrations of a file that several processes have.

use futures_util::future::join_all;
use store::{ChangeFilter, SeqPage, Store, StoreError, conformance::Database};
use store_sqlite::SqliteStore;
use uuid::Uuid;

use crate::harness::TempFile;

/// Processes that start together on a file that is not there yet, each with threads and connections of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_open_and_migrate_a_new_file_at_once() {
    for _ in 0..5 {
        let file = TempFile::new();
        let starts = (0..8).map(|_| {
            let path = file.path();
            tokio::spawn(async move {
                let store = SqliteStore::open(&path).await?;
                store.migrate().await?;
                store.check().await
            })
        });
        for started in join_all(starts).await {
            started.unwrap().unwrap();
        }
    }
}

/// While another process has the lock, migrating waits.
#[tokio::test]
async fn migrating_waits_for_the_lock() {
    let file = TempFile::new();
    let store = SqliteStore::open(&file.path()).await.unwrap();
    let mut lock = file.path().into_os_string();
    lock.push(".migrate-lock");
    let held = std::fs::File::open(lock).unwrap();
    held.lock().unwrap();

    let migrating = tokio::spawn({
        let store = store.clone();
        async move { store.migrate().await }
    });
    // Each of these goes to the database and back; a migration that did not wait would be done long before the last.
    for _ in 0..200 {
        let checked = store.check().await;
        assert!(matches!(checked, Err(StoreError::Schema(_))), "{checked:?}");
    }
    held.unlock().unwrap();
    migrating.await.unwrap().unwrap();
    store.check().await.unwrap();
}

async fn complaint(file: &TempFile) -> String {
    match file.open().await.check().await {
        Err(StoreError::Schema(complaint)) => complaint,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_newer_programs_migration_is_no_obstacle() {
    let file = TempFile::new();
    file.open().await.migrate().await.unwrap();
    file.execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', TRUE, x'00', 0)",
    )
    .await
    .unwrap();
    file.open().await.check().await.unwrap();
    file.open().await.migrate().await.unwrap();
}

#[tokio::test]
async fn a_pending_migration_fails_the_check() {
    let file = TempFile::new();
    assert_eq!(complaint(&file).await, "it has not been migrated yet");
    file.open().await.migrate().await.unwrap();
    file.execute("DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)")
        .await
        .unwrap();
    assert!(complaint(&file).await.ends_with(" is pending"));
}

#[tokio::test]
async fn a_migration_that_was_edited_fails_the_check() {
    let file = TempFile::new();
    file.open().await.migrate().await.unwrap();
    file.execute("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1").await.unwrap();
    assert_eq!(complaint(&file).await, "migration 1 is not the one that this program knows");
}

/// A file of the version before has runs in it, and whatever is new has to be there for them too.
#[tokio::test]
async fn a_file_with_runs_is_brought_up_to_date() {
    let file = TempFile::new();
    file.open().await;
    sqlx::migrate!("../../migrations/sqlite").run_to(4, &mut file.connect().await).await.unwrap();
    assert_eq!(complaint(&file).await, "migration 5 is pending");
    let (tenant, run) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for sql in [
        format!("INSERT INTO tenants (id, slug, name) VALUES ('{tenant}', 'acme', 'Acme')"),
        format!(
            r#"INSERT INTO sync_runs (tenant_id, id, connection_id, status, mode, "trigger")
               VALUES ('{tenant}', '{run}', '{run}', 'queued', 'full', 'manual')"#
        ),
        format!(
            "INSERT INTO sync_changes (tenant_id, run_id, seq, action, before, after, deactivates)
               VALUES ('{tenant}', '{run}', 1, 'conflict', '{{}}', '{{}}', 0)"
        ),
    ] {
        file.execute(&sql).await.unwrap();
    }

    let store = file.open().await;
    store.migrate().await.unwrap();
    store.check().await.unwrap();
    let read = store.run(tenant.into(), run.into()).await.unwrap().unwrap();
    assert_eq!((read.draft, read.applied_changes, read.changes_deleted_at), (None, 0, None));
    let page = SeqPage { after: 0, limit: 10 };
    let changes = store.changes(tenant.into(), run.into(), ChangeFilter::default(), page).await.unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].rival, None);
}
