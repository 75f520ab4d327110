//! A user's row, as reconciling and as administrators see it.

use directory_core::{Link, LocalUser, Profile, TenantId, UserId};
use sqlx::{Row, SqliteExecutor, sqlite::SqliteRow};
use store::{StoreError, UserRecord};

use crate::{
    decode::{Place, stored_id},
    error::failed,
};

#[derive(sqlx::FromRow)]
pub(super) struct UserRow {
    id: String,
    version: i64,
    email: String,
    display_name: String,
    given_name: Option<String>,
    family_name: Option<String>,
    role: String,
    status: String,
    deactivated_by: Option<String>,
    connection_id: Option<String>,
    external_id: Option<String>,
}

/// What [`UserRow`] reads.
macro_rules! user_columns {
    () => {
        "id, version, email, display_name, given_name, family_name, role, status, deactivated_by, connection_id, \
         external_id"
    };
}
pub(super) use user_columns;

impl TryFrom<UserRow> for LocalUser {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let place = Place { table: "users", row: &row.id };
        let link = match (row.connection_id, row.external_id) {
            (Some(connection), Some(external_id)) => Some(Link {
                connection: place.id("connection_id", &connection)?,
                external_id: place.external_id("external_id", &external_id)?,
            }),
            _ => None,
        };
        Ok(Self {
            id: place.id("id", &row.id)?,
            status: place.word("status", &row.status)?,
            deactivated_by: row.deactivated_by.map(|by| place.word("deactivated_by", &by)).transpose()?,
            version: row.version,
            email: row.email,
            display_name: row.display_name,
            given_name: row.given_name,
            family_name: row.family_name,
            role: row.role,
            link,
        })
    }
}

/// What [`profile`] reads, by its place.
macro_rules! profile_columns {
    () => {
        "external_id, email, display_name, given_name, family_name, status, deactivated_by, id"
    };
}
pub(super) use profile_columns;

pub(super) fn profile(row: &SqliteRow) -> Result<Profile<'_>, StoreError> {
    let id: &str = row.try_get(7).map_err(failed)?;
    let place = Place { table: "users", row: id };
    let deactivated_by: Option<&str> = row.try_get(6).map_err(failed)?;
    Ok(Profile {
        external_id: row.try_get(0).map_err(failed)?,
        email: row.try_get(1).map_err(failed)?,
        display_name: row.try_get(2).map_err(failed)?,
        given_name: row.try_get(3).map_err(failed)?,
        family_name: row.try_get(4).map_err(failed)?,
        status: place.word("status", row.try_get(5).map_err(failed)?)?,
        deactivated_by: deactivated_by.map(|by| place.word("deactivated_by", by)).transpose()?,
    })
}

#[derive(sqlx::FromRow)]
pub(super) struct RecordRow {
    #[sqlx(flatten)]
    user: UserRow,
    deactivated_run_id: Option<String>,
    deactivated_at: Option<String>,
    created_at: String,
    updated_at: String,
}

/// What [`RecordRow`] reads. Times come out in our spelling, whichever the writer used.
macro_rules! record_columns {
    () => {
        concat!(
            $crate::users::row::user_columns!(),
            ", deactivated_run_id, strftime('%Y-%m-%dT%H:%M:%fZ', deactivated_at) AS deactivated_at,
             strftime('%Y-%m-%dT%H:%M:%fZ', created_at) AS created_at,
             strftime('%Y-%m-%dT%H:%M:%fZ', updated_at) AS updated_at"
        )
    };
}
pub(super) use record_columns;

impl TryFrom<RecordRow> for UserRecord {
    type Error = StoreError;

    fn try_from(row: RecordRow) -> Result<Self, StoreError> {
        let place = Place { table: "users", row: &row.user.id };
        Ok(Self {
            deactivated_run: row.deactivated_run_id.map(|run| place.id("deactivated_run_id", &run)).transpose()?,
            deactivated_at: place.time_if_any("deactivated_at", row.deactivated_at.as_deref())?,
            created_at: place.time("created_at", &row.created_at)?,
            updated_at: place.time("updated_at", &row.updated_at)?,
            user: row.user.try_into()?,
        })
    }
}

/// A tenant's user, inside a transaction or outside.
pub(super) async fn find(
    executor: impl SqliteExecutor<'_>,
    tenant: TenantId,
    id: UserId,
) -> Result<Option<UserRecord>, StoreError> {
    sqlx::query_as::<_, RecordRow>(concat!(
        "SELECT ",
        record_columns!(),
        " FROM users WHERE tenant_id = ?1 AND id = ?2"
    ))
    .bind(stored_id(tenant.0))
    .bind(stored_id(id.0))
    .fetch_optional(executor)
    .await
    .map_err(failed)?
    .map(UserRecord::try_from)
    .transpose()
}
