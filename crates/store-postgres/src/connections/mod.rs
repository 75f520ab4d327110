//! Connections.

mod credential;
mod former;
mod ignored;
mod survey;
mod update;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, ExternalId, TenantId};
use sqlx::{PgConnection, types::Json};
use store::{
    Actor, AuditRecord, CloudInUse, Connection, ConnectionUpdate, Connections, Directory, ExpiringCredential,
    ExternalPage, IdPage, IgnoredUser, NewConnection, NewCredential, SealedCredential, StoreError, UniqueKey,
    UpdatedConnection,
};
use uuid::Uuid;

use crate::{
    PostgresStore, audit,
    decode::{Place, ascending},
    error::{Fault, failed, persistently, violates},
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
    next_sync_at: Option<DateTime<Utc>>,
    state: String,
    state_reason: Option<String>,
    quarantined_at: Option<DateTime<Utc>>,
    held_until: Option<DateTime<Utc>>,
    setbacks: i32,
    new_scope: bool,
    credential_kind: String,
    credential_updated_at: DateTime<Utc>,
    credential_expires_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Everything but the credential: what is not read cannot leak.
macro_rules! columns {
    () => {
        "id, tenant_id, provider, display_name, directory_id, client_id, group_id, cloud, default_role,
         policy::text AS policy, schedule, next_sync_at, state, state_reason, quarantined_at, held_until, setbacks,
         new_scope, credential_kind, credential_updated_at, credential_expires_at, created_at, updated_at"
    };
}

use columns;

impl TryFrom<ConnectionRow> for Connection {
    type Error = StoreError;

    fn try_from(row: ConnectionRow) -> Result<Self, StoreError> {
        let place = Place { table: "connections", row: &row.id };
        Ok(Self {
            policy: place.json("policy", &row.policy)?,
            state: place.word("state", &row.state)?,
            credential_kind: place.word("credential_kind", &row.credential_kind)?,
            setbacks: place.number("setbacks", i64::from(row.setbacks))?,
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
            next_sync_at: row.next_sync_at,
            state_reason: row.state_reason,
            quarantined_at: row.quarantined_at,
            held_until: row.held_until,
            new_scope: row.new_scope,
            credential_updated_at: row.credential_updated_at,
            credential_expires_at: row.credential_expires_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A tenant's connection.
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

/// A tenant's connection, which nobody else changes to the end of the transaction.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    tenant: TenantId,
    id: ConnectionId,
) -> Result<Option<Connection>, Fault> {
    let row: Option<ConnectionRow> = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM connections WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE"
    ))
    .bind(tenant.0)
    .bind(id.0)
    .fetch_optional(tx)
    .await?;
    Ok(row.map(Connection::try_from).transpose()?)
}

/// Whether the tenant has the connection at the moment.
pub(crate) async fn exists(
    tx: &mut PgConnection,
    tenant: TenantId,
    connection: ConnectionId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM connections WHERE tenant_id = $1 AND id = $2)")
        .bind(tenant.0)
        .bind(connection.0)
        .fetch_one(tx)
        .await
}

/// Whether the tenant has the connection; if so it stays to the end of the transaction.
pub(crate) async fn keep(
    tx: &mut PgConnection,
    tenant: TenantId,
    connection: ConnectionId,
) -> Result<bool, sqlx::Error> {
    let found: Option<i32> =
        sqlx::query_scalar("SELECT 1 FROM connections WHERE tenant_id = $1 AND id = $2 FOR KEY SHARE")
            .bind(tenant.0)
            .bind(connection.0)
            .fetch_optional(tx)
            .await?;
    Ok(found.is_some())
}

#[async_trait]
impl Connections for PostgresStore {
    async fn create_connection(&self, by: &Actor, connection: &NewConnection) -> Result<Connection, StoreError> {
        let mut tx = self.access.tenant(connection.tenant).await.map_err(failed)?;
        let mut row = sqlx::query_as::<_, ConnectionRow>(concat!(
            "INSERT INTO connections (tenant_id, id, provider, display_name, directory_id, client_id, group_id, cloud,
                default_role, policy, schedule, credential_kind, sealed_credential,
                credential_expires_at, next_sync_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
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
        .bind(connection.credential.kind.as_str())
        .bind(&connection.credential.sealed)
        .bind(connection.credential.expires_at)
        .bind(connection.first_sync(self.access.now()))
        .fetch_one(&mut *tx)
        .await
        .map_err(|error| {
            if violates(&error, "connections_pkey") {
                StoreError::Conflict(UniqueKey::ConnectionId)
            } else {
                failed(error)
            }
        })?;
        // Only now: the insert has waited for whoever was deleting a connection of this id.
        let former = former::revive(&mut tx, connection.tenant, connection.id).await.map_err(failed)?;
        if former.is_some_and(|former| former.group_id != connection.group_id) {
            former::note_new_scope(&mut tx, connection.tenant, connection.id).await.map_err(failed)?;
            row.new_scope = true;
        }
        let made = row.try_into()?;
        audit::note(&mut tx, by, &AuditRecord::connection_created(&made)).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(made)
    }

    async fn former_connection(
        &self,
        tenant: TenantId,
        directory: Directory<'_>,
    ) -> Result<Option<ConnectionId>, StoreError> {
        former::find(&self.access, tenant, directory).await.map_err(failed)
    }

    async fn update_connection(
        &self,
        by: &Actor,
        tenant: TenantId,
        id: ConnectionId,
        seen: DateTime<Utc>,
        update: &ConnectionUpdate,
    ) -> Result<UpdatedConnection, StoreError> {
        persistently(|| update::update(&self.access, by, tenant, id, seen, update)).await
    }

    async fn delete_connection(&self, by: &Actor, tenant: TenantId, id: ConnectionId) -> Result<bool, StoreError> {
        persistently(|| former::delete(&self.access, by, tenant, id)).await
    }

    async fn ignored_users(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        page: ExternalPage,
    ) -> Result<Vec<IgnoredUser>, StoreError> {
        ignored::list(&self.access, tenant, connection, page).await
    }

    async fn ignore_user(
        &self,
        by: &Actor,
        tenant: TenantId,
        connection: ConnectionId,
        external_id: &ExternalId,
    ) -> Result<bool, StoreError> {
        ignored::add(&self.access, by, tenant, connection, external_id).await.map_err(failed)
    }

    async fn heed_user(
        &self,
        by: &Actor,
        tenant: TenantId,
        connection: ConnectionId,
        external_id: &ExternalId,
    ) -> Result<bool, StoreError> {
        ignored::remove(&self.access, by, tenant, connection, external_id).await.map_err(failed)
    }

    async fn connection(&self, tenant: TenantId, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        find(&mut tx, tenant, id).await
    }

    async fn connections(&self, tenant: TenantId, page: IdPage) -> Result<Vec<Connection>, StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        sqlx::query_as::<_, ConnectionRow>(concat!(
            "SELECT ",
            columns!(),
            " FROM connections WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3"
        ))
        .bind(tenant.0)
        .bind(ascending(page.after))
        .bind(i64::from(page.limit))
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?
        .into_iter()
        .map(Connection::try_from)
        .collect()
    }

    async fn sealed_credential(
        &self,
        tenant: TenantId,
        id: ConnectionId,
    ) -> Result<Option<SealedCredential>, StoreError> {
        credential::read(&self.access, tenant, id).await
    }

    async fn set_credential(
        &self,
        by: &Actor,
        tenant: TenantId,
        id: ConnectionId,
        seen: DateTime<Utc>,
        credential: &NewCredential,
        works: bool,
    ) -> Result<UpdatedConnection, StoreError> {
        Ok(credential::set(&self.access, by, tenant, id, seen, credential, works).await?)
    }

    async fn sealed_credentials(
        &self,
        after: Option<(TenantId, ConnectionId)>,
        limit: u32,
    ) -> Result<Vec<SealedCredential>, StoreError> {
        credential::page(&self.access, after, limit).await
    }

    async fn expiring_credentials(
        &self,
        before: DateTime<Utc>,
        after: Option<(TenantId, ConnectionId)>,
        limit: u32,
    ) -> Result<Vec<ExpiringCredential>, StoreError> {
        survey::expiring(&self.access, before, after, limit).await
    }

    async fn clouds_in_use(&self) -> Result<Vec<CloudInUse>, StoreError> {
        survey::clouds(&self.access).await
    }

    async fn reseal_credential(&self, by: &Actor, read: &SealedCredential, sealed: &[u8]) -> Result<bool, StoreError> {
        credential::reseal(&self.access, by, read, sealed).await.map_err(failed)
    }
}
