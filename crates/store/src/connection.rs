//! Connections: a tenant's ties to directories.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::{ConnectionId, ConnectionSettings, Policy, TenantId};
use serde::{Deserialize, Serialize};

use crate::{IdPage, StoreError};

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
    /// When it synchronises by itself: a cron expression or `every 15m`; `None` is by hand.
    pub schedule: Option<String>,
    /// See [`ConnectionState`].
    pub state: ConnectionState,
    /// Why it is in that state.
    pub state_reason: Option<String>,
    /// When the credential was last set.
    pub credential_updated_at: DateTime<Utc>,
    /// When the credential ends, as far as known.
    pub credential_expires_at: Option<DateTime<Utc>>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Connection {
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
    /// The sealed credential.
    pub sealed_credential: Vec<u8>,
    /// When the credential ends, as far as known.
    pub credential_expires_at: Option<DateTime<Utc>>,
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

/// The connections.
#[async_trait]
pub trait Connections: Send + Sync {
    /// Registers a connection.
    async fn create_connection(&self, connection: &NewConnection) -> Result<Connection, StoreError>;

    /// A tenant's connection.
    async fn connection(&self, tenant: TenantId, id: ConnectionId) -> Result<Option<Connection>, StoreError>;

    /// A tenant's connections, oldest first.
    async fn connections(&self, tenant: TenantId, page: IdPage) -> Result<Vec<Connection>, StoreError>;

    /// The sealed credential of a tenant's connection.
    async fn sealed_credential(&self, tenant: TenantId, id: ConnectionId) -> Result<Option<Vec<u8>>, StoreError>;
}
