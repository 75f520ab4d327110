//! What the product's users table says.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ConnectionId, ExternalId, UserId};

/// Whether a user may use the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UserStatus {
    /// May sign in.
    Active,
    /// May not; who decided so is in [`DeactivatedBy`].
    Inactive,
}

impl UserStatus {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

/// Who deactivated a user. Sync reverses only what the directory did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeactivatedBy {
    /// The account is disabled in the directory.
    DirectoryDisabled,
    /// The account is not in the listing any more.
    DirectoryAbsent,
    /// A person in the product.
    Admin,
}

impl DeactivatedBy {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DirectoryDisabled => "directory_disabled",
            Self::DirectoryAbsent => "directory_absent",
            Self::Admin => "admin",
        }
    }
}

/// The tie between a local user and a directory user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The connection whose user this is.
    pub connection: ConnectionId,
    /// The user's id in that directory.
    pub external_id: ExternalId,
}

/// A row of the users table, as far as reconciling needs it.
#[derive(Clone, PartialEq, Eq)]
pub struct LocalUser {
    /// Primary key.
    pub id: UserId,
    /// Moves with every write, whoever writes; a change is applied only to the version that its plan saw.
    pub version: i64,
    /// E-mail address as stored.
    pub email: String,
    /// Name to show.
    pub display_name: String,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// Role in the product. Set on creation, then the product's own.
    pub role: String,
    /// Active or not.
    pub status: UserStatus,
    /// Who made it inactive; `None` on an inactive row means a person did.
    pub deactivated_by: Option<DeactivatedBy>,
    /// `None`: a local user.
    pub link: Option<Link>,
}

impl LocalUser {
    /// Inactive, and not because of the directory: only a person may reverse it.
    #[must_use]
    pub fn suspended_by_a_person(&self) -> bool {
        suspended_by_a_person(self.status, self.deactivated_by)
    }
}

fn suspended_by_a_person(status: UserStatus, by: Option<DeactivatedBy>) -> bool {
    status == UserStatus::Inactive && matches!(by, None | Some(DeactivatedBy::Admin))
}

impl fmt::Debug for LocalUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalUser")
            .field("id", &self.id)
            .field("version", &self.version)
            .field("status", &self.status)
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}

/// What of a linked user a directory decides, as it is stored; borrowed, since of most nothing is kept.
#[derive(Clone, Copy)]
pub struct Profile<'a> {
    /// The user's id in the directory.
    pub external_id: &'a str,
    /// E-mail address.
    pub email: &'a str,
    /// Name to show.
    pub display_name: &'a str,
    /// First name.
    pub given_name: Option<&'a str>,
    /// Last name.
    pub family_name: Option<&'a str>,
    /// Active or not.
    pub status: UserStatus,
    /// See [`LocalUser::deactivated_by`].
    pub deactivated_by: Option<DeactivatedBy>,
}

impl Profile<'_> {
    /// See [`LocalUser::suspended_by_a_person`].
    pub(crate) fn suspended_by_a_person(&self) -> bool {
        suspended_by_a_person(self.status, self.deactivated_by)
    }
}

impl fmt::Debug for Profile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("external_id", &self.external_id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// An active user linked to the connection: what finding the absent ones needs, and no more.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkedUser {
    /// Primary key.
    pub id: UserId,
    /// See [`LocalUser::version`].
    pub version: i64,
    /// The user's id in the directory.
    pub external_id: ExternalId,
    /// E-mail address as stored.
    pub email: String,
    /// Role in the product.
    pub role: String,
}

impl fmt::Debug for LinkedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkedUser")
            .field("id", &self.id)
            .field("external_id", &self.external_id)
            .finish_non_exhaustive()
    }
}
