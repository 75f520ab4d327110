//! The schema: bringing it up to date, and knowing whether it is.

use std::sync::LazyLock;

use sqlx::{
    SqlitePool,
    migrate::{MigrateError, Migrator},
};
use store::{AppliedMigration, Examination, Migrations, StoreError};

use crate::error::failed;

/// Those that this program knows. What a newer program has applied beyond them is left alone.
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("../../migrations/sqlite");
    migrations.set_ignore_missing(true);
    migrations
});

/// Applies pending migrations. The caller holds the lock: the migrator takes none on SQLite.
pub(crate) async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    MIGRATIONS.run(writer).await.map_err(not_migrated)
}

fn not_migrated(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => failed(error),
        MigrateError::ExecuteMigration(error, version) => {
            let why = error.to_string();
            match failed(error) {
                transient @ StoreError::Unavailable(_) => transient,
                _ => StoreError::Schema(format!("migration {version} failed: {why}")),
            }
        }
        other => StoreError::Schema(other.to_string()),
    }
}

/// A migration that was applied, by this program or another.
#[derive(sqlx::FromRow)]
struct AppliedRow {
    version: i64,
    checksum: Vec<u8>,
    success: bool,
}

impl From<AppliedRow> for AppliedMigration {
    fn from(row: AppliedRow) -> Self {
        Self { version: row.version, checksum: row.checksum, success: row.success }
    }
}

/// Compares what is applied with what this program knows. Read-only.
pub(crate) async fn compare(reader: &SqlitePool) -> Result<Migrations, StoreError> {
    let known = || MIGRATIONS.iter().map(|migration| (migration.version, &*migration.checksum));
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '_sqlx_migrations'")
            .fetch_one(reader)
            .await
            .map_err(failed)?;
    if tables == 0 {
        return Ok(Migrations::compare(known(), &[]));
    }
    let rows: Vec<AppliedRow> =
        sqlx::query_as("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
            .fetch_all(reader)
            .await
            .map_err(failed)?;
    let applied: Vec<AppliedMigration> = rows.into_iter().map(AppliedMigration::from).collect();
    Ok(Migrations::compare(known(), &applied))
}

/// What the database is, and how far its schema. Read-only.
pub(crate) async fn examine(reader: &SqlitePool) -> Result<Examination, StoreError> {
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(reader).await.map_err(failed)?;
    Ok(Examination { software: format!("SQLite {version}"), now: None, migrations: compare(reader).await? })
}
