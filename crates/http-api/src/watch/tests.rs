use std::time::Duration;

use actix_web::web::Bytes;
use crypto::{Keyring, generate_key_line};
use secrecy::ExposeSecret;
use store::Store;
use store_sqlite::SqliteStore;
use sync_engine::{Providers, SyncEngine};
use tempfile::TempDir;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::*;
use crate::config::{ApiConfig, Watching};

/// An API whose store holds nothing; whose every query fails, if it is not `migrated`.
async fn app(folder: &TempDir, migrated: bool, watching: Watching) -> Arc<App> {
    let store = SqliteStore::open(&folder.path().join("directory.db")).await.unwrap();
    if migrated {
        store.migrate().await.unwrap();
    }
    let keyring = Keyring::parse(generate_key_line("k1").unwrap().expose_secret()).unwrap();
    let engine = SyncEngine::new(Arc::new(store), Arc::new(keyring), Providers::default());
    Arc::new(App::new(engine, ApiConfig { watching, ..ApiConfig::default() }, Handle::current()))
}

fn watch(app: &Arc<App>) -> Watch {
    app.watch(TenantId(Uuid::nil()), TokenHash::of("a"), RunId(Uuid::nil()), Instant::now()).ok().unwrap()
}

fn rarely() -> Watching {
    Watching { poll: Duration::from_hours(1), ..Watching::default() }
}

fn often(patience: Duration) -> Watching {
    Watching { poll: Duration::from_millis(1), patience, ..Watching::default() }
}

#[tokio::test]
async fn a_run_is_looked_at_once_for_all_and_no_longer_than_needed() {
    let folder = TempDir::new().unwrap();
    let app = app(&folder, true, rarely()).await;
    let (first, second) = (watch(&app), watch(&app));
    assert!(first.receiver.same_channel(&second.receiver));
    assert_eq!(app.watches().polled().len(), 1);
    drop((first, second));
    while !app.watches().polled().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_store_that_keeps_failing_is_given_up() {
    let folder = TempDir::new().unwrap();
    let app = app(&folder, false, often(Duration::from_millis(20))).await;
    assert_eq!(watch(&app).next().await, None);
    assert!(app.watches().polled().is_empty());
}

#[tokio::test]
async fn a_run_that_is_gone_is_watched_no_more() {
    let folder = TempDir::new().unwrap();
    let app = app(&folder, true, often(Duration::from_hours(1))).await;
    assert_eq!(watch(&app).next().await, None);
}

#[tokio::test]
async fn nothing_older_is_shown_than_what_is_known() {
    let folder = TempDir::new().unwrap();
    let app = app(&folder, true, rarely()).await;
    let before = Instant::now();
    let mut watch = watch(&app);
    let sighting = |since, id: &str| Sighting { id: id.to_owned(), done: false, json: Bytes::default(), since };
    let sender = app.watches().polled().values().next().and_then(Weak::upgrade).unwrap();
    sender.send_replace(Some(Arc::new(sighting(before, "old"))));
    app.watches().end(RunId(Uuid::nil()), &sender, None);
    drop(sender);
    app.close();
    assert_eq!(watch.next().await, None);
}

#[tokio::test]
async fn the_last_word_reaches_whoever_watches() {
    let folder = TempDir::new().unwrap();
    let app = app(&folder, true, rarely()).await;
    let mut watch = watch(&app);
    let sender = app.watches().polled().values().next().and_then(Weak::upgrade).unwrap();
    let last = Sighting { id: "last".to_owned(), done: true, json: Bytes::default(), since: Instant::now() };
    app.watches().end(RunId(Uuid::nil()), &sender, Some(last.clone()));
    assert_eq!(watch.next().await.as_deref(), Some(&last));
}
