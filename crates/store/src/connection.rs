//! Connections: a tenant's ties to directories.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, ConnectionSettings, CredentialKind, ExternalId, Policy, TenantId};
use serde::{Deserialize, Serialize};

use crate::{Actor, ExternalPage, IdPage, StoreError};

/// Whether a connection synchronises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionState {
    /// It does.
    Active,
    /// An administrator stopped its schedule.
    Paused,
    /// Its configuration has to be mended first; the reason says how.
    Quarantined,
}

impl ConnectionState {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Quarantined => "quarantined",
        }
    }
}

/// A connection, without its credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Primary key.
    pub id: ConnectionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The kind of directory, `entra` say.
    pub provider: String,
    /// Name to show.
    pub display_name: String,
    /// The directory's own id.
    pub directory_id: String,
    /// The client's id in that directory.
    pub client_id: String,
    /// The group that limits the scope.
    pub group_id: Option<String>,
    /// The provider's cloud.
    pub cloud: String,
    /// Role of users that the connection creates.
    pub default_role: String,
    /// The rules.
    pub policy: Policy,
    /// When it synchronises by itself, as a [`Schedule`](crate::Schedule) reads; `None` is by hand.
    pub schedule: Option<String>,
    /// When it synchronises next by itself; `None` while it is paused or synchronised by hand.
    pub next_sync_at: Option<DateTime<Utc>>,
    /// See [`ConnectionState`].
    pub state: ConnectionState,
    /// Why it is in that state.
    pub state_reason: Option<String>,
    /// Since when it is quarantined.
    pub quarantined_at: Option<DateTime<Utc>>,
    /// Until when its schedule leaves a held plan to a person; `None` while no plan of it is held.
    pub held_until: Option<DateTime<Utc>>,
    /// Runs in a row that failed of what is not its fault, and passes by itself.
    pub setbacks: u32,
    /// It took up the users of a deleted connection with another group, and no run of it has been applied yet.
    pub new_scope: bool,
    /// What kind of credential it has.
    pub credential_kind: CredentialKind,
    /// When the credential was last set.
    pub credential_updated_at: DateTime<Utc>,
    /// When the credential ends, as far as known.
    pub credential_expires_at: Option<DateTime<Utc>>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// What a run is to go by instead of what its connection says: a change of scope or policy that is tried before it is
/// made. Stored with the run, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// See [`Connection::group_id`].
    pub group_id: Option<String>,
    /// See [`Connection::default_role`].
    pub default_role: String,
    /// See [`Connection::policy`].
    pub policy: Policy,
}

impl Connection {
    /// The connection as a run is to see it: as the draft would have it, where there is one.
    #[must_use]
    pub fn drafted(self, draft: Option<&Draft>) -> Self {
        let Some(draft) = draft.cloned() else { return self };
        Self { group_id: draft.group_id, default_role: draft.default_role, policy: draft.policy, ..self }
    }

    /// What its provider needs to know.
    #[must_use]
    pub fn settings(&self) -> ConnectionSettings {
        ConnectionSettings {
            directory_id: self.directory_id.clone(),
            client_id: self.client_id.clone(),
            group_id: self.group_id.clone(),
            include_nested_groups: self.policy.include_nested_groups,
            cloud: Some(self.cloud.clone()),
        }
    }
}

/// A connection to register. Its credential is sealed already.
#[derive(Clone, PartialEq, Eq)]
pub struct NewConnection {
    /// Primary key.
    pub id: ConnectionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The kind of directory.
    pub provider: String,
    /// Name to show.
    pub display_name: String,
    /// The directory's own id.
    pub directory_id: String,
    /// The client's id in that directory.
    pub client_id: String,
    /// The group that limits the scope.
    pub group_id: Option<String>,
    /// The provider's cloud.
    pub cloud: String,
    /// Role of users that the connection creates.
    pub default_role: String,
    /// The rules.
    pub policy: Policy,
    /// See [`Connection::schedule`].
    pub schedule: Option<String>,
    /// The credential.
    pub credential: NewCredential,
}

/// A credential to store. It is sealed already.
#[derive(Clone, PartialEq, Eq)]
pub struct NewCredential {
    /// What kind it is.
    pub kind: CredentialKind,
    /// Sealed for its connection and kind.
    pub sealed: Vec<u8>,
    /// When it ends, as far as known.
    pub expires_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCredential")
            .field("kind", &self.kind)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A credential as it is stored, and whose it is.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedCredential {
    /// Whose connection.
    pub tenant: TenantId,
    /// The connection.
    pub connection: ConnectionId,
    /// What kind it is.
    pub kind: CredentialKind,
    /// Sealed for its connection and kind.
    pub sealed: Vec<u8>,
}

impl fmt::Debug for SealedCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedCredential")
            .field("tenant", &self.tenant)
            .field("connection", &self.connection)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A credential whose end is known, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiringCredential {
    /// Whose connection.
    pub tenant: TenantId,
    /// The connection.
    pub connection: ConnectionId,
    /// What kind it is.
    pub kind: CredentialKind,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// A cloud that some connection is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CloudInUse {
    /// The kind of directory.
    pub provider: String,
    /// The provider's cloud.
    pub cloud: String,
}

impl fmt::Debug for NewConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewConnection")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("provider", &self.provider)
            .field("directory_id", &self.directory_id)
            .field("group_id", &self.group_id)
            .field("cloud", &self.cloud)
            .finish_non_exhaustive()
    }
}

