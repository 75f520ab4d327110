//! Linking and unlinking by hand.

use directory_core::{ConnectionId, ExternalId, Link, TenantId, UserId};
use sqlx::PgConnection;
use store::{Actor, AuditRecord, EventKind, Linking, UserRecord};
use uuid::Uuid;

use super::{RecordRow, columns, record_columns};
use crate::{
    access::Access,
    audit, connections,
    error::{Fault, violates},
    events, runs,
};

pub(super) async fn link(
    access: &Access,
    by: &Actor,
    tenant: TenantId,
    user: UserId,
    connection: ConnectionId,
    external_id: &ExternalId,
) -> Result<Linking, Fault> {
    // Who gets in between and links the directory user to somebody else is found by the next look.
    loop {
        let mut tx = access.tenant(tenant).await?;
        let Some(record) = lock(&mut tx, tenant, user).await? else { return Ok(Linking::NoUser) };
        if !connections::keep(&mut tx, tenant, connection).await? {
            return Ok(Linking::NoConnection);
        }
        let wanted = Link { connection, external_id: external_id.clone() };
        match &record.user.link {
            Some(link) if *link == wanted => return Ok(Linking::Linked(Box::new(record))),
            Some(_) => return Ok(Linking::UserIsLinked),
            None => {}
        }
        if let Some(other) = linked_to(&mut tx, tenant, &wanted).await? {
            return Ok(Linking::LinkedTo(other));
        }
        if !in_conflict(&mut tx, tenant, &wanted).await? {
            return Ok(Linking::UnknownDirectoryUser);
        }
        match set(&mut tx, tenant, user, Some(&wanted)).await {
            Ok(row) => {
                let linked = UserRecord::try_from(row)?;
                runs::continuation::forget_amid_a_run(&mut tx, tenant, connection).await?;
                audit::note(&mut tx, by, &AuditRecord::user_linked(tenant, &record.user, &linked.user)).await?;
                events::note_link(&mut tx, tenant, EventKind::UserLinked, &record.user, &linked.user).await?;
                tx.commit().await?;
                return Ok(Linking::Linked(Box::new(linked)));
            }
            Err(error) if violates(&error, "users_external") => tx.rollback().await?,
            Err(error) => return Err(error.into()),
        }
    }
}

pub(super) async fn unlink(
    access: &Access,
    by: &Actor,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<UserRecord>, Fault> {
    let mut tx = access.tenant(tenant).await?;
    let Some(record) = lock(&mut tx, tenant, user).await? else { return Ok(None) };
    let Some(link) = &record.user.link else { return Ok(Some(record)) };
    let local = UserRecord::try_from(set(&mut tx, tenant, user, None).await?)?;
    runs::continuation::forget(&mut tx, tenant, link.connection).await?;
    audit::note(&mut tx, by, &AuditRecord::user_unlinked(tenant, &record.user, &local.user)).await?;
    events::note_link(&mut tx, tenant, EventKind::UserUnlinked, &record.user, &local.user).await?;
    tx.commit().await?;
    Ok(Some(local))
}

async fn lock(tx: &mut PgConnection, tenant: TenantId, user: UserId) -> Result<Option<UserRecord>, Fault> {
    let row: Option<RecordRow> = sqlx::query_as(concat!(
        "SELECT ",
        record_columns!(),
        " FROM users WHERE tenant_id = $1 AND id = $2 FOR NO KEY UPDATE"
    ))
    .bind(tenant.0)
    .bind(user.0)
    .fetch_optional(tx)
    .await?;
    Ok(row.map(UserRecord::try_from).transpose()?)
}

async fn linked_to(tx: &mut PgConnection, tenant: TenantId, link: &Link) -> Result<Option<UserId>, sqlx::Error> {
    let user: Option<Uuid> = sqlx::query_scalar(
        r#"SELECT id FROM users WHERE tenant_id = $1 AND connection_id = $2 AND external_id COLLATE "C" = $3"#,
    )
    .bind(tenant.0)
    .bind(link.connection.0)
    .bind(link.external_id.as_str())
    .fetch_optional(tx)
    .await?;
    Ok(user.map(UserId))
}

/// Whether the connection's newest plan has the directory user in conflict: then it is there, and nobody's here.
async fn in_conflict(tx: &mut PgConnection, tenant: TenantId, link: &Link) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT EXISTS (
             SELECT 1 FROM sync_changes WHERE tenant_id = $1 AND external_id = $3 AND action = 'conflict' AND run_id = (
                 SELECT id FROM sync_runs WHERE tenant_id = $1 AND connection_id = $2 AND plan_complete AND draft IS NULL
                 ORDER BY id DESC LIMIT 1
             )
         )",
    )
    .bind(tenant.0)
    .bind(link.connection.0)
    .bind(link.external_id.as_str())
    .fetch_one(tx)
    .await
}

/// The trigger moves the version, as with every write that is not sync's own.
async fn set(
    tx: &mut PgConnection,
    tenant: TenantId,
    user: UserId,
    link: Option<&Link>,
) -> Result<RecordRow, sqlx::Error> {
    sqlx::query_as(concat!(
        "UPDATE users SET connection_id = $3, external_id = $4 WHERE tenant_id = $1 AND id = $2 RETURNING ",
        record_columns!()
    ))
    .bind(tenant.0)
    .bind(user.0)
    .bind(link.map(|link| link.connection.0))
    .bind(link.map(|link| link.external_id.as_str()))
    .fetch_one(tx)
    .await
}
