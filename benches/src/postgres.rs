//! Databases on the throwaway server, and the baselines that the server is.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

/// The role that owns the databases: one like any other, since a superuser is bound by no policy.
const ROLE: &str = "bench";
/// What `COPY` is sent at a time.
const PIECE: usize = 1 << 20;
/// What a sync fills.
const TABLES: [&str; 2] = ["users", "sync_changes"];
/// What a lookup by fingerprint would have to read of a user.
const COMPACT: &str = "SELECT id, external_id, version FROM users WHERE connection_id = $1";

/// The server.
pub struct Cluster {
    superuser: PgConnectOptions,
    password: String,
}

/// A database on it.
pub(crate) struct Database {
    name: String,
    superuser: PgConnectOptions,
    pub(crate) url: String,
}

/// Rows of the tables that a sync fills, as `COPY` writes them.
pub(crate) struct Rows {
    files: Vec<(&'static str, File)>,
}

impl Cluster {
    /// The server of a superuser's URL, which must be one that loses nothing.
    pub(crate) async fn at(url: &str) -> Result<Self> {
        let superuser = PgConnectOptions::from_str(url).context("a bad URL")?;
        let password = Uuid::new_v4().simple().to_string();
        let cluster = Self { superuser, password };
        for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
            let value = cluster.show(setting).await?;
            ensure!(value == "on", "{setting} is {value}: the server is not durable");
        }
        let role = format!("CREATE ROLE {ROLE} LOGIN PASSWORD '{}' NOSUPERUSER NOBYPASSRLS", cluster.password);
        cluster.session().await?.execute(AssertSqlSafe(role)).await?;
        Ok(cluster)
    }

    /// A setting of the server's.
    pub(crate) async fn show(&self, setting: &str) -> Result<String> {
        Ok(sqlx::query_scalar(AssertSqlSafe(format!("SHOW {setting}"))).fetch_one(&mut self.session().await?).await?)
    }

    async fn session(&self) -> Result<PgConnection> {
        Ok(self.superuser.connect().await?)
    }

    /// An empty database.
    pub(crate) async fn database(&self, name: &str) -> Result<Database> {
        self.create(name, "template1").await
    }

    /// A copy of a database, whose sessions end.
    pub(crate) async fn copy(&self, of: &Database, name: &str) -> Result<Database> {
        let mut session = self.session().await?;
        sqlx::query("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1")
            .bind(&of.name)
            .execute(&mut session)
            .await?;
        self.create(name, &of.name).await
    }

    async fn create(&self, name: &str, template: &str) -> Result<Database> {
        let mut session = self.session().await?;
        session.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await?;
        session.execute(AssertSqlSafe(format!("CREATE DATABASE {name} OWNER {ROLE} TEMPLATE {template}"))).await?;
        let superuser = self.superuser.clone().database(name);
        let url = superuser.clone().username(ROLE).password(&self.password).to_url_lossy().into();
        Ok(Database { name: name.to_owned(), superuser, url })
    }

    /// Ends a database, and whoever uses it.
    pub(crate) async fn drop(&self, database: Database) -> Result<()> {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", database.name);
        self.session().await?.execute(AssertSqlSafe(drop)).await?;
        Ok(())
    }

    /// Writes out what the last measurement left to be written, so that the next one does not pay for it.
    pub(crate) async fn settle(&self) -> Result<()> {
        self.session().await?.execute("CHECKPOINT").await?;
        Ok(())
    }
}

impl Database {
    /// A superuser's session, which sees every row.
    pub(crate) async fn session(&self) -> Result<PgConnection> {
        Ok(self.superuser.connect().await?)
    }

    /// What the housekeeping of a database that has been there for a while has done.
    pub(crate) async fn tidy(&self) -> Result<()> {
        self.session().await?.execute("VACUUM ANALYZE").await?;
        Ok(())
    }

    /// Rows written so far to the tables that a sync fills.
    pub(crate) async fn rows_written(&self) -> Result<i64> {
        let mut session = self.session().await?;
        let sum = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables
                   WHERE relname IN ('users', 'sync_changes')";
        Ok(sqlx::query_scalar(sum).fetch_one(&mut session).await?)
    }

    /// How long the only run took from its claim to its first batch: by then all was read and planned.
    pub(crate) async fn time_to_plan(&self) -> Result<Duration> {
        let mut session = self.session().await?;
        let seconds = "SELECT extract(epoch FROM (SELECT min(created_at) FROM users) - min(started_at))::float8
                       FROM sync_runs HAVING count(*) = 1";
        Ok(Duration::from_secs_f64(sqlx::query_scalar(seconds).fetch_one(&mut session).await?))
    }

    /// The rows that a sync wrote. They wait in files, so that the baseline needs no memory for them.
    pub(crate) async fn rows(&self) -> Result<Rows> {
        let mut session = self.session().await?;
        let mut files = Vec::new();
        for table in TABLES {
            let mut file = tempfile::tempfile()?;
            let mut rows = session.copy_out_raw(&format!("COPY {table} TO STDOUT")).await?;
            while let Some(piece) = rows.try_next().await? {
                file.write_all(&piece)?;
            }
            files.push((table, file));
        }
        Ok(Rows { files })
    }

    /// Baseline C: the same rows into empty tables like the real ones.
    pub(crate) async fn copy_in(&self, rows: &mut Rows) -> Result<Duration> {
        let mut session = self.session().await?;
        session.execute("DROP SCHEMA IF EXISTS baseline CASCADE; CREATE SCHEMA baseline").await?;
        for (table, _) in &rows.files {
            let like = format!("CREATE TABLE baseline.{table} (LIKE public.{table} INCLUDING ALL)");
            session.execute(AssertSqlSafe(like)).await?;
        }
        session.execute("CHECKPOINT").await?;
        let mut piece = vec![0; PIECE];
        let began = Instant::now();
        let mut tx = session.begin().await?;
        for (table, file) in &mut rows.files {
            file.seek(SeekFrom::Start(0))?;
            let mut copy = tx.copy_in_raw(&format!("COPY baseline.{table} FROM STDIN")).await?;
            loop {
                let bytes = file.read(&mut piece)?;
                if bytes == 0 {
                    break;
                }
                copy.send(&piece[..bytes]).await?;
            }
            copy.finish().await?;
        }
        tx.commit().await?;
        Ok(began.elapsed())
    }

    /// Baseline R: the compact columns of everybody who is linked.
    pub(crate) async fn read_compact(&self, connection: Uuid, users: u32) -> Result<Duration> {
        let began = Instant::now();
        let mut session = self.session().await?;
        let mut rows = sqlx::query_as::<_, (Uuid, String, i64)>(COMPACT).bind(connection).fetch(&mut session);
        let mut seen = 0;
        while rows.try_next().await?.is_some() {
            seen += 1;
        }
        let took = began.elapsed();
        ensure!(seen == users, "{seen} users are linked");
        Ok(took)
    }
}
