//! The schema: bringing it up to date, and knowing whether it is.

use std::sync::LazyLock;

use sqlx::{
    SqlitePool,
    migrate::{MigrateError, Migrator},
};
use store::StoreError;

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

/// Compares what is applied with what this program knows. Read-only.
pub(crate) async fn check(reader: &SqlitePool) -> Result<(), StoreError> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '_sqlx_migrations'")
            .fetch_one(reader)
            .await
            .map_err(failed)?;
    if tables == 0 {
        return Err(StoreError::Schema("it has not been migrated yet".to_owned()));
    }
    let rows: Vec<AppliedRow> =
        sqlx::query_as("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
            .fetch_all(reader)
            .await
            .map_err(failed)?;
    let mut pending: Vec<_> = MIGRATIONS.iter().collect();
    for row in rows {
        let version = row.version;
        // A newer program's migration: they only ever add, so that this program still runs beside it.
        let Some(known) = pending.iter().position(|migration| migration.version == version) else { continue };
        let known = pending.remove(known);
        if !row.success || *known.checksum != *row.checksum {
            return Err(StoreError::Schema(format!("migration {version} is not the one that this program knows")));
        }
    }
    match pending.first() {
        None => Ok(()),
        Some(first) => Err(StoreError::Schema(format!("migration {} is pending", first.version))),
    }
}
