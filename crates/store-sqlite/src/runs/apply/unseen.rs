//! A batch of nothing but new users: written without a look at the users table first, which would take as long as the
//! writing. Whether somebody is in the way the unique indexes say.

use directory_core::Counts;
use sqlx::SqliteConnection;
use store::StoreError;

use super::{Applying, Batch, Span, write};
use crate::{
    error::{expect_rows, failed},
    sql::to_apply,
};

/// The next changes that are not entangled.
#[derive(sqlx::FromRow)]
struct Next {
    changes: u32,
    creations: u32,
    /// The last one's position.
    through: Option<i64>,
}

/// Creates the users of the next changes. `None` if those do anything else, or if somebody is in the way of one of them: then
/// nothing is written, since SQLite undoes a statement that fails, and the batch has to be judged.
pub(super) async fn create(
    connection: &mut SqliteConnection,
    run: &Applying,
    after: i64,
    limit: u32,
) -> Result<Option<Batch>, StoreError> {
    let Next { changes, creations, through: Some(through) } = next(connection, run, after, limit).await? else {
        return Ok(None);
    };
    if changes != creations {
        return Ok(None);
    }
    let created = u64::from(creations);
    match write::create(connection, run, &Span { entangled: false, after, through }).await {
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => return Ok(None),
        written => expect_rows("creating users", created, written.map_err(failed)?)?,
    }
    let counts = Counts { created, ..Counts::default() };
    Ok(Some(Batch { counts, applied: created, stale: 0, through }))
}

async fn next(connection: &mut SqliteConnection, run: &Applying, after: i64, limit: u32) -> Result<Next, StoreError> {
    sqlx::query_as(concat!(
        "SELECT count(*) AS changes, count(*) FILTER (WHERE action = 'create') AS creations, max(seq) AS through
         FROM (SELECT c.seq, c.action FROM sync_changes AS c
             WHERE c.tenant_id = ?1 AND c.run_id = ?2 AND NOT c.entangled AND c.seq > ?3 AND ",
        to_apply!(),
        " ORDER BY c.seq LIMIT ?4)"
    ))
    .bind(&run.tenant)
    .bind(&run.run)
    .bind(after)
    .bind(limit)
    .fetch_one(connection)
    .await
    .map_err(failed)
}
