//! Connections.

mod former;
mod ignored;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, ExternalId, TenantId};
use sqlx::{PgConnection, types::Json};
use store::{
    Connection, ConnectionUpdate, Connections, Directory, ExternalPage, IdPage, IgnoredUser, NewConnection, StoreError,
    UniqueKey, UpdatedConnection,
};
use uuid::Uuid;

use crate::{
    PostgresStore,
    decode::{Place, ascending},
    error::{failed, violates},
};

#[derive(sqlx::FromRow)]
struct ConnectionRow {
    id: Uuid,
    tenant_id: Uuid,
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
    credential_updated_at: DateTime<Utc>,
    credential_expires_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Everything but the credential: what is not read cannot leak.
macro_rules! columns {
    () => {
        "id, tenant_id, provider, display_name, directory_id, client_id, group_id, cloud, default_role,
         policy::text AS policy, schedule, state, state_reason, credential_updated_at, credential_expires_at,
         created_at, updated_at"
    };
}

impl TryFrom<ConnectionRow> for Connection {
    type Error = StoreError;

    fn try_from(row: ConnectionRow) -> Result<Self, StoreError> {
        let place = Place { table: "connections", row: &row.id };
        Ok(Self {
            policy: place.json("policy", &row.policy)?,
            state: place.word("state", &row.state)?,
            id: ConnectionId(row.id),
            tenant: TenantId(row.tenant_id),
            provider: row.provider,
            display_name: row.display_name,
            directory_id: row.directory_id,
            client_id: row.client_id,
            group_id: row.group_id,
            cloud: row.cloud,
            default_role: row.default_role,
            schedule: row.schedule,
            state_reason: row.state_reason,
            credential_updated_at: row.credential_updated_at,
            credential_expires_at: row.credential_expires_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A tenant's connection, within a transaction or not.
pub(crate) async fn find(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: ConnectionId,
) -> Result<Option<Connection>, StoreError> {
    sqlx::query_as::<_, ConnectionRow>(concat!(
        "SELECT ",
        columns!(),
        " FROM connections WHERE tenant_id = $1 AND id = $2"
    ))
    .bind(tenant.0)
    .bind(id.0)
    .fetch_optional(connection)
    .await
    .map_err(failed)?
    .map(Connection::try_from)
    .transpose()
}

#[async_trait]
impl Connections for PostgresStore {
    async fn create_connection(&self, connection: &NewConnection) -> Result<Connection, StoreError> {
        let mut tx = self.pool.begin().await.map_err(failed)?;
        former::revive(&mut tx, connection.tenant, connection.id).await.map_err(failed)?;
        let row = sqlx::query_as::<_, ConnectionRow>(concat!(
            "INSERT INTO connections (tenant_id, id, provider, display_name, directory_id, client_id, group_id, cloud,
                default_role, policy, schedule, sealed_credential, credential_expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
             RETURNING ",
            columns!()
        ))
        .bind(connection.tenant.0)
        .bind(connection.id.0)
        .bind(&connection.provider)
        .bind(&connection.display_name)
        .bind(&connection.directory_id)
        .bind(&connection.client_id)
        .bind(&connection.group_id)
        .bind(&connection.cloud)
        .bind(&connection.default_role)
        .bind(Json(&connection.policy))
        .bind(&connection.schedule)
        .bind(&connection.sealed_credential)
        .bind(connection.credential_expires_at)
        .fetch_one(&mut *tx)
        .await
        .map_err(|error| {
            if violates(&error, "connections_pkey") {
                StoreError::Conflict(UniqueKey::ConnectionId)
            } else {
                failed(error)
            }
        })?;
        tx.commit().await.map_err(failed)?;
        row.try_into()
    }

    async fn former_connection(
        &self,
        tenant: TenantId,
        directory: Directory<'_>,
    ) -> Result<Option<ConnectionId>, StoreError> {
        former::find(&self.pool, tenant, directory).await.map_err(failed)
    }

    async fn update_connection(
        &self,
        tenant: TenantId,
        id: ConnectionId,
        seen: DateTime<Utc>,
        update: &ConnectionUpdate,
    ) -> Result<UpdatedConnection, StoreError> {
        // The time moves on with each update, whatever the clock's steps: it is how the next one is told from this.
        let row = sqlx::query_as::<_, ConnectionRow>(concat!(
            "UPDATE connections SET display_name = $4, group_id = $5, default_role = $6, policy = $7, schedule = $8,
                 state = CASE WHEN $9 THEN 'paused' WHEN state = 'paused' THEN 'active' ELSE state END,
                 state_reason = CASE WHEN $9 OR state = 'paused' THEN NULL ELSE state_reason END,
                 updated_at = GREATEST(now(), updated_at + interval '1 millisecond')
             WHERE tenant_id = $1 AND id = $2 AND updated_at = $3
             RETURNING ",
            columns!()
        ))
        .bind(tenant.0)
        .bind(id.0)
        .bind(seen)
        .bind(&update.display_name)
        .bind(&update.group_id)
        .bind(&update.default_role)
        .bind(Json(&update.policy))
        .bind(&update.schedule)
        .bind(update.paused)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        match row {
            Some(row) => Ok(UpdatedConnection::Done(Box::new(row.try_into()?))),
            None if self.connection(tenant, id).await?.is_some() => Ok(UpdatedConnection::Moved),
            None => Ok(UpdatedConnection::NoConnection),
        }
    }

    async fn delete_connection(&self, tenant: TenantId, id: ConnectionId) -> Result<bool, StoreError> {
        former::delete(&self.pool, tenant, id).await.map_err(failed)
    }

    async fn ignored_users(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        page: ExternalPage,
    ) -> Result<Vec<IgnoredUser>, StoreError> {
        ignored::list(&self.pool, tenant, connection, page).await
    }

    async fn ignore_user(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        external_id: &ExternalId,
    ) -> Result<bool, StoreError> {
        ignored::add(&self.pool, tenant, connection, external_id).await.map_err(failed)
    }

    async fn heed_user(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        external_id: &ExternalId,
    ) -> Result<bool, StoreError> {
        ignored::remove(&self.pool, tenant, connection, external_id).await.map_err(failed)
    }

    async fn connection(&self, tenant: TenantId, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        find(&mut connection, tenant, id).await
    }

    async fn connections(&self, tenant: TenantId, page: IdPage) -> Result<Vec<Connection>, StoreError> {
        sqlx::query_as::<_, ConnectionRow>(concat!(
            "SELECT ",
            columns!(),
            " FROM connections WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3"
        ))
        .bind(tenant.0)
        .bind(ascending(page.after))
        .bind(i64::from(page.limit))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?
        .into_iter()
        .map(Connection::try_from)
        .collect()
    }

    async fn sealed_credential(&self, tenant: TenantId, id: ConnectionId) -> Result<Option<Vec<u8>>, StoreError> {
        sqlx::query_scalar("SELECT sealed_credential FROM connections WHERE tenant_id = $1 AND id = $2")
            .bind(tenant.0)
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)
    }
}
