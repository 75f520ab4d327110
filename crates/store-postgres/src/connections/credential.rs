//! Sealed credentials, apart from the connections that they belong to.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, TenantId};
use store::{Actor, AuditRecord, NewCredential, SealedCredential, StoreError, UpdatedConnection};
use uuid::Uuid;

use super::{ConnectionRow, columns, lock};
use crate::{
    access::Access,
    audit,
    decode::Place,
    error::{Fault, failed},
};

#[derive(sqlx::FromRow)]
struct SealedRow {
    tenant_id: Uuid,
    id: Uuid,
    credential_kind: String,
    sealed_credential: Vec<u8>,
}

impl TryFrom<SealedRow> for SealedCredential {
    type Error = StoreError;

    fn try_from(row: SealedRow) -> Result<Self, StoreError> {
        let place = Place { table: "connections", row: &row.id };
        Ok(Self {
            tenant: TenantId(row.tenant_id),
            connection: ConnectionId(row.id),
            kind: place.word("credential_kind", &row.credential_kind)?,
            sealed: row.sealed_credential,
        })
    }
}

pub(super) async fn read(
    access: &Access,
    tenant: TenantId,
    id: ConnectionId,
) -> Result<Option<SealedCredential>, StoreError> {
    let mut tx = access.tenant(tenant).await.map_err(failed)?;
    sqlx::query_as::<_, SealedRow>(
        "SELECT tenant_id, id, credential_kind, sealed_credential FROM connections WHERE tenant_id = $1 AND id = $2",
    )
    .bind(tenant.0)
    .bind(id.0)
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed)?
    .map(SealedCredential::try_from)
    .transpose()
}

pub(super) async fn set(
    access: &Access,
    by: &Actor,
    tenant: TenantId,
    id: ConnectionId,
    seen: DateTime<Utc>,
    credential: &NewCredential,
    works: bool,
) -> Result<UpdatedConnection, Fault> {
    let mut tx = access.tenant(tenant).await?;
    let Some(current) = lock(&mut tx, tenant, id).await? else { return Ok(UpdatedConnection::NoConnection) };
    if current.updated_at != seen {
        return Ok(UpdatedConnection::Moved);
    }
    let row: ConnectionRow = sqlx::query_as(concat!(
        "UPDATE connections SET credential_kind = $3, sealed_credential = $4, credential_expires_at = $5,
             state = CASE WHEN $6 AND state = 'quarantined' THEN 'active' ELSE state END,
             state_reason = CASE WHEN $6 AND state = 'quarantined' THEN NULL ELSE state_reason END,
             quarantined_at = CASE WHEN $6 THEN NULL ELSE quarantined_at END, next_sync_at = $7,
             credential_updated_at = now(), updated_at = GREATEST(now(), updated_at + interval '1 millisecond')
         WHERE tenant_id = $1 AND id = $2 RETURNING ",
        columns!()
    ))
    .bind(tenant.0)
    .bind(id.0)
    .bind(credential.kind.as_str())
    .bind(&credential.sealed)
    .bind(credential.expires_at)
    .bind(works)
    .bind(current.next_sync_with(works, access.now()))
    .fetch_one(&mut *tx)
    .await?;
    let updated = row.try_into()?;
    audit::note(&mut tx, by, &AuditRecord::credential_set(&current, &updated)).await?;
    tx.commit().await?;
    Ok(UpdatedConnection::Done(Box::new(updated)))
}

/// The one walk that is over all tenants: the keys are the installation's.
pub(super) async fn page(
    access: &Access,
    after: Option<(TenantId, ConnectionId)>,
    limit: u32,
) -> Result<Vec<SealedCredential>, StoreError> {
    let mut tx = access.across_tenants().await.map_err(failed)?;
    let (tenant, connection) = after.map_or((Uuid::nil(), Uuid::nil()), |(tenant, id)| (tenant.0, id.0));
    sqlx::query_as::<_, SealedRow>(
        "SELECT tenant_id, id, credential_kind, sealed_credential FROM connections
         WHERE (tenant_id, id) > ($1, $2) ORDER BY tenant_id, id LIMIT $3",
    )
    .bind(tenant)
    .bind(connection)
    .bind(i64::from(limit))
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?
    .into_iter()
    .map(SealedCredential::try_from)
    .collect()
}

pub(super) async fn reseal(
    access: &Access,
    by: &Actor,
    read: &SealedCredential,
    sealed: &[u8],
) -> Result<bool, sqlx::Error> {
    let mut tx = access.tenant(read.tenant).await?;
    let done = sqlx::query(
        "UPDATE connections SET sealed_credential = $4
         WHERE tenant_id = $1 AND id = $2 AND sealed_credential = $3 AND credential_kind = $5",
    )
    .bind(read.tenant.0)
    .bind(read.connection.0)
    .bind(&read.sealed)
    .bind(sealed)
    .bind(read.kind.as_str())
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    audit::note(&mut tx, by, &AuditRecord::credential_resealed(read.tenant, read.connection)).await?;
    tx.commit().await?;
    Ok(true)
}
