//! Tenants.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::TenantId;
use store::{Actor, AuditRecord, NewTenant, StoreError, Tenant, Tenants, UniqueKey};
use uuid::Uuid;

use crate::{
    PostgresStore, audit,
    error::{failed, violates},
};

#[derive(sqlx::FromRow)]
struct TenantRow {
    id: Uuid,
    slug: String,
    name: String,
    created_at: DateTime<Utc>,
}

impl From<TenantRow> for Tenant {
    fn from(row: TenantRow) -> Self {
        Self { id: TenantId(row.id), slug: row.slug, name: row.name, created_at: row.created_at }
    }
}

#[async_trait]
impl Tenants for PostgresStore {
    async fn create_tenant(&self, by: &Actor, tenant: &NewTenant) -> Result<Tenant, StoreError> {
        let mut tx = self.access.tenant(tenant.id).await.map_err(failed)?;
        let row = sqlx::query_as::<_, TenantRow>(
            "INSERT INTO tenants (id, slug, name) VALUES ($1, $2, $3) RETURNING id, slug, name, created_at",
        )
        .bind(tenant.id.0)
        .bind(&tenant.slug)
        .bind(&tenant.name)
        .fetch_one(&mut *tx)
        .await
        .map_err(|error| {
            if violates(&error, "tenants_slug") { StoreError::Conflict(UniqueKey::TenantSlug) } else { failed(error) }
        })?;
        let made = Tenant::from(row);
        audit::note(&mut tx, by, &AuditRecord::tenant_created(&made)).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(made)
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        let mut tx = self.access.tenant(id).await.map_err(failed)?;
        sqlx::query_as::<_, TenantRow>("SELECT id, slug, name, created_at FROM tenants WHERE id = $1")
            .bind(id.0)
            .fetch_optional(&mut *tx)
            .await
            .map(|row| row.map(Tenant::from))
            .map_err(failed)
    }

    async fn tenant_by_slug(&self, slug: &str) -> Result<Option<Tenant>, StoreError> {
        if slug.contains('\0') {
            return Ok(None); // The server refuses such a text instead of not finding it.
        }
        let look = || {
            sqlx::query_as::<_, TenantRow>("SELECT id, slug, name, created_at FROM tenants WHERE slug = $1").bind(slug)
        };
        self.access.look_across_tenants(look).await.map(|row| row.map(Tenant::from)).map_err(failed)
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        let mut tx = self.access.across_tenants().await.map_err(failed)?;
        sqlx::query_as::<_, TenantRow>(r#"SELECT id, slug, name, created_at FROM tenants ORDER BY slug COLLATE "C""#)
            .fetch_all(&mut *tx)
            .await
            .map(|rows| rows.into_iter().map(Tenant::from).collect())
            .map_err(failed)
    }
}
