//! A call that is dropped at any of its steps leaves its connection as it found it: the next one on the same connection
//! is not part of what the dropped one began.

use std::{sync::Arc, time::Duration};

use directory_core::TenantId;
use sqlx::postgres::PgPoolOptions;
use store::{Actor, ClaimLimits, NewTenant, Store};
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;
use uuid::Uuid;

use super::{disturbed::begin, product::Product};
use crate::support::{Database, Kind, on_both_stores};

on_both_stores!(a_dropped_call_leaves_no_transaction_open);

/// More steps than claiming takes when there is nothing to claim. How many lead to which moment varies, hence the
/// repetition.
const STEPS: u8 = 10;
const REPETITIONS: usize = 10;

/// A store whose writers share one connection.
async fn on_one_connection(database: &Database) -> Arc<dyn Store> {
    match database.kind {
        Kind::Sqlite => Arc::new(SqliteStore::open(&database.dir.path().join("directory.db")).await.unwrap()),
        Kind::Postgres => {
            let pool = PgPoolOptions::new().max_connections(1).connect(&database.url).await.unwrap();
            Arc::new(PostgresStore::from_pool(pool))
        }
    }
}

async fn a_dropped_call_leaves_no_transaction_open(kind: Kind) {
    let database = Database::new(kind).await;
    let store = on_one_connection(&database).await;
    store.migrate().await.unwrap();
    let product = Product::of(&database).await;
    for steps in (1..STEPS).cycle().take(usize::from(STEPS) * REPETITIONS) {
        begin(store.claim_next(Uuid::now_v7(), Duration::from_mins(1), ClaimLimits::DEFAULT), steps).await;
        let id = TenantId(Uuid::now_v7());
        let new = NewTenant { id, slug: id.to_string(), name: "Acme".to_owned() };
        store.create_tenant(Actor::SYSTEM, &new).await.unwrap();
        assert!(product.knows_tenant(id).await, "after {steps} steps: what is said to be written is written");
    }
}
