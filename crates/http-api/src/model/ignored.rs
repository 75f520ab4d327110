//! A directory user that a connection leaves alone, as it is shown.

use chrono::{DateTime, Utc};
use directory_core::ExternalId;
use serde::Serialize;
use store::IgnoredUser;
use utoipa::ToSchema;

/// A directory user that a connection is told to leave alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IgnoredUser)]
pub struct IgnoredUserView {
    /// The directory user.
    #[schema(value_type = String)]
    pub external_id: ExternalId,
    /// Since when.
    pub created_at: DateTime<Utc>,
}

impl From<IgnoredUser> for IgnoredUserView {
    fn from(user: IgnoredUser) -> Self {
        Self { external_id: user.external_id, created_at: user.created_at }
    }
}
