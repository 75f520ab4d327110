//! What callers and logs learn of a failure: enough to act on, and nobody's data.

use std::{error::Error, fmt::Write, time::Duration};

use futures_util::future::join_all;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use store::{Connections, Runs, Store, StoreError, Tenants, Tokens};
use store_postgres::PostgresStore;

use crate::{
    database::TestDatabase,
    fixture::{Fixture, creates},
};

/// Everything that an error shows anywhere.
fn all_of(error: &StoreError) -> String {
    let mut text = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(source) = next {
        write!(text, " {source} {source:?}").unwrap();
        next = source.source();
    }
    text
}

#[tokio::test]
async fn a_server_that_is_gone_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port);
    let pool = PgPoolOptions::new().acquire_timeout(Duration::from_millis(50)).connect_lazy_with(options);
    let store = PostgresStore::from_pool(pool);
    for result in [store.check().await, store.migrate().await, store.tenants().await.map(|_| ())] {
        assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
    }
}

#[tokio::test]
async fn sessions_that_the_server_ended_are_replaced() {
    let (database, store) = TestDatabase::migrated().await;
    store.check().await.unwrap();
    end_sessions(&database, &store).await;
    store.check().await.unwrap();
    end_sessions(&database, &store).await;
    assert!(store.tenants().await.unwrap().is_empty(), "a transaction");
    end_sessions(&database, &store).await;
    assert!(store.usable_token(&[0; 32]).await.unwrap().is_none(), "a single look");
}

/// Has the server end all of the pool's sessions, of which there are several.
async fn end_sessions(database: &TestDatabase, store: &PostgresStore) {
    join_all((0..8).map(|_| store.tenants())).await;
    let ended = database
        .number(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'directory-sync'",
        )
        .await;
    assert!(ended > 1, "{ended} sessions");
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_named() {
    let (database, _) = TestDatabase::migrated().await;
    let options = database.options().database("no_such_database");
    let store = PostgresStore::from_pool(PgPoolOptions::new().connect_lazy_with(options));
    let error = store.check().await.unwrap_err();
    assert!(matches!(error, StoreError::Database(_)), "{error:?}");
    assert!(all_of(&error).contains("no_such_database"), "{error:?}");
}

#[tokio::test]
async fn a_bad_url_is_told_without_its_password() {
    let error = PostgresStore::connect("postgres://me:hunter2/@host/db").unwrap_err();
    let text = all_of(&error);
    assert!(text.contains("percent-encoded") && !text.contains("hunter2"), "{text}");
}

/// The server's answer quotes the failing row in full; nothing of it gets out.
#[tokio::test]
async fn a_refused_row_is_not_repeated() {
    let fixture = Fixture::new().await;
    fixture.database.sql("ALTER TABLE users ADD CONSTRAINT house_rule CHECK (display_name <> 'Zoe Doe')").await;
    let lease = fixture.planned(vec![creates(1, "zoe.doe@acme.example", "Zoe Doe")]).await;
    let error = fixture.store.apply_batch(&lease, 10).await.unwrap_err();
    let text = all_of(&error);
    assert!(matches!(error, StoreError::Database(_)) && text.contains("house_rule"), "{text}");
    for private in ["Zoe", "zoe", "acme"] {
        assert!(!text.contains(private), "{text}");
    }
}

#[tokio::test]
async fn a_corrupt_value_is_named_by_its_place() {
    let fixture = Fixture::new().await;
    let Fixture { tenant, connection, .. } = fixture;
    fixture.database.sql(r#"UPDATE connections SET policy = '"zoe"'"#).await;
    let error = fixture.store.connection(tenant, connection).await.unwrap_err();
    assert_eq!(error.to_string(), format!("corrupt value in connections.policy of row {connection}"));
    assert!(!all_of(&error).contains("zoe"));
}
