//! A run's row.

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, Counts, RunId, TenantId};
use sqlx::PgConnection;
use store::{Run, StoreError};
use uuid::Uuid;

use crate::{decode::Place, error::Fault};

#[derive(sqlx::FromRow)]
pub(super) struct RunRow {
    id: Uuid,
    tenant_id: Uuid,
    connection_id: Uuid,
    status: String,
    phase: Option<String>,
    mode: String,
    mode_reason: Option<String>,
    trigger: String,
    dry_run: bool,
    draft: Option<String>,
    seen: i64,
    created: i64,
    updated: i64,
    linked: i64,
    deactivated: i64,
    reactivated: i64,
    unchanged: i64,
    excluded: i64,
    protected: i64,
    conflicts: i64,
    planned_changes: Option<i64>,
    applied_changes: i64,
    exceptions: i64,
    plan_digest: Option<String>,
    hold: String,
    error: Option<String>,
    not_before: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    changes_deleted_at: Option<DateTime<Utc>>,
    pub(super) plan_complete: bool,
    claims: i32,
}

/// What [`RunRow`] reads.
macro_rules! run_columns {
    () => {
        "id, tenant_id, connection_id, status, phase, mode, mode_reason, trigger, dry_run, draft::text AS draft, seen, created, updated, linked,
         deactivated, reactivated, unchanged, excluded, protected, conflicts, planned_changes, applied_changes, exceptions, plan_digest,
         hold::text AS hold, error::text AS error, created_at, started_at, finished_at, changes_deleted_at, plan_complete, claims,
         CASE WHEN sync_runs.status = 'queued' AND NOT sync_runs.plan_complete THEN (
             SELECT max(p.not_before) FROM connections AS c JOIN directory_pauses AS p ON p.tenant_id = c.tenant_id
                 AND p.provider = c.provider AND p.cloud = c.cloud AND p.directory_id = c.directory_id
             WHERE c.tenant_id = sync_runs.tenant_id AND c.id = sync_runs.connection_id
         ) END AS not_before"
    };
}
pub(super) use run_columns;

impl RunRow {
    /// Tenant and id, for when the rest cannot be read.
    pub(super) fn key(&self) -> (Uuid, Uuid) {
        (self.tenant_id, self.id)
    }

    pub(super) fn connection(&self) -> ConnectionId {
        ConnectionId(self.connection_id)
    }

    pub(super) fn attempt(&self) -> Result<u32, StoreError> {
        Place { table: "sync_runs", row: &self.id }.number("claims", i64::from(self.claims))
    }
}

/// A tenant's run, locked for the rest of the transaction.
pub(super) async fn lock(tx: &mut PgConnection, tenant: TenantId, run: RunId) -> Result<Option<Run>, Fault> {
    let row: Option<RunRow> = sqlx::query_as(concat!(
        "SELECT ",
        run_columns!(),
        " FROM sync_runs WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE"
    ))
    .bind(tenant.0)
    .bind(run.0)
    .fetch_optional(tx)
    .await?;
    Ok(row.map(Run::try_from).transpose()?)
}

impl TryFrom<RunRow> for Run {
    type Error = StoreError;

    fn try_from(row: RunRow) -> Result<Self, StoreError> {
        let place = Place { table: "sync_runs", row: &row.id };
        Ok(Self {
            status: place.word("status", &row.status)?,
            phase: row.phase.as_deref().map(|phase| place.word("phase", phase)).transpose()?,
            mode: place.word("mode", &row.mode)?,
            mode_reason: row.mode_reason.as_deref().map(|reason| place.word("mode_reason", reason)).transpose()?,
            trigger: place.word("trigger", &row.trigger)?,
            counts: Counts {
                seen: place.number("seen", row.seen)?,
                created: place.number("created", row.created)?,
                updated: place.number("updated", row.updated)?,
                linked: place.number("linked", row.linked)?,
                deactivated: place.number("deactivated", row.deactivated)?,
                reactivated: place.number("reactivated", row.reactivated)?,
                unchanged: place.number("unchanged", row.unchanged)?,
                excluded: place.number("excluded", row.excluded)?,
                protected: place.number("protected", row.protected)?,
                conflicts: place.number("conflicts", row.conflicts)?,
            },
            planned_changes: row.planned_changes.map(|n| place.number("planned_changes", n)).transpose()?,
            applied_changes: place.number("applied_changes", row.applied_changes)?,
            draft: row.draft.as_deref().map(|draft| place.json("draft", draft)).transpose()?,
            exceptions: place.number("exceptions", row.exceptions)?,
            hold: place.json("hold", &row.hold)?,
            error: row.error.as_deref().map(|error| place.json("error", error)).transpose()?,
            id: RunId(row.id),
            tenant: TenantId(row.tenant_id),
            connection: ConnectionId(row.connection_id),
            dry_run: row.dry_run,
            plan_digest: row.plan_digest,
            not_before: row.not_before,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            changes_deleted_at: row.changes_deleted_at,
        })
    }
}
