//! A connection's row.

use directory_core::{ConnectionId, TenantId};
use sqlx::SqliteExecutor;
use store::{Connection, StoreError};

use crate::{
    decode::{Place, stored_id},
    error::failed,
};

#[derive(sqlx::FromRow)]
pub(super) struct ConnectionRow {
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
    next_sync_at: Option<String>,
    state: String,
    state_reason: Option<String>,
    quarantined_at: Option<String>,
    held_until: Option<String>,
    setbacks: i64,
    new_scope: bool,
    credential_kind: String,
    credential_updated_at: String,
    credential_expires_at: Option<String>,
    created_at: String,
    updated_at: String,
}

/// What [`ConnectionRow`] reads: everything but the credential, which is read by itself.
macro_rules! connection_columns {
    () => {
        "id, tenant_id, provider, display_name, directory_id, client_id, group_id, cloud, default_role, policy, schedule,
         next_sync_at, state, state_reason, quarantined_at, held_until, setbacks, new_scope, credential_kind,
         credential_updated_at, credential_expires_at, created_at, updated_at"
    };
}
pub(super) use connection_columns;

impl TryFrom<ConnectionRow> for Connection {
    type Error = StoreError;

    fn try_from(row: ConnectionRow) -> Result<Self, StoreError> {
        let place = Place { table: "connections", row: &row.id };
        Ok(Self {
            id: place.id("id", &row.id)?,
            tenant: place.id("tenant_id", &row.tenant_id)?,
            policy: place.json("policy", &row.policy)?,
            state: place.word("state", &row.state)?,
            next_sync_at: place.time_if_any("next_sync_at", row.next_sync_at.as_deref())?,
            quarantined_at: place.time_if_any("quarantined_at", row.quarantined_at.as_deref())?,
            held_until: place.time_if_any("held_until", row.held_until.as_deref())?,
            setbacks: place.number("setbacks", row.setbacks)?,
            credential_kind: place.word("credential_kind", &row.credential_kind)?,
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
            new_scope: row.new_scope,
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
        connection_columns!(),
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
