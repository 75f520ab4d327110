//! The feed. Triggers write most of it.

mod read;
mod retention;

use std::time::Duration;

use async_trait::async_trait;
use directory_core::{LocalUser, TenantId};
use sqlx::SqliteConnection;
use store::{EventFilter, EventId, EventKind, Events, Feed, StoreError, UserEvent};

use crate::{
    SqliteStore,
    decode::{stored_id, to_json},
    error::failed,
};

/// Writes that a person linked a user, or unlinked it, in the transaction that does so.
pub(crate) async fn note_link(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    kind: EventKind,
    before: &LocalUser,
    after: &LocalUser,
) -> Result<(), StoreError> {
    let link = after.link.as_ref().or(before.link.as_ref());
    sqlx::query("INSERT INTO events (tenant_id, kind, connection_id, data) VALUES (?1, ?2, ?3, ?4)")
        .bind(stored_id(tenant.0))
        .bind(kind.as_str())
        .bind(link.map(|link| stored_id(link.connection.0)))
        .bind(to_json(&UserEvent::link(before, after))?)
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}

#[async_trait]
impl Events for SqliteStore {
    async fn events(
        &self,
        tenant: TenantId,
        after: Option<EventId>,
        filter: &EventFilter,
        limit: u32,
    ) -> Result<Feed, StoreError> {
        read::page(&self.reader, tenant, after, filter, limit).await
    }

    async fn latest_event(&self, tenant: TenantId) -> Result<EventId, StoreError> {
        read::latest(&self.reader, tenant).await
    }

    async fn delete_old_events(&self, age: Duration, limit: u32) -> Result<bool, StoreError> {
        retention::delete_old_events(self, age, limit).await
    }
}
