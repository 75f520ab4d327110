//! Whether the wall between tenants stands: row-level security, for the role as which we are connected.

use store::{StoreError, TenantWall};

use crate::{access::Access, error::failed};

/// The tables whose rows are a tenant's.
const TABLES: [&str; 16] = [
    "api_tokens",
    "audit_entries",
    "connections",
    "continuations",
    "directory_pauses",
    "events",
    "former_connections",
    "ignored_users",
    "sync_changes",
    "sync_runs",
    "tenants",
    "users",
    "webhook_deliveries",
    "webhook_secrets",
    "webhook_turns",
    "webhooks",
];

pub(crate) async fn inspect(access: &Access) -> Result<TenantWall, StoreError> {
    let mut tx = access.across_tenants().await.map_err(failed)?;
    let (passes, open): (bool, Vec<String>) = sqlx::query_as(
        "SELECT rolsuper OR rolbypassrls, ARRAY(
             SELECT name FROM unnest($1::text[]) AS name
             WHERE row_security_active(to_regclass(name)) IS NOT TRUE ORDER BY name COLLATE \"C\"
         ) FROM pg_roles WHERE rolname = current_user",
    )
    .bind(TABLES)
    .fetch_one(&mut *tx)
    .await
    .map_err(failed)?;
    Ok(match (passes, open.is_empty()) {
        (true, _) => TenantWall::RolePasses,
        (false, true) => TenantWall::Stands,
        (false, false) => TenantWall::TablesOpen(open),
    })
}
