//! Tenants.

use chrono::{DateTime, Utc};
use directory_core::TenantId;
use http_api::model::ListView;
use serde::Serialize;
use store::Tenant;

use crate::table::{Table, time};

/// A tenant.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TenantView {
    id: TenantId,
    slug: String,
    name: String,
    created_at: DateTime<Utc>,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        Self { id: tenant.id, slug: tenant.slug, name: tenant.name, created_at: tenant.created_at }
    }
}

pub(crate) fn one(tenant: &TenantView) -> Table {
    let mut table = Table::facts();
    table
        .fact("ID", tenant.id.to_string())
        .fact("Slug", tenant.slug.clone())
        .fact("Name", tenant.name.clone())
        .fact("Made", time(tenant.created_at));
    table
}

pub(crate) fn list(tenants: &ListView<TenantView>) -> Table {
    let mut table = Table::list(["ID", "SLUG", "NAME", "MADE"]);
    for tenant in &tenants.items {
        table.row([tenant.id.to_string(), tenant.slug.clone(), tenant.name.clone(), time(tenant.created_at)]);
    }
    table
}
