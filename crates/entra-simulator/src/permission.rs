//! Application permissions of Graph (protocol/entra.md §1.3).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// An application permission that an admin can consent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Permission {
    /// Read all users.
    #[serde(rename = "User.Read.All")]
    UserReadAll,
    /// Read and write all users.
    #[serde(rename = "User.ReadWrite.All")]
    UserReadWriteAll,
    /// Read all group memberships.
    #[serde(rename = "GroupMember.Read.All")]
    GroupMemberReadAll,
    /// Read and write all group memberships.
    #[serde(rename = "GroupMember.ReadWrite.All")]
    GroupMemberReadWriteAll,
    /// Read all groups.
    #[serde(rename = "Group.Read.All")]
    GroupReadAll,
    /// Read and write all groups.
    #[serde(rename = "Group.ReadWrite.All")]
    GroupReadWriteAll,
    /// Read the directory.
    #[serde(rename = "Directory.Read.All")]
    DirectoryReadAll,
    /// Read and write the directory.
    #[serde(rename = "Directory.ReadWrite.All")]
    DirectoryReadWriteAll,
}

impl Permission {
    const fn reads_users(self) -> bool {
        matches!(
            self,
            Self::UserReadAll | Self::UserReadWriteAll | Self::DirectoryReadAll | Self::DirectoryReadWriteAll
        )
    }

    const fn reads_groups(self) -> bool {
        !matches!(self, Self::UserReadAll | Self::UserReadWriteAll)
    }
}

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) users: bool,
    pub(crate) groups: bool,
}

impl Grant {
    pub(crate) fn of(permissions: &BTreeSet<Permission>) -> Self {
        Self {
            users: permissions.iter().any(|permission| permission.reads_users()),
            groups: permissions.iter().any(|permission| permission.reads_groups()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_permission_reads_what_graph_says() {
        let grant = |permission| {
            let Grant { users, groups } = Grant::of(&BTreeSet::from([permission]));
            (users, groups)
        };
        assert_eq!(grant(Permission::UserReadAll), (true, false));
        assert_eq!(grant(Permission::UserReadWriteAll), (true, false));
        assert_eq!(grant(Permission::GroupMemberReadAll), (false, true));
        assert_eq!(grant(Permission::GroupReadWriteAll), (false, true));
        assert_eq!(grant(Permission::DirectoryReadAll), (true, true));
        assert_eq!(Grant::of(&BTreeSet::new()), Grant { users: false, groups: false });
    }

    #[test]
    fn permissions_have_graphs_names() {
        let json = serde_json::to_string(&Permission::GroupMemberReadAll).expect("serializes");
        assert_eq!(json, "\"GroupMember.Read.All\"");
    }
}
