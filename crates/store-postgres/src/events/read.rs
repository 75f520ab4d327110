//! Reading the feed.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, RunId, TenantId};
use sqlx::PgConnection;
use store::{
    ChangeRecord, EventFilter, EventId, Feed, StoreError,
    feed::{self, Entry, Slice, Stored},
};
use uuid::Uuid;

use crate::{
    access::{Access, Transaction},
    decode::Place,
    error::failed,
    runs::ChangeRow,
};

pub(super) async fn page(
    access: &Access,
    tenant: TenantId,
    after: Option<EventId>,
    filter: &EventFilter,
    limit: u32,
) -> Result<Feed, StoreError> {
    let settled = settled(access, tenant).await?;
    let mut tx = snapshot(access, tenant).await?;
    let begin = after.unwrap_or(EventId::START);
    let from = match after {
        Some(id) => locate(&mut tx, tenant, id).await?,
        None => Some(0),
    };
    let Some(from) = from else { return Ok(Feed::Gone) };
    let entries = entries(&mut tx, tenant, from..=settled, feed::entries_for(limit)).await?;
    let slices = feed::slices(&entries, begin, filter, limit);
    let changes = changes(&mut tx, tenant, slices, limit).await?;
    Ok(Feed::Page(feed::page(&entries, changes, begin, filter, limit)))
}

pub(super) async fn latest(access: &Access, tenant: TenantId) -> Result<EventId, StoreError> {
    let settled = settled(access, tenant).await?;
    let mut tx = snapshot(access, tenant).await?;
    let latest: Option<Uuid> =
        sqlx::query_scalar("SELECT id FROM events WHERE tenant_id = $1 AND n <= $2 ORDER BY n DESC LIMIT 1")
            .bind(tenant.0)
            .bind(settled)
            .fetch_optional(&mut *tx)
            .await
            .map_err(failed)?;
    let latest = match latest {
        Some(latest) => Some(latest),
        None => deleted_through(&mut tx, tenant).await?,
    };
    Ok(latest.map_or(EventId::START, EventId::of))
}

/// How far the feed is settled: up to here every event is there that will ever be. What is read of it has to be read
/// afterwards, hence the transaction of its own.
async fn settled(access: &Access, tenant: TenantId) -> Result<i64, StoreError> {
    let mut tx = access.tenant(tenant).await.map_err(failed)?;
    sqlx::query_scalar("SELECT directory_settled_events()").fetch_one(&mut *tx).await.map_err(failed)
}

/// One view of the feed for several statements: between them nothing is deleted.
async fn snapshot(access: &Access, tenant: TenantId) -> Result<Transaction, StoreError> {
    let mut tx = access.tenant(tenant).await.map_err(failed)?;
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(&mut *tx).await.map_err(failed)?;
    Ok(tx)
}

/// Where to read on after an event; `None` when something that came after it was deleted, or it was never there.
async fn locate(tx: &mut PgConnection, tenant: TenantId, id: EventId) -> Result<Option<i64>, StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT n FROM events WHERE tenant_id = $1 AND id = $2")
        .bind(tenant.0)
        .bind(id.entry)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
    Ok(match found {
        // Of a batch some changes may be left to tell.
        Some(n) if id.seq.is_some() => Some(n),
        Some(n) => Some(n + 1),
        None => {
            // Of a batch that was deleted nobody knows what was left to tell.
            let deleted = deleted_through(tx, tenant).await?.map_or(EventId::START, EventId::of);
            (deleted == id).then_some(0)
        }
    })
}

async fn deleted_through(tx: &mut PgConnection, tenant: TenantId) -> Result<Option<Uuid>, StoreError> {
    let deleted: Option<Option<Uuid>> = sqlx::query_scalar("SELECT events_deleted_through FROM tenants WHERE id = $1")
        .bind(tenant.0)
        .fetch_optional(tx)
        .await
        .map_err(failed)?;
    Ok(deleted.flatten())
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    id: Uuid,
    tenant_id: Uuid,
    at: DateTime<Utc>,
    kind: String,
    connection_id: Uuid,
    run_id: Option<Uuid>,
    began_after: Option<i64>,
    through: Option<i64>,
    changes: Option<i64>,
    data: Option<String>,
}

