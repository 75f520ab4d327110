//! Reading what a batch is and how its users stand, each staged row and each user once.
//!
//! Keys are looked up one by one, in one statement: the `LATERAL` subqueries with a limit or a lock cannot be turned into
//! another kind of join. Left to itself on a table whose statistics lag behind, which a first sync always meets, the
//! planner compares every linked user with every key.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use directory_core::{Action, EmailKey, UserId};
use sqlx::PgConnection;
use store::{
    Lease, StoreError,
    batch::{Locked, Member, Standing},
};
use uuid::Uuid;

use super::Span;
use crate::{decode::Place, error::Fault};

/// The run, as far as applying needs it.
#[derive(sqlx::FromRow)]
pub(super) struct LeasedRun {
    #[sqlx(rename = "connection_id")]
    pub(super) connection: Uuid,
    pub(super) applied_through: Option<i64>,
}

/// The run, if the lease is ours. Not locked: heartbeats and people get at it while a batch is written, and the batch's
/// last statement finds out whether the lease still stands.
pub(super) async fn leased_run(tx: &mut PgConnection, lease: &Lease) -> Result<LeasedRun, Fault> {
    let run: Option<LeasedRun> = sqlx::query_as(
        "SELECT connection_id, applied_through FROM sync_runs
         WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND status = 'running' AND plan_complete",
    )
    .bind(lease.tenant.0)
    .bind(lease.run.0)
    .bind(lease.token)
    .fetch_optional(tx)
    .await?;
    run.ok_or(Fault::Store(StoreError::LeaseLost))
}

#[derive(sqlx::FromRow)]
struct MemberRow {
    seq: i64,
    action: String,
    user_id: Option<Uuid>,
    user_version: Option<i64>,
    email: Option<String>,
    link: Option<String>,
    deactivates: bool,
}

/// A new user's address is the change's own: no JSON has to be read for it.
macro_rules! members_where {
    ($condition:literal) => {
        concat!(
            r#"SELECT seq, action, user_id, user_version,
                   CASE WHEN action = 'create' THEN email ELSE after ->> 'email' END AS email,
                   CASE WHEN action = 'create' THEN external_id ELSE after ->> 'externalId' END AS link, deactivates
               FROM sync_changes
               WHERE tenant_id = $1 AND run_id = $2 AND outcome = 'planned'
                   AND action NOT IN ('conflict', 'protected') AND "#,
            $condition
        )
    };
}

/// The changes that are applied first and together.
pub(super) async fn entangled(tx: &mut PgConnection, lease: &Lease) -> Result<Vec<Member>, Fault> {
    let rows: Vec<MemberRow> = sqlx::query_as(members_where!("entangled ORDER BY seq"))
        .bind(lease.tenant.0)
        .bind(lease.run.0)
        .fetch_all(tx)
        .await?;
    members(rows, lease)
}

/// A batch of nothing but new users.
pub(super) struct NewUsers {
    pub(super) span: Span,
    pub(super) users: usize,
    /// Whether there are more changes behind it.
    pub(super) more: bool,
}

/// The next of the other changes, if those are nothing but new users.
pub(super) async fn new_users(
    tx: &mut PgConnection,
    lease: &Lease,
    after: i64,
    limit: i64,
) -> Result<Option<NewUsers>, Fault> {
    let (changes, creations, through, more): (i64, i64, Option<i64>, bool) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE place <= $4), count(*) FILTER (WHERE place <= $4 AND action = 'create'),
             max(seq) FILTER (WHERE place <= $4), count(*) > $4
         FROM (
             SELECT seq, action, row_number() OVER (ORDER BY seq) AS place FROM sync_changes
             WHERE tenant_id = $1 AND run_id = $2 AND outcome = 'planned' AND action NOT IN ('conflict', 'protected')
                 AND NOT entangled AND seq > $3
             ORDER BY seq LIMIT $4 + 1
         ) AS following",
    )
    .bind(lease.tenant.0)
    .bind(lease.run.0)
    .bind(after)
    .bind(limit)
    .fetch_one(tx)
    .await?;
    let span = through.filter(|_| changes == creations).map(|through| Span { entangled: false, after, through });
    let users = usize::try_from(creations).unwrap_or(usize::MAX);
    Ok(span.map(|span| NewUsers { span, users, more }))
}

/// The next of the other changes, and whether more follow them.
pub(super) async fn following(
    tx: &mut PgConnection,
    lease: &Lease,
    after: i64,
    limit: i64,
) -> Result<(Vec<Member>, bool), Fault> {
    let mut rows: Vec<MemberRow> =
        sqlx::query_as(members_where!("NOT entangled AND seq > $3 ORDER BY seq LIMIT $4 + 1"))
            .bind(lease.tenant.0)
            .bind(lease.run.0)
            .bind(after)
            .bind(limit)
            .fetch_all(tx)
            .await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok((members(rows, lease)?, more))
}

fn members(rows: Vec<MemberRow>, lease: &Lease) -> Result<Vec<Member>, Fault> {
    rows.into_iter().map(|row| Ok(row.into_member(lease)?)).collect()
}

/// A staged change, as an error names it.
struct Position<'a>(&'a Lease, i64);

impl fmt::Display for Position<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(lease, seq) = self;
        write!(f, "{}/{seq}", lease.run)
    }
}

