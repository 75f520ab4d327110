//! A database of its own for each test, and the product's side of it: plain SQL.

use std::{any::Any, env, fs, str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection, postgres::PgConnectOptions,
    sqlite::SqliteConnectOptions,
};
use tempfile::TempDir;
use uuid::Uuid;

use super::wait_for;

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// The database of one test. An SQLite one goes with its folder, a PostgreSQL one with its throwaway server.
pub(crate) struct Database {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    pub(crate) dir: TempDir,
}

impl Database {
    pub(crate) async fn new(kind: Kind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", dir.path().join("directory.db").display()),
            Kind::Postgres => new_postgres_database().await,
        };
        Self { kind, url, dir }
    }

    async fn sqlite(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.dir.path().join("directory.db")).connect().await.unwrap()
    }

    async fn postgres(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    /// Runs a statement as the product or an operator would; the number of rows it wrote.
    pub(crate) async fn execute(&self, sql: &str) -> u64 {
        let query = AssertSqlSafe(sql.to_owned());
        match self.kind {
            Kind::Sqlite => sqlx::query(query).execute(&mut self.sqlite().await).await.unwrap().rows_affected(),
            Kind::Postgres => sqlx::query(query).execute(&mut self.postgres().await).await.unwrap().rows_affected(),
        }
    }

    /// The first column of each row, as text.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let query = AssertSqlSafe(sql.to_owned());
        match self.kind {
            Kind::Sqlite => sqlx::query_scalar(query).fetch_all(&mut self.sqlite().await).await.unwrap(),
            Kind::Postgres => sqlx::query_scalar(query).fetch_all(&mut self.postgres().await).await.unwrap(),
        }
    }

    /// A local user of a tenant, as the product writes it.
    pub(crate) async fn add_local_user(&self, tenant: &str, email: &str, role: &str) -> Uuid {
        let id = Uuid::new_v4();
        let sql = format!(
            "INSERT INTO users (tenant_id, id, email, display_name, role) VALUES ('{tenant}', '{id}', '{email}', 'Local', '{role}')"
        );
        assert_eq!(self.execute(&sql).await, 1);
        id
    }

    /// Every user row, version and times included: equal before and after means that nothing was written.
    pub(crate) async fn user_rows(&self) -> Vec<String> {
        let mut rows = self.texts("SELECT id || ' ' || version || ' ' || updated_at || ' ' || status FROM users").await;
        rows.sort();
        rows
    }

    /// Nobody can write to this table until the value is dropped; whoever reads goes on.
    pub(crate) async fn lock(&self, table: &str) -> Box<dyn Any + Send> {
        match self.kind {
            Kind::Sqlite => {
                let mut connection = self.sqlite().await;
                sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
                Box::new(connection)
            }
            Kind::Postgres => {
                let mut connection = self.postgres().await;
                let lock = AssertSqlSafe(format!("LOCK TABLE {table} IN EXCLUSIVE MODE"));
                sqlx::query("BEGIN").execute(&mut connection).await.unwrap();
                sqlx::query(lock).execute(&mut connection).await.unwrap();
                Box::new(connection)
            }
        }
    }

    /// Nobody else can use it for so long: nobody can write (SQLite), or nobody is
    /// connected and nobody can connect (PostgreSQL).
    pub(crate) async fn away_for(&self, time: Duration) {
        match self.kind {
            Kind::Sqlite => {
                let mut connection = self.sqlite().await;
                sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.unwrap();
                tokio::time::sleep(time).await;
                sqlx::query("ROLLBACK").execute(&mut connection).await.unwrap();
            }
            Kind::Postgres => {
                self.let_others_in(false).await;
                tokio::time::sleep(time).await;
                self.let_others_in(true).await;
            }
        }
    }

    /// Whether anybody may connect; if not, nobody stays connected either (PostgreSQL only).
    pub(crate) async fn let_others_in(&self, open: bool) {
        let name = self.url.rsplit_once('/').unwrap().1.split('?').next().unwrap();
        let mut connection = PgConnection::connect(&postgres_server()).await.unwrap();
        let allow = AssertSqlSafe(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {open}"));
        sqlx::query(allow).execute(&mut connection).await.unwrap();
        if !open {
            sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
                .bind(name)
                .execute(&mut connection)
                .await
                .unwrap();
        }
    }

    /// Waits until nobody else is connected (PostgreSQL only).
    pub(crate) async fn wait_until_alone(&self) {
        let others =
            "SELECT pid::text FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        wait_for("the other connections' end", async || self.texts(others).await.is_empty().then_some(())).await;
    }

    /// Rows written to a table so far, from the server's own statistics (PostgreSQL only).
    pub(crate) async fn rows_written(&self, table: &str) -> i64 {
        sqlx::query_scalar("SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = $1")
            .bind(table)
            .fetch_one(&mut self.postgres().await)
            .await
            .unwrap()
    }

    /// Everything that is stored, as bytes or as text.
    pub(crate) async fn dump(&self) -> Vec<u8> {
        if self.kind == Kind::Sqlite {
            let files = fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap());
            let database = files.filter(|file| file.file_name().to_string_lossy().starts_with("directory.db"));
            return database.flat_map(|file| fs::read(file.path()).unwrap()).collect();
        }
        let tables = self.texts("SELECT relname::text FROM pg_stat_user_tables").await;
        let mut dump = String::new();
        for table in tables {
            dump += &self.texts(&format!("SELECT row_to_json(t)::text FROM \"{table}\" t")).await.join("\n");
        }
        dump.into_bytes()
    }
}

fn postgres_server() -> String {
    env::var("DIRECTORY_TEST_POSTGRES_URL")
        .expect("DIRECTORY_TEST_POSTGRES_URL names no PostgreSQL server; run the tests with `cargo xtask test`")
}

/// The URL of a database that belongs to a role of its own, as which everybody uses it: one like any other, since the
/// server's superuser is bound by no policy.
async fn new_postgres_database() -> String {
    let server = postgres_server();
    let name = format!("system_{}", Uuid::new_v4().simple());
    let password = Uuid::new_v4().simple().to_string();
    let mut connection = PgConnection::connect(&server).await.unwrap();
    for sql in [
        format!("CREATE ROLE {name} LOGIN PASSWORD '{password}' NOSUPERUSER NOBYPASSRLS"),
        format!("CREATE DATABASE {name} OWNER {name}"),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }
    let options = PgConnectOptions::from_str(&server).unwrap().database(&name).username(&name).password(&password);
    options.to_url_lossy().into()
}
