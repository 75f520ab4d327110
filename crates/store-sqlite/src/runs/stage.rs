//! The staged plan: adding to it, correcting it, dropping it.

use std::collections::{BTreeMap, BTreeSet};

use directory_core::{Amendment, ChangeCode, ExternalId, RunId, TenantId, UserId, Values};
use serde::Serialize;
use sqlx::{SqliteConnection, sqlite::SqliteQueryResult};
use store::{Lease, NewChange, StagedPage, StoreError};

use super::lease::verify;
use crate::{
    SqliteStore,
    decode::{stored_id, to_json},
    error::{defect, expect_rows, failed},
    sql::held_by_lease,
};

/// A change as the inserting statement reads it.
#[derive(Serialize)]
struct StagedRow<'a> {
    seq: u32,
    action: &'static str,
    user: Option<UserId>,
    version: Option<i64>,
    external_id: Option<&'a str>,
    email: Option<&'a str>,
    before: &'a Values,
    after: &'a Values,
    code: Option<&'static str>,
    rival_user: Option<UserId>,
    rival_external_id: Option<&'a str>,
    deactivates: bool,
}

impl<'a> From<&'a NewChange> for StagedRow<'a> {
    fn from(new: &'a NewChange) -> Self {
        let change = &new.change;
        Self {
            seq: change.seq,
            action: change.action.as_str(),
            user: change.target.map(|target| target.user).or(new.new_user),
            version: change.target.map(|target| target.version),
            external_id: change.external_id.as_ref().map(ExternalId::as_str),
            email: change.email.as_deref(),
            before: &change.before,
            after: &change.after,
            code: change.code.map(ChangeCode::as_str),
            rival_user: change.rival.as_ref().and_then(|rival| rival.user),
            rival_external_id: change
                .rival
                .as_ref()
                .and_then(|rival| rival.external_id.as_ref())
                .map(ExternalId::as_str),
            deactivates: change.deactivates,
        }
    }
}

pub(super) async fn stage(store: &SqliteStore, lease: &Lease, page: &StagedPage) -> Result<(), StoreError> {
    // Written out before the lock is taken, which others may be waiting for.
    let rows: Vec<StagedRow<'_>> = page.changes.iter().map(StagedRow::from).collect();
    let (rows, retracted) = (to_json(&rows)?, to_json(&page.retracted)?);
    let mut tx = store.write().await?;
    verify(&mut tx, lease).await?;
    if !page.retracted.is_empty() {
        write(
            &mut tx,
            "DELETE FROM sync_changes
             WHERE tenant_id = ?1 AND run_id = ?2 AND seq IN (SELECT value FROM json_each(?3))",
            lease,
            &retracted,
        )
        .await?;
    }
    if !page.changes.is_empty() {
        write(&mut tx, INSERT, lease, &rows).await?;
    }
    tx.commit().await.map_err(failed)
}

/// The whole page in one statement. `->` keeps JSON as it is written, `->>` reads a value out of it. With `json_each` a
/// change would be written out again for each column that is read of it; `jsonb_each` hands on what it has parsed.
const INSERT: &str = "
    INSERT INTO sync_changes (tenant_id, run_id, seq, action, user_id, user_version, external_id, email, before, after,
        code, rival_user_id, rival_external_id, deactivates)
    SELECT ?1, ?2, value ->> 'seq', value ->> 'action', value ->> 'user', value ->> 'version', value ->> 'external_id',
        value ->> 'email', value -> 'before', value -> 'after', value ->> 'code', value ->> 'rival_user',
        value ->> 'rival_external_id', value ->> 'deactivates'
    FROM jsonb_each(?3)";

/// Executes a statement over many rows: `?1` is the tenant, `?2` the run, `?3` a JSON array.
async fn write(
    connection: &mut SqliteConnection,
    sql: &'static str,
    lease: &Lease,
    rows: &str,
) -> Result<SqliteQueryResult, StoreError> {
    sqlx::query(sql)
        .bind(stored_id(lease.tenant.0))
        .bind(stored_id(lease.run.0))
        .bind(rows)
        .execute(connection)
        .await
        .map_err(failed)
}

