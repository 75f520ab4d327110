//! The product's users.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::{
    ConnectionId, EmailKey, ExternalId, LinkedUser, LocalUser, Profile, RunId, TenantFacts, TenantId, UserId,
    UserStatus,
};

use crate::{Actor, IdPage, StoreError};

/// A row of the users table as administrators read it: with its history's facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// The row as reconciling sees it.
    pub user: LocalUser,
    /// The run that deactivated the user.
    pub deactivated_run: Option<RunId>,
    /// When the user was deactivated.
    pub deactivated_at: Option<DateTime<Utc>>,
    /// When the row was made.
    pub created_at: DateTime<Utc>,
    /// When the row last changed.
    pub updated_at: DateTime<Utc>,
}

/// Which users to list; `None` is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Linked to this connection.
    pub connection: Option<ConnectionId>,
    /// In this status.
    pub status: Option<UserStatus>,
    /// With this address, whatever its case.
    pub email: Option<EmailKey>,
}

/// What came of linking a user by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linking {
    /// The user is linked so, now or before.
    Linked(Box<UserRecord>),
    /// The user is linked to another directory user.
    UserIsLinked,
    /// The directory user is linked to this other user.
    LinkedTo(UserId),
    /// The connection's newest plan has no such directory user in conflict, so that it may be a typing mistake or have
    /// left; linked to it, the user would be taken for absent.
    UnknownDirectoryUser,
    /// The tenant has no such connection.
    NoConnection,
    /// The tenant has no such user.
    NoUser,
}

/// Hears of a user, without keeping the row.
pub type EachProfile<'a> = dyn FnMut(&Profile<'_>) + Send + 'a;

/// The users table. Sync writes it only through [`crate::Runs::apply_batch`]; people link and unlink users here.
#[async_trait]
pub trait Users: Send + Sync {
    /// Users linked to the connection by these ids, in any order.
    async fn users_by_external_id(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        ids: &[ExternalId],
    ) -> Result<Vec<LocalUser>, StoreError>;

    /// The tenant's users with these addresses, whatever their case, in any order.
    async fn users_by_email(&self, tenant: TenantId, emails: &[EmailKey]) -> Result<Vec<LocalUser>, StoreError>;

    /// Tells of everybody who is linked to the connection, active or not: of each once, in any order, as of one moment.
    async fn linked_profiles(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        each: &mut EachProfile<'_>,
    ) -> Result<(), StoreError>;

    /// Active users linked to the connection, by external id in any total order that the store keeps to,
    /// after the given one.
    async fn active_linked_users(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        after: Option<&ExternalId>,
        limit: u32,
    ) -> Result<Vec<LinkedUser>, StoreError>;

    /// Counts that the engine's last step needs: the connection's active linked users, and the tenant's active users
    /// in each of the given roles (roles without any may be left out).
    async fn tenant_facts(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        protected_roles: &[String],
    ) -> Result<TenantFacts, StoreError>;

    /// Links a local user to a directory user who is in conflict. The next run brings it up to date.
    async fn link_user(
        &self,
        by: &Actor,
        tenant: TenantId,
        user: UserId,
        connection: ConnectionId,
        external_id: &ExternalId,
    ) -> Result<Linking, StoreError>;

    /// Makes a user a local one; `None` when the tenant has no such user.
    async fn unlink_user(&self, by: &Actor, tenant: TenantId, user: UserId) -> Result<Option<UserRecord>, StoreError>;

    /// One user of the tenant.
    async fn user(&self, tenant: TenantId, id: UserId) -> Result<Option<UserRecord>, StoreError>;

    /// The tenant's users by id.
    async fn users(&self, tenant: TenantId, filter: &UserFilter, page: IdPage) -> Result<Vec<UserRecord>, StoreError>;
}
