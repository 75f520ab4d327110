//! What a change says of a user, where it does not say all.

use std::fmt;

use directory_core::{AccountKind, DirectoryEntry};

/// A property that may be absent, which is not the same as null.
pub(super) type MaySay<T> = Option<Option<T>>;

/// The properties that were said.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(super) display_name: MaySay<String>,
    pub(super) given_name: MaySay<String>,
    pub(super) family_name: MaySay<String>,
    pub(super) mail: MaySay<String>,
    pub(super) user_principal_name: MaySay<String>,
    pub(super) enabled: MaySay<bool>,
    pub(super) kind: Option<AccountKind>,
}

impl Said {
    /// The user as it was read anew, with what was said: whoever answered the second time may not know of the change yet.
    pub(super) fn over(self, entry: DirectoryEntry) -> DirectoryEntry {
        let DirectoryEntry::Present(mut user) = entry else { return entry };
        user.display_name = self.display_name.unwrap_or(user.display_name);
        user.given_name = self.given_name.unwrap_or(user.given_name);
        user.family_name = self.family_name.unwrap_or(user.family_name);
        user.mail = self.mail.unwrap_or(user.mail);
        user.user_principal_name = self.user_principal_name.unwrap_or(user.user_principal_name);
        user.enabled = self.enabled.unwrap_or(user.enabled);
        user.kind = self.kind.unwrap_or(user.kind);
        DirectoryEntry::Present(user)
    }
}

/// Nobody's data.
impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said").field("enabled", &self.enabled).finish_non_exhaustive()
    }
}
