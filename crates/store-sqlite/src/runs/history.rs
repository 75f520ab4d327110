//! Reading runs and their changes.

use directory_core::{Action, ConnectionId, Rival, RunId, TenantId};
use sqlx::{SqliteExecutor, SqlitePool};
use store::{ChangeFilter, ChangeRecord, IdPage, Outcome, Run, SeqPage, StoreError};

use super::row::{RunRow, run_columns};
use crate::{
    decode::{Place, descending, stored_id, to_json},
    error::failed,
    sql::to_apply,
};

/// A tenant's run, inside a transaction or outside.
pub(super) async fn run(
    executor: impl SqliteExecutor<'_>,
    tenant: TenantId,
    id: RunId,
) -> Result<Option<Run>, StoreError> {
    sqlx::query_as::<_, RunRow>(concat!("SELECT ", run_columns!(), " FROM sync_runs WHERE tenant_id = ?1 AND id = ?2"))
        .bind(stored_id(tenant.0))
        .bind(stored_id(id.0))
        .fetch_optional(executor)
        .await
        .map_err(failed)?
        .map(Run::try_from)
        .transpose()
}

pub(super) async fn runs(
    reader: &SqlitePool,
    tenant: TenantId,
    connection: ConnectionId,
    page: IdPage,
) -> Result<Vec<Run>, StoreError> {
    sqlx::query_as::<_, RunRow>(concat!(
        "SELECT ",
        run_columns!(),
        " FROM sync_runs WHERE tenant_id = ?1 AND connection_id = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4"
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(connection.0))
    .bind(descending(page.after))
    .bind(page.limit)
    .fetch_all(reader)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Run::try_from)
    .collect()
}

pub(super) async fn last_runs(
    reader: &SqlitePool,
    tenant: TenantId,
    connections: &[ConnectionId],
) -> Result<Vec<Run>, StoreError> {
    sqlx::query_as::<_, RunRow>(concat!(
        "SELECT ",
        run_columns!(),
        " FROM sync_runs WHERE tenant_id = ?1 AND id IN (
             SELECT (SELECT max(id) FROM sync_runs WHERE tenant_id = ?1 AND connection_id = value)
             FROM json_each(?2)
         )"
    ))
    .bind(stored_id(tenant.0))
    .bind(to_json(connections)?)
    .fetch_all(reader)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Run::try_from)
    .collect()
}

#[derive(sqlx::FromRow)]
pub(crate) struct ChangeRow {
    seq: i64,
    action: String,
    outcome: String,
    user_id: Option<String>,
    user_version: Option<i64>,
    external_id: Option<String>,
    email: Option<String>,
    before: String,
    after: String,
    code: Option<String>,
    rival_user_id: Option<String>,
    rival_external_id: Option<String>,
}

impl ChangeRow {
    pub(crate) fn read(self, run: RunId) -> Result<ChangeRecord, StoreError> {
        let row = format!("{run}/{}", self.seq);
        let place = Place { table: "sync_changes", row: &row };
        let rival = Rival {
            user: self.rival_user_id.map(|id| place.id("rival_user_id", &id)).transpose()?,
            external_id: self.rival_external_id.map(|id| place.external_id("rival_external_id", &id)).transpose()?,
        };
        Ok(ChangeRecord {
            seq: place.number("seq", self.seq)?,
            action: place.word("action", &self.action)?,
            outcome: place.word("outcome", &self.outcome)?,
            user: self.user_id.map(|id| place.id("user_id", &id)).transpose()?,
            user_version: self.user_version,
            external_id: self.external_id.map(|id| place.external_id("external_id", &id)).transpose()?,
            email: self.email,
            before: place.json("before", &self.before)?,
            after: place.json("after", &self.after)?,
            code: self.code.map(|code| place.word("code", &code)).transpose()?,
            rival: (rival != Rival::default()).then_some(rival),
        })
    }
}

/// What became of a change: what is written down, or else how far the run has come and how it ended.
macro_rules! outcome {
    () => {
        concat!(
            "CASE WHEN ",
            to_apply!(),
            " AND r.applied_through >= iif(c.entangled, 0, c.seq) THEN 'applied' WHEN r.status = 'rejected' AND ",
            to_apply!(),
            " THEN 'rejected' ELSE c.outcome END"
        )
    };
}

pub(super) async fn changes(
    reader: &SqlitePool,
    tenant: TenantId,
    run: RunId,
    filter: ChangeFilter,
    page: SeqPage,
) -> Result<Vec<ChangeRecord>, StoreError> {
    sqlx::query_as::<_, ChangeRow>(concat!(
        "SELECT c.seq, c.action, ",
        outcome!(),
        " AS outcome, c.user_id, c.user_version, c.external_id, c.email, c.before, c.after, c.code,
             c.rival_user_id, c.rival_external_id
         FROM sync_runs r JOIN sync_changes c ON c.tenant_id = r.tenant_id AND c.run_id = r.id
         WHERE r.tenant_id = ?1 AND r.id = ?2 AND c.seq > ?3
             AND (?4 IS NULL OR c.action = ?4) AND (?5 IS NULL OR ",
        outcome!(),
        " = ?5) ORDER BY c.seq LIMIT ?6"
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(run.0))
    .bind(page.after)
    .bind(filter.action.map(Action::as_str))
    .bind(filter.outcome.map(Outcome::as_str))
    .bind(page.limit)
    .fetch_all(reader)
    .await
    .map_err(failed)?
    .into_iter()
    .map(|row| row.read(run))
    .collect()
}