/// What an administrator may change about a connection; each is the new value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionUpdate {
    /// See [`Connection::display_name`].
    pub display_name: String,
    /// See [`Connection::group_id`].
    pub group_id: Option<String>,
    /// See [`Connection::default_role`].
    pub default_role: String,
    /// See [`Connection::policy`].
    pub policy: Policy,
    /// See [`Connection::schedule`].
    pub schedule: Option<String>,
    /// Whether it is paused. A connection that is quarantined and not to be paused stays quarantined.
    pub paused: bool,
}

impl ConnectionUpdate {
    /// Whether a plan made before would be another one after it.
    #[must_use]
    pub fn alters_plans(&self, current: &Connection) -> bool {
        self.group_id != current.group_id || self.default_role != current.default_role || self.policy != current.policy
    }
}

impl From<ConnectionUpdate> for Draft {
    fn from(update: ConnectionUpdate) -> Self {
        Self { group_id: update.group_id, default_role: update.default_role, policy: update.policy }
    }
}

/// What came of updating a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdatedConnection {
    /// It is as it was asked for.
    Done(Box<Connection>),
    /// Somebody else changed it since it was read; read it again.
    Moved,
    /// The tenant has no such connection.
    NoConnection,
}

/// Whose users a registration may take up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directory<'a> {
    /// The kind of directory.
    pub provider: &'a str,
    /// The provider's cloud.
    pub cloud: &'a str,
    /// The directory's own id.
    pub directory_id: &'a str,
    /// The group that limits the scope.
    pub group_id: Option<&'a str>,
}

/// A directory user that a connection is told to leave alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoredUser {
    /// The directory user.
    pub external_id: ExternalId,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

/// The connections.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Registers a connection. [`StoreError::Conflict`] when the tenant has one of this id; the id of a deleted one is
    /// free, and ends to be a former connection's; see [`Connection::new_scope`] for one that had another group.
    async fn create_connection(&self, by: &Actor, connection: &NewConnection) -> Result<Connection, StoreError>;

    /// The id of a deleted connection of this directory, to be used again so that its users are governed again: one that
    /// has users, then the one with the same group, else the one deleted last.
    async fn former_connection(
        &self,
        tenant: TenantId,
        directory: Directory<'_>,
    ) -> Result<Option<ConnectionId>, StoreError>;

    /// Changes a connection, unless it was changed since `seen`, its [`Connection::updated_at`]. A held plan that was made
    /// with another scope or policy is superseded.
    async fn update_connection(
        &self,
        by: &Actor,
        tenant: TenantId,
        id: ConnectionId,
        seen: DateTime<Utc>,
        update: &ConnectionUpdate,
    ) -> Result<UpdatedConnection, StoreError>;

    /// Deletes a connection and its credential, and cancels its runs, held ones too. Its users, its history and whom it
    /// ignores stay; where the tenant has another connection of the same scope, the users are that one's from now on. `false` when the tenant has no such connection.
    async fn delete_connection(&self, by: &Actor, tenant: TenantId, id: ConnectionId) -> Result<bool, StoreError>;

    /// Directory users that the connection ignores, by external id in bytes' order.
    async fn ignored_users(
        &self,
        tenant: TenantId,
        connection: ConnectionId,
        page: ExternalPage,
    ) -> Result<Vec<IgnoredUser>, StoreError>;

    /// Makes a connection ignore a directory user; once is as good as twice. `false` when the tenant has no such
    /// connection.
    async fn ignore_user(
        &self,
        by: &Actor,
        tenant: TenantId,
        connection: ConnectionId,
        external_id: &ExternalId,
    ) -> Result<bool, StoreError>;

    /// Ends that. `false` when the directory user was not ignored.
    async fn heed_user(
        &self,
        by: &Actor,
        tenant: TenantId,
        connection: ConnectionId,
        external_id: &ExternalId,
    ) -> Result<bool, StoreError>;

    /// A tenant's connection.
    async fn connection(&self, tenant: TenantId, id: ConnectionId) -> Result<Option<Connection>, StoreError>;

    /// A tenant's connections, oldest first.
    async fn connections(&self, tenant: TenantId, page: IdPage) -> Result<Vec<Connection>, StoreError>;

    /// The sealed credential of a tenant's connection.
    async fn sealed_credential(
        &self,
        tenant: TenantId,
        id: ConnectionId,
    ) -> Result<Option<SealedCredential>, StoreError>;

    /// Gives a connection another credential, unless the connection was changed since `seen`, its
    /// [`Connection::updated_at`]; one that is known to work lifts a quarantine.
    async fn set_credential(
        &self,
        by: &Actor,
        tenant: TenantId,
        id: ConnectionId,
        seen: DateTime<Utc>,
        credential: &NewCredential,
        works: bool,
    ) -> Result<UpdatedConnection, StoreError>;

    /// Every tenant's credentials, by tenant and connection, after the given ones: what rotating keys walks over.
    async fn sealed_credentials(
        &self,
        after: Option<(TenantId, ConnectionId)>,
        limit: u32,
    ) -> Result<Vec<SealedCredential>, StoreError>;

    /// Every tenant's credentials that end before that time or with it, by tenant and connection, after the given ones.
    async fn expiring_credentials(
        &self,
        before: DateTime<Utc>,
        after: Option<(TenantId, ConnectionId)>,
        limit: u32,
    ) -> Result<Vec<ExpiringCredential>, StoreError>;

    /// The clouds that every tenant's connections are in, each once and in order.
    async fn clouds_in_use(&self) -> Result<Vec<CloudInUse>, StoreError>;

    /// Puts the same credential under another key, unless it is not the one that was read any more (`false`). To the
    /// connection nothing happens: neither of its times moves.
    async fn reseal_credential(&self, by: &Actor, read: &SealedCredential, sealed: &[u8]) -> Result<bool, StoreError>;
}
