//! The product's side of the database: plain SQL beside a run that knows nothing of it.

use directory_core::{TenantId, UserId};
use sqlx::{AssertSqlSafe, PgPool, SqlitePool, error::ErrorKind};
use uuid::Uuid;

use super::world::World;
use crate::support::{Database, Kind};

/// Something that the product, or a person in it, does. Users are named by their number in the directory, addresses by
/// theirs. What is not possible, since there is no such user or the address is in use, does not happen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edit {
    Rename(u8),
    Suspend(u8),
    Resume(u8),
    SetRole(u8, &'static str),
    Move(u8, u8),
    Insert(u8),
    Delete(u8),
}

/// A user that is there from the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seed {
    /// Its address, and what it is told apart by.
    pub(super) address: u8,
    pub(super) of: Of,
    pub(super) role: &'static str,
    pub(super) status: Status,
}

/// Whose user a seed is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    Nobody,
    /// The connection's, by this number in its directory.
    Here(u8),
    /// Another connection's.
    Elsewhere(u8),
}

/// Whether a seed may use the product, and who says so.
#[derive(Clone, Copy, Debug)]
pub(super) enum Status {
    Active,
    Suspended,
    Disabled,
    Absent,
}

pub(super) fn address(n: u8) -> String {
    format!("a{n}@example.org")
}

#[derive(Clone)]
pub(super) enum Product {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Product {
    pub(super) async fn of(database: &Database) -> Self {
        match database.kind {
            Kind::Sqlite => Self::Sqlite(SqlitePool::connect(&database.url).await.unwrap()),
            Kind::Postgres => Self::Postgres(PgPool::connect(&database.url).await.unwrap()),
        }
    }

    /// The rows' texts; none if the statement would have made two users with one address.
    async fn texts(&self, sql: String) -> Vec<String> {
        let query = AssertSqlSafe(sql);
        let done = match self {
            Self::Sqlite(pool) => sqlx::query_scalar(query).fetch_all(pool).await,
            Self::Postgres(pool) => sqlx::query_scalar(query).fetch_all(pool).await,
        };
        match done {
            Err(sqlx::Error::Database(error)) if error.kind() == ErrorKind::UniqueViolation => Vec::new(),
            done => done.unwrap(),
        }
    }

    pub(super) async fn knows_tenant(&self, tenant: TenantId) -> bool {
        let sql = format!("SELECT CAST(id AS text) FROM tenants WHERE CAST(id AS text) = '{tenant}'");
        !self.texts(sql).await.is_empty()
    }

    /// Does it; whom it wrote.
    pub(super) async fn write(&self, world: World, edit: Edit) -> Vec<UserId> {
        let World { tenant, connection, .. } = world;
        let who =
            |n: u8| format!("WHERE tenant_id = '{tenant}' AND connection_id = '{connection}' AND external_id = 'p{n}'");
        let set = |n: u8, what: &str| format!("UPDATE users SET {what} {}", who(n));
        let sql = match edit {
            Edit::Rename(n) => set(n, "display_name = 'Renamed here'"),
            Edit::Suspend(n) => set(n, "status = 'inactive', deactivated_by = 'admin'"),
            Edit::Resume(n) => set(n, "status = 'active'"),
            Edit::SetRole(n, role) => set(n, &format!("role = '{role}'")),
            Edit::Move(n, to) => set(n, &format!("email = '{}'", address(to))),
            Edit::Insert(n) => format!(
                "INSERT INTO users (tenant_id, id, email, display_name) VALUES ('{tenant}', '{}', '{}', 'Local')",
                Uuid::now_v7(),
                address(n)
            ),
            Edit::Delete(n) => format!("DELETE FROM users {}", who(n)),
        };
        let ids = self.texts(format!("{sql} RETURNING CAST(id AS text)")).await;
        ids.iter().map(|id| UserId(id.parse().unwrap())).collect()
    }

    pub(super) async fn plant(&self, world: World, seed: Seed) {
        let World { tenant, connection, elsewhere } = world;
        let link = match seed.of {
            Of::Nobody => "NULL, NULL".to_owned(),
            Of::Here(n) => format!("'{connection}', 'p{n}'"),
            Of::Elsewhere(n) => format!("'{elsewhere}', 'p{n}'"),
        };
        let status = match seed.status {
            Status::Active => "'active', NULL",
            Status::Suspended => "'inactive', 'admin'",
            Status::Disabled => "'inactive', 'directory_disabled'",
            Status::Absent => "'inactive', 'directory_absent'",
        };
        self.texts(format!(
            "INSERT INTO users (tenant_id, id, email, display_name, role, connection_id, external_id, status, deactivated_by)
             VALUES ('{tenant}', '{}', '{}', 'Seed', '{}', {link}, {status}) RETURNING CAST(id AS text)",
            Uuid::now_v7(),
            address(seed.address),
            seed.role,
        ))
        .await;
    }

    /// Copies one tenant's users to another, which has none, with their ids and versions.
    pub(super) async fn copy(&self, from: World, to: World) {
        self.texts(format!(
            "INSERT INTO users (tenant_id, id, email, display_name, given_name, family_name, role, status, connection_id,
                 external_id, deactivated_by, deactivated_run_id, deactivated_at, version)
             SELECT '{}', id, email, display_name, given_name, family_name, role, status,
                 CASE WHEN connection_id = '{}' THEN '{}' WHEN connection_id = '{}' THEN '{}'
                     ELSE connection_id END,
                 external_id, deactivated_by, deactivated_run_id, deactivated_at, version
             FROM users WHERE tenant_id = '{}' RETURNING CAST(id AS text)",
            to.tenant, from.connection, to.connection, from.elsewhere, to.elsewhere, from.tenant
        ))
        .await;
    }

    /// The time of every lease of the tenant passes.
    pub(super) async fn let_leases_pass(&self, world: World) {
        let past = match self {
            Self::Sqlite(_) => "2000-01-01T00:00:00.000Z",
            Self::Postgres(_) => "2000-01-01",
        };
        self.texts(format!(
            "UPDATE sync_runs SET lease_until = '{past}' WHERE tenant_id = '{}' AND status = 'running'
             RETURNING CAST(id AS text)",
            world.tenant
        ))
        .await;
    }
}
