//! What a directory says about its users.

use std::fmt;

use crate::ExternalId;

/// A person's relationship to the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// Belongs to the organisation.
    Member,
    /// Was invited from elsewhere.
    Guest,
}

/// A user as the directory holds it: text as it came, not yet normalised. Every attribute but the id may be missing.
#[derive(Clone, PartialEq, Eq)]
pub struct DirectoryUser {
    /// The directory's stable id.
    pub external_id: ExternalId,
    /// The sign-in name; often, not always, an e-mail address. `None` where it is known to be no address of the user.
    pub user_principal_name: Option<String>,
    /// The primary e-mail address.
    pub mail: Option<String>,
    /// The name to show.
    pub display_name: Option<String>,
    /// First name.
    pub given_name: Option<String>,
    /// Last name.
    pub family_name: Option<String>,
    /// Whether the account may sign in. `None`: the directory did not say, so an existing user keeps its status and a
    /// new one starts inactive.
    pub enabled: Option<bool>,
    /// Member or guest.
    pub kind: AccountKind,
}

impl fmt::Debug for DirectoryUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryUser")
            .field("external_id", &self.external_id)
            .field("enabled", &self.enabled)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// One item of a listing, in the order in which it arrived: of several about one user the last one counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryEntry {
    /// The user exists and looks like this.
    Present(DirectoryUser),
    /// The user changed and looks like this, and may be in scope or not (incremental listings only). Whoever is linked and
    /// active is; of anybody else this says nothing.
    Changed(DirectoryUser),
    /// The user was removed (incremental listings only).
    Removed(ExternalId),
    /// The item could not be read. With its id it is known to exist; without one, nobody can be called absent.
    Unreadable(Option<ExternalId>),
}
