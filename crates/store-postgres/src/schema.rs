//! The schema: bringing it up to date, and knowing whether it is.

use std::sync::LazyLock;

use sqlx::{
    Row,
    migrate::{MigrateError, Migrator},
};
use store::{StoreError, chain};

use crate::{access::Access, error::failed};

/// Those that this program knows. What a newer program has applied beyond them is left alone.
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("../../migrations/postgres");
    migrations.set_ignore_missing(true);
    migrations
});

/// Applies pending migrations under the database's advisory lock, so that processes which start together take turns.
pub(crate) async fn migrate(access: &Access) -> Result<(), StoreError> {
    // The lock belongs to the session, and a failed migration leaves it held: the session must end with us, and not go
    // back to the pool.
    let session = access.session();
    let done = MIGRATIONS.run(&session).await.map_err(not_migrated);
    session.close().await;
    done
}

fn not_migrated(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => failed(error),
        MigrateError::ExecuteMigration(error, version) => match failed(error) {
            transient @ StoreError::Unavailable(_) => transient,
            error => StoreError::Schema(format!("migration {version} failed: {}", chain(&error))),
        },
        other => StoreError::Schema(other.to_string()),
    }
}

/// Compares what is applied with what this program knows. Read-only.
pub(crate) async fn check(access: &Access) -> Result<(), StoreError> {
    const UNDEFINED_TABLE: &str = "42P01";
    let mut tx = access.across_tenants().await.map_err(failed)?;
    let rows = sqlx::query("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
        .fetch_all(&mut *tx)
        .await;
    let rows = match rows {
        Ok(rows) => rows,
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => {
            return Err(StoreError::Schema("it has not been migrated yet".to_owned()));
        }
        Err(error) => return Err(failed(error)),
    };
    let mut pending: Vec<_> = MIGRATIONS.iter().collect();
    for row in rows {
        let version: i64 = row.try_get("version").map_err(failed)?;
        let checksum: Vec<u8> = row.try_get("checksum").map_err(failed)?;
        let success: bool = row.try_get("success").map_err(failed)?;
        // A newer program's migration: they only ever add, so that this program still runs beside it.
        let Some(known) = pending.iter().position(|migration| migration.version == version) else { continue };
        let known = pending.remove(known);
        if !success || *known.checksum != *checksum {
            return Err(StoreError::Schema(format!("migration {version} is not the one that this program knows")));
        }
    }
    match pending.first() {
        None => Ok(()),
        Some(first) => Err(StoreError::Schema(format!("migration {} is pending", first.version))),
    }
}
