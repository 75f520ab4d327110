//! The product's users: reading, and linking by hand. Sync's one writer is [`crate::runs`].
//!
//! Pages of keys are looked up one by one within one statement: the limited `LATERAL` subqueries cannot be turned into
//! another kind of join, for which the planner's statistics would have to be up to date. For the same reason statements
//! that a plan can ruin are planned anew each time (`persistent(false)`), by the tables' size of the moment.

mod link;

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::{
    ConnectionId, EmailKey, ExternalId, Link, LinkedUser, LocalUser, Profile, RunId, TenantFacts, TenantId, UserId,
};
use futures_util::TryStreamExt;
use sqlx::{Row, postgres::PgRow};
use store::{Actor, EachProfile, IdPage, Linking, StoreError, UserFilter, UserRecord, Users};
use uuid::Uuid;

use crate::{
    PostgresStore,
    decode::{Place, ascending},
    error::{failed, persistently},
};

#[derive(sqlx::FromRow)]
struct UserRow {
    id: Uuid,
    version: i64,
    email: String,
    display_name: String,
    given_name: Option<String>,
    family_name: Option<String>,
    role: String,
    status: String,
    deactivated_by: Option<String>,
    connection_id: Option<Uuid>,
    external_id: Option<String>,
}

macro_rules! columns {
    () => {
        "id, version, email, display_name, given_name, family_name, role, status, deactivated_by, connection_id, \
         external_id"
    };
}

impl TryFrom<UserRow> for LocalUser {
    type Error = StoreError;