impl TryFrom<EntryRow> for Entry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        let place = Place { table: "events", row: &row.id };
        let stored = Stored {
            kind: &row.kind,
            began_after: row.began_after,
            through: row.through,
            changes: row.changes,
            data: row.data.as_deref(),
        };
        let content = stored.content().map_err(|column| place.corrupt(column))?;
        Ok(Self {
            id: row.id,
            tenant: TenantId(row.tenant_id),
            at: row.at,
            connection: ConnectionId(row.connection_id),
            run: row.run_id.map(RunId),
            content,
        })
    }
}

async fn entries(
    tx: &mut PgConnection,
    tenant: TenantId,
    range: RangeInclusive<i64>,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    sqlx::query_as::<_, EntryRow>(
        "SELECT id, tenant_id, at, kind, connection_id, run_id, began_after, through, changes, data::text AS data
         FROM events WHERE tenant_id = $1 AND n BETWEEN $2 AND $3 ORDER BY n LIMIT $4",
    )
    .bind(tenant.0)
    .bind(range.start())
    .bind(range.end())
    .bind(i64::from(limit))
    .fetch_all(tx)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Entry::try_from)
    .collect()
}

#[derive(sqlx::FromRow)]
struct SlicedRow {
    slice: i64,
    #[sqlx(flatten)]
    change: ChangeRow,
}

/// What was applied of some of a run's changes. The caller adds which.
macro_rules! applied_where {
    ($condition:literal) => {
        concat!(
            "SELECT seq, action, user_id, user_version, external_id, email, before, after, code, rival_user_id,
                 rival_external_id
             FROM sync_changes
             WHERE tenant_id = $1 AND run_id = wanted.run_id AND outcome = 'planned'
                 AND action NOT IN ('conflict', 'protected') AND ",
            $condition,
            " ORDER BY seq LIMIT $7"
        )
    };
}

/// The changes of each slice, all in one statement.
async fn changes(
    tx: &mut PgConnection,
    tenant: TenantId,
    slices: Vec<Slice>,
    limit: u32,
) -> Result<Vec<(Slice, Vec<ChangeRecord>)>, StoreError> {
    if slices.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<SlicedRow> = sqlx::query_as(concat!(
        "SELECT slice, seq, action, 'applied' AS outcome, user_id, user_version, external_id, email,
             before::text AS before, after::text AS after, code, rival_user_id, rival_external_id
         FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[]) WITH ORDINALITY
             AS wanted (run_id, after_seq, from_seq, through_seq, is_first, slice)
         CROSS JOIN LATERAL ((",
        applied_where!("NOT entangled AND seq > wanted.from_seq AND seq <= wanted.through_seq"),
        ") UNION ALL (",
        applied_where!("wanted.is_first AND entangled AND seq > wanted.after_seq"),
        ")) AS applied ORDER BY slice, seq"
    ))
    // Planned for the tables as they are: they grow by a batch each time.
    .persistent(false)
    .bind(tenant.0)
    .bind(slices.iter().map(|slice| slice.run.0).collect::<Vec<_>>())
    .bind(slices.iter().map(|slice| i64::from(slice.after)).collect::<Vec<_>>())
    .bind(slices.iter().map(|slice| i64::from(slice.from())).collect::<Vec<_>>())
    .bind(slices.iter().map(|slice| i64::from(slice.batch.through)).collect::<Vec<_>>())
    .bind(slices.iter().map(Slice::is_first).collect::<Vec<_>>())
    .bind(i64::from(limit))
    .fetch_all(tx)
    .await
    .map_err(failed)?;
    let mut found: Vec<_> = slices.into_iter().map(|slice| (slice, Vec::new())).collect();
    for row in rows {
        let index = usize::try_from(row.slice - 1).unwrap_or(usize::MAX);
        if let Some((slice, changes)) = found.get_mut(index) {
            changes.push(row.change.into_record(slice.run)?);
        }
    }
    Ok(found)
}
