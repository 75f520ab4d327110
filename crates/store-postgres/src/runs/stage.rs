//! The staged plan: pages of changes come in, and the listing's end corrects them.

use directory_core::{Amendment, ExternalId, Values};
use sqlx::{PgConnection, types::Json};
use store::{Lease, NewChange, StagedPage, StoreError};
use uuid::Uuid;

use super::lease::{held, hold, stands};
use crate::{
    access::Access,
    error::{Fault, expect_rows},
};

/// Rows in one statement: enough that a round trip does not count, few enough that its arrays do not either.
const ROWS_PER_STATEMENT: usize = 5_000;

/// Something is applied already, so that the plan must not be dropped: a defect of the caller.
#[derive(Debug, thiserror::Error)]
#[error("the plan is being applied and cannot be dropped")]
struct AlreadyApplying;

pub(super) async fn clear(access: &Access, lease: &Lease) -> Result<(), Fault> {
    let mut tx = access.tenant(lease.tenant).await?;
    hold(&mut tx, lease).await?;
    let done = sqlx::query(
        "UPDATE sync_runs SET seen = 0, created = 0, updated = 0, linked = 0, deactivated = 0, reactivated = 0,
             unchanged = 0, excluded = 0, protected = 0, conflicts = 0, exceptions = 0, applied_changes = 0, planned_changes = NULL,
             plan_digest = NULL, hold = '[]', plan_complete = false
         WHERE tenant_id = $1 AND id = $2 AND applied_through IS NULL",
    )
    .bind(lease.tenant.0)
    .bind(lease.run.0)
    .execute(&mut *tx)
    .await?;
    // The lease is ours by now, so a miss has the one other reason.
    held(&done).map_err(|_| StoreError::Database(Box::new(AlreadyApplying)))?;
    sqlx::query("DELETE FROM sync_changes WHERE tenant_id = $1 AND run_id = $2")
        .bind(lease.tenant.0)
        .bind(lease.run.0)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn stage(access: &Access, lease: &Lease, page: &StagedPage) -> Result<(), Fault> {
    let mut tx = access.tenant(lease.tenant).await?;
    // Whoever was overtaken must not meet what the next worker has staged.
    stands(&mut tx, lease).await?;
    if !page.retracted.is_empty() {
        // Whoever drops the plan locks the run first, too.
        hold(&mut tx, lease).await?;
        let retracted: Vec<i64> = page.retracted.iter().copied().map(i64::from).collect();
        sqlx::query("DELETE FROM sync_changes WHERE tenant_id = $1 AND run_id = $2 AND seq = ANY ($3)")
            .bind(lease.tenant.0)
            .bind(lease.run.0)
            .bind(retracted)
            .execute(&mut *tx)
            .await?;
    }
    insert(&mut tx, lease, &page.changes).await?;
    // Last, so that pages are written side by side. From here to the end of the transaction nobody takes the lease away; and
    // whoever drops the plan waits for that, and sees the page.
    hold(&mut tx, lease).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn amend(access: &Access, lease: &Lease, amendments: &[Amendment]) -> Result<(), Fault> {
    let mut tx = access.tenant(lease.tenant).await?;
    hold(&mut tx, lease).await?;
    let amendments = Amendments::by_kind(amendments);
    // Before a refusal hides what kind of change the rival's is.
    amendments.name_rivals(&mut tx, lease).await?;
    // A split copies the change as it was staged, hence before a refusal rewrites it.
    amendments.split_emails(&mut tx, lease).await?;
    amendments.refuse(&mut tx, lease).await?;
    amendments.entangle(&mut tx, lease).await?;
    tx.commit().await?;
    Ok(())
}

async fn insert(connection: &mut PgConnection, lease: &Lease, changes: &[NewChange]) -> Result<(), Fault> {
    for changes in changes.chunks(ROWS_PER_STATEMENT) {
        // Arrays of one length, read in step. In `FROM` the server would first write each of them to a table of its own.
        let columns = Columns::of(changes);
        sqlx::query(
            "INSERT INTO sync_changes (tenant_id, run_id, seq, action, user_id, user_version, external_id, email,
                 before, after, code, deactivates, rival_user_id, rival_external_id)
             SELECT $1, $2, unnest($3::bigint[]), unnest($4::text[]), unnest($5::uuid[]), unnest($6::bigint[]),
                 unnest($7::text[]), unnest($8::text[]), unnest($9::jsonb[]), unnest($10::jsonb[]), unnest($11::text[]),
                 unnest($12::boolean[]), unnest($13::uuid[]), unnest($14::text[])",
        )
        .bind(lease.tenant.0)
        .bind(lease.run.0)
        .bind(columns.seq)
        .bind(columns.action)
        .bind(columns.user)
        .bind(columns.version)
        .bind(columns.external_id)
        .bind(columns.email)
        .bind(columns.before)
        .bind(columns.after)
        .bind(columns.code)
        .bind(columns.deactivates)
        .bind(columns.rival_user)
        .bind(columns.rival_id)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Changes turned on their side, for `unnest`.
#[derive(Default)]
struct Columns<'a> {
    seq: Vec<i64>,
    action: Vec<&'static str>,
    user: Vec<Option<Uuid>>,
    version: Vec<Option<i64>>,
    external_id: Vec<Option<&'a str>>,
    email: Vec<Option<&'a str>>,
    before: Vec<Json<&'a Values>>,
    after: Vec<Json<&'a Values>>,
    code: Vec<Option<&'static str>>,
    deactivates: Vec<bool>,
    rival_user: Vec<Option<Uuid>>,
    rival_id: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn of(changes: &'a [NewChange]) -> Self {
        let mut columns = Self::default();
        for NewChange { change, new_user } in changes {
            columns.seq.push(i64::from(change.seq));
            columns.action.push(change.action.as_str());
            columns.user.push(change.target.map(|target| target.user).or(*new_user).map(|user| user.0));
            columns.version.push(change.target.map(|target| target.version));
            columns.external_id.push(change.external_id.as_ref().map(ExternalId::as_str));
            columns.email.push(change.email.as_deref());
            columns.before.push(Json(&change.before));
            columns.after.push(Json(&change.after));
            columns.code.push(change.code.map(directory_core::ChangeCode::as_str));
            columns.deactivates.push(change.deactivates);
            let rival = change.rival.as_ref();
            columns.rival_user.push(rival.and_then(|rival| rival.user).map(|user| user.0));
            columns.rival_id.push(rival.and_then(|rival| rival.external_id.as_ref()).map(ExternalId::as_str));
        }
        columns
    }
}

/// Conflict lines to be split off, turned on their side.
#[derive(Default)]
struct Splits {
    seq: Vec<i64>,
    conflict_seq: Vec<i64>,
    code: Vec<&'static str>,
    rival: Vec<Option<i64>>,
}

/// Amendments by what they do, turned on their side.
#[derive(Default)]
struct Amendments {
    refused: (Vec<i64>, Vec<&'static str>, Vec<&'static str>),
    split: Splits,
    entangled: Vec<i64>,
    /// Refused changes that are given another rival than they were staged with.
    rivals: (Vec<i64>, Vec<i64>),
}

impl Amendments {
    fn by_kind(amendments: &[Amendment]) -> Self {
        let mut by_kind = Self::default();
        for amendment in amendments {
            match *amendment {
                Amendment::Refuse { seq, action, code, rival } => {
                    if let Some(rival) = rival {
                        by_kind.rivals.0.push(i64::from(seq));
                        by_kind.rivals.1.push(i64::from(rival));
                    }
                    by_kind.refused.0.push(i64::from(seq));
                    by_kind.refused.1.push(action.as_str());
                    by_kind.refused.2.push(code.as_str());
                }
                Amendment::SplitEmail { seq, conflict_seq, code, rival } => {
                    by_kind.split.rival.push(rival.map(i64::from));
                    by_kind.split.seq.push(i64::from(seq));
                    by_kind.split.conflict_seq.push(i64::from(conflict_seq));
                    by_kind.split.code.push(code.as_str());
                }
                Amendment::Entangle { seq } => by_kind.entangled.push(i64::from(seq)),
            }
        }
        // A change can be entangled with several others.
        by_kind.entangled.sort_unstable();
        by_kind.entangled.dedup();
        by_kind
    }

    async fn name_rivals(&self, connection: &mut PgConnection, lease: &Lease) -> Result<(), Fault> {
        let (seqs, rivals) = &self.rivals;
        if seqs.is_empty() {
            return Ok(());
        }
        // A user who is still to be made is none yet.
        let done = sqlx::query(
            "UPDATE sync_changes c SET rival_external_id = r.external_id,
                 rival_user_id = CASE WHEN r.action <> 'create' THEN r.user_id END
             FROM unnest($3::bigint[], $4::bigint[]) AS a (seq, rival)
             JOIN sync_changes r ON r.tenant_id = $1 AND r.run_id = $2 AND r.seq = a.rival
             WHERE c.tenant_id = $1 AND c.run_id = $2 AND c.seq = a.seq",
        )
        .bind(lease.tenant.0)
        .bind(lease.run.0)
        .bind(seqs)
        .bind(rivals)
        .execute(connection)
        .await?;
        Ok(expect_rows("naming rivals", seqs.len(), done.rows_affected())?)
    }

    async fn split_emails(&self, connection: &mut PgConnection, lease: &Lease) -> Result<(), Fault> {
        let Splits { seq, conflict_seq, code, rival } = &self.split;
        if seq.is_empty() {
            return Ok(());
        }
        let done = sqlx::query(
            "INSERT INTO sync_changes (tenant_id, run_id, seq, action, user_id, user_version, external_id, email,
                 before, after, code, deactivates, rival_user_id, rival_external_id)
             SELECT c.tenant_id, c.run_id, a.conflict_seq, 'conflict', c.user_id, c.user_version, c.external_id, c.email,
                 jsonb_strip_nulls(jsonb_build_object('email', c.before -> 'email')),
                 jsonb_strip_nulls(jsonb_build_object('email', c.after -> 'email')), a.code, false,
                 CASE WHEN r.seq IS NULL THEN c.rival_user_id WHEN r.action <> 'create' THEN r.user_id END,
                 CASE WHEN r.seq IS NULL THEN c.rival_external_id ELSE r.external_id END
             FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::bigint[]) AS a (seq, conflict_seq, code, rival)
             JOIN sync_changes c ON c.tenant_id = $1 AND c.run_id = $2 AND c.seq = a.seq
             LEFT JOIN sync_changes r ON r.tenant_id = $1 AND r.run_id = $2 AND r.seq = a.rival",
        )
        .bind(lease.tenant.0)
        .bind(lease.run.0)
        .bind(seq)
        .bind(conflict_seq)
        .bind(code)
        .bind(rival)
        .execute(&mut *connection)
        .await?;
        expect_rows("splitting e-mail addresses off", seq.len(), done.rows_affected())?;
        sqlx::query(
            "UPDATE sync_changes SET email = COALESCE(before ->> 'email', email), before = before - 'email', after = after - 'email'
             WHERE tenant_id = $1 AND run_id = $2 AND seq = ANY ($3)",
        )
        .bind(lease.tenant.0)
        .bind(lease.run.0)
        .bind(seq)
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn refuse(&self, connection: &mut PgConnection, lease: &Lease) -> Result<(), Fault> {
        let (seqs, actions, codes) = &self.refused;
        if seqs.is_empty() {
            return Ok(());
        }
        let done = sqlx::query(
            "UPDATE sync_changes c SET action = a.action, code = a.code, deactivates = false
             FROM unnest($3::bigint[], $4::text[], $5::text[]) AS a (seq, action, code)
             WHERE c.tenant_id = $1 AND c.run_id = $2 AND c.seq = a.seq",
        )
        .bind(lease.tenant.0)
        .bind(lease.run.0)
        .bind(seqs)
        .bind(actions)
        .bind(codes)
        .execute(connection)
        .await?;
        Ok(expect_rows("refusing staged changes", seqs.len(), done.rows_affected())?)
    }

    async fn entangle(&self, connection: &mut PgConnection, lease: &Lease) -> Result<(), Fault> {
        if self.entangled.is_empty() {
            return Ok(());
        }
        let done = sqlx::query(
            "UPDATE sync_changes SET entangled = true WHERE tenant_id = $1 AND run_id = $2 AND seq = ANY ($3)",
        )
        .bind(lease.tenant.0)
        .bind(lease.run.0)
        .bind(&self.entangled)
        .execute(connection)
        .await?;
        Ok(expect_rows("entangling staged changes", self.entangled.len(), done.rows_affected())?)
    }
}
