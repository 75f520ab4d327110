//! The product's users: reading, and linking by hand. Everything else is written by [`crate::runs`].

mod linking;
mod row;

use async_trait::async_trait;
use directory_core::{
    ConnectionId, EmailKey, ExternalId, LinkedUser, LocalUser, TenantFacts, TenantId, UserId, UserStatus,
};
use futures_util::TryStreamExt;
use store::{Actor, EachProfile, IdPage, Linking, StoreError, UserFilter, UserRecord, Users};

use self::row::{RecordRow, UserRow, find, profile, profile_columns, record_columns, user_columns};
use crate::{
    SqliteStore,
    decode::{Place, ascending, stored_id, to_json},
    error::failed,
};

#[derive(sqlx::FromRow)]
struct LinkedRow {
    id: String,
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
            id: place.id("id", &row.id)?,
            external_id: place.external_id("external_id", &row.external_id)?,
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

#[async_trait]
impl Users for SqliteStore {
    async fn users_by_external_id(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        ids: &[ExternalId],
    ) -> Result<Vec<LocalUser>, StoreError> {
        sqlx::query_as::<_, UserRow>(concat!(
            "SELECT ",
            user_columns!(),
            " FROM users
             WHERE tenant_id = ?1 AND connection_id = ?2 AND external_id IN (SELECT value FROM json_each(?3))"
        ))
        .bind(stored_id(tenant.0))
        .bind(stored_id(connection.0))
        .bind(to_json(ids)?)
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?
        .into_iter()
        .map(LocalUser::try_from)
        .collect()
    }

    async fn users_by_email(&self, tenant: TenantId, emails: &[EmailKey]) -> Result<Vec<LocalUser>, StoreError> {
        let keys: Vec<&str> = emails.iter().map(EmailKey::as_str).collect();
        sqlx::query_as::<_, UserRow>(concat!(
            "SELECT ",
            user_columns!(),
            " FROM users WHERE tenant_id = ?1 AND lower(email) IN (SELECT value FROM json_each(?2))"
        ))
        .bind(stored_id(tenant.0))
        .bind(to_json(&keys)?)
        .fetch_all(&self.reader)
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
        let mut rows = sqlx::query(concat!(
            "SELECT ",
            profile_columns!(),
            " FROM users WHERE tenant_id = ?1 AND connection_id = ?2"
        ))
        .bind(stored_id(tenant.0))
        .bind(stored_id(connection.0))
        .fetch(&self.reader);
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
        sqlx::query_as::<_, LinkedRow>(
            "SELECT id, version, external_id, email, role FROM users
             WHERE tenant_id = ?1 AND connection_id = ?2 AND external_id > ?3 AND status = 'active'
             ORDER BY external_id LIMIT ?4",
        )
        .bind(stored_id(tenant.0))
        .bind(stored_id(connection.0))
        .bind(after.map_or("", ExternalId::as_str))
        .bind(limit)
        .fetch_all(&self.reader)
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
        // One walk over the tenant's active users answers both questions; roles are few.
        let rows = sqlx::query_as::<_, RoleRow>(
            "SELECT role, count(*) AS active, count(*) FILTER (WHERE connection_id = ?2) AS linked FROM users
             WHERE tenant_id = ?1 AND status = 'active' GROUP BY role",
        )
        .bind(stored_id(tenant.0))
        .bind(stored_id(connection.0))
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?;
        let ignored: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM ignored_users AS i JOIN users AS u
                 ON u.tenant_id = ?1 AND u.connection_id = ?2 AND u.external_id = i.external_id
             WHERE i.tenant_id = ?1 AND i.connection_id = ?2 AND u.status = 'active'",
        )
        .bind(stored_id(tenant.0))
        .bind(stored_id(connection.0))
        .fetch_one(&self.reader)
        .await
        .map_err(failed)?;
        let tenant = stored_id(tenant.0);
        let place = Place { table: "users", row: &tenant };
        let mut facts = TenantFacts::default();
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
        linking::link(self, by, tenant, user, connection, external_id).await
    }

    async fn unlink_user(&self, by: &Actor, tenant: TenantId, user: UserId) -> Result<Option<UserRecord>, StoreError> {
        linking::unlink(self, by, tenant, user).await
    }

    async fn user(&self, tenant: TenantId, id: UserId) -> Result<Option<UserRecord>, StoreError> {
        find(&self.reader, tenant, id).await
    }

    async fn users(&self, tenant: TenantId, filter: &UserFilter, page: IdPage) -> Result<Vec<UserRecord>, StoreError> {
        // A statement is planned without its parameters, so an address needs its own to be looked up by its index.
        let sql = if filter.email.is_some() {
            concat!(
                "SELECT ",
                record_columns!(),
                " FROM users WHERE tenant_id = ?1 AND id > ?2 AND (?3 IS NULL OR connection_id = ?3)
                      AND (?4 IS NULL OR status = ?4) AND lower(email) = ?6
                  ORDER BY id LIMIT ?5"
            )
        } else {
            concat!(
                "SELECT ",
                record_columns!(),
                " FROM users WHERE tenant_id = ?1 AND id > ?2 AND (?3 IS NULL OR connection_id = ?3)
                      AND (?4 IS NULL OR status = ?4) AND ?6 IS NULL
                  ORDER BY id LIMIT ?5"
            )
        };
        sqlx::query_as::<_, RecordRow>(sql)
            .bind(stored_id(tenant.0))
            .bind(ascending(page.after))
            .bind(filter.connection.map(|id| stored_id(id.0)))
            .bind(filter.status.map(UserStatus::as_str))
            .bind(page.limit)
            .bind(filter.email.as_ref().map(EmailKey::as_str))
            .fetch_all(&self.reader)
            .await
            .map_err(failed)?
            .into_iter()
            .map(UserRecord::try_from)
            .collect()
    }
}
