//! Databases for the suite: each a file in a folder of its own, which goes with the value.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use store::{
    BoxError, Clock, Store,
    conformance::{Database, Harness},
};
use store_sqlite::SqliteStore;
use tempfile::TempDir;

pub(crate) struct Files;

#[async_trait]
impl Harness for Files {
    async fn database(&self) -> Box<dyn Database> {
        Box::new(TempFile::new())
    }
}

pub(crate) struct TempFile {
    folder: TempDir,
}

impl TempFile {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("directory.db")
    }

    /// As another program has it: with SQLite's own defaults, but for waiting while somebody else writes.
    pub(crate) async fn connect(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.path());
        SqliteConnection::connect_with(&options).await.unwrap()
    }
}

#[async_trait]
impl Database for TempFile {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.path()).await.unwrap())
    }

    async fn open_with(&self, clock: Clock) -> Arc<dyn Store> {
        Arc::new(SqliteStore::open(&self.path()).await.unwrap().with_clock(clock))
    }

    async fn execute(&self, sql: &str) -> Result<u64, BoxError> {
        let mut connection = self.connect().await;
        let done = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await?;
        connection.close().await?;
        Ok(done.rows_affected())
    }

    async fn number(&self, sql: &str) -> Result<i64, BoxError> {
        let mut connection = self.connect().await;
        let number = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut connection).await?;
        connection.close().await?;
        Ok(number)
    }
}