impl MemberRow {
    fn into_member(self, lease: &Lease) -> Result<Member, StoreError> {
        let row = Position(lease, self.seq);
        let place = Place { table: "sync_changes", row: &row };
        let action: Action = place.word("action", &self.action)?;
        if action != Action::Create && self.user_version.is_none() {
            return Err(place.corrupt("user_version"));
        }
        Ok(Member {
            seq: place.number("seq", self.seq)?,
            action,
            user: UserId(self.user_id.ok_or_else(|| place.corrupt("user_id"))?),
            version: self.user_version,
            email: self.email.as_deref().map(EmailKey::of),
            link: self.link,
            deactivates: self.deactivates,
        })
    }
}

pub(super) async fn standing(
    tx: &mut PgConnection,
    lease: &Lease,
    connection: Uuid,
    members: &[Member],
) -> Result<Standing, Fault> {
    // Locked first: what the next two statements see of these users cannot change any more.
    let mut standing = Standing {
        users: lock_users(tx, lease, members).await?,
        holders: holders(tx, lease, members).await?,
        linked: linked(tx, lease, connection, members).await?,
        ..Standing::default()
    };
    standing.protected = protected(tx, lease, connection, &standing.roles_that_lose(members)).await?;
    Ok(standing)
}

/// The active users of the protected ones among these roles, locked, so that of two runs which each would deactivate one
/// of the last two the second one sees what the first one did.
async fn protected(
    tx: &mut PgConnection,
    lease: &Lease,
    connection: Uuid,
    roles: &HashSet<String>,
) -> Result<HashMap<String, HashSet<UserId>>, sqlx::Error> {
    if roles.is_empty() {
        return Ok(HashMap::new());
    }
    let roles: Vec<String> = sqlx::query_scalar(
        "SELECT role FROM connections CROSS JOIN LATERAL jsonb_array_elements_text(policy -> 'protectedRoles') AS role
         WHERE tenant_id = $1 AND id = $2 AND role = ANY ($3)",
    )
    .bind(lease.tenant.0)
    .bind(connection)
    .bind(roles.iter().collect::<Vec<_>>())
    .fetch_all(&mut *tx)
    .await?;
    if roles.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, Uuid)> = sqlx::query_as(
        "SELECT role, id FROM users WHERE tenant_id = $1 AND status = 'active' AND role = ANY ($2)
         ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(lease.tenant.0)
    .bind(roles)
    .fetch_all(tx)
    .await?;
    let mut protected: HashMap<String, HashSet<UserId>> = HashMap::new();
    for (role, user) in rows {
        protected.entry(role).or_default().insert(UserId(user));
    }
    Ok(protected)
}

async fn lock_users(
    tx: &mut PgConnection,
    lease: &Lease,
    members: &[Member],
) -> Result<HashMap<UserId, Locked>, sqlx::Error> {
    if members.is_empty() {
        return Ok(HashMap::new());
    }
    let mut ids: Vec<Uuid> = members.iter().map(|member| member.user.0).collect();
    // In the order of ids, so that writers who lock several users cannot wait for each other in a circle. Foreign keys
    // of the product's other tables to these users stay usable meanwhile: no key changes.
    ids.sort_unstable();
    ids.dedup();
    let rows: Vec<(Uuid, i64, String, bool, String)> = sqlx::query_as(
        "SELECT u.id, u.version, u.email, u.linked, u.role FROM unnest($2::uuid[]) AS wanted (id)
           CROSS JOIN LATERAL (
               SELECT id, version, email_key AS email, connection_id IS NOT NULL AS linked, role
               FROM users
               WHERE tenant_id = $1 AND id = wanted.id FOR NO KEY UPDATE
           ) AS u",
    )
    .bind(lease.tenant.0)
    .bind(ids)
    .fetch_all(tx)
    .await?;
    let locked = |(id, version, email, linked, role): (Uuid, i64, String, bool, String)| {
        (UserId(id), Locked { version, email: EmailKey::of(&email), linked, role })
    };
    Ok(rows.into_iter().map(locked).collect())
}

async fn holders(
    tx: &mut PgConnection,
    lease: &Lease,
    members: &[Member],
) -> Result<HashMap<EmailKey, UserId>, sqlx::Error> {
    let keys: Vec<&str> = members.iter().filter_map(|member| member.email.as_ref().map(EmailKey::as_str)).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, Uuid)> = sqlx::query_as(
        "SELECT wanted.email, u.id FROM unnest($2::text[]) AS wanted (email)
           CROSS JOIN LATERAL (
               SELECT id FROM users WHERE tenant_id = $1 AND email_key = wanted.email LIMIT 1
           ) AS u",
    )
    .bind(lease.tenant.0)
    .bind(keys)
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|(email, id)| (EmailKey::of(&email), UserId(id))).collect())
}

async fn linked(
    tx: &mut PgConnection,
    lease: &Lease,
    connection: Uuid,
    members: &[Member],
) -> Result<HashSet<String>, sqlx::Error> {
    let links: Vec<&str> = members.iter().filter_map(|member| member.link.as_deref()).collect();
    if links.is_empty() {
        return Ok(HashSet::new());
    }
    let rows: Vec<String> = sqlx::query_scalar(
        r#"SELECT wanted.external_id FROM unnest($3::text[]) AS wanted (external_id)
           CROSS JOIN LATERAL (
               SELECT 1 FROM users
               WHERE tenant_id = $1 AND connection_id = $2 AND external_id COLLATE "C" = wanted.external_id LIMIT 1
           ) AS u"#,
    )
    .bind(lease.tenant.0)
    .bind(connection)
    .bind(links)
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().collect())
}
