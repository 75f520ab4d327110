//! Sealed credentials, apart from the connections that they belong to.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, TenantId};
use sqlx::SqlitePool;
use store::{Actor, AuditRecord, NewCredential, SealedCredential, StoreError, UpdatedConnection};

use super::row::{ConnectionRow, connection_columns, find};
use crate::{
    SqliteStore, audit,
    decode::{Place, stored_id, stored_time},
    error::failed,
    sql::now,
};

#[derive(sqlx::FromRow)]
struct SealedRow {
    tenant_id: String,
    id: String,
    credential_kind: String,
    sealed_credential: Vec<u8>,
}

impl TryFrom<SealedRow> for SealedCredential {
    type Error = StoreError;

    fn try_from(row: SealedRow) -> Result<Self, StoreError> {
        let place = Place { table: "connections", row: &row.id };
        Ok(Self {
            tenant: place.id("tenant_id", &row.tenant_id)?,
            connection: place.id("id", &row.id)?,
            kind: place.word("credential_kind", &row.credential_kind)?,
            sealed: row.sealed_credential,
        })
    }
}

pub(super) async fn read(
    reader: &SqlitePool,
    tenant: TenantId,
    id: ConnectionId,
) -> Result<Option<SealedCredential>, StoreError> {
    sqlx::query_as::<_, SealedRow>(
        "SELECT tenant_id, id, credential_kind, sealed_credential FROM connections WHERE tenant_id = ?1 AND id = ?2",
    )
    .bind(stored_id(tenant.0))
    .bind(stored_id(id.0))
    .fetch_optional(reader)
    .await
    .map_err(failed)?
    .map(SealedCredential::try_from)
    .transpose()
}

pub(super) async fn set(
    store: &SqliteStore,
    by: &Actor,
    tenant: TenantId,
    id: ConnectionId,
    seen: DateTime<Utc>,
    credential: &NewCredential,
    works: bool,
) -> Result<UpdatedConnection, StoreError> {
    let mut tx = store.write().await?;
    let Some(current) = find(&mut *tx, tenant, id).await? else { return Ok(UpdatedConnection::NoConnection) };
    if current.updated_at != seen {
        return Ok(UpdatedConnection::Moved);
    }
    let row: ConnectionRow = sqlx::query_as(concat!(
        "UPDATE connections SET credential_kind = ?3, sealed_credential = ?4, credential_expires_at = ?5,
             state_reason = iif(?6 AND state = 'quarantined', NULL, state_reason),
             state = iif(?6 AND state = 'quarantined', 'active', state),
             quarantined_at = iif(?6, NULL, quarantined_at), next_sync_at = ?7, credential_updated_at = ",
        now!(),
        ", updated_at = max(strftime('%Y-%m-%dT%H:%M:%fZ', updated_at, '+0.001 seconds'), ",
        now!(),
        ") WHERE tenant_id = ?1 AND id = ?2 RETURNING ",
        connection_columns!()
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(id.0))
    .bind(credential.kind.as_str())
    .bind(&credential.sealed)
    .bind(credential.expires_at.map(stored_time))
    .bind(works)
    .bind(current.next_sync_with(works, store.clock.now()).map(stored_time))
    .fetch_one(&mut *tx)
    .await
    .map_err(failed)?;
    let updated = row.try_into()?;
    audit::note(&mut tx, by, &AuditRecord::credential_set(&current, &updated)).await?;
    tx.commit().await.map_err(failed)?;
    Ok(UpdatedConnection::Done(Box::new(updated)))
}

/// The one walk that is over all tenants: the keys are the installation's.
pub(super) async fn page(
    reader: &SqlitePool,
    after: Option<(TenantId, ConnectionId)>,
    limit: u32,
) -> Result<Vec<SealedCredential>, StoreError> {
    let (tenant, connection) = after.map(|(tenant, id)| (stored_id(tenant.0), stored_id(id.0))).unwrap_or_default();
    sqlx::query_as::<_, SealedRow>(
        "SELECT tenant_id, id, credential_kind, sealed_credential FROM connections
         WHERE (tenant_id, id) > (?1, ?2) ORDER BY tenant_id, id LIMIT ?3",
    )
    .bind(tenant)
    .bind(connection)
    .bind(limit)
    .fetch_all(reader)
    .await
    .map_err(failed)?
    .into_iter()
    .map(SealedCredential::try_from)
    .collect()
}

pub(super) async fn reseal(
    store: &SqliteStore,
    by: &Actor,
    read: &SealedCredential,
    sealed: &[u8],
) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let done = sqlx::query(
        "UPDATE connections SET sealed_credential = ?4
         WHERE tenant_id = ?1 AND id = ?2 AND sealed_credential = ?3 AND credential_kind = ?5",
    )
    .bind(stored_id(read.tenant.0))
    .bind(stored_id(read.connection.0))
    .bind(&read.sealed)
    .bind(sealed)
    .bind(read.kind.as_str())
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    audit::note(&mut tx, by, &AuditRecord::credential_resealed(read.tenant, read.connection)).await?;
    tx.commit().await.map_err(failed)?;
    Ok(true)
}
