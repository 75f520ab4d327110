//! The feed. Triggers write most of it.

mod read;
mod retention;

use std::time::Duration;

use async_trait::async_trait;
use directory_core::{LocalUser, TenantId};
use sqlx::{PgConnection, types::Json};
use store::{EventFilter, EventId, EventKind, Events, Feed, StoreError, UserEvent};

use crate::{PostgresStore, error::persistently};

/// Writes that a person linked a user, or unlinked it, in the transaction that does so.
pub(crate) async fn note_link(
    tx: &mut PgConnection,
    tenant: TenantId,
    kind: EventKind,
    before: &LocalUser,
    after: &LocalUser,
) -> Result<(), sqlx::Error> {
    let link = after.link.as_ref().or(before.link.as_ref());
    sqlx::query("INSERT INTO events (tenant_id, kind, connection_id, data) VALUES ($1, $2, $3, $4)")
        .bind(tenant.0)
        .bind(kind.as_str())
        .bind(link.map(|link| link.connection.0))
        .bind(Json(UserEvent::link(before, after)))
        .execute(tx)
        .await
        .map(|_| ())
}

#[async_trait]
impl Events for PostgresStore {
    async fn events(
        &self,
        tenant: TenantId,
        after: Option<EventId>,
        filter: &EventFilter,
        limit: u32,
    ) -> Result<Feed, StoreError> {
        read::page(&self.access, tenant, after, filter, limit).await
    }

    async fn latest_event(&self, tenant: TenantId) -> Result<EventId, StoreError> {
        read::latest(&self.access, tenant).await
    }

    async fn delete_old_events(&self, age: Duration, limit: u32) -> Result<bool, StoreError> {
        persistently(|| retention::delete_old_events(&self.access, age, limit)).await
    }
}
