//! What is asked about every tenant's connections at once: the server's own questions, and nobody's data.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, TenantId};
use sqlx::SqlitePool;
use store::{CloudInUse, ExpiringCredential, StoreError};

use crate::{
    decode::{Place, stored_id, stored_time},
    error::failed,
};

#[derive(sqlx::FromRow)]
struct ExpiringRow {
    tenant_id: String,
    id: String,
    credential_kind: String,
    credential_expires_at: String,
}

impl TryFrom<ExpiringRow> for ExpiringCredential {
    type Error = StoreError;

    fn try_from(row: ExpiringRow) -> Result<Self, StoreError> {
        let place = Place { table: "connections", row: &row.id };
        Ok(Self {
            tenant: place.id("tenant_id", &row.tenant_id)?,
            connection: place.id("id", &row.id)?,
            kind: place.word("credential_kind", &row.credential_kind)?,
            expires_at: place.time("credential_expires_at", &row.credential_expires_at)?,
        })
    }
}

pub(super) async fn expiring(
    reader: &SqlitePool,
    before: DateTime<Utc>,
    after: Option<(TenantId, ConnectionId)>,
    limit: u32,
) -> Result<Vec<ExpiringCredential>, StoreError> {
    let (tenant, connection) = after.map(|(tenant, id)| (stored_id(tenant.0), stored_id(id.0))).unwrap_or_default();
    sqlx::query_as::<_, ExpiringRow>(
        "SELECT tenant_id, id, credential_kind, credential_expires_at FROM connections
         WHERE (tenant_id, id) > (?1, ?2) AND credential_expires_at <= ?3 ORDER BY tenant_id, id LIMIT ?4",
    )
    .bind(tenant)
    .bind(connection)
    .bind(stored_time(before))
    .bind(limit)
    .fetch_all(reader)
    .await
    .map_err(failed)?
    .into_iter()
    .map(ExpiringCredential::try_from)
    .collect()
}

pub(super) async fn clouds(reader: &SqlitePool) -> Result<Vec<CloudInUse>, StoreError> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT DISTINCT provider, cloud FROM connections ORDER BY provider, cloud")
            .fetch_all(reader)
            .await
            .map_err(failed)?;
    Ok(rows.into_iter().map(|(provider, cloud)| CloudInUse { provider, cloud }).collect())
}
