//! Connections.

use async_trait::async_trait;
use directory_core::{ConnectionId, TenantId};
use sqlx::{Sqlite, SqliteExecutor, query::QueryAs, sqlite::SqliteArguments};
use store::{Connection, Connections, IdPage, NewConnection, StoreError};

use crate::{
    SqliteStore,
    decode::{Place, ascending, stored_id, stored_time, to_json},
    error::failed,
};

#[derive(sqlx::FromRow)]
struct ConnectionRow {
    id: String,
    tenant_id: String,
    provider: String,
    display_name: String,
    directory_id: String,
    client_id: String,
    group_id: Option<String>,
    cloud: String,
    default_role: String,
    policy: String,
    schedule: Option<String>,
    state: String,
    state_reason: Option<String>,
    credential_updated_at: String,
    credential_expires_at: Option<String>,
    created_at: String,
    updated_at: String,
}

/// Everything but the credential, which is read by itself.
macro_rules! columns {
    () => {
        "id, tenant_id, provider, display_name, directory_id, client_id, group_id, cloud, default_role, policy, schedule,
         state, state_reason, credential_updated_at, credential_expires_at, created_at, updated_at"
    };
}

impl TryFrom<ConnectionRow> for Connection {
    type Error = StoreError;

    fn try_from(row: ConnectionRow) -> Result<Self, StoreError> {
        let place = Place { table: "connections", row: &row.id };
        Ok(Self {
            id: place.id("id", &row.id)?,
            tenant: place.id("tenant_id", &row.tenant_id)?,
            policy: place.json("policy", &row.policy)?,
            state: place.word("state", &row.state)?,
            credential_updated_at: place.time("credential_updated_at", &row.credential_updated_at)?,
            credential_expires_at: place.time_if_any("credential_expires_at", row.credential_expires_at.as_deref())?,
            created_at: place.time("created_at", &row.created_at)?,
            updated_at: place.time("updated_at", &row.updated_at)?,
            provider: row.provider,
            display_name: row.display_name,
            directory_id: row.directory_id,
            client_id: row.client_id,
            group_id: row.group_id,
            cloud: row.cloud,
            default_role: row.default_role,
            schedule: row.schedule,
            state_reason: row.state_reason,
        })
    }
}

/// A tenant's connection, inside a transaction or outside.
pub(crate) async fn find(
    executor: impl SqliteExecutor<'_>,
    tenant: TenantId,
    id: ConnectionId,
) -> Result<Option<Connection>, StoreError> {
    sqlx::query_as::<_, ConnectionRow>(concat!(
        "SELECT ",
        columns!(),
        " FROM connections WHERE tenant_id = ?1 AND id = ?2"
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(id.0))
    .fetch_optional(executor)
    .await
    .map_err(failed)?
    .map(Connection::try_from)
    .transpose()
}

fn insert(new: &NewConnection) -> Result<QueryAs<'_, Sqlite, ConnectionRow, SqliteArguments>, StoreError> {
    Ok(sqlx::query_as(concat!(
        "INSERT INTO connections (tenant_id, id, provider, display_name, directory_id, client_id, group_id, cloud,
             default_role, policy, schedule, sealed_credential, credential_expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) RETURNING ",
        columns!()
    ))
    .bind(stored_id(new.tenant.0))
    .bind(stored_id(new.id.0))
    .bind(&new.provider)
    .bind(&new.display_name)
    .bind(&new.directory_id)
    .bind(&new.client_id)
    .bind(&new.group_id)
    .bind(&new.cloud)
    .bind(&new.default_role)
    .bind(to_json(&new.policy)?)
    .bind(&new.schedule)
    .bind(&new.sealed_credential)
    .bind(new.credential_expires_at.map(stored_time)))
}

#[async_trait]
impl Connections for SqliteStore {
    async fn create_connection(&self, connection: &NewConnection) -> Result<Connection, StoreError> {
        insert(connection)?.fetch_one(&self.writer).await.map_err(failed)?.try_into()
    }

    async fn connection(&self, tenant: TenantId, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
        find(&self.reader, tenant, id).await
    }

    async fn connections(&self, tenant: TenantId, page: IdPage) -> Result<Vec<Connection>, StoreError> {
        sqlx::query_as::<_, ConnectionRow>(concat!(
            "SELECT ",
            columns!(),
            " FROM connections WHERE tenant_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
        ))
        .bind(stored_id(tenant.0))
        .bind(ascending(page.after))
        .bind(page.limit)
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?
        .into_iter()
        .map(Connection::try_from)
        .collect()
    }

    async fn sealed_credential(&self, tenant: TenantId, id: ConnectionId) -> Result<Option<Vec<u8>>, StoreError> {
        sqlx::query_scalar("SELECT sealed_credential FROM connections WHERE tenant_id = ?1 AND id = ?2")
            .bind(stored_id(tenant.0))
            .bind(stored_id(id.0))
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)
    }
}
