//! A database of its own for each test, removed with it.
//!
//! It belongs to a role of its own, as which the test and the store use it: one like any other, since the server's superuser
//! is bound by no policy.

use std::{str::FromStr, sync::Arc};

use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use store::{BoxError, Clock, Store, conformance};
use store_postgres::PostgresStore;
use uuid::Uuid;

const SERVER_URL: &str = "DIRECTORY_TEST_POSTGRES_URL";

fn server() -> PgConnectOptions {
    let url = std::env::var(SERVER_URL).unwrap_or_else(|_| {
        panic!("{SERVER_URL} names no PostgreSQL server; run `cargo xtask test`, which starts one for the tests")
    });
    PgConnectOptions::from_str(&url).unwrap()
}

/// The suite's way to databases.
pub(crate) struct Server;

#[async_trait]
impl conformance::Harness for Server {
    async fn database(&self) -> Box<dyn conformance::Database> {
        Box::new(TestDatabase::create().await)
    }
}

pub(crate) struct TestDatabase {
    /// Of the database and of the role that owns it.
    name: String,
    password: String,
    /// The product's connections: not the store's.
    pub(crate) product: PgPool,
}

impl TestDatabase {
    /// An empty database.
    pub(crate) async fn create() -> Self {
        let name = format!("directory_test_{}", Uuid::new_v4().simple());
        let password = Uuid::new_v4().simple().to_string();
        let mut maintenance = server().connect().await.unwrap();
        for sql in [
            format!("CREATE ROLE {name} LOGIN PASSWORD '{password}' NOSUPERUSER NOBYPASSRLS"),
            format!("CREATE DATABASE {name} OWNER {name}"),
        ] {
            execute(&mut maintenance, &sql).await.unwrap();
        }
        maintenance.close().await.unwrap();
        let options = server().database(&name).username(&name).password(&password);
        let product = PgPoolOptions::new().max_connections(4).connect_lazy_with(options);
        Self { name, password, product }
    }

    /// An empty database with the current schema, and a store on it.
    pub(crate) async fn migrated() -> (Self, PostgresStore) {
        let database = Self::create().await;
        let store = database.store();
        store.migrate().await.unwrap();
        (database, store)
    }

    /// As its owner.
    pub(crate) fn options(&self) -> PgConnectOptions {
        self.superuser().username(&self.name).password(&self.password)
    }

    /// As the server's superuser.
    pub(crate) fn superuser(&self) -> PgConnectOptions {
        server().database(&self.name)
    }

    /// Its owner's sessions with a setting that only superusers change.
    pub(crate) async fn sessions_with(&self, setting: &str, value: &str) -> PgPool {
        let mut superuser = self.superuser().connect().await.unwrap();
        execute(&mut superuser, &format!("ALTER ROLE {} SET {setting} = '{value}'", self.name)).await.unwrap();
        superuser.close().await.unwrap();
        PgPoolOptions::new().connect_with(self.options()).await.unwrap()
    }

    /// A store as a process has it.
    pub(crate) fn store(&self) -> PostgresStore {
        PostgresStore::connect(self.options().to_url_lossy().as_str()).unwrap()
    }

    pub(crate) async fn sql(&self, sql: &str) -> u64 {
        let mut connection = self.product.acquire().await.unwrap();
        execute(&mut connection, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        number(&self.product, sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

pub(crate) async fn execute(connection: &mut PgConnection, sql: &str) -> Result<u64, sqlx::Error> {
    sqlx::query(AssertSqlSafe(sql)).execute(connection).await.map(|done| done.rows_affected())
}

async fn number(pool: &PgPool, sql: &str) -> Result<i64, sqlx::Error> {
    // A sum of counts is numeric on this server.
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT ({sql})::bigint"))).fetch_one(pool).await
}

#[async_trait]
impl conformance::Database for TestDatabase {
    async fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.store())
    }

    async fn open_with(&self, clock: Clock) -> Arc<dyn Store> {
        Arc::new(self.store().with_clock(clock))
    }

    async fn execute(&self, sql: &str) -> Result<u64, BoxError> {
        let mut connection = self.product.acquire().await?;
        Ok(execute(&mut connection, sql).await?)
    }

    async fn number(&self, sql: &str) -> Result<i64, BoxError> {
        Ok(number(&self.product, sql).await?)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let name = &self.name;
        let drop = [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("DROP ROLE IF EXISTS {name}")];
        // Dropping cannot await, and the test's own runtime may be on its way out: a thread with its own does it.
        let done = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let mut maintenance = server().connect().await?;
                for sql in drop {
                    execute(&mut maintenance, &sql).await?;
                }
                maintenance.close().await?;
                Ok::<_, BoxError>(())
            })
        })
        .join();
        let removed = matches!(done, Ok(Ok(())));
        assert!(removed || std::thread::panicking(), "the database {} could not be removed: {done:?}", self.name);
    }
}
