//! A run's row.

use directory_core::Counts;
use store::{Run, StoreError};

use crate::decode::Place;

#[derive(sqlx::FromRow)]
pub(super) struct RunRow {
    id: String,
    tenant_id: String,
    connection_id: String,
    status: String,
    phase: Option<String>,
    mode: String,
    mode_reason: Option<String>,
    trigger: String,
    dry_run: bool,
    draft: Option<String>,
    #[sqlx(flatten)]
    counts: CountsRow,
    planned_changes: Option<i64>,
    applied_changes: i64,
    exceptions: i64,
    plan_digest: Option<String>,
    hold: String,
    error: Option<String>,
    not_before: Option<String>,
    created_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
    changes_deleted_at: Option<String>,
    pub(super) plan_complete: bool,
    claims: i64,
}

#[derive(sqlx::FromRow)]
struct CountsRow {
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
}

/// What [`RunRow`] reads.
macro_rules! run_columns {
    () => {
        r#"id, tenant_id, connection_id, status, phase, mode, mode_reason, "trigger", dry_run, draft, seen, created, updated, linked,
         deactivated, reactivated, unchanged, excluded, protected, conflicts, planned_changes, applied_changes,
         exceptions, plan_digest, hold, error, created_at, started_at, finished_at, changes_deleted_at, plan_complete,
         claims, CASE WHEN sync_runs.status = 'queued' AND NOT sync_runs.plan_complete THEN (
             SELECT max(p.not_before) FROM connections AS c JOIN directory_pauses AS p ON p.tenant_id = c.tenant_id
                 AND p.provider = c.provider AND p.cloud = c.cloud AND p.directory_id = c.directory_id
             WHERE c.tenant_id = sync_runs.tenant_id AND c.id = sync_runs.connection_id
         ) END AS not_before"#
    };
}
pub(super) use run_columns;

impl CountsRow {
    fn read(&self, place: Place<'_>) -> Result<Counts, StoreError> {
        Ok(Counts {
            seen: place.number("seen", self.seen)?,
            created: place.number("created", self.created)?,
            updated: place.number("updated", self.updated)?,
            linked: place.number("linked", self.linked)?,
            deactivated: place.number("deactivated", self.deactivated)?,
            reactivated: place.number("reactivated", self.reactivated)?,
            unchanged: place.number("unchanged", self.unchanged)?,
            excluded: place.number("excluded", self.excluded)?,
            protected: place.number("protected", self.protected)?,
            conflicts: place.number("conflicts", self.conflicts)?,
        })
    }
}

impl RunRow {
    pub(super) fn attempt(&self) -> Result<u32, StoreError> {
        Place { table: "sync_runs", row: &self.id }.number("claims", self.claims)
    }
}

impl TryFrom<RunRow> for Run {
    type Error = StoreError;

    fn try_from(row: RunRow) -> Result<Self, StoreError> {
        let place = Place { table: "sync_runs", row: &row.id };
        Ok(Self {
            id: place.id("id", &row.id)?,
            tenant: place.id("tenant_id", &row.tenant_id)?,
            connection: place.id("connection_id", &row.connection_id)?,
            status: place.word("status", &row.status)?,
            phase: row.phase.as_deref().map(|phase| place.word("phase", phase)).transpose()?,
            mode: place.word("mode", &row.mode)?,
            mode_reason: row.mode_reason.as_deref().map(|reason| place.word("mode_reason", reason)).transpose()?,
            trigger: place.word("trigger", &row.trigger)?,
            draft: row.draft.as_deref().map(|draft| place.json("draft", draft)).transpose()?,
            counts: row.counts.read(place)?,
            planned_changes: row.planned_changes.map(|n| place.number("planned_changes", n)).transpose()?,
            applied_changes: place.number("applied_changes", row.applied_changes)?,
            exceptions: place.number("exceptions", row.exceptions)?,
            hold: place.json("hold", &row.hold)?,
            error: row.error.as_deref().map(|error| place.json("error", error)).transpose()?,
            not_before: place.time_if_any("not_before", row.not_before.as_deref())?,
            created_at: place.time("created_at", &row.created_at)?,
            started_at: place.time_if_any("started_at", row.started_at.as_deref())?,
            finished_at: place.time_if_any("finished_at", row.finished_at.as_deref())?,
            changes_deleted_at: place.time_if_any("changes_deleted_at", row.changes_deleted_at.as_deref())?,
            dry_run: row.dry_run,
            plan_digest: row.plan_digest,
        })
    }
}
