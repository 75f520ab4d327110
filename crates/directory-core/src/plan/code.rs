//! Why the engine refused a change, and what an administrator can do about it.

use serde::{Deserialize, Serialize};

/// The reason of a conflict or of a protected user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeCode {
    /// The directory user has no usable e-mail address.
    NoEmail,
    /// The address belongs to a user here who keeps it: one linked to another directory user or connection, or a local
    /// one.
    EmailTaken,
    /// Two directory users have the same address.
    DuplicateEmail,
    /// Two directory users fit one local user.
    AmbiguousMatch,
    /// A local user has the address, and the policy does not let the connection take it over.
    AdoptionNotAllowed,
    /// The directory's record could not be read.
    UnreadableRecord,
    /// A person deactivated the user here.
    SuspendedLocally,
    /// The user is the last active one of a protected role.
    LastOfProtectedRole,
}

impl ChangeCode {
    /// The word in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoEmail => "no_email",
            Self::EmailTaken => "email_taken",
            Self::DuplicateEmail => "duplicate_email",
            Self::AmbiguousMatch => "ambiguous_match",
            Self::AdoptionNotAllowed => "adoption_not_allowed",
            Self::UnreadableRecord => "unreadable_record",
            Self::SuspendedLocally => "suspended_locally",
            Self::LastOfProtectedRole => "last_of_protected_role",
        }
    }

    /// What happened and the next step, for the administrator.
    #[must_use]
    pub fn message(self) -> &'static str {
        match self {
            Self::NoEmail => {
                "The directory user has no usable e-mail address. Set its mail attribute or its user principal name in \
                 the directory; the next run takes it up. Or let the connection ignore it."
            }
            Self::EmailTaken => {
                "The e-mail address belongs to another user here, who keeps it. Change the address of one of the two; the \
                 next run takes it up. Or let the connection ignore the directory user; or, where that user is linked to a \
                 connection that is gone, unlink it."
            }
            Self::DuplicateEmail => {
                "Another directory user has the same e-mail address and keeps it. Correct one of the two in the \
                 directory; the next run takes it up. Or let the connection ignore this one."
            }
            Self::AmbiguousMatch => {
                "Several directory users have the e-mail address of one local user, so none was linked to it. Correct \
                 the addresses in the directory, or link the right one by hand; the next run takes it up."
            }
            Self::AdoptionNotAllowed => {
                "A local user has this e-mail address, and the connection's policy does not let it be linked. Link the \
                 two by hand, allow adoption for its domain, or change the local user's address; the next run takes it up."
            }
            Self::UnreadableRecord => {
                "The directory sent a record that could not be read; the user was left as it is. If the record has no \
                 id, nobody was treated as absent in this run. Check the object in the directory and run again."
            }
            Self::SuspendedLocally => {
                "A person deactivated this user here, so the sync leaves it alone. Activate it here if it should be \
                 synchronised again."
            }
            Self::LastOfProtectedRole => {
                "The user is the last active one of a protected role and was not deactivated. Give the role to another \
                 active user; the next run deactivates this one."
            }
        }
    }
}
