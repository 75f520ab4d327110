//! The audit log.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::TenantId;
use sqlx::{PgConnection, types::Json};
use store::{Actor, Audit, AuditAction, AuditEntry, AuditFilter, AuditRecord, IdPage, StoreError, Subject};
use uuid::Uuid;

use crate::{
    PostgresStore,
    decode::{Place, descending, storable},
    error::failed,
};

/// Writes an entry, in the transaction of the change that it tells of.
pub(crate) async fn note(tx: &mut PgConnection, by: &Actor, record: &AuditRecord) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO audit_entries (tenant_id, id, actor_kind, actor_id, actor_name, request_id, action, subject_kind,
             subject_id, before, after)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(record.tenant.0)
    .bind(Uuid::now_v7())
    .bind(by.kind.as_str())
    .bind(by.id.as_deref().map(storable))
    .bind(by.name.as_deref().map(storable))
    .bind(by.request.as_deref().map(storable))
    .bind(record.action.as_str())
    .bind(&record.subject.kind)
    .bind(&record.subject.id)
    .bind(record.before.as_ref().map(Json))
    .bind(record.after.as_ref().map(Json))
    .execute(tx)
    .await
    .map(|_| ())
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    tenant_id: Uuid,
    id: Uuid,
    at: DateTime<Utc>,
    actor_kind: String,
    actor_id: Option<String>,
    actor_name: Option<String>,
    request_id: Option<String>,
    action: String,
    subject_kind: String,
    subject_id: String,
    before: Option<String>,
    after: Option<String>,
}

impl TryFrom<EntryRow> for AuditEntry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        let place = Place { table: "audit_entries", row: &row.id };
        Ok(Self {
            before: row.before.map(|members| place.json("before", &members)).transpose()?,
            after: row.after.map(|members| place.json("after", &members)).transpose()?,
            actor: Actor {
                kind: place.word("actor_kind", &row.actor_kind)?,
                id: row.actor_id,
                name: row.actor_name,
                request: row.request_id,
            },
            id: row.id,
            tenant: TenantId(row.tenant_id),
            at: row.at,
            action: row.action,
            subject: Subject { kind: row.subject_kind, id: row.subject_id },
        })
    }
}

#[async_trait]
impl Audit for PostgresStore {
    async fn audit_entries(
        &self,
        tenant: TenantId,
        filter: &AuditFilter,
        page: IdPage,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        if [&filter.subject, &filter.actor].into_iter().flatten().any(|id| id.contains('\0')) {
            return Ok(Vec::new()); // The server refuses such a text instead of not finding it.
        }
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        sqlx::query_as::<_, EntryRow>(
            "SELECT tenant_id, id, at, actor_kind, actor_id, actor_name, request_id, action, subject_kind, subject_id,
                 before::text AS before, after::text AS after
             FROM audit_entries WHERE tenant_id = $1 AND id < $2
                 AND ($3::text IS NULL OR action = $3)
                 AND ($4::text IS NULL OR actor_id = $4)
                 AND ($5::text IS NULL OR subject_id = $5)
             ORDER BY id DESC LIMIT $6",
        )
        // Knowing which filters are there lets the server choose an index.
        .persistent(false)
        .bind(tenant.0)
        .bind(descending(page.after))
        .bind(filter.action.map(AuditAction::as_str))
        .bind(&filter.actor)
        .bind(&filter.subject)
        .bind(i64::from(page.limit))
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?
        .into_iter()
        .map(AuditEntry::try_from)
        .collect()
    }
}