/// Amendments of one kind each, as the statements read them.
#[derive(Default)]
struct Amendments {
    /// By new action and reason. There are few of these pairs, so each can be a statement of its own.
    refuse: BTreeMap<(&'static str, &'static str), Vec<u32>>,
    /// Of those that are refused because of another change.
    rivals: Vec<RivalRow>,
    split: Vec<SplitRow>,
    /// A change can be entangled with several others.
    entangle: BTreeSet<u32>,
}

#[derive(Serialize)]
struct RivalRow {
    seq: u32,
    rival: u32,
}

#[derive(Serialize)]
struct SplitRow {
    seq: u32,
    conflict_seq: u32,
    code: &'static str,
    rival: Option<u32>,
}

impl Amendments {
    fn sort(amendments: &[Amendment]) -> Self {
        let mut sorted = Self::default();
        for amendment in amendments {
            match *amendment {
                Amendment::Refuse { seq, action, code, rival } => {
                    sorted.rivals.extend(rival.map(|rival| RivalRow { seq, rival }));
                    sorted.refuse.entry((action.as_str(), code.as_str())).or_default().push(seq);
                }
                Amendment::SplitEmail { seq, conflict_seq, code, rival } => {
                    sorted.split.push(SplitRow { seq, conflict_seq, code: code.as_str(), rival });
                }
                Amendment::Entangle { seq } => {
                    sorted.entangle.insert(seq);
                }
            }
        }
        sorted
    }
}

pub(super) async fn amend(store: &SqliteStore, lease: &Lease, amendments: &[Amendment]) -> Result<(), StoreError> {
    let Amendments { refuse, rivals, split, entangle } = Amendments::sort(amendments);
    let mut tx = store.write().await?;
    verify(&mut tx, lease).await?;
    // What is read of a rival is what was staged, so this comes before anything of it is rewritten.
    let rows = to_json(&split)?;
    let conflicts = write(&mut tx, SPLIT_OFF, lease, &rows).await?;
    expect_rows("splitting addresses off", split.len() as u64, conflicts.rows_affected())?;
    let named = write(&mut tx, NAME_RIVALS, lease, &to_json(&rivals)?).await?;
    expect_rows("naming rivals", rivals.len() as u64, named.rows_affected())?;

    for ((action, code), seqs) in refuse {
        refuse_as(&mut tx, lease, &seqs, action, code).await?;
    }
    let rest = write(&mut tx, KEEP_REST, lease, &rows).await?;
    expect_rows("keeping the rest of split changes", split.len() as u64, rest.rows_affected())?;

    let entangled = write(&mut tx, ENTANGLE, lease, &to_json(&entangle)?).await?;
    expect_rows("entangling changes", entangle.len() as u64, entangled.rows_affected())?;
    tx.commit().await.map_err(failed)
}

/// Old and new values stay: they show what was refused.
async fn refuse_as(
    connection: &mut SqliteConnection,
    lease: &Lease,
    seqs: &[u32],
    action: &'static str,
    code: &'static str,
) -> Result<(), StoreError> {
    let refused = sqlx::query(
        "UPDATE sync_changes SET action = ?4, code = ?5, deactivates = 0
         WHERE tenant_id = ?1 AND run_id = ?2 AND seq IN (SELECT value FROM json_each(?3))",
    )
    .bind(stored_id(lease.tenant.0))
    .bind(stored_id(lease.run.0))
    .bind(to_json(seqs)?)
    .bind(action)
    .bind(code)
    .execute(connection)
    .await
    .map_err(failed)?;
    expect_rows("refusing changes", seqs.len() as u64, refused.rows_affected())
}

/// Whose the staged change `r` is. The user that a creation makes is not there, and may never be.
macro_rules! user_of_rival {
    () => {
        "iif(r.action = 'create', NULL, r.user_id)"
    };
}

