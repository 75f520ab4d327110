//! The database's files.

use sqlx::{
    ConnectOptions, Connection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};
use store::{Actor, NewTenant, Store, StoreError, Tenants};
use store_sqlite::SqliteStore;

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// Whatever lies beside the database (the log, for one) has the same content in it, and the same mode.
#[cfg(unix)]
#[tokio::test]
async fn new_files_are_their_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("deep/data");
    let store = SqliteStore::open(&data.join("directory.db")).await.unwrap();
    store.migrate().await.unwrap();
    assert_eq!((mode(&folder.path().join("deep")), mode(&data)), (0o700, 0o700));
    let mut names = Vec::new();
    for entry in data.read_dir().unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["directory.db", "directory.db-shm", "directory.db-wal", "directory.db.migrate-lock"]);
}

/// An administrator's own choice of modes is kept.
#[cfg(unix)]
#[tokio::test]
async fn files_that_are_there_keep_their_mode() {
    use std::{fs, os::unix::fs::PermissionsExt};

    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o750)).unwrap();
    let path = folder.path().join("directory.db");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    SqliteStore::open(&path).await.unwrap().migrate().await.unwrap();
    assert_eq!((mode(folder.path()), mode(&path)), (0o750, 0o640));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let refused = SqliteStore::open(&folder.path().join("file/data/directory.db")).await;
    let Err(StoreError::Database(why)) = refused else { panic!("{refused:?}") };
    assert!(why.to_string().ends_with("file/data"), "{why}");
}

#[tokio::test]
async fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.db");
    std::fs::write(&path, "This is a text of some length, and no database at all.".repeat(100)).unwrap();
    let refused = SqliteStore::open(&path).await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
}

/// A process that comes back finds what it left.
#[tokio::test]
async fn a_store_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.db");
    let tenant = NewTenant { id: uuid::Uuid::from_u128(1).into(), slug: "acme".to_owned(), name: "Acme".to_owned() };
    let first = SqliteStore::open(&path).await.unwrap();
    first.migrate().await.unwrap();
    store::Tenants::create_tenant(&first, store::Actor::SYSTEM, &tenant).await.unwrap();
    drop(first);
    let second = SqliteStore::open(&path).await.unwrap();
    second.check().await.unwrap();
    assert!(store::Tenants::tenant_by_slug(&second, "acme").await.unwrap().is_some());
}

/// What lies in the folder: names, sizes and times. The files stay closed: closing one would take SQLite's locks off it.
fn listing(folder: &std::path::Path) -> Vec<(String, u64, Option<std::time::SystemTime>)> {
    let of = |file: std::fs::DirEntry| {
        let (name, meta) = (file.file_name().into_string().unwrap(), file.metadata().unwrap());
        // In this one readers, too, note where they are.
        let time = (!name.ends_with("-shm")).then(|| meta.modified().unwrap());
        (name, meta.len(), time)
    };
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|file| of(file.unwrap())).collect();
    files.sort();
    files
}

/// Looks through a store that only reads, and tries to write through it.
async fn look(path: &std::path::Path) {
    let reading = SqliteStore::open_to_read(path).await.unwrap();
    let found = reading.examine().await.unwrap();
    assert_eq!(found.migrations.obstacle(), None, "{found:?}");
    let tenant = NewTenant { id: uuid::Uuid::now_v7().into(), slug: "a".to_owned(), name: "A".to_owned() };
    assert!(reading.create_tenant(Actor::SYSTEM, &tenant).await.is_err());
}

#[tokio::test]
async fn opened_to_read_nothing_is_made_or_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("directory.db");
    assert!(SqliteStore::open_to_read(&path).await.is_err(), "it is not made");
    assert!(listing(folder.path()).is_empty());

    // While somebody else has it open.
    let writing = SqliteStore::open(&path).await.unwrap();
    writing.migrate().await.unwrap();
    let before = listing(folder.path());
    look(&path).await;
    assert_eq!(listing(folder.path()), before);

    // At rest: the last one who had it open has put the log into it.
    let resting = tempfile::tempdir().unwrap();
    let copy = resting.path().join("directory.db");
    let options = SqliteConnectOptions::new().filename(&path);
    let mut connection = options.connect().await.unwrap();
    sqlx::query("VACUUM INTO ?1").bind(copy.to_str().unwrap()).execute(&mut connection).await.unwrap();
    let options = SqliteConnectOptions::new().filename(&copy).journal_mode(SqliteJournalMode::Wal);
    options.connect().await.unwrap().close().await.unwrap();
    let before = listing(resting.path());
    assert_eq!(before.len(), 1, "{before:?}");
    look(&copy).await;
    assert_eq!(listing(resting.path()), before);
}