    fn try_from(row: UserRow) -> Result<Self, StoreError> {
        let place = Place { table: "users", row: &row.id };
        let link = match (row.connection_id, row.external_id) {
            (Some(connection), Some(external_id)) => Some(Link {
                connection: ConnectionId(connection),
                external_id: place.external_id("external_id", &external_id)?,
            }),
            _ => None,
        };
        Ok(Self {
            status: place.word("status", &row.status)?,
            deactivated_by: row.deactivated_by.map(|by| place.word("deactivated_by", &by)).transpose()?,
            id: UserId(row.id),
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

#[derive(sqlx::FromRow)]
struct RecordRow {
    #[sqlx(flatten)]
    user: UserRow,
    deactivated_run_id: Option<Uuid>,
    deactivated_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

macro_rules! record_columns {
    () => {
        concat!(columns!(), ", deactivated_run_id, deactivated_at, created_at, updated_at")
    };
}
use {columns, record_columns};

impl TryFrom<RecordRow> for UserRecord {
    type Error = StoreError;

    fn try_from(row: RecordRow) -> Result<Self, StoreError> {
        Ok(Self {
            user: row.user.try_into()?,
            deactivated_run: row.deactivated_run_id.map(RunId),
            deactivated_at: row.deactivated_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// What [`profile`] reads, by its place.
macro_rules! profile_columns {
    () => {
        "external_id, email, display_name, given_name, family_name, status, deactivated_by, id"
    };
}

fn profile(row: &PgRow) -> Result<Profile<'_>, StoreError> {
    let id: Uuid = row.try_get(7).map_err(failed)?;
    let place = Place { table: "users", row: &id };
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
struct LinkedRow {
    id: Uuid,
    version: i64,
    external_id: String,
    email: String,
    role: String,
}

impl TryFrom<LinkedRow> for LinkedUser {
    type Error = StoreError;

    fn try_from(row: LinkedRow) -> Result<Self, StoreError> {
        let place = Place { table: "users", row: &row.id };
        Ok(Self {
            external_id: place.external_id("external_id", &row.external_id)?,
            id: UserId(row.id),
            version: row.version,
            email: row.email,
            role: row.role,
        })
    }
}

#[derive(sqlx::FromRow)]
struct RoleRow {
    role: String,
    active: i64,
    linked: i64,
}

/// In the indexes' order, so that neighbouring keys are found on neighbouring pages; and each user once.
fn distinct<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut keys: Vec<&str> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

#[async_trait]
impl Users for PostgresStore {
    async fn users_by_external_id(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        ids: &[ExternalId],
    ) -> Result<Vec<LocalUser>, StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        let ids = distinct(ids.iter().map(ExternalId::as_str));
        sqlx::query_as::<_, UserRow>(concat!(
            "SELECT ",
            columns!(),
            r#" FROM unnest($3::text[]) AS wanted (wanted_id)
                CROSS JOIN LATERAL (
                    SELECT * FROM users
                    WHERE tenant_id = $1 AND connection_id = $2 AND external_id COLLATE "C" = wanted_id LIMIT 1
                ) AS u"#
        ))
        .persistent(false)
        .bind(tenant.0)
        .bind(connection.0)
        .bind(ids)
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?
        .into_iter()
        .map(LocalUser::try_from)
        .collect()
    }

    async fn users_by_email(&self, tenant: TenantId, emails: &[EmailKey]) -> Result<Vec<LocalUser>, StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        // No stored address has a NUL, and the server refuses to look for one.
        let keys = distinct(emails.iter().map(EmailKey::as_str).filter(|key| !key.contains('\0')));
        sqlx::query_as::<_, UserRow>(concat!(
            "SELECT ",
            columns!(),
            " FROM unnest($2::text[]) AS wanted (wanted_email)
                CROSS JOIN LATERAL (
                    SELECT * FROM users WHERE tenant_id = $1 AND email_key = wanted_email LIMIT 1
                ) AS u"
        ))
        .persistent(false)
        .bind(tenant.0)
        .bind(keys)
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?
        .into_iter()
        .map(LocalUser::try_from)
        .collect()
    }

    async fn linked_profiles(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        each: &mut EachProfile<'_>,
    ) -> Result<(), StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        let mut rows = sqlx::query(concat!(
            "SELECT ",
            profile_columns!(),
            " FROM users WHERE tenant_id = $1 AND connection_id = $2"
        ))
        .persistent(false)
        .bind(tenant.0)
        .bind(connection.0)
        .fetch(&mut *tx);
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            each(&profile(&row)?);
        }
        Ok(())
    }

    async fn active_linked_users(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        after: Option<&ExternalId>,
        limit: u32,
    ) -> Result<Vec<LinkedUser>, StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        sqlx::query_as::<_, LinkedRow>(
            r#"SELECT id, version, external_id, email, role FROM users
               WHERE tenant_id = $1 AND connection_id = $2 AND external_id COLLATE "C" > $3 AND status = 'active'
               ORDER BY external_id COLLATE "C" LIMIT $4"#,
        )
        .bind(tenant.0)
        .bind(connection.0)
        .bind(after.map_or("", ExternalId::as_str))
        .bind(i64::from(limit))
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?
        .into_iter()
        .map(LinkedUser::try_from)
        .collect()
    }

    async fn tenant_facts(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        protected_roles: &[String],
    ) -> Result<TenantFacts, StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        // One walk over the tenant's active users answers both questions; roles are few.
        let rows = sqlx::query_as::<_, RoleRow>(
            "SELECT role, count(*) AS active, count(*) FILTER (WHERE connection_id = $2) AS linked FROM users
             WHERE tenant_id = $1 AND status = 'active' GROUP BY role",
        )
        .bind(tenant.0)
        .bind(connection.0)
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?;
        let ignored: i64 = sqlx::query_scalar(
            r#"SELECT count(*) FROM ignored_users i JOIN users u
                   ON u.tenant_id = $1 AND u.connection_id = $2 AND u.external_id COLLATE "C" = i.external_id
               WHERE i.tenant_id = $1 AND i.connection_id = $2 AND u.status = 'active'"#,
        )
        .bind(tenant.0)
        .bind(connection.0)
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
        let place = Place { table: "users", row: &tenant };
        let mut facts = TenantFacts { active_linked: 0, active_by_role: BTreeMap::new() };
        for row in rows {
            facts.active_linked += place.number::<u64>("connection_id", row.linked)?;
            if protected_roles.contains(&row.role) {
                facts.active_by_role.insert(row.role, place.number("role", row.active)?);
            }
        }
        facts.active_linked = facts.active_linked.saturating_sub(place.number("connection_id", ignored)?);
        Ok(facts)
    }

    async fn link_user(
        &self,
        by: &Actor,
        tenant: TenantId,
        user: UserId,
        connection: ConnectionId,
        external_id: &ExternalId,
    ) -> Result<Linking, StoreError> {
        persistently(|| link::link(&self.access, by, tenant, user, connection, external_id)).await
    }

    async fn unlink_user(&self, by: &Actor, tenant: TenantId, user: UserId) -> Result<Option<UserRecord>, StoreError> {
        persistently(|| link::unlink(&self.access, by, tenant, user)).await
    }

    async fn user(&self, tenant: TenantId, id: UserId) -> Result<Option<UserRecord>, StoreError> {
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        sqlx::query_as::<_, RecordRow>(concat!(
            "SELECT ",
            record_columns!(),
            " FROM users WHERE tenant_id = $1 AND id = $2"
        ))
        .bind(tenant.0)
        .bind(id.0)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?
        .map(UserRecord::try_from)
        .transpose()
    }

    async fn users(&self, tenant: TenantId, filter: &UserFilter, page: IdPage) -> Result<Vec<UserRecord>, StoreError> {
        if filter.email.as_ref().is_some_and(|key| key.as_str().contains('\0')) {
            return Ok(Vec::new());
        }
        let mut tx = self.access.tenant(tenant).await.map_err(failed)?;
        sqlx::query_as::<_, RecordRow>(concat!(
            "SELECT ",
            record_columns!(),
            " FROM users WHERE tenant_id = $1 AND id > $2
                AND ($3::uuid IS NULL OR connection_id = $3)
                AND ($4::text IS NULL OR status = $4)
                AND ($5::text IS NULL OR email_key = $5)
                ORDER BY id LIMIT $6"
        ))
        // Here it is also knowing which filters are there that lets the server choose an index.
        .persistent(false)
        .bind(tenant.0)
        .bind(ascending(page.after))
        .bind(filter.connection.map(|id| id.0))
        .bind(filter.status.map(directory_core::UserStatus::as_str))
        .bind(filter.email.as_ref().map(EmailKey::as_str))
        .bind(i64::from(page.limit))
        .fetch_all(&mut *tx)
        .await
        .map_err(failed)?
        .into_iter()
        .map(UserRecord::try_from)
        .collect()
    }
}