/// The rivals are looked up first, and then each change by its position: left to itself, SQLite would rather walk the whole
/// plan, and all the amendments for each change in it.
const NAME_RIVALS: &str = concat!(
    "WITH named AS MATERIALIZED (
        SELECT j.value ->> 'seq' AS seq, r.external_id, ",
    user_of_rival!(),
    " AS user_id FROM json_each(?3) AS j CROSS JOIN sync_changes AS r
        WHERE r.tenant_id = ?1 AND r.run_id = ?2 AND r.seq = j.value ->> 'rival')
    UPDATE sync_changes AS c SET rival_external_id = named.external_id, rival_user_id = named.user_id FROM named
    WHERE c.tenant_id = ?1 AND c.run_id = ?2 AND c.seq = named.seq"
);

/// The conflict's line: the address alone, whose it is, and who has it instead. A cross join is done in the order that it
/// is written in: each change is looked up by its position.
const SPLIT_OFF: &str = concat!(
    "INSERT INTO sync_changes (tenant_id, run_id, seq, action, user_id, user_version, external_id, email, before, after,
        code, rival_user_id, rival_external_id, deactivates)
    SELECT c.tenant_id, c.run_id, j.value ->> 'conflict_seq', 'conflict', c.user_id, c.user_version, c.external_id,
        c.email,
        iif(json_type(c.before, '$.email') IS NULL, '{}', json_object('email', c.before ->> 'email')),
        iif(json_type(c.after, '$.email') IS NULL, '{}', json_object('email', c.after ->> 'email')),
        j.value ->> 'code', iif(j.value ->> 'rival' IS NULL, c.rival_user_id, ",
    user_of_rival!(),
    "), iif(j.value ->> 'rival' IS NULL, c.rival_external_id, r.external_id), 0
    FROM json_each(?3) AS j CROSS JOIN sync_changes AS c
        LEFT JOIN sync_changes AS r ON r.tenant_id = ?1 AND r.run_id = ?2 AND r.seq = j.value ->> 'rival'
    WHERE c.tenant_id = ?1 AND c.run_id = ?2 AND c.seq = j.value ->> 'seq'
        AND (j.value ->> 'rival' IS NULL OR r.seq IS NOT NULL)"
);

const KEEP_REST: &str = "
    UPDATE sync_changes SET email = coalesce(before ->> 'email', email), before = json_remove(before, '$.email'), after = json_remove(after, '$.email')
    WHERE tenant_id = ?1 AND run_id = ?2 AND seq IN (SELECT value ->> 'seq' FROM json_each(?3))";

const ENTANGLE: &str = "
    UPDATE sync_changes SET entangled = 1
    WHERE tenant_id = ?1 AND run_id = ?2 AND seq IN (SELECT value FROM json_each(?3))";

/// Somebody asked to drop a plan of which something is applied: that would lose the run's history.
#[derive(Debug, thiserror::Error)]
#[error("a plan that is being applied cannot be cleared")]
struct AlreadyApplying;

pub(super) async fn clear(store: &SqliteStore, lease: &Lease) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    verify(&mut tx, lease).await?;
    let cleared = sqlx::query(concat!(
        "UPDATE sync_runs SET seen = 0, created = 0, updated = 0, linked = 0, deactivated = 0, reactivated = 0,
             unchanged = 0, excluded = 0, protected = 0, conflicts = 0, planned_changes = NULL, applied_changes = 0,
             exceptions = 0, plan_digest = NULL, hold = '[]', plan_complete = 0
         WHERE applied_through IS NULL AND ",
        held_by_lease!()
    ))
    .bind(stored_id(lease.tenant.0))
    .bind(stored_id(lease.run.0))
    .bind(stored_id(lease.token))
    .execute(&mut *tx)
    .await
    .map_err(failed)?;
    if cleared.rows_affected() == 0 {
        return Err(defect(AlreadyApplying));
    }
    drop_changes(&mut tx, lease.tenant, lease.run).await?;
    tx.commit().await.map_err(failed)
}

/// Deletes everything that a run staged.
/// Drops what was staged; of an unfinished plan it is no plan, and nobody is to take it for one.
pub(super) async fn drop_changes(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    run: RunId,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sync_changes WHERE tenant_id = ?1 AND run_id = ?2")
        .bind(stored_id(tenant.0))
        .bind(stored_id(run.0))
        .execute(connection)
        .await
        .map(drop)
        .map_err(failed)
}
