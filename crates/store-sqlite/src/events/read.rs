//! Reading the feed.

use directory_core::TenantId;
use sqlx::{SqliteConnection, SqlitePool};
use store::{
    ChangeRecord, EventFilter, EventId, Feed, StoreError,
    feed::{self, Entry, Slice, Stored},
};

use crate::{
    decode::{Place, stored_id},
    error::failed,
    runs::ChangeRow,
    sql::to_apply,
};

pub(super) async fn page(
    reader: &SqlitePool,
    tenant: TenantId,
    after: Option<EventId>,
    filter: &EventFilter,
    limit: u32,
) -> Result<Feed, StoreError> {
    // One view of the feed for several statements: between them nothing is deleted.
    let mut tx = reader.begin().await.map_err(failed)?;
    let begin = after.unwrap_or(EventId::START);
    let from = match after {
        Some(id) => locate(&mut tx, tenant, id).await?,
        None => Some(0),
    };
    let Some(from) = from else { return Ok(Feed::Gone) };
    let entries = entries(&mut tx, tenant, from, feed::entries_for(limit)).await?;
    let mut changes = Vec::new();
    for slice in feed::slices(&entries, begin, filter, limit) {
        changes.push((slice, self::changes(&mut tx, tenant, &slice).await?));
    }
    Ok(Feed::Page(feed::page(&entries, changes, begin, filter, limit)))
}

pub(super) async fn latest(reader: &SqlitePool, tenant: TenantId) -> Result<EventId, StoreError> {
    let mut tx = reader.begin().await.map_err(failed)?;
    let latest: Option<String> =
        sqlx::query_scalar("SELECT id FROM events WHERE tenant_id = ?1 ORDER BY n DESC LIMIT 1")
            .bind(stored_id(tenant.0))
            .fetch_optional(&mut *tx)
            .await
            .map_err(failed)?;
    match latest {
        Some(id) => Place { table: "events", row: &id }.id("id", &id).map(EventId::of),
        None => deleted_through(&mut tx, tenant).await,
    }
}

/// Where to read on after an event; `None` when something that came after it was deleted, or it was never there.
async fn locate(connection: &mut SqliteConnection, tenant: TenantId, id: EventId) -> Result<Option<i64>, StoreError> {
    let found: Option<i64> = sqlx::query_scalar("SELECT n FROM events WHERE tenant_id = ?1 AND id = ?2")
        .bind(stored_id(tenant.0))
        .bind(stored_id(id.entry))
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed)?;
    Ok(match found {
        // Of a batch some changes may be left to tell.
        Some(n) if id.seq.is_some() => Some(n),
        Some(n) => Some(n + 1),
        // Of a batch that was deleted nobody knows what was left to tell.
        None => (deleted_through(connection, tenant).await? == id).then_some(0),
    })
}

/// The last event that was deleted.
async fn deleted_through(connection: &mut SqliteConnection, tenant: TenantId) -> Result<EventId, StoreError> {
    let row = stored_id(tenant.0);
    let deleted: Option<Option<String>> =
        sqlx::query_scalar("SELECT events_deleted_through FROM tenants WHERE id = ?1")
            .bind(&row)
            .fetch_optional(connection)
            .await
            .map_err(failed)?;
    let place = Place { table: "tenants", row: &row };
    deleted.flatten().map_or(Ok(EventId::START), |id| place.id("events_deleted_through", &id).map(EventId::of))
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    id: String,
    tenant_id: String,
    at: String,
    kind: String,
    connection_id: String,
    run_id: Option<String>,
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
            id: place.id("id", &row.id)?,
            tenant: place.id("tenant_id", &row.tenant_id)?,
            at: place.time("at", &row.at)?,
            connection: place.id("connection_id", &row.connection_id)?,
            run: row.run_id.as_deref().map(|run| place.id("run_id", run)).transpose()?,
            content,
        })
    }
}

async fn entries(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    from: i64,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    sqlx::query_as::<_, EntryRow>(
        "SELECT id, tenant_id, at, kind, connection_id, run_id, began_after, through, changes, data
         FROM events WHERE tenant_id = ?1 AND n >= ?2 ORDER BY n LIMIT ?3",
    )
    .bind(stored_id(tenant.0))
    .bind(from)
    .bind(limit)
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .into_iter()
    .map(Entry::try_from)
    .collect()
}

/// What was applied of the changes of a slice.
async fn changes(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    slice: &Slice,
) -> Result<Vec<ChangeRecord>, StoreError> {
    let from = if slice.is_first() { slice.after } else { slice.from() };
    sqlx::query_as::<_, ChangeRow>(concat!(
        "SELECT c.seq, c.action, 'applied' AS outcome, c.user_id, c.user_version, c.external_id, c.email, c.before,
             c.after, c.code, c.rival_user_id, c.rival_external_id
         FROM sync_changes AS c
         WHERE c.tenant_id = ?1 AND c.run_id = ?2 AND c.seq > ?3 AND iif(c.entangled, ?4, c.seq <= ?5) AND ",
        to_apply!(),
        " ORDER BY c.seq LIMIT ?6"
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(slice.run.0))
    .bind(from)
    .bind(slice.is_first())
    .bind(slice.batch.through)
    .bind(slice.page)
    .fetch_all(connection)
    .await
    .map_err(failed)?
    .into_iter()
    .map(|row| row.read(slice.run))
    .collect()
}
