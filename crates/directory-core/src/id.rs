//! Identifiers. Ours are UUIDs; the directory's are opaque text.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

uuid_id!(
    /// One customer of the product. Every stored row belongs to exactly one.
    TenantId
);
uuid_id!(
    /// A tenant's connection to one directory.
    ConnectionId
);
uuid_id!(
    /// One sync run of a connection.
    RunId
);
uuid_id!(
    /// A row of the product's users table.
    UserId
);

/// The directory's own, stable id of a user: opaque text, compared exactly.
///
/// Entra's is the object id, a GUID that is never reused (protocol reference §2.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExternalId(String);

impl ExternalId {
    /// The longest id that is taken, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// An id from the directory; `None` when it is empty, too long or holds control characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let usable = !text.is_empty() && text.len() <= Self::MAX_BYTES && !text.chars().any(char::is_control);
        usable.then(|| Self(text.to_owned()))
    }

    /// The id as the directory wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
