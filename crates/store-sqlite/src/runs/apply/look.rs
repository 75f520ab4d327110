//! Looking: the batch's changes, and how the users stand that they are about or want something of.

use std::collections::HashSet;

use directory_core::{EmailKey, UserId};
use sqlx::SqliteConnection;
use store::{
    StoreError,
    batch::{Locked, Member, Standing},
};

use super::{Applying, Span};
use crate::{
    decode::{Place, to_json},
    error::failed,
    sql::to_apply,
};

#[derive(sqlx::FromRow)]
struct MemberRow {
    seq: i64,
    action: String,
    deactivates: bool,
    user_id: Option<String>,
    user_version: Option<i64>,
    email: Option<String>,
    external_id: Option<String>,
}

impl MemberRow {
    fn read(self, run: &str) -> Result<Member, StoreError> {
        let row = format!("{run}/{}", self.seq);
        let place = Place { table: "sync_changes", row: &row };
        let user = self.user_id.ok_or_else(|| place.corrupt("user_id"))?;
        Ok(Member {
            seq: place.number("seq", self.seq)?,
            action: place.word("action", &self.action)?,
            user: place.id("user_id", &user)?,
            version: self.user_version,
            email: self.email.as_deref().map(EmailKey::of),
            link: self.external_id,
            deactivates: self.deactivates,
        })
    }
}

/// The changes of a span that are to be applied still, in their order.
pub(super) async fn members(
    connection: &mut SqliteConnection,
    run: &Applying,
    span: &Span,
    limit: Option<u32>,
) -> Result<Vec<Member>, StoreError> {
    let rows: Vec<MemberRow> = sqlx::query_as(concat!(
        "SELECT c.seq, c.action, c.deactivates, c.user_id, c.user_version, c.after ->> 'email' AS email,
             c.after ->> 'externalId' AS external_id
         FROM sync_changes AS c
         WHERE c.tenant_id = ?1 AND c.run_id = ?2 AND c.entangled = ?3 AND c.seq > ?4 AND c.seq <= ?5 AND ",
        to_apply!(),
        " ORDER BY c.seq LIMIT ?6"
    ))
    .bind(&run.tenant)
    .bind(&run.run)
    .bind(span.entangled)
    .bind(span.after)
    .bind(span.through)
    // A negative limit is none.
    .bind(limit.map_or(-1, i64::from))
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    rows.into_iter().map(|row| row.read(&run.run)).collect()
}

/// The position of the plan's last change.
pub(super) async fn last_position(connection: &mut SqliteConnection, run: &Applying) -> Result<i64, StoreError> {
    sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM sync_changes WHERE tenant_id = ?1 AND run_id = ?2")
        .bind(&run.tenant)
        .bind(&run.run)
        .fetch_one(connection)
        .await
        .map_err(failed)
}

pub(super) async fn standing(
    connection: &mut SqliteConnection,
    run: &Applying,
    members: &[Member],
) -> Result<Standing, StoreError> {
    let mut standing = Standing::default();
    for row in users(connection, run, members).await? {
        let place = Place { table: "users", row: &row.id };
        let email = EmailKey::of(&row.email);
        let locked = Locked { version: row.version, email, linked: row.linked, role: row.role };
        standing.users.insert(place.id("id", &row.id)?, locked);
    }
    for HolderRow { id, email } in holders(connection, run, members).await? {
        let holder: UserId = Place { table: "users", row: &id }.id("id", &id)?;
        standing.holders.insert(EmailKey::of(&email), holder);
    }
    standing.linked = linked(connection, run, members).await?.into_iter().collect();
    let losing = standing.roles_that_lose(members);
    if !losing.is_empty() {
        for ProtectedRow { id, role } in protected(connection, run, &losing).await? {
            let user: UserId = Place { table: "users", row: &id }.id("id", &id)?;
            standing.protected.entry(role).or_default().insert(user);
        }
    }
    Ok(standing)
}

#[derive(sqlx::FromRow)]
struct ProtectedRow {
    id: String,
    role: String,
}

/// The active users of the protected ones among these roles.
async fn protected(
    connection: &mut SqliteConnection,
    run: &Applying,
    roles: &HashSet<String>,
) -> Result<Vec<ProtectedRow>, StoreError> {
    sqlx::query_as(
        "SELECT id, role FROM users
         WHERE tenant_id = ?1 AND status = 'active' AND role IN (SELECT value FROM json_each(?3)) AND role IN (
             SELECT protected.value FROM connections AS c, json_each(c.policy, '$.protectedRoles') AS protected
             WHERE c.tenant_id = ?1 AND c.id = ?2)",
    )
    .bind(&run.tenant)
    .bind(&run.connection)
    .bind(to_json(roles)?)
    .fetch_all(connection)
    .await
    .map_err(failed)
}

#[derive(sqlx::FromRow)]
struct UserRow {
    id: String,
    version: i64,
    email: String,
    linked: bool,
    role: String,
}

/// The members' users, as far as they exist.
async fn users(
    connection: &mut SqliteConnection,
    run: &Applying,
    members: &[Member],
) -> Result<Vec<UserRow>, StoreError> {
    let ids: Vec<UserId> = members.iter().map(|member| member.user).collect();
    sqlx::query_as(
        "SELECT id, version, email, connection_id IS NOT NULL AS linked, role FROM users
         WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))",
    )
    .bind(&run.tenant)
    .bind(to_json(&ids)?)
    .fetch_all(connection)
    .await
    .map_err(failed)
}

#[derive(sqlx::FromRow)]
struct HolderRow {
    id: String,
    email: String,
}

/// Who has the addresses that the members are to have.
async fn holders(
    connection: &mut SqliteConnection,
    run: &Applying,
    members: &[Member],
) -> Result<Vec<HolderRow>, StoreError> {
    let keys: Vec<&str> = members.iter().filter_map(|member| member.email.as_ref()).map(EmailKey::as_str).collect();
    sqlx::query_as(
        "SELECT id, email FROM users WHERE tenant_id = ?1 AND lower(email) IN (SELECT value FROM json_each(?2))",
    )
    .bind(&run.tenant)
    .bind(to_json(&keys)?)
    .fetch_all(connection)
    .await
    .map_err(failed)
}

/// Which of the external ids that the members are to be linked by are linked already.
async fn linked(
    connection: &mut SqliteConnection,
    run: &Applying,
    members: &[Member],
) -> Result<Vec<String>, StoreError> {
    let ids: Vec<&str> = members.iter().filter_map(|member| member.link.as_deref()).collect();
    sqlx::query_scalar(
        "SELECT external_id FROM users
         WHERE tenant_id = ?1 AND connection_id = ?2 AND external_id IN (SELECT value FROM json_each(?3))",
    )
    .bind(&run.tenant)
    .bind(&run.connection)
    .bind(to_json(&ids)?)
    .fetch_all(connection)
    .await
    .map_err(failed)
}
