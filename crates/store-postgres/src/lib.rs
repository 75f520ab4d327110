#![doc = include_str!("../README.md")]

mod access;
mod audit;
mod census;
mod connections;
mod decode;
mod error;
mod events;
mod queue_watch;
mod runs;
mod schedules;
mod schema;
mod tenants;
mod tokens;
mod url;
mod users;
mod wall;
mod webhooks;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use directory_core::{ConnectionId, TenantId};
use sqlx::{Connection, PgPool, postgres::PgPoolOptions};
use store::{Census, Clock, Examination, IdPage, QueueWatch, Run, Store, StoreError, TenantWall};
use tokio::sync::Semaphore;

use crate::{access::Access, queue_watch::PostgresQueueWatch};

/// Connections that one process opens at most. Workers hold a few each while they stage, and one afterwards; the API needs some.
const MAX_CONNECTIONS: u32 = 16;

/// How long a caller waits for a connection before it hears that the database is not available.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// For how long a session that lies in the pool is taken to be there still.
const FRESH: Duration = Duration::from_secs(1);

/// The store on PostgreSQL. Clones share one pool of connections.
#[derive(Clone)]
pub struct PostgresStore {
    access: Access,
    /// Half of the connections, which is what staging may have of them.
    staging: Arc<Semaphore>,
}

impl PostgresStore {
    /// A store on the database of a `postgres://` URL. Connects when it is first used; an error here is a bad URL, and
    /// does not repeat its password.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, which the pool needs for its upkeep.
    pub fn connect(url: &str) -> Result<Self, StoreError> {
        let options = url::parse(url).map_err(|error| StoreError::Database(Box::new(error)))?;
        let pool = PgPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // A session that was used just now needs no test: `Access` finds out. One that a network has forgotten meanwhile
            // would keep it waiting.
            .test_before_acquire(false)
            .before_acquire(|session, about| {
                Box::pin(async move {
                    if about.idle_for > FRESH {
                        session.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(options);
        Ok(Self::from_pool(pool))
    }

    /// A store on connections that the embedding program has already.
    #[must_use]
    pub fn from_pool(pool: PgPool) -> Self {
        let staging = (pool.options().get_max_connections() / 2).max(1);
        Self { access: Access::through(pool), staging: Arc::new(Semaphore::new(staging as usize)) }
    }

    /// The same store with another clock for its schedules.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { access: self.access.with_clock(clock), ..self }
    }
}

impl fmt::Debug for PostgresStore {
    // The pool's own Debug is not ours to trust with the connection's settings, which hold the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn migrate(&self) -> Result<(), StoreError> {
        schema::migrate(&self.access).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        schema::compare(&self.access).await?.obstacle().map_or(Ok(()), |obstacle| Err(StoreError::Schema(obstacle)))
    }

    async fn examine(&self) -> Result<Examination, StoreError> {
        schema::examine(&self.access).await
    }

    async fn tenant_wall(&self) -> Result<TenantWall, StoreError> {
        wall::inspect(&self.access).await
    }

    async fn census(&self) -> Result<Census, StoreError> {
        census::take(&self.access).await
    }

    async fn history(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        page: IdPage,
    ) -> Result<Option<Vec<Run>>, StoreError> {
        runs::history(&self.access, tenant, connection, page).await
    }

    fn watch_queue(&self) -> Box<dyn QueueWatch> {
        Box::new(PostgresQueueWatch::new(self.access.clone()))
    }
}
