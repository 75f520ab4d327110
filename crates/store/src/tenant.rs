//! Tenants.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::TenantId;

use crate::{Actor, StoreError};

/// One customer of the product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Primary key.
    pub id: TenantId,
    /// Unique short name: lower-case letters, digits and hyphens.
    pub slug: String,
    /// Name to show.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A tenant to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTenant {
    /// Primary key.
    pub id: TenantId,
    /// See [`Tenant::slug`].
    pub slug: String,
    /// Name to show.
    pub name: String,
}

/// The tenants.
#[async_trait]
pub trait Tenants: Send + Sync {
    /// Makes a tenant. [`StoreError::Conflict`] when the slug is in use.
    async fn create_tenant(&self, by: &Actor, tenant: &NewTenant) -> Result<Tenant, StoreError>;

    /// The tenant of an id.
    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError>;

    /// The tenant of a slug.
    async fn tenant_by_slug(&self, slug: &str) -> Result<Option<Tenant>, StoreError>;

    /// Every tenant, by slug.
    async fn tenants(&self) -> Result<Vec<Tenant>, StoreError>;
}
