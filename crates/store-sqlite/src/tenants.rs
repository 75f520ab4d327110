//! Tenants.

use async_trait::async_trait;
use directory_core::TenantId;
use store::{Actor, AuditRecord, NewTenant, StoreError, Tenant, Tenants, UniqueKey};

use crate::{
    SqliteStore, audit,
    decode::{Place, stored_id},
    error::failed,
};

#[derive(sqlx::FromRow)]
struct TenantRow {
    id: String,
    slug: String,
    name: String,
    created_at: String,
}

impl TryFrom<TenantRow> for Tenant {
    type Error = StoreError;

    fn try_from(row: TenantRow) -> Result<Self, StoreError> {
        let place = Place { table: "tenants", row: &row.id };
        Ok(Self {
            id: place.id("id", &row.id)?,
            created_at: place.time("created_at", &row.created_at)?,
            slug: row.slug,
            name: row.name,
        })
    }
}

#[async_trait]
impl Tenants for SqliteStore {
    async fn create_tenant(&self, by: &Actor, tenant: &NewTenant) -> Result<Tenant, StoreError> {
        let mut tx = self.write().await?;
        // Only the slug's conflict is passed over; any other is an error.
        let row: Option<TenantRow> = sqlx::query_as(
            "INSERT INTO tenants (id, slug, name) VALUES (?1, ?2, ?3) ON CONFLICT (slug) DO NOTHING
             RETURNING id, slug, name, created_at",
        )
        .bind(stored_id(tenant.id.0))
        .bind(&tenant.slug)
        .bind(&tenant.name)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
        let tenant = Tenant::try_from(row.ok_or(StoreError::Conflict(UniqueKey::TenantSlug))?)?;
        audit::note(&mut tx, by, &AuditRecord::tenant_created(&tenant)).await?;
        tx.commit().await.map_err(failed)?;
        Ok(tenant)
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        sqlx::query_as::<_, TenantRow>("SELECT id, slug, name, created_at FROM tenants WHERE id = ?1")
            .bind(stored_id(id.0))
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?
            .map(Tenant::try_from)
            .transpose()
    }

    async fn tenant_by_slug(&self, slug: &str) -> Result<Option<Tenant>, StoreError> {
        sqlx::query_as::<_, TenantRow>("SELECT id, slug, name, created_at FROM tenants WHERE slug = ?1")
            .bind(slug)
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?
            .map(Tenant::try_from)
            .transpose()
    }

    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        sqlx::query_as::<_, TenantRow>("SELECT id, slug, name, created_at FROM tenants ORDER BY slug")
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?
            .into_iter()
            .map(Tenant::try_from)
            .collect()
    }
}
