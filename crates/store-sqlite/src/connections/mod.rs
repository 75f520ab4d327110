//! Connections.

mod credential;
mod ignored;
mod registration;
mod row;
mod survey;
mod update;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, ExternalId, TenantId};
use store::{
    Actor, CloudInUse, Connection, ConnectionUpdate, Connections, Directory, ExpiringCredential, ExternalPage, IdPage,
    IgnoredUser, NewConnection, NewCredential, SealedCredential, StoreError, UpdatedConnection,
};

pub(crate) use self::row::find;
use self::row::{ConnectionRow, connection_columns};
use crate::{
    SqliteStore,
    decode::{ascending, stored_id},
    error::failed,
};

#[async_trait]
impl Connections for SqliteStore {
    async fn create_connection(&self, by: &Actor, connection: &NewConnection) -> Result<Connection, StoreError> {
        registration::create(self, by, connection).await
    }

    async fn former_connection(
        &self,
        tenant: TenantId,
        directory: Directory<'_>,
    ) -> Result<Option<ConnectionId>, StoreError> {
        registration::former(&self.reader, tenant, directory).await
    }

    async fn update_connection(
        &self,
        by: &Actor,
        tenant: TenantId,
        id: ConnectionId,
        seen: DateTime<Utc>,
        update: &ConnectionUpdate,
    ) -> Result<UpdatedConnection, StoreError> {
        update::update(self, by, tenant, id, seen, update).await
    }

    async fn delete_connection(&self, by: &Actor, tenant: TenantId, id: ConnectionId) -> Result<bool, StoreError> {
        registration::delete(self, by, tenant, id).await
    }

    async fn ignored_users(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        page: ExternalPage,
    ) -> Result<Vec<IgnoredUser>, StoreError> {
        ignored::list(&self.reader, tenant, connection, page).await
    }

    async fn ignore_user(
        &self,
        by: &Actor,
        tenant: TenantId,
        connection: ConnectionId,
        external_id: &ExternalId,
    ) -> Result<bool, StoreError> {
        ignored::ignore(self, by, tenant, connection, external_id).await
    }

    async fn heed_user(
        &self,
        by: &Actor,
        tenant: TenantId,
        connection: ConnectionId,
        external_id: &ExternalId,
    ) -> Result<bool, StoreError> {
        ignored::heed(self, by, tenant, connection, external_id).await
    }

    async fn connection(&self, tenant: TenantId, id: ConnectionId) -> Result<Option<Connection>, StoreError> {
        find(&self.reader, tenant, id).await
    }

    async fn connections(&self, tenant: TenantId, page: IdPage) -> Result<Vec<Connection>, StoreError> {
        sqlx::query_as::<_, ConnectionRow>(concat!(
            "SELECT ",
            connection_columns!(),
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

    async fn sealed_credential(
        &self,
        tenant: TenantId,
        id: ConnectionId,
    ) -> Result<Option<SealedCredential>, StoreError> {
        credential::read(&self.reader, tenant, id).await
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
        credential::set(self, by, tenant, id, seen, credential, works).await
    }

    async fn sealed_credentials(
        &self,
        after: Option<(TenantId, ConnectionId)>,
        limit: u32,
    ) -> Result<Vec<SealedCredential>, StoreError> {
        credential::page(&self.reader, after, limit).await
    }

    async fn expiring_credentials(
        &self,
        before: DateTime<Utc>,
        after: Option<(TenantId, ConnectionId)>,
        limit: u32,
    ) -> Result<Vec<ExpiringCredential>, StoreError> {
        survey::expiring(&self.reader, before, after, limit).await
    }

    async fn clouds_in_use(&self) -> Result<Vec<CloudInUse>, StoreError> {
        survey::clouds(&self.reader).await
    }

    async fn reseal_credential(&self, by: &Actor, read: &SealedCredential, sealed: &[u8]) -> Result<bool, StoreError> {
        credential::reseal(self, by, read, sealed).await
    }
}
