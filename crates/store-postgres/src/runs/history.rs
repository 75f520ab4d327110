//! Reading runs and their changes.

use directory_core::{ConnectionId, ExternalId, Rival, RunId, TenantId, UserId};
use store::{ChangeFilter, ChangeRecord, IdPage, Outcome, Run, SeqPage, StoreError};
use uuid::Uuid;

use super::row::{RunRow, run_columns};
use crate::{
    access::Access,
    connections,
    decode::{Place, descending},
    error::failed,
};

pub(super) async fn run(access: &Access, tenant: TenantId, id: RunId) -> Result<Option<Run>, StoreError> {
    let mut tx = access.tenant(tenant).await.map_err(failed)?;
    sqlx::query_as::<_, RunRow>(concat!("SELECT ", run_columns!(), " FROM sync_runs WHERE tenant_id = $1 AND id = $2"))
        .bind(tenant.0)
        .bind(id.0)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?
        .map(Run::try_from)
        .transpose()
}

pub(super) async fn runs(
    access: &Access,
    tenant: TenantId,
    connection: ConnectionId,
    page: IdPage,
) -> Result<Vec<Run>, StoreError> {
    let mut tx = access.tenant(tenant).await.map_err(failed)?;
    sqlx::query_as::<_, RunRow>(concat!(
        "SELECT ",
        run_columns!(),
        " FROM sync_runs WHERE tenant_id = $1 AND connection_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4"
    ))
    .bind(tenant.0)
    .bind(connection.0)
    .bind(descending(page.after))
    .bind(i64::from(page.limit))
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Run::try_from)
    .collect()
}

/// The runs of a connection that is there.
pub(crate) async fn history(
    access: &Access,
    tenant: TenantId,
    connection: ConnectionId,
    page: IdPage,
) -> Result<Option<Vec<Run>>, StoreError> {
    let mut tx = access.tenant(tenant).await.map_err(failed)?;
    let rows = sqlx::query_as::<_, RunRow>(concat!(
        "SELECT ",
        run_columns!(),
        " FROM sync_runs WHERE tenant_id = $1 AND connection_id = $2 AND id < $3
              AND EXISTS (SELECT 1 FROM connections WHERE tenant_id = $1 AND id = $2)
          ORDER BY id DESC LIMIT $4"
    ))
    .bind(tenant.0)
    .bind(connection.0)
    .bind(descending(page.after))
    .bind(i64::from(page.limit))
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?;
    // Only of a page without runs it is open whose fault that is.
    if rows.is_empty() && !connections::exists(&mut tx, tenant, connection).await.map_err(failed)? {
        return Ok(None);
    }
    rows.into_iter().map(Run::try_from).collect::<Result<_, _>>().map(Some)
}

pub(super) async fn last_runs(
    access: &Access,
    tenant: TenantId,
    connections: &[ConnectionId],
) -> Result<Vec<Run>, StoreError> {
    let mut tx = access.tenant(tenant).await.map_err(failed)?;
    let connections: Vec<Uuid> = connections.iter().map(|id| id.0).collect();
    // One index probe for each connection, however long its history is.
    sqlx::query_as::<_, RunRow>(concat!(
        "SELECT ",
        run_columns!(),
        " FROM unnest($2::uuid[]) AS wanted (wanted_connection) CROSS JOIN LATERAL (
             SELECT * FROM sync_runs WHERE tenant_id = $1 AND connection_id = wanted_connection
             ORDER BY id DESC LIMIT 1
         ) AS sync_runs"
    ))
    .bind(tenant.0)
    .bind(connections)
    .fetch_all(&mut *tx)
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
    user_id: Option<Uuid>,
    user_version: Option<i64>,
    external_id: Option<String>,
    email: Option<String>,
    before: String,
    after: String,
    code: Option<String>,
    rival_user_id: Option<Uuid>,
    rival_external_id: Option<String>,
}

impl ChangeRow {
    pub(crate) fn into_record(self, run: RunId) -> Result<ChangeRecord, StoreError> {
        let row = format!("{run}/{}", self.seq);
        let place = Place { table: "sync_changes", row: &row };
        let id = |column, id: Option<String>| -> Result<Option<ExternalId>, StoreError> {
            id.map(|id| place.external_id(column, &id)).transpose()
        };
        let rival = Rival {
            user: self.rival_user_id.map(UserId),
            external_id: id("rival_external_id", self.rival_external_id)?,
        };
        Ok(ChangeRecord {
            seq: place.number("seq", self.seq)?,
            action: place.word("action", &self.action)?,
            outcome: place.word("outcome", &self.outcome)?,
            user: self.user_id.map(UserId),
            user_version: self.user_version,
            external_id: id("external_id", self.external_id)?,
            email: self.email,
            before: place.json("before", &self.before)?,
            after: place.json("after", &self.after)?,
            code: self.code.as_deref().map(|code| place.word("code", code)).transpose()?,
            rival: Some(rival).filter(|rival| *rival != Rival::default()),
        })
    }
}

pub(super) async fn changes(
    access: &Access,
    tenant: TenantId,
    run: RunId,
    filter: ChangeFilter,
    page: SeqPage,
) -> Result<Vec<ChangeRecord>, StoreError> {
    let mut tx = access.tenant(tenant).await.map_err(failed)?;
    // Entangled changes are applied before the first of the others, whatever their position. Who rejects a run rejects
    // each of its changes.
    sqlx::query_as::<_, ChangeRow>(
        "SELECT seq, action, outcome, user_id, user_version, external_id, email, before, after, code,
             rival_user_id, rival_external_id
         FROM (
             SELECT c.seq, c.action, c.user_id, c.user_version, c.external_id, c.email, c.before::text AS before,
                 c.after::text AS after, c.code, c.rival_user_id, c.rival_external_id,
                 CASE WHEN c.outcome <> 'planned' OR c.action IN ('conflict', 'protected') THEN c.outcome
                     WHEN r.applied_through >= CASE WHEN c.entangled THEN 0 ELSE c.seq END THEN 'applied'
                     WHEN r.status = 'rejected' THEN 'rejected'
                     ELSE c.outcome END AS outcome
             FROM sync_changes c JOIN sync_runs r ON r.tenant_id = c.tenant_id AND r.id = c.run_id
             WHERE c.tenant_id = $1 AND c.run_id = $2 AND c.seq > $3
         ) AS history
         WHERE ($4::text IS NULL OR action = $4) AND ($5::text IS NULL OR outcome = $5)
         ORDER BY seq LIMIT $6",
    )
    .bind(tenant.0)
    .bind(run.0)
    .bind(i64::from(page.after))
    .bind(filter.action.map(directory_core::Action::as_str))
    .bind(filter.outcome.map(Outcome::as_str))
    .bind(i64::from(page.limit))
    .fetch_all(&mut *tx)
    .await
    .map_err(failed)?
    .into_iter()
    .map(|row| row.into_record(run))
    .collect()
}
