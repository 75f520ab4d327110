//! The schema: bringing it up to date, and knowing whether it is.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use sqlx::{
    Row,
    migrate::{MigrateError, Migrator},
    postgres::PgRow,
};
use store::{AppliedMigration, Examination, Migrations, StoreError, chain};

use crate::{access::Access, error::failed};

/// Those that this program knows. What a newer program has applied beyond them is left alone.
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrations = sqlx::migrate!("../../migrations/postgres");
    migrations.set_ignore_missing(true);
    migrations
});

/// Applies pending migrations under the database's advisory lock, so that processes which start together take turns. As a rule
/// none is, which any session can see; what a newer program is about to apply is its own affair.
pub(crate) async fn migrate(access: &Access) -> Result<(), StoreError> {
    if compare(access).await?.obstacle().is_none() {
        return Ok(());
    }
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
pub(crate) async fn compare(access: &Access) -> Result<Migrations, StoreError> {
    const UNDEFINED_TABLE: &str = "42P01";
    let known = || MIGRATIONS.iter().map(|migration| (migration.version, &*migration.checksum));
    let mut tx = access.across_tenants().await.map_err(failed)?;
    let rows = sqlx::query("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
        .fetch_all(&mut *tx)
        .await;
    let rows = match rows {
        Ok(rows) => rows,
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => {
            return Ok(Migrations::compare(known(), &[]));
        }
        Err(error) => return Err(failed(error)),
    };
    let applied = rows.iter().map(applied).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    Ok(Migrations::compare(known(), &applied))
}

fn applied(row: &PgRow) -> Result<AppliedMigration, sqlx::Error> {
    Ok(AppliedMigration {
        version: row.try_get("version")?,
        checksum: row.try_get("checksum")?,
        success: row.try_get("success")?,
    })
}

/// What the database is, and how far its schema. Read-only.
pub(crate) async fn examine(access: &Access) -> Result<Examination, StoreError> {
    let mut tx = access.across_tenants().await.map_err(failed)?;
    let (version, now): (String, DateTime<Utc>) =
        sqlx::query_as("SELECT current_setting('server_version'), clock_timestamp()")
            .fetch_one(&mut *tx)
            .await
            .map_err(failed)?;
    // What follows takes a connection of its own, and there may be only one.
    drop(tx);
    Ok(Examination { software: format!("PostgreSQL {version}"), now: Some(now), migrations: compare(access).await? })
}
