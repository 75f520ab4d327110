//! Writing a batch: users from the staged values where they lie, and the run's progress.

use directory_core::{Action, Counts, UserId};
use sqlx::PgConnection;
use store::Lease;
use uuid::Uuid;

use super::{super::lease::held, Batch, Span};
use crate::{
    decode::stored,
    error::{Fault, expect_rows},
};

/// From here on the batch is exactly its planned changes.
pub(super) async fn mark_stale(tx: &mut PgConnection, lease: &Lease, stale: &[u32]) -> Result<(), Fault> {
    if stale.is_empty() {
        return Ok(());
    }
    let seqs: Vec<i64> = stale.iter().copied().map(i64::from).collect();
    let done = sqlx::query(
        "UPDATE sync_changes SET outcome = 'stale' WHERE tenant_id = $1 AND run_id = $2 AND seq = ANY ($3)",
    )
    .bind(lease.tenant.0)
    .bind(lease.run.0)
    .bind(seqs)
    .execute(tx)
    .await?;
    Ok(expect_rows("marking stale changes", stale.len(), done.rows_affected())?)
}

/// Takes addresses from users who get another one in this batch, so that swaps and cycles never meet in the unique
/// index. Nobody else sees the placeholders. The version steps back for as long: the trigger would move it on if it
/// stood still, and together with [`update`] the user shall take one step.
pub(super) async fn park(tx: &mut PgConnection, lease: &Lease, users: &[UserId]) -> Result<(), Fault> {
    if users.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = users.iter().map(|user| user.0).collect();
    let done = sqlx::query(
        "UPDATE users SET email = id::text || '@parked.invalid', version = version - 1
         WHERE tenant_id = $1 AND id = ANY ($2)",
    )
    .bind(lease.tenant.0)
    .bind(ids)
    .execute(tx)
    .await?;
    Ok(expect_rows("parking e-mail addresses", users.len(), done.rows_affected())?)
}

/// Updates first: they free addresses that creations may want.
pub(super) async fn users(
    tx: &mut PgConnection,
    lease: &Lease,
    connection: Uuid,
    batch: &Batch,
    stale: &[u32],
) -> Result<(), Fault> {
    let fresh = batch.members.iter().filter(|member| stale.binary_search(&member.seq).is_err());
    let (creations, updates): (Vec<_>, Vec<_>) = fresh.partition(|member| member.action == Action::Create);
    if !updates.is_empty() {
        expect_rows("updating users", updates.len(), update(tx, lease, connection, &batch.span()).await?)?;
    }
    if !creations.is_empty() {
        expect_rows("creating users", creations.len(), create(tx, lease, connection, &batch.span()).await?)?;
    }
    Ok(())
}

