//! The suite that every store passes: one public function per behaviour, each on a database of its own.
//!
//! A store's tests implement [`Harness`] and call [`conformance_tests!`](crate::conformance_tests), which makes each
//! behaviour a test by its own name. A failed expectation panics, as in any test.
//!
//! The suite plays the product too: it writes the users table with plain SQL, as other services do. The few statements
//! it uses mean the same on every database we know.

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a behaviour that is not met panics: that is its result"
)]

mod suite;
mod timed;
mod world;

pub mod applying;
pub mod audit;
pub mod audited;
pub mod cancel;
pub mod census;
pub mod connections;
pub mod continuations;
pub mod credentials;
pub mod entangled;
pub mod events;
pub mod feed;
pub mod giving_way;
pub mod history;
pub mod leases;
pub mod pauses;
pub mod plan;
pub mod queue;
pub mod reconnect;
pub mod retention;
pub mod review;
pub mod rivals;
pub mod schedules;
pub mod schema;
pub mod setbacks;
pub mod settling;
pub mod sharing;
pub mod staging;
pub mod staleness;
pub mod tenants;
pub mod users;
pub mod webhooks;
pub mod writers;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{BoxError, Clock, Store};

/// Where the suite gets its databases.
#[async_trait]
pub trait Harness: Send + Sync {
    /// An empty database, without any table. It is the test's alone, and may be removed once the value is dropped.
    async fn database(&self) -> Box<dyn Database>;
}

/// One database, and the two ways to it that the product has.
#[async_trait]
pub trait Database: Send + Sync {
    /// A store on this database with connections of its own, as each process has. It does not migrate.
    async fn open(&self) -> Arc<dyn Store>;

    /// The same with another clock for its schedules.
    async fn open_with(&self, clock: Clock) -> Arc<dyn Store>;

    /// Executes one plain SQL statement in a transaction of its own, through a connection that is not a store's: the
    /// number of rows that it wrote, or why the database refused it.
    async fn execute(&self, sql: &str) -> Result<u64, BoxError>;

    /// The single number that a plain SQL query answers, a count say.
    async fn number(&self, sql: &str) -> Result<i64, BoxError>;
}
