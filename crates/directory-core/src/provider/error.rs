//! Failures of a directory, classified once, where they are understood.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The code of a failed run, the same for every provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunErrorCode {
    /// The credential is wrong.
    CredentialInvalid,
    /// The credential has expired.
    CredentialExpired,
    /// The directory does not know the application.
    AppNotFound,
    /// There is no such directory.
    DirectoryNotFound,
    /// A permission was not granted.
    PermissionMissing,
    /// The group that limits the scope does not exist.
    GroupNotFound,
    /// The directory asks for fewer requests.
    Throttled,
    /// The directory cannot be reached or answers with errors.
    ProviderUnavailable,
    /// The directory answered in a way that cannot be understood or trusted.
    ProviderProtocol,
    /// Our own database failed.
    StoreUnavailable,
    /// A defect of ours.
    Internal,
}

impl RunErrorCode {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CredentialInvalid => "credential_invalid",
            Self::CredentialExpired => "credential_expired",
            Self::AppNotFound => "app_not_found",
            Self::DirectoryNotFound => "directory_not_found",
            Self::PermissionMissing => "permission_missing",
            Self::GroupNotFound => "group_not_found",
            Self::Throttled => "throttled",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::ProviderProtocol => "provider_protocol",
            Self::StoreUnavailable => "store_unavailable",
            Self::Internal => "internal",
        }
    }
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// Nothing but wait. The provider has already retried within its own bounds.
    Transient {
        /// How long the directory asked to be left alone, from now.
        retry_after: Option<Duration>,
    },
    /// The listing's continuation has expired: drop what was listed and start over.
    ListingExpired,
    /// An administrator has to change something.
    Configuration,
    /// The answer makes no sense; neither waiting nor the administrator is known to help.
    Protocol,
}

/// Why a directory could not be read. Texts are for the administrator and hold no secret and no personal data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProviderError {
    /// What to do about it.
    pub kind: FailureKind,
    /// The run's error code.
    pub code: RunErrorCode,
    /// What happened, with the provider's own code where it gave one.
    pub message: String,
    /// The next step.
    pub hint: String,
    /// The provider's id of the failed request, for its support.
    pub request_id: Option<String>,
}
