//! What is asked about every tenant's connections at once: the server's own questions, and nobody's data.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, TenantId};
use store::{CloudInUse, ExpiringCredential, StoreError};
use uuid::Uuid;

use crate::{access::Access, decode::Place, error::failed};

#[derive(sqlx::FromRow)]
struct ExpiringRow {
    tenant_id: Uuid,
    id: Uuid,
    credential_kind: String,
    credential_expires_at: DateTime<Utc>,
}

impl TryFrom<ExpiringRow> for ExpiringCredential {
    type Error = StoreError;

    fn try_from(row: ExpiringRow) -> Result<Self, StoreError> {
        let place = Place { table: "connections", row: &row.id };
        Ok(Self {
            tenant: TenantId(row.tenant_id),
            connection: ConnectionId(row.id),
            kind: place.word("credential_kind", &row.credential_kind)?,
            expires_at: row.credential_expires_at,
        })
    }
}

pub(super) async fn expiring(
    access: &Access,
    before: DateTime<Utc>,
    after: Option<(TenantId, ConnectionId)>,
    limit: u32,
) -> Result<Vec<ExpiringCredential>, StoreError> {
    let mut tx = access.across_tenants().await.map_err(failed)?;
    let (tenant, connection) = after.map_or((Uuid::nil(), Uuid::nil()), |(tenant, id)| (tenant.0, id.0));
    sqlx::query_as::<_, ExpiringRow>(
        "SELECT tenant_id, id, credential_kind, credential_expires_at FROM connections
         WHERE (tenant_id, id) > ($1, $2) AND credential_expires_at <= $3 ORDER BY tenant_id, id LIMIT $4",
    )
    .bind(tenant)
    .bind(connection)
    .bind(before)
    .bind(i64::from(limit))
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?
    .into_iter()
    .map(ExpiringCredential::try_from)
    .collect()
}

pub(super) async fn clouds(access: &Access) -> Result<Vec<CloudInUse>, StoreError> {
    let mut tx = access.across_tenants().await.map_err(failed)?;
    // By bytes, as everywhere, and not by the language of the database.
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT DISTINCT provider COLLATE \"C\" AS provider, cloud COLLATE \"C\" AS cloud FROM connections
         ORDER BY provider, cloud",
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?;
    Ok(rows.into_iter().map(|(provider, cloud)| CloudInUse { provider, cloud }).collect())
}
