#![doc = include_str!("../README.md")]

mod audit;
mod census;
mod connections;
mod decode;
mod error;
mod events;
mod file;
mod runs;
mod schedules;
mod schema;
mod sql;
mod tenants;
mod tokens;
mod users;
mod webhooks;

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{
    Sqlite, SqlitePool, Transaction,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use store::{Census, Clock, Examination, Store, StoreError};

use crate::error::failed;

/// Readers at a time; the log lets them run beside the writer.
const READERS: u32 = 4;

/// How long a statement waits while another process writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a caller waits for a connection before it hears that the database is not available. Longer than
/// [`BUSY_TIMEOUT`]: whoever has the connection may be waiting itself.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// The store in a file. Clones share its connections.
#[derive(Clone)]
pub struct SqliteStore {
    path: PathBuf,
    writer: SqlitePool,
    reader: SqlitePool,
    /// Tells the time that schedules go by; everything else goes by SQLite's own.
    clock: Clock,
}

impl SqliteStore {
    /// Opens the file, and makes it, and its folder, where there is none. It does not migrate.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        // Turning the log on takes an exclusive lock that SQLite does not wait for, hence our own around it.
        let lock = file::lock(path).await?;
        file::create(path).await?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            // With the log, a crash of the machine can lose the last commits but never tears one.
            .synchronous(SqliteSynchronous::Normal);
        let writer = pool(1).min_connections(1).connect_with(writing(options.clone())).await.map_err(failed)?;
        let reader = pool(READERS).connect_lazy_with(options.pragma("query_only", "ON"));
        drop(lock);
        Ok(Self { path: path.to_owned(), writer, reader, clock: Clock::default() })
    }

    /// A store that only reads, on a file that is there: nothing is made or changed, the files beside the database neither.
    /// Whatever would write fails.
    pub async fn open_to_read(path: &Path) -> Result<Self, StoreError> {
        // Reading through the log makes the log's files where they are not there. They are there for as long as anybody
        // writes; without them the database rests, and is read as it lies.
        let at_rest = !file::log_of(path).exists();
        let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(at_rest);
        let reader = pool(READERS).connect_with(options.busy_timeout(BUSY_TIMEOUT)).await.map_err(failed)?;
        Ok(Self { path: path.to_owned(), writer: reader.clone(), reader, clock: Clock::default() })
    }

    /// The same store with another clock for its schedules.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Begins a transaction that writes. It has the write lock from the start: one that reads first and then finds that
    /// somebody else has written in between would have to fail.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)
    }
}

/// A batch touches pages all over the users' indexes. Keeping more of them in memory (32 MB at most), and moving them from
/// the log to the file less often (every 8,000 pages, 32 MB), makes writing many users take two thirds of the time.
fn writing(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.journal_mode(SqliteJournalMode::Wal).pragma("cache_size", "-32000").pragma("wal_autocheckpoint", "8000")
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // There is no network to lose a connection over.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn migrate(&self) -> Result<(), StoreError> {
        let lock = file::lock(&self.path).await?;
        let done = schema::migrate(&self.writer).await;
        drop(lock);
        done
    }

    async fn check(&self) -> Result<(), StoreError> {
        schema::compare(&self.reader).await?.obstacle().map_or(Ok(()), |obstacle| Err(StoreError::Schema(obstacle)))
    }

    async fn examine(&self) -> Result<Examination, StoreError> {
        schema::examine(&self.reader).await
    }

    async fn census(&self) -> Result<Census, StoreError> {
        census::take(&self.reader).await
    }
}
