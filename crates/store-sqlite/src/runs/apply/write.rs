//! Writing: what a batch does to the users table, and the marks that say so.

use directory_core::UserId;
use sqlx::SqliteConnection;
use store::StoreError;

use super::{Applying, Batch, Span};
use crate::{
    decode::{stored, to_json},
    error::{expect_rows, failed},
    sql::{now, to_apply},
};

/// The span's changes that are to be applied, now that the stale ones are marked. `?1` to `?5`.
macro_rules! in_span {
    () => {
        concat!(
            "c.tenant_id = ?1 AND c.run_id = ?2 AND c.entangled = ?3 AND c.seq > ?4 AND c.seq <= ?5 AND ",
            to_apply!()
        )
    };
}

pub(super) async fn mark_stale(
    connection: &mut SqliteConnection,
    run: &Applying,
    stale: &[u32],
) -> Result<(), StoreError> {
    if stale.is_empty() {
        return Ok(());
    }
    let marked = sqlx::query(
        "UPDATE sync_changes SET outcome = 'stale'
         WHERE tenant_id = ?1 AND run_id = ?2 AND seq IN (SELECT value FROM json_each(?3))",
    )
    .bind(&run.tenant)
    .bind(&run.run)
    .bind(to_json(stale)?)
    .execute(connection)
    .await
    .map_err(failed)?;
    expect_rows("marking stale changes", stale.len() as u64, marked.rows_affected())
}

/// Moves users whose address another member of the batch takes out of its way: the unique index is checked row by row,
/// and no order of rows would let two users swap. Nobody sees the stand-in, which the same transaction replaces.
pub(super) async fn park(
    connection: &mut SqliteConnection,
    run: &Applying,
    users: &[UserId],
) -> Result<(), StoreError> {
    if users.is_empty() {
        return Ok(());
    }
    let parked = sqlx::query(
        "UPDATE users SET email = id || '@parked.invalid', version = version + 1
         WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))",
    )
    .bind(&run.tenant)
    .bind(to_json(users)?)
    .execute(connection)
    .await
    .map_err(failed)?;
    expect_rows("parking addresses", users.len() as u64, parked.rows_affected())
}

/// Writes the span's changes: so many altogether, and so many of them new users.
pub(super) async fn write_users(
    connection: &mut SqliteConnection,
    run: &Applying,
    span: &Span,
    applied: u64,
    created: u64,
) -> Result<(), StoreError> {
    let changed = applied - created;
    // In this order: a new user may get the address that another one has just left.
    if changed > 0 {
        expect_rows("changing users", changed, change(connection, run, span).await?)?;
    }
    if created > 0 {
        let written = create(connection, run, span).await.map_err(failed)?;
        expect_rows("creating users", created, written)?;
    }
    Ok(())
}

/// What is in `after` is written; `json_type` tells "empty" from "not part of the change".
async fn change(connection: &mut SqliteConnection, run: &Applying, span: &Span) -> Result<u64, StoreError> {
    let changed = sqlx::query(concat!(
        "UPDATE users AS u SET
             email = coalesce(c.after ->> 'email', u.email),
             display_name = coalesce(c.after ->> 'displayName', u.display_name),
             given_name = iif(json_type(c.after, '$.givenName') IS NULL, u.given_name, c.after ->> 'givenName'),
             family_name = iif(json_type(c.after, '$.familyName') IS NULL, u.family_name, c.after ->> 'familyName'),
             role = coalesce(c.after ->> 'role', u.role),
             connection_id = iif(c.after ->> 'externalId' IS NULL, u.connection_id, ?6),
             external_id = coalesce(c.after ->> 'externalId', u.external_id),
             status = coalesce(c.after ->> 'status', u.status),
             deactivated_by = CASE c.after ->> 'status'
                 WHEN 'active' THEN NULL WHEN 'inactive' THEN c.after ->> 'deactivatedBy' ELSE u.deactivated_by END,
             deactivated_run_id = CASE c.after ->> 'status'
                 WHEN 'active' THEN NULL WHEN 'inactive' THEN ?2 ELSE u.deactivated_run_id END,
             deactivated_at = CASE c.after ->> 'status'
                 WHEN 'active' THEN NULL WHEN 'inactive' THEN ",
        now!(),
        " ELSE u.deactivated_at END,
             version = u.version + 1,
             updated_at = ",
        now!(),
        " FROM sync_changes AS c
         WHERE u.tenant_id = ?1 AND u.id = c.user_id AND c.action <> 'create' AND ",
        in_span!()
    ))
    .bind(&run.tenant)
    .bind(&run.run)
    .bind(span.entangled)
    .bind(span.after)
    .bind(span.through)
    .bind(&run.connection)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(changed.rows_affected())
}

/// Writes the span's new users. Nothing of it is left where it fails.
pub(super) async fn create(connection: &mut SqliteConnection, run: &Applying, span: &Span) -> Result<u64, sqlx::Error> {
    let created = sqlx::query(concat!(
        "INSERT INTO users (tenant_id, id, connection_id, external_id, email, display_name, given_name, family_name,
             role, status, deactivated_by, deactivated_run_id, deactivated_at)
         SELECT ?1, c.user_id, ?6, c.after ->> 'externalId', c.after ->> 'email', c.after ->> 'displayName',
             c.after ->> 'givenName', c.after ->> 'familyName', c.after ->> 'role', c.after ->> 'status',
             c.after ->> 'deactivatedBy', iif(c.after ->> 'status' = 'inactive', ?2, NULL),
             iif(c.after ->> 'status' = 'inactive', ",
        now!(),
        ", NULL)
         FROM sync_changes AS c WHERE c.action = 'create' AND ",
        in_span!(),
        " ORDER BY c.seq"
    ))
    .bind(&run.tenant)
    .bind(&run.run)
    .bind(span.entangled)
    .bind(span.after)
    .bind(span.through)
    .bind(&run.connection)
    .execute(connection)
    .await?;
    Ok(created.rows_affected())
}

/// Adds what the batch did to the run's counts, and how far it came.
pub(super) async fn note_progress(
    connection: &mut SqliteConnection,
    run: &Applying,
    batch: &Batch,
) -> Result<(), StoreError> {
    let done = &batch.counts;
    let noted = sqlx::query(
        "UPDATE sync_runs SET applied_through = ?3, claims = 0, created = created + ?4, updated = updated + ?5,
             linked = linked + ?6, reactivated = reactivated + ?7, deactivated = deactivated + ?8,
             applied_changes = applied_changes + ?9, exceptions = exceptions + ?10
         WHERE tenant_id = ?1 AND id = ?2",
    )
    .bind(&run.tenant)
    .bind(&run.run)
    .bind(batch.through)
    .bind(stored(done.created))
    .bind(stored(done.updated))
    .bind(stored(done.linked))
    .bind(stored(done.reactivated))
    .bind(stored(done.deactivated))
    .bind(stored(batch.applied))
    .bind(stored(batch.stale))
    .execute(connection)
    .await
    .map_err(failed)?;
    expect_rows("noting progress", 1, noted.rows_affected())
}
