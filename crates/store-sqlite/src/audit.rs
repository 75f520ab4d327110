//! The audit log.

use async_trait::async_trait;
use directory_core::TenantId;
use sqlx::SqliteConnection;
use store::{Actor, Audit, AuditAction, AuditEntry, AuditFilter, AuditRecord, IdPage, StoreError, Subject};
use uuid::Uuid;

use crate::{
    SqliteStore,
    decode::{Place, descending, stored_id, to_json},
    error::failed,
};

/// Writes an entry, in the transaction of the change that it tells of.
pub(crate) async fn note(
    connection: &mut SqliteConnection,
    by: &Actor,
    record: &AuditRecord,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit_entries (tenant_id, id, actor_kind, actor_id, actor_name, request_id, action, subject_kind,
             subject_id, before, after)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )
    .bind(stored_id(record.tenant.0))
    .bind(stored_id(Uuid::now_v7()))
    .bind(by.kind.as_str())
    .bind(&by.id)
    .bind(&by.name)
    .bind(&by.request)
    .bind(record.action.as_str())
    .bind(&record.subject.kind)
    .bind(&record.subject.id)
    .bind(record.before.as_ref().map(to_json).transpose()?)
    .bind(record.after.as_ref().map(to_json).transpose()?)
    .execute(connection)
    .await
    .map(drop)
    .map_err(failed)
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    tenant_id: String,
    id: String,
    at: String,
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
            id: place.id("id", &row.id)?,
            tenant: place.id("tenant_id", &row.tenant_id)?,
            at: place.time("at", &row.at)?,
            before: row.before.map(|members| place.json("before", &members)).transpose()?,
            after: row.after.map(|members| place.json("after", &members)).transpose()?,
            actor: Actor {
                kind: place.word("actor_kind", &row.actor_kind)?,
                id: row.actor_id,
                name: row.actor_name,
                request: row.request_id,
            },
            action: row.action,
            subject: Subject { kind: row.subject_kind, id: row.subject_id },
        })
    }
}

/// Which entries, whatever their subject.
macro_rules! entries {
    () => {
        "SELECT tenant_id, id, at, actor_kind, actor_id, actor_name, request_id, action, subject_kind, subject_id, before,
             after
         FROM audit_entries
         WHERE tenant_id = ?1 AND id < ?2 AND (?3 IS NULL OR action = ?3) AND (?4 IS NULL OR actor_id = ?4) AND "
    };
}

#[async_trait]
impl Audit for SqliteStore {
    async fn audit_entries(
        &self,
        tenant: TenantId,
        filter: &AuditFilter,
        page: IdPage,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        // A statement is planned without its parameters, so a subject needs its own to be looked up by its index.
        let sql = if filter.subject.is_some() {
            concat!(entries!(), "subject_id = ?6 ORDER BY id DESC LIMIT ?5")
        } else {
            concat!(entries!(), "?6 IS NULL ORDER BY id DESC LIMIT ?5")
        };
        sqlx::query_as::<_, EntryRow>(sql)
            .bind(stored_id(tenant.0))
            .bind(descending(page.after))
            .bind(filter.action.map(AuditAction::as_str))
            .bind(&filter.actor)
            .bind(page.limit)
            .bind(&filter.subject)
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?
            .into_iter()
            .map(AuditEntry::try_from)
            .collect()
    }
}