async fn update(tx: &mut PgConnection, lease: &Lease, connection: Uuid, span: &Span) -> Result<u64, sqlx::Error> {
    // The versions were compared when the users were locked; they are not compared again, since parking moves them.
    let done = sqlx::query(
        "UPDATE users u SET
             email = COALESCE(c.after ->> 'email', u.email),
             display_name = COALESCE(c.after ->> 'displayName', u.display_name),
             given_name = CASE WHEN c.after ? 'givenName' THEN c.after ->> 'givenName' ELSE u.given_name END,
             family_name = CASE WHEN c.after ? 'familyName' THEN c.after ->> 'familyName' ELSE u.family_name END,
             role = COALESCE(c.after ->> 'role', u.role),
             status = COALESCE(c.after ->> 'status', u.status),
             deactivated_by = CASE
                 WHEN COALESCE(c.after ->> 'status', u.status) = 'active' THEN NULL
                 WHEN c.after ? 'status' OR c.after ? 'deactivatedBy' THEN c.after ->> 'deactivatedBy'
                 ELSE u.deactivated_by END,
             deactivated_run_id = CASE c.after ->> 'status'
                 WHEN 'active' THEN NULL WHEN 'inactive' THEN c.run_id ELSE u.deactivated_run_id END,
             deactivated_at = CASE c.after ->> 'status'
                 WHEN 'active' THEN NULL WHEN 'inactive' THEN now() ELSE u.deactivated_at END,
             connection_id = CASE WHEN c.after ->> 'externalId' IS NULL THEN u.connection_id ELSE $3 END,
             external_id = COALESCE(c.after ->> 'externalId', u.external_id),
             version = c.user_version + 1,
             updated_at = now()
         FROM sync_changes c
         WHERE c.tenant_id = $1 AND c.run_id = $2 AND c.seq > $4 AND c.seq <= $5 AND c.entangled = $6
             AND c.outcome = 'planned' AND c.action IN ('link', 'update', 'deactivate', 'reactivate')
             AND u.tenant_id = $1 AND u.id = c.user_id",
    )
    .bind(lease.tenant.0)
    .bind(lease.run.0)
    .bind(connection)
    .bind(span.after)
    .bind(span.through)
    .bind(span.entangled)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Creates the users of the span's planned creations; how many.
pub(super) async fn create(
    tx: &mut PgConnection,
    lease: &Lease,
    connection: Uuid,
    span: &Span,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "INSERT INTO users (tenant_id, id, email, display_name, given_name, family_name, role, status, connection_id,
             external_id, deactivated_by, deactivated_run_id, deactivated_at)
         SELECT c.tenant_id, c.user_id, c.email, COALESCE(c.after ->> 'displayName', ''),
             c.after ->> 'givenName', c.after ->> 'familyName', COALESCE(c.after ->> 'role', 'member'),
             COALESCE(c.after ->> 'status', 'active'), $3, c.external_id,
             CASE c.after ->> 'status' WHEN 'inactive' THEN c.after ->> 'deactivatedBy' END,
             CASE c.after ->> 'status' WHEN 'inactive' THEN c.run_id END,
             CASE c.after ->> 'status' WHEN 'inactive' THEN now() END
         FROM sync_changes c
         WHERE c.tenant_id = $1 AND c.run_id = $2 AND c.seq > $4 AND c.seq <= $5 AND c.entangled = $6
             AND c.outcome = 'planned' AND c.action = 'create'",
    )
    .bind(lease.tenant.0)
    .bind(lease.run.0)
    .bind(connection)
    .bind(span.after)
    .bind(span.through)
    .bind(span.entangled)
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// What a batch did.
pub(super) struct Done {
    pub(super) counts: Counts,
    pub(super) applied: usize,
    pub(super) stale: usize,
    /// How far the run is by it; `None` is to its plan's end.
    pub(super) through: Option<i64>,
}

/// Adds to the run's numbers and moves it on, if the lease still stands: otherwise the batch was in vain. From here to the
/// end of the transaction nobody takes the lease away.
pub(super) async fn progress(tx: &mut PgConnection, lease: &Lease, done: &Done) -> Result<(), Fault> {
    let counts = &done.counts;
    let written = sqlx::query(
        "UPDATE sync_runs SET claims = 0, created = created + $3, updated = updated + $4, linked = linked + $5,
             deactivated = deactivated + $6, reactivated = reactivated + $7, exceptions = exceptions + $8,
             applied_changes = applied_changes + $9,
             applied_through = COALESCE($10,
                 (SELECT max(seq) FROM sync_changes WHERE tenant_id = $1 AND run_id = $2), 0)
         WHERE tenant_id = $1 AND id = $2 AND lease_token = $11 AND status = 'running'",
    )
    .bind(lease.tenant.0)
    .bind(lease.run.0)
    .bind(stored(counts.created))
    .bind(stored(counts.updated))
    .bind(stored(counts.linked))
    .bind(stored(counts.deactivated))
    .bind(stored(counts.reactivated))
    .bind(stored(done.stale as u64))
    .bind(stored(done.applied as u64))
    .bind(done.through)
    .bind(lease.token)
    .execute(tx)
    .await?;
    Ok(held(&written)?)
}
