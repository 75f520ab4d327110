//! API tokens. Only their hashes are stored.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use directory_core::TenantId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Actor, StoreError};

/// How exactly it is known when a token was last used.
pub const NOTED_EVERY: Duration = Duration::from_mins(1);

/// What a token's bearer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenRole {
    /// Everything in the tenant.
    Admin,
    /// Reads only.
    Viewer,
}

impl TokenRole {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Viewer => "viewer",
        }
    }
}

/// A token, without what would let anybody use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Primary key.
    pub id: Uuid,
    /// The tenant that it opens.
    pub tenant: TenantId,
    /// A name to know it by.
    pub name: String,
    /// What it allows.
    pub role: TokenRole,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is refused.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, to about a minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A token to make.
#[derive(Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Primary key.
    pub id: Uuid,
    /// The tenant that it opens.
    pub tenant: TenantId,
    /// A name to know it by.
    pub name: String,
    /// What it allows.
    pub role: TokenRole,
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// From when on it is refused.
    pub expires_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for NewToken {
    /// Shows neither the hash nor the name, which can be a person's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewToken")
            .field("id", &self.id)
            .field("tenant", &self.tenant)
            .field("role", &self.role)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The API tokens.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Makes a token.
    async fn create_token(&self, by: &Actor, token: &NewToken) -> Result<Token, StoreError>;

    /// The token with this hash, unless it is revoked or has expired by the database's clock.
    async fn usable_token(&self, hash: &[u8; 32]) -> Result<Option<Token>, StoreError>;

    /// A tenant's tokens, oldest first.
    async fn tokens(&self, tenant: TenantId) -> Result<Vec<Token>, StoreError>;

    /// Revokes a token; `false` when the tenant has no such token. Revoking twice keeps the first time.
    async fn revoke_token(&self, by: &Actor, tenant: TenantId, id: Uuid) -> Result<bool, StoreError>;

    /// Notes that a token is in use. It writes at most once in [`NOTED_EVERY`], however often and by however many
    /// processes it is told.
    async fn note_token_use(&self, tenant: TenantId, id: Uuid) -> Result<(), StoreError>;
}
